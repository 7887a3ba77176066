/**
 * The page that has a phone trust the authority of `deno task dev --https`.
 *
 * @module
 */
import { AUTHORITY } from "../local_https.ts";

/** None of it comes from the request. */
export interface PhonePage {
  /** The path of the certificate. */
  readonly certificate: string;
  /** The proxy's address: `https://192.168.1.5:9000/`. */
  readonly origin: string;
  readonly fingerprint: string;
  /** For the style and the script. */
  readonly nonce: string;
}

/** The page. It needs nothing else but the certificate. */
export function phonePage(
  { certificate, origin, fingerprint, nonce }: PhonePage,
): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Trust this machine</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">
:root { color-scheme: light dark; --line: light-dark(#ccc, #555); --link: light-dark(#0645ad, #9cc2ff); background: light-dark(#fff, #16181d); color: light-dark(#1b1b1b, #eee); }
body { font: 1.05rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1.15rem; margin: 1.75rem 0 .5rem; }
a { color: var(--link); }
.button { display: block; padding: .9rem 1rem; border: 2px solid; border-radius: .6rem; text-align: center; font-weight: 600; text-decoration: none; }
details { border-top: 1px solid var(--line); padding: .25rem 0; }
summary { padding: .65rem 0; font-weight: 600; }
ol { padding-inline-start: 1.5rem; }
li { margin: .4rem 0; }
code { font-size: .9em; }
[role=status] { border-inline-start: 4px solid; padding: .25rem .75rem; }
</style>
</head>
<body>
<main>
<h1>Have this device trust the development machine</h1>
<p>For <code>${origin}</code>, which other browsers call insecure until then. Do it only on a
device that is used for development, in a network that you trust.</p>

<h2>1. Does it already?</h2>
<p role="status" id="status">This needs scripts: or open the link below.</p>
<p><a href="${origin}">Open ${origin}</a></p>

<h2>2. Get the certificate</h2>
<p><a class="button" href="${certificate}">Download the certificate</a></p>
<p>It is called <b>${AUTHORITY.commonName}</b>. Before you install it, compare its SHA-256
fingerprint with the one in the terminal, since this page came unencrypted:</p>
<p><code>${fingerprint}</code></p>

<h2>3. Install it</h2>
<details id="ios">
<summary>iPhone and iPad</summary>
<ol>
<li>Download it in Safari, and <b>Allow</b> the profile.</li>
<li>Settings, General, <b>VPN &amp; Device Management</b>: choose
<b>${AUTHORITY.commonName}</b>, compare under More Details, then Install.</li>
<li>Settings, General, About, <b>Certificate Trust Settings</b>, at the very end: turn on
<b>${AUTHORITY.commonName}</b>. Without this step it is installed, and not trusted.</li>
</ol>
<p>To take it away: remove the profile at the place of step 2.</p>
</details>
<details id="android">
<summary>Android</summary>
<ol>
<li>Download it. Android does not install it from here.</li>
<li>Settings, search for <b>CA certificate</b> (Security &amp; privacy, More security
settings, Encryption &amp; credentials, Install a certificate).</li>
<li><b>CA certificate</b>, Install anyway, and choose <code>sameorigin.crt</code>
among the downloads. The device must have a screen lock.</li>
</ol>
<p>Chrome trusts it then. Firefox: Settings, About Firefox, tap the logo five times, then Settings,
Secret Settings, <b>Use third party CA certificates</b>. Apps of their own choose whether they do.</p>
<p>To take it away: Trusted credentials, User, at the same place.</p>
</details>

<h2>What is trusted</h2>
<p>The certificate of an authority whose key never leaves the development machine. It can vouch for
<code>localhost</code>, names that end in <code>.local</code>, and addresses of private networks;
for no site of the internet.</p>
</main>
<script nonce="${nonce}">
const status = document.querySelector("#status");
const origin = ${JSON.stringify(origin)};
const check = async () => {
  if (status.dataset.checked === "") status.textContent = "Looking …";
  let trusted = true;
  try {
    // Whatever the answer says: that there is one means that the certificate was taken.
    await fetch(origin, { mode: "no-cors", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(5000) });
  } catch {
    trusted = false;
  }
  status.dataset.checked = trusted ? "yes" : "no";
  status.textContent = trusted
    ? "Yes: this browser trusts the certificate of " + origin
    : "Not yet, or the proxy does not answer.";
};
status.dataset.checked = "";
const agent = navigator.userAgent;
const system = /Android/.test(agent) ? "android" : /iPhone|iPad|Macintosh/.test(agent) ? "ios" : null;
for (const part of document.querySelectorAll("details")) part.open = system === null || part.id === system;
// After the settings one comes back to the page as it is.
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && check());
check();
</script>
</body>
</html>
`;
}
