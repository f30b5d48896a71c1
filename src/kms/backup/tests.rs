//! What a backup says of a store that is not whole.

use super::*;
use crate::error::Result;
use crate::keystore::Batch;
use crate::kms::record::sample;
use crate::kms::{Kms, Options, places};

fn back_up(kms: &Kms) -> Result<Manifest> {
    let folder = tempfile::tempdir().unwrap();
    let shares = Some(Quorum { threshold: 2, count: 2 });
    let request = BackupRequest { shares, ..BackupRequest::default() };
    let request = BackupRequest { include_imported: true, ..request };
    let mut calls = 0;
    let created =
        kms.create_backup(&folder.path().join("backup"), &request, &mut |_, _| calls += 1);
    assert!(created.is_err() || calls > 0);
    created.map(|created| created.manifest)
}

fn lose(kms: &Kms, storage_key: Vec<u8>) {
    kms.store.commit(Batch { deletes: vec![storage_key], ..Batch::default() }).unwrap();
}

/// Records that are missing are told of where nothing else misses them; otherwise there is no backup.
#[test]
fn damage_to_the_store_is_not_hidden() {
    let kms = Kms::in_memory(Options::default()).unwrap();
    let key = sample();
    kms.change(|change| {
        change.put_empty_version(&key, key.versions[0])?;
        change.put_key(None, &key)
    })
    .unwrap();
    let manifest = back_up(&kms).unwrap();
    assert!(manifest.complete);
    assert_eq!((manifest.counts.keys, manifest.counts.versions), (1, 1));
    let meter = places::meter(&kms.hsm.keyring().unwrap(), &key.space).unwrap().1;
    lose(&kms, meter);
    assert!(!back_up(&kms).unwrap().complete);
    lose(&kms, places::version(&key.versions[0].id));
    assert_eq!(back_up(&kms).unwrap_err().code(), ErrorCode::StoreDamaged);
}
