//! The calls through which bytes go: encrypting, decrypting, data keys, import.

use std::ptr;

use crate::abi::*;
use crate::memory::{Buffer, Text, check};
use crate::run::{ALGORITHMS, SPECS, expect};
use crate::script::*;
use crate::world::*;

/// Room behind an input, for outputs that begin in it.
pub(crate) const BEHIND: usize = 8704;

impl World {
    pub(crate) fn encrypt(
        &mut self,
        pick: &Pick,
        key: &Key,
        plaintext: &Input,
        context: &Context,
        out: &Output,
    ) {
        let (session, found) = self.session(pick);
        let (key_text, (context, number)) = (self.key(key), text_of(context));
        let plaintext = Buffer::from_script(plaintext, BEHIND);
        let needed = plaintext.capacity + OVERHEAD;
        let out = Buffer::output(out, needed, Some(&plaintext), 0);
        // SAFETY: strings end with NUL or are NULL, buffers have their lengths.
        let status = unsafe {
            kmshsm_encrypt(
                session,
                key_text.as_ptr(),
                plaintext.as_ptr(),
                plaintext.capacity,
                context.as_ptr(),
                out.as_ptr(),
                out.capacity,
                out.len_ptr(),
            )
        };
        expect(status, &found);
        check(&[&out], status, true);
        if let (OK, Found::Number(at)) = (status, found) {
            self.keep(at, key, &out.bytes(), Some(plaintext.bytes()), &context, number);
        }
    }

    /// Remembers a ciphertext that has been made just now, which must open at once.
    pub(crate) fn keep(
        &mut self,
        session: usize,
        key: &Key,
        blob: &[u8],
        plaintext: Option<Vec<u8>>,
        context: &Text,
        number: Option<u8>,
    ) {
        let Opened { handle, store, space, .. } = self.sessions[session];
        let (status, opened) = open(handle, blob, context);
        assert_eq!(status, OK, "what was just made does not open: {}", last_error());
        if let Some(plaintext) = &plaintext {
            assert!(*plaintext == opened, "it opens to something else");
        }
        let key = match key {
            Key::Id(at) | Key::Arn(at, _) => around(&self.keys, *at).map(|key| key.id.clone()),
            _ => None,
        };
        let blob = blob.to_vec();
        let plaintext = Some(opened);
        self.sealed.push(Sealed { blob, plaintext, context: number, store, space, key });
    }

    pub(crate) fn decrypt(
        &self,
        pick: &Pick,
        ciphertext: &Ciphertext,
        context: &Context,
        out: &Output,
    ) {
        let (session, found) = self.session(pick);
        let (context, number) = text_of(context);
        let ciphertext = self.ciphertext(ciphertext);
        let needed = ciphertext.capacity.saturating_sub(OVERHEAD);
        let out = Buffer::output(out, needed, Some(&ciphertext), 0);
        // SAFETY: the string ends with NUL or is NULL, buffers have their lengths.
        let status = unsafe {
            kmshsm_decrypt(
                session,
                ciphertext.as_ptr(),
                ciphertext.capacity,
                context.as_ptr(),
                out.as_ptr(),
                out.capacity,
                out.len_ptr(),
            )
        };
        expect(status, &found);
        check(&[&out], status, true);
        let Found::Number(at) = found else { return };
        let genuine = self.sealed.iter().find(|sealed| sealed.blob == ciphertext.bytes());
        let Opened { store, space, .. } = self.sessions[at];
        if status == OK {
            let genuine = genuine.expect("the library opened what it has not made");
            assert_eq!((genuine.store, genuine.space), (store, space), "opened elsewhere");
            if let (Some(made), Some(given)) = (genuine.context, number) {
                assert_eq!(made, given, "opened with another context");
            }
            if let Some(plaintext) = &genuine.plaintext {
                assert!(*plaintext == out.bytes(), "it opens to something else");
            }
        } else if let Some(genuine) = genuine {
            let is_same = (genuine.store, genuine.space) == (store, space)
                && genuine.context.is_some()
                && genuine.context == number;
            let Some(key) = genuine.key.as_ref().filter(|_| is_same && out.is_proper()) else {
                return;
            };
            let state = if self.works(at) { self.state(session, key) } else { None };
            assert_ne!(
                state.as_deref(),
                Some("Enabled"),
                "refused with {status}: {}",
                last_error()
            );
        }
    }

