#!/usr/bin/env python3
"""How long each route of Workbench takes while requests come at a rate of their own, with 100,000 tasks in the table.

    python3 bench/crud.py [build/neap] [--rate 200] [--seconds 5] [--tasks 100000] [--own 1000] [--only TEXT]

Requests are sent when they are due, whether the answer to the one before has come or not, and the time counts from then:
a server that stalls is charged for all who wait. The routes are measured one after the other. The last column is the CPU
time of server and Postgres for one request, which a machine that does other things does not spoil as much: at 200 requests
a second, 5 ms are one core. Fails when a 99th percentile is above --limit, or an answer is not the one that was expected.
"""
import argparse
import asyncio
import base64
import glob
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECRET = "0123456789abcdef0123456789abcdef"
V1 = "/api/v1"


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


def token(user, role):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    now = int(time.time())
    claims = {"sub": user, "role": role, "iss": "neap", "aud": "neap", "iat": now, "exp": now + 86400}
    text = b".".join(part(json.dumps(v).encode()) for v in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (text + b"." + part(hmac.new(SECRET.encode(), text, hashlib.sha256).digest())).decode()


def routes(db, user, service, admin, n):
    """Name, method, path and body of the i-th request, expected status, whose token. What is used up is made before."""
    tokens = {"user": [token(user, "user")], "service": [token(service, "service")], "admin": [token(admin, "admin")]}
    # One user's labs are counted one after the other.
    tokens["anybody"] = [token(id, "user") for id in db.sql("select id from users where role = 'user'")]

    def rows(table, columns, values, count=n):
        return db.sql(f"insert into {table} ({columns}) select {values} from generate_series(1, {count}) i returning id")

    def tasks(status="pending", count=n):
        stamp = "now()" if status == "completed" else "null"
        return rows("tasks", "user_id, title, status, completed_at", f"'{user}', 'a task', '{status}', {stamp}", count)

    def agents(count=n):
        return rows("agents", "owner_id, name, role", f"'{user}', 'an agent', 'builder'", count)

    def at_work():
        """Agents that work on a task of their own."""
        return db.sql(f"""with t as (insert into tasks (user_id, title, status) select '{user}', 'at work', 'in_progress'
              from generate_series(1, {n}) returning id)
            insert into agents (owner_id, name, role, status, current_task_id)
            select '{user}', 'busy', 'builder', 'working', id from t returning id""")

    def sandboxes(status="running"):
        return db.sql(f"""with t as (insert into tasks (user_id, title) select '{user}', 'boxed' from generate_series(1, {n})
              returning id), a as (insert into agents (owner_id, name, role) select '{user}', 'boxed', 'builder' from t
              returning id)
            insert into sandboxes (id, agent_id, task_id, status) select 'sbx_' || gen_random_uuid(), a.id, t.id, '{status}'
            from (select id, row_number() over () n from a) a join (select id, row_number() over () n from t) t using (n)
            returning id""")

    def labs(status="requested"):
        return rows("labs", "owner_id, recipe_id, status", f"'{user}', '{recipe}', '{status}'")

    def route(name, path, body=None, expect=200, by="user", ids=None):
        method = name.split()[0]
        if ids:
            return name, method, lambda i: path(ids[i % len(ids)]), body, expect, tokens[by]
        return name, method, path, body, expect, tokens[by]

    one = db.sql(f"select id from tasks where user_id = '{user}' limit 200")
    agent = db.sql(f"select id from agents where owner_id = '{user}' limit 50")
    recipe = db.sql("select id from recipes limit 1")[0]
    talks = db.sql(f"select id from conversations where user_id = '{user}'")
    message = db.sql(f"select id from messages where conversation_id = '{talks[0]}'"
                     " order by created_at, id offset 50 limit 1")[0]
    box = sandboxes()
    fixed = lambda path: lambda i: V1 + path  # noqa: E731
    yield route("GET /tasks", fixed("/tasks"))
    yield route("GET /tasks?page=20", fixed("/tasks?page=20"))
    yield route("GET /tasks?status&sort=priority", fixed("/tasks?status=pending&sort=-priority"))
    yield route("GET /tasks?completed&priority", fixed("/tasks?completed=true&priority=high&sort=updated_at"))
    yield route("GET /tasks?q", fixed("/tasks?q=chapter%2099&sort=title"))
    yield route("POST /tasks", fixed("/tasks"), lambda i: {"title": f"new {i}", "priority": "high"}, 201)
    yield route("GET /tasks/{id}", lambda id: f"{V1}/tasks/{id}", ids=one)
    yield route("PATCH /tasks/{id}", lambda id: f"{V1}/tasks/{id}", lambda i: {"title": f"changed {i}"}, ids=one)
    yield route("PATCH /tasks/{id} completed", lambda id: f"{V1}/tasks/{id}", lambda i: {"completed": True}, ids=tasks())
    yield route("DELETE /tasks/{id}", lambda id: f"{V1}/tasks/{id}", None, 204, ids=tasks())
    yield route("POST /tasks/{id}/assign", lambda id: f"{V1}/tasks/{id}/assign", lambda i: {"agent_id": agent[i % 50]},
                ids=tasks())
    yield route("POST /tasks/{id}/complete", lambda id: f"{V1}/tasks/{id}/complete", ids=tasks("in_progress"))
    yield route("POST /tasks/{id}/cancel", lambda id: f"{V1}/tasks/{id}/cancel", ids=tasks())
    yield route("POST /tasks/{id}/reopen", lambda id: f"{V1}/tasks/{id}/reopen", ids=tasks("completed"))
    yield route("GET /agents", fixed("/agents?status=idle"))
    yield route("POST /agents", fixed("/agents"), lambda i: {"name": f"new {i}", "role": "builder"}, 201)
    yield route("GET /agents/{id}", lambda id: f"{V1}/agents/{id}", ids=agent)
    yield route("GET /agents/{id}/tasks", lambda id: f"{V1}/agents/{id}/tasks", ids=agent)
    yield route("PATCH /agents/{id}", lambda id: f"{V1}/agents/{id}", lambda i: {"role": f"role {i}"}, ids=agent)
    yield route("DELETE /agents/{id}", lambda id: f"{V1}/agents/{id}", None, 204, ids=agents())
    starting = tasks()
    yield route("POST /agents/{id}/start-task", lambda id: f"{V1}/agents/{id}/start-task",
                lambda i: {"task_id": starting[i]}, 202, ids=agents())
    busy = at_work()
    yield route("POST /agents/{id}/pause", lambda id: f"{V1}/agents/{id}/pause", None, 202, ids=busy)
    yield route("POST /agents/{id}/resume", lambda id: f"{V1}/agents/{id}/resume", None, 202, ids=busy)
    yield route("POST /agents/{id}/stop", lambda id: f"{V1}/agents/{id}/stop", None, 202, ids=busy)
    yield route("GET /sandboxes", fixed("/sandboxes?status=running"))
    free, boxed = agents(), tasks()
    yield route("POST /sandboxes", fixed("/sandboxes"), lambda i: {"agent_id": free[i], "task_id": boxed[i]}, 202)
    yield route("GET /sandboxes/{id}", lambda id: f"{V1}/sandboxes/{id}", ids=box)
    yield route("POST /sandboxes/{id}/git-operations", lambda id: f"{V1}/sandboxes/{id}/git-operations",
                lambda i: {"operation_type": "commit"}, 202, ids=box)
    yield route("GET /sandboxes/{id}/git-operations", lambda id: f"{V1}/sandboxes/{id}/git-operations", ids=box)
    yield route("PATCH /sandboxes/{id}", lambda id: f"{V1}/sandboxes/{id}", lambda i: {"status": "running"},
                by="service", ids=sandboxes("creating"))
    yield route("DELETE /sandboxes/{id}", lambda id: f"{V1}/sandboxes/{id}", None, 202, ids=box)
    operations = rows("git_operations", "sandbox_id, operation_type", f"'{box[0]}', 'push'")
    yield route("GET /git-operations/{id}", lambda id: f"{V1}/git-operations/{id}", ids=operations)
    yield route("PATCH /git-operations/{id}", lambda id: f"{V1}/git-operations/{id}", lambda i: {"status": "running"},
                by="service", ids=operations)
    yield route("GET /recipes", fixed("/recipes?software=software%203"))
    yield route("GET /recipes/{id}", lambda id: f"{V1}/recipes/{id}", ids=[recipe])
    yield route("POST /recipes", fixed("/recipes"), lambda i: {"name": f"new {i}", "software": "x"}, 201, "admin")
    yield route("PATCH /recipes/{id}", lambda id: f"{V1}/recipes/{id}", lambda i: {"description": f"{i}"}, by="admin",
                ids=rows("recipes", "name, software", "'patched ' || i, 'x'", 100))
    yield route("DELETE /recipes/{id}", lambda id: f"{V1}/recipes/{id}", None, 204, "admin",
                rows("recipes", "name, software", "'deleted ' || i, 'x'"))
    yield route("POST /labs", fixed("/labs"), lambda i: {"recipe_id": recipe}, 202, "anybody")
    yield route("GET /labs", fixed("/labs?status=requested"))
    waiting = labs()
    yield route("GET /labs/{id}", lambda id: f"{V1}/labs/{id}", ids=waiting)
    yield route("PATCH /labs/{id}", lambda id: f"{V1}/labs/{id}", lambda i: {"status": "provisioning"}, by="service",
                ids=waiting)
    yield route("POST /labs/{id}/end", lambda id: f"{V1}/labs/{id}/end", None, 202, ids=waiting)
    people = db.sql("select id from users where role = 'user'")
    yield route("GET /users", fixed("/users"), by="admin")
    yield route("GET /users/{id}", lambda id: f"{V1}/users/{id}", by="admin", ids=people)
    yield route("PATCH /users/{id}", lambda id: f"{V1}/users/{id}", lambda i: {"is_active": True}, by="admin", ids=people)
    yield route("GET /auth/me", fixed("/auth/me"))
    yield route("GET /auth/sessions", fixed("/auth/sessions"))
    yield route("GET /conversations", fixed("/conversations"))
    yield route("POST /conversations", fixed("/conversations"), lambda i: {"title": f"new {i}"}, 201)
    yield route("GET /conversations/{id}", lambda id: f"{V1}/conversations/{id}", ids=talks)
    yield route("PATCH /conversations/{id}", lambda id: f"{V1}/conversations/{id}", lambda i: {"title": f"t {i}"}, ids=talks)
    yield route("GET /conversations/{id}/messages", lambda id: f"{V1}/conversations/{id}/messages", ids=talks)
    yield route("GET /conversations/{id}/messages?after", fixed(f"/conversations/{talks[0]}/messages?after={message}"))
    yield route("GET /conversations/{id}/messages/count", lambda id: f"{V1}/conversations/{id}/messages/count", ids=talks)
    yield route("POST /conversations/{id}/messages", lambda id: f"{V1}/conversations/{id}/messages",
                lambda i: {"content": "hello"}, 201, ids=talks)
    yield route("DELETE /conversations/{id}", lambda id: f"{V1}/conversations/{id}", None, 204,
                ids=rows("conversations", "user_id", f"'{user}'"))


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


def request_bytes(method, path, body, bearer):
    text = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {bearer}"]
    if body is not None:
        lines.append("Content-Type: application/json")
    if method != "GET":
        lines.append(f"Content-Length: {len(text)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + text


# As many as are busy at a time when all goes well; more are opened when they are needed.
CONNECTIONS = 16


async def measure(port, n, rate, route):
    """Milliseconds from the moment a request was due, and the answers that were not expected."""
    idle = [await Connection().open(port) for _ in range(CONNECTIONS)]
    _, method, path, body, expect, bearers = route
    requests = [request_bytes(method, path(i), body and body(i), bearers[i % len(bearers)]) for i in range(n)]
    times, wrong, running = [], {}, []

    async def send(request, due):
        conn = idle.pop() if idle else await Connection().open(port)
        status, answer = await conn.exchange(request)
        times.append((time.perf_counter() - due) * 1000)
        idle.append(conn)
        if status != expect:
            said = f"{status} {answer[:200].decode(errors='replace')}"
            wrong[said] = wrong.get(said, 0) + 1

    start = time.perf_counter()
    for i, request in enumerate(requests):
        due = start + i / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        running.append(asyncio.create_task(send(request, due)))
    await asyncio.gather(*running)
    for conn in idle:
        conn.writer.close()
    return sorted(times), wrong


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


async def run(db, args):
    user, service, admin = fill(db, args)
    n = int(args.rate * args.seconds)
    wanted = [r for r in routes(db, user, service, admin, n) if args.only in r[0]]
    db.sql("vacuum analyze")
    port = free_port()
    env = {**os.environ, "DATABASE_URL": db.url, "PORT": str(port), "WORKERS": args.workers, "SECRET_KEY": SECRET,
           "RATE_LIMIT_DEFAULT": "off", "LABS_MAX_LIVE": "1000000", "ENVIRONMENT": "production", "LOG_LEVEL": "warn"}
    with open(f"{db.dir}/log", "wb") as log:
        server = subprocess.Popen([db.neap, "serve"], cwd=db.dir, env=env, stdout=log, stderr=log)
    failed = False
    try:
        await serving(port)
        every = db.sql("select count(*) from tasks")[0]
        own = db.sql(f"select count(*) from tasks where user_id = '{user}'")[0]
        print(f"{args.rate} requests a second, {n} of each; {every} tasks, {own} of them the user's; ms;"
              f" the machine's load was {os.getloadavg()[0]:.1f} before")
        print(f"{'route':46} {'p50':>7} {'p99':>7} {'max':>7} {'cpu':>7}")
        roots = {server.pid, db.pid()}
        for route in wanted:
            # The first requests of a route prepare its statements.
            before = cpu_ms(roots)
            times, wrong = await measure(port, n, args.rate, route)
            cpu = (cpu_ms(roots) - before) / n
            at = lambda share: times[min(len(times) - 1, int(len(times) * share))]  # noqa: E731
            slow = "  TOO SLOW" if at(0.99) > args.limit else ""
            print(f"{route[0]:46} {at(0.5):7.1f} {at(0.99):7.1f} {times[-1]:7.1f} {cpu:7.2f}{slow}", flush=True)
            for answer, count in wrong.items():
                print(f"  {count} x not {route[4]}: {answer}")
            failed = failed or wrong or at(0.99) > args.limit
    finally:
        server.terminate()
        server.wait(40)
    return 1 if failed else 0


def main():
    args = arguments()
    db = Database(args.neap)
    try:
        return asyncio.run(run(db, args))
    finally:
        db.close()


if __name__ == "__main__":
    sys.exit(main())
