//! Type objects: identity, inheritance, the slot table, version tags and attribute lookup along the MRO.

use super::error::PyResult;
use super::gil::GilCell;
use super::header::Header;
use super::instance::KeyTable;
use super::native::{GetSet, Method};
use super::slots::{SlotFn, SlotId, Slots};
use super::value::{Payload, Value, payload};
use super::value_vec::ValueCell;
use crate::gc::Visit;
use crate::types;
use crate::types::dict::Dict;
use crate::types::tuple::Tuple;
use crate::types::weakref::WeakHead;
use std::cell::{Cell, RefCell, UnsafeCell};

/// Flags of a type; those below bit 32 are CPython's `Py_TPFLAGS_*` and visible as `__flags__`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TypeFlags(pub u64);

impl TypeFlags {
    /// Made by a class statement or `type()`.
    pub const HEAP: TypeFlags = TypeFlags(1 << 9);
    /// May be a base class.
    pub const BASE: TypeFlags = TypeFlags(1 << 10);
    /// The calling convention is vectorcall.
    pub const VECTORCALL: TypeFlags = TypeFlags(1 << 11);
    /// Fully set up.
    pub const READY: TypeFlags = TypeFlags(1 << 12);
    /// Instances carry a collector link.
    pub const GC: TypeFlags = TypeFlags(1 << 14);
    /// A method found on the type may be called with the instance as first argument.
    pub const METHOD_DESCRIPTOR: TypeFlags = TypeFlags(1 << 17);
    /// What every type has in CPython 3.8.
    pub const DEFAULT: TypeFlags = TypeFlags(1 << 18);
    /// Has abstract methods.
    pub const ABSTRACT: TypeFlags = TypeFlags(1 << 20);
    /// Derives from int.
    pub const INT: TypeFlags = TypeFlags(1 << 24);
    /// Derives from list.
    pub const LIST: TypeFlags = TypeFlags(1 << 25);
    /// Derives from tuple.
    pub const TUPLE: TypeFlags = TypeFlags(1 << 26);
    /// Derives from bytes.
    pub const BYTES: TypeFlags = TypeFlags(1 << 27);
    /// Derives from str.
    pub const STR: TypeFlags = TypeFlags(1 << 28);
    /// Derives from dict.
    pub const DICT: TypeFlags = TypeFlags(1 << 29);
    /// Derives from BaseException.
    pub const EXCEPTION: TypeFlags = TypeFlags(1 << 30);
    /// Derives from type.
    pub const TYPE: TypeFlags = TypeFlags(1 << 31);
    /// Internal: an object of exactly this type holds no values, has no tail and is not collected.
    pub const SIMPLE_DROP: TypeFlags = TypeFlags(1 << 40);
    /// Internal: instances end by dropping their body alone: no finaliser, no weak references, no attributes.
    pub const PLAIN_DROP: TypeFlags = TypeFlags(1 << 41);
    /// Flags that subclasses get from their base.
    const INHERITED: u64 = 0xff << 24;

    /// Both sets of flags.
    pub const fn and(self, other: TypeFlags) -> TypeFlags {
        TypeFlags(self.0 | other.0)
    }
}

