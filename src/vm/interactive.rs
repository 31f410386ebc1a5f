//! The dialogue: statements are read from standard input, compiled one by one and run in `__main__`, as CPython's
//! `PyRun_InteractiveLoop` does where there is no readline.

use crate::modules::blocking::{check_signals, retry};
use crate::modules::io::standard;
use crate::modules::posix::system;
use crate::modules::sys;
use crate::name;
use crate::object::error::PyResult;
use crate::object::{attribute, call, text};
use crate::types::code::Code;
use crate::types::codecs;
use crate::types::exceptions::os_error;
use crate::types::exceptions::{MEMORY_ERROR, SYSTEM_EXIT, is_instance};
use crate::types::str::Str;
use crate::vm::compile::{Settings, statement, wtf8};
use crate::vm::{config, report, runtime, startup};

/// What a terminal gives at a time.
const LONGEST_LINE: usize = 4096;
/// After so many statements in a row that memory was missing for, the dialogue ends.
const MOST_MEMORY_ERRORS: u32 = 16;

/// The next line with its newline, if it has one; empty at the end. The prompt is written on standard error.
fn next_line(prompt: &str) -> PyResult<Vec<u8>> {
    write_aside(prompt);
    let mut line = Vec::new();
    loop {
        // What follows the line is for the statement to read, if it does. A terminal gives a line at a time by itself.
        let count = if system::isatty(0) { LONGEST_LINE } else { 1 };
        let read = retry(|| system::read_to_vec(0, &mut line, count))?;
        check_signals()?;
        if read.map_err(|errno| os_error::from_errno(errno, None))? == 0 || line.last() == Some(&b'\n') {
            return Ok(line);
        }
    }
}

/// Writes on standard error, past what Python has there.
fn write_aside(text: &str) {
    let _nobody_to_tell = system::write(2, text.as_bytes());
}

/// What `sys.ps1` or `sys.ps2` shows.
fn prompt(name: &str) -> String {
    let shown = sys::get(name).and_then(|prompt| text::str(&prompt).ok());
    shown.as_ref().and_then(|shown| shown.downcast::<Str>()).map(Str::to_string_lossy).unwrap_or_default()
}

/// A line in UTF-8, which `sys.stdin` says the encoding of.
fn decoded(line: Vec<u8>) -> PyResult<Vec<u8>> {
    let encoding = sys::get("stdin").and_then(|stdin| attribute::lookup(&stdin, name!("encoding")).ok().flatten());
    let encoding = encoding.as_ref().and_then(|encoding| encoding.downcast::<Str>()).map(Str::to_string_lossy);
    match encoding {
        Some(encoding) if encoding != "utf-8" => {
            let line = codecs::decode(&line, Some(&encoding), None)?;
            Ok(line.downcast::<Str>().map(wtf8).unwrap_or_default())
        }
        _ => Ok(line),
    }
}

/// Reads a statement and runs it; false when the input has ended. The future features that it names hold from then on.
fn one(features: &mut u32) -> PyResult<bool> {
    let filename = Str::new_value("<stdin>");
    let mut source = Vec::new();
    let mut name = "ps1";
    let code = loop {
        let line = next_line(&prompt(name))?;
        let ended = line.is_empty();
        if ended {
            write_aside("\n");
        }
        source.extend(decoded(line)?);
        let settings = Settings {
            filename: &filename,
            mode: crate::compile::parse::Mode::Single,
            flags: *features,
            optimize: config::with(|config| config.optimize.min(2)),
            feature_version: 0,
        };
        match statement(&source, ended, &settings)? {
            Some(code) => break code,
            None if ended => return Ok(false),
            None => name = "ps2",
        }
    };
    if let Some(code) = code.exact::<Code>() {
        *features |= code.fields.flags & crate::compile::flags::FUTURE;
    }
    runtime::run_main(&code, &startup::main_namespace()?)?;
    Ok(true)
}

/// Runs statements until the input ends.
///
/// # Errors
/// `SystemExit`. What else statements raise is shown.
pub fn run() -> PyResult<()> {
    for (name, prompt) in [("ps1", ">>> "), ("ps2", "... ")] {
        if sys::get(name).is_none() {
            sys::set(name, Str::new_value(prompt));
        }
    }
    let mut features = 0;
    let mut memory_errors = 0;
    loop {
        match one(&mut features) {
            Ok(true) => memory_errors = 0,
            Ok(false) => return Ok(()),
            Err(raised) if is_instance(&raised, &SYSTEM_EXIT) => return Err(raised),
            Err(raised) => {
                memory_errors = if is_instance(&raised, &MEMORY_ERROR) { memory_errors + 1 } else { 0 };
                report::uncaught(&raised.into_value());
                if memory_errors > MOST_MEMORY_ERRORS {
                    return Ok(());
                }
            }
        }
        let _closed_streams_stay_silent = standard::flush_all();
    }
}

/// Calls what `site` has set for the beginning of a dialogue. As `pymain_run_interactive_hook`.
pub fn run_hook() {
    let Some(hook) = sys::get("__interactivehook__") else { return };
    if let Err(raised) = call::call(&hook, &[]) {
        sys::write_stderr("Failed calling sys.__interactivehook__\n");
        report::uncaught_within(&raised.into_value());
    }
}

/// Runs the file that PYTHONSTARTUP names. As `pymain_run_startup`.
///
/// # Errors
/// `SystemExit`. What else it raises is shown.
pub fn run_startup() -> PyResult<()> {
    let variable =
        if config::with(|config| config.ignore_environment) { None } else { std::env::var_os("PYTHONSTARTUP") };
    let Some(file) = variable.filter(|file| !file.is_empty()) else { return Ok(()) };
    let source = match std::fs::read(&file) {
        Ok(source) => source,
        Err(error) => {
            sys::write_stderr("Could not open PYTHONSTARTUP\n");
            let raised = os_error::from_errno(error.raw_os_error().unwrap_or(0), Some(&startup::file_name(&file)));
            report::uncaught_within(&raised.into_value());
            return Ok(());
        }
    };
    let result = startup::run_source(&source, std::path::Path::new(&file));
    startup::forget_file();
    match result {
        Err(raised) if is_instance(&raised, &SYSTEM_EXIT) => Err(raised),
        Err(raised) => {
            report::uncaught_within(&raised.into_value());
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Says on standard error who speaks. As `pymain_header`.
pub fn greet() {
    let version = sys::get("version").and_then(|version| text::str_string(&version).ok()).unwrap_or_default();
    let platform = sys::get("platform").and_then(|platform| text::str_string(&platform).ok()).unwrap_or_default();
    eprintln!("Python {version} on {platform}");
    if config::with(|config| !config.no_site && config.library.is_some()) {
        eprintln!("Type \"help\", \"copyright\", \"credits\" or \"license\" for more information.");
    }
}

/// Whether standard input is somebody to talk to.
pub fn is_wanted() -> bool {
    system::isatty(0) || config::with(|config| config.interactive)
}
