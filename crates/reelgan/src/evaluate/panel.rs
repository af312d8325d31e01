//! Which metrics are taken.

use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::Device;
use reelgan_models::Store;
use reelgan_nets::perceptual::Lpips;

use crate::face::{FACE_NETS, FaceReader, Finding};
use crate::metric::niqe::NiqeLuma;
use crate::metric::{
    Comparison, Flicker, Identity, IdentitySteps, LpipsAt, LpipsSize, Metric, Motion, Mse, Niqe,
    Psnr, Quality, Ssim, WarpError,
};
use crate::perceptual;
use crate::{Error, Result};

/// What a metric cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A model of the catalogue.
    Model(&'static str),
    /// Torchvision's SqueezeNet, from a file.
    SqueezeNet,
    /// Neighbouring frames.
    Sequence,
    /// Neighbouring frames, and a model of the catalogue.
    SequenceAndModel(&'static str),
}

/// Every metric of pairs by name, what it needs, and whether it is taken unasked.
pub const NAMES: [(&str, Needs, bool); 17] = [
    ("mse", Needs::Nothing, true),
    ("psnr", Needs::Nothing, true),
    ("ssim_gauss11_rgb", Needs::Nothing, true),
    ("lpips_vgg_256", Needs::Model(perceptual::VGG16), true),
    ("lpips_vgg_native", Needs::Model(perceptual::VGG16), false),
    ("lpips_alex_256", Needs::Model(perceptual::ALEXNET), true),
    ("lpips_alex_native", Needs::Model(perceptual::ALEXNET), false),
    ("lpips_squeeze_256", Needs::SqueezeNet, true),
    ("lpips_squeeze_native", Needs::SqueezeNet, false),
    ("niqe_gray", Needs::Nothing, true),
    ("niqe_y", Needs::Nothing, false),
    ("flicker_luma", Needs::Sequence, true),
    ("warp_mse", Needs::Sequence, true),
    ("identity_cosine_faceapi", Needs::Model(FACE_NETS), true),
    ("identity_distance_faceapi", Needs::Model(FACE_NETS), false),
    ("identity_steps_cosine_faceapi", Needs::SequenceAndModel(FACE_NETS), true),
    ("identity_steps_distance_faceapi", Needs::SequenceAndModel(FACE_NETS), false),
];

/// Where networks come from.
#[derive(Debug, Clone)]
pub struct Networks<'a> {
    /// The cache of models.
    pub store: &'a Store,
    /// A checkpoint of torchvision's `squeezenet1_1`.
    pub squeezenet: Option<PathBuf>,
    /// Where to compute.
    pub device: Device,
}

/// Metrics, loaded.
#[derive(Default)]
pub struct Panel {
    /// Of a picture and its reference.
    pub metrics: Vec<Box<dyn Metric>>,
    /// Of a picture on its own.
    pub qualities: Vec<Box<dyn Quality>>,
    /// Of steps between frames.
    pub motions: Vec<Box<dyn Motion>>,
}

impl Panel {
    /// Loads the metrics of those names.
    ///
    /// # Errors
    /// [`Error::Setting`] for a name that is none, or for one that needs a file that was
    /// not given; a model that was not fetched (the error says how).
    pub fn of(names: &[String], networks: &Networks<'_>) -> Result<Self> {
        let mut panel = Self::default();
        let mut trunks = Trunks { networks, vgg: None, alex: None, squeeze: None, faces: None };
        for name in names {
            panel.add(name, &mut trunks)?;
        }
        Ok(panel)
    }

    /// Loads whatever can be had of those taken unasked; also returns what was left out
    /// and why. `sequence` says whether neighbouring frames belong together.
    ///
    /// # Errors
    /// A model that is there and cannot be used.
    pub fn available(networks: &Networks<'_>, sequence: bool) -> Result<(Self, Vec<String>)> {
        let (mut names, mut left_out) = (Vec::new(), Vec::new());
        for (name, needs, unasked) in NAMES {
            match needs {
                _ if !unasked => {}
                Needs::Sequence | Needs::SequenceAndModel(_) if !sequence => {}
                Needs::SqueezeNet if networks.squeezenet.is_none() => {}
                Needs::Model(model) | Needs::SequenceAndModel(model) => match networks.store.path(model) {
                    Err(reelgan_models::Error::Missing { .. }) => left_out.push(format!(
                        "{name} is left out: its network is not here; run `reelgan models fetch {model}`"
                    )),
                    // Whatever else is wrong is told when it is loaded.
                    _ => names.push(name.to_string()),
                },
                _ => names.push(name.to_string()),
            }
        }
        Ok((Self::of(&names, networks)?, left_out))
    }

