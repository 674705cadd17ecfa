//! What the fuzzer is given, played over the same functions, and some thousand seeded changes of it.
//!
//! A file that the fuzzer finds belongs into `fuzz/corpus/<target>/` with the fix.

use std::{fs, path::Path};

use userhaul_cli::fuzzing::TARGETS;

/// Changes of the files of a target, all together.
const CHANGES: usize = 3000;

/// What formats are made of.
const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "-0",
    "1e999",
    "0.1",
    "\\ud800",
    "\\u0000",
    "id",
    "<",
    ">",
    "; rel=\"next\"",
    "=",
    "${KEY}",
    "[sources.x]\n",
    "connector = \"thrive\"\n",
    "\n",
    "#",
    "'''",
    "9223372036854775808",
    "\u{feff}",
    "GMT",
    "2026-02-30",
    "\"version\": 1",
    "_",
    "É",
];

/// Numbers that are the same each time and look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).expect("below a usize")
    }
}

/// One to four changes: bytes flipped, cut out, said twice, words put in, the end cut off, or another file's end put on.
fn changed(file: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=dice.below(4) {
        let (at, until) = (dice.below(bytes.len() + 1), dice.below(bytes.len() + 1));
        let (from, to) = (at.min(until), at.max(until).min(at.min(until) + 40));
        match dice.below(6) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            1 => drop(bytes.drain(from..to)),
            2 => {
                let again: Vec<u8> = bytes[from..to].to_vec();
                bytes.splice(to..to, again);
            }
            3 => drop(bytes.splice(at..at, WORDS[dice.below(WORDS.len())].bytes())),
            4 => bytes.truncate(at),
            _ => bytes.splice(at.., other[dice.below(other.len() + 1)..].iter().copied()).for_each(drop),
        }
    }
    bytes
}

#[test]
fn every_file_of_the_corpus_and_its_changes_are_taken_without_a_panic() {
    for (target, take) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let mut paths: Vec<_> =
            fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        let files: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("a file")).collect();
        assert!(files.len() >= 3, "the corpus of `{target}`");
        let mut dice = Dice(0x5eed_2026);
        for (path, file) in paths.iter().zip(&files) {
            play(take, file, &path.display().to_string());
        }
        for number in 0..CHANGES {
            let file = &files[number % files.len()];
            let other = &files[dice.below(files.len())];
            let bytes = changed(file, other, &mut dice);
            play(
                take,
                &bytes,
                &format!("change {number} of `{target}`: {:?}", String::from_utf8_lossy(&bytes)),
            );
        }
    }
}

/// Says which bytes it was, where the function panics.
fn play(take: &fn(&[u8]), bytes: &[u8], what: &str) {
    let played = std::panic::catch_unwind(|| take(bytes));
    assert!(played.is_ok(), "{what}");
}
