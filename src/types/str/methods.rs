//! The methods of str.

use super::arguments::{adjust, c_int, codec_name, find_arguments, limit, no_memory};
use super::properties::{self, is_line_break, is_space};
use super::search::{self, Unit, fit, with_units};
use super::{Chars, Str, StrBuilder, body, case, format};
use crate::method;
use crate::object::error::PyResult;
use crate::object::native::Method;
use crate::object::sequence;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::exceptions::{LOOKUP_ERROR, is_instance, overflow_error, type_error, value_error};
use crate::types::list::{self, List};
use crate::types::tuple::Tuple;
use crate::types::{codecs, format_spec, int};
use std::ops::Range;

/// The table of methods.
pub(super) const METHODS: &[Method] = &[
    method!(
        encode,
        "encode($self, /, encoding='utf-8', errors='strict')",
        "Encode the string using the codec registered for encoding.\n\n  encoding\n    The encoding in which to encode the string.\n  errors\n    The error handling scheme to use for encoding errors.\n    The default is 'strict' meaning that encoding errors raise a\n    UnicodeEncodeError.  Other possible values are 'ignore', 'replace' and\n    'xmlcharrefreplace' as well as any other name registered with\n    codecs.register_error that can handle UnicodeEncodeErrors."
    ),
    method!(
        replace,
        "replace($self, old, new, count=-1, /)",
        "Return a copy with all occurrences of substring old replaced by new.\n\n  count\n    Maximum number of occurrences to replace.\n    -1 (the default value) means replace all occurrences.\n\nIf the optional argument count is given, only the first count occurrences are\nreplaced."
    ),
    method!(
        split,
        "split($self, /, sep=None, maxsplit=-1)",
        "Return a list of the words in the string, using sep as the delimiter string.\n\n  sep\n    The delimiter according which to split the string.\n    None (the default value) means split according to any whitespace,\n    and discard empty strings from the result.\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit."
    ),
    method!(
        rsplit,
        "rsplit($self, /, sep=None, maxsplit=-1)",
        "Return a list of the words in the string, using sep as the delimiter string.\n\n  sep\n    The delimiter according which to split the string.\n    None (the default value) means split according to any whitespace,\n    and discard empty strings from the result.\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit.\n\nSplits are done starting at the end of the string and working to the front."
    ),
    method!(
        join,
        "join($self, iterable, /)",
        "Concatenate any number of strings.\n\nThe string whose method is called is inserted in between each given string.\nThe result is returned as a new string.\n\nExample: '.'.join(['ab', 'pq', 'rs']) -> 'ab.pq.rs'"
    ),
    method!(
        capitalize,
        "capitalize($self, /)",
        "Return a capitalized version of the string.\n\nMore specifically, make the first character have upper case and the rest lower\ncase."
    ),
    method!(casefold, "casefold($self, /)", "Return a version of the string suitable for caseless comparisons."),
    method!(
        title,
        "title($self, /)",
        "Return a version of the string where each word is titlecased.\n\nMore specifically, words start with uppercased characters and all remaining\ncased characters have lower case."
    ),
    method!(
        center,
        "center($self, width, fillchar=' ', /)",
        "Return a centered string of length width.\n\nPadding is done using the specified fill character (default is a space)."
    ),
    method!(
        count,
        "!count($self, *args)",
        "S.count(sub[, start[, end]]) -> int\n\nReturn the number of non-overlapping occurrences of substring sub in\nstring S[start:end].  Optional arguments start and end are\ninterpreted as in slice notation."
    ),
    method!(
        expandtabs,
        "expandtabs($self, /, tabsize=8)",
        "Return a copy where all tab characters are expanded using spaces.\n\nIf tabsize is not given, a tab size of 8 characters is assumed."
    ),
    method!(
        find,
        "!find($self, *args)",
        "S.find(sub[, start[, end]]) -> int\n\nReturn the lowest index in S where substring sub is found,\nsuch that sub is contained within S[start:end].  Optional\narguments start and end are interpreted as in slice notation.\n\nReturn -1 on failure."
    ),
    method!(
        partition,
        "partition($self, sep, /)",
        "Partition the string into three parts using the given separator.\n\nThis will search for the separator in the string.  If the separator is found,\nreturns a 3-tuple containing the part before the separator, the separator\nitself, and the part after it.\n\nIf the separator is not found, returns a 3-tuple containing the original string\nand two empty strings."
    ),
    method!(
        index,
        "!index($self, *args)",
        "S.index(sub[, start[, end]]) -> int\n\nReturn the lowest index in S where substring sub is found,\nsuch that sub is contained within S[start:end].  Optional\narguments start and end are interpreted as in slice notation.\n\nRaises ValueError when the substring is not found."
    ),
    method!(
        ljust,
        "ljust($self, width, fillchar=' ', /)",
        "Return a left-justified string of length width.\n\nPadding is done using the specified fill character (default is a space)."
    ),
    method!(lower, "lower($self, /)", "Return a copy of the string converted to lowercase."),
    method!(
        lstrip,
        "lstrip($self, chars=None, /)",
        "Return a copy of the string with leading whitespace removed.\n\nIf chars is given and not None, remove characters in chars instead."
    ),
    method!(
        rfind,
        "!rfind($self, *args)",
        "S.rfind(sub[, start[, end]]) -> int\n\nReturn the highest index in S where substring sub is found,\nsuch that sub is contained within S[start:end].  Optional\narguments start and end are interpreted as in slice notation.\n\nReturn -1 on failure."
    ),
    method!(
        rindex,
        "!rindex($self, *args)",
        "S.rindex(sub[, start[, end]]) -> int\n\nReturn the highest index in S where substring sub is found,\nsuch that sub is contained within S[start:end].  Optional\narguments start and end are interpreted as in slice notation.\n\nRaises ValueError when the substring is not found."
    ),
    method!(
        rjust,
        "rjust($self, width, fillchar=' ', /)",
        "Return a right-justified string of length width.\n\nPadding is done using the specified fill character (default is a space)."
    ),
    method!(
        rstrip,
        "rstrip($self, chars=None, /)",
        "Return a copy of the string with trailing whitespace removed.\n\nIf chars is given and not None, remove characters in chars instead."
    ),
    method!(
        rpartition,
        "rpartition($self, sep, /)",
        "Partition the string into three parts using the given separator.\n\nThis will search for the separator in the string, starting at the end. If\nthe separator is found, returns a 3-tuple containing the part before the\nseparator, the separator itself, and the part after it.\n\nIf the separator is not found, returns a 3-tuple containing two empty strings\nand the original string."
    ),
    method!(
        splitlines,
        "splitlines($self, /, keepends=False)",
        "Return a list of the lines in the string, breaking at line boundaries.\n\nLine breaks are not included in the resulting list unless keepends is given and\ntrue."
    ),
    method!(
        strip,
        "strip($self, chars=None, /)",
        "Return a copy of the string with leading and trailing whitespace removed.\n\nIf chars is given and not None, remove characters in chars instead."
    ),
    method!(
        swapcase,
        "swapcase($self, /)",
        "Convert uppercase characters to lowercase and lowercase characters to uppercase."
    ),
    method!(
        translate,
        "translate($self, table, /)",
        "Replace each character in the string using the given translation table.\n\n  table\n    Translation table, which must be a mapping of Unicode ordinals to\n    Unicode ordinals, strings, or None.\n\nThe table must implement lookup/indexing via __getitem__, for instance a\ndictionary or list.  If this operation raises LookupError, the character is\nleft untouched.  Characters mapped to None are deleted."
    ),
    method!(upper, "upper($self, /)", "Return a copy of the string converted to uppercase."),
    method!(
        startswith,
        "!startswith($self, *args)",
        "S.startswith(prefix[, start[, end]]) -> bool\n\nReturn True if S starts with the specified prefix, False otherwise.\nWith optional start, test S beginning at that position.\nWith optional end, stop comparing S at that position.\nprefix can also be a tuple of strings to try."
    ),
    method!(
        endswith,
        "!endswith($self, *args)",
        "S.endswith(suffix[, start[, end]]) -> bool\n\nReturn True if S ends with the specified suffix, False otherwise.\nWith optional start, test S beginning at that position.\nWith optional end, stop comparing S at that position.\nsuffix can also be a tuple of strings to try."
    ),
    method!(
        isascii,
        "isascii($self, /)",
        "Return True if all characters in the string are ASCII, False otherwise.\n\nASCII characters have code points in the range U+0000-U+007F.\nEmpty string is ASCII too."
    ),
    method!(
        islower,
        "islower($self, /)",
        "Return True if the string is a lowercase string, False otherwise.\n\nA string is lowercase if all cased characters in the string are lowercase and\nthere is at least one cased character in the string."
    ),
    method!(
        isupper,
        "isupper($self, /)",
        "Return True if the string is an uppercase string, False otherwise.\n\nA string is uppercase if all cased characters in the string are uppercase and\nthere is at least one cased character in the string."
    ),
    method!(
        istitle,
        "istitle($self, /)",
        "Return True if the string is a title-cased string, False otherwise.\n\nIn a title-cased string, upper- and title-case characters may only\nfollow uncased characters and lowercase characters only cased ones."
    ),
    method!(
        isspace,
        "isspace($self, /)",
        "Return True if the string is a whitespace string, False otherwise.\n\nA string is whitespace if all characters in the string are whitespace and there\nis at least one character in the string."
    ),
    method!(
        isdecimal,
        "isdecimal($self, /)",
        "Return True if the string is a decimal string, False otherwise.\n\nA string is a decimal string if all characters in the string are decimal and\nthere is at least one character in the string."
    ),
    method!(
        isdigit,
        "isdigit($self, /)",
        "Return True if the string is a digit string, False otherwise.\n\nA string is a digit string if all characters in the string are digits and there\nis at least one character in the string."
    ),
    method!(
        isnumeric,
        "isnumeric($self, /)",
        "Return True if the string is a numeric string, False otherwise.\n\nA string is numeric if all characters in the string are numeric and there is at\nleast one character in the string."
    ),
    method!(
        isalpha,
        "isalpha($self, /)",
        "Return True if the string is an alphabetic string, False otherwise.\n\nA string is alphabetic if all characters in the string are alphabetic and there\nis at least one character in the string."
    ),
    method!(
        isalnum,
        "isalnum($self, /)",
        "Return True if the string is an alpha-numeric string, False otherwise.\n\nA string is alpha-numeric if all characters in the string are alpha-numeric and\nthere is at least one character in the string."
    ),
    method!(
        isidentifier,
        "isidentifier($self, /)",
        "Return True if the string is a valid Python identifier, False otherwise.\n\nCall keyword.iskeyword(s) to test whether string s is a reserved identifier,\nsuch as \"def\" or \"class\"."
    ),
    method!(
        isprintable,
        "isprintable($self, /)",
        "Return True if the string is printable, False otherwise.\n\nA string is printable if all of its characters are considered printable in\nrepr() or if it is empty."
    ),
    method!(
        zfill,
        "zfill($self, width, /)",
        "Pad a numeric string with zeros on the left, to fill a field of the given width.\n\nThe string is never truncated."
    ),
    method!(
        format,
        "!format($self, *args, **kwargs)",
        "S.format(*args, **kwargs) -> str\n\nReturn a formatted version of S, using substitutions from args and kwargs.\nThe substitutions are identified by braces ('{' and '}')."
    ),
    method!(
        format_map,
        "!format_map($self, mapping, /)",
        "S.format_map(mapping) -> str\n\nReturn a formatted version of S, using substitutions from mapping.\nThe substitutions are identified by braces ('{' and '}')."
    ),
    method!(
        dunder_format,
        "__format__($self, format_spec, /)",
        "Return a formatted version of the string as described by format_spec."
    ),
    method!(static maketrans, "maketrans(x, y=<unrepresentable>, z=<unrepresentable>, /)", "Return a translation table usable for str.translate().\n\nIf there is only one argument, it must be a dictionary mapping Unicode\nordinals (integers) or characters to Unicode ordinals, strings or None.\nCharacter keys will be then converted to ordinals.\nIf there are two arguments, they must be strings of equal length, and\nin the resulting dictionary, each character in x will be mapped to the\ncharacter at the same position in y. If there is a third argument, it\nmust be a string, whose characters will be mapped to None in the result."),
    method!(sizeof, "__sizeof__($self, /)", "Return the size of the string in memory, in bytes."),
    method!(getnewargs, "!__getnewargs__($self)", ""),
];

