//! Clients of one connection: every line that they are sent is held against the protocol.

use core::net::IpAddr;
use core::num::NonZeroU16;
use core::time::Duration;
use std::collections::VecDeque;

use toom_core::{IdempotencyKey, Mono};

use super::accounts::User;
use super::common::Common;
use super::network::{CableId, Got};
use super::reading::Reading;
use super::report::{Broken, Kept, broken, demand};
use super::talk::{self, Wanted};
use super::view::View;
use crate::client::{Answer, Dialogue, Event};
use crate::protocol::{ByeCode, Command, Failure, Hello, Live, Push};

mod files;

use files::Files;
pub(super) use files::{Asked, PIECE_BYTES_MAX};

/// How many requests may be without an answer.
const PENDING_MAX: usize = 12;

/// How long it waits after a login that was refused, or a connection that was ended before it.
const PAUSE: Duration = Duration::from_secs(1);

/// When the faults have ended for so long, nothing that somebody sent is still on its way.
const SETTLED: Duration = Duration::from_secs(15);

/// A client that has one connection, and sometimes another one afterwards.
pub(super) struct Talker {
    name: String,
    user: User,
    ip: IpAddr,
    live: Live,
    /// Where it takes files, if it does.
    udp: Option<NonZeroU16>,
    files: Files,
    dialogue: Dialogue,
    cable: Option<CableId>,
    view: Option<View>,
    /// What was asked, in order.
    asked: VecDeque<(Command, Wanted)>,
    /// Posts with keys of which nobody knows what has become.
    unknown: Vec<(Command, Wanted)>,
    said: u64,
    pub(super) asleep_until: Mono,
    /// It does not connect before.
    retry_at: Mono,
}

impl Talker {
    pub(super) fn new(number: usize, user: User, ip: IpAddr, live: Live) -> Self {
        let udp = u16::try_from(number + 2000).ok().and_then(NonZeroU16::new).filter(|_| live == Live::On);
        Self {
            name: format!("t{number}"),
            files: Files::new(user.name.clone(), ip, udp.map(NonZeroU16::get)),
            udp,
            user,
            ip,
            live,
            dialogue: Dialogue::new(),
            cable: None,
            view: None,
            asked: VecDeque::new(),
            unknown: Vec::new(),
            said: 0,
            asleep_until: Mono::ZERO,
            retry_at: Mono::ZERO,
        }
    }

    /// Connects, if it has no connection, and logs in.
    pub(super) fn connect(&mut self, common: &mut Common) {
        if self.cable.is_some() || self.retry_at > common.clock.mono() {
            return;
        }
        common.counts.connections += 1;
        common.log.note(format_args!("{} connects", self.name));
        self.cable = Some(common.network.borrow_mut().connect(self.ip));
        self.dialogue = Dialogue::new();
        let hello =
            Hello { live: self.live, udp: self.udp.filter(|_| common.weather.has_files), ..Hello::default() };
        self.ask((Command::Hello(hello), Wanted::Other));
        let login = Command::Login { user: self.user.name.clone(), password: User::password() };
        self.ask((login, Wanted::Login));
    }

    fn ask(&mut self, (command, wanted): (Command, Wanted)) {
        if self.dialogue.request(command.clone()).is_ok() {
            self.asked.push_back((command, wanted));
        }
    }

    /// Moves bytes, and takes what came; whether anything moved.
    pub(super) fn poll(&mut self, common: &mut Common) -> Kept<bool> {
        let Some(cable) = self.cable else { return Ok(false) };
        let mut network = common.network.borrow_mut();
        let written = network.write(cable, self.dialogue.unsent());
        self.dialogue.advance(written);
        if self.asleep_until > common.clock.mono() {
            return Ok(written > 0);
        }
        let most = common.chance.between(1, 2000);
        let got = network.read(cable, most);
        drop(network);
        match got {
            Got::Nothing => return Ok(written > 0),
            Got::End | Got::Failed => self.lose(common),
            Got::Bytes(read) => {
                common.counts.bytes_to_peers += read.len() as u64;
                common.log.bytes(&read);
                self.dialogue.receive(&read);
                while let Some(event) = self.dialogue.next_event().map_err(|violation| {
                    Broken(format!("the server keeps to the protocol: {} hears of {violation}", self.name))
                })? {
                    self.take(event, common)?;
                }
            }
        }
        Ok(true)
    }

