//! The matching engine: backtracking over checked code, with a stack of its own, so that no text and no pattern can use up
//! the native stack.
//!
//! What can be tried instead is a [`Choice`]; what a try has changed (marks, the state of repeats) is written down on a
//! trail and taken back when the choice is taken. A lookahead runs by itself above the choices that are there.

use super::code::{INFO_CHARSET, INFO_LITERAL, INFO_PREFIX, MAX_REPEAT, Program, op};
use crate::object::error::PyResult;
use crate::types::exceptions::runtime_error;
use crate::types::str::properties::{self, ALNUM, Case, DECIMAL};
use crate::vm::signals;

/// A character of a text: a byte, or a code point stored in 1, 2 or 4 bytes.
pub trait Unit: Copy + PartialEq {
    /// As a code point.
    fn code(self) -> u32;
    /// The unit of a code point, if it fits.
    fn from_code(code: u32) -> Option<Self>;
    /// The first of these units in a text from `start` on.
    fn find(text: &[Self], start: usize, unit: Self) -> Option<usize>;
}

impl Unit for u8 {
    #[inline(always)]
    fn code(self) -> u32 {
        self.into()
    }
    fn from_code(code: u32) -> Option<u8> {
        u8::try_from(code).ok()
    }
    fn find(text: &[u8], start: usize, unit: u8) -> Option<usize> {
        memchr::memchr(unit, text.get(start..)?).map(|found| start + found)
    }
}

impl Unit for u16 {
    #[inline(always)]
    fn code(self) -> u32 {
        self.into()
    }
    fn from_code(code: u32) -> Option<u16> {
        u16::try_from(code).ok()
    }
    fn find(text: &[u16], start: usize, unit: u16) -> Option<usize> {
        text.get(start..)?.iter().position(|&c| c == unit).map(|found| start + found)
    }
}

impl Unit for u32 {
    #[inline(always)]
    fn code(self) -> u32 {
        self
    }
    fn from_code(code: u32) -> Option<u32> {
        Some(code)
    }
    fn find(text: &[u32], start: usize, unit: u32) -> Option<usize> {
        text.get(start..)?.iter().position(|&c| c == unit).map(|found| start + found)
    }
}

/// A mark that has not been met.
pub const UNSET: usize = usize::MAX;

/// A repeat that is being matched.
#[derive(Clone, Copy)]
struct Repeat {
    count: i64,
    /// The word after its opcode.
    pc: usize,
    previous: usize,
    last: usize,
}

const NO_REPEAT: usize = usize::MAX;

/// What can be tried when what was tried fails.
#[derive(Clone, Copy)]
struct Choice {
    kind: Kind,
    pc: usize,
    ptr: usize,
    count: usize,
    trail: usize,
    repeats: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    /// The next alternative, whose skip is at `pc`.
    Branch,
    /// One item less of the single-character repeat whose skip is at `pc`.
    RepeatOne,
    /// One item more.
    MinRepeatOne,
    /// What follows the repeat `count`, from `pc` on.
    Tail,
    /// Once more the body of the lazy repeat `count`.
    Body,
}

/// What a try has changed.
#[derive(Clone, Copy)]
enum Change {
    /// A mark that was set, with what it and the numbers of the last ones were.
    Mark {
        index: u32,
        last_mark: i32,
        last_index: i32,
        old: usize,
    },
    /// A mark that was passed over, with what it was.
    Passed(u32, usize),
    Current(usize),
    Repeat(usize, i64, usize),
}

/// The state of a match.
pub struct State<'p> {
    program: &'p Program,
    /// Where the search is at: the start of the match.
    pub start: usize,
    /// Where the match ends.
    pub ptr: usize,
    /// Starts and ends of the groups.
    pub marks: Vec<usize>,
    /// The highest mark that counts.
    pub last_mark: isize,
    /// The group closed last, from 1; -1 for none.
    pub last_index: isize,
    /// The match must reach the end of the text.
    pub match_all: bool,
    /// The match must not be empty at `start`.
    pub must_advance: bool,
    /// Of a start behind the end of what is matched, the characters before and at it, which only places look at.
    pub beyond: [u32; 2],
    repeats: Vec<Repeat>,
    current: usize,
    choices: Vec<Choice>,
    trail: Vec<Change>,
    steps: u32,
}

