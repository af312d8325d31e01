//! Clips of more frames than one window, with a toy generator: every frame gets its code,
//! windows join, cuts begin anew, and every end can be gone on from.

mod job_toy;

use std::fs;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use job_toy::{SIDE, assert_same, config, contents, frame, frames, kit, request};
use reelgan::codes::CodeFile;
use reelgan::invert::{Event, InvertConfig, Offsets, Silent, StopReason, WindowConfig};
use reelgan::job::{self, Aligning, EditRequest, Fit, InvertRequest, Notice};
use reelgan_run::manifest::{Manifest, Measurements, State};
use reelgan_run::media::{self, Origin};
use reelgan_run::{ArrayFile, Images};

/// Windows of four frames, two of them new, one held and one found again.
fn windowed(steps: usize) -> InvertConfig {
    let windows = WindowConfig { size: 4, stride: 2, effort: 0.5, ..WindowConfig::default() };
    InvertConfig { windows, ..config(steps) }
}

/// A request for a folder of frames as a clip at 25 frames a second.
fn clip(folder: &Path, config: InvertConfig) -> InvertRequest {
    InvertRequest { fps: Some(25.0), ..request(vec![folder.to_owned()], config) }
}

/// A watcher that ends the job at the step of this number over all windows.
fn at_step(number: usize) -> impl FnMut(&Notice<'_>) -> ControlFlow<()> {
    let mut taken = 0;
    move |notice| {
        taken += usize::from(matches!(notice, Notice::Invert(Event::Step { .. })));
        if taken >= number { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn codes(run: &Path) -> Vec<Vec<f32>> {
    let file = CodeFile::open(&run.join("codes.safetensors")).unwrap();
    let codes = file.trajectory.codes();
    (0..codes.count()).map(|k| codes.code(k).to_vec()).collect()
}

fn apart(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn every_frame_of_a_long_clip_gets_its_code() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 9);
    let run = home.path().join("run");
    let outcome =
        job::invert(&kit, &clip(&home.path().join("in"), windowed(6)), &run, &mut Silent).unwrap();
    assert_eq!(outcome.stop, StopReason::Finished);
    assert_eq!(codes(&run).len(), 9);
    let files = contents(&run);
    for name in ["frames.csv", "transforms.json", "npy/0009.npy", "frames/recon_0009.png"] {
        assert!(files.contains_key(name), "{name} is missing from {:?}", files.keys());
    }
    // 4, then 2, 2 and the last one: each with the frame before found again.
    let manifest = Manifest::read(&run.join("manifest.json")).unwrap();
    assert_eq!((manifest.state, manifest.frames), (State::Finished, 9));
    assert_eq!(manifest.steps_done, 6 + 3 * 3);
    assert_eq!(job::show(&run).unwrap().steps_planned, Some(15));
    let losses = String::from_utf8(files["losses.csv"].clone()).unwrap();
    assert_eq!(losses.lines().count(), 1 + 15);
    assert!(losses.starts_with("window,step,rate,total,"), "{losses}");
    let table = String::from_utf8(files["frames.csv"].clone()).unwrap();
    let windows: Vec<&str> =
        table.lines().skip(1).map(|line| line.split(',').nth(3).unwrap()).collect();
    assert_eq!(windows, ["1", "1", "1", "2", "2", "3", "3", "4", "4"]);
    let measured = Measurements::read(&run.join("measurements.json")).unwrap();
    assert_eq!(measured.metrics["mse"].frames.len(), 9);
    // Edits and renders find the frames as those of any other run.
    let edit = job::EditRequest {
        edits: vec!["motion=0".parse().unwrap()],
        frames: Some(vec![6]),
        ..Default::default()
    };
    let made = job::edit(&kit, &run, &edit, &mut Silent).unwrap();
    let pixels = |path: PathBuf| media::read(&path).unwrap().images;
    assert_eq!(
        pixels(made.folder.join("edit_0006.png")),
        pixels(run.join("frames/recon_0006.png"))
    );
}

#[test]
fn the_loss_of_a_frame_is_that_of_its_code() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 7);
    let run = home.path().join("run");
    job::invert(&kit, &clip(&home.path().join("in"), windowed(8)), &run, &mut Silent).unwrap();
    let table = fs::read_to_string(run.join("frames.csv")).unwrap();
    let file = CodeFile::open(&run.join("codes.safetensors")).unwrap();
    // Not from the files: those have 8 bits a channel, and the toy leaves their range.
    let drawn = reelgan::generator::render(kit.generator.as_ref(), &file.trajectory.codes());
    let drawn = drawn.unwrap();
    for (k, line) in table.lines().skip(1).enumerate() {
        let loss: f64 = line.split(',').nth(5).unwrap().parse().unwrap();
        let input = media::read(&run.join(format!("inputs/frame_{:04}.png", k + 1))).unwrap();
        let pairs = input.images.data().iter().zip(drawn.frame(k));
        let sum: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
        let mse = sum / drawn.frame(k).len() as f64;
        // Pixels alone with weight 1, in single precision.
        assert!((loss - mse).abs() < 1e-5, "frame {}: {loss} and {mse}", k + 1);
    }
}

