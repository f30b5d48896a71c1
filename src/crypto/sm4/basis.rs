//! SM4's S-box is S(x) = A·inv(A·x + C) + C in a field of its own, and an isomorphism β carries the
//! inversion into any other field of 256 elements. The kernels keep every byte, of the state and of
//! the schedule, as T·x with T = β·A: then nothing is left to do before the inversion but to add
//! β·C, which is in the schedule, and after it one linear map does the rest of S, the rotations of
//! SM4's linear transformation and T. All of it is derived here from the definitions of GB/T
//! 32907-2016; the S-box of its table 6.2 proves the form of S, in the tests.
#![forbid(unsafe_code)]
// All of it is computed by the compiler, which would notice.
#![allow(clippy::indexing_slicing)]

/// A linear map of bytes: the images of its bits, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Linear([u8; 8]);

impl Linear {
    pub(super) const fn of(self, byte: u8) -> u8 {
        let (mut sum, mut bit) = (0, 0);
        while bit < 8 {
            sum ^= self.0[bit] * (byte >> bit & 1);
            bit += 1;
        }
        sum
    }

    /// The input bits whose sum is this bit of the output.
    pub(super) const fn row(self, row: usize) -> u8 {
        let (mut mask, mut bit) = (0, 0);
        while bit < 8 {
            mask |= (self.0[bit] >> row & 1) << bit;
            bit += 1;
        }
        mask
    }

    const fn after(self, first: Self) -> Self {
        let (mut images, mut bit) = ([0; 8], 0);
        while bit < 8 {
            images[bit] = self.of(first.0[bit]);
            bit += 1;
        }
        Self(images)
    }

    /// The reverse of a map that has one.
    const fn reversed(self) -> Self {
        let (mut images, mut byte) = ([0; 8], 0);
        while byte < 256 {
            let image = self.of(byte as u8);
            if image.is_power_of_two() {
                images[image.trailing_zeros() as usize] = byte as u8;
            }
            byte += 1;
        }
        Self(images)
    }

    /// The map whose rows are the turns of one.
    const fn circulant(row: u8) -> Self {
        let (mut images, mut bit) = ([0; 8], 0);
        while bit < 8 {
            images[bit] = row.reverse_bits().rotate_left(bit as u32 + 1);
            bit += 1;
        }
        Self(images)
    }
}

/// A representation of the field of 256 elements.
#[derive(Clone, Copy)]
pub(super) enum Field {
    /// Polynomials modulo this one.
    Modulo(u16),
    /// Pairs of pairs of pairs of bits: a·X + b, where X² = X + [`Field::NESTED`] of the level.
    Nested,
}

impl Field {
    const SM4: Self = Self::Modulo(0x1f5);
    /// That of FIPS 197, 4.2.
    pub(super) const AES: Self = Self::Modulo(0x11b);
    /// 1; then the first level's X; then its product with the second's.
    const NESTED: [u8; 3] = [1, 0b10, 0b1000];

    pub(super) const fn product(self, a: u8, b: u8) -> u8 {
        let Self::Modulo(modulus) = self else { return Self::nested(a, b, 3) };
        let (mut sum, mut power, mut bit) = (0, a as u16, 0);
        while bit < 8 {
            sum ^= power * (b as u16 >> bit & 1);
            power = (power << 1) ^ (modulus * (power >> 7 & 1));
            bit += 1;
        }
        sum as u8
    }

    const fn nested(a: u8, b: u8, level: usize) -> u8 {
        if level == 0 {
            return a & b;
        }
        let half = 1 << (level - 1);
        let mask = (1 << half) - 1;
        let high = Self::nested(a >> half, b >> half, level - 1);
        let low = Self::nested(a & mask, b & mask, level - 1);
        let both = Self::nested(a >> half ^ a & mask, b >> half ^ b & mask, level - 1);
        (both ^ low) << half | low ^ Self::nested(high, Self::NESTED[level - 1], level - 1)
    }

