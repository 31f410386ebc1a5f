//! The bits of `co_flags`, with CPython's names.

use std::fmt;

/// A `co_flags` word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CodeFlags(pub u32);

macro_rules! code_flags {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        impl CodeFlags {
            $($(#[$doc])* pub const $name: CodeFlags = CodeFlags($bit);)*

            /// Every flag that 3.8 knows, with its name in `code.h` without the `CO_`, the lowest first.
            pub const NAMES: &'static [(CodeFlags, &'static str)] = &[$((CodeFlags::$name, stringify!($name)),)*];
        }
    };
}

code_flags! {
    /// Local variables live in the fast array.
    OPTIMIZED = 0x1;
    /// A call makes a new namespace.
    NEWLOCALS = 0x2;
    /// Takes `*args`.
    VARARGS = 0x4;
    /// Takes `**kwargs`.
    VARKEYWORDS = 0x8;
    /// Lies inside another function.
    NESTED = 0x10;
    /// A generator.
    GENERATOR = 0x20;
    /// Has neither free nor cell variables.
    NOFREE = 0x40;
    /// A coroutine: `async def`.
    COROUTINE = 0x80;
    /// A generator that `types.coroutine` made awaitable.
    ITERABLE_COROUTINE = 0x100;
    /// An asynchronous generator.
    ASYNC_GENERATOR = 0x200;
    /// `from __future__ import division`.
    FUTURE_DIVISION = 0x20000;
    /// `from __future__ import absolute_import`.
    FUTURE_ABSOLUTE_IMPORT = 0x40000;
    /// `from __future__ import with_statement`.
    FUTURE_WITH_STATEMENT = 0x80000;
    /// `from __future__ import print_function`.
    FUTURE_PRINT_FUNCTION = 0x100000;
    /// `from __future__ import unicode_literals`.
    FUTURE_UNICODE_LITERALS = 0x200000;
    /// `from __future__ import barry_as_FLUFL`.
    FUTURE_BARRY_AS_BDFL = 0x400000;
    /// `from __future__ import generator_stop`.
    FUTURE_GENERATOR_STOP = 0x800000;
    /// `from __future__ import annotations`.
    FUTURE_ANNOTATIONS = 0x1000000;
}

impl CodeFlags {
    /// Whether all bits of `flags` are set.
    pub fn contains(self, flags: CodeFlags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These flags and those.
    #[must_use]
    pub fn with(self, flags: CodeFlags) -> CodeFlags {
        CodeFlags(self.0 | flags.0)
    }

    /// These flags less those.
    #[must_use]
    pub fn without(self, flags: CodeFlags) -> CodeFlags {
        CodeFlags(self.0 & !flags.0)
    }

    /// The names of the set flags, the lowest first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(flag, _)| self.contains(*flag)).map(|&(_, name)| name)
    }

    /// The set bits that have no name.
    pub fn unnamed(self) -> u32 {
        Self::NAMES.iter().fold(self.0, |bits, (flag, _)| bits & !flag.0)
    }
}

impl fmt::Display for CodeFlags {
    /// As `dis.pretty_flags`: names joined by commas, unnamed bits in hexadecimal, `0x0` if none is set.
    ///
    /// `dis` names the flags up to ASYNC_GENERATOR; the future flags have their names here as well.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for name in self.names() {
            f.write_str(if first { "" } else { ", " })?;
            f.write_str(name)?;
            first = false;
        }
        if self.unnamed() != 0 || first {
            write!(f, "{}{:#x}", if first { "" } else { ", " }, self.unnamed())?;
        }
        Ok(())
    }
}
