//! Codes to images.

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_run::Images;

use super::{Generator, Noise};
use crate::codes::Codes;
use crate::{Error, Result};

/// Renders every code, one at a time, and hands each image to `each` with its
/// number (from 0), so memory does not grow with the number of codes.
///
/// # Errors
/// [`Error::Shape`] if the codes do not fit the generator; an image that is not
/// finite; whatever `each` returns.
pub fn render_each(
    generator: &dyn Generator,
    codes: &Codes,
    noise: &Noise,
    each: &mut dyn FnMut(usize, Images) -> Result<()>,
) -> Result<()> {
    check(generator, codes)?;
    for k in 0..codes.count() {
        let image = generator.synthesize(code_tensor(generator, codes.code(k)), noise);
        each(k, to_images(image)?)?;
    }
    Ok(())
}

/// Renders every code with the generator's fixed noise and keeps the images.
///
/// # Errors
/// As [`render_each`].
pub fn render(generator: &dyn Generator, codes: &Codes) -> Result<Images> {
    let mut frames = Vec::with_capacity(codes.count());
    render_each(generator, codes, &generator.fixed_noise(), &mut |_, image| {
        frames.push(image);
        Ok(())
    })?;
    Ok(Images::from_frames(frames)?)
}

/// One code `[L,D]` as a tensor `[1,L,D]`.
pub(crate) fn code_tensor(generator: &dyn Generator, code: &[f32]) -> Tensor<3> {
    let data = TensorData::new(code.to_vec(), [1, generator.rows(), generator.dim()]);
    Tensor::from_data(data, generator.device())
}

/// `[N,3,H,W]` in `[0,1]` to plain images.
pub(crate) fn to_images(image: Tensor<4>) -> Result<Images> {
    let [n, _, h, w] = image.dims();
    let data = image.into_data().try_into_vec::<f32>().expect("images are f32");
    Ok(Images::new(n, h, w, data)?)
}

/// Frame `k` of plain images as a tensor `[1,3,H,W]`.
pub(crate) fn frame_tensor(images: &Images, k: usize, device: &Device) -> Tensor<4> {
    picture_tensor(images.frame(k).to_vec(), [images.height(), images.width()], device)
}

/// One picture `[3,H,W]` as a tensor `[1,3,H,W]`.
pub(crate) fn picture_tensor(
    values: Vec<f32>,
    [height, width]: [usize; 2],
    device: &Device,
) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values, [1, 3, height, width]), device)
}

fn check(generator: &dyn Generator, codes: &Codes) -> Result<()> {
    if (codes.rows(), codes.dim()) == (generator.rows(), generator.dim()) {
        return Ok(());
    }
    Err(Error::Shape {
        what: "codes".into(),
        expected: format!(
            "[N,{},{}] for {}",
            generator.rows(),
            generator.dim(),
            generator.identity()
        ),
        got: format!("[{},{},{}]", codes.count(), codes.rows(), codes.dim()),
    })
}
