//! Calls of Python functions.
use crate::object::error::PyResult;
use crate::object::value::Value;

/// Calls.
pub fn call_function(_f: &Value, _args: &[Value], _kw: Option<&Value>) -> PyResult<Value> {
    Ok(Value::NONE)
}
