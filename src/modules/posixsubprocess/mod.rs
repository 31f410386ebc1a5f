//! The module `_posixsubprocess`: starting programs for the module `subprocess`.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::posix::path::to_c_string;
use crate::modules::posix::process::split;
use crate::name;
use crate::object::error::PyResult;
use crate::object::native::c_int;
use crate::object::value::Value;
use crate::object::{call, number, sequence};
use crate::types::bytes::Bytes;
use crate::types::exceptions::{os_error, type_error, value_error};
use crate::types::int;
use crate::types::tuple::Tuple;
use crate::vm::import;
use std::ffi::CString;
use system::Texts;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_posixsubprocess",
    doc: "A POSIX helper for the subprocess module.",
    functions: &[method!(
        raw fork_exec,
        "!fork_exec(*args)",
        "fork_exec(args, executable_list, close_fds, cwd, env,\n          p2cread, p2cwrite, c2pread, c2pwrite,\n          errread, errwrite, errpipe_read, errpipe_write,\n          restore_signals, call_setsid, preexec_fn)\n\nForks a child process, closes parent file descriptors as appropriate in the\nchild and dups the few that are needed before calling exec() in the child\nprocess.\n\nThe preexec_fn, if supplied, will be called immediately before exec.\nWARNING: preexec_fn is NOT SAFE if your application uses threads.\n         It may trigger infrequent, difficult to debug deadlocks.\n\nIf an error occurs in the child process before the exec, it is\nserialized and written to the errpipe_write fd per subprocess.py.\n\nReturns: the child process's PID.\n\nRaises: Only on an error in the parent process.\n"
    )],
    fill: |_| Ok(()),
};

/// Everything the child needs, made before the process is split.
struct Child {
    programs: Vec<CString>,
    arguments: Option<Texts>,
    environment: Option<Texts>,
    directory: Option<CString>,
    close_fds: bool,
    kept: Vec<i32>,
    /// p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, errpipe_write.
    fds: [i32; 8],
    restore_signals: bool,
    new_session: bool,
    hook: Option<Value>,
}

/// The items of a sequence.
fn items(list: &Value) -> PyResult<Vec<Value>> {
    let count = sequence::len(list)?;
    (0..count).map(|index| sequence::get_item(list, &Value::int(index as i64))).collect()
}

/// A sequence of bytes. As `_PySequence_BytesToCharpArray`.
fn byte_texts(list: &Value) -> PyResult<Vec<CString>> {
    let text = |item: &Value| match item.downcast::<Bytes>() {
        Some(bytes) => CString::new(bytes.as_slice()).map_err(|_| value_error("embedded null byte")),
        None => Err(type_error(format!("expected bytes, {} found", item.ty().name()))),
    };
    items(list)?.iter().map(text).collect()
}

/// The descriptors to keep: numbers that ascend.
fn descriptors(tuple: &Tuple) -> Option<Vec<i32>> {
    let mut fds = Vec::with_capacity(tuple.len());
    for item in tuple.as_slice() {
        let fd = int::to_i64(item).and_then(|fd| i32::try_from(fd).ok())?;
        if fd < 0 || fds.last().is_some_and(|last| fd <= *last) {
            return None;
        }
        fds.push(fd);
    }
    Some(fds)
}

/// Runs `act` with the collector off, by way of the module `gc` as programs see it: Python code runs in the child only as
/// far as the hook asks for it.
fn without_collector(act: impl FnOnce() -> PyResult<Value>) -> PyResult<Value> {
    let gc = import::import_text("gc")?;
    let was_enabled = number::truth(&call::call_method(&gc, name!("isenabled"), &[])?)?;
    call::call_method(&gc, name!("disable"), &[])?;
    let result = act();
    if was_enabled {
        call::call_method(&gc, name!("enable"), &[])?;
    }
    result
}

