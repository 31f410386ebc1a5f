//! Follows control through verified instructions until depth and blocks are known for each reachable one.

use super::blocks::{Chains, Kind, Link, NONE};
use super::{
    Analysis, Block, FinallyCall, Findings, Input, Instruction, Instructions, MAX_BLOCKS, NO_BLOCK, Opcode, Reason,
    UNREACHABLE,
};
use crate::pyc::opcode;

/// What is known before an instruction.
#[derive(Clone, Copy)]
struct State {
    depth: u32,
    chain: u32,
}

/// By opcode, for instructions without blocks, jumps or an argument that counts: the operands and the effect.
static PLAIN: [Option<(u8, i8)>; 256] = {
    let mut table = [None; 256];
    let mut index = 0;
    while index < Opcode::ALL.len() {
        let op = Opcode::ALL[index];
        table[op as usize] = op.plain_effect();
        index += 1;
    }
    table
};

/// The analysis under way.
pub(super) struct Flow<'a> {
    input: &'a Input<'a>,
    starts: &'a [bool],
    findings: &'a mut Findings,
    chains: Chains,
    /// By code unit of an instruction's first offset.
    depth: Vec<u32>,
    chain: Vec<u32>,
    jump_targets: Vec<bool>,
    /// Whether something was found there, so that it is said once.
    wrong: Vec<bool>,
    pending: Vec<u32>,
    queued: Vec<bool>,
    max_depth: u32,
    /// Work done and allowed, so that hostile code cannot keep the fixpoint busy.
    steps: u64,
    max_steps: u64,
    max_useful_depth: u64,
    /// Some reachable instruction has prefixes or is a `CALL_FINALLY`.
    uneven: bool,
}

/// The part of the state that an instruction changes, while it is worked out.
struct Step {
    instruction: Instruction,
    op: Opcode,
    depth: u32,
    chain: u32,
}

impl<'a> Flow<'a> {
    pub fn new(input: &'a Input<'a>, starts: &'a [bool], findings: &'a mut Findings) -> Self {
        let units = input.code.len() / 2;
        Flow {
            input,
            starts,
            findings,
            chains: Chains::default(),
            depth: vec![UNREACHABLE; units],
            chain: vec![NONE; units],
            jump_targets: vec![false; units],
            wrong: vec![false; units],
            pending: Vec::new(),
            queued: vec![false; units],
            max_depth: 0,
            steps: 0,
            // Compiled code needs less than four steps an instruction.
            max_steps: 32 * units as u64 + 10_000,
            // An instruction pushes two values at most, UNPACK_* as many as instructions follow to take them, and
            // handlers six slots each.
            max_useful_depth: input.code.len() as u64 + 256,
            uneven: false,
        }
    }

    /// Runs to the fixpoint. The result means something only if there are no findings.
    pub fn run(mut self) -> Analysis {
        self.enter(0, State { depth: 0, chain: NONE });
        while let Some(unit) = self.pending.pop() {
            if self.findings.full() {
                break;
            }
            self.steps += 1;
            if self.steps > self.max_steps {
                self.findings.add(unit * 2, Reason::TooComplicated);
                break;
            }
            self.queued[unit as usize] = false;
            let unit = self.follow_plain(unit as usize) as u32;
            let at = unit as usize;
            let Some(instruction) = Instructions::from_offset(self.input.code, unit * 2).next() else { continue };
            let Some(op) = instruction.op() else { continue };
            self.uneven |= instruction.first_offset != instruction.offset || op == Opcode::CallFinally;
            let step = Step { instruction, op, depth: self.depth[at], chain: self.chain[at] };
            if let Err(reason) = self.execute(step)
                && !std::mem::replace(&mut self.wrong[at], true)
            {
                self.findings.add(unit * 2, reason);
            }
        }
        self.finish()
    }

    /// Goes on from an instruction over those that take and give a fixed number of ordinary values and lead to the next,
    /// to the first that asks for more. What [`Flow::execute`] would do, for most instructions, in less time.
    fn follow_plain(&mut self, mut at: usize) -> usize {
        let (Some(&first), Some(&chain)) = (self.depth.get(at), self.chain.get(at)) else { return at };
        let limit = u64::from(self.input.stacksize).min(self.max_useful_depth);
        let limit = u32::try_from(limit).unwrap_or(u32::MAX - 1);
        let floor = self.floor(chain);
        let (mut depth, mut max_depth, begin) = (first, self.max_depth, at);
        let units = self.input.code.as_chunks::<2>().0;
        while let Some(&[opcode, _]) = units.get(at) {
            let Some((operands, effect)) = PLAIN[usize::from(opcode)] else { break };
            if u64::from(floor) + u64::from(operands) > u64::from(depth) {
                break;
            }
            let after = depth.wrapping_add_signed(effect.into());
            let Some(next) = self.depth.get_mut(at + 1) else { break };
            if after > limit || *next != UNREACHABLE {
                break;
            }
            *next = after;
            max_depth = max_depth.max(after);
            depth = after;
            at += 1;
        }
        self.chain[begin..=at].fill(chain);
        self.steps += (at - begin) as u64;
        self.max_depth = max_depth;
        at
    }

