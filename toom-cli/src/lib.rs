//! What `toom`, the chat client, is made of. It is a library so that tests reach its parts; nothing else is meant to use it.
//!
//! * [`filter`]: the one way to the terminal, in which text from others is shown and never obeyed;
//! * [`command`]: what the user types, parsed;
//! * [`render`]: the lines that answer it;
//! * [`zone`]: times, read and written in the user's time zone.

pub mod command;
pub mod filter;
pub mod render;
pub mod zone;
