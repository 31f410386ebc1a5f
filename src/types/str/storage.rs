//! How a str is stored: 1, 2 or 4 bytes a character, whichever is the least that fits (PEP 393); lone surrogates are
//! legal. Also interning, and building strings piece by piece.

use super::arguments::{check_memory, no_memory};
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::hash::hash_bytes;
use crate::object::header::{Header, allocate_raw, grow_raw, new_variable};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject};
use crate::types::exceptions::overflow_error;
use hashbrown::HashTable;
use std::cell::{Cell, OnceCell, RefCell};
use std::cmp::Ordering;

/// The body of a str; the characters follow it.
#[repr(C)]
pub struct Str {
    header: Header,
    /// -1: not computed yet.
    hash: Cell<i64>,
    len: usize,
    /// Bytes a character: 1, 2 or 4.
    width: u8,
    ascii: bool,
    interned: Cell<bool>,
}

payload!(Str, super::STR);

/// The characters of a str.
#[derive(Clone, Copy, Debug)]
pub enum Chars<'a> {
    /// All below U+0100.
    One(&'a [u8]),
    /// All below U+10000, one at least above U+00FF.
    Two(&'a [u16]),
    /// One at least above U+FFFF.
    Four(&'a [u32]),
}

impl<'a> Chars<'a> {
    /// The code point at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<u32> {
        match self {
            Chars::One(chars) => chars.get(index).map(|&c| c.into()),
            Chars::Two(chars) => chars.get(index).map(|&c| c.into()),
            Chars::Four(chars) => chars.get(index).copied(),
        }
    }

    /// Number of code points.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Chars::One(chars) => chars.len(),
            Chars::Two(chars) => chars.len(),
            Chars::Four(chars) => chars.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes a character.
    pub fn width(&self) -> usize {
        match self {
            Chars::One(_) => 1,
            Chars::Two(_) => 2,
            Chars::Four(_) => 4,
        }
    }

    /// A part, clamped to what there is.
    pub fn slice(&self, start: usize, end: usize) -> Chars<'a> {
        let end = end.min(self.len());
        let start = start.min(end);
        match self {
            Chars::One(chars) => Chars::One(&chars[start..end]),
            Chars::Two(chars) => Chars::Two(&chars[start..end]),
            Chars::Four(chars) => Chars::Four(&chars[start..end]),
        }
    }

    /// The code points in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + 'a {
        (0..self.len()).map(move |index| self.get(index).unwrap_or_default())
    }
}

