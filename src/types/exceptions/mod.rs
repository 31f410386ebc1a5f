//! The exception hierarchy.

pub mod import_error;
mod module_exception;
pub mod os_error;
pub mod syntax_error;

use crate::gc::Visit;
use crate::method;
use crate::object::attribute;
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_instance};
use crate::object::native::{GetSet, Method};
use crate::object::slots::Slots;
use crate::object::text;
use crate::object::value::{Value, payload};
use crate::object::value_vec::{ValueCell, ValueVec};
use crate::object::{TypeFlags, TypeObject};
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::types::tuple::Tuple;
use crate::types::unicode_errors;
pub use module_exception::ModuleException;
use std::cell::Cell;

/// The body of every exception.
#[repr(C)]
pub struct BaseException {
    header: Header,
    args: ValueCell,
    traceback: ValueCell,
    context: ValueCell,
    cause: ValueCell,
    suppress_context: Cell<bool>,
    /// The fields that the class adds, in the order of its table.
    fields: ValueVec,
}

payload!(BaseException, BASE_EXCEPTION, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.args.visit(visit);
        self.traceback.visit(visit);
        self.context.visit(visit);
        self.cause.visit(visit);
        self.fields.for_each(visit);
    }
    fn clear_references(&self) {
        drop(self.args.take());
        drop(self.traceback.take());
        drop(self.context.take());
        drop(self.cause.take());
        drop(self.fields.take());
    }
});

const FLAGS: TypeFlags = TypeFlags::BASE.and(TypeFlags::EXCEPTION);

/// The type object of `BaseException`.
pub static BASE_EXCEPTION: TypeObject = TypeObject::define::<BaseException>("BaseException")
    .flags(FLAGS)
    .with_attributes()
    .doc("Common base class for all exceptions")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        str: Some(str_),
        getattr: Some(attribute::generic_get),
        setattr: Some(attribute::generic_set),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(GETSET);

const METHODS: &[Method] = &[
    method!(
        with_traceback,
        "!with_traceback($self, object, /)",
        "Exception.with_traceback(tb) --\n    set self.__traceback__ to tb and return self."
    ),
    method!(reduce, "!__reduce__($self, /)", ""),
    method!(setstate, "!__setstate__($self, object, /)", ""),
];

const GETSET: &[GetSet] = &[
    GetSet::new("args", |this| Ok(body(this)?.args()), set_args),
    GetSet::new("__traceback__", |this| Ok(body(this)?.traceback.get().unwrap_or(Value::NONE)), set_traceback),
    GetSet::new("__context__", |this| Ok(body(this)?.context.get().unwrap_or(Value::NONE)), set_context_attribute)
        .with_doc("exception context"),
    GetSet::new("__cause__", |this| Ok(body(this)?.cause.get().unwrap_or(Value::NONE)), set_cause_attribute)
        .with_doc("exception cause"),
    GetSet {
        name: "__suppress_context__",
        get: |this| Ok(Value::bool(body(this)?.suppress_context.get())),
        set: Some(set_suppress),
        doc: None,
        member: true,
    },
    GetSet::new("__dict__", crate::types::type_::object_dict, crate::types::type_::set_builtin_dict),
];

impl BaseException {
    /// `args`.
    pub fn args(&self) -> Value {
        self.args.get().unwrap_or_else(Tuple::empty)
    }

    /// `__traceback__`.
    pub fn traceback(&self) -> Option<Value> {
        self.traceback.get()
    }

    /// Sets `__traceback__`.
    pub fn set_traceback(&self, traceback: Option<Value>) {
        self.traceback.set(traceback);
    }

    /// `__context__`.
    pub fn context(&self) -> Option<Value> {
        self.context.get()
    }

    /// Sets `__context__`.
    pub fn set_context(&self, context: Option<Value>) {
        self.context.set(context);
    }

    /// `__cause__`.
    pub fn cause(&self) -> Option<Value> {
        self.cause.get()
    }

    /// Sets `__cause__`, which suppresses the context.
    pub fn set_cause(&self, cause: Option<Value>) {
        self.suppress_context.set(true);
        self.cause.set(cause);
    }

    /// `__suppress_context__`.
    pub fn suppress_context(&self) -> bool {
        self.suppress_context.get()
    }

    /// A field that the class adds; `None` when it was never set, or deleted.
    pub fn field(&self, index: usize) -> Option<Value> {
        self.fields.get(index).filter(|value| !value.is_unbound())
    }

