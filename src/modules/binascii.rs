//! The module `binascii`: bytes as text in base64, hexadecimal, uuencode, quoted-printable and BinHex, and checksums.

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::arguments::Data;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::PyResult;
use crate::object::native::{At, FromArg};
use crate::object::number;
use crate::object::value::Value;
use crate::types::bytes::{self, Bytes};
use crate::types::exceptions::{EXCEPTION, ModuleException, VALUE_ERROR, type_error, value_error};
use crate::types::int;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "binascii",
    doc: "Conversion between binary data and ASCII",
    functions: &[
        method!(a2b_uu, "a2b_uu($module, data, /)", "Decode a line of uuencoded data."),
        method!(b2a_uu, "b2a_uu($module, data, /, *, backtick=False)", "Uuencode line of data."),
        method!(a2b_base64, "a2b_base64($module, data, /)", "Decode a line of base64 data."),
        method!(b2a_base64, "b2a_base64($module, data, /, *, newline=True)", "Base64-code line of data."),
        method!(a2b_hqx, "a2b_hqx($module, data, /)", "Decode .hqx coding."),
        method!(b2a_hqx, "b2a_hqx($module, data, /)", "Encode .hqx data."),
        method!(
            a2b_hex,
            "a2b_hex($module, hexstr, /)",
            "Binary data of hexadecimal representation.\n\nhexstr must contain an even number of hex digits (upper or lower case).\nThis function is also available as \"unhexlify()\"."
        ),
        method!(
            b2a_hex,
            "b2a_hex($module, /, data, sep=<unrepresentable>, bytes_per_sep=1)",
            "Hexadecimal representation of binary data.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.\n\nThe return value is a bytes object.  This function is also\navailable as \"hexlify()\".\n\nExample:\n>>> binascii.b2a_hex(b'\\xb9\\x01\\xef')\nb'b901ef'\n>>> binascii.hexlify(b'\\xb9\\x01\\xef', ':')\nb'b9:01:ef'\n>>> binascii.b2a_hex(b'\\xb9\\x01\\xef', b'_', 2)\nb'b9_01ef'"
        ),
        method!(
            b2a_hex,
            "hexlify($module, /, data, sep=<unrepresentable>, bytes_per_sep=1)",
            "Hexadecimal representation of binary data.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.\n\nThe return value is a bytes object.  This function is also\navailable as \"b2a_hex()\"."
        ),
        method!(
            a2b_hex,
            "unhexlify($module, hexstr, /)",
            "Binary data of hexadecimal representation.\n\nhexstr must contain an even number of hex digits (upper or lower case)."
        ),
        method!(rlecode_hqx, "rlecode_hqx($module, data, /)", "Binhex RLE-code binary data."),
        method!(rledecode_hqx, "rledecode_hqx($module, data, /)", "Decode hexbin RLE-coded string."),
        method!(crc_hqx, "crc_hqx($module, data, crc, /)", "Compute CRC-CCITT incrementally."),
        method!(crc32, "crc32($module, data, crc=0, /)", "Compute CRC-32 incrementally."),
        method!(a2b_qp, "a2b_qp($module, /, data, header=False)", "Decode a string of qp-encoded data."),
        method!(
            b2a_qp,
            "b2a_qp($module, /, data, quotetabs=False, istext=True, header=False)",
            "Encode a string using quoted-printable encoding.\n\nOn encoding, when istext is set, newlines are not encoded, and white\nspace at end of lines is.  When istext is not set, \\r and \\n (CR/LF)\nare both encoded.  When quotetabs is set, space and tabs are encoded."
        ),
    ],
    fill: |dict| {
        dict.set_text("Error", ERROR.class()?);
        dict.set_text("Incomplete", INCOMPLETE.class()?);
        Ok(())
    },
};

static ERROR: ModuleException = ModuleException::new("binascii", "Error", &[&VALUE_ERROR]);
static INCOMPLETE: ModuleException = ModuleException::new("binascii", "Incomplete", &[&EXCEPTION]);

