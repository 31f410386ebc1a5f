//! The module `zlib`.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::arguments::Data;
use crate::modules::binascii::word;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_object};
use crate::object::native::{At, FromArg, GetSet};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, number};
use crate::types::bytes::{self, Bytes};
use crate::types::dict::Dict;
use crate::types::exceptions::{EXCEPTION, ModuleException, overflow_error, type_error, value_error};
use crate::types::int;
use crate::types::str::Str;
use libz_rs_sys as z;
use std::cell::Cell;
use system::Stream;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "zlib",
    doc: "The functions in this module allow compression and decompression using the\nzlib library, which is based on GNU zip.\n\nadler32(string[, start]) -- Compute an Adler-32 checksum.\ncompress(data[, level]) -- Compress data, with compression level 0-9 or -1.\ncompressobj([level[, ...]]) -- Return a compressor object.\ncrc32(string[, start]) -- Compute a CRC-32 checksum.\ndecompress(string,[wbits],[bufsize]) -- Decompresses a compressed string.\ndecompressobj([wbits[, zdict]]]) -- Return a decompressor object.\n\n'wbits' is window buffer size and container format.\nCompressor objects support compress() and flush() methods; decompressor\nobjects support decompress() and flush().",
    functions: &[
        method!(
            adler32,
            "adler32($module, data, value=1, /)",
            "Compute an Adler-32 checksum of data.\n\n  value\n    Starting value of the checksum.\n\nThe returned checksum is an integer."
        ),
        method!(
            compress,
            "compress($module, data, /, level=Z_DEFAULT_COMPRESSION)",
            "Returns a bytes object containing compressed data.\n\n  data\n    Binary data to be compressed.\n  level\n    Compression level, in 0-9 or -1."
        ),
        method!(
            compressobj,
            "compressobj($module, /, level=Z_DEFAULT_COMPRESSION, method=DEFLATED,\n            wbits=MAX_WBITS, memLevel=DEF_MEM_LEVEL,\n            strategy=Z_DEFAULT_STRATEGY, zdict=None)",
            "Return a compressor object.\n\n  level\n    The compression level (an integer in the range 0-9 or -1; default is\n    currently equivalent to 6).  Higher compression levels are slower,\n    but produce smaller results.\n  method\n    The compression algorithm.  If given, this must be DEFLATED.\n  wbits\n    +9 to +15: The base-two logarithm of the window size.  Include a zlib\n        container.\n    -9 to -15: Generate a raw stream.\n    +25 to +31: Include a gzip container.\n  memLevel\n    Controls the amount of memory used for internal compression state.\n    Valid values range from 1 to 9.  Higher values result in higher memory\n    usage, faster compression, and smaller output.\n  strategy\n    Used to tune the compression algorithm.  Possible values are\n    Z_DEFAULT_STRATEGY, Z_FILTERED, and Z_HUFFMAN_ONLY.\n  zdict\n    The predefined compression dictionary - a sequence of bytes\n    containing subsequences that are likely to occur in the input data."
        ),
        method!(
            crc32,
            "crc32($module, data, value=0, /)",
            "Compute a CRC-32 checksum of data.\n\n  value\n    Starting value of the checksum.\n\nThe returned checksum is an integer."
        ),
        method!(
            decompress,
            "decompress($module, data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE)",
            "Returns a bytes object containing the uncompressed data.\n\n  data\n    Compressed data.\n  wbits\n    The window buffer size and container format.\n  bufsize\n    The initial output buffer size."
        ),
        method!(
            decompressobj,
            "decompressobj($module, /, wbits=MAX_WBITS, zdict=b'')",
            "Return a decompressor object.\n\n  wbits\n    The window buffer size and container format.\n  zdict\n    The predefined compression dictionary.  This must be the same\n    dictionary as used by the compressor that produced the input data."
        ),
    ],
    fill,
};

/// The size of a first piece of output.
const DEFAULT_SIZE: usize = 16384;

