use proptest::prelude::*;
use toom_net::protocol::parse_time;

use super::*;

fn now() -> Timestamp {
    parse_time("2022-08-04T09:02:29Z").unwrap()
}

fn read(line: &str) -> Result<Option<Command>, CommandError> {
    parse(line, &Zone::utc(), now())
}

fn command(line: &str) -> Command {
    read(line).unwrap().unwrap()
}

fn body(text: &str) -> Body {
    Body::parse(text).unwrap()
}

fn room(number: u32) -> RoomId {
    RoomId::new(number).unwrap()
}

fn names(names: &[&str]) -> Vec<UserName> {
    names.iter().map(|name| UserName::parse(name).unwrap()).collect()
}

fn told(line: &str) -> String {
    read(line).unwrap_err().to_string()
}

#[test]
fn every_command_of_the_transcript_is_read() {
    let since = parse_time("2022-08-04T08:51:01Z").unwrap();
    assert_eq!(command("BCM hello"), Command::Broadcast(body("hello")));
    assert_eq!(command("ATU"), Command::ActiveUsers);
    assert_eq!(command("SRB luke"), Command::CreateRoom(names(&["luke"])));
    assert_eq!(
        command("SRM 1 have a nice day"),
        Command::Post { room: room(1), body: body("have a nice day") }
    );
    assert_eq!(command("RDM s 04 Aug 2022 08:51:01"), Command::Read(Reading::Rooms(since.into())));
    let broadcasts = Command::Read(Reading::Conversation {
        conversation: Conversation::Broadcast,
        since: Since::Time(since.into()),
    });
    assert_eq!(command("RDM b 04 Aug 2022 08:51:01"), broadcasts);
    assert_eq!(command("OUT"), Command::Logout);
    assert_eq!(command("HELP"), Command::Help);
}

#[test]
fn commands_are_read_in_either_case() {
    assert_eq!(command("bcm Hello"), Command::Broadcast(body("Hello")));
    assert_eq!(command("  Atu  "), Command::ActiveUsers);
    assert_eq!(command("rdm S 10m"), command("RDM s 10m"));
}

fn of(conversation: Conversation, since: Since) -> Command {
    Command::Read(Reading::Conversation { conversation, since })
}

#[test]
fn a_time_may_stand_in_quotes() {
    assert_eq!(command("RDM 3 \"04 Aug 2022 09:00:00\""), command("RDM 3 04 Aug 2022 09:00:00"));
    assert_eq!(command("RDM b '10m'"), command("RDM b 10m"));
}

#[test]
fn rdm_alone_reads_on() {
    assert_eq!(command("rdm "), Command::ReadOn);
}

#[test]
fn a_room_and_a_number_may_be_read_from() {
    let since = Since::Number(MessageNumber::new(5));
    assert_eq!(command("RDM 7 #5"), of(Conversation::Room(room(7)), since));
    let all = Since::Number(None);
    assert_eq!(command("RDM b #0"), of(Conversation::Broadcast, all));
    let ago = Since::Time(parse_time("2022-08-04T07:02:29Z").unwrap().into());
    assert_eq!(command("RDM 7 2h"), of(Conversation::Room(room(7)), ago));
}

#[test]
fn a_message_is_kept_as_it_was_typed_but_for_tabs() {
    assert_eq!(command("BCM  two  spaces "), Command::Broadcast(body(" two  spaces ")));
    assert_eq!(command("BCM a\tb"), Command::Broadcast(body("a b")));
    assert_eq!(command("BCM\ta"), Command::Broadcast(body("a")));
    assert_eq!(command("BCM one\r\ntwo\n"), Command::Broadcast(body("one\ntwo")));
    assert_eq!(command("SRM  1 a"), Command::Post { room: room(1), body: body("a") });
}

#[test]
fn a_blank_line_asks_for_nothing() {
    for line in ["", " ", "\t", "\n", "\r\n"] {
        assert_eq!(read(line), Ok(None), "{line:?}");
    }
}

#[test]
fn a_wrong_form_is_told_with_the_right_one() {
    for (line, form) in [
        ("BCM", "BCM <text>"),
        ("BCM ", "BCM <text>"),
        ("ATU now", "ATU"),
        ("SRB", "SRB <user> [<user> ...]"),
        ("SRM", "SRM <room> <text>"),
        ("SRM 1", "SRM <room> <text>"),
        ("SRM x hello", "SRM <room> <text>"),
        ("SRM -1 hello", "SRM <room> <text>"),
        ("RDM b", "RDM b|s|<room> <time>"),
        ("RDM x 10m", "RDM b|s|<room> <time>"),
        ("OUT now", "OUT"),
        ("HELP me", "HELP"),
    ] {
        assert_eq!(told(line), format!("the form is {form}"), "{line:?}");
    }
}

