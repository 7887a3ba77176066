/**
 * `root` and `alias`: answers with files, as nginx does.
 *
 * `@std/http/file-server` is not used: it knows one range, one `ETag` of its own
 * making, no precompressed files, and opens what it is told. What it does well,
 * the sending of a file by the platform's own stream, is done here too.
 *
 * @module
 */
import { replaceControls } from "../../config/plain_text.ts";
import type { LocationPlan, StaticPlan } from "../../config/plan.ts";
import { absoluteUrl } from "../../exchange/absolute_redirect.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { InternalRedirect } from "../../exchange/internal_redirect.ts";
import { LocalResponse } from "../../exchange/local_response.ts";
import { utf8Bytes } from "../../route/bytes.ts";
import { escapePath } from "../../route/target.ts";
import type { ContentState } from "../state.ts";
import { FileAnswer } from "./file_answer.ts";
import { type FoundFolder, Search } from "./find.ts";
import { Absent } from "./folders.ts";

/** Answers a request with a file, or says where the answer is to be had. */
export function serveFiles(
  exchange: Exchange,
  location: LocationPlan,
  plan: StaticPlan,
  state: Pick<ContentState, "folders" | "errorLog">,
): Response | LocalResponse | InternalRedirect {
  const search = new Search(location, plan, state.folders);
  const found = search.find(exchange);
  if (found instanceof Absent) return refusal(found, location, state);
  switch (found.kind) {
    case "elsewhere":
      return new InternalRedirect(found.target, [], true);
    case "folder":
      return folderRedirect(found, exchange);
    case "file": {
      const answer = new FileAnswer(found, search, exchange).answer();
      return answer instanceof Absent
        ? refusal(answer, location, state)
        : answer;
    }
  }
}

/** To the path with a slash at its end, so that relative links are right. */
export function folderRedirect(
  { path }: FoundFolder,
  exchange: Exchange,
): LocalResponse {
  const { args } = exchange;
  // One slash: two would name a host.
  const url = `/${escapePath(path.replace(/^\/+/, ""))}/` +
    // Deno gives raw UTF-8 in a target as characters; a header takes bytes.
    (args === "" ? "" : utf8Bytes(`?${args}`));
  return new LocalResponse(301, "The folder's path ends with a slash.", null, [
    ["location", absoluteUrl(url, exchange)],
  ]);
}

/** What clients are told does not say what is on the disk. */
function refusal(
  absent: Absent,
  { key }: LocationPlan,
  { errorLog }: Pick<ContentState, "errorLog">,
): LocalResponse {
  const { status, why } = absent;
  switch (status) {
    case 403:
      return new LocalResponse(403, "This may not be seen.", `${key}: ${why}`);
    case 404:
      return new LocalResponse(404, "There is no such file.", `${key}: ${why}`);
    case 405:
      return new LocalResponse(
        405,
        "A file can only be read.",
        `${key}: ${why}`,
        [["allow", "GET, HEAD"]],
      );
    case 500:
      // A path may have line breaks in it.
      errorLog(`500 ${key}: ${replaceControls(why, () => " ")}`);
      return new LocalResponse(500, "The file can't be read.", why);
    default:
      return new LocalResponse(status, "The config answers so.", why);
  }
}
