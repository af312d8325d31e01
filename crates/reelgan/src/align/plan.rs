//! One square for every frame.

use reelgan_run::Landmarks;
use reelgan_run::images::Crop;
use serde::{Deserialize, Serialize};

use super::smooth::{self, Smoothing};
use super::steady;
use super::survey::{Frame, Survey};
use super::template::{Square, Template};
use super::track::{Track, tracks};
use crate::{Error, Result};

/// How a clip is aligned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlignConfig {
    /// Where the face is to lie, and the side of the crops.
    pub template: Template,
    /// Which person, counted from 1: the one most present is the first.
    pub face: usize,
    /// Averaging over time; only for consecutive frames.
    pub smoothing: Smoothing,
    /// Frames a second: makes a folder of pictures consecutive frames.
    pub fps: Option<f64>,
}

/// Where the square of a frame comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The face of that frame.
    Face,
    /// The frames before and after: there is no face in this one.
    Neighbours,
    /// Whoever asked: no face was looked for.
    Given,
}

/// The square of a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// Name of the frame.
    pub name: String,
    /// The square, in pixels of the frame.
    pub crop: Crop,
    /// Where it comes from.
    pub source: Source,
    /// Number of the face among those of the frame.
    #[serde(skip)]
    pub(super) face: Option<usize>,
    /// Its landmarks, steadied.
    #[serde(skip)]
    pub(super) landmarks: Option<Landmarks>,
}

/// The squares of all frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Alignment {
    /// One a frame, in order.
    pub placements: Vec<Placement>,
    /// Side of the crops in pixels.
    pub side: usize,
    /// Frames a second; `None` for pictures that are not consecutive.
    pub fps: Option<f64>,
    /// How many people there are, and in how many frames the chosen one is.
    pub people: usize,
    /// [`smooth::jitter`] before and after the averaging; `None` as `fps`.
    pub jitter: Option<[f64; 2]>,
}

impl Alignment {
    /// How many frames have no face of their own.
    pub fn without_face(&self) -> usize {
        self.placements.iter().filter(|p| p.source == Source::Neighbours).count()
    }
}

/// Chooses the person and places the squares.
///
/// Consecutive frames (a video, or `config.fps`) are tracked and averaged over time.
/// Of other pictures each is placed on its own: by the face nearest in identity to
/// the chosen person.
///
/// # Errors
/// [`Error::NoFace`] if no frame has a face; [`Error::Setting`] for a person that is
/// not there, or a rate or deviation that makes no sense.
pub fn plan(survey: &Survey, config: &AlignConfig) -> Result<Alignment> {
    check(config)?;
    let fps = config.fps.or(survey.fps);
    let people = tracks(&survey.frames, fps.is_some());
    if people.is_empty() {
        return Err(Error::NoFace { frames: survey.frames.len() });
    }
    let chosen = config.face.checked_sub(1).and_then(|k| people.get(k)).ok_or_else(|| {
        let problem = format!("there is no person {}; the clip has {}", config.face, people.len());
        Error::setting("--face", problem)
    })?;
    let faces = match fps {
        Some(_) => of_track(chosen, survey.frames.len()),
        None => of_person(chosen, &survey.frames),
    };
    let read = steadied(&survey.frames, &faces, 0.0)?;
    let steady = match fps {
        Some(fps) => steadied(&survey.frames, &faces, config.smoothing.landmarks * fps)?,
        None => read.clone(),
    };
    let filled = |squares: &[Option<Square>]| {
        smooth::filled(squares).ok_or(Error::NoFace { frames: survey.frames.len() })
    };
    let squares =
        |landmarks: &[Option<Landmarks>]| squares(&survey.frames, landmarks, config.template);
    let (raw, squares) = (filled(&squares(&read))?, squares(&steady));
    let placed = match fps {
        Some(fps) => smooth::smoothed(&filled(&squares)?, config.smoothing, fps),
        None => raw.clone(),
    };
    let crops = |squares: &[Square]| squares.iter().map(Square::crop).collect::<Vec<_>>();
    let side = config.template.side();
    let jitter = |squares: &[Square]| smooth::jitter(&crops(squares), side);
    let placements = survey.frames.iter().zip(&placed).enumerate().map(|(k, (frame, square))| {
        let crop = square.crop();
        // A square of a neighbour may miss a picture of another size.
        let fits = crop.check(frame.height, frame.width).is_ok();
        Placement {
            name: frame.name.clone(),
            crop: if fits { crop } else { Crop::centre(frame.height, frame.width) },
            source: if squares[k].is_some() { Source::Face } else { Source::Neighbours },
            face: faces[k],
            landmarks: steady[k].clone(),
        }
    });
    Ok(Alignment {
        placements: placements.collect(),
        side,
        fps,
        people: people.len(),
        jitter: fps.map(|_| [jitter(&raw), jitter(&placed)]),
    })
}

fn check(config: &AlignConfig) -> Result<()> {
    let Smoothing { landmarks, centre, axes } = config.smoothing;
    for (name, value) in [
        ("smoothing of the landmarks", landmarks),
        ("smoothing of the centre", centre),
        ("smoothing of size and angle", axes),
    ] {
        if !(0.0..=60.0).contains(&value) {
            return Err(Error::setting(name, format!("{value} is not from 0 to 60 seconds")));
        }
    }
    match config.fps {
        Some(fps) if !(0.01..=1000.0).contains(&fps) => {
            Err(Error::setting("--fps", format!("{fps} is not from 0.01 to 1000 frames a second")))
        }
        _ => Ok(()),
    }
}

