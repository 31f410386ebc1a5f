//! Translation of verified bytecode to register form.
//!
//! Registers of a frame: local variables, cell and free variables, `FRAME_WORDS` words of frame header, then one
//! temporary for every stack position. Loads of locals and constants vanish into operands, a following store into the
//! result. Where control joins, at handlers and at yields, everything stands in its canonical temporary.

use super::eval::cell::Cell as Instr;
use super::eval::handlers as h;
use super::eval::{Handler, Place, Shape};
use crate::object::alloc_trace;
use crate::object::error::PyResult;
use crate::object::slots::{BinaryOp, Compare};
use crate::object::value::Value;
use crate::pyc::opcode::{Instruction, Instructions, Opcode};
use crate::pyc::verify::{self, Analysis, BlockKind, NO_BLOCK, UNREACHABLE};
use crate::types::code::{Code, flags};
use crate::types::exceptions::{memory_error, system_error};
use crate::types::str::Str;
use std::cell::Cell;

/// Words of the header that a frame keeps between its variables and its temporaries.
pub(crate) const FRAME_WORDS: u32 = 4;
/// More registers than this are refused.
const MAX_REGISTERS: u64 = 1 << 24;

/// The address of a translated code's constants; what else is known of it lies before them.
#[derive(Clone, Copy)]
pub struct Constants(pub(crate) *const u64);

impl Constants {
    /// Not translated.
    pub const NULL: Constants = Constants(std::ptr::null());
}

/// What an exception finds around an instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub parent: Option<u32>,
    pub kind: RegionKind,
    /// First register that the exception drops (`Setup`), or the first of the six slots.
    pub register: u32,
}

/// See [`BlockKind`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum RegionKind {
    Setup { handler: u32 },
    Except,
    Finally,
}

/// What is known of a translated code object, placed before its constants.
#[repr(C)]
pub(crate) struct Meta {
    pub code: *const Code,
    pub entry: *const Instr,
    /// Registers before the frame header: locals, cells, free variables.
    pub named: u32,
    /// All registers.
    pub frame_size: u32,
    pub parameters: u32,
    /// The code of a generator, whose frame runs in its object once that is made.
    pub in_object: bool,
    pub cells: Box<[Cell<Instr>]>,
    /// Bytecode offset by instruction.
    pub offsets: Box<[u32]>,
    /// Region by instruction, `NO_BLOCK` outside.
    pub region_of: Box<[u32]>,
    pub regions: Box<[Region]>,
    /// The globals that the code's caches belong to.
    pub globals: Cell<u64>,
    /// The handlers of the cells while some are replaced, so that running frames change over; see [`Meta::patch`].
    patched: Cell<Option<&'static [u32]>>,
    /// Number of constants behind.
    pub constants: usize,
}

impl Meta {
    /// What is known of the code whose constants are at `k`.
    ///
    /// # Safety
    /// `k` came from a translation that is alive.
    #[inline(always)]
    pub unsafe fn of<'a>(k: *const u64) -> &'a Meta {
        // SAFETY: build() placed it there.
        unsafe { &*(k as *const Meta).sub(1) }
    }

    /// The code object.
    #[inline(always)]
    pub fn code(&self) -> &Code {
        // SAFETY: a code object owns its translations.
        unsafe { &*self.code }
    }

    /// The first temporary.
    #[inline(always)]
    pub fn temporaries(&self) -> u32 {
        self.named + FRAME_WORDS
    }

    /// The index of the instruction at `ip`.
    #[inline]
    pub fn index_of(&self, ip: *const Instr) -> usize {
        // Addresses before the first instruction stand for a frame that has not begun.
        (ip as usize).wrapping_sub(self.cells.as_ptr() as usize) / std::mem::size_of::<Instr>()
    }

    /// The bytecode offset of the instruction at `ip`; -1 before the first.
    pub fn offset_of(&self, ip: *const Instr) -> i32 {
        self.offsets.get(self.index_of(ip)).map_or(-1, |&offset| offset as i32)
    }

    /// The first instruction with that handler at a bytecode offset or behind it.
    pub fn find(&self, handler: Handler, offset: u32) -> Option<u32> {
        let handler = super::eval::cell::encode(handler);
        let is_it =
            |(&at, cell): (&u32, &Cell<Instr>)| at != BEFORE_CODE && at >= offset && cell.get().handler == handler;
        u32::try_from(self.offsets.iter().zip(&self.cells).position(is_it)?).ok()
    }

    /// The instruction with that handler before the first of the bytecode.
    pub fn find_entry(&self, handler: Handler) -> Option<u32> {
        let handler = super::eval::cell::encode(handler);
        u32::try_from(self.cells.iter().position(|cell| cell.get().handler == handler)?).ok()
    }

    /// How many arguments the call passes that returns to `ip`, at most, and whether it is one of a class for `__init__`.
    pub fn arguments_before(&self, ip: *const Instr) -> (usize, bool) {
        let index = self.index_of(ip);
        let done = super::eval::cell::encode(h::construct_done);
        let constructs = self.cells.get(index).is_some_and(|cell| cell.get().handler == done);
        let call = index.checked_sub(if constructs { 1 } else { 2 }).and_then(|index| self.cells.get(index));
        let is_call = |handler: u32| {
            let calls: [Handler; 6] = [
                h::call,
                h::call_method,
                h::call_from_object,
                h::call_method_from_object,
                h::traced_call,
                h::traced_call_method,
            ];
            calls.into_iter().any(|call| super::eval::cell::encode(call) == handler)
        };
        match call {
            // The object of a method is not among the operand's.
            Some(cell) if is_call(self.handler_at(cell.as_ptr())) => (cell.get().c as usize + 1, constructs),
            // What an operator calls has all its arguments.
            _ => (usize::MAX, constructs),
        }
    }

    /// Whether this is the traced translation.
    pub fn is_traced(&self) -> bool {
        self.code().translations.traced.get().is_some_and(|traced| {
            // SAFETY: alive while the code object is.
            std::ptr::eq(self, unsafe { Meta::of(traced.0) })
        })
    }

    /// The encoded handler that the translation gave to the instruction at `ip`.
    pub fn handler_at(&self, ip: *const Instr) -> u32 {
        let index = self.index_of(ip);
        match self.patched.get() {
            Some(handlers) => handlers.get(index).copied(),
            None => self.cells.get(index).map(|cell| cell.get().handler),
        }
        .unwrap_or(u32::MAX)
    }

    /// Replaces the handler of the cells at which bytecode instructions begin, so that a frame that runs them comes by.
    /// The code as it was goes on by [`Meta::handler_at`].
    pub fn patch(&self, handler: Handler) {
        if self.patched.get().is_some() {
            return;
        }
        let handlers: Vec<u32> = self.cells.iter().map(|cell| cell.get().handler).collect();
        self.patched.set(Some(Box::leak(handlers.into_boxed_slice())));
        let handler = super::eval::cell::encode(handler);
        for boundary in self.boundaries(None) {
            if let Some(cell) = self.cells.get(boundary.cell as usize) {
                cell.set(Instr { handler, ..cell.get() });
            }
        }
    }

    /// Whether it is patched.
    pub fn is_patched(&self) -> bool {
        self.patched.get().is_some()
    }

    /// Takes back what [`Meta::patch`] did.
    pub fn unpatch(&self) {
        let Some(handlers) = self.patched.take() else { return };
        for boundary in self.boundaries(None) {
            if let (Some(cell), Some(&handler)) =
                (self.cells.get(boundary.cell as usize), handlers.get(boundary.cell as usize))
            {
                cell.set(Instr { handler, ..cell.get() });
            }
        }
        // SAFETY: leaked by patch(), and taken out once.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(handlers).cast_mut()) });
    }

    /// Where the bytecode's instructions begin and, for those that begin with the cell `at`, what the stack positions hold.
    /// Made by translating anew, which gives the same: nothing of it is kept for code that is not traced.
    pub fn boundaries(&self, at: Option<u32>) -> Vec<Boundary> {
        let code = self.code();
        let bound = code.translations.bound.get().is_some_and(|bound| {
            // SAFETY: alive while the code object is.
            std::ptr::eq(self, unsafe { Meta::of(bound.0) })
        });
        translate(code, if bound { Flavour::Bound } else { Flavour::Shared }, Some(at))
            .map(|(_, found)| found)
            .unwrap_or_default()
    }