fn fill(dict: &Dict) -> PyResult<()> {
    dict.set_text("error", ERROR.class()?);
    for (name, value) in [
        ("MAX_WBITS", 15),
        ("DEFLATED", 8),
        ("DEF_MEM_LEVEL", 8),
        ("DEF_BUF_SIZE", 16384),
        ("Z_NO_COMPRESSION", 0),
        ("Z_BEST_SPEED", 1),
        ("Z_BEST_COMPRESSION", 9),
        ("Z_DEFAULT_COMPRESSION", -1),
        ("Z_FILTERED", 1),
        ("Z_HUFFMAN_ONLY", 2),
        ("Z_RLE", 3),
        ("Z_FIXED", 4),
        ("Z_DEFAULT_STRATEGY", 0),
        ("Z_NO_FLUSH", 0),
        ("Z_PARTIAL_FLUSH", 1),
        ("Z_SYNC_FLUSH", 2),
        ("Z_FULL_FLUSH", 3),
        ("Z_FINISH", 4),
        ("Z_BLOCK", 5),
        ("Z_TREES", 6),
    ] {
        dict.set_text(name, Value::int(value));
    }
    dict.set_text("ZLIB_VERSION", Str::new_value("1.2.13"));
    dict.set_text("ZLIB_RUNTIME_VERSION", Str::new_value("1.2.13"));
    dict.set_text("__version__", Str::new_value("1.0"));
    Ok(())
}

static ERROR: ModuleException = ModuleException::new("zlib", "error", &[&EXCEPTION]);

/// The error of a call of the library. As `zlib_error`.
#[cold]
fn failure(stream: Option<&Stream>, code: i32, what: &str) -> Raised {
    let said = if code == z::Z_NEED_DICT { None } else { stream.and_then(Stream::message) };
    let message = said.or_else(|| {
        let known = match code {
            z::Z_BUF_ERROR => "incomplete or truncated stream",
            z::Z_STREAM_ERROR => "inconsistent stream state",
            z::Z_DATA_ERROR => "invalid input data",
            _ => return None,
        };
        Some(known.to_owned())
    });
    // A call that finds no progress leaves a message of its own kind.
    let message = match (code, message) {
        (z::Z_BUF_ERROR, Some(_)) => Some("incomplete or truncated stream".to_owned()),
        (_, message) => message,
    };
    match message {
        Some(message) => ERROR.message(&format!("Error {code} {what}: {message}")),
        None => ERROR.message(&format!("Error {code} {what}")),
    }
}

/// A C `unsigned int`: the low bits of an int.
struct Word(u32);

impl FromArg for Word {
    type Out<'a> = Word;
    fn from_arg(value: &Value, _at: At) -> PyResult<Word> {
        if value.is_small_float() {
            return Err(type_error("integer argument expected, got float"));
        }
        word(value).map(Word)
    }
}

/// A size; what is too large counts as the largest. As `capped_ssize_t`.
struct Size(isize);

impl FromArg for Size {
    type Out<'a> = Size;
    fn from_arg(value: &Value, _at: At) -> PyResult<Size> {
        let value = number::index(value)?;
        match int::to_i64(&value) {
            Some(size) => Ok(Size(size as isize)),
            None => Err(overflow_error("Python int too large to convert to C ssize_t")),
        }
    }
}

fn adler32(data: Data, value: Option<Word>) -> Value {
    Value::int(system::adler32(value.map_or(1, |value| value.0), &data.0).into())
}

fn crc32(data: Data, value: Option<Word>) -> Value {
    let mut hasher = crc32fast::Hasher::new_with_initial(value.map_or(0, |value| value.0));
    hasher.update(&data.0);
    Value::int(hasher.finalize().into())
}

/// Feeds all of the input and appends what comes out. The library's last code.
fn feed(stream: &mut Stream, mut input: &[u8], out: &mut Vec<u8>, flush: i32) -> i32 {
    loop {
        let room = out.len().clamp(DEFAULT_SIZE, 1 << 26);
        let step = stream.step(input, out, room, flush);
        input = input.get(step.taken..).unwrap_or_default();
        if step.code != z::Z_OK && step.code != z::Z_BUF_ERROR {
            return step.code;
        }
        if step.has_room && (input.is_empty() || step.taken == 0) {
            return step.code;
        }
    }
}

fn compress(data: Data, level: Option<i32>) -> PyResult<Value> {
    let mut stream = Stream::compressor(level.unwrap_or(-1), 8, 15, 8, 0).map_err(|code| match code {
        z::Z_MEM_ERROR => ERROR.message("Out of memory while compressing data"),
        z::Z_STREAM_ERROR => ERROR.message("Bad compression level"),
        code => failure(None, code, "while compressing data"),
    })?;
    let mut out = Vec::new();
    match feed(&mut stream, &data.0, &mut out, z::Z_FINISH) {
        z::Z_STREAM_END => Ok(Bytes::new_value(&out)),
        code => Err(failure(Some(&stream), code, "while compressing data")),
    }
}