    /// Sets a field that the class adds; unbound deletes it.
    pub fn set_field(&self, index: usize, value: Value) {
        while self.fields.len() <= index {
            self.fields.push(Value::UNBOUND);
        }
        drop(self.fields.set(index, value));
    }
}

fn body(value: &Value) -> PyResult<&BaseException> {
    value.downcast::<BaseException>().ok_or_else(|| type_error("expected an exception"))
}

/// An exception of a builtin class, without running its `__init__`.
pub fn instantiate(ty: &TypeObject, args: Vec<Value>) -> Value {
    let exception = new_instance(
        ty,
        BaseException {
            header: Header::new(ty),
            args: ValueCell::new(None),
            traceback: ValueCell::EMPTY,
            context: ValueCell::EMPTY,
            cause: ValueCell::EMPTY,
            suppress_context: Cell::new(false),
            fields: ValueVec::new(Vec::new()),
        },
    );
    if let Some(body) = exception.downcast::<BaseException>() {
        body.args.set(Some(Tuple::from_vec(args)));
    }
    exception
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(ty) = class.downcast::<TypeObject>() else { return Err(type_error("expected a type")) };
    let positional = call::split_keywords(args, kwnames).0;
    Ok(instantiate(ty, positional.to_vec()))
}

/// CPython keeps instances of exactly this class in reserve, and gives them out without arguments.
fn memory_error_new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let reserved = class.downcast::<TypeObject>().is_some_and(|ty| std::ptr::eq(ty, &raw const MEMORY_ERROR));
    new(class, if reserved { &[] } else { args }, if reserved { None } else { kwnames })
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    if !call::split_keywords(args, kwnames).1.is_empty() {
        return Err(type_error(format!("{}() takes no keyword arguments", this.ty().name())));
    }
    body(this)?.args.set(Some(Tuple::from_slice(args)));
    Ok(())
}

fn repr(this: &Value) -> PyResult<Value> {
    let args = body(this)?.args();
    let name = this.ty().short_name();
    let args = match args.exact::<Tuple>().map(Tuple::as_slice) {
        Some([only]) => format!("({})", text::repr_string(only)?),
        _ => text::repr_string(&args)?,
    };
    Ok(Str::new_value(&format!("{name}{args}")))
}

fn str_(this: &Value) -> PyResult<Value> {
    let args = body(this)?.args();
    match args.exact::<Tuple>().map(Tuple::as_slice) {
        Some([]) => Ok(Str::new_value("")),
        Some([only]) => text::str(only),
        _ => text::str(&args),
    }
}

fn with_traceback(this: &Value, traceback: &Value) -> PyResult<Value> {
    set_traceback(this, Some(traceback))?;
    Ok(this.clone())
}

fn reduce(this: &Value) -> PyResult<Value> {
    let mut parts = vec![this.ty().value(), body(this)?.args()];
    parts.extend(own_dict(this));
    Ok(Tuple::from_vec(parts))
}

/// The exception's `__dict__`, when it was ever used.
fn own_dict(this: &Value) -> Option<Value> {
    let attrs = crate::object::instance::Attrs::of(this)?;
    attrs.dict().or_else(|| (attrs.raw_parts().1 > 0).then(|| attrs.make_dict(this.ty())))
}

fn setstate(this: &Value, state: &Value) -> PyResult<()> {
    if state.is_none() {
        return Ok(());
    }
    let Some(dict) = state.downcast::<crate::types::dict::Dict>() else {
        return Err(type_error("state is not a dictionary"));
    };
    for (key, value) in dict.items() {
        attribute::set(this, &key, Some(&value))?;
    }
    Ok(())
}

fn set_args(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(type_error("args may not be deleted")) };
    let items = crate::object::iter::collect(value)?;
    body(this)?.args.set(Some(Tuple::from_vec(items)));
    Ok(())
}

fn set_traceback(this: &Value, value: Option<&Value>) -> PyResult<()> {
    match value {
        None => Err(type_error("__traceback__ may not be deleted")),
        Some(value) if value.is_none() => {
            body(this)?.set_traceback(None);
            Ok(())
        }
        Some(value) if value.is_exact::<Traceback>() => {
            body(this)?.set_traceback(Some(value.clone()));
            Ok(())
        }
        Some(_) => Err(type_error("__traceback__ must be a traceback or None")),
    }
}

