//! From basic blocks to a code object: the order of blocks, jump arguments, the line number table, the stack depth.

use crate::compile::code::CodeObject;
use crate::compile::codegen::unit::{BasicBlock, ConstantCache, Instr, Label, Unit};
use crate::compile::constant::Constant;
use crate::compile::error::{CompileError, ErrorKind};
use crate::compile::peephole;
use crate::compile::symbol::{Symbol, Symbols};
use crate::pyc::opcode::{ArgKind, Flow, Opcode};
use std::rc::Rc;

/// `CO_NOFREE`.
const NOFREE: u32 = 0x40;

/// Line number tables are no longer than that; only a tree with line numbers that no source has can come near it.
const MAX_LNOTAB: usize = 1 << 28;

/// How many code units an instruction with this argument takes, `EXTENDED_ARG` included.
pub fn size(arg: u32) -> usize {
    match arg {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xff_ffff => 3,
        _ => 4,
    }
}

/// Ends a unit.
pub fn assemble(
    unit: &mut Unit,
    constants: &ConstantCache,
    symbols: &Symbols,
    flags: u32,
    filename: &Rc<[u8]>,
) -> Result<CodeObject, CompileError> {
    if unit.first_line == 0 {
        let line = unit.blocks.first().and_then(|block| block.instrs.first()).map_or(0, |instr| instr.line);
        unit.first_line = if line == 0 { 1 } else { line };
    }
    let order = order(&unit.blocks);
    resolve_jumps(&mut unit.blocks, &order);
    let mut emitter = Emitter { code: Vec::new(), lnotab: Vec::new(), line: unit.first_line, line_offset: 0 };
    for &label in order.iter().rev() {
        for instr in &unit.blocks[label].instrs {
            emitter.emit(instr);
        }
    }
    let Emitter { code, mut lnotab, .. } = emitter;
    if lnotab.len() > MAX_LNOTAB {
        return Err(CompileError::plain(ErrorKind::Memory, String::new()));
    }
    let mut consts: Vec<Constant> = unit.consts.iter().map(|&id| constants.get(id)).collect();
    let code = peephole::optimize(code, &mut consts, &mut lnotab);
    let stacksize = stack_depth(&unit.blocks);
    let names = |names: &[Symbol]| names.iter().map(|&name| symbols.shared(name)).collect::<Vec<_>>();
    let no_free = unit.cellvars.names.is_empty() && unit.freevars.names.is_empty();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(CodeObject {
        argcount: count(unit.posonlyargcount + unit.argcount),
        posonlyargcount: count(unit.posonlyargcount),
        kwonlyargcount: count(unit.kwonlyargcount),
        nlocals: count(unit.varnames.names.len()),
        stacksize,
        flags: if no_free { flags | NOFREE } else { flags },
        firstlineno: unit.first_line,
        code,
        consts,
        names: names(&unit.names.names),
        varnames: names(&unit.varnames.names),
        freevars: names(&unit.freevars.names),
        cellvars: names(&unit.cellvars.names),
        filename: Rc::clone(filename),
        name: symbols.shared(unit.name),
        lnotab,
    })
}

/// The blocks that can be reached, in postorder of a depth-first search: their code stands in the reverse of it.
fn order(blocks: &[BasicBlock]) -> Vec<usize> {
    /// Blocks that follow each other, whose jumps are still to be followed, from the last one on.
    struct Chain {
        blocks: Vec<usize>,
        /// How many instructions of the last one have been looked at.
        instr: usize,
    }
    let mut seen = vec![false; blocks.len()];
    let mut done = Vec::with_capacity(blocks.len());
    let follow = |start: usize, seen: &mut [bool]| {
        let mut chain = Vec::new();
        let mut next = Some(start);
        while let Some(at) = next {
            if std::mem::replace(&mut seen[at], true) {
                break;
            }
            chain.push(at);
            next = blocks[at].next.map(|label| label.0 as usize);
        }
        Chain { blocks: chain, instr: 0 }
    };
    let mut open = vec![follow(0, &mut seen)];
    'chains: while let Some(chain) = open.last_mut() {
        let Some(&at) = chain.blocks.last() else {
            open.pop();
            continue;
        };
        let rest = blocks[at].instrs.get(chain.instr..).unwrap_or_default();
        for (position, instr) in rest.iter().enumerate() {
            if let Some(Label(target)) = instr.target
                && !seen[target as usize]
            {
                chain.instr += position + 1;
                let chain = follow(target as usize, &mut seen);
                open.push(chain);
                continue 'chains;
            }
        }
        done.push(at);
        chain.blocks.pop();
        chain.instr = 0;
    }
    done
}

