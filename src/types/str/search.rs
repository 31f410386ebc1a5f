//! Searching and splitting sequences of code units of one width; bytes use it too.

use super::storage::Chars;
use memchr::memmem;
use std::borrow::Cow;
use std::ops::Range;

/// A code unit: what a str of one width is made of.
pub(crate) trait Unit: Copy + Eq + Ord + 'static {
    /// The code point.
    fn code(self) -> u32;
    /// The unit of a code point, when it fits.
    fn from_code(code: u32) -> Option<Self>;
    /// The units, when they have this width.
    fn view(chars: Chars<'_>) -> Option<&[Self]>;
    /// The units as characters.
    fn chars(units: &[Self]) -> Chars<'_>;
    /// Position of the first `unit`.
    fn find_unit(units: &[Self], unit: Self) -> Option<usize>;
    /// Position of the last `unit`.
    fn rfind_unit(units: &[Self], unit: Self) -> Option<usize>;
    /// Position of the first `needle`, which is longer than one.
    fn find_long(units: &[Self], needle: &[Self]) -> Option<usize>;
    /// Position of the last `needle`, which is longer than one.
    fn rfind_long(units: &[Self], needle: &[Self]) -> Option<usize>;
}

impl Unit for u8 {
    #[inline(always)]
    fn code(self) -> u32 {
        self.into()
    }
    #[inline]
    fn from_code(code: u32) -> Option<u8> {
        u8::try_from(code).ok()
    }
    #[inline]
    fn view(chars: Chars<'_>) -> Option<&[u8]> {
        if let Chars::One(units) = chars { Some(units) } else { None }
    }
    #[inline]
    fn chars(units: &[u8]) -> Chars<'_> {
        Chars::One(units)
    }
    #[inline]
    fn find_unit(units: &[u8], unit: u8) -> Option<usize> {
        memchr::memchr(unit, units)
    }
    #[inline]
    fn rfind_unit(units: &[u8], unit: u8) -> Option<usize> {
        memchr::memrchr(unit, units)
    }
    fn find_long(units: &[u8], needle: &[u8]) -> Option<usize> {
        memmem::find(units, needle)
    }
    fn rfind_long(units: &[u8], needle: &[u8]) -> Option<usize> {
        memmem::rfind(units, needle)
    }
}

macro_rules! wide_unit {
    ($unit:ty, $variant:ident) => {
        impl Unit for $unit {
            #[inline(always)]
            fn code(self) -> u32 {
                self.into()
            }
            #[inline]
            fn from_code(code: u32) -> Option<$unit> {
                code.try_into().ok()
            }
            #[inline]
            fn view(chars: Chars<'_>) -> Option<&[$unit]> {
                if let Chars::$variant(units) = chars { Some(units) } else { None }
            }
            #[inline]
            fn chars(units: &[$unit]) -> Chars<'_> {
                Chars::$variant(units)
            }
            #[inline]
            fn find_unit(units: &[$unit], unit: $unit) -> Option<usize> {
                units.iter().position(|&u| u == unit)
            }
            #[inline]
            fn rfind_unit(units: &[$unit], unit: $unit) -> Option<usize> {
                units.iter().rposition(|&u| u == unit)
            }
            fn find_long(units: &[$unit], needle: &[$unit]) -> Option<usize> {
                let (&first, &last) = (needle.first()?, needle.last()?);
                let starts = units.len().checked_sub(needle.len())? + 1;
                let gap = needle.len() - 1;
                let (heads, tails) = (units.get(..starts)?, units.get(gap..)?);
                heads
                    .iter()
                    .zip(tails)
                    .enumerate()
                    .filter(|&(_, (&head, &tail))| head == first && tail == last)
                    .find(|&(at, _)| units.get(at..at + needle.len()) == Some(needle))
                    .map(|(at, _)| at)
            }
            fn rfind_long(units: &[$unit], needle: &[$unit]) -> Option<usize> {
                units.windows(needle.len()).rposition(|window| window.first() == needle.first() && window == needle)
            }
        }
    };
}

wide_unit!(u16, Two);
wide_unit!(u32, Four);

/// Runs `$body` with the units of a str, whatever their width.
macro_rules! with_units {
    ($chars:expr, $units:ident => $body:expr) => {
        match $chars {
            $crate::types::str::Chars::One($units) => $body,
            $crate::types::str::Chars::Two($units) => $body,
            $crate::types::str::Chars::Four($units) => $body,
        }
    };
}
pub(crate) use with_units;

/// Characters in units of another width; `None` when one does not fit.
pub(crate) fn fit<T: Unit>(chars: Chars<'_>) -> Option<Cow<'_, [T]>> {
    match T::view(chars) {
        Some(units) => Some(Cow::Borrowed(units)),
        None => chars.iter().map(T::from_code).collect::<Option<Vec<T>>>().map(Cow::Owned),
    }
}

/// Position of the first `needle`.
#[inline]
pub(crate) fn find<T: Unit>(units: &[T], needle: &[T]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [unit] => T::find_unit(units, *unit),
        _ => T::find_long(units, needle),
    }
}

