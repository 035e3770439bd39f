//! `nave keys`: the keys that sign tokens, in a data directory that a server may be using. A running server follows the
//! directory, so it need not be told.

use nave_engine::clock::{RealWorld, World};
use nave_server::setup;
use nave_vault::{KeyUse, SigningKeys};

use crate::{Outcome, cli::Data, say};

/// How long a new key is published before it signs: others remember our keys for a while.
const PUBLISHED_BEFORE: i64 = 15 * 60;

/// Adds a key.
pub(crate) fn rotate(data: &Data, at_once: bool, revoke: bool) -> Outcome {
    let now = RealWorld.now().as_second();
    let keys = setup::signing_keys_in(&data.directory()?, now)?;
    if revoke {
        keys.replace_all(now)?;
        say::line(
            "There is a new signing key. The others are gone, and no token they signed works any more.",
        );
    } else {
        keys.rotate(now, if at_once { now } else { now + PUBLISHED_BEFORE })?;
        say::line("There is a new signing key, and it is published.");
    }
    tell(&keys, now)
}

/// Lists the keys.
pub(crate) fn list(data: &Data) -> Outcome {
    let now = RealWorld.now().as_second();
    tell(&setup::signing_keys_in(&data.directory()?, now)?, now)
}

fn tell(keys: &SigningKeys, now: i64) -> Outcome {
    for (id, used) in keys.uses(now) {
        let used = match used {
            KeyUse::SignsFrom(second) => format!("signs from {}", instant(second)?),
            KeyUse::Signs => String::from("signs"),
            KeyUse::VerifiesUntil(second) => format!("verifies until {}", instant(second)?),
        };
        say::line(format!("{id}  {used}"));
    }
    Ok(true)
}

fn instant(second: i64) -> anyhow::Result<jiff::Timestamp> {
    Ok(jiff::Timestamp::from_second(second)?)
}
