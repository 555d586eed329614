//! What `toomd` says of itself to shells and to `man`.

use std::process::Command;

fn printed(args: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_toomd")).args(args).output().unwrap();
    assert_eq!((run.status.code(), run.stderr.as_slice()), (Some(0), &b""[..]));
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn completions_know_the_options_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(printed(&["completions", shell]).contains("credentials"), "{shell}");
    }
}

#[test]
fn the_manual_page_is_one_and_names_the_options() {
    let page = printed(&["man"]);
    assert!(page.contains(".TH toomd 1") && page.contains("credentials"), "{page}");
}
