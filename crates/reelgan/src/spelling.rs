//! What somebody probably meant.

/// The candidate nearest to `word`, if any is near at all. Dots, dashes and
/// underscores count alike, and the last part of a dotted name counts on its own.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let score = |candidate: &str| {
        let candidate = plain(candidate);
        let (last, candidate_last) = (last_part(&word), last_part(&candidate));
        // A match of the last part alone is a little less sure.
        let part = near(last, candidate_last).map(|d| d + usize::from(d > 0));
        near(&word, &candidate).into_iter().chain(part).min()
    };
    // Of equally near ones the shortest, which is the most general.
    let scored = candidates.filter_map(|c| Some((score(c)?, c)));
    scored.min_by_key(|&(score, c)| (score, c.len())).map(|(_, c)| c)
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The distance, unless more than half of the letters differ: then it is another word.
fn near(a: &str, b: &str) -> Option<usize> {
    let distance = distance(a, b);
    (distance * 2 <= a.chars().count()).then_some(distance)
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace(['-', '_'], ".")
}

/// Letters to insert, remove or replace, or neighbours to swap, to make `a` into `b`.
///
/// # Source   optimal string alignment distance, a restricted Damerau-Levenshtein distance
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_definition() {
        for (a, b, want) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("stpes", "steps", 1), ("same", "same", 0)]
        {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_key_is_named_and_nonsense_is_not_guessed_at() {
        let keys = ["steps", "seed", "weights.pixel", "weights.perceptual", "schedule.peak"];
        let near = |word| nearest(word, keys.into_iter());
        assert_eq!(near("stpes"), Some("steps"));
        assert_eq!(near("weights.pixels"), Some("weights.pixel"));
        assert_eq!(near("pixel"), Some("weights.pixel"));
        assert_eq!(near("weights_perceptual"), Some("weights.perceptual"));
        assert_eq!(near("colour.of.the.sky"), None);
    }
}
