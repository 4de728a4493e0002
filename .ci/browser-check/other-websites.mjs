// Pages of other websites try to read and change the local environment, and must not succeed.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { attack } from "./attacks.mjs";
import { launch, step, summary } from "./browser.mjs";

const url = process.argv[2];
const status = await (await fetch(`${url}/_local/status`)).json();
const secret = `secret-${randomUUID()}`;
const table = { TableName: "BrowserCheck" };
const stream = { StreamName: "BrowserCheck" };
const key = { id: { S: "1" } };

const json = { DynamoDB_20120810: "application/x-amz-json-1.0", Kinesis_20131202: "application/x-amz-json-1.1" };
const headersOf = (api, operation) => ({
  "x-amz-target": `${api}.${operation}`,
  "content-type": json[api],
  "x-amz-date": "20260101T000000Z",
  authorization: "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/any/aws4_request, SignedHeaders=host, Signature=0",
});

/** Calls a service from this program, as an SDK would. */
async function call(api, operation, request) {
  const base = api.startsWith("Kinesis") ? status.kinesis_url : status.dynamodb_url;
  const options = { method: "POST", headers: headersOf(api, operation), body: JSON.stringify(request) };
  const response = await fetch(base, options);
  const answer = await response.text();
  assert.equal(response.status, 200, `${operation}: ${answer}`);
  return answer && JSON.parse(answer);
}
const dynamodb = (operation, request) => call("DynamoDB_20120810", operation, request);
const kinesis = (operation, request) => call("Kinesis_20131202", operation, request);
const faults = async () => (await fetch(`${url}/_local/faults`)).json();

await dynamodb("CreateTable", {
  ...table,
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
});
const item = { ...key, secret: { S: secret } };
await dynamodb("PutItem", { ...table, Item: item });
await kinesis("CreateStream", { ...stream, ShardCount: 1 });
const summaryOf = async () => (await kinesis("DescribeStreamSummary", stream)).StreamDescriptionSummary;
// No function calls this operation.
const fault = { target: "kinesis", operation: "ListStreams", effect: { error: { code: "Boom", message: secret } } };
const injected = await fetch(`${url}/_local/faults`, { method: "POST", body: JSON.stringify(fault) });
assert.equal(injected.status, 201, await injected.text());
const before = { faults: await faults(), stream: await summaryOf() };
assert.equal(before.faults.length, 1);

/** Calls of each address that would read the secret or change something. */
const post = (api, name, request) =>
  ({ name, method: "POST", path: "/", headers: headersOf(api, name), body: JSON.stringify(request) });
const local = (name, method, path, body) =>
  ({ name, method, path, headers: { "content-type": "application/json" }, body });
// The body of a form contains a "=": here it is inside a JSON string.
const wanted = '{"target":"kinesis","effect":{"error":{"code":"Boom","message":"a=b"}}}';
const addresses = [
  {
    base: status.dynamodb_url,
    calls: [
      post("DynamoDB_20120810", "Scan", table),
      post("DynamoDB_20120810", "DeleteItem", { ...table, Key: key }),
      post("DynamoDB_20120810", "DeleteTable", table),
      local("look", "GET", "/"),
    ],
  },
  {
    base: status.kinesis_url,
    calls: [
      post("Kinesis_20131202", "ListStreams", {}),
      post("Kinesis_20131202", "DeleteStream", stream),
      local("look", "GET", "/"),
    ],
  },
  {
    base: url,
    calls: [
      local("read the status", "GET", "/_local/status"),
      local("read the faults", "GET", "/_local/faults"),
      local("inject a fault", "POST", "/_local/faults", wanted),
      local("remove a fault", "DELETE", `/_local/faults/${before.faults[0].id}`),
      local("remove all faults", "DELETE", "/_local/faults"),
    ],
  },
];

/** Words that appear only in responses to accepted requests. */
const leaks = [secret, "BrowserCheck", status.dynamodb_url, "healthy", "RequestId"];

/** Runs all attacks on an address from a page. */
async function attackFrom(page, base, calls) {
  const outcomes = await page.evaluate(attack, { base, calls });
  for (const { attempt, text } of outcomes) {
    const found = `${page.url()} with "${attempt}" at ${base}: ${text}`;
    for (const word of leaks) assert(!text.includes(word), found);
    assert(!/^(basic|cors|default) 2/.test(text), found);
  }
  return outcomes;
}

/** Checks the state from this program, which is not a browser and so not blocked. */
async function nothingHasChanged() {
  assert.deepEqual((await dynamodb("GetItem", { ...table, Key: key })).Item, item);
  assert.deepEqual(await summaryOf(), before.stream);
  assert.deepEqual(await faults(), before.faults);
}

const server = createServer((_request, response) => {
  response.setHeader("content-type", "text/html");
  response.end("<!doctype html><title>another website</title><body></body>");
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address();

const { context, close } = await launch([
  "--host-resolver-rules=MAP *.test 127.0.0.1",
  // The local environment must block these requests itself, without help from the browser.
  "--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights,BlockInsecurePrivateNetworkRequests",
]);
try {
  for (const host of ["evil.test", "localhost", "127.0.0.1"]) {
    await step(`a page of ${host}, another port, gets nothing`, async () => {
      const page = await context.newPage();
      await page.goto(`http://${host}:${port}/`);
      for (const { base, calls } of addresses) {
        const outcomes = await attackFrom(page, base, calls);
        // An opaque response proves that the browser sent the request.
        const opaque = outcomes.filter(({ attempt, text }) => attempt.endsWith("no-cors") && text.startsWith("opaque"));
        assert.equal(opaque.length, calls.length, JSON.stringify(outcomes, null, 2));
      }
      await nothingHasChanged();
      await page.close();
    });
  }
  await step("a page whose name resolves to 127.0.0.1 (DNS rebinding) gets nothing", async () => {
    for (const { base, calls } of addresses) {
      const rebound = base.replace("127.0.0.1", "evil.test");
      const page = await context.newPage();
      // As if the name had resolved to another machine when the page was loaded.
      await page.route(`${rebound}/page`, (route) => route.fulfill({ contentType: "text/html", body: "<body></body>" }));
      await page.goto(`${rebound}/page`);
      const outcomes = await attackFrom(page, rebound, calls);
      const answered = outcomes.filter(({ text }) => text.startsWith("basic 403"));
      assert.equal(answered.length, 4 * calls.length, JSON.stringify(outcomes, null, 2));
      for (const { text } of answered) assert(text.includes(" refused: "), text);
      await nothingHasChanged();
      await page.close();
    }
  });
  await step("a page of the same origin gets its response", async () => {
    const page = await context.newPage();
    await page.goto(`${url}/reference`);
    const seen = await page.evaluate(async () => (await fetch("/_local/faults")).json());
    assert.deepEqual(seen, before.faults);
    await page.close();
  });
  summary();
} finally {
  await close();
  server.close();
}
