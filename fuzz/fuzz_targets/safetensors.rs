//! Any JSON header in front of a few bytes of data.
#![no_main]

libfuzzer_sys::fuzz_target!(|header: &[u8]| {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend([0; 64]);
    let _ = reelgan_checkpoint::read(&file);
    // The input may also be a whole file.
    let _ = reelgan_checkpoint::read(header);
});
