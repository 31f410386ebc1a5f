//! The methods of arrays.

use super::item::{self, Kind};
use super::{ARRAY, Array, RECONSTRUCTOR, body};
use crate::modules::warnings;
use crate::name;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::object::{attribute, call, compare};
use crate::types::bytes::Bytes;
use crate::types::exceptions::DEPRECATION_WARNING;
use crate::types::exceptions::{EOF_ERROR, index_error, memory_error, raise, runtime_error, type_error, value_error};
use crate::types::int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

pub(super) fn append(this: &Array, value: &Value) -> PyResult<()> {
    this.push(value)
}

/// The address is that of the items, as long as nothing changes the array.
pub(super) fn buffer_info(this: &Array) -> Value {
    let address = this.items.with(|bytes| if bytes.is_empty() { 0 } else { bytes.as_ptr() as u64 });
    Tuple::from_vec(vec![crate::object::scalar::unsigned(address), Value::int(this.len() as i64)])
}

pub(super) fn byteswap(this: &Array) {
    let size = this.code.size();
    this.items.with_mut(|bytes| bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse));
}

pub(super) fn copy(this: &Array) -> Value {
    Array::instance_of(&ARRAY, this.code, this.items.to_vec())
}

pub(super) fn deepcopy(this: &Array, _unused: &Value) -> Value {
    copy(this)
}

pub(super) fn count(this: &Array, value: &Value) -> PyResult<usize> {
    let (mut index, mut found) = (0, 0);
    while let Some(item) = this.get(index)? {
        found += usize::from(compare::equal(&item, value)?);
        index += 1;
    }
    Ok(found)
}

pub(super) fn extend(this: &Array, source: &Value) -> PyResult<()> {
    this.extend(source)
}

pub(super) fn fromfile(this: &Array, file: &Value, count: isize) -> PyResult<()> {
    let Ok(count) = usize::try_from(count) else { return Err(value_error("negative count")) };
    let bytes = count.checked_mul(this.code.size()).and_then(|bytes| isize::try_from(bytes).ok());
    let Some(bytes) = bytes else { return Err(memory_error("")) };
    let result = call::call_method(file, name!("read"), &[Value::int(bytes as i64)])?;
    let Some(read) = result.downcast::<Bytes>() else { return Err(type_error("read() didn't return bytes")) };
    let enough = read.as_slice().len() == bytes as usize;
    this.append_bytes(read.as_slice())?;
    if enough { Ok(()) } else { Err(raise(&EOF_ERROR, "read() didn't return enough bytes")) }
}

pub(super) fn tofile(this: &Array, file: &Value) -> PyResult<()> {
    const BLOCK: usize = 64 * 1024;
    let mut start = 0;
    while start < this.items.len() {
        let block = this.items.with(|bytes| {
            let end = (start + BLOCK).min(bytes.len());
            bytes.get(start..end).unwrap_or_default().to_vec()
        });
        start += block.len();
        call::call_method(file, name!("write"), &[Bytes::new_value(&block)])?;
    }
    Ok(())
}

pub(super) fn fromlist(this: &Array, list: &Value) -> PyResult<()> {
    let Some(list) = list.downcast::<List>() else { return Err(type_error("arg must be list")) };
    let count = list.items().len();
    if count > 0 && this.exports.get() > 0 {
        return Err(super::exporting());
    }
    let mut bytes = Vec::with_capacity(count << this.code.shift);
    for index in 0..count {
        let changed = || runtime_error("list changed size during iteration");
        let value = list.items().get(index).ok_or_else(changed)?;
        this.code.push(&mut bytes, this.code.bits(&value)?);
        if list.items().len() != count {
            return Err(changed());
        }
    }
    this.append_bytes(&bytes)
}

pub(super) fn tolist(this: &Array) -> PyResult<Value> {
    this.to_list()
}

pub(super) fn fromstring(this: &Array, buffer: &Value) -> PyResult<()> {
    if buffer.downcast::<Str>().is_none() {
        drop(Buffer::require(buffer, Request::Simple)?);
    }
    warnings::warn(&DEPRECATION_WARNING, "fromstring() is deprecated. Use frombytes() instead.", 2)?;
    if let Some(text) = buffer.downcast::<Str>() {
        return match text.to_utf8() {
            Some(text) => this.append_bytes(text.as_bytes()),
            None => crate::types::codecs::encode(buffer, Some("utf-8"), None).map(drop),
        };
    }
    frombytes(this, buffer)
}