/// A type.
#[repr(C)]
pub struct TypeObject {
    header: Header,
    flags: Cell<u64>,
    /// 0: none assigned.
    version: Cell<u32>,
    /// Offset of the attribute table from the header; 0: instances have none, or it follows a body of variable size.
    attr_offset: Cell<u32>,
    /// Bytes of the body, header included.
    body_size: Cell<u32>,
    /// Bytes after the body.
    tail_size: Cell<u32>,
    slots: UnsafeCell<Slots>,
    base: Cell<*const TypeObject>,
    name: Cell<&'static str>,
    /// Bytes of the body, when they differ from object to object.
    variable_size: Option<fn(&Header) -> usize>,
    quick_next: Option<QuickNext>,
    drop_body: unsafe fn(*mut Header),
    traverse_body: unsafe fn(&Header, Visit<'_>),
    clear_body: unsafe fn(&Header),
    has_attributes: Cell<bool>,
    has_weakrefs: Cell<bool>,
    /// Number of `__slots__` values of this type and its bases; they come last in the tail.
    slot_count: Cell<u32>,
    methods: &'static [Method],
    getset: &'static [GetSet],
    /// Which slots a builtin type fills itself.
    own_slots: Cell<[u64; 2]>,
    doc: Option<&'static str>,
    dict: ValueCell,
    bases: ValueCell,
    mro: ValueCell,
    /// `__name__` and `__qualname__` of a heap type.
    pub(crate) heap_name: ValueCell,
    /// See `heap_name`.
    pub(crate) heap_qualname: ValueCell,
    subclasses: RefCell<Vec<*const TypeObject>>,
    /// The attribute names of the instances, in order of first appearance.
    keys: KeyTable,
    /// The first weak reference to the type; all types have this place, whatever their tail.
    pub(crate) weakrefs: WeakHead,
}

// SAFETY: types are used only by the thread that holds the GIL.
unsafe impl Sync for TypeObject {}

payload!(TypeObject, types::type_::TYPE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.dict.visit(visit);
        self.bases.visit(visit);
        self.mro.visit(visit);
        self.heap_name.visit(visit);
        self.heap_qualname.visit(visit);
    }
    fn clear_references(&self) {
        self.modified();
        if let Some(dict) = self.dict.get()
            && let Some(dict) = dict.downcast::<Dict>()
        {
            drop(dict.table().clear());
        }
        drop(self.mro.take());
    }
});

/// The next item of an iterator, when getting it runs no Python code but the end of objects; `None` when it does, at the
/// iterator's end and for errors: nothing has happened then, and the slot `next` says what is the case.
pub type QuickNext = fn(&Value) -> Option<Value>;

unsafe fn drop_in_place<T>(header: *mut Header) {
    // SAFETY: the caller passes an object whose body is a T.
    unsafe { std::ptr::drop_in_place(header as *mut T) }
}

unsafe fn traverse<T: Payload>(header: &Header, visit: Visit<'_>) {
    // SAFETY: as for drop_in_place.
    unsafe { &*(header as *const Header as *const T) }.traverse(visit);
}

unsafe fn clear_references<T: Payload>(header: &Header) {
    // SAFETY: as for drop_in_place.
    unsafe { &*(header as *const Header as *const T) }.clear_references();
}

impl TypeObject {
    /// Begins the definition of a builtin type whose instances are `T`s.
    pub const fn define<T: Payload>(name: &'static str) -> TypeObject {
        let gc = if T::GC { TypeFlags::GC.0 } else { 0 };
        TypeObject {
            header: Header::immortal(&raw const types::type_::TYPE),
            flags: Cell::new(TypeFlags::DEFAULT.0 | gc),
            version: Cell::new(0),
            attr_offset: Cell::new(0),
            body_size: Cell::new(std::mem::size_of::<T>() as u32),
            tail_size: Cell::new(0),
            slots: UnsafeCell::new(Slots::EMPTY),
            base: Cell::new(&raw const types::object::OBJECT),
            name: Cell::new(name),
            variable_size: None,
            quick_next: None,
            drop_body: drop_in_place::<T>,
            traverse_body: traverse::<T>,
            clear_body: clear_references::<T>,
            has_attributes: Cell::new(false),
            has_weakrefs: Cell::new(false),
            slot_count: Cell::new(0),
            methods: &[],
            getset: &[],
            own_slots: Cell::new([0; 2]),
            doc: None,
            dict: ValueCell::EMPTY,
            bases: ValueCell::EMPTY,
            mro: ValueCell::EMPTY,
            heap_name: ValueCell::EMPTY,
            heap_qualname: ValueCell::EMPTY,
            subclasses: RefCell::new(Vec::new()),
            keys: KeyTable::new(),
            weakrefs: WeakHead::EMPTY,
        }
    }

    /// Sets the base; without it, `object`.
    pub const fn base(self, base: &'static TypeObject) -> TypeObject {
        set_cell(&self.base, base);
        self
    }

    /// No base: `object` itself.
    pub(crate) const fn root(self) -> TypeObject {
        set_cell(&self.base, std::ptr::null());
        self
    }

    /// Adds flags.
    pub const fn flags(self, flags: TypeFlags) -> TypeObject {
        let all = get_cell(&self.flags) | flags.0;
        set_cell(&self.flags, all);
        self
    }

