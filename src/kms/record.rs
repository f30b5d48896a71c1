//! What is stored of a customer master key, and its encoding.

use crate::error::{ErrorCode, Result};
use crate::model::{
    KeyId, KeySpec, KeyState, KeyUsage, KeyVersionId, Origin, ProtectionLevel, Space, Timestamp,
};
use crate::octets::{Reader, Writer};
use crate::policy::KeyPolicy;

const VERSION: u8 = 1;

/// A customer master key: all but its material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The account and region it belongs to.
    pub space: Space,
    /// Its name.
    pub id: KeyId,
    /// Its kind.
    pub spec: KeySpec,
    /// What it may be used for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// How its material is held.
    pub level: ProtectionLevel,
    /// Its place in the order of creation of its space.
    pub seq: u64,
    /// When it was created.
    pub created: Timestamp,
    /// Its state, as last written.
    pub state: KeyState,
    /// Up to 8192 characters of the owner's.
    pub description: String,
    /// Its versions, oldest first; the last one encrypts.
    pub versions: Vec<Version>,
    /// When a PendingDeletion key is destroyed.
    pub delete_date: Option<Timestamp>,
    /// When imported material expires.
    pub material_expires: Option<Timestamp>,
    /// Whether the material of an EXTERNAL key is there; always so for others.
    pub has_material: bool,
    /// Identifies the first imported material.
    pub fingerprint: Option<[u8; 32]>,
    /// Seconds between automatic rotations.
    pub rotation_interval: Option<u64>,
    /// Whether it is protected from deletion, and the owner's reason.
    pub deletion_protection: Option<String>,
    /// Pairs of tag key and value, sorted.
    pub tags: Vec<(String, String)>,
    /// How many aliases name it.
    pub aliases: u32,
    /// The wrapping pairs whose tokens may still come back, and until when.
    pub wrapping_pairs: Vec<([u8; 16], Timestamp)>,
    /// Its own policy, if it has been given one.
    pub policy: Option<String>,
}

/// One version of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its name.
    pub id: KeyVersionId,
    /// When it was created.
    pub created: Timestamp,
}

impl KeyRecord {
    /// The version that encrypts.
    pub fn primary(&self) -> Result<Version> {
        self.versions.last().copied().ok_or_else(|| ErrorCode::StoreDamaged.into())
    }

    /// Its own policy, if it has been given one.
    pub(super) fn key_policy(&self) -> Result<Option<KeyPolicy>> {
        // It was understood when it was written.
        let policy = self.policy.as_deref().map(KeyPolicy::parse).transpose();
        policy.map_err(|_| ErrorCode::StoreDamaged.into())
    }

    /// What may never change about a key, bound to each of its versions: account, region, key id,
    /// spec, usage, origin, protection level, each as `lp()`.
    pub fn immutables(&self) -> Vec<u8> {
        Writer::default()
            .lp(self.space.account.as_bytes())
            .lp(self.space.region.as_bytes())
            .lp(self.id.as_bytes())
            .lp(self.spec.as_str().as_bytes())
            .lp(self.usage.as_str().as_bytes())
            .lp(self.origin.as_str().as_bytes())
            .lp(self.level.as_str().as_bytes())
            .finish()
    }

