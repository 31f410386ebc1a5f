//! Annotations as text (`from __future__ import annotations`). As CPython 3.8's `ast_unparse.c`.

use crate::compile::ast::{
    Arg, Arguments, BoolOp, CmpOp, Comprehension, Expr, ExprKind, Keyword, Operator, Slice, UnaryOp,
};
use crate::compile::constant::Constant;
use crate::compile::stack::deeper;
use crate::compile::symbol::{Symbol, Symbols};
use crate::pyc::repr::is_printable;
use crate::types::float::text::{Style, format_double, repr as float_repr};
use std::io::Write;

/// How tightly operators bind, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Tuple,
    Test,
    Or,
    And,
    Not,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Arith,
    Term,
    Factor,
    Power,
    Await,
    Atom,
}

/// Expressions of comparisons bind at least as tightly as this.
const EXPR: Level = Level::BitOr;

struct Writer<'a> {
    out: Vec<u8>,
    symbols: &'a Symbols,
}

/// The text of an expression, in WTF-8.
pub fn unparse(expr: &Expr, symbols: &Symbols) -> Vec<u8> {
    let mut writer = Writer { out: Vec::new(), symbols };
    writer.expr(expr, Level::Test);
    writer.out
}

fn operator(op: Operator) -> (&'static str, Level, Level, Level) {
    // The text, its level, and those of both operands.
    use Level::{Arith, Await, BitAnd, BitOr, BitXor, Factor, Power, Shift, Term};
    match op {
        Operator::Add => (" + ", Arith, Arith, Term),
        Operator::Sub => (" - ", Arith, Arith, Term),
        Operator::Mult => (" * ", Term, Term, Factor),
        Operator::MatMult => (" @ ", Term, Term, Factor),
        Operator::Div => (" / ", Term, Term, Factor),
        Operator::Mod => (" % ", Term, Term, Factor),
        Operator::FloorDiv => (" // ", Term, Term, Factor),
        Operator::LShift => (" << ", Shift, Shift, Arith),
        Operator::RShift => (" >> ", Shift, Shift, Arith),
        Operator::BitOr => (" | ", BitOr, BitOr, BitXor),
        Operator::BitXor => (" ^ ", BitXor, BitXor, BitAnd),
        Operator::BitAnd => (" & ", BitAnd, BitAnd, Shift),
        Operator::Pow => (" ** ", Power, Await, Power),
    }
}

fn comparison(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => " == ",
        CmpOp::NotEq => " != ",
        CmpOp::Lt => " < ",
        CmpOp::LtE => " <= ",
        CmpOp::Gt => " > ",
        CmpOp::GtE => " >= ",
        CmpOp::Is => " is ",
        CmpOp::IsNot => " is not ",
        CmpOp::In => " in ",
        CmpOp::NotIn => " not in ",
    }
}

