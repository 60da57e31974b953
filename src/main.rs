//! The program: build the runtime, run the command in the surroundings of this process, answer with its
//! exit code.

use std::process::ExitCode;

use b24_tidyd::cli::{self, exit::exit_of, surroundings::Surroundings};

fn main() -> ExitCode {
    let mut world = Surroundings::of_process();
    // Threads resolve names, nothing else; the unit allows for 32 tasks.
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(8)
            .enable_all()
            .build()
    };
    match world.has_room_for_files().and_then(|()| runtime()) {
        Ok(runtime) => {
            let exit = runtime.block_on(cli::run(std::env::args_os(), &mut world));
            // A name that is still being resolved may take half a minute: nobody waits for it any more.
            runtime.shutdown_background();
            exit.into()
        }
        Err(error) => {
            eprintln!("b24-tidyd: {error}; close what holds so many files, or raise the limit");
            exit_of(&error.into()).into()
        }
    }
}
