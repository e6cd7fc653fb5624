"""Debian's Prometheus sends to the real program for minutes, while that is killed, or now and then stopped, again and
again. Then every sample that Prometheus holds is looked for, and what was sent, found, lost, duplicated and changed is
printed. Fails unless everything is there once.

Usage: metrics_soak.py PROGRAM [--minutes 10] [--seed 1] [--json]
"""
import argparse
import json
import random
import sys
import tempfile
import time

from metrics_sender import Account, Sender, get, total
from prometheus_reference import SKIPPED, fetch

SECONDS_UP = (2, 25)    # between restarts
SECONDS_DOWN = (0, 6)
WINDOW_MS = 30_000      # that is compared at once
# Of every so many restarts one is a stop, the others are kills.
ONE_STOP_OF = 5


def sleep_until(when):
    time.sleep(max(0, when - time.monotonic()))


def restart_until(sender, rng, deadline, say):
    kills = stops = 0
    while True:
        sleep_until(min(deadline, time.monotonic() + rng.uniform(*SECONDS_UP)))
        if time.monotonic() >= deadline:
            return kills, stops
        if rng.randrange(ONE_STOP_OF) == 0:
            sender.stop_server()
            stops += 1
        else:
            sender.kill_server()
            kills += 1
        time.sleep(rng.uniform(*SECONDS_DOWN))
        sender.start_server()
        say(f"{kills} kills, {stops} stops, {max(0, deadline - time.monotonic()):.0f} s left")


def given_up(sender):
    """What the sender says it dropped or gave up on."""
    wanted = ("prometheus_remote_storage_samples_dropped_total", "prometheus_remote_storage_samples_failed_total")
    lines = get(sender.theirs, "/metrics")[1].decode().splitlines()
    return round(sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(wanted)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the choices, not of their timing")
    parser.add_argument("--json", action="store_true", help="the figures as one line of JSON")
    options = parser.parse_args()
    problem = fetch()
    if problem is not None:
        print("skipped: no prometheus to send samples: " + problem)
        return SKIPPED
    live = sys.stderr.isatty()
    say = lambda text: print(f"\r{text:60}" if live else text, end="" if live else "\n", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        sender = Sender(options.program, folder, "1s")
        try:
            start = round(time.time() * 1000)
            kills, stops = restart_until(sender, random.Random(options.seed), time.monotonic() + options.minutes * 60, say)
            end = round(time.time() * 1000)
            time.sleep(1.5)  # a scrape that began before may end
            counted = total(sender.await_sent(at, min(end, at + WINDOW_MS)) for at in range(start, end, WINDOW_MS))
            figures = {"minutes": options.minutes, "kills": kills, "stops": stops, **counted._asdict(),
                       "given_up_by_the_sender": given_up(sender)}
        finally:
            sender.close()
    if live:
        print(file=sys.stderr)
    print(json.dumps(figures) if options.json else "\n".join(f"{name:24} {value}" for name, value in figures.items()))
    sound = counted.sent > 0 and counted == Account(counted.sent, counted.sent, 0, 0, 0)
    return 0 if sound and figures["given_up_by_the_sender"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
