//! The edits of every method beside the true ones.

use reelgan_run::Images;
use reelgan_run::media::{self, Origin};
use reelgan_run::picture::{Picture, Strip, StripRow, Tile};

use super::record::Place;
use super::{CompareKit, CompareRequest};
use crate::Result;
use crate::codes::{CodeFile, Codes};
use crate::edit::edited;
use crate::generator;
use crate::invert::InvertConfig;
use crate::synth::Set;

/// Sequences that are shown.
const SEQUENCES: usize = 3;
/// Side of a tile in pixels.
const TILE: usize = 192;

/// Writes `sheet.png`: for some sequences a row of the truth and one of each method; first
/// and last frame, each with its edit.
pub(super) fn write(
    kit: &CompareKit<'_>,
    set: &Set,
    request: &CompareRequest,
    configs: &[InvertConfig],
    count: usize,
) -> Result<()> {
    let mut rows = Vec::new();
    for k in 0..count.min(SEQUENCES) {
        let truth = set.codes(kit.judge.generator, k)?;
        let test = &set.sequences()[k].test;
        let label = format!("{}: {} {:+.1}", k + 1, test.direction, test.strength);
        rows.push(StripRow::new(label, tiles(kit, set, k, &truth)?));
        for config in configs {
            let found = CodeFile::open(&Place::of(request, k, config).codes)?.trajectory.codes();
            rows.push(StripRow::new(config.preset.name(), tiles(kit, set, k, &found)?));
        }
    }
    let last = set.contents().config.frames;
    let captions =
        vec!["frame 1".into(), "edited".into(), format!("frame {last}"), "edited".into()];
    let sheet = Strip { captions, ..Strip::new(Tile::square(TILE), rows) }.compose()?;
    let sheet = Images::from_rgb8(sheet.height(), sheet.width(), sheet.rgb())?;
    Ok(media::write_png(&request.out.join("sheet.png"), &sheet, 0, Origin::Synthetic)?)
}

/// First frame, its edit, last frame, its edit.
fn tiles(kit: &CompareKit<'_>, set: &Set, k: usize, codes: &Codes) -> Result<Vec<Picture>> {
    let generator = kit.judge.generator;
    let ends = codes.select(&[0, codes.count() - 1])?;
    let moved = edited(generator, &ends, &[set.test_edit(k)?])?;
    let tile = |codes: &Codes, k: usize| -> Result<Picture> {
        let image = generator::render(generator, &codes.select(&[k])?)?;
        Ok(Picture::from_frame(&image, 0)?.thumbnail(TILE)?)
    };
    Ok(vec![tile(&ends, 0)?, tile(&moved, 0)?, tile(&ends, 1)?, tile(&moved, 1)?])
}
