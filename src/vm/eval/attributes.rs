//! The handlers of attribute and method access, and what they learn.
//!
//! An access remembers the type it saw and where the attribute stood in the second cell of its instruction. What does not
//! fit there, because objects of several types come by, is found in a table that all accesses share.

use super::cell::Cell;
use super::handlers::{
    die_drop_next, die_next, drop_next, drop_two_next, handler, operation, operation_generic, store_next,
};
use super::registers::{At, drop_bits, share_bits};
use super::unwind::raise;
use super::{CONST, LOCAL, TEMP};
use super::{EMPTY, Handler, Place, become_handler, is_heap, next};
use crate::object::attribute::{self, MethodLookup};
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::header::Header;
use crate::object::instance::Attrs;
use crate::object::value::Value;
use crate::object::{TypeFlags, TypeObject};
use crate::types::cell::Cell as PyCell;
use crate::types::descriptor;
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::super_::SUPER;
use crate::types::tuple::Tuple;
use crate::types::type_::TYPE;
use crate::vm::thread::Thread;
use crate::vm::translate::Meta;
use std::cell::UnsafeCell;

/// Where an attribute of a type's instances stands.
#[repr(C)]
#[derive(Clone, Copy)]
struct Known {
    /// The version of the type.
    version: u32,
    /// Offset of the attribute table from the object, 0 if instances have none; with [`OF_CLASS`] when the type holds the
    /// attribute, which counts as long as no dict has taken over the instance's attributes.
    table: u32,
    /// Position in the attribute table, or the word that the type holds, kept alive by it while its version stands.
    word: u64,
}

const OF_CLASS: u32 = 1 << 31;
/// `table` is the offset of the `__slots__` value itself.
const OF_SLOT: u32 = 1 << 30;

/// What is known in the second cell of an access.
#[inline(always)]
unsafe fn known(ip: *const Cell) -> *mut Known {
    // SAFETY: a second cell follows the instruction.
    unsafe { ip.add(1) as *mut Known }
}

