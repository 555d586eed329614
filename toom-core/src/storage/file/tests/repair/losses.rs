//! What a repair keeps of damage that was made by hand, and what it says is lost.

use super::*;

/// A file that is written anew holds a message of each of two conversations, the second with the number after the first.
#[test]
fn messages_of_two_conversations_are_not_written_as_one() {
    let disk = SimDisk::new();
    let open = || FileStorage::open_on(disk.clone(), sample::options()).unwrap();
    let mut memory = MemoryStorage::new(Epoch::new(1));
    let mut writer = Writer::default();
    let draft = |kind| Draft { kind, author: 0, wait_micros: 1, keyed: false };
    let post = |conversation| draft(Kind::Post { conversation, bytes: 20 });
    for drafts in [[draft(Kind::Room), post(1)], [post(0), post(1)]] {
        let records = writer.write(&drafts);
        let mut store = open();
        store.append(&records).unwrap();
        store.close().unwrap();
        memory.append(&records).unwrap();
    }
    let (name, mut bytes) = files(&disk).into_iter().rfind(|(name, _)| name.starts_with("history-")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    disk.put(&name, &bytes);
    assert!(repair(&disk, &mut memory, Journal::Whole, "the end of a file").is_empty());
}

#[test]
fn what_retention_dropped_is_not_said_to_be_lost() {
    let disk = SimDisk::new();
    let retention = Retention { keep_for: None, keep_bytes: Some(4000) };
    let mut store = FileStorage::open_on(disk.clone(), sample::options().retention(retention)).unwrap();
    for records in sample::batches(60) {
        store.append(&records).unwrap();
        while store.work().unwrap() {}
    }
    let floors: BTreeMap<_, _> =
        conversations().map(|conversation| (conversation, store.floor(conversation).unwrap())).collect();
    store.close().unwrap();
    assert!(floors.values().any(|floor| floor.get() > 1));
    let (name, mut bytes) = files(&disk).into_iter().find(|(name, _)| name.starts_with("history-")).unwrap();
    bytes[40] ^= 1;
    disk.put(&name, &bytes);
    let planned = plan(&disk).unwrap();
    assert!(planned.losses().messages_lost() > 0);
    for lost in &planned.losses().messages {
        for range in lost.unreadable.iter().chain(&lost.given_up) {
            assert!(*range.start() >= floors[&lost.conversation], "{lost:?}, {floors:?}");
        }
    }
    planned.carry_out(RANDOM, |_| {}).unwrap();
    assert!(verify(&disk).is_sound());
}

#[test]
fn keyed_requests_whose_messages_are_lost_are_counted() {
    let Sample { disk, mut memory } = sample(40);
    let (name, mut bytes) = files(&disk).into_iter().find(|(name, _)| name.starts_with("history-")).unwrap();
    bytes[40] ^= 1;
    disk.put(&name, &bytes);
    let losses = repair(&disk, &mut memory, Journal::Whole, &name);
    let mut store = FileStorage::open_on(disk, sample::options()).unwrap();
    let (kept, was) = (store.recover().unwrap().keyed.len(), memory.recover().unwrap().keyed.len());
    assert!(losses.keyed > 1, "{losses:?}");
    assert_eq!(kept as u64 + losses.keyed, was as u64);
}

/// A crash can leave an older file behind that holds some of the same messages.
#[test]
fn of_two_files_with_the_same_messages_the_one_that_the_manifest_names_stays() {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), sample::options()).unwrap();
    let is_history = |name: &String| name.starts_with("history-");
    let mut all = BTreeMap::new();
    for records in sample::batches(40) {
        store.append(&records).unwrap();
        store.work().unwrap();
        all.extend(files(&disk).into_iter().filter(|(name, _)| is_history(name)));
    }
    store.close().unwrap();
    let named: BTreeSet<_> = files(&disk).into_keys().filter(is_history).collect();
    all.retain(|name, _| !named.contains(name));
    let (name, bytes) = all.first_key_value().expect("files were merged");
    disk.put(name, bytes);
    disk.put("birth", b"TOOM");
    plan(&disk).unwrap().carry_out(RANDOM, |_| {}).unwrap();
    let after = files(&disk);
    assert!(named.iter().all(|name| after.contains_key(name)), "{named:?}, {:?}", after.keys());
    assert!(!after.contains_key(name), "{name}");
}

/// The numbers below it were listed one by one: 16 GiB of them.
#[test]
fn a_message_in_a_room_of_the_largest_number_costs_no_memory() {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), sample::options()).unwrap();
    let last = RoomId::new(u32::MAX).unwrap();
    let Record::Posted(mut posted) = posted(1, "far away") else { panic!("it is a message") };
    posted.message.conversation = Conversation::Room(last);
    store.append(&[Record::Posted(posted)]).unwrap();
    store.close().unwrap();
    disk.put("manifest", b"TOOM");
    let planned = plan(&disk).unwrap();
    assert_eq!(planned.losses().rooms, [RoomId::FIRST..=last]);
    assert!(planned.carry_out(RANDOM, |_| {}).unwrap().is_sound());
}

/// Of a conversation with a hole the longer side is kept, and the store goes on behind it.
#[test]
fn a_hole_in_a_conversation_leaves_its_longer_side() {
    let Sample { disk, mut memory } = sample(40);
    let (name, mut bytes) = files(&disk).into_iter().find(|(name, _)| name.starts_with("history-")).unwrap();
    bytes[40] ^= 1;
    disk.put(&name, &bytes);
    let losses = repair(&disk, &mut memory, Journal::Whole, &name);
    let [lost] = losses.messages.as_slice() else { panic!("{losses:?}") };
    assert_eq!(lost.conversation, Conversation::Broadcast);
    assert!(!lost.unreadable.is_empty() && lost.given_up.len() <= 1, "{lost:?}");
    assert_eq!(losses.rooms, []);
    let kept = lost.kept.clone().unwrap();
    let length = kept.end().get() - kept.start().get() + 1;
    for range in &lost.given_up {
        assert!(range.end().get() - range.start().get() < length);
    }
    let store = FileStorage::open_on(disk, sample::options()).unwrap();
    assert_eq!(store.floor(Conversation::Broadcast).unwrap(), *kept.start());
}

#[test]
fn history_files_that_are_whole_stay_as_they_are() {
    let Sample { disk, .. } = sample(40);
    disk.remove("manifest").unwrap();
    let history: Vec<_> = files(&disk).into_keys().filter(|name| name.starts_with("history-")).collect();
    plan(&disk).unwrap().carry_out(RANDOM, |_| {}).unwrap();
    let after = files(&disk);
    assert!(history.iter().filter(|name| after.contains_key(*name)).count() > 1, "{history:?}");
}

#[test]
fn the_birth_certificate_of_another_store_is_replaced() {
    let Sample { disk, mut memory } = sample(20);
    let other = SimDisk::new();
    FileStorage::open_on(other.clone(), FileOptions::new([5; 16])).unwrap().close().unwrap();
    disk.put("birth", &other.bytes_of("birth").unwrap());
    assert!(repair(&disk, &mut memory, Journal::Whole, "birth").is_empty());
}

#[test]
fn without_manifest_and_birth_nothing_can_be_repaired() {
    let Sample { disk, .. } = sample(40);
    disk.remove("manifest").unwrap();
    disk.put("birth", &[0; 32]);
    let before = files(&disk);
    let error = RepairPlan::make_on(&disk, |_| {}).unwrap_err();
    assert!(matches!(&error, StorageError::Corrupt { thing, .. } if thing == "birth"), "{error}");
    assert_eq!(files(&disk), before);
}
