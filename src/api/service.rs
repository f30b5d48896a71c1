//! What the service offers where (API reference, chapter 13).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::Done;
use crate::error::{ErrorCode, Result};
use crate::kms::{Access, Action, Door, Plane, Target};
use crate::model::{KeySpec, KeyUsage, Profile, ProtectionLevel, REGIONS};

/// Lists the regions, by name.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeRegions {}

/// The answer of DescribeRegions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RegionList {
    regions: RegionsInside,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RegionsInside {
    region: Vec<ListedRegion>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedRegion {
    region_id: &'static str,
}

impl Action for DescribeRegions {
    const NAME: &'static str = "DescribeRegions";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Free;
    type Answer = RegionList;

    fn run(&mut self, _: &Door<'_>) -> Result<RegionList> {
        let mut ids: Vec<_> = REGIONS.iter().map(|region| region.id).collect();
        ids.sort_unstable();
        let region = ids.into_iter().map(|region_id| ListedRegion { region_id }).collect();
        Ok(RegionList { regions: RegionsInside { region } })
    }
}

/// Tells which levels and key specs the region offers.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeService {}

/// The answer of DescribeService.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Service {
    protection_levels: LevelsInside,
    key_specs: SpecsInside,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LevelsInside {
    protection_level: Vec<OfferedLevel>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct OfferedLevel {
    r#type: ProtectionLevel,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SpecsInside {
    key_spec: Vec<OfferedSpec>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct OfferedSpec {
    name: KeySpec,
    supported_protection_levels: SupportedInside,
    usages: UsagesInside,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SupportedInside {
    supported_protection_level: Vec<ProtectionLevel>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct UsagesInside {
    usage: &'static [KeyUsage],
}

impl Action for DescribeService {
    const NAME: &'static str = "DescribeService";
    const ACCESS: Access = Access::Read;
    type Answer = Service;

    fn run(&mut self, door: &Door<'_>) -> Result<Service> {
        door.permit(Target::Nothing)?;
        let profile = door.space().profile;
        let levels = profile.protection_levels().iter();
        let protection_level = levels.map(|level| OfferedLevel { r#type: *level }).collect();
        let key_spec = KeySpec::ALL.iter().filter_map(|spec| offered(profile, *spec)).collect();
        Ok(Service {
            protection_levels: LevelsInside { protection_level },
            key_specs: SpecsInside { key_spec },
        })
    }
}

fn offered(profile: Profile, spec: KeySpec) -> Option<OfferedSpec> {
    let levels = profile.protection_levels().iter().copied();
    let supported: Vec<_> = levels.filter(|level| profile.offers(spec, *level)).collect();
    if supported.is_empty() {
        return None;
    }
    Some(OfferedSpec {
        name: spec,
        supported_protection_levels: SupportedInside { supported_protection_level: supported },
        usages: UsagesInside { usage: spec.usages() },
    })
}

/// Tells whether the account may use the service; whoever can ask may.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeAccountKmsStatus {}

/// The answer of DescribeAccountKmsStatus.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountKmsStatus {
    account_status: &'static str,
}

impl Action for DescribeAccountKmsStatus {
    const NAME: &'static str = "DescribeAccountKmsStatus";
    const ACCESS: Access = Access::Read;
    type Answer = AccountKmsStatus;

    fn run(&mut self, door: &Door<'_>) -> Result<AccountKmsStatus> {
        door.permit(Target::Nothing)?;
        Ok(AccountKmsStatus { account_status: "Enabled" })
    }
}

/// Opens the service for the account. It is open for every account of a store: answers Forbidden.Opened.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OpenKmsService {}

impl Action for OpenKmsService {
    const NAME: &'static str = "OpenKmsService";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.permit(Target::Nothing)?;
        Err(ErrorCode::ServiceOpened.into())
    }
}
