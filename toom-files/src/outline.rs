//! The outline of a file: the chaining values of its groups, from which the hash of the whole follows. With it each group can be
//! checked by itself, as it comes, and what has been checked need never be read again.
//!
//! BLAKE3 hashes a binary tree, so a group that is a power of two in length, and begins at a multiple of it, is a subtree.

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root};

use crate::marks::ContentHash;

/// The least length of a group.
const GROUP_BYTES_MIN: u64 = 1 << 20;

/// The most groups, so that an outline is never more than 2 MiB: groups of files beyond 64 GiB are longer.
const GROUPS_MAX: u64 = 1 << 16;

/// The bytes of a chaining value.
pub(crate) const VALUE_BYTES: usize = 32;

/// How a file of a given length is cut into groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Groups {
    bytes: u64,
    group_bytes: u64,
}

impl Groups {
    pub(crate) fn of(bytes: u64) -> Self {
        let mut group_bytes = GROUP_BYTES_MIN;
        while bytes.div_ceil(group_bytes) > GROUPS_MAX {
            group_bytes *= 2;
        }
        Self { bytes, group_bytes }
    }

    /// The length of the file.
    pub(crate) const fn bytes(self) -> u64 {
        self.bytes
    }

    /// How many there are: an empty file is one empty group.
    pub(crate) fn count(self) -> u64 {
        self.bytes.div_ceil(self.group_bytes).max(1)
    }

    /// Where a group begins; for the one after the last, the length of the file.
    pub(crate) fn start(self, group: u64) -> u64 {
        group.saturating_mul(self.group_bytes).min(self.bytes)
    }

    /// How many values an outline holds: a file of one group needs none, for its hash says all.
    pub(crate) fn values(self) -> usize {
        let count = self.count();
        if count == 1 { 0 } else { usize::try_from(count).expect("at most 65,536") }
    }
}

/// The chaining values of all groups of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    groups: Groups,
    values: Vec<ChainingValue>,
    hash: ContentHash,
}

/// The outline does not belong to the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch;

impl Outline {
    /// Checks values that a stranger gave.
    pub(crate) fn check(
        groups: Groups,
        values: Vec<ChainingValue>,
        hash: ContentHash,
    ) -> Result<Self, Mismatch> {
        if values.len() != groups.values() {
            return Err(Mismatch);
        }
        match root(&values) {
            Some(root) if root != hash => Err(Mismatch),
            _ => Ok(Self { groups, values, hash }),
        }
    }

    pub(crate) const fn groups(&self) -> Groups {
        self.groups
    }

    pub(crate) const fn hash(&self) -> ContentHash {
        self.hash
    }

    pub(crate) fn values(&self) -> &[ChainingValue] {
        &self.values
    }

    /// Whether what `hashed` has taken in is the group.
    pub(crate) fn holds(&self, group: u64, hashed: &GroupHasher) -> bool {
        if self.values.is_empty() {
            return hashed.0.finalize() == *self.hash.bytes();
        }
        let value = usize::try_from(group).ok().and_then(|group| self.values.get(group));
        value.is_some_and(|value| hashed.0.finalize_non_root() == *value)
    }
}

/// Hashes one group.
#[derive(Debug)]
pub(crate) struct GroupHasher(Hasher);

impl GroupHasher {
    /// For the one after the last, of which nothing comes, too.
    pub(crate) fn new(groups: Groups, group: u64) -> Self {
        let mut hasher = Hasher::new();
        if group < groups.count() {
            hasher.set_input_offset(groups.start(group));
        }
        Self(hasher)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// Makes the outline of a file that is read from its beginning.
#[derive(Debug)]
pub(crate) struct Outliner {
    groups: Groups,
    values: Vec<ChainingValue>,
    group: GroupHasher,
    offset: u64,
}

impl Outliner {
    pub(crate) fn new(bytes: u64) -> Self {
        let groups = Groups::of(bytes);
        let values = Vec::with_capacity(groups.values());
        Self { groups, values, group: GroupHasher::new(groups, 0), offset: 0 }
    }

    /// Takes in the next bytes, of which there are no more than the file is long.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.offset != 0 && self.offset == self.groups.start(self.values.len() as u64 + 1) {
                self.values.push(self.group.0.finalize_non_root());
                self.group = GroupHasher::new(self.groups, self.values.len() as u64);
            }
            let left = self.groups.start(self.values.len() as u64 + 1) - self.offset;
            let (now, later) = bytes.split_at(bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
            self.group.update(now);
            self.offset += now.len() as u64;
            bytes = later;
        }
    }

