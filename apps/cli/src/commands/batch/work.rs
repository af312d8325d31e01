//! One clip of a batch: claimed, begun or continued, and remembered when it is done.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reelgan_run::atomic;
use reelgan_run::claim::{Claim, Taken};
use reelgan_run::manifest::{Manifest, State};
use serde::{Deserialize, Serialize};

use super::list::Item;
use crate::failure::INTERRUPTED;

/// The folder beside the outputs in which processes tell each other how far they are.
const FOLDER: &str = ".reelgan-batch";

/// How it stands with a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Everything was done now.
    Done,
    /// Everything was done before.
    Before,
    /// Another process works on it.
    Busy(String),
    /// It could not be done.
    Failed(String),
    /// The user asked to end.
    Interrupted,
}

/// Does what a clip needs; `program` is this one, `asked` whether the user wants to end.
pub fn work(item: &Item, program: &Path, asked: &dyn Fn() -> bool) -> Status {
    match try_work(item, program, asked) {
        Ok(status) => status,
        Err(error) => Status::Failed(crate::failure::message(&error)),
    }
}

fn try_work(item: &Item, program: &Path, asked: &dyn Fn() -> bool) -> Result<Status> {
    let places = Places::of(&item.output)?;
    let claim = match Claim::take(&places.lock, &who())? {
        Taken::Ours(claim) => claim,
        Taken::Theirs(who) => return Ok(Status::Busy(who)),
    };
    // Only now: another process may have finished it a moment ago.
    let mut receipt = Receipt::read(&places.receipt)?;
    let invert = item.invert();
    let calls = Calls { program, claim: &claim, places: &places, asked };
    let mut worked = false;
    if let Some(words) = next_of_run(item, &invert)? {
        worked = true;
        if let Some(ended) = calls.make(&words)? {
            return Ok(ended);
        }
        if next_of_run(item, &invert)?.is_some() {
            bail!("{} is not finished, though the command says so", item.output.display());
        }
    }
    for words in item.edits() {
        if receipt.edits.contains(&words) {
            continue;
        }
        worked = true;
        if let Some(ended) = calls.make(&words)? {
            return Ok(ended);
        }
        receipt.edits.push(words);
        receipt.write(&places.receipt)?;
    }
    Ok(if worked { Status::Done } else { Status::Before })
}

/// What is to be called for the run itself; nothing if it is finished.
fn next_of_run(item: &Item, invert: &[String]) -> Result<Option<Vec<String>>> {
    let Some((command, state)) = begun(&item.output)? else { return Ok(Some(invert.to_vec())) };
    if command.get(1..) != Some(invert) {
        bail!(
            "{} holds a run that was begun as `{}`; remove it, or give this clip another output",
            item.output.display(),
            command.join(" ")
        );
    }
    Ok(match state {
        State::Finished => None,
        State::Running => {
            let output = item.output.to_string_lossy().into_owned();
            Some(["invert".into(), "--resume".into(), "-o".into(), output].to_vec())
        }
    })
}

/// The words that a run was begun with and how far it is; none where nothing was begun.
fn begun(output: &Path) -> Result<Option<(Vec<String>, State)>> {
    const MOST: u64 = 64 << 20;
    let manifest = output.join("manifest.json");
    if manifest.is_file() {
        let manifest = Manifest::read(&manifest)?;
        return Ok(Some((manifest.command, manifest.state)));
    }
    // What a run leaves that was killed while it still read its input.
    let request = output.join("request.json");
    if !request.is_file() {
        return Ok(None);
    }
    let bytes = atomic::read(&request, MOST)?;
    let asked: serde_json::Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is damaged: remove the folder", request.display()))?;
    let words = asked.pointer("/request/command").cloned().unwrap_or_default();
    let words = serde_json::from_value(words)
        .with_context(|| format!("{} does not say how it was begun", request.display()))?;
    Ok(Some((words, State::Running)))
}

/// The edits that were made of a run.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Receipt {
    edits: Vec<Vec<String>>,
}

