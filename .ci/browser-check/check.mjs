// Uses the API reference as a person would: sees the operations, sends an example, reads the response.
import assert from "node:assert/strict";
import { launch, step, summary } from "./browser.mjs";

const url = process.argv[2];
const { context, close } = await launch();

const foreign = [];
const complaints = [];
/** Opens the reference of an API, and waits until its operations are shown. */
async function open(api, operations) {
  const page = await context.newPage();
  page.on("request", (request) => {
    if (!request.url().startsWith(`${url}/`) && !/^(data|blob):/.test(request.url())) foreign.push(request.url());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(`${url}/reference?api=${api}`);
  for (const operation of operations) await page.locator(`#operations-${api}-${operation}`).waitFor();
  return page;
}

/** Fills in an operation with `fill`, sends it, and returns status and body of the response, which the page must show. */
async function send(page, api, operation, fill = async () => {}) {
  const block = page.locator(`#operations-${api}-${operation}`);
  if (!(await block.getByRole("button", { name: "Execute" }).isVisible())) {
    await block.locator(".opblock-summary-control").click();
  }
  await fill(block);
  const answered = page.waitForResponse((response) => !response.url().includes("/reference"));
  await block.getByRole("button", { name: "Execute" }).click();
  const response = await answered;
  const shown = block.locator(".live-responses-table tbody .response-col_status").first();
  await shown.waitFor();
  assert.equal((await shown.innerText()).trim().split(/\s/)[0], String(response.status()), "the page shows the status of the response");
  return { status: response.status(), body: await response.json() };
}

/** The input of a parameter. */
const parameter = (block, name) => block.locator(`tr[data-param-name="${name}"] input`);

try {
  const order = `browser-${Date.now().toString(36)}`;
  const body = { order_id: order, amount: { minor: 1299, currency: "EUR" }, method: { token: "tok_approve" } };
  const payments = await open("payments", [
    "acceptPayment", "listPayments", "getPayment", "capturePayment", "voidPayment", "refundPayment",
  ]);
  let payment;
  await step("the page shows every operation of Payments", async () => {
    assert.equal(await payments.locator(".opblock").count(), 6);
  });
  await step("a payment is made from the page", async () => {
    const answer = await send(payments, "payments", "acceptPayment", async (block) => {
      await parameter(block, "Idempotency-Key").fill(order);
      await block.locator("textarea.body-param__text").fill(JSON.stringify(body));
    });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    assert.equal(answer.body.status, "authorized");
    payment = answer.body;
  });
  await step("it is captured from the page", async () => {
    const answer = await send(payments, "payments", "capturePayment", async (block) => {
      await parameter(block, "payment_id").fill(payment.payment_id);
      for (const name of ["Idempotency-Key", "If-Match", "traceparent"]) await parameter(block, name).fill("");
      await block.locator("textarea.body-param__text").fill("{}");
    });
    assert.deepEqual([answer.status, answer.body.status], [200, "captured"], JSON.stringify(answer.body));
  });
  await step("a rejected request is shown as a problem", async () => {
    const answer = await send(payments, "payments", "acceptPayment", async (block) => {
      const tooMuch = { ...body, amount: { minor: 1, currency: "EUR" } };
      await block.locator("textarea.body-param__text").fill(JSON.stringify(tooMuch));
    });
    assert.deepEqual([answer.status, answer.body.type], [422, "https://paystream.example/problems/idempotency-key-reused"]);
  });
  const orders = await open("orders", ["placeOrder", "placeOrderSynchronously", "getOrder", "getOrderPayments"]);
  await step("the order is placed from the page, and accepted", async () => {
    const line = { sku: "tea", quantity: 1, unit_price: body.amount };
    const placed = { order_id: order, customer_id: "cust-7", lines: [line] };
    // The payment may not have arrived in Orders yet. Sending the same order again returns its current state.
    let answer;
    for (let attempt = 0; attempt < 100; attempt += 1) {
      answer = await send(orders, "orders", "placeOrder", async (block) => {
        await block.locator("textarea.body-param__text").fill(JSON.stringify(placed));
      });
      if (answer.body.status === "accepted") break;
    }
    assert.equal(answer.body.status, "accepted", JSON.stringify(answer.body));
  });
  await step("the page loads nothing from other origins and logs no error", async () => {
    assert.deepEqual(foreign, []);
    assert.deepEqual(complaints.filter((text) => !text.includes("422")), []);
  });
  summary();
} finally {
  await close();
}
