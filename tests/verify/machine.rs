//! Executes verified bytecode on an abstract machine whose slots only say what kind of thing they hold, and which raises
//! exceptions and takes branches at random: whatever happens must be what the analysis says.
//!
//! The machine follows the rules in the documentation of `pycvm::pyc::verify` as a real one would: it finds handlers by
//! the static blocks alone. Code comes from CPython's compiler and from random changes to it that verification accepts.

use super::{COMPILED, Compiled, cpython};
use pycvm::pyc::marshal;
use pycvm::pyc::opcode::{Flow, Instruction, Instructions, Opcode};
use pycvm::pyc::verify::{self, Analysis, BlockKind, FinallyCall, Input, NO_BLOCK, UNREACHABLE};

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// An ordinary value.
    Value,
    /// Part of the exception to restore.
    Saved,
    /// Parts of the exception caught; ordinary values as well.
    Traceback,
    Exception,
    Type,
    /// `BEGIN_FINALLY`'s mark.
    Null,
    /// The call to return to, an index into the analysis.
    Return(usize),
    /// One of six slots that has no use after a normal entry, or holds a value carried over a call.
    Free,
    /// EXIT, while it is being called.
    Empty,
    /// The two slots of LOAD_METHOD.
    Receiver,
    Method,
}

/// xorshift64*
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

struct Machine<'a> {
    code: &'a [u8],
    analysis: &'a Analysis,
    stack: Vec<Slot>,
}

