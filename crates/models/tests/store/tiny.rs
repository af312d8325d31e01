//! A package made on the spot, and the catalogue that describes it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use reelgan_models::catalog::{Form, Group, Member, Package, Recipe, Registry};
use reelgan_models::{Cache, Entry, Kind, Store};
use tempfile::TempDir;

const ARCHIVE: &str = "reelgan_tiny-1.0-py3-none-any.whl";
const MEMBER: &str = "reelgan_tiny/clip.mp4";

/// A wheel on disk and its sums, taken with another implementation than ours.
pub struct Tiny {
    pub folder: TempDir,
    pub wheel: PathBuf,
    pub content: Vec<u8>,
    pub entries: &'static [Entry],
}

impl Tiny {
    /// A wheel that holds `bytes` bytes of content.
    pub fn new(bytes: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join(ARCHIVE);
        let content: Vec<u8> = (0..bytes as u64).map(|i| ((i * i) >> 7) as u8).collect();
        write_wheel(&wheel, &content);
        let member = folder.path().join("member");
        std::fs::write(&member, &content).unwrap();
        let entries = entries(&wheel, &member);
        Self { folder, wheel, content, entries }
    }

    /// A store in `cache` with the given catalogue.
    pub fn store(&self, cache: &Path) -> Store {
        Store::with_catalog(Cache::at(cache).unwrap(), self.entries)
    }

    /// The same catalogue with one thing changed.
    pub fn changed(&self, change: impl FnOnce(&mut Entry)) -> &'static [Entry] {
        let mut entries = self.entries.to_vec();
        change(&mut entries[0]);
        Box::leak(entries.into_boxed_slice())
    }
}

/// `tiny`, a clip out of the wheel, and `other`, out of a package that nobody has.
pub fn entries(wheel: &Path, member: &Path) -> &'static [Entry] {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let member_sum = leak(sha256(member));
    let member =
        Member { path: MEMBER, bytes: member.metadata().unwrap().len(), sha256: member_sum };
    let package = Package {
        name: "reelgan-tiny",
        version: "1.0",
        registry: Registry::PyPi,
        form: Form::Wheel,
        archive: ARCHIVE,
        bytes: wheel.metadata().unwrap().len(),
        sha256: leak(sha256(wheel)),
    };
    let tiny = Entry {
        name: "tiny",
        kind: Kind::Clip,
        group: Group::Base,
        purpose: "tests",
        package,
        members: Box::leak(Box::new([member])),
        recipe: Recipe::Copy,
        file: "clips/tiny.mp4",
        converted_sha256: Some(member_sum),
        platform: None,
        licence: "none",
        terms: "none",
    };
    let other = Entry {
        name: "other",
        kind: Kind::Generator,
        package: Package {
            name: "reelgan-nowhere",
            archive: "reelgan_nowhere-1.0-py3-none-any.whl",
            sha256: "0000000000000000000000000000000000000000000000000000000000000000",
            ..package
        },
        file: "models/other.safetensors",
        converted_sha256: None,
        ..tiny
    };
    Box::leak(Box::new([tiny, other]))
}

fn write_wheel(path: &Path, content: &[u8]) {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    let info = "reelgan_tiny-1.0.dist-info";
    let metadata = b"Metadata-Version: 2.1\nName: reelgan-tiny\nVersion: 1.0\n";
    let wheel = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let members: [(String, &[u8]); 4] = [
        (MEMBER.into(), content),
        (format!("{info}/METADATA"), metadata),
        (format!("{info}/WHEEL"), wheel),
        (format!("{info}/RECORD"), b""),
    ];
    for (name, bytes) in members {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// Sum by Python's hashlib.
pub fn sha256(path: &Path) -> String {
    let code =
        "import hashlib,sys;print(hashlib.sha256(open(sys.argv[1],'rb').read()).hexdigest())";
    let out = std::process::Command::new("python3").args(["-c", code]).arg(path).output().unwrap();
    assert!(out.status.success(), "these tests need python3");
    String::from_utf8(out.stdout).unwrap().trim().to_string()
}
