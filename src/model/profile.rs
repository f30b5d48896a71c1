//! The rules that go with the hardware of a region, as a type: what runs there, what is approved, and
//! the permits without which the boundary does nothing with a key (API reference, chapters 1.1 and 1.2).
//! They are the rules only: there is no certificate.

use serde::{Serialize, Serializer};

use super::{Algorithm, Function, KeySpec, Making, ProtectionLevel};
use crate::error::{Error, ErrorCode, Result};

/// The rules of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Those of hardware with FIPS 140-2 level 3.
    Fips,
    /// Those of hardware tested by the State Cryptography Administration (国密局商用密码检测认证).
    Gm,
    /// There is no hardware.
    None,
}

/// What a profile says of a function that it offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The profile's standards approve of it.
    Approved,
    /// It runs, for the service has it.
    Allowed,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Fips, Self::Gm, Self::None];

    /// The name of the class of hardware.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fips => "FIPS",
            Self::Gm => "GM",
            Self::None => "none",
        }
    }

    /// The protection levels on offer.
    pub const fn protection_levels(self) -> &'static [ProtectionLevel] {
        match self {
            Self::Fips | Self::Gm => &[ProtectionLevel::Software, ProtectionLevel::Hsm],
            Self::None => &[ProtectionLevel::Software],
        }
    }

    /// What is said of a function at a level; `None` if it is not on offer. Level SOFTWARE is outside
    /// of every profile: nothing there is approved.
    pub fn standing(self, level: ProtectionLevel, function: Function) -> Option<Standing> {
        match (level, self) {
            (ProtectionLevel::Hsm, Self::None) => None,
            (ProtectionLevel::Software, _) | (_, Self::Fips) if function.is_gm_only() => None,
            (ProtectionLevel::Hsm, profile) if function.approved_by() == profile => {
                Some(Standing::Approved)
            }
            _ => Some(Standing::Allowed),
        }
    }

    /// Whether keys of `spec` may exist at `level`.
    pub fn offers(self, spec: KeySpec, level: ProtectionLevel) -> bool {
        self.standing(level, Making::of(spec)).is_some()
    }

    /// The spec of a key whose creator names none: SM4 on GM hardware, AES-256 elsewhere.
    pub const fn default_spec(self, level: ProtectionLevel) -> KeySpec {
        match (level, self) {
            (ProtectionLevel::Hsm, Self::Gm) => KeySpec::Sm4,
            _ => KeySpec::Aes256,
        }
    }

    /// Refuses a level that is not on offer, then a spec that is not at this level.
    pub fn admit(self, spec: KeySpec, level: ProtectionLevel) -> Result<()> {
        if !self.protection_levels().contains(&level) {
            return Err(ErrorCode::UnsupportedProtectionLevel.into());
        }
        match self.offers(spec, level) {
            true => Ok(()),
            false => Err(needs_gm("KeySpec", spec.as_str())),
        }
    }

    /// Leave to use `algorithm` with a key of this kind. Refuses what [`Self::admit`] does, and an
    /// algorithm that is not for such keys or not on offer at this level.
    #[inline]
    pub fn permit<A: Algorithm>(
        self,
        level: ProtectionLevel,
        spec: KeySpec,
        algorithm: A,
    ) -> Result<Permit<A>> {
        let function = algorithm.function(spec);
        match function.and_then(|function| self.standing(level, function)) {
            Some(standing) if self.offers(spec, level) => Ok(Permit { algorithm, spec, standing }),
            _ => Err(self.refusal(level, spec, function)),
        }
    }

    #[cold]
    fn refusal(self, level: ProtectionLevel, spec: KeySpec, function: Option<Function>) -> Error {
        match (self.admit(spec, level), function) {
            (Err(error), _) => error,
            (Ok(()), Some(function)) => needs_gm("Algorithm", function.as_str()),
            (Ok(()), None) => {
                Error::invalid("Algorithm", format!("It is not for keys of spec {spec}."))
            }
        }
    }
}

