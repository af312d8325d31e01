//! What happens when the system takes no more bytes. A limit on the size of
//! files stands in for a full disk: it needs no rights and no disk of its own.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reelgan_run::clip::{Encoding, FfmpegSearch, Layout, Retouch, VideoWriter};
use reelgan_run::media::{Origin, write_png};
use reelgan_run::{Array, ArrayFile, Clip, Images};

/// Names the folder to write in, and makes a test below do its child's part.
const FOLDER: &str = "REELGAN_TEST_FULL_DISK";

/// Runs this test again in a process that cannot write files above 32 KiB, with
/// a folder that holds an earlier file of each name; returns what it printed.
fn limited(test: &str, names: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        fs::write(folder.path().join(name), "earlier").unwrap();
    }
    // The signal that comes with the limit is ignored, as on a full disk none comes.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact \"$1\" --nocapture";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    for name in names {
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), "earlier", "{text}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), names.len(), "{text}");
    text
}

fn child_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Pixels that do not compress below the limit: the values of SplitMix64.
fn noise(side: usize, seed: u64) -> Images {
    let mut state = seed << 32;
    let bytes = (0..3 * side * side).map(|_| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 56) as u8
    });
    Images::from_rgb8(side, side, &bytes.collect::<Vec<_>>()).unwrap()
}

fn assert_clear(text: &str, name: &str) {
    assert!(
        text.contains(&format!("{name}: ")) && text.contains("earlier files are untouched"),
        "{text}"
    );
}

#[test]
fn codes_and_pictures() {
    let names = ["codes.safetensors", "frame.png"];
    let Some(folder) = child_folder() else {
        limited("codes_and_pictures", &names);
        return;
    };
    let place = |name: &str| -> PathBuf { Path::new(&folder).join(name) };
    let mut codes = ArrayFile::default();
    codes.arrays.insert("base".into(), Array::new([16, 512], vec![1.0; 16 * 512]).unwrap());
    let text = codes.write(&place(names[0])).unwrap_err().to_string();
    assert_clear(&text, names[0]);
    let text =
        write_png(&place(names[1]), &noise(256, 0), 0, Origin::Input).unwrap_err().to_string();
    assert_clear(&text, names[1]);
}

#[test]
fn videos() {
    let Some(folder) = child_folder() else {
        limited("videos", &["video.mp4"]);
        return;
    };
    let ffmpeg =
        FfmpegSearch::default().find().expect("these tests need ffmpeg: apt install ffmpeg");
    let path = folder.join("video.mp4");
    let mut video = VideoWriter::create(&ffmpeg, &path, (256, 256), 25.0).unwrap();
    let written = (0..20).try_for_each(|k| video.push(&noise(256, k)));
    let error = written.and_then(|()| video.finish()).unwrap_err().to_string();
    assert_clear(&error, "video.mp4");
}

#[test]
fn retouched_videos() {
    let Some(folder) = child_folder() else {
        limited("retouched_videos", &["video.mp4"]);
        return;
    };
    // Made here, where it is small enough: one grey frame after the other.
    let ffmpeg = FfmpegSearch::default().find().expect("these tests need ffmpeg");
    let source = tempfile::tempdir().unwrap();
    let from = source.path().join("grey.mp4");
    let mut video = VideoWriter::create(&ffmpeg, &from, (256, 256), 25.0).unwrap();
    let grey = Images::from_rgb8(256, 256, &[90; 3 * 256 * 256]).unwrap();
    (0..20).for_each(|_| video.push(&grey).unwrap());
    video.finish().unwrap();

    let clip = Clip::open(&from).unwrap();
    let times = clip.times().unwrap().unwrap();
    let path = folder.join("video.mp4");
    let how = (Layout::Plain, Encoding::default());
    let mut video = Retouch::begin(&clip, &times, (256, 256), &path, how).unwrap();
    let written = (0..20).try_for_each(|k| {
        let rgb = noise(256, k).to_rgb8(0);
        let rgba: Vec<u8> = rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
        video.push(&[&rgba])
    });
    let error = written.and_then(|()| video.finish()).unwrap_err().to_string();
    assert_clear(&error, "video.mp4");
}
