//! The module `_io`: raw, buffered and text streams, and `open`.

mod base;
mod buffered;
mod bytes_io;
mod coder;
mod file_io;
mod lock;
mod newline;
mod open;
mod pair;
pub mod standard;
mod string_io;
mod text;

pub use base::{BUFFERED_IO_BASE, IO_BASE, RAW_IO_BASE, TEXT_IO_BASE};
pub(crate) use open::function as open_function;
pub(crate) use text::write_exact;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::{PyResult, Raised};
use crate::object::native::{At, FromArg, Function};
use crate::object::value::Value;
use crate::object::{TypeObject, call, number};
use crate::types::dict::Dict;
use crate::types::exceptions::{self, BLOCKING_IO_ERROR, ModuleException, OS_ERROR, VALUE_ERROR, type_error};
use crate::types::str::Str;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_io",
    doc: "The io module provides the Python interfaces to stream handling. The\nbuiltin open function is defined in this module.\n\nAt the top of the I/O hierarchy is the abstract base class IOBase. It\ndefines the basic interface to a stream. Note, however, that there is no\nseparation between reading and writing to streams; implementations are\nallowed to raise an OSError if they do not support a given operation.\n\nExtending IOBase is RawIOBase which deals simply with the reading and\nwriting of raw bytes to a stream. FileIO subclasses RawIOBase to provide\nan interface to OS files.\n\nBufferedIOBase deals with buffering on a raw byte stream (RawIOBase). Its\nsubclasses, BufferedWriter, BufferedReader, and BufferedRWPair buffer\nstreams that are readable, writable, and both respectively.\nBufferedRandom provides a buffered interface to random access\nstreams. BytesIO is a simple stream of in-memory bytes.\n\nAnother IOBase subclass, TextIOBase, deals with the encoding and decoding\nof streams into text. TextIOWrapper, which extends it, is a buffered text\ninterface to a buffered raw stream (`BufferedIOBase`). Finally, StringIO\nis an in-memory stream for text.\n\nArgument names are not part of the specification, and only the arguments\nof open() are intended to be used as keyword arguments.\n\ndata:\n\nDEFAULT_BUFFER_SIZE\n\n   An int containing the default buffer size used by the module's buffered\n   I/O classes. open() uses the file's blksize (as obtained by os.stat) if\n   possible.\n",
    functions: &[method!(
        open::open_code,
        "open_code($module, /, path)",
        "Opens the provided file with the intent to import the contents.\n\nThis may perform extra validation beyond open(), but is otherwise interchangeable\nwith calling open(path, 'rb')."
    )],
    fill,
};

/// `io.DEFAULT_BUFFER_SIZE`.
pub(super) const BUFFER_SIZE: usize = 8192;

static TYPES: &[&TypeObject] = &[
    &base::IO_BASE,
    &base::RAW_IO_BASE,
    &base::BUFFERED_IO_BASE,
    &base::TEXT_IO_BASE,
    &file_io::FILE_IO,
    &bytes_io::BYTES_IO,
    &string_io::STRING_IO,
    &buffered::BUFFERED_READER,
    &buffered::BUFFERED_WRITER,
    &buffered::BUFFERED_RANDOM,
    &pair::BUFFERED_RW_PAIR,
    &text::TEXT_IO_WRAPPER,
    &newline::INCREMENTAL_NEWLINE_DECODER,
];

/// Sets all types up, once.
///
/// # Errors
/// None in practice.
fn ready() -> PyResult<()> {
    TYPES.iter().try_for_each(|ty| ty.ready())?;
    bytes_io::BYTES_IO_BUFFER.ready()
}

