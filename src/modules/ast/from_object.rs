//! Objects to trees of the compiler, with the errors of CPython's `PyAST_obj2mod`.

use super::{Class, MAX_DEPTH, RED_ZONE, Registry, STACK, registry, text_bytes, validate};
use crate::compile::ast::{
    Alias, Arg, Arguments, BoolOp, ClassDef, CmpOp, Comprehension, ExceptHandler, Expr, ExprContext, ExprKind, For,
    FunctionDef, Keyword, Mod, Operator, Position, Slice, Stmt, StmtKind, Tree, Try, TypeIgnore, UnaryOp, With,
    WithItem,
};
use crate::compile::code::CodeObject;
use crate::compile::constant::Constant;
use crate::compile::parse::Mode;
use crate::compile::symbol::{Symbol, Symbols};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::object::{attribute, text};
use crate::types::bytes::Bytes;
use crate::types::complex::Complex;
use crate::types::exceptions::{overflow_error, recursion_error, runtime_error, type_error, value_error};
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{float, int, set, type_};
use std::rc::Rc;

/// The tree that an object stands for, validated.
///
/// # Errors
/// `TypeError` for a node of a wrong class, a missing field or a value of a wrong type; `ValueError` for what no source
/// could give; what the attributes of the nodes raise.
pub fn from_object(value: &Value, mode: Mode) -> PyResult<Tree> {
    let wanted = match mode {
        Mode::Exec => Class::Module,
        Mode::Eval => Class::Expression,
        Mode::Single => Class::Interactive,
        Mode::FuncType => Class::FunctionType,
    };
    let mut reader = Reader { registry: registry()?, symbols: Symbols::default(), depth: 0 };
    if !reader.is(value, wanted)? {
        return Err(type_error(format!("expected {} node, got {}", wanted.name(), value.ty().name())));
    }
    let root = match mode {
        Mode::Exec => Mod::Module {
            body: reader.list(value, wanted, 0, Reader::stmt)?,
            type_ignores: reader.list(value, wanted, 1, Reader::type_ignore)?,
        },
        Mode::Eval => Mod::Expression { body: Box::new(reader.expr_field(value, wanted, 0)?) },
        Mode::Single => Mod::Interactive { body: reader.list(value, wanted, 0, Reader::stmt)? },
        Mode::FuncType => Mod::FunctionType {
            argtypes: reader.list(value, wanted, 0, Reader::expr)?,
            returns: Box::new(reader.expr_field(value, wanted, 1)?),
        },
    };
    let tree = Tree { root, symbols: reader.symbols };
    validate::tree(&tree)?;
    Ok(tree)
}

struct Reader {
    registry: &'static Registry,
    symbols: Symbols,
    depth: u32,
}

type Node<'v> = &'v Value;

impl Reader {
    /// Whether an object is a node of a class.
    fn is(&self, object: Node<'_>, class: Class) -> PyResult<bool> {
        let ty = self.registry.class(class)?;
        if std::ptr::eq(object.ty(), ty) {
            return Ok(true);
        }
        type_::is_instance(object, &ty.value())
    }

    /// The first of some classes that an object is a node of.
    fn class(&self, object: Node<'_>, base: Class, from: Class, to: Class) -> PyResult<Class> {
        let range = from as usize..=to as usize;
        let found = |index: usize| super::class_at(index).ok_or_else(|| runtime_error("lost class of _ast"));
        // Most nodes are of exactly these classes.
        for index in range.clone() {
            if self.registry.classes.get(index).is_some_and(|class| class.is(&object.ty().value())) {
                return found(index);
            }
        }
        for index in range {
            if let Some(class) = self.registry.classes.get(index)
                && type_::is_instance(object, class)?
            {
                return found(index);
            }
        }
        let shown = text::repr_string(object)?;
        Err(type_error(format!("expected some sort of {}, but got {shown}", base.name())))
    }

    /// A field that need not be there.
    fn optional(&self, object: Node<'_>, class: Class, index: usize) -> PyResult<Option<Value>> {
        let name = self.registry.field_name(class, index)?;
        Ok(attribute::lookup(object, name)?.filter(|value| !value.is_none()))
    }

