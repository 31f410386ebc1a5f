//! What the library's `site` adds to the builtins: `exit`, `quit`, `copyright`, `credits` and `license`; and the class
//! that the library's `encodings` derives from `SystemError`.

use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute, call};
use crate::types::dict::Dict;
use crate::types::exceptions::{LOOKUP_ERROR, ModuleException, SYSTEM_ERROR, SYSTEM_EXIT, type_error};
use crate::types::str::Str;

/// The body of `exit` or `quit`.
#[repr(C)]
pub struct Quitter {
    header: Header,
    name: &'static str,
}

payload!(Quitter, QUITTER);

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
    for (name, text) in [("copyright", crate::modules::sys::COPYRIGHT), ("credits", CREDITS), ("license", LICENSE)] {
        builtins.set_text(name, new_object(Printer { header: Header::new(&PRINTER), name, text }));
    }
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

const CREDITS: &str = "    Thanks to CWI, CNRI, BeOpen.com, Zope Corporation and a cast of thousands\n    for supporting Python development.  See www.python.org for more information.";
const LICENSE: &str = "See https://www.python.org/psf/license/";

/// The body of `copyright`, `credits` or `license`.
#[repr(C)]
pub struct Printer {
    header: Header,
    name: &'static str,
    text: &'static str,
}

payload!(Printer, PRINTER);

/// The type object of `copyright`, `credits` and `license`.
pub static PRINTER: TypeObject = TypeObject::define::<Printer>("_sitebuiltins._Printer")
    .doc("interactive prompt objects for printing the license text, a list of\n    contributors and the copyright notice.")
    .slots(Slots {
        call: Some(print_text),
        repr: Some(|this| Ok(Str::new_value(this.exact::<Printer>().map_or("", |printer| printer.text)))),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    });

/// Prints the text: short enough to need no pager.
fn print_text(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (positional, keywords) = call::split_keywords(args, kwnames);
    if let Some((keyword, _)) = keywords.first() {
        let keyword = keyword.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
        return Err(type_error(format!("__call__() got an unexpected keyword argument '{keyword}'")));
    }
    if !positional.is_empty() {
        return Err(type_error(format!(
            "__call__() takes 1 positional argument but {} were given",
            positional.len() + 1
        )));
    }
    let text = this.exact::<Printer>().map_or("", |printer| printer.text);
    let print = crate::object::builtins::get("print")?;
    call::call(&print, &[Str::new_value(text)])
}

/// `encodings.CodecRegistryError`, a subclass that `LookupError` and `SystemError` have from the start.
pub(crate) static CODEC_REGISTRY_ERROR: ModuleException =
    ModuleException::new("encodings", "CodecRegistryError", &[&LOOKUP_ERROR, &SYSTEM_ERROR]);