fn is_word(code: u32) -> bool {
    code < 128 && (code as u8).is_ascii_alphanumeric() || code == u32::from(b'_')
}

fn is_uni_word(code: u32) -> bool {
    properties::has(code, ALNUM) || code == u32::from(b'_')
}

fn is_linebreak(code: u32) -> bool {
    code == u32::from(b'\n')
}

/// `_sre.ascii_tolower`.
#[inline]
pub fn lower_ascii(code: u32) -> u32 {
    if (65..=90).contains(&code) { code + 32 } else { code }
}

/// `_sre.unicode_tolower`.
pub fn lower_unicode(code: u32) -> u32 {
    first(properties::map(code, Case::Lower), code)
}

/// The upper case of a code point, the first where it has several.
pub fn upper_unicode(code: u32) -> u32 {
    first(properties::map(code, Case::Upper), code)
}

fn first(mapped: properties::Mapped, code: u32) -> u32 {
    match mapped {
        properties::Mapped::One(code) => code,
        properties::Mapped::Several(codes) => codes.first().copied().unwrap_or(code),
    }
}

/// Bytes in the locale that Python starts with: only ASCII has case.
fn lower_locale(code: u32) -> u32 {
    lower_ascii(code)
}

fn upper_locale(code: u32) -> u32 {
    if (97..=122).contains(&code) { code - 32 } else { code }
}

fn fits_locale(literal: u32, code: u32) -> bool {
    code == literal || lower_locale(code) == literal || upper_locale(code) == literal
}

fn in_category(category: u32, code: u32) -> bool {
    let ascii = code < 128;
    let space = |code: u32| matches!(code, 9..=13 | 32);
    match category {
        0 => ascii && (code as u8).is_ascii_digit(),
        1 => !(ascii && (code as u8).is_ascii_digit()),
        2 => space(code),
        3 => !space(code),
        4 | 8 => is_word(code),
        5 | 9 => !is_word(code),
        6 => is_linebreak(code),
        7 => !is_linebreak(code),
        10 => properties::has(code, DECIMAL),
        11 => !properties::has(code, DECIMAL),
        12 => properties::is_space(code),
        13 => !properties::is_space(code),
        14 => is_uni_word(code),
        15 => !is_uni_word(code),
        16 => properties::is_line_break(code),
        17 => !properties::is_line_break(code),
        _ => false,
    }
}

/// Whether the set at `at` holds a character.
pub fn in_set(words: &[u32], mut at: usize, code: u32) -> bool {
    let word = |at: usize| words.get(at).copied().unwrap_or(0);
    let bit = |at: usize, bit: u32| word(at + bit as usize / 32) >> (bit % 32) & 1 != 0;
    let mut found = true;
    loop {
        let opcode = word(at);
        at += 1;
        match opcode {
            op::LITERAL => {
                if code == word(at) {
                    return found;
                }
                at += 1;
            }
            op::CATEGORY => {
                if in_category(word(at), code) {
                    return found;
                }
                at += 1;
            }
            op::CHARSET => {
                if code < 256 && bit(at, code) {
                    return found;
                }
                at += 8;
            }
            op::RANGE => {
                if (word(at)..=word(at + 1)).contains(&code) {
                    return found;
                }
                at += 2;
            }
            op::RANGE_UNI_IGNORE => {
                let range = word(at)..=word(at + 1);
                if range.contains(&code) || range.contains(&upper_unicode(code)) {
                    return found;
                }
                at += 2;
            }
            op::NEGATE => found = !found,
            op::BIGCHARSET => {
                let count = word(at) as usize;
                at += 1;
                let blocks = at + 64;
                if code < 0x10000 {
                    let block = (word(at + (code >> 8) as usize / 4) >> ((code >> 8) % 4 * 8)) & 0xff;
                    if bit(blocks + block as usize * 8, code & 255) {
                        return found;
                    }
                }
                at = blocks + count * 8;
            }
            op::FAILURE => return !found,
            _ => return false,
        }
    }
}