fn needs_gm(parameter: &'static str, what: &str) -> Error {
    let detail = format!("{what} needs protection level HSM in a region of the GM class.");
    Error::invalid(parameter, detail)
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Leave to use an algorithm with keys of one spec. The boundary asks for it wherever it works with
/// a key for a caller, and takes the algorithm from it; only [`Profile::permit`] gives it, after it
/// has looked at level, spec and algorithm.
///
/// ```
/// use kmshsm::model::{KeySpec, Profile, ProtectionLevel, SigningAlgorithm};
///
/// let (level, spec) = (ProtectionLevel::Hsm, KeySpec::EcSm2);
/// assert!(Profile::Gm.permit(level, spec, SigningAlgorithm::Sm2Dsa).is_ok());
/// assert!(Profile::Fips.permit(level, spec, SigningAlgorithm::Sm2Dsa).is_err());
/// ```
///
/// Nobody makes one for himself:
///
/// ```compile_fail,E0451
/// use kmshsm::model::{KeySpec, Permit, SigningAlgorithm, Standing};
///
/// let permit = Permit {
///     algorithm: SigningAlgorithm::Sm2Dsa,
///     spec: KeySpec::EcSm2,
///     standing: Standing::Approved,
/// };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Permit<A> {
    algorithm: A,
    spec: KeySpec,
    standing: Standing,
}

impl<A: Copy> Permit<A> {
    /// The algorithm.
    pub const fn algorithm(self) -> A {
        self.algorithm
    }

    /// The same, for the key at hand; [`ErrorCode::Internal`] if that is of another spec.
    #[inline]
    pub fn algorithm_for(self, spec: KeySpec) -> Result<A> {
        if self.spec == spec { Ok(self.algorithm) } else { Err(ErrorCode::Internal.into()) }
    }

    /// The spec of the keys that it is for.
    pub const fn spec(self) -> KeySpec {
        self.spec
    }

    /// What the profile says of the function.
    pub const fn standing(self) -> Standing {
        self.standing
    }
}

/// Whether what a call has done was approved (FIPS 140-3 asks modules for such an indicator).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Indicator {
    /// The call failed, or used no security function.
    #[default]
    None,
    /// Every function that it used was approved.
    Approved,
    /// It used one that was not.
    NotApproved,
}

