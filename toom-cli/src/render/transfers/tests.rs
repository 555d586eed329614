use super::*;

fn about(direction: Direction) -> About {
    let (user, name) = ("luke".to_owned(), "film.mp4".to_owned());
    About { number: 3, direction, user, name, bytes: 72 << 20 }
}

fn line(direction: Direction, what: What) -> String {
    transfer(&News { about: about(direction), what })
}

fn pace() -> Pace {
    let (rate, left) = (Some(11 << 20), Some(Duration::from_secs(200)));
    Pace { bytes_done: 36 << 20, bytes_total: 72 << 20, rate, left }
}

#[test]
fn whoever_is_asked_hears_who_what_how_much_and_how_to_answer() {
    assert_eq!(
        line(Direction::In, What::Asked { bytes_free: 3 << 30, bytes_proven: 0 }),
        "UPD 3: luke offers a file of 72.0 MiB, to be saved as film.mp4; 3.0 GiB are free. \
         UPD ACCEPT 3 takes it, UPD REFUSE 3 does not"
    );
    let again = line(Direction::In, What::Asked { bytes_free: 3 << 30, bytes_proven: 5 << 20 });
    assert!(again.contains("72.0 MiB, of which 5.0 MiB are here already, to be"), "{again}");
}

#[test]
fn progress_has_a_bar_the_rate_and_the_time_left() {
    let bar = "[##########----------]  50 %";
    assert_eq!(
        line(Direction::Out, What::Moving(Stage::Moving, pace())),
        format!("UPD 3: {bar} film.mp4 to luke, 36.0 MiB of 72.0 MiB, 11.0 MiB/s, 3 min 20 s left")
    );
    let unknown = Pace { rate: None, left: None, ..pace() };
    assert_eq!(
        line(Direction::Out, What::Moving(Stage::Hashing, unknown)),
        format!("UPD 3: {bar} reading film.mp4 to luke, 36.0 MiB of 72.0 MiB")
    );
    let (stage, route) = (Stage::Moving, Route::Relayed);
    let one = UnderWay { about: about(Direction::In), stage, route, pace: pace() };
    assert_eq!(
        under_way(&one),
        format!(
            "UPD 3: {bar} film.mp4 from luke, 36.0 MiB of 72.0 MiB, 11.0 MiB/s, 3 min 20 s left, through the server"
        )
    );
    assert_eq!(bar_of(0, 0), "[####################] 100 %");
    assert_eq!(bar_of(9, 3), "[####################] 100 %");
    assert_eq!(bar_of(u64::MAX - 1, u64::MAX), "[###################-]  99 %");
}

fn bar_of(bytes_done: u64, bytes_total: u64) -> String {
    bar(&Pace { bytes_done, bytes_total, ..Pace::default() })
}

#[test]
fn the_end_says_how_it_went() {
    let (took, bytes_resumed) = (Duration::from_millis(6400), 8 << 20);
    let done = |path| What::Done(Done { took, bytes_resumed, path });
    assert_eq!(
        line(Direction::Out, done(None)),
        "UPD 3: luke has film.mp4: 72.0 MiB, 8.0 MiB of them from before in 6.4 s, 10.0 MiB/s"
    );
    assert!(
        line(Direction::In, done(Some("/tmp/film.mp4".into())))
            .starts_with("UPD 3: /tmp/film.mp4 from luke is here: ")
    );
    let over = |ending, why: &str| What::Over(Over { ending, why: why.to_owned() });
    for (direction, what, told) in [
        (Direction::Out, over(Ending::Refused, ""), "film.mp4 to luke was not taken"),
        (Direction::Out, over(Ending::Refused, "no"), "film.mp4 to luke was not taken: no"),
        (Direction::In, over(Ending::Refused, ""), "film.mp4 from luke is refused"),
        (Direction::In, over(Ending::Cancelled, ""), "film.mp4 from luke is cancelled"),
        (Direction::Out, over(Ending::CancelledThere, ""), "film.mp4 to luke was cancelled by luke"),
        (Direction::In, over(Ending::CancelledThere, "x"), "film.mp4 from luke was ended: x"),
        (Direction::In, over(Ending::Failed, "y"), "film.mp4 from luke failed: y"),
    ] {
        assert_eq!(line(direction, what), format!("UPD 3: {told}"));
    }
    assert_eq!(
        unfinished(&about(Direction::In)),
        "UPD 3: film.mp4 from luke is not finished; sent again, it goes on where it stopped"
    );
}

#[test]
fn durations_are_in_the_units_of_people() {
    for (seconds, told) in [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (7500, "2 h 5 min")] {
        assert_eq!(duration(Duration::from_secs(seconds)), told);
    }
}
