//! The module `time`.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::blocking::blocking;
use crate::object::error::{PyResult, Raised};
use crate::object::native::c_int;
use crate::object::value::Value;
use crate::object::{attribute, call, number};
use crate::types::dict::Dict;
use crate::types::exceptions::os_error::from_errno;
use crate::types::exceptions::{overflow_error, runtime_error, type_error, value_error};
use crate::types::float;
use crate::types::int::{self, Num};
use crate::types::module::Module;
use crate::types::namespace::new_namespace;
use crate::types::str::{Str, intern};
use crate::types::struct_sequence;
use crate::types::tuple::Tuple;
use crate::vm::{import, runtime, signals, thread};
use std::ffi::CString;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use system::{Moment, SECOND};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "time",
    doc: "This module provides various functions to manipulate time values.\n\nThere are two standard representations of time.  One is the number\nof seconds since the Epoch, in UTC (a.k.a. GMT).  It may be an integer\nor a floating point number (to represent fractions of seconds).\nThe Epoch is system-defined; on Unix, it is generally January 1st, 1970.\nThe actual value can be retrieved by calling gmtime(0).\n\nThe other representation is a tuple of 9 integers giving local time.\nThe tuple items are:\n  year (including century, e.g. 1998)\n  month (1-12)\n  day (1-31)\n  hours (0-23)\n  minutes (0-59)\n  seconds (0-59)\n  weekday (0-6, Monday is 0)\n  Julian day (day in the year, 1-366)\n  DST (Daylight Savings Time) flag (-1, 0 or 1)\nIf the DST flag is 0, the time is given in the regular time zone;\nif it is 1, the time is given in the DST time zone;\nif it is -1, mktime() should guess based on the date and time.\n",
    functions: &[
        method!(
            time_,
            "!time()",
            "time() -> floating point number\n\nReturn the current time in seconds since the Epoch.\nFractions of a second may be present if the system clock provides them."
        ),
        method!(time_ns, "!time_ns()", "time_ns() -> int\n\nReturn the current time in nanoseconds since the Epoch."),
        method!(
            clock_gettime,
            "%clock_gettime(clk_id, /)",
            "clock_gettime(clk_id) -> float\n\nReturn the time of the specified clock clk_id."
        ),
        method!(
            clock_gettime_ns,
            "%clock_gettime_ns(clk_id, /)",
            "clock_gettime_ns(clk_id) -> int\n\nReturn the time of the specified clock clk_id as nanoseconds."
        ),
        method!(
            clock_settime,
            "%clock_settime(clk_id, time, /)",
            "clock_settime(clk_id, time)\n\nSet the time of the specified clock clk_id."
        ),
        method!(
            clock_settime_ns,
            "%clock_settime_ns(clk_id, time, /)",
            "clock_settime_ns(clk_id, time)\n\nSet the time of the specified clock clk_id with nanoseconds."
        ),
        method!(
            clock_getres,
            "%clock_getres(clk_id, /)",
            "clock_getres(clk_id) -> floating point number\n\nReturn the resolution (precision) of the specified clock clk_id."
        ),
        method!(
            pthread_getcpuclockid,
            "%pthread_getcpuclockid(thread_id, /)",
            "pthread_getcpuclockid(thread_id) -> int\n\nReturn the clk_id of a thread's CPU time clock."
        ),
        method!(
            sleep,
            "!sleep(seconds, /)",
            "sleep(seconds)\n\nDelay execution for a given number of seconds.  The argument may be\na floating point number for subsecond precision."
        ),
        method!(
            gmtime_,
            "%gmtime(seconds=None, /)",
            "gmtime([seconds]) -> (tm_year, tm_mon, tm_mday, tm_hour, tm_min,\n                       tm_sec, tm_wday, tm_yday, tm_isdst)\n\nConvert seconds since the Epoch to a time tuple expressing UTC (a.k.a.\nGMT).  When 'seconds' is not passed in, convert the current time instead.\n\nIf the platform supports the tm_gmtoff and tm_zone, they are available as\nattributes only."
        ),
        method!(
            localtime_,
            "%localtime(seconds=None, /)",
            "localtime([seconds]) -> (tm_year,tm_mon,tm_mday,tm_hour,tm_min,\n                          tm_sec,tm_wday,tm_yday,tm_isdst)\n\nConvert seconds since the Epoch to a time tuple expressing local time.\nWhen 'seconds' is not passed in, convert the current time instead."
        ),
        method!(
            asctime,
            "!asctime(tuple=None, /)",
            "asctime([tuple]) -> string\n\nConvert a time tuple to a string, e.g. 'Sat Jun 06 16:26:11 1998'.\nWhen the time tuple is not present, current time as returned by localtime()\nis used."
        ),
        method!(
            ctime,
            "%ctime(seconds=None, /)",
            "ctime(seconds) -> string\n\nConvert a time in seconds since the Epoch to a string in local time.\nThis is equivalent to asctime(localtime(seconds)). When the time tuple is\nnot present, current time as returned by localtime() is used."
        ),
        method!(
            mktime_,
            "!mktime(tuple, /)",
            "mktime(tuple) -> floating point number\n\nConvert a time tuple in local time to seconds since the Epoch.\nNote that mktime(gmtime(0)) will not generally return zero for most\ntime zones; instead the returned value will either be equal to that\nof the timezone or altzone attributes on the time module."
        ),
        method!(
            strftime,
            "%strftime(format, tuple=None, /)",
            "strftime(format[, tuple]) -> string\n\nConvert a time tuple to a string according to a format specification.\nSee the library reference manual for formatting codes. When the time tuple\nis not present, current time as returned by localtime() is used.\n\nCommonly used format codes:\n\n%Y  Year with century as a decimal number.\n%m  Month as a decimal number [01,12].\n%d  Day of the month as a decimal number [01,31].\n%H  Hour (24-hour clock) as a decimal number [00,23].\n%M  Minute as a decimal number [00,59].\n%S  Second as a decimal number [00,61].\n%z  Time zone offset from UTC.\n%a  Locale's abbreviated weekday name.\n%A  Locale's full weekday name.\n%b  Locale's abbreviated month name.\n%B  Locale's full month name.\n%c  Locale's appropriate date and time representation.\n%I  Hour (12-hour clock) as a decimal number [01,12].\n%p  Locale's equivalent of either AM or PM.\n\nOther codes may be available on your platform.  See documentation for\nthe C library strftime function.\n"
        ),
        method!(
            strptime,
            "!strptime(*args)",
            "strptime(string, format) -> struct_time\n\nParse a string to a time tuple according to a format specification.\nSee the library reference manual for formatting codes (same as\nstrftime()).\n\nCommonly used format codes:\n\n%Y  Year with century as a decimal number.\n%m  Month as a decimal number [01,12].\n%d  Day of the month as a decimal number [01,31].\n%H  Hour (24-hour clock) as a decimal number [00,23].\n%M  Minute as a decimal number [00,59].\n%S  Second as a decimal number [00,61].\n%z  Time zone offset from UTC.\n%a  Locale's abbreviated weekday name.\n%A  Locale's full weekday name.\n%b  Locale's abbreviated month name.\n%B  Locale's full month name.\n%c  Locale's appropriate date and time representation.\n%I  Hour (12-hour clock) as a decimal number [01,12].\n%p  Locale's equivalent of either AM or PM.\n\nOther codes may be available on your platform.  See documentation for\nthe C library strftime function.\n"
        ),
        method!(
            tzset,
            "!tzset()",
            "tzset()\n\nInitialize, or reinitialize, the local timezone to the value stored in\nos.environ['TZ']. The TZ environment variable should be specified in\nstandard Unix timezone format as documented in the tzset man page\n(eg. 'US/Eastern', 'Europe/Amsterdam'). Unknown timezones will silently\nfall back to UTC. If the TZ environment variable is not set, the local\ntimezone is set to the systems best guess of wallclock time.\nChanging the TZ environment variable without calling tzset *may* change\nthe local timezone used by methods such as localtime, but this behaviour\nshould not be relied on."
        ),
        method!(monotonic, "!monotonic()", "monotonic() -> float\n\nMonotonic clock, cannot go backward."),
        method!(
            monotonic_ns,
            "!monotonic_ns()",
            "monotonic_ns() -> int\n\nMonotonic clock, cannot go backward, as nanoseconds."
        ),
        method!(
            process_time,
            "!process_time()",
            "process_time() -> float\n\nProcess time for profiling: sum of the kernel and user-space CPU time."
        ),
        method!(
            process_time_ns,
            "!process_time_ns()",
            "process_time() -> int\n\nProcess time for profiling as nanoseconds:\nsum of the kernel and user-space CPU time."
        ),
        method!(
            thread_time,
            "!thread_time()",
            "thread_time() -> float\n\nThread time for profiling: sum of the kernel and user-space CPU time."
        ),
        method!(
            thread_time_ns,
            "!thread_time_ns()",
            "thread_time() -> int\n\nThread time for profiling as nanoseconds:\nsum of the kernel and user-space CPU time."
        ),
        method!(perf_counter, "!perf_counter()", "perf_counter() -> float\n\nPerformance counter for benchmarking."),
        method!(
            perf_counter_ns,
            "!perf_counter_ns()",
            "perf_counter_ns() -> int\n\nPerformance counter for benchmarking as nanoseconds."
        ),
        method!(
            get_clock_info,
            "%get_clock_info(name, /)",
            "get_clock_info(name: str) -> dict\n\nGet information of the specified clock."
        ),
    ],
    fill,
};

