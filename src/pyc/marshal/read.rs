//! The marshal reader: checks what CPython's `r_object` and `PyCode_New` check, and builds the tree.
//!
//! One loop with a stack of its own: however deep the input nests, the native stack does not grow. Memory is bounded by
//! the input: a node for each byte at the most, whatever sizes the input claims.

use super::error::{Error, ErrorKind};
use super::{BEING_BUILT, FLAG_REF, MAX_DEPTH, Node, NodeId, Tree, TypeCode, parse_float, until_nul};
use crate::pyc::code::CodeObject;
use byteorder::{ByteOrder, LittleEndian};
use nom::IResult;
use nom::bytes::complete::take;
use nom::number::complete::{le_i32, u8 as byte};
use std::collections::HashSet;

/// Reads one object from the start of the data.
///
/// Bytes after it are no error: see [`Tree::trailing`].
///
/// # Errors
/// What CPython's `marshal.loads` refuses, with its text, its exception class and the byte offset; and data of more
/// than 4 GiB.
pub fn read(data: &[u8]) -> Result<Tree<'_>, Error> {
    read_at(data, 0)
}

/// As [`read`], from the byte at `start` on; all offsets count from the start of the data.
///
/// # Errors
/// As [`read`].
pub fn read_at(data: &[u8], start: usize) -> Result<Tree<'_>, Error> {
    let Ok(end) = u32::try_from(data.len()) else {
        return Err(Error::new(ErrorKind::TooLong, u32::MAX as usize));
    };
    // CPython writes 9 bytes an object, all told: this saves most of the growing.
    let expected = data.len() / 8;
    let mut reader = Reader {
        data,
        end,
        input: data.get(start..).unwrap_or_default(),
        nodes: Vec::with_capacity(expected),
        children: Vec::with_capacity(expected),
        codes: Vec::new(),
        refs: Vec::with_capacity(expected / 4),
        pending: Vec::with_capacity(64),
        frames: Vec::with_capacity(16),
        hashable: HashSet::new(),
    };
    let root = reader.run()?;
    Ok(Tree {
        data,
        end: reader.offset(),
        root,
        nodes: reader.nodes,
        children: reader.children,
        codes: reader.codes,
        refs: reader.refs,
    })
}

/// The reading in progress.
struct Reader<'a> {
    data: &'a [u8],
    end: u32,
    /// What has not been read.
    input: &'a [u8],
    nodes: Vec<Node>,
    children: Vec<NodeId>,
    codes: Vec<CodeObject>,
    refs: Vec<NodeId>,
    /// Children of the open objects; moved to `children` when their parent is complete.
    pending: Vec<NodeId>,
    /// The open objects, innermost last.
    frames: Vec<Frame>,
    /// Tuples and code objects that are known to be hashable.
    hashable: HashSet<NodeId>,
}

/// An object whose parts are still being read.
struct Frame {
    node: NodeId,
    kind: FrameKind,
    /// How many parts are missing; of a dict, 1 until its end.
    missing: u32,
    /// Where its children begin in `pending`.
    base: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Tuple,
    List,
    Set,
    FrozenSet,
    Dict,
    Code,
}

/// How many fields of a code object are objects; the last follows `co_firstlineno`.
const CODE_OBJECT_FIELDS: u32 = 9;

/// A nom parser's answer; the only failure is that the input is too short.
type Parsed<'a, T> = IResult<&'a [u8], T, ()>;