/// The text itself: the same object when it is of the exact type.
fn unchanged(this: &Value) -> PyResult<Value> {
    if this.is_exact::<Str>() { Ok(this.clone()) } else { Ok(Str::copy(body(this)?)) }
}

/// Part of the text; the text itself when it is all of it.
fn part(this: &Value, text: &Str, range: Range<usize>) -> PyResult<Value> {
    if range.start == 0 && range.end == text.len() {
        return unchanged(this);
    }
    Ok(Str::from_chars(text.chars().slice(range.start, range.end)))
}

fn parts(this: &Value, text: &Str, ranges: Vec<Range<usize>>) -> PyResult<Value> {
    let mut items = Vec::with_capacity(ranges.len());
    for range in ranges {
        items.push(part(this, text, range)?);
    }
    Ok(List::from_vec(items))
}

/// A str argument, refused as `ensure_unicode` refuses.
fn required(value: &Value) -> PyResult<&Str> {
    value.downcast::<Str>().ok_or_else(|| type_error(format!("must be str, not {}", value.ty().name())))
}

fn encode(this: &Value, encoding: Option<&Value>, errors: Option<&Value>) -> PyResult<Value> {
    let encoding = codec_name(encoding, "encode", "'encoding'")?;
    let errors = codec_name(errors, "encode", "'errors'")?;
    codecs::encode(this, encoding.as_deref(), errors.as_deref())
}

