//! The module `sys`.

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_object};
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, call, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{SYSTEM_EXIT, os_error, runtime_error, type_error, value_error};
use crate::types::int;
use crate::types::list::List;
use crate::types::str::{Str, intern};
use crate::types::tuple::Tuple;
use crate::vm::frame::Place;
use crate::vm::{report, runtime, thread};
use std::cell::RefCell;
use std::io::Write;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "sys",
    doc: "This module provides access to some objects used or maintained by the\ninterpreter and to functions that interact strongly with the interpreter.",
    functions: &[
        method!(
            exit,
            "exit($module, status=None, /)",
            "Exit the interpreter by raising SystemExit(status).\n\nIf the status is omitted or None, it defaults to zero (i.e., success).\nIf the status is an integer, it will be used as the system exit status.\nIf it is another kind of object, it will be printed and the system\nexit status will be one (i.e., failure)."
        ),
        method!(
            getrecursionlimit,
            "getrecursionlimit($module, /)",
            "Return the current value of the recursion limit.\n\nThe recursion limit is the maximum depth of the Python interpreter\nstack.  This limit prevents infinite recursion from causing an overflow\nof the C stack and crashing Python."
        ),
        method!(
            setrecursionlimit,
            "setrecursionlimit($module, limit, /)",
            "Set the maximum depth of the Python interpreter stack to n.\n\nThis limit prevents infinite recursion from causing an overflow of the C\nstack and crashing Python.  The highest possible limit is platform-\ndependent."
        ),
        method!(
            getrefcount,
            "getrefcount($module, object, /)",
            "Return the reference count of object.\n\nThe count returned is generally one higher than you might expect,\nbecause it includes the (temporary) reference as an argument to\ngetrefcount()."
        ),
        method!(
            exc_info,
            "exc_info($module, /)",
            "Return current exception information: (type, value, traceback).\n\nReturn information about the most recent exception caught by an except\nclause in the current stack frame or in an older stack frame."
        ),
        method!(
            intern_,
            "intern($module, string, /)",
            "``Intern'' the given string.\n\nThis enters the string in the (global) table of interned strings whose\npurpose is to speed up dictionary lookups. Return the string itself or\nthe previously interned string object with the same value."
        ),
        method!(
            getframe,
            "_getframe($module, depth=0, /)",
            "Return a frame object from the call stack.\n\nIf optional integer depth is given, return the frame object that many\ncalls below the top of the stack.  If that is deeper than the call\nstack, ValueError is raised.  The default for depth is zero, returning\nthe frame at the top of the call stack.\n\nThis function should be used for internal and specialized purposes\nonly."
        ),
        method!(
            displayhook,
            "displayhook($module, object, /)",
            "Print an object to sys.stdout and also save it in builtins._"
        ),
        method!(
            excepthook,
            "excepthook($module, exctype, value, traceback, /)",
            "Handle an exception by displaying it with a traceback on sys.stderr."
        ),
    ],
    fill,
};

static SYS_DICT: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

/// An attribute of the module as it is now.
pub fn get(name: &str) -> Option<Value> {
    SYS_DICT.get().get()?.downcast::<Dict>()?.get_text(name)
}

/// Sets an attribute of the module.
pub fn set(name: &str, value: Value) {
    if let Some(dict) = SYS_DICT.get().get()
        && let Some(dict) = dict.downcast::<Dict>()
    {
        dict.set_text(name, value);
    }
}

