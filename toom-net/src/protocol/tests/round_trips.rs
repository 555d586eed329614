//! What is written reads as itself, and nothing that is read does harm.

use proptest::prelude::*;

use super::super::*;
use super::{line, random, request_line, server_line};

/// Passwords cannot be compared, so requests are compared by what they show and what they write.
fn same(one: &Request, two: &Request) -> bool {
    format!("{one:?}") == format!("{two:?}") && request_line(one) == request_line(two)
}

/// A line that is nearly a request: a request with some bytes overwritten, or words that look like one.
fn nearly_a_request() -> impl Strategy<Value = Vec<u8>> {
    let overwritten =
        (random::request(), proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4));
    prop_oneof![
        overwritten.prop_map(|(request, changes)| {
            let mut line = request_line(&request);
            for (place, byte) in changes {
                let place = place.index(line.len());
                line[place] = not_lf(byte);
            }
            line
        }),
        "(@[a-z.]{0,3} {0,2})?(![a-z.]{0,3} {0,2})?(BCM|srb|SRM|RDM|LOGIN|HELLO|ATU|PING|OUT|FLY|UPD (CANCEL|refuse|MORE|DATA))( [bs#=@!0-9a-zé:.\u{b}\t-]{0,6}){0,5}"
            .prop_map(String::into_bytes),
        bytes(),
    ]
}

/// Any bytes that are one line.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>().prop_map(not_lf), 0..60)
}

fn not_lf(byte: u8) -> u8 {
    if byte == b'\n' { b'\r' } else { byte }
}

proptest! {
    /// Fails if a space of a text or password is lost, if a default is written and read differently, or if a word is taken for
    /// another (a cursor for a time, a limit for a part of one).
    #[test]
    fn a_request_that_is_written_reads_as_itself(request in random::request()) {
        let parsed = Request::parse(&request_line(&request));
        prop_assert!(parsed.as_ref().is_ok_and(|parsed| same(parsed, &request)), "{parsed:?}");
    }

    /// Fails if an argument of a code is taken for text, or if an empty text leaves a space behind.
    #[test]
    fn a_reply_that_is_written_reads_as_itself(reply in random::reply()) {
        let written = line(|out| reply.append_to(out));
        prop_assert_eq!(ServerLine::parse(&written), Ok(ServerLine::Reply(reply)));
    }

    #[test]
    fn a_push_that_is_written_reads_as_itself(push in random::push()) {
        let written = line(|out| push.append_to(out));
        prop_assert_eq!(ServerLine::parse(&written), Ok(ServerLine::Push(push)));
    }

    #[test]
    fn a_greeting_that_is_written_reads_as_itself(greeting in random::greeting()) {
        let written = line(|out| greeting.append_to(out));
        prop_assert_eq!(ServerLine::parse(&written), Ok(ServerLine::Greeting(greeting)));
    }

    #[test]
    fn a_row_of_a_message_reads_as_itself(tag in random::any_tag(), message in random::message()) {
        let written = line(|out| Row::append_message(out, tag.as_ref(), message.view()));
        let parsed = ServerLine::parse(&written);
        let Ok(ServerLine::Row { tag: read, row }) = parsed else { panic!("{parsed:?}") };
        prop_assert_eq!((read, row.parse_history()), (tag, Some(HistoryRow::Message(message))));
    }

    #[test]
    fn a_row_of_what_is_gone_reads_as_itself(tag in random::any_tag(), gap in random::gap()) {
        let (conversation, first, last) = gap;
        let written = line(|out| Row::append_gone(out, tag.as_ref(), conversation, first, last));
        let parsed = ServerLine::parse(&written);
        let Ok(ServerLine::Row { tag: read, row }) = parsed else { panic!("{parsed:?}") };
        let gone = HistoryRow::Gone { conversation, first, last };
        prop_assert_eq!((read, row.parse_history()), (tag, Some(gone)));
    }

    #[test]
    fn a_row_of_a_user_reads_as_itself(given in random::row_of_user()) {
        let (tag, user, at) = given;
        let written = line(|out| Row::append_user(out, tag.as_ref(), user.as_str(), at));
        let parsed = ServerLine::parse(&written);
        let Ok(ServerLine::Row { tag: read, row }) = parsed else { panic!("{parsed:?}") };
        prop_assert_eq!((read, row.parse_user()), (tag, Some((user, at))));
    }

    /// Fails if a refusal echoes a line end or a control character, so that its reader cannot read it.
    #[test]
    fn any_bytes_are_a_request_or_get_one_reply_that_a_client_understands(bytes in nearly_a_request()) {
        match Request::parse(&bytes) {
            Ok(request) => {
                let again = Request::parse(&request_line(&request));
                prop_assert!(again.as_ref().is_ok_and(|again| same(again, &request)), "{request:?} {again:?}");
            }
            Err(error) => {
                prop_assert_eq!(&error.tag, &Request::parse(&bytes).unwrap_err().tag);
                let reply = Reply::from(error);
                let written = line(|out| reply.append_to(out));
                prop_assert_eq!(ServerLine::parse(&written), Ok(ServerLine::Reply(reply)));
            }
        }
    }

    /// Fails if what a client reads is not what it would write, so that the two sides could come to differ.
    #[test]
    fn any_bytes_are_a_line_of_a_server_or_an_error(
        bytes in prop_oneof![
            bytes(),
            "(@a )?(TOOM 1|ROW|OK|ERR|MSG|ROOM|LAG|BYE|UPD (MORE|DATA|END|RELAY)|OK UPD)( [a-zA-Z0-9=:.#\u{b}-]{0,8}){0,6}".prop_map(String::into_bytes),
        ],
    ) {
        if let Ok(parsed) = ServerLine::parse(&bytes) {
            let written = server_line(&parsed);
            prop_assert_eq!(ServerLine::parse(&written), Ok(parsed));
        }
    }

    /// Fails if a request's line could end early, or if the buffer loses a byte at a seam.
    #[test]
    fn a_stream_of_requests_cut_anywhere_gives_the_same_requests(
        requests in proptest::collection::vec(random::request(), 1..8),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut stream = Vec::new();
        for request in &requests {
            request.append_to(&mut stream).unwrap();
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.push(stream.len());
        cuts.sort_unstable();
        let (mut lines, mut read, mut start) = (LineBuffer::new(), Vec::new(), 0);
        for end in cuts {
            lines.feed(&stream[start..end]);
            start = end;
            while let Some(line) = lines.next_line().unwrap() {
                read.push(Request::parse(line).unwrap());
            }
        }
        prop_assert_eq!(lines.bytes_held(), 0);
        prop_assert_eq!(read.len(), requests.len());
        for (one, two) in read.iter().zip(&requests) {
            prop_assert!(same(one, two), "{one:?} {two:?}");
        }
    }
}
