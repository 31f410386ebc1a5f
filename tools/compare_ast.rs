//! Prints the tree of each source file in the form of `tools/dump_ast.py`: compares them with what CPython 3.8 made.
//!
//! `compare_ast --show FILE` prints the text, `compare_ast RECORDED` compares with a file that dump_ast.py wrote.

use pycvm::compile::ast::*;
use pycvm::compile::constant::Constant;
use pycvm::compile::parse::{ParseOptions, SourceKind, parse};
use pycvm::compile::symbol::{Symbol, Symbols};
use std::fmt::Write;

struct Dump<'t> {
    out: String,
    symbols: &'t Symbols,
}

fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

impl Dump<'_> {
    fn open(&mut self, name: &str, at: Option<Position>) {
        self.out.push_str(name);
        if let Some(at) = at {
            let _ = write!(self.out, "@{}:{}-{}:{}", at.line, at.col, at.end_line, at.end_col);
        }
    }

    fn name(&mut self, name: Symbol) {
        self.out.push('s');
        hex(self.symbols.bytes(name), &mut self.out);
    }

    fn name_or_none(&mut self, name: Option<Symbol>) {
        match name {
            Some(name) => self.name(name),
            None => self.out.push_str("None"),
        }
    }

    fn node(&mut self, name: &str, at: Option<Position>, fields: &[&dyn Fn(&mut Self)]) {
        self.open(name, at);
        if fields.is_empty() {
            return;
        }
        self.out.push('(');
        for field in fields {
            field(self);
            self.out.push(' ');
        }
        self.out.push(')');
    }

    fn list<T>(&mut self, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.out.push('[');
        for item in items {
            each(self, item);
            self.out.push(' ');
        }
        self.out.push(']');
    }

    fn body(&mut self, body: &[Stmt]) {
        self.list(body, Self::stmt);
    }

    fn exprs(&mut self, exprs: &[Expr]) {
        self.list(exprs, Self::expr);
    }

    fn expr_or_none(&mut self, expr: Option<&Expr>) {
        match expr {
            Some(expr) => self.expr(expr),
            None => self.out.push_str("None"),
        }
    }

    fn word(&mut self, word: impl std::fmt::Debug) {
        let _ = write!(self.out, "{word:?}");
    }

    fn number(&mut self, number: i32) {
        let _ = write!(self.out, "{number}");
    }

    fn root(&mut self, root: &Mod) {
        if let Mod::Module { body, type_ignores } = root {
            self.node("Module", None, &[&|d| d.body(body), &|d| d.list(type_ignores, |_, _| {})]);
        }
    }

    fn function(&mut self, name: &str, at: Position, f: &FunctionDef) {
        self.node(
            name,
            Some(at),
            &[
                &|d| d.name(f.name),
                &|d| d.arguments(&f.args),
                &|d| d.body(&f.body),
                &|d| d.exprs(&f.decorator_list),
                &|d| d.expr_or_none(f.returns.as_deref()),
                &|d| d.name_or_none(f.type_comment),
            ],
        );
    }

    fn for_(&mut self, name: &str, at: Position, f: &For) {
        self.node(
            name,
            Some(at),
            &[&|d| d.expr(&f.target), &|d| d.expr(&f.iter), &|d| d.body(&f.body), &|d| d.body(&f.orelse), &|d| {
                d.name_or_none(f.type_comment)
            }],
        );
    }

    fn with(&mut self, name: &str, at: Position, w: &With) {
        self.node(
            name,
            Some(at),
            &[
                &|d| {
                    d.list(&w.items, |d, item| {
                        d.node(
                            "withitem",
                            None,
                            &[&|d| d.expr(&item.context_expr), &|d| d.expr_or_none(item.optional_vars.as_deref())],
                        )
                    })
                },
                &|d| d.body(&w.body),
                &|d| d.name_or_none(w.type_comment),
            ],
        );
    }

    fn aliases(&mut self, names: &[Alias]) {
        self.list(names, |d, alias| {
            d.node("alias", None, &[&|d| d.name(alias.name), &|d| d.name_or_none(alias.asname)])
        });
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let at = Some(stmt.at);
        match &stmt.kind {
            StmtKind::FunctionDef(f) => self.function("FunctionDef", stmt.at, f),
            StmtKind::AsyncFunctionDef(f) => self.function("AsyncFunctionDef", stmt.at, f),
            StmtKind::ClassDef(c) => self.node(
                "ClassDef",
                at,
                &[
                    &|d| d.name(c.name),
                    &|d| d.exprs(&c.bases),
                    &|d| d.keywords(&c.keywords),
                    &|d| d.body(&c.body),
                    &|d| d.exprs(&c.decorator_list),
                ],
            ),
            StmtKind::Return { value } => self.node("Return", at, &[&|d| d.expr_or_none(value.as_deref())]),
            StmtKind::Delete { targets } => self.node("Delete", at, &[&|d| d.exprs(targets)]),
            StmtKind::Assign { targets, value, type_comment } => self.node(
                "Assign",
                at,
                &[&|d| d.exprs(targets), &|d| d.expr(value), &|d| d.name_or_none(*type_comment)],
            ),
            StmtKind::AugAssign { target, op, value } => {
                self.node("AugAssign", at, &[&|d| d.expr(target), &|d| d.word(op), &|d| d.expr(value)])
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => self.node(
                "AnnAssign",
                at,
                &[&|d| d.expr(target), &|d| d.expr(annotation), &|d| d.expr_or_none(value.as_deref()), &|d| {
                    d.number(*simple)
                }],
            ),
            StmtKind::For(f) => self.for_("For", stmt.at, f),
            StmtKind::AsyncFor(f) => self.for_("AsyncFor", stmt.at, f),
            StmtKind::While { test, body, orelse } => {
                self.node("While", at, &[&|d| d.expr(test), &|d| d.body(body), &|d| d.body(orelse)])
            }
            StmtKind::If { test, body, orelse } => {
                self.node("If", at, &[&|d| d.expr(test), &|d| d.body(body), &|d| d.body(orelse)])
            }
            StmtKind::With(w) => self.with("With", stmt.at, w),
            StmtKind::AsyncWith(w) => self.with("AsyncWith", stmt.at, w),
            StmtKind::Raise { exc, cause } => {
                self.node("Raise", at, &[&|d| d.expr_or_none(exc.as_deref()), &|d| d.expr_or_none(cause.as_deref())])
            }
            StmtKind::Try(t) => self.node(
                "Try",
                at,
                &[
                    &|d| d.body(&t.body),
                    &|d| {
                        d.list(&t.handlers, |d, h| {
                            d.node(
                                "ExceptHandler",
                                Some(h.at),
                                &[&|d| d.expr_or_none(h.ty.as_deref()), &|d| d.name_or_none(h.name), &|d| {
                                    d.body(&h.body)
                                }],
                            )
                        })
                    },
                    &|d| d.body(&t.orelse),
                    &|d| d.body(&t.finalbody),
                ],
            ),
            StmtKind::Assert { test, msg } => {
                self.node("Assert", at, &[&|d| d.expr(test), &|d| d.expr_or_none(msg.as_deref())])
            }
            StmtKind::Import { names } => self.node("Import", at, &[&|d| d.aliases(names)]),
            StmtKind::ImportFrom { module, names, level } => self.node(
                "ImportFrom",
                at,
                &[&|d| d.name_or_none(*module), &|d| d.aliases(names), &|d| match level {
                    Some(level) => d.number(*level),
                    None => d.out.push_str("None"),
                }],
            ),
            StmtKind::Global { names } => self.node("Global", at, &[&|d| d.list(names, |d, name| d.name(*name))]),
            StmtKind::Nonlocal { names } => self.node("Nonlocal", at, &[&|d| d.list(names, |d, name| d.name(*name))]),
            StmtKind::Expr { value } => self.node("Expr", at, &[&|d| d.expr(value)]),
            StmtKind::Pass => self.open("Pass", at),
            StmtKind::Break => self.open("Break", at),
            StmtKind::Continue => self.open("Continue", at),
        }
    }

    fn keywords(&mut self, keywords: &[Keyword]) {
        self.list(keywords, |d, keyword| {
            d.node("keyword", None, &[&|d| d.name_or_none(keyword.arg), &|d| d.expr(&keyword.value)])
        });
    }

    fn arg(&mut self, arg: &Arg) {
        self.node(
            "arg",
            Some(arg.at),
            &[&|d| d.name(arg.arg), &|d| d.expr_or_none(arg.annotation.as_deref()), &|d| {
                d.name_or_none(arg.type_comment)
            }],
        );
    }

    fn arg_or_none(&mut self, arg: Option<&Arg>) {
        match arg {
            Some(arg) => self.arg(arg),
            None => self.out.push_str("None"),
        }
    }

    fn arguments(&mut self, a: &Arguments) {
        self.node(
            "arguments",
            None,
            &[
                &|d| d.list(&a.posonlyargs, Self::arg),
                &|d| d.list(&a.args, Self::arg),
                &|d| d.arg_or_none(a.vararg.as_deref()),
                &|d| d.list(&a.kwonlyargs, Self::arg),
                &|d| d.list(&a.kw_defaults, |d, default| d.expr_or_none(default.as_ref())),
                &|d| d.arg_or_none(a.kwarg.as_deref()),
                &|d| d.exprs(&a.defaults),
            ],
        );
    }

    fn generators(&mut self, generators: &[Comprehension]) {
        self.list(generators, |d, g| {
            d.node(
                "comprehension",
                None,
                &[&|d| d.expr(&g.target), &|d| d.expr(&g.iter), &|d| d.exprs(&g.ifs), &|d| d.number(g.is_async)],
            )
        });
    }

    fn slice(&mut self, slice: &Slice) {
        match slice {
            Slice::Slice { lower, upper, step } => self.node(
                "Slice",
                None,
                &[&|d| d.expr_or_none(lower.as_deref()), &|d| d.expr_or_none(upper.as_deref()), &|d| {
                    d.expr_or_none(step.as_deref())
                }],
            ),
            Slice::ExtSlice { dims } => self.node("ExtSlice", None, &[&|d| d.list(dims, Self::slice)]),
            Slice::Index { value } => self.node("Index", None, &[&|d| d.expr(value)]),
        }
    }

    fn constant(&mut self, value: &Constant) {
        match value {
            Constant::None => self.out.push_str("None"),
            Constant::Bool(true) => self.out.push_str("True"),
            Constant::Bool(false) => self.out.push_str("False"),
            Constant::Ellipsis => self.out.push_str("Ellipsis"),
            Constant::Int(value) => {
                let _ = write!(self.out, "i{value:x}");
            }
            Constant::BigInt(value) => {
                let _ = write!(self.out, "i{:x}", **value);
            }
            Constant::Float(value) => {
                let _ = write!(self.out, "f{:016x}", value.to_bits());
            }
            Constant::Complex(real, imag) => {
                let _ = write!(self.out, "c{:016x}{:016x}", real.to_bits(), imag.to_bits());
            }
            Constant::Str(text) => {
                self.out.push('s');
                hex(text, &mut self.out);
            }
            Constant::Bytes(bytes) => {
                self.out.push('b');
                hex(bytes, &mut self.out);
            }
            other => self.word(other),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let at = Some(expr.at);
        match &expr.kind {
            ExprKind::BoolOp { op, values } => self.node("BoolOp", at, &[&|d| d.word(op), &|d| d.exprs(values)]),
            ExprKind::NamedExpr { target, value } => {
                self.node("NamedExpr", at, &[&|d| d.expr(target), &|d| d.expr(value)])
            }
            ExprKind::BinOp { left, op, right } => {
                self.node("BinOp", at, &[&|d| d.expr(left), &|d| d.word(op), &|d| d.expr(right)])
            }
            ExprKind::UnaryOp { op, operand } => self.node("UnaryOp", at, &[&|d| d.word(op), &|d| d.expr(operand)]),
            ExprKind::Lambda { args, body } => self.node("Lambda", at, &[&|d| d.arguments(args), &|d| d.expr(body)]),
            ExprKind::IfExp { test, body, orelse } => {
                self.node("IfExp", at, &[&|d| d.expr(test), &|d| d.expr(body), &|d| d.expr(orelse)])
            }
            ExprKind::Dict { keys, values } => {
                self.node("Dict", at, &[&|d| d.list(keys, |d, key| d.expr_or_none(key.as_ref())), &|d| d.exprs(values)])
            }
            ExprKind::Set { elts } => self.node("Set", at, &[&|d| d.exprs(elts)]),
            ExprKind::ListComp { elt, generators } => {
                self.node("ListComp", at, &[&|d| d.expr(elt), &|d| d.generators(generators)])
            }
            ExprKind::SetComp { elt, generators } => {
                self.node("SetComp", at, &[&|d| d.expr(elt), &|d| d.generators(generators)])
            }
            ExprKind::GeneratorExp { elt, generators } => {
                self.node("GeneratorExp", at, &[&|d| d.expr(elt), &|d| d.generators(generators)])
            }
            ExprKind::DictComp { key, value, generators } => {
                self.node("DictComp", at, &[&|d| d.expr(key), &|d| d.expr(value), &|d| d.generators(generators)])
            }
            ExprKind::Await { value } => self.node("Await", at, &[&|d| d.expr(value)]),
            ExprKind::Yield { value } => self.node("Yield", at, &[&|d| d.expr_or_none(value.as_deref())]),
            ExprKind::YieldFrom { value } => self.node("YieldFrom", at, &[&|d| d.expr(value)]),
            ExprKind::Compare { left, ops, comparators } => self.node(
                "Compare",
                at,
                &[&|d| d.expr(left), &|d| d.list(ops, |d, op| d.word(op)), &|d| d.exprs(comparators)],
            ),
            ExprKind::Call { func, args, keywords } => {
                self.node("Call", at, &[&|d| d.expr(func), &|d| d.exprs(args), &|d| d.keywords(keywords)])
            }
            ExprKind::FormattedValue { value, conversion, format_spec } => self.node(
                "FormattedValue",
                at,
                &[&|d| d.expr(value), &|d| d.number(*conversion), &|d| d.expr_or_none(format_spec.as_deref())],
            ),
            ExprKind::JoinedStr { values } => self.node("JoinedStr", at, &[&|d| d.exprs(values)]),
            ExprKind::Constant { value, kind } => {
                self.node("Constant", at, &[&|d| d.constant(value), &|d| d.name_or_none(*kind)])
            }
            ExprKind::Attribute { value, attr, ctx } => {
                self.node("Attribute", at, &[&|d| d.expr(value), &|d| d.name(*attr), &|d| d.word(ctx)])
            }
            ExprKind::Subscript { value, slice, ctx } => {
                self.node("Subscript", at, &[&|d| d.expr(value), &|d| d.slice(slice), &|d| d.word(ctx)])
            }
            ExprKind::Starred { value, ctx } => self.node("Starred", at, &[&|d| d.expr(value), &|d| d.word(ctx)]),
            ExprKind::Name { id, ctx } => self.node("Name", at, &[&|d| d.name(*id), &|d| d.word(ctx)]),
            ExprKind::List { elts, ctx } => self.node("List", at, &[&|d| d.exprs(elts), &|d| d.word(ctx)]),
            ExprKind::Tuple { elts, ctx } => self.node("Tuple", at, &[&|d| d.exprs(elts), &|d| d.word(ctx)]),
        }
    }
}

/// The text of a file's tree, or what its error is.
fn text(path: &str) -> Result<String, String> {
    let source = std::fs::read(path).map_err(|error| error.to_string())?;
    let options = ParseOptions { source: SourceKind::Bytes, filename: path, ..ParseOptions::default() };
    match parse(&source, &options) {
        Ok((tree, _)) => {
            let mut dump = Dump { out: String::new(), symbols: &tree.symbols };
            dump.root(&tree.root);
            Ok(dump.out)
        }
        Err(error) => {
            let show = |number: Option<u32>| number.map_or("None".to_owned(), |number| number.to_string());
            Err(format!("error {:?} {} {} {}", error.kind, show(error.lineno), show(error.offset), error.message))
        }
    }
}

/// The text without columns.
fn without_columns(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, place) = rest.split_at(at);
        let end = place.find(|c: char| !matches!(c, '@' | '-' | ':' | '0'..='9')).unwrap_or(place.len());
        let (place, after) = place.split_at(end);
        let mut lines = place.trim_start_matches('@').split(':');
        let first = lines.next().unwrap_or("");
        let second = lines.next().unwrap_or("").rsplit('-').next().unwrap_or("");
        let _ = write!(out, "{before}@{first}-{second}");
        rest = after;
    }
    out.push_str(rest);
    out
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [flag, path] if flag == "--show" => println!("{}", text(path).unwrap_or_else(|error| error)),
        [flag, path] if flag == "--check" => {
            let source = std::fs::read(path).expect("a file");
            let options = ParseOptions { source: SourceKind::Bytes, type_comments: true, ..ParseOptions::default() };
            match parse(&source, &options) {
                Ok(_) => println!("ok"),
                Err(error) => println!("{:?} {:?} {}", error.kind, error.lineno, error.message),
            }
        }
        [flag, list] if flag == "--time" => {
            let list = std::fs::read_to_string(list).expect("a list of files");
            let sources: Vec<Vec<u8>> = list.lines().filter_map(|path| std::fs::read(path).ok()).collect();
            let bytes: usize = sources.iter().map(Vec::len).sum();
            let start = std::time::Instant::now();
            for source in &sources {
                let options = ParseOptions { source: SourceKind::Bytes, ..ParseOptions::default() };
                std::hint::black_box(parse(source, &options).is_ok());
            }
            let seconds = start.elapsed().as_secs_f64();
            println!("{bytes} bytes in {seconds:.3} s: {:.1} MB/s", bytes as f64 / seconds / 1e6);
        }
        [recorded] => compare(recorded),
        _ => eprintln!("usage: compare_ast --show FILE | --check FILE | --time LIST | RECORDED"),
    }
}

