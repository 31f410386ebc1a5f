//! The module `_random`: the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998).

use crate::method;
use crate::modules::ModuleDef;
use crate::object::arguments::{no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::hash;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute};
use crate::types::dict::Dict;
use crate::types::exceptions::{overflow_error, type_error, value_error};
use crate::types::int::{self, Num};
use crate::types::tuple::Tuple;
use num_bigint::BigUint;
use std::cell::Cell;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_random",
    doc: "Module implements the Mersenne Twister random number generator.",
    functions: &[],
    fill: |dict: &Dict| {
        dict.set_text("Random", RANDOM.value());
        Ok(())
    },
};

/// Words of state.
const N: usize = 624;
/// Distance of the word that is mixed in.
const M: usize = 397;

/// The body of a generator.
#[repr(C)]
pub struct Random {
    header: Header,
    /// The next word to give out; at the end of the state a new one is made.
    index: Cell<u32>,
    state: [Cell<u32>; N],
}

payload!(Random, RANDOM);

/// The type object of `_random.Random`.
pub static RANDOM: TypeObject = TypeObject::define::<Random>("_random.Random")
    .flags(TypeFlags::BASE)
    .doc("Random() -> create a random number generator with its own internal state.")
    .slots(Slots { new: Some(new), getattr: Some(attribute::generic_get), ..Slots::EMPTY })
    .methods(METHODS);

const METHODS: &[Method] = &[
    method!(random, "random($self, /)", "random() -> x in the interval [0, 1)."),
    method!(
        seed,
        "seed($self, n=None, /)",
        "seed([n]) -> None.\n\nDefaults to use urandom and falls back to a combination\nof the current time and the process identifier."
    ),
    method!(getstate, "getstate($self, /)", "getstate() -> tuple containing the current state."),
    method!(setstate, "setstate($self, state, /)", "setstate(state) -> None.  Restores generator state."),
    method!(getrandbits, "getrandbits($self, k, /)", "getrandbits(k) -> x.  Generates an int with k random bits."),
];

impl Random {
    fn word(&self, index: usize) -> &Cell<u32> {
        &self.state[index % N]
    }

    /// Makes the next N words.
    fn renew(&self) {
        for i in 0..N {
            let joined = (self.word(i).get() & 0x8000_0000) | (self.word(i + 1).get() & 0x7fff_ffff);
            let twist = if joined & 1 == 0 { 0 } else { 0x9908_b0df };
            self.word(i).set(self.word(i + M).get() ^ (joined >> 1) ^ twist);
        }
    }

    /// 32 random bits.
    fn next(&self) -> u32 {
        let mut index = self.index.get() as usize;
        if index >= N {
            self.renew();
            index = 0;
        }
        self.index.set(index as u32 + 1);
        let mut y = self.word(index).get();
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn fill_from(&self, seed: u32) {
        let mut word = seed;
        for (i, place) in self.state.iter().enumerate() {
            if i > 0 {
                word = 1_812_433_253u32.wrapping_mul(word ^ (word >> 30)).wrapping_add(i as u32);
            }
            place.set(word);
        }
        self.index.set(N as u32);
    }

    /// Seeds by a key of any length, at least one word. As `init_by_array`.
    fn fill_from_key(&self, key: &[u32]) {
        self.fill_from(19_650_218);
        let mut i = 1;
        let mut last = self.word(0).get();
        let mut mix = |factor: u32, add: &dyn Fn(usize) -> u32| {
            let word = (self.word(i).get() ^ (last ^ (last >> 30)).wrapping_mul(factor)).wrapping_add(add(i));
            self.word(i).set(word);
            last = word;
            i += 1;
            if i >= N {
                self.word(0).set(word);
                i = 1;
            }
        };
        for (j, part) in key.iter().cycle().enumerate().take(key.len().max(N)) {
            mix(1_664_525, &|_| part.wrapping_add((j % key.len()) as u32));
        }
        for _ in 1..N {
            mix(1_566_083_941, &|i| (i as u32).wrapping_neg());
        }
        // The key cannot have made all words zero.
        self.word(0).set(0x8000_0000);
    }

    fn seed_from_system(&self) {
        let mut bytes = [0u8; 4 * N];
        let source = std::fs::File::open("/dev/urandom");
        let random = source.and_then(|mut source| std::io::Read::read_exact(&mut source, &mut bytes));
        if random.is_ok() {
            let words: Vec<u32> = bytes
                .chunks_exact(4)
                .map(|word| word.iter().fold(0, |word, &byte| word << 8 | u32::from(byte)))
                .collect();
            self.fill_from_key(&words);
            return;
        }
        let elapsed = |since: std::time::SystemTime| since.elapsed().map_or(0, |elapsed| elapsed.as_nanos() as u64);
        let now = elapsed(std::time::UNIX_EPOCH);
        self.fill_from_key(&[
            now as u32,
            (now >> 32) as u32,
            std::process::id(),
            std::ptr::from_ref(self) as usize as u32,
        ]);
    }
}

/// As `random_new` of 3.8, which passes the tuple of its arguments on as the seed.
fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class.downcast::<TypeObject>().unwrap_or(&RANDOM);
    if std::ptr::eq(ty, &RANDOM) {
        no_keywords("Random", kwnames)?;
    }
    let state = [const { Cell::new(0) }; N];
    let value = new_instance(ty, Random { header: Header::new(ty), index: Cell::new(N as u32), state });
    match value.downcast::<Random>() {
        Some(random) => seed(random, Some(&Tuple::from_slice(positional(args, kwnames))))?,
        None => return Err(type_error("expected a type")),
    }
    Ok(value)
}

