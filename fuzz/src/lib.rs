//! The fuzzers of the C ABI: what the targets in `targets/` share.
//!
//! A new function of the header gets a line in `abi`, a case in [`script::Call`] and an arm in
//! [`run`]; a new action of the API needs nothing, for its parameters are read from its schema.

mod abi;
mod asymmetric;
mod choices;
mod crypt;
mod json;
mod memory;
mod message;
mod operator;
pub mod run;
pub mod script;
mod stored_trail;
mod stores;
pub mod trail;
mod transfer;
mod world;
mod wrapping;
