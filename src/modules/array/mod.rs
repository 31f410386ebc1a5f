//! The module `array`: sequences of machine numbers.

mod item;
mod iterator;
mod methods;
mod reconstruct;

pub use iterator::ARRAY_ITERATOR;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::buffer::{ByteStore, Exporter, Layout};
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_instance};
use crate::object::native::{GetSet, Method};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, arguments, attribute, compare, iter, number, text};
use crate::types::bytearray::Bytearray;
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::exceptions::{buffer_error, index_error, memory_error, type_error, value_error};
use crate::types::list::List;
use crate::types::slice::{self, Slice};
use crate::types::str::arguments::check_memory;
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;
use item::{Kind, TypeCode};
use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "array",
    doc: "This module defines an object type which can efficiently represent\nan array of basic values: characters, integers, floating point\nnumbers.  Arrays are sequence types and behave very much like lists,\nexcept that the type of objects stored in them is constrained.\n",
    functions: &[method!(
        reconstruct::reconstruct,
        "_array_reconstructor($module, arraytype, typecode, mformat_code, items,\n                     /)",
        "Internal. Used for pickling support."
    )],
    fill,
};

/// `_array_reconstructor`, which pickles name.
static RECONSTRUCTOR: GilCell<OnceCell<Value>> = GilCell::new(OnceCell::new());

fn fill(dict: &Dict) -> PyResult<()> {
    if let Some(function) = dict.get_text("_array_reconstructor") {
        // A module that is loaded again has the same functions.
        let _ = RECONSTRUCTOR.get().set(function);
    }
    dict.set_text("array", ARRAY.value());
    dict.set_text("ArrayType", ARRAY.value());
    let codes: Vec<u8> = item::TYPE_CODES.iter().map(|code| code.code).collect();
    dict.set_text("typecodes", Str::from_latin1(&codes));
    Ok(())
}

/// The body of an array.
#[repr(C)]
pub struct Array {
    header: Header,
    code: &'static TypeCode,
    items: ByteStore,
    /// Items that CPython would have room for, for `__sizeof__`.
    allocated: Cell<usize>,
    /// Views of the items; while there are any, their number cannot change.
    exports: Cell<usize>,
}

payload!(Array, ARRAY);