impl<'a> Reader<'a> {
    /// Reads the outermost object.
    fn run(&mut self) -> Result<NodeId, Error> {
        loop {
            let Some(mut id) = self.object()? else { continue };
            // Hand the finished object to its parent, which it may finish in turn.
            loop {
                let Some(frame) = self.frames.last_mut() else {
                    self.reject_null(id, "object")?;
                    return Ok(id);
                };
                let kind = frame.kind;
                if self.nodes.get(id.index()).is_some_and(|node| node.type_code == TypeCode::Null) {
                    match self.null_part(kind, id)? {
                        Some(parent) => {
                            id = parent;
                            continue;
                        }
                        None => break,
                    }
                }
                self.pending.push(id);
                match kind {
                    FrameKind::Tuple | FrameKind::List => frame.missing -= 1,
                    FrameKind::Set | FrameKind::FrozenSet => {
                        frame.missing -= 1;
                        self.check_hashable(id)?;
                    }
                    FrameKind::Dict => {
                        if (self.pending.len() - frame.base).is_multiple_of(2)
                            && let Some(&key) = self.pending.iter().nth_back(1)
                        {
                            self.check_hashable(key)?;
                        }
                        break;
                    }
                    FrameKind::Code => {
                        frame.missing -= 1;
                        if frame.missing == 1 {
                            let code = frame.node;
                            let firstlineno = self.long()?;
                            self.code_mut(code).firstlineno = firstlineno;
                        }
                    }
                }
                match self.frames.pop_if(|frame| frame.missing == 0) {
                    Some(frame) => {
                        self.close(&frame)?;
                        id = frame.node;
                    }
                    None => break,
                }
            }
        }
    }

    /// Reads a type byte and what follows it: a finished object, or `None` if a frame has been opened for its parts.
    #[inline]
    fn object(&mut self) -> Result<Option<NodeId>, Error> {
        let offset = self.offset();
        let type_byte = self.byte()?;
        if self.frames.len() >= MAX_DEPTH {
            return Err(Error::new(ErrorKind::RecursionLimit, offset as usize));
        }
        let Some(type_code) = TypeCode::from_byte(type_byte) else {
            return Err(Error::new(ErrorKind::UnknownTypeCode, offset as usize));
        };
        let mut node = Node { type_code, flag_ref: type_byte & FLAG_REF != 0, all_strings: false, offset, a: 0, b: 0 };
        match type_code {
            TypeCode::Null => (node.a, node.b) = (offset, 1),
            TypeCode::None | TypeCode::False | TypeCode::True | TypeCode::StopIteration | TypeCode::Ellipsis => {}
            TypeCode::Int => node.a = self.long()?.cast_unsigned(),
            TypeCode::Int64 | TypeCode::BinaryFloat => self.payload(&mut node, 8)?,
            TypeCode::BinaryComplex => self.payload(&mut node, 16)?,
            TypeCode::Float => {
                let len = self.byte()?;
                self.payload(&mut node, len.into())?;
                self.check_float(node.a, node.b)?;
            }
            TypeCode::Complex => self.complex(&mut node)?,
            TypeCode::Long => self.digits(&mut node)?,
            TypeCode::String => {
                let len = self.size("bytes object")?;
                self.payload(&mut node, len)?;
            }
            TypeCode::Ascii | TypeCode::AsciiInterned => {
                let len = self.size("string")?;
                self.payload(&mut node, len)?;
            }
            TypeCode::ShortAscii | TypeCode::ShortAsciiInterned => {
                let len = self.byte()?;
                self.payload(&mut node, len.into())?;
            }
            TypeCode::Unicode | TypeCode::Interned => {
                let len = self.size("string")?;
                self.payload(&mut node, len)?;
                self.check_utf8(&node)?;
            }
            TypeCode::Ref => self.reference(&mut node)?,
            TypeCode::SmallTuple => {
                let len = self.byte()?;
                return Ok(self.open(node, FrameKind::Tuple, len.into()));
            }
            TypeCode::Tuple => {
                let len = self.size("tuple")?;
                return Ok(self.open(node, FrameKind::Tuple, len));
            }
            TypeCode::List => {
                let len = self.size("list")?;
                return Ok(self.open(node, FrameKind::List, len));
            }
            TypeCode::Set => {
                let len = self.size("set")?;
                return Ok(self.open(node, FrameKind::Set, len));
            }
            TypeCode::FrozenSet => {
                let len = self.size("set")?;
                return Ok(self.open(node, FrameKind::FrozenSet, len));
            }
            TypeCode::Dict => return Ok(self.open(node, FrameKind::Dict, 1)),
            TypeCode::Code => return self.open_code(node).map(|()| None),
        }
        let has_index = node.flag_ref && !matches!(type_code, TypeCode::Ref) && !is_singleton(type_code);
        let id = self.push(node);
        if has_index {
            self.refs.push(id);
        }
        Ok(Some(id))
    }

