//! Flow between two pictures of one size, as a Middlebury `.flo` file:
//!
//! ```text
//! cargo run --release --example flow_of_two -- a.png b.png ab.flo [FlowNet2_checkpoint.pth.tar]
//! ```
//!
//! Without weights the project's own estimate is taken.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use reelgan::flow::{DenseFlow, FlowEstimator, FlowNet2Flow, warp};
use reelgan::prelude::*;

// As in the program: less memory, and faster, than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let (a, b, out, weights): (&Path, &Path, &Path, _) = match paths.as_slice() {
        [a, b, out] => (a, b, out, None),
        [a, b, out, weights] => (a, b, out, Some(weights)),
        _ => return Err("give two pictures, the file to write, and maybe weights".into()),
    };
    let read = |path| media::read(path).map(|picture| picture.images);
    let frames = Images::from_frames(vec![read(a)?, read(b)?])?;

    let began = Instant::now();
    let flow: Box<dyn FlowEstimator> = match weights {
        None => Box::new(DenseFlow::default()),
        Some(path) => {
            let net = FlowNet2Flow::new(path, &Device::flex());
            net.load()?;
            println!("weights: {:.2} s", began.elapsed().as_secs_f64());
            Box::new(net)
        }
    };
    let began = Instant::now();
    let field = flow.estimate(&frames, 0, 1)?;
    println!("flow: {:.2} s", began.elapsed().as_secs_f64());
    field.write(0, out)?;

    let again = warp(&frames.select(&[1])?, &field)?;
    let differs = again.data().iter().zip(frames.frame(0)).map(|(a, b)| f64::from((a - b).abs()));
    println!(
        "mean difference after warping: {:.4}",
        differs.sum::<f64>() / again.data().len() as f64
    );
    Ok(())
}
