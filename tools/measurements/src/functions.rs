//! Functions of the template, with their environment variables.

/// A function of `template.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Logical id in the template, which is also its folder in the output of `sam build`.
    pub logical_id: &'static str,
    /// Cargo package and binary.
    pub package: &'static str,
    /// Environment variables of the template that are specific to the function.
    variables: &'static [(&'static str, &'static str)],
}

/// All functions. A function that lacks a variable fails at start and names it.
pub const FUNCTIONS: [Function; 6] = [
    Function {
        logical_id: "PaymentApi",
        package: "payment-api",
        variables: &[
            ("PAYMENTS_TABLE", "PaymentsTable"),
            ("PROCESSOR_SIMULATOR_TABLE", "ProcessorSimulatorTable"),
            ("PAYMENT_STREAM", "PaymentStream"),
            ("PAYMENT_LEASE_MS", "10000"),
        ],
    },
    Function {
        logical_id: "PaymentRelay",
        package: "payment-relay",
        variables: &[
            ("PAYMENTS_TABLE", "PaymentsTable"),
            ("PAYMENT_STREAM", "PaymentStream"),
            ("QUARANTINE_TABLE", "PaymentsQuarantineTable"),
        ],
    },
    Function {
        logical_id: "OrderProjector",
        package: "order-projector",
        variables: &[("ORDERS_TABLE", "OrdersTable"), ("QUARANTINE_TABLE", "QuarantineTable")],
    },
    Function { logical_id: "OrderApi", package: "order-api", variables: &[("ORDERS_TABLE", "OrdersTable")] },
    Function {
        logical_id: "SyncOrderApi",
        package: "order-api",
        variables: &[("ORDERS_TABLE", "OrdersTable"), ("PAYMENT_LOOKUP", "remote")],
    },
    Function {
        logical_id: "PaymentRecovery",
        package: "payment-recovery",
        variables: &[
            ("PAYMENTS_TABLE", "PaymentsTable"),
            ("QUARANTINE_TABLE", "PaymentsQuarantineTable"),
            ("PROCESSOR_SIMULATOR_TABLE", "ProcessorSimulatorTable"),
        ],
    },
];

/// A relay of another hub, which connects to the hub when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubRelay {
    /// The function.
    pub function: Function,
    /// Environment variable with the hub's address, `HOST:PORT`.
    pub address: &'static str,
}

/// Relays of the other hubs, over plain TCP.
pub const HUB_RELAYS: [HubRelay; 2] = [
    HubRelay {
        function: Function {
            logical_id: "PaymentRelayKafka",
            package: "payment-relay-kafka",
            variables: &[
                ("KAFKA_TOPIC", "payments"),
                ("KAFKA_AUTHENTICATION", "none"),
                ("HUB_ENCRYPTION", "plaintext"),
                ("RECORD_AGE_MAX_SECONDS", "43200"),
                ("QUARANTINE_TABLE", "PaymentsQuarantineTable"),
            ],
        },
        address: "KAFKA_BOOTSTRAP_SERVERS",
    },
    HubRelay {
        function: Function {
            logical_id: "PaymentRelayRabbitMq",
            package: "payment-relay-rabbitmq",
            variables: &[
                ("RABBITMQ_VIRTUAL_HOST", "/"),
                ("RABBITMQ_EXCHANGE", "payments"),
                ("RABBITMQ_QUEUE", "payments"),
                ("HUB_ENCRYPTION", "plaintext"),
                ("RECORD_AGE_MAX_SECONDS", "43200"),
                ("QUARANTINE_TABLE", "PaymentsQuarantineTable"),
            ],
        },
        address: "RABBITMQ_ENDPOINT",
    },
];

impl Function {
    /// All environment variables: those of Lambda, those of the template, and the endpoints of the services.
    pub fn environment(&self, runtime_api: &str, services: &str) -> Vec<(&'static str, String)> {
        let fixed = self.variables.iter().chain(&EVERY_FUNCTION).map(|(name, value)| (*name, (*value).to_owned()));
        let endpoints = [
            ("AWS_LAMBDA_FUNCTION_NAME", self.logical_id.to_owned()),
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", services.to_owned()),
            ("AWS_ENDPOINT_URL_KINESIS", services.to_owned()),
            // Read only in synchronous mode.
            ("PAYMENTS_URL", services.to_owned()),
        ];
        fixed.chain(endpoints).collect()
    }
}

/// Environment variables of every function, from the template and from Lambda.
const EVERY_FUNCTION: [(&str, &str); 12] = [
    ("LOG_LEVEL", "info"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
    ("_HANDLER", "bootstrap"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "AKIDMEASUREMENTS"),
    ("AWS_SECRET_ACCESS_KEY", "measurements"),
    ("AWS_SESSION_TOKEN", "measurements"),
    ("TZ", ":UTC"),
];
