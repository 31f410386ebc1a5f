//! `open` and `open_code`.

use super::text::{self, Settings, parse_newline};
use super::{BUFFER_SIZE, Text, buffered, file_io};
use crate::modules::sys::audit;
use crate::modules::warnings;
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::native::{Function, thunk};
use crate::object::value::Value;
use crate::object::{attribute, call, number};
use crate::types::builtin_function::BuiltinFunction;
use crate::types::exceptions::{DEPRECATION_WARNING, RUNTIME_WARNING, type_error, value_error};
use crate::types::int;
use crate::types::str::{Str, intern};

/// The function `open`.
pub static OPEN: Function = Function::new(
    "open($module, /, file, mode='r', buffering=-1, encoding=None,\n     errors=None, newline=None, closefd=True, opener=None)",
    "Open file and return a stream.  Raise OSError upon failure.\n\nfile is either a text or byte string giving the name (and the path\nif the file isn't in the current working directory) of the file to\nbe opened or an integer file descriptor of the file to be\nwrapped. (If a file descriptor is given, it is closed when the\nreturned I/O object is closed, unless closefd is set to False.)\n\nmode is an optional string that specifies the mode in which the file\nis opened. It defaults to 'r' which means open for reading in text\nmode.  Other common values are 'w' for writing (truncating the file if\nit already exists), 'x' for creating and writing to a new file, and\n'a' for appending (which on some Unix systems, means that all writes\nappend to the end of the file regardless of the current seek position).\nIn text mode, if encoding is not specified the encoding used is platform\ndependent: locale.getpreferredencoding(False) is called to get the\ncurrent locale encoding. (For reading and writing raw bytes use binary\nmode and leave encoding unspecified.) The available modes are:\n\n========= ===============================================================\nCharacter Meaning\n--------- ---------------------------------------------------------------\n'r'       open for reading (default)\n'w'       open for writing, truncating the file first\n'x'       create a new file and open it for writing\n'a'       open for writing, appending to the end of the file if it exists\n'b'       binary mode\n't'       text mode (default)\n'+'       open a disk file for updating (reading and writing)\n'U'       universal newline mode (deprecated)\n========= ===============================================================\n\nThe default mode is 'rt' (open for reading text). For binary random\naccess, the mode 'w+b' opens and truncates the file to 0 bytes, while\n'r+b' opens the file without truncation. The 'x' mode implies 'w' and\nraises an `FileExistsError` if the file already exists.\n\nPython distinguishes between files opened in binary and text modes,\neven when the underlying operating system doesn't. Files opened in\nbinary mode (appending 'b' to the mode argument) return contents as\nbytes objects without any decoding. In text mode (the default, or when\n't' is appended to the mode argument), the contents of the file are\nreturned as strings, the bytes having been first decoded using a\nplatform-dependent encoding or using the specified encoding if given.\n\n'U' mode is deprecated and will raise an exception in future versions\nof Python.  It has no effect in Python 3.  Use newline to control\nuniversal newlines mode.\n\nbuffering is an optional integer used to set the buffering policy.\nPass 0 to switch buffering off (only allowed in binary mode), 1 to select\nline buffering (only usable in text mode), and an integer > 1 to indicate\nthe size of a fixed-size chunk buffer.  When no buffering argument is\ngiven, the default buffering policy works as follows:\n\n* Binary files are buffered in fixed-size chunks; the size of the buffer\n  is chosen using a heuristic trying to determine the underlying device's\n  \"block size\" and falling back on `io.DEFAULT_BUFFER_SIZE`.\n  On many systems, the buffer will typically be 4096 or 8192 bytes long.\n\n* \"Interactive\" text files (files for which isatty() returns True)\n  use line buffering.  Other text files use the policy described above\n  for binary files.\n\nencoding is the name of the encoding used to decode or encode the\nfile. This should only be used in text mode. The default encoding is\nplatform dependent, but any encoding supported by Python can be\npassed.  See the codecs module for the list of supported encodings.\n\nerrors is an optional string that specifies how encoding errors are to\nbe handled---this argument should not be used in binary mode. Pass\n'strict' to raise a ValueError exception if there is an encoding error\n(the default of None has the same effect), or pass 'ignore' to ignore\nerrors. (Note that ignoring encoding errors can lead to data loss.)\nSee the documentation for codecs.register or run 'help(codecs.Codec)'\nfor a list of the permitted encoding error strings.\n\nnewline controls how universal newlines works (it only applies to text\nmode). It can be None, '', '\\n', '\\r', and '\\r\\n'.  It works as\nfollows:\n\n* On input, if newline is None, universal newlines mode is\n  enabled. Lines in the input can end in '\\n', '\\r', or '\\r\\n', and\n  these are translated into '\\n' before being returned to the\n  caller. If it is '', universal newline mode is enabled, but line\n  endings are returned to the caller untranslated. If it has any of\n  the other legal values, input lines are only terminated by the given\n  string, and the line ending is returned to the caller untranslated.\n\n* On output, if newline is None, any '\\n' characters written are\n  translated to the system default line separator, os.linesep. If\n  newline is '' or '\\n', no translation takes place. If newline is any\n  of the other legal values, any '\\n' characters written are translated\n  to the given string.\n\nIf closefd is False, the underlying file descriptor will be kept open\nwhen the file is closed. This does not work when a file name is given\nand must be True in that case.\n\nA custom opener can be used by passing a callable as *opener*. The\nunderlying file descriptor for the file object is then obtained by\ncalling *opener* with (*file*, *flags*). *opener* must return an open\nfile descriptor (passing os.open as *opener* results in functionality\nsimilar to passing None).\n\nopen() returns a file object whose type depends on the mode, and\nthrough which the standard file operations such as reading and writing\nare performed. When open() is used to open a file in a text mode ('w',\n'r', 'wt', 'rt', etc.), it returns a TextIOWrapper. When used to open\na file in a binary mode, the returned class varies: in read binary\nmode, it returns a BufferedReader; in write binary and append binary\nmodes, it returns a BufferedWriter, and in read/write mode, it returns\na BufferedRandom.\n\nIt is also possible to use a string or bytearray as a file for both\nreading and writing. For strings StringIO can be used like a file\nopened in a text mode, and for bytes a BytesIO can be used like a file\nopened in a binary mode.",
    thunk(open),
);

