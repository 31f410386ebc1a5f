//! Struct sequences: tuples whose items have names too, such as `sys.version_info`. Some have fields behind their items,
//! which only names reach, such as `time.struct_time.tm_zone`. As `Objects/structseq.c`.

use crate::object::error::PyResult;
use crate::object::instance::slot_cell;
use crate::object::native::{GetSet, Method};
use crate::object::slots::SlotId;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, call, iter, text};
use crate::types::dict::Dict;
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

/// The name of a field and its docstring.
pub type Field = (&'static str, &'static str);

const MAX_FIELDS: usize = 16;

fn item<const I: usize>(this: &Value) -> PyResult<Value> {
    Ok(field(this, I))
}

/// A field by its number; those that are no items are in the tail.
pub fn field(this: &Value, index: usize) -> Value {
    let Some(tuple) = this.downcast::<Tuple>() else { return Value::NONE };
    match tuple.get(index) {
        Some(item) => item.clone(),
        None => {
            let cell = index.checked_sub(tuple.len()).and_then(|index| slot_cell(this, index));
            cell.and_then(ValueCell::get).unwrap_or(Value::NONE)
        }
    }
}

type Getter = fn(&Value) -> PyResult<Value>;

const ITEMS: [Getter; MAX_FIELDS] = [
    item::<0>, item::<1>, item::<2>, item::<3>, item::<4>, item::<5>, item::<6>, item::<7>, item::<8>, item::<9>,
    item::<10>, item::<11>, item::<12>, item::<13>, item::<14>, item::<15>,
];

/// The members of a type with these fields.
pub const fn members<const N: usize>(fields: &[Field; N]) -> [GetSet; N] {
    let mut members = [const { GetSet::member("", item::<0>) }; N];
    let mut index = 0;
    while index < N {
        let member = &mut members[index];
        member.name = fields[index].0;
        member.get = ITEMS[index];
        // Some of CPython's fields have none.
        member.doc = if fields[index].1.is_empty() { None } else { Some(fields[index].1) };
        index += 1;
    }
    members
}

pub(crate) const METHODS: &[Method] = &[crate::method!(reduce, "!__reduce__($self, /)", "")];

