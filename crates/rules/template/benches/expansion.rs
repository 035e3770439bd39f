//! From text to every body and output of a template: the largest of the collection, where it is there, and a generated
//! one of 800 resources. The cost should follow the size.

#![allow(missing_docs, reason = "criterion's macros write undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{fs, hint::black_box, io::Write, path::PathBuf};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nave_template::{Expansion, Offline, Scope, Template, WithoutChance, WithoutLinks, parse};
use serde_json::{Map, Value, json};

#[path = "../tests/common/mod.rs"]
mod common;

fn expand(text: &str, scope: &Scope, given: &Map<String, Value>) -> Expansion {
    let offline = Offline {
        links: &WithoutLinks,
        chance: &WithoutChance,
    };
    let template = Template::parse(&parse(text).unwrap()).unwrap();
    offline.expand(&template, scope.clone(), given).unwrap()
}

/// So many accounts, each with the one before it as a neighbour.
fn generated(resources: usize) -> String {
    json!({
        "parameters": {"prefix": {"type": "string", "defaultValue": "[concat('p', uniqueString(resourceGroup().id))]"}},
        "variables": {"tags": {"owner": "[toUpper(parameters('prefix'))]", "cost": "[format('{0:N2}', 12)]"}},
        "resources": [{
            "type": "Microsoft.Storage/storageAccounts", "apiVersion": "2024-01-01", "location": "[resourceGroup().location]",
            "name": "[format('{0}{1:000}', parameters('prefix'), copyIndex())]", "tags": "[variables('tags')]",
            "copy": {"name": "accounts", "count": resources},
            "properties": {
                "neighbour": "[resourceId('Microsoft.Storage/storageAccounts', format('{0}{1:000}', parameters('prefix'), sub(copyIndex(), 1)))]",
                "isEven": "[equals(mod(copyIndex(), 2), 0)]",
                "rules": "[map(range(0, 5), lambda('i', createObject('name', format('r{0}', lambdaVariables('i')), 'priority', add(100, lambdaVariables('i')))))]",
                "copy": [{"name": "subnets", "count": 4, "input": {"name": "[concat('s', copyIndex('subnets'))]"}}],
            },
        }],
        "outputs": {"names": {"type": "array", "copy": {"count": resources, "input": "[concat(parameters('prefix'), copyIndex())]"}}},
    })
    .to_string()
}

/// The largest template of the collection that needs no link, with parameters made up.
fn largest() -> Option<(PathBuf, String)> {
    let folder = common::shared()?.join("real-inputs/templates");
    let index = common::read(&folder.join("index.json"));
    let mut entries: Vec<_> = index["templates"].as_array()?.iter().collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry["bytes"].as_u64()));
    let file = folder.join(entries.first()?["file"].as_str()?);
    let text = fs::read_to_string(&file).ok()?;
    Some((file, text))
}

fn expansion(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("expansion");
    group.sample_size(20);
    for resources in [10, 100, 800] {
        let text = generated(resources);
        group.bench_with_input(BenchmarkId::new("generated", resources), &text, |bench, text| {
            bench.iter(|| black_box(expand(text, &common::scope(), &Map::new())));
        });
    }
    match largest() {
        Some((file, text)) => {
            let template = parse(&text).unwrap();
            let mut given = Map::new();
            common::made_up(&template, &mut given);
            let scope = common::scope_of(&template);
            let _said = writeln!(
                std::io::stderr(),
                "largest: {} ({} bytes)",
                file.display(),
                text.len()
            );
            group.bench_function("largest of the collection", |bench| {
                bench.iter(|| black_box(expand(&text, &scope, &given)));
            });
        }
        None => drop(writeln!(
            std::io::stderr(),
            "skipped: the collection of templates is not there"
        )),
    }
}

criterion_group!(benches, expansion);
criterion_main!(benches);