#[test]
fn a_window_goes_on_from_the_codes_before_it() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 8);
    for offsets in [Offsets::W, Offsets::WPlus, Offsets::Free] {
        let run = home.path().join(format!("{offsets:?}"));
        let mut config = windowed(20);
        config.offsets = offsets;
        // Windows that hardly move show where they start.
        config.windows.rate = 1e-6;
        job::invert(&kit, &clip(&home.path().join("in"), config), &run, &mut Silent).unwrap();
        let codes = codes(&run);
        let first = ArrayFile::read(&run.join("windows/window_0001.safetensors")).unwrap();
        let found = first.get("codes").unwrap().data.chunks_exact(8).collect::<Vec<_>>();
        for (k, code) in codes.iter().enumerate().take(8) {
            assert!(apart(code, found[k.min(3)]) < 1e-4, "{offsets:?}: frame {}", k + 1);
        }
        assert!(apart(found[0], found[3]) > 1e-3, "{offsets:?}: nothing moves at all");
    }
}

#[test]
fn a_held_code_is_kept_to_the_bit() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 8);
    let run = home.path().join("run");
    job::invert(&kit, &clip(&home.path().join("in"), windowed(8)), &run, &mut Silent).unwrap();
    let windows: Vec<ArrayFile> = (1..=3)
        .map(|k| ArrayFile::read(&run.join(format!("windows/window_{k:04}.safetensors"))).unwrap())
        .collect();
    let code = |window: usize, k: usize| {
        windows[window].get("codes").unwrap().data[8 * k..8 * k + 8].to_vec()
    };
    let codes = codes(&run);
    // Frames 1 to 3 are the first window's; 4 is found again by the second, which holds 3.
    assert!(apart(&codes[2], &code(0, 2)) < 1e-6);
    assert!(apart(&codes[3], &code(1, 0)) < 1e-6);
    assert!(apart(&code(0, 3), &code(1, 0)) > 1e-5, "it was found again");
}

#[test]
fn a_cut_begins_anew() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    let (all, half) = (home.path().join("all"), home.path().join("half"));
    fs::create_dir_all(&all).unwrap();
    fs::create_dir_all(&half).unwrap();
    for k in 0..12 {
        let mut picture = frame(48, 40, k);
        if k >= 6 {
            // Another place: everything is dark.
            let data = picture.data().iter().map(|v| 0.2 * v).collect();
            picture = Images::new(1, 40, 48, data).unwrap().quantised();
            media::write_png(&half.join(format!("{k:02}.png")), &picture, 0, Origin::Input)
                .unwrap();
        }
        media::write_png(&all.join(format!("{k:02}.png")), &picture, 0, Origin::Input).unwrap();
    }
    let (run, alone) = (home.path().join("run"), home.path().join("alone"));
    job::invert(&kit, &clip(&all, windowed(6)), &run, &mut Silent).unwrap();
    job::invert(&kit, &clip(&half, windowed(6)), &alone, &mut Silent).unwrap();
    let manifest = Manifest::read(&run.join("manifest.json")).unwrap();
    assert_eq!(manifest.config["shots"], serde_json::json!([1, 7]));
    // Nothing of the first shot is in the second.
    let (found, alone) = (codes(&run), codes(&alone));
    for k in 0..6 {
        assert!(apart(&found[6 + k], &alone[k]) < 1e-5, "frame {}", 7 + k);
    }
    // An edit of the second shot leaves the first alone.
    let edits = vec!["motion=1#2".parse().unwrap()];
    let edit = EditRequest { edits, ..EditRequest::default() };
    let made = job::edit(&kit, &run, &edit, &mut Silent).unwrap();
    let moved: Vec<bool> =
        codes(&made.folder).iter().zip(&found).map(|(new, old)| apart(new, old) > 1e-4).collect();
    assert_eq!(moved, [[false; 6], [true; 6]].concat());
    let edit = EditRequest { edits: vec!["motion=1#3".parse().unwrap()], ..edit };
    let error = job::edit(&kit, &run, &edit, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("shots 1 to 2"), "{error}");
    // Pictures that are no clip have no cuts.
    let photos = home.path().join("photos");
    job::invert(&kit, &request(vec![all], windowed(6)), &photos, &mut Silent).unwrap();
    let manifest = Manifest::read(&photos.join("manifest.json")).unwrap();
    assert_eq!(manifest.config["shots"], serde_json::json!([1]));
}

