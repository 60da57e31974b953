//! Names per second, over the inputs of the policy's case table.

use b24_tidyd::names::{Engine, Field, Settings, Style};
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};

/// Also counts allocations: a name that needs no change should cost none.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const CASES: &str = include_str!("../names/cases.tsv");

fn main() {
    divan::main();
}

/// The inputs of all rows, in the language that is not known.
fn inputs() -> Vec<(Field, &'static str)> {
    let rows = CASES.split_terminator('\n').skip(1);
    rows.filter_map(|row| {
        let mut columns = row.split('\t');
        let field = columns.next()?.parse().ok()?;
        Some((field, columns.nth(2)?))
    })
    .collect()
}

fn engine(style: Style) -> Engine {
    Engine::new(Settings {
        style,
        ..Settings::default()
    })
}

fn bench(bencher: Bencher, style: Style, names: &[(Field, &str)]) {
    let engine = engine(style);
    bencher.counter(ItemsCount::new(names.len())).bench(|| {
        for &(field, name) in names {
            black_box(engine.tidy(field, black_box(name)));
        }
    });
}

#[divan::bench]
fn plain(bencher: Bencher) {
    bench(bencher, Style::Plain, &inputs());
}

#[divan::bench]
fn smart(bencher: Bencher) {
    bench(bencher, Style::Smart, &inputs());
}

/// Names that are fine already, which is what most contacts hold.
#[divan::bench]
fn smart_without_a_change(bencher: Bencher) {
    let engine = engine(Style::Smart);
    let mut names = inputs();
    names.retain(|(field, name)| engine.tidy(*field, name) == *name);
    bench(bencher, Style::Smart, &names);
}
