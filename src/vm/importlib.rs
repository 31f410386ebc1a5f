//! The library's `importlib._bootstrap` as the heart of the import system: loaded when the first import needs it.
//!
//! CPython freezes `_bootstrap`, `_bootstrap_external` and `zipimport` into its program; here their code comes from the
//! library's own files, under the names and file names that frozen modules have.

use crate::modules::marshal;
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::object::{attribute, call, text};
use crate::pyc::{self, header, header::Header};
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::exceptions::{import_error, system_error};
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::str::{Str, intern};
use crate::vm::{config, load, runtime};
use std::cell::Cell;

/// The module `_frozen_importlib`, once it is set up.
static IMPORTLIB: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);
/// It is being set up.
static IN_SETUP: GilCell<Cell<bool>> = GilCell::new(Cell::new(false));

/// The modules that CPython freezes, with the library's modules that hold their code.
const FROZEN: [(&str, &str); 3] = [
    ("_frozen_importlib", "importlib._bootstrap"),
    ("_frozen_importlib_external", "importlib._bootstrap_external"),
    ("zipimport", "zipimport"),
];

/// The modules that CPython freezes for nothing but to show that it works, and whether they are packages.
const EXAMPLES: [(&str, bool); 3] = [("__hello__", false), ("__phello__", true), ("__phello__.spam", false)];
const EXAMPLE: &str = "initialized = True\nprint(\"Hello world!\")\n";

fn is_example(name: &str) -> bool {
    cfg!(feature = "compile") && EXAMPLES.iter().any(|(example, _)| *example == name)
}

/// Whether a frozen module is a package.
pub(crate) fn is_frozen_package(name: &str) -> bool {
    is_example(name) && EXAMPLES.contains(&(name, true))
}

/// Whether CPython has the module frozen in its program. Without a library, only the examples.
pub(crate) fn is_frozen(name: &str) -> bool {
    is_example(name) || config::has_library() && FROZEN.iter().any(|(frozen, _)| *frozen == name)
}

/// The code of a frozen module.
///
/// # Errors
/// `ImportError` when there is no such module, or its file cannot be read.
pub(crate) fn frozen_code(name: &str) -> PyResult<Value> {
    #[cfg(feature = "compile")]
    if is_example(name) {
        use crate::compile::parse::{Mode, SourceKind};
        use crate::vm::compile::{Settings, Source, compile};
        // What CPython's was made from.
        let filename = Str::new_value("Tools/freeze/flag.py");
        let settings = Settings { filename: &filename, mode: Mode::Exec, flags: 0, optimize: 0, feature_version: 0 };
        return compile(&Source { bytes: EXAMPLE.as_bytes().to_vec(), kind: SourceKind::Text }, &settings);
    }
    let source = FROZEN.iter().find(|(frozen, _)| *frozen == name).map(|(_, source)| *source);
    let (Some(source), Some(library)) = (source, config::library()) else {
        return Err(import_error(format!("No such frozen object named {}", text::repr_string(&Str::new_value(name))?)));
    };
    let file = library.cached(source);
    let unreadable =
        |why: &dyn std::fmt::Display| import_error(format!("the standard library's {}: {why}", file.display()));
    let data = std::fs::read(&file).map_err(|error| unreadable(&error))?;
    if let (Ok(_), Some(body)) = (Header::read(&data), data.get(header::LEN..))
        && let Ok(value) = marshal::read_bytes(body)
        && let Some(code) = value.exact::<Code>()
    {
        if let Some(old) = code.file().exact::<Str>() {
            code.move_file(old, &Str::new_value(&format!("<frozen {source}>")));
        }
        return Ok(value);
    }
    // What is wrong with it.
    let read = pyc::read(&data).map_err(|error| unreadable(&error))?;
    load::value_named(read.tree().root(), &format!("<frozen {source}>")).map_err(|error| unreadable(&error))
}

/// The module `_frozen_importlib`, set up; `None` without a library.
///
/// # Errors
/// What its setting up raises.
pub(crate) fn importlib() -> PyResult<Option<Value>> {
    if let Some(module) = IMPORTLIB.get().get() {
        return Ok(Some(module));
    }
    if !config::has_library() || IN_SETUP.get().get() {
        return Ok(None);
    }
    IN_SETUP.get().set(true);
    let made = set_up();
    IN_SETUP.get().set(false);
    made.map(Some)
}

/// The module, if the import system is set up or being set up.
pub(crate) fn if_set_up() -> Option<Value> {
    IMPORTLIB.get().get()
}

