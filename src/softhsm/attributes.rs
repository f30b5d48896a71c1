//! The attributes of an object, as they are in its file.
#![forbid(unsafe_code)]

use crate::error::{ErrorCode, Result};
use crate::octets::Reader;
use crate::secret::Zeroizing;

/// Types and values, each type once. The bytes of what is not private may be a key in clear.
pub(super) struct Attributes(Vec<(u64, Value)>);

enum Value {
    Truth(bool),
    Number(u64),
    Bytes(Zeroizing<Vec<u8>>),
    /// Nothing that says anything about a key's material.
    Other,
}

impl Attributes {
    /// The attributes in a file, if that is what it holds.
    pub(super) fn parse(file: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(file);
        // How often it has been written.
        reader.u64().ok()?;
        let mut attributes = Vec::new();
        while !reader.is_empty() {
            let kind = reader.u64().ok()?;
            if attributes.iter().any(|(known, _)| *known == kind) {
                return None;
            }
            attributes.push((kind, value(&mut reader).ok()?));
        }
        Some(Self(attributes))
    }

    /// A truth; what is absent is false.
    pub(super) fn is(&self, kind: u64) -> bool {
        matches!(self.find(kind), Some(Value::Truth(true)))
    }

    pub(super) fn number(&self, kind: u64) -> Option<u64> {
        match self.find(kind)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn bytes(&self, kind: u64) -> Option<&[u8]> {
        match self.find(kind)? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn find(&self, kind: u64) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == kind).map(|(_, value)| value)
    }
}

fn value(reader: &mut Reader<'_>) -> Result<Value> {
    Ok(match reader.u64()? {
        1 => Value::Truth(reader.u8()? != 0),
        2 => Value::Number(reader.u64()?),
        3 => Value::Bytes(Zeroizing::new(counted(reader, 1)?.to_vec())),
        4 => counted(reader, 1).map(|_| Value::Other)?,
        5 => counted(reader, 8).map(|_| Value::Other)?,
        _ => return Err(ErrorCode::StoreDamaged.into()),
    })
}

/// So many units of bytes as stand before them.
fn counted<'a>(reader: &mut Reader<'a>, unit: usize) -> Result<&'a [u8]> {
    let count = usize::try_from(reader.u64()?).ok();
    let len = count.and_then(|count| count.checked_mul(unit)).ok_or(ErrorCode::StoreDamaged)?;
    reader.raw(len)
}
