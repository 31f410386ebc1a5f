//! `_io.TextIOWrapper`: text over a buffered stream.
//!
//! What is read comes in chunks that are decoded as a whole; the program takes characters from the decoded chunk. The
//! snapshot (the decoder's state before the chunk, and the chunk's bytes) is what `tell` works out a position from. What is
//! written waits, encoded, until there is a chunk of it. `position` is about positions.

mod position;

use super::base::{TEXT_IO_BASE, chain, check_closed, closed_error, is_interrupted, reentrant_repr, uninitialized};
use super::buffered;
use super::coder::{Codec, Decoder, Encoder, Slot};
use super::file_io::{FileIo, bool_field};
use super::newline::{Newline, find, line_end, replace_line_feeds};
use super::{Size, Text, call_init, standard, unsupported};
use crate::gc::Visit;
use crate::method;
use crate::modules::posix::system;
use crate::name;
use crate::object::buffer::ByteStore;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, call, compare, number, repr_guard, text as objects};
use crate::types::bytes::{self, Bytes};
use crate::types::exceptions::{
    IMPORT_ERROR, OS_ERROR, VALUE_ERROR, attribute_error, is_attribute_error, is_instance, overflow_error, raise,
    type_error, value_error,
};
use crate::types::str::{Str, StrBuilder};
use crate::vm::{finalize, import, importlib};
use std::cell::Cell;
use std::rc::Rc;

/// The body of a TextIOWrapper.
#[repr(C)]
pub struct TextIo {
    header: Header,
    ready: Cell<bool>,
    detached: Cell<bool>,
    buffer: ValueCell,
    /// The raw file under an exact buffered stream: it tells whether the stream is closed.
    raw: ValueCell,
    encoding: ValueCell,
    errors: ValueCell,
    decoder: Slot<Decoder>,
    encoder: Slot<Encoder>,
    newline: Cell<Newline>,
    line_buffering: Cell<bool>,
    write_through: Cell<bool>,
    seekable: Cell<bool>,
    has_read1: Cell<bool>,
    /// Whether `tell` works: not while lines are iterated over.
    telling: Cell<bool>,
    finalizing: Cell<bool>,
    chunk_size: Cell<usize>,
    /// The decoded chunk.
    decoded: ValueCell,
    /// Characters of it that are used up.
    used: Cell<usize>,
    /// Bytes that wait to be written.
    pending: ByteStore,
    /// The decoder's state before the chunk, as a number; `None` without a snapshot.
    snapshot: Cell<Option<u64>>,
    /// The bytes of the snapshot: those that the decoder had kept, and the chunk.
    snapshot_bytes: ByteStore,
    /// Bytes a character in the last chunk.
    ratio: Cell<f64>,
}

payload!(TextIo, TEXT_IO_WRAPPER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.buffer.visit(visit);
        self.raw.visit(visit);
        if let Some(decoder) = self.decoder.get() {
            decoder.visit(visit);
        }
        if let Some(encoder) = self.encoder.get() {
            encoder.visit(visit);
        }
    }
    fn clear_references(&self) {
        self.ready.set(false);
        drop(self.buffer.take());
        drop(self.raw.take());
        self.decoder.set(None);
        self.encoder.set(None);
    }
});

