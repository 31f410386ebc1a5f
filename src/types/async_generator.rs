//! The type `async_generator` and the awaitables that its methods give.

use crate::gc::Visit;
use crate::method;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_object};
use crate::object::native::{GetSet, Method};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{
    self, GENERATOR_EXIT, STOP_ASYNC_ITERATION, is_instance, runtime_error, stop_iteration, type_error,
};
use crate::types::generator::{self, Generator, Resumed, State};
use std::cell::Cell;

/// The type object of async generators; the body is a generator's.
pub static ASYNC_GENERATOR: TypeObject = TypeObject::define::<Generator>("async_generator")
    .with_weakrefs()
    .slots(Slots {
        repr: Some(|this| generator::repr(this, "async_generator")),
        aiter: Some(|this| Ok(this.clone())),
        anext: Some(|this| asend(this, &Value::NONE)),
        finalize: Some(generator::finalize),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[
        GetSet::member("ag_running", |this| Ok(Value::bool(generator(this)?.running_async().get()))),
        GetSet::member("ag_code", |this| Ok(generator::code_value(generator(this)?))),
        GetSet::member("ag_frame", generator::frame),
        GetSet::read_only("ag_await", |this| Ok(generator::yielding_from(generator(this)?).unwrap_or(Value::NONE)))
            .with_doc("object being awaited on, or None"),
        GetSet::new("__name__", generator::name, generator::set_name).with_doc("name of the async generator"),
        GetSet::new("__qualname__", generator::qualname, generator::set_qualname)
            .with_doc("qualified name of the async generator"),
    ]);

const METHODS: &[Method] = &[
    method!(asend, "!asend($self, value, /)", "asend(v) -> send 'v' in generator."),
    method!(athrow, "!athrow($self, *args)", "athrow(typ[,val[,tb]]) -> raise exception in generator."),
    method!(aclose, "!aclose($self, /)", "aclose() -> raise GeneratorExit inside generator."),
];

fn generator(value: &Value) -> PyResult<&Generator> {
    generator::of(value).ok_or_else(|| type_error("expected an async generator"))
}

/// A value that an async generator yields to its consumer, as opposed to what it awaits.
#[repr(C)]
pub struct Wrapped {
    header: Header,
    value: Value,
}

/// What `asend` and `__anext__` give.
#[repr(C)]
pub struct Send {
    header: Header,
    generator: Value,
    value: Value,
    stage: Cell<Stage>,
}

/// What `athrow` and `aclose` give.
#[repr(C)]
pub struct Throw {
    header: Header,
    generator: Value,
    /// The arguments of `athrow`; none for `aclose`.
    args: Option<Vec<Value>>,
    stage: Cell<Stage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Initial,
    Iterating,
    Closed,
}

impl Wrapped {
    fn visit_references(&self, visit: Visit<'_>) {
        visit(&self.value);
    }
}

impl Send {
    fn visit_references(&self, visit: Visit<'_>) {
        visit(&self.generator);
        visit(&self.value);
    }
}

impl Throw {
    fn visit_references(&self, visit: Visit<'_>) {
        visit(&self.generator);
        for argument in self.args.iter().flatten() {
            visit(argument);
        }
    }
}

payload!(Wrapped, WRAPPED, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.visit_references(visit);
    }
});
payload!(Send, SEND, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.visit_references(visit);
    }
});
payload!(Throw, THROW, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.visit_references(visit);
    }
});

/// The type object of wrapped values; no program sees one.
pub static WRAPPED: TypeObject = TypeObject::define::<Wrapped>("async_generator_wrapped_value");

/// The type object of what `asend` gives.
pub static SEND: TypeObject = TypeObject::define::<Send>("async_generator_asend")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(|this| send_send(this, &Value::NONE).map(Some)),
        await_: Some(|this| Ok(this.clone())),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(
            send_send,
            "!send($self, value, /)",
            "send(arg) -> send 'arg' into generator,\nreturn next yielded value or raise StopIteration."
        ),
        method!(
            send_throw,
            "!throw($self, typ, val=None, tb=None, /)",
            "throw(typ[,val[,tb]]) -> raise exception in generator,\nreturn next yielded value or raise StopIteration."
        ),
        method!(send_close, "!close($self, /)", "close() -> raise GeneratorExit inside generator."),
    ]);

