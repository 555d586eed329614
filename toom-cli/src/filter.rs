//! The one way to the terminal. Whatever was written by others is shown here and obeyed nowhere.
//!
//! Characters that steer a terminal, reorder what stands on it, or are there without being seen are written as Rust writes
//! them: `\u{1b}`, `\u{202e}`. A line break is written `\n` and a tab `\t`, so that one message is one line. A backslash stays
//! as it is: a text that says `\n` and one that breaks its line look alike, and neither harms.

use core::fmt::{self, Write as _};
use std::io;

/// A text as one line that no terminal obeys, by its `Display`.
///
/// ```
/// use toom_cli::filter::OneLine;
///
/// assert_eq!(OneLine("red \u{1b}[31m and\nback \u{202e}").to_string(), r"red \u{1b}[31m and\nback \u{202e}");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(is_shown_as_code) {
            let (plain, tail) = rest.split_at(at);
            f.write_str(plain)?;
            let mut chars = tail.chars();
            match chars.next() {
                Some('\n') => f.write_str("\\n")?,
                Some('\t') => f.write_str("\\t")?,
                Some(hidden) => write!(f, "{}", hidden.escape_unicode())?,
                None => {}
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// Writes `text` as one line that no terminal obeys, in one `write`, and flushes it.
///
/// # Errors
/// Those of `out`.
pub fn write_line(out: &mut impl io::Write, text: &str) -> io::Result<()> {
    let mut line = String::with_capacity(text.len() + 1);
    // Writing to a `String` cannot fail.
    let _ = writeln!(line, "{}", OneLine(text));
    out.write_all(line.as_bytes())?;
    out.flush()
}

/// Whether `c` must not reach a terminal as it is.
///
/// These are the control characters (Cc), the line and paragraph separators, the format characters (Cf), and everything else
/// that Unicode calls *default ignorable*: what a terminal shows as nothing. Two of those stay, U+FE0E and U+FE0F, which choose
/// between the two looks of a character such as ❤️.
#[must_use]
pub fn is_shown_as_code(c: char) -> bool {
    c.is_control() || HIDDEN.iter().any(|&(first, last)| first <= c && c <= last)
}

/// `General_Category` Cf, Zl and Zp, and `Default_Ignorable_Code_Point`, of Unicode 16.0, but U+FE0E and U+FE0F.
const HIDDEN: [(char, char); 25] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0d}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

#[cfg(test)]
mod tests {
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
        for text in [
            "hello",
            "Grüße",
            "שלום",
            "здравствуй",
            "你好",
            "हिन्दी",
            "❤\u{fe0f} 👍🏽",
            r"C:\dir\n",
            "e\u{301}",
            "",
        ] {
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
    fn the_end_of_the_line_is_the_only_line_end_written() {
        let mut out = Vec::new();
        write_line(&mut out, "one\nmessage\u{2029}").unwrap();
        assert_eq!(out, b"one\\nmessage\\u{2029}\n");
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
}
