//! The methods that bytes and bytearray share.

use super::{Bytes, buffer_of, buffer_or_none, lookup_buffer};
use crate::object::error::PyResult;
use crate::object::native::ssize;
use crate::object::value::{Payload, Value};
use crate::object::{TypeObject, call, number, sequence};
use crate::types::bytearray::Bytearray;
use crate::types::codecs;
use crate::types::exceptions::{overflow_error, type_error, value_error};
use crate::types::list::{self, List};
use crate::types::str::arguments::{adjust, c_int, check_memory, codec_name, find_arguments, limit, no_memory};
use crate::types::str::{Str, search};
use crate::types::tuple::Tuple;
use std::borrow::Cow;
use std::ops::Range;

/// Digits of hexadecimal numbers.
pub(crate) const HEX: &[u8; 16] = b"0123456789abcdef";

const BYTE_RANGE: &str = "byte must be in range(0, 256)";

/// A type whose instances are strings of bytes: bytes or bytearray.
pub(crate) trait ByteString: Payload {
    /// An object of the exact type.
    fn make(bytes: &[u8]) -> Value;
    /// The bytes.
    fn data(&self) -> Cow<'_, [u8]>;
    /// What an operation that changes nothing returns.
    fn same(this: &Value) -> PyResult<Value>;
    /// Whether there can be an object of `len` bytes.
    fn check_size(len: usize) -> PyResult<()>;
}

impl ByteString for Bytes {
    fn make(bytes: &[u8]) -> Value {
        Bytes::new_value(bytes)
    }
    #[inline]
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_slice())
    }
    fn same(this: &Value) -> PyResult<Value> {
        if this.is_exact::<Bytes>() { Ok(this.clone()) } else { Ok(Bytes::new_value(super::body(this)?.as_slice())) }
    }
    fn check_size(len: usize) -> PyResult<()> {
        super::check_size(len)
    }
}

impl ByteString for Bytearray {
    fn make(bytes: &[u8]) -> Value {
        Bytearray::new_value(bytes.to_vec())
    }
    #[inline]
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.to_vec())
    }
    fn same(this: &Value) -> PyResult<Value> {
        Ok(Bytearray::new_value(data::<Bytearray>(this)?.into_owned()))
    }
    fn check_size(len: usize) -> PyResult<()> {
        check_memory(len.saturating_mul(2))
    }
}

/// The bytes of `this`.
fn data<B: ByteString>(this: &Value) -> PyResult<Cow<'_, [u8]>> {
    match this.downcast::<B>() {
        Some(body) => Ok(body.data()),
        None => Err(type_error(format!("expected {}, not {}", B::type_object().name(), this.ty().name()))),
    }
}

fn is_space(code: u32) -> bool {
    matches!(code, 0x20 | 0x09..=0x0d)
}

fn is_line_break(code: u32) -> bool {
    matches!(code, 0x0a | 0x0d)
}

/// Part of the bytes; for bytes the object itself when it is all of them.
fn part<B: ByteString>(this: &Value, bytes: &[u8], range: Range<usize>) -> PyResult<Value> {
    if range.start == 0 && range.end == bytes.len() {
        return B::same(this);
    }
    Ok(B::make(bytes.get(range).unwrap_or_default()))
}

fn parts<B: ByteString>(this: &Value, bytes: &[u8], ranges: Vec<Range<usize>>) -> PyResult<Value> {
    let mut items = Vec::with_capacity(ranges.len());
    for range in ranges {
        items.push(part::<B>(this, bytes, range)?);
    }
    Ok(List::from_vec(items))
}

/// `bytes.__getnewargs__`.
pub(super) fn getnewargs(this: &Bytes) -> Value {
    Tuple::from_vec(vec![Bytes::new_value(this.as_slice())])
}

fn mapped<B: ByteString>(this: &B, map: impl Fn(u8) -> u8) -> Value {
    let mut bytes = this.data().into_owned();
    for byte in &mut bytes {
        *byte = map(*byte);
    }
    B::make(&bytes)
}

pub(super) fn lower<B: ByteString>(this: &B) -> Value {
    mapped(this, |byte| byte.to_ascii_lowercase())
}

pub(super) fn upper<B: ByteString>(this: &B) -> Value {
    mapped(this, |byte| byte.to_ascii_uppercase())
}

