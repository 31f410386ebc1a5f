//! The module `gc`.

use crate::gc::{self, GENERATIONS};
use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::native::c_int;
use crate::object::number;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::exceptions::{type_error, value_error};
use crate::types::list::List;
use crate::types::tuple::Tuple;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "gc",
    doc: "This module provides access to the garbage collector for reference cycles.\n\nenable() -- Enable automatic garbage collection.\ndisable() -- Disable automatic garbage collection.\nisenabled() -- Returns true if automatic collection is enabled.\ncollect() -- Do a full collection right now.\nget_count() -- Return the current collection counts.\nget_stats() -- Return list of dictionaries containing per-generation stats.\nset_debug() -- Set debugging flags.\nget_debug() -- Get debugging flags.\nset_threshold() -- Set the collection thresholds.\nget_threshold() -- Return the current the collection thresholds.\nget_objects() -- Return a list of all objects tracked by the collector.\nis_tracked() -- Returns true if a given object is tracked.\nget_referrers() -- Return the list of objects that refer to an object.\nget_referents() -- Return the list of objects that an object refers to.\nfreeze() -- Freeze all tracked objects and ignore them for future collections.\nunfreeze() -- Unfreeze all objects in the permanent generation.\nget_freeze_count() -- Return the number of objects in the permanent generation.\n",
    functions: &[
        method!(enable, "enable($module, /)", "Enable automatic garbage collection."),
        method!(disable, "disable($module, /)", "Disable automatic garbage collection."),
        method!(isenabled, "isenabled($module, /)", "Returns true if automatic garbage collection is enabled."),
        method!(
            collect,
            "collect($module, /, generation=2)",
            "Run the garbage collector.\n\nWith no arguments, run a full collection.  The optional argument\nmay be an integer specifying which generation to collect.  A ValueError\nis raised if the generation number is invalid.\n\nThe number of unreachable objects is returned."
        ),
        method!(get_count, "get_count($module, /)", "Return a three-tuple of the current collection counts."),
        method!(
            get_stats,
            "get_stats($module, /)",
            "Return a list of dictionaries containing per-generation statistics."
        ),
        method!(
            set_debug,
            "set_debug($module, flags, /)",
            "Set the garbage collection debugging flags.\n\n  flags\n    An integer that can have the following bits turned on:\n      DEBUG_STATS - Print statistics during collection.\n      DEBUG_COLLECTABLE - Print collectable objects found.\n      DEBUG_UNCOLLECTABLE - Print unreachable but uncollectable objects\n        found.\n      DEBUG_SAVEALL - Save objects to gc.garbage rather than freeing them.\n      DEBUG_LEAK - Debug leaking programs (everything but STATS).\n\nDebugging information is written to sys.stderr."
        ),
        method!(get_debug, "get_debug($module, /)", "Get the garbage collection debugging flags."),
        method!(
            set_threshold,
            "set_threshold(*args)",
            "set_threshold(threshold0, [threshold1, threshold2]) -> None\n\nSets the collection thresholds.  Setting threshold0 to zero disables\ncollection.\n"
        ),
        method!(get_threshold, "get_threshold($module, /)", "Return the current collection thresholds."),
        method!(
            get_objects,
            "get_objects($module, /, generation=None)",
            "Return a list of objects tracked by the collector (excluding the list returned).\n\n  generation\n    Generation to extract the objects from.\n\nIf generation is not None, return only the objects tracked by the collector\nthat are in that generation."
        ),
        method!(
            is_tracked,
            "is_tracked($module, obj, /)",
            "Returns true if the object is tracked by the garbage collector.\n\nSimple atomic objects will return false."
        ),
        method!(
            get_referrers,
            "get_referrers(*objs)",
            "get_referrers(*objs) -> list\nReturn the list of objects that directly refer to any of objs."
        ),
        method!(
            get_referents,
            "get_referents(*objs)",
            "get_referents(*objs) -> list\nReturn the list of objects that are directly referred to by objs."
        ),
        method!(
            freeze,
            "freeze($module, /)",
            "Freeze all current tracked objects and ignore them for future collections.\n\nThis can be used before a POSIX fork() call to make the gc copy-on-write friendly.\nNote: collection before a POSIX fork() call may free pages for future allocation\nwhich can cause copy-on-write."
        ),
        method!(
            unfreeze,
            "unfreeze($module, /)",
            "Unfreeze all objects in the permanent generation.\n\nPut all objects in the permanent generation back into oldest generation."
        ),
        method!(
            get_freeze_count,
            "get_freeze_count($module, /)",
            "Return the number of objects in the permanent generation."
        ),
    ],
    fill,
};

