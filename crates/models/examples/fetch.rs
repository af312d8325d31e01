//! Fetches models into the standard cache: all of them, or those named.
//!
//! `cargo run -p reelgan-models --example fetch -- vgg16 carphone`

use std::io::{self, Write};
use std::process::ExitCode;

use reelgan_models::{FetchOptions, Progress, Store};

fn main() -> ExitCode {
    match fetch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error}");
            ExitCode::FAILURE
        }
    }
}

fn fetch() -> reelgan_models::Result<()> {
    let store = Store::standard()?;
    let mut names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        names = store.list()?.iter().map(|line| line.entry.name.to_string()).collect();
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut show = |progress: Progress| match progress {
        Progress::Downloading { done, total, .. } if done < total => {
            eprint!("\r{progress}");
            let _ = io::stderr().flush();
        }
        _ => eprintln!("\r{progress}"),
    };
    for path in store.fetch(&names, &FetchOptions::default(), &mut show)? {
        println!("{}", path.display());
    }
    Ok(())
}
