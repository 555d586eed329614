//! A text that stands for passwords and messages in tests, and that no `Debug` may show.

use core::fmt::Debug;

pub(crate) const MARKER: &str = "marked_secret";

/// Whether `Debug` shows the marker, as a text or as a list of bytes.
pub(crate) fn is_shown(value: &impl Debug) -> bool {
    let told = format!("{value:?} {value:#?}");
    let closed_up: String = told.split_whitespace().collect();
    let bytes: Vec<_> = MARKER.bytes().map(|byte| byte.to_string()).collect();
    told.contains(MARKER) || closed_up.contains(&bytes.join(","))
}

#[test]
fn the_marker_is_found_in_texts_and_among_bytes() {
    assert!(is_shown(&format!("x{MARKER}")) && is_shown(&format!("x{MARKER}").as_bytes()));
    assert!(!is_shown(&"marked"));
}
