//! The calls from key to key: ReEncrypt and exported data keys.

use crate::abi::*;
use crate::asymmetric::{ENCRYPTION, Way, asked};
use crate::crypt::{BEHIND, altered, flip, text_of};
use crate::memory::{Buffer, Text, check};
use crate::run::{SPECS, expect};
use crate::script::*;
use crate::world::*;

impl World {
    pub(crate) fn re_encrypt(
        &mut self,
        pick: &Pick,
        (source, ciphertext, source_context): (Option<&(Key, Version, u8)>, &Ciphertext, &Context),
        destination: &Key,
        context: &Context,
        out: &Output,
    ) {
        let (session, found) = self.session(pick);
        let destination_text = self.key(destination);
        let ((source_context, _), (context, number)) = (text_of(source_context), text_of(context));
        let (texts, ciphertext) = match source {
            None => (None, self.ciphertext(ciphertext)),
            Some((key, version, algorithm)) => (
                Some(self.texts(&Way(key, version, *algorithm), ENCRYPTION)),
                altered(ciphertext, |at| around(&self.locked, at).map(|made| made.blob.clone())),
            ),
        };
        let null = &Text::NULL;
        let (key, version, algorithm) = texts
            .as_ref()
            .map_or((null, null, null), |texts| (&texts.key, &texts.version, &texts.algorithm));
        let (out, status) = asked(out, Some(&ciphertext), |memory, capacity, len| {
            // SAFETY: strings end with NUL or are NULL, buffers have their lengths.
            unsafe {
                kmshsm_re_encrypt(
                    session,
                    ciphertext.as_ptr(),
                    ciphertext.capacity,
                    key.as_ptr(),
                    version.as_ptr(),
                    algorithm.as_ptr(),
                    source_context.as_ptr(),
                    destination_text.as_ptr(),
                    context.as_ptr(),
                    memory,
                    capacity,
                    len,
                )
            }
        });
        expect(status, &found);
        check(&[&out], status, false);
        if let (OK, Found::Number(at)) = (status, found) {
            let bytes = ciphertext.bytes();
            let plaintext = match &texts {
                None => {
                    let genuine = self.sealed.iter().find(|made| made.blob == bytes);
                    genuine.expect("moved what the library has not made").plaintext.clone()
                }
                Some(_) => {
                    let genuine = self.locked.iter().find(|made| made.blob == bytes);
                    Some(genuine.expect("moved what the library has not made").plaintext.clone())
                }
            };
            self.keep(at, destination, &out.bytes(), plaintext, &context, number);
        }
    }

    pub(crate) fn public(&self, public: &Public) -> Buffer {
        let genuine = |at: &u8| around(&self.publics, *at).cloned().unwrap_or_default();
        match public {
            Public::Genuine(at) => Buffer::input(&genuine(at), BEHIND),
            Public::Flipped(at, byte, bits) => {
                Buffer::input(&flip(genuine(at), usize::from(*byte), *bits), BEHIND)
            }
            Public::Other(input) => Buffer::from_script(input, BEHIND),
        }
    }

    pub(crate) fn export(
        &self,
        pick: &Pick,
        ciphertext: &Ciphertext,
        context: &Context,
        (public, how): (&Public, u8),
        out: &Output,
    ) {
        let (session, found) = self.session(pick);
        let (ciphertext, public) = (self.ciphertext(ciphertext), self.public(public));
        let ((context, _), (spec, algorithm)) = (text_of(context), wrapping(how));
        let (out, status) = asked(out, Some(&public), |memory, capacity, len| {
            // SAFETY: strings end with NUL or are NULL, buffers have their lengths.
            unsafe {
                kmshsm_export_data_key(
                    session,
                    ciphertext.as_ptr(),
                    ciphertext.capacity,
                    context.as_ptr(),
                    public.as_ptr(),
                    public.capacity,
                    spec.as_ptr(),
                    algorithm.as_ptr(),
                    memory,
                    capacity,
                    len,
                )
            }
        });
        expect(status, &found);
        check(&[&out], status, true);
        if status == OK {
            let is_genuine = self.sealed.iter().any(|made| made.blob == ciphertext.bytes());
            assert!(is_genuine, "exported what the library has not made");
        }
    }

    pub(crate) fn generate_and_export(
        &mut self,
        pick: &Pick,
        (key, bytes): (&Key, &Length),
        context: &Context,
        (public, how): (&Public, u8),
        (sealed, exported): (&Output, &Output),
    ) {
        let (session, found) = self.session(pick);
        let (key_text, public, bytes) = (self.key(key), self.public(public), bytes.count());
        let ((context, number), (spec, algorithm)) = (text_of(context), wrapping(how));
        // What is asked for beyond the longest data key is refused.
        let room = bytes.min(1025);
        let sealed = Buffer::output(sealed, room + OVERHEAD, Some(&public), 2048);
        let needed = if spec.contains("RSA") { 256 } else { room + SM2_OVERHEAD };
        let exported = Buffer::output(exported, needed, Some(&sealed), 0);
        // SAFETY: strings end with NUL or are NULL, buffers have their lengths.
        let status = unsafe {
            kmshsm_generate_and_export_data_key(
                session,
                key_text.as_ptr(),
                bytes,
                context.as_ptr(),
                public.as_ptr(),
                public.capacity,
                spec.as_ptr(),
                algorithm.as_ptr(),
                sealed.as_ptr(),
                sealed.capacity,
                sealed.len_ptr(),
                exported.as_ptr(),
                exported.capacity,
                exported.len_ptr(),
            )
        };
        expect(status, &found);
        check(&[&sealed, &exported], status, true);
        if let (OK, Found::Number(at)) = (status, found) {
            self.keep(at, key, &sealed.bytes(), None, &context, number);
        }
    }
}

fn wrapping(how: u8) -> (Text, Text) {
    let spec = around(SPECS, how >> 4).copied().unwrap_or_default();
    (Text::new(spec), Text::new(around(ENCRYPTION, how & 15).copied().unwrap_or_default()))
}