/// The type object of `array.array`.
pub static ARRAY: TypeObject = TypeObject::define::<Array>("array.array")
    .flags(TypeFlags::BASE)
    .with_weakrefs()
    .slots(Slots {
        new: Some(new),
        repr: Some(repr),
        compare: Some(rich_compare),
        length: Some(|this| Ok(body(this)?.len())),
        getattr: Some(attribute::generic_get),
        getitem: Some(getitem),
        setitem: Some(setitem),
        item: Some(item_at),
        contains: Some(contains),
        iter: Some(iterator::iter),
        concat: Some(concat),
        repeat: Some(repeat),
        inplace_concat: Some(inplace_concat),
        inplace_repeat: Some(inplace_repeat),
        buffer: Some(&EXPORTER),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(GETSET)
    .doc("array(typecode [, initializer]) -> array\n\nReturn a new array whose items are restricted by typecode, and\ninitialized from the optional initializer value, which must be a list,\nstring or iterable over elements of the appropriate type.\n\nArrays represent basic values and behave very much like lists, except\nthe type of objects stored in them is constrained. The type is specified\nat object creation time by using a type code, which is a single character.\nThe following type codes are defined:\n\n    Type code   C Type             Minimum size in bytes\n    'b'         signed integer     1\n    'B'         unsigned integer   1\n    'u'         Unicode character  2 (see note)\n    'h'         signed integer     2\n    'H'         unsigned integer   2\n    'i'         signed integer     2\n    'I'         unsigned integer   2\n    'l'         signed integer     4\n    'L'         unsigned integer   4\n    'q'         signed integer     8 (see note)\n    'Q'         unsigned integer   8 (see note)\n    'f'         floating point     4\n    'd'         floating point     8\n\nNOTE: The 'u' typecode corresponds to Python's unicode character. On\nnarrow builds this is 2-bytes on wide builds this is 4-bytes.\n\nNOTE: The 'q' and 'Q' type codes are only available if the platform\nC compiler used to build Python supports 'long long', or, on Windows,\n'__int64'.\n\nMethods:\n\nappend() -- append a new item to the end of the array\nbuffer_info() -- return information giving the current memory info\nbyteswap() -- byteswap all the items of the array\ncount() -- return number of occurrences of an object\nextend() -- extend array by appending multiple elements from an iterable\nfromfile() -- read items from a file object\nfromlist() -- append items from the list\nfrombytes() -- append items from the string\nindex() -- return index of first occurrence of an object\ninsert() -- insert a new item into the array at a provided position\npop() -- remove and return item (default last)\nremove() -- remove first occurrence of an object\nreverse() -- reverse the order of the items in the array\ntofile() -- write all items to a file object\ntolist() -- return the array converted to an ordinary list\ntobytes() -- return the array converted to a string\n\nAttributes:\n\ntypecode -- the typecode character used to create the array\nitemsize -- the length in bytes of one array item\n");

const METHODS: &[Method] = &[
    method!(methods::append, "append($self, v, /)", "Append new value v to the end of the array."),
    method!(
        methods::buffer_info,
        "buffer_info($self, /)",
        "Return a tuple (address, length) giving the current memory address and the length in items of the buffer used to hold array's contents.\n\nThe length should be multiplied by the itemsize attribute to calculate\nthe buffer length in bytes."
    ),
    method!(
        methods::byteswap,
        "byteswap($self, /)",
        "Byteswap all items of the array.\n\nIf the items in the array are not 1, 2, 4, or 8 bytes in size, RuntimeError is\nraised."
    ),
    method!(methods::copy, "__copy__($self, /)", "Return a copy of the array."),
    method!(methods::count, "count($self, v, /)", "Return number of occurrences of v in the array."),
    method!(methods::deepcopy, "__deepcopy__($self, unused, /)", "Return a copy of the array."),
    method!(methods::extend, "extend($self, bb, /)", "Append items to the end of the array."),
    method!(
        methods::fromfile,
        "fromfile($self, f, n, /)",
        "Read n objects from the file object f and append them to the end of the array."
    ),
    method!(methods::fromlist, "fromlist($self, list, /)", "Append items to array from list."),
    method!(
        methods::fromstring,
        "fromstring($self, buffer, /)",
        "Appends items from the string, interpreting it as an array of machine values, as if it had been read from a file using the fromfile() method).\n\nThis method is deprecated. Use frombytes instead."
    ),
    method!(
        methods::frombytes,
        "frombytes($self, buffer, /)",
        "Appends items from the string, interpreting it as an array of machine values, as if it had been read from a file using the fromfile() method)."
    ),
    method!(
        methods::fromunicode,
        "fromunicode($self, ustr, /)",
        "Extends this array with data from the unicode string ustr.\n\nThe array must be a unicode type array; otherwise a ValueError is raised.\nUse array.frombytes(ustr.encode(...)) to append Unicode data to an array of\nsome other type."
    ),
    method!(methods::index, "index($self, v, /)", "Return index of first occurrence of v in the array."),
    method!(methods::insert, "insert($self, i, v, /)", "Insert a new item v into the array before position i."),
    method!(
        methods::pop,
        "pop($self, i=-1, /)",
        "Return the i-th element and delete it from the array.\n\ni defaults to -1."
    ),
    method!(methods::reduce_ex, "__reduce_ex__($self, value, /)", "Return state information for pickling."),
    method!(methods::remove, "remove($self, v, /)", "Remove the first occurrence of v in the array."),
    method!(methods::reverse, "reverse($self, /)", "Reverse the order of the items in the array."),
    method!(methods::tofile, "tofile($self, f, /)", "Write all items (as machine values) to the file object f."),
    method!(methods::tolist, "tolist($self, /)", "Convert array to an ordinary list with the same items."),
    method!(
        methods::tostring,
        "tostring($self, /)",
        "Convert the array to an array of machine values and return the bytes representation.\n\nThis method is deprecated. Use tobytes instead."
    ),
    method!(
        methods::tobytes,
        "tobytes($self, /)",
        "Convert the array to an array of machine values and return the bytes representation."
    ),
    method!(
        methods::tounicode,
        "tounicode($self, /)",
        "Extends this array with data from the unicode string ustr.\n\nConvert the array to a unicode string.  The array must be a unicode type array;\notherwise a ValueError is raised.  Use array.tobytes().decode() to obtain a\nunicode string from an array of some other type."
    ),
    method!(methods::sizeof, "__sizeof__($self, /)", "Size of the array in memory, in bytes."),
];

const GETSET: &[GetSet] = &[
    GetSet {
        doc: Some("the typecode character used to create the array"),
        ..GetSet::read_only("typecode", |this| Ok(Str::from_latin1(&[body(this)?.code.code])))
    },
    GetSet {
        doc: Some("the size, in bytes, of one array item"),
        ..GetSet::read_only("itemsize", |this| Ok(Value::int(body(this)?.code.size() as i64)))
    },
];

static EXPORTER: Exporter = Exporter {
    get: |this, _| {
        let array = body(this)?;
        array.exports.set(array.exports.get() + 1);
        // Characters have a format that is no type code.
        let format = match array.code.kind {
            Kind::Character => "w".to_owned(),
            Kind::Number(_) => char::from(array.code.code).to_string(),
        };
        Ok(Layout::items(array.len(), array.code.size(), Cow::Owned(format), false))
    },
    release: |this| {
        if let Some(array) = this.downcast::<Array>() {
            array.exports.set(array.exports.get().saturating_sub(1));
        }
    },
    read: |this, read| {
        if let Some(array) = this.downcast::<Array>() {
            array.items.with(|bytes| read(bytes));
        }
    },
    write: |this, write| {
        if let Some(array) = this.downcast::<Array>() {
            array.items.with_mut(|bytes| write(bytes));
        }
    },
};

/// Whether making an item of the value runs no Python code.
fn converts_quietly(value: &Value) -> bool {
    value.is_small_int() || value.is_small_float() || value.is_exact::<Str>()
}

fn body(this: &Value) -> PyResult<&Array> {
    this.downcast::<Array>().ok_or_else(|| type_error(format!("expected array.array, not {}", this.ty().name())))
}

#[cold]
fn exporting() -> Raised {
    buffer_error("cannot resize an array that is exporting buffers")
}

/// As `PyErr_BadArgument`.
#[cold]
fn bad_argument() -> Raised {
    type_error("bad argument type for built-in operation")
}

impl Array {
    /// An instance of array or a subclass, holding the items of `bytes`.
    fn instance_of(ty: &TypeObject, code: &'static TypeCode, bytes: Vec<u8>) -> Value {
        let allocated = bytes.len() >> code.shift;
        new_instance(
            ty,
            Array {
                header: Header::new(ty),
                code,
                items: ByteStore::new(bytes),
                allocated: Cell::new(allocated),
                exports: Cell::new(0),
            },
        )
    }

    /// Number of items.
    #[inline(always)]
    fn len(&self) -> usize {
        self.items.len() >> self.code.shift
    }

    /// The item at `index`; `None` past the end.
    #[inline(always)]
    fn get(&self, index: usize) -> PyResult<Option<Value>> {
        self.code.get(&self.items, index)
    }

    /// Changes the number of items to `len`, which is what `change` makes it.
    fn resize<R>(&self, len: usize, change: impl FnOnce(&mut Vec<u8>) -> R) -> PyResult<R> {
        let before = self.len();
        if self.exports.get() > 0 && len != before {
            return Err(exporting());
        }
        if len > before {
            let bytes = len.checked_mul(self.code.size()).ok_or_else(|| memory_error(""))?;
            check_memory(bytes)?;
        }
        let result = self.items.with_mut(change);
        self.note_size(before, len);
        Ok(result)
    }

    /// As `array_resize` decides how much to allocate.
    fn note_size(&self, before: usize, len: usize) {
        let allocated = self.allocated.get();
        if allocated >= len && before < len + 16 && allocated > 0 {
            return;
        }
        self.allocated.set(if len == 0 { 0 } else { (len >> 4) + if before < 8 { 3 } else { 7 } + len });
    }

    /// Appends an item.
    fn push(&self, value: &Value) -> PyResult<()> {
        if converts_quietly(value) {
            let bits = self.code.bits(value)?;
            return self.resize(self.len() + 1, |bytes| self.code.push(bytes, bits));
        }
        self.insert(self.len(), value)
    }

    /// Inserts an item before `index`. As `ins1`: the value is converted once to see whether it is one, and once more when
    /// there is room for it; its conversion may change the array both times.
    fn insert(&self, index: usize, value: &Value) -> PyResult<()> {
        let len = self.len();
        let bits = self.code.bits(value)?;
        self.resize(len + 1, |bytes| {
            let start = index << self.code.shift;
            // Until the item is stored, the one that was there is there twice.
            let hole = bytes.get(start..start + self.code.size()).map_or(vec![0; self.code.size()], <[u8]>::to_vec);
            bytes.resize(len << self.code.shift, 0);
            bytes.splice(start..start, hole);
        })?;
        let bits = if converts_quietly(value) { bits } else { self.code.bits(value)? };
        self.code.set(&self.items, index, bits);
        Ok(())
    }

    /// Appends the items of another array or an iterable.
    fn extend(&self, source: &Value) -> PyResult<()> {
        if let Some(other) = source.downcast::<Array>() {
            if !std::ptr::eq(self.code, other.code) {
                return Err(type_error("can only extend with array of same kind"));
            }
            let bytes = other.items.to_vec();
            let len = self.len() + (bytes.len() >> self.code.shift);
            return self.resize(len, |all| all.extend_from_slice(&bytes));
        }
        let iterator = iter::iter(source)?;
        self.extend_from(&iterator)
    }

    fn extend_from(&self, iterator: &Value) -> PyResult<()> {
        while let Some(value) = iter::next(iterator)? {
            self.push(&value)?;
        }
        Ok(())
    }

    /// Appends items given as bytes. As `frombytes`.
    fn append_bytes(&self, bytes: &[u8]) -> PyResult<()> {
        if !bytes.len().is_multiple_of(self.code.size()) {
            return Err(value_error("bytes length not a multiple of item size"));
        }
        let len = self.len() + (bytes.len() >> self.code.shift);
        self.resize(len, |all| all.extend_from_slice(bytes))
    }

    /// The first item equal to `value`.
    fn position(&self, value: &Value) -> PyResult<Option<usize>> {
        let mut index = 0;
        while let Some(item) = self.get(index)? {
            if compare::equal(&item, value)? {
                return Ok(Some(index));
            }
            index += 1;
        }
        Ok(None)
    }

    /// The items as a list.
    fn to_list(&self) -> PyResult<Value> {
        let mut values = Vec::with_capacity(self.len());
        let mut index = 0;
        while let Some(item) = self.get(index)? {
            values.push(item);
            index += 1;
        }
        Ok(List::from_vec(values))
    }
}

/// `array(typecode[, initializer])`.
fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(ty) = class.downcast::<TypeObject>() else { return Err(type_error("expected a type")) };
    if std::ptr::eq(ty, &raw const ARRAY) {
        arguments::no_keywords("array.array", kwnames)?;
    }
    let given = arguments::positional(args, kwnames);
    let (code, initial) = match given {
        [] => return Err(type_error("array() takes at least 1 argument (0 given)")),
        [code] => (code, None),
        [code, initial] => (code, Some(initial)),
        more => return Err(type_error(format!("array() takes at most 2 arguments ({} given)", more.len()))),
    };
    let Some(code) = code.downcast::<Str>().filter(|code| code.len() == 1).and_then(|code| code.chars().get(0)) else {
        let found = if code.is_none() { "None" } else { code.ty().name() };
        return Err(type_error(format!("array() argument 1 must be a unicode character, not {found}")));
    };
    make(ty, code, initial)
}

/// As `array_new` once the arguments are parsed.
fn make(ty: &TypeObject, code: u32, initial: Option<&Value>) -> PyResult<Value> {
    let characters = code == u32::from(b'u');
    let shown = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    let known = || {
        item::find(code).ok_or_else(|| value_error("bad typecode (must be b, B, u, h, H, i, I, l, L, q, Q, f or d)"))
    };
    let Some(initial) = initial else { return Ok(Array::instance_of(ty, known()?, Vec::new())) };
    let array = initial.downcast::<Array>();
    let text = initial.downcast::<Str>();
    if !characters {
        if text.is_some() {
            return Err(type_error(format!("cannot use a str to initialize an array with typecode '{shown}'")));
        }
        if array.is_some_and(|array| array.code.kind == Kind::Character) {
            return Err(type_error(format!(
                "cannot use a unicode array to initialize an array with typecode '{shown}'"
            )));
        }
    }
    let empty = |code| Array::instance_of(ty, code, Vec::new());
    if let Some(text) = text {
        let mut bytes = Vec::with_capacity(text.len() * 4);
        let code = known()?;
        text.chars().iter().for_each(|character| code.push(&mut bytes, character.into()));
        return Ok(Array::instance_of(ty, code, bytes));
    }
    if let Some(array) = array
        && u32::from(array.code.code) == code
    {
        return Ok(Array::instance_of(ty, array.code, array.items.to_vec()));
    }
    if let Some(bytes) = initial.downcast::<Bytes>() {
        let result = empty(known()?);
        body(&result)?.append_bytes(bytes.as_slice())?;
        return Ok(result);
    }
    if let Some(bytes) = initial.downcast::<Bytearray>() {
        let result = empty(known()?);
        body(&result)?.append_bytes(&bytes.to_vec())?;
        return Ok(result);
    }
    let list = initial.downcast::<List>();
    if list.is_some() || initial.downcast::<Tuple>().is_some() {
        let code = known()?;
        let count = list.map_or_else(|| initial.downcast::<Tuple>().map_or(0, Tuple::len), |list| list.items().len());
        let mut bytes = Vec::with_capacity(count << code.shift);
        for index in 0..count {
            // A conversion may change the list.
            let value = match list {
                Some(list) => list.items().get(index),
                None => initial.downcast::<Tuple>().and_then(|tuple| tuple.get(index).cloned()),
            };
            let Some(value) = value else { return Err(index_error("list index out of range")) };
            code.push(&mut bytes, code.bits(&value)?);
        }
        return Ok(Array::instance_of(ty, code, bytes));
    }
    let iterator = iter::iter(initial)?;
    let result = empty(known()?);
    body(&result)?.extend_from(&iterator)?;
    Ok(result)
}

fn repr(this: &Value) -> PyResult<Value> {
    let array = body(this)?;
    let mut out = StrBuilder::new();
    out.push_str(&format!("{}('{}'", this.ty().short_name(), char::from(array.code.code)));
    if array.len() > 0 {
        out.push_str(", ");
        let items = match array.code.kind {
            Kind::Character => item::text(&array.items.to_vec())?,
            Kind::Number(_) => array.to_list()?,
        };
        if let Some(shown) = text::repr(&items)?.downcast::<Str>() {
            out.push_value(shown);
        }
    }
    out.push_str(")");
    Ok(out.finish())
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b)) = (left.downcast::<Array>(), right.downcast::<Array>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    if a.len() != b.len() && matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::bool(op == Compare::Ne));
    }
    let integers = |array: &Array| match array.code.kind {
        Kind::Number(scalar) => scalar.range().is_some(),
        Kind::Character => true,
    };
    if std::ptr::eq(a.code, b.code) && integers(a) && matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::bool((a.items.to_vec() == b.items.to_vec()) == (op == Compare::Eq)));
    }
    let mut index = 0;
    while let (Some(x), Some(y)) = (a.get(index)?, b.get(index)?) {
        // By value: an item is an object of its own in CPython, so a NaN is not equal to itself.
        if !compare::holds(&x, &y, Compare::Eq)? {
            return match op {
                Compare::Eq => Ok(Value::FALSE),
                Compare::Ne => Ok(Value::TRUE),
                _ => compare::rich(&x, &y, op),
            };
        }
        index += 1;
    }
    Ok(Value::bool(op.holds(a.len().cmp(&b.len()))))
}

