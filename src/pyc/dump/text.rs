//! The dump for people: the header, then each code object with its fields, nested ones after and below the outer.
//!
//! Constants look as Python's `repr` shows them. `&5` before one says that others refer to it as number 5, `*5` that
//! this is such a reference (not shown within tuples of names, which share almost everything); what is referred to is shown again if it is short, else only named.

use crate::pyc::Pyc;
use crate::pyc::code::{Code, CodeObject};
use crate::pyc::header::{MAGIC, Validation};
use crate::pyc::lnotab;
use crate::pyc::marshal::{NodeId, Object, Payload, TypeCode};
use crate::pyc::repr;
use std::collections::HashSet;
use std::io::{self, Write};

/// How much of an object is shown where it is only referred to, in bytes.
const REFERENCE_LIMIT: usize = 200;

/// The same for tuples of names, and for line tables and bytecode that code objects share.
const FIELD_LIMIT: usize = 1000;

/// How many levels of nesting are shown by indentation.
const MAX_INDENT: usize = 20;

/// Ints of more 15-bit digits are shown in hexadecimal: decimal takes time quadratic in the length.
const MAX_DECIMAL_DIGITS: usize = 300;

/// Writes the dump of a file.
///
/// # Errors
/// What the writer says.
pub fn dump(pyc: &Pyc<'_>, out: &mut impl Write) -> io::Result<()> {
    let tree = pyc.tree();
    writeln!(out, "magic        {MAGIC} (CPython 3.8)")?;
    match pyc.header.validation {
        Validation::Timestamp { mtime, size } => {
            writeln!(out, "flags        {} (source checked by time and size)", pyc.header.flags)?;
            writeln!(out, "source time  {mtime} ({})", Utc(mtime))?;
            writeln!(out, "source size  {size} bytes")?;
        }
        Validation::Hash { hash, check_source } => {
            let checked = if check_source { "checked" } else { "not checked" };
            writeln!(out, "flags        {} (source hash, {checked})", pyc.header.flags)?;
            write!(out, "source hash  ")?;
            hash.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
            writeln!(out)?;
        }
    }
    let mut shared = HashSet::new();
    for object in tree.objects() {
        if let Payload::Ref(index, _) = object.payload() {
            shared.insert(index as usize);
        }
    }
    writeln!(
        out,
        "objects      {}, {} of them referred to (&N an object, *N a reference to it)",
        tree.len(),
        shared.len()
    )?;
    if !tree.trailing().is_empty() {
        writeln!(out, "trailing     {} bytes from offset {} on, ignored", tree.trailing().len(), tree.end_offset())?;
    }
    let mut text = Text { shared, out };
    let mut shown = HashSet::new();
    for nested in pyc.code().walk() {
        shown.insert(nested.code.node());
        text.code(nested.code, &nested.qualname, nested.depth)?;
    }
    // Those that no code object holds directly: in a tuple among the constants, for instance.
    for object in tree.objects().filter(|object| object.type_code() == TypeCode::Code) {
        if let Some(code) = object.as_code().filter(|code| !shown.contains(&code.node())) {
            text.code(code, &code.name().cut(REFERENCE_LIMIT).to_string_lossy(), 0)?;
        }
    }
    Ok(())
}

/// A dump being written.
struct Text<'w, W> {
    /// The reference indexes that references use.
    shared: HashSet<usize>,
    out: &'w mut W,
}

