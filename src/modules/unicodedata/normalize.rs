//! The normal forms of text.

use super::Version::{self, Old};
use super::{decomposed, is_unassigned, record, tables};
use crate::types::str::Chars;

/// A normal form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Form {
    compatible: bool,
    composed: bool,
}

impl Form {
    /// The form of that name.
    pub fn named(name: &str) -> Option<Form> {
        let (compatible, composed) = match name {
            "NFC" => (false, true),
            "NFKC" => (true, true),
            "NFD" => (false, false),
            "NFKD" => (true, false),
            _ => return None,
        };
        Some(Form { compatible, composed })
    }
}

/// Whether the text consists of characters that stay as they are.
pub(super) fn is_simple(form: Form, chars: Chars<'_>) -> bool {
    let limit = match (form.compatible, form.composed) {
        (true, _) => 0xa0,
        (false, true) => 0x300,
        (false, false) => 0xc0,
    };
    chars.iter().all(|code| code < limit)
}

const SYLLABLES: u32 = 0xac00;
const LEADING: u32 = 0x1100;
const VOWELS: u32 = 0x1161;
const TRAILING: u32 = 0x11a7;
const LEADING_COUNT: u32 = 19;
const VOWEL_COUNT: u32 = 21;
const TRAILING_COUNT: u32 = 28;
const SYLLABLE_COUNT: u32 = LEADING_COUNT * VOWEL_COUNT * TRAILING_COUNT;

/// The canonical combining class: that of the current version always.
fn combining(code: u32) -> u8 {
    if code < 0x300 { 0 } else { record(Version::Current, code).2 }
}

/// Appends a character's full decomposition.
fn decompose(out: &mut Vec<u32>, code: u32, form: Form, version: Version) {
    if code < 0xa0 {
        out.push(code);
        return;
    }
    if let Some(index) = code.checked_sub(SYLLABLES).filter(|&index| index < SYLLABLE_COUNT) {
        out.push(LEADING + index / (VOWEL_COUNT * TRAILING_COUNT));
        out.push(VOWELS + index % (VOWEL_COUNT * TRAILING_COUNT) / TRAILING_COUNT);
        if !index.is_multiple_of(TRAILING_COUNT) {
            out.push(TRAILING + index % TRAILING_COUNT);
        }
        return;
    }
    if version == Old
        && let Some(&(_, other)) = tables::OLD_DECOMPOSITIONS.iter().find(|entry| entry.0 == code)
    {
        out.push(other);
        return;
    }
    match decomposed(code) {
        // Decompositions in the tables are finite: each one's characters decompose less deeply than itself.
        Some((tag, parts)) if (tag == 0 || form.compatible) && !is_unassigned(version, code) => {
            for &part in parts {
                decompose(out, part, form, version);
            }
        }
        _ => out.push(code),
    }
}

/// What two characters in a row compose to.
fn compose(first: u32, second: u32) -> Option<u32> {
    if let (Some(leading), Some(vowel)) = (first.checked_sub(LEADING), second.checked_sub(VOWELS))
        && leading < LEADING_COUNT
        && vowel < VOWEL_COUNT
    {
        return Some(SYLLABLES + (leading * VOWEL_COUNT + vowel) * TRAILING_COUNT);
    }
    if let (Some(index), Some(trailing)) = (first.checked_sub(SYLLABLES), second.checked_sub(TRAILING))
        && index < SYLLABLE_COUNT
        && index.is_multiple_of(TRAILING_COUNT)
        && (1..TRAILING_COUNT).contains(&trailing)
    {
        return Some(first + trailing);
    }
    let index = tables::COMPOSITIONS.binary_search_by_key(&(first, second), |entry| (entry.0, entry.1)).ok()?;
    tables::COMPOSITIONS.get(index).map(|entry| entry.2)
}

/// The text in a normal form.
pub(super) fn normalize(form: Form, version: Version, chars: Chars<'_>) -> Vec<u32> {
    let mut codes = Vec::with_capacity(chars.len());
    for code in chars.iter() {
        decompose(&mut codes, code, form, version);
    }
    // Marks in a row are put in the order of their classes.
    let mut marks: Vec<(u8, u32)> = Vec::new();
    let mut start = 0;
    while start < codes.len() {
        marks.clear();
        marks.extend(
            codes
                .get(start..)
                .unwrap_or_default()
                .iter()
                .map(|&code| (combining(code), code))
                .take_while(|mark| mark.0 > 0),
        );
        if marks.len() > 1 {
            marks.sort_by_key(|mark| mark.0);
            for (place, mark) in codes.iter_mut().skip(start).zip(&marks) {
                *place = mark.1;
            }
        }
        start += marks.len() + 1;
    }
    if form.composed { composed(&codes) } else { codes }
}

/// Composes what can be.
fn composed(codes: &[u32]) -> Vec<u32> {
    let mut out: Vec<u32> = Vec::with_capacity(codes.len());
    // Where the last starter is, and the class of the last mark behind it.
    let mut starter: Option<usize> = None;
    let mut last_class = 0;
    for &code in codes {
        let class = combining(code);
        if let Some(index) = starter
            && let Some(&first) = out.get(index)
        {
            let adjacent = index + 1 == out.len();
            if (adjacent || (last_class < class && last_class > 0))
                && let Some(joined) = compose(first, code)
                && let Some(place) = out.get_mut(index)
            {
                *place = joined;
                continue;
            }
        }
        if class == 0 {
            starter = Some(out.len());
        }
        last_class = class;
        out.push(code);
    }
    out
}
