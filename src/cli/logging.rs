//! Logs go to standard error, in the form that is asked for.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

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

/// Starts logging. `RUST_LOG` beats `verbosity` (0 is `info`, 1 `debug`, 2 `trace`, -1 `warn`).
pub fn start(format: LogFormat, verbosity: i8) {
    let level = match verbosity {
        i8::MIN..=-2 => "error",
        -1 => "warn",
        0 => "info",
        1 => "debug",
        2.. => "trace",
    };
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,b24_tidyd={level}")));
    let registry = tracing_subscriber::registry().with(filter);
    let writer = std::io::stderr;
    match format {
        LogFormat::Text => registry
            .with(fmt::layer().with_writer(writer).with_target(false))
            .init(),
        LogFormat::Json => {
            registry
                .with(fmt::layer().json().flatten_event(true).with_writer(writer))
                .init();
        }
        LogFormat::Journal => {
            let layer = fmt::layer()
                .with_writer(writer)
                .with_ansi(false)
                .event_format(Journal);
            registry.with(layer).init();
        }
    }
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
