//! scratch
fn main() {
    let source: baton_traces::source::Source = std::env::args().nth(1).unwrap().parse().unwrap();
    let start = std::time::Instant::now();
    let measured = source.measure().unwrap();
    println!(
        "{} {:?} {:?} {:?}",
        measured.summary.name, measured.summary.spans, measured.summary.hops, measured.unknown
    );
    println!("{:?} {:?}", start.elapsed(), measured.summary.problems);
}
