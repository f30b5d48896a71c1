//! What is stored of the use of a space: for each month in which something happened, how many versions
//! there were when it last did, and what had been used by then. All else follows from the time that
//! has passed, so a clock may leap, and months without events take no room.

use std::collections::BTreeMap;

use crate::error::{ErrorCode, Result};
use crate::kms::KeyRecord;
use crate::model::{BillItem, CallClass, HostingClass, KeyState, Month, Space, Timestamp};
use crate::octets::{Reader, Writer};

const VERSION: u8 = 1;

/// Versions of advanced hardware keys beyond so many cost less.
const FIRST_TIER: u64 = 2000;

/// Quantities by line of the bill: version-seconds, or calls. None is zero.
pub(in crate::kms) type Usage = BTreeMap<BillItem, u64>;

/// The body of a meter's record: `01 | lp(account) | lp(region) | u32 n | n * month`, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::kms) struct MeterRecord {
    space: Space,
    months: Vec<Metered>,
}

/// A month, up to a moment in it: `as of u64 | versions: software u64, basic u64, advanced u64 | u8 n
/// | n * (item u8 | quantity u64)`, in the order of the items, no zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Metered {
    as_of: Timestamp,
    /// From that moment on.
    versions: [u64; 3],
    usage: Usage,
}

/// The versions of a key that are paid for: all, unless it awaits its deletion.
pub(in crate::kms) fn hosted(key: &KeyRecord) -> Option<(HostingClass, u64)> {
    let is_free = key.state == KeyState::PendingDeletion;
    let class = HostingClass::of(key.spec, key.level);
    (!is_free).then_some((class, key.versions.len() as u64))
}

impl Metered {
    /// The versions use up the time until then.
    fn pass_until(&mut self, moment: Timestamp) -> Result<()> {
        let seconds = moment.0.saturating_sub(self.as_of.0);
        let [software, basic, advanced] = self.versions;
        for (item, versions) in [
            (BillItem::HostingSoftware, software),
            (BillItem::HostingBasicHardware, basic),
            (BillItem::HostingAdvancedHardware, advanced.min(FIRST_TIER)),
            (BillItem::HostingAdvancedHardwareBeyond2000, advanced.saturating_sub(FIRST_TIER)),
        ] {
            let used = versions.checked_mul(seconds).ok_or(ErrorCode::StoreDamaged)?;
            self.add(item, used)?;
        }
        self.as_of = self.as_of.max(moment);
        Ok(())
    }

    fn add(&mut self, item: BillItem, more: u64) -> Result<()> {
        if more > 0 {
            let sum = self.usage.entry(item).or_default();
            *sum = sum.checked_add(more).ok_or(ErrorCode::StoreDamaged)?;
        }
        Ok(())
    }

    /// The start of a later month, in which nothing has happened yet.
    fn start_of(&self, month: Month) -> Self {
        Self { as_of: month.start(), versions: self.versions, usage: Usage::new() }
    }
}

impl MeterRecord {
    pub(super) const fn new(space: &Space) -> Self {
        Self { space: *space, months: Vec::new() }
    }

    /// From `now` on there are `more` versions, and `less`.
    pub(super) fn change(
        &mut self,
        now: Timestamp,
        class: HostingClass,
        more: u64,
        less: u64,
    ) -> Result<()> {
        let versions = self.at(now)?.versions.get_mut(class as usize).ok_or(ErrorCode::Internal)?;
        let next = versions.checked_add(more).and_then(|sum| sum.checked_sub(less));
        *versions = next.ok_or(ErrorCode::StoreDamaged)?;
        Ok(())
    }

    /// There have been so many calls.
    pub(super) fn add_calls(&mut self, now: Timestamp, class: CallClass, calls: u64) -> Result<()> {
        self.at(now)?.add(class.item(), calls)
    }

