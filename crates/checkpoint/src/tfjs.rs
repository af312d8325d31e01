//! TensorFlow.js weights: a manifest in JSON, and the numbers in binary shards,
//! one byte each where they are quantised.

use serde_json::Value;

use crate::array::{Array, DType, NamedArrays, byte_len};
use crate::budget::Budget;
use crate::bytes::Reader;
use crate::error::{Error, Result, malformed, unsupported};

/// Name of the container in error messages.
const TFJS: &str = "TensorFlow.js manifest";

/// Reads the arrays of a `weights_manifest.json`.
///
/// `data` is all shards of the manifest, joined in its order. Arrays lie one behind the other without
/// gaps; quantised numbers are `q * scale + min`, computed in f64. All arrays come out as f32, in the
/// layout of the file (kernels are height, width, in, out).
/// # Errors
/// [`Error::Malformed`] or [`Error::Truncated`] if manifest and data contradict each other, bytes that
/// no array owns included; [`Error::Unsupported`] for numbers other than f32, or quantised to other
/// than one or two bytes; [`Error::Duplicate`], [`Error::Limit`].
pub fn read(manifest: &[u8], data: &[u8]) -> Result<NamedArrays> {
    let json: Value =
        serde_json::from_slice(manifest).map_err(|e| malformed(TFJS, e.to_string()))?;
    let groups = json.as_array().ok_or_else(|| malformed(TFJS, "it is not a list of groups"))?;
    let mut budget = Budget::for_input(manifest.len().saturating_add(data.len()));
    let mut reader = Reader::new(data, "TensorFlow.js weights file");
    let mut arrays = NamedArrays::new();
    for group in groups {
        let weights = group.get("weights").and_then(Value::as_array);
        for weight in weights.ok_or_else(|| malformed(TFJS, "a group has no list `weights`"))? {
            let (name, array) = entry(weight, &mut reader, &mut budget)?;
            if arrays.insert(name.clone(), array).is_some() {
                return Err(Error::Duplicate { name });
            }
        }
    }
    if !reader.is_empty() {
        let what = format!(
            "its arrays end at byte {} of the {} bytes of weights",
            reader.pos(),
            data.len()
        );
        return Err(malformed(TFJS, what));
    }
    Ok(arrays)
}

fn entry(weight: &Value, reader: &mut Reader, budget: &mut Budget) -> Result<(String, Array)> {
    let name = weight.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| malformed(TFJS, "an array has no name"))?.to_string();
    let bad = |what: String| malformed(TFJS, format!("array `{name}`: {what}"));
    match weight.get("dtype").and_then(Value::as_str) {
        Some("float32") => {}
        other => return Err(unsupported(TFJS, format!("array `{name}` of type {other:?}"))),
    }
    let shape = weight.get("shape").and_then(Value::as_array);
    let shape: Option<Vec<usize>> =
        shape.and_then(|s| s.iter().map(|d| d.as_u64().and_then(|d| d.try_into().ok())).collect());
    let shape = shape.ok_or_else(|| bad("it has no shape of whole numbers".into()))?;
    let size = byte_len(&shape, DType::F32)?;
    let stored = Stored::of(&name, weight.get("quantization"))?;
    // What is read exists already, so only what it unpacks to has to be allowed.
    let raw = reader.take((size / DType::F32.size()) as u64 * stored.size())?;
    budget.take(size as u64)?;
    let bytes = stored.unpack(raw);
    let finite = bytes.as_chunks::<4>().0.iter().all(|&b| f32::from_le_bytes(b).is_finite());
    if !(finite || matches!(stored, Stored::Float)) {
        return Err(bad("its scale or minimum gives numbers that are not finite".into()));
    }
    Ok((name, Array::new(shape, DType::F32, bytes)?))
}

/// How the numbers of an array are stored.
#[derive(Clone, Copy)]
enum Stored {
    Float,
    Byte { scale: f64, min: f64 },
    Short { scale: f64, min: f64 },
}

