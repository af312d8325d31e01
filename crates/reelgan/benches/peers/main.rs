//! Our side of the comparison with PyTorch: one workload of `cargo xtask bench` in
//! a process of its own, run once for every line that comes in.
//!
//! `peers --case NAME --exchange FOLDER` writes the workload's inputs to
//! `inputs.safetensors`, runs it once, writes `ours.value.f32` and
//! `ours.gradient.f32` for the comparison of results, says that it is ready, and
//! from then on answers every line with the seconds of one run. The other side is
//! `bench/torch/peer.py`.

mod exchange;
mod networks;
mod step;
mod stylegan1;

use std::process::ExitCode;

use exchange::Exchange;

/// As in the command: glibc's allocator gives pages back and faults them in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a workload is called, and the function that prepares and serves it.
type Case = (&'static str, fn(&Exchange));

const CASES: [Case; 7] = [
    ("stylegan1_64_n5", |e| stylegan1::serve(e, 64, 5)),
    ("stylegan1_256_n1", |e| stylegan1::serve(e, 256, 1)),
    ("stylegan1_1024_n1", |e| stylegan1::serve(e, 1024, 1)),
    ("vgg16_256_n5", networks::vgg16),
    ("mobilestylegan_1024_n1", |e| networks::mobilestylegan(e, 1)),
    ("mobilestylegan_1024_n5", |e| networks::mobilestylegan(e, 5)),
    ("step_1024_n5", step::serve),
];

fn main() -> ExitCode {
    // Keeps pages, as the command does and as the other side is told to.
    reelgan::machine::prepare().expect("an instruction set of this CPU");
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1));
    let (Some(name), Some(folder)) = (value("--case"), value("--exchange")) else {
        eprintln!("peers is run by `cargo xtask bench`: --case NAME --exchange FOLDER");
        // `cargo bench` runs every bench without arguments; that is no failure.
        return ExitCode::SUCCESS;
    };
    let Some((_, serve)) = CASES.iter().find(|(case, _)| case == name) else {
        eprintln!("no workload {name}; there are {:?}", CASES.map(|(case, _)| case));
        return ExitCode::FAILURE;
    };
    serve(&Exchange::new(folder.into()));
    ExitCode::SUCCESS
}
