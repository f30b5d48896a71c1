//! Access keys: an id that is public and a secret that opens sessions. The secret is drawn here, lies in the
//! arena, leaves it once for its owner, and after that is only compared.
#![forbid(unsafe_code)]

use subtle::{ConditionallySelectable, ConstantTimeGreater};

use crate::crypto::digest::sha256;
use crate::error::{ErrorCode, Result};
use crate::hsm::arena::{SecretBytes, secluded};
use crate::hsm::rng;
use crate::hsm::unlock::room;
use crate::model::{Account, UserName};
use crate::octets::{Reader, Writer};
use crate::secret::{self, Zeroizing};

const VERSION: u8 = 1;

/// What the id of every access key begins with.
const PREFIX: &str = "LTAI";

/// How many letters and digits follow.
const ID_LEN: usize = 20;

/// The characters of a secret.
const SECRET_LEN: usize = 30;

/// An access key with its secret.
pub struct AccessKey {
    /// `LTAI` and 20 letters and digits.
    pub id: String,
    /// The account of its user.
    pub account: Account,
    /// The name of its user.
    pub user: UserName,
    /// The number of the user, so that no later user of that name inherits it.
    pub user_id: String,
    secret: SecretBytes,
}

impl AccessKey {
    /// A fresh access key for a user.
    pub fn generate(account: &Account, user: &UserName, user_id: &str) -> Result<Self> {
        let mut id = [0; ID_LEN];
        draw::<62>(&mut id, letter_or_digit)?;
        let mut secret = room(SECRET_LEN)?;
        secret.write(|secret| draw::<62>(secret, letter_or_digit))?;
        let id = format!("{PREFIX}{}", String::from_utf8_lossy(&id));
        Ok(Self { id, account: *account, user: user.clone(), user_id: user_id.to_owned(), secret })
    }

    /// The body of its record:
    /// `01 | lp(account) | lp(user name) | lp(user id) | lp(id) | lp(secret)`.
    pub fn body(&self) -> Result<SecretBytes> {
        let head = Writer::default()
            .u8(VERSION)
            .lp(self.account.as_bytes())
            .lp(self.user.as_str().as_bytes())
            .lp(self.user_id.as_bytes())
            .lp(self.id.as_bytes())
            .u32(SECRET_LEN as u32)
            .finish();
        let mut body = room(head.len() + self.secret.len())?;
        self.secret.read(|secret| {
            body.write(|body| {
                let (front, back) = body.split_at_mut(head.len());
                front.copy_from_slice(&head);
                back.copy_from_slice(secret);
                Ok(())
            })
        })?;
        Ok(body)
    }

