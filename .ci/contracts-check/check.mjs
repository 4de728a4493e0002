// Reads docs/api/asyncapi.json as AsyncAPI's own parser does, its examples included.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
// 0 is an error, 1 a warning; what is less is taste, such as that there is a newer version of AsyncAPI.
const wrong = diagnostics.filter(({ severity }) => severity <= 1);
for (const { message, path } of wrong) console.error(`${path.join("/")}: ${message}`);
if (!document || wrong.length > 0) process.exit(1);
console.log(`AsyncAPI ${document.version()}: ${document.allMessages().length} event types`);
