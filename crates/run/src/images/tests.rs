use super::*;
use proptest::prelude::*;

fn ramp(count: usize, height: usize, width: usize) -> Images {
    let n = count * 3 * height * width;
    let data = (0..n).map(|i| i as f32 / n as f32).collect();
    Images::new(count, height, width, data).unwrap()
}

/// A picture whose channels are `f(x, y)`, with pixel centres at halves.
fn drawn(height: usize, width: usize, f: impl Fn(f64, f64) -> f64) -> Images {
    let plane: Vec<f32> = (0..height * width)
        .map(|p| f((p % width) as f64 + 0.5, (p / width) as f64 + 0.5) as f32)
        .collect();
    Images::new(1, height, width, plane.repeat(3)).unwrap()
}

fn message(result: Result<Images>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn wrong_sizes_and_poison_are_refused() {
    assert!(message(Images::new(1, 2, 2, vec![0.0; 11])).contains("12 values"));
    assert!(message(Images::new(0, 2, 2, vec![])).contains("at least 1"));
    assert!(message(Images::new(usize::MAX, 2, 2, vec![])).contains("at most"));
    assert!(message(Images::from_rgb8(2, 2, &[0; 11])).contains("12 bytes"));
    for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut data = vec![0.5; 24];
        data[13] = poison;
        assert!(message(Images::new(2, 2, 2, data)).contains("frame 2"));
    }
}

#[test]
fn channels_and_rows_keep_their_order() {
    // Two pixels side by side: red above nothing else, then (1, 2, 3).
    let images = Images::from_rgb8(1, 2, &[255, 0, 0, 51, 102, 153]).unwrap();
    assert_eq!(images.data(), [1.0, 0.2, 0.0, 0.4, 0.0, 0.6]);
    assert_eq!(images.to_rgb8(0), [255, 0, 0, 51, 102, 153]);
}

#[test]
fn eight_bits_round_half_up_and_clamp() {
    let values = vec![-0.1, 1.1, 0.5, 0.499 / 255.0, 0.5 / 255.0, 254.49 / 255.0];
    let images = Images::new(1, 1, 2, values).unwrap();
    // Interleaved: pixel 0 is values 0, 2, 4; pixel 1 is values 1, 3, 5.
    assert_eq!(images.to_rgb8(0), [0, 128, 1, 255, 0, 254]);
}

#[test]
fn frames_join_and_select() {
    let images = ramp(3, 2, 4);
    let parts = (0..3).map(|k| images.select(&[k]).unwrap()).collect();
    assert_eq!(Images::from_frames(parts).unwrap(), images);
    let two = images.select(&[2, 0]).unwrap();
    assert_eq!((two.frame(0), two.frame(1)), (images.frame(2), images.frame(0)));
    assert!(message(images.select(&[3])).contains("no frame 4 among 3"));
    assert!(message(images.select(&[])).contains("at least 1"));
    assert!(message(Images::from_frames(vec![])).contains("at least one"));
    let mixed = Images::from_frames(vec![ramp(1, 2, 4), ramp(1, 4, 2)]);
    assert!(message(mixed).contains("2x4 at position 2"));
}

#[test]
fn crop_copies_the_window() {
    let images = ramp(2, 5, 4);
    let cut = images.crop(1, 2, 2, 3).unwrap();
    for (k, c, y, x) in [(0, 0, 0, 0), (1, 2, 2, 1), (1, 1, 1, 0)] {
        let of = |i: &Images, y: usize, x: usize| i.frame(k)[(c * i.height() + y) * i.width() + x];
        assert_eq!(of(&cut, y, x), of(&images, y + 2, x + 1));
    }
    for (x, y, w, h) in [(0, 0, 5, 1), (3, 0, 2, 1), (0, 0, 0, 1), (usize::MAX, 0, 2, 2)] {
        assert!(images.crop(x, y, w, h).is_err(), "{x},{y},{w},{h}");
    }
}

#[test]
fn fit_at_the_same_size_copies_exactly() {
    let images = ramp(2, 9, 12);
    let fitted = images.fit(Crop { x: 2.0, y: 1.0, size: 8.0, angle: 0.0 }, 8).unwrap();
    assert_eq!(fitted, images.crop(2, 1, 8, 8).unwrap());
}

#[test]
fn fit_mirrors_what_hangs_over() {
    let images = ramp(1, 4, 4);
    let fitted = images.fit(Crop { x: -2.0, y: 0.0, size: 4.0, angle: 0.0 }, 4).unwrap();
    // Columns -2 -1 0 1 of the continued picture are columns 2 1 0 1.
    for y in 0..4 {
        for (j, x) in [2, 1, 0, 1].into_iter().enumerate() {
            assert_eq!(fitted.data()[y * 4 + j], images.data()[y * 4 + x]);
        }
    }
}

