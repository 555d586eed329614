//! Prints the public items of the crate whose rustdoc JSON is the file named, one a line, sorted.

use std::env;
use std::error::Error;

use public_api::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let json = env::args_os().nth(1).ok_or("usage: toom-public-api FILE.json")?;
    // What the compiler implements by itself, and what other crates implement for everything, says nothing of this one.
    let items =
        Builder::from_rustdoc_json(json).omit_blanket_impls(true).omit_auto_trait_impls(true).build()?;
    print!("{items}");
    Ok(())
}
