//! The modules `pwd` and `grp`: the system's users and groups.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::posix::arguments::{Gid, Uid, id_value};
use crate::modules::posix::path;
use crate::object::error::{PyResult, Raised};
use crate::object::native::{At, FromArg, Function, thunk};
use crate::object::value::Value;
use crate::object::{call, number, text};
use crate::struct_sequence;
use crate::types::exceptions::{DEPRECATION_WARNING, KEY_ERROR, OVERFLOW_ERROR, is_instance, raise_value, value_error};
use crate::types::int;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::struct_sequence::{complete, new_value};
use std::ffi::CString;

/// The definition of `pwd`.
pub static PWD: ModuleDef = ModuleDef {
    name: "pwd",
    doc: "This module provides access to the Unix password database.\nIt is available on all Unix versions.\n\nPassword database entries are reported as 7-tuples containing the following\nitems from the password database (see `<pwd.h>'), in order:\npw_name, pw_passwd, pw_uid, pw_gid, pw_gecos, pw_dir, pw_shell.\nThe uid and gid items are integers, all others are strings. An\nexception is raised if the entry asked for cannot be found.",
    functions: &[
        method!(
            getpwall,
            "getpwall($module, /)",
            "Return a list of all available password database entries, in arbitrary order.\n\nSee help(pwd) for more on password database entries."
        ),
        method!(
            getpwnam,
            "getpwnam($module, name, /)",
            "Return the password database entry for the given user name.\n\nSee `help(pwd)` for more on password database entries."
        ),
        method!(
            getpwuid,
            "getpwuid($module, uidobj, /)",
            "Return the password database entry for the given numeric user ID.\n\nSee `help(pwd)` for more on password database entries."
        ),
    ],
    fill: |dict| {
        complete(&PASSWD, 7, true);
        dict.set_text("struct_passwd", PASSWD.value());
        Ok(())
    },
};

/// The definition of `grp`.
pub static GRP: ModuleDef = ModuleDef {
    name: "grp",
    doc: "Access to the Unix group database.\n\nGroup entries are reported as 4-tuples containing the following fields\nfrom the group database, in order:\n\n  gr_name   - name of the group\n  gr_passwd - group password (encrypted); often empty\n  gr_gid    - numeric ID of the group\n  gr_mem    - list of members\n\nThe gid is an integer, name and password are strings.  (Note that most\nusers are not explicitly listed as members of the groups they are in\naccording to the password database.  Check both databases to get\ncomplete membership information.)",
    functions: &[
        method!(
            getgrall,
            "getgrall($module, /)",
            "Return a list of all available group entries, in arbitrary order.\n\nAn entry whose name starts with '+' or '-' represents an instruction\nto use YP/NIS and may not be accessible via getgrnam or getgrgid."
        ),
        method!(
            getgrgid,
            "getgrgid($module, /, id)",
            "Return the group database entry for the given numeric group ID.\n\nIf id is not valid, raise KeyError."
        ),
        method!(
            getgrnam,
            "getgrnam($module, /, name)",
            "Return the group database entry for the given group name.\n\nIf name is not valid, raise KeyError."
        ),
    ],
    fill: |dict| {
        complete(&GROUP, 4, true);
        dict.set_text("struct_group", GROUP.value());
        Ok(())
    },
};

struct_sequence!(
    /// A user.
    PASSWD "pwd.struct_passwd" "pwd.struct_passwd: Results from getpw*() routines.\n\nThis object may be accessed either as a tuple of\n  (pw_name,pw_passwd,pw_uid,pw_gid,pw_gecos,pw_dir,pw_shell)\nor via the object attributes as named in the above tuple.", [
        ("pw_name", "user name"),
        ("pw_passwd", "password"),
        ("pw_uid", "user id"),
        ("pw_gid", "group id"),
        ("pw_gecos", "real name"),
        ("pw_dir", "home directory"),
        ("pw_shell", "shell program"),
    ]
);

