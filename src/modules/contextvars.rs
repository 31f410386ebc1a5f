//! The module `_contextvars`: context variables, the contexts that hold their values, and tokens that take a setting back.
//!
//! A context's values are a dict that contexts share until one of them changes it.

use crate::gc::Visit;
use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Payload, Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, call, compare, hash, repr_guard, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{
    LOOKUP_ERROR, key_error, raise_value, runtime_error, system_error, type_error, value_error,
};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::thread;
use std::cell::Cell;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_contextvars",
    doc: "Context Variables",
    functions: &[method!(copy_context, "copy_context($module, /)", "")],
    fill: |dict| {
        dict.set_text("Context", CONTEXT.value());
        dict.set_text("ContextVar", CONTEXT_VAR.value());
        dict.set_text("Token", TOKEN.value());
        let missing = new_object(Missing { header: Header::new(&MISSING) });
        if let Some(own) = TOKEN.dict().as_ref().and_then(|own| own.downcast::<Dict>()) {
            own.set_text("MISSING", missing.clone());
            own.set_text("__hash__", Value::NONE);
        }
        TOKEN.modified();
        THE_MISSING.get().set(Some(missing));
        Ok(())
    },
};

/// `Token.MISSING`, once the module is made.
static THE_MISSING: crate::object::gil::GilCell<ValueCell> = crate::object::gil::GilCell::new(ValueCell::EMPTY);

/// The body of a context.
#[repr(C)]
pub struct Context {
    header: Header,
    /// A dict of the values by variable; never changed while another context shares it.
    values: ValueCell,
    /// What the thread ran in before.
    previous: ValueCell,
    entered: Cell<bool>,
}

payload!(Context, CONTEXT, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.values.visit(visit);
        self.previous.visit(visit);
    }
    fn clear_references(&self) {
        drop((self.values.replace(Some(Dict::new_value())), self.previous.take()));
    }
});

/// The type object of contexts.
pub static CONTEXT: TypeObject = TypeObject::define::<Context>("Context")
    .with_weakrefs()
    .slots(Slots {
        new: Some(|_, args, _| {
            if args.is_empty() {
                Ok(context_of(Dict::new_value()))
            } else {
                Err(type_error("Context() does not accept any arguments"))
            }
        }),
        compare: Some(compare_contexts),
        length: Some(|this| Ok(values(this)?.downcast::<Dict>().map_or(0, Dict::len))),
        contains: Some(|this, key| Ok(find(this, key)?.is_some())),
        getitem: Some(|this, key| find(this, key)?.ok_or_else(|| key_error(key))),
        iter: Some(keys),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(
            get,
            "get($self, key, default=None, /)",
            "Return the value for `key` if `key` has the value in the context object.\n\nIf `key` does not exist, return `default`. If `default` is not given,\nreturn None."
        ),
        method!(
            items,
            "items($self, /)",
            "Return all variables and their values in the context object.\n\nThe result is returned as a list of 2-tuples (variable, value)."
        ),
        method!(keys, "keys($self, /)", "Return a list of all variables in the context object."),
        method!(all_values, "values($self, /)", "Return a list of all variables' values in the context object."),
        method!(copy, "copy($self, /)", "Return a shallow copy of the context object."),
        method!(raw run, "!run($self, callable, /, *args, **kwargs)", ""),
    ]);

fn context_of(values: Value) -> Value {
    new_object(Context {
        header: Header::new(&CONTEXT),
        values: ValueCell::new(Some(values)),
        previous: ValueCell::EMPTY,
        entered: Cell::new(false),
    })
}

fn context(value: &Value) -> PyResult<&Context> {
    value.exact::<Context>().ok_or_else(|| type_error("an instance of Context was expected"))
}

fn values(this: &Value) -> PyResult<Value> {
    Ok(context(this)?.values.get().unwrap_or_else(Dict::new_value))
}

/// The running thread's context, which is made when it is first wanted.
fn current() -> Value {
    let cell = &thread::current().context;
    cell.get().unwrap_or_else(|| {
        let made = context_of(Dict::new_value());
        cell.set(Some(made.clone()));
        made
    })
}

fn variable(value: &Value) -> PyResult<&ContextVar> {
    match value.exact::<ContextVar>() {
        Some(variable) => Ok(variable),
        None => Err(type_error(format!("a ContextVar key was expected, got {}", text::repr_string(value)?))),
    }
}

fn find(this: &Value, key: &Value) -> PyResult<Option<Value>> {
    variable(key)?;
    let values = values(this)?;
    values.downcast::<Dict>().map_or(Ok(None), |values| values.get(key))
}

