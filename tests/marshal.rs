//! `pycvm::pyc`: what the reader makes of marshal data, and that nothing is lost on the way through it.

mod cpython;

use pretty_assertions::assert_eq;
use pycvm::pyc::code::{Code, Constant};
use pycvm::pyc::marshal::{self, Object, Payload, TypeCode};
use pycvm::pyc::repr::repr;
use pycvm::pyc::{self, dump};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every form of every type: the data, and what CPython 3.8's `repr(marshal.loads(data))` says.
const FORMS: &[(&[u8], &str)] = &[
    (b"N", "None"),
    (b"T", "True"),
    (b"F", "False"),
    (b".", "Ellipsis"),
    (b"S", "<class 'StopIteration'>"),
    // FLAG_REF on a singleton is ignored, and takes no index.
    (b"\xce", "None"),
    (b"\xa9\x03\xceNr\x00\x00\x00\x00", "(None, None, (...))"),
    (b"i\x00\x00\x00\x80", "-2147483648"),
    (b"i\xff\xff\xff\x7f", "2147483647"),
    (b"I\x00\x00\x00\x00\x00\x00\x00\x80", "-9223372036854775808"),
    (b"I\x01\x00\x00\x00\x00\x00\x00\x00", "1"),
    (b"l\x00\x00\x00\x00", "0"),
    (b"l\x03\x00\x00\x00\x00\x00\x00\x00\x02\x00", "2147483648"),
    (b"l\xfd\xff\xff\xff\x01\x00\x00\x00\x02\x00", "-2147483649"),
    (b"l\x05\x00\x00\x00\xff\x7f\xff\x7f\xff\x7f\xff\x7f\x07\x00", "9223372036854775807"),
    (b"l\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00", "9223372036854775808"),
    (b"l\xfb\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00", "-9223372036854775808"),
    (b"l\xfa\xff\xff\xff\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06\x00", "-226679355926006714138625"),
    (b"g\x00\x00\x00\x00\x00\x00\xf8\x3f", "1.5"),
    (b"g\x00\x00\x00\x00\x00\x00\x00\x80", "-0.0"),
    (b"g\x00\x00\x00\x00\x00\x00\xf0\x7f", "inf"),
    (b"g\x01\x00\x00\x00\x00\x00\xf8\xff", "nan"),
    (b"g\x01\x00\x00\x00\x00\x00\x00\x00", "5e-324"),
    (b"g\x00\x00\x00\x00\x00\x00\xf0\x43", "1.8446744073709552e+19"),
    (b"g\x00\x80\xe0\x37\x79\xc3\x41\x43", "1e+16"),
    (b"g\x00\x00\xc0\xe1\x6f\xc3\x0c\x43", "1012023080517632.0"),
    (b"g\xf1\x68\xe3\x88\xb5\xf8\xe4\x3e", "1e-05"),
    (b"g\x2d\x43\x1c\xeb\xe2\x36\x1a\x3f", "0.0001"),
    (b"f\x031.5", "1.5"),
    (b"f\x04nan\x00", "nan"),
    (b"f\x08InFiNiTy", "inf"),
    (b"f\x05-1e99", "-1e+99"),
    (b"f\x051e999", "inf"),
    (b"f\x03+.5", "0.5"),
    (b"x\x011\x04-2.5", "(1-2.5j)"),
    (b"y\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f", "1j"),
    (b"y\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\xf0\x3f", "(-0+1j)"),
    (b"s\x04\x00\x00\x00a'\x00\xff", "b\"a'\\x00\\xff\""),
    (b"s\x05\x00\x00\x00\"'\\\n\t", "b'\"\\'\\\\\\n\\t'"),
    (b"u\x00\x00\x00\x00", "''"),
    (b"u\x03\x00\x00\x00\xe2\x82\xac", "'\u{20ac}'"),
    (b"t\x04\x00\x00\x00\xf0\x9f\x98\x80", "'\u{1f600}'"),
    (b"u\x03\x00\x00\x00\xed\xa0\x80", "'\\ud800'"),
    (b"u\x04\x00\x00\x00a\xed\xb0\x81", "'a\\udc01'"),
    (b"u\x06\x00\x00\x00\xed\xa0\xbd\xed\xb8\x80", "'\\ud83d\\ude00'"),
    (b"u\x02\x00\x00\x00\xc2\xa0", "'\\xa0'"),
    (b"a\x02\x00\x00\x00ab", "'ab'"),
    (b"A\x02\x00\x00\x00ab", "'ab'"),
    (b"z\x02ab", "'ab'"),
    (b"Z\x00", "''"),
    // The one-byte forms hold any byte.
    (b"z\x02\xe9\xff", "'\u{e9}\u{ff}'"),
    (b"z\x03a'\x7f", "\"a'\\x7f\""),
    (b")\x00", "()"),
    (b")\x01N", "(None,)"),
    (b"(\x02\x00\x00\x00NT", "(None, True)"),
    (b"[\x00\x00\x00\x00", "[]"),
    (b"[\x02\x00\x00\x00N)\x00", "[None, ()]"),
    (b"<\x00\x00\x00\x00", "set()"),
    (b"<\x01\x00\x00\x00N", "{None}"),
    (b">\x00\x00\x00\x00", "frozenset()"),
    (b">\x01\x00\x00\x00)\x01N", "frozenset({(None,)})"),
    (b"{0", "{}"),
    (b"{NTFN0", "{None: True, False: None}"),
    // A key whose value is missing is dropped.
    (b"{N0", "{}"),
    (b"{\xce\xb0", "{}"),
    // A tuple, a list and a dict that hold themselves.
    (b"\xa9\x01r\x00\x00\x00\x00", "((...),)"),
    (b"\xdb\x02\x00\x00\x00Nr\x00\x00\x00\x00", "[None, [...]]"),
    (b"\xfbNr\x00\x00\x00\x000", "{None: {...}}"),
    // References, also to a later index than their own parent's, and with an ignored flag.
    (b"\xa9\x03\xe9\x07\x00\x00\x00r\x01\x00\x00\x00\xf2\x01\x00\x00\x00", "(7, 7, 7)"),
    (b")\x02\xbe\x00\x00\x00\x00r\x00\x00\x00\x00", "(frozenset(), frozenset())"),
    (b")\x02\xbe\x01\x00\x00\x00Nr\x00\x00\x00\x00", "(frozenset({None}), frozenset({None}))"),
];

