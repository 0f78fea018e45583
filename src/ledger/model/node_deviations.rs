//! [`NodeDeviations`]: which deviations each node knows to be in use. Nodes remember them when the
//! server has lost them.

use super::operation::CALLERS;

const DEVIATIONS: usize = 11;

/// Each node knows what it has used itself and what was in the server when it asked.
#[derive(Clone, Default)]
pub(crate) struct NodeDeviations {
    in_server: [bool; DEVIATIONS],
    by_node: [[bool; DEVIATIONS]; CALLERS],
}

impl NodeDeviations {
    /// A node has asked and was answered: it and the server then know of the same deviations.
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

    /// Returns whether this node knows of a deviation that is as wide.
    pub(crate) fn has(&self, node: usize, deviation: u64) -> bool {
        self.by_node[node].iter().skip(deviation as usize).any(|is_known| *is_known)
    }
}