    /// From SM4's field: its X goes to the first root of its polynomial.
    const fn isomorphism(self) -> Linear {
        let Self::Modulo(modulus) = Self::SM4 else { unreachable!() };
        let mut root = 2;
        loop {
            let (mut images, mut sum, mut power, mut bit) = ([0; 8], 0, 1, 0);
            while bit < 9 {
                if bit < 8 {
                    images[bit] = power;
                }
                sum ^= power * (modulus >> bit & 1) as u8;
                power = self.product(power, root);
                bit += 1;
            }
            if sum == 0 {
                return Linear(images);
            }
            root += 1;
        }
    }
}

/// The circulant A of the S-box, and C.
const A: Linear = Linear::circulant(0xa7);
const C: u8 = 0xd3;

/// What follows the inversion: the byte at `i` of a word, the first being the highest, is the sum of
/// `taps[k]` of what the inversion has made of the byte at `i + k`, and the constant.
#[derive(Clone, Copy)]
pub(super) struct Layer {
    pub(super) taps: [Linear; 4],
    pub(super) constant: u8,
}

impl Layer {
    /// The sum of the word's rotations to the left.
    const fn rotations(of: &[usize], basis: &Linear, field: Field) -> Self {
        let back = A.after(field.isomorphism().reversed());
        let (mut taps, mut constant, mut tap) = ([Linear([0; 8]); 4], 0, 0);
        while tap < 4 {
            let mut at = 0;
            while at < of.len() {
                let (bytes, bits) = (of[at] / 8, of[at] % 8);
                let mut bit = 0;
                while bit < 8 {
                    // What is shifted out of a byte goes to the one before.
                    if bytes == tap {
                        taps[tap].0[bit] ^= ((1u32 << bit) << bits) as u8;
                    } else if (bytes + 1) % 4 == tap {
                        taps[tap].0[bit] ^= (((1u32 << bit) << bits) >> 8) as u8;
                    }
                    bit += 1;
                }
                at += 1;
            }
            let rotated = basis.after(taps[tap]);
            constant ^= rotated.of(C);
            taps[tap] = rotated.after(back);
            tap += 1;
        }
        Self { taps, constant }
    }

    /// The same where the S-box of AES (FIPS 197, 5.1.1) has been taken for an inversion.
    pub(super) const fn after_aes(self) -> Self {
        let undone = Linear::circulant(0xf1).reversed();
        let (mut taps, mut constant, mut tap) = (self.taps, self.constant, 0);
        while tap < 4 {
            taps[tap] = self.taps[tap].after(undone);
            constant ^= taps[tap].of(0x63);
            tap += 1;
        }
        Self { taps, constant }
    }
}

/// How a kernel represents the bytes of SM4, if it inverts in some field.
pub(super) struct Basis {
    /// T.
    pub(super) into: Linear,
    pub(super) out_of: Linear,
    /// L of a round.
    pub(super) round: Layer,
    /// L' of the key schedule.
    pub(super) key: Layer,
    /// β·C.
    pub(super) offset: u8,
}

impl Basis {
    pub(super) const fn of(field: Field) -> Self {
        let into = field.isomorphism().after(A);
        Self {
            into,
            out_of: into.reversed(),
            round: Layer::rotations(&[0, 2, 10, 18, 24], &into, field),
            key: Layer::rotations(&[0, 13, 23], &into, field),
            offset: field.isomorphism().of(C),
        }
    }

