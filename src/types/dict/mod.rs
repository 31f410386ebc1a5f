//! The type `dict`.

use crate::object::dict_table::DictTable;
use crate::object::error::PyResult;
use crate::object::hash;
use crate::object::header::{Header, new_instance, new_object};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value};
use crate::object::{TypeFlags, TypeObject};
use crate::types::str::{Str, intern};

/// The body of a dict.
#[repr(C)]
pub struct Dict {
    header: Header,
    table: DictTable,
}

// SAFETY: repr(C), header first.
unsafe impl Payload for Dict {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &DICT
    }
}

/// The type object of `dict`.
pub static DICT: TypeObject = TypeObject::define::<Dict>("dict")
    .flags(TypeFlags::BASE.and(TypeFlags::DICT))
    .slots(Slots { length: Some(|this| Ok(this.downcast::<Dict>().map_or(0, |d| d.len()))), ..Slots::EMPTY })
    .methods(METHODS);

const METHODS: &[Method] = &[];

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
}
