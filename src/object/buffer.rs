//! The buffer protocol: objects that show their memory, and the handles through which others read and write it.
//!
//! A type takes part by the slot `buffer`, an [`Exporter`]. [`Buffer::get`] asks an object for its memory and gives a
//! [`Buffer`]: it keeps the object alive, is counted as a view of it (a bytearray or array with views does not change its
//! size) and ends when it is dropped.
//!
//! Invariant: nobody holds a Rust reference into an exporter's memory while Python code can run. The memory is seen only by
//! closures ([`Buffer::with_bytes`], [`Buffer::with_bytes_mut`]) that must run none: no comparison, conversion, call, and no
//! drop of a value. [`ByteStore`] takes the bytes out while such a closure runs, so that one that breaks the rule finds no
//! bytes instead of dangling ones. An exporter's memory may be shorter than the layout says only then; every access is
//! checked against its real length.

use super::error::PyResult;
use super::value::Value;
use super::value_vec::ValueCell;
use crate::types::exceptions::{buffer_error, type_error};
use std::borrow::Cow;
use std::cell::UnsafeCell;

/// What a view needs of the memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Bytes in one piece: `PyBUF_SIMPLE`.
    Simple,
    /// Bytes in one piece that can be changed: `PyBUF_WRITABLE`.
    Writable,
    /// Any layout, read-only or not: `PyBUF_FULL_RO`.
    Full,
}

/// Calls the closure with all of an object's memory; the closure runs no Python code.
pub type ReadFn = fn(&Value, &mut dyn FnMut(&[u8]));
/// The same, to change the memory.
pub type WriteFn = fn(&Value, &mut dyn FnMut(&mut [u8]));

/// How a type shows its objects' memory.
pub struct Exporter {
    /// Describes the memory and notes a view of it.
    pub get: fn(&Value, Request) -> PyResult<Layout>,
    /// Ends what `get` began.
    pub release: fn(&Value),
    /// Reads the memory.
    pub read: ReadFn,
    /// Changes it; memory that cannot be changed is not shown.
    pub write: WriteFn,
}

/// One number for each dimension.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Dims {
    /// No dimension.
    Scalar,
    /// One dimension.
    One([isize; 1]),
    /// More.
    Many(Box<[isize]>),
}

impl Dims {
    /// The numbers.
    #[inline]
    pub fn as_slice(&self) -> &[isize] {
        match self {
            Dims::Scalar => &[],
            Dims::One(one) => one,
            Dims::Many(many) => many,
        }
    }

    /// From a slice.
    pub fn from_slice(dims: &[isize]) -> Dims {
        match *dims {
            [] => Dims::Scalar,
            [one] => Dims::One([one]),
            _ => Dims::Many(dims.into()),
        }
    }
}

/// The order of items of several dimensions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The last index runs fastest.
    C,
    /// The first index runs fastest.
    Fortran,
}

/// Where in an exporter's memory the items lie, and what they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Offset of the first item.
    pub start: usize,
    /// Whether the memory can only be read.
    pub readonly: bool,
    /// Bytes of an item.
    pub itemsize: usize,
    /// An item's format, in the struct module's language.
    pub format: Cow<'static, str>,
    /// Number of items by dimension.
    pub shape: Dims,
    /// Bytes from one item to the next by dimension.
    pub strides: Dims,
}

impl Layout {
    /// `len` bytes.
    pub fn bytes(len: usize, readonly: bool) -> Layout {
        Layout::items(len, 1, Cow::Borrowed("B"), readonly)
    }

    /// `len` items, one behind the other.
    pub fn items(len: usize, itemsize: usize, format: Cow<'static, str>, readonly: bool) -> Layout {
        Layout {
            start: 0,
            readonly,
            itemsize,
            format,
            shape: Dims::One([len as isize]),
            strides: Dims::One([itemsize as isize]),
        }
    }

    /// Number of dimensions.
    pub fn ndim(&self) -> usize {
        self.shape.as_slice().len()
    }

    /// Number of items.
    pub fn count(&self) -> usize {
        // The items exist, so their number fits; of a shape with a zero, any product is zero.
        self.shape.as_slice().iter().fold(1usize, |count, &len| count.saturating_mul(usize::try_from(len).unwrap_or(0)))
    }

    /// Bytes of all items.
    pub fn nbytes(&self) -> usize {
        self.count().saturating_mul(self.itemsize)
    }

    /// Whether the items lie one behind the other in that order. As `init_flags` of memoryview decides.
    pub fn is_contiguous(&self, order: Order) -> bool {
        let (shape, strides) = (self.shape.as_slice(), self.strides.as_slice());
        match (shape, strides) {
            ([], _) => true,
            ([len], [stride]) => *len == 1 || *stride == self.itemsize as isize,
            _ => {
                if self.nbytes() == 0 {
                    return true;
                }
                let mut expected = self.itemsize as isize;
                let mut fits = |(&len, &stride): (&isize, &isize)| {
                    let fits = len <= 1 || stride == expected;
                    expected = expected.saturating_mul(len);
                    fits
                };
                match order {
                    Order::C => shape.iter().zip(strides).rev().all(&mut fits),
                    Order::Fortran => shape.iter().zip(strides).all(&mut fits),
                }
            }
        }
    }

