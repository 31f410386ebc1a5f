//! The pass over finished bytecode: jumps to jumps, constant tuples, code behind `return`. As CPython 3.8's `peephole.c`.
//!
//! What is removed becomes `NOP` first; at the end these are taken out, and jumps and line numbers adjusted.

use crate::compile::assemble::{push_instruction, size};
use crate::compile::constant::Constant;
use crate::pyc::opcode::{ArgKind, Opcode};

/// A code unit: opcode and argument byte.
type Unit = [u8; 2];

const NOP: u8 = Opcode::Nop as u8;
const EXTENDED_ARG: u8 = Opcode::ExtendedArg as u8;
const LOAD_CONST: u8 = Opcode::LoadConst as u8;
const BUILD_TUPLE: u8 = Opcode::BuildTuple as u8;
const UNPACK_SEQUENCE: u8 = Opcode::UnpackSequence as u8;
const RETURN_VALUE: u8 = Opcode::ReturnValue as u8;
const JUMP_FORWARD: u8 = Opcode::JumpForward as u8;
const JUMP_ABSOLUTE: u8 = Opcode::JumpAbsolute as u8;
const POP_JUMP_IF_FALSE: u8 = Opcode::PopJumpIfFalse as u8;
const POP_JUMP_IF_TRUE: u8 = Opcode::PopJumpIfTrue as u8;
const JUMP_IF_FALSE_OR_POP: u8 = Opcode::JumpIfFalseOrPop as u8;
const JUMP_IF_TRUE_OR_POP: u8 = Opcode::JumpIfTrueOrPop as u8;
const END_FINALLY: u8 = Opcode::EndFinally as u8;
const SETUP_FINALLY: u8 = Opcode::SetupFinally as u8;
const ROT_TWO: u8 = Opcode::RotTwo as u8;
const ROT_THREE: u8 = Opcode::RotThree as u8;

fn is_unconditional(op: u8) -> bool {
    matches!(op, JUMP_FORWARD | JUMP_ABSOLUTE)
}

fn is_conditional(op: u8) -> bool {
    matches!(op, POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE | JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP)
}

fn is_absolute(op: u8) -> bool {
    op == JUMP_ABSOLUTE || is_conditional(op)
}

fn jumps_on_true(op: u8) -> bool {
    matches!(op, POP_JUMP_IF_TRUE | JUMP_IF_TRUE_OR_POP)
}

fn jump_kind(op: u8) -> Option<ArgKind> {
    let kind = Opcode::from_byte(op)?.arg_kind();
    matches!(kind, ArgKind::JumpAbs | ArgKind::JumpRel).then_some(kind)
}

struct Pass {
    units: Vec<Unit>,
    /// The number of the basic block of each unit.
    blocks: Vec<u32>,
}

/// Optimises bytecode. `consts` may grow, `lnotab` is adjusted.
pub fn optimize(code: Vec<u8>, consts: &mut Vec<Constant>, lnotab: &mut [u8]) -> Vec<u8> {
    // Line number tables of large gaps are not understood.
    if lnotab.iter().step_by(2).any(|&bytes| bytes == 255) {
        return code;
    }
    let units: Vec<Unit> = code.as_chunks().0.to_vec();
    let mut pass = Pass { blocks: vec![0; units.len()], units };
    pass.mark_blocks();
    pass.run(consts);
    pass.finish(lnotab).unwrap_or(code)
}

impl Pass {
    fn op(&self, at: usize) -> u8 {
        self.units.get(at).map_or(0, |unit| unit[0])
    }

    /// The argument of the instruction whose opcode is at `at`.
    fn arg(&self, at: usize) -> u32 {
        let mut arg = 0;
        for (shift, at) in [(0, Some(at)), (8, at.checked_sub(1)), (16, at.checked_sub(2)), (24, at.checked_sub(3))] {
            let Some(&[op, byte]) = at.and_then(|at| self.units.get(at)) else { break };
            if shift != 0 && op != EXTENDED_ARG {
                break;
            }
            arg |= u32::from(byte) << shift;
        }
        arg
    }

    /// The unit of the opcode that follows the `EXTENDED_ARG`s at `at`.
    fn find_op(&self, mut at: usize) -> usize {
        while self.op(at) == EXTENDED_ARG {
            at += 1;
        }
        at
    }

    fn target(&self, at: usize) -> usize {
        let arg = self.arg(at) as usize / 2;
        if is_absolute(self.op(at)) { arg } else { arg + at + 1 }
    }

