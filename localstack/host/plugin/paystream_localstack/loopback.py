"""Keeps LocalStack to this machine: in its container it may listen on every interface, and so does without being asked."""

import functools

from localstack.runtime import hooks
from twisted.internet import endpoints


@hooks.on_infra_start()
def listen_on_loopback() -> None:
    # LocalStack 4.14 passes on the port of GATEWAY_LISTEN, and not its address.
    endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface="127.0.0.1")
