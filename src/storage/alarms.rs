//! Alarms: one for each database, durable, delivered at least once.
//!
//! This module knows when an alarm is due and not who is called: the kernel asks, delivers and
//! reports.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use super::index::{Id, Index};
use super::{SqlValue, Statement, StorageError};
use crate::limits::{ALARM_RETRIES_MAX, ALARM_RETRY_FIRST, ALARM_RETRY_LONGEST};

/// Alarms handed out at a time; the others follow at the next call.
const ALARMS_PER_CALL: usize = 100;
/// The longest sleep between two looks at the clock, which may be set meanwhile.
const SLEEP_LONGEST: Duration = Duration::from_secs(30);

/// An alarm that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The way from the root down to the database whose alarm it is.
    pub names: Vec<String>,
    /// When it was set for.
    pub scheduled_at: SystemTime,
    /// Deliveries that have failed.
    pub retries: u32,
    id: Id,
    serial: u64,
}

/// What comes of an alarm whose delivery failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It is due again then.
    At(SystemTime),
    /// It has failed too often and is gone.
    GivenUp,
    /// Its program has set or removed it meanwhile; nothing is repeated.
    Replaced,
}

/// The alarms of all databases. A handle.
#[derive(Clone)]
pub struct Alarms {
    index: Arc<Index>,
    changed: Arc<Notify>,
}

impl Alarms {
    pub(super) fn new(index: Arc<Index>) -> Self {
        Alarms {
            index,
            changed: Arc::default(),
        }
    }

    /// When the next alarm is due that is not being delivered.
    pub fn next_due(&self) -> Option<SystemTime> {
        self.index.timetable().next_due_ms().map(time)
    }

    /// Alarms due at `now`, the longest due first. Each is handed out once, until `done` or
    /// `retry_later`; after a crash, again.
    pub fn due(&self, now: SystemTime) -> Vec<Alarm> {
        let handed_out = self.index.timetable().hand_out(milliseconds(now));
        let named = handed_out.into_iter().filter_map(|(id, entry)| {
            // Dropped in this very moment: there is nobody to call.
            let names = self.index.names(id)?;
            let scheduled_at = time(entry.scheduled_ms);
            Some(Alarm {
                names,
                scheduled_at,
                retries: entry.retries,
                id,
                serial: entry.serial,
            })
        });
        named.collect()
    }

