//! The type `memoryview`, and `managedbuffer`, which the views of one buffer share.

use crate::gc::Visit;
use crate::method;
use crate::modules::struct_::Compiled;
use crate::object::arguments::positional;
use crate::object::buffer::{Buffer, Dims, Exporter, Layout, Order, Request};
use crate::object::call::split_keywords;
use crate::object::error::{PyResult, Raised};
use crate::object::hash::{hash, hash_bytes};
use crate::object::header::{Header, new_object};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::scalar::{Scalar, wide};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, compare as objects, number};
use crate::types::bytes::Bytes;
use crate::types::bytes::methods::hex_text;
use crate::types::codecs::{self, Encoding};
use crate::types::exceptions::{
    OVERFLOW_ERROR, TYPE_ERROR, VALUE_ERROR, buffer_error, index_error, is_instance, not_implemented_error, type_error,
    value_error,
};
use crate::types::int;
use crate::types::list::List;
use crate::types::slice::{self, Slice};
use crate::types::str::Str;
use crate::types::str::arguments::c_int;
use crate::types::tuple::Tuple;
use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

/// The body of a `managedbuffer`: a buffer that views share. It ends with the last of them.
#[repr(C)]
pub struct ManagedBuffer {
    header: Header,
    buffer: Buffer,
}

payload!(ManagedBuffer, MANAGED_BUFFER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.buffer.visit(visit);
    }
    fn clear_references(&self) {
        self.buffer.release();
    }
});

/// The type object of `managedbuffer`.
pub static MANAGED_BUFFER: TypeObject = TypeObject::define::<ManagedBuffer>("managedbuffer")
    .slots(Slots { getattr: Some(attribute::generic_get), ..Slots::EMPTY });

/// The body of a memoryview.
#[repr(C)]
pub struct MemoryView {
    header: Header,
    /// The shared buffer; empty when the view has been released.
    managed: ValueCell,
    layout: Layout,
    /// Buffers that others have of this view.
    exports: Cell<usize>,
    /// -1: not computed yet.
    hash: Cell<i64>,
}

payload!(MemoryView, MEMORY_VIEW, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.managed.visit(visit);
    }
    fn clear_references(&self) {
        if self.exports.get() == 0 {
            drop(self.managed.take());
        }
    }
});