/// Text to decode: bytes, or a str of ASCII. As `ascii_buffer_converter`.
struct Ascii(Vec<u8>);

impl FromArg for Ascii {
    type Out<'a> = Ascii;
    fn from_arg(value: &Value, _at: At) -> PyResult<Ascii> {
        if let Some(text) = value.downcast::<Str>() {
            return match text.as_ascii() {
                Some(text) => Ok(Ascii(text.as_bytes().to_vec())),
                None => Err(value_error("string argument should contain only ASCII characters")),
            };
        }
        if let Some(bytes) = value.downcast::<Bytes>() {
            return Ok(Ascii(bytes.as_slice().to_vec()));
        }
        if !bytes::is_buffer(value) {
            let found = value.ty().name();
            return Err(type_error(format!("argument should be bytes, buffer or ASCII string, not '{found}'")));
        }
        Ok(Ascii(Buffer::require(value, Request::Simple)?.to_vec()))
    }
}

/// A C `unsigned int`: the low bits of an int.
struct Word(u32);

impl FromArg for Word {
    type Out<'a> = Word;
    fn from_arg(value: &Value, _at: At) -> PyResult<Word> {
        word(value).map(Word)
    }
}

/// The low bits of an int. As `PyLong_AsUnsignedLongMask`.
///
/// # Errors
/// `TypeError` for what is no int.
pub(crate) fn word(value: &Value) -> PyResult<u32> {
    let value = number::index(value)
        .map_err(|_| type_error(format!("an integer is required (got type {})", value.ty().name())))?;
    Ok(match int::to_i64(&value) {
        Some(small) => small as u32,
        None => int::to_big(&value).map_or(0, |big| {
            let low = big & num_bigint::BigInt::from(u32::MAX);
            u32::try_from(low).unwrap_or(0)
        }),
    })
}

/// Collects groups of six bits into bytes.
#[derive(Default)]
struct Joiner {
    bits: u32,
    count: u32,
    out: Vec<u8>,
}

impl Joiner {
    fn push(&mut self, six: u8) {
        self.bits = self.bits << 6 | u32::from(six);
        self.count += 6;
        if self.count >= 8 {
            self.count -= 8;
            self.out.push((self.bits >> self.count) as u8);
            self.bits &= (1 << self.count) - 1;
        }
    }
}

/// Calls `emit` with the bytes' groups of six bits, the last one filled with zeros.
fn sixes(data: &[u8], mut emit: impl FnMut(u8)) {
    for group in data.chunks(3) {
        let mut bits = 0u32;
        for index in 0..3 {
            bits = bits << 8 | u32::from(group.get(index).copied().unwrap_or(0));
        }
        for index in 0..=group.len() {
            emit((bits >> (18 - 6 * index) & 0x3f) as u8);
        }
    }
}

fn a2b_uu(data: Ascii) -> PyResult<Value> {
    let mut bytes = data.0.iter().copied();
    let len = usize::from(bytes.next().unwrap_or(0).wrapping_sub(b' ') & 0x3f);
    let mut joiner = Joiner::default();
    while joiner.out.len() < len {
        joiner.push(match bytes.next() {
            // Spaces at a line's end may have been lost.
            None | Some(b'\n' | b'\r') => 0,
            Some(byte @ b' '..=b'`') => (byte - b' ') & 0x3f,
            Some(_) => return Err(ERROR.message("Illegal char")),
        });
    }
    if bytes.any(|byte| !matches!(byte, b' ' | b'`' | b'\n' | b'\r')) {
        return Err(ERROR.message("Trailing garbage"));
    }
    Ok(Bytes::new_value(&joiner.out))
}

