//! b24-tidyd

pub mod config;
pub mod names;

/// The commands, a file each.
pub mod cli {
    pub mod names;
}