#[test]
fn interrupted_at_any_step_it_ends_with_the_same_bytes() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 8);
    let mut config = windowed(4);
    config.weights.consistency = 0.5;
    config.weights.smoothness = 0.1;
    config.windows.blur = 1;
    let request = clip(&home.path().join("in"), config);
    let whole = home.path().join("whole");
    job::invert(&kit, &request, &whole, &mut Silent).unwrap();
    // 4 steps for the first window, 2 for each of the two others.
    for number in 1..=8 {
        let parts = home.path().join(format!("parts-{number}"));
        let outcome = job::invert(&kit, &request, &parts, &mut at_step(number)).unwrap();
        assert_eq!(outcome.stop, StopReason::Interrupted, "{number}");
        assert_eq!(job::show(&parts).unwrap().steps, number as u64);
        assert_eq!(job::resume(&kit, &parts, &mut Silent).unwrap().stop, StopReason::Finished);
        assert_same(&whole, &parts);
    }
    // And at every step in turn.
    let parts = home.path().join("crumbs");
    job::invert(&kit, &request, &parts, &mut at_step(1)).unwrap();
    let mut times = 1;
    while job::resume(&kit, &parts, &mut at_step(1)).unwrap().stop == StopReason::Interrupted {
        times += 1;
        assert!(times < 20, "it does not come to an end");
    }
    assert_eq!(times, 8);
    assert_same(&whole, &parts);
}

#[test]
fn dying_at_any_notice_it_ends_with_the_same_bytes() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 6);
    let request = clip(&home.path().join("in"), windowed(2));
    let whole = home.path().join("whole");
    let mut notices = 0;
    let mut count = |_: &Notice<'_>| {
        notices += 1;
        ControlFlow::Continue(())
    };
    job::invert(&kit, &request, &whole, &mut count).unwrap();
    // A panic leaves the folder as a killed process would: nothing is put in order.
    for last in (1..notices).step_by(7) {
        let parts = home.path().join(format!("parts-{last}"));
        let mut heard = 0;
        let died = catch_unwind(AssertUnwindSafe(|| {
            let mut die = |_: &Notice<'_>| {
                heard += 1;
                assert!(heard < last, "as planned");
                ControlFlow::Continue(())
            };
            job::invert(&kit, &request, &parts, &mut die)
        }));
        assert!(died.is_err(), "notice {last} of {notices}");
        if parts.exists() {
            job::resume(&kit, &parts, &mut Silent).unwrap();
            assert_same(&whole, &parts);
        }
    }
}

#[test]
fn what_is_not_ended_by_reading_leaves_the_place_as_it_was() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 6);
    let request = clip(&home.path().join("in"), windowed(2));
    let mut stop = |notice: &Notice<'_>| match notice {
        Notice::Progress { stage: "read", done: 3, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let empty = home.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for (out, there) in [(home.path().join("absent"), false), (empty, true)] {
        let outcome = job::invert(&kit, &request, &out, &mut stop).unwrap();
        assert_eq!((outcome.stop, outcome.manifest.is_none()), (StopReason::Interrupted, true));
        assert_eq!(out.exists(), there);
        assert!(!there || fs::read_dir(&out).unwrap().next().is_none());
    }
}

#[test]
fn a_changed_window_stops_a_resumption() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 8);
    let request = clip(&home.path().join("in"), windowed(4));
    let run = home.path().join("run");
    job::invert(&kit, &request, &run, &mut at_step(7)).unwrap();
    let path = run.join("windows/window_0002.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = job::resume(&kit, &run, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("window_0002.safetensors") && error.contains("changed"), "{error}");
}

#[test]
fn shared_rows_are_the_same_in_every_frame() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 8);
    let run = home.path().join("run");
    let mut config = windowed(10);
    config.windows.shared_from = 1;
    job::invert(&kit, &clip(&home.path().join("in"), config), &run, &mut Silent).unwrap();
    let codes = codes(&run);
    for (k, code) in codes.iter().enumerate().skip(1) {
        assert!(apart(&code[4..], &codes[0][4..]) < 1e-6, "frame {}", k + 1);
        assert!(apart(&code[..4], &codes[0][..4]) > 1e-4, "frame {}", k + 1);
    }
}

#[test]
fn smoothness_makes_steps_smaller() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 8);
    let length = |weight: f32| {
        let run = home.path().join(format!("run-{weight}"));
        let mut config = windowed(30);
        config.weights.smoothness = weight;
        job::invert(&kit, &clip(&home.path().join("in"), config), &run, &mut Silent).unwrap();
        codes(&run).windows(2).map(|pair| apart(&pair[0], &pair[1])).sum::<f32>()
    };
    let (free, held) = (length(0.0), length(10.0));
    assert!(held < 0.5 * free, "{free} and {held}");
}

