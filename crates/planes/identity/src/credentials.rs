//! Comparing passwords and secrets with their hashes.
//!
//! A row's sealed part is `{"password": hash}` for a person and `{"secrets": {key id: hash}}` for an application. A
//! name that does not exist takes as long as one that does.

use std::sync::Arc;

use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Act, Engine, Grant, Resource,
    directory::{app_claim, upn_claim},
    route::Call,
};
use nave_vault::{Purpose, Secret, password};
use serde_json::Value;
use tokio::{sync::SemaphorePermit, task};

use crate::{
    Inner, clients, passwords,
    principal::{self, application_claim},
    refusal::Refusal,
    sso,
    throttle::Try,
};

/// One stored hash.
struct Stored {
    hash: String,
    expired: bool,
}

impl Inner {
    /// The person with this name and password. Whoever failed a few times has to wait before the next try is looked at.
    pub(crate) async fn check_password(
        &self,
        call: &Call,
        name: &str,
        given: Secret<String>,
    ) -> Result<Arc<Resource>, Refusal> {
        let (tried, now) = (Try::new(name, call.request.peer), call.engine.world().now());
        let wait = || {
            self.throttle
                .wait(&tried, now)
                .map_or(Ok(()), |seconds| Err(Refusal::wait(seconds)))
        };
        wait()?;
        let _turn = self.turn().await?;
        // Tries that came at the same time, and had their turn before, may have been wrong.
        wait()?;
        let checked = self
            .compare_password(&call.engine, &call.grant, name, given)
            .await;
        match &checked {
            Ok(_) => self.throttle.passed(&tried),
            Err(refusal) if *refusal == Refusal::wrong_password() => self.throttle.failed(&tried, now),
            Err(_) => {}
        }
        if let Err(refusal) = &checked {
            self.tell_failure(call, name, refusal).await;
        }
        checked
    }

    /// Whether a password is the one a person has now.
    pub(crate) async fn is_password_of(
        &self,
        call: &Call,
        person: &Resource,
        given: Secret<String>,
    ) -> Result<bool, Refusal> {
        let stored = stored_password(&call.engine, &call.grant, person);
        let matched = self.compare(given, stored.into_iter().collect()).await?;
        Ok(matched.is_some())
    }

    async fn compare_password(
        &self,
        engine: &Engine,
        grant: &Grant<Act>,
        name: &str,
        given: Secret<String>,
    ) -> Result<Arc<Resource>, Refusal> {
        let snapshot = engine.snapshot();
        let user = snapshot.claimed(&upn_claim(name.trim())).cloned();
        let stored = user
            .iter()
            .filter_map(|user| stored_password(engine, grant, user))
            .collect();
        let matched = compare_now(passwords::normal(&given), stored).await;
        match (user, matched) {
            (Some(user), Some(_)) if principal::enabled(&user) && sso::may_use_password(&snapshot, &user) => {
                Ok(user)
            }
            (Some(user), Some(_)) if principal::enabled(&user) => Err(Refusal::new(
                401,
                "invalid_grant",
                53_003,
                "Passwords of this directory are switched off for everybody but the accounts for emergencies. Sign in \
                 in a browser with your identity provider.",
            )),
            (Some(user), Some(_)) => {
                let name = principal::name(&user);
                Err(Refusal::new(
                    401,
                    "invalid_grant",
                    50_057,
                    format!("The user account '{name}' is disabled."),
                ))
            }
            _ => Err(Refusal::wrong_password()),
        }
    }

