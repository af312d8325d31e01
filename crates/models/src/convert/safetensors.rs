//! Writing safetensors, the same bytes every time.
//!
//! The `safetensors` crate keeps its metadata in a hash map, whose order
//! differs from run to run; a file that is known by its sha256 cannot.

use reelgan_checkpoint::{DType, NamedArrays};
use serde_json::{Map, Value, json};

/// The file: an eight-byte length, a JSON header padded with spaces to a
/// multiple of eight, then all arrays in name order without gaps.
pub(super) fn serialise(arrays: &NamedArrays, metadata: &[(&str, String)]) -> Vec<u8> {
    let mut header = Map::new();
    let pairs: Map<String, Value> =
        metadata.iter().map(|(key, value)| ((*key).into(), json!(value))).collect();
    header.insert("__metadata__".into(), Value::Object(pairs));
    let mut end = 0;
    for (name, array) in arrays {
        let start = end;
        end += array.bytes.len();
        let info = json!({
            "dtype": dtype(array.dtype), "shape": array.shape, "data_offsets": [start, end],
        });
        header.insert(name.clone(), info);
    }
    let mut text = serde_json::to_vec(&header).expect("a header is plain data");
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut file = Vec::with_capacity(8 + text.len() + end);
    file.extend_from_slice(&(text.len() as u64).to_le_bytes());
    file.extend_from_slice(&text);
    for array in arrays.values() {
        file.extend_from_slice(&array.bytes);
    }
    file
}

fn dtype(dtype: DType) -> &'static str {
    match dtype {
        DType::F64 => "F64",
        DType::F32 => "F32",
        DType::F16 => "F16",
        DType::BF16 => "BF16",
        DType::I64 => "I64",
        DType::I32 => "I32",
        DType::I16 => "I16",
        DType::I8 => "I8",
        DType::U64 => "U64",
        DType::U32 => "U32",
        DType::U16 => "U16",
        DType::U8 => "U8",
        DType::Bool => "BOOL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reelgan_checkpoint::Array;

    fn arrays() -> NamedArrays {
        let bytes = [1.5f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        NamedArrays::from([
            ("b".into(), Array { shape: vec![2, 1], dtype: DType::F32, bytes }),
            ("a".into(), Array { shape: vec![3], dtype: DType::U8, bytes: vec![7, 8, 9] }),
        ])
    }

    #[test]
    fn another_reader_sees_the_same_arrays_and_metadata() {
        let file = serialise(&arrays(), &[("model", "m".into()), ("note", "\"x\"".into())]);
        let read = safetensors::SafeTensors::deserialize(&file).unwrap();
        let b = read.tensor("b").unwrap();
        assert_eq!((b.shape(), b.dtype()), (&[2usize, 1][..], safetensors::Dtype::F32));
        assert_eq!(b.data(), arrays()["b"].bytes);
        assert_eq!(read.tensor("a").unwrap().data(), [7, 8, 9]);
        let (_, header) = safetensors::SafeTensors::read_metadata(&file).unwrap();
        let metadata = header.metadata().as_ref().unwrap();
        assert_eq!((metadata["model"].as_str(), metadata["note"].as_str()), ("m", "\"x\""));
    }

    #[test]
    fn the_same_bytes_every_time() {
        let metadata: Vec<(&str, String)> =
            ["q", "w", "e", "r", "t", "y"].map(|key| (key, key.to_uppercase())).into();
        let first = serialise(&arrays(), &metadata);
        assert!((0..20).all(|_| serialise(&arrays(), &metadata) == first));
        assert_eq!(u64::from_le_bytes(first[..8].try_into().unwrap()) % 8, 0);
    }
}
