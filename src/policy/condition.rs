//! Conditions of statements: an operator, a key of the request, and the values that will do.

use std::net::IpAddr;

use super::json::{Node, quoted};
use super::pattern::{Case, MAX_SUBJECT, Pattern};
use super::statement::{object, texts};
use super::values::{Network, Number};
use super::{Asked, Circumstances};
use crate::model::{check_tag_key, parse_moment};

/// One operator on one key.
#[derive(Clone, Debug)]
pub struct Condition {
    key: Key,
    /// Any of them will do; if negated, none must.
    values: Values,
    is_negated: bool,
}

#[derive(Clone, Debug)]
enum Key {
    CurrentTime,
    SourceIp,
    SecureTransport,
    MfaPresent,
    /// The value of this tag of the key.
    Tag(Box<str>),
}

#[derive(Clone, Debug)]
enum Values {
    Exact(Vec<Box<str>>),
    /// Without the case of letters.
    Folded(Vec<Box<str>>),
    Like(Vec<Pattern>),
    Numbers(Relation, Vec<Number>),
    Moments(Relation, Vec<i64>),
    Flags(Vec<bool>),
    Networks(Vec<Network>),
}

#[derive(Clone, Copy, Debug)]
enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What the request has under a key.
enum Subject<'a> {
    Moment(i64),
    Address(IpAddr),
    Flag(bool),
    Text(&'a str),
    /// It is known that there is nothing: no such tag. That is equal to no value.
    Nothing,
}

impl Condition {
    /// Reads the element `Condition`; otherwise a sentence that says what is wrong with it.
    pub fn parse(node: &Node) -> Result<Vec<Self>, String> {
        let mut conditions = Vec::new();
        for (operator, keys) in &object(node, "Condition")?.0 {
            for (key, values) in &object(keys, operator)?.0 {
                conditions.push(Self::of(operator, key, &texts(values, key)?)?);
            }
        }
        Ok(conditions)
    }

    fn of(operator: &str, key: &str, given: &[&str]) -> Result<Self, String> {
        let (family, is_negated) = Family::find(operator)?;
        let parsed = Key::parse(key)?;
        if !parsed.takes(family) {
            return Err(format!("{} does not go with {operator}.", quoted(key)));
        }
        let values = family.values(given).map_err(|(value, wanted)| {
            format!("{} of {operator}, {}, must be {wanted}.", quoted(value), quoted(key))
        })?;
        Ok(Self { key: parsed, values, is_negated })
    }

    /// Whether the request meets it. None if that is not known: what it asks about is not, or the operator
    /// cannot compare it.
    pub fn is_met(&self, asked: &Asked<'_>) -> Option<bool> {
        let subject = self.key.of(asked)?;
        if matches!(subject, Subject::Nothing) {
            return Some(self.is_negated);
        }
        let is_any = match &self.values {
            Values::Exact(values) => subject.text().map(|text| values.iter().any(|v| **v == *text)),
            Values::Folded(values) => {
                subject.text().map(|text| values.iter().any(|v| v.chars().eq(folded(text))))
            }
            Values::Like(values) => {
                subject.text().map(|text| values.iter().any(|v| v.matches(text)))
            }
            Values::Numbers(relation, values) => {
                let number = Number::parse(subject.text()?);
                number.map(|number| values.iter().any(|value| relation.holds(&number, value)))
            }
            Values::Moments(relation, values) => {
                subject.moment().map(|moment| values.iter().any(|v| relation.holds(&moment, v)))
            }
            Values::Flags(values) => subject.flag().map(|flag| values.contains(&flag)),
            Values::Networks(values) => {
                subject.address().map(|address| values.iter().any(|v| v.contains(address)))
            }
        };
        is_any.map(|is_any| is_any != self.is_negated)
    }
}

impl Key {
    fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "acs:CurrentTime" => Self::CurrentTime,
            "acs:SourceIp" => Self::SourceIp,
            "acs:SecureTransport" => Self::SecureTransport,
            "acs:MFAPresent" => Self::MfaPresent,
            _ => match name.strip_prefix("kms:tag/") {
                Some(tag) if check_tag_key(tag).is_ok() => Self::Tag(tag.into()),
                _ => return Err(format!("{} is no condition key.", quoted(name))),
            },
        })
    }

    /// A tag is read as whatever the operator compares.
    const fn takes(&self, family: Family) -> bool {
        match self {
            Self::CurrentTime => matches!(family, Family::Moments(_)),
            Self::SourceIp => matches!(family, Family::Networks),
            Self::SecureTransport | Self::MfaPresent => matches!(family, Family::Flags),
            Self::Tag(_) => true,
        }
    }

    fn of<'a>(&self, asked: &Asked<'a>) -> Option<Subject<'a>> {
        let Circumstances { now: _, source_ip, secure_transport, mfa_present, tags } =
            *asked.request.circumstances;
        match self {
            Self::CurrentTime => Some(Subject::Moment(asked.now())),
            Self::SourceIp => source_ip.map(Subject::Address),
            Self::SecureTransport => secure_transport.map(Subject::Flag),
            Self::MfaPresent => mfa_present.map(Subject::Flag),
            Self::Tag(name) => {
                let found = tags.binary_search_by(|(given, _)| given.as_str().cmp(name));
                let Ok(at) = found else { return Some(Subject::Nothing) };
                let (_, value) = tags.get(at).filter(|(_, value)| value.len() <= MAX_SUBJECT)?;
                Some(Subject::Text(value))
            }
        }
    }
}

