//! An encoder of any kind, from its file to codes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use burn::tensor::{Device, Tensor};
use reelgan_nets::Weights;
use reelgan_nets::encoders::{InDomainEncoder, Psp, PspKind};
use reelgan_nets::ops::resize_bilinear;
use reelgan_run::Images;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::resize::antialiased;
use crate::codes::Codes;
use crate::generator::{Identity, frame_tensor};
use crate::{Error, Result};

/// The kinds of encoders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncoderKind {
    /// pixel2style2pixel (Richardson et al. 2021).
    Psp,
    /// encoder4editing (Tov et al. 2021).
    E4e,
    /// In-domain inversion (Zhu et al. 2020).
    InDomain,
}

impl EncoderKind {
    /// All kinds.
    pub const ALL: [EncoderKind; 3] = [Self::Psp, Self::E4e, Self::InDomain];

    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Psp => "psp",
            Self::E4e => "e4e",
            Self::InDomain => "in-domain",
        }
    }
}

/// A frozen encoder: images to W+ codes of the generator it was trained with.
#[derive(Debug, Clone)]
pub struct Encoder {
    net: Net,
    identity: Identity,
    device: Device,
}

#[derive(Debug, Clone)]
enum Net {
    // Boxed: a hundred convolutions against a dozen.
    Psp(Box<Psp>),
    InDomain(Box<InDomainEncoder>),
}

impl Encoder {
    /// Loads an encoder; what it is follows from the names of its arrays, and `kind`
    /// settles it where they leave it open (pSp and e4e have the same names; files of
    /// their authors say which in their options).
    ///
    /// # Errors
    /// A file that cannot be read, is no encoder, or is another one than `kind`.
    pub fn open(path: &Path, kind: Option<EncoderKind>, device: &Device) -> Result<Self> {
        let checkpoint = reelgan_checkpoint::open(path)?;
        let net = if Psp::is_in(&checkpoint.arrays) {
            let psp = match kind {
                None => None,
                Some(EncoderKind::Psp) => Some(PspKind::Psp),
                Some(EncoderKind::E4e) => Some(PspKind::E4e),
                Some(EncoderKind::InDomain) => return Err(other_kind(path, "a pSp or e4e")),
            };
            Net::Psp(Box::new(Psp::from_checkpoint(checkpoint, psp, device)?))
        } else if checkpoint.arrays.contains_key("block0.conv.weight") {
            if kind.is_some_and(|kind| kind != EncoderKind::InDomain) {
                return Err(other_kind(path, "an in-domain"));
            }
            let weights = Weights::from_owned(InDomainEncoder::NETWORK, checkpoint.arrays);
            Net::InDomain(Box::new(InDomainEncoder::from_weights(weights, device)?))
        } else {
            return Err(Error::file(
                path,
                "is no encoder that is known here; give the weights of pSp, e4e or an in-domain encoder",
            ));
        };
        Ok(Self { net, identity: identity(path)?, device: device.clone() })
    }

    /// Takes an in-domain encoder that is already there.
    pub fn in_domain(net: InDomainEncoder, identity: Identity, device: Device) -> Self {
        Self { net: Net::InDomain(Box::new(net)), identity, device }
    }

    /// What it is.
    pub fn kind(&self) -> EncoderKind {
        match &self.net {
            Net::Psp(net) => match net.kind() {
                PspKind::Psp => EncoderKind::Psp,
                PspKind::E4e => EncoderKind::E4e,
            },
            Net::InDomain(_) => EncoderKind::InDomain,
        }
    }

    /// Name and hash of its weights.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Side of the images it was trained on, in pixels.
    pub fn side(&self) -> usize {
        match &self.net {
            Net::Psp(net) => net.side(),
            Net::InDomain(net) => net.side(),
        }
    }

    /// Rows of its codes.
    pub fn rows(&self) -> usize {
        match &self.net {
            Net::Psp(net) => net.rows(),
            Net::InDomain(net) => net.rows(),
        }
    }

    /// Width of a code row.
    pub fn dim(&self) -> usize {
        match &self.net {
            Net::Psp(net) => net.dim(),
            Net::InDomain(net) => net.dim(),
        }
    }

    /// Images `[N,3,S,S]` of any side, RGB, `[0,1]`, to codes `[N,L,D]`; differentiable
    /// in the images.
    ///
    /// They are resized as in training: with antialiasing for pSp and e4e, without for
    /// the in-domain encoder.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let side = self.side();
        match &self.net {
            Net::Psp(net) => net.encode(antialiased(images, side)),
            Net::InDomain(net) => net.encode(resize_bilinear(images, [side; 2])),
        }
    }

    /// The codes of square images of any size, one image at a time; `each` is told how
    /// many are done.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images are not square; codes that are not finite.
    pub fn encode(&self, images: &Images, each: &mut dyn FnMut(usize)) -> Result<Codes> {
        if images.height() != images.width() {
            return Err(Error::Shape {
                what: "images for an encoder".into(),
                expected: "squares; cut out the face".into(),
                got: format!("{}x{}", images.width(), images.height()),
            });
        }
        let mut data = Vec::with_capacity(images.count() * self.rows() * self.dim());
        for k in 0..images.count() {
            let codes = self.forward(frame_tensor(images, k, &self.device));
            data.extend(codes.into_data().try_into_vec::<f32>().expect("codes are f32"));
            if data.iter().any(|v| !v.is_finite()) {
                return Err(Error::Shape {
                    what: format!("the code of image {}", k + 1),
                    expected: "finite numbers".into(),
                    got: "others; the weights of the encoder are damaged".into(),
                });
            }
            each(k + 1);
        }
        Codes::new(self.rows(), self.dim(), data)
    }
}

fn other_kind(path: &Path, what: &str) -> Error {
    Error::file(path, format!("is {what} encoder; leave the kind out, or name that one"))
}

/// The file's name without its extension, and its SHA-256.
fn identity(path: &Path) -> Result<Identity> {
    let failed = |e: io::Error| Error::file(path, format!("cannot be read: {e}"));
    let mut hash = Sha256::new();
    let mut file = File::open(path).map_err(failed)?;
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece).map_err(failed)? {
            0 => break,
            n => hash.update(&piece[..n]),
        }
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Identity { name, sha256 })
}
