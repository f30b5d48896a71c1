//! What is neither sealed nor an entry: preamble, slots, root record, header; and what does not belong in a
//! store at all.

use super::books::{About, Side, Thing};
use super::finding::What;
use super::page::Page;
use crate::audit::Chain;
use crate::error::Result;
use crate::hsm::{Header, Slot};
use crate::keystore::Entry;
use crate::kms::open::{FORMAT, read_preamble};
use crate::kms::places;
use crate::model::Timestamp;

impl Page<'_, '_> {
    pub(super) fn ground(&mut self, entry: &Entry) -> Result<()> {
        let place = entry.key.as_slice();
        match place {
            places::PREAMBLE => {
                let preamble = read_preamble(&entry.value);
                let is_first = self.walk.header.is_of_first_format();
                let right = (if is_first { 1 } else { FORMAT }, *self.keyring.store());
                if let Some(preamble) = self.sound(preamble, What::Preamble, place, None)?
                    && preamble != right
                {
                    self.find(What::Preamble, place, None);
                }
            }
            places::ROOT => {
                let root = self.keyring.vouch_for_root(&entry.value);
                self.sound(root, What::Root, place, None)?;
            }
            places::HEADER => self.header(entry)?,
            // All together they are as the header says, which is looked at in the end.
            [first, _] if [*first] == *places::SLOTS => {
                self.sound(Slot::kind(&entry.value).map(drop), What::Slot, place, None)?;
            }
            _ => self.find(What::Unknown, place, None),
        }
        Ok(())
    }

    /// The header begins and ends the trail.
    fn header(&mut self, entry: &Entry) -> Result<()> {
        let header = &self.walk.header;
        let start = Chain::new(*self.keyring.store());
        self.link(Side::There, 0, &start.head, &entry.key);
        self.link(Side::Owed, header.events, &header.audit_head, &entry.key);
        let (last, signed) = header.checkpoint;
        let is_signed = signed > Timestamp(0);
        if is_signed && self.walk.get(&[&places::checkpoint(last)])?.pop().flatten().is_none() {
            self.find(What::CheckpointMissing, &places::checkpoint(last), None);
        }
        // It was opened before anything else was looked at.
        let opened = Header::open(self.keyring, &entry.value).map(drop);
        self.sound(opened, What::Header, &entry.key, None).map(drop)
    }

    /// A point of the trail: where a segment ends, or begins.
    pub(super) fn link(&mut self, side: Side, sequence: u64, hash: &[u8; 32], place: &[u8]) {
        let what = match side {
            Side::Owed => What::TrailGap,
            Side::There => What::TrailLeft,
        };
        let name = [&sequence.to_be_bytes()[..], hash];
        self.enter((Thing::Link, side), &name, 1, || About {
            what,
            place: place.to_vec(),
            key: None,
        });
    }
}
