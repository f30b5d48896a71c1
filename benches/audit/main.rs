//! What the audit trail costs, and permission: `make bench-audit`. All in processor time, which a busy
//! machine does not spoil; of whole calls it is the whole process's, with what its recorder does.
#![allow(missing_docs)]

mod calls;
mod clock;
mod events;

fn main() {
    events::parts();
    calls::audited();
    calls::permitted();
}
