//! Numbers, strings and bytes.

use super::parser::{Parsed, Parser};
use super::tokenizer::{Kind, Place, Token};
use crate::compile::ast::{Expr, ExprKind};
use crate::compile::constant::Constant;
use crate::compile::error::CompileWarning;
use crate::types::str::properties;
use num_bigint::BigInt;
use std::rc::Rc;

/// The value of a number.
pub(super) fn number(text: &[u8]) -> Constant {
    if text.contains(&b'_') {
        let digits: Vec<u8> = text.iter().copied().filter(|&c| c != b'_').collect();
        return plain_number(&digits);
    }
    plain_number(text)
}

fn plain_number(text: &[u8]) -> Constant {
    let radix = match text {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 10,
    };
    if radix != 10 {
        return integer(text.get(2..).unwrap_or_default(), radix);
    }
    if text.iter().all(u8::is_ascii_digit) {
        return integer(text, 10);
    }
    let float =
        |text: &[u8]| -> f64 { std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0) };
    match text.split_last() {
        Some((b'j' | b'J', rest)) => Constant::Complex(0.0, float(rest)),
        _ => Constant::Float(float(text)),
    }
}

fn integer(digits: &[u8], radix: u32) -> Constant {
    if digits.len() <= 18 {
        let mut value = 0i64;
        for &digit in digits {
            let digit = char::from(digit).to_digit(radix).unwrap_or(0);
            value = match value.checked_mul(i64::from(radix)).and_then(|value| value.checked_add(i64::from(digit))) {
                Some(value) => value,
                None => return big_integer(digits, radix),
            };
        }
        return Constant::Int(value);
    }
    big_integer(digits, radix)
}

fn big_integer(digits: &[u8], radix: u32) -> Constant {
    let value = BigInt::parse_bytes(digits, radix).unwrap_or_default();
    match i64::try_from(&value) {
        Ok(value) => Constant::Int(value),
        Err(_) => Constant::BigInt(Rc::new(value)),
    }
}

/// A literal's parts: what is before the quotes, and what is between them.
pub(super) struct Literal<'s> {
    pub is_bytes: bool,
    pub is_raw: bool,
    pub is_format: bool,
    pub body: &'s [u8],
}

impl<'s> Literal<'s> {
    /// Of the text of a token.
    pub fn of(text: &'s [u8]) -> Self {
        let mut literal = Literal { is_bytes: false, is_raw: false, is_format: false, body: &[] };
        let mut at = 0;
        while let Some(&c) = text.get(at) {
            match c | 0x20 {
                b'b' => literal.is_bytes = true,
                b'r' => literal.is_raw = true,
                b'f' => literal.is_format = true,
                b'u' => {}
                _ => break,
            }
            at += 1;
        }
        let quoted = text.get(at..).unwrap_or_default();
        let quotes = match quoted {
            [a, b, c, ..] if a == b && b == c && quoted.len() >= 6 => 3,
            _ => 1,
        };
        literal.body = quoted.get(quotes..quoted.len().saturating_sub(quotes)).unwrap_or_default();
        literal
    }
}

/// Why the text of a literal is none.
pub(super) enum LiteralError {
    Unicode(String),
    Value(String),
}

impl LiteralError {
    pub fn message(self) -> String {
        match self {
            LiteralError::Unicode(text) => format!("(unicode error) {text}"),
            LiteralError::Value(text) => format!("(value error) {text}"),
        }
    }
}

/// Strings side by side, put together.
#[derive(Default)]
pub(super) struct Pieces {
    /// Text that no node holds yet.
    pub text: Vec<u8>,
    pub values: Vec<Expr>,
    pub is_format: bool,
}

impl<'s> Parser<'s> {
    /// `STRING+`
    pub(super) fn strings(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        let first = self.token;
        let mut tokens: Vec<Token> = Vec::new();
        self.bump()?;
        while self.token.kind == Kind::String {
            if tokens.is_empty() {
                tokens.push(first);
            }
            tokens.push(self.token);
            self.bump()?;
        }
        let kind =
            if tokens.is_empty() { self.concatenation(&[first], start) } else { self.concatenation(&tokens, start) };
        let kind = kind.unwrap_or(ExprKind::Constant { value: Constant::None, kind: None });
        Ok(Expr { kind, at: self.from(start) })
    }