impl Writer<'_> {
    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn name(&mut self, name: Symbol) {
        let symbols = self.symbols;
        self.out.extend_from_slice(symbols.bytes(name));
    }

    /// Writes in parentheses if it must bind more tightly than it does.
    fn grouped(&mut self, group: bool, write: impl FnOnce(&mut Self)) {
        if group {
            self.push("(");
        }
        write(self);
        if group {
            self.push(")");
        }
    }

    fn list(&mut self, exprs: &[Expr]) {
        for (position, expr) in exprs.iter().enumerate() {
            if position > 0 {
                self.push(", ");
            }
            self.expr(expr, Level::Test);
        }
    }

    fn expr(&mut self, expr: &Expr, level: Level) {
        deeper(|| self.expr_kind(expr, level));
    }

    fn expr_kind(&mut self, expr: &Expr, level: Level) {
        match &expr.kind {
            ExprKind::BoolOp { op, values } => {
                let (word, own, inner) = match op {
                    BoolOp::And => (" and ", Level::And, Level::Not),
                    BoolOp::Or => (" or ", Level::Or, Level::And),
                };
                self.grouped(level > own, |this| {
                    for (position, value) in values.iter().enumerate() {
                        if position > 0 {
                            this.push(word);
                        }
                        this.expr(value, inner);
                    }
                });
            }
            ExprKind::NamedExpr { target, value } => self.grouped(level > Level::Tuple, |this| {
                this.expr(target, Level::Atom);
                this.push(":=");
                this.expr(value, Level::Atom);
            }),
            ExprKind::BinOp { left, op, right } => {
                let (text, own, before, after) = operator(*op);
                self.grouped(level > own, |this| {
                    this.expr(left, before);
                    this.push(text);
                    this.expr(right, after);
                });
            }
            ExprKind::UnaryOp { op, operand } => {
                let (text, own) = match op {
                    UnaryOp::Invert => ("~", Level::Factor),
                    UnaryOp::Not => ("not ", Level::Not),
                    UnaryOp::UAdd => ("+", Level::Factor),
                    UnaryOp::USub => ("-", Level::Factor),
                };
                self.grouped(level > own, |this| {
                    this.push(text);
                    this.expr(operand, own);
                });
            }
            ExprKind::Lambda { args, body } => self.grouped(level > Level::Test, |this| {
                this.push(if args.args.is_empty() && args.posonlyargs.is_empty() { "lambda" } else { "lambda " });
                this.arguments(args);
                this.push(": ");
                this.expr(body, Level::Test);
            }),
            ExprKind::IfExp { test, body, orelse } => self.grouped(level > Level::Test, |this| {
                this.expr(body, Level::Or);
                this.push(" if ");
                this.expr(test, Level::Or);
                this.push(" else ");
                this.expr(orelse, Level::Test);
            }),
            ExprKind::Dict { keys, values } => {
                self.push("{");
                for (position, (key, value)) in keys.iter().zip(values).enumerate() {
                    if position > 0 {
                        self.push(", ");
                    }
                    match key {
                        Some(key) => {
                            self.expr(key, Level::Test);
                            self.push(": ");
                            self.expr(value, Level::Test);
                        }
                        None => {
                            self.push("**");
                            self.expr(value, EXPR);
                        }
                    }
                }
                self.push("}");
            }
            ExprKind::Set { elts } => {
                self.push("{");
                self.list(elts);
                self.push("}");
            }
            ExprKind::List { elts, .. } => {
                self.push("[");
                self.list(elts);
                self.push("]");
            }
            ExprKind::Tuple { elts, .. } => {
                if elts.is_empty() {
                    self.push("()");
                    return;
                }
                self.grouped(level > Level::Tuple, |this| {
                    this.list(elts);
                    if elts.len() == 1 {
                        this.push(",");
                    }
                });
            }
            ExprKind::GeneratorExp { elt, generators } => self.comprehension("(", elt, None, generators, ")"),
            ExprKind::ListComp { elt, generators } => self.comprehension("[", elt, None, generators, "]"),
            ExprKind::SetComp { elt, generators } => self.comprehension("{", elt, None, generators, "}"),
            ExprKind::DictComp { key, value, generators } => {
                self.comprehension("{", key, Some(value), generators, "}");
            }
            ExprKind::Yield { value: None } => self.push("(yield)"),
            ExprKind::Yield { value: Some(value) } => {
                self.push("(yield ");
                self.expr(value, Level::Test);
                self.push(")");
            }
            ExprKind::YieldFrom { value } => {
                self.push("(yield from ");
                self.expr(value, Level::Test);
                self.push(")");
            }
            ExprKind::Await { value } => self.grouped(level > Level::Await, |this| {
                this.push("await ");
                this.expr(value, Level::Atom);
            }),
            ExprKind::Compare { left, ops, comparators } => self.grouped(level > Level::Compare, |this| {
                this.expr(left, EXPR);
                for (op, right) in ops.iter().zip(comparators) {
                    this.push(comparison(*op));
                    this.expr(right, EXPR);
                }
            }),
            ExprKind::Call { func, args, keywords } => self.call(func, args, keywords),
            ExprKind::Constant { value, .. } => self.constant(value),
            ExprKind::JoinedStr { values } => self.joined(values, false),
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                self.formatted(value, *conversion, format_spec.as_deref());
            }
            ExprKind::Attribute { value, attr, .. } => {
                self.expr(value, Level::Atom);
                let int =
                    matches!(value.kind, ExprKind::Constant { value: Constant::Int(_) | Constant::BigInt(_), .. });
                self.push(if int { " ." } else { "." });
                self.name(*attr);
            }
            ExprKind::Starred { value, .. } => {
                self.push("*");
                self.expr(value, EXPR);
            }
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value, Level::Atom);
                self.push("[");
                self.slice(slice);
                self.push("]");
            }
            ExprKind::Name { id, .. } => self.name(*id),
        }
    }

    fn arg(&mut self, arg: &Arg) {
        self.name(arg.arg);
        if let Some(annotation) = &arg.annotation {
            self.push(": ");
            self.expr(annotation, Level::Test);
        }
    }

    fn arguments(&mut self, args: &Arguments) {
        let mut first = true;
        let mut comma = |this: &mut Self| {
            if !std::mem::take(&mut first) {
                this.push(", ");
            }
        };
        let positional = args.posonlyargs.len() + args.args.len();
        for (position, arg) in args.posonlyargs.iter().chain(&args.args).enumerate() {
            comma(self);
            self.arg(arg);
            let default = (position + args.defaults.len()).checked_sub(positional);
            if let Some(default) = default.and_then(|at| args.defaults.get(at)) {
                self.push("=");
                self.expr(default, Level::Test);
            }
            if position + 1 == args.posonlyargs.len() {
                self.push(", /");
            }
        }
        if args.vararg.is_some() || !args.kwonlyargs.is_empty() {
            comma(self);
            self.push("*");
            if let Some(arg) = &args.vararg {
                self.arg(arg);
            }
        }
        for (position, arg) in args.kwonlyargs.iter().enumerate() {
            comma(self);
            self.arg(arg);
            if let Some(Some(default)) = args.kw_defaults.get(position) {
                self.push("=");
                self.expr(default, Level::Test);
            }
        }
        if let Some(arg) = &args.kwarg {
            comma(self);
            self.push("**");
            self.arg(arg);
        }
    }

    fn comprehension(
        &mut self,
        open: &str,
        elt: &Expr,
        value: Option<&Expr>,
        generators: &[Comprehension],
        close: &str,
    ) {
        self.push(open);
        self.expr(elt, Level::Test);
        if let Some(value) = value {
            self.push(": ");
            self.expr(value, Level::Test);
        }
        for generator in generators {
            self.push(if generator.is_async != 0 { " async for " } else { " for " });
            self.expr(&generator.target, Level::Tuple);
            self.push(" in ");
            self.expr(&generator.iter, Level::Or);
            for test in &generator.ifs {
                self.push(" if ");
                self.expr(test, Level::Or);
            }
        }
        self.push(close);
    }

    fn call(&mut self, func: &Expr, args: &[Expr], keywords: &[Keyword]) {
        self.expr(func, Level::Atom);
        if let ([only], []) = (args, keywords)
            && matches!(only.kind, ExprKind::GeneratorExp { .. })
        {
            self.expr(only, Level::Atom);
            return;
        }
        self.push("(");
        self.list(args);
        for (position, keyword) in keywords.iter().enumerate() {
            if position > 0 || !args.is_empty() {
                self.push(", ");
            }
            match keyword.arg {
                Some(name) => {
                    self.name(name);
                    self.push("=");
                }
                None => self.push("**"),
            }
            self.expr(&keyword.value, Level::Test);
        }
        self.push(")");
    }

    fn slice(&mut self, slice: &Slice) {
        match slice {
            Slice::Slice { lower, upper, step } => {
                if let Some(lower) = lower {
                    self.expr(lower, Level::Test);
                }
                self.push(":");
                if let Some(upper) = upper {
                    self.expr(upper, Level::Test);
                }
                if let Some(step) = step {
                    self.push(":");
                    self.expr(step, Level::Test);
                }
            }
            Slice::ExtSlice { dims } => {
                for (position, dim) in dims.iter().enumerate() {
                    if position > 0 {
                        self.push(", ");
                    }
                    deeper(|| self.slice(dim));
                }
                if dims.len() == 1 {
                    self.push(",");
                }
            }
            Slice::Index { value } => {
                // As append_ast_index_slice: without parentheses 3.8 could not read an item with a star.
                let has_star = match &value.kind {
                    ExprKind::Tuple { elts, .. } => elts.iter().any(|elt| matches!(elt.kind, ExprKind::Starred { .. })),
                    _ => false,
                };
                self.expr(value, if has_star { Level::Test } else { Level::Tuple });
            }
        }
    }

    /// What stands in the quotes of an f-string.
    fn joined(&mut self, values: &[Expr], in_spec: bool) {
        let outer = std::mem::take(&mut self.out);
        for value in values {
            self.fstring_part(value, in_spec);
        }
        let body = std::mem::replace(&mut self.out, outer);
        if in_spec {
            self.out.extend_from_slice(&body);
        } else {
            self.push("f");
            write_str(&body, &mut self.out);
        }
    }

    fn fstring_part(&mut self, part: &Expr, in_spec: bool) {
        match &part.kind {
            ExprKind::Constant { value: Constant::Str(text), .. } => {
                for &byte in text.iter() {
                    self.out.push(byte);
                    if matches!(byte, b'{' | b'}') {
                        self.out.push(byte);
                    }
                }
            }
            ExprKind::JoinedStr { values } => deeper(|| self.joined(values, in_spec)),
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                deeper(|| self.formatted(value, *conversion, format_spec.as_deref()));
            }
            _ => {}
        }
    }

    fn formatted(&mut self, value: &Expr, conversion: i32, spec: Option<&Expr>) {
        self.push("{");
        let start = self.out.len();
        self.expr(value, Level::Or);
        if self.out.get(start) == Some(&b'{') {
            self.out.insert(start, b' ');
        }
        if let Ok(letter @ (b'a' | b'r' | b's')) = u8::try_from(conversion) {
            self.out.extend([b'!', letter]);
        }
        if let Some(spec) = spec {
            self.push(":");
            self.fstring_part(spec, true);
        }
        self.push("}");
    }

    fn constant(&mut self, value: &Constant) {
        match value {
            Constant::Ellipsis => self.push("..."),
            value => write_repr(value, &mut self.out),
        }
    }
}

