//! The course of a soak: lives of the server, samples, and the end.

use core::time::Duration;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use fastrand::Rng;

use super::super::{LoadError, Usage};
use super::Soak;
use super::bars::{AtRest, Verdict};
use super::chart::chart;
use super::crowd::Crowd;
use super::host::Host;
use super::ledger::Ledger;
use super::part::World;
use super::sample::Sample;
use super::tally::{Count, Tally};

/// How many samples a soak has, where that gives neither too many a second nor too few an hour.
const SAMPLES: u32 = 720;
/// How long the server is left dead at most.
const DEAD_MAX: Duration = Duration::from_secs(2);
/// How long each step of the end may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often is looked whether a server has come to rest.
const SETTLED_EVERY: Duration = Duration::from_millis(200);
/// How often a line tells how it goes.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// A soak that goes on.
#[derive(Debug)]
pub(super) struct Run<'a> {
    soak: &'a Soak,
    begun: Instant,
    host: Host,
    crowd: Crowd,
    life: usize,
    life_begun: Instant,
    ready: Duration,
    /// How the server was before anybody came, in this life.
    rest: AtRest,
    samples: Vec<Sample>,
    csv: File,
    /// What the server and the load had used at the last sample, and when that was.
    used: (Usage, Usage, Instant),
    told: Instant,
}

impl<'a> Run<'a> {
    pub(super) fn begin(soak: &'a Soak, progress: &mut dyn FnMut(&str)) -> Result<Self, LoadError> {
        let mut rng = Rng::with_seed(soak.seed);
        let (host, ready) = Host::start(&soak.ground(), soak.keep_bytes, &mut rng)?;
        progress(&format!("seed {}, {:?}, the server is at {}", soak.seed, soak.cast(), host.address));
        let world = World {
            ledger: Ledger::default(),
            tally: Tally::default(),
            rng,
            posting: true,
            unanswered: 0,
            entering: 0,
            checks: 0,
        };
        let crowd = Crowd::new(soak.parts(), world, host.address)?;
        let mut csv = File::create(&soak.out).map_err(LoadError::while_doing("making the CSV file"))?;
        csv.write_all(Sample::head().as_bytes()).map_err(LoadError::while_doing("writing the CSV file"))?;
        let (rest, begun) = (settled(&host)?, Instant::now());
        let used = (host.usage()?, Usage::own()?, begun);
        let samples = Vec::new();
        Ok(Self {
            soak,
            begun,
            host,
            crowd,
            life: 1,
            life_begun: begun,
            ready,
            rest,
            samples,
            csv,
            used,
            told: begun,
        })
    }

    /// All of it, up to the verdict.
    pub(super) fn all(&mut self, progress: &mut dyn FnMut(&str)) -> Result<Verdict, LoadError> {
        let end = self.begun + self.soak.length;
        let last_kill = end.checked_sub(self.soak.calm).unwrap_or(self.begun);
        let mut kill = self.next_kill();
        while Instant::now() < end {
            // The last kill begins the life in which memory is judged.
            if Instant::now() >= kill.min(last_kill) && self.life_begun < last_kill {
                self.kill_and_restart(progress)?;
                kill = self.next_kill();
            }
            self.go_on(progress)?;
        }
        self.finish(progress)
    }

    fn next_kill(&mut self) -> Instant {
        Instant::now() + self.soak.restart_every.mul_f64(0.5 + self.crowd.world.rng.f64())
    }

    fn kill_and_restart(&mut self, progress: &mut dyn FnMut(&str)) -> Result<(), LoadError> {
        self.sample(progress)?;
        self.host.kill();
        self.crowd.lose_all(Instant::now())?;
        std::thread::sleep(DEAD_MAX.mul_f64(self.crowd.world.rng.f64()));
        self.ready = self.host.restart()?;
        (self.life, self.life_begun) = (self.life + 1, Instant::now());
        self.rest = settled(&self.host)?;
        self.used = (self.host.usage()?, Usage::own()?, Instant::now());
        self.draw()
    }

    /// A turn of the crowd, and a sample if it is time for one.
    fn go_on(&mut self, progress: &mut dyn FnMut(&str)) -> Result<(), LoadError> {
        self.crowd.turn()?;
        let every = (self.soak.length / SAMPLES).clamp(Duration::from_secs(1), Duration::from_secs(10));
        if self.used.2.elapsed() >= every { self.sample(progress) } else { Ok(()) }
    }