impl<'a> Subject<'a> {
    const fn text(&self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn moment(&self) -> Option<i64> {
        if let Self::Moment(moment) = self { Some(*moment) } else { parse_moment(self.text()?) }
    }

    fn address(&self) -> Option<IpAddr> {
        if let Self::Address(address) = self { Some(*address) } else { self.text()?.parse().ok() }
    }

    fn flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(*flag) } else { self.text()?.parse().ok() }
    }
}

impl Relation {
    fn holds<T: Ord>(self, subject: &T, value: &T) -> bool {
        match self {
            Self::Equal => subject == value,
            Self::Less => subject < value,
            Self::LessOrEqual => subject <= value,
            Self::Greater => subject > value,
            Self::GreaterOrEqual => subject >= value,
        }
    }
}

/// What an operator compares, and how.
#[derive(Clone, Copy)]
enum Family {
    Exact,
    Folded,
    Like,
    Numbers(Relation),
    Moments(Relation),
    Flags,
    Networks,
}

impl Family {
    /// The operator of that name, and whether it is negated.
    fn find(operator: &str) -> Result<(Self, bool), String> {
        use Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        Ok(match operator {
            "StringEquals" => (Self::Exact, false),
            "StringNotEquals" => (Self::Exact, true),
            "StringEqualsIgnoreCase" => (Self::Folded, false),
            "StringNotEqualsIgnoreCase" => (Self::Folded, true),
            "StringLike" => (Self::Like, false),
            "StringNotLike" => (Self::Like, true),
            "NumericEquals" => (Self::Numbers(Equal), false),
            "NumericNotEquals" => (Self::Numbers(Equal), true),
            "NumericLessThan" => (Self::Numbers(Less), false),
            "NumericLessThanEquals" => (Self::Numbers(LessOrEqual), false),
            "NumericGreaterThan" => (Self::Numbers(Greater), false),
            "NumericGreaterThanEquals" => (Self::Numbers(GreaterOrEqual), false),
            "DateEquals" => (Self::Moments(Equal), false),
            "DateNotEquals" => (Self::Moments(Equal), true),
            "DateLessThan" => (Self::Moments(Less), false),
            "DateLessThanEquals" => (Self::Moments(LessOrEqual), false),
            "DateGreaterThan" => (Self::Moments(Greater), false),
            "DateGreaterThanEquals" => (Self::Moments(GreaterOrEqual), false),
            "Bool" => (Self::Flags, false),
            "IpAddress" => (Self::Networks, false),
            "NotIpAddress" => (Self::Networks, true),
            _ => return Err(format!("{} is no condition operator.", quoted(operator))),
        })
    }

    /// Reads what is compared with; otherwise the first that it cannot, and what it must be.
    fn values<'a>(self, given: &[&'a str]) -> Result<Values, (&'a str, &'static str)> {
        Ok(match self {
            Self::Exact => Values::Exact(given.iter().map(|text| Box::from(*text)).collect()),
            Self::Folded => {
                let fold = |text: &&str| folded(text).collect::<String>().into();
                Values::Folded(given.iter().map(fold).collect())
            }
            Self::Like => {
                let pattern = |text: &&str| Pattern::new(text, Case::Sensitive);
                Values::Like(given.iter().map(pattern).collect())
            }
            Self::Numbers(relation) => {
                Values::Numbers(relation, all(given, Number::parse, "a decimal number")?)
            }
            Self::Moments(relation) => {
                let wanted = "a moment in UTC such as 2026-01-31T00:00:00Z";
                Values::Moments(relation, all(given, parse_moment, wanted)?)
            }
            Self::Flags => {
                Values::Flags(all(given, |text| text.parse().ok(), "\"true\" or \"false\"")?)
            }
            Self::Networks => {
                let wanted = "an address of IPv4 or IPv6, or a network such as 10.0.0.0/8";
                Values::Networks(all(given, Network::parse, wanted)?)
            }
        })
    }
}

/// The letters without their case, of whatever alphabet: tags may have them all.
fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

fn all<'a, T>(
    given: &[&'a str],
    parse: impl Fn(&str) -> Option<T>,
    wanted: &'static str,
) -> Result<Vec<T>, (&'a str, &'static str)> {
    given.iter().map(|text| parse(text).ok_or((*text, wanted))).collect()
}
