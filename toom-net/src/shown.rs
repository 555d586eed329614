//! What people see of others: texts that no terminal obeys, and times as they are spoken.
//!
//! Characters that steer a terminal, reorder what stands on it, or are there without being seen are written as Rust writes
//! them: `\u{1b}`, `\u{202e}`. A line break is written `\n` and a tab `\t`, so that one message is one line. A backslash stays
//! as it is: a text that says `\n` and one that breaks its line look alike, and neither harms.

use core::fmt;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use toom_core::Timestamp;

/// A text as one line that no terminal obeys, by its `Display`.
///
/// ```
/// use toom_net::shown::OneLine;
///
/// assert_eq!(OneLine("red \u{1b}[31m and\nback \u{202e}").to_string(), r"red \u{1b}[31m and\nback \u{202e}");
/// ```
#[derive(Clone, Copy)]
pub struct OneLine<'a>(pub &'a str);

/// The length alone: it may be the text of a message.
impl fmt::Debug for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OneLine({} bytes)", self.0.len())
    }
}

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(is_shown_as_code) {
            let (plain, tail) = rest.split_at(at);
            f.write_str(plain)?;
            let mut chars = tail.chars();
            match chars.next() {
                Some('\n') => f.write_str("\\n")?,
                Some('\t') => f.write_str("\\t")?,
                Some(hidden) => write!(f, "{}", hidden.escape_unicode())?,
                None => {}
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// Whether `c` must not reach a terminal as it is.
///
/// These are the control characters (Cc), the line and paragraph separators, the format characters (Cf), and everything else
/// that Unicode calls *default ignorable*: what a terminal shows as nothing. Two of those stay, U+FE0E and U+FE0F, which choose
/// between the two looks of a character such as ❤️.
#[must_use]
pub fn is_shown_as_code(c: char) -> bool {
    c.is_control() || HIDDEN.iter().any(|&(first, last)| first <= c && c <= last)
}

/// `General_Category` Cf, Zl and Zp, and `Default_Ignorable_Code_Point`, of Unicode 16.0, but U+FE0E and U+FE0F.
const HIDDEN: [(char, char); 25] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0d}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// A time as people write it, `04 Aug 2022 09:02:29`, by its `Display`.
///
/// The last day of the year 9999 is written in UTC, and says so: the calendar of time zones ends before it.
///
/// ```
/// use jiff::tz::TimeZone;
/// use toom_core::Timestamp;
/// use toom_net::shown::Spoken;
///
/// let at = Timestamp::from_unix_micros(1_659_603_749_123_456).unwrap();
/// assert_eq!(Spoken { at, zone: &TimeZone::UTC }.to_string(), "04 Aug 2022 09:02:29");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Spoken<'a> {
    /// The time.
    pub at: Timestamp,
    /// Where it is read.
    pub zone: &'a TimeZone,
}

impl fmt::Display for Spoken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const FORM: &str = "%d %b %Y %H:%M:%S";
        match jiff::Timestamp::from_microsecond(self.at.unix_micros()) {
            Ok(instant) => write!(f, "{}", self.zone.to_datetime(instant).strftime(FORM)),
            Err(_) => write!(f, "{} UTC", wall_clock_in_utc(self.at).strftime(FORM)),
        }
    }
}

/// What a wall clock in UTC shows at `at`.
#[must_use]
pub fn wall_clock_in_utc(at: Timestamp) -> DateTime {
    const UNIX_EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    // Never saturates: a timestamp lies in the years 0000 to 9999, which the calendar has.
    UNIX_EPOCH.saturating_add(SignedDuration::from_micros(at.unix_micros()))
}

#[cfg(test)]
mod tests;
