//! Names of files, for the path that is typed.

use std::fs;

use super::in_home;

/// How many entries of a folder are looked at.
const ENTRIES_MAX: usize = 10_000;

/// What the path may become: the entries of its folder whose names go on as it does. Hidden ones are for who types their dot, and names that
/// cannot be shown as they are for nobody.
#[must_use]
pub fn complete(path: &str) -> Vec<String> {
    let (folder, begun) = path.rfind('/').map_or(("", path), |at| path.split_at(at + 1));
    let there = if folder.is_empty() { in_home(".") } else { in_home(folder) };
    let Ok(entries) = fs::read_dir(there) else { return Vec::new() };
    let mut fits: Vec<_> = entries
        .take(ENTRIES_MAX)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let shown = name.starts_with(begun) && (begun.starts_with('.') || !name.starts_with('.'));
            if !shown || name.contains(toom_net::shown::is_shown_as_code) {
                return None;
            }
            let end = if entry.path().is_dir() { "/" } else { "" };
            Some(format!("{folder}{name}{end}"))
        })
        .collect();
    fits.sort_unstable();
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_completed_with_folders_and_files_and_with_nothing_that_steers_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["film one.mp4", "film\u{1b}[2J", ".film", "notes"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("films")).unwrap();
        let below = |name: &str| format!("{}/{name}", folder.path().display());
        assert_eq!(complete(&below("fi")), [below("film one.mp4"), below("films/")]);
        assert_eq!(complete(&below(".")), [below(".film")]);
        assert_eq!(complete(&below("")).len(), 3);
        assert_eq!(complete("/nonexistent/x"), [""; 0]);
    }
}
