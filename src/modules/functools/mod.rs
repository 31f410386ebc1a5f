//! The module `_functools`.

mod key_wrapper;
mod lru_cache;
mod partial;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::object::{TypeObject, call, iter};
use crate::types::dict::Dict;
use crate::types::exceptions::{TYPE_ERROR, is_instance, type_error};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_functools",
    doc: "Tools that operate on functions.",
    functions: &[
        method!(
            reduce,
            "!reduce(function, sequence, initial=None, /)",
            "reduce(function, sequence[, initial]) -> value\n\nApply a function of two arguments cumulatively to the items of a sequence,\nfrom left to right, so as to reduce the sequence to a single value.\nFor example, reduce(lambda x, y: x+y, [1, 2, 3, 4, 5]) calculates\n((((1+2)+3)+4)+5).  If initial is present, it is placed before the items\nof the sequence in the calculation, and serves as a default when the\nsequence is empty."
        ),
        method!(key_wrapper::cmp_to_key, "!cmp_to_key(mycmp)", "Convert a cmp= function into a key= function."),
    ],
    fill,
};

static TYPES: &[&TypeObject] = &[&partial::PARTIAL, &lru_cache::LRU_CACHE_WRAPPER];

fn fill(dict: &Dict) -> PyResult<()> {
    key_wrapper::KEY_WRAPPER.ready()?;
    for ty in TYPES {
        ty.ready()?;
        dict.set_text(ty.short_name(), ty.value());
    }
    Ok(())
}

fn reduce(function: &Value, sequence: &Value, initial: Option<&Value>) -> PyResult<Value> {
    let iterator = iter::iter(sequence).map_err(|raised| {
        if is_instance(&raised, &TYPE_ERROR) { type_error("reduce() arg 2 must support iteration") } else { raised }
    })?;
    let mut result = initial.cloned();
    while let Some(item) = iter::next(&iterator)? {
        result = Some(match result {
            Some(before) => call::call(function, &[before, item])?,
            None => item,
        });
    }
    result.ok_or_else(|| type_error("reduce() of empty sequence with no initial value"))
}