impl Indicator {
    /// The same call, after it has used one more function.
    #[must_use]
    pub const fn and(self, standing: Standing) -> Self {
        match (self, standing) {
            (Self::None | Self::Approved, Standing::Approved) => Self::Approved,
            _ => Self::NotApproved,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{
        Drawing, EncryptionAlgorithm, Hashing, Sealing, SigningAlgorithm, WrappingAlgorithm,
    };
    use Function as F;
    use ProtectionLevel::{Hsm, Software};

    /// What each class of hardware approves of, written down once more.
    const FIPS: [Function; 11] = [
        F::AesEnvelope,
        F::RsaPss,
        F::RsaPkcs1,
        F::EcdsaP256,
        F::OaepSha256,
        F::OaepSha1,
        F::AesKeys,
        F::RsaKeys,
        F::P256Keys,
        F::Random,
        F::Sha256,
    ];
    const GM: [Function; 5] =
        [F::Sm4Envelope, F::Sm2Signature, F::Sm2Encryption, F::Sm2Hybrid, F::Sm3];
    /// What needs SM2, SM3 or SM4.
    const GM_ONLY: [Function; 7] = [
        F::Sm4Envelope,
        F::Sm2Signature,
        F::Sm2Encryption,
        F::Sm2Hybrid,
        F::Sm4Keys,
        F::Sm2Keys,
        F::Sm3,
    ];

    #[test]
    fn what_is_approved_and_what_is_allowed() {
        for function in F::ALL.iter().copied() {
            let is_gm = GM_ONLY.contains(&function);
            let judged = |is_approved| match is_approved {
                true => Some(Standing::Approved),
                false => Some(Standing::Allowed),
            };
            for (profile, level, expected) in [
                (Profile::Fips, Hsm, judged(FIPS.contains(&function)).filter(|_| !is_gm)),
                (Profile::Gm, Hsm, judged(GM.contains(&function))),
                (Profile::None, Hsm, None),
                (Profile::Fips, Software, judged(false).filter(|_| !is_gm)),
                (Profile::Gm, Software, judged(false).filter(|_| !is_gm)),
                (Profile::None, Software, judged(false).filter(|_| !is_gm)),
            ] {
                assert_eq!(profile.standing(level, function), expected, "{profile:?} {function:?}");
            }
        }
    }

    /// Every spec with every algorithm at every level of every profile: a permit is given exactly
    /// if the key may exist, the algorithm is for such keys, and the function is on offer.
    fn try_all<A: Algorithm + std::fmt::Debug>(algorithms: &[A], seen: &mut BTreeSet<Function>) {
        let is_gm = |spec: KeySpec| matches!(spec, KeySpec::Sm4 | KeySpec::EcSm2);
        for profile in Profile::ALL {
            for (level, spec) in [Software, Hsm]
                .into_iter()
                .flat_map(|level| KeySpec::ALL.iter().map(move |spec| (level, *spec)))
            {
                let has_gm = profile == Profile::Gm && level == Hsm;
                let exists =
                    (level == Software || profile != Profile::None) && (has_gm || !is_gm(spec));
                assert_eq!(profile.offers(spec, level), exists);
                assert_eq!(profile.admit(spec, level).is_ok(), exists);
                for algorithm in algorithms {
                    let function = algorithm.function(spec);
                    seen.extend(function);
                    let expected = exists
                        && function.is_some_and(|function| has_gm || !GM_ONLY.contains(&function));
                    let permit = profile.permit(level, spec, *algorithm);
                    assert_eq!(
                        permit.is_ok(),
                        expected,
                        "{profile:?} {level} {spec} {algorithm:?}"
                    );
                    let Ok(permit) = permit else { continue };
                    assert_eq!(profile.standing(level, function.unwrap()), Some(permit.standing()));
                    assert_eq!(permit.spec(), spec);
                    for other in KeySpec::ALL {
                        assert_eq!(permit.algorithm_for(*other).is_ok(), *other == spec);
                    }
                }
            }
        }
    }

    #[test]
    fn permits_are_for_what_the_profile_offers() {
        let mut seen = BTreeSet::new();
        try_all(&[Sealing], &mut seen);
        try_all(SigningAlgorithm::ALL, &mut seen);
        try_all(EncryptionAlgorithm::ALL, &mut seen);
        try_all(WrappingAlgorithm::ALL, &mut seen);
        try_all(&[Making], &mut seen);
        try_all(&[Drawing], &mut seen);
        try_all(&[Hashing], &mut seen);
        assert!(seen.iter().eq(F::ALL), "{seen:?}");
    }

    #[test]
    fn refusals_name_what_is_wrong() {
        let code = |error: Error| (error.code(), error.to_string());
        let (code_of, said) =
            code(Profile::None.permit(Hsm, KeySpec::Aes256, Sealing).unwrap_err());
        assert_eq!(code_of, ErrorCode::UnsupportedProtectionLevel, "{said}");
        for (spec, algorithm, parameter) in [
            (KeySpec::Sm4, WrappingAlgorithm::OaepSha256, "\"KeySpec\""),
            (KeySpec::Aes256, WrappingAlgorithm::Sm2Pke, "\"Algorithm\""),
            (KeySpec::Aes256, WrappingAlgorithm::OaepSha256Aes256Ecb, "\"Algorithm\""),
        ] {
            let (code_of, said) = code(Profile::Fips.permit(Hsm, spec, algorithm).unwrap_err());
            assert_eq!(code_of, ErrorCode::InvalidParameter);
            assert!(said.contains(parameter), "{said}");
        }
    }

    #[test]
    fn one_function_that_is_not_approved_is_enough() {
        use Standing::{Allowed, Approved};
        let after = |used: &[Standing]| {
            used.iter().fold(Indicator::None, |indicator, standing| indicator.and(*standing))
        };
        assert_eq!(after(&[]), Indicator::None);
        assert_eq!(after(&[Approved, Approved]), Indicator::Approved);
        for used in [[Allowed, Approved], [Approved, Allowed], [Allowed, Allowed]] {
            assert_eq!(after(&used), Indicator::NotApproved);
        }
    }
}