/// The attribute of an object whose type has the version known; `EMPTY` when it is not where it was.
#[inline(always)]
unsafe fn read(header: &Header, known: &Known) -> u64 {
    // SAFETY: the type had the same version when the place was learned.
    unsafe {
        if known.table & (OF_CLASS | OF_SLOT) == 0 {
            let (values, len) = (*header.at::<Attrs>(known.table as usize)).raw_parts();
            if (known.word as usize) < len { *(values.add(known.word as usize) as *const u64) } else { EMPTY }
        } else if known.table & OF_SLOT != 0 {
            let bits = *header.at::<u64>((known.table & !OF_SLOT) as usize);
            if bits == 0 { EMPTY } else { bits }
        } else {
            let offset = (known.table & !OF_CLASS) as usize;
            if offset == 0 || !(*header.at::<Attrs>(offset)).has_dict() { known.word } else { EMPTY }
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The shared table

/// What an access is for: the same name means different things to each.
const LOAD: u64 = 0;
const METHOD: u64 = 1;
const STORE: u64 = 2;
const KINDS: u64 = 3;

struct Shared {
    /// The name's word and the kind of access in its low bits. The entry has a reference to the name: another one at the
    /// same address would find what was known of it.
    key: u64,
    known: Known,
}

const SHARED: usize = 2048;

static TABLE: GilCell<UnsafeCell<[Shared; SHARED]>> = GilCell::new(UnsafeCell::new(
    [const { Shared { key: 0, known: Known { version: 0, table: 0, word: 0 } } }; SHARED],
));

#[inline(always)]
fn index(version: u32, key: u64) -> usize {
    let mixed = (u64::from(version) << 32 ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 48) as usize % SHARED
}

#[inline(always)]
fn shared(version: u32, key: u64) -> *mut Shared {
    TABLE.get().get().cast::<Shared>().wrapping_add(index(version, key))
}

/// The second place for an access.
#[inline(always)]
fn neighbour(version: u32, key: u64) -> *mut Shared {
    TABLE.get().get().cast::<Shared>().wrapping_add(index(version, key) ^ 1)
}

/// What the table knows of an access of `kind` by the instruction at `ip` to an object of type version `version`.
#[inline(always)]
unsafe fn find<const KIND: u64>(ip: *const Cell, k: *const u64, version: u32) -> Option<&'static Known> {
    // SAFETY: a name's index is checked when code is verified; entries are copied in and out under the GIL.
    unsafe {
        let name = Meta::of(k).code().names().get_unchecked((*ip).c as usize);
        let key = name.bits() | KIND;
        let entry = &*shared(version, key);
        if entry.key == key && entry.known.version == version && version != 0 {
            return Some(&entry.known);
        }
        let entry = &*neighbour(version, key);
        if entry.key == key && entry.known.version == version && version != 0 { Some(&entry.known) } else { None }
    }
}

fn remember<const KIND: u64>(name: &Value, known: Known) {
    let key = name.clone().into_bits() | KIND;
    // SAFETY: within the table. What was remembered there moves next door. A name is a str: nothing runs when it dies.
    unsafe {
        let mut old = std::mem::replace(&mut *shared(known.version, key), Shared { key, known });
        if old.key != key {
            old = std::mem::replace(&mut *neighbour(known.version, key), old);
        }
        if old.key != 0 {
            drop_bits(old.key & !KINDS);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Loading

/// Ends `attr` with the attribute's word.
macro_rules! loaded {
    ($value:ident, $object:ident, $OBJECT:ident, $PLACE:ident, $ip:ident, $fp:ident, $vm:ident, $k:ident) => {{
        share_bits($value);
        if $OBJECT == TEMP {
            *$fp.add((*$ip).b as usize) = EMPTY;
            let slot = $fp.add((*$ip).a as usize);
            let old = if $PLACE == LOCAL { *slot } else { EMPTY };
            *slot = $value;
            drop_two_next!(old, $object, $ip.add(2), $fp, $vm, $k)
        }
        store_next!($PLACE, $value, $ip, 2, $fp, $vm, $k)
    }};
}

handler! {
    /// a := b.name
    fn attr<const OBJECT: u8, const PLACE: u8>(ip, fp, vm, k) {
        let object = *fp.add((*ip).b as usize);
        if is_heap(object) {
            let header = &*(object as *const Header);
            let known = &*known(ip);
            if header.ty().current_version() == known.version {
                let value = read(header, known);
                if value != EMPTY {
                    loaded!(value, object, OBJECT, PLACE, ip, fp, vm, k)
                }
            }
        }
        become_handler!((attr_shared::<OBJECT, PLACE>), ip, fp, vm, k)
    }
}

handler! {
    /// `attr` with what the shared table knows.
    #[inline(never)]
    fn attr_shared<const OBJECT: u8, const PLACE: u8>(ip, fp, vm, k) {
        let object = *fp.add((*ip).b as usize);
        if is_heap(object) {
            let header = &*(object as *const Header);
            if let Some(found) = find::<LOAD>(ip, k, header.ty().current_version()) {
                *known(ip) = *found;
                let value = read(header, found);
                if value != EMPTY {
                    loaded!(value, object, OBJECT, PLACE, ip, fp, vm, k)
                }
            }
        }
        become_handler!((attr_slow::<OBJECT>), ip, fp, vm, k)
    }
}

operation_generic! {
    /// The slow path of `attr`: looks up, and learns where the attribute stands.
    attr_slow<const OBJECT: u8>, 2, |at| {
        let object = if OBJECT == TEMP { at.take(at.b()) } else { at.get(at.b()) };
        // SAFETY: the second cell.
        learn_attr(&object, at.name(), unsafe { known(at.ip) });
        let value = attribute::get_interned(&object, at.name())?;
        drop(object);
        at.set(at.a(), value);
        Ok(())
    }
}

/// Remembers the place of an instance attribute that nothing on the type hides, or of an attribute of the type that is no
/// descriptor.
fn learn_attr(object: &Value, name: &Value, cell: *mut Known) {
    let ty = object.ty();
    if ty.slot(|slots| slots.getattr).is_none_or(|f| f as usize != attribute::generic_get as *const () as usize) {
        return;
    }
    let held = ty.lookup(name);
    // Instances of Python classes, among them classes with a metaclass, may become descriptors later.
    if held.as_ref().is_some_and(|held| held.ty().is_heap_type()) {
        return;
    }
    let has = |slot: fn(&Value) -> bool| held.as_ref().is_some_and(slot);
    let gets = has(|held| held.ty().slot(|slots| slots.descr_get).is_some());
    if gets && has(|held| held.ty().slot(|slots| slots.descr_set).is_some()) {
        if let Some(found) = held.as_ref().and_then(|held| slot_of(ty, held)) {
            learn::<LOAD>(ty, name, found, cell);
        }
        return;
    }
    let found = match (place_of(object, name), held) {
        (Some(found), _) => found,
        (None, Some(held)) if !gets && !may_be_hidden(ty, name) => of_class(ty, &held),
        _ => return,
    };
    learn::<LOAD>(ty, name, found, cell);
}

/// Where an attribute stands in the instance's array, if it does.
fn place_of(object: &Value, name: &Value) -> Option<Known> {
    let ty = object.ty();
    let offset = ty.attr_offset();
    if offset == 0 {
        return None;
    }
    let index = Attrs::of(object)?.find(ty, name)?;
    Some(Known { version: 0, table: offset as u32, word: index as u64 })
}

/// The place of the `__slots__` value that a descriptor on the type gives access to.
fn slot_of(ty: &TypeObject, descriptor: &Value) -> Option<Known> {
    let index = descriptor::slot_index(descriptor, ty)?;
    if ty.is_variable_size() || index >= ty.slot_count() {
        return None;
    }
    let offset = ty.body_size() + ty.slots_tail() + 8 * index;
    Some(Known { version: 0, table: offset as u32 | OF_SLOT, word: 0 })
}

fn of_class(ty: &TypeObject, held: &Value) -> Known {
    let offset = if ty.has_attributes() { ty.attr_offset() as u32 } else { 0 };
    Known { version: 0, table: offset | OF_CLASS, word: held.bits() }
}

/// Whether an instance may have an attribute of that name: it is among those that instances share (a name that joins them
/// later ends the type's version).
fn may_be_hidden(ty: &TypeObject, name: &Value) -> bool {
    ty.has_attributes() && (ty.attr_offset() == 0 || ty.keys().find(name).is_some())
}

fn learn<const KIND: u64>(ty: &TypeObject, name: &Value, found: Known, cell: *mut Known) {
    let version = ty.version();
    if version == 0 || !ty.header().ty().has_flag(TypeFlags::TYPE) {
        return;
    }
    let found = Known { version, ..found };
    remember::<KIND>(name, found);
    // SAFETY: the second cell of the instruction.
    unsafe { *cell = found }
}

// ---------------------------------------------------------------------------------------------------------------------
// Storing

handler! {
    /// a.name := b
    fn set_attr<const OBJECT: u8, const VALUE: u8>(ip, fp, vm, k) {
        let object = *fp.add((*ip).a as usize);
        if is_heap(object) {
            let header = &*(object as *const Header);
            let version = header.ty().current_version();
            let mut place = &*known(ip);
            if version != place.version {
                match find::<STORE>(ip, k, version) {
                    Some(found) => {
                        *known(ip) = *found;
                        place = found;
                    }
                    None => become_handler!((set_attr_slow::<OBJECT, VALUE>), ip, fp, vm, k),
                }
            }
            if place.table & OF_SLOT != 0 {
                let place = header.at::<u64>((place.table & !OF_SLOT) as usize) as *mut u64;
                let old = if *place == 0 { EMPTY } else { *place };
                let value = if VALUE == CONST { *k.add((*ip).b as usize) } else { *fp.add((*ip).b as usize) };
                if VALUE == TEMP {
                    *fp.add((*ip).b as usize) = EMPTY;
                } else {
                    share_bits(value);
                }
                *place = value;
                if OBJECT == TEMP {
                    *fp.add((*ip).a as usize) = EMPTY;
                    drop_two_next!(old, object, ip.add(2), fp, vm, k)
                }
                drop_next!(old, ip.add(2), fp, vm, k)
            }
            let attrs = &*header.at::<Attrs>(place.table as usize);
            let index = place.word as usize;
            let (values, len) = attrs.raw_parts();
            if index <= len {
                let place = values.add(index) as *mut u64;
                let old = if index < len { *place } else { EMPTY };
                if (index < len && old != EMPTY) || (index == len && attrs.extend_by_one()) {
                    let value = if VALUE == CONST { *k.add((*ip).b as usize) } else { *fp.add((*ip).b as usize) };
                    if VALUE == TEMP {
                        *fp.add((*ip).b as usize) = EMPTY;
                    } else {
                        share_bits(value);
                    }
                    *place = value;
                    if OBJECT == TEMP {
                        *fp.add((*ip).a as usize) = EMPTY;
                        drop_two_next!(old, object, ip.add(2), fp, vm, k)
                    }
                    drop_next!(old, ip.add(2), fp, vm, k)
                }
            }
        }
        become_handler!((set_attr_slow::<OBJECT, VALUE>), ip, fp, vm, k)
    }
}

operation_generic! {
    /// The slow path of `set_attr`.
    set_attr_slow<const OBJECT: u8, const VALUE: u8>, 2, |at| {
        let object = if OBJECT == TEMP { at.take(at.a()) } else { at.get(at.a()) };
        let value = match VALUE {
            TEMP => at.take(at.b()),
            LOCAL => at.get(at.b()),
            _ => at.constant(at.b()),
        };
        attribute::set(&object, at.name(), Some(&value))?;
        // SAFETY: the second cell.
        learn_store(&object, at.name(), unsafe { known(at.ip) });
        Ok(())
    }
}

fn learn_store(object: &Value, name: &Value, cell: *mut Known) {
    let ty = object.ty();
    if ty.slot(|slots| slots.setattr).is_none_or(|f| f as usize != attribute::generic_set as *const () as usize) {
        return;
    }
    let held = ty.lookup(name);
    let found = match &held {
        // Instances of Python classes may become descriptors later.
        Some(held) if held.ty().is_heap_type() => None,
        Some(held) if held.ty().slot(|slots| slots.descr_set).is_some() => slot_of(ty, held),
        _ => place_of(object, name),
    };
    if let Some(found) = found {
        learn::<STORE>(ty, name, found, cell);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Methods

handler! {
    /// a, a+1 := the function b.name and b; or nothing and the bound method
    fn method<const OBJECT: u8>(ip, fp, vm, k) {
        let object = *fp.add((*ip).b as usize);
        if is_heap(object) {
            let header = &*(object as *const Header);
            let version = header.ty().current_version();
            let mut place = &*known(ip);
            if version != place.version {
                match find::<METHOD>(ip, k, version) {
                    Some(found) => {
                        *known(ip) = *found;
                        place = found;
                    }
                    None => become_handler!((method_slow::<OBJECT>), ip, fp, vm, k),
                }
            }
            let value = read(header, place);
            if value != EMPTY {
                share_bits(value);
                let slot = fp.add((*ip).a as usize);
                if place.table & OF_CLASS == 0 {
                    // The instance's own: called as it is.
                    if OBJECT == TEMP {
                        *fp.add((*ip).b as usize) = EMPTY;
                    }
                    *slot = EMPTY;
                    *slot.add(1) = value;
                    if OBJECT == TEMP {
                        drop_next!(object, ip.add(2), fp, vm, k)
                    }
                    next!(ip.add(2), fp, vm, k)
                }
                if OBJECT == TEMP {
                    *fp.add((*ip).b as usize) = EMPTY;
                } else {
                    share_bits(object);
                }
                *slot = value;
                *slot.add(1) = object;
                next!(ip.add(2), fp, vm, k)
            }
        }
        become_handler!((method_slow::<OBJECT>), ip, fp, vm, k)
    }
}

operation_generic! {
    /// The slow path of `method`.
    method_slow<const OBJECT: u8>, 2, |at| {
        let object = if OBJECT == TEMP { at.take(at.b()) } else { at.get(at.b()) };
        // SAFETY: the second cell.
        let cell = unsafe { known(at.ip) };
        match attribute::get_method(&object, at.name())? {
            MethodLookup::Unbound(function) => {
                learn_method(object.ty(), at.name(), &function, cell);
                at.put(at.a(), function);
                at.put(at.a() + 1, object);
            }
            MethodLookup::Bound(callable) => {
                learn_attribute_called(&object, at.name(), &callable, cell);
                drop(object);
                at.put(at.a(), Value::UNBOUND);
                at.put(at.a() + 1, callable);
            }
        }
        Ok(())
    }
}

/// Remembers a method when no instance can hide it.
fn learn_method(ty: &TypeObject, name: &Value, function: &Value, cell: *mut Known) {
    // The lookup may have run Python code that changed the type: only what the type holds now is kept alive by it.
    if !may_be_hidden(ty, name) && ty.lookup(name).is_some_and(|held| held.is(function)) {
        learn::<METHOD>(ty, name, of_class(ty, function), cell);
    }
}

/// Remembers the place of an instance attribute that is called like a method, unless the type has one of the name too.
fn learn_attribute_called(object: &Value, name: &Value, callable: &Value, cell: *mut Known) {
    let ty = object.ty();
    if ty.slot(|slots| slots.getattr).is_some_and(|f| f as usize == attribute::generic_get as *const () as usize)
        && ty.lookup(name).is_none()
        && let Some(found) = place_of(object, name)
        && Attrs::of(object).is_some_and(|attrs| matches!(attrs.get(ty, name), Ok(Some(held)) if held.is(callable)))
    {
        learn::<METHOD>(ty, name, found, cell);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// super()

/// Cells of the call of `super` and the method lookup behind `super_method`, and its own.
pub(crate) const SUPER_METHOD: usize = 6;

handler! {
    /// a, a+1 := the function `super().name` and variable 0, when a is the type `super` and b the cell of `__class__`; else
    /// the cells behind do it
    fn super_method(ip, fp, vm, k) {
        let callee = fp.add((*ip).a as usize);
        let object = *fp;
        let class = (*(*fp.add((*ip).b as usize) as *const PyCell)).peek();
        if *callee == &raw const SUPER as u64 && is_heap(object) && class != 0 && is_heap(class) {
            let known = &*known(ip);
            let ty = (*(object as *const Header)).ty();
            // `table` is the version of the class; one that is no type has none of its own, and `version` fits no type then.
            if ty.current_version() == known.version
                && std::ptr::eq((*(class as *const Header)).ty(), &TYPE)
                && (*(class as *const TypeObject)).current_version() == known.table
            {
                let function = known.word;
                share_bits(function);
                share_bits(object);
                (*(*callee as *const Header)).decrement();
                *callee = function;
                *callee.add(1) = object;
                next!(ip.add(SUPER_METHOD), fp, vm, k)
            }
            become_handler!(super_method_slow, ip, fp, vm, k)
        }
        next!(ip.add(2), fp, vm, k)
    }
}

operation!(
    /// Learns what `super_method` will find next time.
    super_method_slow,
    2,
    |at| {
        // SAFETY: verified code: a cell variable holds a cell.
        let class = unsafe { (*(at.bits(at.b()) as *const PyCell)).get() };
        // SAFETY: the second cell.
        learn_super(&at.get(0), class.as_ref(), at.name(), unsafe { known(at.ip) });
        Ok(())
    }
);

/// Remembers the Python function that `super(class, object).name` is.
fn learn_super(object: &Value, class: Option<&Value>, name: &Value, cell: *mut Known) {
    let Some(class) = class.filter(|class| std::ptr::eq(class.ty(), &TYPE)) else { return };
    let Some(class_type) = class.downcast::<TypeObject>() else { return };
    let ty = object.ty();
    // For a class, `super` asks first whether it derives from the other itself, which its type does not tell.
    if ty.is_subtype(&TYPE) {
        return;
    }
    let version = ty.version();
    let class_version = class_type.version();
    if version == 0 || class_version == 0 || !ty.is_subtype(class_type) || !ty.header().ty().has_flag(TypeFlags::TYPE) {
        return;
    }
    let Some(mro) = ty.mro() else { return };
    let Some(mro) = mro.exact::<Tuple>() else { return };
    for base in mro.iter().skip_while(|base| !base.is(class)).skip(1) {
        let Some(base) = base.downcast::<TypeObject>() else { return };
        let Some(dict) = base.dict() else { return };
        let Some(found) = dict.downcast::<Dict>().and_then(|dict| dict.get_str(name)) else { continue };
        // Keys that are no strs may have run Python code.
        if found.is_exact::<Function>()
            && ty.current_version() == version
            && class_type.current_version() == class_version
        {
            // SAFETY: the second cell of the instruction.
            unsafe { *cell = Known { version, table: class_version, word: found.bits() } };
        }
        return;
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Choosing handlers

/// The handler of `LOAD_ATTR`.
pub(crate) fn load_attr(object: Place, result: Place) -> Handler {
    match (object, result) {
        (Place::Temp, Place::Temp) => attr::<TEMP, TEMP>,
        (Place::Temp, _) => attr::<TEMP, LOCAL>,
        (_, Place::Temp) => attr::<LOCAL, TEMP>,
        _ => attr::<LOCAL, LOCAL>,
    }
}

/// The handler of `STORE_ATTR`.
pub(crate) fn store_attr(object: Place, value: Place) -> Handler {
    match (object, value) {
        (Place::Temp, Place::Temp) => set_attr::<TEMP, TEMP>,
        (Place::Temp, Place::Local) => set_attr::<TEMP, LOCAL>,
        (Place::Temp, Place::Const) => set_attr::<TEMP, CONST>,
        (_, Place::Temp) => set_attr::<LOCAL, TEMP>,
        (_, Place::Local) => set_attr::<LOCAL, LOCAL>,
        (_, Place::Const) => set_attr::<LOCAL, CONST>,
    }
}

/// The handler of `LOAD_METHOD`.
pub(crate) fn load_method(object: Place) -> Handler {
    if object == Place::Temp { method::<TEMP> } else { method::<LOCAL> }
}
