//! The type `collections.defaultdict`.

use crate::gc::Visit;
use crate::method;
use crate::modules::arguments::{body, class_or};
use crate::name;
use crate::object::arguments::positional;
use crate::object::dict_table::DictTable;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{GetSet, Method};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, call, iter, repr_guard, sequence, text};
use crate::types::dict::DICT;
use crate::types::exceptions::{key_error, type_error};
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;

/// The body of a defaultdict: that of a dict, and the factory.
#[repr(C)]
pub struct DefaultDict {
    header: Header,
    table: DictTable,
    factory: ValueCell,
}

payload!(DefaultDict, DEFAULT_DICT, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.factory.visit(visit);
        self.table.for_each(visit);
    }
    fn clear_references(&self) {
        drop(self.factory.take());
        drop(self.table.clear());
    }
});

/// The type object of `defaultdict`.
pub static DEFAULT_DICT: TypeObject = TypeObject::define::<DefaultDict>("collections.defaultdict")
    .base(&DICT)
    .flags(TypeFlags::BASE)
    .doc("defaultdict(default_factory[, ...]) --> dict with default factory\n\nThe default factory is called without arguments to produce\na new value when a key is not present, in __getitem__ only.\nA defaultdict compares equal to a dict with the same items.\nAll remaining arguments are treated the same as if they were\npassed to the dict constructor, including keyword arguments.\n")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(missing, "!__missing__($self, key, /)", "__missing__(key) # Called by __getitem__ for missing key; pseudo-code:\n  if self.default_factory is None: raise KeyError((key,))\n  self[key] = value = self.default_factory()\n  return value\n"),
        method!(copy, "!copy($self, /)", "D.copy() -> a shallow copy of D."),
        method!(copy, "!__copy__($self, /)", "D.copy() -> a shallow copy of D."),
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
    ] as &[Method])
    .getset(&[GetSet {
        name: "default_factory",
        get: |this| Ok(factory(this)?.unwrap_or(Value::NONE)),
        set: Some(|this, value| {
            body::<DefaultDict>(this)?.factory.set(value.cloned());
            Ok(())
        }),
        doc: Some("Factory for default value called by __missing__()."),
        member: true,
    }]);

fn factory(this: &Value) -> PyResult<Option<Value>> {
    Ok(body::<DefaultDict>(this)?.factory.get())
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &DEFAULT_DICT);
    let body = DefaultDict { header: Header::new(ty), table: DictTable::allocated(), factory: ValueCell::EMPTY };
    Ok(new_instance(ty, body))
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let body = body::<DefaultDict>(this)?;
    let mut rest = args;
    let mut factory = None;
    if let Some(first) = positional(args, kwnames).first() {
        if !call::is_callable(first) && !first.is_none() {
            return Err(type_error("first argument must be callable or None"));
        }
        factory = Some(first.clone());
        rest = args.get(1..).unwrap_or_default();
    }
    let _old = body.factory.replace(factory);
    DICT.slot(|slots| slots.init).map_or(Ok(()), |init| init(this, rest, kwnames))
}

fn missing(this: &Value, key: &Value) -> PyResult<Value> {
    let Some(factory) = factory(this)?.filter(|factory| !factory.is_none()) else { return Err(key_error(key)) };
    let value = call::call(&factory, &[])?;
    sequence::set_item(this, key, value.clone())?;
    Ok(value)
}

fn copy(this: &Value) -> PyResult<Value> {
    call::call(&this.ty().value(), &[factory(this)?.unwrap_or(Value::NONE), this.clone()])
}

fn reduce(this: &Value) -> PyResult<Value> {
    let factory = factory(this)?.filter(|factory| !factory.is_none());
    let arguments = Tuple::from_vec(factory.into_iter().collect());
    let items = iter::iter(&call::call_method(this, name!("items"), &[])?)?;
    Ok(Tuple::from_vec(vec![this.ty().value(), arguments, Value::NONE, Value::NONE, items]))
}

fn repr(this: &Value) -> PyResult<Value> {
    let items = DICT.slot(|slots| slots.repr).map_or(Ok(Value::NONE), |repr| repr(this))?;
    let factory = match factory(this)? {
        None => Str::new_value("None"),
        Some(factory) => match repr_guard::enter(&factory) {
            Some(_guard) => text::repr(&factory)?,
            None => Str::new_value("..."),
        },
    };
    let mut builder = StrBuilder::new();
    builder.push_str(this.ty().short_name());
    builder.push_str("(");
    if let Some(text) = factory.downcast::<Str>() {
        builder.push_value(text);
    }
    builder.push_str(", ");
    if let Some(text) = items.downcast::<Str>() {
        builder.push_value(text);
    }
    builder.push_str(")");
    Ok(builder.finish())
}
