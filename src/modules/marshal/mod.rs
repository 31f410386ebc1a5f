//! The module `marshal`: values in the format of `.pyc` files.

mod read;
mod write;

use crate::method;
use crate::modules::ModuleDef;
use crate::name;
use crate::object::buffer::{Buffer, Request};
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::exceptions::type_error;
use crate::types::memoryview;

/// The format that is written when no other is asked for; CPython's `Py_MARSHAL_VERSION`.
const VERSION: i32 = 4;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "marshal",
    doc: "This module contains functions that can read and write Python values in\na binary format. The format is specific to Python, but independent of\nmachine architecture issues.\n\nNot all Python object types are supported; in general, only objects\nwhose value is independent from a particular invocation of Python can be\nwritten and read by this module. The following types are supported:\nNone, integers, floating point numbers, strings, bytes, bytearrays,\ntuples, lists, sets, dictionaries, and code objects, where it\nshould be understood that tuples, lists and dictionaries are only\nsupported as long as the values contained therein are themselves\nsupported; and recursive lists and dictionaries should not be written\n(they will cause infinite loops).\n\nVariables:\n\nversion -- indicates the format that the module uses. Version 0 is the\n    historical format, version 1 shares interned strings and version 2\n    uses a binary format for floating point numbers.\n    Version 3 shares common object references (New in version 3.4).\n\nFunctions:\n\ndump() -- write value to a file\nload() -- read value from a file\ndumps() -- marshal value as a bytes object\nloads() -- read value from a bytes-like object",
    functions: &[
        method!(
            dump,
            "dump($module, value, file, version=version, /)",
            "Write the value on the open file.\n\n  value\n    Must be a supported type.\n  file\n    Must be a writeable binary file.\n  version\n    Indicates the data format that dump should use.\n\nIf the value has (or contains an object that has) an unsupported type, a\nValueError exception is raised - but garbage data will also be written\nto the file. The object will not be properly read back by load()."
        ),
        method!(
            load,
            "load($module, file, /)",
            "Read one value from the open file and return it.\n\n  file\n    Must be readable binary file.\n\nIf no valid value is read (e.g. because the data has a different Python\nversion's incompatible marshal format), raise EOFError, ValueError or\nTypeError.\n\nNote: If an object containing an unsupported type was marshalled with\ndump(), load() will substitute None for the unmarshallable type."
        ),
        method!(
            dumps,
            "dumps($module, value, version=version, /)",
            "Return the bytes object that would be written to a file by dump(value, file).\n\n  value\n    Must be a supported type.\n  version\n    Indicates the data format that dumps should use.\n\nRaise a ValueError exception if value has (or contains an object that has) an\nunsupported type."
        ),
        method!(
            loads,
            "loads($module, bytes, /)",
            "Convert the bytes-like object to a value.\n\nIf no valid value is found, raise EOFError, ValueError or TypeError.  Extra\nbytes in the input are ignored."
        ),
    ],
    fill,
};

fn fill(dict: &Dict) -> PyResult<()> {
    dict.set_text("version", Value::int(VERSION.into()));
    Ok(())
}

fn dumps(value: &Value, version: Option<i32>) -> PyResult<Value> {
    write::write(value, version.unwrap_or(VERSION)).map(|bytes| Bytes::new_value(&bytes))
}

fn dump(value: &Value, file: &Value, version: Option<i32>) -> PyResult<Value> {
    let bytes = dumps(value, version)?;
    call::call_method(file, name!("write"), &[bytes])
}

/// The value that bytes begin with.
///
/// # Errors
/// As for `marshal.loads`.
pub(crate) fn read_bytes(data: &[u8]) -> PyResult<Value> {
    read::read(read::Source::Bytes { data, at: 0 })
}

fn loads(bytes: &Value) -> PyResult<Value> {
    // Bytes do not change. Of other memory a copy: making objects may run the collector, and with it Python code.
    if let Some((owner, range)) = memoryview::constant_bytes(bytes)
        && let Some(owner) = owner.exact::<Bytes>()
    {
        let data = owner.as_slice().get(range).unwrap_or_default();
        return read_bytes(data);
    }
    read_bytes(&Buffer::require(bytes, Request::Simple)?.to_vec())
}

fn load(file: &Value) -> PyResult<Value> {
    // As marshal_load: a read of nothing shows whether the object gives bytes at all.
    let nothing = call::call_method(file, name!("read"), &[Value::int(0)])?;
    if nothing.downcast::<Bytes>().is_none() {
        return Err(type_error(format!("file.read() returned not bytes but {}", nothing.ty().name())));
    }
    read::read(read::Source::File(file.clone()))
}
