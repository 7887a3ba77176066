/**
 * `/recording`, a request that the live page shows, and `/replay`, which sends it
 * through the proxy again. Both tell no more of it than the page shows: what is
 * secret stays in the thread that has it.
 *
 * @module
 */
import type { Recording } from "../observe/recorder/recording.ts";
import type { AdminParts } from "./parts.ts";
import { json } from "./response.ts";

interface Asked {
  readonly request: Request;
  readonly parts: AdminParts;
}

/** `GET /recording?id=…`, and `&at=…` where several have the same id. */
export async function recording(asked: Asked): Promise<Response> {
  const found = await recordingOf(asked);
  return found === null ? forgotten() : json(200, found);
}

/** `POST /replay`, with the same parameters. */
export async function replay(asked: Asked): Promise<Response> {
  const found = await recordingOf(asked);
  if (found === null) return forgotten();
  if (found.noReplay !== null) return json(422, { why: found.noReplay });
  const { recordings } = asked.parts.proxy;
  const replayed = await recordings.replay(found.id, found.at);
  if (replayed === null) return forgotten();
  return "refused" in replayed
    ? json(409, { why: replayed.refused })
    : json(200, replayed);
}

async function recordingOf(
  { request, parts }: Asked,
): Promise<Recording | null> {
  const parameters = new URL(request.url).searchParams;
  const at = parameters.get("at");
  return await parts.proxy.recordings.find(
    parameters.get("id") ?? "",
    at === null ? null : Number(at),
  );
}

function forgotten(): Response {
  return json(404, {
    why:
      "The proxy keeps no such request: it keeps the last ones, as long as " +
      "somebody looks at the live page.",
  });
}
