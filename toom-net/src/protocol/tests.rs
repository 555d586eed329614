mod document;
mod random;
mod requests;
mod round_trips;
mod server_lines;
mod transfers;

use super::{Request, RequestError, ServerLine};

/// The line that `append` appends, without its end.
fn line(append: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = b"kept".to_vec();
    append(&mut out);
    let line = out.strip_prefix(b"kept").unwrap().strip_suffix(b"\n").unwrap().to_vec();
    assert!(!line.contains(&b'\n'), "one line: {}", line.escape_ascii());
    line
}

fn request_line(request: &Request) -> Vec<u8> {
    line(|out| request.append_to(out).unwrap())
}

/// The reply that a refused line gets.
fn refusal_line(error: RequestError) -> String {
    String::from_utf8(line(|out| super::Reply::from(error).append_to(out))).unwrap()
}

/// Writes again what was parsed.
fn server_line(parsed: &ServerLine<'_>) -> Vec<u8> {
    line(|out| match parsed {
        ServerLine::Greeting(greeting) => greeting.append_to(out),
        ServerLine::Row { tag, row } => {
            super::put::tag(out, tag.as_ref());
            super::put::str(out, "ROW ");
            super::put::str(out, row.as_str());
            super::put::end(out);
        }
        ServerLine::Reply(reply) => reply.append_to(out),
        ServerLine::Push(push) => push.append_to(out),
    })
}
