//! What the library's `site` adds to the builtins: `exit` and `quit`.

use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value};
use crate::object::{TypeObject, attribute, call};
use crate::types::dict::Dict;
use crate::types::exceptions::{SYSTEM_EXIT, type_error};
use crate::types::str::Str;

/// The body of `exit` or `quit`.
#[repr(C)]
pub struct Quitter {
    header: Header,
    name: &'static str,
}

// SAFETY: repr(C), header first.
unsafe impl Payload for Quitter {
    fn type_object() -> &'static TypeObject {
        &QUITTER
    }
}

/// The type object of `exit` and `quit`.
pub static QUITTER: TypeObject = TypeObject::define::<Quitter>("_sitebuiltins.Quitter")
    .slots(Slots {
        call: Some(quit),
        repr: Some(|this| {
            let name = this.exact::<Quitter>().map_or("", |quitter| quitter.name);
            Ok(Str::new_value(&format!("Use {name}() or Ctrl-D (i.e. EOF) to exit")))
        }),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .getset(&[
        GetSet::read_only("name", |this| {
            Ok(Str::new_value(this.exact::<Quitter>().map_or("", |quitter| quitter.name)))
        }),
        GetSet::read_only("eof", |_| Ok(Str::new_value("Ctrl-D (i.e. EOF)"))),
    ]);

/// Adds the names to the builtins.
pub(crate) fn install(builtins: &Dict) {
    for name in ["exit", "quit"] {
        builtins.set_text(name, new_object(Quitter { header: Header::new(&QUITTER), name }));
    }
}

fn quit(_this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (positional, keywords) = call::split_keywords(args, kwnames);
    let code = match (positional, &keywords[..]) {
        ([], []) => Value::NONE,
        ([code], []) => code.clone(),
        ([], [(keyword, code)]) if keyword.is(name!("code")) => (*code).clone(),
        ([], [(keyword, _)]) => {
            let keyword = keyword.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
            return Err(type_error(format!("__call__() got an unexpected keyword argument '{keyword}'")));
        }
        _ => {
            return Err(type_error(format!(
                "__call__() takes from 1 to 2 positional arguments but {} were given",
                positional.len() + 1
            )));
        }
    };
    Err(Raised::new(call::call(&SYSTEM_EXIT.value(), &[code])?))
}
