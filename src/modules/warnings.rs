//! The module `_warnings`: filters, and the issuing of warnings by native code.

use crate::method;
use crate::modules::{ModuleDef, sys};
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, call, compare, number, sequence, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{
    DEPRECATION_WARNING, IMPORT_WARNING, PENDING_DEPRECATION_WARNING, RESOURCE_WARNING, RUNTIME_WARNING, USER_WARNING,
    WARNING, is_instance, runtime_error, type_error, value_error,
};
use crate::types::frame::Frame;
use crate::types::int;
use crate::types::list::List;
use crate::types::str::{Str, intern};
use crate::types::tuple::Tuple;
use crate::vm::frame::Place;
use crate::vm::{runtime, thread};
use std::cell::Cell;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_warnings",
    doc: "_warnings provides basic warning filtering support.\nIt is a helper module to speed up interpreter start-up.",
    functions: &[
        method!(
            warn_,
            "warn($module, /, message, category=None, stacklevel=1, source=None)",
            "Issue a warning, or maybe ignore it or raise an exception."
        ),
        method!(
            warn_explicit_,
            "!warn_explicit(message, category, filename, lineno, module=None, registry=None, module_globals=None, source=None)",
            "Low-level interface to warnings functionality."
        ),
        method!(filters_mutated, "!_filters_mutated()", ""),
    ],
    fill,
};

/// `filters`, `_onceregistry` and `_defaultaction` as they are where the module `warnings` has not been imported.
static FILTERS: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);
static ONCE: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);
/// How often the filters have changed: registries remember it.
static VERSION: GilCell<Cell<i64>> = GilCell::new(Cell::new(0));

fn fill(dict: &Dict) -> PyResult<()> {
    dict.set_text("filters", filters());
    dict.set_text("_onceregistry", once_registry());
    dict.set_text("_defaultaction", Str::new_value("default"));
    Ok(())
}

/// As `init_filters`.
fn filters() -> Value {
    FILTERS.get().get().unwrap_or_else(|| {
        let filter = |action: &str, category: &'static TypeObject, module: Value| {
            Tuple::from_vec(vec![intern(action), Value::NONE, category.value(), module, Value::int(0)])
        };
        let filters = List::from_vec(vec![
            filter("default", &DEPRECATION_WARNING, intern("__main__")),
            filter("ignore", &DEPRECATION_WARNING, Value::NONE),
            filter("ignore", &PENDING_DEPRECATION_WARNING, Value::NONE),
            filter("ignore", &IMPORT_WARNING, Value::NONE),
            filter("ignore", &RESOURCE_WARNING, Value::NONE),
        ]);
        FILTERS.get().set(Some(filters.clone()));
        filters
    })
}

fn once_registry() -> Value {
    ONCE.get().get().unwrap_or_else(|| {
        let registry = Dict::new_value();
        ONCE.get().set(Some(registry.clone()));
        registry
    })
}

fn filters_mutated() {
    VERSION.get().set(VERSION.get().get() + 1);
}

/// An attribute of the module `warnings`, if that has been imported. As `get_warnings_attr` without an import.
fn library_attribute(name: &str) -> PyResult<Option<Value>> {
    let modules = runtime::modules_dict();
    let module = modules.downcast::<Dict>().and_then(|modules| modules.get_text("warnings"));
    match module.filter(|module| !module.is_none()) {
        Some(module) => attribute::lookup_str(&module, name),
        None => Ok(None),
    }
}

