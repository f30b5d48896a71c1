//! The regions of the service and what their hardware is certified for (seed 001; API reference,
//! chapter 1.1).

use super::{KeySpec, ProtectionLevel, WrappingKeySpec};
use crate::error::{Error, ErrorCode, Result};

/// The certification of a region's hardware. This library reproduces the rules that go with it,
/// not the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HsmClass {
    /// Tested by the State Cryptography Administration (国密局商用密码检测认证).
    Gm,
    /// FIPS 140-2 level 3.
    Fips,
}

/// A region: a name and the class of its hardware, if it has any.
#[derive(Debug, PartialEq, Eq)]
pub struct Region {
    /// The identifier, such as `cn-hongkong`.
    pub id: &'static str,
    /// The class of its hardware; `None` where level HSM is not offered.
    pub hsm: Option<HsmClass>,
}

/// All 27 regions: 9 with GM hardware, 6 with FIPS hardware, 12 with none.
#[rustfmt::skip]
pub const REGIONS: &[Region] = &[
    gm("cn-beijing"), gm("cn-zhangjiakou"), gm("cn-hangzhou"), gm("cn-shanghai"), gm("cn-shenzhen"),
    gm("cn-north-2-gov-1"),
    gm("cn-hangzhou-finance"), gm("cn-shanghai-finance-1"), gm("cn-shenzhen-finance-1"),
    fips("cn-hongkong"), fips("ap-southeast-1"), fips("ap-southeast-2"), fips("ap-southeast-3"),
    fips("ap-southeast-5"), fips("us-east-1"),
    software("ap-northeast-1"), software("ap-south-1"), software("cn-qingdao"),
    software("cn-huhehaote"), software("cn-wulanchabu"), software("cn-heyuan"),
    software("cn-guangzhou"), software("cn-chengdu"), software("eu-central-1"),
    software("eu-west-1"), software("me-east-1"), software("us-west-1"),
];

const fn gm(id: &'static str) -> Region {
    Region { id, hsm: Some(HsmClass::Gm) }
}

const fn fips(id: &'static str) -> Region {
    Region { id, hsm: Some(HsmClass::Fips) }
}

const fn software(id: &'static str) -> Region {
    Region { id, hsm: None }
}

impl Region {
    /// The region of that name; [`ErrorCode::InvalidParameter`] (`RegionId`) if there is none.
    pub fn find(id: &str) -> Result<&'static Self> {
        REGIONS
            .iter()
            .find(|region| region.id == id)
            .ok_or_else(|| Error::invalid("RegionId", "There is no such region."))
    }

    /// Whether it is in the mainland of China, where prices are others.
    pub fn is_mainland(&self) -> bool {
        self.id.starts_with("cn-") && self.id != "cn-hongkong"
    }

    /// The protection levels on offer.
    pub const fn protection_levels(&self) -> &'static [ProtectionLevel] {
        match self.hsm {
            Some(_) => &[ProtectionLevel::Software, ProtectionLevel::Hsm],
            None => &[ProtectionLevel::Software],
        }
    }

    /// Whether keys of `spec` may exist here at `level`.
    pub const fn offers(&self, spec: KeySpec, level: ProtectionLevel) -> bool {
        match (level, self.hsm) {
            (ProtectionLevel::Hsm, None) => false,
            (ProtectionLevel::Hsm, Some(HsmClass::Gm)) => true,
            _ => !spec.is_gm_only(),
        }
    }

    /// The spec of a key whose creator names none: SM4 on GM hardware, AES-256 elsewhere.
    pub const fn default_spec(&self, level: ProtectionLevel) -> KeySpec {
        match (level, self.hsm) {
            (ProtectionLevel::Hsm, Some(HsmClass::Gm)) => KeySpec::Sm4,
            _ => KeySpec::Aes256,
        }
    }

    /// Refuses a level that the region lacks, then a spec that it lacks at this level.
    pub fn admit(&self, spec: KeySpec, level: ProtectionLevel) -> Result<()> {
        if !self.protection_levels().contains(&level) {
            return Err(ErrorCode::UnsupportedProtectionLevel.into());
        }
        if !self.offers(spec, level) {
            let detail = format!("{spec} needs protection level HSM in a region of the GM class.");
            return Err(Error::invalid("KeySpec", detail));
        }
        Ok(())
    }

    /// Refuses to wrap for keys of this level by keys of a kind that they cannot be of here.
    pub fn admit_wrapping(&self, wrapping: WrappingKeySpec, level: ProtectionLevel) -> Result<()> {
        if self.offers(wrapping.key_spec(), level) {
            return Ok(());
        }
        let detail = format!("{wrapping} needs protection level HSM in a region of the GM class.");
        Err(Error::invalid("WrappingKeySpec", detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_seven_regions_fifteen_with_hardware() {
        let count = |class| REGIONS.iter().filter(|region| region.hsm == class).count();
        assert_eq!(count(Some(HsmClass::Gm)), 9);
        assert_eq!(count(Some(HsmClass::Fips)), 6);
        assert_eq!(count(None), 12);
        let mut ids: Vec<_> = REGIONS.iter().map(|region| region.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 27);
    }
}
