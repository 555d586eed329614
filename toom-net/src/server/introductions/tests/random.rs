//! Many sessions that do anything at all, against a model that is believed at sight.

use super::*;

const SESSIONS: u32 = 6;

/// What one session does, or what time does. Which transfer is meant is one of those that there were.
#[derive(Clone, Debug)]
enum Act {
    Offer(u32, Vec<u32>),
    Accept(u32, usize),
    Refuse(u32, usize),
    Cancel(u32, usize),
    Done(u32, usize),
    Relay(u32, usize),
    More(u32, usize, u8),
    Data(u32, usize, u64),
    Gone(u32),
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let who = || 0..SESSIONS;
    let which = || 0..8_usize;
    prop_oneof![
        4 => (who(), prop::collection::vec(who(), 0..4)).prop_map(|(from, asked)| Act::Offer(from, asked)),
        6 => (who(), which()).prop_map(|(by, id)| Act::Accept(by, id)),
        1 => (who(), which()).prop_map(|(by, id)| Act::Refuse(by, id)),
        1 => (who(), which()).prop_map(|(by, id)| Act::Cancel(by, id)),
        2 => (who(), which()).prop_map(|(by, id)| Act::Done(by, id)),
        4 => (who(), which()).prop_map(|(by, id)| Act::Relay(by, id)),
        4 => (who(), which(), 1..=16_u8).prop_map(|(by, id, pieces)| Act::More(by, id, pieces)),
        6 => (who(), which(), 1..4_u64).prop_map(|(by, id, number)| Act::Data(by, id, number)),
        1 => who().prop_map(Act::Gone),
        1 => (1..200_u64).prop_map(Act::Wait),
    ]
}

/// What a session may be to a transfer, as those see it who were told.
#[derive(Clone, Debug, Default)]
struct Seen {
    sender: u32,
    /// Everyone who was told of it, and has not heard of its end.
    open: BTreeSet<u32>,
    accepted_by: Option<u32>,
    relayed: bool,
    /// Pieces that each side may still send: the sender, the receiver.
    leave: [u8; 2],
}

#[derive(Default)]
struct Model {
    seen: BTreeMap<TransferId, Seen>,
    ids: Vec<TransferId>,
}

impl Model {
    fn id(&self, which: usize) -> TransferId {
        let recent = self.ids.len().saturating_sub(8);
        self.ids.get(recent + which).copied().unwrap_or(TransferId::new(9999).unwrap())
    }

    /// `by` ended it, as it knows from the answer.
    fn ended_by(&mut self, id: TransferId, by: u32) {
        let seen = self.seen.get_mut(&id).unwrap();
        assert!(seen.open.remove(&by), "{by} ended {id}, of which it did not know");
    }

    /// Looks at what is told: each only to whom it concerns, an address only after a yes, an end once.
    fn tell(&mut self, tell: &Tell, yes: Option<u32>) {
        let id = tell.push.id();
        let seen = self.seen.get_mut(&id).unwrap();
        for to in &tell.to {
            let to = u32::try_from(to.slot()).unwrap();
            assert!(seen.open.contains(&to), "{to} is told of {id}: {:?}", tell.push);
            match &tell.push {
                TransferPush::Offer { .. } => assert_ne!(to, seen.sender),
                TransferPush::Accept { .. } => {
                    assert!(yes.is_some() && to == seen.sender, "an address is shown without a yes");
                }
                TransferPush::Relay { .. } => assert_eq!(Some(to), seen.accepted_by),
                TransferPush::More { .. } | TransferPush::Data { .. } => {
                    assert!(seen.relayed && (to == seen.sender || Some(to) == seen.accepted_by));
                }
                TransferPush::End { .. } => assert!(seen.open.remove(&to)),
            }
        }
    }

    fn check(&self, desk: &Desk) {
        for (id, seen) in &self.seen {
            let open: BTreeSet<_> = seen.open.iter().map(|number| session(*number)).collect();
            let known = desk.all.transfers.get(id).map(|transfer| {
                let mut all = transfer.others(transfer.sender.session);
                all.push(transfer.sender.session);
                all.into_iter().collect::<BTreeSet<_>>()
            });
            assert_eq!(known.unwrap_or_default(), open, "{id} ends for all at once");
            assert!(seen.leave.iter().all(|leave| *leave <= Leave::MAX));
        }
        let most = SESSIONS as usize * desk.limits.transfers_per_session_max;
        assert!(desk.all.transfers.len() <= most && desk.all.deadlines.len() <= most);
        assert!(desk.all.of.values().all(|ids| !ids.is_empty() && ids.len() <= most));
        let relays = desk.all.transfers.values().filter(|one| matches!(one.stage, Stage::Relayed(..)));
        assert_eq!(relays.count(), desk.all.relays);
        assert!(desk.all.relays <= desk.limits.relays_max);
    }
}

