//! The module `_opcode`: what instructions do to the stack.

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::native::c_int;
use crate::object::value::Value;
use crate::pyc::opcode::{Flow, Opcode};
use crate::types::exceptions::value_error;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_opcode",
    doc: "Opcode support module.",
    functions: &[method!(
        stack_effect,
        "stack_effect($module, opcode, oparg=None, /, *, jump=None)",
        "Compute the stack effect of the opcode."
    )],
    fill: |_| Ok(()),
};

/// The first opcode with an argument.
const HAVE_ARGUMENT: i32 = 90;

fn stack_effect(opcode: i32, oparg: Option<&Value>, jump: Option<&Value>) -> PyResult<i64> {
    let arg = oparg.filter(|arg| !arg.is_none());
    let arg = match (opcode >= HAVE_ARGUMENT, arg) {
        (true, None) => {
            return Err(value_error("stack_effect: opcode requires oparg but oparg was not specified"));
        }
        (true, Some(arg)) => c_int(arg, false)?,
        (false, Some(_)) => {
            return Err(value_error("stack_effect: opcode does not permit oparg but oparg was specified"));
        }
        (false, None) => 0,
    };
    let flow = match jump {
        None => Flow::Either,
        Some(jump) if jump.is_none() => Flow::Either,
        Some(jump) if jump.is_true() => Flow::Jump,
        Some(jump) if jump.is_false() => Flow::Next,
        Some(_) => return Err(value_error("stack_effect: jump must be False, True or None")),
    };
    let known = u8::try_from(opcode).ok().and_then(Opcode::from_byte);
    let effect = known.and_then(|opcode| opcode.stack_effect(arg as u32, flow));
    effect.map(i64::from).ok_or_else(|| value_error("invalid opcode or oparg"))
}
