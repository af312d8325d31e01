//! Several processes, some of which are killed.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use reelgan_models::{Error, FetchOptions};

use crate::child::{Fetch, outcome};
use crate::tiny::Tiny;

#[test]
fn of_several_fetches_at_once_one_works_and_all_succeed() {
    let (tiny, cache) = (Tiny::new(100_000), tempfile::tempdir().unwrap());
    let children: Vec<_> =
        (0..3).map(|_| Fetch::new(&tiny, cache.path(), "tiny").start()).collect();
    let outcomes: Vec<_> = children.into_iter().map(outcome).collect();
    for one in &outcomes {
        assert!(one.ok, "{}", one.text);
    }
    let workers = outcomes.iter().filter(|one| one.text.contains("tiny: ready")).count();
    assert_eq!(workers, 1);
    assert_eq!(fs::read(tiny.store(cache.path()).path("tiny").unwrap()).unwrap(), tiny.content);
    assert!(!cache.path().join("work").exists());
}

#[test]
fn a_kill_while_converting_leaves_no_half_file() {
    // Large enough that reading, writing and syncing take a while.
    let (tiny, cache) = (Tiny::new(24 << 20), tempfile::tempdir().unwrap());
    let store = tiny.store(cache.path());
    store.add(&tiny.wheel, &mut |_| {}).unwrap();
    let file = store.path("tiny").unwrap();
    let mut killed_before_the_end = 0;
    for delay in [0, 15, 40, 80, 140, 220] {
        fs::remove_file(&file).unwrap();
        let begun = tiny.folder.path().join(format!("begun{delay}"));
        let mut child = Fetch::new(&tiny, cache.path(), "tiny").marking(&begun).start();
        let start = Instant::now();
        while !begun.exists() {
            assert!(start.elapsed() < Duration::from_secs(60), "the child never began");
            sleep(Duration::from_millis(2));
        }
        sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        match store.path("tiny") {
            Ok(_) => {}
            Err(Error::Missing { .. }) => killed_before_the_end += 1,
            Err(error) => panic!("after {delay} ms: {error}"),
        }
        // Either nothing or the whole file is under the final name.
        if file.exists() {
            assert_eq!(fs::metadata(&file).unwrap().len(), tiny.content.len() as u64);
        }
        store.fetch(&["tiny"], &FetchOptions::default(), &mut |_| {}).unwrap();
        assert!(!cache.path().join("work").exists());
    }
    assert!(killed_before_the_end > 0, "no kill came in time to test anything");
}

#[cfg(unix)]
#[test]
fn a_kill_while_downloading_leaves_nothing_and_frees_the_lock() {
    use std::os::unix::fs::PermissionsExt;
    let (tiny, cache) = (Tiny::new(1000), tempfile::tempdir().unwrap());
    // A pip that writes a part of the archive and then hangs for a while.
    let python = tiny.folder.path().join("python");
    let script = "#!/bin/sh\ncase \"$*\" in *download*) ;; *) exit 0;; esac\n\
                  echo half > \"$TMPDIR/reelgan_tiny-1.0-py3-none-any.whl\"\nexec sleep 5\n";
    fs::write(&python, script).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let fetch = Fetch::new(&tiny, cache.path(), "tiny");
    let mut child = fetch.env("REELGAN_PYTHON", python.to_str().unwrap()).start();
    let work = cache.path().join("work");
    let start = Instant::now();
    let half = |folder: fs::DirEntry| {
        folder.path().join("scratch/reelgan_tiny-1.0-py3-none-any.whl").exists()
    };
    while !fs::read_dir(&work).into_iter().flatten().flatten().any(half) {
        assert!(start.elapsed() < Duration::from_secs(60), "the download never began");
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let store = tiny.store(cache.path());
    assert!(matches!(store.path("tiny"), Err(Error::Missing { .. })));
    assert!(!cache.path().join("packages").exists());
    let next = Fetch::new(&tiny, cache.path(), "tiny").run();
    assert!(next.ok, "{}", next.text);
    assert_eq!(fs::read(store.path("tiny").unwrap()).unwrap(), tiny.content);
    assert!(!work.exists());
}
