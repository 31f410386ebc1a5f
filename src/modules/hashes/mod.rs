//! The modules of hash functions: `_md5`, `_sha1`, `_sha256`, `_sha512`; SHA-3 and BLAKE2 have files of their own.

pub mod blake2;
pub mod sha3;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::TypeObject;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::value::{Value, payload};
use crate::types::bytes::{self, Bytes};
use crate::types::exceptions::{buffer_error, type_error};
use crate::types::str::Str;
use sha2::digest::Digest;
use std::cell::Cell;

/// The bytes to hash of an argument. As `GET_BUFFER_VIEW_OR_ERROUT`.
///
/// # Errors
/// `TypeError` for text and what shows no bytes, `BufferError`.
fn bytes_to_hash(value: &Value) -> PyResult<Buffer> {
    if value.downcast::<Str>().is_some() {
        return Err(type_error("Unicode-objects must be encoded before hashing"));
    }
    if !bytes::is_buffer(value) {
        return Err(type_error("object supporting the buffer API required"));
    }
    let buffer = Buffer::require(value, Request::Simple)?;
    if buffer.layout().ndim() > 1 && !buffer.layout().is_contiguous(crate::object::buffer::Order::C) {
        return Err(buffer_error("Buffer must be single dimension"));
    }
    Ok(buffer)
}

/// Bytes as hexadecimal digits.
fn hexadecimal(digest: &[u8]) -> Value {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |bits: u8| DIGITS.get(usize::from(bits)).copied().unwrap_or(b'0');
    let text: Vec<u8> = digest.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    Str::from_latin1(&text)
}

/// Declares how the body of a hash function's objects gives out and goes on with its state.
macro_rules! running_state {
    ($body:ident, $algorithm:ty) => {
        impl $body {
            fn state(&self) -> $algorithm {
                let state = self.state.take();
                self.state.set(state.clone());
                state
            }

            fn update(&self, value: &Value) -> PyResult<()> {
                let data = bytes_to_hash(value)?;
                let mut state = self.state.take();
                data.with_items(|bytes| state.update(bytes));
                self.state.set(state);
                Ok(())
            }
        }
    };
}
use running_state;

/// Declares the type of a hash function's objects, and the function that makes them.
macro_rules! hash_type {
    ($body:ident, $static:ident, $new:ident, $algorithm:ty, $type_name:literal, $name:literal, $block:literal, [$($getset:expr),*]) => {
        #[doc = concat!("The body of a ", $name, " object.")]
        #[repr(C)]
        pub struct $body {
            header: Header,
            state: Cell<$algorithm>,
        }

        payload!($body, $static);

        #[doc = concat!("The type object of ", $name, " objects.")]
        pub static $static: TypeObject = TypeObject::define::<$body>($type_name)
                    .methods(&[
                method!(
                    |this: &$body| {
                        let copy = $body { header: Header::new(&$static), state: Cell::new(this.state()) };
                        new_object(copy)
                    },
                    "copy($self, /)", "Return a copy of the hash object."
                ),
                method!(
                    |this: &$body| Bytes::new_value(&this.state().finalize()),
                    "digest($self, /)", "Return the digest value as a bytes object."
                ),
                method!(
                    |this: &$body| hexadecimal(&this.state().finalize()),
                    "hexdigest($self, /)", "Return the digest value as a string of hexadecimal digits."
                ),
                method!(
                    |this: &$body, obj: &Value| this.update(obj),
                    "update($self, obj, /)", "Update this hash object's state with the provided string."
                ),
            ])
            .getset(&[
                GetSet::read_only("block_size", |_| Ok(Value::int($block))),
                GetSet::read_only("name", |_| Ok(Str::new_value($name))),
                $($getset),*
            ]);

        running_state!($body, $algorithm);

        fn $new(string: Option<&Value>) -> PyResult<Value> {
            let body = $body { header: Header::new(&$static), state: Cell::new(<$algorithm>::new()) };
            if let Some(string) = string {
                body.update(string)?;
            }
            Ok(new_object(body))
        }
    };
}

hash_type!(
    Md5,
    MD5,
    new_md5,
    md5::Md5,
    "_md5.md5",
    "md5",
    64,
    [GetSet::read_only("digest_size", |_| Ok(Value::int(16)))]
);
hash_type!(
    Sha1,
    SHA1,
    new_sha1,
    sha1::Sha1,
    "_sha1.sha1",
    "sha1",
    64,
    [GetSet::read_only("digest_size", |_| Ok(Value::int(20)))]
);
hash_type!(
    Sha224,
    SHA224,
    new_sha224,
    sha2::Sha224,
    "_sha256.sha224",
    "sha224",
    64,
    [GetSet::member("digest_size", |_| Ok(Value::int(28)))]
);
hash_type!(
    Sha256,
    SHA256,
    new_sha256,
    sha2::Sha256,
    "_sha256.sha256",
    "sha256",
    64,
    [GetSet::member("digest_size", |_| Ok(Value::int(32)))]
);
hash_type!(
    Sha384,
    SHA384,
    new_sha384,
    sha2::Sha384,
    "_sha512.sha384",
    "sha384",
    128,
    [GetSet::member("digest_size", |_| Ok(Value::int(48)))]
);
hash_type!(
    Sha512,
    SHA512,
    new_sha512,
    sha2::Sha512,
    "_sha512.sha512",
    "sha512",
    128,
    [GetSet::member("digest_size", |_| Ok(Value::int(64)))]
);

/// The module `_md5`.
pub static MD5_MODULE: ModuleDef = ModuleDef {
    name: "_md5",
    doc: "",
    functions: &[method!(
        new_md5,
        "md5($module, /, string=b'')",
        "Return a new MD5 hash object; optionally initialized with a string."
    )],
    fill: |dict| {
        dict.set_text("MD5Type", MD5.value());
        Ok(())
    },
};

/// The module `_sha1`.
pub static SHA1_MODULE: ModuleDef = ModuleDef {
    name: "_sha1",
    doc: "",
    functions: &[method!(
        new_sha1,
        "sha1($module, /, string=b'')",
        "Return a new SHA1 hash object; optionally initialized with a string."
    )],
    fill: |dict| {
        dict.set_text("SHA1Type", SHA1.value());
        Ok(())
    },
};

/// The module `_sha256`.
pub static SHA256_MODULE: ModuleDef = ModuleDef {
    name: "_sha256",
    doc: "",
    functions: &[
        method!(
            new_sha256,
            "sha256($module, /, string=b'')",
            "Return a new SHA-256 hash object; optionally initialized with a string."
        ),
        method!(
            new_sha224,
            "sha224($module, /, string=b'')",
            "Return a new SHA-224 hash object; optionally initialized with a string."
        ),
    ],
    fill: |dict| {
        dict.set_text("SHA224Type", SHA224.value());
        dict.set_text("SHA256Type", SHA256.value());
        Ok(())
    },
};

/// The module `_sha512`.
pub static SHA512_MODULE: ModuleDef = ModuleDef {
    name: "_sha512",
    doc: "",
    functions: &[
        method!(
            new_sha512,
            "sha512($module, /, string=b'')",
            "Return a new SHA-512 hash object; optionally initialized with a string."
        ),
        method!(
            new_sha384,
            "sha384($module, /, string=b'')",
            "Return a new SHA-384 hash object; optionally initialized with a string."
        ),
    ],
    fill: |dict| {
        dict.set_text("SHA384Type", SHA384.value());
        dict.set_text("SHA512Type", SHA512.value());
        Ok(())
    },
};
