//! Everything together, and what happens next.

use std::cell::RefCell;
use std::rc::Rc;

use super::Options;
use super::accounts::{User, users};
use super::calm;
use super::chance::Chance;
use super::common::{Clock, Common, STRANGE, address};
use super::faults;
use super::host::Host;
use super::log::Log;
use super::network::Network;
use super::report::{Counts, Failure, Kept, Report};
use super::talker::Talker;
use super::truth::Truth;
use super::vandal::Vandal;
use super::visitor::Visitor;
use super::weather::Weather;
use crate::protocol::Live;

/// A server, all who talk to it, and what lies between.
pub(super) struct World {
    seed: u64,
    options: Options,
    pub(super) common: Common,
    pub(super) host: Host,
    pub(super) users: Vec<User>,
    pub(super) visitors: Vec<Visitor>,
    pub(super) visitors_come: u64,
    pub(super) talkers: Vec<Talker>,
    pub(super) vandals: Vec<Vandal>,
}

/// What can be done in a step, and how often it is.
const WEIGHTS: [usize; 8] = [24, 14, 10, 4, 6, 3, 30, 16];

impl World {
    pub(super) fn new(seed: u64, options: Options) -> Self {
        let mut chance = Chance::new(seed);
        let weather = Weather::draw(seed, &mut chance);
        let users = users(weather.users);
        let network = Network::new(weather.window);
        let user = |number: usize| users.get(number % users.len()).cloned();
        let talker = |number: usize| {
            let live = if number % 4 == 3 { Live::Off } else { Live::On };
            Some(Talker::new(number, user(number)?, address(number % 7 + 1), live))
        };
        Self {
            seed,
            options,
            talkers: (0..weather.talkers).filter_map(talker).collect(),
            vandals: (0..weather.vandals)
                .map(|number| Vandal::new(number, address(if number == 2 { 1 } else { STRANGE + number })))
                .collect(),
            visitors: Vec::new(),
            visitors_come: 0,
            host: Host::new(users.clone()),
            users,
            common: Common {
                chance,
                truth: Truth::new(weather.retention),
                weather,
                network: Rc::new(RefCell::new(network)),
                clock: Clock::new(),
                calm_since: None,
                counts: Counts::default(),
                log: Log::new(options.print),
            },
        }
    }

    /// Runs to the end.
    pub(super) fn run(mut self) -> Result<Report, Failure> {
        let kept = self.live();
        let Self { seed, common: Common { log, counts, .. }, .. } = self;
        let (step, digest) = (log.step, log.digest());
        match kept {
            Ok(()) => Ok(Report { seed, steps: step, digest, counts }),
            Err(broken) => Err(Failure { seed, step, broken: broken.0, before: log.into_last() }),
        }
    }

    fn live(&mut self) -> Kept {
        let weather = format!("{:?}", self.common.weather);
        self.common.log.note(format_args!("{weather}"));
        while self.common.log.step < self.options.steps {
            self.common.log.step += 1;
            self.step()?;
        }
        self.common.counts.disk_faults += self.host.disk.faults_hit();
        calm::come_to_rest(self)
    }

    fn step(&mut self) -> Kept {
        let common = &mut self.common;
        let pause = common.chance.duration(common.weather.pace);
        common.clock.pass(pause);
        faults::clock(common);
        faults::network(common);
        faults::disk(&self.host, common);
        faults::server(&mut self.host, common);
        if common.chance.rarely(common.weather.edges) {
            faults::edge(&mut self.host, &mut self.vandals, common)?;
        }
        if self.host.running.is_none() && common.chance.permille(60) {
            self.host.start(if common.weather.power_cuts > 0 { 250 } else { 0 }, common)?;
        }
        self.bring_visitors();
        let common = &mut self.common;
        // The power fails within a call of the store, now and then.
        let within =
            common.chance.rarely(common.weather.power_cuts * 20).then(|| common.chance.between(1, 8) as u64);
        match common.chance.weighted(&WEIGHTS).unwrap_or_default() {
            0 => self.deliver(),
            1 => {
                let releases = common.chance.between(0, 4);
                self.host.pass(releases, common)?;
            }
            2 => {
                let inputs = common.chance.between(0, 8);
                self.host.turn(inputs, within, common)?;
            }
            3 => {
                let which = common.chance.below(8);
                self.host.check(which, common);
            }
            4 => {
                self.host.read();
            }
            5 => {
                // Often while old messages are dropped.
                let is_near =
                    common.weather.has_retention() && common.chance.rarely(common.weather.power_cuts * 100);
                let near = is_near.then(|| common.chance.between(1, 8) as u64);
                self.host.work(within.or(near), common)?;
            }
            6 => self.poll_one()?,
            _ => self.act(),
        }
        Ok(())
    }

    fn deliver(&mut self) {
        let common = &mut self.common;
        let mut network = common.network.borrow_mut();
        let moving = network.moving(common.clock.mono());
        for _ in 0..common.chance.between(1, 3) {
            if let Some(lane) = common.chance.pick(&moving) {
                let most = if common.chance.permille(300) { 5 } else { 3000 };
                network.arrive(*lane, common.chance.between(1, most));
            }
        }
    }

    /// Those who left make room for others.
    fn bring_visitors(&mut self) {
        self.visitors.retain(|visitor| !visitor.is_over());
        if self.visitors.len() < self.common.weather.visitors && self.common.chance.permille(30) {
            self.visitors_come += 1;
            let Some(user) = self.common.chance.pick(&self.users).cloned() else { return };
            let ip = address(self.common.chance.between(1, 12));
            self.visitors.push(Visitor::new(self.visitors_come, user, ip, &mut self.common));
        }
    }

    fn poll_one(&mut self) -> Kept {
        let (is_up, common) = (self.host.is_serving(), &mut self.common);
        let asleep = common
            .chance
            .rarely(common.weather.sleeps)
            .then(|| common.clock.mono().after(common.chance.duration(core::time::Duration::from_secs(20))));
        let (visitors, talkers) = (self.visitors.len(), self.talkers.len());
        let which = common.chance.below(visitors + talkers + self.vandals.len());
        if let Some(visitor) = self.visitors.get_mut(which) {
            visitor.asleep_until = asleep.unwrap_or(visitor.asleep_until);
            visitor.poll(is_up, common)?;
        } else if let Some(talker) = self.talkers.get_mut(which - visitors) {
            talker.asleep_until = asleep.unwrap_or(talker.asleep_until);
            talker.poll(common)?;
        } else if let Some(vandal) = self.vandals.get_mut(which - visitors - talkers) {
            vandal.asleep_until = asleep.unwrap_or(vandal.asleep_until);
            vandal.poll(common)?;
        }
        Ok(())
    }

    fn act(&mut self) {
        let common = &mut self.common;
        if !self.host.is_serving() {
            return;
        }
        let (visitors, talkers) = (self.visitors.len(), self.talkers.len());
        let which = common.chance.below(visitors + talkers + self.vandals.len());
        if let Some(visitor) = self.visitors.get_mut(which) {
            visitor.act(&self.users, common);
        } else if let Some(talker) = self.talkers.get_mut(which - visitors) {
            talker.act(&self.users, common);
        } else if let Some(vandal) = self.vandals.get_mut(which - visitors - talkers) {
            vandal.act(&self.users, common);
        }
    }
}
