//! All fixtures through `pycvm test`, and `pycvm test` itself on small directories of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn pycvm_test(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pycvm")).arg("test").args(arguments).output().expect("the pycvm binary runs")
}

#[test]
fn every_fixture_does_what_cpython_did() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let pending = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pending_fixtures.txt");
    let output = pycvm_test(&[fixtures, "--pending", pending]);
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// CPython wrote the hash of the source into each `.pyc`: a source that was edited and not recorded again shows here,
/// without a CPython.
#[test]
fn every_pyc_was_compiled_from_its_source() {
    let areas = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).expect("fixtures/ is there");
    let mut checked = 0;
    for area in areas {
        let area = area.expect("fixtures/ can be read").path();
        for file in std::fs::read_dir(&area).expect("an area is a directory") {
            let pyc = file.expect("an area can be read").path();
            if pyc.extension().is_none_or(|extension| extension != "pyc") {
                continue;
            }
            let header = std::fs::read(&pyc).expect("a .pyc can be read");
            let source = std::fs::read(pyc.with_extension("py")).expect("every .pyc has its source");
            assert_eq!(header[..8], *b"\x55\x0d\x0d\x0a\x01\0\0\0", "{}: unchecked hash, 3.8", pyc.display());
            assert_eq!(header[8..16], source_hash(&source), "{}: record it again", pyc.display());
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
}

/// `_imp.source_hash` of CPython 3.8: SipHash-2-4 keyed with the magic number.
fn source_hash(source: &[u8]) -> [u8; 8] {
    let key = u64::from(u32::from_le_bytes(*b"\x55\x0d\x0d\x0a"));
    let mut v =
        [key ^ 0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, key ^ 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
    let round = |v: &mut [u64; 4]| {
        v[0] = v[0].wrapping_add(v[1]);
        v[2] = v[2].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].rotate_left(32).wrapping_add(v[3]);
        v[2] = v[2].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].rotate_left(32);
    };
    let absorb = |word: u64, v: &mut [u64; 4]| {
        v[3] ^= word;
        round(v);
        round(v);
        v[0] ^= word;
    };
    let words = source.chunks_exact(8);
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    last[7] = source.len() as u8;
    for word in words {
        absorb(u64::from_le_bytes(word.try_into().expect("eight bytes")), &mut v);
    }
    absorb(u64::from_le_bytes(last), &mut v);
    v[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut v);
    }
    (v[0] ^ v[1] ^ v[2] ^ v[3]).to_le_bytes()
}

/// The runner on fixtures whose `.pyc` is a shell script, executed by `--program sh`.
#[cfg(unix)]
mod runner {
    use super::*;

    type Files<'a> = &'a [(&'a str, &'a [u8])];

