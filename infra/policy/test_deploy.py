"""What infra/deploy says when something is missing or wrong, before it does anything, and what it does in which order."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

import deployed

COMMANDS = ["bash", "dirname", "env", "grep", "id", "python3", "sed", "uname"]


# Tools that note how they were called, and do nothing.
TOOLS = {name: f'echo "{name} $*" >>"$HOME/calls"' for name in ("sam", "cargo", "cargo_lambda", "zig")}


def aws(stack="CREATE_COMPLETE", credentials="exit 0"):
    """An `aws` that has credentials, and a stack in this state, or says this of it and fails."""
    describe = f'echo "{stack}"' if stack.isupper() else f'echo "{stack}" >&2; exit 254'
    return f"""case "$*" in
"sts "*) {credentials} ;;
"cloudformation describe-stacks "*) {describe} ;;
*) echo "aws $*" >>"$HOME/calls" ;;
esac"""


NO_STACK = "An error occurred (ValidationError) when calling DescribeStacks: Stack with id paystream-dev does not exist"


# What an ELF file says of its machine.
X86_64, ARM64 = b"\x3e\0", b"\xb7\0"


REGION = {"AWS_REGION": "eu-central-1"}


class Build(unittest.TestCase):
    def test_every_stage_says_its_architecture_as_sam_build_does_not_know_what_the_stack_has(self):
        for name, commands in tomllib.loads((deployed.ROOT / "samconfig.toml").read_text()).items():
            if name != "version":
                self.assertIn("Architecture=arm64", commands["deploy"]["parameters"]["parameter_overrides"], name)

    def test_sam_takes_no_function_from_its_cache_as_it_does_not_look_for_changes_in_crates(self):
        stages = tomllib.loads((deployed.ROOT / "samconfig.toml").read_text())
        stages.pop("version")
        self.assertEqual(set(stages), {"default", "staging", "prod"})
        for name, commands in stages.items():
            for command, settings in commands.items():
                self.assertNotIn("cached", settings["parameters"], f"{name}.{command}")


class Deploy(unittest.TestCase):
    def run_with(self, *arguments, environment=None, machine=None, **programs):
        """Runs it where nothing is installed but these programs, each of which is a line of shell, and nothing is built but a
        function for this machine.

        What they note in `$HOME/calls` is `calls` of what it answers with."""
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory)
            for command in COMMANDS:
                found = subprocess.run(["which", command], capture_output=True, text=True, check=True).stdout.strip()
                (path / command).symlink_to(found)
            # A python3 that has no ziglang, unless it is to read samconfig.toml.
            (path / "python3").unlink()
            for name, line in ({"python3": "exit 1"} | programs).items():
                program = path / name.replace("_", "-")
                program.write_text(f"#!{path}/bash\n{line}\n")
                program.chmod(0o755)
            # A copy, with nothing that others have built.
            (path / "repository/infra").mkdir(parents=True)
            for name in ("infra/deploy", "infra/built-for", "samconfig.toml", "template.yaml"):
                shutil.copy(deployed.ROOT / name, path / "repository" / name)
            if machine is not None:
                build = path / "repository/.aws-sam/build/PaymentApi"
                build.mkdir(parents=True)
                (build.parent / "template.yaml").touch()
                (build / "bootstrap").write_bytes(b"\x7fELF".ljust(18, b"\0") + machine)
            environment = {"PATH": directory, "HOME": directory} | (environment or {})
            script = [str(path / "bash"), str(path / "repository/infra/deploy"), *arguments]
            ran = subprocess.run(script, capture_output=True, text=True, env=environment, timeout=30)
            ran.calls = (path / "calls").read_text().splitlines() if (path / "calls").exists() else []
            return ran

    def deploy(self, *arguments, environment=REGION, **programs):
        """Runs it where everything is there, in a region."""
        programs = {"python3": f'exec "{sys.executable}" "$@"', "aws": aws()} | TOOLS | programs
        return self.run_with(*arguments, environment=environment, **programs)

    def assert_refused(self, ran, *parts):
        self.assertEqual((ran.returncode, ran.stdout, ran.calls), (1, "", []), ran.stderr)
        for part in ("nothing was done", *parts):
            self.assertIn(part, ran.stderr)

    def test_everything_that_is_missing_is_told_together_and_how_to_get_it(self):
        ran = self.run_with("dev")
        self.assertEqual(ran.returncode, 1)
        for name in ("sam: pip install", "cargo: see", "cargo-lambda", "pip install ziglang", "pip install awscli"):
            self.assertIn(name, ran.stderr)

    def test_credentials_and_region_are_looked_for_before_anything_is_built(self):
        neither = self.run_with("dev", aws="exit 255", **TOOLS)
        self.assert_refused(neither, "credentials that AWS takes: aws configure", "region: export AWS_REGION")
        expired = "echo 'An error occurred (ExpiredToken): the token is expired' >&2; exit 254"
        ran = self.deploy("dev", aws=aws(credentials=expired))
        self.assert_refused(ran, "credentials that AWS takes", "the token is expired")
        self.assertNotIn("region", ran.stderr)

    def test_a_region_that_there_is_none_of_is_not_taken_for_missing_credentials(self):
        nowhere = "echo 'Could not connect to the endpoint URL: https://sts.eu-central-1.amazonaws.com/' >&2; exit 255"
        ran = self.deploy("dev", aws=aws(credentials=nowhere))
        self.assert_refused(ran, "way to AWS in the region eu-central-1", "no such region")
        self.assertNotIn("credentials", ran.stderr)

    def test_sam_is_told_the_region_that_was_looked_at_wherever_it_was_found(self):
        tells = 'echo "$1 $AWS_REGION $AWS_DEFAULT_REGION" >>"$HOME/calls"'
        configured = '[ "$*" != "configure get region" ] || { echo eu-central-1; exit 0; }\n' + aws(NO_STACK)
        other = {"AWS_DEFAULT_REGION": "us-east-1"}
        for environment in (REGION, {"AWS_DEFAULT_REGION": "eu-central-1"}, {}, REGION | other):
            with self.subTest(environment):
                ran = self.deploy("dev", environment=environment, aws=configured, sam=tells)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.assertIn("in eu-central-1 yet", ran.stderr)
                self.assertEqual(ran.calls, [f"{it} eu-central-1 eu-central-1" for it in ("build", "deploy", "list")])

    def test_a_region_without_the_stack_is_named_before_the_stack_is_made_there(self):
        ran = self.deploy("dev", aws=aws(NO_STACK))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("no stack paystream-dev in eu-central-1 yet: it will be made", ran.stderr)
        self.assertEqual([call.split(" --")[0] for call in ran.calls], ["sam build", "sam deploy", "sam list stack-outputs"])

    def test_a_stack_that_cannot_be_changed_is_told_before_anything_is_built_with_what_to_do(self):
        for state, way in (("ROLLBACK_COMPLETE", "delete-stack"), ("DELETE_FAILED", "delete-stack"),
                           ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"), ("UPDATE_IN_PROGRESS", "Try again")):
            with self.subTest(state):
                self.assert_refused(self.deploy("dev", aws=aws(state)), "paystream-dev in eu-central-1", state, way)
        denied = "User ci is not authorized to perform: cloudformation:DescribeStacks"
        self.assert_refused(self.deploy("dev", aws=aws(denied)), "does not tell of paystream-dev", denied)

    def test_a_parameter_that_there_is_none_of_is_refused_and_not_passed_over(self):
        self.assert_refused(self.deploy("dev", "StreamShard=8"), "no parameter StreamShard.", "StreamShards")
        self.assert_refused(self.deploy("dev", "Stage=prod"), "Stage is what samconfig.toml says of dev")

    def test_what_is_to_be_deployed_as_built_has_to_be_built(self):
        self.assert_refused(self.deploy("--built", "dev"), "build: infra/deploy --build-only dev")

    def test_what_is_built_for_another_architecture_than_is_deployed_is_refused(self):
        cases = ([], X86_64, "x86_64"), (["Architecture=x86_64"], ARM64, "arm64"), ([], b"", "no Linux")
        for given, machine, built_for in cases:
            with self.subTest(given, built_for=built_for):
                ran = self.deploy("--built", "dev", *given, machine=machine)
                self.assert_refused(ran, f"PaymentApi is for {built_for}", "--build-only dev Architecture=")

    def test_what_is_built_for_the_architecture_that_is_given_last_is_deployed(self):
        for given, machine in (([], ARM64), (["Architecture=x86_64"], X86_64)):
            with self.subTest(given):
                ran = self.deploy("--built", "dev", *given, machine=machine)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.assertEqual([call.split(" --")[0] for call in ran.calls], ["sam deploy", "sam list stack-outputs"])

    def test_parameters_of_the_stage_are_deployed_with_those_that_are_given(self):
        ran = self.deploy("prod", "StreamRetentionHours=48")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        build, deploy, protect, outputs = ran.calls
        for call in (build, deploy):
            self.assertIn("--config-env prod ", call)
            self.assertRegex(call, "Stage=prod .*StreamMode=on-demand .*StreamRetentionHours=48$")
        self.assertIn("enable-termination-protection --stack-name paystream-prod", protect)
        self.assertIn("--stack-name paystream-prod", outputs)

    def test_building_alone_asks_for_no_account(self):
        ran = self.run_with("--build-only", "dev", python3=f'exec "{sys.executable}" "$@"', **TOOLS)
        self.assertEqual((ran.returncode, len(ran.calls)), (0, 1), ran.stderr)

    def test_after_a_deployment_that_failed_nothing_else_is_done(self):
        for failing in ("build", "deploy"):
            with self.subTest(failing):
                sam = TOOLS["sam"] + f'; [ "$1" != {failing} ]'
                ran = self.deploy("prod", sam=sam)
                self.assertEqual(ran.returncode, 1)
                self.assertTrue(ran.calls[-1].startswith(f"sam {failing} "), ran.calls)

    def test_what_is_not_understood_is_answered_with_how_to_call_it(self):
        for arguments in ([], ["production"], ["--role-arn"], ["dev", "Stage"]):
            with self.subTest(arguments):
                ran = self.run_with(*arguments)
                self.assertEqual((ran.returncode, ran.stdout), (2, ""))
                self.assertIn("infra/deploy [--build-only", ran.stderr)


if __name__ == "__main__":
    unittest.main()
