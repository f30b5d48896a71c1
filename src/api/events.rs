//! The audit trail of an account, as ActionTrail's LookupEvents tells it (API reference, chapter 15).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::kms::{Access, Action, Door, Target, Wanted};
use crate::model::{Service, Timestamp};

/// How many events a page has.
const DEFAULT_RESULTS: u32 = 20;
const MAX_RESULTS: u32 = 100;

/// Looks up events of the account in the audit trail, the newest first. All conditions that are given
/// must hold.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LookupEvents {
    /// From this moment on: YYYY-MM-DDThh:mm:ssZ.
    #[serde(default)]
    pub start_time: Option<String>,
    /// Up to this moment: YYYY-MM-DDThh:mm:ssZ.
    #[serde(default)]
    pub end_time: Option<String>,
    /// The name of an action.
    #[serde(default)]
    pub event_name: Option<String>,
    /// Read or Write.
    #[serde(rename = "EventRW", default)]
    pub event_rw: Option<String>,
    /// Kms, Ram, ActionTrail or Bss.
    #[serde(default)]
    pub service_name: Option<String>,
    /// The name of a RAM user; root is the account itself.
    #[serde(default)]
    pub user: Option<String>,
    /// The access key with which a session was opened.
    #[serde(default)]
    pub event_access_key_id: Option<String>,
    /// A key id, or the name of a user or policy.
    #[serde(default)]
    pub resource_name: Option<String>,
    /// The id of a request.
    #[serde(default)]
    pub request: Option<String>,
    /// The code of an error, such as Forbidden.NoPermission.
    #[serde(default)]
    pub error_code: Option<String>,
    /// Events per page, 1 to 100. Default: 20.
    #[serde(default)]
    pub max_results: Option<u32>,
    /// Where the page before ended.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// A page of events.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventList {
    /// The events, the newest first, as they are in the trail.
    pub events: Vec<Box<RawValue>>,
    /// Where the next page begins; empty at the end.
    pub next_token: String,
}

impl Action for LookupEvents {
    const NAME: &'static str = "LookupEvents";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::ActionTrail;
    type Answer = EventList;

    fn run(&mut self, door: &Door<'_>) -> Result<EventList> {
        let limit = self.max_results.unwrap_or(DEFAULT_RESULTS);
        if !(1..=MAX_RESULTS).contains(&limit) {
            return Err(Error::invalid("MaxResults", "It must be 1 to 100."));
        }
        let below = match self.next_token.as_deref() {
            None | Some("") => None,
            Some(token) => Some(token.parse().map_err(|_| {
                Error::invalid("NextToken", "It must be that of an earlier answer.")
            })?),
        };
        let wanted = Wanted {
            start: self.start_time.as_deref().map(|at| moment("StartTime", at)).transpose()?,
            end: self.end_time.as_deref().map(|at| moment("EndTime", at)).transpose()?,
            name: self.event_name.clone(),
            rw: self.event_rw.clone(),
            service: self.service_name.clone(),
            user: self.user.clone(),
            access_key_id: self.event_access_key_id.clone(),
            resource: self.resource_name.clone(),
            request: self.request.clone(),
            error: self.error_code.clone(),
        };
        door.permit(Target::Nothing)?;
        let page = door.look_up_events(&wanted, below, limit as usize)?;
        let next_token = page.next.map_or(String::new(), |next| next.to_string());
        Ok(EventList { events: page.events, next_token })
    }
}

fn moment(name: &'static str, text: &str) -> Result<Timestamp> {
    let invalid = || Error::invalid(name, "It must be YYYY-MM-DDThh:mm:ssZ.");
    Timestamp::parse(text).ok_or_else(invalid)
}