impl Receipt {
    fn read(path: &Path) -> Result<Self> {
        const MOST: u64 = 16 << 20;
        if !path.exists() {
            return Ok(Self::default());
        }
        let bytes = atomic::read(path, MOST)?;
        serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is damaged: remove it", path.display()))
    }

    fn write(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(atomic::write(path, &text)?)
    }
}

/// The files that stand for a clip.
#[derive(Debug)]
struct Places {
    lock: PathBuf,
    receipt: PathBuf,
    log: PathBuf,
}

impl Places {
    fn of(output: &Path) -> Result<Self> {
        let parent = output.parent().unwrap_or(Path::new(""));
        let folder = parent.join(FOLDER);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let name = output.file_name().context("an output without a name")?;
        let with = |ending: &str| {
            let mut file = OsString::from(name);
            file.push(ending);
            folder.join(file)
        };
        Ok(Self { lock: with(".lock"), receipt: with(".json"), log: with(".log") })
    }
}

/// How often it is looked whether a call has ended.
const TICK: Duration = Duration::from_millis(50);

struct Calls<'a> {
    program: &'a Path,
    claim: &'a Claim,
    places: &'a Places,
    asked: &'a dyn Fn() -> bool,
}

impl Calls<'_> {
    /// Calls this program with these words; `None` if that went well.
    fn make(&self, words: &[String]) -> Result<Option<Status>> {
        if (self.asked)() {
            return Ok(Some(Status::Interrupted));
        }
        let mut log = self.log()?;
        let begun = log.metadata().map_or(0, |m| m.len());
        std::io::Write::write_all(&mut log, format!("$ reelgan {}\n", words.join(" ")).as_bytes())
            .with_context(|| format!("cannot write {}", self.places.log.display()))?;
        let copy = log.try_clone().context("cannot open another file")?;
        let mut command = Command::new(self.program);
        command
            .args(words)
            // The child holds the claim as well: it may outlive this process.
            .stdin(self.claim.shared(&self.places.lock)?)
            .stdout(copy)
            .stderr(log);
        // Ctrl-C comes here alone, and is handed on once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child =
            command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        let (status, asked) = self.wait(child)?;
        if status.success() {
            return Ok(None);
        }
        if asked && status.code().is_none_or(|code| code == i32::from(INTERRUPTED)) {
            return Ok(Some(Status::Interrupted));
        }
        Ok(Some(Status::Failed(self.reason(begun, status))))
    }

    fn wait(&self, mut child: Child) -> Result<(ExitStatus, bool)> {
        let mut asked = false;
        loop {
            if let Some(status) = child.try_wait().context("cannot wait for a call")? {
                return Ok((status, asked));
            }
            if !asked && (self.asked)() {
                asked = true;
                ask_to_end(&mut child);
            }
            std::thread::sleep(TICK);
        }
    }

    fn log(&self) -> Result<File> {
        let path = &self.places.log;
        let opened = OpenOptions::new().create(true).append(true).open(path);
        opened.with_context(|| format!("cannot write {}", path.display()))
    }

    /// The last message of a call, and where the rest is.
    fn reason(&self, begun: u64, status: ExitStatus) -> String {
        let text = fs::read(&self.places.log).unwrap_or_default();
        let text = text.get(usize::try_from(begun).unwrap_or(0)..).unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        let said = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
        let said = said.map_or_else(|| format!("it ended with {status}"), String::from);
        format!("{said} (all it said: {})", self.places.log.display())
    }
}

/// As the system asks: the child saves what it has. Where that cannot be said, it is
/// ended; what it saved before is enough to go on.
fn ask_to_end(child: &mut Child) {
    let asked = cfg!(unix)
        && Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .stdin(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    if !asked {
        // It may have ended by itself, which is as good.
        let _ = child.kill();
    }
}

/// Machine and process, for whoever finds the claim taken.
fn who() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let on = if host.is_empty() { String::new() } else { format!(" on {host}") };
    format!("process {}{on}", std::process::id())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