    /// `None` when an error was noted.
    fn concatenation(&mut self, tokens: &[Token], start: Place) -> Option<ExprKind> {
        let mut pieces = Pieces::default();
        let mut bytes: Option<Vec<u8>> = None;
        let is_u = tokens.first().is_some_and(|first| self.text(*first).first() == Some(&b'u'));
        for (index, &token) in tokens.iter().enumerate() {
            let literal = Literal::of(self.text(token));
            if literal.is_format {
                self.require(6, token.at, "Format strings are");
            }
            let mut piece = Vec::new();
            if !literal.is_format {
                match self.piece(&literal, token.at) {
                    Ok(text) => piece = text,
                    Err(error) => {
                        self.defer(start, error.message());
                        return None;
                    }
                }
                if literal.is_bytes && !literal.body.is_ascii() {
                    return None;
                }
            }
            if index > 0 && bytes.is_some() != literal.is_bytes {
                self.defer(start, "cannot mix bytes and nonbytes literals".to_owned());
                return None;
            }
            if literal.is_format {
                self.format_string(&mut pieces, literal.body, literal.is_raw, start, is_u, *tokens.first()?)?;
            } else if literal.is_bytes {
                match &mut bytes {
                    Some(bytes) => bytes.append(&mut piece),
                    None => bytes = Some(piece),
                }
            } else if pieces.text.is_empty() {
                pieces.text = piece;
            } else {
                pieces.text.append(&mut piece);
            }
        }
        if let Some(bytes) = bytes {
            return Some(ExprKind::Constant { value: Constant::Bytes(bytes.into()), kind: None });
        }
        Some(self.finish(pieces, start, is_u))
    }

    /// The node that pieces make.
    pub(super) fn finish(&mut self, mut pieces: Pieces, start: Place, is_u: bool) -> ExprKind {
        if pieces.is_format {
            self.flush(&mut pieces, start, is_u);
            return ExprKind::JoinedStr { values: pieces.values };
        }
        self.text_constant(pieces.text, is_u)
    }

    fn text_constant(&mut self, text: Vec<u8>, is_u: bool) -> ExprKind {
        let kind = if is_u { Some(self.kind_u()) } else { None };
        ExprKind::Constant { value: Constant::Str(text.into()), kind }
    }

    /// Makes a node of the text so far.
    pub(super) fn flush(&mut self, pieces: &mut Pieces, start: Place, is_u: bool) {
        if !pieces.text.is_empty() {
            let kind = self.text_constant(std::mem::take(&mut pieces.text), is_u);
            let at = self.from(start);
            pieces.values.push(Expr { kind, at });
        }
    }

    /// The value of a literal that is no f-string.
    fn piece(&mut self, literal: &Literal<'s>, at: Place) -> Result<Vec<u8>, LiteralError> {
        if literal.is_bytes {
            if !literal.body.is_ascii() {
                self.defer(at, "bytes can only contain ASCII literal characters.".to_owned());
                return Ok(Vec::new());
            }
            if literal.is_raw || memchr::memchr(b'\\', literal.body).is_none() {
                return Ok(literal.body.to_vec());
            }
            let (value, invalid) = decode_bytes(literal.body)?;
            self.warn_escape(invalid, at);
            return Ok(value);
        }
        self.unescape(literal.body, literal.is_raw, at)
    }

    /// The text that source text in a string stands for.
    pub(super) fn unescape(&mut self, text: &[u8], raw: bool, at: Place) -> Result<Vec<u8>, LiteralError> {
        if raw || memchr::memchr(b'\\', text).is_none() {
            if !text.is_ascii() {
                check_utf8(text).map_err(LiteralError::Unicode)?;
            }
            return Ok(text.to_vec());
        }
        let (value, invalid) = decode_text(text, self.names)?;
        self.warn_escape(invalid, at);
        Ok(value)
    }

