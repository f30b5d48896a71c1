//! Sessions of users: an access key and its secret, and what becomes of who guesses.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::hsm::AccessKey;
use crate::kms::principals::UserRecord;
use crate::kms::{Client, Kms, Session, Transaction};
use crate::model::{AccessKeyStatus, Account, Principal, Region, Space, Timestamp};

/// Who wants a session, and where.
pub struct Login<'a> {
    /// The account; may be absent with an access key, which tells.
    pub account: Option<&'a str>,
    /// The region.
    pub region: &'a str,
    /// The id and the secret of a user's access key; without one it is the account itself that calls.
    pub access_key: Option<(&'a str, &'a [u8])>,
    /// What is known of the program at the other end.
    pub client: Client,
}

/// How many wrong secrets in a row lock a user out.
const MAX_FAILURES: u8 = 5;

/// For how long, in seconds.
const LOCKED_FOR: u64 = 15 * 60;

impl Kms {
    /// The session that a login asks for.
    ///
    /// What [`authenticate`](Self::authenticate) answers, and
    /// [`InvalidParameter`](ErrorCode::InvalidParameter) naming `AccountId`, `RegionId`, or
    /// `AccessKeyId` if the user's account is not the one that is named.
    pub fn login(self: &Arc<Self>, login: &Login<'_>) -> Result<Session> {
        let _draws = self.hsm().draws();
        self.check()?;
        let region = Region::find(login.region)?;
        let account = login.account.map(Account::parse).transpose()?;
        let principal = match (login.access_key, account) {
            (Some((id, secret)), account) => {
                let principal = self.decide_and_tell(id, secret, Some(region), &login.client)?;
                if account.is_some_and(|account| account != *principal.account()) {
                    let detail = "It belongs to a user of another account.";
                    let error = Error::invalid("AccessKeyId", detail);
                    let (region, client, of) = (Some(region), &login.client, Some(&principal));
                    self.refuse_login(id, region, client, of, &error)?;
                    return Err(error);
                }
                principal
            }
            (None, Some(account)) => Principal::Root { account },
            (None, None) => return Err(Error::missing("AccountId")),
        };
        let space = Space::of(*principal.account(), region);
        Ok(Session::new(Arc::clone(self), space, principal, login.client.clone()))
    }

    /// Who has this access key and knows its secret. Of others, it is written down before they are
    /// answered that they have guessed wrong: five in a row lock the user out for a quarter of an
    /// hour, in which nobody's guesses count.
    ///
    /// [`AccessKeyNotFound`](ErrorCode::AccessKeyNotFound);
    /// [`AccessKeyInactive`](ErrorCode::AccessKeyInactive), also for who is locked out;
    /// [`IncompleteSignature`](ErrorCode::IncompleteSignature) for a wrong secret.
    pub fn authenticate(&self, access_key_id: &str, secret: &[u8]) -> Result<Principal> {
        let _draws = self.hsm().draws();
        self.check()?;
        self.decide_and_tell(access_key_id, secret, None, &Client::default())
    }

    /// Lets in, or records why not.
    fn decide_and_tell(
        &self,
        access_key_id: &str,
        secret: &[u8],
        region: Option<&Region>,
        client: &Client,
    ) -> Result<Principal> {
        match self.decide(access_key_id, secret)? {
            Ok(principal) => Ok(principal),
            Err((error, of)) => {
                self.refuse_login(access_key_id, region, client, of.as_ref(), &error)?;
                Err(error)
            }
        }
    }

    /// Lets in, or says why not, and whose access key it is.
    fn decide(
        &self,
        access_key_id: &str,
        secret: &[u8],
    ) -> Result<Result<Principal, (Error, Option<Principal>)>> {
        let nobodys = || Ok(Err((ErrorCode::AccessKeyNotFound.into(), None)));
        // Whoever invents access keys keeps nobody from changing anything.
        if !AccessKey::is_id(access_key_id) || !self.has_access_key(access_key_id)? {
            return nobodys();
        }
        // A change, so that guesses at the same time come one after the other. What is refused is
        // its answer and not its failure: it is committed.
        self.change(|transaction| {
            let (key, mut user) = match transaction.access_key(access_key_id) {
                Err(error) if error.code() == ErrorCode::AccessKeyNotFound => return nobodys(),
                found => found?,
            };
            let principal = Principal::User {
                account: user.account,
                id: user.id.clone(),
                name: user.name.to_string(),
                access_key_id: access_key_id.to_owned(),
            };
            if let Some(error) = user.is_kept_out(transaction, access_key_id)? {
                return Ok(Err((error, Some(principal))));
            }
            if !key.is(secret)? {
                user.fail(transaction.now());
                transaction.note_user(&user)?;
                return Ok(Err((ErrorCode::IncompleteSignature.into(), Some(principal))));
            }
            if user.failures != 0 || user.locked_until.is_some() {
                user.unlock();
                transaction.note_user(&user)?;
            }
            Ok(Ok(principal))
        })
    }
}

impl UserRecord {
    /// Forgets wrong secrets, and that they have locked the user out.
    pub(crate) const fn unlock(&mut self) {
        self.failures = 0;
        self.locked_until = None;
    }

    /// Counts a wrong secret.
    fn fail(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= MAX_FAILURES {
            self.unlock();
            self.locked_until = Some(now.plus(LOCKED_FOR));
        }
    }

    /// Why not even the right secret opens a session now.
    fn is_kept_out(&mut self, transaction: &Transaction<'_>, key: &str) -> Result<Option<Error>> {
        if self.access_key(key)?.status == AccessKeyStatus::Inactive {
            return Ok(Some(ErrorCode::AccessKeyInactive.into()));
        }
        let until = self.locked_until.filter(|until| transaction.now() < *until);
        Ok(until.map(|until| {
            let detail = format!("After {MAX_FAILURES} wrong secrets it is locked until {until}.");
            Error::new(ErrorCode::AccessKeyInactive).because(detail)
        }))
    }
}
