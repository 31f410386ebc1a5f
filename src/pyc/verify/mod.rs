//! Proves that a code object can be executed without run-time checks of its bytecode: instructions and jumps in range,
//! every index inside its table, one stack depth per instruction, blocks nested statically.
//!
//! This file checks each instruction on its own and says what a finding is; `flow` follows control through the code and
//! `blocks` knows what the stack holds besides ordinary values.
//!
//! # What a verified code object guarantees
//!
//! Instructions that nothing reaches are checked for opcodes, indexes and jumps; depths and blocks exist only for
//! reachable ones.
//!
//! The stack depth counts the `finally` protocol of 3.8 as six slots however a `finally` body is entered: by an exception
//! (the exception to restore, then the one caught: traceback, value, type each, type on top), by `BEGIN_FINALLY` (NULL in
//! the top slot) or by `CALL_FINALLY` (the return address in the top slot; the five below are free, which
//! [`FinallyCall`] uses). These six slots are described by a [`Block`]:
//!
//! - `SETUP_*` pushes [`BlockKind::Setup`]. An exception under it drops the stack to `level`, pushes six slots and turns
//!   the block into [`BlockKind::Except`] with the same level. Ordinary instructions cannot reach below the level.
//! - In an `Except` block the upper three slots may be used as ordinary values, which is what except clauses do; from
//!   then on only `POP_EXCEPT` can end it. The lower three are never touched by anything else, with one exception:
//!   `return` inside an except clause moves its value below them with `ROT_FOUR`, which lifts the block's level by one.
//!   If a `Setup` block lies on it, that is lifted too and the next instruction is its `POP_BLOCK`; nothing may be
//!   raised between the two (a signal's exception, say), for the handler does not know of the shift.
//! - A block that may have been entered without an exception is [`BlockKind::Finally`]: what it is shows in the top slot
//!   at run time. Only `END_FINALLY`, `POP_FINALLY` and `WITH_CLEANUP_*` touch its slots.
//! - `WITH_CLEANUP_START` finds EXIT, some ordinary value, in slot `level - 1`. From then to `WITH_CLEANUP_FINISH` that
//!   slot is empty ([`Block::cleanup`]); `WITH_CLEANUP_FINISH` shifts the six slots down by one, and the level with
//!   them, and leaves a `Finally` block: if EXIT silenced the exception, NULL is in the top slot now. A body with
//!   `WITH_CLEANUP_START` is never entered by `CALL_FINALLY`.
//! - The two slots that `LOAD_METHOD` pushes are touched by nothing but the `CALL_METHOD` that belongs to them.
//!
//! What values are at run time (an iterator, a code object, a tuple of cells) is not proved.

mod blocks;
mod flow;

use super::code::{Code, Nested};
use super::opcode::{ArgKind, COMPARE_OPS, Instruction, Instructions, Opcode};
use std::fmt;
use std::rc::Rc;

/// `co_flags`: the locals are an array, not a mapping.
const CO_OPTIMIZED: u32 = 0x1;
const CO_NEWLOCALS: u32 = 0x2;
const CO_VARARGS: u32 = 0x4;
const CO_VARKEYWORDS: u32 = 0x8;
/// `CO_GENERATOR`, `CO_COROUTINE` or `CO_ASYNC_GENERATOR`: execution can be suspended.
const SUSPENDABLE: u32 = 0x20 | 0x80 | 0x200;

/// `CO_MAXBLOCKS`: how deep blocks may nest.
pub const MAX_BLOCKS: u32 = 20;

/// Findings after which the search ends.
pub const MAX_FINDINGS: usize = 1000;

/// In [`Analysis::depth`]: nothing reaches this code unit.
pub const UNREACHABLE: u32 = u32::MAX;

/// In [`Analysis::block`]: no block is open here.
pub const NO_BLOCK: u32 = u32::MAX;