/// The type object of `_io.TextIOWrapper`.
pub static TEXT_IO_WRAPPER: TypeObject = TypeObject::define::<TextIo>("_io.TextIOWrapper")
    .base(&TEXT_IO_BASE)
    .flags(TypeFlags::BASE)
    .slots(Slots {
        new: Some(|class, _, _| match class.downcast::<TypeObject>() {
            Some(ty) => Ok(allocate(ty)),
            None => Err(type_error("expected a type")),
        }),
        init: Some(|this, args, kwnames| call_init(&INIT, this, args, kwnames)),
        repr: Some(repr),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[
        GetSet::member("encoding", |this| Ok(body(this)?.encoding.get().unwrap_or(Value::NONE))),
        GetSet::member("buffer", |this| Ok(body(this)?.buffer.get().unwrap_or(Value::NONE))),
        GetSet::member("line_buffering", |this| Ok(Value::bool(body(this)?.line_buffering.get()))),
        GetSet::member("write_through", |this| Ok(Value::bool(body(this)?.write_through.get()))),
        GetSet::new(
            "_finalizing",
            |this| Ok(Value::bool(body(this)?.finalizing.get())),
            |this, value| {
                body(this)?.finalizing.set(bool_field(value)?);
                Ok(())
            },
        )
        .as_member(),
        GetSet::read_only("name", |this| attribute::get_interned(&body(this)?.attached()?, name!("name"))),
        GetSet::read_only("closed", |this| attribute::get_interned(&body(this)?.attached()?, name!("closed"))),
        GetSet::read_only("newlines", |this| {
            let body = body(this)?;
            body.attached()?;
            body.decoder.get().map_or(Ok(Value::NONE), |decoder| decoder.newlines())
        }),
        GetSet::read_only("errors", |this| {
            let body = body(this)?;
            if body.ready.get() { Ok(body.errors.get().unwrap_or(Value::NONE)) } else { Err(body.not_ready()) }
        }),
        GetSet::new(
            "_CHUNK_SIZE",
            |this| {
                let body = body(this)?;
                body.attached()?;
                Ok(Value::int(body.chunk_size.get() as i64))
            },
            set_chunk_size,
        ),
    ])
    .doc(TEXT_IO_WRAPPER_DOC);

static INIT: Function = Function::new(
    "TextIOWrapper($self, buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)",
    "",
    thunk(init),
);

const METHODS: &[Method] = &[
    method!(detach, "detach($self, /)", ""),
    method!(
        reconfigure,
        "reconfigure($self, /, *, encoding=None, errors=None, newline=None,\n            line_buffering=None, write_through=None)",
        "Reconfigure the text stream with new parameters.\n\nThis also does an implicit stream flush."
    ),
    method!(write, "write($self, text, /)", ""),
    method!(raw read_raw, "read($self, size=-1, /)", ""),
    method!(raw readline_raw, "readline($self, size=-1, /)", ""),
    method!(flush, "flush($self, /)", ""),
    method!(close, "close($self, /)", ""),
    method!(fileno, "fileno($self, /)", ""),
    method!(seekable, "seekable($self, /)", ""),
    method!(readable, "readable($self, /)", ""),
    method!(writable, "writable($self, /)", ""),
    method!(isatty, "isatty($self, /)", ""),
    method!(position::seek, "seek($self, cookie, whence=0, /)", ""),
    method!(position::tell, "tell($self, /)", ""),
    method!(truncate, "truncate($self, pos=None, /)", ""),
];
const TEXT_IO_WRAPPER_DOC: &str = "Character and line based layer over a BufferedIOBase object, buffer.\n\nencoding gives the name of the encoding that the stream will be\ndecoded or encoded with. It defaults to locale.getpreferredencoding(False).\n\nerrors determines the strictness of encoding and decoding (see\nhelp(codecs.Codec) or the documentation for codecs.register) and\ndefaults to \"strict\".\n\nnewline controls how line endings are handled. It can be None, '',\n'\\n', '\\r', and '\\r\\n'.  It works as follows:\n\n* On input, if newline is None, universal newlines mode is\n  enabled. Lines in the input can end in '\\n', '\\r', or '\\r\\n', and\n  these are translated into '\\n' before being returned to the\n  caller. If it is '', universal newline mode is enabled, but line\n  endings are returned to the caller untranslated. If it has any of\n  the other legal values, input lines are only terminated by the given\n  string, and the line ending is returned to the caller untranslated.\n\n* On output, if newline is None, any '\\n' characters written are\n  translated to the system default line separator, os.linesep. If\n  newline is '' or '\\n', no translation takes place. If newline is any\n  of the other legal values, any '\\n' characters written are translated\n  to the given string.\n\nIf line_buffering is True, a call to flush is implied when a call to\nwrite contains a newline character.";

fn allocate(ty: &TypeObject) -> Value {
    new_instance(
        ty,
        TextIo {
            header: Header::new(ty),
            ready: Cell::new(false),
            detached: Cell::new(false),
            buffer: ValueCell::EMPTY,
            raw: ValueCell::EMPTY,
            encoding: ValueCell::EMPTY,
            errors: ValueCell::EMPTY,
            decoder: Slot::new(),
            encoder: Slot::new(),
            newline: Cell::new(Newline::Translated),
            line_buffering: Cell::new(false),
            write_through: Cell::new(false),
            seekable: Cell::new(false),
            has_read1: Cell::new(false),
            telling: Cell::new(false),
            finalizing: Cell::new(false),
            chunk_size: Cell::new(super::BUFFER_SIZE),
            decoded: ValueCell::EMPTY,
            used: Cell::new(0),
            pending: ByteStore::default(),
            snapshot: Cell::new(None),
            snapshot_bytes: ByteStore::default(),
            ratio: Cell::new(0.0),
        },
    )
}

fn body(this: &Value) -> PyResult<&TextIo> {
    this.downcast::<TextIo>().ok_or_else(|| type_error(format!("expected TextIOWrapper, not {}", this.ty().name())))
}

fn set_chunk_size(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let body = body(this)?;
    body.attached()?;
    let Some(value) = value else { return Err(attribute_error("cannot delete attribute")) };
    let size = number::index_to_i64(value)?
        .ok_or_else(|| value_error(format!("cannot fit '{}' into an index-sized integer", value.ty().name())))?;
    match usize::try_from(size) {
        Ok(size) if size > 0 => {
            body.chunk_size.set(size);
            Ok(())
        }
        _ => Err(value_error("a strictly positive integer is required")),
    }
}

/// What a TextIOWrapper is made with.
pub(super) struct Settings<'a> {
    pub encoding: Option<&'a str>,
    pub errors: Option<&'a str>,
    pub newline: Newline,
    pub line_buffering: bool,
    pub write_through: bool,
}

