//! Starting the virtual machine: one interpreter a process, entered under the GIL.

use crate::types;
use crate::vm::thread;
use std::sync::{Mutex, Once, PoisonError};

static GIL: Mutex<()> = Mutex::new(());
static INIT: Once = Once::new();

/// Bytes of native stack that [`with`] gives to what it runs.
pub const NATIVE_STACK: usize = 512 << 20;

/// Runs `f` with the GIL, on a thread with a native stack of [`NATIVE_STACK`] bytes; sets the interpreter up before the
/// first time.
///
/// # Panics
/// When the system gives no thread, or `f` panics.
pub fn with<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let gil = GIL.lock().unwrap_or_else(PoisonError::into_inner);
    let result = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("python".to_owned()).stack_size(NATIVE_STACK);
        let thread = builder.spawn_scoped(scope, || {
            thread::prepare(NATIVE_STACK);
            INIT.call_once(|| types::init().expect("builtin types are consistent"));
            f()
        });
        thread.expect("a thread").join()
    });
    drop(gil);
    match result {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use crate::object::{Value, call, text};
    use crate::types::list::List;
    use crate::types::str::intern;

    #[test]
    fn native_methods_check_their_arguments() {
        super::with(|| {
            let list = List::from_vec(vec![]);
            call::call_method(&list, &intern("append"), &[Value::int(7)]).expect("append");
            assert_eq!(list.exact::<List>().map(|l| l.items().len()), Some(1));
            let error = call::call_method(&list, &intern("append"), &[]).expect_err("no argument");
            let message = text::str_string(error.value()).expect("str");
            assert_eq!(message, "append() takes exactly one argument (0 given)");
            let missing = call::call_method(&list, &intern("nope"), &[]).expect_err("missing");
            assert_eq!(text::str_string(missing.value()).expect("str"), "'list' object has no attribute 'nope'");
        });
    }
}
