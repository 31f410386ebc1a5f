//! Reading values. As `r_object`.

use crate::name;
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::number;
use crate::object::value::Value;
use crate::pyc::marshal::{FLAG_REF, MAX_DEPTH, TypeCode};
use crate::types::bytearray::Bytearray;
use crate::types::bytes::Bytes;
use crate::types::code::{self, Numbers, Parts};
use crate::types::codecs;
use crate::types::complex::Complex;
use crate::types::dict::Dict;
use crate::types::exceptions::{EOF_ERROR, STOP_ITERATION, raise, system_error, type_error, value_error};
use crate::types::float::parse;
use crate::types::int;
use crate::types::list::List;
use crate::types::memoryview;
use crate::types::set;
use crate::types::str::arguments::check_memory;
use crate::types::str::{Str, intern_latin1, intern_value};
use crate::types::tuple::Tuple;
use crate::vm::thread::check_native_stack;
use num_bigint::{BigInt, BigUint, Sign};
use std::borrow::Cow;

/// Where the data comes from.
pub(super) enum Source<'a> {
    /// Bytes, and how many of them have been read.
    Bytes { data: &'a [u8], at: usize },
    /// An object with `readinto`.
    File(Value),
}

/// Reads one value.
///
/// # Errors
/// `EOFError`, `ValueError`, `TypeError` and `SystemError` for data that holds none, what a file raises.
pub(super) fn read(source: Source<'_>) -> PyResult<Value> {
    let mut reader = Reader { source, refs: Vec::new(), items: Vec::new(), fixes: Vec::new(), depth: 0 };
    match reader.object()? {
        Read::Object(value) => Ok(value),
        _ => Err(type_error("NULL object in marshal data for object")),
    }
}

/// What stands for an object in the data.
enum Read {
    Object(Value),
    /// A reference to a tuple whose items are still being read.
    Unfinished(usize),
    Null,
}

/// What a reference index stands for.
enum Known {
    Object(Value),
    /// A tuple being read: containers that hold themselves refer to it.
    Tuple,
    /// A code object or frozenset being read.
    Reserved,
}

/// A place that gets a tuple once it is finished.
struct Fix {
    reference: usize,
    place: Place,
}

enum Place {
    /// An item of a list.
    Item(Value, usize),
    /// The value of a key of a dict.
    Entry(Value, Value),
}

struct Reader<'a> {
    source: Source<'a>,
    refs: Vec<Known>,
    /// The items of the tuples that are being read, the innermost last.
    items: Vec<Value>,
    fixes: Vec<Fix>,
    depth: usize,
}

#[cold]
fn bad(what: &str) -> Raised {
    value_error(format!("bad marshal data ({what})"))
}

#[cold]
fn too_short() -> Raised {
    raise(&EOF_ERROR, "marshal data too short")
}

#[cold]
fn no_object() -> Raised {
    raise(&EOF_ERROR, "EOF read where object expected")
}

/// The next `count` bytes of an object with `readinto`. As the part of `r_string` for files.
fn read_from(file: &Value, count: usize) -> PyResult<Vec<u8>> {
    check_memory(count)?;
    let target = Bytearray::new_value(vec![0; count]);
    let view = memoryview::new(&target)?;
    let result = call::call_method(file, name!("readinto"), &[view])?;
    let Some(read) = number::index_to_i64(&result)? else {
        let ty = result.ty().name();
        return Err(value_error(format!("cannot fit '{ty}' into an index-sized integer")));
    };
    if read == count as i64 {
        return Ok(target.exact::<Bytearray>().map(Bytearray::to_vec).unwrap_or_default());
    }
    Err(if read > count as i64 {
        value_error(format!("read() returned too much data: {count} bytes requested, {read} returned"))
    } else {
        raise(&EOF_ERROR, "EOF read where not expected")
    })
}

