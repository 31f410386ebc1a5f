//! `pycvm::pyc::dis` against `dis.dis` of CPython 3.8.

mod cpython;

use pretty_assertions::assert_eq;
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
