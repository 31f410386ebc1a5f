//! The standard streams: how `sys.stdin`, `sys.stdout` and `sys.stderr` are made, their encoding and error handlers, and how
//! they end.

use super::newline::Newline;
use super::text::{self, Settings, is_terminal};
use super::{BUFFER_SIZE, buffered, file_io};
use crate::modules::posix::system;
use crate::modules::{self, sys};
use crate::name;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::{attribute, call, number};
use crate::types::codecs::{self, Encoding, Order, registry};
use crate::types::str::Str;
use crate::vm::{config, thread};
use std::cell::Cell;
use std::sync::OnceLock;

static UNBUFFERED: GilCell<Cell<bool>> = GilCell::new(Cell::new(false));

/// What `-u` asks for: output goes out at once. To be called before the interpreter is set up.
pub fn set_unbuffered(unbuffered: bool) {
    UNBUFFERED.get().set(unbuffered);
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The locale of characters, as the environment names it.
fn locale() -> String {
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(environment).unwrap_or_default()
}

fn is_c(locale: &str) -> bool {
    matches!(locale, "" | "C" | "POSIX")
}

/// Whether the locale of characters that the environment names is C's, as one is that the system does not know.
pub fn is_c_locale() -> bool {
    match locale().as_str() {
        "C.UTF-8" | "C.utf8" => false,
        name => is_c(name) || system::locale_charset().is_none(),
    }
}

/// Whether a locale of UTF-8 takes the place of C's, where that is the environment's (PEP 538).
pub(crate) fn is_coerced() -> bool {
    environment("LC_ALL").is_none() && may_coerce()
}

/// What PYTHONCOERCECLOCALE says, if it counts.
fn coercion() -> Option<String> {
    if config::with(|config| config.ignore_environment) { None } else { environment("PYTHONCOERCECLOCALE") }
}

/// Whether a locale of UTF-8 may take the place of C's.
pub(crate) fn may_coerce() -> bool {
    coercion().is_none_or(|value| value != "0")
}

/// Warns of C's locale, or that it was replaced, where PYTHONCOERCECLOCALE asks for that. To be called before the interpreter
/// is set up.
pub fn warn_of_c_locale() {
    if !is_c_locale() || coercion().is_none_or(|value| value != "warn") {
        return;
    }
    if is_coerced() {
        eprintln!(
            "Python detected LC_CTYPE=C: LC_CTYPE coerced to C.UTF-8 (set another locale or PYTHONCOERCECLOCALE=0 to disable \
             this locale coercion behavior)."
        );
    } else {
        eprintln!(
            "Python runtime initialized with LC_CTYPE=C (a locale with default ASCII encoding), which may cause Unicode \
             compatibility problems. Using C.UTF-8, C.utf8, or UTF-8 (if available) as alternative Unicode-compatible locales \
             is recommended."
        );
    }
}

/// The encoding of names of files, arguments and the environment: that of the locale at the start.
pub(crate) fn filesystem_encoding() -> Encoding {
    static FOUND: OnceLock<Encoding> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let name = if is_utf8_mode() { "utf-8".to_owned() } else { locale_encoding() };
        // One that is not native could not be used before programs can import.
        codecs::find(&name).unwrap_or(Encoding::Utf8)
    })
}

/// `sys.getfilesystemencoding()`.
pub(crate) fn filesystem_encoding_name() -> &'static str {
    codec_name(filesystem_encoding())
}

/// UTF-8 mode (PEP 540).
fn is_utf8_mode() -> bool {
    config::with(|config| config.utf8_mode)
}

/// `locale.getpreferredencoding(False)`.
pub(crate) fn preferred_encoding() -> String {
    if is_utf8_mode() {
        return "UTF-8".to_owned();
    }
    // A program that can change the locale may have done so.
    if let Some(charset) = modules::locale::charset() {
        return charset;
    }
    locale_encoding()
}

/// The encoding of the locale that the environment names.
fn locale_encoding() -> String {
    let charset = match locale().as_str() {
        "C.UTF-8" | "C.utf8" => Some("UTF-8".to_owned()),
        name if is_c(name) => None,
        _ => system::locale_charset(),
    };
    charset.unwrap_or_else(|| if is_coerced() { "UTF-8" } else { "ANSI_X3.4-1968" }.to_owned())
}

/// The error handler of standard input and output. As `get_stdio_errors`: without a locale, bytes pass through.
fn default_errors() -> &'static str {
    if is_utf8_mode() || is_c_locale() || matches!(locale().as_str(), "C.UTF-8" | "C.utf8" | "UTF-8") {
        "surrogateescape"
    } else {
        "strict"
    }
}

