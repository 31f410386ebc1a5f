//! `pycvm::pyc::dis` against `dis.dis` of CPython 3.8.

#[path = "../cpython/mod.rs"]
mod cpython;

use pretty_assertions::assert_eq;
use pycvm::pyc::opcode::Opcode;
use pycvm::pyc::{dis, marshal};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Lists each file whose path comes in; gives each listing after a line with its length.
const LISTER: &str = r#"
import dis, io, marshal, re, sys
address = re.compile(r'( at )0x[0-9a-f]+(, file ")')
for path in sys.stdin:
    with open(path.rstrip('\n'), 'rb') as file:
        code = marshal.loads(file.read()[16:])
    text = io.StringIO()
    dis.dis(code, file=text)
    text = address.sub(r'\g<1>0x0\2', text.getvalue()).encode('utf-8', 'backslashreplace')
    sys.stdout.buffer.write(b'%d\n%s' % (len(text), text))
"#;

fn listing(path: &Path) -> Vec<u8> {
    let data = std::fs::read(path).unwrap();
    let tree = marshal::read(&data[16..]).unwrap();
    let mut found = Vec::new();
    dis::disassemble(tree.code().unwrap(), &mut found).unwrap();
    found
}

#[test]
fn the_standard_library_is_listed_as_by_cpython() {
    let Some(files) = cpython::library_files(&[".pyc"]) else { return };
    let mut python = Command::new(cpython::interpreter().unwrap())
        .args(["-c", LISTER])
        .env("PYTHONHASHSEED", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut paths = python.stdin.take().unwrap();
    let list: String = files.iter().map(|path| format!("{}\n", path.display())).collect();
    let feeder = std::thread::spawn(move || paths.write_all(list.as_bytes()).unwrap());
    let mut listings = BufReader::new(python.stdout.take().unwrap());
    let (mut bytes, mut largest) = (0, 0.0f64);
    for path in &files {
        let mut len = String::new();
        listings.read_line(&mut len).unwrap();
        let mut expected = vec![0; len.trim().parse().unwrap()];
        listings.read_exact(&mut expected).unwrap();
        let found = listing(path);
        bytes += found.len();
        largest = largest.max(found.len() as f64 / std::fs::metadata(path).unwrap().len() as f64);
        if found != expected {
            let (found, expected) = (String::from_utf8_lossy(&found), String::from_utf8_lossy(&expected));
            let differing = found.lines().zip(expected.lines()).position(|(a, b)| a != b);
            let from = differing.unwrap_or(found.lines().count().min(expected.lines().count())).saturating_sub(2);
            let part = |text: &str| text.lines().skip(from).take(6).collect::<Vec<_>>().join("\n");
            assert_eq!(part(&found), part(&expected), "{} from line {from}", path.display());
            panic!("{}: differs only in length", path.display());
        }
    }
    feeder.join().unwrap();
    assert!(python.wait().unwrap().success());
    println!("{} files, {bytes} bytes, at most {largest:.1} times the file", files.len());
}

/// tools/record_dis.py records what CPython says.
#[test]
fn the_sample_is_listed_as_by_cpython() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dis");
    let expected = std::fs::read_to_string(folder.join("sample.dis")).unwrap();
    assert_eq!(String::from_utf8(listing(&folder.join("sample.pyc"))).unwrap(), expected);
    let shown = |name: &str| expected.lines().any(|line| line.split_whitespace().any(|word| word == name));
    let missing: Vec<&str> = Opcode::ALL.iter().map(|op| op.name()).filter(|name| !shown(name)).collect();
    // The first stands only in what is typed at the prompt; no compiler of 3.8 leaves the second.
    assert_eq!(missing, ["NOP", "PRINT_EXPR"]);
}

/// A marshalled code object with this bytecode, the constants (None, 1), the names a and b, the local variable x, the
/// cell variable c and the free variable d.
fn broken(code: &[u8], lnotab: &[u8], firstlineno: u8) -> Vec<u8> {
    let mut data = b"c".to_vec();
    for field in [0u32, 0, 0, 1, 9, 3] {
        data.extend(field.to_le_bytes());
    }
    let bytes = |data: &mut Vec<u8>, bytes: &[u8]| {
        data.push(b's');
        data.extend((bytes.len() as u32).to_le_bytes());
        data.extend(bytes);
    };
    bytes(&mut data, code);
    data.extend(b")\x02Ni\x01\0\0\0)\x02z\x01az\x01b)\x01z\x01x)\x01z\x01d)\x01z\x01cz\x04filez\x04name");
    data.extend([firstlineno, 0, 0, 0]);
    bytes(&mut data, lnotab);
    data
}

