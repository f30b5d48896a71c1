//! One request under way: what permission, rates and the audit trail have to know of it.
#![forbid(unsafe_code)]

use std::cell::{Cell, Ref, RefCell};

use crate::error::{Error, ErrorCode, RequestId, Result};
use crate::kms::quota::Class;
use crate::kms::{Access, Action, Plane, Session, Transaction, parameters};
use crate::model::{Indicator, KeyId, KeySpec, Service, Standing};

/// The longest parameters that an event shows, in bytes.
const MAX_PARAMETERS: usize = 1 << 16;

/// A request of a session.
pub(super) struct Call<'s> {
    pub(super) session: &'s Session,
    pub(super) request_id: RequestId,
    pub(super) name: &'static str,
    pub(super) service: Service,
    pub(super) access: Access,
    plane: Plane,
    /// What was asked, in JSON: of changes, whose events are written before they are over.
    parameters: RefCell<Vec<u8>>,
    /// The first keys that it has found, and how many these are; more of them if there are many.
    keys: Cell<([KeyId; 2], usize)>,
    more_keys: RefCell<Vec<KeyId>>,
    /// What it is about that is no key: its type and its name.
    resource: RefCell<Option<(&'static str, String)>>,
    /// Whether it has been counted against the rates.
    is_counted: Cell<bool>,
    /// Whether permission for it depended on the time.
    looked_at_time: Cell<bool>,
    /// Whether what it has used so far is approved.
    indicator: Cell<Indicator>,
    /// What a change is going to be answered with, if not with success.
    failure: RefCell<Option<Error>>,
    recorded: Cell<Recorded>,
}

/// What the trail has of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recorded {
    Nothing,
    Success,
    Failure,
}

impl<'s> Call<'s> {
    pub(super) fn new<A: Action>(session: &'s Session, request_id: RequestId) -> Self {
        Self {
            session,
            request_id,
            name: A::NAME,
            service: A::SERVICE,
            access: A::ACCESS,
            plane: A::PLANE,
            parameters: RefCell::new(Vec::new()),
            keys: Cell::new(([KeyId::from_bytes([0; 16]); 2], 0)),
            more_keys: RefCell::new(Vec::new()),
            resource: RefCell::new(None),
            is_counted: Cell::new(false),
            looked_at_time: Cell::new(false),
            indicator: Cell::new(session.kms.indicator()),
            failure: RefCell::new(None),
            recorded: Cell::new(Recorded::Nothing),
        }
    }

    /// Remembers what is asked.
    pub(super) fn show(&self, request: &impl Action) {
        let mut parameters = self.parameters.borrow_mut();
        parameters.clear();
        parameters.reserve(256);
        parameters::write(request, &mut parameters);
        if parameters.len() > MAX_PARAMETERS {
            parameters.clear();
            parameters.extend_from_slice(br#"{"Omitted":"They are longer than 65536 bytes."}"#);
        }
    }

    /// What is asked, in JSON.
    pub(super) fn parameters(&self) -> Ref<'_, [u8]> {
        Ref::map(self.parameters.borrow(), Vec::as_slice)
    }

    /// Remembers a key that the request is about.
    #[inline]
    pub(super) fn note_key(&self, id: KeyId) {
        match self.keys.get() {
            ([first, _], 0) => self.keys.set(([id, first], 1)),
            ([first, _], 1) if first != id => self.keys.set(([first, id], 2)),
            ([first, second], 2) if first != id && second != id => self.note_further_key(id),
            _ => {}
        }
    }

    #[cold]
    fn note_further_key(&self, id: KeyId) {
        let mut keys = self.more_keys.borrow_mut();
        if !keys.contains(&id) {
            keys.push(id);
        }
    }

    /// Takes down what the profile says of a function that it uses.
    pub(super) fn note_standing(&self, standing: Standing) {
        self.indicator.set(self.indicator.get().and(standing));
    }

    /// Whether what it has used is approved.
    pub(super) fn indicator(&self) -> Indicator {
        self.indicator.get()
    }

    /// Remembers what the request is about if that is no key: the first of several.
    pub(super) fn note_resource(&self, kind: &'static str, name: &str) {
        self.resource.borrow_mut().get_or_insert_with(|| (kind, name.to_owned()));
    }

    /// What the request is about if that is no key.
    pub(super) fn resource(&self) -> Option<(&'static str, String)> {
        self.resource.borrow().clone()
    }

    /// Remembers that permission may be another one at another time.
    pub(super) fn note_time(&self) {
        self.looked_at_time.set(true);
    }