/// A TextIOWrapper over a buffered stream.
pub(super) fn over(buffer: &Value, settings: &Settings) -> PyResult<Value> {
    let this = allocate(&TEXT_IO_WRAPPER);
    body(&this)?.initialize(buffer, settings)?;
    Ok(this)
}

/// The line ends of a `newline` argument.
pub(super) fn parse_newline(newline: Option<&Str>) -> PyResult<Newline> {
    Newline::parse(newline).ok_or_else(|| {
        value_error(format!("illegal newline value: {}", newline.map(Str::to_string_lossy).unwrap_or_default()))
    })
}

fn init(
    this: &TextIo,
    buffer: &Value,
    encoding: Option<Text>,
    errors: Option<&Value>,
    newline: Option<Text>,
    line_buffering: Option<i32>,
    write_through: Option<i32>,
) -> PyResult<()> {
    this.ready.set(false);
    this.detached.set(false);
    let newline = parse_newline(newline.and_then(|newline| newline.0))?;
    let encoding = encoding.and_then(|encoding| encoding.0).map(Str::to_string_lossy);
    let errors = match errors.filter(|errors| !errors.is_none()) {
        None => None,
        Some(errors) => match errors.downcast::<Str>() {
            Some(errors) => Some(errors.to_string_lossy()),
            None => {
                return Err(type_error(format!(
                    "TextIOWrapper() argument 'errors' must be str or None, not {}",
                    errors.ty().name()
                )));
            }
        },
    };
    this.initialize(
        buffer,
        &Settings {
            encoding: encoding.as_deref(),
            errors: errors.as_deref(),
            newline,
            line_buffering: line_buffering.unwrap_or(0) != 0,
            write_through: write_through.unwrap_or(0) != 0,
        },
    )
}

/// The encoding of a stream that says none: a terminal's, else that of the locale.
fn default_encoding(buffer: &Value) -> PyResult<String> {
    match call::call_method(buffer, name!("fileno"), &[]) {
        Ok(fd) => {
            let fd = number::index_to_i64(&fd)?.and_then(|fd| i32::try_from(fd).ok());
            if fd.is_none() {
                return Err(overflow_error("Python int too large to convert to C int"));
            }
        }
        Err(raised) if is_attribute_error(&raised) => {}
        Err(raised) => {
            let unsupported = super::UNSUPPORTED_OPERATION.class()?;
            if !unsupported.downcast::<TypeObject>().is_some_and(|class| is_instance(&raised, class)) {
                return Err(raised);
            }
        }
    }
    // A terminal's encoding is the locale's too.
    import_locale_module()?;
    Ok(standard::preferred_encoding())
}

/// Imports the module that CPython asks for the locale's encoding: programs see that it is there. As `_PyIO_get_locale_module`.
fn import_locale_module() -> PyResult<()> {
    static IMPORTED: GilCell<Cell<bool>> = GilCell::new(Cell::new(false));
    if IMPORTED.get().get() || finalize::is_finalizing() || importlib::if_set_up().is_none() {
        return Ok(());
    }
    IMPORTED.get().set(true);
    match import::import_text("_bootlocale") {
        Err(raised) if !is_instance(&raised, &IMPORT_ERROR) => Err(raised),
        _ => Ok(()),
    }
}

impl TextIo {
    fn not_ready(&self) -> Raised {
        if self.detached.get() { value_error("underlying buffer has been detached") } else { uninitialized() }
    }

    /// The buffered stream of an object that is set up.
    fn attached(&self) -> PyResult<Value> {
        match self.buffer.get() {
            Some(buffer) if self.ready.get() && !self.detached.get() => Ok(buffer),
            _ => Err(self.not_ready()),
        }
    }

