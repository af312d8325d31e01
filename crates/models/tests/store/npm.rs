//! Real npm against a registry of this machine: what it delivers, what is refused.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use reelgan_models::catalog::{Form, Group, Member, Package, Recipe, Registry};
use reelgan_models::{Cache, Entry, FetchOptions, Kind, Progress, Store};

use crate::tiny::sha256;

const CACHE: &str = "TEST_NPM_CACHE";
const ARCHIVE: &str = "TEST_NPM_ARCHIVE";
const CONTENT: &[u8] = b"what the package is for";

/// Packs a package whose every script would leave a mark; Python's tar.
fn pack(folder: &Path) -> PathBuf {
    let archive = folder.join("reelgan-packed-1.0.0.tgz");
    let mark = folder.join("a-script-ran");
    let scripts: Vec<String> = ["prepack", "prepare", "postpack", "preinstall", "postinstall"]
        .iter()
        .map(|name| format!("\"{name}\":\"touch {}\"", mark.display()))
        .collect();
    let json = format!(
        r#"{{"name":"@reelgan/packed","version":"1.0.0","scripts":{{{}}}}}"#,
        scripts.join(",")
    );
    let code = "import io,sys,tarfile\nwith tarfile.open(sys.argv[1],'w:gz') as t:\n \
                for n,s in zip(['package.json','model/clip.mp4'],sys.argv[2:]):\n  \
                i=tarfile.TarInfo('package/'+n);i.size=len(s);t.addfile(i,io.BytesIO(s.encode()))";
    let content = std::str::from_utf8(CONTENT).unwrap();
    let mut python = Command::new("python3");
    python.args(["-c", code]).arg(&archive).args([json.as_str(), content]);
    assert!(python.status().unwrap().success(), "these tests need python3");
    std::fs::write(folder.join("member"), CONTENT).unwrap();
    archive
}

fn catalogue(archive: &Path) -> &'static [Entry] {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let member = archive.with_file_name("member");
    let member = Member {
        path: "package/model/clip.mp4",
        bytes: CONTENT.len() as u64,
        sha256: leak(sha256(&member)),
    };
    let entry = Entry {
        name: "packed",
        kind: Kind::Clip,
        group: Group::Extra,
        purpose: "tests",
        package: Package {
            name: "@reelgan/packed",
            version: "1.0.0",
            registry: Registry::Npm,
            form: Form::Npm,
            archive: "reelgan-packed-1.0.0.tgz",
            bytes: archive.metadata().unwrap().len(),
            sha256: leak(sha256(archive)),
        },
        members: Box::leak(Box::new([member])),
        recipe: Recipe::Copy,
        file: "clips/packed.mp4",
        converted_sha256: None,
        platform: None,
        licence: "none",
        terms: "none",
    };
    Box::leak(Box::new([entry]))
}

/// A registry that knows one package and serves any bytes for it; its address.
fn registry(served: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let own = address.clone();
    // Ends with the test process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, &own, &served);
        }
    });
    address
}

fn answer(mut stream: TcpStream, own: &str, served: &[u8]) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).take(1 << 16).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The request ends with an empty line.
    while !lines.next().transpose()?.unwrap_or_default().is_empty() {}
    let packument = format!(
        r#"{{"name":"@reelgan/packed","dist-tags":{{"latest":"1.0.0"}},"versions":{{"1.0.0":{{
        "name":"@reelgan/packed","version":"1.0.0","dist":{{"tarball":"{own}/packed.tgz"}}}}}}}}"#
    );
    let (status, body) = match request.split(' ').nth(1) {
        Some("/packed.tgz") => ("200 OK", served),
        Some("/@reelgan%2fpacked") => ("200 OK", packument.as_bytes()),
        _ => ("404 Not Found", &b"{}"[..]),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(body)
}

/// A fetch in a process of its own, with npm pointed at `registry`; what it printed.
fn fetch(archive: &Path, cache: &Path, registry: &str, npm: Option<&str>) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "npm::npm_child", "--ignored", "--nocapture"])
        .env(CACHE, cache)
        .env(ARCHIVE, archive)
        .env("npm_config_registry", registry)
        .env("npm_config_fetch_retries", "0")
        .env_remove("REELGAN_NPM");
    if let Some(npm) = npm {
        child.env("REELGAN_NPM", npm);
    }
    let out = child.output().unwrap();
    assert!(out.status.success(), "{out:?}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn npm_child() {
    let Some(cache) = std::env::var_os(CACHE) else { return };
    let archive = PathBuf::from(std::env::var_os(ARCHIVE).unwrap());
    let store = Store::with_catalog(Cache::at(cache).unwrap(), catalogue(&archive));
    let mut on = |progress: Progress| println!("{progress}");
    match store.fetch(&["packed"], &FetchOptions::default(), &mut on) {
        Ok(files) => println!("FETCHED {files:?}"),
        Err(error) => println!("REFUSED {error}"),
    }
}

#[test]
fn an_npm_package_is_fetched_and_none_of_its_scripts_runs() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archive = pack(folder.path());
    let text = fetch(&archive, cache.path(), &registry(std::fs::read(&archive).unwrap()), None);
    assert!(text.contains("FETCHED"), "{text}");
    let store = Store::with_catalog(Cache::at(cache.path()).unwrap(), catalogue(&archive));
    assert_eq!(std::fs::read(store.path("packed").unwrap()).unwrap(), CONTENT);
    assert!(store.verify("packed").unwrap().package_kept);
    assert!(!folder.path().join("a-script-ran").exists());
    assert!(!cache.path().join("work").exists());
}

#[test]
fn other_bytes_from_npm_are_refused() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archive = pack(folder.path());
    let other = tempfile::tempdir().unwrap();
    // Packed later and elsewhere, so other scripts: another sum.
    let served = std::fs::read(pack(other.path())).unwrap();
    let text = fetch(&archive, cache.path(), &registry(served), None);
    assert!(text.contains("REFUSED") && text.contains(&sha256(&archive)), "{text}");
    assert!(text.contains("npm ended without an error, but"), "{text}");
    assert!(!cache.path().join("packages").exists());
}

#[test]
fn without_npm_or_a_registry_the_file_to_bring_is_named() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archive = pack(folder.path());
    // Port 9 of this machine: nothing listens, so the refusal is immediate.
    let nowhere = "http://127.0.0.1:9/";
    let offline = fetch(&archive, cache.path(), nowhere, None);
    assert!(offline.contains("no package index that can be reached has it (npm said"), "{offline}");
    let missing = fetch(&archive, cache.path(), nowhere, Some("/no/such/npm"));
    assert!(missing.contains("/no/such/npm) does not run"), "{missing}");
    for text in [offline, missing] {
        for part in ["npm pack @reelgan/packed@1.0.0", "models add reelgan-packed-1.0.0.tgz"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