    /// Waits until alarms are due and hands them out.
    pub async fn wait_for_due(&self) -> Vec<Alarm> {
        loop {
            // Registered before the look, so that an alarm set in between is noticed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let due = self.due(SystemTime::now());
            if !due.is_empty() {
                return due;
            }
            let wait = self.next_due().map_or(SLEEP_LONGEST, |next| {
                next.duration_since(SystemTime::now())
                    .unwrap_or(Duration::ZERO)
            });
            // A millisecond more: the clock of alarms has none shorter.
            let wait = wait.min(SLEEP_LONGEST) + Duration::from_millis(1);
            tokio::select! {
                () = &mut changed => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// The alarm was delivered. If its program has set it anew meanwhile, the new one stays.
    pub async fn done(&self, alarm: Alarm) -> Result<(), StorageError> {
        self.finish(alarm, |_| None).await.map(|_| ())
    }

    /// The delivery failed: the alarm is due again after a wait that doubles each time.
    pub async fn retry_later(&self, alarm: Alarm) -> Result<Retry, StorageError> {
        self.finish(alarm, |retries| {
            (retries < ALARM_RETRIES_MAX).then(|| wait(retries))
        })
        .await
    }

    /// Sets or removes the alarm of a database.
    pub(super) fn set(&self, id: Id, at: Option<SystemTime>) -> Result<(), StorageError> {
        let due_ms = at.map(milliseconds);
        self.index.change_alarm(
            id,
            |_| Some((statement(id, due_ms.map(|due_ms| (due_ms, due_ms, 0))), ())),
            |timetable, ()| timetable.set(id, due_ms),
        )?;
        self.changed.notify_waiters();
        Ok(())
    }

    /// Alarms have come by another way than `set`.
    pub(super) fn wake(&self) {
        self.changed.notify_waiters();
    }

    async fn finish(
        &self,
        alarm: Alarm,
        wait: impl FnOnce(u32) -> Option<Duration> + Send + 'static,
    ) -> Result<Retry, StorageError> {
        let alarms = self.clone();
        let job = move || alarms.finish_now(&alarm, wait);
        tokio::task::spawn_blocking(job)
            .await
            .map_err(StorageError::failed)?
    }

    fn finish_now(
        &self,
        alarm: &Alarm,
        wait: impl FnOnce(u32) -> Option<Duration>,
    ) -> Result<Retry, StorageError> {
        let mut retry = Retry::Replaced;
        let changed = self.index.change_alarm(
            alarm.id,
            |timetable| {
                if !timetable.is_current(alarm) {
                    timetable.take_back(alarm.id);
                    return None;
                }
                let due_ms = wait(alarm.retries).map(|wait| milliseconds(SystemTime::now() + wait));
                retry = due_ms.map_or(Retry::GivenUp, |due_ms| Retry::At(time(due_ms)));
                let scheduled_ms = milliseconds(alarm.scheduled_at);
                let row = due_ms.map(|due_ms| (due_ms, scheduled_ms, alarm.retries + 1));
                Some((statement(alarm.id, row), row))
            },
            |timetable, row| timetable.finish(alarm, row),
        );
        if changed.is_err() {
            self.index.timetable().take_back(alarm.id);
        }
        self.changed.notify_waiters();
        changed.map(|()| retry)
    }
}

/// The wait after that many failed deliveries and one more.
fn wait(retries: u32) -> Duration {
    ALARM_RETRY_FIRST
        .saturating_mul(2u32.saturating_pow(retries))
        .min(ALARM_RETRY_LONGEST)
}

/// Due, scheduled, retries.
pub(super) type Row = (i64, i64, u32);

/// What keeps the alarm of a database on disk, or removes it.
pub(super) fn statement(id: Id, row: Option<Row>) -> Statement {
    let id = SqlValue::Integer(id);
    match row {
        None => Statement::with("DELETE FROM alarms WHERE id = ?", [id]),
        Some((due_ms, scheduled_ms, retries)) => Statement::with(
            "INSERT OR REPLACE INTO alarms (id, due_ms, scheduled_ms, retries) VALUES (?, ?, ?, ?)",
            [
                id,
                SqlValue::Integer(due_ms),
                SqlValue::Integer(scheduled_ms),
                SqlValue::Integer(i64::from(retries)),
            ],
        ),
    }
}

/// The alarms in memory, in the order in which they are due.
#[derive(Default)]
pub(super) struct Timetable {
    alarms: HashMap<Id, TimetableEntry>,
    /// Those not being delivered.
    waiting: BTreeSet<(i64, Id)>,
    /// Those being delivered. A database has one delivery at a time.
    delivering: BTreeSet<Id>,
    serial: u64,
}

/// One alarm. `serial` tells it from the one set before it.
#[derive(Clone, Copy)]
pub(super) struct TimetableEntry {
    due_ms: i64,
    scheduled_ms: i64,
    retries: u32,
    serial: u64,
}

impl Timetable {
    /// From the rows of the index.
    pub(super) fn read(rows: Vec<Vec<SqlValue>>) -> Self {
        let mut timetable = Timetable::default();
        for row in rows {
            let [
                SqlValue::Integer(id),
                SqlValue::Integer(due_ms),
                SqlValue::Integer(scheduled_ms),
                SqlValue::Integer(retries),
            ] = row[..]
            else {
                continue;
            };
            let retries = u32::try_from(retries).unwrap_or(ALARM_RETRIES_MAX);
            timetable.insert(id, (due_ms, scheduled_ms, retries));
        }
        timetable
    }

    /// Forgets the alarms of dropped databases.
    pub(super) fn forget(&mut self, ids: &[Id]) {
        for id in ids {
            self.remove(*id);
            self.delivering.remove(id);
        }
    }

    /// The alarm of a database, as a row.
    pub(super) fn row(&self, id: Id) -> Option<Row> {
        let entry = self.alarms.get(&id)?;
        Some((entry.due_ms, entry.scheduled_ms, entry.retries))
    }

    fn next_due_ms(&self) -> Option<i64> {
        self.waiting.first().map(|(due_ms, _)| *due_ms)
    }

    fn hand_out(&mut self, now_ms: i64) -> Vec<(Id, TimetableEntry)> {
        let mut handed_out = Vec::new();
        while handed_out.len() < ALARMS_PER_CALL
            && let Some(&(due_ms, id)) = self.waiting.first()
            && due_ms <= now_ms
        {
            self.waiting.pop_first();
            self.delivering.insert(id);
            handed_out.extend(self.alarms.get(&id).map(|entry| (id, *entry)));
        }
        handed_out
    }

    fn set(&mut self, id: Id, due_ms: Option<i64>) {
        self.remove(id);
        if let Some(due_ms) = due_ms {
            self.insert(id, (due_ms, due_ms, 0));
        }
    }

    fn is_current(&self, alarm: &Alarm) -> bool {
        self.alarms
            .get(&alarm.id)
            .is_some_and(|entry| entry.serial == alarm.serial)
    }

    fn finish(&mut self, alarm: &Alarm, row: Option<Row>) {
        self.delivering.remove(&alarm.id);
        self.remove(alarm.id);
        if let Some(row) = row {
            self.insert(alarm.id, row);
        }
    }

    /// The delivery is over; whatever is set now waits for its time.
    fn take_back(&mut self, id: Id) {
        self.delivering.remove(&id);
        if let Some(entry) = self.alarms.get(&id) {
            self.waiting.insert((entry.due_ms, id));
        }
    }

    /// Puts an alarm in the place of the one there was.
    pub(super) fn put(&mut self, id: Id, row: Row) {
        self.remove(id);
        self.insert(id, row);
    }

    fn insert(&mut self, id: Id, (due_ms, scheduled_ms, retries): Row) {
        self.serial += 1;
        let serial = self.serial;
        self.alarms.insert(
            id,
            TimetableEntry {
                due_ms,
                scheduled_ms,
                retries,
                serial,
            },
        );
        if !self.delivering.contains(&id) {
            self.waiting.insert((due_ms, id));
        }
    }

    fn remove(&mut self, id: Id) {
        if let Some(entry) = self.alarms.remove(&id) {
            self.waiting.remove(&(entry.due_ms, id));
        }
    }
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn time(milliseconds: i64) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}