#[test]
fn broken_code_is_listed_as_far_as_possible() {
    // Where no remark in angle brackets stands, this is what CPython 3.8 prints.
    let cases: &[(&[u8], &[u8], u8, &str)] = &[
        (
            &[0, 0, 7, 1, 255, 3, 200, 0, 83, 0],
            &[],
            1,
            concat!(
                "  1           0 <0>\n",
                "              2 <7>\n",
                "              4 <255>                    3\n",
                "              6 <200>                    0\n",
                "              8 RETURN_VALUE\n"
            ),
        ),
        (
            &[144, 1, 9, 0, 131, 2],
            &[],
            1,
            concat!(
                "  1           0 EXTENDED_ARG             1\n",
                "              2 NOP\n",
                "              4 CALL_FUNCTION          258\n"
            ),
        ),
        (
            &[144, 1, 144, 2, 144, 3, 144, 4, 131, 5],
            &[],
            1,
            concat!(
                "  1           0 EXTENDED_ARG             1\n",
                "              2 EXTENDED_ARG           258\n",
                "              4 EXTENDED_ARG         66051\n",
                "              6 EXTENDED_ARG         16909060\n",
                "              8 CALL_FUNCTION        4328719365\n"
            ),
        ),
        (
            &[110, 3, 113, 2, 113, 201, 110, 0, 83, 0],
            &[],
            1,
            concat!(
                "  1           0 JUMP_FORWARD             3 (to 5)\n",
                "        >>    2 JUMP_ABSOLUTE            2\n",
                "              4 JUMP_ABSOLUTE          201\n",
                "              6 JUMP_FORWARD             0 (to 8)\n",
                "        >>    8 RETURN_VALUE\n"
            ),
        ),
        (
            &[9, 0, 9, 0, 9, 0, 83, 0],
            &[0, 5, 2, 251, 2, 127, 0, 127, 0, 127, 0, 127, 0, 127, 0, 127, 0, 127, 0, 127, 2, 128],
            0,
            concat!(
                "   5           0 NOP\n",
                "\n",
                "   0           2 NOP\n",
                "\n",
                "1016           4 NOP\n",
                "\n",
                " 888           6 RETURN_VALUE\n"
            ),
        ),
        (
            &[9, 0, 9, 0, 9, 0, 83, 0],
            &[3, 1, 1, 1, 200, 1, 2, 1],
            7,
            concat!(
                "  7           0 NOP\n",
                "              2 NOP\n",
                "\n",
                "  9           4 NOP\n",
                "              6 RETURN_VALUE\n"
            ),
        ),
        (
            &[107, 11, 155, 255, 155, 4, 155, 3, 132, 255, 132, 0, 132, 9],
            &[],
            1,
            concat!(
                "  1           0 COMPARE_OP              11 (BAD)\n",
                "              2 FORMAT_VALUE           255 (ascii, with format)\n",
                "              4 FORMAT_VALUE             4 (with format)\n",
                "              6 FORMAT_VALUE             3 (ascii)\n",
                "              8 MAKE_FUNCTION          255 (defaults, kwdefaults, annotations, closure)\n",
                "             10 MAKE_FUNCTION            0\n",
                "             12 MAKE_FUNCTION            9 (defaults, closure)\n"
            ),
        ),
        (
            &[100, 0, 101, 1, 124, 0, 135, 0, 135, 1, 148, 1],
            &[],
            1,
            concat!(
                "  1           0 LOAD_CONST               0 (None)\n",
                "              2 LOAD_NAME                1 (b)\n",
                "              4 LOAD_FAST                0 (x)\n",
                "              6 LOAD_CLOSURE             0 (c)\n",
                "              8 LOAD_CLOSURE             1 (d)\n",
                "             10 LOAD_CLASSDEREF          1 (d)\n"
            ),
        ),
        (&[9, 0, 83], &[], 1, concat!("  1           0 NOP\n", "              2 RETURN_VALUE\n")),
        (&[], &[], 3, ""),
        (
            &[100, 2, 101, 2, 124, 1, 136, 2, 107, 12, 83, 0],
            &[],
            1,
            concat!(
                "  1           0 LOAD_CONST               2 <co_consts has 2>\n",
                "              2 LOAD_NAME                2 <co_names has 2>\n",
                "              4 LOAD_FAST                1 <co_varnames has 1>\n",
                "              6 LOAD_DEREF               2 <co_cellvars + co_freevars has 2>\n",
                "              8 COMPARE_OP              12 <cmp_op has 12>\n",
                "             10 RETURN_VALUE\n"
            ),
        ),
        (
            &[9, 0, 100],
            &[],
            1,
            concat!("  1           0 NOP\n", "              2 LOAD_CONST           <argument missing>\n"),
        ),
        (
            &[144, 255, 144, 255, 144, 255, 144, 255, 144, 255, 144, 255, 144, 255, 144, 255, 100, 0, 101, 0],
            &[],
            1,
            concat!(
                "  1           0 EXTENDED_ARG           255\n",
                "              2 EXTENDED_ARG         65535\n",
                "              4 EXTENDED_ARG         16777215\n",
                "              6 EXTENDED_ARG         4294967295\n",
                "              8 EXTENDED_ARG         1099511627775\n",
                "             10 EXTENDED_ARG         281474976710655\n",
                "             12 EXTENDED_ARG         72057594037927935\n",
                "             14 EXTENDED_ARG         18446744073709551615\n",
                "             16 LOAD_CONST           <argument too large>\n",
                "             18 LOAD_NAME                0 (a)\n"
            ),
        ),
    ];
    for &(code, lnotab, firstlineno, expected) in cases {
        let data = broken(code, lnotab, firstlineno);
        let tree = marshal::read(&data).unwrap();
        let mut found = Vec::new();
        dis::disassemble(tree.code().unwrap(), &mut found).unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), expected, "{code:?}");
    }
}

