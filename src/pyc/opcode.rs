//! The one table of CPython 3.8's opcodes: number, name, what the argument means, stack effect.
//!
//! Everything else that knows opcodes (disassembly, verification, translation) is derived from it.

/// What an instruction's argument means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// The opcode takes no argument; its argument byte is ignored.
    None,
    /// A number with a meaning of the opcode's own: a count of stack items, a depth, a variant.
    Raw,
    /// The upper bits of the next instruction's argument (`EXTENDED_ARG`).
    Extended,
    /// Index into `co_consts`.
    Const,
    /// Index into `co_names`.
    Name,
    /// Index into `co_varnames`.
    Local,
    /// Index into `co_cellvars + co_freevars`.
    Free,
    /// A target offset counted from the next instruction.
    JumpRel,
    /// A target offset counted from the code's start.
    JumpAbs,
    /// Index into [`COMPARE_OPS`].
    Compare,
    /// `FORMAT_VALUE`'s flags: a conversion (0 none, 1 str, 2 repr, 3 ascii), plus 4 if a format spec is on the stack.
    FormatFlags,
    /// `MAKE_FUNCTION`'s flags: 1 defaults, 2 keyword defaults, 4 annotations, 8 closure.
    MakeFunctionFlags,
}

/// Which way out of an instruction a stack effect is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the next instruction.
    Next,
    /// To the jump target or, for `SETUP_*`, to the handler.
    Jump,
    /// The larger of both (what `dis.stack_effect` calls `jump=None`).
    Either,
}

/// A number of stack items as the table states it.
enum Effect {
    Fixed(i8),
    Arg(fn(i64) -> i64),
    Branch { next: i8, jump: i8 },
}

/// `COMPARE_OP`'s operators, by argument. The last one is never compiled.
pub const COMPARE_OPS: [&str; 12] =
    ["<", "<=", "==", "!=", ">", ">=", "in", "not in", "is", "is not", "exception match", "BAD"];

/// Opcodes from this number on take an argument.
pub const HAVE_ARGUMENT: u8 = 90;

macro_rules! opcodes {
    ($($variant:ident = $number:literal, $name:literal, $kind:ident, $operands:expr, $effect:expr;)*) => {
        /// An opcode of CPython 3.8, its discriminant being its number in the bytecode.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Opcode { $($variant = $number,)* }

        impl Opcode {
            /// Every opcode, by number.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$variant,)*];

            /// CPython's name of it, such as `LOAD_FAST`.
            pub const fn name(self) -> &'static str {
                match self { $(Opcode::$variant => $name,)* }
            }

            /// What its argument means.
            pub const fn arg_kind(self) -> ArgKind {
                match self { $(Opcode::$variant => ArgKind::$kind,)* }
            }

            const fn operand_count(self) -> Effect {
                use Effect::{Arg, Fixed};
                match self { $(Opcode::$variant => $operands,)* }
            }

            const fn effect(self) -> Effect {
                use Effect::{Arg, Branch, Fixed};
                match self { $(Opcode::$variant => $effect,)* }
            }
        }

        static BY_BYTE: [Option<Opcode>; 256] = {
            let mut table = [None; 256];
            $(table[$number] = Some(Opcode::$variant);)*
            table
        };
    };
}

