//! `from __future__ import ...`.

use crate::compile::ast::{ExprKind, Mod, Stmt, StmtKind};
use crate::compile::constant::Constant;
use crate::compile::error::CompileError;
use crate::compile::flags;
use crate::compile::symbol::Symbols;

/// The future features of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Future {
    /// Their flags.
    pub features: u32,
    /// The line of the last import of features; -1 if there is none.
    pub line: i32,
}

/// The text of the exception for an import that stands too late.
pub const LATE: &str = "from __future__ imports must occur at the beginning of the file";

impl Future {
    /// What a tree imports from `__future__`.
    ///
    /// # Errors
    /// `SyntaxError` for an unknown feature, or an import after something else on the same line.
    pub fn of(root: &Mod, symbols: &Symbols) -> Result<Future, CompileError> {
        let mut future = Future { features: 0, line: -1 };
        let (Mod::Module { body, .. } | Mod::Interactive { body }) = root else { return Ok(future) };
        let mut done = false;
        let mut line = 0;
        for (position, stmt) in body.iter().enumerate() {
            if done && stmt.at.line > line {
                break;
            }
            line = stmt.at.line;
            match &stmt.kind {
                StmtKind::ImportFrom { module: Some(module), .. } if symbols.bytes(*module) == b"__future__" => {
                    if done {
                        return Err(CompileError::placed(LATE, stmt.at.line, stmt.at.col));
                    }
                    future.add(stmt, symbols)?;
                    future.line = stmt.at.line;
                }
                StmtKind::Expr { value }
                    if position == 0 && matches!(value.kind, ExprKind::Constant { value: Constant::Str(_), .. }) => {}
                _ => done = true,
            }
        }
        Ok(future)
    }

    fn add(&mut self, stmt: &Stmt, symbols: &Symbols) -> Result<(), CompileError> {
        let StmtKind::ImportFrom { names, .. } = &stmt.kind else { return Ok(()) };
        for alias in names {
            let text = match symbols.bytes(alias.name) {
                b"nested_scopes" | b"generators" | b"division" | b"absolute_import" | b"with_statement"
                | b"print_function" | b"unicode_literals" | b"generator_stop" => continue,
                b"barry_as_FLUFL" => {
                    self.features |= flags::BARRY_AS_BDFL;
                    continue;
                }
                b"annotations" => {
                    self.features |= flags::ANNOTATIONS;
                    continue;
                }
                b"braces" => "not a chance".to_string(),
                name => {
                    let end = name.iter().take(100).count();
                    let name = String::from_utf8_lossy(name.get(..end).unwrap_or_default());
                    format!("future feature {name} is not defined")
                }
            };
            return Err(CompileError::placed(text, stmt.at.line, stmt.at.col.saturating_add(1)));
        }
        Ok(())
    }
}