fn b2a_uu(data: Data, backtick: Option<Flag>) -> PyResult<Value> {
    let data = data.0;
    if data.len() > 45 {
        return Err(ERROR.message("At most 45 bytes at once"));
    }
    let backtick = backtick.is_some_and(|flag| flag.0);
    let shown = |six: u8| if backtick && six == 0 { b'`' } else { six + b' ' };
    let mut out = vec![shown(data.len() as u8)];
    for group in data.chunks(3) {
        let mut whole = [0; 3];
        for (place, &byte) in whole.iter_mut().zip(group) {
            *place = byte;
        }
        sixes(&whole, |six| out.push(shown(six)));
    }
    // Only groups that hold some of the data are written.
    let groups = data.len().div_ceil(3);
    let surplus = groups * 4 - (data.len() * 8).div_ceil(6);
    let wanted = (data.len() * 8).div_ceil(6).next_multiple_of(4);
    debug_assert!(surplus < 4);
    out.truncate(1 + wanted);
    out.push(b'\n');
    Ok(Bytes::new_value(&out))
}

/// A truth value given as a C `int`.
#[derive(Clone, Copy)]
struct Flag(bool);

impl FromArg for Flag {
    type Out<'a> = Flag;
    fn from_arg(value: &Value, at: At) -> PyResult<Flag> {
        i32::from_arg(value, at).map(|int| Flag(int != 0))
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of each byte in an alphabet; 0xff for none.
const fn values(alphabet: &[u8; 64]) -> [u8; 256] {
    let mut values = [0xff; 256];
    let mut index = 0;
    while index < 64 {
        values[alphabet[index] as usize] = index as u8;
        index += 1;
    }
    values
}

static BASE64_VALUES: [u8; 256] = values(BASE64);

fn a2b_base64(data: Ascii) -> PyResult<Value> {
    let data = data.0;
    let mut joiner = Joiner { out: Vec::with_capacity(data.len() / 4 * 3 + 3), ..Joiner::default() };
    let mut position = 0;
    for (index, &byte) in data.iter().enumerate() {
        if byte == b'=' {
            // Padding ends the text where it may stand: as the fourth of a group, or as the third before another one.
            let ends = position == 3
                || (position == 2 && {
                    let mut rest = data.get(index + 1..).unwrap_or_default().iter();
                    rest.find(|&&byte| byte == b'=' || value_of(&BASE64_VALUES, byte).is_some()) == Some(&b'=')
                });
            if ends {
                joiner.count = 0;
                break;
            }
            continue;
        }
        if let Some(six) = value_of(&BASE64_VALUES, byte) {
            position = (position + 1) & 3;
            joiner.push(six);
        }
    }
    match joiner.count {
        0 => Ok(Bytes::new_value(&joiner.out)),
        6 => Err(ERROR.message(&format!(
            "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
            joiner.out.len() / 3 * 4 + 1
        ))),
        _ => Err(ERROR.message("Incorrect padding")),
    }
}

#[inline]
fn value_of(values: &[u8; 256], byte: u8) -> Option<u8> {
    values.get(usize::from(byte)).copied().filter(|&value| value < 64)
}

fn letter(alphabet: &[u8; 64], six: u8) -> u8 {
    alphabet.get(usize::from(six)).copied().unwrap_or(b'=')
}

fn b2a_base64(data: Data, newline: Option<Flag>) -> Value {
    let mut out = Vec::with_capacity(data.0.len().div_ceil(3) * 4 + 1);
    sixes(&data.0, |six| out.push(letter(BASE64, six)));
    out.resize(data.0.len().div_ceil(3) * 4, b'=');
    if newline.is_none_or(|flag| flag.0) {
        out.push(b'\n');
    }
    Bytes::new_value(&out)
}

const BINHEX: &[u8; 64] = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
static BINHEX_VALUES: [u8; 256] = values(BINHEX);
/// Before the number of times that the byte before it is repeated.
const REPEAT: u8 = 0x90;

fn a2b_hqx(data: Ascii) -> PyResult<Value> {
    let mut joiner = Joiner::default();
    let mut done = false;
    for &byte in &data.0 {
        match (byte, value_of(&BINHEX_VALUES, byte)) {
            (_, Some(six)) => joiner.push(six),
            (b'\n' | b'\r', None) => {}
            (b':', None) => {
                done = true;
                break;
            }
            (_, None) => return Err(ERROR.message("Illegal char")),
        }
    }
    if joiner.count > 0 && !done {
        return Err(INCOMPLETE.message("String has incomplete number of bytes"));
    }
    Ok(Tuple::from_array([Bytes::new_value(&joiner.out), Value::int(done.into())]))
}

fn b2a_hqx(data: Data) -> Value {
    let mut out = Vec::with_capacity(data.0.len().div_ceil(3) * 4);
    sixes(&data.0, |six| out.push(letter(BINHEX, six)));
    Bytes::new_value(&out)
}

fn rlecode_hqx(data: Data) -> Value {
    let mut rest = data.0.as_slice();
    let mut out = Vec::with_capacity(rest.len());
    while let Some((&byte, behind)) = rest.split_first() {
        if byte == REPEAT {
            out.extend_from_slice(&[REPEAT, 0]);
            rest = behind;
            continue;
        }
        let run = rest.iter().take(255).take_while(|&&other| other == byte).count();
        if run > 3 {
            out.extend_from_slice(&[byte, REPEAT, run as u8]);
            rest = rest.get(run..).unwrap_or_default();
        } else {
            out.push(byte);
            rest = behind;
        }
    }
    Bytes::new_value(&out)
}

fn rledecode_hqx(data: Data) -> PyResult<Value> {
    let mut bytes = data.0.iter().copied();
    let mut out: Vec<u8> = Vec::with_capacity(data.0.len());
    while let Some(byte) = bytes.next() {
        if byte != REPEAT {
            out.push(byte);
            continue;
        }
        let count = bytes.next().ok_or_else(|| INCOMPLETE.message(""))?;
        match (count, out.last().copied()) {
            (0, _) => out.push(REPEAT),
            (_, None) => return Err(ERROR.message("Orphaned RLE code at start")),
            (_, Some(last)) => out.extend(std::iter::repeat_n(last, usize::from(count) - 1)),
        }
    }
    Ok(Bytes::new_value(&out))
}

fn crc_hqx(data: Data, crc: Word) -> Value {
    let mut crc = crc.0 & 0xffff;
    for &byte in &data.0 {
        crc ^= u32::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 } & 0xffff;
        }
    }
    Value::int(crc.into())
}

