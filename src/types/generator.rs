//! The types `generator` and `coroutine`: a frame that can be suspended, kept in an object.

use crate::gc::Visit;
use crate::method;
use crate::modules::asyncio::future_iter::{self, FUTURE_ITER};
use crate::modules::sys;
use crate::name;
use crate::object::TypeObject;
use crate::object::attribute;
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_object};
use crate::object::iter;
use crate::object::native::{GetSet, Method};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::types::async_generator::{ASYNC_GENERATOR, SEND, send_step};
use crate::types::code::{Code, flags};
use crate::types::exceptions::{
    self, BaseException, GENERATOR_EXIT, STOP_ITERATION, is_instance, is_stop_iteration, runtime_error,
    stop_iteration_value, type_error, value_error,
};
use crate::types::function::Function;
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::types::tuple::Tuple;
use crate::vm::call::{activate, first_handler};
use crate::vm::eval::cell::Cell as Instr;
use crate::vm::eval::control::boundary_return;
use crate::vm::eval::generators::{DELEGATION, resume_frame};
use crate::vm::eval::registers::drop_bits;
use crate::vm::eval::tracing::trace_instruction;
use crate::vm::eval::{self, EMPTY, unwind};
use crate::vm::frame::{self, Activation, CALLER_FP, CALLER_K, HEADER_WORDS, Place, RETURN_IP};
use crate::vm::thread::{Handled, Thread, check_native_stack, current};
use crate::vm::translate::Meta;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::Ordering::Relaxed;

/// Registers of a frame beyond those it needs: the traced translation of its code may need some more.
const SPARE: usize = 4;

/// Where a generator stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Not begun.
    Created,
    /// At a yield.
    Suspended,
    /// On the stack.
    Running,
    /// Returned, raised or closed.
    Finished,
}

/// The body of a generator, coroutine or async generator.
#[repr(C)]
pub struct Generator {
    header: Header,
    function: Value,
    k: Cell<*const u64>,
    ip: Cell<*const Instr>,
    state: Cell<State>,
    value_register: Cell<u32>,
    /// The frame, which runs where it stands: a word for the generator itself, then the registers. Never moved while it runs.
    registers: UnsafeCell<Vec<u64>>,
    /// The first register, and the frame's header behind the variables.
    fp: Cell<*mut u64>,
    frame_header: Cell<*mut u64>,
    /// While it runs: the first free register of the stack, where the frames it calls go.
    top: Cell<*mut u64>,
    /// The generator it delegates to, and the one that delegates to it: see [`step_into`].
    delegate: Cell<*const Generator>,
    parent: Cell<*const Generator>,
    /// While it runs at the end of a chain of delegations: the first of the chain, whose caller gets what is yielded.
    root: Cell<*const Generator>,
    /// While it runs: the generators of the chain, itself included.
    levels: Cell<i32>,
    handled: Handled,
    name: ValueCell,
    qualname: ValueCell,
    frame: ValueCell,
    /// An async generator has come to its end.
    closed: Cell<bool>,
    /// Somebody awaits a step of an async generator.
    running_async: Cell<bool>,
    /// The hooks of `sys.set_asyncgen_hooks` have been looked at.
    hooked: Cell<bool>,
    /// Where a coroutine was made; what is called when an async generator dies before its end.
    extra: ValueCell,
}

macro_rules! kind {
    ($body:ident $static:ident) => {
        payload!($body, $static, {
            const GC: bool = true;
            fn traverse(&self, visit: Visit<'_>) {
                self.visit_references(visit);
            }
            fn clear_references(&self) {
                self.drop_references();
            }
        });
    };
}
kind!(Generator GENERATOR);

/// The type object of generators.
pub static GENERATOR: TypeObject = TypeObject::define::<Generator>("generator")
    .with_weakrefs()
    .slots(Slots {
        repr: Some(|this| repr(this, "generator")),
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        finalize: Some(finalize),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[
        GetSet::member("gi_running", |this| Ok(Value::bool(body(this)?.state() == State::Running))),
        GetSet::member("gi_code", |this| Ok(code_value(body(this)?))),
        GetSet::read_only("gi_yieldfrom", |this| Ok(yielding_from(body(this)?).unwrap_or(Value::NONE)))
            .with_doc("object being iterated by yield from, or None"),
        GetSet::member("gi_frame", frame),
        GetSet::new("__name__", name, set_name).with_doc("name of the generator"),
        GetSet::new("__qualname__", qualname, set_qualname).with_doc("qualified name of the generator"),
    ]);

/// The type object of coroutines.
pub static COROUTINE: TypeObject = TypeObject::define::<Generator>("coroutine")
    .with_weakrefs()
    .slots(Slots {
        repr: Some(|this| repr(this, "coroutine")),
        await_: Some(|this| Ok(new_wrapper(this.clone()))),
        finalize: Some(finalize),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(COROUTINE_METHODS)
    .getset(&[
        GetSet::member("cr_running", |this| Ok(Value::bool(body(this)?.state() == State::Running))),
        GetSet::member("cr_code", |this| Ok(code_value(body(this)?))),
        GetSet::read_only("cr_await", |this| Ok(yielding_from(body(this)?).unwrap_or(Value::NONE)))
            .with_doc("object being awaited on, or None"),
        GetSet::member("cr_frame", frame),
        GetSet::member("cr_origin", |this| Ok(body(this)?.extra.get().unwrap_or(Value::NONE))),
        GetSet::new("__name__", name, set_name).with_doc("name of the coroutine"),
        GetSet::new("__qualname__", qualname, set_qualname).with_doc("qualified name of the coroutine"),
    ]);

const COROUTINE_SEND_DOC: &str =
    "send(arg) -> send 'arg' into coroutine,\nreturn next iterated value or raise StopIteration.";
const COROUTINE_THROW_DOC: &str =
    "throw(typ[,val[,tb]]) -> raise exception in coroutine,\nreturn next iterated value or raise StopIteration.";
const COROUTINE_CLOSE_DOC: &str = "close() -> raise GeneratorExit inside coroutine.";

const COROUTINE_METHODS: &[Method] = &[
    method!(send, "!send($self, value, /)", COROUTINE_SEND_DOC),
    method!(throw, "!throw($self, typ, val=None, tb=None, /)", COROUTINE_THROW_DOC),
    method!(close, "!close($self, /)", COROUTINE_CLOSE_DOC),
];

const METHODS: &[Method] = &[
    method!(
        send,
        "!send($self, value, /)",
        "send(arg) -> send 'arg' into generator,\nreturn next yielded value or raise StopIteration."
    ),
    method!(
        throw,
        "!throw($self, typ, val=None, tb=None, /)",
        "throw(typ[,val[,tb]]) -> raise exception in generator,\nreturn next yielded value or raise StopIteration."
    ),
    method!(close, "!close($self, /)", "close() -> raise GeneratorExit inside generator."),
];

/// What `coroutine.__await__` gives: an iterator over the coroutine.
#[repr(C)]
pub struct Wrapper {
    header: Header,
    coroutine: Value,
}
kind!(Wrapper COROUTINE_WRAPPER);

impl Wrapper {
    fn visit_references(&self, visit: Visit<'_>) {
        visit(&self.coroutine);
    }

    fn drop_references(&self) {}
}

/// The type object of coroutine wrappers.
pub static COROUTINE_WRAPPER: TypeObject = TypeObject::define::<Wrapper>("coroutine_wrapper")
    .doc("A wrapper object implementing __await__ for coroutines.")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(|this| next(wrapped(this)?)),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(wrapper_send, "!send($self, value, /)", COROUTINE_SEND_DOC),
        method!(wrapper_throw, "!throw($self, typ, val=None, tb=None, /)", COROUTINE_THROW_DOC),
        method!(wrapper_close, "!close($self, /)", COROUTINE_CLOSE_DOC),
    ]);

/// The generator behind a value of any of the kinds.
#[inline]
pub fn of(value: &Value) -> Option<&Generator> {
    let header = value.header()?;
    let ty = header.ty();
    if std::ptr::eq(ty, &GENERATOR) || std::ptr::eq(ty, &COROUTINE) || std::ptr::eq(ty, &ASYNC_GENERATOR) {
        // SAFETY: all three types have this body.
        return Some(unsafe { &*(value.bits() as *const Generator) });
    }
    None
}

fn body(value: &Value) -> PyResult<&Generator> {
    of(value).ok_or_else(|| type_error("expected a generator"))
}

fn code_of(generator: &Generator) -> &'static Code {
    // SAFETY: the function keeps its code, which keeps the constants.
    unsafe { Meta::of(generator.k.get()).code() }
}

