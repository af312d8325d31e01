//! Turn a video, or several photos of one person, into codes of a pretrained
//! face generator, faithful and editable, and edit with them.
//!
//! An implementation of "From Continuity to Editability: Inverting GANs with
//! Consecutive Images" (Xu et al., ICCV 2021). One module a stage:
//!
//! ```text
//! generator   codes in, images in [0,1] out; mapping, sampling, rendering
//! face        faces in pictures: boxes, landmarks, identity, age, expression
//! codes       codes, trajectories w_k = w_1 + n_1 + ... (eq. 2-3), directions
//! align       clips to crops of one face: detection, tracks, template, smoothing
//! flow        dense optical flow between the input frames
//! encode      images to codes in one pass: pSp, e4e, in-domain
//! loss        the terms: pixel (eq. 9), perceptual (eq. 10), consistency (eq. 8)
//! objective   their weighted sum (eq. 11), one frame at a time
//! invert      the optimisation (eq. 12): configuration, presets, loop, state
//! directions  learned from scored samples, found in the weights, shipped
//! edit        along directions (eq. 1), between codes
//! paste       edited crops back into their frames: mask, colour, video
//! metric      how good pictures, sequences and sets are
//! synth       sequences with known codes and edits
//! search      directions learned without labels
//! job         an inversion bound to a run folder: inputs, resume, pictures, report
//! evaluate    measuring pictures that are there: runs, pairs, sets
//! ```
//!
//! # Example
//! ```no_run
//! use reelgan::prelude::*;
//!
//! # fn main() -> Result<()> {
//! let models = Store::standard()?;
//! let device = Device::flex();
//! let generator = generator::open(&models, generator::DEFAULT_GENERATOR, &device)?;
//! let perceptual = perceptual::open(&models, &device)?;
//!
//! let clip = Clip::open("talk.mp4")?;
//! let frames = clip.read(Selection { start: 10, stride: 2, count: Some(5) })?.images;
//! let face = Crop { x: 40.0, y: 8.0, size: 112.0, angle: 0.0 };
//! let faces = frames.fit(face, generator.resolution())?;
//! let flow = DenseFlow::default();
//! let run = Inverter::new(&generator, &perceptual, &flow, InvertConfig::default())?
//!     .run(&faces, &mut Silent)?;
//!
//! let motion = Direction::motion(&run.trajectory, None, generator.identity())?;
//! let edit = Edit::by(motion, 1.5).on(Rows::range(0, 8));
//! let edited = edited(&generator, &run.codes(), &[edit])?;
//! let images = generator::render(&generator, &edited)?;
//! media::write_png("edited.png".as_ref(), &images, 0, media::Origin::Synthetic)?;
//! # Ok(())
//! # }
//! ```

pub mod align;
pub mod codes;
pub mod directions;
pub mod edit;
pub mod encode;
mod error;
pub mod evaluate;
pub mod face;
pub mod flow;
pub mod generator;
pub mod invert;
pub mod job;
pub mod loss;
pub mod machine;
pub mod metric;
pub mod objective;
pub mod paste;
pub mod perceptual;
pub mod prelude;
pub mod search;
mod spectrum;
pub mod spelling;
pub mod synth;

pub use error::{Error, Result};

/// What every exported file says about itself.
pub use reelgan_run::media::SYNTHETIC_NOTE as NOTICE;