    /// The outline, once the whole file was taken in.
    pub(crate) fn finish(mut self) -> Outline {
        let hash = if self.groups.values() == 0 {
            ContentHash::new(*self.group.0.finalize().as_bytes())
        } else {
            self.values.push(self.group.0.finalize_non_root());
            root(&self.values).expect("there are two groups or more")
        };
        Outline { groups: self.groups, values: self.values, hash }
    }
}

/// The hash of the whole, of two groups or more.
fn root(values: &[ChainingValue]) -> Option<ContentHash> {
    let (left, right) = halves(values)?;
    let root = merge_subtrees_root(&value(left)?, &value(right)?, Mode::Hash);
    Some(ContentHash::new(*root.as_bytes()))
}

/// The chaining value of the subtree over some groups.
fn value(values: &[ChainingValue]) -> Option<ChainingValue> {
    match halves(values) {
        Some((left, right)) => Some(merge_subtrees_non_root(&value(left)?, &value(right)?, Mode::Hash)),
        None => values.first().copied(),
    }
}

/// The tree puts as many groups to the left as a power of two allows, and at least one to the right.
fn halves(values: &[ChainingValue]) -> Option<(&[ChainingValue], &[ChainingValue])> {
    if values.len() < 2 {
        return None;
    }
    values.split_at_checked(values.len().div_ceil(2).next_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(bytes: usize) -> Vec<u8> {
        let mut content = vec![0; bytes];
        Hasher::new().update(b"content").finalize_xof().fill(&mut content);
        content
    }

    fn outline(content: &[u8], step: usize) -> Outline {
        let mut outliner = Outliner::new(content.len() as u64);
        content.chunks(step).for_each(|bytes| outliner.update(bytes));
        outliner.finish()
    }

    #[test]
    fn the_outline_leads_to_the_hash_that_blake3_gives() {
        const MIB: usize = 1 << 20;
        for bytes in [0, 1, 1023, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB, 5 * MIB + 7, 8 * MIB, 9 * MIB - 1]
        {
            let content = content(bytes);
            let made = outline(&content, 300_007);
            assert_eq!(made.hash().bytes(), blake3::hash(&content).as_bytes(), "{bytes} bytes");
            assert_eq!(
                Outline::check(made.groups(), made.values().to_vec(), made.hash()),
                Ok(made),
                "{bytes} bytes"
            );
        }
    }

    #[test]
    fn a_group_is_known_by_its_own_bytes_and_no_others() {
        let content = content((5 << 20) / 2);
        let outline = outline(&content, 1 << 16);
        for group in 0..3 {
            let bytes = content.chunks(1 << 20).nth(group.try_into().unwrap()).unwrap();
            let mut right = GroupHasher::new(outline.groups(), group);
            right.update(bytes);
            assert!(outline.holds(group, &right));
            let mut wrong = GroupHasher::new(outline.groups(), group);
            wrong.update(&bytes[..bytes.len() - 1]);
            assert!(!outline.holds(group, &wrong));
            assert!(!outline.holds((group + 1) % 3, &right));
        }
    }

    #[test]
    fn an_outline_with_one_wrong_value_or_too_few_is_refused() {
        let made = outline(&content(3 << 20), 1 << 20);
        let mut values = made.values().to_vec();
        values[1][0] ^= 1;
        assert_eq!(Outline::check(made.groups(), values, made.hash()), Err(Mismatch));
        assert_eq!(Outline::check(made.groups(), made.values()[..2].to_vec(), made.hash()), Err(Mismatch));
    }

    #[test]
    fn an_outline_is_never_longer_than_two_mebibytes() {
        for bytes in [0, 1, 1 << 20, 1 << 36, (1 << 36) + 1, 1 << 50, i64::MAX as u64, u64::MAX] {
            let groups = Groups::of(bytes);
            assert!(groups.values() * VALUE_BYTES <= 2 << 20, "{bytes}");
            assert_eq!(groups.start(groups.count()), bytes);
        }
    }
}
