//! `toomd verify`: all of a store is read and checked.

use std::io::{self, Write};

use clap::Args;
use toom_core::{FileStorage, Verified};

use crate::bars::Bars;
use crate::data::DataDir;
use crate::failure::Failure;

#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) data: DataDir,
}

/// Carries it out.
pub(crate) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let path = args.data.existing()?;
    let verified = FileStorage::verify(path, Bars::default().store_teller()).map_err(Failure::Data)?;
    Failure::of_output(write_all(&verified, &mut io::stdout().lock()))?;
    if verified.is_sound() { Ok(()) } else { Err(Failure::Damaged { path: path.to_owned() }) }
}

/// Writes what was found, a line each: the name of a count, a colon, the count. The digest is that of a sound store alone.
pub(crate) fn write_all(verified: &Verified, out: &mut impl Write) -> io::Result<()> {
    let Verified { rooms, conversations, messages, files, bytes, batches, .. } = verified;
    writeln!(out, "rooms: {rooms}")?;
    writeln!(out, "conversations: {conversations}")?;
    writeln!(out, "messages: {messages}")?;
    writeln!(out, "files: {files}")?;
    writeln!(out, "bytes: {bytes}")?;
    writeln!(out, "batches in the journal: {batches}")?;
    if let Some(cut) = &verified.cut {
        let (file, offset, what) = (&cut.file, cut.offset, cut.what);
        writeln!(out, "never acknowledged: {file}, byte {offset}: {what}; opening the store cuts it")?;
    }
    write_damage(verified, out)?;
    if let Some(digest) = verified.digest {
        writeln!(out, "digest: {digest}")?;
    }
    Ok(())
}

/// Writes what is damaged, a line each.
pub(crate) fn write_damage(verified: &Verified, out: &mut impl Write) -> io::Result<()> {
    for damage in &verified.damage {
        writeln!(out, "damage: {damage}")?;
    }
    if verified.damage_untold > 0 {
        writeln!(out, "damage: {} findings more", verified.damage_untold)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use toom_core::StorageError;

    use super::*;

    #[test]
    fn damage_is_told_finding_by_finding_and_without_a_digest() {
        let damage =
            |offset| StorageError::Corrupt { thing: "d/history-1".into(), offset, what: "wrong checksum" };
        let mut verified = Verified::default();
        (verified.rooms, verified.damage_untold) = (3, 5);
        verified.damage = vec![damage(8), damage(16)];
        let mut out = Vec::new();
        write_all(&verified, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "rooms: 3\nconversations: 0\nmessages: 0\nfiles: 0\nbytes: 0\nbatches in the journal: 0\n\
             damage: d/history-1: damaged at byte 8: wrong checksum\n\
             damage: d/history-1: damaged at byte 16: wrong checksum\n\
             damage: 5 findings more\n"
        );
    }
}