#[test]
fn fit_keeps_a_slope_in_place() {
    // Far from the border a resampled slope keeps its value at every position,
    // whatever the scale: no half-pixel shift, no change of brightness. The
    // kernel reproduces slopes to about a percent of the step between pixels.
    let slope = drawn(64, 64, |x, y| 0.2 + x / 160.0 + y / 320.0);
    for out in [7, 20, 40, 80, 120] {
        let crop = Crop { x: 21.3, y: 20.1, size: 20.0, angle: 0.0 };
        let fitted = slope.fit(crop, out).unwrap();
        for (p, &v) in fitted.frame(0)[..out * out].iter().enumerate() {
            let at = |i: usize, from: f64| from + (i as f64 + 0.5) * 20.0 / out as f64;
            let expected = 0.2 + at(p % out, 21.3) / 160.0 + at(p / out, 20.1) / 320.0;
            assert!((f64::from(v) - expected).abs() < 3e-4, "{out}: {v} {expected}");
        }
    }
}

#[test]
fn fit_averages_detail_it_cannot_show() {
    // Stripes one pixel wide, shrunk eight times, are grey; without
    // antialiasing they would come out black, white or beating.
    let stripes = drawn(128, 128, |x, _| f64::from(x as u32 % 2));
    let fitted = stripes.fit(Crop { x: 24.0, y: 24.0, size: 80.0, angle: 0.0 }, 10).unwrap();
    for &v in fitted.data() {
        assert!((v - 0.5).abs() < 0.02, "{v}");
    }
}

#[test]
fn fit_refuses_unusable_crops() {
    let images = ramp(1, 8, 8);
    for (x, y, size) in [
        (f64::NAN, 0.0, 4.0),
        (0.0, f64::INFINITY, 4.0),
        (0.0, 0.0, 0.0),
        (0.0, 0.0, -4.0),
        (8.0, 0.0, 4.0),
        (0.0, -4.0, 4.0),
        (0.0, 0.0, 1e300),
    ] {
        assert!(images.fit(Crop { x, y, size, angle: 0.0 }, 4).is_err(), "{x},{y},{size}");
    }
    assert!(images.fit(Crop::centre(8, 8), 0).is_err());
    assert!(images.fit(Crop::centre(8, 8), usize::MAX).is_err());
}

#[test]
fn crop_text() {
    let crop: Crop = "280, 20.5,400".parse().unwrap();
    assert_eq!(crop, Crop { x: 280.0, y: 20.5, size: 400.0, angle: 0.0 });
    assert_eq!(crop.to_string().parse::<Crop>().unwrap(), crop);
    let turned: Crop = "34,13,98,-13".parse().unwrap();
    assert_eq!(turned, Crop { x: 34.0, y: 13.0, size: 98.0, angle: -13.0 });
    assert_eq!(turned.to_string().parse::<Crop>().unwrap(), turned);
    for bad in ["", "1,2", "1,2,3,4,5", "1,2,3,x", "1,2,x", "1,2,0", "1,2,-3", "nan,2,3", "1,2,inf"]
    {
        let error = bad.parse::<Crop>().unwrap_err().to_string();
        assert!(error.contains("x,y,size"), "{error}");
    }
    assert_eq!(Crop::centre(10, 15), Crop { x: 2.0, y: 0.0, size: 10.0, angle: 0.0 });
}

proptest! {
    #[test]
    fn eight_bit_pictures_survive(h in 1usize..6, w in 1usize..6, seed in any::<[u8; 75]>()) {
        let rgb = &seed[..h * w * 3];
        let images = Images::from_rgb8(h, w, rgb).unwrap();
        prop_assert_eq!(images.to_rgb8(0), rgb);
        prop_assert_eq!(images.clone().quantised(), images);
    }

    #[test]
    fn a_flat_picture_stays_flat(
        h in 1usize..12, w in 1usize..12, out in 1usize..20,
        x in -0.9f64..0.9, y in -0.9f64..0.9, size in 0.1f64..3.0, v in 0f32..=1.0,
    ) {
        let flat = Images::new(1, h, w, vec![v; 3 * h * w]).unwrap();
        let long = h.max(w) as f64;
        let crop = Crop { x: x * w as f64, y: y * h as f64, size: size * long, angle: 0.0 };
        if crop.check(h, w).is_ok() {
            for &got in flat.fit(crop, out).unwrap().data() {
                prop_assert!((got - v).abs() < 1e-5, "{} {}", got, v);
            }
        }
    }
}
