// Shows one API. Requests go to the origin of this page.
const api = new URLSearchParams(location.search).get("api") === "orders" ? "orders" : "payments";
SwaggerUIBundle({
  url: `/openapi/${api}.json`,
  dom_id: "#reference",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
