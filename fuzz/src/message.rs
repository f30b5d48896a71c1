//! The calls on messages: whole ones, and digests of those that come in pieces.

use std::ptr;

use crate::abi::*;
use crate::asymmetric::{SIGNING, Texts, Way, asked, verifies};
use crate::crypt::BEHIND;
use crate::memory::{Buffer, check};
use crate::run::expect;
use crate::script::*;
use crate::world::*;

impl World {
    pub(crate) fn sign_message(
        &self,
        pick: &Pick,
        way: &Way<'_>,
        user: Option<&Input>,
        message: &Input,
        out: &Output,
    ) {
        let (session, found) = self.session(pick);
        let texts = self.texts(way, SIGNING);
        let (user, message) = (user_id(user), Buffer::from_script(message, BEHIND));
        let (out, status) = asked(out, Some(&message), |memory, capacity, len| {
            // SAFETY: strings end with NUL or are NULL, buffers have their lengths.
            unsafe {
                kmshsm_sign_message(
                    session,
                    texts.key.as_ptr(),
                    texts.version.as_ptr(),
                    texts.algorithm.as_ptr(),
                    user.as_ptr(),
                    user.capacity,
                    message.as_ptr(),
                    message.capacity,
                    memory,
                    capacity,
                    len,
                )
            }
        });
        expect(status, &found);
        check(&[&out], status, false);
        if status == OK {
            let valid = of_message(session, &texts, &user, &message, &out.bytes());
            assert_eq!(valid, Some(true), "a signature that is none");
        }
    }

    pub(crate) fn verify_message(
        &self,
        pick: &Pick,
        way: &Way<'_>,
        (user, message): (Option<&Input>, &Input),
        signature: &Ciphertext,
        is_there: bool,
    ) {
        let (session, found) = self.session(pick);
        let texts = self.texts(way, SIGNING);
        let (user, message) = (user_id(user), Buffer::from_script(message, 0));
        let signature = self.signature(signature);
        let mut is_valid = -1;
        let to = if is_there { &raw mut is_valid } else { ptr::null_mut() };
        // SAFETY: strings end with NUL or are NULL, buffers have their lengths, `to` is to a place for
        // one or NULL.
        let status = unsafe {
            kmshsm_verify_message(
                session,
                texts.key.as_ptr(),
                texts.version.as_ptr(),
                texts.algorithm.as_ptr(),
                user.as_ptr(),
                user.capacity,
                message.as_ptr(),
                message.capacity,
                signature.as_ptr(),
                signature.capacity,
                to,
            )
        };
        expect(status, &found);
        assert_eq!(is_valid != -1, status == OK, "status {status}, {is_valid}");
    }

    pub(crate) fn begin_digest(
        &mut self,
        pick: &Pick,
        way: &Way<'_>,
        user: Option<&Input>,
        out: bool,
    ) {
        let (session, found) = self.session(pick);
        let texts = self.texts(way, SIGNING);
        let user = user_id(user);
        let mut handle = 0;
        let to = if out { &raw mut handle } else { ptr::null_mut() };
        // SAFETY: strings end with NUL or are NULL, the buffer has its length, `to` is to a place for
        // one or NULL.
        let status = unsafe {
            kmshsm_digest_new(
                session,
                texts.key.as_ptr(),
                texts.version.as_ptr(),
                texts.algorithm.as_ptr(),
                user.as_ptr(),
                user.capacity,
                to,
            )
        };
        expect(status, &found);
        assert_eq!(status == OK, handle != 0, "status {status}, handle {handle}");
        if let (OK, Found::Number(at)) = (status, found) {
            let Opened { store, space, .. } = self.sessions[at];
            self.digests.push(Opened { handle, is_open: true, store, space });
            let message = Vec::new();
            self.begun.push(Begun { message, session: at, user, texts, is_done: false });
        }
    }

    pub(crate) fn update_digest(&mut self, pick: &Pick, data: &Input) {
        let (digest, found) = self.digest(pick);
        let data = Buffer::from_script(data, 0);
        // SAFETY: the buffer has its length.
        let status = unsafe { kmshsm_digest_update(digest, data.as_ptr(), data.capacity) };
        expect(status, &found);
        if let Found::Number(at) = found {
            let store = self.digests[at].store;
            let begun = &mut self.begun[at];
            assert!(status != OK || !begun.is_done && self.stores[store].is_open);
            if status == OK {
                begun.message.extend(data.bytes());
            }
        }
    }

    pub(crate) fn finish_digest(&mut self, pick: &Pick, out: &Output) {
        let (digest, found) = self.digest(pick);
        let out = Buffer::output(out, DIGEST_LEN, None, 0);
        // SAFETY: the buffer has its length.
        let status =
            unsafe { kmshsm_digest_finish(digest, out.as_ptr(), out.capacity, out.len_ptr()) };
        expect(status, &found);
        check(&[&out], status, true);
        if let (OK, Found::Number(at)) = (status, found) {
            assert!(!self.begun[at].is_done, "finished twice");
            self.begun[at].is_done = true;
            let begun = &self.begun[at];
            let session = self.sessions[begun.session].handle;
            if !self.works(begun.session) {
                return;
            }
            // What verifies as the digest of a message verifies as the message.
            let (signed, signature) = sign(session, &begun.texts, &out.bytes());
            if signed == OK {
                assert!(verifies(session, &begun.texts, &out.bytes(), &signature));
                let message = Buffer::input(&begun.message, 0);
                let valid = of_message(session, &begun.texts, &begun.user, &message, &signature);
                assert_eq!(valid, Some(true), "a digest of another message");
            }
        }
    }

    pub(crate) fn free_digest(&mut self, pick: &Pick) {
        let (handle, found) = self.digest(pick);
        // SAFETY: no pointers.
        unsafe { kmshsm_digest_free(handle) };
        if let Found::Number(at) = found {
            self.digests[at].is_open = false;
        }
    }
}

/// None is NULL of no length.
fn user_id(user: Option<&Input>) -> Buffer {
    Buffer::from_script(user.unwrap_or(&Input::Null(0)), 0)
}

/// Whether a signature is one of a message, if that can be told.
fn of_message(
    session: Handle,
    texts: &Texts,
    user: &Buffer,
    message: &Buffer,
    signature: &[u8],
) -> Option<bool> {
    let signature = Buffer::input(signature, 0);
    let mut is_valid = -1;
    // SAFETY: strings end with NUL, buffers have their lengths, the last pointer is to a place for one.
    let status = unsafe {
        kmshsm_verify_message(
            session,
            texts.key.as_ptr(),
            texts.version.as_ptr(),
            texts.algorithm.as_ptr(),
            user.as_ptr(),
            user.capacity,
            message.as_ptr(),
            message.capacity,
            signature.as_ptr(),
            signature.capacity,
            &raw mut is_valid,
        )
    };
    judge(status);
    (status == OK).then_some(is_valid == 1)
}

/// Signs in the plainest way.
fn sign(session: Handle, texts: &Texts, digest: &[u8]) -> (Status, Vec<u8>) {
    let (digest, out) = (Buffer::input(digest, 0), Buffer::plain(512));
    // SAFETY: strings end with NUL, buffers have their lengths.
    let status = unsafe {
        kmshsm_sign(
            session,
            texts.key.as_ptr(),
            texts.version.as_ptr(),
            texts.algorithm.as_ptr(),
            digest.as_ptr(),
            digest.capacity,
            out.as_ptr(),
            out.capacity,
            out.len_ptr(),
        )
    };
    judge(status);
    (status, if status == OK { out.bytes() } else { Vec::new() })
}
