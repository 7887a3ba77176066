/**
 * An answer of the proxy's own as an HTML page.
 *
 * @module
 */
import { type Diagnosis, sinceWords } from "./diagnosis.ts";

/** What is shown. */
export interface Page {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly advice: string | null;
  readonly diagnosis: Diagnosis | null;
  /** Whether it asks again until something else answers. */
  readonly reloads: boolean;
  readonly requestId: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Asks for the page again each second. As long as the proxy answers with such a
 * page, its content is replaced; any other answer is loaded. Where scripts may
 * not run, the browser loads the page every two seconds.
 */
const RELOADS = `<noscript><meta http-equiv="refresh" content="2"></noscript>
<script>
(async () => {
  for (;;) {
    await new Promise((done) => setTimeout(done, 1000));
    try {
      const headers = { accept: "text/html" };
      const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "manual" });
      if (answer.status < 502) return location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.querySelector("main[data-sameorigin]");
      if (next === null) return location.reload();
      document.title = page.title;
      document.querySelector("main").replaceWith(next);
    } catch { /* The proxy itself restarts. */ }
  }
})();
</script>`;

/** The page. It needs nothing else, and says nothing that is not in `page`. */
export function html(page: Page): string {
  const { title, status, detail, advice, diagnosis, reloads, requestId } = page;
  const told = advice === null
    ? ""
    : `<p><code>${escapeHtml(advice)}</code></p>`;
  const servers = diagnosis === null ? "" : table(diagnosis, page.now);
  const waits = reloads
    ? "<p>This page loads again when something answers.</p>"
    : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">${reloads ? RELOADS : ""}
<title>${status} ${escapeHtml(title)}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1rem; color-scheme: light dark; }
h1 { font-size: 1.4rem; }
code { white-space: pre-wrap; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: .9rem; margin: 1rem 0; }
caption { text-align: start; font-weight: 600; }
th code { overflow-wrap: break-word; }
th, td { text-align: start; vertical-align: top; padding: .3rem 1rem .3rem 0; border-top: 1px solid #8886; font-weight: 400; }
small { opacity: .6; }
</style>
</head>
<body>
<main data-sameorigin>
<h1>${status} ${escapeHtml(title)}</h1>
<p>${escapeHtml(detail)}</p>${told}${servers}${waits}
<p><small>Request ${escapeHtml(requestId)}</small></p>
</main>
</body>
</html>
`;
}

function table(
  { upstream, servers, others }: Diagnosis,
  now: number,
): string {
  const rows = servers.map(({ address, tried, outcome, downSince }) => {
    const times = tried > 1 ? ` (tried ${tried} times)` : "";
    const since = downSince === null ? "" : sinceWords(downSince, now);
    return `<tr><th scope="row"><code>${escapeHtml(address)}</code></th>` +
      `<td>${escapeHtml(outcome + times)}</td><td>${since}</td></tr>`;
  });
  const more = others === 0
    ? ""
    : `<tr><td colspan="3">and ${others} others</td></tr>`;
  return `
<table>
<caption>Servers of ${escapeHtml(upstream)}</caption>
<tr><th scope="col">Server</th><th scope="col">What became of it</th><th scope="col">Down since</th></tr>
${rows.join("\n")}${more}
</table>`;
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(words: string): string {
  return words.replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
}
