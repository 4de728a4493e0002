"""Has LocalStack start our `dynamodb-local` where it would download DynamoDBLocal.jar, and Java to run it."""

import os

from localstack.runtime import hooks
from localstack.services.dynamodb.server import DynamodbServer
from localstack.utils.run import ShellCommandThread


def _start(server: DynamodbServer) -> ShellCommandThread:
    # It ends with its standard input, so that it does not outlive a LocalStack that was killed.
    command = [os.environ["PAYSTREAM_DYNAMODB"], str(server.port)]
    thread = ShellCommandThread(command, stdin=True, auto_restart=False, name="dynamodb-local")
    thread.start()
    return thread


@hooks.on_infra_start()
def serve_with_dynoxide() -> None:
    DynamodbServer.do_start_thread = _start
