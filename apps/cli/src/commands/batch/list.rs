//! The list of a batch: lines, CSV or TOML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use reelgan_run::atomic;
use serde::Deserialize;

/// A clip and what is to come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The input, as `reelgan invert` takes it.
    pub input: String,
    /// The folder of the run.
    pub output: PathBuf,
    /// Further words for `reelgan invert`.
    pub options: Vec<String>,
    /// Words for `reelgan edit RUN` afterwards, one call each.
    pub edits: Vec<Vec<String>>,
}

impl Item {
    /// The words of `reelgan` that begin the run.
    pub fn invert(&self) -> Vec<String> {
        let output = self.output.to_string_lossy().into_owned();
        let head = ["invert".to_string(), self.input.clone(), "-o".into(), output];
        head.into_iter().chain(self.options.iter().cloned()).collect()
    }

    /// The words of `reelgan` for each edit.
    pub fn edits(&self) -> impl Iterator<Item = Vec<String>> {
        let output = self.output.to_string_lossy().into_owned();
        let head = move || ["edit".to_string(), output.clone()];
        self.edits
            .iter()
            .map(move |words| head().into_iter().chain(words.iter().cloned()).collect())
    }
}

/// The largest list read.
const MAX_FILE: u64 = 64 << 20;

/// Reads a list: TOML or CSV by the ending of its name, else lines.
///
/// # Errors
/// A file that cannot be read, or an entry that makes no sense; says which.
pub fn read(path: &Path, common: &[String]) -> Result<Vec<Item>> {
    let bytes = atomic::read(path, MAX_FILE)?;
    let place = path.display();
    let text = String::from_utf8(bytes).with_context(|| format!("{place} is no text"))?;
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    let items = match ending.as_deref() {
        Some("toml") => of_toml(&text),
        Some("csv") => of_csv(&text),
        _ => of_lines(&text),
    };
    let mut items = items.with_context(|| format!("{place}"))?;
    for item in &mut items {
        item.options.splice(0..0, common.iter().cloned());
    }
    check(&items).with_context(|| format!("{place}"))?;
    Ok(items)
}

fn check(items: &[Item]) -> Result<()> {
    if items.is_empty() {
        bail!("there is no clip in it; write a line INPUT OUTPUT [OPTIONS] for each");
    }
    let mut seen = BTreeMap::new();
    for (k, item) in items.iter().enumerate() {
        let number = k + 1;
        if item.input.is_empty() || item.output.as_os_str().is_empty() {
            bail!("clip {number} needs an input and an output");
        }
        if item.output.file_name().is_none() {
            bail!("clip {number}: {} is no name for a folder", item.output.display());
        }
        for word in &item.options {
            if ["-o", "--output", "--resume"].iter().any(|own| word == own)
                || word.starts_with("--output=")
            {
                bail!("clip {number}: `{word}` is what this command decides itself");
            }
        }
        if let Some(first) = seen.insert(&item.output, number) {
            bail!("clips {first} and {number} have the same output {}", item.output.display());
        }
    }
    Ok(())
}

/// `INPUT OUTPUT [OPTIONS...]`, words as in a shell, `#` begins a remark.
fn of_lines(text: &str) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for (k, line) in text.lines().enumerate() {
        let words = words(line).with_context(|| format!("line {}", k + 1))?;
        let mut words = words.into_iter();
        let Some(input) = words.next() else { continue };
        let Some(output) = words.next() else {
            bail!("line {}: `{input}` has no output; write INPUT OUTPUT [OPTIONS]", k + 1);
        };
        items.push(Item { input, output: output.into(), options: words.collect(), edits: vec![] });
    }
    Ok(items)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlList {
    #[serde(default)]
    options: Words,
    #[serde(default)]
    edits: Vec<Words>,
    #[serde(default)]
    clip: Vec<TomlItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlItem {
    input: String,
    output: PathBuf,
    #[serde(default)]
    options: Words,
    edits: Option<Vec<Words>>,
}

/// Words as in a shell, or one by one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Line(String),
    List(Vec<String>),
}