    /// Checks that the stream is set up and open.
    #[inline]
    fn check_open(&self, this: &Value) -> PyResult<()> {
        if self.ready.get() && !self.detached.get() && this.is_exact::<TextIo>() {
            let closed = self.raw.with(|raw| raw.and_then(|raw| raw.exact::<FileIo>()).map(FileIo::is_closed));
            match closed {
                Some(false) => return Ok(()),
                Some(true) => return Err(closed_error()),
                None => {}
            }
        }
        self.open_buffer(this).map(drop)
    }

    /// The buffered stream, which has to be open.
    #[inline]
    fn open_buffer(&self, this: &Value) -> PyResult<Value> {
        let buffer = self.attached()?;
        if !this.is_exact::<TextIo>() {
            check_closed(this)?;
            return Ok(buffer);
        }
        let closed = match buffered::exact(&buffer) {
            Some(body) if body.is_direct() => body.is_closed()?,
            _ => number::truth(&attribute::get_interned(&buffer, name!("closed"))?)?,
        };
        if closed { Err(closed_error()) } else { Ok(buffer) }
    }

    fn errors_text(&self) -> String {
        self.errors.get().and_then(|errors| errors.downcast::<Str>().map(Str::to_string_lossy)).unwrap_or_default()
    }

    fn initialize(&self, buffer: &Value, settings: &Settings) -> PyResult<()> {
        self.ready.set(false);
        self.detached.set(false);
        self.encoder.set(None);
        self.decoder.set(None);
        self.decoded.set(None);
        self.snapshot.set(None);
        self.ratio.set(0.0);
        self.pending.set(Vec::new());
        let encoding = match settings.encoding {
            Some(encoding) => encoding.to_owned(),
            None => default_encoding(buffer)?,
        };
        let codec = Codec::find(&encoding)?;
        let errors = settings.errors.unwrap_or("strict");
        self.encoding.set(Some(Str::new_value(&encoding)));
        self.errors.set(Some(Str::new_value(errors)));
        self.newline.set(settings.newline);
        self.line_buffering.set(settings.line_buffering);
        self.write_through.set(settings.write_through);
        self.chunk_size.set(super::BUFFER_SIZE);
        self.buffer.set(Some(buffer.clone()));
        let direct = buffered::exact(buffer).filter(|body| body.is_direct());
        self.raw.set(direct.map(buffered::Buffered::raw).transpose()?);
        self.set_coders(buffer, &codec, errors)?;
        let seekable = number::truth(&call::call_method(buffer, name!("seekable"), &[])?)?;
        self.seekable.set(seekable);
        self.telling.set(seekable);
        self.has_read1.set(buffered::exact(buffer).is_some() || attribute::lookup(buffer, name!("read1"))?.is_some());
        self.fix_encoder(buffer)?;
        self.ready.set(true);
        Ok(())
    }

    /// Makes decoder and encoder, as far as the stream can be read and written.
    fn set_coders(&self, buffer: &Value, codec: &Codec, errors: &str) -> PyResult<()> {
        if number::truth(&call::call_method(buffer, name!("readable"), &[])?)? {
            self.decoder.set(Some(Decoder::new(codec, errors, self.newline.get())?));
        }
        if number::truth(&call::call_method(buffer, name!("writable"), &[])?)? {
            self.encoder.set(Some(Encoder::new(codec, errors)?));
        }
        Ok(())
    }

    /// Lets the encoder know whether the stream stands at its beginning.
    fn fix_encoder(&self, buffer: &Value) -> PyResult<()> {
        if let Some(encoder) = self.encoder.get().filter(|_| self.seekable.get()) {
            let position = call::call_method(buffer, name!("tell"), &[])?;
            let at_start = compare::holds(&position, &Value::int(0), Compare::Eq)?;
            match (&*encoder, at_start) {
                // A new encoder stands at the beginning anyway.
                (Encoder::Object(_), true) => {}
                (encoder, at_start) => encoder.set_at_start(at_start)?,
            }
        }
        Ok(())
    }

    /// The decoder of a stream that can be read.
    fn reading(&self) -> PyResult<Rc<Decoder>> {
        self.decoder.get().ok_or_else(|| unsupported("not readable"))
    }

