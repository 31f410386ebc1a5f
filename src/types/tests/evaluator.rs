//! A small evaluator of Python statements, so that tables of cases can be checked against the object layer without the
//! virtual machine: expressions without lambdas and comprehensions, assignment to names and subscripts, `del` of
//! subscripts, augmented assignment.

use crate::object::error::{PyResult, Raised};
use crate::object::native::{Function, thunk};
use crate::object::slots::{BinaryOp, Compare};
use crate::object::{TypeObject, Value, attribute, builtins, call, compare, hash, iter, number, sequence, text};
use crate::types::builtin_function::BuiltinFunction;
use crate::types::dict::Dict;
use crate::types::exceptions::{name_error, type_error};
use crate::types::list::List;
use crate::types::slice::Slice;
use crate::types::str::{Str, intern};
use crate::types::tuple::Tuple;
use crate::types::{self, callable_iterator, int, set};
use std::cell::RefCell;

#[derive(Debug, Clone)]
enum Expr {
    Constant(Token),
    Name(String),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Set(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Attribute(Box<Expr>, String),
    Subscript(Box<Expr>, Box<Expr>),
    Slice(Vec<Option<Expr>>),
    Call(Box<Expr>, Vec<Expr>, Vec<(String, Expr)>),
    Unary(&'static str, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Compare(String, Box<Expr>, Box<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Int(String),
    Float(f64),
    Text(String),
    Name(String),
    Mark(String),
    End,
}

fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let start = at;
        if c == ' ' {
            at += 1;
        } else if c.is_ascii_digit() {
            while at < chars.len() && (chars[at].is_ascii_alphanumeric() || chars[at] == '.') {
                at += 1;
            }
            let text: String = chars[start..at].iter().collect();
            let is_float = text.contains('.') || text.contains('e');
            tokens.push(if is_float { Token::Float(text.parse().expect("float")) } else { Token::Int(text) });
        } else if c.is_alphabetic() || c == '_' {
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            tokens.push(Token::Name(chars[start..at].iter().collect()));
        } else if c == '\'' {
            let end = start + 1 + chars[start + 1..].iter().position(|&c| c == '\'').expect("closing quote");
            tokens.push(Token::Text(chars[start + 1..end].iter().collect()));
            at = end + 1;
        } else {
            let rest: String = chars[at..].iter().take(3).collect();
            let marks = ["**", "//", "==", "!=", "<=", ">=", "+=", "*=", "|=", "&=", "-=", "^="];
            let mark =
                marks.into_iter().find(|mark| rest.starts_with(mark)).map_or_else(|| c.to_string(), str::to_owned);
            at += mark.len();
            tokens.push(Token::Mark(mark));
        }
    }
    tokens.push(Token::End);
    tokens
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

const LEVELS: [&[(&str, BinaryOp)]; 5] = [
    &[("|", BinaryOp::Or)],
    &[("^", BinaryOp::Xor)],
    &[("&", BinaryOp::And)],
    &[("+", BinaryOp::Add), ("-", BinaryOp::Subtract)],
    &[("*", BinaryOp::Multiply), ("//", BinaryOp::FloorDivide), ("%", BinaryOp::Remainder)],
];

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn is(&self, mark: &str) -> bool {
        matches!(self.peek(), Token::Mark(m) | Token::Name(m) if m == mark)
    }

    fn take(&mut self, mark: &str) -> bool {
        let found = self.is(mark);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &str) {
        assert!(self.take(mark), "expected {mark} at {:?} of {:?}", self.peek(), self.tokens);
    }

    fn expr(&mut self) -> Expr {
        let left = self.binary(0);
        for op in ["==", "!=", "<=", ">=", "<", ">", "in", "is"] {
            if self.take(op) {
                return Expr::Compare(op.to_owned(), left.into(), self.binary(0).into());
            }
        }
        if self.take("not") {
            self.expect("in");
            return Expr::Compare("not in".to_owned(), left.into(), self.binary(0).into());
        }
        left
    }