/// The type object of what `athrow` and `aclose` give.
pub static THROW: TypeObject = TypeObject::define::<Throw>("async_generator_athrow")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(|this| throw_send(this, &Value::NONE).map(Some)),
        await_: Some(|this| Ok(this.clone())),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(
            throw_send,
            "!send($self, value, /)",
            "send(arg) -> send 'arg' into generator,\nreturn next yielded value or raise StopIteration."
        ),
        method!(
            throw_throw,
            "!throw($self, typ, val=None, tb=None, /)",
            "throw(typ[,val[,tb]]) -> raise exception in generator,\nreturn next yielded value or raise StopIteration."
        ),
        method!(throw_close, "!close($self, /)", "close() -> raise GeneratorExit inside generator."),
    ]);

/// Wraps a value on its way to the consumer.
pub(crate) fn wrap(value: Value) -> Value {
    new_object(Wrapped { header: Header::new(&WRAPPED), value })
}

fn new_send(generator: Value, value: Value) -> Value {
    new_object(Send { header: Header::new(&SEND), generator, value, stage: Cell::new(Stage::Initial) })
}

fn asend(this: &Value, value: &Value) -> PyResult<Value> {
    generator(this)?.look_at_hooks()?;
    Ok(new_send(this.clone(), value.clone()))
}

fn new_throw(generator: Value, args: Option<Vec<Value>>) -> Value {
    new_object(Throw { header: Header::new(&THROW), generator, args, stage: Cell::new(Stage::Initial) })
}

fn athrow(this: &Value, args: &crate::types::tuple::Tuple) -> PyResult<Value> {
    generator(this)?.look_at_hooks()?;
    Ok(new_throw(this.clone(), Some(args.to_vec())))
}

fn aclose(this: &Value) -> PyResult<Value> {
    generator(this)?.look_at_hooks()?;
    Ok(new_throw(this.clone(), None))
}

fn stop_async_iteration() -> Raised {
    Raised::new(exceptions::instantiate(&STOP_ASYNC_ITERATION, Vec::new()))
}

fn reused(what: &str) -> Raised {
    runtime_error(format!("cannot reuse already awaited {what}"))
}

fn ends(raised: &Raised) -> bool {
    is_instance(raised, &STOP_ASYNC_ITERATION) || is_instance(raised, &GENERATOR_EXIT)
}

/// What a step of the generator means to whoever awaits it. As `async_gen_unwrap_value`: a wrapped value ends the wait.
fn unwrap(generator: &Generator, result: PyResult<Resumed>) -> PyResult<Value> {
    or_stop(unwrap_step(generator, result)?)
}

fn or_stop(step: Resumed) -> PyResult<Value> {
    match step {
        Resumed::Yielded(value) => Ok(value),
        Resumed::Returned(value) => Err(stop_iteration(Some(value))),
    }
}

/// As [`unwrap`]: a wrapped value is what the wait returns.
fn unwrap_step(generator: &Generator, result: PyResult<Resumed>) -> PyResult<Resumed> {
    match result {
        Ok(Resumed::Yielded(value)) => Ok(match value.exact::<Wrapped>() {
            Some(wrapped) => {
                generator.running_async().set(false);
                Resumed::Returned(wrapped.value.clone())
            }
            None => Resumed::Yielded(value),
        }),
        Ok(Resumed::Returned(_)) => {
            generator.closed().set(true);
            generator.running_async().set(false);
            Err(stop_async_iteration())
        }
        Err(raised) => {
            if ends(&raised) {
                generator.closed().set(true);
            }
            generator.running_async().set(false);
            Err(raised)
        }
    }
}

/// `generator.throw()` as a step.
fn throw_into(generator: &Value, ty: &Value, value: Option<&Value>, traceback: Option<&Value>) -> PyResult<Resumed> {
    generator::throw(generator, ty, value, traceback).map(Resumed::Yielded)
}

fn body_of_send(this: &Value) -> PyResult<(&Send, &Generator)> {
    match this.exact::<Send>() {
        Some(send) => Ok((send, generator(&send.generator)?)),
        None => Err(type_error("expected an async_generator_asend")),
    }
}

fn send_send(this: &Value, argument: &Value) -> PyResult<Value> {
    or_stop(send_step(this, argument)?)
}

/// `send` of what `asend` and `__anext__` give, for an `await`: no exception is made for the result.
pub(crate) fn send_step(this: &Value, argument: &Value) -> PyResult<Resumed> {
    let (send, running) = body_of_send(this)?;
    let mut argument = argument.clone();
    match send.stage.get() {
        Stage::Closed => return Err(reused("__anext__()/asend()")),
        Stage::Initial => {
            if running.running_async().get() {
                return Err(runtime_error("anext(): asynchronous generator is already running"));
            }
            if argument.is_none() {
                argument = send.value.clone();
            }
            send.stage.set(Stage::Iterating);
            running.running_async().set(true);
        }
        Stage::Iterating => {}
    }
    let result = unwrap_step(running, generator::resume(&send.generator, Ok(argument)));
    if !matches!(result, Ok(Resumed::Yielded(_))) {
        send.stage.set(Stage::Closed);
    }
    result
}

