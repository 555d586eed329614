//! Recordings, which `toomd --record` writes and `toomd replay` reads.

use core::hash::Hasher as _;

use siphasher::sip::SipHasher13;
use toom_net::server::{Ending, Replayed, replay};

/// The first line of a recording, by which it is known as one.
const FIRST_LINE: &[u8] = b"TOOM recording 1\n";

/// A byte, and a recording. If the byte is odd, the checks of all frames are set right first: nearly everything that is made up would end at one.
///
/// Whatever a recording holds, it is refused, or its replay ends and says where, in lines that steer no terminal; twice it ends alike; and where nothing
/// parts, nothing parts if the recording breaks off earlier.
pub fn recording(data: &[u8]) {
    let Some((how, bytes)) = data.split_first() else { return };
    let bytes = if how % 2 == 1 { set_right(bytes) } else { bytes.to_vec() };
    let replayed = replay_of(&bytes);
    assert_eq!(replayed, replay_of(&bytes), "it ends in two ways");
    let cut = bytes.len() * usize::from(*how) / 256;
    let earlier = replay_of(bytes.get(..cut).unwrap_or_default());
    if let Some(Replayed { ending: Ending::Stopped | Ending::FellBehind | Ending::BrokenOff { .. }, .. }) =
        replayed
        && let Some(Replayed { ending, .. }) = earlier
    {
        assert!(
            matches!(ending, Ending::BrokenOff { .. } | Ending::Damaged { .. }),
            "cut at {cut} it ends otherwise: {ending:?}"
        );
    }
}

/// What a replay comes to; `None` if it is no recording.
fn replay_of(bytes: &[u8]) -> Option<Replayed> {
    let mut told = 0;
    let replayed = replay(bytes, |offset| {
        assert!((told..=bytes.len() as u64).contains(&offset), "{offset} is told after {told}");
        told = offset;
    });
    let replayed = replayed.ok()?;
    assert!(replayed.counts.inputs <= bytes.len() as u64, "{:?}", replayed.counts);
    let harmless = |line: &str| assert!(!line.chars().any(char::is_control), "{line:?}");
    match &replayed.ending {
        Ending::Damaged { offset, .. } => assert!(*offset <= bytes.len() as u64, "{offset}"),
        Ending::BrokenOff { offset, inputs } => {
            assert!(*offset <= bytes.len() as u64 && inputs.len() <= 10, "{offset}, {inputs:?}");
            for input in inputs {
                harmless(input);
            }
        }
        Ending::Parted(parted) => {
            for line in [&parted.input, &parted.recorded, &parted.replayed] {
                harmless(line);
            }
        }
        _ => {}
    }
    Some(replayed)
}

/// The recording with its first line, and with the checks that belong to its frames, as `server/recording/frames.rs` says. A frame that is longer than what is
/// left ends there.
fn set_right(bytes: &[u8]) -> Vec<u8> {
    let mut rest = bytes.get(FIRST_LINE.len()..).unwrap_or_default();
    let (mut right, mut chain) = (FIRST_LINE.to_vec(), 0);
    while let Some((length, [_, _, _, _, body @ ..])) = rest.split_first_chunk::<4>() {
        let length = (u32::from_le_bytes(*length) as usize).min(body.len().saturating_sub(8));
        let (body, behind) = body.split_at(length);
        let length = u32::try_from(length).expect("it was one").to_le_bytes();
        right.extend(length);
        right.extend(check(chain, 1, &[&length]).to_le_bytes().into_iter().take(4));
        right.extend(body);
        chain = check(chain, 2, &[&length, body]);
        right.extend(chain.to_le_bytes());
        rest = behind.get(8..).unwrap_or_default();
    }
    right
}

fn check(chain: u64, of: u64, parts: &[&[u8]]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(chain, of);
    for part in parts {
        hasher.write(part);
    }
    hasher.finish()
}

/// A recording of a chat, as it is and set right, cut, and with bytes that are others.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let chat = include_bytes!("../../toom-net/src/server/replay/tests/chat-1.toom");
    let seed = |how: u8, bytes: &[u8]| [&[how], bytes].concat();
    let cut = |part: usize| seed(1, chat.get(..chat.len() * part / 8).unwrap_or_default());
    let changed = |part: usize| {
        let mut bytes = chat.to_vec();
        if let Some(byte) = bytes.get_mut(chat.len() * part / 16) {
            *byte ^= 1 << (part % 8);
        }
        seed(255, &bytes)
    };
    [seed(0, chat), seed(129, chat)].into_iter().chain((1..8).map(cut)).chain((1..16).map(changed)).collect()
}
