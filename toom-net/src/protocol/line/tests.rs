use proptest::prelude::*;

use super::*;

/// All lines that come out, and whether it ended with a line that was too long.
fn drain(lines: &mut LineBuffer, out: &mut Vec<Vec<u8>>) -> bool {
    loop {
        match lines.next_line() {
            Ok(Some(line)) => out.push(line.to_vec()),
            Ok(None) => return false,
            Err(LineTooLong) => return true,
        }
    }
}

/// What comes out of `stream` when it is fed in pieces that end at `cuts`.
fn cut(stream: &[u8], cuts: &[usize]) -> (Vec<Vec<u8>>, bool) {
    let (mut lines, mut out, mut start) = (LineBuffer::new(), Vec::new(), 0);
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(stream.len());
    let mut too_long = false;
    for end in cuts {
        lines.feed(&stream[start..end]);
        too_long = drain(&mut lines, &mut out);
        start = end;
    }
    (out, too_long)
}

/// The model: split the whole stream at its line ends.
fn split_whole(stream: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut out = Vec::new();
    for piece in stream.split_inclusive(|&b| b == b'\n') {
        if piece.len() > MAX_LINE || (piece.len() == MAX_LINE && !piece.ends_with(b"\n")) {
            return (out, true);
        }
        if let Some(line) = piece.strip_suffix(b"\n") {
            out.push(line.strip_suffix(b"\r").unwrap_or(line).to_vec());
        }
    }
    (out, false)
}

#[test]
fn the_memory_of_a_buffer_grows_only_when_there_is_no_room_and_holds_no_line_that_was_given_out() {
    let mut lines = LineBuffer::new();
    lines.feed(&[b'x'; 10]);
    assert_eq!(lines.next_line(), Ok(None));
    assert_eq!(lines.bytes_held(), 10);
    lines.feed(&[b'x'; 10]);
    lines.feed(&[b'x'; 1]);
    assert_eq!(lines.bytes_held(), 40);
    lines.feed(&[b'x'; 5]);
    lines.feed(&[b'x'; 14]);
    assert_eq!((lines.unread_bytes(), lines.bytes_held()), (40, 40), "there was room");

    let mut lines = LineBuffer::new();
    lines.feed(b"a\nbc");
    assert_eq!(lines.next_line(), Ok(Some(&b"a"[..])));
    lines.feed(b"defghi");
    assert_eq!((lines.unread_bytes(), lines.bytes_held()), (8, 8));
}

#[test]
fn lines_end_with_lf_or_cr_lf_and_keep_every_other_cr() {
    let (lines, too_long) = cut(b"a\nb\r\n\n\r\nc\rd\r\r\nrest", &[]);
    assert_eq!(lines, [&b"a"[..], b"b", b"", b"", b"c\rd\r"]);
    assert!(!too_long);
}

#[test]
fn the_longest_line_is_taken_and_one_byte_more_is_not_wherever_it_is_split() {
    for end in ["\n", "\r\n"] {
        let longest = format!("{}{end}", "x".repeat(MAX_LINE - end.len()));
        for stream in [longest.clone(), format!("PING\n{longest}PING\n")] {
            assert_eq!(cut(stream.as_bytes(), &[MAX_LINE - 1, MAX_LINE]), split_whole(stream.as_bytes()));
            assert!(!cut(stream.as_bytes(), &[]).1);
        }
        let longer = format!("x{longest}");
        assert_eq!(cut(longer.as_bytes(), &[]), (vec![], true));
        assert_eq!(cut(longer.as_bytes(), &[MAX_LINE - 1, MAX_LINE]), (vec![], true));
    }
}

#[test]
fn a_line_that_cannot_end_in_time_is_refused_before_its_end_comes() {
    let mut lines = LineBuffer::new();
    lines.feed(&vec![b'x'; MAX_LINE - 1]);
    assert_eq!(lines.next_line(), Ok(None));
    lines.feed(b"x");
    assert_eq!(lines.next_line(), Err(LineTooLong));

    let mut behind_another = LineBuffer::new();
    behind_another.feed(&[b"PING\n", &[b'x'; MAX_LINE][..]].concat());
    assert_eq!(behind_another.next_line(), Ok(Some(&b"PING"[..])));
    assert_eq!(behind_another.next_line(), Err(LineTooLong));
}