fn send_throw(this: &Value, ty: &Value, value: Option<&Value>, traceback: Option<&Value>) -> PyResult<Value> {
    let (send, running) = body_of_send(this)?;
    if send.stage.get() == Stage::Closed {
        return Err(reused("__anext__()/asend()"));
    }
    let result = unwrap(running, throw_into(&send.generator, ty, value, traceback));
    if result.is_err() {
        send.stage.set(Stage::Closed);
    }
    result
}

fn send_close(this: &Value) -> PyResult<()> {
    body_of_send(this)?.0.stage.set(Stage::Closed);
    Ok(())
}

fn body_of_throw(this: &Value) -> PyResult<(&Throw, &Generator)> {
    match this.exact::<Throw>() {
        Some(throw) => Ok((throw, generator(&throw.generator)?)),
        None => Err(type_error("expected an async_generator_athrow")),
    }
}

fn ignored_exit(generator: &Generator) -> Raised {
    generator.running_async().set(false);
    runtime_error("async generator ignored GeneratorExit")
}

/// The end of a step of `aclose()`: what a closed generator raises means that the wait is over.
fn closing(throw: &Throw, generator: &Generator, result: PyResult<Resumed>) -> PyResult<Value> {
    match result {
        Ok(Resumed::Yielded(value)) if value.is_exact::<Wrapped>() => Err(ignored_exit(generator)),
        Ok(Resumed::Yielded(value)) => Ok(value),
        Ok(Resumed::Returned(_)) => finish(throw, generator, stop_async_iteration()),
        Err(raised) => finish(throw, generator, raised),
    }
}

fn finish(throw: &Throw, generator: &Generator, raised: Raised) -> PyResult<Value> {
    generator.running_async().set(false);
    throw.stage.set(Stage::Closed);
    if ends(&raised) && throw.args.is_none() {
        return Err(stop_iteration(None));
    }
    Err(raised)
}

/// As `async_gen_athrow_send`.
fn throw_send(this: &Value, argument: &Value) -> PyResult<Value> {
    let (throw, running) = body_of_throw(this)?;
    if throw.stage.get() == Stage::Closed {
        return Err(reused("aclose()/athrow()"));
    }
    if running.state() == State::Finished {
        throw.stage.set(Stage::Closed);
        return Err(stop_iteration(None));
    }
    if throw.stage.get() == Stage::Initial {
        if running.running_async().get() {
            throw.stage.set(Stage::Closed);
            let what = if throw.args.is_none() { "aclose" } else { "athrow" };
            return Err(runtime_error(format!("{what}(): asynchronous generator is already running")));
        }
        if running.closed().get() {
            throw.stage.set(Stage::Closed);
            return Err(stop_async_iteration());
        }
        if !argument.is_none() {
            return Err(runtime_error("can't send non-None value to a just-started coroutine"));
        }
        throw.stage.set(Stage::Iterating);
        running.running_async().set(true);
        return match &throw.args {
            None => {
                running.closed().set(true);
                let exit = GENERATOR_EXIT.value();
                closing(throw, running, generator::throw_in(&throw.generator, false, &exit, None, None))
            }
            Some(args) => {
                let (Some(ty), true) = (args.first(), args.len() <= 3) else {
                    let (bound, count) = if args.is_empty() { ("least 1", "") } else { ("most 3", "s") };
                    return Err(type_error(format!("athrow expected at {bound} argument{count}, got {}", args.len())));
                };
                let result = generator::throw_in(&throw.generator, false, ty, args.get(1), args.get(2));
                unwrap(running, result).or_else(|raised| finish(throw, running, raised))
            }
        };
    }
    let result = generator::resume(&throw.generator, Ok(argument.clone()));
    match throw.args {
        Some(_) => unwrap(running, result),
        None => closing(throw, running, result),
    }
}

fn throw_throw(this: &Value, ty: &Value, value: Option<&Value>, traceback: Option<&Value>) -> PyResult<Value> {
    let (throw, running) = body_of_throw(this)?;
    if throw.stage.get() == Stage::Closed {
        return Err(reused("aclose()/athrow()"));
    }
    let result = throw_into(&throw.generator, ty, value, traceback);
    match throw.args {
        Some(_) => unwrap(running, result),
        None => closing(throw, running, result),
    }
}

fn throw_close(this: &Value) -> PyResult<()> {
    body_of_throw(this)?.0.stage.set(Stage::Closed);
    Ok(())
}
