"""Counts the verdicts of each hop of a run with DuckDB, to compare its speed with `baton compare`.

    pip install duckdb
    python benches/compare_with_duckdb.py RUN [RUN ...]

It joins the two ends of each hand-off in `spans.jsonl.zst` by request id and by message id, and
distinguishes connected, wrong_parent, new_trace and lost. It prints one JSON object per run, with the
seconds that it took and the peak memory of this process.
"""

import json
import resource
import sys
import time
from pathlib import Path

import duckdb

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


def verdicts(run: Path) -> dict:
    connection = duckdb.connect()
    connection.execute("set threads = 2")
    connection.execute("set memory_limit = '8GB'")
    start = time.monotonic()
    connection.execute(SPANS, [str(run / "spans.jsonl.zst")])
    hops = {
        "ingress": HOP.format(id="request", sender=3, receiver=2),
        "record": HOP.format(id="message", sender=4, receiver=5),
    }
    counts = {hop: dict(connection.execute(query).fetchall()) for hop, query in hops.items()}
    seconds = time.monotonic() - start
    (spans,) = connection.execute("select count(*) from spans").fetchone()
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "run": run.name,
        "duckdb": duckdb.__version__,
        "spans": spans,
        "hops": counts,
        "seconds": round(seconds, 2),
        "spans_per_second": round(spans / seconds),
        "peak_mib": round(mebibytes),
    }


for argument in sys.argv[1:]:
    print(json.dumps(verdicts(Path(argument))), flush=True)
