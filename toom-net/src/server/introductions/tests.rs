use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::protocol::{ContentHash, FileName, Leave, Piece};
use crate::server::RelayFiles;

mod random;

const NOW: Mono = Mono::ZERO;

fn session(number: u32) -> ConnectionId {
    ConnectionId::new(number, 1)
}

fn after(seconds: u64) -> Mono {
    Mono::new(Duration::from_secs(seconds))
}

fn file() -> FileOffer {
    FileOffer {
        bytes: 3,
        hash: ContentHash::new([1; 32]),
        fingerprint: Fingerprint::new([2; 32]),
        name: FileName::parse("film.mp4").unwrap(),
    }
}

fn proof() -> (Fingerprint, TransferTicket) {
    (Fingerprint::new([3; 32]), TransferTicket::new([4; 16]))
}

fn sender(number: u32) -> Sender {
    Sender { session: session(number), ip: [192, 0, 2, 1].into(), reached: [192, 0, 2, 99].into() }
}

fn address() -> SocketAddr {
    "198.51.100.7:2001".parse().unwrap()
}

fn piece(bytes: usize) -> Piece {
    Piece::new(&vec![7; bytes]).unwrap()
}

fn leave(pieces: u8) -> Leave {
    Leave::new(pieces).unwrap()
}

struct Desk {
    all: Introductions,
    limits: ServerLimits,
}

impl Desk {
    fn new(limits: ServerLimits) -> Self {
        Self { all: Introductions::new(TransferId::FIRST), limits }
    }

    fn offer(&mut self, from: u32, asked: &[u32]) -> Result<TransferId, Refused> {
        let asked = asked.iter().copied().map(session).collect();
        let user = NameWord::parse("obiwan").unwrap();
        let offered = self.all.offer(sender(from), user, asked, file(), &self.limits, NOW);
        offered.map(|(id, _)| id)
    }

    fn accept(&mut self, id: TransferId, by: u32) -> Result<Vec<Tell>, Refused> {
        self.all.accept(id, session(by), address(), proof(), &self.limits)
    }

    fn relay(&mut self, id: TransferId, by: u32) -> Result<Tell, Refused> {
        self.all.relay(id, session(by), &self.limits, NOW)
    }

    fn data(&mut self, id: TransferId, by: u32, number: u64, bytes: usize) -> Result<Tell, Refused> {
        self.data_at(id, by, (number, bytes), NOW)
    }

    fn data_at(
        &mut self,
        id: TransferId,
        by: u32,
        (number, bytes): (u64, usize),
        now: Mono,
    ) -> Result<Tell, Refused> {
        self.all.data(id, session(by), (number, piece(bytes)), |_| true, &self.limits, now)
    }

    /// A transfer from session 1 to session 2 that goes through the server.
    fn relayed(&mut self) -> TransferId {
        let id = self.offer(1, &[2]).unwrap();
        self.accept(id, 2).unwrap();
        self.relay(id, 1).unwrap();
        id
    }

    fn holds_nothing(&self) -> bool {
        self.all.transfers.is_empty()
            && self.all.of.is_empty()
            && self.all.deadlines.is_empty()
            && self.all.relays == 0
    }
}

fn told(to: &[u32], push: TransferPush) -> Tell {
    Tell { to: to.iter().copied().map(session).collect(), push }
}

fn ended(to: &[u32], id: TransferId, code: EndCode, text: &str) -> Tell {
    told(to, TransferPush::End { id, code, text: text.into() })
}

