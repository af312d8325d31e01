//! Project tasks: `cargo xtask COMMAND`.
//!
//! A command is one file that ends in a `COMMAND` constant; the list below is all
//! that ties it in.

mod bench;
mod ci;
mod command;
mod layers;
mod lex;
mod peers;
mod stage;
mod test;
mod tree;
mod words;

use std::process::ExitCode;

use command::Command;

const COMMANDS: &[Command] =
    &[ci::COMMAND, test::COMMAND, layers::COMMAND, words::COMMAND, bench::COMMAND];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next();
    let rest: Vec<String> = args.collect();
    let Some(command) = COMMANDS.iter().find(|c| Some(c.name) == name.as_deref()) else {
        return usage(name.as_deref());
    };
    match (command.run)(&tree::root(), &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {}: {error:#}", command.name);
            ExitCode::FAILURE
        }
    }
}

fn usage(asked: Option<&str>) -> ExitCode {
    println!("Usage: cargo xtask COMMAND\n");
    for command in COMMANDS {
        println!("  {:<8} {}", command.name, command.about);
    }
    match asked {
        None | Some("help" | "--help" | "-h") => ExitCode::SUCCESS,
        Some(name) => {
            eprintln!("\nxtask: no command `{name}`");
            ExitCode::FAILURE
        }
    }
}
