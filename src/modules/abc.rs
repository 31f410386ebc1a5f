//! The module `_abc`: what abstract base classes do, native. As `Modules/_abc.c`.

use crate::method;
use crate::modules::ModuleDef;
use crate::name;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, call, hash, iter, number};
use crate::types::builtin_function::BuiltinFunction;
use crate::types::exceptions::{TYPE_ERROR, assertion_error, is_instance, runtime_error, type_error};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use crate::types::weakref::{self, REF};
use crate::types::{int, list, set, type_};
use std::cell::Cell;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_abc",
    doc: "Module contains faster C implementation of abc.ABCMeta",
    functions: &[
        method!(
            get_cache_token,
            "get_cache_token($module, /)",
            "Returns the current ABC cache token.\n\nThe token is an opaque object (supporting equality testing) identifying the\ncurrent version of the ABC cache for virtual subclasses. The token changes\nwith every call to register() on any ABC."
        ),
        method!(
            abc_init,
            "_abc_init($module, self, /)",
            "Internal ABC helper for class set-up. Should be never used outside abc module."
        ),
        method!(
            reset_registry,
            "_reset_registry($module, self, /)",
            "Internal ABC helper to reset registry of a given class.\n\nShould be only used by refleak.py"
        ),
        method!(
            reset_caches,
            "_reset_caches($module, self, /)",
            "Internal ABC helper to reset both caches of a given class.\n\nShould be only used by refleak.py"
        ),
        method!(
            get_dump,
            "_get_dump($module, self, /)",
            "Internal ABC helper for cache and registry debugging.\n\nReturn shallow copies of registry, of both caches, and\nnegative cache version. Don't call this function directly,\ninstead use ABC._dump_registry() for a nice repr."
        ),
        method!(
            abc_register,
            "_abc_register($module, self, subclass, /)",
            "Internal ABC helper for subclasss registration. Should be never used outside abc module."
        ),
        method!(
            abc_instancecheck,
            "_abc_instancecheck($module, self, instance, /)",
            "Internal ABC helper for instance checks. Should be never used outside abc module."
        ),
        method!(
            abc_subclasscheck,
            "_abc_subclasscheck($module, self, subclass, /)",
            "Internal ABC helper for subclasss checks. Should be never used outside abc module."
        ),
    ],
    fill: |_| Ok(()),
};

/// Number of registrations so far: negative caches of an older number are void.
static REGISTRATIONS: GilCell<Cell<u64>> = GilCell::new(Cell::new(0));

/// The body of `_abc_impl`: sets of weak references to classes, made when first needed.
#[repr(C)]
pub struct AbcData {
    header: Header,
    registry: WeakSet,
    cache: WeakSet,
    negative_cache: WeakSet,
    negative_version: Cell<u64>,
}

payload!(AbcData, ABC_DATA);

/// The type object of `_abc_impl`.
pub static ABC_DATA: TypeObject = TypeObject::define::<AbcData>("_abc_data")
    .with_weakrefs()
    .doc("Internal state held by ABC machinery.")
    .slots(Slots {
        new: Some(|class, _args, _kwnames| match class.downcast::<TypeObject>() {
            Some(ty) => Ok(new_data(ty)),
            None => Err(type_error("expected a type")),
        }),
        ..Slots::EMPTY
    });

fn new_data(ty: &TypeObject) -> Value {
    new_instance(
        ty,
        AbcData {
            header: Header::new(ty),
            registry: WeakSet::new(),
            cache: WeakSet::new(),
            negative_cache: WeakSet::new(),
            negative_version: Cell::new(REGISTRATIONS.get().get()),
        },
    )
}

/// A set of weak references, none before the first.
struct WeakSet(ValueCell);

impl WeakSet {
    const fn new() -> WeakSet {
        WeakSet(ValueCell::new(None))
    }

    fn is_empty(&self) -> bool {
        self.0.get().is_none_or(|set| set::table_of(&set).is_none_or(|table| table.is_empty()))
    }

    /// Whether an object is in it; what cannot be referenced weakly is not.
    fn contains(&self, object: &Value) -> PyResult<bool> {
        let Some(set) = self.0.get() else { return Ok(false) };
        let Some(table) = set::table_of(&set).filter(|table| !table.is_empty()) else { return Ok(false) };
        let reference = match call::call(&REF.value(), std::slice::from_ref(object)) {
            Ok(reference) => reference,
            Err(raised) if is_instance(&raised, &TYPE_ERROR) => return Ok(false),
            Err(raised) => return Err(raised),
        };
        table.contains(&reference, hash::hash(&reference)?)
    }

