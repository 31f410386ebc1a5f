//! The standard streams: text files over the descriptors 0, 1 and 2.

use crate::method;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_object};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute, iter, number};
use crate::types::exceptions::{os_error, type_error};
use crate::types::list::List;
use crate::types::str::Str;
use std::cell::RefCell;
use std::io::Write;

/// A standard stream: enough of a text file until the module `_io` is there.
#[repr(C)]
pub struct Stream {
    header: Header,
    fd: i32,
    mode: &'static str,
}

payload!(Stream, STREAM);

/// The type object of the standard streams.
pub static STREAM: TypeObject = TypeObject::define::<Stream>("_io.TextIOWrapper")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(next_line),
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(writelines, "writelines($self, lines, /)", "Write a list of lines to stream.\n\nLine separators are not added, so it is usual for each of the\nlines provided to have a line separator at the end."),
        method!(readlines, "readlines($self, hint=-1, /)", "Return a list of lines from the stream.\n\nhint can be specified to control the number of lines read: no more\nlines will be read if the total size (in bytes/characters) of all\nlines so far exceeds hint."),
        method!(readable, "readable($self, /)", "Return whether object was opened for reading.\n\nIf False, read() will raise OSError."),
        method!(writable, "writable($self, /)", "Return whether object was opened for writing.\n\nIf False, write() will raise OSError."),
        method!(read, "read($self, size=-1, /)", "Read at most n characters from stream.\n\nRead from underlying buffer until we have n characters or we hit EOF.\nIf n is negative or omitted, read until EOF.\n"),
        method!(write, "write($self, text, /)", "Write string to stream.\nReturns the number of characters written (which is always equal to\nthe length of the string).\n"),
        method!(flush, "flush($self, /)", "Flush write buffers, if applicable.\n\nThis is not implemented for read-only and non-blocking streams.\n"),
        method!(readline, "readline($self, size=-1, /)", "Read until newline or EOF.\n\nReturns an empty string if EOF is hit immediately.\n"),
        method!(fileno, "fileno($self, /)", "Returns underlying file descriptor if one exists.\n\nOSError is raised if the IO object does not use a file descriptor.\n"),
        method!(isatty, "isatty($self, /)", "Return whether this is an 'interactive' stream.\n\nReturn False if it can't be determined.\n"),
    ])
    .getset(&[
        crate::object::native::GetSet::read_only("closed", |_| Ok(Value::FALSE)),
        crate::object::native::GetSet::read_only("newlines", |_| Ok(Value::NONE)),
        crate::object::native::GetSet::read_only("errors", |this| {
            let is_error = this.exact::<Stream>().is_some_and(|stream| stream.fd == 2);
            Ok(Str::new_value(if is_error { "backslashreplace" } else { errors() }))
        }),
        crate::object::native::GetSet::read_only("line_buffering", |this| {
            Ok(Value::bool(this.exact::<Stream>().is_some_and(|stream| stream.fd == 2 || isatty(stream))))
        }),
        crate::object::native::GetSet::read_only("encoding", |_| Ok(Str::new_value("utf-8"))),
        crate::object::native::GetSet::read_only("mode", |this| {
            Ok(Str::new_value(this.exact::<Stream>().map_or("", |stream| stream.mode)))
        }),
        crate::object::native::GetSet::read_only("name", |this| {
            Ok(Str::new_value(this.exact::<Stream>().map_or("", name)))
        }),
    ]);

static OUT: GilCell<RefCell<Vec<u8>>> = GilCell::new(RefCell::new(Vec::new()));
/// Bytes of output kept before they are written.
const OUT_SIZE: usize = 8192;

/// Writes out what standard output still holds.
pub fn flush_stdout() -> std::io::Result<()> {
    let bytes = std::mem::take(&mut *OUT.get().borrow_mut());
    let mut out = std::io::stdout().lock();
    out.write_all(&bytes)?;
    out.flush()
}

fn write(this: &Stream, data: &Str) -> PyResult<usize> {
    check_mode(this, "w")?;
    let bytes: Vec<u8> = match data.as_ascii() {
        Some(ascii) => ascii.as_bytes().to_vec(),
        None if this.fd == 2 => data
            .chars()
            .iter()
            .map(|code| match char::from_u32(code) {
                Some(c) => c.to_string(),
                None => format!("\\u{code:04x}"),
            })
            .collect::<String>()
            .into_bytes(),
        None => {
            let encoded = crate::types::codecs::encode(&Value::of(data), Some("utf-8"), Some(errors()))?;
            encoded.downcast::<crate::types::bytes::Bytes>().map(|bytes| bytes.as_slice().to_vec()).unwrap_or_default()
        }
    };
    if this.fd == 1 {
        let full = {
            let mut buffer = OUT.get().borrow_mut();
            buffer.extend_from_slice(&bytes);
            buffer.len() >= OUT_SIZE
        };
        if full {
            let _broken_pipe_shows_at_exit = flush_stdout();
        }
    } else {
        let _nobody_to_tell = std::io::stderr().write_all(&bytes);
    }
    Ok(data.len())
}

fn flush(this: &Stream) -> PyResult<()> {
    if this.fd == 1 {
        flush_stdout().map_err(|error| os_error::from_io(&error, None))?;
    }
    Ok(())
}

fn input_error(error: &std::io::Error) -> Raised {
    os_error::from_io(error, None)
}

/// Decodes what was read.
fn decode_input(bytes: &[u8]) -> PyResult<Value> {
    crate::types::codecs::decode(bytes, Some("utf-8"), Some(errors()))
}