/// Does `act`, and tells the model what came of it.
fn run(desk: &mut Desk, model: &mut Model, act: &Act, now: &mut Mono) {
    let end = |model: &mut Model, by: u32, id, result: Result<Tell, Refused>| {
        if let Ok(tell) = result {
            model.ended_by(id, by);
            model.tell(&tell, None);
        }
    };
    match act {
        Act::Offer(from, asked) => offer(desk, model, *from, asked, *now),
        Act::Accept(by, which) => {
            let id = model.id(*which);
            let Ok(tells) = desk.accept(id, *by) else { return };
            let seen = model.seen.get_mut(&id).unwrap();
            assert!(seen.accepted_by.replace(*by).is_none() && *by != seen.sender && seen.open.contains(by));
            for tell in &tells {
                model.tell(tell, Some(*by));
            }
        }
        Act::Refuse(by, which) => {
            let id = model.id(*which);
            let result = desk.all.refuse(id, session(*by), "");
            assert!(result.is_err() || model.seen[&id].accepted_by.is_none());
            end(model, *by, id, result);
        }
        Act::Cancel(by, which) => {
            let id = model.id(*which);
            let knows = model.seen.get(&id).is_some_and(|seen| seen.open.contains(by));
            let result = desk.all.cancel(id, session(*by));
            assert_eq!(result.is_ok(), knows, "who knows of it may end it, and nobody else");
            end(model, *by, id, result);
        }
        Act::Done(by, which) => {
            let id = model.id(*which);
            let result = desk.all.done(id, session(*by));
            assert!(result.is_err() || model.seen[&id].accepted_by == Some(*by));
            end(model, *by, id, result);
        }
        Act::Relay(by, which) => {
            let id = model.id(*which);
            let Ok(tell) = desk.all.relay(id, session(*by), &desk.limits, *now) else { return };
            let seen = model.seen.get_mut(&id).unwrap();
            assert!(seen.sender == *by && seen.accepted_by.is_some() && !seen.relayed);
            seen.relayed = true;
            model.tell(&tell, None);
        }
        Act::More(by, which, pieces) => {
            let id = model.id(*which);
            let Ok(tell) = desk.all.more(id, session(*by), leave(*pieces)) else { return };
            let seen = model.seen.get_mut(&id).unwrap();
            seen.leave[usize::from(*by == seen.sender)] += pieces;
            model.tell(&tell, None);
        }
        Act::Data(by, which, number) => {
            let id = model.id(*which);
            let Ok(tell) = desk.data_at(id, *by, (*number, 100), *now) else { return };
            let seen = model.seen.get_mut(&id).unwrap();
            let lane = &mut seen.leave[usize::from(*by != seen.sender)];
            *lane = lane.checked_sub(1).expect("a piece was passed on without leave");
            model.tell(&tell, None);
        }
        Act::Gone(who) => {
            for seen in model.seen.values_mut() {
                seen.open.remove(who);
            }
            desk.all.gone(session(*who)).iter().for_each(|tell| model.tell(tell, None));
        }
        Act::Wait(seconds) => {
            *now = now.after(Duration::from_secs(*seconds));
            desk.all.expire(&desk.limits, *now).iter().for_each(|tell| model.tell(tell, None));
            assert!(desk.all.next_deadline().is_none_or(|deadline| deadline > *now));
        }
    }
}

fn offer(desk: &mut Desk, model: &mut Model, from: u32, asked: &[u32], now: Mono) {
    let asked: BTreeSet<u32> = asked.iter().copied().filter(|other| *other != from).collect();
    let user = NameWord::parse("obiwan").unwrap();
    let sessions = asked.iter().copied().map(session).collect();
    let offered = desk.all.offer(sender(from), user, sessions, file(), &desk.limits, now);
    let Ok((id, tell)) = offered else { return };
    let open = asked.into_iter().chain([from]).collect();
    let before = model.seen.insert(id, Seen { sender: from, open, ..Seen::default() });
    assert!(before.is_none(), "{id} was given twice");
    model.ids.push(id);
    model.tell(&tell, None);
}

proptest! {
    /// It fails if an address is shown before a yes, if a session acts on a transfer that is not its own, if a transfer ends for one side and
    /// not for the other, or twice, or if one that has ended leaves something behind.
    #[test]
    fn whatever_sessions_do_each_transfer_is_between_two_and_ends_once_for_each(
        acts in prop::collection::vec(act(), 0..120),
    ) {
        let limits = ServerLimits {
            transfers_per_session_max: 3,
            relays_max: 2,
            relay_bytes_per_second: 1000,
            ..ServerLimits::default()
        };
        let (mut desk, mut model, mut now) = (Desk::new(limits), Model::default(), NOW);
        for act in &acts {
            run(&mut desk, &mut model, act, &mut now);
            model.check(&desk);
        }
        for who in 0..SESSIONS {
            run(&mut desk, &mut model, &Act::Gone(who), &mut now);
        }
        model.check(&desk);
        prop_assert!(desk.holds_nothing());
        prop_assert!(model.seen.values().all(|seen| seen.open.is_empty()));
    }
}
