//! Schedules: what is accepted is what the scheduler runs, and it fires.

use b24_tidyd::config::{Schedule, ScheduleError};

#[test]
fn schedules_are_those_that_the_scheduler_runs_and_that_fire() {
    for (text, six) in [
        ("*/10 * * * * *", "*/10 * * * * *"),
        ("*/5 * * * *", "0 */5 * * * *"),
        ("  0  30 4   * * MON-FRI ", "0 30 4 * * MON-FRI"),
        ("0 0 0 29 2 MON", "0 0 0 29 2 MON"),
    ] {
        let schedule = Schedule::parse(text).unwrap();
        assert_eq!(schedule.as_str(), six);
        assert!(tokio_cron_scheduler::Job::new(schedule.as_str(), |_, _| {}).is_ok());
    }
    for never in ["0 0 0 30 2 *", "0 0 31 4 *", "0 0 0 31 2,4,6,9,11 *"] {
        assert_eq!(Schedule::parse(never).unwrap_err(), ScheduleError::Never);
    }
    for (text, fields) in [
        ("", 0),
        ("@hourly", 1),
        ("* * * *", 4),
        ("0 0 0 1 1 * 2030", 7),
    ] {
        assert_eq!(
            Schedule::parse(text).unwrap_err(),
            ScheduleError::Fields(fields)
        );
    }
    for wrong in [
        "60 * * * * *",
        "* * * * * nonsense",
        "*/0 * * * * *",
        ", * * * * *",
        "0,,1 * * * * *",
        "ä * * * * *",
    ] {
        let error = Schedule::parse(wrong).unwrap_err();
        assert!(
            matches!(error, ScheduleError::Syntax(_)),
            "{wrong}: {error}"
        );
    }
}

#[test]
fn the_next_fire_time_is_after_now_and_in_utc() {
    let next = |text: &str, now: &str| {
        let schedule = Schedule::parse(text).unwrap();
        schedule
            .next_after(now.parse().unwrap())
            .unwrap()
            .to_string()
    };
    assert_eq!(
        next("*/10 * * * * *", "2026-03-01T00:00:09.9Z"),
        "2026-03-01T00:00:10Z"
    );
    assert_eq!(
        next("*/10 * * * * *", "2026-03-01T00:00:10Z"),
        "2026-03-01T00:00:20Z"
    );
    assert_eq!(
        next("30 4 * * *", "2026-03-29T04:30:00.1Z"),
        "2026-03-30T04:30:00Z"
    );
    assert_eq!(
        next("0 0 0 29 2 *", "2026-03-01T00:00:00Z"),
        "2028-02-29T00:00:00Z"
    );
}

/// Day of month and day of week must both match, as in the scheduler.
#[test]
fn day_of_month_and_day_of_week_are_both_needed() {
    let schedule = Schedule::parse("0 0 0 13 * FRI").unwrap();
    let next = schedule.next_after("2026-04-01T00:00:00Z".parse().unwrap());
    assert_eq!(next.unwrap().to_string(), "2026-11-13T00:00:00Z");
}
