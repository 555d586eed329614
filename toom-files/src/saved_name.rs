//! Under which name a file is offered, and under which it is saved: what others write must never reach outside the folder, hide
//! in it, steer a terminal, or fail on the file systems of others.

use std::path::Path;

/// The longest name that is given, in bytes: with what is put round it for the time of the transfer, a file system takes it.
const BYTES_MAX: usize = 200;

/// The longest name that is offered, in bytes.
const OFFERED_BYTES_MAX: usize = 255;

/// The longest that counts as an extension, in bytes and with its dot, where a name is cut.
const EXTENSION_BYTES_MAX: usize = 20;

/// The name for a file called `file_name` that `presenter` sends: `presenter_file_name`, made harmless.
///
/// Folders of either kind of separator are left out; control characters, those that turn the direction of text, and those that some
/// file system forbids become `_`; dots and dashes at the beginning go, so that nothing takes it for hidden or for an option, and dots and
/// blanks at the end; a name that Windows keeps for a device gets a `_` before it; and what is too long is cut before the extension, at a
/// character.
#[must_use]
pub fn saved_name(presenter: &str, file_name: &str) -> String {
    let presenter = harmless(presenter);
    let file_name = harmless(base(file_name));
    let name = match (presenter.is_empty(), file_name.is_empty()) {
        (_, true) => format!("{presenter}_file"),
        (true, false) => file_name,
        (false, false) => format!("{presenter}_{file_name}"),
    };
    let name = cut(&name, BYTES_MAX);
    if is_reserved(&name) { cut(&format!("_{name}"), BYTES_MAX) } else { name }
}

/// The name as it is offered to the other side: without the folders, one line, not too long.
pub(crate) fn offered_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    let name = cut(&name, OFFERED_BYTES_MAX);
    if name.trim().is_empty() { "file".to_owned() } else { name }
}

/// `name` with a number before its extension, for when there is a file of that name already.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    let (stem, extension) = split(name);
    format!("{stem} ({number}){extension}")
}

/// What stands behind the last separator.
fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default()
}

fn harmless(name: &str) -> String {
    name.chars()
        .map(|c| if is_harmful(c) { '_' } else { c })
        .collect::<String>()
        .trim_start_matches(|c: char| matches!(c, '.' | '-') || c.is_whitespace())
        .trim_end()
        .to_owned()
}

/// Control characters; marks that turn the direction of text or that nobody sees, as Unicode lists them (`Default_Ignorable_Code_Point`, but for U+FE0E
/// and U+FE0F, which choose between two looks of a character); what Windows forbids in names, separators among it; breaks of lines and paragraphs.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
                ..='\u{180f}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}')
        || matches!(c, '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

/// Whether Windows takes it for a device, whatever the extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device| {
        stem.strip_prefix(device).is_some_and(|number| {
            let mut number = number.chars();
            matches!((number.next(), number.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
        })
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered("COM")
        || numbered("LPT")
}

/// The name and its extension, which has its dot; where nothing stands before the dot there is none.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= EXTENSION_BYTES_MAX => name.split_at(dot),
        _ => (name, ""),
    }
}

