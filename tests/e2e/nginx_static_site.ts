/**
 * A folder of files, and how nginx and sameorigin are told to serve it.
 *
 * @module
 */
import { type Folder, makeFolder } from "../support/folder.ts";

/** Both have these types, so that only the ways to find one are compared. */
const TYPES = {
  "text/html": "html htm",
  "text/css": "css",
  "text/javascript": "js",
  "application/json": "json",
  "image/svg+xml": "svg",
  "application/gzip": "gz",
};

/** When every file was last changed: a Sunday. */
export const CHANGED = Date.UTC(1994, 10, 6, 8, 49, 37) / 1000;

/** More than fits into one read. */
const BIG = "0123456789abcdef".repeat(10_000);

const FILES: Record<string, string> = {
  "outside.txt": "outside",
  "outside/secret.txt": "secret",
  "site2/a.txt": "another folder",
  "site/index.html": "<h1>top</h1>",
  "site/a.txt": "0123456789",
  "site/style.css": "a {}",
  "site/app.js": "let a = 1;",
  "site/app.js.gz": "compressed a",
  "site/only.css": "b {}",
  "site/empty.txt": "",
  "site/big.txt": BIG,
  "site/noext": "no extension",
  "site/dot.": "a dot at its end",
  "site/unknown.zzz": "unknown",
  "site/UPPER.HTML": "upper",
  "site/font.woff2": "a font",
  "site/two.tar.gz": "an archive",
  "site/with space.txt": "a space",
  "site/ü.txt": "beyond ASCII",
  "site/100%.txt": "a per cent sign",
  "site/semi;colon.txt": "a semicolon",
  "site/what?.txt": "a question mark",
  "site/plus+.txt": "a plus",
  "site/back\\slash.txt": "a backslash",
  "site/%41.txt": "an escape",
  "site/dir/index.html": "<h1>dir</h1>",
  "site/dirext.txt": "beside a folder",
  "site/dir/page.html": "page",
  "site/dir/sub/x.txt": "x",
  "site/sp ace/index.html": "in a folder with a space",
  "site/noindex/x.txt": "x",
  "site/htm/index.htm": "htm",
  "site/both/index.html": "html",
  "site/both/index.htm": "htm",
  "site/index.html.d/x": "x",
  "site/indexdir/index.html/x": "x",
  "site/.hidden": "hidden",
  "site/.git/config": "config",
  "site/.well-known/security.txt": "security",
  "site/try/a.txt": "tried a",
  "site/try/sub/index.html": "tried sub",
  "site/spa/index.html": "the application",
  "site/spa/assets/a.js": "asset",
  "site/x.re": "by regular expression",
};

const LINKS: Record<string, string> = {
  "site/link-in.txt": "a.txt",
  "site/link-out.txt": "../outside.txt",
  "site/link-dir-in": "dir",
  "site/link-dir-out": "../outside",
  "site/link-broken.txt": "nowhere",
  "site/link-circle": "link-circle",
};

/** Makes the folder. */
export async function makeSite(): Promise<Folder> {
  const folder = await makeFolder(FILES, LINKS);
  for (const name of Object.keys(FILES)) {
    await Deno.utime(`${folder.path}/${name}`, CHANGED, CHANGED);
  }
  return folder;
}

