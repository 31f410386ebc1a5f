//! What python3.8 does with its command line, its standard input and its environment, beyond running a file.
#![cfg(all(feature = "compile", target_os = "linux"))]

use pretty_assertions::assert_eq;
use std::io::Write;
use std::process::{Command, Stdio};

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => out.push(b'\n'),
                Some(b'x') => {
                    let mut digit = || bytes.next().and_then(|c| char::from(c).to_digit(16)).expect("two hex digits");
                    out.push((digit() * 16 + digit()) as u8);
                }
                other => out.push(other.expect("an escape")),
            },
            byte => out.push(byte),
        }
    }
    out
}

/// Sources given as a file, by standard input and in a dialogue: `tests/input.txt` is written by `tools/record_input.py`.
#[test]
fn input_gives_what_cpython_gives() {
    let directory = std::env::temp_dir().join(format!("pycvm-input-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a temporary directory");
    let file = directory.join("p.py");
    let record = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/input.txt");
    let record = std::fs::read_to_string(record).expect("the record");
    let mut wrong = Vec::new();
    for line in record.lines() {
        let [mode, source, status, stdout, stderr] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("five fields: {line}");
        };
        std::fs::write(&file, unescape(source)).expect("a temporary file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_pycvm"));
        command.args(["run", "-S"]).current_dir(&directory).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C.UTF-8");
        match mode {
            "file" => command.arg("p.py").stdin(Stdio::null()),
            "stdin" => command.args(["-", "a"]).stdin(std::fs::File::open(&file).expect("the file")),
            _ => command.args(["-q", "-i"]).stdin(Stdio::piped()),
        };
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the pycvm binary runs");
        if let Some(mut stdin) = child.stdin.take() {
            // A program may end before it has read everything.
            let _closed_by_then = stdin.write_all(&unescape(source));
        }
        let output = child.wait_with_output().expect("the pycvm binary runs");
        let expected = (status.parse().ok(), unescape(stdout), unescape(stderr));
        let got = (output.status.code(), output.stdout, output.stderr);
        if got != expected {
            let show = |(status, stdout, stderr): &(Option<i32>, Vec<u8>, Vec<u8>)| {
                format!("{status:?}\n{}{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr))
            };
            wrong.push(format!("{mode} {source}\nexpected {}\ngot {}", show(&expected), show(&got)));
        }
    }
    let _best_effort = std::fs::remove_dir_all(&directory);
    assert!(record.lines().count() > 100);
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn an_overflow_that_is_not_recovered_from_is_fatal() {
    for limit in [50, 1000] {
        let program = format!(
            "import sys\ndef f():\n    try:\n        f()\n    except RecursionError:\n        f()\nsys.setrecursionlimit({limit})\nf()\n"
        );
        let output = Command::new(env!("CARGO_BIN_EXE_pycvm"))
            .args(["run", "-I", "-S", "-c", &program])
            .output()
            .expect("the pycvm binary runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let mut lines = stderr.lines();
        assert_eq!(lines.next(), Some("Fatal Python error: Cannot recover from stack overflow."), "{stderr}");
        assert_eq!(lines.next(), Some("Python runtime state: initialized"));
        assert_eq!(lines.next(), Some(""));
        assert!(lines.next().is_some_and(|line| line.starts_with("Current thread 0x")), "{stderr}");
        assert_eq!(lines.next(), Some("  File \"<string>\", line 4 in f"));
        // Aborted.
        assert_eq!(output.status.code(), None);
    }
}

#[test]
fn figures_of_the_allocator_are_shown() {
    let output = Command::new(env!("CARGO_BIN_EXE_pycvm"))
        .args(["run", "-I", "-S", "-c", "import sys; sys._debugmallocstats()"])
        .output()
        .expect("the pycvm binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.starts_with("# blocks in use                    ="), "{stderr}");
    let dicts = "            0 free PyDictObjects * 48 bytes each =                    0\n";
    assert!(stderr.contains(dicts), "{stderr}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn without_arguments_the_program_comes_by_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pycvm"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the pycvm binary runs");
    let program = b"import sys\nprint(sys.argv, sys.flags.dont_write_bytecode)\nraise KeyboardInterrupt";
    child.stdin.take().expect("a pipe").write_all(program).expect("the program is read");
    let output = child.wait_with_output().expect("the pycvm binary runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[''] 1\n");
    let expected = "Traceback (most recent call last):\n  File \"<stdin>\", line 3, in <module>\nKeyboardInterrupt\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    // The interrupt signal has ended it.
    assert_eq!(output.status.code(), None);
}
