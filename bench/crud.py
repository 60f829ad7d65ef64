#!/usr/bin/env python3
"""How long each route of Workbench takes while requests come at a rate of their own, with 100,000 tasks in the table.

    python3 bench/crud.py [build/neap] [--rate 200] [--seconds 5] [--tasks 100000] [--own 1000] [--only TEXT]

Requests are sent when they are due, whether the answer to the one before has come or not, and the time counts from then:
a server that stalls is charged for all who wait. The routes are measured one after the other. Lists of tasks are asked for
by a user with about a hundredth of the table, and by one ("many") with --own and all that the other routes use up.

The column cpu is the time of server and Postgres for one request, which a machine that does other things does not spoil as
much: at 200 requests a second, 5 ms are one core. The last three are the longest pauses meanwhile that are not the
server's: this client was late to send, the machine stood still, its disk took so long for a page (see pauses.py). A route
that was too slow while the machine stood still is measured once more, and both lines are printed.

Fails when a 99th percentile is above --limit, or an answer is not the one that was expected.
"""
import argparse
import asyncio
import gc
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from crud_routes import FEW, SECRET, routes
from pauses import Pauses

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("neap", nargs="?", default="build/neap")
    parser.add_argument("--rate", type=int, default=200, help="requests a second")
    parser.add_argument("--seconds", type=float, default=5, help="for each route")
    parser.add_argument("--tasks", type=int, default=100000, help="in the table")
    parser.add_argument("--own", type=int, default=1000, help="of them, the user's, besides those that are used up")
    parser.add_argument("--limit", type=float, default=100, help="milliseconds")
    parser.add_argument("--only", default="", help="routes whose name has this in it")
    parser.add_argument("--workers", default="2")
    return parser.parse_args()


class Database:
    """A private Postgres of its own in a scratch application."""

    def __init__(self, neap):
        self.neap = os.path.realpath(neap)
        self.dir = tempfile.mkdtemp(prefix="neap-crud-")
        os.chmod(self.dir, 0o755)
        for name in ("config.lua", "lua", "migrations"):
            os.symlink(f"{HERE}/{name}", f"{self.dir}/{name}")
        told = subprocess.run([self.neap, "db", "up"], cwd=self.dir, check=True, capture_output=True, text=True)
        self.url = re.search(r"postgresql:\S+", told.stdout + told.stderr)[0]
        self.run("migrate", "up")

    def run(self, *words):
        subprocess.run([self.neap, *words], cwd=self.dir, check=True, capture_output=True,
                       env={**os.environ, "DATABASE_URL": self.url})

    def sql(self, text):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url, "-c", text], check=True,
                              capture_output=True, text=True)
        return done.stdout.split()

    def pid(self):
        found = glob.glob(f"{self.dir}/.neap/postgres/**/postmaster.pid", recursive=True)
        with open(found[0], encoding="utf-8") as f:
            return int(f.readline())

    def close(self):
        subprocess.run([self.neap, "db", "down"], cwd=self.dir, capture_output=True, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


def cpu_ms(roots):
    """What the processes and all below them have used; the kernel adds a dead child's to its parent's."""
    parent, used = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        parent[int(pid)] = int(fields[1])
        used[int(pid)] = sum(map(int, fields[11:15]))

    def is_below(pid):
        while pid in parent and pid not in roots:
            pid = parent[pid]
        return pid in roots

    return sum(ticks for pid, ticks in used.items() if is_below(pid)) * 1000 / os.sysconf("SC_CLK_TCK")


def fill(db, args):
    db.sql("insert into users (external_id, role) select 'u' || i, case i when 0 then 'user' when 1 then 'service'"
           " when 2 then 'admin' else 'user' end from generate_series(0, 99) i")
    user, service, admin = (db.sql(f"select id from users where external_id = 'u{i}'")[0] for i in range(3))
    words = "array['write', 'review', 'ship', 'mend', 'plan', 'draw', 'test', 'read']"
    others = "(select array_agg(id) from users where external_id not in ('u0', 'u1', 'u2'))"
    db.sql(f"""insert into tasks (user_id, title, description, status, priority, completed_at, created_at)
        select case when i <= {args.own} then '{user}'::uuid else others.ids[1 + i % array_length(others.ids, 1)] end,
          ({words})[1 + i % 8] || ' chapter ' || i, repeat('Some words about it. ', 10), s.status,
          (array['low', 'medium', 'high', 'urgent'])[1 + i % 4], case s.status when 'completed' then now() end,
          now() - make_interval(secs => i)
        from generate_series(1, {args.tasks}) i, (select {others} as ids) others,
          lateral (select (array['pending', 'completed', 'cancelled', 'failed'])[1 + i % 4] as status) s""")
    db.sql(f"insert into agents (owner_id, name, role) select '{user}', 'agent ' || i, 'builder'"
           " from generate_series(1, 50) i")
    db.sql("insert into recipes (name, software) select 'recipe ' || i, 'software ' || i % 10"
           " from generate_series(1, 100) i")
    db.sql(f"insert into conversations (user_id, title) select '{user}', 'talk ' || i from generate_series(1, 100) i")
    db.sql(f"""insert into messages (user_id, conversation_id, role, content)
        select '{user}', c.id, 'user', repeat('hello ', 20) from conversations c, generate_series(1, 100)""")
    return user, service, admin


class Connection:
    """One keep-alive connection, one request on it at a time."""

    async def open(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def exchange(self, request):
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        body = await self.reader.readexactly(int(length[1])) if length else b""
        return int(head[9:12]), body


# As many as are busy at a time when all goes well; more are opened when they are needed.
CONNECTIONS = 16


class Row:
    """What was measured of a route. `lag`: by how much the client itself was late, when it was the client's turn."""

    def __init__(self, route):
        self.route, self.times, self.wrong, self.lag = route, [], {}, 0.0

    def at(self, share):
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))]

    def note(self, status, answer, ms):
        self.times.append(ms)
        if status != self.route.expect:
            said = f"{status} {answer[:200].decode(errors='replace')}"
            self.wrong[said] = self.wrong.get(said, 0) + 1


