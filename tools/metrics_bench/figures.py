"""What is made of measurements. Pure functions."""
import statistics

def per_cpu_second(samples, cpu_s):
    """Samples per second of processor time, which the kernel counts in hundredths."""
    return samples / max(cpu_s, 0.01)


def over(ours, theirs):
    """Ours over theirs; None where one of them was not measured."""
    return ours / theirs if ours and theirs else None


def best(ingest, server, series):
    """The most samples per processor second that this server reached with so many series, however they were sent."""
    rates = [row["samples_per_cpu_s"] for row in ingest if row["server"] == server and row["series"] == series]
    return max(rates, default=None)


def rate_of(ingest, server, series, protocol, k):
    rates = [row["samples_per_cpu_s"] for row in ingest
             if (row["server"], row["series"], row["protocol"], row["k"]) == (server, series, protocol, k)]
    return max(rates, default=None)


def median_ms(seconds):
    return 1000 * statistics.median(seconds) if seconds else None


def ratios(ingest, queries, costs, stored):
    """The figures that are promised, from the tables; `queries` and `costs` are milliseconds by the clock and of the
    processor, `stored` is bytes per sample by server."""
    out = {}
    victoria = "victoria-metrics"
    for series, suffix in ((10_000, ""), (100_000, "_100k")):
        peer = best(ingest, victoria, series)
        if peer is None:
            continue
        out["native_ratio" + suffix] = over(rate_of(ingest, "rhizome", series, "native", 1), peer)
        out["native_k1_ratio" + suffix] = over(rate_of(ingest, "rhizome", series, "native", 1),
                                               rate_of(ingest, victoria, series, "remote_write", 1))
        out["native_k100_ratio" + suffix] = over(rate_of(ingest, "rhizome", series, "native", 100), peer)
        for k in (1, 10):
            out[f"remote_write_k{k}_ratio{suffix}"] = over(rate_of(ingest, "rhizome", series, "remote_write", k),
                                                           rate_of(ingest, victoria, series, "remote_write", k))
    out["bytes_per_sample"] = stored.get("rhizome")
    out["bytes_per_sample_ratio"] = over(stored.get("rhizome"), stored.get(victoria))
    for name, figure in (("sum_rate_10k", "sum_rate_10k_ratio"), ("instant", "instant_ratio")):
        row = queries.get(name, {})
        out[figure] = over(row.get(victoria), row.get("rhizome"))
    for name in ("sum_rate_10k", "sum_rate_10k_1h"):
        row = costs.get(name, {})
        out[name + "_cpu_ratio"] = over(row.get(victoria), row.get("rhizome"))
    return {name: value for name, value in out.items() if value is not None}


def scales(cores):
    """By protocol and k, what two cores do over what one does if both are busy: twice the work per processor second on two,
    over that on one."""
    rates = {(row["protocol"], row["k"], row["cores"]): row["samples_per_cpu_s"] for row in cores}
    return {f"two_cores_{protocol}_k{k}": 2 * over(rates[protocol, k, 2], rate)
            for (protocol, k, count), rate in rates.items() if count == 1 and over(rates.get((protocol, k, 2)), rate)}


def same_number(a, b):
    """Whether two values of answers are the same but for the order in which sums were taken."""
    x, y = float(a), float(b)
    return x == y or (x != x and y != y) or abs(x - y) <= 1e-9 * max(abs(x), abs(y))


def same_answer(a, b):
    """Whether two data sections of the query API hold the same series with the same values."""
    def keyed(data):
        return {tuple(sorted(row["metric"].items())): row.get("values") or [row["value"]] for row in data["result"]}
    left, right = keyed(a), keyed(b)
    if left.keys() != right.keys():
        return False
    return all(len(left[key]) == len(right[key]) and
               all(p[0] == q[0] and same_number(p[1], q[1]) for p, q in zip(left[key], right[key])) for key in left)


def rounded(value):
    """For printing: four digits that count."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value
