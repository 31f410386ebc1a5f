//! Between slots and special methods: the slot functions of classes (which call a special method found on the type), and
//! how a slot is called as a method (`int.__add__`).

use super::attribute;
use super::call::{self, call_special};
use super::error::PyResult;
use super::gil::GilCell;
use super::number;
use super::sequence;
use super::slots::{BINARY_OPS, BinaryFn, BinaryOp, Compare, SlotFn, SlotId};
use super::ty::TypeObject;
use super::ty::static_str;
use super::value::Value;
use crate::name;
use crate::types::exceptions::{
    attribute_error, is_attribute_error, is_stop_iteration, overflow_error, stop_iteration_value, type_error,
    value_error,
};
use crate::types::int;
use crate::types::str::{Str, intern};
use crate::vm::thread;
use hashbrown::HashMap;
use std::cell::OnceCell;

/// How a slot's function is called as a method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrap {
    /// As the slot is: one operand, two operands, a call, ...
    Plain,
    /// The operands exchanged.
    Reflected,
    /// One of the six comparisons.
    Compare(Compare),
    /// Stores: key and value.
    Store,
    /// Deletes: key.
    Delete,
}

/// A special method and the slot it belongs to. As CPython's `slotdefs`.
pub struct SlotDef {
    /// The method.
    pub name: &'static str,
    /// The slot.
    pub id: SlotId,
    /// How the slot is called as this method.
    pub wrap: Wrap,
    /// What fills the slot of a class that defines the method.
    pub generic: SlotFn,
    /// The method's docstring.
    pub doc: &'static str,
    /// The method's parameters.
    pub signature: &'static str,
}

macro_rules! by_op {
    ($f:ident) => {
        [
            $f::<0>, $f::<1>, $f::<2>, $f::<3>, $f::<4>, $f::<5>, $f::<6>, $f::<7>, $f::<8>, $f::<9>, $f::<10>,
            $f::<11>, $f::<12>, $f::<13>,
        ]
    };
}

static BINARY: [BinaryFn; BINARY_OPS] = by_op!(slot_binary);
static INPLACE: [BinaryFn; BINARY_OPS] = by_op!(slot_inplace);

/// As SLOT1BINFULL.
fn slot_binary<const OP: usize>(left: &Value, right: &Value) -> PyResult<Value> {
    let op = BinaryOp::ALL[OP];
    let (name, reflected, _) = op.methods();
    let mine =
        |value: &Value| value.ty().slot(|slots| slots.binary[OP]).is_some_and(|f| f as usize == BINARY[OP] as usize);
    let same_type = std::ptr::eq(left.ty(), right.ty());
    let mut try_right = !same_type && mine(right);
    if mine(left) {
        if try_right && right.ty().is_subtype(left.ty()) && is_overloaded(left, right, reflected) {
            let result = call_or_not_implemented(right, reflected, left)?;
            if !result.is_not_implemented() {
                return Ok(result);
            }
            try_right = false;
        }
        let result = call_or_not_implemented(left, name, right)?;
        if !result.is_not_implemented() || same_type {
            return Ok(result);
        }
    }
    if try_right { call_or_not_implemented(right, reflected, left) } else { Ok(Value::NOT_IMPLEMENTED) }
}

/// Whether `right`'s type has another method `name` than `left`'s.
fn is_overloaded(left: &Value, right: &Value, name: &str) -> bool {
    let name = intern(name);
    match (left.ty().lookup(&name), right.ty().lookup(&name)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(a), Some(b)) => !a.is(&b),
    }
}

fn call_or_not_implemented(object: &Value, name: &str, argument: &Value) -> PyResult<Value> {
    Ok(call_special(object, &intern(name), std::slice::from_ref(argument))?.unwrap_or(Value::NOT_IMPLEMENTED))
}

