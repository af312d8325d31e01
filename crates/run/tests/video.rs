//! Video in and out, through the ffmpeg of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reelgan_run::clip::{Ffmpeg, FfmpegSearch, Selection, VideoWriter};
use reelgan_run::media::{SYNTHETIC_NOTE, Warning};
use reelgan_run::{Clip, Error, Images};

fn ffmpeg() -> Ffmpeg {
    FfmpegSearch::default().find().expect("these tests need ffmpeg: apt install ffmpeg")
}

/// Lets ffmpeg itself make a file.
fn make(path: &Path, arguments: &[&str]) {
    let output = Command::new(ffmpeg().program())
        .args(["-nostdin", "-loglevel", "error", "-y"])
        .args(arguments)
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Ten frames of 64x48, lossless; frame k is grey with the value 20 k.
fn steps(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let source = "color=black:s=64x48:r=25:d=0.4,format=gray,geq=lum=20*N,format=rgb24";
    make(
        &path,
        &["-f", "lavfi", "-i", source, "-c:v", "ffv1", "-pix_fmt", "bgr0", "-f", "matroska"],
    );
    path
}

fn grey(images: &Images) -> Vec<u8> {
    (0..images.count()).map(|k| images.to_rgb8(k)[0]).collect()
}

fn flat(width: usize, height: usize, rgb: [u8; 3]) -> Images {
    Images::from_rgb8(height, width, &rgb.repeat(width * height)).unwrap()
}

#[test]
fn every_frame_is_decoded_once() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::open(steps(folder.path(), "a.mkv")).unwrap();
    let info = clip.video().unwrap();
    assert_eq!((info.fps, info.seconds), (Some(25.0), Some(0.4)));
    let loaded = clip.read(Selection::default()).unwrap();
    assert_eq!((loaded.images.width(), loaded.images.height()), (64, 48));
    assert_eq!(grey(&loaded.images), [0, 20, 40, 60, 80, 100, 120, 140, 160, 180]);
    assert_eq!(loaded.names[9], "frame 10");
    assert_eq!(loaded.warnings, []);
}

#[test]
fn irregular_frames_are_neither_doubled_nor_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mkv");
    let source = "color=black:s=64x48:r=25:d=0.4,format=gray,geq=lum=20*N,format=rgb24";
    // Quadratic times: the gaps grow from 40 ms to 760 ms.
    let times = ["-vf", "setpts=N*N/(25*TB)", "-c:v", "ffv1", "-pix_fmt", "bgr0"];
    let pass = ["-vsync", "passthrough"];
    make(&path, &[&["-f", "lavfi", "-i", source][..], &times, &pass].concat());
    let loaded = Clip::open(path).unwrap().read(Selection::default()).unwrap();
    assert_eq!(grey(&loaded.images), [0, 20, 40, 60, 80, 100, 120, 140, 160, 180]);
}

#[test]
fn frames_are_chosen_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Clip::open(steps(folder.path(), "a.mkv")).unwrap();
    let chosen = |start, stride, count| clip.read(Selection { start, stride, count }).unwrap();
    assert_eq!(grey(&chosen(3, 2, Some(3)).images), [60, 100, 140]);
    assert_eq!(chosen(3, 2, Some(3)).names, ["frame 4", "frame 6", "frame 8"]);
    let few = chosen(8, 1, Some(5));
    assert_eq!(grey(&few.images), [160, 180]);
    assert_eq!(few.warnings, [Warning::FewerFrames { wanted: 5, found: 2 }]);
    let error = clip.read(Selection { start: 10, ..Selection::default() }).unwrap_err();
    assert!(error.to_string().contains("10 frames are to be left out"), "{error}");
}

#[test]
fn names_that_look_like_options_or_addresses_are_names() {
    let folder = tempfile::tempdir().unwrap();
    let made = steps(folder.path(), "a.mkv");
    for name in ["-i.mkv", "concat:a.mkv|b.mkv", "http:a.mkv", "frame_%03d.mkv", "q'uo\"te ü.mkv"]
    {
        let path = folder.path().join(name);
        fs::copy(&made, &path).unwrap();
        let one = Selection { count: Some(1), ..Selection::default() };
        assert_eq!(Clip::open(&path).unwrap().read(one).unwrap().images.count(), 1, "{name}");
    }
}

#[test]
fn turned_videos_are_upright() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    // Red above blue as stored.
    let source = "color=red:s=64x96:r=25:d=0.08,drawbox=y=48:h=48:c=blue:t=fill";
    make(&path, &["-f", "lavfi", "-i", source, "-c:v", "mpeg4", "-q:v", "1"]);
    let mut bytes = fs::read(&path).unwrap();
    let header = bytes.windows(4).position(|w| w == b"tkhd").unwrap();
    // The matrix of a track header of version 0: a quarter turn clockwise, by
    // which the lower half comes to lie on the left.
    let turn = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30].map(i32::to_be_bytes).concat();
    bytes[header + 44..header + 44 + 36].copy_from_slice(&turn);
    fs::write(&path, bytes).unwrap();
    let images = Clip::open(&path).unwrap().read(Selection::default()).unwrap().images;
    assert_eq!((images.width(), images.height()), (96, 64));
    let rgb = images.to_rgb8(0);
    let (left, right) = (&rgb[3 * 10..][..3], &rgb[3 * 80..][..3]);
    assert!(left[2] > 200 && left[0] < 50, "{left:?}");
    assert!(right[0] > 200 && right[2] < 50, "{right:?}");
}