fn decompress(data: Data, wbits: Option<i32>, bufsize: Option<Size>) -> PyResult<Value> {
    if bufsize.is_some_and(|size| size.0 < 0) {
        return Err(value_error("bufsize must be non-negative"));
    }
    let mut stream = Stream::decompressor(wbits.unwrap_or(15)).map_err(|code| match code {
        z::Z_MEM_ERROR => ERROR.message("Out of memory while decompressing data"),
        code => failure(None, code, "while preparing to decompress data"),
    })?;
    let mut out = Vec::new();
    match feed(&mut stream, &data.0, &mut out, z::Z_SYNC_FLUSH) {
        z::Z_STREAM_END => Ok(Bytes::new_value(&out)),
        z::Z_MEM_ERROR => Err(ERROR.message("Out of memory while decompressing data")),
        z::Z_OK => Err(failure(Some(&stream), z::Z_BUF_ERROR, "while decompressing data")),
        code => Err(failure(Some(&stream), code, "while decompressing data")),
    }
}

/// The body of a compressor.
#[repr(C)]
pub struct Compress {
    header: Header,
    /// Empty after the end.
    stream: Cell<Option<Box<Stream>>>,
}

payload!(Compress, COMPRESS);

/// The type object of compressors.
pub static COMPRESS: TypeObject = TypeObject::define::<Compress>("zlib.Compress")
    .methods(&[
        method!(compress_more, "compress($self, data, /)", "Returns a bytes object containing compressed data.\n\n  data\n    Binary data to be compressed.\n\nAfter calling this function, some of the input data may still\nbe stored in internal buffers for later processing.\nCall the flush() method to clear these buffers."),
        method!(compress_flush, "flush($self, mode=zlib.Z_FINISH, /)", "Return a bytes object containing any remaining compressed data.\n\n  mode\n    One of the constants Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH.\n    If mode == Z_FINISH, the compressor object can no longer be\n    used after calling the flush() method.  Otherwise, more data\n    can still be compressed."),
        method!(compress_copy, "copy($self, /)", "Return a copy of the compression object."),
        method!(compress_copy, "__copy__($self, /)", ""),
        method!(|this: &Compress, _memo: &Value| compress_copy(this), "__deepcopy__($self, memo, /)", ""),
    ]);

/// Uses a stream that an object holds; the error is that of one that has ended.
fn with_stream<R>(
    cell: &Cell<Option<Box<Stream>>>,
    what: &str,
    act: impl FnOnce(&mut Stream) -> PyResult<R>,
) -> PyResult<R> {
    let Some(mut stream) = cell.take() else { return Err(failure(None, z::Z_STREAM_ERROR, what)) };
    let result = act(&mut stream);
    cell.set(Some(stream));
    result
}

fn compressobj(
    level: Option<i32>,
    method: Option<i32>,
    wbits: Option<i32>,
    memory: Option<i32>,
    strategy: Option<i32>,
    zdict: Option<Data>,
) -> PyResult<Value> {
    let stream = Stream::compressor(
        level.unwrap_or(-1),
        method.unwrap_or(8),
        wbits.unwrap_or(15),
        memory.unwrap_or(8),
        strategy.unwrap_or(0),
    );
    let mut stream = stream.map_err(|code| match code {
        z::Z_MEM_ERROR => ERROR.message("Can't allocate memory for compression object"),
        z::Z_STREAM_ERROR => value_error("Invalid initialization option"),
        code => failure(None, code, "while creating compression object"),
    })?;
    if let Some(zdict) = zdict {
        match stream.set_dictionary(&zdict.0) {
            z::Z_OK => {}
            z::Z_STREAM_ERROR => return Err(value_error("Invalid dictionary")),
            _ => return Err(value_error("deflateSetDictionary()")),
        }
    }
    Ok(new_object(Compress { header: Header::new(&COMPRESS), stream: Cell::new(Some(Box::new(stream))) }))
}

fn compress_more(this: &Compress, data: Data) -> PyResult<Value> {
    with_stream(&this.stream, "while compressing data", |stream| {
        let mut out = Vec::new();
        match feed(stream, &data.0, &mut out, z::Z_NO_FLUSH) {
            z::Z_STREAM_ERROR => Err(failure(Some(stream), z::Z_STREAM_ERROR, "while compressing data")),
            _ => Ok(Bytes::new_value(&out)),
        }
    })
}

