//! The module `posix`: what the operating system offers to programs.
//!
//! `system` holds the calls behind safe functions, `arguments` and `path` how arguments become what the system takes, the
//! others the functions by what they are about.

mod arguments;
mod constants;
mod directory;
mod files;
pub(crate) mod path;
pub mod process;
mod spawn;
mod stat;
pub(crate) mod system;
mod tree;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::io;
use crate::object::TypeObject;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::exceptions::OS_ERROR;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::struct_sequence;
pub(crate) use arguments::file_descriptor;
use directory::*;
use files::*;
use process::*;
use spawn::*;
use stat::*;
use tree::*;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "posix",
    doc: "This module provides access to operating system functionality that is\nstandardized by the C Standard and the POSIX standard (a thinly\ndisguised Unix interface).  Refer to the library manual and\ncorresponding Unix manual entries for more information on calls.",
    functions: &[
        method!(
            wcoredump,
            "WCOREDUMP($module, status, /)",
            "Return True if the process returning status was dumped to a core file."
        ),
        method!(wexitstatus, "WEXITSTATUS($module, /, status)", "Return the process return code from status."),
        method!(
            wifcontinued,
            "WIFCONTINUED($module, /, status)",
            "Return True if a particular process was continued from a job control stop.\n\nReturn True if the process returning status was continued from a\njob control stop."
        ),
        method!(
            wifexited,
            "WIFEXITED($module, /, status)",
            "Return True if the process returning status exited via the exit() system call."
        ),
        method!(
            wifsignaled,
            "WIFSIGNALED($module, /, status)",
            "Return True if the process returning status was terminated by a signal."
        ),
        method!(
            wifstopped,
            "WIFSTOPPED($module, /, status)",
            "Return True if the process returning status was stopped."
        ),
        method!(
            wstopsig,
            "WSTOPSIG($module, /, status)",
            "Return the signal that stopped the process that provided the status value."
        ),
        method!(
            wtermsig,
            "WTERMSIG($module, /, status)",
            "Return the signal that terminated the process that provided the status value."
        ),
        method!(
            exit,
            "_exit($module, /, status)",
            "Exit to the system with specified status, without normal exit processing."
        ),
        method!(
            abort,
            "abort($module, /)",
            "Abort the interpreter immediately.\n\nThis function 'dumps core' or otherwise fails in the hardest way possible\non the hosting operating system.  This function never returns."
        ),
        method!(
            access,
            "access($module, /, path, mode, *, dir_fd=None, effective_ids=False,\n       follow_symlinks=True)",
            "Use the real uid/gid to test for access to a path.\n\n  path\n    Path to be tested; can be string, bytes, or a path-like object.\n  mode\n    Operating-system mode bitfield.  Can be F_OK to test existence,\n    or the inclusive-OR of R_OK, W_OK, and X_OK.\n  dir_fd\n    If not None, it should be a file descriptor open to a directory,\n    and path should be relative; path will then be relative to that\n    directory.\n  effective_ids\n    If True, access will use the effective uid/gid instead of\n    the real uid/gid.\n  follow_symlinks\n    If False, and the last element of the path is a symbolic link,\n    access will examine the symbolic link itself instead of the file\n    the link points to.\n\ndir_fd, effective_ids, and follow_symlinks may not be implemented\n  on your platform.  If they are unavailable, using them will raise a\n  NotImplementedError.\n\nNote that most operations will use the effective uid/gid, therefore this\n  routine can be used in a suid/sgid environment to test if the invoking user\n  has the specified access to the path."
        ),
        method!(
            chdir,
            "chdir($module, /, path)",
            "Change the current working directory to the specified path.\n\npath may always be specified as a string.\nOn some platforms, path may also be specified as an open file descriptor.\n  If this functionality is unavailable, using it raises an exception."
        ),
        method!(
            chmod,
            "chmod($module, /, path, mode, *, dir_fd=None, follow_symlinks=True)",
            "Change the access permissions of a file.\n\n  path\n    Path to be modified.  May always be specified as a str, bytes, or a path-like object.\n    On some platforms, path may also be specified as an open file descriptor.\n    If this functionality is unavailable, using it raises an exception.\n  mode\n    Operating-system mode bitfield.\n  dir_fd\n    If not None, it should be a file descriptor open to a directory,\n    and path should be relative; path will then be relative to that\n    directory.\n  follow_symlinks\n    If False, and the last element of the path is a symbolic link,\n    chmod will modify the symbolic link itself instead of the file\n    the link points to.\n\nIt is an error to use dir_fd or follow_symlinks when specifying path as\n  an open file descriptor.\ndir_fd and follow_symlinks may not be implemented on your platform.\n  If they are unavailable, using them will raise a NotImplementedError."
        ),
        method!(
            chown,
            "chown($module, /, path, uid, gid, *, dir_fd=None, follow_symlinks=True)",
            "Change the owner and group id of path to the numeric uid and gid.\\\n\n  path\n    Path to be examined; can be string, bytes, a path-like object, or open-file-descriptor int.\n  dir_fd\n    If not None, it should be a file descriptor open to a directory,\n    and path should be relative; path will then be relative to that\n    directory.\n  follow_symlinks\n    If False, and the last element of the path is a symbolic link,\n    stat will examine the symbolic link itself instead of the file\n    the link points to.\n\npath may always be specified as a string.\nOn some platforms, path may also be specified as an open file descriptor.\n  If this functionality is unavailable, using it raises an exception.\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.\nIf follow_symlinks is False, and the last element of the path is a symbolic\n  link, chown will modify the symbolic link itself instead of the file the\n  link points to.\nIt is an error to use dir_fd or follow_symlinks when specifying path as\n  an open file descriptor.\ndir_fd and follow_symlinks may not be implemented on your platform.\n  If they are unavailable, using them will raise a NotImplementedError."
        ),
        method!(chroot, "chroot($module, /, path)", "Change root directory to path."),
        method!(close, "close($module, /, fd)", "Close a file descriptor."),
        method!(
            closerange,
            "closerange($module, fd_low, fd_high, /)",
            "Closes all file descriptors in [fd_low, fd_high), ignoring errors."
        ),
        method!(confstr, "confstr($module, name, /)", "Return a string-valued system configuration variable."),
        method!(
            copy_file_range,
            "copy_file_range($module, /, src, dst, count, offset_src=None,\n                offset_dst=None)",
            "Copy count bytes from one file descriptor to another.\n\n  src\n    Source file descriptor.\n  dst\n    Destination file descriptor.\n  count\n    Number of bytes to copy.\n  offset_src\n    Starting offset in src.\n  offset_dst\n    Starting offset in dst.\n\nIf offset_src is None, then src is read from the current position;\nrespectively for offset_dst."
        ),
        method!(
            cpu_count,
            "cpu_count($module, /)",
            "Return the number of CPUs in the system; return None if indeterminable.\n\nThis number is not equivalent to the number of CPUs the current process can\nuse.  The number of usable CPUs can be obtained with\n``len(os.sched_getaffinity(0))``"
        ),
        method!(ctermid, "ctermid($module, /)", "Return the name of the controlling terminal for this process."),
        method!(
            device_encoding,
            "device_encoding($module, /, fd)",
            "Return a string describing the encoding of a terminal's file descriptor.\n\nThe file descriptor must be attached to a terminal.\nIf the device is not a terminal, return None."
        ),
        method!(dup, "dup($module, fd, /)", "Return a duplicate of a file descriptor."),
        method!(dup2, "dup2($module, /, fd, fd2, inheritable=True)", "Duplicate file descriptor."),
        method!(
            execv,
            "execv($module, path, argv, /)",
            "Execute an executable path with arguments, replacing current process.\n\n  path\n    Path of executable file.\n  argv\n    Tuple or list of strings."
        ),
        method!(
            execve,
            "execve($module, /, path, argv, env)",
            "Execute an executable path with arguments, replacing current process.\n\n  path\n    Path of executable file.\n  argv\n    Tuple or list of strings.\n  env\n    Dictionary of strings mapping to strings."
        ),
        method!(
            fchdir,
            "fchdir($module, /, fd)",
            "Change to the directory of the given file descriptor.\n\nfd must be opened on a directory, not a file.\nEquivalent to os.chdir(fd)."
        ),
        method!(
            fchmod,
            "fchmod($module, /, fd, mode)",
            "Change the access permissions of the file given by file descriptor fd.\n\nEquivalent to os.chmod(fd, mode)."
        ),
        method!(
            fchown,
            "fchown($module, /, fd, uid, gid)",
            "Change the owner and group id of the file specified by file descriptor.\n\nEquivalent to os.chown(fd, uid, gid)."
        ),
        method!(
            fdatasync,
            "fdatasync($module, /, fd)",
            "Force write of fd to disk without forcing update of metadata."
        ),
        method!(
            fork,
            "fork($module, /)",
            "Fork a child process.\n\nReturn 0 to child process and PID of child to parent process."
        ),
        method!(
            forkpty,
            "forkpty($module, /)",
            "Fork a new process with a new pseudo-terminal as controlling tty.\n\nReturns a tuple of (pid, master_fd).\nLike fork(), return pid of 0 to the child process,\nand pid of child to the parent process.\nTo both, return fd of newly opened pseudo-terminal."
        ),
        method!(
            fpathconf,
            "fpathconf($module, fd, name, /)",
            "Return the configuration limit name for the file descriptor fd.\n\nIf there is no limit, return -1."
        ),
        method!(
            fspath,
            "fspath($module, /, path)",
            "Return the file system path representation of the object.\n\nIf the object is str or bytes, then allow it to pass through as-is. If the\nobject defines __fspath__(), then return the result of that method. All other\ntypes raise a TypeError."
        ),
        method!(
            fstat,
            "fstat($module, /, fd)",
            "Perform a stat system call on the given file descriptor.\n\nLike stat(), but for an open file descriptor.\nEquivalent to os.stat(fd)."
        ),
        method!(
            fstatvfs,
            "fstatvfs($module, fd, /)",
            "Perform an fstatvfs system call on the given fd.\n\nEquivalent to statvfs(fd)."
        ),
        method!(fsync, "fsync($module, /, fd)", "Force write of fd to disk."),
        method!(
            ftruncate,
            "ftruncate($module, fd, length, /)",
            "Truncate a file, specified by file descriptor, to a specific length."
        ),
        method!(
            get_blocking,
            "get_blocking($module, fd, /)",
            "Get the blocking mode of the file descriptor.\n\nReturn False if the O_NONBLOCK flag is set, True if the flag is cleared."
        ),
        method!(
            get_inheritable,
            "get_inheritable($module, fd, /)",
            "Get the close-on-exe flag of the specified file descriptor."
        ),
        method!(
            get_terminal_size,
            "%get_terminal_size($module, fd=1, /)",
            "Return the size of the terminal window as (columns, lines).\n\nThe optional argument fd (default standard output) specifies\nwhich file descriptor should be queried.\n\nIf the file descriptor is not connected to a terminal, an OSError\nis thrown.\n\nThis function will only be defined if an implementation is\navailable for this system.\n\nshutil.get_terminal_size is the high-level function which should\nnormally be used, os.get_terminal_size is the low-level implementation."
        ),
        method!(getcwd, "getcwd($module, /)", "Return a unicode string representing the current working directory."),
        method!(getcwdb, "getcwdb($module, /)", "Return a bytes string representing the current working directory."),
        method!(getegid, "getegid($module, /)", "Return the current process's effective group id."),
        method!(geteuid, "geteuid($module, /)", "Return the current process's effective user id."),
        method!(getgid, "getgid($module, /)", "Return the current process's group id."),
        method!(
            getgrouplist,
            "%getgrouplist($module, user, group, /)",
            "getgrouplist(user, group) -> list of groups to which a user belongs\n\nReturns a list of groups to which a user belongs.\n\n    user: username to lookup\n    group: base group id of the user"
        ),
        method!(getgroups, "getgroups($module, /)", "Return list of supplemental group IDs for the process."),
        method!(
            getloadavg,
            "getloadavg($module, /)",
            "Return average recent system load information.\n\nReturn the number of processes in the system run queue averaged over\nthe last 1, 5, and 15 minutes as a tuple of three floats.\nRaises OSError if the load average was unobtainable."
        ),
        method!(getlogin, "getlogin($module, /)", "Return the actual login name."),
        method!(getpgid, "getpgid($module, /, pid)", "Call the system call getpgid(), and return the result."),
        method!(getpgrp, "getpgrp($module, /)", "Return the current process group id."),
        method!(getpid, "getpid($module, /)", "Return the current process id."),
        method!(
            getppid,
            "getppid($module, /)",
            "Return the parent's process id.\n\nIf the parent process has already exited, Windows machines will still\nreturn its id; others systems will return the id of the 'init' process (1)."
        ),
        method!(getpriority, "getpriority($module, /, which, who)", "Return program scheduling priority."),
        method!(getrandom, "getrandom($module, /, size, flags=0)", "Obtain a series of random bytes."),
        method!(
            getresgid,
            "getresgid($module, /)",
            "Return a tuple of the current process's real, effective, and saved group ids."
        ),
        method!(
            getresuid,
            "getresuid($module, /)",
            "Return a tuple of the current process's real, effective, and saved user ids."
        ),
        method!(getsid, "getsid($module, pid, /)", "Call the system call getsid(pid) and return the result."),
        method!(getuid, "getuid($module, /)", "Return the current process's user id."),
        method!(
            getxattr,
            "getxattr($module, /, path, attribute, *, follow_symlinks=True)",
            "Return the value of extended attribute attribute on path.\n\npath may be either a string, a path-like object, or an open file descriptor.\nIf follow_symlinks is False, and the last element of the path is a symbolic\n  link, getxattr will examine the symbolic link itself instead of the file\n  the link points to."
        ),
        method!(
            initgroups,
            "%initgroups($module, username, gid, /)",
            "initgroups(username, gid) -> None\n\nCall the system initgroups() to initialize the group access list with all of\nthe groups of which the specified username is a member, plus the specified\ngroup id."
        ),
        method!(
            isatty,
            "isatty($module, fd, /)",
            "Return True if the fd is connected to a terminal.\n\nReturn True if the file descriptor is an open file descriptor\nconnected to the slave end of a terminal."
        ),
        method!(kill, "kill($module, pid, signal, /)", "Kill a process with a signal."),
        method!(killpg, "killpg($module, pgid, signal, /)", "Kill a process group with a signal."),
        method!(
            lchown,
            "lchown($module, /, path, uid, gid)",
            "Change the owner and group id of path to the numeric uid and gid.\n\nThis function will not follow symbolic links.\nEquivalent to os.chown(path, uid, gid, follow_symlinks=False)."
        ),
        method!(
            link,
            "link($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None,\n     follow_symlinks=True)",
            "Create a hard link to a file.\n\nIf either src_dir_fd or dst_dir_fd is not None, it should be a file\n  descriptor open to a directory, and the respective path string (src or dst)\n  should be relative; the path will then be relative to that directory.\nIf follow_symlinks is False, and the last element of src is a symbolic\n  link, link will create a link to the symbolic link itself instead of the\n  file the link points to.\nsrc_dir_fd, dst_dir_fd, and follow_symlinks may not be implemented on your\n  platform.  If they are unavailable, using them will raise a\n  NotImplementedError."
        ),
        method!(
            listdir,
            "listdir($module, /, path=None)",
            "Return a list containing the names of the files in the directory.\n\npath can be specified as either str, bytes, or a path-like object.  If path is bytes,\n  the filenames returned will also be bytes; in all other circumstances\n  the filenames returned will be str.\nIf path is None, uses the path='.'.\nOn some platforms, path may also be specified as an open file descriptor;\\\n  the file descriptor must refer to a directory.\n  If this functionality is unavailable, using it raises NotImplementedError.\n\nThe list is in arbitrary order.  It does not include the special\nentries '.' and '..' even if they are present in the directory."
        ),
        method!(
            listxattr,
            "listxattr($module, /, path=None, *, follow_symlinks=True)",
            "Return a list of extended attributes on path.\n\npath may be either None, a string, a path-like object, or an open file descriptor.\nif path is None, listxattr will examine the current directory.\nIf follow_symlinks is False, and the last element of the path is a symbolic\n  link, listxattr will examine the symbolic link itself instead of the file\n  the link points to."
        ),
        method!(
            lockf,
            "lockf($module, fd, command, length, /)",
            "Apply, test or remove a POSIX lock on an open file descriptor.\n\n  fd\n    An open file descriptor.\n  command\n    One of F_LOCK, F_TLOCK, F_ULOCK or F_TEST.\n  length\n    The number of bytes to lock, starting at the current position."
        ),
        method!(
            lseek,
            "lseek($module, fd, position, how, /)",
            "Set the position of a file descriptor.  Return the new position.\n\nReturn the new cursor position in number of bytes\nrelative to the beginning of the file."
        ),
        method!(
            lstat,
            "lstat($module, /, path, *, dir_fd=None)",
            "Perform a stat system call on the given path, without following symbolic links.\n\nLike stat(), but do not follow symbolic links.\nEquivalent to stat(path, follow_symlinks=False)."
        ),
        method!(major, "major($module, device, /)", "Extracts a device major number from a raw device number."),
        method!(
            makedev,
            "makedev($module, major, minor, /)",
            "Composes a raw device number from the major and minor device numbers."
        ),
        method!(memfd_create, "memfd_create($module, /, name, flags=MFD_CLOEXEC)", ""),
        method!(minor, "minor($module, device, /)", "Extracts a device minor number from a raw device number."),
        method!(
            mkdir,
            "mkdir($module, /, path, mode=511, *, dir_fd=None)",
            "Create a directory.\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.\ndir_fd may not be implemented on your platform.\n  If it is unavailable, using it will raise a NotImplementedError.\n\nThe mode argument is ignored on Windows."
        ),
        method!(
            mkfifo,
            "mkfifo($module, /, path, mode=438, *, dir_fd=None)",
            "Create a \"fifo\" (a POSIX named pipe).\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.\ndir_fd may not be implemented on your platform.\n  If it is unavailable, using it will raise a NotImplementedError."
        ),
        method!(
            mknod,
            "mknod($module, /, path, mode=384, device=0, *, dir_fd=None)",
            "Create a node in the file system.\n\nCreate a node in the file system (file, device special file or named pipe)\nat path.  mode specifies both the permissions to use and the\ntype of node to be created, being combined (bitwise OR) with one of\nS_IFREG, S_IFCHR, S_IFBLK, and S_IFIFO.  If S_IFCHR or S_IFBLK is set on mode,\ndevice defines the newly created device special file (probably using\nos.makedev()).  Otherwise device is ignored.\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.\ndir_fd may not be implemented on your platform.\n  If it is unavailable, using it will raise a NotImplementedError."
        ),
        method!(
            nice,
            "nice($module, increment, /)",
            "Add increment to the priority of process and return the new priority."
        ),
        method!(
            open,
            "open($module, /, path, flags, mode=511, *, dir_fd=None)",
            "Open a file for low level IO.  Returns a file descriptor (integer).\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.\ndir_fd may not be implemented on your platform.\n  If it is unavailable, using it will raise a NotImplementedError."
        ),
        method!(
            openpty,
            "openpty($module, /)",
            "Open a pseudo-terminal.\n\nReturn a tuple of (master_fd, slave_fd) containing open file descriptors\nfor both the master and slave ends."
        ),
        method!(
            pathconf,
            "pathconf($module, /, path, name)",
            "Return the configuration limit name for the file or directory path.\n\nIf there is no limit, return -1.\nOn some platforms, path may also be specified as an open file descriptor.\n  If this functionality is unavailable, using it raises an exception."
        ),
        method!(
            pipe,
            "pipe($module, /)",
            "Create a pipe.\n\nReturns a tuple of two file descriptors:\n  (read_fd, write_fd)"
        ),
        method!(
            pipe2,
            "pipe2($module, flags, /)",
            "Create a pipe with flags set atomically.\n\nReturns a tuple of two file descriptors:\n  (read_fd, write_fd)\n\nflags can be constructed by ORing together one or more of these values:\nO_NONBLOCK, O_CLOEXEC."
        ),
        method!(
            posix_fadvise,
            "posix_fadvise($module, fd, offset, length, advice, /)",
            "Announce an intention to access data in a specific pattern.\n\nAnnounce an intention to access data in a specific pattern, thus allowing\nthe kernel to make optimizations.\nThe advice applies to the region of the file specified by fd starting at\noffset and continuing for length bytes.\nadvice is one of POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL,\nPOSIX_FADV_RANDOM, POSIX_FADV_NOREUSE, POSIX_FADV_WILLNEED, or\nPOSIX_FADV_DONTNEED."
        ),
        method!(
            posix_fallocate,
            "posix_fallocate($module, fd, offset, length, /)",
            "Ensure a file has allocated at least a particular number of bytes on disk.\n\nEnsure that the file specified by fd encompasses a range of bytes\nstarting at offset bytes from the beginning and continuing for length bytes."
        ),
        method!(raw posix_spawn, "posix_spawn($module, path, argv, env, /, *, file_actions=(),\n            setpgroup=<unrepresentable>, resetids=False, setsid=False,\n            setsigmask=(), setsigdef=(), scheduler=<unrepresentable>)", "Execute the program specified by path in a new process.\n\n  path\n    Path of executable file.\n  argv\n    Tuple or list of strings.\n  env\n    Dictionary of strings mapping to strings.\n  file_actions\n    A sequence of file action tuples.\n  setpgroup\n    The pgroup to use with the POSIX_SPAWN_SETPGROUP flag.\n  resetids\n    If the value is `true` the POSIX_SPAWN_RESETIDS will be activated.\n  setsid\n    If the value is `true` the POSIX_SPAWN_SETSID or POSIX_SPAWN_SETSID_NP will be activated.\n  setsigmask\n    The sigmask to use with the POSIX_SPAWN_SETSIGMASK flag.\n  setsigdef\n    The sigmask to use with the POSIX_SPAWN_SETSIGDEF flag.\n  scheduler\n    A tuple with the scheduler policy (optional) and parameters."),
        method!(raw posix_spawnp, "posix_spawnp($module, path, argv, env, /, *, file_actions=(),\n             setpgroup=<unrepresentable>, resetids=False, setsid=False,\n             setsigmask=(), setsigdef=(), scheduler=<unrepresentable>)", "Execute the program specified by path in a new process.\n\n  path\n    Path of executable file.\n  argv\n    Tuple or list of strings.\n  env\n    Dictionary of strings mapping to strings.\n  file_actions\n    A sequence of file action tuples.\n  setpgroup\n    The pgroup to use with the POSIX_SPAWN_SETPGROUP flag.\n  resetids\n    If the value is `True` the POSIX_SPAWN_RESETIDS will be activated.\n  setsid\n    If the value is `True` the POSIX_SPAWN_SETSID or POSIX_SPAWN_SETSID_NP will be activated.\n  setsigmask\n    The sigmask to use with the POSIX_SPAWN_SETSIGMASK flag.\n  setsigdef\n    The sigmask to use with the POSIX_SPAWN_SETSIGDEF flag.\n  scheduler\n    A tuple with the scheduler policy (optional) and parameters."),
        method!(
            pread,
            "pread($module, fd, length, offset, /)",
            "Read a number of bytes from a file descriptor starting at a particular offset.\n\nRead length bytes from file descriptor fd, starting at offset bytes from\nthe beginning of the file.  The file offset remains unchanged."
        ),
        method!(
            preadv,
            "preadv($module, fd, buffers, offset, flags=0, /)",
            "Reads from a file descriptor into a number of mutable bytes-like objects.\n\nCombines the functionality of readv() and pread(). As readv(), it will\ntransfer data into each buffer until it is full and then move on to the next\nbuffer in the sequence to hold the rest of the data. Its fourth argument,\nspecifies the file offset at which the input operation is to be performed. It\nwill return the total number of bytes read (which can be less than the total\ncapacity of all the objects).\n\nThe flags argument contains a bitwise OR of zero or more of the following flags:\n\n- RWF_HIPRI\n- RWF_NOWAIT\n\nUsing non-zero flags requires Linux 4.6 or newer."
        ),
        method!(putenv, "putenv($module, name, value, /)", "Change or add an environment variable."),
        method!(
            pwrite,
            "pwrite($module, fd, buffer, offset, /)",
            "Write bytes to a file descriptor starting at a particular offset.\n\nWrite buffer to fd, starting at offset bytes from the beginning of\nthe file.  Returns the number of bytes writte.  Does not change the\ncurrent file offset."
        ),
        method!(
            pwritev,
            "pwritev($module, fd, buffers, offset, flags=0, /)",
            "Writes the contents of bytes-like objects to a file descriptor at a given offset.\n\nCombines the functionality of writev() and pwrite(). All buffers must be a sequence\nof bytes-like objects. Buffers are processed in array order. Entire contents of first\nbuffer is written before proceeding to second, and so on. The operating system may\nset a limit (sysconf() value SC_IOV_MAX) on the number of buffers that can be used.\nThis function writes the contents of each object to the file descriptor and returns\nthe total number of bytes written.\n\nThe flags argument contains a bitwise OR of zero or more of the following flags:\n\n- RWF_DSYNC\n- RWF_SYNC\n\nUsing non-zero flags requires Linux 4.7 or newer."
        ),
        method!(read, "read($module, fd, length, /)", "Read from a file descriptor.  Returns a bytes object."),
        method!(
            readlink,
            "readlink($module, /, path, *, dir_fd=None)",
            "Return a string representing the path to which the symbolic link points.\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\nand path should be relative; path will then be relative to that directory.\n\ndir_fd may not be implemented on your platform.  If it is unavailable,\nusing it will raise a NotImplementedError."
        ),
        method!(
            readv,
            "readv($module, fd, buffers, /)",
            "Read from a file descriptor fd into an iterable of buffers.\n\nThe buffers should be mutable buffers accepting bytes.\nreadv will transfer data into each buffer until it is full\nand then move on to the next buffer in the sequence to hold\nthe rest of the data.\n\nreadv returns the total number of bytes read,\nwhich may be less than the total capacity of all the buffers."
        ),
        method!(
            register_at_fork,
            "register_at_fork($module, /, *, before=<unrepresentable>,\n                 after_in_child=<unrepresentable>,\n                 after_in_parent=<unrepresentable>)",
            "Register callables to be called when forking a new process.\n\n  before\n    A callable to be called in the parent before the fork() syscall.\n  after_in_child\n    A callable to be called in the child after fork().\n  after_in_parent\n    A callable to be called in the parent after fork().\n\n'before' callbacks are called in reverse order.\n'after_in_child' and 'after_in_parent' callbacks are called in order."
        ),
        method!(
            remove,
            "remove($module, /, path, *, dir_fd=None)",
            "Remove a file (same as unlink()).\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.\ndir_fd may not be implemented on your platform.\n  If it is unavailable, using it will raise a NotImplementedError."
        ),
        method!(
            removexattr,
            "removexattr($module, /, path, attribute, *, follow_symlinks=True)",
            "Remove extended attribute attribute on path.\n\npath may be either a string, a path-like object, or an open file descriptor.\nIf follow_symlinks is False, and the last element of the path is a symbolic\n  link, removexattr will modify the symbolic link itself instead of the file\n  the link points to."
        ),
        method!(
            rename,
            "rename($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
            "Rename a file or directory.\n\nIf either src_dir_fd or dst_dir_fd is not None, it should be a file\n  descriptor open to a directory, and the respective path string (src or dst)\n  should be relative; the path will then be relative to that directory.\nsrc_dir_fd and dst_dir_fd, may not be implemented on your platform.\n  If they are unavailable, using them will raise a NotImplementedError."
        ),
        method!(
            replace,
            "replace($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
            "Rename a file or directory, overwriting the destination.\n\nIf either src_dir_fd or dst_dir_fd is not None, it should be a file\n  descriptor open to a directory, and the respective path string (src or dst)\n  should be relative; the path will then be relative to that directory.\nsrc_dir_fd and dst_dir_fd, may not be implemented on your platform.\n  If they are unavailable, using them will raise a NotImplementedError."
        ),
        method!(
            rmdir,
            "rmdir($module, /, path, *, dir_fd=None)",
            "Remove a directory.\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.\ndir_fd may not be implemented on your platform.\n  If it is unavailable, using it will raise a NotImplementedError."
        ),
        method!(
            scandir,
            "scandir($module, /, path=None)",
            "Return an iterator of DirEntry objects for given path.\n\npath can be specified as either str, bytes, or a path-like object.  If path\nis bytes, the names of yielded DirEntry objects will also be bytes; in\nall other circumstances they will be str.\n\nIf path is None, uses the path='.'."
        ),
        method!(
            sched_get_priority_max,
            "sched_get_priority_max($module, /, policy)",
            "Get the maximum scheduling priority for policy."
        ),
        method!(
            sched_get_priority_min,
            "sched_get_priority_min($module, /, policy)",
            "Get the minimum scheduling priority for policy."
        ),
        method!(
            sched_getaffinity,
            "sched_getaffinity($module, pid, /)",
            "Return the affinity of the process identified by pid (or the current process if zero).\n\nThe affinity is returned as a set of CPU identifiers."
        ),
        method!(
            sched_getparam,
            "sched_getparam($module, pid, /)",
            "Returns scheduling parameters for the process identified by pid.\n\nIf pid is 0, returns parameters for the calling process.\nReturn value is an instance of sched_param."
        ),
        method!(
            sched_getscheduler,
            "sched_getscheduler($module, pid, /)",
            "Get the scheduling policy for the process identifiedy by pid.\n\nPassing 0 for pid returns the scheduling policy for the calling process."
        ),
        method!(
            sched_rr_get_interval,
            "sched_rr_get_interval($module, pid, /)",
            "Return the round-robin quantum for the process identified by pid, in seconds.\n\nValue returned is a float."
        ),
        method!(
            sched_setaffinity,
            "sched_setaffinity($module, pid, mask, /)",
            "Set the CPU affinity of the process identified by pid to mask.\n\nmask should be an iterable of integers identifying CPUs."
        ),
        method!(
            sched_setparam,
            "sched_setparam($module, pid, param, /)",
            "Set scheduling parameters for the process identified by pid.\n\nIf pid is 0, sets parameters for the calling process.\nparam should be an instance of sched_param."
        ),
        method!(
            sched_setscheduler,
            "sched_setscheduler($module, pid, policy, param, /)",
            "Set the scheduling policy for the process identified by pid.\n\nIf pid is 0, the calling process is changed.\nparam is an instance of sched_param."
        ),
        method!(sched_yield, "sched_yield($module, /)", "Voluntarily relinquish the CPU."),
        method!(
            sendfile,
            "%sendfile($module, /, out, in, offset, count)",
            "sendfile(out, in, offset, count) -> byteswritten\nsendfile(out, in, offset, count[, headers][, trailers], flags=0)\n            -> byteswritten\nCopy count bytes from file descriptor in to file descriptor out."
        ),
        method!(
            set_blocking,
            "set_blocking($module, fd, blocking, /)",
            "Set the blocking mode of the specified file descriptor.\n\nSet the O_NONBLOCK flag if blocking is False,\nclear the O_NONBLOCK flag otherwise."
        ),
        method!(
            set_inheritable,
            "set_inheritable($module, fd, inheritable, /)",
            "Set the inheritable flag of the specified file descriptor."
        ),
        method!(setegid, "setegid($module, egid, /)", "Set the current process's effective group id."),
        method!(seteuid, "seteuid($module, euid, /)", "Set the current process's effective user id."),
        method!(setgid, "setgid($module, gid, /)", "Set the current process's group id."),
        method!(setgroups, "setgroups($module, groups, /)", "Set the groups of the current process to list."),
        method!(setpgid, "setpgid($module, pid, pgrp, /)", "Call the system call setpgid(pid, pgrp)."),
        method!(setpgrp, "setpgrp($module, /)", "Make the current process the leader of its process group."),
        method!(setpriority, "setpriority($module, /, which, who, priority)", "Set program scheduling priority."),
        method!(
            setregid,
            "setregid($module, rgid, egid, /)",
            "Set the current process's real and effective group ids."
        ),
        method!(
            setresgid,
            "setresgid($module, rgid, egid, sgid, /)",
            "Set the current process's real, effective, and saved group ids."
        ),
        method!(
            setresuid,
            "setresuid($module, ruid, euid, suid, /)",
            "Set the current process's real, effective, and saved user ids."
        ),
        method!(setreuid, "setreuid($module, ruid, euid, /)", "Set the current process's real and effective user ids."),
        method!(setsid, "setsid($module, /)", "Call the system call setsid()."),
        method!(setuid, "setuid($module, uid, /)", "Set the current process's user id."),
        method!(
            setxattr,
            "setxattr($module, /, path, attribute, value, flags=0, *,\n         follow_symlinks=True)",
            "Set extended attribute attribute on path to value.\n\npath may be either a string, a path-like object,  or an open file descriptor.\nIf follow_symlinks is False, and the last element of the path is a symbolic\n  link, setxattr will modify the symbolic link itself instead of the file\n  the link points to."
        ),
        method!(
            stat,
            "stat($module, /, path, *, dir_fd=None, follow_symlinks=True)",
            "Perform a stat system call on the given path.\n\n  path\n    Path to be examined; can be string, bytes, a path-like object or\n    open-file-descriptor int.\n  dir_fd\n    If not None, it should be a file descriptor open to a directory,\n    and path should be a relative string; path will then be relative to\n    that directory.\n  follow_symlinks\n    If False, and the last element of the path is a symbolic link,\n    stat will examine the symbolic link itself instead of the file\n    the link points to.\n\ndir_fd and follow_symlinks may not be implemented\n  on your platform.  If they are unavailable, using them will raise a\n  NotImplementedError.\n\nIt's an error to use dir_fd or follow_symlinks when specifying path as\n  an open file descriptor."
        ),
        method!(
            statvfs,
            "statvfs($module, /, path)",
            "Perform a statvfs system call on the given path.\n\npath may always be specified as a string.\nOn some platforms, path may also be specified as an open file descriptor.\n  If this functionality is unavailable, using it raises an exception."
        ),
        method!(strerror, "strerror($module, code, /)", "Translate an error code to a message string."),
        method!(
            symlink,
            "symlink($module, /, src, dst, target_is_directory=False, *, dir_fd=None)",
            "Create a symbolic link pointing to src named dst.\n\ntarget_is_directory is required on Windows if the target is to be\n  interpreted as a directory.  (On Windows, symlink requires\n  Windows 6.0 or greater, and raises a NotImplementedError otherwise.)\n  target_is_directory is ignored on non-Windows platforms.\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.\ndir_fd may not be implemented on your platform.\n  If it is unavailable, using it will raise a NotImplementedError."
        ),
        method!(sync, "sync($module, /)", "Force write of everything to disk."),
        method!(sysconf, "sysconf($module, name, /)", "Return an integer-valued system configuration variable."),
        method!(run_command, "system($module, /, command)", "Execute the command in a subshell."),
        method!(
            tcgetpgrp,
            "tcgetpgrp($module, fd, /)",
            "Return the process group associated with the terminal specified by fd."
        ),
        method!(
            tcsetpgrp,
            "tcsetpgrp($module, fd, pgid, /)",
            "Set the process group associated with the terminal specified by fd."
        ),
        method!(
            times,
            "times($module, /)",
            "Return a collection containing process timing information.\n\nThe object returned behaves like a named tuple with these fields:\n  (utime, stime, cutime, cstime, elapsed_time)\nAll fields are floating point numbers."
        ),
        method!(
            truncate,
            "truncate($module, /, path, length)",
            "Truncate a file, specified by path, to a specific length.\n\nOn some platforms, path may also be specified as an open file descriptor.\n  If this functionality is unavailable, using it raises an exception."
        ),
        method!(
            ttyname,
            "ttyname($module, fd, /)",
            "Return the name of the terminal device connected to 'fd'.\n\n  fd\n    Integer file descriptor handle."
        ),
        method!(umask, "umask($module, mask, /)", "Set the current numeric umask and return the previous umask."),
        method!(
            uname,
            "uname($module, /)",
            "Return an object identifying the current operating system.\n\nThe object behaves like a named tuple with the following fields:\n  (sysname, nodename, release, version, machine)"
        ),
        method!(
            unlink,
            "unlink($module, /, path, *, dir_fd=None)",
            "Remove a file (same as remove()).\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.\ndir_fd may not be implemented on your platform.\n  If it is unavailable, using it will raise a NotImplementedError."
        ),
        method!(unsetenv, "unsetenv($module, name, /)", "Delete an environment variable."),
        method!(
            urandom,
            "urandom($module, size, /)",
            "Return a bytes object containing random bytes suitable for cryptographic use."
        ),
        method!(
            utime,
            "utime($module, /, path, times=None, *, ns=<unrepresentable>,\n      dir_fd=None, follow_symlinks=True)",
            "Set the access and modified time of path.\n\npath may always be specified as a string.\nOn some platforms, path may also be specified as an open file descriptor.\n  If this functionality is unavailable, using it raises an exception.\n\nIf times is not None, it must be a tuple (atime, mtime);\n    atime and mtime should be expressed as float seconds since the epoch.\nIf ns is specified, it must be a tuple (atime_ns, mtime_ns);\n    atime_ns and mtime_ns should be expressed as integer nanoseconds\n    since the epoch.\nIf times is None and ns is unspecified, utime uses the current time.\nSpecifying tuples for both times and ns is an error.\n\nIf dir_fd is not None, it should be a file descriptor open to a directory,\n  and path should be relative; path will then be relative to that directory.\nIf follow_symlinks is False, and the last element of the path is a symbolic\n  link, utime will modify the symbolic link itself instead of the file the\n  link points to.\nIt is an error to use dir_fd or follow_symlinks when specifying path\n  as an open file descriptor.\ndir_fd and follow_symlinks may not be available on your platform.\n  If they are unavailable, using them will raise a NotImplementedError."
        ),
        method!(
            wait,
            "wait($module, /)",
            "Wait for completion of a child process.\n\nReturns a tuple of information about the child process:\n    (pid, status)"
        ),
        method!(
            wait3,
            "wait3($module, /, options)",
            "Wait for completion of a child process.\n\nReturns a tuple of information about the child process:\n  (pid, status, rusage)"
        ),
        method!(
            wait4,
            "wait4($module, /, pid, options)",
            "Wait for completion of a specific child process.\n\nReturns a tuple of information about the child process:\n  (pid, status, rusage)"
        ),
        method!(
            waitid,
            "waitid($module, idtype, id, options, /)",
            "Returns the result of waiting for a process or processes.\n\n  idtype\n    Must be one of be P_PID, P_PGID or P_ALL.\n  id\n    The id to wait on.\n  options\n    Constructed from the ORing of one or more of WEXITED, WSTOPPED\n    or WCONTINUED and additionally may be ORed with WNOHANG or WNOWAIT.\n\nReturns either waitid_result or None if WNOHANG is specified and there are\nno children in a waitable state."
        ),
        method!(
            waitpid,
            "waitpid($module, pid, options, /)",
            "Wait for completion of a given child process.\n\nReturns a tuple of information regarding the child process:\n    (pid, status)\n\nThe options argument is ignored on Windows."
        ),
        method!(write, "write($module, fd, data, /)", "Write a bytes object to a file descriptor."),
        method!(
            writev,
            "writev($module, fd, buffers, /)",
            "Iterate over buffers, and write the contents of each to a file descriptor.\n\nReturns the total number of bytes written.\nbuffers must be a sequence of bytes-like objects."
        ),
    ],
    fill,
};