/// The faces of a track, frame by frame.
fn of_track(track: &Track, frames: usize) -> Vec<Option<usize>> {
    let mut faces = vec![None; frames];
    for &(frame, face) in &track.faces {
        faces[frame] = Some(face);
    }
    faces
}

/// In each picture the face that is most like the largest of the track.
fn of_person(track: &Track, frames: &[Frame]) -> Vec<Option<usize>> {
    let faces = track.faces.iter().map(|&(frame, face)| &frames[frame].faces[face]);
    let area = |seen: &&super::Seen| seen.area.width * seen.area.height;
    let reference = faces.max_by(|a, b| area(a).total_cmp(&area(b))).and_then(|s| s.who.as_ref());
    let distance = |seen: &super::Seen| match (reference, &seen.who) {
        (Some(a), Some(b)) => a.distance(b),
        _ => f64::MAX,
    };
    let nearest = |frame: &Frame| {
        let faces = frame.faces.iter().enumerate();
        faces.min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).map(|(k, _)| k)
    };
    frames.iter().map(nearest).collect()
}

/// The landmarks of those faces, averaged over so many frames.
fn steadied(
    frames: &[Frame],
    faces: &[Option<usize>],
    over: f64,
) -> Result<Vec<Option<Landmarks>>> {
    let seen = frames.iter().zip(faces).map(|(frame, face)| face.map(|k| &frame.faces[k]));
    steady::steadied(&seen.collect::<Vec<_>>(), over)
}

/// The squares of landmarks; none where they have no square or it misses the picture.
fn squares(
    frames: &[Frame],
    landmarks: &[Option<Landmarks>],
    template: Template,
) -> Vec<Option<Square>> {
    let square = |(frame, face): (&Frame, &Option<Landmarks>)| {
        let crop = template.crop(face.as_ref()?).ok()?;
        crop.check(frame.height, frame.width).ok()?;
        Some(Square::of(&crop))
    };
    frames.iter().zip(landmarks).map(square).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Seen;
    use super::*;
    use crate::face::Area;

    fn config(fps: Option<f64>) -> AlignConfig {
        let template = Template::ffhq(64).unwrap();
        AlignConfig { template, face: 1, smoothing: Smoothing::default(), fps }
    }

    /// A frame with an upright face about `x`, or none.
    fn frame(x: Option<f64>) -> Frame {
        let face = |x: f64| Seen {
            area: Area { x: x - 20.0, y: 30.0, width: 40.0, height: 40.0 },
            score: 0.9,
            landmarks: Landmarks::new(std::array::from_fn(|k| match k {
                36..42 => [x - 15.0, 50.0],
                42..48 => [x + 15.0, 50.0],
                _ => [x, 75.0],
            }))
            .unwrap(),
            who: None,
            next: None,
        };
        Frame {
            name: "f".into(),
            width: 200,
            height: 100,
            faces: x.map(face).into_iter().collect(),
        }
    }

    fn survey(xs: &[Option<f64>]) -> Survey {
        Survey { frames: xs.iter().map(|x| frame(*x)).collect(), fps: None, warnings: vec![] }
    }

    #[test]
    fn every_frame_gets_a_square_and_gaps_are_marked() {
        let xs = [None, Some(80.0), Some(82.0), None, Some(86.0), None];
        // Stills: each face counts, whether or not its neighbours have one.
        let found = plan(&survey(&xs), &config(None)).unwrap();
        let centres: Vec<f64> =
            found.placements.iter().map(|p| p.crop.x + p.crop.size / 2.0).collect();
        for (got, want) in centres.iter().zip([80.0, 80.0, 82.0, 84.0, 86.0, 86.0]) {
            assert!((got - want).abs() < 1e-9, "{centres:?}");
        }
        let sources: Vec<bool> =
            found.placements.iter().map(|p| p.source == Source::Face).collect();
        assert_eq!(sources, [false, true, true, false, true, false]);
        assert_eq!((found.without_face(), found.jitter), (3, None));
    }

    #[test]
    fn consecutive_frames_are_averaged() {
        let xs: Vec<Option<f64>> =
            (0..30).map(|k| Some(80.0 + if k % 2 == 0 { 1.0 } else { -1.0 })).collect();
        let [before, after] = plan(&survey(&xs), &config(Some(25.0))).unwrap().jitter.unwrap();
        assert!(after < before / 20.0 && before > 1.0, "{before} -> {after}");
    }

    #[test]
    fn wrong_requests_are_refused() {
        let error = plan(&survey(&[None, None]), &config(None)).unwrap_err();
        assert!(matches!(error, Error::NoFace { frames: 2 }), "{error}");
        let one = survey(&[Some(80.0)]);
        for wrong in [
            AlignConfig { face: 2, ..config(None) },
            AlignConfig { face: 0, ..config(None) },
            AlignConfig { fps: Some(f64::NAN), ..config(None) },
            AlignConfig {
                smoothing: Smoothing { centre: -1.0, ..Smoothing::default() },
                ..config(None)
            },
        ] {
            assert!(matches!(plan(&one, &wrong), Err(Error::Setting { .. })), "{wrong:?}");
        }
    }
}
