//! The builtin types, one file or folder each, named as Python names them.

pub mod async_generator;
pub mod bool;
pub mod builtin_function;
pub mod bytearray;
pub mod bytes;
pub mod callable_iterator;
pub mod cell;
pub mod class_method;
pub mod code;
pub mod codecs;
pub mod complex;
pub mod descriptor;
pub mod dict;
pub mod enumerate;
pub mod exceptions;
pub mod filter;
pub mod float;
pub mod format_spec;
pub mod frame;
pub mod function;
pub mod generator;
pub mod int;
pub(crate) mod layout;
mod layout_table;
pub mod list;
pub mod map;
pub mod mapping_proxy;
pub mod memoryview;
pub mod method;
pub mod module;
pub mod namespace;
pub mod object;
pub mod property;
pub mod range;
pub mod reversed;
pub mod sequence_iterator;
pub mod set;
pub mod singletons;
pub mod slice;
pub mod str;
pub mod struct_sequence;
pub mod super_;
pub mod traceback;
pub mod tuple;
pub mod type_;
pub mod unicode_errors;
pub mod weakref;
pub mod zip;

#[cfg(test)]
mod tests;

use crate::object::TypeObject;
use crate::object::error::PyResult;

/// Every builtin type but the exceptions, bases before those that derive from them.
pub(crate) static ALL: &[&TypeObject] = &[
    &object::OBJECT,
    &type_::TYPE,
    &int::INT,
    &bool::BOOL,
    &float::FLOAT,
    &complex::COMPLEX,
    &str::STR,
    &str::STR_ITERATOR,
    &bytes::BYTES,
    &bytes::BYTES_ITERATOR,
    &bytearray::BYTEARRAY,
    &bytearray::BYTEARRAY_ITERATOR,
    &tuple::TUPLE,
    &tuple::TUPLE_ITERATOR,
    &list::LIST,
    &list::LIST_ITERATOR,
    &list::LIST_REVERSE_ITERATOR,
    &dict::DICT,
    &dict::DICT_KEYS,
    &dict::DICT_VALUES,
    &dict::DICT_ITEMS,
    &dict::KEY_ITERATOR,
    &dict::VALUE_ITERATOR,
    &dict::ITEM_ITERATOR,
    &dict::REVERSE_KEY_ITERATOR,
    &dict::REVERSE_VALUE_ITERATOR,
    &dict::REVERSE_ITEM_ITERATOR,
    &set::SET,
    &set::FROZENSET,
    &set::SET_ITERATOR,
    &singletons::NONE,
    &singletons::ELLIPSIS,
    &singletons::NOT_IMPLEMENTED,
    &builtin_function::BUILTIN_FUNCTION,
    &cell::CELL,
    &class_method::CLASS_METHOD,
    &class_method::STATIC_METHOD,
    &code::CODE,
    &descriptor::METHOD_DESCRIPTOR,
    &descriptor::CLASS_METHOD_DESCRIPTOR,
    &descriptor::WRAPPER_DESCRIPTOR,
    &descriptor::METHOD_WRAPPER,
    &descriptor::GETSET_DESCRIPTOR,
    &descriptor::MEMBER_DESCRIPTOR,
    &frame::FRAME,
    &function::FUNCTION,
    &generator::GENERATOR,
    &generator::COROUTINE,
    &async_generator::ASYNC_GENERATOR,
    &async_generator::WRAPPED,
    &async_generator::SEND,
    &async_generator::THROW,
    &generator::COROUTINE_WRAPPER,
    &mapping_proxy::MAPPING_PROXY,
    &memoryview::MEMORY_VIEW,
    &memoryview::MANAGED_BUFFER,
    &method::METHOD,
    &module::MODULE,
    &property::PROPERTY,
    &super_::SUPER,
    &crate::modules::site::QUITTER,
    &crate::modules::site::PRINTER,
    &crate::modules::sys::info::VERSION_INFO,
    &crate::modules::sys::info::FLAGS,
    &crate::modules::sys::info::FLOAT_INFO,
    &crate::modules::sys::info::INT_INFO,
    &crate::modules::sys::info::HASH_INFO,
    &crate::modules::sys::info::THREAD_INFO,
    &crate::modules::sys::info::UNRAISABLE_HOOK_ARGS,
    &crate::modules::sys::info::ASYNCGEN_HOOKS,
    &sequence_iterator::SEQUENCE_ITERATOR,
    &range::RANGE,
    &range::RANGE_ITERATOR,
    &range::LONG_RANGE_ITERATOR,
    &slice::SLICE,
    &traceback::TRACEBACK,
    &callable_iterator::CALLABLE_ITERATOR,
    &enumerate::ENUMERATE,
    &filter::FILTER,
    &map::MAP,
    &namespace::NAMESPACE,
    &reversed::REVERSED,
    &zip::ZIP,
    &weakref::REF,
    &weakref::PROXY,
    &crate::modules::sre::PATTERN,
    &crate::modules::sre::MATCH,
    &crate::modules::sre::SCANNER,
    &crate::modules::thread::LOCK,
    &crate::modules::thread::RLOCK,
    &crate::modules::thread::LOCAL,
    &crate::modules::signal::SIGINFO,
    &crate::modules::thread::EXCEPT_HOOK_ARGS,
    &weakref::CALLABLE_PROXY,
    &crate::modules::random::RANDOM,
    &crate::modules::string::FORMATTER_ITERATOR,
    &crate::modules::string::FIELD_NAME_ITERATOR,
    &crate::modules::abc::ABC_DATA,
    #[cfg(feature = "compile")]
    &crate::modules::ast::AST,
    &crate::modules::time::STRUCT_TIME,
    &crate::modules::array::ARRAY,
    &crate::modules::array::ARRAY_ITERATOR,
    &crate::modules::struct_::STRUCT,
    &crate::modules::struct_::UNPACK_ITERATOR,
    &crate::modules::unicodedata::UCD,
    &crate::modules::queue::SIMPLE_QUEUE,
    &crate::modules::asyncio::future::FUTURE,
    &crate::modules::asyncio::task::TASK,
    &crate::modules::asyncio::future_iter::FUTURE_ITER,
    &crate::modules::asyncio::task_wrappers::STEP_WRAPPER,
    &crate::modules::asyncio::task_wrappers::WAKEUP_WRAPPER,
    &crate::modules::accounts::STRUCT_PASSWD,
    &crate::modules::accounts::STRUCT_GROUP,
    &crate::modules::resource::STRUCT_RUSAGE,
    &crate::modules::select::POLL,
    &crate::modules::select::EPOLL,
    &crate::modules::json::SCANNER,
    &crate::modules::json::ENCODER,
    &crate::modules::csv::DIALECT,
    &crate::modules::csv::READER,
    &crate::modules::csv::WRITER,
    &crate::modules::mmap::MMAP,
    &crate::modules::zlib::COMPRESS,
    &crate::modules::zlib::DECOMPRESS,
    &crate::modules::contextvars::CONTEXT,
    &crate::modules::contextvars::CONTEXT_VAR,
    &crate::modules::contextvars::TOKEN,
    &crate::modules::contextvars::MISSING,
    &crate::modules::hashes::MD5,
    &crate::modules::hashes::SHA1,
    &crate::modules::hashes::SHA224,
    &crate::modules::hashes::SHA256,
    &crate::modules::hashes::SHA384,
    &crate::modules::hashes::SHA512,
    &crate::modules::hashes::sha3::SHA3_224,
    &crate::modules::hashes::sha3::SHA3_256,
    &crate::modules::hashes::sha3::SHA3_384,
    &crate::modules::hashes::sha3::SHA3_512,
    &crate::modules::hashes::sha3::SHAKE_128,
    &crate::modules::hashes::sha3::SHAKE_256,
    &crate::modules::hashes::blake2::BLAKE2B,
    &crate::modules::hashes::blake2::BLAKE2S,
    &crate::modules::contextvars::KEY_ITERATOR,
    &crate::modules::contextvars::VALUE_ITERATOR,
    &crate::modules::contextvars::ITEM_ITERATOR,
];

