//! `hash()` of constants as CPython 3.8 computes it under PYTHONHASHSEED=0, as far as it decides the order of a set.

use crate::pyc::code::{Constant, Items, Long, Str};
use crate::pyc::marshal::NodeId;
use num_traits::FromPrimitive;
use std::collections::HashMap;

/// Hashes of numbers are residues modulo this prime.
const MODULUS: u64 = (1 << 61) - 1;
const BITS: u32 = 61;

/// How deep containers are followed; CPython raises RecursionError somewhat deeper.
const MAX_DEPTH: usize = 200;

/// Hashes of containers that were worked out already: parts may be shared so often that it would take forever.
pub(super) type Known = HashMap<NodeId, i64>;

/// The hash of a constant.
///
/// Of None, Ellipsis and types CPython takes the address; what stands for it here has the low bits that a common build
/// of CPython has, and of a code object, which no compiler puts into a set, the place in the file stands in.
pub(super) fn hash(constant: Constant, known: &mut Known) -> i64 {
    nested(constant, known, 0)
}

fn nested(constant: Constant, known: &mut Known, depth: usize) -> i64 {
    match constant {
        Constant::None => 0x07f4_f97b_3222,
        Constant::Ellipsis => 0x07f4_f97b_3442,
        Constant::StopIteration => 0x07f4_f97b_5380,
        Constant::Null => 0,
        Constant::True => 1,
        Constant::False => 0,
        Constant::Int(value) => signed(value.unsigned_abs() % MODULUS, value < 0),
        Constant::BigInt(long) => hash_long(long),
        Constant::Float(value) => hash_float(value),
        Constant::Complex(real, imag) => {
            let hash = hash_float(real).wrapping_add(hash_float(imag).wrapping_mul(1_000_003));
            if hash == -1 { -2 } else { hash }
        }
        Constant::Str(string) => hash_str(string),
        Constant::Bytes(bytes) => hash_bytes(bytes),
        Constant::Tuple(items) | Constant::List(items) => container(items, known, depth, hash_tuple),
        Constant::Set(items) | Constant::FrozenSet(items) => container(items, known, depth, hash_frozenset),
        Constant::Dict(_) => 0,
        Constant::Code(code) => code.node().index() as i64,
    }
}

fn container(items: Items, known: &mut Known, depth: usize, combine: fn(&[i64]) -> i64) -> i64 {
    if let Some(&hash) = known.get(&items.node()) {
        return hash;
    }
    if depth >= MAX_DEPTH {
        return 0;
    }
    // A container that holds itself has no hash; this ends the search.
    known.insert(items.node(), 0);
    let hashes: Vec<i64> = items.iter().map(|item| nested(item, known, depth + 1)).collect();
    let hash = combine(&hashes);
    known.insert(items.node(), hash);
    hash
}

/// The hash with this residue; -1 is CPython's sign of an error.
fn signed(residue: u64, negative: bool) -> i64 {
    let hash = residue.cast_signed();
    match if negative { -hash } else { hash } {
        -1 => -2,
        hash => hash,
    }
}

/// `residue * 2**by` modulo the prime.
fn rotate(residue: u64, by: u32) -> u64 {
    if by == 0 { residue } else { (residue << by & MODULUS) | residue >> (BITS - by) }
}

fn hash_long(long: Long) -> i64 {
    let residue = long.digits().rev().fold(0, |residue, digit| {
        let sum = rotate(residue, 15) + u64::from(digit);
        if sum >= MODULUS { sum - MODULUS } else { sum }
    });
    signed(residue, long.is_negative())
}

fn hash_float(value: f64) -> i64 {
    if value.is_nan() {
        return 0;
    }
    if value.is_infinite() {
        return if value > 0.0 { 314_159 } else { -314_159 };
    }
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    // value == mantissa * 2**power
    let (mantissa, power) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    signed(rotate(mantissa % MODULUS, power.rem_euclid(BITS as i32) as u32), value < 0.0)
}

