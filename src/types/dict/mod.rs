//! The type `dict`.

mod iterator;
mod views;

pub use iterator::{DictIterator, ITEM_ITERATOR, KEY_ITERATOR, VALUE_ITERATOR};
pub use iterator::{REVERSE_ITEM_ITERATOR, REVERSE_KEY_ITERATOR, REVERSE_VALUE_ITERATOR};
pub use views::{DICT_ITEMS, DICT_KEYS, DICT_VALUES, DictView};

use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::arguments::{check_count, positional};
use crate::object::dict_table::DictTable;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance, new_object};
use crate::object::native::Method;
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, compare, hash, iter, repr_guard, sequence, text};
use crate::types::exceptions::{
    KEY_ERROR, TYPE_ERROR, is_instance, key_error, raise, runtime_error, system_error, type_error, value_error,
};
use crate::types::list;
use crate::types::set;
use crate::types::str::{Str, StrBuilder, intern};
use crate::types::tuple::Tuple;

/// The body of a dict.
#[repr(C)]
pub struct Dict {
    header: Header,
    table: DictTable,
}

payload!(Dict, DICT, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.table.for_each(visit);
    }
    fn clear_references(&self) {
        drop(self.table.clear());
    }
});

/// The type object of `dict`.
pub static DICT: TypeObject = TypeObject::define::<Dict>("dict")
    .flags(TypeFlags::BASE.and(TypeFlags::DICT))
    .doc("dict() -> new empty dictionary\ndict(mapping) -> new dictionary initialized from a mapping object's\n    (key, value) pairs\ndict(iterable) -> new dictionary initialized as if via:\n    d = {}\n    for k, v in iterable:\n        d[k] = v\ndict(**kwargs) -> new dictionary initialized with the name=value pairs\n    in the keyword argument list.  For example:  dict(one=1, two=2)")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        compare: Some(rich_compare),
        iter: Some(iter_),
        length: Some(|this| Ok(body(this)?.len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(contains),
        ..Slots::EMPTY
    })
    .methods(METHODS);

const METHODS: &[Method] = &[
    method!(contains, "__contains__($self, key, /)", "True if the dictionary has the specified key, else False."),
    method!(getitem, "!__getitem__($self, key, /)", "x.__getitem__(y) <==> x[y]"),
    method!(sizeof, "!__sizeof__($self, /)", "D.__sizeof__() -> size of D in memory, in bytes"),
    method!(
        get,
        "get($self, key, default=None, /)",
        "Return the value for key if key is in the dictionary, else default."
    ),
    method!(
        setdefault,
        "setdefault($self, key, default=None, /)",
        "Insert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the dictionary, else default."
    ),
    method!(
        pop,
        "!pop($self, key, default=None, /)",
        "D.pop(k[,d]) -> v, remove specified key and return the corresponding value.\nIf key is not found, d is returned if given, otherwise KeyError is raised"
    ),
    method!(
        popitem,
        "popitem($self, /)",
        "Remove and return a (key, value) pair as a 2-tuple.\n\nPairs are returned in LIFO (last-in, first-out) order.\nRaises KeyError if the dict is empty."
    ),
    method!(keys, "!keys($self, /)", "D.keys() -> a set-like object providing a view on D's keys"),
    method!(items, "!items($self, /)", "D.items() -> a set-like object providing a view on D's items"),
    method!(values, "!values($self, /)", "D.values() -> an object providing a view on D's values"),
    method!(
        update,
        "!update($self, /, *args, **kwargs)",
        "D.update([E, ]**F) -> None.  Update D from dict/iterable E and F.\nIf E is present and has a .keys() method, then does:  for k in E: D[k] = E[k]\nIf E is present and lacks a .keys() method, then does:  for k, v in E: D[k] = v\nIn either case, this is followed by: for k in F:  D[k] = F[k]"
    ),
    method!(
        class from_keys,
        "fromkeys($type, iterable, value=None, /)",
        "Create a new dictionary with keys from iterable and values set to value."
    ),
    method!(clear, "!clear($self, /)", "D.clear() -> None.  Remove all items from D."),
    method!(copy, "!copy($self, /)", "D.copy() -> a shallow copy of D"),
    method!(reversed, "__reversed__($self, /)", "Return a reverse iterator over the dict keys."),
];

impl Dict {
    /// An empty dict.
    #[inline]
    pub fn new_value() -> Value {
        Dict::from_table(DictTable::new())
    }

    /// A dict over a table.
    #[inline]
    pub fn from_table(table: DictTable) -> Value {
        new_object(Dict { header: Header::new(&DICT), table })
    }

