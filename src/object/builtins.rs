//! The builtin namespace, for native code that refers to a builtin by name: the `iter` in an iterator's `__reduce__`.

use super::error::PyResult;
use super::gil::GilCell;
use super::value::Value;
use super::value_vec::ValueCell;
use crate::types::dict::Dict;
use crate::types::exceptions::attribute_error;
use crate::types::str::intern;

static NAMESPACE: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

/// Makes `dict` the builtin namespace.
pub fn set_namespace(dict: Value) {
    NAMESPACE.get().set(Some(dict));
}

static ORIGINAL: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

/// Keeps what the builtin namespace holds now, for [`restore_original`].
pub fn keep_original(namespace: &Dict) {
    // Without one, nothing is given back.
    ORIGINAL.get().set(namespace.copied().ok());
}

/// Gives the builtin namespace back what it held at first, and nothing else: what a program put there dies.
pub fn restore_original() {
    let (namespace, original) = (NAMESPACE.get().get(), ORIGINAL.get().get());
    if let (Some(namespace), Some(original)) = (namespace, original)
        && let (Some(namespace), Some(original)) = (namespace.downcast::<Dict>(), original.downcast::<Dict>())
    {
        // Dies when all is restored, `__del__` sees the original names.
        let old = namespace.table().clear();
        for (name, value) in original.items() {
            let _infallible = namespace.set(&name, value);
        }
        drop(old);
    }
}

/// The builtin namespace, once there is one.
pub fn namespace() -> Option<Value> {
    NAMESPACE.get().get()
}

/// The builtin `name`. As `_PyEval_GetBuiltinId`.
///
/// # Errors
/// `AttributeError` when there is none.
pub fn get(name: &str) -> PyResult<Value> {
    let found = match NAMESPACE.get().get() {
        Some(namespace) => match namespace.downcast::<Dict>() {
            Some(dict) => dict.get(&intern(name))?,
            None => None,
        },
        None => None,
    };
    found.ok_or_else(|| attribute_error(name))
}
