//! The module `_contextvars`: variables whose values belong to a context, of which each thread runs one.

use crate::gc::Visit;
use crate::method;
use crate::modules::ModuleDef;
use crate::object::arguments::keyword_count;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_object};
use crate::object::native::{Function, GetSet, thunk};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, call, compare, hash, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{LOOKUP_ERROR, key_error, raise_value, runtime_error, type_error, value_error};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::thread;
use std::cell::{Cell, OnceCell};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_contextvars",
    doc: "Context Variables",
    functions: &[method!(copy_context, "copy_context($module, /)", "")],
    fill: |dict| {
        for ty in [&CONTEXT, &CONTEXT_VAR, &TOKEN] {
            dict.set_text(ty.name(), ty.value());
        }
        if let Some(own) = TOKEN.dict().as_ref().and_then(|own| own.downcast::<Dict>()) {
            own.set_text("MISSING", missing());
        }
        TOKEN.modified();
        Ok(())
    },
};

/// The body of a context.
#[repr(C)]
pub struct Context {
    header: Header,
    /// A dict from variables to values. Copies of a context share it: it changes only while nobody else has it.
    variables: ValueCell,
    /// The context that was running before this one, while it runs.
    previous: ValueCell,
    entered: Cell<bool>,
}

payload!(Context, CONTEXT, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.variables.visit(visit);
        self.previous.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.variables.take());
        drop(self.previous.take());
    }
});

/// The type object of contexts.
pub static CONTEXT: TypeObject = TypeObject::define::<Context>("Context")
    .with_weakrefs()
    .slots(Slots {
        new: Some(|_, args, _| {
            if !args.is_empty() {
                return Err(type_error("Context() does not accept any arguments"));
            }
            Ok(Context::new_value(None))
        }),
        getattr: Some(attribute::generic_get),
        compare: Some(equals),
        iter: Some(|this| Ok(new_keys(pairs(this)))),
        length: Some(|this| Ok(pairs(this).len())),
        getitem: Some(|this, key| context(this)?.find(key)?.ok_or_else(|| key_error(key))),
        contains: Some(|this, key| Ok(context(this)?.find(key)?.is_some())),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(
            |this: &Context, key: &Value, default: Option<&Value>| {
                Ok::<_, crate::object::Raised>(this.find(key)?.or_else(|| default.cloned()).unwrap_or(Value::NONE))
            },
            "get($self, key, default=None, /)", "Return the value for `key` if `key` has the value in the context object.\n\nIf `key` does not exist, return `default`. If `default` is not given,\nreturn None."
        ),
        method!(|this: &Value| new_items(pairs(this)), "items($self, /)", "Return all variables and their values in the context object.\n\nThe result is returned as a list of 2-tuples (variable, value)."),
        method!(|this: &Value| new_keys(pairs(this)), "keys($self, /)", "Return a list of all variables in the context object."),
        method!(|this: &Value| new_values(pairs(this)), "values($self, /)", "Return a list of all variables' values in the context object."),
        method!(|this: &Context| Context::new_value(this.variables.get()), "copy($self, /)", "Return a shallow copy of the context object."),
        method!(raw run, "!run($self, *args, **kwargs)", ""),
    ]);

impl Context {
    fn new_value(variables: Option<Value>) -> Value {
        new_object(Context {
            header: Header::new(&CONTEXT),
            variables: ValueCell::new(variables),
            previous: ValueCell::EMPTY,
            entered: Cell::new(false),
        })
    }

    fn find(&self, key: &Value) -> PyResult<Option<Value>> {
        if key.downcast::<ContextVar>().is_none() {
            return Err(type_error(format!("a ContextVar key was expected, got {}", text::repr_string(key)?)));
        }
        self.get(key)
    }

    fn get(&self, variable: &Value) -> PyResult<Option<Value>> {
        match self.variables.get() {
            Some(variables) => variables.downcast::<Dict>().map_or(Ok(None), |dict| dict.get(variable)),
            None => Ok(None),
        }
    }

    /// Sets a variable, or removes it; what it was is dropped by the caller.
    fn change(&self, variable: &Value, value: Option<Value>) -> PyResult<Option<Value>> {
        let own = match self.variables.take() {
            Some(dict) if dict.is_unshared() => dict,
            Some(shared) => shared.downcast::<Dict>().map_or_else(Dict::new_value, Dict::copied),
            None => Dict::new_value(),
        };
        let dict = own.clone();
        self.variables.set(Some(own));
        let Some(dict) = dict.downcast::<Dict>() else { return Ok(None) };
        match value {
            Some(value) => {
                let old = dict.get(variable)?;
                dict.set(variable, value)?;
                Ok(old)
            }
            None => dict.remove(variable),
        }
    }
}

fn context(this: &Value) -> PyResult<&Context> {
    this.downcast::<Context>().ok_or_else(|| type_error(format!("expected Context, not {}", this.ty().name())))
}