impl Str {
    /// The characters.
    #[inline(always)]
    pub fn chars(&self) -> Chars<'_> {
        let data = (self as *const Str).wrapping_add(1) as *const u8;
        // SAFETY: `len` characters of `width` bytes follow the body; the body's size keeps them aligned.
        unsafe {
            match self.width {
                1 => Chars::One(std::slice::from_raw_parts(data, self.len)),
                2 => Chars::Two(std::slice::from_raw_parts(data as *const u16, self.len)),
                _ => Chars::Four(std::slice::from_raw_parts(data as *const u32, self.len)),
            }
        }
    }

    /// The storage as bytes, in native order.
    #[inline]
    pub fn storage(&self) -> &[u8] {
        let data = (self as *const Str).wrapping_add(1) as *const u8;
        // SAFETY: as for chars.
        unsafe { std::slice::from_raw_parts(data, self.len * self.width as usize) }
    }

    /// Number of characters.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes a character.
    pub fn width(&self) -> usize {
        self.width.into()
    }

    /// Whether all characters are below U+0080.
    #[inline]
    pub fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// The text, when it is ASCII.
    #[inline]
    pub fn as_ascii(&self) -> Option<&str> {
        std::str::from_utf8(self.ascii_bytes()?).ok()
    }

    /// The bytes of the text, when it is ASCII.
    #[inline]
    pub fn ascii_bytes(&self) -> Option<&[u8]> {
        self.ascii.then(|| self.storage())
    }

    /// The text; `None` when there is a lone surrogate.
    pub fn to_utf8(&self) -> Option<String> {
        match self.as_ascii() {
            Some(text) => Some(text.to_owned()),
            None => self.chars().iter().map(char::from_u32).collect(),
        }
    }

    /// The text, lone surrogates replaced by U+FFFD.
    pub fn to_string_lossy(&self) -> String {
        match self.as_ascii() {
            Some(text) => text.to_owned(),
            None => self.chars().iter().map(|c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
        }
    }

    /// The hash, computed once.
    #[inline]
    pub fn hash(&self) -> i64 {
        let hash = self.hash.get();
        if hash != -1 {
            return hash;
        }
        let hash = hash_bytes(self.storage());
        self.hash.set(hash);
        hash
    }

    /// Equality of text.
    #[inline]
    pub fn equals(&self, other: &Str) -> bool {
        self.len == other.len && self.width == other.width && self.storage() == other.storage()
    }

    /// Equality with Rust text.
    pub fn equals_str(&self, text: &str) -> bool {
        match self.ascii_bytes() {
            Some(ascii) => ascii == text.as_bytes(),
            None => self.chars().iter().eq(text.chars().map(u32::from)),
        }
    }

    /// Order by code points.
    pub fn compare(&self, other: &Str) -> Ordering {
        match (self.chars(), other.chars()) {
            (Chars::One(a), Chars::One(b)) => a.cmp(b),
            (a, b) => a.iter().cmp(b.iter()),
        }
    }

    /// Whether the value is the one interned object with its text.
    pub fn is_interned(&self) -> bool {
        self.interned.get()
    }

    /// A str of the exact type.
    pub fn new_value(text: &str) -> Value {
        if text.is_ascii() { Str::from_latin1(text.as_bytes()) } else { text.chars().collect::<StrBuilder>().finish() }
    }

    /// A str of characters below U+0100.
    pub fn from_latin1(bytes: &[u8]) -> Value {
        match bytes {
            [] => latin1_cached(256),
            [byte] => latin1_cached(*byte as usize),
            _ => allocate(&super::STR, bytes.len(), 1, bytes.is_ascii(), |data| data.copy_from_slice(bytes)),
        }
    }

    /// A str of one character. `code` may be a surrogate.
    pub fn from_code(code: u32) -> Value {
        if code < 256 { latin1_cached(code as usize) } else { Str::from_codes(&[code]) }
    }

    /// A str of code points, surrogates included.
    pub fn from_codes(codes: &[u32]) -> Value {
        let mut builder = StrBuilder::new();
        for &code in codes {
            builder.push(code);
        }
        builder.finish()
    }

    /// A str of part of another's characters, in the least width.
    pub fn from_chars(chars: Chars) -> Value {
        match chars {
            Chars::One(bytes) => Str::from_latin1(bytes),
            Chars::Two(units) => {
                let max = units.iter().copied().max().unwrap_or(0);
                if max < 256 {
                    let bytes: Vec<u8> = units.iter().map(|&unit| unit as u8).collect();
                    return Str::from_latin1(&bytes);
                }
                allocate(&super::STR, units.len(), 2, false, |data| write_units(data, units))
            }
            Chars::Four(codes) => {
                if codes.iter().all(|&code| code < 0x10000) {
                    return Str::from_codes(codes);
                }
                allocate(&super::STR, codes.len(), 4, false, |data| write_codes(data, codes))
            }
        }
    }

    /// The same text as an instance of a subclass of str.
    pub fn instance_of(ty: &TypeObject, text: &Str) -> Value {
        allocate(ty, text.len, text.width, text.ascii, |data| data.copy_from_slice(text.storage()))
    }

    /// The same text as a new object of the exact type.
    pub fn copy(text: &Str) -> Value {
        match text.chars() {
            Chars::One(bytes) => Str::from_latin1(bytes),
            _ => allocate(&super::STR, text.len, text.width, text.ascii, |data| data.copy_from_slice(text.storage())),
        }
    }

    /// A str put together from pieces: `len` characters in all, `width` the width of the widest piece, `ascii` whether
    /// all are ASCII.
    ///
    /// # Errors
    /// `MemoryError` when the machine has not that much.
    pub(crate) fn assemble<'a>(
        len: usize,
        width: usize,
        ascii: bool,
        pieces: impl Iterator<Item = Chars<'a>>,
    ) -> PyResult<Value> {
        let Some(bytes) = len.checked_mul(width) else { return Err(no_memory()) };
        check_memory(bytes)?;
        if len <= 1 && width == 1 {
            let mut builder = StrBuilder::new();
            pieces.for_each(|piece| builder.push_chars(piece));
            return Ok(builder.finish());
        }
        Ok(allocate(&super::STR, len, width as u8, ascii, |mut data| {
            // Internal iteration: chains and flattened iterators are faster so.
            pieces.for_each(|piece| {
                let size = (piece.len() * width).min(data.len());
                let (place, rest) = std::mem::take(&mut data).split_at_mut(size);
                write_chars(place, width, piece);
                data = rest;
            });
        }))
    }

    /// The text `count` times.
    ///
    /// # Errors
    /// `OverflowError` or `MemoryError` when that is too long.
    pub(crate) fn repeat(&self, count: usize) -> PyResult<Value> {
        let Some(len) = self.len.checked_mul(count).filter(|&len| isize::try_from(len).is_ok()) else {
            return Err(overflow_error("repeated string is too long"));
        };
        if let (Chars::One([byte]), true) = (self.chars(), len > 1) {
            check_memory(len)?;
            return Ok(allocate(&super::STR, len, 1, self.ascii, |data| data.fill(*byte)));
        }
        Str::assemble(len, self.width.into(), self.ascii, std::iter::repeat_n(self.chars(), count))
    }

    /// The two texts joined.
    pub fn concat(&self, other: &Str) -> Value {
        let width = self.width.max(other.width);
        if self.width == other.width {
            let (a, b) = (self.storage(), other.storage());
            return allocate(&super::STR, self.len + other.len, width, self.ascii && other.ascii, |data| {
                data[..a.len()].copy_from_slice(a);
                data[a.len()..].copy_from_slice(b);
            });
        }
        let mut builder = StrBuilder::new();
        builder.push_chars(self.chars());
        builder.push_chars(other.chars());
        builder.finish()
    }
}