/// Of the string's characters in the narrowest of the three forms that CPython stores.
fn hash_str(string: Str) -> i64 {
    match string.code_points().max() {
        None => 0,
        Some(0..0x80) => hash_bytes(string.bytes()),
        Some(0x80..0x100) => hash_bytes(&string.code_points().map(|point| point as u8).collect::<Vec<_>>()),
        Some(0x100..0x10000) => {
            hash_bytes(&string.code_points().flat_map(|point| (point as u16).to_le_bytes()).collect::<Vec<_>>())
        }
        Some(0x10000..) => hash_bytes(&string.code_points().flat_map(u32::to_le_bytes).collect::<Vec<_>>()),
    }
}

fn hash_bytes(bytes: &[u8]) -> i64 {
    if bytes.is_empty() {
        return 0;
    }
    match siphash_2_4(bytes).cast_signed() {
        -1 => -2,
        hash => hash,
    }
}

/// SipHash-2-4 with the key zero, which is what PYTHONHASHSEED=0 means.
fn siphash_2_4(bytes: &[u8]) -> u64 {
    fn round(v: &mut [u64; 4]) {
        v[0] = v[0].wrapping_add(v[1]);
        v[2] = v[2].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].rotate_left(32);
        v[2] = v[2].wrapping_add(v[1]);
        v[0] = v[0].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].rotate_left(32);
    }
    // "somepseudorandomlygeneratedbytes"
    let mut v = [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = bytes.len() as u8;
    for word in words.iter().chain([&last]) {
        let word = u64::from_le_bytes(*word);
        v[3] ^= word;
        round(&mut v);
        round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

/// As `tuplehash`, after xxHash.
fn hash_tuple(items: &[i64]) -> i64 {
    const PRIME_1: u64 = 11_400_714_785_074_694_791;
    const PRIME_2: u64 = 14_029_467_366_897_019_727;
    const PRIME_5: u64 = 2_870_177_450_012_600_261;
    let mixed = items.iter().fold(PRIME_5, |state, &lane| {
        state.wrapping_add(lane.cast_unsigned().wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1)
    });
    match mixed.wrapping_add(items.len() as u64 ^ PRIME_5 ^ 3_527_539).cast_signed() {
        -1 => 1_546_275_796,
        hash => hash,
    }
}

/// As `frozenset_hash`; equal elements are taken to be those with equal hashes.
fn hash_frozenset(items: &[i64]) -> i64 {
    let shuffle = |hash: u64| ((hash ^ 89_869_747) ^ (hash << 16)).wrapping_mul(3_644_798_167);
    let mut distinct = items.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let mixed = distinct.iter().fold(0, |mixed, &hash| mixed ^ shuffle(hash.cast_unsigned()));
    // CPython mixes in its table's free entries and then takes an odd one out again.
    let mut hash = mixed ^ (distinct.len() as u64 + 1).wrapping_mul(1_927_868_237);
    hash ^= (hash >> 11) ^ (hash >> 25);
    match hash.wrapping_mul(69_069).wrapping_add(907_133_923) {
        u64::MAX => 590_923_713,
        hash => hash.cast_signed(),
    }
}

/// Whether two constants are equal, as `==` says.
///
/// Sets are equal only to themselves here, as are code objects: no compiler puts either into a set. `steps` bounds the
/// work, since containers may share parts; when it is used up nothing is equal.
pub(super) fn equal(a: Constant, b: Constant, steps: &mut u64) -> bool {
    equal_nested(a, b, steps, 0)
}

fn equal_nested(a: Constant, b: Constant, steps: &mut u64, depth: usize) -> bool {
    use Constant::*;
    let number = |constant| match constant {
        True => Int(1),
        False => Int(0),
        other => other,
    };
    if *steps == 0 || depth >= MAX_DEPTH {
        return false;
    }
    *steps -= 1;
    match (number(a), number(b)) {
        (Int(a), Int(b)) => a == b,
        (BigInt(a), BigInt(b)) => {
            *steps = steps.saturating_sub(a.digits().len() as u64 / 8);
            a == b
        }
        (Float(a), Float(b)) => a == b,
        (Int(int), Float(float)) | (Float(float), Int(int)) => int as f64 == float && float as i128 == i128::from(int),
        (BigInt(int), Float(float)) | (Float(float), BigInt(int)) => {
            // No float has more than 1024 bits.
            int.digits().len() < 70
                && float.fract() == 0.0
                && num_bigint::BigInt::from_f64(float).is_some_and(|whole| whole == int.to_bigint())
        }
        (Complex(real, imag), Complex(other_real, other_imag)) => real == other_real && imag == other_imag,
        (Complex(real, imag), other @ (Int(_) | BigInt(_) | Float(_)))
        | (other @ (Int(_) | BigInt(_) | Float(_)), Complex(real, imag)) => {
            imag == 0.0 && equal_nested(Float(real), other, steps, depth)
        }
        (Str(a), Str(b)) => {
            *steps = steps.saturating_sub(a.bytes().len() as u64 / 16);
            a == b
        }
        (Bytes(a), Bytes(b)) => {
            *steps = steps.saturating_sub(a.len() as u64 / 16);
            a == b
        }
        (None, None) | (Ellipsis, Ellipsis) | (StopIteration, StopIteration) => true,
        (Tuple(a), Tuple(b)) => {
            a.node() == b.node()
                || a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal_nested(a, b, steps, depth + 1))
        }
        (Set(a) | FrozenSet(a), Set(b) | FrozenSet(b)) => a.node() == b.node(),
        (Code(a), Code(b)) => a.node() == b.node(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyc::marshal;

    /// Marshal data and what `hash(marshal.loads(data))` of CPython 3.8 under PYTHONHASHSEED=0 is.
    const HASHES: &[(&[u8], i64)] = &[
        (b"\xe9\x00\x00\x00\x00", 0),
        (b"\xe9\x01\x00\x00\x00", 1),
        (b"\xe9\xff\xff\xff\xff", -2),
        (b"\xe9\xfe\xff\xff\xff", -2),
        (b"\xec\x05\x00\x00\x00\xff\x7f\xff\x7f\xff\x7f\xff\x7f\x01\x00", 0),
        (b"\xec\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00", 1),
        (b"\xec\xfb\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00", -2),
        (b"\xec\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00", 4),
        (b"\xec\x0e\x00\x00\x0090\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00 \x00", 143_417),
        (b"\xec\xf0\xff\xff\xff\x19b\x8dG\xedK47\xc1\x0c\xec9\xef\x7f\x00&\x11g\xb5h\xc6\x0c%C\xd6\x11\x941\xaeh\xcd\x1a", -2_002_697_805_922_165_880),
        (b"\xe7\x00\x00\x00\x00\x00\x00\x00\x00", 0),
        (b"\xe7\x00\x00\x00\x00\x00\x00\x00\x80", 0),
        (b"\xe7\x00\x00\x00\x00\x00\x00\xf0?", 1),
        (b"\xe7\x00\x00\x00\x00\x00\x00\xf0\xbf", -2),
        (b"\xe7\x00\x00\x00\x00\x00\x00\xe0?", 1_152_921_504_606_846_976),
        (b"\xe7n\x86\x1b\xf0\xf9!\x09@", 326_484_311_674_566_659),
        (b"\xe7\x9cu\x00\x88<\xe47~", 1_224_995_262_755_759_164),
        (b"\xe7Y\xf3\xf8\xc2\x1fn\xa5\x81", -482_449_582_752_280_463),
        (b"\xe7\x01\x00\x00\x00\x00\x00\x00\x00", 16_777_216),
        (b"\xe7\x00\x00\x00\x00\x00\x00\xf0\x7f", 314_159),
        (b"\xe7\x00\x00\x00\x00\x00\x00\xf0\xff", -314_159),
        (b"\xe7\x00\x00\x00\x00\x00\x00\xf8\x7f", 0),
        (b"\xf9\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0?", 1_000_003),
        (b"\xf9\x00\x00\x00\x00\x00\x00\xf8?\x00\x00\x00\x00\x00\x00\x00\xc0", 1_152_921_504_604_846_971),
        (b"\xf9\x00\x00\x00\x00\x00\x00\xf0\xbf\x00\x00\x00\x00\x00\x00\x00\x00", -2),
        (b"\xda\x00", 0),
        (b"\xda\x01a", -7_583_489_610_679_606_711),
        (b"\xfa\x0bhello world", 6_266_945_022_561_323_786),
        (b"\xf5\x05\x00\x00\x00\xc3\xa9t\xc3\xa9", 9_210_628_588_244_507_898),
        (b"\xf5\x07\x00\x00\x00\xe2\x82\xac uro", 2_553_749_124_970_926_125),
        (b"\xf5\x06\x00\x00\x00\xf0\x9f\x98\x80 x", 4_062_665_839_841_069_617),
        (b"\xf5\x03\x00\x00\x00\xed\xa0\x80", -8_127_993_928_289_593_153),
        (b"\xf3\x00\x00\x00\x00", 0),
        (b"\xf3\x08\x00\x00\x00abcdefgh", -1_847_705_707_669_741_165),
        (b"\xf3\x0d\x00\x00\x00abc\x00defghijkl", 109_712_420_106_573_319),
        (b"\xa9\x00", 5_740_354_900_026_072_187),
        (b"\xa9\x01\xe9\x01\x00\x00\x00", -6_644_214_454_873_602_895),
        (b"\xa9\x03\xe9\x01\x00\x00\x00\xe9\x02\x00\x00\x00\xda\x01x", -8_653_665_611_192_459_725),
        (b"\xa9\x02\xa9\x02\xe9\x01\x00\x00\x00\xe9\x02\x00\x00\x00)\x02\xe7\x00\x00\x00\x00\x00\x00\x0c@F", 956_853_341_991_392_899),
        (b"\xbe\x00\x00\x00\x00", 133_146_708_735_736),
        (b"\xbe\x03\x00\x00\x00\xe9\x01\x00\x00\x00\xe9\x02\x00\x00\x00\xe9\x03\x00\x00\x00", -272_375_401_224_217_160),
        (b"\xbe\x04\x00\x00\x00\xda\x01a\xe7\x00\x00\x00\x00\x00\x00\x04@\xa9\x02\xe9\x01\x00\x00\x00\xe9\x02\x00\x00\x00\xf3\x01\x00\x00\x00b", 2_201_564_726_402_417_238),
        (b"T", 1),
        (b"F", 0),
    ];

    #[test]
    fn hashes_are_cpythons() {
        for &(data, expected) in HASHES {
            let tree = marshal::read(data).unwrap();
            assert_eq!(hash(tree.root().constant(), &mut Known::new()), expected, "{data:?}");
        }
    }

    #[test]
    fn numbers_are_equal_across_types() {
        let long = Long::new(false, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0]);
        let cases = [
            (Constant::Int(1), Constant::True, true),
            (Constant::Int(1), Constant::Float(1.0), true),
            (Constant::Int((1 << 53) + 1), Constant::Float(9_007_199_254_740_992.0), false),
            (Constant::Int(i64::MAX), Constant::Float(9_223_372_036_854_775_808.0), false),
            (Constant::BigInt(long), Constant::Float(2f64.powi(73)), true),
            (Constant::Complex(2.0, -0.0), Constant::Int(2), true),
            (Constant::Complex(2.0, 1.0), Constant::Int(2), false),
            (Constant::Float(f64::NAN), Constant::Float(f64::NAN), false),
            (Constant::Bytes(b"a"), Constant::Str(Str::latin1(b"a", false)), false),
            (Constant::Str(Str::utf8("\u{e9}".as_bytes(), true)), Constant::Str(Str::latin1(b"\xe9", false)), true),
        ];
        for (a, b, expected) in cases {
            assert_eq!(equal(a, b, &mut 100), expected, "{a:?} {b:?}");
        }
    }
}
