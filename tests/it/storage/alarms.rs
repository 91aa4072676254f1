use super::*;
use std::time::{SystemTime, UNIX_EPOCH};
use town::storage::Retry;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[tokio::test]
async fn alarms_are_due_in_order_once_and_across_restarts() {
    let (stores, directory) = stores();
    let root = stores.root();
    let sub = root.sub("a").unwrap().sub("b").unwrap();
    root.set_alarm(Some(at(200))).await.unwrap();
    sub.set_alarm(Some(at(100))).await.unwrap();
    sub.set_alarm(Some(at(150))).await.unwrap();
    let alarms = stores.alarms();
    assert_eq!(alarms.next_due(), Some(at(150)));
    assert!(alarms.due(at(149)).is_empty());
    let due = alarms.due(at(300));
    assert_eq!(due.len(), 2);
    assert_eq!(
        (&due[0].names[..], due[0].scheduled_at, due[0].retries),
        (&["a".to_owned(), "b".to_owned()][..], at(150), 0)
    );
    assert!(due[1].names.is_empty());
    assert!(alarms.due(at(300)).is_empty());
    alarms.done(due[1].clone()).await.unwrap();
    drop((stores, root, sub, alarms));
    // The one whose delivery was never reported comes again.
    let alarms = open(directory.path()).alarms();
    let due = alarms.due(at(300));
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].scheduled_at, at(150));
    alarms.done(due[0].clone()).await.unwrap();
    assert_eq!(alarms.next_due(), None);
}

#[tokio::test]
async fn a_failed_delivery_is_repeated_later_and_later_and_then_given_up() {
    let (stores, directory) = stores();
    stores.root().set_alarm(Some(at(100))).await.unwrap();
    let mut alarms = stores.alarms();
    let mut waits = Vec::new();
    let mut kept = Some(stores);
    for retries in 0..=30 {
        let due = alarms.due(at(10_000_000_000));
        assert_eq!((due[0].retries, due[0].scheduled_at), (retries, at(100)));
        let before = SystemTime::now();
        match alarms.retry_later(due[0].clone()).await.unwrap() {
            Retry::At(time) => {
                waits.push(time.duration_since(before).unwrap().as_secs_f64().round());
                assert_eq!(alarms.next_due(), Some(time));
            }
            Retry::GivenUp => assert_eq!(retries, 30),
            Retry::Replaced => panic!("nobody has set another"),
        }
        if retries == 3 {
            drop((kept.take(), alarms));
            kept = Some(open(directory.path()));
            alarms = kept.as_ref().unwrap().alarms();
        }
    }
    assert_eq!(waits.len(), 30);
    assert_eq!(waits[..4], [2.0, 4.0, 8.0, 16.0]);
    assert_eq!(waits[29], 3600.0);
    assert_eq!(alarms.next_due(), None);
}

#[tokio::test]
async fn an_alarm_set_during_its_delivery_stays_and_waits_for_its_end() {
    let (stores, _directory) = stores();
    let (root, alarms) = (stores.root(), stores.alarms());
    for failed in [false, true] {
        root.set_alarm(Some(at(100))).await.unwrap();
        let due = alarms.due(at(1000)).remove(0);
        root.set_alarm(Some(at(200))).await.unwrap();
        assert!(alarms.due(at(1000)).is_empty());
        if failed {
            assert_eq!(alarms.retry_later(due).await.unwrap(), Retry::Replaced);
        } else {
            alarms.done(due).await.unwrap();
        }
        let next = alarms.due(at(1000)).remove(0);
        assert_eq!((next.scheduled_at, next.retries), (at(200), 0));
        alarms.done(next).await.unwrap();
        assert_eq!(alarms.next_due(), None);
    }
    // Removed during its delivery: not repeated.
    root.set_alarm(Some(at(100))).await.unwrap();
    let due = alarms.due(at(1000)).remove(0);
    root.set_alarm(None).await.unwrap();
    assert_eq!(alarms.retry_later(due).await.unwrap(), Retry::Replaced);
    assert_eq!(alarms.next_due(), None);
}

#[tokio::test]
async fn waiting_ends_when_an_earlier_alarm_is_set() {
    let (stores, _directory) = stores();
    let (root, alarms) = (stores.root(), stores.alarms());
    root.set_alarm(Some(SystemTime::now() + Duration::from_secs(3600)))
        .await
        .unwrap();
    let waiting = tokio::spawn(async move { alarms.wait_for_due().await });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    root.sub("a")
        .unwrap()
        .set_alarm(Some(SystemTime::now() + Duration::from_millis(20)))
        .await
        .unwrap();
    let due = tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(due[0].names, ["a"]);
    assert!(due[0].scheduled_at <= SystemTime::now());
}