pub(crate) fn code_value(generator: &Generator) -> Value {
    // Not the function's, which may have got another since.
    Value::of(code_of(generator))
}

fn kind_name(generator: &Generator) -> &'static str {
    let code = code_of(generator);
    if code.has_flag(flags::COROUTINE) {
        "coroutine"
    } else if code.has_flag(flags::ASYNC_GENERATOR) {
        "async generator"
    } else {
        "generator"
    }
}

impl Generator {
    /// The generator of a call, to go on at `ip`: it takes the variables at `variables` over.
    ///
    /// # Safety
    /// They are those of a frame of the code with the constants `k`, which ends with this.
    pub(crate) unsafe fn new_value(function: Value, ip: *const Instr, k: *const u64, variables: *mut u64) -> Value {
        // SAFETY: the constants of the function's code.
        let meta = unsafe { Meta::of(k) };
        let code = meta.code();
        let ty = if code.has_flag(flags::COROUTINE) {
            &COROUTINE
        } else if code.has_flag(flags::ASYNC_GENERATOR) {
            &ASYNC_GENERATOR
        } else {
            &GENERATOR
        };
        let (name, qualname) =
            function.exact::<Function>().map(|f| (f.name(), f.qualname())).unwrap_or((Value::NONE, Value::NONE));
        let mut registers = Vec::with_capacity(1 + meta.frame_size as usize + SPARE);
        registers.push(EMPTY);
        for index in 0..meta.named as usize {
            // SAFETY: a variable of the frame: it moves.
            registers.push(unsafe { std::mem::replace(&mut *variables.add(index), EMPTY) });
        }
        registers.resize(registers.capacity(), EMPTY);
        let generator = new_object_of(
            ty,
            Generator {
                header: Header::new(ty),
                function,
                k: Cell::new(k),
                ip: Cell::new(ip),
                state: Cell::new(State::Created),
                value_register: Cell::new(u32::MAX),
                registers: UnsafeCell::new(registers),
                fp: Cell::new(std::ptr::null_mut()),
                frame_header: Cell::new(std::ptr::null_mut()),
                top: Cell::new(std::ptr::null_mut()),
                delegate: Cell::new(std::ptr::null()),
                parent: Cell::new(std::ptr::null()),
                root: Cell::new(std::ptr::null()),
                levels: Cell::new(1),
                handled: Handled::new(),
                name: ValueCell::new(Some(name)),
                qualname: ValueCell::new(Some(qualname)),
                frame: ValueCell::EMPTY,
                closed: Cell::new(false),
                running_async: Cell::new(false),
                hooked: Cell::new(false),
                extra: ValueCell::EMPTY,
            },
        );
        if let Some(body) = of(&generator) {
            body.place_frame(meta);
        }
        generator
    }

    /// Notes where the frame stands, and in the frame, whose it is.
    fn place_frame(&self, meta: &Meta) {
        // SAFETY: the frame's own words; the word before its registers is not counted as a reference.
        unsafe {
            let start = (*self.registers.get()).as_mut_ptr();
            *start = std::ptr::from_ref(self) as u64;
            self.fp.set(start.add(1));
            self.frame_header.set(start.add(1 + meta.named as usize));
        }
    }

    /// The function it runs.
    pub fn function(&self) -> &Value {
        &self.function
    }

    /// Where it stands. One that delegates runs while the last of the chain does.
    #[inline(always)]
    pub fn state(&self) -> State {
        let state = self.state.get();
        if state == State::Suspended && !self.delegate.get().is_null() && self.innermost().state.get() == State::Running
        {
            return State::Running;
        }
        state
    }

    /// The last of the chain of delegations.
    fn innermost(&self) -> &Generator {
        self.chain().0
    }

    /// The first register of its frame.
    #[inline(always)]
    pub(crate) fn fp(&self) -> *mut u64 {
        self.fp.get()
    }

