//! The slot table of a type: the native entry points of every protocol, as CPython's `PyTypeObject` has them.

use super::buffer::Exporter;
use super::error::PyResult;
use super::value::Value;

/// Positional arguments, then keyword values; the names of the latter are a tuple of str.
pub type CallFn = fn(callable: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value>;
/// `__init__`.
pub type InitFn = fn(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()>;
/// One operand.
pub type UnaryFn = fn(&Value) -> PyResult<Value>;
/// Two operands; the result may be `NotImplemented`.
pub type BinaryFn = fn(&Value, &Value) -> PyResult<Value>;
/// `pow` with a modulus.
pub type TernaryFn = fn(&Value, &Value, &Value) -> PyResult<Value>;
/// A truth value.
pub type BoolFn = fn(&Value) -> PyResult<bool>;
/// A length.
pub type LenFn = fn(&Value) -> PyResult<usize>;
/// A hash.
pub type HashFn = fn(&Value) -> PyResult<i64>;
/// `x in container`.
pub type ContainsFn = fn(&Value, &Value) -> PyResult<bool>;
/// Stores, or deletes when the value is `None`.
pub type StoreFn = fn(&Value, &Value, Option<&Value>) -> PyResult<()>;
/// Item by machine index.
pub type ItemFn = fn(&Value, isize) -> PyResult<Value>;
/// Rich comparison.
pub type CompareFn = fn(&Value, &Value, Compare) -> PyResult<Value>;
/// The next item; `None` at the end.
pub type NextFn = fn(&Value) -> PyResult<Option<Value>>;
/// `__get__`: descriptor, instance if any, owner.
pub type GetFn = fn(&Value, Option<&Value>, &Value) -> PyResult<Value>;
/// `__del__`; errors are reported, not returned.
pub type FinalizeFn = fn(&Value);

/// A rich comparison operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Compare {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Compare {
    /// All, in CPython's order.
    pub const ALL: [Compare; 6] = [Compare::Lt, Compare::Le, Compare::Eq, Compare::Ne, Compare::Gt, Compare::Ge];

    /// The operator with the operands exchanged.
    pub fn swapped(self) -> Compare {
        match self {
            Compare::Lt => Compare::Gt,
            Compare::Le => Compare::Ge,
            Compare::Gt => Compare::Lt,
            Compare::Ge => Compare::Le,
            same => same,
        }
    }

    /// Whether an ordering satisfies the operator.
    #[inline]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Compare::Lt => ordering.is_lt(),
            Compare::Le => ordering.is_le(),
            Compare::Eq => ordering.is_eq(),
            Compare::Ne => ordering.is_ne(),
            Compare::Gt => ordering.is_gt(),
            Compare::Ge => ordering.is_ge(),
        }
    }

    /// The operator as written.
    pub fn symbol(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="][self as usize]
    }

    /// The method that implements it.
    pub fn method(self) -> &'static str {
        ["__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"][self as usize]
    }
}

/// A binary arithmetic operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `@`
    MatrixMultiply,
    /// `/`
    TrueDivide,
    /// `//`
    FloorDivide,
    /// `%`
    Remainder,
    /// `divmod()`
    Divmod,
    /// `**`
    Power,
    /// `<<`
    LeftShift,
    /// `>>`
    RightShift,
    /// `&`
    And,
    /// `^`
    Xor,
    /// `|`
    Or,
}

/// Number of [`BinaryOp`]s.
pub const BINARY_OPS: usize = 14;

impl BinaryOp {
    /// All of them.
    pub const ALL: [BinaryOp; BINARY_OPS] = {
        use BinaryOp::*;
        [
            Add,
            Subtract,
            Multiply,
            MatrixMultiply,
            TrueDivide,
            FloorDivide,
            Remainder,
            Divmod,
            Power,
            LeftShift,
            RightShift,
            And,
            Xor,
            Or,
        ]
    };

