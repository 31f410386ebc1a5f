//! The module `unicodedata`: Unicode 12.1, and 3.2 for programs that follow old standards.

mod normalize;
#[rustfmt::skip]
mod tables;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_object};
use crate::object::native::{At, FromArg, Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute};
use crate::types::bytes;
use crate::types::codecs::{self, Encoding};
use crate::types::exceptions::{key_error, value_error};
use crate::types::str::{Str, properties};
use normalize::Form;

/// A version of the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Version {
    /// 12.1.
    Current,
    /// 3.2.
    Old,
}
use Version::{Current, Old};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "unicodedata",
    doc: "This module provides access to the Unicode Character Database which\ndefines character properties for all Unicode characters. The data in\nthis database is based on the UnicodeData.txt file version\n12.1.0 which is publicly available from ftp://ftp.unicode.org/.\n\nThe module uses the same names and symbols as defined by the\nUnicodeData File Format 12.1.0.",
    functions: FUNCTIONS,
    fill: |dict| {
        dict.set_text("unidata_version", Str::new_value("12.1.0"));
        dict.set_text("ucd_3_2_0", new_object(Ucd { header: Header::new(&UCD) }));
        dict.set_text("UCD", UCD.value());
        Ok(())
    },
};

/// The body of the object that is the database of Unicode 3.2.
#[repr(C)]
pub struct Ucd {
    header: Header,
}

payload!(Ucd, UCD);

/// The type object of older databases.
pub static UCD: TypeObject = TypeObject::define::<Ucd>("unicodedata.UCD")
    .slots(Slots { getattr: Some(attribute::generic_get), ..Slots::EMPTY })
    .methods(METHODS)
    .getset(&[GetSet::member("unidata_version", |_| Ok(Str::new_value("3.2.0")))]);

/// A function of the module. It shows the signature of the method it is in CPython, which a function does not pass on.
macro_rules! function {
    ($function:expr, $signature:literal, $shown:literal, $doc:literal) => {
        method!(
            raw | args,
            kwnames | {
                static DECLARED: Function = Function::new($signature, "", thunk($function));
                DECLARED.call(args, kwnames)
            },
            $shown,
            $doc
        )
    };
}

const FUNCTIONS: &[Method] = &[
    function!(
        |chr: Char, default: Option<&Value>| decimal(Current, chr, default),
        "decimal($module, chr, default=<unrepresentable>, /)",
        "decimal($self, chr, default=<unrepresentable>, /)",
        "Converts a Unicode character into its equivalent decimal value.\n\nReturns the decimal value assigned to the character chr as integer.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised."
    ),
    function!(
        |chr: Char, default: Option<&Value>| digit(Current, chr, default),
        "digit($module, chr, default=<unrepresentable>, /)",
        "digit($self, chr, default=<unrepresentable>, /)",
        "Converts a Unicode character into its equivalent digit value.\n\nReturns the digit value assigned to the character chr as integer.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised."
    ),
    function!(
        |chr: Char, default: Option<&Value>| numeric(Current, chr, default),
        "numeric($module, chr, default=<unrepresentable>, /)",
        "numeric($self, chr, default=<unrepresentable>, /)",
        "Converts a Unicode character into its equivalent numeric value.\n\nReturns the numeric value assigned to the character chr as float.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised."
    ),
    function!(
        |chr: Char| category(Current, chr),
        "category($module, chr, /)",
        "category($self, chr, /)",
        "Returns the general category assigned to the character chr as string."
    ),
    function!(
        |chr: Char| bidirectional(Current, chr),
        "bidirectional($module, chr, /)",
        "bidirectional($self, chr, /)",
        "Returns the bidirectional class assigned to the character chr as string.\n\nIf no such value is defined, an empty string is returned."
    ),
    function!(
        |chr: Char| combining(Current, chr),
        "combining($module, chr, /)",
        "combining($self, chr, /)",
        "Returns the canonical combining class assigned to the character chr as integer.\n\nReturns 0 if no combining class is defined."
    ),
    function!(
        |chr: Char| mirrored(Current, chr),
        "mirrored($module, chr, /)",
        "mirrored($self, chr, /)",
        "Returns the mirrored property assigned to the character chr as integer.\n\nReturns 1 if the character has been identified as a \"mirrored\"\ncharacter in bidirectional text, 0 otherwise."
    ),
    function!(
        |chr: Char| east_asian_width(Current, chr),
        "east_asian_width($module, chr, /)",
        "east_asian_width($self, chr, /)",
        "Returns the east asian width assigned to the character chr as string."
    ),
    function!(
        |chr: Char| decomposition(Current, chr),
        "decomposition($module, chr, /)",
        "decomposition($self, chr, /)",
        "Returns the character decomposition mapping assigned to the character chr as string.\n\nAn empty string is returned in case no such mapping is defined."
    ),
    function!(
        |chr: Char, default: Option<&Value>| name(Current, chr, default),
        "name($module, chr, default=<unrepresentable>, /)",
        "name($self, chr, default=<unrepresentable>, /)",
        "Returns the name assigned to the character chr as a string.\n\nIf no name is defined, default is returned, or, if not given,\nValueError is raised."
    ),
    function!(
        |name: &Value| lookup(Current, name),
        "lookup($module, name, /)",
        "lookup($self, name, /)",
        "Look up character by name.\n\nIf a character with the given name is found, return the\ncorresponding character.  If not found, KeyError is raised."
    ),
    function!(
        |form: &Str, unistr: &Str| is_normalized(Current, form, unistr),
        "is_normalized($module, form, unistr, /)",
        "is_normalized($self, form, unistr, /)",
        "Return whether the Unicode string unistr is in the normal form 'form'.\n\nValid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'."
    ),
    function!(
        |form: &Str, unistr: &Str| normalized(Current, form, unistr),
        "normalize($module, form, unistr, /)",
        "normalize($self, form, unistr, /)",
        "Return the normal form 'form' for the Unicode string unistr.\n\nValid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'."
    ),
];

