//! Notes: what a store keeps of itself outside of its records, where nobody may read or change it
//! (ARCHITECTURE.md, Formats: Anchor, State of a walk).
#![forbid(unsafe_code)]

use crate::crypto::xaes;
use crate::error::{ErrorCode, Result};
use crate::hsm::arena::SecretBytes;
use crate::hsm::unlock::key32;
use crate::hsm::{Keyring, random};
use crate::octets::{Reader, Writer};

/// What a note is for. Each purpose has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// How far the store had come, on other media than its own.
    Anchor,
    /// How far a walk through the store has come.
    Walk,
}

impl Note {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Anchor => b"kmshsm/v1/anchor",
            Self::Walk => b"kmshsm/v1/walk",
        }
    }
}

impl Keyring {
    /// `body` as a note: `nonce (24) | XAES(key, body)`, 40 bytes longer, AAD `label | store uuid | place`.
    pub fn seal_note(&self, note: Note, place: &[u8], body: &[u8]) -> Result<Vec<u8>> {
        let nonce = random::<24>()?;
        let aad = self.note_aad(note, place);
        let sealed = self.note_key(note).read(|key| xaes::seal(key32(key)?, &nonce, &aad, body))?;
        Ok(Writer::default().raw(&nonce).raw(&sealed).finish())
    }

    /// The body of a note of this store; [`ErrorCode::StoreDamaged`] if it is none.
    pub fn open_note(&self, note: Note, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let mut reader = Reader::new(sealed);
        let nonce: [u8; 24] = reader.array()?;
        let len = sealed.len().checked_sub(24 + 16).ok_or(ErrorCode::StoreDamaged)?;
        let sealed = reader.raw(len + 16)?;
        let mut body = vec![0; len];
        let aad = self.note_aad(note, place);
        self.note_key(note)
            .read(|key| xaes::open(key32(key)?, &nonce, &aad, sealed, &mut body))
            .map_err(|_| ErrorCode::StoreDamaged)?;
        Ok(body)
    }

    const fn note_key(&self, note: Note) -> &SecretBytes {
        match note {
            Note::Anchor => &self.anchor,
            Note::Walk => &self.walk,
        }
    }

    fn note_aad(&self, note: Note, place: &[u8]) -> Vec<u8> {
        Writer::default().raw(note.label()).raw(self.store()).raw(place).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_where_they_belong() {
        let keyring = Keyring::generate([1; 16]).unwrap();
        let sealed = keyring.seal_note(Note::Anchor, b"0", b"body").unwrap();
        assert_eq!(sealed.len(), 44);
        assert_eq!(keyring.open_note(Note::Anchor, b"0", &sealed).unwrap(), b"body");
        assert!(keyring.open_note(Note::Anchor, b"1", &sealed).is_err());
        assert!(keyring.open_note(Note::Walk, b"0", &sealed).is_err());
        assert!(
            Keyring::generate([1; 16]).unwrap().open_note(Note::Anchor, b"0", &sealed).is_err()
        );
        for len in 0..sealed.len() {
            assert!(keyring.open_note(Note::Anchor, b"0", &sealed[..len]).is_err());
        }
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert!(keyring.open_note(Note::Anchor, b"0", &flipped).is_err());
        }
    }
}