/// Variables and values.
fn pairs(this: &Value) -> Vec<(Value, Value)> {
    let variables = this.downcast::<Context>().and_then(|context| context.variables.get());
    variables.as_ref().and_then(|dict| dict.downcast::<Dict>()).map_or_else(Vec::new, Dict::items)
}

fn equals(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(_), Some(other)) = (left.downcast::<Context>(), right.downcast::<Context>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let mine = pairs(left);
    let mut equal = mine.len() == pairs(right).len();
    for (variable, value) in mine {
        if !equal {
            break;
        }
        equal = match other.get(&variable)? {
            Some(other) => compare::equal(&value, &other)?,
            None => false,
        };
    }
    Ok(Value::bool(equal == (op == Compare::Eq)))
}

/// The context that runs in this thread.
fn current() -> Value {
    let cell = &thread::current().context;
    cell.get().unwrap_or_else(|| {
        let context = Context::new_value(None);
        cell.set(Some(context.clone()));
        context
    })
}

fn copy_context() -> Value {
    Context::new_value(current().downcast::<Context>().and_then(|context| context.variables.get()))
}

fn run(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some((this, rest)) = args.split_first() else { return Err(type_error("run() needs an argument")) };
    let context = context(this)?;
    if rest.len() == keyword_count(kwnames) {
        return Err(type_error("run() missing 1 required positional argument"));
    }
    let Some((callable, rest)) = rest.split_first() else { return Ok(Value::NONE) };
    if context.entered.get() {
        return Err(runtime_error(format!("cannot enter context: {} is already entered", text::repr_string(this)?)));
    }
    let thread = thread::current();
    context.previous.set(thread.context.replace(Some(this.clone())));
    context.entered.set(true);
    let result = call::call_keywords(callable, rest, kwnames);
    context.entered.set(false);
    let left = thread.context.replace(context.previous.take());
    drop(left);
    result
}

/// The body of a context variable.
#[repr(C)]
pub struct ContextVar {
    header: Header,
    name: Value,
    default: ValueCell,
}

payload!(ContextVar, CONTEXT_VAR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.default.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.default.take());
    }
});

/// The type object of context variables.
pub static CONTEXT_VAR: TypeObject = TypeObject::define::<ContextVar>("ContextVar")
    .slots(Slots {
        new: Some(|_, args, kwnames| {
            let given = args.len() - keyword_count(kwnames);
            if given > 1 {
                // Its parser does not say "exactly" when there are keywords.
                let message = format!("ContextVar() takes at most 1 positional argument ({given} given)");
                return Err(type_error(message));
            }
            NEW_VARIABLE.call(args, kwnames)
        }),
        repr: Some(|this| {
            let Some(variable) = this.downcast::<ContextVar>() else { return Ok(Value::NONE) };
            let mut shown = format!("<ContextVar name={}", text::repr_string(&variable.name)?);
            if let Some(default) = variable.default.get() {
                shown.push_str(&format!(" default={}", text::repr_string(&default)?));
            }
            Ok(Str::new_value(&format!("{shown} at {:#x}>", this.bits())))
        }),
        hash: Some(|this| Ok(hash::hash_identity(this))),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(get, "get($self, default=<unrepresentable>, /)", "Return a value for the context variable for the current context.\n\nIf there is no value for the variable in the current context, the method will:\n * return the value of the default argument of the method, if provided; or\n * return the default value for the context variable, if it was created\n   with one; or\n * raise a LookupError."),
        method!(set, "set($self, value, /)", "Call to set a new value for the context variable in the current context.\n\nThe required value argument is the new value for the context variable.\n\nReturns a Token object that can be used to restore the variable to its previous\nvalue via the `ContextVar.reset()` method."),
        method!(reset, "reset($self, token, /)", "Reset the context variable.\n\nThe variable is reset to the value it had before the `ContextVar.set()` that\ncreated the token was used."),
        method!(class |class: &Value, _arg: &Value| class.clone(), "!__class_getitem__($type, arg, /)", ""),
    ])
    .getset(&[GetSet::member("name", |this| {
        Ok(this.downcast::<ContextVar>().map_or(Value::NONE, |variable| variable.name.clone()))
    })]);

static NEW_VARIABLE: Function = Function::new("ContextVar(name, /, *, default=None)", "", thunk(new_variable));

fn new_variable(name: &Value, default: Option<&Value>) -> PyResult<Value> {
    if name.downcast::<Str>().is_none() {
        return Err(type_error("context variable name must be a str"));
    }
    let default = ValueCell::new(default.cloned());
    Ok(new_object(ContextVar { header: Header::new(&CONTEXT_VAR), name: name.clone(), default }))
}

fn get(this: &ContextVar, default: Option<&Value>) -> PyResult<Value> {
    let variable = Value::of(this);
    if let Some(value) = context(&current())?.get(&variable)? {
        return Ok(value);
    }
    match default.cloned().or_else(|| this.default.get()) {
        Some(default) => Ok(default),
        None => Err(raise_value(&LOOKUP_ERROR, variable)),
    }
}

