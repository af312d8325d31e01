//! Files brought by hand, and files that somebody touched.

use std::fs;

use reelgan_models::{Cache, Error, FetchOptions, Kind, State, Store};

use crate::tiny::Tiny;

#[test]
fn an_archive_is_known_by_its_sum_whatever_its_name() {
    let (tiny, cache) = (Tiny::new(5000), tempfile::tempdir().unwrap());
    let store = tiny.store(cache.path());
    let renamed = tiny.folder.path().join("download (1)");
    fs::copy(&tiny.wheel, &renamed).unwrap();
    assert_eq!(store.add(&renamed, &mut |_| {}).unwrap(), ["tiny"]);
    assert_eq!(fs::read(store.path("tiny").unwrap()).unwrap(), tiny.content);
}

#[test]
fn a_converted_file_with_a_known_sum_is_taken() {
    let (tiny, cache) = (Tiny::new(5000), tempfile::tempdir().unwrap());
    let store = tiny.store(cache.path());
    let member = tiny.folder.path().join("member");
    assert_eq!(store.add(&member, &mut |_| {}).unwrap(), ["tiny"]);
    let verified = store.verify("tiny").unwrap();
    assert_eq!((verified.bytes, verified.package_kept), (5000, false));
}

#[test]
fn wrong_files_are_refused_and_nothing_is_stored() {
    let (tiny, cache) = (Tiny::new(5000), tempfile::tempdir().unwrap());
    let store = tiny.store(cache.path());
    let damaged = tiny.folder.path().join("x").join(tiny.wheel.file_name().unwrap());
    fs::create_dir(damaged.parent().unwrap()).unwrap();
    let mut bytes = fs::read(&tiny.wheel).unwrap();
    bytes[100] ^= 1;
    fs::write(&damaged, &bytes).unwrap();
    let error = store.add(&damaged, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::WrongArchive { .. }), "{error}");
    assert!(error.to_string().contains(tiny.entries[0].package.sha256), "{error}");

    let unknown = tiny.folder.path().join("holiday.jpg");
    fs::write(&unknown, b"not a model").unwrap();
    let error = store.add(&unknown, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::UnknownFile { .. }), "{error}");
    assert!(error.to_string().contains("reelgan_tiny-1.0-py3-none-any.whl"), "{error}");
    assert!(matches!(store.add(&unknown.with_extension("no"), &mut |_| {}), Err(Error::Io { .. })));
    assert_eq!(store.list().unwrap()[0].state, State::Missing);
}

#[test]
fn a_member_that_is_not_the_known_one_stops_the_conversion() {
    let (tiny, cache) = (Tiny::new(5000), tempfile::tempdir().unwrap());
    let other = Tiny::new(4999);
    let entries = tiny.changed(|entry| entry.members = other.entries[0].members);
    let store = Store::with_catalog(Cache::at(cache.path()).unwrap(), entries);
    let error = store.add(&tiny.wheel, &mut |_| {}).unwrap_err();
    // The member is one byte longer than the catalogue allows.
    assert!(matches!(error, Error::Unreadable { .. } | Error::WrongMember { .. }), "{error}");
    assert!(error.to_string().contains("reelgan_tiny"), "{error}");
    assert!(matches!(store.path("tiny"), Err(Error::Missing { .. })));
}

#[test]
fn a_changed_byte_is_found_and_repaired() {
    let (tiny, cache) = (Tiny::new(5000), tempfile::tempdir().unwrap());
    let store = tiny.store(cache.path());
    store.add(&tiny.wheel, &mut |_| {}).unwrap();
    let file = store.path("tiny").unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes[4000] ^= 0x10;
    fs::write(&file, &bytes).unwrap();
    for error in [store.path("tiny").unwrap_err(), store.verify("tiny").unwrap_err()] {
        assert!(matches!(error, Error::Changed { .. }), "{error}");
        assert!(error.to_string().contains("reelgan models fetch tiny"), "{error}");
    }
    fs::write(&file, &bytes[..10]).unwrap();
    assert!(matches!(store.path("tiny"), Err(Error::Changed { .. })));
    assert_eq!(store.list().unwrap()[0].state, State::Outdated);
    // The package is still there, so this needs no network.
    store.fetch(&["tiny"], &FetchOptions::default(), &mut |_| {}).unwrap();
    assert_eq!(fs::read(store.path("tiny").unwrap()).unwrap(), tiny.content);
}

#[test]
fn a_changed_package_is_found_by_verify() {
    let (tiny, cache) = (Tiny::new(5000), tempfile::tempdir().unwrap());
    let store = tiny.store(cache.path());
    store.add(&tiny.wheel, &mut |_| {}).unwrap();
    let archive = store.cache().archive(&tiny.entries[0].package);
    let mut bytes = fs::read(&archive).unwrap();
    bytes[50] ^= 1;
    fs::write(&archive, bytes).unwrap();
    store.path("tiny").unwrap();
    assert!(matches!(store.verify("tiny"), Err(Error::Changed { .. })));
}

#[test]
fn a_file_of_another_version_is_stale() {
    let (tiny, cache) = (Tiny::new(5000), tempfile::tempdir().unwrap());
    let store = tiny.store(cache.path());
    store.add(&tiny.wheel, &mut |_| {}).unwrap();
    let record = store.cache().record_file(&tiny.entries[0]);
    let text = fs::read_to_string(&record).unwrap();
    let older = text.replace("\"converter\": ", "\"converter\": 9");
    assert_ne!(older, text);
    fs::write(&record, older).unwrap();
    let error = store.path("tiny").unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error}");
    // A record that is no record means that nothing is known: fetch again.
    fs::write(&record, b"{").unwrap();
    assert!(matches!(store.path("tiny"), Err(Error::Missing { .. })));
}

#[test]
fn names_and_kinds_are_checked() {
    let (tiny, cache) = (Tiny::new(10), tempfile::tempdir().unwrap());
    let store = tiny.store(cache.path());
    let error = store.path("tinny").unwrap_err().to_string();
    assert!(error.contains("`tinny`") && error.contains("tiny, other"), "{error}");
    let error = store.path("other").unwrap_err().to_string();
    assert!(error.contains("reelgan models fetch other"), "{error}");
    let error = store.path_as("tiny", Kind::Generator).unwrap_err().to_string();
    assert_eq!(
        error,
        "`tiny` is a video clip, but a face generator is needed here; there are: other"
    );
}
