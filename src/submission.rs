//! Decisions for callers that must not wait, such as event loops: submit, wake, take completions.
//!
//! A ledger in a server needs time to answer. [`Verifier::submit`] then returns a [`Ticket`] and
//! does not wait. When the ledger has answered, the [descriptor](Verifier::descriptor) becomes
//! readable, and [`Verifier::completions`] returns the decisions. Other ledgers answer immediately
//! and give no tickets.
//!
//! Each ticket is answered exactly once, within the deadline of the ledger. Tickets belong to one
//! verifier; others that share its ledger have tickets and a descriptor of their own. A child of a
//! fork has no tickets and another descriptor.

use std::os::fd::BorrowedFd;

pub use crate::completions::Ticket;
use crate::explain::{Diagnosis, Finding};
use crate::ledger::{Outcome, Question};
use crate::rejection::Rejection;
use crate::verify::{Accepted, Answered, Verifier};

/// What is known immediately about a token that is not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// It is accepted.
    Accepted(Accepted),
    /// Only the ledger has not answered.
    Pending(Ticket),
}

/// What can be said immediately about why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// Everything: see [`Verifier::explain`].
    Findings(Vec<Finding>),
    /// Only the ledger has not answered.
    Pending(Ticket),
}

/// The answer to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What [`submit`](Verifier::submit) or [`submit_explain`](Verifier::submit_explain) returned.
    pub ticket: Ticket,
    /// What the verifier decided.
    pub decision: Decision,
}

/// What a verifier decided about a token that was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// What [`Verifier::verify`] would have returned.
    Verified(Result<Accepted, Rejection>),
    /// What [`Verifier::explain`] would have returned.
    Explained(Vec<Finding>),
}

impl Verifier {
    /// Accepts a token as [`verify`](Self::verify) does, but does not wait for the ledger.
    ///
    /// Returns [`Rejection::Unavailable`] if 65,536 tickets were not yet taken.
    pub fn submit(
        &self,
        jid: impl AsRef<[u8]>,
        token: impl AsRef<[u8]>,
        now: u64,
    ) -> Result<Submission, Rejection> {
        let (jid, token) = (jid.as_ref(), token.as_ref());
        if !self.ledger.answers_later() {
            return self.verify(jid, token, now).map(Submission::Accepted);
        }
        let (accepted, spending) = self.check_without_ledger(jid, token, now)?;
        let ticket = self.ask_later(Question::Spend(spending), now, accepted);
        ticket.map(Submission::Pending).ok_or(Rejection::Unavailable)
    }

    /// Explains a token as [`explain`](Self::explain) does, but does not wait for the ledger.
    pub fn submit_explain(
        &self,
        jid: impl AsRef<[u8]>,
        token: impl AsRef<[u8]>,
        now: u64,
        others: &[&[u8]],
    ) -> Explanation {
        let (accepted, spending) = match self.diagnose(jid.as_ref(), token.as_ref(), now, others) {
            Diagnosis::Refused(findings) => return Explanation::Findings(findings),
            Diagnosis::Sound(accepted, spending) => (accepted, spending),
        };
        let outcome = if self.ledger.answers_later() {
            let question = Question::Peek(spending);
            if let Some(ticket) = self.ask_later(question, now, accepted) {
                return Explanation::Pending(ticket);
            }
            Err(crate::ledger::Unavailable)
        } else {
            self.ledger.peek(&spending, now)
        };
        Explanation::Findings(vec![self.finding_of_outcome(accepted, outcome, now)])
    }

    /// Takes the first decisions, up to `at_most`. The descriptor stays readable while any are
    /// left.
    pub fn completions(&self, at_most: usize) -> Vec<Completion> {
        let answered = self.completions.take(at_most).into_iter();
        answered.map(|answered| self.complete(answered)).collect()
    }

    /// Returns the decision that comes after `skipped` others, and does not take it.
    #[cfg(feature = "mlua")]
    pub(crate) fn peek_completion(&self, skipped: usize) -> Option<Completion> {
        self.completions.peek(skipped).map(|answered| self.complete(answered))
    }

    /// Takes the first decisions as [`completions`](Self::completions) does, for a caller that has
    /// peeked at them.
    #[cfg(feature = "mlua")]
    pub(crate) fn discard_completions(&self, at_most: usize) {
        self.completions.discard(at_most);
    }

