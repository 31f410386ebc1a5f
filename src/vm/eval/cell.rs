//! An instruction in register form.

/// An instruction: its handler and up to three operands.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Cell {
    /// Distance of the handler from the base handler; in the loop form, its number.
    pub handler: u32,
    /// First operand, as a rule the destination register.
    pub a: u32,
    /// Second operand.
    pub b: u32,
    /// Third operand.
    pub c: u32,
}
