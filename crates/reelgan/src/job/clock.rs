//! How long the parts of a job take.

use std::path::Path;
use std::time::Instant;

use reelgan_run::manifest::Timing;

/// A stopwatch with one hand for every part of the job.
pub(super) struct Clock {
    timing: Timing,
    stage: Option<&'static str>,
    since: Instant,
}

impl Clock {
    pub fn start() -> Self {
        let timing = Timing { threads: rayon::current_num_threads(), ..Timing::default() };
        Self { timing, stage: None, since: Instant::now() }
    }

    /// Adds the times of the parts of the run that came before, if they are known.
    pub fn add_earlier(&mut self, path: &Path) {
        // Times are for people to read: a run goes on without the earlier ones.
        let Ok(earlier) = Timing::read(path) else { return };
        for (stage, seconds) in earlier.seconds {
            *self.timing.seconds.entry(stage).or_default() += seconds;
        }
        self.timing.peak_memory = self.timing.peak_memory.max(earlier.peak_memory);
    }

    /// Ends the present part and begins another.
    pub fn enter(&mut self, stage: &'static str) {
        self.lap();
        self.stage = Some(stage);
    }

    /// The times up to now.
    pub fn timing(&mut self) -> Timing {
        self.lap();
        self.timing.peak_memory = self.timing.peak_memory.max(peak_memory());
        self.timing.clone()
    }

    fn lap(&mut self) {
        let now = Instant::now();
        if let Some(stage) = self.stage {
            let seconds = now.duration_since(self.since).as_secs_f64();
            *self.timing.seconds.entry(stage.to_string()).or_default() += seconds;
        }
        self.since = now;
    }
}

/// The most memory this process ever held, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
