//! What records demand, held against what is there: each thing enters on both sides, and the sides must be
//! equal as multisets, of which only a sum is kept. Where the sums differ, a second and a third look find
//! which things they are, in a memory that does not depend on how many there are.

use std::collections::HashMap;

use super::finding::What;
use super::sum::Sum;
use crate::crypto::digest::sha256_parts;
use crate::model::KeyId;

/// The sums by the first bytes of digests.
const SORTS: usize = 1 << 14;

/// Of so many sorts at most things are told apart.
const MOST_SORTS: usize = 500;

/// A thing that two must agree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Thing {
    /// An entry of an index, a list or the agenda: its storage key and value.
    Entry = 1,
    /// A version or a wrapping pair: the storage key and the term of its record.
    Part = 2,
    /// An access key: its storage key, account, user and the user's number.
    AccessKey = 3,
    /// One of what a space counts: account, region, counter.
    Counted = 4,
    /// An alias: its key, account and region.
    Alias = 5,
    /// A version that is paid for: account, region, class.
    Hosted = 6,
    /// A point of the trail that one segment leads to and the next begins at: number and hash.
    Link = 7,
}

/// Which side a thing enters on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A record demands it.
    Owed,
    /// It is there.
    There,
}

/// What is said of a thing that is on one side only.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) what: What,
    pub(super) place: Vec<u8>,
    pub(super) key: Option<KeyId>,
}

/// A thing by its name: how often it is owed more than it is there, and what is said of it on either side.
#[derive(Default)]
pub(super) struct Named {
    count: i128,
    owed: Option<About>,
    there: Option<About>,
}

impl Named {
    /// What is said on the side that has more.
    fn about(self) -> Option<About> {
        match self.count > 0 {
            true => self.owed.or(self.there),
            false => self.there.or(self.owed),
        }
    }
}

/// The books of a walk, or a part of them.
pub(super) enum Books {
    /// The sum of what is owed less that of what is there.
    Total(Sum),
    /// The same by sorts of digests.
    Sorted(Vec<Sum>),
    /// The things of some sorts, each with how often it is owed more than it is there.
    Named(Vec<bool>, HashMap<[u8; 32], Named>),
}

impl Books {
    pub(super) fn sorted() -> Self {
        Self::Sorted(vec![Sum::default(); SORTS])
    }

    /// Books that name the things of those sorts that do not come to nothing.
    pub(super) fn named(&self) -> Self {
        let mut left = MOST_SORTS;
        let mut is_wanted = |sum: &Sum| {
            let wanted = *sum != Sum::default() && left > 0;
            left -= usize::from(wanted);
            wanted
        };
        let wanted = match self {
            Self::Sorted(sums) => sums.iter().map(&mut is_wanted).collect(),
            _ => Vec::new(),
        };
        Self::Named(wanted, HashMap::new())
    }

    /// Empty ones of the same kind.
    pub(super) fn blank(&self) -> Self {
        match self {
            Self::Total(_) => Self::Total(Sum::default()),
            Self::Sorted(_) => Self::sorted(),
            Self::Named(wanted, _) => Self::Named(wanted.clone(), HashMap::new()),
        }
    }

    /// Whether the first look is taken, at which everything is opened.
    pub(super) const fn is_first(&self) -> bool {
        matches!(self, Self::Total(_))
    }

    /// What has been entered since this was last asked.
    pub(super) fn take_total(&mut self) -> Sum {
        match self {
            Self::Total(sum) => std::mem::take(sum),
            _ => Sum::default(),
        }
    }

    /// What is said of the things that are on one side only.
    pub(super) fn differences(self) -> Vec<About> {
        match self {
            Self::Named(_, names) => names.into_values().filter_map(Named::about).collect(),
            _ => Vec::new(),
        }
    }

    /// Adds what others have entered.
    pub(super) fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::Total(sum), Self::Total(other)) => sum.add(&other),
            (Self::Sorted(sums), Self::Sorted(others)) => {
                sums.iter_mut().zip(&others).for_each(|(sum, other)| sum.add(other));
            }
            (Self::Named(_, names), Self::Named(_, others)) => {
                for (digest, Named { count, owed, there }) in others {
                    let named = names.entry(digest).or_default();
                    named.count += count;
                    named.owed = named.owed.take().or(owed);
                    named.there = named.there.take().or(there);
                    if named.count == 0 {
                        names.remove(&digest);
                    }
                }
            }
            _ => {}
        }
    }

    /// Enters a thing so many times. `secret` is the walk's own: nobody can make up things that add up to
    /// others. No digest leaves the walk, so a prefix makes SHA-256 a function that nobody else can compute.
    pub(super) fn enter(
        &mut self,
        secret: &[u8; 32],
        (thing, side): (Thing, Side),
        name: &[&[u8]],
        count: u64,
        about: impl FnOnce() -> About,
    ) {
        if count == 0 {
            return;
        }
        let mut text = [0; 192];
        let mut rest = &mut text[..];
        let mut written = write(&mut rest, &[thing as u8]);
        for part in name {
            // Every part is short: an account, a region, a storage key, a number.
            written &=
                write(&mut rest, &(part.len() as u32).to_be_bytes()) && write(&mut rest, part);
        }
        let left = rest.len();
        let digest = match written {
            true => sha256_parts(&[secret, text.get(..text.len() - left).unwrap_or_default()]),
            false => long_digest(secret, thing, name),
        };
        match self {
            Self::Total(sum) => apply(sum, side, &digest, count),
            Self::Sorted(sums) => {
                if let Some(sum) = sums.get_mut(sort(&digest)) {
                    apply(sum, side, &digest, count);
                }
            }
            Self::Named(wanted, names) => {
                if wanted.get(sort(&digest)) == Some(&true) {
                    let named = names.entry(digest).or_default();
                    let (about_side, count) = match side {
                        Side::Owed => (&mut named.owed, i128::from(count)),
                        Side::There => (&mut named.there, -i128::from(count)),
                    };
                    about_side.get_or_insert_with(about);
                    named.count += count;
                    if named.count == 0 {
                        names.remove(&digest);
                    }
                }
            }
        }
    }
}

fn write(rest: &mut &mut [u8], bytes: &[u8]) -> bool {
    match std::mem::take(rest).split_at_mut_checked(bytes.len()) {
        Some((place, behind)) => {
            place.copy_from_slice(bytes);
            *rest = behind;
            true
        }
        None => false,
    }
}

fn long_digest(secret: &[u8; 32], thing: Thing, name: &[&[u8]]) -> [u8; 32] {
    let mut writer = crate::octets::Writer::default();
    writer.raw(secret).u8(thing as u8);
    for part in name {
        writer.lp(part);
    }
    sha256_parts(&[&writer.finish()])
}

fn sort(digest: &[u8; 32]) -> usize {
    let [first, second, ..] = digest;
    (usize::from(*first) << 8 | usize::from(*second)) % SORTS
}

fn apply(sum: &mut Sum, side: Side, digest: &[u8; 32], count: u64) {
    let term = Sum::from_bytes(digest).times(count);
    match side {
        Side::Owed => sum.add(&term),
        Side::There => sum.subtract(&term),
    }
}