fn compress_flush(this: &Compress, mode: Option<i32>) -> PyResult<Value> {
    let mode = mode.unwrap_or(z::Z_FINISH);
    if mode == z::Z_NO_FLUSH {
        return Ok(Bytes::new_value(&[]));
    }
    let (out, code) = with_stream(&this.stream, "while flushing", |stream| {
        let mut out = Vec::new();
        match feed(stream, &[], &mut out, mode) {
            code @ (z::Z_OK | z::Z_BUF_ERROR | z::Z_STREAM_END) => Ok((out, code)),
            code => Err(failure(Some(stream), code, "while flushing")),
        }
    })?;
    if code == z::Z_STREAM_END && mode == z::Z_FINISH {
        drop(this.stream.take());
    }
    Ok(Bytes::new_value(&out))
}

fn copied(cell: &Cell<Option<Box<Stream>>>, what: &str) -> PyResult<Box<Stream>> {
    let Some(mut stream) = cell.take() else { return Err(value_error("Inconsistent stream state")) };
    let copy = stream.copy();
    cell.set(Some(stream));
    copy.map(Box::new).map_err(|code| match code {
        z::Z_STREAM_ERROR => value_error("Inconsistent stream state"),
        z::Z_MEM_ERROR => crate::types::exceptions::memory_error(format!("Can't allocate memory for {what} object")),
        code => failure(None, code, &format!("while copying {what} object")),
    })
}

fn compress_copy(this: &Compress) -> PyResult<Value> {
    let stream = Cell::new(Some(copied(&this.stream, "compression")?));
    Ok(new_object(Compress { header: Header::new(&COMPRESS), stream }))
}

/// The body of a decompressor.
#[repr(C)]
pub struct Decompress {
    header: Header,
    /// Empty after the end.
    stream: Cell<Option<Box<Stream>>>,
    dictionary: Option<Vec<u8>>,
    /// Bytes behind the end of what is compressed.
    unused: ValueCell,
    /// Bytes that were not looked at, as there was no room for more output.
    tail: ValueCell,
    eof: Cell<bool>,
}

payload!(Decompress, DECOMPRESS);

/// The type object of decompressors.
pub static DECOMPRESS: TypeObject = TypeObject::define::<Decompress>("zlib.Decompress")
    .methods(&[
        method!(decompress_more, "decompress($self, data, /, max_length=0)", "Return a bytes object containing the decompressed version of the data.\n\n  data\n    The binary data to decompress.\n  max_length\n    The maximum allowable length of the decompressed data.\n    Unconsumed input data will be stored in\n    the unconsumed_tail attribute.\n\nAfter calling this function, some of the input data may still be stored in\ninternal buffers for later processing.\nCall the flush() method to clear these buffers."),
        method!(decompress_flush, "flush($self, length=zlib.DEF_BUF_SIZE, /)", "Return a bytes object containing any remaining decompressed data.\n\n  length\n    the initial size of the output buffer."),
        method!(decompress_copy, "copy($self, /)", "Return a copy of the decompression object."),
        method!(decompress_copy, "__copy__($self, /)", ""),
        method!(|this: &Decompress, _memo: &Value| decompress_copy(this), "__deepcopy__($self, memo, /)", ""),
    ])
    .getset(&[
        GetSet::member("unused_data", |this| Ok(held(this, |body| &body.unused))),
        GetSet::member("unconsumed_tail", |this| Ok(held(this, |body| &body.tail))),
        GetSet::member("eof", |this| Ok(Value::bool(this.downcast::<Decompress>().is_some_and(|body| body.eof.get())))),
    ]);

fn held(this: &Value, cell: fn(&Decompress) -> &ValueCell) -> Value {
    this.downcast::<Decompress>().and_then(|body| cell(body).get()).unwrap_or_else(|| Bytes::new_value(&[]))
}

fn decompressobj(wbits: Option<i32>, zdict: Option<&Value>) -> PyResult<Value> {
    let wbits = wbits.unwrap_or(15);
    let dictionary = match zdict {
        Some(zdict) if !bytes::is_buffer(zdict) => {
            return Err(type_error("zdict argument must support the buffer protocol"));
        }
        Some(zdict) => Some(Buffer::require(zdict, Request::Simple)?.to_vec()),
        None => None,
    };
    let mut stream = Stream::decompressor(wbits).map_err(|code| match code {
        z::Z_STREAM_ERROR => value_error("Invalid initialization option"),
        z::Z_MEM_ERROR => ERROR.message("Can't allocate memory for decompression object"),
        code => failure(None, code, "while creating decompression object"),
    })?;
    if let Some(dictionary) = dictionary.as_ref().filter(|_| wbits < 0) {
        set_dictionary(&mut stream, dictionary)?;
    }
    Ok(new_object(Decompress {
        header: Header::new(&DECOMPRESS),
        stream: Cell::new(Some(Box::new(stream))),
        dictionary,
        unused: ValueCell::EMPTY,
        tail: ValueCell::EMPTY,
        eof: Cell::new(false),
    }))
}