impl Machine<'_> {
    /// Runs until the code returns, an exception leaves it, or `steps` are done; gives the steps.
    fn run(&mut self, random: &mut Random, steps: usize) -> usize {
        let mut at = 0;
        for step in 0..steps {
            let instruction = Instructions::from_offset(self.code, at).next().unwrap();
            assert_eq!(instruction.first_offset, at);
            assert_ne!(self.analysis.depth[at as usize / 2], UNREACHABLE, "reached {at}");
            for unit in at / 2..=instruction.offset / 2 {
                assert_eq!(self.analysis.depth[unit as usize] as usize, self.stack.len(), "depth at {at}");
            }
            assert!(self.stack.len() <= self.analysis.max_depth as usize);
            match self.execute(&instruction, random) {
                Some(next) => {
                    if next != instruction.next_offset() {
                        let returned = matches!(instruction.op(), Some(Opcode::EndFinally));
                        assert!(returned || self.analysis.jump_targets[next as usize / 2], "jump to {next}");
                    }
                    at = next;
                }
                None => return step,
            }
        }
        steps
    }

    fn execute(&mut self, instruction: &Instruction, random: &mut Random) -> Option<u32> {
        use Opcode::*;
        let (op, arg, next) = (instruction.op().unwrap(), instruction.arg, instruction.next_offset());
        let target = op.jump_target(arg, next);
        let silent = matches!(
            op,
            PopTop
                | RotTwo
                | RotThree
                | RotFour
                | DupTop
                | DupTopTwo
                | Nop
                | PopBlock
                | BeginFinally
                | CallFinally
                | JumpForward
                | JumpAbsolute
                | LoadConst
                | PopExcept
                | SetupFinally
                | SetupAsyncWith
                | PopFinally
                | EndFinally
                | ReturnValue
        );
        if !silent && random.below(8) == 0 {
            return self.raise(instruction);
        }
        let level = self.block(instruction).map(|block| block.level as usize);
        match op {
            JumpForward | JumpAbsolute => return target,
            ReturnValue => {
                self.take(1);
                return None;
            }
            RaiseVarargs => {
                self.take(arg as usize);
                return self.raise(instruction);
            }
            JumpIfTrueOrPop | JumpIfFalseOrPop | ForIter | PopJumpIfTrue | PopJumpIfFalse => {
                let (flow, goal) = if random.below(2) == 0 { (Flow::Jump, target) } else { (Flow::Next, Some(next)) };
                let count = self.take(1);
                self.push_values((count as i32 + op.stack_effect(arg, flow).unwrap()) as usize);
                return goal;
            }
            SetupWith => {
                self.take(1);
                self.push_values(2);
            }
            SetupFinally | SetupAsyncWith | PopBlock => {}
            BeginFinally => {
                self.stack.extend([Slot::Free; 5]);
                self.stack.push(Slot::Null);
            }
            CallFinally => {
                let calls = &self.analysis.finally_calls;
                let index = calls.iter().position(|call| call.offset == instruction.offset).unwrap();
                let call = calls[index];
                assert_eq!((Some(call.target), call.depth as usize), (target, self.stack.len()));
                self.take(call.carried as usize);
                if let Some(except) = call.except {
                    assert_eq!(except as usize, self.stack.len());
                    self.stack.extend([Slot::Saved; 3]);
                }
                assert_eq!(call.level as usize, self.stack.len());
                self.stack.extend([Slot::Free; 5]);
                self.stack.push(Slot::Return(index));
                return target;
            }
            PopExcept => {
                assert_eq!(level.map(|level| level + 3), Some(self.stack.len()));
                self.drop_saved();
            }
            EndFinally => {
                assert_eq!(level.map(|level| level + 6), Some(self.stack.len()));
                match self.stack.last() {
                    Some(&Slot::Return(index)) => {
                        self.drop_six();
                        let FinallyCall { offset, depth, carried, except, .. } = self.analysis.finally_calls[index];
                        if except.is_some() {
                            self.drop_saved();
                        }
                        self.push_values(carried as usize);
                        assert_eq!(depth as usize, self.stack.len());
                        return Some(offset + 2);
                    }
                    Some(Slot::Null) => self.drop_six(),
                    _ => return self.raise(instruction),
                }
            }
            PopFinally => {
                let count = self.take(arg as usize);
                assert_eq!(level.map(|level| level + 6), Some(self.stack.len()));
                self.drop_six();
                self.push_values(count);
            }
            EndAsyncFor => {
                assert_eq!(level.map(|level| level + 6), Some(self.stack.len()));
                assert_eq!(self.stack.last(), Some(&Slot::Type));
                if random.below(2) == 0 {
                    return self.raise(instruction);
                }
                self.drop_six();
                self.take(1);
            }
            WithCleanupStart => {
                let six = self.stack.split_off(level.unwrap());
                assert_eq!(six.len(), 6);
                self.take(1);
                self.stack.push(Slot::Empty);
                self.stack.extend(six);
                self.push_values(2);
            }
            WithCleanupFinish => {
                self.take(2);
                let level = level.unwrap();
                assert_eq!(self.stack.remove(level - 1), Slot::Empty);
                if self.stack.last() == Some(&Slot::Type) && random.below(2) == 0 {
                    self.drop_six();
                    self.stack.extend([Slot::Free; 5]);
                    self.stack.push(Slot::Null);
                }
            }
            RotFour => {
                let at = self.stack.len() - 4;
                if self.stack[at..].contains(&Slot::Saved) {
                    self.take(1);
                    assert_eq!(self.stack[at..], [Slot::Saved; 3]);
                    self.stack.insert(at, Slot::Value);
                } else {
                    self.take(4);
                    self.push_values(4);
                }
            }
            LoadMethod => {
                self.take(1);
                self.stack.extend([Slot::Receiver, Slot::Method]);
            }
            CallMethod => {
                self.take(arg as usize);
                assert_eq!((self.stack.pop(), self.stack.pop()), (Some(Slot::Method), Some(Slot::Receiver)));
                self.push_values(1);
            }
            _ => {
                // Items that are read and stay.
                let (first, last) = match op {
                    DupTop | ImportFrom | GetAnext => (1, 1),
                    DupTopTwo => (1, 2),
                    ListAppend | SetAdd => (arg + 1, arg + 1),
                    MapAdd | BuildMapUnpackWithCall => (arg + 2, arg + 2),
                    BuildTupleUnpackWithCall => (arg + 1, arg + 1),
                    _ => (1, 0),
                };
                for item in first..=last {
                    assert!(ordinary(self.stack[self.stack.len() - item as usize]), "reads item {item}");
                }
                let count = self.take(op.operands(arg) as usize);
                let pushed = count as i64 + i64::from(op.stack_effect(arg, Flow::Next).unwrap());
                self.push_values(pushed as usize);
            }
        }
        Some(next)
    }

    /// Finds the handler by the static blocks.
    fn raise(&mut self, instruction: &Instruction) -> Option<u32> {
        let mut at = self.analysis.block[instruction.offset as usize / 2];
        while at != NO_BLOCK {
            let block = self.analysis.blocks[at as usize];
            let level = block.level as usize;
            match block.kind {
                BlockKind::Setup { handler, .. } => {
                    assert!(self.stack.len() >= level);
                    self.stack.truncate(level);
                    self.stack.extend([Slot::Saved; 3]);
                    self.stack.extend([Slot::Traceback, Slot::Exception, Slot::Type]);
                    return Some(handler);
                }
                BlockKind::Except => {
                    self.stack.truncate(level + 3);
                    self.drop_saved();
                }
                BlockKind::Finally => {
                    self.stack.truncate(level + 6);
                    self.drop_six();
                }
            }
            assert_eq!(self.stack.len(), level);
            if block.cleanup {
                assert!(matches!(self.stack.pop(), Some(Slot::Empty)));
            }
            at = block.parent.unwrap_or(NO_BLOCK);
        }
        None
    }

    fn block(&self, instruction: &Instruction) -> Option<verify::Block> {
        self.analysis.blocks.get(self.analysis.block[instruction.offset as usize / 2] as usize).copied()
    }

    fn take(&mut self, count: usize) -> usize {
        for _ in 0..count {
            let slot = self.stack.pop().expect("a value");
            assert!(ordinary(slot), "takes {slot:?}");
        }
        count
    }

    fn push_values(&mut self, count: usize) {
        self.stack.extend(std::iter::repeat_n(Slot::Value, count));
    }

    fn drop_saved(&mut self) {
        let saved = self.stack.split_off(self.stack.len() - 3);
        assert_eq!(saved, [Slot::Saved; 3]);
    }

    fn drop_six(&mut self) {
        let six = self.stack.split_off(self.stack.len() - 6);
        match six[5] {
            Slot::Type => {
                assert_eq!(six[..5], [Slot::Saved, Slot::Saved, Slot::Saved, Slot::Traceback, Slot::Exception]);
            }
            Slot::Null | Slot::Return(_) => assert_eq!(six[..5], [Slot::Free; 5]),
            other => panic!("{other:?} on top of a finally body"),
        }
    }
}

