//! Diagnostics on standard error: lines for people, or JSON for programs. Never a password, never the text of a message.

use std::fmt;
use std::io;

use clap::ValueEnum;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What marks the one line that programs wait for: it is written without the name of the program before it.
pub(crate) const ANNOUNCEMENT: &str = "announcement";

/// How diagnostics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people
    Text,
    /// An object of JSON a line
    Json,
}

/// What is worth a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// Why the server ends
    Error,
    /// And what an operator should mend
    Warn,
    /// And what an operator may want to know
    Info,
    /// And who logs in from where
    Debug,
}

/// Begins to write diagnostics. Whoever closed standard error does not want to read them.
pub(crate) fn start(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(false)
        .log_internal_errors(false);
    // It is called once, so nobody was there before.
    match format {
        LogFormat::Text => {
            lines.event_format(Lines).init();
        }
        LogFormat::Json => {
            lines.json().flatten_event(true).with_target(false).with_current_span(false).init();
        }
    }
}

/// Lines for people: `toomd: `, what is to be said, and its details.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != ANNOUNCEMENT {
            write!(writer, "toomd: ")?;
        }
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
