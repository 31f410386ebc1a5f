//! The system's calls on processes: their numbers, starting and awaiting them, scheduling.

use super::{SysResult, check, errno, filled, limit};
use std::ffi::CStr;
use std::mem::MaybeUninit;

/// Which numbers a process has.
macro_rules! numbers {
    ($($(#[$doc:meta])* fn $name:ident() -> $ty:ty;)*) => {
        $(
            $(#[$doc])*
            pub fn $name() -> $ty {
                // SAFETY: nothing goes in, and the call cannot fail.
                unsafe { libc::$name() }
            }
        )*
    };
}

numbers! {
    /// The process.
    fn getpid() -> i32;
    /// Its parent.
    fn getppid() -> i32;
    /// Its group.
    fn getpgrp() -> i32;
    /// Its user.
    fn getuid() -> u32;
    /// Its effective user.
    fn geteuid() -> u32;
    /// Its user group.
    fn getgid() -> u32;
    /// Its effective user group.
    fn getegid() -> u32;
}

/// User, effective and saved user.
pub fn getresuid() -> SysResult<[u32; 3]> {
    let [mut a, mut b, mut c] = [0; 3];
    // SAFETY: there is room for three numbers.
    check(unsafe { libc::getresuid(&mut a, &mut b, &mut c) })?;
    Ok([a, b, c])
}

/// Group, effective and saved group.
pub fn getresgid() -> SysResult<[u32; 3]> {
    let [mut a, mut b, mut c] = [0; 3];
    // SAFETY: there is room for three numbers.
    check(unsafe { libc::getresgid(&mut a, &mut b, &mut c) })?;
    Ok([a, b, c])
}

/// The groups that the process is in besides.
pub fn getgroups() -> SysResult<Vec<u32>> {
    // SAFETY: without room, the system only counts; then it writes at most what there is room for.
    unsafe {
        let count = check(libc::getgroups(0, std::ptr::null_mut()))?;
        let mut groups = vec![0; usize::try_from(count).unwrap_or(0)];
        let count = check(libc::getgroups(count, groups.as_mut_ptr()))?;
        groups.truncate(usize::try_from(count).unwrap_or(0));
        Ok(groups)
    }
}

/// Sets the groups that the process is in besides.
pub fn setgroups(groups: &[u32]) -> SysResult<()> {
    // SAFETY: the system reads the slice.
    check(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) }).map(drop)
}

/// The groups that a user is in.
pub fn getgrouplist(user: &CStr, group: u32) -> SysResult<Vec<u32>> {
    let mut count = 64;
    loop {
        let mut groups = vec![0; usize::try_from(count).unwrap_or(0)];
        let room = count;
        // SAFETY: the library writes at most `count` numbers.
        if unsafe { libc::getgrouplist(user.as_ptr(), group, groups.as_mut_ptr(), &mut count) } != -1 {
            groups.truncate(usize::try_from(count).unwrap_or(0));
            return Ok(groups);
        }
        if room > 1 << 17 {
            return Err(errno());
        }
        count = count.max(room * 2);
    }
}

/// The load of the system in the last 1, 5 and 15 minutes.
pub fn getloadavg() -> Option<[f64; 3]> {
    let mut load = [0.0; 3];
    // SAFETY: there is room for three numbers.
    if unsafe { libc::getloadavg(load.as_mut_ptr(), 3) } == 3 { Some(load) } else { None }
}

/// A priority; any number is one.
pub fn getpriority(which: i32, who: u32) -> SysResult<i64> {
    // SAFETY: numbers go in.
    limit(|| unsafe { libc::getpriority(which as _, who) }.into())
}

/// Changes the process's priority; the new one.
pub fn nice(increment: i32) -> SysResult<i64> {
    // SAFETY: a number goes in.
    limit(|| unsafe { libc::nice(increment) }.into())
}

/// The names of the system and the machine.
pub fn uname() -> SysResult<[Vec<u8>; 5]> {
    // SAFETY: the system fills the structure.
    let names: libc::utsname = filled(|place| unsafe { libc::uname(place) })?;
    let text = |field: &[libc::c_char]| field.iter().take_while(|&&c| c != 0).map(|&c| c as u8).collect();
    Ok([text(&names.sysname), text(&names.nodename), text(&names.release), text(&names.version), text(&names.machine)])
}

/// Times in ticks: user, system, those of ended children, and since some moment.
pub fn times() -> SysResult<[i64; 5]> {
    let mut place = MaybeUninit::<libc::tms>::zeroed();
    // SAFETY: the system fills the structure.
    unsafe {
        let elapsed = libc::times(place.as_mut_ptr());
        if elapsed == -1 {
            return Err(errno());
        }
        let times = place.assume_init();
        Ok([times.tms_utime, times.tms_stime, times.tms_cutime, times.tms_cstime, elapsed])
    }
}

/// Waits for a child: its number and status.
pub fn waitpid(pid: i32, options: i32) -> SysResult<(i32, i32)> {
    let mut status = 0;
    // SAFETY: there is room for the status.
    let pid = check(unsafe { libc::waitpid(pid, &mut status, options) })?;
    Ok((pid, status))
}

/// As [`waitpid`], with what the child has used.
pub fn wait4(pid: i32, options: i32) -> SysResult<(i32, i32, libc::rusage)> {
    let mut status = 0;
    let mut pid_out = 0;
    // SAFETY: the system fills status and structure.
    let usage = filled(|place| unsafe {
        pid_out = libc::wait4(pid, &mut status, options, place);
        pid_out
    })?;
    Ok((pid_out, status, usage))
}

/// What is known of a child that changed its state: number, user, signal, status, code. `None` when there is none yet.
pub fn waitid(kind: u32, id: u32, options: i32) -> SysResult<Option<[i64; 5]>> {
    // SAFETY: the system fills the structure, whose fields for children are read.
    unsafe {
        let info: libc::siginfo_t = filled(|place| libc::waitid(kind, id, place, options))?;
        if info.si_pid() == 0 {
            return Ok(None);
        }
        Ok(Some([
            info.si_pid().into(),
            info.si_uid().into(),
            info.si_signo.into(),
            info.si_status().into(),
            info.si_code.into(),
        ]))
    }
}

/// The arguments or environment of a program, as C has them.
struct Texts<'a> {
    _texts: &'a [std::ffi::CString],
    pointers: Vec<*const libc::c_char>,
}