/// Sets up the types of the standard streams, and of files that are opened to be read or written.
///
/// # Errors
/// None in practice.
fn ready_for_streams() -> PyResult<()> {
    let needed: [&TypeObject; 8] = [
        &base::IO_BASE,
        &base::RAW_IO_BASE,
        &base::BUFFERED_IO_BASE,
        &base::TEXT_IO_BASE,
        &file_io::FILE_IO,
        &buffered::BUFFERED_READER,
        &buffered::BUFFERED_WRITER,
        &text::TEXT_IO_WRAPPER,
    ];
    needed.iter().try_for_each(|ty| ty.ready())
}

fn fill(dict: &Dict) -> PyResult<()> {
    ready()?;
    for ty in TYPES {
        dict.set_text(ty.short_name(), ty.value());
    }
    dict.set_text("DEFAULT_BUFFER_SIZE", Value::int(BUFFER_SIZE as i64));
    dict.set_text("BlockingIOError", BLOCKING_IO_ERROR.value());
    dict.set_text("UnsupportedOperation", UNSUPPORTED_OPERATION.class()?);
    dict.set_text("open", open::function());
    // CPython's module says so of itself.
    dict.set_text("__name__", Str::new_value("io"));
    Ok(())
}

/// The class `io.UnsupportedOperation`; its module is what the module io says.
pub(crate) static UNSUPPORTED_OPERATION: ModuleException =
    ModuleException::new("io", "UnsupportedOperation", &[&OS_ERROR, &VALUE_ERROR]);

/// Raises `UnsupportedOperation`.
#[cold]
pub(super) fn unsupported(message: &str) -> Raised {
    UNSUPPORTED_OPERATION.message(message)
}

/// Raises a builtin exception whose first arguments are an error number and a message.
#[cold]
pub(super) fn blocking_error(errno: i32, message: &str, written: usize) -> Raised {
    let args = [Value::int(errno.into()), Str::new_value(message), Value::int(written as i64)];
    match call::call(&BLOCKING_IO_ERROR.value(), &args) {
        Ok(exception) => Raised::new(exception),
        Err(raised) => raised,
    }
}

/// A number of bytes or characters, None and negative ones standing for no limit. As `_Py_convert_optional_to_ssize_t`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size(pub isize);

impl Size {
    /// The limit, if there is one.
    pub fn limit(self) -> Option<usize> {
        usize::try_from(self.0).ok()
    }
}

impl FromArg for Size {
    type Out<'a> = Size;
    fn from_arg(value: &Value, _at: At) -> PyResult<Size> {
        if value.is_none() {
            return Ok(Size(-1));
        }
        if !number::is_index(value) {
            return Err(type_error(format!("argument should be integer or None, not '{}'", value.ty().name())));
        }
        number::index_to_i64(value)?.map(|size| Size(size as isize)).ok_or_else(|| {
            exceptions::overflow_error(format!("cannot fit '{}' into an index-sized integer", value.ty().name()))
        })
    }
}

/// A text argument that may be None. As the format unit `z`.
pub(crate) struct Text<'a>(pub Option<&'a Str>);

impl<'b> FromArg for Text<'b> {
    type Out<'a> = Text<'a>;
    fn from_arg(value: &Value, at: At) -> PyResult<Text<'_>> {
        if value.is_none() {
            return Ok(Text(None));
        }
        let Some(text) = value.downcast::<Str>() else { return Err(at.wrong_type("str or None", value)) };
        if text.chars().iter().any(|code| code == 0) {
            return Err(exceptions::value_error("embedded null character"));
        }
        Ok(Text(Some(text)))
    }
}

/// A position or offset in a file, which is what `PyNumber_AsOff_t` accepts.
pub(crate) fn offset(value: &Value) -> PyResult<i64> {
    number::index_to_i64_or_overflow(value, "Python int too large to convert to C long")
}

/// Calls a function with the object before its arguments: for `__init__`.
pub(super) fn call_init(
    function: &'static Function,
    this: &Value,
    args: &[Value],
    kwnames: Option<&Value>,
) -> PyResult<()> {
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(this.clone());
    all.extend_from_slice(args);
    function.call(&all, kwnames).map(drop)
}
