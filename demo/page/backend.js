/**
 * The backend, at the page's own origin: the session cookie goes along by
 * itself, and no script ever sees it. (This file can't be called `api.js`: the
 * prefix `/api` would send the browser to the backend for it.)
 *
 * @module
 */

/** An answer that is no success. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

/** @param {string} path */
export function get(path) {
  return call("GET", path);
}

/**
 * @param {string} path
 * @param {unknown} [body] Sent as JSON.
 */
export function post(path, body = {}) {
  return call("POST", path, {
    headers: {
      "content-type": "application/json",
      "x-csrftoken": cookie("csrftoken") ?? "",
    },
    body: JSON.stringify(body),
  });
}

/**
 * @param {string} name
 * @returns {string | null} null also for an HTTP-only cookie.
 */
export function cookie(name) {
  for (const pair of document.cookie.split("; ")) {
    if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1);
  }
  return null;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function call(method, path, init) {
  let response;
  try {
    response = await fetch(path, { method, ...init });
  } catch {
    throw new ApiError(0, "The proxy does not answer. Is it running?");
  }
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw new ApiError(
    response.status,
    // The demo's backend says "detail", and so do the proxy's own error pages.
    body?.detail ?? `${method} ${path}: ${response.status}, and not in JSON`,
  );
}
