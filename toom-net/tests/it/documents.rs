//! What `toomd` says of itself to shells and to `man`, and whether what a page says of the tests is so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
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

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The names of all functions in the Rust sources below a folder.
fn functions_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let named = text.lines().filter_map(|line| line.split_once("fn ")?.1.split_once('('));
            found.extend(named.map(|(name, _)| name.to_owned()));
        }
    }
}

/// What stands between backticks in a text, where it is the name of a test or of a script.
fn proofs(text: &str) -> impl Iterator<Item = &str> {
    let is_test = |name: &str| {
        name.matches('_').count() >= 2
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    text.split('`').skip(1).step_by(2).filter(move |name| is_test(name) || name.starts_with(".ci/"))
}

#[test]
fn every_defence_that_the_page_on_security_tells_of_has_a_test_that_exists() {
    let page = fs::read_to_string(tree().join("docs/security.md")).unwrap();
    let mut functions = BTreeSet::new();
    for package in ["toom-core", "toom-net", "toom-files", "toom-cli"] {
        for part in ["src", "tests"] {
            functions_in(&tree().join(package).join(part), &mut functions);
        }
    }
    let missing: Vec<_> = proofs(&page)
        .filter(|proof| match proof.strip_prefix(".ci/") {
            Some(_) => !tree().join(proof).is_file(),
            None => !functions.contains(*proof),
        })
        .collect();
    assert!(missing.is_empty(), "neither a test nor a script: {missing:?}");
    let attacks: Vec<_> = page
        .lines()
        .skip_while(|line| !line.starts_with("## Attacks"))
        .take_while(|line| !line.starts_with("## Names"))
        .filter(|line| line.starts_with("| ") && !line.starts_with("| asset") && !line.starts_with("| ---"))
        .collect();
    assert!(attacks.len() >= 23, "{} rows", attacks.len());
    for row in attacks {
        assert!(proofs(row.rsplit(" | ").next().unwrap()).next().is_some(), "nothing shows this: {row}");
    }
}
