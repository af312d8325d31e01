use super::*;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn writes_and_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.bin");
    write(&path, b"first").unwrap();
    write(&path, b"second").unwrap();
    assert_eq!(read(&path, 6).unwrap(), b"second");
    assert_eq!(names(folder.path()), ["codes.bin"]);
}

#[test]
fn a_failed_write_leaves_the_earlier_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.bin");
    write(&path, b"earlier").unwrap();
    let error = write_with(&path, |file| {
        file.write_all(b"half")?;
        Err(io::Error::other("the power went"))
    });
    assert!(error.unwrap_err().to_string().contains("codes.bin: the power went"));
    assert_eq!(read(&path, 100).unwrap(), b"earlier");
    assert_eq!(names(folder.path()), ["codes.bin"]);
}

#[test]
fn a_panic_while_writing_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.bin");
    let panicked = std::panic::catch_unwind(|| write_with(&path, |_| panic!("stop")));
    assert!(panicked.is_err());
    assert_eq!(names(folder.path()), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.bin");
    // The device refuses every byte as a full disk does.
    let error =
        write_with(&path, |_| OpenOptions::new().write(true).open("/dev/full")?.write_all(b"x"));
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("codes.bin") && text.contains("the disk is full: free some space"),
        "{text}"
    );
    assert_eq!(names(folder.path()), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_place_says_what_to_do() {
    // No user, root included, can create files here.
    let text = write(Path::new("/sys/codes.bin"), b"x").unwrap_err().to_string();
    assert!(text.contains("/sys/codes.bin") && text.contains("read-only for you"), "{text}");
}

#[test]
fn places_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    write(&file, b"x").unwrap();
    let text = |path: &Path| write(path, b"x").unwrap_err().to_string();
    assert!(text(&folder.path().join("absent/codes.bin")).contains("create it first"));
    assert!(text(&file.join("codes.bin")).contains("a file stands where a folder is needed"));
    assert!(text(folder.path()).contains("a folder stands where a file is needed"));
    assert!(text(Path::new("/")).contains("a folder stands where a file is needed"));
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn reading_keeps_to_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big");
    write(&path, &[0; 100]).unwrap();
    assert_eq!(read(&path, 100).unwrap().len(), 100);
    let text = read(&path, 99).unwrap_err().to_string();
    assert!(text.contains("too large: 100 bytes (the limit is 99 bytes)"), "{text}");
    let text = read(folder.path(), 100).unwrap_err().to_string();
    assert!(text.contains("cannot read") && text.contains("a file is needed here"), "{text}");
    #[cfg(target_os = "linux")]
    assert!(matches!(read(Path::new("/dev/zero"), 1000), Err(Error::TooLarge { .. })));
}
