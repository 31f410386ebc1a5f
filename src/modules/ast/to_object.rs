//! Trees of the compiler to objects.

use super::{Class, MAX_DEPTH, RED_ZONE, Registry, STACK, name_value, new_node, registry, set_field, text_value};
use crate::compile::ast::{
    Alias, Arg, Arguments, BoolOp, CmpOp, Comprehension, Expr, ExprContext, ExprKind, For, FunctionDef, Keyword, Mod,
    Operator, Position, Slice, Stmt, StmtKind, Tree, UnaryOp, With,
};
use crate::compile::constant::Constant;
use crate::compile::symbol::{Symbol, Symbols};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::exceptions::{recursion_error, runtime_error};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use crate::types::{complex, int, set};
use hashbrown::HashMap;

/// The object of a tree: an instance of `_ast.Module` or another class of `mod`.
///
/// # Errors
/// `RecursionError` when it is too deep.
pub fn to_object(tree: &Tree) -> PyResult<Value> {
    let mut maker = Maker { registry: registry()?, symbols: &tree.symbols, names: HashMap::new(), depth: 0 };
    maker.root(&tree.root)
}

struct Maker<'t> {
    registry: &'static Registry,
    symbols: &'t Symbols,
    names: HashMap<Symbol, Value>,
    depth: u32,
}

/// Where a node stands, if its class says.
type At = Option<Position>;

