//! Code objects in the marshal format, as `.pyc` files hold them.

use crate::compile::code::CodeObject;
use crate::compile::constant::Constant;
use crate::compile::stack::deeper;
use hashbrown::HashMap;
use num_bigint::{BigInt, Sign};
use std::rc::Rc;

const FLAG_REF: u8 = 0x80;

/// `marshal.dumps(code)`. What is one object in the code is one when it is read.
pub fn dumps(code: &CodeObject) -> Vec<u8> {
    let mut writer = Writer { out: Vec::new(), interned: HashMap::new(), shared: HashMap::new(), refs: 0 };
    writer.code(code);
    writer.out
}

struct Writer<'c> {
    out: Vec<u8>,
    /// The reference numbers of interned strings.
    interned: HashMap<&'c [u8], u32>,
    /// Those of other objects, by address.
    shared: HashMap<usize, u32>,
    refs: u32,
}

/// Whether a constant is interned since it looks like a name (`all_name_chars`).
pub fn looks_like_name(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl<'c> Writer<'c> {
    fn long(&mut self, value: i64) {
        self.out.extend_from_slice(&(value as i32).to_le_bytes());
    }

    fn size(&mut self, value: usize) {
        self.long(i64::try_from(value).unwrap_or(0));
    }

    /// Begins an object that may be referred to.
    fn referable(&mut self, type_code: u8) -> u32 {
        self.out.push(type_code | FLAG_REF);
        self.refs += 1;
        self.refs - 1
    }

    fn reference(&mut self, number: u32) {
        self.out.push(b'r');
        self.long(i64::from(number));
    }

    /// Writes a reference to a shared object that has been written; else gives its address, to be noted.
    fn known<T: ?Sized>(&mut self, object: &Rc<T>) -> Result<(), usize> {
        let address = Rc::as_ptr(object).cast::<u8>() as usize;
        match self.shared.get(&address) {
            Some(&number) => {
                self.reference(number);
                Ok(())
            }
            None => Err(address),
        }
    }

    fn interned(&mut self, text: &'c [u8]) {
        if let Some(&number) = self.interned.get(text) {
            self.reference(number);
            return;
        }
        let number = match (text.is_ascii(), u8::try_from(text.len())) {
            (true, Ok(len)) => {
                let number = self.referable(b'Z');
                self.out.push(len);
                number
            }
            (ascii, _) => {
                let number = self.referable(if ascii { b'A' } else { b't' });
                self.size(text.len());
                number
            }
        };
        self.out.extend_from_slice(text);
        self.interned.insert(text, number);
    }

    fn text(&mut self, text: &'c Rc<[u8]>) {
        if looks_like_name(text) {
            return self.interned(text);
        }
        let Err(address) = self.known(text) else { return };
        let number = match (text.is_ascii(), u8::try_from(text.len())) {
            (true, Ok(len)) => {
                let number = self.referable(b'z');
                self.out.push(len);
                number
            }
            (ascii, _) => {
                let number = self.referable(if ascii { b'a' } else { b'u' });
                self.size(text.len());
                number
            }
        };
        self.out.extend_from_slice(text);
        self.shared.insert(address, number);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out.push(b's');
        self.size(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    fn tuple_start(&mut self, len: usize, flag: u8) {
        match u8::try_from(len) {
            Ok(len) => self.out.extend([b')' | flag, len]),
            Err(_) => {
                self.out.push(b'(' | flag);
                self.size(len);
            }
        }
    }

    fn names(&mut self, names: &'c [Rc<[u8]>]) {
        self.tuple_start(names.len(), 0);
        for name in names {
            self.interned(name);
        }
    }

    fn code(&mut self, code: &'c CodeObject) {
        self.out.push(b'c');
        self.code_body(code);
    }

    fn code_body(&mut self, code: &'c CodeObject) {
        for count in
            [code.argcount, code.posonlyargcount, code.kwonlyargcount, code.nlocals, code.stacksize, code.flags]
        {
            self.long(i64::from(count));
        }
        self.bytes(&code.code);
        self.tuple_start(code.consts.len(), 0);
        for constant in &code.consts {
            self.constant(constant);
        }
        self.names(&code.names);
        self.names(&code.varnames);
        self.names(&code.freevars);
        self.names(&code.cellvars);
        self.text(&code.filename);
        self.interned(&code.name);
        self.long(i64::from(code.firstlineno));
        self.bytes(&code.lnotab);
    }

    fn float(&mut self, value: f64) {
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    fn int(&mut self, value: &BigInt) {
        self.out.push(b'l');
        let mut digits = fifteen_bits(value);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let count = i64::try_from(digits.len()).unwrap_or(0);
        self.long(if value.sign() == Sign::Minus { -count } else { count });
        for digit in digits {
            self.out.extend_from_slice(&digit.to_le_bytes());
        }
    }

    fn constant(&mut self, constant: &'c Constant) {
        match constant {
            Constant::None => self.out.push(b'N'),
            Constant::Bool(true) => self.out.push(b'T'),
            Constant::Bool(false) => self.out.push(b'F'),
            Constant::Ellipsis => self.out.push(b'.'),
            Constant::Int(value) => match i32::try_from(*value) {
                Ok(value) => {
                    self.out.push(b'i');
                    self.long(i64::from(value));
                }
                Err(_) => self.int(&BigInt::from(*value)),
            },
            Constant::BigInt(value) => self.int(value),
            Constant::Float(value) => {
                self.out.push(b'g');
                self.float(*value);
            }
            Constant::Complex(re, im) => {
                self.out.push(b'y');
                self.float(*re);
                self.float(*im);
            }
            Constant::Str(text) => self.text(text),
            Constant::Bytes(bytes) => {
                if let Err(address) = self.known(bytes) {
                    let number = self.referable(b's');
                    self.size(bytes.len());
                    self.out.extend_from_slice(bytes);
                    self.shared.insert(address, number);
                }
            }
            Constant::Tuple(items) => {
                if let Err(address) = self.known(items) {
                    self.tuple_start(items.len(), FLAG_REF);
                    self.items(items, address);
                }
            }
            Constant::FrozenSet(items) => {
                if let Err(address) = self.known(items) {
                    self.out.push(b'>' | FLAG_REF);
                    self.size(items.len());
                    self.items(items, address);
                }
            }
            Constant::Code(code) => {
                if let Err(address) = self.known(code) {
                    let number = self.referable(b'c');
                    self.shared.insert(address, number);
                    deeper(|| self.code_body(code));
                }
            }
        }
    }

    fn items(&mut self, items: &'c [Constant], address: usize) {
        self.shared.insert(address, self.refs);
        self.refs += 1;
        deeper(|| items.iter().for_each(|item| self.constant(item)));
    }
}

/// The digits of an int in base 2^15, lowest first.
fn fifteen_bits(value: &BigInt) -> Vec<u16> {
    let mut digits = Vec::new();
    let (mut bits, mut held) = (0u64, 0);
    for word in value.magnitude().iter_u32_digits() {
        bits |= u64::from(word) << held;
        held += 32;
        while held >= 15 {
            digits.push((bits & 0x7fff) as u16);
            bits >>= 15;
            held -= 15;
        }
    }
    digits.push(bits as u16);
    digits
}
