//! Stages of a task: each is timed, the first failure ends the task.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// One step of a task.
pub struct Stage {
    name: &'static str,
    work: Work,
}

enum Work {
    /// A part of this program.
    Task(fn(&Path, &[String]) -> Result<()>),
    /// Another program, with its environment.
    Program { words: Vec<&'static str>, env: &'static [(&'static str, &'static str)] },
}

impl Stage {
    /// A part of this program.
    pub fn task(name: &'static str, task: fn(&Path, &[String]) -> Result<()>) -> Self {
        Self { name, work: Work::Task(task) }
    }

    /// A cargo command line, without the word cargo.
    pub fn cargo(name: &'static str, line: &'static str) -> Self {
        Self { name, work: Work::Program { words: line.split_whitespace().collect(), env: &[] } }
    }

    /// The same with variables added to the environment.
    pub fn with_env(mut self, variables: &'static [(&'static str, &'static str)]) -> Self {
        if let Work::Program { env, .. } = &mut self.work {
            *env = variables;
        }
        self
    }

    fn run(&self, root: &Path) -> Result<()> {
        match &self.work {
            Work::Task(task) => task(root, &[]),
            Work::Program { words, env } => run_cargo(root, words, env),
        }
    }
}

/// The cargo that runs this program.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn run_cargo(root: &Path, words: &[&str], env: &[(&str, &str)]) -> Result<()> {
    let mut command = cargo();
    command.args(words).envs(env.iter().copied()).current_dir(root);
    let status =
        command.status().with_context(|| format!("cannot run cargo {}", words.join(" ")))?;
    if !status.success() {
        bail!("cargo {} ended with {status}", words.join(" "));
    }
    Ok(())
}

/// Whether stages after a failure still run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The first failure ends the task.
    Stop,
    /// Every stage runs; the task fails if one did.
    KeepGoing,
}

/// Runs stages in order and prints a table of what became of them.
pub fn run_all(root: &Path, stages: &[Stage], on_failure: OnFailure) -> Result<()> {
    let start = Instant::now();
    let mut outcomes: Vec<(&str, Outcome)> = Vec::new();
    for stage in stages {
        if on_failure == OnFailure::Stop && outcomes.iter().any(|(_, o)| o.failed()) {
            outcomes.push((stage.name, Outcome::Skipped));
            continue;
        }
        println!("\n=== {}", stage.name);
        let begin = Instant::now();
        let result = stage.run(root);
        let took = begin.elapsed();
        if let Err(error) = &result {
            println!("{error:#}");
        }
        println!(
            "=== {}: {} in {}",
            stage.name,
            if result.is_ok() { "ok" } else { "FAILED" },
            seconds(took)
        );
        outcomes.push((
            stage.name,
            if result.is_ok() { Outcome::Ok(took) } else { Outcome::Failed(took) },
        ));
    }
    println!("\n{}", table(&outcomes, start.elapsed()));
    let failed: Vec<&str> =
        outcomes.iter().filter(|(_, o)| o.failed()).map(|&(name, _)| name).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

enum Outcome {
    Ok(Duration),
    Failed(Duration),
    Skipped,
}

impl Outcome {
    fn failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

fn table(outcomes: &[(&str, Outcome)], total: Duration) -> String {
    let mut text = String::new();
    for (name, outcome) in outcomes {
        let (word, time) = match outcome {
            Outcome::Ok(took) => ("ok", seconds(*took)),
            Outcome::Failed(took) => ("FAILED", seconds(*took)),
            Outcome::Skipped => ("not run", String::new()),
        };
        let _ = writeln!(text, "{name:<12} {word:<8} {time:>9}");
    }
    let _ = write!(text, "{:<12} {:<8} {:>9}", "total", "", seconds(total));
    text
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn good(_: &Path, _: &[String]) -> Result<()> {
        Ok(())
    }

    fn bad(_: &Path, _: &[String]) -> Result<()> {
        bail!("no")
    }

    #[test]
    fn a_failure_fails_the_task_and_is_named() {
        let stages = [Stage::task("one", good), Stage::task("two", bad)];
        let error = run_all(Path::new("."), &stages, OnFailure::Stop).unwrap_err();
        assert_eq!(error.to_string(), "failed: two");
    }

    #[test]
    fn later_stages_run_only_when_asked() {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        fn counted(_: &Path, _: &[String]) -> Result<()> {
            RUNS.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        let stages = [Stage::task("one", bad), Stage::task("two", counted)];
        assert!(run_all(Path::new("."), &stages, OnFailure::Stop).is_err());
        assert_eq!(RUNS.load(Ordering::SeqCst), 0);
        assert!(run_all(Path::new("."), &stages, OnFailure::KeepGoing).is_err());
        assert_eq!(RUNS.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn the_table_names_every_stage() {
        let ms = Duration::from_millis;
        let outcomes = [
            ("fmt", Outcome::Ok(ms(1250))),
            ("tests", Outcome::Failed(ms(61000))),
            ("docs", Outcome::Skipped),
        ];
        let expected = "fmt          ok           1.2 s\ntests        FAILED      61.0 s\n\
                        docs         not run           \ntotal                    62.3 s";
        assert_eq!(table(&outcomes, ms(62250)).lines().count(), 4);
        assert_eq!(table(&outcomes, ms(62300)), expected);
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_its_command_line() {
        let error = Stage::cargo("x", "no-such-command-of-cargo").run(Path::new(".")).unwrap_err();
        assert!(
            error.to_string().starts_with("cargo no-such-command-of-cargo ended with"),
            "{error}"
        );
    }
}
