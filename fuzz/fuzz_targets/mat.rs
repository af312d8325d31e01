//! Any bytes behind the header of a MATLAB file, and as a whole file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = b"MATLAB 5.0 MAT-file".to_vec();
    file.resize(124, b' ');
    file.extend(b"\x00\x01IM");
    file.extend(bytes);
    let _ = reelgan_checkpoint::read(&file);
    let _ = reelgan_checkpoint::read(bytes);
});