fn set_dictionary(stream: &mut Stream, dictionary: &[u8]) -> PyResult<()> {
    match stream.set_dictionary(dictionary) {
        z::Z_OK => Ok(()),
        code => Err(match code {
            z::Z_DATA_ERROR => ERROR.message("Error -3 while setting zdict: invalid input data"),
            code => failure(Some(stream), code, "while setting zdict"),
        }),
    }
}

/// Decompresses up to `limit` bytes: the output, what is left of the input, the library's last code.
fn inflate<'a>(
    stream: &mut Stream,
    dictionary: Option<&[u8]>,
    mut input: &'a [u8],
    limit: usize,
    flush: i32,
) -> PyResult<(Vec<u8>, &'a [u8], i32)> {
    let mut out = Vec::new();
    let mut code = z::Z_OK;
    while out.len() < limit {
        let room = out.len().clamp(DEFAULT_SIZE, 1 << 26).min(limit - out.len());
        let step = stream.step(input, &mut out, room, flush);
        input = input.get(step.taken..).unwrap_or_default();
        code = step.code;
        match (code, dictionary) {
            (z::Z_NEED_DICT, Some(dictionary)) => set_dictionary(stream, dictionary)?,
            (z::Z_OK | z::Z_BUF_ERROR, _) if step.has_room && (input.is_empty() || step.taken == 0) => break,
            (z::Z_OK | z::Z_BUF_ERROR, _) => {}
            _ => break,
        }
    }
    Ok((out, input, code))
}

impl Decompress {
    /// Keeps the input that is left.
    fn keep(&self, left: &[u8], code: i32) {
        if code == z::Z_STREAM_END && !left.is_empty() {
            let mut unused = held(&Value::of(self), |body| &body.unused)
                .downcast::<Bytes>()
                .map_or_else(Vec::new, |bytes| bytes.as_slice().to_vec());
            unused.extend_from_slice(left);
            self.unused.set(Some(Bytes::new_value(&unused)));
        }
        let tail = held(&Value::of(self), |body| &body.tail);
        let had_tail = tail.downcast::<Bytes>().is_some_and(|tail| !tail.as_slice().is_empty());
        if had_tail || (code != z::Z_STREAM_END && !left.is_empty()) {
            self.tail.set(Some(Bytes::new_value(left)));
        }
        if code == z::Z_STREAM_END {
            self.eof.set(true);
        }
    }
}

fn decompress_more(this: &Decompress, data: Data, max_length: Option<Size>) -> PyResult<Value> {
    let limit = match max_length.map_or(0, |length| length.0) {
        length if length < 0 => return Err(value_error("max_length must be non-negative")),
        0 => usize::MAX,
        length => length as usize,
    };
    with_stream(&this.stream, "while decompressing data", |stream| {
        let (out, left, code) = inflate(stream, this.dictionary.as_deref(), &data.0, limit, z::Z_SYNC_FLUSH)?;
        this.keep(left, code);
        match code {
            z::Z_OK | z::Z_BUF_ERROR | z::Z_STREAM_END => Ok(Bytes::new_value(&out)),
            code => Err(failure(Some(stream), code, "while decompressing data")),
        }
    })
}

fn decompress_flush(this: &Decompress, length: Option<Size>) -> PyResult<Value> {
    if length.is_some_and(|length| length.0 <= 0) {
        return Err(value_error("length must be greater than zero"));
    }
    let tail = held(&Value::of(this), |body| &body.tail);
    let input = tail.downcast::<Bytes>().map_or(&[][..], Bytes::as_slice);
    let Some(mut stream) = this.stream.take() else { return Ok(Bytes::new_value(&[])) };
    let result = inflate(&mut stream, this.dictionary.as_deref(), input, usize::MAX, z::Z_FINISH);
    if !matches!(result, Ok((_, _, z::Z_STREAM_END))) {
        this.stream.set(Some(stream));
    }
    let (out, left, code) = result?;
    this.keep(left, code);
    Ok(Bytes::new_value(&out))
}

fn decompress_copy(this: &Decompress) -> PyResult<Value> {
    Ok(new_object(Decompress {
        header: Header::new(&DECOMPRESS),
        stream: Cell::new(Some(copied(&this.stream, "decompression")?)),
        dictionary: this.dictionary.clone(),
        unused: ValueCell::new(this.unused.get()),
        tail: ValueCell::new(this.tail.get()),
        eof: Cell::new(this.eof.get()),
    }))
}