fn slot_inplace<const OP: usize>(left: &Value, right: &Value) -> PyResult<Value> {
    match BinaryOp::ALL[OP].methods().2 {
        Some(name) => call_or_missing(left, name, right),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn call_or_missing(object: &Value, name: &str, argument: &Value) -> PyResult<Value> {
    match call_special(object, &intern(name), std::slice::from_ref(argument))? {
        Some(value) => Ok(value),
        None => Err(attribute_error(name)),
    }
}

fn required(object: &Value, name: &Value, args: &[Value]) -> PyResult<Value> {
    match call_special(object, name, args)? {
        Some(value) => Ok(value),
        None => Err(attribute::no_attribute(object, name)),
    }
}

fn slot_power3(base: &Value, exponent: &Value, modulus: &Value) -> PyResult<Value> {
    // As slot_nb_power: three-argument pow does not try the reflected method.
    match base.ty().lookup(name!("__pow__")) {
        Some(_) => required(base, name!("__pow__"), &[exponent.clone(), modulus.clone()]),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn slot_call(callable: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(found) = callable.ty().lookup(name!("__call__")) else {
        return Err(type_error(format!("'{}' object is not callable", callable.ty().name())));
    };
    let _depth = thread::enter_recursion(" while calling a Python object")?;
    if found.ty().has_flag(super::TypeFlags::METHOD_DESCRIPTOR) {
        let mut all = Vec::with_capacity(args.len() + 1);
        all.push(callable.clone());
        all.extend_from_slice(args);
        return call::call_keywords(&found, &all, kwnames);
    }
    let bound = match found.ty().slot(|slots| slots.descr_get) {
        Some(get) => get(&found, Some(callable), &callable.ty().value())?,
        None => found,
    };
    call::call_keywords(&bound, args, kwnames)
}

fn slot_new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let new = attribute::get_interned(class, name!("__new__"))?;
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(class.clone());
    all.extend_from_slice(args);
    call::call_keywords(&new, &all, kwnames)
}

fn slot_init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let Some(found) = this.ty().lookup(name!("__init__")) else { return Ok(()) };
    let result = if found.ty().has_flag(super::TypeFlags::METHOD_DESCRIPTOR) {
        let mut all = Vec::with_capacity(args.len() + 1);
        all.push(this.clone());
        all.extend_from_slice(args);
        call::call_keywords(&found, &all, kwnames)?
    } else {
        let bound = match found.ty().slot(|slots| slots.descr_get) {
            Some(get) => get(&found, Some(this), &this.ty().value())?,
            None => found,
        };
        call::call_keywords(&bound, args, kwnames)?
    };
    if result.is_none() {
        Ok(())
    } else {
        Err(type_error(format!("__init__() should return None, not '{}'", result.ty().name())))
    }
}

fn slot_finalize(this: &Value) {
    if let Err(raised) = call_special(this, name!("__del__"), &[]) {
        let source = this.ty().lookup(name!("__del__")).unwrap_or(Value::NONE);
        thread::report_unraisable(raised, &source);
    }
}

fn slot_repr(this: &Value) -> PyResult<Value> {
    match call_special(this, name!("__repr__"), &[])? {
        Some(value) => Ok(value),
        None => crate::types::object::default_repr(this),
    }
}

fn slot_str(this: &Value) -> PyResult<Value> {
    required(this, name!("__str__"), &[])
}

fn slot_hash(this: &Value) -> PyResult<i64> {
    let result = match this.ty().lookup(name!("__hash__")) {
        Some(found) if !found.is_none() => required(this, name!("__hash__"), &[])?,
        _ => return Err(super::hash::unhashable(this)),
    };
    if !int::is_int(&result) {
        return Err(type_error("__hash__ method should return an integer"));
    }
    match int::to_i64(&result) {
        Some(-1) => Ok(-2),
        Some(hash) => Ok(hash),
        None => int::hash(&result),
    }
}

/// `__getattribute__`, then `__getattr__` on AttributeError. As `slot_tp_getattr_hook`.
fn slot_getattr(this: &Value, name: &Value) -> PyResult<Value> {
    let result = required(this, name!("__getattribute__"), std::slice::from_ref(name));
    match result {
        Err(raised) if is_attribute_error(&raised) && this.ty().lookup(name!("__getattr__")).is_some() => {
            required(this, name!("__getattr__"), std::slice::from_ref(name))
        }
        other => other,
    }
}

fn slot_setattr(this: &Value, name: &Value, value: Option<&Value>) -> PyResult<()> {
    match value {
        Some(value) => required(this, name!("__setattr__"), &[name.clone(), value.clone()])?,
        None => required(this, name!("__delattr__"), std::slice::from_ref(name))?,
    };
    Ok(())
}

/// As `slot_tp_richcompare`, for which a method that cannot be bound is none.
fn slot_compare(this: &Value, other: &Value, op: Compare) -> PyResult<Value> {
    let Some(found) = this.ty().lookup(&intern(op.method())) else { return Ok(Value::NOT_IMPLEMENTED) };
    if found.ty().has_flag(super::TypeFlags::METHOD_DESCRIPTOR) {
        return call::call(&found, &[this.clone(), other.clone()]);
    }
    let callable = match found.ty().slot(|slots| slots.descr_get) {
        Some(get) => match get(&found, Some(this), &this.ty().value()) {
            Ok(callable) => callable,
            Err(_) => return Ok(Value::NOT_IMPLEMENTED),
        },
        None => found,
    };
    call::call(&callable, std::slice::from_ref(other))
}

fn slot_iter(this: &Value) -> PyResult<Value> {
    match this.ty().lookup(name!("__iter__")) {
        Some(found) if found.is_none() => Err(type_error(format!("'{}' object is not iterable", this.ty().name()))),
        Some(_) => required(this, name!("__iter__"), &[]),
        None if this.ty().lookup(name!("__getitem__")).is_some() => {
            Ok(crate::types::sequence_iterator::new(this.clone()))
        }
        None => Err(type_error(format!("'{}' object is not iterable", this.ty().name()))),
    }
}

fn slot_next(this: &Value) -> PyResult<Option<Value>> {
    match required(this, name!("__next__"), &[]) {
        Ok(value) => Ok(Some(value)),
        // A StopIteration with a value is passed on: `yield from` and `next()` want it.
        Err(raised) if is_stop_iteration(&raised) && stop_iteration_value(&raised).is_none() => Ok(None),
        Err(raised) => Err(raised),
    }
}

/// The next item of an iterator by its slot; a `StopIteration` that its `__next__` raised stays one.
pub(crate) fn next_or_stop(this: &Value, next: fn(&Value) -> PyResult<Option<Value>>) -> PyResult<Option<Value>> {
    if std::ptr::fn_addr_eq(next, slot_next as fn(&Value) -> PyResult<Option<Value>>) {
        return required(this, name!("__next__"), &[]).map(Some);
    }
    next(this)
}

/// Whether the end of an iterator is an exception that its `__next__` raises.
pub(crate) fn stops_by_exception(this: &Value) -> bool {
    let next = this.ty().slot(|slots| slots.next);
    next.is_some_and(|next| std::ptr::fn_addr_eq(next, slot_next as fn(&Value) -> PyResult<Option<Value>>))
}

fn slot_descr_get(this: &Value, object: Option<&Value>, owner: &Value) -> PyResult<Value> {
    let object = object.cloned().unwrap_or(Value::NONE);
    match call_special(this, name!("__get__"), &[object, owner.clone()])? {
        Some(value) => Ok(value),
        None => Ok(this.clone()),
    }
}

fn slot_descr_set(this: &Value, object: &Value, value: Option<&Value>) -> PyResult<()> {
    let (name, result) = match value {
        Some(value) => ("__set__", call_special(this, name!("__set__"), &[object.clone(), value.clone()])?),
        None => ("__delete__", call_special(this, name!("__delete__"), std::slice::from_ref(object))?),
    };
    // As call_method_unbound: the message is the name alone.
    result.map(drop).ok_or_else(|| attribute_error(name))
}

macro_rules! slot_unary {
    ($($function:ident $name:literal;)*) => {
        $(fn $function(this: &Value) -> PyResult<Value> {
            required(this, name!($name), &[])
        })*
    };
}

slot_unary! {
    slot_negative "__neg__";
    slot_positive "__pos__";
    slot_absolute "__abs__";
    slot_invert "__invert__";
    slot_int "__int__";
    slot_float "__float__";
    slot_index "__index__";
}

macro_rules! slot_async {
    ($($function:ident $name:literal $message:literal;)*) => {
        $(fn $function(this: &Value) -> PyResult<Value> {
            match call_special(this, name!($name), &[])? {
                Some(value) => Ok(value),
                None => Err(attribute_error(format!($message, this.ty().name()))),
            }
        })*
    };
}

slot_async! {
    slot_await "__await__" "object {} does not have __await__ method";
    slot_aiter "__aiter__" "object {} does not have __aiter__ method";
    slot_anext "__anext__" "object {} does not have __anext__ method";
}

fn slot_bool(this: &Value) -> PyResult<bool> {
    if this.ty().lookup(name!("__bool__")).is_some() {
        let result = required(this, name!("__bool__"), &[])?;
        if result.is_true() || result.is_false() {
            return Ok(result.is_true());
        }
        return Err(type_error(format!("__bool__ should return bool, returned {}", result.ty().name())));
    }
    if this.ty().lookup(name!("__len__")).is_some() {
        return Ok(slot_length(this)? != 0);
    }
    Ok(true)
}

fn slot_length(this: &Value) -> PyResult<usize> {
    let result = required(this, name!("__len__"), &[])?;
    let length = number::index(&result)?;
    if int::is_negative(&length) {
        return Err(value_error("__len__() should return >= 0"));
    }
    match int::to_i64(&length) {
        Some(length) => Ok(length as usize),
        None => Err(overflow_error("cannot fit 'int' into an index-sized integer")),
    }
}

fn slot_getitem(this: &Value, key: &Value) -> PyResult<Value> {
    required(this, name!("__getitem__"), std::slice::from_ref(key))
}

fn slot_setitem(this: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    match value {
        Some(value) => required(this, name!("__setitem__"), &[key.clone(), value.clone()])?,
        None => required(this, name!("__delitem__"), std::slice::from_ref(key))?,
    };
    Ok(())
}

fn slot_item(this: &Value, index: isize) -> PyResult<Value> {
    required(this, name!("__getitem__"), &[Value::int(index as i64)])
}

fn slot_contains(this: &Value, item: &Value) -> PyResult<bool> {
    match this.ty().lookup(name!("__contains__")) {
        Some(found) if found.is_none() => Err(type_error(format!("'{}' object is not a container", this.ty().name()))),
        Some(_) => number::truth(&required(this, name!("__contains__"), std::slice::from_ref(item))?),
        None => sequence::contains_by_iterating(this, item),
    }
}

macro_rules! defs {
    ($($name:literal $id:expr, $wrap:expr, $generic:expr, $signature:literal, $doc:literal;)*) => {
        &[$(SlotDef { name: $name, id: $id, wrap: $wrap, generic: $generic, signature: $signature, doc: $doc },)*]
    };
}

/// Every special method with a slot, but the arithmetic ones.
static PROTOCOL: &[SlotDef] = defs! {
    "__getattribute__" SlotId::Getattr, Wrap::Plain, SlotFn::Binary(slot_getattr), "($self, name, /)", "Return getattr(self, name).";
    "__getattr__" SlotId::Getattr, Wrap::Plain, SlotFn::Binary(slot_getattr), "", "";
    "__setattr__" SlotId::Setattr, Wrap::Store, SlotFn::Store(slot_setattr), "($self, name, value, /)", "Implement setattr(self, name, value).";
    "__delattr__" SlotId::Setattr, Wrap::Delete, SlotFn::Store(slot_setattr), "($self, name, /)", "Implement delattr(self, name).";
    "__repr__" SlotId::Repr, Wrap::Plain, SlotFn::Unary(slot_repr), "($self, /)", "Return repr(self).";
    "__hash__" SlotId::Hash, Wrap::Plain, SlotFn::Hash(slot_hash), "($self, /)", "Return hash(self).";
    "__call__" SlotId::Call, Wrap::Plain, SlotFn::Call(slot_call), "($self, /, *args, **kwargs)", "Call self as a function.";
    "__str__" SlotId::Str, Wrap::Plain, SlotFn::Unary(slot_str), "($self, /)", "Return str(self).";
    "__lt__" SlotId::Compare, Wrap::Compare(Compare::Lt), SlotFn::Compare(slot_compare), "($self, value, /)", "Return self<value.";
    "__le__" SlotId::Compare, Wrap::Compare(Compare::Le), SlotFn::Compare(slot_compare), "($self, value, /)", "Return self<=value.";
    "__eq__" SlotId::Compare, Wrap::Compare(Compare::Eq), SlotFn::Compare(slot_compare), "($self, value, /)", "Return self==value.";
    "__ne__" SlotId::Compare, Wrap::Compare(Compare::Ne), SlotFn::Compare(slot_compare), "($self, value, /)", "Return self!=value.";
    "__gt__" SlotId::Compare, Wrap::Compare(Compare::Gt), SlotFn::Compare(slot_compare), "($self, value, /)", "Return self>value.";
    "__ge__" SlotId::Compare, Wrap::Compare(Compare::Ge), SlotFn::Compare(slot_compare), "($self, value, /)", "Return self>=value.";
    "__iter__" SlotId::Iter, Wrap::Plain, SlotFn::Unary(slot_iter), "($self, /)", "Implement iter(self).";
    "__next__" SlotId::Next, Wrap::Plain, SlotFn::Next(slot_next), "($self, /)", "Implement next(self).";
    "__get__" SlotId::DescrGet, Wrap::Plain, SlotFn::Get(slot_descr_get), "($self, instance, owner, /)", "Return an attribute of instance, which is of type owner.";
    "__set__" SlotId::DescrSet, Wrap::Store, SlotFn::Store(slot_descr_set), "($self, instance, value, /)", "Set an attribute of instance to value.";
    "__delete__" SlotId::DescrSet, Wrap::Delete, SlotFn::Store(slot_descr_set), "($self, instance, /)", "Delete an attribute of instance.";
    "__init__" SlotId::Init, Wrap::Plain, SlotFn::Init(slot_init), "($self, /, *args, **kwargs)", "Initialize self.  See help(type(self)) for accurate signature.";
    "__new__" SlotId::New, Wrap::Plain, SlotFn::Call(slot_new), "", "";
    "__del__" SlotId::Finalize, Wrap::Plain, SlotFn::Finalize(slot_finalize), "", "";
    "__await__" SlotId::Await, Wrap::Plain, SlotFn::Unary(slot_await), "($self, /)", "Return an iterator to be used in await expression.";
    "__aiter__" SlotId::Aiter, Wrap::Plain, SlotFn::Unary(slot_aiter), "($self, /)", "Return an awaitable, that resolves in asynchronous iterator.";
    "__anext__" SlotId::Anext, Wrap::Plain, SlotFn::Unary(slot_anext), "($self, /)", "Return a value or raise StopAsyncIteration.";
    "__neg__" SlotId::Negative, Wrap::Plain, SlotFn::Unary(slot_negative), "($self, /)", "-self";
    "__pos__" SlotId::Positive, Wrap::Plain, SlotFn::Unary(slot_positive), "($self, /)", "+self";
    "__abs__" SlotId::Absolute, Wrap::Plain, SlotFn::Unary(slot_absolute), "($self, /)", "abs(self)";
    "__invert__" SlotId::Invert, Wrap::Plain, SlotFn::Unary(slot_invert), "($self, /)", "~self";
    "__bool__" SlotId::Bool, Wrap::Plain, SlotFn::Bool(slot_bool), "($self, /)", "self != 0";
    "__int__" SlotId::Int, Wrap::Plain, SlotFn::Unary(slot_int), "($self, /)", "int(self)";
    "__float__" SlotId::Float, Wrap::Plain, SlotFn::Unary(slot_float), "($self, /)", "float(self)";
    "__index__" SlotId::Index, Wrap::Plain, SlotFn::Unary(slot_index), "($self, /)", "Return self converted to an integer, if self is suitable for use as an index into a list.";
    "__len__" SlotId::Length, Wrap::Plain, SlotFn::Len(slot_length), "($self, /)", "Return len(self).";
    "__getitem__" SlotId::Getitem, Wrap::Plain, SlotFn::Binary(slot_getitem), "($self, key, /)", "Return self[key].";
    "__getitem__" SlotId::Item, Wrap::Plain, SlotFn::Item(slot_item), "($self, key, /)", "Return self[key].";
    "__setitem__" SlotId::Setitem, Wrap::Store, SlotFn::Store(slot_setitem), "($self, key, value, /)", "Set self[key] to value.";
    "__delitem__" SlotId::Setitem, Wrap::Delete, SlotFn::Store(slot_setitem), "($self, key, /)", "Delete self[key].";
    "__contains__" SlotId::Contains, Wrap::Plain, SlotFn::Contains(slot_contains), "($self, key, /)", "Return key in self.";
};

/// The special methods of sequences that share a name with an arithmetic one; they fill slots of builtin types only.
static SEQUENCE: &[(&str, SlotId, Wrap, &str)] = &[
    ("__add__", SlotId::Concat, Wrap::Plain, "Return self+value."),
    ("__mul__", SlotId::Repeat, Wrap::Plain, "Return self*value."),
    ("__rmul__", SlotId::Repeat, Wrap::Plain, "Return value*self."),
    ("__iadd__", SlotId::InplaceConcat, Wrap::Plain, "Implement self+=value."),
    ("__imul__", SlotId::InplaceRepeat, Wrap::Plain, "Implement self*=value."),
];

/// A special method that a type's slot gives it: name, slot, how it is called, docstring and signature.
pub struct Special {
    /// The method's name.
    pub name: &'static str,
    /// The slot.
    pub id: SlotId,
    /// How the slot is called as the method.
    pub wrap: Wrap,
    /// The docstring.
    pub doc: &'static str,
    /// The parameters.
    pub signature: &'static str,
}

/// All special methods that slots give to builtin types, in CPython's order of precedence.
pub fn specials() -> &'static [Special] {
    static LIST: GilCell<OnceCell<Vec<Special>>> = GilCell::new(OnceCell::new());
    LIST.get().get_or_init(|| list_specials().collect())
}

fn list_specials() -> impl Iterator<Item = Special> {
    // The getter of builtin types is `__getattribute__` alone, and `__new__` is no wrapper.
    let protocol = PROTOCOL.iter().filter(|def| !matches!(def.name, "__getattr__" | "__new__")).map(|def| Special {
        name: def.name,
        id: def.id,
        wrap: def.wrap,
        doc: def.doc,
        signature: def.signature,
    });
    let binary = BinaryOp::ALL.into_iter().flat_map(|op| {
        let (name, reflected, inplace) = op.methods();
        let call = |left: &str, right: &str| match op {
            BinaryOp::Divmod => format!("Return divmod({left}, {right})."),
            BinaryOp::Power => format!("Return pow({left}, {right}, mod)."),
            _ => format!("Return {left}{}{right}.", op.symbol()),
        };
        let signature = if op == BinaryOp::Power { "($self, value, mod=None, /)" } else { "($self, value, /)" };
        [
            Some((name, SlotId::Binary(op), Wrap::Plain, call("self", "value"))),
            Some((reflected, SlotId::Binary(op), Wrap::Reflected, call("value", "self"))),
            inplace.map(|name| {
                let doc = format!("Return self{}value.", op.inplace_symbol());
                (name, SlotId::Inplace(op), Wrap::Plain, doc)
            }),
        ]
        .into_iter()
        .flatten()
        .map(move |(name, id, wrap, doc)| Special { name, id, wrap, doc: static_str(&doc), signature })
    });
    let sequence = SEQUENCE.iter().map(|(name, id, wrap, doc)| Special {
        name,
        id: *id,
        wrap: *wrap,
        doc,
        signature: "($self, value, /)",
    });
    protocol.chain(binary).chain(sequence)
}

/// A special method that a class may define, and the slot that it concerns.
pub struct Definition {
    /// The method's name, interned.
    pub name: Value,
    /// The slot.
    pub id: SlotId,
    /// How the slot is called as this method.
    pub wrap: Wrap,
    /// What fills the slot of a class that defines the method.
    pub generic: SlotFn,
}

/// All of them, with the numbers of those of a name and of a slot.
struct Definitions {
    list: Vec<Definition>,
    by_name: HashMap<&'static str, Vec<usize>>,
    by_slot: HashMap<SlotId, Vec<usize>>,
}

fn definitions() -> &'static Definitions {
    static DEFINITIONS: GilCell<OnceCell<Definitions>> = GilCell::new(OnceCell::new());
    DEFINITIONS.get().get_or_init(|| {
        let mut made = Definitions { list: Vec::new(), by_name: HashMap::new(), by_slot: HashMap::new() };
        let mut add = |name: &'static str, id: SlotId, wrap: Wrap, generic: SlotFn| {
            made.by_name.entry(name).or_default().push(made.list.len());
            made.by_slot.entry(id).or_default().push(made.list.len());
            made.list.push(Definition { name: intern(name), id, wrap, generic });
        };
        for def in PROTOCOL {
            add(def.name, def.id, def.wrap, def.generic);
        }
        for op in BinaryOp::ALL {
            let (plain, reflected, inplace) = op.methods();
            add(plain, SlotId::Binary(op), Wrap::Plain, SlotFn::Binary(BINARY[op as usize]));
            if op == BinaryOp::Power {
                add(plain, SlotId::Power3, Wrap::Plain, SlotFn::Ternary(slot_power3));
            }
            add(reflected, SlotId::Binary(op), Wrap::Reflected, SlotFn::Binary(BINARY[op as usize]));
            if let Some(inplace) = inplace {
                add(inplace, SlotId::Inplace(op), Wrap::Plain, SlotFn::Binary(INPLACE[op as usize]));
            }
        }
        made
    })
}