/// Warns that a coroutine ends that was never awaited. As `_PyErr_WarnUnawaitedCoroutine`.
pub(crate) fn warn_unawaited(coroutine: &Value) {
    let mut warned = false;
    if !crate::vm::finalize::is_finalizing() {
        // Without the library, or with none that can be imported, the plain text does.
        drop(crate::vm::import::import_text("warnings"));
    }
    let result = match library_attribute("_warn_unawaited_coroutine") {
        Ok(None) => Ok(()),
        Ok(Some(function)) => match call::call(&function, std::slice::from_ref(coroutine)) {
            Ok(_) => {
                warned = true;
                Ok(())
            }
            Err(raised) => {
                warned = is_instance(&raised, &RUNTIME_WARNING);
                Err(raised)
            }
        },
        Err(raised) => Err(raised),
    };
    if let Err(raised) = result {
        crate::vm::thread::report_unraisable(raised, coroutine);
    }
    if warned {
        return;
    }
    let name = attribute::lookup_str(coroutine, "__qualname__").ok().flatten();
    let name =
        name.and_then(|name| text::str(&name).ok()).and_then(|name| Some(name.downcast::<Str>()?.to_string_lossy()));
    let message = format!("coroutine '{}' was never awaited", name.unwrap_or_default());
    if let Err(raised) = warn(&RUNTIME_WARNING, &message, 1) {
        crate::vm::thread::report_unraisable(raised, coroutine);
    }
}

/// Issues a warning for the function `stack_level` frames up, as `PyErr_WarnEx`. Nothing is to be built when it is ignored:
/// the common categories cost little.
///
/// # Errors
/// The warning itself, when a filter says so; what `warnings.showwarning` raises.
pub(crate) fn warn(category: &'static TypeObject, message: &str, stack_level: i64) -> PyResult<()> {
    do_warn(&Str::new_value(message), &category.value(), stack_level, None)
}

/// As [`warn`], with the object that the warning is about.
///
/// # Errors
/// As for [`warn`].
pub(crate) fn warn_about(
    category: &'static TypeObject,
    message: &str,
    stack_level: i64,
    source: &Value,
) -> PyResult<()> {
    do_warn(&Str::new_value(message), &category.value(), stack_level, Some(source))
}

/// Issues a warning about a place in a source file, as `PyErr_WarnExplicitObject`.
///
/// # Errors
/// As for [`warn`].
pub(crate) fn warn_at(category: &'static TypeObject, message: &str, file: &Value, line: i64) -> PyResult<()> {
    warn_explicit(&category.value(), &Str::new_value(message), file, line, None, None, None, None)
}

/// A warning of a module, at no line of it, when the interpreter ends.
///
/// # Errors
/// The warning, when the filters say so.
pub(crate) fn warn_at_end(category: &'static TypeObject, message: &str, module: &str) -> PyResult<()> {
    let module = Str::new_value(module);
    warn_explicit(&category.value(), &Str::new_value(message), &module, 0, Some(&module), None, None, None)
}

/// As `get_category`.
fn category_of(message: &Value, category: Option<&Value>) -> PyResult<Value> {
    if message.ty().is_subtype(&WARNING) {
        return Ok(message.ty().value());
    }
    let Some(category) = category.filter(|category| !category.is_none()) else { return Ok(USER_WARNING.value()) };
    match category.downcast::<TypeObject>() {
        Some(ty) if ty.is_subtype(&WARNING) => Ok(category.clone()),
        _ => Err(type_error(format!("category must be a Warning subclass, not '{}'", category.ty().name()))),
    }
}

fn warn_(message: &Value, category: Option<&Value>, stacklevel: Option<isize>, source: Option<&Value>) -> PyResult<()> {
    let category = category_of(message, category)?;
    do_warn(message, &category, stacklevel.unwrap_or(1) as i64, source.filter(|source| !source.is_none()))
}

/// Whether a frame is the import system's own. As `is_internal_frame`.
fn is_internal(place: Place) -> bool {
    let file = place.meta().code().filename();
    file.contains("importlib") && file.contains("_bootstrap")
}

/// The next frame up that is not the import system's.
fn next_external(place: Place) -> Option<Place> {
    let mut next = place.caller();
    while let Some(found) = next
        && is_internal(found)
    {
        next = found.caller();
    }
    next
}