    /// Opens a container of `len` parts. An empty one is finished at once.
    fn open(&mut self, mut node: Node, kind: FrameKind, len: u32) -> Option<NodeId> {
        if len != 0 {
            node.b = BEING_BUILT;
        }
        let id = self.push(node);
        if node.flag_ref {
            self.refs.push(id);
        }
        if len == 0 {
            return Some(id);
        }
        self.frames.push(Frame { node: id, kind, missing: len, base: self.pending.len() });
        None
    }

    /// Reads the counts of a code object and opens it for its object fields.
    fn open_code(&mut self, mut node: Node) -> Result<(), Error> {
        const NONE: NodeId = NodeId(u32::MAX);
        let counts = [self.long()?, self.long()?, self.long()?, self.long()?, self.long()?, self.long()?];
        let [argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags] = counts;
        node.a = self.codes.len() as u32;
        node.b = BEING_BUILT;
        let id = self.push(node);
        if node.flag_ref {
            self.refs.push(id);
        }
        self.codes.push(CodeObject {
            node: id,
            argcount,
            posonlyargcount,
            kwonlyargcount,
            nlocals,
            stacksize,
            flags,
            firstlineno: 0,
            code: NONE,
            consts: NONE,
            names: NONE,
            varnames: NONE,
            freevars: NONE,
            cellvars: NONE,
            filename: NONE,
            name: NONE,
            lnotab: NONE,
        });
        let base = self.pending.len();
        self.frames.push(Frame { node: id, kind: FrameKind::Code, missing: CODE_OBJECT_FIELDS, base });
        Ok(())
    }

    /// Takes a NULL for a part of the innermost open object. The object it finishes, if any.
    #[cold]
    fn null_part(&mut self, kind: FrameKind, null: NodeId) -> Result<Option<NodeId>, Error> {
        match kind {
            FrameKind::Tuple => self.reject_null(null, "tuple")?,
            FrameKind::List => self.reject_null(null, "list")?,
            FrameKind::Set | FrameKind::FrozenSet => self.reject_null(null, "set")?,
            FrameKind::Dict | FrameKind::Code => {}
        }
        let Some(frame) = self.frames.pop() else { return Ok(None) };
        if kind == FrameKind::Dict {
            // As r_object: a NULL ends the dict, in the place of a key as in that of a value.
            self.pending.push(null);
            self.close(&frame)?;
        } else {
            // As r_object: a code object that lacks a field is given up on the spot, and is itself NULL.
            self.pending.truncate(frame.base);
            let end = self.offset();
            let node = self.node_mut(frame.node);
            *node = Node { type_code: TypeCode::Null, a: node.offset, b: end - node.offset, ..*node };
        }
        Ok(Some(frame.node))
    }

    /// Gives a complete container or code object its parts.
    fn close(&mut self, frame: &Frame) -> Result<(), Error> {
        if frame.kind == FrameKind::Code {
            return self.close_code(frame);
        }
        let first = self.children.len() as u32;
        self.children.extend_from_slice(self.pending.get(frame.base..).unwrap_or_default());
        self.pending.truncate(frame.base);
        let len = self.children.len() as u32 - first;
        let node = self.node_mut(frame.node);
        (node.a, node.b) = (first, len);
        Ok(())
    }

