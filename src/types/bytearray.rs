//! The type `bytearray`. The methods that it shares with bytes are in `bytes::methods`.

use crate::gc::Visit;
use crate::name;
use crate::object::buffer::{ByteStore, Exporter, Layout, cannot_resize};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, Method, thunk};
use crate::object::slots::{BINARY_OPS, BinaryFn, BinaryOp, Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{Raised, TypeFlags, TypeObject, attribute, builtins, iter, length_hint, number};
use crate::types::bytes::{
    BYTEARRAY_METHODS, Bytes, buffer_or_none, byte_value, cannot_concat, is_buffer, lookup_items, methods, no_codec,
    push_escaped, select, warn_bytes, zero_count,
};
use crate::types::codecs;
use crate::types::exceptions::{TYPE_ERROR, index_error, is_instance, type_error, value_error};
use crate::types::list::List;
use crate::types::slice::{self, Slice};
use crate::types::str::arguments::{check_memory, codec_name, no_memory, repeat_count};
use crate::types::str::{Str, percent, state_index};
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a bytearray.
#[repr(C)]
pub struct Bytearray {
    header: Header,
    data: ByteStore,
    /// Bytes that CPython would have allocated, for `__alloc__` and `__sizeof__`.
    allocated: Cell<usize>,
    /// Views of the bytes; while there are any, the size cannot change.
    exports: Cell<usize>,
}

payload!(Bytearray, BYTEARRAY);

const BYTE_RANGE: &str = "byte must be in range(0, 256)";

/// The type object of `bytearray`.
pub static BYTEARRAY: TypeObject = TypeObject::define::<Bytearray>("bytearray")
    .flags(TypeFlags::BASE.and(TypeFlags::SIMPLE_DROP))
    .slots(Slots {
        new: Some(new),
        init: Some(|this, args, kwnames| {
            let mut all = vec![this.clone()];
            all.extend_from_slice(args);
            INIT.call(&all, kwnames).map(drop)
        }),
        repr: Some(repr),
        str: Some(str_),
        compare: Some(compare),
        length: Some(|this| Ok(body(this)?.len())),
        getattr: Some(attribute::generic_get),
        getitem: Some(getitem),
        setitem: Some(setitem),
        item: Some(item),
        contains: Some(methods::contains::<Bytearray>),
        iter: Some(iter_),
        concat: Some(concat),
        repeat: Some(repeat),
        inplace_concat: Some(inplace_concat),
        inplace_repeat: Some(inplace_repeat),
        binary: {
            let mut binary = [None; BINARY_OPS];
            binary[BinaryOp::Remainder as usize] = Some(remainder as BinaryFn);
            binary
        },
        buffer: Some(&EXPORTER),
        ..Slots::EMPTY
    })
    .methods(BYTEARRAY_METHODS)
    .doc(
        "bytearray(iterable_of_ints) -> bytearray\nbytearray(string, encoding[, errors]) -> bytearray\n\
         bytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer\n\
         bytearray(int) -> bytes array of size given by the parameter initialized with null bytes\n\
         bytearray() -> empty bytes array\n\n\
         Construct a mutable bytearray object from:\n  - an iterable yielding integers in range(256)\n  \
         - a text string encoded using the specified encoding\n  - a bytes or a buffer object\n  \
         - any object implementing the buffer API.\n  - an integer",
    );

impl Bytearray {
    /// A bytearray.
    pub fn new_value(data: Vec<u8>) -> Value {
        Bytearray::instance_of(&BYTEARRAY, data)
    }

    /// An instance of bytearray or a subclass.
    pub fn instance_of(ty: &TypeObject, data: Vec<u8>) -> Value {
        let allocated = if data.is_empty() { 0 } else { data.len() + 1 };
        new_instance(
            ty,
            Bytearray {
                header: Header::new(ty),
                data: ByteStore::new(data),
                allocated: Cell::new(allocated),
                exports: Cell::new(0),
            },
        )
    }

    /// Reads the bytes. `read` must run no Python code: it would find the bytearray empty.
    #[inline]
    pub fn with<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        self.data.with(read)
    }

    /// Changes bytes in place, not their number. As for [`Bytearray::with`].
    #[inline]
    pub fn with_mut<R>(&self, change: impl FnOnce(&mut [u8]) -> R) -> R {
        self.data.with_mut(|data| change(data))
    }

    /// Changes the number of bytes. As for [`Bytearray::with`].
    ///
    /// # Errors
    /// `BufferError` while there are views of the bytes and the number would change.
    fn resize<R>(&self, change: impl FnOnce(&mut Vec<u8>) -> R) -> PyResult<R> {
        if self.exports.get() > 0 {
            let mut data = self.data.to_vec();
            let result = change(&mut data);
            if data.len() != self.data.len() {
                return Err(cannot_resize());
            }
            self.data.set(data);
            return Ok(result);
        }
        let before = self.data.len();
        let result = self.data.with_mut(change);
        if self.data.len() != before {
            self.note_size(self.data.len());
        }
        Ok(result)
    }

    /// As `PyByteArray_Resize` decides how much to allocate.
    fn note_size(&self, size: usize) {
        let allocated = self.allocated.get();
        let exact = size + 1;
        self.allocated.set(if exact <= allocated {
            if size < allocated / 2 { exact } else { allocated }
        } else if size <= allocated + allocated / 8 {
            size + (size >> 3) + if size < 9 { 3 } else { 6 }
        } else {
            exact
        });
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.data.to_vec()
    }

    /// Number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The byte at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<u8> {
        self.data.read::<1>(index).map(|[byte]| byte)
    }
}

