//! The module `sys`.

pub mod audit;
mod hooks;
pub mod info;

use audit::{addaudithook, audit as audit_};
pub(crate) use hooks::{asyncgen_finalizer, asyncgen_first_iteration};
use hooks::{
    breakpointhook, debugmallocstats, get_asyncgen_hooks, get_coroutine_origin_tracking_depth, getallocatedblocks,
    getcheckinterval, getdlopenflags, set_asyncgen_hooks, set_coroutine_origin_tracking_depth, setcheckinterval,
    setdlopenflags,
};

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::io::standard;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, call, text};
use crate::types::bytes::Bytes;
use crate::types::codecs;
use crate::types::dict::Dict;
use crate::types::exceptions::{
    BaseException, SYSTEM_EXIT, UNICODE_ENCODE_ERROR, is_instance, runtime_error, type_error, value_error,
};
use crate::types::int;
use crate::types::list::List;
use crate::types::str::{Str, intern};
use crate::types::traceback::Traceback;
use crate::types::tuple::Tuple;
use crate::vm::frame::Place;
use crate::vm::{gil, report, runtime, thread, trace};
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "sys",
    doc: "This module provides access to some objects used or maintained by the\ninterpreter and to functions that interact strongly with the interpreter.\n\nDynamic objects:\n\nargv -- command line arguments; argv[0] is the script pathname if known\npath -- module search path; path[0] is the script directory, else ''\nmodules -- dictionary of loaded modules\n\ndisplayhook -- called to show results in an interactive session\nexcepthook -- called to handle any uncaught exception other than SystemExit\n  To customize printing in an interactive session or to install a custom\n  top-level exception handler, assign other functions to replace these.\n\nstdin -- standard input file object; used by input()\nstdout -- standard output file object; used by print()\nstderr -- standard error object; used for error messages\n  By assigning other file objects (or objects that behave like files)\n  to these, it is possible to redirect all of the interpreter's I/O.\n\nlast_type -- type of last uncaught exception\nlast_value -- value of last uncaught exception\nlast_traceback -- traceback of last uncaught exception\n  These three are only available in an interactive session after a\n  traceback has been printed.\n\nStatic objects:\n\nbuiltin_module_names -- tuple of module names built into this interpreter\ncopyright -- copyright notice pertaining to this interpreter\nexec_prefix -- prefix used to find the machine-specific Python library\nexecutable -- absolute path of the executable binary of the Python interpreter\nfloat_info -- a named tuple with information about the float implementation.\nfloat_repr_style -- string indicating the style of repr() output for floats\nhash_info -- a named tuple with information about the hash algorithm.\nhexversion -- version information encoded as a single integer\nimplementation -- Python implementation information.\nint_info -- a named tuple with information about the int implementation.\nmaxsize -- the largest supported length of containers.\nmaxunicode -- the value of the largest Unicode code point\nplatform -- platform identifier\nprefix -- prefix used to find the Python library\nthread_info -- a named tuple with information about the thread implementation.\nversion -- the version of this interpreter as a string\nversion_info -- version information as a named tuple\n__stdin__ -- the original stdin; don't touch!\n__stdout__ -- the original stdout; don't touch!\n__stderr__ -- the original stderr; don't touch!\n__displayhook__ -- the original displayhook; don't touch!\n__excepthook__ -- the original excepthook; don't touch!\n\nFunctions:\n\ndisplayhook() -- print an object to the screen, and save it in builtins._\nexcepthook() -- print an exception and its traceback to sys.stderr\nexc_info() -- return thread-safe information about the current exception\nexit() -- exit the interpreter by raising SystemExit\ngetdlopenflags() -- returns flags to be used for dlopen() calls\ngetprofile() -- get the global profiling function\ngetrefcount() -- return the reference count for an object (plus one :-)\ngetrecursionlimit() -- return the max recursion depth for the interpreter\ngetsizeof() -- return the size of an object in bytes\ngettrace() -- get the global debug tracing function\nsetcheckinterval() -- control how often the interpreter checks for events\nsetdlopenflags() -- set the flags to be used for dlopen() calls\nsetprofile() -- set the global profiling function\nsetrecursionlimit() -- set the max recursion depth for the interpreter\nsettrace() -- set the global debug tracing function\n",
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
        method!(clear_type_cache, "_clear_type_cache($module, /)", "Clear the internal type lookup cache."),
        method!(
            current_frames,
            "_current_frames($module, /)",
            "Return a dict mapping each thread's thread id to its current stack frame.\n\nThis function should be used for specialized purposes only."
        ),
        method!(
            call_tracing,
            "call_tracing($module, func, args, /)",
            "Call func(*args), while tracing is enabled.\n\nThe tracing state is saved, and restored afterwards.  This is intended\nto be called from a debugger from a checkpoint, to recursively debug\nsome other code."
        ),
        method!(
            callstats,
            "callstats($module, /)",
            "Return a tuple of function call statistics.\n\nA tuple is returned only if CALL_PROFILE was defined when Python was\nbuilt.  Otherwise, this returns None.\n\nWhen enabled, this function returns detailed, implementation-specific\ndetails about the number of function calls executed. The return value\nis a 11-tuple where the entries in the tuple are counts of:\n0. all function calls\n1. calls to PyFunction_Type objects\n2. PyFunction calls that do not create an argument tuple\n3. PyFunction calls that do not create an argument tuple\n   and bypass PyEval_EvalCodeEx()\n4. PyMethod calls\n5. PyMethod calls on bound methods\n6. PyType calls\n7. PyCFunction calls\n8. generator calls\n9. All other calls\n10. Number of stack pops performed by call_function()"
        ),
        method!(
            get_int_max_str_digits,
            "get_int_max_str_digits($module, /)",
            "Return the maximum string digits limit for non-binary int<->str conversions."
        ),
        method!(
            getdefaultencoding,
            "getdefaultencoding($module, /)",
            "Return the current default encoding used by the Unicode implementation."
        ),
        method!(
            getfilesystemencodeerrors,
            "getfilesystemencodeerrors($module, /)",
            "Return the error mode used Unicode to OS filename conversion."
        ),
        method!(
            getfilesystemencoding,
            "getfilesystemencoding($module, /)",
            "Return the encoding used to convert Unicode filenames to OS filenames."
        ),
        method!(
            getsizeof,
            "%getsizeof(object, default=None)",
            "getsizeof(object [, default]) -> int\n\nReturn the size of object in bytes."
        ),
        method!(
            getswitchinterval,
            "getswitchinterval($module, /)",
            "Return the current thread switch interval; see sys.setswitchinterval()."
        ),
        method!(is_finalizing, "is_finalizing($module, /)", "Return True if Python is exiting."),
        method!(
            set_int_max_str_digits,
            "set_int_max_str_digits($module, /, maxdigits)",
            "Set the maximum string digits limit for non-binary int<->str conversions."
        ),
        method!(
            setswitchinterval,
            "setswitchinterval($module, interval, /)",
            "Set the ideal thread switching delay inside the Python interpreter.\n\nThe actual frequency of switching threads can be lower if the\ninterpreter executes long sequences of uninterruptible code\n(this is implementation-specific and workload-dependent).\n\nThe parameter must represent the desired switching delay in seconds\nA typical value is 0.005 (5 milliseconds)."
        ),
        method!(
            settrace,
            "!settrace($module, function, /)",
            "settrace(function)\n\nSet the global debug tracing function.  It will be called on each\nfunction call.  See the debugger chapter in the library manual."
        ),
        method!(
            gettrace,
            "gettrace($module, /)",
            "Return the global debug tracing function set with sys.settrace.\n\nSee the debugger chapter in the library manual."
        ),
        method!(
            setprofile,
            "!setprofile($module, function, /)",
            "setprofile(function)\n\nSet the profiling function.  It will be called on each function call\nand return.  See the profiler chapter in the library manual."
        ),
        method!(
            getprofile,
            "getprofile($module, /)",
            "Return the profiling function set with sys.setprofile.\n\nSee the profiler chapter in the library manual."
        ),
        method!(
            audit_,
            "%audit($module, /, *args)",
            "audit(event, *args)\n\nPasses the event to any audit hooks that are attached."
        ),
        method!(addaudithook, "addaudithook($module, /, hook)", "Adds a new audit hook callback."),
        method!(
            breakpointhook,
            "%breakpointhook($module, /, *args, **kws)",
            "breakpointhook(*args, **kws)\n\nThis hook function is called by built-in breakpoint().\n"
        ),
        method!(
            get_asyncgen_hooks,
            "get_asyncgen_hooks($module, /)",
            "Return the installed asynchronous generators hooks.\n\nThis returns a namedtuple of the form (firstiter, finalizer)."
        ),
        method!(
            raw set_asyncgen_hooks,
            "!set_asyncgen_hooks()",
            "set_asyncgen_hooks(* [, firstiter] [, finalizer])\n\nSet a finalizer for async generators objects."
        ),
        method!(
            get_coroutine_origin_tracking_depth,
            "get_coroutine_origin_tracking_depth($module, /)",
            "Check status of origin tracking for coroutine objects in this thread."
        ),
        method!(
            set_coroutine_origin_tracking_depth,
            "set_coroutine_origin_tracking_depth($module, /, depth)",
            "Enable or disable origin tracking for coroutine objects in this thread.\n\nCoroutine objects will track 'depth' frames of traceback information\nabout where they came from, available in their cr_origin attribute.\n\nSet a depth of 0 to disable."
        ),
        method!(
            getallocatedblocks,
            "getallocatedblocks($module, /)",
            "Return the number of memory blocks currently allocated."
        ),
        method!(
            debugmallocstats,
            "_debugmallocstats($module, /)",
            "Print summary info to stderr about the state of pymalloc's structures.\n\nIn Py_DEBUG mode, also perform some expensive internal consistency\nchecks."
        ),
        method!(
            getcheckinterval,
            "getcheckinterval($module, /)",
            "Return the current check interval; see sys.setcheckinterval()."
        ),
        method!(
            setcheckinterval,
            "setcheckinterval($module, n, /)",
            "Set the async event check interval to n instructions.\n\nThis tells the Python interpreter to check for asynchronous events\nevery n instructions.\n\nThis also affects how often thread switches occur."
        ),
        method!(
            getdlopenflags,
            "getdlopenflags($module, /)",
            "Return the current value of the flags that are used for dlopen calls.\n\nThe flag constants are defined in the os module."
        ),
        method!(
            setdlopenflags,
            "setdlopenflags($module, flags, /)",
            "Set the flags used by the interpreter for dlopen calls.\n\nThis is used, for example, when the interpreter loads extension\nmodules. Among other things, this will enable a lazy resolving of\nsymbols when importing a module, if called as sys.setdlopenflags(0).\nTo share symbols across extension modules, call as\nsys.setdlopenflags(os.RTLD_GLOBAL).  Symbolic names for the flag\nmodules can be found in the os module (RTLD_xxx constants, e.g.\nos.RTLD_LAZY)."
        ),
        method!(
            unraisablehook,
            "unraisablehook($module, unraisable, /)",
            "Handle an unraisable exception.\n\nThe unraisable argument has the following attributes:\n\n* exc_type: Exception type.\n* exc_value: Exception value, can be None.\n* exc_traceback: Exception traceback, can be None.\n* err_msg: Error message, can be None.\n* object: Object causing the exception, can be None."
        ),
    ],
    fill,
};

