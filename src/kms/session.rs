//! Sessions, and requests: every operation goes through [`Session::call`].

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::audit::Frame;
use crate::error::{Error, RequestId, Result};
use crate::hsm::rng;
use crate::kms::call::Call;
use crate::kms::quota::Calls;
use crate::kms::room::with_room;
use crate::kms::trail;
use crate::kms::{Access, Action, Door, Kms, indicator};
use crate::model::{Indicator, Principal, Space};

/// A principal in an account and region.
#[derive(Clone)]
pub struct Session {
    pub(super) kms: Arc<Kms>,
    pub(super) space: Space,
    pub(super) principal: Principal,
    pub(super) client: Client,
    pub(super) calls: Arc<Calls>,
    /// What all events of the session have in common.
    pub(super) frame: Arc<Frame>,
    /// Tells the sessions of a process apart.
    pub(super) number: u64,
}

/// What is known of the program at the other end, for conditions of policies and for the audit trail.
/// A server that serves others says so of each of them; what is unknown stays absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its address: `acs:SourceIp`. Events of sessions without one say `Internal`.
    pub source_ip: Option<IpAddr>,
    /// Whether it came by TLS: `acs:SecureTransport`.
    pub secure_transport: Option<bool>,
    /// Whether its user gave a second factor: `acs:MFAPresent`.
    pub mfa_present: Option<bool>,
    /// What it calls itself, in events: `libkmshsm` and its version by default.
    pub user_agent: Option<String>,
}

/// An answer and the name of its request.
#[derive(Debug, Serialize)]
pub struct Reply<T> {
    /// What the action answers.
    #[serde(flatten)]
    pub answer: T,
    /// Names the request.
    #[serde(rename = "RequestId", serialize_with = "as_text")]
    pub request_id: RequestId,
    /// Whether the store is one for tests, with keys that others can reproduce.
    #[serde(rename = "TestOnly", skip_serializing_if = "std::ops::Not::not")]
    pub is_test_only: bool,
    /// Whether what the action has done was approved; no part of the API's answer.
    #[serde(skip)]
    pub indicator: Indicator,
}

/// An answer about a store as a whole, which says if the store is one for tests.
#[derive(Debug, Serialize)]
pub struct Marked<T> {
    /// The answer.
    #[serde(flatten)]
    pub answer: T,
    /// Whether the store is one for tests, with keys that others can reproduce.
    #[serde(rename = "TestOnly", skip_serializing_if = "std::ops::Not::not")]
    pub is_test_only: bool,
}

impl Kms {
    /// What a surface answers of the whole store: with the mark of a store for tests.
    pub fn marked<T>(&self, answer: T) -> Marked<T> {
        Marked { answer, is_test_only: self.is_test_only() }
    }
}

fn as_text<S: serde::Serializer>(id: &RequestId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

impl Session {
    pub(super) fn new(kms: Arc<Kms>, space: Space, principal: Principal, client: Client) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let calls = kms.callers.of(&space);
        let frame = Arc::new(trail::frame(&space, &principal, &client));
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { kms, space, principal, client, calls, frame, number }
    }

    /// Does an action. Errors carry the request id, too.
    pub fn call<A: Action>(&self, mut action: A) -> Result<Reply<A::Answer>> {
        let is_test_only = self.kms.is_test_only();
        self.perform(&mut action, |answer, request_id, indicator| Reply {
            answer,
            request_id,
            is_test_only,
            indicator,
        })
    }

    /// The same for who has all of the answer in memory of his own already: what is not made need not
    /// be handed up, nor the action, to be moved down.
    pub(crate) fn serve<A: Action>(&self, action: &mut A) -> Result<()> {
        self.perform(action, |_, _, _| ())
    }

    #[inline]
    fn perform<A: Action, R>(
        &self,
        action: &mut A,
        reply: impl FnOnce(A::Answer, RequestId, Indicator) -> R,
    ) -> Result<R> {
        indicator::note(Indicator::None);
        let _draws = self.kms.hsm().draws();
        let request_id = mint()?;
        let run = || {
            self.kms.check()?;
            let call = Call::new::<A>(self, request_id);
            if A::ACCESS == Access::Write {
                call.show(action);
            }
            let outcome = action.run(&Door::new(&call, const { &[A::NAME] }));
            let indicator = call.indicator();
            let reply = |answer| {
                indicator::note(indicator);
                reply(answer, request_id, indicator)
            };
            // One or the other: an answer that both could have changed would be copied for it.
            match call.is_wanted(&outcome) {
                true => call.record(action, outcome).map(reply),
                false => outcome.map(reply),
            }
        };
        run().map_err(|error: Error| error.of_request(request_id))
    }

    /// A request that failed before the door, with a request id. The module's own state comes
    /// before any fault of the request.
    pub(crate) fn refuse(&self, error: Error) -> Error {
        indicator::note(Indicator::None);
        let error = self.kms.check().err().unwrap_or(error);
        let _draws = self.kms.hsm().draws();
        match mint() {
            Ok(request_id) => error.of_request(request_id),
            Err(_) => error,
        }
    }

    /// The same of a request for an action, of which the audit trail may have to know.
    pub(crate) fn refuse_action<A: Action>(&self, error: Error) -> Error {
        let error = self.refuse(error);
        let _draws = self.kms.hsm().draws();
        if let (Some(request_id), Ok(())) = (error.request_id(), self.kms.check()) {
            let recorded = Call::new::<A>(self, request_id).refuse(&error);
            return recorded.map_or_else(|unwritten| unwritten.of_request(request_id), |()| error);
        }
        error
    }

    /// The service behind the session.
    pub const fn kms(&self) -> &Arc<Kms> {
        &self.kms
    }

    /// The account and region.
    pub const fn space(&self) -> &Space {
        &self.space
    }

    /// Who calls.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }
}

/// A new request id.
#[inline]
pub(super) fn mint() -> Result<RequestId> {
    // The first one of a thread may need room for its generator.
    let [high, low] = with_room(rng::serial)?;
    Ok(RequestId((u128::from(high) << 64 | u128::from(low)).to_be_bytes()))
}
