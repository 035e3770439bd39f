//! What the index asks of memory: to decide, to keep an assignment, and to take in one more.

use allocation_counter::measure;
use nave_arm::ResourceId;
use nave_rbac::{
    AccessRequest, AttributeValue, Attributes, Condition, Instant, Plane, RoleAssignment, RoleIndex, Source,
    Surroundings, Truth, built_in,
};
use serde_json::json;
use uuid::Uuid;

const PRINCIPALS: u128 = 1_000;
const GROUPS: u128 = 100;

fn guid(kind: u128, n: u128) -> Uuid {
    // Spread over all bits, as real guids are.
    Uuid::from_u128((kind << 64 | n).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

fn principal(n: u128) -> Uuid {
    guid(1, n % PRINCIPALS)
}

fn group(n: u128) -> Uuid {
    guid(2, n % GROUPS)
}

fn subscription(n: u128) -> ResourceId {
    ResourceId::of_subscription(&guid(3, n % 20).to_string())
}

fn resource_group(n: u128) -> ResourceId {
    let subscription = guid(3, n % 20).to_string();
    ResourceId::of_resource_group(&subscription, &format!("rg-team-{}-ai-prod", n % 500))
}

/// Every tenth assignment has a workspace of its own; the others share these.
fn workspace(n: u128) -> ResourceId {
    resource_group(n).extension(
        "Microsoft.MachineLearningServices/workspaces",
        &format!("project-{n}-evaluation"),
    )
}

/// An assignment such as there are thousands of: at projects, here and there at a group or a subscription.
fn assignment(n: u128, workspaces: u128) -> RoleAssignment {
    let scope = match n % 20 {
        0 => subscription(n),
        1 | 2 => resource_group(n),
        _ => workspace(n % workspaces),
    };
    let who = if n % 10 == 3 { group(n / 10) } else { principal(n) };
    let roles = built_in::core();
    let role = roles[usize::try_from(n % 40).expect("a small number")];
    let id = scope.extension("Microsoft.Authorization/roleAssignments", &guid(4, n).to_string());
    let condition = (n % 50 == 7).then(|| format!("@Resource[a:b] StringEquals 'team-{}'", n % 3));
    let properties = json!({ "roleDefinitionId": role, "principalId": who, "condition": condition });
    RoleAssignment::from_properties(&id, &properties).expect("an assignment")
}

fn put_groups(index: &mut RoleIndex) {
    for n in 0..GROUPS {
        let people = (0..30).map(|k| principal(n * 10 + k));
        let inside = (1..=2).map(|k| group(n * 2 + k)).filter(|_| n * 2 + 2 < GROUPS);
        index.put_group(group(n), people.chain(inside).collect());
    }
}

fn tenant(assignments: u128) -> RoleIndex {
    let mut index = RoleIndex::with_built_in();
    put_groups(&mut index);
    for n in 0..assignments {
        index.put_assignment(assignment(n, assignments / 10));
    }
    index
}

#[test]
#[expect(clippy::print_stdout, reason = "the number is what the test is read for")]
fn an_assignment_takes_less_than_200_bytes() {
    let _ = RoleIndex::with_built_in();
    for assignments in [10_000_u128, 100_000] {
        let mut kept = None;
        let taken = measure(|| kept = Some(tenant(assignments)));
        let each = taken.bytes_current / i64::try_from(assignments).expect("a small number");
        println!("{each} bytes for each of {assignments} assignments");
        // Groups, and the principals' places in the index, are in it too; only a large tenant spreads them thin.
        let most = if assignments < 100_000 { 300 } else { 200 };
        assert!(each < most, "{each} bytes for each of {assignments} assignments");
    }
}

/// One more assignment copies what it changes and shares the rest with the index that others still read.
#[test]
#[expect(clippy::print_stdout, reason = "the number is what the test is read for")]
fn one_more_assignment_among_100k_does_not_rebuild_the_index() {
    let new = |assignments: u128| assignment(assignments + 5, assignments / 10);
    let bytes = |assignments: u128| {
        let index = tenant(assignments);
        let (mut next, new) = (None, new(assignments));
        let cloning = measure(|| next = Some(index.clone()));
        assert_eq!(cloning.count_total, 0, "a clone shares everything");
        let mut next = next.expect("the clone");
        let id = new.id();
        let putting = measure(|| next.put_assignment(new.clone()));
        assert!(index.assignment(&id).is_none() && next.assignment(&id).is_some());
        println!(
            "{} bytes to put one more among {assignments}",
            putting.bytes_total
        );
        putting.bytes_total
    };
    let (small, large) = (bytes(1_000), bytes(100_000));
    assert!(large < 32 * 1024, "{large} bytes");
    assert!(large < 8 * small, "{large} bytes among 100k, {small} among 1k");
}

/// However many assignments one principal has or one scope bears, one more costs the same.
#[test]
fn long_lists_are_not_copied() {
    let (mut held, mut made) = (RoleIndex::default(), RoleIndex::default());
    for n in 0..20_000 {
        held.put_assignment(RoleAssignment::new(
            workspace(n),
            guid(4, n),
            built_in::READER,
            principal(1),
        ));
        made.put_assignment(RoleAssignment::new(
            subscription(1),
            guid(4, n),
            built_in::READER,
            guid(1, n),
        ));
    }
    for index in [held, made] {
        let mut next = index.clone();
        let new = RoleAssignment::new(subscription(2), guid(4, 1), built_in::READER, principal(1));
        let bytes = measure(|| next.put_assignment(new.clone())).bytes_total;
        assert!(bytes < 32 * 1024, "{bytes} bytes");
        assert_eq!(next.assignments().count(), 20_001);
    }
}

#[derive(Debug)]
struct Now([AttributeValue; 1], Attributes);

impl Surroundings for Now {
    fn values(&self, source: Source, name: &str) -> &[AttributeValue] {
        match (source, name) {
            (Source::Environment, "utcnow") => &self.0,
            _ => self.1.values(source, name),
        }
    }
}

fn ask<'a>(scope: &'a ResourceId, attributes: &'a Attributes, now: &'a Now) -> AccessRequest<'a> {
    let operation = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
    AccessRequest {
        sub_operation: Some("Blob.List"),
        surroundings: now,
        ..AccessRequest::new(principal(1), operation, Plane::Data, scope, attributes)
    }
}

