//! Integers and texts as they lie in the files of a data directory: little-endian, without padding.

/// Puts values behind the bytes that are there.
pub(super) trait Put {
    fn put_bytes(&mut self, bytes: &[u8]);

    fn put_u8(&mut self, value: u8) {
        self.put_bytes(&value.to_le_bytes());
    }

    fn put_u16(&mut self, value: u16) {
        self.put_bytes(&value.to_le_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.put_bytes(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.put_bytes(&value.to_le_bytes());
    }

    fn put_i64(&mut self, value: i64) {
        self.put_bytes(&value.to_le_bytes());
    }
}

impl Put for Vec<u8> {
    fn put_bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Takes values off the front of bytes; each `None` means that too few are left, and takes none.
#[derive(Clone, Copy)]
pub(super) struct Take<'a>(&'a [u8]);

impl<'a> Take<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What was not yet taken.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// `None` also if they are no UTF-8.
    pub(super) fn text(&mut self, bytes: usize) -> Option<&'a str> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        let text = core::str::from_utf8(taken).ok()?;
        self.0 = rest;
        Some(text)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_taken_in_the_same_order() {
        let mut out = Vec::new();
        out.put_u8(1);
        out.put_u16(0x0203);
        out.put_u32(0x0405_0607);
        out.put_u64(u64::MAX - 1);
        out.put_i64(-2);
        out.put_bytes("é".as_bytes());
        let mut take = Take::new(&out);
        assert_eq!(take.u8(), Some(1));
        assert_eq!(take.u16(), Some(0x0203));
        assert_eq!(take.u32(), Some(0x0405_0607));
        assert_eq!(take.u64(), Some(u64::MAX - 1));
        assert_eq!(take.i64(), Some(-2));
        assert_eq!(take.text(2), Some("é"));
        assert!(take.is_empty());
    }

    #[test]
    fn integers_lie_with_their_lowest_byte_first() {
        let mut out = Vec::new();
        out.put_u32(0x0102_0304);
        assert_eq!(out, [4, 3, 2, 1]);
    }

    #[test]
    fn what_cannot_be_taken_leaves_all_bytes_there() {
        let mut take = Take::new(&[0xff, 0xfe, 0xfd]);
        assert_eq!((take.u32(), take.u64(), take.i64()), (None, None, None));
        assert_eq!((take.bytes(4), take.bytes(usize::MAX)), (None, None));
        assert_eq!((take.text(2), take.text(4)), (None, None));
        assert_eq!(take.rest(), [0xff, 0xfe, 0xfd]);
    }
}
