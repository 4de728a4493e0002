//! The functions of the template, each with what it is told there.

/// A function of `template.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its name in the template, which is the folder that `sam build` puts it in.
    pub logical_id: &'static str,
    /// Its cargo package, and its binary.
    pub package: &'static str,
    /// What the template tells it, apart from what it tells every function.
    variables: &'static [(&'static str, &'static str)],
}

/// All of them. One that asks for more says so when it starts, by name.
pub const FUNCTIONS: [Function; 5] = [
    Function {
        logical_id: "PaymentApi",
        package: "payment-api",
        variables: &[
            ("PAYMENTS_TABLE", "PaymentsTable"),
            ("PAYMENT_STREAM", "PaymentStream"),
            ("PAYMENT_LEASE_MS", "10000"),
        ],
    },
    Function {
        logical_id: "PaymentRelay",
        package: "payment-relay",
        variables: &[("PAYMENTS_TABLE", "PaymentsTable"), ("PAYMENT_STREAM", "PaymentStream")],
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
];

impl Function {
    /// All that it finds in its environment: what Lambda sets, what the template says, and where the services are.
    pub fn environment(&self, runtime_api: &str, services: &str) -> Vec<(&'static str, String)> {
        let told = self.variables.iter().chain(&EVERY_FUNCTION).map(|(name, value)| (*name, (*value).to_owned()));
        let here = [
            ("AWS_LAMBDA_FUNCTION_NAME", self.logical_id.to_owned()),
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", services.to_owned()),
            ("AWS_ENDPOINT_URL_KINESIS", services.to_owned()),
            // Looked at by the function only that asks Payments.
            ("PAYMENTS_URL", services.to_owned()),
        ];
        told.chain(here).collect()
    }
}

/// What the template tells every function, and what Lambda does.
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