/// Sets up the type of a struct sequence with that many items.
fn complete(ty: &'static TypeObject, items: usize) -> PyResult<()> {
    ty.ready()?;
    struct_sequence::complete(ty, items, true);
    if let (Some(own), Some((module, _))) = (ty.dict(), ty.name().split_once('.'))
        && let Some(own) = own.downcast::<Dict>()
    {
        own.set_text("__module__", Str::new_value(module));
    }
    Ok(())
}

fn fill(dict: &Dict) -> PyResult<()> {
    for &(name, number) in constants::NUMBERS {
        dict.set_text(name, Value::int(number));
    }
    for (name, table) in [
        ("pathconf_names", constants::PATHCONF_NAMES),
        ("confstr_names", constants::CONFSTR_NAMES),
        ("sysconf_names", constants::SYSCONF_NAMES),
    ] {
        let names = Dict::new_value();
        if let Some(names) = names.exact::<Dict>() {
            table.iter().for_each(|&(name, number)| names.set_text(name, Value::int(number.into())));
        }
        dict.set_text(name, names);
    }
    let have = constants::HAVE_FUNCTIONS.iter().map(|name| Str::new_value(name)).collect();
    dict.set_text("_have_functions", List::from_vec(have));
    let sequences: [(&'static TypeObject, usize); 7] = [
        (&STAT_RESULT, 10),
        (&STATVFS_RESULT, 10),
        (&TERMINAL_SIZE, 2),
        (&UNAME_RESULT, 5),
        (&TIMES_RESULT, 5),
        (&WAITID_RESULT, 5),
        (&SCHED_PARAM, 1),
    ];
    for (ty, items) in sequences {
        complete(ty, items)?;
        dict.set_text(ty.short_name(), ty.value());
    }
    if let Some(own) = STAT_RESULT.dict().and_then(|own| own.downcast::<Dict>().map(Value::of)) {
        if let Some(own) = own.downcast::<Dict>() {
            own.set_text("n_unnamed_fields", Value::int(3));
        }
        STAT_RESULT.modified();
    }
    SCANDIR_ITERATOR.ready()?;
    DIR_ENTRY.ready()?;
    dict.set_text("DirEntry", DIR_ENTRY.value());
    dict.set_text("error", OS_ERROR.value());
    // Programs that are started find the locale that takes the place of C's (PEP 538).
    if io::standard::is_coerced() && io::standard::is_c_locale() {
        let _as_it_was_otherwise = system::setenv(c"LC_CTYPE", c"C.UTF-8");
    }
    dict.set_text("environ", environ()?);
    Ok(())
}

/// `posix.environ`: bytes by bytes, as the process got them.
fn environ() -> PyResult<Value> {
    let result = Dict::new_value();
    if let Some(result) = result.exact::<Dict>() {
        for (name, value) in system::environment() {
            let name = Bytes::new_value(&name);
            // Of several with one name, the first counts.
            if result.get(&name)?.is_none() {
                result.set(&name, Bytes::new_value(&value))?;
            }
        }
    }
    Ok(result)
}