pub(super) fn swapcase<B: ByteString>(this: &B) -> Value {
    mapped(this, |byte| if byte.is_ascii_alphabetic() { byte ^ 0x20 } else { byte })
}

pub(super) fn capitalize<B: ByteString>(this: &B) -> Value {
    let mut bytes = this.data().to_ascii_lowercase();
    if let Some(first) = bytes.first_mut() {
        *first = first.to_ascii_uppercase();
    }
    B::make(&bytes)
}

pub(super) fn title<B: ByteString>(this: &B) -> Value {
    let mut bytes = this.data().into_owned();
    let mut after_cased = false;
    for byte in &mut bytes {
        *byte = if after_cased { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() };
        after_cased = byte.is_ascii_alphabetic();
    }
    B::make(&bytes)
}

fn all<B: ByteString>(this: &B, test: impl Fn(&u8) -> bool) -> bool {
    let bytes = this.data();
    !bytes.is_empty() && bytes.iter().all(test)
}

pub(super) fn isalnum<B: ByteString>(this: &B) -> bool {
    all(this, u8::is_ascii_alphanumeric)
}

pub(super) fn isalpha<B: ByteString>(this: &B) -> bool {
    all(this, u8::is_ascii_alphabetic)
}

pub(super) fn isascii<B: ByteString>(this: &B) -> bool {
    this.data().is_ascii()
}

pub(super) fn isdigit<B: ByteString>(this: &B) -> bool {
    all(this, u8::is_ascii_digit)
}

pub(super) fn isspace<B: ByteString>(this: &B) -> bool {
    all(this, |&byte| is_space(byte.into()))
}

pub(super) fn islower<B: ByteString>(this: &B) -> bool {
    let bytes = this.data();
    bytes.iter().any(u8::is_ascii_lowercase) && !bytes.iter().any(u8::is_ascii_uppercase)
}

pub(super) fn isupper<B: ByteString>(this: &B) -> bool {
    let bytes = this.data();
    bytes.iter().any(u8::is_ascii_uppercase) && !bytes.iter().any(u8::is_ascii_lowercase)
}

pub(super) fn istitle<B: ByteString>(this: &B) -> bool {
    let (mut found, mut after_cased) = (false, false);
    for byte in this.data().iter() {
        if byte.is_ascii_uppercase() && after_cased || byte.is_ascii_lowercase() && !after_cased {
            return false;
        }
        after_cased = byte.is_ascii_alphabetic();
        found |= after_cased;
    }
    found
}

/// What `find` and its family look for: bytes, or one byte given as an int. As `parse_args_finds_byte`.
fn sought(value: &Value) -> PyResult<Cow<'_, [u8]>> {
    if let Some(buffer) = lookup_buffer(value)? {
        return Ok(buffer);
    }
    if !number::is_index(value) {
        return Err(type_error(format!(
            "argument should be integer or bytes-like object, not '{}'",
            value.ty().name()
        )));
    }
    Ok(Cow::Owned(vec![super::byte_value(value, BYTE_RANGE)?]))
}

fn position<B: ByteString>(this: &Value, args: &Tuple, name: &str, backwards: bool) -> PyResult<Option<usize>> {
    let (needle, start, end) = find_arguments(name, args)?;
    let needle = sought(needle)?;
    let bytes = data::<B>(this)?;
    let Some(range) = adjust(start, end, bytes.len()) else { return Ok(None) };
    let within = bytes.get(range.clone()).unwrap_or_default();
    let found = if backwards { search::rfind(within, &needle) } else { search::find(within, &needle) };
    Ok(found.map(|at| at + range.start))
}

fn index_or_minus_one(found: Option<usize>) -> isize {
    found.and_then(|at| isize::try_from(at).ok()).unwrap_or(-1)
}

fn index_or_error(found: Option<usize>) -> PyResult<isize> {
    if found.is_some() { Ok(index_or_minus_one(found)) } else { Err(value_error("subsection not found")) }
}

pub(super) fn find<B: ByteString>(this: &Value, args: &Tuple) -> PyResult<isize> {
    position::<B>(this, args, "find", false).map(index_or_minus_one)
}

pub(super) fn rfind<B: ByteString>(this: &Value, args: &Tuple) -> PyResult<isize> {
    position::<B>(this, args, "rfind", true).map(index_or_minus_one)
}

pub(super) fn index<B: ByteString>(this: &Value, args: &Tuple) -> PyResult<isize> {
    position::<B>(this, args, "index", false).and_then(index_or_error)
}