/// What a verifier needs to know of a code object. The counts of tables are their lengths.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// `co_code`
    pub code: &'a [u8],
    /// `co_flags`
    pub flags: u32,
    /// `co_argcount`
    pub argcount: u32,
    /// `co_posonlyargcount`
    pub posonlyargcount: u32,
    /// `co_kwonlyargcount`
    pub kwonlyargcount: u32,
    /// `co_nlocals`
    pub nlocals: u32,
    /// `co_stacksize`
    pub stacksize: u32,
    /// `len(co_consts)`
    pub consts: usize,
    /// `len(co_names)`
    pub names: usize,
    /// `len(co_varnames)`
    pub varnames: usize,
    /// `len(co_cellvars)`
    pub cellvars: usize,
    /// `len(co_freevars)`
    pub freevars: usize,
}

impl<'a> Input<'a> {
    /// What is to be known of a code object that was read from a file.
    pub fn of(code: Code<'_, 'a>) -> Input<'a> {
        Input {
            code: code.code(),
            flags: code.flags().0,
            argcount: code.argcount(),
            posonlyargcount: code.posonlyargcount(),
            kwonlyargcount: code.kwonlyargcount(),
            nlocals: code.nlocals(),
            stacksize: code.stacksize(),
            consts: code.consts().len(),
            names: code.names().len(),
            varnames: code.varnames().len(),
            cellvars: code.cellvars().len(),
            freevars: code.freevars().len(),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Offset in the bytecode of the instruction that is wrong, its prefixes included; 0 for the code object as a whole.
    pub offset: u32,
    /// What is wrong with it.
    pub reason: Reason,
}

/// Everything that can be wrong with a code object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// `co_code` is empty.
    EmptyCode,
    /// `co_code` has an odd length.
    OddLength,
    /// `co_code` is longer than 2^31 - 1 bytes.
    CodeTooLong,
    /// There are fewer positional than positional-only parameters.
    PositionalOnly {
        /// `co_posonlyargcount`
        posonlyargcount: u32,
        /// `co_argcount`
        argcount: u32,
    },
    /// There are more parameters than local variables.
    TooManyParameters {
        /// Parameters of every kind.
        parameters: u64,
        /// `co_nlocals`
        nlocals: u32,
    },
    /// `co_nlocals` is not the length of `co_varnames`.
    LocalsWithoutNames {
        /// `co_nlocals`
        nlocals: u32,
        /// `len(co_varnames)`
        varnames: usize,
    },
    /// No instruction of 3.8 has this number.
    UnknownOpcode(u8),
    /// More than three `EXTENDED_ARG` in a row.
    LongExtendedArg,
    /// The code ends with `EXTENDED_ARG`.
    ExtendedArgAtEnd,
    /// A jump leads out of the code.
    JumpOutOfRange(u64),
    /// A jump leads between two instructions, or between a prefix and its instruction.
    JumpInsideInstruction(u64),
    /// An index is not below the length of its table.
    IndexOutOfRange {
        /// The table, as CPython names it.
        table: &'static str,
        /// The instruction's argument.
        index: u32,
        /// The table's length.
        len: usize,
    },
    /// `LOAD_CLASSDEREF` of a cell variable, which only free variables have.
    ClassDerefOfCell(u32),
    /// `LOAD_CLASSDEREF` in a function, which has no namespace to look in.
    ClassDerefInFunction,
    /// An argument that the opcode has no meaning for.
    BadArgument(u32),
    /// `YIELD_VALUE` or `YIELD_FROM` in code that is no generator, coroutine or async generator.
    YieldOutsideGenerator,
    /// Control runs off the end of the code.
    FallsOffEnd,
    /// Takes more from the stack than is on it.
    StackUnderflow {
        /// Slots the instruction needs.
        needed: u64,
        /// Slots there are.
        depth: u32,
    },
    /// Pushes more than `co_stacksize` allows.
    StackOverflow {
        /// Slots there would be.
        depth: u64,
        /// `co_stacksize`
        stacksize: u32,
    },
    /// Pushes more than code of this length could ever take off again.
    StackUnjustified {
        /// Slots there would be.
        depth: u64,
    },
    /// Reached with different stack depths.
    DepthsDiffer {
        /// One of them.
        first: u32,
        /// Another one.
        second: u32,
    },
    /// Reached with different blocks open.
    BlocksDiffer,
    /// More than 20 blocks nested.
    TooManyBlocks,
    /// Takes a value from below the block that is open.
    BelowBlock,
    /// Uses a slot that holds saved exception state as if it were an ordinary value.
    ExceptionSlot,
    /// Uses a slot of `LOAD_METHOD` in another way than by its `CALL_METHOD`.
    MethodSlot,
    /// `POP_BLOCK` where the innermost block is not of a `SETUP_*`.
    NoSetupBlock,
    /// `POP_EXCEPT`, `END_ASYNC_FOR` where no exception handler is the innermost block.
    NoExceptBlock,
    /// `END_FINALLY`, `POP_FINALLY`, `WITH_CLEANUP_START` where no exception handler and no `finally` body is the innermost block, or its six slots are no longer complete.
    NoFinallyBlock,
    /// Ends or goes on with a block at another stack depth than that block has.
    DepthOfBlock {
        /// The depth that the block asks for.
        needed: u64,
        /// The depth there is.
        depth: u32,
    },
    /// `WITH_CLEANUP_FINISH` without `WITH_CLEANUP_START`, or anything else that ends a block in between.
    CleanupOrder,
    /// `WITH_CLEANUP_START` in a body that `CALL_FINALLY` enters: it would take EXIT away from the caller.
    CleanupCalled,
    /// `CALL_FINALLY` of a `finally` body that belongs to other blocks or to another depth.
    CallOfForeignFinally,
    /// `CALL_METHOD` without a `LOAD_METHOD` at the place where its argument count puts it.
    NoMethod,
    /// The code is too tangled to be checked in a time proportional to its length.
    TooComplicated,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reason::EmptyCode => f.write_str("no code"),
            Reason::OddLength => f.write_str("code of odd length"),
            Reason::CodeTooLong => f.write_str("code longer than 2147483647 bytes"),
            Reason::PositionalOnly { posonlyargcount, argcount } => {
                write!(f, "{posonlyargcount} positional-only parameters among {argcount}")
            }
            Reason::TooManyParameters { parameters, nlocals } => {
                write!(f, "{parameters} parameters but {nlocals} local variables")
            }
            Reason::LocalsWithoutNames { nlocals, varnames } => {
                write!(f, "{nlocals} local variables but {varnames} names of them")
            }
            Reason::UnknownOpcode(opcode) => write!(f, "unknown opcode {opcode}"),
            Reason::LongExtendedArg => f.write_str("more than three EXTENDED_ARG in a row"),
            Reason::ExtendedArgAtEnd => f.write_str("EXTENDED_ARG at the end"),
            Reason::JumpOutOfRange(target) => write!(f, "jump to {target}, out of the code"),
            Reason::JumpInsideInstruction(target) => write!(f, "jump to {target}, inside an instruction"),
            Reason::IndexOutOfRange { table, index, len } => write!(f, "{table}[{index}] of {len}"),
            Reason::ClassDerefOfCell(index) => write!(f, "LOAD_CLASSDEREF of cell variable {index}"),
            Reason::ClassDerefInFunction => f.write_str("LOAD_CLASSDEREF in a function"),
            Reason::BadArgument(arg) => write!(f, "meaningless argument {arg}"),
            Reason::YieldOutsideGenerator => f.write_str("yield outside a generator or coroutine"),
            Reason::FallsOffEnd => f.write_str("control runs off the end"),
            Reason::StackUnderflow { needed, depth } => write!(f, "takes {needed} of {depth} stack items"),
            Reason::StackOverflow { depth, stacksize } => {
                write!(f, "stack depth {depth} exceeds co_stacksize {stacksize}")
            }
            Reason::StackUnjustified { depth } => write!(f, "stack depth {depth} is more than the code can use"),
            Reason::DepthsDiffer { first, second } => write!(f, "reached with stack depth {first} and {second}"),
            Reason::BlocksDiffer => f.write_str("reached with different blocks open"),
            Reason::TooManyBlocks => write!(f, "more than {MAX_BLOCKS} blocks nested"),
            Reason::BelowBlock => f.write_str("takes a stack item from below the open block"),
            Reason::ExceptionSlot => f.write_str("uses saved exception state as a value"),
            Reason::MethodSlot => f.write_str("uses the result of LOAD_METHOD as a value"),
            Reason::NoSetupBlock => f.write_str("the innermost block is not one of SETUP_*"),
            Reason::NoExceptBlock => f.write_str("the innermost block is not an exception handler"),
            Reason::NoFinallyBlock => f.write_str("the innermost block is not a finally body"),
            Reason::DepthOfBlock { needed, depth } => {
                write!(f, "stack depth {depth} where the block asks for {needed}")
            }
            Reason::CleanupOrder => f.write_str("WITH_CLEANUP_START and WITH_CLEANUP_FINISH do not pair"),
            Reason::CleanupCalled => f.write_str("WITH_CLEANUP_START in a finally body that is called"),
            Reason::CallOfForeignFinally => f.write_str("CALL_FINALLY of a finally body that belongs elsewhere"),
            Reason::NoMethod => f.write_str("CALL_METHOD without its LOAD_METHOD"),
            Reason::TooComplicated => f.write_str("too complicated to be checked"),
        }
    }
}

