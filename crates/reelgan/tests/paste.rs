//! Crops back in their frames: pictures, videos, and what cannot be.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use reelgan::paste::{
    Crops, PasteConfig, Pasted, PatchConfig, Places, Progress, Region, paste, patch,
};
use reelgan_run::clip::{Codec, Encoding, FfmpegSearch, Layout, Selection};
use reelgan_run::images::Crop;
use reelgan_run::media::{self, Origin};
use reelgan_run::{Clip, Images};
use serde_json::{Value, json};

const WIDTH: usize = 160;
const HEIGHT: usize = 120;
const CROP: Crop = Crop { x: 30.0, y: 12.0, size: 90.0, angle: 9.0 };

/// A frame with structure everywhere, moving with `k`.
fn frame(k: usize) -> Images {
    let mut rgb = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let wave = |f: f64| (127.0 + 90.0 * (f * (x + 2 * k) as f64).sin()) as u8;
            rgb.extend([wave(0.08), (2 * y) as u8, wave(0.05)]);
        }
    }
    Images::from_rgb8(HEIGHT, WIDTH, &rgb).unwrap()
}

/// 68 points of a face that fills the crop as faces do.
fn points(crop: Crop) -> Vec<[f64; 2]> {
    let (sin, cos) = crop.angle.to_radians().sin_cos();
    let half = crop.size / 2.0;
    let at = |u: f64, v: f64| {
        let (dx, dy) = ((u - 0.5) * crop.size, (v - 0.5) * crop.size);
        [crop.x + half + dx * cos - dy * sin, crop.y + half + dx * sin + dy * cos]
    };
    (0..68)
        .map(|k| match k {
            0..17 => {
                let angle = std::f64::consts::PI * k as f64 / 16.0;
                at(0.5 - 0.25 * angle.cos(), 0.5 + 0.3 * angle.sin())
            }
            17..27 => at(0.3 + 0.4 * (k - 17) as f64 / 9.0, 0.42),
            48.. => at(0.5, 0.7),
            _ => at(0.5, 0.55),
        })
        .collect()
}

/// The files that `align` writes, for `count` frames with the crop moving right.
fn faces(folder: &Path, count: usize, landmarks: bool) {
    let crop = |k: usize| Crop { x: CROP.x + k as f64, ..CROP };
    let frames: Vec<Value> = (0..count)
        .map(|k| {
            json!({"name": format!("{k}"), "width": WIDTH, "height": HEIGHT, "crop": crop(k), "source": "face"})
        })
        .collect();
    write(folder, "transforms.json", &json!({"side": 128, "fps": 25.0, "frames": frames}));
    if landmarks {
        let faces: Vec<Value> = (0..count).map(|k| json!({"points": points(crop(k))})).collect();
        write(folder, "landmarks.json", &json!({"frames": faces}));
    }
}

fn write(folder: &Path, name: &str, value: &Value) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), value.to_string()).unwrap();
}

fn pictures(folder: &Path, count: usize) -> Clip {
    fs::create_dir_all(folder).unwrap();
    for k in 0..count {
        media::write_png(&folder.join(format!("{k:02}.png")), &frame(k), 0, Origin::Input).unwrap();
    }
    Clip::open(folder).unwrap()
}

/// A lossless video of the frames, with sound.
fn video(folder: &Path, count: usize) -> PathBuf {
    pictures(&folder.join("png"), count);
    let path = folder.join("clip.mkv");
    let ffmpeg =
        FfmpegSearch::default().find().expect("these tests need ffmpeg: apt install ffmpeg");
    let output = Command::new(ffmpeg.program())
        .args(["-nostdin", "-loglevel", "error", "-y", "-framerate", "25", "-i"])
        .arg(folder.join("png/%02d.png"))
        .args([
            "-f",
            "lavfi",
            "-i",
            "sine",
            "-shortest",
            "-c:v",
            "ffv1",
            "-pix_fmt",
            "yuv444p",
            "-c:a",
            "aac",
        ])
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}

