"""Tests of infra/deploy: checks of prerequisites, their messages, and the sequence of commands."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

import deployed

COMMANDS = ["bash", "dirname", "env", "grep", "id", "python3", "sed", "uname"]


# Stub tools that log their arguments and do nothing.
TOOLS = {name: f'echo "{name} $*" >>"$HOME/calls"' for name in ("sam", "cargo", "cargo_lambda", "zig")}


def aws(stack="CREATE_COMPLETE", credentials="exit 0", processor="https://processor.example"):
    """A stub `aws` with credentials. `stack` is the state of the stack, or an error message of DescribeStacks; `processor` is
    the value of the stack's parameters of the processor."""
    describe = f'echo "{stack}"' if stack.isupper() else f'echo "{stack}" >&2; exit 254'
    return f"""case "$*" in
"sts "*) {credentials} ;;
"cloudformation describe-stacks "*Parameters*Processor*) echo "{processor}" ;;
"cloudformation describe-stacks "*) {describe} ;;
*) echo "aws $*" >>"$HOME/calls" ;;
esac"""


NO_STACK = "An error occurred (ValidationError) when calling DescribeStacks: Stack with id paystream-dev does not exist"


# Machine type of an ELF file.
X86_64, ARM64 = b"\x3e\0", b"\xb7\0"


REGION = {"AWS_REGION": "eu-central-1"}


class Build(unittest.TestCase):
    def test_every_stage_sets_its_architecture(self):
        for name, commands in tomllib.loads((deployed.ROOT / "samconfig.toml").read_text()).items():
            if name != "version":
                self.assertIn("Architecture=arm64", commands["deploy"]["parameters"]["parameter_overrides"], name)

    def test_no_stage_uses_the_build_cache_of_sam(self):
        stages = tomllib.loads((deployed.ROOT / "samconfig.toml").read_text())
        stages.pop("version")
        self.assertEqual(set(stages), {"default", "staging", "prod"})
        for name, commands in stages.items():
            for command, settings in commands.items():
                self.assertNotIn("cached", settings["parameters"], f"{name}.{command}")


