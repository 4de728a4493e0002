//! Conversion of X-Ray trace headers to W3C Trace Context.

/// Converts an X-Ray trace header, such as
/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`, to a W3C `traceparent`. Returns `None`
/// if it has no valid root.
///
/// A trace that begins at API Gateway has no parent. The last 16 digits of its trace id replace it.
/// Source: <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>.
pub fn trace_parent(xray: &str) -> Option<String> {
    let field = |name: &str| xray.split(';').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
    let (seconds, unique) = field("Root")?.strip_prefix("1-")?.split_once('-')?;
    let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex(seconds, 8) || !is_hex(unique, 24) {
        return None;
    }
    let parent = field("Parent").filter(|parent| is_hex(parent, 16)).or(unique.get(8..))?;
    let flags = if field("Sampled") == Some("1") { "01" } else { "00" };
    Some(format!("00-{seconds}{unique}-{parent}-{flags}").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_x_ray_header_and_a_traceparent_name_the_same_trace() {
        let (root, parent) = ("Root=1-5759e988-bd862e3fe1be46a994272793", "Parent=53995c3f42cd8ad8");
        for (xray, expected) in [
            (format!("{root};{parent};Sampled=1"), "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"),
            (format!("Self=1-x;{root}; {parent}"), "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00"),
            (root.to_owned(), "00-5759e988bd862e3fe1be46a994272793-e1be46a994272793-00"),
        ] {
            assert_eq!(trace_parent(&xray).as_deref(), Some(expected), "{xray}");
        }
    }

    #[test]
    fn a_header_without_a_valid_root_has_no_traceparent() {
        for xray in [
            "",
            "Root=",
            "Root=1-5759e988-bd862e3f",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-é-x",
            parent_only(),
        ] {
            assert_eq!(trace_parent(xray), None, "{xray}");
        }
    }

    fn parent_only() -> &'static str {
        "Parent=53995c3f42cd8ad8;Sampled=1"
    }
}
