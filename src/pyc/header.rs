//! The first 16 bytes of a `.pyc` file: magic number, flags, and what the file was compiled from.
//!
//! Also knows which CPython writes which magic number, to say where a foreign file comes from.

use nom::IResult;
use nom::bytes::complete::take;
use nom::number::complete::{le_u16, le_u32};
use std::fmt;

/// The magic number of the files that 3.8's releases write.
pub const MAGIC: u16 = 3413;

/// The magic number as a file begins with it.
pub const MAGIC_BYTES: [u8; 4] = *b"U\r\r\n";

/// The length of the header.
pub const LEN: usize = 16;

/// The header of a `.pyc` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The flags word: 0, 1 or 3; also 2, which nobody writes and which reads as 0.
    pub flags: u32,
    /// What the file says of its source, for importlib to see whether it is up to date.
    pub validation: Validation,
}

/// How importlib decides whether a `.pyc` file fits its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// By the source's modification time and size (flags 0).
    Timestamp {
        /// Seconds since 1970, modulo 2**32.
        mtime: u32,
        /// Bytes, modulo 2**32.
        size: u32,
    },
    /// By a hash of the source (PEP 552).
    Hash {
        /// SipHash-2-4 of the source, as `importlib.util.source_hash` gives it.
        hash: [u8; 8],
        /// Whether importlib compares it (flags 3) or takes the file as it is (flags 1).
        check_source: bool,
    },
}

/// What is wrong with a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The file has no bytes.
    Empty,
    /// The file looks like text. Holds its first line, cut.
    Text(String),
    /// A magic number, but not 3.8's. Holds it, and who writes it.
    Foreign(u16, Writer),
    /// Neither a magic number nor text. Holds the first bytes.
    NotPyc(Vec<u8>),
    /// The file ends inside the header. Holds its length.
    Truncated(usize),
    /// Bits set in the flags word that have no meaning. Holds the word.
    InvalidFlags(u32),
}