impl<'a> Texts<'a> {
    fn new(texts: &'a [std::ffi::CString]) -> Texts<'a> {
        let mut pointers: Vec<_> = texts.iter().map(|text| text.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Texts { _texts: texts, pointers }
    }
}

/// Becomes another program with this environment; comes back only with an error.
pub fn execve(path: &CStr, args: &[std::ffi::CString], environment: &[std::ffi::CString]) -> i32 {
    let (args, environment) = (Texts::new(args), Texts::new(environment));
    // SAFETY: both arrays end with a null pointer and point to texts that live on.
    unsafe { libc::execve(path.as_ptr(), args.pointers.as_ptr(), environment.pointers.as_ptr()) };
    errno()
}

/// As [`execve`], by an open file.
pub fn fexecve(fd: i32, args: &[std::ffi::CString], environment: &[std::ffi::CString]) -> i32 {
    let (args, environment) = (Texts::new(args), Texts::new(environment));
    // SAFETY: as for execve.
    unsafe { libc::fexecve(fd, args.pointers.as_ptr(), environment.pointers.as_ptr()) };
    errno()
}

/// As [`execve`], with the environment that the process has.
pub fn execv(path: &CStr, args: &[std::ffi::CString]) -> i32 {
    let args = Texts::new(args);
    // SAFETY: as for execve.
    unsafe { libc::execv(path.as_ptr(), args.pointers.as_ptr()) };
    errno()
}

/// The environment of the C library's: names and values.
pub fn environment() -> Vec<(Vec<u8>, Vec<u8>)> {
    use std::os::unix::ffi::OsStringExt;
    std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec())).collect()
}

