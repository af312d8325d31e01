//! `reelgan encode` with a small encoder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{Ran, picture, reelgan};

/// A file of the reference data.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/data").join(name)
}

fn encode(inputs: &[&Path], encoder: &Path, output: &Path) -> Ran {
    let inputs = inputs.iter().map(|p| p.as_os_str());
    let flags = ["--encoder".as_ref(), encoder.as_os_str(), "-o".as_ref(), output.as_os_str()];
    reelgan(["--json".as_ref(), "encode".as_ref()].into_iter().chain(inputs).chain(flags))
}

#[test]
fn images_become_codes() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.png"), folder.path().join("b.png"));
    picture(&a, 96, 64);
    picture(&b, 96, 64);
    let output = folder.path().join("codes");
    let encoder = golden("styleganinv_ffhq64_encoder.pth");
    let report = encode(&[&a, &b], &encoder, &output).worked().json();
    assert_eq!(report["codes"], serde_json::json!([2, 10, 32]));
    assert_eq!(report["kind"], "in-domain");
    assert_eq!(report["images"], serde_json::json!(["a.png", "b.png"]));
    let codes = reelgan_run::ArrayFile::read(&output.join("codes.safetensors")).unwrap();
    assert_eq!(codes.metadata["encoder_kind"], "in-domain");
    let codes = codes.get("codes").unwrap();
    assert_eq!(codes.shape, [2, 10, 32]);
    for (name, part) in ["0001.npy", "0002.npy"].iter().zip(codes.data.chunks_exact(320)) {
        let bytes = fs::read(output.join(name)).unwrap();
        let numbers: Vec<u8> = part.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert!(bytes.ends_with(&numbers), "{name} holds another code");
    }
    // Neither codes nor anything else is overwritten.
    encode(&[&a], &encoder, &output).refused(1, &["not empty", "-o"]);
}

#[test]
fn other_files_are_no_encoders() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("a.png");
    picture(&image, 64, 64);
    let output = folder.path().join("codes");
    for (file, want) in [
        ("karras2019stylegan-ffhq-64x64.for_g_all.pt", "no encoder"),
        ("no-such-file.pt", "no-such-file.pt"),
    ] {
        encode(&[&image], &golden(file), &output).refused(1, &[want]);
        assert!(!output.exists(), "a refused encoder leaves no folder");
    }
}