    /// Sets the slots.
    pub const fn slots(self, slots: Slots) -> TypeObject {
        // SAFETY: `self` is owned: nobody else looks.
        unsafe { self.slots.get().write(slots) };
        self
    }

    /// Sets the way to an iterator's next item where that needs no more than looking; not inherited.
    pub const fn quick_next(mut self, quick: QuickNext) -> TypeObject {
        self.quick_next = Some(quick);
        self
    }

    /// See [`QuickNext`].
    #[inline(always)]
    pub(crate) fn get_quick_next(&self) -> Option<QuickNext> {
        self.quick_next
    }

    /// Sets the methods.
    pub const fn methods(mut self, methods: &'static [Method]) -> TypeObject {
        self.methods = methods;
        self
    }

    /// Sets the attributes that have a getter, and perhaps a setter.
    pub const fn getset(mut self, getset: &'static [GetSet]) -> TypeObject {
        self.getset = getset;
        self
    }

    /// Sets the docstring.
    pub const fn doc(mut self, doc: &'static str) -> TypeObject {
        self.doc = Some(doc);
        self
    }

    /// Instances have a `__dict__`.
    pub const fn with_attributes(self) -> TypeObject {
        set_cell(&self.has_attributes, true);
        self
    }

    /// Instances can be referenced weakly.
    pub const fn with_weakrefs(self) -> TypeObject {
        set_cell(&self.has_weakrefs, true);
        self
    }

    /// Instances have this many values of `__slots__`' kind, which `instance::slot_cell` finds.
    pub const fn hidden_values(self, count: u32) -> TypeObject {
        set_cell(&self.slot_count, count);
        self
    }

    /// Instances vary in size; `size` computes the bytes of one, header included.
    pub const fn variable_size(mut self, size: fn(&Header) -> usize) -> TypeObject {
        self.variable_size = Some(size);
        self
    }