impl Stored {
    fn of(name: &str, quantisation: Option<&Value>) -> Result<Self> {
        let Some(value) = quantisation else { return Ok(Self::Float) };
        let number = |key: &str| {
            value
                .get(key)
                .and_then(Value::as_f64)
                .ok_or_else(|| malformed(TFJS, format!("array `{name}`: `{key}` is no number")))
        };
        match value.get("dtype").and_then(Value::as_str) {
            Some("uint8") => Ok(Self::Byte { scale: number("scale")?, min: number("min")? }),
            Some("uint16") => Ok(Self::Short { scale: number("scale")?, min: number("min")? }),
            other => Err(unsupported(TFJS, format!("array `{name}` quantised to {other:?}"))),
        }
    }

    /// Bytes a number.
    fn size(self) -> u64 {
        match self {
            Self::Float => 4,
            Self::Byte { .. } => 1,
            Self::Short { .. } => 2,
        }
    }

    /// Little-endian f32.
    fn unpack(self, raw: &[u8]) -> Vec<u8> {
        let value = |q: f64, scale: f64, min: f64| ((q * scale + min) as f32).to_le_bytes();
        match self {
            Self::Float => raw.to_vec(),
            Self::Byte { scale, min } => {
                raw.iter().flat_map(|&q| value(f64::from(q), scale, min)).collect()
            }
            Self::Short { scale, min } => {
                let (pairs, _) = raw.as_chunks::<2>();
                let numbers = pairs.iter().map(|&pair| f64::from(u16::from_le_bytes(pair)));
                numbers.flat_map(|q| value(q, scale, min)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(weights: &str) -> Vec<u8> {
        format!(r#"[{{"paths":["a.bin"],"weights":[{weights}]}}]"#).into_bytes()
    }

    #[test]
    fn plain_and_quantised_numbers_follow_each_other() {
        let text = manifest(
            r#"{"name":"a/b","shape":[2],"dtype":"float32","quantization":{"dtype":"uint8","scale":0.5,"min":-1.0}},
               {"name":"c","shape":[],"dtype":"float32"},
               {"name":"d","shape":[1,1],"dtype":"float32","quantization":{"dtype":"uint16","scale":2.0,"min":1.0}}"#,
        );
        let mut data = vec![0, 255];
        data.extend(1.25f32.to_le_bytes());
        data.extend(300u16.to_le_bytes());
        let arrays = read(&text, &data).unwrap();
        assert_eq!(arrays["a/b"].to_f32(), [-1.0, 126.5]);
        assert_eq!((arrays["c"].to_f32(), arrays["c"].shape.len()), (vec![1.25], 0));
        assert_eq!((arrays["d"].to_f32(), &arrays["d"].shape[..]), (vec![601.0], &[1, 1][..]));
        assert!(matches!(read(&text, &data[..7]), Err(Error::Truncated { .. })));
        data.push(0);
        assert!(matches!(read(&text, &data), Err(Error::Malformed { .. })));
    }

    #[test]
    fn contradictions_are_refused() {
        let one = r#"{"name":"a","shape":[1],"dtype":"float32"}"#;
        let error = |text: &[u8]| read(text, &[0; 8]).unwrap_err();
        let twice = manifest(&format!("{one},{one}"));
        assert!(matches!(error(&twice), Error::Duplicate { .. }));
        let int = manifest(&one.replace("float32", "int32"));
        assert!(matches!(error(&int), Error::Unsupported { .. }));
        for text in ["", "{}", "[1]", "[{}]", r#"[{"weights":[{}]}]"#] {
            assert!(matches!(error(text.as_bytes()), Error::Malformed { .. }), "{text}");
        }
        let huge = manifest(&one.replace("[1]", "[4294967296,4294967296,4294967296]"));
        assert!(matches!(error(&huge), Error::Malformed { .. }));
        let negative = manifest(&one.replace("[1]", "[-1]"));
        assert!(matches!(error(&negative), Error::Malformed { .. }));
        let endless = manifest(
            r#"{"name":"a","shape":[8],"dtype":"float32","quantization":{"dtype":"uint8","scale":1e300,"min":1e300}}"#,
        );
        assert!(error(&endless).to_string().contains("not finite"));
    }
}
