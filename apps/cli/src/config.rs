//! The settings of an inversion: a preset, changed by a TOML file, changed by flags.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use reelgan::invert::{InvertConfig, Preset};
use toml::{Table, Value};

use crate::failure::Usage;
use crate::settings::Settings;
use crate::spelling::nearest;

/// The largest settings file read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Resolves settings and checks them.
///
/// # Errors
/// A file that cannot be read or holds unknown keys or wrong values; settings that
/// make no sense.
pub fn resolve(settings: &Settings) -> Result<InvertConfig> {
    let file = settings.config.as_deref().map(read).transpose()?;
    let preset = match (settings.preset, file.as_ref().and_then(|f| f.table.get("preset"))) {
        (Some(preset), _) => preset,
        (None, None) => Preset::Default,
        (None, Some(Value::String(name))) => name.parse().with_context(|| file_name(&file))?,
        (None, Some(other)) => bail!("{}: preset must be a name, not {other}", file_name(&file)),
    };
    let mut table = as_table(&preset.config());
    if let Some(file) = &file {
        for (key, value) in known(&table, &file.table, "").with_context(|| file.name.clone())? {
            if key != "preset" {
                set(&mut table, &key, value).with_context(|| file.name.clone())?;
            }
        }
    }
    for (key, value) in settings.overrides() {
        set(&mut table, key, value).map_err(|e| Usage(format!("{e:#}")))?;
    }
    let config: InvertConfig = table.try_into().context("the settings do not fit together")?;
    match config.check() {
        Ok(()) => Ok(config),
        Err(problem) => Err(Usage(problem.to_string()).into()),
    }
}

/// The first setting in which two configurations differ: its key, then both values.
pub fn first_difference(a: &InvertConfig, b: &InvertConfig) -> Option<(String, String, String)> {
    let (a, b) = (leaves(&as_table(a), ""), leaves(&as_table(b), ""));
    let mut pairs = a.into_iter().zip(b);
    pairs.find(|(a, b)| a != b).map(|((key, a), (_, b))| (key, shown(&a), shown(&b)))
}

/// A value as people write it: 0.9 and not the nearest `f32` in full.
fn shown(value: &Value) -> String {
    match value {
        Value::Float(v) if f64::from(*v as f32) == *v => (*v as f32).to_string(),
        other => other.to_string(),
    }
}

/// Every key, with dots.
pub fn keys() -> Vec<String> {
    leaves(&as_table(&InvertConfig::default()), "").into_iter().map(|(key, _)| key).collect()
}

/// A settings file.
struct File {
    name: String,
    table: Table,
}

fn file_name(file: &Option<File>) -> String {
    file.as_ref().map(|f| f.name.clone()).unwrap_or_default()
}

fn read(path: &Path) -> Result<File> {
    let bytes = reelgan_run::atomic::read(path, MAX_FILE)?;
    let name = path.display().to_string();
    let text = String::from_utf8(bytes).map_err(|_| anyhow!("{name} is no text file in UTF-8"))?;
    let table = text
        .parse::<Table>()
        .map_err(|e| anyhow!("{name} is no TOML: {}", e.to_string().trim_end()))?;
    Ok(File { name, table })
}

fn as_table(config: &InvertConfig) -> Table {
    Table::try_from(config).expect("settings are plain data")
}

/// The leaves of a table with their keys, in order.
fn leaves(table: &Table, prefix: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) => found.extend(leaves(inner, &format!("{prefix}{name}."))),
            leaf => found.push((format!("{prefix}{name}"), leaf.clone())),
        }
    }
    found
}

/// What a file sets, every key being one that `base` has.
fn known(base: &Table, given: &Table, prefix: &str) -> Result<Vec<(String, Value)>> {
    let mut found = Vec::new();
    for (name, value) in given {
        let key = format!("{prefix}{name}");
        match (base.get(name), value) {
            (None, _) => return Err(unknown(&key)),
            (Some(Value::Table(base)), Value::Table(given)) => {
                found.extend(known(base, given, &format!("{key}."))?);
            }
            (Some(Value::Table(_)), _) => bail!("{key} holds other keys: write [{key}] above them"),
            (Some(_), leaf) => found.push((key, leaf.clone())),
        }
    }
    Ok(found)
}

fn unknown(key: &str) -> anyhow::Error {
    let keys = keys();
    match nearest(key, keys.iter().map(String::as_str)) {
        Some(near) => anyhow!("there is no setting {key}; did you mean {near}?"),
        None => anyhow!("there is no setting {key}; there are: {}", keys.join(", ")),
    }
}

