//! The flags of `compile()`: `PyCF_*`, and those of future features, which code objects carry.

/// `from __future__ import barry_as_FLUFL`.
pub const BARRY_AS_BDFL: u32 = 0x40_0000;
/// `from __future__ import annotations`.
pub const ANNOTATIONS: u32 = 0x100_0000;
/// All future features, which code objects and nested compilations inherit (`PyCF_MASK`).
pub const FUTURE: u32 =
    0x2_0000 | 0x4_0000 | 0x8_0000 | 0x10_0000 | 0x20_0000 | BARRY_AS_BDFL | 0x80_0000 | ANNOTATIONS;
/// `nested_scopes`, accepted and without effect (`PyCF_MASK_OBSOLETE`).
pub const OBSOLETE: u32 = 0x10;
/// The source is a str (`PyCF_SOURCE_IS_UTF8`).
pub const SOURCE_IS_UTF8: u32 = 0x100;
/// A block that is not ended is not ended (`PyCF_DONT_IMPLY_DEDENT`).
pub const DONT_IMPLY_DEDENT: u32 = 0x200;
/// Give the tree, not code (`PyCF_ONLY_AST`).
pub const ONLY_AST: u32 = 0x400;
/// Pay no heed to a coding cookie (`PyCF_IGNORE_COOKIE`).
pub const IGNORE_COOKIE: u32 = 0x800;
/// Take type comments (`PyCF_TYPE_COMMENTS`).
pub const TYPE_COMMENTS: u32 = 0x1000;
/// `await` may stand outside functions (`PyCF_ALLOW_TOP_LEVEL_AWAIT`).
pub const ALLOW_TOP_LEVEL_AWAIT: u32 = 0x2000;
/// All that `compile()` takes from its argument besides future features (`PyCF_COMPILE_MASK`).
pub const COMPILE: u32 = ONLY_AST | ALLOW_TOP_LEVEL_AWAIT | TYPE_COMMENTS | DONT_IMPLY_DEDENT;
