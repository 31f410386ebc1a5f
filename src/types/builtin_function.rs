//! The type `builtin_function_or_method`: a native function, bound or of a module; and `__new__` of native types.

use crate::gc::Visit;
use crate::method;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{Function, GetSet};
use crate::object::slots::{CallFn, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, hash};
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

/// What a builtin function runs.
#[derive(Clone, Copy)]
pub enum Target {
    /// A declared native function.
    Function(&'static Function),
    /// `__new__` of the native type that is `this`.
    New(CallFn),
}

/// The body of a builtin function.
#[repr(C)]
pub struct BuiltinFunction {
    header: Header,
    target: Target,
    /// What it is bound to: passed as first argument.
    this: Option<Value>,
    /// The module's name.
    module: ValueCell,
    /// The module that a function belongs to, for those bound to nothing: its `__self__`.
    owner: Option<Value>,
}

payload!(BuiltinFunction, BUILTIN_FUNCTION, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.this.iter().for_each(&mut *visit);
        self.owner.iter().for_each(&mut *visit);
        self.module.visit(visit);
    }
});

/// The type object of builtin functions.
pub static BUILTIN_FUNCTION: TypeObject = TypeObject::define::<BuiltinFunction>("builtin_function_or_method")
    .flags(TypeFlags::VECTORCALL)
    .with_weakrefs()
    .slots(Slots {
        call: Some(call_),
        repr: Some(repr),
        hash: Some(hash_),
        getattr: Some(attribute::generic_get),
        compare: Some(compare),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "")])
    .getset(&[
        GetSet::read_only("__name__", |this| Ok(Str::new_value(body(this)?.name()))),
        GetSet::read_only("__qualname__", |this| Ok(Str::new_value(&qualname(body(this)?)))),
        GetSet::read_only("__doc__", |this| Ok(doc(body(this)?.doc()))),
        GetSet::read_only("__text_signature__", |this| {
            Ok(match body(this)?.function() {
                Some(function) => doc(function.signature.text_signature()),
                None => Str::new_value("($type, *args, **kwargs)"),
            })
        }),
        GetSet::read_only("__self__", |this| {
            let body = body(this)?;
            let owner = || body.owner.clone().filter(|_| body.static_owner().is_none());
            Ok(body.this.clone().or_else(owner).unwrap_or(Value::NONE))
        }),
        GetSet::new(
            "__module__",
            |this| Ok(body(this)?.module.get().unwrap_or(Value::NONE)),
            |this, value| {
                body(this)?.module.set(value.cloned());
                Ok(())
            },
        )
        .as_member(),
    ]);

fn doc(text: &str) -> Value {
    if text.is_empty() { Value::NONE } else { Str::new_value(text) }
}

fn body(value: &Value) -> PyResult<&BuiltinFunction> {
    value.exact::<BuiltinFunction>().ok_or_else(|| type_error("expected a builtin function"))
}

impl BuiltinFunction {
    /// A function of a module, or bound to `this`.
    pub fn new_value(function: &'static Function, this: Option<Value>, module: Option<Value>) -> Value {
        new_object(BuiltinFunction {
            header: Header::new(&BUILTIN_FUNCTION),
            target: Target::Function(function),
            this,
            module: ValueCell::new(module),
            owner: None,
        })
    }

    /// A function of the module `owner`, whose name is `name`.
    pub fn of_module(function: &'static Function, owner: &Value, name: Value) -> Value {
        new_object(BuiltinFunction {
            header: Header::new(&BUILTIN_FUNCTION),
            target: Target::Function(function),
            this: None,
            module: ValueCell::new(Some(name)),
            owner: Some(owner.clone()),
        })
    }

    /// The static method `function` of the native type `owner`.
    pub fn static_of(function: &'static Function, owner: &TypeObject) -> Value {
        new_object(BuiltinFunction {
            header: Header::new(&BUILTIN_FUNCTION),
            target: Target::Function(function),
            this: None,
            module: ValueCell::EMPTY,
            owner: Some(owner.value()),
        })
    }

    /// The type that it is a static method of.
    fn static_owner(&self) -> Option<&TypeObject> {
        self.owner.as_ref()?.downcast::<TypeObject>()
    }

    /// `__new__` of a native type.
    pub fn new_method(ty: &TypeObject, new: CallFn) -> Value {
        new_object(BuiltinFunction {
            header: Header::new(&BUILTIN_FUNCTION),
            target: Target::New(new),
            this: Some(ty.value()),
            module: ValueCell::EMPTY,
            owner: None,
        })
    }

    /// The declared function, unless it is a `__new__`.
    #[inline]
    pub fn function(&self) -> Option<&'static Function> {
        match self.target {
            Target::Function(function) => Some(function),
            Target::New(_) => None,
        }
    }

    /// The native `__new__` and the type it belongs to.
    pub fn as_new(&self) -> Option<(CallFn, &TypeObject)> {
        match self.target {
            Target::New(new) => Some((new, self.this.as_ref()?.downcast::<TypeObject>()?)),
            Target::Function(_) => None,
        }
    }

    /// What it is bound to.
    #[inline]
    pub fn this(&self) -> Option<&Value> {
        self.this.as_ref()
    }

    /// The function's name.
    pub fn name(&self) -> &'static str {
        self.function().map_or("__new__", Function::name)
    }

    fn doc(&self) -> &'static str {
        self.function().map_or("Create and return a new object.  See help(type) for accurate signature.", |f| f.doc)
    }
}