    /// The name: with the module for types in a module (`collections.deque`), without for classes.
    #[inline]
    pub fn name(&self) -> &'static str {
        self.name.get()
    }

    /// Renames the type.
    pub(crate) fn set_name(&self, name: &str) {
        self.name.set(static_str(name));
    }

    /// The name without the module.
    pub fn short_name(&self) -> &'static str {
        let name = self.name();
        if self.is_heap_type() { name } else { name.rsplit_once('.').map_or(name, |(_, short)| short) }
    }

    /// The object header.
    #[inline(always)]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// A reference to the type as a value.
    #[inline]
    pub fn value(&self) -> Value {
        Value::of(self)
    }

    /// Whether all of `flags` are set.
    #[inline(always)]
    pub fn has_flag(&self, flags: TypeFlags) -> bool {
        self.flags.get() & flags.0 == flags.0
    }

    /// All flags.
    pub fn all_flags(&self) -> TypeFlags {
        TypeFlags(self.flags.get())
    }

    /// Sets or clears flags.
    pub(crate) fn change_flags(&self, flags: TypeFlags, on: bool) {
        let old = self.flags.get();
        self.flags.set(if on { old | flags.0 } else { old & !flags.0 });
    }

    /// Whether a class statement or `type()` made it.
    #[inline(always)]
    pub fn is_heap_type(&self) -> bool {
        self.has_flag(TypeFlags::HEAP)
    }

    /// Reads a slot.
    #[inline(always)]
    pub fn slot<R: Copy>(&self, read: impl FnOnce(&Slots) -> Option<R>) -> Option<R> {
        // SAFETY: the reader copies a function pointer out; it runs no foreign code.
        read(unsafe { &*self.slots.get() })
    }

    /// A copy of all slots.
    pub fn all_slots(&self) -> Slots {
        // SAFETY: copied at once.
        unsafe { *self.slots.get() }
    }

    /// Takes another type's slots; the buffer protocol stays.
    pub(crate) fn set_slots(&self, slots: &Slots) {
        // SAFETY: a plain store; no reference into the table is held anywhere.
        unsafe {
            let own = self.slots.get();
            *own = Slots { buffer: (*own).buffer, ..*slots };
        }
    }

    /// Changes a slot.
    pub(crate) fn set_slot(&self, id: SlotId, function: Option<SlotFn>) {
        // SAFETY: a plain store; no reference into the table is held anywhere.
        unsafe { (*self.slots.get()).set(id, function) }
    }

    /// `__base__`.
    #[inline]
    pub fn base_type(&self) -> Option<&TypeObject> {
        // SAFETY: a type holds a reference to its base (in its bases or MRO).
        unsafe { self.base.get().as_ref() }
    }

    /// Sets `__base__`; the caller keeps it alive through `bases`.
    pub(crate) fn set_base(&self, base: &TypeObject) {
        self.base.set(base);
    }

    /// `__bases__`.
    pub fn bases(&self) -> Option<Value> {
        self.bases.get()
    }

    /// Sets `__bases__`.
    pub(crate) fn set_bases(&self, bases: Value) {
        self.bases.set(Some(bases));
    }

    /// `__mro__`, a tuple.
    pub fn mro(&self) -> Option<Value> {
        self.mro.get()
    }

    /// Sets `__mro__`.
    pub(crate) fn set_mro(&self, mro: Value) {
        let old = self.mro.replace(Some(mro));
        // What the method cache knows is alive only while the old MRO is.
        self.modified();
        drop(old);
    }

    /// The type's own dict; `None` for a type that is not set up.
    #[inline]
    pub fn dict(&self) -> Option<Value> {
        match self.dict.get() {
            Some(dict) => Some(dict),
            None => self.make_dict(),
        }
    }

    #[cold]
    fn make_dict(&self) -> Option<Value> {
        let is_ready = self.has_flag(TypeFlags::READY) && !self.is_heap_type();
        is_ready.then(|| types::type_::fill_static_dict(self, self.methods, self.getset, self.own_slots.get()))
    }

    /// Notes which slots a builtin type fills itself, for the time when its dict is made.
    pub(crate) fn set_own_slots(&self, own: [u64; 2]) {
        self.own_slots.set(own);
    }

    /// Sets the type's own dict.
    pub(crate) fn set_dict(&self, dict: Value) {
        self.dict.set(Some(dict));
    }

    /// The attribute names shared by the instances.
    #[inline(always)]
    pub fn keys(&self) -> &KeyTable {
        &self.keys
    }

    /// The attributes with a getter that a builtin type declares itself.
    pub(crate) fn own_getset(&self) -> &'static [GetSet] {
        self.getset
    }

    /// Docstring of a builtin type.
    pub fn static_doc(&self) -> Option<&'static str> {
        self.doc
    }

    /// Bytes of a fixed-size instance, without inline attribute values.
    #[inline]
    pub fn basic_size(&self) -> usize {
        (self.body_size.get() + self.tail_size.get()) as usize
    }

    /// Bytes of the body, header included; the smallest there is for types of variable size.
    pub fn body_size(&self) -> usize {
        self.body_size.get() as usize
    }

    /// Bytes after the body, without inline attribute values.
    pub fn tail_size(&self) -> usize {
        self.tail_size.get() as usize
    }

    /// Bytes that `object` of this type was allocated with.
    pub(crate) fn object_size(&self, object: &Header) -> usize {
        let body = match self.variable_size {
            Some(size) => size(object).next_multiple_of(8),
            None => self.body_size(),
        };
        let tail = self.tail_size();
        if tail == 0 { body } else { body + tail + super::instance::inline_bytes(object, self, body) }
    }

    /// Offset of the tail in `object` of this type.
    #[inline]
    pub(crate) fn tail_offset(&self, object: &Header) -> usize {
        match self.variable_size {
            Some(size) => size(object).next_multiple_of(8),
            None => self.body_size(),
        }
    }

    /// Whether instances differ in size.
    pub fn is_variable_size(&self) -> bool {
        self.variable_size.is_some()
    }

    /// Whether instances have an attribute table.
    #[inline(always)]
    pub fn has_attributes(&self) -> bool {
        self.has_attributes.get()
    }

    /// Whether instances can be referenced weakly.
    pub fn has_weakrefs(&self) -> bool {
        self.has_weakrefs.get()
    }

    /// Offset of the attribute table from the header, when it is the same for all instances; else 0.
    #[inline(always)]
    pub fn attr_offset(&self) -> usize {
        self.attr_offset.get() as usize
    }

    /// Offset within the tail of the weak reference list.
    pub(crate) fn weakref_tail(&self) -> usize {
        if self.has_attributes() { super::instance::ATTRS_SIZE } else { 0 }
    }

    /// Whether objects need their weak references cleared: the offset of the list from the header for fixed-size types.
    pub(crate) fn weakref_offset(&self) -> Option<usize> {
        if self.has_weakrefs() { Some(self.weakref_tail()) } else { None }
    }

    /// Number of `__slots__` values.
    pub fn slot_count(&self) -> usize {
        self.slot_count.get() as usize
    }

    /// Offset within the tail of the first `__slots__` value.
    pub(crate) fn slots_tail(&self) -> usize {
        self.weakref_tail() + if self.has_weakrefs() { 8 } else { 0 }
    }

    /// Drops the body of an instance.
    ///
    /// # Safety
    /// `header` is an instance of exactly this type that nobody uses any more.
    pub(crate) unsafe fn drop_body(&self, header: *mut Header) {
        // SAFETY: the caller's.
        unsafe { (self.drop_body)(header) }
    }

    /// Calls `visit` for what the body of an instance holds.
    ///
    /// # Safety
    /// `header` is an instance of exactly this type.
    pub(crate) unsafe fn traverse_body(&self, header: &Header, visit: Visit<'_>) {
        // SAFETY: the caller's.
        unsafe { (self.traverse_body)(header, visit) }
    }

    /// Empties the body of an instance that is garbage.
    ///
    /// # Safety
    /// `header` is an instance of exactly this type.
    pub(crate) unsafe fn clear_body(&self, header: &Header) {
        // SAFETY: the caller's.
        unsafe { (self.clear_body)(header) }
    }

    /// Calls `visit` with the type itself: the reference that an instance of a class owns.
    pub(crate) fn visit_self(&self, visit: Visit<'_>) {
        // SAFETY: the type is alive; the word is not dropped.
        visit(&std::mem::ManuallyDrop::new(unsafe { Value::from_header(&self.header) }));
    }

    /// Recomputes tail size and offsets from what instances have.
    pub(crate) fn lay_out(&self) {
        let tail = self.slots_tail() + 8 * self.slot_count();
        self.tail_size.set(tail as u32);
        let fixed = self.has_attributes() && self.variable_size.is_none();
        self.attr_offset.set(if fixed { self.body_size.get() } else { 0 });
    }

    /// Whether this is `other` or derives from it.
    #[inline]
    pub fn is_subtype(&self, other: &TypeObject) -> bool {
        if std::ptr::eq(self, other) {
            return true;
        }
        match self.mro.get() {
            Some(mro) => {
                mro.exact::<Tuple>().is_some_and(|mro| mro.iter().any(|t| t.bits() == other as *const _ as u64))
            }
            None => self.has_layout_of(other),
        }
    }

    /// Whether instances begin with the layout of `other`'s: `other` is in the chain of `__base__`.
    pub fn has_layout_of(&self, other: &TypeObject) -> bool {
        let mut ty = self;
        loop {
            if std::ptr::eq(ty, other) {
                return true;
            }
            match ty.base_type() {
                Some(base) => ty = base,
                None => return false,
            }
        }
    }

    /// A number that stands for the present state of this type and its bases, never used for another state; 0 when none
    /// could be given.
    pub fn version(&self) -> u32 {
        let version = self.version.get();
        if version != 0 { version } else { self.assign_version() }
    }

    /// The version without assigning one.
    #[inline(always)]
    pub fn current_version(&self) -> u32 {
        self.version.get()
    }

    fn assign_version(&self) -> u32 {
        if !self.has_flag(TypeFlags::READY) {
            return 0;
        }
        // A change to a base has to reach this type, and does so only through valid versions all along.
        if let Some(bases) = self.bases.get()
            && let Some(bases) = bases.exact::<Tuple>()
        {
            for base in bases.iter() {
                if let Some(base) = base.downcast::<TypeObject>()
                    && base.version() == 0
                {
                    return 0;
                }
            }
        }
        let next = NEXT_VERSION.get().get();
        if next == u32::MAX {
            return 0;
        }
        NEXT_VERSION.get().set(next + 1);
        self.version.set(next);
        next
    }

    /// Notes that attributes of this type changed: its version and its subclasses' end.
    pub fn modified(&self) {
        if self.version.get() == 0 {
            return;
        }
        self.version.set(0);
        for subclass in self.subclasses.borrow().iter() {
            // SAFETY: a subclass takes itself off the list when it dies.
            unsafe { (**subclass).modified() }
        }
    }

    /// Notes a subclass.
    pub(crate) fn add_subclass(&self, subclass: &TypeObject) {
        self.subclasses.borrow_mut().push(subclass);
    }

    /// Forgets a subclass.
    pub(crate) fn remove_subclass(&self, subclass: *const TypeObject) {
        self.subclasses.borrow_mut().retain(|known| !std::ptr::eq(*known, subclass));
    }

    /// The direct subclasses alive.
    pub fn direct_subclasses(&self) -> Vec<Value> {
        // SAFETY: as for modified.
        self.subclasses.borrow().iter().map(|ty| unsafe { (**ty).value() }).collect()
    }

    /// The attribute `name` (an interned str) of this type or the first in its MRO that has it; no descriptor is run.
    /// As `_PyType_Lookup`.
    #[inline]
    pub fn lookup(&self, name: &Value) -> Option<Value> {
        let version = self.version.get();
        if version != 0 {
            let entry = cache_entry(version, name);
            if entry.version.get() == version && entry.name.peek_bits() == name.bits() {
                // SAFETY: while the version stands, a dict in the MRO holds the value.
                return unsafe { entry.get() };
            }
        }
        self.lookup_uncached(name)
    }

    #[inline(never)]
    fn lookup_uncached(&self, name: &Value) -> Option<Value> {
        let mut found = None;
        // Keys of a class's dict that are no strs may run Python code, which may change the type.
        let version = self.version();
        let mro = self.mro.get()?;
        for ty in mro.exact::<Tuple>()?.iter() {
            if let Some(ty) = ty.downcast::<TypeObject>()
                && let Some(dict) = ty.dict()
                && let Some(dict) = dict.downcast::<Dict>()
                && let Some(value) = dict.get_str(name)
            {
                found = Some(value);
                break;
            }
        }
        if version != 0 && version == self.version.get() {
            let entry = cache_entry(version, name);
            entry.version.set(version);
            entry.value.set(found.as_ref().map_or(0, Value::bits));
            // A name is a str: nothing runs when it dies.
            entry.name.set(Some(name.clone()));
        }
        found
    }

    /// Empties the cache of lookups.
    pub fn clear_method_cache() {
        for entry in CACHE.get() {
            entry.version.set(0);
            entry.value.set(0);
            entry.name.set(None);
        }
    }

    /// Looks `name` up by text.
    pub fn lookup_str(&self, name: &str) -> Option<Value> {
        self.lookup(&types::str::intern(name))
    }

    /// Sets up a builtin type: MRO and inherited slots. Its dict is made when it is first asked for.
    pub(crate) fn ready(&'static self) -> PyResult<()> {
        types::type_::ready_static(self)
    }

    /// Copies layout from the base, for [`TypeObject::ready`] and class creation.
    pub(crate) fn inherit_layout(&self, base: &TypeObject) {
        if base.has_attributes() {
            self.has_attributes.set(true);
        }
        if base.has_weakrefs() {
            self.has_weakrefs.set(true);
        }
        self.flags.set(self.flags.get() | (base.flags.get() & TypeFlags::INHERITED));
    }

    /// A new class over `base`: same body, the tail as given.
    pub(crate) fn new_heap(metatype: &TypeObject, base: &TypeObject, layout: HeapLayout) -> Value {
        let body = TypeObject {
            header: Header::new(metatype),
            flags: Cell::new(
                TypeFlags::DEFAULT.0
                    | TypeFlags::HEAP.0
                    | TypeFlags::BASE.0
                    | (base.flags.get() & TypeFlags::INHERITED)
                    | if layout.collected { TypeFlags::GC.0 } else { 0 },
            ),
            version: Cell::new(0),
            attr_offset: Cell::new(0),
            body_size: Cell::new(base.body_size.get()),
            tail_size: Cell::new(0),
            slots: UnsafeCell::new(Slots::EMPTY),
            base: Cell::new(base),
            name: Cell::new(""),
            variable_size: base.variable_size,
            quick_next: None,
            drop_body: base.drop_body,
            traverse_body: base.traverse_body,
            clear_body: base.clear_body,
            has_attributes: Cell::new(layout.attributes),
            has_weakrefs: Cell::new(layout.weakrefs),
            slot_count: Cell::new(base.slot_count.get() + layout.slots),
            methods: &[],
            getset: &[],
            own_slots: Cell::new([0; 2]),
            doc: None,
            dict: ValueCell::EMPTY,
            bases: ValueCell::EMPTY,
            mro: ValueCell::EMPTY,
            heap_name: ValueCell::EMPTY,
            heap_qualname: ValueCell::EMPTY,
            subclasses: RefCell::new(Vec::new()),
            keys: KeyTable::new(),
            weakrefs: WeakHead::EMPTY,
        };
        body.lay_out();
        super::header::new_instance(metatype, body)
    }
}

