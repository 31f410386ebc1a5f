//! Streams of the zlib library behind safe functions: all unsafe code of the module.

use libz_rs_sys as z;
use std::ffi::CStr;

/// What a stream does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Compress,
    Decompress,
}

/// A stream that was set up and is ended when dropped.
pub(super) struct Stream {
    /// The library keeps the address.
    raw: Box<z::z_stream>,
    kind: Kind,
}

/// What a step has done.
pub(super) struct Step {
    /// The library's answer.
    pub code: i32,
    /// Bytes of the input that were taken.
    pub taken: usize,
    /// Whether there is room left for output: everything that could be written was.
    pub has_room: bool,
}

const VERSION: &CStr = c"1.3.1";
const SIZE: i32 = size_of::<z::z_stream>() as i32;

impl Stream {
    /// Sets up a compressor.
    ///
    /// # Errors
    /// The library's code.
    pub fn compressor(level: i32, method: i32, bits: i32, memory: i32, strategy: i32) -> Result<Stream, i32> {
        let mut raw = Box::<z::z_stream>::default();
        // SAFETY: the stream is as new and stays where it is; the version is the library's, with a zero byte at its end.
        let code =
            unsafe { z::deflateInit2_(&mut *raw, level, method, bits, memory, strategy, VERSION.as_ptr(), SIZE) };
        if code == z::Z_OK { Ok(Stream { raw, kind: Kind::Compress }) } else { Err(code) }
    }

    /// Sets up a decompressor.
    ///
    /// # Errors
    /// The library's code.
    pub fn decompressor(bits: i32) -> Result<Stream, i32> {
        // The library says on the standard error stream what it thinks of others.
        let valid = match bits {
            ..0 => (-15..=-8).contains(&bits),
            0..48 => matches!(bits & 15, 0 | 8..),
            _ => false,
        };
        if !valid {
            return Err(z::Z_STREAM_ERROR);
        }
        let mut raw = Box::<z::z_stream>::default();
        // SAFETY: as for compressor.
        let code = unsafe { z::inflateInit2_(&mut *raw, bits, VERSION.as_ptr(), SIZE) };
        if code == z::Z_OK { Ok(Stream { raw, kind: Kind::Decompress }) } else { Err(code) }
    }

    /// Sets the dictionary; the library's code.
    pub fn set_dictionary(&mut self, dictionary: &[u8]) -> i32 {
        let Ok(len) = u32::try_from(dictionary.len()) else { return z::Z_STREAM_ERROR };
        // SAFETY: the stream is set up; the library reads `len` bytes of the slice and keeps no pointer to them.
        unsafe {
            match self.kind {
                Kind::Compress => z::deflateSetDictionary(&mut *self.raw, dictionary.as_ptr(), len),
                Kind::Decompress => z::inflateSetDictionary(&mut *self.raw, dictionary.as_ptr(), len),
            }
        }
    }

    /// Another stream in the same state.
    ///
    /// # Errors
    /// The library's code.
    pub fn copy(&mut self) -> Result<Stream, i32> {
        let mut raw = Box::<z::z_stream>::default();
        // SAFETY: the source is set up; the copy is as new and stays where it is.
        let code = unsafe {
            match self.kind {
                Kind::Compress => z::deflateCopy(&mut *raw, &mut *self.raw),
                Kind::Decompress => z::inflateCopy(&mut *raw, &*self.raw),
            }
        };
        if code == z::Z_OK { Ok(Stream { raw, kind: self.kind }) } else { Err(code) }
    }

    /// Takes input and appends at most `room` bytes of output.
    pub fn step(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize, flush: i32) -> Step {
        let input_len = u32::try_from(input.len()).unwrap_or(u32::MAX);
        // More input follows: nothing is finished yet.
        let flush = if (input_len as usize) < input.len() { z::Z_NO_FLUSH } else { flush };
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        let start = out.len();
        // The library may read what it has written; so what it writes to has to be memory that was written before.
        out.resize(start + room as usize, 0);
        let target = out.get_mut(start..).unwrap_or_default();
        self.raw.next_in = input.as_ptr();
        self.raw.avail_in = input_len;
        self.raw.next_out = target.as_mut_ptr();
        self.raw.avail_out = target.len() as u32;
        // SAFETY: the stream is set up; input and output are slices of the lengths said, alive while the call runs, and
        // the library does not use the pointers outside of such calls.
        let code = unsafe {
            match self.kind {
                Kind::Compress => z::deflate(&mut *self.raw, flush),
                Kind::Decompress => z::inflate(&mut *self.raw, flush),
            }
        };
        let left = self.raw.avail_out as usize;
        out.truncate(start + room as usize - left);
        Step { code, taken: (input_len - self.raw.avail_in) as usize, has_room: left > 0 }
    }

    /// What the library says of its last error.
    pub fn message(&self) -> Option<String> {
        if self.raw.msg.is_null() {
            return None;
        }
        // SAFETY: messages of the library are constants with a zero byte at their end.
        let message = unsafe { CStr::from_ptr(self.raw.msg) };
        Some(message.to_string_lossy().into_owned())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the stream is set up and not used again.
        unsafe {
            match self.kind {
                Kind::Compress => z::deflateEnd(&mut *self.raw),
                Kind::Decompress => z::inflateEnd(&mut *self.raw),
            };
        }
    }
}

/// Goes on with an Adler-32 checksum.
pub(super) fn adler32(start: u32, bytes: &[u8]) -> u32 {
    // Sums that are too large are brought into range even by no bytes.
    let start = (((start >> 16) % 65521) << 16) | ((start & 0xffff) % 65521);
    // SAFETY: the library reads as many bytes as the slice has.
    unsafe { z::adler32_z(start.into(), bytes.as_ptr(), bytes.len()) as u32 }
}