    /// While it runs: the first free register of the stack.
    #[inline(always)]
    pub(crate) fn top(&self) -> *mut u64 {
        self.top.get()
    }

    /// How many registers its frame has room for.
    pub(crate) fn room(&self) -> usize {
        // SAFETY: the length alone.
        unsafe { (&*self.registers.get()).len().saturating_sub(1) }
    }

    /// It is not running: whoever delegates to it, and what it delegates to, go on by themselves.
    pub(crate) fn unlink(&self) {
        // SAFETY: as for chain(); a parent outlives the link.
        unsafe {
            if let Some(delegate) = self.delegate.replace(std::ptr::null()).as_ref() {
                delegate.parent.set(std::ptr::null());
            }
            if let Some(parent) = self.parent.replace(std::ptr::null()).as_ref() {
                parent.delegate.set(std::ptr::null());
            }
        }
    }

    /// It runs, or one it delegates to does: from here on the generators of the chain run each by itself.
    pub(crate) fn separate(&self) {
        let last = self.innermost();
        if last.state.get() != State::Running {
            return;
        }
        let (root, top) = (last.root.replace(std::ptr::null()), last.top.get());
        last.levels.set(1);
        // SAFETY: as for innermost().
        let mut next = unsafe { root.as_ref() };
        while let Some(generator) = next {
            // SAFETY: as above.
            next = unsafe { generator.delegate.replace(std::ptr::null()).as_ref() };
            if let Some(delegate) = next {
                delegate.parent.set(std::ptr::null());
                generator.state.set(State::Running);
                generator.root.set(std::ptr::null());
                generator.levels.set(1);
                generator.top.set(top);
            }
        }
    }

    /// It ends: the one that delegates to it runs on.
    #[inline(always)]
    pub(crate) fn leave_chain(&self) {
        let parent = self.parent.replace(std::ptr::null());
        // SAFETY: as for unlink().
        if let Some(outer) = unsafe { parent.as_ref() } {
            let root = self.root.replace(std::ptr::null());
            outer.delegate.set(std::ptr::null());
            outer.state.set(State::Running);
            outer.root.set(if std::ptr::eq(root, parent) { std::ptr::null() } else { root });
            outer.levels.set(self.levels.get() - 1);
            outer.top.set(self.top.get());
        }
    }

    /// It yields: whose caller goes on, and how many generators are suspended.
    #[inline(always)]
    pub(crate) fn outermost(&self) -> (&Generator, i32) {
        // SAFETY: the chain holds together while its last runs.
        (unsafe { self.root.get().as_ref() }.unwrap_or(self), self.levels.get())
    }

    /// The header of its frame.
    #[inline(always)]
    pub(crate) fn frame_header(&self) -> *mut u64 {
        self.frame_header.get()
    }

    pub(crate) fn set_state(&self, state: State) {
        self.state.set(state);
    }

    pub(crate) fn constants(&self) -> *const u64 {
        self.k.get()
    }

    /// The frame on the stack runs another translation.
    pub(crate) fn set_constants(&self, k: *const u64) {
        self.k.set(k);
    }

    /// Goes on in another translation of its code, at `ip`; `address` gives what return addresses become.
    pub(crate) fn change_over(&self, k: *const u64, ip: *const Instr, address: impl Fn(u32) -> u32) {
        self.unlink();
        // SAFETY: nothing else runs while the words are looked at; a return address is no reference. It does not run:
        // its frame may move.
        unsafe {
            let meta = Meta::of(k);
            let registers = &mut *self.registers.get();
            if registers.len() < 1 + meta.frame_size as usize {
                registers.resize(1 + meta.frame_size as usize, EMPTY);
            }
            self.place_frame(meta);
            for slot in self.slots() {
                let value = std::mem::ManuallyDrop::new(Value::from_bits(*slot));
                if let Some(index) = value.as_return_address() {
                    *slot = Value::return_address(address(index)).into_bits();
                }
            }
        }
        self.k.set(k);
        self.ip.set(ip);
        if let Some(frame) = self.frame.get() {
            crate::types::frame::set_code(&frame, k);
            if self.state() != State::Running {
                crate::types::frame::set_registers(&frame, self.fp());
            }
        }
    }

    /// Its registers, without the words of the frame's header.
    fn slots(&self) -> impl Iterator<Item = *mut u64> {
        let (fp, header) = (self.fp.get(), self.frame_header.get());
        let count = self.room();
        let registers = (0..count).map(move |index| fp.wrapping_add(index));
        registers.filter(move |&slot| slot < header || slot >= header.wrapping_add(HEADER_WORDS))
    }

    pub(crate) fn ip(&self) -> *const Instr {
        self.ip.get()
    }

    pub(crate) fn handled(&self) -> &Handled {
        &self.handled
    }

    /// The register that waits for the value sent.
    pub(crate) fn value_register(&self) -> Option<u32> {
        Some(self.value_register.get()).filter(|&register| register != u32::MAX)
    }

    /// Looks at the hooks of `sys.set_asyncgen_hooks`, once. As `async_gen_init_hooks`.
    ///
    /// # Errors
    /// What the hook for the first iteration raises.
    pub(crate) fn look_at_hooks(&self) -> PyResult<()> {
        if self.hooked.replace(true) {
            return Ok(());
        }
        self.extra.set(sys::asyncgen_finalizer());
        match sys::asyncgen_first_iteration() {
            Some(hook) => call::call(&hook, &[Value::of(self)]).map(drop),
            None => Ok(()),
        }
    }

    /// Notes where a coroutine is made, if somebody wants to know: the running frame is its own. As `compute_cr_origin`.
    pub(crate) fn note_origin(&self, vm: &Thread, frame: Option<Place>) {
        if !code_of(self).has_flag(flags::COROUTINE) {
            return;
        }
        let mut place = frame.and_then(Place::caller);
        let mut origin = Vec::new();
        for _ in 0..vm.origin_depth.get() {
            let Some(found) = place else { break };
            let code = found.meta().code();
            let line = found.object().exact::<crate::types::frame::Frame>().map_or(0, |frame| frame.line());
            let entry = vec![code.file(), Value::int(line.into()), code.fields.name.clone()];
            origin.push(Tuple::from_vec(entry));
            place = found.caller();
        }
        self.extra.set(Some(Tuple::from_vec(origin)));
    }

