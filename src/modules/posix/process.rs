//! Processes: making, replacing and ending them, waiting for them, their numbers, priorities and limits.

use super::arguments::{FsText, Gid, Path, Uid, error, id_value};
use super::files::{I32, done, retried};
use super::{constants, path as names, system, tree};
use crate::modules::blocking::{blocking, retry};
use crate::modules::imp;
use crate::modules::resource;
use crate::modules::sys::audit;
use crate::name;
use crate::object::alloc_trace;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::native::{Function, GetSet, thunk};
use crate::object::slots::Slots;
use crate::object::value::Value;
use crate::object::value_vec::ValueVec;
use crate::object::{TypeFlags, TypeObject, attribute, call, iter, number, sequence};
use crate::struct_sequence;
use crate::types::exceptions::{overflow_error, raise, type_error, value_error};
use crate::types::int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{set, struct_sequence as fields, tuple};
use crate::vm::{gil, thread};
use std::ffi::CString;

struct_sequence!(
    /// The type object of `posix.waitid_result`.
    WAITID_RESULT "posix.waitid_result" "waitid_result: Result from waitid.\n\nThis object may be accessed either as a tuple of\n  (si_pid, si_uid, si_signo, si_status, si_code),\nor via the attributes si_pid, si_uid, and so on.\n\nSee os.waitid for more information.",
    [("si_pid", ""), ("si_uid", ""), ("si_signo", ""), ("si_status", ""), ("si_code", "")]
);

struct_sequence!(
    /// The type object of `posix.uname_result`.
    UNAME_RESULT "posix.uname_result" "uname_result: Result from os.uname().\n\nThis object may be accessed either as a tuple of\n  (sysname, nodename, release, version, machine),\nor via the attributes sysname, nodename, release, version, and machine.\n\nSee os.uname for more information.",
    [
        ("sysname", "operating system name"),
        ("nodename", "name of machine on network (implementation-defined)"),
        ("release", "operating system release"),
        ("version", "operating system version"),
        ("machine", "hardware identifier"),
    ]
);

struct_sequence!(
    /// The type object of `posix.times_result`.
    TIMES_RESULT "posix.times_result" "times_result: Result from os.times().\n\nThis object may be accessed either as a tuple of\n  (user, system, children_user, children_system, elapsed),\nor via the attributes user, system, children_user, children_system,\nand elapsed.\n\nSee os.times for more information.",
    [
        ("user", "user time"),
        ("system", "system time"),
        ("children_user", "user time of children"),
        ("children_system", "system time of children"),
        ("elapsed", "elapsed time since an arbitrary point in the past"),
    ]
);

struct_sequence!(
    /// The type object of `os.terminal_size`.
    TERMINAL_SIZE "os.terminal_size" "A tuple of (columns, lines) for holding terminal window size",
    [
        ("columns", "width of the terminal window in characters"),
        ("lines", "height of the terminal window in characters"),
    ]
);

static PRIORITY: [fields::Field; 1] = [("sched_priority", "the scheduling priority")];
static PRIORITY_MEMBER: [GetSet; 1] = fields::members(&[("sched_priority", "the scheduling priority")]);

/// The type object of `posix.sched_param`: made of a priority, not of a sequence.
pub static SCHED_PARAM: TypeObject = TypeObject::define::<Tuple>("posix.sched_param")
    .base(&tuple::TUPLE)
    .flags(TypeFlags::TUPLE)
    .variable_size(tuple::size)
    .doc("Current has only one field: sched_priority\");\n\n  sched_priority\n    A scheduling parameter.")
    .slots(Slots {
        new: Some(|_, args, kwnames| NEW_SCHED_PARAM.call(args, kwnames)),
        repr: Some(|this| fields::repr(this, &PRIORITY)),
        ..Slots::EMPTY
    })
    .methods(fields::METHODS)
    .getset(&PRIORITY_MEMBER);

