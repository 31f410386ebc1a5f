//! The module `_struct`: values as the bytes of C structs.

use crate::gc::Visit;
use crate::method;
use crate::modules::ModuleDef;
use crate::object::arguments::no_keywords;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_instance, new_object};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::scalar::{Scalar, f64_to_half, wide};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, hash, number};
use crate::types::bytearray::Bytearray;
use crate::types::bytes::Bytes;
use crate::types::codecs::{self, Encoding};
use crate::types::dict::Dict;
use crate::types::exceptions::{EXCEPTION, ModuleException, overflow_error, system_error, type_error};
use crate::types::int;
use crate::types::str::Str;
use crate::types::str::arguments::check_memory;
use crate::types::tuple::Tuple;
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_struct",
    doc: "Functions to convert between Python values and C structs.\nPython bytes objects are used to hold the data representing the C struct\nand also as format strings (explained below) to describe the layout of data\nin the C struct.\n\nThe optional first format char indicates byte order, size and alignment:\n  @: native order, size & alignment (default)\n  =: native order, std. size & alignment\n  <: little-endian, std. size & alignment\n  >: big-endian, std. size & alignment\n  !: same as >\n\nThe remaining chars indicate types of args and must match exactly;\nthese can be preceded by a decimal repeat count:\n  x: pad byte (no data); c:char; b:signed byte; B:unsigned byte;\n  ?: _Bool (requires C99; if not available, char is used instead)\n  h:short; H:unsigned short; i:int; I:unsigned int;\n  l:long; L:unsigned long; f:float; d:double; e:half-float.\nSpecial cases (preceding decimal count indicates length):\n  s:string (array of char); p: pascal string (with count byte).\nSpecial cases (only available in native format):\n  n:ssize_t; N:size_t;\n  P:an integer type that is wide enough to hold a pointer.\nSpecial case (not in native mode unless 'long long' in platform C):\n  q:long long; Q:unsigned long long\nWhitespace between formats is ignored.\n\nThe variable struct.error is an exception raised on errors.\n",
    functions: &[
        method!(clear_cache, "_clearcache($module, /)", "Clear the internal cache."),
        method!(
            calcsize,
            "calcsize($module, format, /)",
            "Return size in bytes of the struct described by the format string."
        ),
        method!(
            iter_unpack,
            "iter_unpack($module, format, buffer, /)",
            "Return an iterator yielding tuples unpacked from the given bytes.\n\nThe bytes are unpacked according to the format string, like\na repeated invocation of unpack_from().\n\nRequires that the bytes length be a multiple of the format struct size."
        ),
        method!(
            raw pack,
            "!pack(*args)",
            "pack(format, v1, v2, ...) -> bytes\n\nReturn a bytes object containing the values v1, v2, ... packed according\nto the format string.  See help(struct) for more on format strings."
        ),
        method!(
            raw pack_into,
            "!pack_into(*args)",
            "pack_into(format, buffer, offset, v1, v2, ...)\n\nPack the values v1, v2, ... according to the format string and write\nthe packed bytes into the writable buffer buf starting at offset.  Note\nthat the offset is a required argument.  See help(struct) for more\non format strings."
        ),
        method!(
            unpack,
            "unpack($module, format, buffer, /)",
            "Return a tuple containing values unpacked according to the format string.\n\nThe buffer's size in bytes must be calcsize(format).\n\nSee help(struct) for more on format strings."
        ),
        method!(
            unpack_from,
            "unpack_from($module, format, /, buffer, offset=0)",
            "Return a tuple containing values unpacked according to the format string.\n\nThe buffer's size, minus offset, must be at least calcsize(format).\n\nSee help(struct) for more on format strings."
        ),
    ],
    fill,
};

fn fill(dict: &Dict) -> PyResult<()> {
    dict.set_text("error", ERROR.class()?);
    dict.set_text("Struct", STRUCT.value());
    Ok(())
}

static ERROR: ModuleException = ModuleException::new("struct", "error", &[&EXCEPTION]);

/// Raises `struct.error`.
#[cold]
fn error(message: impl AsRef<str>) -> Raised {
    ERROR.message(message.as_ref())
}

/// Byte order, sizes and alignment, from the first character of a format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// `@`: as the C compiler lays structs out.
    Native,
    /// `=` and `<`: sizes of their own, no alignment.
    Little,
    /// `>` and `!`
    Big,
}

