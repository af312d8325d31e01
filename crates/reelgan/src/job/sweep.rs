//! Sheets of edits: rows of directions, columns of strengths.

use std::path::PathBuf;

use reelgan_run::picture::{
    HeatMap, Picture, Strip, StripRow, Theme, Tile, encode_gif, shared_full_scale,
};
use reelgan_run::report::{Block, Figure, InlineImage, Note, Report, Section};
use reelgan_run::{Images, atomic};

use super::pictures::write_picture;
use super::watch::{Halt, Teller, Watch};
use crate::codes::{Codes, Direction, Rows};
use crate::edit::{Edit, Measure, edited};
use crate::generator::{self, Generator};
use crate::{Error, NOTICE, Result};

/// What to show.
#[derive(Debug, Clone)]
pub struct SweepRequest {
    /// The faces, one below the other.
    pub subjects: Codes,
    /// What they are called.
    pub names: Vec<String>,
    /// One row a direction for each face.
    pub directions: Vec<Direction>,
    /// One column each, rising.
    pub strengths: Vec<f32>,
    /// Rows of the code that move.
    pub rows: Rows,
    /// Side of a tile in pixels.
    pub tile: usize,
    /// The folder to write.
    pub out: PathBuf,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Sheets {
    /// The files, in order.
    pub written: Vec<PathBuf>,
    /// Whether all is there; if not, the same call does it again.
    pub finished: bool,
}

/// Pictures a second of the animation.
const RATE: f64 = 6.0;
/// Side of a tile of the animation: GIFs are large.
const ANIMATED: usize = 160;
/// Quality of pictures in the page.
const JPEG: u8 = 88;

/// Renders the sheet `sweep.png`, the same as differences from the face itself
/// (`differences.png`), both in `report.html`, and `sweep.gif` there and back.
///
/// # Errors
/// [`Error::Setting`] without faces, directions or rising strengths; as [`edited`].
pub fn sweep(
    generator: &dyn Generator,
    request: &SweepRequest,
    watch: &mut dyn Watch,
) -> Result<Sheets> {
    check(request)?;
    let mut teller = Teller::new(watch);
    let finished = match draw(generator, request, &mut teller) {
        Ok(()) => true,
        Err(Halt::Interrupted) => false,
        Err(Halt::Failed(error)) => return Err(error),
    };
    Ok(Sheets { written: teller.written, finished })
}

fn check(request: &SweepRequest) -> Result<()> {
    let rising = request.strengths.windows(2).all(|pair| pair[0] < pair[1]);
    if request.strengths.is_empty() || !rising || request.strengths.iter().any(|s| !s.is_finite()) {
        return Err(Error::setting("strengths", "give rising numbers, such as -3,-1.5,0,1.5,3"));
    }
    if request.directions.is_empty() {
        return Err(Error::setting("directions", "name at least one"));
    }
    Ok(())
}

fn draw(
    generator: &dyn Generator,
    request: &SweepRequest,
    teller: &mut Teller<'_>,
) -> Result<(), Halt> {
    let SweepRequest { subjects, names, directions, strengths, rows, tile, out } = request;
    std::fs::create_dir_all(out).map_err(|e| Error::file(out, e.to_string()))?;
    teller.stage("render")?;
    let total = subjects.count() * directions.len() * strengths.len();
    let (mut sheet, mut maps, mut done) = (Vec::new(), Vec::new(), 0);
    for k in 0..subjects.count() {
        let code = subjects.select(&[k])?;
        let own = shown(generator, &code, *tile)?;
        for direction in directions {
            let mut row = Vec::with_capacity(strengths.len());
            for &strength in strengths {
                let edit = Edit {
                    direction: direction.clone(),
                    strength,
                    rows: *rows,
                    measure: Measure::By,
                };
                let picture = match strength {
                    0.0 => own.clone(),
                    _ => shown(generator, &edited(generator, &code, &[edit])?, *tile)?,
                };
                maps.push(HeatMap::difference(&own, &picture).map_err(Error::from)?);
                row.push(picture);
                done += 1;
                teller.progress(done, total)?;
            }
            let label = match names.get(k).filter(|name| !name.is_empty()) {
                Some(name) => format!("{name}: {}", direction.name),
                None => direction.name.clone(),
            };
            sheet.push(StripRow::new(label, row));
        }
    }
    write(request, sheet, &maps, teller)?;
    Ok(())
}

fn write(
    request: &SweepRequest,
    sheet: Vec<StripRow>,
    maps: &[HeatMap],
    teller: &mut Teller<'_>,
) -> Result<()> {
    let SweepRequest { strengths, tile, out, .. } = request;
    let captions: Vec<String> = strengths.iter().map(caption).collect();
    let composed = |rows: Vec<StripRow>, footer| {
        let strip =
            Strip { captions: captions.clone(), footer, ..Strip::new(Tile::square(*tile), rows) };
        strip.compose()
    };
    let scale = shared_full_scale(maps);
    let heat = sheet.iter().zip(maps.chunks(strengths.len())).map(|(row, maps)| {
        StripRow::new(row.label.clone(), maps.iter().map(|map| map.paint(scale)).collect())
    });
    let bar =
        Picture::heat_scale(scale, "mean difference of the channels", 2 * tile, Theme::LIGHT)?;
    let heat = composed(heat.collect(), Some(bar))?;
    let film = animation(&sheet, strengths.len())?;
    let sweep = composed(sheet, None)?;
    write_picture(&out.join("sweep.png"), &sweep, teller)?;
    write_picture(&out.join("differences.png"), &heat, teller)?;
    let gif = out.join("sweep.gif");
    atomic::write(&gif, &film)?;
    teller.wrote(gif);
    let html = out.join("report.html");
    atomic::write(&html, page(request, &sweep, &heat)?.as_bytes())?;
    teller.wrote(html);
    Ok(())
}

/// `-1.5`, `0`, `+3`.
fn caption(strength: &f32) -> String {
    if *strength == 0.0 { "0".into() } else { format!("{strength:+}") }
}

/// All rows at one strength after the other, there and back.
fn animation(sheet: &[StripRow], columns: usize) -> Result<Vec<u8>> {
    let back = (1..columns.saturating_sub(1)).rev();
    let frame = |column: usize| {
        let rows = sheet.iter().map(|row| {
            let tile = row.tiles[column].as_ref().expect("a sheet has every tile");
            Ok(StripRow::new(row.label.clone(), vec![tile.thumbnail(ANIMATED)?]))
        });
        let rows = rows.collect::<Result<Vec<_>>>()?;
        Ok(Strip::new(Tile::square(ANIMATED), rows).compose()?)
    };
    let frames = (0..columns).chain(back).map(frame).collect::<Result<Vec<_>>>()?;
    Ok(encode_gif(&frames, RATE)?)
}

fn page(request: &SweepRequest, sweep: &Picture, heat: &Picture) -> Result<String> {
    let figure = |picture: &Picture, alt: &str, caption: &str| -> Result<Block> {
        Ok(Block::Figure(Figure {
            image: InlineImage::jpeg(picture, JPEG)?,
            dark: None,
            alt: alt.into(),
            caption: caption.into(),
        }))
    };
    let origins =
        request.directions.iter().map(|d| Note::Info(format!("{}: {}", d.name, d.provenance)));
    let report = Report {
        title: "Directions at rising strengths".into(),
        subtitle: format!("reelgan {}", env!("CARGO_PKG_VERSION")),
        sections: vec![
            Section::new(
                "",
                vec![figure(sweep, "faces, one row a direction, one column a strength", "")?],
            ),
            Section::new(
                "What changes",
                vec![figure(heat, "differences from the face itself", "")?],
            ),
            Section::new("Directions", vec![Block::Notes(origins.collect())]),
        ],
        footer: NOTICE.into(),
        ..Report::default()
    };
    Ok(report.to_html())
}

fn shown(generator: &dyn Generator, code: &Codes, side: usize) -> Result<Picture> {
    let image: Images = generator::render(generator, code)?;
    Ok(Picture::from_frame(&image, 0)?.thumbnail(side)?)
}
