//! The face networks, each on the crop it was made for.

use burn::tensor::{Device, Tensor};
use reelgan_models::{Kind, Store};
use reelgan_nets::faces::{self, Detector, Expression, Landmarks68};
use reelgan_nets::{Weights, faces::FaceBox};
use reelgan_run::{Images, Landmarks};

use super::answers::{AgeGender, Descriptor, Detection, Expressions, Face};
use super::area::{Area, Pixels};
use crate::generator::{Identity, frame_tensor, identity};
use crate::{Error, Result};

/// Name of the weights in the catalogue.
pub const FACE_NETS: &str = "face-nets";

/// How faces are looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// The longer side of a picture is brought to so many pixels, a multiple of 32:
    /// more finds smaller faces and takes longer.
    pub side: usize,
    /// Faces with a lower score are left out, `[0,1]`; 0.3 is safer for faces that
    /// fill the picture.
    pub threshold: f64,
}

impl Default for Finding {
    fn default() -> Self {
        Self { side: Detector::SIDE, threshold: 0.5 }
    }
}

/// Finds faces and reads them.
#[derive(Debug, Clone)]
pub struct FaceReader {
    detector: Detector,
    threshold: f64,
    landmarks: Landmarks68,
    identity: faces::Identity,
    age_gender: faces::AgeGender,
    expression: Expression,
    weights: Identity,
    device: Device,
}

/// The largest side of the detector's input: 16 times the memory of the usual one.
const MAX_SIDE: usize = 4 * Detector::SIDE;

impl FaceReader {
    /// Loads the networks with the usual settings; the file's SHA-256 is checked.
    ///
    /// # Errors
    /// Weights that were not fetched (the error says how), a changed file, wrong weights.
    pub fn open(store: &Store, device: &Device) -> Result<Self> {
        Self::with(store, Finding::default(), device)
    }

    /// As [`FaceReader::open`], with other settings.
    ///
    /// # Errors
    /// [`Error::Setting`] for a side that is no multiple of 32 or too large, or a
    /// threshold outside `[0,1]`; else as [`FaceReader::open`].
    pub fn with(store: &Store, finding: Finding, device: &Device) -> Result<Self> {
        let Finding { side, threshold } = finding;
        if side == 0 || !side.is_multiple_of(32) || side > MAX_SIDE {
            let problem = format!("{side} is no multiple of 32 from 32 to {MAX_SIDE}");
            return Err(Error::setting("side of the face detector", problem));
        }
        if !(0.0..=1.0).contains(&threshold) {
            let problem = format!("{threshold} is not between 0 and 1");
            return Err(Error::setting("threshold of the face detector", problem));
        }
        let weights = Weights::open(faces::NETWORK, &store.path_as(FACE_NETS, Kind::FaceNets)?)?;
        Ok(Self {
            detector: Detector::from_weights(&weights, side, device)?,
            threshold,
            landmarks: Landmarks68::from_weights(&weights, device)?,
            identity: faces::Identity::from_weights(&weights, device)?,
            age_gender: faces::AgeGender::from_weights(&weights, device)?,
            expression: Expression::from_weights(&weights, device)?,
            weights: identity(store, FACE_NETS)?,
            device: device.clone(),
        })
    }

    /// Name and hash of the weights.
    pub fn weights(&self) -> &Identity {
        &self.weights
    }

    /// The identity network itself, for a loss.
    pub fn identity_network(&self) -> &faces::Identity {
        &self.identity
    }

    /// The faces of picture `k` (from 0), the surest first; none is no error.
    ///
    /// # Range  images `[0,1]`
    /// # Errors
    /// [`Error::Frame`] if there is no such picture.
    pub fn detect(&self, images: &Images, k: usize) -> Result<Vec<Detection>> {
        check_frame(images, k)?;
        let picture = frame_tensor(images, k, &self.device);
        let found = self.detector.detect(picture, self.threshold);
        Ok(found.into_iter().map(detection).collect())
    }

