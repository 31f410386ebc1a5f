//! The system's databases of users and groups, behind safe functions. All is copied before the next call can overwrite it.

use std::ffi::{CStr, c_char};

/// A user as the database has it.
pub struct User {
    /// Name, password, description, home directory, shell.
    pub texts: [Vec<u8>; 5],
    /// User and group.
    pub ids: [u32; 2],
}

/// A group as the database has it.
pub struct Group {
    /// Name and password.
    pub texts: [Vec<u8>; 2],
    pub id: u32,
    pub members: Vec<Vec<u8>>,
}

/// The bytes of a text of C.
///
/// # Safety
/// The pointer is null or points at a text that ends with a zero byte.
unsafe fn text(text: *const c_char) -> Vec<u8> {
    if text.is_null() {
        return Vec::new();
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_bytes().to_vec()
}

/// Copies an entry.
///
/// # Safety
/// The pointer is null or what a function of the database has just returned.
unsafe fn user(entry: *const libc::passwd) -> Option<User> {
    // SAFETY: as the caller says: the fields are texts.
    unsafe {
        let entry = entry.as_ref()?;
        let texts = [entry.pw_name, entry.pw_passwd, entry.pw_gecos, entry.pw_dir, entry.pw_shell].map(|at| text(at));
        Some(User { texts, ids: [entry.pw_uid, entry.pw_gid] })
    }
}

/// Copies an entry.
///
/// # Safety
/// As for [`user`].
unsafe fn group(entry: *const libc::group) -> Option<Group> {
    // SAFETY: as the caller says: the members are a list of texts that ends with null.
    unsafe {
        let entry = entry.as_ref()?;
        let mut members = Vec::new();
        let mut at = entry.gr_mem;
        while !at.is_null() && !(*at).is_null() {
            members.push(text(*at));
            at = at.add(1);
        }
        Some(Group { texts: [entry.gr_name, entry.gr_passwd].map(|at| text(at)), id: entry.gr_gid, members })
    }
}

/// The user of a number. The databases' functions are called with the GIL held: nobody else calls them meanwhile.
pub fn user_of(id: u32) -> Option<User> {
    // SAFETY: a number goes in; the result is copied at once.
    unsafe { user(libc::getpwuid(id)) }
}

/// The user of a name.
pub fn user_named(name: &CStr) -> Option<User> {
    // SAFETY: the name ends with a zero byte; the result is copied at once.
    unsafe { user(libc::getpwnam(name.as_ptr())) }
}

/// All users.
pub fn users() -> Vec<User> {
    // SAFETY: no argument; each result is copied before the next call.
    unsafe {
        libc::setpwent();
        let all = std::iter::from_fn(|| user(libc::getpwent())).collect();
        libc::endpwent();
        all
    }
}

/// The group of a number.
pub fn group_of(id: u32) -> Option<Group> {
    // SAFETY: a number goes in; the result is copied at once.
    unsafe { group(libc::getgrgid(id)) }
}

/// The group of a name.
pub fn group_named(name: &CStr) -> Option<Group> {
    // SAFETY: the name ends with a zero byte; the result is copied at once.
    unsafe { group(libc::getgrnam(name.as_ptr())) }
}

/// All groups.
pub fn groups() -> Vec<Group> {
    // SAFETY: no argument; each result is copied before the next call.
    unsafe {
        libc::setgrent();
        let all = std::iter::from_fn(|| group(libc::getgrent())).collect();
        libc::endgrent();
        all
    }
}
