//! The disassembly of code objects, byte for byte what `dis.dis(code)` of CPython 3.8 prints.
//!
//! Two things differ: every code object has the same address, and where `dis` would raise an exception (an index out of
//! range, an incomplete instruction) a remark in angle brackets stands and the listing goes on.

use super::code::{Code, Constant, Names};
use super::lnotab::{LineStarts, line_starts};
use super::opcode::{ArgKind, COMPARE_OPS, HAVE_ARGUMENT, Opcode};
use super::repr::{self, Repr};
use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// `dis`'s names of `FORMAT_VALUE`'s conversions.
const CONVERSIONS: [&str; 4] = ["", "str", "repr", "ascii"];

/// `dis`'s names of `MAKE_FUNCTION`'s flags, the lowest first.
const FUNCTION_FLAGS: [&str; 4] = ["defaults", "kwdefaults", "annotations", "closure"];

/// The listing of a file of `n` bytes may take `LENGTH_FACTOR * n + LENGTH_BASE` bytes. Compilers stay far below that;
/// without a bound, a small file in which many places refer to one object could keep a reader busy for ever.
const LENGTH_FACTOR: usize = 64;
const LENGTH_BASE: usize = 1 << 20;

/// Writes the listing of a code object and of all code objects among its constants.
///
/// A listing out of all proportion to the file ends early, with a line in angle brackets that says so.
///
/// # Errors
/// What writing to `out` gives.
pub fn disassemble(code: Code, out: &mut impl Write) -> io::Result<()> {
    let mut lister = Lister::new(code, out);
    match lister.recursive(code) {
        Err(Stop::TooLong) => writeln!(out, "<the rest is left out: the listing is too long for a file of this size>"),
        Err(Stop::Io(error)) => Err(error),
        Ok(()) => Ok(()),
    }
}

/// Why a listing ends early.
enum Stop {
    TooLong,
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

/// A listing being written.
struct Lister<'o, W> {
    out: &'o mut W,
    repr: Repr,
    /// How much may still be written, or done that takes as long as writing a byte.
    budget: usize,
    line: String,
}

/// One code unit as `dis` sees it.
struct Word {
    offset: usize,
    opcode: u8,
    /// With all prefixes so far; `None` if the opcode takes none.
    arg: Option<u64>,
    /// A remark in place of an argument that is too large, or whose byte is missing.
    broken: Option<&'static str>,
}

impl<'o, W: Write> Lister<'o, W> {
    fn new(code: Code, out: &'o mut W) -> Self {
        let budget = code.tree().data().len().saturating_mul(LENGTH_FACTOR).saturating_add(LENGTH_BASE);
        Lister { out, repr: Repr::default(), budget, line: String::new() }
    }

    /// As `_disassemble_recursive`, without native recursion.
    fn recursive(&mut self, code: Code) -> Result<(), Stop> {
        self.one(code)?;
        let mut open = vec![(code, 0)];
        while let Some((code, next)) = open.last_mut() {
            let Some(object) = code.consts().object(*next) else {
                open.pop();
                continue;
            };
            *next += 1;
            self.spend(1)?;
            let Some(nested) = object.as_code() else { continue };
            self.flush_line()?;
            self.line.push_str("Disassembly of ");
            self.spend_repr(Constant::Code(nested))?;
            self.line.push(':');
            self.flush_line()?;
            self.one(nested)?;
            open.push((nested, 0));
        }
        Ok(())
    }

    /// As `_disassemble_bytes`.
    fn one(&mut self, code: Code) -> Result<(), Stop> {
        let bytes = code.code();
        let lines = || line_starts(code.lnotab(), code.firstlineno(), bytes.len());
        self.spend(bytes.len() / 2 + code.lnotab().len())?;
        let last_line = lines().map(|(_, line)| line).max().unwrap_or(0);
        let line_width = if last_line >= 1000 { last_line.to_string().len() } else { 3 };
        let last_offset = bytes.len().saturating_sub(2);
        let offset_width = if last_offset >= 10_000 { last_offset.to_string().len() } else { 4 };
        let labels = labels(bytes);
        let mut lines = Lines { starts: lines(), next: None };
        for word in words(bytes) {
            let line = lines.at(word.offset as u64);
            if line.is_some() && word.offset > 0 {
                self.flush_line()?;
            }
            match line {
                Some(line) => self.push(format_args!("{line:line_width$}")),
                None => self.push(format_args!("{:line_width$}", "")),
            }
            let label = if labels.get(word.offset / 2) == Some(&true) { ">>" } else { "  " };
            self.push(format_args!("     {label} {:offset_width$} ", word.offset));
            match Opcode::from_byte(word.opcode) {
                Some(op) => self.push(format_args!("{:20}", op.name())),
                None => self.push(format_args!("{:20}", format_args!("<{}>", word.opcode).to_string())),
            }
            self.argument(code, &word)?;
            self.line.truncate(self.line.trim_end().len());
            self.flush_line()?;
        }
        Ok(())
    }

