//! Calls of Python functions: binding arguments to parameters, and entering the loop from native code.

use crate::name;
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::iter;
use crate::object::value::Value;
use crate::types::code::{Code, flags};
use crate::types::dict::{DICT, Dict};
use crate::types::exceptions::{BaseException, KEY_ERROR, is_instance, system_error, type_error};
use crate::types::function::Function;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::eval::cell::Cell;
use crate::vm::eval::registers::clear;
use crate::vm::eval::{self, EMPTY, control};
use crate::vm::frame::{self, Activation, CALLER_FP, CALLER_K, OBJECT, RETURN_IP};
use crate::vm::signals;
use crate::vm::thread::{self, Thread};
use crate::vm::translate::{Constants, Meta};
use std::sync::atomic::Ordering::Relaxed;

/// Translates a function's code if that has not been done, and notes how it can be entered.
///
/// # Errors
/// `SystemError` when its bytecode does not verify.
pub(crate) fn prepare(function: &Function) -> PyResult<Constants> {
    let known = function.constants.get();
    if !known.0.is_null() {
        return Ok(known);
    }
    let Some(code_value) = function.code() else { return Err(system_error("function without code")) };
    let Some(code) = code_value.exact::<Code>() else { return Err(system_error("function without code")) };
    let constants = code.translations.get(code, function.globals())?;
    let simple = code.fields.kwonlyargcount == 0
        && !code.has_flag(flags::VARARGS | flags::VARKEYWORDS)
        && code.has_flag(flags::OPTIMIZED)
        && code.has_flag(flags::NEWLOCALS);
    function.constants.set(constants);
    function.direct.set(if simple { code.fields.argcount } else { u32::MAX });
    Ok(constants)
}

/// Binds the arguments that stand at `fp`: `count` values, the last ones named by `names`. Afterwards every variable's
/// register is set; room and recursion are checked and counted. On an error the arguments are dropped.
///
/// # Safety
/// The registers from `fp` on are free but for the arguments.
pub(crate) unsafe fn bind(
    vm: &Thread,
    function: &Function,
    fp: *mut u64,
    count: usize,
    names: &[Value],
) -> PyResult<*const u64> {
    // SAFETY: the caller's.
    unsafe {
        let result = bind_checked(vm, function, fp, count, names);
        if result.is_err() {
            // The function stands before the arguments.
            let floor = vm.raise_floor(fp.add(count));
            clear(fp.sub(1), count + 1);
            vm.floor.set(floor);
        }
        result
    }
}

unsafe fn bind_checked(
    vm: &Thread,
    function: &Function,
    fp: *mut u64,
    count: usize,
    names: &[Value],
) -> PyResult<*const u64> {
    let mut k = prepare(function)?.0;
    if vm.use_tracing()
        && let Some(code) = function.code()
        && let Some(code) = code.exact::<Code>()
    {
        k = code.translations.traced(code)?.0;
    }
    // SAFETY: just translated, or before; the registers are the caller's.
    unsafe {
        let meta = Meta::of(k);
        let end = fp.add((meta.frame_size as usize).max(count));
        if vm.remaining.get() <= 0 {
            vm.check_depth("")?;
        }
        if end > vm.stack_limit.load(Relaxed) {
            vm.check_depth("")?;
            if !frame::prepare_registers(vm, end) {
                return Err(thread::recursion_exceeded(""));
            }
        }
        let code = meta.code();
        let positional = code.fields.argcount as usize;
        let named = meta.named as usize;
        let has_extra = code.has_flag(flags::VARARGS | flags::VARKEYWORDS) || code.fields.kwonlyargcount > 0;
        if names.is_empty() && !has_extra && count <= positional {
            for index in count..named {
                *fp.add(index) = EMPTY;
            }
            if count < positional {
                let defaults = function.defaults.get();
                let defaults = defaults
                    .as_ref()
                    .and_then(|defaults| defaults.downcast::<Tuple>())
                    .map_or(&[][..], Tuple::as_slice);
                let missing = positional - count;
                if missing > defaults.len() {
                    return Err(missing_arguments(function, code, fp, defaults.len()));
                }
                for (index, value) in defaults[defaults.len() - missing..].iter().enumerate() {
                    *fp.add(count + index) = value.clone().into_bits();
                }
            }
        } else {
            // Keys of keywords and defaults may run Python code, whose frames must stay off these registers.
            let floor = vm.raise_floor(end);
            let bound = bind_general(function, code, fp, named, count, names);
            vm.floor.set(floor);
            bound?;
        }
        vm.remaining.set(vm.remaining.get() - 1);
    }
    Ok(k)
}

