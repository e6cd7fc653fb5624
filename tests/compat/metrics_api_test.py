#!/usr/bin/env python3
"""Our metrics API says what Debian's Prometheus says: the same requests to both over HTTP on the same samples. Status,
media type and JSON are equal, the digits of times and values included; of an error its type, and, but of
timeouts, its text up to where the parser speaks. A remote read has the same bytes, but that Prometheus loses the sign of
a zero, which is left out here. Of what it keeps in memory Prometheus lists labels whatever the times, so a range that leaves
that out is for series only. Then Prometheus' own promtool asks both.

Usage: metrics_api_test.py METRICS_SERVER
"""
import http.client
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

from prometheus_reference import FOLDER, SECONDS, SKIPPED, STALE_SECONDS, STALE_START, START, Reference, fetch, field, varint

SERVER = sys.argv.pop(1)

AT = START + 3_600
WHOLE = {"start": START - 1, "end": STALE_START + STALE_SECONDS + 1}
BLOCK = {"start": START, "end": START + SECONDS - 1}
LATE = {"start": STALE_START, "end": STALE_START + STALE_SECONDS}
BEFORE = {"start": START - 100_000, "end": START - 50_000}
RANGE = {"start": START + 600, "end": START + 1_200, "step": 60}


def queries():
    """Right ones, whose values have one way to be added up."""
    for query in ("up", "up{job='api'}", "up == 0", "http_requests_total", "rate(http_requests_total[5m])", "special",
                  "huge", "labels_test", "gappy", "constant * 1e-9", "constant * 1e30", "-constant", "constant / 3",
                  "none", "max by (job) (temperature)", "count(up)", "topk(2, temperature)", "vector(1)", "absent(none)"):
        yield "query", {"query": query, "time": AT}
        yield "query", {"query": query, "time": START + 1234.567}
        yield "query_range", {"query": query, **RANGE}
    for query in ("1", "1.5e-7", "0.1 + 0.2", "1 / 0", "-1 / 0", "0 / 0", "time()", "'text \"\\n é'", "up[1m]", "special[2m]",
                  "{__name__=~'up|constant',job!='api'}", "up offset 1h", "up @ %d" % AT, "sum(up)[5m:1m]"):
        yield "query", {"query": query, "time": AT}
    for query in ("1", "time()", "stale_gauge", "count_over_time(stale_counter[1m])"):
        yield "query_range", {"query": query, "start": STALE_START, "end": STALE_START + 600, "step": "7s"}
    yield "query", {"query": "up", "time": "2023-11-14T22:50:00Z"}
    yield "query", {"query": "up", "time": "2023-11-14T23:50:00.123456+01:00"}
    yield "query", {"query": "up", "time": AT, "timeout": "1m"}
    yield "query", {"query": "time()", "time": -1.5}
    yield "query_range", {"query": "time()", "start": 0.25, "end": 2, "step": 0.25}
    yield "query_range", {"query": "1", "start": 0, "end": 11_000, "step": 1}


def wrong_queries():
    for query in ("", "sum(", "up{", "up{a=~'('}", "rate(up)", "{}", "{a=~'.*'}", "foo(up)", "up[5m] + 1", "1 and 2"):
        yield "query", {"query": query, "time": AT}
        yield "query_range", {"query": query, **RANGE}
        yield "format_query", {"query": query}
    yield "query", {"query": "up * on () up", "time": AT}
    yield "query", {"query": "label_replace(up, 'a', 'b', 'c', '(')", "time": AT}
    yield "query", {}
    for name, values in {"time": ["x", "1e400", "2023-13-01T00:00:00Z", "2023-11-14"], "timeout": ["x", "1e300", "0"]}.items():
        for value in values:
            yield "query", {"query": "up", "time": AT, name: value}
    for name, values in {"start": ["", "x"], "end": ["", "x", START], "step": ["", "x", "0", "-1", "1e300", "0.05"]}.items():
        for value in values:
            yield "query_range", {"query": "up", **RANGE, name: value}
    yield "query_range", {"query": "up[5m]", **RANGE}
    yield "query_range", {"query": "'text'", **RANGE}
    yield "query_range", {"query": "1", "start": 0, "end": 11_001, "step": 1}