impl Drop for TypeObject {
    fn drop(&mut self) {
        if let Some(bases) = self.bases.get()
            && let Some(bases) = bases.exact::<Tuple>()
        {
            for base in bases.iter() {
                if let Some(base) = base.downcast::<TypeObject>() {
                    base.remove_subclass(self);
                }
            }
        }
    }
}

/// What instances of a new class have beyond its base's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeapLayout {
    /// A `__dict__`.
    pub attributes: bool,
    /// A `__weakref__`.
    pub weakrefs: bool,
    /// `__slots__` values that the class adds.
    pub slots: u32,
    /// A collector link.
    pub collected: bool,
}

const fn set_cell<T: Copy>(cell: &Cell<T>, value: T) {
    // SAFETY: used only on a type that is being built and owned by the builder.
    unsafe { cell.as_ptr().write(value) }
}

const fn get_cell<T: Copy>(cell: &Cell<T>) -> T {
    // SAFETY: as for set_cell.
    unsafe { cell.as_ptr().read() }
}

static NEXT_VERSION: GilCell<Cell<u32>> = GilCell::new(Cell::new(1));

/// One entry of the global method cache.
struct CacheEntry {
    version: Cell<u32>,
    name: ValueCell,
    /// The word of the value, 0 for none. Not owned, as in CPython: whoever changes a type's dict ends the version before
    /// the old value dies.
    value: Cell<u64>,
}