static EXPORTER: Exporter = Exporter {
    get: |this, _| {
        let this = body(this)?;
        this.exports.set(this.exports.get() + 1);
        Ok(Layout::bytes(this.len(), false))
    },
    release: |this| {
        if let Some(this) = this.downcast::<Bytearray>() {
            this.exports.set(this.exports.get().saturating_sub(1));
        }
    },
    read: |this, read| {
        if let Some(this) = this.downcast::<Bytearray>() {
            this.with(|bytes| read(bytes));
        }
    },
    write: |this, write| {
        if let Some(this) = this.downcast::<Bytearray>() {
            this.with_mut(|bytes| write(bytes));
        }
    },
};

fn body(value: &Value) -> PyResult<&Bytearray> {
    value.downcast::<Bytearray>().ok_or_else(|| type_error(format!("expected bytearray, not {}", value.ty().name())))
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    match class.downcast::<TypeObject>() {
        Some(ty) => Ok(Bytearray::instance_of(ty, Vec::new())),
        None => Err(type_error("expected a type")),
    }
}

static INIT: Function =
    Function::new("bytearray($self, source=b'', encoding='utf-8', errors='strict')", "", thunk(init));

fn init(this: &Value, source: Option<&Value>, encoding: Option<&Value>, errors: Option<&Value>) -> PyResult<()> {
    let this = body(this)?;
    if !this.is_empty() {
        this.resize(Vec::clear)?; // Before the arguments are looked at.
    }
    let encoding = codec_name(encoding, "bytearray", "2")?;
    let errors = codec_name(errors, "bytearray", "3")?;
    let Some(source) = source else { return no_codec(encoding.as_deref(), errors.as_deref()) };
    if source.downcast::<Str>().is_some() {
        if encoding.is_none() {
            return Err(type_error("string argument without an encoding"));
        }
        let encoded = codecs::encode(source, encoding.as_deref(), errors.as_deref())?;
        let data = encoded.downcast::<Bytes>().map(|bytes| bytes.as_slice().to_vec()).unwrap_or_default();
        return this.resize(|place| *place = data);
    }
    no_codec(encoding.as_deref(), errors.as_deref())?;
    fill(this, source)
}

