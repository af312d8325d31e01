//! Words on a picture.

use super::glyphs::{CAPITAL, GAP, Glyph, LINE, PEN, Step, TAIL, glyph};
use super::raster::Picture;

/// Where a line of text stands relative to its anchor point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Start,
    Centre,
    End,
}

/// How a line of text looks: the height of the line in pixels (capitals are 0.7 of
/// it) and the colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    pub size: f32,
    pub colour: [u8; 3],
}

/// The width of `text` in pixels at this line height.
pub(super) fn width(text: &str, size: f32) -> f32 {
    let units: f32 = text.chars().map(|c| f32::from(glyph(c).width) + GAP).sum();
    (units - GAP).max(0.0) * size / LINE
}

/// `text`, or as much of its start as fits into `limit` pixels, with an ellipsis.
pub(super) fn shortened(text: &str, size: f32, limit: f32) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        kept.push('\u{2026}');
        let fits = width(&kept, size) <= limit;
        kept.pop();
        if !fits {
            kept.pop();
            break;
        }
    }
    kept.truncate(kept.trim_end().len());
    kept.push('\u{2026}');
    kept
}

/// Writes one line of `text`, its capitals centred on height `y`, at `x`.
pub(super) fn write(on: &mut Picture, text: &str, at: (f32, f32), align: Align, pen: Pen) {
    let scale = pen.size / LINE;
    let shift = match align {
        Align::Start => 0.0,
        Align::Centre => 0.5 * width(text, pen.size),
        Align::End => width(text, pen.size),
    };
    // A baseline on a pixel boundary keeps flat strokes crisp.
    let baseline = (at.1 + 0.5 * CAPITAL * scale).round() - 0.5 * PEN * scale;
    let mut x = at.0 - shift;
    for c in text.chars() {
        let shape = glyph(c);
        draw(on, shape, (x, baseline), pen);
        x += (f32::from(shape.width) + GAP) * scale;
        if x > on.width() as f32 {
            break;
        }
    }
}

/// Draws one letter with its origin at `origin`: a pixel is covered as far as the
/// pen, a round disc, reaches over its centre.
fn draw(on: &mut Picture, shape: Glyph, origin: (f32, f32), pen: Pen) {
    let scale = pen.size / LINE;
    let radius = (0.5 * PEN * scale).max(0.6);
    let strokes: Vec<Vec<(f32, f32)>> = shape.strokes.iter().map(|s| outline(s)).collect();

    let pixels =
        |from: f32, to: f32| (from - 2.0).floor().max(0.0) as usize..(to + 3.0).max(0.0) as usize;
    let reach = 2.0 * PEN * scale;
    let columns = pixels(origin.0 - reach, origin.0 + f32::from(shape.width) * scale + reach);
    let rows = pixels(origin.1 - (CAPITAL + 5.0) * scale - reach, origin.1 + TAIL * scale + reach);
    for y in rows.start..rows.end.min(on.height()) {
        for x in columns.start..columns.end.min(on.width()) {
            let centre = ((x as f32 + 0.5 - origin.0) / scale, (origin.1 - y as f32 - 0.5) / scale);
            let nearest = strokes
                .iter()
                .flat_map(|s| s.windows(2))
                .map(|ends| distance(centre, ends[0], ends[1]))
                .fold(f32::INFINITY, f32::min);
            let cover = (radius - nearest * scale + 0.5).clamp(0.0, 1.0);
            if cover > 0.0 {
                on.blend(x, y, pen.colour, cover);
            }
        }
    }
}

/// The corners of a stroke, its arcs turned into short lines.
fn outline(stroke: &[Step]) -> Vec<(f32, f32)> {
    let mut corners = Vec::new();
    for step in stroke {
        match *step {
            Step::To(x, y) => corners.push((f32::from(x), f32::from(y))),
            Step::Arc(cx, cy, rx, ry, from, to) => {
                let parts = (i32::from(to) - i32::from(from)).unsigned_abs() / 12 + 2;
                corners.extend((0..=parts).map(|i| {
                    let turn = f32::from(to - from) * i as f32 / parts as f32;
                    let angle = (f32::from(from) + turn).to_radians();
                    (
                        f32::from(cx) + f32::from(rx) * angle.cos(),
                        f32::from(cy) + f32::from(ry) * angle.sin(),
                    )
                }));
            }
        }
    }
    corners
}

/// The distance of `point` from the line between `a` and `b`.
fn distance(point: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (along, to) = ((b.0 - a.0, b.1 - a.1), (point.0 - a.0, point.1 - a.1));
    let length2 = along.0 * along.0 + along.1 * along.1;
    let t = if length2 > 0.0 {
        ((to.0 * along.0 + to.1 * along.1) / length2).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (to.0 - t * along.0).hypot(to.1 - t * along.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEN_20: Pen = Pen { size: 20.0, colour: [0, 0, 0] };

    fn written(text: &str) -> Picture {
        let mut page = Picture::filled(200, 40, [255; 3]).unwrap();
        write(&mut page, text, (100.0, 20.0), Align::Centre, PEN_20);
        page
    }

    #[test]
    fn every_printable_ascii_letter_has_its_own_shape() {
        let missing = written("\u{fffd}");
        let shapes: Vec<Picture> = ('!'..='~').map(|c| written(&c.to_string())).collect();
        for (i, one) in shapes.iter().enumerate() {
            assert!(one != &missing, "letter {i} is the box");
            assert!(shapes[..i].iter().all(|other| other != one), "letter {i} is not unique");
        }
    }

    #[test]
    fn strokes_stay_inside_their_letter() {
        for c in ' '..='~' {
            let shape = glyph(c);
            for (x, y) in shape.strokes.iter().flat_map(|s| outline(s)) {
                assert!(x >= -1.5 && x <= f32::from(shape.width) + 1.5, "{c}: x {x}");
                assert!((-TAIL..=CAPITAL + 4.0).contains(&y), "{c}: y {y}");
            }
        }
    }

    #[test]
    fn a_bar_covers_the_pixels_it_should() {
        // 'I' is one upright line; at line height 40 a unit is a pixel, the pen 3.1 wide.
        let mut page = Picture::filled(20, 40, [255; 3]).unwrap();
        let pen = Pen { size: 40.0, colour: [0; 3] };
        write(&mut page, "I", (10.0, 20.0), Align::Start, pen);
        let ink: f32 = (0..20).map(|x| 255.0 - f32::from(page.pixel(x, 20).unwrap()[0])).sum();
        assert!((ink / 255.0 - 3.1).abs() < 0.02, "{ink}");
        assert_eq!(page.pixel(10, 20), Some([0; 3]));
        assert_eq!(page.pixel(7, 20), Some([255; 3]));
    }

    #[test]
    fn long_words_are_cut_to_fit() {
        assert_eq!(shortened("input", 20.0, 100.0), "input");
        let cut = shortened("a very long file name.png", 20.0, 100.0);
        assert!(cut.ends_with('\u{2026}') && cut.starts_with("a very"), "{cut}");
        assert!(width(&cut, 20.0) <= 100.0);
        assert_eq!(shortened("abc", 20.0, 0.0), "\u{2026}");
    }

    #[test]
    fn text_outside_the_picture_is_harmless() {
        let mut page = Picture::filled(8, 8, [255; 3]).unwrap();
        for at in [(-500.0, 4.0), (500.0, 4.0), (4.0, -500.0), (4.0, 500.0)] {
            write(&mut page, "text", at, Align::Start, PEN_20);
        }
        assert!(page.rgb().iter().all(|&v| v == 255));
    }
}
