// HTTP servers of the suite: on free ports of this computer, for the time of a test.
import { once } from "node:events";
import { createServer } from "node:http";

/** Serves a handler on localhost until the test ends. */
export async function serve(t, handler, { host = "localhost", port = 0 } = {}) {
  const server = createServer(handler).listen(port, host);
  await once(server, "listening");
  const close = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  t.after(close);
  const bound = server.address().port;
  return { port: bound, origin: `http://${host}:${bound}`, close };
}

/** A port that is free now. */
export async function freePort(host = "localhost") {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/**
 * The loopback server of a native client (RFC 8252 section 7.3). `arrival()` waits for the browser's next return and gives the
 * parameters it came with.
 */
export async function startCallback(t, path = "/callback") {
  const waiting = [];
  const arrived = [];
  const { port } = await serve(t, (request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    if (url.pathname !== path) return response.writeHead(404).end();
    const next = waiting.shift();
    if (next) next(url.searchParams);
    else arrived.push(url.searchParams);
    response.writeHead(200, { "Content-Type": "text/plain" }).end("Back in the app.");
  }, { host: "127.0.0.1" });
  return {
    url: `http://127.0.0.1:${port}${path}`,
    arrival: () => (arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve))),
    get unread() {
      return arrived.length;
    },
  };
}