    /// Works out what `step`'s instruction leads to.
    fn execute(&mut self, mut step: Step) -> Result<(), Reason> {
        use Opcode::*;
        let arg = step.instruction.arg;
        match step.op {
            JumpForward | JumpAbsolute => return self.jump(&step, step.state()),
            ReturnValue | RaiseVarargs => {
                self.take(&mut step)?;
                return Ok(());
            }
            PopJumpIfFalse | PopJumpIfTrue | JumpIfFalseOrPop | JumpIfTrueOrPop | ForIter => {
                self.take(&mut step)?;
                let depth = self.after(&step, opcode::Flow::Jump)?;
                self.jump(&step, State { depth, chain: step.chain })?;
            }
            SetupFinally | SetupWith | SetupAsyncWith => return self.setup(step),
            PopBlock => {
                let link = self.top(step.chain).filter(|link| matches!(link.kind, Kind::Setup { .. }));
                step.chain = link.ok_or(Reason::NoSetupBlock)?.parent;
            }
            BeginFinally => {
                step.chain = self.push(step.chain, Kind::Finally, step.depth)?;
            }
            CallFinally => return self.call_finally(step),
            PopExcept => {
                let link = self.top(step.chain).filter(|link| link.kind == Kind::Handler && !link.cleanup);
                let link = link.ok_or(Reason::NoExceptBlock)?;
                step.require_depth(u64::from(link.level) + 3)?;
                step.chain = link.parent;
            }
            EndFinally => {
                let link = self.finally_block(&step, 0)?;
                if link.kind == Kind::Except {
                    // Always an exception, which goes on.
                    return Ok(());
                }
                step.chain = link.parent;
            }
            PopFinally => {
                let link = self.finally_block(&step, arg)?;
                step.chain = link.parent;
            }
            EndAsyncFor => {
                let link = self.finally_block(&step, 0)?;
                if link.kind != Kind::Except {
                    return Err(Reason::NoExceptBlock);
                }
                self.reach_below(&step, link)?;
                step.chain = link.parent;
            }
            WithCleanupStart => {
                let link = self.finally_block(&step, 0)?;
                if link.kind == Kind::Called {
                    return Err(Reason::CleanupCalled);
                }
                self.reach_below(&step, link)?;
                step.chain = self.chains.intern(Link { cleanup: true, ..link });
            }
            WithCleanupFinish => {
                let link = self.top(step.chain).filter(|link| link.cleanup).ok_or(Reason::CleanupOrder)?;
                step.require_depth(u64::from(link.level) + 8)?;
                // If EXIT silences the exception, NULL takes its place: it may be either now.
                let level = link.level.saturating_sub(1);
                step.chain = self.chains.intern(Link { cleanup: false, level, kind: Kind::Finally, ..link });
            }
            RotFour => self.rotate_four(&mut step)?,
            LoadMethod => {
                self.take(&mut step)?;
                step.chain = self.push(step.chain, Kind::Method, step.depth - 1)?;
            }
            CallMethod => {
                self.take_items(&mut step, u64::from(arg))?;
                let link = self.top(step.chain).filter(|link| link.kind == Kind::Method).ok_or(Reason::NoMethod)?;
                if u64::from(link.level) + 2 + u64::from(arg) != u64::from(step.depth) {
                    return Err(Reason::NoMethod);
                }
                step.chain = link.parent;
            }
            DupTop | ImportFrom | GetAnext => self.read(&step, 1, 1)?,
            DupTopTwo => self.read(&step, 1, 2)?,
            ListAppend | SetAdd | MapAdd => {
                self.take(&mut step)?;
                let depth = u64::from(arg) + step.op.operands(arg);
                self.read(&step, depth, depth)?;
            }
            // Their error message names the function, which lies below the items.
            BuildTupleUnpackWithCall => {
                self.take(&mut step)?;
                self.read(&step, u64::from(arg) + 1, u64::from(arg) + 1)?;
            }
            BuildMapUnpackWithCall => {
                self.take(&mut step)?;
                self.read(&step, u64::from(arg) + 2, u64::from(arg) + 2)?;
            }
            _ => self.take(&mut step)?,
        }
        let depth = self.after(&step, opcode::Flow::Next)?;
        self.fall_through(&step, State { depth, chain: step.chain })
    }

