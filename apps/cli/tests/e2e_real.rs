//! The whole way with the real models: a run, what is made from it, an interruption.

#[path = "command/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use program::{Ran, command, picture, reelgan, sample};
use serde_json::Value;

/// Calls the program in a folder.
fn call(folder: &Path, line: &str) -> Ran {
    let words = line.split_whitespace();
    Ran::of(command().current_dir(folder).args(words).output().unwrap())
}

#[test]
fn heavy_demo_then_show_edit_morph_and_render() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let demo = call(folder, "demo --steps 3 -o run --json").worked().json();
    assert_eq!((&demo["frames"], &demo["steps"]), (&5.into(), &3.into()));
    assert_eq!(demo["edit"]["finished"], true);
    for name in ["report.html", "strip.png", "codes.safetensors", "inputs/frame_0005.png"] {
        assert!(folder.join("run").join(name).is_file(), "{name}");
    }

    let shown = call(folder, "show run --json").worked().json();
    check_summary(&shown);
    check_measure(folder, &shown);
    let text = call(folder, "show run").worked().stdout;
    assert!(text.contains("3 of 3 steps") && text.contains("lpips_vgg_256"), "{text}");

    check_edits(folder);
    check_morph_and_render(folder);

    // What is there is neither lost nor mixed with something else.
    let clip = sample("GRID_bbaf2n.mpg");
    let before = contents(&folder.join("run"));
    call(folder, &format!("invert {} -o run --steps 1", clip.display()))
        .refused(1, &["run already holds a finished run", "--resume"]);
    call(folder, "demo --steps 4 -o run").refused(1, &["steps: 3 then, 4 now"]);
    let again = call(folder, "invert --resume -o run").worked();
    assert!(again.stderr.contains("warning: this run was finished already"), "{}", again.stderr);
    assert!(contents(&folder.join("run")) == before, "a refused call changed the run");
}

