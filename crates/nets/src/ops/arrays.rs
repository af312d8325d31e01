//! Large constants that their keeper can hand out and take back.

use std::io;

use burn::tensor::{Tensor, TensorData};

/// Holds large arrays that can be put elsewhere while they are not needed.
///
/// A visitor may take the numbers of an array, leaving it empty, and put the same numbers back on
/// a later visit. In between, nothing else may be asked of their keeper.
pub trait Arrays {
    /// Visits every array, always in the same order.
    ///
    /// # Errors
    /// The visitor's, at the first array that it fails on; the keeper is then of no more use.
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()>;
}

/// What is done with an array.
pub type Visitor<'a> = dyn FnMut(&mut Vec<f32>) -> io::Result<()> + 'a;

impl Arrays for Tensor<4> {
    /// One array: all numbers of `[N,C,H,W]`. While they are away it is `[0,C,H,W]`.
    fn visit(&mut self, visitor: &mut Visitor) -> io::Result<()> {
        let [_, c, h, w] = self.dims();
        let device = self.device();
        let data = |n, numbers| TensorData::new(numbers, [n, c, h, w]);
        let away = Tensor::from_data(data(0, Vec::<f32>::new()), &device);
        let numbers = std::mem::replace(self, away).into_data().try_into_vec::<f32>();
        let mut numbers = numbers.expect("constants are f32");
        visitor(&mut numbers)?;
        *self = Tensor::from_data(data(numbers.len() / (c * h * w), numbers), &device);
        Ok(())
    }
}