    /// `SETUP_*`: pushes a block, and leads to its handler.
    fn setup(&mut self, mut step: Step) -> Result<(), Reason> {
        self.take(&mut step)?;
        let handler = self.target(&step)?;
        // SETUP_WITH replaces the manager by EXIT and pushes the result of __enter__ above the block; when
        // SETUP_ASYNC_WITH comes, both are there already.
        let level = if step.op == Opcode::SetupAsyncWith { step.depth - 1 } else { step.depth };
        let with = step.op != Opcode::SetupFinally;
        if with && level.checked_sub(1).is_none_or(|exit| self.floor(step.chain) > exit) {
            return Err(self.too_deep(&step, 2));
        }
        let chain = self.push(step.chain, Kind::Except, level)?;
        let depth = self.checked(u64::from(level) + 6)?;
        self.jump(&step, State { depth, chain })?;
        let chain = self.push(step.chain, Kind::Setup { handler, with }, level)?;
        let depth = self.after(&step, opcode::Flow::Next)?;
        self.fall_through(&step, State { depth, chain })
    }

    /// `CALL_FINALLY`: enters a `finally` body without an exception, and comes back.
    ///
    /// The body's handler is known before if a compiler made the code, since `SETUP_FINALLY` comes before it.
    fn call_finally(&mut self, step: Step) -> Result<(), Reason> {
        let target = self.target(&step)?;
        let call = self.fit_finally(target, step.state()).ok_or(Reason::CallOfForeignFinally)?;
        let mut chain = step.chain;
        if let Some(level) = call.except {
            chain = self.push(chain, Kind::Handler, level)?;
        }
        let chain = self.push(chain, Kind::Called, call.level)?;
        let depth = self.checked(u64::from(call.level) + 6)?;
        self.jump(&step, State { depth, chain })?;
        self.fall_through(&step, step.state())
    }

    /// How a call in `state` fits the `finally` body at `target`.
    fn fit_finally(&self, target: u32, state: State) -> Option<FinallyCall> {
        let unit = target as usize / 2;
        let call = FinallyCall { offset: 0, target, depth: state.depth, level: state.depth, carried: 0, except: None };
        if self.depth.get(unit).is_none_or(|&depth| depth == UNREACHABLE) {
            return Some(call);
        }
        let body = self.top(*self.chain.get(unit)?)?;
        let (own, outer) = (self.chains.length(state.chain).0, self.chains.length(body.parent).0);
        let (except, base) = if outer == own {
            (None, body.level)
        } else {
            let except = self.top(body.parent).filter(|link| link.kind == Kind::Handler)?;
            if outer != own + 1 || except.floor() != body.level {
                return None;
            }
            (Some(except.level), except.level)
        };
        let carried = state.depth.checked_sub(base).filter(|&carried| carried <= 5)?;
        Some(FinallyCall { level: body.level, carried, except, ..call })
    }

    /// `ROT_FOUR`: on ordinary values, or moving a value below the saved exception that lies under it.
    fn rotate_four(&mut self, step: &mut Step) -> Result<(), Reason> {
        let Some(top) = self.top(step.chain) else { return self.take(step) };
        let (handler, setup) = match top.kind {
            Kind::Handler => (top, None),
            Kind::Setup { .. } => match self.top(top.parent) {
                Some(under) if under.kind == Kind::Handler && under.floor() == top.level => (under, Some(top)),
                _ => return self.take(step),
            },
            _ => return self.take(step),
        };
        if u64::from(step.depth) != u64::from(handler.level) + 4 {
            return self.take(step);
        }
        step.chain = self.chains.intern(Link { level: handler.level + 1, ..handler });
        if let Some(setup) = setup {
            // The handler of the block above does not know of the shift; nothing may be raised before the block goes.
            let next = step.instruction.next_offset();
            let next = Instructions::from_offset(self.input.code, next).next();
            if next.and_then(|next| next.op()) != Some(Opcode::PopBlock) {
                return Err(Reason::ExceptionSlot);
            }
            step.chain = self.chains.intern(Link { parent: step.chain, level: setup.level + 1, ..setup });
        }
        Ok(())
    }

    /// The innermost block, which must be an `except` or `finally` body with its six slots and `extra` values on them.
    fn finally_block(&self, step: &Step, extra: u32) -> Result<Link, Reason> {
        let link = self.top(step.chain).filter(|link| matches!(link.kind, Kind::Except | Kind::Finally | Kind::Called));
        let link = link.ok_or(Reason::NoFinallyBlock)?;
        if link.cleanup {
            return Err(Reason::CleanupOrder);
        }
        step.require_depth(u64::from(link.level) + 6 + u64::from(extra))?;
        Ok(link)
    }

