//! Tests of the container types and iterators: tables of statements with what CPython 3.8 shows for them.

mod evaluator;

use crate::object::{PyResult, Value, call, hash, iter, text};
use crate::types::list::List;
use crate::types::tuple::Tuple;
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

/// CPython overflows its native stack here.
#[test]
fn deep_nesting_raises_an_error() {
    runtime::with(|| {
        let error = |result: PyResult<()>| text::str_string(result.expect_err("too deep").value()).expect("a message");
        let mut iterator = iter::iter(&List::from_vec(vec![Value::int(1)])).expect("an iterator");
        let mut tuple = Tuple::from_vec(vec![Value::int(1)]);
        let zip = crate::types::zip::ZIP.value();
        for _ in 0..5_000_000 {
            iterator = call::call(&zip, &[iterator]).expect("a zip object");
            tuple = Tuple::from_vec(vec![tuple]);
        }
        assert_eq!(error(iter::next(&iterator).map(drop)), "maximum recursion depth exceeded");
        assert_eq!(error(hash::hash(&tuple).map(drop)), "maximum recursion depth exceeded");
        assert!(error(text::repr(&tuple).map(drop)).starts_with("maximum recursion depth exceeded"));
    });
}
