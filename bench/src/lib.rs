//! The same world and the same questions for nave and for its peers.
//!
//! A world has no conditions and no deny assignments, because not every peer has a word for them. What a role covers
//! is spelled out for the peers, which have no wildcards in actions; nave matches its patterns at each decision.

pub mod casbin;
pub mod cedar;
pub mod nave;
pub mod world;