    /// The names of all metrics whose needs can be met by a fetch or were met by a flag.
    pub fn all(networks: &Networks<'_>, sequence: bool) -> Vec<String> {
        let met = |needs: &Needs| match needs {
            Needs::Sequence | Needs::SequenceAndModel(_) => sequence,
            Needs::SqueezeNet => networks.squeezenet.is_some(),
            Needs::Nothing | Needs::Model(_) => true,
        };
        NAMES.iter().filter(|(_, needs, _)| met(needs)).map(|(name, ..)| name.to_string()).collect()
    }

    fn add(&mut self, name: &str, trunks: &mut Trunks<'_, '_>) -> Result<()> {
        let size = match name.ends_with("_native") {
            true => LpipsSize::Native,
            false => LpipsSize::Side256,
        };
        let device = trunks.networks.device.clone();
        let sized = |lpips: Lpips| -> Box<dyn Metric> {
            Box::new(LpipsAt::new(lpips, size, device.clone()))
        };
        match name {
            "mse" => self.metrics.push(Box::new(Mse)),
            "psnr" => self.metrics.push(Box::new(Psnr)),
            "ssim_gauss11_rgb" => self.metrics.push(Box::new(Ssim)),
            "lpips_vgg_256" | "lpips_vgg_native" => self.metrics.push(sized(trunks.vgg()?)),
            "lpips_alex_256" | "lpips_alex_native" => self.metrics.push(sized(trunks.alex()?)),
            "lpips_squeeze_256" | "lpips_squeeze_native" => {
                self.metrics.push(sized(trunks.squeeze(name)?))
            }
            "niqe_gray" => self.qualities.push(Box::new(Niqe { luma: NiqeLuma::Gray })),
            "niqe_y" => self.qualities.push(Box::new(Niqe { luma: NiqeLuma::Y })),
            "flicker_luma" => self.motions.push(Box::new(Flicker)),
            "warp_mse" => self.motions.push(Box::new(WarpError)),
            "identity_cosine_faceapi" | "identity_distance_faceapi" => {
                self.metrics.push(Box::new(Identity::new(trunks.faces()?, comparison(name))));
            }
            "identity_steps_cosine_faceapi" | "identity_steps_distance_faceapi" => {
                self.motions.push(Box::new(IdentitySteps::new(trunks.faces()?, comparison(name))));
            }
            _ => {
                let known: Vec<&str> = NAMES.iter().map(|(name, ..)| *name).collect();
                let problem = format!("`{name}` is no metric; there are {}", known.join(", "));
                return Err(Error::setting("metrics", problem));
            }
        }
        Ok(())
    }
}

/// Networks that more than one metric may share, loaded when first asked for.
struct Trunks<'n, 'a> {
    networks: &'n Networks<'a>,
    vgg: Option<Lpips>,
    alex: Option<Lpips>,
    squeeze: Option<Lpips>,
    faces: Option<Arc<FaceReader>>,
}

fn comparison(name: &str) -> Comparison {
    if name.contains("cosine") { Comparison::Cosine } else { Comparison::Distance }
}

impl Trunks<'_, '_> {
    fn vgg(&mut self) -> Result<Lpips> {
        if let Some(lpips) = &self.vgg {
            return Ok(lpips.clone());
        }
        let nets = perceptual::open(self.networks.store, &self.networks.device)?;
        Ok(self.vgg.insert(nets.lpips().clone()).clone())
    }

    fn alex(&mut self) -> Result<Lpips> {
        if let Some(lpips) = &self.alex {
            return Ok(lpips.clone());
        }
        let lpips = perceptual::lpips_alex(self.networks.store, &self.networks.device)?;
        Ok(self.alex.insert(lpips).clone())
    }

    fn faces(&mut self) -> Result<Arc<FaceReader>> {
        if let Some(faces) = &self.faces {
            return Ok(faces.clone());
        }
        // Crops for a generator are filled by the face, which the detector scores low.
        let finding = Finding { threshold: 0.3, ..Finding::default() };
        let faces = FaceReader::with(self.networks.store, finding, &self.networks.device)?;
        Ok(self.faces.insert(Arc::new(faces)).clone())
    }

    fn squeeze(&mut self, name: &str) -> Result<Lpips> {
        if let Some(lpips) = &self.squeeze {
            return Ok(lpips.clone());
        }
        let Some(file) = &self.networks.squeezenet else {
            let problem = format!(
                "{name} needs torchvision's squeezenet1_1 checkpoint; give it with --squeezenet FILE"
            );
            return Err(Error::setting("metrics", problem));
        };
        let lpips = perceptual::lpips_squeeze(file, &self.networks.device)?;
        Ok(self.squeeze.insert(lpips).clone())
    }
}
