//! `UnicodeEncodeError`, `UnicodeDecodeError` and `UnicodeTranslateError`: their fields, `__init__` and `__str__`.

use crate::object::error::{PyResult, Raised};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::Value;
use crate::object::{TypeObject, call, number, text};
use crate::types::bytes::{Bytes, buffer_of};
use crate::types::exceptions::{
    BASE_EXCEPTION, BaseException, UNICODE_DECODE_ERROR, UNICODE_ENCODE_ERROR, UNICODE_TRANSLATE_ERROR, instantiate,
    type_error,
};
use crate::types::str::{Str, StrBuilder, state_index};
use crate::types::{float, int};

const ENCODING: usize = 0;
const OBJECT: usize = 1;
const START: usize = 2;
const END: usize = 3;
const REASON: usize = 4;

/// The fields of all three classes.
pub(crate) const FIELDS: &[GetSet] = &[
    GetSet {
        name: "encoding",
        get: get::<ENCODING>,
        set: Some(set::<ENCODING>),
        doc: Some("exception encoding"),
        member: true,
    },
    GetSet {
        name: "object",
        get: get::<OBJECT>,
        set: Some(set::<OBJECT>),
        doc: Some("exception object"),
        member: true,
    },
    GetSet {
        name: "start",
        get: get_index::<START>,
        set: Some(set_index::<START>),
        doc: Some("exception start"),
        member: true,
    },
    GetSet {
        name: "end",
        get: get_index::<END>,
        set: Some(set_index::<END>),
        doc: Some("exception end"),
        member: true,
    },
    GetSet {
        name: "reason",
        get: get::<REASON>,
        set: Some(set::<REASON>),
        doc: Some("exception reason"),
        member: true,
    },
];

/// The slots of `UnicodeEncodeError`.
pub(crate) const ENCODE_SLOTS: Slots = Slots { init: Some(init_encode), str: Some(str_encode), ..Slots::EMPTY };
/// The slots of `UnicodeDecodeError`.
pub(crate) const DECODE_SLOTS: Slots = Slots { init: Some(init_decode), str: Some(str_decode), ..Slots::EMPTY };
/// The slots of `UnicodeTranslateError`.
pub(crate) const TRANSLATE_SLOTS: Slots =
    Slots { init: Some(init_translate), str: Some(str_translate), ..Slots::EMPTY };

fn body(this: &Value) -> PyResult<&BaseException> {
    this.downcast::<BaseException>().ok_or_else(|| type_error("expected an exception"))
}

fn get<const FIELD: usize>(this: &Value) -> PyResult<Value> {
    Ok(body(this)?.field(FIELD).unwrap_or(Value::NONE))
}

fn set<const FIELD: usize>(this: &Value, value: Option<&Value>) -> PyResult<()> {
    body(this)?.set_field(FIELD, value.cloned().unwrap_or(Value::NONE));
    Ok(())
}

fn get_index<const FIELD: usize>(this: &Value) -> PyResult<Value> {
    Ok(body(this)?.field(FIELD).filter(|value| !value.is_none()).unwrap_or_else(|| Value::int(0)))
}

fn set_index<const FIELD: usize>(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(type_error("can't delete numeric/char attribute")) };
    body(this)?.set_field(FIELD, Value::int(state_index(value)? as i64));
    Ok(())
}

/// A field that has to be a str.
fn text_argument(args: &[Value], index: usize) -> PyResult<Value> {
    match args.get(index) {
        Some(value) if value.downcast::<Str>().is_some() => Ok(value.clone()),
        Some(value) => {
            let found = if value.is_none() { "None" } else { value.ty().name() };
            Err(type_error(format!("argument {} must be str, not {found}", index + 1)))
        }
        None => Err(type_error("missing argument")),
    }
}

/// A field that is an index.
fn index_argument(args: &[Value], index: usize) -> PyResult<Value> {
    let Some(value) = args.get(index) else { return Err(type_error("missing argument")) };
    if value.is_small_float() || value.downcast::<float::Float>().is_some() {
        return Err(type_error("integer argument expected, got float"));
    }
    Ok(Value::int(number::index_to_isize(value)? as i64))
}

/// As `BaseException.__init__`, then the number of arguments.
fn init_base(this: &Value, args: &[Value], kwnames: Option<&Value>, count: usize) -> PyResult<()> {
    if let Some(init) = BASE_EXCEPTION.slot(|slots| slots.init) {
        init(this, args, kwnames)?;
    }
    let positional = call::split_keywords(args, kwnames).0;
    if positional.len() == count {
        return Ok(());
    }
    Err(type_error(format!("function takes exactly {count} arguments ({} given)", positional.len())))
}

fn fill(this: &Value, fields: [Value; 5]) -> PyResult<()> {
    let this = body(this)?;
    for (index, value) in fields.into_iter().enumerate() {
        this.set_field(index, value);
    }
    Ok(())
}

fn init_encode(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    init_base(this, args, kwnames, 5)?;
    let encoding = text_argument(args, 0)?;
    let object = text_argument(args, 1)?;
    let (start, end) = (index_argument(args, 2)?, index_argument(args, 3)?);
    fill(this, [encoding, object, start, end, text_argument(args, 4)?])
}

