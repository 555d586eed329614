//! What is damaged is said to be, and never shown.

use super::*;

fn sample() -> Vec<Said> {
    history([(0, 30), (3, 900), (0, 40), (9, 1), (3, 3500), (0, 400), (3, 5), (12, 3)])
}

/// Everything that can be asked of the run, as far as it answers.
fn answers(run: &Run<Bytes>, history: &[Said]) -> Vec<Result<String, StorageError>> {
    let mut answers = Vec::new();
    let mut said = BTreeSet::from([(conversation(4), number(5), at(5))]);
    said.extend(history.iter().map(|said| (said.conversation, said.number, said.at)));
    for (conversation, number, at) in said {
        answers.push(run.locate(conversation, at).map(|answer| format!("{answer:?}")));
        answers.push(run.place(conversation, number).map(|answer| format!("{answer:?}")));
        answers.push(run.first_number(conversation).map(|answer| format!("{answer:?}")));
        answers.push(read(run, conversation, Some(number), 2).map(|answer| format!("{answer:?}")));
    }
    answers
}

#[test]
fn any_flipped_bit_is_found_and_no_answer_is_wrong() {
    let history = sample();
    let (file, summary) = written(&history, 1);
    let right: Vec<_> =
        answers(&opened(file.clone(), summary).unwrap(), &history).into_iter().map(Result::unwrap).collect();
    let mut bytes = file.copy();
    for bit in 0..bytes.len() * 8 {
        // At the ends, where the index lies, every bit; of the blocks between, of which there is a test of their own, one in each
        // byte.
        if (300..bytes.len() - 600).contains(&(bit / 8)) && bit % 8 != bit / 8 % 8 {
            continue;
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
        match opened(Bytes::of(&bytes), summary) {
            Err(error) => assert!(matches!(error, StorageError::Corrupt { .. }), "bit {bit}: {error}"),
            Ok(run) => {
                for (answer, right) in answers(&run, &history).into_iter().zip(&right) {
                    match answer {
                        Ok(answer) => assert_eq!(answer, *right, "bit {bit}"),
                        Err(error) => {
                            assert!(matches!(error, StorageError::Corrupt { .. }), "bit {bit}: {error}");
                        }
                    }
                }
                let error = checked(&run).expect_err("every bit is under a checksum");
                assert!(matches!(error, StorageError::Corrupt { .. }), "bit {bit}: {error}");
            }
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn any_cut_is_found_when_the_run_is_opened() {
    let (file, summary) = written(&sample(), 1);
    let bytes = file.copy();
    for length in 0..bytes.len() {
        let error = opened(Bytes::of(&bytes[..length]), summary).unwrap_err();
        assert!(matches!(error, StorageError::Corrupt { .. }), "{length} bytes: {error}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(opened(Bytes::of(&longer), summary).is_err());
}

#[test]
fn any_cut_is_found_after_the_run_was_opened() {
    let history = sample();
    let (file, summary) = written(&history, 1);
    let bytes = file.copy();
    for length in (0..bytes.len() - 600).step_by(5) {
        let file = Bytes::of(&bytes);
        let run = opened(file.clone(), summary).unwrap();
        file.0.write().unwrap().truncate(length);
        for error in answers(&run, &history).into_iter().filter_map(Result::err) {
            assert!(matches!(error, StorageError::Corrupt { .. }), "{length} bytes: {error}");
        }
        assert!(checked(&run).is_err(), "{length} bytes");
    }
}

#[test]
fn another_run_of_the_same_store_does_not_pass_for_the_one_that_the_manifest_names() {
    let (file, summary) = written(&sample(), 1);
    let (other, other_summary) = written(&sample(), 2);
    assert_eq!(summary.bytes, other_summary.bytes);
    assert!(opened(other, summary).is_err());
    assert!(opened(file.clone(), RunSummary { messages: 3, ..summary }).is_err());
    assert!(opened(file, RunSummary { last_at: at(1), ..summary }).is_err());
}

#[test]
fn damage_is_told_with_the_file_and_the_place() {
    let (file, summary) = written(&sample(), 1);
    let run = opened(file.clone(), summary).unwrap();
    file.0.write().unwrap()[40] ^= 1;
    let error = read(&run, conversation(0), None, 1).unwrap_err();
    assert_eq!(error.to_string(), "history-1: damaged at byte 0: the checksum of a block is wrong");
}

/// Blocks are exchanged together with their lengths: each is whole, but not in its place.
#[test]
fn whole_blocks_in_each_other_s_places_are_found() {
    let history = history([(1, 50), (2, 50)]);
    let (file, summary) = written(&history, 1);
    let run = opened(file.clone(), summary).unwrap();
    let second = usize::try_from(run.read_page(0).unwrap().entries[1].offset).unwrap();
    file.0.write().unwrap()[..second * 2].rotate_left(second);
    for room in [1, 2] {
        let error = read(&run, conversation(room), None, 1).unwrap_err();
        assert!(matches!(error, StorageError::Corrupt { .. }), "{error}");
    }
}

/// Forty messages in as many blocks, and a flipped bit in the text of the message `damaged`.
fn forty_with(damaged: usize) -> Run<Bytes> {
    let (file, summary) = written(&in_blocks(0, [block::BLOCK_BYTES; 40]), 1);
    file.0.write().unwrap()[(damaged - 1) * block::BLOCK_BYTES + 100] ^= 1;
    opened(file, summary).unwrap()
}

fn one(run: &Run<Bytes>, wanted: u64) -> Result<Vec<Said>, StorageError> {
    read(run, conversation(0), MessageNumber::new(wanted - 1), 1)
}

#[test]
fn damage_is_found_by_who_read_something_later_before() {
    let run = forty_with(1);
    one(&run, 40).unwrap();
    one(&run, 1).unwrap_err();
}

#[test]
fn damage_is_found_between_what_was_read_before_though_all_was_fetched_at_once() {
    let run = forty_with(2);
    run.locate(conversation(0), at(10)).unwrap();
    one(&run, 3).unwrap();
    one(&run, 2).unwrap_err();
}