/// As `do_warn` and `setup_context`.
fn do_warn(message: &Value, category: &Value, stack_level: i64, source: Option<&Value>) -> PyResult<()> {
    let mut place = Place::current(thread::current());
    let mut level = stack_level;
    // Within the import system, or above all frames, every frame counts.
    if level <= 0 || place.is_some_and(is_internal) {
        while level > 1
            && let Some(found) = place
        {
            place = found.caller();
            level -= 1;
        }
    } else {
        while level > 1
            && let Some(found) = place
        {
            place = next_external(found);
            level -= 1;
        }
    }
    let (globals, file, line) = match place {
        Some(place) => {
            let frame = place.object();
            let globals = attribute::get_str(&frame, "f_globals")?;
            let line = frame.exact::<Frame>().map_or(1, Frame::line);
            (globals, place.meta().code().file(), i64::from(line))
        }
        None => {
            let globals = sys::namespace().unwrap_or(Value::NONE);
            (globals, intern("sys"), 1)
        }
    };
    let Some(globals_dict) = globals.downcast::<Dict>() else { return Ok(()) };
    let registry = match globals_dict.get(name!("__warningregistry__"))? {
        Some(registry) => registry,
        None => {
            let registry = Dict::new_value();
            globals_dict.set(name!("__warningregistry__"), registry.clone())?;
            registry
        }
    };
    let module = match globals_dict.get(name!("__name__"))? {
        Some(module) if module.is_none() || module.downcast::<Str>().is_some() => module,
        _ => intern("<string>"),
    };
    warn_explicit(category, message, &file, line, Some(&module), Some(&registry), None, source)
}

/// As `normalize_module`: the file's name without `.py`.
fn module_of(file: &Value) -> PyResult<Value> {
    let Some(text) = file.downcast::<Str>() else { return Ok(file.clone()) };
    let text = text.to_string_lossy();
    if text.is_empty() {
        return Ok(intern("<unknown>"));
    }
    Ok(match text.strip_suffix(".py") {
        Some(module) => Str::new_value(module),
        None => file.clone(),
    })
}

/// Whether the registry says that there was such a warning; notes it if `note`. As `already_warned`.
fn already_warned(registry: &Value, key: &Value, note: bool) -> PyResult<bool> {
    let Some(registry) = registry.downcast::<Dict>() else { return Ok(false) };
    let version = registry.get(name!("version"))?;
    let now = VERSION.get().get();
    if version.is_none_or(|version| int::to_i64(&version) != Some(now)) {
        registry.table().clear();
        registry.set(name!("version"), Value::int(now))?;
    } else if let Some(found) = registry.get(key)?
        && number::truth(&found)?
    {
        return Ok(true);
    }
    if note {
        registry.set(key, Value::TRUE)?;
    }
    Ok(false)
}

/// Whether a filter's pattern fits: None fits all, a str is compared, else its method `match` is asked. As `check_matched`.
fn fits(pattern: &Value, argument: &Value) -> PyResult<bool> {
    if pattern.is_none() {
        return Ok(true);
    }
    if pattern.is_exact::<Str>() {
        return compare::equal(pattern, argument);
    }
    number::truth(&call::call_method(pattern, name!("match"), std::slice::from_ref(argument))?)
}

