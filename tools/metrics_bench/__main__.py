"""Our server of metrics beside Debian's victoria-metrics and prometheus: ./dev bench metrics [--json] [--quick].

All on loopback, each on a fresh folder, given the same generated samples by `rhizome bench metrics`. What servers cost is
their own processor time (/proc/PID/stat), because others share the machine; ours alone has fsynced what it acknowledges.

  ingest    samples per processor second, by protocol and samples of a series in a request (k), 10,000 and 100,000 series
  latency   acknowledgements at 70 % of what each reached just before, counted from when each request was due
  memory    a million series of two samples
  cores     our server on one core and on two (not unless asked for)
  cluster   what a sample costs on three nodes and a gateway, and how many cores 48 million a second take (likewise)
  queries   medians and processor time of the query API in turns on the same samples, whether our answers are prometheus',
            bytes on disk

Ratios are against victoria-metrics and above 1 where ours is better, but for bytes. native_ratio is our native batch over
its best way to take remote write.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys

import cluster
import figures
import phases
from servers import ROOT, STATE

PHASES = ("ingest", "latency", "memory", "queries")
ON_DEMAND = ("cores", "cluster")


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench metrics", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="a minute: fewer cases, shorter; no prometheus")
    parser.add_argument("--only", default=",".join(PHASES), help="phases, separated by commas")
    parser.add_argument("--seconds", type=float, help="of load for each figure of ingest; 5, quick 3")
    parser.add_argument("--latency-seconds", type=float, help="of load for latencies; 10, quick 5")
    parser.add_argument("--query-seconds", type=float, help="for all turns of a query; 3, quick 2")
    parser.add_argument("--samples-per-series", type=int, help="of queries and bytes on disk; 960, quick 480")
    parser.add_argument("--program", default=str(ROOT / "build" / "dev" / "rhizome"))
    options = parser.parse_args()
    options.only = options.only.split(",")
    unknown = set(options.only) - set(PHASES + ON_DEMAND)
    if unknown:
        parser.error(f"no such phase: {', '.join(sorted(unknown))}; there are {', '.join(PHASES + ON_DEMAND)}")
    usual = {"seconds": (5, 3), "latency_seconds": (10, 5), "query_seconds": (3, 2), "samples_per_series": (960, 480)}
    for name, values in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, values[options.quick])
    return options


def programs(options):
    found = {"rhizome": pathlib.Path(options.program).absolute()}
    peers = {"victoria-metrics": "victoria_metrics_server"}
    if not options.quick:
        peers["prometheus"] = "prometheus_server"
    for name, fetch in peers.items():
        if subprocess.run([ROOT / "tools" / fetch], check=False).returncode != 0:
            sys.exit(f"metrics_bench: without {name} there is nothing to compare with")
        found[name] = ROOT / "build" / name / name
    return found


def measure(options):
    bench = phases.Bench(options, programs(options))
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True,
                            check=False)
    out = {"commit": commit.stdout.strip(), "load_average_before": os.getloadavg()[0]}
    tables = {"ingest": [], "queries": {}, "query_cpu": {}, "bytes_per_sample": {}}
    if "ingest" in options.only:
        tables["ingest"] = phases.ingest(bench)
    if "latency" in options.only:
        tables["latency"] = phases.latency(bench)
    if "memory" in options.only and not options.quick:
        tables["memory"] = phases.memory(bench)
    if "queries" in options.only:
        (tables["queries"], tables["query_cpu"], tables["answers_differ"],
         tables["bytes_per_sample"]) = phases.queries(bench)
    if "cores" in options.only:
        tables["cores"] = phases.cores(bench)
        out |= figures.scales(tables["cores"])
    if "cluster" in options.only:
        tables["cluster"] = cluster.cost(bench)
        out |= cluster.extrapolated(tables["cluster"])
    out |= figures.ratios(tables["ingest"], tables["queries"], tables["query_cpu"], tables["bytes_per_sample"])
    out["load_average_after"] = os.getloadavg()[0]
    return figures.rounded(out), figures.rounded(tables)


def print_rows(title, rows):
    if not rows:
        return
    widths = {key: max(len(key), *(len(str(row.get(key, ""))) for row in rows)) for key in rows[0]}
    print(f"\n{title}")
    for row in [{key: key for key in widths}, *rows]:
        print("  " + "  ".join(str(row.get(key, "")).rjust(width) for key, width in widths.items()))


def print_tables(out, tables):
    print_rows("ingest: closed loop", tables["ingest"])
    print_rows("latency at 70 %", tables.get("latency", []))
    print_rows("a million series", tables.get("memory", []))
    print_rows("one core and two", tables.get("cores", []))
    print_rows("three nodes, ns of processor time per sample", tables.get("cluster", []))
    print_rows("queries, median ms", [{"query": name} | row for name, row in tables["queries"].items()])
    print_rows("queries, ms of processor time", [{"query": name} | row for name, row in tables["query_cpu"].items()])
    print_rows("bytes per sample on disk", [tables["bytes_per_sample"]] if tables["bytes_per_sample"] else [])
    differing = [name for name, differs in tables.get("answers_differ", {}).items() if differs]
    if tables.get("answers_differ"):
        print(f"\nanswers other than prometheus': {', '.join(differing) or 'none'}")
    print()
    for name, value in out.items():
        print(f"{name:<28}{value}")


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped on the way out
    STATE.mkdir(parents=True, exist_ok=True)
    try:
        out, tables = measure(options)
    except KeyboardInterrupt:
        sys.exit("metrics_bench: stopped")
    if options.json:
        print(json.dumps(out | {"tables": tables}))
    else:
        print_tables(out, tables)


if __name__ == "__main__":
    main()
