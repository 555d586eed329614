//! What is whole of a damaged run is found, whatever is not.

use super::*;

fn salvage(bytes: &[u8]) -> Salvage<Bytes> {
    Salvage::new(Bytes::of(bytes), SALT, bytes.len() as u64)
}

fn salvaged(bytes: &[u8]) -> Vec<Said> {
    let (mut salvage, mut told) = (salvage(bytes), Vec::new());
    while let Some(key) = salvage.key() {
        let before = told.len();
        salvage
            .take(None, |message| {
                told.push(Said::from(message));
                Ok::<_, ()>(())
            })
            .unwrap();
        assert_eq!((told[before].conversation, told[before].number), key);
    }
    told
}

/// More than a page of the index, and more than is read in one call.
fn large() -> Vec<Said> {
    history((0..6000_usize).map(|i| (u32::try_from(i % 3).unwrap(), 300 + i % 400)))
}

#[test]
fn all_messages_of_a_whole_run_are_found_without_its_index() {
    let (file, _) = written(&large(), 1);
    let bytes = file.copy();
    assert!(bytes.len() > 2 << 20);
    assert_eq!(salvaged(&bytes), clustered(&large()));
}

/// Catches: what lies behind a damaged part is not looked for at the right place.
#[test]
fn around_a_flipped_bit_all_other_blocks_are_found() {
    let history = history([(0, 30), (3, 900), (0, 40), (9, 1), (3, 3500), (0, 400), (3, 5), (12, 3)]);
    let (file, summary) = written(&history, 1);
    let whole = clustered(&history);
    let bytes = file.copy();
    let run = opened(file, summary).unwrap();
    let page = run.read_page(0).unwrap();
    for bit in (0..bytes.len() * 8).step_by(11) {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let hit = (0..page.entries.len())
            .filter_map(|slot| page.entry(slot))
            .find(|(entry, end)| (entry.offset..*end).contains(&(bit as u64 / 8)));
        let is_hit = |said: &Said| {
            hit.is_some_and(|(entry, _)| {
                said.conversation == entry.conversation
                    && (entry.first.get()..entry.end()).contains(&said.number.get())
            })
        };
        let expected: Vec<_> = whole.iter().filter(|said| !is_hit(said)).cloned().collect();
        assert_eq!(salvaged(&bytes), expected, "bit {bit}");
    }
}

#[test]
fn what_was_cut_off_or_lies_behind_rubbish_changes_nothing_else() {
    let (file, _) = written(&large(), 1);
    let bytes = file.copy();
    let cut = salvaged(&bytes[..bytes.len() / 2]);
    assert!(cut.len() > 2000 && clustered(&large()).starts_with(&cut));
    let rubbish = [vec![0xa5; 1 << 20], bytes].concat();
    assert_eq!(salvaged(&rubbish), clustered(&large()));
}

#[test]
fn messages_are_passed_up_to_any_place_and_lent_up_to_any_bound() {
    let (file, _) = written(&large(), 1);
    let bytes = file.copy();
    for (room, last, bound) in
        [(0, 4, 5), (0, 5, 9), (0, 700, 2000), (1, 30, 31), (2, 2003, 2004), (2, 2004, 3000)]
    {
        let mut salvage = salvage(&bytes);
        salvage.pass((conversation(room), number(last)));
        let behind = clustered(&large())
            .into_iter()
            .find(|said| (said.conversation, said.number) > (conversation(room), number(last)));
        assert_eq!(salvage.key(), behind.as_ref().map(|said| (said.conversation, said.number)));
        let (mut lent, bound) = (Vec::new(), (conversation(room), number(bound)));
        salvage
            .take(Some(bound), |message| {
                lent.push((message.conversation, message.number));
                Ok::<_, ()>(())
            })
            .unwrap();
        assert!(lent.iter().skip(1).all(|key| *key < bound), "{lent:?}");
        assert_eq!(lent.is_empty(), behind.is_none());
        assert!(salvage.key().is_none_or(|key| lent.iter().all(|lent| *lent < key)));
    }
}

/// Three conversations with some four blocks each.
fn small() -> Vec<Said> {
    history((0..90).map(|i| (i % 3, 300)))
}

#[test]
fn behind_any_message_that_is_passed_all_others_are_found() {
    let bytes = written(&small(), 1).0.copy();
    let all = clustered(&small());
    for last in &all {
        let mut salvage = salvage(&bytes);
        salvage.pass((last.conversation, last.number));
        let mut told = Vec::new();
        while let Some(key) = salvage.key() {
            let before = told.len();
            let take = |message: MessageRef<'_>| {
                told.push(Said::from(message));
                Ok::<_, ()>(())
            };
            salvage.take(None, take).unwrap();
            assert_eq!((told[before].conversation, told[before].number), key);
        }
        let behind = all.iter().skip_while(|said| *said != last).skip(1).cloned().collect::<Vec<_>>();
        assert_eq!(told, behind);
        assert_eq!(salvage.position(), bytes.len() as u64, "all was gone through, and no more");
    }
}

#[test]
fn what_is_lent_at_once_is_the_rest_of_a_block_up_to_the_bound_and_at_least_one_message() {
    let (file, summary) = written(&small(), 1);
    let bytes = file.copy();
    let page = opened(file, summary).unwrap().read_page(0).unwrap();
    for entry in &page.entries {
        for passed in [0, 2] {
            let first = entry.first.get() + passed;
            let other = if entry.conversation == conversation(0) { conversation(1) } else { conversation(7) };
            let here = [first + 1, first + 3, entry.end(), entry.end() + 5];
            let bounds = here.map(|bound| (entry.conversation, number(bound))).into_iter();
            for bound in
                bounds.chain([1, first + 1, 1000].map(|bound| (other, number(bound)))).map(Some).chain([None])
            {
                let mut salvage = salvage(&bytes);
                salvage.pass((entry.conversation, number(first - 1)));
                let mut lent = Vec::new();
                let take = |message: MessageRef<'_>| {
                    lent.push((message.conversation, message.number));
                    Ok::<_, ()>(())
                };
                salvage.take(bound, take).unwrap();
                let block = (first..entry.end()).map(|rest| (entry.conversation, number(rest)));
                let wanted: Vec<_> = block.take_while(|key| bound.is_none_or(|bound| *key < bound)).collect();
                assert_eq!(lent, wanted, "up to {bound:?}");
            }
        }
    }
}