    /// Checks that the slot below `link`'s six may be taken.
    fn reach_below(&self, step: &Step, link: Link) -> Result<(), Reason> {
        match link.level.checked_sub(1) {
            None => Err(Reason::StackUnderflow { needed: 7, depth: step.depth }),
            Some(slot) if slot < self.floor(link.parent) => Err(self.below(link.parent)),
            Some(_) => Ok(()),
        }
    }

    /// Takes the instruction's operands, all of which must be ordinary values.
    fn take(&mut self, step: &mut Step) -> Result<(), Reason> {
        self.take_items(step, step.op.operands(step.instruction.arg))
    }

    fn take_items(&mut self, step: &mut Step, count: u64) -> Result<(), Reason> {
        if count == 0 {
            return Ok(());
        }
        let rest = step.rest(count)?;
        let Some(link) = self.top(step.chain) else { return Ok(()) };
        if rest >= link.floor() {
            return Ok(());
        }
        if link.kind == Kind::Except && !link.cleanup && rest >= link.level.saturating_add(3) {
            // An except clause begins: type, value and traceback become ordinary values.
            step.chain = self.chains.intern(Link { kind: Kind::Handler, ..link });
            return Ok(());
        }
        Err(self.below(step.chain))
    }

    /// Reads the items from the `first`th to the `last`th from the top, which must be ordinary values.
    fn read(&mut self, step: &Step, first: u64, last: u64) -> Result<(), Reason> {
        for item in first..=last {
            let slot = step.rest(item)?;
            match self.chains.guard(step.chain, slot, &mut self.steps) {
                None => {}
                Some(Kind::Method) => return Err(Reason::MethodSlot),
                Some(_) => return Err(Reason::ExceptionSlot),
            }
        }
        Ok(())
    }

    /// The depth after the instruction, on the way that `flow` says.
    fn after(&mut self, step: &Step, flow: opcode::Flow) -> Result<u32, Reason> {
        let effect = step.op.stack_effect(step.instruction.arg, flow);
        let depth = i64::from(step.depth) + effect.map_or(i64::from(i32::MAX), i64::from);
        self.checked(depth.max(0).unsigned_abs())
    }

    /// `depth`, if the frame has room for it.
    fn checked(&mut self, depth: u64) -> Result<u32, Reason> {
        if depth > u64::from(self.input.stacksize) {
            return Err(Reason::StackOverflow { depth, stacksize: self.input.stacksize });
        }
        match u32::try_from(depth) {
            Ok(fits) if depth <= self.max_useful_depth => {
                self.max_depth = self.max_depth.max(fits);
                Ok(fits)
            }
            _ => Err(Reason::StackUnjustified { depth }),
        }
    }

    fn push(&mut self, parent: u32, kind: Kind, level: u32) -> Result<u32, Reason> {
        if kind != Kind::Method && self.chains.length(parent).1 >= MAX_BLOCKS {
            return Err(Reason::TooManyBlocks);
        }
        Ok(self.chains.intern(Link { parent, kind, level, cleanup: false }))
    }

    fn top(&self, chain: u32) -> Option<Link> {
        self.chains.get(chain).copied()
    }

    fn floor(&self, chain: u32) -> u32 {
        self.chains.get(chain).map_or(0, Link::floor)
    }

    /// Why nothing below the floor of `chain` may be taken.
    fn below(&self, chain: u32) -> Reason {
        match self.top(chain).map(|link| link.kind) {
            Some(Kind::Method) => Reason::MethodSlot,
            Some(Kind::Except | Kind::Handler | Kind::Finally | Kind::Called) => Reason::ExceptionSlot,
            _ => Reason::BelowBlock,
        }
    }

    fn too_deep(&self, step: &Step, needed: u64) -> Reason {
        if u64::from(step.depth) < needed {
            Reason::StackUnderflow { needed, depth: step.depth }
        } else {
            self.below(step.chain)
        }
    }

    fn target(&self, step: &Step) -> Result<u32, Reason> {
        step.op
            .jump_target(step.instruction.arg, step.instruction.next_offset())
            .ok_or(Reason::JumpOutOfRange(step.instruction.arg.into()))
    }

    fn jump(&mut self, step: &Step, state: State) -> Result<(), Reason> {
        let target = self.target(step)?;
        if let Some(mark) = self.jump_targets.get_mut(target as usize / 2) {
            *mark = true;
        }
        self.enter(target, state);
        Ok(())
    }

