//! Whether a history of calls is one of calls that took effect one after the other, each between its
//! beginning and its end (Herlihy and Wing: linearizability; the search is that of Wing and Gong). Calls of
//! killed processes have taken effect before the process was gone, or never.

use std::collections::BTreeSet;

/// What a key, or an alias, is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct State {
    pub is_enabled: bool,
    pub value: u64,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Enable(bool),
    Set(u64),
    Read,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    pub ask: Ask,
    pub start: u64,
    pub end: u64,
    /// What was read, of a read that was answered.
    pub seen: Option<State>,
    /// False if nobody was answered: the process was gone at the end.
    pub is_answered: bool,
}

/// A possible present: the state, and which of the calls under way have taken effect.
type Present = (State, BTreeSet<usize>);

/// The call that cannot have been answered so, if there is one.
pub fn contradiction(first: &State, calls: &[Call]) -> Option<Call> {
    // Of two moments that are the same, beginnings come first: then the calls overlap.
    let mut moments: Vec<(u64, bool, usize)> = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        moments.extend([(call.start, false, number), (call.end, true, number)]);
    }
    moments.sort_unstable();
    let mut under_way = BTreeSet::new();
    let mut presents = BTreeSet::from([(first.clone(), BTreeSet::new())]);
    for (_, is_end, number) in moments {
        if !is_end {
            under_way.insert(number);
            continue;
        }
        presents = closure(presents, &under_way, calls);
        if calls[number].is_answered {
            presents.retain(|(_, done)| done.contains(&number));
        }
        if presents.is_empty() {
            return Some(calls[number].clone());
        }
        under_way.remove(&number);
        presents = presents
            .into_iter()
            .map(|(state, mut done)| {
                done.remove(&number);
                (state, done)
            })
            .collect();
    }
    None
}

/// All presents that calls under way can have brought about, in whatever order.
fn closure(
    presents: BTreeSet<Present>,
    under_way: &BTreeSet<usize>,
    calls: &[Call],
) -> BTreeSet<Present> {
    let mut all = presents.clone();
    let mut new: Vec<Present> = presents.into_iter().collect();
    while let Some((state, done)) = new.pop() {
        for number in under_way.difference(&done) {
            let Some(next) = effect(&state, &calls[*number]) else { continue };
            let mut done = done.clone();
            done.insert(*number);
            if all.insert((next.clone(), done.clone())) {
                new.push((next, done));
            }
        }
    }
    all
}

/// The state after the call, if it can have been answered as it was.
fn effect(state: &State, call: &Call) -> Option<State> {
    match (call.ask, &call.seen) {
        (Ask::Enable(is_enabled), _) => Some(State { is_enabled, ..state.clone() }),
        (Ask::Set(value), _) => Some(State { value, ..state.clone() }),
        (Ask::Read, Some(seen)) => (seen == state).then(|| state.clone()),
        (Ask::Read, None) => Some(state.clone()),
    }
}

/// Histories that are known to be right or wrong.
mod known {
    use super::*;

    const FIRST: State = State { is_enabled: true, value: 0 };

    fn set(value: u64, start: u64, end: u64) -> Call {
        Call { ask: Ask::Set(value), start, end, seen: None, is_answered: true }
    }

    fn read(value: u64, start: u64, end: u64) -> Call {
        let seen = Some(State { value, ..FIRST });
        Call { ask: Ask::Read, start, end, seen, is_answered: true }
    }

    fn killed(call: Call) -> Call {
        Call { is_answered: false, ..call }
    }

    fn is_linear(calls: &[Call]) -> bool {
        contradiction(&FIRST, calls).is_none()
    }

    #[test]
    fn right_histories() {
        assert!(is_linear(&[]));
        assert!(is_linear(&[set(1, 0, 1), read(1, 2, 3)]));
        // Under way at the same time: either may be first.
        assert!(is_linear(&[set(1, 0, 9), read(0, 1, 2), read(1, 3, 4)]));
        assert!(is_linear(&[set(1, 0, 9), set(2, 0, 9), read(1, 10, 11)]));
        assert!(is_linear(&[set(1, 0, 9), set(2, 0, 9), read(2, 1, 2), read(1, 3, 4)]));
        // Killed: it has happened, or not.
        assert!(is_linear(&[killed(set(1, 0, 9)), read(1, 10, 11)]));
        assert!(is_linear(&[killed(set(1, 0, 9)), read(0, 10, 11)]));
        assert!(is_linear(&[killed(set(1, 0, 9)), set(2, 1, 2), read(2, 10, 11)]));
        let off = Call { ask: Ask::Enable(false), ..set(0, 0, 1) };
        let seen = Some(State { is_enabled: false, value: 0 });
        assert!(is_linear(&[off, Call { seen, ..read(0, 2, 3) }]));
    }

    #[test]
    fn wrong_histories() {
        // A lost change, a change before it was asked for, a value out of nowhere.
        assert!(!is_linear(&[set(1, 0, 1), read(0, 2, 3)]));
        assert!(!is_linear(&[read(1, 0, 1), set(1, 2, 3)]));
        assert!(!is_linear(&[read(7, 0, 1)]));
        // A change that is seen, and then not any more.
        assert!(!is_linear(&[set(1, 0, 9), read(1, 1, 2), read(0, 3, 4)]));
        assert!(!is_linear(&[set(1, 0, 1), set(2, 2, 3), read(1, 4, 5)]));
        // Two readers that see two changes in different orders.
        let orders = [set(1, 0, 9), set(2, 0, 9), read(1, 1, 2), read(2, 3, 4), read(1, 5, 6)];
        assert!(!is_linear(&orders));
        // One that happens after its process is gone, or comes and goes.
        assert!(!is_linear(&[killed(set(1, 0, 5)), read(0, 6, 7), read(1, 8, 9)]));
        assert!(!is_linear(&[killed(set(1, 0, 9)), read(1, 1, 2), read(0, 3, 4)]));
        let off = Call { ask: Ask::Enable(false), ..set(0, 0, 1) };
        assert!(!is_linear(&[off, read(0, 2, 3)]));
    }
}
