//! Classes and case mappings of code points, as CPython 3.8 (Unicode 12.1) has them.

use super::unicode_tables as tables;
pub(crate) use super::unicode_tables::{
    ALPHA, CASE_IGNORABLE, CASED, DECIMAL, DIGIT, LOWER, MAPPED, NAMED, NUMERIC, SPACE, TITLE, UPPER, XID_CONTINUE,
    XID_START,
};

/// Letters and digits of any kind.
pub(crate) const ALNUM: u16 = ALPHA | DECIMAL | DIGIT | NUMERIC;

/// The flags of the first 256 code points.
static LATIN1: [u16; 256] = {
    let mut flags = [0; 256];
    let mut run = 0;
    let mut code = 0;
    while code < 256 {
        while run + 1 < tables::RUNS.len() && (tables::RUNS[run + 1] >> 8) as usize <= code {
            run += 1;
        }
        flags[code] = tables::CLASSES[(tables::RUNS[run] & 0xff) as usize];
        code += 1;
    }
    flags
};

/// The flags of a code point.
#[inline]
pub(crate) fn flags(code: u32) -> u16 {
    match LATIN1.get(code as usize) {
        Some(&flags) => flags,
        None => flags_wide(code),
    }
}

fn flags_wide(code: u32) -> u16 {
    let after = tables::RUNS.partition_point(|&run| run >> 8 <= code);
    let run = after.checked_sub(1).and_then(|index| tables::RUNS.get(index)).copied().unwrap_or(0);
    tables::CLASSES.get((run & 0xff) as usize).copied().unwrap_or(0)
}

/// Whether a code point has any of `wanted`.
#[inline]
pub(crate) fn has(code: u32, wanted: u16) -> bool {
    flags(code) & wanted != 0
}

/// Whether `str.isspace` says so.
#[inline]
pub(crate) fn is_space(code: u32) -> bool {
    has(code, SPACE)
}

/// Whether `str.splitlines` breaks there.
#[inline]
pub(crate) fn is_line_break(code: u32) -> bool {
    matches!(code, 0x0a..=0x0d | 0x1c..=0x1e | 0x85 | 0x2028 | 0x2029)
}

/// Whether `str.isprintable` says so.
#[inline]
pub(crate) fn is_printable(code: u32) -> bool {
    crate::pyc::repr::is_printable(code)
}

/// The value of a decimal digit, as `int()` reads it.
#[inline]
pub(crate) fn decimal_value(code: u32) -> Option<u32> {
    if code < 0x80 {
        return if (0x30..0x3a).contains(&code) { Some(code - 0x30) } else { None };
    }
    let after = tables::ZEROS.partition_point(|&zero| zero <= code);
    let zero = after.checked_sub(1).and_then(|index| tables::ZEROS.get(index))?;
    let value = code - zero;
    if value < 10 { Some(value) } else { None }
}

/// The name of a character, where Unicode 12.1 has one.
pub(crate) fn name(code: u32) -> Option<String> {
    let c = char::from_u32(code).filter(|_| has(code, NAMED))?;
    if (0x2ebe1..0x2ebf0).contains(&code) {
        // Not assigned, but CPython's last run of ideographs goes that far.
        return Some(format!("CJK UNIFIED IDEOGRAPH-{code:X}"));
    }
    unicode_names2::name(c).map(|name| name.to_string())
}

/// The character of a name or alias, as `\N{...}` reads it: exactly, but for the case of letters.
pub(crate) fn named(name: &str) -> Option<u32> {
    let c = unicode_names2::character(name)?;
    let code = u32::from(c);
    let squeezed = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
    };
    match self::name(code) {
        Some(known) if known.eq_ignore_ascii_case(name) => Some(code),
        // Found by a loose match only.
        Some(known) if squeezed(&known) == squeezed(name) => None,
        // An alias: control characters have nothing else.
        Some(_) => Some(code),
        None if code < 0xa0 => Some(code),
        None => None,
    }
}

/// A case mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Case {
    /// As `str.lower`, a final sigma apart.
    Lower,
    /// As `str.upper`.
    Upper,
    /// As the first letter of a word in `str.title`.
    Title,
    /// As `str.casefold`.
    Fold,
}

