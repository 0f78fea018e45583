//! The results of the methods of a verifier, pushed onto Lua's stack.
//!
//! Pushing may raise a Lua error, which jumps over everything. So nothing here must be dropped, and
//! nothing is boxed.

use std::ffi::c_int;
use std::fmt::{self, Write as _};

use mlua::ffi::{self, lua_State};

use crate::submission::{Decision, Ticket};
use crate::verify::Accepted;
use crate::{Finding, Rejection};

/// What a method returns.
#[derive(Clone, Copy)]
#[allow(clippy::large_enum_variant)]
pub(super) enum Results {
    /// true, key_id, step_offset, nonce_length, clock_skew
    Accepted(Accepted),
    /// false, reason
    Refused(Rejection),
    /// nil, ticket
    Pending(Ticket),
    /// name, sentence
    Explained(Said),
    /// A number or nil.
    Number(Option<ffi::lua_Integer>),
}

/// The name of the first finding and the sentences of all. These are short: there is room to spare.
#[derive(Clone, Copy)]
pub(super) struct Said {
    name: &'static str,
    text: [u8; 4096],
    length: usize,
}

impl Results {
    pub(super) fn of_verified(result: Result<Accepted, Rejection>) -> Self {
        match result {
            Ok(accepted) => Self::Accepted(accepted),
            Err(rejection) => Self::Refused(rejection),
        }
    }

    pub(super) fn of_decision(decision: Decision) -> Self {
        match decision {
            Decision::Verified(result) => Self::of_verified(result),
            Decision::Explained(findings) => Self::Explained(Said::of(&findings)),
        }
    }

    /// Pushes the results, five at most, and returns how many they are.
    pub(super) unsafe fn push(&self, state: *mut lua_State) -> c_int {
        // SAFETY: the caller knows that there is room.
        unsafe {
            match self {
                Self::Accepted(accepted) => {
                    ffi::lua_pushboolean(state, 1);
                    push_string(state, accepted.key_id.as_bytes());
                    ffi::lua_pushinteger(state, accepted.step_offset as ffi::lua_Integer);
                    ffi::lua_pushinteger(state, accepted.nonce_length as ffi::lua_Integer);
                    push_number(state, accepted.clock_skew.map(|skew| skew as ffi::lua_Integer));
                    5
                }
                Self::Refused(rejection) => {
                    ffi::lua_pushboolean(state, 0);
                    push_string(state, rejection.name().as_bytes());
                    2
                }
                Self::Pending(ticket) => {
                    ffi::lua_pushnil(state);
                    ffi::lua_pushinteger(state, *ticket as ffi::lua_Integer);
                    2
                }
                Self::Explained(said) => {
                    push_string(state, said.name.as_bytes());
                    push_string(state, said.text.get(..said.length).unwrap_or_default());
                    2
                }
                Self::Number(number) => {
                    push_number(state, *number);
                    1
                }
            }
        }
    }
}

/// Sets `table[ticket] = { results }`. The table is on top of the stack.
pub(super) unsafe fn push_completion(state: *mut lua_State, ticket: Ticket, results: &Results) {
    // SAFETY: the caller knows that there is room for seven values; all are popped.
    unsafe {
        ffi::lua_pushinteger(state, ticket as ffi::lua_Integer); // table, ticket
        ffi::lua_createtable(state, 5, 0); // table, ticket, list
        let count = results.push(state);
        for at in (1..=count).rev() {
            // The list is below the values that are left.
            ffi::lua_rawseti(state, -at - 1, at.into());
        }
        ffi::lua_rawset(state, -3); // table
    }
}

unsafe fn push_string(state: *mut lua_State, bytes: &[u8]) {
    // SAFETY: the caller knows that there is room; the bytes are copied.
    unsafe { ffi::lua_pushlstring(state, bytes.as_ptr().cast(), bytes.len()) };
}

unsafe fn push_number(state: *mut lua_State, number: Option<ffi::lua_Integer>) {
    // SAFETY: the caller knows that there is room.
    unsafe {
        match number {
            Some(number) => ffi::lua_pushinteger(state, number),
            None => ffi::lua_pushnil(state),
        }
    }
}

impl Said {
    pub(super) fn of(findings: &[Finding]) -> Self {
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
    /// Appends what fits, cut at a character.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = text.len().min(self.text.len() - self.length);
        let whole = (0..=left).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        let text = text.get(..whole).unwrap_or_default();
        let room = self.text.iter_mut().skip(self.length);
        self.length += room.zip(text.bytes()).map(|(to, from)| *to = from).count();
        Ok(())
    }
}