fn replace(this: &Value, old: &Str, new: &Str, count: Option<isize>) -> PyResult<Value> {
    let text = body(this)?;
    let max = limit(count);
    // Nothing is put into an empty text when a count is given: CPython 3.8 stops there.
    let counted_empty = text.is_empty() && count.is_some_and(|count| count >= 0);
    if max == 0 || counted_empty || text.len() < old.len() || old.equals(new) {
        return unchanged(this);
    }
    if old.is_empty() {
        return interleave(this, text, new, max);
    }
    with_units!(text.chars(), units => {
        let Some(needle) = fit(old.chars()) else { return unchanged(this) };
        replace_units(this, units, &needle, new, max)
    })
}

fn replace_units<T: Unit>(this: &Value, units: &[T], needle: &[T], new: &Str, max: usize) -> PyResult<Value> {
    let found: Vec<usize> = search::matches(units, needle).take(max).collect();
    if found.is_empty() {
        return unchanged(this);
    }
    let grown = found.len().checked_mul(new.len()).and_then(|grown| grown.checked_add(units.len()));
    let Some(len) = grown.map(|grown| grown - found.len() * needle.len()) else {
        return Err(overflow_error("replace string is too long"));
    };
    let mut builder = StrBuilder::for_text(len, T::chars(units), new.chars())?;
    let mut from = 0;
    for at in found {
        builder.push_chars(T::chars(units.get(from..at).unwrap_or_default()));
        builder.push_chars(new.chars());
        from = at + needle.len();
    }
    builder.push_chars(T::chars(units.get(from..).unwrap_or_default()));
    Ok(builder.finish())
}

