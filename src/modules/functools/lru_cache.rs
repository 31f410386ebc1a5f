//! `functools._lru_cache_wrapper`: what `lru_cache` makes of a function.

use crate::gc::Visit;
use crate::method;
use crate::modules::arguments::{bind, body, class_or};
use crate::modules::key_order::{End, KeyOrder};
use crate::name;
use crate::object::arguments::{positional, repeat_count};
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueVec;
use crate::object::{TypeFlags, TypeObject, attribute, call, hash, number};
use crate::types::exceptions::type_error;
use crate::types::object::OBJECT;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{int, method, type_};
use crate::vm::thread;
use std::cell::{Cell, OnceCell};

/// The body of a cached function.
#[repr(C)]
pub struct LruCache {
    header: Header,
    function: Value,
    /// Makes what `cache_info` gives.
    info_type: Value,
    /// None: no limit.
    limit: Option<usize>,
    typed: bool,
    hits: Cell<i64>,
    misses: Cell<i64>,
    /// The keys, the one used last at the end.
    order: KeyOrder,
    /// The results, at the indices of their keys' places.
    results: ValueVec,
}

payload!(LruCache, LRU_CACHE_WRAPPER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.function);
        visit(&self.info_type);
        self.order.for_each(visit);
        self.results.for_each(visit);
    }
    fn clear_references(&self) {
        self.clear();
    }
});

/// The type object of `_lru_cache_wrapper`.
pub static LRU_CACHE_WRAPPER: TypeObject = TypeObject::define::<LruCache>("functools._lru_cache_wrapper")
    .flags(TypeFlags::BASE.and(TypeFlags::METHOD_DESCRIPTOR))
    .with_attributes()
    .doc("Create a cached callable that wraps another function.\n\nuser_function:      the function being cached\n\nmaxsize:  0         for no caching\n          None      for unlimited cache size\n          n         for a bounded cache\n\ntyped:    False     cache f(3) and f(3.0) as identical calls\n          True      cache f(3) and f(3.0) as distinct calls\n\ncache_info_type:    namedtuple class with the fields:\n                        hits misses currsize maxsize\n")
    .slots(Slots {
        new: Some(|class, args, kwnames| bind(&NEW, class, args, kwnames)),
        call: Some(call_),
        descr_get: Some(|this, object, _owner| {
            Ok(match object.filter(|object| !object.is_none()) {
                Some(object) => method::Method::new_value(this.clone(), object.clone()),
                None => this.clone(),
            })
        }),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(cache_info, "!cache_info($self, /)", ""),
        method!(cache_clear, "!cache_clear($self, /)", ""),
        method!(reduce, "!__reduce__($self, /)", ""),
        method!(copy, "!__copy__($self, /, *args)", ""),
        method!(copy, "!__deepcopy__($self, /, *args)", ""),
    ] as &[Method])
    .getset(&[GetSet::new("__dict__", type_::object_dict, type_::set_builtin_dict)]);

static NEW: Function =
    Function::new("%lru_cache($type, user_function, maxsize, typed, cache_info_type)", "", thunk(make));

fn make(class: &Value, function: &Value, limit: &Value, typed: bool, info_type: &Value) -> PyResult<Value> {
    let ty = class_or(class, &LRU_CACHE_WRAPPER);
    if !call::is_callable(function) {
        return Err(type_error("the first argument must be callable"));
    }
    let limit = match limit {
        limit if limit.is_none() => None,
        limit if number::is_index(limit) => Some(repeat_count(limit)?),
        _ => return Err(type_error("maxsize should be integer or None")),
    };
    Ok(new_instance(
        ty,
        LruCache {
            header: Header::new(ty),
            function: function.clone(),
            info_type: info_type.clone(),
            limit,
            typed,
            hits: Cell::new(0),
            misses: Cell::new(0),
            order: KeyOrder::default(),
            results: ValueVec::default(),
        },
    ))
}