pub(super) fn frombytes(this: &Array, buffer: &Value) -> PyResult<()> {
    let source = Buffer::require(buffer, Request::Simple)?;
    if source.layout().itemsize != 1 {
        return Err(type_error("a bytes-like object is required"));
    }
    let bytes = source.to_vec();
    this.append_bytes(&bytes)
}

pub(super) fn tobytes(this: &Array) -> Value {
    this.items.with(Bytes::new_value)
}

pub(super) fn tostring(this: &Array) -> PyResult<Value> {
    warnings::warn(&DEPRECATION_WARNING, "tostring() is deprecated. Use tobytes() instead.", 2)?;
    Ok(tobytes(this))
}

pub(super) fn fromunicode(this: &Array, text: &Str) -> PyResult<()> {
    if this.code.kind != Kind::Character {
        return Err(value_error("fromunicode() may only be called on unicode type arrays"));
    }
    let mut bytes = Vec::with_capacity(text.len() * 4);
    text.chars().iter().for_each(|character| this.code.push(&mut bytes, character.into()));
    this.append_bytes(&bytes)
}

pub(super) fn tounicode(this: &Array) -> PyResult<Value> {
    if this.code.kind != Kind::Character {
        return Err(value_error("tounicode() may only be called on unicode type arrays"));
    }
    item::text(&this.items.to_vec())
}

pub(super) fn index(this: &Array, value: &Value) -> PyResult<usize> {
    this.position(value)?.ok_or_else(|| value_error("array.index(x): x not in array"))
}

pub(super) fn remove(this: &Array, value: &Value) -> PyResult<()> {
    match this.position(value)? {
        Some(index) => delete(this, index),
        None => Err(value_error("array.remove(x): x not in array")),
    }
}

fn delete(this: &Array, index: usize) -> PyResult<()> {
    let Some(len) = this.len().checked_sub(1) else { return Ok(()) };
    this.resize(len, |bytes| {
        let start = (index << this.code.shift).min(bytes.len());
        let end = (start + this.code.size()).min(bytes.len());
        bytes.drain(start..end);
    })
}

pub(super) fn insert(this: &Array, index: isize, value: &Value) -> PyResult<()> {
    let len = this.len();
    this.insert(if index < 0 { len.saturating_sub(index.unsigned_abs()) } else { (index as usize).min(len) }, value)
}

pub(super) fn pop(this: &Array, index: Option<isize>) -> PyResult<Value> {
    let len = this.len();
    if len == 0 {
        return Err(index_error("pop from empty array"));
    }
    let place = super::fit(index.unwrap_or(-1), len);
    let out_of_range = || index_error("pop index out of range");
    let place = place.ok_or_else(out_of_range)?;
    let item = this.get(place)?.ok_or_else(out_of_range)?;
    delete(this, place)?;
    Ok(item)
}

pub(super) fn reverse(this: &Array) {
    let size = this.code.size();
    this.items.with_mut(|bytes| {
        bytes.reverse();
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    });
}

pub(super) fn reduce_ex(this: &Value, protocol: &Value) -> PyResult<Value> {
    let array = body(this)?;
    if !int::is_int(protocol) {
        return Err(type_error("__reduce_ex__ argument should be an integer"));
    }
    let dict = attribute::lookup(this, name!("__dict__"))?.unwrap_or(Value::NONE);
    let class = this.ty().value();
    let code = Str::from_latin1(&[array.code.code]);
    let by_list = int::is_negative(protocol) || int::to_i64(protocol).is_some_and(|protocol| protocol < 3);
    let (function, arguments) = match RECONSTRUCTOR.get().get() {
        Some(function) if !by_list => {
            let format = Value::int(array.code.machine_format.into());
            (function.clone(), vec![class, code, format, tobytes(array)])
        }
        _ => (class, vec![code, array.to_list()?]),
    };
    Ok(Tuple::from_vec(vec![function, Tuple::from_vec(arguments), dict]))
}

/// As CPython's array would be.
pub(super) fn sizeof(this: &Value) -> usize {
    let items = this.downcast::<Array>().map_or(0, |body| body.allocated.get() << body.code.shift);
    crate::types::layout::of(this.ty()).basic_size as usize + items
}