impl Str {
    /// Appends to a str that nobody else refers to, in place where the allocator can. Gives `value` back when it is
    /// shared, interned, of a subclass, or too narrow for `tail`.
    pub(crate) fn append(value: Value, tail: &Str) -> Result<Value, Value> {
        let fits = value.exact::<Str>().is_some_and(|text| {
            text.header.count() == 1
                && !text.interned.get()
                && text.width >= tail.width
                && !text.is_empty()
                && check_memory(text.len.saturating_add(tail.len).saturating_mul(text.width.into())).is_ok()
        });
        if !fits {
            return Err(value);
        }
        let header = value.into_bits() as *mut Header;
        let old = object_size(unsafe { &*header });
        // SAFETY: the only reference to an exact str is held here: the object may move. The characters behind the old
        // ones are written before the length is set. `tail` is another object, for this one has one reference.
        unsafe {
            let width = (*(header as *const Str)).width as usize;
            let header = grow_raw(header, old, old + tail.len * width);
            let text = header as *mut Str;
            let place = (header as *mut u8).add(old);
            match (width, tail.chars()) {
                (1, _) => std::ptr::copy_nonoverlapping(tail.storage().as_ptr(), place, tail.len),
                (2, chars) => {
                    for (index, code) in chars.iter().enumerate() {
                        (place as *mut u16).add(index).write(code as u16);
                    }
                }
                (_, chars) => {
                    for (index, code) in chars.iter().enumerate() {
                        (place as *mut u32).add(index).write(code);
                    }
                }
            }
            (*text).len += tail.len;
            (*text).ascii &= tail.ascii;
            (*text).hash.set(-1);
            Ok(Value::from_header(header))
        }
    }
}