    pub(crate) fn data_key(
        &mut self,
        pick: &Pick,
        key: &Key,
        bytes: &Length,
        context: &Context,
        out: Option<&Output>,
        sealed: &Output,
    ) {
        let (session, found) = self.session(pick);
        let (key_text, (context, number)) = (self.key(key), text_of(context));
        let bytes = bytes.count();
        // No function needs more than the longest data key; what is asked for beyond is refused.
        let room = bytes.min(1025);
        let out = out.map(|out| Buffer::output(out, room, None, 2048));
        let sealed = Buffer::output(sealed, room + OVERHEAD, out.as_ref(), 0);
        // SAFETY: strings end with NUL or are NULL, buffers have their lengths.
        let status = unsafe {
            match &out {
                Some(out) => kmshsm_generate_data_key(
                    session,
                    key_text.as_ptr(),
                    bytes,
                    context.as_ptr(),
                    out.as_ptr(),
                    out.capacity,
                    out.len_ptr(),
                    sealed.as_ptr(),
                    sealed.capacity,
                    sealed.len_ptr(),
                ),
                None => kmshsm_generate_data_key_without_plaintext(
                    session,
                    key_text.as_ptr(),
                    bytes,
                    context.as_ptr(),
                    sealed.as_ptr(),
                    sealed.capacity,
                    sealed.len_ptr(),
                ),
            }
        };
        expect(status, &found);
        let outputs: Vec<_> = out.iter().chain([&sealed]).collect();
        check(&outputs, status, true);
        if let (OK, Found::Number(at)) = (status, found) {
            let plaintext = out.as_ref().map(Buffer::bytes);
            self.keep(at, key, &sealed.bytes(), plaintext, &context, number);
        }
    }

    pub(crate) fn random(&mut self, pick: &Pick, bytes: &Length, out: &Output) {
        let (session, found) = self.session(pick);
        let bytes = bytes.count();
        let out = Buffer::output(out, bytes.min(1025), None, 2048);
        // SAFETY: the buffer has its length.
        let status =
            unsafe { kmshsm_random(session, bytes, out.as_ptr(), out.capacity, out.len_ptr()) };
        expect(status, &found);
        check(&[&out], status, true);
    }

    pub(crate) fn import_parameters(
        &mut self,
        pick: &Pick,
        key: &Key,
        how: u8,
        (public, token): (&Output, &Output),
        time: bool,
    ) {
        let (session, found) = self.session(pick);
        let key = self.key(key);
        let spec = around(SPECS, how >> 4).copied().unwrap_or_default();
        if spec == "RSA_2048" && !self.take_slow() {
            return;
        }
        let spec = Text::new(spec);
        let algorithm = Text::new(around(ALGORITHMS, how & 15).copied().unwrap_or_default());
        let public = Buffer::output(public, PUBLIC_KEY_MAX, None, 2 * PUBLIC_KEY_MAX);
        let token = Buffer::output(token, TOKEN_LEN, Some(&public), 0);
        let mut expires = 0;
        let to = if time { &raw mut expires } else { ptr::null_mut() };
        // SAFETY: strings end with NUL or are NULL, buffers have their lengths, `to` is to a place
        // for one or NULL.
        let status = unsafe {
            kmshsm_parameters_for_import(
                session,
                key.as_ptr(),
                spec.as_ptr(),
                algorithm.as_ptr(),
                public.as_ptr(),
                public.capacity,
                public.len_ptr(),
                token.as_ptr(),
                token.capacity,
                token.len_ptr(),
                to,
            )
        };
        expect(status, &found);
        check(&[&public, &token], status, false);
        assert_eq!(expires != 0, status == OK && time, "when it expires: {expires}");
        if status == OK {
            assert_eq!(token.bytes().len(), TOKEN_LEN);
            self.tokens.push(token.bytes());
        }
    }

