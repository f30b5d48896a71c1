//! Sessions, and requests: every operation goes through [`Session::call`].

use std::cell::Cell;
use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, RequestId, Result};
use crate::fork::Generation;
use crate::hsm;
use crate::kms::quota::Calls;
use crate::kms::room::with_room;
use crate::kms::{Action, Door, Kms, indicator};
use crate::model::{Indicator, Principal, Space};

/// A principal in an account and region.
#[derive(Clone)]
pub struct Session {
    pub(super) kms: Arc<Kms>,
    pub(super) space: Space,
    pub(super) principal: Principal,
    pub(super) calls: Arc<Calls>,
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
    /// Whether what the action has done was approved; no part of the API's answer.
    #[serde(skip)]
    pub indicator: Indicator,
}

fn as_text<S: serde::Serializer>(id: &RequestId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

impl Session {
    pub(super) fn new(kms: Arc<Kms>, space: Space, principal: Principal) -> Self {
        let calls = kms.callers.of(&space);
        Self { kms, space, principal, calls }
    }

    /// Does an action. Errors carry the request id, too.
    #[inline]
    pub fn call<A: Action>(&self, mut action: A) -> Result<Reply<A::Answer>> {
        indicator::note(Indicator::None);
        let request_id = mint()?;
        let (is_counted, indicator) = (Cell::new(false), Cell::default());
        let door = Door::new(self, const { &[A::NAME] }, A::ACCESS, &is_counted, &indicator);
        let answer = self.kms.check().and_then(|()| action.run(&door));
        match answer {
            Ok(answer) => {
                let indicator = indicator.get();
                indicator::note(indicator);
                Ok(Reply { answer, request_id, indicator })
            }
            Err(error) => Err(error.of_request(request_id)),
        }
    }

    /// A request that failed before the door, with a request id. The module's own state comes
    /// before any fault of the request.
    pub(crate) fn refuse(&self, error: Error) -> Error {
        indicator::note(Indicator::None);
        let error = self.kms.check().err().unwrap_or(error);
        match mint() {
            Ok(request_id) => error.of_request(request_id),
            Err(_) => error,
        }
    }

    /// The service behind the session.
    pub const fn kms(&self) -> &Arc<Kms> {
        &self.kms
    }

    /// The account and region.
    pub const fn space(&self) -> &Space {
        &self.space
    }
}

/// A new request id: random per thread and process, then counted, so that it costs next to nothing.
fn mint() -> Result<RequestId> {
    thread_local! {
        static NEXT: Cell<Option<(Generation, u128)>> = const { Cell::new(None) };
    }
    NEXT.with(|next| {
        let process = Generation::current();
        let id = match next.get() {
            Some((same, id)) if same == process => id,
            // The first one of a thread may need room for its generator.
            _ => u128::from_be_bytes(with_room(hsm::random)?),
        };
        next.set(Some((process, id.wrapping_add(1))));
        Ok(RequestId(uuid::Builder::from_random_bytes(id.to_be_bytes()).into_uuid().into_bytes()))
    })
}