const METHODS: &[Method] = &[
    method!(
        |_: &Ucd, chr: Char, default: Option<&Value>| decimal(Old, chr, default),
        "decimal($self, chr, default=<unrepresentable>, /)",
        "Converts a Unicode character into its equivalent decimal value.\n\nReturns the decimal value assigned to the character chr as integer.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised."
    ),
    method!(
        |_: &Ucd, chr: Char, default: Option<&Value>| digit(Old, chr, default),
        "digit($self, chr, default=<unrepresentable>, /)",
        "Converts a Unicode character into its equivalent digit value.\n\nReturns the digit value assigned to the character chr as integer.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised."
    ),
    method!(
        |_: &Ucd, chr: Char, default: Option<&Value>| numeric(Old, chr, default),
        "numeric($self, chr, default=<unrepresentable>, /)",
        "Converts a Unicode character into its equivalent numeric value.\n\nReturns the numeric value assigned to the character chr as float.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised."
    ),
    method!(
        |_: &Ucd, chr: Char| category(Old, chr),
        "category($self, chr, /)",
        "Returns the general category assigned to the character chr as string."
    ),
    method!(
        |_: &Ucd, chr: Char| bidirectional(Old, chr),
        "bidirectional($self, chr, /)",
        "Returns the bidirectional class assigned to the character chr as string.\n\nIf no such value is defined, an empty string is returned."
    ),
    method!(
        |_: &Ucd, chr: Char| combining(Old, chr),
        "combining($self, chr, /)",
        "Returns the canonical combining class assigned to the character chr as integer.\n\nReturns 0 if no combining class is defined."
    ),
    method!(
        |_: &Ucd, chr: Char| mirrored(Old, chr),
        "mirrored($self, chr, /)",
        "Returns the mirrored property assigned to the character chr as integer.\n\nReturns 1 if the character has been identified as a \"mirrored\"\ncharacter in bidirectional text, 0 otherwise."
    ),
    method!(
        |_: &Ucd, chr: Char| east_asian_width(Old, chr),
        "east_asian_width($self, chr, /)",
        "Returns the east asian width assigned to the character chr as string."
    ),
    method!(
        |_: &Ucd, chr: Char| decomposition(Old, chr),
        "decomposition($self, chr, /)",
        "Returns the character decomposition mapping assigned to the character chr as string.\n\nAn empty string is returned in case no such mapping is defined."
    ),
    method!(
        |_: &Ucd, chr: Char, default: Option<&Value>| name(Old, chr, default),
        "name($self, chr, default=<unrepresentable>, /)",
        "Returns the name assigned to the character chr as a string.\n\nIf no name is defined, default is returned, or, if not given,\nValueError is raised."
    ),
    method!(
        |_: &Ucd, name: &Value| lookup(Old, name),
        "lookup($self, name, /)",
        "Look up character by name.\n\nIf a character with the given name is found, return the\ncorresponding character.  If not found, KeyError is raised."
    ),
    method!(
        |_: &Ucd, form: &Str, unistr: &Str| is_normalized(Old, form, unistr),
        "is_normalized($self, form, unistr, /)",
        "Return whether the Unicode string unistr is in the normal form 'form'.\n\nValid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'."
    ),
    method!(
        |_: &Ucd, form: &Str, unistr: &Str| normalized(Old, form, unistr),
        "normalize($self, form, unistr, /)",
        "Return the normal form 'form' for the Unicode string unistr.\n\nValid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'."
    ),
];

