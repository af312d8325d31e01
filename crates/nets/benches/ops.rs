//! Every CPU operator at the sizes of one step: least milliseconds, GFLOP/s, GB/s.
//!
//! `cargo bench --bench ops [-- PART OF A NAME]`. The least of many runs, since it is
//! the operator that is measured here and not what else the machine does. FLOP are
//! those of the definition (so that Winograd's algorithm can pass the peak), bytes
//! those that must be read and written once.

use std::hint::black_box;
use std::time::Instant;

use reelgan_nets::ops::cpu::conv3x3::Conv3x3Plan;
use reelgan_nets::ops::cpu::pointwise::PointwisePlan;
use reelgan_nets::ops::cpu::separable::SeparablePlan;
use reelgan_nets::ops::cpu::warp::WarpPlan;
use reelgan_nets::ops::cpu::{haar, memory, pool, resize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs of each operator.
const RUNS: usize = 20;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    memory::keep_pages();
    let mut table = Table { wanted, total: 0.0 };
    generator(&mut table, false);
    table.sum("the generator");
    generator(&mut table, true);
    table.sum("the generator, gradients by bf16");
    vgg(&mut table);
    table.sum("VGG16");
    images(&mut table);
    table.sum("the rest");
}

struct Table {
    wanted: Vec<String>,
    total: f64,
}

impl Table {
    /// Whether an operator, or one of its passes, was asked for.
    fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty()
            || self.wanted.iter().any(|w| name.contains(w.as_str()) || w.starts_with(name))
    }

    /// Prints what the rows since the last sum took together.
    fn sum(&mut self, name: &str) {
        println!("{name:<34} {:>8.2} ms", 1e3 * std::mem::take(&mut self.total));
    }

    /// Times `work` unless its name was not asked for.
    fn row<T>(&mut self, name: &str, flop: f64, floats: f64, mut work: impl FnMut() -> T) {
        if !self.wants(name) {
            return;
        }
        let mut least = f64::INFINITY;
        for _ in 0..RUNS {
            let start = Instant::now();
            black_box(work());
            least = least.min(start.elapsed().as_secs_f64());
        }
        self.total += least;
        let (speed, rate) = (flop / least * 1e-9, 4.0 * floats / least * 1e-9);
        println!("{name:<34} {:>8.2} ms {speed:>7.0} GFLOP/s {rate:>6.1} GB/s", 1e3 * least);
    }
}

/// Numbers between -1 and 1 of no pattern that matters.
fn numbers(len: usize) -> Vec<f32> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0)
        .collect()
}

/// The layers of MobileStyleGAN, one image.
fn generator(table: &mut Table, bf16: bool) {
    let blocks = [(8, 512), (16, 512), (32, 512), (64, 512), (128, 256), (256, 128), (512, 64)];
    for (side, out) in blocks {
        let up = [512, 512, 512, 512, 512, 256, 128]
            [blocks.iter().position(|b| b.0 == side).expect("listed")];
        haar_layer(table, up / 4, side / 2, true);
        separable(table, bf16, up / 4, out, side);
        separable(table, bf16, out, out, side);
    }
    pointwise(table, 64, 12, 512);
    haar_layer(table, 3, 512, false);
}

fn haar_layer(table: &mut Table, c: usize, side: usize, styled: bool) {
    let (pixels, name) = (side * side, format!("haar {c} -> {}", 2 * side));
    if !table.wants(&name) {
        return;
    }
    let (x, s, gy) = (numbers(4 * c * pixels), numbers(4 * c), numbers(4 * c * pixels));
    let s = styled.then_some(s.as_slice());
    let floats = (8 * c * pixels) as f64;
    table.row(&format!("{name} forward"), 0.0, floats, || {
        haar::forward(&x, s, haar::Rescale::NONE, [1, c, side, side])
    });
    table.row(&format!("{name} backward"), 0.0, floats * 1.5, || {
        haar::backward(&x, s, &gy, haar::Rescale::NONE, [1, c, side, side])
    });
}

