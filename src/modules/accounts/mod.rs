//! The modules `pwd` and `grp`: users and groups.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::posix::path;
use crate::object::error::PyResult;
use crate::object::number;
use crate::object::value::Value;
use crate::struct_sequence;
use crate::types::exceptions::{key_error, overflow_error, type_error, value_error};
use crate::types::float::Float;
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::{int, struct_sequence};
use std::ffi::CString;
use system::{Group, User};

/// The module `pwd`.
pub static PWD: ModuleDef = ModuleDef {
    name: "pwd",
    doc: "This module provides access to the Unix password database.\nIt is available on all Unix versions.\n\nPassword database entries are reported as 7-tuples containing the following\nitems from the password database (see `<pwd.h>'), in order:\npw_name, pw_passwd, pw_uid, pw_gid, pw_gecos, pw_dir, pw_shell.\nThe uid and gid items are integers, all others are strings. An\nexception is raised if the entry asked for cannot be found.",
    functions: &[
        method!(
            getpwuid,
            "getpwuid($module, uidobj, /)",
            "Return the password database entry for the given numeric user ID.\n\nSee `help(pwd)` for more on password database entries."
        ),
        method!(
            getpwnam,
            "getpwnam($module, name, /)",
            "Return the password database entry for the given user name.\n\nSee `help(pwd)` for more on password database entries."
        ),
        method!(
            getpwall,
            "getpwall($module, /)",
            "Return a list of all available password database entries, in arbitrary order.\n\nSee help(pwd) for more on password database entries."
        ),
    ],
    fill: |dict| {
        struct_sequence::complete(&STRUCT_PASSWD, 7, true);
        dict.set_text("struct_passwd", STRUCT_PASSWD.value());
        Ok(())
    },
};

/// The module `grp`.
pub static GRP: ModuleDef = ModuleDef {
    name: "grp",
    doc: "Access to the Unix group database.\n\nGroup entries are reported as 4-tuples containing the following fields\nfrom the group database, in order:\n\n  gr_name   - name of the group\n  gr_passwd - group password (encrypted); often empty\n  gr_gid    - numeric ID of the group\n  gr_mem    - list of members\n\nThe gid is an integer, name and password are strings.  (Note that most\nusers are not explicitly listed as members of the groups they are in\naccording to the password database.  Check both databases to get\ncomplete membership information.)",
    functions: &[
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
        method!(
            getgrall,
            "getgrall($module, /)",
            "Return a list of all available group entries, in arbitrary order.\n\nAn entry whose name starts with '+' or '-' represents an instruction\nto use YP/NIS and may not be accessible via getgrnam or getgrgid."
        ),
    ],
    fill: |dict| {
        struct_sequence::complete(&STRUCT_GROUP, 4, true);
        dict.set_text("struct_group", STRUCT_GROUP.value());
        Ok(())
    },
};

