//! The module `_locale`: the C library's locale.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::arguments::{check_parsed_count, wrong_parsed};
use crate::modules::io::standard;
use crate::modules::posix::path;
use crate::object::arguments::no_keywords;
use crate::object::error::{PyResult, Raised};
use crate::object::native::{At, FromArg, c_int};
use crate::object::value::Value;
use crate::types::codecs::{self, Encoding};
use crate::types::dict::Dict;
use crate::types::exceptions::{EXCEPTION, ModuleException, os_error, value_error};
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::unicode_errors;
use std::ffi::{CStr, CString};
use system::WideString;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_locale",
    doc: "Support for POSIX locales.",
    functions: &[
        method!(
            setlocale,
            "%setlocale(category, locale=None, /)",
            "(integer,string=None) -> string. Activates/queries locale processing."
        ),
        method!(localeconv, "!localeconv()", "() -> dict. Returns numeric and monetary locale-specific parameters."),
        method!(
            nl_langinfo,
            "%nl_langinfo(key, /)",
            "nl_langinfo(key) -> string\nReturn the value for the locale information associated with key."
        ),
        method!(
            strcoll,
            "%strcoll(left, right, /)",
            "string,string -> int. Compares two strings according to the locale."
        ),
        method!(
            strxfrm,
            "%strxfrm(string, /)",
            "strxfrm(string) -> string.\n\nReturn a string that can be used as a key for locale-aware comparisons."
        ),
        method!(raw gettext, "!gettext(msg, /)", "gettext(msg) -> string\nReturn translation of msg."),
        method!(
            raw dgettext,
            "!dgettext(domain, msg, /)",
            "dgettext(domain, msg) -> string\nReturn translation of msg in domain."
        ),
        method!(
            raw dcgettext,
            "!dcgettext(domain, msg, category, /)",
            "dcgettext(domain, msg, category) -> string\nReturn translation of msg in domain and category."
        ),
        method!(
            raw textdomain,
            "!textdomain(domain, /)",
            "textdomain(domain) -> string\nSet the C library's textdmain to domain, returning the new domain."
        ),
        method!(
            raw bindtextdomain,
            "!bindtextdomain(domain, dir, /)",
            "bindtextdomain(domain, dir) -> string\nBind the C library's domain to dir."
        ),
        method!(
            raw bind_textdomain_codeset,
            "!bind_textdomain_codeset(domain, codeset, /)",
            "bind_textdomain_codeset(domain, codeset) -> string\nBind the C library's domain to codeset."
        ),
    ],
    fill: |dict| {
        adopt_environment();
        for &(name, value) in CATEGORIES.iter().chain(ITEMS) {
            dict.set_text(name, Value::int(value.into()));
        }
        dict.set_text("CHAR_MAX", Value::int(127));
        dict.set_text("Error", ERROR.class()?);
        Ok(())
    },
};

const CATEGORIES: &[(&str, i32)] = &[
    ("LC_CTYPE", libc::LC_CTYPE),
    ("LC_TIME", libc::LC_TIME),
    ("LC_COLLATE", libc::LC_COLLATE),
    ("LC_MONETARY", libc::LC_MONETARY),
    ("LC_MESSAGES", libc::LC_MESSAGES),
    ("LC_NUMERIC", libc::LC_NUMERIC),
    ("LC_ALL", libc::LC_ALL),
];

/// What `nl_langinfo` knows: numbers of glibc.
const ITEMS: &[(&str, i32)] = &[
    ("ABDAY_1", 131072),
    ("ABDAY_2", 131073),
    ("ABDAY_3", 131074),
    ("ABDAY_4", 131075),
    ("ABDAY_5", 131076),
    ("ABDAY_6", 131077),
    ("ABDAY_7", 131078),
    ("ABMON_1", 131086),
    ("ABMON_10", 131095),
    ("ABMON_11", 131096),
    ("ABMON_12", 131097),
    ("ABMON_2", 131087),
    ("ABMON_3", 131088),
    ("ABMON_4", 131089),
    ("ABMON_5", 131090),
    ("ABMON_6", 131091),
    ("ABMON_7", 131092),
    ("ABMON_8", 131093),
    ("ABMON_9", 131094),
    ("ALT_DIGITS", 131119),
    ("AM_STR", 131110),
    ("CODESET", 14),
    ("CRNCYSTR", 262159),
    ("DAY_1", 131079),
    ("DAY_2", 131080),
    ("DAY_3", 131081),
    ("DAY_4", 131082),
    ("DAY_5", 131083),
    ("DAY_6", 131084),
    ("DAY_7", 131085),
    ("D_FMT", 131113),
    ("D_T_FMT", 131112),
    ("ERA", 131116),
    ("ERA_D_FMT", 131118),
    ("ERA_D_T_FMT", 131120),
    ("ERA_T_FMT", 131121),
    ("MON_1", 131098),
    ("MON_10", 131107),
    ("MON_11", 131108),
    ("MON_12", 131109),
    ("MON_2", 131099),
    ("MON_3", 131100),
    ("MON_4", 131101),
    ("MON_5", 131102),
    ("MON_6", 131103),
    ("MON_7", 131104),
    ("MON_8", 131105),
    ("MON_9", 131106),
    ("NOEXPR", 327681),
    ("PM_STR", 131111),
    ("RADIXCHAR", 65536),
    ("THOUSEP", 65537),
    ("T_FMT", 131114),
    ("T_FMT_AMPM", 131115),
    ("YESEXPR", 327680),
    ("_DATE_FMT", 131180),
];

