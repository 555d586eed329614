//! `toom`, the chat client.

fn main() {}
