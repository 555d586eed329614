use super::*;

const PHC: &str = "$argon2id$v=19$m=8,t=1,p=1$c29tZSByYW5kb20gc2E";

fn check(secret: &Secret, password: &str) -> Verdict {
    secret.verify(&Password::new(password), &mut CheckMemory::new())
}

#[test]
fn memory_that_checks_share_grows_to_the_costliest_and_changes_no_verdict() {
    let hash = |password: &str, memory_kib| {
        let cost = Cost { memory_kib, ..Cost::CHEAPEST };
        Secret::hash_at_cost(&Password::new(password), [7; 16], cost).unwrap()
    };
    let (small, large) = (hash("leia", 8), hash("luke", 64));
    let mut memory = CheckMemory::new();
    let nobody = |memory: &mut CheckMemory| Cost::CHEAPEST.waste(&Password::new("luke"), memory);
    assert_eq!(memory.bytes_held(), 0);
    for _ in 0..3 {
        for (secret, right) in [(&small, "leia"), (&large, "luke")] {
            for password in ["leia", "luke", "lukf", ""] {
                let verdict = if password == right { Verdict::Right } else { Verdict::Wrong };
                assert_eq!(secret.verify(&Password::new(password), &mut memory), verdict, "{password}");
                nobody(&mut memory);
            }
        }
        assert_eq!(memory.bytes_held(), 64 << 10);
    }
    assert_eq!(small.verify(&Password::new("luke"), &mut memory), Verdict::Wrong);
}

#[test]
fn who_does_not_exist_costs_what_a_wrong_password_costs() {
    let mut memory = CheckMemory::new();
    Cost::CHEAPEST.waste(&Password::new("luke"), &mut memory);
    assert_eq!(memory.bytes_held(), 8 << 10);
    let is_worked_on = |block: &argon2::Block| block.as_ref().iter().any(|word| *word != 0);
    assert!(memory.blocks(8).unwrap().iter().all(is_worked_on));
}

#[test]
fn memory_is_taken_once_for_all_checks_of_one_cost() {
    let mut memory = CheckMemory::new();
    memory.blocks(8).unwrap()[7].as_mut()[0] = 5;
    for blocks in [8, 1, 8] {
        memory.blocks(blocks).unwrap();
        assert_eq!(memory.blocks(8).unwrap()[7].as_ref()[0], 5, "{blocks} blocks");
    }
    assert_eq!(format!("{memory:?}"), "CheckMemory { bytes_held: 8192, .. }");
}

#[test]
fn a_password_is_there_for_who_has_to_send_it_on() {
    assert_eq!(Password::new("hunter2").expose(), "hunter2");
}

#[test]
fn a_plain_secret_takes_its_password_and_nothing_else() {
    let secret = Secret::parse("two words ").unwrap();
    assert!(secret.is_plain());
    assert_eq!(secret.phc(), None);
    assert_eq!(check(&secret, "two words "), Verdict::Right);
    for wrong in ["", "two words", "two words  ", "two words \0", "Two words "] {
        assert_eq!(check(&secret, wrong), Verdict::Wrong, "{wrong:?}");
    }
}

#[test]
fn the_longest_password_counts_to_its_last_byte() {
    let longest = "x".repeat(PASSWORD_BYTES_MAX);
    let secret = Secret::parse(&longest).unwrap();
    assert_eq!(check(&secret, &longest), Verdict::Right);
    assert_eq!(check(&secret, &longest[1..]), Verdict::Wrong);
    assert_eq!(check(&secret, &format!("{longest}x")), Verdict::Wrong);
    let size = PASSWORD_BYTES_MAX + 1;
    let refused = Secret::parse(&format!("{longest}x")).unwrap_err();
    assert_eq!(refused, SecretError::TooLong { size, limit: PASSWORD_BYTES_MAX });
    assert_eq!(Secret::parse("").unwrap_err(), SecretError::Empty);
}

#[test]
fn a_hash_survives_being_written_and_read_and_takes_its_password_alone() {
    let hashed = Secret::hash_at_cost(&Password::new("leia"), [7; 16], Cost::CHEAPEST).unwrap();
    let read = Secret::parse(&hashed.phc().unwrap()).unwrap();
    assert!(!read.is_plain());
    assert!(read.is_same(&hashed));
    assert_eq!(read.cost(), Some(Cost::CHEAPEST));
    assert_eq!(check(&read, "leia"), Verdict::Right);
    for wrong in ["", "Leia", "leia ", &"x".repeat(PASSWORD_BYTES_MAX + 1)] {
        assert_eq!(check(&read, wrong), Verdict::Wrong);
    }
}

#[test]
fn the_recommended_cost_is_19_mib_two_passes_one_lane() {
    let phc = Secret::hash(&Password::new("leia"), [7; 16]).unwrap().phc().unwrap();
    assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
}

#[test]
fn hashes_that_are_malformed_foreign_or_too_costly_are_refused() {
    let full = Secret::hash_at_cost(&Password::new("x"), [7; 16], Cost::CHEAPEST).unwrap().phc().unwrap();
    let hash = full.rsplit('$').next().unwrap();
    let with = |head: &str| Secret::parse(&format!("{head}$BwcHBwcHBwcHBwcHBwcHBw${hash}")).map(|_| ());
    assert_eq!(with("$argon2id$v=19$m=8,t=1,p=1"), Ok(()));
    assert_eq!(with("$argon2i$v=19$m=8,t=1,p=1"), Err(SecretError::UnsupportedHash));
    assert_eq!(with("$argon2id$v=16$m=8,t=1,p=1"), Err(SecretError::UnsupportedHash));
    assert_eq!(
        with("$argon2id$v=19$m=4000000,t=1,p=1"),
        Err(SecretError::TooCostly { memory_kib: 4_000_000, passes: 1 })
    );
    assert_eq!(
        with("$argon2id$v=19$m=8,t=65,p=1"),
        Err(SecretError::TooCostly { memory_kib: 8, passes: 65 })
    );
    assert_eq!(with(&format!("$argon2id$v=19$m={MEMORY_KIB_MAX},t={PASSES_MAX},p=1")), Ok(()));
    for malformed in ["$argon2", "$argon2id$v=19", PHC, "$argon2id$v=19$m=8,t=1,p=1$$"] {
        assert_eq!(Secret::parse(malformed).map(|_| ()), Err(SecretError::MalformedHash), "{malformed}");
    }
}

#[test]
fn two_secrets_are_the_same_only_letter_for_letter() {
    let plain = |text| Secret::plain(text).unwrap();
    let hash = |salt| Secret::hash_at_cost(&Password::new("a"), salt, Cost::CHEAPEST).unwrap();
    assert!(plain("a").is_same(&plain("a")));
    assert!(!plain("a").is_same(&plain("b")));
    assert!(hash([1; 16]).is_same(&hash([1; 16])));
    assert!(!hash([1; 16]).is_same(&hash([2; 16])));
    assert!(!hash([1; 16]).is_same(&plain("a")));
}

#[test]
fn debug_prints_no_secret() {
    let hashed = Secret::hash_at_cost(&Password::new("hunter2"), [7; 16], Cost::CHEAPEST).unwrap();
    let shown = format!("{:?} {:?} {hashed:?}", Password::new("hunter2"), Secret::plain("hunter2").unwrap());
    assert_eq!(shown, "Password(..) Secret(plain) Secret(argon2id)");
}
