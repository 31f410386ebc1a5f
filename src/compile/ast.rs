//! The abstract syntax of Python 3.8, node for node as `Parser/Python.asdl` of 3.8 has it.
//!
//! Names are [`Symbol`]s of the tree's [`Symbols`]. Positions are CPython's: lines count from 1, columns are bytes of UTF-8
//! from 0. The tree is built on a native stack large enough for its depth (see `parse`); so is whatever walks it.

use crate::compile::constant::Constant;
use crate::compile::symbol::{Symbol, Symbols};

/// Where a node stands: `lineno`, `col_offset`, `end_lineno`, `end_col_offset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The line of its first character, from 1. Signed: a program's own tree may hold any int.
    pub line: i32,
    /// The column of its first character, in bytes, from 0.
    pub col: i32,
    /// The line of its end.
    pub end_line: i32,
    /// The column after its last character.
    pub end_col: i32,
}

/// A whole tree.
#[derive(Debug)]
pub struct Tree {
    /// The root.
    pub root: Mod,
    /// The names.
    pub symbols: Symbols,
}

impl Drop for Tree {
    /// Trees are as deep as a chain of operators is long: they are taken apart without recursion.
    fn drop(&mut self) {
        let mut parts = Parts::default();
        match &mut self.root {
            Mod::Module { body, .. } | Mod::Interactive { body } => parts.statements.append(body),
            Mod::Expression { body } => parts.take(body),
            Mod::FunctionType { argtypes, returns } => {
                parts.expressions.append(argtypes);
                parts.take(returns);
            }
        }
        parts.free();
    }
}

/// Frees an expression, however deep, without recursion.
pub fn discard(expr: Expr) {
    let mut parts = Parts::default();
    parts.expressions.push(expr);
    parts.free();
}

/// Parts of a tree that are to be freed.
///
/// Only what can nest without a limit is taken apart: chains of operators, of calls, attributes and subscripts, and of
/// `elif`. The rest nests no deeper than the parser's stack allows, and goes the usual way.
#[derive(Default)]
struct Parts {
    statements: Vec<Stmt>,
    expressions: Vec<Expr>,
}

impl Parts {
    fn take(&mut self, expr: &mut Expr) {
        let free = ExprKind::Constant { value: Constant::None, kind: None };
        let kind = std::mem::replace(&mut expr.kind, free);
        if !matches!(kind, ExprKind::Constant { .. } | ExprKind::Name { .. }) {
            self.expressions.push(Expr { kind, at: expr.at });
        }
    }

    fn free(&mut self) {
        loop {
            while let Some(mut expr) = self.expressions.pop() {
                self.children(&mut expr);
            }
            let Some(mut statement) = self.statements.pop() else { return };
            self.parts(&mut statement);
        }
    }

    fn parts(&mut self, statement: &mut Stmt) {
        match &mut statement.kind {
            StmtKind::If { test, body, orelse } => {
                self.take(test);
                self.statements.append(body);
                self.statements.append(orelse);
            }
            StmtKind::While { test, body, orelse } => {
                self.take(test);
                self.statements.append(body);
                self.statements.append(orelse);
            }
            StmtKind::FunctionDef(parts) | StmtKind::AsyncFunctionDef(parts) => {
                self.statements.append(&mut parts.body);
            }
            StmtKind::ClassDef(parts) => self.statements.append(&mut parts.body),
            StmtKind::For(parts) | StmtKind::AsyncFor(parts) => {
                self.take(&mut parts.iter);
                self.statements.append(&mut parts.body);
                self.statements.append(&mut parts.orelse);
            }
            StmtKind::With(parts) | StmtKind::AsyncWith(parts) => self.statements.append(&mut parts.body),
            StmtKind::Try(parts) => {
                self.statements.append(&mut parts.body);
                for handler in &mut parts.handlers {
                    self.statements.append(&mut handler.body);
                }
                self.statements.append(&mut parts.orelse);
                self.statements.append(&mut parts.finalbody);
            }
            StmtKind::Assign { value, .. } | StmtKind::AugAssign { value, .. } | StmtKind::Expr { value } => {
                self.take(value);
            }
            StmtKind::Return { value: Some(value) } => self.take(value),
            _ => {}
        }
    }

    fn children(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::BinOp { left, right, .. } => {
                self.take(left);
                self.take(right);
            }
            ExprKind::BoolOp { values, .. } | ExprKind::JoinedStr { values } => {
                self.expressions.append(values);
            }
            ExprKind::UnaryOp { operand, .. } => self.take(operand),
            ExprKind::Attribute { value, .. }
            | ExprKind::Starred { value, .. }
            | ExprKind::Await { value }
            | ExprKind::FormattedValue { value, .. } => self.take(value),
            ExprKind::Subscript { value, slice, .. } => {
                self.take(value);
                if let Slice::Index { value } = &mut **slice {
                    self.take(value);
                }
            }
            ExprKind::Call { func, args, keywords } => {
                self.take(func);
                self.expressions.append(args);
                for keyword in keywords {
                    self.take(&mut keyword.value);
                }
            }
            ExprKind::Compare { left, comparators, .. } => {
                self.take(left);
                self.expressions.append(comparators);
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.take(test);
                self.take(body);
                self.take(orelse);
            }
            ExprKind::Lambda { body, .. } => self.take(body),
            ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } | ExprKind::Set { elts } => {
                self.expressions.append(elts);
            }
            ExprKind::Dict { keys, values } => {
                self.expressions.extend(keys.drain(..).flatten());
                self.expressions.append(values);
            }
            _ => {}
        }
    }
}