    pub(crate) fn import(
        &self,
        pick: &Pick,
        key: &Key,
        material: &Input,
        token: &Token,
        expires: u64,
    ) {
        let (session, found) = self.session(pick);
        let key = self.key(key);
        let material = Buffer::from_script(material, 0);
        let token = match token {
            Token::Genuine(at) => Buffer::input(around(&self.tokens, *at).map_or(&[], |t| t), 0),
            Token::Flipped(at, byte, bits) => {
                let token = around(&self.tokens, *at).cloned().unwrap_or_default();
                Buffer::input(&flip(token, usize::from(*byte), *bits), 0)
            }
            Token::Other(input) => Buffer::from_script(input, 0),
        };
        // SAFETY: the string ends with NUL or is NULL, buffers have their lengths.
        let status = unsafe {
            kmshsm_import_key_material(
                session,
                key.as_ptr(),
                material.as_ptr(),
                material.capacity,
                token.as_ptr(),
                token.capacity,
                expires,
            )
        };
        expect(status, &found);
        // Nobody can wrap material by chance.
        assert_ne!(status, OK, "rubbish was imported");
    }

    pub(crate) fn key(&self, key: &Key) -> Text {
        match key {
            Key::Id(at) => around(&self.keys, *at).map_or(Text::NULL, |key| Text::new(&key.id)),
            Key::Arn(at, space) => around(&self.keys, *at).map_or(Text::NULL, |key| {
                let space = match space {
                    0..=199 => key.space,
                    other => (usize::from(*other) % ACCOUNTS.len(), 0),
                };
                let (account, region) = (ACCOUNTS[space.0], REGIONS[space.1]);
                Text::new(format!("acs:kms:{region}:{account}:key/{}", key.id))
            }),
            Key::Text(text) => Text::new(text),
            Key::Broken => Text::new(b"alias/\xff"),
            Key::Null => Text::NULL,
        }
    }

    pub(crate) fn ciphertext(&self, ciphertext: &Ciphertext) -> Buffer {
        altered(ciphertext, |at| around(&self.sealed, at).map(|made| made.blob.clone()))
    }
}

/// What a script makes of genuine bytes.
pub(crate) fn altered(how: &Ciphertext, genuine: impl Fn(u8) -> Option<Vec<u8>>) -> Buffer {
    let genuine = |at: &u8| genuine(*at).unwrap_or_default();
    let bytes = match how {
        Ciphertext::Genuine(at) => genuine(at),
        Ciphertext::Flipped(at, byte, bits) => flip(genuine(at), usize::from(*byte), *bits),
        Ciphertext::Cut(at, len) => {
            let mut bytes = genuine(at);
            let len = usize::from(*len) % (bytes.len() + 1);
            bytes.truncate(len);
            bytes
        }
        Ciphertext::Longer(at, more) => [genuine(at), more.clone()].concat(),
        Ciphertext::Spliced(a, b, from) => {
            let (a, b) = (genuine(a), genuine(b));
            let from = usize::from(*from) % (a.len().min(b.len()) + 1);
            [&a[..from], &b[from..]].concat()
        }
        Ciphertext::Other(input) => return Buffer::from_script(input, BEHIND),
    };
    Buffer::input(&bytes, BEHIND)
}

/// Decrypts in the plainest way.
fn open(session: Handle, blob: &[u8], context: &Text) -> (Status, Vec<u8>) {
    let (blob, out) = (Buffer::input(blob, 0), Buffer::plain(blob.len() - OVERHEAD));
    // SAFETY: the string ends with NUL or is NULL, buffers have their lengths.
    let status = unsafe {
        kmshsm_decrypt(
            session,
            blob.as_ptr(),
            blob.capacity,
            context.as_ptr(),
            out.as_ptr(),
            out.capacity,
            out.len_ptr(),
        )
    };
    judge(status);
    check(&[&out], status, true);
    (status, out.bytes())
}

pub(crate) fn text_of(context: &Context) -> (Text, Option<u8>) {
    match context {
        Context::Known(at) => {
            let (text, number) = around(CONTEXTS, *at).copied().unwrap_or_default();
            (text.map_or(Text::NULL, Text::new), Some(number))
        }
        Context::Text(text) => (Text::new(text), None),
        Context::Broken => (Text::new(b"{\"\xff\":\"\"}"), None),
    }
}

pub(crate) fn flip(mut bytes: Vec<u8>, at: usize, bits: u8) -> Vec<u8> {
    let at = at.checked_rem(bytes.len()).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= bits;
    }
    bytes
}
