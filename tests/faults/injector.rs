//! `inject.c`, in a process that was started with it.

use std::ffi::{CStr, CString, c_char, c_int, c_long};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What happens at the chosen call; the numbers are those of `inject.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed before it.
    Kill = 1,
    /// The process is killed when half is written.
    Torn,
    /// EIO.
    Io,
    /// ENOSPC.
    Space,
    /// Half is written, as a signal or a full disk does.
    Short,
    /// ENOSPC for every write from there on.
    NoSpaceLeft,
    /// EIO for every sync from there on.
    SyncsFail,
    /// ENOLCK (0) or EOPNOTSUPP (1) for every lock.
    NoLocks,
}

/// Builds the library and answers where it is.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/inject.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inject.so");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let built = Command::new(compiler)
            .args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status()
            .unwrap();
        assert!(built.success());
        library
    })
}

/// The calls below `directory` are counted from now on, and the call `at` meets `fault`.
pub fn arm(directory: &Path, at: u64, fault: Fault) {
    let directory = CString::new(directory.as_os_str().as_bytes()).unwrap();
    // SAFETY: the function of `inject.c` has this type; it copies the path.
    let arm = unsafe {
        std::mem::transmute::<*mut libc::c_void, extern "C" fn(*const c_char, c_long, c_int)>(
            symbol(c"inject_arm"),
        )
    };
    arm(directory.as_ptr(), at as c_long, fault as c_int);
}

/// Whether the fault was met. From now on nothing is.
pub fn disarm() -> bool {
    // SAFETY: the function of `inject.c` has this type.
    let disarm = unsafe {
        std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> c_long>(symbol(
            c"inject_disarm",
        ))
    };
    disarm() < 0
}

fn symbol(name: &CStr) -> *mut libc::c_void {
    // SAFETY: the name is a NUL-terminated string.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    assert!(!symbol.is_null(), "this process was started without the injector");
    symbol
}
