//! Code objects and constants: typed views of the objects in a marshal [`Tree`], references resolved.
//!
//! The views are `Copy` and borrow the tree; they hold no data of their own.

use crate::pyc::flags::CodeFlags;
use crate::pyc::marshal::{NodeId, Object, Payload, Tree};
use byteorder::{ByteOrder, LittleEndian};
use num_bigint::{BigInt, Sign};
use std::borrow::Cow;
use std::collections::HashSet;

/// A code object as it stands in the input: its counts, and the nodes of its object fields.
///
/// The reader has checked what `PyCode_New` checks: no negative count or flag word, `code` and `lnotab` are bytes,
/// `filename` and `name` are strings, the rest tuples, of strings except for `consts`, and there are at least as many
/// `varnames` as arguments. It has not checked that the bytecode makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeObject {
    /// The code object's own node.
    pub node: NodeId,
    /// `co_argcount`: positional arguments, positional-only ones included.
    pub argcount: i32,
    /// `co_posonlyargcount`.
    pub posonlyargcount: i32,
    /// `co_kwonlyargcount`.
    pub kwonlyargcount: i32,
    /// `co_nlocals`.
    pub nlocals: i32,
    /// `co_stacksize`.
    pub stacksize: i32,
    /// `co_flags` as written.
    pub flags: i32,
    /// `co_firstlineno`; negative in odd files.
    pub firstlineno: i32,
    /// `co_code`.
    pub code: NodeId,
    /// `co_consts`.
    pub consts: NodeId,
    /// `co_names`.
    pub names: NodeId,
    /// `co_varnames`.
    pub varnames: NodeId,
    /// `co_freevars`.
    pub freevars: NodeId,
    /// `co_cellvars`.
    pub cellvars: NodeId,
    /// `co_filename`.
    pub filename: NodeId,
    /// `co_name`.
    pub name: NodeId,
    /// `co_lnotab`.
    pub lnotab: NodeId,
}

impl CodeObject {
    /// The fields that are objects, with their names less `co_`, in the order in which they are written.
    pub fn fields(&self) -> [(&'static str, NodeId); 9] {
        [
            ("code", self.code),
            ("consts", self.consts),
            ("names", self.names),
            ("varnames", self.varnames),
            ("freevars", self.freevars),
            ("cellvars", self.cellvars),
            ("filename", self.filename),
            ("name", self.name),
            ("lnotab", self.lnotab),
        ]
    }
}

/// A code object of a tree, with CPython's attributes.
#[derive(Clone, Copy)]
pub struct Code<'t, 'a> {
    tree: &'t Tree<'a>,
    object: &'t CodeObject,
}

impl<'t, 'a> Code<'t, 'a> {
    pub(super) fn new(tree: &'t Tree<'a>, object: &'t CodeObject) -> Self {
        Code { tree, object }
    }

    /// The fields as written, with the nodes of the object fields.
    pub fn raw(self) -> &'t CodeObject {
        self.object
    }

    /// The tree it belongs to.
    pub fn tree(self) -> &'t Tree<'a> {
        self.tree
    }

    /// Its node; two code objects of one tree are the same object if their nodes are equal.
    pub fn node(self) -> NodeId {
        self.object.node
    }

    /// The byte offset at which it begins.
    pub fn offset(self) -> usize {
        self.tree.object(self.object.node).offset()
    }

    /// `co_argcount`: positional arguments, positional-only ones included.
    pub fn argcount(self) -> u32 {
        self.object.argcount.max(0).cast_unsigned()
    }

    /// `co_posonlyargcount`.
    pub fn posonlyargcount(self) -> u32 {
        self.object.posonlyargcount.max(0).cast_unsigned()
    }

    /// `co_kwonlyargcount`.
    pub fn kwonlyargcount(self) -> u32 {
        self.object.kwonlyargcount.max(0).cast_unsigned()
    }

    /// `co_nlocals`. Hostile input may give any number, also one that differs from the number of varnames.
    pub fn nlocals(self) -> u32 {
        self.object.nlocals.max(0).cast_unsigned()
    }

