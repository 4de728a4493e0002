// Validates docs/api/asyncapi.json and its examples with AsyncAPI's own parser.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
// Severity 0 is an error and 1 a warning. Higher numbers are hints, such as a newer version of AsyncAPI.
const wrong = diagnostics.filter(({ severity }) => severity <= 1);
for (const { message, path } of wrong) console.error(`${path.join("/")}: ${message}`);
if (!document || wrong.length > 0) process.exit(1);
console.log(`AsyncAPI ${document.version()}: ${document.allMessages().length} event types`);
