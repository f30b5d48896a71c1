//! Events in the shape of ActionTrail's (API reference, chapter 15).

use super::{Frame, json};
use crate::error::RequestId;
use crate::model::{KeyId, Service, Timestamp};

/// What made an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody called an action.
    ApiCall,
    /// The service did it by itself, at its time.
    AliyunServiceEvent,
}

/// Something that is no key, such as a user or a policy.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    /// Its type, such as `ACS::RAM::User`.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// The code on the wire.
    pub code: &'a str,
    /// The message.
    pub message: &'a str,
}

/// One event on its way into the trail.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// The request, which names the event, too.
    pub id: RequestId,
    /// When.
    pub time: Timestamp,
    /// The service whose action it is.
    pub service: Service,
    /// The action, or what the service did.
    pub name: &'a str,
    /// What made it.
    pub kind: Kind,
    /// Whether it may have changed anything.
    pub is_write: bool,
    /// The text of a JSON object in the trail's form, without secrets; empty if there are none.
    pub parameters: &'a [u8],
    /// The keys that it is about.
    pub keys: &'a [KeyId],
    /// What else it is about.
    pub resource: Option<Resource<'a>>,
    /// Of the answer what is no secret: the text of a JSON object in the trail's form; may be empty.
    pub response: &'a [u8],
    /// Why it failed, if it did.
    pub refusal: Option<Refusal<'a>>,
    /// How many equal ones this stands for, at least 1.
    pub count: u64,
    /// Whether it used approved algorithms only, in the profile in force, if it used any.
    pub approved: Option<bool>,
    /// What decided on the permission, such as the statement of a policy.
    pub decided_by: Option<&'a str>,
    /// What it has in common with its neighbours.
    pub frame: &'a Frame,
}

impl Event<'_> {
    /// Appends the event's text, a JSON object. What differs from event to event comes first, so that
    /// neighbours share a long end.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.reserve(1024 + self.parameters.len() + self.response.len());
        let mut digits = uuid::Uuid::encode_buffer();
        let id = uuid::Uuid::from_bytes(self.id.0).as_hyphenated().encode_lower(&mut digits);
        let mut put = |part: &[u8]| out.extend_from_slice(part);
        put(br#"{"eventId":""#);
        put(id.as_bytes());
        put(br#"","requestId":""#);
        put(id.as_bytes());
        put(br#"","eventTime":""#);
        put(&self.time.to_text());
        put(br#"","requestParameters":"#);
        put(if self.parameters.is_empty() { b"{}" } else { self.parameters });
        self.write_resources(out);
        self.write_outcome(out);
        self.write_source(out);
    }

    fn write_resources(&self, out: &mut Vec<u8>) {
        let mut before: &[u8] = br#","referencedResources":{"ACS::KMS::Key":[""#;
        for key in self.keys {
            out.extend_from_slice(before);
            let mut digits = uuid::Uuid::encode_buffer();
            let key = uuid::Uuid::from_bytes(*key.as_bytes());
            out.extend_from_slice(key.as_hyphenated().encode_lower(&mut digits).as_bytes());
            before = br#"",""#;
        }
        if !self.keys.is_empty() {
            out.extend_from_slice(br#""]}"#);
        }
        if let Some(resource) = self.resource {
            member(out, br#","resourceType":"#, resource.kind);
            member(out, br#","resourceName":"#, resource.name);
        }
    }

    fn write_outcome(&self, out: &mut Vec<u8>) {
        if !self.response.is_empty() {
            out.extend_from_slice(br#","responseElements":"#);
            out.extend_from_slice(self.response);
        }
        if let Some(refusal) = self.refusal {
            member(out, br#","errorCode":"#, refusal.code);
            member(out, br#","errorMessage":"#, refusal.message);
        }
        if self.count < 2 && self.approved.is_none() && self.decided_by.is_none() {
            return;
        }
        out.extend_from_slice(br#","additionalEventData":"#);
        let start = out.len();
        if self.count > 1 {
            out.extend_from_slice(br#","count":"#);
            out.extend_from_slice(self.count.to_string().as_bytes());
        }
        if let Some(approved) = self.approved {
            out.extend_from_slice(br#","approved":"#);
            out.extend_from_slice(if approved { b"true" } else { b"false" });
        }
        if let Some(decided_by) = self.decided_by {
            member(out, br#","decidedBy":"#, decided_by);
        }
        // The comma before the first member is the brace.
        out.iter_mut().skip(start).take(1).for_each(|comma| *comma = b'{');
        out.push(b'}');
    }

    fn write_source(&self, out: &mut Vec<u8>) {
        member(out, br#","eventName":"#, self.name);
        let mut put = |part: &[u8]| out.extend_from_slice(part);
        put(if self.is_write { br#","eventRW":"Write""# } else { br#","eventRW":"Read""# });
        put(br#","serviceName":""#);
        put(self.service.name().as_bytes());
        match self.kind {
            Kind::ApiCall => {
                put(br#"","eventType":"ApiCall","apiVersion":""#);
                put(self.service.api_version().as_bytes());
            }
            // Nobody has called an API.
            Kind::AliyunServiceEvent => put(br#"","eventType":"AliyunServiceEvent"#),
        }
        let (host, is_regional) = host(self.service);
        put(br#"","eventSource":""#);
        put(host.as_bytes());
        put(self.frame.after_host(is_regional));
    }
}

/// What the name of the host begins with, and whether the region follows.
const fn host(service: Service) -> (&'static str, bool) {
    match service {
        Service::Kms => ("kms", true),
        Service::Ram => ("ram", false),
        Service::ActionTrail => ("actiontrail", true),
        Service::Bss => ("business", false),
    }
}

fn member(out: &mut Vec<u8>, name: &[u8], value: &str) {
    out.extend_from_slice(name);
    json::text(out, value);
}
