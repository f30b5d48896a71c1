//! The one encoding of everything that is stored or authenticated: big-endian integers and
//! length-prefixed strings, in fixed order, with nothing missing and nothing left over.

use crate::error::{ErrorCode, Result};

/// Appends fields to a byte string.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An empty byte string with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Bytes of a length that the format fixes.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    /// Four bytes, most significant first.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Eight bytes, most significant first.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// `lp(x)`: the length as u32, then the bytes.
    pub fn lp(&mut self, bytes: &[u8]) -> &mut Self {
        // Nothing that is stored comes near 4 GiB: every field has a limit at the door.
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).raw(bytes)
    }

    /// What has been written.
    pub fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// Takes fields off a byte string; what does not fit is [`ErrorCode::StoreDamaged`].
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads `bytes` from the front.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `n` bytes.
    pub fn raw(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(ErrorCode::StoreDamaged)?;
        self.0 = rest;
        Ok(head)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.raw(N)?.try_into().map_err(|_| ErrorCode::StoreDamaged.into())
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    /// Four bytes, most significant first.
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Eight bytes, most significant first.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// `lp(x)`.
    pub fn lp(&mut self) -> Result<&'a [u8]> {
        let n = self.u32()?;
        self.raw(usize::try_from(n).map_err(|_| ErrorCode::StoreDamaged)?)
    }

    /// `lp(x)` that holds UTF-8.
    pub fn text(&mut self) -> Result<String> {
        String::from_utf8(self.lp()?.to_vec()).map_err(|_| ErrorCode::StoreDamaged.into())
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(ErrorCode::StoreDamaged.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = Writer::default().u8(1).u32(2).u64(3).lp(b"four").raw(b"5").finish();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u32(), Ok(2));
        assert_eq!(reader.u64(), Ok(3));
        assert_eq!(reader.text(), Ok("four".into()));
        assert_eq!(reader.array(), Ok(*b"5"));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn missing_and_left_over_bytes_are_refused() {
        assert!(Reader::new(&[0, 0, 0, 2, 1]).lp().is_err());
        assert!(Reader::new(&[0, 0, 0]).u32().is_err());
        assert!(Reader::new(&[0]).finish().is_err());
    }
}