async def measure(port, n, rate, route):
    """Milliseconds from the moment a request was due, and the answers that were not expected."""
    idle = [await Connection().open(port) for _ in range(CONNECTIONS)]
    requests, row, running = [route.request(i) for i in range(n)], Row(route), []

    async def send(request, due):
        conn = idle.pop() if idle else await Connection().open(port)
        status, answer = await conn.exchange(request)
        row.note(status, answer, (time.perf_counter() - due) * 1000)
        idle.append(conn)

    # A collection of this client's garbage would look like a pause of the server.
    gc.collect()
    gc.disable()
    start = time.perf_counter()
    for i, request in enumerate(requests):
        due = start + i / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        row.lag = max(row.lag, (time.perf_counter() - due) * 1000)
        running.append(asyncio.create_task(send(request, due)))
    await asyncio.gather(*running)
    gc.enable()
    for conn in idle:
        conn.writer.close()
    row.times.sort()
    return row


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


async def serving(port):
    for _ in range(300):
        try:
            await (await Connection().open(port)).exchange(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise SystemExit("the server does not answer")


# A machine that stood still for so long in a row held up the slowest hundredth of its requests by itself.
STOPPED_MS = 50


async def measure_fairly(port, n, args, route, roots, pauses):
    """Once more when it was too slow and the machine stood still meanwhile. Prints each; the last one counts."""
    for is_last in (False, True):
        pauses.take()
        before = cpu_ms(roots)
        row = await measure(port, n, args.rate, route)
        cpu, seen = (cpu_ms(roots) - before) / n, pauses.take()
        slow = row.at(0.99) > args.limit
        print(f"{route.name:46} {row.at(0.5):7.1f} {row.at(0.99):7.1f} {row.times[-1]:7.1f} {cpu:7.2f} {row.lag:7.1f}"
              f" {seen['longest']:7.1f} {seen['disk']:7.1f}{'  TOO SLOW' if slow else ''}", flush=True)
        for answer, count in row.wrong.items():
            print(f"  {count} x not {route.expect}: {answer}")
        if is_last or row.wrong or not slow or seen["stopped"] < STOPPED_MS:
            return slow or len(row.wrong) > 0
        print(f"  the machine stood still for {seen['stopped']:.0f} ms of it; once more:")
        route.prepare()


def settle(db):
    """What filling the tables left to do would be done in the middle of a measurement."""
    db.sql("vacuum analyze")
    db.sql("checkpoint")


async def measure_all(db, args, server, port):
    user, service, admin = args.people
    n = int(args.rate * args.seconds)
    every_route = list(routes(db, user, service, admin, n))
    # Also of those that are not wanted: their rows are in the way of the others.
    for route in every_route:
        route.prepare()
    settle(db)
    every, many, few = db.sql(f"""select count(*) || ' ' || count(*) filter (where user_id = '{user}') || ' '
        || count(*) filter (where external_id = '{FEW}') from tasks join users on users.id = user_id""")
    print(f"{args.rate} requests a second, {n} of each; {every} tasks, {few} of them the user's, {many} those of 'many'; ms;"
          f" the machine's load was {os.getloadavg()[0]:.1f} before")
    print(f"{'route':46} {'p50':>7} {'p99':>7} {'max':>7} {'cpu':>7} {'client':>7} {'machine':>7} {'disk':>7}")
    roots, pauses, failed = {server.pid, db.pid()}, Pauses(db.dir), False
    try:
        for route in filter(lambda route: args.only in route.name, every_route):
            failed = await measure_fairly(port, n, args, route, roots, pauses) or failed
    finally:
        pauses.close()
    return failed


async def run(db, args):
    args.people = fill(db, args)
    port = free_port()
    env = {**os.environ, "DATABASE_URL": db.url, "PORT": str(port), "WORKERS": args.workers, "SECRET_KEY": SECRET,
           "RATE_LIMIT_DEFAULT": "off", "LABS_MAX_LIVE": "1000000", "ENVIRONMENT": "production", "LOG_LEVEL": "warn"}
    with open(f"{db.dir}/log", "wb") as log:
        server = subprocess.Popen([db.neap, "serve"], cwd=db.dir, env=env, stdout=log, stderr=log)
    try:
        await serving(port)
        return 1 if await measure_all(db, args, server, port) else 0
    finally:
        server.terminate()
        server.wait(40)


def main():
    args = arguments()
    db = Database(args.neap)
    try:
        return asyncio.run(run(db, args))
    finally:
        db.close()


if __name__ == "__main__":
    sys.exit(main())
