//! Sessions of users: an access key and its secret, and what becomes of who guesses.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::kms::principals::UserRecord;
use crate::kms::{Client, Kms, Session, Transaction};
use crate::model::{AccessKeyStatus, Principal, Space};

/// How many wrong secrets in a row lock a user out.
const MAX_FAILURES: u8 = 5;

/// For how long, in seconds.
const LOCKED_FOR: u64 = 15 * 60;

impl Kms {
    /// The session of the user of an access key, in a region.
    ///
    /// What [`authenticate`](Self::authenticate) answers, and
    /// [`InvalidParameter`](ErrorCode::InvalidParameter) naming `RegionId`.
    pub fn session_with_access_key(
        self: &Arc<Self>,
        access_key_id: &str,
        secret: &[u8],
        region: &str,
    ) -> Result<Session> {
        let principal = self.authenticate(access_key_id, secret)?;
        let space = Space::new(principal.account().as_str(), region)?;
        Ok(Session::new(Arc::clone(self), space, principal, Client::default()))
    }

    /// Who has this access key and knows its secret. Of others, it is written down before they are
    /// answered that they have guessed wrong: five in a row lock the user out for a quarter of an
    /// hour, in which nobody's guesses count.
    ///
    /// [`AccessKeyNotFound`](ErrorCode::AccessKeyNotFound);
    /// [`AccessKeyInactive`](ErrorCode::AccessKeyInactive), also for who is locked out;
    /// [`IncompleteSignature`](ErrorCode::IncompleteSignature) for a wrong secret.
    pub fn authenticate(&self, access_key_id: &str, secret: &[u8]) -> Result<Principal> {
        self.check()?;
        // A change, so that guesses at the same time come one after the other. What is refused is
        // its answer and not its failure: it is committed.
        let decided = self.change(|transaction| {
            let (key, mut user) = match transaction.access_key(access_key_id) {
                Err(error) if error.code() == ErrorCode::AccessKeyNotFound => {
                    return refused(transaction, None, error).map(Err);
                }
                found => found?,
            };
            if let Some(error) = user.is_kept_out(transaction, access_key_id)? {
                return refused(transaction, Some(&mut user), error).map(Err);
            }
            if !key.is(secret)? {
                let error = ErrorCode::IncompleteSignature.into();
                return refused(transaction, Some(&mut user), error).map(Err);
            }
            if user.failures != 0 || user.locked_until.is_some() {
                user.unlock();
                transaction.note_user(&user)?;
            }
            Ok(Ok(Principal::User {
                account: user.account,
                id: user.id,
                name: user.name.to_string(),
                access_key_id: access_key_id.to_owned(),
            }))
        });
        decided.flatten()
    }
}

/// The answer to who is not let in; what must be kept of it is written in the same change.
fn refused(
    transaction: &mut Transaction<'_>,
    user: Option<&mut UserRecord>,
    error: Error,
) -> Result<Error> {
    if let (Some(user), ErrorCode::IncompleteSignature) = (user, error.code()) {
        user.failures = user.failures.saturating_add(1);
        if user.failures >= MAX_FAILURES {
            user.unlock();
            user.locked_until = Some(transaction.now().plus(LOCKED_FOR));
        }
        transaction.note_user(user)?;
    }
    Ok(error)
}

impl UserRecord {
    /// Forgets wrong secrets, and that they have locked the user out.
    pub(crate) const fn unlock(&mut self) {
        self.failures = 0;
        self.locked_until = None;
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