/// `replace('', new)`.
fn interleave(this: &Value, text: &Str, new: &Str, max: usize) -> PyResult<Value> {
    let times = max.min(text.len() + 1);
    let Some(len) = times.checked_mul(new.len()).and_then(|grown| grown.checked_add(text.len())) else {
        return Err(overflow_error("replace string is too long"));
    };
    if new.is_empty() {
        return unchanged(this);
    }
    let mut builder = StrBuilder::for_text(len, text.chars(), new.chars())?;
    for (index, code) in text.chars().iter().enumerate() {
        if index < times {
            builder.push_chars(new.chars());
        }
        builder.push(code);
    }
    if times > text.len() {
        builder.push_chars(new.chars());
    }
    Ok(builder.finish())
}

/// The separator of split and rsplit: `None` for white space.
fn separator(value: Option<&Value>) -> PyResult<Option<&Str>> {
    match value {
        None => Ok(None),
        Some(value) if value.is_none() => Ok(None),
        Some(value) => match value.downcast::<Str>() {
            Some(text) if text.is_empty() => Err(value_error("empty separator")),
            Some(text) => Ok(Some(text)),
            None => Err(type_error(format!("must be str or None, not {}", value.ty().name()))),
        },
    }
}

fn split(this: &Value, sep: Option<&Value>, maxsplit: Option<isize>) -> PyResult<Value> {
    let text = body(this)?;
    let max = limit(maxsplit);
    let ranges = match separator(sep)? {
        None => with_units!(text.chars(), units => search::split_space(units, is_space, max)),
        Some(sep) => with_units!(text.chars(), units => match fit(sep.chars()) {
            Some(sep) => search::split(units, &sep, max),
            None => std::iter::once(0..units.len()).collect(),
        }),
    };
    parts(this, text, ranges)
}

fn rsplit(this: &Value, sep: Option<&Value>, maxsplit: Option<isize>) -> PyResult<Value> {
    let text = body(this)?;
    let max = limit(maxsplit);
    let ranges = match separator(sep)? {
        None => with_units!(text.chars(), units => search::rsplit_space(units, is_space, max)),
        Some(sep) => with_units!(text.chars(), units => match fit(sep.chars()) {
            Some(sep) => search::rsplit(units, &sep, max),
            None => std::iter::once(0..units.len()).collect(),
        }),
    };
    parts(this, text, ranges)
}