static NEW_SCHED_PARAM: Function = Function::new("sched_param(sched_priority)", "", thunk(new_sched_param));

fn new_sched_param(priority: &Value) -> Value {
    fields::new_value(&SCHED_PARAM, vec![priority.clone()])
}

// -- Making and ending processes

static BEFORE: GilCell<ValueVec> = GilCell::new(ValueVec::new(Vec::new()));
static IN_CHILD: GilCell<ValueVec> = GilCell::new(ValueVec::new(Vec::new()));
static IN_PARENT: GilCell<ValueVec> = GilCell::new(ValueVec::new(Vec::new()));

pub(super) fn register_at_fork(
    before: Option<&Value>,
    in_child: Option<&Value>,
    in_parent: Option<&Value>,
) -> PyResult<()> {
    if before.is_none() && in_child.is_none() && in_parent.is_none() {
        return Err(type_error("At least one argument is required."));
    }
    for (hook, what) in [(before, "before"), (in_child, "after_in_child"), (in_parent, "after_in_parent")] {
        if let Some(hook) = hook
            && !call::is_callable(hook)
        {
            return Err(type_error(format!("'{what}' must be callable, not {}", hook.ty().name())));
        }
    }
    for (hook, hooks) in [(before, &BEFORE), (in_child, &IN_CHILD), (in_parent, &IN_PARENT)] {
        if let Some(hook) = hook {
            hooks.get().push(hook.clone());
        }
    }
    Ok(())
}

fn run_hooks(hooks: &[Value]) {
    for hook in hooks {
        if let Err(raised) = call::call(hook, &[]) {
            thread::report_unraisable(raised, hook);
        }
    }
}

/// Splits the process with the hooks around it.
pub(crate) fn split(event: Option<&str>, split: impl FnOnce() -> Result<i32, i32>) -> PyResult<i32> {
    if let Some(event) = event
        && audit::is_heard()
    {
        audit::event(event, &[])?;
    }
    let mut before = BEFORE.get().snapshot();
    before.reverse();
    run_hooks(&before);
    // No other thread is within an import: the child would see what is half done.
    imp::acquire_lock();
    let result = alloc_trace::around_fork(split);
    if result == Ok(0) {
        gil::after_fork_in_child();
        thread::forget_others();
        imp::after_fork();
        run_hooks(&IN_CHILD.get().snapshot());
    } else {
        imp::release_lock()?;
        run_hooks(&IN_PARENT.get().snapshot());
    }
    done(result)
}

pub(super) fn fork() -> PyResult<I32> {
    split(Some("os.fork"), system::fork).map(I32)
}

pub(super) fn forkpty() -> PyResult<Value> {
    let mut master = -1;
    let pid = split(Some("os.forkpty"), || {
        system::forkpty().map(|(pid, fd)| {
            master = fd;
            pid
        })
    })?;
    Ok(Tuple::from_vec(vec![Value::int(pid.into()), Value::int(master.into())]))
}

pub(super) fn exit(status: i32) {
    system::exit(status)
}

pub(super) fn abort() {
    std::process::abort()
}

/// The arguments of a program: a tuple or list of names.
fn program_arguments(arguments: &Value) -> PyResult<Vec<CString>> {
    iter::collect(arguments)?.iter().map(names::to_c_string).collect()
}

fn is_list_or_tuple(value: &Value) -> bool {
    value.downcast::<List>().is_some() || value.downcast::<Tuple>().is_some()
}

pub(super) fn execv(path: FsText, arguments: &Value) -> PyResult<()> {
    if !is_list_or_tuple(arguments) {
        return Err(type_error("execv() arg 2 must be a tuple or list"));
    }
    let args = program_arguments(arguments)?;
    match args.first() {
        None => return Err(value_error("execv() arg 2 must not be empty")),
        Some(first) if first.is_empty() => {
            return Err(value_error("execv() arg 2 first element cannot be empty"));
        }
        Some(_) => {}
    }
    if audit::is_heard() {
        audit::event("os.exec", &[names::decode(path.0.to_bytes())?, arguments.clone(), Value::NONE])?;
    }
    Err(error(system::execv(&path.0, &args)))
}

