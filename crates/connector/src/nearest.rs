//! "Did you mean …?": the word that the user probably meant.

/// The candidate nearest to `word`, if it is near enough to be what was meant; of equally near ones the first.
///
/// Nearness is the Damerau-Levenshtein distance (adjacent letters swapped count once); capitals and `-` for `_` cost
/// nothing. Near enough is a third of the longer word, but at most three edits and less than all of `word`.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(word);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let known = folded(candidate);
            let limit = (wanted.len().max(known.len()) / 3).clamp(1, 3);
            let edits = distance(&wanted, &known);
            (edits <= limit && edits < wanted.len()).then_some((edits, candidate))
        })
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> Vec<char> {
    word.chars().map(|letter| if letter == '-' { '_' } else { letter.to_ascii_lowercase() }).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &letter) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &other) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != other);
            let mut edits = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && letter == right[column - 1] && left[row - 1] == other;
            if swapped {
                edits = edits.min(before_last[column - 1] + 1);
            }
            current.push(edits);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    fn edits(left: &str, right: &str) -> usize {
        distance(&left.chars().collect::<Vec<_>>(), &right.chars().collect::<Vec<_>>())
    }

    #[test]
    fn counts_edits() {
        assert_eq!(edits("", ""), 0);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("api_kye", "api_key"), 1);
    }

    #[test]
    fn finds_what_was_meant() {
        let keys = ["api_key", "archive", "base_url", "timeout"];
        assert_eq!(nearest("api_kye", keys), Some("api_key"));
        assert_eq!(nearest("api-key", keys), Some("api_key"));
        assert_eq!(nearest("API_KEY", keys), Some("api_key"));
        assert_eq!(nearest("baseurl", keys), Some("base_url"));
        assert_eq!(nearest("timeouts", keys), Some("timeout"));
    }

    #[test]
    fn says_nothing_rather_than_guess() {
        assert_eq!(nearest("password", ["api_key", "token"]), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("", ["y"]), None);
        assert_eq!(nearest("token", []), None);
    }

    #[test]
    fn prefers_the_first_of_equally_near_ones() {
        assert_eq!(nearest("streamz", ["stream", "streams"]), Some("stream"));
    }
}