    fn binary(&mut self, level: usize) -> Expr {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1);
        while let Some((_, op)) = operators.iter().find(|(mark, _)| self.is(mark)) {
            self.at += 1;
            left = Expr::Binary(*op, left.into(), self.binary(level + 1).into());
        }
        left
    }

    fn unary(&mut self) -> Expr {
        for op in ["-", "not"] {
            if self.take(op) {
                return Expr::Unary(if op == "-" { "-" } else { "not" }, self.unary().into());
            }
        }
        let base = self.postfix();
        if self.take("**") { Expr::Binary(BinaryOp::Power, base.into(), self.unary().into()) } else { base }
    }

    fn postfix(&mut self) -> Expr {
        let mut base = self.atom();
        loop {
            if self.take(".") {
                let Token::Name(name) = self.peek().clone() else { panic!("name expected in {:?}", self.tokens) };
                self.at += 1;
                base = Expr::Attribute(base.into(), name);
            } else if self.take("[") {
                let key = self.subscript();
                base = Expr::Subscript(base.into(), key.into());
            } else if self.take("(") {
                let (mut args, mut named) = (Vec::new(), Vec::new());
                while !self.take(")") {
                    match (self.peek().clone(), &self.tokens[self.at + 1]) {
                        (Token::Name(name), Token::Mark(mark)) if mark == "=" => {
                            self.at += 2;
                            named.push((name, self.expr()));
                        }
                        _ => args.push(self.expr()),
                    }
                    self.take(",");
                }
                base = Expr::Call(base.into(), args, named);
            } else {
                return base;
            }
        }
    }

    fn subscript(&mut self) -> Expr {
        let mut parts = vec![None];
        let mut sliced = false;
        while !self.take("]") {
            if self.take(":") {
                parts.push(None);
                sliced = true;
            } else {
                *parts.last_mut().expect("a part") = Some(self.items("]"));
            }
        }
        if sliced {
            parts.resize(3, None);
            return Expr::Slice(parts);
        }
        parts.remove(0).expect("a subscript")
    }

    /// One expression, or a tuple without parentheses.
    fn items(&mut self, end: &str) -> Expr {
        let first = self.expr();
        if !self.is(",") {
            return first;
        }
        let mut items = vec![first];
        while self.take(",") {
            if self.is(end) {
                break;
            }
            items.push(self.expr());
        }
        Expr::Tuple(items)
    }

    fn sequence(&mut self, end: &str) -> Vec<Expr> {
        let mut items = Vec::new();
        while !self.take(end) {
            items.push(self.expr());
            self.take(",");
        }
        items
    }

    fn atom(&mut self) -> Expr {
        let token = self.peek().clone();
        self.at += 1;
        match token {
            Token::Name(name) => Expr::Name(name),
            Token::Mark(mark) if mark == "[" => Expr::List(self.sequence("]")),
            Token::Mark(mark) if mark == "(" => {
                if self.take(")") {
                    return Expr::Tuple(Vec::new());
                }
                let inner = self.items(")");
                self.expect(")");
                inner
            }
            Token::Mark(mark) if mark == "{" => {
                if self.take("}") {
                    return Expr::Dict(Vec::new());
                }
                let first = self.expr();
                if !self.take(":") {
                    self.take(",");
                    let mut items = vec![first];
                    items.extend(self.sequence("}"));
                    return Expr::Set(items);
                }
                let mut pairs = vec![(first, self.expr())];
                while self.take(",") {
                    let key = self.expr();
                    self.expect(":");
                    pairs.push((key, self.expr()));
                }
                self.expect("}");
                Expr::Dict(pairs)
            }
            Token::Mark(_) | Token::End => panic!("unexpected {token:?} in {:?}", self.tokens),
            constant => Expr::Constant(constant),
        }
    }
}

/// The functions of the builtin namespace that cases use.
fn function(name: &str) -> Option<Value> {
    static FUNCTIONS: &[Function] = &[
        Function::new("len($module, obj, /)", "", thunk(|object: &Value| sequence::len(object))),
        Function::new("repr($module, obj, /)", "", thunk(|object: &Value| text::repr(object))),
        Function::new("hash($module, obj, /)", "", thunk(|object: &Value| hash::hash(object))),
        Function::new(
            "next($module, iterator, default=None, /)",
            "",
            thunk(|iterator: &Value, default: Option<&Value>| match (iter::next(iterator)?, default) {
                (Some(item), _) => Ok(item),
                (None, Some(default)) => Ok(default.clone()),
                (None, None) => Err(crate::types::exceptions::stop_iteration(None)),
            }),
        ),
        Function::new(
            "iter($module, iterable, sentinel=None, /)",
            "",
            thunk(|object: &Value, sentinel: Option<&Value>| match sentinel {
                Some(sentinel) => callable_iterator::new(object, sentinel),
                None => iter::iter(object),
            }),
        ),
        Function::new(
            "sorted($module, iterable, /, *, key=None, reverse=False)",
            "",
            thunk(|iterable: &Value, key: Option<&Value>, reverse: Option<&Value>| -> PyResult<Value> {
                let list = List::from_vec(iter::collect(iterable)?);
                let reverse = reverse.map_or(Ok(false), number::truth)?;
                if let Some(body) = list.exact::<List>() {
                    body.sort(key, reverse)?;
                }
                Ok(list)
            }),
        ),
        // Not builtins of Python: stand-ins for comprehensions.
        Function::new(
            "numbers($module, start, stop, step=1, /)",
            "",
            thunk(|start: isize, stop: isize, step: Option<isize>| {
                let step = step.unwrap_or(1);
                let mut items = Vec::new();
                let mut at = start;
                while if step > 0 { at < stop } else { at > stop } {
                    items.push(Value::int(at as i64));
                    at += step;
                }
                List::from_vec(items)
            }),
        ),
        // A method that runs statements, separated by ` then `, whatever its arguments are.
        Function::new(
            "hook($module, source, /)",
            "",
            thunk(|source: &Value| BuiltinFunction::new_value(&HOOK, Some(source.clone()), None)),
        ),
        Function::new("docs($module, cls, /)", "", thunk(docs)),
        Function::new(
            "outcome($module, callable, /, *args)",
            "",
            thunk(|callable: &Value, args: &Tuple| -> PyResult<Value> {
                match call::call(callable, args.as_slice()) {
                    Ok(value) => Ok(value),
                    Err(raised) => Ok(Str::new_value(&describe(&raised))),
                }
            }),
        ),
    ];
    let function = FUNCTIONS.iter().find(|function| function.name() == name)?;
    Some(BuiltinFunction::new_value(function, None, Some(intern("builtins"))))
}

