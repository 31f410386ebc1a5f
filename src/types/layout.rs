//! What types show of their layout: `__basicsize__`, `__itemsize__`, `__dictoffset__`, `__weakrefoffset__` and `__flags__`
//! as in CPython 3.8. For builtin types it is CPython's numbers, for classes what CPython would lay out above them; how
//! objects are really laid out here shows nowhere.

use super::layout_table::TABLE;
use crate::object::value::Value;
use crate::object::{TypeFlags, TypeObject};

/// The numbers of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// `__basicsize__`
    pub basic_size: i64,
    /// `__itemsize__`
    pub item_size: i64,
    /// `__dictoffset__`
    pub dict_offset: i64,
    /// `__weakrefoffset__`
    pub weakref_offset: i64,
}

/// A builtin type's name, `__basicsize__`, `__itemsize__`, `__dictoffset__`, `__weakrefoffset__`, `__flags__` and
/// `__text_signature__`.
pub(super) type Row = (&'static str, i64, i64, i64, i64, u64, Option<&'static str>);

const WORD: i64 = 8;

fn row(ty: &TypeObject) -> Option<&'static Row> {
    let name = ty.name();
    TABLE.binary_search_by(|row| row.0.cmp(name)).ok().and_then(|index| TABLE.get(index))
}

/// The layout that CPython gives a type. As `type_new` for classes.
pub(crate) fn of(ty: &TypeObject) -> Layout {
    if !ty.is_heap_type() {
        return match row(ty) {
            Some(&(_, basic_size, item_size, dict_offset, weakref_offset, _, _)) => {
                Layout { basic_size, item_size, dict_offset, weakref_offset }
            }
            None => Layout {
                basic_size: ty.basic_size() as i64,
                item_size: 0,
                dict_offset: if ty.has_attributes() { ty.body_size() as i64 } else { 0 },
                weakref_offset: if ty.has_weakrefs() { (ty.body_size() + ty.weakref_tail()) as i64 } else { 0 },
            },
        };
    }
    let Some(base) = ty.base_type() else {
        return Layout { basic_size: 2 * WORD, item_size: 0, dict_offset: 0, weakref_offset: 0 };
    };
    let mut layout = of(base);
    layout.basic_size += WORD * (ty.slot_count().saturating_sub(base.slot_count())) as i64;
    if ty.has_attributes() && !base.has_attributes() {
        layout.dict_offset = if layout.item_size > 0 { -WORD } else { layout.basic_size };
        layout.basic_size += WORD;
    }
    if ty.has_weakrefs() && !base.has_weakrefs() {
        layout.weakref_offset = layout.basic_size;
        layout.basic_size += WORD;
    }
    layout
}

/// `__flags__`.
pub(crate) fn flags(ty: &TypeObject) -> u64 {
    /// The type has a version tag at the moment.
    const VALID_VERSION_TAG: u64 = 1 << 19;
    let valid = if ty.current_version() != 0 { VALID_VERSION_TAG } else { 0 };
    match row(ty).filter(|_| !ty.is_heap_type()) {
        Some(row) => row.5 | valid,
        None => (ty.all_flags().0 & 0xffff_ffff) | valid,
    }
}

/// `__text_signature__` of a builtin type.
pub(crate) fn text_signature(ty: &TypeObject) -> Option<&'static str> {
    row(ty).filter(|_| !ty.is_heap_type()).and_then(|row| row.6)
}

/// Whether CPython's collector tracks objects like this one: they have a header of 16 bytes more.
pub(crate) fn is_collected(object: &Value) -> bool {
    if let Some(ty) = object.downcast::<TypeObject>() {
        return ty.is_heap_type();
    }
    flags(object.ty()) & TypeFlags::GC.0 != 0
}