/// The name that the codec of a native encoding gives itself.
fn codec_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Ascii => "ascii",
        Encoding::Latin1 => "iso8859-1",
        Encoding::Utf7 => "utf-7",
        Encoding::Utf8 => "utf-8",
        Encoding::Utf8Signed => "utf-8-sig",
        Encoding::Utf16(Order::Marked) => "utf-16",
        Encoding::Utf16(Order::Little) => "utf-16-le",
        Encoding::Utf16(Order::Big) => "utf-16-be",
        Encoding::Utf32(Order::Marked) => "utf-32",
        Encoding::Utf32(Order::Little) => "utf-32-le",
        Encoding::Utf32(Order::Big) => "utf-32-be",
        Encoding::UnicodeEscape => "unicode-escape",
        Encoding::RawUnicodeEscape => "raw-unicode-escape",
    }
}

/// Encoding and error handler of the standard streams, as PYTHONIOENCODING and the locale say.
fn settings() -> (String, String) {
    let (mut encoding, mut errors) = (None, None);
    let named = config::with(|config| !config.ignore_environment).then(|| environment("PYTHONIOENCODING")).flatten();
    if let Some(wanted) = named {
        match wanted.split_once(':') {
            Some((name, handler)) => {
                encoding = Some(name.to_owned()).filter(|name| !name.is_empty());
                errors = Some(handler.to_owned()).filter(|handler| !handler.is_empty());
                // Once an encoding is given, the locale has no say.
                if errors.is_none() && encoding.is_some() {
                    errors = Some("strict".to_owned());
                }
            }
            None => {
                encoding = Some(wanted);
                errors = Some("strict".to_owned());
            }
        }
    }
    let encoding = encoding.unwrap_or_else(preferred_encoding);
    let encoding = codecs::find(&encoding).map_or(encoding, |native| codec_name(native).to_owned());
    (encoding, errors.unwrap_or_else(|| default_errors().to_owned()))
}

/// A standard stream; None when its descriptor is not open. As `create_stdio`.
fn make(fd: i32, writing: bool, name: &str, encoding: &str, errors: &str) -> PyResult<Value> {
    if system::fstat(fd).is_err() {
        return Ok(Value::NONE);
    }
    let unbuffered = UNBUFFERED.get().get();
    let raw = file_io::over_descriptor(fd, writing, &Str::new_value(name))?;
    let buffer = match (writing, unbuffered) {
        (true, true) => raw,
        _ => {
            let size = raw.exact::<file_io::FileIo>().map_or(BUFFER_SIZE, file_io::FileIo::block_size);
            buffered::over(&raw, !writing, writing, size)?
        }
    };
    let settings = Settings {
        encoding: Some(encoding),
        errors: Some(errors),
        newline: Newline::Lf,
        line_buffering: !unbuffered && is_terminal(fd),
        write_through: unbuffered,
    };
    let stream = text::over(&buffer, &settings)?;
    attribute::set(&stream, name!("mode"), Some(&Str::new_value(if writing { "w" } else { "r" })))?;
    Ok(stream)
}

/// Makes the three streams and gives them to the module `sys`, by way of `set`. With an encoding that is not native they
/// are of UTF-8 until [`settle`] is called: its codec cannot be found before programs can import.
///
/// # Errors
/// None in practice.
pub(crate) fn make_all(set: impl FnMut(&str, Value)) -> PyResult<()> {
    super::ready_for_streams()?;
    let (encoding, errors) = settings();
    let native = codecs::find(&encoding).is_some();
    make_three(if native { &encoding } else { "utf-8" }, &errors, set)
}

/// Makes the streams anew when their encoding is not native. To be called before the program runs.
///
/// # Errors
/// `LookupError` for an encoding that nobody knows.
pub fn settle() -> PyResult<()> {
    let (encoding, errors) = settings();
    if codecs::find(&encoding).is_some() {
        return Ok(());
    }
    let codec = registry::lookup_text(&encoding, "codecs.open()")?;
    let name = attribute::lookup(&codec, name!("name"))?;
    let name = name.and_then(|name| name.downcast::<Str>().map(Str::to_string_lossy));
    make_three(&name.unwrap_or(encoding), &errors, sys::set)
}

fn make_three(encoding: &str, errors: &str, mut set: impl FnMut(&str, Value)) -> PyResult<()> {
    let streams = [(0, false, "stdin", errors), (1, true, "stdout", errors), (2, true, "stderr", "backslashreplace")];
    for (fd, writing, name, errors) in streams {
        let stream = make(fd, writing, &format!("<{name}>"), encoding, errors)?;
        set(name, stream.clone());
        set(&format!("__{name}__"), stream);
    }
    Ok(())
}

/// Flushes `sys.stdout` and `sys.stderr`; whether that went well. As `flush_std_files`.
pub fn flush_all() -> bool {
    let mut well = true;
    for name in ["stdout", "stderr"] {
        let Some(stream) = sys::get(name).filter(|stream| !stream.is_none()) else { continue };
        let closed = attribute::lookup(&stream, name!("closed")).ok().flatten();
        if closed.is_some_and(|closed| number::truth(&closed).unwrap_or(false)) {
            continue;
        }
        if let Err(raised) = call::call_method(&stream, name!("flush"), &[]) {
            if name == "stdout" {
                thread::report_unraisable(raised, &stream);
            }
            well = false;
        }
    }
    well
}