    /// `co_stacksize`. Hostile input may give any number.
    pub fn stacksize(self) -> u32 {
        self.object.stacksize.max(0).cast_unsigned()
    }

    /// `co_flags` as CPython shows it after loading: CO_NOFREE is made to fit the cell and free variables.
    pub fn flags(self) -> CodeFlags {
        let flags = CodeFlags(self.object.flags.cast_unsigned());
        let no_free = self.freevars().is_empty() && self.cellvars().is_empty();
        if no_free { flags.with(CodeFlags::NOFREE) } else { flags.without(CodeFlags::NOFREE) }
    }

    /// `co_code`: the bytecode.
    pub fn code(self) -> &'a [u8] {
        self.bytes(self.object.code)
    }

    /// `co_consts`.
    pub fn consts(self) -> Items<'t, 'a> {
        Items::new(self.tree.object(self.object.consts).resolve())
    }

    /// `co_names`: names of globals, attributes and imports.
    pub fn names(self) -> Names<'t, 'a> {
        self.strings(self.object.names)
    }

    /// `co_varnames`: names of the local variables, arguments first.
    pub fn varnames(self) -> Names<'t, 'a> {
        self.strings(self.object.varnames)
    }

    /// `co_freevars`: names of variables of enclosing functions.
    pub fn freevars(self) -> Names<'t, 'a> {
        self.strings(self.object.freevars)
    }

    /// `co_cellvars`: names of local variables that nested functions use.
    pub fn cellvars(self) -> Names<'t, 'a> {
        self.strings(self.object.cellvars)
    }

    /// `co_filename`.
    pub fn filename(self) -> Str<'a> {
        self.string(self.object.filename)
    }

    /// `co_name`.
    pub fn name(self) -> Str<'a> {
        self.string(self.object.name)
    }

    /// `co_firstlineno`.
    pub fn firstlineno(self) -> i32 {
        self.object.firstlineno
    }

    /// `co_lnotab`: pairs of address and line increments.
    pub fn lnotab(self) -> &'a [u8] {
        self.bytes(self.object.lnotab)
    }

    /// The code objects among its constants, in order.
    pub fn nested(self) -> impl Iterator<Item = Code<'t, 'a>> {
        self.consts().objects().filter_map(Object::as_code)
    }

    /// This code object and all nested ones, parents before children, each with its qualified name; an object that
    /// the input shares comes once, where it comes first. Uses no native recursion.
    pub fn walk(self) -> Walk<'t, 'a> {
        Walk { root: Some(self), scopes: Vec::new(), seen: HashSet::new(), budget: 2 * self.tree.data().len() }
    }

    /// Whether this is the code of a function, lambda or comprehension rather than of a module or class.
    fn is_function(self) -> bool {
        let needed = CodeFlags::OPTIMIZED.0 | CodeFlags::NEWLOCALS.0;
        self.flags().0 & needed == needed
    }

    /// Whether this is the code of a comprehension or generator expression.
    fn is_comprehension(self) -> bool {
        matches!(self.name().bytes(), b"<listcomp>" | b"<setcomp>" | b"<dictcomp>" | b"<genexpr>")
    }

    /// The names that this code stores with STORE_GLOBAL: those it declares global and binds.
    fn stored_globals(self) -> HashSet<&'a [u8]> {
        const STORE_GLOBAL: u8 = 97;
        const EXTENDED_ARG: u8 = 144;
        let mut stored = HashSet::new();
        let mut extended = 0u32;
        for pair in self.code().chunks_exact(2) {
            let &[opcode, arg] = pair else { break };
            let arg = extended | u32::from(arg);
            extended = if opcode == EXTENDED_ARG { arg << 8 } else { 0 };
            if opcode == STORE_GLOBAL {
                stored.extend(self.names().get(arg as usize).map(Str::bytes));
            }
        }
        stored
    }

    fn bytes(self, id: NodeId) -> &'a [u8] {
        match self.tree.object(id).resolve().payload() {
            Payload::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    fn string(self, id: NodeId) -> Str<'a> {
        match self.tree.object(id).resolve().payload() {
            Payload::Str(string) => string,
            _ => Str::latin1(&[], false),
        }
    }

    fn strings(self, id: NodeId) -> Names<'t, 'a> {
        Names(Items::new(self.tree.object(id).resolve()))
    }
}