#[cold]
fn out_of_range() -> Raised {
    index_error("array index out of range")
}

fn item_at(this: &Value, index: isize) -> PyResult<Value> {
    let array = body(this)?;
    match usize::try_from(index) {
        Ok(index) => array.get(index)?.ok_or_else(out_of_range),
        Err(_) => Err(out_of_range()),
    }
}

/// An index, negative ones counted from the end; `None` when it is out of range.
#[inline]
fn fit(index: isize, len: usize) -> Option<usize> {
    let index = if index < 0 { index.wrapping_add(len as isize) } else { index };
    usize::try_from(index).ok().filter(|&index| index < len)
}

#[cold]
fn wrong_index() -> Raised {
    type_error("array indices must be integers")
}

/// The number at an index, for the loop's fast path; `None` when there is none, it is an object, or this is no array.
#[inline]
pub(crate) fn number_at(this: &Value, index: i64) -> Option<Value> {
    let array = this.exact::<Array>()?;
    array.code.quick_number(&array.items, fit(index as isize, array.len())?)
}

/// Stores an int or float that is no object, for the loop's fast path; false when the slow path has to see to it.
#[inline]
pub(crate) fn set_number_at(this: &Value, index: i64, value: &Value) -> bool {
    let Some(array) = this.exact::<Array>() else { return false };
    let Some(index) = fit(index as isize, array.len()) else { return false };
    match array.code.quick_bits(value) {
        Some(bits) => array.code.set(&array.items, index, bits),
        None => false,
    }
}

