//! Which faces of consecutive frames are one person.

use super::survey::{Frame, Seen};
use crate::face::Descriptor;

/// One person through a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// For each frame that has this person, the frame and the number of the face in it.
    pub faces: Vec<(usize, usize)>,
    /// Mean area of the face over all frames of the clip, in pixels: large faces that
    /// stay have much of it.
    pub presence: f64,
}

/// Faces with descriptors farther apart are two people, wherever they are.
const STRANGERS: f64 = 0.7;
/// Boxes of neighbouring frames that overlap so much are one face, unless strangers.
const SAME_PLACE: f64 = 0.3;

/// The people of a clip, the one most present first.
///
/// Frame by frame each face goes to the track that it fits best, in place (overlap
/// with the box in the frame before, if the frames are `consecutive`) and identity
/// (distance to the mean descriptor), or begins a new one. A person who leaves and
/// returns is known again by identity.
pub fn tracks(frames: &[Frame], consecutive: bool) -> Vec<Track> {
    let mut open: Vec<Open> = Vec::new();
    for (k, frame) in frames.iter().enumerate() {
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (t, track) in open.iter().enumerate() {
            for (f, face) in frame.faces.iter().enumerate() {
                let before = if consecutive { k.checked_sub(1) } else { None };
                pairs.extend(track.affinity(before, face).map(|affinity| (affinity, t, f)));
            }
        }
        // The sort is stable, so equal affinities keep the order of tracks and faces.
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut taken = vec![false; frame.faces.len()];
        let mut grown = vec![false; open.len()];
        for (_, t, f) in pairs {
            if !(taken[f] || grown[t]) {
                (taken[f], grown[t]) = (true, true);
                open[t].add(k, f, &frame.faces[f]);
            }
        }
        for (f, face) in frame.faces.iter().enumerate().filter(|(f, _)| !taken[*f]) {
            open.push(Open::begin(k, f, face));
        }
    }
    let mut tracks: Vec<Track> = open.into_iter().map(|track| track.close(frames.len())).collect();
    tracks.sort_by(|a, b| b.presence.total_cmp(&a.presence));
    tracks
}

/// A track that still grows.
struct Open {
    faces: Vec<(usize, usize)>,
    area: f64,
    last: Seen,
    /// Sum of the descriptors, and how many there were.
    identity: Option<(Vec<f64>, usize)>,
}

impl Open {
    fn begin(frame: usize, number: usize, face: &Seen) -> Self {
        let mut track = Self { faces: vec![], area: 0.0, last: face.clone(), identity: None };
        track.add(frame, number, face);
        track
    }

    fn add(&mut self, frame: usize, number: usize, face: &Seen) {
        self.faces.push((frame, number));
        self.area += face.area.width * face.area.height;
        self.last = face.clone();
        if let Some(who) = &face.who {
            let (sum, count) =
                self.identity.get_or_insert_with(|| (vec![0.0; who.values().len()], 0));
            sum.iter_mut().zip(who.values()).for_each(|(s, v)| *s += f64::from(*v));
            *count += 1;
        }
    }

    /// How well a face fits, place and identity together; `None` if it is another's.
    /// `before` is the frame before, if place counts.
    fn affinity(&self, before: Option<usize>, face: &Seen) -> Option<f64> {
        let fresh = before.is_some() && self.faces.last().map(|(k, _)| *k) == before;
        let place = if fresh { self.last.area.overlap(&face.area) } else { 0.0 };
        let away = match (&self.identity, &face.who) {
            (Some(mean), Some(who)) => Some(distance(mean, who)),
            _ => None,
        };
        let fits = match away {
            Some(away) => away < Descriptor::SAME || (place >= SAME_PLACE && away <= STRANGERS),
            // Nothing is known of who is on pictures that do not follow each other.
            None => place >= SAME_PLACE || before.is_none(),
        };
        fits.then(|| place + away.map_or(0.0, |away| 1.0 - away))
    }

    fn close(self, frames: usize) -> Track {
        Track { faces: self.faces, presence: self.area / frames.max(1) as f64 }
    }
}

fn distance((sum, count): &(Vec<f64>, usize), who: &Descriptor) -> f64 {
    let square = |(s, v): (&f64, &f32)| (s / *count as f64 - f64::from(*v)).powi(2);
    sum.iter().zip(who.values()).map(square).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use reelgan_run::Landmarks;

    use super::*;
    use crate::face::Area;

    /// A face at `x` of person `who`; different people are 1 apart.
    fn seen(x: f64, size: f64, who: usize) -> Seen {
        let mut values = [0.0; 128];
        values[who] = std::f32::consts::FRAC_1_SQRT_2;
        Seen {
            area: Area { x, y: 0.0, width: size, height: size },
            score: 0.9,
            landmarks: Landmarks::new([[x, 0.0]; 68]).unwrap(),
            who: Some(Descriptor::new(values)),
            next: None,
        }
    }

    fn frames(faces: Vec<Vec<Seen>>) -> Vec<Frame> {
        let frame = |(k, faces)| Frame { name: format!("{k}"), width: 100, height: 100, faces };
        faces.into_iter().enumerate().map(frame).collect()
    }

    #[test]
    fn two_people_who_cross_stay_apart() {
        // A walks right, B walks left; in the middle they stand in each other's place,
        // and the detector lists them in changing order.
        let clip = (0..11).map(|k| {
            let (a, b) = (seen(10.0 * k as f64, 30.0, 1), seen(100.0 - 10.0 * k as f64, 20.0, 2));
            if k % 2 == 0 { vec![a, b] } else { vec![b, a] }
        });
        let found = tracks(&frames(clip.collect()), true);
        assert_eq!(found.len(), 2);
        for (k, number) in &found[0].faces {
            assert_eq!(*number, k % 2, "frame {k}");
        }
        assert!((found[0].presence - 900.0).abs() < 1e-9, "the larger face comes first");
    }

    #[test]
    fn who_leaves_and_returns_is_known_again() {
        let clip = vec![
            vec![seen(0.0, 30.0, 1)],
            vec![seen(2.0, 30.0, 1)],
            vec![],
            vec![seen(70.0, 25.0, 3)],
            vec![seen(60.0, 30.0, 1)],
        ];
        let found = tracks(&frames(clip), true);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].faces, [(0, 0), (1, 0), (4, 0)]);
        assert_eq!(found[1].faces, [(3, 0)]);
    }

    #[test]
    fn a_cut_to_a_stranger_in_the_same_place_is_another_track() {
        let clip = vec![vec![seen(0.0, 30.0, 1)], vec![seen(0.0, 30.0, 2)]];
        assert_eq!(tracks(&frames(clip), true).len(), 2);
    }

    #[test]
    fn without_identities_place_alone_decides() {
        let unknown = |x| Seen { who: None, ..seen(x, 30.0, 0) };
        let found = tracks(
            &frames(vec![vec![unknown(0.0)], vec![unknown(5.0)], vec![unknown(80.0)]]),
            true,
        );
        assert_eq!(found[0].faces, [(0, 0), (1, 0)]);
        assert_eq!(found.len(), 2);
        assert_eq!(tracks(&[], true), []);
    }
}
