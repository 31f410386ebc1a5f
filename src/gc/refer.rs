//! What refers to an object, and what an object refers to, as the collector sees it.

use super::{GENERATIONS, generation, links, object_of, traverse};
use crate::object::instance::Attrs;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::tuple::Tuple;

/// The attribute dict of an object whose attributes are in an array, made for those who look at references; none when
/// there are no attributes.
fn attribute_dict(object: &Value) -> Option<Value> {
    let attrs = Attrs::of(object)?;
    let mut any = attrs.has_dict();
    attrs.for_each_inline(&mut |_| any = true);
    if any { Some(attrs.make_dict(object.ty())) } else { None }
}

fn refers_to(holder: &Value, objects: &[Value]) -> bool {
    let mut found = false;
    if let Some(header) = holder.header() {
        traverse(header, &mut |value| found |= objects.iter().any(|object| object.is(value)));
    }
    found
}

/// `gc.get_referrers(*objects)`. An attribute's holder is, as in CPython, the instance's dict.
pub fn referrers(objects: &Tuple) -> Vec<Value> {
    let mut found = Vec::new();
    let wanted = objects.as_slice();
    for index in 0..GENERATIONS {
        for link in links(generation(index)) {
            let holder = object_of(link);
            let is_arguments = holder.exact::<Tuple>().is_some_and(|tuple| std::ptr::eq(tuple, objects));
            if is_arguments || holder.exact::<Dict>().is_some_and(|dict| !dict.table().is_tracked()) {
                continue;
            }
            if refers_to(&holder, wanted) {
                found.push(holder);
            }
        }
    }
    // What lies in an array of attributes is in a dict in CPython. The dict is made when the walk is over.
    let mut result = Vec::new();
    for holder in found {
        let mut in_array = false;
        if let Some(attrs) = Attrs::of(&holder) {
            attrs.for_each_inline(&mut |value| in_array |= wanted.iter().any(|object| object.is(value)));
        }
        if in_array && let Some(dict) = attribute_dict(&holder) {
            if refers_to(&holder, wanted) {
                result.push(holder);
            }
            result.push(dict);
        } else {
            result.push(holder);
        }
    }
    result
}

/// `gc.get_referents(*objects)`.
pub fn referents(objects: &[Value]) -> Vec<Value> {
    let mut found = Vec::new();
    for object in objects {
        let Some(header) = object.header() else { continue };
        if super::link_of(header).is_none() {
            continue;
        }
        drop(attribute_dict(object));
        traverse(header, &mut |value| {
            if !value.is_unbound() {
                found.push(value.clone());
            }
        });
    }
    found
}
