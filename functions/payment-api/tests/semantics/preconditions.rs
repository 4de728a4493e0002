//! Preconditions (RFC 9110, section 13) in both flavours.

use crate::flavours::{Answer, Api, FLAVOURS, Flavour, Sent};

const IF_MATCH: &str = "if-match";
const IF_NONE_MATCH: &str = "if-none-match";

async fn capture(api: &Api, flavour: Flavour, name: &'static str, tags: &[&str]) -> Answer {
    let payment = api.authorized(flavour).await;
    api.send(flavour, &Sent::post(format!("{payment}/capture"), None).with(name, tags)).await
}

#[tokio::test]
async fn if_match_takes_any_list_of_entity_tags() {
    for flavour in FLAVOURS {
        for tags in [&["\"0\"", "\"1\""][..], &[",\"1\",,"], &["\"a,b\", \"1\""], &["\"é\", \"1\""], &["*"]] {
            let changed = capture(&Api::new(), flavour, IF_MATCH, tags).await;
            assert_eq!(changed.status, 200, "{flavour:?} {tags:?}: {changed:?}");
        }
    }
}

#[tokio::test]
async fn entity_tags_are_compared_character_by_character() {
    for flavour in FLAVOURS {
        for tag in ["\"01\"", "\"+1\"", "\"1,1\"", "W/\"1\"", "\"\"", "\"0\""] {
            let refused = capture(&Api::new(), flavour, IF_MATCH, &[tag]).await.expect_problem(412, "version-mismatch");
            assert_eq!(refused.header("etag"), Some("\"1\""), "{flavour:?} {tag}");
            let changed = capture(&Api::new(), flavour, IF_NONE_MATCH, &[tag]).await;
            assert_eq!(changed.status, if tag == "W/\"1\"" { 412 } else { 200 }, "{flavour:?} {tag}");
        }
    }
}

#[tokio::test]
async fn if_none_match_refuses_a_change_of_the_versions_that_it_names() {
    for flavour in FLAVOURS {
        for tags in [&["*"][..], &["\"1\""], &["\"0\"", "\"1\""]] {
            capture(&Api::new(), flavour, IF_NONE_MATCH, tags).await.expect_problem(412, "version-mismatch");
        }
    }
}

#[tokio::test]
async fn a_read_is_conditional() {
    for flavour in FLAVOURS {
        let api = Api::new();
        let payment = api.authorized(flavour).await;
        let read = async |name, tags: &[&str]| api.send(flavour, &Sent::get(&payment).with(name, tags)).await;
        for tags in [&["\"1\""][..], &["W/\"1\""], &["\"0\"", "\"1\""], &["*"]] {
            let unchanged = read(IF_NONE_MATCH, tags).await;
            assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some("\"1\"")), "{flavour:?} {tags:?}");
            assert!(unchanged.body.is_null(), "{flavour:?} {tags:?}: {unchanged:?}");
        }
        assert_eq!(read(IF_NONE_MATCH, &["\"01\""]).await.status, 200, "{flavour:?}");
        assert_eq!(read(IF_MATCH, &["\"1\""]).await.status, 200, "{flavour:?}");
        read(IF_MATCH, &["\"2\""]).await.expect_problem(412, "version-mismatch");
        read(IF_MATCH, &["2"]).await.expect_problem(400, "invalid-request");
        // If-Match is evaluated first.
        let both = Sent::get(&payment).with(IF_NONE_MATCH, ["\"1\""]).with(IF_MATCH, ["\"2\""]);
        api.send(flavour, &both).await.expect_problem(412, "version-mismatch");
    }
}

#[tokio::test]
async fn a_repeated_change_gets_its_answer_whatever_the_preconditions() {
    for flavour in FLAVOURS {
        let api = Api::new();
        let path = format!("{}/capture", api.authorized(flavour).await);
        let sent = Sent::post(path, None).with("idempotency-key", ["k"]).with(IF_MATCH, ["\"1\""]);
        let first = api.send(flavour, &sent).await;
        let again = api.send(flavour, &sent).await;
        assert_eq!((first.status, again.status, &again.body), (200, 200, &first.body), "{flavour:?}");
        assert!(again.is_replayed(), "{flavour:?}");
    }
}
