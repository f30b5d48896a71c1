//! Sequences of calls of the C functions.
#![no_main]

use kmshsm_fuzz::run;
use kmshsm_fuzz::script::Script;

libfuzzer_sys::fuzz_target!(|script: Script| run::run(&script));