#[test]
fn pixels_are_made_square() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mkv");
    make(&path, &["-f", "lavfi", "-i", "color=red:s=64x96:r=25:d=0.08,setsar=2", "-c:v", "ffv1"]);
    let images = Clip::open(&path).unwrap().read(Selection::default()).unwrap().images;
    assert_eq!((images.width(), images.height()), (128, 96));
}

#[test]
fn sound_has_no_video_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    make(&path, &["-f", "lavfi", "-i", "sine=d=0.1"]);
    let error = Clip::open(&path).unwrap_err();
    assert!(matches!(error, Error::NoVideo { .. }), "{error}");
    assert!(error.to_string().contains("a.wav has no video stream"), "{error}");
}

#[test]
fn broken_videos_are_errors_or_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let noise = folder.path().join("noise.mp4");
    fs::write(
        &noise,
        (0..5000u32).map(|k| (k.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
    )
    .unwrap();
    let error = Clip::open(&noise).unwrap_err();
    assert!(matches!(error, Error::Ffmpeg { .. }), "{error}");
    assert!(error.to_string().contains("noise.mp4"), "{error}");

    // Without its index at the end, an MP4 cannot be read at all.
    let whole = folder.path().join("whole.mp4");
    make(&whole, &["-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=1", "-c:v", "mpeg4"]);
    let bytes = fs::read(&whole).unwrap();
    let cut = folder.path().join("cut.mp4");
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let error = Clip::open(&cut).unwrap_err();
    assert!(error.to_string().contains("moov atom not found"), "{error}");

    // With the index in front, what is there is read, and said to be damaged.
    let front = folder.path().join("front.mp4");
    make(
        &front,
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=128x96:r=25:d=1",
            "-c:v",
            "mpeg4",
            "-movflags",
            "+faststart",
        ],
    );
    let bytes = fs::read(&front).unwrap();
    fs::write(&front, &bytes[..bytes.len() / 2]).unwrap();
    match Clip::open(&front).and_then(|clip| clip.read(Selection::default())) {
        Ok(loaded) => {
            assert!(loaded.images.count() < 25);
            assert!(
                matches!(loaded.warnings[..], [Warning::Damaged { .. }]),
                "{:?}",
                loaded.warnings
            );
        }
        Err(error) => assert!(matches!(error, Error::Ffmpeg { .. }), "{error}"),
    }
}

#[test]
fn without_ffmpeg_there_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = steps(folder.path(), "a.mkv");
    let search = FfmpegSearch { explicit: Some(folder.path().join("ffmpeg")), fallback: None };
    let error = Clip::from_paths(&[path], &search).unwrap_err();
    assert!(matches!(error, Error::FfmpegMissing { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn a_video_without_a_frame() {
    let (good, error) = with_stand_in("true");
    assert_eq!(good, 0);
    assert!(error.contains("it holds no frame"), "{error}");
    let (good, error) = with_stand_in("echo bad header >&2");
    assert_eq!(good, 0);
    assert!(error.contains("no frame could be decoded): bad header"), "{error}");
}

/// A program that stands in for ffmpeg: answers the questions asked before
/// decoding, then does something else.
#[cfg(unix)]
fn stand_in(folder: &Path, decoding: &str) -> FfmpegSearch {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("stand-in");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in\n-version) echo 'ffmpeg version 9.0';;\n\
         *pipe:1) {decoding};;\n\
         *) echo \"Input #0, x, from 'x':\" >&2; echo '  Stream #0:0: Video: x, 2x1, 5 fps' >&2; exit 1;;\nesac\n"
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    FfmpegSearch { explicit: Some(program), fallback: None }
}

#[cfg(unix)]
fn with_stand_in(decoding: &str) -> (usize, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mkv");
    fs::write(&path, [0x1A, 0x45, 0xDF, 0xA3]).unwrap();
    let clip = Clip::from_paths(&[path], &stand_in(folder.path(), decoding)).unwrap();
    let mut frames = clip.frames(Selection::default()).unwrap();
    let good = frames.by_ref().take_while(Result::is_ok).count();
    assert!(frames.next().is_none());
    let error = clip.read(Selection::default()).unwrap_err();
    (good, error.to_string())
}

