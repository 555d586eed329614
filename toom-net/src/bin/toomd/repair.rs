//! `toomd repair`: a damaged store is made whole of what can be read, once it is shown what will be lost.

use std::io::{self, BufRead, IsTerminal as _, Write};
use std::ops::RangeInclusive;

use clap::Args;
use toom_core::{Conversation, Losses, LostMessages, MessageNumber, RepairPlan};

use crate::bars::Bars;
use crate::data::{self, DataDir};
use crate::failure::Failure;
use crate::random::random;
use crate::verify;

#[derive(Clone, Debug, Args)]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// Repair without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Instead: give the store a new epoch, after the folder was put back from an older copy
    #[arg(long, conflicts_with = "yes")]
    pub(crate) new_epoch: bool,
}

/// Carries it out.
pub(crate) fn run(args: &RepairArgs) -> Result<(), Failure> {
    let path = args.data.existing()?;
    let shown = path.display();
    if args.new_epoch {
        let epoch = data::renew_epoch(path)?;
        eprintln!(
            "the store in {shown} has the epoch {epoch} now: clients forget the numbers that they remember"
        );
        return Ok(());
    }
    let Some(plan) = RepairPlan::make(path, Bars::default().store_teller()).map_err(Failure::Data)? else {
        eprintln!("the store in {shown} is whole: there is nothing to repair");
        return Ok(());
    };
    let mut out = io::stdout().lock();
    verify::write_damage(plan.verified(), &mut out)
        .and_then(|()| write_losses(plan.losses(), &mut out))
        .and_then(|()| out.flush())
        .map_err(Failure::Output)?;
    let agreed = args.yes || io::stdin().is_terminal() && agrees(&mut io::stdin().lock());
    if !agreed {
        return Err(Failure::NotRepaired { path: path.to_owned() });
    }
    let repaired = plan.carry_out(random()?, Bars::default().repair_teller()).map_err(Failure::Data)?;
    verify::write_all(&repaired, &mut out).map_err(Failure::Output)?;
    eprintln!(
        "the store in {shown} is repaired; what its files were is kept there in those called NAME.damaged-N"
    );
    if repaired.is_sound() { Ok(()) } else { Err(Failure::Damaged { path: path.to_owned() }) }
}

/// Writes what will be gone for good, a line each.
fn write_losses(losses: &Losses, out: &mut impl Write) -> io::Result<()> {
    for LostMessages { conversation, unreadable, given_up, .. } in &losses.messages {
        let conversation = match conversation {
            Conversation::Broadcast => "broadcasts".to_owned(),
            Conversation::Room(room) => format!("room {room}"),
        };
        for range in unreadable {
            writeln!(out, "lost: {conversation}, {}: cannot be read", numbers(range))?;
        }
        for range in given_up {
            let why = "can be read, but what belongs to it or lies between is lost";
            writeln!(out, "lost: {conversation}, {}: {why}", numbers(range))?;
        }
    }
    for rooms in &losses.rooms {
        let who = match (rooms.start(), rooms.end()) {
            (first, last) if first == last => format!("room {first}: nobody can tell who its members are"),
            (first, last) => format!("rooms {first} to {last}: nobody can tell who their members are"),
        };
        writeln!(out, "lost: {who}")?;
    }
    if losses.keyed > 0 {
        writeln!(out, "lost: answers to {} keyed requests: repeated, they are done anew", losses.keyed)?;
    }
    writeln!(out, "messages lost: {}", losses.messages_lost())
}

fn numbers(range: &RangeInclusive<MessageNumber>) -> String {
    match (range.start(), range.end()) {
        (first, last) if first == last => format!("message {first}"),
        (first, last) => format!("messages {first} to {last}"),
    }
}

/// Asks on the terminal.
fn agrees(input: &mut impl BufRead) -> bool {
    eprint!("repair the store, and lose that? [y/N] ");
    let mut answer = String::new();
    input.read_line(&mut answer).is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        for (answer, yes) in
            [("y\n", true), ("Yes\n", true), ("", false), ("\n", false), ("n\n", false), ("yellow\n", false)]
        {
            assert_eq!(agrees(&mut answer.as_bytes()), yes, "{answer:?}");
        }
    }

    #[test]
    fn numbers_are_one_or_many() {
        let number = |number| MessageNumber::new(number).unwrap();
        assert_eq!(numbers(&(number(3)..=number(3))), "message 3");
        assert_eq!(numbers(&(number(3)..=number(5))), "messages 3 to 5");
    }
}
