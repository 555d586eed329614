//! How far long work is, as a bar on standard error; where that is no terminal nothing is shown.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use toom_net::archive::{Progress, Step};

/// One bar after the other. The last goes when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Bars {
    shown: Option<(Work, ProgressBar)>,
}

/// What is being done, and in what it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Exporting,
    Checking,
    Importing,
    Verifying,
    Repairing,
    Replaying,
}

impl Bars {
    /// What is to be told of progress.
    pub(crate) fn teller(&mut self) -> impl FnMut(Progress) + '_ {
        |Progress { step, done, of }| {
            let work = match step {
                Step::Exporting => Work::Exporting,
                Step::Importing => Work::Importing,
                _ => Work::Checking,
            };
            self.show(work, done, of);
        }
    }

    /// What is to be told of the progress of a store.
    pub(crate) fn store_teller(&mut self) -> impl FnMut(toom_core::Progress) + '_ {
        |toom_core::Progress { done, total }| self.show(Work::Verifying, done, total)
    }

    /// The same while it is repaired.
    pub(crate) fn repair_teller(&mut self) -> impl FnMut(toom_core::Progress) + '_ {
        |toom_core::Progress { done, total }| self.show(Work::Repairing, done, total)
    }

    /// What is to be told of the bytes of a replay, which are `of`.
    pub(crate) fn replay_teller(&mut self, of: u64) -> impl FnMut(u64) + '_ {
        move |done| self.show(Work::Replaying, done, of)
    }

    fn show(&mut self, work: Work, done: u64, of: u64) {
        match &self.shown {
            Some((shown, bar)) if *shown == work => bar.set_position(done),
            _ => {
                self.clear();
                let bar = ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::stderr());
                bar.set_style(style(work));
                self.shown = Some((work, bar));
            }
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.shown.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

fn style(work: Work) -> ProgressStyle {
    let template = match work {
        Work::Exporting => "exporting {wide_bar} {human_pos} of {human_len} messages, {eta} left",
        Work::Importing => "importing {wide_bar} {human_pos} of {human_len} messages, {eta} left",
        Work::Checking => "checking {wide_bar} {bytes} of {total_bytes}, {eta} left",
        Work::Repairing => "repairing {wide_bar} {bytes} of {total_bytes}, {eta} left",
        Work::Replaying => "replaying {wide_bar} {bytes} of {total_bytes}, {eta} left",
        Work::Verifying => "verifying {wide_bar} {bytes} of {total_bytes}, {eta} left",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one_and_every_step_has_its_bar() {
        for work in [
            Work::Exporting,
            Work::Checking,
            Work::Importing,
            Work::Verifying,
            Work::Repairing,
            Work::Replaying,
        ] {
            let mut bars = Bars::default();
            bars.show(work, 0, 3);
            bars.show(work, 3, 3);
            assert!(bars.shown.as_ref().is_some_and(|(shown, bar)| *shown == work && bar.position() == 3));
        }
        let mut bars = Bars::default();
        for (step, work) in [
            (Step::Exporting, Work::Exporting),
            (Step::Checking, Work::Checking),
            (Step::Importing, Work::Importing),
        ] {
            bars.teller()(Progress { step, done: 0, of: 3 });
            assert_eq!(bars.shown.as_ref().map(|(shown, _)| *shown), Some(work));
        }
    }
}
