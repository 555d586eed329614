use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::UserNameError;

fn name(raw: &str) -> UserName {
    UserName::parse(raw).unwrap()
}

/// Fifty names as people choose them, in seven scripts.
const NAMES: [&str; 50] = [
    "alice",
    "bob",
    "carol",
    "dave",
    "eve",
    "frank",
    "grace",
    "heidi",
    "ivan",
    "judy",
    "kevin",
    "laura",
    "mallory",
    "nancy",
    "oscar",
    "peggy",
    "quentin",
    "rupert",
    "sybil",
    "trent",
    "ursula",
    "victor",
    "walter",
    "xavier",
    "yvonne",
    "zoe",
    "obiwan",
    "luke",
    "leia",
    "yoda",
    "hans",
    "user1",
    "user20",
    "anna-maria",
    "o.connor",
    "müller",
    "françois",
    "søren",
    "łukasz",
    "zoë",
    "иван",
    "ольга",
    "сергей",
    "νίκος",
    "ελένη",
    "արամ",
    "דוד",
    "محمد",
    "田中",
    "김철수",
];

/// Every character that UTS 39 has for a look of its own, by that look.
fn characters_by_look() -> BTreeMap<Box<str>, Vec<char>> {
    let mut by_look: BTreeMap<_, Vec<char>> = BTreeMap::new();
    for c in ('\0'..=char::MAX).filter(|c| c.is_alphanumeric()) {
        by_look.entry(skeleton(c.encode_utf8(&mut [0; 4]))).or_default().push(c);
    }
    by_look
}

#[test]
fn no_name_that_differs_in_one_character_of_the_same_look_is_taken_in() {
    let by_look = characters_by_look();
    let (mut pairs, mut mixed, mut alike) = (0, 0, 0);
    for original in NAMES {
        let mut names = DistinctNames::default();
        names.insert(name(original)).unwrap();
        for (at, c) in original.char_indices() {
            let others = by_look.get(&skeleton(c.encode_utf8(&mut [0; 4]))).map_or(&[][..], Vec::as_slice);
            for other in others.iter().filter(|other| **other != c) {
                let forged = format!("{}{other}{}", &original[..at], &original[at + c.len_utf8()..]);
                pairs += 1;
                match UserName::parse(&forged) {
                    // In capitals, or broad: the same account.
                    Ok(forged) if forged == name(original) => {}
                    Ok(forged) => {
                        assert!(names.insert(forged).is_err(), "{original} {other:?}");
                        alike += 1;
                    }
                    Err(UserNameError::MixedScripts) => mixed += 1,
                    Err(refused) => assert_eq!(refused, UserNameError::NotAllowed, "{original} {other:?}"),
                }
            }
        }
    }
    println!("{pairs} pairs: {mixed} of several scripts, {alike} that look alike");
    assert!(pairs >= 1000 && mixed >= 500 && alike >= 100, "{pairs} pairs: {mixed} mixed, {alike} alike");
}

/// Written down apart from the tables: what passes for Latin letters at a glance.
#[test]
fn letters_that_pass_for_latin_ones_are_refused_among_them() {
    let passing = [
        ('a', "аɑα"),
        ('c', "сϲ"),
        ('d', "ԁ"),
        ('e', "е"),
        ('h', "һ"),
        ('i', "іı"),
        ('j', "јϳ"),
        ('l', "1"),
        ('o', "оοօ0"),
        ('p', "рρ"),
        ('q', "ԛ"),
        ('s', "ѕ"),
        ('u', "սυ"),
        ('v', "ѵν"),
        ('w', "ԝ"),
        ('x', "х"),
        ('y', "у"),
    ];
    for (latin, others) in passing {
        for other in others.chars() {
            let (original, forged) = (format!("z{latin}z"), format!("z{other}z"));
            let mut names = DistinctNames::default();
            names.insert(name(&original)).unwrap();
            let taken = UserName::parse(&forged).is_ok_and(|forged| names.insert(forged).is_ok());
            // `0` passes for a capital O alone, in these tables.
            assert!(!taken || other == '0', "{forged} beside {original}");
        }
    }
    let mut names = DistinctNames::default();
    names.insert(name("zOz")).unwrap();
    assert!(names.insert(name("z0z")).is_err());
}

#[test]
fn a_name_has_letters_of_one_script() {
    // The last but one begins with a Cyrillic letter, the last ends with a Greek one.
    for mixed in ["alice田", "иvan", "аlice", "bobο"] {
        assert_eq!(UserName::parse(mixed), Err(UserNameError::MixedScripts), "{mixed}");
        assert!(UserName::from_record(mixed).is_ok(), "{mixed}");
    }
    for whole in NAMES {
        assert_eq!(UserName::parse(whole).unwrap(), UserName::from_record(whole).unwrap());
    }
    // Languages that mix scripts: Japanese, Korean, Chinese.
    for mixing in ["山田たろう", "タナカさん", "金철수", "ㄅ中"] {
        assert!(UserName::parse(mixing).is_ok(), "{mixing}");
    }
}

#[test]
fn a_name_that_is_forgotten_makes_room_for_those_that_look_like_it() {
    let mut names = DistinctNames::default();
    names.insert(name("Ivan")).unwrap();
    assert_eq!(names.insert(name("lvan")).unwrap_err().other, name("ivan"));
    // In the other spelling it does not look like that any more.
    names.insert(name("ivan")).unwrap();
    names.insert(name("lvan")).unwrap();
    assert_eq!(names.insert(name("Ivan")).unwrap_err().other, name("lvan"));
    names.remove(&name("LVAN"));
    names.insert(name("Ivan")).unwrap();
    assert_eq!(names.like(&name("lvan")), Some(&name("ivan")));
    assert_eq!(names.like(&name("ivan")), None);
}

#[test]
fn what_cannot_be_seen_makes_no_name_another_one() {
    // With a joiner behind a virama, where RFC 5892 allows one.
    let (plain, joined) = (name("क्ष"), name("क्\u{200d}ष"));
    assert_ne!(plain, joined);
    assert!(plain.looks_like(&joined));
}

proptest! {
    #[test]
    fn looking_alike_is_mutual_and_every_spelling_looks_like_itself(one in "[a-zA-Z0-9]{1,4}|[lI1O0om]{1,3}|[аоеАОЕ]{1,2}", two in "[lI1O0om]{1,3}|[aoeAOE]{1,2}") {
        let (Ok(one), Ok(two)) = (UserName::parse(&one), UserName::parse(&two)) else { return Ok(()) };
        prop_assert_eq!(one.looks_like(&two), two.looks_like(&one));
        prop_assert!(one.looks_like(&one) && name(one.key()).looks_like(&one));
        let mut names = DistinctNames::default();
        names.insert(one.clone()).unwrap();
        prop_assert_eq!(names.insert(two.clone()).is_err(), one != two && one.looks_like(&two));
    }
}