/// `open` as the modules `io`, `_io` and `builtins` show it: one object.
pub(crate) fn function() -> Value {
    use crate::object::gil::GilCell;
    use std::cell::OnceCell;
    static OBJECT: GilCell<OnceCell<Value>> = GilCell::new(OnceCell::new());
    OBJECT.get().get_or_init(|| BuiltinFunction::new_value(&OPEN, None, Some(intern("io")))).clone()
}

/// What the letters of a mode say.
#[derive(Default)]
struct Mode {
    creating: bool,
    reading: bool,
    writing: bool,
    appending: bool,
    updating: bool,
    text: bool,
    binary: bool,
}

fn parse_mode(mode: &str) -> PyResult<Mode> {
    let invalid = || value_error(format!("invalid mode: '{mode}'"));
    let mut parsed = Mode::default();
    let mut universal = false;
    for (index, letter) in mode.char_indices() {
        let flag = match letter {
            'x' => &mut parsed.creating,
            'r' => &mut parsed.reading,
            'w' => &mut parsed.writing,
            'a' => &mut parsed.appending,
            '+' => &mut parsed.updating,
            't' => &mut parsed.text,
            'b' => &mut parsed.binary,
            'U' => &mut universal,
            _ => return Err(invalid()),
        };
        *flag = true;
        if mode.get(..index).is_some_and(|before| before.contains(letter)) {
            return Err(invalid());
        }
    }
    if universal {
        if parsed.creating || parsed.writing || parsed.appending || parsed.updating {
            return Err(value_error("mode U cannot be combined with 'x', 'w', 'a', or '+'"));
        }
        warnings::warn(&DEPRECATION_WARNING, "'U' mode is deprecated", 1)?;
        parsed.reading = true;
    }
    Ok(parsed)
}