    /// The access key in the body of its record.
    pub fn from_body(body: &SecretBytes) -> Result<Self> {
        body.read(|body| {
            let mut reader = Reader::new(body);
            if reader.u8()? != VERSION {
                return Err(ErrorCode::StoreTooNew.into());
            }
            let account = Account::parse(&reader.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
            let user = UserName::parse(&reader.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
            let (user_id, id) = (reader.text()?, reader.text()?);
            let stored = reader.lp()?;
            reader.finish()?;
            if stored.len() != SECRET_LEN {
                return Err(ErrorCode::StoreDamaged.into());
            }
            let mut secret = room(stored.len())?;
            secret.write(|secret| {
                secret.copy_from_slice(stored);
                Ok(())
            })?;
            Ok(Self { id, account, user, user_id, secret })
        })
    }

    /// Lets `f` see the secret, which its owner is shown once.
    pub fn reveal<R>(&self, f: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        self.secret.read(f)
    }

    /// Whether a text is in the form of an id.
    pub fn is_id(text: &str) -> bool {
        let rest = text.strip_prefix(PREFIX).unwrap_or_default();
        rest.len() == ID_LEN && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    /// Whether `presented` is the secret. Digests are compared, so that the time depends on the
    /// length of what was presented alone; and no more than tells that it is too long.
    pub fn is(&self, presented: &[u8]) -> Result<bool> {
        let presented = presented.get(..=SECRET_LEN).unwrap_or(presented);
        self.secret.read(|secret| {
            let digests = Zeroizing::new([sha256(secret), sha256(presented)]);
            let [right, given] = &*digests;
            Ok(secret::eq(right, given))
        })
    }
}

/// A number that no other user has: 18 decimal digits, the first one 2.
pub fn fresh_user_id() -> Result<String> {
    let mut digits = [0; 17];
    draw::<10>(&mut digits, |value| value + b'0')?;
    Ok(format!("2{}", String::from_utf8_lossy(&digits)))
}

/// Fills `out` with characters, each of the `COUNT` possible ones as likely as any other: bytes that
/// would favour the first ones are drawn again.
fn draw<const COUNT: u8>(out: &mut [u8], character: impl Fn(u8) -> u8) -> Result<()> {
    let unfair = u8::MAX - u8::MAX % COUNT;
    secluded(|| {
        let mut pool = Zeroizing::new([0; 64]);
        let mut places = out.iter_mut();
        let mut place = places.next();
        while place.is_some() {
            rng::fill(pool.as_mut())?;
            for byte in pool.iter() {
                // Of what is thrown away nothing is in the secret.
                let [is_fair] = secret::publish([u8::from(*byte < unfair)]);
                if is_fair == 1
                    && let Some(out) = place.take()
                {
                    *out = character(byte % COUNT);
                    place = places.next();
                }
            }
        }
        Ok(())
    })
}

/// `A` to `Z`, `a` to `z`, `0` to `9`: without a branch or a table, whose time would tell.
fn letter_or_digit(value: u8) -> u8 {
    let mut letter = value.wrapping_add(b'A');
    letter.conditional_assign(&value.wrapping_sub(26).wrapping_add(b'a'), value.ct_gt(&25));
    letter.conditional_assign(&value.wrapping_sub(52).wrapping_add(b'0'), value.ct_gt(&51));
    letter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_letters_and_digits() {
        let all: String = (0..62).map(|value| char::from(letter_or_digit(value))).collect();
        assert_eq!(all, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    }

    /// All occur, about equally often: the bounds are wider than seven standard deviations.
    #[test]
    fn characters_are_equally_likely() {
        let mut drawn = vec![0; 62_000];
        draw::<62>(&mut drawn, |value| value).unwrap();
        let mut counts = [0_u32; 62];
        drawn.iter().for_each(|value| counts[usize::from(*value)] += 1);
        assert!(counts.iter().all(|count| (750..1250).contains(count)), "{counts:?}");
    }

    fn fresh() -> AccessKey {
        let (account, user) = (Account::parse("111122223333"), UserName::parse("alice"));
        AccessKey::generate(&account.unwrap(), &user.unwrap(), "200000000000000001").unwrap()
    }

    #[test]
    fn access_keys_come_back_and_are_compared() {
        let key = fresh();
        assert!(key.id.starts_with("LTAI") && key.id.len() == 24);
        assert!(AccessKey::is_id(&key.id));
        for text in ["", "LTAI", &key.id[1..], &key.id[..23], "LTAIä234567890123456789"] {
            assert!(!AccessKey::is_id(text), "{text}");
        }
        let mut secret = key.reveal(|secret| Ok(secret.to_vec())).unwrap();
        assert_eq!(secret.len(), 30);
        assert!(secret.iter().all(u8::is_ascii_alphanumeric));
        let again = AccessKey::from_body(&key.body().unwrap()).unwrap();
        assert_eq!(
            (&again.id, &again.account, &again.user, &again.user_id),
            (&key.id, &key.account, &key.user, &key.user_id)
        );
        assert!(again.is(&secret).unwrap());
        assert!(!again.is(&secret[..29]).unwrap() && !again.is(b"").unwrap());
        assert!(!again.is(&[&secret[..], b"a"].concat()).unwrap());
        assert!(!again.is(&[&secret[..], &[b'a'; 1000]].concat()).unwrap());
        for at in 0..30 {
            secret[at] ^= 1;
            assert!(!again.is(&secret).unwrap());
            secret[at] ^= 1;
        }
        let other = fresh();
        assert_ne!(other.id, key.id);
        assert!(!other.is(&secret).unwrap());
    }

    #[test]
    fn users_have_numbers() {
        let ids = [fresh_user_id().unwrap(), fresh_user_id().unwrap()];
        assert!(ids.iter().all(|id| id.len() == 18 && id.bytes().all(|b| b.is_ascii_digit())));
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn bodies_that_are_cut_are_refused() {
        let body = fresh().body().unwrap();
        let bytes = body.read(|bytes| Ok(bytes.to_vec())).unwrap();
        for cut in 0..bytes.len() {
            let mut short = room(cut).unwrap();
            short.write(|short| Ok(short.copy_from_slice(&bytes[..cut]))).unwrap();
            assert!(AccessKey::from_body(&short).is_err());
        }
    }
}