impl std::fmt::Debug for Code<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Code({} at offset {})", self.name().to_string_lossy(), self.offset())
    }
}

/// The iterator of [`Code::walk`].
pub struct Walk<'t, 'a> {
    /// The outermost code object, until it has been given.
    root: Option<Code<'t, 'a>>,
    /// The code objects whose constants are being gone through, innermost last.
    scopes: Vec<Scope<'t, 'a>>,
    /// Nodes of code objects that have been given, and of tuples of constants that have been or are gone through.
    seen: HashSet<NodeId>,
    /// How many bytes of bytecode may still be searched for global names. It is enough for every file in which no two
    /// code objects share their bytecode; compilers write no others.
    budget: usize,
}

/// A code object whose constants are being gone through.
struct Scope<'t, 'a> {
    code: Code<'t, 'a>,
    next: usize,
    /// What stands before a nested name, such as `C.f.<locals>.`; empty in a module.
    prefix: String,
    /// The name of the innermost class around the constants, which mangles private names.
    class: Option<Str<'a>>,
    /// Names declared global here, which take no prefix.
    globals: HashSet<&'a [u8]>,
}

/// A code object met by [`Code::walk`].
#[derive(Clone, Debug)]
pub struct Nested<'t, 'a> {
    /// The code object.
    pub code: Code<'t, 'a>,
    /// Its qualified name as CPython's compiler gives it, such as `Class.method.<locals>.<listcomp>`: worked out from
    /// the nesting, since 3.8's code objects do not hold it. The outermost one's is its own name.
    ///
    /// Lone surrogates come out as U+FFFD. Names of absurd length are cut: see [`MAX_QUALNAME`].
    pub qualname: String,
    /// How many code objects enclose it on the way it was met.
    pub depth: usize,
}

/// Qualified names are cut to about this many bytes at either part (the prefix at its front, the name at its end), so
/// that hostile input which shares one long name between many code objects costs no more than its size.
pub const MAX_QUALNAME: usize = 2000;

impl<'t, 'a> Walk<'t, 'a> {
    fn enter(&mut self, code: Code<'t, 'a>, qualname: &str, class: Option<Str<'a>>, root: bool) {
        if code.consts().is_empty() || !self.seen.insert(code.consts().node()) {
            return;
        }
        let module = root && code.name().bytes() == b"<module>";
        let function = code.is_function();
        let mut prefix = String::new();
        if !module {
            prefix.push_str(qualname);
            prefix.push_str(if function && !code.is_comprehension() { ".<locals>." } else { "." });
            if prefix.len() > MAX_QUALNAME {
                let mut cut = prefix.len() - MAX_QUALNAME;
                while !prefix.is_char_boundary(cut) {
                    cut += 1;
                }
                prefix.replace_range(..cut, "...");
            }
        }
        let class = if module || function { class } else { Some(code.name()) };
        let len = code.code().len();
        let globals = if module || len > self.budget { HashSet::new() } else { code.stored_globals() };
        self.budget = self.budget.saturating_sub(len);
        self.scopes.push(Scope { code, next: 0, prefix, class, globals });
    }
}

impl<'t, 'a> Iterator for Walk<'t, 'a> {
    type Item = Nested<'t, 'a>;

