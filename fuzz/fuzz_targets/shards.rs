//! Any text as a list of quantised weights, over a few bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|manifest: &[u8]| {
    for len in [4, 32, 4096] {
        if let Ok(arrays) = reelgan_checkpoint::shards::read(manifest, &vec![7; len]) {
            assert!(arrays.values().all(|array| array.to_f32().len() == array.len()));
        }
    }
});
