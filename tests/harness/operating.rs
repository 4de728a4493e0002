//! Operator commands against a running system, and manipulated tables.

use std::collections::HashMap;
use std::process::{Output, Stdio};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use payments_aws::PaymentsScan;
use serde_json::Value;
use tokio::process::Command;

use crate::{Paystream, environment::commands};

/// Result of a command.
#[derive(Debug)]
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Returns standard output as text.
    ///
    /// # Panics
    /// If the exit code is not `code`; the message has all output.
    #[track_caller]
    pub fn text(&self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", String::from_utf8_lossy(&self.stdout), self.stderr);
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Returns standard output as JSON.
    ///
    /// # Panics
    /// If the exit code is not `code`, or the output is not JSON; the message has the output.
    #[track_caller]
    pub fn json(&self, code: i32) -> Value {
        let text = self.text(code);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

impl Paystream {
    /// Runs `paystream` with these arguments and `--url` of this environment.
    ///
    /// # Panics
    /// If the command cannot be run.
    pub async fn command(&self, arguments: &[&str]) -> Ran {
        run(&[arguments, &["--url", self.environment().url()]].concat(), &[]).await
    }

    /// Runs `paystream` like [`Paystream::command`], with its standard output at `stdout`.
    ///
    /// # Panics
    /// If the command cannot be run.
    pub async fn command_writing_to(&self, arguments: &[&str], stdout: impl Into<Stdio>) -> Ran {
        let mut command = Command::new(commands());
        command.args(arguments).args(["--url", self.environment().url()]).stdin(Stdio::null()).kill_on_drop(true);
        command.stdout(stdout).stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{error}"));
        ran(child.wait_with_output().await.unwrap_or_else(|error| panic!("{error}")))
    }

    /// Runs `paystream` with these arguments and the SDK's variables for the endpoints of this environment, as if it
    /// were a deployed stack.
    ///
    /// # Panics
    /// If the command cannot be run.
    pub async fn command_as_on_aws(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        run(arguments, &[&self.as_on_aws()[..], variables].concat()).await
    }

    fn as_on_aws(&self) -> [(&str, &str); 6] {
        [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.environment().dynamodb_url()),
            ("AWS_ENDPOINT_URL_KINESIS", self.environment().kinesis_url()),
        ]
    }

    /// Deletes Orders' copy of a payment.
    ///
    /// # Panics
    /// If the call to DynamoDB fails.
    pub async fn lose_copy(&self, payment: &Value) {
        let delete = self.dynamodb().delete_item().table_name(self.physical_name("OrdersTable"));
        let [order_id, item] = copy_key(payment);
        let deleted = delete.key("order_id", order_id).key("item", item).send().await;
        deleted.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// Changes a number in Orders' copy of a payment.
    ///
    /// # Panics
    /// If the call to DynamoDB fails.
    pub async fn change_copy(&self, payment: &Value, attribute: &str, number: u64) {
        let update = self.dynamodb().update_item().table_name(self.physical_name("OrdersTable"));
        let [order_id, item] = copy_key(payment);
        let update = update.key("order_id", order_id).key("item", item).update_expression("SET #changed = :number");
        let update = update.expression_attribute_names("#changed", attribute);
        let update = update.expression_attribute_values(":number", AttributeValue::N(number.to_string()));
        update.send().await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// Changes an attribute of an order in Orders' table, as a newer deployment or a foreign write would.
    ///
    /// # Panics
    /// If the call to DynamoDB fails.
    pub async fn change_order(&self, order_id: &str, attribute: &str, text: &str) {
        let update = self.dynamodb().update_item().table_name(self.physical_name("OrdersTable"));
        let value = |text: &str| AttributeValue::S(text.to_owned());
        let update = update.key("order_id", value(order_id)).key("item", value("order"));
        let update =
            update.update_expression("SET #attribute = :text").expression_attribute_names("#attribute", attribute);
        let sent = update.expression_attribute_values(":text", value(text)).send().await;
        sent.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// Changes an item of the orders table with an update expression and values for it. `item` is the sort key: `order`, or
    /// `payment#` and the payment's id.
    ///
    /// # Panics
    /// If the call to DynamoDB fails.
    pub async fn change_order_item(&self, order_id: &str, item: &str, expression: &str, values: &[(&str, Value)]) {
        let update = self.dynamodb().update_item().table_name(self.physical_name("OrdersTable"));
        let update = update.key("order_id", AttributeValue::S(order_id.to_owned()));
        let mut update = update.key("item", AttributeValue::S(item.to_owned())).update_expression(expression);
        for (name, value) in values {
            let value = value.as_u64().map_or_else(|| text(value), |number| AttributeValue::N(number.to_string()));
            update = update.expression_attribute_values(*name, value);
        }
        if expression.contains("#status") {
            update = update.expression_attribute_names("#status", "status");
        }
        update.send().await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// Stores Orders' copy of a payment under another order as well.
    ///
    /// # Panics
    /// If a call to DynamoDB fails, or there is no copy.
    pub async fn copy_under(&self, payment: &Value, order_id: &str) {
        let [own, item] = copy_key(payment);
        let get = self.dynamodb().get_item().table_name(self.physical_name("OrdersTable"));
        let got = get.key("order_id", own).key("item", item).send().await.unwrap_or_else(|error| panic!("{error:?}"));
        let mut attributes = got.item.unwrap_or_else(|| panic!("no copy"));
        attributes.insert("order_id".to_owned(), AttributeValue::S(order_id.to_owned()));
        let put = self.dynamodb().put_item().table_name(self.physical_name("OrdersTable"));
        put.set_item(Some(attributes)).send().await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// Deletes a payment in Payments, as restoring an earlier backup would.
    ///
    /// # Panics
    /// If the call to DynamoDB fails.
    pub async fn lose_payment(&self, payment: &Value) {
        let delete = self.dynamodb().delete_item().table_name(self.physical_name("PaymentsTable"));
        let deleted = delete.key("payment_id", text(&payment["payment_id"])).send().await;
        deleted.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// Removes a required attribute of a payment, so that it cannot be decoded.
    ///
    /// # Panics
    /// If the call to DynamoDB fails.
    pub async fn spoil_payment(&self, payment: &Value) {
        let update = self.dynamodb().update_item().table_name(self.physical_name("PaymentsTable"));
        let update = update.key("payment_id", text(&payment["payment_id"])).update_expression("REMOVE amount");
        update.send().await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// Attributes of a payment's item in Payments.
    ///
    /// # Panics
    /// If the call to DynamoDB fails, or there is no such item.
    pub async fn payment_item(&self, payment: &Value) -> HashMap<String, AttributeValue> {
        let get = self.dynamodb().get_item().table_name(self.physical_name("PaymentsTable")).consistent_read(true);
        let got = get.key("payment_id", text(&payment["payment_id"])).send().await;
        got.unwrap_or_else(|error| panic!("{error:?}")).item.unwrap_or_else(|| panic!("no item of {payment}"))
    }

    /// Writes up to 25 items to the payments table in one call, as they are.
    ///
    /// # Panics
    /// If the call to DynamoDB fails, or leaves an item unprocessed.
    pub async fn put_payment_items(&self, items: impl IntoIterator<Item = HashMap<String, AttributeValue>>) {
        let requests = items.into_iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap_or_else(|error| panic!("{error}"));
            WriteRequest::builder().put_request(put).build()
        });
        let write = self.dynamodb().batch_write_item();
        let write = write.request_items(self.physical_name("PaymentsTable"), requests.collect()).send().await;
        let unprocessed = write.unwrap_or_else(|error| panic!("{error:?}")).unprocessed_items;
        assert!(unprocessed.is_none_or(|items| items.is_empty()), "items are unprocessed");
    }

    /// Ids of all payments, in the order of a table scan.
    ///
    /// # Panics
    /// If the table cannot be read.
    pub async fn payment_ids_as_read(&self) -> Vec<String> {
        let mut scan = PaymentsScan::new(self.dynamodb(), self.physical_name("PaymentsTable"), 100);
        let mut ids = Vec::new();
        while let Some(page) = scan.next_page().await.unwrap_or_else(|error| panic!("{error}")) {
            ids.extend(page.into_iter().flatten().map(|record| record.payment.payment_id.to_string()));
        }
        ids
    }

    /// Writes a record to the quarantine table, as the projector would.
    ///
    /// # Panics
    /// If the call to DynamoDB fails.
    pub async fn put_in_quarantine(&self, id: &str, partition_key: &str, data: &[u8]) {
        self.put_in_quarantine_of("QuarantineTable", id, partition_key, data).await;
    }

    /// Writes a record to one of the quarantine tables, by its logical id.
    ///
    /// # Panics
    /// If the call to DynamoDB fails.
    pub async fn put_in_quarantine_of(&self, table: &str, id: &str, partition_key: &str, data: &[u8]) {
        let put = self.dynamodb().put_item().table_name(self.physical_name(table));
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let number = |number: usize| AttributeValue::N(number.to_string());
        let put = put.item("record", text(id)).item("part", number(0)).item("parts", number(1));
        let put = put.item("bytes", number(data.len())).item("data", AttributeValue::B(Blob::new(data)));
        let put = put.item("partition_key", text(partition_key)).item("reason", text("unknown event type"));
        let put = put.item("arrived_at", text("2026-11-23T00:00:00.000Z"));
        let put =
            put.item("quarantined_at", text("2026-11-23T00:00:00.000Z")).item("expires_at", number(4_000_000_000));
        put.send().await.unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// Runs `paystream` like [`Paystream::command_as_on_aws`], and sends Ctrl-C (SIGINT) `times` times. Each is sent
    /// once `time` returns true for its number; the first is 0.
    ///
    /// # Panics
    /// If the command cannot be run, or `time` does not return true in time.
    pub async fn command_interrupted(
        &self,
        arguments: &[&str],
        times: usize,
        time: impl AsyncFn(usize) -> bool,
    ) -> Ran {
        let mut command = Command::new(commands());
        command.args(arguments).envs(self.as_on_aws()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{error}"));
        let id = child.id().unwrap_or_else(|| panic!("the command has ended")).to_string();
        for number in 0..times {
            Self::eventually("Ctrl-C can be sent", async || time(number).await.then_some(())).await;
            let sent = Command::new("kill").args(["-INT", &id]).status().await;
            assert!(sent.is_ok_and(|status| status.success()), "cannot send SIGINT");
        }
        ran(child.wait_with_output().await.unwrap_or_else(|error| panic!("{error}")))
    }
}

fn copy_key(payment: &Value) -> [AttributeValue; 2] {
    let item = format!("payment#{}", payment["payment_id"].as_str().unwrap_or_default());
    [text(&payment["order_id"]), AttributeValue::S(item)]
}

fn text(value: &Value) -> AttributeValue {
    AttributeValue::S(value.as_str().unwrap_or_default().to_owned())
}

async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(commands());
    command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.unwrap_or_else(|error| panic!("{}: {error}", commands().display()));
    ran(output)
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or_else(|| panic!("killed: {output:?}")),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
