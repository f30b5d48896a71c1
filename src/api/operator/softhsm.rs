//! Keys of a token of SoftHSM 2 for an account: [`import_softhsm`] as the account itself.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::api::operator::Operation;
use crate::api::{ImportSoftHsm, SecretText, SoftHsmReport, import_softhsm};
use crate::error::Result;
use crate::kms::Kms;
use crate::model::{KeyUsage, ProtectionLevel};

/// Takes over the keys of the token in Directory that may leave it, with the user's Pin, into an account in a
/// region.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ImportSoftHsmToken {
    account: String,
    region: String,
    directory: PathBuf,
    pin: SecretText,
    #[serde(default)]
    protection_level: Option<ProtectionLevel>,
    #[serde(default)]
    key_usage: Option<KeyUsage>,
    #[serde(default)]
    dry_run: bool,
}

impl Operation for ImportSoftHsmToken {
    const NAME: &'static str = "ImportSoftHsmToken";
    type Answer = SoftHsmReport;

    fn run(self, kms: &Arc<Kms>) -> Result<SoftHsmReport> {
        let session = kms.session(&self.account, &self.region)?;
        let request = ImportSoftHsm {
            directory: &self.directory,
            pin: self.pin.as_bytes(),
            protection_level: self.protection_level,
            key_usage: self.key_usage,
            dry_run: self.dry_run,
        };
        import_softhsm(&session, &request, &mut |_, _| {})
    }
}