struct_sequence!(
    /// The type object of `pwd.struct_passwd`.
    STRUCT_PASSWD "pwd.struct_passwd" "pwd.struct_passwd: Results from getpw*() routines.\n\nThis object may be accessed either as a tuple of\n  (pw_name,pw_passwd,pw_uid,pw_gid,pw_gecos,pw_dir,pw_shell)\nor via the object attributes as named in the above tuple.",
    [
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
    /// The type object of `grp.struct_group`.
    STRUCT_GROUP "grp.struct_group" "grp.struct_group: Results from getgr*() routines.\n\nThis object may be accessed either as a tuple of\n  (gr_name,gr_passwd,gr_gid,gr_mem)\nor via the object attributes as named in the above tuple.\n",
    [("gr_name", "group name"), ("gr_passwd", "password"), ("gr_gid", "group id"), ("gr_mem", "group members")]
);

fn text(bytes: &[u8]) -> PyResult<Value> {
    path::decode(bytes)
}

/// An id, of which the largest stands for -1.
fn id(id: u32) -> Value {
    Value::int(if id == u32::MAX { -1 } else { id.into() })
}

fn user(user: User) -> PyResult<Value> {
    let [name, password, gecos, home, shell] = &user.texts;
    let items = vec![text(name)?, text(password)?, id(user.uid), id(user.gid), text(gecos)?, text(home)?, text(shell)?];
    Ok(struct_sequence::new_value(&STRUCT_PASSWD, items))
}

fn group(group: Group) -> PyResult<Value> {
    let members = group.members.iter().map(|member| text(member)).collect::<PyResult<Vec<Value>>>()?;
    let items = vec![text(&group.name)?, text(&group.password)?, id(group.gid), List::from_vec(members)];
    Ok(struct_sequence::new_value(&STRUCT_GROUP, items))
}

fn c_name(name: &Str) -> PyResult<CString> {
    CString::new(path::encode(&Value::of(name))?).map_err(|_| value_error("embedded null byte"))
}

fn getpwuid(uidobj: &Value) -> PyResult<Value> {
    if !number::is_index(uidobj) {
        return Err(type_error(format!("uid should be integer, not {}", uidobj.ty().name())));
    }
    let Some(wide) = int::to_i64(&number::index(uidobj)?).filter(|uid| (-1..=u32::MAX.into()).contains(uid)) else {
        return Err(key_error(&Str::new_value("getpwuid(): uid not found")));
    };
    match system::user_of(wide as u32) {
        Some(found) => user(found),
        None => {
            let shown = if wide == i64::from(u32::MAX) { -1 } else { wide };
            Err(key_error(&Str::new_value(&format!("getpwuid(): uid not found: {shown}"))))
        }
    }
}

fn getpwnam(name: &Str) -> PyResult<Value> {
    match system::user_named(&c_name(name)?) {
        Some(found) => user(found),
        None => {
            let shown = crate::object::text::repr_string(&Value::of(name))?;
            Err(key_error(&Str::new_value(&format!("getpwnam(): name not found: {shown}"))))
        }
    }
}

fn getpwall() -> PyResult<Value> {
    system::users().into_iter().map(user).collect::<PyResult<Vec<Value>>>().map(List::from_vec)
}

fn getgrgid(id: &Value) -> PyResult<Value> {
    let index = if number::is_index(id) {
        number::index(id)?
    } else {
        // What is no int is made one, with a warning.
        let float = id.is_small_float() || id.downcast::<Float>().is_some();
        let made = crate::object::call::call(&int::INT.value(), std::slice::from_ref(id))?;
        if float || made.is_small_int() {
            crate::modules::warnings::warn(
                &crate::types::exceptions::DEPRECATION_WARNING,
                "group id must be int, not %.200",
                1,
            )?;
        }
        made
    };
    let wide = match int::to_i64(&index) {
        Some(wide) if wide < -1 => return Err(overflow_error("gid is less than minimum")),
        Some(wide) if wide <= u32::MAX.into() => wide,
        // As CPython says of what fits a C long.
        Some(_) => return Err(overflow_error("gid is less than minimum")),
        None if int::is_negative(&index) => return Err(overflow_error("gid is less than minimum")),
        _ => return Err(overflow_error("gid is greater than maximum")),
    };
    match system::group_of(wide as u32) {
        Some(found) => group(found),
        None => {
            let shown = if wide == i64::from(u32::MAX) { -1 } else { wide };
            Err(key_error(&Str::new_value(&format!("getgrgid(): gid not found: {shown}"))))
        }
    }
}

fn getgrnam(name: &Str) -> PyResult<Value> {
    match system::group_named(&c_name(name)?) {
        Some(found) => group(found),
        None => {
            let shown = crate::object::text::repr_string(&Value::of(name))?;
            Err(key_error(&Str::new_value(&format!("getgrnam(): name not found: {shown}"))))
        }
    }
}

fn getgrall() -> PyResult<Value> {
    system::groups().into_iter().map(group).collect::<PyResult<Vec<Value>>>().map(List::from_vec)
}
