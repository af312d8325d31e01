//! Photos of one person to codes, and the first photo moved along what was learned.
//!
//! `cargo run --release --example invert_photos -- A.jpg B.jpg`: takes the square in
//! the middle of each photo and writes `moved.png`. Needs the models
//! (`reelgan models fetch`).

use std::ops::ControlFlow;

use reelgan::invert::Event;
use reelgan::prelude::*;

fn main() -> Result<()> {
    let photos: Vec<_> = std::env::args_os().skip(1).collect();
    let models = Store::standard()?;
    let device = Device::flex();
    let generator = generator::open(&models, generator::DEFAULT_GENERATOR, &device)?;
    let perceptual = perceptual::open(&models, &device)?;

    let side = generator.resolution();
    let fitted = |path| -> Result<Images> {
        let photo = media::read(std::path::Path::new(path))?.images;
        let middle = Crop::centre(photo.height(), photo.width());
        Ok(photo.fit(middle, side)?.quantised())
    };
    let faces = Images::from_frames(photos.iter().map(fitted).collect::<Result<_>>()?)?;

    let mut progress = |event: &Event<'_>| {
        if let Event::Step { record, total, .. } = event {
            println!("step {} of {total}: loss {:.4}", record.step + 1, record.terms.total);
        }
        ControlFlow::Continue(())
    };
    let flow = DenseFlow::default();
    let config = Preset::Fast.config();
    let run = Inverter::new(&generator, &perceptual, &flow, config)?.run(&faces, &mut progress)?;

    let direction = Direction::motion(&run.trajectory, None, generator.identity())?;
    let edit = Edit::by(direction, 1.5);
    let moved = edited(&generator, &run.codes().select(&[0])?, &[edit])?;
    let image = generator::render(&generator, &moved)?;
    media::write_png("moved.png".as_ref(), &image, 0, media::Origin::Synthetic)?;
    Ok(())
}
