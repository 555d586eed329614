//! What stands where on a screen of a size.

use ratatui::layout::Rect;

/// Below so many columns nobody is listed at the right.
const RIGHT_FROM: u16 = 72;

/// Below so many columns the conversations are not listed at the left.
const LEFT_FROM: u16 = 50;

/// How many lines transfers may take.
const TRANSFERS_MAX: u16 = 4;

/// The parts of the screen. What has no place is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    /// What is open, and who one is.
    pub title: Rect,
    /// The conversations.
    pub left: Rect,
    /// What is said in the one that is open.
    pub main: Rect,
    /// Who is active.
    pub right: Rect,
    /// What is to be told about the connection, or about the line that is typed.
    pub notice: Rect,
    /// Files under way.
    pub transfers: Rect,
    /// The line that is typed.
    pub input: Rect,
}

impl Areas {
    /// Those of a screen, where `transfers` files are under way.
    #[must_use]
    pub fn of(screen: Rect, transfers: usize) -> Self {
        let Rect { x, width, height, .. } = screen;
        let mut bottom = screen.bottom();
        let mut below = |wanted: u16, least: u16| {
            let rows = if height >= least { wanted } else { 0 };
            bottom -= rows;
            Rect { x, y: bottom, width, height: rows }
        };
        let input = below(1, 1);
        let transfers = below(u16::try_from(transfers).unwrap_or(u16::MAX).min(TRANSFERS_MAX), 12);
        let notice = below(1, 4);
        let title = Rect { x, y: screen.y, width, height: u16::from(height >= 6) };
        let middle = Rect { x, y: title.bottom(), width, height: bottom.saturating_sub(title.bottom()) };
        let left = if width >= LEFT_FROM { (width / 5).clamp(12, 26) } else { 0 };
        let right = if width >= RIGHT_FROM { (width / 6).clamp(10, 22) } else { 0 };
        let gap = |side: u16| side + u16::from(side > 0);
        let main = width.saturating_sub(gap(left) + gap(right));
        Self {
            title,
            left: Rect { width: left, ..middle },
            main: Rect { x: x + gap(left), width: main, ..middle },
            right: Rect { x: x + gap(left) + main + u16::from(right > 0), width: right, ..middle },
            notice,
            transfers,
            input,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_parts_lie_on_the_screen_and_none_on_another(width in 0_u16..300, height in 0_u16..100, transfers in 0_usize..9) {
            let screen = Rect { x: 0, y: 0, width, height };
            let Areas { title, left, main, right, notice, transfers, input } = Areas::of(screen, transfers);
            let all = [title, left, main, right, notice, transfers, input];
            for (at, one) in all.iter().enumerate() {
                prop_assert!(one.is_empty() || screen.union(*one) == screen, "{:?}", one);
                for other in &all[at + 1..] {
                    prop_assert!(one.is_empty() || other.is_empty() || !one.intersects(*other), "{:?} {:?}", one, other);
                }
            }
            prop_assert!(height == 0 || input.height == 1);
        }
    }
}
