//! The module `builtins`.

use crate::method;
use crate::modules::{ModuleDef, io, sys};
use crate::name;
use crate::object::attribute;
use crate::object::call;
use crate::object::compare;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::hash as hash_protocol;
use crate::object::iter as iter_protocol;
use crate::object::number;
use crate::object::sequence;
use crate::object::text;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::object::{BinaryOp, Compare, TypeObject};
use crate::types::bytearray::Bytearray;
use crate::types::bytes::Bytes;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::exceptions::{self, is_stop_iteration, runtime_error, system_error, type_error, value_error};
use crate::types::frame as frame_type;
use crate::types::function::Function;
use crate::types::int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::type_;
use crate::vm::frame::Place;
use crate::vm::{config, import, runtime, thread};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "builtins",
    doc: "Built-in functions, exceptions, and other objects.\n\nNoteworthy: None is the `nil' object; Ellipsis represents `...' in slices.",
    functions: &[
        method!(
            raw build_class,
            "!__build_class__()",
            "__build_class__(func, name, /, *bases, [metaclass], **kwds) -> class\n\nInternal helper function used by the class statement."
        ),
        method!(
            import_,
            "%__import__(name, globals=None, locals=None, fromlist=(), level=0)",
            "%__import__(name, globals=None, locals=None, fromlist=(), level=0) -> module\n\nImport a module. Because this function is meant for use by the Python\ninterpreter and not for general use, it is better to use\nimportlib.import_module() to programmatically import a module.\n\nThe globals argument is only used to determine the context;\nthey are not modified.  The locals argument is unused.  The fromlist\nshould be a list of names to emulate ``from name import ...'', or an\nempty list to emulate ``import name''.\nWhen importing a module from a package, note that __import__('A.B', ...)\nreturns package A when fromlist is empty, but its submodule B when\nfromlist is not empty.  The level argument is used to determine whether to\nperform absolute or relative imports: 0 is absolute, while a positive number\nis the number of parent directories to search relative to the current module."
        ),
        method!(abs, "abs($module, x, /)", "Return the absolute value of the argument."),
        method!(
            all,
            "all($module, iterable, /)",
            "Return True if bool(x) is True for all values x in the iterable.\n\nIf the iterable is empty, return True."
        ),
        method!(
            any,
            "any($module, iterable, /)",
            "Return True if bool(x) is True for any x in the iterable.\n\nIf the iterable is empty, return False."
        ),
        method!(
            ascii,
            "ascii($module, obj, /)",
            "Return an ASCII-only representation of an object.\n\nAs repr(), return a string containing a printable representation of an\nobject, but escape the non-ASCII characters in the string returned by\nrepr() using \\\\x, \\\\u or \\\\U escapes. This generates a string similar\nto that returned by repr() in Python 2."
        ),
        method!(
            bin,
            "bin($module, number, /)",
            "Return the binary representation of an integer.\n\n   >>> bin(2796202)\n   '0b1010101010101010101010'"
        ),
        method!(
            callable,
            "callable($module, obj, /)",
            "Return whether the object is callable (i.e., some kind of function).\n\nNote that classes are callable, as are instances of classes with a\n__call__() method."
        ),
        method!(
            chr,
            "chr($module, i, /)",
            "Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff."
        ),
        method!(
            compile,
            "compile($module, /, source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)",
            "Compile source into a code object that can be executed by exec() or eval().\n\nThe source code may represent a Python module, statement or expression.\nThe filename will be used for run-time error messages.\nThe mode must be 'exec' to compile a module, 'single' to compile a\nsingle (interactive) statement, or 'eval' to compile an expression.\nThe flags argument, if present, controls which future statements influence\nthe compilation of the code.\nThe dont_inherit argument, if true, stops the compilation inheriting\nthe effects of any future statements in effect in the code calling\ncompile; if absent or false these statements do influence the compilation,\nin addition to any features explicitly specified."
        ),
        method!(
            breakpoint,
            "%breakpoint($module, /, *args, **kws)",
            "breakpoint(*args, **kws)\n\nCall sys.breakpointhook(*args, **kws).  sys.breakpointhook() must accept\nwhatever arguments are passed.\n\nBy default, this drops you into the pdb debugger."
        ),
        method!(
            delattr,
            "delattr($module, obj, name, /)",
            "Deletes the named attribute from the given object.\n\ndelattr(x, 'y') is equivalent to ``del x.y''"
        ),
        method!(
            dir,
            "!dir(object=None, /)",
            "dir([object]) -> list of strings\n\nIf called without an argument, return the names in the current scope.\nElse, return an alphabetized list of names comprising (some of) the attributes\nof the given object, and of attributes reachable from it.\nIf the object supplies a method named __dir__, it will be used; otherwise\nthe default dir() logic is used and returns:\n  for a module object: the module's attributes.\n  for a class object:  its attributes, and recursively the attributes\n    of its bases.\n  for any other object: its attributes, its class's attributes, and\n    recursively the attributes of its class's base classes."
        ),
        method!(divmod, "divmod($module, x, y, /)", "Return the tuple (x//y, x%y).  Invariant: div*y + mod == x."),
        method!(
            eval,
            "eval($module, source, globals=None, locals=None, /)",
            "Evaluate the given source in the context of globals and locals.\n\nThe source may be a string representing a Python expression\nor a code object as returned by compile().\nThe globals must be a dictionary and locals can be any mapping,\ndefaulting to the current globals and locals.\nIf only globals is given, locals defaults to it."
        ),
        method!(
            exec,
            "exec($module, source, globals=None, locals=None, /)",
            "Execute the given source in the context of globals and locals.\n\nThe source may be a string representing one or more Python statements\nor a code object as returned by compile().\nThe globals must be a dictionary and locals can be any mapping,\ndefaulting to the current globals and locals.\nIf only globals is given, locals defaults to it."
        ),
        method!(
            format,
            "format($module, value, format_spec='', /)",
            "Return value.__format__(format_spec)\n\nformat_spec defaults to the empty string.\nSee the Format Specification Mini-Language section of help('FORMATTING') for\ndetails."
        ),
        method!(
            getattr,
            "!getattr(object, name, default=None, /)",
            "getattr(object, name[, default]) -> value\n\nGet a named attribute from an object; getattr(x, 'y') is equivalent to x.y.\nWhen a default argument is given, it is returned when the attribute doesn't\nexist; without it, an exception is raised in that case."
        ),
        method!(
            globals,
            "globals($module, /)",
            "Return the dictionary containing the current scope's global variables.\n\nNOTE: Updates to this dictionary *will* affect name lookups in the current\nglobal scope and vice-versa."
        ),
        method!(
            hasattr,
            "hasattr($module, obj, name, /)",
            "Return whether the object has an attribute with the given name.\n\nThis is done by calling getattr(obj, name) and catching AttributeError."
        ),
        method!(
            hash,
            "hash($module, obj, /)",
            "Return the hash value for the given object.\n\nTwo objects that compare equal must also have the same hash value, but the\nreverse is not necessarily true."
        ),
        method!(
            hex,
            "hex($module, number, /)",
            "Return the hexadecimal representation of an integer.\n\n   >>> hex(12648430)\n   '0xc0ffee'"
        ),
        method!(
            id,
            "id($module, obj, /)",
            "Return the identity of an object.\n\nThis is guaranteed to be unique among simultaneously existing objects.\n(CPython uses the object's memory address.)"
        ),
        method!(
            input,
            "input($module, prompt=None, /)",
            "Read a string from standard input.  The trailing newline is stripped.\n\nThe prompt string, if given, is printed to standard output without a\ntrailing newline before reading input.\n\nIf the user hits EOF (*nix: Ctrl-D, Windows: Ctrl-Z+Return), raise EOFError.\nOn *nix systems, readline is used if available."
        ),
        method!(
            isinstance,
            "isinstance($module, obj, class_or_tuple, /)",
            "Return whether an object is an instance of a class or of a subclass thereof.\n\nA tuple, as in ``isinstance(x, (A, B, ...))``, may be given as the target to\ncheck against. This is equivalent to ``isinstance(x, A) or isinstance(x, B)\nor ...`` etc."
        ),
        method!(
            issubclass,
            "issubclass($module, cls, class_or_tuple, /)",
            "Return whether 'cls' is a derived from another class or is the same class.\n\nA tuple, as in ``issubclass(x, (A, B, ...))``, may be given as the target to\ncheck against. This is equivalent to ``issubclass(x, A) or issubclass(x, B)\nor ...`` etc."
        ),
        method!(
            iter,
            "!iter(object, sentinel=None, /)",
            "iter(iterable) -> iterator\niter(callable, sentinel) -> iterator\n\nGet an iterator from an object.  In the first form, the argument must\nsupply its own iterator, or be a sequence.\nIn the second form, the callable is called until it returns the sentinel."
        ),
        method!(len, "len($module, obj, /)", "Return the number of items in a container."),
        method!(
            locals,
            "locals($module, /)",
            "Return a dictionary containing the current scope's local variables.\n\nNOTE: Whether or not updates to this dictionary will affect name lookups in\nthe local scope and vice-versa is *implementation dependent* and not\ncovered by any backwards compatibility guarantees."
        ),
        method!(
            raw max,
            "!max()",
            "max(iterable, *[, default=obj, key=func]) -> value\nmax(arg1, arg2, *args, *[, key=func]) -> value\n\nWith a single iterable argument, return its biggest item. The\ndefault keyword-only argument specifies an object to return if\nthe provided iterable is empty.\nWith two or more arguments, return the largest argument."
        ),
        method!(
            raw min,
            "!min()",
            "min(iterable, *[, default=obj, key=func]) -> value\nmin(arg1, arg2, *args, *[, key=func]) -> value\n\nWith a single iterable argument, return its smallest item. The\ndefault keyword-only argument specifies an object to return if\nthe provided iterable is empty.\nWith two or more arguments, return the smallest argument."
        ),
        method!(
            next,
            "!next(iterator, default=None, /)",
            "next(iterator[, default])\n\nReturn the next item from the iterator. If default is given and the iterator\nis exhausted, it is returned instead of raising StopIteration."
        ),
        method!(
            oct,
            "oct($module, number, /)",
            "Return the octal representation of an integer.\n\n   >>> oct(342391)\n   '0o1234567'"
        ),
        method!(ord, "ord($module, c, /)", "Return the Unicode code point for a one-character string."),
        method!(
            pow,
            "pow($module, /, base, exp, mod=None)",
            "Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments\n\nSome types, such as ints, are able to use a more efficient algorithm when\ninvoked using the three argument form."
        ),
        method!(
            print,
            "%print(*args, sep=' ', end='\\n', file=None, flush=False)",
            "print(value, ..., sep=' ', end='\\n', file=sys.stdout, flush=False)\n\nPrints the values to a stream, or to sys.stdout by default.\nOptional keyword arguments:\nfile:  a file-like object (stream); defaults to the current sys.stdout.\nsep:   string inserted between values, default a space.\nend:   string appended after the last value, default a newline.\nflush: whether to forcibly flush the stream."
        ),
        method!(
            repr,
            "repr($module, obj, /)",
            "Return the canonical string representation of the object.\n\nFor many object types, including most builtins, eval() will return\nthe object itself."
        ),
        method!(
            round,
            "round($module, /, number, ndigits=None)",
            "Round a number to a given precision in decimal digits.\n\nThe return value is an integer if ndigits is omitted or None.  Otherwise\nthe return value has the same type as the number.  ndigits may be negative."
        ),
        method!(
            setattr,
            "setattr($module, obj, name, value, /)",
            "Sets the named attribute on the given object to the specified value.\n\nsetattr(x, 'y', v) is equivalent to ``x.y = v''"
        ),
        method!(
            raw sorted,
            "sorted($module, iterable, /, *, key=None, reverse=False)",
            "Return a new list containing all items from the iterable in ascending order.\n\nA custom key function can be supplied to customize the sort order, and the\nreverse flag can be set to request the result in descending order."
        ),
        method!(
            sum,
            "sum($module, iterable, /, start=0)",
            "Return the sum of a 'start' value (default: 0) plus an iterable of numbers\n\nWhen the iterable is empty, return the start value.\nThis function is intended specifically for use with numeric values and may\nreject non-numeric types."
        ),
        method!(
            vars,
            "!vars(object=None, /)",
            "vars([object]) -> dictionary\n\nWithout arguments, equivalent to locals().\nWith an argument, equivalent to object.__dict__."
        ),
    ],
    fill,
};

