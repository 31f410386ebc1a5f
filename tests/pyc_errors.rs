//! What is refused, and in which words: broken marshal data, headers, files.

mod cpython;

use pretty_assertions::assert_eq;
use pycvm::pyc::header::{self, Header, Validation, Writer, writer};
use pycvm::pyc::{self, marshal};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Broken data, CPython 3.8's exception and text, and the offset we add.
const BROKEN: &[(&[u8], &str, usize)] = &[
    (b"", "EOFError: EOF read where object expected", 0),
    (b"?", "ValueError: bad marshal data (unknown type code)", 0),
    (b"\xd2\x00\x00\x00\x00", "ValueError: bad marshal data (unknown type code)", 0),
    (b"\x00", "ValueError: bad marshal data (unknown type code)", 0),
    (b"0", "TypeError: NULL object in marshal data for object", 0),
    (b"i\x01", "EOFError: marshal data too short", 1),
    (b"I\x01\x00\x00\x00\x00\x00\x00", "EOFError: marshal data too short", 1),
    (b"g\x01", "EOFError: marshal data too short", 1),
    (b"y\x00\x00\x00\x00\x00\x00\x00\x00\x01", "EOFError: marshal data too short", 1),
    (b"r\x00\x00\x00\x00", "ValueError: bad marshal data (invalid reference)", 0),
    (b"\xa9\x01r\x01\x00\x00\x00", "ValueError: bad marshal data (invalid reference)", 2),
    (b"\xdb\x01\x00\x00\x00r\xff\xff\xff\xff", "ValueError: bad marshal data (invalid reference)", 5),
    (b"r\x00", "EOFError: marshal data too short", 1),
    // A frozenset has no object before it is complete.
    (b"\xbe\x01\x00\x00\x00r\x00\x00\x00\x00", "ValueError: bad marshal data (invalid reference)", 5),
    (b")", "EOFError: EOF read where object expected", 1),
    (b")\x02N", "EOFError: EOF read where object expected", 3),
    (b")\x02N0", "TypeError: NULL object in marshal data for tuple", 3),
    (b"(\x01\x00\x00\x00\xb0", "TypeError: NULL object in marshal data for tuple", 5),
    (b"[\x01\x00\x00\x000", "TypeError: NULL object in marshal data for list", 5),
    (b"<\x01\x00\x00\x000", "TypeError: NULL object in marshal data for set", 5),
    (b">\x01\x00\x00\x000", "TypeError: NULL object in marshal data for set", 5),
    (b"(\xff\xff\xff\xff", "ValueError: bad marshal data (tuple size out of range)", 1),
    (b"[\xff\xff\xff\xff", "ValueError: bad marshal data (list size out of range)", 1),
    (b"<\xff\xff\xff\xff", "ValueError: bad marshal data (set size out of range)", 1),
    (b">\x00\x00\x00\x80", "ValueError: bad marshal data (set size out of range)", 1),
    (b"s\xff\xff\xff\xff", "ValueError: bad marshal data (bytes object size out of range)", 1),
    (b"u\xff\xff\xff\xff", "ValueError: bad marshal data (string size out of range)", 1),
    (b"t\xff\xff\xff\xff", "ValueError: bad marshal data (string size out of range)", 1),
    (b"a\xff\xff\xff\xff", "ValueError: bad marshal data (string size out of range)", 1),
    (b"A\x00\x00\x00\x80", "ValueError: bad marshal data (string size out of range)", 1),
    (b"s\xff\xff\xff\x7f", "EOFError: marshal data too short", 5),
    (b"z", "EOFError: EOF read where object expected", 1),
    (b"z\x03a", "EOFError: marshal data too short", 2),
    (b"{", "EOFError: EOF read where object expected", 1),
    (b"{NN", "EOFError: EOF read where object expected", 3),
    // Ints.
    (b"l\x00\x00\x00\x80", "ValueError: bad marshal data (long size out of range)", 1),
    (b"l\xff\xff\xff\x7f", "EOFError: marshal data too short", 5),
    (b"l\x02\x00\x00\x00\x01\x00", "EOFError: marshal data too short", 5),
    (b"l\x02\x00\x00\x00\x01\x00\xff", "EOFError: marshal data too short", 5),
    (b"l\x01\x00\x00\x00\x00\x80", "ValueError: bad marshal data (digit out of range in long)", 5),
    (b"l\x03\x00\x00\x00\x01\x00\xff\xff", "ValueError: bad marshal data (digit out of range in long)", 7),
    (b"l\x01\x00\x00\x00\x00\x00", "ValueError: bad marshal data (unnormalized long data)", 5),
    (b"l\xfe\xff\xff\xff\x01\x00\x00\x00", "ValueError: bad marshal data (unnormalized long data)", 7),
    // Floats.
    (b"f", "EOFError: EOF read where object expected", 1),
    (b"f\x02a", "EOFError: marshal data too short", 2),
    (b"f\x00", "ValueError: could not convert string to float: ''", 2),
    (b"f\x03abc", "ValueError: could not convert string to float: 'abc'", 2),
    (b"f\x05 1.5 ", "ValueError: could not convert string to float: ' 1.5 '", 2),
    (b"f\x031_5", "ValueError: could not convert string to float: '1_5'", 2),
    (b"f\x03-1e", "ValueError: could not convert string to float: '-1e'", 2),
    (b"f\x04ab\x00c", "ValueError: could not convert string to float: 'ab'", 2),
    (b"f\x041e5\xff", "ValueError: could not convert string to float: '1e5\u{fffd}'", 2),
    (b"f\x05\xff\xfe\xe2\x82z", "ValueError: could not convert string to float: '\u{fffd}\u{fffd}\u{fffd}z'", 2),
    (b"x\x011\x01a", "ValueError: could not convert string to float: 'a'", 4),
    (b"x\x011", "EOFError: EOF read where object expected", 3),
    // UTF-8.
    (
        b"u\x01\x00\x00\x00\x80",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0x80 in position 0: invalid start byte",
        5,
    ),
    (
        b"u\x02\x00\x00\x00\xc0\x80",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xc0 in position 0: invalid start byte",
        5,
    ),
    (
        b"u\x02\x00\x00\x00\xc3A",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xc3 in position 0: invalid continuation byte",
        5,
    ),
    (
        b"u\x01\x00\x00\x00\xe2",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe2 in position 0: unexpected end of data",
        5,
    ),
    (
        b"u\x02\x00\x00\x00\xe2\x82",
        "UnicodeDecodeError: 'utf-8' codec can't decode bytes in position 0-1: unexpected end of data",
        5,
    ),
    (
        b"u\x04\x00\x00\x00\xe2\x82AA",
        "UnicodeDecodeError: 'utf-8' codec can't decode bytes in position 0-1: invalid continuation byte",
        5,
    ),
    (
        b"u\x04\x00\x00\x00\xf0\x9f\x98A",
        "UnicodeDecodeError: 'utf-8' codec can't decode bytes in position 0-2: invalid continuation byte",
        5,
    ),
    (
        b"u\x04\x00\x00\x00\xf4\x90\x80\x80",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xf4 in position 0: invalid continuation byte",
        5,
    ),
    (
        b"u\x05\x00\x00\x00\xf5\x90\x80\x80A",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xf5 in position 0: invalid start byte",
        5,
    ),
    (
        b"u\x02\x00\x00\x00\xed\xa0",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte",
        5,
    ),
    (
        b"t\x04\x00\x00\x00\xed\xa0\x80\xff",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 3: invalid start byte",
        8,
    ),
    // What cannot be hashed.
    (b"{[\x00\x00\x00\x00N0", "TypeError: unhashable type: 'list'", 1),
    (b"<\x01\x00\x00\x00[\x00\x00\x00\x00", "TypeError: unhashable type: 'list'", 5),
    (b">\x01\x00\x00\x00{0", "TypeError: unhashable type: 'dict'", 5),
    (b">\x01\x00\x00\x00<\x00\x00\x00\x00", "TypeError: unhashable type: 'set'", 5),
    (b">\x01\x00\x00\x00)\x02N)\x01[\x00\x00\x00\x00", "TypeError: unhashable type: 'list'", 5),
    (b"[\x02\x00\x00\x00\xa9\x01{0<\x01\x00\x00\x00r\x00\x00\x00\x00", "TypeError: unhashable type: 'dict'", 14),
    (b"\xbc\x01\x00\x00\x00r\x00\x00\x00\x00", "TypeError: unhashable type: 'set'", 5),
];

