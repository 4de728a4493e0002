"""Makes LocalStack listen on loopback only. By default it listens on every interface, as is right in its container."""

import functools

from localstack.runtime import hooks
from twisted.internet import endpoints


@hooks.on_infra_start()
def listen_on_loopback() -> None:
    # LocalStack 4.14 uses the port of GATEWAY_LISTEN and ignores its address.
    endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface="127.0.0.1")
