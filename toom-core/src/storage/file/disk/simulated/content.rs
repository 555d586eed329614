//! The bytes of a simulated file, in pages that its copies share until one of them is written.

use std::fmt;
use std::sync::Arc;

/// Large enough that a journal is some hundred of them, small enough that to copy one is no work.
const PAGE: usize = 1 << 14;

#[derive(Clone, Default)]
pub(super) struct Content {
    /// Those after the last one hold zeros.
    pages: Arc<Vec<Arc<[u8; PAGE]>>>,
    len: usize,
}

impl Content {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Fills `buffer` from `offset` on, with zeros where the file has ended.
    pub(super) fn read(&self, buffer: &mut [u8], offset: usize) {
        let mut at = offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            let within = at % PAGE;
            let some = rest.len().min(PAGE - within);
            let (part, more) = rest.split_at_mut(some);
            match self.pages.get(at / PAGE).and_then(|page| page.get(within..within + some)) {
                Some(bytes) => part.copy_from_slice(bytes),
                None => part.fill(0),
            }
            at += some;
            rest = more;
        }
    }

    /// Puts `bytes` at `offset`; the file grows as far as it takes.
    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        let pages = Arc::make_mut(&mut self.pages);
        if pages.len() < end.div_ceil(PAGE) {
            pages.resize(end.div_ceil(PAGE), Arc::new([0; PAGE]));
        }
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let within = at % PAGE;
            let (part, more) = rest.split_at(rest.len().min(PAGE - within));
            let page = pages.get_mut(at / PAGE).map(Arc::make_mut);
            if let Some(place) = page.and_then(|page| page.get_mut(within..within + part.len())) {
                place.copy_from_slice(part);
            }
            at += part.len();
            rest = more;
        }
        self.len = self.len.max(end);
    }

    /// Cuts the file, or lets it grow by zeros.
    pub(super) fn set_len(&mut self, len: usize) {
        if len < self.len {
            let pages = Arc::make_mut(&mut self.pages);
            pages.truncate(len.div_ceil(PAGE));
            if let Some(cut) =
                pages.get_mut(len / PAGE).and_then(|page| Arc::make_mut(page).get_mut(len % PAGE..))
            {
                cut.fill(0);
            }
        }
        self.len = len;
    }

    /// All of it.
    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.read(&mut bytes, 0);
        bytes
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        let mut content = Self::default();
        content.write(bytes, 0);
        content
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_does_not_see_what_is_written_later() {
        let mut content = Content::from(&vec![1; 3 * PAGE][..]);
        let copy = content.clone();
        content.write(&vec![2; PAGE + 2], PAGE - 1);
        assert_eq!(copy.to_vec(), vec![1; 3 * PAGE]);
        assert_eq!(content.to_vec(), [vec![1; PAGE - 1], vec![2; PAGE + 2], vec![1; PAGE - 1]].concat());
    }

    #[test]
    fn what_was_cut_off_is_zero_when_the_file_grows_again() {
        for cut in [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE] {
            let mut content = Content::from(&vec![1; 2 * PAGE][..]);
            content.set_len(cut);
            content.set_len(2 * PAGE);
            assert_eq!(content.to_vec(), [vec![1; cut], vec![0; 2 * PAGE - cut]].concat(), "cut at {cut}");
        }
    }

    #[test]
    fn a_gap_that_was_never_written_holds_zeros() {
        let mut content = Content::default();
        content.write(b"far", 2 * PAGE);
        assert_eq!(content.to_vec(), [vec![0; 2 * PAGE], b"far".to_vec()].concat());
    }
}