impl Default for Words {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Words {
    fn list(&self) -> Result<Vec<String>> {
        match self {
            Self::Line(line) => words(line),
            Self::List(list) => Ok(list.clone()),
        }
    }
}

fn of_toml(text: &str) -> Result<Vec<Item>> {
    let list: TomlList = toml::from_str(text)?;
    let common = list.options.list()?;
    let item = |one: TomlItem| -> Result<Item> {
        let options = common.iter().cloned().chain(one.options.list()?).collect();
        let edits = one.edits.as_ref().unwrap_or(&list.edits);
        let edits = edits.iter().map(Words::list).collect::<Result<_>>()?;
        Ok(Item { input: one.input, output: one.output, options, edits })
    };
    list.clip.into_iter().map(item).collect()
}

/// Columns `input`, `output` and perhaps `options` and `edit`, named in the first line.
fn of_csv(text: &str) -> Result<Vec<Item>> {
    let mut records = records(text)?.into_iter();
    let Some((_, head)) = records.next() else { return Ok(Vec::new()) };
    let column = |name: &str| head.iter().position(|h| h.trim().eq_ignore_ascii_case(name));
    let known = ["input", "output", "options", "edit"];
    if let Some(other) =
        head.iter().find(|h| !known.iter().any(|k| h.trim().eq_ignore_ascii_case(k)))
    {
        bail!("the first line names a column `{other}`; there are input, output, options and edit");
    }
    let (Some(input), Some(output)) = (column("input"), column("output")) else {
        bail!(
            "the first line must name the columns input and output, and may name options and edit"
        );
    };
    let mut items = Vec::new();
    for (line, record) in records {
        if record.len() != head.len() {
            bail!("line {line} has {} columns, the first line {}", record.len(), head.len());
        }
        let of = |name| column(name).map_or(Ok(Vec::new()), |at| words(&record[at]));
        let at = || format!("line {line}");
        let edit = of("edit").with_context(at)?;
        items.push(Item {
            input: record[input].trim().into(),
            output: record[output].trim().into(),
            options: of("options").with_context(at)?,
            edits: if edit.is_empty() { Vec::new() } else { vec![edit] },
        });
    }
    Ok(items)
}

/// The records of a CSV text with the lines they begin at, empty lines left out.
///
/// # Source  RFC 4180
fn records(text: &str) -> Result<Vec<(usize, Vec<String>)>> {
    let mut records = Vec::new();
    let (mut record, mut field, mut quoted, mut was_quoted) = (vec![], String::new(), false, false);
    let (mut line, mut begun) = (1, 1);
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' if quoted => quoted = false,
            '"' if field.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
            ',' if !quoted => {
                record.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            '\n' if !quoted => {
                record.push(field.trim_end_matches('\r').to_string());
                field.clear();
                was_quoted = false;
                push(&mut records, begun, std::mem::take(&mut record));
                begun = line + 1;
            }
            other => field.push(other),
        }
        line += usize::from(c == '\n');
    }
    if quoted {
        bail!("line {begun} opens a quotation and does not close it");
    }
    record.push(field);
    push(&mut records, begun, record);
    Ok(records)
}

fn push(records: &mut Vec<(usize, Vec<String>)>, line: usize, record: Vec<String>) {
    if record.iter().any(|field| !field.is_empty()) {
        records.push((line, record));
    }
}

