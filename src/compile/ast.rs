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

impl Expr {
    /// The part that a chain of operators, attributes, subscripts or calls goes on in.
    fn rest_of_chain(&mut self) -> Option<&mut Expr> {
        match &mut self.kind {
            ExprKind::BinOp { left: rest, .. }
            | ExprKind::Attribute { value: rest, .. }
            | ExprKind::Subscript { value: rest, .. }
            | ExprKind::Call { func: rest, .. } => Some(rest),
            _ => None,
        }
    }

    fn take_rest(&mut self) -> Option<Expr> {
        let rest = self.rest_of_chain()?;
        rest.rest_of_chain()?;
        let free = Expr { kind: ExprKind::Constant { value: Constant::None, kind: None }, at: rest.at };
        Some(std::mem::replace(rest, free))
    }
}

impl Drop for Expr {
    /// A chain is as long as the source: it is taken apart link by link, not by recursion. (Whatever else nests goes no
    /// deeper than the stack of CPython's parser.)
    fn drop(&mut self) {
        let mut rest = self.take_rest();
        while let Some(mut link) = rest {
            rest = link.take_rest();
        }
    }
}

impl Drop for Stmt {
    /// So it is with a chain of `elif`.
    fn drop(&mut self) {
        let take = |statement: &mut Stmt| match &mut statement.kind {
            StmtKind::If { orelse, .. } if orelse.len() == 1 => orelse.pop(),
            _ => None,
        };
        let mut rest = take(self);
        while let Some(mut statement) = rest {
            rest = take(&mut statement);
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
