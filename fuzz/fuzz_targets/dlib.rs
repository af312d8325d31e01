//! Any bytes as a shape predictor.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = b"\x01\x01".to_vec();
    file.extend(bytes);
    let _ = reelgan_checkpoint::read(&file);
    let _ = reelgan_checkpoint::read(bytes);
});
