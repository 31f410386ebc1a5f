//! The type `tuple`.

use crate::object::error::PyResult;
use crate::object::header::{Header, new_variable};
use crate::object::native::Method;
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Payload, Value};
use crate::object::{TypeFlags, TypeObject, compare, hash};
use crate::types::exceptions::type_error;

/// The body of a tuple; the items follow it.
#[repr(C)]
pub struct Tuple {
    header: Header,
    len: usize,
}

// SAFETY: repr(C), header first.
unsafe impl Payload for Tuple {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TUPLE
    }
}

/// The type object of `tuple`.
pub static TUPLE: TypeObject = TypeObject::define::<Tuple>("tuple")
    .flags(TypeFlags::BASE.and(TypeFlags::TUPLE))
    .variable_size(|header| {
        // SAFETY: called for tuples only.
        let tuple = unsafe { &*(header as *const Header as *const Tuple) };
        std::mem::size_of::<Tuple>() + 8 * tuple.len
    })
    .slots(Slots { hash: Some(hash_), compare: Some(compare_), length: Some(length), ..Slots::EMPTY })
    .methods(METHODS);

const METHODS: &[Method] = &[];

impl Tuple {
    /// The items.
    #[inline(always)]
    pub fn as_slice(&self) -> &[Value] {
        // SAFETY: `len` items follow the body; a tuple does not change while it is shared.
        unsafe { std::slice::from_raw_parts((self as *const Tuple).add(1) as *const Value, self.len) }
    }

    /// The items in order.
    #[inline]
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.as_slice().iter()
    }

    /// Number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.as_slice().get(index)
    }

    /// New references to the items.
    pub fn to_vec(&self) -> Vec<Value> {
        self.as_slice().to_vec()
    }

    /// A tuple of the items.
    pub fn from_vec(items: Vec<Value>) -> Value {
        if items.is_empty() { Tuple::empty() } else { Tuple::instance_of(&TUPLE, items) }
    }

    /// A tuple of new references to the items.
    #[inline]
    pub fn from_slice(items: &[Value]) -> Value {
        Tuple::from_vec(items.to_vec())
    }

    /// The empty tuple: one object.
    pub fn empty() -> Value {
        use crate::object::gil::GilCell;
        static EMPTY: GilCell<std::cell::OnceCell<Value>> = GilCell::new(std::cell::OnceCell::new());
        EMPTY.get().get_or_init(|| Tuple::instance_of(&TUPLE, Vec::new())).clone()
    }

    /// An instance of tuple or a subclass.
    pub fn instance_of(ty: &TypeObject, mut items: Vec<Value>) -> Value {
        let len = items.len();
        let body = Tuple { header: Header::new(ty), len };
        // SAFETY: the items are moved behind the body; the vector gives up its claim on them.
        unsafe {
            new_variable(ty, body, std::mem::size_of::<Tuple>() + 8 * len, |tuple: *mut Tuple| {
                std::ptr::copy_nonoverlapping(items.as_ptr(), tuple.add(1) as *mut Value, len);
                items.set_len(0);
            })
        }
    }
}

impl Drop for Tuple {
    fn drop(&mut self) {
        let items = (self as *mut Tuple).wrapping_add(1) as *mut Value;
        // SAFETY: the items are dropped once, with the tuple.
        unsafe { std::ptr::drop_in_place(std::ptr::slice_from_raw_parts_mut(items, self.len)) }
    }
}

fn body(value: &Value) -> PyResult<&Tuple> {
    value.downcast::<Tuple>().ok_or_else(|| type_error(format!("expected tuple, not {}", value.ty().name())))
}

fn hash_(value: &Value) -> PyResult<i64> {
    hash::combine_tuple(body(value)?.iter().map(hash::hash))
}

fn length(value: &Value) -> PyResult<usize> {
    Ok(body(value)?.len())
}

fn compare_(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b)) = (left.downcast::<Tuple>(), right.downcast::<Tuple>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    for (x, y) in a.iter().zip(b.iter()) {
        if !compare::equal(x, y)? {
            return match op {
                Compare::Eq => Ok(Value::FALSE),
                Compare::Ne => Ok(Value::TRUE),
                _ => compare::rich(x, y, op),
            };
        }
    }
    Ok(Value::bool(op.holds(a.len().cmp(&b.len()))))
}
