//! How the key-value stores keep a message, as one would by hand: keys that sort as messages do, values that are read in place.
//!
//! A message lies under its conversation and number, and a second table leads from its conversation and time to its number.

use toom_core::{Conversation, Message, MessageNumber, MessageRef, Timestamp};

use super::StoreError;
use crate::data::conversation_number;

pub(super) type Key = [u8; 12];

/// Where the message `number` of `conversation` lies.
pub(super) fn key(conversation: Conversation, number: u64) -> Key {
    let mut key = Key::default();
    key[..4].copy_from_slice(&conversation_number(conversation).to_be_bytes());
    key[4..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Where the number of the message of `conversation` at the time `at` lies.
pub(super) fn time_key(conversation: Conversation, at: Timestamp) -> Key {
    // Times before 1970 sort first.
    key(conversation, at.unix_micros().cast_unsigned() ^ (1 << 63))
}

/// The keys of the messages of `conversation` with numbers greater than `after`: from the first to the last, both included.
pub(super) fn keys_after(conversation: Conversation, after: Option<MessageNumber>) -> (Key, Key) {
    (key(conversation, MessageNumber::following(after).get()), key(conversation, u64::MAX))
}

/// The time keys of the messages of `conversation` that are not later than `since`.
pub(super) fn times_until(conversation: Conversation, since: Timestamp) -> (Key, Key) {
    (key(conversation, 0), time_key(conversation, since))
}

/// What lies under a time key.
pub(super) fn number_bytes(number: MessageNumber) -> [u8; 8] {
    number.get().to_le_bytes()
}

/// The number that lies under a time key.
pub(super) fn number(bytes: &[u8]) -> Result<MessageNumber, StoreError> {
    let number = u64::from_le_bytes(bytes.try_into()?);
    MessageNumber::new(number).ok_or_else(|| "a number is zero".into())
}

/// What lies under the key of a message, put into `value`: time, length of the name, name, text.
pub(super) fn encode(message: &Message, value: &mut Vec<u8>) -> Result<(), StoreError> {
    let author = message.author.as_str();
    value.clear();
    value.extend_from_slice(&message.at.unix_micros().to_le_bytes());
    value.push(u8::try_from(author.len())?);
    value.extend_from_slice(author.as_bytes());
    value.extend_from_slice(message.body.as_str().as_bytes());
    Ok(())
}

/// The message of `conversation` that lies in `value` under `key`, borrowed.
pub(super) fn decode<'a>(
    conversation: Conversation,
    key: &[u8],
    value: &'a [u8],
) -> Result<MessageRef<'a>, StoreError> {
    parts(conversation, key, value)?.ok_or_else(|| "a message is cut off".into())
}

fn parts<'a>(
    conversation: Conversation,
    key: &[u8],
    value: &'a [u8],
) -> Result<Option<MessageRef<'a>>, StoreError> {
    let number = key.last_chunk().and_then(|number| MessageNumber::new(u64::from_be_bytes(*number)));
    let at_and_rest = value.split_first_chunk();
    let (Some(number), Some((at, rest))) = (number, at_and_rest) else { return Ok(None) };
    let at = Timestamp::from_unix_micros(i64::from_le_bytes(*at));
    let (Some(at), Some((length, texts))) = (at, rest.split_first()) else { return Ok(None) };
    let texts = simdutf8::basic::from_utf8(texts)?;
    let Some((author, body)) = texts.split_at_checked(usize::from(*length)) else { return Ok(None) };
    Ok(Some(MessageRef { conversation, number, at, author, body }))
}
