//! What a run gave, for people: a table and a chart.

mod chart;
mod table;

pub use chart::chart;
pub use table::table;

/// `figure` with three digits that count.
fn digits(figure: f64) -> String {
    match figure.abs() {
        size if size >= 999_500.0 => format!("{} M", three(figure / 1e6)),
        size if size >= 9_995.0 => format!("{} k", three(figure / 1e3)),
        _ => three(figure),
    }
}

fn three(figure: f64) -> String {
    match figure.abs() {
        size if size >= 99.95 => format!("{figure:.0}"),
        size if size >= 9.995 => format!("{figure:.1}"),
        size if size >= 0.9995 => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_shown_whatever_the_size() {
        let shown = [0.0512, 1.0, 9.999, 12.34, 164.2, 1499.0, 41_230.0, 1_330_000.0].map(digits);
        assert_eq!(shown, ["0.051", "1.00", "10.0", "12.3", "164", "1499", "41.2 k", "1.33 M"]);
    }
}
