//! How far long work is, as a bar on standard error; where that is no terminal nothing is shown.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use toom_net::archive::{Progress, Step};

/// One bar after the other. The last goes when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Bars {
    shown: Option<(Step, ProgressBar)>,
}

impl Bars {
    /// What is to be told of progress.
    pub(crate) fn teller(&mut self) -> impl FnMut(Progress) + '_ {
        |progress| self.show(progress)
    }

    fn show(&mut self, Progress { step, done, of }: Progress) {
        match &self.shown {
            Some((shown, bar)) if *shown == step => bar.set_position(done),
            _ => {
                self.clear();
                let bar = ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::stderr());
                bar.set_style(style(step));
                self.shown = Some((step, bar));
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

fn style(step: Step) -> ProgressStyle {
    let template = match step {
        Step::Exporting => "exporting {wide_bar} {human_pos} of {human_len} messages, {eta} left",
        Step::Importing => "importing {wide_bar} {human_pos} of {human_len} messages, {eta} left",
        Step::Checking => "checking {wide_bar} {bytes} of {total_bytes}, {eta} left",
        _ => "{wide_bar} {pos} of {len}, {eta} left",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one() {
        for step in [Step::Exporting, Step::Checking, Step::Importing] {
            let mut bars = Bars::default();
            bars.show(Progress { step, done: 0, of: 3 });
            bars.show(Progress { step, done: 3, of: 3 });
            assert_eq!(bars.shown.as_ref().map(|(_, bar)| bar.position()), Some(3));
        }
    }
}