/// What the verification found out; vectors by code unit (`offset / 2`) hold for an instruction's prefixes as for itself.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// By code unit: the stack depth before the instruction, or [`UNREACHABLE`].
    pub depth: Vec<u32>,
    /// By code unit: index of the innermost open block in `blocks`, or [`NO_BLOCK`].
    pub block: Vec<u32>,
    /// The blocks; a parent stands before its children.
    pub blocks: Vec<Block>,
    /// By code unit: whether a reachable instruction jumps here, or this is the handler of one.
    pub jump_targets: Vec<bool>,
    /// Every reachable `CALL_FINALLY`, by offset.
    pub finally_calls: Vec<FinallyCall>,
    /// The largest stack depth, also within instructions; at most `co_stacksize`.
    pub max_depth: u32,
}

/// A block that is open while an instruction executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Index of the block around it.
    pub parent: Option<u32>,
    /// What it is.
    pub kind: BlockKind,
    /// `Setup`: the depth that an exception drops the stack to. `Except`, `Finally`: the depth below the six slots.
    pub level: u32,
    /// Between `WITH_CLEANUP_START` and `WITH_CLEANUP_FINISH`: slot `level - 1` is empty.
    pub cleanup: bool,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// An exception is to be handled.
    Setup {
        /// Offset of the handler.
        handler: u32,
        /// Pushed by `SETUP_WITH` or `SETUP_ASYNC_WITH`: EXIT is in slot `level - 1`.
        with: bool,
    },
    /// An exception is being handled.
    Except,
    /// A `finally` body, entered by an exception or without one.
    Finally,
}

