//! Code objects of a table of sources, field by field as CPython 3.8 makes them; its warnings and exceptions.
//!
//! `tools/record_code.py` recorded what CPython says of tests/compile/sources.txt.
#![cfg(feature = "compile")]

use pretty_assertions::assert_eq;
use pycvm::compile::code::CodeObject;
use pycvm::compile::constant::Constant;
use pycvm::compile::error::{CompileError, CompileWarning, ErrorKind};
use pycvm::compile::parse::{Mode, ParseOptions, SourceKind, parse};
use pycvm::compile::{Options, compile_tree, flags};
use std::fmt::Write;
use std::rc::Rc;

fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => write!(text, "\\x{byte:02x}").expect("a String"),
            0x20..=0x7e => text.push(byte.into()),
            _ => write!(text, "\\x{byte:02x}").expect("a String"),
        }
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn constant(value: &Constant) -> String {
    let list = |items: &[Constant]| items.iter().map(constant).collect::<Vec<_>>();
    match value {
        Constant::None => "None".into(),
        Constant::Bool(true) => "True".into(),
        Constant::Bool(false) => "False".into(),
        Constant::Ellipsis => "Ellipsis".into(),
        Constant::Int(value) => format!("int {value}"),
        Constant::BigInt(value) => format!("int {value}"),
        Constant::Float(value) => format!("float {:016x}", value.to_bits()),
        Constant::Complex(re, im) => format!("complex {:016x} {:016x}", re.to_bits(), im.to_bits()),
        Constant::Str(value) => format!("str \"{}\"", text(value)),
        Constant::Bytes(value) => format!("bytes {}", hex(value)),
        Constant::Tuple(items) => format!("({})", list(items).join(", ")),
        Constant::FrozenSet(items) => {
            let mut items = list(items);
            items.sort();
            format!("frozenset({})", items.join(", "))
        }
        Constant::Code(code) => format!("code {}", text(&code.name)),
    }
}

fn dump(code: &CodeObject, out: &mut String) {
    let CodeObject { argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, firstlineno, .. } = code;
    let name = text(&code.name);
    writeln!(
        out,
        "code {name} {argcount} {posonlyargcount} {kwonlyargcount} {nlocals} {stacksize} {flags:#x} {firstlineno}"
    )
    .expect("a String");
    writeln!(out, "  {}\n  lines {}", hex(&code.code), hex(&code.lnotab)).expect("a String");
    let fields = [
        ("names", &code.names),
        ("varnames", &code.varnames),
        ("freevars", &code.freevars),
        ("cellvars", &code.cellvars),
    ];
    for (field, names) in fields {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name: &Rc<[u8]>| text(name)).collect();
            writeln!(out, "  {field} {}", names.join(" ")).expect("a String");
        }
    }
    for value in &code.consts {
        writeln!(out, "  const {}", constant(value)).expect("a String");
    }
    for value in &code.consts {
        if let Constant::Code(code) = value {
            dump(code, out);
        }
    }
}

fn error(error: &CompileError) -> String {
    let class = match error.kind {
        ErrorKind::Syntax => "SyntaxError",
        ErrorKind::Recursion => return format!("RecursionError: {}", error.message),
        other => panic!("no case raises {other:?}"),
    };
    let number = |number: Option<u32>| number.map_or("None".to_string(), |number| number.to_string());
    format!("{class}: {} at {} {}", error.message, number(error.lineno), number(error.offset))
}

fn compile(
    source: &str,
    options: &ParseOptions<'_>,
    settings: Options<'_>,
    warnings: &mut Vec<CompileWarning>,
) -> Result<CodeObject, CompileError> {
    let (tree, parsing) = parse(source.as_bytes(), options)?;
    warnings.extend(parsing);
    compile_tree(tree, settings, warnings)
}

/// What comes of a case, as the recorder writes it.
fn outcome(head: &str, source: &str) -> String {
    let [mode, level, flags] = *head.split(' ').collect::<Vec<_>>() else { panic!("a wrong head: {head}") };
    let flags = u32::from_str_radix(flags, 16).expect("flags");
    let options = ParseOptions {
        mode: match mode {
            "eval" => Mode::Eval,
            "single" => Mode::Single,
            _ => Mode::Exec,
        },
        source: SourceKind::Text,
        filename: "f",
        barry_as_bdfl: flags & flags::BARRY_AS_BDFL != 0,
        ..ParseOptions::default()
    };
    let settings = Options { filename: b"f", flags, optimize: level.parse().expect("a level"), ..Options::default() };
    let mut warnings = Vec::new();
    let result = compile(source, &options, settings, &mut warnings);
    let mut out = String::new();
    for warning in &warnings {
        let category = if warning.deprecation { "DeprecationWarning" } else { "SyntaxWarning" };
        writeln!(out, "{} {category}: {}", warning.lineno, warning.message).expect("a String");
    }
    match result {
        Ok(code) => dump(&code, &mut out),
        Err(raised) => writeln!(out, "{}", error(&raised)).expect("a String"),
    }
    out
}

#[test]
fn code_objects_are_cpythons() {
    let sources = include_str!("compile/sources.txt");
    let expected = include_str!("compile/expected.txt");
    let sources: Vec<&str> = sources.split("=== ").skip(1).collect();
    let expected: Vec<&str> = expected.split("=== ").skip(1).collect();
    assert_eq!(sources.len(), expected.len(), "run tools/record_code.py");
    for (case, expected) in sources.iter().zip(&expected) {
        let (head, source) = case.split_once('\n').expect("a head");
        let (recorded_head, expected) = expected.split_once('\n').expect("a head");
        assert_eq!(head, recorded_head);
        assert_eq!(outcome(head, source), expected, "{head}\n{source}");
    }
}
