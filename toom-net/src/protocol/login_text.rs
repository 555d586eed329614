//! What people are told of a login that failed, in the words of the old design.
//!
//! A wrong password has one code, whether it blocks the account or not; by its text a client knows which.

/// The text of `bad-credentials`.
pub const WRONG_PASSWORD: &str = "Invalid Password. Please try again";
/// The text of `bad-credentials` where this password began a block.
pub const NOW_BLOCKED: &str = "Invalid Password. Your account has been blocked. Please try again later";
/// How the text of `blocked` begins; the seconds left end it.
pub const BLOCKED: &str = "Your account is blocked due to multiple login failures. Please try again later";
