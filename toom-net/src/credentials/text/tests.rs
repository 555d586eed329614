use proptest::prelude::*;
use toom_core::{SecretError, UserNameError};

use super::*;

fn parse(text: &str) -> Credentials {
    Credentials::parse(text).unwrap()
}

fn name(raw: &str) -> UserName {
    raw.parse().unwrap()
}

/// Names as the file spells them, and secrets as it has them.
fn accounts(credentials: &Credentials) -> Vec<(String, String)> {
    credentials.lines().map(|line| (line.name.to_string(), line.secret_text().to_owned())).collect()
}

fn account(name: &str, secret: &str) -> (String, String) {
    (name.to_owned(), secret.to_owned())
}

const PHC: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZSByYW5kb20gc2E$aGFzaCBvZiBhIHBhc3N3b3Jk";

#[test]
fn names_and_secrets_are_found_between_comments_and_blank_lines() {
    let text = format!("# one\n\n  Obiwan \t help  me \t\n luke {PHC} \r\n\t# two\nleia #1\nhans x");
    let credentials = parse(&text);
    let expected = [("Obiwan", "help  me"), ("luke", PHC), ("leia", "#1"), ("hans", "x")];
    assert_eq!(accounts(&credentials), expected.map(|(name, secret)| account(name, secret)));
    assert_eq!(credentials.plain().map(UserName::as_str).collect::<Vec<_>>(), ["Obiwan", "leia", "hans"]);
    assert_eq!(*credentials.to_text(), text);
}

#[test]
fn a_byte_order_mark_is_passed_over_and_kept() {
    let mut credentials = parse("\u{feff}luke x\n");
    assert_eq!(accounts(&credentials), [account("luke", "x")]);
    credentials.remove(&name("luke")).unwrap();
    assert_eq!(*credentials.to_text(), "\u{feff}");
    credentials.add(&name("leia"), "y").unwrap();
    assert_eq!(*credentials.to_text(), "\u{feff}leia y\n");
}

