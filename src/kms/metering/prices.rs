//! The price list of 2021 (API reference, chapter 16), without its line for service keys: they belong
//! to cloud products, and there are none here. All numbers are exact.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::kms::metering::Usage;
use crate::model::{BillItem, Currency, Partition, Region};

/// The seconds of a version-day.
const DAY: u128 = 86_400;

/// What a version costs for a day, or 10,000 calls cost in the mainland and outside, in thousandths.
#[rustfmt::skip]
const fn price(item: BillItem, currency: Currency, is_mainland: bool) -> u128 {
    use BillItem::{
        CallsAdvanced, CallsBasic, HostingAdvancedHardware, HostingAdvancedHardwareBeyond2000,
        HostingBasicHardware, HostingSoftware,
    };
    use Currency::{Cny, Usd};
    match (item, currency) {
        (HostingSoftware, Cny)                   =>  14,
        (HostingSoftware, Usd)                   =>   2,
        (HostingBasicHardware, Cny)              => 237,
        (HostingBasicHardware, Usd)              =>  33,
        (HostingAdvancedHardware, Cny)           => 593,
        (HostingAdvancedHardware, Usd)           =>  83,
        (HostingAdvancedHardwareBeyond2000, Cny) => 237,
        (HostingAdvancedHardwareBeyond2000, Usd) =>  33,
        (CallsBasic, Cny)    => if is_mainland {  600 } else {  214 },
        (CallsBasic, Usd)    => if is_mainland {   80 } else {   30 },
        (CallsAdvanced, Cny) => if is_mainland { 1800 } else { 1068 },
        (CallsAdvanced, Usd) => if is_mainland {  240 } else {  150 },
    }
}

/// By how many tenths finance and government clouds multiply all prices.
fn tenths(region: &Region) -> u128 {
    match region.partition {
        Partition::Finance => 19,
        Partition::Government => 20,
        Partition::Public => 10,
    }
}

/// Whether the item is time.
const fn is_hosting(item: BillItem) -> bool {
    !matches!(item, BillItem::CallsBasic | BillItem::CallsAdvanced)
}

/// A number with so many decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    value: u128,
    places: u32,
}

impl Decimal {
    /// A fraction in thousandths, rounded half up.
    const fn rounded(numerator: u128, denominator: u128) -> Self {
        let value = (2_000 * numerator + denominator) / (2 * denominator);
        Self { value, places: 3 }
    }

    /// Without the zeros at its end, down to thousandths.
    const fn short(mut self) -> Self {
        while self.places > 3 && self.value.is_multiple_of(10) {
            self = Self { value: self.value / 10, places: self.places - 1 };
        }
        self
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u128.pow(self.places);
        write!(f, "{}", self.value / one)?;
        match self.places as usize {
            0 => Ok(()),
            places => write!(f, ".{:0places$}", self.value % one),
        }
    }
}

/// As text: readers of JSON take numbers for binary fractions.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A line of a bill.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Line {
    /// Where it was used.
    pub region: &'static str,
    /// What.
    pub item: BillItem,
    /// How many version-days, rounded, or calls.
    pub quantity: Decimal,
    /// Of what.
    pub unit: &'static str,
    /// What one of them costs.
    pub unit_price: Decimal,
    /// What all cost: exact, and only then rounded half up to thousandths.
    pub amount: Decimal,
}

impl Line {
    fn new(region: &'static Region, item: BillItem, quantity: u64, currency: Currency) -> Self {
        let quantity = u128::from(quantity);
        // Thousandths times tenths.
        let price = price(item, currency, region.is_mainland()) * tenths(region);
        let (unit, per, places) = match is_hosting(item) {
            true => ("VersionDay", DAY, 4),
            false => ("Call", 10_000, 8),
        };
        Self {
            region: region.id,
            item,
            quantity: match is_hosting(item) {
                true => Decimal::rounded(quantity, DAY),
                false => Decimal { value: quantity, places: 0 },
            },
            unit,
            unit_price: Decimal { value: price, places }.short(),
            amount: Decimal::rounded(quantity * price, per * 10_000),
        }
    }
}

