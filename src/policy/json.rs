//! The JSON of policies, strictly: strings, lists and objects; each name once, nothing empty, nothing
//! deeper than the grammar needs.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// How deep lists and objects may lie in each other; the grammar needs 6.
const MAX_DEPTH: usize = 8;

/// What a policy consists of.
pub enum Node {
    /// A string, without escapes.
    Text(String),
    /// A list of one or more.
    List(Vec<Node>),
    /// An object of one or more members.
    Object(Object),
}

/// The members of an object, in their order; each name is there once.
pub struct Object(pub Vec<(String, Node)>);

impl Object {
    /// The member of that name.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, node)| node)
    }
}

/// Reads a text; otherwise a sentence that says what is wrong with it, and where.
pub fn parse(text: &str) -> Result<Node, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let node = Depth(MAX_DEPTH).deserialize(&mut reader);
    let node = node.and_then(|node| reader.end().map(|()| node));
    node.map_err(|error| format!("It is not the JSON of a policy: {error}."))
}

/// What stands in a policy, for a sentence about it.
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// Reads a node in which this many lists and objects may still begin.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    fn below<E: de::Error>(self) -> Result<Self, E> {
        let too_deep = || E::custom("lists and objects lie too deep in each other");
        self.0.checked_sub(1).map(Self).ok_or_else(too_deep)
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Node;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a list or an object")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Node, E> {
        plain(text).map(Node::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let below = self.below()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(below)? {
            items.push(item);
        }
        if items.is_empty() {
            Err(de::Error::custom("a list is empty"))
        } else {
            Ok(Node::List(items))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let below = self.below()?;
        let mut members = Vec::new();
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let name = plain(name)?;
            if !names.insert(name.clone()) {
                return Err(de::Error::custom(format!("{} is given twice", quoted(&name))));
            }
            members.push((name, map.next_value_seed(below)?));
        }
        match members.is_empty() {
            true => Err(de::Error::custom("an object is empty")),
            false => Ok(Node::Object(Object(members))),
        }
    }
}

/// Later grammars put what is known of the request in place of `${...}`. Taken literally here, it would
/// mean something else than its author thinks.
fn plain<E: de::Error>(text: String) -> Result<String, E> {
    match text.contains("${") {
        true => Err(E::custom("variables, ${...}, are not of this grammar")),
        false => Ok(text),
    }
}