    fn fall_through(&mut self, step: &Step, state: State) -> Result<(), Reason> {
        let next = step.instruction.next_offset();
        if next as usize >= self.input.code.len() {
            return Err(Reason::FallsOffEnd);
        }
        self.enter(next, state);
        Ok(())
    }

    /// Control comes to `offset` with `state`.
    fn enter(&mut self, offset: u32, state: State) {
        let unit = offset as usize / 2;
        let Some(&known) = self.depth.get(unit) else { return };
        debug_assert!(self.starts[unit], "the target was checked");
        let chain = if known == UNREACHABLE {
            self.depth[unit] = state.depth;
            state.chain
        } else if known != state.depth {
            return self.conflict(unit, Reason::DepthsDiffer { first: known, second: state.depth });
        } else {
            match self.chains.join(self.chain[unit], state.chain, &mut self.steps) {
                None => return self.conflict(unit, Reason::BlocksDiffer),
                Some(chain) if chain == self.chain[unit] => return,
                Some(chain) => chain,
            }
        };
        self.chain[unit] = chain;
        if !std::mem::replace(&mut self.queued[unit], true) {
            self.pending.push(unit as u32);
        }
    }

    fn conflict(&mut self, unit: usize, reason: Reason) {
        if !std::mem::replace(&mut self.wrong[unit], true) {
            self.findings.add(unit as u32 * 2, reason);
        }
    }

    /// Turns what was worked out into the form that is given out.
    fn finish(mut self) -> Analysis {
        let units = self.depth.len();
        let mut used = vec![false; self.chains.links().len()];
        if !used.is_empty() {
            for &chain in &self.chain {
                if let Some(used) = used.get_mut(chain as usize) {
                    *used = true;
                }
            }
        }
        for (at, link) in self.chains.links().iter().enumerate().rev() {
            if used[at]
                && let Some(used) = used.get_mut(link.parent as usize)
            {
                *used = true;
            }
        }
        let mut blocks = Vec::new();
        let mut block_of = Vec::with_capacity(used.len());
        for (link, used) in self.chains.links().iter().zip(used) {
            let parent = block_of.get(link.parent as usize).copied().unwrap_or(NO_BLOCK);
            block_of.push(match link.kind.block_kind() {
                Some(kind) if used => {
                    let parent = (parent != NO_BLOCK).then_some(parent);
                    blocks.push(Block { parent, kind, level: link.level, cleanup: link.cleanup });
                    blocks.len() as u32 - 1
                }
                _ => parent,
            });
        }
        let mut block: Vec<u32> = if block_of.is_empty() {
            vec![NO_BLOCK; units]
        } else {
            self.chain.iter().map(|&chain| block_of.get(chain as usize).copied().unwrap_or(NO_BLOCK)).collect()
        };
        let mut finally_calls = Vec::new();
        let mut unit = 0;
        while self.uneven && unit < units && self.findings.list.is_empty() {
            let Some(instruction) = Instructions::from_offset(self.input.code, unit as u32 * 2).next() else { break };
            let last = instruction.offset as usize / 2;
            if self.depth[unit] != UNREACHABLE && instruction.op() == Some(Opcode::CallFinally) {
                let state = State { depth: self.depth[unit], chain: self.chain[unit] };
                let target = instruction.next_offset().saturating_add(instruction.arg);
                match self.fit_finally(target, state) {
                    Some(call) => finally_calls.push(FinallyCall { offset: instruction.offset, ..call }),
                    None => self.findings.add(instruction.first_offset, Reason::CallOfForeignFinally),
                }
            }
            for prefixed in unit + 1..=last.min(units - 1) {
                self.depth[prefixed] = self.depth[unit];
                block[prefixed] = block[unit];
            }
            unit = last + 1;
        }
        Analysis {
            depth: self.depth,
            block,
            blocks,
            jump_targets: self.jump_targets,
            finally_calls,
            max_depth: self.max_depth,
        }
    }
}

impl Step {
    fn state(&self) -> State {
        State { depth: self.depth, chain: self.chain }
    }

    /// How many items lie under the topmost `count`.
    fn rest(&self, count: u64) -> Result<u32, Reason> {
        let count32 = u32::try_from(count).ok();
        count32
            .and_then(|count| self.depth.checked_sub(count))
            .ok_or(Reason::StackUnderflow { needed: count, depth: self.depth })
    }

    fn require_depth(&self, needed: u64) -> Result<(), Reason> {
        if u64::from(self.depth) == needed { Ok(()) } else { Err(Reason::DepthOfBlock { needed, depth: self.depth }) }
    }
}
