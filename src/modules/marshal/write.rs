//! Writing values. As `w_object`.

use crate::object::error::PyResult;
use crate::object::header::Header;
use crate::object::value::Value;
use crate::pyc::marshal::{FLAG_REF, MAX_DEPTH, TypeCode};
use crate::types::bytes::{Bytes, buffer_or_none};
use crate::types::code::Code;
use crate::types::codecs::{self, Encoding};
use crate::types::complex::Complex;
use crate::types::dict::Dict;
use crate::types::exceptions::{STOP_ITERATION, value_error};
use crate::types::float;
use crate::types::float::text::{Style, format_double};
use crate::types::int;
use crate::types::list::List;
use crate::types::set::{self, Set};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::thread::check_native_stack;
use num_bigint::Sign;
use std::collections::HashMap;

/// The bytes of a value.
///
/// # Errors
/// `ValueError` for values that have no form, or nest too deep.
pub(super) fn write(value: &Value, version: i32) -> PyResult<Vec<u8>> {
    let mut writer = Writer {
        out: Vec::with_capacity(50),
        version,
        depth: 0,
        failure: None,
        refs: HashMap::new(),
        kept: Vec::new(),
    };
    writer.object(Some(value), 0)?;
    match writer.failure {
        None => Ok(writer.out),
        Some(Failure::Unmarshallable) => Err(value_error("unmarshallable object")),
        Some(Failure::TooDeep) => Err(value_error("object too deeply nested to marshal")),
    }
}

/// What went wrong last; CPython goes on after it.
#[derive(Clone, Copy)]
enum Failure {
    Unmarshallable,
    TooDeep,
}

