//! Numbers in JSON, which knows neither infinities nor NaN: a PSNR of equal
//! pictures is `"inf"`, a loss that blew up `"nan"`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Number {
    Finite(f64),
    Word(Word),
}

#[derive(Serialize, Deserialize)]
enum Word {
    #[serde(rename = "inf")]
    Infinity,
    #[serde(rename = "-inf")]
    MinusInfinity,
    #[serde(rename = "nan")]
    Nan,
}

impl From<f64> for Number {
    fn from(v: f64) -> Self {
        if v.is_nan() {
            Number::Word(Word::Nan)
        } else if v == f64::INFINITY {
            Number::Word(Word::Infinity)
        } else if v == f64::NEG_INFINITY {
            Number::Word(Word::MinusInfinity)
        } else {
            Number::Finite(v)
        }
    }
}

impl From<Number> for f64 {
    fn from(number: Number) -> Self {
        match number {
            Number::Finite(v) => v,
            Number::Word(Word::Infinity) => f64::INFINITY,
            Number::Word(Word::MinusInfinity) => f64::NEG_INFINITY,
            Number::Word(Word::Nan) => f64::NAN,
        }
    }
}

/// One number.
pub(super) mod one {
    use super::*;

    pub fn serialize<S: Serializer>(v: &f64, to: S) -> Result<S::Ok, S::Error> {
        Number::from(*v).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Number::deserialize(from).map(f64::from)
    }
}

/// A list of numbers.
pub(super) mod list {
    use super::*;

    pub fn serialize<S: Serializer>(list: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(list.iter().map(|&v| Number::from(v)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let list = Vec::<Number>::deserialize(from)?;
        Ok(list.into_iter().map(f64::from).collect())
    }
}

/// Numbers by name.
pub(super) mod map {
    use super::*;
    use std::collections::BTreeMap;

    pub fn serialize<S: Serializer>(map: &BTreeMap<String, f64>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(map.iter().map(|(name, &v)| (name, Number::from(v))))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<String, f64>, D::Error> {
        let map = BTreeMap::<String, Number>::deserialize(from)?;
        Ok(map.into_iter().map(|(name, v)| (name, f64::from(v))).collect())
    }
}
