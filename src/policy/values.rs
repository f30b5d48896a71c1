//! What conditions compare: numbers, moments, addresses.

use std::net::IpAddr;

/// A decimal number, exact: up to 18 digits before the point and 9 behind it, counted in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(i128);

impl Number {
    /// Reads `-12.5`; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => {
                (whole, natural(fraction, 9)? * BILLIONTHS.get(fraction.len())?)
            }
            None => (digits, 0),
        };
        Some(Self(sign * (natural(whole, 18)? * 1_000_000_000 + fraction)))
    }
}

/// What the last of so many digits behind the point stands for.
const BILLIONTHS: [i128; 10] =
    [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1000, 100, 10, 1];

fn natural(digits: &str, most: usize) -> Option<i128> {
    let is_number = digits.len() <= most && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// An address, or all that begin with the same bits.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    address: u128,
    mask: u128,
    is_v4: bool,
}

impl Network {
    /// Reads an address of IPv4 or IPv6, or a network in CIDR notation (RFC 4632, RFC 4291); none for
    /// anything else. IPv4 within IPv6 is IPv4.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((_, bits)) if bits.len() > 1 && bits.starts_with('0') => return None,
            Some((address, bits)) => (address, Some(u32::try_from(natural(bits, 3)?).ok()?)),
            None => (text, None),
        };
        let given: IpAddr = address.parse().ok()?;
        let size = if given.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(size);
        let rest = size.checked_sub(bits)?;
        // Of IPv4 within IPv6, the first 96 bits say that it is IPv4.
        let address = if rest <= 32 { given.to_canonical() } else { given };
        let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
        let is_v4 = address.is_ipv4();
        Some(Self { address: number(address) & mask, mask, is_v4 })
    }

    /// Whether the address is one of it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.is_v4 && number(address) & self.mask == self.address
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}
