//! What buffered streams do with their buffer and the raw stream. As the functions of `Modules/_io/bufferedio.c` whose names
//! begin with `_buffered`.

use super::super::base::{is_interrupted, uninitialized};
use super::super::blocking_error;
use super::super::file_io::FileIo;
use super::super::lock::Lock;
use super::{Buffered, file_offset};
use crate::modules::blocking::check_signals;
use crate::name;
use crate::object::buffer::ByteStore;
use crate::object::error::{PyResult, Raised};
use crate::object::value::Value;
use crate::object::value_vec::{ValueCell, no_memory};
use crate::object::{attribute, call, number};
use crate::types::bytearray::Bytearray;
use crate::types::bytes::Bytes;
use crate::types::exceptions::{BLOCKING_IO_ERROR, OS_ERROR, is_instance, raise, type_error, value_error};
use crate::types::memoryview::MEMORY_VIEW;
use std::cell::Cell;

/// What a raw read or write came to: a number of bytes, or nothing because it would have to wait.
pub(super) type Moved = Option<usize>;

impl Buffered {
    pub(super) fn new() -> Buffered {
        Buffered {
            raw: ValueCell::EMPTY,
            ready: Cell::new(false),
            detached: Cell::new(false),
            readable: Cell::new(false),
            writable: Cell::new(false),
            finalizing: Cell::new(false),
            direct: Cell::new(false),
            has_buffer: Cell::new(false),
            buffer: ByteStore::new(Vec::new()),
            size: Cell::new(0),
            raw_offset: Cell::new(-1),
            pos: Cell::new(0),
            raw_pos: Cell::new(0),
            read_end: Cell::new(None),
            write_pos: Cell::new(0),
            write_end: Cell::new(None),
            lock: Lock::default(),
        }
    }

    /// The raw stream of an object that is set up.
    pub(in crate::modules::io) fn raw(&self) -> PyResult<Value> {
        match self.raw.get() {
            Some(raw) if self.ready.get() => Ok(raw),
            _ if self.detached.get() => Err(value_error("raw stream has been detached")),
            _ => Err(uninitialized()),
        }
    }

    /// Whether the raw stream is exactly a FileIO.
    pub(in crate::modules::io) fn is_direct(&self) -> bool {
        self.direct.get()
    }

    /// Whether the stream is closed.
    #[inline]
    pub(in crate::modules::io) fn is_closed(&self) -> PyResult<bool> {
        if self.direct.get() && self.ready.get() {
            return Ok(self.raw.with(|raw| raw.and_then(|raw| raw.exact::<FileIo>()).is_none_or(FileIo::is_closed)));
        }
        let raw = self.raw()?;
        if let Some(file) = raw.exact::<FileIo>() {
            return Ok(file.is_closed());
        }
        number::truth(&attribute::get_interned(&raw, name!("closed"))?)
    }

    #[inline]
    pub(super) fn check_open(&self, operation: &str) -> PyResult<()> {
        if !self.ready.get() {
            self.raw()?;
        }
        if !self.has_buffer.get() || self.is_closed()? {
            return Err(value_error(format!("{operation} of closed file")));
        }
        Ok(())
    }

    pub(super) fn has_read(&self) -> Option<usize> {
        self.read_end.get().filter(|_| self.readable.get())
    }

    pub(super) fn has_written(&self) -> Option<usize> {
        self.write_end.get().filter(|_| self.writable.get())
    }

    pub(super) fn move_to(&self, pos: usize) {
        self.pos.set(pos);
        if let Some(end) = self.has_read()
            && end < pos
        {
            self.read_end.set(Some(pos));
        }
    }

    /// Bytes that were read and not given out yet.
    pub(super) fn ahead(&self) -> usize {
        self.has_read().map_or(0, |end| end.saturating_sub(self.pos.get()))
    }

    /// How far the raw stream is ahead of the program.
    pub(super) fn raw_lead(&self) -> i64 {
        if (self.has_read().is_some() || self.has_written().is_some()) && self.raw_pos.get() >= 0 {
            self.raw_pos.get() as i64 - self.pos.get() as i64
        } else {
            0
        }
    }

    pub(super) fn reset_read(&self) {
        self.read_end.set(None);
    }

    pub(super) fn reset_write(&self) {
        self.write_pos.set(0);
        self.write_end.set(None);
    }

    pub(super) fn advance_raw(&self, moved: usize) {
        if moved > 0 && self.raw_offset.get() != -1 {
            self.raw_offset.set(self.raw_offset.get() + moved as i64);
        }
    }

    pub(super) fn position_from(value: &Value) -> PyResult<i64> {
        let position = file_offset(value)?;
        if position < 0 {
            return Err(raise(&OS_ERROR, format!("Raw stream returned invalid position {position}")));
        }
        Ok(position)
    }

