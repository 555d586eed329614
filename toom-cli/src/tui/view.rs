//! What the state looks like: [`draw`] writes it to a buffer, and changes nothing.
//!
//! Nothing gets there but as [`Shown`], in which what a terminal would obey is written out.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use toom_core::Conversation;
use toom_net::protocol::NameWord;

use super::areas::Areas;
use super::model::Model;
use super::model::thread::{Thread, View};
use super::wrap::{Row, cut, tail, width_of, wrap};
use crate::files::{About, Direction, Stage, UnderWay};
use crate::filter::{Ink, Shown};
use crate::knowledge::Knowledge;
use crate::paint::Look;
use crate::render;

/// What the keys do, where there is nothing else to tell.
const KEYS: &str = "Tab completes  PgUp/PgDn scroll  Alt-Up/Alt-Down conversation  HELP  OUT";

/// How many columns the line that is typed has at least.
const INPUT_MIN: usize = 10;

/// Draws `model`, and tells where the cursor is.
#[must_use]
pub fn draw(model: &Model, buffer: &mut Buffer) -> Option<Position> {
    let areas = model.areas();
    draw_title(model, areas.title, buffer);
    draw_conversations(model, areas.left, buffer);
    draw_main(model, areas.main, buffer);
    draw_users(model, areas.right, buffer);
    draw_borders(model, &areas, buffer);
    put(&cut(&notice(model), width(areas.notice)), areas.notice, 0, buffer);
    for (at, transfer) in (0..areas.transfers.height).zip(model.transfers()) {
        let line = model.voice().paint.line(&[(Look::Plain, &transfer_line(transfer))]);
        put(&cut(&line, width(areas.transfers)), areas.transfers, at, buffer);
    }
    draw_input(model, areas.input, buffer)
}

fn draw_title(model: &Model, area: Rect, buffer: &mut Buffer) {
    let open = model.open();
    let members = model.threads().find(|(conversation, _)| *conversation == open);
    let members = members.map_or(String::new(), |(_, thread)| members_of(&thread.members));
    let left = line(model, &[(Look::Loud, &name(open)), (Look::Plain, &members)]);
    let right = line(model, &[(Look::Aside, &format!("{} at {}", model.user(), model.server()))]);
    let room = width(area);
    let left = cut(&left, room);
    put(&left, area, 0, buffer);
    let right = cut(&right, room.saturating_sub(left.width() + 2));
    put(&right, from_column(area, room.saturating_sub(right.width())), 0, buffer);
}

fn members_of(members: &[NameWord]) -> String {
    if members.is_empty() {
        return String::new();
    }
    let names: Vec<_> = members.iter().map(NameWord::as_str).collect();
    format!(": {}", names.join(", "))
}

/// What a conversation is called.
fn name(conversation: Conversation) -> String {
    match conversation {
        Conversation::Broadcast => "everyone".to_owned(),
        Conversation::Room(room) => format!("room-{}", room.number()),
    }
}

/// The conversations, those around the one that is open, each with what is unread.
fn draw_conversations(model: &Model, area: Rect, buffer: &mut Buffer) {
    let threads: Vec<_> = model.threads().collect();
    let open = threads.iter().position(|(conversation, _)| *conversation == model.open());
    let height = usize::from(area.height);
    let first = open.unwrap_or(0).saturating_sub(height / 2).min(threads.len().saturating_sub(height));
    for (at, (conversation, thread)) in (0..area.height).zip(threads.into_iter().skip(first)) {
        draw_conversation(model, conversation, thread, Rect { y: area.y + at, height: 1, ..area }, buffer);
    }
}