/// How a `CALL_FINALLY` fits the `finally` body it calls.
///
/// The body expects six slots on its level. Values that the caller has above that level (the value to return) stay in
/// the lower five of the six during the call and are back in place at the instruction after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinallyCall {
    /// Offset of the `CALL_FINALLY`, without its prefixes.
    pub offset: u32,
    /// Offset of the body.
    pub target: u32,
    /// The stack depth before the call and again after it.
    pub depth: u32,
    /// The level of the body's block.
    pub level: u32,
    /// How many of the caller's topmost values are carried in slots `level..level + carried`, at most 5.
    pub carried: u32,
    /// The level of an `Except` block that the body has around it and the caller has popped already: the end of
    /// `except E as e` on the way of a `return`, `break` or `continue`. Its three saved slots, which lie right below
    /// `level`, must be made up from the exception state at the call, so that restoring them changes nothing.
    pub except: Option<u32>,
}

/// Checks a code object.
///
/// # Errors
/// What is wrong with it, at least one finding and at most [`MAX_FINDINGS`], by offset. Where instructions are wrong in
/// themselves, control is not followed.
pub fn analyze(input: &Input) -> Result<Analysis, Vec<Finding>> {
    let mut findings = Findings::default();
    check_signature(input, &mut findings);
    let starts = check_instructions(input, &mut findings);
    if findings.list.is_empty() {
        let result = flow::Flow::new(input, &starts, &mut findings).run();
        if findings.list.is_empty() {
            return Ok(result);
        }
    }
    findings.list.sort_by_key(|finding| finding.offset);
    Err(findings.list)
}

