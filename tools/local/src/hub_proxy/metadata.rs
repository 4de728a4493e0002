//! Addresses of brokers in Kafka's responses, replaced by those of the proxy, so that clients stay behind it.
//!
//! Clients connect to the addresses in `Metadata` ([versions 0 to
//! 13](https://kafka.apache.org/protocol#The_Messages_Metadata)) and, with consumer groups, in `FindCoordinator`
//! ([versions 0 to 6](https://kafka.apache.org/protocol#The_Messages_FindCoordinator)).

use super::OWN_HOST;

/// First version with compact and tagged fields.
const METADATA_FLEXIBLE: i16 = 9;
const METADATA_VERSION_MAX: i16 = 13;
const COORDINATOR_FLEXIBLE: i16 = 3;
/// First version with several coordinators.
const COORDINATOR_LIST: i16 = 4;
const COORDINATOR_VERSION_MAX: i16 = 6;

/// Replaces the addresses of a `Metadata` response, without its correlation id. `own_port` returns the port of the proxy
/// for a broker's host and port; `None` keeps the address. Returns `None` if the response cannot be read.
pub(super) fn rewrite_metadata(
    body: &[u8],
    version: i16,
    own_port: impl Fn(&str, i32) -> Option<u16>,
) -> Option<Vec<u8>> {
    if !(0..=METADATA_VERSION_MAX).contains(&version) {
        return None;
    }
    let mut copy = Copy::new(body, version >= METADATA_FLEXIBLE, own_port);
    copy.header()?;
    if version >= 3 {
        copy.bytes(4)?; // throttle time
    }
    for _ in 0..copy.count()? {
        copy.bytes(4)?; // node id
        copy.address()?;
        if version >= 1 {
            copy.string()?; // rack
        }
        copy.tags()?;
    }
    Some(copy.finish())
}

/// Replaces the addresses of a `FindCoordinator` response, like [`rewrite_metadata`].
pub(super) fn rewrite_coordinator(
    body: &[u8],
    version: i16,
    own_port: impl Fn(&str, i32) -> Option<u16>,
) -> Option<Vec<u8>> {
    if !(0..=COORDINATOR_VERSION_MAX).contains(&version) {
        return None;
    }
    let mut copy = Copy::new(body, version >= COORDINATOR_FLEXIBLE, own_port);
    copy.header()?;
    if version >= 1 {
        copy.bytes(4)?; // throttle time
    }
    if version >= COORDINATOR_LIST {
        for _ in 0..copy.count()? {
            copy.string()?; // key
            copy.bytes(4)?; // node id
            copy.address()?;
            copy.bytes(2)?; // error code
            copy.string()?; // error message
            copy.tags()?;
        }
    } else {
        copy.bytes(2)?; // error code
        if version >= 1 {
            copy.string()?; // error message
        }
        copy.bytes(4)?; // node id
        copy.address()?;
    }
    Some(copy.finish())
}

/// Copies a message field by field. Each method returns `None` at the end of the input.
struct Copy<'a, P> {
    input: &'a [u8],
    output: Vec<u8>,
    is_flexible: bool,
    own_port: P,
}

impl<'a, P: Fn(&str, i32) -> Option<u16>> Copy<'a, P> {
    fn new(input: &'a [u8], is_flexible: bool, own_port: P) -> Self {
        Self { input, output: Vec::with_capacity(input.len() + 64), is_flexible, own_port }
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.input.split_at_checked(count)?;
        self.input = rest;
        Some(taken)
    }

    fn bytes(&mut self, count: usize) -> Option<()> {
        let bytes = self.take(count)?;
        self.output.extend(bytes);
        Some(())
    }

    /// Reads an unsigned varint, without copying it.
    fn take_varint(&mut self) -> Option<u32> {
        let mut value = 0_u32;
        for shift in (0..32).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn put_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.output.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.output.push(value.to_le_bytes()[0]);
    }

    fn varint(&mut self) -> Option<u32> {
        let value = self.take_varint()?;
        self.put_varint(value);
        Some(value)
    }

    /// The rest of the response's header after the correlation id.
    fn header(&mut self) -> Option<()> {
        self.tags()
    }

    /// The number of elements of an array; 0 for a null array.
    fn count(&mut self) -> Option<u32> {
        if self.is_flexible {
            return Some(self.varint()?.saturating_sub(1));
        }
        let bytes = self.take(4)?;
        self.output.extend(bytes);
        Some(u32::try_from(i32::from_be_bytes(bytes.try_into().ok()?)).unwrap_or_default())
    }