    /// Hands what waits to the buffered stream. As `_textiowrapper_writeflush`.
    fn write_pending(&self) -> PyResult<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let Some(buffer) = self.buffer.get() else { return Err(self.not_ready()) };
        let mut bytes = self.pending.take();
        let result = write_to(&buffer, &bytes);
        // The room is used again.
        bytes.clear();
        if self.pending.is_empty() && bytes.capacity() <= 4 * super::BUFFER_SIZE {
            self.pending.set(bytes);
        }
        result
    }

    fn set_decoded(&self, text: Option<Value>) {
        self.decoded.set(text);
        self.used.set(0);
    }

    /// Up to `count` characters of the decoded chunk.
    fn take_decoded(&self, count: Option<usize>) -> Value {
        let Some(decoded) = self.decoded.get() else { return Str::new_value("") };
        let Some(text) = decoded.downcast::<Str>() else { return Str::new_value("") };
        let start = self.used.get();
        let rest = text.len().saturating_sub(start);
        let count = count.map_or(rest, |count| count.min(rest));
        self.used.set(start + count);
        if start == 0 && count == text.len() && decoded.is_exact::<Str>() {
            return decoded;
        }
        Str::from_chars(text.chars().slice(start, start + count))
    }

    /// Reads and decodes the next chunk; false at the end. As `textiowrapper_read_chunk`.
    fn read_chunk(&self, hint: usize) -> PyResult<bool> {
        let decoder = self.reading()?;
        let Some(buffer) = self.buffer.get() else { return Err(self.not_ready()) };
        let telling = self.telling.get();
        let before = if telling { Some(decoder.state()?) } else { None };
        let hint = if hint > 0 { (self.ratio.get() * hint as f64) as usize } else { 0 };
        let size = self.chunk_size.get().max(hint);
        let mut input = self.snapshot_bytes.take();
        input.clear();
        if input.capacity() > 4 * super::BUFFER_SIZE {
            input = Vec::new();
        }
        let mut flags = None;
        if let Some((kept, state)) = before {
            input.extend_from_slice(&kept);
            flags = Some(state);
        }
        let start = input.len();
        match buffered::exact(&buffer) {
            Some(body) => body.read1_to(&buffer, &mut input, size)?,
            None => {
                let (name, shown) =
                    if self.has_read1.get() { (name!("read1"), "read1") } else { (name!("read"), "read") };
                let piece = call::call_method(&buffer, name, &[Value::int(size as i64)])?;
                let Some(bytes) = bytes::buffer_or_none(&piece) else {
                    return Err(type_error(format!(
                        "underlying {shown}() should have returned a bytes-like object, not '{}'",
                        piece.ty().name()
                    )));
                };
                input.extend_from_slice(&bytes);
            }
        }
        let count = input.len() - start;
        let text = decoder.decode(input.get(start..).unwrap_or_default(), count == 0);
        let text = match text {
            Ok(text) => text,
            Err(raised) => {
                self.snapshot_bytes.set(input);
                return Err(raised);
            }
        };
        let characters = text.downcast::<Str>().map_or(0, Str::len);
        self.set_decoded(Some(text));
        self.ratio.set(if characters > 0 { count as f64 / characters as f64 } else { 0.0 });
        self.snapshot_bytes.set(input);
        if telling {
            self.snapshot.set(flags);
        }
        Ok(count != 0 || characters > 0)
    }

    /// The next line, or as much of it as the limit allows. As `_textiowrapper_readline`.
    fn line(&self, this: &Value, limit: Option<usize>) -> PyResult<Value> {
        self.check_open(this)?;
        self.write_pending()?;
        let ends = self.newline.get().ends();
        if limit.is_none() {
            // The usual case: the line is in the chunk.
            let line = self.decoded.with(|decoded| {
                let chars = decoded?.downcast::<Str>()?.chars();
                let rest = chars.slice(self.used.get(), chars.len());
                let end = if rest.is_empty() { None } else { line_end(rest, ends).ok() }?;
                Some((Str::from_chars(rest.slice(0, end)), end))
            });
            if let Some((line, len)) = line {
                self.used.set(self.used.get() + len);
                return Ok(line);
            }
        }
        // What came before in other chunks.
        let mut before: Option<StrBuilder> = None;
        let mut before_len = 0;
        // The end of the last chunk, which may be the beginning of a line end.
        let mut rest: Option<Value> = None;
        loop {
            while self.decoded.get().and_then(|text| text.downcast::<Str>().map(Str::len)).unwrap_or(0)
                <= self.used.get()
            {
                match self.read_chunk(0) {
                    Ok(true) => {}
                    Ok(false) => {
                        self.set_decoded(None);
                        self.snapshot.set(None);
                        return Ok(joined(before, rest.as_ref()));
                    }
                    Err(raised) if is_interrupted(&raised) => {}
                    Err(raised) => return Err(raised),
                }
            }
            let Some(mut chunk) = self.decoded.get() else { return Ok(Str::new_value("")) };
            let mut start = self.used.get();
            let mut extra = 0;
            if let Some(rest) = rest.take() {
                // The two are looked at as one.
                if let (Some(first), Some(second)) = (rest.downcast::<Str>(), chunk.downcast::<Str>()) {
                    extra = first.len();
                    chunk = first.concat(second);
                    start = 0;
                }
            }
            let Some(text) = chunk.downcast::<Str>() else { return Ok(Str::new_value("")) };
            let chars = text.chars();
            let (end, found) = match line_end(chars.slice(start, chars.len()), ends) {
                Ok(end) => (start + end, true),
                Err(end) => (start + end, false),
            };
            if let Some(limit) = limit {
                let left = limit.saturating_sub(before_len);
                if end - start >= left {
                    let end = start + left;
                    self.used.set(end.saturating_sub(extra));
                    return Ok(finished(before, chars.slice(start, end)));
                }
            }
            if found {
                self.used.set(end.saturating_sub(extra));
                return Ok(finished(before, chars.slice(start, end)));
            }
            let piece = chars.slice(start, end);
            before_len += piece.len();
            before.get_or_insert_with(StrBuilder::new).push_chars(piece);
            if end < chars.len() {
                rest = Some(Str::from_chars(chars.slice(end, chars.len())));
            }
            self.set_decoded(None);
        }
    }

    /// Writes a text. As `_io_TextIOWrapper_write_impl`.
    fn write(&self, this: &Value, text: &Value, plain: &Str) -> PyResult<()> {
        self.check_open(this)?;
        let encoder = self.encoder.get().ok_or_else(|| unsupported("not writable"))?;
        let written = self.newline.get().written();
        let line_buffering = self.line_buffering.get();
        let has_feed = (written.is_some() || line_buffering) && find(plain.chars(), '\n').is_some();
        let replaced;
        let mut source = text;
        if let Some(by) = written.filter(|_| has_feed) {
            replaced = replace_line_feeds(plain, by);
            source = &replaced;
        }
        let push = self.write_through.get();
        let flush = line_buffering && (has_feed || find(plain.chars(), '\r').is_some());
        let source_text = source.downcast::<Str>().and_then(|source| encoder.plain(source));
        // What an encoder written in Python, or an error handler, writes meanwhile comes first.
        let mut encoded = Vec::new();
        if source_text.is_none() {
            encoder.encode_to(source, &mut encoded)?;
        }
        let mut pending = self.pending.take();
        let had = pending.len();
        pending.extend_from_slice(source_text.unwrap_or(&encoded));
        let chunk = self.chunk_size.get();
        if had > 0 && pending.len() > chunk {
            // No more than a chunk is written at a time, unless one text is longer.
            let new = pending.split_off(had);
            self.pending.set(pending);
            self.write_pending()?;
            pending = new;
        }
        let len = pending.len();
        self.pending.set(pending);
        if len >= chunk || push || flush {
            self.write_pending()?;
        }
        if flush && let Some(buffer) = self.buffer.get() {
            call::call_method(&buffer, name!("flush"), &[])?;
        }
        if self.decoded.is_some() {
            self.set_decoded(None);
        }
        self.snapshot.set(None);
        if let Some(decoder) = self.decoder.get() {
            decoder.reset()?;
        }
        Ok(())
    }
}