impl<'a> Reader<'a> {
    /// The next `count` bytes.
    #[inline]
    fn string(&mut self, count: usize) -> PyResult<Cow<'a, [u8]>> {
        match &mut self.source {
            Source::Bytes { data, at } => match data.get(*at..at.saturating_add(count)) {
                Some(bytes) => {
                    *at += count;
                    Ok(Cow::Borrowed(bytes))
                }
                None => Err(too_short()),
            },
            Source::File(file) => read_from(file, count).map(Cow::Owned),
        }
    }

    /// The next `N` bytes.
    fn chunk<const N: usize>(&mut self) -> PyResult<[u8; N]> {
        if let Source::Bytes { data, at } = &mut self.source
            && let Some(bytes) = data.get(*at..).and_then(|rest| rest.first_chunk::<N>())
        {
            *at += N;
            return Ok(*bytes);
        }
        self.string(N)?.first_chunk().copied().ok_or_else(too_short)
    }

    /// The next byte; `None` at the end of bytes.
    #[inline]
    fn byte(&mut self) -> PyResult<Option<u8>> {
        match &mut self.source {
            Source::Bytes { data, at } => {
                let byte = data.get(*at).copied();
                *at += usize::from(byte.is_some());
                Ok(byte)
            }
            Source::File(_) => self.chunk::<1>().map(|[byte]| Some(byte)),
        }
    }

    /// The next byte, where an error of the file counts as the end.
    #[inline]
    fn required_byte(&mut self) -> PyResult<u8> {
        match self.byte() {
            Ok(Some(byte)) => Ok(byte),
            _ => Err(no_object()),
        }
    }

    fn long(&mut self) -> PyResult<i32> {
        self.chunk().map(i32::from_le_bytes)
    }

    fn size(&mut self, what: &str) -> PyResult<usize> {
        usize::try_from(self.long()?).map_err(|_| bad(&format!("{what} size out of range")))
    }

    /// A number as text.
    fn float_text(&mut self) -> PyResult<f64> {
        let len = self.required_byte()?;
        let bytes = self.string(len.into())?;
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        let blank = |byte: Option<&u8>| byte.is_none_or(|byte| byte.is_ascii_whitespace());
        let strict = !blank(text.first()) && !blank(text.last()) && !text.contains(&b'_');
        match parse::parse(text).filter(|_| strict) {
            Some(float) => Ok(float),
            None => Err(value_error(format!(
                "could not convert string to float: '{}'",
                String::from_utf8_lossy(text.get(..200).unwrap_or(text))
            ))),
        }
    }

    fn float_bits(&mut self) -> PyResult<f64> {
        self.chunk().map(f64::from_le_bytes)
    }

    /// An int of any size. As `r_PyLong`.
    fn big(&mut self) -> PyResult<Value> {
        let size = self.long()?;
        if size == i32::MIN {
            return Err(bad("long size out of range"));
        }
        let count = size.unsigned_abs() as usize;
        let mut bytes = Vec::new();
        let (mut bits, mut held) = (0u32, 0);
        for index in 0..count {
            let digit = u16::from_le_bytes(self.chunk()?);
            if digit >= 0x8000 {
                return Err(bad("digit out of range in long"));
            }
            if digit == 0 && index + 1 == count {
                return Err(bad("unnormalized long data"));
            }
            bits |= u32::from(digit) << held;
            held += 15;
            while held >= 8 {
                bytes.push(bits as u8);
                bits >>= 8;
                held -= 8;
            }
        }
        while bits > 0 {
            bytes.push(bits as u8);
            bits >>= 8;
        }
        let sign = if size < 0 { Sign::Minus } else { Sign::Plus };
        Ok(int::big(BigInt::from_biguint(sign, BigUint::from_bytes_le(&bytes))))
    }

    fn latin1(&mut self, len: usize, interned: bool) -> PyResult<Value> {
        let bytes = self.string(len)?;
        Ok(if interned { intern_latin1(&bytes) } else { Str::from_latin1(&bytes) })
    }

    /// Gives an object the next reference index when it has the flag.
    fn keep(&mut self, flag: bool, value: Value) -> Read {
        if flag {
            self.refs.push(Known::Object(value.clone()));
        }
        Read::Object(value)
    }

    /// Reserves the next reference index for an object that is finished later.
    fn reserve(&mut self, flag: bool, known: Known) -> Option<usize> {
        if !flag {
            return None;
        }
        self.refs.push(known);
        Some(self.refs.len() - 1)
    }

    fn finish(&mut self, reserved: Option<usize>, value: &Value) {
        if let Some(place) = reserved.and_then(|index| self.refs.get_mut(index)) {
            *place = Known::Object(value.clone());
        }
    }

    /// An object where none may be missing.
    fn required(&mut self, what: &str) -> PyResult<Read> {
        match self.object()? {
            Read::Null => Err(type_error(format!("NULL object in marshal data for {what}"))),
            read => Ok(read),
        }
    }

    fn object(&mut self) -> PyResult<Read> {
        let byte = self.required_byte()?;
        if self.depth >= MAX_DEPTH {
            return Err(value_error("recursion limit exceeded"));
        }
        check_native_stack()?;
        self.depth += 1;
        let result = self.object_of(byte);
        self.depth -= 1;
        result
    }

    fn object_of(&mut self, byte: u8) -> PyResult<Read> {
        let flag = byte & FLAG_REF != 0;
        let Some(code) = TypeCode::from_byte(byte) else { return Err(bad("unknown type code")) };
        let value = match code {
            TypeCode::Null => return Ok(Read::Null),
            TypeCode::None => return Ok(Read::Object(Value::NONE)),
            TypeCode::False => return Ok(Read::Object(Value::FALSE)),
            TypeCode::True => return Ok(Read::Object(Value::TRUE)),
            TypeCode::Ellipsis => return Ok(Read::Object(Value::ELLIPSIS)),
            TypeCode::StopIteration => return Ok(Read::Object(STOP_ITERATION.value())),
            TypeCode::Int => Value::int(self.long()?.into()),
            TypeCode::Int64 => Value::int(i64::from_le_bytes(self.chunk()?)),
            TypeCode::Long => self.big()?,
            TypeCode::Float => Value::float(self.float_text()?),
            TypeCode::BinaryFloat => Value::float(self.float_bits()?),
            TypeCode::Complex => Complex::new_value(self.float_text()?, self.float_text()?),
            TypeCode::BinaryComplex => Complex::new_value(self.float_bits()?, self.float_bits()?),
            TypeCode::String => {
                let len = self.size("bytes object")?;
                Bytes::new_value(&self.string(len)?)
            }
            TypeCode::Ascii | TypeCode::AsciiInterned => {
                let len = self.size("string")?;
                self.latin1(len, code == TypeCode::AsciiInterned)?
            }
            TypeCode::ShortAscii | TypeCode::ShortAsciiInterned => {
                let len = self.required_byte()?;
                self.latin1(len.into(), code == TypeCode::ShortAsciiInterned)?
            }
            TypeCode::Unicode | TypeCode::Interned => {
                let len = self.size("string")?;
                let bytes = self.string(len)?;
                let text = codecs::decode(&bytes, Some("utf-8"), Some("surrogatepass"))?;
                intern_if(text, code == TypeCode::Interned)
            }
            TypeCode::SmallTuple => {
                // The end of bytes counts as a length of 255: the items are missing then.
                let len = self.byte()?.unwrap_or(u8::MAX);
                return self.tuple(len.into(), flag);
            }
            TypeCode::Tuple => {
                let len = self.size("tuple")?;
                return self.tuple(len, flag);
            }
            TypeCode::List => {
                let len = self.size("list")?;
                return self.list(len, flag);
            }
            TypeCode::Dict => return self.dict(flag),
            TypeCode::Set | TypeCode::FrozenSet => {
                let len = self.size("set")?;
                return self.set(len, code == TypeCode::Set, flag);
            }
            TypeCode::Code => return self.code(flag),
            TypeCode::Ref => return self.reference(),
        };
        Ok(self.keep(flag, value))
    }

    fn reference(&mut self) -> PyResult<Read> {
        let index = usize::try_from(self.long()?).map_err(|_| bad("invalid reference"))?;
        match self.refs.get(index) {
            Some(Known::Object(value)) => Ok(Read::Object(value.clone())),
            Some(Known::Tuple) => Ok(Read::Unfinished(index)),
            Some(Known::Reserved) | None => Err(bad("invalid reference")),
        }
    }

    fn tuple(&mut self, len: usize, flag: bool) -> PyResult<Read> {
        let reserved = self.reserve(flag, Known::Tuple);
        let start = self.items.len();
        for _ in 0..len {
            match self.required("tuple")? {
                Read::Object(item) => self.items.push(item),
                // Only a list or dict can hold what is not finished.
                _ => return Err(bad("invalid reference")),
            }
        }
        let value = Tuple::split_off(&mut self.items, start);
        self.finish(reserved, &value);
        if let Some(index) = reserved
            && !self.fixes.is_empty()
        {
            self.fix(index, &value)?;
        }
        Ok(Read::Object(value))
    }

    /// Puts a finished tuple where it was referred to.
    fn fix(&mut self, reference: usize, tuple: &Value) -> PyResult<()> {
        let (now, later) = std::mem::take(&mut self.fixes).into_iter().partition(|fix| fix.reference == reference);
        self.fixes = later;
        let now: Vec<Fix> = now;
        for fix in now {
            match &fix.place {
                Place::Item(list, index) => {
                    if let Some(list) = list.exact::<List>() {
                        drop(list.items().set(*index, tuple.clone()));
                    }
                }
                Place::Entry(dict, key) => {
                    if let Some(dict) = dict.exact::<Dict>() {
                        dict.set(key, tuple.clone())?;
                    }
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, len: usize, flag: bool) -> PyResult<Read> {
        let value = List::from_vec(Vec::new());
        if flag {
            self.refs.push(Known::Object(value.clone()));
        }
        for index in 0..len {
            let item = match self.required("list")? {
                Read::Object(item) => item,
                Read::Unfinished(reference) => {
                    self.fixes.push(Fix { reference, place: Place::Item(value.clone(), index) });
                    Value::NONE
                }
                Read::Null => Value::NONE,
            };
            if let Some(list) = value.exact::<List>() {
                list.items().push(item);
            }
        }
        Ok(Read::Object(value))
    }

    fn dict(&mut self, flag: bool) -> PyResult<Read> {
        let value = Dict::new_value();
        if flag {
            self.refs.push(Known::Object(value.clone()));
        }
        // A NULL ends the dict, in the place of a key as in that of a value.
        loop {
            let key = match self.object()? {
                Read::Object(key) => key,
                Read::Unfinished(_) => return Err(bad("invalid reference")),
                Read::Null => break,
            };
            let item = match self.object()? {
                Read::Object(item) => item,
                Read::Unfinished(reference) => {
                    self.fixes.push(Fix { reference, place: Place::Entry(value.clone(), key.clone()) });
                    Value::NONE
                }
                Read::Null => break,
            };
            if let Some(dict) = value.exact::<Dict>() {
                dict.set(&key, item)?;
            }
        }
        Ok(Read::Object(value))
    }

    fn set(&mut self, len: usize, is_set: bool, flag: bool) -> PyResult<Read> {
        if is_set {
            let value = set::new_set();
            if flag {
                self.refs.push(Known::Object(value.clone()));
            }
            for _ in 0..len {
                match self.required("set")? {
                    Read::Object(item) => set::add_key(&value, &item)?,
                    _ => return Err(bad("invalid reference")),
                }
            }
            return Ok(Read::Object(value));
        }
        if len == 0 {
            return Ok(self.keep(flag, set::empty_frozenset()));
        }
        let reserved = self.reserve(flag, Known::Reserved);
        let mut items = Vec::new();
        for _ in 0..len {
            match self.required("set")? {
                Read::Object(item) => {
                    // What cannot be hashed is refused where it stands.
                    crate::object::hash::hash(&item)?;
                    items.push(item);
                }
                _ => return Err(bad("invalid reference")),
            }
        }
        let value = set::frozenset_of(&items)?;
        self.finish(reserved, &value);
        Ok(Read::Object(value))
    }

    /// A code object. As the end of `r_object` and `PyCode_NewWithPosOnlyArgs`.
    fn code(&mut self, flag: bool) -> PyResult<Read> {
        let reserved = self.reserve(flag, Known::Reserved);
        let mut counts = [0; 6];
        for count in &mut counts {
            *count = self.long()?;
        }
        let mut parts = [const { Value::NONE }; 9];
        let mut firstlineno = 0;
        for (index, place) in parts.iter_mut().enumerate() {
            if index == 8 {
                firstlineno = self.long()?;
            }
            match self.object()? {
                Read::Object(part) => *place = part,
                Read::Unfinished(_) => return Err(bad("invalid reference")),
                // A code object that lacks a field is given up on the spot, and is itself NULL.
                Read::Null => return Ok(Read::Null),
            }
        }
        let [code, consts, names, varnames, freevars, cellvars, filename, name, lnotab] = parts;
        let is_bytes = |part: &Value| part.downcast::<Bytes>().is_some();
        let is_tuple = |part: &Value| part.downcast::<Tuple>().is_some();
        let is_text = |part: &Value| part.downcast::<Str>().is_some();
        let [argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags] = counts;
        let fits = argcount >= posonlyargcount
            && [posonlyargcount, kwonlyargcount, nlocals, stacksize, flags].iter().all(|&count| count >= 0)
            && is_bytes(&code)
            && [&consts, &names, &varnames, &freevars, &cellvars].into_iter().all(is_tuple)
            && is_text(&filename)
            && is_text(&name)
            && is_bytes(&lnotab);
        if !fits {
            return Err(system_error("Objects/codeobject.c:130: bad argument to internal function"));
        }
        for tuple in [&names, &varnames, &freevars, &cellvars] {
            if tuple.downcast::<Tuple>().is_some_and(|tuple| !tuple.iter().all(is_text)) {
                return Err(system_error("non-string found in code slot"));
            }
        }
        let consts = interned_constants(&consts).unwrap_or(consts);
        let numbers = Numbers { argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, firstlineno };
        let parts = Parts { code, consts, names, varnames, freevars, cellvars, filename, name, lnotab };
        let value = code::make(&numbers, parts)?;
        self.finish(reserved, &value);
        Ok(Read::Object(value))
    }
}

fn intern_if(text: Value, interned: bool) -> Value {
    match text.exact::<Str>() {
        Some(body) if interned => intern_value(&text, body),
        _ => text,
    }
}

/// Constants with the strs that look like names interned, `None` where all are. As `intern_string_constants`.
fn interned_constants(consts: &Value) -> Option<Value> {
    let tuple = consts.exact::<Tuple>()?;
    let looks_like_name = |text: &Str| {
        text.ascii_bytes().is_some_and(|text| text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'))
    };
    let mut items: Option<Vec<Value>> = None;
    for (index, item) in tuple.iter().enumerate() {
        let result = match item.exact::<Str>() {
            Some(text) if !text.is_interned() && looks_like_name(text) => Some(intern_value(item, text)),
            Some(_) => None,
            None => interned_constants(item),
        };
        if let Some(result) = result.filter(|result| !result.is(item)) {
            items.get_or_insert_with(|| tuple.to_vec())[index] = result;
        }
    }
    items.map(Tuple::from_vec)
}
