//! Trees as objects of `_ast` and back: nothing is lost on the way.
#![cfg(feature = "compile")]

use pycvm::compile::ast::Tree;
use pycvm::compile::parse::{Mode, ParseOptions, SourceKind, parse};
use pycvm::modules::ast::{from_object, to_object};
use pycvm::object::text;
use pycvm::vm::runtime;

/// A tree as text, names spelled out: the numbers of symbols depend on the order in which names were met.
fn dump(tree: &Tree) -> String {
    let mut names = Vec::new();
    let mut symbols = pycvm::compile::symbol::Symbols::default();
    // Symbols count from 0 in the order in which they are made.
    let text = format!("{:?}", tree.root);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("Symbol(") {
        out.push_str(&rest[..at]);
        rest = &rest[at + 7..];
        let end = rest.find(')').expect("a closed parenthesis");
        let number: usize = rest[..end].parse().expect("a number");
        while names.len() <= number {
            names.push(symbols.intern(&format!("name {}", names.len())));
        }
        out.push_str(&format!("{:?}", tree.symbols.text(names[number])));
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    // Whatever has no level has level 0.
    out.replace("level: None", "level: Some(0)")
}

/// A source's tree, and what it is after the way to objects and back. `None` when it is none.
fn both_ways(source: &[u8], mode: Mode) -> Option<Result<(String, String), String>> {
    let options = ParseOptions { mode, source: SourceKind::Bytes, type_comments: true, ..ParseOptions::default() };
    let (tree, _) = parse(source, &options).ok()?;
    let outcome = to_object(&tree).and_then(|object| from_object(&object, mode));
    Some(match outcome {
        Ok(again) => Ok((dump(&tree), dump(&again))),
        Err(raised) => Err(text::str_string(raised.value()).unwrap_or_default()),
    })
}

fn round_trip(source: &[u8], mode: Mode, name: &str) {
    let outcome = runtime::with(|| both_ways(source, mode));
    let (before, after) = outcome.expect("a source").expect("a tree");
    assert_eq!(before, after, "{name}");
}

#[test]
fn every_kind_of_node_survives() {
    let source = br#"
async def f(a, /, b: int = 1, *c, d, e=2, **g) -> int:
    async for x in y: await x
    else: pass
    async with a as b, c: return
    return [i async for i in x if i if not i]
@d.e(1, *a, k=2, **b)
class C(B, metaclass=M):
    x: int = 1
    (y): str
    global z
def g():
    nonlocal q
    yield
    yield from x
    x = yield 1
    del a, b[0], c.d
    try: raise E from e
    except (A, B) as e: pass
    except: raise
    else: continue
    finally: break
    assert a, b
    import a.b as c, d
    from .. import e as f
    from .g import *
while x: x += 1
else: pass
for i, *j in k:  # type: int
    pass
if a: b
elif c: d
else: e
with a: pass
x = y = 1  # type: ignore
lambda *a, b=1, **c: (a and b or not c)
{**a, b: c}; {1, *a}; {a: b for a, b in c}; {a for a in b}; (a for a in b)
a if b else c
a < b <= c != d is not e not in f
f'{a!r:>{b}}' 'c' f'{d=}'
u'a'; b'\xff'; 1.5; 2j; 10**30; 123456789012345678901234567890; ...; None; True; False; '\ud800'; -1; ~a; +a
a[1:2:3, ...]; a[b]; a[1:]; a[b, c]
(n := 1)
a @ b; a // b; a % b; a ** b; a << b; a >> b; a | b; a ^ b; a & b; a - b; a / b; a * b
[a, (b, c)]
"#;
    round_trip(source, Mode::Exec, "all");
    round_trip(b"(a, lambda: b)", Mode::Eval, "eval");
    round_trip(b"a; b\n", Mode::Single, "single");
    round_trip(b"(int, *str, **dict) -> Any", Mode::FuncType, "func_type");
}

#[test]
fn what_is_no_tree_is_refused() {
    let outcome = runtime::with(|| {
        let options = ParseOptions { mode: Mode::Eval, ..ParseOptions::default() };
        let (tree, _) = parse(b"a", &options).expect("a tree");
        let object = to_object(&tree).map_err(|_| "to_object".to_owned())?;
        match from_object(&object, Mode::Exec) {
            Ok(_) => Err("accepted".to_owned()),
            Err(raised) => text::str_string(raised.value()).map_err(|_| "no text".to_owned()),
        }
    });
    assert_eq!(outcome.as_deref(), Ok("expected Module node, got Expression"));
}

/// The library of CPython, when `CPYTHON_LIBRARY` says where it is.
#[test]
fn the_library_survives() {
    let Ok(list) = std::env::var("CPYTHON_LIBRARY") else { return };
    let list = std::fs::read_to_string(list).expect("a list of files");
    let trees = runtime::with(|| {
        let mut trees = 0;
        for path in list.lines() {
            let source = std::fs::read(path).expect("a file");
            let Some(outcome) = both_ways(&source, Mode::Exec) else { continue };
            let (before, after) = outcome.expect("a tree");
            assert!(before == after, "{path}");
            trees += 1;
        }
        trees
    });
    println!("{trees} trees");
    assert!(trees > 0);
}