fn set(this: &ContextVar, value: &Value) -> PyResult<Value> {
    let (variable, running) = (Value::of(this), current());
    let old = context(&running)?.change(&variable, Some(value.clone()))?;
    Ok(new_object(Token {
        header: Header::new(&TOKEN),
        context: ValueCell::new(Some(running)),
        variable: ValueCell::new(Some(variable)),
        old: ValueCell::new(old),
        used: Cell::new(false),
    }))
}

fn reset(this: &ContextVar, token: &Value) -> PyResult<()> {
    let shown = || text::repr_string(token);
    let Some(body) = token.downcast::<Token>() else {
        return Err(type_error(format!("expected an instance of Token, got {}", shown()?)));
    };
    let (variable, running) = (Value::of(this), current());
    if body.used.get() {
        return Err(runtime_error(format!("{} has already been used once", shown()?)));
    }
    if !body.variable.get().is_some_and(|own| own.is(&variable)) {
        return Err(value_error(format!("{} was created by a different ContextVar", shown()?)));
    }
    if !body.context.get().is_some_and(|own| own.is(&running)) {
        return Err(value_error(format!("{} was created in a different Context", shown()?)));
    }
    body.used.set(true);
    let old = body.old.get();
    let removes = old.is_none();
    match context(&running)?.change(&variable, old)? {
        None if removes => Err(raise_value(&LOOKUP_ERROR, variable)),
        _ => Ok(()),
    }
}

/// The body of a token.
#[repr(C)]
pub struct Token {
    header: Header,
    context: ValueCell,
    variable: ValueCell,
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
        drop(self.context.take());
        drop(self.variable.take());
        drop(self.old.take());
    }
});

/// The type object of tokens.
pub static TOKEN: TypeObject = TypeObject::define::<Token>("Token")
    .slots(Slots {
        new: Some(|_, _, _| Err(runtime_error("Tokens can only be created by ContextVars"))),
        repr: Some(|this| {
            let Some(token) = this.downcast::<Token>() else { return Ok(Value::NONE) };
            let used = if token.used.get() { " used" } else { "" };
            let variable = text::repr_string(&token.variable.get().unwrap_or(Value::NONE))?;
            Ok(Str::new_value(&format!("<Token{used} var={variable} at {:#x}>", this.bits())))
        }),
        hash: Some(|this| Err(hash::unhashable(this))),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .getset(&[
        GetSet::read_only("var", |this| {
            Ok(this.downcast::<Token>().and_then(|token| token.variable.get()).unwrap_or(Value::NONE))
        }),
        GetSet::read_only("old_value", |this| {
            Ok(this.downcast::<Token>().and_then(|token| token.old.get()).unwrap_or_else(missing))
        }),
    ]);

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

fn missing() -> Value {
    static ONLY: GilCell<OnceCell<Value>> = GilCell::new(OnceCell::new());
    ONLY.get().get_or_init(|| new_object(Missing { header: Header::new(&MISSING) })).clone()
}

/// Declares an iterator over the variables or values of a context.
macro_rules! iterator {
    ($body:ident, $static:ident, $new:ident, $name:literal, $item:expr) => {
        #[doc = concat!("The body of an iterator over the ", $name, " of a context.")]
        #[repr(C)]
        pub struct $body {
            header: Header,
            /// In the order they are given out.
            items: crate::object::value_vec::ValueVec,
            at: Cell<usize>,
        }

        payload!($body, $static, {
            const GC: bool = true;
            fn traverse(&self, visit: Visit<'_>) {
                self.items.for_each(visit);
            }
            fn clear_references(&self) {
                drop(self.items.take());
            }
        });

        #[doc = concat!("The type object of iterators over the ", $name, " of a context.")]
        pub static $static: TypeObject = TypeObject::define::<$body>($name).slots(Slots {
            iter: Some(|this| Ok(this.clone())),
            next: Some(|this| {
                let Some(this) = this.exact::<$body>() else { return Ok(None) };
                let item = this.items.get(this.at.get());
                this.at.set(this.at.get() + 1);
                Ok(item)
            }),
            getattr: Some(attribute::generic_get),
            ..Slots::EMPTY
        });

        fn $new(pairs: Vec<(Value, Value)>) -> Value {
            let items = pairs.into_iter().map($item).collect();
            let items = crate::object::value_vec::ValueVec::new(items);
            new_object($body { header: Header::new(&$static), items, at: Cell::new(0) })
        }
    };
}

iterator!(Keys, KEYS, new_keys, "keys", |pair| pair.0);
iterator!(Values, VALUES, new_values, "values", |pair| pair.1);
iterator!(Items, ITEMS, new_items, "items", |(variable, value)| Tuple::from_array([variable, value]));