def lists():
    matches = [["up"], ["{job='api'}"], ["up", "constant"], ["{__name__=~'.*_bucket',job='db'}"], ["none"],
               ["labels_test"], ["{text=~'.+'}"], ["stale_gauge{n!='2'}"], ["up", "up"]]
    for times in ({}, WHOLE, BLOCK, LATE, BEFORE):
        for match in matches:
            yield "series", {"match[]": match, **times}
            for path in ("labels", "label/job/values", "label/__name__/values", "label/instance/values"):
                if times != BLOCK:
                    yield path, {"match[]": match, **times}
        for path in ("labels", "label/job/values", "label/text/values", "label/none/values"):
            if times != BLOCK:
                yield path, times
    for wrong in ({"match[]": ["{"]}, {"match[]": ["{}"]}, {"match[]": ["{a=~'.*'}"]}, {"match[]": ["up[5m]"]}, {"start": "x"},
                  {"end": "x"}):
        for path in ("series", "labels", "label/job/values"):
            yield path, {"match[]": ["up"], **wrong}
    yield "series", {}
    yield "label/0/values", {}
    yield "label/a-b/values", {}


def others():
    for query in ("sum(up)by(job)", "1+1", "rate(up[5m])/rate(up[1h])", "a" * 60 + " + " + "b" * 60, "up{a='\"'}"):
        yield "format_query", {"query": query}
    yield "query_exemplars", {"query": "up", "start": START, "end": AT}
    yield "query_exemplars", {"query": "up(", "start": START, "end": AT}
    yield "query_exemplars", {"query": "up", "start": AT, "end": START}
    yield "metadata", {}
    yield "metadata", {"limit": "x"}
    yield "metadata", {"metric": "up", "limit": 0}


GET_ONLY = ("label/", "metadata", "status/")


def unsnapped(data):
    """The bytes behind snappy's block format."""
    def number(at):
        value = shift = 0
        while True:
            byte = data[at]
            value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
            if byte < 0x80:
                return value, at
    length, at = number(0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            size = tag >> 2
            if size >= 60:
                more = size - 59
                size, at = int.from_bytes(data[at:at + more], "little"), at + more
            out += data[at:at + size + 1]
            at += size + 1
            continue
        if tag & 3 == 1:
            size, offset, at = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at], at + 1
        else:
            width = 2 if tag & 3 == 2 else 4
            size, offset, at = (tag >> 2) + 1, int.from_bytes(data[at:at + width], "little"), at + width
        for _ in range(size):
            out.append(out[-offset])
    assert len(out) == length
    return bytes(out)


def snapped(body):
    out = varint(len(body))
    for at in range(0, len(body), 60):
        piece = body[at:at + 60]
        out += bytes([len(piece) - 1 << 2]) + piece
    return out


def read_request(start, end, *matchers, form=b""):
    """A remote read of one query; a matcher is (kind, name, value), a form a field of response types."""
    query = b"\x08" + varint(start * 1000) + b"\x10" + varint(end * 1000)
    for kind, name, value in matchers:
        query += field(3, b"\x08" + varint(kind) + field(2, name.encode()) + field(3, value.encode()))
    return snapped(field(1, query) + form)


CHUNKS = b"\x10\x01"


def number_at(data, at):
    value = shift = 0
    while True:
        value, shift, at = value | (data[at] & 0x7F) << shift, shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def fields(message):
    """[(number, value)] of varints and bytes, which is all that answers of chunks have."""
    out, at = [], 0
    while at < len(message):
        tag, at = number_at(message, at)
        value, at = number_at(message, at)
        if tag & 7 == 2:
            value, at = message[at:at + value], at + value
        out.append((tag >> 3, value))
    return out


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Bits:
    def __init__(self, data):
        self.text, self.at = "".join(f"{byte:08b}" for byte in data), 0

    def take(self, count):
        self.at += count
        return int(self.text[self.at - count:self.at], 2)

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(8)
            value, shift = value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value


