//! `verifier:explain` and `verifier:begin_explain`.

use std::ffi::c_int;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mlua::ffi::{self, lua_State};

use super::{BadArgument, optional, receiver, string, unix_time};
use crate::explain::{Diagnosis, Finding, MAX_OTHERS};
use crate::ledger::deferred::Ticket;
use crate::ledger::{Spent, Unavailable};
use crate::verify::Verifier;

/// `verifier:explain(jid, token [, unix_time [, others]])` -> name, sentence
pub(super) unsafe extern "C-unwind" fn explain(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with.
    unsafe {
        answer(state, |verifier, question| {
            let Question { jid, token, now, others } = question;
            Answer::Said(Said::of(&verifier.explain(jid, token, now, &others)))
        })
    }
}

/// `verifier:begin_explain(jid, token [, unix_time [, others]])` -> as `explain` | nil, ticket,
/// sentence if it is good, sentence if it was spent
pub(super) unsafe extern "C-unwind" fn begin_explain(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is the one Lua called with.
    unsafe { answer(state, begin) }
}

fn begin(verifier: &Verifier, question: Question<'_>) -> Answer {
    let Question { jid, token, now, others } = question;
    let (accepted, spending) = match verifier.diagnose(jid, token, now, &others) {
        Diagnosis::Faulty(findings) => return Answer::Said(Said::of(&findings)),
        Diagnosis::Sound(accepted, spending) => (accepted, spending),
    };
    let said = |seen| Said::of(&[verifier.conclude(accepted, seen, now)]);
    let ledger = verifier.ledger();
    match ledger.deferred().map(|ledger| ledger.begin_peek(&spending, now)) {
        None => Answer::Said(said(ledger.peek(&spending, now))),
        Some(Err(Unavailable)) => Answer::Said(said(Err(Unavailable))),
        Some(Ok(ticket)) => Answer::Later(ticket, [said(Ok(Spent::First)), said(Ok(Spent::Again))]),
    }
}

struct Question<'a> {
    jid: &'a [u8],
    token: &'a [u8],
    now: u64,
    others: Vec<&'a [u8]>,
}

/// Nothing in here wants to be dropped, so nothing is boxed: a Lua error may jump over it.
#[allow(clippy::large_enum_variant)]
enum Answer {
    Said(Said),
    Later(Ticket, [Said; 2]),
}

/// The name of the first finding and the sentences of all, which are short: there is room to spare.
#[derive(Clone, Copy)]
struct Said {
    name: &'static str,
    text: [u8; 4096],
    length: usize,
}

impl Said {
    fn of(findings: &[Finding]) -> Self {
        let name = findings.first().map_or("", Finding::name);
        let mut said = Self { name, text: [0; 4096], length: 0 };
        for (index, finding) in findings.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            // Writing does not fail.
            let _ = write!(said, "{separator}{finding}");
        }
        said
    }
}

impl fmt::Write for Said {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = text.len().min(self.text.len() - self.length);
        let whole = (0..=left).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        let text = text.get(..whole).unwrap_or_default();
        let room = self.text.iter_mut().skip(self.length);
        self.length += room.zip(text.bytes()).map(|(to, from)| *to = from).count();
        Ok(())
    }
}

unsafe fn answer(
    state: *mut lua_State,
    how: impl FnOnce(&Verifier, Question<'_>) -> Answer,
) -> c_int {
    // SAFETY: `state` is the one Lua called with.
    let outcome = catch_unwind(AssertUnwindSafe(|| unsafe {
        let verifier = receiver(state)?;
        Ok(how(verifier, question(state)?))
    }));
    // SAFETY: nothing here wants to be dropped; a C function has room for these results.
    unsafe {
        match outcome.map_err(std::mem::forget) {
            Ok(Ok(Answer::Said(said))) => {
                push(state, said.name.as_bytes());
                push_text(state, &said);
                2
            }
            Ok(Ok(Answer::Later(ticket, texts))) => {
                ffi::lua_pushnil(state);
                ffi::lua_pushinteger(state, ticket as ffi::lua_Integer);
                texts.iter().for_each(|text| push_text(state, text));
                4
            }
            Ok(Err((argument, expected))) => ffi::luaL_argerror(state, argument, expected.as_ptr()),
            Err(()) => ffi::luaL_error(state, c"xtoken: internal error".as_ptr()),
        }
    }
}

unsafe fn push_text(state: *mut lua_State, said: &Said) {
    // SAFETY: as for `push`.
    unsafe { push(state, said.text.get(..said.length).unwrap_or_default()) }
}

unsafe fn push(state: *mut lua_State, bytes: &[u8]) {
    // SAFETY: the caller knows that there is room; the bytes are copied.
    unsafe { ffi::lua_pushlstring(state, bytes.as_ptr().cast(), bytes.len()) };
}

unsafe fn question<'a>(state: *mut lua_State) -> Result<Question<'a>, BadArgument> {
    // SAFETY: what is on the stack stays in memory until the function that Lua called returns.
    unsafe {
        Ok(Question {
            jid: string(state, 2)?,
            token: string(state, 3)?,
            now: unix_time(state, 4)?,
            others: optional(state, 5, |state, index| list(state, index))?.unwrap_or_default(),
        })
    }
}

/// The strings of a list, not too many. Its table keeps them in memory.
unsafe fn list<'a>(state: *mut lua_State, index: c_int) -> Result<Vec<&'a [u8]>, BadArgument> {
    let bad = (index, c"list of strings expected, 256 at most");
    let mut strings = Vec::with_capacity(MAX_OTHERS);
    // SAFETY: pushes one value at a time and pops it; what is a string is not converted.
    unsafe {
        if ffi::lua_type(state, index) != ffi::LUA_TTABLE {
            return Err(bad);
        }
        for position in 1.. {
            ffi::lua_rawgeti(state, index, position);
            let is_full = strings.len() == MAX_OTHERS;
            let is_end = ffi::lua_type(state, -1) == ffi::LUA_TNIL;
            let read = if is_end { Ok(&[][..]) } else { string(state, -1) };
            ffi::lua_settop(state, -2);
            if is_end {
                break;
            }
            strings.push(read.ok().filter(|_| !is_full).ok_or(bad)?);
        }
    }
    Ok(strings)
}