#[cfg(unix)]
#[test]
fn an_ffmpeg_that_dies_midway_is_an_error_with_its_last_words() {
    let frame = r"printf 'P6\n2 1\n255\nabcdef'";
    let (good, error) = with_stand_in(&format!("{frame}; {frame}; echo out of luck >&2; exit 3"));
    assert_eq!(good, 2);
    assert!(error.contains("a.mkv (exit code 3): out of luck"), "{error}");
    let (good, error) =
        with_stand_in(&format!("{frame}; printf 'P6\\n2 1\\n255\\nabc'; kill -9 $$"));
    assert_eq!(good, 1);
    assert!(error.contains("signal: 9"), "{error}");
    let (good, error) = with_stand_in(&format!("{frame}; printf 'P6\\n2 1\\n255\\nabc'"));
    assert_eq!(good, 1);
    assert!(error.contains("in the middle of a frame"), "{error}");
}

#[cfg(unix)]
#[test]
fn an_ffmpeg_that_goes_astray_is_ended_without_waiting() {
    // The shell leaves the sleeper behind with its standard error open.
    let begun = std::time::Instant::now();
    let (good, error) = with_stand_in("printf 'P6\\n99999 99999\\n255\\n'; sleep 120");
    assert_eq!(good, 0);
    assert!(error.contains("99999x99999"), "{error}");
    assert!(begun.elapsed().as_secs() < 60);
}

#[cfg(target_os = "linux")]
#[test]
fn a_dropped_reader_ends_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mkv");
    fs::write(&path, [0x1A, 0x45, 0xDF, 0xA3]).unwrap();
    let note = folder.path().join("pid");
    let script =
        format!("echo $$ > {}; printf 'P6\\n2 1\\n255\\nabcdef'; exec sleep 600", note.display());
    let clip = Clip::from_paths(&[path], &stand_in(folder.path(), &script)).unwrap();
    let mut frames = clip.frames(Selection::default()).unwrap();
    assert!(frames.next().unwrap().is_ok());
    let process = PathBuf::from(format!("/proc/{}", fs::read_to_string(&note).unwrap().trim()));
    assert!(process.exists());
    drop(frames);
    // Reaped as well: a zombie would still be listed.
    assert!(!process.exists());
}

#[test]
fn a_written_video_has_its_colours_size_rate_and_note() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("-out.mp4");
    let colours = [[200, 30, 40], [30, 180, 60], [40, 50, 210], [128, 128, 128]];
    let mut video = VideoWriter::create(&ffmpeg(), &path, (33, 17), 29.97).unwrap();
    for colour in colours {
        video.push(&flat(33, 17, colour)).unwrap();
    }
    assert!(!path.exists());
    video.finish().unwrap();
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["-out.mp4"]);

    let clip = Clip::open(&path).unwrap();
    assert_eq!(clip.video().unwrap().fps, Some(29.97));
    let images = clip.read(Selection::default()).unwrap().images;
    // 4:2:0 needs even sides.
    assert_eq!((images.count(), images.width(), images.height()), (4, 34, 18));
    for (k, colour) in colours.iter().enumerate() {
        let rgb = images.to_rgb8(k);
        for at in [0, 33, 17 * 34, 17 * 34 + 33] {
            // Eight bits of luma and chroma round to within a few values of RGB.
            let close = rgb[3 * at..][..3].iter().zip(colour).all(|(a, b)| a.abs_diff(*b) <= 6);
            assert!(close, "{:?} {colour:?}", &rgb[3 * at..][..3]);
        }
    }
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.windows(SYNTHETIC_NOTE.len()).any(|w| w == SYNTHETIC_NOTE.as_bytes()));
}

#[test]
fn equal_frames_give_equal_videos() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["a.mp4", "b.mp4"].map(|name| {
        let path = folder.path().join(name);
        let mut video = VideoWriter::create(&ffmpeg(), &path, (64, 48), 25.0).unwrap();
        (0..20).for_each(|k| video.push(&flat(64, 48, [12 * k, 255 - 12 * k, 7])).unwrap());
        video.finish().unwrap();
        fs::read(path).unwrap()
    });
    assert!(files[0] == files[1]);
}

#[test]
fn an_unfinished_video_leaves_the_earlier_one_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    fs::write(&path, "earlier").unwrap();
    let begin = |size| VideoWriter::create(&ffmpeg(), &path, size, 25.0);
    let mut video = begin((64, 48)).unwrap();
    video.push(&flat(64, 48, [9; 3])).unwrap();
    assert!(matches!(video.push(&flat(48, 64, [9; 3])), Err(Error::Shape { .. })));
    drop(video);
    let error = begin((64, 48)).unwrap().finish().unwrap_err();
    assert!(error.to_string().contains("at least one frame"), "{error}");
    assert!(begin((0, 48)).is_err());
    assert!(begin((1 << 20, 48)).is_err());
    for fps in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(VideoWriter::create(&ffmpeg(), &path, (64, 48), fps).is_err());
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "earlier");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn places_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent/a.mp4");
    let error = VideoWriter::create(&ffmpeg(), &absent, (64, 48), 25.0).unwrap_err();
    assert!(error.to_string().contains("create it first"), "{error}");
    #[cfg(target_os = "linux")]
    {
        // No user, root included, can create files here.
        let error =
            VideoWriter::create(&ffmpeg(), Path::new("/sys/a.mp4"), (64, 48), 25.0).unwrap_err();
        assert!(error.to_string().contains("read-only for you"), "{error}");
    }
}
