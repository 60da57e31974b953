//! The program: parse, build the runtime, turn the outcome into an exit code.

use std::process::ExitCode;

use b24_tidyd::cli::{
    Cli,
    exit::{Exit, exit_of},
};
use clap::Parser;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors. A closed pipe is nobody's concern.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
            .into();
        }
    };
    // Threads resolve names, nothing else; the unit allows for 32 tasks.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(8)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("b24-tidyd: {error:#}");
            exit_of(&error).into()
        }
    }
}
