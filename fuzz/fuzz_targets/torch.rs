//! Any bytes as a checkpoint; the seeds steer towards both formats of torch.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = reelgan_checkpoint::read(bytes);
});
