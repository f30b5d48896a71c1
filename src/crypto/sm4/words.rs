//! The rounds of SM4 over vectors of words, for every kind of vector: the four vectors of a state
//! hold a word of each block. What a vector is, and what S-box and linear layer do to one, is said
//! by the module that calls these macros: the vector `V` of `LANES` times 16 bytes, `load`, `store`,
//! `xor`, `xor3`, `unpack32`, `unpack64`, `broadcast`, `counters`, `into` and `out_of` for the
//! [`Basis`](super::basis::Basis), and the `Layer` of a round and of the schedule, each added to a
//! vector.
//!
//! The input of the next S-box is what counts for latency. So all that is known without this round's
//! goes into its sum first, and the new word is taken from that sum afterwards.
#![forbid(unsafe_code)]

/// Makes `crypt` and `ctr`.
macro_rules! word_sliced {
    ($features:literal) => {
        /// How many bytes go through at once.
        const STEP: usize = 64 * LANES;

        #[inline]
        #[target_feature(enable = $features)]
        fn rounds(keys: &[u32; 32], [a, b, c, d]: [V; 4]) -> [V; 4] {
            let (mut a, mut b, mut c, mut d) = (into(a), into(b), into(c), into(d));
            let [first, keys @ .., k, l, m] = *keys;
            let last = [k, l, m, 0];
            let mut from = xor(xor3(b, c, d), broadcast(first));
            for &[k, l, m, n] in keys.as_chunks().0.iter().chain([&last]) {
                let others = xor3(c, d, broadcast(k));
                from = round(xor(a, others), from);
                a = xor(from, others);
                let others = xor3(d, a, broadcast(l));
                from = round(xor(b, others), from);
                b = xor(from, others);
                let others = xor3(a, b, broadcast(m));
                from = round(xor(c, others), from);
                c = xor(from, others);
                let others = xor3(b, c, broadcast(n));
                from = round(xor(d, others), from);
                d = xor(from, others);
            }
            transposed([out_of(d), out_of(c), out_of(b), out_of(a)])
        }

        /// Words of blocks from blocks of words, or the reverse, in each 128 bits.
        #[inline]
        #[target_feature(enable = $features)]
        fn transposed([a, b, c, d]: [V; 4]) -> [V; 4] {
            let ([e, f], [g, h]) = (unpack32(a, b), unpack32(c, d));
            let ([i, j], [k, l]) = (unpack64(e, g), unpack64(f, h));
            [i, j, k, l]
        }

        /// Whole blocks in place, each on its own.
        #[target_feature(enable = $features)]
        pub(in crate::crypto::sm4) fn crypt(keys: &[u32; 32], bytes: &mut [u8]) {
            for bytes in bytes.chunks_mut(STEP) {
                let blocks = [load(bytes, 0), load(bytes, 1), load(bytes, 2), load(bytes, 3)];
                let [a, b, c, d] = rounds(keys, transposed(blocks));
                store(a, bytes, 0);
                store(b, bytes, 1);
                store(c, bytes, 2);
                store(d, bytes, 3);
            }
        }

        /// XORs with the key stream from this counter on, whose words lie as in memory.
        #[target_feature(enable = $features)]
        pub(in crate::crypto::sm4) fn ctr(
            keys: &[u32; 32],
            counter: &[u32; 4],
            input: &[u8],
            output: &mut [u8],
        ) {
            let [a, b, c, low] = *counter;
            let (a, b, c) = (broadcast(a), broadcast(b), broadcast(c));
            let mut low = u32::from_be(low);
            for (input, output) in input.chunks(STEP).zip(output.chunks_mut(STEP)) {
                let [e, f, g, h] = rounds(keys, [a, b, c, counters(low)]);
                store(xor(e, load(input, 0)), output, 0);
                store(xor(f, load(input, 1)), output, 1);
                store(xor(g, load(input, 2)), output, 2);
                store(xor(h, load(input, 3)), output, 3);
                low = low.wrapping_add(4 * LANES as u32);
            }
        }
    };
}
pub(super) use word_sliced;

/// Makes `expand`.
macro_rules! word_schedule {
    ($features:literal) => {
        /// Expands a key, its words as they lie in memory.
        #[target_feature(enable = $features)]
        pub(in crate::crypto::sm4) fn expand(key: &[u32; 4]) -> [u32; 32] {
            const CONSTANTS: [u32; 32] = BASIS.constants();
            const OFFSET: u32 = u32::from_ne_bytes([BASIS.offset; 4]);
            let [a, b, c, d] = *key;
            let (mut a, mut b) = (into(broadcast(a)), into(broadcast(b)));
            let (mut c, mut d) = (into(broadcast(c)), into(broadcast(d)));
            let [first, constants @ .., k, l, m] = CONSTANTS;
            let last = [k, l, m, 0];
            let constants = constants.as_chunks().0.iter().chain([&last]);
            let mut from = xor(xor3(b, c, d), broadcast(first));
            let mut keys = [0; 32];
            for (&[k, l, m, n], [e, f, g, h]) in constants.zip(keys.as_chunks_mut().0) {
                let others = xor3(c, d, broadcast(k));
                from = key_round(xor(a, others), from);
                a = xor(from, others);
                *e = lowest(a) ^ OFFSET;
                let others = xor3(d, a, broadcast(l));
                from = key_round(xor(b, others), from);
                b = xor(from, others);
                *f = lowest(b) ^ OFFSET;
                let others = xor3(a, b, broadcast(m));
                from = key_round(xor(c, others), from);
                c = xor(from, others);
                *g = lowest(c) ^ OFFSET;
                let others = xor3(b, c, broadcast(n));
                from = key_round(xor(d, others), from);
                d = xor(from, others);
                *h = lowest(d) ^ OFFSET;
            }
            keys
        }
    };
}
pub(super) use word_schedule;