fn fill(dict: &Dict) -> PyResult<()> {
    SYS_DICT.get().set(Some(Value::of(dict)));
    dict.set_text("modules", runtime::modules_dict());
    dict.set_text("maxsize", Value::int(i64::MAX));
    dict.set_text("maxunicode", Value::int(0x10ffff));
    dict.set_text("byteorder", Str::new_value(if cfg!(target_endian = "little") { "little" } else { "big" }));
    dict.set_text("platform", Str::new_value("linux"));
    dict.set_text("hexversion", Value::int(0x0308_12f0));
    dict.set_text("version", Str::new_value("3.8.18 (pycvm)"));
    dict.set_text("copyright", Str::new_value(""));
    dict.set_text("api_version", Value::int(1013));
    dict.set_text("argv", List::from_vec(Vec::new()));
    dict.set_text("path", List::from_vec(Vec::new()));
    dict.set_text("dont_write_bytecode", Value::FALSE);
    for (fd, name, mode) in [(0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")] {
        let stream = new_object(Stream { header: Header::new(&STREAM), fd, mode });
        dict.set_text(name, stream.clone());
        dict.set_text(&format!("__{name}__"), stream);
    }
    if let Some(hook) = dict.get_text("displayhook") {
        dict.set_text("__displayhook__", hook);
    }
    if let Some(hook) = dict.get_text("excepthook") {
        dict.set_text("__excepthook__", hook);
    }
    Ok(())
}

fn exit(status: Option<&Value>) -> PyResult<()> {
    // As PyErr_SetObject: an instance is raised as it is, None stands for no argument, a tuple for several.
    if let Some(status) = status
        && status.ty().is_subtype(&SYSTEM_EXIT)
    {
        return Err(Raised::new(status.clone()));
    }
    let args = match status.filter(|status| !status.is_none()) {
        None => Vec::new(),
        Some(status) => match status.downcast::<Tuple>() {
            Some(tuple) => tuple.to_vec(),
            None => vec![status.clone()],
        },
    };
    Err(Raised::new(call::call(&SYSTEM_EXIT.value(), &args)?))
}

fn getrecursionlimit() -> i64 {
    thread::current().recursion_limit().into()
}

fn setrecursionlimit(limit: i32) -> PyResult<()> {
    if limit < 1 {
        return Err(value_error("recursion limit must be greater or equal than 1"));
    }
    let depth = thread::current().depth();
    // As sys_setrecursionlimit: the limit must leave room above the present depth.
    let mark = if limit > 200 { limit - 50 } else { 3 * (limit >> 2) };
    if depth >= mark {
        return Err(crate::types::exceptions::recursion_error(format!(
            "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low"
        )));
    }
    thread::current().set_recursion_limit(limit);
    Ok(())
}

fn getrefcount(object: &Value) -> i64 {
    // The caller's argument counts, as in CPython.
    object.header().map_or(1 << 30, |header| header.count() as i64)
}

fn exc_info() -> Value {
    match thread::current().handled_exception() {
        Some(exception) => {
            let traceback = exception
                .downcast::<crate::types::exceptions::BaseException>()
                .and_then(|body| body.traceback())
                .unwrap_or(Value::NONE);
            Tuple::from_vec(vec![exception.ty().value(), exception, traceback])
        }
        None => Tuple::from_vec(vec![Value::NONE, Value::NONE, Value::NONE]),
    }
}

fn intern_(string: &Value) -> PyResult<Value> {
    match string.exact::<Str>() {
        Some(text) => Ok(crate::types::str::intern_value(string, text)),
        None if string.downcast::<Str>().is_some() => Err(type_error(format!("can't intern {}", string.ty().name()))),
        None => Err(type_error(format!("intern() argument must be str, not {}", string.ty().name()))),
    }
}

fn getframe(depth: Option<i32>) -> PyResult<Value> {
    let mut place = Place::current(thread::current());
    for _ in 0..depth.unwrap_or(0).max(0) {
        place = place.and_then(Place::caller);
    }
    match place {
        Some(place) => Ok(place.object()),
        None => Err(value_error("call stack is not deep enough")),
    }
}

fn displayhook(value: &Value) -> PyResult<()> {
    if value.is_none() {
        return Ok(());
    }
    let builtins = runtime::builtins();
    let builtins = builtins.as_ref().and_then(|dict| dict.downcast::<Dict>());
    if let Some(builtins) = builtins {
        builtins.set_text("_", Value::NONE);
    }
    let shown = text::repr(value)?;
    let Some(out) = get("stdout") else { return Err(runtime_error("lost sys.stdout")) };
    call::call_method(&out, &intern("write"), &[shown])?;
    call::call_method(&out, &intern("write"), &[Str::new_value("\n")])?;
    if let Some(builtins) = builtins {
        builtins.set_text("_", value.clone());
    }
    Ok(())
}

fn excepthook(_ty: &Value, value: &Value, _traceback: &Value) {
    write_stderr(&report::describe(value));
}

/// `sys.tracebacklimit`, or what there is no limit to.
pub(crate) fn traceback_limit() -> usize {
    match get("tracebacklimit") {
        Some(limit) => int::to_i64(&limit).map_or(1000, |limit| usize::try_from(limit).unwrap_or(0)),
        None => 1000,
    }
}

/// Writes to `sys.stderr`; without one, to nowhere.
pub(crate) fn write_stderr(message: &str) {
    let Some(stream) = get("stderr").filter(|stream| !stream.is_none()) else { return };
    let _nobody_to_tell = call::call_method(&stream, &intern("write"), &[Str::new_value(message)]);
}

/// A standard stream: enough of a text file until the module `_io` is there.
#[repr(C)]
pub struct Stream {
    header: Header,
    fd: i32,
    mode: &'static str,
}

// SAFETY: repr(C), header first.
unsafe impl Payload for Stream {
    fn type_object() -> &'static TypeObject {
        &STREAM
    }
}