fn fork_exec(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    if kwnames.is_some() {
        return Err(type_error("fork_exec() takes no keyword arguments"));
    }
    let [arguments, programs, close_fds, kept, directory, environment, numbers @ .., hook] = args else {
        return Err(count_error(args.len()));
    };
    if args.len() != 17 {
        return Err(count_error(args.len()));
    }
    let close_fds = number::truth(close_fds)?;
    let Some(kept) = kept.downcast::<Tuple>() else {
        return Err(type_error(format!("fork_exec() argument 4 must be tuple, not {}", shown_type(kept))));
    };
    let mut fds = [-1; 10];
    for (place, value) in fds.iter_mut().zip(numbers) {
        *place = c_int(value, true)?;
    }
    let [a, b, c, d, e, f, g, errpipe_write, restore_signals, new_session] = fds;
    if close_fds && errpipe_write < 3 {
        return Err(value_error("errpipe_write must be >= 3"));
    }
    let Some(kept) = descriptors(kept) else { return Err(value_error("bad value(s) in fds_to_keep")) };
    let child = |hook: Option<Value>| -> PyResult<Child> {
        let programs = byte_texts(programs)?;
        let arguments = if arguments.is_none() {
            None
        } else {
            let list = crate::object::iter::collect(arguments).map_err(|_| type_error("argv must be a tuple"))?;
            Some(Texts::new(list.iter().map(to_c_string).collect::<PyResult<_>>()?))
        };
        let environment = if environment.is_none() { None } else { Some(Texts::new(byte_texts(environment)?)) };
        let directory = if directory.is_none() { None } else { Some(to_c_string(directory)?) };
        Ok(Child {
            programs,
            arguments,
            environment,
            directory,
            close_fds,
            kept,
            fds: [a, b, c, d, e, f, g, errpipe_write],
            restore_signals: restore_signals != 0,
            new_session: new_session != 0,
            hook,
        })
    };
    if hook.is_none() {
        let child = child(None)?;
        let pid = system::fork().map_err(|errno| os_error::from_errno(errno, None))?;
        if pid == 0 {
            child.run();
        }
        return Ok(Value::int(pid.into()));
    }
    without_collector(|| {
        let child = child(Some(hook.clone()))?;
        let pid = split(None, system::fork)?;
        if pid == 0 {
            child.run();
        }
        Ok(Value::int(pid.into()))
    })
}

fn count_error(given: usize) -> crate::object::Raised {
    type_error(format!("fork_exec() takes exactly 17 arguments ({given} given)"))
}

fn shown_type(value: &Value) -> &str {
    if value.is_none() { "None" } else { value.ty().name() }
}

/// Why the program was not executed.
enum Failure {
    /// The system's error number before the hook was reached.
    Early(i32),
    /// The one after.
    Late(i32),
    /// The hook raised an exception.
    Hook,
}

impl Child {
    /// The child's life. As `child_exec`.
    fn run(&self) -> ! {
        let failure = match self.prepare() {
            Err(errno) => Failure::Early(errno),
            Ok(()) => self.execute(),
        };
        let pipe = self.fds[7];
        match failure {
            Failure::Hook => system::report(pipe, b"SubprocessError:0:Exception occurred in preexec_fn."),
            Failure::Early(errno) | Failure::Late(errno) => {
                system::report(pipe, b"OSError:");
                let mut digits = [0; 8];
                let mut first = digits.len();
                let mut left = errno.cast_unsigned();
                while left != 0 && first > 0 {
                    first -= 1;
                    if let Some(digit) = digits.get_mut(first) {
                        *digit = b"0123456789ABCDEF".get(left as usize & 15).copied().unwrap_or(b'0');
                    }
                    left >>= 4;
                }
                system::report(pipe, digits.get(first..).unwrap_or_default());
                system::report(pipe, b":");
                if matches!(failure, Failure::Early(_)) {
                    system::report(pipe, b"noexec");
                }
            }
        }
        system::exit(255)
    }

    /// Sets up descriptors, directory, signals and session.
    fn prepare(&self) -> Result<(), i32> {
        let [p2cread, p2cwrite, c2pread, mut c2pwrite, errread, mut errwrite, errpipe_read, errpipe_write] = self.fds;
        for &fd in self.kept.iter().filter(|fd| **fd != errpipe_write) {
            system::keep(fd)?;
        }
        for fd in [p2cwrite, c2pread, errread, errpipe_read] {
            system::close(fd);
        }
        // What would be overwritten moves out of the way.
        if c2pwrite == 0 {
            c2pwrite = system::dup(c2pwrite)?;
        }
        while errwrite == 0 || errwrite == 1 {
            errwrite = system::dup(errwrite)?;
        }
        for (fd, wanted) in [(p2cread, 0), (c2pwrite, 1), (errwrite, 2)] {
            if fd == wanted {
                system::keep(fd)?;
            } else if fd != -1 {
                system::dup2(fd, wanted)?;
            }
        }
        if let Some(directory) = &self.directory {
            system::chdir(directory)?;
        }
        if self.restore_signals {
            system::restore_signals();
        }
        if self.new_session {
            system::setsid();
        }
        Ok(())
    }

    /// Calls the hook and becomes the first program that there is; returns only when that fails.
    fn execute(&self) -> Failure {
        if let Some(hook) = &self.hook
            && call::call(hook, &[]).is_err()
        {
            return Failure::Hook;
        }
        if self.close_fds {
            system::close_others(&self.kept);
        }
        let (mut first, mut last) = (0, 0);
        if let Some(arguments) = &self.arguments {
            for program in &self.programs {
                last = system::execute(program, arguments, self.environment.as_ref());
                if last != libc::ENOENT && last != libc::ENOTDIR && first == 0 {
                    first = last;
                }
            }
        }
        Failure::Late(if first == 0 { last } else { first })
    }
}
