"""Compares the speed of `baton audit`, `compare` and `map` with joins in DuckDB on the same spans.

    pip install duckdb
    python benches/compare_with_duckdb.py [--baton PATH] [--rounds N] SPANS [OTHER ...]

SPANS is the `spans.jsonl.zst` of a run. In each round, DuckDB and then each command reads it, so that
all have the same conditions. DuckDB joins the two ends of each hand-off by request id and by message
id, and counts four verdicts. OTHER is any source that only baton reads. The script prints a table in
Markdown: the median time, CPU time and peak memory of each, and the ratios to DuckDB's time on SPANS.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

SPANS = """
create temp table spans as
with requests as (
    select unnest("resourceSpans") as resource from read_json(
        ?, format = 'newline_delimited', maximum_object_size = 67108864, columns = {
            'resourceSpans': 'STRUCT("scopeSpans" STRUCT(spans STRUCT("traceId" VARCHAR, "spanId" VARCHAR,
                "parentSpanId" VARCHAR, kind TINYINT,
                attributes STRUCT(key VARCHAR, value STRUCT("stringValue" VARCHAR))[])[])[])[]'})
), scopes as (
    select unnest(resource."scopeSpans") as scope from requests
), all_spans as (
    select unnest(scope.spans) as span from scopes
)
select
    span."traceId" as trace, span."spanId" as id, span."parentSpanId" as parent, span.kind as kind,
    list_filter(span.attributes, lambda a: a.key = 'aws.request_id')[1].value."stringValue" as request,
    list_filter(span.attributes, lambda a: a.key = 'messaging.message.id')[1].value."stringValue" as message
from all_spans
"""

HOP = """
select
    case
        when receiver.id is null then 'lost'
        when receiver.trace = sender.trace and receiver.parent = sender.id then 'connected'
        when receiver.trace = sender.trace then 'wrong_parent'
        else 'new_trace'
    end as verdict,
    count(*)
from spans as sender left join spans as receiver
    on receiver.{id} = sender.{id} and receiver.kind = {receiver}
where sender.kind = {sender} and sender.{id} is not null
group by verdict order by verdict
"""


def count_with_duckdb(path: str) -> dict:
    """Counts the verdicts of each hop."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 2")
    connection.execute("set memory_limit = '8GB'")
    connection.execute(SPANS, [path])
    hops = {
        "ingress": HOP.format(id="request", sender=3, receiver=2),
        "record": HOP.format(id="message", sender=4, receiver=5),
    }
    counts = {hop: dict(connection.execute(query).fetchall()) for hop, query in hops.items()}
    (spans,) = connection.execute("select count(*) from spans").fetchone()
    return {"duckdb": duckdb.__version__, "spans": spans, "hops": counts}


def measured(command: list) -> tuple:
    """Runs a command. Gives its seconds, its CPU seconds and its peak memory in MiB."""
    start = time.monotonic()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(command, stdout=nowhere, stderr=subprocess.PIPE, text=True)
        problem = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    # baton exits with 1 if a hand-off broke
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)}: {problem}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def table(sources: list, baton: list, names: list, rounds: int) -> None:
    """Measures everything several times in turn, and prints the medians."""
    commands = {"DuckDB": [sys.executable, __file__, "--duckdb-only", sources[0]]}
    for source in sources:
        for name in names:
            commands[f"`{name} {os.path.basename(source)}`"] = [*baton, name, source]
    results = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            results[name].append(measured(command))
    peer = statistics.median(seconds for seconds, _, _ in results["DuckDB"])
    peer_cpu = statistics.median(cpu for _, cpu, _ in results["DuckDB"])
    print("| | time | of DuckDB's | CPU time | of DuckDB's | peak memory |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, runs in results.items():
        seconds, cpu, mebibytes = (statistics.median(values) for values in zip(*runs))
        lowest, highest = min(run[0] for run in runs), max(run[0] for run in runs)
        print(
            f"| {name} | {seconds:.1f} s ({lowest:.1f} to {highest:.1f}) | {seconds / peer:.2f} "
            f"| {cpu:.1f} s | {cpu / peer_cpu:.2f} | {mebibytes:.0f} MiB |"
        )


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--baton", default="target/release/baton", help="the command to measure")
parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
parser.add_argument("--duckdb-only", action="store_true", help="only count with DuckDB, and print the counts")
parser.add_argument("--commands", default="audit,compare,map", help="the subcommands to measure")
parser.add_argument("sources", nargs="+", metavar="SOURCE")
arguments = parser.parse_args()
if arguments.duckdb_only:
    print(json.dumps(count_with_duckdb(arguments.sources[0])))
else:
    table(arguments.sources, arguments.baton.split(), arguments.commands.split(","), arguments.rounds)