    /// The offsets of all items in the exporter's memory, in that order of their indices.
    pub fn offsets(&self, order: Order) -> Vec<usize> {
        let count = self.count();
        let mut offsets = Vec::with_capacity(count);
        if count == 0 {
            return offsets;
        }
        let mut dims: Vec<(isize, isize)> =
            self.shape.as_slice().iter().copied().zip(self.strides.as_slice().iter().copied()).collect();
        // The dimension that runs fastest last.
        if order == Order::Fortran {
            dims.reverse();
        }
        let mut index = vec![0isize; dims.len()];
        let mut at = self.start as isize;
        loop {
            offsets.push(at as usize);
            let mut dim = dims.len();
            loop {
                if dim == 0 {
                    return offsets;
                }
                dim -= 1;
                let (len, stride) = dims[dim];
                index[dim] += 1;
                at = at.wrapping_add(stride);
                if index[dim] < len {
                    break;
                }
                at = at.wrapping_sub(stride.wrapping_mul(len));
                index[dim] = 0;
            }
        }
    }

    /// A copy of the items' bytes in that order.
    pub fn gather(&self, memory: &[u8], order: Order) -> Vec<u8> {
        if self.is_contiguous(order) {
            return memory.get(self.start..self.start.saturating_add(self.nbytes())).unwrap_or_default().to_vec();
        }
        let mut bytes = Vec::with_capacity(self.nbytes());
        for offset in self.offsets(order) {
            bytes.extend_from_slice(memory.get(offset..offset.saturating_add(self.itemsize)).unwrap_or_default());
        }
        bytes
    }

    /// Writes the items' bytes, given in C order; `items` is as long as all of them.
    pub fn scatter(&self, memory: &mut [u8], items: &[u8]) {
        if self.is_contiguous(Order::C) {
            if let Some(place) = memory.get_mut(self.start..self.start.saturating_add(items.len())) {
                place.copy_from_slice(items);
            }
            return;
        }
        for (offset, item) in self.offsets(Order::C).into_iter().zip(items.chunks_exact(self.itemsize.max(1))) {
            if let Some(place) = memory.get_mut(offset..offset.saturating_add(item.len())) {
                place.copy_from_slice(item);
            }
        }
    }
}

/// The exporter of a value's type: a class has that of its builtin base.
pub fn exporter_of(value: &Value) -> Option<&'static Exporter> {
    let mut ty = value.ty();
    loop {
        if let Some(exporter) = ty.slot(|slots| slots.buffer) {
            return Some(exporter);
        }
        if !ty.is_heap_type() {
            return None;
        }
        ty = ty.base_type()?;
    }
}

/// A view of an object's memory.
pub struct Buffer {
    /// Empty when the view has ended.
    owner: ValueCell,
    exporter: &'static Exporter,
    layout: Layout,
}

impl Buffer {
    /// Asks an object for its memory; `None` when it has none to show.
    ///
    /// # Errors
    /// `BufferError` when the memory is not as requested, what else the exporter raises.
    pub fn get(value: &Value, request: Request) -> PyResult<Option<Buffer>> {
        let Some(exporter) = exporter_of(value) else { return Ok(None) };
        let layout = (exporter.get)(value, request)?;
        Ok(Some(Buffer { owner: ValueCell::new(Some(value.clone())), exporter, layout }))
    }

    /// As [`Buffer::get`].
    ///
    /// # Errors
    /// `TypeError` also for objects that show no memory.
    pub fn require(value: &Value, request: Request) -> PyResult<Buffer> {
        match Buffer::get(value, request)? {
            Some(buffer) => Ok(buffer),
            None => Err(type_error(format!("a bytes-like object is required, not '{}'", value.ty().name()))),
        }
    }

    /// The object whose memory it is; `None` when the view has ended.
    pub fn owner(&self) -> Option<Value> {
        self.owner.get()
    }

    /// Calls `visit` with the object, for the collector.
    pub fn visit(&self, visit: crate::gc::Visit<'_>) {
        self.owner.visit(visit);
    }

    /// Ends the view. The object may die, so Python code may run.
    pub fn release(&self) {
        if let Some(owner) = self.owner.take() {
            (self.exporter.release)(&owner);
        }
    }

