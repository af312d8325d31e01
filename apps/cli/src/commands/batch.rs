//! `reelgan batch`: many clips, by one process or many.

mod list;
mod work;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use self::list::Item;
use self::work::Status;
use crate::console::Console;
use crate::failure::Ending;
use crate::interrupt;
use crate::quantity::{counted, duration};

const EXAMPLES: &str = "\
The list holds a line for each clip, words as in a shell:
  talk.mp4  runs/talk  --preset fast
  'my clip.mp4' runs/mine

or is a .csv with the columns input, output, options, edit, or a .toml:
  options = \"--preset fast\"
  edits = [\"--along motion=1.5\"]
  [[clip]]
  input = \"talk.mp4\"
  output = \"runs/talk\"

Examples:
  reelgan batch clips.txt
  reelgan batch clips.txt --shard 2/8           every eighth clip, from the second
  reelgan batch clips.toml --options --npy      a word for every clip; quote several

Any number of processes may share a list: each clip is done by one of them. What is done is skipped, what
was interrupted goes on, and a clip that fails does not keep the others from being done.";

/// Invert (and edit) many clips; may be started several times, on several machines
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The list: lines, .csv or .toml; paths are relative to the working folder
    #[arg(value_name = "LIST")]
    list: PathBuf,
    /// Do only part K of N of the list, 1/N to N/N [default: all that nobody else does]
    #[arg(long, value_name = "K/N", default_value = "1/1")]
    shard: Shard,
    /// Words for `reelgan invert` before those of each clip
    #[arg(
        long,
        value_name = "WORDS",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    options: String,
}

/// A part of a list: every `of`-th entry, from the `number`-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shard {
    number: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(format!(
                "`{text}` is no part of a list; write K/N with K from 1 to N, such as 2/8"
            )),
        }
    }
}

/// Does it.
pub fn run(arguments: &Arguments, console: &mut Console) -> Result<Ending> {
    let common = list::words(&arguments.options).context("--options")?;
    let items = list::read(&arguments.list, &common)?;
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    interrupt::listen(console.meter.voice())?;
    let Shard { number, of } = arguments.shard;
    let chosen: Vec<(usize, &Item)> =
        items.iter().enumerate().skip(number - 1).step_by(of).collect();
    let mut told: Vec<Option<(Status, f64)>> = vec![None; chosen.len()];
    // What others were at comes round once more: they may have been stopped.
    for round in 0..2 {
        for (slot, (k, item)) in told.iter_mut().zip(&chosen) {
            if slot.as_ref().is_some_and(|(status, _)| !matches!(status, Status::Busy(_))) {
                continue;
            }
            if interrupt::asked() {
                break;
            }
            let begun = Instant::now();
            let status = work::work(item, &program, &interrupt::asked);
            let elapsed = begun.elapsed();
            let again = round > 0 && matches!(status, Status::Busy(_));
            if !again {
                console.line(&format!(
                    "[{}/{}] {}",
                    k + 1,
                    items.len(),
                    words(item, &status, elapsed)
                ))?;
            }
            *slot = Some((status, elapsed.as_secs_f64()));
        }
    }
    finish(&chosen, &told, console)
}

fn words(item: &Item, status: &Status, elapsed: std::time::Duration) -> String {
    let output = item.output.display();
    match status {
        Status::Done => format!("{output}: done in {}", duration(elapsed)),
        Status::Before => format!("{output}: was done before"),
        Status::Busy(who) if who.is_empty() => format!("{output}: another process is at it"),
        Status::Busy(who) => format!("{output}: {who} is at it"),
        Status::Failed(why) => format!("{output}: failed: {why}"),
        Status::Interrupted => format!("{output}: interrupted"),
    }
}

fn finish(
    chosen: &[(usize, &Item)],
    told: &[Option<(Status, f64)>],
    console: &mut Console,
) -> Result<Ending> {
    let is = |wanted: fn(&Status) -> bool| told.iter().flatten().filter(|(s, _)| wanted(s)).count();
    let failed = is(|s| matches!(s, Status::Failed(_)));
    let busy = is(|s| matches!(s, Status::Busy(_)));
    let (done, before) = (is(|s| *s == Status::Done), is(|s| *s == Status::Before));
    let interrupted = told.iter().any(|t| matches!(t, None | Some((Status::Interrupted, _))));
    let data = json!({
        "done": done,
        "done_before": before,
        "busy": busy,
        "failed": failed,
        "interrupted": interrupted,
        "clips": chosen.iter().zip(told).map(|((_, item), told)| data(item, told.as_ref())).collect::<Vec<_>>(),
    });
    console.outcome(&data, || {
        format!(
            "{}: {done} done, {before} before, {busy} by others, {failed} failed",
            counted(chosen.len(), "clip")
        )
    })?;
    if interrupted {
        console.tell("interrupted: the same command goes on");
        return Ok(Ending::Interrupted);
    }
    if failed > 0 {
        bail!(
            "{failed} of {} failed; all others are done or in work",
            counted(chosen.len(), "clip")
        );
    }
    Ok(Ending::Complete)
}

fn data(item: &Item, told: Option<&(Status, f64)>) -> Value {
    let (status, seconds) = told.map_or((&Status::Interrupted, 0.0), |(status, s)| (status, *s));
    let (word, detail) = match status {
        Status::Done => ("done", None),
        Status::Before => ("done before", None),
        Status::Busy(who) => ("busy", Some(who)),
        Status::Failed(why) => ("failed", Some(why)),
        Status::Interrupted => ("interrupted", None),
    };
    json!({
        "input": item.input,
        "output": item.output,
        "status": word,
        "detail": detail,
        "seconds": seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards() {
        assert_eq!("2/8".parse(), Ok(Shard { number: 2, of: 8 }));
        for wrong in ["", "2", "0/8", "9/8", "a/b", "1/0", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
