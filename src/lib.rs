//! pycvm loads `.pyc` files written by CPython 3.8, shows what they hold and executes them.
//!
//! # Reading a file
//!
//! [`pyc`] is the file format by itself: plain data, no unsafe code, no virtual machine. See there for an example.
//!
//! # Running a file
//!
//! ```
//! use pycvm::object::text;
//! use pycvm::types::dict::Dict;
//! use pycvm::vm::{load, runtime};
//!
//! let data = std::fs::read("fixtures/programs/nqueens.pyc")?;
//! let file = pycvm::pyc::read(&data)?;
//! // Python objects live where the GIL is held: within `with`.
//! let outcome = runtime::with(|| -> Result<(), String> {
//!     let code = load::value(file.tree().root())?;
//!     let globals = Dict::new_value();
//!     match runtime::run_main(&code, &globals) {
//!         Ok(_) => Ok(()),
//!         Err(raised) => Err(text::str_string(raised.value()).unwrap_or_default()),
//!     }
//! });
//! assert_eq!(outcome, Ok(()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Module tour
//!
//! - [`pyc`]: header, marshal, code objects, opcode table, line tables, disassembly, dump, verification.
//! - [`object`]: what a value is. [`object::value`] the tagged word, [`object::header`] allocation and the end of an
//!   object's life, [`object::ty`] type objects, [`object::slots`] their native entry points, [`object::attribute`] lookup
//!   and descriptors, [`object::instance`] what instances of classes carry, [`object::dict_table`] the hash table,
//!   the protocols ([`object::number`], [`object::sequence`], [`object::iter`], [`object::compare`], [`object::call`],
//!   [`object::text`]) and [`object::native`], the declaration layer of native functions.
//! - [`gc`]: the cycle collector.
//! - [`types`]: the builtin types, one file or folder each, named as Python names them.
//! - [`vm`]: [`vm::translate`] bytecode to register form, [`vm::eval`] the loop's handlers, [`vm::frame`] frames,
//!   [`vm::call`] calls and argument binding, [`vm::trace`] trace and profile functions, [`vm::report`] tracebacks,
//!   [`vm::runtime`] the front door.
//! - [`modules`]: native modules, one file or folder each.
//!
//! # How execution works
//!
//! A code object is verified ([`pyc::verify`]) when its function is first called: what fails raises `SystemError` and is
//! never executed, so the loop needs no bounds checks. It is then translated, once, to instructions of 16 bytes whose
//! operands are registers of the frame. Every instruction is a handler that ends by jumping to the next one; with the
//! feature `loop-dispatch` the same handlers return to a plain loop (for sanitizers, coverage and Miri). Frames lie on one
//! stack of registers; a Python call pushes a frame and goes on in the same loop. An exception finds its handler in a
//! table of regions. A generator's registers move to the stack while it runs and back into its object when it yields.
//!
//! Code that is traced or profiled ([`vm::trace`]) runs a second translation, one group of instructions for each of the
//! bytecode with a tracing one before it. Whoever enters frames directly asks for room on the register stack; while a trace
//! function is set the answer is no, and the slow ways choose that translation. Frames that run already change over at the
//! next bytecode instruction: their cells are patched for as long as somebody traces. Code that nobody traces pays nothing.
//!
//! Where the design was departed from, and why:
//! - A handler's address is stored as a 32-bit distance from a base handler, so that three full 32-bit operands fit into
//!   16 bytes: registers, constants and jumps beyond 65,535 (long list displays, big modules) need no second form. It
//!   costs one or two simple instructions a dispatch.
//! - A cached global is the address of its value in the dict, valid while an epoch stands that insertions into and
//!   removals from watched dicts end; rebinding a global costs nothing.
//! - A generator's frame is copied to the stack instead of running within its object: callees overlap the caller's
//!   argument registers, which lie at the stack's end.
//!
//! # Adding to it
//!
//! - **A native method**: a plain Rust function with typed parameters in the type's file, and one line in its table:
//!   `method!(append, "append($self, object, /)", "Append object to the end of the list.")`. The signature decides the
//!   checks, the error texts, defaults and `__text_signature__`; see [`object::native`].
//! - **A type**: a `#[repr(C)]` body that begins with a `header: Header`, `payload!(Body, X)`, and a
//!   `pub static X: TypeObject = TypeObject::define::<Body>("x").slots(Slots { .. }).methods(METHODS)`, listed in
//!   `types/mod.rs`. Special methods come from slots. `types/cell.rs` is a short example.
//! - **A module**: a [`modules::ModuleDef`] with its functions and a `fill` for the rest, listed in `modules/mod.rs`.
//! - **A fixture**: `fixtures/AREA/NAME.py`, then `python3 tools/record_fixtures.py AREA/NAME`.
//!
//! Python code can run inside almost any operation (`__eq__`, `__hash__`, `__index__`, a destructor). So no Rust borrow of
//! a container's inside is held across such a call: [`object::value_vec`] and [`object::dict_table`] give out owned values
//! only; whoever calls looks again afterwards. Errors travel as [`object::PyResult`]; a panic is a bug.

pub mod pyc;

pub mod gc;
pub mod modules;
pub mod object;
pub mod types;
pub mod vm;