/// An argument that is one character.
#[derive(Clone, Copy)]
struct Char(u32);

impl FromArg for Char {
    type Out<'a> = Char;
    fn from_arg(value: &Value, at: At) -> PyResult<Char> {
        match value.downcast::<Str>().filter(|text| text.len() == 1).and_then(|text| text.chars().get(0)) {
            Some(code) => Ok(Char(code)),
            None => Err(at.wrong_type("a unicode character", value)),
        }
    }
}

/// What of a run list holds for a code point.
fn record(version: Version, code: u32) -> (u8, u8, u8, bool, u8) {
    let runs: &[u32] = if version == Old { &tables::OLD_RUNS } else { &tables::RUNS };
    let after = runs.partition_point(|&run| run >> 11 <= code);
    let run = after.checked_sub(1).and_then(|index| runs.get(index)).copied().unwrap_or(0);
    tables::RECORDS.get((run & 0x7ff) as usize).copied().unwrap_or((0, 0, 0, false, 0))
}

/// Whether a code point was assigned after Unicode 3.2.
fn is_unassigned(version: Version, code: u32) -> bool {
    version == Old && record(Old, code).0 == 0 && record(Current, code).0 != 0
}

fn named(names: &[&'static str], index: u8) -> Value {
    Str::new_value(names.get(usize::from(index)).copied().unwrap_or_default())
}

fn category(version: Version, chr: Char) -> Value {
    named(&tables::CATEGORIES, record(version, chr.0).0)
}

fn bidirectional(version: Version, chr: Char) -> Value {
    named(&tables::BIDIRECTIONAL, record(version, chr.0).1)
}

fn combining(version: Version, chr: Char) -> Value {
    Value::int(record(version, chr.0).2.into())
}

fn mirrored(version: Version, chr: Char) -> Value {
    Value::int(record(version, chr.0).3.into())
}

fn east_asian_width(version: Version, chr: Char) -> Value {
    named(&tables::WIDTHS, record(version, chr.0).4)
}

/// The decomposition of a code point in the tables: its kind, and what it decomposes to.
fn decomposed(code: u32) -> Option<(u8, &'static [u32])> {
    let index = tables::DECOMPOSED.binary_search(&code).ok()?;
    let (&head, rest) = tables::DECOMPOSITIONS.get(usize::from(*tables::PLACES.get(index)?)..)?.split_first()?;
    Some(((head >> 8) as u8, rest.get(..(head & 0xff) as usize)?))
}

fn decomposition(version: Version, chr: Char) -> Value {
    let Some((tag, parts)) = decomposed(chr.0).filter(|_| !is_unassigned(version, chr.0)) else {
        return Str::new_value("");
    };
    let mut text = tables::TAGS.get(usize::from(tag)).copied().unwrap_or_default().to_owned();
    for part in parts {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&format!("{part:04X}"));
    }
    Str::new_value(&text)
}

/// The default, or an error where there is none.
fn or_default(found: Option<Value>, default: Option<&Value>, message: &str) -> PyResult<Value> {
    match (found, default) {
        (Some(found), _) => Ok(found),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(value_error(message)),
    }
}

fn decimal(version: Version, chr: Char, default: Option<&Value>) -> PyResult<Value> {
    let now = || properties::decimal_value(chr.0).map(i64::from);
    let value = match version {
        Current => now(),
        Old => match tables::OLD_DECIMALS.binary_search_by_key(&chr.0, |entry| entry.0) {
            Ok(index) => tables::OLD_DECIMALS.get(index).and_then(|entry| entry.1),
            Err(_) if is_unassigned(version, chr.0) => None,
            Err(_) => now(),
        },
    };
    or_default(value.map(Value::int), default, "not a decimal")
}

