//! The parts of a call: handles, bytes, names, buffers. Choices that lead somewhere are the likely ones.

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::json::Value;

/// A handle.
#[derive(Debug)]
pub enum Pick {
    /// One that has been opened, by number; it may have been closed since.
    Opened(u8),
    /// One of the other type.
    Other(u8),
    /// NULL.
    Null,
    /// A number out of nowhere.
    Forged(u64),
}

impl<'a> Arbitrary<'a> for Pick {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            240..=245 => Self::Other(u.arbitrary()?),
            246..=250 => Self::Null,
            251..=255 => Self::Forged(u.arbitrary()?),
            at => Self::Opened(at),
        })
    }
}

/// A place for one value: is it given?
#[derive(Debug)]
pub struct There(pub bool);

impl<'a> Arbitrary<'a> for There {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(u.arbitrary::<u8>()? < 250))
    }
}

/// A number that mostly is 0.
#[derive(Clone, Copy, Debug)]
pub struct Rare(pub u8);

impl<'a> Arbitrary<'a> for Rare {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(if u.arbitrary::<u8>()? < 176 { 0 } else { u.arbitrary()? }))
    }
}

/// Bytes to read.
#[derive(Debug)]
pub enum Input {
    /// These.
    Bytes(Vec<u8>),
    /// So many of one kind, up to more than any function takes.
    Run(u8, u16),
    /// NULL with this length.
    Null(u8),
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            0..=149u8 => Self::Bytes(u.arbitrary()?),
            150..=247 => Self::Run(u.arbitrary()?, u.arbitrary()?),
            248..=255 => Self::Null(u.arbitrary()?),
        })
    }
}

/// A number of bytes that is asked for.
#[derive(Arbitrary, Debug)]
pub enum Length {
    /// A small one.
    Small(u8),
    /// One around the limits.
    Medium(u16),
    /// Any.
    Any(usize),
}

impl Length {
    /// How many they are.
    pub fn count(&self) -> usize {
        match self {
            Self::Small(count) => usize::from(*count),
            Self::Medium(count) => usize::from(*count % 2048),
            Self::Any(count) => *count,
        }
    }
}

/// The reference to a key.
#[derive(Debug)]
pub enum Key {
    /// The id of a key that has been created.
    Id(u8),
    /// Its ARN in the space of this number.
    Arn(u8, u8),
    /// Any text.
    Text(String),
    /// Text that is no UTF-8.
    Broken,
    /// NULL.
    Null,
}

impl<'a> Arbitrary<'a> for Key {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            220..=235 => Self::Arn(u.arbitrary()?, u.arbitrary()?),
            236..=249 => Self::Text(u.arbitrary()?),
            250..=252 => Self::Broken,
            253..=255 => Self::Null,
            at => Self::Id(at),
        })
    }
}

/// The version of a key.
#[derive(Debug)]
pub enum Version {
    /// The one that the key began with.
    Own,
    /// That of another key.
    Of(u8),
    /// Any text.
    Text(String),
    /// NULL.
    Null,
}

impl<'a> Arbitrary<'a> for Version {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            0..=234u8 => Self::Own,
            235..=244 => Self::Of(u.arbitrary()?),
            245..=250 => Self::Text(u.arbitrary()?),
            251..=255 => Self::Null,
        })
    }
}

/// A digest.
#[derive(Debug)]
pub enum Digest {
    /// So many of one byte each.
    Proper(u8),
    /// One that has been signed.
    Signed(u8),
    /// Others.
    Other(Input),
}

impl<'a> Arbitrary<'a> for Digest {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            0..=119u8 => Self::Proper(u.arbitrary()?),
            120..=239 => Self::Signed(u.arbitrary()?),
            240..=255 => Self::Other(u.arbitrary()?),
        })
    }
}

/// A public key to export to.
#[derive(Arbitrary, Debug)]
pub enum Public {
    /// That of a key that has been created.
    Genuine(u8),
    /// A genuine one with these bits turned over in one byte.
    Flipped(u8, u16, u8),
    /// Others.
    Other(Input),
}

/// An encryption context.
#[derive(Debug)]
pub enum Context {
    /// One of [`CONTEXTS`](crate::world::CONTEXTS).
    Known(u8),
    /// Any text.
    Text(String),
    /// Text that is no UTF-8.
    Broken,
}