    /// Where the items lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Reads the exporter's memory, all of it. The closure runs no Python code and drops no value.
    pub fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        let (mut read, mut result) = (Some(read), None);
        let owner = self.owner.get();
        if let Some(owner) = &owner {
            (self.exporter.read)(owner, &mut |bytes| result = read.take().map(|read| read(bytes)));
        }
        match (result, read) {
            (Some(result), _) => result,
            // An exporter that shows nothing has nothing.
            (None, Some(read)) => read(&[]),
            (None, None) => unreachable!("the closure was called and gave a result"),
        }
    }

    /// Changes the exporter's memory. The closure runs no Python code and drops no value; it gets no bytes when the memory
    /// cannot be changed.
    pub fn with_bytes_mut<R>(&self, change: impl FnOnce(&mut [u8]) -> R) -> R {
        let (mut change, mut result) = (Some(change), None);
        let owner = self.owner.get();
        if let Some(owner) = &owner {
            (self.exporter.write)(owner, &mut |bytes| result = change.take().map(|change| change(bytes)));
        }
        match (result, change) {
            (Some(result), _) => result,
            (None, Some(change)) => change(&mut []),
            (None, None) => unreachable!("the closure was called and gave a result"),
        }
    }

    /// Number of bytes of the items.
    pub fn len(&self) -> usize {
        self.layout.nbytes()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the bytes of a contiguous view. As [`Buffer::with_bytes`].
    pub fn with_items<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        let range = self.layout.start..self.layout.start.saturating_add(self.len());
        self.with_bytes(|memory| read(memory.get(range).unwrap_or_default()))
    }

    /// Changes the bytes of a contiguous view. As [`Buffer::with_bytes_mut`].
    pub fn with_items_mut<R>(&self, change: impl FnOnce(&mut [u8]) -> R) -> R {
        let range = self.layout.start..self.layout.start.saturating_add(self.len());
        self.with_bytes_mut(|memory| change(memory.get_mut(range).unwrap_or_default()))
    }

    /// A copy of the items' bytes in C order.
    pub fn to_vec(&self) -> Vec<u8> {
        self.with_bytes(|memory| self.layout.gather(memory, Order::C))
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.release();
    }
}

/// The error of a view that wants to write to memory that cannot be changed. As `PyBuffer_FillInfo`.
#[cold]
pub fn not_writable() -> super::Raised {
    buffer_error("Object is not writable.")
}

/// The error of an exporter that has to change its size while there are views.
#[cold]
pub fn cannot_resize() -> super::Raised {
    buffer_error("Existing exports of data: object cannot be re-sized")
}

/// Growable bytes that can change while shared: the memory of a bytearray or array.
///
/// The short methods run no foreign code and give out no reference. The `with` ones take the bytes out while the closure
/// runs: one that comes back to the same object finds it empty.
#[derive(Default)]
pub struct ByteStore(UnsafeCell<Vec<u8>>);

impl ByteStore {
    /// Holding `bytes`.
    pub const fn new(bytes: Vec<u8>) -> ByteStore {
        ByteStore(UnsafeCell::new(bytes))
    }

    /// Number of bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        // SAFETY: read at once; no reference into the vector outlives one of these methods, and none of them runs foreign
        // code while it has one.
        unsafe { (*self.0.get()).len() }
    }

    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `N` bytes at `offset`; `None` when they are not all there.
    #[inline(always)]
    pub fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        // SAFETY: as for len; the bytes are copied.
        let bytes: &Vec<u8> = unsafe { &*self.0.get() };
        bytes.get(offset..)?.first_chunk::<N>().copied()
    }

    /// Replaces the `N` bytes at `offset`; false when they are not all there.
    #[inline(always)]
    pub fn write<const N: usize>(&self, offset: usize, bytes: [u8; N]) -> bool {
        // SAFETY: as for len; no other reference is alive.
        let all: &mut Vec<u8> = unsafe { &mut *self.0.get() };
        match all.get_mut(offset..).and_then(|rest| rest.first_chunk_mut::<N>()) {
            Some(place) => {
                *place = bytes;
                true
            }
            None => false,
        }
    }

    /// A copy of all bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        // SAFETY: as for len; copying bytes runs no foreign code.
        unsafe { (*self.0.get()).clone() }
    }

    /// Takes all bytes out.
    pub fn take(&self) -> Vec<u8> {
        // SAFETY: as for len; a move.
        unsafe { std::mem::take(&mut *self.0.get()) }
    }

    /// Replaces all bytes.
    pub fn set(&self, bytes: Vec<u8>) {
        // SAFETY: as for len; dropping bytes runs no foreign code.
        unsafe { *self.0.get() = bytes }
    }

    /// Reads all bytes.
    #[inline]
    pub fn with<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        let bytes = self.take();
        let result = read(&bytes);
        self.set(bytes);
        result
    }

    /// Changes bytes, perhaps their number.
    #[inline]
    pub fn with_mut<R>(&self, change: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let mut bytes = self.take();
        let result = change(&mut bytes);
        self.set(bytes);
        result
    }
}