#[test]
fn every_form_has_cpythons_value() {
    for &(data, expected) in FORMS {
        let tree = marshal::read(data).unwrap_or_else(|error| panic!("{}: {error}", data.escape_ascii()));
        assert_eq!(repr(tree.root().constant(), usize::MAX), expected, "{}", data.escape_ascii());
        assert_eq!(tree.end_offset(), data.len(), "{}", data.escape_ascii());
    }
}

#[test]
fn the_table_of_forms_is_cpythons() {
    let Some(python) = cpython::interpreter() else { return eprintln!("no CPython 3.8: not compared") };
    let code = "import marshal,sys\nfor line in sys.stdin: print(ascii(repr(marshal.loads(bytes.fromhex(line)))))";
    let mut input = String::new();
    for (data, _) in FORMS {
        data.iter().for_each(|byte| input += &format!("{byte:02x}"));
        input.push('\n');
    }
    let answers = run(python, &["-c", code], input.as_bytes());
    let expected: Vec<String> = FORMS.iter().map(|(_, text)| python_ascii(text)).collect();
    assert_eq!(String::from_utf8(answers).unwrap().lines().collect::<Vec<_>>(), expected);
}

/// Python's `ascii` of a text.
fn python_ascii(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out += "\\\\",
            _ if c == quote => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            '\0'..='\u{ff}' => out += &format!("\\x{:02x}", c as u32),
            '\0'..='\u{ffff}' => out += &format!("\\u{:04x}", c as u32),
            _ => out += &format!("\\U{:08x}", c as u32),
        }
    }
    out.push(quote);
    out
}

fn run(program: &Path, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child =
        Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("ends");
    writer.join().expect("no panic").expect("written");
    assert!(output.status.success());
    output.stdout
}

#[test]
fn every_form_is_written_back() {
    for (data, _) in FORMS {
        let tree = marshal::read(data).expect("valid");
        assert_eq!(marshal::write(&tree).escape_ascii().to_string(), data.escape_ascii().to_string());
    }
}

