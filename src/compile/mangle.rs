//! Private names: inside a class, `__name` is `_Class__name`.

use crate::compile::symbol::{Symbol, Symbols};

/// The name under which `name` is known where the innermost class is called `class`. As `_Py_Mangle`.
pub fn mangle(symbols: &mut Symbols, class: Option<Symbol>, name: Symbol) -> Symbol {
    let Some(class) = class else { return name };
    let text = symbols.bytes(name);
    if !text.starts_with(b"__") || text.ends_with(b"__") || text.contains(&b'.') {
        return name;
    }
    let class = symbols.bytes(class);
    let bare = class.get(class.iter().take_while(|&&byte| byte == b'_').count()..).unwrap_or_default();
    if bare.is_empty() {
        return name;
    }
    let mut mangled = Vec::with_capacity(1 + bare.len() + text.len());
    mangled.push(b'_');
    mangled.extend_from_slice(bare);
    mangled.extend_from_slice(text);
    symbols.intern_bytes(&mangled)
}