/// Reads a register without taking it.
unsafe fn is_bound(fp: *mut u64, index: usize) -> bool {
    // SAFETY: the caller's register.
    unsafe { *fp.add(index) != EMPTY }
}

/// Binding with keywords, `*args`, `**kwargs` or keyword-only parameters. As `_PyEval_EvalCodeWithName`.
#[inline(never)]
unsafe fn bind_general(
    function: &Function,
    code: &Code,
    fp: *mut u64,
    named: usize,
    count: usize,
    names: &[Value],
) -> PyResult<()> {
    let positional = code.fields.argcount as usize;
    let keyword_only = code.fields.kwonlyargcount as usize;
    let parameters = positional + keyword_only;
    let given = count - names.len();
    // SAFETY: the arguments move out; from here on every register up to `named` is set.
    let mut args: Vec<Value> =
        (0..count).map(|index| unsafe { Value::from_bits(std::mem::replace(&mut *fp.add(index), EMPTY)) }).collect();
    // SAFETY: registers of the new frame.
    let set = |index: usize, value: Value| unsafe { *fp.add(index) = value.into_bits() };
    for index in count..named {
        // SAFETY: as above.
        unsafe { *fp.add(index) = EMPTY };
    }
    let values = args.split_off(given);
    let surplus = args.split_off(given.min(positional));
    let surplus_count = surplus.len();
    for (index, value) in args.into_iter().enumerate() {
        set(index, value);
    }
    let mut next = parameters;
    let takes_rest = code.has_flag(flags::VARARGS);
    if takes_rest {
        set(next, Tuple::from_vec(surplus));
        next += 1;
    }
    let mut extra = None;
    if code.has_flag(flags::VARKEYWORDS) {
        let dict = Dict::new_value();
        set(next, dict.clone());
        extra = Some(dict);
    }
    let result = (|| {
        let parameter_names = code.varnames();
        let positional_only = code.fields.posonlyargcount as usize;
        for (name, value) in names.iter().zip(values) {
            let Some(text) = name.downcast::<Str>() else {
                return Err(type_error(format!("{}() keywords must be strings", name_of(function))));
            };
            let found = (positional_only..parameters).find(|&index| {
                parameter_names.get(index).is_some_and(|parameter| {
                    parameter.is(name) || parameter.downcast::<Str>().is_some_and(|parameter| parameter.equals(text))
                })
            });
            match (found, &extra) {
                (Some(index), _) => {
                    // SAFETY: registers of the new frame.
                    if unsafe { is_bound(fp, index) } {
                        return Err(type_error(format!(
                            "{}() got multiple values for argument '{}'",
                            name_of(function),
                            text.to_string_lossy()
                        )));
                    }
                    set(index, value);
                }
                (None, Some(dict)) => {
                    if let Some(dict) = dict.exact::<Dict>() {
                        dict.set(name, value)?;
                    }
                }
                (None, None) => {
                    if let Some(raised) = positional_only_as_keywords(function, code, names) {
                        return Err(raised);
                    }
                    return Err(type_error(format!(
                        "{}() got an unexpected keyword argument '{}'",
                        name_of(function),
                        text.to_string_lossy()
                    )));
                }
            }
        }
        let defaults = function.defaults.get();
        let defaults =
            defaults.as_ref().and_then(|defaults| defaults.downcast::<Tuple>()).map_or(&[][..], Tuple::as_slice);
        if surplus_count > 0 && !takes_rest {
            return Err(too_many_positional(function, code, fp, given, defaults.len()));
        }
        if given < positional {
            let first_default = positional - defaults.len().min(positional);
            for index in given..positional {
                // SAFETY: registers of the new frame.
                if unsafe { is_bound(fp, index) } {
                    continue;
                }
                if index < first_default {
                    return Err(missing_arguments(function, code, fp, defaults.len()));
                }
                if let Some(value) = defaults.get(defaults.len() - (positional - index)) {
                    set(index, value.clone());
                }
            }
        }
        if keyword_only > 0 {
            let defaults = function.keyword_defaults.get();
            let mut missing = Vec::new();
            for index in positional..parameters {
                // SAFETY: registers of the new frame.
                if unsafe { is_bound(fp, index) } {
                    continue;
                }
                let Some(name) = parameter_names.get(index) else { continue };
                let default = match defaults.as_ref().and_then(|defaults| defaults.downcast::<Dict>()) {
                    Some(defaults) => defaults.get(name)?,
                    None => None,
                };
                match default {
                    Some(value) => set(index, value),
                    None => missing.push(format!("'{}'", text_of(name))),
                }
            }
            if !missing.is_empty() {
                return Err(missing_error(function, "keyword-only", &missing));
            }
        }
        Ok(())
    })();
    if result.is_err() {
        // SAFETY: registers of the new frame.
        unsafe { clear(fp, named) };
    }
    result
}

