//! Audit hooks: `sys.audit` and `sys.addaudithook`.

use crate::object::call;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueVec;
use crate::object::{attribute, number};
use crate::types::exceptions::{EXCEPTION, is_instance, type_error};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::thread;

/// The hooks, oldest first.
static HOOKS: GilCell<ValueVec> = GilCell::new(ValueVec::new(Vec::new()));

/// Whether there are hooks.
pub(crate) fn is_heard() -> bool {
    !HOOKS.get().is_empty()
}

/// Tells the hooks about an event.
///
/// # Errors
/// What a hook raises.
pub(crate) fn event(name: &str, args: &[Value]) -> PyResult<()> {
    if HOOKS.get().is_empty() {
        return Ok(());
    }
    raise_event(&Str::new_value(name), Tuple::from_vec(args.to_vec()))
}

/// As `PySys_Audit` with a tuple: hooks are not traced, unless they ask for it by `__cantrace__`.
fn raise_event(name: &Value, args: Value) -> PyResult<()> {
    let vm = thread::current();
    let mut index = 0;
    while let Some(hook) = HOOKS.get().get(index) {
        index += 1;
        let can_trace = match attribute::lookup_str(&hook, "__cantrace__")? {
            Some(flag) => number::truth(&flag)?,
            None => false,
        };
        if can_trace {
            call::call(&hook, &[name.clone(), args.clone()])?;
            continue;
        }
        vm.tracing.set(vm.tracing.get() + 1);
        vm.set_use_tracing(false);
        let result = call::call(&hook, &[name.clone(), args.clone()]);
        vm.set_use_tracing(crate::vm::trace::is_set(vm));
        vm.tracing.set(vm.tracing.get() - 1);
        result?;
    }
    Ok(())
}

/// `sys.audit(event, *args)`.
pub(super) fn audit(args: &Tuple) -> PyResult<()> {
    let Some((name, rest)) = args.as_slice().split_first() else {
        return Err(type_error("audit() missing 1 required positional argument: 'event'"));
    };
    if HOOKS.get().is_empty() {
        return Ok(());
    }
    if name.downcast::<Str>().is_none() {
        return Err(type_error(format!("expected str for argument 'event', not {}", name.ty().name())));
    }
    raise_event(name, Tuple::from_vec(rest.to_vec()))
}

/// `sys.addaudithook(hook)`: the hooks that are there may refuse by an exception, which is not passed on.
pub(super) fn addaudithook(hook: &Value) -> PyResult<()> {
    match event("sys.addaudithook", &[]) {
        Err(raised) if is_instance(&raised, &EXCEPTION) => return Ok(()),
        Err(raised) => return Err(raised),
        Ok(()) => {}
    }
    HOOKS.get().push(hook.clone());
    Ok(())
}