    /// Warns of an escape that is none.
    pub(super) fn warn_escape(&mut self, escape: Option<u8>, at: Place) {
        if let Some(escape) = escape
            && self.deferred.is_none()
        {
            let at = self.at(at, at);
            self.warnings.push(CompileWarning {
                deprecation: true,
                message: format!("invalid escape sequence \\{}", char::from(escape)),
                lineno: u32::try_from(at.line).unwrap_or(0),
                col: u32::try_from(at.col).unwrap_or(0),
            });
        }
    }
}

/// Appends a code point in UTF-8, a surrogate as any other.
fn push(out: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            out.extend_from_slice(&[
                0xe0 | (code >> 12) as u8,
                0x80 | (code >> 6 & 0x3f) as u8,
                0x80 | (code & 0x3f) as u8,
            ]);
        }
    }
}

/// What is said of `\N{...}` where the names of characters cannot be had.
const NO_NAMES: &str = "\\N escapes not supported (can't load unicodedata module)";

/// Escapes of text. Errors count as CPython does: it turns every character beyond ASCII into an escape of ten first.
fn decode_text(text: &[u8], names: Option<fn() -> bool>) -> Result<(Vec<u8>, Option<u8>), LiteralError> {
    let mut out = Vec::with_capacity(text.len());
    let mut invalid = None;
    let mut at = 0;
    // How much longer CPython's text is so far.
    let mut longer = 0;
    while let Some(&c) = text.get(at) {
        if c != b'\\' {
            let rest = text.get(at..).unwrap_or_default();
            let run = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
            let run = rest.get(..run).unwrap_or_default();
            if !run.is_ascii() {
                longer += check_run(run)?;
            }
            out.extend_from_slice(run);
            at += run.len();
            continue;
        }
        let start = at + longer;
        let Some(&escape) = text.get(at + 1) else {
            // A backslash before the brace of an f-string.
            out.push(b'\\');
            break;
        };
        at += 2;
        let fail = |end: usize, reason: &str| {
            LiteralError::Unicode(format!(
                "'unicodeescape' codec can't decode bytes in position {start}-{}: {reason}",
                end + longer - 1
            ))
        };
        if let Some(byte) = named_escape(escape) {
            out.push(byte);
            continue;
        }
        match escape {
            b'\n' => {}
            b'0'..=b'7' => push(&mut out, octal(escape, text, &mut at)),
            b'x' | b'u' | b'U' => {
                let (count, reason) = match escape {
                    b'x' => (2, "truncated \\xXX escape"),
                    b'u' => (4, "truncated \\uXXXX escape"),
                    _ => (8, "truncated \\UXXXXXXXX escape"),
                };
                let mut code = 0u32;
                for _ in 0..count {
                    match text.get(at).and_then(|&digit| char::from(digit).to_digit(16)) {
                        Some(digit) => code = code << 4 | digit,
                        None => return Err(fail(at, reason)),
                    }
                    at += 1;
                }
                if code > 0x10ffff {
                    return Err(fail(at, "illegal Unicode character"));
                }
                push(&mut out, code);
            }
            b'N' if names.is_some_and(|names| !names()) => {
                return Err(LiteralError::Unicode(NO_NAMES.to_owned()));
            }
            b'N' => {
                let rest = text.get(at..).unwrap_or_default();
                if rest.first() != Some(&b'{') {
                    return Err(fail(at, "malformed \\N character escape"));
                }
                let end = memchr::memchr(b'}', rest);
                let name = rest.get(1..end.unwrap_or(rest.len())).unwrap_or_default();
                if !name.is_ascii() {
                    longer += check_run(name)?;
                }
                at += end.unwrap_or(rest.len());
                // (`longer` has grown: `fail` must not be used any more.)
                let fail = |end: usize, reason: &str| {
                    LiteralError::Unicode(format!(
                        "'unicodeescape' codec can't decode bytes in position {start}-{}: {reason}",
                        end + longer - 1
                    ))
                };
                if end.is_none() || name.is_empty() {
                    return Err(fail(at, "malformed \\N character escape"));
                }
                at += 1;
                let code = std::str::from_utf8(name).ok().and_then(properties::named);
                match code {
                    Some(code) => push(&mut out, code),
                    None => return Err(fail(at, "unknown Unicode character name")),
                }
            }
            128.. => {
                // The backslash stays, the character comes next.
                longer += 5;
                out.push(b'\\');
                at -= 1;
            }
            _ => {
                invalid = invalid.or(Some(escape));
                out.push(b'\\');
                out.push(escape);
            }
        }
    }
    Ok((out, invalid))
}