struct Writer {
    out: Vec<u8>,
    version: i32,
    depth: usize,
    failure: Option<Failure>,
    /// Reference indexes by identity.
    refs: HashMap<u64, u32>,
    /// Keeps what `refs` knows alive.
    kept: Vec<Value>,
}

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn long(&mut self, value: i32) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// A size; false when it does not fit, which no object in memory reaches in practice.
    fn size(&mut self, size: usize) -> bool {
        match i32::try_from(size) {
            Ok(size) => {
                self.long(size);
                true
            }
            Err(_) => {
                self.failure = Some(Failure::Unmarshallable);
                false
            }
        }
    }

    fn sized(&mut self, bytes: &[u8]) {
        if self.size(bytes.len()) {
            self.out.extend_from_slice(bytes);
        }
    }

    fn short(&mut self, bytes: &[u8]) {
        self.byte(bytes.len() as u8);
        self.out.extend_from_slice(bytes);
    }

    fn code(&mut self, code: TypeCode, flag: u8) {
        self.byte(code as u8 | flag);
    }

    /// A value, or the NULL that ends a dict. `held` references to the value are the writer's own.
    fn object(&mut self, value: Option<&Value>, held: usize) -> PyResult<()> {
        self.depth += 1;
        match value {
            _ if self.depth > MAX_DEPTH => self.failure = Some(Failure::TooDeep),
            None => self.code(TypeCode::Null, 0),
            Some(value) if value.is_none() => self.code(TypeCode::None, 0),
            Some(value) if value.bits() == STOP_ITERATION.value().bits() => self.code(TypeCode::StopIteration, 0),
            Some(value) if value.is(&Value::ELLIPSIS) => self.code(TypeCode::Ellipsis, 0),
            Some(value) if value.is_false() => self.code(TypeCode::False, 0),
            Some(value) if value.is_true() => self.code(TypeCode::True, 0),
            Some(value) => {
                if let Some(flag) = self.reference(value, held) {
                    self.complex_object(value, flag)?;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Writes a reference to a value that has been written (`None`), or gives the flag of one that may be referred to.
    /// As `w_ref`. Immediate numbers have no count of references: they are taken for shared, as constants are.
    fn reference(&mut self, value: &Value, held: usize) -> Option<u8> {
        if self.version < 3 || value.header().is_some_and(|header: &Header| header.count() <= 1 + held) {
            return Some(0);
        }
        if let Some(&index) = self.refs.get(&value.bits()) {
            self.code(TypeCode::Ref, 0);
            self.long(index.cast_signed());
            return None;
        }
        let Ok(index) = u32::try_from(self.refs.len()) else { return Some(0) };
        self.refs.insert(value.bits(), index);
        self.kept.push(value.clone());
        Some(FLAG_REF)
    }

    fn complex_object(&mut self, value: &Value, flag: u8) -> PyResult<()> {
        check_native_stack()?;
        if int::is_exact_int(value) {
            self.int(value, flag);
        } else if float::is_exact_float(value) {
            let float = float::to_f64(value).unwrap_or_default();
            self.code(if self.version > 1 { TypeCode::BinaryFloat } else { TypeCode::Float }, flag);
            self.float(float);
        } else if let Some(complex) = value.exact::<Complex>() {
            let (real, imag) = complex.parts();
            self.code(if self.version > 1 { TypeCode::BinaryComplex } else { TypeCode::Complex }, flag);
            self.float(real);
            self.float(imag);
        } else if let Some(bytes) = value.exact::<Bytes>() {
            self.code(TypeCode::String, flag);
            self.sized(bytes.as_slice());
        } else if let Some(text) = value.exact::<Str>() {
            self.text(value, text, flag)?;
        } else if let Some(tuple) = value.exact::<Tuple>() {
            if self.version >= 4 && tuple.len() < 256 {
                self.code(TypeCode::SmallTuple, flag);
                self.byte(tuple.len() as u8);
            } else {
                self.code(TypeCode::Tuple, flag);
                if !self.size(tuple.len()) {
                    return Ok(());
                }
            }
            for item in tuple.iter() {
                self.object(Some(item), 0)?;
            }
        } else if let Some(list) = value.exact::<List>() {
            self.code(TypeCode::List, flag);
            let count = list.items().len();
            if !self.size(count) {
                return Ok(());
            }
            for index in 0..count {
                let item = list.items().get(index).unwrap_or(Value::NONE);
                self.object(Some(&item), 1)?;
            }
        } else if let Some(dict) = value.exact::<Dict>() {
            self.code(TypeCode::Dict, flag);
            let mut position = 0;
            while let Some((next, key, item)) = dict.table().next_item(position) {
                position = next + 1;
                self.object(Some(&key), 1)?;
                self.object(Some(&item), 1)?;
            }
            self.object(None, 0)?;
        } else if let Some(table) = set::exact_table(value) {
            let is_set = value.exact::<Set>().is_some();
            self.code(if is_set { TypeCode::Set } else { TypeCode::FrozenSet }, flag);
            if !self.size(table.len()) {
                return Ok(());
            }
            // CPython iterates, which holds each element once more: all count as shared.
            for item in table.keys() {
                self.object(Some(&item), 0)?;
            }
        } else if let Some(code) = value.exact::<Code>() {
            let fields = &code.fields;
            self.code(TypeCode::Code, flag);
            for number in [
                fields.argcount,
                fields.posonlyargcount,
                fields.kwonlyargcount,
                fields.nlocals,
                fields.stacksize,
                fields.flags,
            ] {
                self.long(number.cast_signed());
            }
            let file = code.file();
            for part in [
                &fields.code,
                &fields.consts,
                &fields.names,
                &fields.varnames,
                &fields.freevars,
                &fields.cellvars,
                &file,
                &fields.name,
            ] {
                self.object(Some(part), 0)?;
            }
            self.long(fields.firstlineno);
            self.object(Some(&fields.lnotab), 0)?;
        } else if let Some(bytes) = buffer_or_none(value) {
            // Other bytes-like objects become bytes.
            self.code(TypeCode::String, flag);
            self.sized(&bytes);
        } else {
            self.byte(b'?' | flag);
            self.failure = Some(Failure::Unmarshallable);
        }
        Ok(())
    }

    fn int(&mut self, value: &Value, flag: u8) {
        if let Some(small) = int::to_i64(value).and_then(|int| i32::try_from(int).ok()) {
            self.code(TypeCode::Int, flag);
            self.long(small);
            return;
        }
        self.code(TypeCode::Long, flag);
        let big = int::to_big(value).unwrap_or_default();
        // Digits of 15 bits, from words of 32.
        let words = big.magnitude().to_u32_digits();
        let (mut bits, mut count) = (0u64, 0);
        let mut out = Vec::with_capacity(words.len() * 32 / 15 + 2);
        for word in words {
            bits |= u64::from(word) << count;
            count += 32;
            while count >= 15 {
                out.push((bits & 0x7fff) as u16);
                bits >>= 15;
                count -= 15;
            }
        }
        out.push(bits as u16);
        while out.last() == Some(&0) {
            out.pop();
        }
        let Ok(size) = i32::try_from(out.len()) else {
            self.failure = Some(Failure::Unmarshallable);
            return;
        };
        self.long(if big.sign() == Sign::Minus { -size } else { size });
        for digit in out {
            self.out.extend_from_slice(&digit.to_le_bytes());
        }
    }

    fn float(&mut self, value: f64) {
        if self.version > 1 {
            self.out.extend_from_slice(&value.to_le_bytes());
        } else {
            self.short(format_double(value, b'g', 17, Style::default()).as_bytes());
        }
    }

    fn text(&mut self, value: &Value, text: &Str, flag: u8) -> PyResult<()> {
        let interned = text.is_interned();
        if self.version >= 4
            && let Some(ascii) = text.as_ascii()
        {
            let short = ascii.len() < 256;
            self.code(
                match (short, interned) {
                    (true, true) => TypeCode::ShortAsciiInterned,
                    (true, false) => TypeCode::ShortAscii,
                    (false, true) => TypeCode::AsciiInterned,
                    (false, false) => TypeCode::Ascii,
                },
                flag,
            );
            if short {
                self.short(ascii.as_bytes());
            } else {
                self.sized(ascii.as_bytes());
            }
            return Ok(());
        }
        let bytes = codecs::encode_native(value, Encoding::Utf8, Some("surrogatepass"))?;
        self.code(if self.version >= 3 && interned { TypeCode::Interned } else { TypeCode::Unicode }, flag);
        self.sized(&bytes);
        Ok(())
    }
}
