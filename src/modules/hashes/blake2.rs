//! The module `_blake2`: BLAKE2b and BLAKE2s with all their parameters.

use super::sha3::unsigned;
use super::{bytes_to_hash, hexadecimal};
use crate::method;
use crate::modules::ModuleDef;
use crate::object::TypeObject;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{At, FromArg, Function, GetSet};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::exceptions::{overflow_error, value_error};
use crate::types::str::Str;
use std::cell::Cell;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_blake2",
    doc: "_blake2b provides BLAKE2b for hashlib\n",
    functions: &[],
    fill: |dict| {
        dict.set_text("blake2b", BLAKE2B.value());
        dict.set_text("blake2s", BLAKE2S.value());
        for (ty, names, limits) in [
            (
                &BLAKE2B,
                ["BLAKE2B_SALT_SIZE", "BLAKE2B_PERSON_SIZE", "BLAKE2B_MAX_KEY_SIZE", "BLAKE2B_MAX_DIGEST_SIZE"],
                [16, 16, 64, 64],
            ),
            (
                &BLAKE2S,
                ["BLAKE2S_SALT_SIZE", "BLAKE2S_PERSON_SIZE", "BLAKE2S_MAX_KEY_SIZE", "BLAKE2S_MAX_DIGEST_SIZE"],
                [8, 8, 32, 32],
            ),
        ] {
            let own = ty.dict();
            for (name, limit) in names.into_iter().zip(limits) {
                dict.set_text(name, Value::int(limit));
                if let (Some(own), Some((_, short))) =
                    (own.as_ref().and_then(|own| own.downcast::<Dict>()), name.split_once('_'))
                {
                    own.set_text(short, Value::int(limit));
                }
            }
            ty.modified();
        }
        Ok(())
    },
};

/// The arguments of a constructor, checked.
struct Parameters {
    digest_size: usize,
    key: Vec<u8>,
    salt: Vec<u8>,
    person: Vec<u8>,
    fanout: u8,
    depth: u8,
    leaf_size: u32,
    node_offset: u64,
    node_depth: u8,
    inner_size: usize,
    last_node: bool,
}

/// What the two functions differ in.
struct Limits {
    digest: usize,
    salt: usize,
    node_offset: u64,
}

impl Parameters {
    /// Checks the arguments, those of the declared signature without `data`.
    fn read(function: &'static Function, args: &[Value], limits: &Limits) -> PyResult<Parameters> {
        let given = |index: usize| args.get(index).and_then(Value::bound);
        let number = |index: usize, default: i32| match given(index) {
            Some(value) => i32::from_arg(value, At::new(function, index)),
            None => Ok(default),
        };
        let bytes = |index: usize| -> PyResult<Vec<u8>> {
            match given(index) {
                Some(value) => Ok(Buffer::require(value, Request::Simple)?.to_vec()),
                None => Ok(Vec::new()),
            }
        };
        let digest_size = number(1, limits.digest as i32)?;
        let (key, salt, person) = (bytes(2)?, bytes(3)?, bytes(4)?);
        let (fanout, depth) = (number(5, 1)?, number(6, 1)?);
        let (leaf_size, node_offset) = (given(7), given(8));
        let (node_depth, inner_size) = (number(9, 0)?, number(10, 0)?);
        let last_node = given(11).map_or(Ok(false), crate::object::number::truth)?;
        let in_range = |value: i32, low: i32, high: usize| {
            usize::try_from(value).ok().filter(|&size| value >= low && size <= high)
        };
        let digest_size = in_range(digest_size, 1, limits.digest)
            .ok_or_else(|| value_error(format!("digest_size must be between 1 and {} bytes", limits.digest)))?;
        if salt.len() > limits.salt {
            return Err(value_error(format!("maximum salt length is {} bytes", limits.salt)));
        }
        if person.len() > limits.salt {
            return Err(value_error(format!("maximum person length is {} bytes", limits.salt)));
        }
        let fanout = u8::try_from(fanout).map_err(|_| value_error("fanout must be between 0 and 255"))?;
        let depth = u8::try_from(depth)
            .ok()
            .filter(|&depth| depth > 0)
            .ok_or_else(|| value_error("depth must be between 1 and 255"))?;
        let leaf_size = match leaf_size {
            Some(value) => u32::try_from(unsigned(value, "Python int too large to convert to C unsigned long")?)
                .map_err(|_| overflow_error("leaf_size is too large"))?,
            None => 0,
        };
        let node_offset = match node_offset {
            Some(value) => unsigned(value, "int too big to convert")?,
            None => 0,
        };
        if node_offset > limits.node_offset {
            return Err(overflow_error("node_offset is too large"));
        }
        let node_depth = u8::try_from(node_depth).map_err(|_| value_error("node_depth must be between 0 and 255"))?;
        let inner_size = in_range(inner_size, 0, limits.digest)
            .ok_or_else(|| value_error(format!("inner_size must be between 0 and is {}", limits.digest)))?;
        if key.len() > limits.digest {
            return Err(value_error(format!("maximum key length is {} bytes", limits.digest)));
        }
        Ok(Parameters {
            digest_size,
            key,
            salt,
            person,
            fanout,
            depth,
            leaf_size,
            node_offset,
            node_depth,
            inner_size,
            last_node,
        })
    }
}