/// Position of the last `needle`.
#[inline]
pub(crate) fn rfind<T: Unit>(units: &[T], needle: &[T]) -> Option<usize> {
    match needle {
        [] => Some(units.len()),
        [unit] => T::rfind_unit(units, *unit),
        _ if needle.len() > units.len() => None,
        _ => T::rfind_long(units, needle),
    }
}

/// Positions of the non-overlapping occurrences of a needle that is not empty.
pub(crate) fn matches<'a, T: Unit>(units: &'a [T], needle: &'a [T]) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + find(units.get(from..)?, needle)?;
        from = at + needle.len().max(1);
        Some(at)
    })
}

/// Number of non-overlapping occurrences; an empty needle occurs once more than there are units.
pub(crate) fn count<T: Unit>(units: &[T], needle: &[T]) -> usize {
    match needle {
        [] => units.len() + 1,
        [unit] => units.iter().filter(|&u| u == unit).count(),
        _ => matches(units, needle).count(),
    }
}

/// The parts between separators, which are not empty; at most `max` splits.
pub(crate) fn split<T: Unit>(units: &[T], separator: &[T], max: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::with_capacity(12);
    let mut start = 0;
    for at in matches(units, separator).take(max) {
        parts.push(start..at);
        start = at + separator.len();
    }
    parts.push(start..units.len());
    parts
}

/// As [`split`], from the end; the parts are in order of the text.
pub(crate) fn rsplit<T: Unit>(units: &[T], separator: &[T], max: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut end = units.len();
    while parts.len() < max
        && let Some(at) = units.get(..end).and_then(|units| rfind(units, separator))
    {
        parts.push(at + separator.len()..end);
        end = at;
    }
    parts.push(0..end);
    parts.reverse();
    parts
}

/// The words between runs of white space; at most `max` splits, after which the rest goes whole.
pub(crate) fn split_space<T: Unit>(units: &[T], is_space: impl Fn(u32) -> bool, max: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::with_capacity(12);
    let skip = |from: usize, space: bool| {
        let rest = units.get(from..).unwrap_or_default();
        rest.iter().position(|u| is_space(u.code()) != space).map_or(units.len(), |at| from + at)
    };
    let mut at = skip(0, true);
    while at < units.len() {
        if parts.len() == max {
            parts.push(at..units.len());
            break;
        }
        let end = skip(at, false);
        parts.push(at..end);
        at = skip(end, true);
    }
    parts
}

/// As [`split_space`], from the end; the parts are in order of the text.
pub(crate) fn rsplit_space<T: Unit>(units: &[T], is_space: impl Fn(u32) -> bool, max: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::with_capacity(12);
    let skip = |end: usize, space: bool| {
        let rest = units.get(..end).unwrap_or_default();
        rest.iter().rposition(|u| is_space(u.code()) != space).map_or(0, |last| last + 1)
    };
    let mut end = skip(units.len(), true);
    while end > 0 {
        if parts.len() == max {
            parts.push(0..end);
            break;
        }
        let start = skip(end, false);
        parts.push(start..end);
        end = skip(start, true);
    }
    parts.reverse();
    parts
}

/// The lines, with their ends when `keep`.
pub(crate) fn split_lines<T: Unit>(units: &[T], is_break: impl Fn(u32) -> bool, keep: bool) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    while start < units.len() {
        let rest = units.get(start..).unwrap_or_default();
        let end = rest.iter().position(|u| is_break(u.code())).map_or(units.len(), |at| start + at);
        let next = match (units.get(end).map(|u| u.code()), units.get(end + 1).map(|u| u.code())) {
            (None, _) => end,
            (Some(0x0d), Some(0x0a)) => end + 2,
            _ => end + 1,
        };
        lines.push(start..if keep { next } else { end });
        start = next;
    }
    lines
}

/// What is left when units that `unwanted` are taken off the ends.
pub(crate) fn strip<T: Unit>(units: &[T], left: bool, right: bool, unwanted: impl Fn(T) -> bool) -> Range<usize> {
    let start = if left { units.iter().position(|&u| !unwanted(u)).unwrap_or(units.len()) } else { 0 };
    let rest = units.get(start..).unwrap_or_default();
    let end = if right {
        rest.iter().rposition(|&u| !unwanted(u)).map_or(start, |last| start + last + 1)
    } else {
        units.len()
    };
    start..end
}

/// `expandtabs`: length of the result (`None` when it exceeds the machine), and each piece: a unit, or spaces.
pub(crate) fn expand_tabs<T: Unit>(units: &[T], size: usize, mut emit: impl FnMut(Result<T, usize>) -> bool) -> bool {
    let mut column = 0usize;
    for &unit in units {
        match unit.code() {
            0x09 => {
                if size > 0 {
                    let spaces = size - column % size;
                    column += spaces;
                    if !emit(Err(spaces)) {
                        return false;
                    }
                }
            }
            code => {
                column = if matches!(code, 0x0a | 0x0d) { 0 } else { column + 1 };
                if !emit(Ok(unit)) {
                    return false;
                }
            }
        }
    }
    true
}
