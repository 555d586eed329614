//! The lines about files that are under way.

use core::time::Duration;

use bytesize::ByteSize;

use crate::files::{About, Direction, Done, Ending, News, Over, Pace, Route, Stage, UnderWay, What};

/// The answer to `UPD` where nothing is under way.
pub const NO_TRANSFER: &str = "no file is under way";

/// How wide the bar of a transfer is.
const BAR: usize = 20;

/// What happened to a transfer.
#[must_use]
pub fn transfer(news: &News) -> String {
    let About { number, direction, user, name, bytes } = &news.about;
    let told = match (&news.what, direction) {
        (What::Asked { bytes_free, bytes_proven }, _) => {
            let there = if *bytes_proven > 0 {
                format!(", of which {} are here already", size(*bytes_proven))
            } else {
                String::new()
            };
            format!(
                "{user} offers a file of {}{there}, to be saved as {name}; {} are free. \
                 UPD ACCEPT {number} takes it, UPD REFUSE {number} does not",
                size(*bytes),
                size(*bytes_free)
            )
        }
        (What::Offered, _) => format!("{name}, {}, is offered to {user}", size(*bytes)),
        (What::Accepted, Direction::Out) => format!("{user} takes {name}"),
        (What::Accepted, Direction::In) => format!("{name}, {}, comes from {user}", size(*bytes)),
        (What::Relayed, _) => "UDP does not get through; the file goes through the server".to_owned(),
        (What::Moving(stage, pace), _) => format!("{} {}", bar(pace), moving(&news.about, *stage, pace)),
        (What::Done(done), _) => self::done(&news.about, done),
        (What::Over(over), _) => self::over(&news.about, over),
    };
    format!("UPD {number}: {told}")
}

/// A transfer that is under way.
#[must_use]
pub fn under_way(one: &UnderWay) -> String {
    let UnderWay { about, stage, route, pace } = one;
    let About { number, name, user, bytes, .. } = about;
    let way = way(about);
    let told = match stage {
        Stage::NoServer => format!("{name} {way}: waits for a connection to the server"),
        Stage::Offered => format!("{name} {way}, {}: {user} is asked", size(*bytes)),
        Stage::Asked => {
            format!("{name} {way}, {}: UPD ACCEPT {number} or UPD REFUSE {number}", size(*bytes))
        }
        Stage::Connecting => format!("{name} {way}, {}: connecting", size(*bytes)),
        Stage::Finishing => format!("{name} {way}, {}: all there, being checked and saved", size(*bytes)),
        Stage::Hashing | Stage::Moving => format!("{} {}", bar(pace), moving(about, *stage, pace)),
    };
    let relayed = if *route == Route::Relayed { ", through the server" } else { "" };
    format!("UPD {number}: {told}{relayed}")
}

/// A transfer that ends with the program.
#[must_use]
pub fn unfinished(about: &About) -> String {
    let About { number, name, .. } = about;
    format!("UPD {number}: {name} {} is not finished; sent again, it goes on where it stopped", way(about))
}

fn way(about: &About) -> String {
    match about.direction {
        Direction::Out => format!("to {}", about.user),
        Direction::In => format!("from {}", about.user),
    }
}

/// `film.mp4 to luke, 37.4 MiB of 72.0 MiB, 11.2 MiB/s, 3 s left`.
fn moving(about: &About, stage: Stage, pace: &Pace) -> String {
    let Pace { bytes_done, bytes_total, rate, left } = pace;
    let what = if stage == Stage::Hashing { "reading " } else { "" };
    let line =
        format!("{what}{} {}, {} of {}", about.name, way(about), size(*bytes_done), size(*bytes_total));
    let rate = rate.map_or_else(String::new, |rate| format!(", {}/s", size(rate)));
    let left = left.map_or_else(String::new, |left| format!(", {} left", duration(left)));
    line + &rate + &left
}

fn done(about: &About, done: &Done) -> String {
    let About { direction, user, name, bytes, .. } = about;
    let Done { took, bytes_resumed, path } = done;
    let moved = bytes.saturating_sub(*bytes_resumed);
    let there = if *bytes_resumed > 0 {
        format!(", {} of them from before", size(*bytes_resumed))
    } else {
        String::new()
    };
    let seconds = took.as_secs_f64();
    let micros = took.as_micros().max(1);
    let rate = u64::try_from(u128::from(moved) * 1_000_000 / micros).unwrap_or(u64::MAX);
    let figures = format!("{}{there} in {seconds:.1} s, {}/s", size(*bytes), size(rate));
    match (direction, path) {
        (Direction::Out, _) => format!("{user} has {name}: {figures}"),
        (Direction::In, Some(path)) => format!("{} from {user} is here: {figures}", path.display()),
        (Direction::In, None) => format!("{name} from {user} is here: {figures}"),
    }
}

fn over(about: &About, over: &Over) -> String {
    let About { direction, user, name, .. } = about;
    let (way, why) = (way(about), &over.why);
    let because = if why.is_empty() { String::new() } else { format!(": {why}") };
    match (over.ending, direction) {
        (Ending::Refused, Direction::Out) => format!("{name} {way} was not taken{because}"),
        (Ending::Refused, Direction::In) => format!("{name} {way} is refused{because}"),
        (Ending::Cancelled, _) => format!("{name} {way} is cancelled{because}"),
        (Ending::CancelledThere, _) if why.is_empty() => format!("{name} {way} was cancelled by {user}"),
        (Ending::CancelledThere, _) => format!("{name} {way} was ended{because}"),
        (Ending::Failed, _) => format!("{name} {way} failed{because}"),
    }
}

/// `[########------------]  40 %`.
fn bar(pace: &Pace) -> String {
    let full = usize::try_from(pace.parts(BAR as u64)).unwrap_or(BAR).min(BAR);
    format!("[{}{}] {:3} %", "#".repeat(full), "-".repeat(BAR - full), pace.percent())
}

/// `72.0 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    ByteSize::b(bytes).to_string()
}

/// `45 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests;
