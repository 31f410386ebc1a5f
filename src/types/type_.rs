//! The type `type`: making classes, the method resolution order, keeping slots right.

use crate::method;
use crate::name;
use crate::object::attribute;
use crate::object::call::{self, call_with_self};
use crate::object::error::PyResult;
use crate::object::native::{GetSet, Method, MethodKind};
use crate::object::slot_functions;
use crate::object::slots::{SlotFn, SlotId, Slots};
use crate::object::text;
use crate::object::ty::HeapLayout;
use crate::object::value::Value;
use crate::object::{TypeFlags, TypeObject};
use crate::types::builtin_function::BuiltinFunction;
use crate::types::cell::Cell;
use crate::types::class_method::{ClassMethod, StaticMethod};
use crate::types::descriptor::{self, WrapperDescriptor};
use crate::types::dict::Dict;
use crate::types::exceptions::{attribute_error, runtime_error, type_error, value_error};
use crate::types::function::Function;
use crate::types::layout;
use crate::types::list::List;
use crate::types::mapping_proxy;
use crate::types::object::OBJECT;
use crate::types::str::{Str, StrBuilder, intern, intern_value};
use crate::types::tuple::Tuple;

/// The type object of `type`.
pub static TYPE: TypeObject = TypeObject::define::<TypeObject>("type")
    .flags(TypeFlags::BASE.and(TypeFlags::TYPE))
    .doc("type(object_or_name, bases, dict)\ntype(object) -> the object's type\ntype(name, bases, dict) -> a new type")
    .slots(Slots {
        call: Some(call_type),
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        getattr: Some(attribute::type_get),
        setattr: Some(set_attribute),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(GETSET);

const METHODS: &[Method] = &[
    method!(mro_method, "mro($self, /)", "Return a type's method resolution order."),
    method!(subclasses, "__subclasses__($self, /)", "Return a list of immediate subclasses."),
    method!(instancecheck, "__instancecheck__($self, instance, /)", "Check if an object is an instance."),
    method!(subclasscheck, "__subclasscheck__($self, subclass, /)", "Check if a class is a subclass."),
    method!(dir, "__dir__($self, /)", "Specialized __dir__ implementation for types."),
    method!(sizeof, "__sizeof__($self, /)", "Return memory consumption of the type object."),
    method!(
        class prepare,
        "!__prepare__($type, *args, **kwargs)",
        "__prepare__() -> dict\nused to create the namespace for the class statement"
    ),
];

const GETSET: &[GetSet] = &[
    GetSet::new("__name__", |this| Ok(Str::new_value(ty(this)?.short_name())), set_name),
    GetSet::new("__qualname__", qualname_value, set_qualname),
    GetSet::new("__bases__", |this| Ok(ty(this)?.bases().unwrap_or_else(Tuple::empty)), set_bases),
    GetSet::new("__module__", module_value, set_module),
    GetSet::new("__abstractmethods__", abstract_methods, set_abstract_methods),
    GetSet::read_only("__dict__", |this| Ok(ty(this)?.dict().map_or(Value::NONE, mapping_proxy::new))),
    GetSet::new("__doc__", doc, set_doc),
    GetSet::read_only("__text_signature__", |this| {
        Ok(layout::text_signature(ty(this)?).map_or(Value::NONE, Str::new_value))
    }),
    GetSet::member("__base__", |this| Ok(ty(this)?.base_type().map_or(Value::NONE, TypeObject::value))),
    GetSet::member("__mro__", |this| Ok(ty(this)?.mro().unwrap_or(Value::NONE))),
    GetSet::member("__flags__", |this| Ok(Value::int(layout::flags(ty(this)?) as i64))),
    GetSet::member("__basicsize__", |this| Ok(Value::int(layout::of(ty(this)?).basic_size))),
    GetSet::member("__itemsize__", |this| Ok(Value::int(layout::of(ty(this)?).item_size))),
    GetSet::member("__dictoffset__", |this| Ok(Value::int(layout::of(ty(this)?).dict_offset))),
    GetSet::member("__weakrefoffset__", |this| Ok(Value::int(layout::of(ty(this)?).weakref_offset))),
];

fn ty(value: &Value) -> PyResult<&TypeObject> {
    value.downcast::<TypeObject>().ok_or_else(|| type_error(format!("expected a type, not '{}'", value.ty().name())))
}

fn dict_of(ty: &TypeObject) -> Value {
    ty.dict().unwrap_or_else(Dict::new_value)
}

fn with_dict<R>(ty: &TypeObject, each: impl FnOnce(&Dict) -> R) -> Option<R> {
    let dict = ty.dict()?;
    dict.downcast::<Dict>().map(each)
}

// ---------------------------------------------------------------------------------------------------------------------
// Builtin types

/// Sets up a builtin type. As `PyType_Ready`.
pub(crate) fn ready_static(ty: &'static TypeObject) -> PyResult<()> {
    if ty.has_flag(TypeFlags::READY) {
        return Ok(());
    }
    let own = ty.all_slots();
    ty.set_own_slots(own_slots(&own, ty.base_type().is_some()));
    let base = ty.base_type();
    let mut mro = vec![ty.value()];
    if let Some(base) = base {
        ty.inherit_layout(base);
        let mut slots = own;
        let mut inherited = base.all_slots();
        if own.compare.is_some() && own.hash.is_none() {
            // As inherit_slots: who redefines comparison does not get the hash.
            inherited.hash = None;
        }
        if std::ptr::eq(base, &OBJECT) {
            inherited.new = None;
            inherited.init = None;
        }
        slots.inherit(&inherited);
        if slots.init.is_none() {
            slots.init = OBJECT.slot(|s| s.init).filter(|_| slots.new.is_some());
        }
        ty.set_slots(&slots);
        ty.set_bases(Tuple::from_slice(&[base.value()]));
        if let Some(base_mro) = base.mro()
            && let Some(base_mro) = base_mro.exact::<Tuple>()
        {
            mro.extend_from_slice(base_mro.as_slice());
        }
        base.add_subclass(ty);
    } else {
        ty.set_bases(Tuple::empty());
    }
    ty.lay_out();
    ty.set_mro(Tuple::from_vec(mro));
    if ty.slot(|slots| slots.finalize).is_none() && ty.tail_size() == 0 && !ty.has_flag(TypeFlags::TYPE) {
        ty.change_flags(TypeFlags::PLAIN_DROP, true);
    }
    ty.change_flags(TypeFlags::READY, true);
    Ok(())
}

/// In [`own_slots`]: the type redefines comparison and so has no hash.
const UNHASHABLE: u32 = 126;
/// In [`own_slots`]: the type makes its instances itself.
const OWN_NEW: u32 = 127;

/// Which slots a builtin type fills itself: a bit for every entry of [`slot_functions::specials`], and two more.
fn own_slots(own: &Slots, has_base: bool) -> [u64; 2] {
    let specials = slot_functions::specials();
    debug_assert!(specials.len() <= UNHASHABLE as usize);
    let filled = specials.iter().enumerate().filter(|(_, special)| own.get(special.id).is_some());
    let mut bits = filled.fold(0u128, |bits, (index, _)| bits | 1 << index);
    bits |= u128::from(own.compare.is_some() && own.hash.is_none() && has_base) << UNHASHABLE;
    bits |= u128::from(own.new.is_some()) << OWN_NEW;
    [bits as u64, (bits >> 64) as u64]
}

/// Makes the dict of a builtin type when it is first looked at: many never are. As `add_operators`, `add_methods`,
/// `add_getset` and `add_members`.
pub(crate) fn fill_static_dict(
    ty: &TypeObject,
    methods: &'static [Method],
    getset: &'static [GetSet],
    own: [u64; 2],
) -> Value {
    let dict_value = Dict::new_value();
    ty.set_dict(dict_value.clone());
    let Some(dict) = dict_value.exact::<Dict>() else { return dict_value };
    let slots = ty.all_slots();
    let has = |index: u32| own[index as usize / 64] >> (index % 64) & 1 != 0;
    for (index, special) in slot_functions::specials().iter().enumerate() {
        if has(index as u32)
            && let Some(function) = slots.get(special.id)
            && dict.get_text(special.name).is_none()
        {
            let wrapper = descriptor::new_wrapper(
                ty,
                special.name,
                special.id,
                special.wrap,
                function,
                special.doc,
                special.signature,
            );
            dict.set_text(special.name, wrapper);
        }
    }
    if has(UNHASHABLE) {
        dict.set_text("__hash__", Value::NONE);
    }
    if let Some(new) = slots.new.filter(|_| has(OWN_NEW)) {
        dict.set_text("__new__", BuiltinFunction::new_method(ty, new));
    }
    for method in methods {
        let value = match method.kind {
            MethodKind::Instance => descriptor::new_method(ty, &method.function),
            MethodKind::Class => descriptor::new_class_method(ty, &method.function),
            MethodKind::Static => StaticMethod::new_value(BuiltinFunction::static_of(&method.function, ty)),
        };
        dict.set_text(method.function.name(), value);
    }
    for definition in getset {
        dict.set_text(definition.name, descriptor::new_getset(ty, definition));
    }
    if dict.get_str(name!("__doc__")).is_none() {
        dict.set_text("__doc__", ty.static_doc().map_or(Value::NONE, Str::new_value));
    }
    dict_value
}

// ---------------------------------------------------------------------------------------------------------------------
// Slots of classes

/// Fills every slot of a class from what its MRO defines. As `fixup_slot_dispatchers`.
fn fill_slots(ty: &TypeObject) {
    let Some(base) = only_line(ty) else {
        every_slot().for_each(|id| update_slot(ty, id));
        return;
    };
    // What is found by way of the one base is what the base has; only the names of the class's own dict can differ.
    if let Some(base) = base.downcast::<TypeObject>() {
        ty.set_slots(&base.all_slots());
    }
    let own = with_dict(ty, Dict::items).unwrap_or_default();
    for name in own.iter().filter_map(|(name, _)| name.downcast::<Str>()) {
        if !name.equals_str("__new__")
            && is_special(name)
            && let Some(name) = name.as_ascii()
        {
            slot_functions::slots_of(name).for_each(|id| update_slot(ty, id));
        }
    }
    update_slot(ty, SlotId::New);
}

/// The first base of a class, if the class finds nothing but by way of it.
fn only_line(ty: &TypeObject) -> Option<Value> {
    let [base] = bases_of(ty).try_into().ok()?;
    let (mro, base_mro) = (ty.mro()?, base.downcast::<TypeObject>()?.mro()?);
    let (mro, base_mro) = (mro.exact::<Tuple>()?.as_slice(), base_mro.exact::<Tuple>()?.as_slice());
    let rest = mro.split_first().filter(|(first, _)| first.is(&ty.value()))?.1;
    let same = rest.len() == base_mro.len() && rest.iter().zip(base_mro).all(|(one, other)| one.is(other));
    same.then_some(base)
}

/// Whether a name looks like a special method's.
fn is_special(name: &Str) -> bool {
    let chars = name.chars();
    chars.len() > 4 && chars.get(0) == Some('_'.into()) && chars.get(1) == Some('_'.into())
}

fn every_slot() -> impl Iterator<Item = SlotId> {
    let operators = crate::object::BinaryOp::ALL.into_iter().flat_map(|op| [SlotId::Binary(op), SlotId::Inplace(op)]);
    Slots::IDS.iter().copied().chain(operators)
}

/// As `update_one_slot`: the native function where the method found is the wrapper of one, else the function that calls
/// the method.
fn update_slot(ty: &TypeObject, id: SlotId) {
    let definitions = slot_functions::definitions_of(id);
    if definitions.len() == 0 {
        // No special method of its own (`+` of sequences): straight from the bases.
        let inherited = bases_of(ty).iter().find_map(|base| base.downcast::<TypeObject>()?.all_slots().get(id));
        ty.set_slot(id, inherited);
        return;
    }
    let mut specific: Option<SlotFn> = None;
    let mut generic: Option<SlotFn> = None;
    let mut use_generic = false;
    for definition in definitions {
        let Some(found) = ty.lookup(&definition.name) else { continue };
        if let Some(wrapper) = found.exact::<WrapperDescriptor>()
            && wrapper.slot().0 != id
            && wrapper.owner().is_some_and(|owner| ty.is_subtype(owner) && owner.all_slots().get(id).is_none())
        {
            // `*` of a sequence: the slot for it is inherited, and this one stays empty.
            continue;
        }
        generic = Some(definition.generic);
        if let Some(wrapper) = found.exact::<WrapperDescriptor>()
            && wrapper.name().is(&definition.name)
            && let Some(owner) = wrapper.owner()
            && ty.is_subtype(owner)
        {
            let (slot, wrapped, native) = wrapper.slot();
            let native =
                if slot == id && wrapped == definition.wrap { Some(native) } else { owner.all_slots().get(id) };
            match (native, specific) {
                (Some(native), None) => specific = Some(native),
                (Some(native), Some(known)) if native.address() == known.address() => {}
                _ => use_generic = true,
            }
        } else if id == SlotId::New
            && found.exact::<BuiltinFunction>().is_some_and(|function| function.as_new().is_some())
        {
            // As update_one_slot: whichever type's `__new__` it is, instances are made as the base makes them, or not at all.
            specific = ty.base_type().and_then(|base| base.all_slots().get(id));
        } else if id == SlotId::Hash && found.is_none() {
            specific = None;
            use_generic = false;
            generic = None;
        } else {
            use_generic = true;
        }
    }
    ty.set_slot(id, if use_generic { generic } else { specific.or(None) });
}

fn bases_of(ty: &TypeObject) -> Vec<Value> {
    ty.bases().and_then(|bases| bases.exact::<Tuple>().map(Tuple::to_vec)).unwrap_or_default()
}

/// Updates the slots that the special method `name` concerns, in the class and its subclasses.
fn update_slots_for(ty: &TypeObject, name: &str) {
    let ids: Vec<SlotId> = slot_functions::slots_of(name).collect();
    if ids.is_empty() {
        return;
    }
    update_recursively(ty, &ids);
}

fn update_recursively(ty: &TypeObject, ids: &[SlotId]) {
    for &id in ids {
        update_slot(ty, id);
    }
    for subclass in ty.direct_subclasses() {
        if let Some(subclass) = subclass.downcast::<TypeObject>()
            && subclass.is_heap_type()
        {
            update_recursively(subclass, ids);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Method resolution order

/// The C3 linearisation of a class over its bases. As `mro_implementation`.
fn linearize(ty: &TypeObject) -> PyResult<Vec<Value>> {
    let bases = bases_of(ty);
    let mut sequences: Vec<Vec<Value>> = Vec::with_capacity(bases.len() + 1);
    for base in &bases {
        let Some(body) = base.downcast::<TypeObject>() else { return Err(type_error("bases must be types")) };
        let Some(mro) = body.mro() else {
            return Err(type_error(format!("Cannot extend an incomplete type '{}'", body.name())));
        };
        sequences.push(mro.exact::<Tuple>().map(Tuple::to_vec).unwrap_or_default());
    }
    for (index, base) in bases.iter().enumerate() {
        if bases[..index].iter().any(|other| other.is(base)) {
            let name = base.downcast::<TypeObject>().map_or("", TypeObject::short_name);
            return Err(type_error(format!("duplicate base class {name}")));
        }
    }
    sequences.push(bases);
    let mut result = vec![ty.value()];
    let mut heads = vec![0usize; sequences.len()];
    loop {
        let mut candidate = None;
        let mut empty = 0;
        for (sequence, &head) in sequences.iter().zip(&heads) {
            let Some(first) = sequence.get(head) else {
                empty += 1;
                continue;
            };
            let in_tail = sequences
                .iter()
                .zip(&heads)
                .any(|(other, &head)| other.iter().skip(head + 1).any(|value| value.is(first)));
            if !in_tail {
                candidate = Some(first.clone());
                break;
            }
        }
        if let Some(next) = candidate {
            for (sequence, head) in sequences.iter().zip(&mut heads) {
                if sequence.get(*head).is_some_and(|value| value.is(&next)) {
                    *head += 1;
                }
            }
            result.push(next);
            continue;
        }
        if empty == sequences.len() {
            return Ok(result);
        }
        // As set_mro_error: the heads that could not be placed, each once.
        let mut names: Vec<String> = Vec::new();
        let mut seen: Vec<Value> = Vec::new();
        for (sequence, &head) in sequences.iter().zip(&heads) {
            if let Some(first) = sequence.get(head)
                && !seen.iter().any(|value| value.is(first))
            {
                seen.push(first.clone());
                names.push(first.downcast::<TypeObject>().map_or("", TypeObject::short_name).to_owned());
            }
        }
        return Err(type_error(format!(
            "Cannot create a consistent method resolution\norder (MRO) for bases {}",
            names.join(", ")
        )));
    }
}

/// The MRO, by the metaclass's `mro()` when it has its own.
fn compute_mro(ty: &TypeObject) -> PyResult<Vec<Value>> {
    let value = ty.value();
    let metatype = value.ty();
    let custom = if std::ptr::eq(metatype, &TYPE) { None } else { metatype.lookup(name!("mro")) };
    let standard = TYPE.lookup(name!("mro"));
    match (custom, standard) {
        (Some(custom), Some(standard)) if !custom.is(&standard) => {
            let result = call_with_self(&custom, &value, &[])?;
            let items = crate::object::iter::collect(&result)?;
            for item in &items {
                let Some(class) = item.downcast::<TypeObject>() else {
                    return Err(type_error(format!("mro() returned a non-class ('{}')", item.ty().name())));
                };
                if !solid_base(ty).is_subtype(solid_base(class)) {
                    return Err(type_error(format!("mro() returned base with unsuitable layout ('{}')", class.name())));
                }
            }
            Ok(items)
        }
        _ => linearize(ty),
    }
}

fn mro_method(this: &TypeObject) -> PyResult<Value> {
    Ok(List::from_vec(linearize(this)?))
}

/// The nearest base that gives instances their layout. As `solid_base`.
fn solid_base(ty: &TypeObject) -> &TypeObject {
    let mut ty = ty;
    while let Some(base) = ty.base_type() {
        if adds_fields(ty, base) {
            return ty;
        }
        ty = base;
    }
    ty
}

/// Whether instances of a type hold more than those of its base, but for the dict and weak references of classes. As
/// `extra_ivars`, with what CPython lays out and what is laid out here.
fn adds_fields(ty: &TypeObject, base: &TypeObject) -> bool {
    const WORD: i64 = 8;
    if ty.body_size() != base.body_size() || ty.slot_count() != base.slot_count() {
        return true;
    }
    let (own, of_base) = (layout::of(ty), layout::of(base));
    if own.item_size != 0 || of_base.item_size != 0 {
        return own.item_size != of_base.item_size || own.basic_size != of_base.basic_size;
    }
    let mut size = own.basic_size;
    if ty.is_heap_type() {
        for (offset, in_base) in [(own.weakref_offset, of_base.weakref_offset), (own.dict_offset, of_base.dict_offset)]
        {
            if offset != 0 && in_base == 0 && offset + WORD == size {
                size -= WORD;
            }
        }
    }
    size != of_base.basic_size
}

/// The base that a class takes its layout from. As `best_base`.
fn best_base(bases: &[Value]) -> PyResult<Value> {
    let mut best: Option<(&Value, &TypeObject)> = None;
    for base in bases {
        let Some(body) = base.downcast::<TypeObject>() else { return Err(type_error("bases must be types")) };
        if !body.has_flag(TypeFlags::BASE) {
            return Err(type_error(format!("type '{}' is not an acceptable base type", body.name())));
        }
        let solid = solid_base(body);
        match best {
            None => best = Some((base, solid)),
            Some((_, winner)) if winner.is_subtype(solid) => {}
            Some((_, winner)) if solid.is_subtype(winner) => best = Some((base, solid)),
            Some(_) => return Err(type_error("multiple bases have instance lay-out conflict")),
        }
    }
    match best {
        Some((base, _)) => Ok(base.clone()),
        None => Ok(OBJECT.value()),
    }
}

/// Whether objects of the two classes are laid out alike, for `__class__` and `__bases__` assignment. As
/// `compatible_for_assignment`: both are alike with a common base, or add the same to it.
pub(crate) fn same_layout(a: &TypeObject, b: &TypeObject) -> bool {
    /// The furthest base whose instances are laid out as those of `ty`.
    fn alike(ty: &TypeObject) -> &TypeObject {
        let mut ty = ty;
        while let Some(base) = ty.base_type() {
            let collected = |ty: &TypeObject| layout::flags(ty) & TypeFlags::GC.0;
            if layout::of(ty) != layout::of(base) || collected(ty) != collected(base) {
                break;
            }
            ty = base;
        }
        ty
    }
    /// What `__slots__` of the class itself names, sorted.
    fn own_slots(ty: &TypeObject) -> Vec<String> {
        let mut names: Vec<String> = with_dict(ty, |dict| {
            dict.items()
                .into_iter()
                .filter(|(_, value)| value.is_exact::<descriptor::MemberDescriptor>())
                .filter_map(|(name, _)| name.downcast::<Str>().map(Str::to_string_lossy))
                .collect()
        })
        .unwrap_or_default();
        names.sort();
        names
    }
    fn adds_same(a: &TypeObject, b: &TypeObject, base: &TypeObject) -> bool {
        const WORD: i64 = 8;
        let (of_a, of_b, of_base) = (layout::of(a), layout::of(b), layout::of(base));
        let mut size = of_base.basic_size;
        if of_a.dict_offset == size && of_b.dict_offset == size {
            size += WORD;
        }
        if of_a.weakref_offset == size && of_b.weakref_offset == size {
            size += WORD;
        }
        let (slots_a, slots_b) = (own_slots(a), own_slots(b));
        size += WORD * slots_a.len() as i64;
        a.is_heap_type() && b.is_heap_type() && slots_a == slots_b && size == of_a.basic_size && size == of_b.basic_size
    }
    /// The builtin type whose body instances have here.
    fn body(ty: &TypeObject) -> &TypeObject {
        let mut ty = ty;
        while let Some(base) = ty.base_type()
            && (ty.is_heap_type() || base.body_size() == ty.body_size())
        {
            ty = base;
        }
        ty
    }
    let (root_a, root_b) = (alike(a), alike(b));
    let alike = std::ptr::eq(root_a, root_b)
        || matches!((root_a.base_type(), root_b.base_type()), (Some(base_a), Some(base_b))
            if std::ptr::eq(base_a, base_b) && adds_same(root_a, root_b, base_a));
    // Whatever CPython compares, what is laid out here has to be the same.
    alike
        && std::ptr::eq(body(a), body(b))
        && a.has_attributes() == b.has_attributes()
        && a.has_weakrefs() == b.has_weakrefs()
        && a.slot_count() == b.slot_count()
        && a.has_flag(TypeFlags::GC) == b.has_flag(TypeFlags::GC)
}

// ---------------------------------------------------------------------------------------------------------------------
// Calling a type, making a class

/// `type.__call__`: `__new__`, then `__init__`. As `type_call`.
fn call_type(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let body = ty(class)?;
    if std::ptr::eq(body, &TYPE) && kwnames.is_none_or(|names| names.exact::<Tuple>().is_none_or(Tuple::is_empty)) {
        match args {
            [object] => return Ok(object.ty().value()),
            [_, _, _] => {}
            _ => return Err(type_error("type() takes 1 or 3 arguments")),
        }
    }
    let Some(new) = body.slot(|slots| slots.new) else {
        return Err(type_error(format!("cannot create '{}' instances", body.name())));
    };
    let object = new(class, args, kwnames)?;
    if !object.ty().is_subtype(body) {
        return Ok(object);
    }
    if let Some(init) = object.ty().slot(|slots| slots.init) {
        init(&object, args, kwnames)?;
    }
    Ok(object)
}

fn init(_this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let positional = call::split_keywords(args, kwnames).0;
    if kwnames.is_some() && positional.len() == 1 {
        return Err(type_error("type.__init__() takes no keyword arguments"));
    }
    if positional.len() != 1 && positional.len() != 3 {
        return Err(type_error("type.__init__() takes 1 or 3 arguments"));
    }
    Ok(())
}

/// The most derived metatype among `metatype` and those of the bases. As `_PyType_CalculateMetaclass`.
///
/// # Errors
/// `TypeError` when there is none.
pub fn calculate_metaclass(metatype: &Value, bases: &[Value]) -> PyResult<Value> {
    let mut winner = metatype.clone();
    for base in bases {
        let candidate = base.ty().value();
        if ty(&winner)?.is_subtype(ty(&candidate)?) {
            continue;
        }
        if ty(&candidate)?.is_subtype(ty(&winner)?) {
            winner = candidate;
            continue;
        }
        return Err(type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases",
        ));
    }
    Ok(winner)
}

/// `type.__new__`. As `type_new`.
fn new(metatype: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (positional, keywords) = call::split_keywords(args, kwnames);
    if let [object] = positional
        && keywords.is_empty()
        && std::ptr::eq(ty(metatype)?, &TYPE)
    {
        return Ok(object.ty().value());
    }
    if positional.len() != 3 && std::ptr::eq(ty(metatype)?, &TYPE) {
        return Err(type_error("type() takes 1 or 3 arguments"));
    }
    let [name, bases, namespace] = positional else {
        return Err(type_error(format!("type.__new__() takes exactly 3 arguments ({} given)", positional.len())));
    };
    let wrong = |index: usize, expected: &str, value: &Value| {
        let found = if value.is_none() { "None" } else { value.ty().name() };
        type_error(format!("type.__new__() argument {index} must be {expected}, not {found}"))
    };
    let name_text = name.downcast::<Str>().ok_or_else(|| wrong(1, "str", name))?;
    let bases_body = bases.downcast::<Tuple>().ok_or_else(|| wrong(2, "tuple", bases))?;
    let original = namespace.downcast::<Dict>().ok_or_else(|| wrong(3, "dict", namespace))?;
    let mut base_list = bases_body.to_vec();
    let mut metatype = metatype.clone();
    if base_list.is_empty() {
        base_list.push(OBJECT.value());
    } else {
        for base in &base_list {
            if base.downcast::<TypeObject>().is_none() && attribute::lookup(base, name!("__mro_entries__"))?.is_some() {
                return Err(type_error("type() doesn't support MRO entry resolution; use types.new_class()"));
            }
        }
        let winner = calculate_metaclass(&metatype, &base_list)?;
        if !winner.is(&metatype) {
            if let Some(winner_new) = ty(&winner)?.slot(|slots| slots.new)
                && winner_new as usize != new as *const () as usize
            {
                return winner_new(&winner, args, kwnames);
            }
            metatype = winner;
        }
    }
    let base_value = best_base(&base_list)?;
    let base = ty(&base_value)?;
    let dict_value =
        if namespace.is_exact::<Dict>() { Dict::from_table(original.table().copy()?) } else { Dict::new_value() };
    let Some(dict) = dict_value.exact::<Dict>() else { return Err(runtime_error("no dict")) };
    if !namespace.is_exact::<Dict>() {
        // It may keep an order of its own.
        dict.merge(namespace)?;
    }

    // __slots__
    let slots_value = dict.get(name!("__slots__"))?;
    // Classes, instances of metaclasses, have a dict and weak references of their own kind.
    let is_metaclass = base.has_flag(TypeFlags::TYPE);
    // So have modules, whose dict is that of their body.
    let is_module = base.is_subtype(&crate::types::module::MODULE);
    let may_add_dict = !base.has_attributes() && !is_metaclass && !is_module;
    let has_items = layout::of(base).item_size != 0;
    let may_add_weakref = !base.has_weakrefs() && !has_items && !is_metaclass;
    let mut add_dict = false;
    let mut add_weakref = false;
    let mut slot_names: Vec<Value> = Vec::new();
    match &slots_value {
        None => {
            add_dict = may_add_dict;
            add_weakref = may_add_weakref;
        }
        Some(slots) => {
            let names = if slots.downcast::<Str>().is_some() {
                vec![slots.clone()]
            } else {
                crate::object::iter::collect(slots)?
            };
            let varies = base.is_variable_size() || base.is_subtype(&crate::types::int::INT);
            if !names.is_empty() && (varies || base.is_subtype(&TYPE)) {
                return Err(type_error(format!("nonempty __slots__ not supported for subtype of '{}'", base.name())));
            }
            for slot in names {
                let Some(text) = slot.downcast::<Str>() else {
                    return Err(type_error(format!("__slots__ items must be strings, not '{}'", slot.ty().name())));
                };
                if !is_identifier(text) {
                    return Err(type_error("__slots__ must be identifiers"));
                }
                if text.equals_str("__dict__") {
                    if !may_add_dict || add_dict {
                        return Err(type_error("__dict__ slot disallowed: we already got one"));
                    }
                    add_dict = true;
                } else if text.equals_str("__weakref__") {
                    if !may_add_weakref || add_weakref {
                        return Err(type_error(
                            "__weakref__ slot disallowed: either we already got one, or __itemsize__ != 0",
                        ));
                    }
                    add_weakref = true;
                } else {
                    let mangled = mangle(name_text, text);
                    if dict.get(&mangled)?.is_some()
                        && !text.equals_str("__qualname__")
                        && !text.equals_str("__classcell__")
                    {
                        return Err(value_error(format!(
                            "{} in __slots__ conflicts with class variable",
                            text::repr_string(&mangled)?
                        )));
                    }
                    slot_names.push(mangled);
                }
            }
            slot_names.sort_by(|a, b| match (a.exact::<Str>(), b.exact::<Str>()) {
                (Some(a), Some(b)) => a.compare(b),
                _ => std::cmp::Ordering::Equal,
            });
            slot_names.dedup_by(|a, b| a.is(b));
            // As type_new: a base that comes second may bring a dict or a weak reference list.
            for other in &base_list {
                if other.is(&base_value) {
                    continue;
                }
                let other = ty(other)?;
                add_dict |= may_add_dict && other.has_attributes();
                add_weakref |= may_add_weakref && other.has_weakrefs();
            }
        }
    }
    let layout = HeapLayout {
        attributes: base.has_attributes() || add_dict,
        weakrefs: base.has_weakrefs() || add_weakref,
        slots: slot_names.len() as u32,
        // As type_new: every class, even one whose instances hold nothing.
        collected: true,
    };
    check_encodable(name)?;
    if name_text.chars().iter().any(|c| c == 0) {
        return Err(value_error("type name must not contain null characters"));
    }
    let class_value = TypeObject::new_heap(ty(&metatype)?, base, layout);
    let class = ty(&class_value)?;
    class.set_name(&name_text.to_string_lossy());
    class.heap_name.set(Some(name.clone()));
    class.set_bases(Tuple::from_slice(&base_list));
    class.set_dict(dict_value.clone());

    // __module__, __qualname__, __doc__, the special functions
    if dict.get_str(name!("__module__")).is_none()
        && let Some(module) = crate::vm::thread::caller_module_name()
    {
        dict.set_text("__module__", module);
    }
    let qualname = dict.get_str(name!("__qualname__"));
    if let Some(qualname) = &qualname {
        if qualname.downcast::<Str>().is_none() {
            return Err(type_error(format!("type __qualname__ must be a str, not {}", qualname.ty().name())));
        }
        dict.remove(name!("__qualname__"))?;
    }
    class.heap_qualname.set(Some(qualname.unwrap_or_else(|| name.clone())));
    if let Some(doc) = dict.get_str(name!("__doc__")).filter(|doc| doc.downcast::<Str>().is_some()) {
        check_encodable(&doc)?;
    }
    for (special, is_static) in [("__new__", true), ("__init_subclass__", false), ("__class_getitem__", false)] {
        if let Some(function) = dict.get_text(special)
            && function.is_exact::<Function>()
        {
            let wrapped = if is_static { StaticMethod::new_value(function) } else { ClassMethod::new_value(function) };
            dict.set_text(special, wrapped);
        }
    }
    if let Some(cell) = dict.remove(name!("__classcell__"))? {
        match cell.exact::<Cell>() {
            Some(cell) => cell.set(Some(class_value.clone())),
            None => {
                return Err(type_error(format!(
                    "__classcell__ must be a nonlocal cell, not {}",
                    text::repr_string(&cell.ty().value())?
                )));
            }
        }
    }
    let first_slot = base.slot_count();
    for (offset, slot) in slot_names.iter().enumerate() {
        dict.set(slot, descriptor::new_member(class, slot.clone(), first_slot + offset))?;
    }
    if add_dict && dict.get_str(name!("__dict__")).is_none() {
        dict.set_text("__dict__", descriptor::new_getset(class, &DICT_GETSET));
    }
    if add_weakref && dict.get_str(name!("__weakref__")).is_none() {
        dict.set_text("__weakref__", descriptor::new_getset(class, &WEAKREF_GETSET));
    }
    if dict.get_str(name!("__doc__")).is_none() {
        dict.set_text("__doc__", Value::NONE);
    }
    let mro = compute_mro(class)?;
    class.set_mro(Tuple::from_vec(mro));
    class.change_flags(TypeFlags::READY, true);
    for base in &base_list {
        ty(base)?.add_subclass(class);
    }
    // A class that defines __eq__ without __hash__ is unhashable.
    if dict.get_str(name!("__eq__")).is_some() && dict.get_str(name!("__hash__")).is_none() {
        dict.set_text("__hash__", Value::NONE);
    }
    fill_slots(class);
    set_names(class, dict)?;
    init_subclass(class, &class_value, &keywords)?;
    Ok(class_value)
}

static DICT_GETSET: GetSet = GetSet {
    name: "__dict__",
    get: object_dict,
    set: Some(set_class_dict),
    doc: Some("dictionary for instance variables (if defined)"),
    member: false,
};

static WEAKREF_GETSET: GetSet = GetSet {
    name: "__weakref__",
    get: |this| crate::types::weakref::first(this),
    set: None,
    doc: Some("list of weak references to the object (if defined)"),
    member: false,
};

/// The descriptor by which the native base of an object's class gives `__dict__`. As `get_builtin_base_with_dict` and
/// `get_dict_descriptor`.
fn native_dict(this: &Value) -> Option<Value> {
    let mut base = this.ty();
    while base.is_heap_type() {
        base = base.base_type()?;
    }
    base.lookup(name!("__dict__"))
}

fn no_native_dict(this: &Value) -> crate::object::error::Raised {
    type_error(format!("this __dict__ descriptor does not support '{}' objects", this.ty().name()))
}

/// `object.__dict__` of an object with attributes.
pub(crate) fn object_dict(this: &Value) -> PyResult<Value> {
    match crate::object::instance::Attrs::of(this) {
        Some(attrs) => Ok(attrs.make_dict(this.ty())),
        None => match native_dict(this) {
            Some(found) => match found.ty().slot(|slots| slots.descr_get) {
                Some(get) => get(&found, Some(this), &this.ty().value()),
                None => Err(no_native_dict(this)),
            },
            None => Err(attribute_error("This object has no __dict__")),
        },
    }
}

/// Sets `object.__dict__`.
pub(crate) fn set_object_dict(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(attrs) = crate::object::instance::Attrs::of(this) else {
        let Some(found) = native_dict(this) else { return Err(attribute_error("This object has no __dict__")) };
        return match found.ty().slot(|slots| slots.descr_set) {
            Some(set) => set(&found, this, value),
            None => Err(no_native_dict(this)),
        };
    };
    if let Some(value) = value
        && value.downcast::<Dict>().is_none()
    {
        return Err(type_error(format!("__dict__ must be set to a dictionary, not a '{}'", value.ty().name())));
    }
    attrs.set_dict(this.ty(), value.cloned());
    Ok(())
}

/// Sets `__dict__` of an instance of a class: that of a builtin base counts, if there is one. As `subtype_setdict`.
fn set_class_dict(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let mut base = this.ty();
    while let Some(above) = base.base_type().filter(|_| base.is_heap_type()) {
        base = above;
    }
    let found = if base.has_attributes() { base.lookup(name!("__dict__")) } else { None };
    match found.as_ref().and_then(|found| Some((found, found.ty().slot(|slots| slots.descr_set)?))) {
        Some((found, set)) => set(found, this, value),
        None => set_object_dict(this, value),
    }
}

/// Sets `__dict__` of an instance of a builtin type, which cannot be deleted. As `PyObject_GenericSetDict`.
pub(crate) fn set_builtin_dict(this: &Value, value: Option<&Value>) -> PyResult<()> {
    if value.is_none() {
        return Err(type_error("cannot delete __dict__"));
    }
    set_object_dict(this, value)
}

fn is_identifier(text: &Str) -> bool {
    let mut chars = text.chars().iter().map(|c| char::from_u32(c).unwrap_or(' '));
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic()) && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// Private names in a class get the class's name before them. As `_Py_Mangle`.
fn mangle(class: &Str, name: &Str) -> Value {
    let text = name.to_string_lossy();
    let class = class.to_string_lossy();
    let class = class.trim_start_matches('_');
    if !text.starts_with("__") || text.ends_with("__") || text.contains('.') || class.is_empty() {
        let mut builder = StrBuilder::new();
        builder.push_value(name);
        let value = builder.finish();
        return match value.exact::<Str>() {
            Some(body) => intern_value(&value, body),
            None => value,
        };
    }
    intern(&format!("_{class}{text}"))
}

/// Calls `__set_name__` of what the class's namespace holds. As `set_names`.
fn set_names(class: &TypeObject, dict: &Dict) -> PyResult<()> {
    for (key, value) in dict.items() {
        let result = call::call_special(&value, name!("__set_name__"), &[class.value(), key.clone()]);
        if let Err(raised) = result {
            let wrapped = runtime_error(format!(
                "Error calling __set_name__ on '{}' instance {} in '{}'",
                value.ty().name(),
                text::repr_string(&key)?,
                class.name()
            ));
            if let Some(body) = wrapped.value().downcast::<crate::types::exceptions::BaseException>() {
                body.set_cause(Some(raised.value().clone()));
                body.set_context(Some(raised.into_value()));
            }
            return Err(wrapped);
        }
    }
    Ok(())
}

/// Calls `super(class, class).__init_subclass__(**keywords)`.
fn init_subclass(class: &TypeObject, class_value: &Value, keywords: &[(&Value, &Value)]) -> PyResult<()> {
    let in_mro = |mro: Value| mro.exact::<Tuple>().is_none_or(|mro| mro.iter().any(|base| base.is(class_value)));
    if !class.mro().is_none_or(in_mro) {
        // A metaclass's `mro` left the class out: what `super(class, class)` says then.
        return Err(type_error("super(type, obj): obj must be an instance or subtype of type"));
    }
    let Some(function) = super_lookup(class, name!("__init_subclass__")) else { return Ok(()) };
    let bound = match function.ty().slot(|slots| slots.descr_get) {
        Some(get) => get(&function, None, class_value)?,
        None => function,
    };
    let values: Vec<Value> = keywords.iter().map(|(_, value)| (*value).clone()).collect();
    let names = Tuple::from_vec(keywords.iter().map(|(name, _)| (*name).clone()).collect());
    call::call_keywords(&bound, &values, if keywords.is_empty() { None } else { Some(&names) })?;
    Ok(())
}

/// The attribute in the MRO behind the class itself.
fn super_lookup(class: &TypeObject, name: &Value) -> Option<Value> {
    let mro = class.mro()?;
    mro.exact::<Tuple>()?.iter().skip(1).find_map(|base| {
        let base = base.downcast::<TypeObject>()?;
        with_dict(base, |dict| dict.get_str(name))?
    })
}

// ---------------------------------------------------------------------------------------------------------------------
// Attributes of types

/// `type.__setattr__` and `type.__delattr__`. As `type_setattro`.
fn set_attribute(this: &Value, name: &Value, value: Option<&Value>) -> PyResult<()> {
    let class = ty(this)?;
    let Some(text) = name.downcast::<Str>() else {
        return Err(type_error(format!("attribute name must be string, not '{}'", name.ty().name())));
    };
    if !class.is_heap_type() {
        return Err(type_error(format!("can't set attributes of built-in/extension type '{}'", class.name())));
    }
    let name = &intern_value(name, text);
    if let Some(found) = this.ty().lookup(name)
        && let Some(set) = found.ty().slot(|slots| slots.descr_set)
    {
        return set(&found, this, value);
    }
    let dict = dict_of(class);
    let Some(dict) = dict.downcast::<Dict>() else { return Ok(()) };
    // The old value dies when the method cache, which does not own what it knows, has forgotten it.
    let old = dict.get(name)?;
    let done = match value {
        Some(value) => dict.set(name, value.clone()),
        None if dict.remove(name)?.is_none() => Err(attribute_error(text.to_string_lossy())),
        None => Ok(()),
    };
    class.modified();
    drop(old);
    done?;
    let text = text.to_string_lossy();
    if text.starts_with("__") && text.ends_with("__") {
        update_slots_for(class, &text);
    }
    Ok(())
}

fn check_heap(class: &TypeObject, value: Option<&Value>, name: &str) -> PyResult<()> {
    if !class.is_heap_type() {
        return Err(type_error(format!("can't set {}.{name}", class.name())));
    }
    if value.is_none() {
        return Err(type_error(format!("can't delete {}.{name}", class.name())));
    }
    Ok(())
}

/// CPython keeps a type's name in UTF-8: surrogates have none.
fn check_encodable(name: &Value) -> PyResult<()> {
    match name.downcast::<Str>().and_then(Str::as_ascii) {
        Some(_) => Ok(()),
        None => crate::types::codecs::encode(name, Some("utf-8"), None).map(drop),
    }
}

fn set_name(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let class = ty(this)?;
    check_heap(class, value, "__name__")?;
    let Some(value) = value else { return Ok(()) };
    let Some(text) = value.downcast::<Str>() else {
        return Err(type_error(format!(
            "can only assign string to {}.__name__, not '{}'",
            class.name(),
            value.ty().name()
        )));
    };
    check_encodable(value)?;
    if text.chars().iter().any(|c| c == 0) {
        return Err(value_error("type name must not contain null characters"));
    }
    class.set_name(&text.to_string_lossy());
    class.heap_name.set(Some(value.clone()));
    Ok(())
}

/// `__qualname__` as text.
pub fn qualname(ty: &TypeObject) -> String {
    match ty.heap_qualname.get() {
        Some(name) => name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default(),
        None => ty.short_name().to_owned(),
    }
}

fn qualname_value(this: &Value) -> PyResult<Value> {
    let class = ty(this)?;
    Ok(class.heap_qualname.get().unwrap_or_else(|| Str::new_value(class.short_name())))
}

fn set_qualname(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let class = ty(this)?;
    check_heap(class, value, "__qualname__")?;
    let Some(value) = value else { return Ok(()) };
    if value.downcast::<Str>().is_none() {
        return Err(type_error(format!(
            "can only assign string to {}.__qualname__, not '{}'",
            class.name(),
            value.ty().name()
        )));
    }
    class.heap_qualname.set(Some(value.clone()));
    Ok(())
}

fn module_value(this: &Value) -> PyResult<Value> {
    let class = ty(this)?;
    if class.is_heap_type() {
        return match with_dict(class, |dict| dict.get(name!("__module__"))) {
            Some(found) => found?.ok_or_else(|| attribute_error("__module__")),
            None => Err(attribute_error("__module__")),
        };
    }
    Ok(match class.name().rsplit_once('.') {
        Some((module, _)) => Str::new_value(module),
        None => Str::new_value("builtins"),
    })
}

/// `__module__` as text, when it is a str.
///
/// # Errors
/// None in practice.
pub fn module_name(ty: &TypeObject) -> PyResult<Option<String>> {
    Ok(module_value(&ty.value()).ok().and_then(|module| module.downcast::<Str>().map(Str::to_string_lossy)))
}

/// Sets an item of a class's dict; the old value dies when the method cache, which does not own what it knows, has
/// forgotten it.
fn replace_in_dict(class: &TypeObject, dict: &Dict, name: &Value, value: &Value) -> PyResult<()> {
    let old = dict.get(name)?;
    let done = dict.set(name, value.clone());
    class.modified();
    drop(old);
    done
}

fn set_module(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let class = ty(this)?;
    check_heap(class, value, "__module__")?;
    class.modified();
    match (value, with_dict(class, |_| ())) {
        (Some(value), Some(())) => {
            let dict = dict_of(class);
            dict.downcast::<Dict>().map_or(Ok(()), |dict| replace_in_dict(class, dict, name!("__module__"), value))
        }
        _ => Ok(()),
    }
}

fn abstract_methods(this: &Value) -> PyResult<Value> {
    let class = ty(this)?;
    // `type` itself has this descriptor and no value.
    if !std::ptr::eq(class, &TYPE)
        && let Some(Ok(Some(found))) = with_dict(class, |dict| dict.get(name!("__abstractmethods__")))
    {
        return Ok(found);
    }
    Err(attribute_error("__abstractmethods__"))
}

fn set_abstract_methods(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let class = ty(this)?;
    let dict = dict_of(class);
    let Some(dict) = dict.downcast::<Dict>() else { return Ok(()) };
    let is_abstract = match value {
        Some(value) => {
            let truth = crate::object::number::truth(value)?;
            replace_in_dict(class, dict, name!("__abstractmethods__"), value)?;
            truth
        }
        None => {
            let old = dict.remove(name!("__abstractmethods__"))?;
            class.modified();
            if old.is_none() {
                return Err(attribute_error("__abstractmethods__"));
            }
            false
        }
    };
    class.modified();
    class.change_flags(TypeFlags::ABSTRACT, is_abstract);
    Ok(())
}

fn doc(this: &Value) -> PyResult<Value> {
    let class = ty(this)?;
    if !class.is_heap_type()
        && let Some(text) = class.static_doc()
    {
        return Ok(Str::new_value(text));
    }
    let Some(found) = with_dict(class, |dict| dict.get(name!("__doc__"))) else { return Ok(Value::NONE) };
    let Some(found) = found? else { return Ok(Value::NONE) };
    match found.ty().slot(|slots| slots.descr_get) {
        Some(get) => get(&found, None, this),
        None => Ok(found),
    }
}

fn set_doc(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let class = ty(this)?;
    check_heap(class, value, "__doc__")?;
    class.modified();
    let dict = dict_of(class);
    match (value, dict.downcast::<Dict>()) {
        (Some(value), Some(dict)) => replace_in_dict(class, dict, name!("__doc__"), value),
        _ => Ok(()),
    }
}

/// `__bases__` assignment. As `type_set_bases`.
fn set_bases(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let class = ty(this)?;
    check_heap(class, value, "__bases__")?;
    let Some(value) = value else { return Ok(()) };
    let Some(tuple) = value.downcast::<Tuple>() else {
        return Err(type_error(format!(
            "can only assign tuple to {}.__bases__, not {}",
            class.name(),
            value.ty().name()
        )));
    };
    if tuple.is_empty() {
        return Err(type_error(format!("can only assign non-empty tuple to {}.__bases__, not ()", class.name())));
    }
    for base in tuple.iter() {
        let Some(base) = base.downcast::<TypeObject>() else {
            return Err(type_error(format!(
                "{}.__bases__ must be tuple of classes, not '{}'",
                class.name(),
                base.ty().name()
            )));
        };
        // While an `mro()` of the base runs, its bases are new and its MRO is not.
        let mut chain = Some(base).filter(|base| base.mro().is_some());
        let mut is_below = base.is_subtype(class);
        while let Some(above) = chain.filter(|_| !is_below) {
            is_below = std::ptr::eq(above, class);
            chain = above.base_type();
        }
        if is_below {
            return Err(type_error("a __bases__ item causes an inheritance cycle"));
        }
    }
    let new_base_value = best_base(tuple.as_slice())?;
    let new_base = ty(&new_base_value)?;
    if let Some(old_base) = class.base_type()
        && !std::ptr::eq(old_base, new_base)
        && !(old_base.is_heap_type() && new_base.is_heap_type())
    {
        // As compatible_for_assignment: a builtin type has a deallocator of its own.
        return Err(type_error(format!(
            "__bases__ assignment: '{}' deallocator differs from '{}'",
            new_base.name(),
            old_base.name()
        )));
    }
    if let Some(old_base) = class.base_type()
        && !same_layout(old_base, new_base)
    {
        // As compatible_for_assignment: first the function that frees the objects is compared.
        let what = if same_deallocator(old_base, new_base) { "object layout" } else { "deallocator" };
        return Err(type_error(format!(
            "__bases__ assignment: '{}' {what} differs from '{}'",
            new_base.name(),
            old_base.name()
        )));
    }
    let old_bases = bases_of(class);
    let old_base = class.base_type().map(TypeObject::value);
    class.set_bases(value.clone());
    class.set_base(new_base);
    if let Err(raised) = remake_mro(class) {
        // An `mro()` may have assigned other bases meanwhile, which stay.
        if class.bases().is_some_and(|bases| bases.is(value)) {
            class.set_bases(Tuple::from_vec(old_bases));
            if let Some(old_base) = &old_base {
                class.set_base(ty(old_base)?);
            }
        }
        return Err(raised);
    }
    if !class.bases().is_some_and(|bases| bases.is(value)) {
        return Ok(());
    }
    for base in &old_bases {
        ty(base)?.remove_subclass(class);
    }
    for base in tuple.iter() {
        ty(base)?.add_subclass(class);
    }
    refill(class);
    Ok(())
}

/// Whether CPython frees the objects of both with the same function: all classes share one, as do most exceptions and
/// those builtin types that have none of their own.
fn same_deallocator(a: &TypeObject, b: &TypeObject) -> bool {
    fn owner(ty: &TypeObject) -> Option<&TypeObject> {
        if ty.is_heap_type() {
            return None;
        }
        let mut ty = ty;
        while ty.has_flag(TypeFlags::INT) || ty.has_flag(TypeFlags::EXCEPTION) {
            match ty.base_type() {
                Some(base) if base.body_size() == ty.body_size() && !std::ptr::eq(base, &OBJECT) => ty = base,
                _ => break,
            }
        }
        Some(ty)
    }
    match (owner(a), owner(b)) {
        (None, None) => true,
        (Some(a), Some(b)) => std::ptr::eq(a, b),
        _ => false,
    }
}

/// Recomputes the MRO of a class and all below it; nothing changes when one of them fails.
fn remake_mro(class: &TypeObject) -> PyResult<()> {
    fn collect(class: &TypeObject, done: &mut Vec<(Value, Option<Value>)>) -> PyResult<()> {
        let mro = compute_mro(class)?;
        done.push((class.value(), class.mro()));
        class.set_mro(Tuple::from_vec(mro));
        for subclass in class.direct_subclasses() {
            collect(ty(&subclass)?, done)?;
        }
        Ok(())
    }
    let mut done = Vec::new();
    let result = collect(class, &mut done);
    if result.is_err() {
        for (class, mro) in done {
            if let (Some(class), Some(mro)) = (class.downcast::<TypeObject>(), mro) {
                class.set_mro(mro);
            }
        }
    }
    result
}

fn refill(class: &TypeObject) {
    class.modified();
    fill_slots(class);
    for subclass in class.direct_subclasses() {
        if let Some(subclass) = subclass.downcast::<TypeObject>() {
            refill(subclass);
        }
    }
}

fn repr(this: &Value) -> PyResult<Value> {
    let class = ty(this)?;
    Ok(Str::new_value(&match module_name(class)? {
        Some(module) if module != "builtins" => format!("<class '{module}.{}'>", qualname(class)),
        _ => format!("<class '{}'>", class.name()),
    }))
}

fn subclasses(this: &TypeObject) -> Value {
    List::from_vec(this.direct_subclasses())
}

/// As `type___sizeof___impl`: the object that a class is, with the table of its instances' names where it has one.
fn sizeof(this: &TypeObject) -> i64 {
    /// Of `PyHeapTypeObject`, `PyTypeObject` and an empty table of keys for eight names.
    const HEAP_TYPE: i64 = 880;
    const STATIC_TYPE: i64 = 416;
    const KEYS: i64 = 168;
    if !this.is_heap_type() {
        return STATIC_TYPE;
    }
    let slots = this.slot_count().saturating_sub(this.base_type().map_or(0, TypeObject::slot_count));
    HEAP_TYPE + 40 * slots as i64 + if layout::of(this).dict_offset > 0 { KEYS } else { 0 }
}

fn prepare(_class: &Value, _args: &Tuple, _kwargs: &Dict) -> Value {
    Dict::new_value()
}

fn dir(this: &Value) -> PyResult<Value> {
    let names_value = Dict::new_value();
    if let Some(names) = names_value.exact::<Dict>() {
        merge_class_dict(names, this)?;
        return Ok(List::from_vec(names.items().into_iter().map(|(name, _)| name).collect()));
    }
    Ok(Value::NONE)
}

/// Adds the names of a class and its bases. As `merge_class_dict`.
///
/// # Errors
/// What looking up `__dict__` or `__bases__` raises.
pub fn merge_class_dict(names: &Dict, class: &Value) -> PyResult<()> {
    if let Some(dict) = attribute::lookup(class, name!("__dict__"))? {
        crate::object::iter::for_each(&dict, |name| {
            names.set(&name, Value::NONE)?;
            Ok(true)
        })?;
    }
    if let Some(bases) = attribute::lookup(class, name!("__bases__"))?
        && let Some(bases) = bases.downcast::<Tuple>()
    {
        for base in bases.iter() {
            merge_class_dict(names, base)?;
        }
    }
    Ok(())
}

/// `object[key]` where the type has no `__getitem__`: `__class_getitem__` of a class.
pub(crate) fn class_getitem(object: &Value, key: &Value) -> PyResult<Value> {
    if object.downcast::<TypeObject>().is_some()
        && let Some(method) = attribute::lookup(object, name!("__class_getitem__"))?
    {
        return call::call(&method, std::slice::from_ref(key));
    }
    Err(type_error(format!("'{}' object is not subscriptable", object.ty().name())))
}

// ---------------------------------------------------------------------------------------------------------------------
// isinstance, issubclass

fn instancecheck(this: &Value, instance: &Value) -> PyResult<bool> {
    real_is_instance(instance, this)
}

fn subclasscheck(this: &Value, subclass: &Value) -> PyResult<bool> {
    real_is_subclass(subclass, this)
}

/// As `recursive_isinstance`: by type, or by what `__class__` says.
fn real_is_instance(instance: &Value, class: &Value) -> PyResult<bool> {
    if let Some(body) = class.downcast::<TypeObject>() {
        if instance.ty().is_subtype(body) {
            return Ok(true);
        }
        if let Some(claimed) = attribute::lookup(instance, name!("__class__"))?
            && let Some(claimed) = claimed.downcast::<TypeObject>()
            && !std::ptr::eq(claimed, instance.ty())
        {
            return Ok(claimed.is_subtype(body));
        }
        return Ok(false);
    }
    if abstract_bases(class)?.is_none() {
        return Err(type_error("isinstance() arg 2 must be a type or tuple of types"));
    }
    match attribute::lookup(instance, name!("__class__"))? {
        Some(claimed) => abstract_is_subclass(&claimed, class),
        None => Ok(false),
    }
}

fn real_is_subclass(subclass: &Value, class: &Value) -> PyResult<bool> {
    if let (Some(a), Some(b)) = (subclass.downcast::<TypeObject>(), class.downcast::<TypeObject>()) {
        return Ok(a.is_subtype(b));
    }
    if abstract_bases(subclass)?.is_none() {
        return Err(type_error("issubclass() arg 1 must be a class"));
    }
    if abstract_bases(class)?.is_none() {
        return Err(type_error("issubclass() arg 2 must be a class or tuple of classes"));
    }
    abstract_is_subclass(subclass, class)
}

/// The `__bases__` tuple of something like a class.
fn abstract_bases(class: &Value) -> PyResult<Option<Value>> {
    Ok(attribute::lookup(class, name!("__bases__"))?.filter(|bases| bases.downcast::<Tuple>().is_some()))
}

fn abstract_is_subclass(derived: &Value, class: &Value) -> PyResult<bool> {
    let _depth = crate::vm::thread::enter_recursion(" in __issubclass__")?;
    if derived.is(class) {
        return Ok(true);
    }
    let Some(bases) = abstract_bases(derived)? else { return Ok(false) };
    for base in bases.downcast::<Tuple>().map(Tuple::to_vec).unwrap_or_default() {
        if abstract_is_subclass(&base, class)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `isinstance(instance, class)`, `class` perhaps a tuple. As `PyObject_IsInstance`.
///
/// # Errors
/// `TypeError` when `class` is no class, or what `__instancecheck__` raises.
pub fn is_instance(instance: &Value, class: &Value) -> PyResult<bool> {
    if let Some(body) = class.downcast::<TypeObject>()
        && std::ptr::eq(body, instance.ty())
    {
        return Ok(true);
    }
    if std::ptr::eq(class.ty(), &TYPE) {
        return real_is_instance(instance, class);
    }
    if let Some(tuple) = class.downcast::<Tuple>() {
        let _depth = crate::vm::thread::enter_recursion(" in __instancecheck__")?;
        for class in tuple.iter() {
            if is_instance(instance, class)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match call::call_special(class, name!("__instancecheck__"), std::slice::from_ref(instance))? {
        Some(result) => crate::object::number::truth(&result),
        None => real_is_instance(instance, class),
    }
}

/// `issubclass(subclass, class)`, `class` perhaps a tuple. As `PyObject_IsSubclass`.
///
/// # Errors
/// `TypeError` when one of them is no class, or what `__subclasscheck__` raises.
pub fn is_subclass(subclass: &Value, class: &Value) -> PyResult<bool> {
    if std::ptr::eq(class.ty(), &TYPE) {
        return if subclass.is(class) { Ok(true) } else { real_is_subclass(subclass, class) };
    }
    if let Some(tuple) = class.downcast::<Tuple>() {
        let _depth = crate::vm::thread::enter_recursion(" in __subclasscheck__")?;
        for class in tuple.iter() {
            if is_subclass(subclass, class)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match call::call_special(class, name!("__subclasscheck__"), std::slice::from_ref(subclass))? {
        Some(result) => crate::object::number::truth(&result),
        None => real_is_subclass(subclass, class),
    }
}
