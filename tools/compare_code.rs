//! Compares the code objects that this compiler makes with CPython 3.8's, field by field, for every source file of the
//! installed library or of the paths given, at optimisation levels 0, 1 and 2; the exceptions for those that are refused;
//! and how fast both compile.
//!
//! `cargo run --release --example compare_code [--show N] [PATH...]`. Needs a CPython 3.8 (`PYTHON38`, `python3.8` on
//! PATH, or pyenv's).

#[path = "../tests/cpython/mod.rs"]
mod cpython;

use pycvm::compile::error::{CompileError, ErrorKind};
use pycvm::compile::parse::{Mode, ParseOptions, SourceKind};
use pycvm::compile::{Options, marshal};
use pycvm::pyc::code::{Code, Constant};
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// As the command has it.
#[global_allocator]
static ALLOCATOR: pycvm::object::pool::Pools = pycvm::object::pool::Pools;

fn main() -> Result<(), Box<dyn Error>> {
    let mut show = 20;
    let mut roots = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--show" {
            show = arguments.next().ok_or("--show needs a number")?.parse()?;
        } else {
            roots.push(PathBuf::from(argument));
        }
    }
    let python = cpython::interpreter().ok_or("no CPython 3.8 found: set PYTHON38")?;
    if roots.is_empty() {
        let output = Command::new(python).args(["-c", "import os; print(os.path.dirname(os.__file__))"]).output()?;
        roots.push(PathBuf::from(String::from_utf8(output.stdout)?.trim()));
    }
    let recorded = std::env::temp_dir().join(format!("pycvm-compare-code-{}", std::process::id()));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/dump_code.py");
    let output = Command::new(python).args(["-W", "ignore", script]).arg(&recorded).args(&roots).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let theirs: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    let data = std::fs::read(&recorded)?;
    std::fs::remove_file(&recorded)?;

    let mut records = Vec::new();
    let mut rest = data.as_slice();
    while !rest.is_empty() {
        let path = String::from_utf8_lossy(take(&mut rest)?).into_owned();
        let decoded = take(&mut rest)?;
        let source = std::fs::read(&path)?;
        let mut levels = Vec::new();
        for _ in 0..3 {
            if rest.starts_with(&[0xff; 4]) {
                rest = &rest[4..];
                levels.push(Err(String::from_utf8_lossy(take(&mut rest)?).into_owned()));
            } else {
                levels.push(Ok(take(&mut rest)?));
            }
        }
        records.push((path, source, decoded, levels));
    }

    let mut out = std::io::stdout().lock();
    let (mut ours, mut parsing, mut bytes) = (Duration::ZERO, Duration::ZERO, 0);
    let mut shown = 0;
    for level in 0..3u8 {
        let (mut equal, mut total, mut refused) = (0, 0, 0);
        for (path, source, decoded, levels) in &records {
            let start = Instant::now();
            // The library's codecs are CPython's business here.
            let decode = |_: &str, _: &[u8]| (!decoded.is_empty()).then(|| Ok(decoded.to_vec()));
            let options = ParseOptions {
                mode: Mode::Exec,
                source: SourceKind::Bytes,
                filename: path,
                decode: Some(&decode),
                ..Default::default()
            };
            let parsed = pycvm::compile::parse::parse(source, &options);
            if level == 0 && levels[0].is_ok() {
                parsing += start.elapsed();
            }
            let result = parsed.and_then(|(tree, mut warnings)| {
                let options = Options { filename: path.as_bytes(), optimize: level, ..Default::default() };
                pycvm::compile::compile_tree(tree, options, &mut warnings)
            });
            if level == 0 && levels[0].is_ok() {
                ours += start.elapsed();
                bytes += source.len();
            }
            let difference = match (&result, &levels[usize::from(level)]) {
                (Err(error), Err(theirs)) => {
                    let ours = describe(error, path);
                    refused += 1;
                    (ours != *theirs).then(|| format!("raises {ours}, CPython {theirs}"))
                }
                (Ok(_), Err(error)) => Some(format!("CPython raises {error}")),
                (Err(error), Ok(_)) => Some(format!("{:?}: {} (line {:?})", error.kind, error.message, error.lineno)),
                (Ok(code), Ok(theirs)) => {
                    let ours = marshal::dumps(code);
                    let (ours, theirs) = (pycvm::pyc::marshal::read(&ours), pycvm::pyc::marshal::read(theirs));
                    match (ours.as_ref().ok().and_then(|t| t.code()), theirs.as_ref().ok().and_then(|t| t.code())) {
                        (Some(ours), Some(theirs)) => compare(ours, theirs, "<module>"),
                        _ => Some("cannot be read back".to_string()),
                    }
                }
            };
            total += usize::from(levels[usize::from(level)].is_ok());
            match difference {
                None => equal += usize::from(levels[usize::from(level)].is_ok()),
                Some(text) => {
                    shown += 1;
                    if shown <= show {
                        writeln!(out, "{path} at level {level}: {text}")?;
                    } else {
                        writeln!(out, "{path} at level {level}: {}", text.lines().next().unwrap_or_default())?;
                    }
                }
            }
        }
        writeln!(out, "level {level}: {equal} of {total} files equal, {refused} refused by both")?;
    }
    let megabytes = bytes as f64 / 1e6;
    writeln!(
        out,
        "compile: {:.2} MB/s (parsing {:.3} s of {:.3} s); CPython {:.2} MB/s ({theirs:.3} s); ratio {:.2}",
        megabytes / ours.as_secs_f64(),
        parsing.as_secs_f64(),
        ours.as_secs_f64(),
        megabytes / theirs,
        theirs / ours.as_secs_f64()
    )?;
    Ok(())
}

