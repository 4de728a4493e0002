"""Makes LocalStack start `dynamodb-local` (dynoxide) instead of downloading Java and DynamoDBLocal.jar."""

import os

from localstack.runtime import hooks
from localstack.services.dynamodb.server import DynamodbServer
from localstack.utils.run import ShellCommandThread


def _start(server: DynamodbServer) -> ShellCommandThread:
    # It exits when its standard input closes, so that it does not outlive a killed LocalStack.
    command = [os.environ["PAYSTREAM_DYNAMODB"], str(server.port)]
    thread = ShellCommandThread(command, stdin=True, auto_restart=False, name="dynamodb-local")
    thread.start()
    return thread


@hooks.on_infra_start()
def serve_with_dynoxide() -> None:
    DynamodbServer.do_start_thread = _start
