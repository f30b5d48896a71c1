//! Wrapping of key material by its owner, which takes no handle.

use crate::abi::*;
use crate::asymmetric::asked;
use crate::memory::{Buffer, Text, check};
use crate::run::ALGORITHMS;
use crate::script::*;
use crate::world::*;

impl World {
    pub(crate) fn wrap(&self, how: u8, public: &Public, material: &Input, out: &Output) {
        let algorithm = Text::new(around(ALGORITHMS, how).copied().unwrap_or_default());
        let (public, material) = (self.public(public), Buffer::from_script(material, 0));
        let (out, status) = asked(out, Some(&public), |memory, capacity, len| {
            // SAFETY: the string ends with NUL, buffers have their lengths.
            unsafe {
                kmshsm_wrap_key_material(
                    algorithm.as_ptr(),
                    public.as_ptr(),
                    public.capacity,
                    material.as_ptr(),
                    material.capacity,
                    memory,
                    capacity,
                    len,
                )
            }
        });
        judge(status);
        check(&[&out], status, true);
        if status == OK {
            assert!(out.bytes().len() <= material.capacity + WRAPPING_OVERHEAD);
        }
    }
}