    /// The address of an instruction.
    #[inline]
    pub fn cell(&self, index: u32) -> *const Instr {
        match self.cells.get(index as usize) {
            Some(cell) => cell.as_ptr(),
            None => self.entry,
        }
    }
}

/// How code is translated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flavour {
    /// With caches that belong to the globals it was first used with.
    Bound,
    /// Without them.
    Shared,
    /// For frames that are traced: every bytecode instruction by itself, with a tracing instruction before it, its
    /// operands in their canonical temporaries; no variable is taken to be bound.
    Traced,
}

/// A place in translated code at which an instruction of the bytecode begins.
#[derive(Clone, Debug)]
pub(crate) struct Boundary {
    /// Index of the cell.
    pub cell: u32,
    /// Offset of the bytecode instruction, its prefixes included.
    pub offset: u32,
    /// A jump leads there.
    pub target: bool,
    /// What the stack positions hold, where that is asked for.
    pub stack: Box<[Entry]>,
}

/// The translations of a code object, by `Flavour`.
#[derive(Default)]
pub struct Translations {
    bound: Cell<Option<Constants>>,
    shared: Cell<Option<Constants>>,
    traced: Cell<Option<Constants>>,
}

impl Drop for Translations {
    fn drop(&mut self) {
        for translation in [self.bound.get(), self.shared.get(), self.traced.get()].into_iter().flatten() {
            // SAFETY: made by build(), not used any more: frames keep their function, which keeps its code.
            unsafe { release(translation) }
        }
    }
}

impl Translations {
    /// Whether the code has been translated.
    pub(crate) fn is_there(&self) -> bool {
        self.bound.get().is_some()
    }

    /// The translation for code that runs with `globals`.
    ///
    /// # Errors
    /// `SystemError` when the bytecode does not verify; `MemoryError` when it asks for too many registers.
    pub(crate) fn get(&self, code: &Code, globals: &Value) -> PyResult<Constants> {
        if let Some(bound) = self.bound.get() {
            // SAFETY: alive while the code object is.
            if unsafe { Meta::of(bound.0) }.globals.get() == globals.bits() {
                return Ok(bound);
            }
            if let Some(shared) = self.shared.get() {
                return Ok(shared);
            }
            let shared = build_translated(code, Flavour::Shared)?;
            self.shared.set(Some(shared));
            return Ok(shared);
        }
        let bound = build_translated(code, Flavour::Bound)?;
        // SAFETY: just made.
        unsafe { Meta::of(bound.0) }.globals.set(globals.bits());
        self.bound.set(Some(bound));
        Ok(bound)
    }

    /// Takes patches of the translations back.
    pub(crate) fn unpatch(&self) {
        for translation in [self.bound.get(), self.shared.get()].into_iter().flatten() {
            // SAFETY: alive while the code object is.
            unsafe { Meta::of(translation.0) }.unpatch();
        }
    }

    /// The translation for frames that are traced.
    ///
    /// # Errors
    /// As for [`Translations::get`].
    pub(crate) fn traced(&self, code: &Code) -> PyResult<Constants> {
        if let Some(traced) = self.traced.get() {
            return Ok(traced);
        }
        let traced = build_translated(code, Flavour::Traced)?;
        self.traced.set(Some(traced));
        Ok(traced)
    }
}

fn build(meta: Meta, constants: &[Value]) -> Constants {
    let words = std::mem::size_of::<Meta>() / 8 + constants.len();
    let mut block: Box<[u64]> = vec![0; words.max(1)].into_boxed_slice();
    let start = block.as_mut_ptr();
    std::mem::forget(block);
    // SAFETY: the block has room for the meta data and the constants; u64 is aligned for both.
    unsafe {
        (start as *mut Meta).write(meta);
        let k = (start as *mut Meta).add(1) as *mut u64;
        for (index, constant) in constants.iter().enumerate() {
            k.add(index).write(constant.clone().into_bits());
        }
        Constants(k)
    }
}

/// # Safety
/// `constants` came from build() and is not used any more.
unsafe fn release(constants: Constants) {
    // SAFETY: as build() laid it out.
    unsafe {
        let start = (constants.0 as *mut Meta).sub(1);
        let count = (*start).constants;
        for index in 0..count {
            drop(Value::from_bits(*constants.0.add(index)));
        }
        std::ptr::drop_in_place(start);
        let words = (std::mem::size_of::<Meta>() / 8 + count).max(1);
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(start as *mut u64, words)));
    }
}

/// What a stack position holds during translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    Local(u32),
    Temp(u32),
    Const(u32),
}

struct Translator<'a> {
    code: &'a Code,
    analysis: &'a Analysis,
    flavour: Flavour,
    named: u32,
    base: u32,
    top: u32,
    cells: Vec<Instr>,
    offsets: Vec<u32>,
    /// (cell, bytecode offset of the target), patched at the end.
    jumps: Vec<(usize, u32)>,
    /// First cell by bytecode unit.
    starts: Vec<u32>,
    stack: Vec<Entry>,
    defined: Vec<u64>,
    offset: u32,
    /// The instruction before.
    previous: Option<Opcode>,
    /// Some temporary on the stack may stand elsewhere than at its position.
    scattered: bool,
    /// Where instructions begin, if that is wanted.
    boundaries: Option<Vec<Boundary>>,
    /// The cell at which they say what is on the stack.
    stack_at: Option<u32>,
}

/// The offset of what happens before the first instruction, in code that is traced.
const BEFORE_CODE: u32 = u32::MAX;

fn build_translated(code: &Code, flavour: Flavour) -> PyResult<Constants> {
    alloc_trace::untraced(|| {
        let (meta, _) = translate(code, flavour, None)?;
        Ok(build(meta, code.consts()))
    })
}

/// What the verifier needs to know of a code object.
pub(crate) fn verifier_input(code: &Code) -> verify::Input<'_> {
    verify::Input {
        code: code.bytecode(),
        flags: code.fields.flags,
        argcount: code.fields.argcount,
        posonlyargcount: code.fields.posonlyargcount,
        kwonlyargcount: code.fields.kwonlyargcount,
        nlocals: code.fields.nlocals,
        stacksize: code.fields.stacksize,
        consts: code.consts().len(),
        names: code.names().len(),
        varnames: code.varnames().len(),
        cellvars: code.cellvars().len(),
        freevars: code.freevars().len(),
    }
}

/// Translates; `boundaries` asks for them, with what is on the stack at those of the cell inside.
fn translate(code: &Code, flavour: Flavour, boundaries: Option<Option<u32>>) -> PyResult<(Meta, Vec<Boundary>)> {
    let bytecode = code.bytecode();
    let input = verifier_input(code);
    let analysis = verify::analyze(&input).map_err(|findings| {
        let first = findings.first().map(|f| format!("offset {}: {}", f.offset, f.reason)).unwrap_or_default();
        system_error(format!("bad bytecode in {} ({}): {first}", code.name(), code.filename()))
    })?;
    let named = u64::from(code.fields.nlocals) + code.cellvars().len() as u64 + code.freevars().len() as u64;
    if named + u64::from(analysis.max_depth) > MAX_REGISTERS {
        return Err(memory_error("code object needs too many registers"));
    }
    let named = named as u32;
    let mut instructions: Vec<Instruction> = Vec::with_capacity(bytecode.len() / 2);
    instructions.extend(Instructions::new(bytecode));
    let mut translator = Translator {
        code,
        analysis: &analysis,
        flavour,
        named,
        base: named + FRAME_WORDS,
        top: named + FRAME_WORDS + analysis.max_depth,
        cells: Vec::with_capacity(instructions.len() + 4),
        offsets: Vec::with_capacity(instructions.len() + 4),
        jumps: Vec::new(),
        starts: vec![u32::MAX; bytecode.len() / 2 + 1],
        stack: Vec::new(),
        defined: Vec::new(),
        offset: if flavour == Flavour::Traced { BEFORE_CODE } else { 0 },
        previous: None,
        scattered: false,
        boundaries: boundaries.map(|_| Vec::new()),
        stack_at: boundaries.flatten(),
    };
    let defined = translator.find_defined(&instructions);
    translator.prologue();
    translator.run(&instructions, &defined);
    Ok(translator.finish())
}

/// A set of local variables.
type Locals = Vec<u64>;

