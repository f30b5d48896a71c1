//! The policy of one key: who else may do what with it (API reference, chapter 11).

use super::json::{Node, Object, quoted};
use super::statement::{Effect, Statement, needed, object, parse_all, texts, weigh};
use super::{Asked, Caller, Place, Request, Verdict};
use crate::error::{Error, Result};
use crate::model::Account;

/// The longest policy of a key, in bytes.
pub const MAX_KEY_POLICY: usize = 32_768;

/// The policy of one key, as parsed.
#[derive(Clone, Debug)]
pub struct KeyPolicy {
    statements: Vec<KeyStatement>,
}

#[derive(Clone, Debug)]
struct KeyStatement {
    sid: Option<Box<str>>,
    principals: Vec<Named>,
    statement: Statement,
}

/// Whom a statement names.
#[derive(Clone, Debug)]
struct Named {
    account: Account,
    who: Who,
}

#[derive(Clone, Debug)]
enum Who {
    /// The account and all that belong to it.
    All,
    Root,
    User(Box<str>),
    /// There are no roles in this release.
    Role,
}

impl KeyPolicy {
    /// Reads a policy: [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) (`Policy`) says
    /// what is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_KEY_POLICY {
            let detail = format!("It is longer than {MAX_KEY_POLICY} bytes.");
            return Err(Error::invalid("Policy", detail));
        }
        let known = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
        let statements = parse_all(text, &known, KeyStatement::parse);
        statements.map(|statements| Self { statements }).map_err(|e| Error::invalid("Policy", e))
    }

    /// The policy of a key that has been given none: its account decides.
    pub fn default_text(owner: &Account) -> String {
        format!(
            r#"{{"Version":"1","Statement":[{{"Sid":"kms default key policy","Effect":"Allow","Principal":{{"RAM":["acs:ram::{owner}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#
        )
    }

    /// What it says to `caller` about a key of `owner`.
    ///
    /// An Allow to all of the owner's account (`acs:ram::<owner>:*`, as the default policy has it) leaves
    /// the account's users to their own policies: only one that names a user allows that user anything.
    pub fn evaluate(&self, caller: &Caller<'_>, owner: &Account, request: &Request<'_>) -> Verdict {
        self.weigh(caller, owner, &Asked::new(request))
    }

    pub(super) fn weigh(&self, caller: &Caller<'_>, owner: &Account, asked: &Asked<'_>) -> Verdict {
        let concerned = self.statements.iter().enumerate().filter_map(|(at, part)| {
            let is_named = part.principals.iter().any(|named| {
                let is_left = caller.account == owner && part.statement.effect() == Effect::Allow;
                named.is(caller, is_left)
            });
            is_named.then_some((Place { policy: 0, statement: at }, &part.statement))
        });
        weigh(concerned, asked)
    }

    /// The name that a statement has been given.
    pub fn sid(&self, statement: usize) -> Option<&str> {
        self.statements.get(statement)?.sid.as_deref()
    }
}

impl KeyStatement {
    fn parse(elements: &Object) -> Result<Self, String> {
        let sid = elements.get("Sid").map(sid).transpose()?;
        let Object(principal) = object(needed(elements, "Principal")?, "Principal")?;
        let [(name, named)] = principal.as_slice() else {
            return Err("Principal must have one member, RAM.".to_owned());
        };
        if name != "RAM" {
            return Err(format!("{} is no kind of principal: RAM.", quoted(name)));
        }
        let named = texts(named, "RAM")?;
        let principals = named.into_iter().map(Named::parse).collect::<Result<_, _>>()?;
        if texts(needed(elements, "Resource")?, "Resource")? != ["*"] {
            return Err("Resource must be \"*\", which is this key.".to_owned());
        }
        for action in texts(needed(elements, "Action")?, "Action")? {
            if !action.get(..4).is_some_and(|service| service.eq_ignore_ascii_case("kms:")) {
                return Err(format!("{} does not begin with kms:.", quoted(action)));
            }
        }
        Ok(Self { sid, principals, statement: Statement::parse(elements)? })
    }
}

/// At most 128 letters, digits and `_/+=.@-`; also spaces, which the service's own default has.
fn sid(node: &Node) -> Result<Box<str>, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_/+=.@- ".contains(&byte);
    match node {
        Node::Text(text) if text.len() <= 128 && text.bytes().all(fits) => Ok(text.as_str().into()),
        _ => Err("Sid must be at most 128 letters, digits, spaces and _/+=.@-.".to_owned()),
    }
}

impl Named {
    fn parse(text: &str) -> Result<Self, String> {
        let refused = || {
            format!("{} is no principal: acs:ram::<account>:*, :root, :user/<name>.", quoted(text))
        };
        let rest = text.strip_prefix("acs:ram::").ok_or_else(refused)?;
        let (account, who) = rest.split_once(':').ok_or_else(refused)?;
        let account = Account::parse(account).map_err(|_| refused())?;
        let who = match (who, who.split_once('/')) {
            ("*", _) => Who::All,
            ("root", _) => Who::Root,
            (_, Some(("user", name))) if is_name(name) => Who::User(name.into()),
            (_, Some(("role", name))) if is_name(name) => Who::Role,
            _ => return Err(refused()),
        };
        Ok(Self { account, who })
    }

    /// Whether it is about the caller; `is_left`: what is said to a whole account is left to that
    /// account's own policies.
    fn is(&self, caller: &Caller<'_>, is_left: bool) -> bool {
        let is_one = match &self.who {
            Who::All => caller.user.is_none() || !is_left,
            Who::Root => caller.user.is_none(),
            Who::User(name) => caller.user == Some(name),
            Who::Role => false,
        };
        is_one && self.account == *caller.account
    }
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
    (1..=128).contains(&name.len()) && name.bytes().all(fits)
}
