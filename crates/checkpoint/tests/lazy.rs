//! Reading single arrays out of a file gives what reading all of it gives, and reads only those.

mod expected;

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

use expected::{golden, samples};
use reelgan_checkpoint::{Checkpoint, Error, Index, open, read, write_safetensors};

#[test]
fn one_by_one_equals_all_at_once_and_from_memory() {
    let mut seen = 0;
    for (name, bytes) in samples() {
        let all = open(&golden(&name)).unwrap();
        let memory = read(&bytes).unwrap();
        assert_eq!(memory, all, "{name}");
        let index = Index::open(&golden(&name)).unwrap();
        assert_eq!((index.kind(), index.metadata()), (all.kind, &all.metadata), "{name}");
        assert_eq!(index.arrays().len(), all.arrays.len(), "{name}");
        // Backwards, so that nothing depends on the order of the file.
        for (key, array) in all.arrays.iter().rev() {
            let info = index.get(key).unwrap();
            assert_eq!(
                (info.shape, info.dtype),
                (array.shape.as_slice(), array.dtype),
                "{name} {key}"
            );
            assert_eq!(info.bytes(), array.bytes.len() as u64, "{name} {key}");
            assert_eq!(&index.array(key).unwrap(), array, "{name} {key}");
            seen += 1;
        }
    }
    assert!(seen > 300, "{seen} arrays");
}

#[test]
fn an_array_that_is_not_there_is_named_with_some_that_are() {
    let index = Index::open(&golden("fid_stats_full_f1.npz")).unwrap();
    let error = index.array("nu").unwrap_err().to_string();
    for part in ["fid_stats_full_f1.npz", "`nu`", "`mu`"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// Damage is met when the damaged array is read, and not before.
#[test]
fn check_sums_are_verified_on_reading() {
    let file = "karras2019stylegan-ffhq-64x64.for_g_all.pt";
    let mut bytes = std::fs::read(golden(file)).unwrap();
    let (name, array) = {
        let all = read(&bytes).unwrap().arrays;
        let (name, array) = all.into_iter().max_by_key(|(_, a)| a.bytes.len()).unwrap();
        (name, array.bytes)
    };
    let at = bytes.windows(64).position(|w| w == &array[..64]).unwrap();
    bytes[at + 5] ^= 1;
    let mut damaged = tempfile::NamedTempFile::new().unwrap();
    damaged.write_all(&bytes).unwrap();
    let index = Index::open(damaged.path()).unwrap();
    let error = index.array(&name).unwrap_err().to_string();
    assert!(error.contains("check sum"), "{error}");
    let other = index.arrays().map(|(n, _)| n).find(|n| *n != name).unwrap();
    index.array(other).unwrap();
    assert!(open(damaged.path()).is_err());
}

#[test]
fn a_file_that_shrinks_after_opening_is_an_error() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&std::fs::read(golden("frame_code.npy")).unwrap()).unwrap();
    let index = Index::open(file.path()).unwrap();
    OpenOptions::new().write(true).open(file.path()).unwrap().set_len(1000).unwrap();
    let error = index.array("array").unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert!(error.to_string().contains(file.path().to_str().unwrap()), "{error}");
}

/// A hole of 600 MB in a file costs nothing until it is asked for.
#[cfg(target_os = "linux")]
#[test]
fn opening_a_large_file_takes_no_memory() {
    let large = 600u64 << 20;
    let header = format!(
        r#"{{"large":{{"dtype":"U8","shape":[{large}],"data_offsets":[0,{large}]}},"small":{{"dtype":"F32","shape":[2],"data_offsets":[{large},{}]}}}}"#,
        large + 8
    );
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.seek(SeekFrom::Current(large as i64)).unwrap();
    file.write_all(&[0, 0, 0, 0x40, 0, 0, 0x80, 0x3f]).unwrap();
    let index = Index::open(file.path()).unwrap();
    assert_eq!(index.array("small").unwrap().to_f32(), [2.0, 1.0]);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    let peak: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    // What the other tests of this file hold, and no 600 MB.
    assert!(peak < 300 << 10, "{peak} kB");
}

#[test]
fn any_checkpoint_becomes_safetensors() {
    for file in ["container_py38_legacy.pth.tar", "scipy_plain.mat", "ffhq-ada-64.g_ema.pkl"] {
        let index = Index::open(&golden(file)).unwrap();
        let names = index.arrays().map(|(n, _)| (n.to_owned(), format!("new.{n}"))).collect();
        let mut out = Vec::new();
        write_safetensors(&index, &names, index.metadata(), &mut out).unwrap().unwrap();
        let theirs = safetensors::SafeTensors::deserialize(&out).unwrap();
        let Checkpoint { arrays, metadata, .. } = index.read().unwrap();
        assert_eq!(theirs.len(), arrays.len(), "{file}");
        for (name, array) in &arrays {
            let view = theirs.tensor(&format!("new.{name}")).unwrap();
            assert_eq!(
                (view.shape(), view.data()),
                (array.shape.as_slice(), array.bytes.as_slice())
            );
        }
        let again = read(&out).unwrap();
        assert_eq!(again.metadata, metadata, "{file}");
        assert!(arrays.iter().all(|(name, array)| &again.arrays[&format!("new.{name}")] == array));
    }
}