static HOOK: Function = Function::new("hooked($self, /, *args)", "", thunk(run_hook));

thread_local! {
    /// The variables of the case that is running, for hooks.
    static VARIABLES: RefCell<Option<Value>> = const { RefCell::new(None) };
}

fn run_hook(source: &Value, _args: &Tuple) -> PyResult<Value> {
    // A `__del__` may run when the case is over.
    let Some(variables) = VARIABLES.with_borrow(Clone::clone) else { return Ok(Value::NONE) };
    let source = text::str_string(source)?;
    Scope { variables }.run(source.split(" then "))
}

/// The names in a class's own dict, with their docstrings.
fn docs(class: &Value) -> PyResult<Value> {
    let dict = class.downcast::<TypeObject>().and_then(TypeObject::dict).expect("a class");
    let mut pairs = Vec::new();
    for (name, value) in dict.exact::<Dict>().expect("a dict").items() {
        let doc = attribute::lookup_str(&value, "__doc__")?.unwrap_or(Value::NONE);
        let text = text::str_string(&name)?;
        if text != "__doc__" {
            pairs.push((text, Tuple::from_vec(vec![name, doc])));
        }
    }
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(List::from_vec(pairs.into_iter().map(|(_, pair)| pair).collect()))
}

/// `Type: message`, as a traceback ends.
fn describe(raised: &Raised) -> String {
    let name = raised.value().ty().name();
    let message = text::str_string(raised.value()).expect("a message");
    if message.is_empty() { name.to_owned() } else { format!("{name}: {message}") }
}

/// A namespace of variables.
pub struct Scope {
    /// A dict.
    variables: Value,
}

impl Scope {
    /// With the builtin types, and what `__reduce__` refers to.
    pub fn new() -> Scope {
        let namespace = Dict::new_value();
        if let Some(dict) = namespace.exact::<Dict>() {
            dict.set_text("iter", function("iter").expect("iter"));
            dict.set_text("reversed", types::reversed::REVERSED.value());
        }
        builtins::set_namespace(namespace);
        let variables = Dict::new_value();
        drop(VARIABLES.replace(Some(variables.clone())));
        Scope { variables }
    }

    /// Runs statements separated by `; ` and shows the value of the last, or the exception. To be used once.
    pub fn show(&self, source: &str) -> String {
        let shown = match self.run(source.split("; ")).and_then(|value| text::repr_string(&value)) {
            Ok(text) => text,
            Err(raised) => describe(&raised),
        };
        drop(VARIABLES.replace(None));
        shown
    }

