//! Any bytes as an optical flow file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = reelgan_run::flow::Flow::from_flo(bytes);
});