#[allow(clippy::too_many_arguments)]
fn open(
    file: &Value,
    mode: Option<&Str>,
    buffering: Option<i32>,
    encoding: Option<Text>,
    errors: Option<Text>,
    newline: Option<Text>,
    close_fd: Option<i32>,
    opener: Option<&Value>,
) -> PyResult<Value> {
    let mode_text = mode.map_or_else(|| "r".to_owned(), Str::to_string_lossy);
    if mode_text.contains('\0') {
        return Err(value_error("embedded null character"));
    }
    let text_of = |text: Option<Text>| text.and_then(|text| text.0).map(Str::to_string_lossy);
    let newline_text = newline.and_then(|newline| newline.0);
    let (encoding, errors) = (text_of(encoding), text_of(errors));
    let mut buffering = buffering.unwrap_or(-1);
    let close_fd = close_fd.unwrap_or(1) != 0;
    let path = path_or_fd(file)?;
    let mode = parse_mode(&mode_text)?;
    if mode.text && mode.binary {
        return Err(value_error("can't have text and binary mode at once"));
    }
    let kinds = [mode.creating, mode.reading, mode.writing, mode.appending];
    if kinds.iter().filter(|&&kind| kind).count() > 1 {
        return Err(value_error("must have exactly one of create/read/write/append mode"));
    }
    if mode.binary {
        for (given, what) in [
            (encoding.is_some(), "an encoding"),
            (errors.is_some(), "an errors"),
            (newline_text.is_some(), "a newline"),
        ] {
            if given {
                return Err(value_error(format!("binary mode doesn't take {what} argument")));
            }
        }
    }
    let mut raw_mode = String::new();
    for (kind, letter) in kinds.into_iter().zip(['x', 'r', 'w', 'a']) {
        if kind {
            raw_mode.push(letter);
        }
    }
    if mode.updating {
        raw_mode.push('+');
    }
    if mode.updating {
        super::ready()?;
    }
    if buffering == 1 && mode.binary {
        let text = "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used";
        warnings::warn(&RUNTIME_WARNING, text, 1)?;
        buffering = -1;
    }
    let raw = file_io::open(&path, &raw_mode, close_fd, opener)?;
    let finished = (|| {
        let file = raw.exact::<file_io::FileIo>().ok_or_else(|| type_error("expected FileIO"))?;
        let is_terminal = text::is_terminal(file.open_fd()?);
        let mut line_buffering = false;
        if buffering == 1 || (buffering < 0 && is_terminal) {
            buffering = -1;
            line_buffering = true;
        }
        let size = match buffering {
            ..0 => Some(file.block_size()).filter(|&size| size > 1).unwrap_or(BUFFER_SIZE),
            size => size as usize,
        };
        if size == 0 {
            if !mode.binary {
                return Err(value_error("can't have unbuffered text I/O"));
            }
            return Ok(raw.clone());
        }
        let buffer = match (mode.updating, mode.creating || mode.writing || mode.appending, mode.reading) {
            (true, ..) => buffered::over(&raw, true, true, size)?,
            (_, true, _) => buffered::over(&raw, false, true, size)?,
            (_, _, true) => buffered::over(&raw, true, false, size)?,
            _ => return Err(value_error(format!("unknown mode: '{mode_text}'"))),
        };
        if mode.binary {
            return Ok(buffer);
        }
        let made = (|| {
            let settings = Settings {
                encoding: encoding.as_deref(),
                errors: errors.as_deref(),
                newline: parse_newline(newline_text)?,
                line_buffering,
                write_through: false,
            };
            let stream = text::over(&buffer, &settings)?;
            attribute::set(&stream, name!("mode"), Some(&Str::new_value(&mode_text)))?;
            Ok(stream)
        })();
        made.map_err(|raised| close_after(&buffer, raised))
    })();
    finished.map_err(|raised| close_after(&raw, raised))
}

/// Closes what was opened in vain.
fn close_after(stream: &Value, raised: Raised) -> Raised {
    let failed = super::base::chain(Err(raised), call::call_method(stream, name!("close"), &[]).map(drop));
    match failed {
        Err(raised) => raised,
        Ok(()) => value_error("the file was not opened"),
    }
}

/// What is to be opened: an int as it is, anything else a path.
fn path_or_fd(file: &Value) -> PyResult<Value> {
    let is_number = int::is_int(file) || file.is_small_float() || number::is_index(file);
    let is_number = is_number || file.ty().slot(|slots| slots.int).is_some();
    if is_number { Ok(file.clone()) } else { crate::modules::posix::path::fspath(file) }
}

/// `io.open_code(path)`.
pub(super) fn open_code(path: &Str) -> PyResult<Value> {
    let path = Value::of(path);
    if audit::is_heard() {
        audit::event("open", &[path.clone(), Str::new_value("rb"), Value::int(0)])?;
    }
    let raw = file_io::open(&path, "r", true, None)?;
    let size = raw.exact::<file_io::FileIo>().map_or(BUFFER_SIZE, file_io::FileIo::block_size);
    buffered::over(&raw, true, false, if size > 1 { size } else { BUFFER_SIZE })
        .map_err(|raised| close_after(&raw, raised))
}
