//! `_json.make_encoder`: writes values as JSON text.

use super::MODULE;
use super::escape::Output;
use crate::gc::Visit;
use crate::modules::arguments::{bind, body, class_or};
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, ssize, thunk};
use crate::object::scalar::unsigned;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, call};
use crate::types::builtin_function::BuiltinFunction;
use crate::types::dict::Dict;
use crate::types::exceptions::{TYPE_ERROR, is_instance, type_error, value_error};
use crate::types::float;
use crate::types::int::{self, Num};
use crate::types::list::{self, List};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::thread;

/// How strings are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strings {
    /// As `encode_basestring_ascii` does.
    Ascii,
    /// As `encode_basestring` does.
    Any,
    /// By calling a function.
    Custom,
}

/// The body of an encoder.
#[repr(C)]
pub struct Encoder {
    header: Header,
    markers: Value,
    default: Value,
    encoder: Value,
    indent: Value,
    key_separator: Value,
    item_separator: Value,
    sort_keys: bool,
    skipkeys: bool,
    allow_nan: bool,
    strings: Strings,
}

payload!(Encoder, ENCODER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        for value in
            [&self.markers, &self.default, &self.encoder, &self.indent, &self.key_separator, &self.item_separator]
        {
            visit(value);
        }
    }
});

/// The type object of encoders.
pub static ENCODER: TypeObject = TypeObject::define::<Encoder>("_json.Encoder")
    .slots(Slots {
        new: Some(|class, args, kwnames| bind(&NEW, class, args, kwnames)),
        call: Some(|this, args, kwnames| bind(&ITERENCODE, this, args, kwnames)),
        ..Slots::EMPTY
    })
    .getset(&[
        GetSet::member("markers", |this| Ok(body::<Encoder>(this)?.markers.clone())).with_doc("markers"),
        GetSet::member("default", |this| Ok(body::<Encoder>(this)?.default.clone())).with_doc("default"),
        GetSet::member("encoder", |this| Ok(body::<Encoder>(this)?.encoder.clone())).with_doc("encoder"),
        GetSet::member("indent", |this| Ok(body::<Encoder>(this)?.indent.clone())).with_doc("indent"),
        GetSet::member("key_separator", |this| Ok(body::<Encoder>(this)?.key_separator.clone()))
            .with_doc("key_separator"),
        GetSet::member("item_separator", |this| Ok(body::<Encoder>(this)?.item_separator.clone()))
            .with_doc("item_separator"),
        GetSet::member("sort_keys", |this| Ok(Value::bool(body::<Encoder>(this)?.sort_keys))).with_doc("sort_keys"),
        GetSet::member("skipkeys", |this| Ok(Value::bool(body::<Encoder>(this)?.skipkeys))).with_doc("skipkeys"),
    ])
    .doc("_iterencode(obj, _current_indent_level) -> iterable");

static NEW: Function = Function::new(
    "%make_encoder($type, markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
    "",
    |function, args| {
        let [class, markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan] =
            args
        else {
            return Err(type_error("make_encoder() takes 9 arguments"));
        };
        new(
            function,
            class,
            [markers, default, encoder, indent],
            [key_separator, item_separator],
            [sort_keys, skipkeys, allow_nan],
        )
    },
);
static ITERENCODE: Function = Function::new("%_iterencode($self, obj, _current_indent_level)", "", thunk(iterencode));

fn new(
    function: &'static Function,
    class: &Value,
    values: [&Value; 4],
    separators: [&Value; 2],
    flags: [&Value; 3],
) -> PyResult<Value> {
    for (index, separator) in separators.into_iter().enumerate() {
        <&Str as crate::object::native::FromArg>::from_arg(
            separator,
            crate::object::native::At::new(function, 5 + index),
        )?;
    }
    let mut truths = [false; 3];
    for (truth, flag) in truths.iter_mut().zip(flags) {
        *truth = crate::object::number::truth(flag)?;
    }
    let [sort_keys, skipkeys, allow_nan] = truths;
    let [markers, default, encoder, indent] = values.map(Value::clone);
    let [key_separator, item_separator] = separators.map(Value::clone);
    if !markers.is_none() && markers.downcast::<Dict>().is_none() {
        let found = markers.ty().name();
        return Err(type_error(format!("make_encoder() argument 1 must be dict or None, not {found}")));
    }
    let native = encoder.exact::<BuiltinFunction>().and_then(BuiltinFunction::function);
    let is = |index: usize| {
        native.zip(MODULE.functions.get(index)).is_some_and(|(native, own)| std::ptr::eq(native, &own.function))
    };
    let strings = match () {
        () if is(0) => Strings::Ascii,
        () if is(1) => Strings::Any,
        () => Strings::Custom,
    };
    let ty = class_or(class, &ENCODER);
    Ok(new_instance(
        ty,
        Encoder {
            header: Header::new(ty),
            markers,
            default,
            encoder,
            indent,
            key_separator,
            item_separator,
            sort_keys,
            skipkeys,
            allow_nan,
            strings,
        },
    ))
}