fn text_of(value: &Value) -> String {
    value.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default()
}

/// `co_name`: what CPython 3.8 shows in argument errors.
fn name_of(function: &Function) -> String {
    function.code().and_then(|code| code.exact::<Code>().map(Code::name)).unwrap_or_default()
}

fn positional_only_as_keywords(function: &Function, code: &Code, names: &[Value]) -> Option<Raised> {
    let mut wrong = Vec::new();
    for parameter in code.varnames().iter().take(code.fields.posonlyargcount as usize) {
        let text = parameter.downcast::<Str>()?;
        if names.iter().any(|name| name.downcast::<Str>().is_some_and(|name| name.equals(text))) {
            wrong.push(text.to_string_lossy());
        }
    }
    if wrong.is_empty() {
        return None;
    }
    Some(type_error(format!(
        "{}() got some positional-only arguments passed as keyword arguments: '{}'",
        name_of(function),
        wrong.join(", ")
    )))
}

fn missing_error(function: &Function, kind: &str, names: &[String]) -> Raised {
    let list = match names {
        [only] => only.clone(),
        [first, second] => format!("{first} and {second}"),
        [start @ .., last] => format!("{}, and {last}", start.join(", ")),
        [] => String::new(),
    };
    type_error(format!(
        "{}() missing {} required {kind} argument{}: {list}",
        name_of(function),
        names.len(),
        if names.len() == 1 { "" } else { "s" }
    ))
}

/// The error for positional parameters without a value.
fn missing_arguments(function: &Function, code: &Code, fp: *mut u64, defaults: usize) -> Raised {
    let required = (code.fields.argcount as usize).saturating_sub(defaults);
    let missing: Vec<String> = (0..required)
        // SAFETY: registers of the new frame.
        .filter(|&index| !unsafe { is_bound(fp, index) })
        .filter_map(|index| code.varnames().get(index).map(|name| format!("'{}'", text_of(name))))
        .collect();
    missing_error(function, "positional", &missing)
}

/// The error for too many positional arguments. As `too_many_positional`.
fn too_many_positional(function: &Function, code: &Code, fp: *mut u64, given: usize, defaults: usize) -> Raised {
    let positional = code.fields.argcount as usize;
    let keyword_only = code.fields.kwonlyargcount as usize;
    let keyword_given = (positional..positional + keyword_only)
        // SAFETY: registers of the new frame.
        .filter(|&index| unsafe { is_bound(fp, index) })
        .count();
    let (plural, signature) = if defaults > 0 {
        (true, format!("from {} to {positional}", positional - defaults.min(positional)))
    } else {
        (positional != 1, positional.to_string())
    };
    let keywords = if keyword_given > 0 {
        format!(
            " positional argument{} (and {keyword_given} keyword-only argument{})",
            if given == 1 { "" } else { "s" },
            if keyword_given == 1 { "" } else { "s" }
        )
    } else {
        String::new()
    };
    type_error(format!(
        "{}() takes {signature} positional argument{} but {given}{keywords} {} given",
        name_of(function),
        if plural { "s" } else { "" },
        if given == 1 && keyword_given == 0 { "was" } else { "were" }
    ))
}