fn set_context_attribute(this: &Value, value: Option<&Value>) -> PyResult<()> {
    match value {
        None => Err(type_error("__context__ may not be deleted")),
        Some(value) if value.is_none() => {
            body(this)?.set_context(None);
            Ok(())
        }
        Some(value) if is_exception(value) => {
            body(this)?.set_context(Some(value.clone()));
            Ok(())
        }
        Some(_) => Err(type_error("exception context must be None or derive from BaseException")),
    }
}

fn set_cause_attribute(this: &Value, value: Option<&Value>) -> PyResult<()> {
    match value {
        None => Err(type_error("__cause__ may not be deleted")),
        Some(value) if value.is_none() => {
            body(this)?.set_cause(None);
            Ok(())
        }
        Some(value) if is_exception(value) => {
            body(this)?.set_cause(Some(value.clone()));
            Ok(())
        }
        Some(_) => Err(type_error("exception cause must be None or derive from BaseException")),
    }
}

fn set_suppress(this: &Value, value: Option<&Value>) -> PyResult<()> {
    match value {
        None => Err(type_error("can't delete numeric/char attribute")),
        Some(value) if value.is_true() || value.is_false() => {
            body(this)?.suppress_context.set(value.is_true());
            Ok(())
        }
        Some(_) => Err(type_error("attribute value type must be bool")),
    }
}

/// Whether the value is an exception instance.
pub fn is_exception(value: &Value) -> bool {
    value.ty().has_flag(TypeFlags::EXCEPTION)
}

/// The class, when the value is one that derives from `BaseException`.
pub fn as_exception_class(value: &Value) -> Option<&TypeObject> {
    value.downcast::<TypeObject>().filter(|ty| ty.has_flag(TypeFlags::EXCEPTION))
}

/// A field that any object can be put into.
const fn object_field<const I: usize>(name: &'static str, doc: &'static str) -> GetSet {
    GetSet { name, get: field::<I>, set: Some(set_field::<I>), doc: Some(doc), member: true }
}

/// Reads field `I` of an exception.
fn field<const I: usize>(this: &Value) -> PyResult<Value> {
    Ok(body(this)?.field(I).unwrap_or(Value::NONE))
}

/// Sets field `I` of an exception.
fn set_field<const I: usize>(this: &Value, value: Option<&Value>) -> PyResult<()> {
    body(this)?.set_field(I, value.cloned().unwrap_or(Value::UNBOUND));
    Ok(())
}

/// `StopIteration.__init__` and `SystemExit.__init__`: the field is the argument, or all of them.
fn init_one_field(this: &Value, args: &[Value], kwnames: Option<&Value>, several: bool) -> PyResult<()> {
    init(this, args, kwnames)?;
    let value = match args {
        [] => Value::NONE,
        [only] => only.clone(),
        [first, ..] if !several => first.clone(),
        _ => Tuple::from_slice(args),
    };
    body(this)?.set_field(0, value);
    Ok(())
}

fn stop_iteration_init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    init_one_field(this, args, kwnames, false)
}

fn system_exit_init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    init_one_field(this, args, kwnames, true)
}

/// As `KeyError_str`: a single key is shown by its repr, so that an empty str shows.
fn key_error_str(this: &Value) -> PyResult<Value> {
    let args = body(this)?.args();
    match args.exact::<Tuple>().map(Tuple::as_slice) {
        Some([only]) => text::repr(only),
        _ => str_(this),
    }
}

const STOP_ITERATION_FIELDS: &[GetSet] = &[object_field::<0>("value", "generator return value")];
const SYSTEM_EXIT_FIELDS: &[GetSet] = &[object_field::<0>("code", "exception code")];

macro_rules! exceptions {
    ($($static:ident $name:literal $base:ident $doc:literal $([$slots:expr, $getset:expr $(, $methods:expr)?])?;)*) => {
        $(
            #[doc = concat!("The type object of `", $name, "`.")]
            pub static $static: TypeObject = TypeObject::define::<BaseException>($name)
                .base(&$base)
                .flags(FLAGS)
                .doc($doc)
                $(.slots($slots).getset($getset)$(.methods($methods))?)?;
        )*
        /// Every builtin exception type, bases first.
        pub static ALL: &[&TypeObject] = &[&BASE_EXCEPTION, $(&$static,)*];
    };
}

/// Slots of a class that adds nothing: CPython gives each its own `__new__` and `__init__`.
const SIMPLE: Slots = Slots { new: Some(new), init: Some(init), ..Slots::EMPTY };

