import { call, hasSession } from "./api.js";
import { element, makeBoard } from "./board.js";
import { watch } from "./stream.js";

const LOG_MAX = 100;
const at = (id) => document.getElementById(id);
let stopWatching = null;
const sandboxes = new Map(); // by agent: { status, updated_at }

function say(text) {
  at("said").textContent = text;
}

function complain(err) {
  const fields = Array.isArray(err.details) ? err.details.map((one) => `${one.field} ${one.message}`).join("; ") : "";
  at("problem").textContent = fields ? `${err.message}: ${fields}` : err.message;
}

// Whatever a person does: what went wrong before is no longer of interest, what goes wrong now is told.
async function attempt(work) {
  at("problem").textContent = "";
  try {
    return await work();
  } catch (err) {
    complain(err);
    if (err.status === 401) {
      showEntrance();
    }
    return undefined;
  }
}

function act(label, name, work) {
  const button = element("button", { type: "button", "aria-label": `${label}: ${name}` }, label);
  button.addEventListener("click", () => attempt(work));
  return button;
}

// ---- what can be done with a task, by its state

function startActs(task) {
  const idle = agents.all().filter((agent) => agent.status === "idle");
  if (idle.length === 0) {
    return [];
  }
  const select = element("select", { "aria-label": `Agent for ${task.title}` });
  select.append(...idle.map((agent) => element("option", { value: agent.id }, agent.name)));
  const start = act("Start", task.title, async () => {
    await call("POST", `/agents/${select.value}/start-task`, { task_id: task.id });
  });
  return [select, start];
}

function taskActs(task) {
  const post = (label, what) => act(label, task.title, () => call("POST", `/tasks/${task.id}/${what}`).then(putTask));
  const patch = (label, status) =>
    act(label, task.title, () => call("PATCH", `/tasks/${task.id}`, { status }).then(putTask));
  switch (task.status) {
    case "pending":
      return [...startActs(task), ...(task.assigned_agent_id ? [] : [post("Complete", "complete")]), post("Cancel", "cancel")];
    case "in_progress":
      return [patch("To review", "in_review"), post("Complete", "complete"), post("Cancel", "cancel")];
    case "in_review":
      return [patch("Back to work", "in_progress"), post("Complete", "complete"), post("Cancel", "cancel")];
    case "completed":
    case "failed":
      return [post("Reopen", "reopen")];
    default:
      return [];
  }
}

function agentActs(agent) {
  const post = (label, what) => act(label, agent.name, () => call("POST", `/agents/${agent.id}/${what}`).then(putAgent));
  const patch = (label, status) =>
    act(label, agent.name, () => call("PATCH", `/agents/${agent.id}`, { status }).then(putAgent));
  switch (agent.status) {
    case "idle":
      return [patch("Take off line", "offline")];
    case "offline":
      return [patch("Bring on line", "idle")];
    case "working":
      return [post("Pause", "pause"), post("Stop", "stop")];
    case "paused":
      return [post("Resume", "resume"), post("Stop", "stop")];
    default:
      return [patch("Make idle", "idle")];
  }
}

const words = (state) => state.replaceAll("_", " ");

const tasks = makeBoard(
  at("tasks"),
  "Tasks",
  [
    { title: "Pending", states: ["pending"] },
    { title: "In progress", states: ["in_progress"] },
    { title: "In review", states: ["in_review"] },
    { title: "Completed", states: ["completed"] },
    { title: "Failed or cancelled", states: ["failed", "cancelled"] },
  ],
  (task) => {
    const agent = task.assigned_agent_id && agents.get(task.assigned_agent_id);
    return {
      title: task.title,
      text: [words(task.status), `${task.priority} priority`, agent && `with ${agent.name}`].filter(Boolean).join(", "),
      acts: taskActs(task),
    };
  },
);

const agents = makeBoard(
  at("agents"),
  "Agents",
  [
    { title: "Idle", states: ["idle"] },
    { title: "At work", states: ["working", "paused"] },
    { title: "Off line, or in trouble", states: ["offline", "error"] },
  ],
  (agent) => {
    const sandbox = sandboxes.get(agent.id);
    const task = agent.current_task_id && tasks.get(agent.current_task_id);
    return {
      title: agent.name,
      text: [agent.role, words(agent.status), task && `on ${task.title}`, sandbox && `sandbox ${sandbox.status}`]
        .filter(Boolean)
        .join(", "),
      acts: agentActs(agent),
    };
  },
);

