//! What a walk reports.

use serde::Serialize;

use crate::model::KeyId;

/// How many findings are named.
const MOST: usize = 1000;

/// What a walk through a store has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    /// Sealed records that are there.
    pub records: u64,
    /// Keys among them that could be read.
    pub keys: u64,
    /// Events of the audit trail that could be read.
    pub events: u64,
    /// The change up to which the store was looked at.
    pub generation: u64,
    /// The line of changes that it belongs to, in hexadecimal.
    pub lineage: String,
    /// Whether the walk came to its end.
    pub complete: bool,
    /// How many findings there are; after an interruption, so far.
    pub found: u64,
    /// The first thousand of them.
    pub findings: Vec<Finding>,
}

/// Something that is not as the library has written it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Finding {
    /// What is wrong, and what that means.
    pub what: &'static str,
    /// Where: the storage key in hexadecimal, empty for the store as a whole.
    #[serde(rename = "Where")]
    pub place: String,
    /// The key that it concerns, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Report {
    /// Adds a finding, if there is room.
    pub(super) fn find(&mut self, finding: Finding) {
        self.found += 1;
        if self.findings.len() < MOST {
            self.findings.push(finding);
        }
    }
}

impl Finding {
    pub(super) fn new(what: What, place: &[u8], key: Option<KeyId>) -> Self {
        let place = place.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { what: what.as_str(), place, key: key.map(|id| id.to_string()) }
    }
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    File,
    Preamble,
    Slot,
    Slots,
    Root,
    Header,
    Records,
    Sealed,
    Formed,
    TooNew,
    Unknown,
    Misplaced,
    Revived,
    VersionMissing,
    VersionTwice,
    Material,
    PairMissing,
    PairOfAnother,
    Orphan,
    EntryMissing,
    EntryLeft,
    Counters,
    Metered,
    AliasCount,
    AliasOfNone,
    DueEarly,
    BeyondSequence,
    PolicyMissing,
    PolicyVersion,
    AccessKeyMissing,
    AccessKeyOfNone,
    TrailGap,
    TrailLeft,
    Checkpoint,
    CheckpointMissing,
    Signature,
    Identity,
}

impl What {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::File => "The database cannot be read here: what follows was not looked at.",
            Self::Preamble => "The preamble is not that of this store: it will not open again.",
            Self::Slot => "An unlock slot is not in the form of one: its secret opens nothing.",
            Self::Slots => {
                "The unlock slots are not those in the header: one was put back, removed or changed."
            }
            Self::Root => {
                "The root record does not hold the store's master key: it will not open again."
            }
            Self::Header => "The header does not open: nothing vouches for the records.",
            Self::Records => {
                "The records are not those in the header: some were changed, removed, added or put \
                 back from outside."
            }
            Self::Sealed => {
                "The record does not open: it is damaged, or was put here from another place or store."
            }
            Self::Formed => "The record opens, but what is in it cannot be read.",
            Self::TooNew => "A newer version of this library has written it.",
            Self::Unknown => "Nothing of a store has this storage key.",
            Self::Misplaced => "What the record says belongs to another storage key.",
            Self::Revived => "The record of a key that was destroyed is back.",
            Self::VersionMissing => {
                "A version of the key is missing: what was done with it cannot be undone or verified."
            }
            Self::VersionTwice => "More than one key has this version or wrapping pair.",
            Self::Material => "The key and its version do not say the same of its material.",
            Self::PairMissing => {
                "A wrapping pair of the key is missing: its tokens import nothing."
            }
            Self::PairOfAnother => "The wrapping pair is not as its key says.",
            Self::Orphan => "No key has this version or wrapping pair.",
            Self::EntryMissing => {
                "An entry of an index, a list or the agenda is missing: what it leads to is not found \
                 by it."
            }
            Self::EntryLeft => {
                "An entry of an index, a list or the agenda leads where nothing belongs."
            }
            Self::Counters => {
                "The counters are not those of the keys, versions and aliases there are."
            }
            Self::Metered => "The meter does not have as many versions as are paid for.",
            Self::AliasCount => "The key counts more aliases than name it.",
            Self::AliasOfNone => "The alias names no key, or one that does not count it.",
            Self::DueEarly => "The key falls due before anybody looks: what is due is done late.",
            Self::BeyondSequence => {
                "Its place in the order of creation has not been given out yet."
            }
            Self::PolicyMissing => "A policy that the user has is missing: the user is refused.",
            Self::PolicyVersion => "The version of the policy that is in force is missing.",
            Self::AccessKeyMissing => "An access key of the user is missing: it opens nothing.",
            Self::AccessKeyOfNone => "No user has this access key.",
            Self::TrailGap => {
                "The audit trail does not come to this point: events are missing or others."
            }
            Self::TrailLeft => {
                "From this point the audit trail does not go on: events are missing or others."
            }
            Self::Checkpoint => "The checkpoint does not fit the audit trail.",
            Self::CheckpointMissing => "The last checkpoint of the audit trail is missing.",
            Self::Signature => "The checkpoint was not signed by the store's identity key.",
            Self::Identity => {
                "The identity key cannot be used: checkpoints cannot be verified or signed."
            }
        }
    }
}
