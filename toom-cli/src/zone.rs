//! Times as the user reads and writes them: in the user's time zone.

use jiff::Span;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use toom_core::Timestamp;
use toom_net::protocol::parse_time;
use toom_net::shown::{Spoken, wall_clock_in_utc};

/// A time zone in which times are read and written.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

/// A time as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The time.
    pub at: Timestamp,
    /// Why another may have been meant.
    pub doubt: Option<Doubt>,
}

/// Why a time on the wall is not just one point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Clocks were put back: it came twice. The first is taken.
    CameTwice,
    /// Clocks were put forward: it never came. It is taken as much later.
    NeverCame,
}

/// A text that is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a time is written as 04 Aug 2022 09:02:29, 2022-08-04T09:02:29Z, today, yesterday, or 10m or 2h for that long ago"
)]
pub struct TimeError;

impl From<Timestamp> for When {
    fn from(at: Timestamp) -> Self {
        Self { at, doubt: None }
    }
}

impl When {
    /// What to tell the user who may have meant another time.
    #[must_use]
    pub fn note(&self, zone: &Zone) -> Option<String> {
        let exact = zone.write_exactly(self.at);
        Some(match self.doubt? {
            Doubt::CameTwice => {
                format!("that time came twice, since clocks were put back; the first is taken, {exact}")
            }
            Doubt::NeverCame => {
                format!("that time never came, since clocks were put forward; {exact} is taken")
            }
        })
    }
}

impl Zone {
    /// That of the user: `TZ` where it is set, else the system's, else UTC.
    #[must_use]
    pub fn of_the_user() -> Self {
        Self(TimeZone::system())
    }

    /// UTC.
    #[must_use]
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// `at` as `04 Aug 2022 09:02:29`.
    ///
    /// The last day of the year 9999 is written in UTC, and says so: the calendar of time zones ends before it.
    #[must_use]
    pub fn write(&self, at: Timestamp) -> String {
        Spoken { at, zone: &self.0 }.to_string()
    }

    /// `at` as `2022-08-04T09:02:29+02:00`, which no other time of this zone is written as.
    #[must_use]
    pub fn write_exactly(&self, at: Timestamp) -> String {
        match jiff::Timestamp::from_microsecond(at.unix_micros()) {
            Ok(instant) => instant.to_zoned(self.0.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            Err(_) => self.write(at),
        }
    }

    /// The day of `at`, as `Thursday, 04 Aug 2022`.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> String {
        match jiff::Timestamp::from_microsecond(at.unix_micros()) {
            Ok(instant) => instant.to_zoned(self.0.clone()).strftime("%A, %d %b %Y").to_string(),
            Err(_) => wall_clock_in_utc(at).strftime("%A, %d %b %Y").to_string(),
        }
    }

    /// The time of day of `at`, as `09:02`.
    #[must_use]
    pub fn clock(&self, at: Timestamp) -> String {
        let spoken = self.write(at);
        spoken.split(' ').nth(3).and_then(|clock| clock.get(..5)).unwrap_or(&spoken).to_owned()
    }

    /// Reads `04 Aug 2022 09:02:29` of this zone, an RFC 3339 time, `today` or `yesterday` from midnight on, or a duration such as `10m`, which is
    /// that long before `now`.
    ///
    /// # Errors
    /// [`TimeError`] if it is none of these, or lies outside the years 0000 to 9999.
    pub fn read(&self, text: &str, now: Timestamp) -> Result<When, TimeError> {
        let read = match parse_time(text) {
            // The spoken form alone has spaces. The wire takes it for UTC; here it is a time on the user's wall.
            Ok(at) if text.contains(' ') => self.at_wall_time(wall_clock_in_utc(at)),
            Ok(at) => Some(at.into()),
            Err(_) if text.eq_ignore_ascii_case("today") => self.today(now).map(When::from),
            Err(_) if text.eq_ignore_ascii_case("yesterday") => self.yesterday(now).map(When::from),
            Err(_) => self.before(now, text).map(When::from),
        };
        read.ok_or(TimeError)
    }

    /// The beginning of the day of `now`.
    fn today(&self, now: Timestamp) -> Option<Timestamp> {
        let now = jiff::Timestamp::from_microsecond(now.unix_micros()).ok()?.to_zoned(self.0.clone());
        timestamp(now.start_of_day().ok()?.timestamp())
    }

    /// The beginning of the day before that of `now`.
    #[must_use]
    pub fn yesterday(&self, now: Timestamp) -> Option<Timestamp> {
        let today = jiff::Timestamp::from_microsecond(now.unix_micros()).ok()?.to_zoned(self.0.clone());
        timestamp(today.yesterday().ok()?.start_of_day().ok()?.timestamp())
    }

    fn at_wall_time(&self, wall: DateTime) -> Option<When> {
        let named = self.0.to_ambiguous_zoned(wall);
        let doubt = match named.offset() {
            AmbiguousOffset::Unambiguous { .. } => None,
            AmbiguousOffset::Gap { .. } => Some(Doubt::NeverCame),
            AmbiguousOffset::Fold { .. } => Some(Doubt::CameTwice),
        };
        Some(When { at: timestamp(named.compatible().ok()?.timestamp())?, doubt })
    }

    fn before(&self, now: Timestamp, text: &str) -> Option<Timestamp> {
        let span = text.parse::<Span>().ok()?.abs();
        let now = jiff::Timestamp::from_microsecond(now.unix_micros()).ok()?.to_zoned(self.0.clone());
        timestamp(now.checked_sub(span).ok()?.timestamp())
    }
}

