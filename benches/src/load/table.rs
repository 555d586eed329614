//! Servers side by side: the same load on each in turn, several rounds, and the medians as tables.

use core::fmt;
use std::path::{Path, PathBuf};

use super::server::{Encryption, Server, Store};
use super::{FanOut, Lag, LoadError, Pace, Plan};

/// How long the texts are.
const BODY_BYTES: usize = 100;
/// How many posts of one poster may be unanswered.
const WINDOW: usize = 64;
/// Where delays are of no interest.
const SAMPLED: usize = 10;

/// Room for all that 64 posters have under way: with a few receivers the load's one thread is slower than the server.
const OUTBOX: Option<&str> = Some("outbox-bytes=16777216");

const MEMORY: Server = Server::Toom(Store::Memory, Encryption::Plain);

/// One row: a load.
struct Load {
    name: &'static str,
    receivers: usize,
    posters: usize,
    messages: usize,
    pace: Pace,
    /// A bound of `toomd` that is not to be what decides.
    limit: Option<&'static str>,
    /// The server's processor time for a delivery that is to be met, in microseconds.
    goal: Option<f64>,
}

/// One column: a server.
struct Column {
    name: &'static str,
    server: Server,
}

const SERVERS: [Column; 4] = [
    Column { name: "floor", server: Server::Floor },
    Column { name: "Redis", server: Server::Redis },
    Column { name: "NATS", server: Server::Nats },
    Column { name: "TOOM", server: MEMORY },
];

const FAN_OUT: [Load; 3] = [
    Load {
        name: "1,000 receivers, saturated",
        receivers: 1000,
        posters: 10,
        messages: 10_000,
        pace: Pace::Window(WINDOW),
        limit: None,
        goal: Some(0.20),
    },
    Load {
        name: "100 receivers, saturated",
        receivers: 100,
        posters: 10,
        messages: 100_000,
        pace: Pace::Window(WINDOW),
        limit: None,
        goal: Some(0.12),
    },
    Load {
        name: "1,000 receivers, one message at a time",
        receivers: 1000,
        posters: 1,
        messages: 500,
        pace: Pace::OneAtATime,
        limit: None,
        goal: Some(5.8),
    },
];

const STORES: [Column; 3] = [
    Column { name: "memory", server: MEMORY },
    Column { name: "file, synced", server: Server::Toom(Store::Sync, Encryption::Plain) },
    Column { name: "file, buffered", server: Server::Toom(Store::Buffered, Encryption::Plain) },
];

const POSTING: [Load; 3] = [
    Load {
        name: "1,000 receivers",
        receivers: 1000,
        posters: 64,
        messages: 10_000,
        pace: Pace::Window(WINDOW),
        limit: OUTBOX,
        goal: None,
    },
    Load {
        name: "10 receivers",
        receivers: 10,
        posters: 64,
        messages: 500_000,
        pace: Pace::Window(WINDOW),
        limit: OUTBOX,
        goal: None,
    },
    Load {
        name: "1 receiver",
        receivers: 1,
        posters: 64,
        messages: 1_000_000,
        pace: Pace::Window(WINDOW),
        limit: OUTBOX,
        goal: None,
    },
];

/// The medians of what a load gave, server by server.
#[derive(Debug)]
struct Row {
    name: &'static str,
    goal: Option<f64>,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    micros: f64,
    rate: f64,
}

/// Tables of medians, as Markdown.
#[derive(Debug)]
pub struct Tables {
    rounds: usize,
    servers: Vec<Row>,
    stores: Vec<Row>,
}

impl Tables {
    /// Runs every load on every server, in turn, `rounds` times; `tell` is told of each run.
    ///
    /// # Errors
    /// If a server is missing, or a run fails.
    pub fn measure(rounds: usize, folder: &Path, mut tell: impl FnMut(&str)) -> Result<Self, LoadError> {
        let mut rows = |loads: &[Load], columns: &[Column]| {
            let row = |load| row(load, columns, rounds, folder, &mut tell);
            loads.iter().map(row).collect::<Result<Vec<_>, _>>()
        };
        let (servers, stores) = (rows(&FAN_OUT, &SERVERS)?, rows(&POSTING, &STORES)?);
        Ok(Self { rounds, servers, stores })
    }
}

