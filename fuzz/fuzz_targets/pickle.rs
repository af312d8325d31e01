//! Any bytes through the pickle machine and the naming of its arrays.
#![no_main]

use reelgan_checkpoint::pickle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(pickle) = pickle::parse(bytes) {
        let _ = pickle::flatten(&pickle, "/");
    }
});