/// No longer than `bytes_max`, with neither dots nor blanks at its end, and never cut within a character.
fn cut(name: &str, bytes_max: usize) -> String {
    let name = name.trim_end_matches(['.', ' ']);
    if name.len() <= bytes_max {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    let stem = stem.get(..stem.floor_char_boundary(bytes_max - extension.len())).unwrap_or_default();
    format!("{stem}{extension}").trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_made_harmless_and_stay_readable() {
        for (file_name, expected) in [
            ("notes.txt", "yoda_notes.txt"),
            ("../../etc/passwd", "yoda_passwd"),
            ("C:\\Users\\luke\\a b.pdf", "yoda_a b.pdf"),
            ("..", "yoda_file"),
            ("", "yoda_file"),
            ("folder/", "yoda_folder"),
            (".bashrc", "yoda_bashrc"),
            ("a\nb\u{1b}[2J.txt", "yoda_a_b_[2J.txt"),
            ("exe.\u{202e}txt.gpj", "yoda_exe._txt.gpj"),
            ("trailing. . .", "yoda_trailing"),
            ("Füße 😀.png", "yoda_Füße 😀.png"),
        ] {
            assert_eq!(saved_name("yoda", file_name), expected, "{file_name:?}");
        }
        assert_eq!(saved_name("..", "CON.txt"), "_CON.txt");
        assert_eq!(saved_name("", "lpt1"), "_lpt1");
        assert_eq!(saved_name("", ""), "_file");
        assert_eq!(saved_name("com1.x", "y"), "_com1.x_y");
        assert_eq!(saved_name("-rf", "-v"), "rf_v");
        assert_eq!(saved_name("-", " .-"), "_file");
        assert_eq!(saved_name("-", "- -f"), "f");
    }

    /// Dots behind a blank stayed, and were all that there was.
    #[test]
    fn a_name_of_blanks_and_dots_is_no_empty_name() {
        for nothing in [" .", ". .", "\u{a0}..", "folder/ ."] {
            assert_eq!(saved_name(".", nothing), "_file", "{nothing:?}");
            assert_eq!(saved_name("yoda", nothing), "yoda_file", "{nothing:?}");
        }
    }

    /// It was looked at before it was cut.
    #[test]
    fn a_long_name_of_which_the_name_of_a_device_is_left_is_none() {
        let blanks = " ".repeat(BYTES_MAX);
        assert_eq!(saved_name("", &format!("PRN{blanks}x")), "_PRN");
        let name = saved_name("", &format!("con.{}", "x".repeat(BYTES_MAX)));
        assert!(name.starts_with("_con.x") && name.len() == BYTES_MAX, "{name}");
    }

    #[test]
    fn a_long_name_keeps_its_extension_and_its_characters_whole() {
        let name = saved_name("yoda", &format!("{}.tar", "ü".repeat(200)));
        assert!(name.len() <= BYTES_MAX && name.len() >= BYTES_MAX - 1, "{}", name.len());
        assert!(name.ends_with("ü.tar"), "{name}");
    }

    #[test]
    fn a_number_comes_before_the_extension() {
        assert_eq!(numbered("a.tar", 2), "a (2).tar");
        assert_eq!(numbered("noext", 3), "noext (3)");
    }

    /// The name for the file, as it is and with a number, is one in the folder itself, hides nothing and steers nothing.
    fn expect_harmless(presenter: &str, file_name: &str) {
        let saved = saved_name(presenter, file_name);
        for name in [numbered(&saved, 9_999), saved] {
            assert!(!name.is_empty() && name.len() <= BYTES_MAX + 7, "{name:?}");
            assert_eq!(Path::new(&name).file_name(), Some(name.as_ref()));
            assert!(!name.chars().any(is_harmful), "{name:?}");
            assert!(!name.starts_with(['.', ' ', '-']) && !name.ends_with(['.', ' ']), "{name:?}");
            assert!(!is_reserved(&name), "{name:?}");
        }
    }

    #[test]
    fn none_of_a_hundred_thousand_names_of_hostile_pieces_reaches_outside_the_folder_hides_or_steers() {
        const PIECES: [&str; 40] = [
            "..",
            ".",
            "/",
            "\\",
            "../",
            "..\\",
            "-",
            "-rf",
            "~",
            " ",
            "\u{a0}",
            "\u{3000}",
            "\t",
            "\n",
            "\r",
            "\0",
            "\u{1b}[2J",
            "\u{7f}",
            "\u{9b}31m",
            "\u{202e}",
            "\u{200b}",
            "\u{feff}",
            "\u{e0001}",
            ":",
            "C:",
            "::$DATA",
            "*",
            "|",
            "CON",
            "nul",
            "COM1",
            "lpt\u{b9}",
            ".txt",
            ".tar.gz",
            "%2e%2e%2f",
            "passwd",
            "Füße",
            "😀",
            "e\u{301}",
            "a piece that is long enough to be cut when there are several of it, since nobody reads so far",
        ];
        // SplitMix64: the same names every time.
        let mut state = 13_u64;
        let mut below = |limit: usize| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
        };
        let mut different = std::collections::HashSet::new();
        for _ in 0..100_000 {
            let mut text = |most| (0..below(most)).map(|_| PIECES[below(PIECES.len())]).collect::<String>();
            let (presenter, file_name) = (text(4), text(9));
            expect_harmless(&presenter, &file_name);
            different.insert((presenter, file_name));
        }
        assert!(different.len() > 80_000, "{} of them differ", different.len());
    }

    proptest! {
        #[test]
        fn no_name_reaches_outside_the_folder_hides_or_steers(presenter in "(?s:.{0,20})|[-. a]{0,4}", file_name in "\\PC{0,300}|[-./\\\\ :\u{1}-\u{20}a-c]{0,20}") {
            expect_harmless(&presenter, &file_name);
        }

        #[test]
        fn an_offered_name_is_one_line_of_bounded_length(name in any::<String>()) {
            let name = offered_name(Path::new(&name));
            prop_assert!(!name.is_empty() && name.len() <= OFFERED_BYTES_MAX);
            prop_assert!(!name.chars().any(char::is_control));
        }
    }
}
