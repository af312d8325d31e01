//! Any text as a TensorFlow.js manifest, over a small weights file.
#![no_main]

use reelgan_checkpoint::tfjs;

libfuzzer_sys::fuzz_target!(|manifest: &[u8]| {
    if let Ok(arrays) = tfjs::read(manifest, &[1; 64]) {
        let numbers: usize = arrays.values().map(|array| array.len()).sum();
        assert!(numbers <= 64);
    }
});
