//! Detection of a `repr()` that comes back to an object whose `repr()` is being made (`Py_ReprEnter`).

use super::value::Value;
use std::cell::RefCell;

thread_local! {
    /// The objects whose `repr()` this thread is making, outermost first. Each is kept alive by the caller of its `repr`.
    static ACTIVE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Ends the `repr()` of one object when dropped.
pub struct ReprGuard(u64);

/// Begins the `repr()` of `object`; `None` when this thread is making it already: the caller writes `...` then.
pub fn enter(object: &Value) -> Option<ReprGuard> {
    let bits = object.bits();
    ACTIVE.with_borrow_mut(|active| {
        if active.contains(&bits) {
            return None;
        }
        active.push(bits);
        Some(ReprGuard(bits))
    })
}

impl Drop for ReprGuard {
    fn drop(&mut self) {
        ACTIVE.with_borrow_mut(|active| {
            if let Some(at) = active.iter().rposition(|&bits| bits == self.0) {
                active.remove(at);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_entered_once_until_its_guard_ends() {
        let (a, b) = (Value::int(1), Value::int(2));
        let first = enter(&a);
        assert!(first.is_some() && enter(&a).is_none());
        let second = enter(&b);
        drop(first);
        assert!(enter(&b).is_none() && enter(&a).is_some());
        drop(second);
        assert!(enter(&b).is_some());
    }
}
