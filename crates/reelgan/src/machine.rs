//! What a program sets up once for the machine it runs on.

use reelgan_nets::ops::cpu::memory;
use reelgan_nets::ops::cpu::simd::Isa;

use crate::{Error, Result};

/// Makes the allocator keep memory between steps and checks the instruction set that
/// the environment asks for; a program calls it once, at its start.
///
/// # Errors
/// [`Error::Setting`] if `REELGAN_ISA` names no instruction set, or one that this CPU
/// lacks; without this call the best one would be taken in silence.
pub fn prepare() -> Result<()> {
    memory::keep_pages();
    Isa::from_environment().map_err(|e| Error::setting("instruction set", e.to_string()))?;
    Ok(())
}