crate::struct_sequence!(
    /// The type object of `time.struct_time`.
    STRUCT_TIME "time.struct_time" "The time value as returned by gmtime(), localtime(), and strptime(), and\n accepted by asctime(), mktime() and strftime().  May be considered as a\n sequence of 9 integers.\n\n Note that several fields' values are not the same as those defined by\n the C language standard for struct tm.  For example, the value of the\n field tm_year is the actual year, not year - 1900.  See individual\n fields' descriptions for details.", [
        ("tm_year", "year, for example, 1993"),
        ("tm_mon", "month of year, range [1, 12]"),
        ("tm_mday", "day of month, range [1, 31]"),
        ("tm_hour", "hours, range [0, 23]"),
        ("tm_min", "minutes, range [0, 59]"),
        ("tm_sec", "seconds, range [0, 61])"),
        ("tm_wday", "day of week, range [0, 6], Monday is 0"),
        ("tm_yday", "day of year, range [1, 366]"),
        ("tm_isdst", "1 if summer time is in effect, 0 if not, and -1 if unknown"),
    ], hidden [
        ("tm_zone", "abbreviation of timezone name"),
        ("tm_gmtoff", "offset from UTC in seconds"),
    ]
);

const CLOCKS: &[(&str, i32)] = &[
    ("CLOCK_REALTIME", libc::CLOCK_REALTIME),
    ("CLOCK_MONOTONIC", libc::CLOCK_MONOTONIC),
    ("CLOCK_MONOTONIC_RAW", libc::CLOCK_MONOTONIC_RAW),
    ("CLOCK_PROCESS_CPUTIME_ID", libc::CLOCK_PROCESS_CPUTIME_ID),
    ("CLOCK_THREAD_CPUTIME_ID", libc::CLOCK_THREAD_CPUTIME_ID),
    ("CLOCK_BOOTTIME", libc::CLOCK_BOOTTIME),
];

