//! What `toom` says of itself to shells and to `man`, and what it takes from files and descriptors.

use std::process::Stdio;

use crate::support::{PASSWORD, ended, masked, port, server, toom};

#[test]
fn completions_know_the_options_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = ended(toom(&["completions", shell]), "");
        assert!(run.stdout.contains("password-file") && run.stdout.contains("tui"), "{shell}");
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn the_manual_page_is_one_and_names_the_options() {
    let run = ended(toom(&["man"]), "");
    assert!(run.stdout.contains(".TH toom 1") && run.stdout.contains("password"), "{}", run.stdout);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}

#[test]
fn every_subcommand_has_a_page_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let run = ended(toom(&["man", "--dir", folder.path().to_str().unwrap()]), "");
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""));
    let mut pages: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    assert_eq!(pages, ["toom-completions.1", "toom-demo.1", "toom-man.1", "toom-tui.1", "toom.1"]);
    let page = std::fs::read_to_string(folder.path().join("toom-tui.1")).unwrap();
    assert!(page.contains("whole screen") && page.contains("tls\\-fingerprint"), "{page}");
    let run = ended(toom(&["man", "--dir", "/nonexistent/pages"]), "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
}

#[test]
fn the_configuration_file_of_the_user_says_where_the_server_is_and_who_logs_in() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let toom_folder = folder.path().join("toom");
    std::fs::create_dir(&toom_folder).unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let config = format!("port = {}\nuser = \"luke\"\npassword-file = {password:?}\n", port(&server));
    std::fs::write(toom_folder.join("config.toml"), config).unwrap();
    let mut run = toom(&["-c", "ATU"]);
    run.env("XDG_CONFIG_HOME", folder.path());
    let run = ended(run, "");
    let expected = "1; TIME; luke;127.0.0.1;0\nWelcome to TOOM!\nno other active user\nBye,luke\n";
    assert_eq!((masked(&run.stdout).as_str(), run.code, run.stderr.as_str()), (expected, Some(0), ""));
}

#[test]
fn a_wrong_configuration_file_gives_2_and_names_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.toml");
    std::fs::write(&path, "user = \"luke\"\nhots = \"chat.example\"\n").unwrap();
    let run = ended(toom(&["--config", path.to_str().unwrap(), "-c", "ATU"]), "");
    let told = format!("toom: {}, line 2: there is no setting `hots`; `host` is one\n", path.display());
    assert_eq!((run.stderr, run.stdout.as_str(), run.code), (told, "", Some(2)));
}

#[test]
#[cfg(unix)]
fn the_password_may_come_from_a_file_descriptor() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let mut run = toom(&["127.0.0.1", &port(&server), "--user", "luke", "--password-fd", "0", "-c", "ATU"]);
    run.stdin(Stdio::from(std::fs::File::open(password).unwrap()));
    let output = run.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.ends_with("no other active user\nBye,luke\n"), "{printed}");
    let run = ended(toom(&["--password-fd", "99", "--user", "luke"]), "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.starts_with("toom: cannot read the password file /dev/fd/99: "), "{}", run.stderr);
}
