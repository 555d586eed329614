//! Reading every whole frame of a state file, whatever lies before it.

use super::State;
use super::frame::{self, CHECKSUM_BYTES, HEAD_BYTES};
use crate::storage::file::bytes::Take;
use crate::storage::file::checksum::Salt;
use crate::storage::file::record_bytes::Names;

/// No frame is longer: it ends with the record with which it comes to 1 MiB, and a room has at most 65,535 members.
const FRAME_BYTES_MAX: usize = 24 << 20;

/// Gives to `take` what each whole frame in `bytes` says, in order.
pub(in crate::storage::file) fn salvage(bytes: &[u8], salt: Salt, mut take: impl FnMut(State)) {
    let mut names = Names::default();
    let mut rest = bytes;
    while rest.len() >= HEAD_BYTES {
        let mut state = State::default();
        let whole =
            whole_frame(rest, salt).filter(|frame| frame::apply(frame, &mut state, &mut names).is_some());
        let passed = whole.map_or(1, <[u8]>::len);
        if whole.is_some() {
            take(state);
        }
        rest = rest.get(passed..).unwrap_or_default();
    }
}

/// The whole frame that `bytes` begin with, if they do.
fn whole_frame(bytes: &[u8], salt: Salt) -> Option<&[u8]> {
    let mut head = Take::new(bytes);
    let (checksum, _chain, body_bytes) = (head.u64()?, head.u64()?, head.u32()?);
    let length = HEAD_BYTES.checked_add(usize::try_from(body_bytes).ok()?)?;
    let records = [head.u32()?, head.u32()?, head.u32()?].iter().map(|count| u64::from(*count)).sum::<u64>();
    // Looked at first, because it is told of nearly every place where no frame begins.
    if !(..=FRAME_BYTES_MAX).contains(&length) {
        return None;
    }
    if !(1..=u64::from(body_bytes)).contains(&records) {
        return None;
    }
    let frame = bytes.get(..length)?;
    (salt.checksum(frame.get(CHECKSUM_BYTES..)?) == checksum).then_some(frame)
}