impl CacheEntry {
    /// # Safety
    /// The entry's version is that of a type now.
    #[inline(always)]
    unsafe fn get(&self) -> Option<Value> {
        let bits = self.value.get();
        if bits == 0 {
            return None;
        }
        // SAFETY: the caller's; the word is not dropped here.
        let value = std::mem::ManuallyDrop::new(unsafe { Value::from_bits(bits) });
        Some((*value).clone())
    }
}

const CACHE_SIZE: usize = 4096;
static CACHE: GilCell<[CacheEntry; CACHE_SIZE]> = GilCell::new(
    [const { CacheEntry { version: Cell::new(0), name: ValueCell::EMPTY, value: Cell::new(0) } }; CACHE_SIZE],
);

#[inline(always)]
fn cache_entry(version: u32, name: &Value) -> &'static CacheEntry {
    let index = (u64::from(version) ^ (name.bits() >> 3)) as usize % CACHE_SIZE;
    &CACHE.get()[index]
}

/// A copy of `text` that lives as long as the process; equal texts share one.
pub(crate) fn static_str(text: &str) -> &'static str {
    static KNOWN: GilCell<RefCell<Option<std::collections::HashSet<&'static str>>>> = GilCell::new(RefCell::new(None));
    let mut known = KNOWN.get().borrow_mut();
    let known = known.get_or_insert_with(Default::default);
    match known.get(text) {
        Some(same) => same,
        None => {
            let copy: &'static str = Box::leak(text.to_owned().into_boxed_str());
            known.insert(copy);
            copy
        }
    }
}
