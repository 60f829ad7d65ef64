#!/usr/bin/env python3
"""Thousands of event streams: bench/streams.py [build/neap] [--clients 5000] [--stuck 100] [--workers 2]

Workbench as a service on a private Postgres, and a client for each stream. It shows, and fails when it is not so:

    an insert by psql reaches every client; how soon, p50 and p99 (--p99-ms)
    one LISTEN per worker, however many listen
    a worker is killed while events are written: each client comes back with its last id and has every id once, in order
    clients that never read are cut off, the others are not slowed, and memory stays bounded
"""
import argparse
import collections
import glob
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ID = re.compile(rb"\nid: ([0-9]+-[0-9]+)\nevent: task\.bench\n.*?\"entity_id\":\"([0-9]+)\"")
ANY_ID = re.compile(rb"\nid: ([0-9-]+)\n")
MISSING_S = 30


def say(text):
    print(text, flush=True)


def fail(text):
    say("FAILED: " + text)
    sys.exit(1)


def machine():
    """Ticks since the start: busy, stolen by the host of a virtual machine, all."""
    with open("/proc/stat") as f:
        ticks = [int(n) for n in f.readline().split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], ticks[7], sum(ticks)


def own_ticks(service):
    user, system = service.cpu_s()
    return (user + system + time.process_time()) * os.sysconf("SC_CLK_TCK")