fn fill(dict: &Dict) -> PyResult<()> {
    crate::object::builtins::set_namespace(Value::of(dict));
    for ty in crate::types::NAMED {
        dict.set_text(ty.name(), ty.value());
    }
    for ty in exceptions::ALL {
        dict.set_text(ty.name(), ty.value());
    }
    dict.set_text("open", io::open_function());
    dict.set_text("EnvironmentError", exceptions::OS_ERROR.value());
    dict.set_text("IOError", exceptions::OS_ERROR.value());
    dict.set_text("None", Value::NONE);
    dict.set_text("True", Value::TRUE);
    dict.set_text("False", Value::FALSE);
    dict.set_text("Ellipsis", Value::ELLIPSIS);
    dict.set_text("NotImplemented", Value::NOT_IMPLEMENTED);
    dict.set_text("__debug__", Value::bool(config::with(|config| config.optimize == 0)));
    IMPORT.get().set(dict.get_text("__import__"));
    crate::object::builtins::keep_original(dict);
    crate::modules::site::install(dict);
    // Lives as long as the process, as the library's module `encodings` does.
    crate::modules::site::CODEC_REGISTRY_ERROR.class()?;
    Ok(())
}

fn text_of(value: &Value) -> String {
    value.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default()
}

/// `__build_class__`. As `builtin___build_class__`.
fn build_class(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (positional, given_keywords) = call::split_keywords(args, kwnames);
    let [function, name, bases @ ..] = positional else {
        return Err(type_error("__build_class__: not enough arguments"));
    };
    if !function.is_exact::<Function>() {
        return Err(type_error("__build_class__: func must be a function"));
    }
    if name.downcast::<Str>().is_none() {
        return Err(type_error("__build_class__: name is not a string"));
    }
    let mut metaclass = None;
    let keywords_value = Dict::new_value();
    let Some(keywords) = keywords_value.exact::<Dict>() else { return Err(runtime_error("no dict")) };
    for (key, value) in given_keywords {
        if key.is(name!("metaclass")) {
            metaclass = Some(value.clone());
        } else {
            keywords.set(key, value.clone())?;
        }
    }
    let original = Tuple::from_slice(bases);
    let bases = resolve_bases(bases, &original)?;
    let resolved = bases.as_ref().unwrap_or(&original);
    let base_slice = resolved.downcast::<Tuple>().map_or(&[][..], Tuple::as_slice);
    let mut metatype = match metaclass {
        Some(metaclass) => metaclass,
        None => match base_slice.first() {
            Some(first) => first.ty().value(),
            None => type_::TYPE.value(),
        },
    };
    if metatype.downcast::<TypeObject>().is_some() {
        metatype = type_::calculate_metaclass(&metatype, base_slice)?;
    }
    let keywords_given = if keywords.is_empty() { None } else { Some(keywords) };
    let namespace = match attribute::lookup(&metatype, name!("__prepare__"))? {
        Some(prepare) => call::call_dict(&prepare, &[name.clone(), resolved.clone()], keywords_given)?,
        None => Dict::new_value(),
    };
    if !is_mapping(&namespace) {
        let shown = match metatype.downcast::<TypeObject>() {
            Some(ty) => ty.name(),
            None => "<metaclass>",
        };
        return Err(type_error(format!("{shown}.__prepare__() must return a mapping, not {}", namespace.ty().name())));
    }
    let cell = crate::vm::call::call_in_namespace(function, &[], None, Some(&namespace))?;
    if bases.is_some() {
        sequence::set_item(&namespace, name!("__orig_bases__"), original.clone())?;
    }
    let class = call::call_dict(&metatype, &[name.clone(), resolved.clone(), namespace], keywords_given)?;
    if class.downcast::<TypeObject>().is_some()
        && let Some(cell) = cell.exact::<crate::types::cell::Cell>()
    {
        match cell.get() {
            None => {
                return Err(runtime_error(format!(
                    "__class__ not set defining {} as {}. Was __classcell__ propagated to type.__new__?",
                    text::repr_string(name)?,
                    text::repr_string(&class)?
                )));
            }
            Some(set) if !set.is(&class) => {
                return Err(type_error(format!(
                    "__class__ set to {} defining {} as {}",
                    text::repr_string(&set)?,
                    text::repr_string(name)?,
                    text::repr_string(&class)?
                )));
            }
            Some(_) => {}
        }
    }
    Ok(class)
}