    /// Checks what PyCode_New checks.
    fn close_code(&mut self, frame: &Frame) -> Result<(), Error> {
        let fields = self.pending.get(frame.base..).unwrap_or_default();
        let &[code, consts, names, varnames, freevars, cellvars, filename, name, lnotab] = fields else {
            return Ok(());
        };
        self.pending.truncate(frame.base);
        let raw = self.code_mut(frame.node);
        *raw = CodeObject { code, consts, names, varnames, freevars, cellvars, filename, name, lnotab, ..*raw };
        let raw = *raw;
        // First, for it needs the node mutably; reported in PyCode_New's order below.
        let non_string = [names, varnames, freevars, cellvars].into_iter().find_map(|id| self.non_string(id));
        let error = |kind, id: NodeId| Err(Error::new(kind, self.node(id).offset as usize));
        let counts_wrong = raw.argcount < raw.posonlyargcount
            || [raw.posonlyargcount, raw.kwonlyargcount, raw.nlocals, raw.stacksize, raw.flags].iter().any(|&n| n < 0);
        if counts_wrong {
            return error(ErrorKind::BadCodeField, frame.node);
        }
        let form = |id| self.node(self.resolve(id)).type_code;
        let wrong = [code, lnotab].into_iter().find(|&id| form(id) != TypeCode::String);
        let wrong =
            wrong.or_else(|| [consts, names, varnames, freevars, cellvars].into_iter().find(|&id| !is_tuple(form(id))));
        if let Some(id) = wrong.or_else(|| [name, filename].into_iter().find(|&id| !is_str(form(id)))) {
            return error(ErrorKind::BadCodeField, id);
        }
        if let Some(id) = non_string {
            return error(ErrorKind::NonStringInCode, id);
        }
        if self.node(self.resolve(consts)).b == BEING_BUILT {
            return error(ErrorKind::UnfinishedConsts, consts);
        }
        let variables = i64::from(self.node(self.resolve(varnames)).b);
        let stars = i64::from(raw.flags & 0x4 != 0) + i64::from(raw.flags & 0x8 != 0);
        if i64::from(raw.argcount) + i64::from(raw.kwonlyargcount) + stars > variables {
            return error(ErrorKind::VarnamesTooSmall, varnames);
        }
        self.node_mut(frame.node).b = 0;
        Ok(())
    }

    /// The first element of a tuple of names that is not a string; the tuple itself if it is not complete.
    ///
    /// Looks at each tuple once, however many code objects share it.
    fn non_string(&mut self, id: NodeId) -> Option<NodeId> {
        let tuple = self.resolve(id);
        let node = *self.node(tuple);
        if node.all_strings || !is_tuple(node.type_code) {
            return None;
        }
        if node.b == BEING_BUILT {
            return Some(id);
        }
        let wrong = self.children_of(&node).iter().copied().find(|&id| !is_str(self.node(self.resolve(id)).type_code));
        self.node_mut(tuple).all_strings = wrong.is_none();
        wrong
    }

    fn reject_null(&self, id: NodeId, place: &'static str) -> Result<(), Error> {
        let node = self.node(id);
        match node.type_code {
            TypeCode::Null => Err(Error::new(ErrorKind::NullObject(place), node.offset as usize)),
            _ => Ok(()),
        }
    }

    fn reference(&mut self, node: &mut Node) -> Result<(), Error> {
        let index = self.long()?.cast_unsigned();
        let target = self.refs.get(index as usize).copied().filter(|&id| {
            let target = self.node(id);
            // As r_ref_reserve: until they are complete, these have an index but no object.
            let delayed = matches!(target.type_code, TypeCode::Code | TypeCode::FrozenSet);
            target.type_code != TypeCode::Null && !(delayed && target.b == BEING_BUILT)
        });
        let Some(target) = target else {
            return Err(Error::new(ErrorKind::InvalidReference, node.offset as usize));
        };
        (node.a, node.b) = (index, target.0);
        Ok(())
    }

    fn complex(&mut self, node: &mut Node) -> Result<(), Error> {
        let start = self.offset();
        for _ in 0..2 {
            let len = self.byte()?;
            self.payload(node, len.into())?;
            self.check_float(node.a, node.b)?;
        }
        (node.a, node.b) = (start, self.offset() - start);
        Ok(())
    }

