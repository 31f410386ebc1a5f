//! The tail of an object: attributes, weak references and `__slots__` values.
//!
//! Attributes lie in a flat array described by their class's shared [`KeyTable`]. A real dict takes over when somebody
//! asks for `__dict__`, when names arrive in an order the array cannot show, or when there are very many.

use super::error::PyResult;
use super::header::Header;
use super::ty::{TypeFlags, TypeObject};
use super::value::Value;
use super::value_vec::ValueCell;
use crate::gc::Visit;
use crate::types::dict::Dict;
use crate::types::weakref::WeakHead;
use std::cell::{Cell, UnsafeCell};

/// Bytes of the attribute table.
pub const ATTRS_SIZE: usize = std::mem::size_of::<Attrs>();
/// More attributes than this go to a dict.
const MAX_SHARED: usize = 200;
/// Inline places given to the first instances of a class.
const MIN_INLINE: usize = 4;

/// The attribute names of a class's instances, in order of first appearance.
pub struct KeyTable(UnsafeCell<Vec<Value>>);

impl KeyTable {
    /// No names.
    pub const fn new() -> KeyTable {
        KeyTable(UnsafeCell::new(Vec::new()))
    }

    fn names(&self) -> &Vec<Value> {
        // SAFETY: borrows end within this file's methods, which run no foreign code.
        unsafe { &*self.0.get() }
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.names().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Position of an interned name.
    #[inline]
    pub fn find(&self, name: &Value) -> Option<usize> {
        self.names().iter().position(|known| known.is(name))
    }

    /// The name at a position.
    pub fn name(&self, index: usize) -> Option<Value> {
        self.names().get(index).cloned()
    }

    fn add(&self, name: &Value) -> Option<usize> {
        // SAFETY: as for names; no other borrow is alive.
        let names = unsafe { &mut *self.0.get() };
        if names.len() >= MAX_SHARED {
            return None;
        }
        names.push(name.clone());
        Some(names.len() - 1)
    }
}

impl Default for KeyTable {
    fn default() -> Self {
        KeyTable::new()
    }
}

/// The attributes of one object.
#[repr(C)]
pub struct Attrs {
    values: Cell<*mut Value>,
    /// Places in use: the highest bound one and all below; empty ones among them hold the unbound value.
    len: Cell<u16>,
    capacity: Cell<u16>,
    /// Places within the object, where `values` pointed at first.
    inline: Cell<u16>,
    dict: ValueCell,
}

impl Attrs {
    /// The attribute table of `object`, if its type gives it one.
    #[inline]
    pub fn of(object: &Value) -> Option<&Attrs> {
        let header = object.header()?;
        let ty = header.ty();
        if !ty.has_attributes() {
            return None;
        }
        // SAFETY: the table is at the beginning of the tail.
        Some(unsafe { &*header.at::<Attrs>(ty.tail_offset(header)) })
    }

    /// Places in use and their address, for the loop's handlers.
    #[inline(always)]
    pub(crate) fn raw_parts(&self) -> (*mut Value, usize) {
        (self.values.get(), self.len.get() as usize)
    }

    /// Whether a dict has taken over.
    #[inline(always)]
    pub(crate) fn has_dict(&self) -> bool {
        self.dict.is_some()
    }

    /// Puts one more place in use, if the array has room for it and no dict has taken over. The caller fills the place.
    #[inline(always)]
    pub(crate) fn extend_by_one(&self) -> bool {
        let len = self.len.get();
        if len < self.capacity.get() && !self.has_dict() {
            self.len.set(len + 1);
            return true;
        }
        false
    }

    fn slot(&self, index: usize) -> Option<&Value> {
        if index < self.len.get() as usize {
            // SAFETY: places below `len` are initialised.
            unsafe { &*self.values.get().add(index) }.bound()
        } else {
            None
        }
    }

    /// The dict that has taken over, if one has.
    pub fn dict(&self) -> Option<Value> {
        self.dict.get()
    }

    /// Position of a bound attribute in the array.
    #[inline]
    pub fn find(&self, ty: &TypeObject, name: &Value) -> Option<usize> {
        let index = ty.keys().find(name)?;
        self.slot(index).map(|_| index)
    }

    /// The attribute `name`, an interned str.
    ///
    /// # Errors
    /// What comparing keys raises, when a dict has taken over.
    #[inline]
    pub fn get(&self, ty: &TypeObject, name: &Value) -> PyResult<Option<Value>> {
        if let Some(dict) = self.dict.get() {
            return match dict.downcast::<Dict>() {
                Some(dict) => dict.get(name),
                None => Ok(None),
            };
        }
        Ok(ty.keys().find(name).and_then(|index| self.slot(index)).cloned())
    }

