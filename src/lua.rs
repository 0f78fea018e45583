//! The mlua module.