    /// The connection is lost. What was posted with a key is posted again later.
    pub(super) fn lose(&mut self, common: &mut Common) {
        common.log.note(format_args!("{} loses its connection", self.name));
        if let Some(cable) = self.cable.take() {
            common.network.borrow_mut().peer_closes(cable);
        }
        if self.view.take().is_none() && common.calm_since.is_some() {
            // Who may connect so often only, and never waits, would never get in.
            self.retry_at = self.retry_at.max(common.clock.mono().after(PAUSE));
        }
        self.files.clear(common);
        let asked = core::mem::take(&mut self.asked);
        self.unknown.extend(asked.into_iter().filter(|(command, _)| command.key().is_some()));
    }

    fn take(&mut self, event: Event, common: &mut Common) -> Kept {
        match event {
            Event::Greeting(_) => Ok(()),
            Event::Answered { result, .. } => {
                let Some((command, wanted)) = self.asked.pop_front() else {
                    return broken("nothing is answered that was not asked");
                };
                self.take_answer(command, wanted, result, common)
            }
            Event::Push(push) => self.take_push(push, common),
        }
    }

    fn take_push(&mut self, push: Push, common: &mut Common) -> Kept {
        if let Push::Bye { code, .. } = &push {
            common.log.note(format_args!("{} is said goodbye: {code:?}", self.name));
            let calm = common.calm_since.is_some_and(|since| since.after(SETTLED) < common.clock.mono());
            let answer = self.asked.front().map(|(_, wanted)| format!("for the answer to {wanted:?}"));
            let waits = answer.or_else(|| self.files.left_alone(common));
            return demand(waits.is_none() || !calm || *code != ByeCode::Idle, || {
                format!("everything comes to rest: {} is thought idle, and waits {waits:?}", self.name)
            });
        }
        let Some(view) = &mut self.view else { return broken("nothing is shown before the login") };
        match push {
            Push::Message(line) => {
                common.counts.messages_shown += 1;
                common
                    .log
                    .note(format_args!("{} is shown {:?} #{}", self.name, line.conversation, line.number));
                view.show(&line, &common.truth)
            }
            Push::Lag { conversation, first, last } => {
                common.counts.lags += 1;
                common.log.note(format_args!("{} lags: {conversation:?} #{first} to #{last}", self.name));
                view.leave_out(conversation, first.get(), last.get(), &common.truth)
            }
            Push::Room { room, members } => talk::shows_room(room, &members, view.who(), &common.truth),
            Push::Transfer(push) => {
                common.log.note(format_args!("{} hears {push:?}", self.name));
                self.files.take(&push, common)
            }
            other @ Push::Bye { .. } => broken(format!("it was dealt with: {other:?}")),
        }
    }

    fn take_answer(
        &mut self,
        command: Command,
        wanted: Wanted,
        result: Result<Answer, Failure>,
        common: &mut Common,
    ) -> Kept {
        common.counts.answers += 1;
        if let Wanted::File(asked) = &wanted {
            common.log.note(format_args!("{} has an answer to {asked:?}: {result:?}", self.name));
            return self.files.answered(asked, &result, common.clock.mono());
        }
        let answer = match result {
            Ok(answer) => answer,
            Err(failure) => {
                common.counts.refusals += 1;
                common.log.note(format_args!("{} is refused {wanted:?}: {failure}", self.name));
                talk::refused(&wanted, &failure, &self.user, &common.truth)?;
                if wanted == Wanted::Login {
                    self.retry_at = common.clock.mono().after(PAUSE);
                    self.lose(common);
                } else if failure.code == crate::protocol::Code::Unavailable && command.key().is_some() {
                    self.unknown.push((command, wanted));
                }
                return Ok(());
            }
        };
        let logs_in = wanted == Wanted::Login;
        let who = (self.name.as_str(), self.said, &self.user, &mut self.view);
        if let Some((reading, next)) = talk::heard(who, wanted, answer, common)? {
            self.request(next.into_command(), Some(reading), common);
        }
        if logs_in {
            self.repeat(common);
        }
        Ok(())
    }

