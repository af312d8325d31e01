//! Videos with some pixels replaced, through the ffmpeg of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reelgan_run::clip::{
    Codec, Encoding, Ffmpeg, FfmpegSearch, Layout, Pixels, Retouch, Selection, Times,
};
use reelgan_run::media::SYNTHETIC_NOTE;
use reelgan_run::{Clip, Error};

fn ffmpeg() -> Ffmpeg {
    FfmpegSearch::default().find().expect("these tests need ffmpeg: apt install ffmpeg")
}

/// What ffmpeg writes to standard output.
fn asked(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(ffmpeg().program())
        .args(["-nostdin", "-loglevel", "error", "-y"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A clip of 10 frames and sound, made with these further options.
fn clip(folder: &Path, name: &str, size: &str, options: &str) -> PathBuf {
    let path = folder.join(name);
    let picture = format!("testsrc2=s={size}:r=25:d=0.4");
    let sound = ["-f", "lavfi", "-i", "sine=f=440:d=0.4"];
    let options = options.split_whitespace();
    let arguments: Vec<&str> =
        ["-f", "lavfi", "-i", &picture].into_iter().chain(sound).chain(options).collect();
    asked(&[&arguments[..], &[path.to_str().unwrap()]].concat());
    path
}

const H264: &str = "-c:v libx264 -bf 2 -c:a aac";
const LOSSLESS: Encoding = Encoding { codec: Some(Codec::Ffv1), quality: None };

/// The stored bytes of all frames, as they are laid out in the file.
fn stored(path: &Path, format: &str) -> Vec<u8> {
    let path = path.to_str().unwrap();
    let pass = ["-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", format, "pipe:1"];
    asked(&[&["-noautorotate", "-i", path, "-map", "0:V:0"], &pass[..]].concat())
}

fn sound(path: &Path) -> Vec<u8> {
    asked(&["-i", path.to_str().unwrap(), "-map", "0:a", "-c", "copy", "-f", "md5", "pipe:1"])
}

/// A rectangle of the frame: left, upper, right, lower edge.
type Box4 = [usize; 4];

/// A patch that is red in a box.
fn red((width, height): (usize, usize), [x0, y0, x1, y1]: Box4) -> Vec<u8> {
    let pixel = |p: usize| {
        let inside = (x0..x1).contains(&(p % width)) && (y0..y1).contains(&(p / width));
        if inside { [255, 0, 0, 255] } else { [0; 4] }
    };
    (0..width * height).flat_map(pixel).collect()
}

/// Copies a clip with a red box in every frame.
fn retouched(from: &Path, to: &Path, encoding: Encoding, area: Box4) -> Vec<String> {
    let clip = Clip::open(from).unwrap();
    let times = clip.times().unwrap().unwrap();
    let mut writer: Option<Retouch> = None;
    for frame in clip.frames(Selection::default()).unwrap() {
        let images = frame.unwrap().images;
        let size = (images.width(), images.height());
        let writer = writer.get_or_insert_with(|| {
            Retouch::begin(&clip, &times, size, to, (Layout::Plain, encoding)).unwrap()
        });
        writer.push(&[&red(size, area)]).unwrap();
    }
    let writer = writer.unwrap();
    let warnings = writer.warnings().to_vec();
    writer.finish().unwrap();
    warnings
}

fn times(path: &Path) -> Times {
    Clip::open(path).unwrap().times().unwrap().unwrap()
}

#[test]
fn every_other_pixel_keeps_the_bits_of_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let (width, height) = (96, 64);
    for (name, options, format, bytes, chroma) in [
        ("a.mp4", H264, "yuv420p", 1, (2, 2)),
        ("b.mkv", "-c:v libx264 -pix_fmt yuv422p -c:a aac", "yuv422p", 1, (2, 1)),
        ("c.mkv", "-c:v libx264 -pix_fmt yuv444p -c:a aac", "yuv444p", 1, (1, 1)),
        ("d.mkv", "-c:v ffv1 -pix_fmt yuv420p10le -c:a aac", "yuv420p10le", 2, (2, 2)),
        ("e.mp4", "-c:v mjpeg -pix_fmt yuvj420p -c:a aac", "yuvj420p", 1, (2, 2)),
        ("f.mkv", "-c:v ffv1 -pix_fmt bgr0 -c:a aac", "gbrp", 1, (1, 1)),
    ] {
        let from = clip(folder.path(), name, "96x64", options);
        let to = folder.path().join(format!("out-{name}.mkv"));
        assert_eq!(retouched(&from, &to, LOSSLESS, [20, 10, 40, 30]), [""; 0]);
        let (before, after) = (stored(&from, format), stored(&to, format));
        assert_eq!(before.len(), after.len(), "{name}");
        let (cw, ch) = (width / chroma.0, height / chroma.1);
        let frame = bytes * (width * height + 2 * cw * ch);
        let mut changed = 0;
        for k in 0..before.len() / bytes {
            let at = k % (frame / bytes);
            // The place in the full picture.
            let (x, y) = match at.checked_sub(width * height) {
                None => (at % width, at / width),
                Some(c) => (c % cw * chroma.0, c / cw % ch * chroma.1),
            };
            // In pictures of 10 bits ffmpeg's overlay takes the opacity of colours two rows
            // too low, so that of two rows above a patch they count as part of it.
            let above = if bytes == 2 && at >= width * height { 2 } else { 0 };
            let inside = (20..40).contains(&x) && (10 - above..30).contains(&y);
            let same = before[bytes * k..][..bytes] == after[bytes * k..][..bytes];
            assert!(same || inside, "{name}: {x},{y} differs");
            changed += usize::from(!same);
        }
        let patched = before.len() / frame * 20 * 20;
        assert!(changed > patched / 2, "{name}: {changed} of {patched} values changed");
    }
}

#[test]
fn times_sound_colours_and_the_note_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let irregular = "-vf setpts=N*N/(25*TB) -vsync passthrough -enc_time_base 1/12800 \
        -color_range tv -colorspace bt709 -color_primaries bt709 -color_trc bt709 ";
    let from = clip(folder.path(), "a.mp4", "96x64", &format!("{irregular}{H264}"));
    let to = folder.path().join("b.mp4");
    assert_eq!(retouched(&from, &to, Encoding::default(), [20, 10, 40, 30]), [""; 0]);
    assert_eq!(times(&to), times(&from));
    assert_eq!(times(&from).ticks()[..4], [0, 512, 2048, 4608]);
    assert_eq!(sound(&to), sound(&from));
    let info = |path: &Path| Clip::open(path).unwrap().video().unwrap().clone();
    assert_eq!(info(&to).pixels, info(&from).pixels);
    assert_eq!(info(&from).pixels.matrix.as_deref(), Some("bt709"));
    assert_eq!(info(&to).seconds, info(&from).seconds);
    let bytes = fs::read(&to).unwrap();
    assert!(bytes.windows(SYNTHETIC_NOTE.len()).any(|w| w == SYNTHETIC_NOTE.as_bytes()));
    // The patch has the colour asked for, by the matrix of the source.
    let read = Clip::open(&to).unwrap().read(Selection::default()).unwrap().images.to_rgb8(3);
    let pixel = &read[3 * (20 * 96 + 30)..][..3];
    assert!(pixel[0] > 240 && pixel[1] < 15 && pixel[2] < 15, "{pixel:?}");
}

#[test]
fn full_range_stays_full_range() {
    let folder = tempfile::tempdir().unwrap();
    let options = "-vf scale=out_range=pc,format=yuv420p -color_range pc -c:v libx264 -c:a aac";
    let from = clip(folder.path(), "a.mp4", "96x64", options);
    let to = folder.path().join("b.mp4");
    retouched(&from, &to, Encoding::default(), [20, 10, 40, 30]);
    let pixels = |path: &Path| Clip::open(path).unwrap().video().unwrap().pixels.clone();
    assert!(matches!(pixels(&from), Pixels { full_range: Some(true), .. }), "{:?}", pixels(&from));
    assert_eq!(pixels(&to).full_range, Some(true));
    let read = |path: &Path| Clip::open(path).unwrap().read(Selection::default()).unwrap().images;
    let (before, after) = (read(&from).to_rgb8(0), read(&to).to_rgb8(0));
    // Outside, the picture is no brighter and no darker than it was.
    let mean = |rgb: &[u8]| rgb[3 * 40 * 96..].iter().map(|v| f64::from(*v)).sum::<f64>();
    let ratio = mean(&after) / mean(&before);
    assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
    let pixel = &after[3 * (20 * 96 + 30)..][..3];
    assert!(pixel[0] > 240 && pixel[1] < 15 && pixel[2] < 15, "{pixel:?}");
}

/// Puts a quarter turn into the header of an MP4 file, as phones do.
fn turned(path: &Path, matrix: [i32; 9]) {
    let mut bytes = fs::read(path).unwrap();
    let header = bytes.windows(4).position(|w| w == b"tkhd").unwrap();
    let matrix = matrix.map(i32::to_be_bytes).concat();
    bytes[header + 44..header + 80].copy_from_slice(&matrix);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_turned_clip_stays_turned() {
    const ONE: i32 = 1 << 16;
    let folder = tempfile::tempdir().unwrap();
    for (name, matrix, rotation) in [
        ("a.mp4", [0, ONE, 0, -ONE, 0, 0, 64 << 16, 0, 1 << 30], 90.0f64),
        ("b.mp4", [0, -ONE, 0, ONE, 0, 0, 0, 96 << 16, 1 << 30], 90.0f64),
        ("c.mp4", [-ONE, 0, 0, 0, -ONE, 0, 96 << 16, 64 << 16, 1 << 30], 180.0f64),
    ] {
        let from = clip(folder.path(), name, "96x64", H264);
        turned(&from, matrix);
        let upright = |path: &Path| {
            let images = Clip::open(path).unwrap().read(Selection::default()).unwrap().images;
            (images.width(), images.height(), images.to_rgb8(0))
        };
        let info = |path: &Path| Clip::open(path).unwrap().video().unwrap().clone();
        assert_eq!(info(&from).rotation.map(f64::abs), Some(rotation), "{name}");
        for out in ["out.mp4", "out.mov", "out.mkv"] {
            let to = folder.path().join(format!("{name}-{out}"));
            retouched(&from, &to, Encoding { codec: None, quality: Some(4) }, [4, 6, 30, 20]);
            // Matrix and size as in the source, or upright where they cannot be told.
            let told = out != "out.mkv";
            assert_eq!(info(&to).rotation, info(&from).rotation.filter(|_| told), "{to:?}");
            let (before, after) = (upright(&from), upright(&to));
            assert_eq!((before.0, before.1), (after.0, after.1), "{to:?}");
            for (p, (b, a)) in before.2.chunks_exact(3).zip(after.2.chunks_exact(3)).enumerate() {
                let (x, y) = (p % before.0, p / before.0);
                let far = b.iter().zip(a).map(|(b, a)| b.abs_diff(*a)).max().unwrap();
                // Away from the edge of the box, which chroma blurs.
                let inside = (6..28).contains(&x) && (8..18).contains(&y);
                let outside = !((2..32).contains(&x) && (4..22).contains(&y));
                assert!(!outside || far < 40, "{to:?}: {x},{y}: {b:?} {a:?}");
                assert!(!inside || (a[0] > 230 && a[1] < 30), "{to:?}: {x},{y}: {a:?}");
            }
        }
    }
}

#[test]
fn shapes_that_codecs_do_not_like() {
    let folder = tempfile::tempdir().unwrap();
    // Odd sides, and pixels twice as wide as high.
    for (name, size, options, want) in [
        ("odd.mkv", "96x64", "-vf scale=97:63 -c:v ffv1 -pix_fmt yuv420p -c:a aac", (98, 64)),
        ("wide.mkv", "48x64", "-vf setsar=2 -c:v ffv1 -pix_fmt yuv420p -c:a aac", (48, 64)),
    ] {
        let from = clip(folder.path(), name, size, options);
        let to = folder.path().join(format!("{name}.mp4"));
        retouched(&from, &to, Encoding::default(), [20, 10, 40, 30]);
        let info = Clip::open(&to).unwrap().video().unwrap().clone();
        assert_eq!(info.stored, Some(want), "{name}");
        let read = Clip::open(&to).unwrap().read(Selection::default()).unwrap().images;
        assert_eq!(read.count(), 10);
        let pixel = &read.to_rgb8(9)[3 * (20 * read.width() + 30)..][..3];
        assert!(pixel[0] > 220 && pixel[1] < 40, "{name}: {pixel:?}");
        // And as they are where nothing is in the way.
        let to = folder.path().join(format!("{name}.mkv"));
        retouched(&from, &to, LOSSLESS, [20, 10, 40, 30]);
        let original = Clip::open(&from).unwrap().video().unwrap().clone();
        assert_eq!(Clip::open(&to).unwrap().video().unwrap().stored, original.stored);
    }
}

#[test]
fn clips_without_sound_and_sound_that_a_file_cannot_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mute = clip(folder.path(), "mute.mkv", "96x64", "-c:v libx264 -an");
    let to = folder.path().join("mute.mp4");
    retouched(&mute, &to, Encoding::default(), [20, 10, 40, 30]);
    assert_eq!(Clip::open(&to).unwrap().video().unwrap().audio, [""; 0]);
    let pcm = clip(folder.path(), "pcm.mkv", "96x64", "-c:v libx264 -c:a pcm_s16le");
    let warnings =
        retouched(&pcm, &folder.path().join("pcm.mp4"), Encoding::default(), [20, 10, 40, 30]);
    assert!(warnings[0].contains("pcm_s16le") && warnings[0].contains("AAC"), "{warnings:?}");
    let to = folder.path().join("kept.mkv");
    assert_eq!(retouched(&pcm, &to, Encoding::default(), [20, 10, 40, 30]), [""; 0]);
    assert_eq!(sound(&to), sound(&pcm));
}

#[test]
fn three_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let from = clip(folder.path(), "a.mp4", "96x64", H264);
    let to = folder.path().join("b.mp4");
    let source = Clip::open(&from).unwrap();
    let how = (Layout::Compare, Encoding::default());
    let mut video = Retouch::begin(&source, &times(&from), (96, 64), &to, how).unwrap();
    let (first, second) = (red((96, 64), [0, 0, 96, 20]), red((96, 64), [0, 40, 96, 64]));
    assert!(matches!(video.push(&[&first]), Err(Error::Shape { .. })));
    assert!(matches!(video.push(&[&first, &[]]), Err(Error::Shape { .. })));
    (0..10).for_each(|_| video.push(&[&first, &second]).unwrap());
    assert!(matches!(video.push(&[&first, &second]), Err(Error::Shape { .. })), "an eleventh");
    video.finish().unwrap();
    let images = Clip::open(&to).unwrap().read(Selection::default()).unwrap().images;
    assert_eq!((images.count(), images.width(), images.height()), (10, 288, 64));
    let rgb = images.to_rgb8(5);
    let is_red = |x: usize, y: usize| {
        let p = &rgb[3 * (y * 288 + x)..][..3];
        p[0] > 220 && p[1] < 40 && p[2] < 40
    };
    let columns = [20, 60, 90].map(|x| [is_red(96 + x, 10), is_red(192 + x, 50)]);
    assert_eq!(columns, [[true, true]; 3]);
    assert!(![20, 60, 90].iter().any(|x| is_red(*x, 10) && is_red(*x, 50)));
}