/// The text of a line that began in earlier chunks.
fn finished(before: Option<StrBuilder>, last: crate::types::str::Chars) -> Value {
    match before {
        None => Str::from_chars(last),
        Some(mut before) => {
            before.push_chars(last);
            before.finish()
        }
    }
}

fn joined(before: Option<StrBuilder>, rest: Option<&Value>) -> Value {
    let mut builder = before.unwrap_or_default();
    if let Some(rest) = rest.and_then(|rest| rest.downcast::<Str>()) {
        builder.push_value(rest);
    }
    builder.finish()
}

/// `buffer.write(bytes)`.
fn write_to(buffer: &Value, data: &[u8]) -> PyResult<()> {
    loop {
        let result = match buffered::exact(buffer) {
            Some(body) => body.write_bytes(buffer, data).map(drop),
            None => call::call_method(buffer, name!("write"), &[Bytes::new_value(data)]).map(drop),
        };
        match result {
            Err(raised) if is_interrupted(&raised) => {}
            result => return result,
        }
    }
}

/// Writes a text to a stream that is exactly a TextIOWrapper; `None` for other streams.
#[inline]
pub(crate) fn write_exact(stream: &Value, text: &Value) -> Option<PyResult<()>> {
    let body = stream.exact::<TextIo>()?;
    text.downcast::<Str>().map(|plain| body.write(stream, text, plain))
}