// Variant = number, "name", argument kind, operands, stack effect.
// Operands: how many of the topmost stack items it takes or replaces; items it only reads (DUP_TOP, LIST_APPEND's list)
// do not count. Effect: counted as by stack_effect of CPython's compile.c. Both are Fixed, or Arg(a function of the
// argument); an effect is a Branch when it differs between falling through and jumping.
#[rustfmt::skip]
opcodes! {
    PopTop = 1, "POP_TOP", None, Fixed(1), Fixed(-1);
    RotTwo = 2, "ROT_TWO", None, Fixed(2), Fixed(0);
    RotThree = 3, "ROT_THREE", None, Fixed(3), Fixed(0);
    DupTop = 4, "DUP_TOP", None, Fixed(0), Fixed(1);
    DupTopTwo = 5, "DUP_TOP_TWO", None, Fixed(0), Fixed(2);
    RotFour = 6, "ROT_FOUR", None, Fixed(4), Fixed(0);
    Nop = 9, "NOP", None, Fixed(0), Fixed(0);
    UnaryPositive = 10, "UNARY_POSITIVE", None, Fixed(1), Fixed(0);
    UnaryNegative = 11, "UNARY_NEGATIVE", None, Fixed(1), Fixed(0);
    UnaryNot = 12, "UNARY_NOT", None, Fixed(1), Fixed(0);
    UnaryInvert = 15, "UNARY_INVERT", None, Fixed(1), Fixed(0);
    BinaryMatrixMultiply = 16, "BINARY_MATRIX_MULTIPLY", None, Fixed(2), Fixed(-1);
    InplaceMatrixMultiply = 17, "INPLACE_MATRIX_MULTIPLY", None, Fixed(2), Fixed(-1);
    BinaryPower = 19, "BINARY_POWER", None, Fixed(2), Fixed(-1);
    BinaryMultiply = 20, "BINARY_MULTIPLY", None, Fixed(2), Fixed(-1);
    BinaryModulo = 22, "BINARY_MODULO", None, Fixed(2), Fixed(-1);
    BinaryAdd = 23, "BINARY_ADD", None, Fixed(2), Fixed(-1);
    BinarySubtract = 24, "BINARY_SUBTRACT", None, Fixed(2), Fixed(-1);
    BinarySubscr = 25, "BINARY_SUBSCR", None, Fixed(2), Fixed(-1);
    BinaryFloorDivide = 26, "BINARY_FLOOR_DIVIDE", None, Fixed(2), Fixed(-1);
    BinaryTrueDivide = 27, "BINARY_TRUE_DIVIDE", None, Fixed(2), Fixed(-1);
    InplaceFloorDivide = 28, "INPLACE_FLOOR_DIVIDE", None, Fixed(2), Fixed(-1);
    InplaceTrueDivide = 29, "INPLACE_TRUE_DIVIDE", None, Fixed(2), Fixed(-1);
    GetAiter = 50, "GET_AITER", None, Fixed(1), Fixed(0);
    GetAnext = 51, "GET_ANEXT", None, Fixed(0), Fixed(1);
    BeforeAsyncWith = 52, "BEFORE_ASYNC_WITH", None, Fixed(1), Fixed(1);
    BeginFinally = 53, "BEGIN_FINALLY", None, Fixed(0), Fixed(6);
    EndAsyncFor = 54, "END_ASYNC_FOR", None, Fixed(7), Fixed(-7);
    InplaceAdd = 55, "INPLACE_ADD", None, Fixed(2), Fixed(-1);
    InplaceSubtract = 56, "INPLACE_SUBTRACT", None, Fixed(2), Fixed(-1);
    InplaceMultiply = 57, "INPLACE_MULTIPLY", None, Fixed(2), Fixed(-1);
    InplaceModulo = 59, "INPLACE_MODULO", None, Fixed(2), Fixed(-1);
    StoreSubscr = 60, "STORE_SUBSCR", None, Fixed(3), Fixed(-3);
    DeleteSubscr = 61, "DELETE_SUBSCR", None, Fixed(2), Fixed(-2);
    BinaryLshift = 62, "BINARY_LSHIFT", None, Fixed(2), Fixed(-1);
    BinaryRshift = 63, "BINARY_RSHIFT", None, Fixed(2), Fixed(-1);
    BinaryAnd = 64, "BINARY_AND", None, Fixed(2), Fixed(-1);
    BinaryXor = 65, "BINARY_XOR", None, Fixed(2), Fixed(-1);
    BinaryOr = 66, "BINARY_OR", None, Fixed(2), Fixed(-1);
    InplacePower = 67, "INPLACE_POWER", None, Fixed(2), Fixed(-1);
    GetIter = 68, "GET_ITER", None, Fixed(1), Fixed(0);
    GetYieldFromIter = 69, "GET_YIELD_FROM_ITER", None, Fixed(1), Fixed(0);
    PrintExpr = 70, "PRINT_EXPR", None, Fixed(1), Fixed(-1);
    LoadBuildClass = 71, "LOAD_BUILD_CLASS", None, Fixed(0), Fixed(1);
    YieldFrom = 72, "YIELD_FROM", None, Fixed(2), Fixed(-1);
    GetAwaitable = 73, "GET_AWAITABLE", None, Fixed(1), Fixed(0);
    InplaceLshift = 75, "INPLACE_LSHIFT", None, Fixed(2), Fixed(-1);
    InplaceRshift = 76, "INPLACE_RSHIFT", None, Fixed(2), Fixed(-1);
    InplaceAnd = 77, "INPLACE_AND", None, Fixed(2), Fixed(-1);
    InplaceXor = 78, "INPLACE_XOR", None, Fixed(2), Fixed(-1);
    InplaceOr = 79, "INPLACE_OR", None, Fixed(2), Fixed(-1);
    WithCleanupStart = 81, "WITH_CLEANUP_START", None, Fixed(7), Fixed(2);
    WithCleanupFinish = 82, "WITH_CLEANUP_FINISH", None, Fixed(2), Fixed(-3);
    ReturnValue = 83, "RETURN_VALUE", None, Fixed(1), Fixed(-1);
    ImportStar = 84, "IMPORT_STAR", None, Fixed(1), Fixed(-1);
    SetupAnnotations = 85, "SETUP_ANNOTATIONS", None, Fixed(0), Fixed(0);
    YieldValue = 86, "YIELD_VALUE", None, Fixed(1), Fixed(0);
    PopBlock = 87, "POP_BLOCK", None, Fixed(0), Fixed(0);
    EndFinally = 88, "END_FINALLY", None, Fixed(6), Fixed(-6);
    PopExcept = 89, "POP_EXCEPT", None, Fixed(3), Fixed(-3);
    StoreName = 90, "STORE_NAME", Name, Fixed(1), Fixed(-1);
    DeleteName = 91, "DELETE_NAME", Name, Fixed(0), Fixed(0);
    UnpackSequence = 92, "UNPACK_SEQUENCE", Raw, Fixed(1), Arg(|n| n - 1);
    ForIter = 93, "FOR_ITER", JumpRel, Fixed(1), Branch { next: 1, jump: -1 };
    UnpackEx = 94, "UNPACK_EX", Raw, Fixed(1), Arg(|n| (n & 0xff) + (n >> 8));
    StoreAttr = 95, "STORE_ATTR", Name, Fixed(2), Fixed(-2);
    DeleteAttr = 96, "DELETE_ATTR", Name, Fixed(1), Fixed(-1);
    StoreGlobal = 97, "STORE_GLOBAL", Name, Fixed(1), Fixed(-1);
    DeleteGlobal = 98, "DELETE_GLOBAL", Name, Fixed(0), Fixed(0);
    LoadConst = 100, "LOAD_CONST", Const, Fixed(0), Fixed(1);
    LoadName = 101, "LOAD_NAME", Name, Fixed(0), Fixed(1);
    BuildTuple = 102, "BUILD_TUPLE", Raw, Arg(|n| n), Arg(|n| 1 - n);
    BuildList = 103, "BUILD_LIST", Raw, Arg(|n| n), Arg(|n| 1 - n);
    BuildSet = 104, "BUILD_SET", Raw, Arg(|n| n), Arg(|n| 1 - n);
    BuildMap = 105, "BUILD_MAP", Raw, Arg(|n| 2 * n), Arg(|n| 1 - 2 * n);
    LoadAttr = 106, "LOAD_ATTR", Name, Fixed(1), Fixed(0);
    CompareOp = 107, "COMPARE_OP", Compare, Fixed(2), Fixed(-1);
    ImportName = 108, "IMPORT_NAME", Name, Fixed(2), Fixed(-1);
    ImportFrom = 109, "IMPORT_FROM", Name, Fixed(0), Fixed(1);
    JumpForward = 110, "JUMP_FORWARD", JumpRel, Fixed(0), Fixed(0);
    JumpIfFalseOrPop = 111, "JUMP_IF_FALSE_OR_POP", JumpAbs, Fixed(1), Branch { next: -1, jump: 0 };
    JumpIfTrueOrPop = 112, "JUMP_IF_TRUE_OR_POP", JumpAbs, Fixed(1), Branch { next: -1, jump: 0 };
    JumpAbsolute = 113, "JUMP_ABSOLUTE", JumpAbs, Fixed(0), Fixed(0);
    PopJumpIfFalse = 114, "POP_JUMP_IF_FALSE", JumpAbs, Fixed(1), Fixed(-1);
    PopJumpIfTrue = 115, "POP_JUMP_IF_TRUE", JumpAbs, Fixed(1), Fixed(-1);
    LoadGlobal = 116, "LOAD_GLOBAL", Name, Fixed(0), Fixed(1);
    SetupFinally = 122, "SETUP_FINALLY", JumpRel, Fixed(0), Branch { next: 0, jump: 6 };
    LoadFast = 124, "LOAD_FAST", Local, Fixed(0), Fixed(1);
    StoreFast = 125, "STORE_FAST", Local, Fixed(1), Fixed(-1);
    DeleteFast = 126, "DELETE_FAST", Local, Fixed(0), Fixed(0);
    RaiseVarargs = 130, "RAISE_VARARGS", Raw, Arg(|n| n), Arg(|n| -n);
    CallFunction = 131, "CALL_FUNCTION", Raw, Arg(|n| n + 1), Arg(|n| -n);
    MakeFunction = 132, "MAKE_FUNCTION", MakeFunctionFlags, Arg(|f| 2 + i64::from((f & 15).count_ones())), Arg(|f| -1 - i64::from((f & 15).count_ones()));
    BuildSlice = 133, "BUILD_SLICE", Raw, Arg(|n| if n == 3 { 3 } else { 2 }), Arg(|n| if n == 3 { -2 } else { -1 });
    LoadClosure = 135, "LOAD_CLOSURE", Free, Fixed(0), Fixed(1);
    LoadDeref = 136, "LOAD_DEREF", Free, Fixed(0), Fixed(1);
    StoreDeref = 137, "STORE_DEREF", Free, Fixed(1), Fixed(-1);
    DeleteDeref = 138, "DELETE_DEREF", Free, Fixed(0), Fixed(0);
    CallFunctionKw = 141, "CALL_FUNCTION_KW", Raw, Arg(|n| n + 2), Arg(|n| -n - 1);
    CallFunctionEx = 142, "CALL_FUNCTION_EX", Raw, Arg(|f| 2 + (f & 1)), Arg(|f| -1 - (f & 1));
    SetupWith = 143, "SETUP_WITH", JumpRel, Fixed(1), Branch { next: 1, jump: 6 };
    ExtendedArg = 144, "EXTENDED_ARG", Extended, Fixed(0), Fixed(0);
    ListAppend = 145, "LIST_APPEND", Raw, Fixed(1), Fixed(-1);
    SetAdd = 146, "SET_ADD", Raw, Fixed(1), Fixed(-1);
    MapAdd = 147, "MAP_ADD", Raw, Fixed(2), Fixed(-2);
    LoadClassderef = 148, "LOAD_CLASSDEREF", Free, Fixed(0), Fixed(1);
    BuildListUnpack = 149, "BUILD_LIST_UNPACK", Raw, Arg(|n| n), Arg(|n| 1 - n);
    BuildMapUnpack = 150, "BUILD_MAP_UNPACK", Raw, Arg(|n| n), Arg(|n| 1 - n);
    BuildMapUnpackWithCall = 151, "BUILD_MAP_UNPACK_WITH_CALL", Raw, Arg(|n| n), Arg(|n| 1 - n);
    BuildTupleUnpack = 152, "BUILD_TUPLE_UNPACK", Raw, Arg(|n| n), Arg(|n| 1 - n);
    BuildSetUnpack = 153, "BUILD_SET_UNPACK", Raw, Arg(|n| n), Arg(|n| 1 - n);
    SetupAsyncWith = 154, "SETUP_ASYNC_WITH", JumpRel, Fixed(1), Branch { next: 0, jump: 5 };
    FormatValue = 155, "FORMAT_VALUE", FormatFlags, Arg(|f| if f & 4 != 0 { 2 } else { 1 }), Arg(|f| if f & 4 != 0 { -1 } else { 0 });
    BuildConstKeyMap = 156, "BUILD_CONST_KEY_MAP", Raw, Arg(|n| n + 1), Arg(|n| -n);
    BuildString = 157, "BUILD_STRING", Raw, Arg(|n| n), Arg(|n| 1 - n);
    BuildTupleUnpackWithCall = 158, "BUILD_TUPLE_UNPACK_WITH_CALL", Raw, Arg(|n| n), Arg(|n| 1 - n);
    LoadMethod = 160, "LOAD_METHOD", Name, Fixed(1), Fixed(1);
    CallMethod = 161, "CALL_METHOD", Raw, Arg(|n| n + 2), Arg(|n| -n - 1);
    CallFinally = 162, "CALL_FINALLY", JumpRel, Fixed(0), Branch { next: 0, jump: 1 };
    PopFinally = 163, "POP_FINALLY", Raw, Arg(|f| if f == 0 { 6 } else { 7 }), Fixed(-6);
}