/// Changes a context's values: those it shares with others are copied first.
fn change<R>(context: &Context, change: impl FnOnce(&Dict) -> PyResult<R>) -> PyResult<R> {
    let mut values = context.values.take().unwrap_or_else(Dict::new_value);
    if !values.is_unshared() {
        match values.downcast::<Dict>().map_or_else(|| Ok(Dict::new_value()), Dict::copied) {
            Ok(own) => values = own,
            Err(raised) => {
                drop(context.values.replace(Some(values)));
                return Err(raised);
            }
        }
    }
    let result = match values.downcast::<Dict>() {
        Some(dict) => change(dict),
        None => Err(system_error("a context without a dict")),
    };
    drop(context.values.replace(Some(values)));
    result
}

fn compare_contexts(this: &Value, other: &Value, op: Compare) -> PyResult<Value> {
    if other.exact::<Context>().is_none() || this.exact::<Context>().is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let wanted = match op {
        Compare::Eq => true,
        Compare::Ne => false,
        _ => return Ok(Value::NOT_IMPLEMENTED),
    };
    let (mine, others) = (values(this)?, values(other)?);
    let equal = match (mine.downcast::<Dict>(), others.downcast::<Dict>()) {
        _ if mine.is(&others) => true,
        (Some(mine), Some(others)) if mine.len() == others.len() => {
            let mut equal = true;
            for (key, value) in mine.items() {
                let Some(other) = others.get(&key)? else {
                    equal = false;
                    break;
                };
                if !compare::holds(&value, &other, Compare::Eq)? {
                    equal = false;
                    break;
                }
            }
            equal
        }
        _ => false,
    };
    Ok(Value::bool(equal == wanted))
}

fn get(this: &Value, key: &Value, default: Option<&Value>) -> PyResult<Value> {
    Ok(find(this, key)?.unwrap_or_else(|| default.cloned().unwrap_or(Value::NONE)))
}

fn copy(this: &Value) -> PyResult<Value> {
    Ok(context_of(values(this)?))
}

/// A copy of the running thread's context, as `PyContext_CopyCurrent`.
pub(crate) fn copy_context() -> PyResult<Value> {
    copy(&current())
}

/// `Context.run(callable, *args, **kwargs)`.
fn run(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some((this, rest)) = args.split_first() else {
        return Err(type_error("descriptor 'run' of 'Context' object needs an argument"));
    };
    let named = kwnames.and_then(|names| names.exact::<Tuple>()).map_or(0, Tuple::len);
    let body = context(this)?;
    let Some((callable, rest)) = rest.split_first().filter(|_| rest.len() > named) else {
        return Err(type_error("run() missing 1 required positional argument"));
    };
    if body.entered.get() {
        return Err(runtime_error(format!("cannot enter context: {} is already entered", text::repr_string(this)?)));
    }
    let cell = &thread::current().context;
    body.previous.set(cell.replace(Some(this.clone())));
    body.entered.set(true);
    let result = call::call_keywords(callable, rest, kwnames);
    let left = cell.replace(body.previous.take());
    body.entered.set(false);
    drop(left);
    result
}

/// What an iterator over a context shows.
const KEYS: u8 = 0;
const VALUES: u8 = 1;
const ITEMS: u8 = 2;

/// The body of an iterator over a context, of one of the kinds.
#[repr(C)]
pub struct ContextIterator<const KIND: u8> {
    header: Header,
    /// The dict, which does not change: whoever changes a context's values while they are shared copies them.
    values: ValueCell,
    position: Cell<usize>,
}

macro_rules! iterators {
    ($($name:ident $text:literal $kind:ident;)*) => {$(
        payload!(ContextIterator<$kind>, $name, {
            const GC: bool = true;
            fn traverse(&self, visit: Visit<'_>) {
                self.values.visit(visit);
            }
            fn clear_references(&self) {
                drop(self.values.take());
            }
        });

        /// The type object of a kind of iterators over contexts.
        pub static $name: TypeObject = TypeObject::define::<ContextIterator<$kind>>($text)
            .slots(Slots {
                iter: Some(|this| Ok(this.clone())),
                next: Some(next::<$kind>),
                length: Some(|this| {
                    let values = this.exact::<ContextIterator<$kind>>().and_then(|this| this.values.get());
                    Ok(values.as_ref().and_then(|values| values.downcast::<Dict>()).map_or(0, Dict::len))
                }),
                getattr: Some(attribute::generic_get),
                ..Slots::EMPTY
            });
    )*};
}

iterators! {
    KEY_ITERATOR "keys" KEYS;
    VALUE_ITERATOR "values" VALUES;
    ITEM_ITERATOR "items" ITEMS;
}