impl<W: Write> Text<'_, W> {
    fn code(&mut self, code: Code<'_, '_>, qualname: &str, depth: usize) -> io::Result<()> {
        let indent = "  ".repeat(depth.min(MAX_INDENT));
        let raw = code.raw();
        let object = |id| code.tree().object(id);
        write!(self.out, "\n{indent}code {} at offset {}", qualname.escape_debug(), code.offset())?;
        if let Some(index) = object(code.node()).ref_index().filter(|index| self.shared.contains(index)) {
            write!(self.out, ", &{index}")?;
        }
        write!(self.out, "\n{indent}  name         ")?;
        self.object(object(raw.name))?;
        write!(self.out, "\n{indent}  file         ")?;
        self.object(object(raw.filename))?;
        writeln!(self.out, "\n{indent}  first line   {}", raw.firstlineno)?;
        let (argcount, posonly, kwonly) = (raw.argcount, raw.posonlyargcount, raw.kwonlyargcount);
        writeln!(self.out, "{indent}  arguments    {argcount} ({posonly} positional-only), {kwonly} keyword-only")?;
        writeln!(self.out, "{indent}  locals       {}", raw.nlocals)?;
        writeln!(self.out, "{indent}  stack size   {}", raw.stacksize)?;
        writeln!(self.out, "{indent}  flags        {:#x} ({})", raw.flags, code.flags())?;
        for (name, id) in
            [("names", raw.names), ("varnames", raw.varnames), ("freevars", raw.freevars), ("cellvars", raw.cellvars)]
        {
            write!(self.out, "{indent}  {name:<12} ")?;
            self.names(object(id))?;
            writeln!(self.out)?;
        }
        self.bytecode(code, &indent)?;
        self.lines(code, &indent)?;
        write!(self.out, "{indent}  consts       ")?;
        match object(raw.consts).payload() {
            Payload::Children(ids) => {
                self.mark(object(raw.consts))?;
                writeln!(self.out, "{}", ids.len())?;
                for (index, &id) in ids.iter().enumerate() {
                    write!(self.out, "{indent}    {index:>4}  ")?;
                    self.object(object(id))?;
                    writeln!(self.out)?;
                }
            }
            _ => {
                self.object(object(raw.consts))?;
                writeln!(self.out)?;
            }
        }
        Ok(())
    }

    /// Writes a tuple of names, without marks on the names: almost all are shared.
    fn names(&mut self, tuple: Object<'_, '_>) -> io::Result<()> {
        let Payload::Children(ids) = tuple.payload() else {
            if let Payload::Ref(index, _) = tuple.payload() {
                write!(self.out, "*{index} ")?;
            }
            return self.out.write_all(&short_repr(tuple.resolve(), FIELD_LIMIT));
        };
        self.mark(tuple)?;
        self.out.write_all(b"(")?;
        for (index, &id) in ids.iter().enumerate() {
            let name = tuple.tree().object(id);
            self.out.write_all(if index == 0 { b"" } else { b", " })?;
            match name.payload() {
                Payload::Str(_) => atom(name, self.out)?,
                _ => self.out.write_all(&short_repr(name.resolve(), REFERENCE_LIMIT))?,
            }
        }
        self.out.write_all(if ids.len() == 1 { b",)" } else { b")" })
    }

    fn bytecode(&mut self, code: Code<'_, '_>, indent: &str) -> io::Result<()> {
        let bytes = code.code();
        writeln!(self.out, "{indent}  code         {} bytes", bytes.len())?;
        if is_long_reference(code, code.raw().code, bytes.len()) {
            return writeln!(self.out, "{indent}               (shown where it is first used)");
        }
        for row in bytes.chunks(32) {
            write!(self.out, "{indent}              ")?;
            row.iter().try_for_each(|byte| write!(self.out, " {byte:02x}"))?;
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// The line table: offsets at which lines start.
    fn lines(&mut self, code: Code<'_, '_>, indent: &str) -> io::Result<()> {
        write!(self.out, "{indent}  lines       ")?;
        if is_long_reference(code, code.raw().lnotab, code.lnotab().len()) {
            return writeln!(self.out, " (a table of {} bytes, shared)", code.lnotab().len());
        }
        for (offset, line) in lnotab::line_starts(code.lnotab(), code.firstlineno(), code.code().len()) {
            write!(self.out, " {offset}:{line}")?;
        }
        writeln!(self.out)
    }

    /// Marks an object to which others refer.
    fn mark(&mut self, object: Object<'_, '_>) -> io::Result<()> {
        match object.ref_index().filter(|index| self.shared.contains(index)) {
            Some(index) => write!(self.out, "&{index} "),
            None => Ok(()),
        }
    }

    /// Writes an object as it stands in the file. Uses no native recursion.
    fn object(&mut self, object: Object<'_, '_>) -> io::Result<()> {
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut next = Some(object);
        loop {
            if let Some(object) = next {
                if let Payload::Ref(index, _) = object.payload() {
                    write!(self.out, "*{index} ")?;
                    self.out.write_all(&short_repr(object.resolve(), REFERENCE_LIMIT))?;
                } else {
                    self.mark(object)?;
                    open.extend(begin(object, usize::MAX, self.out)?);
                }
            }
            let Some(container) = open.last_mut() else { return Ok(()) };
            next = container.next(self.out)?.map(|id| object.tree().object(id));
            if next.is_none() {
                open.pop();
            }
        }
    }
}

fn is_long_reference(code: Code<'_, '_>, id: NodeId, len: usize) -> bool {
    len > FIELD_LIMIT && code.tree().object(id).type_code() == TypeCode::Ref
}

/// What an object looks like where it is only referred to: its `repr` if that is short, else what it is and where.
fn short_repr(object: Object<'_, '_>, limit: usize) -> Vec<u8> {
    if let Payload::Children(ids) = object.payload()
        && ids.len() > limit / 3
    {
        return named(object);
    }
    let mut short = Short { text: Vec::new(), limit };
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = Some(object);
    loop {
        if let Some(object) = next {
            match begin(object.resolve(), limit, &mut short) {
                Ok(container) => open.extend(container),
                Err(_) => return named(object),
            }
        }
        let Some(container) = open.last_mut() else { return short.text };
        match container.next(&mut short) {
            Ok(id) => next = id.map(|id| object.tree().object(id)),
            Err(_) => return named(object),
        }
        if next.is_none() {
            open.pop();
        }
    }
}

/// What an object is and where.
fn named(object: Object<'_, '_>) -> Vec<u8> {
    let size = match object.payload() {
        Payload::Children(ids) => format!(" of {}", ids.len()),
        Payload::Bytes(bytes) => format!(" of {} bytes", bytes.len()),
        Payload::Str(string) => format!(" of {} bytes", string.bytes().len()),
        _ => String::new(),
    };
    format!("<{}{size} at offset {}>", object.constant().type_name(), object.offset()).into_bytes()
}

/// A writer that gives up when the text grows too long.
struct Short {
    text: Vec<u8>,
    limit: usize,
}

impl Write for Short {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A container whose items are being written.
struct Open<'t> {
    items: &'t [NodeId],
    next: usize,
    is_dict: bool,
    /// What ends it.
    end: &'static str,
}

impl Open<'_> {
    /// The next item, after what stands before it; or what ends the container.
    fn next(&mut self, out: &mut impl Write) -> io::Result<Option<NodeId>> {
        let item = self.items.get(self.next).copied();
        match item {
            None => out.write_all(self.end.as_bytes())?,
            Some(_) if self.next == 0 => {}
            Some(_) if self.is_dict && !self.next.is_multiple_of(2) => out.write_all(b": ")?,
            Some(_) => out.write_all(b", ")?,
        }
        self.next += 1;
        Ok(item)
    }
}

