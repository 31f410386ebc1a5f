//! The type `module`.

use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call};
use crate::types::dict::Dict;
use crate::types::exceptions::{attribute_error, is_attribute_error, type_error};
use crate::types::list::List;
use crate::types::str::Str;

/// The body of a module.
#[repr(C)]
pub struct Module {
    header: Header,
    dict: Value,
}

payload!(Module, MODULE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.dict);
    }
});

/// The type object of modules.
pub static MODULE: TypeObject = TypeObject::define::<Module>("module")
    .flags(TypeFlags::BASE)
    .with_weakrefs()
    .doc("Create a module object.\n\nThe name must be a string; the optional doc argument can have any type.")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        getattr: Some(getattr),
        setattr: Some(setattr),
        ..Slots::EMPTY
    })
    .methods(&[method!(dir, "!__dir__($self, /)", "__dir__() -> list\nspecialized dir() implementation")])
    .getset(&[GetSet::member("__dict__", |this| Ok(body(this)?.dict.clone()))]);

fn body(value: &Value) -> PyResult<&Module> {
    value.downcast::<Module>().ok_or_else(|| type_error("expected a module"))
}

impl Module {
    /// A module of that name, with the attributes every module has.
    pub fn new_value(name: &str, doc: Option<&str>) -> Value {
        let dict = Dict::new_value();
        fill(&dict, &Str::new_value(name), doc.map_or(Value::NONE, Str::new_value));
        new_instance(&MODULE, Module { header: Header::new(&MODULE), dict })
    }

    /// `__dict__`.
    pub fn dict(&self) -> &Value {
        &self.dict
    }
}

fn fill(dict: &Value, name: &Value, doc: Value) {
    if let Some(dict) = dict.exact::<Dict>() {
        let _infallible = dict.set(name!("__name__"), name.clone());
        dict.set_text("__doc__", doc);
        dict.set_text("__package__", Value::NONE);
        dict.set_text("__loader__", Value::NONE);
        dict.set_text("__spec__", Value::NONE);
    }
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    match class.downcast::<TypeObject>() {
        Some(ty) => Ok(new_instance(ty, Module { header: Header::new(ty), dict: Dict::new_value() })),
        None => Err(type_error("expected a type")),
    }
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let (positional, keywords) = call::split_keywords(args, kwnames);
    let given = positional.len() + keywords.len();
    if given > 2 {
        return Err(type_error(format!(
            "module() takes at most 2 {}arguments ({given} given)",
            if positional.is_empty() { "keyword " } else { "" }
        )));
    }
    let mut name = positional.first().cloned();
    let mut doc = positional.get(1).cloned();
    let mut unfit = None;
    for (key, value) in keywords {
        match key.downcast::<Str>().map(Str::to_string_lossy).as_deref() {
            Some("name") if name.is_none() => name = Some(value.clone()),
            Some("doc") if doc.is_none() => doc = Some(value.clone()),
            Some(repeated @ ("name" | "doc")) => {
                let position = if repeated == "name" { 1 } else { 2 };
                unfit = Some(format!("argument for module() given by name ('{repeated}') and position ({position})"));
            }
            other => {
                let message = || format!("'{}' is an invalid keyword argument for module()", other.unwrap_or_default());
                unfit.get_or_insert_with(message);
            }
        }
    }
    let Some(name) = name else { return Err(type_error("module() missing required argument 'name' (pos 1)")) };
    if let Some(message) = unfit {
        return Err(type_error(message));
    }
    if name.downcast::<Str>().is_none() {
        let found = if name.is_none() { "None" } else { name.ty().name() };
        return Err(type_error(format!("module() argument 'name' must be str, not {found}")));
    }
    fill(&body(this)?.dict, &name, doc.unwrap_or(Value::NONE));
    Ok(())
}

