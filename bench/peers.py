#!/usr/bin/env python3
"""Measures the bench application beside its peers: peers.py DIR, where DIR holds bench.py and what it needs."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import bench  # noqa: E402

ENDPOINTS = ["plaintext", "json", "json+hdrs", "me"]
PEERS = os.environ.get("BENCH_PEERS", "neap uvhttp nginx-lua").split()


def build_floors():
    os.makedirs(bench.WORK + "/bin", exist_ok=True)
    os.makedirs(bench.RUN, exist_ok=True)
    llhttp = "/usr/share/llhttp"
    parser = [f"{llhttp}/{name}" for name in sorted(os.listdir(llhttp)) if name.endswith(".c")]
    for name, more in (("epoll", []), ("uvhttp", ["-I/usr/share/include/llhttp", *parser, "-luv", "-lpthread"])):
        out = f"{bench.WORK}/bin/{name}"
        if not os.path.exists(out):
            subprocess.run(["gcc", "-O2", "-w", "-o", out, f"{bench.HERE}/floor/{name}.c", *more], check=True)


build_floors()
if os.path.exists(bench.RESULTS):
    os.remove(bench.RESULTS)
with bench.Calibrator() as cal:
    for _ in range(bench.REPS):
        for peer in PEERS:
            with bench.Server(peer, 1, "0") as server:
                for endpoint in ENDPOINTS:
                    bench.check(endpoint)
                    bench.one(cal, peer, server, endpoint, 32, 1, "pinned")
bench.report()