/// What `source` stands for becomes the content of an empty bytearray: items that were good stay when one is not.
fn fill(this: &Bytearray, source: &Value) -> PyResult<()> {
    if let Some(count) = zero_count(source, check_memory)? {
        return this.resize(|place| *place = vec![0; count]);
    }
    if let Some(buffer) = lookup_items(source)? {
        let data = buffer.into_owned();
        return this.resize(|place| *place = data);
    }
    if let Some(list) = source.exact::<List>() {
        // `__index__` of an item may change the list.
        let mut index = 0;
        while let Some(item) = list.items().get(index) {
            let byte = byte_value(&item, BYTE_RANGE)?;
            this.resize(|place| place.push(byte))?;
            index += 1;
        }
        return Ok(());
    }
    let iterator = iter::iter(source)
        .map_err(|raised| if is_instance(&raised, &TYPE_ERROR) { inconvertible(source) } else { raised })?;
    while let Some(item) = iter::next(&iterator)? {
        let byte = byte_value(&item, BYTE_RANGE)?;
        this.resize(|place| place.push(byte))?;
    }
    Ok(())
}

fn inconvertible(value: &Value) -> Raised {
    type_error(format!("cannot convert '{}' object to bytearray", value.ty().name()))
}

/// The bytes that `bytearray(value)` holds, for other values than str.
fn from_object(value: &Value) -> PyResult<Vec<u8>> {
    let content = Bytearray::new_value(Vec::new());
    let body = body(&content)?;
    fill(body, value)?;
    Ok(body.to_vec())
}

fn repr(this: &Value) -> PyResult<Value> {
    let data = body(this)?.to_vec();
    let quote = if data.contains(&b'\'') && !data.contains(&b'"') { b'"' } else { b'\'' };
    check_memory(data.len().saturating_mul(4))?;
    let mut out = this.ty().short_name().as_bytes().to_vec();
    let ascii = out.is_ascii();
    let mut text = Vec::with_capacity(data.len() + 5);
    text.extend([b'(', b'b', quote]);
    for &byte in &data {
        // As bytearray_repr: an apostrophe is escaped whatever the quotes.
        push_escaped(&mut text, byte, byte == b'\'');
    }
    text.extend([quote, b')']);
    if ascii {
        out.extend(text);
        return Ok(Str::from_latin1(&out));
    }
    Ok(Str::new_value(&format!("{}{}", this.ty().short_name(), String::from_utf8_lossy(&text))))
}

fn compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    match (buffer_or_none(left), buffer_or_none(right)) {
        (Some(a), Some(b)) => Ok(Value::bool(op.holds(a.cmp(&b)))),
        _ => {
            let with_text = left.downcast::<Str>().is_some() || right.downcast::<Str>().is_some();
            if with_text && matches!(op, Compare::Eq | Compare::Ne) {
                warn_bytes("Comparison between bytearray and string")?;
            }
            Ok(Value::NOT_IMPLEMENTED)
        }
    }
}

fn str_(this: &Value) -> PyResult<Value> {
    warn_bytes("str() on a bytearray instance")?;
    repr(this)
}

fn item(this: &Value, index: isize) -> PyResult<Value> {
    let byte = usize::try_from(index).ok().and_then(|index| body(this).ok()?.get(index));
    byte.map(|byte| Value::int(byte.into())).ok_or_else(|| index_error("bytearray index out of range"))
}

#[cold]
fn no_index(key: &Value) -> crate::object::Raised {
    type_error(format!("bytearray indices must be integers or slices, not {}", key.ty().name()))
}

/// An index, negative ones counted from the end; it may be out of range.
fn index_of(this: &Bytearray, key: &Value) -> PyResult<isize> {
    let index = number::index_for_item(key)?;
    Ok(if index < 0 { index.saturating_add(this.len() as isize) } else { index })
}

fn getitem(this: &Value, key: &Value) -> PyResult<Value> {
    let array = body(this)?;
    if let Some(slice) = key.exact::<Slice>() {
        let unpacked = slice::unpack(slice)?;
        let selected = array.with(|data| select(data, unpacked.adjust(data.len())).into_owned());
        return Ok(Bytearray::new_value(selected));
    }
    if !number::is_index(key) {
        return Err(no_index(key));
    }
    item(this, index_of(array, key)?)
}

