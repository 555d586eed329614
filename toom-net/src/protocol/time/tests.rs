use proptest::prelude::*;

use super::*;

fn written(at: Timestamp) -> String {
    let mut out = Vec::new();
    append_time(&mut out, at);
    String::from_utf8(out).unwrap()
}

fn micros_of(text: &str) -> i64 {
    parse_time(text).unwrap_or_else(|_| panic!("{text:?} is a time")).unix_micros()
}

#[test]
fn times_are_written_in_utc_with_six_decimals() {
    for (micros, text) in [
        (0, "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_659_603_749_123_456, "2022-08-04T09:02:29.123456Z"),
        (951_782_400_000_010, "2000-02-29T00:00:00.000010Z"),
        (Timestamp::MIN.unix_micros(), "0000-01-01T00:00:00.000000Z"),
        (Timestamp::MAX.unix_micros(), "9999-12-31T23:59:59.999999Z"),
    ] {
        assert_eq!(written(Timestamp::from_unix_micros(micros).unwrap()), text);
        assert_eq!(micros_of(text), micros, "{text}");
    }
}

#[test]
fn every_offset_and_the_spoken_form_name_the_same_moment() {
    for text in [
        "2022-08-04T09:02:29Z",
        "2022-08-04t09:02:29z",
        "2022-08-04T09:02:29.0Z",
        "2022-08-04T09:02:29+00:00",
        "2022-08-04T09:02:29-00:00",
        "2022-08-04T11:02:29+02:00",
        "2022-08-03T21:32:29.000-11:30",
        "2022-08-05T09:01:29+23:59",
        "04 Aug 2022 09:02:29",
        "4 aug 2022 09:02:29",
    ] {
        assert_eq!(micros_of(text), 1_659_603_749_000_000, "{text}");
    }
}

#[test]
fn digits_beyond_the_microsecond_round_to_the_past_on_both_sides_of_the_epoch() {
    assert_eq!(micros_of("1970-01-01T00:00:00.1234569999Z"), 123_456);
    assert_eq!(micros_of("1969-12-31T23:59:59.9999999Z"), -1);
    assert_eq!(micros_of("1970-01-01T00:00:00.5Z"), 500_000);
    let long = format!("1970-01-01T00:00:00.{}Z", "9".repeat(10_000));
    assert_eq!(micros_of(&long), 999_999);
}

#[test]
fn a_leap_second_is_read_as_the_second_before() {
    assert_eq!(micros_of("2016-12-31T23:59:60Z"), micros_of("2016-12-31T23:59:59Z"));
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        " ",
        "now",
        "10m",
        "2022",
        "2022-08-04",
        "2022-08-04T09:02:29",
        "2022-08-04T09:02Z",
        "2022-8-4T09:02:29Z",
        "2022-08-04 09:02:29Z",
        "2022-08-04T9:02:29Z",
        "2022-08-04T09:02:29.Z",
        "2022-08-04T09:02:29,5Z",
        "2022-08-04T09:02:29+2",
        "2022-08-04T09:02:29+0200",
        "2022-08-04T09:02:29+24:00",
        "2022-08-04T09:02:29+02:60",
        "2022-08-04T09:02:29*02:00",
        "2022-08-04T09:02:29Z[UTC]",
        "2022-08-04T09:02:29ZZ",
        "2022-08-04T09:02:29é",
        "2022-08-04T24:00:00Z",
        "2022-08-04T23:60:00Z",
        "2022-08-04T23:59:61Z",
        "2022-13-01T00:00:00Z",
        "2022-02-29T00:00:00Z",
        "2022-00-01T00:00:00Z",
        "2022-01-00T00:00:00Z",
        "+2022-08-04T09:02:29Z",
        "-001-08-04T09:02:29Z",
        "10000-01-01T00:00:00Z",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "04 Aug 2022",
        "04 Aug 2022 09:02",
        "04 Aug 2022 09:02:60",
        "04 Aug 22 09:02:29",
        "31 Apr 2022 09:02:29",
        "004 Aug 2022 09:02:29",
        "04 August 2022 09:02:29",
        "04  Aug 2022 09:02:29",
        "04 Aug 2022 09:02:29 Z",
        "04 Aug 2022 09:02:29.5",
        "+4 Aug 2022 09:02:29",
        "0 Aug 2022 09:02:29",
    ] {
        assert_eq!(parse_time(text), Err(TimeError), "{text:?}");
    }
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    let (min, max) = (Timestamp::MIN.unix_micros(), Timestamp::MAX.unix_micros());
    (min..=max).prop_map(|micros| Timestamp::from_unix_micros(micros).unwrap())
}

proptest! {
    /// Fails if a field is cut short, or if the sign of times before 1970 is lost.
    #[test]
    fn a_time_that_is_written_reads_as_itself(at in any_time()) {
        let text = written(at);
        prop_assert_eq!(text.len(), 27);
        prop_assert_eq!(parse_time(&text), Ok(at));
    }

    /// Fails if a field is written without its leading zeros.
    #[test]
    fn times_sort_as_their_texts_do(one in any_time(), two in any_time()) {
        prop_assert_eq!(one.cmp(&two), written(one).cmp(&written(two)));
    }

    /// Fails if the offset is added where it is to be subtracted.
    #[test]
    fn an_offset_moves_the_moment(at in any_time(), minutes in -1439_i64..=1439) {
        let local = Timestamp::from_unix_micros(at.unix_micros() + minutes * 60_000_000);
        prop_assume!(local.is_some());
        let sign = if minutes < 0 { '-' } else { '+' };
        let offset = format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
        let text = written(local.unwrap()).replace('Z', &offset);
        prop_assert_eq!(parse_time(&text), Ok(at));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}|[0-9TZtz:+. -]{0,40}|[0-9]{1,2} [A-Za-z]{3} [0-9]{4} [0-9:]{0,9}") {
        let _ = parse_time(&text);
    }
}
