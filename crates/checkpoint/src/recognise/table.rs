//! Names and shapes that a network expects, out of its table.
//!
//! A line is parents (joined by commas, `-` for none), then `leaf=shape` for each array below every one of
//! them; a `?` after the leaf says that files may leave it out. Sections make tables of generators depend
//! on their size: `[all]` lines hold once, `[8-64]` once for each resolution in that range, `[last]` for
//! the highest. In names `{0-7}` counts, `{r}` is the resolution, and the others follow from the level
//! k = log2(r) - 2: `{k}`, `{j}` = k-1, `{n}` = 2k, `{m}` = 2k+1, `{b}` = 2k-1, `{a}` = 2k-2, and
//! `{lod}`, counted from the highest level down. In shapes `C` are the channels at this resolution, `P` at the one
//! before, `L` the number of layers; other letters (`W`, the width of codes) are one size throughout. A factor may
//! stand in front: `2C`, `LW`.

use std::collections::BTreeMap;

/// An array that a network expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) shape: Vec<Extent>,
    pub(super) optional: bool,
}

/// A size that is given, or a multiple of one that the file decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extent {
    Exactly(usize),
    Of { factor: usize, symbol: String },
}

/// Sizes that the file has decided.
pub(super) type Bound = BTreeMap<String, usize>;

/// Highest level tried: 16384 px.
const MAX_LEVEL: u32 = 12;

/// Whether the table depends on the size of the network.
pub(super) fn is_sized(table: &str) -> bool {
    table.contains("\n[4]\n")
}

/// The highest level (k, 4 * 2^k px) of which `has` knows an expected array.
pub(super) fn highest(table: &str, has: impl Fn(&str) -> bool) -> Option<u32> {
    (1..=MAX_LEVEL).rev().find(|&k| {
        let level = Level { k, top: k };
        sections(table)
            .filter(|(section, _)| section.is_of(level) && !matches!(section, Section::Last))
            .any(|(_, line)| keys_of(line, level).any(|key| !key.optional && has(&key.name)))
    })
}

/// All arrays of a network whose highest level is `top`; without sections the level does not matter.
pub(super) fn keys(table: &str, top: u32) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for (section, line) in sections(table) {
        let levels = match section {
            Section::All => vec![Level { k: 0, top }],
            section => {
                (0..=top).map(|k| Level { k, top }).filter(|&level| section.is_of(level)).collect()
            }
        };
        for level in levels {
            for key in keys_of(line, level) {
                // A later line may make required what an earlier one left open.
                match keys.iter_mut().find(|k| k.name == key.name) {
                    Some(before) => before.optional &= key.optional,
                    None => keys.push(key),
                }
            }
        }
    }
    keys
}

impl Extent {
    /// Whether `size` fits; an undecided symbol is decided by it.
    pub(super) fn fits(&self, size: usize, bound: &mut Bound) -> bool {
        match self {
            Extent::Exactly(want) => size == *want,
            Extent::Of { factor, symbol } => match bound.get(symbol) {
                Some(value) => value.checked_mul(*factor) == Some(size),
                None if size.is_multiple_of(*factor) => {
                    bound.insert(symbol.clone(), size / factor);
                    true
                }
                None => false,
            },
        }
    }

    /// In numbers as far as they are decided.
    pub(super) fn words(&self, bound: &Bound) -> String {
        match self {
            Extent::Exactly(size) => size.to_string(),
            Extent::Of { factor, symbol } => match bound.get(symbol) {
                Some(value) => value.saturating_mul(*factor).to_string(),
                None => "?".into(),
            },
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Level {
    k: u32,
    top: u32,
}

impl Level {
    fn resolution(self) -> usize {
        4 << self.k
    }
}

#[derive(Debug, Clone, Copy)]
enum Section {
    All,
    Between(usize, usize),
    Last,
}

impl Section {
    fn parse(text: &str) -> Section {
        match text {
            "all" => Section::All,
            "last" => Section::Last,
            range => {
                let (from, to) = range.split_once('-').unwrap_or((range, range));
                let number = |text: &str| text.parse().expect("a section names resolutions");
                let to = if to.is_empty() { usize::MAX } else { number(to) };
                Section::Between(number(from), to)
            }
        }
    }

    fn is_of(self, level: Level) -> bool {
        match self {
            Section::All => false,
            Section::Between(from, to) => (from..=to).contains(&level.resolution()),
            Section::Last => level.k == level.top,
        }
    }
}

/// The lines of a table, each with its section.
fn sections(table: &str) -> impl Iterator<Item = (Section, &str)> {
    let mut section = Section::All;
    table.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).filter_map(
        move |line| match line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            Some(header) => {
                section = Section::parse(header);
                None
            }
            None => Some((section, line)),
        },
    )
}

fn keys_of(line: &str, level: Level) -> impl Iterator<Item = Key> {
    let (parents, leaves) = line.split_once(' ').expect("a line has leaves");
    let parents = parents.split(',').flat_map(move |parent| counted(&placed(parent, level)));
    parents.flat_map(move |parent| {
        leaves.split(' ').map(move |leaf| {
            let (name, shape) = leaf.split_once('=').expect("a leaf has a shape");
            let (name, optional) = match name.strip_suffix('?') {
                Some(name) => (name, true),
                None => (name, false),
            };
            let name = placed(name, level);
            let name = if parent == "-" { name } else { format!("{parent}.{name}") };
            let extents = shape.split('x').filter(|e| !e.is_empty());
            Key { name, shape: extents.map(|e| extent(e, level)).collect(), optional }
        })
    })
}

/// Fills in what follows from the level.
fn placed(text: &str, level: Level) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    let k = i64::from(level.k);
    let values = [
        ("{r}", level.resolution() as i64),
        ("{k}", k),
        ("{j}", k - 1),
        ("{n}", 2 * k),
        ("{m}", 2 * k + 1),
        ("{b}", 2 * k - 1),
        ("{a}", 2 * k - 2),
        ("{lod}", i64::from(level.top) - k),
    ];
    values
        .iter()
        .fold(text.to_owned(), |text, (mark, value)| text.replace(mark, &value.to_string()))
}

/// `dense{0-7}` as eight names.
fn counted(text: &str) -> Vec<String> {
    let Some((before, rest)) = text.split_once('{') else { return vec![text.to_owned()] };
    let (range, after) = rest.split_once('}').expect("a brace is closed");
    let (from, to) = range.split_once('-').expect("a brace holds a range");
    let number = |text: &str| text.parse::<u32>().expect("a range is of numbers");
    (number(from)..=number(to)).map(|i| format!("{before}{i}{after}")).collect()
}

fn extent(text: &str, level: Level) -> Extent {
    let layers = 2 * (level.top as usize + 1);
    let resolution = level.resolution();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, symbol) = text.split_at(digits);
    let factor = if number.is_empty() { 1 } else { number.parse().expect("digits are a number") };
    let of = |factor, symbol: String| Extent::Of { factor, symbol };
    match symbol {
        "" => Extent::Exactly(factor),
        "r" => Extent::Exactly(factor * resolution),
        "L" => Extent::Exactly(factor * layers),
        "LW" => of(layers, "W".into()),
        "C" => of(factor, format!("C{resolution}")),
        "P" => of(factor, format!("C{}", resolution / 2)),
        other => of(factor, other.to_owned()),
    }
}
