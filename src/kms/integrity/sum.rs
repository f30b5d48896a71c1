//! Numbers modulo 2^256, as the header's set hash is one.

/// A sum; the least significant word comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum([u64; 4]);

impl Sum {
    /// The number that these bytes are, most significant first.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let mut sum = Self::default();
        for (word, bytes) in sum.0.iter_mut().rev().zip(words) {
            *word = u64::from_be_bytes(*bytes);
        }
        sum
    }

    pub(super) fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let (places, _) = bytes.as_chunks_mut::<8>();
        for (place, word) in places.iter_mut().rev().zip(self.0) {
            *place = word.to_be_bytes();
        }
        bytes
    }

    pub(super) fn add(&mut self, other: &Self) {
        let mut carry = false;
        for (word, other) in self.0.iter_mut().zip(other.0) {
            let (sum, first) = word.overflowing_add(other);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            (*word, carry) = (sum, first || second);
        }
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (word, other) in self.0.iter_mut().zip(other.0) {
            let (rest, first) = word.overflowing_sub(other);
            let (rest, second) = rest.overflowing_sub(u64::from(borrow));
            (*word, borrow) = (rest, first || second);
        }
    }

    /// The number so many times.
    pub(super) fn times(&self, count: u64) -> Self {
        let mut product = Self::default();
        let mut carry = 0;
        for (word, factor) in product.0.iter_mut().zip(self.0) {
            let full = u128::from(factor) * u128::from(count) + u128::from(carry);
            // The lower and the upper half.
            (*word, carry) = (full as u64, (full >> 64) as u64);
        }
        product
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(low: u128) -> Sum {
        let mut bytes = [0; 32];
        bytes[16..].copy_from_slice(&low.to_be_bytes());
        Sum::from_bytes(&bytes)
    }

    #[test]
    fn arithmetic_is_modulo_2_to_the_256() {
        let mut sum = number(u128::MAX);
        assert_eq!(Sum::from_bytes(&sum.bytes()), sum);
        sum.add(&number(1));
        let mut expected = [0; 32];
        expected[15] = 1;
        assert_eq!(sum.bytes(), expected);
        sum.subtract(&number(2));
        assert_eq!(sum, number(u128::MAX - 1));
        let mut zero = Sum::default();
        zero.subtract(&number(1));
        assert_eq!(zero.bytes(), [0xff; 32]);
        let twice = zero.times(2);
        zero.add(&zero.clone());
        assert_eq!(zero, twice);
        zero.add(&number(2));
        assert_eq!(zero, Sum::default());
        assert_eq!(number(3 << 70).times(5), number(15 << 70));
    }
}