/** Both have these locations. @param dir The folder. */
export function nginxHttp(dir: string): string {
  const types = Object.entries(TYPES)
    .map(([type, extensions]) => `${type} ${extensions};`).join(" ");
  const site = `alias ${dir}/site/;`;
  return `
  types { ${types} }
  default_type text/plain;
  charset utf-8;
  charset_types text/css text/javascript text/plain;
  gzip_vary on;
  server {
    listen 127.0.0.1:PORT;
    root ${dir}/site;
    location / { }
    location /try/ { try_files $uri $uri/ /dir/page.html; }
    location /try-args/ { try_files /nothing /spa/index.html?a=b; }
    location /try-uri/ { try_files $uri/x =404; }
    location /try-404/ { try_files /spa$uri =404; }
    location /try-403/ { try_files $uri =403; }
    location /try-folder/ { try_files /dir/ =404; }
    location /try-again/ { try_files /nothing /try-then/; }
    location /try-then/ { try_files /a.txt =404; }
    location /try-circle/ { try_files /nothing /try-circle/x; }
    location /try-return/ { try_files /nothing /returned; }
    location /returned { return 204; }
    location /spa/ { try_files $uri /spa/index.html; }
    location /alias/ { alias ${dir}/site/dir/; }
    location /alias-bare { alias ${dir}/site/dir; }
    location = /alias-file { alias ${dir}/site/style.css; }
    location /alias-try/ { alias ${dir}/site/; try_files $uri /alias-try/index.html; }
    location /alias-names/ { alias ${dir}/site/; try_files /nothing /dir/page.html =404; }
    location /alias-folder/ { alias ${dir}/site/; try_files /dir/ =404; }
    location /alias-arg/ { alias ${dir}/site; try_files /dir/$arg_a /$arg_a =404; }
    location ~ \\.re$ { expires max; }
    location /missing/ { alias ${dir}/nowhere/; }
    location /max/ { ${site} expires max; }
    location /epoch/ { ${site} expires epoch; }
    location /never/ { ${site} expires -1; }
    location /zero/ { ${site} expires 0; }
    location /month/ { ${site} expires 1M2d3h4m5s; }
    location /modified/ { ${site} expires modified 50y; }
    location /modified-past/ { ${site} expires modified 1d; }
    location /daily/ { ${site} expires @15h30m; }
    location /off/ { ${site} expires off; etag off; }
    location /before/ { ${site} if_modified_since before; }
    location /ims-off/ { ${site} if_modified_since off; }
    location /gzip/ { ${site} gzip_static on; }
    location /no-ranges/ { ${site} max_ranges 0; }
    location /two-ranges/ { ${site} max_ranges 2; }
    location /htm/ { index index.htm index.html; }
    location /both/ { index index.htm index.html; }
    location /index-path/ { ${site} index nothing.html /a.txt; }
    location /no-links/ { ${site} disable_symlinks on from=$document_root; }
    location /octets/ { ${site} types { } default_type application/octet-stream; }
  }`;
}

/** The same for sameorigin. */
export function ourConfig(dir: string): Record<string, unknown> {
  const site = { alias: `${dir}/site/` };
  const tries = (try_files: string) => ({ try_files });
  return {
    types: TYPES,
    root: `${dir}/site`,
    locations: {
      "/": {},
      "/try/": tries("$uri $uri/ /dir/page.html"),
      "/try-args/": tries("/nothing /spa/index.html?a=b"),
      "/try-uri/": { try_files: ["$uri/x", "=404"] },
      "/try-404/": tries("/spa$uri =404"),
      "/try-403/": tries("$uri =403"),
      "/try-folder/": tries("/dir/ =404"),
      "/try-again/": tries("/nothing /try-then/"),
      "/try-then/": tries("/a.txt =404"),
      "/try-circle/": tries("/nothing /try-circle/x"),
      "/try-return/": tries("/nothing /returned"),
      "/returned": { return: 204 },
      "/spa/": tries("$uri /spa/index.html"),
      "/alias/": { alias: `${dir}/site/dir/` },
      "/alias-bare": { alias: `${dir}/site/dir` },
      "= /alias-file": { alias: `${dir}/site/style.css` },
      "/alias-try/": { ...site, try_files: "$uri /alias-try/index.html" },
      "/alias-names/": { ...site, try_files: "/nothing /dir/page.html =404" },
      "/alias-folder/": { ...site, try_files: "/dir/ =404" },
      "/alias-arg/": {
        alias: `${dir}/site`,
        try_files: "/dir/$arg_a /$arg_a =404",
      },
      "~ \\.re$": { expires: "max" },
      "/missing/": { alias: `${dir}/nowhere/` },
      "/max/": { ...site, expires: "max" },
      "/epoch/": { ...site, expires: "epoch" },
      "/never/": { ...site, expires: -1 },
      "/zero/": { ...site, expires: 0 },
      "/month/": { ...site, expires: "1M2d3h4m5s" },
      "/modified/": { ...site, expires: "modified 50y" },
      "/modified-past/": { ...site, expires: "modified 1d" },
      "/daily/": { ...site, expires: "@15h30m" },
      "/off/": { ...site, expires: "off", etag: "off" },
      "/before/": { ...site, if_modified_since: "before" },
      "/ims-off/": { ...site, if_modified_since: "off" },
      "/gzip/": { ...site, gzip_static: true },
      "/no-ranges/": { ...site, max_ranges: 0 },
      "/two-ranges/": { ...site, max_ranges: 2 },
      "/htm/": { index: "index.htm index.html" },
      "/both/": { index: "index.htm index.html" },
      "/index-path/": { ...site, index: "nothing.html /a.txt" },
      "/no-links/": { ...site, disable_symlinks: "on" },
      "/octets/": {
        ...site,
        types: {},
        default_type: "application/octet-stream",
      },
    },
  };
}