#[test]
fn a_listing_out_of_proportion_ends_early() {
    // Forty times a code object which has the one before as a constant twice, by a reference.
    let mut data = broken(b"d\0S\0", b"", 1);
    data[0] |= 0x80;
    for level in (0..40u32).rev() {
        let mut outer = broken(b"d\0S\0", b"", 1);
        outer[0] |= 0x80;
        let consts = outer.windows(3).position(|bytes| bytes == b")\x02N").unwrap();
        outer.splice(consts + 2..consts + 8, [&data, b"r".as_slice(), &(level + 1).to_le_bytes()].concat());
        data = outer;
    }
    let tree = marshal::read(&data).unwrap();
    let mut found = Vec::new();
    dis::disassemble(tree.code().unwrap(), &mut found).unwrap();
    assert!(found.len() < 64 * data.len() + (1 << 20) + 1000);
    assert!(found.ends_with(b"<the rest is left out: the listing is too long for a file of this size>\n"));
}

#[test]
fn the_command() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dis/sample.pyc");
    let whole = std::fs::read_to_string(file.with_extension("dis")).unwrap();
    let run = |file: &Path, args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pycvm")).arg("dis").arg(file).args(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code())
    };
    assert_eq!(run(&file, &[]), (whole.clone(), String::new(), Some(0)));
    // What is nested in a function follows it.
    let title = whole.find("Disassembly of <code object method ").unwrap();
    let start = title + whole[title..].find('\n').unwrap() + 1;
    let end = start + whole[start..].find("\nDisassembly of <code object value ").unwrap();
    assert!(whole[start..end].contains("Disassembly of <code object inner "));
    assert_eq!(run(&file, &["--code", "Base.method"]), (whole[start..end].into(), String::new(), Some(0)));
    let absent = format!("pycvm: {}: no code object is named Base.absent\n", file.display());
    assert_eq!(run(&file, &["--code", "Base.absent"]), (String::new(), absent, Some(2)));
    let (out, error, status) = run(&file.with_extension("py"), &[]);
    assert_eq!((out.as_str(), error.lines().count(), status), ("", 1, Some(2)));
}