/// Bytes of standard input with the newline forms of other systems as `\n`, one after the other.
struct Input<'a> {
    stdin: std::io::StdinLock<'a>,
}

impl Input<'_> {
    fn peek(&mut self) -> PyResult<Option<u8>> {
        let buffer = std::io::BufRead::fill_buf(&mut self.stdin).map_err(|error| input_error(&error))?;
        Ok(buffer.first().copied())
    }

    fn next(&mut self) -> PyResult<Option<u8>> {
        let Some(byte) = self.peek()? else { return Ok(None) };
        std::io::BufRead::consume(&mut self.stdin, 1);
        if byte != b'\r' {
            return Ok(Some(byte));
        }
        if self.peek()? == Some(b'\n') {
            std::io::BufRead::consume(&mut self.stdin, 1);
        }
        Ok(Some(b'\n'))
    }
}

/// Reads up to `limit` characters, or to the end of a line.
fn read_characters(limit: Option<usize>, line: bool) -> PyResult<Value> {
    let mut input = Input { stdin: std::io::stdin().lock() };
    let mut bytes = Vec::new();
    let mut count = 0;
    while limit.is_none_or(|limit| count < limit) {
        let Some(byte) = input.next()? else { break };
        bytes.push(byte);
        count += 1;
        if byte >= 0xc0 {
            // The rest of the character.
            while let Some(next) = input.peek()?.filter(|next| next & 0xc0 == 0x80) {
                std::io::BufRead::consume(&mut input.stdin, 1);
                bytes.push(next);
            }
        }
        if line && byte == b'\n' {
            break;
        }
    }
    decode_input(&bytes)
}

/// A size that may be None or negative for no limit.
fn limit_of(size: Option<&Value>) -> PyResult<Option<usize>> {
    match size.filter(|size| !size.is_none()) {
        None => Ok(None),
        Some(size) if number::is_index(size) => Ok(usize::try_from(number::index_to_isize(size)?).ok()),
        Some(size) => Err(type_error(format!("argument should be integer or None, not '{}'", size.ty().name()))),
    }
}

/// The `io.UnsupportedOperation` of a stream that is not open for that; an OSError and a ValueError.
fn check_mode(this: &Stream, mode: &str) -> PyResult<()> {
    if this.mode == mode {
        return Ok(());
    }
    let what = if mode == "r" { "not readable" } else { "not writable" };
    Err(crate::types::exceptions::raise(&crate::types::exceptions::OS_ERROR, what))
}

fn read(this: &Stream, size: Option<&Value>) -> PyResult<Value> {
    check_mode(this, "r")?;
    read_characters(limit_of(size)?, false)
}

fn readline(this: &Stream, size: Option<&Value>) -> PyResult<Value> {
    check_mode(this, "r")?;
    read_characters(limit_of(size)?, true)
}

fn readlines(this: &Stream, hint: Option<&Value>) -> PyResult<Value> {
    let hint = limit_of(hint)?.filter(|hint| *hint > 0);
    let mut lines = Vec::new();
    let mut total = 0;
    loop {
        let line = readline(this, None)?;
        let len = line.downcast::<Str>().map_or(0, Str::len);
        if len == 0 {
            break;
        }
        lines.push(line);
        total += len;
        if hint.is_some_and(|hint| total > hint) {
            break;
        }
    }
    Ok(List::from_vec(lines))
}

fn writelines(this: &Stream, lines: &Value) -> PyResult<()> {
    for line in iter::collect(lines)? {
        match line.downcast::<Str>() {
            Some(text) => write(this, text).map(drop)?,
            None => {
                let found = if line.is_none() { "None" } else { line.ty().name() };
                return Err(type_error(format!("write() argument must be str, not {found}")));
            }
        }
    }
    Ok(())
}

/// The error handler of standard input and output. As `get_stdio_errors`: without a locale, bytes pass through.
fn errors() -> &'static str {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_default();
    match locale.as_str() {
        "" | "C" | "POSIX" | "C.UTF-8" | "C.utf8" | "UTF-8" => "surrogateescape",
        _ => "strict",
    }
}

fn readable(this: &Stream) -> bool {
    this.mode == "r"
}

fn writable(this: &Stream) -> bool {
    this.mode == "w"
}

fn name(stream: &Stream) -> &'static str {
    match stream.fd {
        0 => "<stdin>",
        1 => "<stdout>",
        _ => "<stderr>",
    }
}

fn repr(this: &Value) -> PyResult<Value> {
    let Some(stream) = this.exact::<Stream>() else { return Err(type_error("expected a stream")) };
    Ok(Str::new_value(&format!("<_io.TextIOWrapper name='{}' mode='{}' encoding='utf-8'>", name(stream), stream.mode)))
}

/// A standard stream.
pub(super) fn new(fd: i32, mode: &'static str) -> Value {
    new_object(Stream { header: Header::new(&STREAM), fd, mode })
}

fn next_line(this: &Value) -> PyResult<Option<Value>> {
    let Some(stream) = this.exact::<Stream>() else { return Ok(None) };
    let line = readline(stream, None)?;
    Ok(if line.downcast::<Str>().is_some_and(Str::is_empty) { None } else { Some(line) })
}

fn fileno(this: &Stream) -> i64 {
    this.fd.into()
}

fn isatty(this: &Stream) -> bool {
    use std::io::IsTerminal;
    match this.fd {
        0 => std::io::stdin().is_terminal(),
        1 => std::io::stdout().is_terminal(),
        _ => std::io::stderr().is_terminal(),
    }
}