impl Opcode {
    /// The opcode a bytecode byte stands for, `None` if 3.8 has none of that number.
    #[inline]
    pub fn from_byte(byte: u8) -> Option<Opcode> {
        BY_BYTE[usize::from(byte)]
    }

    /// Whether the argument byte means anything.
    #[inline]
    pub const fn has_arg(self) -> bool {
        self as u8 >= HAVE_ARGUMENT
    }

    /// How many of the topmost stack items the instruction takes or replaces; items that it only reads do not count.
    ///
    /// The six items of the `finally` protocol count as six, whatever is in them.
    pub fn operands(self, arg: u32) -> u64 {
        match self.operand_count() {
            Effect::Fixed(n) => n.unsigned_abs().into(),
            Effect::Arg(f) => f(i64::from(arg)).unsigned_abs(),
            Effect::Branch { .. } => 0,
        }
    }

    /// How much the stack grows, as CPython's `dis.stack_effect(opcode, arg, jump=...)`; `None` if the number does not
    /// fit, which only a hostile argument can bring about.
    ///
    /// `CALL_FINALLY` counts 1 on its jump, the return address; [`verify`](super::verify) counts 6 there.
    pub fn stack_effect(self, arg: u32, flow: Flow) -> Option<i32> {
        match self.effect() {
            Effect::Fixed(n) => Some(i32::from(n)),
            Effect::Arg(f) => i32::try_from(f(i64::from(arg))).ok(),
            Effect::Branch { next, jump } => Some(i32::from(match flow {
                Flow::Next => next,
                Flow::Jump => jump,
                // CPython's stack_effect(FOR_ITER) with jump=None is the value for going on, which is the larger.
                Flow::Either => next.max(jump),
            })),
        }
    }

