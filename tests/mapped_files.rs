//! Mapped files where CPython dies of a signal or reads what is not its own: what pycvm does instead.
#![cfg(all(feature = "compile", target_os = "linux"))]

use pretty_assertions::assert_eq;
use std::process::Command;

/// Runs a program and gives what it prints, and its exit status.
fn run(name: &str, program: &str) -> (String, Option<i32>) {
    let directory = std::env::temp_dir().join(format!("pycvm-mapped-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a temporary directory");
    let file = directory.join("program.py");
    let start = "import mmap, posix, sys\n\
                 def show(f, *args):\n    try:\n        print(repr(f(*args)))\n    except Exception as e:\n        print(type(e).__name__, e)\n";
    std::fs::write(&file, format!("{start}{program}")).expect("a temporary file");
    let output = Command::new(env!("CARGO_BIN_EXE_pycvm"))
        .args(["run", "program.py"])
        .current_dir(&directory)
        .output()
        .expect("the pycvm binary runs");
    let _best_effort = std::fs::remove_dir_all(&directory);
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

#[test]
fn what_a_file_has_lost_reads_as_zeros() {
    let program = "\
fd = posix.open('data', posix.O_RDWR | posix.O_CREAT)
posix.write(fd, b'x' * 20000)
m = mmap.mmap(fd, 0)
copy = mmap.mmap(fd, 0, access=mmap.ACCESS_COPY)
posix.ftruncate(fd, 100)
show(lambda: m[98:102])
posix.ftruncate(fd, 0)
show(lambda: m[0])
show(lambda: m[5000:5004])
view = memoryview(m)
view[9000] = 5
show(lambda: (view[19999], view[9000]))
show(m.find, b'x')
show(posix.write, fd, view[:10])
view.release()
show(m.resize, 0)
show(lambda: copy[12000:12002])
m.close()
show(copy.write, b'abc')
show(lambda: copy[:4])
";
    let expected = "b'xx\\x00\\x00'\n0\nb'\\x00\\x00\\x00\\x00'\n(0, 5)\n-1\n10\n\
                    OSError [Errno 22] Invalid argument\nb'\\x00\\x00'\n3\nb'abc\\x00'\n";
    assert_eq!(run("lost", program), (expected.to_owned(), Some(0)));
}

#[test]
fn memory_that_is_not_to_be_read_is_refused() {
    let program = "\
m = mmap.mmap(-1, 100, prot=0)
show(lambda: m[0])
show(lambda: m[:5])
show(memoryview, m)
show(m.read)
show(m.find, b'a')
show(m.write, b'a')
show(m.close)
for flag in (0x10, 0x100000):
    show(mmap.mmap, -1, 100, flag | mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
";
    let expected = "PermissionError [Errno 13] Permission denied\n".repeat(5)
        + "TypeError mmap can't modify a readonly memory map.\nNone\n"
        + &"PermissionError [Errno 1] Operation not permitted\n".repeat(2);
    assert_eq!(run("unreadable", program), (expected, Some(0)));
}

#[test]
fn memory_that_stays_behind_at_a_fork_has_ended_in_the_child() {
    let program = "\
m = mmap.mmap(-1, 5000)
m.madvise(mmap.MADV_DONTFORK)
child = posix.fork()
if not child:
    show(lambda: m[0])
    show(m.read, 1)
    show(m.write, b'a')
    show(memoryview, m)
    show(m.close)
    sys.stdout.flush()
    posix._exit(0)
posix.waitpid(child, 0)
show(lambda: m[0])
";
    let expected = "ValueError mmap closed or invalid\n".repeat(4) + "None\n0\n";
    assert_eq!(run("fork", program), (expected, Some(0)));
}

#[test]
fn an_argument_may_close_the_object_that_it_is_for() {
    let program = "\
class Closing:
    def __index__(self):
        m.close()
        return 3
def set_item(key, value):
    m[key] = value
for use in (lambda c: m[c], lambda c: m[c:], lambda c: set_item(c, 1), lambda c: set_item(0, c), lambda c: set_item(slice(c, 4), b'a'),
            lambda c: m.read(c), lambda c: m.find(b'', c), lambda c: m.rfind(b'', 0, c), lambda c: m.write_byte(c), lambda c: m.seek(c),
            lambda c: m.move(c, 0, 1), lambda c: m.resize(c), lambda c: m.flush(0, c), lambda c: m.madvise(0, c)):
    m = mmap.mmap(-1, 10)
    show(use, Closing())
";
    let expected = "\
IndexError mmap index out of range
ValueError mmap closed or invalid
IndexError mmap index out of range
ValueError mmap closed or invalid
ValueError mmap closed or invalid
ValueError mmap closed or invalid
ValueError mmap closed or invalid
ValueError mmap closed or invalid
ValueError mmap closed or invalid
ValueError seek out of range
ValueError mmap closed or invalid
ValueError mmap closed or invalid
ValueError flush values out of range
ValueError madvise start out of bounds
";
    assert_eq!(run("closing", program), (expected.to_owned(), Some(0)));
}

#[test]
fn a_signal_that_was_sent_ends_the_process() {
    let maps = [
        "",
        "m = mmap.mmap(-1, 100)\n",
        "fd = posix.open('data', posix.O_RDWR | posix.O_CREAT)\nposix.write(fd, b'x' * 20000)\nm = mmap.mmap(fd, 0)\n\
         posix.ftruncate(fd, 0)\nshow(lambda: m[9000])\n",
    ];
    for map in maps {
        for signal in ["SIGBUS", "SIGSEGV"] {
            let program =
                format!("{map}import _signal\nposix.kill(posix.getpid(), _signal.{signal})\nprint('alive')\n");
            let expected = if map.contains("show") { "0\n" } else { "" };
            assert_eq!(run("sent", &program), (expected.to_owned(), None), "{signal} {map}");
        }
    }
}