/// Runs a command of the shell; its status.
pub fn system(command: &CStr) -> i32 {
    // SAFETY: the text ends with a zero byte.
    unsafe { libc::system(command.as_ptr()) }
}

/// Ends the process at once.
pub fn exit(status: i32) -> ! {
    // SAFETY: a number goes in.
    unsafe { libc::_exit(status) }
}

/// A process's set of processors.
pub fn sched_getaffinity(pid: i32) -> SysResult<Vec<usize>> {
    let mut set = vec![0u64; 16];
    loop {
        let size = set.len() * 8;
        // SAFETY: the system writes at most `size` bytes.
        match check(unsafe { libc::sched_getaffinity(pid, size, set.as_mut_ptr().cast()) }) {
            Err(libc::EINVAL) if set.len() < 1 << 12 => set.resize(set.len() * 2, 0),
            Err(errno) => return Err(errno),
            Ok(_) => break,
        }
    }
    Ok((0..set.len() * 64).filter(|bit| set.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 != 0)).collect())
}

/// Sets a process's set of processors.
pub fn sched_setaffinity(pid: i32, processors: &[usize]) -> SysResult<()> {
    let words = processors.iter().max().map_or(1, |max| max / 64 + 1).min(1 << 12);
    let mut set = vec![0u64; words];
    for processor in processors {
        if let Some(word) = set.get_mut(processor / 64) {
            *word |= 1 << (processor % 64);
        }
    }
    // SAFETY: the system reads the array.
    check(unsafe { libc::sched_setaffinity(pid, set.len() * 8, set.as_ptr().cast()) }).map(drop)
}

/// A process's priority of its policy.
pub fn sched_getparam(pid: i32) -> SysResult<i32> {
    // SAFETY: the system fills the structure.
    filled::<libc::sched_param>(|place| unsafe { libc::sched_getparam(pid, place) }).map(|param| param.sched_priority)
}

/// Sets a process's priority of its policy.
pub fn sched_setparam(pid: i32, priority: i32) -> SysResult<()> {
    let param = libc::sched_param { sched_priority: priority };
    // SAFETY: the system reads the structure.
    check(unsafe { libc::sched_setparam(pid, &param) }).map(drop)
}

/// Sets a process's policy and priority.
pub fn sched_setscheduler(pid: i32, policy: i32, priority: i32) -> SysResult<()> {
    let param = libc::sched_param { sched_priority: priority };
    // SAFETY: the system reads the structure.
    check(unsafe { libc::sched_setscheduler(pid, policy, &param) }).map(drop)
}

/// How long a process runs at a time, in seconds.
pub fn sched_rr_get_interval(pid: i32) -> SysResult<f64> {
    // SAFETY: the system fills the structure.
    let time: libc::timespec = filled(|place| unsafe { libc::sched_rr_get_interval(pid, place) })?;
    Ok(time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64)
}

/// Columns and lines of a terminal.
pub fn terminal_size(fd: i32) -> SysResult<(u16, u16)> {
    // SAFETY: the system fills the structure.
    let size: libc::winsize = filled(|place| unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, place) })?;
    Ok((size.ws_col, size.ws_row))
}

/// What `posix_spawn` does to a descriptor in the new process.
pub enum FileAction {
    /// Opens a file.
    Open {
        /// Under this number.
        fd: i32,
        /// The file.
        path: std::ffi::CString,
        /// As for open.
        flags: i32,
        /// As for open.
        mode: u32,
    },
    /// Closes it.
    Close(i32),
    /// Makes the second the same file as the first.
    Dup(i32, i32),
}

/// How a process that `posix_spawn` makes differs from its parent.
#[derive(Default)]
pub struct SpawnAttributes {
    /// Its group.
    pub group: Option<i32>,
    /// The effective ids become the real ones.
    pub reset_ids: bool,
    /// It begins a session.
    pub new_session: bool,
    /// Signals that are blocked.
    pub mask: Option<Vec<i32>>,
    /// Signals whose handling is the default.
    pub defaults: Option<Vec<i32>>,
    /// How it is scheduled.
    pub policy: Option<i32>,
    /// With which priority.
    pub priority: Option<i32>,
}