/// Gives jumps their arguments. As these may need `EXTENDED_ARG`, which moves what follows, it goes on until nothing
/// changes.
fn resolve_jumps(blocks: &mut [BasicBlock], order: &[usize]) {
    let mut offsets = vec![0usize; blocks.len()];
    loop {
        let mut total = 0;
        for &at in order.iter().rev() {
            offsets[at] = total;
            total += blocks[at].instrs.iter().map(|instr| size(instr.arg)).sum::<usize>();
        }
        let mut again = false;
        for &at in order {
            let mut offset = offsets[at];
            for instr in &mut blocks[at].instrs {
                let units = size(instr.arg);
                offset += units;
                if let Some(Label(target)) = instr.target {
                    let target = offsets[target as usize];
                    let relative = instr.op.arg_kind() == ArgKind::JumpRel;
                    let arg = if relative { target.wrapping_sub(offset) } else { target };
                    instr.arg = (arg as u32).wrapping_mul(2);
                    again |= size(instr.arg) != units;
                }
            }
        }
        if !again {
            break;
        }
    }
}

struct Emitter {
    code: Vec<u8>,
    lnotab: Vec<u8>,
    /// The line of the last entry of the table, and the offset at which it begins.
    line: i32,
    line_offset: usize,
}

impl Emitter {
    fn emit(&mut self, instr: &Instr) {
        if instr.line != 0 {
            self.begin_line(instr.line);
        }
        push_instruction(&mut self.code, instr.op as u8, instr.arg, size(instr.arg));
    }

    fn begin_line(&mut self, line: i32) {
        if self.lnotab.len() > MAX_LNOTAB {
            return;
        }
        let mut bytes = self.code.len() - self.line_offset;
        // Wraps as an int of C does.
        let mut lines = i64::from(line.wrapping_sub(self.line));
        if bytes == 0 && lines == 0 {
            return;
        }
        // Whole multiples are split all the way: what is left may be 0.
        if bytes > 255 {
            for _ in 0..bytes / 255 {
                self.lnotab.extend([255, 0]);
            }
            bytes %= 255;
        }
        if !(-128..=127).contains(&lines) {
            // The first part takes the address increment with it.
            let part = if lines < 0 { -128 } else { 127 };
            for _ in 0..lines / part {
                self.lnotab.extend([bytes as u8, part as u8]);
                bytes = 0;
            }
            lines %= part;
        }
        self.lnotab.extend([bytes as u8, lines as u8]);
        self.line = line;
        self.line_offset = self.code.len();
    }
}

/// Appends an instruction of `units` code units, as many as it needs or more.
pub fn push_instruction(code: &mut Vec<u8>, op: u8, arg: u32, units: usize) {
    let bytes = arg.to_be_bytes();
    for &byte in bytes.iter().skip(4 - units.clamp(1, 4)).take(units.clamp(1, 4) - 1) {
        code.extend([Opcode::ExtendedArg as u8, byte]);
    }
    code.extend([op, bytes[3]]);
}

/// The largest stack depth. As CPython's, it takes every path once, and counts the most that an instruction can push.
fn stack_depth(blocks: &[BasicBlock]) -> u32 {
    let mut depths = vec![i32::MIN; blocks.len()];
    let mut most = 0;
    let mut open = Vec::new();
    // A tree that a program made may have stack effects that never come to rest.
    let mut steps = blocks.len().saturating_mul(64);
    let mut push = |at: usize, depth: i32, open: &mut Vec<usize>, depths: &mut [i32]| {
        if depths[at] < depth && steps > 0 {
            steps -= 1;
            depths[at] = depth;
            open.push(at);
        }
    };
    push(0, 0, &mut open, &mut depths);
    while let Some(at) = open.pop() {
        let mut depth = depths[at];
        let mut next = blocks[at].next;
        for instr in &blocks[at].instrs {
            let effect = |flow| instr.op.stack_effect(instr.arg, flow).unwrap_or(0);
            let after = depth.saturating_add(effect(Flow::Next));
            most = most.max(after);
            if let Some(Label(target)) = instr.target {
                let there = depth.saturating_add(effect(Flow::Jump));
                most = most.max(there);
                if instr.op == Opcode::CallFinally {
                    depth = after;
                    continue;
                }
                push(target as usize, there, &mut open, &mut depths);
            }
            depth = after;
            if matches!(
                instr.op,
                Opcode::JumpAbsolute | Opcode::JumpForward | Opcode::ReturnValue | Opcode::RaiseVarargs
            ) {
                next = None;
                break;
            }
        }
        if let Some(Label(next)) = next {
            push(next as usize, depth, &mut open, &mut depths);
        }
    }
    u32::try_from(most).unwrap_or(0)
}
