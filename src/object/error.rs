//! How a Python exception travels through Rust code.

use super::value::Value;

/// A raised exception: an instance of `BaseException`. One word, so that results return in registers.
#[must_use = "a raised exception has to be handled or returned"]
#[derive(Debug)]
pub struct Raised(Value);

/// What a fallible operation returns.
pub type PyResult<T> = Result<T, Raised>;

impl Raised {
    /// Raises an instance of `BaseException`.
    pub fn new(exception: Value) -> Raised {
        Raised(exception)
    }

    /// The exception.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The exception, owned.
    pub fn into_value(self) -> Value {
        self.0
    }
}