fn getitem(this: &Value, key: &Value) -> PyResult<Value> {
    let array = body(this)?;
    if let Some(index) = key.as_small_int() {
        return match fit(index as isize, array.len()) {
            Some(index) => array.get(index)?.ok_or_else(out_of_range),
            None => Err(out_of_range()),
        };
    }
    if let Some(key) = key.exact::<Slice>() {
        let adjusted = slice::unpack(key)?.adjust(array.len());
        return Ok(Array::instance_of(&ARRAY, array.code, select(array, adjusted)));
    }
    if !number::is_index(key) {
        return Err(wrong_index());
    }
    let index = number::index_for_item(key)?;
    fit(index, array.len()).map_or(Ok(None), |index| array.get(index))?.ok_or_else(out_of_range)
}

/// The bytes of the items that a slice selects.
fn select(array: &Array, slice: slice::Adjusted) -> Vec<u8> {
    let (shift, size) = (array.code.shift, array.code.size());
    array.items.with(|bytes| {
        if slice.step == 1 {
            let start = (slice.start.max(0) as usize) << shift;
            return bytes.get(start..start + (slice.count << shift)).unwrap_or_default().to_vec();
        }
        let mut selected = Vec::with_capacity(slice.count << shift);
        for index in slice.indices() {
            let start = index << shift;
            selected.extend_from_slice(bytes.get(start..start + size).unwrap_or_default());
        }
        selected
    })
}