/// A finding, and the code object it was found in.
#[derive(Clone, Debug)]
pub struct Located<'t, 'a> {
    /// The code object.
    pub nested: Rc<Nested<'t, 'a>>,
    /// What is wrong.
    pub finding: Finding,
}

/// Checks a code object and all code objects nested in it, each as [`analyze`] does.
///
/// Gives what is wrong with them, at most [`MAX_FINDINGS`]; nothing if all are safe to execute. In a file which has many
/// code objects share their bytecode, so that checking all would take out of proportion to its size, those for which no
/// time is left are findings ([`Reason::TooComplicated`]).
pub fn verify<'t, 'a>(code: Code<'t, 'a>) -> Vec<Located<'t, 'a>> {
    let mut findings = Vec::new();
    let mut budget = code.tree().data().len().saturating_mul(4);
    for nested in code.walk() {
        let nested = Rc::new(nested);
        let input = Input::of(nested.code);
        let result = match budget.checked_sub(input.code.len()) {
            Some(rest) => {
                budget = rest;
                analyze(&input).map(drop)
            }
            None => Err(vec![Finding { offset: 0, reason: Reason::TooComplicated }]),
        };
        for finding in result.err().unwrap_or_default() {
            if findings.len() >= MAX_FINDINGS {
                return findings;
            }
            findings.push(Located { nested: nested.clone(), finding });
        }
    }
    findings
}

/// Collects findings up to the limit.
#[derive(Default)]
struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, offset: u32, reason: Reason) {
        if !self.full() {
            self.list.push(Finding { offset, reason });
        }
    }

    fn full(&self) -> bool {
        self.list.len() >= MAX_FINDINGS
    }
}

/// Checks the counts of parameters and variables, as CPython's constructor of code objects does, and the code's length.
fn check_signature(input: &Input, findings: &mut Findings) {
    let varying = u64::from(input.flags & CO_VARARGS != 0) + u64::from(input.flags & CO_VARKEYWORDS != 0);
    let parameters = u64::from(input.argcount) + u64::from(input.kwonlyargcount) + varying;
    if input.posonlyargcount > input.argcount {
        let reason = Reason::PositionalOnly { posonlyargcount: input.posonlyargcount, argcount: input.argcount };
        findings.add(0, reason);
    }
    if parameters > u64::from(input.nlocals) {
        findings.add(0, Reason::TooManyParameters { parameters, nlocals: input.nlocals });
    }
    if usize::try_from(input.nlocals) != Ok(input.varnames) {
        findings.add(0, Reason::LocalsWithoutNames { nlocals: input.nlocals, varnames: input.varnames });
    }
    if input.code.is_empty() {
        findings.add(0, Reason::EmptyCode);
    } else if i32::try_from(input.code.len()).is_err() {
        findings.add(0, Reason::CodeTooLong);
    } else if !input.code.len().is_multiple_of(2) {
        findings.add(0, Reason::OddLength);
    }
}

/// What an opcode without prefixes asks for, where that is no more than an argument below a limit: the limit, as an index into
/// [`limits`].
static CHECKS: [Option<u8>; 256] = {
    let mut table = [None; 256];
    let mut index = 0;
    while index < Opcode::ALL.len() {
        let op = Opcode::ALL[index];
        table[op as usize] = match op {
            Opcode::RaiseVarargs
            | Opcode::CallFunctionEx
            | Opcode::PopFinally
            | Opcode::BuildSlice
            | Opcode::ListAppend
            | Opcode::SetAdd
            | Opcode::MapAdd
            | Opcode::YieldValue
            | Opcode::YieldFrom
            | Opcode::LoadClassderef => None,
            _ => match op.arg_kind() {
                ArgKind::None | ArgKind::Raw => Some(0),
                ArgKind::Const => Some(1),
                ArgKind::Name => Some(2),
                ArgKind::Local => Some(3),
                ArgKind::Free => Some(4),
                _ => None,
            },
        };
        index += 1;
    }
    table
};

/// The limits that [`CHECKS`] speaks of.
fn limits(input: &Input) -> [usize; 5] {
    [usize::MAX, input.consts, input.names, input.varnames, input.cellvars.saturating_add(input.freevars)]
}