/// As `PyMapping_Check`: sequences that can be indexed with any object count.
fn is_mapping(value: &Value) -> bool {
    value.ty().slot(|slots| slots.getitem).is_some()
}

/// Bases that are no classes may stand for others (`__mro_entries__`). `None` when nothing changes.
fn resolve_bases(bases: &[Value], original: &Value) -> PyResult<Option<Value>> {
    let mut resolved = Vec::new();
    let mut changed = false;
    for base in bases.iter() {
        if base.downcast::<TypeObject>().is_none()
            && let Some(entries) = attribute::lookup(base, name!("__mro_entries__"))?
        {
            let entries = call::call(&entries, std::slice::from_ref(original))?;
            let Some(entries) = entries.downcast::<Tuple>() else {
                return Err(type_error("__mro_entries__ must return a tuple"));
            };
            resolved.extend_from_slice(entries.as_slice());
            changed = true;
        } else {
            resolved.push(base.clone());
        }
    }
    Ok(if changed { Some(Tuple::from_vec(resolved)) } else { None })
}

fn import_(
    name: &Value,
    globals: Option<&Value>,
    _locals: Option<&Value>,
    fromlist: Option<&Value>,
    level: Option<i32>,
) -> PyResult<Value> {
    if name.downcast::<Str>().is_none() {
        return Err(type_error(format!("__import__() argument 1 must be str, not {}", name.ty().name())));
    }
    import::import_level(
        name,
        globals.unwrap_or(&Value::NONE),
        fromlist.unwrap_or(&Value::NONE),
        level.unwrap_or(0).into(),
    )
}