/// `separator.join(iterable)`.
///
/// # Errors
/// `TypeError` when the argument is not iterable or an item is no str, what iterating raises.
pub fn join(this: &Value, iterable: &Value) -> PyResult<Value> {
    let separator = body(this)?;
    let items = list::collect_or(iterable, "can only join an iterable")?;
    if let [only] = items.as_slice()
        && only.is_exact::<Str>()
    {
        return Ok(only.clone());
    }
    let (mut len, mut width, mut ascii) = (0usize, 1, true);
    if items.len() > 1 {
        (width, ascii) = (separator.width(), separator.is_ascii());
    }
    for (index, item) in items.iter().enumerate() {
        let Some(item) = item.downcast::<Str>() else {
            return Err(type_error(format!(
                "sequence item {index}: expected str instance, {} found",
                item.ty().name()
            )));
        };
        let gap = if index > 0 { separator.len() } else { 0 };
        len = match len.checked_add(item.len()).and_then(|len| len.checked_add(gap)) {
            Some(len) => len,
            None => return Err(overflow_error("join() result is too long for a Python string")),
        };
        width = width.max(item.width());
        ascii &= item.is_ascii();
    }
    let pieces = items.iter().enumerate().flat_map(|(index, item)| {
        let gap = if index > 0 { Some(separator.chars()) } else { None };
        gap.into_iter().chain(item.downcast::<Str>().map(Str::chars))
    });
    Str::assemble(len, width, ascii, pieces)
}

fn capitalize(this: &Str) -> Value {
    case::capitalize(this)
}

fn casefold(this: &Str) -> Value {
    case::casefold(this)
}

fn title(this: &Str) -> Value {
    case::title(this)
}

fn lower(this: &Str) -> Value {
    case::lower(this)
}

fn upper(this: &Str) -> Value {
    case::upper(this)
}

fn swapcase(this: &Str) -> Value {
    case::swapcase(this)
}

fn isascii(this: &Str) -> bool {
    this.is_ascii()
}

fn islower(this: &Str) -> bool {
    case::is_lower(this)
}

fn isupper(this: &Str) -> bool {
    case::is_upper(this)
}

fn istitle(this: &Str) -> bool {
    case::is_title(this)
}

fn isspace(this: &Str) -> bool {
    case::all(this, properties::SPACE)
}

fn isdecimal(this: &Str) -> bool {
    case::all(this, properties::DECIMAL)
}

fn isdigit(this: &Str) -> bool {
    case::all(this, properties::DIGIT)
}

fn isnumeric(this: &Str) -> bool {
    case::all(this, properties::NUMERIC)
}

fn isalpha(this: &Str) -> bool {
    case::is_alpha(this)
}

fn isalnum(this: &Str) -> bool {
    case::all(this, properties::ALNUM)
}

fn isidentifier(this: &Str) -> bool {
    case::is_identifier(this)
}

fn isprintable(this: &Str) -> bool {
    this.chars().iter().all(properties::is_printable)
}

/// The fill character of center, ljust and rjust; a space when it is not given.
fn fill(value: Option<&Value>) -> PyResult<u32> {
    let Some(value) = value else { return Ok(0x20) };
    let Some(text) = value.downcast::<Str>() else {
        return Err(type_error(format!("The fill character must be a unicode character, not {}", value.ty().name())));
    };
    match (text.chars().get(0), text.len()) {
        (Some(code), 1) => Ok(code),
        _ => Err(type_error("The fill character must be exactly one character long")),
    }
}

/// The text between `left` and `right` fill characters.
fn pad(this: &Value, left: usize, right: usize, fill: u32) -> PyResult<Value> {
    let text = body(this)?;
    if left == 0 && right == 0 {
        return unchanged(this);
    }
    let len = left.checked_add(right).and_then(|more| more.checked_add(text.len()));
    let Some(len) = len.filter(|&len| isize::try_from(len).is_ok()) else {
        return Err(overflow_error("padded string is too long"));
    };
    let filler = Str::from_code(fill);
    let Some(filler) = filler.downcast::<Str>() else { return Err(no_memory()) };
    let width = text.width().max(filler.width());
    let fillers = |count: usize| std::iter::repeat_n(filler.chars(), count);
    let pieces = fillers(left).chain(std::iter::once(text.chars())).chain(fillers(right));
    Str::assemble(len, width, text.is_ascii() && filler.is_ascii(), pieces)
}

fn missing(text: &Str, width: isize) -> usize {
    usize::try_from(width).unwrap_or(0).saturating_sub(text.len())
}

fn center(this: &Value, width: isize, fillchar: Option<&Value>) -> PyResult<Value> {
    let (fill, margin) = (fill(fillchar)?, missing(body(this)?, width));
    // As unicode_center: the odd one goes left when the width is odd.
    let left = margin / 2 + (margin & width as usize & 1);
    pad(this, left, margin - left, fill)
}

fn ljust(this: &Value, width: isize, fillchar: Option<&Value>) -> PyResult<Value> {
    let (fill, margin) = (fill(fillchar)?, missing(body(this)?, width));
    pad(this, 0, margin, fill)
}