def xor_samples(chunk):
    """[(ms, bits)] of a chunk."""
    bits, out, delta, leading, wide = Bits(chunk), [], 0, 0, 0
    for index in range(bits.take(16)):
        if index == 0:
            zigzag = bits.varint()
            time, value = (zigzag >> 1) ^ -(zigzag & 1), bits.take(64)
        else:
            if index == 1:
                delta = bits.varint()
            else:
                ones = 0
                while ones < 4 and bits.take(1):
                    ones += 1
                width = (0, 14, 17, 20, 64)[ones]
                change = bits.take(width) if width else 0
                delta += change - (1 << width if change > 1 << (width - 1) else 0) if width else 0
            time += delta
            if bits.take(1):
                if bits.take(1):
                    leading, wide = bits.take(5), bits.take(6) or 64
                value ^= bits.take(wide) << (64 - leading - wide)
        out.append((time, value))
    return out


def streamed(body, start, end):
    """{labels: [(ms, bits)]} within the times; a chunk may hold more."""
    out, at = {}, 0
    while at < len(body):
        length, at = number_at(body, at)
        checksum, message, at = int.from_bytes(body[at:at + 4], "big"), body[at + 4:at + 4 + length], at + 4 + length
        assert crc32c(message) == checksum
        for _, series in (f for f in fields(message) if f[0] == 1):
            labels = tuple(tuple(text.decode() for _, text in fields(value)) for number, value in fields(series) if number == 1)
            for _, chunk in (f for f in fields(series) if f[0] == 2):
                kept = out.setdefault(labels, [])
                kept += [s for s in xor_samples(dict(fields(chunk))[4]) if start * 1000 <= s[0] <= end * 1000]
    return out


def comparable(error):
    """The text of an error as far as both should say the same."""
    if error["errorType"] == "timeout":
        return ""
    if "non-empty matcher" in error["error"]:
        return "non-empty matcher"
    return error["error"].split("parse error: ")[0]


class Server:
    """Ours, over a file of series."""

    def __init__(self, series):
        self.process = subprocess.Popen([SERVER, series], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL)
        self.port = next(int(line.split()[1]) for line in self.process.stdout if line.startswith("port "))

    def stop(self):
        self.process.communicate()