impl Maker<'_> {
    fn node(&mut self, class: Class, at: At, fields: impl IntoIterator<Item = Value>) -> PyResult<Value> {
        let node = new_node(self.registry.class(class)?);
        for (index, value) in fields.into_iter().enumerate() {
            set_field(&node, self.registry.field_name(class, index)?, value)?;
        }
        if let Some(at) = at {
            for (name, value) in self.registry.positions.iter().zip([at.line, at.col, at.end_line, at.end_col]) {
                set_field(&node, name, Value::int(i64::from(value)))?;
            }
        }
        Ok(node)
    }

    fn name(&mut self, name: Symbol) -> Value {
        if let Some(value) = self.names.get(&name) {
            return value.clone();
        }
        let value = name_value(self.symbols.bytes(name));
        self.names.insert(name, value.clone());
        value
    }

    fn name_or_none(&mut self, name: Option<Symbol>) -> Value {
        name.map_or(Value::NONE, |name| self.name(name))
    }

    /// A type comment or a tag: not interned.
    fn text_or_none(&mut self, text: Option<Symbol>) -> Value {
        text.map_or(Value::NONE, |text| text_value(self.symbols.bytes(text)))
    }

    fn list<T>(&mut self, items: &[T], each: impl Fn(&mut Self, &T) -> PyResult<Value>) -> PyResult<Value> {
        let items = items.iter().map(|item| each(self, item)).collect::<PyResult<Vec<Value>>>()?;
        Ok(List::from_vec(items))
    }

    fn root(&mut self, root: &Mod) -> PyResult<Value> {
        match root {
            Mod::Module { body, type_ignores } => {
                let body = self.body(body)?;
                let ignores = self.list(type_ignores, |this, ignore| {
                    let tag = text_value(this.symbols.bytes(ignore.tag));
                    this.node(Class::TypeIgnore, None, [Value::int(i64::from(ignore.line)), tag])
                })?;
                self.node(Class::Module, None, [body, ignores])
            }
            Mod::Interactive { body } => {
                let body = self.body(body)?;
                self.node(Class::Interactive, None, [body])
            }
            Mod::Expression { body } => {
                let body = self.expr(body)?;
                self.node(Class::Expression, None, [body])
            }
            Mod::FunctionType { argtypes, returns } => {
                let fields = [self.exprs(argtypes)?, self.expr(returns)?];
                self.node(Class::FunctionType, None, fields)
            }
        }
    }

    fn body(&mut self, body: &[Stmt]) -> PyResult<Value> {
        self.list(body, Self::stmt)
    }

    fn exprs(&mut self, exprs: &[Expr]) -> PyResult<Value> {
        self.list(exprs, Self::expr)
    }

    fn expr_or_none(&mut self, expr: Option<&Expr>) -> PyResult<Value> {
        expr.map_or(Ok(Value::NONE), |expr| self.expr(expr))
    }

    fn deeper(&mut self, make: impl FnOnce(&mut Self) -> PyResult<Value>) -> PyResult<Value> {
        if self.depth >= MAX_DEPTH {
            return Err(recursion_error("maximum recursion depth exceeded during ast construction"));
        }
        self.depth += 1;
        let value = stacker::maybe_grow(RED_ZONE, STACK, || make(self));
        self.depth -= 1;
        value
    }

    fn stmt(&mut self, stmt: &Stmt) -> PyResult<Value> {
        self.deeper(|this| this.stmt_node(stmt))
    }

    fn stmt_node(&mut self, stmt: &Stmt) -> PyResult<Value> {
        let at = Some(stmt.at);
        match &stmt.kind {
            StmtKind::FunctionDef(parts) => self.function(Class::FunctionDef, at, parts),
            StmtKind::AsyncFunctionDef(parts) => self.function(Class::AsyncFunctionDef, at, parts),
            StmtKind::ClassDef(parts) => {
                let fields = [
                    self.name(parts.name),
                    self.exprs(&parts.bases)?,
                    self.list(&parts.keywords, Self::keyword)?,
                    self.body(&parts.body)?,
                    self.exprs(&parts.decorator_list)?,
                ];
                self.node(Class::ClassDef, at, fields)
            }
            StmtKind::Return { value } => {
                let value = self.expr_or_none(value.as_deref())?;
                self.node(Class::Return, at, [value])
            }
            StmtKind::Delete { targets } => {
                let targets = self.exprs(targets)?;
                self.node(Class::Delete, at, [targets])
            }
            StmtKind::Assign { targets, value, type_comment } => {
                let fields = [self.exprs(targets)?, self.expr(value)?, self.text_or_none(*type_comment)];
                self.node(Class::Assign, at, fields)
            }
            StmtKind::AugAssign { target, op, value } => {
                let fields = [self.expr(target)?, self.operator(*op)?, self.expr(value)?];
                self.node(Class::AugAssign, at, fields)
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                let fields = [
                    self.expr(target)?,
                    self.expr(annotation)?,
                    self.expr_or_none(value.as_deref())?,
                    Value::int(i64::from(*simple)),
                ];
                self.node(Class::AnnAssign, at, fields)
            }
            StmtKind::For(parts) => self.for_(Class::For, at, parts),
            StmtKind::AsyncFor(parts) => self.for_(Class::AsyncFor, at, parts),
            StmtKind::While { test, body, orelse } => {
                let fields = [self.expr(test)?, self.body(body)?, self.body(orelse)?];
                self.node(Class::While, at, fields)
            }
            StmtKind::If { test, body, orelse } => {
                let fields = [self.expr(test)?, self.body(body)?, self.body(orelse)?];
                self.node(Class::If, at, fields)
            }
            StmtKind::With(parts) => self.with(Class::With, at, parts),
            StmtKind::AsyncWith(parts) => self.with(Class::AsyncWith, at, parts),
            StmtKind::Raise { exc, cause } => {
                let fields = [self.expr_or_none(exc.as_deref())?, self.expr_or_none(cause.as_deref())?];
                self.node(Class::Raise, at, fields)
            }
            StmtKind::Try(parts) => {
                let fields = [
                    self.body(&parts.body)?,
                    self.list(&parts.handlers, |this, handler| {
                        let fields = [
                            this.expr_or_none(handler.ty.as_deref())?,
                            this.name_or_none(handler.name),
                            this.body(&handler.body)?,
                        ];
                        this.node(Class::ExceptHandler, Some(handler.at), fields)
                    })?,
                    self.body(&parts.orelse)?,
                    self.body(&parts.finalbody)?,
                ];
                self.node(Class::Try, at, fields)
            }
            StmtKind::Assert { test, msg } => {
                let fields = [self.expr(test)?, self.expr_or_none(msg.as_deref())?];
                self.node(Class::Assert, at, fields)
            }
            StmtKind::Import { names } => {
                let names = self.list(names, Self::alias)?;
                self.node(Class::Import, at, [names])
            }
            StmtKind::ImportFrom { module, names, level } => {
                let level = level.map_or(Value::NONE, |level| Value::int(i64::from(level)));
                let fields = [self.name_or_none(*module), self.list(names, Self::alias)?, level];
                self.node(Class::ImportFrom, at, fields)
            }
            StmtKind::Global { names } => {
                let names = self.list(names, |this, name| Ok(this.name(*name)))?;
                self.node(Class::Global, at, [names])
            }
            StmtKind::Nonlocal { names } => {
                let names = self.list(names, |this, name| Ok(this.name(*name)))?;
                self.node(Class::Nonlocal, at, [names])
            }
            StmtKind::Expr { value } => {
                let value = self.expr(value)?;
                self.node(Class::Expr, at, [value])
            }
            StmtKind::Pass => self.node(Class::Pass, at, []),
            StmtKind::Break => self.node(Class::Break, at, []),
            StmtKind::Continue => self.node(Class::Continue, at, []),
        }
    }

    fn function(&mut self, class: Class, at: At, parts: &FunctionDef) -> PyResult<Value> {
        let fields = [
            self.name(parts.name),
            self.arguments(&parts.args)?,
            self.body(&parts.body)?,
            self.exprs(&parts.decorator_list)?,
            self.expr_or_none(parts.returns.as_deref())?,
            self.text_or_none(parts.type_comment),
        ];
        self.node(class, at, fields)
    }

    fn for_(&mut self, class: Class, at: At, parts: &For) -> PyResult<Value> {
        let fields = [
            self.expr(&parts.target)?,
            self.expr(&parts.iter)?,
            self.body(&parts.body)?,
            self.body(&parts.orelse)?,
            self.text_or_none(parts.type_comment),
        ];
        self.node(class, at, fields)
    }

    fn with(&mut self, class: Class, at: At, parts: &With) -> PyResult<Value> {
        let fields = [
            self.list(&parts.items, |this, item| {
                let fields = [this.expr(&item.context_expr)?, this.expr_or_none(item.optional_vars.as_deref())?];
                this.node(Class::withitem, None, fields)
            })?,
            self.body(&parts.body)?,
            self.text_or_none(parts.type_comment),
        ];
        self.node(class, at, fields)
    }

    fn alias(&mut self, alias: &Alias) -> PyResult<Value> {
        let fields = [self.name(alias.name), self.name_or_none(alias.asname)];
        self.node(Class::alias, None, fields)
    }

    fn keyword(&mut self, keyword: &Keyword) -> PyResult<Value> {
        let fields = [self.name_or_none(keyword.arg), self.expr(&keyword.value)?];
        self.node(Class::keyword, None, fields)
    }

    fn arg(&mut self, arg: &Arg) -> PyResult<Value> {
        let fields =
            [self.name(arg.arg), self.expr_or_none(arg.annotation.as_deref())?, self.text_or_none(arg.type_comment)];
        self.node(Class::arg, Some(arg.at), fields)
    }

    fn arg_or_none(&mut self, arg: Option<&Arg>) -> PyResult<Value> {
        arg.map_or(Ok(Value::NONE), |arg| self.arg(arg))
    }

    fn arguments(&mut self, arguments: &Arguments) -> PyResult<Value> {
        let fields = [
            self.list(&arguments.posonlyargs, Self::arg)?,
            self.list(&arguments.args, Self::arg)?,
            self.arg_or_none(arguments.vararg.as_deref())?,
            self.list(&arguments.kwonlyargs, Self::arg)?,
            self.list(&arguments.kw_defaults, |this, default| this.expr_or_none(default.as_ref()))?,
            self.arg_or_none(arguments.kwarg.as_deref())?,
            self.exprs(&arguments.defaults)?,
        ];
        self.node(Class::arguments, None, fields)
    }

    fn generators(&mut self, generators: &[Comprehension]) -> PyResult<Value> {
        self.list(generators, |this, generator| {
            let fields = [
                this.expr(&generator.target)?,
                this.expr(&generator.iter)?,
                this.exprs(&generator.ifs)?,
                Value::int(i64::from(generator.is_async)),
            ];
            this.node(Class::comprehension, None, fields)
        })
    }

    fn slice(&mut self, slice: &Slice) -> PyResult<Value> {
        self.deeper(|this| match slice {
            Slice::Slice { lower, upper, step } => {
                let fields = [
                    this.expr_or_none(lower.as_deref())?,
                    this.expr_or_none(upper.as_deref())?,
                    this.expr_or_none(step.as_deref())?,
                ];
                this.node(Class::Slice, None, fields)
            }
            Slice::ExtSlice { dims } => {
                let dims = this.list(dims, Self::slice)?;
                this.node(Class::ExtSlice, None, [dims])
            }
            Slice::Index { value } => {
                let value = this.expr(value)?;
                this.node(Class::Index, None, [value])
            }
        })
    }

    fn context(&self, context: ExprContext) -> PyResult<Value> {
        self.registry.singleton(match context {
            ExprContext::Load => Class::Load,
            ExprContext::Store => Class::Store,
            ExprContext::Del => Class::Del,
            ExprContext::AugLoad => Class::AugLoad,
            ExprContext::AugStore => Class::AugStore,
            ExprContext::Param => Class::Param,
        })
    }

    fn operator(&self, op: Operator) -> PyResult<Value> {
        self.registry.singleton(match op {
            Operator::Add => Class::Add,
            Operator::Sub => Class::Sub,
            Operator::Mult => Class::Mult,
            Operator::MatMult => Class::MatMult,
            Operator::Div => Class::Div,
            Operator::Mod => Class::Mod,
            Operator::Pow => Class::Pow,
            Operator::LShift => Class::LShift,
            Operator::RShift => Class::RShift,
            Operator::BitOr => Class::BitOr,
            Operator::BitXor => Class::BitXor,
            Operator::BitAnd => Class::BitAnd,
            Operator::FloorDiv => Class::FloorDiv,
        })
    }

    fn cmp_op(&self, op: CmpOp) -> PyResult<Value> {
        self.registry.singleton(match op {
            CmpOp::Eq => Class::Eq,
            CmpOp::NotEq => Class::NotEq,
            CmpOp::Lt => Class::Lt,
            CmpOp::LtE => Class::LtE,
            CmpOp::Gt => Class::Gt,
            CmpOp::GtE => Class::GtE,
            CmpOp::Is => Class::Is,
            CmpOp::IsNot => Class::IsNot,
            CmpOp::In => Class::In,
            CmpOp::NotIn => Class::NotIn,
        })
    }

    fn expr(&mut self, expr: &Expr) -> PyResult<Value> {
        self.deeper(|this| this.expr_node(expr))
    }

    fn expr_node(&mut self, expr: &Expr) -> PyResult<Value> {
        let at = Some(expr.at);
        match &expr.kind {
            ExprKind::BoolOp { op, values } => {
                let class = if *op == BoolOp::And { Class::And } else { Class::Or };
                let fields = [self.registry.singleton(class)?, self.exprs(values)?];
                self.node(Class::BoolOp, at, fields)
            }
            ExprKind::NamedExpr { target, value } => {
                let fields = [self.expr(target)?, self.expr(value)?];
                self.node(Class::NamedExpr, at, fields)
            }
            ExprKind::BinOp { left, op, right } => {
                let fields = [self.expr(left)?, self.operator(*op)?, self.expr(right)?];
                self.node(Class::BinOp, at, fields)
            }
            ExprKind::UnaryOp { op, operand } => {
                let class = match op {
                    UnaryOp::Invert => Class::Invert,
                    UnaryOp::Not => Class::Not,
                    UnaryOp::UAdd => Class::UAdd,
                    UnaryOp::USub => Class::USub,
                };
                let fields = [self.registry.singleton(class)?, self.expr(operand)?];
                self.node(Class::UnaryOp, at, fields)
            }
            ExprKind::Lambda { args, body } => {
                let fields = [self.arguments(args)?, self.expr(body)?];
                self.node(Class::Lambda, at, fields)
            }
            ExprKind::IfExp { test, body, orelse } => {
                let fields = [self.expr(test)?, self.expr(body)?, self.expr(orelse)?];
                self.node(Class::IfExp, at, fields)
            }
            ExprKind::Dict { keys, values } => {
                let fields = [self.list(keys, |this, key| this.expr_or_none(key.as_ref()))?, self.exprs(values)?];
                self.node(Class::Dict, at, fields)
            }
            ExprKind::Set { elts } => {
                let elts = self.exprs(elts)?;
                self.node(Class::Set, at, [elts])
            }
            ExprKind::ListComp { elt, generators } => self.comprehension(Class::ListComp, at, elt, generators),
            ExprKind::SetComp { elt, generators } => self.comprehension(Class::SetComp, at, elt, generators),
            ExprKind::GeneratorExp { elt, generators } => self.comprehension(Class::GeneratorExp, at, elt, generators),
            ExprKind::DictComp { key, value, generators } => {
                let fields = [self.expr(key)?, self.expr(value)?, self.generators(generators)?];
                self.node(Class::DictComp, at, fields)
            }
            ExprKind::Await { value } => {
                let value = self.expr(value)?;
                self.node(Class::Await, at, [value])
            }
            ExprKind::Yield { value } => {
                let value = self.expr_or_none(value.as_deref())?;
                self.node(Class::Yield, at, [value])
            }
            ExprKind::YieldFrom { value } => {
                let value = self.expr(value)?;
                self.node(Class::YieldFrom, at, [value])
            }
            ExprKind::Compare { left, ops, comparators } => {
                let fields = [self.expr(left)?, self.list(ops, |this, op| this.cmp_op(*op))?, self.exprs(comparators)?];
                self.node(Class::Compare, at, fields)
            }
            ExprKind::Call { func, args, keywords } => {
                let fields = [self.expr(func)?, self.exprs(args)?, self.list(keywords, Self::keyword)?];
                self.node(Class::Call, at, fields)
            }
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                let fields =
                    [self.expr(value)?, Value::int(i64::from(*conversion)), self.expr_or_none(format_spec.as_deref())?];
                self.node(Class::FormattedValue, at, fields)
            }
            ExprKind::JoinedStr { values } => {
                let values = self.exprs(values)?;
                self.node(Class::JoinedStr, at, [values])
            }
            ExprKind::Constant { value, kind } => {
                let fields = [constant(value)?, self.name_or_none(*kind)];
                self.node(Class::Constant, at, fields)
            }
            ExprKind::Attribute { value, attr, ctx } => {
                let fields = [self.expr(value)?, self.name(*attr), self.context(*ctx)?];
                self.node(Class::Attribute, at, fields)
            }
            ExprKind::Subscript { value, slice, ctx } => {
                let fields = [self.expr(value)?, self.slice(slice)?, self.context(*ctx)?];
                self.node(Class::Subscript, at, fields)
            }
            ExprKind::Starred { value, ctx } => {
                let fields = [self.expr(value)?, self.context(*ctx)?];
                self.node(Class::Starred, at, fields)
            }
            ExprKind::Name { id, ctx } => {
                let fields = [self.name(*id), self.context(*ctx)?];
                self.node(Class::Name, at, fields)
            }
            ExprKind::List { elts, ctx } => {
                let fields = [self.exprs(elts)?, self.context(*ctx)?];
                self.node(Class::List, at, fields)
            }
            ExprKind::Tuple { elts, ctx } => {
                let fields = [self.exprs(elts)?, self.context(*ctx)?];
                self.node(Class::Tuple, at, fields)
            }
        }
    }

    fn comprehension(&mut self, class: Class, at: At, elt: &Expr, generators: &[Comprehension]) -> PyResult<Value> {
        let fields = [self.expr(elt)?, self.generators(generators)?];
        self.node(class, at, fields)
    }
}

/// The object of a constant of source text.
pub(crate) fn constant(value: &Constant) -> PyResult<Value> {
    Ok(match value {
        Constant::None => Value::NONE,
        Constant::Bool(true) => Value::TRUE,
        Constant::Bool(false) => Value::FALSE,
        Constant::Ellipsis => Value::ELLIPSIS,
        Constant::Int(value) => Value::int(*value),
        Constant::BigInt(value) => int::big((**value).clone()),
        Constant::Float(value) => Value::float(*value),
        Constant::Complex(real, imag) => complex::new_value(*real, *imag),
        Constant::Str(text) => text_value(text),
        Constant::Bytes(bytes) => Bytes::new_value(bytes),
        Constant::Tuple(items) => Tuple::from_vec(items.iter().map(constant).collect::<PyResult<Vec<_>>>()?),
        Constant::FrozenSet(items) => set::frozenset_of(&items.iter().map(constant).collect::<PyResult<Vec<_>>>()?)?,
        Constant::Code(_) => return Err(runtime_error("a code object in a tree")),
    })
}
