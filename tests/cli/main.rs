//! The command line as its users meet it: a process, its two streams and its exit code. Nothing of
//! the caller's environment or terminal gets in.
#![cfg(feature = "cli")]

mod answers;
mod audit;
mod bill;
mod failures;
mod home;
mod login;
mod making;
mod policy;
mod processes;
mod regions;
mod slot;
mod time;
mod trail;
mod verify;
mod wrap;
