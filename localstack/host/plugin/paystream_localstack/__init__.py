"""LocalStack without Docker and without Java: functions as plain processes, and dynoxide behind its DynamoDB."""
