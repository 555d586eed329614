//! Filling the stores, which is not measured.

use std::path::Path;

use indicatif::ProgressBar;

use super::{Opened, Plan, Site, disk};
use crate::data::Feed;
use crate::{Contender, Failure, Kind, Measure, Results};

/// Large, so that loading is quick.
const BATCH: u64 = 10_000;

impl Plan {
    /// Fills every store that lasts, one after the other, and closes it.
    pub(super) fn load(&self, stores: &Path, progress: &ProgressBar) -> Result<Feed, Failure> {
        let mut made = Feed::new(self.rooms);
        made.skip(self.messages);
        for kind in self.kinds_on_disk() {
            self.fill(&self.site(kind, stores, self.rooms), progress)?;
        }
        Ok(made)
    }

    /// Opens every store, and fills those that do not last.
    pub(super) fn open_all(
        &self,
        stores: &Path,
        feed: Feed,
        progress: &ProgressBar,
    ) -> Result<Opened, Failure> {
        let open = |&kind: &Kind| {
            let site = self.site(kind, stores, self.rooms);
            Ok((kind, if kind.lasts() { site.open()? } else { self.fill(&site, progress)? }))
        };
        let contenders = self.kinds.iter().map(open).collect::<Result<_, Failure>>()?;
        Ok(Opened { contenders, feed })
    }

    /// The bytes on disk of each message.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people, of which three digits count")]
    pub(super) fn measure_disk(&self, stores: &Path, results: &mut Results) -> Result<(), Failure> {
        for kind in self.kinds_in(Measure::BytesAMessage) {
            let bytes = disk::bytes(&self.site(kind, stores, self.rooms).folder)?;
            results.note(Measure::BytesAMessage, kind, bytes as f64 / self.messages as f64);
        }
        Ok(())
    }

    pub(super) fn fill(&self, site: &Site, progress: &ProgressBar) -> Result<Box<dyn Contender>, Failure> {
        let failed = |error| Failure::Store { kind: site.kind, doing: "load messages", error };
        progress.reset();
        progress.set_length(self.messages);
        progress.set_message(format!("{}: loading", site.kind));
        disk::make(&site.folder)?;
        let mut contender = site.open()?;
        let mut feed = Feed::new(site.rooms);
        contender.append_batch(&feed.rooms()).map_err(failed)?;
        while feed.made() < self.messages {
            let batch = feed.batch(usize::try_from(BATCH.min(self.messages - feed.made())).unwrap_or(1));
            contender.append_batch(&batch).map_err(failed)?;
            progress.set_position(feed.made());
        }
        Ok(contender)
    }
}
