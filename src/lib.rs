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
//!   [`object::text`], [`object::buffer`]), [`object::pool`] the memory of small blocks, and [`object::native`], the
//!   declaration layer of native functions.
//! - [`gc`]: the cycle collector.
//! - [`types`]: the builtin types, one file or folder each, named as Python names them.
//! - `compile` (a feature): source text to code objects: `parse`, `symtable`, `optimize`, `codegen`, `assemble`, `peephole`.
//! - [`vm`]: [`vm::translate`] bytecode to register form, [`vm::eval`] the loop's handlers, [`vm::frame`] frames,
//!   [`vm::call`] calls and argument binding, [`vm::trace`] trace and profile functions, [`vm::report`] tracebacks,
//!   [`vm::runtime`] the front door; [`vm::import`] and [`vm::importlib`] imports, [`vm::stdlib`] finding the library,
//!   [`vm::startup`] running a program, [`vm::thread`] threads, [`vm::signals`] what the loop attends to.
//! - [`modules`]: native modules, one file or folder each.
//!
//! # How execution works
//!
//! A code object is verified ([`pyc::verify`]) when its function is first called: what fails raises `SystemError` and is
//! never executed, so the loop needs no bounds checks. It is then translated, once, to instructions of 16 bytes whose
//! operands are registers of the frame. Every instruction is a handler that ends by jumping to the next one; with the
//! feature `loop-dispatch` the same handlers return to a plain loop (for sanitizers, coverage and Miri). Frames lie on one
//! stack of registers; a Python call pushes a frame and goes on in the same loop. An exception finds its handler in a
//! table of regions. A generator's frame runs in its object; the frames it calls go where the stack of whoever resumed it ends,
//! and a chain of generators that delegate to each other is resumed at its last ([`types::generator`]).
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
//! - The parser is our own (`compile::parse`), not ruff's: CPython's errors need 3.8's tokenizer and grammar, and once both
//!   were there a second parser added a later version's rules and nothing else.
//! - Small blocks come from pools of our own ([`object::pool`]) instead of mimalloc, larger ones from the system.
//! - The command begins at C's `main`, not by way of Rust's: that would open closed descriptors, which programs can see.
//! - With `-S` the modules `codecs`, `encodings` and `io` are not in `sys.modules` before somebody imports them: what they
//!   do is native, and the library may not be there.
//!
//! # What the measurements said
//!
//! CPU time of programs of `tools/bench` before and after, on one machine in one session; `cargo run --release --example bench`
//! makes the tables.
//!
//! Kept:
//! - Pools: the peak memory of an empty program fell from 13.1 to 6.1 MiB (mimalloc takes huge pages), fannkuch from 370
//!   to 333 ms; with the system's allocator alone it took 450 ms.
//! - What attribute accesses learn in one shared table besides each access's own cell, and `__slots__` values, class
//!   attributes and methods in it: richards from 25.7 to 17 ms.
//! - `super().method()` without the `super` object: richards_super from 29.3 to 20.7 ms.
//! - Slices without slice objects, with steps too, and items of unshared lists taken over: fannkuch from 333 to 140 ms.
//! - Unpacking into variables by one instruction: unpack_sequence from 57 to 18 ns.
//! - A quick way to an iterator's next item, and pairs filled anew: spectral_norm from 49 to 28 ms.
//! - Mixed int and float arithmetic in a handler; array items and instances' `__getitem__` and `__setitem__` within the loop:
//!   scimark_fft from 77 to 52 ms, scimark_lu from 83 to 60 ms.
//! - Generators that run where they stand, chains of delegation resumed at their last: the benchmark generators from 29 to
//!   12.4 ms (its recursive generators yield through 15 levels each time).
//! - Rows of variables unpacked in one go when nothing is counted: unpack_sequence from 18.3 to 15.2 ns.
//! - Functions translated at their first call, not when they are made: a start with `site` from 62 to 50 million instructions.
//! - Generators suspended and resumed within the handlers, `yield from` and `await` without native recursion: a generator's
//!   step from 26.6 to 14 ns, coroutines from 20 to 13 ms.
//! - Sets that compare without calls where no Python code can run, and find used places by bits: meteor_contest from 105 to
//!   74 ms.
//! - Special methods and their docstrings listed once, interned strs in one table, no relocations: the start took 14.6
//!   million instructions, now 6.5.
//! - The functions of start-up and of many programs placed next to each other by the linker (`tools/text_order.ld`): the
//!   kernel maps text in windows of 64 KiB, and an empty program had 3.6 MiB of it resident of which it ran 0.6. Peak memory
//!   from 7.6 to 4.8 MiB, and fewer page faults. It takes v0 mangling, which names each instance of a generic function.
//! - A class with one base takes that base's slots and looks up only what its own dict names; instructions that only take
//!   and give a fixed number of values verified in a row; translation without searches of the stack and without hashing:
//!   `import re, json, argparse, collections` with `site` from 140 to 109 million instructions (CPython: 99).
//! - Dicts of builtin types made when they are first looked at, one table look-up to check most instructions, code made
//!   straight from marshal data with its strs interned before they exist, frozen modules read in the same way: the same
//!   from 109 to 88 million instructions, 4 of them for `codecs` and `encodings`, which programs see in `sys.modules`.
//! - No system calls where nobody waits (locks, the GIL), one heap of the system's allocator for all threads, the process
//!   ended by the thread that ran the program: 450 futex, 45 mprotect and 30 readlink calls less in that program.
//! - Quotients below 2^62 of long ints by one multiplication instead of a general division: pidigits.
//!
//! Tried and dropped: optimisation level 2 (text smaller by 4 %, the mean ratio 2.75 instead of 2.85); folding identical
//! functions in the linker (28 KiB of 5.1 MiB).
//!
//! In the way of more: the copying of a generator's registers (about 60 instructions a step), a native activation for each
//! item that native code takes from a generator, and in operators of Python classes, calls with keywords and `with`, which
//! still enter the loop anew.
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

#[cfg(feature = "compile")]
pub mod compile;
pub mod gc;
pub mod modules;
pub mod object;
pub mod types;
pub mod vm;
