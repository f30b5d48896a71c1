//! File systems that keep no locks are refused, with the reason.

use crate::injector::{self, Fault};
use crate::world::{CLOSED, Open, START, World};

pub fn refused(world: &World) {
    let place = world.copy(CLOSED, "unlocked");
    // ENOLCK, EOPNOTSUPP.
    for at in [0, 1] {
        injector::arm(&place, at, Fault::NoLocks);
        let refused = Open::at(&place, START).err();
        injector::disarm();
        let refused = refused.unwrap();
        assert_eq!(refused.code().wire_code(), "Store.UnsupportedFilesystem");
        assert!(refused.to_string().contains("keeps no locks"), "{refused}");
    }
    world.look(&place, START);
}
