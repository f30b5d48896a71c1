//! Looking up single events by what they say, from the newest back.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::audit::{Chain, Head, Segment};
use crate::error::{ErrorCode, Result};
use crate::kms::trail::read::missing;
use crate::kms::{Kms, places};
use crate::model::Timestamp;

/// How many numbers of events are gone through at a time.
const WINDOW: u64 = 1024;

/// How long after its time an event may have been written, in seconds: a second if all is well. Whoever
/// looks for events since some time stops at segments that are older by this.
const LATEST: u64 = 3600;

/// Which events are wanted. What is absent does not matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// From this moment on.
    pub start: Option<Timestamp>,
    /// Up to this moment, inclusive.
    pub end: Option<Timestamp>,
    /// The name of the action.
    pub name: Option<String>,
    /// Read or Write.
    pub rw: Option<String>,
    /// The service: Kms, Ram, ...
    pub service: Option<String>,
    /// The name of the user; root for the account itself.
    pub user: Option<String>,
    /// The access key that opened the session.
    pub access_key_id: Option<String>,
    /// A key, or the name of what else it is about.
    pub resource: Option<String>,
    /// The id of the request.
    pub request: Option<String>,
    /// The code of the error.
    pub error: Option<String>,
}

/// What of an event is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen<'a> {
    request_id: &'a str,
    event_time: &'a str,
    event_name: &'a str,
    #[serde(rename = "eventRW")]
    event_rw: &'a str,
    service_name: &'a str,
    recipient_account_id: &'a str,
    #[serde(borrow)]
    user_identity: Identity<'a>,
    #[serde(default)]
    referenced_resources: Referenced,
    #[serde(borrow, default)]
    resource_name: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    error_code: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow)]
    user_name: std::borrow::Cow<'a, str>,
    #[serde(default)]
    access_key_id: Option<&'a str>,
}

#[derive(Default, Deserialize)]
struct Referenced {
    #[serde(rename = "ACS::KMS::Key", default)]
    keys: Vec<String>,
}

impl Wanted {
    fn takes(&self, event: &Seen<'_>) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| match wanted {
            None => true,
            Some(wanted) => found == Some(wanted.as_str()),
        };
        let is_about = |wanted: &String| {
            event.referenced_resources.keys.contains(wanted)
                || event.resource_name.as_deref() == Some(wanted.as_str())
        };
        // Times in this form are in the order of their texts.
        self.start.is_none_or(|start| event.event_time >= &*start.to_string())
            && self.end.is_none_or(|end| event.event_time <= &*end.to_string())
            && is(&self.name, Some(event.event_name))
            && is(&self.rw, Some(event.event_rw))
            && is(&self.service, Some(event.service_name))
            && is(&self.user, Some(&event.user_identity.user_name))
            && is(&self.access_key_id, event.user_identity.access_key_id)
            && is(&self.request, Some(event.request_id))
            && is(&self.error, event.error_code)
            && self.resource.as_ref().is_none_or(is_about)
    }
}

/// A page of events.
pub(crate) struct EventPage {
    /// The events, the newest first, as they are in the trail.
    pub events: Vec<Box<RawValue>>,
    /// The number below which the next page begins, if there may be more.
    pub next: Option<u64>,
}

/// What a page has come to.
enum Step {
    Goes,
    /// No event further back is new enough.
    IsOver,
    /// There is another one, with this number, and no room for it.
    IsFull(u64),
}

impl Kms {
    /// The newest events of an account with numbers below `below`, at most `limit`. Goes through the
    /// trail from there: a page costs as much as lies between it and its last event.
    ///
    /// [`TrailDamaged`](ErrorCode::TrailDamaged) if what it goes through is not what was written.
    pub(crate) fn look_up_events(
        &self,
        account: &str,
        wanted: &Wanted,
        below: Option<u64>,
        limit: usize,
    ) -> Result<EventPage> {
        self.flush_if_writable()?;
        let header = self.header()?.1;
        let store = *self.hsm.keyring()?.store();
        let end = below.map_or(header.events, |below| below.saturating_sub(1).min(header.events));
        // Each segment must lead to the one after it, and the last one to what the header says.
        let mut head = match self.segments(places::events(end)).next()? {
            Some(after) => after.before(),
            None => Head { sequence: header.events, hash: header.audit_head },
        };
        let too_old = wanted.start.map(|start| Timestamp(start.0.saturating_sub(LATEST)));
        let too_old = too_old.map(|too_old| too_old.to_string());
        let mut page = EventPage { events: Vec::new(), next: None };
        let mut see = |number: u64, text: &str| -> Result<Step> {
            let event: Seen<'_> =
                serde_json::from_str(text).map_err(|_| ErrorCode::StoreDamaged)?;
            if too_old.as_deref().is_some_and(|too_old| event.event_time < too_old) {
                return Ok(Step::IsOver);
            }
            if event.recipient_account_id == account && wanted.takes(&event) {
                if page.events.len() == limit {
                    return Ok(Step::IsFull(number));
                }
                let text = RawValue::from_string(text.to_owned());
                page.events.push(text.map_err(|_| ErrorCode::StoreDamaged)?);
            }
            Ok(Step::Goes)
        };
        // A segment begins in one window and may reach into those after it.
        let mut window_end = end;
        while window_end > 0 {
            let window_start = window_end.saturating_sub(WINDOW);
            for segment in self.window(window_start, window_end)?.iter().rev() {
                segment.leads_to(store, &head)?;
                head = segment.before();
                for (number, text) in segment.events().rev().filter(|(number, _)| *number <= end) {
                    match see(number, text)? {
                        Step::Goes => {}
                        Step::IsOver => return Ok(page),
                        Step::IsFull(next) => {
                            page.next = Some(next + 1);
                            return Ok(page);
                        }
                    }
                }
            }
            window_end = window_start;
        }
        if head == Chain::new(store).head() { Ok(page) } else { Err(missing(head.sequence)) }
    }

    /// The segments whose first event has a number above `after`, up to `last`, in order.
    fn window(&self, after: u64, last: u64) -> Result<Vec<Segment>> {
        let mut segments = self.segments(places::events(after));
        let mut all = Vec::new();
        while let Some(segment) = segments.next()? {
            if segment.first() > last {
                break;
            }
            all.push(segment);
        }
        Ok(all)
    }
}