fn draw_conversation(
    model: &Model,
    conversation: Conversation,
    thread: &Thread,
    area: Rect,
    buffer: &mut Buffer,
) {
    let count = if thread.unread > 0 { format!(" {}", thread.unread) } else { String::new() };
    let count = cut(&line(model, &[(Look::Loud, &count)]), width(area));
    let others: Vec<_> = thread.members.iter().filter(|name| *name != model.user()).cloned().collect();
    let (mark, look) = if conversation == model.open() { (">", Look::Loud) } else { (" ", Look::Plain) };
    let label =
        line(model, &[(Look::Plain, mark), (look, &name(conversation)), (Look::Aside, &members_of(&others))]);
    put(&cut(&label, width(area).saturating_sub(count.width())), area, 0, buffer);
    put(&count, from_column(area, width(area).saturating_sub(count.width())), 0, buffer);
}

/// What is said, and below it what is not sent yet.
fn draw_main(model: &Model, area: Rect, buffer: &mut Buffer) {
    let marks = model.pending().marks();
    let marks = marks.iter().flat_map(|mark| wrap(&line(model, &[(Look::Aside, mark)]), width(area), 2));
    let mut marks: Vec<Row> = marks.collect();
    let height = usize::from(area.height);
    if model.view() != View::End {
        marks.clear();
    }
    let marks = marks.split_off(marks.len().saturating_sub(height));
    let rows =
        model.lines().map(|lines| lines.screen(model.view(), height - marks.len())).unwrap_or_default();
    for (at, row) in (0..area.height).zip(rows.iter().chain(&marks)) {
        put(row, area, at, buffer);
    }
}

/// Who else is active.
fn draw_users(model: &Model, area: Rect, buffer: &mut Buffer) {
    let users = model.users();
    let rows = usize::from(area.height);
    let shown = if users.len() > rows { rows.saturating_sub(1) } else { users.len() };
    for (at, user) in (0..area.height).zip(users.iter().take(shown)) {
        let name = line(model, &[(Look::Name, user.user.as_str())]);
        put(&cut(&name, width(area)), area, at, buffer);
    }
    if shown < users.len() {
        let more = line(model, &[(Look::Aside, &format!("and {} more", users.len() - shown))]);
        put(&cut(&more, width(area)), area, area.height.saturating_sub(1), buffer);
    }
    if users.is_empty() {
        put(&cut(&line(model, &[(Look::Aside, "nobody else")]), width(area)), area, 0, buffer);
    }
}

fn draw_borders(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let border = cut(&line(model, &[(Look::Aside, "│")]), 1);
    let beside = |at: u16| Rect { x: at, width: 1, ..areas.main };
    let left = (!areas.left.is_empty()).then(|| beside(areas.left.right()));
    let right = (!areas.right.is_empty()).then(|| beside(areas.main.right()));
    for area in left.into_iter().chain(right) {
        (0..area.height).for_each(|at| put(&border, area, at, buffer));
    }
}

/// What is most worth telling.
fn notice(model: &Model) -> Shown {
    if let Some(away) = model.away() {
        return line(model, &[(Look::Loud, away)]);
    }
    if !model.candidates().is_empty() {
        let words: Vec<_> = model.candidates().iter().map(|word| word.trim_end()).collect();
        return line(model, &[(Look::Plain, &words.join("  "))]);
    }
    if let Some(hint) = Knowledge::hint(model.input().text().trim_start_matches('/'))
        && model.input().is_at_end()
    {
        return line(model, &[(Look::Aside, hint.trim_start())]);
    }
    let unread = model.threads().find(|(conversation, _)| *conversation == model.open());
    match (model.view(), unread.map_or(0, |(_, thread)| thread.unread)) {
        (View::End, _) => line(model, &[(Look::Aside, KEYS)]),
        (View::At { .. }, 0) => line(model, &[(Look::Aside, "Esc goes to the end")]),
        (View::At { .. }, unread) => line(
            model,
            &[(Look::Loud, &format!("{unread} new below")), (Look::Aside, "; Esc goes to the end")],
        ),
    }
}

