//! The words of Resource Access Management (RAM 2015-05-01): names of users and policies.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::words::words;

words! {
    /// Whose a policy is.
    PolicyType {
        /// One that comes with the service.
        System = 1, "System";
        /// One of the account's own.
        Custom = 2, "Custom";
    }
}

words! {
    /// Whether an access key opens sessions.
    AccessKeyStatus {
        /// It does.
        Active = 1, "Active";
        /// It does not, until it is made active again.
        Inactive = 2, "Inactive";
    }
}

/// A name that is checked where it is read, as all others of its kind.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $most:literal, $others:literal, $refusal:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub struct $name(String);

        impl $name {
            /// Reads a name; otherwise a sentence that says what it must be.
            pub fn parse(text: &str) -> Result<Self, &'static str> {
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || $others.contains(&byte);
                match (1..=$most).contains(&text.len()) && text.bytes().all(allowed) {
                    true => Ok(Self(text.to_owned())),
                    false => Err($refusal),
                }
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" })
            }
        }
    };
}

name! {
    /// The name of a user: 1 to 64 letters, digits, `.`, `_` and `-` of ASCII.
    UserName, 64, b"._-", "It must be 1 to 64 letters, digits, ., _ and -."
}

name! {
    /// The name of a policy: 1 to 128 letters, digits and `-` of ASCII.
    PolicyName, 128, b"-", "It must be 1 to 128 letters, digits and -."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let longest = "a".repeat(64);
        for text in ["a", "A.b_c-9", "-", longest.as_str()] {
            assert_eq!(UserName::parse(text).map(|name| name.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "a b", "a/b", "ä", "*", &"a".repeat(65)] {
            assert!(UserName::parse(text).is_err(), "{text}");
        }
        assert!(PolicyName::parse(&"a".repeat(128)).is_ok());
        for text in ["", "a.b", "a_b", &"a".repeat(129)] {
            assert!(PolicyName::parse(text).is_err(), "{text}");
        }
    }
}
