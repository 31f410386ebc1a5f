//! Running a program as `python3.8` does: the module `__main__`, `site`, `sys.path`, a file, a module or text.

use crate::modules::posix::path;
use crate::name;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::object::{attribute, call};
use crate::types::codecs;
use crate::types::dict::Dict;
use crate::types::exceptions::{IMPORT_ERROR, is_instance, runtime_error};
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::str::Str;
use crate::vm::{config, import, importlib, runtime};
use std::ffi::OsStr;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether the program begins with a library and `site`.
fn begins_with_site() -> PyResult<bool> {
    let wanted = config::with(|config| config.library.is_some() && !config.no_site);
    Ok(wanted && importlib::importlib()?.is_some())
}

/// Imports modules that CPython has imported by then; one that is not there is not missed here.
fn import_all(names: &[&str]) -> PyResult<()> {
    for name in names {
        match import::import_text(name) {
            Err(raised) if !is_instance(&raised, &IMPORT_ERROR) => return Err(raised),
            _ => {}
        }
    }
    Ok(())
}

/// Imports what CPython needs for its file names and signals before `__main__` is made. Codecs are native here: programs
/// see these modules in `sys.modules`, and so they are imported only where `site` is. As `init_fs_encoding` and `init_signals`.
///
/// # Errors
/// What the modules raise.
pub fn import_codecs() -> PyResult<()> {
    if !begins_with_site()? {
        return Ok(());
    }
    codecs::registry::import_encodings()?;
    import_all(&["encodings.utf_8", "_signal"])
}

/// Makes the module `__main__`. As `add_main_module`.
///
/// # Errors
/// What `sys.modules` raises.
pub fn make_main() -> PyResult<()> {
    let (_, namespace) = importlib::program_module("__main__")?;
    let Some(namespace) = namespace.exact::<Dict>() else { return Ok(()) };
    namespace.set(name!("__annotations__"), Dict::new_value())?;
    match importlib::if_set_up() {
        Some(importlib) => namespace.set(name!("__loader__"), attribute::get(&importlib, name!("BuiltinImporter"))?),
        None => Ok(()),
    }
}

/// Sets `sys.argv`.
pub fn set_arguments<'a>(arguments: impl Iterator<Item = &'a OsStr>) {
    let arguments = arguments.map(file_name).collect();
    crate::modules::sys::set("argv", List::from_vec(arguments));
}

/// A name or an argument of the system as text. As `Py_DecodeLocale`: every byte that is no UTF-8 has its surrogate.
pub(crate) fn file_name(name: &OsStr) -> Value {
    path::decode(name.as_bytes()).unwrap_or_else(|_| Str::new_value(&name.to_string_lossy()))
}

/// Lets the signals that Python handles reach it.
///
/// # Errors
/// What making the module `_signal` raises.
pub fn install_signals() -> PyResult<()> {
    crate::modules::signal::install()
}

/// Has faults told of if the options or the environment say so: `-X faulthandler`, PYTHONFAULTHANDLER, development mode.
pub fn enable_fault_handler() {
    let wanted = config::with(|config| {
        let variable = || std::env::var_os("PYTHONFAULTHANDLER").is_some_and(|value| !value.is_empty());
        config.dev_mode
            || config.x_options.iter().any(|(option, _)| option == "faulthandler")
            || (!config.ignore_environment && variable())
    });
    if wanted {
        crate::modules::faulthandler::enable_at_start();
    }
}

/// How many frames `-X tracemalloc` or PYTHONTRACEMALLOC wants of each allocation; 0: nothing is traced. As
/// `config_init_tracemalloc`.
///
/// # Errors
/// The text for one that is no such number.
pub fn memory_trace_limit() -> Result<i32, String> {
    let limit = |text: &str| c_integer(text).filter(|&limit| limit >= 0);
    config::with(|config| {
        let mut wanted = 0;
        let variable = if config.ignore_environment { None } else { std::env::var_os("PYTHONTRACEMALLOC") };
        if let Some(text) = variable.filter(|text| !text.is_empty()) {
            let found = text.to_str().and_then(limit);
            wanted = found.ok_or("PYTHONTRACEMALLOC: invalid number of frames")?;
        }
        // The first counts.
        match config.x_options.iter().find(|(option, _)| option == "tracemalloc") {
            None => {}
            Some((_, None)) => wanted = 1,
            Some((_, Some(text))) => wanted = limit(text).ok_or("-X tracemalloc=NFRAME: invalid number of frames")?,
        }
        Ok(wanted)
    })
}