fn crc32(data: Data, crc: Option<Word>) -> Value {
    let mut hasher = crc32fast::Hasher::new_with_initial(crc.map_or(0, |crc| crc.0));
    hasher.update(&data.0);
    Value::int(hasher.finalize().into())
}

fn b2a_hex(data: Data, sep: Option<&Value>, bytes_per_sep: Option<i32>) -> PyResult<Value> {
    // Any byte may separate bytes; text takes ASCII only.
    let wide = sep.and_then(|sep| {
        let text = sep.downcast::<Str>().filter(|text| text.len() == 1).and_then(|text| text.chars().get(0));
        let byte = || match sep.downcast::<Bytes>().map(Bytes::as_slice) {
            Some(&[byte]) => Some(byte),
            _ => None,
        };
        text.and_then(|code| u8::try_from(code).ok()).or_else(byte).filter(|byte| !byte.is_ascii())
    });
    let colon = Str::new_value(":");
    let sep = if wide.is_some() { Some(&colon) } else { sep };
    let text = bytes::methods::hex_text(&data.0, sep, bytes_per_sep.unwrap_or(1))?;
    let mut out = text.downcast::<Str>().and_then(Str::as_ascii).unwrap_or_default().as_bytes().to_vec();
    if let Some(wide) = wide {
        for byte in out.iter_mut().filter(|byte| **byte == b':') {
            *byte = wide;
        }
    }
    Ok(Bytes::new_value(&out))
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

fn a2b_hex(hexstr: Ascii) -> PyResult<Value> {
    if !hexstr.0.len().is_multiple_of(2) {
        return Err(ERROR.message("Odd-length string"));
    }
    let mut out = Vec::with_capacity(hexstr.0.len() / 2);
    for pair in hexstr.0.chunks_exact(2) {
        match pair {
            &[high, low] if let (Some(high), Some(low)) = (hex_digit(high), hex_digit(low)) => {
                out.push(high << 4 | low)
            }
            _ => return Err(ERROR.message("Non-hexadecimal digit found")),
        }
    }
    Ok(Bytes::new_value(&out))
}

fn a2b_qp(data: Ascii, header: Option<Flag>) -> Value {
    let header = header.is_some_and(|flag| flag.0);
    let mut rest = data.0.as_slice();
    let mut out = Vec::with_capacity(rest.len());
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match (byte, behind) {
            (b'=', []) => {}
            (b'=', [b'\n' | b'\r', ..]) => {
                // A line that goes on: up to its end.
                let end = behind.iter().position(|&byte| byte == b'\n').map_or(behind.len(), |end| end + 1);
                rest = behind.get(end..).unwrap_or_default();
            }
            (b'=', [b'=', after @ ..]) => {
                out.push(b'=');
                rest = after;
            }
            (b'=', &[high, low, ref after @ ..]) if let (Some(high), Some(low)) = (hex_digit(high), hex_digit(low)) => {
                out.push(high << 4 | low);
                rest = after;
            }
            (b'_', _) if header => out.push(b' '),
            _ => out.push(byte),
        }
    }
    Bytes::new_value(&out)
}