// Cards name each other, so both boards are drawn again.
function putTask(task) {
  tasks.put(task);
  agents.redraw();
}

function putAgent(agent) {
  agents.put(agent);
  tasks.redraw();
}

// ---- events

function note(event, name) {
  const time = new Date(event.created_at).toLocaleTimeString();
  const [noun, what] = event.type.split(".");
  const text = `${noun} ${name ?? event.entity_id} is ${words(what)}`;
  at("log").prepend(element("li", {}, `${time} ${text}`));
  while (at("log").children.length > LOG_MAX) {
    at("log").lastChild.remove();
  }
  say(text);
}

function heard(event) {
  const row = event.data;
  const [noun, what] = event.type.split(".");
  if (noun === "sandbox") {
    const known = sandboxes.get(row.agent_id);
    if (row.agent_id && !(known && known.updated_at > row.updated_at)) {
      sandboxes.set(row.agent_id, row);
    }
    agents.redraw();
    note(event, row.id);
    return;
  }
  const board = noun === "task" ? tasks : agents;
  const name = row.title ?? row.name ?? board.get(event.entity_id)?.title ?? board.get(event.entity_id)?.name;
  if (what === "deleted") {
    board.remove(event.entity_id);
  } else if (noun === "task") {
    putTask(row);
  } else {
    putAgent(row);
  }
  note(event, name);
}

async function load() {
  const [someTasks, someAgents] = await Promise.all([
    call("GET", "/tasks?page_size=100&sort=-updated_at"),
    call("GET", "/agents?page_size=100"),
  ]);
  agents.load(someAgents.items);
  tasks.load(someTasks.items);
  agents.redraw();
  if (someTasks.total > someTasks.items.length) {
    say(`The ${someTasks.items.length} tasks that changed last, of ${someTasks.total}`);
  }
}

// ---- in and out

function showEntrance() {
  stopWatching?.();
  stopWatching = null;
  at("who").hidden = at("work").hidden = true;
  at("entrance").hidden = false;
  tasks.load([]);
  agents.load([]);
  sandboxes.clear();
  at("log").replaceChildren();
  at("login-email").focus();
}

async function showWork(user) {
  at("entrance").hidden = true;
  at("who").hidden = at("work").hidden = false;
  at("email").textContent = user.display_name ?? user.email ?? user.id;
  // The stream first: what changes while the boards are loaded is not missed.
  stopWatching ??= watch({
    event: heard,
    resync: () => attempt(load),
    live: (isLive) => {
      at("live").textContent = isLive ? "live" : "connecting";
    },
    ended: showEntrance,
  });
  await load();
}

at("sign-in").addEventListener("submit", (submit) => {
  submit.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(submit.target));
  attempt(async () => {
    if (submit.submitter?.value === "register") {
      await call("POST", "/auth/register", { email, password });
    }
    const session = await call("POST", "/auth/login", { email, password });
    submit.target.reset();
    await showWork(session.user);
    say("Signed in");
    at("main").focus();
  });
});

at("sign-out").addEventListener("click", () =>
  attempt(async () => {
    if (!hasSession()) {
      say(`There is no session to end: this server signs everybody in as ${at("email").textContent} (neap dev --as)`);
      return;
    }
    await call("POST", "/auth/logout");
    showEntrance();
    say("Signed out");
  }),
);

function adds(form, path, put) {
  at(form).addEventListener("submit", (submit) => {
    submit.preventDefault();
    attempt(async () => {
      put(await call("POST", path, Object.fromEntries(new FormData(submit.target))));
      submit.target.reset();
    });
  });
}

adds("new-task", "/tasks", putTask);
adds("new-agent", "/agents", putAgent);

call("GET", "/auth/me").then(
  (user) => attempt(() => showWork(user)),
  (err) => {
    if (err.status !== 401) {
      complain(err);
    }
    showEntrance();
  },
);