impl<'a> Arbitrary<'a> for Context {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            0..=219u8 => Self::Known(u.arbitrary()?),
            220..=249 => Self::Text(u.arbitrary()?),
            250..=255 => Self::Broken,
        })
    }
}

/// The options of a store.
#[derive(Debug)]
pub enum Options {
    /// Some that there are, by number.
    Known(u8),
    /// Any text.
    Text(String),
    /// Text that is no UTF-8.
    Broken,
    /// NULL.
    Null,
}

impl<'a> Arbitrary<'a> for Options {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            0..=199u8 => Self::Known(u.arbitrary()?),
            200..=244 => Self::Text(u.arbitrary()?),
            245..=249 => Self::Broken,
            250..=255 => Self::Null,
        })
    }
}

/// A ciphertext or a signature.
#[derive(Arbitrary, Debug)]
pub enum Ciphertext {
    /// One that the library has made.
    Genuine(u8),
    /// A genuine one with these bits turned over in one byte.
    Flipped(u8, u16, u8),
    /// The first bytes of a genuine one.
    Cut(u8, u16),
    /// A genuine one and more behind it.
    Longer(u8, Vec<u8>),
    /// The head of one and the rest of another, parted here.
    Spliced(u8, u8, u16),
    /// Others.
    Other(Input),
}

/// An import token.
#[derive(Arbitrary, Debug)]
pub enum Token {
    /// One that the library has issued.
    Genuine(u8),
    /// A genuine one with these bits turned over in one byte.
    Flipped(u8, u8, u8),
    /// Others.
    Other(Input),
}

/// A buffer to write.
#[derive(Debug)]
pub struct Output {
    /// Its size.
    pub room: Room,
    /// Whether it ends where its allocation ends, for AddressSanitizer, or before a canary.
    pub at_end: bool,
    /// Whether the place for its length is given.
    pub len: There,
}

impl<'a> Arbitrary<'a> for Output {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let room = match u.arbitrary::<u8>()? {
            0..=199 => Room::Exact,
            200..=214 => Room::More(u.arbitrary()?),
            215..=224 => Room::Less(u.arbitrary()?),
            225..=234 => Room::Nothing,
            235..=242 => Room::Null(u.arbitrary()?),
            243..=255 => Room::Overlapping(u.arbitrary()?),
        };
        Ok(Self { room, at_end: u.arbitrary()?, len: u.arbitrary()? })
    }
}

/// The size of a buffer, compared with what suffices.
#[derive(Debug)]
pub enum Room {
    /// Just that.
    Exact,
    /// More.
    More(u8),
    /// Less.
    Less(u16),
    /// None at all.
    Nothing,
    /// NULL, said to be so long.
    Null(u8),
    /// Enough, but it begins inside the input, or inside the other output.
    Overlapping(u16),
}

/// The name of an action.
#[derive(Debug)]
pub enum Action {
    /// One that there is.
    Known(u8),
    /// Any text.
    Text(String),
    /// NULL.
    Null,
}

impl<'a> Arbitrary<'a> for Action {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            245..=252 => Self::Text(u.arbitrary()?),
            253..=255 => Self::Null,
            at => Self::Known(at),
        })
    }
}

/// The parameters of an action.
#[derive(Debug)]
pub enum Parameters {
    /// Values for those that the action has; a bit of the mask leaves one out that is not needed.
    Proper(u32, Vec<Value>),
    /// Any names and values.
    Pairs(Vec<(String, Value)>),
    /// Any text.
    Text(String),
    /// Bytes that may be no UTF-8.
    Bytes(Vec<u8>),
    /// NULL.
    Null,
}

impl<'a> Arbitrary<'a> for Parameters {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            0..=214u8 => {
                let (mask, count) = (u.arbitrary()?, u.arbitrary::<u8>()? % 6);
                Self::Proper(mask, (0..count).map(|_| u.arbitrary()).collect::<Result<_>>()?)
            }
            215..=229 => Self::Pairs(u.arbitrary()?),
            230..=244 => Self::Text(u.arbitrary()?),
            245..=251 => Self::Bytes(u.arbitrary()?),
            252..=255 => Self::Null,
        })
    }
}
