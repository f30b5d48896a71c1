//! Lists as the wire spells them: `ResourceId.1`, `Tag.1.Key`. They become the JSON text of one list, so
//! that actions know one spelling.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Member;
use crate::error::{Error, Result};

/// The items of one list by their number: texts, or objects.
type Items = BTreeMap<u32, Value>;

/// The same members, with the numbered ones gathered into lists.
/// [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) naming a member that does not fit the
/// others of its list.
pub(super) fn gather(members: Vec<Member>) -> Result<Vec<Member>> {
    let mut gathered = Vec::with_capacity(members.len());
    let mut lists: Vec<(String, Items)> = Vec::new();
    for member in members {
        let Some((list, number, field)) = parse(&member.name) else {
            gathered.push(member);
            continue;
        };
        let at = lists.iter().position(|(name, _)| name == list);
        let at = at.unwrap_or_else(|| {
            lists.push((list.to_owned(), Items::new()));
            lists.len() - 1
        });
        let text = Value::String(member.value.as_str().to_owned());
        let fits =
            lists.get_mut(at).is_some_and(|(_, items)| match (items.get_mut(&number), field) {
                (None, None) => items.insert(number, text).is_none(),
                (None, Some(field)) => {
                    let object = Map::from_iter([(field.to_owned(), text)]);
                    items.insert(number, Value::Object(object)).is_none()
                }
                (Some(Value::Object(item)), Some(field)) => {
                    item.insert(field.to_owned(), text).is_none()
                }
                _ => false,
            });
        if !fits {
            return Err(Error::invalid(member.name, "It does not fit the others of its list."));
        }
    }
    for (name, items) in lists {
        let list = Value::Array(items.into_values().collect());
        let value = Zeroizing::new(list.to_string());
        gathered.push(Member { name, value, is_structure: true });
    }
    Ok(gathered)
}

/// `Name.1` and `Name.1.Field`.
fn parse(name: &str) -> Option<(&str, u32, Option<&str>)> {
    let (list, rest) = name.split_once('.')?;
    let (number, field) = match rest.split_once('.') {
        Some((number, field)) => (number, Some(field)),
        None => (rest, None),
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|number| is_number && *number > 0)?;
    Some((list, number, field))
}

#[cfg(test)]
mod tests {
    use super::super::Params;
    use super::*;

    fn gathered(json: &str) -> Result<Vec<(String, String)>> {
        let members = gather(Params::from_json(json)?.0)?;
        Ok(members.into_iter().map(|m| (m.name, m.value.as_str().to_owned())).collect())
    }

    #[test]
    fn numbered_members_become_lists() {
        let json =
            r#"{"A":"1","Id.2":"y","Tag.1.Key":"k","Id.10":"z","Id.1":"x","Tag.1.Value":"v"}"#;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            gathered(json),
            Ok(vec![
                pair("A", "1"),
                pair("Id", r#"["x","y","z"]"#),
                pair("Tag", r#"[{"Key":"k","Value":"v"}]"#),
            ])
        );
        for name in ["Id.0", "Id.", "Id.x", "Id.-1", "Id.99999999999"] {
            assert_eq!(gathered(&format!(r#"{{"{name}":"x"}}"#)), Ok(vec![pair(name, "x")]));
        }
    }

    #[test]
    fn members_of_one_list_are_of_one_shape() {
        for json in [
            r#"{"Id.1":"x","Id.01":"y"}"#,
            r#"{"Id.1":"x","Id.1.Key":"y"}"#,
            r#"{"Tag.1.Key":"x","Tag.1":"y"}"#,
        ] {
            assert!(gathered(json).is_err(), "{json}");
        }
    }
}