/// What a code point is mapped to.
pub(crate) enum Mapped {
    /// One code point, itself perhaps.
    One(u32),
    /// Several.
    Several(&'static [u32]),
}

/// Maps a code point.
#[inline]
pub(crate) fn map(code: u32, case: Case) -> Mapped {
    if code < 0x80 {
        let ascii = code as u8;
        return Mapped::One(u32::from(match case {
            Case::Lower | Case::Fold => ascii.to_ascii_lowercase(),
            Case::Upper | Case::Title => ascii.to_ascii_uppercase(),
        }));
    }
    if has(code, MAPPED) { map_wide(code, case) } else { Mapped::One(code) }
}

fn map_wide(code: u32, case: Case) -> Mapped {
    let (runs, special): (&[tables::Run], &[(u32, &[u32])]) = match case {
        Case::Lower => (&tables::LOWER_RUNS, &tables::LOWER_SPECIAL),
        Case::Upper => (&tables::UPPER_RUNS, &tables::UPPER_SPECIAL),
        Case::Title => (&tables::TITLE_RUNS, &tables::TITLE_SPECIAL),
        Case::Fold => (&tables::FOLD_RUNS, &tables::FOLD_SPECIAL),
    };
    let after = runs.partition_point(|run| run.0 <= code);
    if let Some(&(first, last, step, delta)) = after.checked_sub(1).and_then(|index| runs.get(index))
        && code <= last
        && (code - first).is_multiple_of(step)
    {
        return Mapped::One(code.wrapping_add_signed(delta));
    }
    match special.binary_search_by_key(&code, |entry| entry.0) {
        Ok(index) => special.get(index).map_or(Mapped::One(code), |entry| Mapped::Several(entry.1)),
        Err(_) => Mapped::One(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fnv(hash: u64, byte: u8) -> u64 {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    }

    #[test]
    fn every_code_point_is_as_in_cpython() {
        const START: u64 = 0xcbf2_9ce4_8422_2325;
        let flag = |wanted: u16| (0..0x11_0000).fold(START, |hash, code| fnv(hash, u8::from(has(code, wanted))));
        let mapping = |case: Case| {
            (0..0x11_0000).fold(START, |hash, code| {
                let one;
                let mapped = match map(code, case) {
                    Mapped::One(code) => {
                        one = [code];
                        &one[..]
                    }
                    Mapped::Several(codes) => codes,
                };
                mapped.iter().flat_map(|code| code.to_le_bytes().into_iter().take(3)).fold(hash, fnv)
            })
        };
        let mut checked = 0;
        for (name, expected) in tables::HASHES {
            let found = match name {
                "ALPHA" => flag(ALPHA),
                "DECIMAL" => flag(DECIMAL),
                "DIGIT" => flag(DIGIT),
                "NUMERIC" => flag(NUMERIC),
                "LOWER" => flag(LOWER),
                "UPPER" => flag(UPPER),
                "TITLE" => flag(TITLE),
                "SPACE" => flag(SPACE),
                "XID_START" => flag(XID_START),
                "XID_CONTINUE" => flag(XID_CONTINUE),
                "CASE_IGNORABLE" => flag(CASE_IGNORABLE),
                "CASED" => flag(CASED),
                "MAPPED" => flag(MAPPED),
                "NAMED" => flag(NAMED),
                "NAMES" => (0..0x11_0000).fold(START, |hash, code| {
                    let name = super::name(code).unwrap_or_default();
                    let separator = if code > 0 { "\n" } else { "" };
                    separator.bytes().chain(name.bytes()).fold(hash, fnv)
                }),
                "MAP_LOWER" => mapping(Case::Lower),
                "MAP_UPPER" => mapping(Case::Upper),
                "MAP_TITLE" => mapping(Case::Title),
                "MAP_FOLD" => mapping(Case::Fold),
                other => panic!("unknown property {other}"),
            };
            assert_eq!(found, expected, "{name}");
            checked += 1;
        }
        assert_eq!(checked, 19);
        // Every decimal digit has a value, and nothing else.
        for code in 0..0x11_0000 {
            assert_eq!(decimal_value(code).is_some(), has(code, DECIMAL), "{code:#x}");
        }
        assert_eq!(decimal_value(0x0669), Some(9));
    }
}
