use super::*;
use proptest::prelude::*;

fn sample() -> ArrayFile {
    let mut file = ArrayFile::default();
    file.arrays.insert("b".into(), Array::new([2, 1], vec![1.0, -2.5]).unwrap());
    file.arrays.insert("a".into(), Array::new([], vec![0.5]).unwrap());
    for key in ["z", "y", "x", "space", "quote\"d"] {
        file.metadata.insert(key.into(), format!("value of {key}"));
    }
    file
}

#[test]
fn bytes_are_the_published_format() {
    let mut file = ArrayFile::default();
    file.arrays.insert("w".into(), Array::new([2], vec![1.0, 2.0]).unwrap());
    file.metadata.insert("k".into(), "v".into());
    let text = r#"{"__metadata__":{"k":"v"},"w":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}}"#;
    let mut expected = vec![text.len().next_multiple_of(8) as u8, 0, 0, 0, 0, 0, 0, 0];
    expected.extend(text.bytes());
    expected.resize(8 + text.len().next_multiple_of(8), b' ');
    expected.extend([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]);
    assert_eq!(file.to_bytes().unwrap(), expected);
}

#[test]
fn the_reference_crate_reads_what_is_written() {
    let bytes = sample().to_bytes().unwrap();
    let read = SafeTensors::deserialize(&bytes).unwrap();
    let b = read.tensor("b").unwrap();
    assert_eq!((b.shape(), b.dtype()), (&[2usize, 1][..], Dtype::F32));
    assert_eq!(b.data(), [1.0f32.to_le_bytes(), (-2.5f32).to_le_bytes()].concat());
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["y"], "value of y");
}

#[test]
fn files_come_back_and_equal_content_gives_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.safetensors");
    sample().write(&path).unwrap();
    assert_eq!(ArrayFile::read(&path).unwrap(), sample());
    let first = std::fs::read(&path).unwrap();
    for _ in 0..8 {
        assert_eq!(ArrayFile::from_bytes(&first).unwrap().to_bytes().unwrap(), first);
    }
    let empty = ArrayFile::default();
    assert_eq!(ArrayFile::from_bytes(&empty.to_bytes().unwrap()).unwrap(), empty);
}

#[test]
fn every_cut_is_refused() {
    let whole = sample().to_bytes().unwrap();
    for end in 0..whole.len() {
        assert!(ArrayFile::from_bytes(&whole[..end]).is_err(), "{end}");
    }
}

#[test]
fn bad_files_name_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.safetensors");
    let huge = u64::MAX.to_le_bytes();
    for content in [&b""[..], b"<html>Not found</html>", &huge] {
        std::fs::write(&path, content).unwrap();
        let error = ArrayFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("codes.safetensors is not a usable safetensors"), "{error}");
    }
    let error = ArrayFile::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("cannot read"), "{error}");
}

#[test]
fn other_types_are_refused() {
    let values = [0u8; 4];
    let view = safetensors::tensor::TensorView::new(Dtype::I32, vec![1], &values).unwrap();
    let bytes = safetensors::serialize([("seed", view)], None).unwrap();
    let error = ArrayFile::from_bytes(&bytes).unwrap_err().to_string();
    assert!(error.contains("`seed` holds I32"), "{error}");
}

#[test]
fn misfits_are_refused_before_anything_is_written() {
    assert!(Array::new([2, 2], vec![0.0; 3]).is_err());
    assert!(Array::new([usize::MAX, 2], vec![]).is_err());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.safetensors");
    let mut file = sample();
    file.arrays.get_mut("b").unwrap().shape = vec![3];
    assert!(file.write(&path).is_err());
    let mut file = sample();
    file.arrays.insert("__metadata__".into(), Array::new([1], vec![0.0]).unwrap());
    assert!(file.write(&path).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let error = sample().get("c").unwrap_err().to_string();
    assert!(error.contains("no array `c`, only: a, b"), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = ArrayFile::from_bytes(&bytes);
    }

    #[test]
    fn no_changed_byte_makes_it_panic(at in 0usize..400, to: u8) {
        let mut bytes = sample().to_bytes().unwrap();
        let at = at % bytes.len();
        bytes[at] = to;
        let _ = ArrayFile::from_bytes(&bytes);
    }
}
