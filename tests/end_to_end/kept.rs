//! Restarts with a data directory.

use paystream_tests::{Need, Paystream, eur, line, order_body, skip_without};

#[tokio::test]
async fn payments_and_orders_are_kept_across_a_restart() {
    if skip_without(&[Need::Restart, Need::Kinesis]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let paystream = Paystream::start_in(directory.path()).await;
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let waiting = paystream.post("/orders", &order_body("ord-2", &[line("tea", 1, &eur(1))])).await.expect(202);
    // No need to wait for the payment to arrive: stopping drains the stream.
    paystream.stop().await;

    let paystream = Paystream::start_in(directory.path()).await;
    let id = payment["payment_id"].as_str().unwrap();
    assert_eq!(paystream.get(&format!("/payments/{id}")).await.expect(200), payment);
    assert_eq!(paystream.get("/orders/ord-2").await.expect(200)["created_at"], waiting["created_at"]);
    paystream.payment_arrives("ord-1", &payment).await;
    paystream.post("/orders", &order_body("ord-1", &[line("tea", 1, &eur(1299))])).await.expect(201);
}
