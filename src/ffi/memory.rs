//! Every read and write through a pointer of the caller's.

use std::ffi::{CStr, CString, c_char};

use serde::Serialize;
use zeroize::Zeroize;

use crate::api::Into;
use crate::error::{Error, ErrorCode, Result};

/// A required string.
pub(super) fn text<'a>(pointer: *const c_char, name: &'static str) -> Result<&'a str> {
    optional_text(pointer, name)?.ok_or_else(|| Error::null(name))
}

/// A string that may be NULL.
#[inline]
pub(super) fn optional_text<'a>(
    pointer: *const c_char,
    name: &'static str,
) -> Result<Option<&'a str>> {
    let Some(bytes) = optional_string(pointer) else { return Ok(None) };
    std::str::from_utf8(bytes).map(Some).map_err(|_| Error::invalid(name, "It must be UTF-8."))
}

/// The bytes of a string that may be NULL.
#[inline]
pub(super) fn optional_string<'a>(pointer: *const c_char) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the contract: a string is NUL-terminated and does not change during the call.
    Some(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// Bytes to read.
#[inline]
pub(super) fn bytes<'a>(pointer: *const u8, len: usize, name: &'static str) -> Result<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(Error::null(name));
    }
    if isize::try_from(len).is_err() {
        return Err(Error::invalid(name, "It is longer than memory."));
    }
    // SAFETY: the contract: readable for `len` bytes, and unchanged during the call.
    Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
}

/// A place for one value of the caller's.
pub(super) struct Slot<T>(*mut T);

impl<T> Slot<T> {
    /// A required place.
    pub(super) fn new(pointer: *mut T, name: &'static str) -> Result<Self> {
        if pointer.is_null() { Err(Error::null(name)) } else { Ok(Self(pointer)) }
    }

    /// Writes the value.
    pub(super) fn set(&self, value: T) {
        // SAFETY: not NULL; the contract: it points to a T of the caller's, which needs no drop.
        unsafe { self.0.write(value) };
    }
}

/// A buffer of the caller's with room for what will be written, checked before any work.
pub(super) struct Out<'a> {
    memory: &'a mut [u8],
    len: Slot<usize>,
}

impl<'a> Out<'a> {
    /// A buffer of the caller's; nothing is checked before [`Out::rooms`] but that `len` is there.
    #[inline]
    pub(super) fn wanted(
        pointer: *mut u8,
        capacity: usize,
        len: *mut usize,
        needed: usize,
    ) -> Result<Wanted> {
        Ok(Wanted { pointer, capacity, len: Slot::new(len, "out_len")?, needed })
    }

    /// The buffers, if each has the room it needs. Otherwise each `*len` gets the needed size and
    /// the answer is [`ErrorCode::BufferTooSmall`].
    #[inline]
    pub(super) fn rooms<const N: usize>(wanted: [Wanted; N]) -> Result<[Self; N]> {
        if wanted.iter().any(Wanted::is_short) {
            for want in &wanted {
                want.len.set(want.needed);
            }
            return Err(ErrorCode::BufferTooSmall.into());
        }
        for (at, one) in wanted.iter().enumerate() {
            if wanted.iter().skip(at + 1).any(|other| overlap(one.range(), other.range())) {
                return Err(Error::invalid("out", "It overlaps another output."));
            }
        }
        Ok(wanted.map(|Wanted { pointer, len, needed, .. }| {
            let memory = match needed {
                0 => &mut [],
                // SAFETY: not NULL; the contract: writable for its capacity, which is enough, and
                // nobody else's during the call.
                _ => unsafe { std::slice::from_raw_parts_mut(pointer, needed) },
            };
            Out { memory, len }
        }))
    }

    /// The buffer, if it has room for `needed` bytes; see [`Out::rooms`].
    #[inline]
    pub(super) fn room(
        pointer: *mut u8,
        capacity: usize,
        len: *mut usize,
        needed: usize,
    ) -> Result<(&'a mut [u8], Slot<usize>)> {
        let [out] = Self::rooms([Self::wanted(pointer, capacity, len, needed)?])?;
        Ok(out.into_parts())
    }