    /// Adds an object, which takes itself out when it dies.
    fn add(&self, object: &Value) -> PyResult<()> {
        let set = match self.0.get() {
            Some(set) => set,
            None => {
                let set = set::new_set();
                self.0.set(Some(set.clone()));
                set
            }
        };
        let set_reference = call::call(&REF.value(), std::slice::from_ref(&set))?;
        let callback = BuiltinFunction::new_value(&DESTROY, Some(set_reference), None);
        let reference = call::call(&REF.value(), &[object.clone(), callback])?;
        set::add_key(&set, &reference)
    }

    fn clear(&self) {
        if let Some(set) = self.0.get()
            && let Some(table) = set::table_of(&set)
        {
            drop(table.clear());
        }
    }

    fn references(&self) -> Vec<Value> {
        let Some(set) = self.0.get() else { return Vec::new() };
        set::table_of(&set).map(|table| table.keys()).unwrap_or_default()
    }

    /// A copy as a plain set.
    fn copy(&self) -> PyResult<Value> {
        match self.0.get() {
            Some(set) => set::from_iterable(&set),
            None => Ok(set::new_set()),
        }
    }
}

static DESTROY: Function = Function::new("!_destroy($self, reference, /)", "", thunk(destroy));

/// The callback of a reference in a set, which is bound to a weak reference to the set.
fn destroy(set_reference: &Value, reference: &Value) -> PyResult<()> {
    if let Some(set) = weakref::referent_of(set_reference)
        && let Some(table) = set::table_of(&set)
    {
        let removed = table.remove(reference, hash::hash(reference)?)?;
        drop(removed);
    }
    Ok(())
}

/// The data of a class.
fn data_of(class: &Value) -> PyResult<Value> {
    let data = attribute::get_interned(class, name!("_abc_impl"))?;
    if data.is_exact::<AbcData>() { Ok(data) } else { Err(type_error("_abc_impl is set to a wrong type")) }
}

fn body(data: &Value) -> PyResult<&AbcData> {
    data.exact::<AbcData>().ok_or_else(|| type_error("_abc_impl is set to a wrong type"))
}

fn get_cache_token() -> Value {
    int::big(REGISTRATIONS.get().get().into())
}

fn reset_registry(class: &Value) -> PyResult<()> {
    body(&data_of(class)?)?.registry.clear();
    Ok(())
}

fn reset_caches(class: &Value) -> PyResult<()> {
    let data = data_of(class)?;
    let data = body(&data)?;
    data.cache.clear();
    data.negative_cache.clear();
    Ok(())
}

fn get_dump(class: &Value) -> PyResult<Value> {
    let data = data_of(class)?;
    let data = body(&data)?;
    Ok(Tuple::from_vec(vec![
        data.registry.copy()?,
        data.cache.copy()?,
        data.negative_cache.copy()?,
        int::big(data.negative_version.get().into()),
    ]))
}

fn is_abstract(value: &Value) -> PyResult<bool> {
    match attribute::lookup(value, name!("__isabstractmethod__"))? {
        Some(mark) => number::truth(&mark),
        None => Ok(false),
    }
}

/// The names of a class's own abstract methods and of those that its bases leave abstract.
fn abstract_methods(class: &Value) -> PyResult<Value> {
    let mut names = Vec::new();
    let namespace = attribute::get_interned(class, name!("__dict__"))?;
    let items = call::call_method(&namespace, name!("items"), &[])?;
    let items = list::collect_or(
        &items,
        &format!("{}.items() returned a non-iterable (type {})", namespace.ty().name(), items.ty().name()),
    )?;
    for item in items {
        let pair = list::collect_or(&item, "items() returned non-iterable")?;
        let [key, value] = pair.as_slice() else {
            return Err(type_error("items() returned item which size is not 2"));
        };
        if is_abstract(value)? {
            names.push(key.clone());
        }
    }
    let bases = attribute::get_interned(class, name!("__bases__"))?;
    let Some(bases) = bases.downcast::<Tuple>() else { return Err(type_error("__bases__ is not tuple")) };
    for base in bases.iter() {
        let Some(inherited) = attribute::lookup(base, name!("__abstractmethods__"))? else { continue };
        iter::for_each(&inherited, |key| {
            if let Some(value) = attribute::lookup(class, &key)?
                && is_abstract(&value)?
            {
                names.push(key);
            }
            Ok(true)
        })?;
    }
    set::frozenset_of(&names)
}