/// A code object without variables, with these constants (marshalled) and this bytecode, named `name`.
fn code(name: &str, bytecode: &[u8], consts: &[u8]) -> Vec<u8> {
    let mut data = b"c".to_vec();
    data.extend([0; 20]);
    data.extend([0x40, 0, 0, 0]);
    data.push(b's');
    data.extend((bytecode.len() as u32).to_le_bytes());
    data.extend(bytecode);
    data.extend(consts);
    data.extend(b")\x00)\x00)\x00)\x00z\x01fz");
    data.push(name.len() as u8);
    data.extend(name.as_bytes());
    data.extend(b"\x01\x00\x00\x00s\x00\x00\x00\x00");
    data
}

#[test]
fn a_code_object_that_lacks_a_field_is_null() {
    // CPython: marshal.loads(b'{N' + truncated + b'T') == {}: the NULL ends the dict, and the rest is ignored.
    let mut data = b"{N".to_vec();
    let whole = code("f", b"d\x00S\x00", b")\x01N");
    let cut = whole.len() - 5;
    data.extend(&whole[..cut]);
    data.extend(b"0T");
    let tree = marshal::read(&data).expect("valid");
    assert!(matches!(tree.root().constant(), Constant::Dict(dict) if dict.is_empty()));
    assert_eq!(tree.trailing(), b"T");
    assert_eq!(marshal::write(&tree), data[..data.len() - 1]);
}

#[test]
fn trailing_bytes_are_reported() {
    let tree = marshal::read(b"NNi").expect("valid");
    assert_eq!((tree.end_offset(), tree.trailing()), (1, &b"Ni"[..]));
}

#[test]
fn reference_indexes() {
    let data = b"\xa9\x03\xe9\x07\x00\x00\x00\xce\xbe\x01\x00\x00\x00\xda\x01a";
    let tree = marshal::read(data).expect("valid");
    let found: Vec<_> = tree.objects().map(|object| (object.type_code(), object.ref_index())).collect();
    let expected = [
        (TypeCode::SmallTuple, Some(0)),
        (TypeCode::Int, Some(1)),
        (TypeCode::None, None),
        (TypeCode::FrozenSet, Some(2)),
        (TypeCode::ShortAsciiInterned, Some(3)),
    ];
    assert_eq!(found, expected);
    assert_eq!(tree.referable().map(Object::id).collect::<Vec<_>>().len(), 4);
}

/// `.pyc` files of this repository.
fn fixtures() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "pyc") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The repository's fixtures; with a CPython 3.8 also its library, all optimization levels.
fn files() -> Vec<PathBuf> {
    let mut files = fixtures();
    match cpython::all_library_files(&[".pyc", ".opt-1.pyc", ".opt-2.pyc"]) {
        Some(library) => files.extend(library),
        None => eprintln!("no CPython 3.8 found: only {} fixtures are tested", files.len()),
    }
    files
}

