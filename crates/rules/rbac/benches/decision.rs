//! One decision in tenants of different sizes; the cost should not follow the size.

#![allow(missing_docs, reason = "criterion's macros write undocumented functions")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nave_arm::ResourceId;
use nave_rbac::{AccessRequest, Attributes, Plane, RoleAssignment, RoleIndex, built_in};
use uuid::Uuid;

const READ: &str = "Microsoft.MachineLearningServices/workspaces/connections/read";
const DELETE: &str = "Microsoft.MachineLearningServices/workspaces/delete";

fn person(n: usize) -> Uuid {
    Uuid::from_u128(1_000 + n as u128)
}

fn group(n: usize) -> Uuid {
    Uuid::from_u128(1_000_000_000 + n as u128)
}

fn hub(n: usize) -> ResourceId {
    ResourceId::of_resource_group(&format!("sub-{}", n % 50), &format!("rg-{}", n % 997)).extension(
        "Microsoft.MachineLearningServices/workspaces",
        &format!("hub-{n}"),
    )
}

/// A tenant where every person has about ten assignments, in ten groups which have some too.
fn tenant(assignments: usize) -> RoleIndex {
    let mut index = RoleIndex::with_built_in();
    let people = (assignments / 10).max(1);
    for n in 0..50 {
        index.put_management_group(&format!("mg-{n}"), Some("root"), [format!("sub-{n}")]);
    }
    for n in 0..people.min(2_000) {
        index.put_group(
            group(n),
            (0..10).map(|k| person((n * 7 + k * 13) % people)).collect(),
        );
    }
    let roles = [built_in::READER, built_in::AI_DEVELOPER, built_in::CONTRIBUTOR];
    for n in 0..assignments {
        let at = hub(n);
        let scope = match n % 3 {
            0 => at,
            1 => at.resource_group_id().unwrap_or(at),
            _ => at.subscription_id().unwrap_or(at),
        };
        let principal = if n % 10 == 0 {
            group(n % 2_000)
        } else {
            person(n % people)
        };
        let name = Uuid::from_u128(n as u128);
        index.put_assignment(RoleAssignment::new(scope, name, roles[n % 3], principal));
    }
    index
}

fn decision(criterion: &mut Criterion) {
    let attributes = Attributes::new();
    let mut bench = criterion.benchmark_group("decision");
    for size in [1_000, 10_000, 100_000] {
        let index = tenant(size);
        let scope = hub(31);
        for (name, operation) in [("read", READ), ("refused", DELETE)] {
            let request = AccessRequest {
                principal: person(31 % (size / 10)),
                operation,
                plane: Plane::Control,
                scope: &scope,
                sub_operation: None,
                attributes: &attributes,
                surroundings: &(),
            };
            bench.bench_with_input(BenchmarkId::new(name, size), &request, |bencher, request| {
                bencher.iter(|| index.evaluate(black_box(request)));
            });
        }
    }
    bench.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);