    /// Makes the posts again of which nobody knows what has become.
    fn repeat(&mut self, common: &mut Common) {
        for (command, wanted) in core::mem::take(&mut self.unknown) {
            common.counts.posts_repeated += 1;
            common.log.note(format_args!("{} asks again for {wanted:?}", self.name));
            if let (Some(view), Command::Broadcast { body, .. } | Command::PostRoom { body, .. }) =
                (&mut self.view, &command)
            {
                view.say_again(body.as_str());
            }
            self.ask((command, wanted));
        }
    }

    /// Makes some request, or connects.
    pub(super) fn act(&mut self, users: &[User], common: &mut Common) {
        if self.view.is_none() {
            return self.connect(common);
        }
        if self.asked.len() >= PENDING_MAX {
            return;
        }
        if !self.unknown.is_empty() && common.chance.permille(200) {
            return self.repeat(common);
        }
        if common.chance.permille(8) {
            common.log.note(format_args!("{} leaves", self.name));
            return self.ask((Command::Logout, Wanted::Other));
        }
        if common.weather.has_files && self.live == Live::On && common.chance.permille(600) {
            for _ in 0..common.chance.between(1, PENDING_MAX - self.asked.len()) {
                let asked = self.files.draw(users, common);
                self.ask_for_file(asked, common);
            }
            return;
        }
        self.said += 1;
        let text = format!("{}-{}", self.name, self.said);
        let mut command = talk::draw(&text, &self.user, users, common);
        if common.chance.permille(600)
            && let Command::Broadcast { key, .. } | Command::PostRoom { key, .. } = &mut command
        {
            *key = IdempotencyKey::parse(&text).ok();
        }
        self.request(command, None, common);
    }

    fn ask_for_file(&mut self, asked: Option<Asked>, common: &mut Common) {
        if let Some(asked) = asked {
            common.log.note(format_args!("{} asks for {asked:?}", self.name));
            self.ask((Command::Transfer(asked.request.clone()), Wanted::File(Box::new(asked))));
        }
    }

    /// Ends what would last for ever, when the faults are over.
    pub(super) fn settle(&mut self, common: &mut Common) -> bool {
        let asked = self.files.settle(common);
        let settles = asked.is_some();
        self.ask_for_file(asked, common);
        settles
    }

    fn request(&mut self, command: Command, goes_on: Option<Reading>, common: &mut Common) {
        let wanted = talk::wanted(&command, goes_on, &self.user, common);
        common.log.note(format_args!("{} asks for {wanted:?}", self.name));
        self.ask((command, wanted));
    }

    /// What it still waits for, if it waits for anything.
    pub(super) fn waits_for(&self, common: &Common) -> Option<String> {
        if let Some((_, wanted)) = self.asked.front().or(self.unknown.first()) {
            return Some(format!("{} for the answer to {wanted:?}", self.name));
        }
        if let Some(transfer) = self.files.waits_for() {
            return Some(format!("{} {transfer}", self.name));
        }
        let view = self.view.as_ref().filter(|_| self.live == Live::On)?;
        let (place, number) = view.missing(&common.truth)?;
        Some(format!("{} to be shown {place:?} #{number}", self.name))
    }

    /// When it connects again, because it does not know what has become of its posts.
    pub(super) fn next_deadline(&self) -> Option<Mono> {
        (self.cable.is_none() && !self.unknown.is_empty()).then_some(self.retry_at)
    }
}
