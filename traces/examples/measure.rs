//! scratch
fn main() {
    for path in std::env::args().skip(1) {
        let source: baton_traces::source::Source = path.parse().unwrap();
        let start = std::time::Instant::now();
        match source.measure() {
            Ok(measured) => {
                println!(
                    "{} {:?} traces {:?} {:?} {:#?} {:?}",
                    measured.summary.name,
                    measured.summary.spans,
                    measured.summary.traces,
                    measured.summary.hops,
                    measured.unknown,
                    measured.summary.requests
                );
                println!("{:?} {:?}", start.elapsed(), measured.summary.problems);
            }
            Err(e) => println!("{e}"),
        }
    }
}
