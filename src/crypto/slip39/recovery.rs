//! From shares back to the secret: of each group its secret, of these the secret of all.
#![forbid(unsafe_code)]

use super::encryption::Encryption;
use super::{DIGEST, DIGEST_AT, Head, MAX_SECRET, SECRET_AT, digest_of, refused};
use crate::crypto::shamir::{Point, interpolate};
use crate::error::{ErrorCode, Result};
use crate::secret::{self, Zeroizing};

/// A share that has been read.
pub struct Part<'a> {
    /// What it says of itself.
    pub head: &'a Head,
    /// Its value.
    pub value: &'a [u8],
}

/// A point, and whose it is.
struct Known<'a> {
    name: String,
    point: Point<'a>,
}

/// Combines shares into the secret at the front of `out`, and answers its length in bytes. All that are
/// given must fit. Otherwise it is [`ErrorCode::InvalidShares`], with how many are missing, or which
/// one is wrong, counted from 1.
pub fn combine(
    shares: &[Part<'_>],
    passphrase: &[u8],
    out: &mut [u8; MAX_SECRET],
) -> Result<usize> {
    let set = shares.first().ok_or_else(|| refused("There is none."))?.head.set;
    check(shares)?;
    let mut secrets = Zeroizing::new([[0; MAX_SECRET]; 16]);
    let mut groups = Vec::new();
    for ((group, secret), first) in (0..).zip(secrets.iter_mut()).zip(firsts(shares)) {
        let Some(first) = first else { continue };
        let secret = secret.get_mut(..set.len).ok_or(ErrorCode::Internal)?;
        let members = shares.iter().enumerate().filter(|(_, share)| share.head.group == group);
        let members = members.map(|(at, share)| Known {
            name: format!("Share {}", at + 1),
            point: Point { x: share.head.member, y: share.value },
        });
        let of = if set.groups > 1 { format!(" of group {}", group + 1) } else { String::new() };
        recover(&members.collect::<Vec<_>>(), first.needed, &format!("shares{of}"), secret)?;
        let (name, y) = (format!("Group {}", group + 1), &*secret);
        groups.push(Known { name, point: Point { x: group, y } });
    }
    let secret = out.get_mut(..set.len).ok_or(ErrorCode::Internal)?;
    recover(&groups, set.groups_needed, "groups", secret)?;
    let identifier = set.identifier.to_be_bytes();
    let salt = [&b"shamir"[..], &identifier].concat();
    let salt = if set.extendable { &[][..] } else { &salt };
    Encryption { passphrase, salt, exponent: set.exponent }.decrypt(secret)?;
    Ok(set.len)
}

/// The first share of each group.
fn firsts<'a>(shares: &[Part<'a>]) -> [Option<&'a Head>; 16] {
    let mut firsts = [None; 16];
    for share in shares.iter().rev() {
        if let Some(first) = firsts.get_mut(usize::from(share.head.group)) {
            *first = Some(share.head);
        }
    }
    firsts
}

/// What shares say of themselves goes together.
fn check(shares: &[Part<'_>]) -> Result<()> {
    let heads: Vec<_> = shares.iter().map(|share| share.head).collect();
    for (at, head) in heads.iter().enumerate() {
        for (before, other) in heads.iter().enumerate().take(at) {
            let is_of_group = head.group == other.group;
            let why = if head.set != other.set {
                "is of another set than"
            } else if is_of_group && head.needed != other.needed {
                "needs another number of shares than"
            } else if is_of_group && head.member == other.member {
                "has the same number as"
            } else {
                continue;
            };
            return Err(refused(format!("Share {} {why} share {}.", at + 1, before + 1)));
        }
        let values = shares.iter().map(|share| share.value.len());
        if values.into_iter().any(|len| len != head.set.len) {
            return Err(ErrorCode::Internal.into());
        }
    }
    Ok(())
}

/// What the polynomials of these points are as the secret. Where there are more points than needed, the
/// rest must lie on them; if some do not, that is told as long as the others are enough.
fn recover(points: &[Known<'_>], needed: u8, what: &str, secret: &mut [u8]) -> Result<()> {
    let count = usize::from(needed);
    if points.len() < count {
        return Err(refused(format!("{needed} {what} are needed, and {} given.", points.len())));
    }
    // Around the circle: with one wrong point, some run of them does without it.
    let runs = if points.len() == count { 1 } else { points.len() };
    for start in 0..runs {
        let run = points.iter().cycle().skip(start).take(count).map(|known| known.point);
        let run: Vec<_> = run.collect();
        if !is_recovered(&run, secret)? {
            continue;
        }
        for known in points {
            let mut y = Zeroizing::new([0; MAX_SECRET]);
            let y = y.get_mut(..secret.len()).ok_or(ErrorCode::Internal)?;
            interpolate(&run, known.point.x, y)?;
            if !secret::eq(y, known.point.y) {
                return Err(refused(format!("{} does not fit the others.", known.name)));
            }
        }
        return Ok(());
    }
    Err(refused(format!("The {what} do not fit each other; one or more are wrong.")))
}

/// Interpolates the secret; whether its digest is right. Of polynomials that are constant there is none.
fn is_recovered(points: &[Point<'_>], secret: &mut [u8]) -> Result<bool> {
    interpolate(points, SECRET_AT, secret)?;
    if points.len() == 1 {
        return Ok(true);
    }
    let mut digest = Zeroizing::new([0; MAX_SECRET]);
    let digest = digest.get_mut(..secret.len()).ok_or(ErrorCode::Internal)?;
    interpolate(points, DIGEST_AT, digest)?;
    let (digest, key) = digest.split_at(DIGEST);
    Ok(secret::eq(digest, &*digest_of(key, secret)))
}