    /// An empty instance of dict or a subclass.
    pub fn instance_of(ty: &TypeObject) -> Value {
        new_instance(ty, Dict { header: Header::new(ty), table: DictTable::new() })
    }

    /// The table.
    #[inline(always)]
    pub fn table(&self) -> &DictTable {
        &self.table
    }

    /// Number of items.
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key; `None` when it is missing.
    ///
    /// # Errors
    /// What hashing or comparing raises.
    #[inline]
    pub fn get(&self, key: &Value) -> PyResult<Option<Value>> {
        if let Some(text) = key.exact::<Str>() {
            return if self.table.has_only_str_keys() {
                Ok(self.table.get_str(key, text))
            } else {
                self.table.get(key, text.hash())
            };
        }
        self.table.get(key, hash::hash(key)?)
    }

    /// The value of an exact str key.
    #[inline]
    pub fn get_str(&self, key: &Value) -> Option<Value> {
        let text = key.exact::<Str>()?;
        self.table.get_str(key, text)
    }

    /// The value of a key given by text.
    pub fn get_text(&self, key: &str) -> Option<Value> {
        self.get_str(&intern(key))
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// What hashing or comparing raises.
    #[inline]
    pub fn set(&self, key: &Value, value: Value) -> PyResult<()> {
        let hash = match key.exact::<Str>() {
            Some(text) => text.hash(),
            None => hash::hash(key)?,
        };
        let old = self.table.insert(key, hash, value)?;
        drop(old);
        Ok(())
    }

    /// Sets the value of a key given by text; such keys compare without running Python code.
    pub fn set_text(&self, key: &str, value: Value) {
        let _infallible = self.set(&intern(key), value);
    }

    /// Removes a key, returning its value.
    ///
    /// # Errors
    /// What hashing or comparing raises.
    pub fn remove(&self, key: &Value) -> PyResult<Option<Value>> {
        Ok(self.table.remove(key, hash::hash(key)?)?.map(|(_, value)| value))
    }

    /// New references to keys and values, in order.
    pub fn items(&self) -> Vec<(Value, Value)> {
        let mut items = Vec::with_capacity(self.len());
        let mut position = 0;
        while let Some((at, key, value)) = self.table.next_item(position) {
            items.push((key, value));
            position = at + 1;
        }
        items
    }

    /// Merges another mapping into this one: `self[key] = other[key]` for its keys. As `PyDict_Merge` with override.
    ///
    /// # Errors
    /// What the other's methods, hashing or comparing raises.
    pub fn merge(&self, other: &Value) -> PyResult<()> {
        if let Some(dict) = Dict::read_directly(other) {
            return self.merge_dict(dict);
        }
        for key in Dict::keys_of(other)? {
            let value = sequence::get_item(other, &key)?;
            self.set(&key, value)?;
        }
        Ok(())
    }

    /// The dict that is merged by looking into it: not one of a class with an iteration of its own.
    pub fn read_directly(mapping: &Value) -> Option<&Dict> {
        let own = mapping.ty().slot(|slots| slots.iter)? as usize == iter_ as *const () as usize;
        mapping.downcast::<Dict>().filter(|_| own)
    }

    /// What a mapping's `keys()` gives. As `PyMapping_Keys`.
    ///
    /// # Errors
    /// `TypeError` if it cannot be iterated, `AttributeError` if there is none, or what it raises.
    pub fn keys_of(other: &Value) -> PyResult<Vec<Value>> {
        let keys = call::call_method(other, name!("keys"), &[]).map_err(|raised| not_callable_keys(other, raised))?;
        match iter::iter(&keys) {
            Ok(iterator) => list::collect(&iterator),
            Err(raised) if is_instance(&raised, &TYPE_ERROR) => Err(type_error(format!(
                "{}.keys() returned a non-iterable (type {})",
                other.ty().name(),
                keys.ty().name()
            ))),
            Err(raised) => Err(raised),
        }
    }

    fn merge_dict(&self, other: &Dict) -> PyResult<()> {
        if std::ptr::eq(self, other) || other.is_empty() {
            return Ok(());
        }
        self.table.reserve_for_merge(other.len())?;
        let positions = other.table.positions();
        for position in 0..positions {
            let Some((key, value, hash)) = other.table.entry_at(position) else { continue };
            drop(self.table.insert(&key, hash, value)?);
            if other.table.positions() != positions {
                return Err(runtime_error("dict mutated during update"));
            }
        }
        Ok(())
    }

    /// A dict of its own with the same items.
    pub fn copied(&self) -> PyResult<Value> {
        self.table.copy().map(Dict::from_table)
    }

    /// Sets items from an iterable of pairs. As `PyDict_MergeFromSeq2`.
    ///
    /// # Errors
    /// `TypeError` or `ValueError` for an element that is no pair; what iterating, hashing or comparing raises.
    pub fn merge_pairs(&self, pairs: &Value) -> PyResult<()> {
        let iterator = iter::iter(pairs)?;
        let mut index = 0usize;
        while let Some(item) = iter::next(&iterator)? {
            let pair = match list::collect_or(&item, "") {
                Ok(pair) => pair,
                Err(raised) if is_instance(&raised, &TYPE_ERROR) => {
                    return Err(type_error(format!(
                        "cannot convert dictionary update sequence element #{index} to a sequence"
                    )));
                }
                Err(raised) => return Err(raised),
            };
            let [key, value] = pair.as_slice() else {
                return Err(value_error(format!(
                    "dictionary update sequence element #{index} has length {}; 2 is required",
                    pair.len()
                )));
            };
            self.set(key, value.clone())?;
            index += 1;
        }
        Ok(())
    }

    /// Updates from a mapping or an iterable of pairs, as the argument of `dict()` and `update`.
    ///
    /// # Errors
    /// As for [`Dict::merge`] and [`Dict::merge_pairs`].
    pub fn update(&self, source: &Value) -> PyResult<()> {
        if source.is_exact::<Dict>() || attribute::lookup(source, name!("keys"))?.is_some() {
            self.merge(source)
        } else {
            self.merge_pairs(source)
        }
    }
}

#[inline]
fn body(value: &Value) -> PyResult<&Dict> {
    match value.downcast::<Dict>() {
        Some(dict) => Ok(dict),
        None => Err(system_error(format!("expected dict, not {}", value.ty().name()))),
    }
}

/// A `keys` attribute that cannot be called has a message of its own (`callmethod`).
fn not_callable_keys(mapping: &Value, raised: crate::object::Raised) -> crate::object::Raised {
    match attribute::lookup(mapping, name!("keys")) {
        Ok(Some(keys)) if !call::is_callable(&keys) => {
            type_error(format!("attribute of type '{}' is not callable", keys.ty().name()))
        }
        _ => raised,
    }
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    let table = DictTable::allocated();
    Ok(match class.downcast::<TypeObject>() {
        Some(ty) if !std::ptr::eq(ty, &DICT) => new_instance(ty, Dict { header: Header::new(ty), table }),
        _ => Dict::from_table(table),
    })
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let dict = body(this)?;
    let given = positional(args, kwnames);
    check_count("dict", given.len(), 0, 1)?;
    if let Some(source) = given.first() {
        dict.update(source)?;
    }
    for (name, value) in call::split_keywords(args, kwnames).1 {
        dict.set(name, value.clone())?;
    }
    Ok(())
}

fn update(this: &Dict, args: &Tuple, keywords: &Dict) -> PyResult<()> {
    check_count("update", args.len(), 0, 1)?;
    if let Some(source) = args.get(0) {
        this.update(source)?;
    }
    this.merge_dict(keywords)
}

fn repr(this: &Value) -> PyResult<Value> {
    let dict = body(this)?;
    let Some(_guard) = repr_guard::enter(this) else { return Ok(Str::new_value("{...}")) };
    if dict.is_empty() {
        return Ok(Str::new_value("{}"));
    }
    let mut builder = StrBuilder::new();
    let mut position = 0;
    builder.push_str("{");
    while let Some((at, key, value)) = dict.table.next_item(position) {
        if builder.len() > 1 {
            builder.push_str(", ");
        }
        if let Some(text) = text::repr(&key)?.downcast::<Str>() {
            builder.push_value(text);
        }
        builder.push_str(": ");
        if let Some(text) = text::repr(&value)?.downcast::<Str>() {
            builder.push_value(text);
        }
        position = at + 1;
    }
    builder.push_str("}");
    Ok(builder.finish())
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b)) = (left.downcast::<Dict>(), right.downcast::<Dict>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    match op {
        Compare::Eq => Ok(Value::bool(equal(a, b)?)),
        Compare::Ne => Ok(Value::bool(!equal(a, b)?)),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn equal(a: &Dict, b: &Dict) -> PyResult<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let mut position = 0;
    while position < a.table.positions() {
        if let Some((key, value, hash)) = a.table.entry_at(position) {
            match b.table.get(&key, hash)? {
                Some(other) if compare::equal(&value, &other)? => {}
                _ => return Ok(false),
            }
        }
        position += 1;
    }
    Ok(true)
}

fn iter_(this: &Value) -> PyResult<Value> {
    Ok(iterator::new::<{ iterator::KEYS }>(this.clone()))
}

fn getitem(this: &Value, key: &Value) -> PyResult<Value> {
    if let Some(value) = body(this)?.get(key)? {
        return Ok(value);
    }
    if !this.is_exact::<Dict>()
        && let Some(value) = call::call_special(this, name!("__missing__"), std::slice::from_ref(key))?
    {
        return Ok(value);
    }
    Err(key_error(key))
}

fn setitem(this: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let dict = body(this)?;
    match value {
        Some(value) => dict.set(key, value.clone()),
        None => match dict.table.remove(key, hash::hash(key)?)? {
            Some(removed) => {
                drop(removed);
                Ok(())
            }
            None => Err(key_error(key)),
        },
    }
}

fn contains(this: &Value, key: &Value) -> PyResult<bool> {
    Ok(body(this)?.table.find(key, hash::hash(key)?)?.is_some())
}

/// The header of CPython's dict is 48 bytes.
fn sizeof(this: &Value) -> usize {
    let table = this.downcast::<Dict>().map_or(0, |dict| dict.table.table_bytes());
    crate::types::layout::of(this.ty()).basic_size as usize + table
}

fn get(this: &Dict, key: &Value, default: Option<&Value>) -> PyResult<Value> {
    Ok(match this.get(key)? {
        Some(value) => value,
        None => default.cloned().unwrap_or(Value::NONE),
    })
}

fn setdefault(this: &Dict, key: &Value, default: Option<&Value>) -> PyResult<Value> {
    let hash = hash::hash(key)?;
    if let Some(value) = this.table.get(key, hash)? {
        return Ok(value);
    }
    let value = default.cloned().unwrap_or(Value::NONE);
    this.table.insert_new(key, hash, value.clone())?;
    Ok(value)
}

fn pop(this: &Dict, key: &Value, default: Option<&Value>) -> PyResult<Value> {
    // An empty dict does not even hash the key.
    let found = if this.is_empty() { None } else { this.table.remove(key, hash::hash(key)?)? };
    match (found, default) {
        (Some((_, value)), _) => Ok(value),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(key_error(key)),
    }
}

fn popitem(this: &Dict) -> PyResult<Value> {
    match this.table.pop_last() {
        Some((key, value)) => Ok(Tuple::from_vec(vec![key, value])),
        None => Err(raise(&KEY_ERROR, "popitem(): dictionary is empty")),
    }
}

fn keys(this: &Value) -> Value {
    views::new::<{ iterator::KEYS }>(this.clone())
}

fn values(this: &Value) -> Value {
    views::new::<{ iterator::VALUES }>(this.clone())
}

fn items(this: &Value) -> Value {
    views::new::<{ iterator::ITEMS }>(this.clone())
}

/// `cls.fromkeys(iterable, value)`. As `_PyDict_FromKeys`.
fn from_keys(class: &Value, iterable: &Value, value: Option<&Value>) -> PyResult<Value> {
    let value = value.cloned().unwrap_or(Value::NONE);
    let result = call::call(class, &[])?;
    if let Some(dict) = result.exact::<Dict>() {
        if dict.is_empty()
            && let Some(source) = iterable.exact::<Dict>()
        {
            dict.table.reserve_for_keys(source.len())?;
            let mut position = 0;
            while position < source.table.positions() {
                if let Some((key, _, hash)) = source.table.entry_at(position) {
                    drop(dict.table.insert(&key, hash, value.clone())?);
                }
                position += 1;
            }
            return Ok(result);
        }
        if dict.is_empty()
            && let Some(source) = set::exact_table(iterable)
        {
            dict.table.reserve_for_keys(source.len())?;
            let mut position = 0;
            while let Some((at, key, hash)) = source.next_key(position) {
                drop(dict.table.insert(&key, hash, value.clone())?);
                position = at + 1;
            }
            return Ok(result);
        }
        let iterator = iter::iter(iterable)?;
        while let Some(key) = iter::next(&iterator)? {
            dict.set(&key, value.clone())?;
        }
        return Ok(result);
    }
    let iterator = iter::iter(iterable)?;
    while let Some(key) = iter::next(&iterator)? {
        sequence::set_item(&result, &key, value.clone())?;
    }
    Ok(result)
}

fn clear(this: &Dict) {
    drop(this.table.clear());
}

fn copy(this: &Dict) -> PyResult<Value> {
    this.copied()
}

fn reversed(this: &Value) -> Value {
    iterator::new::<{ iterator::REVERSE_KEYS }>(this.clone())
}
