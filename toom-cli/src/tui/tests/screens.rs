//! What is on the screen, and why.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyModifiers};
use toom_core::Conversation;
use toom_net::client::{Away, Pushed};

use super::{Desk, message, room};
use crate::files::{About, Direction, News, Pace, Route, Stage, UnderWay, What};
use crate::paint::Color;
use crate::tui::model::{Ended, Event, Request};

const EVERYONE: Conversation = Conversation::Broadcast;

/// A desk on which something was said, in two conversations.
fn lively(width: u16, height: u16, color: Color) -> Desk {
    let mut desk = Desk::with(width, height, color, 3);
    desk.enter_room(1, &["luke", "obiwan", "yoda"]);
    desk.hear(room(1), 1, "luke", "this way");
    desk.hear(room(1), 2, "yoda", "Come you must.");
    desk.hear(EVERYONE, 4, "hans", "obiwan: where are you?");
    desk.enter("here I am");
    desk.write("half a line");
    desk
}

fn away() -> Pushed {
    Pushed::Away(Away { bye: None, why: "the connection was lost".into(), pause: Duration::from_secs(4) })
}

#[test]
fn conversations_messages_and_users_stand_side_by_side_on_80_columns() {
    lively(80, 24, Color::Without).expect("80x24");
}

#[test]
fn a_wide_screen_gives_the_messages_the_room() {
    lively(120, 40, Color::Without).expect("120x40");
}

#[test]
fn a_narrow_screen_shows_the_messages_alone_and_one_between_the_conversations_too() {
    lively(40, 12, Color::Without).expect("40x12");
    lively(60, 12, Color::Without).expect("60x12");
    lively(20, 4, Color::Without).expect("20x4");
}

#[test]
fn colors_change_no_character_and_without_them_no_cell_has_a_style() {
    let mut colored = lively(80, 24, Color::With);
    let mut plain = lively(80, 24, Color::Without);
    assert_eq!(colored.screen(), plain.screen());
    let default = ratatui::buffer::Cell::default().style();
    let styled = |desk: &Desk| {
        desk.terminal.backend().buffer().content().iter().filter(|cell| cell.style() != default).count()
    };
    assert!(styled(&colored) > 0);
    assert_eq!(styled(&plain), 0);
}

#[test]
fn long_names_are_cut_and_push_nothing_out_of_its_place() {
    let mut desk = Desk::new(80, 14);
    let long = "a-very-long-name-that-someone-ha";
    desk.enter_room(12, &[long, "obiwan"]);
    desk.hear(EVERYONE, 1, long, "hello");
    desk.hear(room(12), 1, long, "hello");
    desk.expect("long_names");
}

#[test]
fn wide_characters_and_marks_keep_the_columns_straight() {
    let mut desk = Desk::new(60, 12);
    desk.hear(EVERYONE, 1, "漢字", "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字");
    desk.hear(EVERYONE, 2, "luke", "cafe\u{301} e\u{301}\u{302}\u{303} \u{301} 👍🏽 ❤\u{fe0f} 🇩🇪");
    desk.hear(EVERYONE, 3, "luke", "two\nlines");
    desk.write("漢字 e\u{301}");
    desk.expect("wide_characters");
}

#[test]
fn scrolling_up_pages_the_history_in_and_what_comes_meanwhile_is_counted_below() {
    let mut desk = Desk::with(80, 14, Color::Without, 300);
    desk.expect("scrolled_0");
    for _ in 0..10 {
        desk.press(KeyCode::PageUp);
    }
    desk.hear(EVERYONE, 301, "luke", "something new");
    desk.expect("scrolled_10");
    for _ in 0..100 {
        desk.press(KeyCode::PageUp);
    }
    assert!(desk.screen().contains("message number 1\n") || desk.screen().contains("message number 1 "));
    desk.press_with(KeyCode::Down, KeyModifiers::SHIFT);
    desk.expect("scrolled_to_the_beginning");
    desk.press(KeyCode::Esc);
    assert!(desk.screen().contains("something new"));
    assert!(!desk.screen().contains("new below"));
}

#[test]
fn a_page_down_undoes_a_page_up() {
    let mut desk = Desk::with(80, 14, Color::Without, 300);
    let mut screens = vec![desk.screen()];
    for _ in 0..20 {
        desk.press(KeyCode::PageUp);
        screens.push(desk.screen());
    }
    screens.dedup();
    assert!(screens.len() > 20);
    for screen in screens.iter().rev().skip(1) {
        desk.press(KeyCode::PageDown);
        assert_eq!(desk.screen().lines().nth(3), screen.lines().nth(3));
    }
}

#[test]
fn what_is_unread_is_counted_until_it_is_shown() {
    let mut desk = lively(80, 24, Color::Without);
    assert!(desk.screen().contains(" room-1: luke, 2│") || desk.screen().contains("2│"));
    desk.press_with(KeyCode::Char('a'), KeyModifiers::ALT);
    desk.expect("room");
    desk.press_with(KeyCode::Up, KeyModifiers::ALT);
    assert!(desk.screen().starts_with("everyone"));
    assert!(!desk.screen().contains("2│"));
}

#[test]
fn without_a_connection_it_is_said_and_what_is_not_sent_is_marked_until_it_is() {
    let mut desk = Desk::new(80, 12);
    desk.hear(EVERYONE, 1, "luke", "hello");
    desk.take(super::Event::Pushed(away()));
    desk.enter("are you there?");
    desk.enter("SRM x");
    desk.expect("reconnecting");
    desk.enter("OUT");
    let unsent = vec!["BCM are you there?".to_owned()];
    assert_eq!(desk.model.ended(), Some(&Ended::Left(unsent)));
}