fn rjust(this: &Value, width: isize, fillchar: Option<&Value>) -> PyResult<Value> {
    let (fill, margin) = (fill(fillchar)?, missing(body(this)?, width));
    pad(this, margin, 0, fill)
}

fn zfill(this: &Value, width: isize) -> PyResult<Value> {
    let text = body(this)?;
    let margin = missing(text, width);
    match text.chars().get(0) {
        Some(sign @ (0x2b | 0x2d)) if margin > 0 => {
            let zeros = text.chars().slice(1, text.len());
            let pieces = [Str::from_code(sign), pad(&Str::from_chars(zeros), margin, 0, 0x30)?];
            join(&Str::new_value(""), &Tuple::from_slice(&pieces))
        }
        _ => pad(this, margin, 0, 0x30),
    }
}

/// The part of the text that `find` and its family search, and the needle in units of its width.
fn search_in(this: &Value, args: &Tuple, name: &str, backwards: bool) -> PyResult<Option<usize>> {
    let text = body(this)?;
    let (sought, start, end) = find_arguments(name, args)?;
    let sought = required(sought)?;
    let Some(range) = adjust(start, end, text.len()) else { return Ok(None) };
    Ok(with_units!(text.chars(), units => match (units.get(range.clone()), fit(sought.chars())) {
        (Some(units), Some(needle)) if backwards => search::rfind(units, &needle),
        (Some(units), Some(needle)) => search::find(units, &needle),
        _ => None,
    })
    .map(|at| at + range.start))
}

fn index_or_minus_one(found: Option<usize>) -> isize {
    found.and_then(|at| isize::try_from(at).ok()).unwrap_or(-1)
}

fn index_or_error(found: Option<usize>) -> PyResult<isize> {
    match found {
        Some(_) => Ok(index_or_minus_one(found)),
        None => Err(value_error("substring not found")),
    }
}

fn find(this: &Value, args: &Tuple) -> PyResult<isize> {
    search_in(this, args, "find", false).map(index_or_minus_one)
}

fn rfind(this: &Value, args: &Tuple) -> PyResult<isize> {
    search_in(this, args, "rfind", true).map(index_or_minus_one)
}

fn index(this: &Value, args: &Tuple) -> PyResult<isize> {
    search_in(this, args, "index", false).and_then(index_or_error)
}

fn rindex(this: &Value, args: &Tuple) -> PyResult<isize> {
    search_in(this, args, "rindex", true).and_then(index_or_error)
}

fn count(this: &Value, args: &Tuple) -> PyResult<isize> {
    let text = body(this)?;
    let (sought, start, end) = find_arguments("count", args)?;
    let sought = required(sought)?;
    let Some(range) = adjust(start, end, text.len()) else { return Ok(0) };
    let count = with_units!(text.chars(), units => match (units.get(range), fit(sought.chars())) {
        (Some(units), Some(needle)) => search::count(units, &needle),
        _ => 0,
    });
    Ok(isize::try_from(count).unwrap_or(isize::MAX))
}

/// Whether `range` of the text begins (or ends) with `affix`.
fn has_affix(text: &Str, affix: &Str, range: Option<Range<usize>>, at_end: bool) -> bool {
    let Some(range) = range else { return false };
    if affix.len() > range.len() {
        return false;
    }
    let start = if at_end { range.end - affix.len() } else { range.start };
    match (text.chars(), affix.chars()) {
        (Chars::One(units), Chars::One(affix)) => units.get(start..start + affix.len()) == Some(affix),
        (chars, affix) => chars.slice(start, start + affix.len()).iter().eq(affix.iter()),
    }
}

