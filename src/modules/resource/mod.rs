//! The module `resource`: limits of processes and what they have used.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::sys::audit;
use crate::object::error::PyResult;
use crate::object::native::c_int;
use crate::object::value::Value;
use crate::object::{iter, number};
use crate::struct_sequence;
use crate::types::exceptions::{OS_ERROR, os_error, type_error, value_error};
use crate::types::int;
use crate::types::struct_sequence::{complete, new_value};
use crate::types::tuple::Tuple;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "resource",
    doc: "",
    functions: &[
        method!(getpagesize, "getpagesize($module, /)", ""),
        method!(getrlimit, "getrlimit($module, resource, /)", ""),
        method!(getrusage, "getrusage($module, who, /)", ""),
        method!(prlimit, "!prlimit(*args)", "prlimit(pid, resource, [limits])"),
        method!(setrlimit, "setrlimit($module, resource, limits, /)", ""),
    ],
    fill: |dict| {
        complete(&RUSAGE, 16, true);
        dict.set_text("struct_rusage", RUSAGE.value());
        dict.set_text("error", OS_ERROR.value());
        for (name, value) in CONSTANTS {
            dict.set_text(name, Value::int(*value));
        }
        Ok(())
    },
};

const CONSTANTS: &[(&str, i64)] = &[
    ("RLIMIT_AS", 9),
    ("RLIMIT_CORE", 4),
    ("RLIMIT_CPU", 0),
    ("RLIMIT_DATA", 2),
    ("RLIMIT_FSIZE", 1),
    ("RLIMIT_MEMLOCK", 8),
    ("RLIMIT_MSGQUEUE", 12),
    ("RLIMIT_NICE", 13),
    ("RLIMIT_NOFILE", 7),
    ("RLIMIT_NPROC", 6),
    ("RLIMIT_OFILE", 7),
    ("RLIMIT_RSS", 5),
    ("RLIMIT_RTPRIO", 14),
    ("RLIMIT_RTTIME", 15),
    ("RLIMIT_SIGPENDING", 11),
    ("RLIMIT_STACK", 3),
    ("RLIM_INFINITY", -1),
    ("RUSAGE_CHILDREN", -1),
    ("RUSAGE_SELF", 0),
    ("RUSAGE_THREAD", 1),
];

struct_sequence!(
    /// What a process has used.
    RUSAGE "resource.struct_rusage" "struct_rusage: Result from getrusage.\n\nThis object may be accessed either as a tuple of\n    (utime,stime,maxrss,ixrss,idrss,isrss,minflt,majflt,\n    nswap,inblock,oublock,msgsnd,msgrcv,nsignals,nvcsw,nivcsw)\nor via the attributes ru_utime, ru_stime, ru_maxrss, and so on.", [
        ("ru_utime", "user time used"),
        ("ru_stime", "system time used"),
        ("ru_maxrss", "max. resident set size"),
        ("ru_ixrss", "shared memory size"),
        ("ru_idrss", "unshared data size"),
        ("ru_isrss", "unshared stack size"),
        ("ru_minflt", "page faults not requiring I/O"),
        ("ru_majflt", "page faults requiring I/O"),
        ("ru_nswap", "number of swap outs"),
        ("ru_inblock", "block input operations"),
        ("ru_oublock", "block output operations"),
        ("ru_msgsnd", "IPC messages sent"),
        ("ru_msgrcv", "IPC messages received"),
        ("ru_nsignals", "signals received"),
        ("ru_nvcsw", "voluntary context switches"),
        ("ru_nivcsw", "involuntary context switches"),
    ]
);

fn getpagesize() -> i64 {
    system::page_size()
}

fn getrusage(who: i32) -> PyResult<Value> {
    let usage = system::usage(who).map_err(|errno| {
        if errno == libc::EINVAL { value_error("invalid who parameter") } else { os_error::from_errno(errno, None) }
    })?;
    let seconds = |time: &libc::timeval| Value::float(time.tv_sec as f64 + time.tv_usec as f64 * 1e-6);
    let mut items = vec![seconds(&usage.ru_utime), seconds(&usage.ru_stime)];
    items.extend(
        [
            usage.ru_maxrss,
            usage.ru_ixrss,
            usage.ru_idrss,
            usage.ru_isrss,
            usage.ru_minflt,
            usage.ru_majflt,
            usage.ru_nswap,
            usage.ru_inblock,
            usage.ru_oublock,
            usage.ru_msgsnd,
            usage.ru_msgrcv,
            usage.ru_nsignals,
            usage.ru_nvcsw,
            usage.ru_nivcsw,
        ]
        .map(Value::int),
    );
    Ok(new_value(&RUSAGE, items))
}

/// Kinds of limits are numbered below this.
const KINDS: u32 = 16;

fn kind(resource: i32) -> PyResult<u32> {
    u32::try_from(resource)
        .ok()
        .filter(|resource| *resource < KINDS)
        .ok_or_else(|| value_error("invalid resource specified"))
}

fn shown((current, highest): (u64, u64)) -> Value {
    // The highest number of all stands for no limit, which is -1.
    Tuple::from_array([Value::int(current.cast_signed()), Value::int(highest.cast_signed())])
}

fn limits(value: &Value) -> PyResult<(u64, u64)> {
    let items = iter::collect(value)?;
    let [current, highest] = items.as_slice() else { return Err(value_error("expected a tuple of 2 integers")) };
    let limit = |value: &Value| {
        if !int::is_int(value) && !number::is_index(value) {
            return Err(type_error(format!("an integer is required (got type {})", value.ty().name())));
        }
        number::index_to_i64_or_overflow(value, "Python int too large to convert to C long").map(i64::cast_unsigned)
    };
    Ok((limit(current)?, limit(highest)?))
}

fn failed(errno: i32) -> crate::object::Raised {
    os_error::from_errno(errno, None)
}

fn getrlimit(resource: i32) -> PyResult<Value> {
    system::limit(kind(resource)?).map(shown).map_err(failed)
}

fn set_failed(errno: i32) -> crate::object::Raised {
    match errno {
        libc::EINVAL => value_error("current limit exceeds maximum limit"),
        libc::EPERM => value_error("not allowed to raise maximum limit"),
        errno => failed(errno),
    }
}

fn setrlimit(resource: i32, wanted: &Value) -> PyResult<()> {
    let kind = kind(resource)?;
    if audit::is_heard() {
        audit::event("resource.setrlimit", &[Value::int(resource.into()), wanted.clone()])?;
    }
    system::set_limit(kind, limits(wanted)?).map_err(set_failed)
}

fn prlimit(args: &Tuple) -> PyResult<Value> {
    let (pid, resource, wanted) = match args.as_slice() {
        [pid, resource] => (pid, resource, None),
        [pid, resource, wanted] => (pid, resource, Some(wanted)),
        _ => return Err(type_error("resource.prlimit requires 2 to 3 arguments")),
    };
    let (pid, resource) = (c_int(pid, true)?, c_int(resource, true)?);
    let kind = kind(resource)?;
    if audit::is_heard() {
        let shown = wanted.cloned().unwrap_or(Value::NONE);
        audit::event("resource.prlimit", &[Value::int(pid.into()), Value::int(resource.into()), shown])?;
    }
    let wanted = wanted.map(limits).transpose()?;
    let failed = |errno| match errno {
        libc::EINVAL => value_error("current limit exceeds maximum limit"),
        errno => failed(errno),
    };
    system::process_limit(pid, kind, wanted).map(shown).map_err(failed)
}