fn setitem(this: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let array = body(this)?;
    let assignment = || index_error("array assignment index out of range");
    let slice = if let Some(key) = key.exact::<Slice>() {
        slice::unpack(key)?.adjust(array.len())
    } else {
        let index = match key.as_small_int() {
            Some(index) => index as isize,
            None if number::is_index(key) => number::index_for_item(key)?,
            None => return Err(wrong_index()),
        };
        let Some(index) = fit(index, array.len()) else { return Err(assignment()) };
        if let Some(value) = value {
            let bits = array.code.bits(value)?;
            // The conversion may have run Python code that changed the length.
            return if array.code.set(&array.items, index, bits) { Ok(()) } else { Err(assignment()) };
        }
        slice::Adjusted { start: index as isize, stop: index as isize + 1, step: 1, count: 1 }
    };
    let bytes = match value {
        None => Vec::new(),
        Some(value) => {
            let Some(other) = value.downcast::<Array>() else {
                return Err(type_error(format!(
                    "can only assign array (not \"{}\") to array slice",
                    value.ty().name()
                )));
            };
            if !std::ptr::eq(array.code, other.code) {
                return Err(bad_argument());
            }
            other.items.to_vec()
        }
    };
    set_slice(array, slice, &bytes)
}

fn set_slice(array: &Array, slice: slice::Adjusted, bytes: &[u8]) -> PyResult<()> {
    let (shift, size) = (array.code.shift, array.code.size());
    let needed = bytes.len() >> shift;
    if (needed == 0 || slice.count != needed) && array.exports.get() > 0 {
        return Err(exporting());
    }
    let len = array.len();
    if slice.step == 1 {
        let start = slice.start.max(0) as usize;
        return array.resize(len - slice.count + needed, |all| {
            let start = (start << shift).min(all.len());
            let end = (start + (slice.count << shift)).min(all.len());
            all.splice(start..end, bytes.iter().copied());
        });
    }
    if needed == 0 {
        return array.resize(len - slice.count, |all| {
            let mut doomed = vec![false; len];
            for index in slice.indices() {
                if let Some(place) = doomed.get_mut(index) {
                    *place = true;
                }
            }
            let mut kept = Vec::with_capacity(all.len());
            for (item, doomed) in all.chunks_exact(size).zip(doomed) {
                if !doomed {
                    kept.extend_from_slice(item);
                }
            }
            *all = kept;
        });
    }
    if needed != slice.count {
        return Err(value_error(format!(
            "attempt to assign array of size {needed} to extended slice of size {}",
            slice.count
        )));
    }
    array.items.with_mut(|all| {
        for (index, item) in slice.indices().zip(bytes.chunks_exact(size)) {
            let start = index << shift;
            if let Some(place) = all.get_mut(start..start + size) {
                place.copy_from_slice(item);
            }
        }
    });
    Ok(())
}

