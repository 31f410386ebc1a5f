//! The type `bool`.

use crate::object::TypeObject;
use crate::object::slots::Slots;
use crate::types::int::{INT, Int};

/// The type object of `bool`.
pub static BOOL: TypeObject =
    TypeObject::define::<Int>("bool").base(&INT).flags(crate::object::TypeFlags::INT).slots(Slots { ..Slots::EMPTY });