/// `mod`.
#[derive(Debug)]
pub enum Mod {
    /// `Module(body, type_ignores)`.
    Module { body: Vec<Stmt>, type_ignores: Vec<TypeIgnore> },
    /// `Interactive(body)`.
    Interactive { body: Vec<Stmt> },
    /// `Expression(body)`.
    Expression { body: Box<Expr> },
    /// `FunctionType(argtypes, returns)`.
    FunctionType { argtypes: Vec<Expr>, returns: Box<Expr> },
}

/// `type_ignore`.
#[derive(Debug)]
pub struct TypeIgnore {
    /// `lineno`.
    pub line: i32,
    /// `tag`.
    pub tag: Symbol,
}

/// `stmt`.
#[derive(Debug)]
pub struct Stmt {
    /// Which statement.
    pub kind: StmtKind,
    /// Where it stands.
    pub at: Position,
}

/// The statements.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum StmtKind {
    FunctionDef(Box<FunctionDef>),
    AsyncFunctionDef(Box<FunctionDef>),
    ClassDef(Box<ClassDef>),
    Return {
        value: Option<Box<Expr>>,
    },
    Delete {
        targets: Vec<Expr>,
    },
    Assign {
        targets: Vec<Expr>,
        value: Box<Expr>,
        type_comment: Option<Symbol>,
    },
    AugAssign {
        target: Box<Expr>,
        op: Operator,
        value: Box<Expr>,
    },
    /// `simple`: a bare name without parentheses.
    AnnAssign {
        target: Box<Expr>,
        annotation: Box<Expr>,
        value: Option<Box<Expr>>,
        simple: i32,
    },
    For(Box<For>),
    AsyncFor(Box<For>),
    While {
        test: Box<Expr>,
        body: Vec<Stmt>,
        orelse: Vec<Stmt>,
    },
    If {
        test: Box<Expr>,
        body: Vec<Stmt>,
        orelse: Vec<Stmt>,
    },
    With(Box<With>),
    AsyncWith(Box<With>),
    Raise {
        exc: Option<Box<Expr>>,
        cause: Option<Box<Expr>>,
    },
    Try(Box<Try>),
    Assert {
        test: Box<Expr>,
        msg: Option<Box<Expr>>,
    },
    Import {
        names: Vec<Alias>,
    },
    ImportFrom {
        module: Option<Symbol>,
        names: Vec<Alias>,
        level: Option<i32>,
    },
    Global {
        names: Vec<Symbol>,
    },
    Nonlocal {
        names: Vec<Symbol>,
    },
    Expr {
        value: Box<Expr>,
    },
    Pass,
    Break,
    Continue,
}

/// `FunctionDef` and `AsyncFunctionDef`.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct FunctionDef {
    pub name: Symbol,
    pub args: Arguments,
    pub body: Vec<Stmt>,
    pub decorator_list: Vec<Expr>,
    pub returns: Option<Box<Expr>>,
    pub type_comment: Option<Symbol>,
}

/// `ClassDef`.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct ClassDef {
    pub name: Symbol,
    pub bases: Vec<Expr>,
    pub keywords: Vec<Keyword>,
    pub body: Vec<Stmt>,
    pub decorator_list: Vec<Expr>,
}

/// `For` and `AsyncFor`.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct For {
    pub target: Expr,
    pub iter: Expr,
    pub body: Vec<Stmt>,
    pub orelse: Vec<Stmt>,
    pub type_comment: Option<Symbol>,
}

/// `With` and `AsyncWith`.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct With {
    pub items: Vec<WithItem>,
    pub body: Vec<Stmt>,
    pub type_comment: Option<Symbol>,
}

/// `Try`.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Try {
    pub body: Vec<Stmt>,
    pub handlers: Vec<ExceptHandler>,
    pub orelse: Vec<Stmt>,
    pub finalbody: Vec<Stmt>,
}

/// `expr`.
#[derive(Debug)]
pub struct Expr {
    /// Which expression.
    pub kind: ExprKind,
    /// Where it stands.
    pub at: Position,
}

