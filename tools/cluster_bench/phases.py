"""The measurements, each a function from a cluster that holds the bench's points, healthy and equal, to figures; it
leaves the cluster so again. Phases in the order in which they are run."""
import sys
import time

import numpy

from client import Client, await_indexed, create, processor_seconds, search_body, upsert, vectors
from figures import mean_recall, of_rounds, owners, percentile_ms, share_moved
from load import Load
from processes import alone

SETTLE_S = 3  # a death is known to all by then


def fill(port, node_ports, points, factor):
    create(port, factor)
    upsert(Client(port), range(points), vectors(points, 11))
    await_indexed(node_ports)


def search_alone(port, pids, seconds):
    """Milliseconds and processor milliseconds per search, one client, nothing else."""
    client, rows, taken = Client(port), vectors(1_000, 12), []
    spent = processor_seconds(pids)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        body = search_body(rows[len(taken) % len(rows)])
        began = time.perf_counter()
        answer = client.must("POST", "/search", body)
        taken.append(time.perf_counter() - began)
        if answer["partial"]:
            sys.exit(f"cluster_bench: a search was partial: {answer}")
    spent = processor_seconds(pids) - spent
    return {"p50": percentile_ms(taken, 0.5), "p99": percentile_ms(taken, 0.99), "cpu": 1000 * spent / len(taken), "n": len(taken)}


def cost(cluster, options):
    """The same searches on a process alone and through gateway and nodes, in turns."""
    one, many = [], []
    with alone(options.program) as (port, pids):
        fill(port, [port], options.points, 1)
        for _ in range(options.rounds):
            one.append(search_alone(port, pids, options.seconds))
            many.append(search_alone(cluster.port, cluster.pids(), options.seconds))
    middle = {name: [float(numpy.median([turn[name] for turn in turns])) for turns in (one, many)] for name in one[0]}
    return {"p50_alone_ms": middle["p50"][0], "p50_cluster_ms": middle["p50"][1],
            "p50_added_ms": middle["p50"][1] - middle["p50"][0], "p99_alone_ms": middle["p99"][0],
            "p99_cluster_ms": middle["p99"][1], "cpu_alone_ms": middle["cpu"][0], "cpu_cluster_ms": middle["cpu"][1],
            "cpu_ratio": middle["cpu"][1] / middle["cpu"][0]}


def recall(cluster, options):
    """Recall@10 against an exact search over all points, of all three nodes and with each of them gone in turn: a
    search asks few nodes, so only some deaths change whose index answers. Before any load writes more."""
    queries = vectors(options.queries, 13)
    rows = vectors(options.points, 11).astype(numpy.float32)
    exact = numpy.argsort(-(queries.astype(numpy.float32) @ rows.T), axis=1)[:, :10].tolist()

    def ask():
        effort = {"ef": options.ef} if options.ef else {}
        answers = [cluster.client.must("POST", "/search", search_body(query) | effort) for query in queries]
        if any(answer["partial"] for answer in answers):
            sys.exit("cluster_bench: a search was partial")
        return mean_recall([[hit["id"] for hit in answer["hits"]] for answer in answers], exact)

    healthy, gone = ask(), []
    for name in ("node1", "node2", "node3"):
        cluster.kill(name)
        time.sleep(SETTLE_S)
        gone.append(ask())
        cluster.tool("restart", name)
        cluster.await_equal(120)
    return {"recall_healthy": healthy, "recall_one_gone": min(gone),
            "recall_difference": max(abs(healthy - share) for share in gone)}


def kill(cluster, options):
    """SIGKILL to a node under load."""
    load = Load(cluster.port, options.rate)
    time.sleep(3)  # connections are made, caches are warm
    begin = time.monotonic()
    time.sleep(options.before)
    killed = time.monotonic()
    cluster.kill("node2")
    time.sleep(options.minute)
    end = time.monotonic()
    load.stop()
    after = load.latencies(killed, end)
    figures = {"kill_requests": len(load.taken), "kill_failed": len(load.failed),
               "kill_acknowledged": len(load.acknowledged), "kill_lost": load.lost(),
               "kill_p99_before_ms": load.p99_ms(begin, killed), "kill_p99_after_ms": percentile_ms(after, 0.99),
               "kill_max_after_ms": 1000 * max(after)}
    cluster.tool("restart", "node2")
    cluster.await_equal(120)
    return figures


