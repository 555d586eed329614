//! The lines of UPD, written by hand.

use super::super::*;
use super::{line, refusal_line, request_line, server_line};

const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const TICKET: &str = "00112233445566778899aabbccddeeff";

/// What is written for a request that was read.
fn again(line: &str) -> String {
    let request = Request::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line:?}: {error}"));
    String::from_utf8(request_line(&request)).unwrap()
}

fn refused(line: &str) -> String {
    refusal_line(Request::parse(line.as_bytes()).expect_err(line))
}

#[test]
fn canonical_requests_are_written_as_they_were_read() {
    for line in [
        format!("UPD OFFER luke 3 {HASH} {HASH} film.mp4"),
        format!("UPD OFFER luke 0 {HASH} {HASH}  two  spaces "),
        format!("UPD OFFER a/b☺ 18446744073709551615 {HASH} {HASH} ../../etc/passwd"),
        format!("@t UPD ACCEPT 7 {HASH} {TICKET}"),
        "UPD REFUSE 7".into(),
        "UPD REFUSE 7 not now, please".into(),
        "UPD CANCEL 18446744073709551615".into(),
        "UPD DONE 7".into(),
        "UPD RELAY 7".into(),
        "UPD MORE 7 16".into(),
        "UPD DATA 7 1 AA==".into(),
    ] {
        assert_eq!(again(&line), line);
    }
}

#[test]
fn other_spellings_mean_the_same() {
    let upper = HASH.to_uppercase();
    for (spelled, canonical) in [
        (format!("upd  offer  luke  03 {upper} {upper} x"), format!("UPD OFFER luke 3 {HASH} {HASH} x")),
        ("Upd Cancel  07 ".into(), "UPD CANCEL 7".into()),
    ] {
        assert_eq!(again(&spelled), canonical, "{spelled}");
    }
}

#[test]
fn what_is_wrong_with_a_request_is_told_with_its_own_form() {
    let offer = "the form is UPD OFFER <user> <bytes> <hash> <fingerprint> <file name>";
    let long_name = "x".repeat(FileName::BYTES_MAX + 1);
    for (line, form) in [
        ("UPD".to_owned(), "the form is UPD OFFER|ACCEPT|REFUSE|CANCEL|DONE|RELAY|MORE|DATA <words>"),
        ("UPD luke file".into(), "the form is UPD OFFER|ACCEPT|REFUSE|CANCEL|DONE|RELAY|MORE|DATA <words>"),
        (format!("UPD OFFER luke 3 {HASH} {HASH}"), offer),
        (format!("UPD OFFER luke 3 {HASH} {HASH} "), offer),
        (format!("UPD OFFER luke 3 {HASH} {HASH} {long_name}"), offer),
        (format!("UPD OFFER luke -3 {HASH} {HASH} x"), offer),
        (format!("UPD OFFER luke 18446744073709551616 {HASH} {HASH} x"), offer),
        (format!("UPD OFFER luke 3 {HASH}0 {HASH} x"), offer),
        (format!("UPD OFFER luke 3 {HASH} {}g x", &HASH[1..]), offer),
        (format!("UPD ACCEPT 0 {HASH} {TICKET}"), "the form is UPD ACCEPT <id> <fingerprint> <ticket>"),
        (format!("UPD ACCEPT 7 {HASH} {HASH}"), "the form is UPD ACCEPT <id> <fingerprint> <ticket>"),
        ("UPD CANCEL".into(), "the form is UPD CANCEL <id>"),
        ("UPD DONE 7 8".into(), "the form is UPD DONE <id>"),
        ("UPD MORE 7 0".into(), "the form is UPD MORE <id> <pieces>"),
        ("UPD MORE 7 17".into(), "the form is UPD MORE <id> <pieces>"),
        ("UPD DATA 7 1".into(), "the form is UPD DATA <id> <number> <base64>"),
        ("UPD DATA 7 1 AA".into(), "the form is UPD DATA <id> <number> <base64>"),
        ("UPD DATA 7 1 AB==".into(), "the form is UPD DATA <id> <number> <base64>"),
        ("UPD DATA 7 1 AA== AA==".into(), "the form is UPD DATA <id> <number> <base64>"),
    ] {
        assert_eq!(refused(&line), format!("ERR UPD syntax {form}"), "{line}");
    }
    assert_eq!(refused("UPD REFUSE 7 a\u{b}b"), "ERR UPD syntax the line holds a control character");
    assert_eq!(refused("!k UPD DONE 7"), "ERR UPD syntax only BCM, SRM and SRB take a key");
}