/// The environment that a mapping describes. As `parse_envlist`.
fn environment_of(mapping: &Value) -> PyResult<Vec<CString>> {
    let list = |name: &Value| -> PyResult<Vec<Value>> {
        let listed = call::call_method(mapping, name, &[])?;
        iter::collect(&listed).map_err(|_| type_error("env.keys() or env.values() is not a list"))
    };
    let (keys, values) = (list(name!("keys"))?, list(name!("values"))?);
    let mut texts = Vec::new();
    for (key, value) in keys.iter().zip(&values) {
        let (key, value) = (names::to_c_string(key)?, names::to_c_string(value)?);
        let key = key.to_bytes();
        if key.is_empty() || key.get(1..).is_some_and(|rest| rest.contains(&b'=')) {
            return Err(value_error("illegal environment variable name"));
        }
        let text = [key, b"=", value.to_bytes()].concat();
        texts.push(CString::new(text).map_err(|_| value_error("embedded null byte"))?);
    }
    Ok(texts)
}

/// What `execve` and `posix_spawn` have in common: arguments and environment.
pub(super) fn program(
    function: &str,
    arguments: &Value,
    environment: &Value,
) -> PyResult<(Vec<CString>, Vec<CString>)> {
    if !is_list_or_tuple(arguments) {
        return Err(type_error(format!("{function}: argv must be a tuple or list")));
    }
    if sequence::len(arguments)? == 0 {
        return Err(value_error(format!("{function}: argv must not be empty")));
    }
    let slots = environment.ty().all_slots();
    if slots.getitem.is_none() || environment.downcast::<Str>().is_some() {
        return Err(type_error(format!("{function}: environment must be a mapping object")));
    }
    let args = program_arguments(arguments)?;
    if args.first().is_some_and(|first| first.is_empty()) {
        return Err(value_error(format!("{function}: argv first element cannot be empty")));
    }
    Ok((args, environment_of(environment)?))
}

pub(super) fn execve(path: &Value, arguments: &Value, environment: &Value) -> PyResult<()> {
    let path = Path::name_or_fd(path, "execve")?;
    let (args, texts) = program("execve", arguments, environment)?;
    if audit::is_heard() {
        audit::event("os.exec", &[path.object.clone(), arguments.clone(), environment.clone()])?;
    }
    let errno = match path.fd {
        Some(fd) => system::fexecve(fd, &args, &texts),
        None => system::execve(path.c_str(), &args, &texts),
    };
    Err(path.error(errno))
}

pub(super) fn run_command(command: FsText) -> PyResult<I32> {
    if audit::is_heard() {
        audit::event("os.system", &[crate::types::bytes::Bytes::new_value(command.0.to_bytes())])?;
    }
    Ok(I32(blocking(|| system::system(&command.0))))
}

// -- Waiting

fn waited(pid: i32, status: i32) -> Value {
    Tuple::from_vec(vec![Value::int(pid.into()), Value::int(status.into())])
}

pub(super) fn wait() -> PyResult<Value> {
    retried(|| system::waitpid(-1, 0)).map(|(pid, status)| waited(pid, status))
}

pub(super) fn waitpid(pid: i32, options: i32) -> PyResult<Value> {
    retried(|| system::waitpid(pid, options)).map(|(pid, status)| waited(pid, status))
}

/// What a child has used, as the module `resource` shows it.
fn usage(usage: &libc::rusage) -> PyResult<Value> {
    let module = crate::vm::import::import_text("resource")?;
    let class = attribute::get_str(&module, "struct_rusage")?;
    call::call(&class, &[Tuple::from_vec(resource::usage_items(usage))])
}

pub(super) fn wait3(options: i32) -> PyResult<Value> {
    wait4(-1, options)
}