fn run(
    clip: &Clip,
    places: &Places,
    out: &Path,
    config: &PasteConfig,
    edit: impl Fn(usize) -> Images,
) -> reelgan::Result<Option<Pasted>> {
    let mut crops = |k: usize| Ok(Crops { edited: edit(k), recon: Some(edit(0)) });
    let mut go_on = |_: Progress| ControlFlow::Continue(());
    paste(clip, places, &mut crops, (out, config), &mut go_on)
}

fn red(_: usize) -> Images {
    Images::from_rgb8(64, 64, &[230, 20, 30].repeat(64 * 64)).unwrap()
}

/// Whether a point is well inside the face, or well outside it.
fn inside(x: usize, y: usize, k: usize) -> Option<bool> {
    let crop = Crop { x: CROP.x + k as f64, ..CROP };
    let (sin, cos) = crop.angle.to_radians().sin_cos();
    let (dx, dy) = (x as f64 + 0.5 - crop.x - 45.0, y as f64 + 0.5 - crop.y - 45.0);
    let (u, v) = ((dx * cos + dy * sin) / 90.0 + 0.5, (dy * cos - dx * sin) / 90.0 + 0.5);
    match () {
        () if (u - 0.5).abs() < 0.1 && (v - 0.55).abs() < 0.1 => Some(true),
        () if (u - 0.5).abs() > 0.3 || !(0.2..0.86).contains(&v) => Some(false),
        () => None,
    }
}

#[test]
fn pictures_change_inside_the_mask_alone() {
    let folder = tempfile::tempdir().unwrap();
    let clip = pictures(&folder.path().join("clip"), 3);
    faces(&folder.path().join("faces"), 3, true);
    let places = Places::open(&folder.path().join("faces")).unwrap();
    let out = folder.path().join("out");
    let config = PasteConfig {
        patch: PatchConfig { match_colour: false, ..PatchConfig::default() },
        ..PasteConfig::default()
    };
    let pasted = run(&clip, &places, &out, &config, red).unwrap().unwrap();
    assert_eq!((pasted.frames, pasted.changed), (3, 3));
    for k in 0..3 {
        let after = media::read(&out.join(format!("{:04}.png", k + 1))).unwrap().images.to_rgb8(0);
        let before = frame(k).to_rgb8(0);
        let mut soft = 0;
        for (p, (b, a)) in before.chunks_exact(3).zip(after.chunks_exact(3)).enumerate() {
            match inside(p % WIDTH, p / WIDTH, k) {
                Some(false) => assert_eq!(b, a, "frame {k}, pixel {p}"),
                Some(true) => assert_eq!(a, [230, 20, 30], "frame {k}, pixel {p}"),
                None => soft += usize::from(b != a && a != [230, 20, 30]),
            }
        }
        assert!(soft > 500, "the edge is soft: {soft}");
    }
    let again = run(&clip, &places, &out, &config, red).unwrap_err().to_string();
    assert!(again.contains("not empty"), "{again}");
}

#[test]
fn an_unedited_crop_changes_next_to_nothing() {
    let source = frame(0);
    let folder = tempfile::tempdir().unwrap();
    faces(folder.path(), 1, true);
    let places = Places::open(folder.path()).unwrap();
    let crop = source.fit(CROP, 256).unwrap();
    for region in [Region::Face, Region::Crop] {
        let config = PatchConfig { region, ..PatchConfig::default() };
        let patched = patch(&source, &crop, &places.places[0], &config).unwrap().unwrap();
        let after = patched.over(&source).unwrap();
        let worst = source.data().iter().zip(after.data()).map(|(a, b)| (a - b).abs());
        let worst = worst.fold(0.0, f32::max);
        assert!(worst <= 2.5 / 255.0, "{region}: {}", 255.0 * worst);
    }
}

