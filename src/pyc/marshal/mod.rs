//! The marshal format: a tree of objects over the bytes it was read from.
//!
//! [`read`] checks what CPython's `marshal.loads` checks and builds a [`Tree`]: a flat list of small nodes that point
//! into the input. Nothing is copied, and every node keeps its exact type code and FLAG_REF bit, so that [`write()`]
//! gives back the same bytes. What the objects mean (constants, code objects) is said by [`crate::pyc::code`].

mod error;
mod read;
mod write;

pub use error::{Error, ErrorKind, ExceptionClass};
pub use read::{read, read_at};
pub use write::write;

use crate::pyc::code::{Code, CodeObject, Constant, Dict, Items, Long, Str};
use byteorder::{ByteOrder, LittleEndian};

/// How deep objects may nest; CPython's `MAX_MARSHAL_STACK_DEPTH`.
pub const MAX_DEPTH: usize = 2000;

/// The bit of a type byte that says: give this object the next reference index.
pub const FLAG_REF: u8 = 0x80;

macro_rules! type_codes {
    ($($(#[$doc:meta])* $name:ident = $byte:literal, $constant:literal;)*) => {
        /// The type codes that CPython 3.8 reads.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum TypeCode {
            $($(#[$doc])* $name = $byte,)*
        }

        impl TypeCode {
            /// The type code of a type byte, whose FLAG_REF bit is ignored; `None` if there is none.
            #[inline]
            pub fn from_byte(byte: u8) -> Option<TypeCode> {
                static BY_BYTE: [Option<TypeCode>; 128] = {
                    let mut table = [None; 128];
                    $(table[$byte as usize] = Some(TypeCode::$name);)*
                    table
                };
                BY_BYTE[usize::from(byte & !FLAG_REF)]
            }

            /// The name in CPython's `marshal.c`, such as `TYPE_SHORT_ASCII`.
            pub fn name(self) -> &'static str {
                match self {
                    $(TypeCode::$name => $constant,)*
                }
            }
        }
    };
}

type_codes! {
    /// No object: the end of a dict.
    Null = b'0', "TYPE_NULL";
    /// `None`.
    None = b'N', "TYPE_NONE";
    /// `False`.
    False = b'F', "TYPE_FALSE";
    /// `True`.
    True = b'T', "TYPE_TRUE";
    /// The exception class `StopIteration`.
    StopIteration = b'S', "TYPE_STOPITER";
    /// `Ellipsis`.
    Ellipsis = b'.', "TYPE_ELLIPSIS";
    /// An int of 32 bits.
    Int = b'i', "TYPE_INT";
    /// An int of 64 bits; read, no longer written.
    Int64 = b'I', "TYPE_INT64";
    /// A float as decimal text.
    Float = b'f', "TYPE_FLOAT";
    /// A float as 8 bytes.
    BinaryFloat = b'g', "TYPE_BINARY_FLOAT";
    /// A complex as two decimal texts.
    Complex = b'x', "TYPE_COMPLEX";
    /// A complex as 16 bytes.
    BinaryComplex = b'y', "TYPE_BINARY_COMPLEX";
    /// An int of any size, in digits of 15 bits.
    Long = b'l', "TYPE_LONG";
    /// A `bytes` object.
    String = b's', "TYPE_STRING";
    /// An interned str in UTF-8.
    Interned = b't', "TYPE_INTERNED";
    /// A reference to an object with FLAG_REF.
    Ref = b'r', "TYPE_REF";
    /// A tuple with a 32-bit size.
    Tuple = b'(', "TYPE_TUPLE";
    /// A tuple with an 8-bit size.
    SmallTuple = b')', "TYPE_SMALL_TUPLE";
    /// A list.
    List = b'[', "TYPE_LIST";
    /// A dict: keys and values in turn, ended by TYPE_NULL.
    Dict = b'{', "TYPE_DICT";
    /// A code object.
    Code = b'c', "TYPE_CODE";
    /// A str in UTF-8, lone surrogates included.
    Unicode = b'u', "TYPE_UNICODE";
    /// A str of one byte a character.
    Ascii = b'a', "TYPE_ASCII";
    /// An interned str of one byte a character.
    AsciiInterned = b'A', "TYPE_ASCII_INTERNED";
    /// A str of one byte a character with an 8-bit size.
    ShortAscii = b'z', "TYPE_SHORT_ASCII";
    /// An interned str of one byte a character with an 8-bit size.
    ShortAsciiInterned = b'Z', "TYPE_SHORT_ASCII_INTERNED";
    /// A set.
    Set = b'<', "TYPE_SET";
    /// A frozenset.
    FrozenSet = b'>', "TYPE_FROZENSET";
}

/// The number of a node of a [`Tree`], in the order in which the objects begin in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// The number, from 0 for the first object of the input.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One object as it stands in the input. `a` and `b` mean, by type code:
///
/// | type codes | `a` | `b` |
/// | --- | --- | --- |
/// | Int | the value's bits | |
/// | Ref | reference index | node referred to |
/// | tuples, List, Set, FrozenSet, Dict | first child in `Tree::children` | number of children |
/// | Code | index into `Tree::codes` | 0 |
/// | everything else | start of the payload in the data | its length |
///
/// The payload of Null is its whole text: `0`, or the bytes of a code object that lacks a field (CPython's reader
/// returns NULL for it).
#[derive(Clone, Copy, Debug)]
struct Node {
    type_code: TypeCode,
    flag_ref: bool,
    /// Of a tuple: its elements are known to be strings.
    all_strings: bool,
    offset: u32,
    a: u32,
    b: u32,
}

/// In `Node::b` of a container or code object: not complete yet. No count can be that large.
const BEING_BUILT: u32 = u32::MAX;

/// What marshal data holds: its objects, and the bytes they lie in.
#[derive(Clone, Debug)]
pub struct Tree<'a> {
    data: &'a [u8],
    end: u32,
    root: NodeId,
    nodes: Vec<Node>,
    children: Vec<NodeId>,
    codes: Vec<CodeObject>,
    refs: Vec<NodeId>,
}

impl<'a> Tree<'a> {
    /// The outermost object.
    pub fn root(&self) -> Object<'_, 'a> {
        Object { tree: self, id: self.root }
    }

    /// The outermost object if it is a code object, as in every `.pyc` file.
    pub fn code(&self) -> Option<Code<'_, 'a>> {
        self.root().as_code()
    }

    /// The object of a node; of a number that is not of this tree, the root.
    pub fn object(&self, id: NodeId) -> Object<'_, 'a> {
        if id.index() < self.nodes.len() { Object { tree: self, id } } else { self.root() }
    }

    /// The number of objects, references included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: data without an object is an error of [`read`].
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All objects in the order in which they begin in the input.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_, 'a>> {
        (0..self.nodes.len() as u32).map(|index| Object { tree: self, id: NodeId(index) })
    }

    /// The objects with a reference index, in its order.
    pub fn referable(&self) -> impl ExactSizeIterator<Item = Object<'_, 'a>> {
        self.refs.iter().map(|&id| Object { tree: self, id })
    }

    /// The bytes given to the reader.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The bytes after the outermost object, which CPython ignores. Empty in every file that CPython writes.
    pub fn trailing(&self) -> &'a [u8] {
        self.data.get(self.end as usize..).unwrap_or_default()
    }

    /// The offset of the first byte after the outermost object.
    pub fn end_offset(&self) -> usize {
        self.end as usize
    }

    fn node(&self, id: NodeId) -> &Node {
        const NULL: Node =
            Node { type_code: TypeCode::Null, flag_ref: false, all_strings: false, offset: 0, a: 0, b: 0 };
        self.nodes.get(id.index()).unwrap_or(&NULL)
    }

    fn slice(&self, start: u32, len: u32) -> &'a [u8] {
        let start = start as usize;
        self.data.get(start..start + len as usize).unwrap_or_default()
    }

    fn children_of(&self, node: &Node) -> &[NodeId] {
        let start = node.a as usize;
        match node.b {
            BEING_BUILT => &[],
            len => self.children.get(start..start + len as usize).unwrap_or_default(),
        }
    }
}