/// A decimal number of C's type `int` that is all of the text, as `strtol` reads it: 0 when the text is empty.
fn c_integer(text: &str) -> Option<i32> {
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    digits.parse().ok()
}

/// Starts to trace allocations if [`memory_trace_limit`] says so.
///
/// # Errors
/// `ValueError` for more frames than there can be.
pub fn trace_memory() -> PyResult<()> {
    match memory_trace_limit() {
        Ok(limit @ 1..) => crate::modules::tracemalloc::start(Some(limit)),
        _ => Ok(()),
    }
}

/// Waits for the threads that are no daemons, as `wait_for_thread_shutdown`.
///
/// # Errors
/// What `threading` raises.
pub fn join_threads() -> PyResult<()> {
    let threading = runtime::modules_dict().exact::<Dict>().and_then(|modules| modules.get_text("threading"));
    match threading.filter(|threading| !threading.is_none()) {
        Some(threading) => call::call_method(&threading, name!("_shutdown"), &[]).map(drop),
        None => Ok(()),
    }
}

/// The namespace of `__main__`.
pub(crate) fn main_namespace() -> PyResult<Value> {
    let modules = runtime::modules_dict();
    let module = modules.exact::<Dict>().and_then(|modules| modules.get_text("__main__"));
    let namespace = module.as_ref().and_then(|module| module.downcast::<Module>()).map(|module| module.dict().clone());
    namespace.ok_or_else(|| runtime_error("lost __main__"))
}

/// Imports `site` unless the program's options say no, or there is no library. As `init_import_site`; and before it
/// `warnings`, which makes filters of the options that ask for them.
///
/// # Errors
/// What importing `site` raises.
pub fn import_site() -> PyResult<()> {
    let (no_library, no_site, has_filters) =
        config::with(|config| (config.library.is_none(), config.no_site, !config.warn_options.is_empty()));
    if no_library || no_site && !has_filters || importlib::importlib()?.is_none() {
        return Ok(());
    }
    if has_filters && let Err(raised) = import::import_text("warnings") {
        crate::modules::sys::write_stderr("'import warnings' failed; traceback:\n");
        crate::modules::sys::write_stderr(&super::report::describe(&raised.into_value()));
    }
    if no_site {
        return Ok(());
    }
    // As init_sys_streams.
    import_all(&["encodings.latin_1", "io"])?;
    import::import_text("site").map(drop)
}

/// Puts a directory first on `sys.path`.
pub fn prepend(directory: &OsStr) {
    if !config::with(|config| config.isolated) {
        insert_first(directory);
    }
}

/// Puts a program that is a directory or a zip file first on `sys.path`; also one that is isolated from the directory it is in.
pub fn prepend_program(program: &Path) {
    insert_first(program.as_os_str());
}

fn insert_first(directory: &OsStr) {
    if let Some(path) = crate::modules::sys::get("path")
        && let Some(path) = path.downcast::<List>()
    {
        path.items().insert(0, file_name(directory));
    }
}

/// Puts the directory of a program first on `sys.path`; that of what it links to, if it is a link.
pub fn prepend_directory_of(program: &Path) {
    let mut program = program.to_owned();
    if let Ok(target) = std::fs::read_link(&program) {
        program = match program.parent() {
            Some(parent) if target.is_relative() => parent.join(target),
            _ => target,
        };
    }
    let full = std::fs::canonicalize(&program).unwrap_or(program);
    prepend(full.parent().map(Path::as_os_str).unwrap_or_default());
}

/// Puts the current directory first on `sys.path`.
pub fn prepend_current() {
    if let Ok(directory) = std::env::current_dir() {
        prepend(directory.as_os_str());
    }
}

/// Whether a program is a directory or a zip file, to be searched for a module `__main__`.
pub fn holds_main(program: &Path) -> bool {
    if program.is_dir() {
        return true;
    }
    // A zip file ends with its central directory's end record, which has 22 bytes when there is no comment.
    let mut end = [0; 22];
    let mut read = || -> std::io::Result<()> {
        let mut file = std::fs::File::open(program)?;
        file.seek(SeekFrom::End(-22))?;
        file.read_exact(&mut end)
    };
    read().is_ok() && end.starts_with(b"PK\x05\x06")
}