/// Defines the type of a struct sequence: `struct_sequence!(NAME "module.name" "doc", [("field", "doc"), ...]);`, with more
/// fields in brackets behind that are no items.
#[macro_export]
macro_rules! struct_sequence {
    ($(#[$attribute:meta])* $static:ident $name:literal $doc:literal, [$($field:expr),* $(,)?]
        $(, hidden [$($hidden:expr),* $(,)?])?) => {
        $(#[$attribute])*
        pub static $static: $crate::object::TypeObject = {
            const FIELDS: &[$crate::types::struct_sequence::Field] = &[$($field,)* $($($hidden),*)?];
            const COUNT: usize = FIELDS.len();
            const VISIBLE: usize = [$($field),*].len();
            static MEMBERS: [$crate::object::native::GetSet; COUNT] =
                $crate::types::struct_sequence::members(&[$($field,)* $($($hidden),*)?]);
            $crate::object::TypeObject::define::<$crate::types::tuple::Tuple>($name)
                .base(&$crate::types::tuple::TUPLE)
                .flags($crate::object::TypeFlags::TUPLE)
                .variable_size($crate::types::tuple::size)
                .hidden_values((COUNT - VISIBLE) as u32)
                .doc($doc)
                .slots($crate::object::slots::Slots {
                    new: Some(|class, args, kwnames| {
                        $crate::types::struct_sequence::new(class, args, kwnames, FIELDS, VISIBLE)
                    }),
                    repr: Some(|this| $crate::types::struct_sequence::repr(this, FIELDS)),
                    ..$crate::object::slots::Slots::EMPTY
                })
                .methods($crate::types::struct_sequence::METHODS)
                .getset(&MEMBERS)
        };
    };
}

/// Completes a type that is set up: the numbers of its items and fields; one that programs may not create loses `__new__`.
pub(crate) fn complete(ty: &TypeObject, items: usize, creatable: bool) {
    let fields = items + ty.slot_count();
    let Some(dict) = ty.dict() else { return };
    let Some(dict) = dict.downcast::<Dict>() else { return };
    for (name, count) in [("n_sequence_fields", items), ("n_fields", fields), ("n_unnamed_fields", 0)] {
        dict.set_text(name, Value::int(count as i64));
    }
    if !creatable {
        ty.set_slot(SlotId::New, None);
        let _infallible = dict.remove(crate::name!("__new__"));
    }
    ty.modified();
}

/// A struct sequence of that type; what comes behind its items are the fields that are none.
pub fn new_value(ty: &TypeObject, mut items: Vec<Value>) -> Value {
    let hidden = items.split_off(items.len().saturating_sub(ty.slot_count()));
    let value = Tuple::instance_of(ty, items);
    for (index, field) in hidden.into_iter().enumerate() {
        if let Some(cell) = slot_cell(&value, index) {
            cell.set(Some(field));
        }
    }
    value
}

/// `T(sequence, dict={})`. As `structseq_new_impl`.
///
/// # Errors
/// `TypeError` when the argument is no sequence of the right length.
pub fn new(
    class: &Value,
    args: &[Value],
    kwnames: Option<&Value>,
    fields: &[Field],
    visible: usize,
) -> PyResult<Value> {
    let Some(ty) = class.downcast::<TypeObject>() else { return Err(type_error("expected a type")) };
    let (positional, keywords) = call::split_keywords(args, kwnames);
    let given = positional.len() + keywords.len();
    if given > 2 {
        return Err(type_error(format!(
            "structseq() takes at most 2 {}arguments ({given} given)",
            if positional.is_empty() { "keyword " } else { "" }
        )));
    }
    let mut sequence = positional.first().cloned();
    let mut dict = positional.get(1).cloned();
    let mut unknown = None;
    for (name, value) in keywords {
        match name.downcast::<Str>().map(Str::to_string_lossy).as_deref() {
            Some("sequence") if sequence.is_none() => sequence = Some(value.clone()),
            Some("dict") if dict.is_none() => dict = Some(value.clone()),
            Some("sequence") => {
                unknown = Some("argument for structseq() given by name ('sequence') and position (1)".to_owned());
            }
            Some("dict") => {
                unknown = Some("argument for structseq() given by name ('dict') and position (2)".to_owned());
            }
            other => {
                let other = other.unwrap_or_default();
                unknown = Some(format!("'{other}' is an invalid keyword argument for structseq()"));
            }
        }
    }
    let Some(sequence) = sequence else {
        return Err(type_error("structseq() missing required argument 'sequence' (pos 1)"));
    };
    if let Some(unknown) = unknown {
        return Err(type_error(unknown));
    }
    if sequence.ty().slot(|slots| slots.iter).is_none() && sequence.ty().slot(|slots| slots.getitem).is_none() {
        return Err(type_error("constructor requires a sequence"));
    }
    let mut items = iter::collect(&sequence)?;
    if dict.as_ref().is_some_and(|dict| dict.downcast::<Dict>().is_none()) {
        return Err(type_error(format!("{}() takes a dict as second arg, if any", ty.name())));
    }
    let given = items.len();
    if !(visible..=fields.len()).contains(&given) {
        let (bound, count) = match (fields.len() == visible, given < visible) {
            (true, _) => ("a", visible),
            (false, true) => ("an at least", visible),
            (false, false) => ("an at most", fields.len()),
        };
        return Err(type_error(format!("{}() takes {bound} {count}-sequence ({given}-sequence given)", ty.name())));
    }
    for (name, _) in fields.iter().skip(given) {
        let value = dict.as_ref().and_then(|dict| dict.downcast::<Dict>()).and_then(|dict| dict.get_text(name));
        items.push(value.unwrap_or(Value::NONE));
    }
    Ok(new_value(ty, items))
}

/// `module.name(field=item, ...)`.
///
/// # Errors
/// What the items' `__repr__` raises.
pub fn repr(this: &Value, fields: &[Field]) -> PyResult<Value> {
    let mut parts = Vec::new();
    if let Some(tuple) = this.downcast::<Tuple>() {
        for ((name, _), item) in fields.iter().zip(tuple.iter()) {
            parts.push(format!("{name}={}", text::repr_string(item)?));
        }
    }
    Ok(Str::new_value(&format!("{}({})", this.ty().name(), parts.join(", "))))
}

fn reduce(this: &Tuple) -> Value {
    let items = Tuple::from_slice(this.as_slice());
    let hidden = Dict::new_value();
    let value = Value::of(this);
    if let Some(hidden) = hidden.exact::<Dict>() {
        let fields = value.ty().own_getset().iter().enumerate().skip(this.len());
        for (index, member) in fields {
            hidden.set_text(member.name, field(&value, index));
        }
    }
    Tuple::from_vec(vec![value.ty().value(), Tuple::from_vec(vec![items, hidden])])
}