    /// The same for buffers that must not overlap what is read.
    #[inline]
    pub(super) fn rooms_apart<const M: usize, const N: usize>(
        inputs: [&[u8]; M],
        wanted: [Wanted; N],
    ) -> Result<[Self; N]> {
        let is_read = |want: &Wanted| {
            inputs.iter().any(|read| overlap((read.as_ptr().addr(), read.len()), want.range()))
        };
        if !wanted.iter().any(Wanted::is_short) && wanted.iter().any(is_read) {
            return Err(Error::invalid("out", "It overlaps an input."));
        }
        Self::rooms(wanted)
    }

    /// One such buffer.
    #[inline]
    pub(super) fn room_apart(
        input: &[u8],
        pointer: *mut u8,
        capacity: usize,
        len: *mut usize,
        needed: usize,
    ) -> Result<(&'a mut [u8], Slot<usize>)> {
        let wanted = Self::wanted(pointer, capacity, len, needed)?;
        let [out] = Self::rooms_apart([input], [wanted])?;
        Ok(out.into_parts())
    }

    /// A buffer of which only the engine knows how much it needs, `max` bytes at most; it must not
    /// overlap what is read.
    pub(super) fn open_apart<const M: usize>(
        inputs: [&[u8]; M],
        pointer: *mut u8,
        capacity: usize,
        len: *mut usize,
        max: usize,
    ) -> Result<Self> {
        let open = if pointer.is_null() { 0 } else { capacity.min(max) };
        let [out] = Self::rooms_apart(inputs, [Self::wanted(pointer, open, len, open)?])?;
        Ok(out)
    }

    /// Has the engine fill the buffer and reports the length that it answers, or the one that it
    /// needs.
    pub(super) fn fill(self, fill: impl FnOnce(Into<'a>) -> Result<usize>) -> Result<()> {
        match fill(Into::Memory(self.memory)) {
            Ok(len) => self.len.set(len),
            Err(error) => {
                if error.code() == ErrorCode::BufferTooSmall {
                    self.len.set(error.needed());
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// The buffer and where to report its length.
    pub(super) fn into_parts(self) -> (&'a mut [u8], Slot<usize>) {
        (self.memory, self.len)
    }
}

/// A buffer as the caller described it.
pub(super) struct Wanted {
    pointer: *mut u8,
    capacity: usize,
    len: Slot<usize>,
    needed: usize,
}

impl Wanted {
    fn is_short(&self) -> bool {
        (self.pointer.is_null() && self.needed != 0) || self.capacity < self.needed
    }

    /// Where it would be written: address and length.
    fn range(&self) -> (usize, usize) {
        (self.pointer.addr(), if self.pointer.is_null() { 0 } else { self.needed })
    }
}

/// Whether two ranges of memory share a byte.
const fn overlap((a, a_len): (usize, usize), (b, b_len): (usize, usize)) -> bool {
    a_len > 0 && b_len > 0 && a < b.saturating_add(b_len) && b < a.saturating_add(a_len)
}

/// Hands a string to the caller, who frees it with `kmshsm_string_free`.
pub(super) fn hand_out(text: &str) -> Result<*mut c_char> {
    CString::new(text).map(CString::into_raw).map_err(|_| ErrorCode::Internal.into())
}

/// The same in JSON.
pub(super) fn hand_out_json(answer: &impl Serialize) -> Result<*mut c_char> {
    hand_out(&serde_json::to_string(answer).map_err(|_| ErrorCode::Internal)?)
}

/// Wipes and frees a string that this library handed out and the caller has not written to. NULL is
/// fine.
///
/// @param string  the string, or NULL
/// @code
/// kmshsm_string_free(answer);
/// @endcode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kmshsm_string_free(string: *mut c_char) {
    if string.is_null() {
        return;
    }
    // SAFETY: the contract: it comes from this library and has not been freed.
    let mut bytes = unsafe { CString::from_raw(string) }.into_bytes_with_nul();
    bytes.zeroize();
}