#[test]
fn reading_and_writing_gives_the_same_bytes() {
    for path in files() {
        let file = std::fs::read(&path).expect("readable");
        let pyc = pyc::read(&file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(pyc.header.to_bytes(), file[..16], "{}", path.display());
        assert!(marshal::write(pyc.tree()) == file[16..], "{}", path.display());
    }
}

/// A `.pyc` file with this marshal data.
fn pyc_file(data: &[u8]) -> Vec<u8> {
    [b"U\r\r\n\x01\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08", data].concat()
}

/// Reads a JSON dump from each line and writes the file it came from, in hexadecimal. Holds the whole shape.
const FROM_JSON: &str = r#"
import json, struct, sys

CODES = dict(zip('NULL NONE FALSE TRUE STOPITER ELLIPSIS INT INT64 FLOAT BINARY_FLOAT COMPLEX BINARY_COMPLEX LONG STRING '
    'INTERNED REF TUPLE SMALL_TUPLE LIST DICT CODE UNICODE ASCII ASCII_INTERNED SHORT_ASCII SHORT_ASCII_INTERNED SET '
    'FROZENSET'.split(), '0NFTS.iIfgxylstr()[{cuaAzZ<>'))
refs = 0

def long(value): return struct.pack('<i', value)
def short(data): return bytes([len(data)]) + data

def obj(o):
    t = o['type'][5:]
    if t == 'NULL' and 'hex' in o:
        return bytes.fromhex(o['hex'])
    return bytes([ord(CODES[t]) | (0x80 if o.get('flag_ref') else 0)]) + body(t, o)

def body(t, o):
    if t == 'INT': return long(o['value'])
    if t == 'INT64': return int(o['value'], 16).to_bytes(8, 'little', signed=True)
    if t == 'LONG':
        n = int(o['value'], 16)
        digits, m = b'', abs(n)
        while m: digits, m = digits + struct.pack('<H', m & 0x7fff), m >> 15
        return long(len(digits) // 2 * (-1 if n < 0 else 1)) + digits
    if t == 'FLOAT': return short(o['text'].encode('latin1'))
    if t == 'COMPLEX': return short(o['real_text'].encode('latin1')) + short(o['imag_text'].encode('latin1'))
    if t == 'BINARY_FLOAT':
        check(o['bits'], o['value'])
        return bytes.fromhex(o['bits'])[::-1]
    if t == 'BINARY_COMPLEX': return bytes.fromhex(o['real_bits'])[::-1] + bytes.fromhex(o['imag_bits'])[::-1]
    if t == 'STRING':
        data = bytes.fromhex(o['hex'])
        return long(len(data)) + data
    if t == 'REF': return long(o['index'])
    if t in ('UNICODE', 'INTERNED'):
        text = ''.join(map(chr, o['code_points'])) if 'code_points' in o else o['value']
        data = text.encode('utf-8', 'surrogatepass')
        return long(len(data)) + data
    if 'ASCII' in t:
        data = o['value'].encode('latin1')
        return (bytes([len(data)]) if t.startswith('SHORT') else long(len(data))) + data
    if t == 'SMALL_TUPLE': return bytes([len(o['items'])]) + b''.join(map(obj, o['items']))
    if t == 'DICT': return b''.join(map(obj, o['items']))
    if 'items' in o: return long(len(o['items'])) + b''.join(map(obj, o['items']))
    if t == 'CODE':
        counts = 'argcount posonlyargcount kwonlyargcount nlocals stacksize flags'.split()
        fields = 'code consts names varnames freevars cellvars filename name'.split()
        return (b''.join(long(o[c]) for c in counts) + b''.join(obj(o[f]) for f in fields)
                + long(o['firstlineno']) + obj(o['lnotab']))
    return b''

def check(bits, value):
    real = struct.unpack('>d', bytes.fromhex(bits))[0]
    assert repr(real) == repr(float(value)), (bits, value)

sys.setrecursionlimit(10000)
for line in sys.stdin:
    dump = json.loads(line)
    head = dump['header']
    file = struct.pack('<HHI', head['magic'], 0x0a0d, head['flags'])
    if 'source_hash' in head: file += bytes.fromhex(head['source_hash'])
    else: file += struct.pack('<II', head['mtime'], head['size'])
    print((file + obj(dump['root']) + bytes.fromhex(dump['trailing'])).hex())
"#;

#[test]
fn the_json_dump_loses_nothing() {
    let Some(python) = cpython::interpreter() else { return eprintln!("no CPython 3.8: not compared") };
    // Every form as a constant of a module, then files.
    let forms = FORMS.iter().filter(|(data, _)| !data.contains(&b'r') && !data.contains(&0xf2));
    let constants: Vec<u8> = forms.clone().flat_map(|(data, _)| data.iter().copied()).collect();
    let count = forms.count() as u8;
    let forms = code("<module>", b"d\x00S\x00", &[&[b')', count][..], &constants].concat());
    let mut inputs = vec![pyc_file(&forms), pyc_file(&[&forms[..], b"trailing \xff"].concat())];
    let sample = cpython::library_files(&[".pyc"]).unwrap_or_default().into_iter();
    inputs.extend(fixtures().into_iter().chain(sample).map(|path| std::fs::read(path).expect("readable")));
    let mut dumps = Vec::new();
    let mut expected = Vec::new();
    for input in &inputs {
        let pyc = pyc::read(input).expect("valid");
        dump::json::dump(&pyc, &mut dumps).expect("in memory");
        expected.push(input.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    let answers = String::from_utf8(run(python, &["-c", FROM_JSON], &dumps)).expect("hexadecimal");
    for (answer, expected) in answers.lines().zip(&expected) {
        assert!(answer == expected, "the dump of a file of {} bytes", expected.len() / 2);
    }
    assert_eq!(answers.lines().count(), inputs.len());
}

/// The qualified names that the compiler itself wrote next to each nested function's and class's code.
fn written_qualnames<'t, 'a>(parent: Code<'t, 'a>) -> Vec<(marshal::NodeId, String)> {
    const LOAD_CONST: u8 = 100;
    const MAKE_FUNCTION: u8 = 132;
    let mut found = Vec::new();
    let mut loaded: Vec<usize> = Vec::new();
    let mut extended = 0;
    for pair in parent.code().chunks_exact(2) {
        let arg = extended | usize::from(pair[1]);
        extended = if pair[0] == 144 { arg << 8 } else { 0 };
        match pair[0] {
            144 => {}
            LOAD_CONST => loaded.push(arg),
            MAKE_FUNCTION => {
                let [.., code, name] = loaded[..] else { panic!("two constants before MAKE_FUNCTION") };
                let (Some(Constant::Code(code)), Some(Constant::Str(name))) =
                    (parent.consts().get(code), parent.consts().get(name))
                else {
                    panic!("a code object and its name before MAKE_FUNCTION")
                };
                let flags = code.flags().0;
                if flags & 3 == 3 {
                    found.push((code.node(), name.to_string_lossy().into_owned()));
                } else {
                    // A class: its own code begins by storing __module__, then __qualname__ from a constant.
                    let begin = code.code();
                    assert_eq!((begin[4], begin[6]), (LOAD_CONST, 90), "a class stores its __qualname__");
                    let Some(Constant::Str(name)) = code.consts().get(begin[5].into()) else { panic!("a name") };
                    found.push((code.node(), name.to_string_lossy().into_owned()));
                }
            }
            _ => loaded.clear(),
        }
    }
    found
}

#[test]
fn walk_gives_the_compilers_qualified_names() {
    let mut compared = 0;
    for path in files() {
        let file = std::fs::read(&path).expect("readable");
        let pyc = pyc::read(&file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let walked: std::collections::HashMap<_, _> =
            pyc.code().walk().map(|nested| (nested.code.node(), nested.qualname)).collect();
        for nested in pyc.code().walk() {
            for (node, expected) in written_qualnames(nested.code) {
                assert_eq!(walked.get(&node), Some(&expected), "{}", path.display());
                compared += 1;
            }
        }
    }
    eprintln!("{compared} names compared");
}

#[test]
fn walk_names_what_is_declared_global_without_prefix() {
    // class C: (global f; def f(): ...; global __p; def __p(): ...; def g(): ...), as the compiler mangles it.
    let leaf = |name: &str| code(name, b"", b")\x00");
    let consts = [&b")\x03"[..], &leaf("f"), &leaf("__p"), &leaf("g")].concat();
    let class = {
        let mut data = code("_C", b"a\x00a\x01", &consts);
        // The empty tuple of names, which follows the constants.
        let names = 1 + 24 + 5 + 4 + consts.len();
        data.splice(names..names + 2, b")\x02z\x01fz\x05_C__p".iter().copied());
        data
    };
    let data = code("<module>", b"", &[&b")\x01"[..], &class].concat());
    let tree = marshal::read(&data).expect("valid");
    let names: Vec<_> = tree.code().expect("code").walk().map(|nested| (nested.depth, nested.qualname)).collect();
    let expected = [(0, "<module>"), (1, "_C"), (2, "f"), (2, "__p"), (2, "_C.g")];
    assert_eq!(names, expected.map(|(depth, name)| (depth, name.to_string())));
}

/// Input that shares parts must not be walked or shown more than once.
#[test]
fn shared_code_objects_are_shown_once() {
    // 30 levels, each holding the one below twice: a tree of 2**30 if walked naively.
    let mut data = code("f", b"", b")\x00");
    data[0] |= 0x80;
    for level in 0..30u32 {
        let reference = [&b"r"[..], &(30 - level).to_le_bytes()].concat();
        data = code("f", b"", &[&b")\x02"[..], &data, &reference].concat());
        data[0] |= 0x80;
    }
    // References count outermost first.
    let file = pyc_file(&data);
    let pyc = pyc::read(&file).expect("valid");
    assert_eq!(pyc.code().walk().count(), 31);
    let mut text = Vec::new();
    dump::text::dump(&pyc, &mut text).expect("in memory");
    let mut json = Vec::new();
    dump::json::dump(&pyc, &mut json).expect("in memory");
    assert!(text.len() < 100_000 && json.len() < 100_000, "{} and {} bytes", text.len(), json.len());
}

/// A big object, and many code objects (or other constants) that refer to it: what is shown of them must stay in
/// proportion to the file, and so must the time.
#[test]
fn references_to_big_objects_cost_little() {
    const BIG: usize = 30_000;
    const MANY: usize = 500;
    let sized = |type_code: u8, len: usize, bytes: &[u8]| {
        [&[type_code | 0x80][..], &(len as u32).to_le_bytes(), bytes].concat()
    };
    let reference = b"r\x00\x00\x00\x00";
    let holder = |place: usize| {
        let empty: [&[u8]; 9] =
            [b"s\0\0\0\0", b")\0", b")\0", b")\0", b")\0", b")\0", b"z\x01f", b"z\x01f", b"s\0\0\0\0"];
        let mut data = b"c".to_vec();
        data.extend([0; 24]);
        for (field, bytes) in empty.into_iter().enumerate() {
            if field == 8 {
                data.extend([1, 0, 0, 0]);
            }
            data.extend(if field == place { reference } else { bytes });
        }
        data
    };
    let text = sized(b'a', BIG, &b"x".repeat(BIG));
    let cases: [(&str, Vec<u8>, Vec<u8>); 11] = [
        ("bytecode", sized(b's', BIG, &b"d\0".repeat(BIG / 2)), holder(0)),
        ("consts", sized(b'(', BIG, &b"N".repeat(BIG)), holder(1)),
        ("names", sized(b'(', BIG, &b"z\x01a".repeat(BIG)), holder(2)),
        ("varnames", sized(b'(', BIG, &b"z\x01a".repeat(BIG)), holder(3)),
        ("filename", text.clone(), holder(6)),
        ("name", text.clone(), holder(7)),
        ("line table", sized(b's', BIG, &b"\x01\x01".repeat(BIG / 2)), holder(8)),
        ("bytes", sized(b's', BIG, &b"x".repeat(BIG)), reference.to_vec()),
        ("str", text, reference.to_vec()),
        ("int", sized(b'l', BIG, &b"\x01\x00".repeat(BIG)), reference.to_vec()),
        ("list", sized(b'[', BIG, &b"N".repeat(BIG)), reference.to_vec()),
    ];
    for (what, shared, user) in cases {
        let count = (MANY as u32 + 1).to_le_bytes();
        let consts = [&b"("[..], &count, &shared, &user.repeat(MANY)].concat();
        let file = pyc_file(&code("<module>", b"", &consts));
        let pyc = pyc::read(&file).unwrap_or_else(|error| panic!("{what}: {error}"));
        let mut out = Vec::new();
        dump::text::dump(&pyc, &mut out).expect("in memory");
        assert!(out.len() < 40 * file.len(), "{what}: {} bytes of text for {}", out.len(), file.len());
        out.clear();
        dump::json::dump(&pyc, &mut out).expect("in memory");
        assert!(out.len() < 50 * file.len(), "{what}: {} bytes of JSON for {}", out.len(), file.len());
        let names: usize = pyc.code().walk().map(|nested| nested.qualname.len()).sum();
        assert!(names < 40 * file.len(), "{what}: {names} bytes of names for {}", file.len());
    }
}

#[test]
fn payloads_keep_the_bits_of_a_nan() {
    let tree = marshal::read(b"g\x01\x02\x03\x00\x00\x00\xf8\xff").expect("valid");
    assert!(matches!(tree.root().payload(), Payload::FloatBits(0xfff8_0000_0003_0201)));
    assert!(matches!(tree.root().constant(), Constant::Float(value) if value.to_bits() == 0xfff8_0000_0003_0201));
}
