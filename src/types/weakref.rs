//! Weak references: `weakref.ref` and the two types of proxies. The references to one object form a list that begins in
//! the object's tail (for types in the type object); neither end owns the other.
//!
//! As in CPython a list begins with the reference that has no callback and is exactly a `weakref.ref`, then the proxy that
//! has none; both are made once and given out again. Those behind come newest first, which is the order of callbacks.

use crate::gc::Visit;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::instance::weak_head;
use crate::object::native::{GetSet, Method};
use crate::object::slots::{BINARY_OPS, BinaryFn, BinaryOp, Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, call, compare, hash, iter, number, sequence, text};
use crate::types::exceptions::{REFERENCE_ERROR, instantiate, type_error};
use crate::types::str::Str;
use crate::vm::thread;
use crate::{method, name};
use std::cell::Cell;
use std::ptr;

/// Where the list of the weak references to one object begins.
#[repr(transparent)]
pub struct WeakHead(Cell<*const WeakRef>);

impl WeakHead {
    /// No references.
    #[allow(clippy::declare_interior_mutable_const, reason = "an initial value, copied at each use")]
    pub const EMPTY: WeakHead = WeakHead(Cell::new(ptr::null()));

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.get().is_null()
    }

    fn first(&self) -> Option<&WeakRef> {
        // SAFETY: a reference takes itself off the list when it dies.
        unsafe { self.0.get().as_ref() }
    }

    fn iter(&self) -> impl Iterator<Item = &WeakRef> {
        // SAFETY: as for first.
        std::iter::successors(self.first(), |reference| unsafe { reference.next.get().as_ref() })
    }

    /// The reference and the proxy that are shared.
    fn shared(&self) -> (Option<&WeakRef>, Option<&WeakRef>) {
        let mut references = self.iter().peekable();
        let basic = references.next_if(|first| first.is_plain() && ptr::eq(first.header.ty(), &REF));
        let proxy = references.next_if(|first| first.is_plain() && first.is_proxy());
        (basic, proxy)
    }

    /// Puts a reference behind another, or at the beginning.
    fn insert(&self, reference: &WeakRef, behind: Option<&WeakRef>) {
        let next = match behind {
            Some(behind) => behind.next.replace(reference),
            None => self.0.replace(reference),
        };
        reference.head.set(self);
        reference.previous.set(behind.map_or(ptr::null(), ptr::from_ref));
        reference.next.set(next);
        // SAFETY: as for first.
        if let Some(next) = unsafe { next.as_ref() } {
            next.previous.set(reference);
        }
    }
}

/// The body of a weak reference of any type.
#[repr(C)]
pub struct WeakRef {
    header: Header,
    /// The word of the object, not owned; 0 when it is gone.
    object: Cell<u64>,
    /// The beginning of the list that this is in; null when in none.
    head: Cell<*const WeakHead>,
    previous: Cell<*const WeakRef>,
    next: Cell<*const WeakRef>,
    callback: ValueCell,
    hash: Cell<Option<i64>>,
}

payload!(WeakRef, REF, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.callback.visit(visit);
    }
    fn clear_references(&self) {
        self.detach();
        drop(self.callback.take());
    }
});

impl Drop for WeakRef {
    fn drop(&mut self) {
        self.detach();
    }
}

/// The type object of `weakref.ref`.
pub static REF: TypeObject = TypeObject::define::<WeakRef>("weakref")
    .flags(TypeFlags::BASE)
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        call: Some(call_),
        repr: Some(repr),
        hash: Some(hash_),
        compare: Some(compare_),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .getset(&[GetSet::member("__callback__", |this| Ok(body(this)?.callback.get().unwrap_or(Value::NONE)))]);

const BINARY: [Option<BinaryFn>; BINARY_OPS] = [
    Some(binary::<0>),
    Some(binary::<1>),
    Some(binary::<2>),
    Some(binary::<3>),
    Some(binary::<4>),
    Some(binary::<5>),
    Some(binary::<6>),
    Some(binary::<7>),
    Some(binary::<8>),
    Some(binary::<9>),
    Some(binary::<10>),
    Some(binary::<11>),
    Some(binary::<12>),
    Some(binary::<13>),
];

const INPLACE: [Option<BinaryFn>; BINARY_OPS] = {
    let mut operators: [Option<BinaryFn>; BINARY_OPS] = [
        Some(inplace::<0>),
        Some(inplace::<1>),
        Some(inplace::<2>),
        Some(inplace::<3>),
        Some(inplace::<4>),
        Some(inplace::<5>),
        Some(inplace::<6>),
        None,
        Some(inplace::<8>),
        Some(inplace::<9>),
        Some(inplace::<10>),
        Some(inplace::<11>),
        Some(inplace::<12>),
        Some(inplace::<13>),
    ];
    operators[BinaryOp::Divmod as usize] = None;
    operators
};