    /// How many ordinary stack items the instruction takes and how much the stack grows, if that is fixed and control
    /// goes on to the next instruction with the same blocks open.
    pub(super) const fn plain_effect(self) -> Option<(u8, i8)> {
        use Opcode::*;
        if matches!(
            self,
            JumpForward
                | JumpAbsolute
                | ReturnValue
                | PopJumpIfFalse
                | PopJumpIfTrue
                | PopBlock
                | BeginFinally
                | PopExcept
                | EndFinally
                | PopFinally
                | EndAsyncFor
                | WithCleanupStart
                | WithCleanupFinish
                | RotFour
                | LoadMethod
                | DupTop
                | DupTopTwo
                | ImportFrom
                | GetAnext
                | ListAppend
                | SetAdd
                | MapAdd
                | ExtendedArg
        ) {
            return None;
        }
        match (self.operand_count(), self.effect()) {
            (Effect::Fixed(operands), Effect::Fixed(effect)) => Some((operands as u8, effect)),
            _ => None,
        }
    }

    /// The offset a jump goes to; `None` if this is no jump or the offset overflows.
    ///
    /// `next` is the offset of the instruction after this one.
    pub fn jump_target(self, arg: u32, next: u32) -> Option<u32> {
        match self.arg_kind() {
            ArgKind::JumpRel => next.checked_add(arg),
            ArgKind::JumpAbs => Some(arg),
            _ => None,
        }
    }
}

/// One instruction, its `EXTENDED_ARG` prefixes folded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Offset of the opcode itself.
    pub offset: u32,
    /// Offset of the first `EXTENDED_ARG` before it, or `offset`: where a jump to this instruction lands.
    pub first_offset: u32,
    /// The opcode's byte, perhaps unknown.
    pub opcode: u8,
    /// The whole argument; bits that a fourth prefix would shift out are lost, as in CPython's loop.
    pub arg: u32,
}

impl Instruction {
    /// The opcode, if it is a known one.
    #[inline]
    pub fn op(&self) -> Option<Opcode> {
        Opcode::from_byte(self.opcode)
    }

    /// The offset of the instruction after it.
    #[inline]
    pub fn next_offset(&self) -> u32 {
        self.offset.saturating_add(2)
    }
}

/// Iterates over the instructions of a `co_code`, folding `EXTENDED_ARG`.
///
/// A lone last byte is not an instruction and is left out. A prefix with no instruction after it comes out as an
/// instruction of its own.
#[derive(Clone, Debug)]
pub struct Instructions<'a> {
    code: &'a [u8],
    at: usize,
}