#[test]
fn a_cast_of_the_crop_is_taken_out_at_the_edge() {
    let source = frame(0);
    let folder = tempfile::tempdir().unwrap();
    faces(folder.path(), 1, true);
    let place = &Places::open(folder.path()).unwrap().places[0];
    let cast = [0.05f32, -0.04, 0.03];
    let crop = source.fit(CROP, 128).unwrap().into_data();
    let crop = crop.iter().enumerate().map(|(i, v)| v + cast[i / (128 * 128)]).collect();
    let crop = Images::new(1, 128, 128, crop).unwrap();
    let error = |match_colour| {
        let config = PatchConfig { match_colour, ..PatchConfig::default() };
        let after = patch(&source, &crop, place, &config).unwrap().unwrap().over(&source).unwrap();
        let off = source.data().iter().zip(after.data()).map(|(a, b)| (a - b).abs());
        off.fold(0.0, f32::max)
    };
    assert!(error(true) < 0.012, "{}", error(true));
    assert!(error(false) > 0.03, "the test has a cast to take out: {}", error(false));
}

#[test]
fn a_video_keeps_every_other_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = video(folder.path(), 6);
    let clip = Clip::open(&path).unwrap();
    // Of the first five frames only.
    faces(&folder.path().join("faces"), 5, true);
    let places = Places::open(&folder.path().join("faces")).unwrap();
    let out = folder.path().join("out.mkv");
    let encoding = Encoding { codec: Some(Codec::Ffv1), quality: None };
    let config = PasteConfig { encoding, ..PasteConfig::default() };
    let pasted = run(&clip, &places, &out, &config, red).unwrap().unwrap();
    assert_eq!((pasted.frames, pasted.changed), (6, 5));
    assert!(pasted.warnings[0].contains("1 of 6 frames have no crop"), "{:?}", pasted.warnings);
    let read = |path: &Path| Clip::open(path).unwrap().read(Selection::default()).unwrap().images;
    let (before, after) = (read(&path), read(&out));
    for k in 0..6 {
        let (before, after) = (before.to_rgb8(k), after.to_rgb8(k));
        for (p, (b, a)) in before.chunks_exact(3).zip(after.chunks_exact(3)).enumerate() {
            let face = if k < 5 { inside(p % WIDTH, p / WIDTH, k) } else { Some(false) };
            assert!(face != Some(false) || a == b, "frame {k}, pixel {p}");
            assert!(face != Some(true) || a != b, "frame {k}, pixel {p}");
        }
    }
    let info = Clip::open(&out).unwrap().video().unwrap().clone();
    assert_eq!((info.fps, &info.audio[..]), (Some(25.0), &["aac".to_string()][..]));
    // Side by side.
    let config = PasteConfig { layout: Layout::Compare, ..config };
    run(&clip, &places, &folder.path().join("both.mkv"), &config, red).unwrap().unwrap();
    let both = read(&folder.path().join("both.mkv"));
    assert_eq!((both.count(), both.width()), (6, 3 * WIDTH));
    assert_eq!(both.crop(0, 0, WIDTH, HEIGHT).unwrap(), before);
    assert_eq!(both.crop(2 * WIDTH, 0, WIDTH, HEIGHT).unwrap(), after);
}

#[test]
fn an_end_midway_leaves_no_video() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::open(video(folder.path(), 6)).unwrap();
    faces(&folder.path().join("faces"), 6, true);
    let places = Places::open(&folder.path().join("faces")).unwrap();
    let out = folder.path().join("out.mp4");
    let how = (out.as_path(), &PasteConfig::default());
    let mut crops = |k| Ok(Crops { edited: red(k), recon: None });
    let mut stop = |p: Progress| match p.done {
        3 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    assert_eq!(paste(&clip, &places, &mut crops, how, &mut stop).unwrap(), None);
    let mut failing = |k| match k {
        2 => Err(reelgan::Error::NoFace { frames: 1 }),
        _ => Ok(Crops { edited: red(k), recon: None }),
    };
    let mut go_on = |_: Progress| ControlFlow::Continue(());
    let error = paste(&clip, &places, &mut failing, how, &mut go_on).unwrap_err();
    assert!(matches!(error, reelgan::Error::NoFace { .. }), "{error}");
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["clip.mkv", "faces", "png"]);
}

