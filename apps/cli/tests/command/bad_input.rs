//! Input that cannot be used: one clear message, exit code 1, nothing left behind.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::program::{Ran, command, picture, reelgan, sample};

/// A folder to work in, and the run folder that must not come into being.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn invert(&self, inputs: &[&Path], flags: &[&str]) -> Ran {
        let ran = reelgan(
            ["invert".as_ref()]
                .into_iter()
                .chain(inputs.iter().map(|p| p.as_os_str()))
                .chain(flags.iter().map(|f| f.as_ref()))
                .chain(["-o".as_ref(), self.path("run").as_os_str()]),
        );
        assert!(!self.path("run").exists(), "a refused input leaves no folder: {ran:?}");
        ran
    }
}

#[test]
fn paths_that_hold_no_image() {
    let bench = Bench::new();
    bench.invert(&["no/such/clip.mp4".as_ref()], &[]).refused(1, &["no/such/clip.mp4"]);
    let empty = bench.path("empty");
    fs::create_dir(&empty).unwrap();
    bench.invert(&[&empty], &[]).refused(1, &["no images in", "empty"]);
    fs::write(empty.join("notes.txt"), "only words").unwrap();
    bench.invert(&[&empty], &[]).refused(1, &["no images in", "empty"]);
    bench.invert(&[&empty.join("notes.txt")], &[]).refused(1, &["notes.txt", "text file"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read() {
    let bench = Bench::new();
    // Holds for every user: a link that leads to itself.
    let path = bench.path("face.png");
    std::os::unix::fs::symlink(&path, &path).unwrap();
    bench.invert(&[&path], &[]).refused(1, &["cannot read", "face.png"]);
}

#[test]
fn images_of_two_sizes() {
    let bench = Bench::new();
    let (a, b) = (bench.path("a.png"), bench.path("b.png"));
    picture(&a, 200, 160);
    picture(&b, 160, 200);
    bench
        .invert(&[&a, &b], &["--crop", "0,0,160"])
        .refused(1, &["160x200", "200x160", "b.png", "one size"]);
}

#[test]
fn images_that_are_none() {
    let bench = Bench::new();
    let fake = bench.path("fake.png");
    fs::write(&fake, "<html>not found</html>").unwrap();
    bench.invert(&[&fake], &[]).refused(1, &["fake.png"]);
    let torn = bench.path("torn.jpg");
    let whole = fs::read(sample("london_001_03.jpg")).unwrap();
    fs::write(&torn, &whole[..whole.len() / 2]).unwrap();
    bench.invert(&[&torn], &[]).refused(1, &["torn.jpg"]);
}

#[test]
fn a_crop_outside_the_picture() {
    let bench = Bench::new();
    let a = bench.path("a.png");
    picture(&a, 200, 160);
    bench.invert(&[&a], &["--crop", "900,0,100"]).refused(1, &["900,0,100", "200x160"]);
}

#[test]
fn a_video_where_there_is_no_ffmpeg() {
    let bench = Bench::new();
    let mut call = command();
    call.env("PATH", "").env("REELGAN_CACHE", bench.path("cache"));
    let clip = sample("GRID_bbaf2n.mpg");
    call.arg("invert").arg(&clip).arg("-o").arg(bench.path("run"));
    Ran::of(call.output().unwrap())
        .refused(1, &["ffmpeg", "reelgan models fetch ffmpeg", "folder of numbered images"]);
    let named = bench.path("no-ffmpeg");
    let named = named.to_str().unwrap();
    bench.invert(&[&clip], &["--ffmpeg", named]).refused(1, &["no-ffmpeg", "ffmpeg"]);
}

#[test]
fn a_file_without_a_video_stream() {
    let bench = Bench::new();
    let sound = bench.path("sound.wav");
    fs::write(&sound, silence()).unwrap();
    bench.invert(&[&sound], &[]).refused(1, &["sound.wav", "no video stream"]);
}

/// A tenth of a second of silence as a WAV file.
fn silence() -> Vec<u8> {
    let (rate, samples) = (8000u32, vec![0u8; 1600]);
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + samples.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    wav.extend([1, 0, 1, 0]);
    wav.extend(rate.to_le_bytes());
    wav.extend((rate * 2).to_le_bytes());
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend((samples.len() as u32).to_le_bytes());
    wav.extend(samples);
    wav
}

#[test]
fn settings_that_do_not_exist_or_make_no_sense() {
    let bench = Bench::new();
    let (a, file) = (bench.path("a.png"), bench.path("settings.toml"));
    picture(&a, 64, 64);
    let file_name = file.to_str().unwrap();
    for (toml, want) in [
        ("stpes = 3", "did you mean steps?"),
        ("[weights]\npixel = \"much\"", "weights.pixel"),
        ("steps = [", "is no TOML"),
    ] {
        fs::write(&file, toml).unwrap();
        bench.invert(&[&a], &["--config", file_name]).refused(1, &[want, "settings.toml"]);
    }
    bench.invert(&[&a], &["--config", "no/such.toml"]).refused(1, &["no/such.toml"]);
    bench.invert(&[&a], &["--flow", "no/such"]).refused(1, &["no/such", "dense", "FlowNet2"]);
}

#[test]
fn a_flow_that_is_no_source_of_flow() {
    let bench = Bench::new();
    let (a, page) = (bench.path("a.png"), bench.path("FlowNet2_checkpoint.pth.tar"));
    picture(&a, 64, 64);
    fs::write(&page, "<!DOCTYPE html><html>Sign in</html>").unwrap();
    let line = ["--flow", page.to_str().unwrap()];
    bench.invert(&[&a], &line).refused(1, &["--flow", "web page", "FlowNet2"]);
    let picture = ["--flow", a.to_str().unwrap()];
    bench.invert(&[&a], &picture).refused(1, &["a.png", "a picture", "folder of .flo files"]);
}

#[test]
fn output_that_cannot_be_written() {
    let bench = Bench::new();
    let (a, file) = (bench.path("a.png"), bench.path("file"));
    picture(&a, 64, 64);
    fs::write(&file, "kept").unwrap();
    let run = file.join("run");
    let line = ["invert", a.to_str().unwrap(), "-o", run.to_str().unwrap()];
    reelgan(line).refused(1, &["cannot write", "file"]);
    assert_eq!(fs::read(&file).unwrap(), b"kept");
    // A superuser may write where the bits say otherwise.
    let locked = bench.path("locked");
    fs::create_dir(&locked).unwrap();
    let mut bits = fs::metadata(&locked).unwrap().permissions();
    bits.set_readonly(true);
    fs::set_permissions(&locked, bits).unwrap();
    if fs::create_dir(locked.join("probe")).is_err() {
        let run = locked.join("run");
        let line = ["invert", a.to_str().unwrap(), "-o", run.to_str().unwrap()];
        reelgan(line).refused(1, &["cannot write", "read-only"]);
    }
}

#[test]
fn an_output_folder_with_other_files_is_left_alone() {
    let bench = Bench::new();
    let (a, taken) = (bench.path("a.png"), bench.path("taken"));
    picture(&a, 64, 64);
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("thesis.tex"), "kept").unwrap();
    let line = ["invert", a.to_str().unwrap(), "-o", taken.to_str().unwrap()];
    reelgan(line).refused(1, &["thesis.tex", "not a run folder"]);
    assert_eq!(fs::read(taken.join("thesis.tex")).unwrap(), b"kept");
    assert_eq!(fs::read_dir(&taken).unwrap().count(), 1);
}

#[test]
fn folders_that_are_no_runs() {
    let bench = Bench::new();
    let folder = bench.folder.path().to_str().unwrap();
    for line in [
        vec!["show", folder],
        vec!["render", folder],
        vec!["edit", folder, "--along", "motion=1"],
        vec!["morph", folder, "--from", "1", "--to", "2"],
        vec!["invert", "--resume", "-o", folder],
    ] {
        reelgan(line).refused(1, &["not a complete run folder", "manifest.json"]);
    }
}

#[test]
fn an_instruction_set_that_does_not_exist_is_named() {
    let mut call = command();
    call.env("REELGAN_ISA", "sse9").args(["models", "list"]);
    Ran::of(call.output().unwrap()).refused(1, &["REELGAN_ISA", "sse9", "portable"]);
}
