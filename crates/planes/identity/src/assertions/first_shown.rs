//! Assertions that were shown: each belongs to the address that showed it first, and its `jti` to it alone.
//!
//! They cannot be good only once: MSAL signs one for ten minutes and shows it for every resource it needs a token for,
//! and from every thread. Who copied one and sends it from elsewhere is refused all the same.

use std::{net::IpAddr, time::Duration};

use moka::sync::Cache;
use nave_vault::Foreign;

use super::LONGEST;
use crate::one_time;

/// How many are remembered.
const MOST: u64 = 100_000;

/// Who showed which assertion first.
pub(crate) struct FirstShown(Cache<[u8; 32], ([u8; 32], Option<IpAddr>)>);

impl FirstShown {
    pub(crate) fn new() -> Self {
        let for_its_life = Duration::from_secs(LONGEST.unsigned_abs() * 2);
        Self(
            Cache::builder()
                .max_capacity(MOST)
                .time_to_live(for_its_life)
                .build(),
        )
    }

    /// Whether this address may show the assertion: it was never shown before, or from here.
    pub(super) fn is_here(&self, client: &str, token: &Foreign, peer: Option<IpAddr>) -> bool {
        let content = one_time::hash(&token.claims().to_string());
        let name = match token.text("jti") {
            "" => content,
            id => one_time::hash(&format!("{client} {id}")),
        };
        self.0.get_with(name, || (content, peer)) == (content, peer)
    }
}
