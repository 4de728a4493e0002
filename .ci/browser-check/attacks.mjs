// Cross-site requests that a malicious page would try. This runs inside that page.

/** Tries all attacks on one address. Returns `{ attempt, text }` for each, with the text that the page could read. */
export async function attack({ base, calls }) {
  const outcomes = [];
  const read = (attempt, text) => outcomes.push({ attempt, text: String(text) });

  /** Records the response to a fetch, or its error. */
  async function tryFetch(attempt, path, options) {
    try {
      const response = await fetch(base + path, options);
      read(attempt, `${response.type} ${response.status} ${await response.text()}`);
    } catch (error) {
      read(attempt, error);
    }
  }

  /** Adds an element and records whether it loaded. */
  async function load(attempt, element, attributes, container = document.body) {
    const loaded = new Promise((resolve) => {
      element.onload = () => resolve("loaded");
      element.onerror = () => resolve("failed");
    });
    Object.assign(element, attributes);
    container.append(element);
    read(attempt, await loaded);
  }

  /** Loads a response into a frame, by its address or by submitting a form, and records what is readable. */
  async function frame(attempt, show) {
    const frame = document.createElement("iframe");
    frame.name = "answer";
    document.body.append(frame);
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
    show(frame);
    await loaded;
    try {
      read(attempt, frame.contentDocument.documentElement.outerHTML);
    } catch (error) {
      read(attempt, error);
    }
    frame.remove();
  }

  /** Sends text as a form can: one field, whose name and value the browser joins with "=". */
  function form(frame, path, body) {
    const [name, ...value] = body.split("=");
    const sender = document.createElement("form");
    Object.assign(sender, { action: base + path, method: "post", enctype: "text/plain", target: frame.name });
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value: value.join("=") });
    sender.append(field);
    document.body.append(sender);
    sender.submit();
  }

  for (const { name, method, path, headers, body = method === "GET" ? undefined : "" } of calls) {
    const simple = { method: method === "GET" ? "GET" : "POST", body };
    await tryFetch(`${name}: preflighted`, path, { method, headers, body });
    await tryFetch(`${name}: preflighted, with credentials`, path, { method, headers, body, credentials: "include" });
    await tryFetch(`${name}: simple`, path, simple);
    await tryFetch(`${name}: no-cors`, path, { ...simple, mode: "no-cors" });
    if (method === "GET") {
      await load(`${name}: script`, document.createElement("script"), { src: base + path });
      await load(`${name}: style`, document.createElement("link"), { rel: "stylesheet", href: base + path }, document.head);
      await load(`${name}: image`, document.createElement("img"), { src: base + path });
      await frame(`${name}: frame`, (frame) => { frame.src = base + path; });
    } else {
      navigator.sendBeacon(base + path, body);
      await frame(`${name}: form`, (frame) => form(frame, path, body));
    }
  }
  return outcomes;
}
