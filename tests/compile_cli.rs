//! `pycvm compile` and `pycvm run` of source: what is written, what runs, what is said of errors.
#![cfg(feature = "compile")]

use pretty_assertions::assert_eq;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory of its own for a test's files, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("pycvm-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Directory(path)
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.0.join(name), content).expect("a temporary file");
    }

    fn pycvm(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pycvm"))
            .args(arguments)
            .current_dir(&self.0)
            .env("PYTHONHASHSEED", "0")
            .output()
            .expect("the pycvm binary runs")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _best_effort = std::fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const PROGRAM: &str = "import sys\n'''doc'''\ndef f(x):\n    assert x\n    return g(x)\ndef g(x):\n    'doc'\n    \
                       raise ValueError(x, g.__doc__)\nprint(sys.argv, __name__)\nif sys.argv[1:]:\n    f(len(sys.argv[1]))\n";

#[test]
fn sources_run_and_show_their_lines() {
    let directory = Directory::new("run-source");
    directory.write("program.py", PROGRAM);
    directory.write("bad.py", "def f():\n    break\n");
    let trace = "Traceback (most recent call last):\n  File \"program.py\", line 11, in <module>\n    \
                 f(len(sys.argv[1]))\n  File \"program.py\", line 5, in f\n    return g(x)\n  File \"program.py\", line 8, \
                 in g\n    raise ValueError(x, g.__doc__)\nValueError: (2, 'doc')\n";
    let cases: &[(&[&str], &str, &str, i32)] = &[
        (&["run", "program.py"], "['program.py'] __main__\n", "", 0),
        (&["program.py", "-x"], "['program.py', '-x'] __main__\n", trace, 1),
        (&["run", "-c", "import sys; print(sys.argv, __name__)", "-a", "b"], "['-c', '-a', 'b'] __main__\n", "", 0),
        (
            &["run", "-c", "1/0"],
            "",
            "Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\nZeroDivisionError: division \
             by zero\n",
            1,
        ),
        (&["bad.py"], "", "  File \"bad.py\", line 2\n    break\n    ^\nSyntaxError: 'break' outside loop\n", 1),
    ];
    for (arguments, stdout, stderr, status) in cases {
        let output = directory.pycvm(arguments);
        assert_eq!(text(&output.stderr), *stderr, "{arguments:?}");
        assert_eq!(text(&output.stdout), *stdout, "{arguments:?}");
        assert_eq!(output.status.code(), Some(*status), "{arguments:?}");
    }
}

#[test]
fn compiled_files_have_the_header_asked_for_and_run() {
    let directory = Directory::new("compile-source");
    directory.write("program.py", PROGRAM);
    let size = u32::try_from(PROGRAM.len()).expect("a size").to_le_bytes();
    // What importlib.util.source_hash gives for the program.
    let hash = *b"\x6b\x8d\x73\xb7\xe6\x01\x00\x7d";
    let cases: &[(&[&str], &str, u8)] = &[
        (&[], "__pycache__/program.cpython-38.pyc", 0),
        (&["--optimize", "2"], "__pycache__/program.cpython-38.opt-2.pyc", 0),
        (&["-o", "out/checked.pyc", "--hash", "checked"], "out/checked.pyc", 3),
        (&["--hash", "unchecked", "-o", "unchecked.pyc"], "unchecked.pyc", 1),
    ];
    for (arguments, path, flags) in cases {
        let output = directory.pycvm(&[&["compile", "program.py"], *arguments].concat());
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let file = std::fs::read(directory.0.join(path)).expect("the compiled file");
        assert_eq!(&file[..8], &[b'U', b'\r', b'\r', b'\n', *flags, 0, 0, 0], "{path}");
        if *flags == 0 {
            assert_eq!(&file[12..16], &size, "{path}");
        } else {
            assert_eq!(&file[8..16], &hash, "{path}");
        }
        let output = directory.pycvm(&["run", path, "abc"]);
        let doc = if path.contains("opt-2") { "None" } else { "'doc'" };
        assert!(text(&output.stderr).ends_with(&format!("ValueError: (3, {doc})\n")), "{}", text(&output.stderr));
    }
    let left: Vec<_> = std::fs::read_dir(directory.0.join("__pycache__")).expect("a folder").collect();
    assert_eq!(left.len(), 2, "no temporary file is left");
}

#[test]
fn what_cannot_be_compiled_leaves_no_file() {
    let directory = Directory::new("compile-bad");
    directory.write("bad.py", "def f(a, a): pass\n");
    let output = directory.pycvm(&["compile", "bad.py"]);
    let expected = "  File \"bad.py\", line 1\n    def f(a, a): pass\n    ^\nSyntaxError: duplicate argument 'a' in \
                    function definition\n";
    assert_eq!(text(&output.stderr), expected);
    assert_eq!(output.status.code(), Some(1));
    assert!(!Path::exists(&directory.0.join("__pycache__")));
}