    fn digits(&mut self, node: &mut Node) -> Result<(), Error> {
        let offset = self.offset();
        let size = self.long()?;
        if size == i32::MIN {
            return Err(Error::new(ErrorKind::SizeOutOfRange("long"), offset as usize));
        }
        let start = self.offset();
        let len = 2 * size.unsigned_abs();
        let held = self.input.get(..len as usize).unwrap_or(self.input);
        if let Some(at) = held.chunks_exact(2).position(|digit| LittleEndian::read_u16(digit) > 0x7FFF) {
            return Err(Error::new(ErrorKind::DigitOutOfRange, start as usize + 2 * at));
        }
        self.payload(node, len)?;
        if held.ends_with(&[0, 0]) {
            return Err(Error::new(ErrorKind::UnnormalizedLong, (start + len - 2) as usize));
        }
        Ok(())
    }

    #[inline]
    fn check_utf8(&self, node: &Node) -> Result<(), Error> {
        let bytes = self.slice(node.a, node.b);
        if str::from_utf8(bytes).is_ok() { Ok(()) } else { self.check_surrogates(bytes, node.a) }
    }

    /// Checks UTF-8 in which surrogates are allowed, as the error handler `surrogatepass` does.
    #[cold]
    fn check_surrogates(&self, bytes: &[u8], start: u32) -> Result<(), Error> {
        let mut at = 0;
        while let Err(error) = str::from_utf8(bytes.get(at..).unwrap_or_default()) {
            at += error.valid_up_to();
            let wrong = bytes.get(at..).unwrap_or_default();
            if let &[0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] = wrong {
                at += 3;
                continue;
            }
            let reason = match (error.error_len(), wrong.first()) {
                (None, _) => "unexpected end of data",
                (Some(1), Some(0x80..=0xC1 | 0xF5..)) => "invalid start byte",
                _ => "invalid continuation byte",
            };
            let text = match (error.error_len().unwrap_or(wrong.len()), wrong.first()) {
                (1, Some(byte)) => format!("'utf-8' codec can't decode byte {byte:#04x} in position {at}: {reason}"),
                (len, _) => {
                    format!("'utf-8' codec can't decode bytes in position {at}-{}: {reason}", at + len - 1)
                }
            };
            return Err(Error::new(ErrorKind::InvalidUtf8(text), start as usize + at));
        }
        Ok(())
    }

    fn check_float(&self, start: u32, len: u32) -> Result<(), Error> {
        let text = self.slice(start, len);
        if parse_float(text).is_some() {
            return Ok(());
        }
        // CPython's message has `%.200s`.
        let shown = until_nul(text);
        let shown = String::from_utf8_lossy(shown.get(..200).unwrap_or(shown)).into_owned();
        Err(Error::new(ErrorKind::BadFloat(shown), start as usize))
    }

    /// Checks that an object can be an element of a set or a key of a dict.
    fn check_hashable(&mut self, id: NodeId) -> Result<(), Error> {
        match self.node(self.resolve(id)).type_code {
            TypeCode::Tuple
            | TypeCode::SmallTuple
            | TypeCode::Code
            | TypeCode::List
            | TypeCode::Dict
            | TypeCode::Set => self.check_hashable_parts(id),
            _ => Ok(()),
        }
    }

