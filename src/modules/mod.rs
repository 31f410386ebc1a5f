//! Native modules, one file or folder each, named as Python names them.

pub mod abc;
pub mod accounts;
mod arguments;
pub mod array;
#[cfg(feature = "compile")]
pub mod ast;
pub mod asyncio;
pub mod atexit;
pub mod binascii;
pub mod bisect;
pub(crate) mod blocking;
pub mod builtins;
pub mod cmath;
pub mod codecs;
pub mod collections;
pub mod contextvars;
pub mod copyreg;
pub mod csv;
pub mod errno;
pub mod faulthandler;
pub mod fcntl;
pub mod functools;
pub mod gc;
pub mod hashes;
pub mod heapq;
pub mod imp;
pub mod io;
pub mod itertools;
pub mod json;
mod key_order;
pub mod locale;
pub mod marshal;
pub mod math;
pub mod mmap;
pub mod opcode;
pub mod operator;
pub mod posix;
pub mod posixsubprocess;
pub mod queue;
pub mod random;
pub mod resource;
pub mod select;
pub mod signal;
pub mod site;
pub mod socket;
pub mod sre;
pub mod stat;
pub mod string;
pub mod struct_;
#[cfg(feature = "compile")]
pub mod symtable;
pub mod sys;
pub mod termios;
pub mod thread;
pub mod time;
pub mod tracemalloc;
pub mod unicodedata;
pub mod uuid;
pub mod warnings;
pub mod weakref;
pub mod zlib;

use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::native::{Method, MethodKind};
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::types::builtin_function::BuiltinFunction;
use crate::types::dict::Dict;
use crate::types::module::Module;
use crate::types::str::intern;
use crate::vm::runtime;

/// The definition of a native module.
pub struct ModuleDef {
    /// Its name.
    pub name: &'static str,
    /// Its docstring.
    pub doc: &'static str,
    /// Its functions.
    pub functions: &'static [Method],
    /// Adds what is no function.
    pub fill: fn(&Dict) -> PyResult<()>,
}

/// Every native module.
static ALL: &[&ModuleDef] = &[
    &builtins::MODULE,
    &sys::MODULE,
    &gc::MODULE,
    &weakref::MODULE,
    &math::MODULE,
    &heapq::MODULE,
    &bisect::MODULE,
    &errno::MODULE,
    &stat::MODULE,
    &cmath::MODULE,
    &random::MODULE,
    &string::MODULE,
    &atexit::MODULE,
    &abc::MODULE,
    &time::MODULE,
    &collections::MODULE,
    &functools::MODULE,
    &itertools::MODULE,
    &operator::MODULE,
    &struct_::MODULE,
    &marshal::MODULE,
    &array::MODULE,
    &imp::MODULE,
    &warnings::MODULE,
    &thread::MODULE,
    &signal::MODULE,
    &io::MODULE,
    &sre::MODULE,
    #[cfg(feature = "compile")]
    &ast::MODULE,
    #[cfg(feature = "compile")]
    &symtable::MODULE,
    &codecs::MODULE,
    &posix::MODULE,
    &posixsubprocess::MODULE,
    &hashes::MD5_MODULE,
    &hashes::SHA1_MODULE,
    &hashes::SHA256_MODULE,
    &hashes::SHA512_MODULE,
    &hashes::sha3::MODULE,
    &hashes::blake2::MODULE,
    &unicodedata::MODULE,
    &contextvars::MODULE,
    &binascii::MODULE,
    &opcode::MODULE,
    &zlib::MODULE,
    &select::MODULE,
    &socket::MODULE,
    &queue::MODULE,
    &json::MODULE,
    &uuid::MODULE,
    &mmap::MODULE,
    &locale::MODULE,
    &csv::MODULE,
    &accounts::PWD,
    &accounts::GRP,
    &resource::MODULE,
    &fcntl::MODULE,
    &termios::MODULE,
    &faulthandler::MODULE,
    &tracemalloc::MODULE,
    &asyncio::MODULE,
];

/// Modules that are Python code in CPython's library: native stand-ins for where there is no library.
static SUBSTITUTES: &[&ModuleDef] = &[&copyreg::MODULE, &operator::LIBRARY];

/// The modules that are made once only: `builtins` and `sys`.
static LASTING: [GilCell<ValueCell>; 2] = [const { GilCell::new(ValueCell::EMPTY) }; 2];
static LASTING_DEFS: [&ModuleDef; 2] = [&builtins::MODULE, &sys::MODULE];

/// The module, if it is one of those that are made once only.
pub(crate) fn lasting(name: &str) -> Option<Value> {
    let index = LASTING_DEFS.iter().position(|def| def.name == name)?;
    LASTING[index].get().get()
}

impl ModuleDef {
    /// Makes the module.
    ///
    /// # Errors
    /// What its `fill` raises.
    pub fn load(&'static self) -> PyResult<Value> {
        let module = Module::new_value(self.name, Some(self.doc).filter(|doc| !doc.is_empty()));
        if let Some(body) = module.downcast::<Module>()
            && let Some(dict) = body.dict().exact::<Dict>()
        {
            // As the import system says of a module that is in no package.
            dict.set_text("__package__", intern(""));
            for method in self.functions {
                debug_assert_eq!(method.kind, MethodKind::Instance);
                let function = BuiltinFunction::of_module(&method.function, &module, intern(self.name));
                dict.set_text(method.function.name(), function);
            }
            (self.fill)(dict)?;
        }
        Ok(module)
    }
}

/// The names of the native modules, sorted.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&'static str> = ALL.iter().map(|def| def.name).collect();
    names.sort_unstable();
    names.into_iter()
}

/// The definition of the native module of that name.
pub(crate) fn find(name: &str) -> Option<&'static ModuleDef> {
    ALL.iter().copied().find(|def| def.name == name)
}

/// The definition of the stand-in for a module of the library.
pub(crate) fn find_substitute(name: &str) -> Option<&'static ModuleDef> {
    SUBSTITUTES.iter().copied().find(|def| def.name == name)
}

/// Makes the modules that are there from the start; the others are made when they are first imported.
pub(crate) fn init() -> PyResult<()> {
    for (def, lasting) in LASTING_DEFS.iter().zip(&LASTING) {
        lasting.get().set(Some(def.load()?));
    }
    // In CPython's order: `sys` comes first.
    if let Some(modules) = runtime::modules_dict().exact::<Dict>() {
        for (def, lasting) in LASTING_DEFS.iter().zip(&LASTING).rev() {
            if let Some(module) = lasting.get().get() {
                modules.set_text(def.name, module);
            }
        }
    }
    Ok(())
}

/// Whether a dict is that of a native module.
pub(crate) fn is_native(dict: &Value) -> bool {
    let name = dict.downcast::<Dict>().and_then(|dict| dict.get_text("__name__"));
    name.is_some_and(|name| {
        name.downcast::<crate::types::str::Str>().is_some_and(|name| find(&name.to_string_lossy()).is_some())
    })
}