    /// Whether permission may be another one at another time.
    pub(super) fn looked_at_time(&self) -> bool {
        self.looked_at_time.get()
    }

    /// Runs `f` with the keys that the request is about.
    pub(super) fn with_keys<R>(&self, f: impl FnOnce(&[KeyId]) -> R) -> R {
        let (first, count) = self.keys.get();
        let first = first.get(..count).unwrap_or_default();
        let more = self.more_keys.borrow();
        if more.is_empty() { f(first) } else { f(&[first, &more].concat()) }
    }

    /// Counts the request against the rates, once: [`ErrorCode::Throttled`] if they are exceeded.
    #[inline]
    pub(super) fn count(&self, class: Class, spec: Option<KeySpec>) -> Result<()> {
        let kms = &self.session.kms;
        match &kms.quotas().requests_per_second {
            Some(rates) if !self.is_counted.replace(true) => {
                self.session.calls.take(rates, class, spec, kms.now())
            }
            _ => Ok(()),
        }
    }

    /// Tells that the change under way is a failure of the request, though it is written.
    pub(super) fn fail(&self, error: &Error) {
        *self.failure.borrow_mut() = Some(error.clone());
    }

    /// The change under way was not written, nor was its event.
    pub(super) fn undo(&self) {
        self.recorded.set(Recorded::Nothing);
    }

    /// Runs `change` and puts the event of the request into the same transaction.
    pub(super) fn change<R>(
        &self,
        transaction: &mut Transaction<'_>,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<R>,
    ) -> Result<R> {
        *self.failure.borrow_mut() = None;
        let answer = change(transaction)?;
        if self.plane != Plane::Free {
            transaction.created().iter().for_each(|id| self.note_key(*id));
            let failure = self.failure.borrow();
            self.with_event(failure.as_ref(), |event| transaction.record(event));
            self.recorded.set(match *failure {
                None => Recorded::Success,
                Some(_) => Recorded::Failure,
            });
        }
        Ok(answer)
    }

    /// Whether there is something left to be recorded of a request that ends so.
    #[inline]
    pub(super) fn is_wanted<T>(&self, outcome: &Result<T>) -> bool {
        match outcome {
            Ok(_) => self.wants_success(),
            Err(error) => self.wants_failure(error),
        }
    }

    #[inline]
    fn wants_success(&self) -> bool {
        match self.plane {
            Plane::Data => self.session.kms.trail.wants_all(),
            Plane::Control => self.recorded.get() != Recorded::Success,
            Plane::Free => false,
        }
    }

    fn wants_failure(&self, error: &Error) -> bool {
        match (self.plane, error.code()) {
            // The caller asks for room and will be back, or there is no store any more.
            (_, ErrorCode::BufferTooSmall | ErrorCode::Closed | ErrorCode::Forked) => false,
            (Plane::Free, _) => false,
            _ if self.recorded.get() == Recorded::Failure => false,
            // What authorization refuses, which also looks whether the access key still opens sessions.
            (
                Plane::Data,
                ErrorCode::NoPermission
                | ErrorCode::AccessKeyNotFound
                | ErrorCode::AccessKeyInactive,
            ) => true,
            (Plane::Data, _) => self.session.kms.trail.wants_failures(),
            (Plane::Control, _) => true,
        }
    }

    /// The end of a request of which something is: it goes into the trail. In strict mode nothing is
    /// answered that could not be recorded.
    #[cold]
    pub(super) fn record<A: Action>(
        &self,
        request: &A,
        outcome: Result<A::Answer>,
    ) -> Result<A::Answer> {
        self.show(request);
        match outcome {
            Ok(answer) => {
                match self.with_event(None, |event| self.session.kms.enter_event(event)) {
                    Ok(()) => Ok(answer),
                    Err(error) => {
                        A::withdraw(answer);
                        Err(error)
                    }
                }
            }
            Err(error) => {
                self.enter_refusal(&error)?;
                Err(error)
            }
        }
    }

    /// Records a failure that came before the request could be read.
    pub(super) fn refuse(&self, error: &Error) -> Result<()> {
        if self.wants_failure(error) { self.enter_refusal(error) } else { Ok(()) }
    }

    /// Who calls and from where, but not what he calls himself: that he can change all the time.
    fn enter_refusal(&self, error: &Error) -> Result<()> {
        let Session { principal, space, client, .. } = self.session;
        let caller = format!("{principal:?} {space:?} {:?}", client.source_ip);
        self.session.kms.enter_refusal(&caller, self.refused(error))
    }
}
