//! `posix_spawn` and `posix_spawnp`.

use super::arguments::Path;
use super::files::I32;
use super::process::{priority_of, program};
use super::system::{self, FileAction, SpawnAttributes};
use crate::modules::blocking::blocking;
use crate::modules::sys::audit;
use crate::object::call::split_keywords;
use crate::object::error::PyResult;
use crate::object::native::{IntoValue, c_int};
use crate::object::value::Value;
use crate::object::{iter, number};
use crate::types::exceptions::{type_error, value_error};
use crate::types::int;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

pub(super) fn posix_spawn(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    spawn("posix_spawn", args, kwnames, false)
}

pub(super) fn posix_spawnp(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    spawn("posix_spawnp", args, kwnames, true)
}

fn spawn(function: &str, args: &[Value], kwnames: Option<&Value>, search: bool) -> PyResult<Value> {
    let (positional, keywords) = split_keywords(args, kwnames);
    let [path, arguments, environment] = positional else {
        return Err(type_error(format!(
            "{function}() takes exactly 3 positional arguments ({} given)",
            positional.len()
        )));
    };
    let mut actions = Vec::new();
    let mut attributes = SpawnAttributes::default();
    let mut later: [Option<&Value>; 6] = [None; 6];
    for (name, value) in keywords {
        let text = name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
        let index = match text.as_str() {
            "file_actions" => 0,
            "setpgroup" => 1,
            "setsigmask" => 2,
            "setsigdef" => 3,
            "scheduler" => 4,
            "resetids" => {
                attributes.reset_ids = c_int(value, false)? != 0;
                continue;
            }
            "setsid" => {
                attributes.new_session = c_int(value, false)? != 0;
                continue;
            }
            other => {
                return Err(type_error(format!("'{other}' is an invalid keyword argument for {function}()")));
            }
        };
        later[index] = Some(value);
    }
    let path = Path::name(path, function)?;
    let (args, texts) = program(function, arguments, environment)?;
    if audit::is_heard() {
        audit::event("os.posix_spawn", &[path.object.clone(), arguments.clone(), environment.clone()])?;
    }
    if let Some(list) = later[0].filter(|list| !list.is_none()) {
        actions = file_actions(list)?;
    }
    attributes.group = later[1].map(|group| c_int(group, true)).transpose()?;
    attributes.mask = later[2].map(signals).transpose()?;
    attributes.defaults = later[3].map(signals).transpose()?;
    if let Some(scheduler) = later[4] {
        let Some([policy, param]) = scheduler.downcast::<Tuple>().map(Tuple::as_slice) else {
            return Err(type_error("A scheduler tuple must have two elements"));
        };
        attributes.policy = if policy.is_none() { None } else { Some(c_int(policy, true)?) };
        attributes.priority = Some(priority_of(param)?);
    }
    let spawned = blocking(|| system::posix_spawn(path.c_str(), &args, &texts, &actions, &attributes, search));
    spawned.map(|pid| I32(pid).into_value()).map_err(|errno| path.error(errno))
}

fn signals(list: &Value) -> PyResult<Vec<i32>> {
    let mut signals = Vec::new();
    for item in iter::collect(list)? {
        let number = number::index_to_i64(&item)?.unwrap_or(-1);
        match i32::try_from(number) {
            Ok(signal @ 1..=64) => signals.push(signal),
            _ => return Err(value_error(format!("signal number {number} out of range"))),
        }
    }
    Ok(signals)
}

fn file_actions(list: &Value) -> PyResult<Vec<FileAction>> {
    if list.ty().slot(|slots| slots.getitem).is_none() {
        return Err(type_error("file_actions must be a sequence or None"));
    }
    let mut actions = Vec::new();
    for item in iter::collect(list)? {
        let parts = item.downcast::<Tuple>().map_or(&[][..], Tuple::as_slice);
        let Some((tag, rest)) = parts.split_first() else {
            return Err(type_error("Each file_actions element must be a non-empty tuple"));
        };
        actions.push(match (int::to_i64(tag), rest) {
            (Some(0), [fd, path, flags, mode]) => FileAction::Open {
                fd: c_int(fd, true)?,
                path: super::path::to_c_string(path)?,
                flags: c_int(flags, true)?,
                mode: number::index_to_i64(mode)?.unwrap_or(0) as u32,
            },
            (Some(0), _) => return Err(type_error("A open file_action tuple must have 5 elements")),
            (Some(1), [fd]) => FileAction::Close(c_int(fd, true)?),
            (Some(1), _) => return Err(type_error("A close file_action tuple must have 2 elements")),
            (Some(2), [fd, target]) => FileAction::Dup(c_int(fd, true)?, c_int(target, true)?),
            (Some(2), _) => return Err(type_error("A dup2 file_action tuple must have 3 elements")),
            _ => return Err(type_error("Unknown file_actions identifier")),
        });
    }
    Ok(actions)
}
