"""LocalStack without Docker and Java: functions as plain processes, and dynoxide as the engine of DynamoDB."""
