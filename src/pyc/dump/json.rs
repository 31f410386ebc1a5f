//! The dump for tools: JSON that says everything the file says.
//!
//! The file can be made anew from it, byte for byte. One JSON object:
//!
//! | key | value |
//! | --- | --- |
//! | `header` | `magic`, `flags`; then `mtime` and `size`, or `source_hash` (hexadecimal) and `check_source` |
//! | `root` | the outermost object, as below |
//! | `trailing` | the bytes after it, hexadecimal |
//!
//! Every object of the marshal data is a JSON object:
//!
//! | key | value |
//! | --- | --- |
//! | `type` | its type code by `marshal.c`'s name, such as `TYPE_SHORT_ASCII_INTERNED`: the exact form, interning included |
//! | `offset` | where in the file it begins |
//! | `flag_ref` | `true`, if its type byte carries FLAG_REF; else absent |
//! | `ref` | its reference index, if FLAG_REF gives it one (it gives none to singletons and references) |
//!
//! and what its type adds:
//!
//! | type | keys |
//! | --- | --- |
//! | `TYPE_INT` | `value`: a number |
//! | `TYPE_INT64`, `TYPE_LONG` | `value`: a string, hexadecimal: `"-0x1f"` |
//! | `TYPE_FLOAT` | `text`: the text, one character a byte |
//! | `TYPE_BINARY_FLOAT` | `bits`: the 64 bits, hexadecimal, most significant first; `value`: a number, or `"nan"`, `"inf"`, `"-inf"` |
//! | `TYPE_COMPLEX` | `real_text`, `imag_text`: as `text` |
//! | `TYPE_BINARY_COMPLEX` | `real_bits`, `real`, `imag_bits`, `imag`: as `bits` and `value` |
//! | `TYPE_STRING` | `hex`: the bytes |
//! | str types | `value`: the string, lone surrogates as `\udxxx`; or `code_points`: an array of numbers, if two surrogates stand so that a JSON reader would make one character of them |
//! | `TYPE_TUPLE`, `TYPE_SMALL_TUPLE`, `TYPE_LIST`, `TYPE_SET`, `TYPE_FROZENSET` | `items`: an array of objects |
//! | `TYPE_DICT` | `items`: keys and values in turn, ended by a `TYPE_NULL` |
//! | `TYPE_REF` | `index`: the `ref` of the object it stands for, never the object again |
//! | `TYPE_CODE` | `argcount`, `posonlyargcount`, `kwonlyargcount`, `nlocals`, `stacksize`, `flags`, `flag_names`, `firstlineno`; and the objects `code`, `consts`, `names`, `varnames`, `freevars`, `cellvars`, `filename`, `name`, `lnotab` |
//! | `TYPE_NULL` | nothing; or, for a code object that lacks a field and so reads as NULL, `hex`: its bytes |

use crate::pyc::Pyc;
use crate::pyc::code::{CodeObject, Long, Str};
use crate::pyc::flags::CodeFlags;
use crate::pyc::header::{MAGIC, Validation};
use crate::pyc::marshal::{NodeId, Object, Payload, Tree, TypeCode};
use std::io::{self, Write};

/// Writes the dump of a file, in one line.
///
/// # Errors
/// What the writer says.
pub fn dump(pyc: &Pyc<'_>, out: &mut impl Write) -> io::Result<()> {
    let header = pyc.header;
    write!(out, "{{\"header\":{{\"magic\":{MAGIC},\"flags\":{}", header.flags)?;
    match header.validation {
        Validation::Timestamp { mtime, size } => write!(out, ",\"mtime\":{mtime},\"size\":{size}")?,
        Validation::Hash { hash, check_source } => {
            out.write_all(b",\"source_hash\":")?;
            hex(&hash, out)?;
            write!(out, ",\"check_source\":{check_source}")?;
        }
    }
    out.write_all(b"},\"root\":")?;
    tree(pyc.tree(), out)?;
    out.write_all(b",\"trailing\":")?;
    hex(pyc.tree().trailing(), out)?;
    out.write_all(b"}\n")
}

