-- For wrk: a body where BODY_SIZE is set, and the result as one line of JSON.
local size = tonumber(os.getenv("BODY_SIZE") or "0")
if size > 0 then
  wrk.method = "POST"
  wrk.body = string.rep("x", size)
  wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\n{"units":%d,"errors":%d,"seconds":%f,"p50":%f,"p99":%f,"p999":%f}\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout,
    summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9)))
end