    pub(crate) fn closed(&self) -> &Cell<bool> {
        &self.closed
    }

    pub(crate) fn running_async(&self) -> &Cell<bool> {
        &self.running_async
    }

    /// The bytecode offset of the yield that the generator stands at; -1 before it has begun.
    pub(crate) fn last_instruction(&self) -> i32 {
        if self.state.get() == State::Created {
            return -1;
        }
        let ip = self.ip.get();
        // SAFETY: the code's constants live with its function.
        let meta = unsafe { Meta::of(self.k.get()) };
        if self.state_before_resume_is_yield() {
            meta.offset_of(ip.wrapping_sub(1))
        } else {
            // CPython steps back, so that the delegation is executed again.
            meta.offset_of(ip) - 2
        }
    }

    /// The frame object outlives the registers: it takes the variables over.
    fn detach_frame(&self) {
        let Some(object) = self.frame.take() else { return };
        if let Some(frame) = object.exact::<crate::types::frame::Frame>() {
            // SAFETY: the words change their owner, once.
            let variables = unsafe {
                let named = Meta::of(self.k.get()).named as usize;
                let count = named.min(self.room());
                let slots = (0..count).map(|index| self.fp.get().add(index));
                slots.map(|slot| Value::from_bits(std::mem::replace(&mut *slot, EMPTY))).collect()
            };
            frame.finish(variables, None, self.last_instruction());
        }
    }

    pub(crate) fn suspend_at(&self, ip: *const Instr, value_register: u32) {
        self.ip.set(ip);
        self.value_register.set(value_register);
        self.state.set(State::Suspended);
    }

    pub(crate) fn keep_frame_object(&self, object: Value) {
        self.frame.set(Some(object));
    }

    fn visit_references(&self, visit: Visit<'_>) {
        visit(&self.function);
        // What a running frame holds counts as held from outside, as all of the stack.
        if self.state.get() != State::Running {
            for slot in self.slots() {
                // SAFETY: the visitor runs no foreign code; the words are owned references, immediates or empty.
                visit(&std::mem::ManuallyDrop::new(unsafe { Value::from_bits(*slot) }));
            }
        }
        self.handled.exception.visit(visit);
        self.name.visit(visit);
        self.qualname.visit(visit);
        self.extra.visit(visit);
        self.frame.visit(visit);
    }

    /// As clearing the frame: what it holds dies; the generator cannot go on.
    fn drop_references(&self) {
        if self.state() != State::Running {
            self.unlink();
            self.state.set(State::Finished);
            self.detach_frame();
            self.drop_registers();
            drop(self.handled.exception.take());
        }
    }

    /// Whether CPython would have a frame for it where there is no frame object here.
    pub(crate) fn has_hidden_frame(&self) -> bool {
        self.state.get() != State::Finished && !self.frame.is_some()
    }

    fn drop_registers(&self) {
        for slot in self.slots() {
            // SAFETY: the words are owned here; each is emptied before its value dies. The frame does not run.
            unsafe {
                let bits = std::mem::replace(&mut *slot, EMPTY);
                drop_bits(bits);
            }
        }
    }
}

fn new_object_of(ty: &'static TypeObject, generator: Generator) -> Value {
    crate::object::header::new_instance(ty, generator)
}

impl Drop for Generator {
    fn drop(&mut self) {
        self.unlink();
        // Those of a frame that has ended are empty.
        if self.state.get() != State::Finished {
            self.detach_frame();
            self.drop_registers();
        }
    }
}

/// How a resumed generator went on.
pub(crate) enum Resumed {
    Yielded(Value),
    Returned(Value),
}

/// The next item of a generator, from native code. As `gen_iternext`; its value when it returns is dropped.
///
/// # Errors
/// What the generator raises.
pub(crate) fn next_item(this: &Value) -> PyResult<Option<Value>> {
    match step(this)? {
        Resumed::Yielded(value) => Ok(Some(value)),
        Resumed::Returned(_) => Ok(None),
    }
}

/// As [`resume`] with None sent, the common way: nothing is moved.
///
/// # Errors
/// What the generator raises.
#[inline]
pub(crate) fn step(this: &Value) -> PyResult<Resumed> {
    let generator = body(this)?;
    let vm = current();
    let base = frame::top(vm);
    if vm.raised.is_some() || vm.breaker.load(Relaxed) || check_native_stack().is_err() {
        return resume(this, Ok(Value::NONE));
    }
    // SAFETY: the register at `base` is free; the one who calls holds the generator.
    unsafe {
        let activation = Activation { previous: vm.activation.get(), ip: vm.ip.get(), fp: vm.fp.get(), k: vm.k.get() };
        let none = Value::NONE.bits();
        let Some(inner) = step_into(vm, generator, base.add(1), boundary_return(), base, activation.k, none) else {
            return resume(this, Ok(Value::NONE));
        };
        *base = EMPTY;
        let alive = this.clone();
        vm.activation.set(&activation);
        let ip = inner.ip.get();
        eval::run(eval::decode((*ip).handler), ip, inner.fp(), vm, inner.k.get());
        vm.activation.set(activation.previous);
        vm.ip.set(activation.ip);
        vm.fp.set(activation.fp);
        vm.k.set(activation.k);
        let finished = generator.state.get() == State::Finished;
        drop(alive);
        if let Some(exception) = vm.raised.take() {
            return Err(Raised::new(exception));
        }
        let value = Value::from_bits(std::mem::replace(&mut *base, EMPTY));
        Ok(if finished { Resumed::Returned(value) } else { Resumed::Yielded(value) })
    }
}

