//! The faces of a picture: where, who, how old, what they express, and how long each
//! answer took.
//!
//! `cargo run --release --example read_faces -- portrait.jpg`

use std::time::Instant;

use reelgan::face::FaceReader;
use reelgan::prelude::*;

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).unwrap_or("samples/london_001_03.jpg".into());
    let picture = media::read(path.as_ref())?.images;
    let reader = timed("open", || FaceReader::open(&Store::standard()?, &Device::flex()))?;
    // Twice: the first time memory is taken.
    for _ in 0..2 {
        let found = timed("detect", || reader.detect(&picture, 0))?;
        for found in found {
            let face = timed("landmarks", || reader.landmarks(&picture, 0, found))?;
            let who = timed("descriptor", || reader.describe(&picture, 0, &face))?;
            let age = timed("age and gender", || reader.age_gender(&picture, 0, &face))?;
            let mood = timed("expressions", || reader.expressions(&picture, 0, &face))?;
            let mood = mood.iter().max_by(|a, b| a.1.total_cmp(&b.1));
            println!("{:?}, score {:.2}", found.area, found.score);
            println!("  {:.0} years, {:.2} male, {mood:?}", age.years, age.male);
            println!("  descriptor begins with {:?}", &who.values()[..4]);
        }
    }
    Ok(())
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{what}: {:.1} ms", 1e3 * start.elapsed().as_secs_f64());
    result
}
