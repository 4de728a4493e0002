"""Prints the actions and ARNs of hubs that the roles of the stacks with Kafka and RabbitMQ allow."""

import deployed
import hubs
import permissions

if __name__ == "__main__":
    template = deployed.read()
    pairs = {pair for given in hubs.STACKS for pair in permissions.outside(deployed.translate(template, **given))}
    print("\n".join(sorted(" ".join(pair) for pair in pairs)))