pub(super) fn rindex<B: ByteString>(this: &Value, args: &Tuple) -> PyResult<isize> {
    position::<B>(this, args, "rindex", true).and_then(index_or_error)
}

pub(super) fn count<B: ByteString>(this: &Value, args: &Tuple) -> PyResult<isize> {
    let (needle, start, end) = find_arguments("count", args)?;
    let needle = sought(needle)?;
    let bytes = data::<B>(this)?;
    let Some(range) = adjust(start, end, bytes.len()) else { return Ok(0) };
    Ok(search::count(bytes.get(range).unwrap_or_default(), &needle) as isize)
}

/// `item in bytes`.
///
/// # Errors
/// `ValueError` for ints that are no bytes, `TypeError` for values that are neither ints nor bytes-like.
pub(crate) fn contains<B: ByteString>(this: &Value, item: &Value) -> PyResult<bool> {
    if number::is_index(item)
        && let Ok(byte) = number::index_to_i64(item)
    {
        return match byte.map(u8::try_from) {
            Some(Ok(byte)) => Ok(data::<B>(this)?.contains(&byte)),
            _ => Err(value_error(BYTE_RANGE)),
        };
    }
    let needle = buffer_of(item)?;
    Ok(search::find(&data::<B>(this)?, &needle).is_some())
}

