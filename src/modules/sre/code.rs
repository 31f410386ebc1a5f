//! The code that the library's `sre_compile` makes: opcodes, the check of `_validate`, and the sets prepared for the engine.

use super::engine::in_set;

/// Opcodes, as `sre_constants.OPCODES` numbers them.
pub mod op {
    #![allow(missing_docs)]
    pub const FAILURE: u32 = 0;
    pub const SUCCESS: u32 = 1;
    pub const ANY: u32 = 2;
    pub const ANY_ALL: u32 = 3;
    pub const ASSERT: u32 = 4;
    pub const ASSERT_NOT: u32 = 5;
    pub const AT: u32 = 6;
    pub const BRANCH: u32 = 7;
    pub const CATEGORY: u32 = 9;
    pub const CHARSET: u32 = 10;
    pub const BIGCHARSET: u32 = 11;
    pub const GROUPREF: u32 = 12;
    pub const GROUPREF_EXISTS: u32 = 13;
    pub const IN: u32 = 14;
    pub const INFO: u32 = 15;
    pub const JUMP: u32 = 16;
    pub const LITERAL: u32 = 17;
    pub const MARK: u32 = 18;
    pub const MAX_UNTIL: u32 = 19;
    pub const MIN_UNTIL: u32 = 20;
    pub const NOT_LITERAL: u32 = 21;
    pub const NEGATE: u32 = 22;
    pub const RANGE: u32 = 23;
    pub const REPEAT: u32 = 24;
    pub const REPEAT_ONE: u32 = 25;
    pub const MIN_REPEAT_ONE: u32 = 27;
    pub const GROUPREF_IGNORE: u32 = 28;
    pub const IN_IGNORE: u32 = 29;
    pub const LITERAL_IGNORE: u32 = 30;
    pub const NOT_LITERAL_IGNORE: u32 = 31;
    pub const GROUPREF_LOC_IGNORE: u32 = 32;
    pub const IN_LOC_IGNORE: u32 = 33;
    pub const LITERAL_LOC_IGNORE: u32 = 34;
    pub const NOT_LITERAL_LOC_IGNORE: u32 = 35;
    pub const GROUPREF_UNI_IGNORE: u32 = 36;
    pub const IN_UNI_IGNORE: u32 = 37;
    pub const LITERAL_UNI_IGNORE: u32 = 38;
    pub const NOT_LITERAL_UNI_IGNORE: u32 = 39;
    pub const RANGE_UNI_IGNORE: u32 = 40;
}

/// `SRE_INFO_*`.
pub const INFO_PREFIX: u32 = 1;
/// See [`INFO_PREFIX`].
pub const INFO_LITERAL: u32 = 2;
/// See [`INFO_PREFIX`].
pub const INFO_CHARSET: u32 = 4;
/// `sre_constants.MAXREPEAT`: no limit.
pub const MAX_REPEAT: u32 = u32::MAX;
/// `_sre.MAXGROUPS`.
pub const MAX_GROUPS: i64 = 0x7fff_ffff;

/// The characters below 256 of a set, one bit each.
pub type Bitmap = [u64; 4];

/// Checked code.
pub struct Program {
    /// The code words.
    pub words: Box<[u32]>,
    /// By word: which of `bitmaps` belongs to the set that begins there; 0 for none.
    set_at: Box<[u16]>,
    bitmaps: Vec<Bitmap>,
}

impl Program {
    /// Checks code for a pattern with that many groups; `None` when it is not what `sre_compile` would make.
    pub fn new(words: Vec<u32>, groups: i64) -> Option<Program> {
        let mut check = Check { code: &words, groups: u32::try_from(groups).ok()?, sets: Vec::new() };
        let end = words.len().checked_sub(1)?;
        if groups > MAX_GROUPS || words.last() != Some(&op::SUCCESS) {
            return None;
        }
        check.sequence(0, end)?;
        let sets = check.sets;
        let mut set_at = vec![0; words.len()].into_boxed_slice();
        let mut bitmaps = vec![[0; 4]];
        for set in sets {
            let Ok(number) = u16::try_from(bitmaps.len()) else { break };
            let mut bitmap = [0u64; 4];
            for code in 0..256u32 {
                if in_set(&words, set, code) {
                    bitmap[code as usize / 64] |= 1 << (code % 64);
                }
            }
            set_at[set] = number;
            bitmaps.push(bitmap);
        }
        Some(Program { words: words.into(), set_at, bitmaps })
    }

