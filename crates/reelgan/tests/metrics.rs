//! Metrics against other implementations; the commands are in `golden/README.md`.

use reelgan::metric::fid::{Gathered, frechet_distance};
use reelgan::metric::niqe::NiqeLuma;
use reelgan::metric::{Metric, Mse, Niqe, Psnr, Quality, Ssim};
use reelgan_golden::{detw, path};
use reelgan_run::{Images, media};

fn image(name: &str) -> Images {
    media::read(&path(&format!("images/{name}"))).unwrap().images
}

/// What scikit-image 0.26.0 says: SSIM with a Gaussian window, PSNR, MSE.
#[test]
fn pixel_metrics_match_scikit_image() {
    let crop = |images: Images| images.crop(30, 20, 90, 100).unwrap();
    let pairs = [
        (
            [image("face_0_256.png"), image("face_1_256.png")],
            [0.484_439_185_432_751_9, 9.915_107_291_136_136, 0.101_973_956_737_642_98],
        ),
        (
            [image("face_3_256.png"), image("astronaut_256.png")],
            [0.144_736_972_051_034, 9.844_754_617_991_548, 0.103_639_316_033_296_47],
        ),
        (
            [crop(image("face_0_256.png")), crop(image("face_3_256.png"))],
            [0.312_586_671_013_871_8, 13.555_069_793_777_38, 0.044_105_527_503_666_76],
        ),
    ];
    for ([a, b], [ssim, psnr, mse]) in pairs {
        let metrics: [(&dyn Metric, f64); 3] = [(&Ssim, ssim), (&Psnr, psnr), (&Mse, mse)];
        for (metric, want) in metrics {
            let got = metric.measure(&a, &b, 0).unwrap();
            // Bytes become f32 here and f64 there: 6e-8 of a value.
            let error = (got / want - 1.0).abs();
            assert!(error < 1e-6, "{}: {got} instead of {want}", metric.info().name);
            let swapped = metric.measure(&b, &a, 0).unwrap();
            assert!((swapped / got - 1.0).abs() < 1e-12, "{}", metric.info().name);
        }
    }
}

/// BasicSR 1.4.2: on Y, and on the grey image of pictures without flat areas. (In flat
/// areas the f64 reference on `rgb2gray` follows its own rounding noise: 3.0673 for
/// `astronaut.png`, 3.0652 here.)
#[test]
fn niqe_matches_the_reference_scores() {
    for (name, luma, want) in [
        ("camera.png", NiqeLuma::Gray, 3.096_220_285_250_54),
        ("chelsea.png", NiqeLuma::Gray, 2.572_084_171_566_759_7),
        ("chelsea.png", NiqeLuma::Y, 2.625_524_381_291_432),
        ("astronaut.png", NiqeLuma::Y, 3.064_947_666_184_903_3),
    ] {
        let got = Niqe { luma }.measure(&image(name), 0).unwrap();
        assert!((got - want).abs() < 1e-3, "{name}: {got} instead of {want}");
    }
}

/// Distances by numpy: the trace of the root as the nuclear norm of the product of the
/// centred features, which takes no root of a singular matrix.
#[test]
fn frechet_distance_of_many_features_matches_numpy() {
    const D: usize = 256;
    let set = |name: &str, count: usize, scale: f32, offset: f32| {
        let mut gathered = Gathered::default();
        for row in detw(name, count * D, 1.0).chunks_exact(D) {
            let row: Vec<f32> = row.iter().map(|u| u * scale + offset).collect();
            gathered.add(&row).unwrap();
        }
        gathered.statistics().unwrap()
    };
    for (a, b, want) in [(40, 300, 200.113_894_364_516_8), (300, 400, 86.893_567_837_155_96)] {
        let (a, b) = (set("fid.a", a, 1.0, 0.0), set("fid.b", b, 1.5, 0.25));
        for (a, b) in [(&a, &b), (&b, &a)] {
            let got = frechet_distance(a, b).unwrap();
            // Features are rounded to f32 here.
            assert!((got / want - 1.0).abs() < 1e-6, "{got} instead of {want}");
        }
        let same = frechet_distance(&a, &a).unwrap();
        assert!(same.abs() < 1e-6, "{same}");
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    let (a, b) = (image("face_0_256.png"), image("face_1_256.png"));
    let all = || {
        let mut gathered = Gathered::default();
        for row in detw("threads", 70 * 300, 1.0).chunks_exact(300) {
            gathered.add(row).unwrap();
        }
        let set = gathered.statistics().unwrap();
        let mut other = Gathered::default();
        for row in detw("others", 350 * 300, 1.0).chunks_exact(300) {
            other.add(row).unwrap();
        }
        let fid = frechet_distance(&set, &other.statistics().unwrap()).unwrap();
        let niqe = Niqe::default().measure(&a, 0).unwrap();
        [Ssim.measure(&a, &b, 0).unwrap(), niqe, fid].map(f64::to_bits)
    };
    let with = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(all)
    };
    assert_eq!(with(1), with(3));
}
