"""What a cluster costs and how it bears deaths, returns, joins and leaves: ./dev bench cluster [--json] [--only …].

Real processes on loopback: three etcd members, three nodes, a gateway; factor 3. Phases:

  cost     vector searches of one client on a process alone and through gateway and nodes, in turns: the added median,
           and the processor time of all server processes per request
  recall   recall@10 against an exact search, with all three nodes and with each killed in turn
  kill     writes at quorum and searches, a node is killed: failures after one repetition, latency in the minute after,
           acknowledged points that are gone
  join     a fourth node comes under load; leave: it goes again. What moved, failures, latency against before
  catchup  a node returns that has missed a tenth of the points, then one that has missed all of them: seconds until
           every replica has been asked for its digest and all are equal

A figure that is promised stands beside its bound; the exit code is 1 when one is beyond it.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

import phases
from figures import BOUNDS, kept
from processes import ROOT, Cluster


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench cluster", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--only", default=",".join(phases.ALL), help="phases, separated by commas; leave brings join")
    parser.add_argument("--points", type=int, default=60_000, help="of every phase but catchup")
    parser.add_argument("--catchup-points", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=500, help="of recall")
    parser.add_argument("--ef", type=int, default=0, help="of recall: less effort than usual, which tells indexes apart")
    parser.add_argument("--rate", type=float, default=80, help="requests per second under load, half of them writes")
    parser.add_argument("--seconds", type=float, default=5, help="of each turn of cost")
    parser.add_argument("--rounds", type=int, default=3, help="turns of cost, of joining and leaving; the median counts")
    parser.add_argument("--before", type=float, default=20, help="seconds of load before something happens")
    parser.add_argument("--minute", type=float, default=60, help="seconds of load after a kill")
    parser.add_argument("--program", default=str(ROOT / "build" / "dev" / "rhizome"))
    options = parser.parse_args()
    options.only = options.only.split(",")
    unknown = set(options.only) - set(phases.ALL)
    if unknown:
        parser.error(f"no such phase: {', '.join(sorted(unknown))}; there are {', '.join(phases.ALL)}")
    options.program = str(pathlib.Path(options.program).absolute())
    return options


def measure(options):
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    figures = {"commit": commit.stdout.strip(), "points": options.points, "load_average_before": os.getloadavg()[0]}
    with Cluster(options.program) as cluster:
        phases.fill(cluster.port, cluster.node_ports(), options.points, 3)
        cluster.await_equal(120)
        for phase in dict.fromkeys(phases.ALL[name] for name in phases.ALL if name in options.only):
            print(f"cluster_bench: {phase.__name__}", file=sys.stderr)
            figures |= phase(cluster, options)
    for total, part in (("failed_requests", "_failed"), ("acknowledged_lost", "_lost")):
        parts = [value for name, value in figures.items() if name.endswith(part)]
        if parts:
            figures[total] = sum(parts)
    figures["load_average_after"] = os.getloadavg()[0]
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}


def main():
    options = parse()
    figures = measure(options)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            verdict = {None: "", True: "kept", False: "BEYOND"}[kept(name, value)]
            bound = f"at most {BOUNDS[name]}" if verdict else ""
            print(f"{name:<22}{value:>14}  {bound:<16}{verdict}".rstrip())
    sys.exit(0 if all(kept(name, value) is not False for name, value in figures.items()) else 1)


if __name__ == "__main__":
    main()
