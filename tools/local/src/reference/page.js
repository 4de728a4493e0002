// Shows one API, with calls sent to where this page comes from.
const api = new URLSearchParams(location.search).get("api") === "orders" ? "orders" : "payments";
SwaggerUIBundle({
  url: `/openapi/${api}.json`,
  dom_id: "#reference",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