static SYS_DICT: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

/// An attribute of the module as it is now.
pub fn get(name: &str) -> Option<Value> {
    SYS_DICT.get().get()?.downcast::<Dict>()?.get_text(name)
}

/// The module's dict.
pub(crate) fn namespace() -> Option<Value> {
    SYS_DICT.get().get()
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
    dict.set_text("version", Str::new_value(VERSION));
    dict.set_text("copyright", Str::new_value(COPYRIGHT));
    dict.set_text("api_version", Value::int(1013));
    dict.set_text("argv", List::from_vec(Vec::new()));
    info::fill(dict)?;
    standard::make_all(|name, stream| dict.set_text(name, stream))?;
    if let Some(hook) = dict.get_text("breakpointhook") {
        dict.set_text("__breakpointhook__", hook);
    }
    if let Some(hook) = dict.get_text("displayhook") {
        dict.set_text("__displayhook__", hook);
    }
    if let Some(hook) = dict.get_text("unraisablehook") {
        dict.set_text("__unraisablehook__", hook);
    }
    if let Some(hook) = dict.get_text("excepthook") {
        dict.set_text("__excepthook__", hook);
    }
    Ok(())
}

/// CPython's notice: the texts and tables that programs see are its own.
pub(crate) const COPYRIGHT: &str = "Copyright (c) 2001-2023 Python Software Foundation.\nAll Rights Reserved.\n\nCopyright (c) 2000 BeOpen.com.\nAll Rights Reserved.\n\nCopyright (c) 1995-2001 Corporation for National Research Initiatives.\nAll Rights Reserved.\n\nCopyright (c) 1991-1995 Stichting Mathematisch Centrum, Amsterdam.\nAll Rights Reserved.";

