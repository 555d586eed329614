//! `toom`, the chat client.

use std::process::ExitCode;

fn main() -> ExitCode {
    toom_cli::run()
}
