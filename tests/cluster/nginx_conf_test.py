#!/usr/bin/env python3
"""deploy/nginx.conf with the real nginx: it is valid, spreads requests over the gateways, says which one answered, and
goes to another when one is away. Skipped (77) where nginx is not installed.

Usage: nginx_conf_test.py
"""
import http.server
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

CONF = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy/nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


class Gateway(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.server.gone:  # a process that is killed takes its connections with it
            self.close_connection = True
            return
        body = str(self.server.server_port).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class NginxConf(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="rhizome-nginx-")))
        self.gateways = []
        for _ in range(3):
            gateway = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
            gateway.gone = False
            threading.Thread(target=gateway.serve_forever, daemon=True).start()
            self.gateways.append(gateway)
        self.port = free_port()
        text = CONF.read_text()
        for gateway, place in zip(self.gateways, ("8000", "8001", "8002")):
            text = text.replace(f"server 127.0.0.1:{place} ", f"server 127.0.0.1:{gateway.server_port} ")
        text = text.replace("listen 127.0.0.1:8080;", f"listen 127.0.0.1:{self.port};")
        text = text.replace("/var/log/nginx/rhizome.log", str(self.folder / "access.log"))
        temporary = "".join(f"{name}_temp_path {self.folder}/{name};\n  "
                            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = text.replace("http {\n", "http {\n  " + temporary, 1)
        self.conf = self.folder / "nginx.conf"
        self.conf.write_text(text)

    def tearDown(self):
        for gateway in self.gateways:
            gateway.shutdown()
            gateway.server_close()

    def nginx(self, *more):
        return [NGINX, "-p", str(self.folder), "-c", str(self.conf), "-e", str(self.folder / "error.log"),
                "-g", f"pid {self.folder}/pid; daemon off;", *more]

    def ask(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as reply:
            return reply.read().decode(), reply.headers["X-Upstream-Server"]

    def test_is_valid(self):
        done = subprocess.run(self.nginx("-t"), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_spreads_requests_and_passes_over_a_gateway_that_is_away(self):
        self.assertTrue(re.search(r"^\s*least_conn;", CONF.read_text(), re.M))
        process = subprocess.Popen(self.nginx(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.ask()
                break
            except OSError:
                self.assertLess(time.monotonic(), deadline, "nginx did not start")
                time.sleep(0.05)
        answers = [self.ask() for _ in range(30)]
        self.assertEqual({port for port, _ in answers}, {str(gateway.server_port) for gateway in self.gateways})
        for port, upstream in answers:
            self.assertEqual(upstream, f"127.0.0.1:{port}")
        gone = self.gateways[0]
        gone.gone = True
        gone.shutdown()
        gone.server_close()
        self.assertNotIn(str(gone.server_port), {self.ask()[0] for _ in range(30)})


if __name__ == "__main__":
    if NGINX is None:
        print("skipped: nginx is not installed")
        sys.exit(77)
    unittest.main()