    /// As [`Self::check_hashable`], for objects whose hash depends on their parts. Looks at each object once, however
    /// often it is shared, and needs no native recursion.
    fn check_hashable_parts(&mut self, id: NodeId) -> Result<(), Error> {
        if self.hashable.contains(&self.resolve(id)) {
            return Ok(());
        }
        let offset = self.node(id).offset as usize;
        // The objects being looked at, each inside the one before, with how far it has been looked at.
        let mut path = vec![(self.resolve(id), 0)];
        let mut on_path = HashSet::from([self.resolve(id)]);
        while let Some((object, next)) = path.last_mut() {
            let node = self.node(*object);
            let unhashable = match node.type_code {
                TypeCode::List => Some("list"),
                TypeCode::Dict => Some("dict"),
                TypeCode::Set => Some("set"),
                _ => None,
            };
            if let Some(name) = unhashable {
                return Err(Error::new(ErrorKind::Unhashable(name), offset));
            }
            if node.b == BEING_BUILT {
                return Err(Error::new(ErrorKind::RecursiveHash, offset));
            }
            let part = match node.type_code {
                TypeCode::Tuple | TypeCode::SmallTuple => self.children_of(node).get(*next).copied(),
                // As code_hash; its other parts are strings and bytes.
                TypeCode::Code if *next == 0 => self.codes.get(node.a as usize).map(|code| code.consts),
                _ => None,
            };
            *next += 1;
            match part.map(|part| self.resolve(part)) {
                None => {
                    self.hashable.insert(*object);
                    on_path.remove(object);
                    path.pop();
                }
                Some(part) if self.hashable.contains(&part) => {}
                Some(part) => {
                    let has_parts = matches!(
                        self.node(part).type_code,
                        TypeCode::Tuple
                            | TypeCode::SmallTuple
                            | TypeCode::Code
                            | TypeCode::List
                            | TypeCode::Dict
                            | TypeCode::Set
                    );
                    if has_parts {
                        if !on_path.insert(part) {
                            return Err(Error::new(ErrorKind::RecursiveHash, offset));
                        }
                        path.push((part, 0));
                    }
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        id
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    fn code_mut(&mut self, id: NodeId) -> &mut CodeObject {
        let index = self.nodes[id.index()].a as usize;
        &mut self.codes[index]
    }

    fn children_of(&self, node: &Node) -> &[NodeId] {
        self.children.get(node.a as usize..(node.a + node.b) as usize).unwrap_or_default()
    }

    fn resolve(&self, id: NodeId) -> NodeId {
        let node = self.node(id);
        if node.type_code == TypeCode::Ref { NodeId(node.b) } else { id }
    }

    fn slice(&self, start: u32, len: u32) -> &'a [u8] {
        self.data.get(start as usize..start as usize + len as usize).unwrap_or_default()
    }

    /// The offset of the next byte.
    fn offset(&self) -> u32 {
        self.end - self.input.len() as u32
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Error> {
        match byte(self.input) as Parsed<'a, u8> {
            Ok((rest, value)) => {
                self.input = rest;
                Ok(value)
            }
            Err(_) => Err(Error::new(ErrorKind::EofWhereObjectExpected, self.offset() as usize)),
        }
    }

    #[inline]
    fn long(&mut self) -> Result<i32, Error> {
        match le_i32(self.input) as Parsed<'a, i32> {
            Ok((rest, value)) => {
                self.input = rest;
                Ok(value)
            }
            Err(_) => Err(Error::new(ErrorKind::TooShort, self.offset() as usize)),
        }
    }

    #[inline]
    fn size(&mut self, what: &'static str) -> Result<u32, Error> {
        let offset = self.offset();
        let size = self.long()?;
        u32::try_from(size).map_err(|_| Error::new(ErrorKind::SizeOutOfRange(what), offset as usize))
    }

    /// Passes over the next `len` bytes, and makes them the payload.
    #[inline]
    fn payload(&mut self, node: &mut Node, len: u32) -> Result<(), Error> {
        let start = self.offset();
        match take(len)(self.input) as Parsed<'a, &[u8]> {
            Ok((rest, _)) => {
                self.input = rest;
                (node.a, node.b) = (start, len);
                Ok(())
            }
            Err(_) => Err(Error::new(ErrorKind::TooShort, start as usize)),
        }
    }
}

fn is_tuple(type_code: TypeCode) -> bool {
    matches!(type_code, TypeCode::Tuple | TypeCode::SmallTuple)
}

fn is_str(type_code: TypeCode) -> bool {
    matches!(
        type_code,
        TypeCode::Ascii
            | TypeCode::AsciiInterned
            | TypeCode::ShortAscii
            | TypeCode::ShortAsciiInterned
            | TypeCode::Unicode
            | TypeCode::Interned
    )
}

/// Whether FLAG_REF is ignored on objects of this type.
fn is_singleton(type_code: TypeCode) -> bool {
    matches!(
        type_code,
        TypeCode::Null
            | TypeCode::None
            | TypeCode::False
            | TypeCode::True
            | TypeCode::StopIteration
            | TypeCode::Ellipsis
    )
}