exceptions! {
    EXCEPTION "Exception" BASE_EXCEPTION "Common base class for all non-exit exceptions." [SIMPLE, &[]];
    SYSTEM_EXIT "SystemExit" BASE_EXCEPTION "Request to exit from the interpreter."
        [Slots { init: Some(system_exit_init), ..Slots::EMPTY }, SYSTEM_EXIT_FIELDS];
    GENERATOR_EXIT "GeneratorExit" BASE_EXCEPTION "Request that a generator exit." [SIMPLE, &[]];
    KEYBOARD_INTERRUPT "KeyboardInterrupt" BASE_EXCEPTION "Program interrupted by user." [SIMPLE, &[]];
    STOP_ITERATION "StopIteration" EXCEPTION "Signal the end from iterator.__next__()."
        [Slots { init: Some(stop_iteration_init), ..Slots::EMPTY }, STOP_ITERATION_FIELDS];
    STOP_ASYNC_ITERATION "StopAsyncIteration" EXCEPTION "Signal the end from iterator.__anext__()." [SIMPLE, &[]];
    ARITHMETIC_ERROR "ArithmeticError" EXCEPTION "Base class for arithmetic errors." [SIMPLE, &[]];
    FLOATING_POINT_ERROR "FloatingPointError" ARITHMETIC_ERROR "Floating point operation failed." [SIMPLE, &[]];
    OVERFLOW_ERROR "OverflowError" ARITHMETIC_ERROR "Result too large to be represented." [SIMPLE, &[]];
    ZERO_DIVISION_ERROR "ZeroDivisionError" ARITHMETIC_ERROR
        "Second argument to a division or modulo operation was zero." [SIMPLE, &[]];
    ASSERTION_ERROR "AssertionError" EXCEPTION "Assertion failed." [SIMPLE, &[]];
    ATTRIBUTE_ERROR "AttributeError" EXCEPTION "Attribute not found." [SIMPLE, &[]];
    BUFFER_ERROR "BufferError" EXCEPTION "Buffer error." [SIMPLE, &[]];
    EOF_ERROR "EOFError" EXCEPTION "Read beyond end of file." [SIMPLE, &[]];
    IMPORT_ERROR "ImportError" EXCEPTION "Import can't find module, or can't find name in module."
        [import_error::SLOTS, import_error::FIELDS, import_error::METHODS];
    MODULE_NOT_FOUND_ERROR "ModuleNotFoundError" IMPORT_ERROR "Module not found." [import_error::INIT, &[]];
    LOOKUP_ERROR "LookupError" EXCEPTION "Base class for lookup errors." [SIMPLE, &[]];
    INDEX_ERROR "IndexError" LOOKUP_ERROR "Sequence index out of range." [SIMPLE, &[]];
    KEY_ERROR "KeyError" LOOKUP_ERROR "Mapping key not found."
        [Slots { init: Some(init), str: Some(key_error_str), ..Slots::EMPTY }, &[]];
    MEMORY_ERROR "MemoryError" EXCEPTION "Out of memory."
        [Slots { new: Some(memory_error_new), init: Some(init), ..Slots::EMPTY }, &[]];
    NAME_ERROR "NameError" EXCEPTION "Name not found globally." [SIMPLE, &[]];
    UNBOUND_LOCAL_ERROR "UnboundLocalError" NAME_ERROR "Local name referenced but not bound to a value." [SIMPLE, &[]];
    OS_ERROR "OSError" EXCEPTION "Base class for I/O related errors."
        [os_error::SLOTS, os_error::FIELDS, os_error::METHODS];
    BLOCKING_IO_ERROR "BlockingIOError" OS_ERROR "I/O operation would block." [os_error::INIT, &[]];
    CHILD_PROCESS_ERROR "ChildProcessError" OS_ERROR "Child process error." [os_error::INIT, &[]];
    CONNECTION_ERROR "ConnectionError" OS_ERROR "Connection error." [os_error::INIT, &[]];
    BROKEN_PIPE_ERROR "BrokenPipeError" CONNECTION_ERROR "Broken pipe." [os_error::INIT, &[]];
    CONNECTION_ABORTED_ERROR "ConnectionAbortedError" CONNECTION_ERROR "Connection aborted." [os_error::INIT, &[]];
    CONNECTION_REFUSED_ERROR "ConnectionRefusedError" CONNECTION_ERROR "Connection refused." [os_error::INIT, &[]];
    CONNECTION_RESET_ERROR "ConnectionResetError" CONNECTION_ERROR "Connection reset." [os_error::INIT, &[]];
    FILE_EXISTS_ERROR "FileExistsError" OS_ERROR "File already exists." [os_error::INIT, &[]];
    FILE_NOT_FOUND_ERROR "FileNotFoundError" OS_ERROR "File not found." [os_error::INIT, &[]];
    INTERRUPTED_ERROR "InterruptedError" OS_ERROR "Interrupted by signal." [os_error::INIT, &[]];
    IS_A_DIRECTORY_ERROR "IsADirectoryError" OS_ERROR "Operation doesn't work on directories." [os_error::INIT, &[]];
    NOT_A_DIRECTORY_ERROR "NotADirectoryError" OS_ERROR "Operation only works on directories." [os_error::INIT, &[]];
    PERMISSION_ERROR "PermissionError" OS_ERROR "Not enough permissions." [os_error::INIT, &[]];
    PROCESS_LOOKUP_ERROR "ProcessLookupError" OS_ERROR "Process not found." [os_error::INIT, &[]];
    TIMEOUT_ERROR "TimeoutError" OS_ERROR "Timeout expired." [os_error::INIT, &[]];
    REFERENCE_ERROR "ReferenceError" EXCEPTION "Weak ref proxy used after referent went away." [SIMPLE, &[]];
    RUNTIME_ERROR "RuntimeError" EXCEPTION "Unspecified run-time error." [SIMPLE, &[]];
    NOT_IMPLEMENTED_ERROR "NotImplementedError" RUNTIME_ERROR "Method or function hasn't been implemented yet." [SIMPLE, &[]];
    RECURSION_ERROR "RecursionError" RUNTIME_ERROR "Recursion limit exceeded." [SIMPLE, &[]];
    SYNTAX_ERROR "SyntaxError" EXCEPTION "Invalid syntax."
        [syntax_error::SLOTS, syntax_error::FIELDS];
    INDENTATION_ERROR "IndentationError" SYNTAX_ERROR "Improper indentation." [syntax_error::INIT, &[]];
    TAB_ERROR "TabError" INDENTATION_ERROR "Improper mixture of spaces and tabs." [syntax_error::INIT, &[]];
    SYSTEM_ERROR "SystemError" EXCEPTION
        "Internal error in the Python interpreter.\n\nPlease report this to the Python maintainer, along with the traceback,\nthe Python version, and the hardware/OS platform and version." [SIMPLE, &[]];
    TYPE_ERROR "TypeError" EXCEPTION "Inappropriate argument type." [SIMPLE, &[]];
    VALUE_ERROR "ValueError" EXCEPTION "Inappropriate argument value (of correct type)." [SIMPLE, &[]];
    UNICODE_ERROR "UnicodeError" VALUE_ERROR "Unicode related error." [SIMPLE, &[]];
    UNICODE_DECODE_ERROR "UnicodeDecodeError" UNICODE_ERROR "Unicode decoding error."
        [Slots { new: Some(new), ..unicode_errors::DECODE_SLOTS }, unicode_errors::FIELDS];
    UNICODE_ENCODE_ERROR "UnicodeEncodeError" UNICODE_ERROR "Unicode encoding error."
        [Slots { new: Some(new), ..unicode_errors::ENCODE_SLOTS }, unicode_errors::FIELDS];
    UNICODE_TRANSLATE_ERROR "UnicodeTranslateError" UNICODE_ERROR "Unicode translation error."
        [Slots { new: Some(new), ..unicode_errors::TRANSLATE_SLOTS }, unicode_errors::FIELDS];
    WARNING "Warning" EXCEPTION "Base class for warning categories." [SIMPLE, &[]];
    BYTES_WARNING "BytesWarning" WARNING
        "Base class for warnings about bytes and buffer related problems, mostly\nrelated to conversion from str or comparing to str." [SIMPLE, &[]];
    DEPRECATION_WARNING "DeprecationWarning" WARNING "Base class for warnings about deprecated features." [SIMPLE, &[]];
    FUTURE_WARNING "FutureWarning" WARNING
        "Base class for warnings about constructs that will change semantically\nin the future." [SIMPLE, &[]];
    IMPORT_WARNING "ImportWarning" WARNING "Base class for warnings about probable mistakes in module imports" [SIMPLE, &[]];
    PENDING_DEPRECATION_WARNING "PendingDeprecationWarning" WARNING
        "Base class for warnings about features which will be deprecated\nin the future." [SIMPLE, &[]];
    RESOURCE_WARNING "ResourceWarning" WARNING "Base class for warnings about resource usage." [SIMPLE, &[]];
    RUNTIME_WARNING "RuntimeWarning" WARNING "Base class for warnings about dubious runtime behavior." [SIMPLE, &[]];
    SYNTAX_WARNING "SyntaxWarning" WARNING "Base class for warnings about dubious syntax." [SIMPLE, &[]];
    UNICODE_WARNING "UnicodeWarning" WARNING
        "Base class for warnings about Unicode related problems, mostly\nrelated to conversion problems." [SIMPLE, &[]];
    USER_WARNING "UserWarning" WARNING "Base class for warnings generated by user code." [SIMPLE, &[]];
}

