//! How many calls to the resource manager somebody may make: so many an hour for each principal and subscription, and for
//! what is in no subscription (rest-surface 3.6). What is used up comes back evenly.
//!
//! Only what comes from outside is counted: the requests that a deployment makes do not pass here. The counters are kept
//! for the principals that called last, so that they cannot fill the memory.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderName, Method, header::RETRY_AFTER};
use jiff::Timestamp;
use moka::sync::Cache;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Engine, Reply, Request};
use uuid::Uuid;

/// Calls an hour; 0: any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// GET and HEAD.
    pub reads: u32,
    /// PUT, PATCH and POST.
    pub writes: u32,
    /// DELETE.
    pub deletes: u32,
}

/// Far more than clients make, and far less than would keep the others waiting.
impl Default for Limits {
    fn default() -> Self {
        Self {
            reads: 2_000_000,
            writes: 1_000_000,
            deletes: 1_000_000,
        }
    }
}

/// How many counters are kept at most.
const KEPT: u64 = 16_384;
const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Reads,
    Writes,
    Deletes,
}

/// Whose calls are counted together: a principal's, in a subscription or in none.
type Key = (Uuid, Option<String>, Kind);

/// What is left of an hour's calls, at an instant.
struct Counter {
    left: f64,
    at: Timestamp,
}

/// Counts.
pub(crate) struct Throttle {
    limits: Limits,
    counters: Cache<Key, Arc<Mutex<Counter>>>,
}

/// One call that was counted.
pub(crate) struct Taken {
    header: &'static str,
    left: u32,
}

impl Throttle {
    pub(crate) fn new(limits: Limits) -> Self {
        let counters = Cache::builder().max_capacity(KEPT).time_to_idle(HOUR).build();
        Self { limits, counters }
    }

    /// Counts a request to the resource manager; `None` for any other. The refusal says when to come again.
    pub(crate) fn take(&self, engine: &Engine, request: &Request) -> Result<Option<Taken>, Box<Reply>> {
        let Some(caller) = request.caller.as_ref().filter(|_| is_arm(&request.path)) else {
            return Ok(None);
        };
        let kind = Kind::of(&request.method);
        let limit = self.limit(kind);
        if limit == 0 {
            return Ok(None);
        }
        let subscription = subscription(engine, &request.path);
        let header = kind.header(subscription.is_some());
        let now = engine.world().now();
        let counter = self
            .counters
            .get_with((caller.object_id, subscription, kind), || {
                Arc::new(Mutex::new(Counter {
                    left: f64::from(limit),
                    at: now,
                }))
            });
        let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
        counter
            .take(limit, now)
            .map(|left| Some(Taken { header, left }))
            .map_err(|seconds| Box::new(refused(seconds)))
    }

    fn limit(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Reads => self.limits.reads,
            Kind::Writes => self.limits.writes,
            Kind::Deletes => self.limits.deletes,
        }
    }
}

impl Counter {
    /// Takes one; answers how many are left, or in how many seconds there is one.
    fn take(&mut self, limit: u32, now: Timestamp) -> Result<u32, u32> {
        let an_hour = f64::from(limit);
        let a_second = an_hour / HOUR.as_secs_f64();
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.left = (self.left + passed * a_second).min(an_hour);
        self.at = now;
        if self.left < 1.0 {
            // a sum of fractions is a hair off: that is no further second
            let seconds = (1.0 - self.left) / a_second;
            return Err((seconds - 1e-6).ceil() as u32);
        }
        self.left -= 1.0;
        Ok(self.left as u32)
    }
}

impl Taken {
    /// The reply, which says how many calls are left.
    pub(crate) fn told(&self, reply: Reply) -> Reply {
        reply.with(HeaderName::from_static(self.header), &self.left.to_string())
    }
}

impl Kind {
    fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Reads,
            Method::DELETE => Self::Deletes,
            _ => Self::Writes,
        }
    }

    fn header(self, in_subscription: bool) -> &'static str {
        match (self, in_subscription) {
            (Self::Reads, true) => "x-ms-ratelimit-remaining-subscription-reads",
            (Self::Writes, true) => "x-ms-ratelimit-remaining-subscription-writes",
            (Self::Deletes, true) => "x-ms-ratelimit-remaining-subscription-deletes",
            (Self::Reads, false) => "x-ms-ratelimit-remaining-tenant-reads",
            (Self::Writes, false) => "x-ms-ratelimit-remaining-tenant-writes",
            (Self::Deletes, false) => "x-ms-ratelimit-remaining-tenant-deletes",
        }
    }
}

fn is_arm(path: &str) -> bool {
    let root = path.split('/').nth(1).unwrap_or_default();
    ["subscriptions", "providers", "tenants"]
        .iter()
        .any(|known| root.eq_ignore_ascii_case(known))
}

/// The subscription of a path, if there is one of this name: who makes names up shares one counter.
fn subscription(engine: &Engine, path: &str) -> Option<String> {
    let mut parts = path.split('/').skip(1);
    let name = parts
        .next()
        .filter(|root| root.eq_ignore_ascii_case("subscriptions"))
        .and_then(|_| parts.next())?
        .to_lowercase();
    let id = ResourceId::of_subscription(&name);
    engine.snapshot().get(&id).map(|_| name)
}

fn refused(seconds: u32) -> Reply {
    let error = ArmError::new(
        ErrorCode::TooManyRequests,
        format!("Too many requests were made in the last hour. Wait {seconds} seconds and try again."),
    );
    Reply::from(error).with(RETRY_AFTER, &seconds.to_string())
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::Counter;

    #[test]
    fn what_is_used_up_comes_back_evenly() {
        let mut now = Timestamp::UNIX_EPOCH;
        let mut counter = Counter { left: 2.0, at: now };
        let mut take = |seconds| {
            now += SignedDuration::from_secs(seconds);
            counter.take(2, now)
        };
        assert_eq!((take(0), take(0)), (Ok(1), Ok(0)));
        assert_eq!(take(0), Err(1800), "two an hour is one in half an hour");
        assert_eq!(take(600), Err(1200));
        assert_eq!(take(1200), Ok(0));
        assert_eq!(take(100_000), Ok(1), "no more than an hour's is saved up");
    }
}