#[test]
fn a_blur_averages_the_codes_of_a_shot() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    frames(&home.path().join("in"), 8);
    let codes_with = |reach: usize, clip_of: &dyn Fn(&Path, InvertConfig) -> InvertRequest| {
        let run = tempfile::tempdir_in(home.path()).unwrap();
        let mut config = windowed(10);
        config.windows.blur = reach;
        let place = run.path().join("run");
        job::invert(&kit, &clip_of(&home.path().join("in"), config), &place, &mut Silent).unwrap();
        codes(&place)
    };
    let (found, blurred) = (codes_with(0, &clip), codes_with(1, &clip));
    for k in 0..8 {
        let near = [k.max(1) - 1, (k + 1).min(7)];
        let ends = k == 0 || k == 7;
        let want: Vec<f32> = (0..found[k].len())
            .map(|i| {
                let around = found[near[0]][i] + found[near[1]][i];
                if ends { found[k][i] } else { 0.5 * found[k][i] + 0.25 * around }
            })
            .collect();
        assert!(apart(&blurred[k], &want) < 1e-6, "frame {}", k + 1);
        assert!(ends || apart(&blurred[k], &found[k]) > 1e-5, "frame {}", k + 1);
    }
    // Pictures that are no clip have no neighbours in time.
    let photos = |place: &Path, config| request(vec![place.to_owned()], config);
    assert_eq!(codes_with(0, &photos), codes_with(1, &photos));
}

#[test]
fn crops_that_are_ready_must_be_square() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    let folder = home.path().join("in");
    frames(&folder, 1);
    let of = |fit| InvertRequest { fit, ..request(vec![folder.clone()], config(1)) };
    let error = job::invert(&kit, &of(Fit::Ready), &home.path().join("run"), &mut Silent);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("48x40") && error.contains("--aligned"), "{error}");
    // Without the networks the face cannot be looked for; the message says what to do.
    let error = job::invert(
        &kit,
        &of(Fit::Align(Aligning::default())),
        &home.path().join("run"),
        &mut Silent,
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("face-nets") && error.contains("--landmarks"), "{error}");
    assert!(!home.path().join("run").exists());
    let square = home.path().join("square");
    fs::create_dir(&square).unwrap();
    media::write_png(&square.join("1.png"), &frame(SIDE, SIDE, 0), 0, Origin::Input).unwrap();
    let request = InvertRequest { fit: Fit::Ready, ..request(vec![square.clone()], config(1)) };
    job::invert(&kit, &request, &home.path().join("run"), &mut Silent).unwrap();
    let kept = media::read(&home.path().join("run/inputs/frame_0001.png")).unwrap().images;
    assert_eq!(kept, media::read(&square.join("1.png")).unwrap().images);
}

/// The most memory this process ever held, in MiB.
#[cfg(target_os = "linux")]
fn peak() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix("kB").unwrap().trim().parse::<f64>().unwrap() / 1024.0
}

/// From a video of 10,000 frames to its codes: what is held at once does not grow with it.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes minutes"]
fn ten_thousand_frames_need_no_more_memory_than_a_hundred() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    let ffmpeg = kit.ffmpeg.find().expect("ffmpeg");
    let mut peaks = Vec::new();
    for count in [100, 10_000] {
        let video = home.path().join(format!("{count}.avi"));
        let source = format!("testsrc=size=320x240:rate=25:duration={}", count / 25);
        let made = std::process::Command::new(ffmpeg.program())
            .args(["-loglevel", "error", "-f", "lavfi", "-i", &source, "-c:v", "mjpeg"])
            .arg(&video)
            .status()
            .unwrap();
        assert!(made.success());
        let request = request(vec![video], windowed(2));
        let run = home.path().join(format!("run-{count}"));
        // Rendering and measuring hold one frame; they would take an hour here.
        let mut stop = |notice: &Notice<'_>| match notice {
            Notice::Stage { name: "render" } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        job::invert(&kit, &InvertRequest { npy: false, ..request }, &run, &mut stop).unwrap();
        assert_eq!(Manifest::read(&run.join("manifest.json")).unwrap().frames, count);
        assert!(run.join("codes.safetensors").exists());
        peaks.push(peak());
    }
    println!("peak memory {:.0} MiB with 100 frames, {:.0} MiB with 10,000", peaks[0], peaks[1]);
    // Names, squares and losses of 9,900 more frames are some few MiB.
    assert!(peaks[1] - peaks[0] < 100.0, "{peaks:?}");
}