fn fill(dict: &Dict) -> PyResult<()> {
    dict.set_text("garbage", gc::garbage());
    dict.set_text("callbacks", gc::callbacks());
    for (name, flag) in [
        ("DEBUG_STATS", gc::DEBUG_STATS),
        ("DEBUG_COLLECTABLE", gc::DEBUG_COLLECTABLE),
        ("DEBUG_UNCOLLECTABLE", gc::DEBUG_UNCOLLECTABLE),
        ("DEBUG_SAVEALL", gc::DEBUG_SAVEALL),
        ("DEBUG_LEAK", gc::DEBUG_COLLECTABLE | gc::DEBUG_UNCOLLECTABLE | gc::DEBUG_SAVEALL),
    ] {
        dict.set_text(name, Value::int(flag.into()));
    }
    Ok(())
}

fn enable() {
    gc::state().set_enabled(true);
}

fn disable() {
    gc::state().set_enabled(false);
}

fn isenabled() -> bool {
    gc::state().is_enabled()
}

fn collect(generation: Option<i32>) -> PyResult<Value> {
    match usize::try_from(generation.unwrap_or(2)) {
        Ok(generation) if generation < GENERATIONS => Ok(Value::int(gc::collect(generation) as i64)),
        _ => Err(value_error("invalid generation")),
    }
}

fn tuple_of(numbers: [isize; GENERATIONS]) -> Value {
    Tuple::from_vec(numbers.iter().map(|&number| Value::int(number as i64)).collect())
}

fn get_count() -> Value {
    tuple_of(gc::state().counts())
}

fn get_stats() -> Value {
    let stats = gc::state().stats().iter().map(|stats| {
        let dict = Dict::new_value();
        if let Some(dict) = dict.exact::<Dict>() {
            dict.set_text("collections", Value::int(stats.collections.get() as i64));
            dict.set_text("collected", Value::int(stats.collected.get() as i64));
            dict.set_text("uncollectable", Value::int(stats.uncollectable.get() as i64));
        }
        dict
    });
    List::from_vec(stats.collect())
}

fn set_debug(flags: i32) {
    gc::state().debug.set(flags);
}

fn get_debug() -> Value {
    Value::int(gc::state().debug.get().into())
}

fn set_threshold(args: &Tuple) -> PyResult<()> {
    let given = args.as_slice();
    if given.is_empty() {
        return Err(type_error("set_threshold() takes at least 1 argument (0 given)"));
    }
    if given.len() > GENERATIONS {
        return Err(type_error(format!("set_threshold() takes at most 3 arguments ({} given)", given.len())));
    }
    let mut thresholds = gc::state().thresholds();
    // One by one, as CPython stores them: those before a bad one are set.
    let stored = thresholds.iter_mut().zip(given).try_for_each(|(place, value)| {
        *place = c_int(value, true)? as isize;
        Ok(())
    });
    gc::state().set_thresholds(thresholds);
    stored
}

fn get_threshold() -> Value {
    tuple_of(gc::state().thresholds())
}

fn get_objects(generation: Option<&Value>) -> PyResult<Value> {
    let generation = match generation.filter(|generation| !generation.is_none()) {
        None => None,
        Some(generation) => {
            if !number::is_index(generation) {
                let ty = generation.ty().name();
                return Err(type_error(format!("argument should be integer or None, not '{ty}'")));
            }
            let index = number::index_to_isize(generation)?;
            match usize::try_from(index) {
                Ok(index) if index < GENERATIONS => Some(index),
                // What CPython passes when there is no argument.
                Err(_) if index == -1 => None,
                Ok(_) => {
                    return Err(value_error(format!(
                        "generation parameter must be less than the number of available generations ({GENERATIONS})"
                    )));
                }
                Err(_) => return Err(value_error("generation parameter cannot be negative")),
            }
        }
    };
    Ok(List::from_vec(gc::objects(generation)))
}

fn is_tracked(object: &Value) -> bool {
    gc::is_tracked(object)
}

fn get_referrers(objects: &Tuple) -> Value {
    List::from_vec(gc::referrers(objects))
}

fn get_referents(objects: &Tuple) -> Value {
    List::from_vec(gc::referents(objects.as_slice()))
}

fn freeze() {
    gc::freeze();
}

fn unfreeze() {
    gc::unfreeze();
}

fn get_freeze_count() -> Value {
    Value::int(gc::freeze_count() as i64)
}
