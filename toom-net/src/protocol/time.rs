//! Times as the wire writes them. The calendar is `jiff`'s.

use jiff::civil::DateTime;
use toom_core::Timestamp;

use crate::shown::wall_clock_in_utc;

const UNIX_EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A text that is no time of the years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written as 2022-08-04T09:02:29.123456Z or as 04 Aug 2022 09:02:29 (UTC)")]
pub struct TimeError;

/// Appends `at` in the one form in which times are sent: `2022-08-04T09:02:29.123456Z`.
pub fn append_time(out: &mut Vec<u8>, at: Timestamp) {
    let civil = wall_clock_in_utc(at);
    let parts = [
        (i32::from(civil.year()), 1000, b'-'),
        (i32::from(civil.month()), 10, b'-'),
        (i32::from(civil.day()), 10, b'T'),
        (i32::from(civil.hour()), 10, b':'),
        (i32::from(civil.minute()), 10, b':'),
        (i32::from(civil.second()), 10, b'.'),
        (civil.subsec_nanosecond() / 1000, 100_000, b'Z'),
    ];
    for (value, mut place, sign) in parts {
        while place > 0 {
            out.push(b'0' + u8::try_from(value / place % 10).unwrap_or_default());
            place /= 10;
        }
        out.push(sign);
    }
}

/// Reads an RFC 3339 time of any offset, or `04 Aug 2022 09:02:29`, which is in UTC.
///
/// Digits beyond the microsecond are dropped, so the time is rounded to the past. That is exact for `since`: what is strictly later
/// than the time that was written is strictly later than the one that is read, and the other way round, for messages have whole
/// microseconds. A leap second (`:60`) is read as `:59`.
///
/// # Errors
/// [`TimeError`] if it is neither, or lies outside the years 0000 to 9999 in UTC.
pub fn parse_time(text: &str) -> Result<Timestamp, TimeError> {
    let parsed = if text.contains(' ') { parse_spoken(text) } else { parse_rfc3339(text) };
    parsed.ok_or(TimeError)
}

/// `2022-08-04T11:02:29.123456+02:00`: the form first, then what the calendar says of it.
fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let (year, month_day) = date.split_once('-')?;
    let (month, day) = month_day.split_once('-')?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(rest.bytes().take_while(u8::is_ascii_digit).count())?,
        None => ("0", rest),
    };
    let east = parse_offset(offset)?;
    let day = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let seconds = parse_clock(clock, 60)?;
    timestamp(day, seconds, micros(fraction)? - east * 60_000_000)
}

/// Minutes east of Greenwich.
fn parse_offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (i64::from(digits(hours, 2)?), i64::from(digits(minutes, 2)?));
    if hours > 23 || minutes > 59 {
        return None;
    }
    match text.as_bytes().first()? {
        b'+' => Some(hours * 60 + minutes),
        b'-' => Some(-(hours * 60 + minutes)),
        _ => None,
    }
}

/// `04 Aug 2022 09:02:29`; the day may be written with one digit.
fn parse_spoken(text: &str) -> Option<Timestamp> {
    let mut words = text.split(' ');
    let (day, month, year, clock) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
    let day = digits(day, 2).or_else(|| digits(day, 1))?;
    timestamp((digits(year, 4)?, u16::try_from(month).ok()?, day), parse_clock(clock, 59)?, 0)
}

/// `09:02:29` as hour, minute, second, at most `second_max`.
fn parse_clock(text: &str, second_max: u16) -> Option<(u16, u16, u16)> {
    let mut parts = text.split(':');
    let clock = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if parts.next().is_some() || clock.2 > second_max {
        return None;
    }
    Some((clock.0, clock.1, clock.2.min(59)))
}

/// Exactly `count` digits.
fn digits(text: &str, count: usize) -> Option<u16> {
    let valid = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    if valid { text.parse().ok() } else { None }
}

/// The microseconds of a fraction of a second, of one digit or more.
fn micros(fraction: &str) -> Option<i64> {
    if fraction.is_empty() {
        return None;
    }
    let places = fraction.bytes().chain(core::iter::repeat(b'0')).take(6);
    Some(places.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

/// The time of a calendar day (year, month, day), a clock and microseconds to add; `None` where there is none such.
fn timestamp(day: (u16, u16, u16), clock: (u16, u16, u16), micros: i64) -> Option<Timestamp> {
    let small = |value: u16| i8::try_from(value).ok();
    let year = i16::try_from(day.0).ok()?;
    let (month, day) = (small(day.1)?, small(day.2)?);
    let (hour, minute, second) = (small(clock.0)?, small(clock.1)?, small(clock.2)?);
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let since_epoch = i64::try_from(civil.duration_since(UNIX_EPOCH).as_micros()).ok()?;
    Timestamp::from_unix_micros(since_epoch.checked_add(micros)?)
}

#[cfg(test)]
mod tests;