/// Completes the header of a frame whose variables are set.
///
/// # Safety
/// The frame's registers are free behind its variables.
pub(crate) unsafe fn push_header(
    fp: *mut u64,
    k: *const u64,
    return_ip: *const Cell,
    caller_fp: *mut u64,
    caller_k: *const u64,
) {
    // SAFETY: the caller's.
    unsafe {
        let header = fp.add(Meta::of(k).named as usize);
        *header.add(RETURN_IP) = return_ip as u64;
        *header.add(CALLER_FP) = caller_fp as u64;
        *header.add(CALLER_K) = caller_k as u64;
        *header.add(OBJECT) = EMPTY;
    }
}

/// Runs `start` as a native activation: whatever frame it makes runs until it returns or yields.
///
/// `start` gets the first free register, prepares a frame above it that returns to the boundary, and makes the thread
/// stand at its first instruction.
///
/// # Errors
/// What `start` or the frame raises.
pub(crate) fn activate(start: impl FnOnce(&'static Thread, *mut u64) -> PyResult<eval::Handler>) -> PyResult<Value> {
    let vm = thread::current();
    let activation = Activation { previous: vm.activation.get(), ip: vm.ip.get(), fp: vm.fp.get(), k: vm.k.get() };
    let base = frame::top(vm);
    thread::check_native_stack()?;
    if vm.breaker.load(Relaxed) {
        signals::attend(vm)?;
    }
    // SAFETY: the register at `base` is free and prepared; the frame above it is start's.
    unsafe {
        if base.add(1) > vm.stack_limit.load(Relaxed) && !frame::prepare_registers(vm, base.add(1)) {
            return Err(thread::recursion_exceeded(""));
        }
        *base = EMPTY;
        // What dies while an exception is on its way may run code here: that exception is none of its business.
        let pending = vm.raised.take();
        vm.activation.set(&activation);
        let started = start(vm, base);
        let result = match started {
            Ok(handler) => {
                eval::run(handler, vm.ip.get(), vm.fp.get(), vm, vm.k.get());
                match vm.raised.take() {
                    Some(exception) => Err(Raised::new(exception)),
                    None => Ok(Value::from_bits(std::mem::replace(&mut *base, EMPTY))),
                }
            }
            Err(raised) => Err(raised),
        };
        vm.activation.set(activation.previous);
        vm.ip.set(activation.ip);
        vm.fp.set(activation.fp);
        vm.k.set(activation.k);
        if pending.is_some() {
            vm.raised.set(pending);
        }
        result
    }
}

/// The handler of the instruction at which the thread stands.
pub(crate) fn first_handler(vm: &Thread) -> eval::Handler {
    // SAFETY: the thread stands at an instruction.
    unsafe { eval::decode((*vm.ip.get()).handler) }
}

/// Calls a Python function from native code.
///
/// # Errors
/// What binding or the function raises.
pub fn call_function(callable: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    call_in_namespace(callable, args, kwnames, None)
}

/// As [`call_function`], for code that runs with a namespace of its own: module and class bodies.
///
/// # Errors
/// As for [`call_function`].
pub(crate) fn call_in_namespace(
    callable: &Value,
    args: &[Value],
    kwnames: Option<&Value>,
    namespace: Option<&Value>,
) -> PyResult<Value> {
    let Some(function) = callable.exact::<Function>() else { return Err(type_error("expected a function")) };
    let names = kwnames.and_then(|names| names.exact::<Tuple>()).map_or(&[][..], Tuple::as_slice);
    activate(|vm, base| {
        // SAFETY: the registers above `base` are free.
        unsafe {
            let fp = base.add(1);
            let end = fp.add(args.len());
            if end > vm.stack_limit.load(Relaxed) && !frame::prepare_registers(vm, end) {
                return Err(thread::recursion_exceeded(""));
            }
            *base = callable.clone().into_bits();
            for (index, arg) in args.iter().enumerate() {
                *fp.add(index) = arg.clone().into_bits();
            }
            let k = bind(vm, function, fp, args.len(), names)?;
            push_header(fp, k, control::boundary_return(), base, vm.k.get());
            vm.ip.set(Meta::of(k).entry);
            vm.fp.set(fp);
            vm.k.set(k);
            if let Some(namespace) = namespace
                && let Some(place) = frame::Place::current(vm)
            {
                crate::types::frame::set_locals(&place.object(), namespace.clone());
            }
            Ok(first_handler(vm))
        }
    })
}

/// `callable(*args, **kwargs)` as the bytecode has it: any iterable, any mapping.
///
/// # Errors
/// `TypeError` with CPython's text when they are no iterable or mapping, or what the call raises.
pub(crate) fn call_with_containers(callable: &Value, args: Value, kwargs: Option<&Value>) -> PyResult<Value> {
    if let (Some(tuple), None) = (args.exact::<Tuple>(), kwargs) {
        return call::call(callable, tuple.as_slice());
    }
    let (items, dict) = containers(callable, &args, kwargs)?;
    // A list is not seen any more, its items may die with the variables that take them.
    drop(args);
    call::call_dict(callable, &items, dict.as_ref().and_then(|dict| dict.exact::<Dict>()))
}

/// The arguments of `callable(*args, **kwargs)`: the positional ones, and a dict.
///
/// # Errors
/// As for [`call_with_containers`].
pub(crate) fn containers(
    callable: &Value,
    args: &Value,
    kwargs: Option<&Value>,
) -> PyResult<(Vec<Value>, Option<Value>)> {
    let mut dict = None;
    if let Some(kwargs) = kwargs {
        dict = Some(if kwargs.is_exact::<Dict>() {
            kwargs.clone()
        } else {
            let copy = Dict::new_value();
            if let Some(body) = copy.exact::<Dict>() {
                crate::vm::eval::stack_operations::merge_keywords(body, kwargs, callable)?;
            }
            copy
        });
    }
    let items = if let Some(tuple) = args.exact::<Tuple>() {
        tuple.to_vec()
    } else {
        if args.ty().slot(|slots| slots.iter).is_none() && args.ty().slot(|slots| slots.item).is_none() {
            return Err(type_error(format!(
                "{}{} argument after * must be an iterable, not {}",
                crate::vm::eval::stack_operations::describe(callable).0,
                crate::vm::eval::stack_operations::describe(callable).1,
                args.ty().name()
            )));
        }
        iter::collect(args)?
    };
    Ok((items, dict))
}

/// The error of a dict whose `keys()` names what it does not hold: CPython takes the `KeyError` for a repeated keyword.
/// As `format_kwargs_error`, for an error that no Python code raised.
pub(crate) fn missing_keyword(raised: Raised, kwargs: &Value, callable: &Value) -> Raised {
    let (own, dict) = (kwargs.ty().lookup(name!("__getitem__")), DICT.lookup(name!("__getitem__")));
    let is_native = own.zip(dict).is_some_and(|(own, dict)| own.is(&dict));
    let has_missing = kwargs.ty().lookup(name!("__missing__")).is_some();
    if !is_native || has_missing || !is_instance(&raised, &KEY_ERROR) {
        return raised;
    }
    let (name, suffix) = crate::vm::eval::stack_operations::describe(callable);
    let key =
        raised.value().downcast::<BaseException>().and_then(|body| body.args().downcast::<Tuple>()?.get(0).cloned());
    match key.as_ref().map(|key| key.downcast::<Str>()) {
        Some(Some(key)) => {
            type_error(format!("{name}{suffix} got multiple values for keyword argument '{}'", key.to_string_lossy()))
        }
        Some(None) => type_error(format!("{name}{suffix} keywords must be strings")),
        None => raised,
    }
}