/// A result of the `posix_spawn` family: the error number itself.
fn spawn_result(errno: i32) -> SysResult<()> {
    if errno == 0 { Ok(()) } else { Err(errno) }
}

fn signal_set(signals: &[i32]) -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set is made empty before it is used; numbers out of range are refused.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for &signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        set.assume_init()
    }
}

/// Starts a program; its process.
pub fn posix_spawn(
    path: &CStr,
    args: &[std::ffi::CString],
    environment: &[std::ffi::CString],
    actions: &[FileAction],
    attributes: &SpawnAttributes,
    search: bool,
) -> SysResult<i32> {
    let (args, environment) = (Texts::new(args), Texts::new(environment));
    let mut files = MaybeUninit::<libc::posix_spawn_file_actions_t>::zeroed();
    let mut attrs = MaybeUninit::<libc::posix_spawnattr_t>::zeroed();
    let mut pid = 0;
    // SAFETY: both structures are initialised before use and destroyed after; the arrays end with a null pointer and point
    // to texts that live on.
    unsafe {
        let files = files.as_mut_ptr();
        let attrs = attrs.as_mut_ptr();
        spawn_result(libc::posix_spawn_file_actions_init(files))?;
        spawn_result(libc::posix_spawnattr_init(attrs))?;
        let result = (|| {
            for action in actions {
                spawn_result(match action {
                    FileAction::Open { fd, path, flags, mode } => {
                        libc::posix_spawn_file_actions_addopen(files, *fd, path.as_ptr(), *flags, *mode)
                    }
                    FileAction::Close(fd) => libc::posix_spawn_file_actions_addclose(files, *fd),
                    FileAction::Dup(fd, target) => libc::posix_spawn_file_actions_adddup2(files, *fd, *target),
                })?;
            }
            let mut flags = 0;
            if let Some(group) = attributes.group {
                spawn_result(libc::posix_spawnattr_setpgroup(attrs, group))?;
                flags |= libc::POSIX_SPAWN_SETPGROUP;
            }
            if attributes.reset_ids {
                flags |= libc::POSIX_SPAWN_RESETIDS;
            }
            if attributes.new_session {
                flags |= 0x80;
            }
            if let Some(mask) = &attributes.mask {
                spawn_result(libc::posix_spawnattr_setsigmask(attrs, &signal_set(mask)))?;
                flags |= libc::POSIX_SPAWN_SETSIGMASK;
            }
            if let Some(defaults) = &attributes.defaults {
                spawn_result(libc::posix_spawnattr_setsigdefault(attrs, &signal_set(defaults)))?;
                flags |= libc::POSIX_SPAWN_SETSIGDEF;
            }
            if let Some(policy) = attributes.policy {
                spawn_result(libc::posix_spawnattr_setschedpolicy(attrs, policy))?;
                flags |= libc::POSIX_SPAWN_SETSCHEDULER;
            }
            if let Some(priority) = attributes.priority {
                let param = libc::sched_param { sched_priority: priority };
                spawn_result(libc::posix_spawnattr_setschedparam(attrs, &param))?;
                flags |= libc::POSIX_SPAWN_SETSCHEDPARAM;
            }
            spawn_result(libc::posix_spawnattr_setflags(attrs, flags as _))?;
            let (args, environment) = (args.pointers.as_ptr().cast(), environment.pointers.as_ptr().cast());
            spawn_result(match search {
                true => libc::posix_spawnp(&mut pid, path.as_ptr(), files, attrs, args, environment),
                false => libc::posix_spawn(&mut pid, path.as_ptr(), files, attrs, args, environment),
            })
        })();
        libc::posix_spawn_file_actions_destroy(files);
        libc::posix_spawnattr_destroy(attrs);
        result.map(|()| pid)
    }
}