fn ordinary(slot: Slot) -> bool {
    matches!(slot, Slot::Value | Slot::Traceback | Slot::Exception | Slot::Type)
}

/// Walks through verified code some times; gives the steps done.
fn walk(code: &[u8], analysis: &Analysis, random: &mut Random, times: usize) -> usize {
    let mut steps = 0;
    for _ in 0..times {
        steps += Machine { code, analysis, stack: Vec::new() }.run(random, 500);
    }
    steps
}

/// Random changes that keep a good part of the results verifiable: instructions replaced by block instructions, copied,
/// exchanged, arguments changed.
fn mutate(code: &mut [u8], random: &mut Random) {
    use Opcode::*;
    const INSERTED: &[Opcode] = &[
        Nop,
        PopTop,
        RotTwo,
        RotFour,
        DupTop,
        LoadConst,
        PopBlock,
        BeginFinally,
        CallFinally,
        EndFinally,
        PopFinally,
        PopExcept,
        SetupFinally,
        SetupWith,
        SetupAsyncWith,
        WithCleanupStart,
        WithCleanupFinish,
        EndAsyncFor,
        JumpForward,
        JumpAbsolute,
        PopJumpIfTrue,
        JumpIfTrueOrPop,
        ForIter,
        LoadMethod,
        CallMethod,
        ReturnValue,
        RaiseVarargs,
        GetAnext,
        ListAppend,
        YieldFrom,
    ];
    let units = code.len() / 2;
    for _ in 0..1 + random.below(4) {
        let at = random.below(units) * 2;
        match random.below(5) {
            0 | 1 => {
                code[at] = INSERTED[random.below(INSERTED.len())] as u8;
                if random.below(2) == 0 {
                    code[at + 1] = (random.below(code.len().min(64)) & !1) as u8;
                }
            }
            2 => code[at + 1] = code[at + 1].wrapping_add_signed([-2, -1, 1, 2][random.below(4)]),
            3 => {
                let other = random.below(units) * 2;
                let word = [code[other], code[other + 1]];
                code[at..at + 2].copy_from_slice(&word);
            }
            _ => {
                let last = (at + 2 * (1 + random.below(4))).min(code.len() - 2);
                code[at..last + 2].rotate_right(2);
            }
        }
    }
}

/// Changes `input`'s code `count` times, each time starting from it or from an accepted change; gives how many changes
/// were accepted.
fn mutants(input: &Input, random: &mut Random, count: usize) -> usize {
    let mut base = input.code.to_vec();
    let mut accepted = 0;
    for turn in 0..count {
        if turn % 64 == 0 {
            base = input.code.to_vec();
        }
        let mut code = base.clone();
        mutate(&mut code, random);
        let changed = Input { code: &code, flags: input.flags | 0x20, stacksize: input.stacksize + 12, ..*input };
        if let Ok(analysis) = verify::analyze(&changed) {
            accepted += 1;
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| walk(&code, &analysis, random, 20)));
            assert!(result.is_ok(), "{:?}", code.chunks(2).map(|word| (word[0], word[1])).collect::<Vec<_>>());
            base = code;
        }
    }
    accepted
}

fn scale() -> usize {
    if std::env::var_os("PYCVM_FULL").is_some() { 50 } else { 1 }
}

#[test]
fn changed_code_behaves_as_analyzed() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for case in COMPILED {
        let code = case.bytes();
        let accepted = mutants(&case.input(&code), &mut random, 20_000 * scale());
        println!("{accepted} accepted: {}", case.source.lines().next().unwrap());
        assert!(accepted > 100);
    }
}

#[test]
fn library_code_behaves_as_analyzed() {
    let Some(files) = cpython::library_files(&[".pyc"]) else { return };
    let mut random = Random(88_172_645_463_325_252);
    let (mut steps, mut accepted) = (0, 0);
    for path in files {
        let data = std::fs::read(path).unwrap();
        let tree = marshal::read(&data[16..]).unwrap();
        for nested in tree.code().unwrap().walk() {
            let input = Input::of(nested.code);
            let analysis = verify::analyze(&input).unwrap();
            steps += walk(input.code, &analysis, &mut random, 10);
            if input.code.len() < 600 {
                accepted += mutants(&input, &mut random, 5);
            }
        }
    }
    println!("{steps} steps, {accepted} changed code objects accepted");
    assert!(steps > 1000 && accepted > 1000);
}

impl Compiled {
    /// The input with tables of three entries each.
    pub fn input<'a>(&self, code: &'a [u8]) -> Input<'a> {
        let (nlocals, varnames, names) = (3, 3, 3);
        Input { stacksize: self.stacksize, flags: self.flags, nlocals, varnames, names, ..super::input(code) }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let hex = self.code.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
        hex.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }
}