#[test]
fn a_condition_is_evaluated_without_memory() {
    let scope = ResourceId::tenant();
    let attributes = Attributes::new()
        .with(Source::Resource, "a:b", "Team-Ä")
        .with(Source::Request, "role", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635")
        .with(Source::Request, "n", 7)
        .with_list(Source::Request, "tags", ["x", "y"]);
    let custom = Attributes::new().with(
        Source::Principal,
        "Microsoft.Directory/CustomSecurityAttributes/Id:set_team",
        "red",
    );
    let now = Now([Instant::from_unix(1_700_000_000, 0).into()], custom);
    let request = ask(&scope, &attributes, &now);
    for text in [
        "(!(ActionMatches{'Microsoft.Storage/*/read'} AND !(SubOperationMatches{'Blob.List'}))) OR ActionMatches{'a/*/b'}",
        "@Resource[a:b] StringEqualsIgnoreCase 'team-ä'",
        "@Resource[a:b] StringStartsWith 'Te' AND @Resource[A:B] StringLike 'T*-?'",
        "@Request[role] ForAnyOfAnyValues:GuidEquals {8e3af657a8ff443ca75c2fe8c4bcb635, acdd72a7-3385-48ef-bd42-f606fba81ae7}",
        "@Request[n] NumericGreaterThan 6 AND NOT (@Request[n] NumericEquals 8)",
        "@Environment[UtcNow] DateTimeLessThan '2999-01-01T00:00:00Z'",
        "@Environment[UtcNow] StringLike '2023-11-14T22:13:20.*Z'",
        "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:set_team] StringEquals 'red'",
        "@Request[tags] ForAllOfAnyValues:StringEquals {'x', 'y', 'z'} AND Exists @Request[tags]",
    ] {
        let condition = Condition::parse(text).expect(text);
        let mut truth = Truth::False;
        let taken = measure(|| truth = condition.evaluate(&request));
        assert_eq!(truth, Truth::True, "{text}");
        assert_eq!(taken.count_total, 0, "{text}");
    }
}

/// An assignment that does not grant because of its condition costs a decision no memory, however many there are: what
/// is counted is the decision for one that grants, with ever more in front of it.
#[test]
fn a_decision_takes_the_same_memory_however_many_candidates_there_are() {
    let (scope, attributes) = (workspace(1), Attributes::new().with(Source::Resource, "a", "x"));
    let now = Now([Instant::from_unix(0, 0).into()], Attributes::new());
    let role = built_in::core()
        .iter()
        .copied()
        .find(|role| *role == Uuid::from_u128(0xb7e6dc6d_f1e8_4753_8033_0f276bb0955b))
        .expect("Storage Blob Data Owner");
    let counts = [1_u128, 50, 500].map(|candidates| {
        let mut index = RoleIndex::with_built_in();
        for n in 0..candidates {
            let id = scope.extension("Microsoft.Authorization/roleAssignments", &guid(4, n).to_string());
            let properties = json!({ "roleDefinitionId": role, "principalId": principal(1),
                "condition": format!("@Environment[UtcNow] DateTimeGreaterThan '2000-01-01T00:00:00Z' AND @Resource[a] StringEquals '{n}'") });
            index.put_assignment(RoleAssignment::from_properties(&id, &properties).expect("an assignment"));
        }
        let above = ResourceId::tenant();
        index.put_assignment(RoleAssignment::new(above, guid(5, 1), role, principal(1)));
        let request = ask(&scope, &attributes, &now);
        let mut allowed = false;
        let taken = measure(|| allowed = index.evaluate(&request).is_allowed());
        assert!(allowed);
        taken.count_total
    });
    assert_eq!(counts[0], counts[1]);
    // A list too long to lie in one piece is walked with a stack of its own.
    assert!(counts[2] <= counts[0] + 4, "{counts:?}");
}