    pub(super) fn raw_tell(&self) -> PyResult<i64> {
        let Some(raw) = self.raw.get() else { return Err(uninitialized()) };
        let position = match raw.exact::<FileIo>() {
            Some(file) => file.seek_to(0, libc::SEEK_CUR)?,
            None => Buffered::position_from(&call::call_method(&raw, name!("tell"), &[])?)?,
        };
        self.raw_offset.set(position);
        Ok(position)
    }

    pub(super) fn raw_seek(&self, target: i64, whence: i32) -> PyResult<i64> {
        let raw = self.raw()?;
        let position = match raw.exact::<FileIo>() {
            Some(file) => file.seek_to(target, whence)?,
            None => {
                let args = [Value::int(target), Value::int(whence.into())];
                Buffered::position_from(&call::call_method(&raw, name!("seek"), &args)?)?
            }
        };
        self.raw_offset.set(position);
        Ok(position)
    }

    /// Reads up to `count` bytes from the raw stream to the end of `out`.
    pub(super) fn raw_read(&self, out: &mut Vec<u8>, count: usize) -> PyResult<Moved> {
        let raw = self.raw()?;
        let moved = match raw.exact::<FileIo>() {
            Some(file) => file.read_to(out, count)?,
            None => read_by_method(&raw, out, count)?,
        };
        if let Some(moved) = moved {
            self.advance_raw(moved);
        }
        Ok(moved)
    }

    /// Reads into the buffer behind what is there.
    pub(super) fn fill(&self) -> PyResult<Moved> {
        let start = self.has_read().unwrap_or(0);
        let mut room = self.buffer.take();
        let size = self.size.get();
        room.truncate(start);
        let moved = self.raw_read(&mut room, size.saturating_sub(start));
        room.resize(size, 0);
        self.buffer.set(room);
        let moved = moved?;
        if let Some(read @ 1..) = moved {
            self.read_end.set(Some(start + read));
            self.raw_pos.set((start + read) as isize);
        }
        Ok(moved)
    }

    /// Writes bytes to the raw stream.
    pub(super) fn raw_write(&self, data: &[u8]) -> PyResult<Moved> {
        let raw = self.raw()?;
        let moved = match raw.exact::<FileIo>() {
            Some(file) => file.write_bytes(data)?,
            None => write_by_method(&raw, data)?,
        };
        if let Some(moved) = moved {
            self.advance_raw(moved);
        }
        Ok(moved)
    }

    /// A copy of part of the buffer.
    pub(super) fn copy(&self, start: usize, len: usize) -> Value {
        self.buffer.with(|buffer| Bytes::new_value(buffer.get(start..start.saturating_add(len)).unwrap_or_default()))
    }

    /// Takes bytes that were read before.
    pub(super) fn take_ahead(&self, len: usize) -> Value {
        let start = self.pos.get();
        self.pos.set(start + len);
        self.copy(start, len)
    }

    pub(super) fn append_ahead(&self, out: &mut Vec<u8>, len: usize) {
        let start = self.pos.get();
        self.pos.set(start + len);
        self.buffer
            .with(|buffer| out.extend_from_slice(buffer.get(start..start.saturating_add(len)).unwrap_or_default()));
    }

    /// Writes out what waits. As `_bufferedwriter_flush_unlocked`.
    pub(super) fn flush_writes(&self) -> PyResult<()> {
        if let Some(end) = self.has_written().filter(|&end| end != self.write_pos.get()) {
            let back = self.raw_lead() + (self.pos.get() as i64 - self.write_pos.get() as i64);
            if back != 0 {
                self.raw_seek(-back, libc::SEEK_CUR)?;
                self.raw_pos.set(self.raw_pos.get() - back as isize);
            }
            while self.write_pos.get() < end {
                let buffer = self.buffer.take();
                let moved = self.raw_write(buffer.get(self.write_pos.get()..end).unwrap_or_default());
                self.buffer.set(buffer);
                let Some(moved) = moved? else {
                    return Err(self.would_block(0));
                };
                self.write_pos.set(self.write_pos.get() + moved);
                self.raw_pos.set(self.write_pos.get() as isize);
                check_signals()?;
            }
        }
        self.reset_write();
        Ok(())
    }

    /// Brings the raw stream to where the program stands.
    pub(super) fn flush_and_rewind(&self) -> PyResult<()> {
        self.flush_writes()?;
        if self.readable.get() {
            let sought = self.raw_seek(-self.raw_lead(), libc::SEEK_CUR);
            self.reset_read();
            sought?;
        }
        Ok(())
    }

    pub(super) fn flush_before_reading(&self) -> PyResult<()> {
        if self.writable.get() { self.flush_and_rewind() } else { Ok(()) }
    }