    fn next(&mut self) -> Option<Nested<'t, 'a>> {
        if let Some(code) = self.root.take() {
            let qualname = code.name().cut(MAX_QUALNAME).to_string_lossy().into_owned();
            self.seen.insert(code.node());
            self.enter(code, &qualname, None, true);
            return Some(Nested { code, qualname, depth: 0 });
        }
        while let Some(scope) = self.scopes.last_mut() {
            let Some(object) = scope.code.consts().object(scope.next) else {
                self.scopes.pop();
                continue;
            };
            scope.next += 1;
            let Some(code) = object.as_code() else { continue };
            if !self.seen.insert(code.node()) {
                continue;
            }
            let name = code.name();
            let plain = name.cut(MAX_QUALNAME).to_string_lossy();
            let is_global = !scope.globals.is_empty() && scope.globals.contains(&*mangle(scope.class, name));
            let qualname = if is_global { plain.into_owned() } else { format!("{}{plain}", scope.prefix) };
            let class = scope.class;
            let depth = self.scopes.len();
            self.enter(code, &qualname, class, false);
            return Some(Nested { code, qualname, depth });
        }
        None
    }
}

/// A private name as the compiler mangles it inside a class: `__x` in `class C` is `_C__x`.
fn mangle<'a>(class: Option<Str<'a>>, name: Str<'a>) -> Cow<'a, [u8]> {
    let bytes = name.bytes();
    let class = class.map_or(&[][..], Str::bytes);
    let stripped = class.iter().position(|&byte| byte != b'_').and_then(|start| class.get(start..));
    match stripped {
        Some(class) if bytes.starts_with(b"__") && !bytes.ends_with(b"__") && !bytes.contains(&b'.') => {
            Cow::Owned([b"_", class, bytes].concat())
        }
        _ => Cow::Borrowed(bytes),
    }
}

/// A value in a tree, references resolved.
///
/// Containers may hold themselves (the input can say so), and may share parts so that a naive walk takes time
/// exponential in the input's size: whoever goes down keeps track of [`Items::node`].
#[derive(Clone, Copy, Debug)]
pub enum Constant<'t, 'a> {
    /// `None`.
    None,
    /// `True`.
    True,
    /// `False`.
    False,
    /// `Ellipsis`.
    Ellipsis,
    /// The exception class `StopIteration`.
    StopIteration,
    /// No object: CPython's NULL. Stands only where a dict ends.
    Null,
    /// An int of 64 bits, in whatever form it is written.
    Int(i64),
    /// A larger int.
    BigInt(Long<'a>),
    /// A float; NaN payloads and -0.0 are kept.
    Float(f64),
    /// A complex number: real and imaginary part.
    Complex(f64, f64),
    /// A str.
    Str(Str<'a>),
    /// A bytes object.
    Bytes(&'a [u8]),
    /// A tuple.
    Tuple(Items<'t, 'a>),
    /// A list.
    List(Items<'t, 'a>),
    /// A set: its elements as written, equal ones perhaps more than once.
    Set(Items<'t, 'a>),
    /// A frozenset: its elements as written, equal ones perhaps more than once.
    FrozenSet(Items<'t, 'a>),
    /// A dict.
    Dict(Dict<'t, 'a>),
    /// A code object.
    Code(Code<'t, 'a>),
}

impl Constant<'_, '_> {
    /// The name of its Python type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Constant::None => "NoneType",
            Constant::True | Constant::False => "bool",
            Constant::Ellipsis => "ellipsis",
            Constant::StopIteration => "type",
            Constant::Null => "NULL",
            Constant::Int(_) | Constant::BigInt(_) => "int",
            Constant::Float(_) => "float",
            Constant::Complex(..) => "complex",
            Constant::Str(_) => "str",
            Constant::Bytes(_) => "bytes",
            Constant::Tuple(_) => "tuple",
            Constant::List(_) => "list",
            Constant::Set(_) => "set",
            Constant::FrozenSet(_) => "frozenset",
            Constant::Dict(_) => "dict",
            Constant::Code(_) => "code",
        }
    }
}

/// The elements of a tuple, list, set or frozenset.
#[derive(Clone, Copy)]
pub struct Items<'t, 'a> {
    container: Object<'t, 'a>,
    ids: &'t [NodeId],
}

impl<'t, 'a> Items<'t, 'a> {
    pub(super) fn new(container: Object<'t, 'a>) -> Self {
        let ids = match container.payload() {
            Payload::Children(ids) => ids,
            _ => &[],
        };
        Items { container, ids }
    }