fn fill(dict: &Dict) -> PyResult<()> {
    struct_sequence::complete(&STRUCT_TIME, ITEMS, true);
    fill_time_zone(dict)?;
    for &(name, clock) in CLOCKS {
        dict.set_text(name, Value::int(clock.into()));
    }
    dict.set_text("_STRUCT_TM_ITEMS", Value::int(ITEMS as i64 + 2));
    dict.set_text("struct_time", STRUCT_TIME.value());
    Ok(())
}

/// Items of a `struct_time` that are not reached by name alone.
const ITEMS: usize = 9;

// ---------------------------------------------------------------------------------------------------------------------
// Clocks

fn system_error(errno: i32) -> Raised {
    from_errno(errno, None)
}

fn read_clock(clock: i32) -> PyResult<i64> {
    system::clock(clock).map_err(system_error)
}

/// Nanoseconds as seconds: whole seconds are exact. As `_PyTime_AsSecondsDouble`.
pub(crate) fn seconds(nanoseconds: i64) -> f64 {
    if nanoseconds % SECOND == 0 { (nanoseconds / SECOND) as f64 } else { nanoseconds as f64 / 1e9 }
}

macro_rules! clocks {
    ($($seconds:ident $nanoseconds:ident $clock:ident,)*) => {
        $(fn $seconds() -> PyResult<f64> {
            Ok(seconds($nanoseconds()?))
        }

        fn $nanoseconds() -> PyResult<i64> {
            read_clock(libc::$clock)
        })*
    };
}

