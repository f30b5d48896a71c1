//! Statements: what identity policies and the policies of keys have in common.

use super::condition::Condition;
use super::json::{self, Node, Object, quoted};
use super::pattern::{Case, Pattern};
use super::{Asked, Place, Verdict, pattern};

/// How many statements a policy may have.
const MAX_STATEMENTS: usize = 100;

/// What a statement does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// What is allowed or denied, and under which conditions.
#[derive(Clone, Debug)]
pub struct Statement {
    effect: Effect,
    actions: Vec<Pattern>,
    resources: Vec<Pattern>,
    conditions: Vec<Condition>,
}

impl Statement {
    /// Reads the elements that all statements have.
    pub fn parse(elements: &Object) -> Result<Self, String> {
        let effect = match text(needed(elements, "Effect")?, "Effect")? {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            other => return Err(format!("{} is no Effect: Allow or Deny.", quoted(other))),
        };
        let actions = texts(needed(elements, "Action")?, "Action")?;
        let resources = texts(needed(elements, "Resource")?, "Resource")?;
        Ok(Self {
            effect,
            actions: actions.into_iter().map(action).collect::<Result<_, _>>()?,
            resources: resources.into_iter().map(resource).collect::<Result<_, _>>()?,
            conditions: elements.get("Condition").map_or(Ok(Vec::new()), Condition::parse)?,
        })
    }

    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether it is about this request. A condition about something that is not known keeps an
    /// Allow from applying, and no Deny: that never helps the caller.
    fn applies(&self, asked: &Asked<'_>) -> bool {
        let request = asked.request;
        self.actions.iter().any(|action| action.matches(request.action))
            && self.resources.iter().any(|resource| resource.matches(request.resource))
            && self
                .conditions
                .iter()
                .all(|condition| condition.is_met(asked).unwrap_or(self.effect == Effect::Deny))
    }
}

/// What these statements say, all with their places: the first Deny that applies, or else the first
/// Allow.
pub fn weigh<'s>(
    statements: impl Iterator<Item = (Place, &'s Statement)>,
    asked: &Asked<'_>,
) -> Verdict {
    let request = asked.request;
    if request.action.len().max(request.resource.len()) > pattern::MAX_SUBJECT {
        return Verdict::Implicit;
    }
    let mut verdict = Verdict::Implicit;
    for (place, statement) in statements {
        match (statement.effect, verdict) {
            (Effect::Allow, Verdict::Allow(_)) => {}
            _ if !statement.applies(asked) => {}
            (Effect::Allow, _) => verdict = Verdict::Allow(place),
            (Effect::Deny, _) => return Verdict::Deny(place),
        }
    }
    verdict
}

/// Reads a policy whose statements have these elements, each by `parse`; otherwise a sentence that says
/// what is wrong, and with which statement.
pub fn parse_all<S>(
    text: &str,
    known: &[&str],
    parse: impl Fn(&Object) -> Result<S, String>,
) -> Result<Vec<S>, String> {
    let root = json::parse(text)?;
    let root = object(&root, "A policy")?;
    if let Some((name, _)) =
        root.0.iter().find(|(name, _)| name != "Version" && name != "Statement")
    {
        return Err(format!("{} is no element of a policy.", quoted(name)));
    }
    if self::text(needed(root, "Version")?, "Version")? != "1" {
        return Err("Version must be \"1\".".to_owned());
    }
    let statements = match needed(root, "Statement")? {
        Node::List(statements) => statements.as_slice(),
        one => std::slice::from_ref(one),
    };
    if statements.len() > MAX_STATEMENTS {
        return Err(format!("There are more than {MAX_STATEMENTS} statements."));
    }
    let parse = |(at, node): (usize, &Node)| {
        let parsed = object(node, "It").and_then(|elements| {
            check_elements(elements, known)?;
            parse(elements)
        });
        parsed.map_err(|error| format!("Statement {}: {error}", at + 1))
    };
    statements.iter().enumerate().map(parse).collect()
}

fn check_elements(elements: &Object, known: &[&str]) -> Result<(), String> {
    let unknown = elements.0.iter().find(|(name, _)| !known.contains(&name.as_str()));
    match unknown.map(|(name, _)| name.as_str()) {
        None => Ok(()),
        Some(name @ ("NotAction" | "NotResource" | "NotPrincipal")) => {
            Err(format!("{name} is not of this grammar: name what is meant, not what is not."))
        }
        Some(name) => Err(format!("{} is no element of a statement.", quoted(name))),
    }
}

/// The element of that name.
pub fn needed<'n>(elements: &'n Object, name: &str) -> Result<&'n Node, String> {
    elements.get(name).ok_or_else(|| format!("{name} is missing."))
}

/// The members of `node`, which `name` stands for in a refusal.
pub fn object<'n>(node: &'n Node, name: &str) -> Result<&'n Object, String> {
    match node {
        Node::Object(object) => Ok(object),
        _ => Err(format!("{name} must be an object.")),
    }
}

fn text<'n>(node: &'n Node, name: &str) -> Result<&'n str, String> {
    match node {
        Node::Text(text) => Ok(text),
        _ => Err(format!("{name} must be a string.")),
    }
}

/// One string, or a list of them.
pub fn texts<'n>(node: &'n Node, name: &str) -> Result<Vec<&'n str>, String> {
    match node {
        Node::Text(text) => Ok(vec![text]),
        Node::List(items) => items.iter().map(|item| text(item, name)).collect(),
        Node::Object(_) => Err(format!("{name} must be a string or a list of strings.")),
    }
}

/// `*`, or `service:name` with wildcards.
fn action(text: &str) -> Result<Pattern, String> {
    let is_word = |word: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"*?-_".contains(&byte);
        !word.is_empty() && word.bytes().all(fits)
    };
    let is_action = text.split_once(':').is_some_and(|(one, other)| is_word(one) && is_word(other));
    match text == "*" || is_action {
        true => Ok(Pattern::new(text, Case::Insensitive)),
        false => Err(format!("{} is no Action: kms:Encrypt, kms:Describe*, *.", quoted(text))),
    }
}

/// `*`, or `acs:service:region:account:relative-id` with wildcards. Whatever is judged has a region and
/// an account: a Deny that leaves them empty would be about nothing, and nobody would notice.
fn resource(text: &str) -> Result<Pattern, String> {
    let parts: Vec<_> = text.splitn(5, ':').collect();
    let is_arn = match parts.as_slice() {
        ["acs", rest @ ..] if rest.len() == 4 => rest.iter().all(|part| !part.is_empty()),
        _ => false,
    };
    match text == "*" || is_arn && !text.contains(char::is_control) {
        true => Ok(Pattern::new(text, Case::Sensitive)),
        false => Err(format!("{} is no Resource: acs:service:region:account:id, *.", quoted(text))),
    }
}