/// A code object: six counts, and its object fields, of which one may be replaced.
fn code(counts: [i32; 6], field: usize, replacement: &[u8]) -> Vec<u8> {
    let mut fields: [&[u8]; 9] =
        [b"s\0\0\0\0", b")\x00", b")\x00", b")\x01z\x01v", b")\x00", b")\x00", b"z\x01f", b"z\x01n", b"s\0\0\0\0"];
    fields[field] = replacement;
    let mut data = b"\xe3".to_vec();
    counts.iter().for_each(|count| data.extend(count.to_le_bytes()));
    fields[..8].iter().for_each(|field| data.extend(*field));
    data.extend(7i32.to_le_bytes());
    data.extend(fields[8]);
    data
}

/// Broken code objects, CPython's exception and text, and the offset we add.
fn broken_codes() -> Vec<(Vec<u8>, &'static str, usize)> {
    const INTERNAL: &str = "SystemError: Objects/codeobject.c:130: bad argument to internal function";
    const TOO_SMALL: &str = "ValueError: code: varnames is too small";
    let lnotab = b"s\0\0\0\0";
    vec![
        (code([-1, 0, 0, 0, 0, 0], 8, lnotab), INTERNAL, 0),
        (code([0, 1, 0, 0, 0, 0], 8, lnotab), INTERNAL, 0),
        (code([0, 0, -1, 0, 0, 0], 8, lnotab), INTERNAL, 0),
        (code([0, 0, 0, -1, 0, 0], 8, lnotab), INTERNAL, 0),
        (code([0, 0, 0, 0, -1, 0], 8, lnotab), INTERNAL, 0),
        (code([0, 0, 0, 0, 0, i32::MIN], 8, lnotab), INTERNAL, 0),
        (code([0; 6], 0, b"z\x00"), INTERNAL, 25),
        (code([0; 6], 1, b"[\0\0\0\0"), INTERNAL, 30),
        (code([0; 6], 2, b"N"), INTERNAL, 32),
        (code([0; 6], 6, b"s\0\0\0\0"), INTERNAL, 43),
        (code([0; 6], 7, b")\x00"), INTERNAL, 46),
        (code([0; 6], 8, b"N"), INTERNAL, 53),
        (code([2, 0, 0, 2, 0, 0], 8, lnotab), TOO_SMALL, 34),
        (code([1, 0, 1, 2, 0, 0], 8, lnotab), TOO_SMALL, 34),
        (code([1, 0, 0, 2, 0, 0x4], 8, lnotab), TOO_SMALL, 34),
        (code([0, 0, 0, 2, 0, 0xC], 8, lnotab), TOO_SMALL, 34),
        (code([i32::MAX, 0, i32::MAX, 2, 0, 0xC], 8, lnotab), TOO_SMALL, 34),
        // The code object cannot refer to itself.
        (code([0; 6], 1, b")\x01r\0\0\0\0"), "ValueError: bad marshal data (invalid reference)", 32),
        // Without a field it is NULL.
        (code([0; 6], 8, b"0"), "TypeError: NULL object in marshal data for object", 0),
        (code([0; 6], 0, b"0"), "TypeError: NULL object in marshal data for object", 0),
    ]
}

