//! What is paid for (API reference, chapter 16). AES_128, AES_192 and RSA_4096 came after those prices:
//! here they cost what AES_256 and RSA_3072 do.
#![forbid(unsafe_code)]

use super::words::words;
use super::{KeySpec, ProtectionLevel};

/// What a key version is hosted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostingClass {
    /// At level SOFTWARE, whatever its spec.
    Software,
    /// At level HSM: AES, SM4, RSA_2048.
    BasicHardware,
    /// At level HSM: longer RSA, the curves.
    AdvancedHardware,
}

impl HostingClass {
    /// In the order of the price list, and of stored records.
    pub const ALL: [Self; 3] = [Self::Software, Self::BasicHardware, Self::AdvancedHardware];

    /// The class of the versions of a key.
    pub const fn of(spec: KeySpec, level: ProtectionLevel) -> Self {
        match (level, CallClass::of(spec)) {
            (ProtectionLevel::Software, _) => Self::Software,
            (ProtectionLevel::Hsm, CallClass::Basic) => Self::BasicHardware,
            (ProtectionLevel::Hsm, CallClass::Advanced) => Self::AdvancedHardware,
        }
    }
}

/// What a call counts as, at whatever level its key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallClass {
    /// With keys of AES, SM4, RSA_2048.
    Basic,
    /// With keys of longer RSA and of the curves.
    Advanced,
}

impl CallClass {
    /// The class of calls that use a key.
    pub const fn of(spec: KeySpec) -> Self {
        match spec {
            KeySpec::Aes256
            | KeySpec::Aes128
            | KeySpec::Aes192
            | KeySpec::Sm4
            | KeySpec::Rsa2048 => Self::Basic,
            KeySpec::Rsa3072
            | KeySpec::Rsa4096
            | KeySpec::EcP256
            | KeySpec::EcP256k
            | KeySpec::EcSm2 => Self::Advanced,
        }
    }

    /// The line of a bill that the calls are on.
    pub const fn item(self) -> BillItem {
        match self {
            Self::Basic => BillItem::CallsBasic,
            Self::Advanced => BillItem::CallsAdvanced,
        }
    }
}

words! {
    /// A line of a bill.
    BillItem {
        /// Versions of software keys.
        HostingSoftware = 1, "HostingSoftware";
        /// Versions of basic hardware keys.
        HostingBasicHardware = 2, "HostingBasicHardware";
        /// Versions of advanced hardware keys, the first 2000 of an account in a region.
        HostingAdvancedHardware = 3, "HostingAdvancedHardware";
        /// The versions of advanced hardware keys beyond those.
        HostingAdvancedHardwareBeyond2000 = 4, "HostingAdvancedHardwareBeyond2000";
        /// Calls with basic keys.
        CallsBasic = 5, "CallsBasic";
        /// Calls with advanced keys.
        CallsAdvanced = 6, "CallsAdvanced";
    }
}

words! {
    /// What is paid in.
    Currency {
        /// Chinese yuan.
        Cny = 1, "CNY";
        /// United States dollars.
        Usd = 2, "USD";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chapter 16, row by row.
    #[test]
    fn every_spec_has_its_classes() {
        use KeySpec::{
            Aes128, Aes192, Aes256, EcP256, EcP256k, EcSm2, Rsa2048, Rsa3072, Rsa4096, Sm4,
        };
        let basic = [Aes256, Sm4, Rsa2048, Aes128, Aes192];
        let advanced = [EcSm2, Rsa3072, EcP256, EcP256k, Rsa4096];
        assert_eq!(basic.len() + advanced.len(), KeySpec::ALL.len());
        for (specs, calls, hosting) in [
            (basic, CallClass::Basic, HostingClass::BasicHardware),
            (advanced, CallClass::Advanced, HostingClass::AdvancedHardware),
        ] {
            for spec in specs {
                assert_eq!(CallClass::of(spec), calls);
                assert_eq!(HostingClass::of(spec, ProtectionLevel::Hsm), hosting);
                let software = HostingClass::of(spec, ProtectionLevel::Software);
                assert_eq!(software, HostingClass::Software);
            }
        }
    }
}
