# The command alone, for a machine without Rust, and the image of deploy/load-job.yaml.
#
#   docker build --tag baton:0.1.0 .
#   docker run --rm --network host baton:0.1.0 run --out /tmp/runs
FROM rust:1.95-slim AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /baton
COPY . .
RUN cargo build --release --locked --package baton --bin baton

FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /baton/target/release/baton /usr/local/bin/baton
ENTRYPOINT ["baton"]
