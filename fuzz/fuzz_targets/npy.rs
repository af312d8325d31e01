//! Any bytes as a numpy file, of numbers and of objects.
#![no_main]

use reelgan_checkpoint::npy;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = npy::read(bytes) {
        assert_eq!(array.to_f32().len(), array.len());
    }
    let _ = reelgan_checkpoint::read(bytes);
});