fn iterencode(this: &Encoder, object: &Value, level: &Value) -> PyResult<Value> {
    ssize(level)?;
    let (Some(item_separator), Some(key_separator)) =
        (this.item_separator.downcast::<Str>(), this.key_separator.downcast::<Str>())
    else {
        return Err(type_error("separators must be strings"));
    };
    let mut writer = Writer {
        encoder: this,
        item_separator,
        key_separator,
        markers: this.markers.downcast::<Dict>(),
        output: Output::new(),
        open: Vec::new(),
        marked: 0,
    };
    writer.value(object)?;
    Ok(List::from_vec(vec![writer.output.finish()]))
}

/// The ids of this many open containers are compared one by one; those of more are kept in the dict of markers.
const FEW: usize = 32;

/// Text that is being written.
struct Writer<'a> {
    encoder: &'a Encoder,
    item_separator: &'a Str,
    key_separator: &'a Str,
    /// The ids of what is being written, to find what contains itself.
    markers: Option<&'a Dict>,
    output: Output,
    /// The same as `markers` would hold, which is filled only when Python code could see it.
    open: Vec<Value>,
    /// How many of `open` are in `markers`.
    marked: usize,
}

#[cold]
fn circular() -> Raised {
    value_error("Circular reference detected")
}

impl Writer<'_> {
    /// Notes that an object is being written.
    fn enter(&mut self, object: &Value) -> PyResult<()> {
        let Some(markers) = self.markers else { return Ok(()) };
        if self.open.len() < FEW {
            if self.open.iter().any(|open| open.is(object)) {
                return Err(circular());
            }
        } else {
            self.mark()?;
        }
        if !markers.is_empty() && markers.get(&unsigned(object.bits()))?.is_some() {
            return Err(circular());
        }
        self.open.push(object.clone());
        Ok(())
    }

    /// Ends what [`Writer::enter`] began.
    fn leave(&mut self) -> PyResult<()> {
        let Some(markers) = self.markers else { return Ok(()) };
        if let Some(object) = self.open.pop()
            && self.marked > self.open.len()
        {
            self.marked = self.open.len();
            let id = unsigned(object.bits());
            if markers.remove(&id)?.is_none() {
                return Err(crate::types::exceptions::key_error(&id));
            }
        }
        Ok(())
    }

    /// Fills the dict of markers, before Python code runs.
    fn mark(&mut self) -> PyResult<()> {
        if let Some(markers) = self.markers {
            for object in self.open.get(self.marked..).unwrap_or_default() {
                markers.set(&unsigned(object.bits()), object.clone())?;
            }
            self.marked = self.open.len();
        }
        Ok(())
    }

    fn value(&mut self, value: &Value) -> PyResult<()> {
        if let Some(text) = value.exact::<Str>() {
            return self.string(value, text);
        }
        if let Some(small) = value.as_small_int() {
            self.small_int(small);
            return Ok(());
        }
        if value.is_none() {
            self.output.push_ascii(b"null");
        } else if value.is_true() {
            self.output.push_ascii(b"true");
        } else if value.is_false() {
            self.output.push_ascii(b"false");
        } else if let Some(number) = value.as_small_float() {
            return self.float(number);
        } else if let Some(text) = value.downcast::<Str>() {
            return self.string(value, text);
        } else if let Some(number) = int::num(value) {
            return self.int(number);
        } else if let Some(number) = float::to_f64(value) {
            return self.float(number);
        } else if value.downcast::<List>().is_some() || value.downcast::<Tuple>().is_some() {
            let _depth = thread::enter_recursion(" while encoding a JSON object")?;
            return self.array(value);
        } else if let Some(dict) = value.downcast::<Dict>() {
            let _depth = thread::enter_recursion(" while encoding a JSON object")?;
            return self.object(value, dict);
        } else {
            return self.other(value);
        }
        Ok(())
    }

    /// Writes what the encoder's `default` makes of a value.
    #[cold]
    fn other(&mut self, value: &Value) -> PyResult<()> {
        self.enter(value)?;
        self.mark()?;
        let substitute = call::call(&self.encoder.default, std::slice::from_ref(value))?;
        {
            let _depth = thread::enter_recursion(" while encoding a JSON object")?;
            self.value(&substitute)?;
        }
        self.leave()
    }

    #[inline]
    fn string(&mut self, value: &Value, text: &Str) -> PyResult<()> {
        match self.encoder.strings {
            Strings::Ascii => self.output.push_string(text, true),
            Strings::Any => self.output.push_string(text, false),
            Strings::Custom => return self.custom_string(value),
        }
        Ok(())
    }

    #[cold]
    fn custom_string(&mut self, value: &Value) -> PyResult<()> {
        self.mark()?;
        let encoded = call::call(&self.encoder.encoder, std::slice::from_ref(value))?;
        let Some(text) = encoded.downcast::<Str>() else {
            return Err(type_error(format!("encoder() must return a string, not {}", encoded.ty().name())));
        };
        self.output.push_chars(text.chars());
        Ok(())
    }

    #[inline]
    fn small_int(&mut self, value: i64) {
        let mut buffer = [0u8; 20];
        let mut rest = value.unsigned_abs();
        let mut start = buffer.len();
        for (index, place) in buffer.iter_mut().enumerate().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
            start = index;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            self.output.push_byte(b'-');
        }
        self.output.push_ascii(buffer.get(start..).unwrap_or_default());
    }

    fn int(&mut self, value: Num) -> PyResult<()> {
        let text = int::text::to_decimal(value)?;
        self.output.push_ascii(text.as_bytes());
        Ok(())
    }

    fn float(&mut self, value: f64) -> PyResult<()> {
        if !value.is_finite() {
            let text = self.not_finite(value)?;
            self.output.push_ascii(text.as_bytes());
        } else if !self.short_float(value) {
            self.output.push_ascii(float::repr(value).as_bytes());
        }
        Ok(())
    }

    fn not_finite(&self, value: f64) -> PyResult<&'static str> {
        if !self.encoder.allow_nan {
            return Err(value_error("Out of range float values are not JSON compliant"));
        }
        Ok(if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        })
    }

    /// Writes a float of few decimals; false when it is not such a one. A decimal of at most 15 digits that reads back as the
    /// same float is the shortest one, for there is but one.
    #[inline]
    fn short_float(&mut self, value: f64) -> bool {
        const SCALES: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
        let magnitude = value.abs();
        if !(1e-3..1e15).contains(&magnitude) {
            return false;
        }
        for (decimals, scale) in SCALES.into_iter().enumerate() {
            let scaled = (magnitude * scale).round_ties_even();
            if scaled >= 1e15 {
                return false;
            }
            // Both are exact, so the quotient is the float nearest to the decimal.
            if scaled / scale != magnitude {
                continue;
            }
            let mut rest = scaled as u64;
            let mut buffer = [b'0'; 24];
            let mut start = buffer.len();
            let decimals = decimals.max(1);
            if scale == 1.0 {
                rest *= 10;
            }
            for (index, place) in buffer.iter_mut().enumerate().rev() {
                start = index;
                if 23 - index == decimals {
                    *place = b'.';
                    continue;
                }
                *place = b'0' + (rest % 10) as u8;
                rest /= 10;
                if rest == 0 && 23 - index > decimals {
                    break;
                }
            }
            if value < 0.0 {
                self.output.push_byte(b'-');
            }
            self.output.push_ascii(buffer.get(start..).unwrap_or_default());
            return true;
        }
        false
    }

    fn array(&mut self, value: &Value) -> PyResult<()> {
        // A list that changes meanwhile is written as it then is; what derives from list or tuple is iterated over.
        if let Some(list) = value.exact::<List>() {
            let items = list.items();
            let Some(first) = items.get(0) else {
                self.output.push_ascii(b"[]");
                return Ok(());
            };
            self.enter(value)?;
            self.output.push_byte(b'[');
            self.value(&first)?;
            let mut index = 1;
            while let Some(item) = items.get(index) {
                self.output.push_chars(self.item_separator.chars());
                self.value(&item)?;
                index += 1;
            }
        } else {
            let collected;
            let items = match value.exact::<Tuple>() {
                Some(tuple) => tuple.as_slice(),
                None => {
                    self.mark()?;
                    collected = list::collect_or(value, "_iterencode_list needs a sequence")?;
                    collected.as_slice()
                }
            };
            let Some((first, rest)) = items.split_first() else {
                self.output.push_ascii(b"[]");
                return Ok(());
            };
            self.enter(value)?;
            self.output.push_byte(b'[');
            self.value(first)?;
            for item in rest {
                self.output.push_chars(self.item_separator.chars());
                self.value(item)?;
            }
        }
        self.leave()?;
        self.output.push_byte(b']');
        Ok(())
    }

    fn object(&mut self, value: &Value, dict: &Dict) -> PyResult<()> {
        if dict.is_empty() {
            self.output.push_ascii(b"{}");
            return Ok(());
        }
        self.enter(value)?;
        self.output.push_byte(b'{');
        let mut is_first = true;
        if value.is_exact::<Dict>() && !self.encoder.sort_keys {
            for (key, value) in dict.items() {
                self.member(&mut is_first, &key, &value)?;
            }
        } else {
            for item in self.items(value, dict)? {
                let Some([key, value]) = item.downcast::<Tuple>().map(Tuple::as_slice) else {
                    return Err(value_error("items must return 2-tuples"));
                };
                self.member(&mut is_first, key, value)?;
            }
        }
        self.leave()?;
        self.output.push_byte(b'}');
        Ok(())
    }

    /// The items of a dict that is to be sorted, or of what derives from dict.
    fn items(&mut self, value: &Value, dict: &Dict) -> PyResult<Vec<Value>> {
        let items: Vec<Value> = if value.is_exact::<Dict>() {
            dict.items().into_iter().map(|(key, value)| Tuple::from_array([key, value])).collect()
        } else {
            self.mark()?;
            let items = call::call_method(value, name!("items"), &[])?;
            list::collect(&items).map_err(|raised| match is_instance(&raised, &TYPE_ERROR) {
                true => type_error(format!(
                    "{}.items() returned a non-iterable (type {})",
                    value.ty().name(),
                    items.ty().name()
                )),
                false => raised,
            })?
        };
        if !self.encoder.sort_keys {
            return Ok(items);
        }
        self.mark()?;
        let sorted = List::from_vec(items);
        let Some(list) = sorted.exact::<List>() else { return Ok(Vec::new()) };
        list.sort(None, false)?;
        Ok(list.items().snapshot())
    }

    #[inline]
    fn member(&mut self, is_first: &mut bool, key: &Value, value: &Value) -> PyResult<()> {
        let made;
        let (key, text) = match key.downcast::<Str>() {
            Some(text) => (key, text),
            None => {
                let Some(name) = self.key(key)? else { return Ok(()) };
                made = name;
                match made.downcast::<Str>() {
                    Some(text) => (&made, text),
                    None => return Ok(()),
                }
            }
        };
        if !*is_first {
            self.output.push_chars(self.item_separator.chars());
        }
        *is_first = false;
        self.string(key, text)?;
        self.output.push_chars(self.key_separator.chars());
        self.value(value)
    }

    /// The name for a key that is no str; none for one that is left out.
    #[cold]
    fn key(&self, key: &Value) -> PyResult<Option<Value>> {
        let text = if let Some(number) = float::to_f64(key) {
            if number.is_finite() { float::repr(number) } else { self.not_finite(number)?.to_owned() }
        } else if key.is_true() {
            "true".to_owned()
        } else if key.is_false() {
            "false".to_owned()
        } else if key.is_none() {
            "null".to_owned()
        } else if let Some(number) = int::num(key) {
            int::text::to_decimal(number)?
        } else if self.encoder.skipkeys {
            return Ok(None);
        } else {
            let found = key.ty().name();
            return Err(type_error(format!("keys must be str, int, float, bool or None, not {found}")));
        };
        Ok(Some(Str::new_value(&text)))
    }
}
