//! Edits of a run over time, and back in its clip, with a toy generator.

mod job_toy;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use job_toy::{SIDE, config, frame, frames, kit, request};
use reelgan::codes::CodeFile;
use reelgan::invert::Silent;
use reelgan::job::{self, Crop, EditRequest, Fit, Kit, Notice, PasteRequest};
use reelgan::paste::{PasteConfig, PatchConfig, Region};
use reelgan_run::clip::{Layout, Selection, VideoWriter};
use reelgan_run::{Clip, Images};
use serde_json::json;

fn along(texts: &[&str]) -> EditRequest {
    let edits = texts.iter().map(|text| text.parse().unwrap()).collect();
    EditRequest { edits, ..Default::default() }
}

#[test]
fn keyframes_move_every_frame_by_its_own_strength() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 4);
    let run = home.path().join("run");
    job::invert(&kit, &request(vec![home.path().join("in")], config(4)), &run, &mut Silent)
        .unwrap();
    let edit = along(&["motion=0@1f,3@4f", "motion.1:0..1=2@1f,2@2f,0@2f"]);
    let made = job::edit(&kit, &run, &edit, &mut Silent).unwrap();
    assert!(made.folder.ends_with("edits/motion=0@1f,3@4f+motion.1[0..1]=2@1f,2@2f,0@2f"));
    let codes = |folder: &Path| {
        CodeFile::open(&folder.join("codes.safetensors")).unwrap().trajectory.codes()
    };
    let (was, is) = (codes(&run), codes(&made.folder));
    for k in 0..4 {
        // 0, 1, 2, 3 along the whole motion; 2 before frame 2 along the first step, on row 0.
        let second = if k == 0 { 2.0 } else { 0.0 };
        for i in 0..was.code(k).len() {
            let whole = was.code(3)[i] - was.code(0)[i];
            let first = if i < was.dim() { was.code(1)[i] - was.code(0)[i] } else { 0.0 };
            let want = was.code(k)[i] + k as f32 * whole + second * first;
            assert!((is.code(k)[i] - want).abs() < 1e-5, "code {k}, number {i}");
        }
    }
    // Some of the frames: the strengths are still those of the whole run.
    let some = EditRequest { frames: Some(vec![4, 2]), name: Some("some".into()), ..edit.clone() };
    let made = job::edit(&kit, &run, &some, &mut Silent).unwrap();
    let some = codes(&made.folder);
    for i in 0..was.code(0).len() {
        assert!((some.code(0)[i] - is.code(3)[i]).abs() < 1e-5);
        assert!((some.code(1)[i] - is.code(1)[i]).abs() < 1e-5);
    }
    // Pictures have no times.
    for (text, want) in [("motion=0@0s,1@1s", "12f"), ("motion=0@1f,1@9f", "frames 1 to 4")] {
        let error = job::edit(&kit, &run, &along(&[text]), &mut Silent).unwrap_err().to_string();
        assert!(error.contains(want), "{text}: {error}");
    }
}

const CROP: Crop = Crop { x: 6.0, y: 4.0, size: 32.0, angle: 0.0 };

/// A run of frames 2 to 5 of a clip of 6, with the transforms that an alignment leaves.
fn run_of_a_clip(kit: &Kit, home: &Path) -> (PathBuf, PathBuf) {
    let clip = home.join("clip.mp4");
    let ffmpeg = kit.ffmpeg.find().expect("these tests need ffmpeg: apt install ffmpeg");
    let mut video = VideoWriter::create(&ffmpeg, &clip, (48, 40), 10.0).unwrap();
    (0..6).for_each(|k| video.push(&frame(48, 40, k)).unwrap());
    video.finish().unwrap();
    let run = home.join("run");
    let mut request = request(vec![clip.clone()], config(6));
    request.selection = Selection { start: 1, stride: 1, count: Some(4) };
    request.fit = Fit::Crop(CROP);
    job::invert(kit, &request, &run, &mut Silent).unwrap();
    (clip, run)
}

/// What a run keeps of an alignment, where it does not do so itself.
fn transforms(run: &Path) {
    let frame = json!({"width": 48, "height": 40, "crop": CROP, "source": "face"});
    let text = json!({"side": SIDE, "fps": 10.0, "frames": [frame, frame, frame, frame]});
    fs::write(run.join("transforms.json"), text.to_string()).unwrap();
    let manifest = run.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["config"]["selection"] = json!({"start": 1, "stride": 1, "count": 4});
    fs::write(&manifest, value.to_string()).unwrap();
}