    /// Sets the attribute `name`, an interned str.
    ///
    /// # Errors
    /// What comparing keys raises, when a dict has taken over.
    pub fn set(&self, ty: &TypeObject, name: &Value, value: Value) -> PyResult<()> {
        if !self.dict.is_some() {
            if let Some(index) = ty.keys().find(name).or_else(|| add_key(ty, name)) {
                let len = self.len.get() as usize;
                if index < len {
                    // SAFETY: places below `len` are initialised; the old value is dropped after the store.
                    let place = unsafe { &mut *self.values.get().add(index) };
                    if !place.is_unbound() {
                        let old = std::mem::replace(place, value);
                        drop(old);
                        return Ok(());
                    }
                    // A hole below bound places: the array would show the wrong order.
                } else {
                    self.grow(index + 1);
                    // SAFETY: there is room for index + 1 places now.
                    unsafe {
                        for hole in len..index {
                            self.values.get().add(hole).write(Value::UNBOUND);
                        }
                        self.values.get().add(index).write(value);
                    }
                    self.len.set((index + 1) as u16);
                    return Ok(());
                }
            }
            self.make_dict(ty);
        }
        match self.dict.get() {
            Some(dict) => match dict.downcast::<Dict>() {
                Some(dict) => dict.set(name, value),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Deletes the attribute `name`; false when there is none.
    ///
    /// # Errors
    /// What comparing keys raises, when a dict has taken over.
    pub fn delete(&self, ty: &TypeObject, name: &Value) -> PyResult<bool> {
        if let Some(dict) = self.dict.get() {
            return match dict.downcast::<Dict>() {
                Some(dict) => Ok(dict.remove(name)?.is_some()),
                None => Ok(false),
            };
        }
        let Some(index) = self.find(ty, name) else { return Ok(false) };
        // SAFETY: find() saw a bound place; the old value is dropped after the store.
        let old = unsafe { std::mem::replace(&mut *self.values.get().add(index), Value::UNBOUND) };
        drop(old);
        Ok(true)
    }

    fn grow(&self, wanted: usize) {
        let capacity = self.capacity.get() as usize;
        if wanted <= capacity {
            return;
        }
        let mut bigger: Vec<Value> = Vec::with_capacity(wanted.next_power_of_two().clamp(8, MAX_SHARED.max(wanted)));
        // SAFETY: moves the initialised places; the old array, when not inline, is freed without dropping them.
        unsafe {
            let len = self.len.get() as usize;
            std::ptr::copy_nonoverlapping(self.values.get(), bigger.as_mut_ptr(), len);
            self.free_outside();
            self.capacity.set(bigger.capacity() as u16);
            self.values.set(bigger.as_mut_ptr());
        }
        std::mem::forget(bigger);
    }

    /// Whether the array has moved out of the object.
    fn is_outside(&self) -> bool {
        self.capacity.get() > self.inline.get()
    }

    /// Frees an array outside the object, without dropping values.
    fn free_outside(&self) {
        if self.is_outside() {
            // SAFETY: made by grow() from a Vec of this capacity.
            drop(unsafe { Vec::from_raw_parts(self.values.get(), 0, self.capacity.get() as usize) });
        }
    }

    /// Moves all attributes to a real dict and returns it.
    pub fn make_dict(&self, ty: &TypeObject) -> Value {
        if let Some(dict) = self.dict.get() {
            return dict;
        }
        let dict = Dict::new_value();
        if let Some(body) = dict.exact::<Dict>() {
            let len = self.len.replace(0) as usize;
            for index in 0..len {
                // SAFETY: the places below the old `len` are moved out, once.
                let value = unsafe { self.values.get().add(index).read() };
                if !value.is_unbound()
                    && let Some(name) = ty.keys().name(index)
                {
                    // A new dict with interned str keys: comparing cannot fail.
                    drop(body.set(&name, value));
                }
            }
        }
        self.dict.set(Some(dict.clone()));
        dict
    }

    /// Replaces `__dict__`.
    pub fn set_dict(&self, ty: &TypeObject, dict: Option<Value>) {
        let old = self.make_dict(ty);
        self.dict.set(Some(dict.unwrap_or_else(Dict::new_value)));
        drop(old);
    }

    fn clear(&self) {
        let len = self.len.replace(0) as usize;
        for index in 0..len {
            // SAFETY: the places below the old `len` are moved out, once.
            drop(unsafe { self.values.get().add(index).read() });
        }
        self.free_outside();
        self.capacity.set(0);
        self.dict.set(None);
    }

    /// Drops the values of an object that lives on, as garbage does until its last reference goes.
    fn clear_values(&self) {
        let len = self.len.replace(0) as usize;
        // SAFETY: the places below the old `len` are moved out, once, before anything dies.
        let values: Vec<Value> = (0..len).map(|index| unsafe { self.values.get().add(index).read() }).collect();
        drop(values);
        drop(self.dict.take());
    }

    /// Calls `visit` for every value held; it must not run foreign code.
    pub fn traverse(&self, visit: Visit<'_>) {
        self.for_each_inline(visit);
        self.dict.visit(visit);
    }

    /// Calls `visit` for every value in the array; it must not run foreign code.
    pub(crate) fn for_each_inline(&self, visit: Visit<'_>) {
        for index in 0..self.len.get() as usize {
            if let Some(value) = self.slot(index) {
                visit(value);
            }
        }
    }
}

/// Adds a name to those that instances share. A name that the class has too may now be hidden by an instance: what was
/// learned of the class is void.
fn add_key(ty: &TypeObject, name: &Value) -> Option<usize> {
    if !ty.is_heap_type() {
        return None;
    }
    let index = ty.keys().add(name)?;
    if ty.lookup(name).is_some() {
        ty.modified();
    }
    Some(index)
}

/// Inline places that a new instance of `ty` gets.
pub(crate) fn inline_capacity(ty: &TypeObject) -> usize {
    if ty.has_attributes() && ty.is_heap_type() && !ty.is_variable_size() { ty.keys().len().max(MIN_INLINE) } else { 0 }
}

/// Bytes of inline places behind the fixed tail of `object`.
pub(crate) fn inline_bytes(object: &Header, ty: &TypeObject, tail: usize) -> usize {
    if !ty.has_attributes() {
        return 0;
    }
    // SAFETY: the attribute table is at the beginning of the tail; `inline` keeps its value through Attrs::clear.
    unsafe { (*object.at::<Attrs>(tail)).inline.get() as usize * 8 }
}

/// Prepares the tail of a new object whose memory is zero, `inline` places behind it.
///
/// # Safety
/// The object was allocated with room for them.
#[inline]
pub(crate) unsafe fn init_tail(object: &Header, ty: &TypeObject, inline: usize) {
    if ty.has_attributes() {
        let tail = ty.tail_offset(object);
        // SAFETY: the attribute table is at the beginning of the tail, the places at its end.
        unsafe {
            let attrs = &*object.at::<Attrs>(tail);
            attrs.values.set(object.at::<Value>(tail + ty.tail_size()) as *mut Value);
            attrs.capacity.set(inline as u16);
            attrs.inline.set(inline as u16);
        }
    }
}

/// Drops what the tail holds.
pub(crate) fn clear_tail(object: &Header, ty: &TypeObject) {
    if ty.tail_size() == 0 {
        return;
    }
    let tail = ty.tail_offset(object);
    if ty.has_attributes() {
        // SAFETY: the attribute table is at the beginning of the tail.
        unsafe { (*object.at::<Attrs>(tail)).clear() };
    }
    for index in 0..ty.slot_count() {
        // SAFETY: `__slots__` values are ValueCells, zero (empty) at first.
        unsafe { (*object.at::<ValueCell>(tail + ty.slots_tail() + 8 * index)).set(None) };
    }
}

/// The place of a `__slots__` value.
pub(crate) fn slot_cell(object: &Value, index: usize) -> Option<&ValueCell> {
    let header = object.header()?;
    let ty = header.ty();
    if index >= ty.slot_count() {
        return None;
    }
    // SAFETY: as in clear_tail.
    Some(unsafe { &*header.at::<ValueCell>(ty.tail_offset(header) + ty.slots_tail() + 8 * index) })
}

/// Where the list of the weak references to an object begins; none when its type does not allow them.
pub(crate) fn weak_head(object: &Header) -> Option<&WeakHead> {
    let ty = object.ty();
    if ty.has_flag(TypeFlags::TYPE) {
        // SAFETY: an instance of a type of types is a type.
        return Some(unsafe { &(*(object as *const Header as *const TypeObject)).weakrefs });
    }
    let offset = ty.weakref_offset()?;
    // SAFETY: the place is in the tail, zero (empty) at first.
    Some(unsafe { &*object.at::<WeakHead>(ty.tail_offset(object) + offset) })
}

/// Calls `visit` for every value in the tail.
pub(crate) fn traverse_tail(object: &Header, ty: &TypeObject, visit: Visit<'_>) {
    let tail = ty.tail_offset(object);
    if ty.has_attributes() {
        // SAFETY: the attribute table is at the beginning of the tail.
        unsafe { (*object.at::<Attrs>(tail)).traverse(visit) };
    }
    for index in 0..ty.slot_count() {
        // SAFETY: as in clear_tail.
        unsafe { (*object.at::<ValueCell>(tail + ty.slots_tail() + 8 * index)).visit(visit) };
    }
}

/// Drops what the tail of an object holds that lives on: attributes and `__slots__` values.
pub(crate) fn clear_tail_values(object: &Header, ty: &TypeObject) {
    let tail = ty.tail_offset(object);
    let slots = ty.slots_tail();
    let count = ty.slot_count();
    if ty.has_attributes() {
        // SAFETY: the attribute table is at the beginning of the tail.
        unsafe { (*object.at::<Attrs>(tail)).clear_values() };
    }
    for index in 0..count {
        // SAFETY: as in clear_tail; the caller holds the object, whose allocation keeps its layout.
        drop(unsafe { (*object.at::<ValueCell>(tail + slots + 8 * index)).take() });
    }
}
