//! How the program ends when something went wrong.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::console::Paint;

const FAILED: u8 = 1;
const USAGE: u8 = 2;
/// What a shell reports for a program that Ctrl-C ended: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// How a command came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything is done.
    Complete,
    /// The user asked to end, and was told how to go on.
    Interrupted,
}

/// A command line that cannot be meant: exit code 2.
#[derive(Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Whoever read standard output has heard enough: `reelgan show run | head -1`.
#[derive(Debug)]
pub struct ReaderLeft;

impl fmt::Display for ReaderLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads standard output any more")
    }
}

impl std::error::Error for ReaderLeft {}

/// Says what went wrong and gives the exit code.
pub fn exit_code(ended: anyhow::Result<Ending>) -> ExitCode {
    let error = match ended {
        Ok(Ending::Complete) => return ExitCode::SUCCESS,
        Ok(Ending::Interrupted) => return ExitCode::from(INTERRUPTED),
        Err(error) if error.is::<ReaderLeft>() => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    let usage = error.is::<Usage>();
    let advice = if usage { "\n\nFor more information, try '--help'." } else { "" };
    say(&format!("{} {}{advice}", Paint::for_stderr().red("error:"), message(&error)));
    ExitCode::from(if usage { USAGE } else { FAILED })
}

/// An error and its causes in one line; a cause that was already said is left out.
pub fn message(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        if text.is_empty() {
            text = words;
        } else if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
    }
    text
}

/// Turns a panic into a message a user can act on; the exit code stays 101.
pub fn report_panics() {
    static SAID: AtomicBool = AtomicBool::new(false);
    std::panic::set_hook(Box::new(|info| {
        // One fault can take several threads down.
        if !SAID.swap(true, Ordering::SeqCst) {
            let what = info.payload_as_str().unwrap_or("no message");
            let place = info.location().map_or_else(|| "unknown place".into(), |l| l.to_string());
            say(&panic_report(what, &place));
        }
    }));
}

fn panic_report(what: &str, place: &str) -> String {
    format!(
        "error: this is a fault in reelgan {}, not in your input: {what} ({place}); please report it \
         with the command you ran and this message",
        env!("CARGO_PKG_VERSION")
    )
}

/// A line on standard error, if anybody is there to read it.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn causes_are_joined_and_not_repeated() {
        let inner = io::Error::other("the disk is full");
        let error = Err::<(), _>(inner).context("cannot write a.png").unwrap_err();
        assert_eq!(message(&error), "cannot write a.png: the disk is full");
        let error = error.context("cannot write a.png: the disk is full; free some space");
        assert_eq!(message(&error), "cannot write a.png: the disk is full; free some space");
    }

    #[test]
    fn a_panic_asks_for_a_report_and_names_the_place() {
        let text = panic_report("index out of bounds", "a.rs:3:4");
        assert!(text.starts_with("error: "), "{text}");
        for part in ["index out of bounds", "a.rs:3:4", "report it", env!("CARGO_PKG_VERSION")] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
