//! Names of a compilation, interned: comparing and hashing them is comparing and hashing a number.

use hashbrown::HashMap;
use std::rc::Rc;

/// A name in [`Symbols`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(u32);

impl Symbol {
    /// Its number: symbols are numbered from 0 in the order in which they were met.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names of a compilation.
///
/// A name is text as Python has it: UTF-8 in which a lone surrogate is encoded as any other code point (WTF-8), since
/// an AST made by a program may hold any str.
#[derive(Default, Debug)]
pub struct Symbols {
    names: Vec<Rc<[u8]>>,
    known: HashMap<Rc<[u8]>, Symbol>,
}

impl Symbols {
    /// The symbol of a name.
    pub fn intern(&mut self, name: &str) -> Symbol {
        self.intern_bytes(name.as_bytes())
    }

    /// The symbol of a name in WTF-8.
    pub fn intern_bytes(&mut self, name: &[u8]) -> Symbol {
        if let Some(symbol) = self.known.get(name) {
            return *symbol;
        }
        let symbol = Symbol(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        let name: Rc<[u8]> = name.into();
        self.names.push(Rc::clone(&name));
        self.known.insert(name, symbol);
        symbol
    }

    /// The text of a symbol of these names, in WTF-8.
    pub fn bytes(&self, symbol: Symbol) -> &[u8] {
        self.names.get(symbol.0 as usize).map_or(&[], |name| name)
    }

    /// The text of a symbol as it is shared, in WTF-8.
    pub fn shared(&self, symbol: Symbol) -> Rc<[u8]> {
        self.names.get(symbol.0 as usize).map_or_else(|| Rc::from([].as_slice()), Rc::clone)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The text of a symbol, lone surrogates replaced.
    pub fn text(&self, symbol: Symbol) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes(symbol))
    }
}