/// The type object of the standard streams.
pub static STREAM: TypeObject = TypeObject::define::<Stream>("_io.TextIOWrapper")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(next_line),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(read, "read($self, size=-1, /)", "Read at most n characters from stream.\n\nRead from underlying buffer until we have n characters or we hit EOF.\nIf n is negative or omitted, read until EOF.\n"),
        method!(write, "write($self, text, /)", "Write string to stream.\nReturns the number of characters written (which is always equal to\nthe length of the string).\n"),
        method!(flush, "flush($self, /)", "Flush write buffers, if applicable.\n\nThis is not implemented for read-only and non-blocking streams.\n"),
        method!(readline, "readline($self, size=-1, /)", "Read until newline or EOF.\n\nReturns an empty string if EOF is hit immediately.\n"),
        method!(fileno, "fileno($self, /)", "Returns underlying file descriptor if one exists.\n\nOSError is raised if the IO object does not use a file descriptor.\n"),
        method!(isatty, "isatty($self, /)", "Return whether this is an 'interactive' stream.\n\nReturn False if it can't be determined.\n"),
    ])
    .getset(&[
        crate::object::native::GetSet::read_only("encoding", |_| Ok(Str::new_value("utf-8"))),
        crate::object::native::GetSet::read_only("mode", |this| {
            Ok(Str::new_value(this.exact::<Stream>().map_or("", |stream| stream.mode)))
        }),
        crate::object::native::GetSet::read_only("name", |this| {
            Ok(Str::new_value(match this.exact::<Stream>().map(|stream| stream.fd) {
                Some(0) => "<stdin>",
                Some(1) => "<stdout>",
                _ => "<stderr>",
            }))
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
            let encoded = crate::types::codecs::encode(&Value::of(data), Some("utf-8"), None)?;
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

/// Decodes what was read; the newline forms of other systems become `\n`.
fn decode_input(bytes: &[u8]) -> PyResult<Value> {
    let text = crate::types::codecs::decode(bytes, Some("utf-8"), Some("surrogateescape"))?;
    if !bytes.contains(&b'\r') {
        return Ok(text);
    }
    let text = call::call_method(&text, &intern("replace"), &[Str::new_value("\r\n"), Str::new_value("\n")])?;
    call::call_method(&text, &intern("replace"), &[Str::new_value("\r"), Str::new_value("\n")])
}

fn read(_this: &Stream, size: Option<isize>) -> PyResult<Value> {
    let mut bytes = Vec::new();
    let mut input = std::io::stdin().lock();
    match size.and_then(|size| u64::try_from(size).ok()) {
        Some(size) => std::io::Read::read_to_end(&mut std::io::Read::take(&mut input, size), &mut bytes),
        None => std::io::Read::read_to_end(&mut input, &mut bytes),
    }
    .map_err(|error| input_error(&error))?;
    decode_input(&bytes)
}

fn readline(_this: &Stream, _size: Option<isize>) -> PyResult<Value> {
    let mut line = Vec::new();
    let mut input = std::io::stdin().lock();
    std::io::BufRead::read_until(&mut input, b'\n', &mut line).map_err(|error| input_error(&error))?;
    decode_input(&line)
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
