//! Case conversions and the tests `isalpha`, `isupper`, ... of str.

use super::properties::{self, ALPHA, CASE_IGNORABLE, CASED, Case, LOWER, Mapped, TITLE, UPPER};
use super::{Chars, Str, StrBuilder};
use crate::object::value::Value;

const CAPITAL_SIGMA: u32 = 0x3a3;

fn push(builder: &mut StrBuilder, code: u32, case: Case) {
    match properties::map(code, case) {
        Mapped::One(code) => builder.push(code),
        Mapped::Several(codes) => codes.iter().for_each(|&code| builder.push(code)),
    }
}

/// Appends the lower case of the character at `index`. As `lower_ucs4`.
fn push_lower(builder: &mut StrBuilder, chars: Chars, index: usize, code: u32) {
    if code == CAPITAL_SIGMA {
        builder.push(if is_final(chars, index) { 0x3c2 } else { 0x3c3 });
    } else {
        push(builder, code, Case::Lower);
    }
}

/// Whether a sigma at `index` ends a word. As `handle_capital_sigma`: a cased letter before it, none after, case-ignorable
/// characters skipped.
fn is_final(chars: Chars, index: usize) -> bool {
    let cased = |code: Option<u32>| code.is_some_and(|code| properties::has(code, CASED));
    let skipped = |code: &u32| properties::has(*code, CASE_IGNORABLE);
    let before = chars.slice(0, index).iter().rev().find(|code| !skipped(code));
    let after = chars.slice(index + 1, chars.len()).iter().find(|code| !skipped(code));
    cased(before) && !cased(after)
}

fn map_all(text: &Str, mut each: impl FnMut(&mut StrBuilder, usize, u32)) -> Value {
    let mut builder = StrBuilder::with_capacity(text.len());
    for (index, code) in text.chars().iter().enumerate() {
        each(&mut builder, index, code);
    }
    builder.finish()
}

/// `str.lower`.
pub(super) fn lower(text: &Str) -> Value {
    if text.is_ascii() {
        return Str::from_latin1(&text.storage().to_ascii_lowercase());
    }
    map_all(text, |builder, index, code| push_lower(builder, text.chars(), index, code))
}

/// `str.upper`.
pub(super) fn upper(text: &Str) -> Value {
    if text.is_ascii() {
        return Str::from_latin1(&text.storage().to_ascii_uppercase());
    }
    map_all(text, |builder, _, code| push(builder, code, Case::Upper))
}

/// `str.casefold`.
pub(super) fn casefold(text: &Str) -> Value {
    if text.is_ascii() {
        return Str::from_latin1(&text.storage().to_ascii_lowercase());
    }
    map_all(text, |builder, _, code| push(builder, code, Case::Fold))
}

/// `str.capitalize`.
pub(super) fn capitalize(text: &Str) -> Value {
    map_all(text, |builder, index, code| {
        if index == 0 { push(builder, code, Case::Title) } else { push_lower(builder, text.chars(), index, code) }
    })
}

/// `str.swapcase`.
pub(super) fn swapcase(text: &Str) -> Value {
    map_all(text, |builder, index, code| {
        let flags = properties::flags(code);
        if flags & UPPER != 0 {
            push_lower(builder, text.chars(), index, code);
        } else if flags & LOWER != 0 {
            push(builder, code, Case::Upper);
        } else {
            builder.push(code);
        }
    })
}

/// `str.title`.
pub(super) fn title(text: &Str) -> Value {
    let mut after_cased = false;
    map_all(text, |builder, index, code| {
        if after_cased {
            push_lower(builder, text.chars(), index, code);
        } else {
            push(builder, code, Case::Title);
        }
        after_cased = properties::has(code, CASED);
    })
}

/// Whether there are characters and all have any of `flags`.
pub(super) fn all(text: &Str, flags: u16) -> bool {
    !text.is_empty() && text.chars().iter().all(|code| properties::has(code, flags))
}

/// `str.islower` with `own` LOWER and `other` UPPER or TITLE; `str.isupper` with LOWER or TITLE denied.
fn is_case(text: &Str, own: u16, other: u16) -> bool {
    let mut found = false;
    for code in text.chars().iter() {
        let flags = properties::flags(code);
        if flags & other != 0 {
            return false;
        }
        found |= flags & own != 0;
    }
    found
}

/// `str.islower`.
pub(super) fn is_lower(text: &Str) -> bool {
    is_case(text, LOWER, UPPER | TITLE)
}

/// `str.isupper`.
pub(super) fn is_upper(text: &Str) -> bool {
    is_case(text, UPPER, LOWER | TITLE)
}

/// `str.istitle`.
pub(super) fn is_title(text: &Str) -> bool {
    let (mut found, mut after_cased) = (false, false);
    for code in text.chars().iter() {
        let flags = properties::flags(code);
        if flags & (UPPER | TITLE) != 0 {
            if after_cased {
                return false;
            }
            (found, after_cased) = (true, true);
        } else if flags & LOWER != 0 {
            if !after_cased {
                return false;
            }
            found = true;
        } else {
            after_cased = false;
        }
    }
    found
}

/// `str.isalpha`.
pub(super) fn is_alpha(text: &Str) -> bool {
    all(text, ALPHA)
}

/// `str.isidentifier`.
pub(super) fn is_identifier(text: &Str) -> bool {
    let mut chars = text.chars().iter();
    chars.next().is_some_and(|first| first == 0x5f || properties::has(first, properties::XID_START))
        && chars.all(|code| properties::has(code, properties::XID_CONTINUE))
}
