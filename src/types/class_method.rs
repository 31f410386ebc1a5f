//! The types `classmethod` and `staticmethod`.

use crate::gc::Visit;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute};
use crate::types::exceptions::{runtime_error, type_error};
use crate::types::method::Method;
use crate::vm::thread::check_native_stack;

macro_rules! wrapper {
    ($body:ident $static:ident $name:literal $get:ident $doc:literal) => {
        #[doc = concat!("The body of a `", $name, "`.")]
        #[repr(C)]
        pub struct $body {
            header: Header,
            function: ValueCell,
        }

        payload!($body, $static, {
            const GC: bool = true;
            fn traverse(&self, visit: Visit<'_>) {
                self.function.visit(visit);
            }
            fn clear_references(&self) {
                drop(self.function.take());
            }
        });

        #[doc = concat!("The type object of `", $name, "`.")]
        pub static $static: TypeObject = TypeObject::define::<$body>($name)
            .flags(TypeFlags::BASE)
            .with_attributes()
            .doc($doc)
            .slots(Slots {
                new: Some(|class, _, _| match class.downcast::<TypeObject>() {
                    Some(ty) => Ok(new_instance(ty, $body { header: Header::new(ty), function: ValueCell::EMPTY })),
                    None => Err(type_error("expected a type")),
                }),
                init: Some(|this, args, kwnames| {
                    let function = one_argument($name, args, kwnames)?;
                    if let Some(body) = this.downcast::<$body>() {
                        body.function.set(Some(function));
                    }
                    Ok(())
                }),
                descr_get: Some($get),
                ..Slots::EMPTY
            })
            .getset(&[
                GetSet::member("__func__", |this| {
                    Ok(this.downcast::<$body>().and_then(|body| body.function.get()).unwrap_or(Value::NONE))
                }),
                GetSet::read_only("__isabstractmethod__", |this| {
                    let function = this.downcast::<$body>().and_then(|body| body.function.get());
                    is_abstract(function.as_ref()).map(Value::bool)
                }),
                GetSet::new("__dict__", crate::types::type_::object_dict, crate::types::type_::set_builtin_dict),
            ]);

        impl $body {
            /// Wraps a function.
            pub fn new_value(function: Value) -> Value {
                new_instance(
                    &$static,
                    $body { header: Header::new(&$static), function: ValueCell::new(Some(function)) },
                )
            }

            /// The function wrapped.
            pub fn function(&self) -> Option<Value> {
                self.function.get()
            }
        }
    };
}

wrapper!(ClassMethod CLASS_METHOD "classmethod" class_method_get "classmethod(function) -> method\n\nConvert a function to be a class method.\n\nA class method receives the class as implicit first argument,\njust like an instance method receives the instance.\nTo declare a class method, use this idiom:\n\n  class C:\n      @classmethod\n      def f(cls, arg1, arg2, ...):\n          ...\n\nIt can be called either on the class (e.g. C.f()) or on an instance\n(e.g. C().f()).  The instance is ignored except for its class.\nIf a class method is called for a derived class, the derived class\nobject is passed as the implied first argument.\n\nClass methods are different than C++ or Java static methods.\nIf you want those, see the staticmethod builtin.");
wrapper!(StaticMethod STATIC_METHOD "staticmethod" static_method_get "staticmethod(function) -> method\n\nConvert a function to be a static method.\n\nA static method does not receive an implicit first argument.\nTo declare a static method, use this idiom:\n\n     class C:\n         @staticmethod\n         def f(arg1, arg2, ...):\n             ...\n\nIt can be called either on the class (e.g. C.f()) or on an instance\n(e.g. C().f()). Both the class and the instance are ignored, and\nneither is passed implicitly as the first argument to the method.\n\nStatic methods in Python are similar to those found in Java or C++.\nFor a more advanced concept, see the classmethod builtin.");

fn one_argument(name: &str, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    if kwnames.is_some() {
        return Err(type_error(format!("{name}() takes no keyword arguments")));
    }
    match args {
        [only] => Ok(only.clone()),
        _ => Err(type_error(format!("{name} expected 1 argument, got {}", args.len()))),
    }
}

/// Whether a function is marked with `__isabstractmethod__`.
///
/// # Errors
/// What looking the mark up or its truth raises.
pub fn is_abstract(function: Option<&Value>) -> PyResult<bool> {
    match function {
        Some(function) => match attribute::lookup(function, name!("__isabstractmethod__"))? {
            Some(mark) => crate::object::number::truth(&mark),
            None => Ok(false),
        },
        None => Ok(false),
    }
}

fn class_method_get(this: &Value, object: Option<&Value>, owner: &Value) -> PyResult<Value> {
    check_native_stack()?;
    let Some(function) = this.downcast::<ClassMethod>().and_then(ClassMethod::function) else {
        return Err(runtime_error("uninitialized classmethod object"));
    };
    let class = if owner.is_none() {
        object.map_or_else(|| owner.clone(), |object| object.ty().value())
    } else {
        owner.clone()
    };
    Ok(Method::new_value(function, class))
}

fn static_method_get(this: &Value, _object: Option<&Value>, _owner: &Value) -> PyResult<Value> {
    this.downcast::<StaticMethod>()
        .and_then(StaticMethod::function)
        .ok_or_else(|| runtime_error("uninitialized staticmethod object"))
}