/// What the filters say of a warning: the action, and the filter. As `get_filter`.
fn action_for(category: &Value, text: &Value, line: i64, module: &Value) -> PyResult<(Value, Value)> {
    let filters = match library_attribute("filters")? {
        Some(filters) => {
            // They stay when the module loses them.
            FILTERS.get().set(Some(filters.clone()));
            filters
        }
        None => filters(),
    };
    let Some(list) = filters.downcast::<List>() else {
        return Err(value_error("_warnings.filters must be a list"));
    };
    let mut index = 0;
    while let Some(item) = list.items().get(index) {
        let Some([action, message, class, place, at]) = item.downcast::<Tuple>().map(Tuple::as_slice) else {
            return Err(value_error(format!("_warnings.filters item {index} isn't a 5-tuple")));
        };
        index += 1;
        if action.downcast::<Str>().is_none() {
            return Err(type_error(format!("action must be a string, not '{}'", action.ty().name())));
        }
        let fits_message = fits(message, text)?;
        let fits_module = fits(place, module)?;
        let fits_class = crate::types::type_::is_subclass(category, class)?;
        let Some(at) = int::to_i64(at) else { return Err(type_error("an integer is required (got type NoneType)")) };
        if fits_message && fits_class && fits_module && (at == 0 || at == line) {
            return Ok((action.clone(), item.clone()));
        }
    }
    match library_attribute("defaultaction")? {
        Some(action) if action.downcast::<Str>().is_none() => {
            Err(type_error(format!("_warnings.defaultaction must be a string, not '{}'", action.ty().name())))
        }
        Some(action) => Ok((action, Value::NONE)),
        None => Ok((Str::new_value("default"), Value::NONE)),
    }
}

/// As `warn_explicit`.
#[allow(clippy::too_many_arguments)]
fn warn_explicit(
    category: &Value,
    message: &Value,
    file: &Value,
    line: i64,
    module: Option<&Value>,
    registry: Option<&Value>,
    source_line: Option<&Value>,
    source: Option<&Value>,
) -> PyResult<()> {
    // While modules are taken down there is nobody to tell.
    if module.is_some_and(Value::is_none) {
        return Ok(());
    }
    let registry = registry.filter(|registry| !registry.is_none());
    if registry.is_some_and(|registry| registry.downcast::<Dict>().is_none()) {
        return Err(type_error("'registry' must be a dict or None"));
    }
    let module = match module {
        Some(module) => module.clone(),
        None => module_of(file)?,
    };
    let (text, category, message) = if message.ty().is_subtype(&WARNING) {
        (text::str(message)?, message.ty().value(), message.clone())
    } else {
        (message.clone(), category.clone(), call::call(category, std::slice::from_ref(message))?)
    };
    let key = Tuple::from_vec(vec![text.clone(), category.clone(), Value::int(line)]);
    if let Some(registry) = registry
        && already_warned(registry, &key, false)?
    {
        return Ok(());
    }
    let (action, item) = action_for(&category, &text, line, &module)?;
    let action_text = action.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
    match action_text.as_str() {
        "error" => return Err(Raised::new(message)),
        "ignore" => return Ok(()),
        _ => {}
    }
    if let Some(registry) = registry.and_then(|registry| registry.downcast::<Dict>())
        && !matches!(action_text.as_str(), "always" | "module")
    {
        registry.set(&key, Value::TRUE)?;
    }
    let seen = match action_text.as_str() {
        "once" => {
            let once = match library_attribute("onceregistry")? {
                Some(once) => once,
                None => once_registry(),
            };
            if registry.is_none() && once.downcast::<Dict>().is_none() {
                let found = once.ty().name();
                return Err(type_error(format!("_warnings.onceregistry must be a dict, not '{found}'")));
            }
            if registry.is_none() {
                ONCE.get().set(Some(once.clone()));
            }
            let registry = registry.unwrap_or(&once);
            already_warned(registry, &Tuple::from_vec(vec![text.clone(), category.clone()]), true)?
        }
        "module" => match registry {
            Some(registry) => {
                let key = Tuple::from_vec(vec![text.clone(), category.clone(), Value::int(0)]);
                already_warned(registry, &key, true)?
            }
            None => false,
        },
        "always" | "default" => false,
        _ => {
            return Err(runtime_error(format!(
                "Unrecognized action ({}) in warnings.filters:\n {}",
                text::repr_string(&action)?,
                text::repr_string(&item)?
            )));
        }
    };
    if seen {
        return Ok(());
    }
    show(&category, &text, &message, file, line, source_line, source)
}