/// Makes a generator that does not run go on, the common way: nothing is moved. Gives the one whose frame is to run at its
/// instruction, or `None` when it has to be done with more care.
///
/// A generator that delegates to another is linked to it. The first of such a chain is resumed by running the last, whose
/// yields go straight to the caller of the first; those between stay suspended at their `yield from` and are said to run
/// while the last does. Their frames' headers name each other as callers all the time, so that whoever walks the stack
/// finds them. The chain is broken up ([`Generator::unlink`], [`Generator::separate`]) by whatever looks closer: a frame
/// object, tracing, an exception thrown in, somebody else who resumes one of them.
///
/// # Safety
/// `top` is the first free register of the stack; the rest is the frame that the generator returns to. `sent` is moved
/// in when the answer is `Some`; one for a generator that has not begun is None.
#[inline(always)]
pub(crate) unsafe fn step_into<'a>(
    vm: &Thread,
    generator: &'a Generator,
    top: *mut u64,
    return_ip: *const Instr,
    caller_fp: *mut u64,
    caller_k: *const u64,
    sent: u64,
) -> Option<&'a Generator> {
    // SAFETY: the caller's; the generators of a chain hold each other.
    unsafe {
        let (inner, levels) = generator.begin(vm, top)?;
        generator.set_caller(return_ip, caller_fp, caller_k);
        inner.run_on(vm, top, if levels == 1 { std::ptr::null() } else { generator }, levels, sent);
        Some(inner)
    }
}

/// Makes `outer`, which runs, delegate to a generator: as [`step_into`], with the chain longer by it.
///
/// # Safety
/// As for [`step_into`]; `outer` runs at the `yield from` at `ip` and holds the generator.
#[inline(always)]
pub(crate) unsafe fn delegate_to<'a>(
    vm: &Thread,
    outer: &Generator,
    generator: &'a Generator,
    ip: *const Instr,
    value_register: u32,
    sent: u64,
) -> Option<&'a Generator> {
    // SAFETY: the caller's.
    unsafe {
        if *outer.frame_header.get().add(frame::OBJECT) != EMPTY {
            return None;
        }
        let top = outer.top.get();
        let (inner, levels) = generator.begin(vm, top)?;
        generator.set_caller(ip.add(2), outer.fp.get(), outer.k.get());
        let (root, above) = outer.outermost();
        outer.suspend_at(ip, value_register);
        outer.delegate.set(generator);
        generator.parent.set(outer);
        inner.run_on(vm, top, root, above + levels, sent);
        Some(inner)
    }
}

impl Generator {
    /// The last of the chain of delegations, and how many the chain has.
    #[inline(always)]
    fn chain(&self) -> (&Generator, i32) {
        let mut generator = self;
        let mut levels = 1;
        // SAFETY: who delegates holds the other, and breaks the chain before it lets go.
        while let Some(next) = unsafe { generator.delegate.get().as_ref() } {
            generator = next;
            levels += 1;
        }
        (generator, levels)
    }

    /// Takes the levels of recursion that the chain needs, if it can be resumed in place: the last of it, and how many
    /// it has.
    #[inline(always)]
    fn begin(&self, vm: &Thread, top: *mut u64) -> Option<(&Generator, i32)> {
        let (inner, levels) = self.chain();
        let remaining = vm.remaining.get();
        if !inner.can_go_on()
            || self.frame.is_some()
            || !self.parent.get().is_null()
            || top >= vm.stack_limit.load(Relaxed)
            || remaining < levels
        {
            return None;
        }
        vm.remaining.set(remaining - levels);
        self.handled.previous.set(vm.handled.get());
        Some((inner, levels))
    }

    /// Whether it may be resumed with such a value.
    #[inline(always)]
    pub(crate) fn takes(&self, none: bool) -> bool {
        none || self.state.get() != State::Created
    }

    #[inline(always)]
    fn can_go_on(&self) -> bool {
        matches!(self.state.get(), State::Suspended | State::Created)
    }

    /// Writes down where its frame returns to.
    ///
    /// # Safety
    /// The frame does not run.
    #[inline(always)]
    unsafe fn set_caller(&self, return_ip: *const Instr, fp: *mut u64, k: *const u64) {
        let header = self.frame_header.get();
        // SAFETY: the words of its own frame.
        unsafe {
            *header.add(RETURN_IP) = return_ip as u64;
            *header.add(CALLER_FP) = fp as u64;
            *header.add(CALLER_K) = k as u64;
        }
    }

    /// Its frame goes on, as the last of a chain.
    ///
    /// # Safety
    /// As for [`step_into`].
    #[inline(always)]
    unsafe fn run_on(&self, vm: &Thread, top: *mut u64, root: *const Generator, levels: i32, sent: u64) {
        self.top.set(top);
        self.root.set(root);
        self.levels.set(levels);
        if let Some(register) = self.value_register() {
            // SAFETY: the register waits for it.
            unsafe { *self.fp.get().add(register as usize) = sent };
        }
        self.state.set(State::Running);
        vm.handled.set(&self.handled);
    }

    /// Its frame goes on by itself, with the care that tracing and frame objects need.
    ///
    /// # Safety
    /// As for [`step_into`].
    pub(crate) unsafe fn run_alone(
        &self,
        vm: &Thread,
        top: *mut u64,
        return_ip: *const Instr,
        caller_fp: *mut u64,
        caller_k: *const u64,
        sent: Value,
    ) {
        self.unlink();
        // SAFETY: the caller's; the header word is empty while the frame does not run.
        unsafe {
            self.set_caller(return_ip, caller_fp, caller_k);
            *self.frame_header.get().add(frame::OBJECT) = match self.frame.take() {
                Some(object) => {
                    crate::types::frame::set_running(&object, self.fp.get());
                    object.into_bits()
                }
                None => EMPTY,
            };
            self.handled.previous.set(vm.handled.get());
            let waits = self.value_register().is_some();
            let sent = sent.into_bits();
            self.run_on(vm, top, std::ptr::null(), 1, sent);
            if !waits {
                drop_bits(sent);
            }
        }
    }
}

/// Makes the generators on the stack run each by itself: from now on somebody looks at every step.
pub(crate) fn separate_all(vm: &Thread) {
    let mut place = Place::current(vm);
    while let Some(found) = place {
        if let Some(generator) = of(found.callee()) {
            generator.separate();
        }
        place = found.caller();
    }
}