fn random(this: &Random) -> f64 {
    let (a, b) = (this.next() >> 5, this.next() >> 6);
    (f64::from(a) * 67_108_864.0 + f64::from(b)) * (1.0 / 9_007_199_254_740_992.0)
}

fn seed(this: &Random, n: Option<&Value>) -> PyResult<()> {
    let Some(n) = n.filter(|n| !n.is_none()) else {
        this.seed_from_system();
        return Ok(());
    };
    let key = match int::num(n) {
        Some(Num::Small(small)) => BigUint::from(small.unsigned_abs()),
        Some(Num::Big(big)) => big.magnitude().clone(),
        None => BigUint::from(hash::hash(n)? as u64),
    };
    let mut words = key.to_u32_digits();
    if words.is_empty() {
        words.push(0);
    }
    this.fill_from_key(&words);
    Ok(())
}

fn getrandbits(this: &Random, k: i32) -> PyResult<Value> {
    let Some(bits) = u32::try_from(k).ok().filter(|&bits| bits > 0) else {
        return Err(value_error("number of bits must be greater than zero"));
    };
    if bits <= 32 {
        return Ok(Value::int((this.next() >> (32 - bits)).into()));
    }
    let count = bits.div_ceil(32);
    let mut words: Vec<u32> = (0..count).map(|_| this.next()).collect();
    if let Some(last) = words.last_mut() {
        *last >>= 32 * count - bits;
    }
    Ok(int::big(BigUint::new(words).into()))
}

fn getstate(this: &Random) -> Value {
    let words = this.state.iter().map(Cell::get).chain([this.index.get()]);
    Tuple::from_vec(words.map(|word| Value::int(word.into())).collect())
}

fn setstate(this: &Random, state: &Value) -> PyResult<()> {
    let Some(state) = state.downcast::<Tuple>() else { return Err(type_error("state vector must be a tuple")) };
    let Some((index, words)) = state.as_slice().split_last().filter(|(_, words)| words.len() == N) else {
        return Err(value_error("state vector is the wrong size"));
    };
    let words = words.iter().map(word).collect::<PyResult<Vec<u32>>>()?;
    let index = match int::num(index) {
        None => return Err(type_error(format!("an integer is required (got type {})", index.ty().name()))),
        Some(Num::Big(_)) => return Err(overflow_error("Python int too large to convert to C long")),
        Some(Num::Small(index)) => u32::try_from(index)
            .ok()
            .filter(|&index| index as usize <= N)
            .ok_or_else(|| value_error("invalid state"))?,
    };
    for (place, word) in this.state.iter().zip(words) {
        place.set(word);
    }
    this.index.set(index);
    Ok(())
}

/// A word of a state: the low bits of what fits a C `unsigned long`.
fn word(value: &Value) -> PyResult<u32> {
    match int::num(value) {
        None => Err(type_error("an integer is required")),
        Some(number) if number.is_negative() => Err(overflow_error("can't convert negative value to unsigned int")),
        Some(Num::Small(small)) => Ok(small as u32),
        Some(Num::Big(big)) => match u64::try_from(big) {
            Ok(wide) => Ok(wide as u32),
            Err(_) => Err(overflow_error("Python int too large to convert to C unsigned long")),
        },
    }
}
