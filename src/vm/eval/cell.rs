//! An instruction in register form.

use super::Handler;

/// An instruction: its handler and up to three operands. Some are followed by a second cell that holds what they have
/// learned, or the destination of a call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Distance of the handler from the base handler.
    pub handler: u32,
    /// First operand, as a rule the destination register.
    pub a: u32,
    /// Second operand.
    pub b: u32,
    /// Third operand: a register, a name, or the distance of a jump in cells.
    pub c: u32,
}

impl Cell {
    /// An instruction.
    pub fn new(handler: Handler, a: u32, b: u32, c: u32) -> Cell {
        Cell { handler: encode(handler), a, b, c }
    }

    /// A second cell with nothing learned yet: its first word is no type's version, the first two no epoch of globals.
    pub const EMPTY: Cell = Cell { handler: u32::MAX, a: u32::MAX, b: 0, c: 0 };
}

/// A handler as its distance from the base handler.
pub fn encode(handler: Handler) -> u32 {
    (handler as usize).wrapping_sub(super::base()) as u32
}