fn next<const KIND: u8>(this: &Value) -> PyResult<Option<Value>>
where
    ContextIterator<KIND>: Payload,
{
    let Some(this) = this.exact::<ContextIterator<KIND>>() else { return Ok(None) };
    let Some(values) = this.values.get() else { return Ok(None) };
    let Some(dict) = values.downcast::<Dict>() else { return Ok(None) };
    let Some((at, key, value)) = dict.table().next_item(this.position.get()) else { return Ok(None) };
    this.position.set(at + 1);
    Ok(Some(match KIND {
        KEYS => key,
        VALUES => value,
        _ => Tuple::from_array([key, value]),
    }))
}

fn iterator<const KIND: u8>(this: &Value) -> PyResult<Value>
where
    ContextIterator<KIND>: Payload,
{
    Ok(new_object(ContextIterator::<KIND> {
        header: Header::new(ContextIterator::<KIND>::type_object()),
        values: ValueCell::new(Some(values(this)?)),
        position: Cell::new(0),
    }))
}

fn keys(this: &Value) -> PyResult<Value> {
    iterator::<KEYS>(this)
}

fn all_values(this: &Value) -> PyResult<Value> {
    iterator::<VALUES>(this)
}

fn items(this: &Value) -> PyResult<Value> {
    iterator::<ITEMS>(this)
}

/// The body of a context variable.
#[repr(C)]
pub struct ContextVar {
    header: Header,
    name: ValueCell,
    default: ValueCell,
}

payload!(ContextVar, CONTEXT_VAR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.name.visit(visit);
        self.default.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.default.take());
    }
});

/// The type object of context variables.
pub static CONTEXT_VAR: TypeObject = TypeObject::define::<ContextVar>("ContextVar")
    .slots(Slots {
        new: Some(new_variable),
        repr: Some(variable_repr),
        hash: Some(|this| Ok(hash::hash_identity(this))),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(
            variable_get,
            "get($self, default=<unrepresentable>, /)",
            "Return a value for the context variable for the current context.\n\nIf there is no value for the variable in the current context, the method will:\n * return the value of the default argument of the method, if provided; or\n * return the default value for the context variable, if it was created\n   with one; or\n * raise a LookupError."
        ),
        method!(
            variable_set,
            "set($self, value, /)",
            "Call to set a new value for the context variable in the current context.\n\nThe required value argument is the new value for the context variable.\n\nReturns a Token object that can be used to restore the variable to its previous\nvalue via the `ContextVar.reset()` method."
        ),
        method!(
            variable_reset,
            "reset($self, token, /)",
            "Reset the context variable.\n\nThe variable is reset to the value it had before the `ContextVar.set()` that\ncreated the token was used."
        ),
        method!(class class_getitem, "!__class_getitem__($type, key, /)", ""),
    ])
    .getset(&[GetSet {
        name: "name",
        get: |this| Ok(variable(this)?.name.get().unwrap_or(Value::NONE)),
        set: None,
        doc: None,
        member: true,
    }]);

fn class_getitem(class: &Value, _key: &Value) -> Value {
    class.clone()
}

fn new_variable(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (positional, keywords) = call::split_keywords(args, kwnames);
    let [name] = positional else {
        if args.len() > 2 {
            return Err(type_error(format!("ContextVar() takes at most 2 arguments ({} given)", args.len())));
        }
        let bound = if positional.is_empty() { "exactly" } else { "at most" };
        let given = positional.len();
        return Err(type_error(format!("ContextVar() takes {bound} 1 positional argument ({given} given)")));
    };
    let mut default = None;
    for (keyword, value) in keywords {
        match keyword.downcast::<Str>() {
            Some(keyword) if keyword.equals_str("default") => default = Some(value.clone()),
            _ => {
                return Err(type_error(format!(
                    "'{}' is an invalid keyword argument for ContextVar()",
                    text::str_string(keyword)?
                )));
            }
        }
    }
    if name.downcast::<Str>().is_none() {
        return Err(type_error("context variable name must be a str"));
    }
    Ok(new_object(ContextVar {
        header: Header::new(&CONTEXT_VAR),
        name: ValueCell::new(Some(name.clone())),
        default: ValueCell::new(default),
    }))
}

fn variable_repr(this: &Value) -> PyResult<Value> {
    let body = variable(this)?;
    let Some(_guard) = repr_guard::enter(this) else { return Ok(Str::new_value("...")) };
    let mut shown = format!("<ContextVar name={}", text::repr_string(&body.name.get().unwrap_or(Value::NONE))?);
    if let Some(default) = body.default.get() {
        shown.push_str(" default=");
        shown.push_str(&text::repr_string(&default)?);
    }
    Ok(Str::new_value(&format!("{shown} at {:#x}>", this.bits())))
}

