//! The account file, `credentials.txt`.
//!
//! It is UTF-8 text, one account a line: a user name, white space, and the secret, which is the rest of the line.
//!
//! ```text
//! # the old hands
//! obiwan help me
//! luke   $argon2id$v=19$m=19456,t=2,p=1$…
//! ```
//!
//! * The secret is an Argon2id hash in PHC format when it begins with `$argon2`, else a plain password, which may
//!   hold spaces.
//! * White space before the name and at the end of the line belongs to neither: what nobody can see in an editor
//!   must not decide a login. A password that begins or ends with a space can be kept as a hash alone.
//! * Control characters do not occur inside a secret: no client could send them.
//! * The letters of a name belong to one script, and no two names look alike: `аlice` with a Cyrillic letter is refused, and so is
//!   `userl` beside `user1`. [`UserName`](toom_core::UserName) and [`DistinctNames`](toom_core::DistinctNames) have the rules.
//! * Lines that are blank or begin with `#` are comments. A name that begins with `#` can therefore not be written.
//! * Lines end with LF or CR LF; a byte order mark at the beginning is passed over.
//!
//! [`Credentials`] is the file as a value; it keeps every line as it was written, and an edit changes one line.
//! [`read`] loads it; an [`Editor`] holds the lock that makes edits wait for each other, and replaces the file as a whole.
//! Checking passwords is not done here but by the engine.

mod editor;
mod error;
mod file;
mod line;
mod text;

pub use editor::Editor;
pub use error::{CredentialsError, EditError, FileError};
pub use file::{FILE_BYTES_MAX, Loaded, Others, read};
pub use text::{Credentials, Hashed};