/// Words as a shell takes them apart: blanks between them, quotes around some, `\` before
/// one letter, `#` at the beginning of a word ends the line.
pub fn words(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut letters = line.chars();
    while let Some(c) = letters.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (_, '\\') => match letters.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => bail!("it ends with a backslash"),
            },
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(quote) = quote {
        bail!("a quotation that begins with {quote} does not end");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(input: &str, output: &str, options: &[&str], edits: &[&[&str]]) -> Item {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        Item {
            input: input.into(),
            output: output.into(),
            options: owned(options),
            edits: edits.iter().map(|e| owned(e)).collect(),
        }
    }

    #[test]
    fn words_as_in_a_shell() {
        for (line, want) in [
            ("a  b\tc", &["a", "b", "c"][..]),
            (r#"'a b' "c d" e\ f"#, &["a b", "c d", "e f"]),
            (r#"a'b'"c" '' \#x # remark"#, &["abc", "", "#x"]),
            (r#""say \"so\"" 'it\s'"#, &["say \"so\"", r"it\s"]),
            ("# only a remark", &[]),
        ] {
            assert_eq!(words(line).unwrap(), want, "{line}");
        }
        for wrong in ["'open", "\"open", "end\\"] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn three_ways_to_say_the_same() {
        let want = [
            item("talk.mp4", "runs/talk", &["--preset", "fast"], &[]),
            item("my clip.mp4", "runs/b", &["--preset", "fast", "--seed", "2"], &[]),
        ];
        let lines = "# clips\ntalk.mp4 runs/talk --preset fast\n\n'my clip.mp4' runs/b --preset fast --seed 2\n";
        assert_eq!(of_lines(lines).unwrap(), want);
        let csv = "input,output,options\r\ntalk.mp4,runs/talk,--preset fast\r\n\"my clip.mp4\",runs/b,\"--preset fast --seed 2\"\r\n";
        assert_eq!(of_csv(csv).unwrap(), want);
        let toml = "options = '--preset fast'\n[[clip]]\ninput='talk.mp4'\noutput='runs/talk'\n[[clip]]\ninput='my clip.mp4'\noutput='runs/b'\noptions=['--seed', '2']\n";
        assert_eq!(of_toml(toml).unwrap(), want);
    }

    #[test]
    fn edits_after_the_run() {
        let edit = &["--along", "age.npy=2", "--paste", "-o", "a.mp4"][..];
        let want = [item("a", "b", &[], &[edit])];
        let toml =
            "edits = ['--along age.npy=2 --paste -o a.mp4']\n[[clip]]\ninput='a'\noutput='b'\n";
        assert_eq!(of_toml(toml).unwrap(), want);
        let csv = "output,edit,input\nb,--along age.npy=2 --paste -o a.mp4,a\n";
        assert_eq!(of_csv(csv).unwrap(), want);
        let words: Vec<_> = want[0].edits().collect();
        assert_eq!(words[0][..3], ["edit", "b", "--along"]);
        assert_eq!(want[0].invert(), ["invert", "a", "-o", "b"]);
    }

    #[test]
    fn csv_quotations() {
        let found = records("a,\"b \"\"c\"\", d\"\n\n\"two\nlines\",e").unwrap();
        let of = |fields: &[&str]| fields.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found, [(1, of(&["a", "b \"c\", d"])), (3, of(&["two\nlines", "e"]))]);
        assert!(records("a,\"b").is_err());
    }

    #[test]
    fn lists_that_make_no_sense() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            format!("{:#}", read(&path, &[]).unwrap_err())
        };
        for (name, text, want) in [
            ("a.txt", "", "no clip"),
            ("a.txt", "talk.mp4", "line 1"),
            ("a.txt", "a b\nc b", "clips 1 and 2 have the same output"),
            ("a.txt", "a b --resume", "`--resume`"),
            ("a.txt", "a b -o c", "`-o`"),
            ("a.txt", "a ..", "no name for a folder"),
            ("a.csv", "input,out\na,b", "`out`"),
            ("a.csv", "input\na", "input and output"),
            ("a.csv", "input,output\na,b,c", "line 2 has 3 columns"),
            ("a.toml", "[[clips]]\ninput='a'", "clips"),
            ("a.toml", "[[clip]]\ninput='a'", "output"),
        ] {
            let error = refused(name, text);
            assert!(error.contains(want) && error.contains(name), "{text}: {error}");
        }
    }
}