/// Which locals are bound for certain, by place that control can come to from elsewhere.
struct Defined {
    /// Words of a set.
    words: usize,
    /// By code unit: the number of the place, or `u32::MAX`.
    numbers: Vec<u32>,
    /// The sets, one after the other.
    sets: Vec<u64>,
    /// By number: whether the set is known.
    reached: Vec<bool>,
}

impl Defined {
    fn set(&self, number: usize) -> &[u64] {
        &self.sets[number * self.words..(number + 1) * self.words]
    }

    /// Puts what is bound at a bytecode offset into a set; nothing when that is not known.
    fn read(&self, offset: u32, into: &mut Locals) {
        into.clear();
        match self.numbers.get(offset as usize / 2) {
            Some(&number) if number != u32::MAX && self.reached[number as usize] => {
                into.extend_from_slice(self.set(number as usize));
            }
            _ => into.resize(self.words, 0),
        }
    }

    /// Control comes to a place with what is in `set` bound; a place where that changes something is `pending`.
    fn flow(&mut self, pending: &mut Vec<usize>, offset: u32, set: &[u64]) {
        let Some(&number) = self.numbers.get(offset as usize / 2).filter(|&&number| number != u32::MAX) else { return };
        let number = number as usize;
        let mut changed = !std::mem::replace(&mut self.reached[number], true);
        let old = &mut self.sets[number * self.words..(number + 1) * self.words];
        if changed {
            old.copy_from_slice(set);
        }
        for (old, new) in old.iter_mut().zip(set) {
            let both = *old & new;
            changed |= both != *old;
            *old = both;
        }
        if changed {
            pending.push(number);
        }
    }
}

fn contains(set: &[u64], index: u32) -> bool {
    set.get(index as usize / 64).is_some_and(|word| word >> (index % 64) & 1 != 0)
}

fn insert(set: &mut [u64], index: u32) {
    if let Some(word) = set.get_mut(index as usize / 64) {
        *word |= 1 << (index % 64);
    }
}

fn remove(set: &mut [u64], index: u32) {
    if let Some(word) = set.get_mut(index as usize / 64) {
        *word &= !(1 << (index % 64));
    }
}

fn ends_flow(op: Opcode) -> bool {
    matches!(op, Opcode::JumpAbsolute | Opcode::JumpForward | Opcode::ReturnValue | Opcode::RaiseVarargs)
}

