//! Any names and shapes as the arrays of a file.
#![no_main]

use reelgan_checkpoint::recognise::recognise;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let arrays: Vec<(&str, Vec<usize>)> = text
        .lines()
        .map(|line| {
            let (name, shape) = line.split_once(' ').unwrap_or((line, ""));
            (name, shape.split('x').filter_map(|d| d.parse().ok()).collect())
        })
        .collect();
    let known = recognise(arrays.iter().map(|(name, shape)| (*name, shape.as_slice())));
    for part in known.parts {
        assert!(part.found <= part.needed && part.found + part.missing.len() == part.needed);
    }
});