#[test]
fn a_file_is_offered_to_all_and_goes_to_the_first_that_says_yes() {
    let mut desk = Desk::new(ServerLimits::default());
    let user = NameWord::parse("obiwan").unwrap();
    let asked = vec![session(2), session(3), session(4)];
    let (id, tell) =
        desk.all.offer(sender(1), user.clone(), asked.clone(), file(), &desk.limits, NOW).unwrap();
    assert_eq!(tell, Tell { to: asked, push: TransferPush::Offer { id, user, file: file() } });
    let (fingerprint, ticket) = proof();
    assert_eq!(
        desk.accept(id, 3).unwrap(),
        [
            told(&[1], TransferPush::Accept { id, address: address(), fingerprint, ticket }),
            ended(&[2, 4], id, EndCode::Taken, "another session of yours said yes"),
        ]
    );
    for late in [2, 4, 5, 1, 3] {
        assert_eq!(desk.accept(id, late), Err(Refused::NoSuchTransfer), "{late}");
    }
    let done = desk.all.done(id, session(3)).unwrap();
    assert_eq!(done, ended(&[1], id, EndCode::Done, "the file has arrived"));
    assert!(desk.holds_nothing());
    assert_eq!((desk.all.metrics().offers, desk.all.metrics().done), (1, 1));
}

#[test]
fn a_no_counts_for_all_sessions_of_the_user() {
    let mut desk = Desk::new(ServerLimits::default());
    let id = desk.offer(1, &[2, 3]).unwrap();
    let refused = desk.all.refuse(id, session(2), "too long").unwrap();
    assert_eq!(refused, ended(&[3, 1], id, EndCode::Refused, "too long"));
    assert!(desk.holds_nothing());
    let id = desk.offer(1, &[2]).unwrap();
    let refused = desk.all.refuse(id, session(2), "").unwrap();
    assert_eq!(refused, ended(&[1], id, EndCode::Refused, "it was not wanted"));
}

#[test]
fn whoever_knows_of_a_transfer_ends_it_however_far_it_is() {
    for by in [1, 2] {
        let text = if by == 1 { "the sender ended it" } else { "the receiver ended it" };
        for stage in 0..3 {
            let mut desk = Desk::new(ServerLimits::default());
            let id = desk.offer(1, &[2]).unwrap();
            if stage > 0 {
                desk.accept(id, 2).unwrap();
            }
            if stage > 1 {
                desk.relay(id, 1).unwrap();
            }
            let told = desk.all.cancel(id, session(by)).unwrap();
            assert_eq!(told, ended(&[3 - by], id, EndCode::Cancelled, text));
            assert_eq!(desk.all.cancel(id, session(by)), Err(Refused::NoSuchTransfer));
            assert!(desk.holds_nothing());
        }
    }
}

#[test]
fn a_transfer_ends_with_the_session_of_either_side_and_an_offer_with_the_last_that_was_asked() {
    let mut desk = Desk::new(ServerLimits::default());
    let gone = |to, id| ended(to, id, EndCode::Gone, "the other session has ended");
    let id = desk.offer(1, &[2, 3]).unwrap();
    assert_eq!(desk.all.gone(session(2)), []);
    assert_eq!(desk.all.gone(session(3)), [gone(&[1], id)]);
    let id = desk.offer(1, &[2, 3]).unwrap();
    assert_eq!(desk.all.gone(session(1)), [gone(&[2, 3], id)]);
    let id = desk.relayed();
    assert_eq!(desk.all.gone(session(2)), [gone(&[1], id)]);
    assert_eq!(desk.all.gone(session(1)), []);
    assert!(desk.holds_nothing());
}

#[test]
fn an_offer_that_nobody_answers_ends_and_one_that_was_answered_does_not() {
    let mut desk = Desk::new(ServerLimits::default());
    let (one, two) = (desk.offer(1, &[2]).unwrap(), desk.offer(1, &[3]).unwrap());
    desk.accept(two, 3).unwrap();
    assert_eq!(desk.all.next_deadline(), Some(after(300)));
    assert_eq!(desk.all.expire(&desk.limits, after(299)), []);
    let timeout = ended(&[2, 1], one, EndCode::Timeout, "nobody answered for too long");
    assert_eq!(desk.all.expire(&desk.limits, after(300)), [timeout]);
    assert_eq!((desk.all.next_deadline(), desk.all.metrics().offers_unanswered), (None, 1));
    assert!(desk.all.done(two, session(3)).is_ok());
    assert!(desk.holds_nothing());
}

