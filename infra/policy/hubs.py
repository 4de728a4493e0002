"""Stacks with Kafka and RabbitMQ, and the permissions that AWS documents for their functions and mappings."""

ACCOUNT = "eu-central-1:123456789012"
SECRET = f"arn:aws:secretsmanager:{ACCOUNT}:secret:AmazonMSK_paystream-AbCdEf"
CA = f"arn:aws:secretsmanager:{ACCOUNT}:secret:kafka-ca-AbCdEf"
CLUSTER = f"arn:aws:kafka:{ACCOUNT}:cluster/paystream/1a2b3c4d-1"
BROKER = f"arn:aws:mq:{ACCOUNT}:broker:paystream:b-1a2b3c4d"
SECRET_KEY = {"HubSecretKmsKeyArn": f"arn:aws:kms:{ACCOUNT}:key/2"}
VPC = {"HubSubnetIds": "subnet-0a,subnet-0b", "HubSecurityGroupIds": "sg-0a"}
KAFKA = {"Hub": "kafka", "PublishMode": "stream", "KafkaBootstrapServers": "b-1.kafka.example:9096,b-2.kafka.example:9096"}
SCRAM = {"KafkaAuthentication": "scram-sha-512", "HubSecretArn": SECRET}

MSK = KAFKA | VPC | {"KafkaClusterArn": CLUSTER}
MSK_SCRAM = MSK | SCRAM | SECRET_KEY
SELF_MANAGED = KAFKA | SCRAM | {
    "HubCaSecretArn": CA, "HubSubnetIds": "subnet-0a,subnet-0b,subnet-0c", "HubSecurityGroupIds": "sg-0a,sg-0b",
}
# As the local environment runs it.
UNPROTECTED = KAFKA | {"KafkaAuthentication": "none", "HubEncryption": "plaintext"}
RABBITMQ = VPC | {
    "Hub": "rabbitmq", "PublishMode": "stream", "HubSecretArn": SECRET, "RabbitMqBrokerArn": BROKER,
    "RabbitMqEndpoint": "b-1a2b3c4d.mq.eu-central-1.amazonaws.com:5671",
}
STACKS = [MSK, MSK_SCRAM, SELF_MANAGED, UNPROTECTED, RABBITMQ, RABBITMQ | {"HubSubnetIds": "", "HubSecurityGroupIds": ""} | SECRET_KEY]

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
CONNECTING_A_FUNCTION = (
    "ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces "
    "ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses"
)
# https://docs.aws.amazon.com/lambda/latest/dg/with-msk-permissions.html, with-kafka-permissions.html and with-mq.html
CONNECTING_A_MAPPING = (
    "ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSecurityGroups "
    "ec2:DescribeSubnets ec2:DescribeVpcs"
)
# AWS documents all resources for these, and no resource for GetBootstrapBrokers.
NETWORK = {*CONNECTING_A_FUNCTION.split(), *CONNECTING_A_MAPPING.split()}
WITHOUT_RESOURCE = NETWORK | {"kafka:GetBootstrapBrokers"}
RELAYS = {"kinesis": "PaymentRelayRole", "kafka": "PaymentRelayKafkaRole", "rabbitmq": "PaymentRelayRabbitMqRole"}


def called(given):
    """Actions that the relay and the projector need for a hub other than Kinesis, by role and resource."""
    relay, projector = {}, {}
    hub, authentication = given["Hub"], given["KafkaAuthentication"]
    cluster, in_vpc = given["KafkaClusterArn"], given["HubSubnetIds"] != ""
    if hub == "kafka" and cluster:
        projector["KafkaClusterArn"] = "kafka:DescribeClusterV2"
        if authentication == "iam":
            topic = f"{cluster.replace(':cluster/', ':topic/')}/{given['KafkaTopic']}"
            group = f"{cluster.replace(':cluster/', ':group/')}/{given['KafkaConsumerGroup']}"
            relay |= {"KafkaClusterArn": "kafka-cluster:Connect", topic: "kafka-cluster:DescribeTopic kafka-cluster:WriteData"}
            projector["KafkaClusterArn"] += " kafka-cluster:Connect kafka-cluster:DescribeClusterDynamicConfiguration"
            projector |= {topic: "kafka-cluster:DescribeTopic kafka-cluster:ReadData",
                          group: "kafka-cluster:AlterGroup kafka-cluster:DescribeGroup"}
    if hub == "rabbitmq":
        projector["RabbitMqBrokerArn"] = "mq:DescribeBroker"
    secrets = []
    if hub == "rabbitmq" or authentication == "scram-sha-512":
        secrets.append("HubSecretArn")
    if given["HubCaSecretArn"]:
        secrets.append("HubCaSecretArn")
    for role in (relay, projector):
        role |= {secret: "secretsmanager:GetSecretValue" for secret in secrets}
    if in_vpc:
        relay["*"] = CONNECTING_A_FUNCTION
    if in_vpc or cluster or hub == "rabbitmq":
        projector["*"] = CONNECTING_A_MAPPING
    if hub == "kafka" and cluster:
        projector["*"] += " kafka:GetBootstrapBrokers"
    return {RELAYS[hub]: relay, "OrderProjectorRole": projector}
