//! Morphs to other faces and motion on other faces, from run folders.

use std::path::Path;

use reelgan::codes::{CodeFile, Codes, Rows};
use reelgan::edit::{Easing, Motion, TransferConfig};
use reelgan::invert::Silent;
use reelgan::job::{self, MorphRequest, MorphWay, SweepRequest, TransferRequest};

mod job_toy;

use job_toy::{config, frames, kit, kit_with, request};

fn codes(folder: &Path) -> Codes {
    CodeFile::open(&folder.join("codes.safetensors")).unwrap().trajectory.codes()
}

#[test]
fn motion_and_morphs_reach_other_faces() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    let run = |name: &str, count: usize| {
        let inputs = home.path().join(format!("{name}-in"));
        frames(&inputs, count);
        let out = home.path().join(name);
        job::invert(&kit, &request(vec![inputs], config(3)), &out, &mut Silent).unwrap();
        out
    };
    let (driver, target) = (run("driver", 3), run("target", 2));
    let transfer = TransferRequest {
        target: target.clone(),
        frame: 2,
        config: TransferConfig { strength: -2.0, ..Default::default() },
        out: Some(home.path().join("moved")),
    };
    let made = job::transfer(&kit, &driver, &transfer, &mut Silent).unwrap();
    assert_eq!((made.frames, made.finished), (3, true));
    let (from, onto, got) = (codes(&driver), codes(&target), codes(&made.folder));
    for k in 0..3 {
        for i in 0..onto.code(1).len() {
            let want = onto.code(1)[i] - 2.0 * (from.code(k)[i] - from.code(0)[i]);
            assert!((got.code(k)[i] - want).abs() < 1e-5, "code {k}, number {i}");
        }
    }
    for file in ["strip.png", "report.html", "transfer_0003.png"] {
        assert!(made.folder.join(file).exists(), "{file}");
    }
    let principal = TransferRequest {
        config: TransferConfig { motion: Motion::Principal, ..Default::default() },
        out: None,
        ..transfer.clone()
    };
    let made = job::transfer(&kit, &driver, &principal, &mut Silent).unwrap();
    assert!(made.folder.starts_with(driver.join("transfers")), "{}", made.folder.display());

    let into = Some(target.clone());
    let morph = MorphRequest {
        easing: Easing::In,
        rows: Rows::range(1, 2),
        ..MorphWay::Frames { from: 3, to: 1, into, steps: 3, fps: 5.0 }.into()
    };
    let made = job::morph(&kit, &driver, &morph, &mut Silent).unwrap();
    let (got, dim) = (codes(&made.folder), from.dim());
    let near = |a: &[f32], b: &[f32]| reelgan_golden::max_abs(a, b) < 1e-6;
    assert!(near(got.code(0), from.code(2)));
    assert!(near(&got.code(2)[..dim], &from.code(2)[..dim]), "row 0 stays");
    assert!(near(&got.code(2)[dim..], &onto.code(0)[dim..]), "row 1 arrives");
    let quarter: Vec<f32> =
        (dim..2 * dim).map(|i| 0.75 * from.code(2)[i] + 0.25 * onto.code(0)[i]).collect();
    assert!(near(&got.code(1)[dim..], &quarter));

    // The whole clip, while it plays; the target's last frame stays.
    let clip = MorphRequest::from(MorphWay::Clip { into: target.clone() });
    let made = job::morph(&kit, &driver, &clip, &mut Silent).unwrap();
    let got = codes(&made.folder);
    assert_eq!(got.count(), from.count());
    assert!(near(got.code(0), from.code(0)));
    assert!(near(got.code(from.count() - 1), onto.code(onto.count() - 1)));
    assert!(made.folder.join("video.mp4").exists());

    // What cannot be meant.
    let beyond = TransferRequest { frame: 3, ..transfer.clone() };
    let error = job::transfer(&kit, &driver, &beyond, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("no frame 3"), "{error}");
    let still = run("still", 1);
    let error = job::transfer(&kit, &still, &transfer, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("nothing moves"), "{error}");
    let stranger = kit_with("stranger");
    assert!(job::transfer(&stranger, &driver, &transfer, &mut Silent).is_err());
}

#[test]
fn sweeps_are_drawn_with_differences_and_an_animation() {
    let (home, kit) = (tempfile::tempdir().unwrap(), kit());
    let generator = kit.generator.as_ref();
    let vector = vec![0.5, -0.25, 0.0, 0.0];
    let direction = reelgan::codes::Direction::new("d", vector, 1, None, "test").unwrap();
    let request = SweepRequest {
        subjects: Codes::broadcast(generator.mean_code(), generator.rows(), 2),
        names: vec!["one".into(), "two".into()],
        directions: vec![direction],
        strengths: vec![-1.0, 0.0, 1.0],
        rows: Rows::ALL,
        tile: 32,
        out: home.path().join("sheet"),
    };
    let sheets = job::sweep(generator, &request, &mut Silent).unwrap();
    let names: Vec<_> = sheets.written.iter().map(|p| p.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["sweep.png", "differences.png", "sweep.gif", "report.html"]);
    assert!(sheets.finished && sheets.written.iter().all(|p| p.exists()));
    let falling = SweepRequest { strengths: vec![1.0, -1.0], ..request.clone() };
    assert!(job::sweep(generator, &falling, &mut Silent).is_err());
    let none = SweepRequest { directions: Vec::new(), ..request };
    assert!(job::sweep(generator, &none, &mut Silent).is_err());
}