/// As `init_importlib`, `init_importlib_external` and `_PyImportZip_Init`.
fn set_up() -> PyResult<Value> {
    let modules = runtime::modules_dict();
    let modules = modules.downcast::<Dict>().ok_or_else(|| system_error("lost sys.modules"))?;
    let bootstrap = frozen_module("_frozen_importlib")?;
    IMPORTLIB.get().set(Some(bootstrap.clone()));
    let finish = || -> PyResult<()> {
        let imp = load_native(&crate::modules::imp::MODULE)?;
        let sys = modules.get(name!("sys"))?.ok_or_else(|| system_error("lost sys"))?;
        call::call_method(&bootstrap, name!("_install"), &[sys, imp])?;
        call::call_method(&bootstrap, name!("_install_external_importers"), &[])?;
        let zipimport = super::import::import_text("zipimport")?;
        let importer = attribute::get(&zipimport, name!("zipimporter"))?;
        let hooks = crate::modules::sys::get("path_hooks");
        if let Some(hooks) = hooks.as_ref().and_then(|hooks| hooks.downcast::<List>()) {
            hooks.items().insert(0, importer);
        }
        Ok(())
    };
    match finish() {
        Ok(()) => Ok(bootstrap),
        Err(raised) => {
            IMPORTLIB.get().set(None);
            Err(raised)
        }
    }
}

/// Makes a frozen module and runs its code. As `PyImport_ImportFrozenModule`.
///
/// # Errors
/// As for [`frozen_code`], and what its code raises.
pub(crate) fn frozen_module(name: &str) -> PyResult<Value> {
    let code = frozen_code(name)?;
    let (module, namespace) = program_module(name)?;
    if is_frozen_package(name)
        && let Some(dict) = namespace.downcast::<Dict>()
    {
        dict.set(name!("__path__"), List::from_vec(Vec::new()))?;
    }
    runtime::run_main(&code, &namespace)?;
    Ok(module)
}

/// A new module in `sys.modules` in whose namespace code can run, and that namespace.
///
/// # Errors
/// What `sys.modules` raises.
pub(crate) fn program_module(name: &str) -> PyResult<(Value, Value)> {
    let module = Module::new_value(name, None);
    let namespace = module.downcast::<Module>().map(|module| module.dict().clone());
    let namespace = namespace.ok_or_else(|| system_error("a module that is none"))?;
    let modules = runtime::modules_dict();
    if let (Some(modules), Some(dict)) = (modules.downcast::<Dict>(), namespace.downcast::<Dict>()) {
        modules.set(&intern(name), module.clone())?;
        if let Some(builtins) = modules.get_text("builtins") {
            dict.set(name!("__builtins__"), builtins)?;
        }
    }
    Ok((module, namespace))
}

/// Takes the import system's own frames out of a traceback. As `remove_importlib_frames`: all of them from an
/// `ImportError`, else those through which a module's code is run.
pub(crate) fn trim(raised: Raised) -> Raised {
    use crate::types::exceptions::{BaseException, IMPORT_ERROR};
    use crate::types::frame::Frame;
    use crate::types::traceback::Traceback;
    if config::with(|config| config.verbose > 0) {
        return raised;
    }
    let exception = raised.into_value();
    let always = exception.ty().is_subtype(&IMPORT_ERROR);
    let Some(body) = exception.downcast::<BaseException>() else { return Raised::new(exception) };
    // Where the link to the next entry stands: the exception, or an entry.
    let mut previous: Option<Value> = None;
    let mut outer: Option<Value> = None;
    let mut in_importlib = false;
    let mut next = body.traceback();
    while let Some(entry) = next {
        let Some(level) = entry.exact::<Traceback>() else { break };
        let after = level.next();
        let (file, function) = match level.frame().exact::<Frame>().and_then(Frame::code) {
            Some(code) => (code.filename(), code.name()),
            None => Default::default(),
        };
        let now = file == "<frozen importlib._bootstrap>" || file == "<frozen importlib._bootstrap_external>";
        if now && !in_importlib {
            outer = previous.clone();
        }
        in_importlib = now;
        if in_importlib && (always || function == "_call_with_frames_removed") {
            match outer.as_ref().and_then(|outer| outer.exact::<Traceback>()) {
                Some(outer) => outer.set_next(after.clone()),
                None => body.set_traceback(after.clone()),
            }
            previous = outer.clone();
        } else {
            previous = Some(entry.clone());
        }
        next = after;
    }
    Raised::new(exception)
}

/// A native module by way of the import system or without it: with `__spec__` and `__loader__` once that is there.
///
/// # Errors
/// What making it raises.
pub(crate) fn load_native(def: &'static crate::modules::ModuleDef) -> PyResult<Value> {
    let module = def.load()?;
    if let Some(modules) = runtime::modules_dict().downcast::<Dict>() {
        modules.set(&Str::new_value(def.name), module.clone())?;
    }
    Ok(module)
}