impl<'p> State<'p> {
    /// A state for matching from `start` on.
    pub fn new(program: &'p Program, groups: usize, start: usize) -> State<'p> {
        State {
            program,
            start,
            ptr: start,
            marks: vec![UNSET; groups * 2],
            last_mark: -1,
            last_index: -1,
            match_all: false,
            must_advance: false,
            beyond: [0; 2],
            repeats: Vec::new(),
            current: NO_REPEAT,
            choices: Vec::new(),
            trail: Vec::new(),
            steps: 0,
        }
    }

    /// Forgets the last match.
    pub fn reset(&mut self) {
        self.last_mark = -1;
        self.last_index = -1;
        self.current = NO_REPEAT;
        self.repeats.clear();
        self.choices.clear();
        self.trail.clear();
    }

    /// The span of a group, from 1 on; `None` when it took no part. As `state_getslice` sees it.
    pub fn group(&self, group: usize) -> Option<(usize, usize)> {
        let index = (group - 1) * 2;
        if (index as isize) < self.last_mark
            && let (Some(&start), Some(&end)) = (self.marks.get(index), self.marks.get(index + 1))
            && start != UNSET
            && end != UNSET
        {
            return Some((start, end));
        }
        None
    }

    fn set_mark(&mut self, index: usize, ptr: usize) {
        let Some(&old) = self.marks.get(index) else { return };
        let (last_mark, last_index) = (self.last_mark as i32, self.last_index as i32);
        if index & 1 == 1 {
            self.last_index = index as isize / 2 + 1;
        }
        if index as isize > self.last_mark {
            for between in (self.last_mark + 1) as usize..index {
                self.trail.push(Change::Passed(between as u32, self.marks[between]));
                self.marks[between] = UNSET;
            }
            self.last_mark = index as isize;
        }
        self.trail.push(Change::Mark { index: index as u32, last_mark, last_index, old });
        self.marks[index] = ptr;
    }

    fn undo(&mut self, to: usize) {
        while self.trail.len() > to {
            match self.trail.pop() {
                Some(Change::Mark { index, last_mark, last_index, old }) => {
                    self.marks[index as usize] = old;
                    self.last_mark = last_mark as isize;
                    self.last_index = last_index as isize;
                }
                Some(Change::Passed(index, old)) => self.marks[index as usize] = old,
                Some(Change::Current(old)) => self.current = old,
                Some(Change::Repeat(index, count, last)) => {
                    if let Some(repeat) = self.repeats.get_mut(index) {
                        repeat.count = count;
                        repeat.last = last;
                    }
                }
                None => {}
            }
        }
    }

    fn set_current(&mut self, repeat: usize) {
        self.trail.push(Change::Current(self.current));
        self.current = repeat;
    }

    fn set_repeat(&mut self, index: usize, count: i64, last: usize) {
        if let Some(repeat) = self.repeats.get_mut(index) {
            self.trail.push(Change::Repeat(index, repeat.count, repeat.last));
            repeat.count = count;
            repeat.last = last;
        }
    }

    fn choose(&mut self, kind: Kind, pc: usize, ptr: usize, count: usize) {
        let (trail, repeats) = (self.trail.len(), self.repeats.len());
        self.choices.push(Choice { kind, pc, ptr, count, trail, repeats });
    }

    fn is_at<U: Unit>(&self, text: &[U], ptr: usize, place: u32) -> bool {
        let code = |index: usize| match text.get(index) {
            Some(unit) => unit.code(),
            None => self.beyond[usize::from(index >= self.start)],
        };
        let boundary = |is_word: fn(u32) -> bool| {
            let before = ptr > 0 && is_word(code(ptr - 1));
            let after = ptr < text.len() && is_word(code(ptr));
            before != after
        };
        match place {
            0 | 2 => ptr == 0,
            1 => ptr == 0 || is_linebreak(code(ptr - 1)),
            5 => ptr == text.len() || text.len().checked_sub(ptr) == Some(1) && is_linebreak(code(ptr)),
            6 => ptr == text.len() || is_linebreak(code(ptr)),
            7 => ptr == text.len(),
            // An empty text has neither boundaries nor places that are none.
            3 | 8 => !text.is_empty() && boundary(is_word),
            4 | 9 => !text.is_empty() && !boundary(is_word),
            10 => !text.is_empty() && boundary(is_uni_word),
            11 => !text.is_empty() && !boundary(is_uni_word),
            _ => false,
        }
    }

    /// Whether the single-character item at `pc` matches a character; `None` for an item of another kind.
    #[inline(always)]
    fn item(&self, pc: usize, code: u32) -> Option<bool> {
        let program = self.program;
        let word = program.at(pc + 1);
        Some(match program.at(pc) {
            op::IN => program.holds(pc + 2, code),
            op::ANY => !is_linebreak(code),
            op::ANY_ALL => true,
            op::LITERAL => code == word,
            op::NOT_LITERAL => code != word,
            op::LITERAL_IGNORE => lower_ascii(code) == word,
            op::NOT_LITERAL_IGNORE => lower_ascii(code) != word,
            op::LITERAL_UNI_IGNORE => lower_unicode(code) == word,
            op::NOT_LITERAL_UNI_IGNORE => lower_unicode(code) != word,
            op::LITERAL_LOC_IGNORE => fits_locale(word, code),
            op::NOT_LITERAL_LOC_IGNORE => !fits_locale(word, code),
            op::IN_IGNORE => program.holds(pc + 2, lower_ascii(code)),
            op::IN_UNI_IGNORE => program.holds(pc + 2, lower_unicode(code)),
            op::IN_LOC_IGNORE => {
                let (lower, upper) = (lower_locale(code), upper_locale(code));
                program.holds(pc + 2, lower) || upper != lower && program.holds(pc + 2, upper)
            }
            op::CATEGORY => in_category(word, code),
            _ => return None,
        })
    }

    /// How many items from `ptr` on match, at most `max`.
    fn count<U: Unit>(&mut self, text: &[U], pc: usize, ptr: usize, max: u32) -> PyResult<usize> {
        let room = text.len() - ptr;
        let end = ptr + if max == MAX_REPEAT { room } else { room.min(max as usize) };
        let program = self.program;
        let run = &text[ptr..end];
        let stop = |found: Option<usize>| found.unwrap_or(run.len());
        Ok(match program.at(pc) {
            op::ANY_ALL => run.len(),
            op::ANY => match U::from_code(10) {
                Some(newline) => stop(U::find(run, 0, newline)),
                None => run.len(),
            },
            op::NOT_LITERAL => match U::from_code(program.at(pc + 1)) {
                Some(unit) => stop(U::find(run, 0, unit)),
                None => run.len(),
            },
            op::LITERAL => match U::from_code(program.at(pc + 1)) {
                Some(unit) => stop(run.iter().position(|&c| c != unit)),
                None => 0,
            },
            op::IN => match program.bitmap(pc + 2) {
                Some(bitmap) => stop(run.iter().position(|c| {
                    let code = c.code();
                    if code < 256 {
                        bitmap[code as usize / 64] >> (code % 64) & 1 == 0
                    } else {
                        !in_set(&program.words, pc + 2, code)
                    }
                })),
                None => stop(run.iter().position(|c| !program.holds(pc + 2, c.code()))),
            },
            _ if self.item(pc, 0).is_some() => stop(run.iter().position(|c| !self.item(pc, c.code()).unwrap_or(false))),
            _ => {
                let mut at = ptr;
                let mut count = 0;
                while at < end {
                    match self.run(text, pc, at, false)? {
                        Some(next) => at = next,
                        None => break,
                    }
                    count = at - ptr;
                }
                count
            }
        })
    }

    /// Whether a reference to a group matches at `ptr`: where it ends.
    fn reference<U: Unit>(&self, text: &[U], group: u32, ptr: usize, fold: fn(u32) -> u32) -> Option<usize> {
        let (start, end) = self.group(group as usize + 1)?;
        let known = text.get(start..end)?;
        let here = text.get(ptr..ptr + known.len())?;
        let same = known.iter().zip(here).all(|(a, b)| fold(a.code()) == fold(b.code()));
        if same { Some(ptr + known.len()) } else { None }
    }

    /// Matches the code at `pc` from `ptr` on, by itself: where it ends. `toplevel`: the demands on the whole match count.
    fn run<U: Unit>(&mut self, text: &[U], mut pc: usize, mut ptr: usize, toplevel: bool) -> PyResult<Option<usize>> {
        let base = self.choices.len();
        let program = self.program;
        'next: loop {
            self.steps = self.steps.wrapping_add(1);
            if self.steps & 0xfff == 0 {
                signals::check_stop()?;
            }
            let opcode = program.at(pc);
            pc += 1;
            let matched = 'failed: {
                match opcode {
                    op::LITERAL => {
                        if ptr < text.len() && text[ptr].code() == program.at(pc) {
                            pc += 1;
                            ptr += 1;
                            continue 'next;
                        }
                    }
                    op::MARK => {
                        self.set_mark(program.at(pc) as usize, ptr);
                        pc += 1;
                        continue 'next;
                    }
                    op::IN => {
                        if ptr < text.len() && program.holds(pc + 1, text[ptr].code()) {
                            pc += program.at(pc) as usize;
                            ptr += 1;
                            continue 'next;
                        }
                    }
                    op::SUCCESS => {
                        if !(toplevel
                            && (self.match_all && ptr != text.len() || self.must_advance && ptr == self.start))
                        {
                            break 'failed true;
                        }
                    }
                    op::AT => {
                        if self.is_at(text, ptr, program.at(pc)) {
                            pc += 1;
                            continue 'next;
                        }
                    }
                    op::ANY | op::ANY_ALL => {
                        if ptr < text.len() && (opcode == op::ANY_ALL || !is_linebreak(text[ptr].code())) {
                            ptr += 1;
                            continue 'next;
                        }
                    }
                    op::NOT_LITERAL
                    | op::LITERAL_IGNORE
                    | op::NOT_LITERAL_IGNORE
                    | op::LITERAL_UNI_IGNORE
                    | op::NOT_LITERAL_UNI_IGNORE
                    | op::LITERAL_LOC_IGNORE
                    | op::NOT_LITERAL_LOC_IGNORE
                    | op::CATEGORY => {
                        if ptr < text.len() && self.item(pc - 1, text[ptr].code()) == Some(true) {
                            pc += 1;
                            ptr += 1;
                            continue 'next;
                        }
                    }
                    op::IN_IGNORE | op::IN_UNI_IGNORE | op::IN_LOC_IGNORE => {
                        if ptr < text.len() && self.item(pc - 1, text[ptr].code()) == Some(true) {
                            pc += program.at(pc) as usize;
                            ptr += 1;
                            continue 'next;
                        }
                    }
                    op::JUMP | op::INFO => {
                        pc += program.at(pc) as usize;
                        continue 'next;
                    }
                    op::BRANCH => {
                        if let Some(next) = self.branch(text, pc, ptr) {
                            pc = next;
                            continue 'next;
                        }
                    }
                    op::REPEAT_ONE => {
                        let min = program.at(pc + 1) as usize;
                        if text.len().checked_sub(ptr).is_some_and(|room| min <= room) {
                            let count = self.count(text, pc + 3, ptr, program.at(pc + 2))?;
                            if count >= min
                                && let Some(count) = self.fewer(text, pc, ptr, count + 1)
                            {
                                ptr += count;
                                pc += program.at(pc) as usize;
                                continue 'next;
                            }
                        }
                    }
                    op::MIN_REPEAT_ONE => {
                        let min = program.at(pc + 1) as usize;
                        if text.len().checked_sub(ptr).is_some_and(|room| min <= room) {
                            let count = if min == 0 { 0 } else { self.count(text, pc + 3, ptr, min as u32)? };
                            if count >= min {
                                ptr += count;
                                self.choose(Kind::MinRepeatOne, pc, ptr, count);
                                pc += program.at(pc) as usize;
                                continue 'next;
                            }
                        }
                    }
                    op::REPEAT => {
                        let repeat = Repeat { count: -1, pc, previous: self.current, last: UNSET };
                        let index = self.repeats.len();
                        self.repeats.push(repeat);
                        self.set_current(index);
                        pc += program.at(pc) as usize;
                        continue 'next;
                    }
                    op::MAX_UNTIL | op::MIN_UNTIL => {
                        let Some(repeat) = self.repeats.get(self.current).copied() else {
                            return Err(runtime_error("internal error in regular expression engine"));
                        };
                        let index = self.current;
                        let (min, max) = (program.at(repeat.pc + 1), program.at(repeat.pc + 2));
                        let count = repeat.count + 1;
                        if count < i64::from(min) {
                            self.set_repeat(index, count, repeat.last);
                            pc = repeat.pc + 3;
                            continue 'next;
                        }
                        if opcode == op::MAX_UNTIL {
                            if (count < i64::from(max) || max == MAX_REPEAT) && ptr != repeat.last {
                                self.choose(Kind::Tail, pc, ptr, index);
                                self.set_repeat(index, count, ptr);
                                pc = repeat.pc + 3;
                                continue 'next;
                            }
                        } else {
                            self.choose(Kind::Body, pc, ptr, index);
                        }
                        self.set_current(repeat.previous);
                        continue 'next;
                    }
                    op::GROUPREF | op::GROUPREF_IGNORE | op::GROUPREF_UNI_IGNORE | op::GROUPREF_LOC_IGNORE => {
                        let fold: fn(u32) -> u32 = match opcode {
                            op::GROUPREF => |code| code,
                            op::GROUPREF_IGNORE => lower_ascii,
                            op::GROUPREF_UNI_IGNORE => lower_unicode,
                            _ => lower_locale,
                        };
                        if let Some(end) = self.reference(text, program.at(pc), ptr, fold) {
                            pc += 1;
                            ptr = end;
                            continue 'next;
                        }
                    }
                    op::GROUPREF_EXISTS => {
                        let group = program.at(pc) as usize + 1;
                        let exists = self.group(group).is_some_and(|(start, end)| start <= end);
                        pc += if exists { 2 } else { program.at(pc + 1) as usize };
                        continue 'next;
                    }
                    op::ASSERT => {
                        let back = program.at(pc + 1) as usize;
                        if ptr >= back && self.run(text, pc + 2, ptr - back, false)?.is_some() {
                            pc += program.at(pc) as usize;
                            continue 'next;
                        }
                    }
                    op::ASSERT_NOT => {
                        let back = program.at(pc + 1) as usize;
                        if ptr < back || self.run(text, pc + 2, ptr - back, false)?.is_none() {
                            pc += program.at(pc) as usize;
                            continue 'next;
                        }
                    }
                    op::FAILURE => {}
                    _ => return Err(runtime_error("invalid SRE code")),
                }
                false
            };
            if matched {
                self.choices.truncate(base);
                return Ok(Some(ptr));
            }
            // What else can be tried?
            loop {
                if self.choices.len() <= base {
                    return Ok(None);
                }
                let Some(choice) = self.choices.pop() else { return Ok(None) };
                self.undo(choice.trail);
                self.repeats.truncate(choice.repeats);
                ptr = choice.ptr;
                match choice.kind {
                    Kind::Branch => {
                        if let Some(next) = self.branch(text, choice.pc, ptr) {
                            pc = next;
                            continue 'next;
                        }
                    }
                    Kind::RepeatOne => {
                        if let Some(count) = self.fewer(text, choice.pc, ptr, choice.count) {
                            ptr += count;
                            pc = choice.pc + program.at(choice.pc) as usize;
                            continue 'next;
                        }
                    }
                    Kind::MinRepeatOne => {
                        let max = program.at(choice.pc + 2);
                        if (max == MAX_REPEAT || choice.count < max as usize)
                            && ptr < text.len()
                            && self.count(text, choice.pc + 3, ptr, 1)? == 1
                        {
                            ptr += 1;
                            self.choose(Kind::MinRepeatOne, choice.pc, ptr, choice.count + 1);
                            pc = choice.pc + program.at(choice.pc) as usize;
                            continue 'next;
                        }
                    }
                    Kind::Tail => {
                        if let Some(repeat) = self.repeats.get(choice.count).copied() {
                            self.set_current(repeat.previous);
                            pc = choice.pc;
                            continue 'next;
                        }
                    }
                    Kind::Body => {
                        if let Some(repeat) = self.repeats.get(choice.count).copied() {
                            let max = program.at(repeat.pc + 2);
                            let count = repeat.count + 1;
                            if (count < i64::from(max) || max == MAX_REPEAT) && ptr != repeat.last {
                                self.set_repeat(choice.count, count, ptr);
                                pc = repeat.pc + 3;
                                continue 'next;
                            }
                        }
                    }
                }
            }
        }
    }

    /// The first alternative from the skip at `pc` on that may match, with the next one as a choice.
    fn branch<U: Unit>(&mut self, text: &[U], mut pc: usize, ptr: usize) -> Option<usize> {
        let program = self.program;
        loop {
            let skip = program.at(pc) as usize;
            if skip == 0 {
                return None;
            }
            let may = match program.at(pc + 1) {
                op::LITERAL => ptr < text.len() && text[ptr].code() == program.at(pc + 2),
                op::IN => ptr < text.len() && program.holds(pc + 3, text[ptr].code()),
                _ => true,
            };
            if may {
                if program.at(pc + skip) != 0 {
                    self.choose(Kind::Branch, pc + skip, ptr, 0);
                }
                return Some(pc + 1);
            }
            pc += skip;
        }
    }

    /// The most items below `count` of the single-character repeat at `pc` after which the rest may match; fewer are a
    /// choice.
    fn fewer<U: Unit>(&mut self, text: &[U], pc: usize, ptr: usize, count: usize) -> Option<usize> {
        let program = self.program;
        let min = program.at(pc + 1) as usize;
        let tail = pc + program.at(pc) as usize;
        let mut count = count.checked_sub(1)?;
        if count < min {
            return None;
        }
        if program.at(tail) == op::LITERAL {
            let literal = program.at(tail + 1);
            while text.get(ptr + count).is_none_or(|unit| unit.code() != literal) {
                if count == min {
                    return None;
                }
                count -= 1;
            }
        }
        if count > min {
            self.choose(Kind::RepeatOne, pc, ptr, count);
        }
        Some(count)
    }

    /// Matches at `start`. As `SRE(match)` at the top.
    pub fn match_at<U: Unit>(&mut self, text: &[U]) -> PyResult<bool> {
        self.run_from(text, 0, self.start, true)
    }

    fn run_from<U: Unit>(&mut self, text: &[U], pc: usize, ptr: usize, toplevel: bool) -> PyResult<bool> {
        match self.run(text, pc, ptr, toplevel)? {
            Some(end) => {
                self.ptr = end;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Looks for a match from `start` on. As `SRE(search)`.
    pub fn search<U: Unit>(&mut self, text: &[U]) -> PyResult<bool> {
        let program = self.program;
        let mut ptr = self.start;
        if ptr > text.len() {
            return Ok(false);
        }
        let mut pc = 0;
        let mut end = text.len();
        if program.at(0) == op::INFO {
            let (flags, min) = (program.at(2), program.at(3) as usize);
            if text.len() - ptr < min {
                return Ok(false);
            }
            if min > 1 {
                end = (text.len() - (min - 1)).max(ptr);
            }
            pc = 1 + program.at(1) as usize;
            if flags & INFO_PREFIX != 0 {
                return self.search_prefix(text, ptr, pc, flags);
            }
            if flags & INFO_CHARSET != 0 {
                self.must_advance = false;
                while let Some(found) = text[ptr..].iter().position(|unit| program.holds(5, unit.code())) {
                    ptr += found;
                    self.start = ptr;
                    if self.run_from(text, pc, ptr, false)? {
                        return Ok(true);
                    }
                    ptr += 1;
                    self.reset();
                }
                return Ok(false);
            }
        }
        self.start = ptr;
        let mut toplevel = true;
        loop {
            if self.run_from(text, pc, ptr, toplevel)? {
                self.must_advance = false;
                return Ok(true);
            }
            self.must_advance = false;
            toplevel = false;
            if ptr >= end {
                return Ok(false);
            }
            ptr += 1;
            self.reset();
            self.start = ptr;
        }
    }

    /// A search for a pattern that begins with known characters.
    fn search_prefix<U: Unit>(&mut self, text: &[U], mut ptr: usize, pc: usize, flags: u32) -> PyResult<bool> {
        let program = self.program;
        let (len, skip) = (program.at(5) as usize, program.at(6) as usize);
        let Some(prefix) = (0..len).map(|index| U::from_code(program.at(7 + index))).collect::<Option<Vec<U>>>() else {
            return Ok(false);
        };
        let Some(&first) = prefix.first() else { return Ok(false) };
        self.must_advance = false;
        while let Some(found) = U::find(text, ptr, first) {
            if text.len() - found < len {
                return Ok(false);
            }
            if text[found..found + len] == prefix[..] {
                self.start = found;
                self.ptr = found + skip;
                if flags & INFO_LITERAL != 0 || self.run_from(text, pc + 2 * skip, found + skip, false)? {
                    return Ok(true);
                }
                self.reset();
            }
            ptr = found + 1;
        }
        Ok(false)
    }
}