class Api(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="rhizome-metrics-api-")
        cls.addClassCleanup(folder.cleanup)
        folder = pathlib.Path(folder.name)
        cls.reference = Reference(folder)
        cls.addClassCleanup(cls.reference.stop)
        cls.reference.save(folder / "series")
        cls.server = Server(folder / "series")
        cls.addClassCleanup(cls.server.stop)
        cls.ports = {"theirs": cls.reference.prometheus.port, "ours": cls.server.port}
        cls.connections = {who: http.client.HTTPConnection("127.0.0.1", port, timeout=120) for who, port in cls.ports.items()}
        for connection in cls.connections.values():
            cls.addClassCleanup(connection.close)

    def send(self, who, method, path, body=None, headers=None):
        connection = self.connections[who]
        connection.request(method, "/api/v1/" + path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read()

    def ask(self, who, method, path, parameters):
        form = urllib.parse.urlencode(parameters, doseq=True)
        if method == "GET":
            status, media_type, body = self.send(who, method, path + "?" + form)
        else:
            status, media_type, body = self.send(who, method, path, form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = json.loads(body, parse_float=str, parse_int=str)
        if answer["status"] == "error":
            answer["error"] = comparable(answer)
        return status, media_type, answer

    def compare(self, requests):
        wrong, count = [], 0
        for path, parameters in requests:
            for method in ("GET",) if path.startswith(GET_ONLY) else ("GET", "POST"):
                theirs, ours = (self.ask(who, method, path, parameters) for who in ("theirs", "ours"))
                count += 1
                if theirs != ours:
                    wrong.append(f"{method} {path} {parameters}\n    {str(theirs)[:500]}\n    {str(ours)[:500]}")
        print(f"{count} answers compared")
        self.assertFalse(wrong, f"{len(wrong)} of {count} differ:\n" + "\n".join(wrong[:int(os.environ.get("RHIZOME_SHOW", 20))]))

    def test_queries(self):
        self.compare(queries())

    def test_wrong_queries(self):
        self.compare(wrong_queries())

    def test_lists(self):
        self.compare(lists())

    def test_other_routes(self):
        self.compare(others())

    def test_status_has_the_same_fields(self):
        for path in ("buildinfo", "flags", "config", "tsdb"):
            theirs, ours = (self.ask(who, "GET", "status/" + path, {})[2]["data"] for who in ("theirs", "ours"))
            if path != "flags":
                self.assertLessEqual(theirs.keys(), ours.keys(), path)
        theirs, ours = (self.ask(who, "GET", "status/runtimeinfo", {})[2]["data"] for who in ("theirs", "ours"))
        self.assertLessEqual(ours.keys(), theirs.keys())

    def test_remote_read(self):
        for request in (read_request(START, START + 600, (0, "__name__", "up")),
                        read_request(START, AT, (2, "__name__", "http_.*"), (1, "code", "404")),
                        read_request(STALE_START, STALE_START + 900, (3, "n", "0|3"), (0, "__name__", "stale_gauge")),
                        read_request(START, AT, (0, "__name__", "special"), (1, "kind", "zeros")),
                        read_request(START, AT, (0, "__name__", "none"))):
            answers = [self.send(who, "POST", "read", request, {
                "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                "X-Prometheus-Remote-Read-Version": "0.1.0"}) for who in ("theirs", "ours")]
            self.assertEqual(answers[0][:2], answers[1][:2])
            self.assertEqual(unsnapped(answers[0][2]), unsnapped(answers[1][2]))

    def test_streamed_remote_read(self):
        for start, end, matcher in ((START, AT, (0, "__name__", "up")), (START, AT, (2, "__name__", "special|huge|sparse")),
                                    (STALE_START, STALE_START + STALE_SECONDS, (2, "__name__", "stale_.*")),
                                    (START, AT, (0, "__name__", "none"))):
            answers = [self.send(who, "POST", "read", read_request(start, end, matcher, form=CHUNKS), {
                "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                "X-Prometheus-Remote-Read-Version": "0.1.0"}) for who in ("theirs", "ours")]
            self.assertEqual(answers[0][0], 200)
            self.assertEqual(answers[1][0], 200)
            if answers[0][2]:
                self.assertEqual(answers[0][1], answers[1][1])
            theirs, ours = (streamed(answer[2], start, end) for answer in answers)
            self.assertEqual(list(theirs), list(ours))
            self.assertEqual(theirs, ours)

    def promtool(self, who, *arguments):
        verb, *rest = arguments
        done = subprocess.run([FOLDER / "promtool", "query", verb, *self.flags(rest), f"http://127.0.0.1:{self.ports[who]}",
                               *[r for r in rest if not r.startswith("--")]], capture_output=True, text=True,
                              env={**os.environ, "GOMAXPROCS": "1"}, timeout=120)
        return done.returncode, done.stdout

    @staticmethod
    def flags(words):
        return [word for word in words if word.startswith("--")]

    def test_promtool(self):
        for arguments in (("instant", f"--time={AT}", "up"), ("instant", f"--time={AT}", "up[1m]"), ("instant", "--time=7.5", "1+1"),
                          ("instant", "up("), ("range", f"--start={START}", f"--end={AT}", "--step=5m", "special"),
                          ("series", "--match=up", f"--start={START}", f"--end={AT}"), ("series", "--match=none"),
                          ("labels", "job", f"--start={START}", f"--end={AT}")):
            theirs, ours = (self.promtool(who, *arguments) for who in ("theirs", "ours"))
            self.assertEqual(theirs, ours, arguments)
            self.assertEqual(theirs[0] == 0, "up(" not in arguments)


if __name__ == "__main__":
    problem = fetch()
    if problem is not None:
        print("skipped: no prometheus to compare with: " + problem)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