/// What a format character stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// `x`
    Pad,
    /// `s`
    Text,
    /// `p`
    Pascal,
    Item(Scalar),
    /// `P`
    Address,
}

impl Kind {
    fn size(self) -> usize {
        match self {
            Kind::Pad | Kind::Text | Kind::Pascal => 1,
            Kind::Item(scalar) => scalar.size(),
            Kind::Address => 8,
        }
    }
}

fn kind_of(format: u8, mode: Mode) -> Option<Kind> {
    let native = mode == Mode::Native;
    Some(match format {
        b'x' => Kind::Pad,
        b's' => Kind::Text,
        b'p' => Kind::Pascal,
        b'c' => Kind::Item(Scalar::Char),
        b'b' => Kind::Item(Scalar::I8),
        b'B' => Kind::Item(Scalar::U8),
        b'?' => Kind::Item(Scalar::Bool),
        b'h' => Kind::Item(Scalar::I16),
        b'H' => Kind::Item(Scalar::U16),
        b'i' => Kind::Item(Scalar::I32),
        b'I' => Kind::Item(Scalar::U32),
        b'l' => Kind::Item(if native { Scalar::I64 } else { Scalar::I32 }),
        b'L' => Kind::Item(if native { Scalar::U64 } else { Scalar::U32 }),
        b'q' => Kind::Item(Scalar::I64),
        b'Q' => Kind::Item(Scalar::U64),
        b'n' if native => Kind::Item(Scalar::I64),
        b'N' if native => Kind::Item(Scalar::U64),
        b'P' if native => Kind::Address,
        b'e' => Kind::Item(Scalar::F16),
        b'f' => Kind::Item(Scalar::F32),
        b'd' => Kind::Item(Scalar::F64),
        _ => return None,
    })
}

/// A part of a format: one text, or equal items in a row.
#[derive(Clone, Copy, Debug)]
struct Code {
    kind: Kind,
    format: u8,
    offset: usize,
    /// Bytes of an item, or of the text.
    size: usize,
    repeat: usize,
}

/// A format that has been read.
#[derive(Debug)]
pub struct Compiled {
    mode: Mode,
    codes: Vec<Code>,
    size: usize,
    len: usize,
}

impl Compiled {
    /// Reads a format. As `prepare_s`.
    ///
    /// # Errors
    /// `struct.error`.
    pub fn parse(format: &[u8]) -> PyResult<Compiled> {
        const MAX: usize = isize::MAX as usize;
        if format.contains(&0) {
            return Err(error("embedded null character"));
        }
        let (mode, rest) = match format {
            [b'<' | b'=', rest @ ..] => (Mode::Little, rest),
            [b'>' | b'!', rest @ ..] => (Mode::Big, rest),
            [b'@', rest @ ..] => (Mode::Native, rest),
            rest => (Mode::Native, rest),
        };
        let too_long = || error("total struct size too long");
        let (mut codes, mut size, mut len) = (Vec::new(), 0usize, 0usize);
        let mut bytes = rest.iter().copied();
        while let Some(mut byte) = bytes.next() {
            if matches!(byte, b' ' | b'\t'..=b'\r') {
                continue;
            }
            let mut count = 1usize;
            if byte.is_ascii_digit() {
                count = 0;
                while byte.is_ascii_digit() {
                    let digit = usize::from(byte - b'0');
                    let grown = count.checked_mul(10).and_then(|count| count.checked_add(digit));
                    count = grown.filter(|&count| count <= MAX).ok_or_else(too_long)?;
                    byte = bytes.next().ok_or_else(|| error("repeat count given without format specifier"))?;
                }
            }
            let Some(kind) = kind_of(byte, mode) else { return Err(error("bad char in struct format")) };
            let item = kind.size();
            if mode == Mode::Native {
                size = size.checked_next_multiple_of(item).ok_or_else(too_long)?;
            }
            let offset = size;
            let bytes = count.checked_mul(item).ok_or_else(too_long)?;
            size = size.checked_add(bytes).filter(|&size| size <= MAX).ok_or_else(too_long)?;
            let code = match kind {
                Kind::Pad => continue,
                Kind::Text | Kind::Pascal => {
                    len += 1;
                    Code { kind, format: byte, offset, size: count, repeat: 1 }
                }
                _ => {
                    len += count;
                    Code { kind, format: byte, offset, size: item, repeat: count }
                }
            };
            if code.repeat > 0 {
                codes.push(code);
            }
        }
        Ok(Compiled { mode, codes, size, len })
    }