/// Runs a code object as `__main__`, from a file of that name.
///
/// # Errors
/// What the program raises.
pub fn run_code(code: &Value, file: &Path) -> PyResult<()> {
    runtime::run_main(code, &main_of_file(&file_name(file.as_os_str()), "SourcelessFileLoader")?).map(drop)
}

/// The namespace of `__main__`, told of the program's file and, once there is an import system, of its loader. As
/// `set_main_loader`.
fn main_of_file(file: &Value, class: &str) -> PyResult<Value> {
    let namespace = main_namespace()?;
    let Some(main) = namespace.exact::<Dict>() else { return Ok(namespace) };
    main.set(name!("__file__"), file.clone())?;
    main.set(name!("__cached__"), Value::NONE)?;
    if importlib::if_set_up().is_none() {
        return Ok(namespace);
    }
    let external = import::import_text("_frozen_importlib_external")?;
    let loader = call::call(&attribute::get_str(&external, class)?, &[Str::new_value("__main__"), file.clone()])?;
    main.set(name!("__loader__"), loader)?;
    Ok(namespace)
}

/// Runs a module of `sys.path` as `__main__`, by the library's `runpy`. As `pymain_run_module`.
///
/// # Errors
/// What the module raises.
pub fn run_module(name: &str, set_argv0: bool) -> PyResult<()> {
    let runpy = import::import_text("runpy")?;
    let run = attribute::get_str(&runpy, "_run_module_as_main")?;
    call::call(&run, &[Str::new_value(name), Value::bool(set_argv0)]).map(drop)
}

/// Runs a source file as `__main__`.
///
/// # Errors
/// `SyntaxError`; what the program raises.
#[cfg(feature = "compile")]
pub fn run_source(source: &[u8], file: &Path) -> PyResult<()> {
    let name = file_name(file.as_os_str());
    let namespace = main_of_file(&name, "SourceFileLoader")?;
    let code = compile_main(source, crate::compile::parse::SourceKind::File, &name)?;
    runtime::run_main(&code, &namespace).map(drop)
}

/// Runs source text from standard input as `__main__`.
///
/// # Errors
/// `SyntaxError`; what the program raises.
#[cfg(feature = "compile")]
pub fn run_input(source: &[u8]) -> PyResult<()> {
    let name = Str::new_value("<stdin>");
    let namespace = main_namespace()?;
    if let Some(main) = namespace.exact::<Dict>() {
        main.set(name!("__file__"), name.clone())?;
        main.set(name!("__cached__"), Value::NONE)?;
    }
    let code = compile_main(source, crate::compile::parse::SourceKind::File, &name)?;
    runtime::run_main(&code, &namespace).map(drop)
}

/// Takes back from `__main__` what tells of the file whose text it has run.
pub fn forget_file() {
    let Ok(namespace) = main_namespace() else { return };
    if let Some(main) = namespace.exact::<Dict>() {
        for name in [name!("__file__"), name!("__cached__")] {
            // Programs may have taken it away.
            let _missing = main.remove(name);
        }
    }
}

/// Runs source text as `__main__`.
///
/// # Errors
/// `SyntaxError`; what the program raises.
#[cfg(feature = "compile")]
pub fn run_text(text: &str) -> PyResult<()> {
    let name = Str::new_value("<string>");
    let code = compile_main(text.as_bytes(), crate::compile::parse::SourceKind::Text, &name)?;
    runtime::run_main(&code, &main_namespace()?).map(drop)
}

/// Without the compiler there is no running of text.
///
/// # Errors
/// Always.
#[cfg(not(feature = "compile"))]
pub fn run_text(_text: &str) -> PyResult<()> {
    Err(runtime_error("source text cannot be compiled: only code objects can be run"))
}

#[cfg(feature = "compile")]
fn compile_main(source: &[u8], kind: crate::compile::parse::SourceKind, name: &Value) -> PyResult<Value> {
    use crate::vm::compile::{Settings, Source, compile};
    let optimize = config::with(|config| config.optimize.min(2));
    let mode = crate::compile::parse::Mode::Exec;
    let settings = Settings { filename: name, mode, flags: 0, optimize, feature_version: 0 };
    compile(&Source { bytes: source.to_vec(), kind }, &settings)
}
