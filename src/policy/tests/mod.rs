//! Tests of all policies together.
