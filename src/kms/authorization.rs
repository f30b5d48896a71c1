//! Whether a caller may do what is asked: to keys, and to what else there is (API reference, chapters 11
//! and 14). Explicit denial wins, and what nothing allows is denied. To users without rights, what is
//! not there looks like what is denied.
#![forbid(unsafe_code)]

use std::cell::RefCell;

use crate::error::{Error, ErrorCode, Result};
use crate::kms::{Door, Held, KeyRecord, Rule};
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
        match target {
            Target::Alias(name) => self.request().note_resource("ACS::KMS::Alias", name.as_str()),
            Target::User(name) if name != "*" => {
                self.request().note_resource("ACS::RAM::User", name);
            }
            Target::Policy(name) if name != "*" => {
                self.request().note_resource("ACS::RAM::Policy", name);
            }
            _ => {}
        }
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
    pub(super) fn permit_key(&self, key: &Held, rule: Rule) -> Result<()> {
        let record = key.record();
        match self.principal() {
            Principal::Root { .. } if record.space == *self.space() => {
                self.request().note_key(record.id);
                Ok(())
            }
            _ => self.permit_others(key, rule),
        }
    }

    /// The same for a record that a change has read, or is about to write.
    pub(crate) fn permit_record(&self, record: &KeyRecord) -> Result<()> {
        self.request().note_key(record.id);
        if record.space != *self.space() {
            return Err(self.absent(Some(&record.id), ErrorCode::KeyNotFound));
        }
        if self.is_root_of(&record.space) {
            return Ok(());
        }
        self.judge_record(record)
    }

    /// Whether a key of the space may be told of in a list of many.
    pub(crate) fn may_tell_of(&self, record: &KeyRecord) -> Result<bool> {
        if self.is_root_of(&record.space) {
            return Ok(true);
        }
        match self.judge_record(record) {
            Err(error) if error.code() == ErrorCode::NoPermission => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    fn judge_record(&self, record: &KeyRecord) -> Result<()> {
        let policy = record.key_policy()?;
        let KeyRecord { space, id, tags, .. } = record;
        self.judge_key(&Asked { space, id, tags, policy: policy.as_ref() })
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

    fn permit_others(&self, key: &Held, rule: Rule) -> Result<()> {
        let record = key.record();
        let is_own = record.space == *self.space();
        if is_own {
            self.request().note_key(record.id);
        }
        // What belongs to others can be used, if they allow it, and nothing else.
        let is_open = matches!(rule, Rule::Use(_) | Rule::Publish | Rule::Always)
            && record.space.region == self.space().region
            && key.policy().is_some();
        if !is_own && !is_open {
            return Err(self.absent(Some(&record.id), ErrorCode::KeyNotFound));
        }
        let permitted = self.remembered(key, || {
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
            outcome => {
                // Of what is not found the trail does not tell, either.
                self.request().note_key(record.id);
                outcome
            }
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
    actions: *const [&'static str],
    is_allowed: bool,
    /// When that was, if the answer may be another one at another time.
    only_at: Option<Timestamp>,
}

/// How many a thread remembers.
const PLACES: usize = 16;

thread_local! {
    static LATELY: RefCell<[Option<Remembered>; PLACES]> = const { RefCell::new([None; PLACES]) };
}

impl Door<'_> {
    /// What `ask` says about a key of the cache, or what it has said before: nothing it depends on can
    /// have changed as long as nothing has been dropped from the cache since the key was found.
    #[inline]
    fn remembered(&self, key: &Held, ask: impl FnOnce() -> Result<()>) -> Result<()> {
        let record = key.record();
        let (session, drops) = (self.request().session.number, key.drops());
        // Each action's permissions are a constant of their own.
        let actions: *const [&'static str] = self.actions();
        let place = usize::from(record.id.as_bytes()[15]) ^ (actions.addr() >> 4);
        let place = place % PLACES;
        let is_it = |known: &&Remembered| {
            (known.session, known.drops) == (session, drops)
                && std::ptr::eq(known.actions, actions)
                && known.key == record.id
                && known.only_at.is_none_or(|at| at == self.now())
        };
        let known = LATELY.try_with(|lately| {
            let lately = lately.borrow();
            let known = lately.get(place).and_then(Option::as_ref).filter(is_it);
            known.map(|known| known.is_allowed)
        });
        match known.ok().flatten() {
            Some(true) => return Ok(()),
            Some(false) => return Err(ErrorCode::NoPermission.into()),
            None => {}
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
        let key = record.id;
        let new = Remembered { session, drops, key, actions, is_allowed, only_at };
        let _ended = LATELY
            .try_with(|lately| lately.borrow_mut().get_mut(place).map(|place| *place = Some(new)));
        outcome
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::error::RequestId;
    use crate::kms::call::Call;
    use crate::kms::record::sample;
    use crate::kms::{Access, Action, Aliases, Kms, Options};
    use crate::model::KeyRef;

    #[derive(Serialize)]
    struct DescribeKey {}

    impl Action for DescribeKey {
        const NAME: &'static str = "DescribeKey";
        const ACCESS: Access = Access::Read;
        type Answer = ();

        fn run(&mut self, _: &Door<'_>) -> Result<()> {
            Ok(())
        }
    }

    /// A call that found its key before the key's policy was changed may go on; what it was told is
    /// nothing to go by for those that come after.
    #[test]
    fn what_was_found_before_a_change_is_not_remembered_after_it() {
        let kms = Kms::in_memory(Options::default()).unwrap();
        let policy = |effect: &str| {
            format!(
                r#"{{"Version":"1","Statement":[{{"Effect":"{effect}","Action":"kms:*","Resource":"*","Principal":{{"RAM":"acs:ram::2:root"}}}}]}}"#
            )
        };
        let allowed = KeyRecord { policy: Some(policy("Allow")), ..sample() };
        let put = |old: Option<&KeyRecord>, new: &KeyRecord| {
            kms.change(|transaction| transaction.put_key(old, new)).unwrap();
            kms.refresh().unwrap();
        };
        put(None, &allowed);
        let found = kms.find(&allowed.id).unwrap().unwrap();
        put(Some(&allowed), &KeyRecord { policy: Some(policy("Deny")), ..allowed.clone() });

        let Space { account, region, .. } = allowed.space;
        let stranger = kms.session("2", region).unwrap();
        let call = Call::new::<DescribeKey>(&stranger, RequestId([0; 16]));
        let door = Door::new(&call, const { &[DescribeKey::NAME] });
        assert_eq!(door.permit_key(&found, Rule::Always), Ok(()));
        let arn = KeyRef::Arn(region.into(), account.as_str().into(), allowed.id);
        let later = door.key(&arn, Aliases::Refused, Rule::Always);
        assert_eq!(later.err().map(|error| error.code()), Some(ErrorCode::KeyNotFound));
    }
}
