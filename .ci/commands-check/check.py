#!/usr/bin/env python3
"""Runs the commands that the documents show, and compares their output with what the documents print.

`.ci/commands` starts Paystream and calls this. `sh` and `console` blocks run in order, at PAYSTREAM_URL in place of
http://127.0.0.1:3000. A block without prompts (`$ `) must end without an error. A block with prompts shows output: each
of its lines must be printed, in order. `…` stands for any text, in JSON for any further fields. Times, ids and fields
that end in `_ms` may have other values.

A comment on the line above a block says that it is long, or why it is not run:

    <!-- commands: nightly -->
    <!-- commands: not run, REASON -->

Commands that are not run, and those in prose, are checked for names: scripts, packages, tests, benches and examples.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTED_URL = "http://127.0.0.1:3000"
# Maximum duration of one command.
COMMAND_S_MAX = 7_200
# Maximum time until a read returns what is documented. Readers take some seconds to type it.
READ_S_MAX = 10
MARKER = re.compile(r"<!-- commands: (nightly|not run, \S.*) -->")
# Text that may differ: payment ids, UUIDs and times.
VARIES = [r"pay_[A-Z0-9]{26}", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", r"\d{4}-\d\d-\d\dT[\d:.]+Z"]
# Names of scripts in prose that are commands.
SCRIPTS = (".ci/", "tools/", "infra/", "localstack/")
# Options of cargo that take the name of a target, with the target's kind.
TARGETS = {"--test": "test", "--bench": "bench", "--example": "example", "--bin": "bin"}


class Block:
    """A fenced block: its place, its marker, and its commands, each with the lines that it prints (None: not shown)."""

    def __init__(self, document, line, marker, text):
        self.place, self.marker, self.text = f"{document}:{line}", marker, "\n".join(text)
        self.steps = []
        if not any(line.startswith("$ ") for line in text):
            self.steps.append((self.text, None))
            return
        is_continued = False
        for line in text:
            if line.startswith("$ "):
                self.steps.append((line[2:], []))
            elif is_continued:
                command, printed = self.steps[-1]
                self.steps[-1] = (f"{command}\n{line}", printed)
            elif line.strip() and self.steps:
                self.steps[-1][1].append(line)
                continue
            is_continued = line.endswith("\\")


def read(document):
    """Blocks, prose (with its first line's number, by paragraph) and errors of a document."""
    found, prose, errors = [], [], []
    marker = block = None
    for number, line in enumerate((ROOT / document).read_text().splitlines(), 1):
        text = line.strip()
        if block is not None:
            if text == "```":
                if block[0]:
                    found.append(Block(document, *block[1:]))
                block = marker = None
            else:
                block[3].append(line)
        elif text.startswith("```"):
            is_run = text in ("```sh", "```console")
            if marker and not is_run:
                errors.append(f"{document}:{number}: the marker above this line has no sh or console block")
            block = (is_run, number, marker, [])
        elif text.startswith("<!-- commands"):
            match = MARKER.fullmatch(text)
            marker = match[1] if match else "not run, as its marker is invalid"
            if not match:
                errors.append(f"{document}:{number}: a marker is `nightly` or `not run, REASON`")
        else:
            if marker:
                errors.append(f"{document}:{number}: the marker above this line has no sh or console block")
            marker = None
            if not text or text.startswith("|") or not prose or prose[-1] is None:
                prose.append(None)
            if text and prose[-1] is None:
                prose[-1] = (number, text)
            elif text:
                prose[-1] = (prose[-1][0], f"{prose[-1][1]} {text}")
    return found, [paragraph for paragraph in prose if paragraph], errors


def targets():
    """Names of targets by package and kind."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    return {
        package["name"]: {(kind, target["name"]) for target in package["targets"] for kind in target["kind"]}
        for package in metadata["packages"]
    }


def unknown_names(text, packages):
    """Scripts, packages and targets in these commands that do not exist."""
    text = re.sub(r"(^|\s)#.*", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    for command in re.split(r"\n|;|\||&&|\(", text):
        words = [word for word in command.split() if word not in ("$", "do", "setsid", "--wait")]
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        if not words:
            continue
        if words[0].startswith(SCRIPTS) and not any(ROOT.glob(words[0].rstrip("/"))):
            yield f"there is no {words[0]}"
        if words[0] == "cargo":
            options = words[1 : words.index("--")] if "--" in words else words[1:]
            pairs = list(zip(options, options[1:]))
            named = [name for option, name in pairs if option in ("-p", "--package")]
            yield from (f"there is no package {name}" for name in named if name not in packages)
            known = set().union(*(packages.get(name, set()) for name in named or packages))
            for option, name in pairs:
                if option in TARGETS and (TARGETS[option], name) not in known:
                    yield f"there is no {TARGETS[option]} {name} in {' or '.join(named) or 'the workspace'}"


def names_errors(blocks, prose, document, packages):
    for block in blocks:
        for message in unknown_names(block.text, packages):
            yield f"{block.place}: {message}"
    for number, paragraph in prose:
        for code in re.findall(r"`([^`]+)`", paragraph):
            for message in unknown_names(code, packages):
                yield f"{document}:{number}: {message}"


def pattern(shown):
    """A regular expression for a documented text."""
    expected, end = "", 0
    for found in re.finditer("|".join([*VARIES, " ?… ?"]), shown):
        expected += re.escape(shown[end : found.start()])
        expected += next((kind for kind in VARIES if re.fullmatch(kind, found[0])), ".*")
        end = found.end()
    return expected + re.escape(shown[end:])


def json_matches(shown, printed, name=""):
    if isinstance(shown, dict) and isinstance(printed, dict):
        expected = shown.keys() - {"…"}
        has_fields = expected <= printed.keys() if "…" in shown else expected == printed.keys()
        return has_fields and all(json_matches(shown[key], printed[key], key) for key in expected)
    if isinstance(shown, list) and isinstance(printed, list):
        return len(shown) == len(printed) and all(map(json_matches, shown, printed))
    if isinstance(shown, str) and isinstance(printed, str):
        return re.fullmatch(pattern(shown), printed) is not None
    return shown == printed or name.endswith("_ms") and isinstance(printed, (int, float))


def parsed(line):
    """The JSON object or array in a line, or None. `, … }` becomes a field of that name."""
    if not line.startswith(("{", "[")):
        return None
    try:
        return json.loads(re.sub(r"([,{])\s*…\s*}", r'\1"…":0}', line))
    except ValueError:
        return None


def line_matches(shown, printed):
    documented, value = parsed(shown), parsed(printed)
    if documented is None or value is None:
        return re.search(pattern(shown), printed) is not None
    return json_matches(documented, value)


def missing_line(shown, output):
    """The first documented line that the output lacks, or None."""
    lines = iter(output.splitlines())
    for line in shown:
        if not any(line_matches(line, printed) for printed in lines):
            return line
    return None


def run(command, url):
    """Exit code and output, standard output first."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        shell = ["bash", "-euo", "pipefail", "-c", command.replace(DOCUMENTED_URL, url)]
        process = subprocess.Popen(shell, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        try:
            code = process.wait(COMMAND_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            code = f"none after {COMMAND_S_MAX} s"
        for file in (output, errors):
            file.seek(0)
        return code, "\n".join(file.read().decode(errors="replace") for file in (output, errors))


def failure(block, url):
    """The difference between a block and its document, or None."""
    for command, shown in block.steps:
        is_read = "curl " in command and not re.search(r" (-X|-d|--data)\b", command)
        deadline = time.monotonic() + READ_S_MAX
        while True:
            code, output = run(command, url)
            line = missing_line(shown or [], output)
            if line is None or not is_read or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        if code != 0:
            return f"`{command}`: exit code {code}\n{output}"
        if line is not None:
            return f"`{command}` does not print\n{line}\nbut\n{output}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", nargs="*", metavar="DOCUMENT", help="Markdown files [all]")
    parser.add_argument("--nightly", action="store_true", help="run the long blocks as well")
    parser.add_argument("--list", action="store_true", help="check names, list the blocks, and run none")
    arguments = parser.parse_args()
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    url = os.environ.get("PAYSTREAM_URL", DOCUMENTED_URL)
    packages = targets()
    failures = done = 0
    for document in arguments.documents or listed.stdout.split():
        blocks, prose, errors = read(document)
        errors += names_errors(blocks, prose, document, packages)
        for error in errors:
            print(f"error: {error}", flush=True)
        failures += len(errors)
        for block in blocks:
            is_run = block.marker is None or (block.marker == "nightly" and arguments.nightly)
            if arguments.list or not is_run:
                print(f"{'runs   ' if is_run else 'skipped'} {block.place} {block.marker or ''}".rstrip(), flush=True)
                continue
            difference = failure(block, url)
            print(f"{'FAIL   ' if difference else 'passed '} {block.place}", flush=True)
            if difference:
                failures += 1
                print(difference, flush=True)
            done += 1
    print(f"{done} blocks run, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
