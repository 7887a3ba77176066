// Express with its `compression`, on a free port, which it prints. It ends with
// its standard input.
import compression from "compression";
import express from "express";

const app = express();
app.use(compression());
app.get("/", (_request, response) => {
  response.type("text/plain").send("one line of many\n".repeat(4_000));
});
const server = app.listen(0, "127.0.0.1", () => {
  console.log(server.address().port);
});
process.stdin.resume().on("end", () => process.exit());
