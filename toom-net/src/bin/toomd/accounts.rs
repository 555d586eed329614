//! The accounts a server starts with, and reads again at SIGHUP: what it refuses, and what it tells the operator.

use std::net::IpAddr;
use std::path::Path;

use toom_net::credentials::{self, Credentials, Loaded, Others};

use crate::args::ServeArgs;
use crate::failure::Failure;

/// Accounts that may be served, with what the operator should know of them, a line each.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) credentials: Credentials,
    pub(crate) notices: Vec<String>,
}

/// Reads the account file that `args` name.
///
/// A file that other users of this machine may write is refused, and plain passwords are where other machines can
/// connect, unless `args` allow them.
pub(crate) fn load(args: &ServeArgs) -> Result<Accounts, Failure> {
    let path = args.credentials.as_path();
    let loaded = credentials::read(path)?;
    if loaded.others == Others::Write {
        return Err(Failure::AccountsOfOthers { path: path.to_owned() });
    }
    let count = loaded.credentials.plain().count();
    if count > 0 && !is_loopback(args.listen) && !args.allow_plain_passwords {
        return Err(Failure::PlainPasswords { path: path.to_owned(), count, listen: args.listen });
    }
    let notices = notices(path, &loaded, count);
    Ok(Accounts { credentials: loaded.credentials, notices })
}

fn is_loopback(address: IpAddr) -> bool {
    // ::ffff:127.0.0.1 is the same as 127.0.0.1.
    address.to_canonical().is_loopback()
}

fn notices(path: &Path, loaded: &Loaded, plain: usize) -> Vec<String> {
    let mut notices = Vec::new();
    let path = path.display();
    if loaded.credentials.accounts().next().is_none() {
        notices.push(format!(
            "{path} holds no account, so nobody can log in; `toomd user add NAME --credentials {path}` adds one"
        ));
    }
    if plain > 0 {
        notices.push(format!(
            "passwords in {path} that are plain text: {plain}; `toomd user hash --credentials {path}` hashes them"
        ));
    }
    if loaded.others != Others::Nothing {
        notices.push(format!("{path} is open to other users of this machine; `chmod 600 {path}` ends that"));
    }
    notices
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use toom_net::credentials::FileError;

    use super::*;
    use crate::args::Cli;

    const PHC: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZSByYW5kb20gc2E$aGFzaCBvZiBhIHBhc3N3b3Jk";

    fn load_text(text: &str, words: &[&str]) -> Result<Accounts, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        // Made by the editor, so that it is closed to others.
        let editor = credentials::Editor::open(&path, || ()).unwrap();
        editor.write(&Credentials::parse(text).unwrap()).unwrap();
        let named = ["toomd", "--credentials", path.to_str().unwrap()];
        load(&Cli::parse_from([&named, words].concat()).serve)
    }

    #[test]
    fn plain_passwords_are_told_in_one_line_with_their_number_and_the_cure() {
        let accounts = load_text(&format!("luke x\nleia y\nhans {PHC}\n"), &[]).unwrap();
        assert_eq!(accounts.credentials.accounts().count(), 3);
        let [notice] = accounts.notices.try_into().unwrap();
        assert!(notice.contains("plain text: 2; `toomd user hash --credentials"), "{notice}");
    }

    #[test]
    fn plain_passwords_are_refused_where_other_machines_can_connect() {
        for address in ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            let refused = load_text("luke x\n", &["--listen", address]).unwrap_err();
            assert!(matches!(refused, Failure::PlainPasswords { count: 1, .. }), "{address}: {refused}");
            assert!(load_text(&format!("luke {PHC}\n"), &["--listen", address]).is_ok(), "{address}");
            let allowed = load_text("luke x\n", &["--listen", address, "--allow-plain-passwords"]);
            assert_eq!(allowed.unwrap().notices.len(), 1, "{address}");
        }
        for address in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(load_text("luke x\n", &["--listen", address]).is_ok(), "{address}");
        }
    }

    #[test]
    fn hashed_accounts_in_a_file_of_mode_0600_need_no_notice() {
        assert_eq!(load_text(&format!("luke {PHC}\n"), &[]).unwrap().notices, Vec::<String>::new());
    }

    #[test]
    fn a_file_without_accounts_is_served_with_a_notice() {
        let [notice] = load_text("# nobody yet\n", &[]).unwrap().notices.try_into().unwrap();
        assert!(notice.contains("nobody can log in"), "{notice}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_told_with_the_cure() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        fs::write(&path, format!("luke {PHC}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let args = Cli::parse_from(["toomd", "--credentials", path.to_str().unwrap()]).serve;
        let [notice] = load(&args).unwrap().notices.try_into().unwrap();
        assert!(notice.contains("chmod 600"), "{notice}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_write_is_refused_with_the_cure() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        fs::write(&path, format!("luke {PHC}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o646)).unwrap();
        let args = Cli::parse_from(["toomd", "--credentials", path.to_str().unwrap()]).serve;
        let refused = load(&args).unwrap_err().to_string();
        assert!(refused.contains("may write") && refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn a_missing_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        let args = Cli::parse_from(["toomd", "--credentials", path.to_str().unwrap()]).serve;
        assert!(matches!(load(&args), Err(Failure::File(FileError::Missing { .. }))));
    }
}