/// Appends the `repr()` of a constant.
fn write_repr(value: &Constant, out: &mut Vec<u8>) {
    match value {
        Constant::None => out.extend(b"None"),
        Constant::Bool(true) => out.extend(b"True"),
        Constant::Bool(false) => out.extend(b"False"),
        Constant::Ellipsis => out.extend(b"Ellipsis"),
        Constant::Int(value) => out.extend(value.to_string().bytes()),
        Constant::BigInt(value) => out.extend(value.to_string().bytes()),
        Constant::Float(value) => out.extend(float_repr(*value).bytes()),
        Constant::Complex(re, im) => {
            let plain = |value: f64, plus| format_double(value, b'r', 0, Style { plus, ..Style::default() });
            let text = if *re == 0.0 && re.is_sign_positive() {
                format!("{}j", plain(*im, false))
            } else {
                format!("({}{}j)", plain(*re, false), plain(*im, true))
            };
            out.extend(text.bytes());
        }
        Constant::Str(text) => write_str(text, out),
        Constant::Bytes(bytes) => write_bytes(bytes, out),
        Constant::Tuple(items) => {
            out.push(b'(');
            write_items(items, out);
            out.extend(if items.len() == 1 { &b",)"[..] } else { b")" });
        }
        Constant::FrozenSet(items) if items.is_empty() => out.extend(b"frozenset()"),
        Constant::FrozenSet(items) => {
            out.extend(b"frozenset({");
            write_items(items, out);
            out.extend(b"})");
        }
        Constant::Code(_) => out.extend(b"<code object>"),
    }
}

