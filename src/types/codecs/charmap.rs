//! Encodings by a table: of each byte's character to decode, of each character's byte to encode; and `EncodingMap`, the
//! compact form of the latter.

use super::errors::{Handler, Replacement};
use crate::method;
use crate::object::TypeObject;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::sequence;
use crate::object::value::{Value, payload};
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::exceptions::{LOOKUP_ERROR, is_instance, type_error};
use crate::types::int;
use crate::types::str::{Str, StrBuilder};
use crate::types::unicode_errors::encode_error;
use std::collections::HashSet;

const NAME: &str = "charmap";
const REASON: &str = "character maps to <undefined>";
/// Stands for no character in a decoding table.
const UNDEFINED: u32 = 0xfffe;

/// The body of an EncodingMap: the byte of each character, by block of 128 characters.
#[repr(C)]
pub struct EncodingMap {
    header: Header,
    /// The number of the block for each 128 characters, 0xff for none.
    blocks: Box<[u8; 512]>,
    /// Byte by character; 0 for none, but for U+0000.
    bytes: Box<[u8]>,
    /// Groups of 16 blocks that are used: they count in `size()`.
    groups: usize,
}

payload!(EncodingMap, ENCODING_MAP);

/// The type object of `EncodingMap`.
pub static ENCODING_MAP: TypeObject = TypeObject::define::<EncodingMap>("EncodingMap").methods(&[method!(
    size,
    "!size($self, /)",
    "Return the size (in bytes) of this object"
)]);

fn size(this: &EncodingMap) -> usize {
    63 + 16 * this.groups + this.bytes.len()
}

impl EncodingMap {
    fn get(&self, code: u32) -> Option<u8> {
        if code == 0 {
            return Some(0);
        }
        let block = *self.blocks.get((code >> 7) as usize)?;
        let byte = *self.bytes.get(usize::from(block) * 128 + (code & 127) as usize)?;
        if block == 0xff || byte == 0 { None } else { Some(byte) }
    }
}

/// `codecs.charmap_build(table)`: what encodes as the table decodes. A dict when the table is not of the usual kind.
///
/// # Errors
/// None in practice.
pub fn build(table: &Str) -> PyResult<Value> {
    let codes: Vec<u32> = table.chars().slice(0, 256).iter().collect();
    let usual = codes.first() == Some(&0) && codes.iter().skip(1).all(|&code| code != 0 && code <= 0xffff);
    let mut blocks = Box::new([0xff_u8; 512]);
    let mut groups = HashSet::new();
    let mut count = 0usize;
    if usual {
        for &code in codes.iter().skip(1).filter(|&&code| code != UNDEFINED) {
            groups.insert(code >> 11);
            if let Some(block) = blocks.get_mut((code >> 7) as usize)
                && *block == 0xff
            {
                *block = count.min(0xff) as u8;
                count += 1;
            }
        }
    }
    if !usual || count >= 0xff {
        let dict = Dict::new_value();
        if let Some(dict) = dict.exact::<Dict>() {
            for (index, &code) in codes.iter().enumerate() {
                dict.set(&Value::int(code.into()), Value::int(index as i64))?;
            }
        }
        return Ok(dict);
    }
    let mut bytes = vec![0u8; count * 128].into_boxed_slice();
    for (index, &code) in codes.iter().enumerate().skip(1).filter(|(_, code)| **code != UNDEFINED) {
        let block = blocks.get((code >> 7) as usize).copied().unwrap_or(0xff);
        if let Some(place) = bytes.get_mut(usize::from(block) * 128 + (code & 127) as usize) {
            *place = index as u8;
        }
    }
    let header = Header::new(&ENCODING_MAP);
    Ok(new_object(EncodingMap { header, blocks, bytes, groups: groups.len() }))
}

/// What a mapping has for a key; `None` where it raises a LookupError or has None.
fn look_up(mapping: &Value, key: u32) -> PyResult<Option<Value>> {
    match sequence::get_item(mapping, &Value::int(key.into())) {
        Ok(found) if found.is_none() => Ok(None),
        Ok(found) => Ok(Some(found)),
        Err(raised) if is_instance(&raised, &LOOKUP_ERROR) => Ok(None),
        Err(raised) => Err(raised),
    }
}

