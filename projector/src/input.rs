//! Files that the user names.

use std::path::Path;

use schemas::policy::POLICY_BYTES_MAX;
use verifier::files::{self, Links};

/// Reads a policy, an identity or a login: a text of at most 1 MiB in a regular file.
///
/// # Errors
/// What is wrong with it.
pub fn text(path: &Path) -> Result<String, String> {
    let bytes = files::read(path, POLICY_BYTES_MAX as u64, Links::Followed).map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}
