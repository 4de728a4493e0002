//! `paystream doctor`: settings of the hub, the tables and the mappings that would lose, reorder or stop payments.

mod hub;
mod parts;

use std::process::ExitCode;

use clap::Args;
use paystream_operations::doctor::{Diagnosis, Effect, Finding, ManagementUrl, conditions};
use serde::Serialize;

use crate::output::{self, CommandError, OutputError};
use crate::target::OperatingArguments;
use parts::System;

/// End of the `--help` text.
const AFTER_HELP: &str = "\
Credentials for Kafka with SCRAM and for RabbitMQ come from the variable PAYSTREAM_HUB_CREDENTIALS (USER:PASSWORD), or
else from the secret of the output HubSecretArn. For RabbitMQ, the user needs the tag `monitoring`. With
KafkaAuthentication=iam, the AWS credentials are used.

Exit codes:
  0  nothing was found, and every part could be read
  1  a condition that is not accepted loses, reorders or stops something
  2  wrong arguments; or nothing was found, but a part could not be read; or the output could not be written";

#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[arg(
        long,
        value_name = "HOST:PORT",
        help = "Address of a Kafka broker, instead of the output KafkaBootstrapServers"
    )]
    hub_url: Option<String>,
    #[arg(
        long,
        value_name = "URL",
        help = "URL of RabbitMQ's management API [default: port 443 of the output \
        RabbitMqEndpoint; port 15672 without TLS]"
    )]
    management_url: Option<ManagementUrl>,
    /// Number of partitions that the topic had when it was last checked
    #[arg(long, value_name = "NUMBER")]
    kafka_partitions: Option<usize>,
    /// Set a stack output, such as Hub=kafka; repeatable
    #[arg(long = "output", value_name = "KEY=VALUE", value_parser = key_and_value)]
    given_outputs: Vec<(String, String)>,
    /// List this condition, but do not count it; repeatable
    #[arg(long = "accept", value_name = "CONDITION", value_parser = known_condition)]
    accepted: Vec<String>,
    #[command(flatten)]
    operating: OperatingArguments,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".to_owned()),
    }
}

fn known_condition(text: &str) -> Result<String, String> {
    if conditions().any(|condition| condition.code == text) {
        return Ok(text.to_owned());
    }
    let all: Vec<_> = conditions().map(|condition| condition.code).collect();
    Err(format!("expected one of {}", all.join(", ")))
}

#[derive(Serialize)]
struct Reported<'d> {
    condition: &'static str,
    effect: Effect,
    subject: &'d str,
    observed: &'d str,
    consequence: &'static str,
    remedy: &'static str,
    accepted: bool,
}

#[derive(Serialize)]
struct Report<'d> {
    hub: &'d str,
    findings: Vec<Reported<'d>>,
    checked: &'d [String],
    unchecked: &'d [paystream_operations::doctor::Unchecked],
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, CommandError> {
    let target = arguments.operating.target.resolve().await?;
    let system = System::new(target, arguments.given_outputs.iter().cloned())?;
    let mut diagnosis = Diagnosis::default();
    system.check(&arguments, &mut diagnosis).await;
    let is_accepted = |finding: &Finding| arguments.accepted.iter().any(|code| code == finding.condition.code);
    if arguments.operating.json {
        output::json(&report(system.hub().as_str(), &diagnosis, is_accepted))?;
    } else {
        print(&diagnosis, is_accepted)?;
    }
    let is_sick = diagnosis.findings.iter().any(|finding| !is_accepted(finding));
    Ok(match (is_sick, diagnosis.has_failures()) {
        (true, _) => ExitCode::from(1),
        (false, true) => ExitCode::from(2),
        (false, false) => ExitCode::SUCCESS,
    })
}

fn report<'d>(hub: &'d str, diagnosis: &'d Diagnosis, is_accepted: impl Fn(&Finding) -> bool) -> Report<'d> {
    let reported = |finding: &'d Finding| Reported {
        condition: finding.condition.code,
        effect: finding.condition.effect,
        subject: &finding.subject,
        observed: &finding.observed,
        consequence: finding.condition.consequence,
        remedy: finding.condition.remedy,
        accepted: is_accepted(finding),
    };
    Report {
        hub,
        findings: diagnosis.findings.iter().map(reported).collect(),
        checked: &diagnosis.checked,
        unchecked: &diagnosis.unchecked,
    }
}

fn print(diagnosis: &Diagnosis, is_accepted: impl Fn(&Finding) -> bool) -> Result<(), OutputError> {
    let mut findings: Vec<_> = diagnosis.findings.iter().collect();
    findings.sort_by_key(|finding| finding.condition.effect);
    for finding in &findings {
        let condition = finding.condition;
        let mark = if is_accepted(finding) { " (accepted)" } else { "" };
        output::line(&format!(
            "{}{mark}  {}  {}: {}. {} {}",
            condition.effect,
            condition.code,
            output::foreign(&finding.subject, 200),
            output::foreign(&finding.observed, 300),
            condition.consequence,
            condition.remedy,
        ))?;
    }
    let checked: Vec<_> = diagnosis.checked.iter().map(|part| output::foreign(part, 200)).collect();
    let count = findings.iter().filter(|finding| !is_accepted(finding)).count();
    output::line(&format!("{} in {}", output::count(count, "finding"), output::count(checked.len(), "part")))?;
    output::lines(checked.iter().map(|part| format!("  checked: {part}")))?;
    output::lines(diagnosis.unchecked.iter().map(|part| {
        let word = if part.is_failure { "could not be read" } else { "not checked" };
        format!("  {word}: {}: {}", output::foreign(&part.subject, 200), output::foreign(&part.reason, 400))
    }))
}
