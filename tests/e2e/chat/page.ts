/**
 * The page of `examples/chat` as its users see and use it, in a real browser.
 *
 * @module
 */
import type {
  Browser,
  BrowserContext,
  BrowserContextOptions,
  Page,
} from "playwright-core";

/** Who signs in. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** A WebSocket that a page has opened. */
export interface Socket {
  readonly url: string;
  /** Null while it is open. */
  readonly closed: { readonly code: number; readonly reason: string } | null;
}

/** Notes, in the page, when what happens and what becomes of WebSockets. */
const RECORDER = `
  globalThis.recorded = { sent: {}, seen: {}, sockets: [] };
  addEventListener("submit", ({ target }) => {
    const field = target.querySelector("[data-testid=message-input]");
    if (field) recorded.sent[field.value] = Date.now();
  }, { capture: true });
  new MutationObserver(() => {
    const texts = document.querySelectorAll("[data-testid=message] .text");
    for (const { textContent } of texts) {
      recorded.seen[textContent] ??= Date.now();
    }
  }).observe(document, { subtree: true, childList: true });
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, ...more) {
      super(url, ...more);
      const socket = { url: String(url), closed: null };
      recorded.sockets.push(socket);
      this.addEventListener("close", ({ code, reason }) => {
        socket.closed = { code, reason };
      });
    }
  };
`;

/** A person's browser: cookies and all of its own. */
export async function newPerson(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext(options);
  await context.addInitScript(RECORDER);
  return context;
}

/** Opens the chat and signs in; ends when the page is connected. */
export async function enter(
  browser: Browser,
  origin: string,
  login: Login,
): Promise<Page> {
  const page = await (await newPerson(browser)).newPage();
  await page.goto(origin);
  await signIn(page, login);
  return page;
}

/** Fills in the form; ends when the page is connected. */
export async function signIn(page: Page, login: Login): Promise<void> {
  await page.getByTestId("username").fill(login.username);
  await page.getByTestId("password").fill(login.password);
  await page.getByTestId("login-button").click();
  await untilConnected(page);
}

/** Ends when the page has its connection to Centrifugo. */
export function untilConnected(page: Page): Promise<void> {
  return page.getByTestId("connection-state")
    .filter({ hasText: /^connected$/ }).waitFor();
}

/** Writes a message and sends it. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId("message-input").fill(text);
  await page.getByTestId("send-button").click();
}

/** Ends when the message is to be seen. */
export function untilSeen(page: Page, text: string): Promise<void> {
  return page.getByTestId("message").filter({ hasText: text }).waitFor();
}

/** Milliseconds from the sender's click to the message in the reader's page. */
export async function delay(
  text: string,
  sender: Page,
  reader: Page,
): Promise<number> {
  await untilSeen(reader, text);
  const words = JSON.stringify(text);
  const [sent, seen] = await Promise.all([
    sender.evaluate<number>(`recorded.sent[${words}]`),
    reader.evaluate<number>(`recorded.seen[${words}]`),
  ]);
  return seen - sent;
}

/** The WebSockets that this page has opened since it was loaded. */
export function sockets(page: Page): Promise<Socket[]> {
  return page.evaluate<Socket[]>("recorded.sockets");
}
