"""What infra/deploy says when something is missing, before it does anything."""

import pathlib
import subprocess
import tempfile
import unittest

import deployed

COMMANDS = ["bash", "dirname", "env", "grep", "id", "python3", "sed", "uname"]


class Deploy(unittest.TestCase):
    def run_with(self, *arguments, **programs):
        """Runs it where nothing is installed but these programs, each of which is a line of shell."""
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory)
            for command in COMMANDS:
                found = subprocess.run(["which", command], capture_output=True, text=True, check=True).stdout.strip()
                (path / command).symlink_to(found)
            # A python3 that has no ziglang.
            (path / "python3").unlink()
            for name, line in ({"python3": "exit 1"} | programs).items():
                program = path / name.replace("_", "-")
                program.write_text(f"#!{path}/bash\n{line}\n")
                program.chmod(0o755)
            environment = {"PATH": directory, "HOME": directory}
            script = [str(path / "bash"), str(deployed.ROOT / "infra/deploy"), *arguments]
            return subprocess.run(script, capture_output=True, text=True, env=environment, timeout=30)

    def test_everything_that_is_missing_is_told_together_and_how_to_get_it(self):
        ran = self.run_with("dev")
        self.assertEqual(ran.returncode, 1)
        for name in ("sam: pip install", "cargo: see", "cargo-lambda", "pip install ziglang", "pip install awscli"):
            self.assertIn(name, ran.stderr)

    def test_credentials_and_region_are_looked_for_before_anything_is_built(self):
        programs = {name: "echo called $* >&2; exit 9" for name in ("sam", "cargo", "cargo_lambda", "zig")}
        ran = self.run_with("dev", aws="exit 255", **programs)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("credentials: aws configure", ran.stderr)
        self.assertIn("a region: export AWS_REGION", ran.stderr)
        self.assertNotIn("called", ran.stderr)

    def test_what_is_not_understood_is_answered_with_how_to_call_it(self):
        for arguments in ([], ["production"], ["--role-arn"], ["dev", "Stage"]):
            with self.subTest(arguments):
                ran = self.run_with(*arguments)
                self.assertEqual((ran.returncode, ran.stdout), (2, ""))
                self.assertIn("infra/deploy [--build-only", ran.stderr)


if __name__ == "__main__":
    unittest.main()