impl Translator<'_> {
    fn depth(&self, offset: u32) -> Option<u32> {
        self.analysis.depth.get(offset as usize / 2).copied().filter(|&depth| depth != UNREACHABLE)
    }

    fn is_target(&self, offset: u32) -> bool {
        self.analysis.jump_targets.get(offset as usize / 2).copied().unwrap_or(false)
    }

    /// Which locals are bound for certain at each jump target. Nothing is known when the sets would take too much room.
    fn find_defined(&self, instructions: &[Instruction]) -> Defined {
        let words = (self.code.fields.nlocals as usize).div_ceil(64);
        let mut known = Defined { words, numbers: Vec::new(), sets: Vec::new(), reached: Vec::new() };
        if words == 0 {
            return known;
        }
        known.numbers = vec![u32::MAX; self.analysis.jump_targets.len()];
        // By target: the index of its instruction.
        let mut firsts = Vec::new();
        let mut deleted: Locals = vec![0; words];
        for (index, instruction) in instructions.iter().enumerate() {
            if index == 0 || self.is_target(instruction.first_offset) {
                known.numbers[instruction.first_offset as usize / 2] = firsts.len() as u32;
                firsts.push(index);
            }
            if instruction.op() == Some(Opcode::DeleteFast) {
                insert(&mut deleted, instruction.arg);
            }
        }
        if words * firsts.len() > 1 << 20 {
            known.numbers.clear();
            return known;
        }
        known.sets = vec![0; words * firsts.len()];
        known.reached = vec![false; firsts.len()];
        let mut set: Locals = vec![0; words];
        for index in 0..self.code.parameter_count() as u32 {
            insert(&mut set, index);
        }
        // Parameters that are cells move into them.
        for cell in 0..self.code.cellvars().len() {
            if let Some(parameter) = self.cell_parameter(cell) {
                remove(&mut set, parameter);
            }
        }
        let mut pending = Vec::new();
        known.flow(&mut pending, 0, &set);
        if firsts.len() == 1 && !self.is_target(0) {
            // Control comes to no place but the beginning.
            return known;
        }
        let mut steps = 0usize;
        let limit = 64 * instructions.len() + 4096;
        while let Some(number) = pending.pop() {
            let first = firsts[number];
            set.copy_from_slice(known.set(number));
            let mut index = first;
            while let Some(instruction) = instructions.get(index) {
                steps += 1;
                if steps > limit {
                    known.numbers.clear();
                    return known;
                }
                if index != first && self.is_target(instruction.first_offset) {
                    known.flow(&mut pending, instruction.first_offset, &set);
                    break;
                }
                let Some(op) = instruction.op() else { break };
                match op {
                    Opcode::StoreFast | Opcode::LoadFast => insert(&mut set, instruction.arg),
                    Opcode::DeleteFast => remove(&mut set, instruction.arg),
                    _ => {}
                }
                if let Some(target) = op.jump_target(instruction.arg, instruction.offset + 2) {
                    let is_setup = matches!(
                        op,
                        Opcode::SetupFinally | Opcode::SetupWith | Opcode::SetupAsyncWith | Opcode::CallFinally
                    );
                    if is_setup {
                        let reduced: Locals = set.iter().zip(&deleted).map(|(set, deleted)| set & !deleted).collect();
                        known.flow(&mut pending, target, &reduced);
                        if op == Opcode::CallFinally {
                            set = reduced;
                        }
                    } else {
                        known.flow(&mut pending, target, &set);
                    }
                }
                if ends_flow(op) {
                    break;
                }
                index += 1;
            }
        }
        known
    }

    /// The parameter that cell variable `cell` takes its value from.
    fn cell_parameter(&self, cell: usize) -> Option<u32> {
        let name = self.code.cellvars().get(cell)?;
        let parameters = self.code.parameter_count();
        let index = self.code.varnames().iter().take(parameters).position(|parameter| parameter.is(name))?;
        Some(index as u32)
    }

    /// What happens before the first instruction: cells, closure, the generator object.
    fn prologue(&mut self) {
        let cells = self.code.cellvars().len();
        for cell in 0..cells {
            let register = self.code.fields.nlocals + cell as u32;
            let parameter = self.cell_parameter(cell).map_or(u32::MAX, |index| index);
            self.emit(h::make_cell, register, parameter, 0);
        }
        let free = self.code.freevars().len() as u32;
        if free > 0 {
            self.emit(h::copy_free, self.code.fields.nlocals + cells as u32, free, 0);
        }
        if self.code.has_flag(flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR) {
            self.emit(h::return_generator, 0, 0, 0);
        }
        if self.flavour == Flavour::Traced {
            // A generator's resumption says by itself that it is called.
            let is_generator = self.code.has_flag(flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR);
            self.emit(h::trace_entry, 0, u32::from(is_generator), 0);
        }
    }

    fn emit(&mut self, handler: Handler, a: u32, b: u32, c: u32) -> usize {
        self.emit_cell(Instr::new(handler, a, b, c))
    }

    fn emit_cell(&mut self, cell: Instr) -> usize {
        self.cells.push(cell);
        self.offsets.push(self.offset);
        self.cells.len() - 1
    }

    fn emit_cached(&mut self, handler: Handler, a: u32, b: u32, c: u32) {
        self.emit(handler, a, b, c);
        self.emit_cell(Instr::EMPTY);
    }

    fn emit_jump(&mut self, handler: Handler, a: u32, b: u32, target: u32) {
        let cell = self.emit(handler, a, b, 0);
        self.jumps.push((cell, target));
    }

    fn is_used(&self, register: u32) -> bool {
        self.holder(register).is_some()
    }

    /// The stack position whose value stands in a temporary.
    fn holder(&self, register: u32) -> Option<usize> {
        let holds = |position: &usize| self.stack.get(*position) == Some(&Entry::Temp(register));
        if self.scattered {
            return (0..self.stack.len()).find(holds);
        }
        register.checked_sub(self.base).map(|position| position as usize).filter(holds)
    }

    /// A register for a new top of stack: its canonical one, unless something else stands there.
    fn new_temp(&mut self) -> u32 {
        let mut register = self.base + self.stack.len() as u32;
        while self.is_used(register) {
            register += 1;
        }
        self.top = self.top.max(register + 1);
        register
    }

    fn push_temp(&mut self, register: u32) {
        self.top = self.top.max(register + 1);
        self.push(Entry::Temp(register));
    }

    fn push(&mut self, entry: Entry) {
        if let Entry::Temp(register) = entry {
            self.scattered |= register != self.canonical(self.stack.len());
        }
        self.stack.push(entry);
    }

    fn canonical(&self, position: usize) -> u32 {
        self.base + position as u32
    }

    /// Brings a stack position into its canonical temporary.
    fn materialize(&mut self, position: usize) {
        let register = self.canonical(position);
        let entry = self.stack[position];
        if entry == Entry::Temp(register) {
            return;
        }
        if let Some(other) = self.holder(register) {
            // Whatever stands there moves out of the way, past everything in use.
            let mut scratch = self.base + self.stack.len() as u32;
            while self.is_used(scratch) {
                scratch += 1;
            }
            self.top = self.top.max(scratch + 1);
            self.emit(h::move_tt, scratch, register, 0);
            self.stack[other] = Entry::Temp(scratch);
            self.scattered = true;
        }
        match self.stack[position] {
            Entry::Local(local) => self.emit(h::move_lt, register, local, 0),
            Entry::Const(constant) => self.emit(h::load_const_t, register, constant, 0),
            Entry::Temp(temp) => self.emit(h::move_tt, register, temp, 0),
        };
        self.top = self.top.max(register + 1);
        self.stack[position] = Entry::Temp(register);
    }

    fn materialize_from(&mut self, position: usize) {
        for position in position..self.stack.len() {
            self.materialize(position);
        }
    }

    fn canonicalize(&mut self) {
        self.materialize_from(0);
        self.scattered = false;
    }

    /// Makes the entry at a position a register: constants are loaded.
    fn register(&mut self, position: usize) {
        if matches!(self.stack[position], Entry::Const(_)) {
            self.materialize(position);
        }
    }

    fn small_int(&self, entry: Entry) -> Option<i32> {
        let Entry::Const(index) = entry else { return None };
        let value = self.code.consts().get(index as usize)?;
        value.as_small_int().and_then(|int| i32::try_from(int).ok())
    }

    /// Reads of a local that wait below `depth` on the stack happen before it changes.
    fn settle_local(&mut self, local: u32, depth: usize) {
        for position in 0..depth {
            if self.stack[position] == Entry::Local(local) {
                self.materialize(position);
            }
        }
    }

    fn run(&mut self, instructions: &[Instruction], defined: &Defined) {
        defined.read(0, &mut self.defined);
        let mut index = 0;
        let mut live = true;
        while let Some(instruction) = instructions.get(index) {
            let offset = instruction.first_offset;
            let Some(depth) = self.depth(offset) else {
                index += 1;
                live = false;
                continue;
            };
            if self.is_target(offset) || !live {
                if live {
                    self.canonicalize();
                }
                self.stack.clear();
                self.stack.extend((0..depth).map(|position| Entry::Temp(self.base + position)));
                self.scattered = false;
                defined.read(offset, &mut self.defined);
                live = true;
            }
            self.scattered &= !self.stack.is_empty();
            debug_assert!(
                self.scattered
                    || self.stack.len() > 64
                    || self.stack.iter().enumerate().all(|(position, entry)| match entry {
                        Entry::Temp(register) => *register == self.canonical(position),
                        _ => true,
                    })
            );
            let traced = self.flavour == Flavour::Traced;
            if traced {
                self.canonicalize();
                self.defined.fill(0);
            }
            // CPython's f_lasti is that of the first prefix.
            self.offset = offset;
            self.starts[offset as usize / 2] = self.cells.len() as u32;
            let Some(op) = instruction.op() else { break };
            if traced {
                self.emit(h::trace_instruction, 0, 0, 0);
                index += self.instruction(op, *instruction, &[]);
            } else {
                if let Some(boundaries) = &mut self.boundaries {
                    let target = self.analysis.jump_targets.get(offset as usize / 2).copied().unwrap_or(false);
                    let cell = self.cells.len() as u32;
                    let stack = if self.stack_at == Some(cell) { self.stack.as_slice() } else { &[] };
                    boundaries.push(Boundary { cell, offset, target, stack: stack.into() });
                }
                index += self.instruction(op, *instruction, &instructions[index + 1..]);
            }
            self.previous = Some(op);
            if ends_flow(op) {
                live = false;
            }
        }
    }

    /// The result register for an instruction, folding a following STORE_FAST into it. Says how many instructions more
    /// are done.
    fn destination(&mut self, rest: &[Instruction]) -> (u32, Place, usize) {
        let (register, place, more, []) = self.destination_of([], rest);
        (register, place, more)
    }

    /// As [`Translator::destination`] while `operands`, taken off the stack already, stay readable: where they stand now is
    /// returned too.
    fn destination_of<const N: usize>(
        &mut self,
        operands: [Entry; N],
        rest: &[Instruction],
    ) -> (u32, Place, usize, [Entry; N]) {
        if let Some(next) = rest.first()
            && next.op() == Some(Opcode::StoreFast)
            && !self.is_target(next.first_offset)
            && self.depth(next.first_offset).is_some()
        {
            let local = next.arg;
            let depth = self.stack.len();
            operands.into_iter().for_each(|operand| self.push(operand));
            self.settle_local(local, depth);
            let moved = std::array::from_fn(|index| self.stack[depth + index]);
            self.stack.truncate(depth);
            insert(&mut self.defined, local);
            return (local, Place::Local, 1, moved);
        }
        (self.new_temp(), Place::Temp, 0, operands)
    }

    fn result(&mut self, register: u32, place: Place) {
        if place == Place::Temp {
            self.push_temp(register);
        }
    }

    /// A conditional jump that takes the value before it.
    fn following_jump(&self, rest: &[Instruction]) -> Option<(bool, u32)> {
        let next = rest.first()?;
        if self.is_target(next.first_offset) {
            return None;
        }
        match next.op()? {
            Opcode::PopJumpIfFalse => Some((false, next.arg)),
            Opcode::PopJumpIfTrue => Some((true, next.arg)),
            _ => None,
        }
    }

    fn operand(&self, entry: Entry) -> u32 {
        match entry {
            Entry::Local(index) | Entry::Temp(index) | Entry::Const(index) => index,
        }
    }

    fn place(&self, entry: Entry) -> Place {
        match entry {
            Entry::Local(_) => Place::Local,
            Entry::Temp(_) => Place::Temp,
            Entry::Const(_) => Place::Const,
        }
    }

    /// Brings the stack positions from `from` on into their canonical temporaries, with nothing that stands below them in
    /// a register of theirs or behind: the frame of a call, or more results than operands, may lie there.
    fn settle_from(&mut self, from: usize) {
        self.materialize_from(from);
        let first = self.canonical(from);
        let in_the_way = |entry: &Entry| matches!(entry, Entry::Temp(register) if *register >= first);
        if self.scattered && self.stack[..from].iter().any(in_the_way) {
            self.canonicalize();
        }
    }

    /// An operation on the topmost `taken` stack positions, all in their canonical temporaries, that leaves `left` there.
    fn on_stack(&mut self, handler: Handler, taken: usize, left: usize, b: u32, c: u32) {
        let from = self.stack.len() - taken;
        self.settle_from(from);
        let a = self.canonical(from);
        self.emit(handler, a, b, c);
        self.stack.truncate(from);
        for position in 0..left {
            self.push_temp(a + position as u32);
        }
    }

    fn binary(&mut self, op: BinaryOp, inplace: bool, rest: &[Instruction]) -> usize {
        let top = self.stack.len();
        if matches!((self.stack[top - 2], self.stack[top - 1]), (Entry::Const(_), Entry::Const(_))) {
            self.materialize(top - 2);
        }
        let (left, right) = (self.stack[top - 2], self.stack[top - 1]);
        self.stack.truncate(top - 2);
        let (register, place, more, [left, right]) = self.destination_of([left, right], rest);
        let (shape, c) = match (left, right) {
            (Entry::Const(_), _) => (Shape::Kr, self.operand(right)),
            (_, Entry::Const(index)) => match self.small_int(right) {
                Some(int) => (Shape::Ri, int as u32),
                None => (Shape::Rk, index),
            },
            _ => (Shape::Rr, self.operand(right)),
        };
        self.emit(h::binary(op, inplace, shape, place), register, self.operand(left), c);
        self.result(register, place);
        more
    }

    fn compare(&mut self, op: Compare, rest: &[Instruction]) -> usize {
        let top = self.stack.len();
        self.register(top - 2);
        let (left, right) = (self.stack[top - 2], self.stack[top - 1]);
        let (shape, b) = match right {
            Entry::Const(index) => match self.small_int(right) {
                Some(int) => (Shape::Ri, int as u32),
                None => (Shape::Rk, index),
            },
            _ => (Shape::Rr, self.operand(right)),
        };
        if let Some((when, target)) = self.following_jump(rest) {
            self.stack.truncate(top - 2);
            let [left, right] = self.canonicalize_under([left, right]);
            let b = if shape == Shape::Rr { self.operand(right) } else { b };
            self.emit_jump(h::compare_jump(op, shape, when), self.operand(left), b, target);
            return 1;
        }
        self.stack.truncate(top - 2);
        let (register, place, more, [left, right]) = self.destination_of([left, right], rest);
        let b = if shape == Shape::Rr { self.operand(right) } else { b };
        self.emit(h::compare(op, shape, place), register, self.operand(left), b);
        self.result(register, place);
        more
    }

    /// Canonicalizes what is on the stack while `operands`, taken off already, stay readable: where they stand now is
    /// returned.
    fn canonicalize_under<const N: usize>(&mut self, operands: [Entry; N]) -> [Entry; N] {
        let depth = self.stack.len();
        operands.into_iter().for_each(|operand| self.push(operand));
        for position in 0..depth {
            self.materialize(position);
        }
        let moved = std::array::from_fn(|index| self.stack[depth + index]);
        self.stack.truncate(depth);
        moved
    }

    fn instruction(&mut self, op: Opcode, instruction: Instruction, rest: &[Instruction]) -> usize {
        use Opcode as O;
        let arg = instruction.arg;
        let top = self.stack.len();
        let target = || op.jump_target(arg, instruction.offset + 2).unwrap_or(0);
        let mut more = 0;
        match op {
            O::Nop | O::ExtendedArg | O::PopBlock => {}
            O::LoadFast => {
                if !contains(&self.defined, arg) {
                    self.emit(h::check_bound, arg, 0, 0);
                    insert(&mut self.defined, arg);
                }
                self.push(Entry::Local(arg));
            }
            O::LoadConst => self.push(Entry::Const(arg)),
            O::StoreFast => {
                self.settle_local(arg, top.saturating_sub(1));
                let Some(entry) = self.stack.pop() else { return 1 };
                match entry {
                    Entry::Local(local) if local == arg => {}
                    Entry::Local(local) => {
                        self.emit(h::move_ll, arg, local, 0);
                    }
                    Entry::Temp(temp) => {
                        self.emit(h::move_tl, arg, temp, 0);
                    }
                    Entry::Const(constant) => {
                        self.emit(h::load_const_l, arg, constant, 0);
                    }
                }
                insert(&mut self.defined, arg);
            }
            O::DeleteFast => {
                self.settle_local(arg, top);
                self.emit(h::delete_fast, arg, 0, 0);
                remove(&mut self.defined, arg);
            }
            O::PopTop => {
                if let Some(Entry::Temp(register)) = self.stack.pop() {
                    self.emit(h::drop_t, register, 0, 0);
                }
            }
            O::DupTop => {
                let entry = self.stack[top - 1];
                self.duplicate(entry);
            }
            O::DupTopTwo => {
                let (first, second) = (self.stack[top - 2], self.stack[top - 1]);
                self.duplicate(first);
                self.duplicate(second);
            }
            O::RotTwo | O::RotThree | O::RotFour => {
                let count = match op {
                    O::RotTwo => 2,
                    O::RotThree => 3,
                    _ => 4,
                };
                self.stack[top - count..].rotate_right(1);
                self.scattered = true;
            }
            O::UnaryNot => {
                self.register(top - 1);
                let entry = self.stack[top - 1];
                if let Some((when, target)) = self.following_jump(rest) {
                    self.stack.pop();
                    let [entry] = self.canonicalize_under([entry]);
                    self.emit_jump(h::jump_if(!when, self.place(entry)), self.operand(entry), 0, target);
                    more = 1;
                } else {
                    self.on_stack(h::unary_not, 1, 1, 0, 0);
                }
            }
            O::UnaryNegative => self.on_stack(h::unary_negative, 1, 1, 0, 0),
            O::UnaryPositive => self.on_stack(h::unary_positive, 1, 1, 0, 0),
            O::UnaryInvert => self.on_stack(h::unary_invert, 1, 1, 0, 0),
            O::BinaryPower => more = self.binary(BinaryOp::Power, false, rest),
            O::BinaryMultiply => more = self.binary(BinaryOp::Multiply, false, rest),
            O::BinaryMatrixMultiply => more = self.binary(BinaryOp::MatrixMultiply, false, rest),
            O::BinaryModulo => more = self.binary(BinaryOp::Remainder, false, rest),
            O::BinaryAdd => more = self.binary(BinaryOp::Add, false, rest),
            O::BinarySubtract => more = self.binary(BinaryOp::Subtract, false, rest),
            O::BinaryFloorDivide => more = self.binary(BinaryOp::FloorDivide, false, rest),
            O::BinaryTrueDivide => more = self.binary(BinaryOp::TrueDivide, false, rest),
            O::BinaryLshift => more = self.binary(BinaryOp::LeftShift, false, rest),
            O::BinaryRshift => more = self.binary(BinaryOp::RightShift, false, rest),
            O::BinaryAnd => more = self.binary(BinaryOp::And, false, rest),
            O::BinaryXor => more = self.binary(BinaryOp::Xor, false, rest),
            O::BinaryOr => more = self.binary(BinaryOp::Or, false, rest),
            O::InplacePower => more = self.binary(BinaryOp::Power, true, rest),
            O::InplaceMultiply => more = self.binary(BinaryOp::Multiply, true, rest),
            O::InplaceMatrixMultiply => more = self.binary(BinaryOp::MatrixMultiply, true, rest),
            O::InplaceModulo => more = self.binary(BinaryOp::Remainder, true, rest),
            O::InplaceAdd => more = self.binary(BinaryOp::Add, true, rest),
            O::InplaceSubtract => more = self.binary(BinaryOp::Subtract, true, rest),
            O::InplaceFloorDivide => more = self.binary(BinaryOp::FloorDivide, true, rest),
            O::InplaceTrueDivide => more = self.binary(BinaryOp::TrueDivide, true, rest),
            O::InplaceLshift => more = self.binary(BinaryOp::LeftShift, true, rest),
            O::InplaceRshift => more = self.binary(BinaryOp::RightShift, true, rest),
            O::InplaceAnd => more = self.binary(BinaryOp::And, true, rest),
            O::InplaceXor => more = self.binary(BinaryOp::Xor, true, rest),
            O::InplaceOr => more = self.binary(BinaryOp::Or, true, rest),
            O::CompareOp => match arg {
                0..=5 => more = self.compare(Compare::ALL[arg as usize], rest),
                6 | 7 => self.on_stack(h::contains_op, 2, 1, arg - 6, 0),
                8 | 9 => more = self.identity(arg == 9, rest),
                _ => self.on_stack(h::exception_match, 2, 1, 0, 0),
            },
            O::PopJumpIfFalse | O::PopJumpIfTrue => {
                self.register(top - 1);
                let entry = self.stack[top - 1];
                self.stack.pop();
                let [entry] = self.canonicalize_under([entry]);
                let when = op == O::PopJumpIfTrue;
                self.emit_jump(h::jump_if(when, self.place(entry)), self.operand(entry), 0, target());
            }
            O::JumpIfFalseOrPop | O::JumpIfTrueOrPop => {
                self.canonicalize();
                let register = self.canonical(top - 1);
                let when = op == O::JumpIfTrueOrPop;
                self.emit_jump(h::jump_or_pop(when), register, 0, target());
                self.stack.pop();
            }
            O::JumpForward => {
                self.canonicalize();
                self.emit_jump(h::jump, 0, 0, target());
            }
            O::JumpAbsolute => {
                self.canonicalize();
                let handler = if target() <= instruction.offset { h::jump_back } else { h::jump };
                self.emit_jump(handler, 0, 0, target());
            }
            O::LoadGlobal if let Some((cell, method)) = self.super_call(arg, rest) => {
                // The function of `super().name` directly, or all in order.
                self.settle_from(top);
                let register = self.canonical(top);
                let handler = if self.flavour == Flavour::Bound { h::load_global } else { h::load_global_uncached };
                self.emit_cached(handler, register, 0, arg);
                self.top = self.top.max(register + 4);
                self.offset = method.offset;
                self.emit_cached(h::super_method, register, cell, method.arg);
                self.offset = method.offset - 2;
                self.emit(h::call, register + 1, register, 0);
                self.emit(h::construct_done, register, 0, 0);
                self.offset = method.offset;
                self.emit_cached(h::load_method(Place::Temp), register, register, method.arg);
                self.push_temp(register);
                self.push_temp(register + 1);
                more = 2;
            }
            O::LoadGlobal => {
                let register = self.new_temp();
                if self.flavour == Flavour::Bound {
                    self.emit_cached(h::load_global, register, 0, arg);
                } else {
                    self.emit_cached(h::load_global_uncached, register, 0, arg);
                }
                self.push_temp(register);
            }
            O::LoadName => self.on_stack(h::load_name, 0, 1, 0, arg),
            O::StoreName => self.on_stack(h::store_name, 1, 0, 0, arg),
            O::DeleteName => self.on_stack(h::delete_name, 0, 0, 0, arg),
            O::StoreGlobal => self.on_stack(h::store_global, 1, 0, 0, arg),
            O::DeleteGlobal => self.on_stack(h::delete_global, 0, 0, 0, arg),
            O::LoadDeref => {
                let (register, place, done) = self.destination(rest);
                self.emit(h::load_deref(place), register, self.code.fields.nlocals + arg, arg);
                self.result(register, place);
                more = done;
            }
            O::LoadClassderef => {
                self.on_stack(h::load_class_deref, 0, 1, self.code.fields.nlocals + arg, arg);
            }
            O::StoreDeref => self.on_stack(h::store_deref, 1, 0, self.code.fields.nlocals + arg, arg),
            O::DeleteDeref => self.on_stack(h::delete_deref, 0, 0, self.code.fields.nlocals + arg, arg),
            O::LoadClosure => {
                let register = self.new_temp();
                self.emit(h::move_lt, register, self.code.fields.nlocals + arg, 0);
                self.push_temp(register);
            }
            O::LoadAttr => {
                self.register(top - 1);
                let Some(object) = self.stack.pop() else { return 1 };
                let (register, place, done, [object]) = self.destination_of([object], rest);
                self.emit_cached(h::load_attr(self.place(object), place), register, self.operand(object), arg);
                self.result(register, place);
                more = done;
            }
            O::StoreAttr => {
                self.register(top - 1);
                let (Some(object), Some(value)) = (self.stack.pop(), self.stack.pop()) else { return 1 };
                self.emit_cached(
                    h::store_attr(self.place(object), self.place(value)),
                    self.operand(object),
                    self.operand(value),
                    arg,
                );
            }
            O::DeleteAttr => self.on_stack(h::delete_attr, 1, 0, 0, arg),
            O::BinarySubscr => {
                self.register(top - 2);
                let index_entry = self.stack[top - 1];
                let small = self.small_int(index_entry);
                if small.is_none() {
                    self.register(top - 1);
                }
                let (Some(index), Some(container)) = (self.stack.pop(), self.stack.pop()) else { return 1 };
                let (register, place, done, [index, container]) = self.destination_of([index, container], rest);
                let c = small.map_or_else(|| self.operand(index), |int| int as u32);
                let handler = h::subscript(self.place(container), small.is_some(), place);
                self.emit(handler, register, self.operand(container), c);
                self.result(register, place);
                more = done;
            }
            O::StoreSubscr => {
                self.register(top - 2);
                let index_entry = self.stack[top - 1];
                let small = self.small_int(index_entry);
                if small.is_none() {
                    self.register(top - 1);
                }
                let (Some(index), Some(container), Some(value)) =
                    (self.stack.pop(), self.stack.pop(), self.stack.pop())
                else {
                    return 1;
                };
                let c = small.map_or_else(|| self.operand(index), |int| int as u32);
                let handler = h::store_subscript(self.place(container), small.is_some(), self.place(value));
                self.emit(handler, self.operand(container), self.operand(value), c);
                let scratch = self.base + self.stack.len() as u32;
                let scratch = (scratch..).find(|&register| !self.is_used(register)).unwrap_or(scratch);
                self.top = self.top.max(scratch + 1);
                self.emit(h::stored, scratch, 0, 0);
                self.emit(h::drop_t, scratch, 0, 0);
            }
            O::DeleteSubscr => self.on_stack(h::delete_subscript, 2, 0, 0, 0),
            O::GetIter => self.on_stack(h::get_iter, 1, 1, 0, 0),
            O::ForIter => {
                self.canonicalize();
                let iterator = self.canonical(top - 1);
                let fold = rest.first().filter(|next| {
                    next.op() == Some(Opcode::StoreFast)
                        && !self.is_target(next.first_offset)
                        && self.depth(next.first_offset).is_some()
                });
                if self.flavour == Flavour::Traced {
                    let register = self.canonical(top);
                    self.emit_jump(h::traced_for_iter, register, iterator, target());
                    self.push_temp(register);
                } else if let Some(next) = fold {
                    self.emit_jump(h::for_iter(Place::Local), next.arg, iterator, target());
                    insert(&mut self.defined, next.arg);
                    more = 1;
                } else {
                    let register = self.canonical(top);
                    self.emit_jump(h::for_iter(Place::Temp), register, iterator, target());
                    self.push_temp(register);
                }
            }
            O::CallFunction => {
                let handler = match self.flavour {
                    Flavour::Traced => h::traced_call,
                    _ if self.in_object() => h::call_from_object,
                    _ => h::call,
                };
                more = self.call(handler, arg as usize + 1, arg, rest);
            }
            O::CallMethod => {
                let handler = match self.flavour {
                    Flavour::Traced => h::traced_call_method,
                    _ if self.in_object() => h::call_method_from_object,
                    _ => h::call_method,
                };
                more = self.call(handler, arg as usize + 2, arg, rest);
            }
            O::CallFunctionKw => {
                let handler = if self.flavour == Flavour::Traced { h::traced_call_keywords } else { h::call_keywords };
                self.on_stack(handler, arg as usize + 2, 1, arg, 0);
            }
            O::CallFunctionEx => {
                let taken = 2 + (arg & 1) as usize;
                let handler = if self.flavour == Flavour::Traced { h::traced_call_ex } else { h::call_ex };
                self.on_stack(handler, taken, 1, arg & 1, 0);
            }
            O::LoadMethod => {
                self.register(top - 1);
                let mut object = self.stack[top - 1];
                self.stack.pop();
                let register = self.canonical(top - 1);
                if self.is_used(register) || self.is_used(register + 1) {
                    [object] = self.canonicalize_under([object]);
                }
                self.emit_cached(h::load_method(self.place(object)), register, self.operand(object), arg);
                self.push_temp(register);
                self.push_temp(register + 1);
            }
            O::ReturnValue => {
                let Some(entry) = self.stack.pop() else { return 1 };
                // What else is on the stack dies with the frame; verified code seldom leaves anything.
                for position in (0..self.stack.len()).rev() {
                    if let Entry::Temp(register) = self.stack[position]
                        && entry != Entry::Temp(register)
                    {
                        self.emit(h::drop_t, register, 0, 0);
                    }
                }
                let is_generator = self.code.has_flag(flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR);
                if self.flavour == Flavour::Traced {
                    self.emit(h::trace_return, self.operand(entry), 0, 0);
                }
                let place = self.place(entry);
                let handler = if is_generator { h::generator_return(place) } else { h::return_value(place) };
                self.emit(handler, self.operand(entry), self.named, 0);
                self.stack.clear();
            }
            O::YieldValue => {
                self.canonicalize();
                let register = self.canonical(top - 1);
                let mut is_async = u32::from(self.code.has_flag(flags::ASYNC_GENERATOR));
                if self.flavour == Flavour::Traced {
                    // Wraps the value, which the trace function sees.
                    self.emit(h::trace_return, register, std::mem::take(&mut is_async), 1);
                }
                self.emit(h::yield_value, register, is_async, 0);
            }
            O::YieldFrom => {
                self.canonicalize();
                let register = self.canonical(top - 2);
                let handler = if self.flavour == Flavour::Traced { h::traced_yield_from } else { h::yield_from };
                self.emit(handler, register, 0, 0);
                self.emit(h::delegation, register + 1, register, 0);
                self.emit(h::yield_on, register + 1, 0, 0);
                self.stack.pop();
            }
            O::GetYieldFromIter => self.on_stack(h::get_yield_from_iter, 1, 1, 0, 0),
            O::GetAwaitable => {
                // The error message depends on what comes before.
                let before = match self.previous {
                    Some(O::BeforeAsyncWith) => 1,
                    Some(O::WithCleanupStart) => 2,
                    _ => 0,
                };
                self.on_stack(h::get_awaitable, 1, 1, before, 0);
            }
            O::GetAiter => self.on_stack(h::get_aiter, 1, 1, 0, 0),
            O::GetAnext => {
                self.settle_from(top - 1);
                let register = self.canonical(top);
                self.emit(h::get_anext, register, self.canonical(top - 1), 0);
                self.push_temp(register);
            }
            O::BeforeAsyncWith => self.on_stack(h::before_async_with, 1, 2, 0, 0),
            O::EndAsyncFor => {
                self.canonicalize();
                self.emit(h::end_async_for, self.canonical(top - 7), 0, 0);
                self.stack.truncate(top - 7);
            }
            O::BuildTuple => self.on_stack(h::build_tuple, arg as usize, 1, arg, 0),
            O::BuildList => self.on_stack(h::build_list, arg as usize, 1, arg, 0),
            O::BuildSet => self.on_stack(h::build_set, arg as usize, 1, arg, 0),
            O::BuildMap => self.on_stack(h::build_map, 2 * arg as usize, 1, arg, 0),
            O::BuildConstKeyMap => self.on_stack(h::build_const_key_map, arg as usize + 1, 1, arg, 0),
            O::BuildString => self.on_stack(h::build_string, arg as usize, 1, arg, 0),
            O::BuildSlice if arg == 2 && self.is_next(rest, O::BinarySubscr) => {
                self.offset = rest.first().map_or(self.offset, |next| next.first_offset);
                self.on_stack(h::slice_load, 3, 1, 0, 0);
                more = 1;
            }
            O::BuildSlice if arg == 3 && self.is_next(rest, O::BinarySubscr) => {
                self.offset = rest.first().map_or(self.offset, |next| next.first_offset);
                self.on_stack(h::slice_load_stepped, 4, 1, 0, 0);
                more = 1;
            }
            O::BuildSlice if arg == 2 && self.is_next(rest, O::StoreSubscr) => {
                self.offset = rest.first().map_or(self.offset, |next| next.first_offset);
                self.on_stack(h::slice_store, 4, 0, 0, 0);
                more = 1;
            }
            O::BuildSlice => self.on_stack(h::build_slice, arg as usize, 1, arg, 0),
            O::BuildTupleUnpack => self.on_stack(h::build_tuple_unpack, arg as usize, 1, arg, 0),
            O::BuildTupleUnpackWithCall => self.on_stack(h::build_tuple_unpack, arg as usize, 1, arg, 1),
            O::BuildListUnpack => self.on_stack(h::build_list_unpack, arg as usize, 1, arg, 0),
            O::BuildSetUnpack => self.on_stack(h::build_set_unpack, arg as usize, 1, arg, 0),
            O::BuildMapUnpack => self.on_stack(h::build_map_unpack, arg as usize, 1, arg, 0),
            O::BuildMapUnpackWithCall => {
                // The function stands two below the maps, for error messages.
                self.canonicalize();
                let count = arg as usize;
                let function = if top >= count + 2 { self.canonical(top - count - 2) } else { u32::MAX };
                let from = self.canonical(top - count);
                self.emit(h::build_map_unpack_with_call, from, arg, function);
                self.stack.truncate(top - count);
                self.push_temp(from);
            }
            O::ListAppend | O::SetAdd => {
                let container = top - 1 - arg as usize;
                self.materialize(top - 1);
                self.materialize(container);
                let handler = if op == O::ListAppend { h::list_append } else { h::set_add };
                let (a, b) = (self.canonical(container), self.canonical(top - 1));
                self.emit(handler, a, b, 0);
                self.stack.pop();
            }
            O::MapAdd => {
                let container = top - arg as usize - 2;
                self.materialize(top - 1);
                self.materialize(top - 2);
                self.materialize(container);
                let (a, b) = (self.canonical(container), self.canonical(top - 2));
                self.emit(h::map_add, a, b, 0);
                self.stack.truncate(top - 2);
            }
            O::UnpackSequence if let Some(variables) = self.stored_variables(arg, rest) => {
                more = variables.len();
                self.unpack(variables);
            }
            O::UnpackSequence => {
                self.on_stack(h::unpack_sequence, 1, arg as usize, arg, 0);
            }
            O::UnpackEx => {
                let count = (arg & 0xff) + (arg >> 8) + 1;
                self.on_stack(h::unpack_ex, 1, count as usize, arg, 0);
            }
            O::FormatValue => {
                let taken = if arg & 4 != 0 { 2 } else { 1 };
                self.on_stack(h::format_value, taken, 1, arg, 0);
            }
            O::ImportName => self.on_stack(h::import_name, 2, 1, 0, arg),
            O::ImportFrom => {
                self.settle_from(top - 1);
                let register = self.canonical(top);
                self.emit(h::import_from, register, self.canonical(top - 1), arg);
                self.push_temp(register);
            }
            O::ImportStar => self.on_stack(h::import_star, 1, 0, 0, 0),
            O::LoadBuildClass => self.on_stack(h::load_build_class, 0, 1, 0, 0),
            O::SetupAnnotations => self.on_stack(h::setup_annotations, 0, 0, 0, 0),
            O::PrintExpr => self.on_stack(h::print_expr, 1, 0, 0, 0),
            O::MakeFunction => {
                let taken = 2 + (arg & 0xf).count_ones() as usize;
                self.on_stack(h::make_function, taken, 1, arg, 0);
            }
            O::RaiseVarargs => self.on_stack(h::raise_varargs, arg as usize, 0, arg, 0),
            O::SetupFinally => self.canonicalize(),
            O::SetupWith => {
                self.canonicalize();
                let register = self.canonical(top - 1);
                self.emit(h::setup_with, register, 0, 0);
                self.push_temp(register + 1);
            }
            O::SetupAsyncWith => self.canonicalize(),
            O::BeginFinally => {
                self.canonicalize();
                let register = self.canonical(top);
                self.emit(h::begin_finally, register, 0, 0);
                for position in 0..6 {
                    self.push_temp(register + position);
                }
            }
            O::CallFinally => {
                self.canonicalize();
                let call = self.analysis.finally_calls.iter().find(|call| call.offset == instruction.offset).copied();
                let Some(call) = call else { return 1 };
                let slots = self.canonical(call.level as usize);
                let from = self.canonical((call.depth - call.carried) as usize);
                self.top = self.top.max(slots + 6);
                // Where the body has an except clause around it that the caller has left already, the values carried
                // make room for its three saved slots, which are made up.
                let shifted = call.except.is_some();
                if shifted {
                    for index in (0..call.carried).rev() {
                        self.emit(h::move_tt, slots + index, from + index, 0);
                    }
                    self.emit(h::save_handled, slots - 3, 0, 0);
                }
                let cell = self.emit(h::call_finally, slots, 0, 0);
                self.jumps.push((cell, target()));
                self.cells[cell].b = cell as u32 + 1;
                if shifted {
                    for register in slots - 3..slots {
                        self.emit(h::drop_t, register, 0, 0);
                    }
                    for index in 0..call.carried {
                        self.emit(h::move_tt, from + index, slots + index, 0);
                    }
                }
            }
            O::PopFinally => {
                let mut kept = (arg != 0).then(|| self.stack.pop()).flatten();
                let depth = self.stack.len();
                match kept {
                    Some(entry) => kept = Some(self.canonicalize_under([entry])[0]),
                    None => self.canonicalize(),
                }
                let slots = self.canonical(depth - 6);
                self.emit(h::pop_finally, slots, 0, 0);
                self.stack.truncate(depth - 6);
                if let Some(entry) = kept {
                    self.push(entry);
                }
            }
            O::EndFinally => {
                self.canonicalize();
                let slots = self.canonical(top - 6);
                self.emit(h::end_finally, slots, 0, 0);
                self.stack.truncate(top - 6);
            }
            O::PopExcept => {
                self.canonicalize();
                let slots = self.canonical(top - 3);
                self.emit(h::pop_except, slots, 0, 0);
                self.stack.truncate(top - 3);
            }
            O::WithCleanupStart => {
                self.canonicalize();
                // EXIT at -7, the six slots above; pushes the exception and the result.
                let exit = self.canonical(top - 7);
                self.emit(h::with_cleanup_start, exit, 0, 0);
                self.push_temp(exit + 7);
                self.push_temp(exit + 8);
            }
            O::WithCleanupFinish => {
                self.canonicalize();
                let exit = self.canonical(top - 9);
                self.emit(h::with_cleanup_finish, exit, 0, 0);
                self.stack.truncate(top - 3);
            }
        }
        1 + more
    }

    /// Whether the next instruction is `op`, reached from the one before only.
    fn is_next(&self, rest: &[Instruction], op: Opcode) -> bool {
        rest.first().is_some_and(|next| {
            next.op() == Some(op) && !self.is_target(next.first_offset) && self.depth(next.first_offset).is_some()
        })
    }

    /// Whether the global is `super`, called without arguments in a method, for a method: the register of `__class__`, and the
    /// instruction that looks the method up.
    fn super_call(&self, global: u32, rest: &[Instruction]) -> Option<(u32, Instruction)> {
        let name = self.code.names().get(global as usize)?.downcast::<Str>()?;
        let [call, method, ..] = rest else { return None };
        let plain = |next: &Instruction| !self.is_target(next.first_offset) && next.first_offset == next.offset;
        if !name.equals_str("super")
            || call.op() != Some(Opcode::CallFunction)
            || call.arg != 0
            || method.op() != Some(Opcode::LoadMethod)
            || !plain(call)
            || !plain(method)
            || self.depth(method.offset).is_none()
            || self.code.fields.argcount == 0
            || self.cell_parameter_of(0)
        {
            return None;
        }
        let free = self
            .code
            .freevars()
            .iter()
            .position(|name| name.downcast::<Str>().is_some_and(|name| name.equals_str("__class__")))?;
        Some((self.code.fields.nlocals + (self.code.cellvars().len() + free) as u32, *method))
    }

    /// Whether a parameter lives in a cell.
    fn cell_parameter_of(&self, parameter: u32) -> bool {
        (0..self.code.cellvars().len()).any(|cell| self.cell_parameter(cell) == Some(parameter))
    }

    /// The variables that the next `count` instructions store into, when they do nothing else and no jump leads to them.
    fn stored_variables(&self, count: u32, rest: &[Instruction]) -> Option<Vec<u32>> {
        let stores = rest.get(..count as usize)?;
        let plain = |next: &Instruction| {
            next.op() == Some(Opcode::StoreFast)
                && !self.is_target(next.first_offset)
                && self.depth(next.first_offset).is_some()
        };
        if count == 0 || !stores.iter().all(plain) {
            return None;
        }
        Some(stores.iter().map(|store| store.arg).collect())
    }

    /// Unpacks the top of stack into variables.
    fn unpack(&mut self, variables: Vec<u32>) {
        let Some(mut value) = self.stack.pop() else { return };
        [value] = self.canonicalize_under([value]);
        let count = variables.len() as u32;
        // Temporaries for what is neither tuple nor list of that length, behind the value itself.
        let mut first = self.base + self.stack.len() as u32;
        if let Entry::Temp(register) = value {
            first = first.max(register + 1);
        }
        self.top = self.top.max(first + count);
        let handler = h::unpack_variables(self.place(value), &variables);
        self.emit(handler, self.operand(value), count, first);
        for cell in h::target_cells(&variables) {
            self.emit_cell(cell);
        }
        for variable in variables {
            insert(&mut self.defined, variable);
        }
    }

    fn duplicate(&mut self, entry: Entry) {
        match entry {
            Entry::Temp(register) => {
                let copy = self.new_temp();
                self.emit(h::copy_tt, copy, register, 0);
                self.push_temp(copy);
            }
            other => self.push(other),
        }
    }

    /// `is` and `is not`.
    fn identity(&mut self, negated: bool, rest: &[Instruction]) -> usize {
        let top = self.stack.len();
        self.register(top - 2);
        let (left, right) = (self.stack[top - 2], self.stack[top - 1]);
        let shape = if matches!(right, Entry::Const(_)) { Shape::Rk } else { Shape::Rr };
        if let Some((when, target)) = self.following_jump(rest) {
            self.stack.truncate(top - 2);
            let [left, right] = self.canonicalize_under([left, right]);
            let handler = h::identity_jump(shape, when != negated);
            self.emit_jump(handler, self.operand(left), self.operand(right), target);
            return 1;
        }
        self.on_stack(h::identity, 2, 1, u32::from(negated), 0);
        0
    }

    fn call(&mut self, handler: Handler, taken: usize, args: u32, rest: &[Instruction]) -> usize {
        let from = self.stack.len() - taken;
        self.settle_from(from);
        self.stack.truncate(from);
        let function = self.canonical(from);
        // Room for a constructor's instance and function below its arguments.
        self.top = self.top.max(function + taken as u32 + 2);
        let (mut register, place, more) = self.destination(rest);
        if place == Place::Temp {
            register = function;
        }
        self.emit(handler, function + 1, function, args);
        self.emit(h::construct_done, register, 0, 0);
        if place == Place::Temp {
            self.push_temp(register);
        }
        more
    }

    /// Whether the code's frames run in generators' objects.
    fn in_object(&self) -> bool {
        self.code.has_flag(flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR)
    }

    fn finish(mut self) -> (Meta, Vec<Boundary>) {
        let end = self.cells.len() as u32;
        // Where translated code could run off its end there is nothing to run: verified code does not.
        self.emit(h::off_the_end, 0, 0, 0);
        let jump_back = Instr::new(h::jump_back, 0, 0, 0).handler;
        for (cell, target) in std::mem::take(&mut self.jumps) {
            let mut start =
                self.starts.get(target as usize / 2).copied().filter(|&start| start != u32::MAX).unwrap_or(end);
            if start <= cell as u32 && self.cells[cell].handler != jump_back {
                // A condition that jumps back goes through a jump that attends to the breaker: no loop goes without.
                self.offset = self.offsets[cell];
                let stub = self.emit(h::jump_back, 0, 0, 0) as u32;
                self.cells[stub as usize].c = start.wrapping_sub(stub);
                start = stub;
            }
            self.cells[cell].c = start.wrapping_sub(cell as u32);
        }
        let regions = self
            .analysis
            .blocks
            .iter()
            .map(|block| Region {
                parent: block.parent,
                kind: match block.kind {
                    BlockKind::Setup { handler, .. } => RegionKind::Setup {
                        handler: self
                            .starts
                            .get(handler as usize / 2)
                            .copied()
                            .filter(|&start| start != u32::MAX)
                            .unwrap_or(end),
                    },
                    BlockKind::Except => RegionKind::Except,
                    BlockKind::Finally => RegionKind::Finally,
                },
                register: self.base + block.level,
            })
            .collect();
        let region_of = self
            .offsets
            .iter()
            .map(|&offset| self.analysis.block.get(offset as usize / 2).copied().unwrap_or(NO_BLOCK))
            .collect();
        let mut meta = Meta {
            code: self.code,
            entry: std::ptr::null(),
            named: self.named,
            frame_size: self.top + 4,
            parameters: self.code.parameter_count() as u32,
            in_object: self.in_object(),
            cells: self.cells.into_iter().map(Cell::new).collect(),
            offsets: self.offsets.into(),
            region_of,
            regions,
            globals: Cell::new(0),
            patched: Cell::new(None),
            constants: self.code.consts().len(),
        };
        meta.entry = meta.cells.as_ptr() as *const Instr;
        (meta, self.boundaries.unwrap_or_default())
    }
}