fn compare(recorded: &str) {
    let recorded = std::fs::read_to_string(recorded).expect("what dump_ast.py wrote");
    let (mut equal, mut lines, mut errors, mut all) = (0, 0, 0, 0);
    for record in recorded.lines() {
        all += 1;
        let mut words = record.split(' ');
        let (path, whole, without) = (words.next().unwrap_or(""), words.next(), words.next().unwrap_or(""));
        match (text(path), whole) {
            (Err(error), Some("error")) => {
                // What SyntaxError itself makes of the line is not the parser's.
                let class = |text: &str| match text.split_once("Missing parentheses") {
                    Some((before, _)) => format!("{before}invalid syntax").replace("Error", ""),
                    None => text.replace("Error", ""),
                };
                if class(record.split_once(' ').map_or("", |(_, text)| text)).replace("error", "")
                    == class(&error).replace("error", "")
                {
                    errors += 1;
                } else {
                    println!("ERROR DIFFERS {record}\n    {error}");
                }
            }
            (Ok(text), Some(whole)) if whole != "error" => {
                if md5(text.as_bytes()) == whole {
                    equal += 1;
                    lines += 1;
                } else if md5(without_columns(&text).as_bytes()) == without {
                    lines += 1;
                    println!("COLUMNS {path}");
                } else {
                    println!("TREE {path}");
                }
            }
            (Ok(_), _) => println!("ACCEPTED {record}"),
            (Err(error), _) => println!("REFUSED {path} {error}"),
        }
    }
    println!("{all} files: {equal} equal, {lines} equal without columns, {errors} errors equal");
}

/// MD5, for comparing with what Python's hashlib says.
fn md5(data: &[u8]) -> String {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut state = [0x67452301u32, 0xefcdab89, 0x98badcfe, 0x10325476];
    let mut message = data.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend_from_slice(&(data.len() as u64 * 8).to_le_bytes());
    let sines: Vec<u32> = (0..64).map(|i| (f64::from(i + 1).sin().abs() * 4294967296.0) as u32).collect();
    for chunk in message.chunks_exact(64) {
        let words: Vec<u32> = chunk.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64 {
            let (f, g) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let sum = f.wrapping_add(a).wrapping_add(sines[i]).wrapping_add(words[g]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[i / 16][i % 4]));
        }
        for (state, add) in state.iter_mut().zip([a, b, c, d]) {
            *state = state.wrapping_add(add);
        }
    }
    let mut out = String::new();
    for word in state {
        hex(&word.to_le_bytes(), &mut out);
    }
    out
}