#[test]
fn pasted_lines_are_asked_about_and_one_message() {
    let mut desk = Desk::new(60, 12);
    desk.take(super::Event::Pasted("one\r\ntwo\rthree".to_owned()));
    desk.press(KeyCode::Enter);
    assert_eq!(desk.asked, [Request::Remember("one\ntwo\nthree".to_owned())]);
    desk.expect("pasted");
    desk.enter("y");
    assert_eq!(desk.asked.last(), Some(&Request::CarryOut("BCM one\ntwo\nthree".to_owned())));
    desk.expect("pasted_and_sent");
}

#[test]
fn commands_are_those_in_capitals_or_behind_a_slash_and_the_rest_is_posted_where_one_is() {
    let mut desk = Desk::new(60, 12);
    desk.enter_room(3, &["luke", "obiwan"]);
    desk.enter("out with it");
    desk.press_with(KeyCode::Down, KeyModifiers::ALT);
    for line in ["hello", "RDM b 10m"] {
        desk.enter(line);
    }
    let carried: Vec<_> =
        desk.asked.iter().filter(|request| matches!(request, Request::CarryOut(_))).collect();
    let expected = ["BCM out with it", "SRM 3 hello", "RDM b 10m"];
    assert_eq!(carried, expected.map(|line| Request::CarryOut(line.to_owned())).iter().collect::<Vec<_>>());
}

#[test]
fn commands_and_names_are_completed_and_several_are_listed() {
    let mut desk = Desk::new(60, 12);
    desk.write("/sr");
    desk.press(KeyCode::Tab);
    assert!(desk.screen().contains("\nSRB  SRM\neveryone> /sr\n"), "{}", desk.screen());
    desk.write("B h");
    desk.press(KeyCode::Tab);
    assert!(desk.screen().ends_with("everyone> /srB hans\n"), "{}", desk.screen());
    desk.press_with(KeyCode::Char('u'), KeyModifiers::CONTROL);
    desk.write("hi l");
    desk.press(KeyCode::Tab);
    assert!(desk.screen().ends_with("everyone> hi luke\n"), "{}", desk.screen());
}

#[test]
fn ctrl_c_throws_away_the_line_and_then_leaves() {
    let mut desk = Desk::new(60, 12);
    desk.write("never said");
    desk.press_with(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(desk.screen().ends_with("everyone>\n") && desk.asked.is_empty());
    desk.press_with(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(desk.asked, [Request::CarryOut("OUT".to_owned())]);
}

#[test]
fn files_under_way_stand_above_the_line_that_is_typed() {
    let mut desk = Desk::new(80, 14);
    let file = |number, name: &str, direction, stage, pace| UnderWay {
        about: About { number, direction, user: "luke".to_owned(), name: name.to_owned(), bytes: 2048 },
        stage,
        route: Route::Direct,
        pace,
    };
    let (rate, left) = (Some(512), Some(Duration::from_secs(3)));
    let pace = Pace { bytes_done: 512, bytes_total: 2048, rate, left };
    desk.model.set_transfers(vec![
        file(1, "luke_plans.pdf", Direction::In, Stage::Moving, pace),
        file(2, "\u{202e}gpj.exe", Direction::Out, Stage::Offered, Pace::default()),
        file(3, "luke_map", Direction::In, Stage::Asked, Pace::default()),
        file(4, "hologram", Direction::Out, Stage::Moving, Pace { rate: None, left: None, ..pace }),
    ]);
    desk.expect("transfers");
}

#[test]
fn the_bell_rings_for_the_offer_of_a_file_and_for_a_message_that_names_the_user() {
    let mut desk = Desk::new(80, 24);
    let mut rings = |event: Event| {
        desk.take(event);
        std::mem::take(&mut desk.asked).contains(&Request::Ring)
    };
    let (user, name) = ("luke".to_owned(), "plans.pdf".to_owned());
    let about = About { number: 1, direction: Direction::In, user, name, bytes: 2048 };
    let news = |what| Event::News(News { about: about.clone(), what });
    assert!(rings(news(What::Asked { bytes_free: 4096, bytes_proven: 0 })));
    assert!(!rings(news(What::Relayed)));
    let said = |number, text| Event::Pushed(Pushed::Message(message(EVERYONE, number, "luke", text)));
    assert!(rings(said(1, "obiwan, look")));
    assert!(!rings(said(2, "look")));
}

#[test]
fn another_size_shows_the_same_as_if_it_had_been_so_from_the_beginning() {
    let mut desk = lively(80, 24, Color::Without);
    for (width, height) in [(40, 12), (1, 1), (120, 40), (80, 24)] {
        desk.resize(width, height);
        assert_eq!(desk.screen(), lively(width, height, Color::Without).screen());
    }
}

#[test]
fn a_long_line_shows_the_part_where_the_cursor_is() {
    let mut desk = Desk::new(40, 6);
    desk.write("the quick brown fox jumps over the lazy dog and on");
    assert!(desk.screen().ends_with("everyone> umps over the lazy dog and on\n"), "{}", desk.screen());
    desk.press(KeyCode::Home);
    assert!(desk.screen().ends_with("everyone> the quick brown fox jumps ove…\n"), "{}", desk.screen());
}