static ADOPTED: std::sync::Once = std::sync::Once::new();

/// The character set of the locale, once programs can change it.
pub(crate) fn charset() -> Option<String> {
    ADOPTED.is_completed().then(|| String::from_utf8_lossy(&system::nl_langinfo(libc::CODESET)).into_owned())
}

/// Sets the locale of characters from the environment, as CPython does when it starts; where that is C's, one of UTF-8
/// takes its place (PEP 538).
fn adopt_environment() {
    ADOPTED.call_once(|| {
        let named = system::setlocale(libc::LC_CTYPE, Some(c""));
        let is_c = named.is_none_or(|name| name == b"C");
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if is_c && !is_set("LC_ALL") && standard::may_coerce() {
            let _ = [c"C.UTF-8", c"C.utf8", c"UTF-8"]
                .into_iter()
                .find_map(|name| system::setlocale(libc::LC_CTYPE, Some(name)));
        }
    });
}

static ERROR: ModuleException = ModuleException::new("locale", "Error", &[&EXCEPTION]);

#[cold]
fn error(message: &str) -> Raised {
    ERROR.message(message)
}

/// Text in the locale's encoding. As `PyUnicode_DecodeLocale`.
fn decode(text: &[u8]) -> PyResult<Value> {
    match system::decode(text) {
        Ok(codes) => Ok(Str::from_codes(&codes)),
        Err(at) => Err(unicode_errors::decode_error("locale", text, at, at + 1, "decoding error")),
    }
}

/// Text for the C library.
fn c_string(text: &Value) -> PyResult<CString> {
    let bytes = codecs::encode_native(text, Encoding::Utf8, None)?;
    CString::new(bytes).map_err(|_| value_error("embedded null character"))
}

/// An argument that is a str or None: the format unit `z`.
struct Name(Option<CString>);

impl FromArg for Name {
    type Out<'a> = Name;
    fn from_arg(value: &Value, at: At) -> PyResult<Name> {
        if value.is_none() {
            return Ok(Name(None));
        }
        match value.downcast::<Str>() {
            Some(_) => c_string(value).map(|name| Name(Some(name))),
            None => Err(at.wrong_type("str or None", value)),
        }
    }
}

fn setlocale(category: i32, locale: Option<Name>) -> PyResult<Value> {
    match locale {
        Some(Name(Some(name))) => match system::setlocale(category, Some(&name)) {
            Some(result) => decode(&result),
            None => Err(error("unsupported locale setting")),
        },
        _ => match system::setlocale(category, None) {
            Some(result) => decode(&result),
            None => Err(error("locale query failed")),
        },
    }
}

/// Text in the encoding of a category: while it is decoded, the locale of characters is that of the category.
fn decode_in(category: i32, texts: &[&[u8]]) -> PyResult<Vec<Value>> {
    let current = system::setlocale(libc::LC_CTYPE, None).and_then(|name| CString::new(name).ok());
    let wanted = system::setlocale(category, None).and_then(|name| CString::new(name).ok());
    let is_changed = texts.iter().any(|text| !text.is_ascii()) && wanted != current;
    if is_changed {
        let _ = system::setlocale(libc::LC_CTYPE, wanted.as_deref());
    }
    let decoded = texts.iter().map(|text| decode(text)).collect();
    if is_changed && let Some(current) = &current {
        let _ = system::setlocale(libc::LC_CTYPE, Some(current));
    }
    decoded
}

/// The sizes of groups of digits, and how the list ends: with 0 or `CHAR_MAX`.
fn grouping(sizes: &[u8]) -> Value {
    let mut items = Vec::new();
    if !sizes.is_empty() {
        for &size in sizes.iter().chain(&[0]) {
            items.push(Value::int((size as i8).into()));
            if size == 0 || size == 127 {
                break;
            }
        }
    }
    List::from_vec(items)
}