    /// Number of bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The values in the first bytes; those that are missing are zero.
    pub fn unpack(&self, bytes: &[u8]) -> PyResult<Vec<Value>> {
        let mut values = Vec::with_capacity(self.len.min(bytes.len() + 1));
        for code in &self.codes {
            match code.kind {
                Kind::Text => {
                    let text = bytes.get(code.offset..code.offset + code.size).unwrap_or_default();
                    values.push(Bytes::new_value(text));
                }
                Kind::Pascal => {
                    let text = bytes.get(code.offset..code.offset + code.size).unwrap_or_default();
                    let Some((&len, text)) = text.split_first() else {
                        return Err(system_error("Negative size passed to PyBytes_FromStringAndSize"));
                    };
                    values.push(Bytes::new_value(text.get(..usize::from(len)).unwrap_or(text)));
                }
                Kind::Pad => {}
                Kind::Item(_) | Kind::Address => {
                    let scalar = if let Kind::Item(scalar) = code.kind { scalar } else { Scalar::U64 };
                    for index in 0..code.repeat {
                        let start = code.offset + index * code.size;
                        let item = bytes.get(start..start + code.size).unwrap_or_default();
                        values.push(if self.mode == Mode::Big && code.size > 1 {
                            let mut turned = [0; 8];
                            for (place, &byte) in turned.iter_mut().zip(item.iter().rev()) {
                                *place = byte;
                            }
                            scalar.read(&turned)
                        } else {
                            scalar.read(item)
                        });
                    }
                }
            }
        }
        Ok(values)
    }

    fn unpack_tuple(&self, bytes: &[u8]) -> PyResult<Value> {
        self.unpack(bytes).map(Tuple::from_vec)
    }