fn clear_type_cache() {
    // Entries are valid by version alone: nothing has to be forgotten for correctness.
    TypeObject::clear_method_cache();
}

fn current_frames() -> PyResult<Value> {
    let frames = Dict::new_value();
    for thread in thread::all() {
        if let (Some(dict), Some(place)) = (frames.exact::<Dict>(), Place::current(thread)) {
            dict.set(&Value::int(thread.ident().cast_signed()), place.object())?;
        }
    }
    Ok(frames)
}

fn unraisablehook(args: &Value) -> PyResult<()> {
    if !std::ptr::eq(args.ty(), &info::UNRAISABLE_HOOK_ARGS) {
        return Err(type_error("sys.unraisablehook argument type must be UnraisableHookArgs"));
    }
    report::describe_unraisable(args);
    Ok(())
}

fn call_tracing(function: &Value, args: &Tuple) -> PyResult<Value> {
    trace::call_tracing(function, args)
}

fn settrace(function: &Value) -> PyResult<()> {
    trace::set_trace(Some(function.clone()).filter(|function| !function.is_none()))
}

fn gettrace() -> Value {
    thread::current().trace_function.get().unwrap_or(Value::NONE)
}

fn setprofile(function: &Value) -> PyResult<()> {
    trace::set_profile(Some(function.clone()).filter(|function| !function.is_none()))
}