/// An exception as the recorder writes it.
fn describe(error: &CompileError, path: &str) -> String {
    let class = match error.kind {
        ErrorKind::Syntax => "SyntaxError",
        ErrorKind::Indentation => "IndentationError",
        ErrorKind::Tab => "TabError",
        ErrorKind::Value => "ValueError",
        ErrorKind::Overflow => "OverflowError",
        ErrorKind::Memory => "MemoryError",
        ErrorKind::Recursion => "RecursionError",
        ErrorKind::Type => "TypeError",
        ErrorKind::System => "SystemError",
    };
    let name = error.filename.unwrap_or(path).rsplit('/').next().unwrap_or_default();
    let message = match (&error.text, error.kind) {
        // What SyntaxError itself makes of a statement of Python 2.
        (Some(text), ErrorKind::Syntax) => legacy(&String::from_utf8_lossy(text)),
        _ => None,
    };
    let message = message.unwrap_or_else(|| error.message.clone());
    match error.lineno {
        Some(line) => format!("{class}: {message} ({name}, line {line})"),
        None => format!("{class}: {message}"),
    }
}

fn legacy(text: &str) -> Option<String> {
    if text.contains('(') {
        return None;
    }
    let statement = |text: &str| {
        let text = text.trim_start();
        if let Some(data) = text.strip_prefix("print ") {
            let data = data.split(';').next().unwrap_or_default().trim();
            let end = if data.ends_with(',') { " end=\" \"" } else { "" };
            return Some(format!("Missing parentheses in call to 'print'. Did you mean print({data}{end})?"));
        }
        text.starts_with("exec ").then(|| "Missing parentheses in call to 'exec'".to_owned())
    };
    statement(text).or_else(|| statement(text.split_once(':')?.1))
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Box<dyn Error>> {
    let (len, after) = rest.split_first_chunk().ok_or("record cut short")?;
    let (record, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize).ok_or("record cut short")?;
    *rest = after;
    Ok(record)
}

/// A constant as text in which all that matters shows; sets sorted.
fn show(constant: Constant<'_, '_>) -> String {
    match constant {
        Constant::Float(value) => format!("float {value:?} {:x}", value.to_bits()),
        Constant::Complex(re, im) => format!("complex {re:?} {im:?} {:x} {:x}", re.to_bits(), im.to_bits()),
        Constant::Int(value) => format!("int {value}"),
        Constant::BigInt(value) => format!("int {}", value.to_bigint()),
        Constant::Str(text) => {
            format!("str {:?}", text.code_points().collect::<Vec<_>>()).replace(", ", " ")
                + &format!(" {}", text.to_string_lossy())
        }
        Constant::Bytes(bytes) => format!("bytes {bytes:?}"),
        Constant::Tuple(items) => format!("({})", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Constant::FrozenSet(items) => {
            let mut items: Vec<String> = items.iter().map(show).collect();
            items.sort();
            format!("frozenset({})", items.join(", "))
        }
        Constant::None => "None".into(),
        Constant::True => "True".into(),
        Constant::False => "False".into(),
        Constant::Ellipsis => "...".into(),
        Constant::Code(code) => format!("code {}", code.name().to_string_lossy()),
        _ => "?".into(),
    }
}

fn listing(code: Code<'_, '_>) -> Vec<String> {
    let mut text = Vec::new();
    let _ = pycvm::pyc::dis::disassemble(code, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().take_while(|line| !line.starts_with("Disassembly of")).map(str::to_string).collect()
}

fn compare(ours: Code<'_, '_>, theirs: Code<'_, '_>, name: &str) -> Option<String> {
    let numbers = [
        ("argcount", ours.argcount(), theirs.argcount()),
        ("posonlyargcount", ours.posonlyargcount(), theirs.posonlyargcount()),
        ("kwonlyargcount", ours.kwonlyargcount(), theirs.kwonlyargcount()),
        ("nlocals", ours.nlocals(), theirs.nlocals()),
        ("flags", ours.raw().flags as u32, theirs.raw().flags as u32),
        ("firstlineno", ours.firstlineno() as u32, theirs.firstlineno() as u32),
    ];
    for (field, ours, theirs) in numbers {
        if ours != theirs {
            return Some(format!("{name}: {field} is {ours}, CPython's is {theirs}"));
        }
    }
    let names = [
        ("names", ours.names(), theirs.names()),
        ("varnames", ours.varnames(), theirs.varnames()),
        ("freevars", ours.freevars(), theirs.freevars()),
        ("cellvars", ours.cellvars(), theirs.cellvars()),
    ];
    for (field, ours, theirs) in names {
        let text = |names: pycvm::pyc::code::Names<'_, '_>| -> Vec<String> {
            names.iter().map(|name| format!("{:?}", name.to_string_lossy())).collect()
        };
        if !ours.iter().map(|name| name.bytes()).eq(theirs.iter().map(|name| name.bytes())) {
            return Some(format!("{name}: {field} are {:?}, CPython's {:?}", text(ours), text(theirs)));
        }
    }
    if ours.code() != theirs.code() {
        let (ours, theirs) = (listing(ours), listing(theirs));
        let at = ours.iter().zip(&theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
        let part = |lines: &[String]| -> String {
            lines.iter().skip(at.saturating_sub(4)).take(9).map(|line| format!("    {line}\n")).collect()
        };
        return Some(format!("{name}: code differs\n  ours:\n{}  CPython:\n{}", part(&ours), part(&theirs)));
    }
    let (a, b): (Vec<String>, Vec<String>) =
        (ours.consts().iter().map(show).collect(), theirs.consts().iter().map(show).collect());
    if a != b {
        let at = a.iter().zip(&b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
        return Some(format!("{name}: constant {at} is {:?}, CPython's {:?}", a.get(at), b.get(at)));
    }
    if ours.lnotab() != theirs.lnotab() {
        return Some(format!("{name}: lnotab is {:?}, CPython's {:?}", ours.lnotab(), theirs.lnotab()));
    }
    if ours.name().bytes() != theirs.name().bytes() {
        return Some(format!("{name}: name differs"));
    }
    if ours.filename().bytes() != theirs.filename().bytes() {
        return Some(format!("{name}: filename differs"));
    }
    for (ours, theirs) in ours.nested().zip(theirs.nested()) {
        let name = format!("{name}.{}", ours.name().to_string_lossy());
        if let Some(difference) = compare(ours, theirs, &name) {
            return Some(difference);
        }
    }
    if ours.stacksize() != theirs.stacksize() {
        return Some(format!("{name}: stacksize is {}, CPython's {}", ours.stacksize(), theirs.stacksize()));
    }
    None
}