    /// A field that must be there; it may be None.
    fn required(&self, object: Node<'_>, class: Class, index: usize) -> PyResult<Value> {
        let name = self.registry.field_name(class, index)?;
        match attribute::lookup(object, name)? {
            Some(value) => Ok(value),
            None => Err(missing(field_text(class, index), class.name())),
        }
    }

    /// A field that must be there and hold something.
    fn given(&self, object: Node<'_>, class: Class, index: usize) -> PyResult<Value> {
        let value = self.required(object, class, index)?;
        if value.is_none() {
            let field = field_text(class, index);
            return Err(value_error(format!("field {field} is required for {}", class.name())));
        }
        Ok(value)
    }

    fn list<T>(
        &mut self,
        object: Node<'_>,
        class: Class,
        index: usize,
        each: impl Fn(&mut Self, Node<'_>) -> PyResult<T>,
    ) -> PyResult<Vec<T>> {
        let value = self.required(object, class, index)?;
        let field = field_text(class, index);
        let Some(list) = value.downcast::<List>() else {
            return Err(type_error(format!(
                "{} field \"{field}\" must be a list, not a {}",
                class.name(),
                value.ty().name()
            )));
        };
        let length = list.items().len();
        let mut items = Vec::with_capacity(length);
        for at in 0..length {
            let item = list.items().get(at);
            if let Some(item) = item {
                items.push(each(self, &item)?);
            }
            if list.items().len() != length {
                return Err(runtime_error(format!("{} field \"{field}\" changed size during iteration", class.name())));
            }
        }
        Ok(items)
    }

    fn int(&self, value: &Value) -> PyResult<i32> {
        if !int::is_int(value) {
            return Err(value_error(format!("invalid integer value: {}", text::repr_string(value)?)));
        }
        int::to_i64(value)
            .and_then(|value| i32::try_from(value).ok())
            .ok_or_else(|| overflow_error("Python int too large to convert to C int"))
    }

    fn int_field(&self, object: Node<'_>, class: Class, index: usize) -> PyResult<i32> {
        let value = self.required(object, class, index)?;
        self.int(&value)
    }

    fn identifier(&mut self, value: &Value) -> PyResult<Symbol> {
        match value.exact::<Str>() {
            Some(text) => Ok(self.symbols.intern_bytes(&text_bytes(text))),
            None => Err(type_error("AST identifier must be of type str")),
        }
    }

    fn identifier_field(&mut self, object: Node<'_>, class: Class, index: usize) -> PyResult<Symbol> {
        let value = self.given(object, class, index)?;
        self.identifier(&value)
    }

    fn identifier_or_none(&mut self, object: Node<'_>, class: Class, index: usize) -> PyResult<Option<Symbol>> {
        self.optional(object, class, index)?.map(|value| self.identifier(&value)).transpose()
    }

    fn name_item(&mut self, value: Node<'_>) -> PyResult<Symbol> {
        self.identifier(value)
    }

    fn text_or_none(&mut self, object: Node<'_>, class: Class, index: usize) -> PyResult<Option<Symbol>> {
        let Some(value) = self.optional(object, class, index)? else { return Ok(None) };
        if let Some(text) = value.exact::<Str>() {
            return Ok(Some(self.symbols.intern_bytes(&text_bytes(text))));
        }
        match value.exact::<Bytes>() {
            Some(bytes) => Ok(Some(self.symbols.intern_bytes(bytes.as_slice()))),
            None => Err(type_error("AST string must be of type str")),
        }
    }

    /// The position of a node; `base` is the class that declares it.
    fn position(&self, object: Node<'_>, base: Class) -> PyResult<Position> {
        let [line, col, end_line, end_col] = &self.registry.positions;
        let required = |name: &Value, text: &str| match attribute::lookup(object, name)? {
            Some(value) => self.int(&value),
            None => Err(missing(text, base.name())),
        };
        let optional = |name: &Value| match attribute::lookup(object, name)? {
            Some(value) if !value.is_none() => self.int(&value),
            _ => Ok(0),
        };
        Ok(Position {
            line: required(line, "lineno")?,
            col: required(col, "col_offset")?,
            end_line: optional(end_line)?,
            end_col: optional(end_col)?,
        })
    }

    fn deeper<T>(&mut self, make: impl FnOnce(&mut Self) -> PyResult<T>) -> PyResult<T> {
        if self.depth >= MAX_DEPTH {
            return Err(recursion_error("maximum recursion depth exceeded during ast construction"));
        }
        self.depth += 1;
        let value = stacker::maybe_grow(RED_ZONE, STACK, || make(self));
        self.depth -= 1;
        value
    }

    fn expr_field(&mut self, object: Node<'_>, class: Class, index: usize) -> PyResult<Expr> {
        let value = self.given(object, class, index)?;
        self.expr(&value)
    }

    fn boxed(&mut self, object: Node<'_>, class: Class, index: usize) -> PyResult<Box<Expr>> {
        Ok(Box::new(self.expr_field(object, class, index)?))
    }

    fn boxed_or_none(&mut self, object: Node<'_>, class: Class, index: usize) -> PyResult<Option<Box<Expr>>> {
        let value = self.optional(object, class, index)?;
        value.map(|value| Ok(Box::new(self.expr(&value)?))).transpose()
    }

    fn exprs(&mut self, object: Node<'_>, class: Class, index: usize) -> PyResult<Vec<Expr>> {
        self.list(object, class, index, Self::expr)
    }

    fn expr_or_none(&mut self, value: Node<'_>) -> PyResult<Option<Expr>> {
        if value.is_none() { Ok(None) } else { self.expr(value).map(Some) }
    }

    fn body(&mut self, object: Node<'_>, class: Class, index: usize) -> PyResult<Vec<Stmt>> {
        self.list(object, class, index, Self::stmt)
    }

    fn type_ignore(&mut self, object: Node<'_>) -> PyResult<TypeIgnore> {
        let class = self.class(object, Class::type_ignore, Class::TypeIgnore, Class::TypeIgnore)?;
        let line = self.int_field(object, class, 0)?;
        self.given(object, class, 1)?;
        let tag = self.text_or_none(object, class, 1)?.unwrap_or_else(|| self.symbols.intern(""));
        Ok(TypeIgnore { line, tag })
    }

    fn stmt(&mut self, object: Node<'_>) -> PyResult<Stmt> {
        if object.is_none() {
            return Err(value_error("None disallowed in statement list"));
        }
        self.deeper(|this| {
            let at = this.position(object, Class::stmt)?;
            let class = this.class(object, Class::stmt, Class::FunctionDef, Class::Continue)?;
            Ok(Stmt { kind: this.stmt_kind(object, class)?, at })
        })
    }

    fn stmt_kind(&mut self, o: Node<'_>, c: Class) -> PyResult<StmtKind> {
        Ok(match c {
            Class::FunctionDef => StmtKind::FunctionDef(self.function(o, c)?),
            Class::AsyncFunctionDef => StmtKind::AsyncFunctionDef(self.function(o, c)?),
            Class::ClassDef => StmtKind::ClassDef(Box::new(ClassDef {
                name: self.identifier_field(o, c, 0)?,
                bases: self.exprs(o, c, 1)?,
                keywords: self.list(o, c, 2, Self::keyword)?,
                body: self.body(o, c, 3)?,
                decorator_list: self.exprs(o, c, 4)?,
            })),
            Class::Return => StmtKind::Return { value: self.boxed_or_none(o, c, 0)? },
            Class::Delete => StmtKind::Delete { targets: self.exprs(o, c, 0)? },
            Class::Assign => StmtKind::Assign {
                targets: self.exprs(o, c, 0)?,
                value: self.boxed(o, c, 1)?,
                type_comment: self.text_or_none(o, c, 2)?,
            },
            Class::AugAssign => StmtKind::AugAssign {
                target: self.boxed(o, c, 0)?,
                op: self.operator(o, c, 1)?,
                value: self.boxed(o, c, 2)?,
            },
            Class::AnnAssign => StmtKind::AnnAssign {
                target: self.boxed(o, c, 0)?,
                annotation: self.boxed(o, c, 1)?,
                value: self.boxed_or_none(o, c, 2)?,
                simple: self.int_field(o, c, 3)?,
            },
            Class::For => StmtKind::For(self.for_(o, c)?),
            Class::AsyncFor => StmtKind::AsyncFor(self.for_(o, c)?),
            Class::While => {
                StmtKind::While { test: self.boxed(o, c, 0)?, body: self.body(o, c, 1)?, orelse: self.body(o, c, 2)? }
            }
            Class::If => {
                StmtKind::If { test: self.boxed(o, c, 0)?, body: self.body(o, c, 1)?, orelse: self.body(o, c, 2)? }
            }
            Class::With => StmtKind::With(self.with(o, c)?),
            Class::AsyncWith => StmtKind::AsyncWith(self.with(o, c)?),
            Class::Raise => StmtKind::Raise { exc: self.boxed_or_none(o, c, 0)?, cause: self.boxed_or_none(o, c, 1)? },
            Class::Try => StmtKind::Try(Box::new(Try {
                body: self.body(o, c, 0)?,
                handlers: self.list(o, c, 1, Self::handler)?,
                orelse: self.body(o, c, 2)?,
                finalbody: self.body(o, c, 3)?,
            })),
            Class::Assert => StmtKind::Assert { test: self.boxed(o, c, 0)?, msg: self.boxed_or_none(o, c, 1)? },
            Class::Import => StmtKind::Import { names: self.list(o, c, 0, Self::alias)? },
            Class::ImportFrom => {
                let module = self.identifier_or_none(o, c, 0)?;
                let names = self.list(o, c, 1, Self::alias)?;
                let level = self.optional(o, c, 2)?.map_or(Ok(0), |level| self.int(&level))?;
                StmtKind::ImportFrom { module, names, level: Some(level) }
            }
            Class::Global => StmtKind::Global { names: self.list(o, c, 0, Self::name_item)? },
            Class::Nonlocal => StmtKind::Nonlocal { names: self.list(o, c, 0, Self::name_item)? },
            Class::Expr => StmtKind::Expr { value: self.boxed(o, c, 0)? },
            Class::Pass => StmtKind::Pass,
            Class::Break => StmtKind::Break,
            _ => StmtKind::Continue,
        })
    }

    fn function(&mut self, o: Node<'_>, c: Class) -> PyResult<Box<FunctionDef>> {
        let name = self.identifier_field(o, c, 0)?;
        let args = self.required(o, c, 1)?;
        Ok(Box::new(FunctionDef {
            name,
            args: self.arguments(&args)?,
            body: self.body(o, c, 2)?,
            decorator_list: self.exprs(o, c, 3)?,
            returns: self.boxed_or_none(o, c, 4)?,
            type_comment: self.text_or_none(o, c, 5)?,
        }))
    }

    fn for_(&mut self, o: Node<'_>, c: Class) -> PyResult<Box<For>> {
        Ok(Box::new(For {
            target: self.expr_field(o, c, 0)?,
            iter: self.expr_field(o, c, 1)?,
            body: self.body(o, c, 2)?,
            orelse: self.body(o, c, 3)?,
            type_comment: self.text_or_none(o, c, 4)?,
        }))
    }

    fn with(&mut self, o: Node<'_>, c: Class) -> PyResult<Box<With>> {
        Ok(Box::new(With {
            items: self.list(o, c, 0, Self::with_item)?,
            body: self.body(o, c, 1)?,
            type_comment: self.text_or_none(o, c, 2)?,
        }))
    }

    fn with_item(&mut self, o: Node<'_>) -> PyResult<WithItem> {
        let c = Class::withitem;
        Ok(WithItem { context_expr: self.expr_field(o, c, 0)?, optional_vars: self.boxed_or_none(o, c, 1)? })
    }

    fn handler(&mut self, o: Node<'_>) -> PyResult<ExceptHandler> {
        let at = self.position(o, Class::excepthandler)?;
        let c = self.class(o, Class::excepthandler, Class::ExceptHandler, Class::ExceptHandler)?;
        Ok(ExceptHandler {
            ty: self.boxed_or_none(o, c, 0)?,
            name: self.identifier_or_none(o, c, 1)?,
            body: self.body(o, c, 2)?,
            at,
        })
    }

    fn alias(&mut self, o: Node<'_>) -> PyResult<Alias> {
        let c = Class::alias;
        Ok(Alias { name: self.identifier_field(o, c, 0)?, asname: self.identifier_or_none(o, c, 1)? })
    }

    fn keyword(&mut self, o: Node<'_>) -> PyResult<Keyword> {
        let c = Class::keyword;
        Ok(Keyword { arg: self.identifier_or_none(o, c, 0)?, value: self.expr_field(o, c, 1)? })
    }

    fn arg(&mut self, o: Node<'_>) -> PyResult<Arg> {
        let c = Class::arg;
        let arg = self.identifier_field(o, c, 0)?;
        let annotation = self.boxed_or_none(o, c, 1)?;
        let type_comment = self.text_or_none(o, c, 2)?;
        Ok(Arg { arg, annotation, type_comment, at: self.position(o, c)? })
    }

    fn arg_or_none(&mut self, o: Node<'_>, c: Class, index: usize) -> PyResult<Option<Box<Arg>>> {
        let value = self.optional(o, c, index)?;
        value.map(|value| Ok(Box::new(self.arg(&value)?))).transpose()
    }

    fn arguments(&mut self, o: Node<'_>) -> PyResult<Arguments> {
        let c = Class::arguments;
        Ok(Arguments {
            posonlyargs: self.list(o, c, 0, Self::arg)?,
            args: self.list(o, c, 1, Self::arg)?,
            vararg: self.arg_or_none(o, c, 2)?,
            kwonlyargs: self.list(o, c, 3, Self::arg)?,
            kw_defaults: self.list(o, c, 4, Self::expr_or_none)?,
            kwarg: self.arg_or_none(o, c, 5)?,
            defaults: self.exprs(o, c, 6)?,
        })
    }

    fn generators(&mut self, o: Node<'_>, c: Class, index: usize) -> PyResult<Vec<Comprehension>> {
        self.list(o, c, index, |this, o| {
            let c = Class::comprehension;
            Ok(Comprehension {
                target: this.expr_field(o, c, 0)?,
                iter: this.expr_field(o, c, 1)?,
                ifs: this.exprs(o, c, 2)?,
                is_async: this.int_field(o, c, 3)?,
            })
        })
    }

    fn expr(&mut self, object: Node<'_>) -> PyResult<Expr> {
        if object.is_none() {
            return Err(value_error("None disallowed in expression list"));
        }
        self.deeper(|this| {
            let at = this.position(object, Class::expr)?;
            let class = this.class(object, Class::expr, Class::BoolOp, Class::Tuple)?;
            Ok(Expr { kind: this.expr_kind(object, class)?, at })
        })
    }

    fn expr_kind(&mut self, o: Node<'_>, c: Class) -> PyResult<ExprKind> {
        Ok(match c {
            Class::BoolOp => {
                let op = self.required(o, c, 0)?;
                let op = match self.class(&op, Class::boolop, Class::And, Class::Or)? {
                    Class::And => BoolOp::And,
                    _ => BoolOp::Or,
                };
                ExprKind::BoolOp { op, values: self.exprs(o, c, 1)? }
            }
            Class::NamedExpr => ExprKind::NamedExpr { target: self.boxed(o, c, 0)?, value: self.boxed(o, c, 1)? },
            Class::BinOp => {
                ExprKind::BinOp { left: self.boxed(o, c, 0)?, op: self.operator(o, c, 1)?, right: self.boxed(o, c, 2)? }
            }
            Class::UnaryOp => {
                let op = self.required(o, c, 0)?;
                let op = match self.class(&op, Class::unaryop, Class::Invert, Class::USub)? {
                    Class::Invert => UnaryOp::Invert,
                    Class::Not => UnaryOp::Not,
                    Class::UAdd => UnaryOp::UAdd,
                    _ => UnaryOp::USub,
                };
                ExprKind::UnaryOp { op, operand: self.boxed(o, c, 1)? }
            }
            Class::Lambda => {
                let args = self.required(o, c, 0)?;
                ExprKind::Lambda { args: Box::new(self.arguments(&args)?), body: self.boxed(o, c, 1)? }
            }
            Class::IfExp => {
                ExprKind::IfExp { test: self.boxed(o, c, 0)?, body: self.boxed(o, c, 1)?, orelse: self.boxed(o, c, 2)? }
            }
            Class::Dict => {
                ExprKind::Dict { keys: self.list(o, c, 0, Self::expr_or_none)?, values: self.exprs(o, c, 1)? }
            }
            Class::Set => ExprKind::Set { elts: self.exprs(o, c, 0)? },
            Class::ListComp => ExprKind::ListComp { elt: self.boxed(o, c, 0)?, generators: self.generators(o, c, 1)? },
            Class::SetComp => ExprKind::SetComp { elt: self.boxed(o, c, 0)?, generators: self.generators(o, c, 1)? },
            Class::DictComp => ExprKind::DictComp {
                key: self.boxed(o, c, 0)?,
                value: self.boxed(o, c, 1)?,
                generators: self.generators(o, c, 2)?,
            },
            Class::GeneratorExp => {
                ExprKind::GeneratorExp { elt: self.boxed(o, c, 0)?, generators: self.generators(o, c, 1)? }
            }
            Class::Await => ExprKind::Await { value: self.boxed(o, c, 0)? },
            Class::Yield => ExprKind::Yield { value: self.boxed_or_none(o, c, 0)? },
            Class::YieldFrom => ExprKind::YieldFrom { value: self.boxed(o, c, 0)? },
            Class::Compare => ExprKind::Compare {
                left: self.boxed(o, c, 0)?,
                ops: self.list(o, c, 1, Self::cmp_op)?,
                comparators: self.exprs(o, c, 2)?,
            },
            Class::Call => ExprKind::Call {
                func: self.boxed(o, c, 0)?,
                args: self.exprs(o, c, 1)?,
                keywords: self.list(o, c, 2, Self::keyword)?,
            },
            Class::FormattedValue => {
                let value = self.boxed(o, c, 0)?;
                let conversion = self.optional(o, c, 1)?.map_or(Ok(0), |conversion| self.int(&conversion))?;
                ExprKind::FormattedValue { value, conversion, format_spec: self.boxed_or_none(o, c, 2)? }
            }
            Class::JoinedStr => ExprKind::JoinedStr { values: self.exprs(o, c, 0)? },
            Class::Constant => {
                let value = self.required(o, c, 0)?;
                ExprKind::Constant { value: constant(&value), kind: self.text_or_none(o, c, 1)? }
            }
            Class::Attribute => ExprKind::Attribute {
                value: self.boxed(o, c, 0)?,
                attr: self.identifier_field(o, c, 1)?,
                ctx: self.context(o, c, 2)?,
            },
            Class::Subscript => {
                let value = self.boxed(o, c, 0)?;
                let slice = self.given(o, c, 1)?;
                ExprKind::Subscript { value, slice: Box::new(self.slice(&slice)?), ctx: self.context(o, c, 2)? }
            }
            Class::Starred => ExprKind::Starred { value: self.boxed(o, c, 0)?, ctx: self.context(o, c, 1)? },
            Class::Name => ExprKind::Name { id: self.identifier_field(o, c, 0)?, ctx: self.context(o, c, 1)? },
            Class::List => ExprKind::List { elts: self.exprs(o, c, 0)?, ctx: self.context(o, c, 1)? },
            _ => ExprKind::Tuple { elts: self.exprs(o, c, 0)?, ctx: self.context(o, c, 1)? },
        })
    }

    fn slice(&mut self, object: Node<'_>) -> PyResult<Slice> {
        self.deeper(|this| {
            let c = this.class(object, Class::slice, Class::Slice, Class::Index)?;
            Ok(match c {
                Class::Slice => Slice::Slice {
                    lower: this.boxed_or_none(object, c, 0)?,
                    upper: this.boxed_or_none(object, c, 1)?,
                    step: this.boxed_or_none(object, c, 2)?,
                },
                Class::ExtSlice => Slice::ExtSlice { dims: this.list(object, c, 0, Self::slice)? },
                _ => Slice::Index { value: this.boxed(object, c, 0)? },
            })
        })
    }

    fn context(&mut self, o: Node<'_>, c: Class, index: usize) -> PyResult<ExprContext> {
        let value = self.required(o, c, index)?;
        Ok(match self.class(&value, Class::expr_context, Class::Load, Class::Param)? {
            Class::Load => ExprContext::Load,
            Class::Store => ExprContext::Store,
            Class::Del => ExprContext::Del,
            Class::AugLoad => ExprContext::AugLoad,
            Class::AugStore => ExprContext::AugStore,
            _ => ExprContext::Param,
        })
    }

    fn operator(&mut self, o: Node<'_>, c: Class, index: usize) -> PyResult<Operator> {
        let value = self.required(o, c, index)?;
        Ok(match self.class(&value, Class::operator, Class::Add, Class::FloorDiv)? {
            Class::Add => Operator::Add,
            Class::Sub => Operator::Sub,
            Class::Mult => Operator::Mult,
            Class::MatMult => Operator::MatMult,
            Class::Div => Operator::Div,
            Class::Mod => Operator::Mod,
            Class::Pow => Operator::Pow,
            Class::LShift => Operator::LShift,
            Class::RShift => Operator::RShift,
            Class::BitOr => Operator::BitOr,
            Class::BitXor => Operator::BitXor,
            Class::BitAnd => Operator::BitAnd,
            _ => Operator::FloorDiv,
        })
    }

    fn cmp_op(&mut self, object: Node<'_>) -> PyResult<CmpOp> {
        Ok(match self.class(object, Class::cmpop, Class::Eq, Class::NotIn)? {
            Class::Eq => CmpOp::Eq,
            Class::NotEq => CmpOp::NotEq,
            Class::Lt => CmpOp::Lt,
            Class::LtE => CmpOp::LtE,
            Class::Gt => CmpOp::Gt,
            Class::GtE => CmpOp::GtE,
            Class::Is => CmpOp::Is,
            Class::IsNot => CmpOp::IsNot,
            Class::In => CmpOp::In,
            _ => CmpOp::NotIn,
        })
    }
}

fn field_text(class: Class, index: usize) -> &'static str {
    class.row().2.get(index).copied().unwrap_or("")
}