/// Longest line of quoted-printable text.
const MAX_LINE: usize = 76;

fn push_quoted(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(format!("={byte:02X}").as_bytes());
}

fn b2a_qp(data: Data, quotetabs: Option<Flag>, istext: Option<Flag>, header: Option<Flag>) -> Value {
    let quotetabs = quotetabs.is_some_and(|flag| flag.0);
    let istext = istext.is_none_or(|flag| flag.0);
    let header = header.is_some_and(|flag| flag.0);
    let data = data.0.as_slice();
    let at = |index: usize| data.get(index).copied();
    // All lines end as the first one does.
    let first_end = data.iter().position(|&byte| byte == b'\n');
    let crlf = first_end.is_some_and(|end| end > 0 && at(end - 1) == Some(b'\r'));
    let line_end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    let (mut index, mut column) = (0, 0);
    while let Some(byte) = at(index) {
        let next = at(index + 1);
        let blank = matches!(byte, b' ' | b'\t');
        let quoted = byte > 126
            || byte == b'='
            || (header && byte == b'_')
            || (byte == b'.' && column == 0 && matches!(next, None | Some(b'\n' | b'\r' | 0)))
            || (!istext && matches!(byte, b'\r' | b'\n'))
            || (blank && next.is_none())
            || (byte < 33 && !matches!(byte, b'\r' | b'\n') && (quotetabs || !blank));
        if quoted {
            if column + 3 >= MAX_LINE {
                out.push(b'=');
                out.extend_from_slice(line_end);
                column = 0;
            }
            push_quoted(&mut out, byte);
            column += 3;
            index += 1;
        } else if istext && (byte == b'\n' || (byte == b'\r' && next == Some(b'\n'))) {
            column = 0;
            // Blanks at the end of a line would be lost.
            if let Some(&last @ (b' ' | b'\t')) = out.last() {
                out.pop();
                push_quoted(&mut out, last);
            }
            out.extend_from_slice(line_end);
            index += if byte == b'\r' { 2 } else { 1 };
        } else {
            if next.is_some_and(|next| next != b'\n') && column + 1 >= MAX_LINE {
                out.push(b'=');
                out.extend_from_slice(line_end);
                column = 0;
            }
            column += 1;
            out.push(if header && byte == b' ' { b'_' } else { byte });
            index += 1;
        }
    }
    Bytes::new_value(&out)
}