/// What stands between the positional arguments and the keywords in a key.
fn keyword_mark() -> PyResult<Value> {
    static MARK: GilCell<OnceCell<Value>> = GilCell::new(OnceCell::new());
    if let Some(mark) = MARK.get().get() {
        return Ok(mark.clone());
    }
    let mark = call::call(&OBJECT.value(), &[])?;
    Ok(MARK.get().get_or_init(|| mark).clone())
}

impl LruCache {
    /// What a call's result is found by.
    fn key(&self, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
        if !self.typed && kwnames.is_none() {
            return Ok(match args {
                [only] if only.is_exact::<Str>() || int::is_exact_int(only) => only.clone(),
                _ => Tuple::from_slice(args),
            });
        }
        let (given, keywords) = call::split_keywords(args, kwnames);
        let mut key = given.to_vec();
        if !keywords.is_empty() {
            key.push(keyword_mark()?);
            key.extend(keywords.iter().flat_map(|&(name, value)| [name.clone(), value.clone()]));
        }
        if self.typed {
            key.extend(given.iter().map(|value| value.ty().value()));
            key.extend(keywords.iter().map(|(_, value)| value.ty().value()));
        }
        Ok(Tuple::from_vec(key))
    }

    fn call(&self, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
        self.misses.set(self.misses.get() + 1);
        call::call_keywords(&self.function, args, kwnames)
    }

    /// Puts a result where its key's place says; what was there is returned to be dropped by the caller.
    fn store(&self, index: usize, result: Value) -> Option<Value> {
        while self.results.len() <= index {
            self.results.push(Value::NONE);
        }
        self.results.set(index, result).ok()
    }

    /// Takes the key out that was not used for the longest time, and its result.
    fn evict(&self) -> PyResult<impl Sized + use<>> {
        let Some(oldest) = self.order.end(End::First) else { return Ok(None) };
        let Some((key, hash)) = self.order.key(oldest) else { return Ok(None) };
        let removed = self.order.remove(&key, hash)?;
        let result = self.store(oldest.index(), Value::NONE);
        Ok(Some((removed, result)))
    }

    fn clear(&self) {
        let removed = (self.order.clear(), self.results.take());
        drop(removed);
    }
}

fn call_(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let _depth = thread::enter_recursion(" while calling a Python object")?;
    let cache = body::<LruCache>(this)?;
    if cache.limit == Some(0) {
        return cache.call(args, kwnames);
    }
    let kwnames = kwnames.filter(|_| positional(args, kwnames).len() < args.len());
    let key = cache.key(args, kwnames)?;
    let hash = hash::hash(&key)?;
    if let Some(place) = cache.order.find(&key, hash)?
        && let Some(result) = cache.results.get(place.index())
    {
        if cache.limit.is_some() {
            cache.order.move_to(place, End::Last);
        }
        cache.hits.set(cache.hits.get() + 1);
        return Ok(result);
    }
    let result = cache.call(args, kwnames)?;
    if cache.order.find(&key, hash)?.is_some() && cache.limit.is_some() {
        // The call has led to the same call, whose result is there already.
        return Ok(result);
    }
    let full = cache.limit.is_some_and(|limit| cache.order.len() >= limit);
    let evicted = if full { Some(cache.evict()?) } else { None };
    let place = cache.order.add(&key, hash)?;
    let replaced = cache.store(place.index(), result.clone());
    drop((evicted, replaced));
    Ok(result)
}

fn cache_info(this: &LruCache) -> PyResult<Value> {
    let limit = this.limit.map_or(Value::NONE, |limit| Value::int(limit as i64));
    let counts =
        [Value::int(this.hits.get()), Value::int(this.misses.get()), limit, Value::int(this.order.len() as i64)];
    call::call(&this.info_type, &counts)
}

fn cache_clear(this: &LruCache) {
    this.hits.set(0);
    this.misses.set(0);
    this.clear();
}

fn reduce(this: &Value) -> PyResult<Value> {
    attribute::get(this, name!("__qualname__"))
}

fn copy(this: &Value, _args: &Tuple) -> Value {
    this.clone()
}
