use reelgan::prelude::*; use reelgan::encode::start::*; use std::ops::ControlFlow;
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
fn main() {
    let models = Store::standard().unwrap(); let device = Device::flex();
    let g = generator::open(&models, generator::DEFAULT_GENERATOR, &device).unwrap();
    let p = perceptual::open(&models, &device).unwrap();
    let count = std::env::args().nth(1).unwrap().parse().unwrap();
    let config = FitConfig { count, ..FitConfig::default() };
    let t = std::time::Instant::now();
    let map = fit(&g, p.vgg16(), config, &mut |k| { if k % 100 == 0 { println!("{k} {:?}", t.elapsed()); } ControlFlow::Continue(()) }).unwrap().unwrap();
    println!("{:?} {:?}", map.report(), t.elapsed());
    map.write(std::path::Path::new(&std::env::args().nth(2).unwrap())).unwrap();
}