/// Who writes a magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// This version of CPython, such as `3.11`.
    Python(&'static str),
    /// A development version on the way to this version of CPython, such as `3.8`; its bytecode differs.
    Prerelease(&'static str),
    /// None that is known.
    Unknown,
}

impl Header {
    /// Reads the header of a `.pyc` file.
    ///
    /// # Errors
    /// If the file is not one that CPython 3.8 writes. What importlib's `_classify_pyc` refuses has its text.
    pub fn read(file: &[u8]) -> Result<Header, Error> {
        check_magic(file)?;
        let (_, (flags, first, second)) = words(file).map_err(|_| Error::Truncated(file.len()))?;
        if flags & !0b11 != 0 {
            return Err(Error::InvalidFlags(flags));
        }
        // As importlib's get_code: bit 1 counts only where bit 0 is set.
        let validation = if flags & 0b1 == 0 {
            Validation::Timestamp { mtime: first, size: second }
        } else {
            let hash = (u64::from(second) << 32 | u64::from(first)).to_le_bytes();
            Validation::Hash { hash, check_source: flags & 0b10 != 0 }
        };
        Ok(Header { flags, validation })
    }

    /// The header's bytes.
    pub fn to_bytes(self) -> [u8; LEN] {
        let tail = match self.validation {
            Validation::Timestamp { mtime, size } => u64::from(size) << 32 | u64::from(mtime),
            Validation::Hash { hash, .. } => u64::from_le_bytes(hash),
        };
        let head = u64::from(self.flags) << 32 | u64::from(u32::from_le_bytes(MAGIC_BYTES));
        (u128::from(tail) << 64 | u128::from(head)).to_le_bytes()
    }
}

/// The three words after the magic number.
fn words(file: &[u8]) -> IResult<&[u8], (u32, u32, u32), ()> {
    let (rest, _) = take(4usize)(file)?;
    let (rest, flags) = le_u32(rest)?;
    let (rest, first) = le_u32(rest)?;
    let (rest, second) = le_u32(rest)?;
    Ok((rest, (flags, first, second)))
}

/// A magic number and the carriage return and line feed that follow it.
fn magic(file: &[u8]) -> IResult<&[u8], (u16, &[u8]), ()> {
    let (rest, number) = le_u16(file)?;
    let (rest, line_end) = take(2usize)(rest)?;
    Ok((rest, (number, line_end)))
}

fn check_magic(file: &[u8]) -> Result<(), Error> {
    if file.is_empty() {
        return Err(Error::Empty);
    }
    let found = magic(file).ok().map(|(_, found)| found);
    match found {
        Some((MAGIC, b"\r\n")) => return Ok(()),
        Some((number, b"\r\n")) if writer(number) != Writer::Unknown => {
            return Err(Error::Foreign(number, writer(number)));
        }
        _ => {}
    }
    if file.len() < 4 && MAGIC_BYTES.starts_with(file) {
        return Err(Error::Truncated(file.len()));
    }
    let beginning = file.get(..file.len().min(256)).unwrap_or_default();
    if let Some(line) = text_line(beginning) {
        return Err(Error::Text(line));
    }
    if let Some((number, b"\r\n")) = found {
        return Err(Error::Foreign(number, Writer::Unknown));
    }
    Err(Error::NotPyc(beginning.get(..4).unwrap_or(beginning).to_vec()))
}

/// The first line, cut to 40 characters, of what looks like text: UTF-8 without control characters.
fn text_line(beginning: &[u8]) -> Option<String> {
    let text = match str::from_utf8(beginning) {
        Ok(text) => text,
        // The cut may have gone through a character.
        Err(error) if error.error_len().is_none() => str::from_utf8(beginning.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    let is_text =
        !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c'));
    is_text.then(|| text.lines().next().unwrap_or_default().chars().take(40).collect())
}

/// The magic numbers of each version, by CPython's own list (`Include/internal/pycore_magic_number.h`): the first, the
/// last, and those of them that released versions write. The others are of alphas, betas and candidates.
const MAGIC_NUMBERS: &[(u16, u16, &[u16], &str)] = &[
    (3000, 3131, &[3131], "3.0"),
    (3141, 3151, &[3151], "3.1"),
    (3160, 3180, &[3180], "3.2"),
    (3190, 3230, &[3230], "3.3"),
    (3250, 3310, &[3310], "3.4"),
    (3320, 3351, &[3350, 3351], "3.5"),
    (3360, 3379, &[3379], "3.6"),
    (3390, 3394, &[3394], "3.7"),
    (3400, 3413, &[3413], "3.8"),
    (3420, 3425, &[3425], "3.9"),
    (3430, 3439, &[3439], "3.10"),
    (3450, 3495, &[3495], "3.11"),
    (3500, 3531, &[3531], "3.12"),
    (3550, 3571, &[3571], "3.13"),
    (3600, 3627, &[3627], "3.14"),
    // From here on only the rule is known: 3.n begins with 2900 + 50n.
    (3650, 3699, &[], "3.15"),
    (3700, 3749, &[], "3.16"),
    // Under the option -U, Python 2 writes the number after its own.
    (20121, 20121, &[20121], "1.5"),
    (50428, 50429, &[50428, 50429], "1.6"),
    (50823, 50824, &[50823, 50824], "2.0"),
    (60202, 60203, &[60202, 60203], "2.1"),
    (60717, 60718, &[60717, 60718], "2.2"),
    (62011, 62022, &[62011, 62012], "2.3"),
    (62041, 62062, &[62061, 62062], "2.4"),
    (62071, 62132, &[62131, 62132], "2.5"),
    (62151, 62162, &[62161, 62162], "2.6"),
    (62171, 62212, &[62211, 62212], "2.7"),
];

/// Who writes files with a magic number.
pub fn writer(number: u16) -> Writer {
    match MAGIC_NUMBERS.iter().find(|(first, last, ..)| (*first..=*last).contains(&number)) {
        None => Writer::Unknown,
        Some((_, _, released, version)) if released.is_empty() || released.contains(&number) => Writer::Python(version),
        Some((.., version)) => Writer::Prerelease(version),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Empty => f.write_str("the file is empty"),
            Error::Text(line) => write!(f, "not a .pyc file but text, beginning {line:?}"),
            Error::Foreign(number, Writer::Python(version)) => {
                write!(f, "bad magic number {number}: written by CPython {version}, only 3.8 files can be read")
            }
            Error::Foreign(number, Writer::Prerelease(version)) => {
                write!(f, "bad magic number {number}: written by a pre-release of CPython {version}, ")?;
                f.write_str("only files of 3.8's releases can be read")
            }
            Error::Foreign(number, Writer::Unknown) => {
                write!(f, "bad magic number {number}: no known CPython writes it, only 3.8 files can be read")
            }
            Error::NotPyc(bytes) => write!(f, "not a .pyc file: bad magic number b\"{}\"", bytes.escape_ascii()),
            Error::Truncated(len) => write!(f, "reached EOF while reading pyc header: {len} bytes of {LEN}"),
            Error::InvalidFlags(flags) => write!(f, "invalid flags {flags} in the header"),
        }
    }
}

impl std::error::Error for Error {}