/// What is known of it, the most important first: the line may be cut.
fn transfer_line(one: &UnderWay) -> String {
    let UnderWay { about: About { number, direction, user, name, bytes }, stage, pace, .. } = one;
    let arrow = match direction {
        Direction::In => "<-",
        Direction::Out => "->",
    };
    let stands = match stage {
        Stage::Hashing => format!("reading, {}%", pace.percent()),
        Stage::NoServer => "waiting for the server".to_owned(),
        Stage::Offered => "waiting for a yes".to_owned(),
        Stage::Asked => format!("UPD ACCEPT {number} or UPD REFUSE {number}"),
        Stage::Connecting => "connecting".to_owned(),
        Stage::Finishing => "finishing".to_owned(),
        Stage::Moving => {
            let rate = pace.rate.map_or_else(String::new, |rate| format!(", {}/s", render::size(rate)));
            let left =
                pace.left.map_or_else(String::new, |left| format!(", {} left", render::duration(left)));
            format!("{}%{rate}{left}", pace.percent())
        }
    };
    format!("{arrow} {number} {user}: {stands}: {name}, {}", render::size(*bytes))
}

/// The line that is typed, as far as it fits; the cursor is always on it.
fn draw_input(model: &Model, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let prompt = line(model, &[(Look::Name, &name(model.open())), (Look::Plain, "> ")]);
    let room = width(area);
    let prompt_width = Some(width_of(&prompt)).filter(|prompt| prompt + INPUT_MIN <= room).unwrap_or(0);
    put(&cut(&prompt, prompt_width), area, 0, buffer);
    let room = room - prompt_width;
    let area = from_column(area, prompt_width);
    let input = model.input();
    let before = tail(&Shown::plain(input.before_cursor()), room.saturating_sub(1));
    let at = before.width();
    put(&before, area, 0, buffer);
    let behind = input.text().get(input.before_cursor().len()..).unwrap_or_default();
    put(&cut(&Shown::plain(behind), room.saturating_sub(at)), from_column(area, at), 0, buffer);
    Some(Position { x: area.x + u16::try_from(at).unwrap_or(0), y: area.y })
}

fn line(model: &Model, parts: &[(Look, &str)]) -> Shown {
    model.voice().paint.line(parts)
}

fn width(area: Rect) -> usize {
    usize::from(area.width)
}

/// The part of `area` from the column `at` on.
fn from_column(area: Rect, at: usize) -> Rect {
    let at = u16::try_from(at).unwrap_or(u16::MAX).min(area.width);
    Rect { x: area.x + at, width: area.width - at, ..area }
}

/// Writes a row to the row `at` of `area`.
fn put(row: &Row, area: Rect, at: u16, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if at >= area.height {
        return;
    }
    let mut x = area.x;
    for cell in row.cells() {
        let width = u16::try_from(cell.width).unwrap_or(u16::MAX);
        if width > area.right().saturating_sub(x) {
            return;
        }
        buffer.set_stringn(x, area.y + at, &cell.text, cell.width, style(cell.ink));
        x += width;
    }
}

fn style(ink: Ink) -> Style {
    match ink {
        Ink::Plain => Style::new(),
        Ink::Name(code) => Style::new().fg(color(code)).add_modifier(Modifier::BOLD),
        Ink::Aside => Style::new().add_modifier(Modifier::DIM),
        Ink::Loud => Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
    }
}

/// The colour of a code of the terminal's: 31 to 36, and 91 to 96, which are bright.
const fn color(code: u8) -> Color {
    match code {
        31 => Color::Red,
        32 => Color::Green,
        33 => Color::Yellow,
        34 => Color::Blue,
        35 => Color::Magenta,
        36 => Color::Cyan,
        91 => Color::LightRed,
        92 => Color::LightGreen,
        93 => Color::LightYellow,
        94 => Color::LightBlue,
        95 => Color::LightMagenta,
        96 => Color::LightCyan,
        _ => Color::Reset,
    }
}