fn localeconv() -> PyResult<Value> {
    let conventions = system::localeconv();
    let result = Dict::new_value();
    let Some(dict) = result.exact::<Dict>() else { return Ok(result) };
    let [
        int_curr_symbol,
        currency_symbol,
        mon_decimal_point,
        mon_thousands_sep,
        positive_sign,
        negative_sign,
        decimal_point,
        thousands_sep,
    ] = &conventions.texts;
    let [mon_grouping, numeric_grouping] = &conventions.groupings;
    let set = |names: &[&str], values: Vec<Value>| {
        for (name, value) in names.iter().zip(values) {
            dict.set_text(name, value);
        }
    };
    let monetary: [&[u8]; 4] = [int_curr_symbol, currency_symbol, mon_decimal_point, mon_thousands_sep];
    set(
        &["int_curr_symbol", "currency_symbol", "mon_decimal_point", "mon_thousands_sep"],
        decode_in(libc::LC_MONETARY, &monetary)?,
    );
    dict.set_text("mon_grouping", grouping(mon_grouping));
    set(&["positive_sign", "negative_sign"], vec![decode(positive_sign)?, decode(negative_sign)?]);
    let names = [
        "int_frac_digits",
        "frac_digits",
        "p_cs_precedes",
        "p_sep_by_space",
        "n_cs_precedes",
        "n_sep_by_space",
        "p_sign_posn",
        "n_sign_posn",
    ];
    set(&names, conventions.numbers.iter().map(|&number| Value::int(number.into())).collect());
    set(&["decimal_point", "thousands_sep"], decode_in(libc::LC_NUMERIC, &[decimal_point, thousands_sep])?);
    dict.set_text("grouping", grouping(numeric_grouping));
    Ok(result)
}

fn nl_langinfo(key: i32) -> PyResult<Value> {
    if !ITEMS.iter().any(|&(_, item)| item == key) {
        return Err(value_error("unsupported langinfo constant"));
    }
    decode(&system::nl_langinfo(key))
}

fn wide(text: &Str) -> PyResult<WideString> {
    WideString::new(text.chars().iter()).ok_or_else(|| value_error("embedded null character"))
}

fn strcoll(left: &Str, right: &Str) -> PyResult<Value> {
    Ok(Value::int(system::strcoll(&wide(left)?, &wide(right)?).into()))
}

fn strxfrm(string: &Str) -> PyResult<Value> {
    let codes = system::strxfrm(&wide(string)?).map_err(|errno| os_error::from_errno(errno, None))?;
    match codes.iter().find(|&&code| code > 0x10_ffff) {
        Some(code) => Err(value_error(format!("character U+{code:x} is not in range [U+0000; U+10ffff]"))),
        None => Ok(Str::from_codes(&codes)),
    }
}

/// Checks the number of arguments of a function that shows no name in its errors.
fn checked<'a, const N: usize>(name: &str, args: &'a [Value], kwnames: Option<&Value>) -> PyResult<&'a [Value; N]> {
    no_keywords(name, kwnames)?;
    check_parsed_count(args.len(), N, N)?;
    args.first_chunk::<N>().ok_or_else(|| value_error("too few arguments"))
}

/// The format unit `s`.
fn text(number: usize, value: &Value) -> PyResult<CString> {
    match value.downcast::<Str>() {
        Some(_) => c_string(value),
        None => Err(wrong_parsed(number, "str", value)),
    }
}

/// The format unit `z`.
fn text_or_none(number: usize, value: &Value) -> PyResult<Option<CString>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.downcast::<Str>() {
        Some(_) => c_string(value).map(Some),
        None => Err(wrong_parsed(number, "str or None", value)),
    }
}

fn gettext(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [message] = checked("gettext", args, kwnames)?;
    decode(&system::translated(None, &text(1, message)?, None))
}

fn dgettext(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [domain, message] = checked("dgettext", args, kwnames)?;
    let (domain, message) = (text_or_none(1, domain)?, text(2, message)?);
    decode(&system::translated(Some(domain.as_deref()), &message, None))
}

fn dcgettext(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [domain, message, category] = checked("dcgettext", args, kwnames)?;
    let (domain, message) = (text_or_none(1, domain)?, text(2, message)?);
    decode(&system::translated(Some(domain.as_deref()), &message, Some(c_int(category, true)?)))
}

fn textdomain(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [domain] = checked("textdomain", args, kwnames)?;
    let domain = text_or_none(1, domain)?;
    match system::domain(domain.as_deref()) {
        Some(name) => decode(&name),
        None => Err(os_error::from_errno(libc::ENOMEM, None)),
    }
}

fn bindtextdomain(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [domain, directory] = checked("bindtextdomain", args, kwnames)?;
    let domain: CString = text(1, domain)?;
    let domain: &CStr = &domain;
    if domain.is_empty() {
        return Err(error("domain must be a non-empty string"));
    }
    let directory = if directory.is_none() { None } else { Some(path::to_c_string(directory)?) };
    match system::bind_domain(domain, directory.as_ref()) {
        Ok(directory) => decode(&directory),
        Err(errno) => Err(os_error::from_errno(errno, None)),
    }
}

fn bind_textdomain_codeset(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [domain, codeset] = checked("bind_textdomain_codeset", args, kwnames)?;
    let (domain, codeset) = (text(1, domain)?, text_or_none(2, codeset)?);
    match system::bind_codeset(&domain, codeset.as_deref()) {
        Some(codeset) => decode(&codeset),
        None => Ok(Value::NONE),
    }
}
