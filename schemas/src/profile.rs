//! The default rule profile: every window and threshold where an adopted profile is silent.
//!
//! The projector judges by all of it; the desk of an institution reads the few windows of the duties
//! that it shows. Both read the same text.

/// The default profile's text. Form and meaning: `projector/rules/RULES.md`, "Parameters".
pub const DEFAULT: &str = include_str!("../profile/default.toml");
/// Longest profile, in bytes.
pub const PROFILE_BYTES_MAX: usize = 1 << 20;
