//! The catalogue: every file this project can use, and which package has it.
//!
//! All versions are pinned and all bytes are known by their sha256, for the
//! package as a whole and for each member that is read.

use std::fmt;

mod table;

pub use table::{ALEXNET, CARPHONE, ENTRIES, FACE_NETS, FFMPEG, INCEPTION, MOBILESTYLEGAN, VGG16};

/// What a catalogue entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Weights of a face generator.
    Generator,
    /// Weights of a network that compares pictures.
    Perceptual,
    /// Weights of the networks that find and read faces.
    FaceNets,
    /// A short video for the demo and for tests.
    Clip,
    /// A program.
    Tool,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Generator => "a face generator",
            Self::Perceptual => "a perceptual network",
            Self::FaceNets => "a set of face networks",
            Self::Clip => "a video clip",
            Self::Tool => "a program",
        })
    }
}

/// The registry that serves a package, and with it the client that fetches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Registry {
    /// The Python package index, through `pip`.
    PyPi,
    /// The JavaScript registry, through `npm`.
    Npm,
}

/// The container of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// A zip archive that pip downloads as it is.
    Wheel,
    /// A gzipped tar archive; pip runs its build script to learn its name.
    Sdist,
    /// A gzipped tar archive as npm packs it: everything below `package/`.
    Npm,
}

/// Which fetch brings an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Group {
    /// What an inversion and the demo need: a fetch that names nothing.
    Base,
    /// The rest: by name, or with all.
    Extra,
}

/// A published package at one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    /// Name in the registry.
    pub name: &'static str,
    /// The one version that is used.
    pub version: &'static str,
    /// Where it is published.
    pub registry: Registry,
    /// Its container.
    pub form: Form,
    /// File name of the archive.
    pub archive: &'static str,
    /// Size of the archive in bytes.
    pub bytes: u64,
    /// Lower-case hex sha256 of the archive.
    pub sha256: &'static str,
}

/// A file inside a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Path inside the archive.
    pub path: &'static str,
    /// Size in bytes, unpacked.
    pub bytes: u64,
    /// Lower-case hex sha256, unpacked.
    pub sha256: &'static str,
}

/// How the members become the file in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipe {
    /// Four members of an OpenVINO IR: mapping graph and numbers, synthesis
    /// graph and numbers. The mean code is added.
    MobileStyleGan,
    /// One pickle of arrays: a VGG16 trunk with five LPIPS heads.
    Vgg16Lpips,
    /// A manifest and its numbers for each of the five face networks.
    FaceNets,
    /// One pickle of arrays: an AlexNet trunk with five LPIPS heads.
    AlexNetLpips,
    /// One TorchScript archive: the Inception network of FID.
    Inception,
    /// The only member, as it is.
    Copy,
    /// The only member, as it is, made executable.
    Executable,
}

/// A machine that a program was built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// As in `std::env::consts::OS`.
    pub os: &'static str,
    /// As in `std::env::consts::ARCH`.
    pub arch: &'static str,
}

impl Platform {
    /// Whether this process runs on such a machine.
    pub fn is_here(&self) -> bool {
        self.os == std::env::consts::OS && self.arch == std::env::consts::ARCH
    }
}

/// One model, clip or program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The name users type.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Which fetch brings it.
    pub group: Group,
    /// One line: what it is for.
    pub purpose: &'static str,
    /// The package that has it.
    pub package: Package,
    /// The members that are read.
    pub members: &'static [Member],
    /// How they become the file in the cache.
    pub recipe: Recipe,
    /// The file in the cache, relative to its root, with `/`.
    pub file: &'static str,
    /// Sha256 that the file has when it is made on Linux x86-64. A file with
    /// this sum can be brought by hand. Nothing else depends on it: the last
    /// bits of a mean code may differ where logarithms are rounded otherwise.
    pub converted_sha256: Option<&'static str>,
    /// `None`: any machine.
    pub platform: Option<Platform>,
    /// The licence as the package states it, and where.
    pub licence: &'static str,
    /// What a user should know about the rights beyond that statement.
    pub terms: &'static str,
}

/// The entry of that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

/// The names of all entries of a kind.
pub fn names_of(kind: Kind) -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().filter(move |entry| entry.kind == kind).map(|entry| entry.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn sums_are_sums_and_names_are_unique() {
        let mut names = BTreeSet::new();
        for entry in ENTRIES {
            let sums = entry.members.iter().map(|m| m.sha256).chain(entry.converted_sha256);
            for sum in sums.chain([entry.package.sha256]) {
                let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
                assert!(sum.len() == 64 && sum.bytes().all(lower_hex), "{}: {sum}", entry.name);
            }
            assert!(names.insert(entry.name) && names.insert(entry.file), "{}", entry.name);
            assert_eq!(find(entry.name), Some(entry));
            assert!(names_of(entry.kind).any(|name| name == entry.name));
        }
    }

    #[test]
    fn archives_and_members_belong_to_their_package() {
        for Entry { package, members, recipe, .. } in ENTRIES {
            let (name, end) = match package.form {
                Form::Wheel => (package.name.replace('-', "_"), ".whl"),
                Form::Sdist => (package.name.replace('-', "_"), ".tar.gz"),
                Form::Npm => (package.name.replace('@', "").replace('/', "-"), ".tgz"),
            };
            let stem = format!("{name}-{}", package.version);
            assert!(package.archive.starts_with(&stem), "{}", package.archive);
            assert!(package.archive.ends_with(end), "{}", package.archive);
            assert_eq!(package.form == Form::Npm, package.registry == Registry::Npm, "{stem}");
            let wanted = match recipe {
                Recipe::MobileStyleGan => 4,
                Recipe::FaceNets => 10,
                _ => 1,
            };
            assert_eq!(members.len(), wanted, "{stem}");
        }
    }

    #[test]
    fn the_document_states_every_fact() {
        let text = include_str!("../../../docs/MODELS.md");
        for Entry { name, package, .. } in ENTRIES {
            let bytes = package.bytes.to_string();
            for fact in
                [name, package.name, package.version, package.archive, package.sha256, &bytes]
            {
                assert!(text.contains(fact), "docs/MODELS.md does not mention {fact}");
            }
        }
    }
}