    /// Appends the argument and what it means.
    fn argument(&mut self, code: Code, word: &Word) -> Result<(), Stop> {
        if let Some(remark) = word.broken {
            self.push(format_args!(" {remark}"));
            return Ok(());
        }
        let Some(arg) = word.arg else { return Ok(()) };
        self.push(format_args!(" {arg:5}"));
        let index = usize::try_from(arg).unwrap_or(usize::MAX);
        let Some(op) = Opcode::from_byte(word.opcode) else { return Ok(()) };
        match op.arg_kind() {
            ArgKind::None | ArgKind::Raw | ArgKind::Extended | ArgKind::JumpAbs => {}
            ArgKind::JumpRel => self.push(format_args!(" (to {})", (word.offset as u64 + 2).saturating_add(arg))),
            ArgKind::Const => match code.consts().get(index) {
                Some(constant) => {
                    self.line.push_str(" (");
                    self.spend_repr(constant)?;
                    self.line.push(')');
                }
                None => self.out_of_range("co_consts", code.consts().len()),
            },
            ArgKind::Name => self.name(code.names(), "co_names", index),
            ArgKind::Local => self.name(code.varnames(), "co_varnames", index),
            ArgKind::Free => {
                let cells = code.cellvars();
                match index.checked_sub(cells.len()) {
                    None => self.name(cells, "co_cellvars", index),
                    Some(free) if free < code.freevars().len() => self.name(code.freevars(), "co_freevars", free),
                    Some(_) => self.out_of_range("co_cellvars + co_freevars", cells.len() + code.freevars().len()),
                }
            }
            ArgKind::Compare => match COMPARE_OPS.get(index) {
                Some(op) => self.push(format_args!(" ({op})")),
                None => self.out_of_range("cmp_op", COMPARE_OPS.len()),
            },
            ArgKind::FormatFlags => {
                let conversion = CONVERSIONS[index & 3];
                let format = match (arg & 4 != 0, conversion) {
                    (false, _) => "",
                    (true, "") => "with format",
                    (true, _) => ", with format",
                };
                if !(conversion.is_empty() && format.is_empty()) {
                    self.push(format_args!(" ({conversion}{format})"));
                }
            }
            ArgKind::MakeFunctionFlags => {
                let mut lead = " (";
                for (_, name) in FUNCTION_FLAGS.iter().enumerate().filter(|(bit, _)| arg >> bit & 1 != 0) {
                    self.push(format_args!("{lead}{name}"));
                    lead = ", ";
                }
                if lead == ", " {
                    self.line.push(')');
                }
            }
        }
        Ok(())
    }

    fn name(&mut self, names: Names, table: &str, index: usize) {
        match names.get(index) {
            Some(name) if name.is_empty() => {}
            Some(name) => {
                self.line.push_str(" (");
                repr::text(name, self.budget, &mut self.line);
                self.line.push(')');
            }
            None => self.out_of_range(table, names.len()),
        }
    }

    fn out_of_range(&mut self, table: &str, len: usize) {
        self.push(format_args!(" <{table} has {len}>"));
    }

    fn push(&mut self, text: fmt::Arguments) {
        // Writing to a String cannot fail.
        let _ = self.line.write_fmt(text);
    }

    fn spend(&mut self, amount: usize) -> Result<(), Stop> {
        self.budget = self.budget.checked_sub(amount).ok_or(Stop::TooLong)?;
        Ok(())
    }

    /// Appends a constant; the text is paid for with its line, what it took beside that here.
    fn spend_repr(&mut self, constant: Constant) -> Result<(), Stop> {
        let before = self.line.len();
        let work = self.repr.write(constant, self.budget, &mut self.line);
        self.spend(work.saturating_sub(self.line.len() - before))
    }

    /// Writes the line out and starts another.
    fn flush_line(&mut self) -> Result<(), Stop> {
        self.line.push('\n');
        let result = self.spend(self.line.len());
        self.out.write_all(self.line.as_bytes())?;
        self.line.clear();
        result
    }
}

/// As `findlabels`: by code unit, whether some jump leads there.
fn labels(code: &[u8]) -> Vec<bool> {
    let mut labels = vec![false; code.len().div_ceil(2)];
    for word in words(code) {
        let (Some(arg), Some(op)) = (word.arg, Opcode::from_byte(word.opcode)) else { continue };
        let target = match op.arg_kind() {
            ArgKind::JumpRel => (word.offset as u64 + 2).saturating_add(arg),
            ArgKind::JumpAbs => arg,
            _ => continue,
        };
        if target.is_multiple_of(2)
            && let Ok(target) = usize::try_from(target)
            && let Some(label) = labels.get_mut(target / 2)
        {
            *label = true;
        }
    }
    labels
}

/// As `_unpack_opargs`: every code unit, prefixes included.
fn words(code: &[u8]) -> impl Iterator<Item = Word> + '_ {
    // `None` once the prefixes are more than is kept of them; Python's ints have no end.
    let mut extended = Some(0u64);
    code.chunks(2).enumerate().map(move |(unit, word)| {
        let offset = unit * 2;
        let opcode = word.first().copied().unwrap_or(0);
        // A prefix stays in force across opcodes without an argument: `dis` differs here from the evaluation loop.
        if opcode < HAVE_ARGUMENT {
            return Word { offset, opcode, arg: None, broken: None };
        }
        let Some(&low) = word.get(1) else {
            return Word { offset, opcode, arg: None, broken: Some("<argument missing>") };
        };
        let arg = extended.map(|extended| extended | u64::from(low));
        extended = if opcode == Opcode::ExtendedArg as u8 {
            arg.filter(|arg| arg.leading_zeros() >= 8).map(|arg| arg << 8)
        } else {
            Some(0)
        };
        Word { offset, opcode, arg, broken: if arg.is_none() { Some("<argument too large>") } else { None } }
    })
}

/// The lines that start at given offsets, which are asked for in rising order.
struct Lines<'a> {
    starts: LineStarts<'a>,
    next: Option<(u64, i64)>,
}

impl Lines<'_> {
    fn at(&mut self, offset: u64) -> Option<i64> {
        let mut found = None;
        while let Some((start, line)) = self.next.take().or_else(|| self.starts.next()) {
            if start > offset {
                self.next = Some((start, line));
                break;
            }
            if start == offset {
                found = Some(line);
            }
        }
        found
    }
}
