"""`LAMBDA_RUNTIME_EXECUTOR=process` runs functions as processes of this machine. LocalStack's own executor needs Docker.

LocalStack still provides the rest of Lambda: event source mappings, versions, concurrency, permissions. An execution environment
is one process, which gets one event at a time over the Lambda Runtime API, and is replaced when it has exited:
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import collections
import json
import logging
import os
import queue
import stat
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from localstack import config
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

LOG = logging.getLogger(__name__)
# Lambda's limit for the init phase.
INIT_SECONDS_MAX = 10
STOP_SECONDS_MAX = 2
# Lines of output kept for the log of an invocation.
OUTPUT_LINES_MAX = 2000
LOOPBACK = "127.0.0.1"


class Process:
    """A running function and its Runtime API. Its actions are queued as (kind, request id, body)."""

    def __init__(self, directory: Path, environment: dict[str, str]):
        self.events: queue.Queue[dict | None] = queue.Queue()
        self.actions: queue.Queue[tuple[str, str, bytes]] = queue.Queue()
        self.output = collections.deque(maxlen=OUTPUT_LINES_MAX)
        self.api = ThreadingHTTPServer((LOOPBACK, 0), type("Handler", (RuntimeApi,), {"function": self}))
        threading.Thread(target=self.api.serve_forever, daemon=True).start()
        bootstrap = directory / "bootstrap"
        bootstrap.chmod(bootstrap.stat().st_mode | stat.S_IXUSR)
        environment = environment | {
            "AWS_LAMBDA_RUNTIME_API": f"{LOOPBACK}:{self.api.server_port}",
            "LAMBDA_TASK_ROOT": str(directory),
            "PATH": os.environ.get("PATH", ""),
        }
        self.child = subprocess.Popen(
            [bootstrap],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._read_output, args=[environment["AWS_LAMBDA_FUNCTION_NAME"]], daemon=True).start()

    def _read_output(self, name: str) -> None:
        for line in self.child.stdout:
            text = line.decode(errors="replace")
            self.output.append(text)
            LOG.info("%s: %s", name, text.rstrip())
        self.actions.put(("exit", "", str(self.child.wait()).encode()))

    def is_running(self) -> bool:
        return self.child.poll() is None

    def next_action(self, deadline: float) -> tuple[str, str, bytes]:
        try:
            return self.actions.get(timeout=max(0.0, deadline - time.time()))
        except queue.Empty:
            return ("timeout", "", b"")

    def stop(self) -> None:
        self.child.terminate()
        try:
            self.child.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.child.kill()
        self.events.put(None)
        self.api.shutdown()
        self.api.server_close()


class RuntimeApi(BaseHTTPRequestHandler):
    """One connection of a function to the Runtime API."""

    function: Process
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Otherwise head and body of a response would be two packets, and the second would wait for the first.
    wbufsize = -1

    def do_GET(self) -> None:  # .../runtime/invocation/next
        self.function.actions.put(("ready", "", b""))
        event = self.function.events.get()
        if event is None:
            # The process is being stopped.
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": event["invoke-id"],
            "Lambda-Runtime-Deadline-Ms": str(int(event["deadline"] * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": event["invoked-function-arn"],
            "Lambda-Runtime-Trace-Id": event["trace-id"],
        }
        self._answer(200, event["payload"].encode(), headers)

    def do_POST(self) -> None:  # .../runtime/init/error or .../runtime/invocation/REQUEST_ID/response or /error
        body = self.rfile.read(int(self.headers["Content-Length"]))
        *_, request_id, kind = self.path.split("/")
        self._answer(202, b'{"status":"OK"}')
        self.function.actions.put((kind, request_id, body))

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


class ProcessExecutor(RuntimeExecutor):
    """An execution environment."""

    process: Process | None = None

    def start(self, env_vars: dict[str, str]) -> None:
        self.environment = {name: str(value) for name, value in env_vars.items()}
        self._start_process()

    def _start_process(self) -> None:
        directory = Path(self.function_version.config.code.get_unzipped_code_location())
        self.process = Process(directory, self.environment)
        kind, _, body = self.process.next_action(time.time() + INIT_SECONDS_MAX)
        if kind != "ready":
            self.process.stop()
            raise LambdaRuntimeException(f"init ended with {kind} {body.decode(errors='replace')}: {self.get_logs()}")

    def stop(self) -> None:
        if self.process:
            self.process.stop()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        request_id, timeout = payload["invoke-id"], self.function_version.config.timeout
        if not self.process.is_running():
            self.process.stop()
            self._start_process()
        self.process.output.clear()
        deadline = time.time() + timeout
        self.process.events.put({**payload, "deadline": deadline})
        while True:
            kind, answered_id, body = self.process.next_action(deadline)
            if kind in ("response", "error") and answered_id == request_id:
                return self._result(request_id, body, is_error=kind == "error")
            if kind == "exit":
                return self._failure(request_id, "Runtime.ExitError", f"Runtime exited with {body.decode()}")
            if kind == "timeout":
                self.process.stop()
                return self._failure(request_id, "Sandbox.Timedout", f"Task timed out after {timeout}.00 seconds")

    def _failure(self, request_id: str, kind: str, reason: str) -> InvocationResult:
        body = {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {reason}"}
        return self._result(request_id, json.dumps(body).encode(), is_error=True)

    def _result(self, request_id: str, body: bytes, is_error: bool) -> InvocationResult:
        return InvocationResult(request_id, body, is_error, logs=self.get_logs())

    def get_logs(self) -> str:
        return "".join(self.process.output) if self.process else ""

    def get_address(self) -> str:
        return LOOPBACK

    def get_endpoint_from_executor(self) -> str:
        return LOOPBACK

    def get_runtime_endpoint(self) -> str:
        return f"http://{LOOPBACK}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    @classmethod
    def prepare_version(cls, function_version) -> None:
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version) -> None:
        pass


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *_args, **_kwargs) -> type[RuntimeExecutor]:
        return ProcessExecutor
