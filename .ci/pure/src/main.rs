//! Runs the engine through a few thousand operations that are the same each time, and prints all it answers, and last a digest of that.
//!
//! Built with a digest in the variable `TOOM_PURE`, it compares instead: it ends with 0 if it comes to the same. So it can run where
//! there is no operating system and nothing to print to, with nothing from its host but memory. `.ci/wasm` does that.

use std::process::ExitCode;

use siphasher::sip128::SipHasher24;

mod chance;
mod run;

fn main() -> ExitCode {
    let told = match run::run() {
        Ok(told) => told,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let digest = format!("{:032x}", SipHasher24::new().hash(told.as_bytes()).as_u128());
    match option_env!("TOOM_PURE") {
        Some(expected) if digest != expected => return ExitCode::FAILURE,
        Some(_) => {}
        None => println!("{told}{digest}"),
    }
    ExitCode::SUCCESS
}
