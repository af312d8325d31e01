//! What identity is measured with.

use reelgan_run::Images;

use crate::Result;
use crate::face::FaceReader;

/// Describes the face in a picture by a vector: faces of one person lie close together.
pub trait Embedder {
    /// Short name that ends the names of the metrics, such as `dlib`.
    fn name(&self) -> &str;

    /// The descriptor of the face in frame `k`; none if no face is found.
    ///
    /// # Errors
    /// What keeps the picture from being looked at.
    fn embed(&self, images: &Images, k: usize) -> Result<Option<Vec<f32>>>;
}

/// The identity network of the face networks, on the face found most surely.
impl Embedder for FaceReader {
    fn name(&self) -> &str {
        "faceapi"
    }

    fn embed(&self, images: &Images, k: usize) -> Result<Option<Vec<f32>>> {
        let faces = self.faces(images, k)?;
        let descriptor = faces.first().map(|face| self.describe(images, k, face)).transpose()?;
        Ok(descriptor.map(|d| d.values().to_vec()))
    }
}

/// A name and a function.
impl<F: Fn(&Images, usize) -> Result<Option<Vec<f32>>>> Embedder for (&str, F) {
    fn name(&self) -> &str {
        self.0
    }

    fn embed(&self, images: &Images, k: usize) -> Result<Option<Vec<f32>>> {
        (self.1)(images, k)
    }
}

impl<E: Embedder + ?Sized> Embedder for &E {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn embed(&self, images: &Images, k: usize) -> Result<Option<Vec<f32>>> {
        (**self).embed(images, k)
    }
}

impl<E: Embedder + ?Sized> Embedder for std::sync::Arc<E> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn embed(&self, images: &Images, k: usize) -> Result<Option<Vec<f32>>> {
        (**self).embed(images, k)
    }
}
