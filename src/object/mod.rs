//! What a value is: the tagged word, the object header, type objects, attribute lookup and the protocols.

pub mod alloc_trace;
pub mod arguments;
pub mod attribute;
pub mod buffer;
pub mod builtins;
pub mod call;
pub mod compare;
pub mod dict_table;
pub mod error;
pub mod gil;
pub mod hash;
pub mod header;
pub mod instance;
pub mod iter;
pub mod length_hint;
pub mod native;
pub mod number;
pub mod pool;
pub mod repr_guard;
pub mod scalar;
pub mod sequence;
pub mod slot_functions;
pub mod slots;
pub mod text;
pub mod ty;
pub mod value;
pub mod value_deque;
pub mod value_vec;

pub use error::{PyResult, Raised};
pub use slots::{BinaryOp, Compare, Slots};
pub use ty::{TypeFlags, TypeObject};
pub use value::{Payload, Value};
