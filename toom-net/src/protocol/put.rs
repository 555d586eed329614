//! Writing the parts of a line. Whatever a text holds, no line end and no control character gets out but by [`end`]
//! and [`body`].

use std::io::Write as _;

use toom_core::{Conversation, MessageNumber, RoomId, Timestamp};

use super::{NameWord, TEXT_BYTES_MAX, Tag, append_time};

pub(super) fn str(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// A space and `text`.
pub(super) fn field(out: &mut Vec<u8>, text: &str) {
    out.push(b' ');
    str(out, text);
}

pub(super) fn number(out: &mut Vec<u8>, number: u64) {
    write!(out, "{number}").expect("writing to memory does not fail");
}

pub(super) fn number_field(out: &mut Vec<u8>, value: u64) {
    out.push(b' ');
    number(out, value);
}

pub(super) fn message_number_field(out: &mut Vec<u8>, value: MessageNumber) {
    number_field(out, value.get());
}

pub(super) fn room_field(out: &mut Vec<u8>, room: RoomId) {
    number_field(out, room.number().into());
}

pub(super) fn conversation_field(out: &mut Vec<u8>, conversation: Conversation) {
    match conversation {
        Conversation::Broadcast => str(out, " b"),
        Conversation::Room(room) => room_field(out, room),
    }
}

pub(super) fn time_field(out: &mut Vec<u8>, at: Timestamp) {
    out.push(b' ');
    append_time(out, at);
}

pub(super) fn name_fields(out: &mut Vec<u8>, names: &[NameWord]) {
    for name in names {
        field(out, name.as_str());
    }
}

/// `@TAG ` where there is a tag.
pub(super) fn tag(out: &mut Vec<u8>, tag: Option<&Tag>) {
    if let Some(tag) = tag {
        out.push(b'@');
        str(out, tag.as_str());
        out.push(b' ');
    }
}

/// A space and a message's text, its line breaks as VT.
pub(super) fn body_field(out: &mut Vec<u8>, text: &str) {
    out.push(b' ');
    let start = out.len();
    str(out, text);
    for byte in out.iter_mut().skip(start) {
        if *byte == b'\n' {
            *byte = 0x0b;
        }
    }
}

/// A space and a text that is one line: control characters become U+FFFD.
pub(super) fn line_field(out: &mut Vec<u8>, text: &str) {
    out.push(b' ');
    if text.contains(char::is_control) {
        str(out, &text.replace(char::is_control, "\u{fffd}"));
    } else {
        str(out, text);
    }
}

/// As [`line_field`], cut to [`TEXT_BYTES_MAX`]; nothing at all where the text is empty.
pub(super) fn people_field(out: &mut Vec<u8>, text: &str) {
    if !text.is_empty() {
        line_field(out, text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default());
    }
}

pub(super) fn end(out: &mut Vec<u8>) {
    out.push(b'\n');
}
