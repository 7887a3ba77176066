import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { servers, testGroup } from "./group_fixture.ts";

Deno.test("weights share the requests as nginx does", () => {
  using it = testGroup({ servers: servers({ weight: 5 }, {}, {}) });
  equal(it.picks(14), "11213111121311");
});

Deno.test("a server that is down takes nothing", () => {
  using it = testGroup({ servers: servers({}, { down: true }, {}) });
  equal(it.picks(4), "1313");
  using all = testGroup({ servers: servers({ down: true }, { down: true }) });
  equal(all.picks(2), "nonenone");
  using single = testGroup({ servers: servers({ down: true }) });
  equal(single.picks(1), "none");
});

Deno.test("a backup takes requests only while no other server can", () => {
  using it = testGroup({ servers: servers({}, {}, { backup: true }) });
  equal(it.picks(4), "1212");
  it.server("1").failed(it.now);
  equal(it.picks(3), "222");
  it.server("2").failed(it.now);
  equal(it.picks(3), "333");
  it.now += 10_001;
  // Each is tried by one request.
  equal(it.picks(4), "1233");
  it.server("1").succeeded(it.now + 1);
  equal(it.picks(3), "111");
});

Deno.test("a backup takes what the others have no place for", () => {
  using it = testGroup({
    servers: servers({ max_conns: 1 }, { backup: true, max_conns: 1 }),
  });
  equal(it.pick(), "1");
  equal(it.pick(), "2");
  equal(it.pick(), "busy");
  it.server("1").release();
  equal(it.pick(), "1");
});

Deno.test("a server with max_conns exchanges takes no more until one ends", () => {
  using it = testGroup({
    servers: servers({ max_conns: 2 }, { max_conns: 1 }),
  });
  deepStrictEqual([it.pick(), it.pick(), it.pick()].sort(), ["1", "1", "2"]);
  equal(it.pick(), "busy");
  it.server("2").release();
  equal(it.pick(), "2");
  using single = testGroup({ servers: servers({ max_conns: 1 }) });
  equal(single.pick(), "1");
  equal(single.pick(), "busy");
});

Deno.test("no place at some and no health at the others is busy, no health at all is none", () => {
  using it = testGroup({ servers: servers({ max_conns: 1 }, {}) });
  equal(it.pick(), "1");
  it.server("2").checked(false, it.now);
  equal(it.pick(), "busy");
  it.server("1").checked(false, it.now);
  equal(it.pick(), "none");
});

Deno.test("what a request has had it does not get again", () => {
  using it = testGroup({ servers: servers({}, {}, {}) });
  const [a, b, c] = ["1", "2", "3"].map((name) => it.server(name));
  equal(it.pick({}, [a!, b!]), "3");
  equal(it.pick({}, [a!, b!, c!]), "none");
});

Deno.test("a failing server is left out, tried once after fail_timeout, and back when it answers", () => {
  using it = testGroup({ servers: servers({ fail_timeout: "5s" }, {}) });
  const a = it.server("1");
  equal(a.failed(it.now), true);
  equal(it.picks(4), "2222");
  it.now += 5_001;
  equal([...it.picks(4)].sort().join(""), "1222");
  a.failed(it.now);
  it.now += 5_001;
  equal([...it.picks(4)].sort().join(""), "1222");
  equal(a.succeeded(it.now), true);
  equal([...it.picks(4)].sort().join(""), "1122");
});

Deno.test("where all fail all are tried, and the first that answers is back alone", () => {
  using it = testGroup({ servers: servers({}, {}, {}) });
  for (const server of it.group.servers) server.failed(it.now);
  it.now++;
  equal([...new Set(it.picks(6))].sort().join(""), "123");
  it.server("2").succeeded(it.now + 1);
  equal(it.picks(3), "222");
});

Deno.test("a request that was tried elsewhere may go to a server that fails, if no other is left", () => {
  using it = testGroup({ servers: servers({}, {}, {}) });
  it.server("1").failed(it.now);
  equal(it.pick({}, [it.server("2")]), "3");
  equal(it.pick({}, [it.server("2"), it.server("3")]), "1");
});

Deno.test("a single server is never left out for its failures, only for its health", () => {
  using it = testGroup({ servers: servers({ max_fails: 1 }) });
  const only = it.server("1");
  for (let i = 0; i < 5; i++) only.failed(it.now);
  equal(it.picks(2), "11");
  only.checked(false, it.now);
  equal(it.picks(1), "none");
});

Deno.test("a server that comes back slowly gets a growing share, by each method that weighs", () => {
  for (const balance of ["round_robin", "least_conn"]) {
    using it = testGroup({
      balance,
      servers: servers({ slow_start: "100s" }, {}),
    });
    const slow = it.server("1");
    slow.checked(false, it.now);
    slow.checked(true, it.now);
    const shares: number[] = [];
    for (let tenth = 0; tenth < 12; tenth++) {
      it.now += 5_000;
      // Half of what comes in each tenth is looked at, with 20 in flight.
      const flight: string[] = [];
      let taken = 0;
      for (let i = 0; i < 220; i++) {
        const name = it.pick();
        if (name === "1") taken++;
        flight.push(name);
        if (flight.length > 20) it.server(flight.shift()!).release();
      }
      for (const name of flight) it.server(name).release();
      shares.push(taken / 220);
      it.now += 5_000;
    }
    const words = `${balance}: ${shares.map((s) => s.toFixed(2)).join(" ")}`;
    // Of a weight of w and one of 1 the first is due w / (w + 1).
    shares.forEach((share, tenth) => {
      const weight = Math.min(1, (tenth + 0.5) / 10);
      ok(Math.abs(share - weight / (weight + 1)) < 0.06, words);
    });
  }
});

Deno.test("a client stays with its server by cookie, and gets another with its cookie when that is down", () => {
  using it = testGroup({ sticky: "route", servers: servers({}, {}, {}) });
  const { group } = it;
  equal(it.pick(), "1");
  const first = it.server("1");
  const cookie = group.cookieFor(
    { remoteAddr: "", key: "", cookie: null },
    first,
  );
  match(cookie ?? "", /^route=[0-9a-f]{16}; Path=\/; HttpOnly; SameSite=Lax$/);
  const headers = new Headers({ cookie: `a=b; ${cookie?.split(";")[0]}; c=d` });
  const value = group.cookieIn(headers);
  const client = { remoteAddr: "", key: "", cookie: value };
  for (let i = 0; i < 5; i++) equal(it.pick(client), "1");
  equal(group.cookieFor(client, first), null);
  first.failed(it.now);
  const other = it.pick(client);
  ok(other !== "1");
  ok(group.cookieFor(client, it.server(other)) !== null);
});

Deno.test("only a cookie of just that name is the sticky one", () => {
  using it = testGroup({ sticky: "a.b", servers: servers({}, {}) });
  const found = (cookie: string) => it.group.cookieIn(new Headers({ cookie }));
  equal(found("a.b=12ab"), "12ab");
  equal(found("x=1; a.b=12ab; y=2"), "12ab");
  equal(found("x=1;a.b=12ab"), "12ab");
  equal(found("axb=12ab"), null);
  equal(found("xa.b=12ab"), null);
  equal(found("x=a.b=12ab"), null);
  equal(it.group.cookieIn(new Headers()), null);
});

Deno.test("a server that is listed twice is two servers", () => {
  const twice = { address: "127.0.0.1:8000" };
  using it = testGroup({ servers: [twice, twice] });
  equal(it.group.servers.length, 2);
  equal(it.picks(2), "11");
});