    fn same_block(&self, a: usize, b: usize) -> bool {
        self.blocks.get(a) == self.blocks.get(b)
    }

    fn mark_blocks(&mut self) {
        for at in 0..self.units.len() {
            if jump_kind(self.op(at)).is_some() {
                let target = self.target(at);
                if let Some(mark) = self.blocks.get_mut(target) {
                    *mark = 1;
                }
            }
        }
        let mut count = 0;
        for mark in &mut self.blocks {
            count += *mark;
            *mark = count;
        }
    }

    fn fill_nops(&mut self, start: usize, end: usize) {
        if let Some(units) = self.units.get_mut(start..end) {
            units.fill([NOP, 0]);
        }
    }

    fn write(&mut self, start: usize, op: u8, arg: u32, count: usize) {
        let mut bytes = Vec::with_capacity(8);
        push_instruction(&mut bytes, op, arg, count);
        for (unit, bytes) in self.units.iter_mut().skip(start).zip(bytes.as_chunks().0) {
            *unit = *bytes;
        }
    }

    /// Replaces the argument of the instruction at `at`, if there is room; returns where its opcode is then.
    fn set_arg(&mut self, at: usize, arg: u32) -> Option<usize> {
        let current = self.arg(at);
        if current == arg {
            return Some(at);
        }
        let (old, new) = (size(current), size(arg));
        if old < new {
            return None;
        }
        let start = (at + 1).checked_sub(old)?;
        self.write(start, self.op(at), arg, new);
        self.fill_nops(start + new, at + 1);
        Some(start + new - 1)
    }

    /// Writes an instruction at the end of a region, if there is room, and `NOP`s before it.
    fn write_at_end(&mut self, start: usize, op: u8, arg: u32, end: usize) {
        let count = size(arg);
        if start + count <= end {
            self.write(end - count, op, arg, count);
            self.fill_nops(start, end - count);
        }
    }

    /// Where the `count` `LOAD_CONST`s before `at` begin.
    fn constants_before(&self, mut at: usize, mut count: usize) -> Option<usize> {
        loop {
            at = at.checked_sub(1)?;
            if self.op(at) == LOAD_CONST {
                count = count.checked_sub(1)?;
                if count == 0 {
                    while at > 0 && self.op(at - 1) == EXTENDED_ARG {
                        at -= 1;
                    }
                    return Some(at);
                }
            }
        }
    }

    fn run(&mut self, consts: &mut Vec<Constant>) {
        let len = self.units.len();
        // How many LOAD_CONSTs there are in a row.
        let mut row = 0;
        let mut at = self.find_op(0);
        while at < len {
            let op = self.op(at);
            let mut start = at;
            while start > 0 && self.op(start - 1) == EXTENDED_ARG {
                start -= 1;
            }
            let mut next = self.find_op(at + 1);
            let next_op = self.op(next);
            let last_row = std::mem::take(&mut row);
            match op {
                LOAD_CONST => {
                    row = last_row + 1;
                    let truth = consts.get(self.arg(at) as usize).is_some_and(Constant::is_true);
                    if next_op == POP_JUMP_IF_FALSE && self.same_block(start, at + 1) && truth {
                        self.fill_nops(start, next + 1);
                        row = 0;
                    }
                }
                BUILD_TUPLE => self.build_tuple(start, at, next, last_row, consts),
                JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP => match self.jump_or_pop(at) {
                    Some(again) => next = again,
                    None => self.thread_jump(start, at),
                },
                POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE | JUMP_FORWARD | JUMP_ABSOLUTE => self.thread_jump(start, at),
                RETURN_VALUE => {
                    let mut end = at + 1;
                    while end < len && self.same_block(at, end) && self.op(end) != END_FINALLY {
                        if self.op(end) == SETUP_FINALLY {
                            while end > at + 1 && self.op(end - 1) == EXTENDED_ARG {
                                end -= 1;
                            }
                            break;
                        }
                        end += 1;
                    }
                    if end > at + 1 {
                        self.fill_nops(at + 1, end);
                        next = self.find_op(end);
                    }
                }
                _ => {}
            }
            at = next;
        }
    }

