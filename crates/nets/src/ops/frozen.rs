//! The bridge between burn and our own CPU kernels: an operator with frozen
//! weights, its forward pass and its gradient, on plain slices.
//!
//! burn dispatches to the flex (CPU) back end at run time; the automatic
//! differentiation of that back end calls [`FrozenOp::backward`].

use std::fmt::Debug;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchDevice, Flex, backend_extension};
use burn::tensor::{Device, Tensor, TensorData};

/// A contiguous f32 array: dimensions and row-major numbers.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Size of each axis.
    pub dims: &'a [usize],
    /// The numbers.
    pub data: &'a [f32],
}

impl View<'_> {
    /// `[N,C,H,W]` of a rank-4 array.
    pub fn nchw(&self) -> [usize; 4] {
        self.dims.try_into().expect("an image-like operand has four axes")
    }
}

/// An operator with frozen weights on plain slices.
pub trait FrozenOp: Debug + Send + Sync + 'static {
    /// Numbers and shape of the output.
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>);

    /// Gradient to each input that is `wanted`, given the gradient `grad` of the
    /// output; numbers only, shapes are those of the inputs.
    fn backward(
        &self,
        inputs: &[View],
        output: View,
        grad: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>>;
}

type Op = Arc<dyn FrozenOp>;
type Primitive = FloatTensor<Flex>;

/// The extension of burn's back ends by our operators, one method an arity.
#[backend_extension(Flex, Autodiff)]
pub trait FrozenOps: Backend {
    /// One input.
    fn frozen1(x: FloatTensor<Self>, op: Op) -> FloatTensor<Self>;
    /// Two inputs, such as a map and its style.
    fn frozen2(x: FloatTensor<Self>, s: FloatTensor<Self>, op: Op) -> FloatTensor<Self>;
    /// Three inputs, such as a map, its style and its noise.
    fn frozen3(
        x: FloatTensor<Self>,
        s: FloatTensor<Self>,
        n: FloatTensor<Self>,
        op: Op,
    ) -> FloatTensor<Self>;
}

fn dims(x: &Primitive) -> Vec<usize> {
    x.layout().shape().iter().copied().collect()
}

fn slice(x: &Primitive) -> &[f32] {
    x.as_slice::<f32>().expect("operands are f32 and contiguous")
}

fn primitive(data: Vec<f32>, dims: Vec<usize>) -> Primitive {
    Primitive::from_data(TensorData::new(data, dims))
}

fn run_forward<const N: usize>(inputs: &[Primitive; N], op: &Op) -> Primitive {
    let shapes = inputs.each_ref().map(dims);
    let views: [View; N] =
        std::array::from_fn(|i| View { dims: &shapes[i], data: slice(&inputs[i]) });
    let (data, shape) = op.forward(&views);
    primitive(data, shape)
}

fn contiguous<const N: usize>(inputs: [Primitive; N]) -> [Primitive; N] {
    inputs.map(|x| x.to_contiguous())
}

impl FrozenOps for Flex {
    fn frozen1(x: Primitive, op: Op) -> Primitive {
        run_forward(&contiguous([x]), &op)
    }
    fn frozen2(x: Primitive, s: Primitive, op: Op) -> Primitive {
        run_forward(&contiguous([x, s]), &op)
    }
    fn frozen3(x: Primitive, s: Primitive, n: Primitive, op: Op) -> Primitive {
        run_forward(&contiguous([x, s, n]), &op)
    }
}

/// What the backward pass needs: inputs and output (shared, not copied) and the operator.
#[derive(Debug, Clone)]
struct Saved<const N: usize> {
    inputs: [Primitive; N],
    output: Primitive,
    op: Op,
}

#[derive(Debug)]
struct FrozenBackward;

impl<const N: usize> Backward<Flex, N> for FrozenBackward {
    type State = Saved<N>;

    fn backward(
        self,
        ops: Ops<Saved<N>, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let Saved { inputs, output, op } = ops.state;
        let wanted: Vec<bool> = ops.parents.iter().map(Option::is_some).collect();
        let shapes = inputs.each_ref().map(dims);
        let output_dims = dims(&output);
        let results = {
            let views: [View; N] =
                std::array::from_fn(|i| View { dims: &shapes[i], data: slice(&inputs[i]) });
            let output = View { dims: &output_dims, data: slice(&output) };
            op.backward(&views, output, slice(&grad), &wanted)
        };
        for ((parent, result), shape) in ops.parents.into_iter().zip(results).zip(shapes) {
            if let Some(node) = parent {
                let data = result.expect("an operator returns every gradient it is asked for");
                grads.register::<Flex>(node.id, primitive(data, shape));
            }
        }
    }
}

fn tracked<C: CheckpointStrategy, const N: usize>(
    inputs: [FloatTensor<Autodiff<Flex, C>>; N],
    op: Op,
) -> FloatTensor<Autodiff<Flex, C>>
where
    FrozenBackward: Backward<Flex, N, State = Saved<N>>,
{
    let nodes = inputs.each_ref().map(|x| x.node());
    let inputs = contiguous(inputs.map(|x| x.into_primitive()));
    let output = run_forward(&inputs, &op);
    match FrozenBackward.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let saved = Saved { inputs, output: output.clone(), op };
            prep.finish(saved, output)
        }
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

impl<C: CheckpointStrategy> FrozenOps for Autodiff<Flex, C> {
    fn frozen1(x: FloatTensor<Self>, op: Op) -> FloatTensor<Self> {
        tracked::<C, 1>([x], op)
    }
    fn frozen2(x: FloatTensor<Self>, s: FloatTensor<Self>, op: Op) -> FloatTensor<Self> {
        tracked::<C, 2>([x, s], op)
    }
    fn frozen3(
        x: FloatTensor<Self>,
        s: FloatTensor<Self>,
        n: FloatTensor<Self>,
        op: Op,
    ) -> FloatTensor<Self> {
        tracked::<C, 3>([x, s, n], op)
    }
}

/// Whether tensors of this device can go through our own kernels.
pub fn has_kernels(device: &Device) -> bool {
    matches!(device.clone().inner().as_dispatch(), DispatchDevice::Flex(_))
}

pub(super) fn apply1<const A: usize, const O: usize>(x: Tensor<A>, op: Op) -> Tensor<O> {
    Tensor::from_dispatch(<Dispatch as FrozenOps>::frozen1(x.into_dispatch(), op))
}

pub(super) fn apply2<const A: usize, const B: usize, const O: usize>(
    x: Tensor<A>,
    s: Tensor<B>,
    op: Op,
) -> Tensor<O> {
    Tensor::from_dispatch(<Dispatch as FrozenOps>::frozen2(
        x.into_dispatch(),
        s.into_dispatch(),
        op,
    ))
}

pub(super) fn apply3<const A: usize, const B: usize, const C: usize, const O: usize>(
    x: Tensor<A>,
    s: Tensor<B>,
    n: Tensor<C>,
    op: Op,
) -> Tensor<O> {
    Tensor::from_dispatch(<Dispatch as FrozenOps>::frozen3(
        x.into_dispatch(),
        s.into_dispatch(),
        n.into_dispatch(),
        op,
    ))
}