fn binary<const OP: usize>(left: &Value, right: &Value) -> PyResult<Value> {
    number::binary(BinaryOp::ALL[OP], &referent(left)?, &referent(right)?)
}

fn inplace<const OP: usize>(left: &Value, right: &Value) -> PyResult<Value> {
    number::inplace(BinaryOp::ALL[OP], &referent(left)?, &referent(right)?)
}

const PROXY_SLOTS: Slots = Slots {
    binary: BINARY,
    inplace: INPLACE,
    power3: Some(|base, exponent, modulus| number::power(&referent(base)?, &referent(exponent)?, &referent(modulus)?)),
    negative: Some(|this| number::negative(&referent(this)?)),
    positive: Some(|this| number::positive(&referent(this)?)),
    absolute: Some(|this| number::absolute(&referent(this)?)),
    invert: Some(|this| number::invert(&referent(this)?)),
    int: Some(|this| call::call(&crate::types::int::INT.value(), &[referent(this)?])),
    float: Some(|this| Ok(Value::float(number::to_f64(&referent(this)?)?))),
    index: Some(|this| number::index(&referent(this)?)),
    bool: Some(|this| number::truth(&referent(this)?)),
    length: Some(|this| sequence::len(&referent(this)?)),
    getitem: Some(|this, key| sequence::get_item(&referent(this)?, key)),
    setitem: Some(|this, key, value| match value {
        Some(value) => sequence::set_item(&referent(this)?, key, value.clone()),
        None => sequence::delete_item(&referent(this)?, key),
    }),
    contains: Some(|this, item| sequence::contains(&referent(this)?, item)),
    iter: Some(|this| iter::iter(&referent(this)?)),
    next: Some(proxy_next),
    repr: Some(proxy_repr),
    str: Some(|this| text::str(&referent(this)?)),
    getattr: Some(|this, name| attribute::get(&referent(this)?, name)),
    setattr: Some(|this, name, value| attribute::set(&referent(this)?, name, value)),
    compare: Some(|left, right, op| compare::rich(&referent(left)?, &referent(right)?, op)),
    ..Slots::EMPTY
};

/// The type object of proxies.
pub static PROXY: TypeObject =
    TypeObject::define::<WeakRef>("weakproxy")
        .slots(PROXY_SLOTS)
        .methods(&[method!(proxy_bytes, "__bytes__(self)", "")] as &[Method]);

/// The type object of proxies of what can be called.
pub static CALLABLE_PROXY: TypeObject = TypeObject::define::<WeakRef>("weakcallableproxy").slots(Slots {
    call: Some(|this, args, kwnames| call::call_keywords(&referent(this)?, args, kwnames)),
    ..PROXY_SLOTS
});

/// The weak reference, of any type, that a value is.
fn of(value: &Value) -> Option<&WeakRef> {
    of_header(value.header()?)
}

fn of_header(header: &Header) -> Option<&WeakRef> {
    let ty = header.ty();
    let is_weak = ptr::eq(ty, &REF) || ptr::eq(ty, &PROXY) || ptr::eq(ty, &CALLABLE_PROXY) || ty.has_layout_of(&REF);
    // SAFETY: all of these types have this body.
    if is_weak { Some(unsafe { &*(header as *const Header as *const WeakRef) }) } else { None }
}

fn body(value: &Value) -> PyResult<&WeakRef> {
    of(value).ok_or_else(|| type_error("expected a weak reference"))
}

impl WeakRef {
    fn is_proxy(&self) -> bool {
        ptr::eq(self.header.ty(), &PROXY) || ptr::eq(self.header.ty(), &CALLABLE_PROXY)
    }

    /// Alive and without a callback.
    fn is_plain(&self) -> bool {
        !self.callback.is_some() && self.header.count() != 0
    }

    /// The object, while it is alive.
    pub fn get(&self) -> Option<Value> {
        let bits = self.object.get();
        if bits == 0 {
            return None;
        }
        // SAFETY: a dying object clears its weak references before its memory goes; one whose count is zero is not given
        // out any more.
        unsafe {
            if (*(bits as *const Header)).count() == 0 {
                return None;
            }
            (*(bits as *const Header)).increment();
            Some(Value::from_header(bits as *const Header))
        }
    }

