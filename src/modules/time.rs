//! The module `time`.
use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::dict::Dict;
pub static MODULE: ModuleDef = ModuleDef {
    name: "time",
    doc: "",
    functions: &[method!(process_time, "process_time()", "")],
    fill,
};
fn fill(_: &Dict) -> PyResult<()> {
    Ok(())
}
fn process_time() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}
