#![no_main]

#[path = "../../crates/rules/policy/tests/smoke/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| properties::policy(text));
