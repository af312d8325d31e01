//! How exactly gradients are computed.

use std::ops::Deref;

use reelgan_nets::ops::cpu::simd::Isa;
use serde::{Deserialize, Serialize};

use crate::generator::Generator;
use crate::{Error, Result};

/// The numbers that the gradients of the generator are multiplied from. They are summed in f32, and
/// images are f32 throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 24 bits of significand.
    #[default]
    F32,
    /// 8 bits: quicker on a CPU with instructions for them (AVX512-BF16). The gradient to W+ is
    /// wrong by 0.4 % (root mean square), by f32 kernels 0.08 %.
    Bf16,
}

/// The generator of the steps: the one given, or one made of it.
pub(super) enum Stepping<'a> {
    Given(&'a dyn Generator),
    Made(Box<dyn Generator>),
}

impl<'a> Deref for Stepping<'a> {
    type Target = dyn Generator + 'a;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Given(generator) => *generator,
            Self::Made(generator) => generator.as_ref(),
        }
    }
}

impl Precision {
    /// Refuses what [`Inverter::new`](super::Inverter::new) would refuse, before anything is done.
    ///
    /// # Errors
    /// [`Error::Setting`] where the generator or the CPU cannot, or gains nothing.
    pub fn check(self, generator: &dyn Generator) -> Result<()> {
        self.of(generator).map(drop)
    }

    /// The generator whose gradients have this precision.
    ///
    /// # Errors
    /// [`Error::Setting`] where the generator or the CPU cannot, or gains nothing.
    pub(super) fn of(self, generator: &dyn Generator) -> Result<Stepping<'_>> {
        let cannot = |why: &str| Error::setting("gradients", format!("{why}; take f32"));
        match self {
            Self::F32 => Ok(Stepping::Given(generator)),
            Self::Bf16 if !Isa::active().has_bf16() => {
                Err(cannot("this CPU multiplies bf16 no faster, it lacks AVX512-BF16"))
            }
            Self::Bf16 => generator.with_bf16_gradients().map(Stepping::Made).ok_or_else(|| {
                cannot(&format!("{} has gradients in f32 only", generator.identity().name))
            }),
        }
    }
}