    fn sample(&mut self, progress: &mut dyn FnMut(&str)) -> Result<(), LoadError> {
        if !self.host.runs() {
            return Err(LoadError::Broken("the server ended".to_owned()));
        }
        let now = Instant::now();
        let (usage, own) = (self.host.usage()?, Usage::own()?);
        let (before, own_before, then) = core::mem::replace(&mut self.used, (usage, own, now));
        let passed = now.duration_since(then).as_secs_f64().max(0.001);
        let cores = |after: Usage, before: Usage| after.cpu.saturating_sub(before.cpu).as_secs_f64() / passed;
        let sample = Sample {
            at: now.duration_since(self.begun),
            life: self.life,
            ready: self.ready,
            peers: self.crowd.present(),
            usage,
            handles: self.host.handles()?,
            server_cores: cores(usage, before),
            load_cores: cores(own, own_before),
            store_bytes: self.host.store_bytes(),
            tally: self.crowd.world.tally,
        };
        self.csv
            .write_all(sample.line().as_bytes())
            .map_err(LoadError::while_doing("writing the CSV file"))?;
        self.samples.push(sample);
        if self.told.elapsed() >= TOLD_EVERY.min(self.soak.length / 10) {
            self.told = now;
            progress(&told(&sample));
        }
        Ok(())
    }

    /// No more posts; everybody hears of all of them, everything is checked, all leave, and the server comes to rest.
    fn finish(&mut self, progress: &mut dyn FnMut(&str)) -> Result<Verdict, LoadError> {
        self.crowd.world.posting = false;
        self.crowd.wake_all(Instant::now());
        self.until(progress, "every post is answered", |crowd| crowd.world.unanswered == 0)?;
        self.until(progress, "every listener has heard of every post", |crowd| crowd.behind() == 0)?;
        let checks = self.crowd.world.checks;
        self.until(progress, "the history is checked", |crowd| {
            crowd.hurry_first(Instant::now());
            // The one that was under way may have begun before the last post.
            crowd.world.checks >= checks + 2
        })?;
        self.sample(progress)?;
        self.crowd.leave_all();
        let begun = Instant::now();
        let mut rest = at_rest(&self.host)?;
        while !rest.is_like(&self.rest) && begun.elapsed() < PATIENCE {
            std::thread::sleep(SETTLED_EVERY);
            rest = at_rest(&self.host)?;
        }
        self.sample(progress)?;
        self.host.verify()?;
        progress("the store was verified");
        Ok(Verdict::of(&self.samples, self.soak.keep_bytes, &self.rest, &rest))
    }

    fn until(
        &mut self,
        progress: &mut dyn FnMut(&str),
        what: &str,
        mut is_so: impl FnMut(&mut Crowd) -> bool,
    ) -> Result<(), LoadError> {
        let begun = Instant::now();
        while !is_so(&mut self.crowd) {
            if begun.elapsed() > PATIENCE {
                return Err(LoadError::Broken(format!("it does not come to this: {what}")));
            }
            self.go_on(progress)?;
        }
        progress(what);
        Ok(())
    }

    /// Draws what was sampled so far.
    pub(super) fn draw(&self) -> Result<(), LoadError> {
        let drawn = std::fs::write(self.soak.out.with_extension("svg"), chart(&self.samples));
        drawn.map_err(LoadError::while_doing("writing the picture"))
    }

    pub(super) fn keep_folder(&mut self) -> PathBuf {
        self.host.keep_folder()
    }
}

fn at_rest(host: &Host) -> Result<AtRest, LoadError> {
    Ok(AtRest { handles: host.handles()?, threads: host.usage()?.threads })
}

/// What the server holds once it has started its last thread, a moment after it listens.
fn settled(host: &Host) -> Result<AtRest, LoadError> {
    let (mut rest, mut same) = (at_rest(host)?, 0);
    while same < 5 {
        std::thread::sleep(SETTLED_EVERY);
        let before = core::mem::replace(&mut rest, at_rest(host)?);
        same = if rest == before { same + 1 } else { 0 };
    }
    Ok(rest)
}

fn told(sample: &Sample) -> String {
    let Sample { at, life, ready, peers, usage, handles, server_cores, load_cores, store_bytes, tally } =
        sample;
    let mib = |bytes: u64| bytes / (1 << 20);
    let (memory, store, threads) = (mib(usage.resident_bytes), mib(*store_bytes), usage.threads);
    let (posted, delivered, left_out) =
        (tally.of(Count::Posted), tally.of(Count::Delivered), tally.of(Count::LeftOut));
    let (visits, checked) = (tally.of(Count::Visits), tally.of(Count::Checked));
    format!(
        "{at:.0?}: life {life} (ready in {ready:.0?}), {peers} peers, {memory} MiB, {} sockets, {threads} threads, {server_cores:.2}+{load_cores:.2} cores, \
         store {store} MiB, {posted} posted, {delivered} delivered, {left_out} left out, {visits} visits, {checked} checks",
        handles.sockets
    )
}
