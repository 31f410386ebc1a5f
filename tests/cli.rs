//! The command line: what bad input gives, the shorthand, exit statuses.

use pretty_assertions::assert_eq;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn pycvm(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pycvm"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PYTHONHASHSEED", "0")
        .output()
        .expect("the pycvm binary runs")
}

/// A directory of its own for a test's files, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("pycvm-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Directory(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a temporary file");
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _best_effort = std::fs::remove_dir_all(&self.0);
    }
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).expect("a fixture")
}

#[test]
fn bad_input_gives_one_line_and_status_2() {
    let directory = Directory::new("bad-input");
    let real = fixture("programs/nqueens.pyc");
    let mut other_version = real.clone();
    other_version[..4].copy_from_slice(b"\xa7\x0d\x0d\x0a");
    let cases = [
        (directory.0.join("missing.pyc").to_string_lossy().into_owned(), "No such file or directory"),
        (directory.0.to_string_lossy().into_owned(), "is a directory"),
        (directory.file("empty.pyc", b""), "the file is empty"),
        (directory.file("text.pyc", b"just some text\n"), "not a .pyc file but text"),
        (directory.file("header.pyc", &real[..10]), "header"),
        (directory.file("cut.pyc", &real[..real.len() / 2]), "marshal data too short"),
        (directory.file("version.pyc", &other_version), "written by CPython 3.11"),
        (directory.file("constant.pyc", &[&real[..16], b"N"].concat()), "code"),
    ];
    for command in ["run", "dump", "dis", "verify"] {
        // A directory may hold a program.
        for (path, expected) in cases.iter().filter(|case| command != "run" || case.1 != "is a directory") {
            let output = pycvm(&[command, path]);
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{command} {path}: {message}");
            assert_eq!(output.stdout, b"", "{command} {path}");
            assert_eq!(message.lines().count(), 1, "{command} {path}: {message}");
            // `python3.8`'s words for a program that is not there.
            let is_missing = command == "run" && path.ends_with("missing.pyc");
            let start = if is_missing {
                format!("pycvm: can't open file '{path}': [Errno 2] ")
            } else {
                format!("pycvm: {path}: ")
            };
            assert!(message.starts_with(&start), "{command}: {message}");
            assert!(message.contains(expected), "{command}: {message}");
        }
    }
}

#[test]
fn a_program_gives_its_output_and_status() {
    let cases: &[(&[&str], i32)] = &[
        (&["run", "fixtures/programs/nqueens.pyc"], 0),
        (&["fixtures/programs/nqueens.pyc"], 0),
        (&["run", "fixtures/programs/uncaught.pyc"], 1),
        (&["fixtures/programs/exit_message.pyc"], 1),
    ];
    for (arguments, status) in cases {
        let output = pycvm(arguments);
        let file = arguments.last().expect("a file");
        let recorded = |extension: &str| {
            std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).with_extension(extension))
                .unwrap_or_default()
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&output.stdout), text(&recorded("stdout")), "{arguments:?}");
        assert_eq!(text(&output.stderr), text(&recorded("stderr")), "{arguments:?}");
        assert_eq!(output.status.code(), Some(*status), "{arguments:?}");
    }
}

#[test]
fn code_that_does_not_verify_is_not_run() {
    let directory = Directory::new("unverified");
    // Every LOAD_CONST of the module's code gets an index past its table.
    let mut file = fixture("programs/exit_message.pyc");
    let code = file.windows(2).position(|pair| pair == [100, 0]).expect("a LOAD_CONST");
    file[code + 1] = 250;
    let path = directory.file("bad.pyc", &file);
    let run = pycvm(&["run", &path]);
    let message = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(1), "{message}");
    assert!(message.contains("SystemError: bad bytecode in <module>"), "{message}");
    let verify = pycvm(&["verify", &path]);
    assert_eq!(verify.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&verify.stdout).contains("co_consts[250]"));
}

#[test]
fn dis_shows_one_function() {
    let output = pycvm(&["dis", "fixtures/programs/bank.pyc", "--code", "Account.withdraw"]);
    assert_eq!(output.status.code(), Some(0));
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(listing.contains("LOAD_FAST") && !listing.contains("Disassembly of"), "{listing}");
}
