//! The module `_sha3`: SHA-3, and SHAKE with digests of any length.

use super::{bytes_to_hash, hexadecimal, running_state};
use crate::method;
use crate::modules::ModuleDef;
use crate::object::TypeObject;
use crate::object::arguments::{check_count, no_keywords};
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::types::bytes::Bytes;
use crate::types::exceptions::{overflow_error, type_error, value_error};
use crate::types::int::{self, Num};
use crate::types::str::Str;
use crate::types::str::arguments::check_memory;
use sha3::digest::{ExtendableOutput, FixedOutput, Update, XofReader};
use std::cell::Cell;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_sha3",
    doc: "",
    functions: &[],
    fill: |dict| {
        for ty in [&SHA3_224, &SHA3_256, &SHA3_384, &SHA3_512, &SHAKE_128, &SHAKE_256] {
            dict.set_text(ty.short_name(), ty.value());
        }
        dict.set_text("keccakopt", Value::int(64));
        dict.set_text(
            "implementation",
            Str::new_value("generic 64-bit optimized implementation (lane complementing, all rounds unrolled)"),
        );
        Ok(())
    },
};

/// Reads a C `unsigned long` out of an int. As `_PyLong_UnsignedLong_Converter`.
pub(super) fn unsigned(value: &Value, too_big: &str) -> PyResult<u64> {
    match int::num(value) {
        None => Err(type_error("an integer is required")),
        Some(number) if number.is_negative() => Err(value_error("value must be positive")),
        Some(Num::Small(small)) => Ok(small as u64),
        Some(Num::Big(big)) => u64::try_from(big).map_err(|_| overflow_error(too_big)),
    }
}

fn digest_length(length: &Value) -> PyResult<usize> {
    let length = unsigned(length, "Python int too large to convert to C unsigned long")?;
    if length >= 1 << 29 {
        return Err(value_error("length is too large"));
    }
    check_memory(length as usize)?;
    Ok(length as usize)
}

#[cold]
fn no_type() -> Raised {
    type_error("expected a type")
}

/// Declares a type: its hash's size in bits (0 when the caller says) and rate in bits.
macro_rules! sha3_type {
    ($body:ident, $static:ident, $algorithm:ty, $type_name:literal, $name:literal, $size:literal, $rate:literal, $suffix:literal, $doc:expr, [$($method:expr),*]) => {
        #[doc = concat!("The body of a ", $name, " object.")]
        #[repr(C)]
        pub struct $body {
            header: Header,
            state: Cell<$algorithm>,
        }

        payload!($body, $static);

        #[doc = concat!("The type object of ", $name, " objects.")]
        pub static $static: TypeObject = TypeObject::define::<$body>($type_name)
            .slots(Slots {
                new: Some(|class, args, kwnames| {
                    no_keywords($name, kwnames)?;
                    check_count($name, args.len(), 0, 1)?;
                    let ty = class.downcast::<TypeObject>().ok_or_else(no_type)?;
                    let body = $body { header: Header::new(ty), state: Cell::default() };
                    if let Some(data) = args.first() {
                        body.update(data)?;
                    }
                    Ok(new_object(body))
                }),
                ..Slots::EMPTY
            })
            .methods(&[
                method!(
                    |this: &$body| {
                        let copy = $body { header: Header::new(&$static), state: Cell::new(this.state()) };
                        new_object(copy)
                    },
                    "copy($self, /)", "Return a copy of the hash object."
                ),
                $($method,)*
                method!(|this: &$body, data: &Value| this.update(data), "update($self, data, /)", "Update this hash object's state with the provided bytes-like object."),
            ])
            .getset(&[
                GetSet::read_only("block_size", |_| Ok(Value::int($rate / 8))),
                GetSet::read_only("name", |_| Ok(Str::new_value($name))),
                GetSet::read_only("digest_size", |_| Ok(Value::int($size / 8))),
                GetSet::read_only("_capacity_bits", |_| Ok(Value::int(1600 - $rate))),
                GetSet::read_only("_rate_bits", |_| Ok(Value::int($rate))),
                GetSet::read_only("_suffix", |_| Ok(Bytes::new_value(&[$suffix]))),
            ])
            .doc($doc);

        running_state!($body, $algorithm);
    };
    (fixed $body:ident, $static:ident, $algorithm:ty, $type_name:literal, $name:literal, $size:literal, $rate:literal, $doc:expr) => {
        sha3_type!($body, $static, $algorithm, $type_name, $name, $size, $rate, 6, $doc, [
            method!(|this: &$body| Bytes::new_value(&this.state().finalize_fixed()), "digest($self, /)", "Return the digest value as a bytes object."),
            method!(|this: &$body| hexadecimal(&this.state().finalize_fixed()), "hexdigest($self, /)", "Return the digest value as a string of hexadecimal digits.")
        ]);
    };
    (shake $body:ident, $static:ident, $algorithm:ty, $type_name:literal, $name:literal, $rate:literal, $doc:expr) => {
        sha3_type!($body, $static, $algorithm, $type_name, $name, 0, $rate, 0x1f, $doc, [
            method!(
                |this: &$body, length: &Value| this.digest(length).map(|digest| Bytes::new_value(&digest)),
                "digest($self, length, /)", "Return the digest value as a bytes object."
            ),
            method!(
                |this: &$body, length: &Value| this.digest(length).map(|digest| hexadecimal(&digest)),
                "hexdigest($self, length, /)", "Return the digest value as a string of hexadecimal digits."
            )
        ]);

        impl $body {
            fn digest(&self, length: &Value) -> PyResult<Vec<u8>> {
                let mut digest = vec![0; digest_length(length)?];
                self.state().finalize_xof().read(&mut digest);
                Ok(digest)
            }
        }
    };
}

sha3_type!(fixed Sha3Of224, SHA3_224, sha3::Sha3_224, "_sha3.sha3_224", "sha3_224", 224, 1152, "sha3_224([data]) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 28 bytes.");
sha3_type!(fixed Sha3Of256, SHA3_256, sha3::Sha3_256, "_sha3.sha3_256", "sha3_256", 256, 1088, "sha3_256([data]) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 32 bytes.");
sha3_type!(fixed Sha3Of384, SHA3_384, sha3::Sha3_384, "_sha3.sha3_384", "sha3_384", 384, 832, "sha3_384([data]) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 48 bytes.");
sha3_type!(fixed Sha3Of512, SHA3_512, sha3::Sha3_512, "_sha3.sha3_512", "sha3_512", 512, 576, "sha3_512([data]) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 64 bytes.");
sha3_type!(shake Shake128, SHAKE_128, sha3::Shake128, "_sha3.shake_128", "shake_128", 1344, "shake_128([data]) -> SHAKE object\n\nReturn a new SHAKE hash object.");
sha3_type!(shake Shake256, SHAKE_256, sha3::Shake256, "_sha3.shake_256", "shake_256", 1088, "shake_256([data]) -> SHAKE object\n\nReturn a new SHAKE hash object.");
