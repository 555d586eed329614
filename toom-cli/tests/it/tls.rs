//! Connections that are safe, and what is told of those that are not.

use std::process::Command;

use crate::support::{Ended, PASSWORD, TlsServer, ended, masked, port, server, tls_server, toom};

/// `toom` in line mode, in a home that is not the user's own.
fn line_mode(folder: &tempfile::TempDir, host: &str, port: &str, args: &[&str]) -> Command {
    let mut command = toom(&[&[host, port], args].concat());
    command.env("HOME", folder.path()).env_remove("XDG_CONFIG_HOME");
    command
}

/// What becomes of a post over TLS, with a file of known servers that holds `known`.
fn post(tls: &TlsServer, host: &str, known: &str, args: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join(".config/toom");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("known_servers"), known).unwrap();
    let command = line_mode(&folder, host, &port(&tls.server), &[&["--tls"], args].concat());
    let run = ended(command, &format!("obiwan\n{PASSWORD}\nBCM hello\n"));
    assert_eq!(
        std::fs::read_to_string(config.join("known_servers")).unwrap(),
        known,
        "nothing is kept unasked"
    );
    run
}

fn expect_posted(run: &Ended) {
    let printed = masked(&run.stdout);
    assert!(printed.ends_with("Broadcast message, #1 broadcast at TIME\nBye,obiwan\n"), "{run:?}");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}

/// Nothing was done, and standard error holds all of `told`.
fn expect_refused(run: &Ended, code: i32, told: &[&str]) {
    assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{run:?}");
    for told in told {
        assert!(run.stderr.contains(told), "{told} is not in {}", run.stderr);
    }
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

#[test]
fn a_server_is_believed_by_its_fingerprint_by_an_authority_or_because_it_is_known() {
    let tls = tls_server();
    expect_posted(&post(&tls, "127.0.0.1", "", &["--tls-fingerprint", &tls.fingerprint]));
    let tls = tls_server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &tls.certificate).unwrap();
    expect_posted(&post(&tls, "127.0.0.1", "", &["--ca", file.to_str().unwrap()]));
    let tls = tls_server();
    let known = format!("# mine\n127.0.0.1:{} {}\n", port(&tls.server), tls.fingerprint);
    expect_posted(&post(&tls, "127.0.0.1", &known, &[]));
}

#[test]
fn a_server_is_believed_by_whom_the_system_trusts() {
    let (tls, folder) = (tls_server(), tempfile::tempdir().unwrap());
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, &tls.certificate).unwrap();
    let mut command = line_mode(&folder, "127.0.0.1", &port(&tls.server), &["--tls"]);
    // In place of the system's own.
    command.env("SSL_CERT_FILE", &roots).env_remove("SSL_CERT_DIR");
    expect_posted(&ended(command, &format!("obiwan\n{PASSWORD}\nBCM hello\n")));
}

#[test]
fn without_a_person_a_new_server_is_refused_with_its_fingerprint() {
    let tls = tls_server();
    let run = post(&tls, "127.0.0.1", "", &[]);
    let cure = format!("say --tls-fingerprint {}; or say --ca FILE", tls.fingerprint);
    expect_refused(&run, 3, &["toom: no connection to 127.0.0.1 port ", "nobody who is trusted", &cure]);
}

#[test]
fn a_changed_certificate_is_refused_with_both_fingerprints_and_the_line_to_remove() {
    let tls = tls_server();
    let other = ["AB"; 32].join(":");
    let place = format!("127.0.0.1:{}", port(&tls.server));
    let run = post(&tls, "127.0.0.1", &format!("{place} {other}\n"), &[]);
    let cure = format!("remove the line {place} from /");
    expect_refused(&run, 3, &[&tls.fingerprint, &other, &cure, "/.config/toom/known_servers"]);
    let run = post(&tls, "127.0.0.1", "", &["--tls-fingerprint", &other]);
    expect_refused(&run, 3, &[&tls.fingerprint, &other]);
}

#[test]
fn a_known_server_is_refused_under_another_certificate_though_an_authority_were_asked() {
    let (tls, folder) = (tls_server(), tempfile::tempdir().unwrap());
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &tls_server().certificate).unwrap();
    let known = format!("127.0.0.1:{} {}\n", port(&tls.server), tls.fingerprint);
    // The authority that is named counts alone.
    let run = post(&tls, "127.0.0.1", &known, &["--ca", file.to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""), "{run:?}");
}

#[test]
fn a_certificate_for_another_name_is_refused_with_the_names_it_has() {
    let (tls, folder) = (tls_server(), tempfile::tempdir().unwrap());
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &tls.certificate).unwrap();
    let run = post(&tls, "localhost", "", &["--ca", file.to_str().unwrap()]);
    expect_refused(&run, 3, &["is for another name", "127.0.0.1", "use the name that the certificate has"]);
}

#[test]
fn a_file_of_known_servers_that_cannot_be_understood_vouches_for_nobody() {
    let tls = tls_server();
    let known = format!("127.0.0.1:{} {}\nrubbish\n", port(&tls.server), tls.fingerprint);
    expect_refused(&post(&tls, "127.0.0.1", &known, &[]), 2, &["known_servers, line 2: "]);
}

#[test]
fn a_server_without_tls_is_told_as_such() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let run = ended(line_mode(&folder, "127.0.0.1", &port(&server), &["--tls"]), "obiwan\nx\n");
    expect_refused(&run, 3, &["it does not speak TLS; without --tls it may answer"]);
}

#[test]
fn without_tls_another_machine_is_reached_only_by_who_says_so() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    // An address that is not loopback, and leads here.
    let command = |args: &[&str]| line_mode(&folder, "0.0.0.0", &port(&server), args);
    let input = format!("obiwan\n{PASSWORD}\nOUT\n");
    expect_refused(
        &ended(command(&[]), &input),
        2,
        &["0.0.0.0 is another machine", "say --tls, or --insecure"],
    );
    let run = ended(command(&["--insecure"]), &input);
    assert!(run.stdout.ends_with("Bye,obiwan\n"), "{run:?}");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}
