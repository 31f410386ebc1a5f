//! The module `_uuid`: identifiers made of the time and the machine's hardware address (RFC 4122, version 1), as libuuid
//! makes them where it has no file that all processes share.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::posix::system as files;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::exceptions::os_error;
use crate::types::tuple::Tuple;
use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_uuid",
    doc: "",
    functions: &[method!(generate_time_safe, "!generate_time_safe()", "")],
    fill: |dict| {
        dict.set_text("has_uuid_generate_time_safe", Value::int(1));
        Ok(())
    },
};

/// From the beginning of the Gregorian calendar to that of Unix time, in units of 100 ns.
const GREGORIAN: u64 = 0x01b2_1dd2_1381_4000;
/// Identifiers that can be made in a microsecond.
const PER_MICROSECOND: u64 = 10;

/// What the last identifier was made of.
#[derive(Clone, Copy)]
struct State {
    process: u32,
    node: [u8; 6],
    sequence: u16,
    /// In microseconds.
    last: u64,
    /// How many were made in that microsecond before.
    made: u64,
}

static STATE: GilCell<Cell<Option<State>>> = GilCell::new(Cell::new(None));

fn random<const N: usize>() -> PyResult<[u8; N]> {
    let mut bytes = Vec::new();
    while bytes.len() < N {
        let left = N - bytes.len();
        match files::getrandom(&mut bytes, left, 0) {
            Ok(_) | Err(libc::EINTR) => {}
            Err(errno) => return Err(os_error::from_errno(errno, None)),
        }
    }
    Ok(bytes.first_chunk().copied().unwrap_or([0; N]))
}

fn start() -> PyResult<State> {
    let node = match system::hardware_address() {
        Some(address) => address,
        None => {
            // An address that no hardware has: that of a group.
            let mut node: [u8; 6] = random()?;
            node[0] |= 1;
            node
        }
    };
    let sequence = u16::from_be_bytes(random()?) & 0x3fff;
    Ok(State { process: std::process::id(), node, sequence, last: 0, made: 0 })
}

/// Microseconds since the beginning of Unix time.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

fn generate_time_safe() -> PyResult<Value> {
    // A process that was forked starts anew: the other one goes on with the same numbers.
    let mut state = match STATE.get().get().filter(|state| state.process == std::process::id()) {
        Some(state) => state,
        None => start()?,
    };
    let mut time = now();
    while time == state.last && state.made + 1 >= PER_MICROSECOND {
        time = now();
    }
    if time < state.last {
        // The clock was set back.
        state.sequence = (state.sequence + 1) & 0x3fff;
    }
    state.made = if time == state.last { state.made + 1 } else { 0 };
    state.last = time;
    STATE.get().set(Some(state));
    let clock = time.wrapping_mul(10).wrapping_add(state.made).wrapping_add(GREGORIAN);
    let mut uuid = Vec::with_capacity(16);
    uuid.extend_from_slice(&(clock as u32).to_be_bytes());
    uuid.extend_from_slice(&((clock >> 32) as u16).to_be_bytes());
    uuid.extend_from_slice(&((clock >> 48) as u16 & 0x0fff | 0x1000).to_be_bytes());
    uuid.extend_from_slice(&(state.sequence | 0x8000).to_be_bytes());
    uuid.extend_from_slice(&state.node);
    // -1: nothing keeps another process from making the same one.
    Ok(Tuple::from_array([Bytes::new_value(&uuid), Value::int(-1)]))
}
