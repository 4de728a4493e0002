//! Resource identities: kinds, physical names (`Ref`) and ARNs (`Fn::GetAtt`).

use crate::{ACCOUNT_ID, REGION};

/// Known resource types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResourceKind {
    Api,
    HttpApi,
    Function,
    /// Event source mapping that SAM generates from a stream event of a function. Templates can refer to it.
    Mapping,
    Stream,
    StreamConsumer,
    Table,
    Bucket,
    BucketPolicy,
    Role,
    ManagedPolicy,
    Permission,
    LogGroup,
    ApiGatewayAccount,
    Stack,
}

impl ResourceKind {
    pub(super) fn of(type_name: &str) -> Option<Self> {
        Some(match type_name {
            "AWS::Serverless::Api" => Self::Api,
            "AWS::Serverless::HttpApi" => Self::HttpApi,
            "AWS::Serverless::Function" => Self::Function,
            "AWS::Kinesis::Stream" => Self::Stream,
            "AWS::Kinesis::StreamConsumer" => Self::StreamConsumer,
            "AWS::DynamoDB::Table" => Self::Table,
            "AWS::S3::Bucket" => Self::Bucket,
            "AWS::S3::BucketPolicy" => Self::BucketPolicy,
            "AWS::IAM::Role" => Self::Role,
            "AWS::IAM::ManagedPolicy" => Self::ManagedPolicy,
            "AWS::Lambda::Permission" => Self::Permission,
            "AWS::Logs::LogGroup" => Self::LogGroup,
            "AWS::ApiGateway::Account" => Self::ApiGatewayAccount,
            "AWS::CloudFormation::Stack" => Self::Stack,
            _ => return None,
        })
    }

    /// Property with the physical name, which defaults to the logical id. `None` for types without a name to choose.
    pub(super) fn name_property(self) -> Option<&'static str> {
        match self {
            Self::Api
            | Self::HttpApi
            | Self::Mapping
            | Self::BucketPolicy
            | Self::Permission
            | Self::ApiGatewayAccount
            | Self::Stack => None,
            Self::Function => Some("FunctionName"),
            Self::Stream => Some("Name"),
            Self::StreamConsumer => Some("ConsumerName"),
            Self::Table => Some("TableName"),
            Self::Bucket => Some("BucketName"),
            Self::Role => Some("RoleName"),
            Self::ManagedPolicy => Some("ManagedPolicyName"),
            Self::LogGroup => Some("LogGroupName"),
        }
    }
}

/// A resource's kind and physical name.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) kind: ResourceKind,
    pub(super) logical_id: String,
    pub(super) name: String,
}

impl Identity {
    pub(super) fn new(kind: ResourceKind, logical_id: &str, name: &str) -> Self {
        Self { kind, logical_id: logical_id.to_owned(), name: name.to_owned() }
    }

    /// Value of `Ref`.
    pub(super) fn reference(&self) -> &str {
        &self.name
    }

    /// Value of `Fn::GetAtt`; `None` for unknown attributes.
    pub(super) fn attribute(&self, attribute: &str) -> Option<String> {
        let name = &self.name;
        match (self.kind, attribute) {
            (ResourceKind::Api, "RootResourceId") => Some("root".to_owned()),
            (ResourceKind::Table, "StreamArn") => {
                Some(format!("arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{name}/stream/local"))
            }
            (ResourceKind::StreamConsumer, "ConsumerARN") => {
                Some(format!("arn:aws:kinesis:{REGION}:{ACCOUNT_ID}:consumer/{}", self.logical_id))
            }
            (_, "Arn") => self.arn(),
            _ => None,
        }
    }

    fn arn(&self) -> Option<String> {
        let name = &self.name;
        Some(match self.kind {
            ResourceKind::Api
            | ResourceKind::HttpApi
            | ResourceKind::Mapping
            | ResourceKind::StreamConsumer
            | ResourceKind::BucketPolicy
            | ResourceKind::ManagedPolicy
            | ResourceKind::Permission
            | ResourceKind::ApiGatewayAccount
            | ResourceKind::Stack => return None,
            ResourceKind::Function => format!("arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"),
            ResourceKind::Stream => format!("arn:aws:kinesis:{REGION}:{ACCOUNT_ID}:stream/{name}"),
            ResourceKind::Table => format!("arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{name}"),
            ResourceKind::Bucket => format!("arn:aws:s3:::{name}"),
            ResourceKind::Role => format!("arn:aws:iam::{ACCOUNT_ID}:role/{name}"),
            ResourceKind::LogGroup => format!("arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{name}:*"),
        })
    }
}