impl Drop for Str {
    fn drop(&mut self) {
        if self.interned.get() {
            forget_interned(self);
        }
    }
}

/// Writes characters in a width that holds them.
fn write_chars(data: &mut [u8], width: usize, chars: Chars) {
    match (width, chars) {
        (1, Chars::One(bytes)) => data.copy_from_slice(bytes),
        (2, Chars::One(bytes)) => {
            for (to, byte) in data.chunks_exact_mut(2).zip(bytes) {
                to.copy_from_slice(&u16::from(*byte).to_ne_bytes());
            }
        }
        (2, Chars::Two(units)) => write_units(data, units),
        (_, Chars::Four(codes)) => write_codes(data, codes),
        (_, chars) => {
            for (to, code) in data.chunks_exact_mut(4).zip(chars.iter()) {
                to.copy_from_slice(&code.to_ne_bytes());
            }
        }
    }
}

fn write_units(data: &mut [u8], units: &[u16]) {
    for (to, unit) in data.chunks_exact_mut(2).zip(units) {
        to.copy_from_slice(&unit.to_ne_bytes());
    }
}

fn write_codes(data: &mut [u8], codes: &[u32]) {
    for (to, code) in data.chunks_exact_mut(4).zip(codes) {
        to.copy_from_slice(&code.to_ne_bytes());
    }
}

/// An exact str, for [`allocate`].
#[inline]
fn allocate_exact(len: usize, width: u8, ascii: bool, fill: impl FnOnce(&mut [u8])) -> Value {
    let bytes = len * width as usize;
    let body =
        Str { header: Header::new(&super::STR), hash: Cell::new(-1), len, width, ascii, interned: Cell::new(false) };
    // SAFETY: the size is what object_size() says, rounded as the layout of objects is; `fill` gets zeroed bytes.
    unsafe {
        let header = allocate_raw((size_of::<Str>() + bytes).next_multiple_of(8), false);
        let object = header as *mut Str;
        object.write(body);
        let data = object.add(1) as *mut u8;
        data.write_bytes(0, bytes);
        fill(std::slice::from_raw_parts_mut(data, bytes));
        Value::from_header(header)
    }
}

#[inline]
fn allocate(ty: &TypeObject, len: usize, width: u8, ascii: bool, fill: impl FnOnce(&mut [u8])) -> Value {
    if std::ptr::eq(ty, &super::STR) {
        return allocate_exact(len, width, ascii, fill);
    }
    let body = Str { header: Header::new(ty), hash: Cell::new(-1), len, width, ascii, interned: Cell::new(false) };
    let bytes = len * width as usize;
    // SAFETY: the characters are written by `fill`; object_size() says the same size.
    unsafe {
        new_variable(ty, body, std::mem::size_of::<Str>() + bytes, |object: *mut Str| {
            let data = object.add(1) as *mut u8;
            data.write_bytes(0, bytes);
            fill(std::slice::from_raw_parts_mut(data, bytes));
        })
    }
}

/// Bytes of a str object, header included.
pub(super) fn object_size(header: &Header) -> usize {
    // SAFETY: called for str objects only.
    let text = unsafe { &*(header as *const Header as *const Str) };
    std::mem::size_of::<Str>() + text.len * text.width as usize
}