/// Writes an object, or the beginning of a container, whose items are then to be written.
///
/// Atoms of more bytes than the limit are refused without looking at them.
fn begin<'t>(object: Object<'t, '_>, limit: usize, out: &mut impl Write) -> io::Result<Option<Open<'t>>> {
    let too_long =
        |len: usize| -> io::Result<()> { if len > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) } };
    match object.payload() {
        Payload::Long(value) if value.digits().len() > MAX_DECIMAL_DIGITS => {
            too_long(value.digits().len())?;
            super::json::hex_long(value, out)?;
        }
        Payload::Bytes(value) => {
            too_long(value.len())?;
            atom(object, out)?;
        }
        Payload::Str(value) => {
            too_long(value.bytes().len())?;
            atom(object, out)?;
        }
        Payload::None(_)
        | Payload::Int(_)
        | Payload::Long(_)
        | Payload::FloatText(_)
        | Payload::FloatBits(_)
        | Payload::ComplexText(..)
        | Payload::ComplexBits(..) => atom(object, out)?,
        // Written by the caller.
        Payload::Ref(..) => {}
        Payload::Code(code) => code_name(object, code, out)?,
        Payload::Children(items) => {
            let (begin, end) = match (object.type_code(), items.len()) {
                (TypeCode::List, _) => ("[", "]"),
                (TypeCode::Set, 0) => ("set(", ")"),
                (TypeCode::FrozenSet, 0) => ("frozenset(", ")"),
                (TypeCode::FrozenSet, _) => ("frozenset({", "})"),
                (TypeCode::Set | TypeCode::Dict, _) => ("{", "}"),
                (_, 1) => ("(", ",)"),
                _ => ("(", ")"),
            };
            out.write_all(begin.as_bytes())?;
            let is_dict = object.type_code() == TypeCode::Dict;
            // Without the NULL that ends the dict, and a key that has no value.
            let len = if is_dict { items.len().saturating_sub(1) / 2 * 2 } else { items.len() };
            return Ok(Some(Open { items: items.get(..len).unwrap_or_default(), next: 0, is_dict, end }));
        }
    }
    Ok(None)
}

/// Writes an object without parts.
fn atom(object: Object<'_, '_>, out: &mut impl Write) -> io::Result<()> {
    out.write_all(repr::repr(object.constant(), usize::MAX).as_bytes())
}

fn code_name(object: Object<'_, '_>, code: &CodeObject, out: &mut impl Write) -> io::Result<()> {
    let Payload::Str(name) = object.tree().object(code.name).resolve().payload() else { return Ok(()) };
    write!(out, "<code {} at offset {}>", name.cut(100).to_string_lossy().escape_debug(), object.offset())
}

/// Seconds since 1970, shown as a date.
struct Utc(u32);

impl std::fmt::Display for Utc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (days, seconds) = (self.0 / 86400, self.0 % 86400);
        let is_leap = |year: u32| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let (mut year, mut day) = (1970, days);
        while day >= 365 + u32::from(is_leap(year)) {
            day -= 365 + u32::from(is_leap(year));
            year += 1;
        }
        let february = 28 + u32::from(is_leap(year));
        let mut month = 1;
        for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if day < length {
                break;
            }
            day -= length;
            month += 1;
        }
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{:02} {hour:02}:{minute:02}:{second:02} UTC", day + 1)
    }
}
