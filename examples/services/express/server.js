// A small JSON service to load, with an access log: one line per request on standard output.
//
//     npm install
//     PORT=8093 node server.js

"use strict";

const express = require("express");

const port = Number(process.env.PORT ?? 8093);
const app = express();

// `close` comes once for each response, whether it was sent whole or the client went away first.
app.use((request, response, next) => {
  response.on("close", () => console.log(`${request.method} ${request.originalUrl} ${response.statusCode}`));
  next();
});

app.get("/products/:id", (request, response) => {
  const id = Number(request.params.id);
  response.json({ id, name: `product ${id}`, price_cents: 100 * id });
});

const server = app.listen(port, "127.0.0.1");
process.on("SIGTERM", () => server.close());