fn pasted(out: PathBuf, edit: &str) -> PasteRequest {
    let patch = PatchConfig { region: Region::Crop, match_colour: false, ..Default::default() };
    let config = PasteConfig { patch, ..PasteConfig::default() };
    PasteRequest { edit: along(&[edit]), clip: None, out, config }
}

fn read(path: &Path) -> Images {
    Clip::open(path).unwrap().read(Selection::default()).unwrap().images
}

#[test]
fn an_edit_goes_back_into_the_frames_of_the_run() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    let (clip, run) = run_of_a_clip(&kit, home.path());
    transforms(&run);
    let out = home.path().join("out.mkv");
    // Strength 0 until 0.3 s of the clip, which is its frame 4, the third of the run.
    let mut request = pasted(out.clone(), "motion=0@0s,0@0.3s,20@0.3s");
    request.config.encoding.codec = Some("ffv1".parse().unwrap());
    let done = job::paste(&kit, &run, &request, &mut Silent).unwrap().unwrap();
    assert_eq!((done.frames, done.changed), (6, 4));
    assert!(done.warnings.iter().any(|w| w.contains("frames 2 to 5")), "{:?}", done.warnings);
    let (before, after) = (read(&clip), read(&out));
    let equal = |k: usize| before.select(&[k]).unwrap() == after.select(&[k]).unwrap();
    assert!(equal(0) && equal(5), "frames that the run does not have");
    // The crop lies on whole pixels at the generator's size: what is shown is what was rendered.
    let middle = |images: &Images, x, y| images.crop(x, y, 12, 12).unwrap();
    let off = |number: usize| {
        let recon = run.join(format!("frames/recon_{number:04}.png"));
        let recon = middle(&reelgan_run::media::read(&recon).unwrap().images, 10, 10);
        let shown = middle(&after.select(&[number]).unwrap(), 16, 14);
        let sum: f32 = recon.data().iter().zip(shown.data()).map(|(a, b)| (a - b).abs()).sum();
        sum / recon.data().len() as f32
    };
    // The reconstruction up to frame 3 of the clip, and twenty times the motion from there on.
    let off: Vec<f32> = (1..5).map(off).collect();
    assert!(off[0] < 0.04 && off[1] < 0.04 && off[2] > 0.1 && off[3] > 0.1, "{off:?}");

    let mut request = pasted(home.path().join("both.mp4"), "motion=1");
    request.config.layout = Layout::Compare;
    job::paste(&kit, &run, &request, &mut Silent).unwrap().unwrap();
    let both = read(&home.path().join("both.mp4"));
    assert_eq!((both.count(), both.width()), (6, 3 * 48));
}

#[test]
fn what_keeps_a_run_from_its_clip_is_said() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    let (clip, run) = run_of_a_clip(&kit, home.path());
    let out = home.path().join("out.mp4");
    let refused = |request: &PasteRequest| {
        job::paste(&kit, &run, request, &mut Silent).unwrap_err().to_string()
    };
    let request = pasted(out.clone(), "motion=1");
    let _ = fs::remove_file(run.join("transforms.json"));
    assert!(refused(&request).contains("transforms.json"), "{}", refused(&request));
    transforms(&run);
    let face = PasteRequest { config: PasteConfig::default(), ..request.clone() };
    assert!(refused(&face).contains("landmarks.json"), "{}", refused(&face));
    let late = pasted(out.clone(), "motion=1@9f");
    assert!(refused(&late).contains("frames 1 to 4"), "{}", refused(&late));
    let some = EditRequest { frames: Some(vec![1]), ..along(&["motion=1"]) };
    let some = PasteRequest { edit: some, ..request.clone() };
    assert!(refused(&some).contains("all frames"), "{}", refused(&some));
    // The end in the middle leaves nothing.
    let mut stop = |notice: &Notice<'_>| match notice {
        Notice::Progress { done: 2, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    assert_eq!(job::paste(&kit, &run, &request, &mut stop).unwrap(), None);
    // The clip is gone, and found again elsewhere.
    let moved = home.path().join("moved.mp4");
    fs::rename(&clip, &moved).unwrap();
    assert!(refused(&request).contains("--clip"), "{}", refused(&request));
    assert!(!out.exists());
    let request = PasteRequest { clip: Some(moved), ..request };
    job::paste(&kit, &run, &request, &mut Silent).unwrap().unwrap();
    assert!(out.exists());
}
