//! Hashing exactly as CPython 3.8 hashes: SipHash-2-4 for text and bytes, the modulus 2^61-1 for numbers.

use super::error::PyResult;
use super::gil::GilCell;
use super::value::Value;
use crate::types::exceptions::type_error;
use std::cell::Cell;

/// The modulus of numeric hashes, a Mersenne prime.
pub const MODULUS: u64 = (1 << 61) - 1;
/// The hash of an infinity.
pub const INFINITY: i64 = 314_159;

static SECRET: GilCell<Cell<[u64; 2]>> = GilCell::new(Cell::new([0, 0]));

/// `hash(value)`.
///
/// # Errors
/// `TypeError` when the value is unhashable, or what `__hash__` raises.
pub fn hash(value: &Value) -> PyResult<i64> {
    if let Some(int) = value.as_small_int() {
        return Ok(hash_i64(int));
    }
    crate::vm::thread::check_native_stack()?;
    match value.ty().slot(|slots| slots.hash) {
        Some(slot) => slot(value),
        None => Err(unhashable(value)),
    }
}

/// The error for unhashable values.
pub fn unhashable(value: &Value) -> super::Raised {
    type_error(format!("unhashable type: '{}'", value.ty().name()))
}

/// Sets the key of string hashes from PYTHONHASHSEED: 0 means no randomisation (as `_Py_HashRandomization_Init`).
pub fn set_seed(seed: u32) {
    if seed == 0 {
        SECRET.get().set([0, 0]);
        return;
    }
    // The linear congruential generator of lcg_urandom.
    let mut x = seed;
    let mut bytes = [0u8; 16];
    for byte in &mut bytes {
        x = x.wrapping_mul(214_013).wrapping_add(2_531_011);
        *byte = (x >> 16) as u8;
    }
    set_secret(bytes);
}

/// Sets the key of string hashes.
pub fn set_secret(bytes: [u8; 16]) {
    let word = |at: usize| bytes[at..at + 8].iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    SECRET.get().set([word(0), word(8)]);
}

/// The hash of bytes, or of a string's storage.
pub fn hash_bytes(data: &[u8]) -> i64 {
    if data.is_empty() {
        return 0;
    }
    let [k0, k1] = SECRET.get().get();
    match siphash24(k0, k1, data) as i64 {
        -1 => -2,
        hash => hash,
    }
}

/// The hash of a source file that `.pyc` files hold. As `_Py_KeyedHash`.
pub(crate) fn keyed(key: u64, data: &[u8]) -> u64 {
    siphash24(key, 0, data)
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012).
pub fn siphash24(k0: u64, k1: u64, data: &[u8]) -> u64 {
    let mut v0 = k0 ^ 0x736f_6d65_7073_6575;
    let mut v1 = k1 ^ 0x646f_7261_6e64_6f6d;
    let mut v2 = k0 ^ 0x6c79_6765_6e65_7261;
    let mut v3 = k1 ^ 0x7465_6462_7974_6573;
    let round = |v0: &mut u64, v1: &mut u64, v2: &mut u64, v3: &mut u64| {
        *v0 = v0.wrapping_add(*v1);
        *v2 = v2.wrapping_add(*v3);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v1);
        *v0 = v0.wrapping_add(*v3);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.rotate_left(32);
    };
    let chunks = data.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        v3 ^= word;
        round(&mut v0, &mut v1, &mut v2, &mut v3);
        round(&mut v0, &mut v1, &mut v2, &mut v3);
        v0 ^= word;
    }
    let last = rest.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte)) | (data.len() as u64) << 56;
    v3 ^= last;
    round(&mut v0, &mut v1, &mut v2, &mut v3);
    round(&mut v0, &mut v1, &mut v2, &mut v3);
    v0 ^= last;
    v2 ^= 0xff;
    for _ in 0..4 {
        round(&mut v0, &mut v1, &mut v2, &mut v3);
    }
    (v0 ^ v1) ^ (v2 ^ v3)
}

/// The hash of an int that fits a machine word.
#[inline]
pub fn hash_i64(value: i64) -> i64 {
    let residue = (value.unsigned_abs() % MODULUS) as i64;
    let hash = if value < 0 { -residue } else { residue };
    if hash == -1 { -2 } else { hash }
}

/// The hash of a float. As `_Py_HashDouble`.
pub fn hash_f64(value: f64) -> i64 {
    if !value.is_finite() {
        return if value.is_nan() {
            0
        } else if value > 0.0 {
            INFINITY
        } else {
            -INFINITY
        };
    }
    let (mut mantissa, mut exponent) = crate::types::float::frexp(value.abs());
    let mut x: u64 = 0;
    while mantissa != 0.0 {
        x = ((x << 28) & MODULUS) | x >> 33;
        mantissa *= 268_435_456.0;
        exponent -= 28;
        let y = mantissa as u64;
        mantissa -= y as f64;
        x += y;
        if x >= MODULUS {
            x -= MODULUS;
        }
    }
    let shift = exponent.rem_euclid(61) as u32;
    if shift != 0 {
        x = ((x << shift) & MODULUS) | x >> (61 - shift);
    }
    let hash = if value < 0.0 { -(x as i64) } else { x as i64 };
    if hash == -1 { -2 } else { hash }
}

/// The hash of an address, for objects compared by identity. As `_Py_HashPointer`.
pub fn hash_identity(value: &Value) -> i64 {
    match value.bits().rotate_right(4) as i64 {
        -1 => -2,
        hash => hash,
    }
}

/// Combines the hashes of a tuple's items. As `tuplehash` of 3.8 (xxHash's round).
pub fn combine_tuple(hashes: impl ExactSizeIterator<Item = PyResult<i64>>) -> PyResult<i64> {
    const PRIME_1: u64 = 11_400_714_785_074_694_791;
    const PRIME_2: u64 = 14_029_467_366_897_019_727;
    const PRIME_5: u64 = 2_870_177_450_012_600_261;
    let len = hashes.len() as u64;
    let mut accumulator = PRIME_5;
    for hash in hashes {
        accumulator = accumulator.wrapping_add((hash? as u64).wrapping_mul(PRIME_2)).rotate_left(31);
        accumulator = accumulator.wrapping_mul(PRIME_1);
    }
    accumulator = accumulator.wrapping_add(len ^ (PRIME_5 ^ 3_527_539));
    Ok(if accumulator == u64::MAX { 1_546_275_796 } else { accumulator as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_hash_as_in_cpython() {
        for (value, expected) in
            [(0.5, 1152921504606846976), (1.0, 1), (1e300, 1224995262755759164), (-1.5, -1152921504606846977)]
        {
            assert_eq!(hash_f64(value), expected, "{value}");
        }
        assert_eq!(hash_i64(-1), -2);
        assert_eq!(hash_i64((1 << 61) - 1), 0);
    }
}