fn tail_match<B: ByteString>(this: &Value, args: &Tuple, name: &str, at_end: bool) -> PyResult<bool> {
    let (affix, start, end) = find_arguments(name, args)?;
    let bytes = data::<B>(this)?;
    let within = adjust(start, end, bytes.len()).and_then(|range| bytes.get(range));
    let has = |affix: &[u8]| {
        within.is_some_and(|within| if at_end { within.ends_with(affix) } else { within.starts_with(affix) })
    };
    if let Some(choices) = affix.downcast::<Tuple>() {
        for choice in choices.iter() {
            if has(&buffer_of(choice)?) {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match lookup_buffer(affix)? {
        Some(affix) => Ok(has(&affix)),
        None => {
            Err(type_error(format!("{name} first arg must be bytes or a tuple of bytes, not {}", affix.ty().name())))
        }
    }
}

pub(super) fn startswith<B: ByteString>(this: &Value, args: &Tuple) -> PyResult<bool> {
    tail_match::<B>(this, args, "startswith", false)
}

pub(super) fn endswith<B: ByteString>(this: &Value, args: &Tuple) -> PyResult<bool> {
    tail_match::<B>(this, args, "endswith", true)
}

/// The separator of split and rsplit: `None` for white space.
fn separator(value: Option<&Value>) -> PyResult<Option<Cow<'_, [u8]>>> {
    match value {
        None => Ok(None),
        Some(value) if value.is_none() => Ok(None),
        Some(value) => required_separator(value).map(Some),
    }
}

fn required_separator(value: &Value) -> PyResult<Cow<'_, [u8]>> {
    let separator = buffer_of(value)?;
    if separator.is_empty() { Err(value_error("empty separator")) } else { Ok(separator) }
}

pub(super) fn split<B: ByteString>(this: &Value, sep: Option<&Value>, maxsplit: Option<isize>) -> PyResult<Value> {
    let max = limit(maxsplit);
    let sep = separator(sep)?;
    let bytes = data::<B>(this)?;
    let ranges = match sep {
        None => search::split_space(&bytes, is_space, max),
        Some(sep) => search::split(&bytes, &sep, max),
    };
    parts::<B>(this, &bytes, ranges)
}

pub(super) fn rsplit<B: ByteString>(this: &Value, sep: Option<&Value>, maxsplit: Option<isize>) -> PyResult<Value> {
    let max = limit(maxsplit);
    let sep = separator(sep)?;
    let bytes = data::<B>(this)?;
    let ranges = match sep {
        None => search::rsplit_space(&bytes, is_space, max),
        Some(sep) => search::rsplit(&bytes, &sep, max),
    };
    parts::<B>(this, &bytes, ranges)
}

pub(super) fn splitlines<B: ByteString>(this: &Value, keepends: Option<&Value>) -> PyResult<Value> {
    let keep = keepends.map_or(Ok(0), c_int)? != 0;
    let bytes = data::<B>(this)?;
    let ranges = search::split_lines(&bytes, is_line_break, keep);
    parts::<B>(this, &bytes, ranges)
}

fn partition_at<B: ByteString>(this: &Value, sep: &Value, backwards: bool) -> PyResult<Value> {
    let separator = required_separator(sep)?;
    let bytes = data::<B>(this)?;
    let found = if backwards { search::rfind(&bytes, &separator) } else { search::find(&bytes, &separator) };
    let empty = || B::make(&[]);
    Ok(Tuple::from_vec(match found {
        Some(at) => {
            let after = bytes.get(at + separator.len()..).unwrap_or_default();
            // The separator object itself for bytes, a copy for bytearray.
            let middle = if B::type_object().name() == "bytes" { sep.clone() } else { B::make(&separator) };
            vec![B::make(bytes.get(..at).unwrap_or_default()), middle, B::make(after)]
        }
        None if backwards => vec![empty(), empty(), B::same(this)?],
        None => vec![B::same(this)?, empty(), empty()],
    }))
}

pub(super) fn partition<B: ByteString>(this: &Value, sep: &Value) -> PyResult<Value> {
    partition_at::<B>(this, sep, false)
}

pub(super) fn rpartition<B: ByteString>(this: &Value, sep: &Value) -> PyResult<Value> {
    partition_at::<B>(this, sep, true)
}

fn strip_ends<B: ByteString>(this: &Value, chars: Option<&Value>, left: bool, right: bool) -> PyResult<Value> {
    let unwanted = chars.filter(|chars| !chars.is_none()).map(buffer_of).transpose()?;
    let bytes = data::<B>(this)?;
    let range = search::strip(&bytes, left, right, |byte: u8| match &unwanted {
        Some(unwanted) => unwanted.contains(&byte),
        None => is_space(byte.into()),
    });
    part::<B>(this, &bytes, range)
}

pub(super) fn strip<B: ByteString>(this: &Value, chars: Option<&Value>) -> PyResult<Value> {
    strip_ends::<B>(this, chars, true, true)
}

pub(super) fn lstrip<B: ByteString>(this: &Value, chars: Option<&Value>) -> PyResult<Value> {
    strip_ends::<B>(this, chars, true, false)
}

pub(super) fn rstrip<B: ByteString>(this: &Value, chars: Option<&Value>) -> PyResult<Value> {
    strip_ends::<B>(this, chars, false, true)
}

/// The fill byte of center, ljust and rjust; a space when it is not given.
fn fill(value: Option<&Value>, name: &str) -> PyResult<u8> {
    let Some(value) = value else { return Ok(b' ') };
    let byte = match (value.downcast::<Bytes>(), value.downcast::<Bytearray>()) {
        (Some(bytes), _) if bytes.as_slice().len() == 1 => bytes.as_slice().first().copied(),
        (_, Some(array)) if array.len() == 1 => array.get(0),
        _ => None,
    };
    if let Some(byte) = byte {
        return Ok(byte);
    }
    let found = if value.is_none() { "None" } else { value.ty().name() };
    Err(type_error(format!("{name}() argument 2 must be a byte string of length 1, not {found}")))
}

fn pad<B: ByteString>(this: &Value, left: usize, right: usize, fill: u8) -> PyResult<Value> {
    if left == 0 && right == 0 {
        return B::same(this);
    }
    let bytes = data::<B>(this)?;
    let Some(len) = left.checked_add(right).and_then(|more| more.checked_add(bytes.len())) else {
        return Err(no_memory());
    };
    B::check_size(len)?;
    let mut padded = vec![fill; left];
    padded.extend_from_slice(&bytes);
    padded.resize(len, fill);
    Ok(B::make(&padded))
}

fn missing<B: ByteString>(this: &Value, width: isize) -> PyResult<usize> {
    Ok(usize::try_from(width).unwrap_or(0).saturating_sub(data::<B>(this)?.len()))
}

pub(super) fn center<B: ByteString>(this: &Value, width: isize, fillchar: Option<&Value>) -> PyResult<Value> {
    let (fill, margin) = (fill(fillchar, "center")?, missing::<B>(this, width)?);
    let left = margin / 2 + (margin & width as usize & 1);
    pad::<B>(this, left, margin - left, fill)
}

pub(super) fn ljust<B: ByteString>(this: &Value, width: isize, fillchar: Option<&Value>) -> PyResult<Value> {
    let (fill, margin) = (fill(fillchar, "ljust")?, missing::<B>(this, width)?);
    pad::<B>(this, 0, margin, fill)
}

pub(super) fn rjust<B: ByteString>(this: &Value, width: isize, fillchar: Option<&Value>) -> PyResult<Value> {
    let (fill, margin) = (fill(fillchar, "rjust")?, missing::<B>(this, width)?);
    pad::<B>(this, margin, 0, fill)
}

pub(super) fn zfill<B: ByteString>(this: &Value, width: isize) -> PyResult<Value> {
    let margin = missing::<B>(this, width)?;
    let padded = pad::<B>(this, margin, 0, b'0')?;
    let mut bytes = data::<B>(&padded)?.into_owned();
    if margin > 0
        && let Some(&sign @ (b'+' | b'-')) = bytes.get(margin)
    {
        bytes.swap(0, margin);
        debug_assert_eq!(bytes.first(), Some(&sign));
        return Ok(B::make(&bytes));
    }
    Ok(padded)
}

pub(super) fn expandtabs<B: ByteString>(this: &Value, tabsize: Option<&Value>) -> PyResult<Value> {
    let size = usize::try_from(tabsize.map_or(Ok(8), c_int)?).unwrap_or(0);
    let bytes = data::<B>(this)?;
    let mut expanded = Vec::with_capacity(bytes.len());
    let fits = search::expand_tabs(&bytes, size, |piece| match piece {
        Ok(byte) => {
            expanded.push(byte);
            true
        }
        Err(spaces) => {
            let len = expanded.len().saturating_add(spaces);
            let fits = check_memory(len).is_ok();
            if fits {
                expanded.resize(len, b' ');
            }
            fits
        }
    });
    if fits { Ok(B::make(&expanded)) } else { Err(no_memory()) }
}

pub(super) fn replace<B: ByteString>(this: &Value, old: &Value, new: &Value, count: Option<&Value>) -> PyResult<Value> {
    let (old, new) = (buffer_of(old)?, buffer_of(new)?);
    let count = count.map(ssize).transpose()?;
    let max = limit(count);
    let bytes = data::<B>(this)?;
    // Nothing is put into an empty text when a count is given: CPython 3.8 stops there.
    let counted_empty = bytes.is_empty() && count.is_some_and(|count| count >= 0);
    if max == 0 || counted_empty || bytes.len() < old.len() {
        return B::same(this);
    }
    let found: Vec<usize> = if old.is_empty() {
        (0..=bytes.len()).take(max).collect()
    } else {
        search::matches(&bytes, &old).take(max).collect()
    };
    if found.is_empty() || (old.is_empty() && new.is_empty()) {
        return B::same(this);
    }
    let grown = found.len().checked_mul(new.len()).and_then(|grown| grown.checked_add(bytes.len()));
    let Some(len) = grown.map(|grown| grown - found.len() * old.len()) else {
        return Err(overflow_error("replace bytes is too long"));
    };
    B::check_size(len)?;
    let mut out = Vec::with_capacity(len);
    let mut from = 0;
    for at in found {
        out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        out.extend_from_slice(&new);
        from = at + old.len();
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    Ok(B::make(&out))
}

pub(super) fn join<B: ByteString>(this: &Value, iterable: &Value) -> PyResult<Value> {
    let items = list::collect_or(iterable, "can only join an iterable")?;
    if let [only] = items.as_slice()
        && only.is_exact::<Bytes>()
    {
        return if B::type_object().name() == "bytes" { Ok(only.clone()) } else { Ok(B::make(&buffer_of(only)?)) };
    }
    let separator = data::<B>(this)?;
    let mut out = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some(buffer) = buffer_or_none(item) else {
            return Err(type_error(format!(
                "sequence item {index}: expected a bytes-like object, {} found",
                item.ty().name()
            )));
        };
        let gap: &[u8] = if index > 0 { &separator } else { &[] };
        check_memory(out.len().saturating_add(gap.len()).saturating_add(buffer.len()))?;
        out.extend_from_slice(gap);
        out.extend_from_slice(&buffer);
    }
    Ok(B::make(&out))
}

pub(super) fn translate<B: ByteString>(this: &Value, table: &Value, delete: Option<&Value>) -> PyResult<Value> {
    let table = if table.is_none() { None } else { Some(buffer_of(table)?) };
    if table.as_ref().is_some_and(|table| table.len() != 256) {
        return Err(value_error("translation table must be 256 characters long"));
    }
    let delete = delete.map(buffer_of).transpose()?.unwrap_or_default();
    let mut deleted = [false; 256];
    for &byte in delete.iter() {
        deleted[usize::from(byte)] = true;
    }
    let bytes = data::<B>(this)?;
    let translated: Vec<u8> = bytes
        .iter()
        .filter(|&&byte| !deleted[usize::from(byte)])
        .map(|&byte| table.as_ref().and_then(|table| table.get(usize::from(byte)).copied()).unwrap_or(byte))
        .collect();
    if translated == *bytes { B::same(this) } else { Ok(B::make(&translated)) }
}

pub(super) fn maketrans(from: &Value, to: &Value) -> PyResult<Value> {
    let (from, to) = (buffer_of(from)?, buffer_of(to)?);
    if from.len() != to.len() {
        return Err(value_error("maketrans arguments must have same length"));
    }
    let mut table: [u8; 256] = std::array::from_fn(|byte| byte as u8);
    for (&from, &to) in from.iter().zip(to.iter()) {
        table[usize::from(from)] = to;
    }
    Ok(Bytes::new_value(&table))
}

pub(super) fn decode<B: ByteString>(this: &Value, encoding: Option<&Value>, errors: Option<&Value>) -> PyResult<Value> {
    let encoding = codec_name(encoding, "decode", "'encoding'")?;
    let errors = codec_name(errors, "decode", "'errors'")?;
    codecs::decode(&data::<B>(this)?, encoding.as_deref(), errors.as_deref())
}

pub(super) fn fromhex<B: ByteString>(class: &Value, string: &Str) -> PyResult<Value> {
    let bad = |at: usize| value_error(format!("non-hexadecimal number found in fromhex() arg at position {at}"));
    if let Some(at) = string.chars().iter().position(|code| code >= 0x80) {
        return Err(bad(at));
    }
    let text = string.storage();
    let digit = |at: usize| {
        let value = text.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        value.map(|value| value as u8).ok_or_else(|| bad(at))
    };
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if is_space(byte.into()) {
            at += 1;
            continue;
        }
        bytes.push(digit(at)? << 4 | digit(at + 1)?);
        at += 2;
    }
    let result = B::make(&bytes);
    let exact = class.downcast::<TypeObject>().is_some_and(|ty| std::ptr::eq(ty, B::type_object()));
    if exact { Ok(result) } else { call::call(class, &[result]) }
}