/// Checks each instruction on its own; gives by code unit whether an instruction, prefixes included, starts there.
fn check_instructions(input: &Input, findings: &mut Findings) -> Vec<bool> {
    let units = input.code.as_chunks::<2>().0;
    let mut starts = vec![true; units.len()];
    if !findings.list.is_empty() {
        return starts;
    }
    for (start, &[before, _]) in starts.iter_mut().skip(1).zip(units) {
        *start = before != Opcode::ExtendedArg as u8;
    }
    let limits = limits(input);
    for (unit, &[opcode, arg]) in units.iter().enumerate() {
        if let Some(limit) = CHECKS[usize::from(opcode)]
            && usize::from(arg) < limits[usize::from(limit)]
        {
            // With prefixes before it, it is looked at from the first of them.
            continue;
        }
        if !starts[unit] {
            continue;
        }
        if findings.full() {
            break;
        }
        let Some(instruction) = Instructions::from_offset(input.code, unit as u32 * 2).next() else { break };
        if let Err(reason) = check_instruction(input, &starts, &instruction) {
            findings.add(instruction.first_offset, reason);
        }
    }
    starts
}

fn check_instruction(input: &Input, starts: &[bool], instruction: &Instruction) -> Result<(), Reason> {
    let arg = instruction.arg;
    let Some(op) = instruction.op() else { return Err(Reason::UnknownOpcode(instruction.opcode)) };
    if op == Opcode::ExtendedArg {
        return Err(Reason::ExtendedArgAtEnd);
    }
    if instruction.offset - instruction.first_offset > 6 {
        return Err(Reason::LongExtendedArg);
    }
    let index = |table, len: usize| match usize::try_from(arg) {
        Ok(index) if index < len => Ok(()),
        _ => Err(Reason::IndexOutOfRange { table, index: arg, len }),
    };
    let at_most = |limit: u32| if arg <= limit { Ok(()) } else { Err(Reason::BadArgument(arg)) };
    match op.arg_kind() {
        ArgKind::None | ArgKind::Raw | ArgKind::Extended => {}
        ArgKind::Const => index("co_consts", input.consts)?,
        ArgKind::Name => index("co_names", input.names)?,
        ArgKind::Local => index("co_varnames", input.varnames)?,
        ArgKind::Free => index("co_cellvars + co_freevars", input.cellvars.saturating_add(input.freevars))?,
        // The table's last entry, BAD, is no operator.
        ArgKind::Compare => at_most(COMPARE_OPS.len() as u32 - 2)?,
        ArgKind::FormatFlags => at_most(7)?,
        ArgKind::MakeFunctionFlags => at_most(15)?,
        ArgKind::JumpRel | ArgKind::JumpAbs => {
            let base = if op.arg_kind() == ArgKind::JumpRel { u64::from(instruction.next_offset()) } else { 0 };
            let target = base + u64::from(arg);
            if target >= input.code.len() as u64 {
                return Err(Reason::JumpOutOfRange(target));
            }
            if target % 2 != 0 || starts.get(target as usize / 2) != Some(&true) {
                return Err(Reason::JumpInsideInstruction(target));
            }
        }
    }
    match op {
        Opcode::RaiseVarargs => at_most(2),
        Opcode::CallFunctionEx | Opcode::PopFinally => at_most(1),
        Opcode::BuildSlice if arg != 2 && arg != 3 => Err(Reason::BadArgument(arg)),
        // The list, set or dict lies below at least the value or the iterator.
        Opcode::ListAppend | Opcode::SetAdd | Opcode::MapAdd if arg == 0 => Err(Reason::BadArgument(arg)),
        Opcode::YieldValue | Opcode::YieldFrom if input.flags & SUSPENDABLE == 0 => Err(Reason::YieldOutsideGenerator),
        Opcode::LoadClassderef if (arg as usize) < input.cellvars => Err(Reason::ClassDerefOfCell(arg)),
        Opcode::LoadClassderef if input.flags & (CO_OPTIMIZED | CO_NEWLOCALS) == CO_OPTIMIZED | CO_NEWLOCALS => {
            Err(Reason::ClassDerefInFunction)
        }
        _ => Ok(()),
    }
}