    /// The landmarks of a face that was found in picture `k`.
    ///
    /// # Errors
    /// [`Error::Frame`]; [`Error::Shape`] if the detection has no pixel in the picture.
    pub fn landmarks(&self, images: &Images, k: usize, found: Detection) -> Result<Face> {
        let (crop, pixels) = self.crop(images, k, found.area)?;
        let points = self.landmarks.forward(crop);
        let points = points.into_data().try_into_vec::<f32>().expect("f32");
        // The points count from the corner of the detection, not from that of the
        // crop, as in the package of the network.
        let (pairs, _) = points.as_chunks::<2>();
        let landmarks: Vec<[f64; 2]> = pairs
            .iter()
            .map(|&[x, y]| [f64::from(x) + found.area.x, f64::from(y) + found.area.y])
            .collect();
        Ok(Face { detection: found, landmarks: Landmarks::try_from(landmarks)?, crop: pixels })
    }

    /// The faces of picture `k` with their landmarks, the surest first.
    ///
    /// # Errors
    /// As [`FaceReader::detect`].
    pub fn faces(&self, images: &Images, k: usize) -> Result<Vec<Face>> {
        let found = self.detect(images, k)?;
        // A face that has hardly a pixel in the picture cannot be read.
        let visible = found.into_iter().filter(|d| inside(images, d.area).is_some());
        visible.map(|found| self.landmarks(images, k, found)).collect()
    }

    /// Who a face of picture `k` is.
    ///
    /// # Errors
    /// [`Error::Frame`]; [`Error::Shape`] if the landmarks lie outside the picture.
    pub fn describe(&self, images: &Images, k: usize, face: &Face) -> Result<Descriptor> {
        let area = Area::of_identity(&face.landmarks, face.crop);
        let (crop, _) = self.crop(images, k, area)?;
        let values = self.identity.forward(crop);
        let values = values.into_data().try_into_vec::<f32>().expect("f32");
        Ok(Descriptor::new(values.try_into().expect("one descriptor")))
    }

    /// How old a face of picture `k` seems, and of which gender.
    ///
    /// # Errors
    /// As [`FaceReader::describe`].
    pub fn age_gender(&self, images: &Images, k: usize, face: &Face) -> Result<AgeGender> {
        let (crop, _) = self.crop(images, k, Area::around(&face.landmarks))?;
        let (age, male) = self.age_gender.forward(crop);
        let number = |t: Tensor<1>| f64::from(t.into_scalar::<f32>());
        Ok(AgeGender { years: number(age), male: number(male) })
    }

    /// What a face of picture `k` expresses.
    ///
    /// # Errors
    /// As [`FaceReader::describe`].
    pub fn expressions(&self, images: &Images, k: usize, face: &Face) -> Result<Expressions> {
        let (crop, _) = self.crop(images, k, Area::around(&face.landmarks))?;
        let values = self.expression.forward(crop);
        let values = values.into_data().try_into_vec::<f32>().expect("f32");
        Ok(Expressions(std::array::from_fn(|k| f64::from(values[k]))))
    }

    /// Part of a picture as a tensor, and which pixels it is.
    fn crop(&self, images: &Images, k: usize, area: Area) -> Result<(Tensor<4>, Pixels)> {
        check_frame(images, k)?;
        let pixels @ [x, y, width, height] = inside(images, area).ok_or_else(|| Error::Shape {
            what: "part of the picture that holds the face".into(),
            expected: format!("pixels of {}x{}", images.width(), images.height()),
            got: format!("{}x{} at {},{}", area.width, area.height, area.x, area.y),
        })?;
        // Only this part, however large the picture is.
        let plane = images.height() * images.width();
        let mut data = Vec::with_capacity(3 * width * height);
        for channel in images.frame(k).chunks_exact(plane) {
            for row in channel.chunks_exact(images.width()).skip(y).take(height) {
                data.extend_from_slice(&row[x..x + width]);
            }
        }
        let data = burn::tensor::TensorData::new(data, [1, 3, height, width]);
        Ok((Tensor::from_data(data, &self.device), pixels))
    }
}

fn inside(images: &Images, area: Area) -> Option<Pixels> {
    area.inside(images.height(), images.width())
}

fn detection(found: FaceBox) -> Detection {
    let FaceBox { x, y, width, height, score } = found;
    Detection { area: Area { x, y, width, height }, score }
}

fn check_frame(images: &Images, k: usize) -> Result<()> {
    if k < images.count() {
        return Ok(());
    }
    Err(Error::Frame { asked: k.saturating_add(1), count: images.count() })
}
