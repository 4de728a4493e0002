//! Scripted HTTP server that checks the signature of each request.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use payment_events::PaymentInfo;
use serde_json::json;

use crate::{payment, signature};

/// Behaviour for one request.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    /// Returns 200 with one payment.
    Pay,
    /// Returns 200 with the page of the cursor: payment `i` of page `p` is `pay_<p>x<i>`.
    PayPages {
        pages: usize,
        payments_each: usize,
    },
    /// Returns this status.
    Answer(u16),
    /// Returns 200 with this body.
    Say(&'static str),
    /// Returns an endless body.
    SayForEver,
    /// Redirects to the same URL, where the next request would succeed.
    Redirect,
    Hang,
    /// Hangs within the body.
    StopInTheMiddle,
    /// Closes the connection within the body.
    BreakOff,
}

pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Plan>,
}

struct Plan {
    next: Mutex<VecDeque<Does>>,
    then: Does,
    requests: AtomicUsize,
    clients: Mutex<HashSet<SocketAddr>>,
}

impl Server {
    /// Starts a server that behaves like this for the first requests and returns a payment for all later ones.
    pub(crate) async fn start(does: impl IntoIterator<Item = Does>) -> Self {
        Self::serve(does.into_iter().collect(), Does::Pay).await
    }

    pub(crate) async fn always(does: Does) -> Self {
        Self::serve(VecDeque::new(), does).await
    }

    /// Starts a server that behaves like `first` for the first requests and like `then` for all later ones.
    pub(crate) async fn start_and_then(first: impl IntoIterator<Item = Does>, then: Does) -> Self {
        Self::serve(first.into_iter().collect(), then).await
    }

    async fn serve(next: VecDeque<Does>, then: Does) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (next, clients) = (Mutex::new(next), Mutex::default());
        let state = Arc::new(Plan { next, then, requests: AtomicUsize::new(0), clients });
        let router = Router::new().fallback(respond).with_state(Arc::clone(&state));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { address, state }
    }

    /// Base URL, with a stage as in API Gateway.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/dev", self.address)
    }

    pub(crate) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.clients.lock().unwrap().len()
    }
}

async fn respond(
    State(plan): State<Arc<Plan>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    plan.requests.fetch_add(1, Ordering::SeqCst);
    plan.clients.lock().unwrap().insert(client);
    assert_eq!(request.method(), "GET");
    let (first, cursor) = request
        .uri()
        .to_string()
        .split_once("&cursor=")
        .map_or_else(|| (request.uri().to_string(), 0), |(first, cursor)| (first.to_owned(), cursor.parse().unwrap()));
    assert_eq!(first, "/dev/payments?order_id=ord-1");
    signature::check(&request);
    let does = plan.next.lock().unwrap().pop_front().unwrap_or_else(|| plan.then.clone());
    match does {
        Does::Pay => axum::Json(json!({"payments": [payment()]})).into_response(),
        Does::PayPages { pages, payments_each } => {
            let payments = (0..payments_each).map(|number| {
                let payment_id = format!("pay_{cursor}x{number}").parse().unwrap();
                PaymentInfo { payment_id, ..payment() }
            });
            let page = json!({"payments": payments.collect::<Vec<_>>()});
            let next = json!({"next": format!("?order_id=ord-1&cursor={}", cursor + 1)});
            let mut page = page.as_object().unwrap().clone();
            page.extend(next.as_object().unwrap().clone().into_iter().filter(|_| cursor + 1 < pages));
            axum::Json(page).into_response()
        }
        Does::Answer(status) => axum::http::StatusCode::from_u16(status).unwrap().into_response(),
        Does::Say(text) => text.into_response(),
        Does::SayForEver => stream(|_| Some(Ok(vec![b' '; 65_536]))),
        Does::Redirect => (axum::http::StatusCode::FOUND, [("location", request.uri().to_string())]).into_response(),
        Does::Hang => std::future::pending().await,
        Does::StopInTheMiddle => {
            let start = futures::stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"{\"payments\":")) });
            Body::from_stream(futures::StreamExt::chain(start, futures::stream::pending())).into_response()
        }
        Does::BreakOff => stream(|part| match part {
            0 => Some(Ok(b"{\"payments\":".to_vec())),
            _ => Some(Err("on purpose")),
        }),
    }
}

/// Response with a streamed body.
fn stream(part: impl Fn(usize) -> Option<Result<Vec<u8>, &'static str>> + Send + 'static) -> Response {
    Body::from_stream(futures::stream::iter((0..).map_while(part))).into_response()
}