fn getprofile() -> Value {
    thread::current().profile_function.get().unwrap_or(Value::NONE)
}

fn callstats() {}

fn get_int_max_str_digits() -> usize {
    int::text::max_str_digits()
}

/// Sets the limit that an option or a variable asks for; the message for a wrong one. As `config_init_int_max_str_digits`.
pub fn limit_int_digits(asked: Option<&(String, &str)>) -> Result<(), String> {
    let Some((text, place)) = asked else { return Ok(()) };
    let threshold = int::text::DIGITS_THRESHOLD;
    match text.parse::<i32>().ok().and_then(|digits| usize::try_from(digits).ok()) {
        Some(digits) if digits == 0 || digits >= threshold => {
            int::text::set_max_str_digits(digits);
            Ok(())
        }
        _ => Err(format!("{place}: invalid limit; must be >= {threshold} or 0 for unlimited.")),
    }
}

fn set_int_max_str_digits(digits: i32) -> PyResult<()> {
    match usize::try_from(digits) {
        Ok(digits) if digits == 0 || digits >= int::text::DIGITS_THRESHOLD => {
            int::text::set_max_str_digits(digits);
            Ok(())
        }
        _ => Err(value_error(format!("maxdigits must be 0 or larger than {}", int::text::DIGITS_THRESHOLD))),
    }
}

/// `sys.version`.
pub const VERSION: &str = concat!("3.8.18 (default) \n[pycvm ", env!("CARGO_PKG_VERSION"), "]");

fn getdefaultencoding() -> &'static str {
    "utf-8"
}

fn getfilesystemencoding() -> &'static str {
    crate::modules::io::standard::filesystem_encoding_name()
}

fn getfilesystemencodeerrors() -> &'static str {
    "surrogateescape"
}

/// As `sys_getsizeof`: what `__sizeof__` says, and the header of collected objects.
fn getsizeof(object: &Value, default: Option<&Value>) -> PyResult<Value> {
    let size = match call::call_special(object, &intern("__sizeof__"), &[]) {
        Ok(Some(size)) => size,
        Ok(None) => {
            return Err(type_error(format!("Type {} doesn't define __sizeof__", object.ty().name())));
        }
        Err(raised) => {
            return match default {
                Some(default)
                    if crate::types::exceptions::is_instance(&raised, &crate::types::exceptions::TYPE_ERROR) =>
                {
                    Ok(default.clone())
                }
                _ => Err(raised),
            };
        }
    };
    if !int::is_int(&size) {
        return match default {
            Some(default) => Ok(default.clone()),
            None => Err(type_error("an integer is required")),
        };
    }
    let Some(size) = int::to_i64(&size) else {
        return Err(crate::types::exceptions::overflow_error("Python int too large to convert to C ssize_t"));
    };
    if size < 0 {
        return Err(value_error("__sizeof__() should return >= 0"));
    }
    let header = if crate::types::layout::is_collected(object) { 16 } else { 0 };
    Ok(int::big(BigInt::from(size) + header))
}

/// Microseconds, as CPython keeps it.
fn getswitchinterval() -> f64 {
    1e-6 * gil::interval() as f64
}

fn setswitchinterval(interval: f64) -> PyResult<()> {
    if interval <= 0.0 {
        return Err(value_error("switch interval must be strictly positive"));
    }
    gil::set_interval((1e6 * interval) as u64);
    Ok(())
}

