//! Frames: type, channel, size, payload, end ([AMQP 0-9-1, section 2.3](https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf)).

/// First bytes of a client, for version 0-9-1.
pub(crate) const PROTOCOL_HEADER: [u8; 8] = *b"AMQP\x00\x00\x09\x01";
/// Last byte of a frame.
pub(crate) const FRAME_END: u8 = 0xce;
/// Largest payload that is taken for a frame. RabbitMQ proposes 128 KiB, and takes larger ones from a client that
/// negotiates none.
const PAYLOAD_BYTES_MAX: u32 = 128 * 1024 * 1024;

/// Kind of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// A method, such as `basic.publish`.
    Method,
    /// Properties and size of a message.
    Header,
    /// A part of a message.
    Body,
    /// A sign of life.
    Heartbeat,
}

/// Header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: FrameKind,
    pub(crate) channel: u16,
    /// Size of the payload in bytes, without the end of the frame.
    pub(crate) size: u32,
}

impl FrameHeader {
    pub(crate) const BYTES: usize = 7;

    /// Parses a header; `None` if the bytes are not one.
    pub(crate) fn parse(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let [kind, c1, c0, s3, s2, s1, s0] = bytes;
        let kind = match kind {
            1 => FrameKind::Method,
            2 => FrameKind::Header,
            3 => FrameKind::Body,
            8 => FrameKind::Heartbeat,
            _ => return None,
        };
        let size = u32::from_be_bytes([s3, s2, s1, s0]);
        (size <= PAYLOAD_BYTES_MAX).then_some(Self { kind, channel: u16::from_be_bytes([c1, c0]), size })
    }

    /// Bytes that follow the header: payload and end.
    pub(crate) fn rest(self) -> u64 {
        u64::from(self.size) + 1
    }
}

/// A method, by its class and its number within the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) class: u16,
    pub(crate) number: u16,
}

impl Method {
    pub(crate) const BYTES: usize = 4;

    pub(crate) const CONNECTION_START: Self = Self::new(10, 10);
    pub(crate) const CONNECTION_START_OK: Self = Self::new(10, 11);
    pub(crate) const CONNECTION_TUNE: Self = Self::new(10, 30);
    pub(crate) const CONNECTION_TUNE_OK: Self = Self::new(10, 31);
    pub(crate) const CONNECTION_OPEN: Self = Self::new(10, 40);
    pub(crate) const CONNECTION_OPEN_OK: Self = Self::new(10, 41);
    pub(crate) const CONNECTION_CLOSE: Self = Self::new(10, 50);
    pub(crate) const CHANNEL_OPEN: Self = Self::new(20, 10);
    pub(crate) const CHANNEL_OPEN_OK: Self = Self::new(20, 11);
    pub(crate) const CHANNEL_FLOW: Self = Self::new(20, 20);
    pub(crate) const CHANNEL_FLOW_OK: Self = Self::new(20, 21);
    pub(crate) const CHANNEL_CLOSE: Self = Self::new(20, 40);
    pub(crate) const QUEUE_DECLARE: Self = Self::new(50, 10);
    pub(crate) const QUEUE_DECLARE_OK: Self = Self::new(50, 11);
    pub(crate) const BASIC_QOS: Self = Self::new(60, 10);
    pub(crate) const BASIC_QOS_OK: Self = Self::new(60, 11);
    pub(crate) const BASIC_CONSUME: Self = Self::new(60, 20);
    pub(crate) const BASIC_CONSUME_OK: Self = Self::new(60, 21);
    pub(crate) const BASIC_CANCEL: Self = Self::new(60, 30);
    pub(crate) const BASIC_PUBLISH: Self = Self::new(60, 40);
    pub(crate) const BASIC_DELIVER: Self = Self::new(60, 60);
    pub(crate) const BASIC_ACK: Self = Self::new(60, 80);
    pub(crate) const BASIC_REJECT: Self = Self::new(60, 90);
    pub(crate) const BASIC_NACK: Self = Self::new(60, 120);
    pub(crate) const CONFIRM_SELECT: Self = Self::new(85, 10);

    pub(crate) const fn new(class: u16, number: u16) -> Self {
        Self { class, number }
    }

    /// Parses the first bytes of a method frame's payload.
    pub(crate) fn parse(bytes: [u8; Self::BYTES]) -> Self {
        let [c1, c0, n1, n0] = bytes;
        Self::new(u16::from_be_bytes([c1, c0]), u16::from_be_bytes([n1, n0]))
    }

    /// Builds the frame of this method with these arguments.
    pub(crate) fn frame(self, channel: u16, arguments: &[u8]) -> Vec<u8> {
        let size = u32::try_from(Self::BYTES + arguments.len()).unwrap_or(u32::MAX);
        let mut frame = Vec::with_capacity(FrameHeader::BYTES + Self::BYTES + arguments.len() + 1);
        frame.push(1);
        frame.extend(channel.to_be_bytes());
        frame.extend(size.to_be_bytes());
        frame.extend(self.class.to_be_bytes());
        frame.extend(self.number.to_be_bytes());
        frame.extend(arguments);
        frame.push(FRAME_END);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_frame_is_parsed_as_it_was_built() {
        let frame = Method::CHANNEL_FLOW.frame(258, &[1]);
        assert_eq!(frame, [1, 1, 2, 0, 0, 0, 5, 0, 20, 0, 20, 1, FRAME_END]);
        let header = FrameHeader::parse(frame[..7].try_into().unwrap()).unwrap();
        assert_eq!(header, FrameHeader { kind: FrameKind::Method, channel: 258, size: 5 });
        assert_eq!(Method::parse(frame[7..11].try_into().unwrap()), Method::CHANNEL_FLOW);
    }

    #[test]
    fn other_bytes_are_not_a_frame() {
        for bytes in [*b"AMQP\x00\x00\x09", *b"GET / H", [0x16, 3, 1, 2, 0, 1, 0], [1, 0, 0, 255, 255, 255, 255]] {
            assert_eq!(FrameHeader::parse(bytes), None, "{bytes:?}");
        }
    }
}
