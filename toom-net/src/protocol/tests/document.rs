//! `docs/protocol.md` says what the codec does.

use std::collections::{BTreeSet, VecDeque};

use super::super::transfer::Asked;
use super::super::*;
use super::{refusal_line, request_line, server_line};

const TEXT: &str = include_str!("../../../../docs/protocol.md");

/// The blocks fenced as `kind`.
fn blocks(kind: &str) -> Vec<&'static str> {
    let open = format!("```{kind}\n");
    TEXT.split(&open).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Plays one example: every line parses, replies answer the requests in order, rows fit their verb.
fn play(session: &'static str) {
    let mut asked: VecDeque<(Option<Verb>, Option<Tag>, Option<RequestError>)> = VecDeque::new();
    for line in session.lines() {
        if let Some(line) = line.strip_prefix("C: ") {
            asked.push_back(match Request::parse(line.as_bytes()) {
                Ok(request) => (Some(request.command.verb()), request.tag, None),
                Err(error) => (error.failure.verb, error.tag.clone(), Some(error)),
            });
            continue;
        }
        let line = line.strip_prefix("S: ").unwrap_or_else(|| panic!("{line:?} is marked C: or S:"));
        let parsed = ServerLine::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!(String::from_utf8(server_line(&parsed)).unwrap(), line, "written as the codec writes it");
        match parsed {
            ServerLine::Row { tag, row } => {
                let (verb, asked_tag, _) =
                    asked.front().unwrap_or_else(|| panic!("{line:?} answers nothing"));
                assert_eq!(tag, *asked_tag, "{line}");
                let fits = match verb {
                    Some(Verb::Atu) => row.parse_user().is_some(),
                    Some(Verb::Rdm) => row.parse_history().is_some(),
                    _ => false,
                };
                assert!(fits, "{line}");
            }
            ServerLine::Reply(reply) => {
                let (verb, tag, error) =
                    asked.pop_front().unwrap_or_else(|| panic!("{line:?} answers nothing"));
                assert_eq!(reply.tag, tag, "{line}");
                match (&reply.result, error) {
                    (Ok(success), None) => assert_eq!(Some(success.verb()), verb, "{line}"),
                    (Err(failure), None) => assert_eq!(failure.verb, verb, "{line}"),
                    (Err(failure), Some(error)) => {
                        assert_eq!((failure.verb, &failure.code), (verb, &error.failure.code), "{line}");
                    }
                    (Ok(_), Some(error)) => panic!("{line:?} answers {}", refusal_line(error)),
                }
            }
            ServerLine::Greeting(_) | ServerLine::Push(_) => {}
        }
    }
    assert!(asked.is_empty(), "unanswered: {asked:?}");
}

#[test]
fn every_example_is_read_by_the_codec_as_the_text_says() {
    let sessions = blocks("toom");
    assert!(sessions.len() >= 10, "{} examples", sessions.len());
    sessions.into_iter().for_each(play);
}

#[test]
fn every_form_and_limit_of_the_codec_is_in_the_text() {
    for verb in Verb::ALL {
        assert!(TEXT.contains(verb.as_str()), "{verb}");
    }
    let ends = ["done", "refused", "cancelled", "gone", "taken", "timeout"].map(|code| {
        let line = format!("UPD END 7 {code}");
        let parsed = ServerLine::parse(line.as_bytes());
        let Ok(ServerLine::Push(Push::Transfer(TransferPush::End { code: known, .. }))) = parsed else {
            panic!("{line}")
        };
        assert!(!matches!(known, EndCode::Other(_)), "{code} is unknown to the codec");
        format!("`{code}`")
    });
    let words = ["shutdown", "idle", "throttled", "removed", "kicked"].map(|code| format!("`{code}`"));
    let limits = ["16,384", "8,192", "1,024", "1 to 1000", "1 to 64"]
        .map(String::from)
        .into_iter()
        .chain(words)
        .chain(ends);
    for wanted in limits {
        assert!(TEXT.contains(&wanted), "{wanted}");
    }
    assert_eq!(
        (MAX_LINE, PING_BYTES_MAX, NAMES_MAX, PageLimit::MAX, Tag::BYTES_MAX),
        (16_384, 8192, 1024, 1000, 64)
    );
    assert_eq!(toom_core::Body::BYTES_MAX, 8192);
}

/// The table of codes, each row read by the codec as an `ERR` line.
#[test]
fn the_codec_knows_exactly_the_codes_of_the_table() {
    let table = TEXT.split("## 6.").nth(1).unwrap().split("## 7.").next().unwrap();
    let codes = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut known = 0;
    for code in codes {
        let line = format!("ERR SRB {} text", code.replace("ROOM", "1"));
        let parsed = ServerLine::parse(line.as_bytes()).unwrap();
        let ServerLine::Reply(Reply { result: Err(failure), .. }) = parsed else { panic!("{line}") };
        assert!(!matches!(failure.code, Code::Other(_)), "{code} is unknown to the codec");
        assert_eq!(failure.text.as_ref(), "text", "{code}");
        known += 1;
    }
    assert_eq!(known, 19, "codes in the table");
}

/// The words of an ABNF text that are names of rules: not strings, comments, or numbers.
fn rule_names(abnf: &str) -> Vec<&str> {
    let outside_strings = abnf.split('"').step_by(2);
    let words = outside_strings
        .flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && !"-%.".contains(c)));
    words
        .map(|word| word.trim_start_matches(|c: char| c.is_ascii_digit()))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .collect()
}

#[test]
fn every_rule_of_the_grammar_is_defined_once_and_used() {
    let core = ["ALPHA", "CR", "DIGIT", "HEXDIG", "LF", "SP", "VCHAR"];
    let (mut defined, mut used) = (BTreeSet::from(core), BTreeSet::from(core));
    used.extend(["client-line", "server-line"]);
    for block in blocks("abnf") {
        for line in block.lines() {
            let rule = line.split(';').next().unwrap();
            let Some((name, right)) = rule.split_once(" = ") else {
                assert!(rule.trim().is_empty(), "{line:?} is a rule or a comment");
                continue;
            };
            assert!(defined.insert(name.trim()), "{name} is defined twice");
            used.extend(rule_names(right));
        }
    }
    assert_eq!(defined, used);
}

#[test]
fn the_forms_of_the_text_are_those_that_refusals_show() {
    for form in ["OFFER", "ACCEPT", "REFUSE", "CANCEL", "DONE", "RELAY", "MORE", "DATA"] {
        let (_, form) = Asked::parse(form).unwrap();
        assert!(TEXT.lines().any(|line| line == form), "{form}");
    }
    assert_eq!((Piece::BYTES_MAX, Leave::MAX, FileName::BYTES_MAX), (8192, 16, 255));
    for form in [Verb::Hello, Verb::Login, Verb::Bcm, Verb::Srm].map(Verb::form) {
        assert!(TEXT.contains(&format!("```\n{form}\n```")), "{form}");
    }
    let written = request_line(&Command::Help.into());
    assert_eq!(written, b"HELP");
}
