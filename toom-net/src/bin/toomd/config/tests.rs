use super::*;

/// What comes of a command line, variables, and a file named `toomd.toml` if there is a text of one.
fn asked(words: &[&str], variables: &[(&str, &str)], text: &str) -> Result<Asked, Refused> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("toomd.toml");
    std::fs::write(&file, text).unwrap();
    let named = ["--config", file.to_str().unwrap()];
    let words: Vec<_> = ["toomd"].iter().chain(words).chain(&named).map(OsString::from).collect();
    read(&words, variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))))
}

fn effective(asked: &Asked, name: &str) -> (Option<String>, String) {
    let setting = asked.settings.iter().find(|setting| setting.name == name).unwrap();
    let origin = match &setting.origin {
        Origin::File { line, .. } => format!("line {line}"),
        other => other.to_string(),
    };
    (setting.value.clone(), origin)
}

fn refusal(words: &[&str], variables: &[(&str, &str)], text: &str) -> String {
    match asked(words, variables, text).unwrap_err() {
        Refused::Settings(failure) => failure.to_string(),
        Refused::Usage(error) => panic!("{error}"),
    }
}

#[test]
fn the_command_line_comes_before_variables_and_they_before_the_file() {
    let text =
        "listen = \"::1\"\nport = 1\nattempts = 5\nblock = \"2m\"\n\n[limits]\nmembers = 7\nsessions = 8\n";
    let variables =
        [("TOOMD_PORT", "2"), ("TOOMD_BLOCK", "3m"), ("TOOMD_LIMIT_SESSIONS", "9"), ("HOME", "x")];
    let asked = asked(&["--block", "4m", "--limit", "body-bytes=100"], &variables, text).unwrap();
    let serve = &asked.cli.serve;
    assert_eq!((serve.listen.to_string().as_str(), serve.port, serve.attempts.get()), ("::1", 2, 5));
    assert_eq!(serve.block, std::time::Duration::from_mins(4));
    let bounds = limits::Bounds::with(&serve.limits).engine;
    assert_eq!((bounds.members_max, bounds.sessions_max, bounds.body_bytes_max), (7, 9, 100));
    for (name, value, origin) in [
        ("listen", "::1", "line 1"),
        ("port", "2", "TOOMD_PORT"),
        ("attempts", "5", "line 3"),
        ("block", "4m", "command line"),
        ("credentials", "credentials.txt", "default"),
        ("limits.members", "7", "line 7"),
        ("limits.sessions", "9", "TOOMD_LIMIT_SESSIONS"),
        ("limits.body-bytes", "100", "command line"),
        ("limits.page-bytes", "131072", "default"),
    ] {
        assert_eq!(effective(&asked, name), (Some(value.to_owned()), origin.to_owned()), "{name}");
    }
    assert_eq!(effective(&asked, "text-logs"), (None, "default".to_owned()));
}

#[test]
fn what_stands_in_a_place_of_the_command_line_stays_there_whatever_the_file_says() {
    let asked = asked(&["2001", "4"], &[], "port = 1\n").unwrap();
    assert_eq!((asked.cli.serve.port, asked.cli.serve.attempts.get()), (2001, 4));
}

#[test]
fn choices_are_true_or_false() {
    let asked =
        asked(&[], &[("TOOMD_MEMORY", "false"), ("TOOMD_INSECURE", "true")], "memory = true\n").unwrap();
    assert!(!asked.cli.serve.data.memory && asked.cli.serve.tls.insecure);
    for text in ["memory = \"yes\"", "memory = 1"] {
        assert!(refusal(&[], &[], text).ends_with("memory: true or false is expected"), "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, problem) in [
        ("a = \n", ", line 1: "),
        ("\nlisten = \"here\"\n", ", line 2: listen: invalid IP address syntax"),
        ("port = 70000\n", ", line 1: port: 70000 is not in 0..=65535"),
        ("attempts = 6\n", ", line 1: attempts: a number from 1 to 5 is expected"),
        ("block = [1]\n", ", line 1: block: a text, a whole number, true or false is expected"),
        ("\nmemory = \"yes\"\n", ", line 2: memory: true or false is expected"),
        ("lisen = \"::1\"\n", ", line 1: there is no setting `lisen`; `listen` is one"),
        ("colour = \"blue\"\n", ", line 1: there is no setting `colour`; `toomd config` shows all"),
        ("config = \"x\"\n", ", line 1: there is no setting `config`; `toomd config` shows all"),
        ("[limits]\nconnection = 1\n", ", line 2: there is no limit `connection`; `connections` is one"),
        ("[limits]\nidle-time = 600\n", ", line 2: idle-time: a duration is expected"),
    ] {
        let told = refusal(&[], &[], text);
        assert!(told.contains("toomd.toml") && told.contains(problem), "{text}: {told}");
    }
    assert_eq!(
        refusal(&[], &[("TOOMD_PROT", "1")], ""),
        "TOOMD_PROT: there is no setting `prot`; `port` is one"
    );
    let told = refusal(&[], &[("TOOMD_LIMIT_POSTS_BURST", "x")], "");
    assert!(told.starts_with("TOOMD_LIMIT_POSTS_BURST: posts-burst: a number"), "{told}");
    let words: Vec<_> = ["toomd", "--config", "no/such/file"].map(OsString::from).to_vec();
    let Err(Refused::Settings(missing)) = read(&words, []) else { panic!("it is there") };
    assert!(missing.to_string().contains("no/such/file"), "{missing}");
}

#[test]
fn whoever_changes_accounts_needs_no_settings_to_be_right() {
    let words = ["toomd", "user", "list"].map(OsString::from);
    assert!(read(&words, [("TOOMD_NONSENSE".into(), "1".into())]).is_ok());
}

#[test]
fn what_is_shown_is_a_file_that_says_the_same() {
    let text =
        "listen = \"::1\"\ncredentials = \"a \\\"b\\\"\"\nmemory = true\n[limits]\nidle-time = \"90s\"\n";
    let first = asked(&["config"], &[], text).unwrap();
    let mut shown = Vec::new();
    show::write_all(&first.settings, &mut shown).unwrap();
    let shown = String::from_utf8(shown).unwrap();
    let second = asked(&["config"], &[], &shown).unwrap();
    let values = |asked: &Asked| -> Vec<_> {
        asked.settings.iter().map(|setting| (setting.name.clone(), setting.value.clone())).collect()
    };
    assert_eq!(values(&first), values(&second), "{shown}");
    assert!(shown.contains("\n# text-logs is not set "), "{shown}");
}

/// The page that operators read.
const PAGE: &str = include_str!("../../../../../docs/operations.md");

#[test]
fn every_setting_and_limit_stands_in_the_page_for_operators_with_its_default() {
    let asked = read(&["toomd".into()], []).unwrap();
    let rows: BTreeMap<&str, &str> =
        PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).collect();
    for Effective { name, value, .. } in &asked.settings {
        let name = name.strip_prefix("limits.").unwrap_or(name);
        let row = rows.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        let shown = value.as_deref().map_or("not set".to_owned(), |value| format!("`{value}`"));
        assert!(row.starts_with(&format!("{shown} | ")), "{name}: {shown} is not in {row}");
    }
    let known =
        |row: &&str| asked.settings.iter().any(|known| known.name.trim_start_matches("limits.") == *row);
    let settings = PAGE.split("\n## Settings").nth(1).unwrap().split("\n## ").next().unwrap();
    let stale = settings.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(stale.filter(|row| !known(row)).collect::<Vec<_>>(), Vec::<&str>::new());
}
