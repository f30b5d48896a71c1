//! The kernel's random numbers.

use std::hint::black_box;

use crate::race::Contestant;

pub const NAME: &str = "kernel";

pub fn version() -> Result<String, String> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease");
    release.map(|text| text.trim().to_owned()).map_err(|error| error.to_string())
}

// Nothing is made of these bytes: the call itself is the peer.
#[allow(clippy::disallowed_methods)]
pub fn random(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, NAME, move || {
        let mut out = vec![0u8; len];
        move || {
            // SAFETY: the buffer has so many bytes.
            let got = unsafe { libc::getrandom(out.as_mut_ptr().cast(), len, 0) };
            assert_eq!(got, len as isize);
            black_box(&out);
        }
    })
}