/// What is still to be written of an open object.
enum Rest<'t> {
    /// The items from an index on.
    Items(&'t [NodeId], usize),
    /// The object fields of a code object from an index on.
    Fields(&'t CodeObject, usize),
}

/// Writes the outermost object of a tree. Uses no native recursion.
fn tree(tree: &Tree<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut open = Vec::new();
    open.extend(object(tree.root(), out)?);
    while let Some(rest) = open.last_mut() {
        let next = match rest {
            Rest::Items(ids, index) => {
                let next = ids.get(*index);
                if next.is_some() && *index > 0 {
                    out.write_all(b",")?;
                }
                *index += 1;
                next.copied()
            }
            Rest::Fields(code, index) => {
                let field = code.fields().get(*index).copied();
                *index += 1;
                if let Some((name, _)) = field {
                    write!(out, ",\"{name}\":")?;
                }
                field.map(|(_, id)| id)
            }
        };
        match next {
            Some(id) => open.extend(object(tree.object(id), out)?),
            None => {
                out.write_all(if matches!(rest, Rest::Items(..)) { b"]}" } else { b"}" })?;
                open.pop();
            }
        }
    }
    Ok(())
}

/// Writes an object up to its parts, or all of it if it has none.
fn object<'t>(object: Object<'t, '_>, out: &mut impl Write) -> io::Result<Option<Rest<'t>>> {
    let type_code = object.type_code();
    write!(out, "{{\"type\":\"{}\",\"offset\":{}", type_code.name(), object.offset())?;
    if object.has_flag_ref() {
        out.write_all(b",\"flag_ref\":true")?;
        if let Some(index) = object.ref_index() {
            write!(out, ",\"ref\":{index}")?;
        }
    }
    match object.payload() {
        Payload::None(_) if object.is_bare_null() || type_code != TypeCode::Null => {}
        Payload::None(bytes) | Payload::Bytes(bytes) => {
            out.write_all(b",\"hex\":")?;
            hex(bytes, out)?;
        }
        Payload::Int(value) if type_code == TypeCode::Int => write!(out, ",\"value\":{value}")?,
        Payload::Int(value) => {
            let sign = if value < 0 { "-" } else { "" };
            write!(out, ",\"value\":\"{sign}{:#x}\"", value.unsigned_abs())?;
        }
        Payload::Long(value) => {
            out.write_all(b",\"value\":\"")?;
            hex_long(value, out)?;
            out.write_all(b"\"")?;
        }
        Payload::FloatText(text) => {
            out.write_all(b",\"text\":")?;
            latin1(text, out)?;
        }
        Payload::FloatBits(bits) => {
            write!(out, ",\"bits\":\"{bits:016x}\",\"value\":")?;
            number(bits, out)?;
        }
        Payload::ComplexText(real, imag) => {
            out.write_all(b",\"real_text\":")?;
            latin1(real, out)?;
            out.write_all(b",\"imag_text\":")?;
            latin1(imag, out)?;
        }
        Payload::ComplexBits(real, imag) => {
            write!(out, ",\"real_bits\":\"{real:016x}\",\"real\":")?;
            number(real, out)?;
            write!(out, ",\"imag_bits\":\"{imag:016x}\",\"imag\":")?;
            number(imag, out)?;
        }
        Payload::Str(value) => string(value, out)?,
        Payload::Ref(index, _) => write!(out, ",\"index\":{index}")?,
        Payload::Children(ids) => {
            out.write_all(b",\"items\":[")?;
            return Ok(Some(Rest::Items(ids, 0)));
        }
        Payload::Code(code) => {
            counts(code, out)?;
            return Ok(Some(Rest::Fields(code, 0)));
        }
    }
    out.write_all(b"}")?;
    Ok(None)
}

fn counts(code: &CodeObject, out: &mut impl Write) -> io::Result<()> {
    let counts = [
        ("argcount", code.argcount),
        ("posonlyargcount", code.posonlyargcount),
        ("kwonlyargcount", code.kwonlyargcount),
        ("nlocals", code.nlocals),
        ("stacksize", code.stacksize),
        ("flags", code.flags),
        ("firstlineno", code.firstlineno),
    ];
    for (name, value) in counts {
        write!(out, ",\"{name}\":{value}")?;
    }
    out.write_all(b",\"flag_names\":[")?;
    for (index, name) in CodeFlags(code.flags.cast_unsigned()).names().enumerate() {
        write!(out, "{}\"{name}\"", if index == 0 { "" } else { "," })?;
    }
    out.write_all(b"]")
}

/// Writes a string's value, or its code points if JSON's escapes cannot tell them from others.
fn string(string: Str<'_>, out: &mut impl Write) -> io::Result<()> {
    if let Some(text) = string.as_str() {
        out.write_all(b",\"value\":\"")?;
        escaped(text, out)?;
        return out.write_all(b"\"");
    }
    let is_high = |point| (0xD800..0xDC00).contains(&point);
    let is_low = |point| (0xDC00..0xE000).contains(&point);
    let mut points = string.code_points().peekable();
    while let Some(point) = points.next() {
        if is_high(point) && points.peek().is_some_and(|&next| is_low(next)) {
            out.write_all(b",\"code_points\":[")?;
            for (index, point) in string.code_points().enumerate() {
                write!(out, "{}{point}", if index == 0 { "" } else { "," })?;
            }
            return out.write_all(b"]");
        }
    }
    out.write_all(b",\"value\":\"")?;
    for point in string.code_points() {
        match char::from_u32(point) {
            Some(c) => escaped(c.encode_utf8(&mut [0; 4]), out)?,
            None => write!(out, "\\u{point:04x}")?,
        }
    }
    out.write_all(b"\"")
}

/// Writes a JSON string of one character a byte.
fn latin1(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    for &byte in bytes {
        escaped(char::from(byte).encode_utf8(&mut [0; 4]), out)?;
    }
    out.write_all(b"\"")
}

/// Writes text as it stands inside a JSON string.
fn escaped(text: &str, out: &mut impl Write) -> io::Result<()> {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && !matches!(byte, b'"' | b'\\' | 0x7F) {
            continue;
        }
        out.write_all(text.as_bytes().get(plain..at).unwrap_or_default())?;
        plain = at + 1;
        match byte {
            b'"' => out.write_all(b"\\\"")?,
            b'\\' => out.write_all(b"\\\\")?,
            b'\n' => out.write_all(b"\\n")?,
            b'\t' => out.write_all(b"\\t")?,
            _ => write!(out, "\\u{byte:04x}")?,
        }
    }
    out.write_all(text.as_bytes().get(plain..).unwrap_or_default())
}