#[test]
fn each_wrong_line_is_told_by_its_number_and_without_the_secret() {
    let wrong = |text: &str| Credentials::parse(text).unwrap_err();
    assert_eq!(wrong("# a\n\nhunter2\n"), CredentialsError::Malformed { line: 3 });
    assert_eq!(
        wrong("a\u{202e}b hunter2"),
        CredentialsError::Name { line: 1, error: UserNameError::NotAllowed }
    );
    assert_eq!(
        wrong("luke x\nleia $argon2hunter2"),
        CredentialsError::Secret { line: 2, name: name("leia"), error: SecretError::MalformedHash }
    );
    assert_eq!(
        wrong("luke x\nleia hunter\t2"),
        CredentialsError::ControlCharacter { line: 2, name: name("leia") }
    );
    assert_eq!(
        wrong("\u{feff}# a\nLuke x\n\nLUKE hunter2"),
        CredentialsError::Duplicate { line: 4, name: name("luke"), first_line: 2 }
    );
    for text in ["hunter2", "a\u{202e}b hunter2", "leia $argon2hunter2", "leia hunter2\t2", "a x\na hunter2"]
    {
        let error = wrong(text);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn two_accounts_that_look_alike_are_refused_with_both_names_and_lines() {
    // The second is Cyrillic from end to end.
    for (one, two) in
        [("user1", "userl"), ("ace", "асе"), ("Ivan", "lvan"), ("modern", "modem"), ("O0", "OO")]
    {
        let refused = Credentials::parse(&format!("{one} x\n# luke\n{two} y\n")).unwrap_err();
        let expected =
            CredentialsError::LooksLike { line: 3, name: name(two), other: name(one), other_line: 1 };
        assert_eq!(refused, expected);
        let mut credentials = parse(&format!("{one} x\n"));
        let refused = EditError::LooksLike { name: name(two), other: name(one) };
        assert_eq!(credentials.add(&name(two), "y"), Err(refused));
        assert_eq!(*credentials.to_text(), format!("{one} x\n"));
        credentials.remove(&name(one)).unwrap();
        credentials.add(&name(two), "y").unwrap();
    }
    let told = Credentials::parse("user1 x\nuserl y\n").unwrap_err().to_string();
    let expected =
        "line 2: userl looks like user1 on line 1; rename one of the two, or put a # before its line";
    assert_eq!(told, expected);
}

#[test]
fn a_name_of_two_scripts_is_refused_with_its_line() {
    let refused = Credentials::parse("luke x\nаlice y\n").unwrap_err();
    assert_eq!(refused, CredentialsError::Name { line: 2, error: UserNameError::MixedScripts });
}

#[test]
fn the_names_of_a_class_do_not_look_alike() {
    let class: Vec<_> = (1..=2000).map(|number| format!("user{number} x\n")).collect();
    assert_eq!(parse(&class.concat()).accounts().count(), 2000);
}

#[test]
fn an_edit_keeps_the_white_space_the_comments_and_the_order() {
    let mut credentials = parse("# a\r\n  luke \t x \r\n\r\nLeia  y\r\n# b");
    credentials.set_secret(&name("LUKE"), "new one").unwrap();
    assert_eq!(*credentials.to_text(), "# a\r\n  luke \t new one \r\n\r\nLeia  y\r\n# b");
    credentials.add(&name("hans"), "z").unwrap();
    assert_eq!(*credentials.to_text(), "# a\r\n  luke \t new one \r\n\r\nLeia  y\r\n# b\r\nhans z\r\n");
    credentials.remove(&name("luke")).unwrap();
    credentials.set_secret(&name("leia"), "w").unwrap();
    credentials.set_secret(&name("hans"), "v").unwrap();
    assert_eq!(*credentials.to_text(), "# a\r\n\r\nLeia  w\r\n# b\r\nhans v\r\n");
    assert_eq!(accounts(&credentials), [account("Leia", "w"), account("hans", "v")]);
}

#[test]
fn an_account_is_added_on_a_line_of_its_own_where_the_file_breaks_off_without_an_end() {
    for (before, after) in [
        ("luke x", "luke x\nleia y\n"),
        ("# a\u{feff}", "# a\u{feff}\nleia y\n"),
        ("luke x\r\nhans z", "luke x\r\nhans z\r\nleia y\r\n"),
        ("", "leia y\n"),
    ] {
        let mut credentials = parse(before);
        credentials.add(&name("leia"), "y").unwrap();
        assert_eq!(*credentials.to_text(), after);
    }
}

#[test]
fn an_edit_that_is_refused_changes_nothing() {
    let text = "Luke x\n";
    let mut credentials = parse(text);
    let exists = EditError::Exists { name: name("luke") };
    assert_eq!(credentials.add(&name("LUKE"), "y"), Err(exists.clone()));
    assert!(exists.to_string().contains("luke"));
    assert_eq!(credentials.spelling(&name("LUKE")).map(UserName::as_str), Some("Luke"));
    let comment = Err(EditError::NameIsComment { name: name("#1") });
    assert_eq!(credentials.add(&name("#1"), "y"), comment);
    let unknown = Err(EditError::Unknown { name: name("leia") });
    assert_eq!(credentials.remove(&name("leia")), unknown);
    assert_eq!(credentials.set_secret(&name("leia"), "y"), unknown);
    assert_eq!(credentials.hash(&name("leia"), [0; 16]).map(|_| ()), unknown);
    for unwritable in [" y", "y ", "a\nb", "a\tb", "a\u{b}b", "\u{85}"] {
        assert_eq!(credentials.add(&name("leia"), unwritable), Err(EditError::Unwritable));
        assert_eq!(credentials.set_secret(&name("luke"), unwritable), Err(EditError::Unwritable));
    }
    let empty = Err(EditError::Secret(SecretError::Empty));
    assert_eq!(credentials.add(&name("leia"), ""), empty);
    assert_eq!(credentials.set_secret(&name("luke"), ""), empty);
    assert_eq!(*credentials.to_text(), text);
}

#[test]
fn a_plain_password_becomes_the_hash_of_itself_and_a_hash_stays() {
    let mut credentials = parse("# a\nluke  red five \n# b\n");
    assert_eq!(credentials.hash(&name("luke"), [7; 16]), Ok(Hashed::Now));
    let expected = Secret::hash(&Password::new("red five"), [7; 16]).unwrap().phc().unwrap();
    assert_eq!(*credentials.to_text(), format!("# a\nluke  {expected} \n# b\n"));
    assert_eq!(credentials.plain().count(), 0);
    assert_eq!(credentials.hash(&name("luke"), [8; 16]), Ok(Hashed::Before));
    assert_eq!(accounts(&credentials), [account("luke", &expected)]);
}

#[test]
fn debug_prints_the_number_of_accounts_alone() {
    assert_eq!(format!("{:?}", parse("luke hunter2\nleia hunter2\n")), "Credentials(2 accounts)");
}

fn a_name() -> impl Strategy<Value = UserName> {
    "[a-zA-Z0-9é!$%_.-]{1,8}|[a-c]".prop_filter_map("no name", |raw| UserName::parse(&raw).ok())
}

fn a_secret() -> impl Strategy<Value = String> {
    prop_oneof!["[^\\s\\p{Cc}]([^\\p{Cc}]{0,12}[^\\s\\p{Cc}])?", Just(PHC.to_owned())]
}

fn a_line() -> impl Strategy<Value = String> {
    let account = ("[ \t]{0,2}", a_name(), "[ \t\u{3000}]{1,3}", a_secret(), "[ \t]{0,2}")
        .prop_map(|(indent, name, gap, secret, tail)| format!("{indent}{name}{gap}{secret}{tail}"));
    prop_oneof![3 => account, 1 => "[ \t]{0,2}(#[^\n]{0,10})?"]
}

/// Well-formed files: of the lines for one user, and for users that look alike, only the first is kept.
fn a_file() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec((a_line(), "\r?\n"), 0..12);
    ("\u{feff}?", lines, any::<bool>()).prop_map(|(mark, lines, ended)| {
        let mut seen: Vec<UserName> = Vec::new();
        let mut text = mark;
        for (line, end) in &lines {
            let first = line.split_whitespace().next().filter(|word| !word.starts_with('#')).map(name);
            if first.iter().any(|new| seen.iter().any(|old| old.looks_like(new))) {
                continue;
            }
            seen.extend(first);
            text.push_str(line);
            text.push_str(end);
        }
        if !ended && text.ends_with('\n') {
            text.pop();
        }
        text
    })
}

#[derive(Clone, Debug)]
enum Edit {
    Add(UserName, String),
    Set(usize, String),
    Remove(usize),
}

fn an_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (a_name(), a_secret()).prop_map(|(name, secret)| Edit::Add(name, secret)),
        (any::<usize>(), a_secret()).prop_map(|(which, secret)| Edit::Set(which, secret)),
        any::<usize>().prop_map(Edit::Remove),
    ]
}

