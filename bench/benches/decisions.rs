//! One decision of nave, Cedar and Casbin, in the same worlds of three sizes.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, SamplingMode};
use nave_bench::{
    casbin::Casbin,
    cedar::Cedar,
    nave::{Nave, rows},
    world::{Question, World},
};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const QUESTIONS: usize = 20_000;

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    for size in SIZES {
        let world = World::new(size);
        let questions = world.questions(QUESTIONS);
        let nave = load(&world, size);
        latency(&nave, &questions, size);
        let cedar = Cedar::new(&world);
        let casbin = Casbin::new(&world);
        agree(&nave, &cedar, &casbin, &questions, size);
        measure(&mut criterion, &nave, &cedar, &casbin, &questions, size);
    }
    criterion.final_summary();
}

/// Loads the assignments as a server does when it starts, and says what that takes.
fn load(world: &World, size: usize) -> Nave<'_> {
    let rows = rows(world);
    let mut nave = Nave::empty(world);
    let start = Instant::now();
    nave.load(&rows);
    let time = start.elapsed();
    let mut again = Nave::empty(world);
    let memory = allocation_counter::measure(|| again.load(&rows)).bytes_current;
    println!(
        "nave {size}: loaded in {time:?}, {} bytes for each assignment",
        memory / size as i64
    );
    nave
}

/// Times decisions one by one, the clock's own time included.
fn latency(nave: &Nave<'_>, questions: &[Question], size: usize) {
    let mut times = Vec::with_capacity(questions.len() * 10);
    let mut allowed = 0;
    for _ in 0..10 {
        for question in questions {
            let request = nave.request(*question);
            let start = Instant::now();
            let evaluation = black_box(nave.index.evaluate(black_box(&request)));
            times.push(start.elapsed());
            allowed += usize::from(evaluation.is_allowed());
        }
    }
    times.sort_unstable();
    let at = |part: f64| times[(times.len() as f64 * part) as usize];
    println!(
        "nave {size}: of {} decisions {}% allowed; p50 {:?}, p90 {:?}, p99 {:?}, p99.9 {:?}",
        times.len(),
        allowed * 100 / times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999)
    );
}

/// All must answer alike; Casbin walks all assignments at each decision, so it is asked less.
fn agree(nave: &Nave<'_>, cedar: &Cedar<'_>, casbin: &Casbin, questions: &[Question], size: usize) {
    let mut allowed = 0;
    for question in &questions[..2_000] {
        let (request, entities) = cedar.slice(*question);
        let answer = nave.allows(*question);
        assert_eq!(
            answer,
            cedar.allows(&request, &entities),
            "Cedar answers otherwise"
        );
        allowed += usize::from(answer);
    }
    let few = 200_000 / size;
    for question in &questions[..few] {
        assert_eq!(
            nave.allows(*question),
            casbin.allows(*question),
            "Casbin answers otherwise"
        );
    }
    println!("{size}: nave and Cedar agree on 2000 questions ({allowed} allowed), Casbin on {few}");
}

fn measure(
    criterion: &mut Criterion,
    nave: &Nave<'_>,
    cedar: &Cedar<'_>,
    casbin: &Casbin,
    questions: &[Question],
    size: usize,
) {
    let mut group = criterion.benchmark_group("decision");
    let mut next = (0..questions.len()).cycle();
    let mut ask = || questions[next.next().unwrap_or(0)];
    group.bench_function(BenchmarkId::new("nave", size), |bencher| {
        bencher.iter(|| black_box(nave.index.evaluate(&nave.request(ask()))));
    });
    let slices: Vec<_> = questions[..2_000]
        .iter()
        .map(|question| cedar.slice(*question))
        .collect();
    let mut next = (0..slices.len()).cycle();
    group.bench_function(BenchmarkId::new("cedar, slices at hand", size), |bencher| {
        bencher.iter(|| {
            let (request, entities) = &slices[next.next().unwrap_or(0)];
            black_box(cedar.allows(request, entities))
        });
    });
    group.bench_function(BenchmarkId::new("cedar, slicing", size), |bencher| {
        bencher.iter(|| {
            let (request, entities) = cedar.slice(ask());
            black_box(cedar.allows(&request, &entities))
        });
    });
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function(BenchmarkId::new("casbin", size), |bencher| {
        bencher.iter(|| black_box(casbin.allows(ask())));
    });
    group.finish();
}