/// As `module_getattro`: a function `__getattr__` in the module answers for what is missing (PEP 562).
fn getattr(this: &Value, name: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let dict = body.dict.downcast::<Dict>();
    // A data descriptor of the type wins; the module's own dict stands for the instance's.
    let descriptor = this.ty().lookup(name);
    let is_data = descriptor.as_ref().is_some_and(|d| d.ty().slot(|slots| slots.descr_set).is_some());
    if !is_data
        && let Some(dict) = dict
        && let Some(value) = dict.get(name)?
    {
        return Ok(value);
    }
    match attribute::generic_get(this, name) {
        Err(raised) if is_attribute_error(&raised) => {}
        other => return other,
    }
    if let Some(dict) = dict {
        if let Some(hook) = dict.get(name!("__getattr__"))? {
            return call::call(&hook, std::slice::from_ref(name));
        }
        let text = name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
        if let Some(own) = dict.get(name!("__name__"))?
            && let Some(own) = own.downcast::<Str>()
        {
            let own = own.to_string_lossy();
            return Err(attribute_error(if is_initializing(dict)? {
                format!(
                    "partially initialized module '{own}' has no attribute '{text}' (most likely due to a circular import)"
                )
            } else {
                format!("module '{own}' has no attribute '{text}'")
            }));
        }
        return Err(attribute_error(format!("module has no attribute '{text}'")));
    }
    Err(attribute::no_attribute(this, name))
}

/// Whether the module's code still runs. As `_PyModuleSpec_IsInitializing`.
fn is_initializing(dict: &Dict) -> PyResult<bool> {
    let Some(spec) = dict.get(name!("__spec__"))? else { return Ok(false) };
    match attribute::lookup(&spec, name!("_initializing"))? {
        Some(initializing) => crate::object::number::truth(&initializing),
        None => Ok(false),
    }
}

fn setattr(this: &Value, name: &Value, value: Option<&Value>) -> PyResult<()> {
    if name.downcast::<Str>().is_none() {
        return Err(type_error(format!("attribute name must be string, not '{}'", name.ty().name())));
    }
    if let Some(found) = this.ty().lookup(name)
        && let Some(set) = found.ty().slot(|slots| slots.descr_set)
    {
        return set(&found, this, value);
    }
    let Some(dict) = body(this)?.dict.downcast::<Dict>() else { return Ok(()) };
    match value {
        Some(value) => dict.set(name, value.clone()),
        None => match dict.remove(name)? {
            Some(_) => Ok(()),
            None => Err(attribute_error(name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default())),
        },
    }
}

fn repr(this: &Value) -> PyResult<Value> {
    let dict = body(this)?.dict.clone();
    if let Some(importlib) = crate::vm::importlib::if_set_up() {
        return call::call_method(&importlib, name!("_module_repr"), std::slice::from_ref(this));
    }
    let get = |key: &str| {
        let value = dict.downcast::<Dict>()?.get_text(key)?;
        if value.is_none() { None } else { Some(value) }
    };
    let name = match get("__name__") {
        Some(name) => crate::object::text::repr_string(&name)?,
        None => "'?'".to_owned(),
    };
    Ok(Str::new_value(&match get("__file__") {
        Some(file) => format!("<module {name} from {}>", crate::object::text::repr_string(&file)?),
        None if get("__loader__").is_some() => {
            format!(
                "<module {name} ({})>",
                crate::object::text::repr_string(&get("__loader__").unwrap_or(Value::NONE))?
            )
        }
        None if get("__spec__").is_none() && crate::modules::is_native(&dict) => format!("<module {name} (built-in)>"),
        None => format!("<module {name}>"),
    }))
}

fn dir(this: &Value) -> PyResult<Value> {
    body(this)?;
    let dict = attribute::get(this, name!("__dict__"))?;
    let Some(dict) = dict.downcast::<Dict>() else {
        let name = match attribute::get(this, name!("__name__"))?.downcast::<Str>() {
            Some(name) => name.to_string_lossy(),
            None => return Err(type_error("nameless module")),
        };
        return Err(type_error(format!("{name}.__dict__ is not a dictionary")));
    };
    if let Some(hook) = dict.get(name!("__dir__"))? {
        return call::call(&hook, &[]);
    }
    Ok(List::from_vec(dict.items().into_iter().map(|(name, _)| name).collect()))
}