pub(super) fn hex<B: ByteString>(this: &Value, sep: Option<&Value>, bytes_per_sep: Option<&Value>) -> PyResult<Value> {
    let group = bytes_per_sep.map_or(Ok(1), c_int)?;
    let bytes = data::<B>(this)?;
    hex_text(&bytes, sep, group)
}

/// The hexadecimal text of bytes, with a separator between groups. As `_Py_strhex_with_sep`.
///
/// # Errors
/// `ValueError` or `TypeError` for a separator that is no single ASCII character.
pub(crate) fn hex_text(bytes: &[u8], sep: Option<&Value>, group: i32) -> PyResult<Value> {
    let mut separator = None;
    if let Some(sep) = sep {
        if sequence::len(sep)? != 1 {
            return Err(value_error("sep must be length 1."));
        }
        let code = if let Some(text) = sep.downcast::<Str>() {
            text.chars().get(0).unwrap_or(0)
        } else if let Some(bytes) = sep.downcast::<Bytes>() {
            bytes.as_slice().first().copied().unwrap_or(0).into()
        } else {
            return Err(type_error("sep must be str or bytes."));
        };
        match u8::try_from(code) {
            Ok(byte) if byte.is_ascii() => separator = Some(byte),
            _ => return Err(value_error("sep must be ASCII.")),
        }
    }
    check_memory(bytes.len().saturating_mul(3))?;
    let size = group.unsigned_abs() as usize;
    let mut out = Vec::with_capacity(bytes.len() * 2);
    for (index, &byte) in bytes.iter().enumerate() {
        // Positive groups count from the end.
        let place = if group > 0 { bytes.len() - index } else { index };
        if let Some(separator) = separator
            && index > 0
            && size > 0
            && place.is_multiple_of(size)
        {
            out.push(separator);
        }
        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
    Ok(Str::from_latin1(&out))
}
