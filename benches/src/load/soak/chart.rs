//! The samples as a picture, in SVG: a panel a figure, over the time of the soak.

use core::fmt::Write as _;

use super::sample::Sample;
use super::tally::Count;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 16.0;
const HEADING: f64 = 24.0;
const PLOT: f64 = 90.0;
const GAP: f64 = 26.0;
/// The most points of a line.
const POINTS: usize = 900;

/// Lines that stand out on both pages; the page and its texts are as the reader's scheme asks for.
const STYLE: &str = ".page{fill:#ffffff}text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}.soft{fill:#59636e}\
.frame{fill:none;stroke:#8b949e;stroke-width:.5}.kill{stroke:#cf222e;stroke-width:.7;opacity:.5}.first,.second{fill:none;stroke-width:1.3}\
.first{stroke:#2f81f7}.second{stroke:#bf8700}\
@media(prefers-color-scheme:dark){.page{fill:#0d1117}text{fill:#e6edf3}.soft{fill:#9198a1}}";

/// A figure over time, in points of seconds and the figure.
type Line = Vec<(f64, f64)>;

struct Panel {
    title: &'static str,
    lines: Vec<Line>,
}

/// Draws `samples`, with a mark where the server was killed.
#[must_use]
pub(super) fn chart(samples: &[Sample]) -> String {
    let end = samples.last().map_or(1.0, |last| last.at.as_secs_f64()).max(1.0);
    let kills: Vec<f64> = pairs(samples)
        .filter(|(before, after)| before.life != after.life)
        .map(|(_, after)| after.at.as_secs_f64())
        .collect();
    let (mut drawn, mut y) = (String::new(), GAP);
    for panel in panels(samples) {
        panel.draw(&mut drawn, y, end, &kills);
        y += HEADING + PLOT + GAP;
    }
    let minutes = end / 60.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"A soak of TOOM over {minutes:.0} minutes\">\n<style>{STYLE}</style>\n<path class=\"page\" d=\"M0 0H{WIDTH}V{height}H0z\"/>\n\
         {drawn}<text class=\"soft\" x=\"{LEFT}\" y=\"{y:.1}\">0 to {minutes:.1} minutes; red: killed and started again</text>\n</svg>\n",
        height = y + 12.0,
    )
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, of which three digits count")]
fn panels(samples: &[Sample]) -> Vec<Panel> {
    let line = |figure: &dyn Fn(&Sample) -> f64| -> Line {
        samples.iter().map(|sample| (sample.at.as_secs_f64(), figure(sample))).collect()
    };
    let rate = |count: Count| -> Line {
        let rate = |(before, after): (&Sample, &Sample)| {
            let more = after.tally.of(count) - before.tally.of(count);
            (after.at.as_secs_f64(), more as f64 / (after.at.as_secs_f64() - before.at.as_secs_f64()))
        };
        pairs(samples).map(rate).collect()
    };
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let panel = |title, lines| Panel { title, lines };
    vec![
        panel("resident memory, MiB", vec![line(&|sample| mib(sample.usage.resident_bytes))]),
        panel(
            "sockets (blue), all other handles ×10 (amber)",
            vec![
                line(&|sample| sample.handles.sockets as f64),
                line(&|sample| {
                    10.0 * (sample.handles.files + sample.handles.nameless + sample.handles.others) as f64
                }),
            ],
        ),
        panel("threads", vec![line(&|sample| sample.usage.threads as f64)]),
        panel(
            "cores in use: server (blue), load (amber)",
            vec![line(&|sample| sample.server_cores), line(&|sample| sample.load_cores)],
        ),
        panel(
            "deliveries a second (blue), of history read (amber)",
            vec![rate(Count::Delivered), rate(Count::RowsRead)],
        ),
        panel(
            "posts acknowledged a second (blue), peers that come (amber)",
            vec![rate(Count::Posted), rate(Count::Visits)],
        ),
        panel("files of the store, MiB", vec![line(&|sample| mib(sample.store_bytes))]),
        panel("from start to ready, ms", vec![line(&|sample| sample.ready.as_secs_f64() * 1000.0)]),
    ]
}

fn pairs(samples: &[Sample]) -> impl Iterator<Item = (&Sample, &Sample)> {
    samples.iter().zip(samples.iter().skip(1))
}

impl Panel {
    /// Draws it from `top` downwards.
    fn draw(&self, svg: &mut String, top: f64, end: f64, kills: &[f64]) {
        let (top, plot_width) = (top + HEADING, WIDTH - LEFT - RIGHT);
        let bottom = top + PLOT;
        let largest = self.lines.iter().flatten().map(|point| point.1).fold(0.0, f64::max);
        let scale = if largest > 0.0 { PLOT / (largest * 1.05) } else { 0.0 };
        let x = |seconds: f64| LEFT + plot_width * (seconds / end).min(1.0);
        let _ = writeln!(
            svg,
            r#"<text class="title" x="{LEFT}" y="{:.1}">{}</text><text x="{:.1}" y="{:.1}" text-anchor="end">{largest:.1}</text><text x="{:.1}" y="{bottom:.1}" text-anchor="end">0</text><path class="frame" d="M{LEFT} {top:.1}h{plot_width}v{PLOT}h-{plot_width}z"/>"#,
            top - 8.0,
            self.title,
            LEFT - 6.0,
            top + 10.0,
            LEFT - 6.0,
        );
        for kill in kills {
            let _ = write!(svg, r#"<path class="kill" d="M{:.1} {top:.1}v{PLOT}"/>"#, x(*kill));
        }
        for (line, class) in self.lines.iter().zip(["first", "second"]) {
            let _ = write!(svg, r#"<polyline class="{class}" points=""#);
            for (seconds, figure) in line.iter().step_by(line.len().div_ceil(POINTS).max(1)) {
                let _ = write!(svg, "{:.1},{:.1} ", x(*seconds), bottom - figure * scale);
            }
            let _ = writeln!(svg, r#""/>"#);
        }
    }
}