fn is_finalizing() -> bool {
    crate::vm::finalize::is_finalizing()
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
    // This call counts, as every call of a builtin does in CPython.
    let depth = thread::current().depth() + 1;
    // As sys_setrecursionlimit: the limit must leave room above the present depth.
    if depth >= thread::low_water_mark(limit) {
        return Err(crate::types::exceptions::recursion_error(format!(
            "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low"
        )));
    }
    thread::current().set_recursion_limit(limit);
    Ok(())
}

fn getrefcount(object: &Value) -> i64 {
    // The caller's argument counts, as in CPython.
    object.header().map_or(1 << 30, |header| header.count() as i64 + held_by_callers(object))
}

/// The references that CPython's callers hold to the arguments of the functions that run; here arguments move into the
/// callee's variables. A variable that holds something else by now is not counted.
fn held_by_callers(object: &Value) -> i64 {
    let mut held = 0;
    let mut place = Place::current(thread::current());
    while let Some(found) = place {
        held += found.held_by_caller(object) as i64;
        place = found.caller();
    }
    held
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
        Some(place) => {
            let frame = place.object();
            if audit::is_heard() {
                let running = Place::current(thread::current()).map(Place::object);
                audit::event("sys._getframe", running.as_slice())?;
            }
            Ok(frame)
        }
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
    let out = get("stdout").filter(|out| !out.is_none());
    let Some(out) = out else { return Err(runtime_error("lost sys.stdout")) };
    match call::call_method(&out, &intern("write"), std::slice::from_ref(&shown)) {
        Ok(_) => {}
        Err(raised) if is_instance(&raised, &UNICODE_ENCODE_ERROR) => write_escaped(&out, &shown)?,
        Err(raised) => return Err(raised),
    }
    call::call_method(&out, &intern("write"), &[Str::new_value("\n")])?;
    if let Some(builtins) = builtins {
        builtins.set_text("_", value.clone());
    }
    Ok(())
}

/// Writes what the encoding of a stream has no bytes for, escaped. As `sys_displayhook_unencodable`.
fn write_escaped(out: &Value, shown: &Value) -> PyResult<()> {
    let encoding = attribute::get_str(out, "encoding")?;
    let Some(encoding) = encoding.downcast::<Str>().map(Str::to_string_lossy) else {
        return Err(type_error("sys.stdout.encoding must be a str"));
    };
    let encoded = codecs::encode(shown, Some(&encoding), Some("backslashreplace"))?;
    let (target, text) = match attribute::lookup_str(out, "buffer")? {
        Some(buffer) => (buffer, encoded),
        None => {
            let bytes = encoded.downcast::<Bytes>().map_or(&[][..], Bytes::as_slice);
            (out.clone(), codecs::decode(bytes, Some(&encoding), Some("strict"))?)
        }
    };
    call::call_method(&target, &intern("write"), &[text]).map(drop)
}

/// As `PyErr_Display`.
fn excepthook(_ty: &Value, value: &Value, traceback: &Value) {
    match value.downcast::<BaseException>() {
        Some(exception) => {
            if exception.traceback().is_none() && traceback.exact::<Traceback>().is_some() {
                exception.set_traceback(Some(traceback.clone()));
            }
            write_stderr(&report::describe(value));
        }
        None => write_stderr(&format!(
            "TypeError: print_exception(): Exception expected for value, {} found\n",
            value.ty().name()
        )),
    }
    if let Some(stream) = get("stderr").filter(|stream| !stream.is_none()) {
        let _nobody_to_tell = call::call_method(&stream, &intern("flush"), &[]);
    }
}

/// `sys.tracebacklimit`, or what there is no limit to.
pub(crate) fn traceback_limit() -> usize {
    match get("tracebacklimit") {
        Some(limit) if int::is_int(&limit) => match int::to_big(&limit) {
            Some(limit) if limit.sign() == Sign::Minus => 0,
            Some(limit) => limit.to_usize().unwrap_or(usize::MAX),
            None => 1000,
        },
        _ => 1000,
    }
}

/// Writes to `sys.stderr`; without one, to nowhere.
pub(crate) fn write_stderr(message: &str) {
    write_stderr_value(Str::new_value(message));
}

/// As [`write_stderr`], for text that may hold surrogates.
pub(crate) fn write_stderr_value(message: Value) {
    let Some(stream) = get("stderr").filter(|stream| !stream.is_none()) else { return };
    let _nobody_to_tell = call::call_method(&stream, &intern("write"), &[message]);
}
