//! Random request keys in descriptions.

use std::fmt::Write;

/// Number of characters of a random request key.
const KEY_CHARACTERS: usize = 26;

/// Replaces the random keys in a description, which differ between runs, by their order of appearance.
pub(crate) fn numbered(text: &str) -> String {
    let mut known: Vec<&str> = Vec::new();
    let is_key =
        |word: &str| word.len() == KEY_CHARACTERS && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let mut canonical = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let key = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_key(key) {
            let number = known.iter().position(|known| *known == key).unwrap_or_else(|| {
                known.push(key);
                known.len() - 1
            });
            write!(canonical, "key{number}{}", &word[key.len()..]).unwrap();
        } else {
            canonical.push_str(word);
        }
    }
    canonical
}