    /// Appends all that is left; `None` when nothing is there yet. The caller holds the lock.
    pub(super) fn read_all(&self) -> PyResult<Value> {
        let mut all = Vec::new();
        let had = self.ahead();
        if had > 0 {
            self.append_ahead(&mut all, had);
        }
        self.flush_before_reading()?;
        self.reset_read();
        // The raw stream moves without telling.
        self.raw_offset.set(-1);
        let raw = self.raw()?;
        if let Some(file) = raw.exact::<FileIo>() {
            let read = file.read_all_to(&mut all)?;
            return Ok(if had == 0 && read.is_none() { Value::NONE } else { Bytes::new_value(&all) });
        }
        if let Some(readall) = attribute::lookup(&raw, name!("readall"))? {
            let rest = call::call(&readall, &[])?;
            if !rest.is_none() {
                let Some(rest) = rest.downcast::<Bytes>() else {
                    return Err(type_error("readall() should return bytes"));
                };
                all.extend_from_slice(rest.as_slice());
            }
            return Ok(if had == 0 { rest } else { Bytes::new_value(&all) });
        }
        loop {
            let piece = call::call_method(&raw, name!("read"), &[])?;
            let bytes = match piece.downcast::<Bytes>() {
                Some(bytes) => bytes.as_slice(),
                None if piece.is_none() => &[],
                None => return Err(type_error("read() should return bytes")),
            };
            if bytes.is_empty() {
                return Ok(if all.is_empty() { piece } else { Bytes::new_value(&all) });
            }
            all.extend_from_slice(bytes);
        }
    }

    /// Reads `count` bytes or up to the end. The caller holds the lock. As `_bufferedreader_read_generic`.
    pub(super) fn read_count(&self, count: usize) -> PyResult<Value> {
        let ahead = self.ahead();
        if count <= ahead {
            return Ok(self.take_ahead(count));
        }
        let mut out = Vec::new();
        out.try_reserve_exact(count).map_err(|_| no_memory())?;
        if ahead > 0 {
            self.append_ahead(&mut out, ahead);
        }
        self.flush_before_reading()?;
        self.reset_read();
        let ended = |out: &Vec<u8>, moved: Moved| match moved {
            None if out.is_empty() => Value::NONE,
            _ => Bytes::new_value(out),
        };
        // Whole blocks go past the buffer.
        loop {
            let left = count - out.len();
            let blocks = left - left % self.size.get().max(1);
            if blocks == 0 {
                break;
            }
            match self.raw_read(&mut out, blocks)? {
                Some(1..) => {}
                moved => return Ok(ended(&out, moved)),
            }
        }
        self.pos.set(0);
        self.raw_pos.set(0);
        self.read_end.set(Some(0));
        while out.len() < count && self.read_end.get().is_some_and(|end| end < self.size.get()) {
            match self.fill()? {
                Some(read @ 1..) => {
                    let left = count - out.len();
                    self.append_ahead(&mut out, read.min(left));
                }
                moved => return Ok(ended(&out, moved)),
            }
        }
        Ok(Bytes::new_value(&out))
    }

    /// `read1(count)` for the text layer: appends to `out`.
    pub(in crate::modules::io) fn read1_to(&self, this: &Value, out: &mut Vec<u8>, count: usize) -> PyResult<()> {
        self.check_open("read")?;
        let ahead = if self.lock.is_free() { self.ahead() } else { 0 };
        if ahead > 0 {
            self.append_ahead(out, ahead.min(count));
            return Ok(());
        }
        let _held = self.lock.enter(this)?;
        self.reset_read();
        self.raw_read(out, count).map(drop)
    }

    /// `write(data)` for the text layer too. As `_io_BufferedWriter_write_impl`.
    pub(in crate::modules::io) fn write_bytes(&self, this: &Value, data: &[u8]) -> PyResult<usize> {
        self.raw()?;
        let _held = self.lock.enter(this)?;
        if !self.has_buffer.get() || self.is_closed()? {
            return Err(value_error("write to closed file"));
        }
        if self.has_read().is_none() && self.has_written().is_none() {
            self.pos.set(0);
            self.raw_pos.set(0);
        }
        let pos = self.pos.get();
        let size = self.size.get();
        if data.len() <= size.saturating_sub(pos) {
            self.place(pos, data);
            if self.has_written().is_none() || self.write_pos.get() > pos {
                self.write_pos.set(pos);
            }
            self.move_to(pos + data.len());
            if self.write_end.get().is_none_or(|end| end < self.pos.get()) {
                self.write_end.set(Some(self.pos.get()));
            }
            return Ok(data.len());
        }
        if let Err(raised) = self.flush_writes() {
            if !is_instance(&raised, &BLOCKING_IO_ERROR) {
                return Err(raised);
            }
            return self.keep_blocked(data);
        }
        let lead = self.raw_lead();
        if lead != 0 {
            self.raw_seek(-lead, libc::SEEK_CUR)?;
            self.raw_pos.set(self.raw_pos.get() - lead as isize);
        }
        let mut written = 0;
        while data.len() - written > size {
            match self.raw_write(data.get(written..).unwrap_or_default())? {
                Some(moved) => written += moved.min(data.len() - written),
                None => {
                    // As much as there is room for is kept.
                    self.place(0, data.get(written..written + size).unwrap_or_default());
                    self.raw_pos.set(0);
                    self.move_to(size);
                    self.write_end.set(Some(size));
                    return Err(self.would_block(written + size));
                }
            }
            check_signals()?;
        }
        if self.readable.get() {
            self.reset_read();
        }
        let rest = data.get(written..).unwrap_or_default();
        self.place(0, rest);
        self.write_pos.set(0);
        self.write_end.set(Some(rest.len()));
        self.move_to(rest.len());
        self.raw_pos.set(0);
        Ok(data.len())
    }

