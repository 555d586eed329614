//! What a run gave, for people: a table and a chart.

mod chart;
mod table;

pub use chart::chart;
pub use table::table;

/// `figure` with three digits that count, thousands set apart.
fn digits(figure: f64) -> String {
    match figure.abs() {
        size if size >= 999.5 => thousands(figure),
        size if size >= 99.95 => format!("{figure:.0}"),
        size if size >= 9.995 => format!("{figure:.1}"),
        size if size >= 0.9995 => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

fn thousands(figure: f64) -> String {
    let size = 10_f64.powf(figure.abs().log10().floor() - 2.0);
    let plain = format!("{:.0}", (figure / size).round() * size);
    let mut apart = String::new();
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_shown_whatever_the_size() {
        let shown = [0.0512, 1.0, 9.999, 12.34, 164.2, 999.6, 1499.0, 41_230.0, 999_900.0].map(digits);
        assert_eq!(shown, ["0.051", "1.00", "10.0", "12.3", "164", "1,000", "1,500", "41,200", "1,000,000"]);
    }
}