fn separable(table: &mut Table, bf16: bool, c: usize, o: usize, side: usize) {
    let pixels = side * side;
    let name = format!("{}separable {c}->{o} @{side}", if bf16 { "bf16 " } else { "" });
    if !table.wants(&name) {
        return;
    }
    let mut plan = SeparablePlan::new(&numbers(9 * c), &numbers(c * o), &numbers(o), c, o);
    if bf16 {
        plan = plan.with_bf16_gradients();
    }
    let (x, s, noise) = (numbers(c * pixels), numbers(c), numbers(pixels));
    let y = plan.forward(&x, &s, &noise, 1, side, side);
    let gy = numbers(y.len());
    let flop = (2 * pixels * c * (o + 9)) as f64;
    table.row(&format!("{name} forward"), flop, ((c + o) * pixels) as f64, || {
        plan.forward(&x, &s, &noise, 1, side, side)
    });
    table.row(&format!("{name} backward"), flop, ((2 * c + 2 * o) * pixels) as f64, || {
        plan.backward(&x, &s, &y, &gy, 1, side, side, false)
    });
}

fn pointwise(table: &mut Table, c: usize, o: usize, side: usize) {
    let pixels = side * side;
    let name = format!("pointwise {c}->{o} @{side}");
    if !table.wants(&name) {
        return;
    }
    let plan = PointwisePlan::new(&numbers(c * o), &numbers(o), c, o);
    let (x, s, gy) = (numbers(c * pixels), numbers(c), numbers(o * pixels));
    let flop = (2 * pixels * c * o) as f64;
    table.row(&format!("{name} forward"), flop, ((c + o) * pixels) as f64, || {
        plan.forward(&x, &s, 1, side, side)
    });
    table.row(&format!("{name} backward"), flop, ((2 * c + o) * pixels) as f64, || {
        plan.backward(&x, &s, &gy, 1, side, side)
    });
}

/// VGG16 at 256 px up to `relu5_3`, one image.
fn vgg(table: &mut Table) {
    let layers = [
        (3, 64, 256),
        (64, 64, 256),
        (64, 128, 128),
        (128, 128, 128),
        (128, 256, 64),
        (256, 256, 64),
        (256, 512, 32),
        (512, 512, 32),
        (512, 512, 16),
    ];
    for (c, o, side) in layers {
        let (pixels, name) = (side * side, format!("conv3x3 {c}->{o} @{side}"));
        if !table.wants(&name) {
            continue;
        }
        let plan = Conv3x3Plan::new(c, o, &numbers(9 * c * o), Some(&numbers(o)));
        let x = numbers(c * pixels);
        let y = plan.forward(&x, 1, side, side, true);
        let gy = numbers(y.len());
        let flop = (18 * pixels * c * o) as f64;
        table.row(&format!("{name} forward"), flop, ((c + o) * pixels) as f64, || {
            plan.forward(&x, 1, side, side, true)
        });
        table.row(&format!("{name} backward"), flop, ((c + 2 * o) * pixels) as f64, || {
            plan.backward(Some(&y), &gy, 1, side, side)
        });
    }
    for (c, side) in [(64, 256), (128, 128), (256, 64)] {
        let (x, gy) = (numbers(c * side * side), numbers(c * side * side / 4));
        let floats = (c * side * side) as f64;
        table.row(&format!("pool {c} @{side} forward"), 0.0, 1.25 * floats, || {
            pool::forward(&x, 1, c, side, side)
        });
        table.row(&format!("pool {c} @{side} backward"), 0.0, 2.25 * floats, || {
            pool::backward(&x, &gy, 1, c, side, side)
        });
    }
}

/// What is done to whole images of 1024 px.
fn images(table: &mut Table) {
    let side = 1024;
    let (x, size) = (numbers(3 * side * side), (3 * side * side) as f64);
    let flow: Vec<f32> =
        (0..2 * side * side).map(|i| ((i % side) as f32 * 0.01).sin() * 5.0).collect();
    let warp = WarpPlan::new(&flow, 1, side, side);
    let small = numbers(3 * 256 * 256);
    table.row("warp forward", 0.0, 2.0 * size, || warp.forward(&x, 3));
    table.row("warp backward", 0.0, 2.0 * size, || warp.backward(&x, 3));
    let (from, to) = ([side, side], [256, 256]);
    table.row("resize to 256 forward", 0.0, 0.56 * size, || resize::forward(&x, 3, from, to));
    table.row("resize to 256 backward", 0.0, 1.06 * size, || resize::backward(&small, 3, from, to));
}