    fn build_tuple(&mut self, start: usize, at: usize, next: usize, row: usize, consts: &mut Vec<Constant>) {
        let count = self.arg(at) as usize;
        if count > 0
            && row >= count
            && let Some(first) = self.constants_before(start, count)
            && self.same_block(first, start)
        {
            let mut items = Vec::with_capacity(count);
            let mut position = first;
            for _ in 0..count {
                position = self.find_op(position);
                items.push(consts.get(self.arg(position) as usize).cloned().unwrap_or(Constant::None));
                position += 1;
            }
            consts.push(Constant::Tuple(items.into()));
            self.write_at_end(first, LOAD_CONST, (consts.len() - 1) as u32, at + 1);
            return;
        }
        if self.op(next) != UNPACK_SEQUENCE || !self.same_block(start, at + 1) || count != self.arg(next) as usize {
            return;
        }
        let rotations: &[u8] = match count {
            0 | 1 => &[],
            2 => &[ROT_TWO],
            3 => &[ROT_THREE, ROT_TWO],
            _ => return,
        };
        self.fill_nops(start, next + 1);
        for (unit, &op) in self.units.iter_mut().skip(start).zip(rotations) {
            *unit = [op, 0];
        }
    }

    /// A conditional jump to another one: the first test settles the second. Returns where to go on, when the jump was
    /// changed.
    fn jump_or_pop(&mut self, at: usize) -> Option<usize> {
        let op = self.op(at);
        let target = self.find_op(self.arg(at) as usize / 2);
        let there = self.op(target);
        if !is_conditional(there) {
            return None;
        }
        let (arg, op) = if jumps_on_true(there) == jumps_on_true(op) {
            (self.arg(target), there)
        } else {
            let op = if op == JUMP_IF_TRUE_OR_POP { POP_JUMP_IF_TRUE } else { POP_JUMP_IF_FALSE };
            ((target as u32 + 1) * 2, op)
        };
        let at = self.set_arg(at, arg)?;
        if let Some(unit) = self.units.get_mut(at) {
            unit[0] = op;
        }
        Some(at)
    }

    /// A jump to an unconditional jump goes where that goes; one to a `return` becomes one.
    fn thread_jump(&mut self, start: usize, at: usize) {
        let mut op = self.op(at);
        let target = self.find_op(self.target(at));
        let there = self.op(target);
        if is_unconditional(op) && there == RETURN_VALUE {
            self.fill_nops(start, at + 1);
            if let Some(unit) = self.units.get_mut(start) {
                *unit = [RETURN_VALUE, 0];
            }
        } else if is_unconditional(there) {
            let arg = self.target(target);
            if op == JUMP_FORWARD {
                op = JUMP_ABSOLUTE;
            }
            self.write_at_end(start, op, (arg * 2) as u32, at + 1);
        }
    }

    /// Takes the `NOP`s out. `None` if a jump has become longer than there is room for.
    fn finish(mut self, lnotab: &mut [u8]) -> Option<Vec<u8>> {
        let mut removed = 0;
        // From old to new offsets, in units.
        for (at, unit) in self.units.iter().enumerate() {
            self.blocks[at] = (at - removed) as u32;
            removed += usize::from(unit[0] == NOP);
        }
        let moved = |at: usize| self.blocks.get(at).copied().unwrap_or((self.units.len() - removed) as u32);
        let (mut original, mut last) = (0usize, 0u32);
        for entry in lnotab.as_chunks_mut::<2>().0 {
            original += usize::from(entry[0]);
            let new = moved(original / 2) * 2;
            entry[0] = new.wrapping_sub(last) as u8;
            last = new;
        }
        let mut code = Vec::with_capacity((self.units.len() - removed) * 2);
        let mut at = 0;
        while at < self.units.len() {
            let start = at;
            at = self.find_op(at);
            let Some(&[op, _]) = self.units.get(at) else { break };
            let mut arg = self.units.get(start..=at)?.iter().fold(0u32, |arg, unit| arg << 8 | u32::from(unit[1]));
            let end = at;
            at += 1;
            if op == NOP {
                continue;
            }
            match jump_kind(op) {
                Some(ArgKind::JumpAbs) => arg = moved(arg as usize / 2) * 2,
                Some(_) => {
                    arg = moved(arg as usize / 2 + end + 1).wrapping_sub(moved(end)).wrapping_sub(1).wrapping_mul(2);
                }
                None => {}
            }
            let room = end - start + 1;
            if size(arg) > room {
                return None;
            }
            push_instruction(&mut code, op, arg, room);
        }
        Some(code)
    }
}