fn contains(this: &Value, value: &Value) -> PyResult<bool> {
    Ok(body(this)?.position(value)?.is_some())
}

fn concat(left: &Value, right: &Value) -> PyResult<Value> {
    let Some(other) = right.downcast::<Array>() else {
        return Err(type_error(format!("can only append array (not \"{}\") to array", right.ty().name())));
    };
    let array = body(left)?;
    if !std::ptr::eq(array.code, other.code) {
        return Err(bad_argument());
    }
    check_memory(array.items.len().saturating_add(other.items.len()))?;
    let mut bytes = array.items.to_vec();
    bytes.extend_from_slice(&other.items.to_vec());
    Ok(Array::instance_of(&ARRAY, array.code, bytes))
}

fn inplace_concat(left: &Value, right: &Value) -> PyResult<Value> {
    if right.downcast::<Array>().is_none() {
        return Err(type_error(format!("can only extend array with array (not \"{}\")", right.ty().name())));
    }
    body(left)?.extend(right)?;
    Ok(left.clone())
}

/// The bytes of an array repeated.
fn repeated(array: &Array, count: usize) -> PyResult<Vec<u8>> {
    let total = array.items.len().checked_mul(count).filter(|&total| isize::try_from(total).is_ok());
    check_memory(total.ok_or_else(|| memory_error(""))?)?;
    Ok(array.items.with(|bytes| bytes.repeat(count)))
}

fn repeat(this: &Value, count: &Value) -> PyResult<Value> {
    let count = arguments::repeat_count(count)?;
    let array = body(this)?;
    Ok(Array::instance_of(&ARRAY, array.code, repeated(array, count)?))
}

fn inplace_repeat(this: &Value, count: &Value) -> PyResult<Value> {
    let count = arguments::repeat_count(count)?;
    let array = body(this)?;
    if array.len() > 0 {
        let bytes = repeated(array, count)?;
        array.resize(bytes.len() >> array.code.shift, |all| *all = bytes)?;
    }
    Ok(this.clone())
}
