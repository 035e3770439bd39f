//! What every request has, whatever it asks: the time, the network it came by, how its caller signed in, and what the
//! directory says of him (rbac-semantics 11).

use std::{cell::OnceCell, fmt};

use jiff::Timestamp;
use nave_rbac::{AttributeValue, Instant, Source};
use serde_json::Value;
use uuid::Uuid;

use crate::{SignIn, Snapshot, network};

/// The set of attributes that conditions know by this name before the name of their set.
const SECURITY: &str = "microsoft.directory/customsecurityattributes/id:";

/// What conditions may ask of any request. Made for each decision, so it holds values as they are at hand; what
/// takes work is made when a condition asks for it.
pub(crate) struct Surroundings<'a> {
    snapshot: &'a Snapshot,
    principal: Uuid,
    sign_in: &'a SignIn,
    now: [AttributeValue; 1],
    multi_factor: [AttributeValue; 1],
    methods: OnceCell<Vec<AttributeValue>>,
    address: OnceCell<Vec<AttributeValue>>,
    locations: OnceCell<Vec<AttributeValue>>,
    security: OnceCell<Vec<(String, Vec<AttributeValue>)>>,
}

impl<'a> Surroundings<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, principal: Uuid, sign_in: &'a SignIn, now: Timestamp) -> Self {
        Self {
            snapshot,
            principal,
            sign_in,
            now: [instant(now).into()],
            multi_factor: [sign_in.is_multi_factor().into()],
            methods: OnceCell::new(),
            address: OnceCell::new(),
            locations: OnceCell::new(),
            security: OnceCell::new(),
        }
    }

    fn methods(&self) -> &[AttributeValue] {
        self.methods.get_or_init(|| {
            let methods = self.sign_in.methods.iter();
            methods.map(|method| method.as_str().into()).collect()
        })
    }

    fn address(&self) -> &[AttributeValue] {
        self.address.get_or_init(|| {
            let address = self.sign_in.address.iter();
            address
                .map(|address| address.to_canonical().to_string().into())
                .collect()
        })
    }

    fn locations(&self) -> &[AttributeValue] {
        self.locations.get_or_init(|| {
            let names = self
                .sign_in
                .address
                .map(|address| network::locations(self.snapshot, address));
            names.into_iter().flatten().map(AttributeValue::from).collect()
        })
    }

    /// The principal's custom security attributes: the set and the name, in lower case, with their values.
    fn security(&self, name: &str) -> &[AttributeValue] {
        let all = self
            .security
            .get_or_init(|| match self.snapshot.principal(self.principal) {
                Some(principal) => security(principal.value("/customSecurityAttributes")),
                None => Vec::new(),
            });
        all.iter()
            .find(|(known, _)| known == name)
            .map_or(&[], |(_, values)| values)
    }
}

impl nave_rbac::Surroundings for Surroundings<'_> {
    fn values(&self, source: Source, name: &str) -> &[AttributeValue] {
        match (source, name) {
            (Source::Environment, "utcnow") => &self.now,
            (Source::Environment, "isprivatelink") => &[AttributeValue::Bool(false)],
            (Source::Environment, "nave.identity:multifactor") => &self.multi_factor,
            (Source::Environment, "nave.identity:authenticationmethods") => self.methods(),
            (Source::Environment, "nave.network:address") => self.address(),
            (Source::Environment, "nave.network:locations") => self.locations(),
            (Source::Principal, name) => name
                .strip_prefix(SECURITY)
                .map_or(&[], |attribute| self.security(attribute)),
            _ => &[],
        }
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("principal", &self.principal)
            .field("sign_in", &self.sign_in)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// `{Set: {Name: value}}` as `set_name` and its values. What begins with an `@`, or has one in it, says what type the
/// value has, which the value says itself.
fn security(sets: Option<&Value>) -> Vec<(String, Vec<AttributeValue>)> {
    let sets = sets.and_then(Value::as_object).into_iter().flatten();
    let named = sets.flat_map(|(set, members)| {
        let members = members.as_object().into_iter().flatten();
        members
            .filter(|(name, value)| !name.contains('@') && !value.is_null())
            .map(move |(name, value)| (format!("{set}_{name}").to_lowercase(), values(value)))
    });
    named.collect()
}

fn values(value: &Value) -> Vec<AttributeValue> {
    match value {
        Value::Array(values) => values.iter().map(AttributeValue::from).collect(),
        single => vec![single.into()],
    }
}

/// Conditions know instants to the 100 ns.
fn instant(time: Timestamp) -> Instant {
    let seconds = time.as_nanosecond().div_euclid(1_000_000_000);
    let nanoseconds = time.as_nanosecond().rem_euclid(1_000_000_000);
    Instant::from_unix(
        i64::try_from(seconds).unwrap_or(i64::MAX),
        u32::try_from(nanoseconds).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use nave_rbac::AttributeValue;
    use serde_json::json;

    #[test]
    fn security_attributes_are_named_by_set_and_name() {
        let sets = json!({
            "Engineering": {
                "@odata.type": "#Microsoft.DirectoryServices.CustomSecurityAttributeValue",
                "Project@odata.type": "#Collection(String)", "Project": ["Baker", "Cascade"],
                "Certified": true, "Level": null,
            },
        });
        let expected = [
            (
                String::from("engineering_project"),
                vec![AttributeValue::from("Baker"), AttributeValue::from("Cascade")],
            ),
            (
                String::from("engineering_certified"),
                vec![AttributeValue::Bool(true)],
            ),
        ];
        assert_eq!(super::security(Some(&sets)), expected);
        assert!(super::security(None).is_empty());
    }

    #[test]
    fn an_instant_is_the_same_time() {
        for text in ["2026-11-25T00:30:25.1234567Z", "1969-12-31T23:59:59.5000000Z"] {
            let time: jiff::Timestamp = text.parse().expect("a time");
            assert_eq!(super::instant(time).to_string(), text);
        }
    }
}
