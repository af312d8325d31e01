//! The joint inversion (paper eq. 12): find base code and steps whose
//! reconstructions minimise the objective.

mod adam;
mod config;
mod event;
mod in_domain;
mod inverter;
pub(crate) mod losses;
mod noise;
mod path;
mod precision;
mod preset;
mod schedule;
mod state;
mod stop;
mod variables;
mod whitening;
mod windows;

pub use adam::{Adam, AdamConfig};
pub use config::{InvertConfig, LeadLosses, NoiseMode, Offsets, StartCode};
pub use event::{Event, Observer, Silent, StepRecord};
pub use in_domain::{InDomainConfig, InDomainInversion, InDomainInverter, InDomainStep};
pub use inverter::{Inversion, Inverter};
pub use noise::{NoiseConfig, NoiseStage, Space};
pub use path::Path;
pub use precision::Precision;
pub use preset::Preset;
pub use schedule::Schedule;
pub use state::{Best, State};
pub use stop::{StopConfig, StopReason};
pub use variables::Variables;
pub use whitening::Axes;
pub use windows::{Place, Window, WindowConfig, windows};