    /// The operator as error messages show it.
    pub fn symbol(self) -> &'static str {
        ["+", "-", "*", "@", "/", "//", "%", "divmod()", "** or pow()", "<<", ">>", "&", "^", "|"][self as usize]
    }

    /// The operator's in-place form as error messages show it.
    pub fn inplace_symbol(self) -> &'static str {
        ["+=", "-=", "*=", "@=", "/=", "//=", "%=", "divmod()", "**=", "<<=", ">>=", "&=", "^=", "|="][self as usize]
    }

    /// The method that implements it, its reflected form, its in-place form (none for divmod).
    pub fn methods(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            BinaryOp::Add => ("__add__", "__radd__", Some("__iadd__")),
            BinaryOp::Subtract => ("__sub__", "__rsub__", Some("__isub__")),
            BinaryOp::Multiply => ("__mul__", "__rmul__", Some("__imul__")),
            BinaryOp::MatrixMultiply => ("__matmul__", "__rmatmul__", Some("__imatmul__")),
            BinaryOp::TrueDivide => ("__truediv__", "__rtruediv__", Some("__itruediv__")),
            BinaryOp::FloorDivide => ("__floordiv__", "__rfloordiv__", Some("__ifloordiv__")),
            BinaryOp::Remainder => ("__mod__", "__rmod__", Some("__imod__")),
            BinaryOp::Divmod => ("__divmod__", "__rdivmod__", None),
            BinaryOp::Power => ("__pow__", "__rpow__", Some("__ipow__")),
            BinaryOp::LeftShift => ("__lshift__", "__rlshift__", Some("__ilshift__")),
            BinaryOp::RightShift => ("__rshift__", "__rrshift__", Some("__irshift__")),
            BinaryOp::And => ("__and__", "__rand__", Some("__iand__")),
            BinaryOp::Xor => ("__xor__", "__rxor__", Some("__ixor__")),
            BinaryOp::Or => ("__or__", "__ror__", Some("__ior__")),
        }
    }
}

/// The function of a slot, by the shape of its signature.
#[derive(Clone, Copy)]
pub enum SlotFn {
    /// See [`CallFn`]; also `__new__`, whose first operand is the type.
    Call(CallFn),
    /// See [`InitFn`].
    Init(InitFn),
    /// See [`UnaryFn`].
    Unary(UnaryFn),
    /// See [`BinaryFn`].
    Binary(BinaryFn),
    /// See [`TernaryFn`].
    Ternary(TernaryFn),
    /// See [`BoolFn`].
    Bool(BoolFn),
    /// See [`LenFn`].
    Len(LenFn),
    /// See [`HashFn`].
    Hash(HashFn),
    /// See [`ContainsFn`].
    Contains(ContainsFn),
    /// See [`StoreFn`].
    Store(StoreFn),
    /// See [`ItemFn`].
    Item(ItemFn),
    /// See [`CompareFn`].
    Compare(CompareFn),
    /// See [`NextFn`].
    Next(NextFn),
    /// See [`GetFn`].
    Get(GetFn),
    /// See [`FinalizeFn`].
    Finalize(FinalizeFn),
}

impl SlotFn {
    /// The function's address, for comparing identity.
    pub fn address(self) -> usize {
        match self {
            SlotFn::Call(f) => f as usize,
            SlotFn::Init(f) => f as usize,
            SlotFn::Unary(f) => f as usize,
            SlotFn::Binary(f) => f as usize,
            SlotFn::Ternary(f) => f as usize,
            SlotFn::Bool(f) => f as usize,
            SlotFn::Len(f) => f as usize,
            SlotFn::Hash(f) => f as usize,
            SlotFn::Contains(f) => f as usize,
            SlotFn::Store(f) => f as usize,
            SlotFn::Item(f) => f as usize,
            SlotFn::Compare(f) => f as usize,
            SlotFn::Next(f) => f as usize,
            SlotFn::Get(f) => f as usize,
            SlotFn::Finalize(f) => f as usize,
        }
    }
}

