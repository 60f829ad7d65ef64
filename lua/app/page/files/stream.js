// The events of the server, as long as the page is signed in. The browser connects again by itself and says which event it
// had last; only when the server refuses, because the token has expired, is it for us to renew the session and begin anew.
import { renew, url } from "./api.js";

const TYPES = {
  task: ["created", "updated", "assigned", "deleted", "pending", "started", "in_review", "completed", "failed", "cancelled"],
  agent: ["created", "updated", "deleted", "idle", "working", "paused", "error", "offline"],
  sandbox: ["created", "creating", "running", "destroying", "destroyed", "failed", "deleted"],
};
const AGAIN_MS = 3000;

// on = { event(event), resync(), live(isLive), ended() }; the result closes it.
export function watch(on) {
  let source = null;
  let timer = null;
  let closed = false;

  function hear(message) {
    on.event(JSON.parse(message.data));
  }

  async function again() {
    try {
      await renew();
    } catch (err) {
      if (err.status === 401) {
        on.ended();
        return;
      }
    }
    if (!closed) {
      timer = setTimeout(open, AGAIN_MS, true);
    }
  }

  function open(missed) {
    source = new EventSource(url("/sse?topics=agents,tasks,sandboxes"));
    source.onopen = () => {
      on.live(true);
      if (missed) {
        on.resync();
      }
      missed = false;
    };
    source.onerror = () => {
      on.live(false);
      if (source.readyState === EventSource.CLOSED && !closed) {
        again();
      }
    };
    source.addEventListener("resync", on.resync);
    for (const [noun, verbs] of Object.entries(TYPES)) {
      for (const verb of verbs) {
        source.addEventListener(`${noun}.${verb}`, hear);
      }
    }
  }

  open(false);
  return () => {
    closed = true;
    clearTimeout(timer);
    source.close();
  };
}