/// The slots that a special method's name concerns.
pub fn slots_of(name: &str) -> impl Iterator<Item = SlotId> {
    let all = definitions();
    all.by_name.get(name).into_iter().flatten().map(|&index| all.list[index].id)
}

/// The special methods that concern a slot.
pub fn definitions_of(id: SlotId) -> impl ExactSizeIterator<Item = &'static Definition> {
    let all = definitions();
    all.by_slot.get(&id).map_or(&[][..], Vec::as_slice).iter().map(|&index| &all.list[index])
}

fn expect_args(args: &[Value], min: usize, max: usize) -> PyResult<()> {
    // As check_num_args; more than one argument goes through PyArg_UnpackTuple, whose message begins with an empty name.
    if (min..=max).contains(&args.len()) {
        return Ok(());
    }
    if min == max {
        return Err(type_error(format!(
            "{}expected {min} argument{}, got {}",
            if min > 1 { " " } else { "" },
            if min == 1 { "" } else { "s" },
            args.len()
        )));
    }
    let (word, bound) = if args.len() < min { ("at least", min) } else { ("at most", max) };
    Err(type_error(format!(
        " expected {word} {bound} argument{}, got {}",
        if bound == 1 { "" } else { "s" },
        args.len()
    )))
}

/// `object.__setattr__` and its kin may not get around the setter of a builtin type. As `hackcheck`.
fn check_native_setter(function: usize, owner: &TypeObject, name: &Value, this: &Value) -> PyResult<()> {
    if owner.slot(|slots| slots.setattr).is_none_or(|setter| setter as usize != function) {
        return Ok(());
    }
    let mut native = this.ty();
    while native.is_heap_type() {
        match native.base_type() {
            Some(base) => native = base,
            None => break,
        }
    }
    if native.slot(|slots| slots.setattr).is_some_and(|setter| setter as usize != function) {
        let name = name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
        return Err(type_error(format!("can't apply this {name} to {} object", native.name())));
    }
    Ok(())
}