/// The expressions.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum ExprKind {
    BoolOp {
        op: BoolOp,
        values: Vec<Expr>,
    },
    NamedExpr {
        target: Box<Expr>,
        value: Box<Expr>,
    },
    BinOp {
        left: Box<Expr>,
        op: Operator,
        right: Box<Expr>,
    },
    UnaryOp {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    Lambda {
        args: Box<Arguments>,
        body: Box<Expr>,
    },
    IfExp {
        test: Box<Expr>,
        body: Box<Expr>,
        orelse: Box<Expr>,
    },
    /// A key of `None` is `**value`.
    Dict {
        keys: Vec<Option<Expr>>,
        values: Vec<Expr>,
    },
    Set {
        elts: Vec<Expr>,
    },
    ListComp {
        elt: Box<Expr>,
        generators: Vec<Comprehension>,
    },
    SetComp {
        elt: Box<Expr>,
        generators: Vec<Comprehension>,
    },
    DictComp {
        key: Box<Expr>,
        value: Box<Expr>,
        generators: Vec<Comprehension>,
    },
    GeneratorExp {
        elt: Box<Expr>,
        generators: Vec<Comprehension>,
    },
    Await {
        value: Box<Expr>,
    },
    Yield {
        value: Option<Box<Expr>>,
    },
    YieldFrom {
        value: Box<Expr>,
    },
    Compare {
        left: Box<Expr>,
        ops: Vec<CmpOp>,
        comparators: Vec<Expr>,
    },
    Call {
        func: Box<Expr>,
        args: Vec<Expr>,
        keywords: Vec<Keyword>,
    },
    /// `conversion`: -1 for none, else the character `s`, `r` or `a`.
    FormattedValue {
        value: Box<Expr>,
        conversion: i32,
        format_spec: Option<Box<Expr>>,
    },
    JoinedStr {
        values: Vec<Expr>,
    },
    /// `kind`: `u` for a literal with that prefix.
    Constant {
        value: Constant,
        kind: Option<Symbol>,
    },
    Attribute {
        value: Box<Expr>,
        attr: Symbol,
        ctx: ExprContext,
    },
    Subscript {
        value: Box<Expr>,
        slice: Box<Slice>,
        ctx: ExprContext,
    },
    Starred {
        value: Box<Expr>,
        ctx: ExprContext,
    },
    Name {
        id: Symbol,
        ctx: ExprContext,
    },
    List {
        elts: Vec<Expr>,
        ctx: ExprContext,
    },
    Tuple {
        elts: Vec<Expr>,
        ctx: ExprContext,
    },
}

/// `expr_context`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ExprContext {
    Load,
    Store,
    Del,
    AugLoad,
    AugStore,
    Param,
}

/// `slice`; it has no position in 3.8.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Slice {
    Slice { lower: Option<Box<Expr>>, upper: Option<Box<Expr>>, step: Option<Box<Expr>> },
    ExtSlice { dims: Vec<Slice> },
    Index { value: Box<Expr> },
}

/// `boolop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BoolOp {
    And,
    Or,
}

/// `operator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Operator {
    Add,
    Sub,
    Mult,
    MatMult,
    Div,
    Mod,
    Pow,
    LShift,
    RShift,
    BitOr,
    BitXor,
    BitAnd,
    FloorDiv,
}

/// `unaryop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum UnaryOp {
    Invert,
    Not,
    UAdd,
    USub,
}

/// `cmpop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CmpOp {
    Eq,
    NotEq,
    Lt,
    LtE,
    Gt,
    GtE,
    Is,
    IsNot,
    In,
    NotIn,
}

/// `comprehension`.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Comprehension {
    pub target: Expr,
    pub iter: Expr,
    pub ifs: Vec<Expr>,
    pub is_async: i32,
}

/// `excepthandler`.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct ExceptHandler {
    pub ty: Option<Box<Expr>>,
    pub name: Option<Symbol>,
    pub body: Vec<Stmt>,
    pub at: Position,
}

/// `arguments`.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub struct Arguments {
    pub posonlyargs: Vec<Arg>,
    pub args: Vec<Arg>,
    pub vararg: Option<Box<Arg>>,
    pub kwonlyargs: Vec<Arg>,
    /// One each of `kwonlyargs`; `None` for none.
    pub kw_defaults: Vec<Option<Expr>>,
    pub kwarg: Option<Box<Arg>>,
    /// Of the last of `posonlyargs` and `args`.
    pub defaults: Vec<Expr>,
}

/// `arg`.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Arg {
    pub arg: Symbol,
    pub annotation: Option<Box<Expr>>,
    pub type_comment: Option<Symbol>,
    pub at: Position,
}

/// `keyword`; without a name it is `**value`. It has no position in 3.8.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Keyword {
    pub arg: Option<Symbol>,
    pub value: Expr,
}

/// `alias`; it has no position in 3.8.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Alias {
    pub name: Symbol,
    pub asname: Option<Symbol>,
}

/// `withitem`.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct WithItem {
    pub context_expr: Expr,
    pub optional_vars: Option<Box<Expr>>,
}
