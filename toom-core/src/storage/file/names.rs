//! What the files of a data directory are called.

pub(super) const LOCK: &str = "lock";
pub(super) const BIRTH: &str = "birth";
pub(super) const MANIFEST: &str = "manifest";
/// The next manifest until it is whole.
pub(super) const MANIFEST_NEW: &str = "manifest.new";
pub(super) const STAMPS: &str = "stamps";
/// The first of these until it is whole.
pub(super) const STAMPS_NEW: &str = "stamps.new";

const HISTORY: &str = "history-";
const STATE: &str = "state-";
/// No store comes this far, and beyond it there is room to count on: a file with a higher number is not ours.
pub(super) const ID_MAX: u64 = 1 << 63;
/// Enough for every u64.
const DIGITS: usize = 20;

pub(super) fn history(id: u64) -> String {
    format!("{HISTORY}{id:0DIGITS$}")
}

pub(super) fn state(id: u64) -> String {
    format!("{STATE}{id:0DIGITS$}")
}

/// The id of the history file or state file that is called `name`; `None` if it is no name of ours.
pub(super) fn id(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(HISTORY).or_else(|| name.strip_prefix(STATE))?;
    let id = digits.parse().ok().filter(|&id| id < ID_MAX)?;
    (name == history(id) || name == state(id)).then_some(id)
}

pub(super) fn is_state(name: &str) -> bool {
    id(name).is_some_and(|id| name == state(id))
}

pub(super) fn is_history(name: &str) -> bool {
    id(name).is_some_and(|id| name == history(id))
}

/// What a repair calls the file that was called `name`; the first name that is not among `taken`.
pub(super) fn damaged(name: &str, taken: &[String]) -> String {
    let names = (1_u64..).map(|number| format!("{name}.damaged-{number}"));
    names.into_iter().find(|name| !taken.contains(name)).expect("there are more numbers than names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_names_are_known_and_no_others() {
        for number in [0, 7, ID_MAX - 1] {
            assert_eq!(id(&history(number)), Some(number));
            assert_eq!(id(&state(number)), Some(number));
        }
        for name in [
            "history-7",
            "history-",
            "history-00000000000000000007.damaged-1",
            "history-+0000000000000000007",
            "history-09223372036854775808",
            "state-99999999999999999999",
            "History-00000000000000000007",
            "notes",
            "manifest",
            "journal-1",
        ] {
            assert_eq!(id(name), None, "{name}");
        }
    }
}