clocks! {
    time_ time_ns CLOCK_REALTIME,
    monotonic monotonic_ns CLOCK_MONOTONIC,
    perf_counter perf_counter_ns CLOCK_MONOTONIC,
    process_time process_time_ns CLOCK_PROCESS_CPUTIME_ID,
    thread_time thread_time_ns CLOCK_THREAD_CPUTIME_ID,
}

fn clock_gettime(clock: i32) -> PyResult<f64> {
    Ok(seconds(read_clock(clock)?))
}

fn clock_gettime_ns(clock: i32) -> PyResult<i64> {
    read_clock(clock)
}

fn clock_getres(clock: i32) -> PyResult<f64> {
    Ok(seconds(system::resolution(clock).map_err(system_error)?))
}

fn clock_settime(clock: i32, time: &Value) -> PyResult<()> {
    let nanoseconds = to_nanoseconds(time, f64::floor)?;
    system::set_clock(clock, nanoseconds).map_err(system_error)
}

fn clock_settime_ns(clock: i32, time: &Value) -> PyResult<()> {
    match int::num(time) {
        Some(Num::Small(nanoseconds)) => system::set_clock(clock, nanoseconds).map_err(system_error),
        Some(Num::Big(_)) => Err(too_large()),
        None => Err(type_error(format!("expect int, got {}", time.ty().name()))),
    }
}

fn pthread_getcpuclockid(thread: &Value) -> PyResult<i64> {
    let id = match int::num(thread) {
        Some(Num::Small(id)) => id as u64,
        Some(Num::Big(id)) => id.iter_u64_digits().next().unwrap_or(0),
        None => {
            let given = if thread.is_none() { "None" } else { thread.ty().name() };
            return Err(type_error(format!("pthread_getcpuclockid() argument 1 must be int, not {given}")));
        }
    };
    system::thread_clock(id).map(i64::from).map_err(system_error)
}

fn get_clock_info(name: &Str) -> PyResult<Value> {
    let name = name.to_utf8().unwrap_or_default();
    if name.contains('\0') {
        return Err(value_error("embedded null character"));
    }
    let (clock, source, is_monotonic) = match name.as_str() {
        "time" => (libc::CLOCK_REALTIME, "CLOCK_REALTIME", false),
        "monotonic" | "perf_counter" => (libc::CLOCK_MONOTONIC, "CLOCK_MONOTONIC", true),
        "process_time" => (libc::CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID", true),
        "thread_time" => (libc::CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID", true),
        _ => return Err(value_error("unknown clock")),
    };
    let info = new_namespace();
    for (name, value) in [
        ("implementation", Str::new_value(&format!("clock_gettime({source})"))),
        ("monotonic", Value::bool(is_monotonic)),
        ("adjustable", Value::bool(!is_monotonic)),
        ("resolution", Value::float(clock_getres(clock)?)),
    ] {
        attribute::set(&info, &intern(name), Some(&value))?;
    }
    Ok(info)
}

// ---------------------------------------------------------------------------------------------------------------------
// Durations and moments as arguments

#[cold]
fn too_large() -> Raised {
    overflow_error("timestamp too large to convert to C _PyTime_t")
}

fn check_number(value: f64) -> PyResult<()> {
    if value.is_nan() { Err(value_error("Invalid value NaN (not a number)")) } else { Ok(()) }
}

/// An int that fits C's `long long`, or `overflow`.
fn to_integer(value: &Value, overflow: fn() -> Raised) -> PyResult<i64> {
    let index = match int::num(value) {
        Some(_) => value.clone(),
        None => number::integer(value)?,
    };
    match int::number(&index)? {
        Num::Small(small) => Ok(small),
        Num::Big(_) => Err(overflow()),
    }
}

/// Seconds in nanoseconds. As `_PyTime_FromSecondsObject`.
///
/// # Errors
/// `TypeError` for what is no number, `OverflowError` and `ValueError` for numbers that are no time.
pub(crate) fn to_nanoseconds(value: &Value, round: fn(f64) -> f64) -> PyResult<i64> {
    let Some(float) = float::to_f64(value) else {
        return to_integer(value, too_large)?.checked_mul(SECOND).ok_or_else(too_large);
    };
    check_number(float)?;
    let nanoseconds = round(float * 1e9);
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&nanoseconds) {
        Ok(nanoseconds as i64)
    } else {
        Err(too_large())
    }
}

/// The moment that an optional argument names, in seconds; now without one. As `parse_time_double_args`.
fn to_time_t(value: Option<&Value>) -> PyResult<i64> {
    fn out_of_range() -> Raised {
        overflow_error("timestamp out of range for platform time_t")
    }
    let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(time_ns()?.div_euclid(SECOND)) };
    let Some(float) = float::to_f64(value) else { return to_integer(value, out_of_range) };
    check_number(float)?;
    let whole = float.floor();
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) {
        Ok(whole as i64)
    } else {
        Err(out_of_range())
    }
}