    /// Returns the descriptor that an event loop must watch: it is readable while there are
    /// [completions](Self::completions), and at times when there are none.
    ///
    /// Returns `None` before the first ticket. The descriptor belongs to the verifier, which alone
    /// reads from it and closes it.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.completions.descriptor()
    }

    /// Asks the ledger; `None` if it cannot be asked.
    fn ask_later(&self, question: Question, now: u64, accepted: Accepted) -> Option<Ticket> {
        let Some(reservation) = self.completions.reserve() else {
            self.ledger.note_exhausted();
            return None;
        };
        let ticket = reservation.ticket();
        let reply = move |outcome: Outcome| {
            reservation.fill(Answered { ticket, question, now, accepted, outcome });
        };
        self.ledger.submit(question, now, Box::new(reply)).ok().map(|()| ticket)
    }

    fn complete(&self, answered: Answered) -> Completion {
        let Answered { ticket, question, now, accepted, outcome } = answered;
        let decision = match question {
            Question::Spend(_) => Decision::Verified(accepted.unless_spent(outcome)),
            Question::Peek(_) => {
                Decision::Explained(vec![self.finding_of_outcome(accepted, outcome, now)])
            }
        };
        Completion { ticket, decision }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::ledger::{Ledger, Probe, Reply, Spending, Spent, Unavailable};
    use crate::{Key, Minter};

    const NOW: u64 = 1_700_000_010;
    const ALICE: &str = "alice@example.com";

    fn key() -> Key {
        Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "secret").unwrap()
    }

    /// Answers when the test says so.
    #[derive(Default)]
    struct Later {
        asked: Mutex<Vec<(Question, Reply)>>,
        is_full: Mutex<bool>,
    }

    impl Later {
        fn answer(&self, outcome: Outcome) -> Question {
            let (question, reply) = self.asked.lock().unwrap().remove(0);
            reply(outcome);
            question
        }
    }

    impl std::fmt::Debug for Later {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Later")
        }
    }

    impl Ledger for Later {
        fn spend(&self, _: &Spending, _: u64) -> Outcome {
            Err(Unavailable)
        }

        fn peek(&self, _: &Spending, _: u64) -> Outcome {
            Err(Unavailable)
        }

        fn probe(&self) -> Result<Probe, Unavailable> {
            Err(Unavailable)
        }

        fn answers_later(&self) -> bool {
            true
        }

        fn submit(&self, question: Question, _: u64, reply: Reply) -> Result<(), Unavailable> {
            if *self.is_full.lock().unwrap() {
                return Err(Unavailable);
            }
            self.asked.lock().unwrap().push((question, reply));
            Ok(())
        }
    }

    fn submit(verifier: &Verifier) -> Ticket {
        let token = Minter::new(key()).mint(ALICE, NOW).unwrap();
        match verifier.submit(ALICE, &token, NOW) {
            Ok(Submission::Pending(ticket)) => ticket,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn completions_are_decisions() {
        let ledger = Arc::new(Later::default());
        let verifier = Verifier::new(vec![key()], ledger.clone()).unwrap();
        assert!(verifier.descriptor().is_none() && verifier.completions(9).is_empty());
        let tickets = [submit(&verifier), submit(&verifier), submit(&verifier)];
        let token = Minter::new(key()).mint(ALICE, NOW).unwrap();
        let Explanation::Pending(explained) = verifier.submit_explain(ALICE, &token, NOW, &[])
        else {
            panic!("not pending");
        };
        assert!(verifier.descriptor().is_some() && verifier.completions(9).is_empty());
        for outcome in [Ok(Spent::First), Ok(Spent::Again), Err(Unavailable)] {
            assert!(matches!(ledger.answer(outcome), Question::Spend(_)));
        }
        assert!(matches!(ledger.answer(Ok(Spent::Again)), Question::Peek(_)));
        let verified = |completion: &Completion| match &completion.decision {
            Decision::Verified(result) => (completion.ticket, result.map(|_| ())),
            Decision::Explained(_) => panic!("explained"),
        };
        let first: Vec<_> = verifier.completions(3).iter().map(verified).collect();
        let refused = [Rejection::Replayed, Rejection::Unavailable].map(Err);
        assert_eq!(
            first,
            [(tickets[0], Ok(())), (tickets[1], refused[0]), (tickets[2], refused[1])]
        );
        let decision = Decision::Explained(vec![Finding::Replayed]);
        assert_eq!(verifier.completions(9), [Completion { ticket: explained, decision }]);
        assert!(verifier.completions(9).is_empty());
    }

    #[test]
    fn each_verifier_has_its_own_completions() {
        let ledger = Arc::new(Later::default());
        let new = || Verifier::new(vec![key()], ledger.clone()).unwrap();
        let (one, other, gone) = (new(), new(), new());
        let (ours, theirs) = (submit(&one), submit(&other));
        submit(&gone);
        drop(gone);
        for _ in 0..3 {
            ledger.answer(Ok(Spent::First));
        }
        let tickets = |verifier: &Verifier| -> Vec<_> {
            verifier.completions(9).iter().map(|completion| completion.ticket).collect()
        };
        assert_eq!((tickets(&one), tickets(&other)), (vec![ours], vec![theirs]));
    }

    #[test]
    fn a_ledger_that_cannot_be_asked_is_unavailable() {
        let ledger = Arc::new(Later::default());
        let verifier = Verifier::new(vec![key()], ledger.clone()).unwrap();
        *ledger.is_full.lock().unwrap() = true;
        let token = Minter::new(key()).mint(ALICE, NOW).unwrap();
        assert_eq!(verifier.submit(ALICE, &token, NOW), Err(Rejection::Unavailable));
        let explained = verifier.submit_explain(ALICE, &token, NOW, &[]);
        let Explanation::Findings(findings) = explained else { panic!("pending") };
        assert!(matches!(*findings, [Finding::Unavailable { .. }]), "{findings:?}");
        assert!(verifier.completions(9).is_empty());
    }

    #[test]
    fn a_ledger_that_answers_immediately_gives_no_tickets() {
        let ledger = Arc::new(crate::ledger::MemoryLedger::new());
        let verifier = Verifier::new(vec![key()], ledger).unwrap();
        let token = Minter::new(key()).mint(ALICE, NOW).unwrap();
        let submit = || verifier.submit(ALICE, &token, NOW);
        assert!(matches!(submit(), Ok(Submission::Accepted(_))));
        assert_eq!(submit(), Err(Rejection::Replayed));
        assert!(verifier.descriptor().is_none() && verifier.completions(9).is_empty());
    }
}
