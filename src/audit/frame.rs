//! What all events of a session have in common, written once.

use super::json;
use crate::model::{Principal, Space};

/// Who has done something.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// A principal, who may have proved a second factor (MFA), if that is known.
    Principal(&'a Principal, Option<bool>),
    /// The service itself, which rotates and destroys when the time has come.
    System,
}

/// The end of every event of a session: from the region in the name of the host to the last brace.
#[derive(Clone, Debug)]
pub struct Frame {
    text: Vec<u8>,
    region_len: usize,
}

impl Frame {
    /// The frame of events in `space`. `source_ip` is an address, or None for this machine; a caller
    /// without a user agent gives an empty one.
    pub fn new(
        caller: Caller<'_>,
        space: &Space,
        source_ip: Option<&str>,
        user_agent: &str,
    ) -> Self {
        let account = space.account.as_str();
        let mut text = Vec::with_capacity(512);
        let mut put = |head: &str, value: &str| {
            text.extend_from_slice(head.as_bytes());
            json::escaped(&mut text, value);
        };
        put(".", space.region);
        let region_len = 1 + space.region.len();
        put(r#".aliyuncs.com","eventVersion":1,"eventCategory":"Management","isGlobal":false"#, "");
        put(r#","acsRegion":""#, space.region);
        put(r#"","sourceIpAddress":""#, source_ip.unwrap_or("Internal"));
        put(r#"","userAgent":""#, user_agent);
        put(r#"","recipientAccountId":""#, account);
        put(r#"","userIdentity":{"type":""#, caller.kind());
        match caller {
            Caller::Principal(principal, _) => {
                put(r#"","accountId":""#, principal.account().as_str())
            }
            Caller::System => put(r#"","accountId":""#, account),
        }
        put(r#"","principalId":""#, caller.id(account));
        put(r#"","userName":""#, caller.name());
        if let Caller::Principal(Principal::User { access_key_id, .. }, _) = caller {
            put(r#"","accessKeyId":""#, access_key_id);
        }
        put("\"", "");
        if let Caller::Principal(_, Some(mfa)) = caller {
            let attributes = r#","sessionContext":{"attributes":{"mfaAuthenticated":""#;
            put(attributes, if mfa { "true" } else { "false" });
            put(r#""}}"#, "");
        }
        put("}}", "");
        Self { text, region_len }
    }

    /// What follows the first part of the host's name: with the region, or without.
    pub(super) fn after_host(&self, is_regional: bool) -> &[u8] {
        let from = if is_regional { 0 } else { self.region_len };
        self.text.get(from..).unwrap_or_default()
    }
}

impl<'a> Caller<'a> {
    const fn kind(self) -> &'static str {
        match self {
            Self::Principal(Principal::Root { .. }, _) => "root-account",
            Self::Principal(Principal::User { .. }, _) => "ram-user",
            Self::System => "system",
        }
    }

    fn id(self, account: &'a str) -> &'a str {
        match self {
            Self::Principal(Principal::Root { account }, _) => account.as_str(),
            Self::Principal(Principal::User { id, .. }, _) => id,
            Self::System => account,
        }
    }

    fn name(self) -> &'a str {
        match self {
            Self::Principal(Principal::Root { .. }, _) => "root",
            Self::Principal(Principal::User { name, .. }, _) => name,
            Self::System => "system",
        }
    }
}
