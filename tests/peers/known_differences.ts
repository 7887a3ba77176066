/**
 * The cases that this proxy takes otherwise than their author, and why. Where the
 * reason is the platform, README names it under "Limits".
 *
 * @module
 */
import type { Difference } from "./cases.ts";

/** Of h2spec 2.2.1. */
export const H2SPEC: Readonly<Record<string, Difference>> = {
  "http2/3.5 Sends invalid connection preface": {
    outcome: "Connection closed; Error: http2: failed reading the frame " +
      "payload: unexpected EOF, note that the frame header looked like an " +
      "HTTP/1.1 header",
    why:
      "the port takes HTTP/1.1 as well: what is no preface is a request of " +
      "it, and answered 400 before the connection is closed",
  },
};

/** Of gunicorn 27.0.1, by the reason. */
export const GUNICORN: Readonly<Record<string, Difference>> = {
  ...because(
    "gunicorn's own limits, or its settings in the case, are smaller",
    {
      "invalid/006": "200, upstream: PUT /q=08aP8931Ltyl9nqyJvjMaRCOgDV…",
      "invalid/007":
        '200, upstream: PUT /stuff/here?foo=bar "{\\"nom\\": \\"nom\\"}"',
      "invalid/008": "200, upstream: PUT /stuff/here?foo=bar",
      "invalid/009":
        '200, upstream: PUT /stuff/here?foo=bar "{\\"nom\\": \\"nom\\"}"',
      "invalid/010": "200, upstream: GET /test",
      "invalid/011": "200, upstream: GET /test",
      "invalid/012": "200, upstream: GET /test",
      "invalid/017": "200, upstream: GET /test",
      "invalid/limit_header_default_01": "200, upstream: GET /",
    },
  ),
  ...because("forwarding fields of an untrusted client are replaced", {
    "invalid/019": "200, upstream: GET /test",
  }),
  ...because("a repeated field is the upstream's to judge, as in nginx", {
    "invalid/041": "200, upstream: GET /stuff/here?foo=bar",
  }),
  ...because("a field with an underscore in its name is dropped, as in nginx", {
    "invalid/chunked_07":
      '200, upstream: POST /chunked_ambiguous_header_mapping "hello world"',
  }),
  ...because("Deno allows spaces around a chunk's size, and passes on none", {
    "invalid/chunked_09":
      '200, upstream: POST /chunked_ows_without_ext "hello"',
    "invalid/chunked_10": '200, upstream: POST /chunked_ows_before "hello"',
  }),
  ...because("trailers are dropped, whatever is in them", {
    "invalid/rfc9110_trailer_forbidden_cl_01": '200, upstream: POST /p "hello"',
    "invalid/rfc9110_trailer_forbidden_host_01":
      '200, upstream: POST /p "hello"',
    "invalid/rfc9110_trailer_forbidden_te_01": '200, upstream: POST /p "hello"',
  }),
  ...because("RFC 9112 2.2 allows it, and it is passed on in the strict form", {
    "invalid/rfc9112_bare_lf_01": "200, upstream: GET /",
    "invalid/rfc9112_leading_crlf_02": "200, upstream: GET /",
  }),
  ...because("bytes above 127 pass in a target, as in nginx", {
    "invalid/rfc9112_target_non_ascii_02": "200, upstream: GET /Ã\xa0%20k",
  }),
  ...because("a GET with a body is refused", {
    "valid/008": "400, upstream: nothing",
    "valid/020": "400, upstream: nothing",
    "valid/040": "400, upstream: nothing",
    "valid/040_compat": "400, upstream: nothing",
    "valid/rfc9110_body_framing_get_cl_nonzero_01": "400, upstream: nothing",
  }),
  ...because("transfer codings other than chunked are refused, as in nginx", {
    "valid/025": "501, upstream: nothing",
    "valid/025_line": "501, upstream: nothing",
    "valid/029": "400, upstream: nothing",
    "valid/030": "400, upstream: nothing",
    "valid/rfc9112_smuggle_gzip_chunked_01": "501, upstream: nothing",
    "valid/rfc9112_smuggle_te_identity_chunked_01": "400, upstream: nothing",
  }),
  ...because("gunicorn takes it only with a setting for old or odd clients", {
    "valid/028": "400, upstream: nothing",
    "valid/031compat": "400, upstream: nothing",
    "valid/031compat2": "400, upstream: nothing",
    "valid/compat_obs_fold": "400, upstream: nothing",
    "valid/compat_obs_fold_huge": "400, upstream: nothing",
  }),
  ...because(
    "the body is shorter than announced: the proxy waits for the rest",
    {
      "valid/099": "no answer, upstream: nothing",
    },
  ),
  ...because("the PROXY protocol is not spoken", {
    "valid/pp_01": "400, upstream: nothing",
    "valid/pp_02": "400, upstream: nothing",
    "valid/pp_04": "400, upstream: nothing",
    "valid/pp_05": "400, upstream: nothing",
  }),
  ...because("user information in a target is refused (RFC 9110 4.2.4)", {
    "valid/rfc9112_target_absolute_userinfo_01": "400, upstream: nothing",
  }),
  ...because(
    "it is for the server itself, or for a forward proxy: not passed on",
    {
      "valid/rfc9112_target_asterisk_options_01": "400, upstream: nothing",
      "valid/rfc9112_target_authority_connect_01": "405, upstream: nothing",
      "valid/rfc9112_target_authority_ipv6_01": "405, upstream: nothing",
    },
  ),
};

function because(
  why: string,
  outcomes: Readonly<Record<string, string>>,
): Record<string, Difference> {
  return Object.fromEntries(
    Object.entries(outcomes).map(([name, outcome]) => [name, { outcome, why }]),
  );
}