struct_sequence!(
    /// A group.
    GROUP "grp.struct_group" "grp.struct_group: Results from getgr*() routines.\n\nThis object may be accessed either as a tuple of\n  (gr_name,gr_passwd,gr_gid,gr_mem)\nor via the object attributes as named in the above tuple.\n", [
        ("gr_name", "group name"),
        ("gr_passwd", "password"),
        ("gr_gid", "group id"),
        ("gr_mem", "group members"),
    ]
);

fn user_value(user: &system::User) -> PyResult<Value> {
    let [name, password, description, home, shell] = &user.texts;
    let [uid, gid] = user.ids;
    Ok(new_value(
        &PASSWD,
        vec![
            path::decode(name)?,
            path::decode(password)?,
            id_value(uid),
            id_value(gid),
            path::decode(description)?,
            path::decode(home)?,
            path::decode(shell)?,
        ],
    ))
}

fn group_value(group: &system::Group) -> PyResult<Value> {
    let [name, password] = &group.texts;
    let members = group.members.iter().map(|member| path::decode(member)).collect::<PyResult<_>>()?;
    Ok(new_value(
        &GROUP,
        vec![path::decode(name)?, path::decode(password)?, id_value(group.id), List::from_vec(members)],
    ))
}

fn not_found(message: String) -> Raised {
    raise_value(&KEY_ERROR, Str::new_value(&message))
}

/// A name for the database.
fn name_of(name: &Str) -> PyResult<CString> {
    CString::new(path::encode(&Value::of(name))?).map_err(|_| value_error("embedded null byte"))
}

fn getpwall() -> PyResult<Value> {
    Ok(List::from_vec(system::users().iter().map(user_value).collect::<PyResult<_>>()?))
}

fn getpwnam(name: &Str) -> PyResult<Value> {
    match system::user_named(&name_of(name)?) {
        Some(user) => user_value(&user),
        None => Err(not_found(format!("getpwnam(): name not found: {}", text::repr_string(&Value::of(name))?))),
    }
}

fn getpwuid(uidobj: &Value) -> PyResult<Value> {
    static FUNCTION: Function = Function::new("getpwuid(uidobj, /)", "", thunk(|_: &Value| ()));
    let id = match Uid::from_arg(uidobj, At::new(&FUNCTION, 0)) {
        Ok(id) => id.0,
        Err(raised) if is_instance(&raised, &OVERFLOW_ERROR) => {
            return Err(not_found("getpwuid(): uid not found".to_owned()));
        }
        Err(raised) => return Err(raised),
    };
    match system::user_of(id) {
        Some(user) => user_value(&user),
        None => Err(not_found(format!("getpwuid(): uid not found: {}", text::str_string(&id_value(id))?))),
    }
}

fn getgrall() -> PyResult<Value> {
    Ok(List::from_vec(system::groups().iter().map(group_value).collect::<PyResult<_>>()?))
}

fn getgrgid(id: &Value) -> PyResult<Value> {
    static FUNCTION: Function = Function::new("getgrgid(id, /)", "", thunk(|_: &Value| ()));
    let mut number = id.clone();
    if !number::is_index(id) {
        // Whatever int() takes is accepted still.
        number = call::call(&int::INT.value(), &[id.clone()])?;
        crate::modules::warnings::warn(&DEPRECATION_WARNING, "group id must be int, not %.200", 1)?;
    }
    let id = Gid::from_arg(&number, At::new(&FUNCTION, 0))?.0;
    match system::group_of(id) {
        Some(group) => group_value(&group),
        None => Err(not_found(format!("getgrgid(): gid not found: {}", text::str_string(&id_value(id))?))),
    }
}

fn getgrnam(name: &Str) -> PyResult<Value> {
    match system::group_named(&name_of(name)?) {
        Some(group) => group_value(&group),
        None => Err(not_found(format!("getgrnam(): name not found: {}", text::repr_string(&Value::of(name))?))),
    }
}