/// The bill of an account for a month.
pub(crate) struct Statement {
    currency: Currency,
    /// What is paid for, by region.
    pub lines: Vec<Line>,
}

impl Statement {
    pub(super) const fn new(currency: Currency) -> Self {
        Self { currency, lines: Vec::new() }
    }

    /// Adds what has been used in a region.
    pub(super) fn add(&mut self, region: &'static Region, usage: &Usage) {
        let line = |(item, quantity): (&BillItem, &u64)| {
            Line::new(region, *item, *quantity, self.currency)
        };
        let lines: Vec<_> = usage.iter().map(line).collect();
        self.lines.extend(lines);
    }

    /// The sum of the lines as they are shown.
    pub(crate) fn total(&self) -> Decimal {
        Decimal { value: self.lines.iter().map(|line| line.amount.value).sum(), places: 3 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(region: &str, item: BillItem, quantity: u64, currency: Currency) -> Line {
        Line::new(Region::find(region).unwrap(), item, quantity, currency)
    }

    #[test]
    fn the_list_in_every_zone() {
        use BillItem::{
            CallsAdvanced as CA, CallsBasic as CB, HostingAdvancedHardware as HA,
            HostingAdvancedHardwareBeyond2000 as HB, HostingBasicHardware as HH,
            HostingSoftware as HS,
        };
        let items = [HS, HH, HA, HB, CB, CA];
        #[rustfmt::skip]
        let rows = [
            ("cn-hangzhou", Currency::Cny, ["0.014", "0.237", "0.593", "0.237", "0.00006", "0.00018"]),
            ("cn-qingdao", Currency::Usd, ["0.002", "0.033", "0.083", "0.033", "0.000008", "0.000024"]),
            ("cn-hongkong", Currency::Cny, ["0.014", "0.237", "0.593", "0.237", "0.0000214", "0.0001068"]),
            ("us-east-1", Currency::Usd, ["0.002", "0.033", "0.083", "0.033", "0.000003", "0.000015"]),
            ("cn-hangzhou-finance", Currency::Cny, ["0.0266", "0.4503", "1.1267", "0.4503", "0.000114", "0.000342"]),
            ("cn-shenzhen-finance-1", Currency::Usd, ["0.0038", "0.0627", "0.1577", "0.0627", "0.0000152", "0.0000456"]),
            ("cn-north-2-gov-1", Currency::Cny, ["0.028", "0.474", "1.186", "0.474", "0.00012", "0.00036"]),
        ];
        for (region, currency, prices) in rows {
            let shown = items.map(|item| line(region, item, 1, currency).unit_price.to_string());
            assert_eq!(shown, prices, "{region} {currency}");
        }
    }

    #[test]
    fn amounts_are_rounded_half_up_at_the_line() {
        // 0.00006 CNY each.
        for (calls, amount) in [(8, "0.000"), (9, "0.001"), (25, "0.002"), (1_000_000, "60.000")] {
            let line = line("cn-beijing", BillItem::CallsBasic, calls, Currency::Cny);
            assert_eq!(
                (line.amount.to_string(), line.quantity.to_string()),
                (amount.into(), calls.to_string())
            );
        }
        // 3 seconds more than an eighth of a day at 0.014 are 0.0017505.
        let line = line("cn-beijing", BillItem::HostingSoftware, 10_803, Currency::Cny);
        assert_eq!(
            (line.amount.to_string().as_str(), line.quantity.to_string().as_str()),
            ("0.002", "0.125")
        );
        let region = Region::find("cn-beijing").unwrap();
        let mut statement = Statement::new(Currency::Cny);
        assert_eq!(statement.total().to_string(), "0.000");
        for item in [BillItem::CallsBasic, BillItem::CallsAdvanced] {
            statement.add(region, &Usage::from([(item, 9)]));
        }
        // 0.00054 and 0.00162.
        assert_eq!(statement.total().to_string(), "0.003");
    }
}