#[test]
fn transforms_of_another_clip_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let clip = pictures(&folder.path().join("clip"), 3);
    let faces_folder = folder.path().join("faces");
    let (out, config) = (folder.path().join("out"), PasteConfig::default());
    let refused = |config: &PasteConfig, edit: fn(usize) -> Images| {
        let places = Places::open(&faces_folder)?;
        run(&clip, &places, &out, config, edit)
    };
    let said = |config: &PasteConfig| refused(config, red).unwrap_err().to_string();
    let without = Places::open(&faces_folder).unwrap_err().to_string();
    assert!(without.contains("no transforms.json"), "{without}");
    faces(&faces_folder, 4, true);
    assert!(
        said(&config).contains("has 3 frames, but the transforms are for frame 4"),
        "{}",
        said(&config)
    );
    faces(&faces_folder, 3, false);
    fs::remove_file(faces_folder.join("landmarks.json")).unwrap();
    assert!(said(&config).contains("landmarks.json"), "{}", said(&config));
    fs::remove_dir_all(&out).unwrap();
    let crop = PatchConfig { region: Region::Crop, ..PatchConfig::default() };
    refused(&PasteConfig { patch: crop, ..config }, red).unwrap().unwrap();
    fs::remove_dir_all(&out).unwrap();
    faces(&faces_folder, 3, true);
    let wide = |_: usize| Images::from_rgb8(8, 16, &[0; 3 * 128]).unwrap();
    let error = refused(&config, wide).unwrap_err().to_string();
    assert!(error.contains("square"), "{error}");
}

#[test]
fn files_that_are_no_transforms() {
    let folder = tempfile::tempdir().unwrap();
    let crop = r#""crop":{"x":0,"y":0,"size":4}"#;
    for (text, want) in [
        ("{", "as `reelgan align` writes"),
        (r#"{"frames":[{"crop":{"x":"a"}}]}"#, "as `reelgan align` writes"),
        (r#"{"frames":[]}"#, "no frames"),
        (r#"{"frames":[{"width":9,"height":9,"crop":{"x":50,"y":0,"size":4}}]}"#, "frame 1: crop"),
        (&format!(r#"{{"frames":[{{"frame":3,{crop}}},{{"frame":3,{crop}}}]}}"#), "at entry 2"),
    ] {
        fs::write(folder.path().join("transforms.json"), text).unwrap();
        let error = Places::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("transforms.json") && error.contains(want), "{text}: {error}");
    }
    faces(folder.path(), 2, true);
    write(folder.path(), "landmarks.json", &json!({"frames": [null]}));
    let error = Places::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is for 1 frames, transforms.json for 2"), "{error}");
}

#[test]
fn a_frame_without_a_face_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let clip = pictures(&folder.path().join("clip"), 2);
    let crop = |source| json!({"crop": CROP, "source": source});
    let frames = [crop("face"), crop("neighbours")];
    write(folder.path(), "transforms.json", &json!({"fps": null, "frames": frames}));
    let face = json!({"points": points(CROP)});
    write(folder.path(), "landmarks.json", &json!({"frames": [face, null]}));
    let places = Places::open(folder.path()).unwrap();
    let out = folder.path().join("out");
    let pasted = run(&clip, &places, &out, &PasteConfig::default(), red).unwrap().unwrap();
    assert_eq!((pasted.frames, pasted.changed), (2, 1));
    assert_eq!(media::read(&out.join("0002.png")).unwrap().images, frame(1));
}