/// Resumes a generator with a value sent, or with an exception raised at its yield, which gets no context there.
pub(crate) fn resume(this: &Value, sent: Result<Value, Raised>) -> PyResult<Resumed> {
    let generator = body(this)?;
    let _alive = this.clone();
    match generator.state() {
        State::Running => return Err(value_error(format!("{} already executing", kind_name(generator)))),
        State::Finished => {
            if code_of(generator).has_flag(flags::COROUTINE) {
                return Err(runtime_error("cannot reuse already awaited coroutine"));
            }
            return match sent {
                Ok(_) => Ok(Resumed::Returned(Value::NONE)),
                Err(raised) => Err(raised),
            };
        }
        State::Created => {
            if let Ok(value) = &sent
                && !value.is_none()
            {
                return Err(type_error(format!(
                    "can't send non-None value to a just-started {}",
                    kind_name(generator)
                )));
            }
        }
        State::Suspended => {}
    }
    let value = activate(|vm, base| {
        let (value, raised) = match sent {
            Ok(value) => (value, None),
            Err(raised) => (Value::NONE, Some(raised)),
        };
        // SAFETY: the registers above `base` are free; the generator is not running.
        unsafe {
            let caller_k = vm.k.get();
            resume_frame(vm, generator, base.add(1), boundary_return(), base, caller_k, value)?;
        }
        match raised {
            None => Ok(first_handler(vm)),
            Some(raised) => {
                vm.set_raised(raised);
                // The exception is raised by the yield, which stands before the instruction to go on at (a `yield from`
                // is that instruction itself).
                if generator.state_before_resume_is_yield() {
                    vm.ip.set(vm.ip.get().wrapping_sub(1));
                } else {
                    // SAFETY: the constants of its code.
                    let meta = unsafe { Meta::of(vm.k.get()) };
                    let before = u32::try_from(meta.offset_of(vm.ip.get()) - 2).unwrap_or(0);
                    if meta.is_traced()
                        && let Some(cell) = meta.find(trace_instruction, before)
                    {
                        // CPython has stepped back, and says so.
                        vm.ip.set(meta.cell(cell));
                    }
                }
                Ok(unwind::raise_thrown)
            }
        }
    })?;
    Ok(if generator.state.get() == State::Finished { Resumed::Returned(value) } else { Resumed::Yielded(value) })
}

impl Generator {
    /// Whether the instruction before the one to go on at is a yield that waits for a value.
    fn state_before_resume_is_yield(&self) -> bool {
        if self.value_register.get() == u32::MAX {
            return true;
        }
        // SAFETY: the constants of its code; the first instruction of a generator is its making, so there is one before.
        let handler = unsafe { Meta::of(self.k.get()) }.handler_at(self.ip.get().wrapping_sub(1));
        handler == crate::vm::eval::cell::encode(crate::vm::eval::generators::yield_value)
            // A delegation that has ended.
            || handler == crate::vm::eval::cell::encode(crate::vm::eval::generators::yield_on)
    }
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    match resume(this, Ok(Value::NONE))? {
        Resumed::Yielded(value) => Ok(Some(value)),
        Resumed::Returned(value) if value.is_none() => Ok(None),
        Resumed::Returned(value) => Err(exceptions::stop_iteration(Some(value))),
    }
}

fn or_stop(resumed: Resumed) -> PyResult<Value> {
    match resumed {
        Resumed::Yielded(value) => Ok(value),
        Resumed::Returned(value) => Err(exceptions::stop_iteration(Some(value).filter(|value| !value.is_none()))),
    }
}

fn send(this: &Value, value: &Value) -> PyResult<Value> {
    or_stop(resume(this, Ok(value.clone()))?)
}

/// The exception that `throw(typ, val, tb)` means. As `_gen_throw`.
fn thrown(ty: &Value, value: Option<&Value>, traceback: Option<&Value>) -> PyResult<Raised> {
    let value = value.filter(|value| !value.is_none());
    let traceback = traceback.filter(|traceback| !traceback.is_none());
    if traceback.is_some_and(|traceback| !traceback.is_exact::<Traceback>()) {
        return Err(type_error("throw() third argument must be a traceback object"));
    }
    let exception = if exceptions::as_exception_class(ty).is_some() {
        match value {
            Some(value)
                if exceptions::is_exception(value)
                    && ty.downcast::<TypeObject>().is_some_and(|ty| value.ty().is_subtype(ty)) =>
            {
                value.clone()
            }
            Some(value) => match value.downcast::<crate::types::tuple::Tuple>() {
                Some(args) => call::call(ty, args.as_slice())?,
                None => call::call(ty, std::slice::from_ref(value))?,
            },
            None => call::call(ty, &[])?,
        }
    } else if exceptions::is_exception(ty) {
        if value.is_some() {
            return Err(type_error("instance exception may not have a separate value"));
        }
        ty.clone()
    } else {
        return Err(type_error(format!(
            "exceptions must be classes or instances deriving from BaseException, not {}",
            ty.ty().name()
        )));
    };
    if let (Some(body), Some(traceback)) = (exception.downcast::<BaseException>(), traceback) {
        body.set_traceback(Some(traceback.clone()));
    }
    Ok(Raised::new(exception))
}

/// What a generator suspended in `yield from` delegates to.
pub(crate) fn yielding_from(generator: &Generator) -> Option<Value> {
    if generator.state() != State::Suspended || generator.state_before_resume_is_yield() {
        return None;
    }
    // SAFETY: the register below the one that waits for a value holds the iterator.
    unsafe {
        let register = generator.value_register.get().checked_sub(1)?;
        let bits = *generator.fp.get().add(register as usize);
        let value = std::mem::ManuallyDrop::new(Value::from_bits(bits));
        Some((*value).clone())
    }
}

/// `throw(typ, val, tb)`.
pub(crate) fn throw(this: &Value, ty: &Value, value: Option<&Value>, traceback: Option<&Value>) -> PyResult<Value> {
    or_stop(throw_in(this, true, ty, value, traceback)?)
}