fn row(
    load: &Load,
    columns: &[Column],
    rounds: usize,
    folder: &Path,
    tell: &mut impl FnMut(&str),
) -> Result<Row, LoadError> {
    let mut runs: Vec<Vec<Cell>> = vec![Vec::new(); columns.len()];
    for round in 1..=rounds {
        for (column, runs) in columns.iter().zip(&mut runs) {
            let figures = load.fan_out(column.server, folder.to_owned()).run()?;
            let cell = Cell { micros: figures.server_micros(), rate: figures.deliveries_a_second() };
            tell(&format!("round {round}: {}, {}: {:.3} µs", load.name, column.name, cell.micros));
            runs.push(cell);
        }
    }
    let cells = runs.into_iter().map(|runs| median(&runs)).collect();
    Ok(Row { name: load.name, goal: load.goal, cells })
}

impl Load {
    fn fan_out(&self, server: Server, folder: PathBuf) -> FanOut {
        let plan = Plan {
            messages: self.messages,
            body_bytes: BODY_BYTES,
            pace: self.pace,
            lag: Lag::Fails,
            held: 0,
            sampled: SAMPLED,
        };
        let limits = self.limit.iter().map(|&limit| limit.to_owned()).collect();
        FanOut { server, folder, receivers: self.receivers, posters: self.posters, plan, limits }
    }
}

/// The middle of each kind of figure, by itself.
fn median(runs: &[Cell]) -> Cell {
    let middle = |figure: fn(&Cell) -> f64| {
        let mut figures: Vec<f64> = runs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Cell { micros: middle(|cell| cell.micros), rate: middle(|cell| cell.rate) }
}

impl fmt::Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Medians of {} rounds.\n", self.rounds)?;
        write!(f, "| server CPU a delivery, µs |")?;
        SERVERS.iter().try_for_each(|column| write!(f, " {} |", column.name))?;
        writeln!(f, " goal |\n| --- |{} --- |", " --- |".repeat(SERVERS.len()))?;
        for row in &self.servers {
            write!(f, "| {} |", row.name)?;
            row.cells.iter().try_for_each(|cell| write!(f, " {} |", digits(cell.micros)))?;
            writeln!(f, " {} |", row.goal.map(digits).unwrap_or_default())?;
        }
        write!(f, "\n| deliveries a second |")?;
        SERVERS.iter().try_for_each(|column| write!(f, " {} |", column.name))?;
        writeln!(f, "\n| --- |{}", " --- |".repeat(SERVERS.len()))?;
        for row in &self.servers {
            write!(f, "| {} |", row.name)?;
            row.cells.iter().try_for_each(|cell| write!(f, " {} |", thousands(cell.rate)))?;
            writeln!(f)?;
        }
        write!(f, "\n| 64 posters: deliveries a second |")?;
        STORES.iter().try_for_each(|column| write!(f, " {} |", column.name))?;
        writeln!(f, " synced to memory |\n| --- |{} --- |", " --- |".repeat(STORES.len()))?;
        for row in &self.stores {
            write!(f, "| {} |", row.name)?;
            row.cells.iter().try_for_each(|cell| write!(f, " {} |", thousands(cell.rate)))?;
            let rate = |place: usize| row.cells.get(place).map_or(f64::NAN, |cell| cell.rate);
            writeln!(f, " {:.2} |", rate(1) / rate(0))?;
        }
        Ok(())
    }
}

/// Two digits that count, or a few more.
fn digits(micros: f64) -> String {
    if micros < 1.0 { format!("{micros:.3}") } else { format!("{micros:.1}") }
}

/// In thousands, or in millions.
fn thousands(rate: f64) -> String {
    if rate < 1e6 { format!("{:.0} k", rate / 1e3) } else { format!("{:.1} M", rate / 1e6) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_of_each_kind_of_figure() {
        let runs = [(1.0, 30.0), (9.0, 10.0), (2.0, 20.0)].map(|(micros, rate)| Cell { micros, rate });
        let Cell { micros, rate } = median(&runs);
        assert_eq!((micros, rate), (2.0, 20.0));
    }

    #[test]
    fn figures_are_shown_with_the_digits_that_count() {
        assert_eq!([0.0694, 6.34].map(digits), ["0.069", "6.3"]);
        assert_eq!([158_300.0, 3_510_000.0].map(thousands), ["158 k", "3.5 M"]);
    }

    #[test]
    fn tables_have_a_cell_for_every_server_and_store() {
        let row = |columns: usize| {
            let cells = vec![Cell { micros: 0.5, rate: 2e6 }; columns];
            vec![Row { name: "a load", goal: Some(0.2), cells }]
        };
        let tables = Tables { rounds: 3, servers: row(SERVERS.len()), stores: row(STORES.len()) };
        let shown = tables.to_string();
        assert!(shown.contains("| a load | 0.500 | 0.500 | 0.500 | 0.500 | 0.200 |"), "{shown}");
        assert!(shown.contains("| a load | 2.0 M | 2.0 M | 2.0 M | 1.00 |"), "{shown}");
    }
}
