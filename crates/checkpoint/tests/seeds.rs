//! The seeds of the fuzzer, replayed: `ok-*` must be read, `bad-*` must be refused.

use std::path::Path;

use reelgan_checkpoint::recognise::recognise;
use reelgan_checkpoint::{Result, ir, package, pickle, read, shards};

fn replay(target: &str, feed: impl Fn(&[u8]) -> Result<()>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let result = feed(&std::fs::read(&path).unwrap());
        match (name.starts_with("ok-"), name.starts_with("bad-")) {
            (true, _) => assert!(result.is_ok(), "{target}/{name}: {}", result.unwrap_err()),
            (_, true) => assert!(result.is_err(), "{target}/{name} was accepted"),
            _ => panic!("{target}/{name} does not say whether it is to be read"),
        }
        count += 1;
    }
    assert!(count > 0, "no seeds in {}", folder.display());
}

#[test]
fn containers() {
    for target in ["torch", "npy", "safetensors", "mat", "dlib"] {
        replay(target, |bytes| read(bytes).map(drop));
    }
    replay("pickle", |bytes| pickle::flatten(&pickle::parse(bytes)?, "/").map(drop));
}

#[test]
fn archives() {
    replay("archive", |bytes| package::member_of(bytes, "a/b.bin", 1 << 20).map(drop));
}

#[test]
fn lists_of_shards() {
    replay("shards", |list| shards::read(list, &[7; 4]).map(drop));
}

/// Lines `name 3x4`; whatever they are, what is found and what is missing make up what is needed.
#[test]
fn names_and_shapes() {
    replay("recognise", |text| {
        let text = std::str::from_utf8(text).unwrap();
        let arrays: Vec<(&str, Vec<usize>)> = text
            .lines()
            .map(|line| {
                let (name, shape) = line.split_once(' ').unwrap();
                (name, shape.split('x').filter_map(|d| d.parse().ok()).collect())
            })
            .collect();
        let known = recognise(arrays.iter().map(|(name, shape)| (*name, shape.as_slice())));
        assert!(!known.parts.is_empty(), "{text}");
        assert!(known.parts.iter().all(|p| p.found + p.missing.len() == p.needed));
        Ok(())
    });
}

#[test]
fn descriptions() {
    replay("ir", |xml| {
        let graph = ir::Graph::parse(xml)?;
        graph.of_kind("Const").try_for_each(|layer| graph.constant(layer, &[0; 64]).map(drop))
    });
}

/// The two description seeds together are a complete small model.
#[test]
fn small_generator() {
    let seed = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/ir").join(name))
            .unwrap()
    };
    let bin: Vec<u8> = (0..16).flat_map(|k: u8| f32::from(k).to_le_bytes()).collect();
    let arrays =
        ir::mobilestylegan(&seed("ok-mapping.xml"), &bin, &seed("ok-modulation.xml"), &bin)
            .unwrap();
    let first = |name: &str| arrays[name].to_f32()[0];
    // Element k of the weights file is k, so the first value tells the place.
    for (name, place) in [
        ("mapping.pixelnorm.eps", 0.0),
        ("mapping.0.weight", 1.0),
        ("mapping.0.bias", 5.0),
        ("mapping.0.gain", 7.0),
        ("synthesis.a.conv.modulation.weight", 0.0),
        ("synthesis.a.conv.modulation.bias", 4.0),
        ("synthesis.a.conv.modulation.scale", 6.0),
        ("synthesis.input", 7.0),
        ("synthesis.a.conv.weight", 9.0),
        ("synthesis.a.noise", 11.0),
        ("synthesis.a.bias", 12.0),
    ] {
        assert_eq!(first(name), place, "{name}");
    }
    assert_eq!(arrays.len(), 11);
}
