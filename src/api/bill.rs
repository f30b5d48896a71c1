//! What has been used and what it costs (API reference, chapter 16): an action named as Alibaba's
//! Business Support System does. Its answer is plainer than that one's.
#![forbid(unsafe_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::error::{Error, Result};
use crate::kms::{Access, Action, Decimal, Door, Line, Target};
use crate::model::{Currency, Month, Service};

/// Answers what the account has used in a month, in all regions, and what that costs.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct QueryBill {
    /// The month, YYYY-MM, in UTC. The present one is counted up to now.
    pub billing_cycle: Month,
    /// What amounts are in; upper and lower case are alike. Default: CNY.
    #[serde(default, deserialize_with = "in_any_case")]
    pub currency: Option<Currency>,
}

fn in_any_case<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Currency>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let parsed = text.map(|text| Currency::parse(&text.to_ascii_uppercase()));
    parsed.transpose().map_err(de::Error::custom)
}

/// The answer of QueryBill.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Bill {
    #[serde(rename = "AccountID")]
    account_id: String,
    billing_cycle: Month,
    currency: Currency,
    items: ItemsInside,
    total: Decimal,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ItemsInside {
    item: Vec<Line>,
}

impl Action for QueryBill {
    const NAME: &'static str = "QueryBill";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Bss;
    type Answer = Bill;

    fn run(&mut self, door: &Door<'_>) -> Result<Bill> {
        door.permit(Target::Nothing)?;
        let month = self.billing_cycle;
        if month > Month::of(door.now()) {
            return Err(Error::invalid("BillingCycle", "It is in the future."));
        }
        let currency = self.currency.unwrap_or(Currency::Cny);
        let statement = door.statement(month, currency)?;
        Ok(Bill {
            account_id: door.principal().account().to_string(),
            billing_cycle: month,
            currency,
            total: statement.total(),
            items: ItemsInside { item: statement.lines },
        })
    }
}

#[cfg(test)]
mod tests;
