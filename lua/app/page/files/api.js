// The API with the cookies of this origin. When the access token has expired the session is renewed once, however many
// calls found out at the same time, and each of them is made again.
const base = document.querySelector('meta[name="api"]').content;

export class ApiError extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.details = error.details;
  }
}

function cookie(name) {
  const found = document.cookie.split("; ").find((part) => part.startsWith(name + "="));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

async function once(method, path, body) {
  const headers = { Accept: "application/json", "X-CSRF-Token": cookie("csrf_token") };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  const res = await fetch(base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (res.ok) {
    return res.status === 204 ? null : res.json();
  }
  let error = { code: "unreadable", message: `The server answered ${res.status}` };
  try {
    error = (await res.json()).error;
  } catch {
    // A proxy in between has answered in its own words.
  }
  throw new ApiError(res.status, error);
}

let renewing = null;

// Resolves when the session is good for another while; rejects when it is over.
export function renew() {
  renewing ??= once("POST", "/auth/refresh").finally(() => {
    renewing = null;
  });
  return renewing;
}

export async function call(method, path, body) {
  try {
    return await once(method, path, body);
  } catch (err) {
    if (err.status !== 401 || path.startsWith("/auth/login")) {
      throw err;
    }
    await renew();
    return once(method, path, body);
  }
}

// Whether this browser has a session to end. Without one it may be signed in all the same: by `neap dev --as`.
export const hasSession = () => cookie("csrf_token") !== "";

export const url = (path) => base + path;