/// What `edit` does to the accounts alone; `None` if it must be refused.
fn model(edit: &Edit, before: &[(String, String)]) -> Option<Vec<(String, String)>> {
    let mut after = before.to_vec();
    match edit {
        Edit::Add(new, secret) => {
            if after.iter().any(|(old, _)| name(old).looks_like(new)) {
                return None;
            }
            after.push((new.to_string(), secret.clone()));
        }
        Edit::Set(which, secret) => {
            let which = which.checked_rem(after.len())?;
            after[which].1.clone_from(secret);
        }
        Edit::Remove(which) => {
            after.remove(which.checked_rem(after.len())?);
        }
    }
    Some(after)
}

fn apply(edit: &Edit, credentials: &mut Credentials) -> Result<(), EditError> {
    let names: Vec<_> = credentials.accounts().map(|(name, _)| name.clone()).collect();
    let chosen =
        |which: &usize| which.checked_rem(names.len()).map_or(name("nobody-at-all"), |at| names[at].clone());
    match edit {
        Edit::Add(name, secret) => credentials.add(name, secret),
        Edit::Set(which, secret) => credentials.set_secret(&chosen(which), secret),
        Edit::Remove(which) => credentials.remove(&chosen(which)),
    }
}

/// The lines of a text without their ends, those that are not empty.
fn lines_of(text: &str) -> Vec<String> {
    text.trim_start_matches('\u{feff}')
        .split('\n')
        .map(|line| line.trim_end_matches('\r').to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

proptest! {
    /// Fails when a byte of any line is lost or changed, and when reading is not what writing did.
    #[test]
    fn a_file_is_written_as_it_was_read(text in a_file()) {
        let read = parse(&text);
        prop_assert_eq!(&*read.to_text(), &text);
        prop_assert_eq!(accounts(&parse(&read.to_text())), accounts(&read));
    }

    /// Fails when an edit touches a second line, forgets to move the places behind a removed one, or writes what reads
    /// differently.
    #[test]
    fn edits_do_what_a_list_of_pairs_does_and_each_changes_one_line(
        text in a_file(),
        edits in prop::collection::vec(an_edit(), 1..6),
    ) {
        let mut credentials = parse(&text);
        for edit in edits {
            let before = credentials.clone();
            let expected = model(&edit, &accounts(&before));
            let done = apply(&edit, &mut credentials);
            prop_assert_eq!(done.is_ok(), expected.is_some());
            let (old, new) = (lines_of(&before.to_text()), lines_of(&credentials.to_text()));
            prop_assert_eq!(accounts(&credentials), expected.unwrap_or_else(|| accounts(&before)));
            prop_assert_eq!(accounts(&parse(&credentials.to_text())), accounts(&credentials));
            let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
            let (old, new) = (&old[head..], &new[head..]);
            let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
            prop_assert!(old.len() - tail <= 1 && new.len() - tail <= 1);
        }
    }

    /// Fails when a text can make parsing panic, or when what was accepted does not read the same again.
    #[test]
    fn any_text_is_refused_or_kept_letter_for_letter(text in "(\\PC|[ \t\r\n#$\u{feff}\u{3000}\u{85}ab]){0,60}") {
        if let Ok(read) = Credentials::parse(&text) {
            prop_assert_eq!(&*read.to_text(), &text);
        }
    }
}
