"""The routes of Workbench that bench/crud.py measures, with the rows that each of them is about."""
import base64
import hashlib
import hmac
import json
import sys
import time

SECRET = "0123456789abcdef0123456789abcdef"
V1 = "/api/v1"
# Who has a hundredth of the tasks; "u0" has many.
FEW = "u3"


def token(user, role):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    now = int(time.time())
    claims = {"sub": user, "role": role, "iss": "neap", "aud": "neap", "iat": now, "exp": now + 86400}
    text = b".".join(part(json.dumps(v).encode()) for v in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (text + b"." + part(hmac.new(SECRET.encode(), text, hashlib.sha256).digest())).decode()


def request_bytes(method, path, body, bearer):
    text = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {bearer}"]
    if body is not None:
        lines.append("Content-Type: application/json")
    if method != "GET":
        lines.append(f"Content-Length: {len(text)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + text


class Route:
    """path and body are of the i-th request, and of the one of `make()`'s that it is about. A second set is made when the
    route is measured again: what a request used up is used up."""

    def __init__(self, name, path, body, expect, tokens, make):
        self.name, self.method, self.expect, self.tokens = name, name.split()[0], expect, tokens
        self.path, self.body, self.make = path, body, make
        self.ones = None

    def prepare(self):
        self.ones = self.make() if self.make else [None]

    def request(self, i):
        one = self.ones[i % len(self.ones)]
        path = self.path if isinstance(self.path, str) else self.path(one)
        return request_bytes(self.method, V1 + path, self.body and self.body(i, one), self.tokens[i % len(self.tokens)])


def routes(db, user, service, admin, n):
    few = db.sql(f"select id from users where external_id = '{FEW}'")[0]
    tokens = {"user": [token(user, "user")], "service": [token(service, "service")], "admin": [token(admin, "admin")],
              "few": [token(few, "user")]}
    # One user's labs are counted one after the other.
    tokens["anybody"] = [token(id, "user") for id in db.sql("select id from users where role = 'user'")]

    def rows(table, columns, values, count=n):
        return db.sql(f"insert into {table} ({columns}) select {values} from generate_series(1, {count}) i returning id")

    def tasks(status="pending"):
        stamp = "now()" if status == "completed" else "null"
        return rows("tasks", "user_id, title, status, completed_at", f"'{user}', 'a task', '{status}', {stamp}")

    def agents():
        return rows("agents", "owner_id, name, role", f"'{user}', 'an agent', 'builder'")

    def at_work(status):
        """Agents that work on a task of their own."""
        return db.sql(f"""with t as (insert into tasks (user_id, title, status) select '{user}', 'at work', 'in_progress'
              from generate_series(1, {n}) returning id)
            insert into agents (owner_id, name, role, status, current_task_id)
            select '{user}', 'busy', 'builder', '{status}', id from t returning id""")

    def sandboxes(status="running"):
        return db.sql(f"""with t as (insert into tasks (user_id, title) select '{user}', 'boxed' from generate_series(1, {n})
              returning id), a as (insert into agents (owner_id, name, role) select '{user}', 'boxed', 'builder' from t
              returning id)
            insert into sandboxes (id, agent_id, task_id, status) select 'sbx_' || gen_random_uuid(), a.id, t.id, '{status}'
            from (select id, row_number() over () n from a) a join (select id, row_number() over () n from t) t using (n)
            returning id""")

    def labs(status):
        return rows("labs", "owner_id, recipe_id, status", f"'{user}', '{recipe}', '{status}'")

    def operations():
        return rows("git_operations", "sandbox_id, operation_type", f"'{box[0]}', 'push'")

    def route(name, path, body=None, expect=200, by="user", make=None):
        return Route(name, path, body, expect, tokens[by], make)

    agent = db.sql(f"select id from agents where owner_id = '{user}' limit 50")
    recipe = db.sql("select id from recipes limit 1")[0]
    talks = db.sql(f"select id from conversations where user_id = '{user}'")
    people = db.sql("select id from users where role = 'user'")
    message = db.sql(f"select id from messages where conversation_id = '{talks[0]}'"
                     " order by created_at, id offset 50 limit 1")[0]
    box = sandboxes()
    for by, whose in (("few", ""), ("user", ", many")):
        yield route("GET /tasks" + whose, "/tasks", by=by)
        yield route("GET /tasks?page=20" + whose, "/tasks?page=20", by=by)
        yield route("GET /tasks?sort=updated_at" + whose, "/tasks?sort=-updated_at", by=by)
        yield route("GET /tasks?status&sort=priority" + whose, "/tasks?status=pending&sort=-priority", by=by)
        yield route("GET /tasks?completed&priority" + whose, "/tasks?completed=true&priority=medium&sort=updated_at", by=by)
        yield route("GET /tasks?q&sort=title" + whose, "/tasks?q=chapter%2099&sort=title", by=by)
        yield route("GET /tasks?q of most titles" + whose, "/tasks?q=a", by=by)
    yield route("POST /tasks", "/tasks", lambda i, _: {"title": f"new {i}", "priority": "high"}, 201)
    one_of = lambda: db.sql(f"select id from tasks where user_id = '{user}' limit 200")  # noqa: E731
    yield route("GET /tasks/{id}", "/tasks/{}".format, make=one_of)
    yield route("PATCH /tasks/{id}", "/tasks/{}".format, lambda i, _: {"title": f"changed {i}"}, make=one_of)
    yield route("PATCH /tasks/{id} completed", "/tasks/{}".format, lambda i, _: {"completed": True}, make=tasks)
    yield route("DELETE /tasks/{id}", "/tasks/{}".format, None, 204, make=tasks)
    yield route("POST /tasks/{id}/assign", "/tasks/{}/assign".format, lambda i, _: {"agent_id": agent[i % 50]}, make=tasks)
    yield route("POST /tasks/{id}/complete", "/tasks/{}/complete".format, make=lambda: tasks("in_progress"))
    yield route("POST /tasks/{id}/cancel", "/tasks/{}/cancel".format, make=tasks)
    yield route("POST /tasks/{id}/reopen", "/tasks/{}/reopen".format, make=lambda: tasks("completed"))
    yield route("GET /agents", "/agents?status=idle")
    yield route("POST /agents", "/agents", lambda i, _: {"name": f"new {i}", "role": "builder"}, 201)
    yield route("GET /agents/{id}", "/agents/{}".format, make=lambda: agent)
    yield route("GET /agents/{id}/tasks", "/agents/{}/tasks".format, make=lambda: agent)
    yield route("PATCH /agents/{id}", "/agents/{}".format, lambda i, _: {"role": f"role {i}"}, make=lambda: agent)
    yield route("DELETE /agents/{id}", "/agents/{}".format, None, 204, make=agents)
    yield route("POST /agents/{id}/start-task", lambda pair: f"/agents/{pair[0]}/start-task",
                lambda i, pair: {"task_id": pair[1]}, 202, make=lambda: list(zip(agents(), tasks())))
    yield route("POST /agents/{id}/pause", "/agents/{}/pause".format, None, 202, make=lambda: at_work("working"))
    yield route("POST /agents/{id}/resume", "/agents/{}/resume".format, None, 202, make=lambda: at_work("paused"))
    yield route("POST /agents/{id}/stop", "/agents/{}/stop".format, None, 202, make=lambda: at_work("working"))
    yield route("GET /sandboxes", "/sandboxes?status=running")
    yield route("POST /sandboxes", "/sandboxes", lambda i, pair: {"agent_id": pair[0], "task_id": pair[1]}, 202,
                make=lambda: list(zip(agents(), tasks())))
    yield route("GET /sandboxes/{id}", "/sandboxes/{}".format, make=lambda: box)
    yield route("POST /sandboxes/{id}/git-operations", "/sandboxes/{}/git-operations".format,
                lambda i, _: {"operation_type": "commit"}, 202, make=lambda: box)
    yield route("GET /sandboxes/{id}/git-operations", "/sandboxes/{}/git-operations".format, make=lambda: box)
    yield route("PATCH /sandboxes/{id}", "/sandboxes/{}".format, lambda i, _: {"status": "running"}, by="service",
                make=lambda: sandboxes("creating"))
    yield route("DELETE /sandboxes/{id}", "/sandboxes/{}".format, None, 202, make=sandboxes)
    yield route("GET /git-operations/{id}", "/git-operations/{}".format, make=operations)
    yield route("PATCH /git-operations/{id}", "/git-operations/{}".format, lambda i, _: {"status": "running"}, by="service",
                make=operations)
    yield route("GET /recipes", "/recipes?software=software%203")
    yield route("GET /recipes/{id}", f"/recipes/{recipe}")
    new, made = iter(range(sys.maxsize)), lambda text: f"'{text} ' || gen_random_uuid(), 'x'"  # noqa: E731
    yield route("POST /recipes", "/recipes", lambda i, _: {"name": f"new {next(new)}", "software": "x"}, 201, "admin")
    yield route("PATCH /recipes/{id}", "/recipes/{}".format, lambda i, _: {"description": f"{i}"}, by="admin",
                make=lambda: rows("recipes", "name, software", made("patched"), 100))
    yield route("DELETE /recipes/{id}", "/recipes/{}".format, None, 204, "admin",
                lambda: rows("recipes", "name, software", made("deleted")))
    yield route("POST /labs", "/labs", lambda i, _: {"recipe_id": recipe}, 202, "anybody")
    yield route("GET /labs", "/labs?status=requested")
    yield route("GET /labs/{id}", "/labs/{}".format, make=lambda: labs("requested"))
    yield route("PATCH /labs/{id}", "/labs/{}".format, lambda i, _: {"status": "provisioning"}, by="service",
                make=lambda: labs("requested"))
    yield route("POST /labs/{id}/end", "/labs/{}/end".format, None, 202, make=lambda: labs("provisioning"))
    yield route("GET /users", "/users", by="admin")
    yield route("GET /users/{id}", "/users/{}".format, by="admin", make=lambda: people)
    yield route("PATCH /users/{id}", "/users/{}".format, lambda i, _: {"is_active": True}, by="admin", make=lambda: people)
    yield route("GET /auth/me", "/auth/me")
    yield route("GET /auth/sessions", "/auth/sessions")
    yield route("GET /conversations", "/conversations")
    yield route("POST /conversations", "/conversations", lambda i, _: {"title": f"new {i}"}, 201)
    yield route("GET /conversations/{id}", "/conversations/{}".format, make=lambda: talks)
    yield route("PATCH /conversations/{id}", "/conversations/{}".format, lambda i, _: {"title": f"t {i}"},
                make=lambda: talks)
    yield route("GET /conversations/{id}/messages", "/conversations/{}/messages".format, make=lambda: talks)
    yield route("GET /conversations/{id}/messages?after", f"/conversations/{talks[0]}/messages?after={message}")
    yield route("GET /conversations/{id}/messages/count", "/conversations/{}/messages/count".format, make=lambda: talks)
    yield route("POST /conversations/{id}/messages", "/conversations/{}/messages".format,
                lambda i, _: {"content": "hello"}, 201, make=lambda: talks)
    yield route("DELETE /conversations/{id}", "/conversations/{}".format, None, 204,
                make=lambda: rows("conversations", "user_id", f"'{user}'"))
