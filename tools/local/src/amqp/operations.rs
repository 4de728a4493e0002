//! Names of the methods that a client sends, for faults and counts.

use super::Method;

/// Methods of clients, by name. `Connect` (a new TCP connection) is not among them.
const OPERATIONS: [(&str, Method); 29] = [
    ("Authenticate", Method::CONNECTION_START_OK),
    ("OpenConnection", Method::CONNECTION_OPEN),
    ("CloseConnection", Method::CONNECTION_CLOSE),
    ("OpenChannel", Method::CHANNEL_OPEN),
    ("CloseChannel", Method::CHANNEL_CLOSE),
    ("DeclareExchange", Method::new(40, 10)),
    ("DeleteExchange", Method::new(40, 20)),
    ("BindExchange", Method::new(40, 30)),
    ("UnbindExchange", Method::new(40, 40)),
    ("DeclareQueue", Method::QUEUE_DECLARE),
    ("BindQueue", Method::new(50, 20)),
    ("PurgeQueue", Method::new(50, 30)),
    ("DeleteQueue", Method::new(50, 40)),
    ("UnbindQueue", Method::new(50, 50)),
    ("Qos", Method::BASIC_QOS),
    ("Consume", Method::BASIC_CONSUME),
    ("Cancel", Method::BASIC_CANCEL),
    ("Publish", Method::BASIC_PUBLISH),
    ("Get", Method::new(60, 70)),
    ("Ack", Method::BASIC_ACK),
    ("Reject", Method::BASIC_REJECT),
    ("RecoverAsync", Method::new(60, 100)),
    ("Recover", Method::new(60, 110)),
    ("Nack", Method::BASIC_NACK),
    ("SelectConfirms", Method::CONFIRM_SELECT),
    ("SelectTransactions", Method::new(90, 10)),
    ("Commit", Method::new(90, 20)),
    ("Rollback", Method::new(90, 30)),
    ("UpdateSecret", Method::new(10, 70)),
];

/// Returns the name of a method that a client sends; `None` for the rest, such as replies.
pub(crate) fn operation_of(method: Method) -> Option<&'static str> {
    OPERATIONS.iter().find(|(_, known)| *known == method).map(|(name, _)| *name)
}

/// Returns all names.
pub(crate) fn operations() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(name, _)| *name)
}
