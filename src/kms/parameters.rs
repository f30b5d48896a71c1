//! The parameters of a request as an event of the audit trail shows them: one JSON object of what was
//! given. Types that hold secrets, or bytes of any kind, serialize as nothing, and nothing is left out.
#![forbid(unsafe_code)]

use std::fmt::Display;

use serde::ser::{Error as _, Impossible, SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};
use serde_json::Error;

/// Appends the members of `request`, a struct, as a JSON object to `out`.
pub(super) fn write(request: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    let written = request.serialize(Parameters(out));
    debug_assert!(written.is_ok(), "no event tells the parameters of this request");
    if written.is_err() {
        out.truncate(start);
        out.extend_from_slice(b"{}");
    }
}

struct Parameters<'o>(&'o mut Vec<u8>);

impl Parameters<'_> {
    /// A member, unless it is absent.
    fn member(
        &mut self,
        name: &(impl ?Sized + Serialize),
        value: &(impl ?Sized + Serialize),
    ) -> Result<(), Error> {
        let start = self.0.len();
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        serde_json::to_writer(&mut *self.0, name)?;
        self.0.push(b':');
        let before_value = self.0.len();
        serde_json::to_writer(&mut *self.0, value)?;
        if self.0.get(before_value..) == Some(b"null") {
            self.0.truncate(start);
        }
        Ok(())
    }

    fn close(self) {
        self.0.push(b'}');
    }
}

impl SerializeStruct for Parameters<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

/// A struct with another one's members among its own (`serde(flatten)`), entry by entry.
impl SerializeMap for Parameters<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_entry<K: ?Sized + Serialize, V: ?Sized + Serialize>(
        &mut self,
        name: &K,
        value: &V,
    ) -> Result<(), Error> {
        self.member(name, value)
    }

    fn serialize_key<T: ?Sized + Serialize>(&mut self, _: &T) -> Result<(), Error> {
        no_struct()
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, _: &T) -> Result<(), Error> {
        no_struct()
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

fn no_struct<T>() -> Result<T, Error> {
    Err(Error::custom("requests are structs"))
}

/// What a request is not.
macro_rules! refuse {
    ($($name:ident($($ty:ty),*) -> $ok:ty;)+) => {
        $(fn $name(self, $(_: $ty),*) -> Result<$ok, Error> { no_struct() })+
    };
}

type No = Impossible<(), Error>;

impl<'o> Serializer for Parameters<'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = No;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        self.0.push(b'{');
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Error> {
        self.0.push(b'{');
        Ok(self)
    }

    refuse! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> No;
        serialize_tuple(usize) -> No;
        serialize_tuple_struct(&'static str, usize) -> No;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> No;
    }

    fn serialize_some<T: ?Sized + Serialize>(self, _: &T) -> Result<(), Error> {
        no_struct()
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        no_struct()
    }

    fn collect_str<T: ?Sized + Display>(self, _: &T) -> Result<(), Error> {
        no_struct()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_left_out() {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Request {
            first: Option<u32>,
            key_id: &'static str,
            size: Option<u32>,
            last: Option<&'static str>,
        }
        #[derive(Serialize)]
        struct Empty {}
        let written = |request: &dyn Fn(&mut Vec<u8>)| {
            let mut out = b"x".to_vec();
            request(&mut out);
            String::from_utf8(out).unwrap()
        };
        let request = Request { first: None, key_id: "a\"b", size: Some(7), last: None };
        assert_eq!(written(&|out| write(&request, out)), r#"x{"KeyId":"a\"b","Size":7}"#);
        assert_eq!(written(&|out| write(&Empty {}, out)), "x{}");
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Around {
            account: u32,
            absent: Option<u32>,
            #[serde(flatten)]
            request: Request,
            region: &'static str,
        }
        let request = Request { first: Some(1), key_id: "k", size: None, last: None };
        let around = Around { account: 7, absent: None, request, region: "r" };
        assert_eq!(
            written(&|out| write(&around, out)),
            r#"x{"Account":7,"First":1,"KeyId":"k","Region":"r"}"#
        );
    }
}
