"""Shows how far the comparison of latencies can be trusted.

Two servers on loopback answer after a given time. `baton burst` sends to both in rounds and compares
them. First both take 10 ms (A/A): a significant difference is a false alarm. Then one takes 11 ms:
no significant difference is a miss. During half of the pairs, another process takes a core at random
times. What is significant is baton's own judgement, at its fixed level; the script has none.

    cargo build --release && python benches/rounds.py --baton target/release/baton

docs/performance.md has the result. It takes about a quarter of an hour.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import subprocess
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


async def answer(reader, writer, seconds):
    """Answers every request of a connection after `seconds`."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next((line for line in lines if line.startswith("content-length:")), ":0")
            await reader.readexactly(int(length.split(":")[1]))
            await asyncio.sleep(seconds)
            writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def serve(seconds, port):
    """Serves until the process is ended. Sends its port through the pipe `port`."""

    async def run():
        handler = lambda reader, writer: answer(reader, writer, seconds)
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def disturb(seed):
    """Takes a core for random times, with random pauses, until the process is ended."""
    chance = random.Random(seed)
    while True:
        time.sleep(chance.uniform(0.0, 2.0))
        until = time.monotonic() + chance.uniform(0.1, 2.0)
        while time.monotonic() < until:
            pass


def started(target, *arguments):
    process = multiprocessing.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def server(milliseconds):
    ours, theirs = multiprocessing.Pipe()
    process = started(serve, milliseconds / 1e3, theirs)
    return process, f"http://127.0.0.1:{ours.recv()}/"


def compare(options, one, other, disturbed, seed):
    """One pair. Gives its latencies, how baton judges them, and how long it took."""
    processes, urls = zip(server(one), server(other))
    processes = list(processes)
    if disturbed:
        processes.append(started(disturb, seed))
    began = time.monotonic()
    command = [options.baton, "burst", "--format", "json", "--quiet"]
    command += ["--endpoint", f"one={urls[0]}", "--endpoint", f"other={urls[1]}"]
    command += ["--requests", str(options.requests), "--users", str(options.users)]
    try:
        printed = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    finally:
        for process in processes:
            process.terminate()
            process.join()
    answer = json.loads(printed.stdout)
    differences = answer["differences"]
    latencies = [found for found in differences if found["metric"].startswith("request.p")]
    tested = [found for found in latencies if found["p"] is not None]
    if not tested:
        sys.exit(f"no latency was tested: {latencies[0]['note']}")
    return latencies, answer["method"], time.monotonic() - began


class Kind:
    """The pairs of one kind: how many were compared, and in how many a latency is significant."""

    def __init__(self, name, other):
        self.name, self.other = name, other
        self.pairs = self.found = 0
        self.widths = []
        self.method = []

    def compare(self, options, pair):
        disturbed = pair % 2 == 1
        seed = options.seed + pair
        latencies, self.method, seconds = compare(options, 10, self.other, disturbed, seed)
        significant = [latency for latency in latencies if latency["significant"]]
        median = next(latency for latency in latencies if latency["metric"] == "request.p50")
        low, high = median["interval"]
        self.pairs += 1
        self.found += bool(significant)
        self.widths.append(high - low)
        told = ", ".join(f"{one['metric']} {one['change']:+.1%}" for one in significant) or "-"
        print(
            f"{self.name:5} {pair + 1:2} {'disturbed' if disturbed else 'quiet    '} {seconds:4.1f} s  "
            f"p50 {median['change']:+.1%} ({low:+.1%} to {high:+.1%}), p = {median['p']:.5f}  "
            f"significant: {told}",
            flush=True,
        )

    def __str__(self):
        width = sorted(self.widths)[len(self.widths) // 2]
        return (
            f"{self.name}: {self.found} of {self.pairs} pairs have a significant latency; "
            f"median width of the interval of p50: {width:.1%}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baton", default="target/release/baton", help="the program")
    parser.add_argument("--pairs", type=int, default=40, help="how many pairs of each kind")
    parser.add_argument("--requests", type=int, default=800, help="requests to each server")
    parser.add_argument("--users", type=int, default=2, help="how many send at the same time")
    parser.add_argument("--minutes", type=float, default=20, help="begin no pair after this time")
    parser.add_argument("--seed", type=int, default=1, help="of the disturbance")
    options = parser.parse_args()
    same, slower = Kind("A/A", 10), Kind("+10 %", 11)
    until = time.monotonic() + 60 * options.minutes
    for pair in range(options.pairs):
        # the kinds take turns, so that the machine is the same for both
        for kind in (same, slower):
            if time.monotonic() < until:
                kind.compare(options, pair)
    print(*slower.method, same, slower, sep="\n")
    if slower.pairs < options.pairs:
        sys.exit(f"Only {slower.pairs} of {options.pairs} pairs of each kind: --minutes allows more.")
    is_good = same.found <= 0.05 * same.pairs and slower.found >= 0.8 * slower.pairs
    print("The goals are met." if is_good else "A goal is missed.")
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
