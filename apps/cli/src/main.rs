//! `reelgan`: turn a video or several photos of one person into editable codes of a
//! face generator, and edit with them.
//!
//! ```text
//! arguments   words -> Command (clap)         commands/*   one file a command:
//! settings    the flags of an inversion                    resolve -> call the library -> show
//! config      preset < TOML file < flags      console      what is said, and where
//! watcher     a job's notices -> meter        meter        progress on standard error
//! interrupt   Ctrl-C and SIGTERM              failure      errors -> one message, an exit code
//! ```

use std::process::ExitCode;

mod arguments;
mod commands;
mod config;
mod console;
mod failure;
mod frames;
mod interrupt;
mod meter;
mod quantity;
mod settings;
mod spelling;
mod tools;
mod watcher;

// The system's allocator hands large tensors back at once and pays for every page
// again at the next step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    failure::report_panics();
    let cli = match arguments::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let ended = match reelgan::machine::prepare() {
        Ok(()) => commands::run(cli),
        Err(error) => Err(error.into()),
    };
    failure::exit_code(ended)
}