#[test]
fn every_pushed_line_is_written_as_it_was_read() {
    for line in [
        format!("UPD OFFER 7 obiwan 3 {HASH} {HASH} film of the year.mp4"),
        format!("UPD ACCEPT 7 192.0.2.7 2001 {HASH} {TICKET}"),
        format!("UPD ACCEPT 7 2001:db8::1 2001 {HASH} {TICKET}"),
        "UPD RELAY 7".into(),
        "UPD MORE 7 16".into(),
        "UPD DATA 7 18446744073709551615 AAEC".into(),
        "UPD END 7 done the file has arrived".into(),
        "UPD END 7 of-a-later-version".into(),
        "OK UPD 7".into(),
        "ERR UPD inactive-user luke luke is not active".into(),
    ] {
        let parsed = ServerLine::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(String::from_utf8(server_line(&parsed)).unwrap(), line);
    }
}

#[test]
fn what_a_later_version_pushes_is_unknown_and_the_rest_malformed() {
    for (line, error) in [
        ("UPD PAUSE 7", ServerLineError::UnknownWord),
        ("UPD", ServerLineError::Malformed),
        ("UPD RELAY", ServerLineError::Malformed),
        ("UPD RELAY 0", ServerLineError::Malformed),
        ("UPD MORE 7 17", ServerLineError::Malformed),
        ("UPD END 7", ServerLineError::Malformed),
        ("UPD END 7 done a\u{b}b", ServerLineError::ControlCharacter),
    ] {
        assert_eq!(ServerLine::parse(line.as_bytes()), Err(error), "{line}");
    }
}

#[test]
fn the_longest_piece_fits_a_line_and_one_byte_more_is_none() {
    let piece = Piece::new(&[0xff; Piece::BYTES_MAX]).unwrap();
    assert_eq!((Piece::new(&[0; Piece::BYTES_MAX + 1]), Piece::new(&[])), (None, None));
    let (id, number) = (TransferId::new(u64::MAX).unwrap(), u64::MAX);
    let command = Command::Transfer(TransferRequest::Data { id, number, piece: piece.clone() });
    let request = Request { tag: Some(Tag::parse(&"t".repeat(64)).unwrap()), command };
    assert!(Request::parse(&request_line(&request)).is_ok());
    let push = Push::Transfer(TransferPush::Data { id, number, piece });
    let written = line(|out| push.append_to(out));
    assert_eq!(ServerLine::parse(&written), Ok(ServerLine::Push(push)));
}

#[test]
fn no_ticket_and_no_piece_is_shown_by_debug() {
    let accept = format!("UPD ACCEPT 7 {HASH} {TICKET}");
    let data = "UPD DATA 7 1 c2VjcmV0";
    for line in [accept.as_str(), data] {
        let shown = format!("{:?}", Request::parse(line.as_bytes()).unwrap());
        let bytes = format!("{:?}", b"secret");
        assert!(!shown.contains(&format!(" {TICKET}")) && !shown.contains("secret"), "{shown}");
        assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
    }
    let shown = format!("{:?}", TransferTicket::parse(TICKET).unwrap());
    assert_eq!(shown, "TransferTicket(16 bytes)");
}

#[test]
fn a_file_name_may_have_255_bytes() {
    let longest = "x".repeat(FileName::BYTES_MAX);
    assert_eq!(FileName::parse(&longest).unwrap().as_str(), longest);
    assert!(FileName::parse(&format!("{longest}x")).is_err());
}

#[test]
fn debug_shows_hashes_and_of_pieces_and_rows_the_length() {
    assert_eq!(format!("{:?}", ContentHash::parse(HASH).unwrap()), format!("ContentHash({HASH})"));
    assert_eq!(format!("{:?}", Fingerprint::parse(HASH).unwrap()), format!("Fingerprint({HASH})"));
    assert_eq!(format!("{:?}", Piece::new(b"secret").unwrap()), "Piece(6 bytes)");
    let ServerLine::Row { row, .. } = ServerLine::parse(b"ROW secret").unwrap() else {
        panic!("it is a row")
    };
    assert_eq!(format!("{row:?}"), "Row(6 bytes)");
    assert_eq!(TransferId::new(7).unwrap().to_string(), "7");
}