    /// Takes the reference out of its list: it is dead from now on.
    fn detach(&self) {
        self.object.set(0);
        let head = self.head.replace(ptr::null());
        if head.is_null() {
            return;
        }
        let (previous, next) = (self.previous.replace(ptr::null()), self.next.replace(ptr::null()));
        // SAFETY: the list's object and the neighbours are alive while they are linked.
        unsafe {
            match previous.as_ref() {
                Some(previous) => previous.next.set(next),
                None => (*head).0.set(next),
            }
            if let Some(next) = next.as_ref() {
                next.previous.set(previous);
            }
        }
    }
}

/// A new weak reference of type `ty` to `object`, or one that is there already and serves.
///
/// # Errors
/// `TypeError` when the object's type does not allow weak references.
fn make(ty: &TypeObject, object: &Value, callback: Option<&Value>) -> PyResult<Value> {
    let callback = callback.filter(|callback| !callback.is_none());
    let refuse = || type_error(format!("cannot create weak reference to '{}' object", object.ty().name()));
    let head = object.header().and_then(weak_head).ok_or_else(refuse)?;
    let is_proxy = !ty.has_layout_of(&REF);
    let shareable = callback.is_none() && (is_proxy || ptr::eq(ty, &REF));
    let (basic, proxy) = head.shared();
    if shareable && let Some(known) = if is_proxy { proxy } else { basic } {
        return Ok(Value::of(known));
    }
    let value = new_instance(
        ty,
        WeakRef {
            header: Header::new(ty),
            object: Cell::new(object.bits()),
            head: Cell::new(ptr::null()),
            previous: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            callback: ValueCell::new(callback.cloned()),
            hash: Cell::new(None),
        },
    );
    let behind = match (shareable, is_proxy) {
        (true, false) => None,
        (true, true) => basic,
        (false, _) => proxy.or(basic),
    };
    head.insert(body(&value)?, behind);
    Ok(value)
}

/// `proxy(object, callback)`.
///
/// # Errors
/// As for `make`.
pub fn new_proxy(object: &Value, callback: Option<&Value>) -> PyResult<Value> {
    make(if call::is_callable(object) { &CALLABLE_PROXY } else { &PROXY }, object, callback)
}

/// A `weakref.ref` without a callback; none when the object's type does not allow weak references.
pub(crate) fn new_reference(object: &Value) -> Option<Value> {
    make(&REF, object, None).ok()
}

/// The object behind a weak reference, while it is alive.
pub(crate) fn referent_of(reference: &Value) -> Option<Value> {
    of(reference)?.get()
}

/// The weak references to an object, in the order of its list.
pub fn all(object: &Value) -> Vec<Value> {
    match object.header().and_then(weak_head) {
        Some(head) => head.iter().filter(|reference| reference.header.count() != 0).map(Value::of).collect(),
        None => Vec::new(),
    }
}

/// `object.__weakref__`: the first weak reference, or None.
///
/// # Errors
/// None.
pub fn first(object: &Value) -> PyResult<Value> {
    Ok(all(object).into_iter().next().unwrap_or(Value::NONE))
}

/// Whether the value is a weak reference whose object is gone; none when it is no weak reference.
pub fn is_dead(value: &Value) -> Option<bool> {
    of(value).map(|reference| reference.get().is_none())
}

fn call_with(callback: &Value, reference: &Value) {
    if let Err(raised) = call::call(callback, std::slice::from_ref(reference)) {
        thread::report_unraisable(raised, callback);
    }
}

/// Clears the weak references to a dying object and runs their callbacks, newest first.
#[cold]
pub(crate) fn clear_dying(head: &WeakHead) {
    let mut to_call = Vec::new();
    while let Some(reference) = head.first() {
        reference.detach();
        // One that is dying itself does not call back.
        if reference.callback.is_some() && reference.header.count() != 0 {
            to_call.push(Value::of(reference));
        }
    }
    for reference in &to_call {
        if let Some(callback) = of(reference).and_then(|reference| reference.callback.take()) {
            call_with(&callback, reference);
        }
    }
}

/// Clears the weak references to an object that is garbage; `each` gets those that have a callback.
pub(crate) fn clear_for_collector(object: &Header, each: &mut dyn FnMut(Value)) {
    let Some(head) = weak_head(object) else { return };
    while let Some(reference) = head.first() {
        reference.detach();
        if reference.callback.is_some() && reference.header.count() != 0 {
            each(Value::of(reference));
        }
    }
}