    /// The present month, up to now.
    fn at(&mut self, now: Timestamp) -> Result<&mut Metered> {
        // The clock never goes back behind a change; if it did, nothing would be used meanwhile.
        let now = self.months.last().map_or(now, |last| last.as_of.max(now));
        let month = Month::of(now);
        match self.months.last() {
            Some(last) if Month::of(last.as_of) == month => {}
            Some(last) => self.months.push(last.start_of(month)),
            None => self.months.push(Metered { as_of: now, ..Metered::default() }),
        }
        let last = self.months.last_mut().ok_or(ErrorCode::Internal)?;
        last.pass_until(now)?;
        Ok(last)
    }

    /// What has been used in a month, up to now.
    pub(in crate::kms) fn usage(&self, month: Month, now: Timestamp) -> Result<Usage> {
        let before = |metered: &&Metered| Month::of(metered.as_of) <= month;
        let Some(found) = self.months.iter().rev().find(before) else { return Ok(Usage::new()) };
        let mut metered = match Month::of(found.as_of) == month {
            true => found.clone(),
            false => found.start_of(month),
        };
        metered.pass_until(now.min(month.end()))?;
        Ok(metered.usage)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(VERSION).lp(self.space.account.as_bytes()).lp(self.space.region.as_bytes());
        writer.u32(self.months.len() as u32);
        for month in &self.months {
            writer.u64(month.as_of.0);
            for versions in month.versions {
                writer.u64(versions);
            }
            writer.u8(month.usage.len() as u8);
            for (item, quantity) in &month.usage {
                writer.u8(item.number()).u64(*quantity);
            }
        }
        writer.finish()
    }

    pub(in crate::kms) fn decode(body: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        if reader.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let space =
            Space::new(&reader.text()?, &reader.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
        let mut months = Vec::new();
        for _ in 0..reader.u32()? {
            let as_of = Timestamp(reader.u64()?);
            let versions = [reader.u64()?, reader.u64()?, reader.u64()?];
            let mut usage = Usage::new();
            for _ in 0..reader.u8()? {
                usage.insert(BillItem::from_number(reader.u8()?)?, reader.u64()?);
            }
            months.push(Metered { as_of, versions, usage });
        }
        reader.finish()?;
        Ok(Self { space, months })
    }
}

impl MeterRecord {
    /// Goes on where `before` ended, with the versions that there are now.
    pub(super) fn continue_from(self, mut before: Self, now: Timestamp) -> Result<Self> {
        for class in HostingClass::ALL {
            before.change(now, class, self.versions(class), before.versions(class))?;
        }
        Ok(before)
    }

    pub(in crate::kms) const fn space(&self) -> &Space {
        &self.space
    }