fn variable_get(this: &Value, default: Option<&Value>) -> PyResult<Value> {
    let set = match thread::current().context.get() {
        Some(context) => find(&context, this)?,
        None => None,
    };
    if let Some(value) = set.or_else(|| default.cloned()) {
        return Ok(value);
    }
    variable(this)?.default.get().ok_or_else(|| raise_value(&LOOKUP_ERROR, this.clone()))
}

fn variable_set(this: &Value, value: &Value) -> PyResult<Value> {
    let running = current();
    let (replaced, key) = (change(context(&running)?, |values| values_swap(values, this, Some(value)))?, this.clone());
    Ok(new_object(Token {
        header: Header::new(&TOKEN),
        context: ValueCell::new(Some(running)),
        variable: ValueCell::new(Some(key)),
        old: ValueCell::new(replaced),
        used: Cell::new(false),
    }))
}

/// Sets or takes out a value: what was there.
fn values_swap(values: &Dict, key: &Value, value: Option<&Value>) -> PyResult<Option<Value>> {
    match value {
        Some(value) => {
            let old = values.get(key)?;
            values.set(key, value.clone())?;
            Ok(old)
        }
        None => values.remove(key),
    }
}

fn variable_reset(this: &Value, token: &Value) -> PyResult<()> {
    let Some(body) = token.exact::<Token>() else {
        return Err(type_error(format!("expected an instance of Token, got {}", text::repr_string(token)?)));
    };
    if body.used.get() {
        return Err(runtime_error(format!("{} has already been used once", text::repr_string(token)?)));
    }
    if !body.variable.get().is_some_and(|variable| variable.is(this)) {
        return Err(value_error(format!("{} was created by a different ContextVar", text::repr_string(token)?)));
    }
    let running = current();
    if !body.context.get().is_some_and(|context| context.is(&running)) {
        return Err(value_error(format!("{} was created in a different Context", text::repr_string(token)?)));
    }
    body.used.set(true);
    let old = body.old.get();
    let gone = change(context(&running)?, |values| {
        if old.is_none() && values.get(this)?.is_none() {
            return Err(raise_value(&LOOKUP_ERROR, this.clone()));
        }
        values_swap(values, this, old.as_ref())
    })?;
    drop(gone);
    Ok(())
}

/// The body of a token.
#[repr(C)]
pub struct Token {
    header: Header,
    context: ValueCell,
    variable: ValueCell,
    /// What the variable was set to before, if it was.
    old: ValueCell,
    used: Cell<bool>,
}

payload!(Token, TOKEN, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.context.visit(visit);
        self.variable.visit(visit);
        self.old.visit(visit);
    }
    fn clear_references(&self) {
        drop((self.context.take(), self.variable.take(), self.old.take()));
    }
});

/// The type object of tokens.
pub static TOKEN: TypeObject = TypeObject::define::<Token>("Token")
    .slots(Slots {
        new: Some(|_, _, _| Err(runtime_error("Tokens can only be created by ContextVars"))),
        repr: Some(token_repr),
        hash: Some(|this| Err(hash::unhashable(this))),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .getset(&[
        GetSet {
            name: "var",
            get: |this| Ok(token(this)?.variable.get().unwrap_or(Value::NONE)),
            set: None,
            doc: None,
            member: false,
        },
        GetSet {
            name: "old_value",
            get: |this| {
                let missing = || THE_MISSING.get().get().unwrap_or(Value::NONE);
                Ok(token(this)?.old.get().unwrap_or_else(missing))
            },
            set: None,
            doc: None,
            member: false,
        },
    ]);

fn token(value: &Value) -> PyResult<&Token> {
    value.exact::<Token>().ok_or_else(|| type_error("expected an instance of Token"))
}

fn token_repr(this: &Value) -> PyResult<Value> {
    let body = token(this)?;
    let used = if body.used.get() { " used" } else { "" };
    let variable = text::repr_string(&body.variable.get().unwrap_or(Value::NONE))?;
    Ok(Str::new_value(&format!("<Token{used} var={variable} at {:#x}>", this.bits())))
}

/// The body of `Token.MISSING`.
#[repr(C)]
pub struct Missing {
    header: Header,
}

payload!(Missing, MISSING);

/// The type object of `Token.MISSING`.
pub static MISSING: TypeObject = TypeObject::define::<Missing>("Token.MISSING").slots(Slots {
    repr: Some(|_| Ok(Str::new_value("<Token.MISSING>"))),
    getattr: Some(attribute::generic_get),
    ..Slots::EMPTY
});