/// Writes a float as a JSON number, or as a string if JSON has no number for it.
fn number(bits: u64, out: &mut impl Write) -> io::Result<()> {
    match f64::from_bits(bits) {
        value if value.is_finite() => write!(out, "{value:?}"),
        value if value.is_nan() => out.write_all(b"\"nan\""),
        value if value > 0.0 => out.write_all(b"\"inf\""),
        _ => out.write_all(b"\"-inf\""),
    }
}

/// Writes an int in hexadecimal: unlike decimal, that takes time linear in its length.
pub(super) fn hex_long(value: Long<'_>, out: &mut impl Write) -> io::Result<()> {
    let value = value.to_bigint();
    out.write_all(if value.sign() == num_bigint::Sign::Minus { b"-0x" } else { b"0x" })?;
    let mut words = value.iter_u64_digits().rev();
    write!(out, "{:x}", words.next().unwrap_or(0))?;
    words.try_for_each(|word| write!(out, "{word:016x}"))
}

/// Writes bytes as a JSON string of hexadecimal digits.
fn hex(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.write_all(b"\"")?;
    let mut buffer = [0; 128];
    for chunk in bytes.chunks(buffer.len() / 2) {
        for (pair, byte) in buffer.chunks_exact_mut(2).zip(chunk) {
            if let [high, low] = pair {
                (*high, *low) = (DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]);
            }
        }
        out.write_all(buffer.get(..2 * chunk.len()).unwrap_or_default())?;
    }
    out.write_all(b"\"")
}