    /// A code word; what lies outside is a failure.
    #[inline(always)]
    pub fn at(&self, index: usize) -> u32 {
        self.words.get(index).copied().unwrap_or(op::FAILURE)
    }

    /// Whether the set that begins at a word holds a character.
    #[inline(always)]
    pub fn holds(&self, set: usize, code: u32) -> bool {
        if code < 256
            && let Some(&number) = self.set_at.get(set)
            && number != 0
            && let Some(bitmap) = self.bitmaps.get(number as usize)
        {
            return bitmap[code as usize / 64] >> (code % 64) & 1 != 0;
        }
        in_set(&self.words, set, code)
    }

    /// The characters below 256 of the set that begins at a word.
    pub fn bitmap(&self, set: usize) -> Option<&Bitmap> {
        let number = *self.set_at.get(set)?;
        if number == 0 { None } else { self.bitmaps.get(number as usize) }
    }
}

/// The check: `None` for anything unfit.
struct Check<'a> {
    code: &'a [u32],
    groups: u32,
    /// Where sets begin.
    sets: Vec<usize>,
}

impl Check<'_> {
    fn word(&self, at: usize, end: usize) -> Option<u32> {
        if at < end { self.code.get(at).copied() } else { None }
    }

    /// The skip at `at`, which must not lead beyond `end`; `adjust` words of it lie before `at`.
    fn skip(&self, at: usize, end: usize, adjust: usize) -> Option<usize> {
        let skip = self.word(at, end)? as usize;
        if skip.checked_sub(adjust)? > end - at { None } else { Some(skip) }
    }

    /// As `_validate_inner`.
    fn sequence(&mut self, mut at: usize, end: usize) -> Option<()> {
        if at > end {
            return None;
        }
        while at < end {
            let opcode = self.code[at];
            at += 1;
            match opcode {
                op::MARK => {
                    if self.word(at, end)? > self.groups.checked_mul(2)?.checked_add(1)? {
                        return None;
                    }
                    at += 1;
                }
                op::LITERAL
                | op::NOT_LITERAL
                | op::LITERAL_IGNORE
                | op::NOT_LITERAL_IGNORE
                | op::LITERAL_UNI_IGNORE
                | op::NOT_LITERAL_UNI_IGNORE
                | op::LITERAL_LOC_IGNORE
                | op::NOT_LITERAL_LOC_IGNORE => {
                    self.word(at, end)?;
                    at += 1;
                }
                op::SUCCESS | op::FAILURE | op::ANY | op::ANY_ALL => {}
                op::AT => {
                    if self.word(at, end)? > 11 {
                        return None;
                    }
                    at += 1;
                }
                op::IN | op::IN_IGNORE | op::IN_UNI_IGNORE | op::IN_LOC_IGNORE => {
                    let skip = self.skip(at, end, 0)?;
                    let last = (at + skip).checked_sub(1)?;
                    self.set(at + 1, last)?;
                    if self.word(last, end)? != op::FAILURE {
                        return None;
                    }
                    at += skip;
                }
                op::INFO => at = self.info(at, end)?,
                op::BRANCH => {
                    let mut target = None;
                    loop {
                        let skip = self.skip(at, end, 0)?;
                        if skip == 0 {
                            break;
                        }
                        let jump = (at + skip).checked_sub(2)?;
                        self.sequence(at + 1, jump)?;
                        if self.word(jump, end)? != op::JUMP {
                            return None;
                        }
                        let goal = jump + 1 + self.skip(jump + 1, end, 0)?;
                        if *target.get_or_insert(goal) != goal {
                            return None;
                        }
                        at += skip;
                    }
                    at += 1;
                }
                op::REPEAT_ONE | op::MIN_REPEAT_ONE => {
                    let skip = self.skip(at, end, 0)?;
                    let (min, max) = (self.word(at + 1, end)?, self.word(at + 2, end)?);
                    let last = (at + skip).checked_sub(1)?;
                    if min > max {
                        return None;
                    }
                    self.sequence(at + 3, last)?;
                    if self.word(last, end)? != op::SUCCESS {
                        return None;
                    }
                    at += skip;
                }
                op::REPEAT => {
                    let skip = self.skip(at, end, 0)?;
                    let (min, max) = (self.word(at + 1, end)?, self.word(at + 2, end)?);
                    if min > max {
                        return None;
                    }
                    self.sequence(at + 3, at + skip)?;
                    if !matches!(self.word(at + skip, end)?, op::MAX_UNTIL | op::MIN_UNTIL) {
                        return None;
                    }
                    at += skip + 1;
                }
                op::GROUPREF | op::GROUPREF_IGNORE | op::GROUPREF_UNI_IGNORE | op::GROUPREF_LOC_IGNORE => {
                    if self.word(at, end)? >= self.groups {
                        return None;
                    }
                    at += 1;
                }
                op::GROUPREF_EXISTS => at = self.conditional(at, end)?,
                op::ASSERT | op::ASSERT_NOT => {
                    let skip = self.skip(at, end, 0)?;
                    let last = (at + skip).checked_sub(1)?;
                    // How far back: no further than a text can be long.
                    if self.word(at + 1, end)? & 0x8000_0000 != 0 {
                        return None;
                    }
                    self.sequence(at + 2, last)?;
                    if self.word(last, end)? != op::SUCCESS {
                        return None;
                    }
                    at += skip;
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn conditional(&mut self, at: usize, end: usize) -> Option<usize> {
        if self.word(at, end)? >= self.groups {
            return None;
        }
        let skip = self.skip(at + 1, end, 1)?;
        // The skip counts from the group's word.
        let after = at + skip;
        let jump = after.checked_sub(2)?;
        if skip >= 4 && self.word(jump, end) == Some(op::JUMP) && jump >= at + 2 {
            self.sequence(at + 2, jump)?;
            let skip = self.skip(jump + 1, end, 0)?;
            let goal = jump + 1 + skip;
            self.sequence(jump + 2, goal)?;
            return Some(goal);
        }
        self.sequence(at + 2, after)?;
        Some(after)
    }

    fn info(&mut self, at: usize, end: usize) -> Option<usize> {
        let skip = self.skip(at, end, 0)?;
        let flags = self.word(at + 1, end)?;
        self.word(at + 3, end)?;
        let last = at + skip;
        if flags & !(INFO_PREFIX | INFO_LITERAL | INFO_CHARSET) != 0
            || flags & INFO_PREFIX != 0 && flags & INFO_CHARSET != 0
            || flags & INFO_LITERAL != 0 && flags & INFO_PREFIX == 0
        {
            return None;
        }
        let mut next = at + 4;
        if flags & INFO_PREFIX != 0 {
            let len = self.word(next, end)? as usize;
            self.word(next + 1, end)?;
            next += 2;
            if next.checked_add(len.checked_mul(2)?)? > last {
                return None;
            }
            // The overlap table leads back into the prefix.
            for index in 0..len {
                if self.code[next + len + index] as usize >= len {
                    return None;
                }
            }
            next += 2 * len;
        }
        if flags & INFO_CHARSET != 0 {
            self.set(next, last.checked_sub(1)?)?;
            if self.word(last - 1, end)? != op::FAILURE {
                return None;
            }
            next = last;
        }
        if next == last { Some(last) } else { None }
    }

    /// As `_validate_charset`.
    fn set(&mut self, mut at: usize, end: usize) -> Option<()> {
        self.sets.push(at);
        while at < end {
            let opcode = self.word(at, end)?;
            at += 1;
            match opcode {
                op::NEGATE => {}
                op::LITERAL => {
                    self.word(at, end)?;
                    at += 1;
                }
                op::RANGE | op::RANGE_UNI_IGNORE => {
                    self.word(at + 1, end)?;
                    at += 2;
                }
                op::CHARSET => {
                    at += 8;
                    if at > end {
                        return None;
                    }
                }
                op::BIGCHARSET => {
                    let blocks = self.word(at, end)? as usize;
                    at += 1;
                    if blocks.checked_mul(8)?.checked_add(64)? > end - at {
                        return None;
                    }
                    for word in &self.code[at..at + 64] {
                        if word.to_le_bytes().iter().any(|&block| block as usize >= blocks) {
                            return None;
                        }
                    }
                    at += 64 + blocks * 8;
                }
                op::CATEGORY => {
                    if self.word(at, end)? > 17 {
                        return None;
                    }
                    at += 1;
                }
                _ => return None,
            }
        }
        if at == end { Some(()) } else { None }
    }
}
