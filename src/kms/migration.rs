//! Stores of older releases. One change brings a store into the present format, so a process that is killed
//! has done it or not; a process of the older release that has it open answers
//! [`StoreTooNew`](crate::error::ErrorCode::StoreTooNew) from then on.
//!
//! Format 2 knows in its header how often the root key was replaced, which unlock slots there are, and how
//! far rotation of the domain key has come.

use crate::error::Result;
use crate::kms::open::FORMAT;
use crate::kms::trail::Deed;
use crate::kms::{Kms, Transaction, places, slots};
use crate::octets::Writer;

impl Kms {
    /// Brings a store of format 1 into the present one, unless another process has done so meanwhile.
    pub(super) fn migrate(&self) -> Result<()> {
        self.change(|transaction| match transaction.header.is_of_first_format() {
            true => transaction.migrate(),
            false => Ok(()),
        })
    }
}

impl Transaction<'_> {
    fn migrate(&mut self) -> Result<()> {
        let preamble = Writer::default().u8(FORMAT).raw(self.keyring().store()).finish();
        self.enter(places::PREAMBLE.to_vec(), preamble);
        self.header.slots = Some(slots::digest(&self.slots()?));
        // How old the domain key is was not written down.
        self.header.rotated = self.now();
        self.record_of_store(Deed::MigrateStore, 1)
    }
}
