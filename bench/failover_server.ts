/**
 * A server that fails as it is told to, for failover.ts. Its standard output
 * says `listening PORT`, and `did ID` of each POST before it is answered: what
 * a server does on behalf of a request it has done whatever becomes of the
 * answer. Its standard input takes how it behaves from now on: `well`, `500`,
 * or `reset`, which does what it is asked and resets the connection, or resets
 * it before it has read anything.
 *
 *     deno run --allow-net failover_server.ts NAME PORT
 *
 * @module
 */
const [name = "", port = "0"] = Deno.args;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const OK = answer("200 OK", name);
const BROKEN = answer("500 Internal Server Error", name);

let manner = "well";
const open = new Set<Deno.Conn>();
const listener = Deno.listen({ hostname: "127.0.0.1", port: Number(port) });
say(`listening ${(listener.addr as Deno.NetAddr).port}`);
obey();
for await (const connection of listener) serve(connection);

function answer(status: string, body: string): Uint8Array {
  return encoder.encode(
    `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
}

/** At once, so that it is said also by one that is killed then. */
function say(line: string): void {
  Deno.stdout.writeSync(encoder.encode(line + "\n"));
}

async function obey(): Promise<void> {
  for await (const chunk of Deno.stdin.readable) {
    manner = decoder.decode(chunk).trim().split("\n").at(-1) ?? manner;
    if (manner !== "reset") continue;
    for (const connection of open) end(connection);
  }
}

async function serve(connection: Deno.Conn): Promise<void> {
  open.add(connection);
  try {
    const chunk = new Uint8Array(16384);
    let text = "";
    while (true) {
      if (manner === "reset" && Math.random() < 0.5) {
        // What arrives meanwhile is not read: the end is a reset then.
        await new Promise((resolve) => setTimeout(resolve, 2));
        return;
      }
      let end = lengthOf(text);
      while (end === null || text.length < end) {
        const read = await connection.read(chunk);
        if (read === null) return;
        text += decoder.decode(chunk.subarray(0, read));
        end = lengthOf(text);
      }
      const id = /^POST \/(\w+)/.exec(text)?.[1];
      if (id !== undefined) say(`did ${id}`);
      text = text.slice(end);
      if (manner === "reset") return;
      await connection.write(manner === "500" ? BROKEN : OK);
    }
  } catch {
    // The proxy has hung up, or this end has.
  } finally {
    end(connection);
  }
}

/** Where the request ends that a text begins with; null before its head does. */
function lengthOf(text: string): number | null {
  const head = text.indexOf("\r\n\r\n");
  if (head === -1) return null;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head))?.[1];
  return head + 4 + Number(length ?? 0);
}

function end(connection: Deno.Conn): void {
  open.delete(connection);
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