pub(super) fn wait4(pid: i32, options: i32) -> PyResult<Value> {
    let (pid, status, used) = retried(|| system::wait4(pid, options))?;
    Ok(Tuple::from_vec(vec![Value::int(pid.into()), Value::int(status.into()), usage(&used)?]))
}

pub(super) fn waitid(kind: i32, id: i32, options: i32) -> PyResult<Value> {
    let info = retried(|| system::waitid(kind as u32, id as u32, options))?;
    Ok(match info {
        Some(numbers) => fields::new_value(&WAITID_RESULT, numbers.map(Value::int).to_vec()),
        None => Value::NONE,
    })
}

pub(super) fn wcoredump(status: i32) -> bool {
    libc::WCOREDUMP(status)
}

pub(super) fn wifcontinued(status: i32) -> bool {
    libc::WIFCONTINUED(status)
}

pub(super) fn wifstopped(status: i32) -> bool {
    libc::WIFSTOPPED(status)
}

pub(super) fn wifsignaled(status: i32) -> bool {
    libc::WIFSIGNALED(status)
}

pub(super) fn wifexited(status: i32) -> bool {
    libc::WIFEXITED(status)
}

pub(super) fn wexitstatus(status: i32) -> I32 {
    I32(libc::WEXITSTATUS(status))
}

pub(super) fn wtermsig(status: i32) -> I32 {
    I32(libc::WTERMSIG(status))
}

pub(super) fn wstopsig(status: i32) -> I32 {
    I32(libc::WSTOPSIG(status))
}

// -- Numbers and signals

pub(super) fn kill(pid: i32, signal: i32) -> PyResult<()> {
    done(system::kill(pid, signal)).map(drop)
}

pub(super) fn killpg(group: i32, signal: i32) -> PyResult<()> {
    done(system::killpg(group, signal)).map(drop)
}

pub(super) fn getpid() -> I32 {
    I32(system::getpid())
}

pub(super) fn getppid() -> I32 {
    I32(system::getppid())
}

pub(super) fn getpgrp() -> I32 {
    I32(system::getpgrp())
}

pub(super) fn getpgid(pid: i32) -> PyResult<I32> {
    done(system::getpgid(pid)).map(I32)
}

pub(super) fn getsid(pid: i32) -> PyResult<I32> {
    done(system::getsid(pid)).map(I32)
}

pub(super) fn setsid() -> PyResult<()> {
    done(system::setsid()).map(drop)
}

pub(super) fn setpgid(pid: i32, group: i32) -> PyResult<()> {
    done(system::setpgid(pid, group)).map(drop)
}

pub(super) fn setpgrp() -> PyResult<()> {
    done(system::setpgid(0, 0)).map(drop)
}

pub(super) fn getuid() -> Value {
    id_value(system::getuid())
}

pub(super) fn geteuid() -> Value {
    id_value(system::geteuid())
}

pub(super) fn getgid() -> Value {
    id_value(system::getgid())
}

pub(super) fn getegid() -> Value {
    id_value(system::getegid())
}

fn ids(ids: &[u32]) -> Vec<Value> {
    ids.iter().map(|&id| id_value(id)).collect()
}

pub(super) fn getresuid() -> PyResult<Value> {
    done(system::getresuid()).map(|users| Tuple::from_vec(ids(&users)))
}

pub(super) fn getresgid() -> PyResult<Value> {
    done(system::getresgid()).map(|groups| Tuple::from_vec(ids(&groups)))
}

pub(super) fn setuid(user: Uid) -> PyResult<()> {
    done(system::setuid(user.0)).map(drop)
}

pub(super) fn seteuid(user: Uid) -> PyResult<()> {
    done(system::seteuid(user.0)).map(drop)
}

pub(super) fn setreuid(real: Uid, effective: Uid) -> PyResult<()> {
    done(system::setreuid(real.0, effective.0)).map(drop)
}

