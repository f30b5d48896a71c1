//! Whether a caller may do what is asked: to keys, and to what else there is (API reference, chapters 11
//! and 14). Explicit denial wins, and what nothing allows is denied. To users without rights, what is
//! not there looks like what is denied.
#![forbid(unsafe_code)]

use std::cell::Cell;

use crate::error::{Error, ErrorCode, Result};
use crate::kms::cache::Key;
use crate::kms::{Door, KeyRecord, Rule};
use crate::model::{AliasName, KeyId, Principal, Space, Timestamp, alias_arn, key_arn};
use crate::policy::{Caller, Circumstances, Judgment, KeyPolicy, Request, judge};

/// A resource other than a key.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// All keys of the space: creating and listing.
    Keys,
    /// All aliases of the space.
    Aliases,
    /// An alias of the space.
    Alias(&'a AliasName),
    /// A user of the account, or all of them: `*`.
    User(&'a str),
    /// A policy of the account, or all of them: `*`.
    Policy(&'a str),
    /// Nothing in particular.
    Nothing,
}

impl Target<'_> {
    /// How policies name it.
    fn arn(self, space: &Space) -> String {
        let Space { account, region, .. } = space;
        match self {
            Self::Keys => format!("acs:kms:{region}:{account}:key"),
            Self::Aliases => format!("acs:kms:{region}:{account}:alias"),
            Self::Alias(name) => alias_arn(space, name),
            Self::User(name) => format!("acs:ram:*:{account}:user/{name}"),
            Self::Policy(name) => format!("acs:ram:*:{account}:policy/{name}"),
            Self::Nothing => "*".to_owned(),
        }
    }
}

/// A key that is asked for, as far as permission depends on it.
struct Asked<'a> {
    space: &'a Space,
    id: &'a KeyId,
    tags: &'a [(String, String)],
    policy: Option<&'a KeyPolicy>,
}

impl Door<'_> {
    /// Permission for the action to be done to what is no key. [`ErrorCode::NoPermission`] otherwise.
    pub(crate) fn permit(&self, target: Target<'_>) -> Result<()> {
        if self.is_root_of(self.space()) {
            return Ok(());
        }
        self.kms().refresh()?;
        let arn = target.arn(self.space());
        self.judged(|action| self.judge(action, &arn, self.space(), &[], None))
    }

    /// Permission for a key that has been found. One of another account or region is not found, but
    /// for what its own policy allows others.
    #[inline]
    pub(super) fn permit_key(&self, key: &Key, rule: Rule) -> Result<()> {
        let record = key.record();
        self.request().note_key(record.id);
        match self.principal() {
            Principal::Root { .. } if record.space == *self.space() => Ok(()),
            _ => self.permit_others(key, rule),
        }
    }

    /// The same for a record that a change has read.
    pub(super) fn permit_record(&self, record: &KeyRecord) -> Result<()> {
        self.request().note_key(record.id);
        if record.space != *self.space() {
            return Err(self.absent(Some(&record.id), ErrorCode::KeyNotFound));
        }
        if self.is_root_of(&record.space) {
            return Ok(());
        }
        let policy = record.key_policy()?;
        self.judge_key(&Asked {
            space: &record.space,
            id: &record.id,
            tags: &record.tags,
            policy: policy.as_ref(),
        })
    }

    /// How it is answered that there is no such thing: not at all, to those who may not know. They are
    /// who has no right to a key of this id, or of any, that has no tags and no policy.
    pub(crate) fn absent(&self, id: Option<&KeyId>, error: impl Into<Error>) -> Error {
        if self.is_root_of(self.space()) {
            return error.into();
        }
        let nobody = KeyId::from_bytes([0; 16]);
        let id = id.unwrap_or(&nobody);
        let judged = self.judge_key(&Asked { space: self.space(), id, tags: &[], policy: None });
        judged.err().unwrap_or_else(|| error.into())
    }

    #[cold]
    fn permit_others(&self, key: &Key, rule: Rule) -> Result<()> {
        let record = key.record();
        let is_own = record.space == *self.space();
        // What belongs to others can be used, if they allow it, and nothing else.
        let is_open = matches!(rule, Rule::Use(_) | Rule::Publish | Rule::Always)
            && record.space.region == self.space().region
            && key.policy().is_some();
        if !is_own && !is_open {
            return Err(self.absent(Some(&record.id), ErrorCode::KeyNotFound));
        }
        let permitted = self.remembered(record, || {
            let asked = Asked {
                space: &record.space,
                id: &record.id,
                tags: &record.tags,
                policy: key.policy(),
            };
            self.judge_key(&asked)
        });
        match permitted {
            Err(error) if error.code() == ErrorCode::NoPermission && !is_own => {
                Err(self.absent(Some(&record.id), ErrorCode::KeyNotFound))
            }
            outcome => outcome,
        }
    }

    fn judge_key(&self, key: &Asked<'_>) -> Result<()> {
        let arn = key_arn(key.space, key.id);
        self.judged(|action| self.judge(action, &arn, key.space, key.tags, key.policy))
    }

    /// Any of the door's actions will do.
    fn judged(&self, judge: impl Fn(&str) -> Result<Judgment>) -> Result<()> {
        for action in self.actions() {
            let judgment = judge(action)?;
            if judgment.depends_on_time {
                self.request().note_time();
            }
            if judgment.is_allowed {
                return Ok(());
            }
        }
        Err(ErrorCode::NoPermission.into())
    }

    fn judge(
        &self,
        action: &str,
        resource: &str,
        owner: &Space,
        tags: &[(String, String)],
        policy: Option<&KeyPolicy>,
    ) -> Result<Judgment> {
        let session = self.request().session;
        let client = &session.client;
        let circumstances = Circumstances {
            now: self.now(),
            source_ip: client.source_ip,
            secure_transport: client.secure_transport,
            mfa_present: client.mfa_present,
            tags,
        };
        let action = format!("{}:{action}", self.request().service.prefix());
        let request = Request { action: &action, resource, circumstances: &circumstances };
        let grants = self.kms().grants(&session.principal)?;
        let user = match &session.principal {
            Principal::Root { .. } => None,
            Principal::User { name, .. } => Some(name.as_str()),
        };
        let caller = Caller { account: session.principal.account(), user };
        let policies = grants.policies.iter().map(|granted| &*granted.policy);
        Ok(judge(&caller, policies, &owner.account, policy, &request))
    }

    fn is_root_of(&self, space: &Space) -> bool {
        matches!(self.principal(), Principal::Root { account } if *account == space.account)
    }
}

