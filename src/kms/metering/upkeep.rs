//! Keeping meters up with what changes, and reading them.

use crate::error::Result;
use crate::hsm::{Keyring, Place, RecordKind};
use crate::kms::metering::calls::Deltas;
use crate::kms::metering::record::hosted;
use crate::kms::metering::{MeterRecord, Statement};
use crate::kms::transaction::Body;
use crate::kms::{KeyRecord, Kms, Transaction, places};
use crate::model::{Account, Currency, Month, REGIONS, Region, Space};

impl Transaction<'_> {
    /// Meters the versions of a key that change.
    pub(in crate::kms) fn meter_versions(
        &mut self,
        space: &Space,
        old: Option<&KeyRecord>,
        new: Option<&KeyRecord>,
    ) -> Result<()> {
        let (before, after) = (old.and_then(hosted), new.and_then(hosted));
        if before == after {
            return Ok(());
        }
        let now = self.now();
        self.change_meter(space, |meter| {
            if let Some((class, less)) = before {
                meter.change(now, class, 0, less)?;
            }
            if let Some((class, more)) = after {
                meter.change(now, class, more, 0)?;
            }
            Ok(())
        })
    }

    /// Adds calls to the meters of their spaces.
    pub(in crate::kms) fn add_calls(&mut self, deltas: &Deltas) -> Result<()> {
        let now = self.now();
        for (space, class, calls) in &deltas.0 {
            self.change_meter(space, |meter| meter.add_calls(now, *class, *calls))?;
        }
        Ok(())
    }

    /// Has a space go on metering where the record with this body ended, with the versions that there are
    /// now.
    pub(in crate::kms) fn continue_metering(&mut self, body: &[u8]) -> Result<()> {
        let (before, now) = (MeterRecord::decode(body)?, self.now());
        let space = *before.space();
        self.change_meter(&space, |meter| {
            let present = std::mem::replace(meter, MeterRecord::new(&space));
            *meter = present.continue_from(before, now)?;
            Ok(())
        })
    }

    fn change_meter(
        &mut self,
        space: &Space,
        change: impl FnOnce(&mut MeterRecord) -> Result<()>,
    ) -> Result<()> {
        let (id, storage_key) = places::meter(self.keyring(), space)?;
        let place = meter_place(&id, &storage_key);
        let mut meter = match self.current(&storage_key)? {
            Some(record) => opened(self.keyring(), &place, &record)?,
            None => MeterRecord::new(space),
        };
        change(&mut meter)?;
        self.put(&place, Body::Clear(&meter.encode()))
    }
}

impl Kms {
    /// What an account has used in a month in all regions, up to now.
    pub(in crate::kms) fn statement(
        &self,
        account: &Account,
        month: Month,
        currency: Currency,
    ) -> Result<Statement> {
        self.flush_if_writable()?;
        self.look(|| self.statement_of(account, month, currency))
    }

    fn statement_of(
        &self,
        account: &Account,
        month: Month,
        currency: Currency,
    ) -> Result<Statement> {
        let keyring = self.hsm.keyring()?;
        let meter = |region: &'static Region| places::meter(&keyring, &Space::of(*account, region));
        let meters: Vec<_> = REGIONS.iter().map(meter).collect::<Result<_>>()?;
        let keys: Vec<_> = meters.iter().map(|(_, storage_key)| storage_key.as_slice()).collect();
        let found = self.store.get(&keys)?;
        let mut statement = Statement::new(currency);
        for (((id, storage_key), entry), region) in meters.iter().zip(found).zip(REGIONS) {
            let Some(entry) = entry else { continue };
            let record = opened(&keyring, &meter_place(id, storage_key), &entry.value)?;
            statement.add(region, &record.usage(month, self.now())?);
        }
        Ok(statement)
    }
}

fn opened(keyring: &Keyring, place: &Place<'_>, record: &[u8]) -> Result<MeterRecord> {
    MeterRecord::decode(&keyring.open_record(place, record)?)
}

const fn meter_place<'a>(id: &'a [u8; 16], storage_key: &'a [u8]) -> Place<'a> {
    Place { kind: RecordKind::Meter, id, storage_key, immutables: &[] }
}
