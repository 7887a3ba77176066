/**
 * The page's start: who is signed in, and which of the two views is shown.
 *
 * @module
 */
import { cookie, get, post } from "./backend.js";
import { openChat } from "./chat.js";

const element = (id) => document.getElementById(id);

/** Closes the chat that is open. */
let closeChat = () => {};

element("origin").textContent = location.origin;
element("sign-in").querySelector("form").addEventListener("submit", signIn);
element("sign-out").addEventListener("click", signOut);

try {
  const { user } = await get("/api/me");
  if (user === null) showSignIn();
  else showChat(user.name);
} catch (error) {
  showSignIn(error.message);
}

/** @param {SubmitEvent} event */
async function signIn(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const { user } = await post("/api/login", {
      name: form.elements.name.value,
      password: form.elements.password.value,
    });
    form.reset();
    showChat(user.name);
  } catch (error) {
    element("sign-in-error").textContent = error.message;
  } finally {
    button.disabled = false;
  }
}

async function signOut() {
  try {
    await post("/api/logout");
  } catch {
    // The session has gone without us.
  }
  showSignIn();
}

/** @param {string} [problem] Why the chat can't be shown. */
function showSignIn(problem = "") {
  closeChat();
  closeChat = () => {};
  element("sign-in-error").textContent = problem;
  show("sign-in");
  element("name").focus();
}

/** @param {string} user */
function showChat(user) {
  closeChat();
  element("user").textContent = user;
  element("cookie").textContent = cookie("sessionid") === null
    ? "HTTP-only: this script can't read it"
    : "readable by scripts: it should not be";
  show("chat");
  closeChat = openChat(user, () => showSignIn("Your session has ended."));
}

/** @param {"sign-in" | "chat"} view */
function show(view) {
  element("sign-in").hidden = view !== "sign-in";
  element("chat").hidden = view !== "chat";
  element("account").hidden = view !== "chat";
  element("connection").hidden = view !== "chat";
}
