"""What localstack/stack and localstack/host say where LocalStack, its tools or its stack are missing."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import deployed

# Nothing listens there: it is what no port has.
NOWHERE = "http://127.0.0.1:1"


class Stack(unittest.TestCase):
    def run_with(self, *arguments, script="localstack/stack", environment=None, **programs):
        """Runs it where these programs, each a line of shell, come before those that are installed."""
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory)
            for name, line in programs.items():
                (path / name).write_text(f"#!/usr/bin/env bash\n{line}\n")
                (path / name).chmod(0o755)
            environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}", "AWS_ENDPOINT_URL": NOWHERE,
                                        "PAYSTREAM_LOCALSTACK_DIR": f"{path}/made"} | (environment or {})
            ran = subprocess.run([deployed.ROOT / script, *arguments], capture_output=True, text=True,
                                 env=environment, timeout=60)
            ran.made = (path / "made").exists()
            return ran

    def test_where_localstack_does_not_run_it_says_how_to_start_it_and_makes_nothing(self):
        tools = {"sam": "exit 9", "cargo": "exit 0", "zig": "exit 0"}
        for command in ("deploy", "outputs", "teardown"):
            with self.subTest(command):
                ran = self.run_with(command, **tools)
                self.assertEqual((ran.returncode, ran.stdout, ran.made), (1, "", False), ran.stderr)
                for part in (NOWHERE, "docker compose up --wait", "localstack/host/localstack start"):
                    self.assertIn(part, ran.stderr)

    def test_what_is_built_for_another_machine_is_not_deployed(self):
        with tempfile.TemporaryDirectory() as directory:
            function = pathlib.Path(directory) / "PaymentApi"
            function.mkdir()
            (function.parent / "template.yaml").touch()
            (function / "bootstrap").write_bytes(b"MZ")
            tools = {"sam": "exit 9", "cargo": "exit 0", "zig": "exit 0", "curl": "exit 0"}
            ran = self.run_with("deploy", "--built", directory, **tools)
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("PaymentApi is for no Linux", ran.stderr)

    def test_where_there_is_no_stack_it_says_how_to_make_it(self):
        sam = "echo 'Error: The input stack paystream does not exist on Cloudformation in the region us-east-1' >&2; exit 1"
        ran = self.run_with("outputs", sam=sam, curl="exit 0")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("no", ran.stderr)
        self.assertIn("`localstack/stack deploy` makes it", ran.stderr)

    def teardown(self, described, deleted="exit 0"):
        """With a LocalStack that answers to DeleteStack and DescribeStacks in this way."""
        curl = f'case "$*" in *=DeleteStack*) {deleted} ;; *=DescribeStacks*) {described} ;; esac'
        return self.run_with("teardown", curl=curl, sleep="exit 0")

    def test_a_stack_is_deleted_once_localstack_says_that_it_does_not_exist(self):
        gone = "echo '<Message>Stack with id paystream does not exist</Message>'; exit 22"
        going = f'[ -e "$0.asked" ] && {{ {gone}; }}; touch "$0.asked"; echo DELETE_IN_PROGRESS'
        for described in (gone, going):
            with self.subTest(described):
                ran = self.teardown(described)
                self.assertEqual((ran.returncode, ran.stdout), (0, "the stack paystream is deleted\n"), ran.stderr)

    def test_a_stack_that_localstack_does_not_tell_of_is_not_called_deleted(self):
        for answer, said in (("exit 7", f"no answer from {NOWHERE}"), ("echo InternalFailure; exit 22", "InternalFailure")):
            with self.subTest(answer):
                ran = self.teardown(answer)
                self.assertEqual((ran.returncode, ran.stdout), (1, ""))
                self.assertIn(f"whether the stack is deleted cannot be told: {said}", ran.stderr)

    def test_a_stack_that_cannot_be_deleted_is_told_with_the_reason(self):
        for described, deleted in (("echo DELETE_FAILED", "exit 0"), ("exit 9", "echo AccessDenied; exit 22")):
            with self.subTest(described):
                ran = self.teardown(described, deleted)
                self.assertEqual((ran.returncode, ran.stdout), (1, ""))
                self.assertRegex(ran.stderr, "the stack cannot be deleted: (DELETE_FAILED|AccessDenied)")

    def test_tools_that_are_missing_are_told_together_and_how_to_get_them(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory)
            for command in ("bash", "dirname", "env"):
                found = subprocess.run(["which", command], capture_output=True, text=True, check=True).stdout.strip()
                (path / command).symlink_to(found)
            script = [str(path / "bash"), str(deployed.ROOT / "localstack/stack"), "deploy"]
            ran = subprocess.run(script, capture_output=True, text=True, env={"PATH": directory}, timeout=30)
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("missing: sam cargo-lambda zig. `pip install --requirement .ci/requirements-package.txt`", ran.stderr)

    def test_where_python_is_too_old_for_localstack_it_says_how_to_get_one(self):
        pythons = {name: "exit 1" for name in ("python3", "python3.13", "python3.14")}
        nowhere = {"PAYSTREAM_LOCALSTACK_PORT": "1", "PYENV_ROOT": "/nowhere"}
        ran = self.run_with("start", script="localstack/host/localstack", environment=nowhere, **pythons)
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        for part in ("Python 3.13 or newer is missing", "pyenv install 3.13", "uv python install 3.13"):
            self.assertIn(part, ran.stderr)

    def test_what_is_not_understood_is_answered_with_how_to_call_it(self):
        for arguments in ([], ["destroy"], ["deploy", "--built-in"]):
            with self.subTest(arguments):
                ran = self.run_with(*arguments)
                self.assertEqual((ran.returncode, ran.stdout), (2, ""))
                self.assertIn("localstack/stack deploy --built DIR", ran.stderr)


if __name__ == "__main__":
    unittest.main()