macro_rules! slots {
    ($($(#[$doc:meta])* $field:ident: $kind:ident($ty:ident) = $id:ident,)*) => {
        /// The native entry points of a type; `None` where it does not take part in the protocol.
        #[derive(Clone, Copy)]
        pub struct Slots {
            $($(#[$doc])* pub $field: Option<$ty>,)*
            /// Arithmetic, by [`BinaryOp`].
            pub binary: [Option<BinaryFn>; BINARY_OPS],
            /// In-place arithmetic, by [`BinaryOp`].
            pub inplace: [Option<BinaryFn>; BINARY_OPS],
            /// The buffer protocol. Classes have their builtin base's: see [`super::buffer::exporter_of`].
            pub buffer: Option<&'static Exporter>,
        }

        /// Names a slot.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum SlotId {
            $($(#[$doc])* $id,)*
            /// Arithmetic.
            Binary(BinaryOp),
            /// In-place arithmetic.
            Inplace(BinaryOp),
        }

        impl Slots {
            /// No slot filled.
            pub const EMPTY: Slots = Slots {
                $($field: None,)*
                binary: [None; BINARY_OPS],
                inplace: [None; BINARY_OPS],
                buffer: None,
            };

            /// Every slot's name but the arithmetic ones.
            pub const IDS: &'static [SlotId] = &[$(SlotId::$id,)*];

            /// The function in a slot.
            pub fn get(&self, id: SlotId) -> Option<SlotFn> {
                match id {
                    $(SlotId::$id => self.$field.map(SlotFn::$kind),)*
                    SlotId::Binary(op) => self.binary[op as usize].map(SlotFn::Binary),
                    SlotId::Inplace(op) => self.inplace[op as usize].map(SlotFn::Binary),
                }
            }

            /// Sets a slot; a function of another kind empties it.
            pub fn set(&mut self, id: SlotId, function: Option<SlotFn>) {
                match id {
                    $(SlotId::$id => self.$field = match function { Some(SlotFn::$kind(f)) => Some(f), _ => None },)*
                    SlotId::Binary(op) => {
                        self.binary[op as usize] = match function { Some(SlotFn::Binary(f)) => Some(f), _ => None }
                    }
                    SlotId::Inplace(op) => {
                        self.inplace[op as usize] = match function { Some(SlotFn::Binary(f)) => Some(f), _ => None }
                    }
                }
            }

            /// Fills every empty slot from a base type's.
            pub fn inherit(&mut self, base: &Slots) {
                $(if self.$field.is_none() { self.$field = base.$field; })*
                self.buffer = self.buffer.or(base.buffer);
                for i in 0..BINARY_OPS {
                    self.binary[i] = self.binary[i].or(base.binary[i]);
                    self.inplace[i] = self.inplace[i].or(base.inplace[i]);
                }
            }
        }
    };
}

slots! {
    /// `__call__`.
    call: Call(CallFn) = Call,
    /// `__new__`: the callable is the type.
    new: Call(CallFn) = New,
    /// `__init__`.
    init: Init(InitFn) = Init,
    /// `__del__`.
    finalize: Finalize(FinalizeFn) = Finalize,
    /// `__repr__`.
    repr: Unary(UnaryFn) = Repr,
    /// `__str__`.
    str: Unary(UnaryFn) = Str,
    /// `__hash__`.
    hash: Hash(HashFn) = Hash,
    /// `__getattribute__`.
    getattr: Binary(BinaryFn) = Getattr,
    /// `__setattr__` and `__delattr__`.
    setattr: Store(StoreFn) = Setattr,
    /// The six comparisons.
    compare: Compare(CompareFn) = Compare,
    /// `__iter__`.
    iter: Unary(UnaryFn) = Iter,
    /// `__next__`.
    next: Next(NextFn) = Next,
    /// `__get__`.
    descr_get: Get(GetFn) = DescrGet,
    /// `__set__` and `__delete__`.
    descr_set: Store(StoreFn) = DescrSet,
    /// `__neg__`.
    negative: Unary(UnaryFn) = Negative,
    /// `__pos__`.
    positive: Unary(UnaryFn) = Positive,
    /// `__abs__`.
    absolute: Unary(UnaryFn) = Absolute,
    /// `__invert__`.
    invert: Unary(UnaryFn) = Invert,
    /// `__int__`.
    int: Unary(UnaryFn) = Int,
    /// `__float__`.
    float: Unary(UnaryFn) = Float,
    /// `__index__`.
    index: Unary(UnaryFn) = Index,
    /// `__bool__`.
    bool: Bool(BoolFn) = Bool,
    /// `pow` with three arguments.
    power3: Ternary(TernaryFn) = Power3,
    /// `__len__`.
    length: Len(LenFn) = Length,
    /// `__getitem__`, any key.
    getitem: Binary(BinaryFn) = Getitem,
    /// `__setitem__` and `__delitem__`, any key.
    setitem: Store(StoreFn) = Setitem,
    /// `__getitem__` by machine index: what makes a type a sequence.
    item: Item(ItemFn) = Item,
    /// `__contains__`.
    contains: Contains(ContainsFn) = Contains,
    /// `+` of sequences.
    concat: Binary(BinaryFn) = Concat,
    /// `*` of a sequence by an int.
    repeat: Binary(BinaryFn) = Repeat,
    /// `+=` of sequences.
    inplace_concat: Binary(BinaryFn) = InplaceConcat,
    /// `*=` of a sequence by an int.
    inplace_repeat: Binary(BinaryFn) = InplaceRepeat,
    /// `__await__`.
    await_: Unary(UnaryFn) = Await,
    /// `__aiter__`.
    aiter: Unary(UnaryFn) = Aiter,
    /// `__anext__`.
    anext: Unary(UnaryFn) = Anext,
}