fn setitem(this: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let array = body(this)?;
    if let Some(slice) = key.exact::<Slice>() {
        let unpacked = slice::unpack(slice)?;
        let data = match value {
            None => Vec::new(),
            Some(value) => match value.downcast::<Bytearray>() {
                Some(other) => other.to_vec(),
                None => assignable(value)?,
            },
        };
        return set_slice(array, unpacked, data);
    }
    if !number::is_index(key) {
        return Err(no_index(key));
    }
    let place = index_of(array, key)?;
    let in_range = |index: isize| usize::try_from(index).ok().filter(|&index| index < array.len());
    let Some(index) = in_range(place) else { return Err(index_error("bytearray index out of range")) };
    match value {
        None => array.resize(|data| {
            if index < data.len() {
                data.remove(index);
            }
        }),
        Some(value) => {
            let byte = byte_value(value, BYTE_RANGE)?;
            // Finding the value may have run Python code that changed the length.
            if array.data.write(index, [byte]) { Ok(()) } else { Err(index_error("bytearray index out of range")) }
        }
    }
}

/// What may be assigned to a slice, as bytes.
fn assignable(value: &Value) -> PyResult<Vec<u8>> {
    let slots = |value: &Value| value.ty().slot(|slots| slots.index.or(slots.int).or(slots.float));
    if slots(value).is_some() || value.is_small_float() || value.downcast::<Str>().is_some() {
        return Err(type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)"));
    }
    from_object(value)
}

fn set_slice(array: &Bytearray, unpacked: slice::Unpacked, values: Vec<u8>) -> PyResult<()> {
    let slice = unpacked.adjust(array.len());
    let start = slice.start.max(0) as usize;
    if slice.step == 1 {
        let end = start + slice.count;
        if values.len() == slice.count {
            array.with_mut(|data| {
                if let Some(place) = data.get_mut(start..end) {
                    place.copy_from_slice(&values);
                }
            });
            return Ok(());
        }
        check_memory(array.len().saturating_add(values.len()))?;
        return array.resize(|data| {
            let start = start.min(data.len());
            let end = end.clamp(start, data.len());
            data.splice(start..end, values);
        });
    }
    if values.is_empty() {
        if slice.count == 0 {
            return Ok(());
        }
        return array.resize(|data| {
            let mut doomed: Vec<usize> = slice.indices().collect();
            doomed.sort_unstable();
            let mut doomed = doomed.into_iter().peekable();
            let mut index = 0;
            data.retain(|_| {
                let keep = doomed.next_if_eq(&index).is_none();
                index += 1;
                keep
            });
        });
    }
    if values.len() != slice.count {
        return Err(value_error(format!(
            "attempt to assign bytes of size {} to extended slice of size {}",
            values.len(),
            slice.count
        )));
    }
    array.with_mut(|data| {
        for (index, byte) in slice.indices().zip(values) {
            if let Some(place) = data.get_mut(index) {
                *place = byte;
            }
        }
    });
    Ok(())
}

fn concat(left: &Value, right: &Value) -> PyResult<Value> {
    let Some(buffer) = buffer_or_none(right) else { return Err(cannot_concat(left, right)) };
    let mut data = body(left)?.to_vec();
    check_memory(data.len().saturating_add(buffer.len()))?;
    data.extend_from_slice(&buffer);
    Ok(Bytearray::new_value(data))
}

fn inplace_concat(left: &Value, right: &Value) -> PyResult<Value> {
    let Some(buffer) = buffer_or_none(right) else { return Err(cannot_concat(left, right)) };
    let array = body(left)?;
    if left.is(right) && !buffer.is_empty() {
        // CPython has a view of the right operand meanwhile.
        return Err(cannot_resize());
    }
    check_memory(array.len().saturating_add(buffer.len()))?;
    array.resize(|data| data.extend_from_slice(&buffer))?;
    Ok(left.clone())
}

