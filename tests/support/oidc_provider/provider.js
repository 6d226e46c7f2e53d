// An OpenID Connect provider with a few people, for tests of sign-in against an implementation that is not ours.
//
//   node provider.js '{"redirectUri": "…", "clientId": "…", "clientSecret": "…", "claimsInToken": true}'
//
// Prints its issuer on the first line. Who signs in under a name gets the claims of that person, with any password.
// POST /fault/{kind} makes every later ID token faulty in that way; POST /fault/none heals it.

import { createServer } from "node:http";
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { SignJWT, decodeJwt } from "jose";
import Provider from "oidc-provider";

const options = JSON.parse(process.argv[2]);
const MANY = { _claim_names: { groups: "src1" }, _claim_sources: { src1: { endpoint: "https://graph.example.org" } } };
const PEOPLE = {
  ada: { email: "ada@acme.example", name: "Ada Lovelace", groups: ["dpp-payments-leads", "everybody"] },
  alan: { email: "alan@acme.example", name: "Alan Turing", groups: ["everybody"] },
  root: { email: "root@acme.example", name: "Grace Hopper", groups: ["dpp-admins"] },
  many: { email: "many@acme.example", name: "Member Of Many", ...MANY },
};

const newKey = (kid) => ({
  ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256",
});
const publicHalf = ({ kty, n, e, kid, use, alg }) => ({ kty, n, e, kid, use, alg });
const keys = { first: newKey("first"), second: newKey("second") };
let fault = "none";

const server = createServer();
await new Promise((listening) => server.listen(options.port ?? 0, "localhost", listening));
const issuer = `http://localhost:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: options.clientId,
      client_secret: options.clientSecret,
      redirect_uris: [options.redirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  claims: {
    openid: ["sub"],
    profile: ["name", "groups", "_claim_names", "_claim_sources"],
    email: ["email"],
  },
  conformIdTokenClaims: !options.claimsInToken,
  pkce: { required: () => true },
  jwks: { keys: [keys.first] },
  cookies: { keys: ["for tests alone"] },
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Grant: 600, Session: 600 },
  async findAccount(_context, id) {
    return PEOPLE[id] && { accountId: id, claims: async () => ({ sub: id, ...PEOPLE[id] }) };
  },
});

provider.use(async (context, next) => {
  const [, place, kind] = context.path.split("/");
  if (context.method === "POST" && place === "fault") {
    fault = kind;
    context.status = 204;
    return;
  }
  await next();
  if (context.path === "/token" && context.body?.id_token && fault !== "none") {
    context.body.id_token = await faulty(context.body.id_token);
  }
  if (context.path === "/jwks" && fault === "rotated") {
    context.body = { keys: [publicHalf(keys.second)] };
  }
});

async function faulty(token) {
  const claims = decodeJwt(token);
  const now = Math.floor(Date.now() / 1000);
  switch (fault) {
    case "rotated":
      return sign(claims, keys.second);
    case "unpublished":
      return sign(claims, { ...keys.second, kid: "third" });
    case "expired":
      return sign({ ...claims, iat: now - 600, exp: now - 300 }, keys.first);
    case "nonce":
      return sign({ ...claims, nonce: "another" }, keys.first);
    case "issuer":
      return sign({ ...claims, iss: "https://evil.example" }, keys.first);
    case "audience":
      return sign({ ...claims, aud: "another-application" }, keys.first);
    case "unsigned":
      return `${encoded({ alg: "none" })}.${encoded(claims)}.`;
    case "password":
      return withPublicKeyAsPassword(claims);
    default:
      throw new Error(`no such fault: ${fault}`);
  }
}

function sign(claims, key) {
  const header = { alg: "RS256", kid: key.kid };
  return new SignJWT(claims).setProtectedHeader(header).sign(createPrivateKey({ key, format: "jwk" }));
}

function withPublicKeyAsPassword(claims) {
  const pem = createPublicKey({ key: publicHalf(keys.first), format: "jwk" }).export({ type: "spki", format: "pem" });
  const signed = `${encoded({ alg: "HS256", kid: "first" })}.${encoded(claims)}`;
  return `${signed}.${createHmac("sha256", pem).update(signed).digest("base64url")}`;
}

function encoded(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

server.on("request", provider.callback());
console.log(issuer);