fn sleep(duration: &Value) -> PyResult<()> {
    let away_from_zero = |value: f64| if value < 0.0 { value.floor() } else { value.ceil() };
    let nanoseconds = u64::try_from(to_nanoseconds(duration, away_from_zero)?)
        .map_err(|_| value_error("sleep length must be non-negative"))?;
    let duration = Duration::from_nanos(nanoseconds);
    let start = Instant::now();
    let vm = thread::current();
    loop {
        if vm.breaker.load(Relaxed) {
            signals::attend(vm)?;
        }
        if !blocking(|| system::sleep_until(start, duration, || vm.breaker.load(Relaxed))) {
            return Ok(());
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Broken-down times

/// A `struct_time`. As `torgmtuple`.
fn struct_time(moment: &Moment) -> Value {
    let zone = match &moment.zone {
        Some(zone) => Str::new_value(&zone.to_string_lossy()),
        None => Value::NONE,
    };
    let numbers = [
        i64::from(moment.year) + 1900,
        i64::from(moment.month) + 1,
        moment.day.into(),
        moment.hour.into(),
        moment.minute.into(),
        moment.second.into(),
        // Monday is the first.
        i64::from((moment.weekday + 6) % 7),
        i64::from(moment.yearday) + 1,
        moment.is_dst.into(),
    ];
    let mut items: Vec<Value> = numbers.into_iter().map(Value::int).collect();
    items.extend([zone, Value::int(moment.offset)]);
    struct_sequence::new_value(&STRUCT_TIME, items)
}

fn gmtime_(when: Option<&Value>) -> PyResult<Value> {
    Ok(struct_time(&system::gmtime(to_time_t(when)?).map_err(system_error)?))
}

fn localtime_(when: Option<&Value>) -> PyResult<Value> {
    Ok(struct_time(&local(to_time_t(when)?)?))
}

fn local(seconds: i64) -> PyResult<Moment> {
    system::localtime(seconds).map_err(system_error)
}

/// The moment that a tuple means. As `gettmarg`.
fn moment_of(value: &Value, function: &str) -> PyResult<Moment> {
    let Some(tuple) = value.downcast::<Tuple>() else {
        return Err(type_error("Tuple or struct_time argument required"));
    };
    let [year, month, day, hour, minute, second, weekday, yearday, is_dst] = tuple.as_slice() else {
        return Err(type_error(format!("{function}(): illegal time tuple argument")));
    };
    let part = |value: &Value| c_int(value, true);
    let year = part(year)?;
    let (month, day, hour, minute, second) = (part(month)?, part(day)?, part(hour)?, part(minute)?, part(second)?);
    let (weekday, yearday, is_dst) = (part(weekday)?, part(yearday)?, part(is_dst)?);
    let year = year.checked_sub(1900).ok_or_else(|| overflow_error("year out of range"))?;
    let mut moment = Moment {
        second,
        minute,
        hour,
        day,
        month: month.wrapping_sub(1),
        year,
        weekday: weekday.wrapping_add(1) % 7,
        yearday: yearday.wrapping_sub(1),
        is_dst,
        offset: 0,
        zone: None,
    };
    if std::ptr::eq(value.ty(), &STRUCT_TIME) {
        let zone = struct_sequence::field(value, ITEMS);
        if !zone.is_none() {
            let text = zone.downcast::<Str>().ok_or_else(|| type_error("bad argument type for built-in operation"))?;
            moment.zone = CString::new(text.to_string_lossy().split('\0').next().unwrap_or_default()).ok();
        }
        let offset = struct_sequence::field(value, ITEMS + 1);
        if !offset.is_none() {
            moment.offset = to_integer(&offset, || overflow_error("Python int too large to convert to C long"))?;
        }
    }
    Ok(moment)
}

/// Checks the parts of a moment, and turns zeros into firsts. As `checktm`.
fn check(moment: &mut Moment) -> PyResult<()> {
    if moment.month == -1 {
        moment.month = 0;
    }
    if moment.day == 0 {
        moment.day = 1;
    }
    if moment.yearday == -1 {
        moment.yearday = 0;
    }
    for (value, range, message) in [
        (moment.month, 0..=11, "month out of range"),
        (moment.day, 0..=31, "day of month out of range"),
        (moment.hour, 0..=23, "hour out of range"),
        (moment.minute, 0..=59, "minute out of range"),
        (moment.second, 0..=61, "seconds out of range"),
        (moment.weekday, 0..=6, "day of week out of range"),
        (moment.yearday, 0..=365, "day of year out of range"),
    ] {
        if !range.contains(&value) {
            return Err(value_error(message));
        }
    }
    Ok(())
}

/// The checked moment of an optional argument, now without one.
fn checked_moment(value: Option<&Value>, function: &str) -> PyResult<Moment> {
    let Some(value) = value else { return local(to_time_t(None)?) };
    let mut moment = moment_of(value, function)?;
    check(&mut moment)?;
    Ok(moment)
}

fn asctime_text(moment: &Moment) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = |names: &[&'static str], index: i32| {
        usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
    };
    format!(
        "{} {}{:3} {:02}:{:02}:{:02} {}",
        name(&DAYS, moment.weekday),
        name(&MONTHS, moment.month),
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        i64::from(moment.year) + 1900
    )
}

fn asctime(tuple: Option<&Value>) -> PyResult<String> {
    Ok(asctime_text(&checked_moment(tuple, "asctime")?))
}

fn ctime(when: Option<&Value>) -> PyResult<String> {
    Ok(asctime_text(&local(to_time_t(when)?)?))
}

fn mktime_(tuple: &Value) -> PyResult<f64> {
    let moment = moment_of(tuple, "mktime")?;
    match system::mktime(&moment) {
        Some(seconds) => Ok(seconds as f64),
        None => Err(overflow_error("mktime argument out of range")),
    }
}

fn strftime(format: &Str, tuple: Option<&Value>) -> PyResult<Value> {
    let mut moment = checked_moment(tuple, "strftime")?;
    moment.is_dst = moment.is_dst.clamp(-1, 1);
    let codes: Vec<u32> = format.chars().iter().collect();
    if codes.contains(&0) {
        return Err(value_error("embedded null character"));
    }
    Ok(Str::from_codes(&system::format(&codes, &moment)))
}

/// The library's `_strptime` does it.
fn strptime(args: &Tuple) -> PyResult<Value> {
    let module = import::import_text("_strptime")?;
    call::call(&attribute::get_str(&module, "_strptime_time")?, args.as_slice())
}

// ---------------------------------------------------------------------------------------------------------------------
// The time zone

/// What the zone is in January and in July of this year says what it is in winter and summer. As `init_timezone`.
fn fill_time_zone(dict: &Dict) -> PyResult<()> {
    /// A Julian year.
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    system::read_time_zone();
    let start = time_ns()? / SECOND / YEAR * YEAR;
    let zone = |seconds: i64| -> PyResult<(String, i64)> {
        let moment = local(seconds)?;
        let name = moment.zone.as_ref().map(|zone| zone.to_string_lossy().chars().take(9).collect());
        Ok((name.unwrap_or_else(|| "   ".to_owned()), -moment.offset))
    };
    let (january, july) = (zone(start)?, zone(start + YEAR / 2)?);
    const MAX_OFFSET: i64 = 48 * 3600;
    if january.1.abs() > MAX_OFFSET || july.1.abs() > MAX_OFFSET {
        return Err(runtime_error("invalid GMT offset"));
    }
    // South of the equator summer is in January.
    let (standard, summer) = if january.1 < july.1 { (july, january) } else { (january, july) };
    dict.set_text("timezone", Value::int(standard.1));
    dict.set_text("altzone", Value::int(summer.1));
    dict.set_text("daylight", Value::int((standard.1 != summer.1).into()));
    dict.set_text("tzname", Tuple::from_vec(vec![Str::new_value(&standard.0), Str::new_value(&summer.0)]));
    Ok(())
}

fn tzset() -> PyResult<()> {
    let modules = runtime::modules_dict();
    let module = modules.downcast::<Dict>().and_then(|modules| modules.get_text(MODULE.name));
    match module.as_ref().and_then(|module| module.downcast::<Module>()).map(Module::dict) {
        Some(dict) => dict.downcast::<Dict>().map_or(Ok(()), fill_time_zone),
        None => {
            system::read_time_zone();
            Ok(())
        }
    }
}
