//! The module `_symtable`: the compiler's symbol tables as objects.

use crate::compile::parse::Mode;
use crate::compile::symbol::{Symbol, Symbols};
use crate::compile::symtable::{self, BlockId, BlockKind, Scope, SymbolTable};
use crate::gc::Visit;
use crate::method;
use crate::modules::ModuleDef;
use crate::modules::ast::text_value;
use crate::object::TypeObject;
use crate::object::attribute;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::types::bytes::Bytes;
use crate::types::codecs;
use crate::types::dict::Dict;
use crate::types::exceptions::{type_error, value_error};
use crate::types::list::List;
use crate::types::str::Str;
use crate::vm::compile::{Settings, raised, recursion, source, tree};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_symtable",
    doc: "",
    functions: &[method!(
        symtable,
        "symtable($module, source, filename, startstr, /)",
        "Return symbol and scope dictionaries used internally by compiler."
    )],
    fill: |dict| {
        ENTRY.ready()?;
        for &(name, value) in CONSTANTS {
            dict.set_text(name, Value::int(value));
        }
        Ok(())
    },
};

/// Assigned to a name's scope by the declaration of a block around; CPython has it in its interface only.
const DEF_FREE: u32 = 32;

const CONSTANTS: &[(&str, i64)] = &[
    ("USE", symtable::USE as i64),
    ("DEF_GLOBAL", symtable::DEF_GLOBAL as i64),
    ("DEF_NONLOCAL", symtable::DEF_NONLOCAL as i64),
    ("DEF_LOCAL", symtable::DEF_LOCAL as i64),
    ("DEF_PARAM", symtable::DEF_PARAM as i64),
    ("DEF_FREE", DEF_FREE as i64),
    ("DEF_FREE_CLASS", symtable::DEF_FREE_CLASS as i64),
    ("DEF_IMPORT", symtable::DEF_IMPORT as i64),
    ("DEF_BOUND", symtable::DEF_BOUND as i64),
    ("DEF_ANNOT", symtable::DEF_ANNOT as i64),
    ("TYPE_FUNCTION", 0),
    ("TYPE_CLASS", 1),
    ("TYPE_MODULE", 2),
    ("LOCAL", Scope::Local as i64),
    ("GLOBAL_EXPLICIT", Scope::GlobalExplicit as i64),
    ("GLOBAL_IMPLICIT", Scope::GlobalImplicit as i64),
    ("FREE", Scope::Free as i64),
    ("CELL", Scope::Cell as i64),
    ("SCOPE_OFF", symtable::SCOPE_OFFSET as i64),
    ("SCOPE_MASK", 15),
];

/// The body of an entry: a block's symbol table.
#[repr(C)]
pub struct Entry {
    header: Header,
    name: ValueCell,
    /// A dict from names to flags.
    symbols: ValueCell,
    /// A list of the parameters.
    varnames: ValueCell,
    /// A list of the entries of the blocks within.
    children: ValueCell,
    nested: bool,
    kind: BlockKind,
    line: i32,
}

payload!(Entry, ENTRY, {
    const GC: bool = false;
    fn traverse(&self, visit: Visit<'_>) {
        for cell in [&self.name, &self.symbols, &self.varnames, &self.children] {
            cell.visit(visit);
        }
    }
});

/// The type object of entries.
pub static ENTRY: TypeObject = TypeObject::define::<Entry>("symtable entry")
    .slots(Slots { repr: Some(repr), getattr: Some(attribute::generic_get), ..Slots::EMPTY })
    .getset(&[
        GetSet::member("id", |this| Ok(id(this))),
        GetSet::member("name", |this| read(this, |entry| entry.name.get().unwrap_or(Value::NONE))),
        GetSet::member("symbols", |this| read(this, |entry| entry.symbols.get().unwrap_or(Value::NONE))),
        GetSet::member("varnames", |this| read(this, |entry| entry.varnames.get().unwrap_or(Value::NONE))),
        GetSet::member("children", |this| read(this, |entry| entry.children.get().unwrap_or(Value::NONE))),
        GetSet::member("nested", |this| read(this, |entry| Value::int(entry.nested.into()))),
        GetSet::member("type", |this| {
            read(this, |entry| {
                Value::int(match entry.kind {
                    BlockKind::Function => 0,
                    BlockKind::Class => 1,
                    BlockKind::Module => 2,
                })
            })
        }),
        GetSet::member("lineno", |this| read(this, |entry| Value::int(entry.line.into()))),
    ]);