fn missing(field: &str, class: &str) -> crate::object::error::Raised {
    type_error(format!("required field \"{field}\" missing from {class}"))
}

/// A constant. One of a type that no constant has becomes a mark with the type's name, for the validation to find.
fn constant(value: &Value) -> Constant {
    known(value).unwrap_or_else(|| Constant::Code(Rc::new(invalid(value.ty().name()))))
}

fn known(value: &Value) -> Option<Constant> {
    if value.is_none() {
        return Some(Constant::None);
    }
    if value.is(&Value::ELLIPSIS) {
        return Some(Constant::Ellipsis);
    }
    if value.is(&Value::TRUE) || value.is(&Value::FALSE) {
        return Some(Constant::Bool(value.is(&Value::TRUE)));
    }
    if int::is_exact_int(value) {
        return match int::to_i64(value) {
            Some(small) => Some(Constant::Int(small)),
            None => int::to_big(value).map(|big| Constant::BigInt(Rc::new(big))),
        };
    }
    if float::is_exact_float(value) {
        return float::to_f64(value).map(Constant::Float);
    }
    if let Some(text) = value.exact::<Str>() {
        return Some(Constant::Str(text_bytes(text).into()));
    }
    if let Some(bytes) = value.exact::<Bytes>() {
        return Some(Constant::Bytes(bytes.as_slice().into()));
    }
    if let Some(number) = value.exact::<Complex>() {
        let (real, imag) = number.parts();
        return Some(Constant::Complex(real, imag));
    }
    // (Neither can hold itself: both are made of what was there before them.)
    if let Some(tuple) = value.exact::<Tuple>() {
        return tuple.iter().map(known_item).collect::<Option<Vec<_>>>().map(|items| Constant::Tuple(items.into()));
    }
    if std::ptr::eq(value.ty(), &set::FROZENSET) {
        let items = set::table_of(value)?.keys();
        return items.iter().map(known_item).collect::<Option<Vec<_>>>().map(|items| Constant::FrozenSet(items.into()));
    }
    None
}

fn known_item(value: &Value) -> Option<Constant> {
    stacker::maybe_grow(RED_ZONE, STACK, || known(value))
}

/// The mark of a constant of a type that no constant has: a code object by the type's name.
fn invalid(type_name: &str) -> CodeObject {
    CodeObject {
        argcount: 0,
        posonlyargcount: 0,
        kwonlyargcount: 0,
        nlocals: 0,
        stacksize: 0,
        flags: 0,
        firstlineno: 0,
        code: Vec::new(),
        consts: Vec::new(),
        names: Vec::new(),
        varnames: Vec::new(),
        freevars: Vec::new(),
        cellvars: Vec::new(),
        filename: Rc::from(&b""[..]),
        name: Rc::from(type_name.as_bytes()),
        lnotab: Vec::new(),
    }
}