    /// Runs statements and gives the value of the last.
    fn run<'a>(&self, statements: impl Iterator<Item = &'a str>) -> PyResult<Value> {
        let mut value = Value::NONE;
        for statement in statements {
            value = self.statement(statement)?;
        }
        Ok(value)
    }

    fn statement(&self, source: &str) -> PyResult<Value> {
        let mut parser = Parser { tokens: tokens(source), at: 0 };
        let delete = parser.take("del");
        let target = parser.items("");
        if delete {
            let Expr::Subscript(container, key) = target else { panic!("del of a subscript: {source}") };
            let (container, key) = (self.eval(&container)?, self.eval(&key)?);
            sequence::delete_item(&container, &key)?;
            return Ok(Value::NONE);
        }
        let mut result = None;
        let augmented = [
            ("+=", BinaryOp::Add),
            ("-=", BinaryOp::Subtract),
            ("*=", BinaryOp::Multiply),
            ("|=", BinaryOp::Or),
            ("&=", BinaryOp::And),
            ("^=", BinaryOp::Xor),
        ];
        if parser.take("=") {
            let value = parser.items("");
            result = Some(self.eval(&value)?);
        } else if let Some((_, op)) = augmented.into_iter().find(|(mark, _)| parser.take(mark)) {
            let right = parser.items("");
            let (left, right) = (self.eval(&target)?, self.eval(&right)?);
            result = Some(number::inplace(op, &left, &right)?);
        }
        assert_eq!(parser.peek(), &Token::End, "{source}");
        match (result, target) {
            (None, expr) => return self.eval(&expr),
            (Some(value), Expr::Name(name)) => {
                self.variables.exact::<Dict>().expect("a dict").set_text(&name, value);
            }
            (Some(value), Expr::Subscript(container, key)) => {
                let (container, key) = (self.eval(&container)?, self.eval(&key)?);
                sequence::set_item(&container, &key, value)?;
            }
            (Some(_), target) => panic!("cannot assign to {target:?}"),
        }
        Ok(Value::NONE)
    }

    fn eval_all(&self, exprs: &[Expr]) -> PyResult<Vec<Value>> {
        exprs.iter().map(|expr| self.eval(expr)).collect()
    }

    fn eval(&self, expr: &Expr) -> PyResult<Value> {
        match expr {
            Expr::Constant(Token::Int(digits)) => Ok(int::big(digits.parse().expect("int"))),
            Expr::Constant(Token::Float(float)) => Ok(Value::float(*float)),
            Expr::Constant(Token::Text(text)) => Ok(Str::new_value(text)),
            Expr::Constant(token) => panic!("no constant: {token:?}"),
            Expr::Name(name) => self.name(name),
            Expr::List(items) => Ok(List::from_vec(self.eval_all(items)?)),
            Expr::Tuple(items) => Ok(Tuple::from_vec(self.eval_all(items)?)),
            Expr::Set(items) => {
                let result = set::new_set();
                for item in self.eval_all(items)? {
                    set::add_key(&result, &item)?;
                }
                Ok(result)
            }
            Expr::Dict(pairs) => {
                let result = Dict::new_value();
                for (key, value) in pairs {
                    let (key, value) = (self.eval(key)?, self.eval(value)?);
                    if let Some(dict) = result.exact::<Dict>() {
                        dict.set(&key, value)?;
                    }
                }
                Ok(result)
            }
            Expr::Attribute(object, name) => attribute::get_str(&self.eval(object)?, name),
            Expr::Subscript(container, key) => sequence::get_item(&self.eval(container)?, &self.eval(key)?),
            Expr::Slice(parts) => {
                let part = |at: usize| parts[at].as_ref().map_or(Ok(Value::NONE), |part| self.eval(part));
                Ok(Slice::new_value(part(0)?, part(1)?, part(2)?))
            }
            Expr::Call(callee, args, named) => {
                let callee = self.eval(callee)?;
                let mut values = self.eval_all(args)?;
                let mut names = Vec::new();
                for (name, value) in named {
                    names.push(intern(name));
                    values.push(self.eval(value)?);
                }
                if names.is_empty() {
                    return call::call(&callee, &values);
                }
                call::call_keywords(&callee, &values, Some(&Tuple::from_vec(names)))
            }
            Expr::Unary("-", operand) => number::negative(&self.eval(operand)?),
            Expr::Unary(_, operand) => Ok(Value::bool(!number::truth(&self.eval(operand)?)?)),
            Expr::Binary(op, left, right) => number::binary(*op, &self.eval(left)?, &self.eval(right)?),
            Expr::Compare(op, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                match op.as_str() {
                    "in" => sequence::contains(&right, &left).map(Value::bool),
                    "not in" => sequence::contains(&right, &left).map(|found| Value::bool(!found)),
                    "is" => Ok(Value::bool(left.is(&right))),
                    symbol => {
                        let op = Compare::ALL.into_iter().find(|op| op.symbol() == symbol).expect("a comparison");
                        compare::rich(&left, &right, op)
                    }
                }
            }
        }
    }

    fn name(&self, name: &str) -> PyResult<Value> {
        if let Some(value) = self.variables.exact::<Dict>().and_then(|dict| dict.get_text(name)) {
            return Ok(value);
        }
        match name {
            "None" => return Ok(Value::NONE),
            "True" => return Ok(Value::TRUE),
            "False" => return Ok(Value::FALSE),
            "NotImplemented" => return Ok(Value::NOT_IMPLEMENTED),
            // `class(name, bases, dict)`, as the class statement.
            "class_" => return Ok(types::type_::TYPE.value()),
            _ => {}
        }
        if let Some(function) = function(name) {
            return Ok(function);
        }
        let found = types::ALL.iter().find(|ty| ty.short_name() == name && ty.name() != "types.dict");
        match found {
            Some(ty) => Ok(ty.value()),
            None if name == "type_error" => Err(type_error("asked for")),
            None => Err(name_error(format!("name '{name}' is not defined"))),
        }
    }
}
