//! `_thread._local`: attributes that each thread has its own of.

use crate::gc::Visit;
use crate::name;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_instance};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::{ValueCell, ValueVec};
use crate::object::{TypeFlags, TypeObject, attribute, call};
use crate::types::dict::Dict;
use crate::types::exceptions::{attribute_error, type_error};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::weakref;
use crate::vm::thread;
use std::cell::RefCell;

/// Thread-local attributes: for each thread its serial number and its dict.
#[repr(C)]
pub struct Local {
    header: Header,
    args: ValueCell,
    kwargs: ValueCell,
    threads: RefCell<Vec<u64>>,
    dicts: ValueVec,
}

payload!(Local, LOCAL, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.args.visit(visit);
        self.kwargs.visit(visit);
        self.dicts.for_each(visit);
    }
    fn clear_references(&self) {
        drop(self.args.take());
        drop(self.kwargs.take());
        self.threads.borrow_mut().clear();
        drop(self.dicts.take());
    }
});

/// Weak references to all of them: a thread that ends takes its dicts out.
static ALL: GilCell<ValueVec> = GilCell::new(ValueVec::new(Vec::new()));

/// The type object of thread-local attributes.
pub static LOCAL: TypeObject = TypeObject::define::<Local>("_thread._local")
    .flags(TypeFlags::BASE)
    .with_weakrefs()
    .doc("Thread-local data")
    .slots(Slots { new: Some(new), getattr: Some(getattr), setattr: Some(setattr), ..Slots::EMPTY });

fn is_plain_init(init: &Value) -> bool {
    crate::types::object::OBJECT.lookup(name!("__init__")).is_some_and(|plain| plain.is(init))
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(ty) = class.downcast::<TypeObject>() else { return Err(type_error("expected a type")) };
    let inherits = ty.lookup(name!("__init__")).is_none_or(|init| is_plain_init(&init));
    if inherits && (!args.is_empty() || kwnames.is_some()) {
        return Err(type_error("Initialization arguments are not supported"));
    }
    let (positional, keywords) = call::keywords_to_dict(args, kwnames)?;
    let local = new_instance(
        ty,
        Local {
            header: Header::new(ty),
            args: ValueCell::new(Some(Tuple::from_slice(positional))),
            kwargs: ValueCell::new(keywords),
            threads: RefCell::new(Vec::new()),
            dicts: ValueVec::default(),
        },
    );
    if let Some(body) = local.downcast::<Local>() {
        body.add();
    }
    // Dead ones go now and then.
    let all = ALL.get();
    if all.len() >= 64 && all.len().is_power_of_two() {
        let alive = all.take().into_iter().filter(|reference| weakref::referent_of(reference).is_some());
        drop(all.replace(alive.collect()));
    }
    if let Some(reference) = weakref::new_reference(&local) {
        all.push(reference);
    }
    Ok(local)
}

impl Local {
    fn of_thread(&self, serial: u64) -> Option<Value> {
        let index = self.threads.borrow().iter().position(|&thread| thread == serial)?;
        self.dicts.get(index)
    }

    /// A dict for the running thread.
    fn add(&self) -> Value {
        let dict = Dict::new_value();
        self.threads.borrow_mut().push(thread::current().serial());
        self.dicts.push(dict.clone());
        dict
    }

    fn forget(&self, serial: u64) {
        let index = self.threads.borrow().iter().position(|&thread| thread == serial);
        if let Some(index) = index {
            self.threads.borrow_mut().remove(index);
            drop(self.dicts.remove(index));
        }
    }
}

/// The dict of the running thread; a new one is filled by `__init__`. As `_ldict`.
fn dict_of(this: &Value) -> PyResult<Value> {
    let Some(local) = this.downcast::<Local>() else { return Err(type_error("expected a _thread._local")) };
    if let Some(dict) = local.of_thread(thread::current().serial()) {
        return Ok(dict);
    }
    let dict = local.add();
    if let Some(init) = this.ty().lookup(name!("__init__"))
        && !is_plain_init(&init)
    {
        let mut args = vec![this.clone()];
        if let Some(given) = local.args.get() {
            args.extend(given.downcast::<Tuple>().map(Tuple::to_vec).unwrap_or_default());
        }
        let kwargs = local.kwargs.get();
        if let Err(raised) = call::call_dict(&init, &args, kwargs.as_ref().and_then(|kwargs| kwargs.downcast::<Dict>()))
        {
            local.forget(thread::current().serial());
            return Err(raised);
        }
    }
    Ok(dict)
}

fn getattr(this: &Value, name: &Value) -> PyResult<Value> {
    let dict = dict_of(this)?;
    if name.downcast::<Str>().is_some_and(|name| name.equals_str("__dict__")) {
        return Ok(dict);
    }
    let ty = this.ty();
    let descriptor = ty.lookup(name);
    let getter = descriptor.as_ref().and_then(|found| found.ty().slot(|slots| slots.descr_get));
    if let (Some(found), Some(get)) = (&descriptor, getter)
        && found.ty().slot(|slots| slots.descr_set).is_some()
    {
        return get(found, Some(this), &ty.value());
    }
    if let Some(dict) = dict.downcast::<Dict>()
        && let Some(value) = dict.get(name)?
    {
        return Ok(value);
    }
    match (descriptor, getter) {
        (Some(found), Some(get)) => get(&found, Some(this), &this.ty().value()),
        (Some(found), None) => Ok(found),
        (None, _) => Err(attribute::no_attribute(this, name)),
    }
}

fn setattr(this: &Value, name: &Value, value: Option<&Value>) -> PyResult<()> {
    let dict = dict_of(this)?;
    let Some(text) = name.downcast::<Str>() else {
        return Err(type_error(format!("attribute name must be string, not '{}'", name.ty().name())));
    };
    if text.equals_str("__dict__") {
        return Err(attribute_error(format!("'{}' object attribute '__dict__' is read-only", this.ty().name())));
    }
    let descriptor = this.ty().lookup(name);
    if let Some(found) = &descriptor
        && let Some(set) = found.ty().slot(|slots| slots.descr_set)
    {
        return set(found, this, value);
    }
    let Some(dict) = dict.downcast::<Dict>() else { return Ok(()) };
    match value {
        Some(value) => dict.set(name, value.clone()),
        None => match dict.remove(name)? {
            Some(_) => Ok(()),
            None => Err(attribute_error(text.to_string_lossy())),
        },
    }
}

/// The running thread ends: what it kept in thread-local attributes dies.
pub(super) fn forget_thread() {
    let serial = thread::current().serial();
    for reference in ALL.get().snapshot() {
        if let Some(local) = weakref::referent_of(&reference)
            && let Some(local) = local.downcast::<Local>()
        {
            local.forget(serial);
        }
    }
}