fn read(this: &Value, read: impl FnOnce(&Entry) -> Value) -> PyResult<Value> {
    match this.exact::<Entry>() {
        Some(entry) => Ok(read(entry)),
        None => Err(type_error(format!("a symtable entry is required, not '{}'", this.ty().name()))),
    }
}

/// The number that tells an entry from all others.
fn id(this: &Value) -> Value {
    Value::int(this.bits() as i64)
}

fn repr(this: &Value) -> PyResult<Value> {
    let Some(entry) = this.exact::<Entry>() else {
        return Err(type_error("a symtable entry is required"));
    };
    let name = entry.name.get();
    let name = name.as_ref().and_then(|name| name.downcast::<Str>());
    let name = name.map(Str::to_string_lossy).unwrap_or_default();
    Ok(Str::new_value(&format!("<symtable entry {name}({}), line {}>", this.bits(), entry.line)))
}

fn symtable(source_value: &Value, filename: &Value, startstr: &Value) -> PyResult<Value> {
    let filename = codecs::file_name(filename)?;
    if startstr.downcast::<Str>().is_none() {
        let found = if startstr.is_none() { "None" } else { startstr.ty().name() };
        return Err(type_error(format!("symtable() argument 3 must be str, not {found}")));
    }
    let start = codecs::encode(startstr, Some("utf-8"), None)?;
    let start = start.downcast::<Bytes>().map(Bytes::as_slice).unwrap_or_default();
    if start.contains(&0) {
        return Err(value_error("embedded null character"));
    }
    let source = source(source_value, "symtable", "string or bytes")?;
    let mode = match start {
        b"exec" => Mode::Exec,
        b"eval" => Mode::Eval,
        b"single" => Mode::Single,
        _ => return Err(value_error("symtable() arg 3 must be 'exec' or 'eval' or 'single'")),
    };
    let settings = Settings { filename: &filename, mode, flags: 0, optimize: 0, feature_version: 0 };
    let mut tree = tree(&source, &settings)?;
    let table = SymbolTable::build(&tree.root, &mut tree.symbols, recursion());
    let table = table.map_err(|error| raised(error, &filename))?;
    let mut names = Names { symbols: &tree.symbols, values: Vec::new() };
    Ok(entry(&table, table.top(), &mut names))
}

/// The names of a table as str objects, each made once.
struct Names<'a> {
    symbols: &'a Symbols,
    values: Vec<Option<Value>>,
}

impl Names<'_> {
    fn get(&mut self, symbol: Symbol) -> Value {
        let at = symbol.index();
        if self.values.len() <= at {
            self.values.resize(at + 1, None);
        }
        let make = || text_value(self.symbols.bytes(symbol));
        match self.values.get_mut(at) {
            Some(place) => place.get_or_insert_with(make).clone(),
            None => make(),
        }
    }
}

fn entry(table: &SymbolTable, id: BlockId, names: &mut Names<'_>) -> Value {
    let block = table.block(id);
    let symbols = Dict::new_value();
    if let Some(dict) = symbols.exact::<Dict>() {
        for (name, flags) in block.symbols.iter() {
            // A str as key: nothing can be raised.
            let _set = dict.set(&names.get(name), Value::int(flags.into()));
        }
    }
    let varnames = block.varnames.iter().map(|&name| names.get(name)).collect();
    let name = names.get(block.name);
    // The compiler limits how deep blocks are nested.
    let children = block.children.iter().map(|&child| crate::compile::deeper(|| entry(table, child, names))).collect();
    new_object(Entry {
        header: Header::new(&ENTRY),
        name: ValueCell::new(Some(name)),
        symbols: ValueCell::new(Some(symbols)),
        varnames: ValueCell::new(Some(List::from_vec(varnames))),
        children: ValueCell::new(Some(List::from_vec(children))),
        nested: block.nested,
        kind: block.kind,
        line: block.line,
    })
}