#[test]
fn a_broken_tail_and_frames_without_patches() {
    let folder = tempfile::tempdir().unwrap();
    let options = "-c:v mpeg4 -g 1 -c:a aac -movflags +faststart";
    let from = clip(folder.path(), "a.mp4", "96x64", options);
    let bytes = fs::read(&from).unwrap();
    fs::write(&from, &bytes[..bytes.len() * 6 / 10]).unwrap();
    let to = folder.path().join("b.mp4");
    retouched(&from, &to, Encoding::default(), [20, 10, 40, 30]);
    let count = times(&from).count();
    assert!((2..10).contains(&count), "{count}");
    assert_eq!(times(&to).count(), count);
    // Patches for the first frame alone.
    let whole = clip(folder.path(), "c.mp4", "96x64", H264);
    let source = Clip::open(&whole).unwrap();
    let to = folder.path().join("d.mkv");
    let how = (Layout::Plain, LOSSLESS);
    let mut video = Retouch::begin(&source, &times(&whole), (96, 64), &to, how).unwrap();
    video.push(&[&red((96, 64), [0, 0, 96, 64])]).unwrap();
    video.finish().unwrap();
    let (before, after) = (stored(&whole, "yuv420p"), stored(&to, "yuv420p"));
    let frame = 96 * 64 * 3 / 2;
    assert_eq!(before.len(), 10 * frame);
    assert!(before[..frame] != after[..frame] && before[frame..] == after[frame..]);
}