fn write(this: &Value, text: &Value) -> PyResult<usize> {
    let Some(plain) = text.downcast::<Str>() else {
        let found = if text.is_none() { "None" } else { text.ty().name() };
        return Err(type_error(format!("write() argument must be str, not {found}")));
    };
    body(this)?.write(this, text, plain)?;
    Ok(plain.len())
}

fn read(this: &Value, size: Option<Size>) -> PyResult<Value> {
    let body = body(this)?;
    let buffer = body.open_buffer(this)?;
    let decoder = body.reading()?;
    body.write_pending()?;
    let Some(count) = size.and_then(Size::limit) else {
        let rest = call::call_method(&buffer, name!("read"), &[])?;
        let text = match bytes::lookup_buffer(&rest)? {
            Some(bytes) => decoder.decode(&bytes, true)?,
            None => return Err(type_error(format!("a bytes-like object is required, not '{}'", rest.ty().name()))),
        };
        let first = body.take_decoded(None);
        let result = match (first.downcast::<Str>(), text.downcast::<Str>()) {
            (Some(first), Some(second)) if !first.is_empty() => first.concat(second),
            _ => text,
        };
        body.set_decoded(None);
        body.snapshot.set(None);
        return Ok(result);
    };
    let first = body.take_decoded(Some(count));
    let mut left = count - first.downcast::<Str>().map_or(0, Str::len);
    if left == 0 {
        return Ok(first);
    }
    let mut builder = StrBuilder::new();
    if let Some(first) = first.downcast::<Str>() {
        builder.push_value(first);
    }
    while left > 0 {
        match body.read_chunk(left) {
            Ok(true) => {}
            Ok(false) => break,
            Err(raised) if is_interrupted(&raised) => continue,
            Err(raised) => return Err(raised),
        }
        let piece = body.take_decoded(Some(left));
        if let Some(piece) = piece.downcast::<Str>() {
            left -= piece.len().min(left);
            builder.push_value(piece);
        }
    }
    Ok(builder.finish())
}

static READ: Function = Function::new("read($self, size=-1, /)", "", thunk(read));
static READLINE: Function = Function::new("readline($self, size=-1, /)", "", thunk(readline));

/// `read` without going through the checks of a call with all arguments.
fn read_raw(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    match (args, kwnames) {
        ([this], None) => read(this, None),
        ([this, size], None) if size.is_small_int() => read(this, size.as_small_int().map(|size| Size(size as isize))),
        _ => READ.call(args, kwnames),
    }
}

/// As [`read_raw`].
fn readline_raw(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    match (args, kwnames) {
        ([this], None) => readline(this, None),
        _ => READLINE.call(args, kwnames),
    }
}

fn readline(this: &Value, size: Option<isize>) -> PyResult<Value> {
    let body = body(this)?;
    body.attached()?;
    body.line(this, size.and_then(|size| usize::try_from(size).ok()))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let body = body(this)?;
    body.attached()?;
    body.telling.set(false);
    let line = if this.is_exact::<TextIo>() {
        body.line(this, None)?
    } else {
        let line = call::call_method(this, name!("readline"), &[])?;
        if line.downcast::<Str>().is_none() {
            return Err(raise(
                &OS_ERROR,
                format!("readline() should have returned a str object, not '{}'", line.ty().name()),
            ));
        }
        line
    };
    if line.downcast::<Str>().is_some_and(Str::is_empty) {
        body.snapshot.set(None);
        body.telling.set(body.seekable.get());
        return Ok(None);
    }
    Ok(Some(line))
}

fn flush(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let buffer = body.open_buffer(this)?;
    body.telling.set(body.seekable.get());
    body.write_pending()?;
    call::call_method(&buffer, name!("flush"), &[])
}

fn flush_by_method(this: &Value) -> PyResult<()> {
    call::call_method(this, name!("flush"), &[]).map(drop)
}

fn close(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let buffer = body.attached()?;
    let closed = attribute::get_interned(this, name!("closed"))?;
    if number::truth(&closed)? {
        return Ok(Value::NONE);
    }
    if body.finalizing.get() {
        let _unheard = call::call_method(&buffer, name!("_dealloc_warn"), std::slice::from_ref(this));
    }
    let flushed = flush_by_method(this);
    let closed = call::call_method(&buffer, name!("close"), &[]);
    let result = closed.as_ref().map(Value::clone).unwrap_or(Value::NONE);
    chain(flushed, closed.map(drop))?;
    Ok(result)
}

