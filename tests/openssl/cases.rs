//! Random cases, the same in every run: `KMSHSM_CASES` is how many.

/// How many there are, if nobody says otherwise.
pub fn cases(otherwise: usize) -> usize {
    std::env::var("KMSHSM_CASES").map_or(otherwise, |text| text.parse().unwrap())
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Draw(u64);

impl Draw {
    /// Every test has a seed of its own.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// The same with one bit turned over; of nothing, a byte.
    pub fn changed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        if changed.is_empty() {
            return vec![0];
        }
        let bit = self.below(changed.len() * 8);
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    }
}
