//! Recursion over trees of any depth: the native stack grows as it is needed.

/// Runs `f` on a native stack with room for more; every function that goes down a tree calls itself through this.
#[inline]
pub fn deeper<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(96 * 1024, 4 * 1024 * 1024, f)
}
