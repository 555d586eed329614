//! Lines as rows of a screen: how wide each character is, and where a line may be broken.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::filter::{Ink, Shown};

/// How many characters one place on the screen may be made of: a letter, and what stands above and below it.
const MARKS_MAX: usize = 8;

/// What stands for a character that has no place.
const NO_PLACE: &str = "?";

/// A row of a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(Vec<Cell>);

/// What is written together: a letter with its marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// How it looks.
    pub ink: Ink,
    /// What it is.
    pub text: String,
    /// How many columns it takes.
    pub width: usize,
}

impl Row {
    /// What stands in it.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.0
    }

    /// How many columns it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|cell| cell.width).sum()
    }
}

/// `line` in rows of at most `width` columns, of which those behind the first begin `indent` columns to the right. It is broken at
/// spaces where it can be.
#[must_use]
pub fn wrap(line: &Shown, width: usize, indent: usize) -> Vec<Row> {
    if width == 0 {
        return Vec::new();
    }
    let indent = if width >= 4 * indent { indent } else { 0 };
    let (mut rows, mut row, mut used, mut fixed) = (Vec::new(), Vec::new(), 0, 0);
    for cell in cells(line, width) {
        if used + cell.width > width {
            let rest = if cell.is_space() { Vec::new() } else { last_word(&mut row, fixed) };
            let rest_width: usize = rest.iter().map(|cell: &Cell| cell.width).sum();
            // A word that takes half a row is broken where the row ends: so is a text without spaces.
            let fits = indent + rest_width + cell.width <= width && 2 * rest_width <= width;
            let (ends, begins) = if fits { (Vec::new(), rest) } else { (rest, Vec::new()) };
            row.extend(ends);
            rows.push(Row(std::mem::take(&mut row)));
            row.extend((0..indent).map(|_| Cell::space()));
            row.extend(begins);
            (used, fixed) = (row.iter().map(|cell| cell.width).sum(), indent);
            if cell.is_space() {
                continue;
            }
        }
        used += cell.width;
        row.push(cell);
    }
    rows.push(Row(row));
    rows
}

/// Takes what stands behind the last space, but for the first `fixed` cells; nothing where there is none.
fn last_word(row: &mut Vec<Cell>, fixed: usize) -> Vec<Cell> {
    let space = row.iter().rposition(Cell::is_space).filter(|at| *at >= fixed);
    space.map_or_else(Vec::new, |at| row.drain(at + 1..).collect())
}

/// As much of `line` as `width` columns take, with a mark where it is cut.
#[must_use]
pub fn cut(line: &Shown, width: usize) -> Row {
    let (mut row, mut used) = (Vec::new(), 0);
    for cell in cells(line, width) {
        if used + cell.width > width {
            while used + 1 > width
                && let Some(last) = row.pop()
            {
                let last: Cell = last;
                used -= last.width;
            }
            if used < width {
                row.push(Cell { ink: Ink::Plain, text: "…".to_owned(), width: 1 });
            }
            break;
        }
        used += cell.width;
        row.push(cell);
    }
    Row(row)
}

/// The end of `line` that `width` columns take.
#[must_use]
pub fn tail(line: &Shown, width: usize) -> Row {
    let (mut row, mut used) = (Vec::new(), 0);
    for cell in cells(line, width).into_iter().rev() {
        used += cell.width;
        if used > width {
            break;
        }
        row.push(cell);
    }
    row.reverse();
    Row(row)
}

/// How many columns `line` takes.
#[must_use]
pub fn width_of(line: &Shown) -> usize {
    cells(line, usize::MAX).iter().map(|cell| cell.width).sum()
}

impl Cell {
    fn space() -> Self {
        Self { ink: Ink::Plain, text: " ".to_owned(), width: 1 }
    }

    fn is_space(&self) -> bool {
        self.text == " "
    }
}

fn cells(line: &Shown, width: usize) -> Vec<Cell> {
    let parts = line.parts().iter();
    parts.flat_map(|part| part.text().graphemes(true).map(|text| cell(part.ink(), text, width))).collect()
}

fn cell(ink: Ink, text: &str, width_max: usize) -> Cell {
    let text: String = text.chars().take(MARKS_MAX).collect();
    match text.width() {
        // A mark without a letter.
        0 => {
            let text = format!("\u{25cc}{text}");
            let width = text.width().max(1);
            Cell { ink, text, width }
        }
        width if width > width_max => Cell { ink, text: NO_PLACE.to_owned(), width: 1 },
        width => Cell { ink, text, width },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str, width: usize) -> Vec<String> {
        wrap(&Shown::plain(text), width, 2).iter().map(text_of).collect()
    }

    fn text_of(row: &Row) -> String {
        row.cells().iter().map(|cell| cell.text.as_str()).collect()
    }

    #[test]
    fn lines_are_broken_at_spaces_and_long_words_where_they_end() {
        assert_eq!(rows("hello there you", 10), ["hello ", "  there ", "  you"]);
        assert_eq!(rows("abcdefghijklmno", 10), ["abcdefghij", "  klmno"]);
        assert_eq!(rows("", 10), [""]);
        assert_eq!(rows("abc", 0), [""; 0]);
    }

    #[test]
    fn wide_characters_and_marks_take_the_columns_that_a_terminal_gives_them() {
        assert_eq!(rows("漢字漢字漢字", 8), ["漢字漢字", "  漢字"]);
        assert_eq!(rows("漢", 1), ["?"]);
        assert_eq!(rows("e\u{301}e\u{301}e\u{301}", 2), ["e\u{301}e\u{301}", "e\u{301}"]);
        assert_eq!(rows("\u{301}x", 5), ["\u{25cc}\u{301}x"]);
        let tower = format!("a{}b", "\u{301}".repeat(1000));
        assert_eq!(rows(&tower, 5), [format!("a{}b", "\u{301}".repeat(7))]);
    }

    #[test]
    fn what_does_not_fit_is_cut_with_a_mark() {
        for (text, width, left) in [
            ("hello", 5, "hello"),
            ("hello", 4, "hel…"),
            ("hello", 1, "…"),
            ("hello", 0, ""),
            ("漢字", 3, "漢…"),
            ("漢字", 2, "…"),
        ] {
            assert_eq!(text_of(&cut(&Shown::plain(text), width)), left);
        }
        assert_eq!(text_of(&tail(&Shown::plain("ab漢字"), 3)), "字");
    }

    proptest! {
        #[test]
        fn no_row_is_wider_than_the_screen_and_no_character_is_lost(text in "\\PC{0,60}", width in 2_usize..40) {
            let line = Shown::plain(&text);
            let rows = wrap(&line, width, 2);
            let kept: String = rows.iter().map(text_of).collect::<String>().replace([' ', '\u{25cc}'], "");
            prop_assert!(rows.iter().all(|row| row.width() <= width));
            let all: String = cells(&line, width).iter().map(|cell| cell.text.as_str()).collect();
            prop_assert_eq!(kept, all.replace([' ', '\u{25cc}'], ""));
            prop_assert!(cut(&line, width).width() <= width);
        }
    }
}