    /// The container's node: equal nodes are the same object.
    pub fn node(self) -> NodeId {
        self.container.id()
    }

    /// The number of elements.
    pub fn len(self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.ids.is_empty()
    }

    /// An element.
    pub fn get(self, index: usize) -> Option<Constant<'t, 'a>> {
        self.object(index).map(Object::constant)
    }

    /// An element as it is written, perhaps a reference.
    pub fn object(self, index: usize) -> Option<Object<'t, 'a>> {
        self.ids.get(index).map(|&id| self.container.tree().object(id))
    }

    /// The elements in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Constant<'t, 'a>> + DoubleEndedIterator {
        self.objects().map(Object::constant)
    }

    /// The elements as they are written, perhaps references.
    pub fn objects(self) -> impl ExactSizeIterator<Item = Object<'t, 'a>> + DoubleEndedIterator {
        self.ids.iter().map(move |&id| self.container.tree().object(id))
    }
}

impl std::fmt::Debug for Items<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} items of {:?}", self.len(), self.container)
    }
}

/// The keys and values of a dict as written, equal keys perhaps more than once.
#[derive(Clone, Copy, Debug)]
pub struct Dict<'t, 'a>(Items<'t, 'a>);

impl<'t, 'a> Dict<'t, 'a> {
    pub(super) fn new(container: Object<'t, 'a>) -> Self {
        Dict(Items::new(container))
    }

    /// The dict's node: equal nodes are the same object.
    pub fn node(self) -> NodeId {
        self.0.node()
    }

    /// The number of pairs. (The node's children also count the NULL at the end, and a key without value.)
    pub fn len(self) -> usize {
        self.0.len().saturating_sub(1) / 2
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The pairs in order.
    pub fn iter(self) -> impl Iterator<Item = (Constant<'t, 'a>, Constant<'t, 'a>)> {
        (0..self.len()).filter_map(move |index| Some((self.0.get(2 * index)?, self.0.get(2 * index + 1)?)))
    }
}

/// A tuple of strings: `co_names` and its kin.
#[derive(Clone, Copy, Debug)]
pub struct Names<'t, 'a>(Items<'t, 'a>);

impl<'t, 'a> Names<'t, 'a> {
    /// The tuple's node: equal nodes are the same object.
    pub fn node(self) -> NodeId {
        self.0.node()
    }

    /// The number of names.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// A name.
    pub fn get(self, index: usize) -> Option<Str<'a>> {
        self.0.object(index).and_then(as_str)
    }

    /// The names in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Str<'a>> {
        self.0.objects().filter_map(as_str)
    }

    /// The names as they are written, perhaps references.
    pub fn items(self) -> Items<'t, 'a> {
        self.0
    }
}

fn as_str<'a>(object: Object<'_, 'a>) -> Option<Str<'a>> {
    match object.resolve().payload() {
        Payload::Str(string) => Some(string),
        _ => None,
    }
}

/// A Python string: code points, lone surrogates among them, over the bytes of the input.
#[derive(Clone, Copy)]
pub struct Str<'a> {
    bytes: &'a [u8],
    /// One byte a character, else UTF-8 with surrogates.
    latin1: bool,
    interned: bool,
}

impl<'a> Str<'a> {
    /// A string of one byte a character.
    pub(super) fn latin1(bytes: &'a [u8], interned: bool) -> Self {
        Str { bytes, latin1: true, interned }
    }

    /// A string in UTF-8, lone surrogates allowed; the reader has checked it.
    pub(super) fn utf8(bytes: &'a [u8], interned: bool) -> Self {
        Str { bytes, latin1: false, interned }
    }

    /// The bytes as they stand in the input: UTF-8 (surrogates as three bytes), or one byte a character. The two differ
    /// only where CPython's writer never goes: the one-byte forms with bytes above 127.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Whether it is written in a form that tells the reader to intern it.
    pub fn is_interned(self) -> bool {
        self.interned
    }