def away(cluster, collection, points, written):
    """One node dies; `written` of the points are written by then, the others, some replacements and deletions after.
    Seconds from its start until all replicas are equal, and how many deleted points are there again."""
    create(cluster.port, 3, collection)
    rows = vectors(points, 14)
    upsert(cluster.client, range(written), rows[:written], collection)
    if written:
        cluster.await_equal(120)
    cluster.kill("node3")
    time.sleep(SETTLE_S)
    upsert(cluster.client, range(written, points), rows[written:], collection)
    replaced, deleted = points // 20, list(range(points // 2, points // 2 + points // 20))
    upsert(cluster.client, range(replaced), vectors(replaced, 15), collection)
    for begin in range(0, len(deleted), 500):
        cluster.client.must("POST", "/vectors/delete", {"collection": collection, "ids": deleted[begin:begin + 500]})
    began = time.monotonic()
    cluster.tool("restart", "node3")
    cluster.await_equal(600)
    taken = time.monotonic() - began
    back = 0
    for begin in range(0, len(deleted), 500):
        body = {"collection": collection, "ids": deleted[begin:begin + 500], "consistency": "one"}
        back += sum(point is not None for point in cluster.client.must("POST", "/vectors/get", body)["points"])
    cluster.client.must("DELETE", f"/collections/{collection}")
    return taken, back


def catchup(cluster, options):
    """A node returns that has missed a tenth of the points; then one that has missed them all."""
    points = options.catchup_points
    part, back_part = away(cluster, "part", points, points * 9 // 10)
    everything, back_all = away(cluster, "all", points, 0)
    return {"catchup_points": points, "catchup_s": part, "catchup_all_s": everything,
            "deleted_back": back_part + back_all}


def moving(cluster, options, name, begin_move, has_begun):
    """Shards move under load, from `begin_move` until nothing moves any more."""
    load = Load(cluster.port, options.rate)
    time.sleep(3)
    begin = time.monotonic()
    time.sleep(options.before)
    places, copied = owners(cluster.sharding()), cluster.repaired()
    moved_at = time.monotonic()
    begin_move()
    still_at = cluster.await_still(has_begun)
    after = owners(cluster.sharding())
    copied = sum(count - copied.get(node, 0) for node, count in cluster.repaired().items())
    load.stop()
    replicas, points = share_moved(places, after)
    before_ms, during_ms = load.p99_ms(begin, moved_at), load.p99_ms(moved_at, still_at)
    cluster.await_equal(120)
    return {f"{name}_s": still_at - moved_at, f"{name}_share_moved": replicas, f"{name}_share_of_points": points,
            f"{name}_copied_to_all": copied / sum(after.values()), f"{name}_failed": len(load.failed),
            f"{name}_lost": load.lost(), f"{name}_p99_before_ms": before_ms, f"{name}_p99_during_ms": during_ms,
            f"{name}_p99_ratio": during_ms / before_ms}


def holds(sharding, name):
    return any(node["id"] == name and node["shards"] > 0 for node in sharding["nodes"])


def join(cluster, options):
    """A fourth node joins under load, and leaves again; so many rounds of both."""
    joined, left = [], []
    for _ in range(options.rounds):
        joined.append(moving(cluster, options, "join", lambda: cluster.tool("add"),
                             lambda sharding: holds(sharding, "node4")))
        left.append(moving(cluster, options, "leave", lambda: cluster.client.must("DELETE", "/cluster/nodes/node4"),
                           lambda sharding: not holds(sharding, "node4")))
        cluster.forget("node4")
    return of_rounds(joined) | (of_rounds(left) if "leave" in options.only else {})


ALL = {"cost": cost, "recall": recall, "kill": kill, "join": join, "leave": join, "catchup": catchup}