macro_rules! blake2_type {
    ($body:ident, $static:ident, $function:ident, $krate:ident, $type_name:literal, $name:literal, $block:literal, $limits:expr, $signature:literal, $doc:literal) => {
        #[doc = concat!("The body of a ", $name, " object.")]
        #[repr(C)]
        pub struct $body {
            header: Header,
            /// Empty only while it changes.
            state: Cell<Option<Box<$krate::State>>>,
            digest_size: usize,
        }

        payload!($body, $static);

        #[doc = concat!("The type object of ", $name, " objects.")]
        pub static $static: TypeObject = TypeObject::define::<$body>($type_name)
            .slots(Slots { new: Some(|_, args, kwnames| $function.call(args, kwnames)), ..Slots::EMPTY })
            .methods(&[
                method!(
                    |this: &$body| {
                        new_object($body {
                            header: Header::new(&$static),
                            state: Cell::new(this.state()),
                            digest_size: this.digest_size,
                        })
                    },
                    "copy($self, /)",
                    "Return a copy of the hash object."
                ),
                method!(
                    |this: &$body| this.with_digest(Bytes::new_value),
                    "digest($self, /)",
                    "Return the digest value as a bytes object."
                ),
                method!(
                    |this: &$body| this.with_digest(hexadecimal),
                    "hexdigest($self, /)",
                    "Return the digest value as a string of hexadecimal digits."
                ),
                method!(
                    |this: &$body, data: &Value| this.update(data),
                    "update($self, data, /)",
                    "Update this hash object's state with the provided bytes-like object."
                ),
            ])
            .getset(&[
                GetSet::read_only("name", |_| Ok(Str::new_value($name))),
                GetSet::read_only("block_size", |_| Ok(Value::int($block))),
                GetSet::read_only("digest_size", |this| {
                    Ok(Value::int(this.downcast::<$body>().map_or(0, |this| this.digest_size as i64)))
                }),
            ])
            .doc($doc);

        static $function: Function = Function::new($signature, $doc, |function, args| {
            let parameters = Parameters::read(function, args, &$limits)?;
            let state = $krate::Params::new()
                .hash_length(parameters.digest_size)
                .key(&parameters.key)
                .salt(&parameters.salt)
                .personal(&parameters.person)
                .fanout(parameters.fanout)
                .max_depth(parameters.depth)
                .max_leaf_length(parameters.leaf_size)
                .node_offset(parameters.node_offset)
                .node_depth(parameters.node_depth)
                .inner_hash_length(parameters.inner_size)
                .last_node(parameters.last_node)
                .to_state();
            let body = $body {
                header: Header::new(&$static),
                state: Cell::new(Some(Box::new(state))),
                digest_size: parameters.digest_size,
            };
            if let Some(data) = args.first().and_then(Value::bound) {
                body.update(data)?;
            }
            Ok(new_object(body))
        });

        impl $body {
            fn state(&self) -> Option<Box<$krate::State>> {
                let state = self.state.take();
                self.state.set(state.clone());
                state
            }

            fn with_digest(&self, make: fn(&[u8]) -> Value) -> Value {
                match self.state() {
                    Some(state) => make(state.finalize().as_bytes()),
                    None => make(&[]),
                }
            }

            fn update(&self, value: &Value) -> PyResult<()> {
                let data = bytes_to_hash(value)?;
                let mut state = self.state.take();
                if let Some(state) = &mut state {
                    data.with_items(|bytes| {
                        state.update(bytes);
                    });
                }
                self.state.set(state);
                Ok(())
            }
        }
    };
}

blake2_type!(
    Blake2b,
    BLAKE2B,
    NEW_B,
    blake2b_simd,
    "_blake2.blake2b",
    "blake2b",
    128,
    Limits { digest: 64, salt: 16, node_offset: u64::MAX },
    "blake2b(data=b'', /, *, digest_size=_blake2.blake2b.MAX_DIGEST_SIZE,\n        key=b'', salt=b'', person=b'', fanout=1, depth=1, leaf_size=0,\n        node_offset=0, node_depth=0, inner_size=0, last_node=False)",
    "Return a new BLAKE2b hash object."
);

blake2_type!(
    Blake2s,
    BLAKE2S,
    NEW_S,
    blake2s_simd,
    "_blake2.blake2s",
    "blake2s",
    64,
    Limits { digest: 32, salt: 8, node_offset: (1 << 48) - 1 },
    "blake2s(data=b'', /, *, digest_size=_blake2.blake2s.MAX_DIGEST_SIZE,\n        key=b'', salt=b'', person=b'', fanout=1, depth=1, leaf_size=0,\n        node_offset=0, node_depth=0, inner_size=0, last_node=False)",
    "Return a new BLAKE2s hash object."
);