fn repeated_len(len: usize, count: usize) -> PyResult<()> {
    match len.checked_mul(count) {
        Some(len) => check_memory(len),
        None => Err(no_memory()),
    }
}

fn repeat(this: &Value, count: &Value) -> PyResult<Value> {
    let count = repeat_count(count)?;
    let array = body(this)?;
    repeated_len(array.len(), count)?;
    Ok(Bytearray::new_value(array.with(|data| data.repeat(count))))
}

fn inplace_repeat(this: &Value, count: &Value) -> PyResult<Value> {
    let count = repeat_count(count)?;
    let array = body(this)?;
    repeated_len(array.len(), count)?;
    array.resize(|data| *data = data.repeat(count))?;
    Ok(this.clone())
}

fn remainder(left: &Value, right: &Value) -> PyResult<Value> {
    match left.downcast::<Bytearray>() {
        Some(format) => percent::format_bytes(&format.to_vec(), right).map(Bytearray::new_value),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

/// `__alloc__`.
pub(crate) fn alloc(this: &Bytearray) -> isize {
    this.allocated.get() as isize
}

/// `__sizeof__`.
pub(crate) fn sizeof(this: &Value) -> i64 {
    let allocated = this.downcast::<Bytearray>().map_or(0, |body| body.allocated.get());
    crate::types::layout::of(this.ty()).basic_size + allocated as i64
}

fn state(this: &Value) -> PyResult<Value> {
    Ok(attribute::lookup(this, name!("__dict__"))?.unwrap_or(Value::NONE))
}

/// `__reduce__`.
pub(crate) fn reduce(this: &Value) -> PyResult<Value> {
    reduce_ex(this, Some(2))
}

/// `__reduce_ex__`.
pub(crate) fn reduce_ex(this: &Value, proto: Option<i32>) -> PyResult<Value> {
    let data = body(this)?.to_vec();
    let args = if proto.unwrap_or(0) < 3 {
        vec![Str::from_latin1(&data), Str::new_value("latin-1")]
    } else {
        vec![Bytes::new_value(&data)]
    };
    Ok(Tuple::from_vec(vec![this.ty().value(), Tuple::from_vec(args), state(this)?]))
}

/// `append`.
pub(crate) fn append(this: &Bytearray, item: &Value) -> PyResult<()> {
    let byte = byte_value(item, BYTE_RANGE)?;
    this.resize(|data| data.push(byte))
}

/// `clear`.
pub(crate) fn clear(this: &Bytearray) -> PyResult<()> {
    this.resize(Vec::clear)
}

/// `copy`.
pub(crate) fn copy(this: &Bytearray) -> Value {
    Bytearray::new_value(this.to_vec())
}

/// `extend`.
pub(crate) fn extend(this: &Bytearray, iterable: &Value) -> PyResult<()> {
    let bytes = if is_buffer(iterable) {
        match buffer_or_none(iterable) {
            Some(buffer) => buffer.into_owned(),
            None => return Err(type_error(format!("can't set bytearray slice from {}", iterable.ty().name()))),
        }
    } else {
        let iterator = iter::iter(iterable).map_err(|raised| {
            if is_instance(&raised, &TYPE_ERROR) {
                type_error(format!("can't extend bytearray with {}", iterable.ty().name()))
            } else {
                raised
            }
        })?;
        // The hint is asked for, as CPython does; whether it is true shows only later.
        length_hint::length_hint(iterable, 32)?;
        let mut bytes = Vec::new();
        while let Some(item) = iter::next(&iterator)? {
            bytes.push(byte_value(&item, BYTE_RANGE)?);
        }
        bytes
    };
    if bytes.is_empty() {
        return Ok(());
    }
    check_memory(this.len().saturating_add(bytes.len()))?;
    this.resize(|data| data.extend_from_slice(&bytes))
}

/// `insert`.
pub(crate) fn insert(this: &Bytearray, index: isize, item: &Value) -> PyResult<()> {
    let byte = byte_value(item, BYTE_RANGE)?;
    this.resize(|data| {
        let len = data.len();
        let place = if index < 0 { len.saturating_sub(index.unsigned_abs()) } else { (index as usize).min(len) };
        data.insert(place, byte);
    })
}

/// `pop`.
pub(crate) fn pop(this: &Bytearray, index: Option<isize>) -> PyResult<Value> {
    let len = this.len();
    if len == 0 {
        return Err(index_error("pop from empty bytearray"));
    }
    let index = index.unwrap_or(-1);
    let index = if index < 0 { index.saturating_add(len as isize) } else { index };
    let Some(index) = usize::try_from(index).ok().filter(|&index| index < len) else {
        return Err(index_error("pop index out of range"));
    };
    let byte = this.resize(|data| if index < data.len() { data.remove(index) } else { 0 })?;
    Ok(Value::int(byte.into()))
}

/// `remove`.
pub(crate) fn remove(this: &Bytearray, value: &Value) -> PyResult<()> {
    let byte = byte_value(value, BYTE_RANGE)?;
    match this.with(|data| memchr::memchr(byte, data)) {
        Some(index) => this.resize(|data| {
            data.remove(index);
        }),
        None => Err(value_error("value not found in bytearray")),
    }
}

/// `reverse`.
pub(crate) fn reverse(this: &Bytearray) {
    this.with_mut(<[u8]>::reverse);
}

/// The body of a bytearray iterator.
#[repr(C)]
pub struct BytearrayIterator {
    header: Header,
    /// Empty at the end.
    array: ValueCell,
    index: Cell<usize>,
}

payload!(BytearrayIterator, BYTEARRAY_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.array.visit(visit);
    }
});

