// An OpenID Connect provider for tests: panva's oidc-provider with one client and people kept in memory.
//
//   node provider.mjs PORT REDIRECT_URI
//
// It prints one line when it listens. PUT /test/people replaces the people: {"ann": {"email": …, "groups": […]}}.

import http from "node:http";

import { Provider } from "oidc-provider";

const [port, redirect] = process.argv.slice(2);
let people = {};

const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    {
      client_id: "nave",
      client_secret: "a secret: with + & % in it",
      redirect_uris: [redirect],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["name", "given_name", "family_name", "preferred_username"],
    groups: ["groups"],
  },
  cookies: { keys: ["only for tests"] },
  pkce: { required: () => true },
  findAccount: (_, id) =>
    people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  // Nobody is asked whether nave may know who he is.
  async loadExistingGrant(context) {
    const grant = new context.oidc.provider.Grant({
      clientId: context.oidc.client.clientId,
      accountId: context.oidc.session.accountId,
    });
    grant.addOIDCScope("openid email profile groups");
    await grant.save();
    return grant;
  },
});

const answer = provider.callback();
const server = http.createServer((request, response) => {
  if (request.url !== "/test/people") return answer(request, response);
  let body = "";
  request.on("data", (piece) => (body += piece));
  request.on("end", () => {
    people = JSON.parse(body);
    response.writeHead(204).end();
  });
});
server.listen(Number(port), "localhost", () => console.log(`listening at http://localhost:${port}`));