#[test]
fn a_relay_that_stands_still_ends_and_any_piece_puts_that_off() {
    let mut desk = Desk::new(ServerLimits::default());
    let id = desk.relayed();
    desk.all.more(id, session(2), leave(16)).unwrap();
    desk.data_at(id, 1, (1, 10), after(59)).unwrap();
    assert_eq!(desk.all.expire(&desk.limits, after(60)), []);
    assert_eq!(desk.all.next_deadline(), Some(after(119)));
    // A piece that is not taken moves nothing, and neither does leave.
    desk.data_at(id, 1, (3, 10), after(100)).unwrap_err();
    desk.all.more(id, session(1), leave(1)).unwrap();
    let still = ended(&[2, 1], id, EndCode::Timeout, "nothing was moved for too long");
    assert_eq!(desk.all.expire(&desk.limits, after(119)), [still]);
    assert_eq!(desk.all.metrics().relays_still, 1);
    assert!(desk.holds_nothing());
}

#[test]
fn who_is_on_the_servers_own_machine_is_where_others_reached_the_server() {
    for (receiver, sender_ip, shown) in [
        ("127.0.0.1", "192.0.2.1", "192.0.2.99"),
        ("::1", "192.0.2.1", "192.0.2.99"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("198.51.100.7", "127.0.0.1", "198.51.100.7"),
        ("198.51.100.7", "192.0.2.1", "198.51.100.7"),
    ] {
        let sender = Sender { ip: sender_ip.parse().unwrap(), ..sender(1) };
        assert_eq!(seen_by(sender, receiver.parse().unwrap()), shown.parse::<IpAddr>().unwrap());
    }
}

#[test]
fn nobody_is_asked_where_nobody_takes_files() {
    let mut desk = Desk::new(ServerLimits::default());
    assert_eq!(desk.offer(1, &[]), Err(Refused::NobodyTakes));
    assert!(desk.holds_nothing());
}

#[test]
fn a_session_has_only_so_many_transfers_and_what_it_is_merely_asked_does_not_count() {
    let mut desk = Desk::new(ServerLimits { transfers_per_session_max: 2, ..ServerLimits::default() });
    let ids: Vec<_> = (10..13).map(|from| desk.offer(from, &[1]).unwrap()).collect();
    desk.offer(1, &[2]).unwrap();
    desk.accept(ids[0], 1).unwrap();
    assert_eq!(desk.offer(1, &[2]), Err(Refused::TooMany));
    assert_eq!(desk.accept(ids[1], 1), Err(Refused::TooMany));
    assert_eq!(desk.all.metrics().refused_session, 2);
    desk.all.done(ids[0], session(1)).unwrap();
    assert!(desk.accept(ids[1], 1).is_ok());
}

#[test]
fn only_so_many_relays_are_open_and_none_where_the_operator_wants_none() {
    let mut desk = Desk::new(ServerLimits { relays_max: 1, ..ServerLimits::default() });
    let first = desk.relayed();
    let second = desk.offer(1, &[2]).unwrap();
    assert_eq!(desk.relay(second, 1), Err(Refused::NoSuchTransfer), "it was not accepted");
    desk.accept(second, 2).unwrap();
    assert_eq!(desk.relay(second, 2), Err(Refused::NoSuchTransfer), "only the sender asks for it");
    assert_eq!(desk.relay(second, 1), Err(Refused::TooManyRelays));
    desk.all.cancel(first, session(1)).unwrap();
    assert_eq!(desk.relay(second, 1), Ok(told(&[2], TransferPush::Relay { id: second })));
    assert_eq!(desk.relay(second, 1), Err(Refused::NoSuchTransfer), "twice");
    assert_eq!((desk.all.metrics().relays, desk.all.metrics().relays_refused), (1, 1));

    let mut desk = Desk::new(ServerLimits { relay_files: RelayFiles::Off, ..ServerLimits::default() });
    let id = desk.offer(1, &[2]).unwrap();
    desk.accept(id, 2).unwrap();
    assert_eq!(desk.relay(id, 1), Err(Refused::RelayOff));
    assert_eq!(desk.all.metrics().relays_off, 1);
}

#[test]
fn pieces_are_passed_on_by_leave_and_in_order() {
    let mut desk = Desk::new(ServerLimits::default());
    let id = desk.relayed();
    assert_eq!(desk.data(id, 1, 1, 10), Err(Refused::NotYet));
    let more = desk.all.more(id, session(2), leave(2)).unwrap();
    assert_eq!(more, told(&[1], TransferPush::More { id, leave: leave(2) }));
    assert_eq!(desk.data(id, 2, 1, 10), Err(Refused::NotYet), "leave is for the other side");
    assert_eq!(desk.data(id, 1, 2, 10), Err(Refused::NotYet), "the first is missing");
    let passed = |number| told(&[2], TransferPush::Data { id, number, piece: piece(10) });
    assert_eq!(desk.data(id, 1, 1, 10), Ok(passed(1)));
    assert_eq!(desk.data(id, 1, 1, 10), Err(Refused::NoSuchTransfer), "twice");
    assert_eq!(desk.data(id, 1, 2, 10), Ok(passed(2)));
    assert_eq!(desk.data(id, 1, 3, 10), Err(Refused::NotYet));
    assert_eq!((desk.all.metrics().relayed_bytes, desk.all.metrics().pieces_early), (20, 4));
}

#[test]
fn leave_is_never_more_than_for_sixteen_pieces() {
    let mut desk = Desk::new(ServerLimits::default());
    let id = desk.relayed();
    desk.all.more(id, session(1), leave(10)).unwrap();
    assert_eq!(desk.all.more(id, session(1), leave(7)), Err(Refused::TooMuchLeave));
    desk.all.more(id, session(1), leave(6)).unwrap();
    assert_eq!(desk.all.more(id, session(1), leave(1)), Err(Refused::TooMuchLeave));
    desk.data(id, 2, 1, 10).unwrap();
    desk.all.more(id, session(1), leave(1)).unwrap();
}

#[test]
fn pieces_that_would_be_too_many_for_a_receiver_are_refused_for_now() {
    let mut desk = Desk::new(ServerLimits::default());
    let id = desk.relayed();
    desk.all.more(id, session(2), leave(1)).unwrap();
    let mut full = |has_room: bool| {
        desk.all.data(id, session(1), (1, piece(1)), |to| has_room && to == session(2), &desk.limits, NOW)
    };
    assert_eq!(full(false), Err(Refused::NotYet));
    assert!(full(true).is_ok());
}

#[test]
fn all_relays_together_move_only_so_much_a_second_and_what_was_refused_may_come_again() {
    let mut desk = Desk::new(ServerLimits { relay_bytes_per_second: 1000, ..ServerLimits::default() });
    let (one, two) = (desk.relayed(), desk.relayed());
    for id in [one, two] {
        desk.all.more(id, session(2), leave(16)).unwrap();
    }
    desk.data(one, 1, 1, 600).unwrap();
    assert_eq!(desk.data(two, 1, 1, 600), Err(Refused::TooFast(Duration::from_millis(200))));
    assert_eq!(desk.data(two, 1, 2, 1), Err(Refused::NotYet), "nothing overtakes what was refused");
    assert!(desk.data_at(two, 1, (1, 600), after(1)).is_ok());
    assert!(desk.data_at(two, 1, (2, 1), after(1)).is_ok());
    assert_eq!((desk.all.metrics().pieces_throttled, desk.all.metrics().relayed_bytes), (1, 1201));
    // A piece larger than the rate passes once the rate has rested.
    assert!(desk.data_at(one, 1, (2, 8000), after(9)).is_ok());
}