    /// A directory of fixtures that goes away with the value.
    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str, files: Files<'_>) -> Dir {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("runner-{name}/fixtures"));
            let _ = std::fs::remove_dir_all(&path);
            for (file, content) in files {
                let file = path.join(file);
                std::fs::create_dir_all(file.parent().expect("a file is in a directory")).expect("can create");
                std::fs::write(file, content).expect("can write");
            }
            std::fs::create_dir_all(&path).expect("can create");
            Dir(path)
        }

        /// Exit status, stdout and stderr of `pycvm test` on this directory.
        fn test(&self, more: &[&str]) -> (Option<i32>, String, String) {
            let mut arguments = vec![self.0.to_str().expect("a UTF-8 path"), "--program", "sh"];
            arguments.extend(more);
            let output = pycvm_test(&arguments);
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the report is UTF-8");
            (output.status.code(), text(output.stdout), text(output.stderr))
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn arguments_input_environment_and_all_results_reach_where_they_belong() {
        let script = b"cat; echo \"$0 $# $1|$2\"; echo \"$PYTHONHASHSEED$PYTHONPATH $LC_ALL\" >&2; exit 7";
        let dir = Dir::new(
            "pass",
            &[
                ("area/all.pyc", script),
                ("area/all.args", b"one\ntwo words\n"),
                ("area/all.stdin", b"input\n"),
                ("area/all.stdout", b"input\nfixtures/area/all.pyc 2 one|two words\n"),
                ("area/all.stderr", b"0 C.UTF-8\n"),
                ("area/all.status", b"7\n"),
                ("area/empty.pyc", b"cat"),
                ("area/empty.stdout", b""),
                ("__pycache__/stray.pyc", b"exit 1"),
            ],
        );
        let fixtures = dir.0.join("area");
        let output = Command::new(env!("CARGO_BIN_EXE_pycvm"))
            .args(["test", "--program", "sh", "--jobs", "3"])
            .arg(fixtures)
            .env("PYTHONPATH", "/elsewhere")
            .env("PYTHONHASHSEED", "5")
            .env("LC_ALL", "POSIX")
            .output()
            .expect("the pycvm binary runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "2 passed, 0 failed\n");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0));
    }

    #[test]
    fn every_kind_of_difference_is_shown() {
        let cases: [(&str, Files<'_>, &str); 8] = [
            (
                "stdout",
                &[("f.pyc", b"echo a; echo c; echo d"), ("f.stdout", b"a\nb\nd\n")],
                "--- expected stdout\n+++ actual stdout\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n",
            ),
            (
                "newline",
                &[("f.pyc", b"printf a"), ("f.stdout", b"a\n")],
                "--- expected stdout\n+++ actual stdout\n@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n",
            ),
            (
                "stderr",
                &[("f.pyc", b"echo x >&2"), ("f.stdout", b"")],
                "--- expected stderr\n+++ actual stderr\n@@ -0,0 +1 @@\n+x\n",
            ),
            ("status", &[("f.pyc", b"exit 3"), ("f.stdout", b"")], "status: expected 0, got 3\n"),
            (
                "status-lost",
                &[("f.pyc", b"exit 0"), ("f.stdout", b""), ("f.status", b"1\n")],
                "status: expected 1, got 0\n",
            ),
            ("signal", &[("f.pyc", b"kill -9 $$"), ("f.stdout", b"")], "status: expected 0, got signal 9\n"),
            (
                "bytes",
                &[("f.pyc", b"printf '\\377\\\\\\n'"), ("f.stdout", b"\\xff\n")],
                "--- expected stdout\n+++ actual stdout\n@@ -1 +1 @@\n-\\\\xff\n+\\xff\\\\\n",
            ),
            (
                "unrecorded",
                &[("f.pyc", b"echo a")],
                "fixtures/f.stdout is missing: record it with tools/record_fixtures.py\n",
            ),
        ];
        for (name, files, report) in cases {
            let dir = Dir::new(name, files);
            let (status, stdout, stderr) = dir.test(&[]);
            assert_eq!(stdout, format!("FAIL fixtures/f\n{report}\n0 passed, 1 failed\n"), "{name}");
            assert_eq!((status, stderr.as_str()), (Some(1), ""), "{name}");
        }
    }

    #[test]
    fn a_source_that_was_never_compiled_fails() {
        let dir = Dir::new("uncompiled", &[("f.py", b"pass"), ("g.pyc", b""), ("g.py", b""), ("g.stdout", b"")]);
        let (status, stdout, _) = dir.test(&[]);
        let expected = "FAIL fixtures/f\nfixtures/f.pyc is missing: record it with tools/record_fixtures.py\n\n1 passed, 1 failed\n";
        assert_eq!((status, stdout.as_str()), (Some(1), expected));
    }

    #[test]
    fn a_fixture_that_does_not_end_is_stopped_and_its_output_kept() {
        // The shell's child holds the pipe open after the shell was killed.
        let dir = Dir::new("timeout", &[("f.pyc", b"echo begun; sleep 20; echo late"), ("f.stdout", b"begun\nlate\n")]);
        let start = std::time::Instant::now();
        let (status, stdout, _) = dir.test(&["--timeout", "1"]);
        assert!(start.elapsed().as_secs() < 15, "{:?}", start.elapsed());
        assert_eq!(status, Some(1));
        assert!(stdout.starts_with("FAIL fixtures/f\nstopped: it ran for more than 1 s\n"), "{stdout}");
        assert!(stdout.ends_with(" begun\n-late\n\n0 passed, 1 failed\n"), "{stdout}");
    }

    #[test]
    fn a_fixture_that_closes_its_streams_and_goes_on_is_stopped() {
        let dir = Dir::new("closed", &[("f.pyc", b"exec >&- 2>&-; sleep 20"), ("f.stdout", b"")]);
        let (status, stdout, _) = dir.test(&["--timeout", "1"]);
        assert_eq!(status, Some(1));
        assert!(stdout.contains("stopped: it ran for more than 1 s"), "{stdout}");
    }

    #[test]
    fn endless_output_is_stopped() {
        let dir = Dir::new("endless", &[("f.pyc", b"exec yes"), ("f.stdout", b"n\n")]);
        let (status, stdout, _) = dir.test(&["--timeout", "30"]);
        assert_eq!(status, Some(1));
        assert!(stdout.contains("stopped: it printed more than 16 MiB"), "{}", &stdout[..200]);
        assert!(stdout.contains("more lines (--full shows them)"), "{}", &stdout[..200]);
    }

    #[test]
    fn the_filter_chooses_by_path() {
        let dir = Dir::new(
            "filter",
            &[("a/one.pyc", b""), ("a/one.stdout", b""), ("b/two.pyc", b"exit 1"), ("b/two.stdout", b"")],
        );
        let cases = [("", Some(1), "1 passed, 1 failed\n"), ("a/", Some(0), "1 passed, 0 failed\n")];
        for (filter, status, summary) in cases {
            let (actual, stdout, _) = dir.test(&["--filter", filter]);
            assert_eq!(actual, status, "{filter}");
            assert!(stdout.ends_with(summary), "{filter}: {stdout}");
        }
        let (status, stdout, stderr) = dir.test(&["--filter", "three"]);
        assert_eq!((status, stdout.as_str()), (Some(2), ""));
        assert!(stderr.ends_with(": no fixtures matching 'three'\n"), "{stderr}");
    }

    #[test]
    fn nothing_to_run_is_an_error() {
        let dir = Dir::new("nothing", &[("notes.txt", b"")]);
        let (status, stdout, stderr) = dir.test(&[]);
        assert_eq!((status, stdout.as_str()), (Some(2), ""));
        assert!(stderr.ends_with(": no fixtures\n"), "{stderr}");
        for missing in ["no/such/directory", "notes.txt"] {
            let output = pycvm_test(&[dir.0.join(missing).to_str().expect("a UTF-8 path")]);
            assert_eq!(output.status.code(), Some(2), "{missing}");
            assert!(output.stdout.is_empty(), "{missing}");
            assert_eq!(output.stderr.iter().filter(|byte| **byte == b'\n').count(), 1, "{missing}");
        }
        assert_eq!(Dir::new("nothing-2", &[]).test(&["--program", " "]).0, Some(2));
    }
}