/// Puts a value in its place, if the settings can be read with it there.
fn set(table: &mut Table, key: &str, value: Value) -> Result<()> {
    let mut changed = table.clone();
    *place(&mut changed, key).expect("the key is one of the settings") = value.clone();
    match changed.clone().try_into::<InvertConfig>() {
        Ok(_) => *table = changed,
        Err(problem) => bail!("{key} = {value}: {}", problem.message()),
    }
    Ok(())
}

fn place<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    match key.split_once('.') {
        None => table.get_mut(key),
        Some((name, rest)) => place(table.get_mut(name)?.as_table_mut()?, rest),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    /// Resolves a file of settings together with flags.
    fn resolved(toml: &str, flags: &str) -> Result<InvertConfig> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        fs::write(&path, toml).unwrap();
        let line = Line::try_parse_from(["x"].into_iter().chain(flags.split_whitespace()));
        let mut settings = line.ok().unwrap().settings;
        settings.config = Some(path);
        resolve(&settings)
    }

    fn refused(toml: &str, flags: &str) -> String {
        crate::failure::message(&resolved(toml, flags).unwrap_err())
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_the_preset() {
        let config = resolved(
            "preset = \"fast\"\nsteps = 77\nseed = 5\n[weights]\npixel = 3\n[adam]\nbeta1 = 0.5\n",
            "--steps 9 --weight-pixel 2.5",
        )
        .unwrap();
        let fast = Preset::Fast.config();
        assert_eq!((config.preset, config.steps, config.seed), (Preset::Fast, 9, 5));
        assert_eq!((config.weights.pixel, config.adam.beta1), (2.5, 0.5));
        assert_eq!(config.weights.perceptual, fast.weights.perceptual);
        assert_eq!(config.schedule, fast.schedule);
        let config = resolved("preset = \"fast\"\nseed = 5\n", "--preset paper").unwrap();
        assert_eq!((config.preset, config.steps, config.seed), (Preset::Paper, 5000, 5));
    }

    #[test]
    fn without_a_file_every_preset_is_as_the_library_has_it() {
        for preset in Preset::ALL {
            let settings = Settings::of(Some(preset), None);
            assert_eq!(resolve(&settings).unwrap(), preset.config());
        }
        assert_eq!(resolve(&Settings::default()).unwrap(), Preset::Default.config());
    }

    #[test]
    fn a_whole_configuration_comes_back_as_it_was() {
        let mut config = Preset::Paper.config();
        config.weights.cross_frame = 0.1;
        assert_eq!(resolved(&toml::to_string(&config).unwrap(), "").unwrap(), config);
    }

    #[test]
    fn mistakes_are_named_with_the_file_and_the_key() {
        for (toml, want) in [
            ("stpes = 3", "there is no setting stpes; did you mean steps?"),
            (
                "[weights]\npixels = 3",
                "there is no setting weights.pixels; did you mean weights.pixel?",
            ),
            ("pixel = 3", "did you mean weights.pixel?"),
            ("[camera]\nzoom = 3", "there is no setting camera; there are: "),
            ("steps = \"many\"", "steps = \"many\": invalid type"),
            ("steps = -1", "steps = -1"),
            ("offsets = \"x\"", "expected one of `w`, `w+`, `free`"),
            ("weights = 3", "write [weights] above them"),
            ("steps.more = 3", "steps = { more = 3 }"),
            ("preset = \"quick\"", "preset quick: unknown"),
            ("preset = 3", "preset must be a name"),
            ("steps = ", "is no TOML"),
        ] {
            let text = refused(toml, "");
            assert!(text.contains(want) && text.contains("settings.toml"), "{toml}: {text}");
        }
        assert!(refused("steps = 0", "").contains("steps: must be at least 1"));
        assert!(refused("", "--beta1 1.5").contains("adam.beta1: 1.5 is not in [0,1)"));
        let mut missing = Settings::default();
        missing.config = Some(PathBuf::from("no/such.toml"));
        assert!(resolve(&missing).unwrap_err().to_string().contains("no/such.toml"));
    }

    #[test]
    fn the_first_difference_is_named() {
        let a = Preset::Paper.config();
        let mut b = a.clone();
        assert_eq!(first_difference(&a, &b), None);
        b.adam.beta2 = 0.5;
        let (key, was, is) = first_difference(&a, &b).unwrap();
        assert_eq!((key.as_str(), was.as_str(), is.as_str()), ("adam.beta2", "0.999", "0.5"));
    }
}