/// A permission that a thread has asked for lately.
#[derive(Clone, Copy)]
struct Remembered {
    session: u64,
    drops: u64,
    key: KeyId,
    action: *const &'static str,
    is_allowed: bool,
    /// When that was, if the answer may be another one at another time.
    only_at: Option<Timestamp>,
}

/// How many a thread remembers.
const PLACES: usize = 16;

thread_local! {
    static LATELY: [Cell<Option<Remembered>>; PLACES] =
        const { [const { Cell::new(None) }; PLACES] };
}

impl Door<'_> {
    /// What `ask` says about a key of the cache, or what it has said before: nothing it depends on can
    /// have changed as long as nothing has been dropped from the cache.
    #[inline]
    fn remembered(&self, record: &KeyRecord, ask: impl FnOnce() -> Result<()>) -> Result<()> {
        let (session, drops) = (self.request().session.number, self.kms().drops());
        // Each action's permissions are a constant of their own.
        let action = self.actions().as_ptr();
        let place = usize::from(record.id.as_bytes()[15]) ^ (action as usize >> 4);
        let place = place % PLACES;
        let known = LATELY.try_with(|lately| lately.get(place).and_then(Cell::get)).ok().flatten();
        if let Some(known) = known
            && (known.session, known.drops, known.action) == (session, drops, action)
            && known.key == record.id
            && known.only_at.is_none_or(|at| at == self.now())
        {
            let denied = || Err(ErrorCode::NoPermission.into());
            return if known.is_allowed { Ok(()) } else { denied() };
        }
        let now = self.now();
        let outcome = ask();
        let is_allowed = match &outcome {
            Ok(()) => true,
            Err(error) if error.code() == ErrorCode::NoPermission => false,
            // No answer to the question.
            Err(_) => return outcome,
        };
        let only_at = self.request().looked_at_time().then_some(now);
        let new = Remembered { session, drops, key: record.id, action, is_allowed, only_at };
        let _ended = LATELY.try_with(|lately| lately.get(place).map(|it| it.set(Some(new))));
        outcome
    }
}