/// As `call_show_warning`: the library's module shows it, if it is there.
fn show(
    category: &Value,
    text: &Value,
    message: &Value,
    file: &Value,
    line: i64,
    source_line: Option<&Value>,
    source: Option<&Value>,
) -> PyResult<()> {
    let Some(show) = library_attribute("_showwarnmsg")? else {
        return write(category, text, file, line, source_line);
    };
    if !call::is_callable(&show) {
        return Err(type_error("warnings._showwarnmsg() must be set to a callable"));
    }
    let Some(class) = library_attribute("WarningMessage")? else {
        return Err(runtime_error("unable to get warnings.WarningMessage"));
    };
    let source = source.cloned().unwrap_or(Value::NONE);
    let args = [message.clone(), category.clone(), file.clone(), Value::int(line), Value::NONE, Value::NONE, source];
    let message = call::call(&class, &args)?;
    call::call(&show, &[message]).map(drop)
}

/// As `show_warning`: to standard error. What goes wrong is forgotten.
fn write(category: &Value, text: &Value, file: &Value, line: i64, source_line: Option<&Value>) -> PyResult<()> {
    let Some(stream) = sys::get("stderr").filter(|stream| !stream.is_none()) else { return Ok(()) };
    let plain = |value: &Value| value.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
    let name = category.downcast::<TypeObject>().map(|ty| ty.name().to_owned()).unwrap_or_default();
    let mut report = format!("{}:{line}: {name}: {}\n", plain(file), plain(text));
    let shown = match source_line {
        Some(source_line) => Some(plain(source_line)),
        None => crate::vm::report::source_line(&plain(file), line),
    };
    if let Some(shown) = shown {
        report.push_str(&format!("  {}\n", shown.trim_matches([' ', '\t', '\x0c'])));
    }
    let _nobody_to_tell = call::call_method(&stream, name!("write"), &[Str::new_value(&report)]);
    Ok(())
}

#[allow(clippy::too_many_arguments)]
fn warn_explicit_(
    message: &Value,
    category: &Value,
    filename: &Value,
    lineno: i32,
    module: Option<&Value>,
    registry: Option<&Value>,
    module_globals: Option<&Value>,
    source: Option<&Value>,
) -> PyResult<()> {
    if filename.downcast::<Str>().is_none() {
        let found = if filename.is_none() { "None" } else { filename.ty().name() };
        return Err(type_error(format!("warn_explicit() argument 3 must be str, not {found}")));
    }
    let lineno = i64::from(lineno);
    let source_line = match module_globals.filter(|globals| !globals.is_none()) {
        Some(globals) => line_of_loader(globals, lineno)?,
        None => None,
    };
    let source = source.filter(|source| !source.is_none());
    warn_explicit(category, message, filename, lineno, module, registry, source_line.as_ref(), source)
}

/// The line of the source that a module's loader gives. As `get_source_line`.
fn line_of_loader(globals: &Value, line: i64) -> PyResult<Option<Value>> {
    let Some(dict) = globals.downcast::<Dict>() else {
        return Err(type_error(format!("module_globals must be a dict, not '{}'", globals.ty().name())));
    };
    let (Some(loader), Some(name)) = (dict.get(name!("__loader__"))?, dict.get(name!("__name__"))?) else {
        return Ok(None);
    };
    let Some(get_source) = attribute::lookup(&loader, name!("get_source"))? else { return Ok(None) };
    let source = call::call(&get_source, &[name])?;
    if source.is_none() {
        return Ok(None);
    }
    if source.downcast::<Str>().is_none() {
        return Err(type_error(format!("must be str, not {}", source.ty().name())));
    }
    // That of str itself, as PyUnicode_Splitlines.
    let lines = crate::types::str::lines(&source, false)?;
    sequence::get_item(&lines, &Value::int(line - 1)).map(Some)
}
