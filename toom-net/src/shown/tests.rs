use proptest::prelude::*;
use regex_syntax::hir::{Class, HirKind};

use super::*;

/// Written down apart from the table above, from the list in the issue: what a reader must never get.
fn steers_or_hides(c: char) -> bool {
    matches!(u32::from(c),
        0..=0x1f | 0x7f..=0x9f
        | 0x61c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069
        | 0xad | 0x200b..=0x200d | 0x2060..=0x2064 | 0xfeff | 0xe0001 | 0xe0020..=0xe007f
        | 0x2028 | 0x2029)
}

fn shown(text: &str) -> String {
    OneLine(text).to_string()
}

#[test]
fn no_single_character_gets_through_that_steers_or_hides() {
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        let out = shown(&c.to_string());
        assert!(!out.contains(steers_or_hides), "{c:?} gave {out:?}");
        assert!(!out.is_empty(), "{c:?} is not to be seen");
    }
}

/// The table against Unicode's own, as another crate has them.
#[test]
fn everything_that_unicode_calls_control_format_separator_or_ignorable_is_shown() {
    let hidden = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}--[\u{fe0e}\u{fe0f}]]";
    let parsed = regex_syntax::parse(hidden).unwrap();
    let HirKind::Class(Class::Unicode(class)) = parsed.kind() else { panic!("{parsed:?} is no class") };
    let listed = |c: char| class.ranges().iter().any(|range| range.start() <= c && c <= range.end());
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        assert_eq!(is_shown_as_code(c), listed(c), "{c:?}");
    }
}

#[test]
fn ordinary_text_of_any_script_stays_as_it_is() {
    for text in
        ["hello", "Grüße", "שלום", "здравствуй", "你好", "हिन्दी", "❤\u{fe0f} 👍🏽", r"C:\dir\n", "e\u{301}", ""]
    {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn a_line_break_a_tab_and_an_escape_are_named() {
    assert_eq!(shown("a\nb\tc\r\u{1b}[2J\u{9b}\u{7f}"), r"a\nb\tc\u{d}\u{1b}[2J\u{9b}\u{7f}");
}

#[test]
fn an_override_and_a_joiner_are_named() {
    assert_eq!(shown("\u{202e}evil\u{200d}\u{2028}"), r"\u{202e}evil\u{200d}\u{2028}");
}

#[test]
fn the_first_and_the_last_time_can_be_told() {
    for (at, told) in [(Timestamp::MIN, "01 Jan 0000 00:00:00"), (Timestamp::MAX, "31 Dec 9999 23:59:59 UTC")]
    {
        assert_eq!(Spoken { at, zone: &TimeZone::UTC }.to_string(), told);
    }
}

proptest! {
    #[test]
    fn nothing_that_steers_or_hides_gets_through(text in any::<String>(), nasty in "[\u{0}-\u{9f}\u{200b}-\u{2069}\u{e0000}-\u{e007f}]{0,8}") {
        let out = shown(&format!("{text}{nasty}{text}"));
        prop_assert!(!out.contains(steers_or_hides), "{out:?}");
    }

    #[test]
    fn what_was_filtered_is_filtered_no_further(text in any::<String>()) {
        let once = shown(&text);
        prop_assert_eq!(shown(&once), once);
    }

    #[test]
    fn every_visible_character_is_kept_in_order(text in any::<String>()) {
        let kept: String = text.chars().filter(|&c| !is_shown_as_code(c)).collect();
        let mut rest = shown(&text);
        for c in kept.chars() {
            let at = rest.find(c);
            prop_assert!(at.is_some(), "{c:?} is missing");
            rest = rest[at.unwrap() + c.len_utf8()..].to_owned();
        }
    }
}

#[test]
fn debug_shows_the_length_alone() {
    assert_eq!(format!("{:?}", OneLine("secret")), "OneLine(6 bytes)");
}
