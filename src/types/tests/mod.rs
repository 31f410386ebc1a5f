//! Tests of the container types and iterators: tables of statements with what CPython 3.8 shows for them.

mod evaluator;

use crate::vm::runtime;
use evaluator::Scope;

/// Checks every `statements => answer` line of a table; `tools/record_cases.py` makes the answers.
fn check(name: &str, table: &str) {
    let failures = runtime::with(|| {
        let mut failures = Vec::new();
        for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (source, expected) = line.split_once(" => ").expect("a case is `statements => answer`");
            let shown = Scope::new().show(source);
            if shown != expected {
                failures.push(format!("{source}\n  cpython: {expected}\n  pycvm:   {shown}"));
            }
        }
        failures
    });
    assert!(failures.is_empty(), "{name}: {} cases differ\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn lists_do_what_cpython_lists_do() {
    check("list", include_str!("list.cases"));
}

#[test]
fn tuples_do_what_cpython_tuples_do() {
    check("tuple", include_str!("tuple.cases"));
}

#[test]
fn dicts_do_what_cpython_dicts_do() {
    check("dict", include_str!("dict.cases"));
}

#[test]
fn sets_do_what_cpython_sets_do() {
    check("set", include_str!("set.cases"));
}

#[test]
fn iterators_do_what_cpython_iterators_do() {
    check("iterators", include_str!("iterators.cases"));
}

#[test]
fn containers_that_change_under_a_method_stay_sound() {
    check("changes", include_str!("changes.cases"));
}