    /// Writes values; `out` is as long as the struct and holds zeros. What stands before a value that does not fit is
    /// written.
    fn pack(&self, values: &[Value], out: &mut [u8]) -> PyResult<()> {
        let mut values = values.iter();
        for code in &self.codes {
            for index in 0..code.repeat {
                let Some(value) = values.next() else { return Ok(()) };
                let start = code.offset + index * code.size;
                let place = out.get_mut(start..start + code.size).unwrap_or_default();
                match code.kind {
                    Kind::Pad => {}
                    Kind::Text => text_of(value, 's', |text| {
                        for (place, &byte) in place.iter_mut().zip(text) {
                            *place = byte;
                        }
                    })?,
                    Kind::Pascal => text_of(value, 'p', |text| {
                        if let Some((len, place)) = place.split_first_mut() {
                            let text = text.get(..place.len()).unwrap_or(text);
                            *len = text.len().min(255) as u8;
                            for (place, &byte) in place.iter_mut().zip(text) {
                                *place = byte;
                            }
                        }
                    })?,
                    Kind::Item(_) | Kind::Address => {
                        let bits = self.item_bits(code, value)?.to_le_bytes();
                        place.copy_from_slice(bits.get(..code.size).unwrap_or_default());
                        if self.mode == Mode::Big {
                            place.reverse();
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A value as the low bits of a word.
    fn item_bits(&self, code: &Code, value: &Value) -> PyResult<u64> {
        let Kind::Item(scalar) = code.kind else {
            let int = required_int(value)?;
            let fits = wide(&int).filter(|&int| (i64::MIN.into()..=u64::MAX.into()).contains(&int));
            return fits.map(|int| int as u64).ok_or_else(too_large);
        };
        match scalar {
            Scalar::Char => match value.downcast::<Bytes>().map(Bytes::as_slice) {
                Some(&[byte]) => Ok(byte.into()),
                _ => Err(error("char format requires a bytes object of length 1")),
            },
            Scalar::Bool => Ok(number::truth(value)?.into()),
            Scalar::F16 | Scalar::F32 | Scalar::F64 => {
                let float = number::to_f64(value).map_err(|_| error("required argument is not a float"))?;
                let too_large_for = |format: char| {
                    if int::is_int(value) {
                        too_large()
                    } else {
                        overflow_error(format!("float too large to pack with {format} format"))
                    }
                };
                match scalar {
                    Scalar::F16 => f64_to_half(float).map(u64::from).ok_or_else(|| too_large_for('e')),
                    Scalar::F32 => {
                        let narrow = float as f32;
                        if narrow.is_infinite() && float.is_finite() && self.mode != Mode::Native {
                            return Err(too_large_for('f'));
                        }
                        Ok(narrow.to_bits().into())
                    }
                    _ => Ok(float.to_bits()),
                }
            }
            _ => self.int_bits(code, scalar, value),
        }
    }

    fn int_bits(&self, code: &Code, scalar: Scalar, value: &Value) -> PyResult<u64> {
        let (min, max) = scalar.range().unwrap_or_default();
        let int = match value.as_small_int() {
            Some(small) => Some(small.into()),
            None => wide(&required_int(value)?),
        };
        if let Some(int) = int
            && (min..=max).contains(&int)
        {
            return Ok(int as u64);
        }
        // CPython's little-endian routines are the native ones where the sizes agree.
        let native = match self.mode {
            Mode::Native => true,
            Mode::Little => !matches!(code.format, b'l' | b'L'),
            Mode::Big => false,
        };
        if code.size == 8 {
            return Err(if native { error("argument out of range") } else { too_large() });
        }
        let signed_word = min < 0 || code.format == b'B' || (native && code.format == b'H');
        let word = if signed_word { i64::MIN.into()..=i64::MAX.into() } else { 0..=i128::from(u64::MAX) };
        if int.is_none_or(|int| !word.contains(&int)) {
            return Err(error("argument out of range"));
        }
        Err(error(match (code.format, native) {
            (b'b', _) => "byte format requires -128 <= number <= 127".to_owned(),
            (b'B', _) => "ubyte format requires 0 <= number <= 255".to_owned(),
            (b'h', true) => "short format requires (-0x7fff - 1) <= number <= 0x7fff".to_owned(),
            (b'H', true) => "ushort format requires 0 <= number <= (0x7fff * 2 + 1)".to_owned(),
            (format, _) => format!("'{}' format requires {min} <= number <= {max}", char::from(format)),
        }))
    }
}

#[cold]
fn too_large() -> Raised {
    error("int too large to convert")
}

/// As `get_pylong`.
fn required_int(value: &Value) -> PyResult<Value> {
    if int::is_int(value) || number::is_index(value) {
        number::index(value)
    } else {
        Err(error("required argument is not an integer"))
    }
}

/// Calls `use_text` with the bytes of a bytes object or bytearray.
fn text_of(value: &Value, format: char, use_text: impl FnOnce(&[u8])) -> PyResult<()> {
    if let Some(bytes) = value.downcast::<Bytes>() {
        use_text(bytes.as_slice());
    } else if let Some(array) = value.downcast::<Bytearray>() {
        use_text(&array.to_vec());
    } else {
        return Err(error(format!("argument for '{format}' must be a bytes object")));
    }
    Ok(())
}

/// The formats read lately, by their text. As CPython's cache of Struct objects.
type Cache = HashMap<Box<[u8]>, Rc<Compiled>>;
static CACHE: GilCell<Cell<Option<Cache>>> = GilCell::new(Cell::new(None));
const MAX_CACHED: usize = 100;

fn clear_cache() {
    drop(CACHE.get().take());
}

/// The bytes of a format; `None` for what is no text.
fn format_bytes(format: &Value) -> PyResult<Option<Vec<u8>>> {
    if let Some(text) = format.downcast::<Str>() {
        return codecs::encode_native(format, Encoding::Ascii, None).map(|bytes| {
            debug_assert_eq!(bytes.len(), text.len());
            Some(bytes)
        });
    }
    Ok(format.downcast::<Bytes>().map(|bytes| bytes.as_slice().to_vec()))
}

fn no_format(format: &Value) -> Raised {
    type_error(format!("Struct() argument 1 must be a str or bytes object, not {}", format.ty().name()))
}

/// The format that a value holds, read before perhaps.
///
/// # Errors
/// `TypeError` when it is no str or bytes, `struct.error` when it is no format.
fn compiled(format: &Value) -> PyResult<Rc<Compiled>> {
    let known = |text: &[u8]| {
        let cache = CACHE.get().take()?;
        let found = cache.get(text).cloned();
        CACHE.get().set(Some(cache));
        found
    };
    let quick = match (format.downcast::<Str>(), format.downcast::<Bytes>()) {
        (Some(text), _) => text.as_ascii().and_then(|text| known(text.as_bytes())),
        (_, Some(bytes)) => known(bytes.as_slice()),
        _ => None,
    };
    if let Some(found) = quick {
        return Ok(found);
    }
    let Some(text) = format_bytes(format)? else {
        // CPython looks into its cache first, which takes a hash.
        hash::hash(format)?;
        return Err(no_format(format));
    };
    let compiled = Rc::new(Compiled::parse(&text)?);
    let mut cache = CACHE.get().take().unwrap_or_default();
    if cache.len() >= MAX_CACHED {
        cache.clear();
    }
    cache.insert(text.into(), compiled.clone());
    CACHE.get().set(Some(cache));
    Ok(compiled)
}

fn calcsize(format: &Value) -> PyResult<usize> {
    Ok(compiled(format)?.size)
}

fn pack(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("pack", kwnames)?;
    match args {
        [] => Err(type_error("missing format argument")),
        [format, values @ ..] => pack_values(&State::of(compiled(format)?), values),
    }
}

fn pack_into(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("pack_into", kwnames)?;
    match args {
        [] => Err(type_error("missing format argument")),
        [format, rest @ ..] => pack_values_into(&State::of(compiled(format)?), rest),
    }
}

fn unpack(format: &Value, buffer: &Value) -> PyResult<Value> {
    unpack_all(&State::of(compiled(format)?), buffer)
}

fn unpack_from(format: &Value, buffer: &Value, offset: Option<isize>) -> PyResult<Value> {
    unpack_at(&State::of(compiled(format)?), buffer, offset.unwrap_or(0))
}

fn iter_unpack(format: &Value, buffer: &Value) -> PyResult<Value> {
    new_iterator(&State::of(compiled(format)?), buffer)
}

/// What a Struct object holds: its format, none before `__init__`.
#[derive(Clone, Default)]
struct State(Option<Rc<Compiled>>);

impl State {
    fn of(compiled: Rc<Compiled>) -> State {
        State(Some(compiled))
    }

    /// Number of bytes; -1 without a format.
    fn size(&self) -> isize {
        self.0.as_ref().map_or(-1, |compiled| compiled.size as isize)
    }

    fn check_count(&self, function: &str, given: usize) -> PyResult<()> {
        let len = self.0.as_ref().map_or(-1, |compiled| compiled.len as isize);
        if given as isize == len {
            return Ok(());
        }
        Err(error(format!("{function} expected {len} items for packing (got {given})")))
    }
}

fn pack_values(state: &State, values: &[Value]) -> PyResult<Value> {
    state.check_count("pack", values.len())?;
    let Some(compiled) = &state.0 else { return Ok(Bytes::new_value(&[])) };
    check_memory(compiled.size)?;
    let mut out = vec![0; compiled.size];
    compiled.pack(values, &mut out)?;
    Ok(Bytes::new_value(&out))
}

/// Where in `len` bytes an offset points, from the end when it is negative.
fn place(offset: isize, size: isize, len: usize, what: &str) -> PyResult<usize> {
    let mut start = offset;
    if offset < 0 {
        if offset + size > 0 {
            return Err(error(format!("{what} {size} bytes at offset {offset}")));
        }
        if offset + (len as isize) < 0 {
            return Err(error(format!("offset {offset} out of range for {len}-byte buffer")));
        }
        start += len as isize;
    }
    Ok(start as usize)
}

fn pack_values_into(state: &State, args: &[Value]) -> PyResult<Value> {
    let (buffer, offset, values) = match args {
        [] => return Err(error("pack_into expected buffer argument")),
        [_] => return Err(error("pack_into expected offset argument")),
        [buffer, offset, values @ ..] => (buffer, offset, values),
    };
    state.check_count("pack_into", values.len())?;
    let Some(compiled) = &state.0 else { return Ok(Value::NONE) };
    let target = match Buffer::get(buffer, Request::Writable) {
        Ok(Some(target)) => target,
        _ => {
            let found = if buffer.is_none() { "None" } else { buffer.ty().name() };
            return Err(type_error(format!("argument must be read-write bytes-like object, not {found}")));
        }
    };
    let offset = number::index_for_item(offset)?;
    let len = target.len();
    let size = compiled.size;
    let start = place(offset, size as isize, len, "no space to pack")?;
    if start > len || len - start < size {
        return Err(error(format!(
            "pack_into requires a buffer of at least {} bytes for packing {size} bytes at offset {start} (actual buffer size is {len})",
            start + size
        )));
    }
    let mut out = vec![0; size];
    let packed = compiled.pack(values, &mut out);
    target.with_items_mut(|items| {
        if let Some(items) = items.get_mut(start..start + size) {
            items.copy_from_slice(&out);
        }
    });
    packed?;
    Ok(Value::NONE)
}

fn unpack_all(state: &State, buffer: &Value) -> PyResult<Value> {
    let wrong = || error(format!("unpack requires a buffer of {} bytes", state.size()));
    if let (Some(bytes), Some(compiled)) = (buffer.downcast::<Bytes>(), &state.0) {
        if bytes.as_slice().len() != compiled.size {
            return Err(wrong());
        }
        return compiled.unpack_tuple(bytes.as_slice());
    }
    let source = Buffer::require(buffer, Request::Simple)?;
    match &state.0 {
        Some(compiled) if source.len() == compiled.size => compiled.unpack_tuple(&source.to_vec()),
        _ => Err(wrong()),
    }
}

fn unpack_at(state: &State, buffer: &Value, offset: isize) -> PyResult<Value> {
    let source = Buffer::require(buffer, Request::Simple)?;
    let len = source.len();
    let size = state.size();
    let start = place(offset, size, len, "not enough data to unpack")?;
    let Some(compiled) = &state.0 else { return Ok(Tuple::empty()) };
    if start > len || len - start < compiled.size {
        return Err(error(format!(
            "unpack_from requires a buffer of at least {} bytes for unpacking {size} bytes at offset {start} (actual buffer size is {len})",
            start + compiled.size
        )));
    }
    let bytes = source.with_items(|items| items.get(start..start + compiled.size).unwrap_or_default().to_vec());
    compiled.unpack_tuple(&bytes)
}

/// The body of a Struct object.
#[repr(C)]
pub struct Struct {
    header: Header,
    state: Cell<State>,
    /// The format as bytes; empty before `__init__`.
    format: ValueCell,
}

payload!(Struct, STRUCT);

/// The type object of `Struct`.
pub static STRUCT: TypeObject = TypeObject::define::<Struct>("Struct")
    .flags(TypeFlags::BASE)
    .with_weakrefs()
    .slots(Slots {
        new: Some(|class, _, _| match class.downcast::<TypeObject>() {
            Some(ty) => Ok(new_instance(
                ty,
                Struct { header: Header::new(ty), state: Cell::new(State(None)), format: ValueCell::EMPTY },
            )),
            None => Err(type_error("expected a type")),
        }),
        init: Some(|this, args, kwnames| {
            let mut all = vec![this.clone()];
            all.extend_from_slice(args);
            INIT.call(&all, kwnames).map(drop)
        }),
        getattr: Some(attribute::generic_get),
        setattr: Some(attribute::generic_set),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(GETSET)
    .doc("Create a compiled struct object.\n\nReturn a new Struct object which writes and reads binary data according to\nthe format string.\n\nSee help(struct) for more on format strings.");

static INIT: Function = Function::new("Struct($self, format)", "", thunk(init));

const METHODS: &[Method] = &[
    method!(
        |this: &Struct, buffer: &Value| new_iterator(&this.state(), buffer),
        "iter_unpack($self, buffer, /)",
        "Return an iterator yielding tuples.\n\nTuples are unpacked from the given bytes source, like a repeated\ninvocation of unpack_from().\n\nRequires that the bytes length be a multiple of the struct size."
    ),
    method!(
        raw struct_pack,
        "!pack($self, *args)",
        "S.pack(v1, v2, ...) -> bytes\n\nReturn a bytes object containing values v1, v2, ... packed according\nto the format string S.format.  See help(struct) for more on format\nstrings."
    ),
    method!(
        raw struct_pack_into,
        "!pack_into($self, *args)",
        "S.pack_into(buffer, offset, v1, v2, ...)\n\nPack the values v1, v2, ... according to the format string S.format\nand write the packed bytes into the writable buffer buf starting at\noffset.  Note that the offset is a required argument.  See\nhelp(struct) for more on format strings."
    ),
    method!(
        |this: &Struct, buffer: &Value| unpack_all(&this.state(), buffer),
        "unpack($self, buffer, /)",
        "Return a tuple containing unpacked values.\n\nUnpack according to the format string Struct.format. The buffer's size\nin bytes must be Struct.size.\n\nSee help(struct) for more on format strings."
    ),
    method!(
        |this: &Struct, buffer: &Value, offset: Option<isize>| unpack_at(&this.state(), buffer, offset.unwrap_or(0)),
        "unpack_from($self, /, buffer, offset=0)",
        "Return a tuple containing unpacked values.\n\nValues are unpacked according to the format string Struct.format.\n\nThe buffer's size in bytes, starting at position offset, must be\nat least Struct.size.\n\nSee help(struct) for more on format strings."
    ),
    method!(sizeof, "!__sizeof__($self)", "S.__sizeof__() -> size of S in memory, in bytes"),
];

const GETSET: &[GetSet] = &[
    GetSet { doc: Some("struct format string"), ..GetSet::read_only("format", format) },
    GetSet {
        doc: Some("struct size in bytes"),
        ..GetSet::read_only("size", |this| Ok(Value::int(body(this)?.state().size() as i64)))
    },
];

impl Struct {
    fn state(&self) -> State {
        let state = self.state.take();
        self.state.set(state.clone());
        state
    }
}

fn body(this: &Value) -> PyResult<&Struct> {
    this.downcast::<Struct>().ok_or_else(|| type_error(format!("expected Struct, not {}", this.ty().name())))
}

fn init(this: &Value, format: &Value) -> PyResult<()> {
    let Some(text) = format_bytes(format)? else { return Err(no_format(format)) };
    let this = body(this)?;
    let compiled = Compiled::parse(&text)?;
    this.state.set(State::of(Rc::new(compiled)));
    this.format.set(Some(Bytes::new_value(&text)));
    Ok(())
}

fn format(this: &Value) -> PyResult<Value> {
    let format = body(this)?.format.get();
    Ok(Str::from_latin1(format.as_ref().and_then(|format| format.downcast::<Bytes>()).map_or(&[], Bytes::as_slice)))
}

fn sizeof(this: &Struct) -> usize {
    const BODY: usize = 56;
    const CODE: usize = 32;
    BODY + this.state().0.map_or(0, |compiled| (compiled.codes.len() + 1) * CODE)
}

fn struct_pack(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("pack", kwnames)?;
    match args {
        [this, values @ ..] => pack_values(&body(this)?.state(), values),
        [] => Err(type_error("pack() needs an argument")),
    }
}

fn struct_pack_into(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("pack_into", kwnames)?;
    match args {
        [this, rest @ ..] => pack_values_into(&body(this)?.state(), rest),
        [] => Err(type_error("pack_into() needs an argument")),
    }
}

/// The body of an `unpack_iterator`.
#[repr(C)]
pub struct UnpackIterator {
    header: Header,
    compiled: Rc<Compiled>,
    /// Released at the end.
    buffer: Buffer,
    index: Cell<usize>,
}

payload!(UnpackIterator, UNPACK_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.buffer.visit(visit);
    }
});

/// The type object of `unpack_iterator`.
pub static UNPACK_ITERATOR: TypeObject = TypeObject::define::<UnpackIterator>("unpack_iterator")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[Method {
        function: Function::new("!__length_hint__($self)", "", thunk(length_hint)),
        kind: crate::object::native::MethodKind::Instance,
    }]);

fn new_iterator(state: &State, buffer: &Value) -> PyResult<Value> {
    let Some(compiled) = state.0.as_ref().filter(|compiled| compiled.size > 0) else {
        return Err(error("cannot iteratively unpack with a struct of length 0"));
    };
    let buffer = Buffer::require(buffer, Request::Simple)?;
    if !buffer.len().is_multiple_of(compiled.size) {
        let size = compiled.size;
        return Err(error(format!("iterative unpacking requires a buffer of a multiple of {size} bytes")));
    }
    Ok(new_object(UnpackIterator {
        header: Header::new(&UNPACK_ITERATOR),
        compiled: compiled.clone(),
        buffer,
        index: Cell::new(0),
    }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(this) = this.exact::<UnpackIterator>() else { return Err(type_error("expected an unpack_iterator")) };
    let start = this.index.get();
    let size = this.compiled.size;
    if start >= this.buffer.len() || this.buffer.owner().is_none() {
        this.buffer.release();
        return Ok(None);
    }
    this.index.set(start + size);
    let bytes = this.buffer.with_items(|items| items.get(start..start + size).unwrap_or_default().to_vec());
    this.compiled.unpack_tuple(&bytes).map(Some)
}

fn length_hint(this: &UnpackIterator) -> usize {
    if this.buffer.owner().is_none() {
        return 0;
    }
    this.buffer.len().saturating_sub(this.index.get()) / this.compiled.size
}
