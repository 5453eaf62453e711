# The steps of `.ci/run`, one recipe each: `just` lists them, `just ci` runs them all.
# Nothing here needs `just` itself: each line is a plain command that works when pasted into a shell at the root.

set shell := ["bash", "-euo", "pipefail", "-c"]

# Tools that recipes install for themselves go here, and nowhere else.
tools := justfile_directory() / "target/tools"
export PATH := tools / "venv/bin:" + tools / "bin:" + env("PATH")

# List the recipes.
default:
    @just --list --unsorted

# Run every step, as CI does.
ci:
    .ci/run

# Check that all code is formatted (`cargo fmt --all` formats it).
fmt:
    cargo fmt --all --check

# Lint all code, with warnings as errors.
lint:
    cargo clippy --workspace --all-targets --features baton-propagators/instructions --locked -- -D warnings

# Run all tests that need nothing but the Rust toolchain. Tests of missing parts say that they were skipped.
test *arguments:
    cargo test --workspace --locked {{arguments}}

# Build the documentation of all crates, with warnings as errors.
docs:
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

# Check licences, sources and duplicate versions of all dependencies.
deny:
    cargo-deny check bans licenses sources

# Check known vulnerabilities of all dependencies; needs the internet.
advisories:
    cargo-deny check advisories

# Run every fuzz target for some seconds.
fuzz seconds="10":
    fuzz/run {{seconds}}

# Build all benches, and with them the release build of the command.
bench-build:
    cargo bench --workspace --bench comparison --bench pipeline --bench propagation --no-run --locked

# Run a bench: `just bench propagation`, `just bench pipeline`, `just bench comparison`.
bench name *arguments:
    cargo bench --bench {{name}} --locked -- {{arguments}}

# Run the commands of README.md and docs/ with the release binary.
documents: bench-build
    BATON_TESTED="$PWD/target/release/baton" cargo test --test whole --locked documents:: -- --include-ignored

# Build the command as its users do.
release:
    cargo build --release --locked

# Compare the instructions that propagation takes with their limits; needs valgrind.
instructions:
    cargo bench --package baton-propagators --profile instructions --features instructions --bench instructions --locked -- --output-format=json | cargo run --quiet --package baton-propagators --profile instructions --features instructions --example instruction_counts --locked

# Install the packages of the Node.js functions, which their tests run.
nodejs:
    npm ci --prefix examples/nodejs

# Build the packages for AWS, and check both templates without an account. cargo-lambda asks the first `python3` for Zig.
packages:
    PATH="$PWD/deploy/.venv/bin:$PATH" cargo lambda build --package baton-functions --profile lambda --x86-64 --output-format zip --locked
    deploy/check

# Install the Zipkin server, Jaeger and the OpenTelemetry Collector, which tests run against; needs Go and Java.
backends:
    tests/backends/install

# Look at the report and at the live page in headless Chromium; needs Node.js.
browser:
    npm ci --prefix tests/browser
    cargo test --test whole --locked in_browser -- --include-ignored

# Take the pictures of the live page again, and measure it: see docs/performance.md.
page: bench-build
    npm ci --prefix tests/browser
    node tests/browser/pictures.mjs target/release/baton
    node benches/page.mjs target/release/baton

# Send 10,000 requests under `none` and under `tracecontext` and check every verdict.
main-job: bench-build
    .ci/main-job

# Run the tests of faults: killed labs, full disks, hostile bodies, bad exporters, other users.
faults:
    cargo test --test whole --locked -- faults:: ending:: event_source:: freeze:: foreign_consumers::

# Watch the memory of a lab for an hour at 80 % of its capacity: `just soak 600 100` takes ten minutes at 100 requests per second.
soak seconds="3600" rate="": bench-build
    tests/faults/soak {{seconds}} {{rate}}

# Take the consumer away for ten minutes at 300 requests per second, until the stream is full.
outage seconds="600" rate="300" bytes="4096": bench-build
    tests/faults/outage {{seconds}} {{rate}} {{bytes}}

# Check what a release would ship, and its workflow.
release-check:
    .ci/release
