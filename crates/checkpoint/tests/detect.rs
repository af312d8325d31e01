//! Files are recognised by content, and refusals say what to do.

mod expected;

use std::io::Write;

use expected::golden;
use reelgan_checkpoint::{Error, Kind, detect, read};

fn zip(members: &[&str]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"x").unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

fn tar(name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(1);
    tar.append_data(&mut header, name, &b"x"[..]).unwrap();
    tar.into_inner().unwrap()
}

#[test]
fn golden_files() {
    for (file, kind) in [
        ("container_py27_legacy.pth.tar", Kind::TorchLegacy),
        ("container_py38_zip.pt", Kind::TorchZip),
        ("container_py311_zip.pt", Kind::TorchZip),
        ("ffhq-ada-64.g_ema.pkl", Kind::Pickle),
        ("fid_stats_full_f1.npz", Kind::Npz),
        ("frame_code.npy", Kind::Npy),
        ("npy_expected.safetensors", Kind::Safetensors),
        ("niqe_modelparameters.mat", Kind::Mat5),
    ] {
        assert_eq!(detect(&std::fs::read(golden(file)).unwrap()), kind, "{file}");
    }
}

#[test]
fn made_up_files() {
    let torch = std::fs::read(golden("container_py38_zip.pt")).unwrap();
    let cases: &[(&[u8], Kind)] = &[
        (b"", Kind::Empty),
        (b"\x01\x01\x84\x88\x00", Kind::Dlib),
        (b"\n<!DOCTYPE html><html>", Kind::Html),
        (b"<html lang=en>", Kind::Html),
        (b"<?xml version=\"1.0\" ?>\n<net name=\"a\" version=\"10\">", Kind::IrXml),
        (b"<net name=\"a\">", Kind::IrXml),
        (b"<?xml version=\"1.0\"?><svg>", Kind::Xml),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", Kind::LfsPointer),
        (b"\x89PNG\r\n\x1a\n", Kind::Picture),
        (b"hello", Kind::Text),
        (b"{\"error\": \"quota exceeded\"}", Kind::Text),
        (b"[{\"weights\":[],\"paths\":[]}]", Kind::ShardManifest),
        (b"\x00\x01\x02\x03", Kind::Unknown),
        (b"\x89HDF\r\n\x1a\n", Kind::Hdf5),
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64", Kind::Hdf5),
        (b"MATLAB 5.0 MAT-file", Kind::Mat5),
        (b"\xfd7zXZ\0", Kind::Compressed),
        (b"\x28\xb5\x2f\xfd", Kind::Compressed),
        (b"(dp0\nS'a'\n", Kind::Pickle),
        (&tar("a"), Kind::Tar),
        (b"PK\x03\x04", Kind::BrokenZip),
        (&torch[..torch.len() / 2], Kind::BrokenZip),
        (&zip(&["a/__init__.py", "a-1.dist-info/WHEEL"]), Kind::Wheel),
        (&zip(&["m/data.pkl", "m/constants.pkl", "m/data/0"]), Kind::TorchScript),
        (&zip(&["readme"]), Kind::Zip),
        (&gzip(&tar("package/a")), Kind::GzipTar),
        (&gzip(b"no tar"), Kind::Gzip),
    ];
    for (bytes, kind) in cases {
        assert_eq!(
            detect(bytes),
            *kind,
            "{:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(40)])
        );
    }
}

#[test]
fn refusals_say_what_it_is_and_what_to_do() {
    let page = read(b"<!doctype html><html><body>Sign in").unwrap_err();
    assert!(matches!(page, Error::NotAModel { kind: Kind::Html, .. }));
    assert!(page.to_string().contains("download page"), "{page}");
    let pointer = read(b"version https://git-lfs.github.com/spec/v1\n").unwrap_err();
    assert!(pointer.to_string().contains("git lfs pull"), "{pointer}");
    let empty = read(b"").unwrap_err();
    assert!(empty.to_string().contains("empty"), "{empty}");
}