#[test]
fn a_wrong_time_is_told_with_the_right_ones() {
    for line in ["RDM b tomorrow", "RDM s #5", "RDM 1 #x", "RDM b 10m 2", "RDM b #18446744073709551616"] {
        assert_eq!(
            told(line),
            "a time is written as 04 Aug 2022 09:02:29, 2022-08-04T09:02:29Z, today, yesterday, or 10m or 2h for \
             that long ago; the form is RDM b|s|<room> <time>",
            "{line:?}"
        );
    }
}

#[test]
fn other_refusals_say_what_is_wrong() {
    assert_eq!(told("hello"), "no such command; the commands are BCM, ATU, SRB, SRM, RDM, UPD, OUT and HELP");
    assert_eq!(told("BCMhello"), told("hello"));
    assert_eq!(told("UPD luke"), format!("the form is {FILES_FORM}"));
    assert_eq!(told("upd cancel "), told("UPD luke"));
    assert_eq!(told("UPD \u{202e} x"), "there is no user \u{202e}");
    assert_eq!(told("SRM 0 hello"), "no such room, or you are not in it");
    assert_eq!(told("SRM 99999999999 hello"), told("SRM 0 hello"));
    assert_eq!(told("SRB luke \u{202e}"), "there is no user \u{202e}");
    assert_eq!(told("BCM   "), "the message is empty");
    assert_eq!(told("BCM a\u{1b}"), "the message holds the control character U+001B");
    assert_eq!(told(&format!("BCM {}", "x".repeat(8193))), "the message is 8193 bytes, the limit is 8192");
}

#[test]
fn help_lists_every_command_and_shows_its_form() {
    let help = HELP.join("\n");
    for form in [
        BROADCAST_FORM,
        ACTIVE_USERS_FORM,
        CREATE_ROOM_FORM,
        POST_FORM,
        READ_FORM,
        LOGOUT_FORM,
        HELP_FORM,
        "UPD <user> <file>",
        "UPD",
        "UPD ACCEPT <number>, UPD REFUSE <number>",
        "UPD CANCEL <number>",
    ] {
        assert!(help.contains(&format!("{form}:")), "{form}");
    }
}

#[test]
fn a_file_is_sent_offered_ones_are_answered_and_the_rest_of_the_line_is_its_path() {
    let send = |user: &str, path: &str| {
        let user = UserName::parse(user).unwrap();
        Command::Files(FilesCommand::Send { user, path: path.to_owned() })
    };
    assert_eq!(command("UPD luke a film.mp4 "), send("luke", "a film.mp4"));
    assert_eq!(command("upd luke  ~/x"), send("luke", "~/x"));
    assert_eq!(command("UPD"), Command::Files(FilesCommand::List));
    assert_eq!(command("UPD accept 3"), Command::Files(FilesCommand::Answer(3, Answer::Yes)));
    assert_eq!(command("UPD REFUSE 3"), Command::Files(FilesCommand::Answer(3, Answer::No)));
    assert_eq!(command("UPD Cancel  12"), Command::Files(FilesCommand::Cancel(12)));
    // A user may have such a name, and no file that is a number but by `./3`.
    assert_eq!(command("UPD cancel ./3"), send("cancel", "./3"));
    assert_eq!(command("UPD cancel 99999999999"), send("cancel", "99999999999"));
}

proptest! {
    #[test]
    fn no_line_panics(line in any::<String>(), verb in "(BCM|SRB|SRM|UPD|UPD luke|UPD CANCEL|RDM|rdm b|RDM s|RDM 1|OUT)? ?") {
        let _ = read(&line);
        let _ = read(&format!("{verb}{line}"));
    }

    #[test]
    fn every_message_without_control_characters_is_posted_as_typed(text in "[^\\p{Cc}]{0,40}[^\\p{Cc}\\s]") {
        prop_assert_eq!(command(&format!("BCM {text}")), Command::Broadcast(body(&text)));
        prop_assert_eq!(command(&format!("srm 3 {text}")), Command::Post { room: room(3), body: body(&text) });
    }
}
