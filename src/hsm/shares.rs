//! Shares of a secret, in words that people keep (SLIP-0039). Their values lie in the arena; their words
//! leave it, since people must have them.
#![forbid(unsafe_code)]

use std::mem;

use crate::crypto::slip39::{self, Form, Head, MAX_SECRET, MAX_TEXT, Part, Sharing};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::{SecretBytes, arena, secluded, secluded_at_length};
use crate::hsm::rng::{self, Scope};
use crate::hsm::unlock::room;
use crate::secret::Zeroizing;

/// One share: what it says of itself, and its value. Wiped when dropped.
pub struct Share {
    head: Head,
    value: SecretBytes,
}

/// Splits a secret of 16 to 32 bytes, of an even number, into `count` shares, of which any `threshold`
/// give it back: 2 <= threshold <= count <= 16, or it is [`ErrorCode::InvalidParameter`].
pub fn split(secret: &SecretBytes, threshold: u8, count: u8) -> Result<Vec<Share>> {
    secluded_at_length(|| {
        let draw = |secret: &[u8]| Sharing::new(secret, b"", (threshold, count), rng::fill);
        let sharing = secret.read(|secret| arena().place(|| draw(secret)))?;
        let share = |member| {
            let mut value = room(secret.len())?;
            let head = sharing.read(|sharing| value.write(|value| sharing.share(member, value)))?;
            Ok(Share { head, value })
        };
        (0..count).map(share).collect()
    })
}

/// Shares of a fresh secret of 32 bytes, which nobody has but they: for an unlock slot, see
/// [`Unlock::Shares`](crate::hsm::Unlock::Shares), or to wrap something with.
pub fn fresh_shares(threshold: u8, count: u8) -> Result<Vec<Share>> {
    let _draws = Scope::of_system();
    let mut secret = room(32)?;
    secret.write(rng::fill)?;
    split(&secret, threshold, count)
}

/// The secret. All shares must fit; otherwise it is [`ErrorCode::InvalidShares`], with how many are
/// missing, or which one is wrong, counted from 1.
pub fn combine(shares: &[Share]) -> Result<SecretBytes> {
    secluded_at_length(|| {
        // Side by side, for all of them are looked at together.
        let mut values = room(shares.len() * MAX_SECRET)?;
        values.write(|values| {
            for (share, to) in shares.iter().zip(values.chunks_mut(MAX_SECRET)) {
                share.value.read(|value| {
                    to.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        let mut secret = Zeroizing::new([0; MAX_SECRET]);
        let len = values.read(|values| {
            let parts = shares.iter().zip(values.chunks(MAX_SECRET)).map(|(share, value)| {
                let value = value.get(..share.value.len()).ok_or(ErrorCode::Internal)?;
                Ok::<_, Error>(Part { head: &share.head, value })
            });
            slip39::combine(&parts.collect::<Result<Vec<_>>>()?, b"", &mut secret)
        })?;
        let mut kept = room(len)?;
        kept.write(|kept| {
            kept.iter_mut().zip(secret.iter()).for_each(|(to, from)| *to = *from);
            Ok(())
        })?;
        Ok(kept)
    })
}

impl Share {
    /// Reads a share, in whole words or their first four letters, in upper or lower case, with any blanks
    /// between them. What is none is [`ErrorCode::InvalidShares`], with what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        secluded(|| {
            let mut read = Zeroizing::new([0; MAX_SECRET]);
            let head = slip39::read(text.as_bytes(), &mut read)?;
            let mut value = room(head.value_len())?;
            value.write(|value| {
                value.iter_mut().zip(read.iter()).for_each(|(to, from)| *to = *from);
                Ok(())
            })?;
            Ok(Self { head, value })
        })
    }

    /// Reads several. Which one is wrong is told, counted from 1.
    pub fn parse_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>> {
        let parse = |(at, text)| {
            Self::parse(text).map_err(|error| match error.code() {
                ErrorCode::InvalidShares => {
                    let (code, _, why) = error.into_parts();
                    Error::new(code).because(format!("Share {at}: {why}"))
                }
                _ => error,
            })
        };
        (1..).zip(texts).map(parse).collect()
    }

    /// How many of its set are needed.
    pub const fn threshold(&self) -> u8 {
        self.head.needed()
    }

    /// Its words. Whoever has enough shares has the secret: wipe every copy.
    pub fn words(&self) -> Result<Zeroizing<String>> {
        self.text(Form::Whole)
    }

    /// The first four letters of its words, which are enough.
    pub fn brief(&self) -> Result<Zeroizing<String>> {
        self.text(Form::Brief)
    }

    fn text(&self, form: Form) -> Result<Zeroizing<String>> {
        let mut text = Zeroizing::new(vec![0; MAX_TEXT]);
        let len = self.value.read(|value| slip39::write(&self.head, value, form, &mut text))?;
        text.truncate(len);
        let text = String::from_utf8(mem::take(&mut *text)).map_err(|_| ErrorCode::Internal)?;
        Ok(Zeroizing::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn through_words_and_back() {
        for (threshold, count) in [(2, 3), (3, 5)] {
            let mut secret = room(32).unwrap();
            secret.write(rng::fill).unwrap();
            let shares = split(&secret, threshold, count).unwrap();
            assert_eq!(shares.len(), usize::from(count));
            assert!(shares.iter().all(|share| share.threshold() == threshold));
            let brief = shares.iter().rev().map(|share| share.brief().unwrap());
            let brief: Vec<_> = brief.take(usize::from(threshold)).collect();
            assert!(brief.iter().all(|text| text.len() == 33 * 5 - 1));
            let read = Share::parse_all(brief.iter().map(|text| text.as_str())).unwrap();
            let found = combine(&read).unwrap();
            let same = secret.read(|secret| found.read(|found| Ok(secret == found)));
            assert_eq!(same, Ok(true));
            let words: Vec<_> = shares.iter().map(|share| share.words().unwrap()).collect();
            assert!(combine(&Share::parse_all([words[0].as_str()]).unwrap()).is_err());
        }
    }

    #[test]
    fn which_text_is_wrong() {
        let share = fresh_shares(2, 2).unwrap().remove(0).words().unwrap();
        let error = Share::parse_all([share.as_str(), "acid acid"]).err().unwrap();
        assert_eq!(error.code(), ErrorCode::InvalidShares);
        assert!(error.to_string().ends_with("Share 2: It has 2 words, and none has so many."));
    }

    #[test]
    fn no_more_than_sixteen() {
        let refused = |threshold, count| fresh_shares(threshold, count).err().unwrap().code();
        assert_eq!(refused(1, 3), ErrorCode::InvalidParameter);
        assert_eq!(refused(2, 17), ErrorCode::InvalidParameter);
        assert_eq!(refused(4, 3), ErrorCode::InvalidParameter);
    }
}
