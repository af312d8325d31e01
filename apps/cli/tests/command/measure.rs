//! `measure` on pictures, without models that are fetched by name.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::program::{Ran, command, picture, reelgan};

struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A folder of pictures whose red falls by `step` levels from frame to frame.
    fn folder(&self, name: &str, count: u32, step: u32) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir(&folder).unwrap();
        for k in 0..count {
            let red = (200 - k * step) as u8;
            let image = image::RgbImage::from_pixel(32, 24, image::Rgb([red, 90, 40]));
            image.save(folder.join(format!("f{k}.png"))).unwrap();
        }
        folder
    }
}

/// Calls the program with a cache that has no model.
fn measure(bench: &Bench, words: &[&Path]) -> Ran {
    let mut call = command();
    call.env("REELGAN_CACHE", bench.path("cache")).arg("measure").args(words);
    Ran::of(call.output().unwrap())
}

#[test]
fn pairs_are_measured_as_the_formulas_say() {
    let bench = Bench::new();
    let (a, b) = (bench.folder("a", 3, 0), bench.folder("b", 3, 51));
    let (csv, html) = (bench.path("out.csv"), bench.path("out.html"));
    let metrics = Path::new("mse,psnr,flicker_luma");
    let line = ["--pairs".as_ref(), &*a, &*b, "--metrics".as_ref(), metrics, "--json".as_ref()];
    let files: [&Path; 4] = ["--csv".as_ref(), &csv, "--html".as_ref(), &html];
    let ran = measure(&bench, &[&line[..], &files[..]].concat()).worked();
    let json = ran.json();
    let metric = |k: usize, name: &str| {
        assert_eq!(json["metrics"][k]["name"], name);
        json["metrics"][k].clone()
    };
    // Red differs by 0, 0.2, 0.4; a third of the values are red.
    let mse = metric(0, "mse");
    for (value, want) in mse["frames"].as_array().unwrap().iter().zip([0.0, 0.04 / 3.0, 0.16 / 3.0])
    {
        assert!((value.as_f64().unwrap() - want).abs() < 1e-6, "{mse}");
    }
    assert_eq!(metric(1, "psnr")["frames"][0], "inf");
    // Brightness falls by 0.299 * 0.2 at every step.
    let flicker = metric(2, "flicker_luma");
    assert_eq!(flicker["frames"].as_array().unwrap().len(), 2);
    assert!((flicker["mean"].as_f64().unwrap() - 0.0598).abs() < 1e-6, "{flicker}");
    let csv = fs::read_to_string(csv).unwrap();
    assert!(csv.starts_with("frame,mse,psnr [dB],flicker_luma\nf0.png,0,inf,"), "{csv}");
    assert!(fs::read_to_string(html).unwrap().contains("flicker_luma"));
}

#[test]
fn what_is_not_here_is_left_out_and_said() {
    let bench = Bench::new();
    let (a, b) = (bench.path("a.png"), bench.path("b.png"));
    picture(&a, 192, 96);
    picture(&b, 192, 96);
    let ran = measure(&bench, &["--pairs".as_ref(), &a, &b]).worked();
    assert!(ran.stdout.contains("ssim_gauss11_rgb") && !ran.stdout.contains("lpips"), "{ran:?}");
    assert!(ran.stderr.contains("reelgan models fetch vgg16"), "{ran:?}");
    let named = ["--pairs".as_ref(), &*a, &*b, "--metrics".as_ref(), "lpips_alex_256".as_ref()];
    measure(&bench, &named).refused(1, &["alexnet", "models fetch"]);
    let named = ["--pairs".as_ref(), &*a, &*b, "--metrics".as_ref(), "lpips_squeeze_256".as_ref()];
    measure(&bench, &named).refused(1, &["--squeezenet"]);
}

#[test]
fn pictures_that_cannot_be_compared() {
    let bench = Bench::new();
    let (a, b) = (bench.folder("a", 3, 1), bench.folder("b", 2, 1));
    let mse: [&Path; 2] = ["--metrics".as_ref(), "mse".as_ref()];
    let pairs = |a: &Path, b: &Path| measure(&bench, &["--pairs".as_ref(), a, b, mse[0], mse[1]]);
    pairs(&a, &b).refused(1, &["as many", "2, and more"]);
    pairs(&b, &a).refused(1, &["as many", "2, and more"]);
    let other = bench.path("c.png");
    picture(&other, 24, 32);
    let first = a.join("f0.png");
    pairs(&first, &other).refused(1, &["32x24", "24x32"]);
    pairs(&first, &bench.path("none.png")).refused(1, &["none.png"]);
    let fake = bench.path("fake.png");
    fs::write(&fake, "<html>").unwrap();
    pairs(&first, &fake).refused(1, &["fake.png"]);
    let small: [&Path; 5] =
        ["--pairs".as_ref(), &first, &first, "--metrics".as_ref(), "niqe_gray".as_ref()];
    measure(&bench, &small).refused(1, &["96x192", "32x24"]);
}

#[test]
fn folders_that_are_no_runs_and_files_that_are_no_sets() {
    let bench = Bench::new();
    let a = bench.folder("a", 2, 1);
    reelgan(["measure".as_ref(), a.as_os_str(), "--metrics".as_ref(), "mse".as_ref()])
        .refused(1, &["not a complete run folder"]);
    let npz = bench.path("x.npz");
    fs::write(&npz, b"PK\x03\x04 and no more").unwrap();
    measure(&bench, &["--set".as_ref(), &npz, &a]).refused(1, &["x.npz"]);
    measure(&bench, &["--set".as_ref(), &a, &a])
        .refused(1, &["inception-fid-2015", "models fetch"]);
    let weights: [&Path; 5] = ["--set".as_ref(), &a, &a, "--inception".as_ref(), &a.join("f0.png")];
    measure(&bench, &weights).refused(1, &["f0.png", "picture"]);
}

/// The file of the tests holds 16 features of 200 pictures.
#[test]
fn two_statistics_files_need_no_network() {
    let bench = Bench::new();
    let stats =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/data/fid_stats_full_f1.npz");
    let copy = bench.path("copy.npz");
    let line: [&Path; 6] =
        ["--set".as_ref(), &stats, &stats, "--save-judged".as_ref(), &copy, "--json".as_ref()];
    let json = measure(&bench, &line).worked().json();
    assert_eq!(json["metrics"][0]["name"], "fid_2015_pytorchfid");
    assert!(json["metrics"][0]["mean"].as_f64().unwrap().abs() < 1e-9, "{json}");
    measure(&bench, &["--set".as_ref(), &copy, &stats, "--fid-input".as_ref(), "tf".as_ref()])
        .worked();
    let codes =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/data/niqe_pris_params.npz");
    measure(&bench, &["--set".as_ref(), &codes, &stats]).refused(1, &["no array `mu`", "mu_pris"]);
}

#[test]
fn output_that_cannot_be_written() {
    let bench = Bench::new();
    let a = bench.folder("a", 1, 1);
    let place = bench.path("no/such/out.csv");
    let line: [&Path; 7] = [
        "--pairs".as_ref(),
        &a,
        &a,
        "--metrics".as_ref(),
        "mse".as_ref(),
        "--csv".as_ref(),
        &place,
    ];
    measure(&bench, &line).refused(1, &["out.csv", "create it first"]);
}