/// The number of a code point: numerator and denominator.
fn number(runs: &[tables::Run], code: u32) -> Option<(i64, u16)> {
    let after = runs.partition_point(|run| run.0 <= code);
    let &(first, last, numerator, denominator, step) = after.checked_sub(1).and_then(|index| runs.get(index))?;
    let added = i64::from(code - first) * i64::from(step) * i64::from(denominator);
    if code <= last { Some((numerator + added, denominator)) } else { None }
}

fn digit(_version: Version, chr: Char, default: Option<&Value>) -> PyResult<Value> {
    or_default(number(&tables::DIGITS, chr.0).map(|(value, _)| Value::int(value)), default, "not a digit")
}

fn numeric(version: Version, chr: Char, default: Option<&Value>) -> PyResult<Value> {
    let value = number(&tables::NUMBERS, chr.0).filter(|_| !is_unassigned(version, chr.0));
    let float = value.map(|(numerator, denominator)| Value::float(numerator as f64 / f64::from(denominator)));
    or_default(float, default, "not a numeric character")
}

fn name(version: Version, chr: Char, default: Option<&Value>) -> PyResult<Value> {
    let name = if is_unassigned(version, chr.0) { None } else { properties::name(chr.0) };
    or_default(name.map(|name| Str::new_value(&name)), default, "no such name")
}

/// How names of ideographs begin.
const IDEOGRAPH: &str = "CJK UNIFIED IDEOGRAPH-";
/// How names of syllables begin.
const SYLLABLE: &str = "HANGUL SYLLABLE ";

/// As CPython's `NAME_MAXLEN`.
const LONGEST_NAME: usize = 256;

fn lookup(version: Version, name: &Value) -> PyResult<Value> {
    let wrong = |message: &str| -> Raised { key_error(&Str::new_value(message)) };
    let bytes = match name.downcast::<Str>() {
        Some(_) => codecs::encode_native(name, Encoding::Utf8, None)?,
        None => bytes::buffer_of(name)?.into_owned(),
    };
    if bytes.len() > LONGEST_NAME {
        return Err(wrong("name too long"));
    }
    let text = String::from_utf8_lossy(&bytes);
    let key = text.to_ascii_uppercase();
    if version == Current
        && let Ok(index) = tables::SEQUENCES.binary_search_by_key(&key.as_str(), |entry| entry.0)
        && let Some((_, sequence)) = tables::SEQUENCES.get(index)
    {
        return Ok(Str::new_value(sequence));
    }
    let found = if let Some(digits) = text.strip_prefix(IDEOGRAPH) {
        // Computed, for old versions as for new ones.
        let is_hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| matches!(digits.len(), 4 | 5));
        code.filter(|&code| {
            digits.bytes().all(is_hexadecimal) && properties::name(code).is_some_and(|name| name.starts_with(IDEOGRAPH))
        })
    } else if key.starts_with(SYLLABLE) || key.starts_with(IDEOGRAPH) {
        properties::named(&text).filter(|_| text.starts_with(SYLLABLE) && text == key)
    } else {
        // There were no aliases in Unicode 3.2.
        properties::named(&text).filter(|&code| {
            let is_name = || properties::name(code).is_some_and(|name| name == key);
            version == Current || (!is_unassigned(version, code) && is_name())
        })
    };
    match found {
        Some(code) => Ok(Str::from_code(code)),
        None => Err(wrong(&format!("undefined character name '{text}'"))),
    }
}

fn form(name: &Str) -> PyResult<Form> {
    Form::named(&name.to_string_lossy()).ok_or_else(|| value_error("invalid normalization form"))
}

fn normalized(version: Version, name: &Str, unistr: &Str) -> PyResult<Value> {
    let this = || Value::of(unistr);
    if unistr.is_empty() {
        // Whatever the form.
        return Ok(this());
    }
    let form = form(name)?;
    if normalize::is_simple(form, unistr.chars()) {
        return Ok(this());
    }
    let codes = normalize::normalize(form, version, unistr.chars());
    if unistr.chars().iter().eq(codes.iter().copied()) { Ok(this()) } else { Ok(Str::from_codes(&codes)) }
}

fn is_normalized(version: Version, name: &Str, unistr: &Str) -> PyResult<bool> {
    if unistr.is_empty() {
        return Ok(true);
    }
    let form = form(name)?;
    if version == Old {
        // The checks are those of the current version; CPython says no without a look.
        return Ok(false);
    }
    if normalize::is_simple(form, unistr.chars()) {
        return Ok(true);
    }
    let codes = normalize::normalize(form, version, unistr.chars());
    Ok(unistr.chars().iter().eq(codes.iter().copied()))
}