fn timestamp(instant: jiff::Timestamp) -> Option<Timestamp> {
    Timestamp::from_unix_micros(instant.as_microsecond())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(posix: &str) -> Zone {
        Zone(TimeZone::posix(posix).unwrap())
    }

    /// Sydney's rules, written out so that the test needs no data base.
    fn sydney() -> Zone {
        zone("AEST-10AEDT,M10.1.0,M4.1.0/3")
    }

    fn utc(text: &str) -> Timestamp {
        parse_time(text).unwrap()
    }

    const NOW: &str = "2022-08-04T09:02:29.5Z";

    #[test]
    fn a_time_is_written_in_the_zone() {
        assert_eq!(Zone::utc().write(utc("2022-08-04T09:02:29.999999Z")), "04 Aug 2022 09:02:29");
        assert_eq!(sydney().write(utc("2022-08-03T23:02:29Z")), "04 Aug 2022 09:02:29");
        assert_eq!(sydney().write(utc("2022-12-31T13:00:00Z")), "01 Jan 2023 00:00:00");
    }

    #[test]
    fn the_ends_of_time_are_written_too() {
        assert_eq!(Zone::utc().write(Timestamp::MIN), "01 Jan 0000 00:00:00");
        assert_eq!(zone("XXX12").write(Timestamp::MIN), "31 Dec -001 12:00:00");
        assert_eq!(sydney().write(Timestamp::MAX), "31 Dec 9999 23:59:59 UTC");
    }

    #[test]
    fn the_spoken_form_is_a_time_on_the_wall() {
        let read = |text| sydney().read(text, utc(NOW)).unwrap().at;
        assert_eq!(read("04 Aug 2022 09:02:29"), utc("2022-08-03T23:02:29Z"));
        assert_eq!(read("4 aug 2022 09:02:29"), utc("2022-08-03T23:02:29Z"));
    }

    #[test]
    fn rfc_3339_keeps_its_own_offset() {
        let read = |text| sydney().read(text, utc(NOW)).unwrap().at;
        assert_eq!(read("2022-08-04T09:02:29.25+02:00"), utc("2022-08-04T07:02:29.25Z"));
    }

    #[test]
    fn a_duration_is_that_long_ago() {
        let read = |text| Zone::utc().read(text, utc(NOW)).unwrap().at;
        assert_eq!(read("10m"), utc("2022-08-04T08:52:29.5Z"));
        assert_eq!(read("2h"), utc("2022-08-04T07:02:29.5Z"));
        assert_eq!(read("1h 30m"), utc("2022-08-04T07:32:29.5Z"));
        assert_eq!(read("30s"), utc("2022-08-04T09:01:59.5Z"));
        assert_eq!(read("1d"), utc("2022-08-03T09:02:29.5Z"));
        assert_eq!(read("10m ago"), read("10m"));
        assert_eq!(read("-10m"), read("10m"));
    }

    #[test]
    fn a_time_that_came_twice_is_the_first_and_one_that_never_came_is_later() {
        let read = |text| sydney().read(text, utc(NOW)).unwrap();
        let (twice, never) = (read("03 Apr 2022 02:30:00"), read("02 Oct 2022 02:30:00"));
        assert_eq!(twice, When { at: utc("2022-04-02T15:30:00Z"), doubt: Some(Doubt::CameTwice) });
        assert_eq!(never, When { at: utc("2022-10-01T16:30:00Z"), doubt: Some(Doubt::NeverCame) });
        assert_eq!(
            twice.note(&sydney()).unwrap(),
            "that time came twice, since clocks were put back; the first is taken, 2022-04-03T02:30:00+11:00"
        );
        assert_eq!(
            never.note(&sydney()).unwrap(),
            "that time never came, since clocks were put forward; 2022-10-02T03:30:00+11:00 is taken"
        );
        assert_eq!(read("03 Apr 2022 12:30:00").note(&sydney()), None);
    }

    #[test]
    fn today_and_yesterday_begin_at_midnight_of_the_zone() {
        let read = |text| sydney().read(text, utc("2022-08-03T23:02:29Z")).unwrap().at;
        assert_eq!(read("Today"), utc("2022-08-03T14:00:00Z"));
        assert_eq!(read("yesterday"), utc("2022-08-02T14:00:00Z"));
    }

    #[test]
    fn a_text_that_is_no_time_is_refused() {
        for text in [
            "",
            " ",
            "x",
            "10",
            "10x",
            "04 Aug 22 09:02:29",
            "32 Aug 2022 09:02:29",
            "04 Aug 2022",
            "99999y",
            "#3",
        ] {
            assert_eq!(Zone::utc().read(text, utc(NOW)), Err(TimeError), "{text:?}");
        }
    }

    #[test]
    fn yesterday_begins_at_midnight_of_the_zone() {
        assert_eq!(sydney().yesterday(utc("2022-08-03T23:02:29Z")), Some(utc("2022-08-02T14:00:00Z")));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_to_the_second(micros in -60_000_000_000_000_000_i64..250_000_000_000_000_000) {
            let at = Timestamp::from_unix_micros(micros).unwrap();
            let second = Timestamp::from_unix_micros(micros.div_euclid(1_000_000) * 1_000_000).unwrap();
            prop_assert_eq!(Zone::utc().read(&Zone::utc().write(at), utc(NOW)), Ok(second.into()));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = sydney().read(&text, utc(NOW));
        }

        #[test]
        fn every_time_can_be_written(micros in Timestamp::MIN.unix_micros()..=Timestamp::MAX.unix_micros()) {
            prop_assert!(sydney().write(Timestamp::from_unix_micros(micros).unwrap()).len() >= 20);
        }
    }
}