fn abc_init(class: &Value) -> PyResult<()> {
    attribute::set(class, name!("__abstractmethods__"), Some(&abstract_methods(class)?))?;
    attribute::set(class, name!("_abc_impl"), Some(&new_data(&ABC_DATA)))
}

fn abc_register(class: &Value, subclass: &Value) -> PyResult<Value> {
    if subclass.downcast::<TypeObject>().is_none() {
        return Err(type_error("Can only register classes"));
    }
    if type_::is_subclass(subclass, class)? {
        return Ok(subclass.clone());
    }
    // Only now, for a class is a subclass of itself.
    if type_::is_subclass(class, subclass)? {
        return Err(runtime_error("Refusing to create an inheritance cycle"));
    }
    body(&data_of(class)?)?.registry.add(subclass)?;
    let registrations = REGISTRATIONS.get();
    registrations.set(registrations.get() + 1);
    Ok(subclass.clone())
}

fn abc_instancecheck(class: &Value, instance: &Value) -> PyResult<Value> {
    let data = data_of(class)?;
    let data = body(&data)?;
    let subclass = attribute::get_interned(instance, name!("__class__"))?;
    if data.cache.contains(&subclass)? {
        return Ok(Value::TRUE);
    }
    let check = |subclass: &Value| call::call_method(class, name!("__subclasscheck__"), std::slice::from_ref(subclass));
    let subtype = instance.ty().value();
    if subtype.is(&subclass) {
        if data.negative_version.get() == REGISTRATIONS.get().get() && data.negative_cache.contains(&subclass)? {
            return Ok(Value::FALSE);
        }
        return check(&subclass);
    }
    let result = check(&subclass)?;
    if number::truth(&result)? { Ok(result) } else { check(&subtype) }
}

fn abc_subclasscheck(class: &Value, subclass: &Value) -> PyResult<bool> {
    let Some(sub) = subclass.downcast::<TypeObject>() else {
        return Err(type_error("issubclass() arg 1 must be a class"));
    };
    let data = data_of(class)?;
    let data = body(&data)?;
    if data.cache.contains(subclass)? {
        return Ok(true);
    }
    let registrations = REGISTRATIONS.get().get();
    if data.negative_version.get() < registrations {
        data.negative_cache.clear();
        data.negative_version.set(registrations);
    } else if data.negative_cache.contains(subclass)? {
        return Ok(false);
    }
    let hook = call::call_method(class, name!("__subclasshook__"), std::slice::from_ref(subclass))?;
    if hook.is_true() {
        data.cache.add(subclass)?;
        return Ok(true);
    }
    if hook.is_false() {
        data.negative_cache.add(subclass)?;
        return Ok(false);
    }
    if !hook.is_not_implemented() {
        return Err(assertion_error("__subclasshook__ must return either False, True, or NotImplemented"));
    }
    if let Some(mro) = sub.mro()
        && mro.downcast::<Tuple>().is_some_and(|mro| mro.iter().any(|entry| entry.is(class)))
    {
        data.cache.add(subclass)?;
        return Ok(true);
    }
    if !data.registry.is_empty() {
        if data.registry.contains(subclass)? {
            return Ok(true);
        }
        // A copy: classes may die meanwhile.
        for reference in data.registry.references() {
            if let Some(registered) = weakref::referent_of(&reference)
                && type_::is_subclass(subclass, &registered)?
            {
                data.cache.add(subclass)?;
                return Ok(true);
            }
        }
    }
    let subclasses = call::call_method(class, name!("__subclasses__"), &[])?;
    let Some(subclasses) = subclasses.downcast::<List>() else {
        return Err(type_error("__subclasses__() must return a list"));
    };
    let mut index = 0;
    while let Some(candidate) = subclasses.items().get(index) {
        if type_::is_subclass(subclass, &candidate)? {
            data.cache.add(subclass)?;
            return Ok(true);
        }
        index += 1;
    }
    data.negative_cache.add(subclass)?;
    Ok(false)
}