/// The types that the module `builtins` shows under their names.
pub(crate) static NAMED: &[&TypeObject] = &[
    &object::OBJECT,
    &type_::TYPE,
    &int::INT,
    &bool::BOOL,
    &float::FLOAT,
    &complex::COMPLEX,
    &str::STR,
    &bytes::BYTES,
    &bytearray::BYTEARRAY,
    &memoryview::MEMORY_VIEW,
    &tuple::TUPLE,
    &list::LIST,
    &dict::DICT,
    &set::SET,
    &set::FROZENSET,
    &range::RANGE,
    &slice::SLICE,
    &property::PROPERTY,
    &super_::SUPER,
    &class_method::CLASS_METHOD,
    &class_method::STATIC_METHOD,
    &enumerate::ENUMERATE,
    &filter::FILTER,
    &map::MAP,
    &reversed::REVERSED,
    &zip::ZIP,
];

/// Sets up every builtin type.
///
/// # Errors
/// None in practice: builtin definitions are consistent.
pub(crate) fn init() -> PyResult<()> {
    // Setting types up makes objects, which have to be laid out as all later ones of their types.
    for ty in ALL.iter().chain(exceptions::ALL) {
        if let Some(base) = ty.base_type() {
            ty.inherit_layout(base);
        }
        ty.lay_out();
    }
    for ty in ALL.iter().chain(exceptions::ALL) {
        ty.ready()?;
    }
    Ok(())
}
