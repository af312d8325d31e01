//! Model files: what they are, and turning them into safetensors.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{reelgan, words};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/checkpoint/tests/golden").join(name)
}

#[test]
fn a_generator_is_recognised() {
    let file = golden("karras2019stylegan-ffhq-64x64.for_g_all.pt");
    let ran = reelgan(["inspect".as_ref(), file.as_os_str()]).worked();
    for part in [
        "a torch checkpoint (zip)",
        "StyleGAN1 generator (lernapparat conversion), 64 px: complete, 68 of 68 arrays",
        "g_mapping.dense0.weight",
        "F32   32x32",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let json = reelgan(["inspect".as_ref(), file.as_os_str(), "--json".as_ref()]).worked().json();
    assert_eq!(json["kind"], "TorchZip");
    assert_eq!(json["networks"][0]["id"], "sg1-lernapparat");
    assert_eq!(json["networks"][0]["resolution"], 64);
    assert_eq!(json["networks"][0]["complete"], true);
    let first = &json["arrays"][0];
    assert_eq!(
        (first["name"].as_str(), first["dtype"].as_str()),
        (Some("g_mapping.dense0.bias"), Some("F32"))
    );
    assert_eq!(first["shape"], serde_json::json!([32]));
}

#[test]
fn conversion_keeps_the_arrays_and_takes_parts() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("g.safetensors");
    let file = golden("ffhq-ada-64.g_ema.pkl");
    let convert = |extra: &[&str]| {
        let words = ["convert".as_ref(), file.as_os_str(), "-o".as_ref(), out.as_os_str()];
        reelgan(words.into_iter().chain(extra.iter().map(|w| w.as_ref())))
    };
    let json = convert(&["--part", "G_ema", "--json"]).worked().json();
    assert_eq!((&json["arrays"], &json["networks"][0]), (&106.into(), &"sg2-ada".into()));
    let inspected = reelgan(["inspect".as_ref(), out.as_os_str()]).worked().stdout;
    assert!(inspected.contains("StyleGAN2 generator (ADA), 64 px: complete"), "{inspected}");
    assert!(inspected.contains("mapping/w_avg"), "{inspected}");
    let again = fs::read(&out).unwrap();
    convert(&["--part", "G_ema/"]).worked();
    assert!(fs::read(&out).unwrap() == again, "the same bytes every time");
    convert(&["--part", "G_emma"]).refused(1, &["no arrays under `G_emma`", "inspect"]);
    assert_eq!(fs::read(&out).unwrap(), again, "what was there is kept");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn files_that_are_no_models_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("weights.pt");
    fs::write(&page, "<!doctype html><title>Google Drive</title>").unwrap();
    for command in ["inspect", "convert"] {
        let out = folder.path().join("x.safetensors");
        let mut line = vec![command.as_ref(), page.as_os_str()];
        if command == "convert" {
            line.extend(["-o".as_ref(), out.as_os_str()]);
        }
        reelgan(line).refused(1, &["weights.pt", "web page", "follow its link"]);
        assert!(!out.exists());
    }
    words("inspect no/such/file.pt").refused(1, &["no/such/file.pt"]);
    let own = folder.path().join("own.safetensors");
    fs::copy(golden("npy_expected.safetensors"), &own).unwrap();
    let onto = ["convert".as_ref(), own.as_os_str(), "-o".as_ref(), own.as_os_str()];
    reelgan(onto).refused(1, &["onto itself"]);
}