/// Everything above, and what nests too deep.
fn all_broken() -> Vec<(Vec<u8>, String, usize)> {
    let mut all: Vec<_> = BROKEN.iter().map(|&(data, text, at)| (data.to_vec(), text.to_string(), at)).collect();
    all.extend(broken_codes().into_iter().map(|(data, text, at)| (data, text.to_string(), at)));
    let deep = [&b")\x01".repeat(2000)[..], b"N"].concat();
    all.push((deep, "ValueError: recursion limit exceeded".into(), 4000));
    let long = [b"f\xff".to_vec(), b"z".repeat(255)].concat();
    all.push((long, format!("ValueError: could not convert string to float: '{}'", "z".repeat(200)), 2));
    all
}

#[test]
fn broken_data_is_refused_in_cpythons_words() {
    for (data, expected, offset) in all_broken() {
        let error = marshal::read(&data).expect_err("refused");
        assert_eq!(format!("{}: {}", error.exception().name(), error.message()), expected);
        assert_eq!(error.offset(), offset, "{expected}: {}", data.escape_ascii());
        assert_eq!(error.to_string(), format!("{} at offset {offset}", error.message()));
    }
}

#[test]
fn the_table_of_broken_data_is_cpythons() {
    let Some(python) = cpython::interpreter() else { return eprintln!("no CPython 3.8: not compared") };
    let code = "
import marshal, sys
for line in sys.stdin:
    try: print(marshal.loads(bytes.fromhex(line)))
    except Exception as e: sys.stdout.buffer.write(f'{type(e).__name__}: {e}\\n'.encode()); sys.stdout.flush()";
    let mut input = String::new();
    for (data, ..) in all_broken() {
        data.iter().for_each(|byte| input += &format!("{byte:02x}"));
        input.push('\n');
    }
    let mut child =
        Command::new(python).args(["-c", code]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("ends");
    writer.join().expect("no panic").expect("written");
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    let expected: Vec<String> = all_broken().into_iter().map(|(_, text, _)| text).collect();
    assert_eq!(answers.lines().collect::<Vec<_>>(), expected);
}

/// Data on which CPython 3.8 crashes, and what we say.
#[test]
fn what_crashes_cpython_is_refused() {
    let cases: &[(&[u8], &str)] = &[
        // {t} where t == (t,)
        (b"<\x01\x00\x00\x00\xa9\x01r\x00\x00\x00\x00", "bad marshal data (hash of a tuple that contains itself)"),
        // (frozenset({<the tuple>}),)
        (b"\xa9\x01>\x01\x00\x00\x00r\x00\x00\x00\x00", "bad marshal data (hash of a tuple that contains itself)"),
    ];
    for &(data, expected) in cases {
        assert_eq!(marshal::read(data).expect_err("refused").message(), expected);
    }
    // A code object whose names are not all strings: "Fatal Python error: non-string found in code slot".
    for (data, offset) in [(code([0; 6], 2, b")\x02z\x01aN"), 37), (code([0; 6], 4, b")\x01s\0\0\0\0"), 41)] {
        let error = marshal::read(&data).expect_err("refused");
        assert_eq!((error.message().as_str(), error.offset()), ("non-string found in code slot", offset));
    }
    // A code object whose co_consts is the tuple that holds it.
    let data = [&b"\xa9\x01"[..], &code([0; 6], 1, b"r\0\0\0\0")].concat();
    let expected = "bad marshal data (co_consts refers to a tuple that contains it)";
    assert_eq!(marshal::read(&data).expect_err("refused").message(), expected);
}

#[test]
fn depth_is_limited_as_in_cpython_and_needs_no_native_stack() {
    let deepest = [&b")\x01".repeat(1999)[..], b"N"].concat();
    // A stack on which 2000 native calls would not fit in a debug build.
    let thread = std::thread::Builder::new().stack_size(64 * 1024);
    let written = thread.spawn(move || {
        let tree = marshal::read(&deepest).expect("valid");
        marshal::write(&tree) == deepest
    });
    assert!(written.expect("starts").join().expect("no overflow"));
}

#[test]
fn sizes_allocate_nothing_by_themselves() {
    // 1,999 tuples that each claim 2**31 - 1 items.
    let data = b"(\xff\xff\xff\x7f".repeat(1999);
    let error = marshal::read(&data).expect_err("refused");
    assert_eq!(error.to_string(), "EOF read where object expected at offset 9995");
}

/// Headers and what is said of them; `_classify_pyc` of importlib has the texts for flags and truncation.
#[test]
fn headers() {
    let magic = b"U\r\r\n";
    let tail = b"\x01\x02\x03\x04\x05\x06\x07\x08";
    let timestamp = Validation::Timestamp { mtime: 0x0403_0201, size: 0x0807_0605 };
    let hash = |check_source| Validation::Hash { hash: *tail, check_source };
    for (flags, expected) in [(0u32, timestamp), (1, hash(false)), (2, timestamp), (3, hash(true))] {
        let file = [&magic[..], &flags.to_le_bytes(), tail].concat();
        let header = Header::read(&file).expect("valid");
        assert_eq!(header, Header { flags, validation: expected });
        assert_eq!(header.to_bytes(), file[..]);
    }
    let cases: &[(&[u8], &str)] = &[
        (b"", "the file is empty"),
        (b"U", "reached EOF while reading pyc header: 1 bytes of 16"),
        (b"U\r\r\n", "reached EOF while reading pyc header: 4 bytes of 16"),
        (b"U\r\r\n\0\0\0\0\x01\x02\x03\x04\x05\x06\x07", "reached EOF while reading pyc header: 15 bytes of 16"),
        (b"U\r\r\n\x04\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08", "invalid flags 4 in the header"),
        (b"U\r\r\n\xff\xff\xff\xff\x01\x02\x03\x04\x05\x06\x07\x08", "invalid flags 4294967295 in the header"),
        (b"print(1)\n", "not a .pyc file but text, beginning \"print(1)\""),
        (b"\x7fELF\x02\x01", "not a .pyc file: bad magic number b\"\\x7fELF\""),
        (b"\0", "not a .pyc file: bad magic number b\"\\x00\""),
        (b"\xa7\r\r\n", "bad magic number 3495: written by CPython 3.11, only 3.8 files can be read"),
        (b"\x03\xf3\r\n", "bad magic number 62211: written by CPython 2.7, only 3.8 files can be read"),
        (b"\xff\xff\r\n", "bad magic number 65535: no known CPython writes it, only 3.8 files can be read"),
        (
            b"T\r\r\n",
            "bad magic number 3412: written by a pre-release of CPython 3.8, only files of 3.8's releases can be read",
        ),
    ];
    for &(file, expected) in cases {
        assert_eq!(Header::read(file).expect_err("refused").to_string(), expected);
    }
    assert_eq!(Header::read(b"\xa7\r\r\n"), Err(header::Error::Foreign(3495, Writer::Python("3.11"))));
}

/// The magic numbers of releases: `importlib.util.MAGIC_NUMBER` (or `imp.get_magic()`) of each.
#[test]
fn magic_numbers_of_releases() {
    let cases = [
        ("1.5", 20121),
        ("1.6", 50428),
        ("2.0", 50823),
        ("2.1", 60202),
        ("2.2", 60717),
        ("2.3", 62011),
        ("2.4", 62061),
        ("2.5", 62131),
        ("2.6", 62161),
        ("2.7", 62211),
        ("3.0", 3131),
        ("3.1", 3151),
        ("3.2", 3180),
        ("3.3", 3230),
        ("3.4", 3310),
        ("3.5", 3350),
        ("3.5", 3351),
        ("3.6", 3379),
        ("3.7", 3394),
        ("3.8", 3413),
        ("3.9", 3425),
        ("3.10", 3439),
        ("3.11", 3495),
        ("3.12", 3531),
        ("3.13", 3571),
        ("3.14", 3627),
        ("3.15", 3655),
    ];
    for (version, number) in cases {
        assert_eq!(writer(number), Writer::Python(version), "{number}");
    }
    assert_eq!(writer(3400), Writer::Prerelease("3.8"));
    assert_eq!(writer(62171), Writer::Prerelease("2.7"));
    assert_eq!(writer(3414), Writer::Unknown);
    assert_eq!(writer(0), Writer::Unknown);
}

#[test]
fn a_file_must_hold_a_code_object() {
    let file = [&b"U\r\r\n"[..], &[0; 12], b"N"].concat();
    assert_eq!(pyc::read(&file).expect_err("refused").to_string(), "Non-code object in the file: NoneType");
}

/// A folder of its own for a test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("pycvm-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("made");
        Scratch(folder)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn dump(path: &Path, format: &str) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_pycvm")).args(["dump", "--format", format]).arg(path).output().expect("starts")
}

