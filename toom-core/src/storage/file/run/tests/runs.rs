//! Several runs answer as one history, and few of them are looked at.

use super::*;
use crate::storage::file::runs::Runs;

/// Ten runs with twenty messages each, the first of which has the number 5, and their files.
fn ten(dropped: bool) -> (Runs<Bytes>, Vec<Bytes>) {
    let history = history((0..200).map(|_| (0, 20)));
    let (mut runs, mut files) = (Vec::new(), Vec::new());
    for (part, id) in history.chunks(20).zip(1..) {
        let (file, summary) = written(part, id);
        files.push(file.clone());
        let cache = Arc::new(PageCache::new(0));
        runs.push(Arc::new(Run::open(file, format!("history-{id}"), SALT, summary, cache).unwrap()));
    }
    (Runs::new(runs, dropped), files)
}

fn first_after(runs: &Runs<Bytes>, after: u64) -> Result<Option<u64>, StorageError> {
    let mut found = None;
    let flow = runs.read(conversation(0), Some(number(after)), &mut 1, &mut |message| {
        found = Some(message.number.get());
        ControlFlow::Continue(())
    });
    flow.map(|_| found)
}

#[test]
fn every_page_begins_in_the_run_that_holds_it() {
    let (runs, _) = ten(true);
    for after in 4..204 {
        assert_eq!(first_after(&runs, after).unwrap(), Some(after + 1));
    }
    assert_eq!(first_after(&runs, 204).unwrap(), None);
}

#[test]
fn a_late_page_is_read_though_the_oldest_files_cannot_be() {
    let (runs, files) = ten(true);
    for file in &files[..4] {
        file.0.write().unwrap().clear();
    }
    for after in [120, 150, 203] {
        assert_eq!(first_after(&runs, after).unwrap(), Some(after + 1));
    }
    assert!(first_after(&runs, 4).is_err());
}

#[test]
fn what_comes_before_all_that_is_kept_is_not_located_where_messages_are_gone_for_good() {
    let located = |dropped, micros| ten(dropped).0.locate(conversation(0), at(micros), None).unwrap();
    assert_eq!(located(true, 9), None);
    assert_eq!(located(false, 9), Some(number(4)));
    for dropped in [true, false] {
        assert_eq!(located(dropped, 10), Some(number(5)));
        // Between the first run and the second.
        assert_eq!(located(dropped, 205), Some(number(24)));
        assert_eq!(ten(dropped).0.dropped(), dropped);
    }
}

#[test]
fn debug_tells_of_which_file_a_run_is() {
    let shown = format!("{:?}", run(&history([(0, 9)]), 3));
    assert!(shown.contains("history-3") && shown.contains("messages: 1"), "{shown}");
}

/// The checksum of the footer is right, and so is that of every block: as if a merge had told of other messages than it wrote.
#[test]
fn a_run_with_other_messages_or_times_than_its_footer_tells_is_damaged() {
    let (_, told) = written(&history([(0, 9), (0, 9), (1, 9)]), 1);
    let wrong = [
        RunSummary { messages: 4, ..told },
        RunSummary { first_at: at(9), ..told },
        RunSummary { last_at: at(31), ..told },
        told,
    ];
    let is_sound = wrong.map(|summary| {
        let mut run = run(&history([(0, 9), (0, 9), (1, 9)]), 1);
        run.summary = summary;
        checked(&run).is_ok()
    });
    assert_eq!(is_sound, [false, false, false, true]);
}
