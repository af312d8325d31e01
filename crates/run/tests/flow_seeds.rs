//! The seeds of the fuzzer for flow files, replayed: `ok-*` must be read, `bad-*` must be refused.

use std::path::Path;

use reelgan_run::Flow;

#[test]
fn flow_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/flo");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let read = Flow::from_flo(&std::fs::read(&path).unwrap());
        assert_eq!(read.is_ok(), name.starts_with("ok-"), "{name}");
        assert!(name.starts_with("ok-") || name.starts_with("bad-"), "{name}");
        count += 1;
    }
    assert!(count >= 2, "{count} seeds");
}
