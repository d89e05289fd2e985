// Your own login, in Node without any package: mcpauth sends people here, and this site says who they are.
// Run: MCPAUTH_LOGIN_SECRET=mcpauth_ol_… node node.mjs 3000
import { createServer } from "node:http";

const SECRET = process.env.MCPAUTH_LOGIN_SECRET;
const ISSUERS = (process.env.MCPAUTH_ISSUERS ?? "").split(" "); // the issuer URLs of your project

createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname !== "/login") return response.writeHead(404).end();
  const issuer = url.searchParams.get("iss");
  if (!ISSUERS.includes(issuer)) return response.writeHead(400).end("unknown issuer"); // the secret goes to nobody else
  const person = signedInPerson(request); // your session; if there is none, show your own sign-in page first
  const answer = await fetch(`${issuer}/api/oauth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${SECRET}` },
    body: JSON.stringify({ request: url.searchParams.get("request"), ...person }),
  });
  const body = await answer.json();
  if (!answer.ok) return response.writeHead(502).end(body.error_description);
  response.writeHead(303, { Location: body.redirect_to, "Cache-Control": "no-store" }).end();
}).listen(Number(process.argv[2] ?? 3000), "localhost");

/** Replace this with your own session. Hand over only addresses that you have verified. */
function signedInPerson() {
  return { subject: "u-42", email: "grace@acme.example", name: "Grace Hopper", organizations: [{ id: "navy", name: "Navy" }] };
}
