//! Under which name a file that was sent is saved.

#[path = "../../toom-files/src/saved_name.rs"]
#[expect(unreachable_pub, reason = "it is exported where it belongs")]
mod saved_name;

use std::path::Path;

use toom_net::protocol::FileName;
use toom_net::shown::is_shown_as_code;

/// What may stand in the longest name that is saved: 200 bytes, and a number where there is one of that name already.
const BYTES_MAX: usize = 200 + " (4294967295)".len();

/// A sender and the name of a file, with a zero between: whatever they are, the file is saved under a name that is one in
/// the folder itself, hides nothing, steers no terminal, and is taken by every file system.
pub fn file_names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (sender, name) = text.split_once('\0').unwrap_or(("", &text));
    harmless(&saved_name::saved_name(sender, name));
    harmless(&saved_name::numbered(&saved_name::saved_name(sender, name), u32::MAX));
    let offered = saved_name::offered_name(Path::new(name));
    assert!(FileName::parse(&offered).is_ok(), "{offered:?} is offered, and no offer takes it");
    if let Ok(offered) = FileName::parse(name) {
        assert_eq!(offered.as_str(), name);
    }
}

fn harmless(name: &str) {
    assert!(!name.is_empty() && name.len() <= BYTES_MAX, "{name:?} has {} bytes", name.len());
    assert_eq!(Path::new(name).file_name(), Some(name.as_ref()), "{name:?}");
    assert!(!name.starts_with('.') && !name.ends_with(['.', ' ']), "{name:?}");
    let forbidden = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c) || turns_text(c);
    assert!(!name.contains(forbidden), "{name:?}");
    let device = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    assert!(!["CON", "PRN", "AUX", "NUL", "COM1", "LPT9"].contains(&&*device), "{name:?}");
}

/// Whether `c` changes the direction of the text behind it, or is not seen at all; marks inside the writing of some languages are.
fn turns_text(c: char) -> bool {
    is_shown_as_code(c) && matches!(c, '\u{200b}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}
