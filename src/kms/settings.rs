//! What an operator sets when a store is opened, as JSON.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::kms::{Client, DataPlane, Login, Options, Quotas, Rates};
use crate::model::IdentitySpec;

impl Options {
    /// Reads options from a JSON object: AllowUnprotectedMemory (true or false), Quotas (`service` or an
    /// object, see [`Quotas::parse`]), KeeperSeconds (a whole number, 1 or more), Audit (off, denied or
    /// all), StrictAudit (true or false), Identity (EC_P256 or EC_SM2; new stores only), Anchor (a path),
    /// MinGeneration (a whole number), AcceptRollback (true or false).
    /// [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) otherwise, naming the member, or `options`.
    pub fn parse(json: &str) -> Result<Self> {
        let mut options = Self::default();
        for (name, value) in object("options", json)? {
            match name.as_str() {
                "AllowUnprotectedMemory" => {
                    options.allow_unprotected_memory = flag(&name, &value)?;
                }
                "Quotas" => {
                    options.quotas = match value {
                        Value::String(text) => Quotas::parse(&text)?,
                        limits => Quotas::parse(&limits.to_string())?,
                    }
                }
                "KeeperSeconds" => {
                    let seconds = number(&name, &value)?;
                    if seconds == 0 {
                        return Err(Error::invalid(name, "It must be 1 or more."));
                    }
                    options.keeper = Some(Duration::from_secs(seconds.into()));
                }
                "Audit" => {
                    options.audit.data_plane =
                        DataPlane::parse(value.as_str().unwrap_or_default())?;
                }
                "StrictAudit" => options.audit.is_strict = flag(&name, &value)?,
                "Identity" => options.identity = Some(identity(name, &value)?),
                "Anchor" => options.anchor = Some(PathBuf::from(text(&name, value)?)),
                "MinGeneration" => {
                    let detail = "It must be a whole number.";
                    let generation = value.as_u64().ok_or_else(|| Error::invalid(name, detail))?;
                    options.min_generation = Some(generation);
                }
                "AcceptRollback" => options.accept_rollback = flag(&name, &value)?,
                _ => {
                    let known = "Options are AllowUnprotectedMemory, Quotas, KeeperSeconds, Audit, \
                                 StrictAudit, Identity, Anchor, MinGeneration and AcceptRollback.";
                    return Err(Error::invalid(name, known));
                }
            }
        }
        Ok(options)
    }
}

/// Reads what a store in a directory is created with from a JSON object: Identity (EC_P256 or EC_SM2), the kind
/// of the key pair that signs checkpoints of its audit trail.
/// [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) naming the member, or `options`.
pub fn parse_creation(json: &str) -> Result<IdentitySpec> {
    let mut spec = IdentitySpec::default();
    for (name, value) in object("options", json)? {
        match name.as_str() {
            "Identity" => spec = identity(name, &value)?,
            _ => return Err(Error::invalid(name, "A store is created with an Identity.")),
        }
    }
    Ok(spec)
}

/// A login as surfaces read it: all but the secret.
#[derive(Clone, Debug, Default)]
pub struct LoginRequest {
    account: Option<String>,
    region: String,
    access_key_id: Option<String>,
    client: Client,
}

impl LoginRequest {
    /// Reads a login from a JSON object: Account, Region, AccessKeyId, SourceIp, SecureTransport, MFAPresent
    /// and UserAgent. [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) naming the member, or
    /// `login`; [`MissingParameter`](crate::error::ErrorCode::MissingParameter) for Region.
    pub fn parse(json: &str) -> Result<Self> {
        let mut login = Self::default();
        for (name, value) in object("login", json)? {
            match name.as_str() {
                "Account" => login.account = Some(text(&name, value)?),
                "Region" => login.region = text(&name, value)?,
                "AccessKeyId" => login.access_key_id = Some(text(&name, value)?),
                "SourceIp" => {
                    let address = text(&name, value)?.parse();
                    let detail = "It must be an address of IPv4 or IPv6.";
                    let address = address.map_err(|_| Error::invalid(name, detail))?;
                    login.client.source_ip = Some(address);
                }
                "SecureTransport" => login.client.secure_transport = Some(flag(&name, &value)?),
                "MFAPresent" => login.client.mfa_present = Some(flag(&name, &value)?),
                "UserAgent" => login.client.user_agent = Some(user_agent(text(&name, value)?)?),
                _ => {
                    let known = "A login has Account, Region, AccessKeyId, SourceIp, \
                                 SecureTransport, MFAPresent and UserAgent.";
                    return Err(Error::invalid(name, known));
                }
            }
        }
        if login.region.is_empty() {
            return Err(Error::missing("Region"));
        }
        Ok(login)
    }

    /// The login with the secret of its access key, which must be empty if it has none.
    pub fn with_secret<'a>(&'a self, secret: &'a [u8]) -> Result<Login<'a>> {
        let access_key = match (&self.access_key_id, secret) {
            (None, []) => None,
            (None, _) => return Err(Error::missing("AccessKeyId")),
            (Some(_), []) => return Err(Error::missing("AccessKeySecret")),
            (Some(id), secret) => Some((id.as_str(), secret)),
        };
        let account = self.account.as_deref();
        Ok(Login { account, region: &self.region, access_key, client: self.client.clone() })
    }
}