#[test]
fn after_a_line_that_was_too_long_nothing_is_kept_or_understood() {
    let mut lines = LineBuffer::new();
    lines.feed(&vec![b'x'; 3 * MAX_LINE]);
    assert_eq!(lines.next_line(), Err(LineTooLong));
    lines.feed(b"\nPING\n");
    assert_eq!(lines.next_line(), Err(LineTooLong));
    assert_eq!(lines.bytes_held(), 0);
}

#[test]
fn an_empty_buffer_holds_no_memory() {
    let (mut lines, mut out) = (LineBuffer::new(), Vec::new());
    assert_eq!(lines.bytes_held(), 0);
    lines.feed(&b"PING\n".repeat(1000));
    assert!(!drain(&mut lines, &mut out));
    assert_eq!((lines.bytes_held(), out.len()), (0, 1000));
}

#[test]
fn half_a_line_after_a_long_read_holds_little_memory() {
    let mut lines = LineBuffer::new();
    lines.feed(&b"PING\n".repeat(10_000));
    lines.feed(b"PIN");
    assert!(!drain(&mut lines, &mut Vec::new()));
    assert!((3..100).contains(&lines.bytes_held()), "{lines:?} holds {}", lines.bytes_held());
}

#[test]
fn a_line_that_comes_byte_by_byte_holds_at_most_twice_a_line() {
    let mut lines = LineBuffer::new();
    for _ in 1..MAX_LINE {
        lines.feed(b"x");
        assert_eq!(lines.next_line(), Ok(None));
        assert!(lines.bytes_held() <= 2 * MAX_LINE);
    }
}

#[test]
fn a_login_line_is_wiped_once_it_was_given_out_and_others_are_left_alone() {
    for login in ["LOGIN obiwan sesame", "@1 login obiwan sesame", "!k LOGIN obiwan sesame\r"] {
        let mut lines = LineBuffer::new();
        lines.feed(format!("PING\n{login}\nPING again\n").as_bytes());
        assert_eq!(lines.next_line(), Ok(Some(&b"PING"[..])));
        assert_eq!(lines.next_line(), Ok(Some(login.trim_end().as_bytes())));
        assert_eq!(lines.next_line(), Ok(Some(&b"PING again"[..])));
        let held = String::from_utf8(lines.bytes.clone()).unwrap();
        assert_eq!(held, format!("PING\n{}\nPING again\n", "\0".repeat(login.len())));
    }
}

#[test]
fn a_login_line_is_wiped_by_the_next_read_too() {
    let mut lines = LineBuffer::new();
    lines.feed(b"LOGIN obiwan sesame\nPING\n");
    assert!(lines.next_line().unwrap().is_some());
    lines.feed(b"");
    assert!(!lines.bytes.windows(6).any(|bytes| bytes == b"sesame"));
}

#[test]
fn debug_prints_lengths_never_the_bytes() {
    let mut lines = LineBuffer::new();
    lines.feed(b"PING\nLOGIN obiwan sesame");
    assert!(lines.next_line().unwrap().is_some());
    assert_eq!(format!("{lines:?}"), "LineBuffer { unread_bytes: 19, too_long: false, .. }");
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z \r]{0,6}\r?\n".prop_map(String::into_bytes),
        2 => Just(b"LOGIN a b\n".to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => (MAX_LINE - 3..MAX_LINE + 3).prop_map(|length| vec![b'x'; length]),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Fails if a line end on the seam of two reads is missed, or if a line's length depends on how it came.
    #[test]
    fn however_a_stream_is_split_the_lines_are_the_same(
        stream in stream(),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
    ) {
        prop_assert_eq!(cut(&stream, &cuts), split_whole(&stream));
    }

    #[test]
    fn every_proper_prefix_of_a_line_asks_for_more(line in "[^\n]{0,200}") {
        let line = format!("{line}\n");
        let mut lines = LineBuffer::new();
        for byte in line.as_bytes() {
            prop_assert_eq!(lines.next_line(), Ok(None));
            lines.feed(&[*byte]);
        }
        prop_assert!(lines.next_line().unwrap().is_some());
    }
}
