//! Starting those processes, and killing them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use indicatif::ProgressBar;

use super::child::{BATCH, Site, Task};
use super::{Plan, disk};
use crate::results::median;
use crate::{Failure, Kind, Measure, Results};

/// How often each store is opened, and killed.
const OPENS: usize = 5;

impl Plan {
    /// Opens every store in processes of their own, by turns.
    pub(super) fn measure_clean_opens(
        &self,
        stores: &Path,
        results: &mut Results,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        progress.reset();
        progress.set_message(Measure::OpenClean.title());
        progress.set_length((OPENS * self.kinds_in(Measure::OpenClean).count()) as u64);
        let mut samples: BTreeMap<Kind, Vec<f64>> = BTreeMap::new();
        for _ in 0..OPENS {
            for kind in self.kinds_in(Measure::OpenClean) {
                let (millis, found) = self.open(&self.site(kind, stores, self.rooms), self.messages)?;
                if found != self.messages {
                    let what = "there are more of them";
                    return Err(Failure::Lost { kind, acknowledged: self.messages, what });
                }
                samples.entry(kind).or_default().push(millis);
                progress.inc(1);
            }
        }
        note_medians(Measure::OpenClean, samples, results);
        Ok(())
    }

    /// Kills processes that append to the stores, and opens what they leave, by turns. Each store holds `messages`.
    pub(super) fn measure_killed_opens(
        &self,
        stores: &Path,
        messages: u64,
        results: &mut Results,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        progress.reset();
        progress.set_message(Measure::OpenKilled.title());
        progress.set_length((OPENS * self.kinds_in(Measure::OpenKilled).count()) as u64);
        let mut samples: BTreeMap<Kind, Vec<f64>> = BTreeMap::new();
        let mut held: BTreeMap<Kind, u64> = BTreeMap::new();
        for _ in 0..OPENS {
            for kind in self.kinds_in(Measure::OpenKilled) {
                let site = self.site(kind, stores, self.rooms);
                let held = held.entry(kind).or_insert(messages);
                let acknowledged = self.append_and_kill(&site, *held)?;
                let (millis, found) = self.open(&site, acknowledged)?;
                *held = found;
                samples.entry(kind).or_default().push(millis);
                progress.inc(1);
            }
        }
        note_medians(Measure::OpenKilled, samples, results);
        Ok(())
    }

    /// The memory of a process that reads from the loaded store.
    pub(super) fn measure_resident(
        &self,
        stores: &Path,
        results: &mut Results,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        progress.reset();
        progress.set_message(Measure::Resident.title());
        progress.set_length(self.kinds_in(Measure::Resident).count() as u64);
        for kind in self.kinds_in(Measure::Resident) {
            let mebibytes = self.resident(&self.site(kind, stores, self.rooms))?;
            results.note(Measure::Resident, kind, mebibytes);
            progress.inc(1);
        }
        Ok(())
    }

    /// The same on stores with many rooms, which are filled for it one after the other and then removed.
    pub(super) fn measure_resident_with_many_rooms(
        &self,
        results: &mut Results,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        let Some(rooms) = self.many_rooms else { return Ok(()) };
        let stores = self.folder.join("many-rooms");
        for kind in self.kinds_in(Measure::ResidentManyRooms) {
            let site = self.site(kind, &stores, rooms);
            drop(self.fill(&site, progress)?);
            results.note(Measure::ResidentManyRooms, kind, self.resident(&site)?);
            disk::remove(&stores)?;
        }
        Ok(())
    }

    /// Milliseconds of opening, and how many messages were found.
    fn open(&self, site: &Site, acknowledged: u64) -> Result<(f64, u64), Failure> {
        disk::settle(&self.folder)?;
        let printed = self.output(site, Task::Open, acknowledged)?;
        let numbers = printed.trim().split_once(' ');
        let numbers =
            numbers.and_then(|(micros, found)| Some((micros.parse::<f64>().ok()?, found.parse().ok()?)));
        let (micros, found) =
            numbers.ok_or_else(|| failed(site, Task::Open, format!("it printed {printed:?}")))?;
        Ok((micros / 1000.0, found))
    }

    fn resident(&self, site: &Site) -> Result<f64, Failure> {
        let printed = self.output(site, Task::Resident, self.messages)?;
        let kib: Result<f64, _> = printed.trim().parse();
        Ok(kib.map_err(|_| failed(site, Task::Resident, format!("it printed {printed:?}")))? / 1024.0)
    }

    /// How many messages had been acknowledged when the process was killed.
    fn append_and_kill(&self, site: &Site, messages: u64) -> Result<u64, Failure> {
        let io_failed = |error: std::io::Error| failed(site, Task::Append, error.to_string());
        let mut child = Running(self.command(site, Task::Append, messages).spawn().map_err(io_failed)?);
        let output =
            child.0.stdout.take().ok_or_else(|| failed(site, Task::Append, "it has no output".into()))?;
        let mut acknowledged = messages;
        let enough = messages + (self.kill_batches * BATCH) as u64;
        let mut killed = false;
        // What it printed before it died still comes after the kill.
        for line in BufReader::new(output).lines() {
            let line = line.map_err(io_failed)?;
            acknowledged =
                line.parse().map_err(|_| failed(site, Task::Append, format!("it printed {line:?}")))?;
            if acknowledged >= enough && !killed {
                child.0.kill().map_err(io_failed)?;
                killed = true;
            }
        }
        if killed { Ok(acknowledged) } else { Err(failed(site, Task::Append, "it ended by itself".into())) }
    }

    fn output(&self, site: &Site, task: Task, messages: u64) -> Result<String, Failure> {
        let output = self.command(site, task, messages).spawn().and_then(Child::wait_with_output);
        let output = output.map_err(|error| failed(site, task, error.to_string()))?;
        if !output.status.success() {
            return Err(failed(site, task, output.status.to_string()));
        }
        String::from_utf8(output.stdout).map_err(|error| failed(site, task, error.to_string()))
    }

    fn command(&self, site: &Site, task: Task, messages: u64) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["child", task.name()]).arg("--folder").arg(&site.folder);
        command.args(["--kind", &site.kind.name(), "--rooms", &site.rooms.to_string()]);
        command.args(["--cache-bytes", &site.cache_bytes.to_string(), "--messages", &messages.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }
}

/// A process that does not outlive the run, also where that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It is dead already where all went well, and then both of these only say so.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn failed(site: &Site, task: Task, what: String) -> Failure {
    let doing = match task {
        Task::Open => "open it",
        Task::Resident => "read from it",
        Task::Append => "append to it",
    };
    Failure::Child { kind: site.kind, doing, what }
}

fn note_medians(measure: Measure, samples: BTreeMap<Kind, Vec<f64>>, results: &mut Results) {
    for (kind, mut samples) in samples {
        if let Some(figure) = median(&mut samples) {
            results.note(measure, kind, figure);
        }
    }
}