fn tail_match(this: &Value, args: &Tuple, name: &str, at_end: bool) -> PyResult<bool> {
    let text = body(this)?;
    let (sought, start, end) = find_arguments(name, args)?;
    let range = adjust(start, end, text.len());
    if let Some(choices) = sought.downcast::<Tuple>() {
        for choice in choices.iter() {
            let Some(affix) = choice.downcast::<Str>() else {
                return Err(type_error(format!("tuple for {name} must only contain str, not {}", choice.ty().name())));
            };
            if has_affix(text, affix, range.clone(), at_end) {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match sought.downcast::<Str>() {
        Some(affix) => Ok(has_affix(text, affix, range, at_end)),
        None => Err(type_error(format!("{name} first arg must be str or a tuple of str, not {}", sought.ty().name()))),
    }
}

fn startswith(this: &Value, args: &Tuple) -> PyResult<bool> {
    tail_match(this, args, "startswith", false)
}

fn endswith(this: &Value, args: &Tuple) -> PyResult<bool> {
    tail_match(this, args, "endswith", true)
}

fn expandtabs(this: &Value, tabsize: Option<&Value>) -> PyResult<Value> {
    let size = tabsize.map_or(Ok(8), c_int)?;
    let text = body(this)?;
    if !text.chars().iter().any(|code| code == 0x09) {
        return unchanged(this);
    }
    let size = usize::try_from(size).unwrap_or(0);
    let mut builder = StrBuilder::with_capacity(text.len());
    let mut total = 0usize;
    let fits = with_units!(text.chars(), units => search::expand_tabs(units, size, |piece| match piece {
        Ok(unit) => {
            builder.push(unit.code());
            true
        }
        Err(spaces) => {
            total = total.saturating_add(spaces);
            if super::arguments::check_memory(total.saturating_mul(text.width())).is_err() {
                return false;
            }
            builder.push_repeated(0x20, spaces);
            true
        }
    }));
    if fits { Ok(builder.finish()) } else { Err(no_memory()) }
}

fn partition_at(this: &Value, sep: &Value, backwards: bool) -> PyResult<Value> {
    let text = body(this)?;
    let separator = required(sep)?;
    if separator.is_empty() {
        return Err(value_error("empty separator"));
    }
    let found = with_units!(text.chars(), units => match fit(separator.chars()) {
        Some(needle) if backwards => search::rfind(units, &needle),
        Some(needle) => search::find(units, &needle),
        None => None,
    });
    let empty = || Str::new_value("");
    Ok(Tuple::from_vec(match found {
        Some(at) => vec![
            Str::from_chars(text.chars().slice(0, at)),
            sep.clone(),
            Str::from_chars(text.chars().slice(at + separator.len(), text.len())),
        ],
        None if backwards => vec![empty(), empty(), unchanged(this)?],
        None => vec![unchanged(this)?, empty(), empty()],
    }))
}

fn partition(this: &Value, sep: &Value) -> PyResult<Value> {
    partition_at(this, sep, false)
}

fn rpartition(this: &Value, sep: &Value) -> PyResult<Value> {
    partition_at(this, sep, true)
}

fn strip_ends(this: &Value, chars: Option<&Value>, name: &str, left: bool, right: bool) -> PyResult<Value> {
    let text = body(this)?;
    let unwanted = match chars {
        None => None,
        Some(chars) if chars.is_none() => None,
        Some(chars) => match chars.downcast::<Str>() {
            Some(chars) => Some(chars),
            None => return Err(type_error(format!("{name} arg must be None or str"))),
        },
    };
    let range = with_units!(text.chars(), units => match unwanted {
        None => search::strip(units, left, right, |unit| is_space(unit.code())),
        Some(unwanted) => {
            let set = unwanted.chars();
            search::strip(units, left, right, |unit| set.iter().any(|code| code == unit.code()))
        }
    });
    part(this, text, range)
}

fn strip(this: &Value, chars: Option<&Value>) -> PyResult<Value> {
    strip_ends(this, chars, "strip", true, true)
}

fn lstrip(this: &Value, chars: Option<&Value>) -> PyResult<Value> {
    strip_ends(this, chars, "lstrip", true, false)
}

fn rstrip(this: &Value, chars: Option<&Value>) -> PyResult<Value> {
    strip_ends(this, chars, "rstrip", false, true)
}

fn splitlines(this: &Value, keepends: Option<&Value>) -> PyResult<Value> {
    let keep = keepends.map_or(Ok(0), c_int)? != 0;
    lines(this, keep)
}

/// The lines of a str, with their ends if `keep`. As `PyUnicode_Splitlines`.
///
/// # Errors
/// `TypeError` for what is no str.
pub(crate) fn lines(this: &Value, keep: bool) -> PyResult<Value> {
    let text = body(this)?;
    let ranges = with_units!(text.chars(), units => search::split_lines(units, is_line_break, keep));
    parts(this, text, ranges)
}

/// What a character is translated to.
enum Translated {
    Same,
    Nothing,
    Code(u32),
    Text(Value),
}

fn translate_code(table: &Value, code: u32) -> PyResult<Translated> {
    let result = match sequence::get_item(table, &Value::int(code.into())) {
        Ok(result) => result,
        Err(raised) if is_instance(&raised, &LOOKUP_ERROR) => return Ok(Translated::Same),
        Err(raised) => return Err(raised),
    };
    if result.is_none() {
        return Ok(Translated::Nothing);
    }
    if int::is_int(&result) {
        return match int::to_i64(&result).and_then(|code| u32::try_from(code).ok()) {
            Some(code @ 0..0x11_0000) => Ok(Translated::Code(code)),
            _ => Err(value_error("character mapping must be in range(0x110000)")),
        };
    }
    if result.downcast::<Str>().is_some() {
        return Ok(Translated::Text(result));
    }
    Err(type_error("character mapping must return integer, None or str"))
}

fn translate(this: &Str, table: &Value) -> PyResult<Value> {
    let mut builder = StrBuilder::with_capacity(this.len());
    // As unicode_fast_translate: in ASCII text the table is asked once for a character. The first one that is mapped to
    // anything but one ASCII character or nothing ends that, and is asked for again.
    let mut known: [Option<Option<u8>>; 128] = [None; 128];
    let mut fast = this.is_ascii();
    for code in this.chars().iter() {
        if fast && let Some(place) = known.get_mut(code as usize) {
            if place.is_none() {
                let learned = match translate_code(table, code)? {
                    Translated::Same => Some(Some(code)),
                    Translated::Nothing => Some(None),
                    Translated::Code(mapped) => Some(Some(mapped)),
                    Translated::Text(mapped) => match mapped.downcast::<Str>().map(Str::chars) {
                        Some(chars) if chars.len() == 1 => Some(chars.get(0)),
                        _ => None,
                    },
                };
                *place = match learned {
                    Some(None) => Some(None),
                    Some(Some(mapped)) if mapped < 0x80 => Some(Some(mapped as u8)),
                    _ => None,
                };
            }
            if let Some(mapped) = place {
                if let Some(byte) = mapped {
                    builder.push((*byte).into());
                }
                continue;
            }
            fast = false;
        }
        match translate_code(table, code)? {
            Translated::Same => builder.push(code),
            Translated::Nothing => {}
            Translated::Code(mapped) => builder.push(mapped),
            Translated::Text(mapped) => {
                builder.push_chars(mapped.downcast::<Str>().map_or(Chars::One(&[]), Str::chars));
            }
        }
    }
    Ok(builder.finish())
}

fn maketrans(x: &Value, y: Option<&Str>, z: Option<&Str>) -> PyResult<Value> {
    let result = Dict::new_value();
    let Some(dict) = result.exact::<Dict>() else { return Err(no_memory()) };
    let Some(y) = y else {
        let Some(table) = x.exact::<Dict>() else {
            return Err(type_error("if you give only one argument to maketrans it must be a dict"));
        };
        for (key, value) in table.items() {
            if let Some(text) = key.downcast::<Str>() {
                match (text.chars().get(0), text.len()) {
                    (Some(code), 1) => dict.set(&Value::int(code.into()), value)?,
                    _ => return Err(value_error("string keys in translate table must be of length 1")),
                }
            } else if int::is_int(&key) {
                dict.set(&key, value)?;
            } else {
                return Err(type_error("keys in translate table must be strings or integers"));
            }
        }
        return Ok(result);
    };
    let Some(x) = x.downcast::<Str>() else {
        return Err(type_error("first maketrans argument must be a string if there is a second argument"));
    };
    if x.len() != y.len() {
        return Err(value_error("the first two maketrans arguments must have equal length"));
    }
    for (from, to) in x.chars().iter().zip(y.chars().iter()) {
        dict.set(&Value::int(from.into()), Value::int(to.into()))?;
    }
    for code in z.map_or(Chars::One(&[]), Str::chars).iter() {
        dict.set(&Value::int(code.into()), Value::NONE)?;
    }
    Ok(result)
}

/// Whether formatting leaves the text as it is. CPython returns the very object then, of a subclass too.
fn has_no_braces(text: &Str) -> bool {
    !text.is_empty() && text.chars().iter().all(|code| code != '{' as u32 && code != '}' as u32)
}

fn format(this: &Value, args: &Tuple, kwargs: &Dict) -> PyResult<Value> {
    let text = body(this)?;
    if has_no_braces(text) {
        return Ok(this.clone());
    }
    format::format(text, format::Arguments::Call(args.as_slice(), kwargs))
}

fn format_map(this: &Value, mapping: &Value) -> PyResult<Value> {
    let text = body(this)?;
    if has_no_braces(text) {
        return Ok(this.clone());
    }
    format::format(text, format::Arguments::Mapping(mapping))
}

fn dunder_format(this: &Value, format_spec: &Str) -> PyResult<Value> {
    format_spec::format_str(this, format_spec)
}

fn sizeof(this: &Str) -> isize {
    let (fixed, width) = match (this.is_ascii(), this.width()) {
        (true, _) => (49, 1),
        (false, 1) => (73, 1),
        (false, 2) => (74, 2),
        (false, _) => (76, 4),
    };
    (fixed + this.len() * width) as isize
}

fn getnewargs(this: &Str) -> Value {
    Tuple::from_vec(vec![Str::copy(this)])
}