/// Raises an exception at the yield, or hands it to what the generator delegates to. `close_on_exit`: a GeneratorExit
/// closes that. As `_gen_throw`.
pub(crate) fn throw_in(
    this: &Value,
    close_on_exit: bool,
    ty: &Value,
    value: Option<&Value>,
    traceback: Option<&Value>,
) -> PyResult<Resumed> {
    check_native_stack()?;
    let generator = body(this)?;
    if let Some(receiver) = yielding_from(generator) {
        generator.unlink();
        let is_exit = ty.downcast::<TypeObject>().is_some_and(|ty| ty.is_subtype(&GENERATOR_EXIT))
            || ty.ty().is_subtype(&GENERATOR_EXIT);
        if is_exit && close_on_exit {
            generator.state.set(State::Running);
            let closed = close_iterator(&receiver);
            generator.state.set(State::Suspended);
            if let Err(raised) = closed {
                return resume(this, Err(raised));
            }
            return resume(this, Err(thrown(ty, value, traceback)?));
        }
        let result = if of(&receiver).is_some() {
            generator.state.set(State::Running);
            let result = throw(&receiver, ty, value, traceback);
            generator.state.set(State::Suspended);
            Some(result)
        } else {
            match attribute::lookup(&receiver, name!("throw"))? {
                Some(method) => {
                    let mut args = vec![ty.clone()];
                    args.extend(value.cloned());
                    args.extend(traceback.cloned());
                    generator.state.set(State::Running);
                    let result = call::call(&method, &args).map_err(raised_here);
                    generator.state.set(State::Suspended);
                    Some(result)
                }
                None => None,
            }
        };
        match result {
            None => {}
            Some(Ok(value)) => return Ok(Resumed::Yielded(value)),
            Some(Err(raised)) if is_stop_iteration(&raised) => {
                // The delegation ends: the generator goes on behind its `yield from` with the value.
                finish_delegation(generator);
                return resume(this, Ok(stop_iteration_value(&raised)));
            }
            Some(Err(raised)) => {
                finish_delegation(generator);
                return resume(this, Err(raised));
            }
        }
    }
    resume(this, Err(thrown(ty, value, traceback)?))
}

/// Takes the iterator of a `yield from` off: its register waits for the result, behind the instruction.
fn finish_delegation(generator: &Generator) {
    let register = generator.value_register.get() - 1;
    // SAFETY: as in yielding_from; the register is emptied before its value dies.
    unsafe {
        let bits = std::mem::replace(&mut *generator.fp.get().add(register as usize), EMPTY);
        generator.value_register.set(register);
        // Traced code has an instruction before the delegation, at which it is resumed.
        let before = usize::from(Meta::of(generator.k.get()).is_traced());
        generator.ip.set(generator.ip.get().add(DELEGATION + before));
        drop_bits(bits);
    }
}

/// An exception that native code has just raised gets its context where it was raised, not where it is thrown to.
fn raised_here(raised: Raised) -> Raised {
    let exception = raised.into_value();
    if exception.downcast::<BaseException>().is_some_and(|body| body.traceback().is_none()) {
        unwind::chain_context(current(), &exception);
    }
    Raised::new(exception)
}

/// Closes what a generator delegates to. As `gen_close_iter`.
fn close_iterator(iterator: &Value) -> PyResult<()> {
    if of(iterator).is_some() {
        return close(iterator).map_err(raised_here);
    }
    match attribute::lookup(iterator, name!("close")) {
        Ok(Some(method)) => call::call(&method, &[]).map(drop).map_err(raised_here),
        Ok(None) => Ok(()),
        Err(raised) => {
            crate::vm::thread::report_unraisable(raised, iterator);
            Ok(())
        }
    }
}

fn close(this: &Value) -> PyResult<()> {
    check_native_stack()?;
    let generator = body(this)?;
    match generator.state() {
        State::Finished => return Ok(()),
        // Nobody sees the frame begin and end, unless it is traced.
        State::Created if !crate::vm::thread::current().use_tracing() => {
            generator.detach_frame();
            generator.unlink();
            generator.state.set(State::Finished);
            generator.drop_registers();
            return Ok(());
        }
        _ => {}
    }
    let mut error = raised_here(Raised::new(exceptions::instantiate(&GENERATOR_EXIT, Vec::new())));
    if let Some(receiver) = yielding_from(generator) {
        generator.unlink();
        generator.state.set(State::Running);
        let closed = close_iterator(&receiver);
        generator.state.set(State::Suspended);
        if let Err(raised) = closed {
            error = raised;
        }
    }
    match resume(this, Err(error)) {
        Ok(Resumed::Yielded(_)) => Err(runtime_error(format!("{} ignored GeneratorExit", kind_name(generator)))),
        Ok(Resumed::Returned(_)) => Ok(()),
        Err(raised) if is_stop_iteration(&raised) || is_instance(&raised, &GENERATOR_EXIT) => Ok(()),
        Err(raised) => Err(raised),
    }
}

/// Makes a generator that is not running an ended one, as clearing its frame does.
pub(crate) fn give_up(this: &Value) {
    if let Some(generator) = of(this) {
        generator.drop_references();
    }
}

/// Closes a generator that dies at a yield, so that its `finally` blocks run. As `_PyGen_Finalize`.
pub(crate) fn finalize(this: &Value) {
    let Some(generator) = of(this) else { return };
    if !matches!(generator.state(), State::Created | State::Suspended) {
        return;
    }
    if generator.state.get() == State::Created && std::ptr::eq(this.ty(), &COROUTINE) {
        return crate::modules::warnings::warn_unawaited(this);
    }
    if std::ptr::eq(this.ty(), &ASYNC_GENERATOR)
        && !generator.closed.get()
        && let Some(finalizer) = generator.extra.get()
    {
        if let Err(raised) = call::call(&finalizer, std::slice::from_ref(this)) {
            crate::vm::thread::report_unraisable(raised, this);
        }
        return;
    }
    if let Err(raised) = close(this) {
        crate::vm::thread::report_unraisable(raised, this);
    }
}

/// One step of `yield from`: `Ok(Ok(value))` a value is yielded, `Ok(Err(result))` the iterator has ended.
pub(crate) fn delegate(receiver: &Value, sent: &Value) -> PyResult<Result<Value, Value>> {
    // Those that need no StopIteration to bring the result.
    let step = if of(receiver).is_some() {
        Some(resume(receiver, Ok(sent.clone()))?)
    } else if std::ptr::eq(receiver.ty(), &SEND) {
        Some(send_step(receiver, sent)?)
    } else if std::ptr::eq(receiver.ty(), &FUTURE_ITER) {
        Some(match future_iter::step(receiver) {
            // A future may hold one of a derived class.
            Err(raised) if is_stop_iteration(&raised) => Resumed::Returned(stop_iteration_value(&raised)),
            step => step?,
        })
    } else {
        None
    };
    match step {
        Some(Resumed::Yielded(value)) => return Ok(Ok(value)),
        Some(Resumed::Returned(value)) => return Ok(Err(value)),
        None => {}
    }
    let result = if sent.is_none() {
        // The slot itself: a StopIteration brings the result.
        let Some(next) = receiver.ty().slot(|slots| slots.next) else {
            return Err(type_error(format!("'{}' object is not an iterator", receiver.ty().name())));
        };
        match next(receiver) {
            Ok(Some(value)) => return Ok(Ok(value)),
            Ok(None) => return Ok(Err(Value::NONE)),
            Err(raised) => Err(raised),
        }
    } else {
        call::call_method(receiver, name!("send"), std::slice::from_ref(sent))
    };
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(raised) if is_instance(&raised, &STOP_ITERATION) => Ok(Err(stop_iteration_value(&raised))),
        Err(raised) => Err(raised),
    }
}