    /// The error of a write that has to wait. Only calls of the system leave an error number.
    #[cold]
    pub(super) fn would_block(&self, written: usize) -> Raised {
        let errno = if self.direct.get() { libc::EAGAIN } else { 0 };
        blocking_error(errno, "write could not complete without blocking", written)
    }

    pub(super) fn place(&self, at: usize, data: &[u8]) {
        self.buffer.with_mut(|buffer| {
            if let Some(place) = buffer.get_mut(at..at + data.len()) {
                place.copy_from_slice(data);
            }
        });
    }

    /// Keeps what fits when the raw stream takes nothing at present.
    pub(super) fn keep_blocked(&self, data: &[u8]) -> PyResult<usize> {
        if self.readable.get() {
            self.reset_read();
        }
        let start = self.write_pos.get();
        let end = self.write_end.get().unwrap_or(start);
        let room = self.buffer.with_mut(|buffer| {
            let len = buffer.len();
            buffer.copy_within(start..end.min(len), 0);
            buffer.len() - (end - start)
        });
        self.write_pos.set(0);
        self.raw_pos.set(self.raw_pos.get() - start as isize);
        let kept = room.min(data.len());
        self.place(end - start, data.get(..kept).unwrap_or_default());
        self.write_end.set(Some(end - start + kept));
        self.pos.set(self.pos.get().saturating_sub(start) + kept);
        if kept == data.len() {
            return Ok(kept);
        }
        Err(self.would_block(kept))
    }
}

fn invalid_length(method: &str, returned: isize, len: usize) -> Raised {
    raise(
        &OS_ERROR,
        format!("raw {method}() returned invalid length {returned} (should have been between 0 and {len})"),
    )
}

/// The number that a raw stream's method returned.
fn moved_length(result: &Value, method: &str, len: usize) -> PyResult<Moved> {
    if result.is_none() {
        return Ok(None);
    }
    let count = number::index_to_i64(result)?
        .ok_or_else(|| value_error(format!("cannot fit '{}' into an index-sized integer", result.ty().name())))?;
    match usize::try_from(count) {
        Ok(count) if count <= len => Ok(Some(count)),
        _ => Err(invalid_length(method, count as isize, len)),
    }
}

/// Calls a method again while signals interrupt it.
fn call_uninterrupted(object: &Value, name: &Value, args: &[Value]) -> PyResult<Value> {
    loop {
        match call::call_method(object, name, args) {
            Err(raised) if is_interrupted(&raised) => {}
            result => return result,
        }
    }
}

/// `raw.readinto(memory)`.
fn read_by_method(raw: &Value, out: &mut Vec<u8>, count: usize) -> PyResult<Moved> {
    let mut room = Vec::new();
    room.try_reserve_exact(count).map_err(|_| no_memory())?;
    room.resize(count, 0);
    let memory = Bytearray::new_value(room);
    let view = call::call(&MEMORY_VIEW.value(), std::slice::from_ref(&memory))?;
    let result = call_uninterrupted(raw, name!("readinto"), &[view])?;
    // What is no number is an invalid length like any other.
    let moved = match moved_length(&result, "readinto", count) {
        Err(raised) if !is_instance(&raised, &OS_ERROR) => return Err(invalid_length("readinto", -1, count)),
        moved => moved?,
    };
    if let (Some(moved), Some(memory)) = (moved, memory.downcast::<Bytearray>()) {
        memory.with(|bytes| out.extend_from_slice(bytes.get(..moved).unwrap_or_default()));
    }
    Ok(moved)
}

/// `raw.write(memory)`.
fn write_by_method(raw: &Value, data: &[u8]) -> PyResult<Moved> {
    let view = call::call(&MEMORY_VIEW.value(), &[Bytes::new_value(data)])?;
    let result = call_uninterrupted(raw, name!("write"), &[view])?;
    moved_length(&result, "write", data.len())
}
