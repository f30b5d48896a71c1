//! What is recorded of requests, and of what the service does by itself.

use std::cell::RefCell;
use std::sync::Arc;

use crate::audit::{Caller, Event, Frame, Kind, Refusal, Resource};
use crate::error::{Error, RequestId, Result};
use crate::health;
use crate::kms::call::Call;
use crate::kms::session::mint;
use crate::kms::{Access, Client, KeyRecord, Kms, Transaction};
use crate::model::{Indicator, KeyId, Principal, Region, Service, Space, Timestamp};

/// What all events of a session have in common.
pub(in crate::kms) fn frame(space: &Space, principal: &Principal, client: &Client) -> Frame {
    let source_ip = client.source_ip.map(|ip| ip.to_string());
    let own = concat!("libkmshsm/", env!("CARGO_PKG_VERSION"));
    let user_agent = client.user_agent.as_deref().unwrap_or(own);
    let caller = Caller::Principal(principal, client.mfa_present);
    Frame::new(caller, space, source_ip.as_deref(), short(user_agent))
}

/// How many characters of what callers say an event repeats: one that the trail did not take would
/// stop all that come after it.
const MAX_SAID: usize = 256;

/// The longest parameters of a refused request that an event repeats, in bytes: anybody can be refused.
const MAX_REFUSED: usize = 4096;
const OMITTED: &[u8] = br#"{"Omitted":"They are longer than 4096 bytes."}"#;

/// The beginning of a text that may be of any length.
fn short(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_SAID).map(|(end, _)| end);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The same of what an error says.
fn shortened(error: &Error) -> Error {
    let (code, subject, detail) = error.clone().into_parts();
    Error::from_parts(code, short(&subject).to_owned(), short(&detail).to_owned())
}

thread_local! {
    /// Where events are put together, so that each takes no memory of its own.
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn refusal<'a>(error: &Error, message: &'a str) -> Refusal<'a> {
    Refusal { code: error.code().wire_code(), message }
}

/// An event of which nothing more is known.
const fn plain<'a>(frame: &'a Frame, id: RequestId, time: Timestamp, name: &'a str) -> Event<'a> {
    Event {
        id,
        time,
        service: Service::Kms,
        name,
        kind: Kind::ApiCall,
        is_write: false,
        parameters: &[],
        keys: &[],
        resource: None,
        response: &[],
        refusal: None,
        count: 1,
        approved: None,
        decided_by: None,
        frame,
    }
}

/// Runs `f` with the text of an event.
fn with_text<R>(event: &Event<'_>, f: impl FnOnce(&[u8]) -> R) -> R {
    let mut text = TEXT.try_with(RefCell::take).unwrap_or_default();
    text.clear();
    event.write(&mut text);
    let answer = f(&text);
    let _before = TEXT.try_with(|place| place.replace(text));
    answer
}

impl Call<'_> {
    /// Runs `f` with the event of this request.
    pub(in crate::kms) fn with_event<R>(
        &self,
        error: Option<&Error>,
        f: impl FnOnce(&[u8]) -> R,
    ) -> R {
        let parameters = self.parameters();
        let message = error.map(|error| shortened(error).to_string());
        let refusal = error.zip(message.as_deref()).map(|(error, message)| refusal(error, message));
        let (indicator, resource) = (self.indicator(), self.resource());
        let resource = resource.as_ref().map(|(kind, name)| Resource { kind, name });
        self.with_keys(|keys| {
            let event = Event {
                service: self.service,
                is_write: self.access == Access::Write,
                parameters: &parameters,
                keys,
                resource,
                refusal,
                approved: (indicator != Indicator::None)
                    .then_some(indicator == Indicator::Approved),
                ..plain(&self.session.frame, self.request_id, self.session.kms.now(), self.name)
            };
            with_text(&event, f)
        })
    }

    /// What will be told of this request and of those that fail like it.
    pub(in crate::kms) fn refused(&self, error: &Error) -> Refused {
        Refused {
            frame: Arc::clone(&self.session.frame),
            id: self.request_id,
            time: self.session.kms.now(),
            service: self.service,
            name: self.name,
            is_write: self.access == Access::Write,
            parameters: match &*self.parameters() {
                long if long.len() > MAX_REFUSED => OMITTED.to_vec(),
                parameters => parameters.to_vec(),
            },
            keys: self.with_keys(<[KeyId]>::to_vec),
            resource: self.resource(),
            error: shortened(error),
        }
    }
}

