"""What is made of measurements, and what each figure must not exceed. Pure functions."""
import math
import statistics

# The figures that are promised, with their greatest allowed value.
BOUNDS = {
    "p50_added_ms": 1.5,
    "failed_requests": 0,
    "acknowledged_lost": 0,
    "kill_p99_after_ms": 500,
    "catchup_s": 30,
    "catchup_all_s": 30,
    "deleted_back": 0,
    "join_share_moved": 0.30,
    "join_p99_ratio": 2,
    "leave_share_moved": 0.30,
    "leave_p99_ratio": 2,
    "recall_difference": 0.005,
}


def percentile_ms(seconds, share):
    """Nearest rank: the smallest value that at least this share of the values does not exceed."""
    if not seconds:
        return 0.0
    ordered = sorted(seconds)
    return 1000 * ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def of_rounds(rounds):
    """One dictionary of several measurements of the same: failures and losses added up, shares at their greatest, of
    everything else the median. A disk that stalls for a second spoils one round, not the figure."""
    def one(name):
        values = [measured[name] for measured in rounds]
        if name.endswith(("_failed", "_lost")):
            return sum(values)
        return max(values) if "_share_" in name else statistics.median(values)
    return {name: one(name) for name in rounds[0]}


def owners(sharding):
    """(collection, partition, node) of every replica, with the points of its shard, from GET /cluster/sharding."""
    return {(collection["name"], shard["partition"], replica["node"]): shard["points"]
            for collection in sharding["collections"] for shard in collection["shards"]
            for replica in shard["replicas"]}


def share_moved(before, after):
    """Replicas that are where none was, of all there are: (by number, by points)."""
    moved = [points for place, points in after.items() if place not in before]
    return len(moved) / len(after), sum(moved) / max(1, sum(after.values()))


def mean_recall(found, exact):
    """Of the exact answers, the share found, over all queries; both are lists of lists of ids."""
    return sum(len(set(f) & set(e)) for f, e in zip(found, exact)) / sum(len(e) for e in exact)


def kept(name, value):
    """Whether a promised figure is within its bound; None for one that is not promised."""
    return None if name not in BOUNDS else value <= BOUNDS[name]
