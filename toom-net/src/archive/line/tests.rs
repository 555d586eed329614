use proptest::prelude::*;
use toom_core::{Conversation, Timestamp};

use super::*;

/// 2022-08-04T09:02:29.123456Z
const AT: i64 = 1_659_603_749_123_456;

fn line_of(author: &str, body: &str, zone: &TimeZone) -> String {
    let message = MessageRef {
        conversation: Conversation::Broadcast,
        number: MessageNumber::new(3).unwrap(),
        at: Timestamp::from_unix_micros(AT).unwrap(),
        author,
        body,
    };
    EntryLine { message, zone }.to_string()
}

fn line(body: &str) -> String {
    line_of("obiwan", body, &TimeZone::UTC)
}

#[test]
fn a_line_has_the_form_of_the_old_design() {
    assert_eq!(line("hello"), "3; 04 Aug 2022 09:02:29; obiwan; hello");
    let west = TimeZone::fixed(jiff::tz::offset(-10));
    assert_eq!(line_of("obiwan", "hello", &west), "3; 03 Aug 2022 23:02:29; obiwan; hello");
}

#[test]
fn no_text_forges_a_line() {
    let forged = "a\n4; 04 Aug 2022 09:02:30; yoda; I never said this";
    assert_eq!(
        line(forged),
        r"3; 04 Aug 2022 09:02:29; obiwan; a\n4; 04 Aug 2022 09:02:30; yoda; I never said this"
    );
    assert_eq!(line("a\u{2028}b\u{202e}"), r"3; 04 Aug 2022 09:02:29; obiwan; a\u{2028}b\u{202e}");
}

#[test]
fn a_backslash_is_written_as_a_code_only_where_it_could_be_misread() {
    assert_eq!(line(r"C:\dir \\server \t"), r"3; 04 Aug 2022 09:02:29; obiwan; C:\dir \\server \t");
    assert_eq!(line(r"C:\new \u{41}"), r"3; 04 Aug 2022 09:02:29; obiwan; C:\u{5c}new \u{5c}u{41}");
}

#[test]
fn a_line_is_read_field_by_field() {
    let entry = Entry::parse("12; 4 Aug 2022 09:02:29; a;; x; y ").unwrap();
    assert_eq!((entry.number.get(), entry.author.as_str(), entry.body.as_str()), (12, "a;", "x; y "));
    assert_eq!(entry.clock, jiff::civil::date(2022, 8, 4).at(9, 2, 29, 0));
    let entry = Entry::parse(r"1; 04 Aug 2022 09:02:29; obiwan; a\nb\\u{41}\u{110000}\x").unwrap();
    assert_eq!(entry.body.as_str(), "a\nb\\A\\u{110000}\\x");
}

#[test]
fn what_is_no_line_is_refused_by_what_is_wrong_with_it() {
    for form in [
        "",
        "3",
        "3; 04 Aug 2022 09:02:29",
        "3; 04 Aug 2022 09:02:29; obiwan",
        "x; 04 Aug 2022 09:02:29; a; b",
        "0; 04 Aug 2022 09:02:29; a; b",
        "-1; 04 Aug 2022 09:02:29; a; b",
        "+1; 04 Aug 2022 09:02:29; a; b",
        "18446744073709551616; 04 Aug 2022 09:02:29; a; b",
        "3;04 Aug 2022 09:02:29;obiwan;hello",
        "3; 04 Aug 2022 09:02:29; obi wan; hello",
    ] {
        assert_eq!(Entry::parse(form), Err(EntryError::Form), "{form}");
    }
    for clock in [
        "yesterday",
        "32 Aug 2022 09:02:29",
        "29 Feb 2022 09:02:29",
        "04 Aug 2022 24:02:29",
        "04 Aug 2022",
        "",
    ] {
        let refused = Entry::parse(&format!("3; {clock}; obiwan; hello"));
        assert!(
            matches!(&refused, Err(EntryError::Time { found }) if found == clock),
            "{clock}: {refused:?}"
        );
    }
    let refused = Entry::parse("3; 04 Aug 2022 09:02:29; ; hello");
    assert_eq!(refused, Err(EntryError::Author(UserNameError::NotAllowed)));
    let refused = Entry::parse("3; 04 Aug 2022 09:02:29; obiwan; ");
    assert_eq!(refused, Err(EntryError::Body(BodyError::Empty)));
    let refused = Entry::parse("3; 04 Aug 2022 09:02:29; obiwan; a\u{7}");
    assert_eq!(refused, Err(EntryError::Body(BodyError::ControlCharacter { found: '\u{7}' })));
}

#[test]
fn the_longest_lines_stay_below_their_bound() {
    for text in ["\u{ad}", "\n", "\\n", "\u{2028}", "\u{e0001}", "\u{110bd}", "\\u{"] {
        let body = text.repeat(Body::BYTES_MAX / text.len() - 1) + "x";
        assert!(line(&body).len() + 1 < LINE_BYTES_MAX, "{text:?}: {}", line(&body).len());
    }
}

proptest! {
    #[test]
    fn every_text_is_read_as_it_was_written(text in "(\\PC|[\\\\nu{}5c\n]|\\p{Cf}|\\p{Zl}){1,40}", name in "[a-z;]{1,8}") {
        if let Ok(body) = Body::parse(&text) {
            let line = line_of(&name, &text, &TimeZone::UTC);
            prop_assert_eq!(line.lines().count(), 1);
            prop_assert!(!line.contains(is_shown_as_code), "{}", line);
            let entry = Entry::parse(&line).unwrap();
            prop_assert_eq!(entry.author.as_str(), name);
            prop_assert_eq!(entry.body, body);
        }
    }

    #[test]
    fn no_line_is_too_strange_to_be_judged(line in "\\PC*|[0-9]; 04 Aug 2022 09:02:29; [a-z]; [\\\\u{}n0-9a-f]*") {
        let _ = Entry::parse(&line);
    }
}