/// Events repeat it: it is short.
fn user_agent(text: String) -> Result<String> {
    match text.chars().count() {
        1..=256 => Ok(text),
        _ => Err(Error::invalid("UserAgent", "It must be 1 to 256 characters.")),
    }
}

fn text(name: &str, value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Error::invalid(name.to_owned(), "It must be a text.")),
    }
}

impl Quotas {
    /// Reads quotas: `service`, or a JSON object of Keys, Aliases, Versions, Tags and
    /// RequestsPerSecond {CreateKey, Symmetric, Rsa, Curves, Read, Write}, in which what is absent is
    /// the service's. [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) otherwise, naming the member,
    /// or `quotas`.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "service" {
            return Ok(Self::service());
        }
        let mut quotas = Self::default();
        for (name, value) in object("quotas", text)? {
            match name.as_str() {
                "Keys" => quotas.keys = Some(number(&name, &value)?.into()),
                "Aliases" => quotas.aliases = Some(number(&name, &value)?.into()),
                "Versions" => quotas.versions = Some(number(&name, &value)?.into()),
                "Tags" => quotas.tags = Some(number(&name, &value)? as usize),
                "RequestsPerSecond" => {
                    quotas.requests_per_second = Some(Rates::parse(&value.to_string())?);
                }
                _ => {
                    let known = "Quotas are Keys, Aliases, Versions, Tags and RequestsPerSecond.";
                    return Err(Error::invalid(name, known));
                }
            }
        }
        Ok(quotas)
    }
}

impl Rates {
    fn parse(json: &str) -> Result<Self> {
        let mut rates = Self::default();
        for (name, value) in object("RequestsPerSecond", json)? {
            let rate = match name.as_str() {
                "CreateKey" => &mut rates.create_key,
                "Symmetric" => &mut rates.symmetric,
                "Rsa" => &mut rates.rsa,
                "Curves" => &mut rates.curves,
                "Read" => &mut rates.read,
                "Write" => &mut rates.write,
                _ => {
                    let known = "Rates are CreateKey, Symmetric, Rsa, Curves, Read and Write.";
                    return Err(Error::invalid(name, known));
                }
            };
            *rate = number(&name, &value)?;
        }
        Ok(rates)
    }
}

fn object(name: &'static str, json: &str) -> Result<Map<String, Value>> {
    let form = match name {
        "quotas" => "It must be service or a JSON object of limits.",
        _ => "It must be a JSON object.",
    };
    let mut members: Map<_, _> =
        serde_json::from_str(json).map_err(|_| Error::invalid(name, form))?;
    // As in every request: what is null is absent.
    members.retain(|_, value: &mut Value| !value.is_null());
    Ok(members)
}

fn identity(name: String, value: &Value) -> Result<IdentitySpec> {
    let spec = IdentitySpec::parse(value.as_str().unwrap_or_default());
    spec.map_err(|detail| Error::invalid(name, detail))
}

fn flag(name: &str, value: &Value) -> Result<bool> {
    let given = value.as_bool();
    given.ok_or_else(|| Error::invalid(name.to_owned(), "It must be true or false."))
}

fn number(name: &str, value: &Value) -> Result<u32> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| {
        let detail = "It must be a whole number from 0 to 4294967295.";
        Error::invalid(name.to_owned(), detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn quotas_are_read() {
        assert_eq!(Quotas::parse("service"), Ok(Quotas::service()));
        for none in ["{}", r#"{"Keys":null,"RequestsPerSecond":null}"#] {
            assert_eq!(Quotas::parse(none), Ok(Quotas::default()));
        }
        let some = Quotas::parse(r#"{"Keys":3,"RequestsPerSecond":{"Rsa":1}}"#).unwrap();
        assert_eq!((some.keys, some.aliases), (Some(3), None));
        assert_eq!(some.requests_per_second, Some(Rates { rsa: 1, ..Rates::default() }));
    }

    #[test]
    fn faults_name_the_member() {
        for (text, name) in [
            ("", "quotas"),
            ("Service", "quotas"),
            ("[]", "quotas"),
            (r#"{"Key":1}"#, "Key"),
            (r#"{"Keys":-1}"#, "Keys"),
            (r#"{"Keys":"1"}"#, "Keys"),
            (r#"{"RequestsPerSecond":2}"#, "RequestsPerSecond"),
            (r#"{"RequestsPerSecond":{"Rsa":1.5}}"#, "Rsa"),
            (r#"{"RequestsPerSecond":{"RSA":1}}"#, "RSA"),
        ] {
            let error = Quotas::parse(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidParameter);
            assert!(error.to_string().contains(&format!("\"{name}\"")), "{error}");
        }
        for (text, name) in [
            ("[]", "options"),
            (r#"{"KeeperSeconds":0}"#, "KeeperSeconds"),
            (r#"{"KeeperSeconds":true}"#, "KeeperSeconds"),
            (r#"{"AllowUnprotectedMemory":1}"#, "AllowUnprotectedMemory"),
            (r#"{"Quotas":"none"}"#, "quotas"),
            (r#"{"Quota":1}"#, "Quota"),
            (r#"{"Anchor":1}"#, "Anchor"),
            (r#"{"MinGeneration":-1}"#, "MinGeneration"),
            (r#"{"AcceptRollback":"yes"}"#, "AcceptRollback"),
        ] {
            let error = Options::parse(text).unwrap_err();
            assert!(error.to_string().contains(&format!("\"{name}\"")), "{error}");
        }
    }
}