fn qualname(body: &BuiltinFunction) -> String {
    match &body.this {
        Some(this) => {
            let ty = this.downcast::<TypeObject>().unwrap_or(this.ty());
            format!("{}.{}", crate::types::type_::qualname(ty), body.name())
        }
        None => match body.static_owner() {
            Some(ty) => format!("{}.{}", crate::types::type_::qualname(ty), body.name()),
            None => body.name().to_owned(),
        },
    }
}

/// A function of a module is pickled by name, a bound one as an attribute of its object.
fn reduce(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let name = Str::new_value(body.name());
    match body.this.as_ref().or(body.owner.as_ref().filter(|_| body.static_owner().is_some())) {
        None => Ok(name),
        Some(object) => {
            let getattr = crate::object::builtins::get("getattr")?;
            Ok(Tuple::from_vec(vec![getattr, Tuple::from_vec(vec![object.clone(), name])]))
        }
    }
}

/// Equal for functions that are equal: made of what they are bound to and what they run. As `meth_hash`.
fn hash_(this: &Value) -> PyResult<i64> {
    let body = body(this)?;
    let bound = body.this.as_ref().or(body.owner.as_ref()).map_or(0, hash::hash_identity);
    let code = match body.target {
        Target::Function(function) => std::ptr::from_ref(function) as usize,
        Target::New(new) => new as usize,
    };
    Ok(match bound ^ code.rotate_right(4) as i64 {
        -1 => -2,
        hash => hash,
    })
}

fn call_(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let body = body(this)?;
    match body.target {
        Target::Function(function) => match &body.this {
            None => function.call(args, kwnames),
            Some(bound) => {
                let mut all = Vec::with_capacity(args.len() + 1);
                all.push(bound.clone());
                all.extend_from_slice(args);
                function.call(&all, kwnames)
            }
        },
        Target::New(new) => call_new(body, new, args, kwnames),
    }
}

/// `T.__new__(S, ...)`. As `tp_new_wrapper`: S must derive from T, and T must be the native base of S.
fn call_new(body: &BuiltinFunction, new: CallFn, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = match &body.this {
        Some(this) => this.downcast::<TypeObject>().ok_or_else(|| type_error("expected a type"))?,
        None => return Err(type_error("expected a type")),
    };
    let positional = call::split_keywords(args, kwnames).0;
    let Some(first) = positional.first() else {
        return Err(type_error(format!("{}.__new__(): not enough arguments", ty.name())));
    };
    let Some(class) = first.downcast::<TypeObject>() else {
        return Err(type_error(format!("{}.__new__(X): X is not a type object ({})", ty.name(), first.ty().name())));
    };
    if !class.is_subtype(ty) {
        return Err(type_error(format!("{0}.__new__({1}): {1} is not a subtype of {0}", ty.name(), class.name())));
    }
    let mut native = class;
    while native.is_heap_type() {
        match native.base_type() {
            Some(base) => native = base,
            None => break,
        }
    }
    // Nor does it make instances of a type that has no `__new__` at all: they would lack the type's body.
    let safe = native.slot(|slots| slots.new);
    if safe.is_none_or(|f| f as usize != new as usize) {
        if let Some(own) = safe
            && std::ptr::eq(ty, &crate::types::dict::DICT)
        {
            // In CPython the builtin kinds of dict have no `__new__` but that of dict.
            return own(first, &args[1..], kwnames);
        }
        let mut other = if safe.is_some() { native } else { class };
        while other.slot(|slots| slots.new).is_some() && safe.is_none() {
            match other.base_type() {
                Some(base) => other = base,
                None => break,
            }
        }
        return Err(type_error(format!(
            "{}.__new__({}) is not safe, use {}.__new__()",
            ty.name(),
            class.name(),
            other.name()
        )));
    }
    new(first, &args[1..], kwnames)
}

fn repr(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    Ok(Str::new_value(&match body.this.as_ref().or(body.owner.as_ref().filter(|_| body.static_owner().is_some())) {
        Some(bound) => {
            format!("<built-in method {} of {} object at {:#x}>", body.name(), bound.ty().name(), bound.bits())
        }
        None => format!("<built-in function {}>", body.name()),
    }))
}

fn compare(left: &Value, right: &Value, op: crate::object::Compare) -> PyResult<Value> {
    use crate::object::Compare;
    let (Some(a), Some(b), Compare::Eq | Compare::Ne) =
        (left.exact::<BuiltinFunction>(), right.exact::<BuiltinFunction>(), op)
    else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    let same_self = match (&a.this, &b.this) {
        (Some(a), Some(b)) => a.is(b),
        (None, None) => true,
        _ => false,
    };
    let same = same_self
        && match (a.target, b.target) {
            (Target::Function(a), Target::Function(b)) => std::ptr::eq(a, b),
            (Target::New(a), Target::New(b)) => a as usize == b as usize,
            _ => false,
        };
    Ok(Value::bool(same == (op == Compare::Eq)))
}

/// Whether the value is the builtin function `name` of no object.
pub fn is_named(value: &Value, name: &str) -> bool {
    value.exact::<BuiltinFunction>().is_some_and(|body| body.this.is_none() && body.name() == name)
}
