//! Setting `f_lineno`: where a frame may go on, as CPython's `frame_setlineno` has it.

use crate::object::error::{PyResult, Raised};
use crate::object::value::Value;
use crate::pyc::opcode::{Instructions, Opcode};
use crate::pyc::verify::{self, UNREACHABLE};
use crate::types::bytes::Bytes;
use crate::types::code::Code;
use crate::types::exceptions::{attribute_error, value_error};
use crate::types::frame::Frame;
use crate::types::int;
use crate::vm::translate::verifier_input;

/// The stack depth before the instruction at an offset.
pub(crate) fn depth(code: &Code, offset: u32) -> Option<u32> {
    let analysis = verify::analyze(&verifier_input(code)).ok()?;
    analysis.depth.get(offset as usize / 2).copied().filter(|&depth| depth != UNREACHABLE)
}

/// `frame.f_lineno = line`: the frame goes on there after the trace function.
///
/// # Errors
/// `ValueError` with CPython's texts where that cannot be.
pub(crate) fn set_line(frame: &Frame, line: Option<&Value>) -> PyResult<()> {
    let Some(line) = line else { return Err(attribute_error("cannot delete attribute")) };
    if !int::is_exact_int(line) {
        return Err(value_error("lineno must be an integer"));
    }
    let here = frame.last_instruction();
    let Ok(from) = u32::try_from(here) else {
        return Err(value_error("can't jump from the 'call' trace event of a new frame"));
    };
    if frame.trace().is_none() {
        return Err(value_error("f_lineno can only be set by a trace function"));
    }
    if !frame.is_jumpable() {
        return Err(value_error("can only jump from a 'line' trace event"));
    }
    let Some(wanted) = int::to_i64(line).and_then(|line| i32::try_from(line).ok()) else {
        return Err(value_error("lineno out of range"));
    };
    let Some(code) = frame.code() else { return Err(value_error("f_lineno can only be set by a trace function")) };
    if wanted < code.fields.firstlineno {
        return Err(value_error(format!("line {wanted} comes before the current code block")));
    }
    let Some((to, reached)) = address_of(code, wanted) else {
        return Err(value_error(format!("line {wanted} comes after the current code block")));
    };
    let bytecode = code.bytecode();
    let op_at = |offset: u32| bytecode.get(offset as usize).copied().and_then(Opcode::from_byte);
    if matches!(op_at(from), Some(Opcode::YieldValue | Opcode::YieldFrom)) {
        return Err(value_error("can't jump from a yield statement"));
    }
    if starts_handler(op_at(to)) {
        return Err(value_error("can't jump to 'except' line as there's no exception"));
    }
    check_blocks(bytecode, from, to)?;
    // What CPython would leave to chance: places that the stack's depth does not allow.
    match (depth(code, from), depth(code, to)) {
        (Some(now), Some(then)) if then <= now => {}
        _ => return Err(value_error("can't jump into the middle of a block")),
    }
    frame.jump(to, reached);
    Ok(())
}

/// Whether that is how an `except` clause begins.
fn starts_handler(op: Option<Opcode>) -> bool {
    matches!(op, Some(Opcode::DupTop | Opcode::PopTop))
}

/// The offset at which a line begins, or the first line after it that has code; and that line.
fn address_of(code: &Code, wanted: i32) -> Option<(u32, i32)> {
    if wanted == code.fields.firstlineno {
        return Some((0, wanted));
    }
    let table = code.fields.lnotab.downcast::<Bytes>().map_or(&[][..], Bytes::as_slice);
    let mut address = 0u32;
    let mut line = code.fields.firstlineno;
    for &[step, delta] in table.as_chunks::<2>().0 {
        address = address.saturating_add(step.into());
        line = line.saturating_add((delta as i8).into());
        if line >= wanted {
            return Some((address, line));
        }
    }
    None
}

/// Refuses jumps into blocks, and into or out of the handlers of `try` statements.
fn check_blocks(bytecode: &[u8], from: u32, to: u32) -> PyResult<()> {
    let op_at = |offset: u32| bytecode.get(offset as usize).copied().and_then(Opcode::from_byte);
    let mut handlers: Vec<u32> = Vec::new();
    for instruction in Instructions::new(bytecode) {
        let offset = instruction.offset;
        match instruction.op() {
            Some(op @ (Opcode::SetupFinally | Opcode::SetupWith | Opcode::SetupAsyncWith | Opcode::ForIter)) => {
                let target = offset.saturating_add(2).saturating_add(instruction.arg);
                let within = |place: u32| offset < place && place < target;
                if within(to) && !within(from) {
                    return Err(value_error("can't jump into the middle of a block"));
                }
                if op != Opcode::ForIter {
                    handlers.push(target);
                }
            }
            Some(Opcode::EndFinally | Opcode::EndAsyncFor) => {
                let Some(target) = handlers.pop() else { continue };
                let within = |place: u32| target <= place && place <= offset;
                if within(from) != within(to) {
                    return Err(refused(within(to), starts_handler(op_at(target))));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn refused(into: bool, except: bool) -> Raised {
    let direction = if into { "into" } else { "out of" };
    let block = if except { "an 'except'" } else { "a 'finally'" };
    value_error(format!("can't jump {direction} {block} block"))
}
