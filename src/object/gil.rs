//! Global state that the GIL guards.

/// A static that only the thread holding the GIL touches.
///
/// All Python objects, static types included, may be used only by the thread that holds the GIL; an interpreter's entry
/// points take it.
#[repr(transparent)]
pub struct GilCell<T>(T);

// SAFETY: only the thread that holds the GIL reaches the contents.
unsafe impl<T> Sync for GilCell<T> {}

impl<T> GilCell<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> GilCell<T> {
        GilCell(value)
    }

    /// The contents.
    #[inline(always)]
    pub const fn get(&self) -> &T {
        &self.0
    }
}