fn init_decode(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    init_base(this, args, kwnames, 5)?;
    let encoding = text_argument(args, 0)?;
    let (start, end) = (index_argument(args, 2)?, index_argument(args, 3)?);
    let reason = text_argument(args, 4)?;
    let object = match args.get(1) {
        Some(object) if object.downcast::<Bytes>().is_some() => object.clone(),
        Some(object) => Bytes::new_value(&buffer_of(object)?),
        None => return Err(type_error("missing argument")),
    };
    fill(this, [encoding, object, start, end, reason])
}

fn init_translate(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    init_base(this, args, kwnames, 4)?;
    let object = text_argument(args, 0)?;
    let (start, end) = (index_argument(args, 1)?, index_argument(args, 2)?);
    fill(this, [Value::NONE, object, start, end, text_argument(args, 3)?])
}

/// The fields as `__str__` shows them; `None` before `__init__`.
struct Shown {
    encoding: Value,
    object: Value,
    start: i64,
    end: i64,
    reason: Value,
}

fn shown(this: &Value) -> PyResult<Option<Shown>> {
    let fields = body(this)?;
    let field = |index: usize| fields.field(index).unwrap_or(Value::NONE);
    if field(OBJECT).is_none() {
        return Ok(None);
    }
    let index = |at: usize| int::to_i64(&field(at)).unwrap_or(0);
    Ok(Some(Shown {
        encoding: text::str(&field(ENCODING))?,
        object: field(OBJECT),
        start: index(START),
        end: index(END),
        reason: text::str(&field(REASON))?,
    }))
}

impl Shown {
    /// The position, when it is a single one within the object.
    fn single(&self, len: usize) -> Option<usize> {
        usize::try_from(self.start).ok().filter(|&start| start < len && self.end.checked_sub(1) == Some(self.start))
    }

    fn message(&self, verb: &str, what: (&str, &str), bad: Option<String>) -> Value {
        let mut out = StrBuilder::new();
        let push = |out: &mut StrBuilder, value: &Value| {
            if let Some(text) = value.downcast::<Str>() {
                out.push_value(text);
            }
        };
        if verb != "translate" {
            out.push_str("'");
            push(&mut out, &self.encoding);
            out.push_str("' codec ");
        }
        out.push_str(&format!("can't {verb} "));
        match bad {
            Some(bad) => out.push_str(&format!("{} {bad} in position {}: ", what.0, self.start)),
            None => {
                let last = self.end.saturating_sub(1);
                out.push_str(&format!("{} in position {}-{last}: ", what.1, self.start));
            }
        }
        push(&mut out, &self.reason);
        out.finish()
    }

    fn bad_character(&self) -> Option<String> {
        let object = self.object.downcast::<Str>()?;
        let code = object.chars().get(self.single(object.len())?)?;
        Some(match code {
            0..0x100 => format!("'\\x{code:02x}'"),
            0x100..0x10000 => format!("'\\u{code:04x}'"),
            _ => format!("'\\U{code:08x}'"),
        })
    }

    fn bad_byte(&self) -> Option<String> {
        let object = self.object.downcast::<Bytes>()?.as_slice();
        object.get(self.single(object.len())?).map(|byte| format!("0x{byte:02x}"))
    }
}

fn str_encode(this: &Value) -> PyResult<Value> {
    Ok(match shown(this)? {
        Some(shown) => shown.message("encode", ("character", "characters"), shown.bad_character()),
        None => Str::new_value(""),
    })
}

fn str_decode(this: &Value) -> PyResult<Value> {
    Ok(match shown(this)? {
        Some(shown) => shown.message("decode", ("byte", "bytes"), shown.bad_byte()),
        None => Str::new_value(""),
    })
}

fn str_translate(this: &Value) -> PyResult<Value> {
    Ok(match shown(this)? {
        Some(shown) => shown.message("translate", ("character", "characters"), shown.bad_character()),
        None => Str::new_value(""),
    })
}

fn make(ty: &TypeObject, encoding: &str, object: Value, start: usize, end: usize, reason: &str) -> Raised {
    let fields =
        [Str::new_value(encoding), object, Value::int(start as i64), Value::int(end as i64), Str::new_value(reason)];
    let args = if std::ptr::eq(ty, &UNICODE_TRANSLATE_ERROR) { &fields[1..] } else { &fields[..] };
    let exception = instantiate(ty, args.to_vec());
    if let Some(body) = exception.downcast::<BaseException>() {
        for (index, value) in fields.into_iter().enumerate() {
            body.set_field(index, value);
        }
    }
    Raised::new(exception)
}

/// `UnicodeEncodeError(encoding, text, start, end, reason)`.
#[cold]
pub fn encode_error(encoding: &str, text: &Value, start: usize, end: usize, reason: &str) -> Raised {
    make(&UNICODE_ENCODE_ERROR, encoding, text.clone(), start, end, reason)
}

/// `UnicodeDecodeError(encoding, data, start, end, reason)`.
#[cold]
pub fn decode_error(encoding: &str, data: &[u8], start: usize, end: usize, reason: &str) -> Raised {
    make(&UNICODE_DECODE_ERROR, encoding, Bytes::new_value(data), start, end, reason)
}
