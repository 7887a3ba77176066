import assert from "node:assert/strict";
import fc from "fast-check";
import { compileTemplate } from "../../lib/config/template.ts";
import { VARIABLE_NAMES } from "../../lib/config/variables.ts";
import { ValueError } from "../../lib/config/words.ts";
import { requestContext } from "./config.ts";

function render(
  text: string,
  facts: Parameters<typeof requestContext>[0] = {},
): string {
  return compileTemplate(text)(requestContext(facts));
}

Deno.test("each variable has nginx's meaning", () => {
  const headers = new Headers({
    "host": "Example.com:9000",
    "content-type": "text/plain",
    "content-length": "5",
    "x-a-b": "c",
    "cookie": "a=1; sid=abc=",
  });
  const values: Record<string, string> = {
    args: "x=1",
    arg_x: "1",
    arg_none: "",
    content_length: "5",
    content_type: "text/plain",
    binary_remote_addr: "192.0.2.1",
    cookie_sid: "abc=",
    cookie_none: "",
    document_uri: "/a b",
    forwarded_host: "Example.com:9000",
    host: "example.com",
    http_host: "Example.com:9000",
    http_x_a_b: "c",
    http_none: "",
    https: "",
    is_args: "?",
    proxy_add_x_forwarded_for: "192.0.2.1",
    proxy_host: "backend",
    query_string: "x=1",
    realip_remote_addr: "192.0.2.1",
    remote_addr: "192.0.2.1",
    remote_port: "50000",
    remote_user: "",
    request_id: "id-1",
    request_method: "GET",
    request_uri: "/a%20b?x=1",
    scheme: "http",
    server_name: "www.example.com",
    server_port: "9000",
    upstream_addr: "10.0.0.1:8000",
    upstream_cookie_none: "",
    upstream_http_none: "",
    upstream_status: "",
    uri: "/a b",
  };
  for (const [name, value] of Object.entries(values)) {
    assert.equal(render(`$${name}`, { headers }), value, name);
    assert.equal(render(`<\${${name}}>`, { headers }), `<${value}>`, name);
    // nginx does not mind capital letters.
    assert.equal(render(`$${name.toUpperCase()}`, { headers }), value, name);
  }
  assert.match(render("$msec"), /^\d{10}\.\d{3}$/);
  assert.match(
    render("$time_iso8601"),
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/,
  );
  const known = VARIABLE_NAMES.filter((name) => !/NAME|msec|time_/.test(name));
  assert.deepEqual(known.filter((name) => !(name in values)), []);
});

Deno.test("variables depend on what the request has", () => {
  assert.equal(render("$is_args$args", { args: "" }), "");
  assert.equal(render("$https", { scheme: "https" }), "on");
  assert.equal(render("$http_host"), "");
});

Deno.test("variables tell of the upstream's response once there is one", () => {
  const upstreamResponse = {
    status: 401,
    fields: [
      ["x-a", "1"],
      ["set-cookie", "A=b c; Path=/"],
      ["x-a", "2"],
      ["set-cookie", "a=second"],
    ] as const,
  };
  const values: Record<string, string> = {
    "$upstream_status": "401",
    "$upstream_http_x_a": "1, 2",
    // It can't be joined (RFC 9110 section 5.3).
    "$upstream_http_set_cookie": "A=b c; Path=/",
    "$upstream_cookie_a": "b c",
    "$upstream_cookie_b": "",
  };
  for (const [text, value] of Object.entries(values)) {
    assert.equal(render(text, { upstreamResponse }), value, text);
  }
});

Deno.test("a variable that the config defines is known there only", () => {
  const variables = new Map([["user", "joe"]]);
  const template = compileTemplate("<$User ${user}>", {
    variables: new Set(["user"]),
  });
  assert.equal(template(requestContext({ variables })), "<joe joe>");
  assert.equal(template(requestContext()), "< >");
  assert.throws(() => compileTemplate("$user"), ValueError);
  assert.throws(
    () => compileTemplate("$usr", { variables: new Set(["user"]) }),
    /did you mean "\$user"/,
  );
});

Deno.test("the client's address is added to X-Forwarded-For", () => {
  const name = "$proxy_add_x_forwarded_for";
  const forwarded = (value: string) => render(name, { forwardedFor: value });
  assert.equal(render(name), "192.0.2.1");
  assert.equal(forwarded("10.1.1.1"), "10.1.1.1, 192.0.2.1");
  assert.equal(
    forwarded("10.1.1.1, 10.2.2.2"),
    "10.1.1.1, 10.2.2.2, 192.0.2.1",
  );
  // As nginx, which looks only whether the header is there.
  assert.equal(forwarded(""), ", 192.0.2.1");
});

Deno.test("an argument is the first of its name, raw, in any case", () => {
  const arg = (args: string) => render("$arg_b", { args });
  assert.equal(arg("a=1&b=2&b=3"), "2");
  assert.equal(arg("ab=1&B=%20+x"), "%20+x");
  assert.equal(arg("b"), "");
  assert.equal(arg("b="), "");
  assert.equal(arg("xb=1"), "");
  assert.equal(arg("a=b=1"), "");
  assert.equal(arg("b==1"), "=1");
});

