"""Tests of localstack/stack and localstack/host: their messages if LocalStack, a tool or the stack is missing."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import deployed

# Nothing listens on port 1.
NOWHERE = "http://127.0.0.1:1"


class Stack(unittest.TestCase):
    def run_with(self, *arguments, script="localstack/stack", environment=None, **programs):
        """Runs a script with these stub programs, each a line of shell, before the installed ones on the path."""
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

    def test_without_localstack_it_says_how_to_start_it_and_writes_nothing(self):
        tools = {"sam": "exit 9", "cargo": "exit 0", "zig": "exit 0"}
        for command in ("deploy", "outputs", "teardown"):
            with self.subTest(command):
                ran = self.run_with(command, **tools)
                self.assertEqual((ran.returncode, ran.stdout, ran.made), (1, "", False), ran.stderr)
                for part in (NOWHERE, "docker compose up --wait", "localstack/host/localstack start"):
                    self.assertIn(part, ran.stderr)

    def test_a_build_for_another_architecture_is_not_deployed(self):
        with tempfile.TemporaryDirectory() as directory:
            function = pathlib.Path(directory) / "PaymentApi"
            function.mkdir()
            (function.parent / "template.yaml").touch()
            (function / "bootstrap").write_bytes(b"MZ")
            tools = {"sam": "exit 9", "cargo": "exit 0", "zig": "exit 0", "curl": "exit 0"}
            ran = self.run_with("deploy", "--built", directory, **tools)
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("PaymentApi is built for no architecture of Lambda", ran.stderr)

    def test_without_a_stack_it_says_how_to_deploy_it(self):
        sam = "echo 'Error: The input stack paystream does not exist on Cloudformation in the region us-east-1' >&2; exit 1"
        ran = self.run_with("outputs", sam=sam, curl="exit 0")
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("cannot read the outputs of the stack paystream", ran.stderr)
        self.assertIn("run `localstack/stack deploy`", ran.stderr)

    def teardown(self, described, deleted="exit 0"):
        """Runs teardown against a stub LocalStack with these responses to DescribeStacks and DeleteStack."""
        curl = f'case "$*" in *=DeleteStack*) {deleted} ;; *=DescribeStacks*) {described} ;; esac'
        return self.run_with("teardown", curl=curl, sleep="exit 0")

    def test_teardown_waits_until_the_stack_does_not_exist(self):
        gone = "echo '<Message>Stack with id paystream does not exist</Message>'; exit 22"
        going = f'[ -e "$0.asked" ] && {{ {gone}; }}; touch "$0.asked"; echo DELETE_IN_PROGRESS'
        for described in (gone, going):
            with self.subTest(described):
                ran = self.teardown(described)
                self.assertEqual((ran.returncode, ran.stdout), (0, "the stack paystream is deleted\n"), ran.stderr)

    def test_an_error_of_describe_stacks_is_not_taken_for_a_deleted_stack(self):
        for answer, said in (("exit 7", f"no response from {NOWHERE}"), ("echo InternalFailure; exit 22", "InternalFailure")):
            with self.subTest(answer):
                ran = self.teardown(answer)
                self.assertEqual((ran.returncode, ran.stdout), (1, ""))
                self.assertIn(f"cannot tell whether the stack is deleted: {said}", ran.stderr)

    def test_a_failed_deletion_is_reported_with_the_reason(self):
        for described, deleted in (("echo DELETE_FAILED", "exit 0"), ("exit 9", "echo AccessDenied; exit 22")):
            with self.subTest(described):
                ran = self.teardown(described, deleted)
                self.assertEqual((ran.returncode, ran.stdout), (1, ""))
                self.assertRegex(ran.stderr, "the stack cannot be deleted: (DELETE_FAILED|AccessDenied)")

    def test_all_missing_tools_are_listed_with_an_installation_hint(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory)
            for command in ("bash", "dirname", "env"):
                found = subprocess.run(["which", command], capture_output=True, text=True, check=True).stdout.strip()
                (path / command).symlink_to(found)
            script = [str(path / "bash"), str(deployed.ROOT / "localstack/stack"), "deploy"]
            ran = subprocess.run(script, capture_output=True, text=True, env={"PATH": directory}, timeout=30)
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        self.assertIn("missing: sam cargo-lambda zig. `pip install --requirement .ci/requirements-package.txt`", ran.stderr)

    def test_if_python_is_too_old_it_says_how_to_install_one(self):
        pythons = {name: "exit 1" for name in ("python3", "python3.13", "python3.14")}
        nowhere = {"PAYSTREAM_LOCALSTACK_PORT": "1", "PYENV_ROOT": "/nowhere"}
        ran = self.run_with("start", script="localstack/host/localstack", environment=nowhere, **pythons)
        self.assertEqual((ran.returncode, ran.stdout), (1, ""))
        for part in ("Python 3.13 or newer is missing", "pyenv install 3.13", "uv python install 3.13"):
            self.assertIn(part, ran.stderr)

    def test_invalid_arguments_print_the_usage(self):
        for arguments in ([], ["destroy"], ["deploy", "--built-in"]):
            with self.subTest(arguments):
                ran = self.run_with(*arguments)
                self.assertEqual((ran.returncode, ran.stdout), (2, ""))
                self.assertIn("localstack/stack deploy --built DIR", ran.stderr)


if __name__ == "__main__":
    unittest.main()
