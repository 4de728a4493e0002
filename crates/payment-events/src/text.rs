//! Types that are strings on the wire.

use schemars::{Schema, json_schema};

/// Rule of a [`text_type!`](crate::text_type): a prefix, then 1 to `length_max` characters of one class.
#[derive(Debug, Clone, Copy)]
pub struct TextRule {
    /// Prefix of the text. May be empty.
    pub prefix: &'static str,
    /// Characters allowed after the prefix, as the inside of a regular expression's character class: single ASCII
    /// characters, and ranges such as `a-z`.
    pub class: &'static str,
    /// Maximum number of characters after the prefix.
    pub length_max: usize,
}

impl TextRule {
    /// Returns true if the text satisfies the rule.
    pub fn allows(&self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix(self.prefix) else { return false };
        (1..=self.length_max).contains(&rest.len()) && rest.bytes().all(|byte| is_of(self.class.as_bytes(), byte))
    }

    /// Returns the JSON Schema of the texts that the rule allows.
    pub fn schema(&self, description: &str, example: &str) -> Schema {
        let Self { prefix, class, length_max } = self;
        let mut schema = json_schema!({
            "description": description,
            "type": "string",
            "pattern": format!("^{prefix}[{class}]{{1,{length_max}}}$"),
            "maxLength": prefix.len().saturating_add(*length_max),
            "examples": [example],
        });
        if prefix.is_empty() {
            schema.insert("minLength".to_owned(), 1.into());
        }
        schema
    }
}

/// Returns true if the class contains the character.
fn is_of(class: &[u8], byte: u8) -> bool {
    match class {
        [first, b'-', last, rest @ ..] => (*first..=*last).contains(&byte) || is_of(rest, byte),
        [one, rest @ ..] => *one == byte || is_of(rest, byte),
        [] => false,
    }
}

/// Defines a string type that satisfies a [`TextRule`], and its parse error. Parsing is the only constructor. The type
/// implements `JsonSchema`.
///
/// [`text_output!`](crate::text_output) adds read access to the text. The defining crate must depend on `schemars` and
/// `thiserror`.
///
/// ```
/// use payment_events::{TextRule, text_output, text_type};
///
/// text_type! {
///     /// A registration plate.
///     #[derive(Debug)]
///     Plate: TextRule { prefix: "", class: "A-Z0-9", length_max: 8 },
///     schema: "Letters and digits.", example: "KA42",
///     /// The text is not 1 to 8 letters and digits.
///     error InvalidPlate: "must be 1 to 8 letters and digits",
/// }
/// text_output!(Plate);
///
/// assert_eq!("KA42".parse::<Plate>().map(|plate| plate.to_string()), Ok("KA42".to_owned()));
/// assert_eq!("KA 42".parse::<Plate>(), Err(InvalidPlate));
/// ```
#[macro_export]
macro_rules! text_type {
    (
        $(#[$meta:meta])*
        $name:ident: $rule:expr,
        schema: $description:literal, example: $example:literal,
        $(#[$error_meta:meta])*
        error $error:ident: $message:literal $(, $argument:expr)* $(,)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        $(#[$error_meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error($message $(, $argument)*)]
        pub struct $error;

        impl $name {
            const RULE: $crate::TextRule = $rule;
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                if Self::RULE.allows(text) { Ok(Self(text.to_owned())) } else { Err($error) }
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                Self::RULE.schema($description, $example)
            }
        }
    };
}

/// Adds `as_str` and `Display` to a [`text_type!`](crate::text_type). Both return the text as it is on the wire.
#[macro_export]
macro_rules! text_output {
    ($name:ident) => {
        impl $name {
            /// Returns the text as it is on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Implements `Serialize` and `Deserialize` as a JSON string, by the type's `Display` and `FromStr`.
macro_rules! json_string {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Implements `JsonSchema` for a string type. A test in `contracts` checks that the schema and the parser accept the
/// same strings.
macro_rules! string_schema {
    ($name:ident, { $($schema:tt)* }) => {
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", $($schema)* })
            }
        }
    };
}

pub(crate) use {json_string, string_schema};