fn check_summary(shown: &Value) {
    assert_eq!((&shown["frames"], &shown["preset"]), (&5.into(), &"default".into()));
    // The total is the weighted sum of the terms; one without weight is not computed.
    let mut total = 0.0;
    for (term, weight) in shown["config"]["invert"]["weights"].as_object().unwrap() {
        let (weight, loss) = (weight.as_f64().unwrap(), shown["losses"][term].as_f64().unwrap());
        assert_eq!(weight > 0.0, loss > 0.0, "{term}: {shown}");
        total += weight * loss;
    }
    // Summed in single precision, frame by frame.
    let got = shown["losses"]["total"].as_f64().unwrap();
    assert!(total > 0.0 && (got - total).abs() < 1e-5 * total, "{got} {total}");
    for (name, unit, better) in
        [("mse", "", "lower"), ("psnr", "dB", "higher"), ("lpips_vgg_256", "", "lower")]
    {
        let metric = &shown["metrics"][name];
        assert_eq!((&metric["unit"], &metric["better"]), (&unit.into(), &better.into()), "{name}");
        let frames: Vec<f64> =
            metric["frames"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let mean = frames.iter().sum::<f64>() / frames.len() as f64;
        assert_eq!(frames.len(), 5);
        assert!((metric["mean"].as_f64().unwrap() - mean).abs() < 1e-9, "{name}: {metric}");
    }
}

/// Measuring the files again gives the numbers that the run wrote.
fn check_measure(folder: &Path, shown: &Value) {
    let metrics = "mse,psnr,lpips_vgg_256,niqe_gray,flicker_luma,warp_mse";
    let line = format!("measure run --metrics {metrics} --json --csv run.csv --html run.html");
    let measured = call(folder, &line).worked().json();
    let of = |name: &str| {
        let all = measured["metrics"].as_array().unwrap();
        all.iter().find(|m| m["name"] == name).unwrap_or_else(|| panic!("{name}: {measured}"))
    };
    for name in ["mse", "psnr", "lpips_vgg_256"] {
        assert_eq!(of(name)["frames"], shown["metrics"][name]["frames"], "{name}");
    }
    for (name, count) in [("niqe_gray", 5), ("flicker_luma", 4), ("warp_mse", 4)] {
        let values = of(name)["frames"].as_array().unwrap();
        assert_eq!(values.len(), count, "{name}");
        assert!(values.iter().all(|v| v.as_f64().is_some_and(|v| v > 0.0)), "{name}: {values:?}");
    }
    let csv = fs::read_to_string(folder.join("run.csv")).unwrap();
    assert_eq!(csv.lines().count(), 6, "{csv}");
    assert!(fs::read_to_string(folder.join("run.html")).unwrap().contains("warp_mse"));
}

fn check_edits(folder: &Path) {
    let made = call(folder, "edit run --along motion=0 --frames 2 -o still --json").worked().json();
    assert_eq!((&made["frames"], &made["finished"]), (&1.into(), &true.into()));
    // An edit of strength 0 is the reconstruction.
    let pixels = |path: &str| image::open(folder.join(path)).unwrap().to_rgb8();
    assert!(pixels("still/edit_0002.png") == pixels("run/frames/recon_0002.png"));
    call(folder, "edit run --along motion=3 --name far").worked();
    assert!(folder.join("run/edits/far/edit_0005.png").is_file());
    assert!(pixels("run/edits/far/edit_0001.png") != pixels("run/frames/recon_0001.png"));

    // Published generators have even numbers of rows, which are fitted by place; 17 are nobody's.
    fs::write(folder.join("other.npy"), ones(&[17, 512])).unwrap();
    call(folder, "edit run --along other.npy=1").refused(1, &["17", "16"]);
    call(folder, "edit run --along motion.9=1").refused(1, &["9"]);
    call(folder, "edit run --along missing.npy=1").refused(1, &["missing.npy"]);
    call(folder, "edit run --along motion=1 --frames 6").refused(1, &["frames 1 to 5"]);
    call(folder, "edit run --along motion=1 --name far").refused(1, &["something else"]);
}

fn check_morph_and_render(folder: &Path) {
    let made = call(folder, "morph run --from 1 --to 5 --steps 3 -o way --json").worked().json();
    assert_eq!(made["frames"], 3);
    let open = |path: &str| image::open(folder.join(path)).unwrap().to_rgb8();
    let apart = |a: &str, b: &str| {
        let (a, b) = (open(a), open(b));
        a.iter().zip(b.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
    };
    let same = |a: &str, b: &str| apart(a, b) == 0;
    assert!(
        same("way/morph_0001.png", "run/frames/recon_0001.png"),
        "it begins at its first frame"
    );
    // Codes are kept as steps from one to the next, so the last bits of the sum may
    // differ, and with them a pixel by the last of its 255 levels.
    assert!(
        apart("way/morph_0003.png", "run/frames/recon_0005.png") <= 1,
        "it ends at its last frame"
    );
    assert!(apart("way/morph_0001.png", "way/morph_0003.png") > 1, "and these two differ");
    call(folder, "morph run --from 1 --to 6").refused(1, &["frames 1 to 5"]);

    call(folder, "render run --frames 3 --quiet").worked();
    assert!(same("run/renders/frames-3/recon_0003.png", "run/frames/recon_0003.png"));
    call(folder, "render run --frames 3 --noise-seed 1 -o noisy").worked();
    assert!(!same("noisy/recon_0003.png", "run/frames/recon_0003.png"));
}

/// Ones as a `.npy` file of version 1.0.
fn ones(shape: &[usize]) -> Vec<u8> {
    let dims: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({dims}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    let count = shape.iter().product();
    file.extend(std::iter::repeat_n(1f32.to_le_bytes(), count).flatten());
    file
}

#[test]
fn heavy_interrupted_runs_end_with_the_same_bytes() {
    let image = sample("london_001_03.jpg");
    let line = format!("invert {} --crop 241,221,863 --steps 6 -o run", image.display());
    let whole = tempfile::tempdir().unwrap();
    call(whole.path(), &line).worked();
    for signal in ["INT", "TERM", "KILL"] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command()
            .current_dir(folder.path())
            .args(line.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for(&folder.path().join("run/state.safetensors"), &mut child);
        let sent =
            Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
        assert!(sent.unwrap().success());
        let ran = Ran::of(child.wait_with_output().unwrap());
        if signal != "KILL" {
            assert_eq!(ran.code, Some(130), "{signal}: {ran:#?}");
            assert!(ran.stderr.contains("reelgan invert --resume -o run"), "{}", ran.stderr);
        }
        let shown = call(folder.path(), "show run --json").worked().json();
        assert_eq!(shown["state"], "running", "{signal}: it was ended in the middle");
        call(folder.path(), "invert --resume -o run --steps 7")
            .refused(1, &["steps: 6 then, 7 now"]);
        call(folder.path(), "invert --resume -o run").worked();
        let (want, got) =
            (contents(&whole.path().join("run")), contents(&folder.path().join("run")));
        assert_eq!(want.keys().collect::<Vec<_>>(), got.keys().collect::<Vec<_>>(), "{signal}");
        for (name, bytes) in want {
            assert!(bytes == got[&name], "{signal}: {name} differs");
        }
    }
}

#[test]
fn heavy_folder_with_other_files_says_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    picture(&photos.join("face.png"), 200, 160);
    fs::write(photos.join("notes.txt"), "words").unwrap();
    call(folder.path(), "invert photos -o run --preset fast --steps 1")
        .refused(1, &["no face", "--crop"]);
    assert!(!folder.path().join("run").exists());
    let line = "invert photos -o run --preset fast --steps 1 --seed 3 --crop 20,0,160";
    let ran = call(folder.path(), line).worked();
    assert!(ran.stderr.contains("warning: ") && ran.stderr.contains("notes.txt"), "{}", ran.stderr);
    let shown = call(folder.path(), "show run --json").worked().json();
    assert_eq!(
        (&shown["frames"], &shown["preset"], &shown["seed"]),
        (&1.into(), &"fast".into(), &3.into())
    );
    assert_eq!(shown["crop"], "20,0,160");
}

/// A clip as it comes: the face is found, every frame gets its code, in windows.
#[test]
fn heavy_raw_clip_is_aligned_and_inverted_in_windows() {
    let folder = tempfile::tempdir().unwrap();
    let clip = sample("GRID_bbaf2n.mpg");
    let line = format!(
        "invert {} --start 2 --stride 12 --count 5 --preset fast --steps 2 --window 3 \
         --window-settle 1.5 -o run --json",
        clip.display()
    );
    let run = call(folder.path(), &line).worked().json();
    // 3 frames in 3 steps, one and a half times as many as asked for, then 2 in one, the least.
    assert_eq!(
        (&run["frames"], &run["steps"], &run["steps_planned"]),
        (&5.into(), &4.into(), &4.into())
    );
    let read = |name: &str| fs::read(folder.path().join("run").join(name)).unwrap();
    let transforms: Value = serde_json::from_slice(&read("transforms.json")).unwrap();
    let placed = transforms["frames"].as_array().unwrap();
    assert_eq!(placed.len(), 5);
    for (k, frame) in placed.iter().enumerate() {
        assert_eq!(frame["name"], format!("frame {}", 3 + 12 * k));
        assert_eq!(frame["source"], "face");
        assert!(frame["crop"]["size"].as_f64().unwrap() > 150.0, "{frame}");
    }
    let table = String::from_utf8(read("frames.csv")).unwrap();
    assert_eq!(table.lines().count(), 6);
    assert!(table.lines().next().unwrap().contains("identity_cosine_faceapi"), "{table}");
    let kept = image::open(folder.path().join("run/inputs/frame_0001.png")).unwrap();
    assert_eq!((kept.width(), kept.height()), (1024, 1024));
}

#[test]
fn heavy_sample_draws_the_same_faces_whatever_the_count() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let (one, two) = (out("one"), out("two"));
    let (a, b) = (out("a.png"), out("b.png"));
    reelgan(["sample", "--count", "1", "-o", &a, "--each", &one, "--tile", "64"]).worked();
    let json =
        reelgan(["sample", "--count", "2", "-o", &b, "--each", &two, "--tile", "64", "--json"]);
    assert_eq!(json.worked().json()["each"].as_array().unwrap().len(), 2);
    let face = |folder: &str| fs::read(Path::new(folder).join("face_0001.png")).unwrap();
    assert!(face(&one) == face(&two));
    reelgan(["sample", "--count", "1", "-o", &a, "--each", &one]).refused(1, &["is not empty"]);
}

/// Waits until a file is there, as long as the program that is to write it runs.
#[test]
fn heavy_learned_start_is_fitted_and_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let train = |name: &str, threads: usize| {
        let line = format!("train encoder --count 100 --rank 4 -o {name} --threads {threads}");
        call(folder.path(), &format!("{line} --json")).worked().json()
    };
    let said = train("a.safetensors", 1);
    assert!(said["report"]["explained"].as_f64().unwrap() > 0.0, "{said}");
    train("b.safetensors", 2);
    let [a, b] =
        ["a", "b"].map(|n| fs::read(folder.path().join(n).with_extension("safetensors")).unwrap());
    assert!(a == b, "the map depends on the number of threads");
    call(folder.path(), "train encoder --count 99 -o c.safetensors").refused(1, &["count", "100"]);
    call(folder.path(), "train encoder -o c.npy").refused(2, &[".safetensors"]);
}

fn wait_for(file: &Path, child: &mut Child) {
    let begun = Instant::now();
    while !file.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before {}", file.display());
        assert!(begun.elapsed() < Duration::from_secs(300), "{} never came", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Every file of a run but the two that hold durations.
fn contents(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![run.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(run).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !["timing.json", "report.html"].contains(&name.as_str()) {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}
