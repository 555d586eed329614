//! `toomd replay`: what a server's engine was given is given to another one, and compared.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use toom_net::protocol::append_time;
use toom_net::server::{Counts, Ending, Parted, Replayed, replay};

use crate::bars::Bars;
use crate::failure::Failure;

#[derive(Clone, Debug, Args)]
pub(crate) struct ReplayArgs {
    /// What `toomd --record` wrote
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Carries it out.
pub(crate) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let path = args.file.as_path();
    let unread = |error| Failure::Recording { path: path.to_owned(), error };
    let file = File::open(path).map_err(|error| unread(error.into()))?;
    let bytes = file.metadata().map_err(|error| unread(error.into()))?.len();
    let mut bars = Bars::default();
    let replayed = replay(BufReader::new(file), bars.replay_teller(bytes)).map_err(unread)?;
    drop(bars);
    Failure::of_output(write_all(&replayed, &mut io::stdout().lock()))?;
    judge(path, &replayed.ending)
}

fn judge(path: &Path, ending: &Ending) -> Result<(), Failure> {
    let path = path.to_owned();
    match ending {
        Ending::Stopped | Ending::FellBehind | Ending::BrokenOff { .. } => Ok(()),
        Ending::Damaged { offset, what } => Err(Failure::RecordingDamaged { path, offset: *offset, what }),
        _ => Err(Failure::ReplayParted { path }),
    }
}

/// Writes what was found, a line each: a word, a colon, what there is to say.
fn write_all(replayed: &Replayed, out: &mut impl Write) -> io::Result<()> {
    let Replayed { version, counts, ending } = replayed;
    let Counts { inputs, turns, outputs, states, pages, pages_passed_over } = counts;
    writeln!(out, "recorded by: toomd {}", version.escape_debug())?;
    writeln!(
        out,
        "the same: inputs {inputs}, turns {turns}, outputs {outputs}, pages {pages}, states {states}"
    )?;
    if *pages_passed_over > 0 {
        writeln!(
            out,
            "not compared: pages {pages_passed_over}, which show what the recording does not hold"
        )?;
    }
    match ending {
        Ending::FellBehind => {
            writeln!(out, "end: before that of the server, because the file took too little")
        }
        Ending::BrokenOff { offset, inputs } => {
            writeln!(out, "end: broken off at byte {offset}, because the server was killed or goes on")?;
            inputs.iter().try_for_each(|input| writeln!(out, "not replayed: {input}"))
        }
        Ending::Parted(parted) => write_parted(parted, out),
        _ => Ok(()),
    }
}

fn write_parted(parted: &Parted, out: &mut impl Write) -> io::Result<()> {
    let Parted { number, at, input, recorded, replayed } = parted;
    let mut time = Vec::new();
    if let Some(at) = at {
        time.extend_from_slice(b" at ");
        append_time(&mut time, *at);
    }
    let time = String::from_utf8_lossy(&time);
    match number {
        Some(number) => writeln!(out, "parted: at input {number}{time}, {input}")?,
        None => writeln!(out, "parted: at no input{time}, {input}")?,
    }
    writeln!(out, "recorded: {recorded}")?;
    writeln!(out, "replayed: {replayed}")
}