/// As [`delegate`] for traced code: an end that CPython knows by a `StopIteration` is that, one without is `Ok(Err(()))`.
pub(crate) fn delegate_or_stop(receiver: &Value, sent: &Value) -> PyResult<Result<Value, ()>> {
    if of(receiver).is_some() {
        return or_stop(resume(receiver, Ok(sent.clone()))?).map(Ok);
    }
    if !sent.is_none() {
        return call::call_method(receiver, name!("send"), std::slice::from_ref(sent)).map(Ok);
    }
    let Some(next) = receiver.ty().slot(|slots| slots.next) else {
        return Err(type_error(format!("'{}' object is not an iterator", receiver.ty().name())));
    };
    Ok(crate::object::slot_functions::next_or_stop(receiver, next)?.ok_or(()))
}

/// The iterator that `yield from` goes over.
pub(crate) fn yield_from_iterator(iterable: Value, code: &Code) -> PyResult<Value> {
    if std::ptr::eq(iterable.ty(), &COROUTINE) {
        if !code.has_flag(flags::COROUTINE | flags::ITERABLE_COROUTINE) {
            return Err(type_error("cannot 'yield from' a coroutine object in a non-coroutine generator"));
        }
        return Ok(iterable);
    }
    if std::ptr::eq(iterable.ty(), &GENERATOR) {
        return Ok(iterable);
    }
    iter::iter(&iterable)
}

/// The iterator that `await` goes over. As `_PyCoro_GetAwaitableIter`.
pub(crate) fn awaitable_iterator(object: &Value) -> PyResult<Value> {
    if let Some(generator) = of(object)
        && (std::ptr::eq(object.ty(), &COROUTINE) || code_of(generator).has_flag(flags::ITERABLE_COROUTINE))
    {
        if std::ptr::eq(object.ty(), &COROUTINE) && yielding_from(generator).is_some() {
            return Err(runtime_error("coroutine is being awaited already"));
        }
        return Ok(object.clone());
    }
    let Some(slot) = object.ty().slot(|slots| slots.await_) else {
        return Err(type_error(format!("object {} can't be used in 'await' expression", object.ty().name())));
    };
    let iterator = slot(object)?;
    if std::ptr::eq(iterator.ty(), &COROUTINE)
        || of(&iterator).is_some_and(|g| code_of(g).has_flag(flags::ITERABLE_COROUTINE))
    {
        return Err(type_error("__await__() returned a coroutine"));
    }
    if iterator.ty().slot(|slots| slots.next).is_none() {
        return Err(type_error(format!("__await__() returned non-iterator of type '{}'", iterator.ty().name())));
    }
    Ok(iterator)
}

/// `__name__`.
pub(crate) fn name(this: &Value) -> PyResult<Value> {
    Ok(body(this)?.name.get().unwrap_or(Value::NONE))
}

/// `__qualname__`.
pub(crate) fn qualname(this: &Value) -> PyResult<Value> {
    Ok(body(this)?.qualname.get().unwrap_or(Value::NONE))
}

fn new_wrapper(coroutine: Value) -> Value {
    new_object(Wrapper { header: Header::new(&COROUTINE_WRAPPER), coroutine })
}

fn wrapped(this: &Value) -> PyResult<&Value> {
    match this.exact::<Wrapper>() {
        Some(wrapper) => Ok(&wrapper.coroutine),
        None => Err(type_error("expected a coroutine wrapper")),
    }
}

fn wrapper_send(this: &Value, value: &Value) -> PyResult<Value> {
    send(wrapped(this)?, value)
}

fn wrapper_throw(this: &Value, ty: &Value, value: Option<&Value>, traceback: Option<&Value>) -> PyResult<Value> {
    throw(wrapped(this)?, ty, value, traceback)
}

fn wrapper_close(this: &Value) -> PyResult<()> {
    close(wrapped(this)?)
}

pub(crate) fn frame(this: &Value) -> PyResult<Value> {
    let generator = body(this)?;
    Ok(match generator.state() {
        State::Finished => Value::NONE,
        State::Running => Place::of_generator(this).map_or(Value::NONE, Place::object),
        State::Created | State::Suspended => match generator.frame.get() {
            Some(frame) => frame,
            None => {
                generator.unlink();
                let frame = crate::types::frame::Frame::new_value(
                    generator.function.clone(),
                    generator.fp(),
                    generator.k.get(),
                );
                crate::types::frame::set_suspended(&frame, generator, generator.last_instruction());
                generator.frame.set(Some(frame.clone()));
                frame
            }
        },
    })
}

pub(crate) fn repr(this: &Value, kind: &str) -> PyResult<Value> {
    let name = body(this)?.qualname.get().and_then(|name| name.downcast::<Str>().map(Str::to_string_lossy));
    Ok(Str::new_value(&format!("<{kind} object {} at {:#x}>", name.unwrap_or_default(), this.bits())))
}

pub(crate) fn set_name(this: &Value, value: Option<&Value>) -> PyResult<()> {
    match value.filter(|value| value.downcast::<Str>().is_some()) {
        Some(value) => {
            body(this)?.name.set(Some(value.clone()));
            Ok(())
        }
        None => Err(type_error("__name__ must be set to a string object")),
    }
}

pub(crate) fn set_qualname(this: &Value, value: Option<&Value>) -> PyResult<()> {
    match value.filter(|value| value.downcast::<Str>().is_some()) {
        Some(value) => {
            body(this)?.qualname.set(Some(value.clone()));
            Ok(())
        }
        None => Err(type_error("__qualname__ must be set to a string object")),
    }
}
