//! The lines of TOOM/1, in both directions.

use toom_net::protocol::{
    HistoryRow, LineBuffer, MAX_LINE, Push, Reply, Request, Row, ServerLine, TEXT_BYTES_MAX, TransferPush,
};

/// A stream of bytes from a client.
///
/// It falls into the same lines wherever it is cut; each line is a request, which reads the same when it is written again, or gets one reply that a client
/// understands; and the buffer never holds more than one read and a few lines. The first byte says how the stream is cut.
pub fn request(data: &[u8]) {
    for line in lines(data) {
        match Request::parse(&line) {
            Ok(request) => {
                let written =
                    written(|out| request.append_to(out).expect("what fitted a line fits one again"));
                let again = Request::parse(&written).expect("what was written is a request");
                assert_eq!(format!("{request:?}"), format!("{again:?}"));
                assert_eq!(written, self::written(|out| again.append_to(out).expect("it fitted before")));
            }
            Err(error) => {
                let reply = Reply::from(error);
                let written = written(|out| reply.append_to(out));
                assert_eq!(ServerLine::parse(&written), Ok(ServerLine::Reply(reply)));
            }
        }
    }
}

/// A stream of bytes from a server: each line is understood or refused, and what is understood reads the same when it is
/// written again, but for words to people that are too long: those are cut when they are written.
pub fn reply(data: &[u8]) {
    for line in lines(data) {
        let Ok(parsed) = ServerLine::parse(&line) else { continue };
        let written = written(|out| append(&parsed, out));
        let again = ServerLine::parse(&written).expect("what was written is a line of a server");
        assert!(again == parsed || says_too_much(&parsed), "{parsed:?} is written as {again:?}");
        assert_eq!(self::written(|out| append(&again, out)), written);
        if let ServerLine::Row { row, .. } = parsed {
            history_row(row);
            if let Some((user, at)) = row.parse_user() {
                let again = self::written(|out| Row::append_user(out, None, user.as_str(), at));
                assert_eq!(row_of(&again).parse_user(), Some((user, at)));
            }
        }
        if let ServerLine::Push(Push::Message(message)) = &parsed {
            let pushed = self::written(|out| Push::append_message(out, message.view()));
            assert_eq!(ServerLine::parse(&pushed).as_ref(), Ok(&parsed));
        }
    }
}

/// Whether its words to people are longer than a line that is written has them.
fn says_too_much(line: &ServerLine<'_>) -> bool {
    let text = match line {
        ServerLine::Reply(Reply { result: Err(failure), .. }) => &failure.text,
        ServerLine::Push(Push::Bye { text, .. } | Push::Transfer(TransferPush::End { text, .. })) => text,
        _ => return false,
    };
    text.len() > TEXT_BYTES_MAX
}

fn history_row(row: Row<'_>) {
    let Some(parsed) = row.parse_history() else { return };
    let written = written(|out| match &parsed {
        HistoryRow::Message(message) => Row::append_message(out, None, message.view()),
        HistoryRow::Gone { conversation, first, last } => {
            Row::append_gone(out, None, *conversation, *first, *last);
        }
    });
    assert_eq!(row_of(&written).parse_history(), Some(parsed));
}

fn row_of(line: &[u8]) -> Row<'_> {
    match ServerLine::parse(line) {
        Ok(ServerLine::Row { tag: None, row }) => row,
        other => panic!("{} reads as {other:?}", line.escape_ascii()),
    }
}

fn append(line: &ServerLine<'_>, out: &mut Vec<u8>) {
    match line {
        ServerLine::Greeting(greeting) => greeting.append_to(out),
        ServerLine::Row { tag, row } => {
            let tag = tag.as_ref().map_or_else(String::new, |tag| format!("@{tag} "));
            out.extend_from_slice(format!("{tag}ROW {}\n", row.as_str()).as_bytes());
        }
        ServerLine::Reply(reply) => reply.append_to(out),
        ServerLine::Push(push) => push.append_to(out),
    }
}

/// What `append` appends: one line, given without its end.
fn written(append: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = b"kept".to_vec();
    append(&mut out);
    let line = out.strip_prefix(b"kept").and_then(|out| out.strip_suffix(b"\n"));
    let line = line.expect("a line is appended, with its end").to_vec();
    assert!(!line.contains(&b'\n') && !line.contains(&b'\r'), "one line: {}", line.escape_ascii());
    line
}

/// The lines of the stream behind the first byte, which says how long its pieces are.
fn lines(data: &[u8]) -> Vec<Vec<u8>> {
    let Some((&piece_bytes, stream)) = data.split_first() else { return Vec::new() };
    let piece_bytes = usize::from(piece_bytes).max(1);
    let whole = cut(stream, usize::MAX);
    assert!(whole == cut(stream, piece_bytes), "another cut gives other lines");
    let (lines, is_too_long) = whole;
    let is_long = |line: &[u8]| line.len() + usize::from(!line.ends_with(b"\n")) > MAX_LINE;
    assert_eq!(is_too_long, stream.split_inclusive(|&byte| byte == b'\n').any(is_long));
    assert!(lines.iter().all(|line| line.len() < MAX_LINE), "a line is longer than it may be");
    lines
}

/// The lines before one that is too long, and whether there is one.
fn cut(stream: &[u8], piece_bytes: usize) -> (Vec<Vec<u8>>, bool) {
    let mut buffer = LineBuffer::new();
    let mut lines = Vec::new();
    for piece in stream.chunks(piece_bytes) {
        buffer.feed(piece);
        assert!(
            buffer.bytes_held() <= 2 * MAX_LINE + 2 * piece.len(),
            "{} bytes are held",
            buffer.bytes_held()
        );
        loop {
            match buffer.next_line() {
                Ok(Some(line)) => lines.push(line.to_vec()),
                Ok(None) => break,
                Err(_) => return (lines, true),
            }
        }
    }
    (lines, false)
}
