//! The command line as its users meet it: a process, its two streams and its exit code. Nothing of
//! the caller's environment or terminal gets in.
#![cfg(feature = "cli")]

mod answers;
mod audit;
mod bill;
mod completions;
mod doctor;
mod failures;
mod home;
mod login;
mod making;
mod manual;
mod policy;
mod processes;
mod regions;
mod slot;
mod tables;
mod time;
mod trail;
mod verify;
mod wrap;