    /// How many versions of a class are paid for now.
    pub(in crate::kms) fn versions(&self, class: HostingClass) -> u64 {
        let last = self.months.last();
        last.and_then(|last| last.versions.get(class as usize)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn record() -> MeterRecord {
        MeterRecord::new(&Space::new("1", "cn-hongkong").unwrap())
    }

    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }

    fn is(record: &MeterRecord, text: &str, now: Timestamp, expected: &[(BillItem, u64)]) {
        let usage = record.usage(month(text), now).unwrap();
        assert_eq!(usage, expected.iter().copied().collect(), "{text}");
    }

    #[test]
    fn time_is_split_between_months() {
        use BillItem::{CallsAdvanced, HostingBasicHardware};
        let mut record = record();
        let (start, end) = (month("2024-02").start(), month("2024-02").end());
        record.change(Timestamp(end.0 - 10), HostingClass::BasicHardware, 2, 0).unwrap();
        is(&record, "2024-01", end, &[]);
        is(&record, "2024-02", Timestamp(end.0 - 10), &[]);
        is(&record, "2024-02", Timestamp(end.0 - 3), &[(HostingBasicHardware, 14)]);
        is(&record, "2024-02", end.plus(5), &[(HostingBasicHardware, 20)]);
        is(&record, "2024-03", end.plus(5), &[(HostingBasicHardware, 10)]);
        is(&record, "2024-03", Timestamp(0), &[]);
        // Nothing happens in March and April.
        let may = month("2024-05").start();
        record.change(may.plus(7), HostingClass::BasicHardware, 1, 2).unwrap();
        record.add_calls(may.plus(8), CallClass::Advanced, 9).unwrap();
        let june = month("2024-05").end();
        is(&record, "2024-02", june, &[(HostingBasicHardware, 20)]);
        is(&record, "2024-03", june, &[(HostingBasicHardware, 2 * 31 * DAY)]);
        is(&record, "2024-04", june, &[(HostingBasicHardware, 2 * 30 * DAY)]);
        let of_may = 2 * 7 + (31 * DAY - 7);
        is(&record, "2024-05", june, &[(HostingBasicHardware, of_may), (CallsAdvanced, 9)]);
        is(&record, "2024-05", may.plus(9), &[(HostingBasicHardware, 16), (CallsAdvanced, 9)]);
        assert_eq!(record.months.len(), 2);
        assert_eq!(MeterRecord::decode(&record.encode()), Ok(record.clone()));
        assert_eq!(start.plus(29 * DAY), end);
    }

    #[test]
    fn versions_beyond_2000_are_apart() {
        use BillItem::{HostingAdvancedHardware, HostingAdvancedHardwareBeyond2000};
        let mut record = record();
        let start = month("2024-02").start();
        for (after, more, less) in [(0, 1999, 0), (10, 3, 0), (30, 0, 1), (60, 0, 1), (100, 0, 2)] {
            record.change(start.plus(after), HostingClass::AdvancedHardware, more, less).unwrap();
        }
        // 1999 for 10 seconds, 2002 for 20, 2001 for 30, 2000 for 40, then 1998.
        let (first, beyond) = (1999 * 10 + 2000 * 90 + 1998 * 5, 2 * 20 + 30);
        let expected =
            [(HostingAdvancedHardware, first), (HostingAdvancedHardwareBeyond2000, beyond)];
        is(&record, "2024-02", start.plus(105), &expected);
        assert_eq!(record.versions(HostingClass::AdvancedHardware), 1998);
    }

    /// However often something happens in between, the same time is used.
    #[test]
    fn time_passes_once() {
        let (mut often, mut once) = (record(), record());
        let start = month("2024-02").start();
        for meter in [&mut often, &mut once] {
            meter.change(start, HostingClass::Software, 3, 0).unwrap();
        }
        for second in (0..100 * DAY).step_by(977) {
            often.add_calls(start.plus(second), CallClass::Basic, 1).unwrap();
        }
        for text in ["2024-02", "2024-03", "2024-04", "2024-05", "2024-06"] {
            let of = |meter: &MeterRecord| {
                let mut usage = meter.usage(month(text), start.plus(100 * DAY)).unwrap();
                usage.remove(&BillItem::CallsBasic);
                usage
            };
            assert_eq!(of(&often), of(&once), "{text}");
        }
    }

    #[test]
    fn what_does_not_add_up_is_damage() {
        let mut record = record();
        let fewer = record.change(Timestamp(1), HostingClass::Software, 0, 1);
        assert_eq!(fewer.map_err(|error| error.code()), Err(ErrorCode::StoreDamaged));
        record.change(Timestamp(1), HostingClass::Software, u64::MAX, 0).unwrap();
        let longer = record.usage(month("1970-01"), Timestamp(3));
        assert_eq!(longer.map_err(|error| error.code()), Err(ErrorCode::StoreDamaged));
    }

    #[test]
    fn a_clock_set_back_uses_nothing() {
        let mut record = record();
        let start = month("2024-02").start();
        record.change(start.plus(10), HostingClass::Software, 1, 0).unwrap();
        record.add_calls(start, CallClass::Basic, 1).unwrap();
        record.change(start.plus(20), HostingClass::Software, 0, 1).unwrap();
        let expected = [(BillItem::HostingSoftware, 10), (BillItem::CallsBasic, 1)];
        is(&record, "2024-02", start.plus(30), &expected);
    }
}