    /// The body of the key's record.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.u8(VERSION);
        w.lp(self.space.account.as_bytes()).lp(self.space.region.as_bytes());
        w.u8(self.spec.number()).u8(self.usage.number()).u8(self.origin.number());
        w.u8(self.level.number()).u64(self.seq).u64(self.created.0).u8(self.state.number());
        w.lp(self.description.as_bytes());
        w.u32(self.versions.len() as u32);
        for version in &self.versions {
            w.raw(version.id.as_bytes()).u64(version.created.0);
        }
        let time = |time: Option<Timestamp>| time.map_or(0, |time| time.0);
        w.u64(time(self.delete_date)).u64(time(self.material_expires));
        w.u8(u8::from(self.has_material));
        w.lp(self.fingerprint.as_ref().map_or(&[], |print| &print[..]));
        w.u64(self.rotation_interval.unwrap_or(0));
        match &self.deletion_protection {
            Some(reason) => w.u8(1).lp(reason.as_bytes()),
            None => w.u8(0).lp(&[]),
        };
        w.u32(self.tags.len() as u32);
        for (key, value) in &self.tags {
            w.lp(key.as_bytes()).lp(value.as_bytes());
        }
        w.u32(self.aliases).u32(self.wrapping_pairs.len() as u32);
        for (id, not_after) in &self.wrapping_pairs {
            w.raw(id).u64(not_after.0);
        }
        w.lp(self.policy.as_ref().map_or(&[], |policy| policy.as_bytes()));
        w.finish()
    }

    /// The key in the body of the record of `id`.
    pub fn decode(id: KeyId, body: &[u8]) -> Result<Self> {
        let mut r = Reader::new(body);
        if r.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let space = Space::new(&r.text()?, &r.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
        let spec = KeySpec::from_number(r.u8()?)?;
        let usage = KeyUsage::from_number(r.u8()?)?;
        let origin = Origin::from_number(r.u8()?)?;
        let level = ProtectionLevel::from_number(r.u8()?)?;
        let seq = r.u64()?;
        let created = Timestamp(r.u64()?);
        let state = KeyState::from_number(r.u8()?)?;
        let description = r.text()?;
        let versions = list(&mut r, |r| {
            Ok(Version { id: KeyVersionId::from_bytes(r.array()?), created: Timestamp(r.u64()?) })
        })?;
        let delete_date = time(r.u64()?);
        let material_expires = time(r.u64()?);
        let has_material = flag(r.u8()?)?;
        let fingerprint = match r.lp()? {
            [] => None,
            print => Some(print.try_into().map_err(|_| ErrorCode::StoreDamaged)?),
        };
        let rotation_interval = Some(r.u64()?).filter(|seconds| *seconds != 0);
        let is_protected = flag(r.u8()?)?;
        let deletion_protection = Some(r.text()?).filter(|_| is_protected);
        let tags = list(&mut r, |r| Ok((r.text()?, r.text()?)))?;
        let aliases = r.u32()?;
        let wrapping_pairs = list(&mut r, |r| Ok((r.array()?, Timestamp(r.u64()?))))?;
        let policy = Some(r.text()?).filter(|policy| !policy.is_empty());
        r.finish()?;
        Ok(Self {
            space,
            id,
            spec,
            usage,
            origin,
            level,
            seq,
            created,
            state,
            description,
            versions,
            delete_date,
            material_expires,
            has_material,
            fingerprint,
            rotation_interval,
            deletion_protection,
            tags,
            aliases,
            wrapping_pairs,
            policy,
        })
    }
}

fn flag(number: u8) -> Result<bool> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(ErrorCode::StoreDamaged.into()),
    }
}

fn time(seconds: u64) -> Option<Timestamp> {
    (seconds != 0).then_some(Timestamp(seconds))
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    item: impl Fn(&mut Reader<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = reader.u32()?;
    (0..count).map(|_| item(reader)).collect()
}

/// A key that waits for its material.
#[cfg(test)]
pub(super) fn sample() -> KeyRecord {
    KeyRecord {
        space: Space::new("111122223333", "cn-hongkong").unwrap(),
        id: KeyId::from_random([1; 16]),
        spec: KeySpec::Aes256,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::External,
        level: ProtectionLevel::Hsm,
        seq: 7,
        created: Timestamp(1),
        state: KeyState::PendingImport,
        description: "描述".into(),
        versions: vec![Version { id: KeyVersionId::from_random([2; 16]), created: Timestamp(1) }],
        delete_date: None,
        material_expires: None,
        has_material: false,
        fingerprint: None,
        rotation_interval: None,
        deletion_protection: None,
        tags: vec![],
        aliases: 0,
        wrapping_pairs: vec![],
        policy: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back() {
        let mut record = sample();
        assert_eq!(KeyRecord::decode(record.id, &record.encode()), Ok(record.clone()));
        record.delete_date = Some(Timestamp(9));
        record.material_expires = Some(Timestamp(10));
        record.has_material = true;
        record.fingerprint = Some([3; 32]);
        record.rotation_interval = Some(604_800);
        record.deletion_protection = Some(String::new());
        record.tags = vec![("k".into(), "v".into())];
        record.aliases = 2;
        record.wrapping_pairs = vec![([4; 16], Timestamp(5))];
        record.policy = Some("{}".into());
        let bytes = record.encode();
        assert_eq!(KeyRecord::decode(record.id, &bytes), Ok(record.clone()));
        for cut in 0..bytes.len() {
            assert!(KeyRecord::decode(record.id, &bytes[..cut]).is_err());
        }
    }
}
