//! The account file.

use toom_core::{Secret, UserName};
use toom_net::credentials::{Credentials, EditError};

/// A text is an account file that keeps every byte of it, or it is refused with a line that it has; and after any edit the file
/// that is written reads as what was edited.
pub fn credentials(data: &[u8]) {
    // What is not UTF-8 is refused before it comes here.
    let text = String::from_utf8_lossy(data);
    let credentials = match Credentials::parse(&text) {
        Ok(credentials) => credentials,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(*credentials.to_text(), *text);
    let Some((first, _)) = credentials.accounts().next() else {
        add(credentials);
        return;
    };
    edit(credentials.clone(), |edited| edited.set_secret(first, "another secret"), &names(&credentials));
    let others: Vec<_> = names(&credentials).into_iter().skip(1).collect();
    edit(credentials.clone(), |edited| edited.remove(first), &others);
    if !credentials.blocked().contains(first) {
        let blocked = edit(credentials.clone(), |edited| edited.block(first), &others);
        assert!(blocked.blocked().contains(first));
        let freed = edit(blocked, |edited| edited.unblock(first), &names(&credentials));
        assert_eq!(*freed.to_text(), *text, "who is unblocked is as before");
    }
    add(credentials);
}

/// Adds an account, if there is none of the name, and none that looks like it.
fn add(credentials: Credentials) {
    let added = UserName::parse("fuzzed").expect("it is a name");
    let mut expected = names(&credentials);
    if !expected.iter().chain(&credentials.blocked()).any(|name| name.looks_like(&added)) {
        expected.push(added.clone());
        edit(credentials, |edited| edited.add(&added, "its secret"), &expected);
    }
}

/// The file after an edit, of which these are the accounts.
fn edit(
    mut edited: Credentials,
    how: impl FnOnce(&mut Credentials) -> Result<(), EditError>,
    expected: &[UserName],
) -> Credentials {
    how(&mut edited).expect("nothing speaks against it");
    assert_eq!(names(&edited), expected);
    let text = edited.to_text();
    let again = Credentials::parse(&text).expect("what was written is an account file");
    assert_eq!(*again.to_text(), *text);
    let plain = |file: &Credentials| -> Vec<_> {
        file.accounts().map(|(name, secret)| (name.clone(), Secret::is_plain(secret))).collect()
    };
    assert_eq!(plain(&again), plain(&edited));
    assert_eq!(again.blocked(), edited.blocked());
    edited
}

fn names(credentials: &Credentials) -> Vec<UserName> {
    credentials.accounts().map(|(name, _)| name.clone()).collect()
}
