//! Which deviations the nodes of a server can know of, when it has lost what they wrote there.

use super::operation::ASKERS;

const DEVIATIONS: usize = 11;

/// Each node knows what it has used itself and what was in the server when it asked.
#[derive(Clone, Default)]
pub(crate) struct Known {
    in_server: [bool; DEVIATIONS],
    by_node: [[bool; DEVIATIONS]; ASKERS],
}

impl Known {
    /// A node has asked and was answered: then it knows what is there, which is what it knows.
    pub(crate) fn asked(&mut self, node: usize, deviation: u64) {
        self.by_node[node][deviation as usize] = true;
        for (own, there) in self.by_node[node].iter_mut().zip(&mut self.in_server) {
            *own |= *there;
            *there |= *own;
        }
    }

    pub(crate) fn server_forgets(&mut self) {
        self.in_server = Default::default();
    }

    pub(crate) fn begins_anew(&mut self, node: usize) {
        self.by_node[node] = Default::default();
    }

    /// Whether this node knows of a deviation that is as wide.
    pub(crate) fn has(&self, node: usize, deviation: u64) -> bool {
        self.by_node[node].iter().skip(deviation as usize).any(|is_known| *is_known)
    }
}