/// A request that failed, for as long as it waits for others like it.
pub(in crate::kms) struct Refused {
    pub(in crate::kms) frame: Arc<Frame>,
    pub(in crate::kms) id: RequestId,
    pub(in crate::kms) time: Timestamp,
    pub(in crate::kms) service: Service,
    pub(in crate::kms) name: &'static str,
    pub(in crate::kms) is_write: bool,
    pub(in crate::kms) parameters: Vec<u8>,
    pub(in crate::kms) keys: Vec<KeyId>,
    pub(in crate::kms) resource: Option<(&'static str, String)>,
    pub(in crate::kms) error: Error,
}

impl Refused {
    /// Runs `f` with the event of so many of them.
    pub(super) fn with_event<R>(&self, count: u64, f: impl FnOnce(&[u8]) -> R) -> R {
        let message = self.error.to_string();
        let event = Event {
            service: self.service,
            is_write: self.is_write,
            parameters: &self.parameters,
            keys: &self.keys,
            resource: self.resource.as_ref().map(|(kind, name)| Resource { kind, name }),
            refusal: Some(refusal(&self.error, &message)),
            count,
            ..plain(&self.frame, self.id, self.time, self.name)
        };
        with_text(&event, f)
    }
}

impl Kms {
    /// Records that a session was not opened: of the user whose access key it was, if there is one.
    /// Access keys that nobody has are no different kinds of refusal: there is no end of them.
    pub(in crate::kms) fn refuse_login(
        &self,
        access_key_id: &str,
        region: Option<&Region>,
        client: &Client,
        principal: Option<&Principal>,
        error: &Error,
    ) -> Result<()> {
        let nowhere = Space::of_store()?;
        let nobodys = Principal::Root { account: nowhere.account };
        let source = client.source_ip;
        let caller = match principal {
            Some(_) => format!("{access_key_id} {source:?}"),
            None => format!("nobody {source:?}"),
        };
        let principal = principal.unwrap_or(&nobodys);
        let account = *principal.account();
        let space =
            region.map_or(Space { account, ..nowhere }, |region| Space::of(account, region));
        let parameters = serde_json::json!({ "AccessKeyId": short(access_key_id) });
        let refused = Refused {
            frame: Arc::new(frame(&space, principal, client)),
            id: mint()?,
            time: self.now(),
            service: Service::Kms,
            name: "OpenSession",
            is_write: false,
            parameters: parameters.to_string().into_bytes(),
            keys: Vec::new(),
            resource: None,
            error: shortened(error),
        };
        self.enter_refusal(&caller, refused)
    }
}

/// What the service or the module does by itself, or what is done to the whole store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kms) enum Deed {
    /// A key is destroyed at the end of its waiting period.
    DeleteKey,
    /// Imported material has expired, and is destroyed.
    ExpireKeyMaterial,
    /// A key gets its next version.
    RotateKey,
    /// The store is opened although memory cannot be locked.
    AllowUnprotectedMemory,
    /// Events could not be written, and were more than can wait.
    LoseEvents,
    /// The store has been written by an older release, and is brought into the present format.
    MigrateStore,
    /// A new domain key seals records from now on.
    RotateDomainKey,
    /// All records are sealed under the new domain key; the older ones are gone.
    RetireDomainKeys,
    /// A secret that opens the store is added.
    AddUnlockSlot,
    /// A secret that opens the store takes the place of another.
    ReplaceUnlockSlot,
    /// A secret does not open the store any more.
    RemoveUnlockSlot,
    /// The root key of the store is replaced.
    RekeyRoot,
    /// The store has gone back to an earlier state, which the operator accepts.
    AcceptRollback,
    /// A backup of the store is made.
    CreateBackup,
    /// The store is restored from a backup, or keys are.
    RestoreBackup,
}

impl Deed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::DeleteKey => "DeleteKey",
            Self::ExpireKeyMaterial => "ExpireKeyMaterial",
            Self::RotateKey => "RotateKey",
            Self::AllowUnprotectedMemory => "AllowUnprotectedMemory",
            Self::LoseEvents => "LoseEvents",
            Self::MigrateStore => "MigrateStore",
            Self::RotateDomainKey => "RotateDomainKey",
            Self::RetireDomainKeys => "RetireDomainKeys",
            Self::AddUnlockSlot => "AddUnlockSlot",
            Self::ReplaceUnlockSlot => "ReplaceUnlockSlot",
            Self::RemoveUnlockSlot => "RemoveUnlockSlot",
            Self::RekeyRoot => "RekeyRoot",
            Self::AcceptRollback => "AcceptRollback",
            Self::CreateBackup => "CreateBackup",
            Self::RestoreBackup => "RestoreBackup",
        }
    }
}

impl Transaction<'_> {
    /// Records what has been done to a key, in the same change.
    pub(in crate::kms) fn record_deed(&mut self, deed: Deed, key: &KeyRecord) -> Result<()> {
        self.record_own(deed, &key.space, &[key.id], 1)
    }

    /// Records what concerns the whole store, or happened to so many events.
    pub(in crate::kms) fn record_of_store(&mut self, deed: Deed, count: u64) -> Result<()> {
        self.record_own(deed, &Space::of_store()?, &[], count)
    }

    /// Records what has been done with a backup, of which `parameters` tells: the text of a JSON object in
    /// the trail's form.
    pub(in crate::kms) fn record_backup(
        &mut self,
        deed: Deed,
        keys: &[KeyId],
        parameters: &[u8],
    ) -> Result<()> {
        self.record_with(deed, &Space::of_store()?, keys, 1, parameters)
    }

    fn record_own(&mut self, deed: Deed, space: &Space, keys: &[KeyId], count: u64) -> Result<()> {
        self.record_with(deed, space, keys, count, &[])
    }

    fn record_with(
        &mut self,
        deed: Deed,
        space: &Space,
        keys: &[KeyId],
        count: u64,
        parameters: &[u8],
    ) -> Result<()> {
        let frame = Frame::new(Caller::System, space, None, health::VERSION);
        let event = Event {
            kind: Kind::AliyunServiceEvent,
            is_write: true,
            parameters,
            keys,
            count,
            ..plain(&frame, mint()?, self.now(), deed.as_str())
        };
        with_text(&event, |text| self.record(text));
        Ok(())
    }
}