#[test]
fn bad_files_are_one_line_on_stderr_and_status_2() {
    let scratch = Scratch::new("bad-files");
    let whole = [&b"U\r\r\n"[..], &[0; 12], &code([0; 6], 8, b"s\0\0\0\0")].concat();
    let big_and_cut = [&whole[..60], &[b' '; 100_000]].concat();
    let cases = [
        (scratch.0.join("missing.pyc"), "No such file or directory"),
        (scratch.0.clone(), "is a directory"),
        (scratch.file("empty.pyc", b""), "the file is empty"),
        (scratch.file("text.pyc", b"import os\nprint(os)\n"), "not a .pyc file but text, beginning \"import os\""),
        (
            scratch.file("cpython-311.pyc", &[b"\xa7\r\r\n", &whole[4..]].concat()),
            "bad magic number 3495: written by CPython 3.11, only 3.8 files can be read",
        ),
        (scratch.file("header.pyc", &whole[..10]), "reached EOF while reading pyc header: 10 bytes of 16"),
        (scratch.file("truncated.pyc", &whole[..60]), "EOF read where object expected at offset 60"),
        (scratch.file("mapped.pyc", &big_and_cut), "bad marshal data (unknown type code) at offset 93"),
    ];
    for (path, expected) in cases {
        for format in ["text", "json"] {
            let output = dump(&path, format);
            let stderr = String::from_utf8(output.stderr).expect("UTF-8");
            assert_eq!(stderr, format!("pycvm: {}: {expected}\n", path.display()));
            assert_eq!(output.status.code(), Some(2));
            assert_eq!(output.stdout, b"");
        }
    }
    let good = scratch.file("good.pyc", &whole);
    for format in ["text", "json"] {
        let output = dump(&good, format);
        assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scratch = Scratch::new("broken-pipe");
    let consts = [&b"(\x00\x00\x02\x00"[..], &b"i\x07\x00\x00\x00".repeat(0x20000)].concat();
    let path = scratch.file("big.pyc", &[&b"U\r\r\n"[..], &[0; 12], &code([0; 6], 1, &consts)].concat());
    let mut child = Command::new(env!("CARGO_BIN_EXE_pycvm"))
        .arg("dump")
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}
