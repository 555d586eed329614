//! The chart, in SVG: a panel a measure, a bar a store, on a logarithmic scale of its own.

use core::fmt::Write;

use super::digits;
use crate::{Kind, Measure, Results};

const COLUMNS: usize = 2;
const PANEL_WIDTH: f64 = 460.0;
const LABEL_WIDTH: f64 = 110.0;
const FIGURE_WIDTH: f64 = 70.0;
const BAR: f64 = 12.0;
const LINE: f64 = 17.0;
const HEADING: f64 = 26.0;
const GAP: f64 = 18.0;
/// The shortest bar stands for this share of the smallest figure, so that it can be seen.
const FLOOR: f64 = 0.5;

/// Colours of bars that stand out on both pages; the page and its texts are as the reader's scheme asks for.
const STYLE: &str = ".page{fill:#ffffff}text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}.soft{fill:#59636e}\
.ours{fill:#2f81f7}.rival{fill:#8b949e}.limit{fill:#bf8700}\
@media(prefers-color-scheme:dark){.page{fill:#0d1117}text{fill:#e6edf3}.soft{fill:#9198a1}}";

struct Panel {
    measure: Measure,
    figures: Vec<(Kind, f64)>,
}

impl Panel {
    fn of(measure: Measure, results: &Results) -> Option<Self> {
        let figure = |kind: Kind| Some((kind, results.figure(measure, kind).filter(|figure| *figure > 0.0)?));
        let figures: Vec<_> = Kind::ALL.into_iter().filter_map(figure).collect();
        (!figures.is_empty()).then_some(Self { measure, figures })
    }

    fn height(&self) -> f64 {
        HEADING + lines(self.figures.len()) + GAP
    }

    /// Draws it with its upper left corner at `(x, y)`.
    fn draw(&self, svg: &mut String, x: f64, y: f64) {
        let unit = self.measure.unit();
        let better = if unit.more_is_better() { "longer is better" } else { "shorter is better" };
        let title = self.measure.title();
        let _ = writeln!(
            svg,
            r#"<text class="title" x="{x}" y="{:.1}">{title} <tspan class="soft" font-weight="400">{}, {better}</tspan></text>"#,
            y + 14.0,
            unit.symbol(),
        );
        let smallest = self.figures.iter().map(|(_, figure)| *figure).fold(f64::INFINITY, f64::min) * FLOOR;
        let largest = self.figures.iter().map(|(_, figure)| *figure).fold(0.0, f64::max);
        let scale = (PANEL_WIDTH - LABEL_WIDTH - FIGURE_WIDTH) / (largest / smallest).ln();
        for (place, (kind, figure)) in self.figures.iter().enumerate() {
            let top = y + HEADING + lines(place);
            let (bar, length) = (x + LABEL_WIDTH, (figure / smallest).ln() * scale);
            let base = top + BAR - 2.0;
            let (class, shown) = (class(*kind), digits(*figure));
            let _ = writeln!(
                svg,
                r#"<text x="{:.1}" y="{base:.1}" text-anchor="end">{kind}</text><rect class="{class}" x="{bar:.1}" y="{top:.1}" width="{length:.1}" height="{BAR}" rx="2"/><text x="{:.1}" y="{base:.1}">{shown}</text>"#,
                bar - 6.0,
                bar + length + 6.0,
            );
        }
    }
}

/// The figures of `results`, as a picture for light and for dark pages.
#[must_use]
pub fn chart(results: &Results) -> String {
    let panels: Vec<Panel> =
        Measure::ALL.into_iter().filter_map(|measure| Panel::of(measure, results)).collect();
    let mut drawn = String::new();
    let mut y = GAP;
    for row in panels.chunks(COLUMNS) {
        let mut x = GAP;
        for panel in row {
            panel.draw(&mut drawn, x, y);
            x += PANEL_WIDTH + GAP;
        }
        y += row.iter().map(Panel::height).fold(0.0, f64::max);
    }
    let width = (PANEL_WIDTH + GAP) * 2.0 + GAP;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {y}\" width=\"{width}\" height=\"{y}\" role=\"img\" \
         aria-label=\"TOOM's store beside others, on logarithmic scales\">\n<style>{STYLE}</style>\n<path class=\"page\" d=\"M0 0H{width}V{y}H0z\"/>\n{drawn}</svg>\n"
    )
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::OURS => "ours",
        kind if kind.is_rival() => "rival",
        _ => "limit",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a handful of lines")]
fn lines(count: usize) -> f64 {
    LINE * count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(svg: &str) -> Vec<f64> {
        let bars = svg.split("<rect").skip(1);
        bars.map(|bar| bar.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect()
    }

    #[test]
    fn ten_times_as_much_is_as_many_points_longer_wherever_it_is() {
        let mut results = Results::default();
        for (kind, figure) in [(Kind::OURS, 1.0), (Kind::Sqlite, 10.0), (Kind::Redb, 100.0)] {
            results.note(Measure::PageLarge, kind, figure);
        }
        let widths = widths(&chart(&results));
        assert_eq!(widths.len(), 3);
        assert!(((widths[1] - widths[0]) - (widths[2] - widths[1])).abs() < 0.2, "{widths:?}");
        assert!((widths[2] - (PANEL_WIDTH - LABEL_WIDTH - FIGURE_WIDTH)).abs() < 0.1, "{widths:?}");
    }

    #[test]
    fn one_store_alone_and_none_at_all_are_drawn() {
        let mut results = Results::default();
        assert_eq!(widths(&chart(&results)), Vec::<f64>::new());
        results.note(Measure::Long, Kind::Redb, 5.0);
        assert!(widths(&chart(&results)).iter().all(|width| width.is_finite() && *width > 0.0));
    }
}
