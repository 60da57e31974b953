//! Logs go to standard error, in the form that is asked for.
//!
//! Whatever a line is made of, it stays one line: texts of a portal may be part of it.

use std::io::{IsTerminal, Write};

use serde_json::json;
use tracing::field::Field;
use tracing_subscriber::{
    EnvFilter,
    fmt::{self, format::debug_fn},
    prelude::*,
};

use super::run::progress::WIPE;
use super::surroundings::Surroundings;
use crate::config::{Environment, Problems};

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
    /// For the journal: priority in front, no time.
    Journal,
}

/// What others log about connections is rarely meant by `RUST_LOG=trace`, and would bury our own
/// lines; name the crate there to see it all the same.
const OTHERS: &str = "h2=warn,hyper=warn,hyper_util=warn,mio=warn,reqwest=warn,rustls=warn,\
    rustls_platform_verifier=warn,tokio_cron_scheduler=warn,tower=warn,tower_http=warn,want=warn";

/// Starts logging. `RUST_LOG` beats `verbosity` (0 is `info`, 1 `debug`, 2 `trace`, -1 `warn`).
pub fn start(format: LogFormat, verbosity: i8, env: &dyn Environment) {
    let level = match verbosity {
        i8::MIN..=-2 => "error",
        -1 => "warn",
        0 => "info",
        1 => "debug",
        2.. => "trace",
    };
    let wanted = env
        .set(EnvFilter::DEFAULT_ENV)
        .and_then(|wanted| wanted.into_string().ok())
        .filter(|wanted| !wanted.trim().is_empty());
    let filter = wanted
        .as_ref()
        .map(|wanted| EnvFilter::try_new(format!("{OTHERS},{wanted}")));
    let misread = matches!(filter, Some(Err(_)));
    let filter = filter
        .and_then(Result::ok)
        .unwrap_or_else(|| EnvFilter::new(format!("warn,b24_tidyd={level}")));
    let registry = tracing_subscriber::registry().with(filter);
    let writer = std::io::stderr;
    let fields = debug_fn(write_field).delimited(" ");
    match format {
        LogFormat::Text => {
            let on_terminal = std::io::stderr().is_terminal();
            let layer = fmt::layer()
                .with_writer(move || Lines { on_terminal })
                .with_ansi(on_terminal)
                .with_target(false)
                .fmt_fields(fields);
            registry.with(layer).init();
        }
        LogFormat::Json => {
            let layer = fmt::layer().json().flatten_event(true).with_writer(writer);
            registry.with(layer).init();
        }
        LogFormat::Journal => {
            let layer = fmt::layer()
                .with_writer(writer)
                .with_ansi(false)
                .fmt_fields(fields)
                .event_format(Journal);
            registry.with(layer).init();
        }
    }
    if misread {
        tracing::warn!("RUST_LOG cannot be read and is not followed; write it as b24_tidyd=debug");
    }
}

/// Says why the program ends, in the form of the log, also where the log itself is off. A
/// standard error that cannot be written changes nothing about how the program ends.
pub(super) fn report(format: LogFormat, error: &anyhow::Error, world: &mut Surroundings) {
    let text = format!("{error:#}");
    // Each problem of a configuration begins with its file, for people and editors to go there.
    let name = match error.is::<Problems>() {
        true => "",
        false => "b24-tidyd: ",
    };
    let err = &mut world.err;
    for line in text.lines() {
        let _ = match format {
            LogFormat::Text => writeln!(err, "{name}{line}"),
            LogFormat::Journal => writeln!(err, "<3>{line}"),
            LogFormat::Json => {
                let now = format!("{:.6}", world.clock.now());
                let line = json!({"timestamp": now, "level": "ERROR", "message": line,
                    "target": env!("CARGO_CRATE_NAME")});
                writeln!(err, "{line}")
            }
        };
    }
}

/// Whole lines on standard error. On a terminal a bar may stand where the next one begins.
struct Lines {
    on_terminal: bool,
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let mut err = std::io::stderr().lock();
        if self.on_terminal {
            err.write_all(WIPE.as_bytes())?;
        }
        err.write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes one field so that it cannot end the line or steer a terminal.
fn write_field(
    writer: &mut fmt::format::Writer<'_>,
    field: &Field,
    value: &dyn std::fmt::Debug,
) -> std::fmt::Result {
    // Where another crate's line stands in its source is nobody's concern.
    if field.name().starts_with("log.") {
        return Ok(());
    }
    if field.name() != "message" {
        write!(writer, "{field}=")?;
    }
    for character in format!("{value:?}").chars() {
        if character.is_control() {
            write!(writer, "{}", character.escape_default())?;
        } else {
            writer.write_char(character)?;
        }
    }
    Ok(())
}

/// `<priority>message fields`, as the journal reads it from standard error.
struct Journal;

impl<S, N> fmt::FormatEvent<S, N> for Journal
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    N: for<'a> fmt::FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &fmt::FmtContext<'_, S, N>,
        mut writer: fmt::format::Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> std::fmt::Result {
        let priority = match *event.metadata().level() {
            tracing::Level::ERROR => 3,
            tracing::Level::WARN => 4,
            tracing::Level::INFO => 6,
            tracing::Level::DEBUG | tracing::Level::TRACE => 7,
        };
        write!(writer, "<{priority}>")?;
        context
            .field_format()
            .format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
