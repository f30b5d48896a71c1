//! What would be decided, and by which statement of which policy: an extension, to find out why
//! somebody may or may not do something.
#![forbid(unsafe_code)]

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::ram::subject;
use crate::error::{Error, Result};
use crate::kms::{Access, Action, Door, Grants, Target};
use crate::model::{Account, KeyRef, Principal, Service, Timestamp, UserName};
use crate::policy::{Caller, Circumstances, Judgment, Reason, Request, Side, judge};

/// Tells whether a user might do something, and which statement of which policy decides.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SimulatePolicy {
    /// The user. Default: who calls.
    #[serde(default)]
    pub user_name: Option<UserName>,
    /// The action with its service, such as kms:Encrypt.
    pub action: String,
    /// The ARN of what it would be done to, or *. Tags and policy of a key count if it exists.
    pub resource: String,
    /// The address that the request would come from. Default: unknown.
    #[serde(default)]
    pub source_ip: Option<String>,
    /// Whether it would come over TLS. Default: unknown.
    #[serde(default)]
    pub secure_transport: Option<bool>,
    /// Whether the user would have shown a second factor. Default: unknown.
    #[serde(default, rename = "MFAPresent")]
    pub mfa_present: Option<bool>,
    /// When it would come, such as 2019-07-04T13:14:15Z. Default: now.
    #[serde(default)]
    pub current_time: Option<String>,
}

/// The answer of SimulatePolicy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Simulated {
    /// `Allow` or `Deny`.
    pub decision: &'static str,
    /// `ExplicitAllow` and `ExplicitDeny` by a statement, `ImplicitDeny` for want of one, `Root` for the
    /// account itself.
    pub reason: &'static str,
    /// The policy that decided; a key's has the name `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// `System`, `Custom` or `Key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_type: Option<&'static str>,
    /// Which statement of it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// The name of the statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Why, in a sentence.
    pub explanation: &'static str,
}

impl Action for SimulatePolicy {
    const NAME: &'static str = "SimulatePolicy";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Ram;
    type Answer = Simulated;

    fn run(&mut self, door: &Door<'_>) -> Result<Simulated> {
        let (user, owner) = (self.user(door)?, self.owner(door)?);
        door.permit(Target::User(user.as_ref().map_or("*", UserName::as_str)))?;
        let grants = match &user {
            Some(name) => door.grants_of(&door.user(name)?)?,
            None => Grants::default(),
        };
        let key = KeyRef::parse(&self.resource).map(|arn| door.key_of_account(&arn));
        let key = key.transpose()?.flatten();
        let policy = key.as_ref().and_then(|key| key.policy());
        let circumstances = Circumstances {
            now: self.now(door)?,
            source_ip: self.source_ip.as_deref().map(address).transpose()?,
            secure_transport: self.secure_transport,
            mfa_present: self.mfa_present,
            tags: key.as_ref().map_or(&[], |key| &key.record().tags),
        };
        let caller = Caller { account: door.account(), user: user.as_ref().map(UserName::as_str) };
        let request = Request {
            action: &self.action,
            resource: &self.resource,
            circumstances: &circumstances,
        };
        let identity = grants.policies.iter().map(|granted| &*granted.policy);
        let judgment = judge(&caller, identity, &owner, policy, &request);
        let explanation = judgment.explain(policy);
        let (policy, policy_type) = source(&judgment, &grants).unzip();
        Ok(Simulated {
            decision: if judgment.is_allowed { "Allow" } else { "Deny" },
            reason: reason(&judgment),
            policy,
            policy_type,
            statement: explanation.statement,
            sid: explanation.sid,
            explanation: explanation.reason,
        })
    }
}

impl SimulatePolicy {
    /// None is the account itself.
    fn user(&self, door: &Door<'_>) -> Result<Option<UserName>> {
        match (&self.user_name, door.principal()) {
            (None, Principal::Root { .. }) => Ok(None),
            (name, _) => subject(door, name).map(Some),
        }
    }

    /// Whose resource it is: that of the ARN, or else the caller's.
    fn owner(&self, door: &Door<'_>) -> Result<Account> {
        if !self.action.contains(':') {
            return Err(Error::invalid("Action", "It must be such as kms:Encrypt."));
        }
        let account = match self.resource.splitn(5, ':').collect::<Vec<_>>()[..] {
            ["acs", _, _, account, _] => Account::parse(account).ok(),
            ["*"] => None,
            _ => return Err(Error::invalid("Resource", "It must be an ARN, or *.")),
        };
        Ok(account.unwrap_or(*door.account()))
    }

    fn now(&self, door: &Door<'_>) -> Result<Timestamp> {
        let Some(text) = &self.current_time else { return Ok(door.now()) };
        Timestamp::parse(text).ok_or_else(|| {
            Error::invalid("CurrentTime", "It must be such as 2019-07-04T13:14:15Z.")
        })
    }
}

fn address(text: &str) -> Result<IpAddr> {
    let detail = "It must be an address of IPv4 or IPv6.";
    text.parse().map_err(|_| Error::invalid("SourceIp", detail))
}

fn reason(judgment: &Judgment) -> &'static str {
    match (judgment.is_allowed, judgment.reason) {
        (_, Reason::Owner) => "Root",
        (true, _) => "ExplicitAllow",
        (false, Reason::Statement(..)) => "ExplicitDeny",
        (false, _) => "ImplicitDeny",
    }
}

/// The name and the kind of the policy that decided.
fn source(judgment: &Judgment, grants: &Grants) -> Option<(String, &'static str)> {
    match judgment.reason {
        Reason::Statement(Side::Key, _) => Some(("default".to_owned(), "Key")),
        Reason::Statement(Side::Identity, place) => {
            let granted = grants.policies.get(place.policy)?;
            Some((granted.name.to_string(), granted.kind.as_str()))
        }
        _ => None,
    }
}