Deno.test("a cookie is the first of its name, raw, in any case", () => {
  const cookie = (value: string) =>
    render("$cookie_sid", { headers: new Headers({ cookie: value }) });
  assert.equal(cookie("sid=1; sid=2"), "1");
  assert.equal(cookie("a=sid=2;SID=%20x"), "%20x");
  assert.equal(cookie("asid=1"), "");
  assert.equal(cookie("sid"), "");
  assert.equal(cookie("a=1,sid=2"), "2");
  assert.equal(cookie('sid="a b"; b=c'), '"a b"');
});

Deno.test("text and variables are joined in order", () => {
  assert.equal(render(""), "");
  assert.equal(render("x"), "x");
  assert.equal(render("$host:$server_port"), "example.com:9000");
  assert.equal(render("a$host"), "aexample.com");
  assert.equal(
    render("$scheme://$host:$server_port$uri!"),
    "http://example.com:9000/a b!",
  );
  assert.equal(
    render("${host}name $$host $$$scheme"),
    "example.comname $host $http",
  );
});

Deno.test("a constant and a single variable are one call", () => {
  const context = requestContext();
  // A variable is its own template: compiled twice it is the same function.
  assert.equal(compileTemplate("$host"), compileTemplate("${host}"));
  assert.notEqual(compileTemplate("$host "), compileTemplate("$host"));
  assert.equal(compileTemplate("a$$b")(context), "a$b");
});

Deno.test("text beyond ASCII goes out as UTF-8", () => {
  assert.equal(render("é$host€"), "Ã©example.comâ\x82¬");
});

Deno.test("an unknown variable is refused, with the one that was meant", () => {
  const messages: [string, string][] = [
    ["$hots", 'unknown variable "$hots" (did you mean "$host"?)'],
    [
      "${remote_adr}",
      'unknown variable "${remote_adr}" (did you mean "$remote_addr"?)',
    ],
    ["$xyzzy_plugh", 'unknown variable "$xyzzy_plugh"'],
    ["$http_", 'unknown variable "$http_" (did you mean "$https"?)'],
    [
      "$hst$schem",
      'unknown variable "$hst" (did you mean "$host"?); unknown variable "$schem" (did you mean "$scheme"?)',
    ],
    [
      "$BACKEND",
      'unknown variable "$BACKEND" (write ${BACKEND} for the environment\'s)',
    ],
    ["$1", "$1: parts of a regular expression can't be used here"],
    ["5$", 'a "$" without a name (write "$$" for a dollar)'],
    ["$ {host}", 'a "$" without a name (write "$$" for a dollar)'],
    ["${}", 'a "$" without a name (write "$$" for a dollar)'],
    ["$constructor", 'unknown variable "$constructor"'],
    ["$host;", "no semicolon at the end here, it would be sent"],
    ["a\nb", "a header's value has no line breaks or other control characters"],
    [
      "a\x7f",
      "a header's value has no line breaks or other control characters",
    ],
  ];
  for (const [text, message] of messages) {
    assert.throws(() => compileTemplate(text), new ValueError(message), text);
  }
});

Deno.test("an unknown variable never passes", () => {
  const known = new Set(VARIABLE_NAMES);
  fc.assert(fc.property(fc.stringMatching(/^[a-z_]\w{0,12}$/), (name) => {
    fc.pre(
      !known.has(name.toLowerCase()) && !/^(arg|http|cookie)_./i.test(name),
    );
    assert.throws(() => compileTemplate(`$${name}`), ValueError);
  }));
});

Deno.test("control characters of a path are escaped again", () => {
  const path = "/a\r\nX-Evil: 1\x00\t\x7fÿ";
  const escaped = "/a%0D%0AX-Evil: 1%00%09%7Fÿ";
  assert.equal(render("$uri", { path }), escaped);
  assert.equal(render("$document_uri", { path }), escaped);
});

Deno.test("a target with raw UTF-8 goes out as the bytes that came", () => {
  assert.equal(render("$request_uri", { requestUri: "/é?é" }), "/Ã©?Ã©");
  assert.equal(render("$args", { args: "x=€" }), "x=â\x82¬");
  assert.equal(render("$arg_x", { args: "x=€" }), "â\x82¬");
});

Deno.test("no request can make a header that is none", () => {
  const names = VARIABLE_NAMES.map((name) => name.replace("NAME", "x"));
  const template = compileTemplate(
    names.map((name) => `\${${name}}`).join("|"),
  );
  const text = fc.string({ unit: "binary", maxLength: 20 });
  const bytes = fc.string({
    unit: fc.nat({ max: 255 }).map((code) => String.fromCharCode(code)),
  });
  const header = bytes.filter((value) => {
    try {
      return new Headers({ x: value }).get("x") !== null;
    } catch {
      return false;
    }
  });
  fc.assert(
    fc.property(
      text,
      text,
      bytes,
      header,
      header,
      (uri, args, path, x, cookie) => {
        const headers = new Headers({
          x,
          "content-type": x,
          "x-forwarded-for": x,
        });
        headers.set("cookie", cookie);
        const value = template(requestContext({
          requestUri: `/${uri}`,
          args: `x=${args}`,
          path: `/${path}`,
          headers,
        }));
        assert.doesNotMatch(value, /[\0\r\n]/);
        assert.equal(
          new Headers([["x", value]]).get("x"),
          value.replace(/^[ \t]+|[ \t]+$/g, ""),
        );
      },
    ),
    { numRuns: 1000 },
  );
});
