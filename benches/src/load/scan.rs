//! Reading the server's lines cheaply: only as much is parsed as the checks need.

use memchr::{memchr, memchr_iter};

/// Cuts what is read into lines, wherever the reads split them.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
}

impl Scanner {
    /// Gives each line that ends in `bytes`, without its end, to `each`.
    pub(super) fn feed<E>(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.partial.is_empty() {
            let Some(end) = memchr(b'\n', bytes) else {
                self.partial.extend_from_slice(bytes);
                return Ok(());
            };
            let (head, rest) = bytes.split_at(end);
            self.partial.extend_from_slice(head);
            each(&self.partial)?;
            self.partial.clear();
            bytes = rest.get(1..).unwrap_or_default();
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            each(bytes.get(start..end).unwrap_or_default())?;
            start = end + 1;
        }
        self.partial.extend_from_slice(bytes.get(start..).unwrap_or_default());
        Ok(())
    }
}

/// What the checks look at in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `MSG b <number> <rest>`; or, from a server that gives no numbers, the text alone.
    Message { number: Option<u64>, rest: &'a [u8] },
    /// `LAG b <first> <last>`.
    Lag { first: u64, last: u64 },
    /// `OK BCM …`.
    Posted,
    /// One that stands beside a message, or concerns nobody.
    Nothing,
    /// Any other.
    Other(&'a [u8]),
}

impl<'a> Line<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Self {
        Self::known(line).unwrap_or(Self::Other(line))
    }

    fn known(line: &'a [u8]) -> Option<Self> {
        if let Some(rest) = line.strip_prefix(b"MSG b ") {
            let (number, rest) = number(rest)?;
            Some(Self::Message { number: Some(number), rest: rest.strip_prefix(b" ")? })
        } else if line.starts_with(b"OK BCM ") {
            Some(Self::Posted)
        } else {
            let (first, rest) = number(line.strip_prefix(b"LAG b ")?)?;
            let (last, rest) = number(rest.strip_prefix(b" ")?)?;
            rest.is_empty().then_some(Self::Lag { first, last })
        }
    }
}

/// The sequence with which the text begins, from what follows the number: `<time> <user> <sequence>…`.
pub(super) fn sequence(rest: &[u8]) -> Option<usize> {
    let text = rest.splitn(3, |&byte| byte == b' ').nth(2)?;
    usize::try_from(number(text)?.0).ok()
}

/// The number at the beginning, of at least one and at most 19 digits, and what follows.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().take(19).take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = bytes.split_at_checked(digits).filter(|_| digits > 0)?;
    Some((number.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b"MSG b 1 2022-08-04T09:02:29.123456Z luke 0 x\nOK BCM 2 t\n\nLAG b 3 12\nBYE idle no";

    fn lines(parts: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut scanner, mut lines) = (Scanner::default(), Vec::new());
        for part in parts {
            let fed: Result<(), ()> = scanner.feed(part, |line| {
                lines.push(line.to_vec());
                Ok(())
            });
            fed.unwrap();
        }
        lines
    }

    #[test]
    fn a_stream_split_anywhere_gives_the_same_lines_and_never_the_one_without_end() {
        let whole: Vec<&[u8]> =
            vec![b"MSG b 1 2022-08-04T09:02:29.123456Z luke 0 x", b"OK BCM 2 t", b"", b"LAG b 3 12"];
        assert_eq!(lines(&[STREAM]), whole);
        for first in 0..=STREAM.len() {
            for second in first..=STREAM.len() {
                let parts = [&STREAM[..first], &STREAM[first..second], &STREAM[second..]];
                assert_eq!(lines(&parts), whole, "{first} {second}");
            }
        }
        assert_eq!(lines(&STREAM.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn what_spoils_a_line_ends_the_feeding() {
        let mut count = 0;
        let fed = Scanner::default().feed(b"1\n2\n3\n", |_| {
            count += 1;
            if count == 2 { Err("two") } else { Ok(()) }
        });
        assert_eq!((fed, count), (Err("two"), 2));
    }

    #[test]
    fn lines_are_what_they_begin_with() {
        assert_eq!(Line::parse(b"MSG b 12 t u 0"), Line::Message { number: Some(12), rest: b"t u 0" });
        assert_eq!(Line::parse(b"LAG b 3 12"), Line::Lag { first: 3, last: 12 });
        assert_eq!(Line::parse(b"OK BCM 2 t"), Line::Posted);
        let others = [
            "",
            "MSG 1 12 t u x",
            "MSG b x t u x",
            "MSG b 12",
            "LAG b 3",
            "LAG b 3 12 4",
            "LAG 1 3 12",
            "OK BCMS",
        ];
        for other in others {
            assert_eq!(Line::parse(other.as_bytes()), Line::Other(other.as_bytes()), "{other}");
        }
        let long = b"MSG b 99999999999999999999999 t u x";
        assert_eq!(Line::parse(long), Line::Other(long));
    }

    #[test]
    fn the_sequence_is_the_number_with_which_the_text_begins() {
        assert_eq!(sequence(b"2022-08-04T09:02:29.123456Z luke 00000017 xxx"), Some(17));
        assert_eq!(sequence(b"t u 5"), Some(5));
        assert_eq!(sequence(b"t u x5"), None);
        assert_eq!(sequence(b"t u"), None);
    }
}
