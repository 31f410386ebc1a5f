//! The module `_sre`: the engine of regular expressions, which runs the code that the library's `sre_compile` makes.

pub mod code;
pub mod engine;
mod match_object;
mod pattern;
mod scanner;
mod subject;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::exceptions::{overflow_error, runtime_error, type_error};
use crate::types::int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use code::Program;
pub use match_object::MATCH;
pub use pattern::PATTERN;
use pattern::Pattern;
pub use scanner::SCANNER;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_sre",
    doc: "",
    functions: &[
        method!(getcodesize, "getcodesize($module, /)", ""),
        method!(ascii_iscased, "ascii_iscased($module, character, /)", ""),
        method!(unicode_iscased, "unicode_iscased($module, character, /)", ""),
        method!(ascii_tolower, "ascii_tolower($module, character, /)", ""),
        method!(unicode_tolower, "unicode_tolower($module, character, /)", ""),
        method!(compile, "compile($module, /, pattern, flags, code, groups, groupindex,\n        indexgroup)", ""),
    ],
    fill,
};

fn fill(dict: &Dict) -> PyResult<()> {
    dict.set_text("__doc__", Value::NONE);
    dict.set_text("MAGIC", Value::int(20_171_005));
    dict.set_text("CODESIZE", Value::int(4));
    dict.set_text("MAXREPEAT", Value::int(code::MAX_REPEAT.into()));
    dict.set_text("MAXGROUPS", Value::int(code::MAX_GROUPS));
    dict.set_text("copyright", Str::new_value(" SRE 2.2.2 Copyright (c) 1997-2002 by Secret Labs AB "));
    Ok(())
}

fn getcodesize() -> Value {
    Value::int(4)
}

fn ascii_iscased(character: i32) -> bool {
    u8::try_from(character).is_ok_and(|character| character.is_ascii_alphabetic())
}

/// As `_sre_unicode_iscased`: whether lower or upper case differs.
fn unicode_iscased(character: i32) -> bool {
    let code = character.cast_unsigned();
    code < 0x11_0000 && (engine::lower_unicode(code) != code || engine::upper_unicode(code) != code)
}

fn ascii_tolower(character: i32) -> Value {
    Value::int(engine::lower_ascii(character.cast_unsigned()).cast_signed().into())
}

fn unicode_tolower(character: i32) -> Value {
    let code = character.cast_unsigned();
    let lower = if code < 0x11_0000 { engine::lower_unicode(code) } else { code };
    Value::int(lower.cast_signed().into())
}

fn compile(
    pattern: &Value,
    flags: i32,
    code: &Value,
    groups: isize,
    groupindex: &Value,
    indexgroup: &Value,
) -> PyResult<Value> {
    let wrong = |name: &str, expected: &str, found: &Value| {
        type_error(format!("compile() argument '{name}' must be {expected}, not {}", found.ty().name()))
    };
    let Some(words) = code.downcast::<List>() else { return Err(wrong("code", "list", code)) };
    if groupindex.downcast::<Dict>().is_none() {
        return Err(wrong("groupindex", "dict", groupindex));
    }
    if indexgroup.downcast::<Tuple>().is_none() {
        return Err(wrong("indexgroup", "tuple", indexgroup));
    }
    let mut code = Vec::with_capacity(words.items().len());
    let mut index = 0;
    while let Some(word) = words.items().get(index) {
        let word = int::to_i64(&word).and_then(|word| u32::try_from(word).ok());
        code.push(word.ok_or_else(|| overflow_error("regular expression code size limit exceeded"))?);
        index += 1;
    }
    let Some(program) = Program::new(code, groups as i64) else { return Err(runtime_error("invalid SRE code")) };
    Pattern::new_value(pattern, flags, program, groups as usize, groupindex, indexgroup)
}
