//! Faces in pictures: where they are, their 68 landmarks, who they are, how old,
//! what they express.
//!
//! [`FaceReader`] runs the face networks, each on the crop it was made for:
//!
//! ```text
//! detection   the whole picture
//! landmarks   the detection box
//! identity    a square about eyes and mouth, from the landmarks
//! the others  the box of the landmarks, a little larger
//! ```
//!
//! ```no_run
//! use reelgan::face::FaceReader;
//! use reelgan::prelude::*;
//!
//! # fn main() -> Result<()> {
//! let reader = FaceReader::open(&Store::standard()?, &Device::flex())?;
//! let picture = media::read("portrait.jpg".as_ref())?.images;
//! for found in reader.detect(&picture, 0)? {
//!     let face = reader.landmarks(&picture, 0, found)?;
//!     let (age, who) = (reader.age_gender(&picture, 0, &face)?, reader.describe(&picture, 0, &face)?);
//!     println!("{:?}: {:.0} years, {:.2} from itself", found.area, age.years, who.distance(&who));
//! }
//! # Ok(())
//! # }
//! ```

mod answers;
mod area;
mod attribute;
mod pose;
mod reader;

pub use answers::{AgeGender, Descriptor, Detection, Expressions, Face};
pub use area::Area;
pub use attribute::{Attribute, Reading, Unit};
pub use pose::Pose;
pub use reader::{FACE_NETS, FaceReader, Finding};
