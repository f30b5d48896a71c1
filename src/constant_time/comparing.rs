//! Comparing; and the controls, which do what nothing else here may.
#![forbid(unsafe_code)]

use std::hint::black_box;

use super::{Subject, demand, public, revealed, secret};
use crate::error::Result;

/// Without these the proof would not be known to see anything.
pub(super) const CONTROLS: &[Subject] = &[
    Subject::leaking(
        "a comparison that ends at the first difference",
        "a control: it branches on secrets",
        || {
            let is_equal = ends_early(&secret::<32>(1), &public::<32>(1));
            demand(revealed([u8::from(is_equal)]) == [1])
        },
    ),
    Subject::leaking(
        "a table that is looked up by a secret",
        "a control: its addresses are secret",
        || {
            let (table, [index]) = (public::<256>(0), secret::<1>(7));
            let found = table.get(usize::from(index)).copied().unwrap_or_default();
            demand(revealed([found]) == [7u8.wrapping_mul(29)])
        },
    ),
];

pub(super) const SUBJECTS: &[Subject] = &[
    Subject::clean("secret::eq, equal", || compared(true)),
    Subject::clean("secret::eq, different", || compared(false)),
];

/// Lengths of a tag, a MAC and a token, and one between whole words.
fn compared(equal: bool) -> Result<()> {
    same::<16>(equal).and(same::<32>(equal)).and(same::<57>(equal)).and(same::<7>(equal))
}

fn same<const N: usize>(equal: bool) -> Result<()> {
    for at in 0..N {
        let (ours, mut theirs) = (secret::<N>(3), public::<N>(3));
        for byte in theirs.iter_mut().skip(at).take(usize::from(!equal)) {
            *byte ^= 0x10;
        }
        demand(crate::secret::eq(&ours, &theirs) == equal)?;
    }
    Ok(())
}

#[inline(never)]
fn ends_early(ours: &[u8], theirs: &[u8]) -> bool {
    ours.iter().zip(theirs).all(|(a, b)| black_box(*a) == black_box(*b))
}