class Service:
    """The application in a folder of its own, its Postgres and its workers."""

    def __init__(self, neap, workers):
        self.neap = neap
        self.folder = tempfile.mkdtemp(prefix="neap-streams-")
        os.chmod(self.folder, 0o711)
        for name in ("lua", "config.lua", "migrations"):
            os.symlink(os.path.join(ROOT, name), os.path.join(self.folder, name))
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.env = dict(os.environ, WORKERS=str(workers), HOST="127.0.0.1", PORT=str(self.port), ACCESS_LOG="off",
                        RATE_LIMIT_DEFAULT="off", SSE_STREAMS_MAX="1000000", SECRET_KEY="0123456789abcdef" * 4)
        self.env.pop("DATABASE_URL", None)
        up = self.run("db", "up")
        self.env["DATABASE_URL"] = re.search(r"postgres(?:ql)?://\S+", up).group(0)
        self.run("migrate", "up")
        self.log_path = os.path.join(self.folder, "log")
        self.process = None

    def run(self, *command):
        done = subprocess.run([self.neap, *command], cwd=self.folder, env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            fail("neap %s: %s" % (" ".join(command), done.stdout + done.stderr))
        return done.stdout + done.stderr

    def start(self):
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen([self.neap, "serve"], cwd=self.folder, env=self.env, stdout=log, stderr=log)
        for _ in range(300):
            if '"message":"ready"' in self.log():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        fail("the service does not start:\n" + self.log())

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def worker_pids(self):
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as f:
            return [int(pid) for pid in f.read().split()]

    def resident_kb(self):
        total = 0
        for pid in self.worker_pids():
            with open("/proc/%d/status" % pid) as f:
                total += int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1))
        return total

    def cpu_s(self):
        """Of the workers: user, system."""
        user = system = 0
        for pid in self.worker_pids():
            with open("/proc/%d/stat" % pid) as f:
                fields = f.read().rsplit(")", 1)[1].split()
            user, system = user + int(fields[11]), system + int(fields[12])
        tick = os.sysconf("SC_CLK_TCK")
        return user / tick, system / tick

    def post(self, path, body):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, path), json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def token(self, name):
        who = {"email": name + "@example.com", "password": "a long enough password"}
        self.post("/api/v1/auth/register", who)
        session = self.post("/api/v1/auth/login", dict(who, transport="body"))
        return session["access_token"], session["user"]["id"]

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                if self.process.wait(40) != 0:
                    say(self.log()[-2000:])
            except subprocess.TimeoutExpired:
                self.process.kill()
        subprocess.run([self.neap, "db", "down"], cwd=self.folder, env={k: v for k, v in self.env.items()
                       if k != "DATABASE_URL"}, capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


class Psql:
    """One psql for all inserts, so that its start is not measured."""

    def __init__(self, url):
        folders = glob.glob("/usr/lib/postgresql/*/bin")
        path = os.environ["PATH"] + ":" + ":".join(folders)
        self.process = subprocess.Popen([shutil.which("psql", path=path), "-XAtq", "-v", "ON_ERROR_STOP=1", url],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def send(self, sql):
        self.process.stdin.write(sql + ";\n")
        self.process.stdin.flush()

    def ask(self, sql):
        self.send(sql)
        return self.process.stdout.readline().strip()

    def event(self, number, user=None, size=0):
        """A numbered event; returns when it was asked for."""
        at = time.perf_counter()
        self.send("insert into events (user_id, topic, type, entity_id, data) values (%s, 'tasks', 'task.bench', '%d', "
                  "jsonb_build_object('id', '%d', 'pad', repeat('x', %d)))"
                  % ("'%s'" % user if user else "null", number, number, size))
        return at


class Client:
    __slots__ = ("sock", "data", "stamps", "last_id", "again_at", "ids", "joined")

    def __init__(self):
        self.sock = None
        self.data = b""
        self.stamps = []  # (length of data behind it, when)
        self.last_id = None
        self.again_at = None
        self.ids = []  # of connections that are over
        self.joined = False

    def events(self):
        return [(m.group(1), int(m.group(2)), m.end()) for m in ID.finditer(self.data)]


class Crowd:
    def __init__(self, port, token, count):
        self.port, self.token = port, token
        self.clients = [Client() for _ in range(count)]
        self.by_fd = {}
        self.poll = select.epoll()
        self.lost = 0
        self.away = set()

    def connect(self, client):
        sock = socket.create_connection(("127.0.0.1", self.port))
        last = "Last-Event-ID: %s\r\n" % client.last_id if client.last_id else ""
        sock.sendall(("GET /api/v1/sse?topics=tasks HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n"
                      % (self.token, last)).encode())
        sock.setblocking(False)
        client.sock, client.joined = sock, False
        self.by_fd[sock.fileno()] = client
        self.poll.register(sock, select.EPOLLIN)

    def drop(self, client):
        """The connection ended: what it brought is kept, and the client comes back as EventSource does."""
        self.poll.unregister(client.sock)
        del self.by_fd[client.sock.fileno()]
        client.sock.close()
        ids = ANY_ID.findall(client.data)
        if ids:
            client.last_id = ids[-1].decode()
        client.ids += [number for _, number, _ in client.events()]
        client.data, client.stamps, client.sock = b"", [], None
        client.again_at = time.perf_counter() + random.uniform(0.9, 1.1)
        self.lost += 1
        self.away.add(client)

    def turn(self, timeout=0.05):
        # A client on another machine would not take the workers' cores away at each of their writes.
        if self.poll.poll(timeout, 1):
            time.sleep(0.005)
        for fd, _ in self.poll.poll(0, 8192):
            client = self.by_fd[fd]
            try:
                piece = client.sock.recv(262144)
            except ConnectionError:
                piece = b""
            if not piece:
                self.drop(client)
                continue
            client.data += piece
            client.stamps.append((len(client.data), time.perf_counter()))
            if not client.joined and b"\nid: " in client.data:
                client.joined = True
        now = time.perf_counter()
        for client in [c for c in self.away if c.again_at <= now]:
            try:
                self.connect(client)
                self.away.remove(client)
            except ConnectionError:
                client.again_at = now + 0.2

    def run(self, seconds):
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.turn(max(0, min(0.05, until - time.perf_counter())))

    def open_all(self):
        for i, client in enumerate(self.clients):
            self.connect(client)
            if i % 100 == 99:
                self.turn(0.001)
        self.until(lambda: all(c.joined for c in self.clients), self.who_is_out)

    def who_is_out(self):
        out = [c for c in self.clients if not c.joined]
        return "%d clients were not let in; one of them got %r" % (len(out), out[0].data[:600] if out else b"")

    def until(self, condition, problem):
        deadline = time.perf_counter() + MISSING_S
        while not condition():
            self.run(0.2)
            if time.perf_counter() > deadline:
                fail(problem() if callable(problem) else problem)

    def forget(self):
        for client in self.clients:
            if client.sock is not None:
                ids = ANY_ID.findall(client.data)
                if ids:
                    client.last_id = ids[-1].decode()
            client.data, client.stamps, client.ids = b"", [], []

    def latencies(self, asked):
        """Milliseconds from each insert to each client; fails when one is missing or twice."""
        found = []
        for client in self.clients:
            stamps = iter(client.stamps)
            length, at = next(stamps)
            seen = collections.Counter()
            for _, number, end in client.events():
                while length < end:
                    length, at = next(stamps)
                seen[number] += 1
                if number in asked:
                    found.append((at - asked[number]) * 1000)
            if any(seen[number] != 1 for number in asked):
                fail("a client has not each event once")
        return sorted(found)


def percentiles(values):
    return "p50 %.0f ms, p99 %.0f ms, max %.0f ms" % (values[len(values) // 2], values[int(len(values) * 0.99)], values[-1])


def measure(crowd, psql, numbers, between):
    """Events one after the other while the crowd reads; returns their latencies."""
    crowd.forget()
    asked = {}
    for number in numbers:
        asked[number] = psql.event(number)
        crowd.run(between)
    want = len(asked)
    crowd.until(lambda: all(c.data.count(b"event: task.bench") >= want for c in crowd.clients), "events are missing")
    return crowd.latencies(asked)


def show_reach(service, crowd, psql, limit):
    before, busy, own = service.cpu_s(), machine(), own_ticks(service)
    values = measure(crowd, psql, range(1000, 1020), 0.4)
    user, system = (now - then for now, then in zip(service.cpu_s(), before))
    busy, stolen, ticks = (now - then for now, then in zip(machine(), busy))
    others = busy - (own_ticks(service) - own)
    say("meanwhile %.0f%% of the machine's CPU went to others (stolen: %.0f%%), %.0f%% was idle"
        % (others / ticks * 100, stolen / ticks * 100, (1 - busy / ticks) * 100))
    say("CPU of the workers for one event to one client: %.1f us user, %.1f us system"
        % (user / len(values) * 1e6, system / len(values) * 1e6))
    say("20 inserts by psql to %d clients: %s" % (len(crowd.clients), percentiles(values)))
    if values[int(len(values) * 0.99)] > limit:
        fail("p99 is over %d ms" % limit)


def show_listens(service, psql, workers):
    n = psql.ask("select count(*) from pg_stat_activity where query ilike 'listen%'")
    say("connections that LISTEN: %s, of %d workers" % (n, len(service.worker_pids())))
    if int(n) != workers:
        fail("not one LISTEN per worker")


def show_kill(service, crowd, psql):
    crowd.forget()
    numbers = range(2000, 2100)
    for number in numbers:
        psql.event(number)
        crowd.run(0.05)
        if number == 2020:
            os.kill(service.worker_pids()[0], signal.SIGKILL)
    crowd.until(lambda: all(c.sock is not None and c.joined for c in crowd.clients), "some did not come back")
    last = str(numbers[-1]).encode()
    crowd.until(lambda: all(b'"entity_id":"' + last + b'"' in c.data or last in [b"%d" % n for n in c.ids]
                            for c in crowd.clients), "the last event did not reach all")
    wrong = 0
    for client in crowd.clients:
        got = client.ids + [number for _, number, _ in client.events()]
        wrong += got != list(numbers)
    say("a worker killed during 100 events: %d connections lost, %d of %d clients have every id once and in order"
        % (crowd.lost, len(crowd.clients) - wrong, len(crowd.clients)))
    if wrong or not crowd.lost:
        fail("events were lost, doubled or out of order")


def show_stuck(service, crowd, psql, count, limit):
    token, user = service.token("stuck")
    stuck = []
    for _ in range(count):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", service.port))
        sock.sendall(("GET /api/v1/sse HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n" % token).encode())
        stuck.append(sock)
    crowd.run(1)
    before = service.resident_kb()
    most = before
    crowd.forget()
    asked = {}
    for i in range(60):
        psql.event(5000 + i, user, 100000)
        if i % 5 == 0:
            asked[3000 + i] = psql.event(3000 + i)
        crowd.run(0.15)
        most = max(most, service.resident_kb())
    want = len(asked)
    crowd.until(lambda: all(c.data.count(b"event: task.bench") >= want for c in crowd.clients), "events are missing")
    values = crowd.latencies(asked)
    cut = service.log().count('"message":"sse.slow_reader"')
    say("%d clients that never read, 6 MB for each: %d were cut off; the others: %s; workers at most %d kB more"
        % (count, cut, percentiles(values), most - before))
    for sock in stuck:
        sock.close()
    if cut != count:
        fail("not all of them were cut off")
    # The queue of each, 256 KiB, twice while it is sent, and as much for the rest.
    if most - before > count * 3 * 256 + 65536:
        fail("memory is not bounded")
    if values[int(len(values) * 0.99)] > limit:
        fail("p99 is over %d ms" % limit)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("neap", nargs="?", default=os.path.join(ROOT, "build", "neap"))
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--stuck", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--p99-ms", type=int, default=250)
    opts = parser.parse_args()
    service = Service(os.path.realpath(opts.neap), opts.workers)
    try:
        service.start()
        token, _ = service.token("crowd")
        psql = Psql(service.env["DATABASE_URL"])
        crowd = Crowd(service.port, token, opts.clients)
        before, began = service.resident_kb(), time.perf_counter()
        crowd.open_all()
        took = time.perf_counter() - began
        say("%d streams on %d workers in %.1f s: %.1f kB of resident memory each" % (
            opts.clients, opts.workers, took, (service.resident_kb() - before) / opts.clients))
        show_reach(service, crowd, psql, opts.p99_ms)
        show_listens(service, psql, opts.workers)
        show_kill(service, crowd, psql)
        show_stuck(service, crowd, psql, opts.stuck, opts.p99_ms)
    finally:
        service.stop()


main()
