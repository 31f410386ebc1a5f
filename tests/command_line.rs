//! What python3.8 does with its command line, its standard input and its environment, beyond running a file.
#![cfg(all(feature = "compile", target_os = "linux"))]

use pretty_assertions::assert_eq;
use std::process::Command;

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