/// The type object of `memoryview`.
pub static MEMORY_VIEW: TypeObject = TypeObject::define::<MemoryView>("memoryview")
    .with_weakrefs()
    .slots(Slots {
        new: Some(|_, args, kwnames| NEW.call(args, kwnames)),
        repr: Some(repr),
        hash: Some(hash_),
        compare: Some(compare),
        length: Some(|this| {
            let view = open(this)?;
            Ok(view.layout.shape.as_slice().first().map_or(1, |&len| len as usize))
        }),
        getattr: Some(attribute::generic_get),
        getitem: Some(getitem),
        setitem: Some(setitem),
        item: Some(item),
        buffer: Some(&EXPORTER),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(GETSET)
    .doc("Create a new memoryview object which references the given object.");

static NEW: Function = Function::new("memoryview(object)", "", thunk(new));

const METHODS: &[Method] = &[
    method!(release, "release($self, /)", "Release the underlying buffer exposed by the memoryview object."),
    method!(
        raw tobytes,
        "tobytes($self, /, order=None)",
        "Return the data in the buffer as a byte string. Order can be {'C', 'F', 'A'}.\nWhen order is 'C' or 'F', the data of the original array is converted to C or\nFortran order. For contiguous views, 'A' returns an exact copy of the physical\nmemory. In particular, in-memory Fortran order is preserved. For non-contiguous\nviews, the data is converted to C first. order=None is the same as order='C'."
    ),
    method!(
        hex,
        "hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)",
        "Return the data in the buffer as a str of hexadecimal numbers.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.\n\nExample:\n>>> value = memoryview(b'\\xb9\\x01\\xef')\n>>> value.hex()\n'b901ef'\n>>> value.hex(':')\n'b9:01:ef'\n>>> value.hex(':', 2)\n'b9:01ef'\n>>> value.hex(':', -2)\n'b901:ef'"
    ),
    method!(tolist, "tolist($self, /)", "Return the data in the buffer as a list of elements."),
    method!(raw cast, "cast($self, /, format, *, shape)", "Cast a memoryview to a new format or shape."),
    method!(toreadonly, "toreadonly($self, /)", "Return a readonly version of the memoryview."),
    method!(enter, "!__enter__($self)", ""),
    method!(exit, "!__exit__($self, *args)", ""),
];

/// A computed attribute of views that have not been released.
const fn computed(name: &'static str, get: fn(&Value) -> PyResult<Value>, doc: &'static str) -> GetSet {
    GetSet { doc: Some(doc), ..GetSet::read_only(name, get) }
}

const GETSET: &[GetSet] = &[
    computed("obj", obj, "The underlying object of the memoryview."),
    computed(
        "nbytes",
        |this| Ok(Value::int(open(this)?.layout.nbytes() as i64)),
        "The amount of space in bytes that the array would use in\n a contiguous representation.",
    ),
    computed(
        "readonly",
        |this| Ok(Value::bool(open(this)?.layout.readonly)),
        "A bool indicating whether the memory is read only.",
    ),
    computed(
        "itemsize",
        |this| Ok(Value::int(open(this)?.layout.itemsize as i64)),
        "The size in bytes of each element of the memoryview.",
    ),
    computed(
        "format",
        |this| Ok(Str::new_value(&open(this)?.layout.format)),
        "A string containing the format (in struct module style)\n for each element in the view.",
    ),
    computed(
        "ndim",
        |this| Ok(Value::int(open(this)?.layout.ndim() as i64)),
        "An integer indicating how many dimensions of a multi-dimensional\n array the memory represents.",
    ),
    computed(
        "shape",
        |this| Ok(tuple_of(&open(this)?.layout.shape)),
        "A tuple of ndim integers giving the shape of the memory\n as an N-dimensional array.",
    ),
    computed(
        "strides",
        |this| Ok(tuple_of(&open(this)?.layout.strides)),
        "A tuple of ndim integers giving the size in bytes to access\n each element for each dimension of the array.",
    ),
    computed(
        "suboffsets",
        |this| open(this).map(|_| Tuple::empty()),
        "A tuple of integers used internally for PIL-style arrays.",
    ),
    computed(
        "c_contiguous",
        |this| Ok(Value::bool(open(this)?.layout.is_contiguous(Order::C))),
        "A bool indicating whether the memory is C contiguous.",
    ),
    computed(
        "f_contiguous",
        |this| Ok(Value::bool(open(this)?.layout.is_contiguous(Order::Fortran))),
        "A bool indicating whether the memory is Fortran contiguous.",
    ),
    computed(
        "contiguous",
        |this| {
            let layout = &open(this)?.layout;
            Ok(Value::bool(layout.is_contiguous(Order::C) || layout.is_contiguous(Order::Fortran)))
        },
        "A bool indicating whether the memory is contiguous.",
    ),
];

const MAX_DIMENSIONS: usize = 64;

fn tuple_of(dims: &Dims) -> Value {
    Tuple::from_vec(dims.as_slice().iter().map(|&dim| Value::int(dim as i64)).collect())
}

fn body(this: &Value) -> PyResult<&MemoryView> {
    this.downcast::<MemoryView>().ok_or_else(|| type_error(format!("expected memoryview, not {}", this.ty().name())))
}

#[cold]
fn released() -> Raised {
    value_error("operation forbidden on released memoryview object")
}

/// A view that has not been released.
fn open(this: &Value) -> PyResult<&MemoryView> {
    let view = body(this)?;
    if view.managed.is_some() { Ok(view) } else { Err(released()) }
}

impl MemoryView {
    /// A view of a shared buffer.
    fn new_value(managed: Value, layout: Layout) -> Value {
        new_object(MemoryView {
            header: Header::new(&MEMORY_VIEW),
            managed: ValueCell::new(Some(managed)),
            layout,
            exports: Cell::new(0),
            hash: Cell::new(-1),
        })
    }

    /// Another view of the same buffer.
    fn sibling(&self, layout: Layout) -> PyResult<Value> {
        match self.managed.get() {
            Some(managed) => Ok(MemoryView::new_value(managed, layout)),
            None => Err(released()),
        }
    }

    /// Reads the exporter's memory. As [`Buffer::with_bytes`].
    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> PyResult<R> {
        let managed = self.managed.get().ok_or_else(released)?;
        let managed = managed.exact::<ManagedBuffer>().ok_or_else(released)?;
        Ok(managed.buffer.with_bytes(read))
    }

    /// Changes the exporter's memory. As [`Buffer::with_bytes_mut`].
    fn with_bytes_mut<R>(&self, change: impl FnOnce(&mut [u8]) -> R) -> PyResult<R> {
        let managed = self.managed.get().ok_or_else(released)?;
        let managed = managed.exact::<ManagedBuffer>().ok_or_else(released)?;
        Ok(managed.buffer.with_bytes_mut(change))
    }

    /// The items' bytes in that order.
    fn gather(&self, order: Order) -> PyResult<Vec<u8>> {
        self.with_bytes(|memory| self.layout.gather(memory, order))
    }
}

static EXPORTER: Exporter = Exporter {
    get: |this, request| {
        let view = open(this)?;
        if request == Request::Writable && view.layout.readonly {
            return Err(buffer_error("memoryview: underlying buffer is not writable"));
        }
        if request != Request::Full && !view.layout.is_contiguous(Order::C) {
            return Err(buffer_error("memoryview: underlying buffer is not C-contiguous"));
        }
        view.exports.set(view.exports.get() + 1);
        Ok(view.layout.clone())
    },
    release: |this| {
        if let Some(view) = this.downcast::<MemoryView>() {
            view.exports.set(view.exports.get().saturating_sub(1));
        }
    },
    read: |this, read| {
        if let Some(view) = this.downcast::<MemoryView>() {
            // A view with exports cannot be released.
            let _ = view.with_bytes(|bytes| read(bytes));
        }
    },
    write: |this, write| {
        if let Some(view) = this.downcast::<MemoryView>()
            && !view.layout.readonly
        {
            let _ = view.with_bytes_mut(|bytes| write(bytes));
        }
    },
};

/// The bytes object that `value` is or views a contiguous part of, and which part: memory that does not change.
pub(crate) fn constant_bytes(value: &Value) -> Option<(Value, Range<usize>)> {
    if let Some(bytes) = value.exact::<Bytes>() {
        return Some((value.clone(), 0..bytes.as_slice().len()));
    }
    let view = value.exact::<MemoryView>()?;
    let managed = view.managed.get()?;
    let owner = managed.exact::<ManagedBuffer>()?.buffer.owner()?;
    if !owner.is_exact::<Bytes>() || !view.layout.is_contiguous(Order::C) {
        return None;
    }
    Some((owner, view.layout.start..view.layout.start.saturating_add(view.layout.nbytes())))
}

/// `memoryview(object)`. As `PyMemoryView_FromObject`.
///
/// # Errors
/// `TypeError` for objects that show no memory, what their exporters raise.
pub fn new(object: &Value) -> PyResult<Value> {
    if object.downcast::<MemoryView>().is_some() {
        let view = open(object)?;
        return view.sibling(view.layout.clone());
    }
    let Some(buffer) = Buffer::get(object, Request::Full)? else {
        return Err(type_error(format!("memoryview: a bytes-like object is required, not '{}'", object.ty().name())));
    };
    let layout = buffer.layout().clone();
    let managed = new_object(ManagedBuffer { header: Header::new(&MANAGED_BUFFER), buffer });
    Ok(MemoryView::new_value(managed, layout))
}

fn release(this: &MemoryView) -> PyResult<()> {
    if !this.managed.is_some() {
        return Ok(());
    }
    match this.exports.get() {
        0 => {
            drop(this.managed.take());
            Ok(())
        }
        count => {
            Err(buffer_error(format!("memoryview has {count} exported buffer{}", if count == 1 { "" } else { "s" })))
        }
    }
}

fn enter(this: &Value) -> PyResult<Value> {
    open(this)?;
    Ok(this.clone())
}

fn exit(this: &MemoryView, _args: &Tuple) -> PyResult<()> {
    release(this)
}

fn obj(this: &Value) -> PyResult<Value> {
    let managed = open(this)?.managed.get().ok_or_else(released)?;
    let owner = managed.exact::<ManagedBuffer>().and_then(|managed| managed.buffer.owner());
    Ok(owner.unwrap_or(Value::NONE))
}

fn repr(this: &Value) -> PyResult<Value> {
    let released = if body(this)?.managed.is_some() { "" } else { "released " };
    Ok(Str::new_value(&format!("<{released}memory at {:#x}>", this.bits())))
}

fn hash_(this: &Value) -> PyResult<i64> {
    let view = body(this)?;
    if view.hash.get() == -1 {
        open(this)?;
        if !view.layout.readonly {
            return Err(value_error("cannot hash writable memoryview object"));
        }
        if !native(&view.layout.format).is_some_and(|(format, _)| is_byte(format)) {
            return Err(value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
        }
        let owner = obj(this)?;
        if !owner.is_none() {
            hash(&owner)?;
        }
        view.hash.set(hash_bytes(&view.gather(Order::C)?));
    }
    Ok(view.hash.get())
}

// ---------------------------------------------------------------------------------------------------------------------
// Items

/// The kind of a native format of one character, perhaps behind `@`. As `get_native_fmtchar`.
fn native(format: &str) -> Option<(u8, Scalar)> {
    let &[format] = format.strip_prefix('@').unwrap_or(format).as_bytes() else { return None };
    Some((
        format,
        match format {
            b'c' => Scalar::Char,
            b'b' => Scalar::I8,
            b'B' => Scalar::U8,
            b'h' => Scalar::I16,
            b'H' => Scalar::U16,
            b'i' => Scalar::I32,
            b'I' => Scalar::U32,
            b'l' | b'q' | b'n' => Scalar::I64,
            b'L' | b'Q' | b'N' | b'P' => Scalar::U64,
            b'f' => Scalar::F32,
            b'd' => Scalar::F64,
            b'?' => Scalar::Bool,
            _ => return None,
        },
    ))
}

fn is_byte(format: u8) -> bool {
    matches!(format, b'b' | b'B' | b'c')
}

/// The kind of the items. As `adjust_fmt` and the end of `unpack_single`.
fn kind(layout: &Layout) -> PyResult<(u8, Scalar)> {
    let format = layout.format.strip_prefix('@').unwrap_or(&layout.format);
    if format.len() != 1 {
        return Err(not_implemented_error(format!("memoryview: unsupported format {}", layout.format)));
    }
    native(format).ok_or_else(|| not_implemented_error(format!("memoryview: format {format} not supported")))
}

/// The item at an offset of the exporter's memory.
fn unpack(view: &MemoryView, offset: usize) -> PyResult<Value> {
    let (_, scalar) = kind(&view.layout)?;
    view.with_bytes(|memory| scalar.read(memory.get(offset..).unwrap_or_default()))
}

/// An item's bytes. As `pack_single`.
fn packed(format: u8, scalar: Scalar, item: &Value) -> PyResult<u64> {
    let shown = char::from(format);
    let wrong_type = || type_error(format!("memoryview: invalid type for format '{shown}'"));
    let wrong_value = || value_error(format!("memoryview: invalid value for format '{shown}'"));
    let translate = |raised: Raised| {
        if is_instance(&raised, &TYPE_ERROR) {
            wrong_type()
        } else if is_instance(&raised, &OVERFLOW_ERROR) || is_instance(&raised, &VALUE_ERROR) {
            wrong_value()
        } else {
            raised
        }
    };
    match scalar {
        Scalar::Char => match item.downcast::<Bytes>().map(Bytes::as_slice) {
            None => Err(wrong_type()),
            Some(&[byte]) => Ok(byte.into()),
            Some(_) => Err(wrong_value()),
        },
        Scalar::Bool => Ok(number::truth(item)?.into()),
        Scalar::F32 => Ok((number::to_f64(item).map_err(translate)? as f32).to_bits().into()),
        Scalar::F64 | Scalar::F16 => Ok(number::to_f64(item).map_err(translate)?.to_bits()),
        _ => {
            // An address is taken from ints alone, and may be negative.
            if format == b'P' && !int::is_int(item) {
                return Err(wrong_type());
            }
            let int = number::index(item).map_err(translate)?;
            let (min, max) = scalar.range().unwrap_or_default();
            let min = if format == b'P' { i64::MIN.into() } else { min };
            match wide(&int) {
                Some(int) if (min..=max).contains(&int) => Ok(int as u64),
                _ => Err(wrong_value()),
            }
        }
    }
}

/// Stores an item at an offset of the exporter's memory.
fn pack(view: &MemoryView, offset: usize, item: &Value) -> PyResult<()> {
    let (format, scalar) = kind(&view.layout)?;
    let bits = packed(format, scalar, item)?.to_ne_bytes();
    let size = scalar.size();
    let bits = if cfg!(target_endian = "big") { bits.get(8 - size..) } else { bits.get(..size) };
    view.with_bytes_mut(|memory| {
        if let (Some(place), Some(bits)) = (memory.get_mut(offset..offset.saturating_add(size)), bits) {
            place.copy_from_slice(bits);
        }
    })
}

/// Moves an offset to an index in a dimension. As `lookup_dimension`.
fn step_to(layout: &Layout, offset: isize, dim: usize, index: isize) -> PyResult<isize> {
    let (Some(&len), Some(&stride)) = (layout.shape.as_slice().get(dim), layout.strides.as_slice().get(dim)) else {
        return Err(index_error(format!("index out of bounds on dimension {}", dim + 1)));
    };
    let place = if index < 0 { index.saturating_add(len) } else { index };
    if place < 0 || place >= len {
        return Err(index_error(format!("index out of bounds on dimension {}", dim + 1)));
    }
    Ok(offset + stride * place)
}

/// The offset of the item at a tuple of indices. As `ptr_from_tuple`.
fn offset_of(layout: &Layout, indices: &[Value]) -> PyResult<usize> {
    let ndim = layout.ndim();
    if indices.len() > ndim {
        return Err(type_error(format!("cannot index {ndim}-dimension view with {}-element tuple", indices.len())));
    }
    let mut offset = layout.start as isize;
    for (dim, index) in indices.iter().enumerate() {
        offset = step_to(layout, offset, dim, number::index_for_item(index)?)?;
    }
    Ok(offset as usize)
}

fn no_indexing() -> Raised {
    type_error("invalid indexing of 0-dim memory")
}

fn item(this: &Value, index: isize) -> PyResult<Value> {
    let view = open(this)?;
    kind_or_unsupported(&view.layout)?;
    match view.layout.ndim() {
        0 => Err(no_indexing()),
        1 => unpack(view, step_to(&view.layout, view.layout.start as isize, 0, index)? as usize),
        _ => Err(not_implemented_error("multi-dimensional sub-views are not implemented")),
    }
}

/// Refuses formats of more than one character. As `adjust_fmt`.
fn kind_or_unsupported(layout: &Layout) -> PyResult<()> {
    match layout.format.strip_prefix('@').unwrap_or(&layout.format).len() {
        1 => Ok(()),
        _ => kind(layout).map(drop),
    }
}

/// The layout of the part that a slice selects in the first dimension. As `init_slice`.
fn sliced(layout: &Layout, key: &Slice) -> PyResult<Layout> {
    let unpacked = slice::unpack(key)?;
    let mut shape = layout.shape.as_slice().to_vec();
    let mut strides = layout.strides.as_slice().to_vec();
    let mut start = layout.start;
    if let (Some(len), Some(stride)) = (shape.first_mut(), strides.first_mut()) {
        let adjusted = unpacked.adjust(usize::try_from(*len).unwrap_or(0));
        if adjusted.count > 0 {
            start = (start as isize + *stride * adjusted.start) as usize;
        }
        *len = adjusted.count as isize;
        *stride = stride.wrapping_mul(adjusted.step);
    }
    Ok(Layout { start, shape: Dims::from_slice(&shape), strides: Dims::from_slice(&strides), ..layout.clone() })
}

/// The indices of a key that is a tuple of them.
fn multi_index(key: &Value) -> Option<&[Value]> {
    let key = key.downcast::<Tuple>()?;
    if key.iter().all(number::is_index) { Some(key.as_slice()) } else { None }
}

fn is_multi_slice(key: &Value) -> bool {
    key.downcast::<Tuple>().is_some_and(|key| !key.is_empty() && key.iter().all(|key| key.exact::<Slice>().is_some()))
}

fn is_empty_tuple(key: &Value) -> bool {
    key.downcast::<Tuple>().is_some_and(Tuple::is_empty)
}

fn getitem(this: &Value, key: &Value) -> PyResult<Value> {
    let view = open(this)?;
    let layout = &view.layout;
    if layout.ndim() == 0 {
        if is_empty_tuple(key) {
            return unpack(view, layout.start);
        }
        return if key.is(&Value::ELLIPSIS) { Ok(this.clone()) } else { Err(no_indexing()) };
    }
    if number::is_index(key) {
        return item(this, number::index_for_item(key)?);
    }
    if let Some(key) = key.exact::<Slice>() {
        return view.sibling(sliced(layout, key)?);
    }
    if let Some(indices) = multi_index(key) {
        kind_or_unsupported(layout)?;
        if indices.len() < layout.ndim() {
            return Err(not_implemented_error("sub-views are not implemented"));
        }
        return unpack(view, offset_of(layout, indices)?);
    }
    if is_multi_slice(key) {
        return Err(not_implemented_error("multi-dimensional slicing is not implemented"));
    }
    Err(type_error("memoryview: invalid slice key"))
}

fn setitem(this: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let view = open(this)?;
    let layout = &view.layout;
    kind_or_unsupported(layout)?;
    if layout.readonly {
        return Err(type_error("cannot modify read-only memory"));
    }
    let Some(value) = value else { return Err(type_error("cannot delete memory")) };
    if layout.ndim() == 0 {
        if key.is(&Value::ELLIPSIS) || is_empty_tuple(key) {
            return pack(view, layout.start, value);
        }
        return Err(no_indexing());
    }
    if number::is_index(key) {
        if layout.ndim() > 1 {
            return Err(not_implemented_error("sub-views are not implemented"));
        }
        let index = number::index_for_item(key)?;
        let offset = step_to(layout, layout.start as isize, 0, index)?;
        return pack(view, offset as usize, value);
    }
    if let Some(key) = key.exact::<Slice>()
        && layout.ndim() == 1
    {
        let source = Buffer::require(value, Request::Full)?;
        let target = sliced(layout, key)?;
        if !same_structure(&target, source.layout()) {
            return Err(value_error("memoryview assignment: lvalue and rvalue have different structures"));
        }
        // A copy first: both may lie in the same memory.
        let items = source.to_vec();
        return view.with_bytes_mut(|memory| target.scatter(memory, &items));
    }
    if let Some(indices) = multi_index(key) {
        if indices.len() < layout.ndim() {
            return Err(not_implemented_error("sub-views are not implemented"));
        }
        return pack(view, offset_of(layout, indices)?, value);
    }
    if key.exact::<Slice>().is_some() || is_multi_slice(key) {
        return Err(not_implemented_error("memoryview slice assignments are currently restricted to ndim = 1"));
    }
    Err(type_error("memoryview: invalid slice key"))
}

/// As `equiv_shape`: what lies behind a dimension without items does not count.
fn same_shape(a: &Layout, b: &Layout) -> bool {
    let (a, b) = (a.shape.as_slice(), b.shape.as_slice());
    if a.len() != b.len() {
        return false;
    }
    for (a, b) in a.iter().zip(b) {
        if a != b {
            return false;
        }
        if *a == 0 {
            break;
        }
    }
    true
}

/// As `equiv_structure`.
fn same_structure(a: &Layout, b: &Layout) -> bool {
    let plain = |layout: &Layout| layout.format.strip_prefix('@').unwrap_or(&layout.format).to_owned();
    a.itemsize == b.itemsize && plain(a) == plain(b) && same_shape(a, b)
}

// ---------------------------------------------------------------------------------------------------------------------
// Comparison

fn compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let result = |equal: bool| Ok(Value::bool(equal == (op == Compare::Eq)));
    let view = body(left)?;
    let other = right.downcast::<MemoryView>();
    if !view.managed.is_some() || other.is_some_and(|other| !other.managed.is_some()) {
        return result(left.is(right));
    }
    let Ok(Some(other)) = Buffer::get(right, Request::Full) else { return Ok(Value::NOT_IMPLEMENTED) };
    let (a, b) = (&view.layout, other.layout());
    if !same_shape(a, b) {
        return result(false);
    }
    let (left_items, right_items) = (view.gather(Order::C)?, other.to_vec());
    let pairs = || {
        let sizes = (a.itemsize.max(1), b.itemsize.max(1));
        left_items.chunks_exact(sizes.0).zip(right_items.chunks_exact(sizes.1))
    };
    match (native(&a.format), native(&b.format)) {
        (Some((format, scalar)), Some((same, _))) if format == same => result(match scalar {
            // Zeros of both signs are equal, a NaN is not equal to itself.
            Scalar::F32 | Scalar::F64 => pairs().all(|(a, b)| {
                let float = |bytes: &[u8]| scalar.read(bytes);
                number::to_f64(&float(a)).ok().zip(number::to_f64(&float(b)).ok()).is_some_and(|(a, b)| a == b)
            }),
            Scalar::Bool => pairs().all(|(a, b)| (a == [0]) == (b == [0])),
            _ => left_items == right_items,
        }),
        _ => {
            // A format that the struct module does not know makes views unequal.
            let (Ok(unpack_a), Ok(unpack_b)) =
                (Compiled::parse(a.format.as_bytes()), Compiled::parse(b.format.as_bytes()))
            else {
                return result(false);
            };
            let single = |unpacker: &Compiled, item: &[u8]| {
                let mut values = unpacker.unpack(item)?;
                PyResult::Ok(if values.len() == 1 { values.swap_remove(0) } else { Tuple::from_vec(values) })
            };
            for (a, b) in pairs() {
                if !objects::equal(&single(&unpack_a, a)?, &single(&unpack_b, b)?)? {
                    return result(false);
                }
            }
            result(true)
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Conversions

/// The arguments of a method that CPython parses by a format without a function name.
fn parse_arguments<'a, const N: usize>(
    args: &'a [Value],
    kwnames: Option<&'a Value>,
    names: [&str; N],
) -> PyResult<[Option<&'a Value>; N]> {
    let given = positional(args, kwnames);
    let (_, keywords) = split_keywords(args, kwnames);
    let mut found = [None; N];
    if given.len() + keywords.len() > N {
        let plural = if N == 1 { "" } else { "s" };
        let total = given.len() + keywords.len();
        return Err(type_error(format!("function takes at most {N} argument{plural} ({total} given)")));
    }
    for (place, value) in found.iter_mut().zip(given) {
        *place = Some(value);
    }
    let mut unknown = None;
    for (name, value) in keywords {
        let text = name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
        match names.iter().position(|known| *known == text) {
            Some(index) if found.get(index).is_some_and(Option::is_some) => {
                return Err(type_error(format!(
                    "argument for function given by name ('{text}') and position ({})",
                    index + 1
                )));
            }
            Some(index) => {
                if let Some(place) = found.get_mut(index) {
                    *place = Some(value);
                }
            }
            None => {
                unknown.get_or_insert(text);
            }
        }
    }
    match unknown {
        // A required argument that is missing is reported before.
        Some(text) if N == 1 || found.first().is_some_and(Option::is_some) => {
            Err(type_error(format!("'{text}' is an invalid keyword argument for this function")))
        }
        _ => Ok(found),
    }
}

fn split_self(args: &[Value]) -> PyResult<(&Value, &[Value])> {
    args.split_first().ok_or_else(|| type_error("unbound method memoryview needs an argument"))
}

fn tobytes(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (this, args) = split_self(args)?;
    let view = open(this)?;
    let [order] = parse_arguments(args, kwnames, ["order"])?;
    let order = match order.filter(|order| !order.is_none()) {
        None => Order::C,
        Some(order) => {
            let Some(text) = order.downcast::<Str>() else {
                return Err(type_error(format!("argument 1 must be str or None, not {}", order.ty().name())));
            };
            let text = match text.to_utf8() {
                Some(text) => text,
                None => return codecs::encode(order, Some("utf-8"), None),
            };
            if text.contains('\0') {
                return Err(value_error("embedded null character"));
            }
            match text.as_str() {
                "C" => Order::C,
                "F" => Order::Fortran,
                "A" if view.layout.is_contiguous(Order::Fortran) => Order::Fortran,
                "A" => Order::C,
                _ => return Err(value_error("order must be 'C', 'F' or 'A'")),
            }
        }
    };
    Ok(Bytes::new_value(&view.gather(order)?))
}

fn hex(this: &Value, sep: Option<&Value>, bytes_per_sep: Option<&Value>) -> PyResult<Value> {
    let group = bytes_per_sep.map_or(Ok(1), c_int)?;
    hex_text(&open(this)?.gather(Order::C)?, sep, group)
}

fn tolist(this: &Value) -> PyResult<Value> {
    let view = open(this)?;
    let layout = &view.layout;
    kind_or_unsupported(layout)?;
    if layout.count() == 0 {
        return Ok(nested(&mut std::iter::empty(), layout.shape.as_slice()));
    }
    let (_, scalar) = kind(layout)?;
    let items = view.gather(Order::C)?;
    let mut values = items.chunks_exact(layout.itemsize.max(1)).map(|item| scalar.read(item));
    if layout.ndim() == 0 {
        return Ok(values.next().unwrap_or(Value::NONE));
    }
    Ok(nested(&mut values, layout.shape.as_slice()))
}

/// Lists of lists in a shape; at most [`MAX_DIMENSIONS`] deep.
fn nested(values: &mut dyn Iterator<Item = Value>, shape: &[isize]) -> Value {
    let Some((&len, inner)) = shape.split_first() else { return List::from_vec(Vec::new()) };
    let len = usize::try_from(len).unwrap_or(0);
    if inner.is_empty() {
        return List::from_vec(values.take(len).collect());
    }
    List::from_vec((0..len).map(|_| nested(values, inner)).collect())
}

fn toreadonly(this: &Value) -> PyResult<Value> {
    let view = open(this)?;
    view.sibling(Layout { readonly: true, ..view.layout.clone() })
}

fn cast(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (this, args) = split_self(args)?;
    let view = open(this)?;
    let [format, shape] = parse_arguments(args, kwnames, ["format", "shape"])?;
    let Some(format) = format else { return Err(type_error("function missing required argument 'format' (pos 1)")) };
    if format.downcast::<Str>().is_none() {
        return Err(type_error("memoryview: format argument must be a string"));
    }
    let layout = &view.layout;
    if !layout.is_contiguous(Order::C) {
        return Err(type_error("memoryview: casts are restricted to C-contiguous views"));
    }
    if (shape.is_some() || layout.ndim() != 1) && layout.shape.as_slice().contains(&0) {
        return Err(type_error("memoryview: cannot cast view with zeros in shape or strides"));
    }
    let shape = match shape {
        None => None,
        Some(shape) => match (shape.downcast::<List>(), shape.downcast::<Tuple>()) {
            (Some(list), _) => Some(list.items().snapshot()),
            (_, Some(tuple)) => Some(tuple.to_vec()),
            _ => return Err(type_error("shape must be a list or a tuple")),
        },
    };
    if let Some(shape) = &shape {
        if shape.len() > MAX_DIMENSIONS {
            return Err(value_error("memoryview: number of dimensions must not exceed 64"));
        }
        if layout.ndim() != 1 && shape.len() != 1 {
            return Err(type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
        }
    }
    let format = codecs::encode_native(format, Encoding::Ascii, None)?;
    let format = String::from_utf8(format).unwrap_or_default();
    let Some((to, scalar)) = native(&format) else {
        return Err(value_error(
            "memoryview: destination format must be a native single character format prefixed with an optional '@'",
        ));
    };
    if !native(&layout.format).is_some_and(|(from, _)| is_byte(from)) && !is_byte(to) {
        return Err(type_error("memoryview: cannot cast between two non-byte formats"));
    }
    let (nbytes, itemsize) = (layout.nbytes(), scalar.size());
    if !nbytes.is_multiple_of(itemsize) {
        return Err(type_error("memoryview: length is not a multiple of itemsize"));
    }
    let flat = Layout::items(nbytes / itemsize, itemsize, Cow::Owned(format), layout.readonly);
    let flat = Layout { start: layout.start, ..flat };
    match shape {
        None => view.sibling(flat),
        Some(shape) => view.sibling(shaped(flat, &shape, nbytes)?),
    }
}

/// Items in one piece laid out in several dimensions. As `cast_to_ND`.
fn shaped(flat: Layout, shape: &[Value], nbytes: usize) -> PyResult<Layout> {
    let mut len = flat.itemsize as isize;
    let mut dims = Vec::with_capacity(shape.len());
    for dim in shape {
        if !int::is_int(dim) {
            return Err(type_error("memoryview.cast(): elements of shape must be integers"));
        }
        let dim = number::index_to_isize(dim)?;
        if dim <= 0 {
            return Err(value_error("memoryview.cast(): elements of shape must be integers > 0"));
        }
        len = len.checked_mul(dim).ok_or_else(|| value_error("memoryview.cast(): product(shape) > SSIZE_MAX"))?;
        dims.push(dim);
    }
    if len as usize != nbytes {
        return Err(type_error("memoryview: product(shape) * itemsize != buffer size"));
    }
    let mut strides = vec![0; dims.len()];
    let mut stride = flat.itemsize as isize;
    for (place, dim) in strides.iter_mut().zip(&dims).rev() {
        *place = stride;
        stride *= dim;
    }
    Ok(Layout { shape: Dims::from_slice(&dims), strides: Dims::from_slice(&strides), ..flat })
}