/// The type object of `bytearray_iterator`.
pub static BYTEARRAY_ITERATOR: TypeObject = TypeObject::define::<BytearrayIterator>("bytearray_iterator")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(ITERATOR_METHODS);

const ITERATOR_METHODS: &[Method] = &[
    crate::method!(length_hint, "!__length_hint__($self)", "Private method returning an estimate of len(list(it))."),
    crate::method!(iterator_reduce, "__reduce__($self, /)", "Return state information for pickling."),
    crate::method!(setstate, "!__setstate__($self, state, /)", "Set state information for unpickling."),
];

fn iter_(array: &Value) -> PyResult<Value> {
    body(array)?;
    Ok(crate::object::header::new_object(BytearrayIterator {
        header: Header::new(&BYTEARRAY_ITERATOR),
        array: ValueCell::new(Some(array.clone())),
        index: Cell::new(0),
    }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(this) = this.exact::<BytearrayIterator>() else {
        return Err(type_error("expected a bytearray_iterator"));
    };
    let Some(array) = this.array.get() else { return Ok(None) };
    let index = this.index.get();
    match array.downcast::<Bytearray>().and_then(|array| array.get(index)) {
        Some(byte) => {
            this.index.set(index + 1);
            Ok(Some(Value::int(byte.into())))
        }
        None => {
            this.array.set(None);
            Ok(None)
        }
    }
}

fn iterated_len(this: &BytearrayIterator) -> usize {
    this.array.get().and_then(|array| array.downcast::<Bytearray>().map(Bytearray::len)).unwrap_or(0)
}

fn length_hint(this: &BytearrayIterator) -> isize {
    iterated_len(this).saturating_sub(this.index.get()) as isize
}

fn iterator_reduce(this: &BytearrayIterator) -> PyResult<Value> {
    let iter = builtins::get("iter")?;
    Ok(Tuple::from_vec(match this.array.get() {
        Some(array) => vec![iter, Tuple::from_vec(vec![array]), Value::int(this.index.get() as i64)],
        None => vec![iter, Tuple::from_vec(vec![Tuple::empty()])],
    }))
}

fn setstate(this: &BytearrayIterator, state: &Value) -> PyResult<()> {
    let index = state_index(state)?;
    if this.array.is_some() {
        this.index.set(usize::try_from(index).unwrap_or(0).min(iterated_len(this)));
    }
    Ok(())
}