    /// The service principal of the application with this id and secret.
    pub(crate) async fn check_secret(
        &self,
        engine: &Engine,
        grant: &Grant<Act>,
        client: &str,
        given: Secret<String>,
    ) -> Result<Arc<Resource>, Refusal> {
        let snapshot = engine.snapshot();
        let principal = snapshot.claimed(&app_claim(client)).cloned();
        let registration = snapshot.claimed(&application_claim(client)).cloned();
        let now = engine.world().now();
        let holders = principal.iter().chain(&registration);
        let stored = holders
            .flat_map(|holder| stored_secrets(engine, grant, holder, now))
            .collect();
        let matched = self.compare(given, stored).await?;
        let Some(principal) = principal else {
            return Err(clients::unknown(engine.site(), client));
        };
        match matched {
            None => Err(Refusal::bad_client(
                7_000_215,
                format!(
                    "Invalid client secret provided for app '{client}'. Ensure the secret being sent is the secret's \
                     value, not its id."
                ),
            )),
            Some(Stored { expired: true, .. }) => Err(Refusal::bad_client(
                7_000_222,
                format!("The provided client secret keys for app '{client}' are expired. Add a new one."),
            )),
            Some(_) if !principal::enabled(&principal) => Err(Refusal::disabled_client(client)),
            Some(_) => Ok(principal),
        }
    }

    /// The hash to store for a new password or secret.
    pub(crate) async fn hash(&self, plain: Secret<String>) -> Result<String, ArmError> {
        let _turn = self
            .turn()
            .await
            .map_err(|busy| ArmError::new(ErrorCode::TooManyRequests, busy.described()))?;
        let random = self.random.clone();
        task::spawn_blocking(move || password::hash_with(&*random, &plain))
            .await
            .map_err(|error| {
                tracing::error!(%error, "a password could not be hashed");
                ArmError::new(
                    ErrorCode::InternalServerError,
                    "The password could not be hashed; nothing was stored.",
                )
            })
    }

    /// [`compare_now`], in turn.
    async fn compare(&self, given: Secret<String>, stored: Vec<Stored>) -> Result<Option<Stored>, Refusal> {
        let _turn = self.turn().await?;
        Ok(compare_now(given, stored).await)
    }

    /// A turn to hash. Whoever comes when many wait already is sent away: a queue without an end helps nobody in it.
    async fn turn(&self) -> Result<[SemaphorePermit<'_>; 2], Refusal> {
        let place = self.queue.try_acquire().map_err(|_| Refusal::busy())?;
        let turn = self.hashing.acquire().await.map_err(|_| Refusal::busy())?;
        Ok([place, turn])
    }
}

/// The first stored hash that fits, one that has not expired before one that has.
async fn compare_now(given: Secret<String>, mut stored: Vec<Stored>) -> Option<Stored> {
    stored.sort_by_key(|stored| stored.expired);
    let compared = task::spawn_blocking(move || {
        if stored.is_empty() {
            let _never = password::verify_absent(&given);
        }
        stored
            .into_iter()
            .find(|stored| password::verify(&given, &stored.hash))
    });
    compared.await.ok().flatten()
}

fn stored_password(engine: &Engine, grant: &Grant<Act>, user: &Resource) -> Option<Stored> {
    let sealed = engine.open_secrets(grant, user)?;
    let hash = sealed
        .expose(&Purpose::Check)
        .get("password")?
        .as_str()?
        .to_owned();
    Some(Stored { hash, expired: false })
}

fn stored_secrets(engine: &Engine, grant: &Grant<Act>, holder: &Resource, now: Timestamp) -> Vec<Stored> {
    let Some(sealed) = engine.open_secrets(grant, holder) else {
        return Vec::new();
    };
    let secrets = sealed
        .expose(&Purpose::Check)
        .get("secrets")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    secrets
        .filter_map(|(key, hash)| {
            Some(Stored {
                hash: hash.as_str()?.to_owned(),
                expired: has_ended(holder, key, now),
            })
        })
        .collect()
}

/// Whether the secret's time, as the registration shows it, is over.
fn has_ended(holder: &Resource, key: &str, now: Timestamp) -> bool {
    let listed = holder
        .value("/passwordCredentials")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let found = listed
        .into_iter()
        .find(|listed| listed["keyId"].as_str() == Some(key));
    let end = found
        .and_then(|found| found["endDateTime"].as_str())
        .and_then(|end| end.parse::<Timestamp>().ok());
    end.is_none_or(|end| end <= now)
}