/// Raises a builtin exception with one message.
#[cold]
pub fn raise(ty: &TypeObject, message: impl Into<String>) -> Raised {
    Raised::new(instantiate(ty, vec![Str::new_value(&message.into())]))
}

/// Raises a builtin exception with one argument.
#[cold]
pub fn raise_value(ty: &TypeObject, argument: Value) -> Raised {
    Raised::new(instantiate(ty, vec![argument]))
}

macro_rules! raisers {
    ($($function:ident $static:ident;)*) => {
        $(
            #[doc = concat!("Raises a `", stringify!($static), "` with a message.")]
            #[cold]
            pub fn $function(message: impl Into<String>) -> Raised {
                raise(&$static, message)
            }
        )*
    };
}

raisers! {
    type_error TYPE_ERROR;
    value_error VALUE_ERROR;
    attribute_error ATTRIBUTE_ERROR;
    index_error INDEX_ERROR;
    overflow_error OVERFLOW_ERROR;
    zero_division_error ZERO_DIVISION_ERROR;
    runtime_error RUNTIME_ERROR;
    recursion_error RECURSION_ERROR;
    name_error NAME_ERROR;
    unbound_local_error UNBOUND_LOCAL_ERROR;
    system_error SYSTEM_ERROR;
    import_error IMPORT_ERROR;
    memory_error MEMORY_ERROR;
    not_implemented_error NOT_IMPLEMENTED_ERROR;
    lookup_error LOOKUP_ERROR;
    buffer_error BUFFER_ERROR;
    assertion_error ASSERTION_ERROR;
}

