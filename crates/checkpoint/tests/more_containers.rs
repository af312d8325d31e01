//! MATLAB files, shape predictors and quantised shards against values written down beside them.

mod expected;

use expected::golden;
use reelgan_checkpoint::{Checkpoint, DType, Error, Kind, NamedArrays, open, read, shards};

/// Expected arrays under a prefix of the file that holds them all.
fn expected_under(prefix: &str) -> NamedArrays {
    let all = open(&golden("more_expected.safetensors")).unwrap().arrays;
    let under = |(name, array): (String, _)| Some((name.strip_prefix(prefix)?.to_owned(), array));
    all.into_iter().filter_map(under).collect()
}

fn assert_same(what: &str, got: &NamedArrays, want: &NamedArrays) {
    let names = |arrays: &NamedArrays| arrays.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(got), names(want), "{what}");
    for (name, array) in want {
        assert_eq!(&got[name], array, "{what}: {name}");
    }
}

#[test]
fn matlab_files_of_scipy() {
    let want = expected_under("mat.");
    assert_eq!(want.len(), 18);
    for file in ["scipy_plain.mat", "scipy_compressed.mat"] {
        let Checkpoint { kind, arrays, metadata } = open(&golden(file)).unwrap();
        assert_eq!(kind, Kind::Mat5);
        assert_same(file, &arrays, &want);
        assert_eq!(metadata["text"], "Age");
        assert_eq!(metadata["tree.name"], "deep");
        assert_eq!(metadata["cells.1"], "word");
        assert!(
            metadata["c"].contains("complex") && metadata["s"].contains("sparse"),
            "{metadata:?}"
        );
    }
}

/// Two files with the same numbers, written by MATLAB and by numpy.
#[test]
fn parameters_of_niqe_agree() {
    let official = open(&golden("niqe_modelparameters.mat")).unwrap().arrays;
    let copied = open(&golden("niqe_pris_params.npz")).unwrap().arrays;
    for (mat, npz) in [("mu_prisparam", "mu_pris_param"), ("cov_prisparam", "cov_pris_param")] {
        assert_eq!(official[mat], copied[npz], "{mat}");
        assert_eq!(official[mat].dtype, DType::F64);
    }
    assert_eq!(official["mu_prisparam"].shape, [1, 36]);
    assert_eq!(official["cov_prisparam"].shape, [36, 36]);
}

fn element(kind: u32, content: &[u8], big: bool) -> Vec<u8> {
    let word = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut out = [word(kind), word(content.len() as u32)].concat();
    out.extend(content);
    out.resize(out.len().next_multiple_of(8), 0);
    out
}

/// A file of one double matrix `x` of 2 x 3 whose elements are stored as 16-bit numbers.
fn narrowed(big: bool) -> Vec<u8> {
    let word = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let half = |v: i16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut file = b"MATLAB 5.0 MAT-file, written by hand".to_vec();
    file.resize(124, b' ');
    file.extend(if big { *b"\x01\x00MI" } else { *b"\x00\x01IM" });
    // A name of one byte fits the tag itself.
    let name = [word((1 << 16) | 1), *b"x\0\0\0"].concat();
    let columns: Vec<u8> = [1, -4, 2, 5, 300, 6].into_iter().flat_map(half).collect();
    let matrix = [
        element(6, &[word(6), word(0)].concat(), big),
        element(5, &[word(2), word(3)].concat(), big),
        name,
        element(3, &columns, big),
    ]
    .concat();
    file.extend(element(14, &matrix, big));
    file
}

#[test]
fn matlab_narrows_whole_numbers_and_has_two_byte_orders() {
    for big in [false, true] {
        let arrays = read(&narrowed(big)).unwrap().arrays;
        let x = &arrays["x"];
        assert_eq!((x.dtype, x.shape.as_slice()), (DType::F64, &[2, 3][..]), "big {big}");
        assert_eq!(x.to_f32(), [1.0, 2.0, 300.0, -4.0, 5.0, 6.0], "big {big}");
    }
}

#[test]
fn shape_predictor() {
    let Checkpoint { kind, arrays, .. } = open(&golden("two_points.dat")).unwrap();
    assert_eq!(kind, Kind::Dlib);
    assert_same("two_points.dat", &arrays, &expected_under("dlib."));
}

#[test]
fn quantised_shards() {
    let want = expected_under("shards.");
    let got = open(&golden("shards/tiny_model-weights_manifest.json")).unwrap();
    assert_eq!(got.kind, Kind::ShardManifest);
    assert_same("manifest", &got.arrays, &want);
    let content = |name: &str| std::fs::read(golden(&format!("shards/tiny_model-{name}"))).unwrap();
    let whole = [content("shard1"), content("shard2")].concat();
    let manifest = content("weights_manifest.json");
    assert_same("in memory", &shards::read(&manifest, &whole).unwrap(), &want);
    assert!(matches!(shards::read(&manifest, &whole[1..]), Err(Error::Truncated { .. })));
}
