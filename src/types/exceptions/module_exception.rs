//! Exception classes of native modules that are made when they are first needed, as `PyErr_NewException` makes them.

use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::ty::TypeObject;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::type_::TYPE;
use std::cell::OnceCell;

/// The definition of an exception class that is a class of Python's, not a static type.
pub struct ModuleException {
    module: &'static str,
    name: &'static str,
    bases: &'static [&'static TypeObject],
    doc: Option<&'static str>,
    class: GilCell<OnceCell<Value>>,
}

impl ModuleException {
    /// `module.name(bases)`, without a docstring.
    pub const fn new(module: &'static str, name: &'static str, bases: &'static [&'static TypeObject]) -> Self {
        Self { module, name, bases, doc: None, class: GilCell::new(OnceCell::new()) }
    }

    /// The same with a docstring.
    pub const fn with_doc(mut self, doc: &'static str) -> Self {
        self.doc = Some(doc);
        self
    }

    /// The class, made when it is first asked for.
    ///
    /// # Errors
    /// `MemoryError`; what `type` raises.
    pub fn class(&'static self) -> PyResult<Value> {
        if let Some(class) = self.class.get().get() {
            return Ok(class.clone());
        }
        let namespace = Dict::new_value();
        if let Some(dict) = namespace.exact::<Dict>() {
            if let Some(doc) = self.doc {
                dict.set_text("__doc__", Str::new_value(doc));
            }
            dict.set_text("__module__", Str::new_value(self.module));
        }
        let bases = Tuple::from_vec(self.bases.iter().map(|base| base.value()).collect());
        let class = call::call(&TYPE.value(), &[Str::new_value(self.name), bases, namespace])?;
        Ok(self.class.get().get_or_init(|| class).clone())
    }

    /// An exception of the class with those arguments, as raised; else what making it raised.
    #[cold]
    pub fn raise(&'static self, arguments: &[Value]) -> Raised {
        match self.class().and_then(|class| call::call(&class, arguments)) {
            Ok(exception) => Raised::new(exception),
            Err(raised) => raised,
        }
    }

    /// The same with a message for its argument.
    #[cold]
    pub fn message(&'static self, message: &str) -> Raised {
        self.raise(&[Str::new_value(message)])
    }
}