pub(super) fn setresuid(real: Uid, effective: Uid, saved: Uid) -> PyResult<()> {
    done(system::setresuid(real.0, effective.0, saved.0)).map(drop)
}

pub(super) fn setgid(group: Gid) -> PyResult<()> {
    done(system::setgid(group.0)).map(drop)
}

pub(super) fn setegid(group: Gid) -> PyResult<()> {
    done(system::setegid(group.0)).map(drop)
}

pub(super) fn setregid(real: Gid, effective: Gid) -> PyResult<()> {
    done(system::setregid(real.0, effective.0)).map(drop)
}

pub(super) fn setresgid(real: Gid, effective: Gid, saved: Gid) -> PyResult<()> {
    done(system::setresgid(real.0, effective.0, saved.0)).map(drop)
}

pub(super) fn getgroups() -> PyResult<Value> {
    done(system::getgroups()).map(|groups| List::from_vec(ids(&groups)))
}

pub(super) fn setgroups(groups: &Value) -> PyResult<()> {
    let items = match iter::collect(groups) {
        Ok(items) if groups.ty().slot(|slots| slots.getitem).is_some() => items,
        _ => return Err(type_error("setgroups argument must be a sequence")),
    };
    if items.len() > 65536 {
        return Err(value_error("too many groups"));
    }
    let mut numbers = Vec::with_capacity(items.len());
    for item in &items {
        if !int::is_int(item) {
            return Err(type_error("groups must be integers"));
        }
        let id = int::to_i64(item).filter(|id| (0..i64::from(u32::MAX)).contains(id));
        numbers.push(id.ok_or_else(|| overflow_error("group id too big"))? as u32);
    }
    done(system::setgroups(&numbers))
}

pub(super) fn initgroups(user: FsText, group: Gid) -> PyResult<()> {
    done(system::initgroups(&user.0, group.0)).map(drop)
}

pub(super) fn getgrouplist(user: &Str, group: Gid) -> PyResult<Value> {
    let user = names::to_c_string(&Value::of(user))?;
    done(system::getgrouplist(&user, group.0)).map(|groups| List::from_vec(ids(&groups)))
}

pub(super) fn getlogin() -> PyResult<Value> {
    match system::getlogin() {
        Ok(login) => names::decode(&login),
        Err(0) => Err(raise(&crate::types::exceptions::OS_ERROR, "unable to determine login name")),
        Err(errno) => Err(error(errno)),
    }
}

pub(super) fn getpriority(which: i32, who: i32) -> PyResult<i64> {
    done(system::getpriority(which, who as u32))
}

pub(super) fn setpriority(which: i32, who: i32, priority: i32) -> PyResult<()> {
    done(system::setpriority(which, who as u32, priority)).map(drop)
}

pub(super) fn nice(increment: i32) -> PyResult<i64> {
    done(system::nice(increment))
}

// -- Scheduling

pub(super) fn sched_get_priority_max(policy: i32) -> PyResult<I32> {
    done(system::sched_get_priority_max(policy)).map(I32)
}

pub(super) fn sched_get_priority_min(policy: i32) -> PyResult<I32> {
    done(system::sched_get_priority_min(policy)).map(I32)
}

pub(super) fn sched_getscheduler(pid: i32) -> PyResult<I32> {
    done(system::sched_getscheduler(pid)).map(I32)
}

/// The priority that a sched_param holds.
pub(super) fn priority_of(param: &Value) -> PyResult<i32> {
    if !std::ptr::eq(param.ty(), &SCHED_PARAM) {
        return Err(type_error("must have a sched_param object"));
    }
    let priority = fields::field(param, 0);
    let number = number::index_to_i64(&priority)?;
    number.and_then(|number| i32::try_from(number).ok()).ok_or_else(|| overflow_error("sched_priority out of range"))
}

pub(super) fn sched_getparam(pid: i32) -> PyResult<Value> {
    let priority = done(system::sched_getparam(pid))?;
    Ok(fields::new_value(&SCHED_PARAM, vec![Value::int(priority.into())]))
}