    /// The constants CK of the schedule with β·C added, as their bytes lie in memory.
    pub(super) const fn constants(&self) -> [u32; 32] {
        let (mut constants, mut at) = ([0; 32], 0);
        while at < 32 {
            let (mut bytes, mut byte) = ([0; 4], 0);
            while byte < 4 {
                bytes[byte] = self.into.of(((4 * at + byte) * 7) as u8) ^ self.offset;
                byte += 1;
            }
            constants[at] = u32::from_ne_bytes(bytes);
            at += 1;
        }
        constants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GB/T 32907-2016, 6.2.
    const S: &str = "d690e9fecce13db716b614c228fb2c052b679a762abe04c3aa44132649860699\
        9c4250f491ef987a33540b43edcfac62e4b31ca9c908e89580df94fa758f3fa6\
        4707a7fcf37317ba83593c19e6854fa8686b81b27164da8bf8eb0f4b70569d35\
        1e240e5e6358d1a225227c3b01217887d40046579fd327524c3602e7a0c4c89e\
        eabf8ad240c738b5a3f7f2cef96115a1e0ae5da49b341a55ad933230f58cb1e3\
        1df6e22e8266ca60c02923ab0d534e6fd5db3745defd8e2f03ff6a726d6c5b51\
        8d1baf92bbddbc7f11d95c411f105ad80ac13188a5cd7bbd2d74d012b8e5b4b0\
        8969974a0c96777e65b9f109c56ec68418f07dec3adc4d2079ee5f3ed7cb3948";

    fn inverse(field: Field, byte: u8) -> u8 {
        (0..=255).find(|other| field.product(byte, *other) == 1).unwrap_or_default()
    }

    #[test]
    fn the_table_of_the_standard() {
        let table = hex::decode(S).unwrap();
        for byte in 0..=255 {
            let inverse = inverse(Field::SM4, A.of(byte) ^ C);
            assert_eq!(A.of(inverse) ^ C, table[usize::from(byte)]);
        }
    }

    /// A word through S and rotations by the standard's words, and through the inversion of the field.
    #[test]
    fn layers_are_the_rotations_of_the_standard() {
        let table = hex::decode(S).unwrap();
        for field in [Field::SM4, Field::AES, Field::Nested] {
            let basis = Basis::of(field);
            for (layer, rotations) in
                [(basis.round, &[0, 2, 10, 18, 24][..]), (basis.key, &[0, 13, 23])]
            {
                for word in (0..u32::MAX - 0x0103_0507).step_by(0x0103_0507) {
                    let bytes = word.to_be_bytes();
                    let s = u32::from_be_bytes(bytes.map(|byte| table[usize::from(byte)]));
                    let expected = rotations.iter().fold(0, |sum, by| sum ^ s.rotate_left(*by));
                    let inverted =
                        bytes.map(|byte| inverse(field, basis.into.of(byte) ^ basis.offset));
                    let made = std::array::from_fn(|at| {
                        let taps = layer.taps.iter().enumerate();
                        basis.out_of.of(taps.fold(layer.constant, |sum, (tap, map)| {
                            sum ^ map.of(inverted[(at + tap) % 4])
                        }))
                    });
                    assert_eq!(u32::from_be_bytes(made), expected);
                }
            }
        }
    }

    #[test]
    fn the_s_box_of_aes() {
        // FIPS 197, 5.1.1: {53} goes to {ed}.
        let affine = Linear::circulant(0xf1);
        assert_eq!(affine.of(inverse(Field::AES, 0x53)) ^ 0x63, 0xed);
        let Basis { round, .. } = Basis::of(Field::AES);
        let aes = round.after_aes();
        for byte in 0..=255 {
            let inverse = inverse(Field::AES, byte);
            let sum = |layer: Layer, byte| {
                layer.taps.iter().fold(layer.constant, |sum, map| sum ^ map.of(byte))
            };
            assert_eq!(sum(aes, affine.of(inverse) ^ 0x63), sum(round, inverse));
        }
    }

    #[test]
    fn fields() {
        for field in [Field::SM4, Field::AES, Field::Nested] {
            let map = field.isomorphism();
            for a in 0..=255 {
                assert!(a == 0 || inverse(field, a) != 0);
                let b = a.wrapping_mul(29).wrapping_add(7);
                assert_eq!(map.of(Field::SM4.product(a, b)), field.product(map.of(a), map.of(b)));
            }
        }
    }
}
