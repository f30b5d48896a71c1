//! Libraries that are loaded when they are there: nobody needs them to build the benches and tests.

use std::ffi::{CStr, CString, c_void};

/// A loaded library.
pub struct Library(*mut c_void);

impl Library {
    pub fn open(file: &CStr) -> Result<Self, String> {
        // SAFETY: what a library of the system does when it is loaded is its own.
        let handle = unsafe { libc::dlopen(file.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if handle.is_null() { Err(last_error()) } else { Ok(Self(handle)) }
    }

    /// A function by its name.
    ///
    /// # Safety
    ///
    /// `F` is a pointer to a function of the type that the library's header gives it.
    pub unsafe fn function<F: Copy>(&self, name: &str) -> Result<F, String> {
        let name = CString::new(name).unwrap();
        // SAFETY: the handle is open, and stays so.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        if address.is_null() {
            return Err(last_error());
        }
        assert_eq!(size_of::<F>(), size_of_val(&address));
        // SAFETY: the caller's promise.
        Ok(unsafe { std::mem::transmute_copy(&address) })
    }
}

fn last_error() -> String {
    // SAFETY: called after a failure, by the thread that failed: there is a text.
    unsafe { CStr::from_ptr(libc::dlerror()) }.to_string_lossy().into_owned()
}

/// A struct of functions, and `load`, which finds them in a file.
macro_rules! library {
    ($name:ident in $file:literal: $(fn $function:ident($($argument:tt)*) $(-> $answer:ty)?;)*) => {
        #[allow(non_snake_case, dead_code)] // who includes this file calls some of them
        pub struct $name { $(pub $function: unsafe extern "C" fn($($argument)*) $(-> $answer)?),* }

        impl $name {
            pub fn load() -> Result<Self, String> {
                let library = $crate::library::Library::open($file)?;
                // SAFETY: these are the types of the library's header.
                Ok(unsafe { Self { $($function: library.function(stringify!($function))?),* } })
            }
        }
    };
}

pub(crate) use library;
