//! The integrity of a store, and what becomes of one that has gone back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::api::operator::Operation;
use crate::error::Result;
use crate::kms::{Kms, Report};

/// Walks through the whole store, and reports what is not as it was written. Damage is in the report, and no
/// error.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VerifyStore {}

impl Operation for VerifyStore {
    const NAME: &'static str = "VerifyStore";
    type Answer = Report;

    fn run(self, kms: &Arc<Kms>) -> Result<Report> {
        kms.verify(None, &|_, _| true).map(|done| done.report)
    }
}

/// Takes a store as it is that has gone back to an earlier state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AcceptRollback {}

/// What became of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Accepted {
    /// Whether the store was suspect.
    pub accepted: bool,
}

impl Operation for AcceptRollback {
    const NAME: &'static str = "AcceptRollback";
    type Answer = Accepted;

    fn run(self, kms: &Arc<Kms>) -> Result<Accepted> {
        kms.accept_rollback().map(|accepted| Accepted { accepted })
    }
}
