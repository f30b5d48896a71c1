//! Random bytes from the module's generator: an extension. The API of 2016-01-20 does not have it;
//! names and limits are those of Alibaba's dedicated KMS instances (API reference, chapter 2).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::Into;
use crate::api::codec::SecretBlob;
use crate::error::{Error, Result};
use crate::hsm;
use crate::kms::{Access, Action, Class, Door, Plane, Target};

/// The most random bytes that one call gives.
pub const MAX_RANDOM: u32 = 1024;

/// Draws random bytes from the generator that also makes the keys (NIST SP 800-90A).
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GenerateRandom<'a> {
    /// How many bytes, 1 to 1024; in JSON they come as Base64.
    pub length: u32,
    /// Where they go.
    #[serde(skip)]
    #[schemars(skip)]
    pub into: Into<'a>,
}

/// The answer of GenerateRandom.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RandomBytes<'a> {
    /// The bytes; wiped when dropped unless they are in the caller's memory.
    pub random: SecretBlob<'a>,
}

impl<'a> Action for GenerateRandom<'a> {
    const NAME: &'static str = "GenerateRandom";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = RandomBytes<'a>;

    fn run(&mut self, door: &Door<'_>) -> Result<RandomBytes<'a>> {
        let len = random_len(self.length)? as usize;
        door.permit(Target::Nothing)?;
        door.count(Class::Read, None)?;
        let mut random = SecretBlob(self.into.take(len)?);
        hsm::draw(door.admit_drawing()?, random.0.as_mut())?;
        Ok(RandomBytes { random })
    }

    fn withdraw(mut answer: RandomBytes<'a>) {
        answer.random.0.as_mut().fill(0);
    }
}

/// The number of random bytes: 1 to [`MAX_RANDOM`].
pub fn random_len(bytes: impl TryInto<u32>) -> Result<u32> {
    match bytes.try_into() {
        Ok(bytes @ 1..=MAX_RANDOM) => Ok(bytes),
        _ => Err(Error::invalid("Length", "It must be 1 to 1024.")),
    }
}