/// Appends what a character becomes; false when it becomes nothing.
fn push_encoded(mapping: &Value, code: u32, out: &mut Vec<u8>) -> PyResult<bool> {
    if let Some(map) = mapping.exact::<EncodingMap>() {
        let byte = map.get(code);
        out.extend(byte);
        return Ok(byte.is_some());
    }
    let Some(found) = look_up(mapping, code)? else { return Ok(false) };
    if int::is_int(&found) {
        match int::to_i64(&found).and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => out.push(byte),
            None => return Err(type_error("character mapping must be in range(256)")),
        }
    } else if let Some(bytes) = found.downcast::<Bytes>() {
        out.extend_from_slice(bytes.as_slice());
    } else {
        return Err(type_error(format!(
            "character mapping must return integer, bytes or None, not {}",
            found.ty().name()
        )));
    }
    Ok(true)
}

/// Encodes by a mapping of characters to bytes. As `_PyUnicode_EncodeCharmap`.
///
/// # Errors
/// `UnicodeEncodeError`, `TypeError` for what the mapping must not have, what it raises.
pub fn encode(value: &Value, text: &Str, errors: Option<&str>, mapping: &Value) -> PyResult<Vec<u8>> {
    let handler = Handler::new(errors);
    let chars = text.chars();
    let mut out = Vec::with_capacity(chars.len());
    let mut at = 0;
    while let Some(code) = chars.get(at) {
        if push_encoded(mapping, code, &mut out)? {
            at += 1;
            continue;
        }
        // All characters in a row that have no byte are one error.
        let mut end = at + 1;
        while let Some(next) = chars.get(end) {
            if push_encoded(mapping, next, &mut Vec::new())? {
                break;
            }
            end += 1;
        }
        let (replacement, next) = handler.encode_error(NAME, value, at, end, REASON)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend(bytes),
            Replacement::Text(codes) => {
                for code in codes {
                    if !push_encoded(mapping, code, &mut out)? {
                        return Err(encode_error(NAME, value, at, end, REASON));
                    }
                }
            }
        }
        at = next;
    }
    Ok(out)
}

/// Appends what a byte becomes; false when it becomes nothing.
fn push_decoded(mapping: &Value, byte: u8, out: &mut StrBuilder) -> PyResult<bool> {
    if let Some(table) = mapping.exact::<Str>() {
        return Ok(match table.chars().get(byte.into()) {
            Some(code) if code != UNDEFINED => {
                out.push(code);
                true
            }
            _ => false,
        });
    }
    let Some(found) = look_up(mapping, byte.into())? else { return Ok(false) };
    if int::is_int(&found) {
        match int::to_i64(&found).and_then(|code| u32::try_from(code).ok()) {
            Some(UNDEFINED) => return Ok(false),
            Some(code) if code < 0x11_0000 => out.push(code),
            _ => return Err(type_error("character mapping must be in range(0x110000)")),
        }
    } else if let Some(text) = found.downcast::<Str>() {
        if text.len() == 1 && text.chars().get(0) == Some(UNDEFINED) {
            return Ok(false);
        }
        out.push_value(text);
    } else {
        return Err(type_error("character mapping must return integer, None or str"));
    }
    Ok(true)
}

/// Decodes by a mapping of bytes to characters. As `PyUnicode_DecodeCharmap`.
///
/// # Errors
/// `UnicodeDecodeError`, `TypeError` for what the mapping must not have, what it raises.
pub fn decode(data: &[u8], errors: Option<&str>, mapping: &Value) -> PyResult<Value> {
    let handler = Handler::new(errors);
    let mut decoder =
        super::Decoder { data: data.into(), at: 0, out: StrBuilder::with_capacity(data.len()), handler, last: true };
    while let Some(&byte) = decoder.data.get(decoder.at) {
        if push_decoded(mapping, byte, &mut decoder.out)? {
            decoder.at += 1;
        } else {
            let at = decoder.at;
            decoder.error(NAME, at, at + 1, REASON)?;
        }
    }
    Ok(decoder.out.finish())
}
