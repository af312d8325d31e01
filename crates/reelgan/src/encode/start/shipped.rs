//! The maps that come with the library.

use super::StartMap;
use crate::generator::Identity;

/// Files made by `reelgan train encoder`, one for a generator of the catalogue.
const FILES: [&[u8]; 1] = [include_bytes!("mobilestylegan-ffhq-1024.safetensors")];

impl StartMap {
    /// The map that was fitted for exactly this generator, if one is shipped.
    pub fn shipped(generator: &Identity) -> Option<Self> {
        let maps = FILES.iter().map(|bytes| Self::from_bytes(bytes).expect("shipped maps are whole"));
        maps.into_iter().find(|map| map.generator.sha256 == generator.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_maps_are_whole_and_do_better_than_the_mean() {
        for bytes in FILES {
            let map = StartMap::from_bytes(bytes).unwrap();
            assert!(map.report().explained > 0.4, "{:?}", map.report());
            let found = StartMap::shipped(map.generator()).unwrap();
            assert_eq!(found, map);
        }
    }

    #[test]
    fn another_generator_has_none() {
        let other = Identity { name: "other".into(), sha256: "0".repeat(64) };
        assert_eq!(StartMap::shipped(&other), None);
    }
}
