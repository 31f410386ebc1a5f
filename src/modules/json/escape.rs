//! Strings as JSON writes them.

use super::string::{Unit, is_plain, plain_bytes};
use super::text_of;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::str::{Chars, Str, StrBuilder};

/// Where JSON text is collected.
pub(super) struct Output {
    /// What there is so far, as long as all of it is below U+0100.
    narrow: Vec<u8>,
    /// All of it, from the first wider character on.
    wide: Option<StrBuilder>,
}

impl Output {
    pub(super) fn new() -> Output {
        Output { narrow: Vec::new(), wide: None }
    }

    /// Appends ASCII text.
    #[inline]
    pub(super) fn push_ascii(&mut self, text: &[u8]) {
        match &mut self.wide {
            None => self.narrow.extend_from_slice(text),
            Some(wide) => wide.push_chars(Chars::One(text)),
        }
    }

    #[inline]
    pub(super) fn push_byte(&mut self, byte: u8) {
        match &mut self.wide {
            None => self.narrow.push(byte),
            Some(wide) => wide.push(byte.into()),
        }
    }

    /// Appends any text.
    #[inline]
    pub(super) fn push_chars(&mut self, chars: Chars) {
        match (chars, &mut self.wide) {
            (Chars::One(bytes), None) => self.narrow.extend_from_slice(bytes),
            (chars, _) => self.push_wide(chars),
        }
    }

    fn push_wide(&mut self, chars: Chars) {
        let wide = self.wide.get_or_insert_with(|| {
            let mut wide = StrBuilder::new();
            wide.push_chars(Chars::One(&std::mem::take(&mut self.narrow)));
            wide
        });
        wide.push_chars(chars);
    }

    pub(super) fn finish(self) -> Value {
        match self.wide {
            None => Str::from_latin1(&self.narrow),
            Some(wide) => wide.finish(),
        }
    }

    /// Appends a string in quotes; with `ascii`, all characters beyond ASCII (and DEL) escaped.
    #[inline]
    pub(super) fn push_string(&mut self, text: &Str, ascii: bool) {
        self.push_byte(b'"');
        match text.chars() {
            Chars::One(bytes) if text.is_ascii() || !ascii => self.push_bytes(bytes, ascii),
            chars => self.push_escaped(chars, ascii),
        }
        self.push_byte(b'"');
    }

    fn push_bytes(&mut self, mut bytes: &[u8], ascii: bool) {
        loop {
            let mut plain = plain_bytes(bytes);
            if ascii {
                plain = memchr::memchr(0x7f, bytes.get(..plain).unwrap_or_default()).unwrap_or(plain);
            }
            let (done, rest) = bytes.split_at_checked(plain).unwrap_or((bytes, &[]));
            self.push_chars(Chars::One(done));
            let Some((&byte, rest)) = rest.split_first() else { return };
            self.push_escape(byte.into());
            bytes = rest;
        }
    }

    fn push_escaped(&mut self, chars: Chars, ascii: bool) {
        match chars {
            Chars::One(units) => self.push_units(units, ascii),
            Chars::Two(units) => self.push_units(units, ascii),
            Chars::Four(units) => self.push_units(units, ascii),
        }
    }

    fn push_units<U: Unit>(&mut self, units: &[U], ascii: bool) {
        if !ascii && units.iter().all(|&unit| is_plain(unit.into())) {
            self.push_chars(U::chars(units));
            return;
        }
        let mut rest = units;
        while let Some((&unit, behind)) = rest.split_first() {
            if ascii && self.wide.is_none() {
                // Most of such text is characters that are escaped alike.
                let run = rest.iter().take_while(|&&unit| is_escaped_alone(unit.into())).count();
                if let Some((run, behind)) = rest.split_at_checked(run)
                    && run.len() > 1
                {
                    let start = self.narrow.len();
                    self.narrow.resize(start + 6 * run.len(), 0);
                    let places = self.narrow.get_mut(start..).unwrap_or_default().as_chunks_mut::<6>().0;
                    for (place, &unit) in places.iter_mut().zip(run) {
                        *place = escaped(unit.into());
                    }
                    rest = behind;
                    continue;
                }
            }
            rest = behind;
            let code: u32 = unit.into();
            match code {
                0x22 | 0x5c | 0..=0x1f => self.push_escape(code),
                0x20..0x7f => self.push_byte(code as u8),
                _ if ascii => self.push_escape(code),
                0x7f..=0xff => self.push_chars(Chars::One(&[code as u8])),
                _ => self.push_wide(Chars::Four(&[code])),
            }
        }
    }

    fn push_escape(&mut self, code: u32) {
        let short = match code {
            0x22 | 0x5c => code as u8,
            0x08 => b'b',
            0x0c => b'f',
            0x0a => b'n',
            0x0d => b'r',
            0x09 => b't',
            0x10000.. => {
                let offset = code - 0x10000;
                self.push_unit(0xd800 | (offset >> 10));
                return self.push_unit(0xdc00 | (offset & 0x3ff));
            }
            _ => return self.push_unit(code),
        };
        self.push_ascii(&[b'\\', short]);
    }

    fn push_unit(&mut self, unit: u32) {
        self.push_ascii(&escaped(unit));
    }
}

/// Whether a character, where only ASCII may stand, is written as one `\uXXXX`; short escapes not counted.
#[inline]
fn is_escaped_alone(code: u32) -> bool {
    (0x7f..0x10000).contains(&code)
}

/// `\uXXXX`.
#[inline]
fn escaped(unit: u32) -> [u8; 6] {
    // The four digits at once, the first one lowest: each of a byte, those above 9 moved up to the letters.
    let digits = (unit >> 12 & 0xf) | (unit & 0xf00) | (unit & 0xf0) << 12 | (unit & 0xf) << 24;
    let letters = (digits + 0x0606_0606) >> 4 & 0x0101_0101;
    let [a, b, c, d] = (digits + 0x3030_3030 + letters * 0x27).to_le_bytes();
    [b'\\', b'u', a, b, c, d]
}

fn encoded(string: &Value, ascii: bool) -> PyResult<Value> {
    let text = text_of(string)?;
    let mut output = Output::new();
    output.push_string(text, ascii);
    Ok(output.finish())
}

pub(super) fn encode_basestring_ascii(string: &Value) -> PyResult<Value> {
    encoded(string, true)
}

pub(super) fn encode_basestring(string: &Value) -> PyResult<Value> {
    encoded(string, false)
}
