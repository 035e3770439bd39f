//! `$filter` of the activity log: what of it the store can do while it reads, and what is compared afterwards.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use nave_arm::{Filter, ResourceId};
use nave_engine::{Event, EventKind, EventQuery};
use uuid::Uuid;

use super::event;

/// One condition of a filter.
pub(super) enum Wanted<'a> {
    /// `eventTimestamp ge '…'`.
    Since(Timestamp),
    /// `eventTimestamp le '…'`.
    Until(Timestamp),
    /// `resourceGroupName eq '…'`.
    Group(&'a str),
    /// `resourceUri eq '…'`: the resource and what is below it.
    Resource(ResourceId),
    /// `resourceProvider eq '…'`.
    Provider(&'a str),
    /// `correlationId eq '…'`.
    Correlation(&'a str),
    /// `cause eq '…'`: the `eventDataId` of the event that others follow from, as what is cut follows from the removal of
    /// a role. Azure has no such condition.
    Cause(Uuid),
    /// `caller eq '…'`: a name or an object id.
    Caller(&'a str),
    /// `status eq '…'`, as the log shows it.
    Status(&'a str),
    /// `category eq 'Policy'`, as the log shows it.
    Category(&'a str),
    /// `eventChannels eq 'Admin, Operation'` and the like: every event is of that kind.
    All,
}

impl<'a> Wanted<'a> {
    /// Reads a condition; `None` when the log does not know it.
    pub(super) fn of(leaf: &'a Filter) -> Option<Self> {
        let Filter::Compare {
            property,
            operator,
            value,
        } = leaf
        else {
            return None;
        };
        match (property.to_lowercase().as_str(), operator.as_str()) {
            ("eventtimestamp", "ge" | "gt") => instant(value).map(Self::Since),
            ("eventtimestamp", "le" | "lt") => instant(value).map(Self::Until),
            ("resourcegroupname", "eq") => Some(Self::Group(value)),
            ("resourceuri" | "resourceid", "eq") => ResourceId::parse(value).ok().map(Self::Resource),
            ("resourceprovider", "eq") => Some(Self::Provider(value)),
            ("correlationid", "eq") => Some(Self::Correlation(value)),
            ("cause", "eq") => Uuid::parse_str(value).ok().map(Self::Cause),
            ("caller", "eq") => Some(Self::Caller(value)),
            ("status", "eq") => Some(Self::Status(value)),
            ("category" | "eventcategory", "eq") => Some(Self::Category(value)),
            ("eventchannels" | "levels", "eq") => Some(Self::All),
            _ => None,
        }
    }

    pub(super) fn is(&self, event: &Event) -> bool {
        match self {
            Self::Since(start) => event.at >= *start,
            Self::Until(end) => event.at <= *end,
            Self::Group(group) => resources(event).any(|resource| {
                resource
                    .resource_group()
                    .is_some_and(|own| own.eq_ignore_ascii_case(group))
            }),
            Self::Resource(wanted) => resources(event).any(|resource| wanted.contains(&resource)),
            Self::Provider(provider) => event
                .operation
                .split('/')
                .next()
                .is_some_and(|own| own.eq_ignore_ascii_case(provider)),
            Self::Correlation(id) => event.correlation_id.eq_ignore_ascii_case(id),
            Self::Cause(cause) => event.cause == Some(*cause),
            Self::Caller(caller) => {
                event.caller.eq_ignore_ascii_case(caller) || event.caller_name.eq_ignore_ascii_case(caller)
            }
            Self::Status(status) => event::status(event).eq_ignore_ascii_case(status),
            Self::Category(category) => EventKind::of(event)
                .activity_category()
                .eq_ignore_ascii_case(category),
            Self::All => true,
        }
    }
}

/// What an event is about: the resource, and the one it went through.
fn resources(event: &Event) -> impl Iterator<Item = ResourceId> {
    std::iter::once(&event.resource)
        .chain(&event.through)
        .filter_map(|id| ResourceId::parse(id).ok())
}

/// The resource or group in `scope` that every event must be about.
pub(super) fn scope_in(filter: &Filter, scope: &ResourceId) -> Option<ResourceId> {
    let named = |leaf: &Filter| match Wanted::of(leaf)? {
        Wanted::Resource(id) => Some(id),
        Wanted::Group(name) => Some(ResourceId::of_resource_group(scope.subscription()?, name)),
        _ => None,
    };
    let ids = conjuncts(filter).into_iter().filter_map(named);
    ids.filter(|id| scope.contains(id))
        .max_by_key(|id| id.as_str().len())
}

/// Whether an event passes a filter.
pub(super) fn passes(filter: Option<&Filter>, event: &Event) -> bool {
    let mut holds = |leaf: &Filter| Wanted::of(leaf).is_some_and(|wanted| wanted.is(event));
    filter.is_none_or(|filter| filter.holds(&mut holds))
}

/// What the store is asked for: the times and the client call that every event must have.
pub(super) fn query(filter: Option<&Filter>) -> EventQuery {
    let mut query = EventQuery::default();
    for leaf in filter.into_iter().flat_map(conjuncts) {
        match Wanted::of(leaf) {
            Some(Wanted::Since(start)) => query.from = query.from.max(Some(start)),
            Some(Wanted::Until(end)) => query.to = Some(query.to.map_or(end, |before| before.min(end))),
            Some(Wanted::Correlation(id)) => query.correlation_id = Some(id.to_lowercase()),
            Some(Wanted::Cause(cause)) => query.cause = Some(cause),
            _ => {}
        }
    }
    query
}

/// What must hold for the whole to hold; an `or` is one such thing.
fn conjuncts(filter: &Filter) -> Vec<&Filter> {
    match filter {
        Filter::And(left, right) => [conjuncts(left), conjuncts(right)].concat(),
        other => vec![other],
    }
}

/// An instant, with its zone or without: `az` sends both, and means UTC.
fn instant(text: &str) -> Option<Timestamp> {
    let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(civil)
}

#[cfg(test)]
mod tests {
    use nave_arm::Filter;

    use super::{instant, query};

    #[test]
    fn instants_are_read_as_az_writes_them() {
        let expected = instant("2026-11-23T17:38:06.5Z");
        assert!(expected.is_some());
        assert_eq!(instant("2026-11-23T17:38:06.500000"), expected);
        assert_eq!(instant("2026-11-23T18:38:06.5+01:00"), expected);
        assert_eq!(instant("yesterday"), None);
    }

    #[test]
    fn the_store_is_asked_only_for_what_must_hold() {
        let asked = |text: &str| query(Filter::parse(text).ok().as_ref());
        let both =
            asked("eventTimestamp ge '2026-11-23T00:00:00Z' and eventTimestamp le '2026-11-24T00:00:00Z'");
        assert_eq!(both.from, instant("2026-11-23T00:00:00Z"));
        assert_eq!(both.to, instant("2026-11-24T00:00:00Z"));
        let cause = "11111111-2222-3333-4444-555555555555";
        assert_eq!(asked(&format!("cause eq '{cause}'")).cause, cause.parse().ok());
        let either = asked("eventTimestamp ge '2026-11-23T00:00:00Z' or caller eq 'joe'");
        assert_eq!((either.from, either.to), (None, None));
    }
}