#[test]
fn what_cannot_be_written_is_said_first() {
    let folder = tempfile::tempdir().unwrap();
    let from = clip(folder.path(), "a.mp4", "96x64", H264);
    let source = Clip::open(&from).unwrap();
    let times = times(&from);
    let begin = |name: &str, encoding| {
        let how = (Layout::Plain, encoding);
        let error = Retouch::begin(&source, &times, (96, 64), &folder.path().join(name), how);
        error.unwrap_err().to_string()
    };
    let lossy = Encoding::default();
    let h264 = |quality| Encoding { codec: Some(Codec::H264), quality: Some(quality) };
    for (name, encoding, want) in [
        ("b.avi", lossy, ".mp4, .mov or .mkv"),
        ("b.mp4", LOSSLESS, ".mkv"),
        ("b.mp4", h264(52), "0 (largest file) to 51"),
        ("b.mkv", Encoding { quality: Some(3), ..LOSSLESS }, "no meaning"),
        ("absent/b.mp4", lossy, "create it first"),
    ] {
        let error = begin(name, encoding);
        assert!(error.contains(want), "{name}: {error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn an_ffmpeg_that_dies_midway_leaves_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let from = clip(folder.path(), "a.mp4", "96x64", H264);
    let real = ffmpeg().program().to_owned();
    // Everything but encoding is done by the real one.
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in\n*filter_complex*) head -c 60000 > /dev/null; \
         echo 'out of luck' >&2; kill -9 $$;;\n*) exec {} \"$@\";;\nesac\n",
        real.display()
    );
    let program = folder.path().join("stand-in");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let search = FfmpegSearch { explicit: Some(program), fallback: None };
    let source = Clip::from_paths(&[from], &search).unwrap();
    let times = source.times().unwrap().unwrap();
    let to = folder.path().join("b.mp4");
    fs::write(&to, "earlier").unwrap();
    let how = (Layout::Plain, Encoding { codec: Some(Codec::H264), quality: None });
    let mut video = Retouch::begin(&source, &times, (96, 64), &to, how).unwrap();
    let patch = red((96, 64), [0, 0, 9, 9]);
    let pushed = (0..10).try_for_each(|_| video.push(&[&patch]));
    let error = pushed.and_then(|()| video.finish()).unwrap_err().to_string();
    assert!(error.contains("b.mp4 (signal: 9") && error.contains("out of luck"), "{error}");
    assert_eq!(fs::read_to_string(&to).unwrap(), "earlier");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}
