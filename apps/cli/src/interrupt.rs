//! Ctrl-C and SIGTERM: the first ends the work where it can be taken up again, the
//! second ends the program at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};

use crate::failure::INTERRUPTED;
use crate::meter::Voice;

static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Listens from now on. Before, a signal simply ends the program.
///
/// # Errors
/// A system that does not allow it.
pub fn listen(voice: Voice) -> Result<()> {
    ctrlc::set_handler(move || {
        if ASKED.fetch_add(1, Ordering::SeqCst) > 0 {
            // Files appear whole or not at all, so this leaves nothing half-written.
            std::process::exit(INTERRUPTED.into());
        }
        voice.say("stopping after the present step; once more stops at once and keeps what was last saved");
    })
    .context("cannot listen for Ctrl-C")
}

/// Whether the user asked to end.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst) > 0
}
