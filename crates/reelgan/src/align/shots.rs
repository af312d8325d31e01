//! Where a clip is cut.

use std::ops::Range;

use reelgan_run::Images;

/// Blocks a side of the small picture that frames are compared by.
const BLOCKS: usize = 8;
/// Bins of the histogram of a channel.
const BINS: usize = 16;
/// Less change than this is no cut, whatever is around it.
const LEAST: f64 = 0.08;
/// A cut changes the picture so many times more than the frames around it do.
const STANDS_OUT: f64 = 4.0;
/// Changes before and after that a change is compared with.
const AROUND: usize = 8;

/// The shots of a clip, found frame by frame.
///
/// Two neighbouring frames are compared by the means of `8 x 8` blocks and by the
/// histograms of their channels: the mean absolute difference of the ones plus half the
/// mean absolute difference of the others, `[0,2]`. A cut is a change that stands out from
/// the changes around it, so that neither a fast pan nor a flickering lamp is one. A
/// dissolve is none either.
#[derive(Debug, Clone, Default)]
pub struct Shots {
    last: Option<Signature>,
    changes: Vec<f64>,
}

impl Shots {
    /// Takes the next frame, `[1,3,H,W]` of any size.
    pub fn push(&mut self, frame: &Images) {
        let signature = Signature::of(frame);
        if let Some(last) = &self.last {
            self.changes.push(last.change(&signature));
        }
        self.last = Some(signature);
    }

    /// The change from each frame to the next.
    pub fn changes(&self) -> &[f64] {
        &self.changes
    }

    /// The shots in order, as ranges of frames counted from 0; none before any frame.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let Some(_) = self.last else { return Vec::new() };
        let mut shots = Vec::new();
        let mut start = 0;
        for (k, change) in self.changes.iter().enumerate() {
            if *change >= LEAST && *change >= STANDS_OUT * self.usual(k) {
                shots.push(start..k + 1);
                start = k + 1;
            }
        }
        shots.push(start..self.changes.len() + 1);
        shots
    }

    /// The median of the changes around change `k`.
    fn usual(&self, k: usize) -> f64 {
        let before = &self.changes[k.saturating_sub(AROUND)..k];
        let after = &self.changes[k + 1..(k + 1 + AROUND).min(self.changes.len())];
        let mut around = [before, after].concat();
        around.sort_by(f64::total_cmp);
        around.get(around.len() / 2).copied().unwrap_or(0.0)
    }
}

/// A frame in few numbers.
#[derive(Debug, Clone)]
struct Signature {
    /// Means of blocks, channel after channel.
    blocks: Vec<f64>,
    /// Shares of the pixels, channel after channel.
    histogram: Vec<f64>,
}

impl Signature {
    fn of(frame: &Images) -> Self {
        let (height, width) = (frame.height(), frame.width());
        let area = height * width;
        let (mut blocks, mut histogram) = (Vec::new(), Vec::new());
        for plane in frame.frame(0).chunks_exact(area) {
            let mut sums = [(0.0f64, 0usize); BLOCKS * BLOCKS];
            let mut bins = [0usize; BINS];
            for (at, value) in plane.iter().enumerate() {
                let (x, y) = (at % width * BLOCKS / width, at / width * BLOCKS / height);
                let (sum, count) = &mut sums[y * BLOCKS + x];
                *sum += f64::from(*value);
                *count += 1;
                bins[((value * BINS as f32) as usize).min(BINS - 1)] += 1;
            }
            // A block of a very small picture may have no pixel.
            blocks.extend(sums.map(|(sum, count)| sum / count.max(1) as f64));
            histogram.extend(bins.map(|count| count as f64 / area as f64));
        }
        Self { blocks, histogram }
    }

    fn change(&self, other: &Self) -> f64 {
        let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>();
        let blocks = apart(&self.blocks, &other.blocks) / self.blocks.len() as f64;
        // The shares of a channel add up to 1, so two of them are at most 2 apart.
        blocks + apart(&self.histogram, &other.histogram) / (2.0 * 3.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 40;

    fn picture(value: impl Fn(usize, usize, usize) -> f32) -> Images {
        let area = SIDE * SIDE;
        let data = (0..3 * area).map(|i| value(i / area, i % area % SIDE, i % area / SIDE));
        Images::new(1, SIDE, SIDE, data.collect()).unwrap()
    }

    fn shots(frames: &[Images]) -> Vec<Range<usize>> {
        let mut shots = Shots::default();
        frames.iter().for_each(|frame| shots.push(frame));
        shots.ranges()
    }

    /// A bar that moves over a gradient.
    fn moving(at: usize, tone: f32) -> Images {
        picture(|c, x, y| {
            let bar = if x.abs_diff(at % SIDE) < 4 { 0.2 } else { 0.0 };
            (tone + bar + 0.1 * (c * y) as f32 / SIDE as f32).clamp(0.0, 1.0)
        })
    }

    fn whole(count: usize) -> Vec<Range<usize>> {
        std::iter::once(0..count).collect()
    }

    #[test]
    fn a_cut_is_found_where_it_is() {
        let clip: Vec<Images> = (0..20).map(|k| moving(k, if k < 7 { 0.2 } else { 0.6 })).collect();
        assert_eq!(shots(&clip), [0..7, 7..20]);
    }

    #[test]
    fn motion_and_slow_light_are_no_cut() {
        let clip: Vec<Images> = (0..20).map(|k| moving(2 * k, 0.2 + 0.02 * k as f32)).collect();
        assert_eq!(shots(&clip), whole(20));
    }

    #[test]
    fn fast_motion_all_the_time_is_no_cut() {
        // Everything changes in every frame: nothing stands out.
        let clip: Vec<Images> =
            (0..12).map(|k| moving(0, if k % 2 == 0 { 0.2 } else { 0.7 })).collect();
        assert_eq!(shots(&clip), whole(12));
    }

    #[test]
    fn short_clips() {
        assert!(shots(&[]).is_empty());
        assert_eq!(shots(&[moving(0, 0.5)]), whole(1));
        assert_eq!(shots(&[moving(0, 0.5), moving(1, 0.5)]), whole(2));
        assert_eq!(shots(&[moving(0, 0.1), moving(0, 0.8)]), [0..1, 1..2]);
    }
}
