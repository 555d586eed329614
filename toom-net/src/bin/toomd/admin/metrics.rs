//! The text of `/metrics`.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use toom_net::server::{Histogram, Metrics};

pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All that is counted, as Prometheus reads it.
pub(super) fn text(metrics: &Metrics) -> String {
    let mut registry = Registry::with_prefix("toomd");
    registry.register_collector(Box::new(Counted(*metrics)));
    let mut text = String::new();
    encode(&mut text, &registry).expect("a string takes all");
    text
}

#[derive(Debug)]
struct Counted(Metrics);

/// A name, what it means, and for each value of its label, if it has one, the number.
type Numbers<const N: usize> = (&'static str, &'static str, [(Label, u64); N]);
type Label = Option<(&'static str, &'static str)>;

fn one(value: u64) -> [(Label, u64); 1] {
    [(None, value)]
}

impl Collector for Counted {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (connections, engine, reads) = (self.0.connections, self.0.engine, self.0.reads);
        for (name, help, value) in [
            ("connections", "Connections that are open", connections.open),
            ("strangers", "Connections that are not logged in", connections.strangers),
            ("sessions", "Sessions that are open", engine.sessions),
            ("requests_queued", "Requests that wait for the engine", connections.queued),
            (
                "password_checks",
                "Password checks under way, those that wait included",
                engine.checks_under_way,
            ),
            ("transfers", "Files offered or on their way", connections.transfers.open),
            ("relays", "Files that go through the server", connections.transfers.relays),
            ("store_bytes", "Bytes that the history takes on disk", engine.store_bytes),
            ("store_broadcast_floor", "The first broadcast that is kept", engine.broadcast_floor),
            ("store_refuses", "1 if the store failed to keep the latest batch", engine.refuses_writes.into()),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)?;
        }
        counters(&mut encoder, &self.limits_hit())?;
        counters(&mut encoder, &self.logins())?;
        for (name, help, value) in [
            ("connections_opened", "Connections that were taken", connections.opened),
            (
                "strangers_dropped",
                "Connections that were not logged in and made room for others",
                connections.strangers_dropped_all + connections.strangers_dropped_address,
            ),
            ("handshake_failures", "Peers that did not speak TLS", connections.handshakes_failed),
            ("accept_failures", "How often the system gave no connection", connections.accept_failed),
            ("blocks", "Blocks of accounts that began", engine.blocks),
            ("lines", "Lines from peers", connections.lines),
            ("broadcasts", "Messages to everyone", engine.broadcasts),
            ("room_posts", "Messages to rooms", engine.room_posts),
            ("rooms_created", "Rooms that were built", engine.rooms_created),
            ("deliveries", "Messages put into outboxes, once for each session", connections.deliveries),
            (
                "deliveries_left_out",
                "Messages left out because their session read too slowly",
                connections.left_out,
            ),
            ("file_offers", "Files that were offered", connections.transfers.offers),
            ("files_done", "Files that have arrived", connections.transfers.done),
            (
                "relays_begun",
                "Files that took their way through the server",
                connections.transfers.relays_begun,
            ),
            (
                "relayed_bytes",
                "Bytes of files that went through the server",
                connections.transfers.relayed_bytes,
            ),
            ("append_failures", "Batches that the store did not keep", engine.appends_failed),
            ("read_failures", "Pages that could not be read", reads.failed),
        ] {
            counters(&mut encoder, &(name, help, one(value)))?;
        }
        let seconds = 1e-6;
        histogram(
            &mut encoder,
            "append_seconds",
            "How long the store took to keep a batch",
            &engine.append_time,
            seconds,
        )?;
        histogram(&mut encoder, "batch_writes", "How many writes a batch had", &engine.batch_writes, 1.0)?;
        histogram(&mut encoder, "read_seconds", "How long a page of history took", &reads.page_time, seconds)
    }
}

impl Counted {
    /// How often peers ran into which bound.
    fn limits_hit(&self) -> Numbers<23> {
        let (connections, engine) = (self.0.connections, self.0.engine);
        let transfers = connections.transfers;
        let of = |limit, count| (Some(("limit", limit)), count);
        let hits = [
            of("connections", connections.refused_all + connections.strangers_dropped_all),
            of("connections-per-address", connections.refused_address),
            of("connections-per-address-per-second", connections.refused_rate),
            of("strangers-per-address", connections.strangers_dropped_address),
            of("open-files", connections.accept_failed),
            of("login-time", connections.login_timeouts),
            of("idle-time", connections.idle_timeouts),
            of("line-bytes", connections.lines_too_long),
            of("early-long-lines", connections.early_long_lines),
            of("requests-in-flight", connections.waits_in_flight),
            of("outbox-bytes", connections.waits_outbox),
            of("slow-readers", connections.slow),
            of("posts-per-second", connections.posts_throttled),
            of("transfers-per-session", transfers.refused_session),
            of("offer-time", transfers.offers_unanswered),
            of("relay-files", transfers.relays_off),
            of("relays", transfers.relays_refused),
            of("relay-bytes-per-second", transfers.pieces_throttled),
            of("relay-time", transfers.relays_still),
            of("relay-pieces", transfers.pieces_early),
            of("password-checks-waiting", engine.logins_crowded),
            of("source-failures", engine.logins_throttled),
            of("sessions", engine.logins_refused),
        ];
        ("limits_hit", "How often peers ran into a bound", hits)
    }

    fn logins(&self) -> Numbers<6> {
        let engine = self.0.engine;
        let of = |result, count| (Some(("result", result)), count);
        let results = [
            of("success", engine.logins),
            of("bad-credentials", engine.logins_wrong),
            of("blocked", engine.logins_blocked),
            of("throttled", engine.logins_throttled),
            of("crowded", engine.logins_crowded),
            of("refused", engine.logins_refused),
        ];
        ("logins", "Logins by what came of them", results)
    }
}

fn counters<const N: usize>(encoder: &mut DescriptorEncoder<'_>, numbers: &Numbers<N>) -> fmt::Result {
    let (name, help, values) = numbers;
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (label, value) in values {
        match label {
            Some(label) => ConstCounter::new(*value).encode(metric.encode_family(&[*label])?)?,
            None => metric.encode_counter::<NoLabelSet, _, u64>(value, None)?,
        }
    }
    Ok(())
}

fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    counted: &Histogram,
    unit: f64,
) -> fmt::Result {
    let buckets: Vec<_> = counted
        .buckets()
        .map(|(most, count)| (most.map_or(f64::INFINITY, |most| number(most) * unit), count))
        .collect();
    let sum = number(counted.sum()) * unit;
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(sum, counted.count(), &buckets, None)
}

/// Exact up to 2⁵³, which as microseconds is 285 years.
#[expect(clippy::cast_precision_loss, reason = "a measurement is not exact either")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told_once_under_each_name() {
        let text = text(&Metrics::default());
        let mut names = std::collections::BTreeSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("toomd_") && value.parse::<f64>().is_ok(), "{line}");
            assert!(names.insert(name), "{line} is there twice");
        }
        for name in [
            "toomd_connections",
            "toomd_connections_opened_total",
            "toomd_logins_total{result=\"bad-credentials\"}",
            "toomd_limits_hit_total{limit=\"posts-per-second\"}",
            "toomd_append_seconds_bucket{le=\"+Inf\"}",
            "toomd_append_seconds_count",
        ] {
            assert!(names.contains(name), "{name} is missing in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