/// Clears an object that is garbage if it is a weak reference: it must not call back any more.
pub(crate) fn detach_if_weakref(object: &Header) {
    if let Some(reference) = of_header(object) {
        reference.detach();
    }
}

/// Runs the callback of a reference that the collector cleared. It stays visible, as in CPython.
pub(crate) fn call_back(reference: &Value) {
    if let Some(callback) = of(reference).and_then(|reference| reference.callback.get()) {
        call_with(&callback, reference);
    }
}

fn two_arguments<'a>(function: &str, args: &'a [Value]) -> PyResult<(&'a Value, Option<&'a Value>)> {
    match args {
        [object] => Ok((object, None)),
        [object, callback] => Ok((object, Some(callback))),
        [] => Err(type_error(format!("{function} expected at least 1 argument, got 0"))),
        _ => Err(type_error(format!("{function} expected at most 2 arguments, got {}", args.len()))),
    }
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(ty) = class.downcast::<TypeObject>() else { return Err(type_error("expected a type")) };
    let (object, callback) = two_arguments("__new__", call::split_keywords(args, kwnames).0)?;
    make(ty, object, callback)
}

fn init(_this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let (positional, keywords) = call::split_keywords(args, kwnames);
    if !keywords.is_empty() {
        return Err(type_error("ref() takes no keyword arguments"));
    }
    two_arguments("__init__", positional).map(drop)
}

fn call_(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    if !args.is_empty() {
        let (positional, keywords) = call::split_keywords(args, kwnames);
        let kind = if positional.is_empty() { "keyword " } else { "" };
        let given = positional.len() + keywords.len();
        let plural = if given == 0 { "" } else { "s" };
        return Err(type_error(format!("__call__() takes at most 0 {kind}argument{plural} ({given} given)")));
    }
    Ok(body(this)?.get().unwrap_or(Value::NONE))
}

fn repr(this: &Value) -> PyResult<Value> {
    let Some(object) = body(this)?.get() else {
        return Ok(Str::new_value(&format!("<weakref at {:#x}; dead>", this.bits())));
    };
    let name = attribute::lookup(&object, name!("__name__"))?;
    let name = name.and_then(|name| name.downcast::<Str>().map(|name| format!(" ({})", name.to_string_lossy())));
    Ok(Str::new_value(&format!(
        "<weakref at {:#x}; to '{}' at {:#x}{}>",
        this.bits(),
        object.ty().name(),
        object.bits(),
        name.unwrap_or_default()
    )))
}

fn hash_(this: &Value) -> PyResult<i64> {
    let body = body(this)?;
    if let Some(hash) = body.hash.get() {
        return Ok(hash);
    }
    let object = body.get().ok_or_else(|| type_error("weak object has gone away"))?;
    let hash = hash::hash(&object)?;
    body.hash.set(Some(hash));
    Ok(hash)
}

fn compare_(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Compare::Eq | Compare::Ne, Some(a), Some(b)) = (op, left.downcast::<WeakRef>(), right.downcast::<WeakRef>())
    else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    match (a.get(), b.get()) {
        (Some(a), Some(b)) => compare::rich(&a, &b, op),
        _ => Ok(Value::bool(left.is(right) == (op == Compare::Eq))),
    }
}

/// The object behind a proxy; any other value itself.
///
/// # Errors
/// `ReferenceError` when the object is gone.
fn referent(value: &Value) -> PyResult<Value> {
    match of(value) {
        Some(proxy) if proxy.is_proxy() => proxy.get().ok_or_else(|| {
            let message = Str::new_value("weakly-referenced object no longer exists");
            crate::object::error::Raised::new(instantiate(&REFERENCE_ERROR, vec![message]))
        }),
        _ => Ok(value.clone()),
    }
}

fn proxy_next(this: &Value) -> PyResult<Option<Value>> {
    let object = referent(this)?;
    match object.ty().slot(|slots| slots.next) {
        Some(next) => next(&object),
        None => Err(type_error(format!("'{}' object is not iterable", object.ty().name()))),
    }
}

fn proxy_repr(this: &Value) -> PyResult<Value> {
    let (name, bits) = match body(this)?.get() {
        Some(object) => (object.ty().name(), object.bits()),
        None => ("NoneType", Value::NONE.bits()),
    };
    Ok(Str::new_value(&format!("<weakproxy at {:#x} to {name} at {bits:#x}>", this.bits())))
}

fn proxy_bytes(this: &Value) -> PyResult<Value> {
    call::call_method(&referent(this)?, name!("__bytes__"), &[])
}
