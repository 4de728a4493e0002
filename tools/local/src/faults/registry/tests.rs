//! Matching, counts and randomness of faults.

use super::*;

const PUT: Call<'_> = Call { target: &FaultTarget::DynamoDb, operation: "PutItem", caller: Some("PaymentApi") };

fn throttle() -> Fault {
    Fault::new(FaultTarget::DynamoDb, Effect::Throttle)
}

fn registry_of(faults: impl IntoIterator<Item = Fault>) -> FaultRegistry {
    let mut registry = FaultRegistry::default();
    faults.into_iter().for_each(|fault| _ = registry.push(fault));
    registry
}

/// Returns the indexes of the calls that fail.
fn ended(registry: &mut FaultRegistry, calls: usize) -> Vec<usize> {
    (0..calls).filter(|_| registry.judge(PUT).ending.is_some()).collect()
}

#[test]
fn a_fault_strikes_calls_of_its_target_operation_and_caller() {
    for (fault, is_hit) in [
        (throttle(), true),
        (throttle().operation("PutItem").from("PaymentApi"), true),
        (throttle().operation("GetItem"), false),
        (throttle().from("OrderApi"), false),
        (Fault::new(FaultTarget::Kinesis, Effect::Throttle), false),
        (Fault::new(FaultTarget::function("PaymentApi"), Effect::Throttle), false),
    ] {
        let mut registry = registry_of([fault.clone()]);
        assert_eq!(registry.judge(PUT).ending.is_some(), is_hit, "{fault:?}");
        assert_eq!(registry.all()[0].matched, u64::from(is_hit));
    }
}

#[test]
fn a_fault_skips_calls_first_and_then_strikes_up_to_its_count() {
    let mut registry = registry_of([throttle().skip(2).count(3)]);
    assert_eq!(ended(&mut registry, 10), [2, 3, 4]);
    let fault = &registry.all()[0];
    assert_eq!((fault.matched, fault.struck), (5, 3), "a spent fault matches no call");
}

#[test]
fn the_same_seed_strikes_the_same_calls_and_another_seed_does_not() {
    let of_seed = |seed| ended(&mut registry_of([throttle().probability(0.3, seed)]), 1000);
    assert_eq!(of_seed(1), of_seed(1));
    assert_ne!(of_seed(1), of_seed(2));
    assert!((250..350).contains(&of_seed(1).len()), "{} of 1000", of_seed(1).len());
    assert_eq!(ended(&mut registry_of([throttle().probability(1.0, 1)]), 100).len(), 100);
}

#[test]
fn skipped_calls_draw_no_random_numbers() {
    let plain = ended(&mut registry_of([throttle().probability(0.5, 9)]), 50);
    let skipping = ended(&mut registry_of([throttle().probability(0.5, 9).skip(7)]), 57);
    assert_eq!(skipping, plain.iter().map(|place| place + 7).collect::<Vec<_>>());
}

#[test]
fn latencies_add_up_to_the_first_failure_and_later_faults_are_not_evaluated() {
    let latency = |latency_ms| Fault::new(FaultTarget::DynamoDb, Effect::LatencyMs(latency_ms));
    let reset = Fault::new(FaultTarget::DynamoDb, Effect::reset_before()).count(1);
    let mut registry = registry_of([latency(20), latency(3), throttle().count(1), latency(500), reset]);
    let first = registry.judge(PUT);
    assert!(matches!(first.ending, Some(Ending::Throttle)));
    assert_eq!((first.latency, first.struck), (Duration::from_millis(23), [1, 2, 3].map(FaultId).to_vec()));
    assert_eq!(registry.all()[4].matched, 0);
    let second = registry.judge(PUT);
    assert!(matches!(second.ending, Some(Ending::Reset(Moment::Before))));
    assert_eq!(second.latency, Duration::from_millis(523));
    let third = registry.judge(PUT);
    assert!(third.ending.is_none());
}

#[test]
fn the_number_of_entries_of_a_call_does_not_affect_the_next_call() {
    let partial = Fault::new(FaultTarget::DynamoDb, Effect::Partial(0.5)).seed(5);
    let second_call = |entries_of_the_first| {
        let mut registry = registry_of([partial.clone()]);
        let [first, second] = [(); 2].map(|()| registry.judge(PUT).ending);
        let (Some(Ending::Partial(mut first)), Some(Ending::Partial(mut second))) = (first, second) else {
            panic!("both calls fail in part");
        };
        let first: Vec<bool> = (0..entries_of_the_first).map(|_| first.rejects_next()).collect();
        let second: Vec<bool> = (0..20).map(|_| second.rejects_next()).collect();
        assert!(!first.windows(20).any(|some| some == second), "one call does not repeat another");
        second
    };
    assert_eq!(second_call(1), second_call(500));
}
