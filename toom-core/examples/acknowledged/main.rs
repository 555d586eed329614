//! Appends to a store in a folder and says what was acknowledged, until it is killed or the power is cut; and looks at what is left.
//! `.ci/power-cuts` and the test of killed processes drive it.
//!
//! ```text
//! acknowledged write FOLDER sync|buffered    prints the number of each batch once it is acknowledged
//! acknowledged check FOLDER                  prints how many batches there are, all of them whole and right
//! ```

mod writer;

use std::io::{self, BufWriter};
use std::process::ExitCode;

use toom_core::Durability;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["write", folder, "sync"] => write(folder, Durability::Sync),
        ["write", folder, "buffered"] => write(folder, Durability::Buffered),
        ["check", folder] => writer::check(folder.as_ref()).map(|held| println!("{held}")),
        _ => Err("say: write FOLDER sync|buffered, or check FOLDER".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("acknowledged: {wrong}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &str, durability: Durability) -> Result<(), String> {
    writer::write(folder.as_ref(), durability, u64::MAX, &mut BufWriter::new(io::stdout().lock()))
}