    /// Whether it has no characters.
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The text, if it can be borrowed: it has no lone surrogates (nor one-byte characters above 127).
    pub fn as_str(self) -> Option<&'a str> {
        if self.latin1 && !self.bytes.is_ascii() { None } else { str::from_utf8(self.bytes).ok() }
    }

    /// The code points; surrogates are legal.
    pub fn code_points(self) -> CodePoints<'a> {
        CodePoints { string: self }
    }

    /// The text, lone surrogates replaced by U+FFFD.
    pub fn to_string_lossy(self) -> Cow<'a, str> {
        match self.as_str() {
            Some(text) => Cow::Borrowed(text),
            None => {
                self.code_points().map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
        }
    }

    /// Its beginning, of at most `len` bytes and whole characters.
    pub fn cut(self, len: usize) -> Str<'a> {
        let mut len = len.min(self.bytes.len());
        while !self.latin1 && len > 0 && self.bytes.get(len).is_some_and(|byte| byte & 0xC0 == 0x80) {
            len -= 1;
        }
        Str { bytes: self.bytes.get(..len).unwrap_or_default(), ..self }
    }
}

impl PartialEq for Str<'_> {
    /// Equal code points, as in Python; the form and interning do not count.
    fn eq(&self, other: &Self) -> bool {
        if self.latin1 == other.latin1 { self.bytes == other.bytes } else { self.code_points().eq(other.code_points()) }
    }
}

impl Eq for Str<'_> {}

impl PartialEq<str> for Str<'_> {
    fn eq(&self, other: &str) -> bool {
        *self == Str::utf8(other.as_bytes(), false)
    }
}

impl std::fmt::Debug for Str<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&*self.to_string_lossy(), f)
    }
}

/// The code points of a [`Str`].
#[derive(Clone)]
pub struct CodePoints<'a> {
    string: Str<'a>,
}

impl Iterator for CodePoints<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (&first, rest) = self.string.bytes.split_first()?;
        if self.string.latin1 || first < 0x80 {
            self.string.bytes = rest;
            return Some(first.into());
        }
        let (len, mut point) = match first {
            0..0xE0 => (1, u32::from(first & 0x1F)),
            0xE0..0xF0 => (2, u32::from(first & 0x0F)),
            0xF0.. => (3, u32::from(first & 0x07)),
        };
        let (tail, rest) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        for byte in tail {
            point = point << 6 | u32::from(byte & 0x3F);
        }
        self.string.bytes = rest;
        Some(point)
    }
}

/// An int in marshal's form: a sign, and digits of 15 bits, the lowest first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Long<'a> {
    negative: bool,
    /// Two bytes a digit, little-endian.
    digits: &'a [u8],
}

impl<'a> Long<'a> {
    pub(super) fn new(negative: bool, digits: &'a [u8]) -> Self {
        Long { negative, digits }
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.negative
    }

    /// The 15-bit digits, the lowest first; the last is not zero.
    pub fn digits(self) -> impl ExactSizeIterator<Item = u16> + DoubleEndedIterator + 'a {
        self.digits.chunks_exact(2).map(LittleEndian::read_u16)
    }

    /// The value, if it fits.
    pub fn to_i64(self) -> Option<i64> {
        if self.digits.len() > 10 {
            return None;
        }
        let magnitude = self.digits().rev().fold(0i128, |value, digit| value << 15 | i128::from(digit));
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    /// The value.
    pub fn to_bigint(self) -> BigInt {
        let mut words = Vec::with_capacity(self.digits.len() * 15 / 64 / 2 + 1);
        let (mut held, mut bits) = (0u64, 0);
        for digit in self.digits() {
            held |= u64::from(digit) << bits;
            bits += 15;
            if bits >= 32 {
                words.push(held as u32);
                held >>= 32;
                bits -= 32;
            }
        }
        words.push(held as u32);
        BigInt::from_slice(if self.negative { Sign::Minus } else { Sign::Plus }, &words)
    }
}

impl std::fmt::Debug for Long<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        write!(f, "Long({sign}{} digits)", self.digits().len())
    }
}