class Deploy(unittest.TestCase):
    def run_with(self, *arguments, environment=None, machine=None, **programs):
        """Runs infra/deploy with only these programs installed, each a line of shell, and with a function built for `machine`.

        Calls that stubs log to `$HOME/calls` are in `calls` of the result."""
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory)
            for command in COMMANDS:
                found = subprocess.run(["which", command], capture_output=True, text=True, check=True).stdout.strip()
                (path / command).symlink_to(found)
            # A python3 without ziglang, unless the test passes a real one to read samconfig.toml.
            (path / "python3").unlink()
            for name, line in ({"python3": "exit 1"} | programs).items():
                program = path / name.replace("_", "-")
                program.write_text(f"#!{path}/bash\n{line}\n")
                program.chmod(0o755)
            # A copy of the repository without existing builds.
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
        """Runs infra/deploy with all tools, credentials and a region."""
        programs = {"python3": f'exec "{sys.executable}" "$@"', "aws": aws()} | TOOLS | programs
        return self.run_with(*arguments, environment=environment, **programs)

    def assert_refused(self, ran, *parts):
        self.assertEqual((ran.returncode, ran.stdout, ran.calls), (1, "", []), ran.stderr)
        for part in ("nothing was changed", *parts):
            self.assertIn(part, ran.stderr)

    def test_all_missing_tools_are_listed_with_installation_hints(self):
        ran = self.run_with("dev")
        self.assertEqual(ran.returncode, 1)
        for name in ("sam: pip install", "cargo: see", "cargo-lambda", "pip install ziglang", "pip install awscli"):
            self.assertIn(name, ran.stderr)

    def test_credentials_and_region_are_checked_before_the_build(self):
        neither = self.run_with("dev", aws="exit 255", **TOOLS)
        self.assert_refused(neither, "valid AWS credentials: aws configure", "region: export AWS_REGION")
        expired = "echo 'An error occurred (ExpiredToken): the token is expired' >&2; exit 254"
        ran = self.deploy("dev", aws=aws(credentials=expired))
        self.assert_refused(ran, "valid AWS credentials", "the token is expired")
        self.assertNotIn("region", ran.stderr)

    def test_an_unknown_region_is_not_reported_as_missing_credentials(self):
        nowhere = "echo 'Could not connect to the endpoint URL: https://sts.eu-central-1.amazonaws.com/' >&2; exit 255"
        ran = self.deploy("dev", aws=aws(credentials=nowhere))
        self.assert_refused(ran, "connection to AWS in eu-central-1", "no such region")
        self.assertNotIn("credentials", ran.stderr)

    def test_sam_uses_the_region_that_was_checked_wherever_it_is_configured(self):
        log_region = 'echo "$1 $AWS_REGION $AWS_DEFAULT_REGION" >>"$HOME/calls"'
        configured = '[ "$*" != "configure get region" ] || { echo eu-central-1; exit 0; }\n' + aws(NO_STACK)
        other = {"AWS_DEFAULT_REGION": "us-east-1"}
        for environment in (REGION, {"AWS_DEFAULT_REGION": "eu-central-1"}, {}, REGION | other):
            with self.subTest(environment):
                ran = self.deploy("dev", environment=environment, aws=configured, sam=log_region)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.assertIn("does not exist in eu-central-1 yet", ran.stderr)
                self.assertEqual(ran.calls, [f"{it} eu-central-1 eu-central-1" for it in ("build", "deploy", "list")])

    def test_the_region_is_named_before_a_new_stack_is_created(self):
        ran = self.deploy("dev", aws=aws(NO_STACK))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("The stack paystream-dev does not exist in eu-central-1 yet and will be created", ran.stderr)
        self.assertEqual([call.split(" --")[0] for call in ran.calls], ["sam build", "sam deploy", "sam list stack-outputs"])

    def test_a_stack_that_cannot_be_updated_is_reported_before_the_build_with_the_remedy(self):
        for state, way in (("ROLLBACK_COMPLETE", "delete-stack"), ("DELETE_FAILED", "delete-stack"),
                           ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"), ("UPDATE_IN_PROGRESS", "Try again")):
            with self.subTest(state):
                self.assert_refused(self.deploy("dev", aws=aws(state)), "paystream-dev in eu-central-1", state, way)
        denied = "User ci is not authorized to perform: cloudformation:DescribeStacks"
        self.assert_refused(self.deploy("dev", aws=aws(denied)), "cannot describe the stack paystream-dev", denied)

    def test_an_unknown_parameter_is_rejected(self):
        self.assert_refused(self.deploy("dev", "StreamShard=8"), "no parameter StreamShard.", "StreamShards")
        self.assert_refused(self.deploy("dev", "Stage=prod"), "Stage is set by samconfig.toml for dev")

    def test_a_value_that_is_not_allowed_is_rejected_before_the_build(self):
        for given, allowed in (("Hub=rabbit", "kinesis, kafka, rabbitmq"), ("Hub=", "kinesis, kafka, rabbitmq"),
                               ("Tracing=yes", "on, off"), ("LogRetentionDays=2", "1, 3, 5")):
            name, value = given.split("=")
            self.assert_refused(self.deploy("dev", given), f"{name} must be one of {allowed}", f"and not {value}")

    def test_parameters_of_a_hub_reach_sam_unchanged(self):
        given = ["Hub=kafka", "PublishMode=stream", "KafkaBootstrapServers=a.example:9096,b.example:9096", "RabbitMqVirtualHost=/",
                 "HubSubnetIds=subnet-0a,subnet-0b", "Tracing=off", "LogRetentionDays=30"]
        ran = self.deploy("dev", *given)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        for call in ran.calls[:2]:
            self.assertTrue(call.endswith(" ".join(given)), call)

    def test_prod_without_a_processor_is_refused_before_the_build(self):
        url, secret = "ProcessorUrl=https://processor.example", "ProcessorSecretArn=arn:aws:secretsmanager:eu-central-1:1:secret:x"
        for given, account in (([], aws(NO_STACK)), ([url], aws(NO_STACK)), ([secret], aws(NO_STACK)), ([], aws(processor="")),
                               ([], aws("REVIEW_IN_PROGRESS", processor="None")), (["ProcessorUrl="], aws())):
            with self.subTest(given, account=account):
                self.assert_refused(self.deploy("prod", *given, aws=account), "prod needs a payment processor", "ProcessorUrl=https")
        for given, account in (([url, secret], aws(NO_STACK)), ([url, secret], aws(processor="")), ([], aws())):
            with self.subTest(given, account=account):
                ran = self.deploy("prod", *given, aws=account)
                self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(self.deploy("staging", aws=aws(NO_STACK)).returncode, 0)

    def test_built_requires_a_build(self):
        self.assert_refused(self.deploy("--built", "dev"), "build in .aws-sam/build: run infra/deploy --build-only dev")

    def test_a_build_for_another_architecture_is_rejected(self):
        cases = ([], X86_64, "x86_64"), (["Architecture=x86_64"], ARM64, "arm64"), ([], b"", "no architecture of Lambda")
        for given, machine, built_for in cases:
            with self.subTest(given, built_for=built_for):
                ran = self.deploy("--built", "dev", *given, machine=machine)
                self.assert_refused(ran, f"PaymentApi is built for {built_for}", "--build-only dev Architecture=")

    def test_a_build_for_the_last_given_architecture_is_deployed(self):
        for given, machine in (([], ARM64), (["Architecture=x86_64"], X86_64)):
            with self.subTest(given):
                ran = self.deploy("--built", "dev", *given, machine=machine)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.assertEqual([call.split(" --")[0] for call in ran.calls], ["sam deploy", "sam list stack-outputs"])

    def test_given_parameters_are_added_to_those_of_the_stage(self):
        ran = self.deploy("prod", "StreamRetentionHours=48")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        build, deploy, protect, outputs = ran.calls
        for call in (build, deploy):
            self.assertIn("--config-env prod ", call)
            self.assertRegex(call, "Stage=prod .*StreamMode=on-demand .*StreamRetentionHours=48$")
        self.assertIn("enable-termination-protection --stack-name paystream-prod", protect)
        self.assertIn("--stack-name paystream-prod", outputs)

    def test_build_only_needs_no_account(self):
        ran = self.run_with("--build-only", "dev", python3=f'exec "{sys.executable}" "$@"', **TOOLS)
        self.assertEqual((ran.returncode, len(ran.calls)), (0, 1), ran.stderr)

    def test_a_failed_command_is_the_last_one(self):
        for failing in ("build", "deploy"):
            with self.subTest(failing):
                sam = TOOLS["sam"] + f'; [ "$1" != {failing} ]'
                ran = self.deploy("prod", sam=sam)
                self.assertEqual(ran.returncode, 1)
                self.assertTrue(ran.calls[-1].startswith(f"sam {failing} "), ran.calls)

    def test_invalid_arguments_print_the_usage(self):
        for arguments in ([], ["production"], ["--role-arn"], ["dev", "Stage"]):
            with self.subTest(arguments):
                ran = self.run_with(*arguments)
                self.assertEqual((ran.returncode, ran.stdout), (2, ""))
                self.assertIn("infra/deploy [--build-only", ran.stderr)


if __name__ == "__main__":
    unittest.main()
