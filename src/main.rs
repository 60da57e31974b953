//! The program: parse, build the runtime, turn the outcome into an exit code.

use std::process::ExitCode;

use b24_tidyd::cli::{
    Cli,
    exit::{Exit, exit_of},
    logging,
};
use clap::Parser;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors. A closed pipe is nobody's concern.
            let _ = error.print();
            return match error.use_stderr() {
                true => Exit::Usage.into(),
                false => Exit::Done.into(),
            };
        }
    };
    let format = cli.global.log_format;
    // Threads resolve names, nothing else; the unit allows for 32 tasks.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(8)
        .enable_all()
        .build();
    let outcome = runtime.map_err(Into::into).and_then(|runtime| {
        let outcome = runtime.block_on(cli.run());
        // A name that is still being resolved may take half a minute: nobody waits for it any more.
        runtime.shutdown_background();
        outcome
    });
    outcome.map_or_else(
        |error| exit_of(&logging::report(format, error)).into(),
        Into::into,
    )
}