/// `KeyError(key)`.
#[cold]
pub fn key_error(key: &Value) -> Raised {
    raise_value(&KEY_ERROR, key.clone())
}

/// Whether the exception is an instance of a builtin class.
pub fn is_instance(raised: &Raised, ty: &TypeObject) -> bool {
    raised.value().ty().is_subtype(ty)
}

/// Whether it is an `AttributeError`.
pub fn is_attribute_error(raised: &Raised) -> bool {
    is_instance(raised, &ATTRIBUTE_ERROR)
}

/// Whether it is a `StopIteration`.
pub fn is_stop_iteration(raised: &Raised) -> bool {
    is_instance(raised, &STOP_ITERATION)
}

/// The `value` of a `StopIteration`.
pub fn stop_iteration_value(raised: &Raised) -> Value {
    raised.value().downcast::<BaseException>().and_then(|body| body.field(0)).unwrap_or(Value::NONE)
}

/// `StopIteration(value)`; a value that is a tuple or an exception is wrapped as CPython wraps it.
#[cold]
pub fn stop_iteration(value: Option<Value>) -> Raised {
    let args: Vec<Value> = value.into_iter().collect();
    let field = args.first().cloned().unwrap_or(Value::NONE);
    let exception = instantiate(&STOP_ITERATION, args);
    if let Some(body) = exception.downcast::<BaseException>() {
        body.set_field(0, field);
    }
    Raised::new(exception)
}

/// The exception that `raise value` raises: an instance as it is, a class called without arguments.
///
/// # Errors
/// `TypeError` for other values.
pub fn normalize(value: &Value) -> PyResult<Value> {
    if as_exception_class(value).is_some() {
        let instance = call::call(value, &[])?;
        if is_exception(&instance) {
            return Ok(instance);
        }
        return Err(type_error(format!(
            "calling {} should have returned an instance of BaseException, not {}",
            text::repr_string(value)?,
            text::repr_string(&instance.ty().value())?
        )));
    }
    if is_exception(value) {
        return Ok(value.clone());
    }
    Err(type_error("exceptions must derive from BaseException"))
}
