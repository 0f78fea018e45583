//! Why the command cannot do its work.

use std::error::Error;

/// A sentence for the person who typed the command: exit status 2.
pub(crate) type Failure = Box<dyn Error>;