    fn take_string(&mut self) -> Option<&'a [u8]> {
        let length = if self.is_flexible {
            usize::try_from(self.take_varint()?).ok()?.saturating_sub(1)
        } else {
            usize::try_from(i16::from_be_bytes(self.take(2)?.try_into().ok()?)).unwrap_or_default()
        };
        self.take(length)
    }

    /// A string, or null.
    fn string(&mut self) -> Option<()> {
        let before = self.input;
        self.take_string()?;
        let copied = before.len() - self.input.len();
        self.output.extend(before.get(..copied)?);
        Some(())
    }

    fn put_string(&mut self, text: &str) -> Option<()> {
        if self.is_flexible {
            self.put_varint(u32::try_from(text.len()).ok()? + 1);
        } else {
            self.output.extend(i16::try_from(text.len()).ok()?.to_be_bytes());
        }
        self.output.extend(text.as_bytes());
        Some(())
    }

    /// Host and port of a broker. A coordinator that is not available has the port -1.
    fn address(&mut self) -> Option<()> {
        let host = std::str::from_utf8(self.take_string()?).ok()?;
        let port = i32::from_be_bytes(self.take(4)?.try_into().ok()?);
        let own = if port > 0 { (self.own_port)(host, port) } else { None };
        self.put_string(own.map_or(host, |_| OWN_HOST))?;
        self.output.extend(own.map_or(port, i32::from).to_be_bytes());
        Some(())
    }

    /// Tagged fields of a flexible version.
    fn tags(&mut self) -> Option<()> {
        if !self.is_flexible {
            return Some(());
        }
        for _ in 0..self.varint()? {
            self.varint()?;
            let size = self.varint()?;
            self.bytes(usize::try_from(size).ok()?)?;
        }
        Some(())
    }

    /// Copies the rest unchanged.
    fn finish(mut self) -> Vec<u8> {
        self.output.extend(self.input);
        self.output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(host: &str, port: i32) -> Option<u16> {
        (host == "broker" && port == 9092).then_some(4242)
    }

    /// A string of an inflexible (i16) or a flexible version (varint plus one).
    fn string(text: &str, is_flexible: bool) -> Vec<u8> {
        let length = u8::try_from(text.len()).unwrap();
        let mut bytes = if is_flexible { vec![length + 1] } else { vec![0, length] };
        bytes.extend(text.as_bytes());
        bytes
    }

    fn metadata(version: i16, address: (&str, i32)) -> Vec<u8> {
        let is_flexible = version >= METADATA_FLEXIBLE;
        let mut body = Vec::new();
        let tags: &[u8] = if is_flexible { &[1, 7, 2, 0xaa, 0xbb] } else { &[] };
        body.extend(tags);
        if version >= 3 {
            body.extend([0, 0, 0, 5]);
        }
        body.extend(if is_flexible { vec![3] } else { vec![0, 0, 0, 2] });
        for (node, (host, port)) in [(1, address), (2, ("elsewhere", 1))] {
            body.extend([0, 0, 0, node]);
            body.extend(string(host, is_flexible));
            body.extend(port.to_be_bytes());
            if version >= 1 {
                body.extend(if is_flexible { vec![0] } else { vec![0xff, 0xff] });
            }
            body.extend(tags);
        }
        body.extend(b"cluster id, controller and topics");
        body
    }

    #[test]
    fn addresses_in_metadata_of_every_version_are_replaced_and_all_else_stays() {
        for version in 0..=METADATA_VERSION_MAX {
            let rewritten = rewrite_metadata(&metadata(version, ("broker", 9092)), version, own);
            assert_eq!(rewritten, Some(metadata(version, (OWN_HOST, 4242))), "version {version}");
        }
    }

    fn coordinator(version: i16, address: (&str, i32)) -> Vec<u8> {
        let is_flexible = version >= COORDINATOR_FLEXIBLE;
        let message = if is_flexible { vec![0] } else { vec![0xff, 0xff] };
        let mut body = Vec::new();
        if is_flexible {
            body.push(0);
        }
        if version >= 1 {
            body.extend([0, 0, 0, 5]);
        }
        if version >= COORDINATOR_LIST {
            body.push(2);
            body.extend(string("orders", true));
        } else {
            body.extend([0, 0]);
            if version >= 1 {
                body.extend(&message);
            }
        }
        body.extend([0, 0, 0, 1]);
        body.extend(string(address.0, is_flexible));
        body.extend(address.1.to_be_bytes());
        if version >= COORDINATOR_LIST {
            body.extend([0, 0]);
            body.extend(&message);
            body.push(0);
        }
        if is_flexible {
            body.push(0);
        }
        body
    }

    #[test]
    fn addresses_of_coordinators_of_every_version_are_replaced() {
        for version in 0..=COORDINATOR_VERSION_MAX {
            let rewritten = rewrite_coordinator(&coordinator(version, ("broker", 9092)), version, own);
            assert_eq!(rewritten, Some(coordinator(version, (OWN_HOST, 4242))), "version {version}");
            let unavailable = coordinator(version, ("", -1));
            assert_eq!(rewrite_coordinator(&unavailable, version, own), Some(unavailable), "version {version}");
        }
    }

    #[test]
    fn an_unknown_version_and_a_response_that_ends_early_are_not_rewritten() {
        assert_eq!(rewrite_metadata(&metadata(13, ("broker", 9092)), 14, own), None);
        for version in [0, 4, 12] {
            let body = metadata(version, ("broker", 9092));
            for end in 0..20 {
                assert_eq!(rewrite_metadata(&body[..end], version, own), None, "version {version}, {end} bytes");
            }
        }
        assert_eq!(rewrite_metadata(&[0xff; 20], 12, own), None);
    }
}
