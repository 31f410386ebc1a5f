//! The module `errno`.

use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::str::Str;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "errno",
    doc: "This module makes available standard errno system symbols.\n\nThe value of each symbol is the corresponding integer value,\ne.g., on most systems, errno.ENOENT equals the integer 2.\n\nThe dictionary errno.errorcode maps numeric codes to symbol names,\ne.g., errno.errorcode[2] could be the string 'ENOENT'.\n\nSymbols that are not relevant to the underlying system are not defined.\n\nTo map error codes to error messages, use the function os.strerror(),\ne.g. os.strerror(2) could return 'No such file or directory'.",
    functions: &[],
    fill,
};

macro_rules! codes {
    ($($name:ident)*) => {
        /// In CPython's order, which decides the name of a number that has two.
        const CODES: &[(&str, i32)] = &[$((stringify!($name), libc::$name)),*];
    };
}

codes! {
    ENODEV ENOCSI EHOSTUNREACH ENOMSG EUCLEAN EL2NSYNC EL2HLT ENODATA
    ENOTBLK ENOSYS EPIPE EINVAL EOVERFLOW EADV EINTR EUSERS
    ENOTEMPTY ENOBUFS EPROTO EREMOTE ENAVAIL ECHILD ELOOP EXDEV
    E2BIG ESRCH EMSGSIZE EAFNOSUPPORT EBADR EHOSTDOWN EPFNOSUPPORT ENOPROTOOPT
    EBUSY EWOULDBLOCK EBADFD EDOTDOT EISCONN ENOANO ESHUTDOWN ECHRNG
    ELIBBAD ENONET EBADE EBADF EMULTIHOP EIO EUNATCH EPROTOTYPE
    ENOSPC ENOEXEC EALREADY ENETDOWN ENOTNAM EACCES ELNRNG EILSEQ
    ENOTDIR ENOTUNIQ EPERM EDOM EXFULL ECONNREFUSED EISDIR EPROTONOSUPPORT
    EROFS EADDRNOTAVAIL EIDRM ECOMM ESRMNT EREMOTEIO EL3RST EBADMSG
    ENFILE ELIBMAX ESPIPE ENOLINK ENETRESET ETIMEDOUT ENOENT EEXIST
    EDQUOT ENOSTR EBADSLT EBADRQC ELIBACC EFAULT EFBIG EDEADLK
    ENOTCONN EDESTADDRREQ ELIBSCN ENOLCK EISNAM ECONNABORTED ENETUNREACH ESTALE
    ENOSR ENOMEM ENOTSOCK ESTRPIPE EMLINK ERANGE ELIBEXEC EL3HLT
    ECONNRESET EADDRINUSE EOPNOTSUPP EREMCHG EAGAIN ENAMETOOLONG ENOTTY ERESTART
    ESOCKTNOSUPPORT ETIME EBFONT EDEADLOCK ETOOMANYREFS EMFILE ETXTBSY EINPROGRESS
    ENXIO ENOPKG ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED
    EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL ENOTSUP
}

fn fill(dict: &Dict) -> PyResult<()> {
    let names = Dict::new_value();
    dict.set_text("errorcode", names.clone());
    for &(name, code) in CODES {
        dict.set_text(name, Value::int(code.into()));
        if let Some(names) = names.exact::<Dict>() {
            names.set(&Value::int(code.into()), Str::new_value(name))?;
        }
    }
    Ok(())
}
