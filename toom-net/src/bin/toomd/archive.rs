//! `toomd export` and `toomd import`: the history as files, and back.

use std::collections::BTreeMap;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use toom_core::{RoomId, Storage, UserName};
use toom_net::archive::{
    Counts, ExportError, Import, ImportError, ImportOptions, export_json, export_json_file, export_text,
};

use crate::bars::Bars;
use crate::data::DataDir;
use crate::failure::Failure;

/// How many notices are told.
const NOTICES_MAX: usize = 20;

#[derive(Clone, Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// What is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Where it is written: a folder for text, which is this one if left out; a file for JSON, which is standard output if left out
    #[arg(long, value_name = "PATH")]
    pub(crate) to: Option<PathBuf>,
    /// The time zone of the times in text logs, such as UTC or Europe/Berlin; that of the machine if left out
    #[arg(long, value_name = "ZONE", value_parser = parse_zone)]
    pub(crate) zone: Option<TimeZone>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The message logs of the old server, a file for the broadcasts and one for each room
    Text,
    /// Lines of JSON that lack nothing but the keys of requests
    Json,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ImportArgs {
    /// A folder with the message logs of the old server, or a file of `toomd export --format json`
    #[arg(value_name = "FROM")]
    pub(crate) from: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// The time zone of the times in text logs, such as UTC or Europe/Berlin; that of the machine if left out
    #[arg(long, value_name = "ZONE", value_parser = parse_zone)]
    pub(crate) zone: Option<TimeZone>,
    /// Members of a room of the text logs, who built it first; those who spoke there are members anyway
    #[arg(long = "room", value_name = "ROOM=NAME,NAME", value_parser = parse_members)]
    pub(crate) rooms: Vec<(RoomId, Vec<UserName>)>,
}

/// Carries out `toomd export`.
pub(crate) fn export(args: &ExportArgs) -> Result<(), Failure> {
    let mut store = args.data.open_existing()?;
    let exported = match args.format {
        Format::Text => {
            let folder = args.to.as_deref().unwrap_or(Path::new("."));
            let zone = args.zone.clone().unwrap_or_else(TimeZone::system);
            export_text(&mut store, folder, &zone, &mut Bars::default().teller())
        }
        Format::Json => to_json(&mut store, args.to.as_deref()),
    };
    match exported {
        Ok(counts) => {
            eprintln!("exported {}", shown(counts));
            store.close().map_err(Failure::Data)
        }
        // Whoever reads has seen enough.
        Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn to_json(store: &mut impl Storage, to: Option<&Path>) -> Result<Counts, ExportError> {
    let mut bars = Bars::default();
    match to {
        Some(path) => export_json_file(store, path, &mut bars.teller()),
        None => export_json(store, &mut BufWriter::new(io::stdout().lock()), &mut bars.teller()),
    }
}

/// Carries out `toomd import`.
pub(crate) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let mut options =
        ImportOptions { zone: args.zone.clone().unwrap_or_else(TimeZone::system), members: BTreeMap::new() };
    for (room, names) in &args.rooms {
        options.members.entry(*room).or_default().extend(names.iter().cloned());
    }
    let mut bars = Bars::default();
    let import = Import::check(&args.from, &options, &mut bars.teller())?;
    tell(import.notices());
    let mut store = args.data.open_to_fill()?;
    let imported = import.run(&mut store, &mut bars.teller()).map_err(|error| match error {
        ImportError::NotEmpty => Failure::NotEmpty { path: args.data.path.clone() },
        error => Failure::Unfinished { path: args.data.path.clone(), error },
    })?;
    store.close().map_err(Failure::Data)?;
    drop(bars);
    eprintln!("imported {} into {}", shown(imported.counts), args.data.path.display());
    if imported.moved > 0 {
        eprintln!(
            "toomd: {} of them have a later time than their lines say, because lines before theirs say a later one",
            imported.moved
        );
    }
    Ok(())
}

fn tell(notices: &[String]) {
    for notice in notices.iter().take(NOTICES_MAX) {
        eprintln!("toomd: {notice}");
    }
    if notices.len() > NOTICES_MAX {
        eprintln!("toomd: {} more rooms have too few members, or the same", notices.len() - NOTICES_MAX);
    }
}

fn shown(Counts { rooms, messages }: Counts) -> String {
    let many = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    format!("{} and {}", many(messages, "message"), many(rooms, "room"))
}

fn parse_zone(raw: &str) -> Result<TimeZone, String> {
    TimeZone::get(raw).map_err(|_| {
        "a time zone is expected that this machine knows, such as UTC or Europe/Berlin".to_owned()
    })
}

fn parse_members(raw: &str) -> Result<(RoomId, Vec<UserName>), String> {
    let (room, names) =
        raw.split_once('=').ok_or("a room and its members are expected, such as 1=obiwan,luke")?;
    let room = room.parse().ok().and_then(RoomId::new).ok_or("a room has a number: 1, 2, 3, …")?;
    let names: Result<_, _> = names.split(',').map(UserName::from_record).collect();
    Ok((room, names.map_err(|error| error.to_string())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_named_behind_the_number_of_their_room() {
        let (room, names) = parse_members("12=obiwan,luke").unwrap();
        assert_eq!((room.number(), names), (12, vec!["obiwan".parse().unwrap(), "luke".parse().unwrap()]));
        for raw in ["", "1", "1=", "0=luke", "x=luke", "1=luke,", "1=luke, leia", "=luke"] {
            assert!(parse_members(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn zones_are_those_that_the_machine_knows() {
        assert_eq!(parse_zone("UTC"), Ok(TimeZone::UTC));
        assert!(parse_zone("Nowhere/Land").is_err());
    }

    #[test]
    fn one_is_told_apart_from_many() {
        assert_eq!(shown(Counts { rooms: 1, messages: 0 }), "0 messages and 1 room");
    }
}