/// An object of a tree, exactly as the input writes it; references stay references.
///
/// [`Object::constant`] is the view that resolves them.
#[derive(Clone, Copy)]
pub struct Object<'t, 'a> {
    tree: &'t Tree<'a>,
    id: NodeId,
}

/// What an object holds, by the form in which it is written.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'t, 'a> {
    /// A singleton: Null, None, False, True, StopIteration, Ellipsis. For Null its bytes (see [`Object::is_bare_null`]).
    None(&'a [u8]),
    /// Int and Int64.
    Int(i64),
    /// Long.
    Long(Long<'a>),
    /// Float: its text.
    FloatText(&'a [u8]),
    /// BinaryFloat: its bits, so that the payload of a NaN survives.
    FloatBits(u64),
    /// Complex: the texts of its real and imaginary parts.
    ComplexText(&'a [u8], &'a [u8]),
    /// BinaryComplex: the bits of its real and imaginary parts.
    ComplexBits(u64, u64),
    /// String: a bytes object.
    Bytes(&'a [u8]),
    /// The str forms.
    Str(Str<'a>),
    /// Ref: the reference index and the node that has it.
    Ref(u32, NodeId),
    /// Tuple, SmallTuple, List, Set, FrozenSet: the elements; Dict: keys and values in turn, and what ends it.
    Children(&'t [NodeId]),
    /// Code.
    Code(&'t CodeObject),
}

impl<'t, 'a> Object<'t, 'a> {
    /// The object's number.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The tree it belongs to.
    pub fn tree(self) -> &'t Tree<'a> {
        self.tree
    }

    /// The form in which it is written.
    pub fn type_code(self) -> TypeCode {
        self.tree.node(self.id).type_code
    }

    /// Whether its type byte carries FLAG_REF. (The reader ignores the flag on singletons and references.)
    pub fn has_flag_ref(self) -> bool {
        self.tree.node(self.id).flag_ref
    }

    /// Its reference index, if it has one.
    pub fn ref_index(self) -> Option<usize> {
        // References are numbered in the order in which their objects begin.
        if self.has_flag_ref() { self.tree.refs.binary_search(&self.id).ok() } else { None }
    }

    /// The offset of its type byte.
    pub fn offset(self) -> usize {
        self.tree.node(self.id).offset as usize
    }

    /// For a Null: whether it is written as TYPE_NULL. The other Nulls are code objects that lack a field.
    pub fn is_bare_null(self) -> bool {
        let node = self.tree.node(self.id);
        node.type_code == TypeCode::Null && node.b <= 1
    }

    /// What it holds.
    pub fn payload(self) -> Payload<'t, 'a> {
        let tree = self.tree;
        let node = tree.node(self.id);
        let bytes = || tree.slice(node.a, node.b);
        match node.type_code {
            TypeCode::None | TypeCode::False | TypeCode::True | TypeCode::StopIteration | TypeCode::Ellipsis => {
                Payload::None(&[])
            }
            TypeCode::Null => Payload::None(bytes()),
            TypeCode::Int => Payload::Int(node.a.cast_signed().into()),
            TypeCode::Int64 => Payload::Int(word(bytes(), 0).cast_signed()),
            TypeCode::Long => {
                let size = tree.slice(node.offset + 1, 4);
                Payload::Long(Long::new(size.last().is_some_and(|byte| byte & 0x80 != 0), bytes()))
            }
            TypeCode::Float => Payload::FloatText(bytes()),
            TypeCode::BinaryFloat => Payload::FloatBits(word(bytes(), 0)),
            TypeCode::Complex => {
                let (real, imag) = bytes()
                    .split_first()
                    .map_or((&[][..], &[][..]), |(&len, rest)| rest.split_at_checked(len.into()).unwrap_or_default());
                Payload::ComplexText(real, imag.get(1..).unwrap_or_default())
            }
            TypeCode::BinaryComplex => Payload::ComplexBits(word(bytes(), 0), word(bytes(), 8)),
            TypeCode::String => Payload::Bytes(bytes()),
            TypeCode::Unicode => Payload::Str(Str::utf8(bytes(), false)),
            TypeCode::Interned => Payload::Str(Str::utf8(bytes(), true)),
            TypeCode::Ascii | TypeCode::ShortAscii => Payload::Str(Str::latin1(bytes(), false)),
            TypeCode::AsciiInterned | TypeCode::ShortAsciiInterned => Payload::Str(Str::latin1(bytes(), true)),
            TypeCode::Ref => Payload::Ref(node.a, NodeId(node.b)),
            TypeCode::Tuple
            | TypeCode::SmallTuple
            | TypeCode::List
            | TypeCode::Set
            | TypeCode::FrozenSet
            | TypeCode::Dict => Payload::Children(tree.children_of(node)),
            TypeCode::Code => match tree.codes.get(node.a as usize) {
                Some(code) => Payload::Code(code),
                None => Payload::None(&[]),
            },
        }
    }

    /// The object referred to if this is a reference, else itself. What it gives is never a reference.
    pub fn resolve(self) -> Object<'t, 'a> {
        match self.payload() {
            Payload::Ref(_, target) => Object { tree: self.tree, id: target },
            _ => self,
        }
    }

    /// The value, references resolved.
    pub fn constant(self) -> Constant<'t, 'a> {
        let object = self.resolve();
        let items = || Items::new(object);
        match object.payload() {
            Payload::None(_) => match object.type_code() {
                TypeCode::None => Constant::None,
                TypeCode::False => Constant::False,
                TypeCode::True => Constant::True,
                TypeCode::StopIteration => Constant::StopIteration,
                TypeCode::Ellipsis => Constant::Ellipsis,
                _ => Constant::Null,
            },
            Payload::Int(value) => Constant::Int(value),
            Payload::Long(long) => long.to_i64().map_or(Constant::BigInt(long), Constant::Int),
            Payload::FloatText(text) => Constant::Float(parse_float(text).unwrap_or_default()),
            Payload::FloatBits(bits) => Constant::Float(f64::from_bits(bits)),
            Payload::ComplexText(real, imag) => {
                Constant::Complex(parse_float(real).unwrap_or_default(), parse_float(imag).unwrap_or_default())
            }
            Payload::ComplexBits(real, imag) => Constant::Complex(f64::from_bits(real), f64::from_bits(imag)),
            Payload::Bytes(bytes) => Constant::Bytes(bytes),
            Payload::Str(string) => Constant::Str(string),
            Payload::Children(_) => match object.type_code() {
                TypeCode::List => Constant::List(items()),
                TypeCode::Set => Constant::Set(items()),
                TypeCode::FrozenSet => Constant::FrozenSet(items()),
                TypeCode::Dict => Constant::Dict(Dict::new(object)),
                _ => Constant::Tuple(items()),
            },
            Payload::Code(code) => Constant::Code(Code::new(object.tree, code)),
            Payload::Ref(..) => Constant::Null,
        }
    }

    /// The code object that this is or refers to.
    pub fn as_code(self) -> Option<Code<'t, 'a>> {
        match self.resolve().payload() {
            Payload::Code(code) => Some(Code::new(self.tree, code)),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Object<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Object({} at offset {})", self.type_code().name(), self.offset())
    }
}

/// The 64-bit word at a place of a payload that the reader has checked the length of.
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).map_or(0, LittleEndian::read_u64)
}

/// The value of a float's text, as CPython's `PyOS_string_to_double` reads it: up to the first NUL, no spaces, no
/// underscores. `None` if it is not a number.
fn parse_float(text: &[u8]) -> Option<f64> {
    str::from_utf8(until_nul(text)).ok()?.parse().ok()
}

/// A text as C sees it.
fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or_default()
}
