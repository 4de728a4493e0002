//! Values in methods and message headers, as RabbitMQ encodes them
//! ([errata, section 3](https://www.rabbitmq.com/amqp-0-9-1-errata.html#section_3)).

/// Depth of tables and arrays within tables. Deeper ones are malformed.
const DEPTH_MAX: usize = 32;

/// Value of a table's field. Text is bytes: nothing in the protocol makes it UTF-8.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Double(f64),
    /// Scale and unscaled value.
    Decimal(u8, i32),
    /// Long string.
    Text(Vec<u8>),
    /// Byte array.
    Bytes(Vec<u8>),
    /// Seconds since 1970.
    Timestamp(u64),
    Array(Vec<Value>),
    Table(Table),
    Void,
}

/// Fields of a table, in their order. Names may repeat.
pub(crate) type Table = Vec<(String, Value)>;

/// Reads values from bytes. Each method returns `None` if the bytes end early or are malformed.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn octet(&mut self) -> Option<u8> {
        self.array::<1>().map(u8::from_be_bytes)
    }

    pub(crate) fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn long(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn long_long(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A string of up to 255 bytes. Bytes that are not UTF-8 are replaced, as by Java's client.
    pub(crate) fn short_string(&mut self) -> Option<String> {
        let size = self.octet()?;
        Some(String::from_utf8_lossy(self.take(usize::from(size))?).into_owned())
    }

    pub(crate) fn long_string(&mut self) -> Option<&'a [u8]> {
        let size = self.long()?;
        self.take(usize::try_from(size).ok()?)
    }

    pub(crate) fn table(&mut self) -> Option<Table> {
        self.table_within(DEPTH_MAX)
    }

    fn table_within(&mut self, depth: usize) -> Option<Table> {
        let mut fields = Fields(self.long_string()?);
        let mut table = Table::new();
        while !fields.is_empty() {
            let name = fields.short_string()?;
            table.push((name, fields.value(depth)?));
        }
        Some(table)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        Some(match self.octet()? {
            b't' => Value::Bool(self.octet()? != 0),
            b'b' => Value::Int(self.array().map(i8::from_be_bytes)?.into()),
            b'B' => Value::Int(self.octet()?.into()),
            b's' => Value::Int(self.array().map(i16::from_be_bytes)?.into()),
            b'u' => Value::Int(self.short()?.into()),
            b'I' => Value::Int(self.array().map(i32::from_be_bytes)?.into()),
            b'i' => Value::Unsigned(self.long()?.into()),
            b'l' | b'L' => Value::Int(self.array().map(i64::from_be_bytes)?),
            b'f' => Value::Double(self.array().map(f32::from_be_bytes)?.into()),
            b'd' => Value::Double(self.array().map(f64::from_be_bytes)?),
            b'D' => Value::Decimal(self.octet()?, self.array().map(i32::from_be_bytes)?),
            b'S' => Value::Text(self.long_string()?.to_vec()),
            b'x' => Value::Bytes(self.long_string()?.to_vec()),
            b'T' => Value::Timestamp(self.long_long()?),
            b'A' => {
                let mut elements = Fields(self.long_string()?);
                let mut array = Vec::new();
                while !elements.is_empty() {
                    array.push(elements.value(depth)?);
                }
                Value::Array(array)
            }
            b'F' => Value::Table(self.table_within(depth)?),
            b'V' => Value::Void,
            _ => return None,
        })
    }
}

/// Arguments of a method, encoded.
#[derive(Debug, Default, Clone)]
pub(crate) struct Arguments(Vec<u8>);

impl Arguments {
    pub(crate) fn octet(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn short(mut self, value: u16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn long_long(mut self, value: u64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// A string of up to 255 bytes; `None` if it is longer.
    pub(crate) fn short_string(mut self, text: &str) -> Option<Self> {
        self.0.push(u8::try_from(text.len()).ok()?);
        self.0.extend(text.as_bytes());
        Some(self)
    }

    /// A long string, or an encoded table.
    pub(crate) fn long_string(mut self, bytes: &[u8]) -> Option<Self> {
        self.0.extend(u32::try_from(bytes.len()).ok()?.to_be_bytes());
        self.0.extend(bytes);
        Some(self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_field_is_read() {
        let mut fields = Vec::new();
        let values: [(&[u8], Value); 17] = [
            (b"t\x01", Value::Bool(true)),
            (b"b\xff", Value::Int(-1)),
            (b"B\xff", Value::Int(255)),
            (b"s\xff\xfe", Value::Int(-2)),
            (b"u\xff\xfe", Value::Int(65_534)),
            (b"I\xff\xff\xff\xff", Value::Int(-1)),
            (b"i\xff\xff\xff\xff", Value::Unsigned(4_294_967_295)),
            (b"l\xff\xff\xff\xff\xff\xff\xff\xff", Value::Int(-1)),
            (b"f\x3f\xc0\x00\x00", Value::Double(1.5)),
            (b"d\x3f\xf8\x00\x00\x00\x00\x00\x00", Value::Double(1.5)),
            (b"D\x02\x00\x00\x00\x7b", Value::Decimal(2, 123)),
            (b"S\x00\x00\x00\x02h\xe9", Value::Text(vec![b'h', 0xe9])),
            (b"x\x00\x00\x00\x01\x80", Value::Bytes(vec![0x80])),
            (b"T\x00\x00\x00\x00\x00\x00\x00\x01", Value::Timestamp(1)),
            (b"A\x00\x00\x00\x03V\x74\x00", Value::Array(vec![Value::Void, Value::Bool(false)])),
            (b"F\x00\x00\x00\x03\x01kV", Value::Table(vec![("k".to_owned(), Value::Void)])),
            (b"V", Value::Void),
        ];
        for (bytes, _) in &values {
            fields.extend(b"\x01n");
            fields.extend(*bytes);
        }
        let bytes = Arguments::default().long_string(&fields).unwrap();
        let table = Fields::new(bytes.as_bytes()).table().unwrap();
        assert_eq!(table, values.map(|(_, value)| ("n".to_owned(), value)));
        for end in 0..bytes.as_bytes().len() {
            assert_eq!(Fields::new(&bytes.as_bytes()[..end]).table(), None, "{end} bytes");
        }
    }

    #[test]
    fn a_table_that_is_too_deep_or_has_an_unknown_type_is_malformed() {
        let mut table = Vec::new();
        for _ in 0..=DEPTH_MAX {
            let nested = Arguments::default().long_string(&table).unwrap();
            table = [b"\x01nF".as_slice(), nested.as_bytes()].concat();
        }
        let bytes = Arguments::default().long_string(&table).unwrap();
        assert_eq!(Fields::new(bytes.as_bytes()).table(), None);
        assert_eq!(Fields::new(b"\x00\x00\x00\x03\x01n?").table(), None);
    }
}
