//! Tags (API reference, chapter 10).

use crate::error::{ErrorCode, Result};

/// The longest tag key and value, in characters.
const MAX_LEN: usize = 128;

/// What an owner has written on a key: pairs of key and value, sorted, each key once.
pub type Tags = Vec<(String, String)>;

/// Refuses what no tag key or value may be: [`ErrorCode::InvalidTagKey`] and
/// [`ErrorCode::InvalidTagValue`].
pub fn check_tag(key: &str, value: &str) -> Result<()> {
    check_tag_key(key)?;
    if fits(value) { Ok(()) } else { Err(ErrorCode::InvalidTagValue.into()) }
}

/// The same for a key alone.
pub fn check_tag_key(key: &str) -> Result<()> {
    let is_reserved = key.starts_with("aliyun") || key.starts_with("acs:");
    match key.is_empty() || is_reserved || !fits(key) {
        true => Err(ErrorCode::InvalidTagKey.into()),
        false => Ok(()),
    }
}

fn fits(text: &str) -> bool {
    text.chars().count() <= MAX_LEN
        && text.chars().all(|c| c.is_alphanumeric() || "/\\_-.+=:@ ".contains(c))
}