fn write_items(items: &[Constant], out: &mut Vec<u8>) {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.extend(b", ");
        }
        deeper(|| write_repr(item, out));
    }
}

fn quote(text: &[u8]) -> u8 {
    if text.contains(&b'\'') && !text.contains(&b'"') { b'"' } else { b'\'' }
}

/// The code points of WTF-8.
fn code_points(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (&first, _) = rest.split_first()?;
        let len = match first {
            0..=0x7f => 1,
            0x80..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        };
        let (bytes, after) = rest.split_at(len.min(rest.len()));
        rest = after;
        let mut point = if len == 1 { u32::from(first) } else { u32::from(first) & (0x7f >> len) };
        for &byte in bytes.iter().skip(1) {
            point = point << 6 | u32::from(byte & 0x3f);
        }
        Some((point, bytes))
    })
}

fn write_str(text: &[u8], out: &mut Vec<u8>) {
    let quote = quote(text);
    out.push(quote);
    for (point, bytes) in code_points(text) {
        // Writing to a Vec cannot fail.
        let _ = match point {
            0x0a => out.write_all(b"\\n"),
            0x0d => out.write_all(b"\\r"),
            0x09 => out.write_all(b"\\t"),
            0x5c => out.write_all(b"\\\\"),
            point if point == u32::from(quote) => out.write_all(&[b'\\', quote]),
            point if is_printable(point) && char::from_u32(point).is_some() => out.write_all(bytes),
            0..=0xff => write!(out, "\\x{point:02x}"),
            0x100..=0xffff => write!(out, "\\u{point:04x}"),
            _ => write!(out, "\\U{point:08x}"),
        };
    }
    out.push(quote);
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    let quote = quote(bytes);
    out.extend([b'b', quote]);
    for &byte in bytes {
        // Writing to a Vec cannot fail.
        let _ = match byte {
            b'\n' => out.write_all(b"\\n"),
            b'\r' => out.write_all(b"\\r"),
            b'\t' => out.write_all(b"\\t"),
            b'\\' => out.write_all(b"\\\\"),
            _ if byte == quote => out.write_all(&[b'\\', quote]),
            0x20..=0x7e => out.write_all(&[byte]),
            _ => write!(out, "\\x{byte:02x}"),
        };
    }
    out.push(quote);
}