fn detach(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    body.attached()?;
    flush_by_method(this)?;
    let buffer = body.buffer.take();
    body.detached.set(true);
    buffer.ok_or_else(|| body.not_ready())
}

fn fileno(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.attached()?, name!("fileno"), &[])
}

fn seekable(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.attached()?, name!("seekable"), &[])
}

fn readable(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.attached()?, name!("readable"), &[])
}

fn writable(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.attached()?, name!("writable"), &[])
}

fn isatty(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.attached()?, name!("isatty"), &[])
}

fn truncate(this: &Value, position: Option<&Value>) -> PyResult<Value> {
    let body = body(this)?;
    let buffer = body.attached()?;
    flush_by_method(this)?;
    call::call_method(&buffer, name!("truncate"), &[position.cloned().unwrap_or(Value::NONE)])
}

fn reconfigure(
    this: &Value,
    encoding: Option<&Value>,
    errors: Option<&Value>,
    newline: Option<&Value>,
    line_buffering: Option<&Value>,
    write_through: Option<&Value>,
) -> PyResult<()> {
    let body = body(this)?;
    let given = |value: Option<&Value>| value.filter(|value| !value.is_none()).cloned();
    let (encoding, errors) = (given(encoding), given(errors));
    if body.decoded.is_some() && (encoding.is_some() || errors.is_some() || newline.is_some()) {
        return Err(unsupported("It is not possible to set the encoding or newline of stream after the first read"));
    }
    let text = |value: &Value| match value.downcast::<Str>() {
        Some(text) => Ok(text.to_string_lossy()),
        None => Err(type_error("bad argument type for built-in operation")),
    };
    let new_newline = match newline {
        None => None,
        Some(newline) if newline.is_none() => Some(Newline::Translated),
        Some(newline) => {
            text(newline)?;
            Some(parse_newline(newline.downcast::<Str>())?)
        }
    };
    let flag = |value: Option<&Value>, old: bool| match given(value) {
        None => Ok(old),
        Some(value) => crate::object::native::c_int(&value, false).map(|flag| flag != 0),
    };
    let line_buffering = flag(line_buffering, body.line_buffering.get())?;
    let write_through = flag(write_through, body.write_through.get())?;
    let buffer = body.attached()?;
    flush_by_method(this)?;
    body.ratio.set(0.0);
    if let Some(newline) = new_newline {
        body.newline.set(newline);
    }
    if encoding.is_some() || errors.is_some() || new_newline.is_some() {
        let errors = match (&errors, &encoding) {
            (Some(errors), _) => text(errors)?,
            (None, None) => body.errors_text(),
            (None, Some(_)) => "strict".to_owned(),
        };
        let encoding = match &encoding {
            Some(encoding) => text(encoding)?,
            None => body.encoding.get().map_or(Ok(String::new()), |encoding| text(&encoding))?,
        };
        let codec = Codec::find(&encoding)?;
        body.set_coders(&buffer, &codec, &errors)?;
        body.encoding.set(Some(Str::new_value(&encoding)));
        body.errors.set(Some(Str::new_value(&errors)));
        body.fix_encoder(&buffer)?;
    }
    body.line_buffering.set(line_buffering);
    body.write_through.set(write_through);
    Ok(())
}

fn repr(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    if !body.ready.get() {
        return Err(uninitialized());
    }
    let Some(_guard) = repr_guard::enter(this) else { return Err(reentrant_repr(this)) };
    let mut shown = "<_io.TextIOWrapper".to_owned();
    for (name, label) in [(name!("name"), "name"), (name!("mode"), "mode")] {
        match attribute::lookup(this, name) {
            Ok(Some(value)) => shown += &format!(" {label}={}", objects::repr_string(&value)?),
            Ok(None) => {}
            // Of a stream that has been detached.
            Err(raised) if is_instance(&raised, &VALUE_ERROR) && label == "name" => {}
            Err(raised) => return Err(raised),
        }
    }
    let encoding = body.encoding.get().unwrap_or(Value::NONE);
    shown += &format!(" encoding={}>", objects::repr_string(&encoding)?);
    Ok(Str::new_value(&shown))
}

/// Whether a descriptor is a terminal, for the standard streams.
pub(super) fn is_terminal(fd: i32) -> bool {
    system::isatty(fd)
}