/// How much longer a run is when its characters beyond ASCII are escapes.
fn check_run(run: &[u8]) -> Result<usize, LiteralError> {
    // CPython decodes each stretch of them by itself.
    let mut longer = 0;
    for stretch in run.split(u8::is_ascii) {
        if !stretch.is_empty() {
            check_utf8(stretch).map_err(LiteralError::Unicode)?;
            let chars = stretch.iter().filter(|&&c| c & 0xc0 != 0x80).count();
            longer += chars * 10 - stretch.len();
        }
    }
    Ok(longer)
}

/// What a backslash and one character stand for, in text and bytes.
fn named_escape(escape: u8) -> Option<u8> {
    Some(match escape {
        b'\\' | b'\'' | b'"' => escape,
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'r' => b'\r',
        _ => return None,
    })
}

/// The code of an octal escape: its first digit, and up to two more at `at`, which goes behind them.
fn octal(first: u8, text: &[u8], at: &mut usize) -> u32 {
    let mut code = u32::from(first - b'0');
    for _ in 0..2 {
        match text.get(*at) {
            Some(&digit @ b'0'..=b'7') => code = code * 8 + u32::from(digit - b'0'),
            _ => break,
        }
        *at += 1;
    }
    code
}

/// Escapes of bytes.
fn decode_bytes(text: &[u8]) -> Result<(Vec<u8>, Option<u8>), LiteralError> {
    let mut out = Vec::with_capacity(text.len());
    let mut invalid = None;
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        at += 1;
        if c != b'\\' {
            out.push(c);
            continue;
        }
        let Some(&escape) = text.get(at) else {
            return Err(LiteralError::Value("Trailing \\ in string".to_owned()));
        };
        at += 1;
        if let Some(byte) = named_escape(escape) {
            out.push(byte);
            continue;
        }
        match escape {
            b'\n' => {}
            b'0'..=b'7' => out.push(octal(escape, text, &mut at) as u8),
            b'x' => {
                let digit = |at: usize| text.get(at).and_then(|&digit| char::from(digit).to_digit(16));
                let (Some(high), Some(low)) = (digit(at), digit(at + 1)) else {
                    return Err(LiteralError::Value(format!("invalid \\x escape at position {}", at - 2)));
                };
                out.push((high << 4 | low) as u8);
                at += 2;
            }
            _ => {
                invalid = invalid.or(Some(escape));
                out.push(b'\\');
                out.push(escape);
            }
        }
    }
    Ok((out, invalid))
}

/// Checks that bytes are UTF-8; the error is `str()` of CPython's.
pub(super) fn check_utf8(bytes: &[u8]) -> Result<(), String> {
    let Err(error) = std::str::from_utf8(bytes) else { return Ok(()) };
    let start = error.valid_up_to();
    let first = bytes.get(start).copied().unwrap_or(0);
    let reason = match error.error_len() {
        None => "unexpected end of data",
        Some(1) if !(0xc2..0xf5).contains(&first) => "invalid start byte",
        Some(_) => "invalid continuation byte",
    };
    let end = error.error_len().map_or(bytes.len(), |len| start + len);
    Err(if end - start == 1 {
        format!("'utf-8' codec can't decode byte 0x{first:02x} in position {start}: {reason}")
    } else {
        format!("'utf-8' codec can't decode bytes in position {start}-{}: {reason}", end - 1)
    })
}