/// The empty string (256) or a character below U+0100, one object each.
fn latin1_cached(index: usize) -> Value {
    static CACHE: GilCell<[OnceCell<Value>; 257]> = GilCell::new([const { OnceCell::new() }; 257]);
    CACHE.get()[index]
        .get_or_init(|| {
            let byte = [index as u8];
            let bytes: &[u8] = if index < 256 { &byte } else { &[] };
            allocate(&super::STR, bytes.len(), 1, index < 128 || index == 256, |data| data.copy_from_slice(bytes))
        })
        .clone()
}

/// Builds a str piece by piece, widening as needed.
pub struct StrBuilder {
    buffer: Buffer,
}

enum Buffer {
    One(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl Default for StrBuilder {
    fn default() -> Self {
        StrBuilder::new()
    }
}

impl StrBuilder {
    /// Empty.
    pub fn new() -> StrBuilder {
        StrBuilder { buffer: Buffer::One(Vec::new()) }
    }

    /// Empty, with room for `capacity` characters.
    pub fn with_capacity(capacity: usize) -> StrBuilder {
        StrBuilder { buffer: Buffer::One(Vec::with_capacity(capacity)) }
    }

    /// Empty, with room for `len` characters of the kinds in `first` and `second`.
    ///
    /// # Errors
    /// `MemoryError` when the machine has not that much.
    pub(crate) fn for_text(len: usize, first: Chars, second: Chars) -> PyResult<StrBuilder> {
        let width = first.width().max(second.width());
        check_memory(len.saturating_mul(width))?;
        Ok(StrBuilder {
            buffer: match width {
                1 => Buffer::One(Vec::with_capacity(len)),
                2 => Buffer::Two(Vec::with_capacity(len)),
                _ => Buffer::Four(Vec::with_capacity(len)),
            },
        })
    }

    /// Characters so far.
    pub fn len(&self) -> usize {
        match &self.buffer {
            Buffer::One(buffer) => buffer.len(),
            Buffer::Two(buffer) => buffer.len(),
            Buffer::Four(buffer) => buffer.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn widen(&mut self, code: u32) {
        let codes = |buffer: &mut Buffer| -> Vec<u32> {
            match buffer {
                Buffer::One(buffer) => buffer.iter().map(|&c| c.into()).collect(),
                Buffer::Two(buffer) => buffer.iter().map(|&c| c.into()).collect(),
                Buffer::Four(buffer) => std::mem::take(buffer),
            }
        };
        self.buffer = match &mut self.buffer {
            Buffer::One(buffer) if code < 0x10000 => Buffer::Two(buffer.iter().map(|&c| c.into()).collect()),
            buffer => Buffer::Four(codes(buffer)),
        };
    }

    /// Appends a code point, which may be a surrogate.
    #[inline]
    pub fn push(&mut self, code: u32) {
        match &mut self.buffer {
            Buffer::One(buffer) if code < 0x100 => buffer.push(code as u8),
            Buffer::Two(buffer) if code < 0x10000 => buffer.push(code as u16),
            Buffer::Four(buffer) => buffer.push(code),
            _ => {
                self.widen(code);
                self.push(code);
            }
        }
    }

    /// Makes room for `count` more characters.
    ///
    /// # Errors
    /// `MemoryError` when the machine has not that much.
    pub(crate) fn try_reserve(&mut self, count: usize) -> PyResult<()> {
        match &mut self.buffer {
            Buffer::One(buffer) => buffer.try_reserve(count),
            Buffer::Two(buffer) => buffer.try_reserve(count),
            Buffer::Four(buffer) => buffer.try_reserve(count),
        }
        .map_err(|_| no_memory())
    }

    /// Appends Rust text.
    pub fn push_str(&mut self, text: &str) {
        if text.is_ascii() {
            self.push_chars(Chars::One(text.as_bytes()));
        } else {
            for c in text.chars() {
                self.push(c.into());
            }
        }
    }

    /// Appends characters of a str.
    pub fn push_chars(&mut self, chars: Chars) {
        match (&mut self.buffer, chars) {
            (Buffer::One(buffer), Chars::One(chars)) => buffer.extend_from_slice(chars),
            (Buffer::Two(buffer), Chars::One(chars)) => buffer.extend(chars.iter().map(|&c| u16::from(c))),
            (Buffer::Two(buffer), Chars::Two(chars)) => buffer.extend_from_slice(chars),
            (Buffer::Four(buffer), chars) => buffer.extend(chars.iter()),
            (_, chars) => {
                for code in chars.iter() {
                    self.push(code);
                }
            }
        }
    }

    /// Appends a str.
    pub fn push_value(&mut self, text: &Str) {
        self.push_chars(text.chars());
    }

    /// Appends the same code point `count` times.
    pub fn push_repeated(&mut self, code: u32, count: usize) {
        match &mut self.buffer {
            Buffer::One(buffer) if code < 0x100 => buffer.resize(buffer.len().saturating_add(count), code as u8),
            _ => (0..count).for_each(|_| self.push(code)),
        }
    }

    /// The str.
    pub fn finish(self) -> Value {
        match self.buffer {
            Buffer::One(buffer) => Str::from_latin1(&buffer),
            Buffer::Two(buffer) => Str::from_chars(Chars::Two(&buffer)),
            Buffer::Four(buffer) => {
                let max = buffer.iter().copied().max().unwrap_or(0);
                if max < 0x100 {
                    let bytes: Vec<u8> = buffer.iter().map(|&c| c as u8).collect();
                    Str::from_latin1(&bytes)
                } else if max < 0x10000 {
                    allocate(&super::STR, buffer.len(), 2, false, |data| {
                        let units: Vec<u16> = buffer.iter().map(|&c| c as u16).collect();
                        write_units(data, &units);
                    })
                } else {
                    allocate(&super::STR, buffer.len(), 4, false, |data| write_codes(data, &buffer))
                }
            }
        }
    }
}

impl FromIterator<char> for StrBuilder {
    fn from_iter<I: IntoIterator<Item = char>>(chars: I) -> StrBuilder {
        let mut builder = StrBuilder::new();
        for c in chars {
            builder.push(c.into());
        }
        builder
    }
}

impl FromIterator<u32> for StrBuilder {
    fn from_iter<I: IntoIterator<Item = u32>>(codes: I) -> StrBuilder {
        let mut builder = StrBuilder::new();
        for code in codes {
            builder.push(code);
        }
        builder
    }
}

/// The interned strs, as words that do not count as references.
static INTERNED: GilCell<RefCell<HashTable<u64>>> = GilCell::new(RefCell::new(HashTable::new()));

/// Calls `look` with the body of an interned str.
fn with_interned<R>(bits: u64, look: impl FnOnce(&Str) -> R) -> R {
    // SAFETY: a word in the table stands for a live exact str; forget_interned takes it out when the str dies.
    look(unsafe { &*(bits as *const Str) })
}

fn find_interned(hash: i64, same: impl Fn(&Str) -> bool) -> Option<Value> {
    let table = INTERNED.get().borrow();
    let bits = *table.find(hash as u64, |&bits| with_interned(bits, |known| known.hash() == hash && same(known)))?;
    // SAFETY: as for with_interned; the word itself is not dropped.
    let known = std::mem::ManuallyDrop::new(unsafe { Value::from_bits(bits) });
    Some((*known).clone())
}

fn add_interned(value: &Value, text: &Str) {
    text.interned.set(true);
    let hash_of = |&bits: &u64| with_interned(bits, Str::hash) as u64;
    INTERNED.get().borrow_mut().insert_unique(text.hash() as u64, value.bits(), hash_of);
}

fn forget_interned(text: &Str) {
    let bits = text as *const Str as u64;
    if let Ok(entry) = INTERNED.get().borrow_mut().find_entry(text.hash() as u64, |&known| known == bits) {
        entry.remove();
    }
}

/// The one interned str with this text.
pub fn intern(text: &str) -> Value {
    if text.is_ascii() {
        return intern_latin1(text.as_bytes());
    }
    let value = Str::new_value(text);
    match value.exact::<Str>() {
        Some(body) => intern_value(&value, body),
        None => value,
    }
}

/// The one interned str of these characters below U+0100.
pub fn intern_latin1(text: &[u8]) -> Value {
    let hash = hash_bytes(text);
    if let Some(known) = find_interned(hash, |known| known.width == 1 && known.storage() == text) {
        return known;
    }
    let value = Str::from_latin1(text);
    if let Some(body) = value.exact::<Str>()
        && !body.is_interned()
    {
        body.hash.set(hash);
        add_interned(&value, body);
    }
    value
}

/// The one interned str with the text of `value`, whose body is `text`; a new one when `value` is of a subclass.
#[inline]
pub fn intern_value(value: &Value, text: &Str) -> Value {
    if text.interned.get() {
        return value.clone();
    }
    if let Some(known) = find_interned(text.hash(), |known| known.equals(text)) {
        return known;
    }
    if value.is_exact::<Str>() {
        add_interned(value, text);
        return value.clone();
    }
    let copy = Str::from_chars(text.chars());
    if let Some(body) = copy.exact::<Str>()
        && !body.is_interned()
    {
        add_interned(&copy, body);
    }
    copy
}

/// An interned name made once, for [`name!`](crate::name).
pub struct Name(GilCell<OnceCell<Value>>, &'static str);

impl Name {
    /// The name, not interned yet.
    pub const fn new(text: &'static str) -> Name {
        Name(GilCell::new(OnceCell::new()), text)
    }

    /// The interned str.
    #[inline]
    pub fn get(&'static self) -> &'static Value {
        self.0.get().get_or_init(|| intern(self.1))
    }
}

/// The interned str of a literal, as `&'static Value`.
#[macro_export]
macro_rules! name {
    ($text:literal) => {{
        static NAME: $crate::types::str::Name = $crate::types::str::Name::new($text);
        NAME.get()
    }};
}

/// Flags of the str type.
pub(super) const FLAGS: TypeFlags = TypeFlags::BASE.and(TypeFlags::STR).and(TypeFlags::SIMPLE_DROP);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::runtime;

    /// `left + right` as the loop does it.
    fn concat(left: Value, right: &Str) -> Value {
        Str::append(left, right).unwrap_or_else(|left| left.exact::<Str>().expect("a str").concat(right))
    }

    #[test]
    fn owned_texts_grow_in_place_and_shared_ones_do_not() {
        runtime::with(|| {
            let pieces = ["a", "", "bc", "\u{e9}", "\u{1234}x", "z", "\u{12345}", "q\u{ff}", "end"];
            let mut grown = Str::new_value("start");
            let mut expected = "start".to_owned();
            for _ in 0..50 {
                for piece in pieces {
                    let piece_value = Str::new_value(piece);
                    let tail = piece_value.exact::<Str>().expect("a str");
                    let shared = grown.clone();
                    let shared = Str::append(shared, tail).expect_err("two references");
                    assert!(shared.exact::<Str>().is_some_and(|text| text.equals_str(&expected)));
                    drop(shared);
                    grown = concat(grown, tail);
                    expected.push_str(piece);
                    let text = grown.exact::<Str>().expect("a str");
                    let fresh = Str::new_value(&expected);
                    let fresh = fresh.exact::<Str>().expect("a str");
                    assert!(text.equals(fresh) && text.hash() == fresh.hash());
                    assert_eq!((text.width(), text.is_ascii()), (fresh.width(), fresh.is_ascii()));
                }
            }
            let tail = Str::new_value("!");
            let tail = tail.exact::<Str>().expect("a str");
            assert!(Str::append(intern("a name that is interned"), tail).is_err());
            assert!(Str::append(Str::new_value(""), tail).is_err());
        });
    }
}
