//! Shares of a secret: made, written, read and combined. What they say of themselves is public, and how
//! long their text is; the secret, the values and the words are not.
#![forbid(unsafe_code)]

use super::{Subject, demand, marks, public, revealed, secret};
use crate::crypto::slip39::{
    Form, Head, MAX_SECRET, MAX_TEXT, Part, Sharing, combine, read, write,
};
use crate::error::{ErrorCode, Result};
use crate::hsm::rng;

pub(super) const SUBJECTS: &[Subject] = &[
    Subject::clean("shares: a secret split", || {
        let [(_, first), (_, second)] = shares()?;
        demand(revealed(first) != revealed(second))
    }),
    Subject::clean("shares: combined, and refused", combined),
    Subject::clean("shares: words out, whole", || words(Form::Whole)),
    Subject::clean("shares: words out, brief", || words(Form::Brief)),
    Subject::clean("shares: words in, and refused", words_in),
];

type Share = (Head, [u8; MAX_SECRET]);

/// Every byte that is drawn is a secret.
fn random(out: &mut [u8]) -> Result<()> {
    rng::fill(out)?;
    marks::conceal(out);
    Ok(())
}

/// Two of three.
fn shares() -> Result<[Share; 2]> {
    let sharing = Sharing::new(&secret::<32>(1), b"", (2, 3), random)?;
    let share = |member| {
        let mut value = [0; MAX_SECRET];
        Ok::<_, crate::error::Error>((sharing.share(member, &mut value)?, value))
    };
    Ok([share(0)?, share(2)?])
}

fn combined() -> Result<()> {
    let [(a, first), (b, mut second)] = shares()?;
    let mut out = [0; MAX_SECRET];
    let mut both = |second: &[u8]| {
        let parts = [Part { head: &a, value: &first }, Part { head: &b, value: second }];
        combine(&parts, b"", &mut out)
    };
    both(&second)?;
    second.iter_mut().take(1).for_each(|byte| *byte ^= 1);
    demand(both(&second).is_err())?;
    demand(revealed(out) == public(1))
}

fn text(form: Form) -> Result<([u8; MAX_TEXT], usize)> {
    let [(head, value), _] = shares()?;
    let mut text = [0; MAX_TEXT];
    let len = write(&head, &value, form, &mut text)?;
    Ok((text, len))
}

fn words(form: Form) -> Result<()> {
    let (text, len) = text(form)?;
    let text = revealed(text);
    let words = text.get(..len).unwrap_or_default().split(|byte| *byte == b' ');
    demand(words.count() == 33)
}

fn words_in() -> Result<()> {
    let (mut text, len) = text(Form::Whole)?;
    let mut value = [0; MAX_SECRET];
    read(text.get(..len).ok_or(ErrorCode::Internal)?, &mut value)?;
    // One that is none, and one whose checksum is wrong.
    text.iter_mut().take(1).for_each(|letter| *letter = b'!');
    demand(read(text.get(..len).unwrap_or_default(), &mut value).is_err())?;
    let mut text = *b"acid acid acid acid acid acid acid acid acid acid acid acid acid acid acid \
        acid acid acid acid acid";
    marks::conceal(&mut text);
    demand(read(&text, &mut value).is_err())?;
    demand(revealed(value) != [0; MAX_SECRET])
}
