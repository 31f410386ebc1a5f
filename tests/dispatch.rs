//! The loop keeps no native stack: a handler that called the next one instead of jumping to it would use the small stack up
//! on which the programs of `fixtures/dispatch` run here.

use pycvm::object::text;
use pycvm::pyc;
use pycvm::types::dict::Dict;
use pycvm::types::module::Module;
use pycvm::vm::{load, runtime};
use std::path::PathBuf;

/// Bytes of native stack: enough for the deepest nesting of native code in the programs, and no more than some thirty thousand
/// instructions of one kind if each of them left a frame behind; the programs run more of each.
const STACK: usize = 512 << 10;

fn run(name: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "dispatch", name].iter().collect();
    let data = std::fs::read(&path).expect("the fixture is there");
    runtime::with_stack(STACK, || {
        let file = pyc::read(&data).expect("a .pyc");
        let code = load::value(file.tree().root()).expect("code that can be loaded");
        let module = Module::new_value("__main__", None);
        let globals = module.downcast::<Module>().map(|module| module.dict().clone()).expect("a module's dict");
        let builtins = runtime::modules_dict().exact::<Dict>().and_then(|modules| modules.get_text("builtins"));
        globals.exact::<Dict>().expect("a dict").set_text("__builtins__", builtins.expect("builtins"));
        if let Err(raised) = runtime::run_main(&code, &globals) {
            panic!("{name}: {}: {:?}", raised.value().ty().name(), text::str_string(raised.value()).ok());
        }
    });
}

#[test]
fn handlers_jump_to_each_other() {
    run("handlers.pyc");
}