pub(super) fn sched_setparam(pid: i32, param: &Value) -> PyResult<()> {
    done(system::sched_setparam(pid, priority_of(param)?))
}

pub(super) fn sched_setscheduler(pid: i32, policy: i32, param: &Value) -> PyResult<()> {
    done(system::sched_setscheduler(pid, policy, priority_of(param)?))
}

pub(super) fn sched_rr_get_interval(pid: i32) -> PyResult<f64> {
    done(system::sched_rr_get_interval(pid))
}

pub(super) fn sched_yield() -> PyResult<()> {
    done(blocking(system::sched_yield)).map(drop)
}

pub(super) fn sched_getaffinity(pid: i32) -> PyResult<Value> {
    let processors = done(system::sched_getaffinity(pid))?;
    let result = call::call(&set::SET.value(), &[])?;
    for processor in processors {
        call::call_method(&result, name!("add"), &[Value::int(processor as i64)])?;
    }
    Ok(result)
}

pub(super) fn sched_setaffinity(pid: i32, mask: &Value) -> PyResult<()> {
    let mut processors = Vec::new();
    for item in iter::collect(mask)? {
        if !int::is_int(&item) {
            return Err(type_error(format!("expected an iterator of ints, but iterator yielded {}", {
                crate::object::text::repr_string(&item.ty().value())?
            })));
        }
        let number = int::to_i64(&item).ok_or_else(|| overflow_error("Python int too large to convert to C long"))?;
        match usize::try_from(number) {
            Ok(processor) if processor < i32::MAX as usize => processors.push(processor),
            Ok(_) => return Err(overflow_error("CPU number too large")),
            Err(_) => return Err(value_error("negative CPU number")),
        }
    }
    done(system::sched_setaffinity(pid, &processors))
}

// -- The system

pub(super) fn cpu_count() -> Value {
    match system::sysconf(libc::_SC_NPROCESSORS_ONLN) {
        Ok(count) if count > 0 => Value::int(count),
        _ => Value::NONE,
    }
}

pub(super) fn getloadavg() -> PyResult<Value> {
    match system::getloadavg() {
        Some(load) => Ok(Tuple::from_vec(load.map(Value::float).to_vec())),
        None => Err(raise(&crate::types::exceptions::OS_ERROR, "Load averages are unobtainable")),
    }
}

pub(super) fn uname() -> PyResult<Value> {
    let texts = done(system::uname())?;
    let items = texts.iter().map(|text| names::decode(text)).collect::<PyResult<Vec<_>>>()?;
    Ok(fields::new_value(&UNAME_RESULT, items))
}

pub(super) fn times() -> PyResult<Value> {
    let ticks = done(system::times())?;
    let second = system::sysconf(libc::_SC_CLK_TCK).unwrap_or(100).max(1) as f64;
    Ok(fields::new_value(&TIMES_RESULT, ticks.map(|ticks| Value::float(ticks as f64 / second)).to_vec()))
}

pub(super) fn sysconf(name: &Value) -> PyResult<i64> {
    let name = tree::configuration(name, constants::SYSCONF_NAMES)?;
    done(system::sysconf(name))
}

pub(super) fn confstr(name: &Value) -> PyResult<Value> {
    let name = tree::configuration(name, constants::CONFSTR_NAMES)?;
    match done(system::confstr(name))? {
        Some(text) => names::decode(&text),
        None => Ok(Value::NONE),
    }
}

pub(super) fn strerror(code: i32) -> Value {
    Str::new_value(&system::message(code))
}

pub(super) fn get_terminal_size(fd: Option<i32>) -> PyResult<Value> {
    let (columns, lines) = done(retry(|| system::terminal_size(fd.unwrap_or(1)))?)?;
    Ok(fields::new_value(&TERMINAL_SIZE, vec![Value::int(columns.into()), Value::int(lines.into())]))
}