/// `__import__` as it was at the start: the import statement need not go through it.
static IMPORT: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

/// Whether it is the `__import__` of the builtins.
pub(crate) fn is_import(function: &Value) -> bool {
    IMPORT.get().get().is_some_and(|import| import.is(function))
}

fn abs(x: &Value) -> PyResult<Value> {
    number::absolute(x)
}

fn all(iterable: &Value) -> PyResult<bool> {
    let iterator = iter_protocol::iter(iterable)?;
    while let Some(item) = iter_protocol::next(&iterator)? {
        if !number::truth(&item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn any(iterable: &Value) -> PyResult<bool> {
    let iterator = iter_protocol::iter(iterable)?;
    while let Some(item) = iter_protocol::next(&iterator)? {
        if number::truth(&item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn ascii(object: &Value) -> PyResult<Value> {
    text::ascii(object)
}

/// An int in base 2, 8 or 16 with its prefix.
fn in_base(value: &Value, radix: u32, prefix: &str) -> PyResult<String> {
    let int = number::index(value)?;
    let Some(big) = int::to_big(&int) else { return Err(type_error("expected int")) };
    let sign = if int::is_negative(&int) { "-" } else { "" };
    Ok(std::format!("{sign}{prefix}{}", big.magnitude().to_str_radix(radix)))
}

fn bin(number: &Value) -> PyResult<String> {
    in_base(number, 2, "0b")
}

fn oct(number: &Value) -> PyResult<String> {
    in_base(number, 8, "0o")
}

fn hex(number: &Value) -> PyResult<String> {
    in_base(number, 16, "0x")
}

fn callable(object: &Value) -> bool {
    call::is_callable(object)
}

fn chr(code: i32) -> PyResult<Value> {
    match u32::try_from(code) {
        Ok(code) if code <= 0x10ffff => Ok(Str::from_code(code)),
        _ => Err(value_error("chr() arg not in range(0x110000)")),
    }
}

fn ord(c: &Value) -> PyResult<i64> {
    let length = if let Some(text) = c.downcast::<Str>() {
        if let (1, Some(code)) = (text.len(), text.chars().get(0)) {
            return Ok(code.into());
        }
        text.len()
    } else if let Some(bytes) = c.downcast::<Bytes>() {
        if let [byte] = bytes.as_slice() {
            return Ok((*byte).into());
        }
        bytes.as_slice().len()
    } else if let Some(array) = c.downcast::<Bytearray>() {
        let bytes = array.to_vec();
        if let [byte] = bytes.as_slice() {
            return Ok((*byte).into());
        }
        bytes.len()
    } else {
        return Err(type_error(std::format!("ord() expected string of length 1, but {} found", c.ty().name())));
    };
    Err(type_error(std::format!("ord() expected a character, but string of length {length} found")))
}

fn delattr(object: &Value, name: &Value) -> PyResult<()> {
    attribute::set(object, name, None)
}

fn setattr(object: &Value, name: &Value, value: &Value) -> PyResult<()> {
    attribute::set(object, name, Some(value))
}

fn getattr(object: &Value, name: &Value, default: Option<&Value>) -> PyResult<Value> {
    if name.downcast::<Str>().is_none() {
        return Err(type_error("getattr(): attribute name must be string"));
    }
    match default {
        None => attribute::get(object, name),
        Some(default) => Ok(attribute::lookup(object, name)?.unwrap_or_else(|| default.clone())),
    }
}

fn hasattr(object: &Value, name: &Value) -> PyResult<bool> {
    if name.downcast::<Str>().is_none() {
        return Err(type_error("hasattr(): attribute name must be string"));
    }
    Ok(attribute::lookup(object, name)?.is_some())
}

/// The running frame's local variables.
fn current_locals() -> PyResult<Value> {
    match Place::current(thread::current()) {
        Some(place) => frame_type::locals_of(&place.object()),
        None => Err(system_error("frame does not exist")),
    }
}

fn current_globals() -> PyResult<Value> {
    crate::vm::frame::current_globals().ok_or_else(|| system_error("frame does not exist"))
}

fn dir(object: Option<&Value>) -> PyResult<Value> {
    let names = match object {
        None => call::call_method(&current_locals()?, name!("keys"), &[])?,
        Some(object) => match call::call_special(object, name!("__dir__"), &[])? {
            Some(names) => names,
            None => return Err(type_error("object does not provide __dir__")),
        },
    };
    let list = List::from_vec(iter_protocol::collect(&names)?);
    call::call_method(&list, name!("sort"), &[])?;
    Ok(list)
}

fn divmod(x: &Value, y: &Value) -> PyResult<Value> {
    number::binary(BinaryOp::Divmod, x, y)
}

/// Where `exec` and `eval` run: globals and namespace. As `builtin_exec_impl`.
fn scopes(what: &str, globals: Option<&Value>, locals: Option<&Value>) -> PyResult<(Value, Value)> {
    let globals = globals.filter(|globals| !globals.is_none());
    let locals = locals.filter(|locals| !locals.is_none());
    if let Some(locals) = locals
        && !is_mapping(locals)
    {
        return Err(type_error(if what == "exec" {
            std::format!("locals must be a mapping or None, not {}", locals.ty().name())
        } else {
            "locals must be a mapping".to_owned()
        }));
    }
    if let Some(globals) = globals
        && globals.downcast::<Dict>().is_none()
    {
        return Err(type_error(if what == "exec" {
            std::format!("exec() globals must be a dict, not {}", globals.ty().name())
        } else if is_mapping(globals) {
            "globals must be a real dict; try eval(expr, {}, mapping)".to_owned()
        } else {
            "globals must be a dict".to_owned()
        }));
    }
    let (globals, locals) = match (globals, locals) {
        (None, None) => (current_globals()?, current_locals()?),
        (None, Some(locals)) => (current_globals()?, locals.clone()),
        (Some(globals), None) => (globals.clone(), globals.clone()),
        (Some(globals), Some(locals)) => (globals.clone(), locals.clone()),
    };
    if let Some(dict) = globals.downcast::<Dict>()
        && dict.get(name!("__builtins__"))?.is_none()
        && let Some(builtins) = runtime::builtins()
    {
        dict.set(name!("__builtins__"), builtins)?;
    }
    Ok((globals, locals))
}

/// Runs a code object, or source text, of which `eval` takes an expression and `exec` statements.
fn run_code(what: &str, source: &Value, globals: Option<&Value>, locals: Option<&Value>) -> PyResult<Value> {
    let (globals, locals) = scopes(what, globals, locals)?;
    let code = match source.exact::<Code>() {
        Some(code) => {
            sys::audit::event("exec", std::slice::from_ref(source))?;
            if !code.freevars().is_empty() {
                return Err(type_error(std::format!("code object passed to {what}() may not contain free variables")));
            }
            source.clone()
        }
        None => {
            let code = compile_text(what, source)?;
            sys::audit::event("exec", std::slice::from_ref(&code))?;
            code
        }
    };
    let function = Function::new_value(&code, &globals, None, None);
    crate::vm::call::call_in_namespace(&function, &[], None, Some(&locals))
}

/// What is said of source text when there is no compiler.
#[cfg(not(feature = "compile"))]
const NO_COMPILER: &str = "source text cannot be compiled: only code objects can be run";

/// The code of a source that `exec` or `eval` is given.
#[cfg(not(feature = "compile"))]
fn compile_text(what: &str, source: &Value) -> PyResult<Value> {
    if source.downcast::<Str>().is_some() || crate::types::bytes::is_buffer(source) {
        return Err(runtime_error(NO_COMPILER));
    }
    Err(type_error(std::format!("{what}() arg 1 must be a string, bytes or code object")))
}

/// The code of a source that `exec` or `eval` is given.
#[cfg(feature = "compile")]
fn compile_text(what: &str, source: &Value) -> PyResult<Value> {
    use crate::vm::compile::{Settings, compile, inherited_flags, source as source_of};
    let mut source = source_of(source, what, "string, bytes or code")?;
    let eval = what == "eval";
    if eval {
        let blanks = source.bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        source.bytes.drain(..blanks);
    }
    let settings = Settings {
        filename: &Str::new_value("<string>"),
        mode: if eval { crate::compile::parse::Mode::Eval } else { crate::compile::parse::Mode::Exec },
        flags: inherited_flags(),
        optimize: config::with(|config| config.optimize.min(2)),
        feature_version: 0,
    };
    compile(&source, &settings)
}

/// `compile()`.
fn compile(
    source: &Value,
    filename: &Value,
    mode: &Value,
    flags: Option<i32>,
    dont_inherit: Option<bool>,
    optimize: Option<i32>,
    feature_version: Option<i32>,
) -> PyResult<Value> {
    let flags = flags.unwrap_or(0).cast_unsigned();
    let optimize = optimize.unwrap_or(-1);
    let filename = crate::types::codecs::file_name(filename)?;
    let Some(mode) = mode.downcast::<Str>().map(Str::to_string_lossy) else {
        return Err(type_error(std::format!("compile() argument 'mode' must be str, not {}", mode.ty().name())));
    };
    if mode.contains('\0') {
        return Err(value_error("embedded null character"));
    }
    sys::audit::event("compile", &[source.clone(), filename.clone()])?;
    if flags & !(FUTURE_FLAGS | COMPILE_FLAGS) != 0 {
        return Err(value_error("compile(): unrecognised flags"));
    }
    if !(-1..=2).contains(&optimize) {
        return Err(value_error("compile(): invalid optimize value"));
    }
    let only_ast = flags & ONLY_AST != 0;
    match mode.as_str() {
        "exec" | "eval" | "single" => {}
        "func_type" if only_ast => {}
        "func_type" => return Err(value_error("compile() mode 'func_type' requires flag PyCF_ONLY_AST")),
        _ if only_ast => {
            return Err(value_error("compile() mode must be 'exec', 'eval', 'single' or 'func_type'"));
        }
        _ => return Err(value_error("compile() mode must be 'exec', 'eval' or 'single'")),
    }
    compile_source(source, &filename, &mode, flags, dont_inherit == Some(true), optimize, feature_version)
}

/// `compile()` when its arguments have been checked.
#[cfg(not(feature = "compile"))]
fn compile_source(
    source: &Value,
    _filename: &Value,
    _mode: &str,
    _flags: u32,
    _dont_inherit: bool,
    _optimize: i32,
    _feature_version: Option<i32>,
) -> PyResult<Value> {
    if source.downcast::<Str>().is_some() || crate::types::bytes::is_buffer(source) {
        return Err(runtime_error(NO_COMPILER));
    }
    Err(type_error("compile() arg 1 must be a string, bytes or AST object"))
}

/// `compile()` when its arguments have been checked.
#[cfg(feature = "compile")]
fn compile_source(
    source: &Value,
    filename: &Value,
    mode: &str,
    flags: u32,
    dont_inherit: bool,
    optimize: i32,
    feature_version: Option<i32>,
) -> PyResult<Value> {
    use crate::compile::parse::Mode;
    use crate::modules::ast;
    use crate::vm::compile::{Settings, compile_parsed, inherited_flags, source as source_of, tree};
    let only_ast = flags & ONLY_AST != 0;
    let settings = Settings {
        filename,
        mode: match mode {
            "eval" => Mode::Eval,
            "single" => Mode::Single,
            "func_type" => Mode::FuncType,
            _ => Mode::Exec,
        },
        flags: if dont_inherit { flags } else { flags | inherited_flags() },
        // -1 is the interpreter's own level.
        optimize: u8::try_from(optimize).unwrap_or_else(|_| config::with(|config| config.optimize.min(2))),
        feature_version: match feature_version {
            Some(version) if only_ast => u8::try_from(version).unwrap_or(0),
            _ => 0,
        },
    };
    if ast::is_node(source) {
        if only_ast {
            return Ok(source.clone());
        }
        return compile_parsed(ast::from_object(source, settings.mode)?, &settings);
    }
    let source = source_of(source, "compile", "string, bytes or AST")?;
    let tree = tree(&source, &settings)?;
    if only_ast { ast::to_object(&tree) } else { compile_parsed(tree, &settings) }
}

/// The flags of future statements.
const FUTURE_FLAGS: u32 = 0x1fe_0000 | 0x10;
/// `PyCF_ONLY_AST`: give the tree.
const ONLY_AST: u32 = 0x400;
/// What `compile` itself takes.
const COMPILE_FLAGS: u32 = 0x200 | ONLY_AST | 0x1000 | 0x2000;

/// `breakpoint(*args, **kws)`.
fn breakpoint(args: &Tuple, kwargs: &Dict) -> PyResult<Value> {
    let Some(hook) = sys::get("breakpointhook") else { return Err(runtime_error("lost sys.breakpointhook")) };
    sys::audit::event("builtins.breakpoint", std::slice::from_ref(&hook))?;
    call::call_dict(&hook, args.as_slice(), Some(kwargs))
}

fn eval(source: &Value, globals: Option<&Value>, locals: Option<&Value>) -> PyResult<Value> {
    run_code("eval", source, globals, locals)
}

fn exec(source: &Value, globals: Option<&Value>, locals: Option<&Value>) -> PyResult<()> {
    run_code("exec", source, globals, locals).map(drop)
}

fn format(value: &Value, spec: Option<&Str>) -> PyResult<Value> {
    match spec {
        Some(spec) => text::format(value, &Value::of(spec)),
        None => text::format(value, &Str::new_value("")),
    }
}

fn globals() -> PyResult<Value> {
    current_globals()
}

fn locals() -> PyResult<Value> {
    current_locals()
}

fn vars(object: Option<&Value>) -> PyResult<Value> {
    match object {
        None => current_locals(),
        Some(object) => attribute::lookup(object, name!("__dict__"))?
            .ok_or_else(|| type_error("vars() argument must have __dict__ attribute")),
    }
}

fn hash(object: &Value) -> PyResult<i64> {
    hash_protocol::hash(object)
}

fn id(object: &Value) -> Value {
    match object.header() {
        Some(_) => Value::int(object.bits() as i64),
        None => int::big(object.bits().into()),
    }
}

fn input(prompt: Option<&Value>) -> PyResult<Value> {
    let lost = |name: &str| runtime_error(std::format!("input(): lost sys.{name}"));
    let stdin = sys::get("stdin").filter(|f| !f.is_none()).ok_or_else(|| lost("stdin"))?;
    let stdout = sys::get("stdout").filter(|f| !f.is_none()).ok_or_else(|| lost("stdout"))?;
    if let Some(prompt) = prompt {
        call::call_method(&stdout, name!("write"), &[text::str(prompt)?])?;
    }
    // Whether it can is its own affair.
    drop(call::call_method(&stdout, name!("flush"), &[]));
    let line = call::call_method(&stdin, name!("readline"), &[])?;
    let Some(text) = line.downcast::<Str>() else {
        return Err(type_error("object.readline() returned non-string"));
    };
    if text.is_empty() {
        return Err(exceptions::raise(&exceptions::EOF_ERROR, "EOF when reading a line"));
    }
    let newline = text.chars().get(text.len() - 1) == Some('\n'.into());
    Ok(if newline { Str::from_chars(text.chars().slice(0, text.len() - 1)) } else { line })
}

fn isinstance(object: &Value, class: &Value) -> PyResult<bool> {
    type_::is_instance(object, class)
}

fn issubclass(class: &Value, other: &Value) -> PyResult<bool> {
    type_::is_subclass(class, other)
}

fn iter(object: &Value, sentinel: Option<&Value>) -> PyResult<Value> {
    match sentinel {
        None => iter_protocol::iter(object),
        Some(sentinel) => crate::types::callable_iterator::new(object, sentinel),
    }
}

fn len(object: &Value) -> PyResult<usize> {
    sequence::len(object)
}

/// `min` and `max`. As `min_max`.
fn extreme(name: &str, op: Compare, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (args, keywords) = call::split_keywords(args, kwnames);
    if args.is_empty() {
        return Err(type_error(std::format!("{name} expected 1 argument, got 0")));
    }
    let mut key = None;
    let mut default = None;
    if keywords.len() > 2 {
        return Err(type_error(std::format!("{name}() takes at most 2 keyword arguments ({} given)", keywords.len())));
    }
    for (keyword, value) in keywords {
        match text_of(keyword).as_str() {
            "key" => key = Some(value.clone()).filter(|key| !key.is_none()),
            "default" => default = Some(value.clone()),
            other => return Err(type_error(std::format!("'{other}' is an invalid keyword argument for {name}()"))),
        }
    }
    let iterable = match args {
        [only] => only.clone(),
        _ => {
            if default.is_some() {
                return Err(type_error(std::format!(
                    "Cannot specify a default for {name}() with multiple positional arguments"
                )));
            }
            Tuple::from_slice(args)
        }
    };
    let iterator = iter_protocol::iter(&iterable)?;
    let mut best: Option<Value> = None;
    let mut best_rank: Option<Value> = None;
    while let Some(item) = iter_protocol::next(&iterator)? {
        let rank = match &key {
            Some(key) => Some(call::call(key, std::slice::from_ref(&item))?),
            None => None,
        };
        let better = match best_rank.as_ref().or(best.as_ref()) {
            Some(known) => compare::holds(rank.as_ref().unwrap_or(&item), known, op)?,
            None => true,
        };
        if better {
            best = Some(item);
            best_rank = rank;
        }
    }
    match best.or(default) {
        Some(item) => Ok(item),
        None => Err(value_error(std::format!("{name}() arg is an empty sequence"))),
    }
}

fn max(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    extreme("max", Compare::Gt, args, kwnames)
}

fn min(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    extreme("min", Compare::Lt, args, kwnames)
}

fn next(iterator: &Value, default: Option<&Value>) -> PyResult<Value> {
    let Some(slot) = iterator.ty().slot(|slots| slots.next) else {
        return Err(type_error(std::format!("'{}' object is not an iterator", iterator.ty().name())));
    };
    match (slot(iterator), default) {
        (Ok(Some(value)), _) => Ok(value),
        (Ok(None), Some(default)) => Ok(default.clone()),
        (Ok(None), None) => Err(exceptions::stop_iteration(None)),
        (Err(raised), Some(default)) if is_stop_iteration(&raised) => Ok(default.clone()),
        (Err(raised), _) => Err(raised),
    }
}

fn pow(base: &Value, exponent: &Value, modulus: Option<&Value>) -> PyResult<Value> {
    number::power(base, exponent, modulus.unwrap_or(&Value::NONE))
}

fn print(
    args: &Tuple,
    separator: Option<&Value>,
    end: Option<&Value>,
    file: Option<&Value>,
    flush: Option<&Value>,
) -> PyResult<()> {
    let stream = match file.filter(|file| !file.is_none()) {
        Some(file) => file.clone(),
        None => match sys::get("stdout") {
            Some(stdout) if stdout.is_none() => return Ok(()),
            Some(stdout) => stdout,
            None => return Err(runtime_error("lost sys.stdout")),
        },
    };
    let checked = |name: &str, value: Option<&Value>| -> PyResult<Option<Value>> {
        match value.filter(|value| !value.is_none()) {
            Some(value) if value.downcast::<Str>().is_none() => {
                Err(type_error(std::format!("{name} must be None or a string, not {}", value.ty().name())))
            }
            value => Ok(value.cloned()),
        }
    };
    let separator = checked("sep", separator)?.unwrap_or_else(|| Str::new_value(" "));
    let end = checked("end", end)?.unwrap_or_else(|| Str::new_value("\n"));
    let write = |value: Value| -> PyResult<()> {
        match io::write_exact(&stream, &value) {
            Some(result) => result,
            None => call::call_method(&stream, name!("write"), std::slice::from_ref(&value)).map(drop),
        }
    };
    for (index, value) in args.iter().enumerate() {
        if index > 0 {
            write(separator.clone())?;
        }
        write(text::str(value)?)?;
    }
    write(end)?;
    if let Some(flush) = flush
        && number::truth(flush)?
    {
        call::call_method(&stream, name!("flush"), &[])?;
    }
    Ok(())
}

fn repr(object: &Value) -> PyResult<Value> {
    // The call itself counts, as that of any builtin does in CPython: here it decides which text a recursion ends with.
    let _depth = thread::enter_recursion(" while calling a Python object")?;
    text::repr(object)
}

fn round(number: &Value, digits: Option<&Value>) -> PyResult<Value> {
    let args: Vec<Value> = digits.filter(|digits| !digits.is_none()).cloned().into_iter().collect();
    match call::call_special(number, name!("__round__"), &args)? {
        Some(rounded) => Ok(rounded),
        None => Err(type_error(std::format!("type {} doesn't define __round__ method", number.ty().name()))),
    }
}

/// A list of the items, sorted by `list.sort`, which checks the keyword arguments.
fn sorted(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (positional, keywords) = call::split_keywords(args, kwnames);
    let [iterable] = positional else {
        return Err(type_error(std::format!("sorted expected 1 argument, got {}", positional.len())));
    };
    let list = List::from_vec(iter_protocol::collect(iterable)?);
    let sort = attribute::get_interned(&list, name!("sort"))?;
    let values: Vec<Value> = keywords.iter().map(|(_, value)| (*value).clone()).collect();
    call::call_keywords(&sort, &values, kwnames)?;
    Ok(list)
}

fn sum(iterable: &Value, start: Option<&Value>) -> PyResult<Value> {
    let iterator = iter_protocol::iter(iterable)?;
    let mut total = match start {
        None => Value::int(0),
        Some(start) => {
            if start.downcast::<Str>().is_some() {
                return Err(type_error("sum() can't sum strings [use ''.join(seq) instead]"));
            }
            if start.downcast::<Bytes>().is_some() {
                return Err(type_error("sum() can't sum bytes [use b''.join(seq) instead]"));
            }
            if start.ty().name() == "bytearray" {
                return Err(type_error("sum() can't sum bytearray [use b''.join(seq) instead]"));
            }
            start.clone()
        }
    };
    while let Some(item) = iter_protocol::next(&iterator)? {
        total = number::binary(BinaryOp::Add, &total, &item)?;
    }
    Ok(total)
}