impl<'a> Instructions<'a> {
    /// Starts at the beginning of `code`. Only the first 4 GiB are looked at.
    pub fn new(code: &'a [u8]) -> Self {
        Instructions { code, at: 0 }
    }

    /// Starts at `offset`, which ought to be an instruction's start.
    pub fn from_offset(code: &'a [u8], offset: u32) -> Self {
        Instructions { code, at: offset as usize }
    }

    fn word(&self, at: usize) -> Option<(u8, u8)> {
        let &[opcode, arg] = self.code.get(at..at.checked_add(2)?)? else { return None };
        Some((opcode, arg))
    }
}

impl Iterator for Instructions<'_> {
    type Item = Instruction;

    #[inline]
    fn next(&mut self) -> Option<Instruction> {
        let first_offset = u32::try_from(self.at).ok()?;
        let &[mut opcode, low] = self.code.get(self.at..)?.first_chunk()?;
        let mut arg = u32::from(low);
        if opcode != Opcode::ExtendedArg as u8 {
            self.at += 2;
            return Some(Instruction { offset: first_offset, first_offset, opcode, arg });
        }
        while opcode == Opcode::ExtendedArg as u8 {
            let Some((next, low)) = self.word(self.at + 2) else { break };
            self.at += 2;
            opcode = next;
            arg = arg << 8 | u32::from(low);
        }
        let offset = u32::try_from(self.at).ok()?;
        self.at += 2;
        Some(Instruction { offset, first_offset, opcode, arg })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `NAME ARG EITHER NEXT JUMP`: what `dis.stack_effect` of CPython 3.8.18 answers; `*` is any argument.
    const STACK_EFFECTS: &str = "
        POP_TOP * -1 -1 -1
        ROT_TWO * 0 0 0
        ROT_THREE * 0 0 0
        DUP_TOP * 1 1 1
        DUP_TOP_TWO * 2 2 2
        ROT_FOUR * 0 0 0
        NOP * 0 0 0
        UNARY_POSITIVE * 0 0 0
        UNARY_NEGATIVE * 0 0 0
        UNARY_NOT * 0 0 0
        UNARY_INVERT * 0 0 0
        BINARY_MATRIX_MULTIPLY * -1 -1 -1
        INPLACE_MATRIX_MULTIPLY * -1 -1 -1
        BINARY_POWER * -1 -1 -1
        BINARY_MULTIPLY * -1 -1 -1
        BINARY_MODULO * -1 -1 -1
        BINARY_ADD * -1 -1 -1
        BINARY_SUBTRACT * -1 -1 -1
        BINARY_SUBSCR * -1 -1 -1
        BINARY_FLOOR_DIVIDE * -1 -1 -1
        BINARY_TRUE_DIVIDE * -1 -1 -1
        INPLACE_FLOOR_DIVIDE * -1 -1 -1
        INPLACE_TRUE_DIVIDE * -1 -1 -1
        GET_AITER * 0 0 0
        GET_ANEXT * 1 1 1
        BEFORE_ASYNC_WITH * 1 1 1
        BEGIN_FINALLY * 6 6 6
        END_ASYNC_FOR * -7 -7 -7
        INPLACE_ADD * -1 -1 -1
        INPLACE_SUBTRACT * -1 -1 -1
        INPLACE_MULTIPLY * -1 -1 -1
        INPLACE_MODULO * -1 -1 -1
        STORE_SUBSCR * -3 -3 -3
        DELETE_SUBSCR * -2 -2 -2
        BINARY_LSHIFT * -1 -1 -1
        BINARY_RSHIFT * -1 -1 -1
        BINARY_AND * -1 -1 -1
        BINARY_XOR * -1 -1 -1
        BINARY_OR * -1 -1 -1
        INPLACE_POWER * -1 -1 -1
        GET_ITER * 0 0 0
        GET_YIELD_FROM_ITER * 0 0 0
        PRINT_EXPR * -1 -1 -1
        LOAD_BUILD_CLASS * 1 1 1
        YIELD_FROM * -1 -1 -1
        GET_AWAITABLE * 0 0 0
        INPLACE_LSHIFT * -1 -1 -1
        INPLACE_RSHIFT * -1 -1 -1
        INPLACE_AND * -1 -1 -1
        INPLACE_XOR * -1 -1 -1
        INPLACE_OR * -1 -1 -1
        WITH_CLEANUP_START * 2 2 2
        WITH_CLEANUP_FINISH * -3 -3 -3
        RETURN_VALUE * -1 -1 -1
        IMPORT_STAR * -1 -1 -1
        SETUP_ANNOTATIONS * 0 0 0
        YIELD_VALUE * 0 0 0
        POP_BLOCK * 0 0 0
        END_FINALLY * -6 -6 -6
        POP_EXCEPT * -3 -3 -3
        STORE_NAME * -1 -1 -1
        DELETE_NAME * 0 0 0
        UNPACK_SEQUENCE 0 -1 -1 -1
        UNPACK_SEQUENCE 1 0 0 0
        UNPACK_SEQUENCE 2 1 1 1
        UNPACK_SEQUENCE 3 2 2 2
        UNPACK_SEQUENCE 4 3 3 3
        UNPACK_SEQUENCE 7 6 6 6
        UNPACK_SEQUENCE 255 254 254 254
        UNPACK_SEQUENCE 258 257 257 257
        UNPACK_SEQUENCE 65535 65534 65534 65534
        FOR_ITER * 1 1 -1
        UNPACK_EX 0 0 0 0
        UNPACK_EX 1 1 1 1
        UNPACK_EX 2 2 2 2
        UNPACK_EX 3 3 3 3
        UNPACK_EX 4 4 4 4
        UNPACK_EX 7 7 7 7
        UNPACK_EX 255 255 255 255
        UNPACK_EX 258 3 3 3
        UNPACK_EX 65535 510 510 510
        STORE_ATTR * -2 -2 -2
        DELETE_ATTR * -1 -1 -1
        STORE_GLOBAL * -1 -1 -1
        DELETE_GLOBAL * 0 0 0
        LOAD_CONST * 1 1 1
        LOAD_NAME * 1 1 1
        BUILD_TUPLE 0 1 1 1
        BUILD_TUPLE 1 0 0 0
        BUILD_TUPLE 2 -1 -1 -1
        BUILD_TUPLE 3 -2 -2 -2
        BUILD_TUPLE 4 -3 -3 -3
        BUILD_TUPLE 7 -6 -6 -6
        BUILD_TUPLE 255 -254 -254 -254
        BUILD_TUPLE 258 -257 -257 -257
        BUILD_TUPLE 65535 -65534 -65534 -65534
        BUILD_LIST 0 1 1 1
        BUILD_LIST 1 0 0 0
        BUILD_LIST 2 -1 -1 -1
        BUILD_LIST 3 -2 -2 -2
        BUILD_LIST 4 -3 -3 -3
        BUILD_LIST 7 -6 -6 -6
        BUILD_LIST 255 -254 -254 -254
        BUILD_LIST 258 -257 -257 -257
        BUILD_LIST 65535 -65534 -65534 -65534
        BUILD_SET 0 1 1 1
        BUILD_SET 1 0 0 0
        BUILD_SET 2 -1 -1 -1
        BUILD_SET 3 -2 -2 -2
        BUILD_SET 4 -3 -3 -3
        BUILD_SET 7 -6 -6 -6
        BUILD_SET 255 -254 -254 -254
        BUILD_SET 258 -257 -257 -257
        BUILD_SET 65535 -65534 -65534 -65534
        BUILD_MAP 0 1 1 1
        BUILD_MAP 1 -1 -1 -1
        BUILD_MAP 2 -3 -3 -3
        BUILD_MAP 3 -5 -5 -5
        BUILD_MAP 4 -7 -7 -7
        BUILD_MAP 7 -13 -13 -13
        BUILD_MAP 255 -509 -509 -509
        BUILD_MAP 258 -515 -515 -515
        BUILD_MAP 65535 -131069 -131069 -131069
        LOAD_ATTR * 0 0 0
        COMPARE_OP * -1 -1 -1
        IMPORT_NAME * -1 -1 -1
        IMPORT_FROM * 1 1 1
        JUMP_FORWARD * 0 0 0
        JUMP_IF_FALSE_OR_POP * 0 -1 0
        JUMP_IF_TRUE_OR_POP * 0 -1 0
        JUMP_ABSOLUTE * 0 0 0
        POP_JUMP_IF_FALSE * -1 -1 -1
        POP_JUMP_IF_TRUE * -1 -1 -1
        LOAD_GLOBAL * 1 1 1
        SETUP_FINALLY * 6 0 6
        LOAD_FAST * 1 1 1
        STORE_FAST * -1 -1 -1
        DELETE_FAST * 0 0 0
        RAISE_VARARGS 0 0 0 0
        RAISE_VARARGS 1 -1 -1 -1
        RAISE_VARARGS 2 -2 -2 -2
        RAISE_VARARGS 3 -3 -3 -3
        RAISE_VARARGS 4 -4 -4 -4
        RAISE_VARARGS 7 -7 -7 -7
        RAISE_VARARGS 255 -255 -255 -255
        RAISE_VARARGS 258 -258 -258 -258
        RAISE_VARARGS 65535 -65535 -65535 -65535
        CALL_FUNCTION 0 0 0 0
        CALL_FUNCTION 1 -1 -1 -1
        CALL_FUNCTION 2 -2 -2 -2
        CALL_FUNCTION 3 -3 -3 -3
        CALL_FUNCTION 4 -4 -4 -4
        CALL_FUNCTION 7 -7 -7 -7
        CALL_FUNCTION 255 -255 -255 -255
        CALL_FUNCTION 258 -258 -258 -258
        CALL_FUNCTION 65535 -65535 -65535 -65535
        MAKE_FUNCTION 0 -1 -1 -1
        MAKE_FUNCTION 1 -2 -2 -2
        MAKE_FUNCTION 2 -2 -2 -2
        MAKE_FUNCTION 3 -3 -3 -3
        MAKE_FUNCTION 4 -2 -2 -2
        MAKE_FUNCTION 7 -4 -4 -4
        MAKE_FUNCTION 255 -5 -5 -5
        MAKE_FUNCTION 258 -2 -2 -2
        MAKE_FUNCTION 65535 -5 -5 -5
        BUILD_SLICE 0 -1 -1 -1
        BUILD_SLICE 1 -1 -1 -1
        BUILD_SLICE 2 -1 -1 -1
        BUILD_SLICE 3 -2 -2 -2
        BUILD_SLICE 4 -1 -1 -1
        BUILD_SLICE 7 -1 -1 -1
        BUILD_SLICE 255 -1 -1 -1
        BUILD_SLICE 258 -1 -1 -1
        BUILD_SLICE 65535 -1 -1 -1
        LOAD_CLOSURE * 1 1 1
        LOAD_DEREF * 1 1 1
        STORE_DEREF * -1 -1 -1
        DELETE_DEREF * 0 0 0
        CALL_FUNCTION_KW 0 -1 -1 -1
        CALL_FUNCTION_KW 1 -2 -2 -2
        CALL_FUNCTION_KW 2 -3 -3 -3
        CALL_FUNCTION_KW 3 -4 -4 -4
        CALL_FUNCTION_KW 4 -5 -5 -5
        CALL_FUNCTION_KW 7 -8 -8 -8
        CALL_FUNCTION_KW 255 -256 -256 -256
        CALL_FUNCTION_KW 258 -259 -259 -259
        CALL_FUNCTION_KW 65535 -65536 -65536 -65536
        CALL_FUNCTION_EX 0 -1 -1 -1
        CALL_FUNCTION_EX 1 -2 -2 -2
        CALL_FUNCTION_EX 2 -1 -1 -1
        CALL_FUNCTION_EX 3 -2 -2 -2
        CALL_FUNCTION_EX 4 -1 -1 -1
        CALL_FUNCTION_EX 7 -2 -2 -2
        CALL_FUNCTION_EX 255 -2 -2 -2
        CALL_FUNCTION_EX 258 -1 -1 -1
        CALL_FUNCTION_EX 65535 -2 -2 -2
        SETUP_WITH * 6 1 6
        EXTENDED_ARG * 0 0 0
        LIST_APPEND * -1 -1 -1
        SET_ADD * -1 -1 -1
        MAP_ADD * -2 -2 -2
        LOAD_CLASSDEREF * 1 1 1
        BUILD_LIST_UNPACK 0 1 1 1
        BUILD_LIST_UNPACK 1 0 0 0
        BUILD_LIST_UNPACK 2 -1 -1 -1
        BUILD_LIST_UNPACK 3 -2 -2 -2
        BUILD_LIST_UNPACK 4 -3 -3 -3
        BUILD_LIST_UNPACK 7 -6 -6 -6
        BUILD_LIST_UNPACK 255 -254 -254 -254
        BUILD_LIST_UNPACK 258 -257 -257 -257
        BUILD_LIST_UNPACK 65535 -65534 -65534 -65534
        BUILD_MAP_UNPACK 0 1 1 1
        BUILD_MAP_UNPACK 1 0 0 0
        BUILD_MAP_UNPACK 2 -1 -1 -1
        BUILD_MAP_UNPACK 3 -2 -2 -2
        BUILD_MAP_UNPACK 4 -3 -3 -3
        BUILD_MAP_UNPACK 7 -6 -6 -6
        BUILD_MAP_UNPACK 255 -254 -254 -254
        BUILD_MAP_UNPACK 258 -257 -257 -257
        BUILD_MAP_UNPACK 65535 -65534 -65534 -65534
        BUILD_MAP_UNPACK_WITH_CALL 0 1 1 1
        BUILD_MAP_UNPACK_WITH_CALL 1 0 0 0
        BUILD_MAP_UNPACK_WITH_CALL 2 -1 -1 -1
        BUILD_MAP_UNPACK_WITH_CALL 3 -2 -2 -2
        BUILD_MAP_UNPACK_WITH_CALL 4 -3 -3 -3
        BUILD_MAP_UNPACK_WITH_CALL 7 -6 -6 -6
        BUILD_MAP_UNPACK_WITH_CALL 255 -254 -254 -254
        BUILD_MAP_UNPACK_WITH_CALL 258 -257 -257 -257
        BUILD_MAP_UNPACK_WITH_CALL 65535 -65534 -65534 -65534
        BUILD_TUPLE_UNPACK 0 1 1 1
        BUILD_TUPLE_UNPACK 1 0 0 0
        BUILD_TUPLE_UNPACK 2 -1 -1 -1
        BUILD_TUPLE_UNPACK 3 -2 -2 -2
        BUILD_TUPLE_UNPACK 4 -3 -3 -3
        BUILD_TUPLE_UNPACK 7 -6 -6 -6
        BUILD_TUPLE_UNPACK 255 -254 -254 -254
        BUILD_TUPLE_UNPACK 258 -257 -257 -257
        BUILD_TUPLE_UNPACK 65535 -65534 -65534 -65534
        BUILD_SET_UNPACK 0 1 1 1
        BUILD_SET_UNPACK 1 0 0 0
        BUILD_SET_UNPACK 2 -1 -1 -1
        BUILD_SET_UNPACK 3 -2 -2 -2
        BUILD_SET_UNPACK 4 -3 -3 -3
        BUILD_SET_UNPACK 7 -6 -6 -6
        BUILD_SET_UNPACK 255 -254 -254 -254
        BUILD_SET_UNPACK 258 -257 -257 -257
        BUILD_SET_UNPACK 65535 -65534 -65534 -65534
        SETUP_ASYNC_WITH * 5 0 5
        FORMAT_VALUE 0 0 0 0
        FORMAT_VALUE 1 0 0 0
        FORMAT_VALUE 2 0 0 0
        FORMAT_VALUE 3 0 0 0
        FORMAT_VALUE 4 -1 -1 -1
        FORMAT_VALUE 7 -1 -1 -1
        FORMAT_VALUE 255 -1 -1 -1
        FORMAT_VALUE 258 0 0 0
        FORMAT_VALUE 65535 -1 -1 -1
        BUILD_CONST_KEY_MAP 0 0 0 0
        BUILD_CONST_KEY_MAP 1 -1 -1 -1
        BUILD_CONST_KEY_MAP 2 -2 -2 -2
        BUILD_CONST_KEY_MAP 3 -3 -3 -3
        BUILD_CONST_KEY_MAP 4 -4 -4 -4
        BUILD_CONST_KEY_MAP 7 -7 -7 -7
        BUILD_CONST_KEY_MAP 255 -255 -255 -255
        BUILD_CONST_KEY_MAP 258 -258 -258 -258
        BUILD_CONST_KEY_MAP 65535 -65535 -65535 -65535
        BUILD_STRING 0 1 1 1
        BUILD_STRING 1 0 0 0
        BUILD_STRING 2 -1 -1 -1
        BUILD_STRING 3 -2 -2 -2
        BUILD_STRING 4 -3 -3 -3
        BUILD_STRING 7 -6 -6 -6
        BUILD_STRING 255 -254 -254 -254
        BUILD_STRING 258 -257 -257 -257
        BUILD_STRING 65535 -65534 -65534 -65534
        BUILD_TUPLE_UNPACK_WITH_CALL 0 1 1 1
        BUILD_TUPLE_UNPACK_WITH_CALL 1 0 0 0
        BUILD_TUPLE_UNPACK_WITH_CALL 2 -1 -1 -1
        BUILD_TUPLE_UNPACK_WITH_CALL 3 -2 -2 -2
        BUILD_TUPLE_UNPACK_WITH_CALL 4 -3 -3 -3
        BUILD_TUPLE_UNPACK_WITH_CALL 7 -6 -6 -6
        BUILD_TUPLE_UNPACK_WITH_CALL 255 -254 -254 -254
        BUILD_TUPLE_UNPACK_WITH_CALL 258 -257 -257 -257
        BUILD_TUPLE_UNPACK_WITH_CALL 65535 -65534 -65534 -65534
        LOAD_METHOD * 1 1 1
        CALL_METHOD 0 -1 -1 -1
        CALL_METHOD 1 -2 -2 -2
        CALL_METHOD 2 -3 -3 -3
        CALL_METHOD 3 -4 -4 -4
        CALL_METHOD 4 -5 -5 -5
        CALL_METHOD 7 -8 -8 -8
        CALL_METHOD 255 -256 -256 -256
        CALL_METHOD 258 -259 -259 -259
        CALL_METHOD 65535 -65536 -65536 -65536
        CALL_FINALLY * 1 0 1
        POP_FINALLY * -6 -6 -6
    ";

    #[test]
    fn stack_effects_are_cpythons() {
        let mut seen = std::collections::BTreeSet::new();
        for line in STACK_EFFECTS.lines().filter(|line| !line.trim().is_empty()) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let op = *Opcode::ALL.iter().find(|op| op.name() == fields[0]).expect(line);
            seen.insert(op);
            let args = if fields[1] == "*" { vec![0, 1, 2, 3, 255, 65535] } else { vec![fields[1].parse().unwrap()] };
            for arg in args {
                for (flow, field) in [(Flow::Either, 2), (Flow::Next, 3), (Flow::Jump, 4)] {
                    assert_eq!(op.stack_effect(arg, flow), Some(fields[field].parse().unwrap()), "{line} {flow:?}");
                }
            }
        }
        assert_eq!(seen.len(), Opcode::ALL.len());
        assert_eq!(Opcode::ALL.len(), 120);
    }

    #[test]
    fn bytes_and_opcodes_agree() {
        for byte in 0..=255u8 {
            match Opcode::from_byte(byte) {
                Some(op) => {
                    assert_eq!(op as u8, byte);
                    assert_eq!(op.has_arg(), op.arg_kind() != ArgKind::None);
                }
                None => assert!(!Opcode::ALL.iter().any(|&op| op as u8 == byte)),
            }
        }
    }

    #[test]
    fn a_huge_argument_has_no_effect() {
        assert_eq!(Opcode::BuildMap.stack_effect(u32::MAX, Flow::Next), None);
        assert_eq!(Opcode::BuildTuple.stack_effect(0x7fff_ffff, Flow::Next), Some(-0x7fff_fffe));
    }

    #[test]
    fn extended_arguments_are_folded() {
        /// Bytecode; then offset, first offset, opcode and argument of each instruction in it.
        type Case = (&'static [u8], &'static [(u32, u32, u8, u32)]);
        const CASES: &[Case] = &[
            (&[], &[]),
            (&[100], &[]),
            (&[100, 1, 83, 0], &[(0, 0, 100, 1), (2, 2, 83, 0)]),
            (&[144, 1, 144, 2, 100, 3, 83, 0, 9], &[(4, 0, 100, 0x010203), (6, 6, 83, 0)]),
            (&[144, 1, 144, 2, 144, 3, 144, 4, 100, 5], &[(8, 0, 100, 0x02030405)]),
            (&[9, 0, 144, 1], &[(0, 0, 9, 0), (2, 2, 144, 1)]),
            (&[144, 1, 144, 2, 9], &[(2, 0, 144, 0x0102)]),
        ];
        for (code, expected) in CASES {
            let found: Vec<_> = Instructions::new(code).map(|i| (i.offset, i.first_offset, i.opcode, i.arg)).collect();
            assert_eq!(&found, expected, "{code:?}");
        }
    }
}
