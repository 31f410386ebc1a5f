//! The module `resource`: limits, and what was used.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::arguments::no_keywords;
use crate::object::error::{PyResult, Raised};
use crate::object::native::c_int;
use crate::object::number;
use crate::object::value::Value;
use crate::struct_sequence;
use crate::types::exceptions::{OS_ERROR, os_error, overflow_error, type_error, value_error};
use crate::types::float::Float;
use crate::types::tuple::{self, Tuple};
use crate::types::{int, struct_sequence};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "resource",
    doc: "",
    functions: &[
        method!(getrusage, "getrusage($module, who, /)", ""),
        method!(getrlimit, "getrlimit($module, resource, /)", ""),
        method!(raw prlimit, "!prlimit(*args)", "prlimit(pid, resource, [limits])"),
        method!(setrlimit, "setrlimit($module, resource, limits, /)", ""),
        method!(system::page_size, "getpagesize($module, /)", ""),
    ],
    fill: |dict| {
        struct_sequence::complete(&STRUCT_RUSAGE, 16, true);
        dict.set_text("struct_rusage", STRUCT_RUSAGE.value());
        dict.set_text("error", OS_ERROR.value());
        for &(name, value) in CONSTANTS {
            dict.set_text(name, Value::int(value));
        }
        Ok(())
    },
};

const CONSTANTS: &[(&str, i64)] = &[
    ("RLIMIT_CPU", 0),
    ("RLIMIT_FSIZE", 1),
    ("RLIMIT_DATA", 2),
    ("RLIMIT_STACK", 3),
    ("RLIMIT_CORE", 4),
    ("RLIMIT_NOFILE", 7),
    ("RLIMIT_OFILE", 7),
    ("RLIMIT_AS", 9),
    ("RLIMIT_RSS", 5),
    ("RLIMIT_NPROC", 6),
    ("RLIMIT_MEMLOCK", 8),
    ("RLIMIT_MSGQUEUE", 12),
    ("RLIMIT_NICE", 13),
    ("RLIMIT_RTPRIO", 14),
    ("RLIMIT_RTTIME", 15),
    ("RLIMIT_SIGPENDING", 11),
    ("RUSAGE_SELF", 0),
    ("RUSAGE_CHILDREN", -1),
    ("RUSAGE_THREAD", 1),
    ("RLIM_INFINITY", -1),
];

struct_sequence!(
    /// The type object of `resource.struct_rusage`.
    STRUCT_RUSAGE "resource.struct_rusage" "struct_rusage: Result from getrusage.\n\nThis object may be accessed either as a tuple of\n    (utime,stime,maxrss,ixrss,idrss,isrss,minflt,majflt,\n    nswap,inblock,oublock,msgsnd,msgrcv,nsignals,nvcsw,nivcsw)\nor via the attributes ru_utime, ru_stime, ru_maxrss, and so on.",
    [("ru_utime", "user time used"), ("ru_stime", "system time used"), ("ru_maxrss", "max. resident set size"), ("ru_ixrss", "shared memory size"), ("ru_idrss", "unshared data size"), ("ru_isrss", "unshared stack size"), ("ru_minflt", "page faults not requiring I/O"), ("ru_majflt", "page faults requiring I/O"), ("ru_nswap", "number of swap outs"), ("ru_inblock", "block input operations"), ("ru_oublock", "block output operations"), ("ru_msgsnd", "IPC messages sent"), ("ru_msgrcv", "IPC messages received"), ("ru_nsignals", "signals received"), ("ru_nvcsw", "voluntary context switches"), ("ru_nivcsw", "involuntary context switches")]
);

/// Number of the resources that there are.
const RESOURCES: i32 = 16;

fn checked(resource: i32) -> PyResult<u32> {
    match u32::try_from(resource) {
        Ok(number) if resource < RESOURCES => Ok(number),
        _ => Err(value_error("invalid resource specified")),
    }
}

#[cold]
fn failed(errno: i32) -> Raised {
    match errno {
        libc::EINVAL => value_error("current limit exceeds maximum limit"),
        libc::EPERM => value_error("not allowed to raise maximum limit"),
        errno => os_error::from_errno(errno, None),
    }
}

/// Limits that a program gives: two ints.
fn limits(value: &Value) -> PyResult<(u64, u64)> {
    let pair = tuple::from_iterable(value)?;
    let Some([soft, hard]) = pair.downcast::<Tuple>().map(Tuple::as_slice) else {
        return Err(value_error("expected a tuple of 2 integers"));
    };
    let limit = |value: &Value| -> PyResult<u64> {
        if value.is_small_float() || value.downcast::<Float>().is_some() || !number::is_index(value) {
            return Err(type_error(format!("an integer is required (got type {})", value.ty().name())));
        }
        let wide = int::to_i64(&number::index(value)?);
        wide.map(|wide| wide as u64).ok_or_else(|| overflow_error("Python int too large to convert to C long"))
    };
    Ok((limit(soft)?, limit(hard)?))
}

fn shown((soft, hard): (u64, u64)) -> Value {
    Tuple::from_array([Value::int(soft as i64), Value::int(hard as i64)])
}

fn getrlimit(resource: i32) -> PyResult<Value> {
    let resource = checked(resource)?;
    system::prlimit(0, resource, None).map(shown).map_err(|errno| os_error::from_errno(errno, None))
}

fn setrlimit(resource: i32, limits_value: &Value) -> PyResult<()> {
    let resource = checked(resource)?;
    system::prlimit(0, resource, Some(limits(limits_value)?)).map(drop).map_err(failed)
}

fn prlimit(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("prlimit", kwnames)?;
    let (pid, resource, new) = match args {
        [pid, resource] => (pid, resource, None),
        [pid, resource, new] => (pid, resource, Some(new)),
        _ => return Err(type_error("resource.prlimit requires 2 to 3 arguments")),
    };
    let (pid, resource) = (c_int(pid, true)?, c_int(resource, true)?);
    let resource = checked(resource)?;
    let new = new.map(limits).transpose()?;
    system::prlimit(pid, resource, new).map(shown).map_err(|errno| match errno {
        libc::EINVAL => value_error("current limit exceeds maximum limit"),
        errno => os_error::from_errno(errno, None),
    })
}

/// The items of a `struct_rusage`.
pub(in crate::modules) fn usage_items(usage: &libc::rusage) -> Vec<Value> {
    let seconds = |time: libc::timeval| Value::float(time.tv_sec as f64 + time.tv_usec as f64 * 1e-6);
    let mut items = vec![seconds(usage.ru_utime), seconds(usage.ru_stime)];
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
    items
}

fn getrusage(who: &Value) -> PyResult<Value> {
    let usage = system::getrusage(c_int(who, false)?).map_err(|errno| match errno {
        libc::EINVAL => value_error("invalid who parameter"),
        errno => os_error::from_errno(errno, None),
    })?;
    Ok(struct_sequence::new_value(&STRUCT_RUSAGE, usage_items(&usage)))
}
