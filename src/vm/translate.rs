//! Translation.

/// Address of a translated code's constants.
#[derive(Clone, Copy)]
pub struct Constants(pub(crate) *const u64);

impl Constants {
    /// Not translated.
    pub const NULL: Constants = Constants(std::ptr::null());
}

/// The translations of a code object.
#[derive(Default)]
pub struct Translations {}