/// Calls a slot's function as a method of `this`: what a `wrapper_descriptor` does.
///
/// # Errors
/// `TypeError` for a wrong number of arguments, or what the slot raises.
pub fn call_slot(
    function: SlotFn,
    wrap: Wrap,
    owner: &TypeObject,
    name: &Value,
    this: &Value,
    args: &[Value],
    kwnames: Option<&Value>,
) -> PyResult<Value> {
    if kwnames.is_some() && !matches!(function, SlotFn::Call(_) | SlotFn::Init(_)) {
        let name = name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
        return Err(type_error(format!("wrapper {name}() takes no keyword arguments")));
    }
    match function {
        SlotFn::Call(f) => f(this, args, kwnames),
        SlotFn::Init(f) => f(this, args, kwnames).map(|()| Value::NONE),
        SlotFn::Unary(f) => {
            expect_args(args, 0, 0)?;
            f(this)
        }
        SlotFn::Binary(f) => {
            let ternary = owner.slot(|slots| slots.power3);
            let is_power =
                owner.slot(|slots| slots.binary[BinaryOp::Power as usize]).is_some_and(|p| p as usize == f as usize);
            if is_power {
                expect_args(args, 1, 2)?;
                if let [other, modulus] = args
                    && !modulus.is_none()
                {
                    return match (ternary, wrap) {
                        (Some(f), Wrap::Reflected) => f(other, this, modulus),
                        (Some(f), _) => f(this, other, modulus),
                        (None, _) => Ok(Value::NOT_IMPLEMENTED),
                    };
                }
            } else {
                // Repetition of sequences unpacks its argument, all other operations count.
                let repeats = ["__mul__", "__rmul__", "__imul__"];
                if args.len() != 1
                    && owner.slot(|slots| slots.length).is_some()
                    && name.downcast::<Str>().is_some_and(|name| repeats.iter().any(|text| name.equals_str(text)))
                {
                    return Err(type_error(format!(" expected 1 argument, got {}", args.len())));
                }
                expect_args(args, 1, 1)?;
            }
            if wrap == Wrap::Reflected { f(&args[0], this) } else { f(this, &args[0]) }
        }
        SlotFn::Ternary(f) => {
            expect_args(args, 2, 2)?;
            f(this, &args[0], &args[1])
        }
        SlotFn::Bool(f) => {
            expect_args(args, 0, 0)?;
            f(this).map(Value::bool)
        }
        SlotFn::Len(f) => {
            expect_args(args, 0, 0)?;
            f(this).map(|len| Value::int(len as i64))
        }
        SlotFn::Hash(f) => {
            expect_args(args, 0, 0)?;
            f(this).map(Value::int)
        }
        SlotFn::Contains(f) => {
            expect_args(args, 1, 1)?;
            f(this, &args[0]).map(Value::bool)
        }
        SlotFn::Store(f) => {
            check_native_setter(f as usize, owner, name, this)?;
            if (name.is(&intern("__setitem__")) || name.is(&intern("__delitem__")))
                && owner.slot(|slots| slots.item).is_some()
                && owner.slot(|slots| slots.getitem).is_none()
                && let Some(key) = args.first()
                && !number::is_index(key)
            {
                // The wrapper of a sequence's slot converts the index, before the sequence sees it.
                number::index(key)?;
            }
            if wrap == Wrap::Delete {
                expect_args(args, 1, 1)?;
                f(this, &args[0], None)?;
            } else {
                expect_args(args, 2, 2)?;
                f(this, &args[0], Some(&args[1]))?;
            }
            Ok(Value::NONE)
        }
        SlotFn::Item(f) => {
            expect_args(args, 1, 1)?;
            let index = number::index_for_item(&args[0])?;
            f(this, index)
        }
        SlotFn::Compare(f) => {
            expect_args(args, 1, 1)?;
            match wrap {
                Wrap::Compare(op) => f(this, &args[0], op),
                _ => Ok(Value::NOT_IMPLEMENTED),
            }
        }
        SlotFn::Next(f) => {
            expect_args(args, 0, 0)?;
            match f(this)? {
                Some(value) => Ok(value),
                None => Err(thread::stop_iteration(None)),
            }
        }
        SlotFn::Get(f) => {
            expect_args(args, 1, 2)?;
            let object = args.first().filter(|object| !object.is_none());
            let owner = args.get(1).filter(|owner| !owner.is_none());
            match (object, owner) {
                (None, None) => Err(type_error("__get__(None, None) is invalid")),
                (object, Some(owner)) => f(this, object, owner),
                (Some(object), None) => f(this, Some(object), &object.ty().value()),
            }
        }
        SlotFn::Finalize(f) => {
            expect_args(args, 0, 0)?;
            f(this);
            Ok(Value::NONE)
        }
    }
}
