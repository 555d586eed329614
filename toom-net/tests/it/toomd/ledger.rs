//! What writers asked for and what they were told, and whether a history agrees with it.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The posts to one conversation. Every text is posted once.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    acknowledged: BTreeMap<u64, String>,
    /// Nobody knows whether these were stored.
    unknown: BTreeSet<String>,
}

/// Whether posts of which nobody knows whether they were stored may be in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// The store was opened again since, and shows what it holds.
    MayBeThere,
    /// Nobody sees what was not acknowledged.
    IsNotShown,
}

impl Ledger {
    /// Puts down what a request to post `text` came to. No answer: the connection ended before there was one.
    pub(super) fn note(&mut self, text: String, answer: Option<&str>) {
        match answer {
            Some(answer) if answer.starts_with("OK ") => {
                let number = answer.rsplit(' ').nth(1).unwrap().parse().unwrap();
                let earlier = self.acknowledged.insert(number, text.clone());
                assert!(
                    earlier.is_none_or(|earlier| earlier == text),
                    "{answer}: the number is that of another"
                );
            }
            Some(answer) if answer.ends_with("; nothing was stored") => {}
            Some(answer) if !answer.starts_with("BYE ") => {
                assert!(answer.contains(" unavailable it may not have been stored; "), "{answer}");
                self.unknown.insert(text);
            }
            _ => {
                self.unknown.insert(text);
            }
        }
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    pub(super) fn is_certain(&self) -> bool {
        self.unknown.is_empty()
    }

    /// Compares it with the texts behind the number `after`: everything acknowledged is there, under its number; all else was asked
    /// for, and is there once.
    pub(super) fn compare(&self, after: u64, texts: &[String], unknown: Unknown) {
        let last = after + texts.len() as u64;
        let behind = self.acknowledged.range(after + 1..);
        let missing: Vec<_> = behind.filter(|(number, _)| **number > last).collect();
        assert!(missing.is_empty(), "acknowledged, and lost: {missing:?}");
        let mut found = BTreeSet::new();
        for (number, text) in (after + 1..).zip(texts) {
            match self.acknowledged.get(&number) {
                Some(acknowledged) => assert_eq!(text, acknowledged, "number {number}"),
                None => assert!(
                    unknown == Unknown::MayBeThere && self.unknown.contains(text),
                    "number {number} was never acknowledged: {text}"
                ),
            }
            assert!(found.insert(text), "stored twice: {text}");
        }
    }

    /// Once a store was opened again, what it holds is the truth about the rest.
    pub(super) fn settle(&mut self, after: u64, texts: Vec<String>) {
        self.compare(after, &texts, Unknown::MayBeThere);
        self.acknowledged.extend((after + 1..).zip(texts));
        self.unknown.clear();
    }
}

/// The texts of a conversation behind the number `after`, whose numbers have no gap and whose times rise.
pub(super) fn texts_of(peer: &mut Peer, conversation: &str, after: u64) -> Vec<String> {
    let (mut texts, mut since, mut latest) = (Vec::new(), format!("#{after}"), String::new());
    loop {
        let mut line = peer.ask(&format!("RDM {conversation} {since} 1000"));
        while let Some(row) = line.strip_prefix("ROW ") {
            let fields: Vec<_> = row.splitn(5, ' ').collect();
            let number = after + 1 + texts.len() as u64;
            assert_eq!(fields[..2], [conversation, &number.to_string()], "{row}");
            assert!(fields[2] > latest.as_str(), "{row}: not later than {latest}");
            fields[2].clone_into(&mut latest);
            texts.push(fields[4].to_owned());
            line = peer.line();
        }
        assert!(line.starts_with("OK RDM "), "{line}");
        let Some((_, next)) = line.split_once(" next=") else { return texts };
        next.clone_into(&mut since);
    }
}

/// The answer to a request, past what others post; `None` where the connection ends before it.
pub(super) fn try_ask(peer: &mut Peer, request: &str) -> Option<String> {
    // Whoever takes no more requests may have said why.
    let _ = peer.0.get_mut().write_all(format!("{request}\n").as_bytes());
    loop {
        let mut line = String::new();
        peer.0.read_line(&mut line).ok()?;
        let line = line.strip_suffix('\n')?;
        if !line.starts_with("MSG ") && !line.starts_with("LAG ") {
            return Some(line.to_owned());
        }
    }
}
