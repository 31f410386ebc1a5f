//! What the environment says of the locale: UTF-8 mode (PEP 540), coercion of C's locale (PEP 538), encodings. The answers
//! are CPython 3.8's, on a system that has the locales C and C.UTF-8.
#![cfg(all(feature = "compile", target_os = "linux"))]

use pretty_assertions::assert_eq;
use std::process::Command;

const PROGRAM: &str = "\
import sys, _locale, posix
print(sys.flags.utf8_mode, sys.stdout.encoding, sys.stdout.errors, _locale.setlocale(_locale.LC_CTYPE),
      open('/dev/null').encoding, posix.environ.get(b'LC_CTYPE'))
";

#[test]
fn the_environment_decides_the_encodings() {
    // The variables that are set, and what CPython prints.
    let cases = [
        ("LC_ALL=C.UTF-8", "0 utf-8 surrogateescape C.UTF-8 UTF-8 None"),
        ("LC_ALL=C", "1 utf-8 surrogateescape C UTF-8 None"),
        ("LANG=C", "1 utf-8 surrogateescape C.UTF-8 UTF-8 b'C.UTF-8'"),
        ("LANG=POSIX", "1 utf-8 surrogateescape C.UTF-8 UTF-8 b'C.UTF-8'"),
        ("LC_ALL=C PYTHONUTF8=0", "0 ascii surrogateescape C ANSI_X3.4-1968 None"),
        ("LANG=C PYTHONUTF8=0", "0 utf-8 surrogateescape C.UTF-8 UTF-8 b'C.UTF-8'"),
        ("LANG=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0", "0 ascii surrogateescape C ANSI_X3.4-1968 None"),
        ("LANG=C PYTHONCOERCECLOCALE=0", "1 utf-8 surrogateescape C UTF-8 None"),
        ("LC_ALL=unknown PYTHONUTF8=0", "0 ascii surrogateescape C ANSI_X3.4-1968 None"),
        ("LC_ALL=unknown.UTF-8", "1 utf-8 surrogateescape C UTF-8 None"),
        ("LANG=unknown", "1 utf-8 surrogateescape C.UTF-8 UTF-8 b'C.UTF-8'"),
        ("LANG=C.UTF-8", "0 utf-8 surrogateescape C.UTF-8 UTF-8 None"),
        ("LANG=C LC_CTYPE=C.UTF-8", "0 utf-8 surrogateescape C.UTF-8 UTF-8 b'C.UTF-8'"),
        ("PYTHONUTF8=1 LC_ALL=C.UTF-8", "1 utf-8 surrogateescape C.UTF-8 UTF-8 None"),
        ("", "1 utf-8 surrogateescape C.UTF-8 UTF-8 b'C.UTF-8'"),
    ];
    let file = std::env::temp_dir().join(format!("pycvm-locale-{}.py", std::process::id()));
    std::fs::write(&file, PROGRAM).expect("a temporary file");
    for (variables, expected) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_pycvm"))
            .arg("run")
            .arg(&file)
            .env_clear()
            .envs(
                std::env::vars_os()
                    .filter(|(name, _)| matches!(name.to_str(), Some("PATH" | "HOME" | "PYENV_ROOT" | "PYCVM_STDLIB"))),
            )
            .envs(variables.split_whitespace().filter_map(|variable| variable.split_once('=')))
            .output()
            .expect("the pycvm binary runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), expected, "{variables}");
    }
    let _best_effort = std::fs::remove_file(&file);
}

/// The program, and what CPython prints: names of files are in the locale's encoding, and PYTHONCOERCECLOCALE may ask to be told.
#[test]
fn names_of_files_are_in_the_encoding_of_the_locale() {
    let program = "import sys, posix\nname = sys.argv[1]\nprint(sys.getfilesystemencoding(), ascii(name))\n\
                   try:\n    posix.stat('\\xe9')\nexcept Exception as error:\n    print(type(error).__name__)";
    let escaped = "ascii '\\udcc3\\udca9\\udcff'\nUnicodeEncodeError\n";
    let utf_8 = "utf-8 '\\xe9\\udcff'\nFileNotFoundError\n";
    let coerced = "Python detected LC_CTYPE=C: LC_CTYPE coerced to C.UTF-8 (set another locale or PYTHONCOERCECLOCALE=0 to disable \
                   this locale coercion behavior).\n";
    let warned = "Python runtime initialized with LC_CTYPE=C (a locale with default ASCII encoding), which may cause Unicode \
                  compatibility problems. Using C.UTF-8, C.utf8, or UTF-8 (if available) as alternative Unicode-compatible \
                  locales is recommended.\n";
    let cases = [
        ("LC_ALL=C", "", utf_8, ""),
        ("LC_ALL=C PYTHONUTF8=0", "", escaped, ""),
        ("LC_ALL=C", "-Xutf8=0", escaped, ""),
        ("LANG=C PYTHONUTF8=0", "", utf_8, ""),
        ("LANG=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0", "", escaped, ""),
        ("LANG=C PYTHONCOERCECLOCALE=0", "-E", utf_8, ""),
        ("LC_ALL=C.UTF-8 PYTHONUTF8=0", "", utf_8, ""),
        ("LANG=C PYTHONCOERCECLOCALE=warn", "", utf_8, coerced),
        ("LC_ALL=POSIX PYTHONCOERCECLOCALE=warn", "", utf_8, warned),
        ("LC_ALL=C.UTF-8 PYTHONCOERCECLOCALE=warn", "", utf_8, ""),
        ("LANG=C PYTHONCOERCECLOCALE=warn", "-I", utf_8, ""),
    ];
    for (variables, option, stdout, stderr) in cases {
        use std::os::unix::ffi::OsStrExt;
        let output = Command::new(env!("CARGO_BIN_EXE_pycvm"))
            .args(["run", "-S"])
            .args(Some(option).filter(|option| !option.is_empty()))
            .args(["-c", program])
            .arg(std::ffi::OsStr::from_bytes(b"\xc3\xa9\xff"))
            .env_clear()
            .envs(variables.split_whitespace().filter_map(|variable| variable.split_once('=')))
            .output()
            .expect("the pycvm binary runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "{variables} {option}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), stderr, "{variables} {option}");
    }
}

#[test]
fn what_utf_8_mode_cannot_be_is_fatal() {
    for (variable, option, place) in [
        ("3", "", "PYTHONUTF8 environment variable"),
        ("0", "-Xutf8=x", "-X utf8 option"),
        ("", "-Xutf8=", "-X utf8 option"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_pycvm"))
            .arg("run")
            .args(Some(option).filter(|option| !option.is_empty()))
            .args(["-c", "print('not run')"])
            .env("PYTHONUTF8", variable)
            .output()
            .expect("the pycvm binary runs");
        let expected = format!(
            "Fatal Python error: preconfig_init_utf8_mode: invalid {place} value\nPython runtime state: preinitializing\n\n"
        );
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
        assert_eq!((output.stdout.len(), output.status.code()), (0, Some(1)));
    }
}
