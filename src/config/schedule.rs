use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, YEAR_UPPER_LIMIT};
use jiff::Timestamp;

/// When the queues are polled: a cron expression in UTC that fires again and
/// again.
#[derive(Clone)]
pub struct Schedule {
    text: String,
    cron: Cron,
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// It has not six fields and not five.
    #[error("has {0} fields, but a schedule has six (seconds first) or five")]
    Fields(usize),
    /// A field does not say what the parser understands; the parser's words.
    #[error("is no cron expression ({0})")]
    Syntax(String),
    /// It names a moment that never comes, such as 30 February.
    #[error("never fires")]
    Never,
}

impl Schedule {
    /// Six fields (second, minute, hour, day of month, month, day of week), or
    /// five, which get the second 0. Day of month and day of week must both
    /// match, as they do in the scheduler that runs this.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let mut fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        if fields.len() != 6 {
            return Err(ScheduleError::Fields(fields.len()));
        }
        // The parser takes an empty item for no moment at all, and then searches
        // for one second by second.
        if fields
            .iter()
            .any(|field| field.split(',').any(str::is_empty))
        {
            let reason = "a list has an empty item".to_owned();
            return Err(ScheduleError::Syntax(reason));
        }
        let text = fields.join(" ");
        let cron = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Optional)
            .dom_and_dow(true)
            .build()
            .parse(&text)
            .map_err(|error| ScheduleError::Syntax(error.to_string()))?;
        let schedule = Self { text, cron };
        if schedule.fires() {
            Ok(schedule)
        } else {
            Err(ScheduleError::Never)
        }
    }

    /// The expression with its six fields, one space between them.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first moment after `now` at which it fires; `None` only beyond the
    /// parser's last year.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        // Whole seconds: the search would carry a fraction along.
        let now = DateTime::<Utc>::from_timestamp(now.as_second(), 0)?;
        let next = self.cron.find_next_occurrence(&now, false).ok()?;
        Timestamp::from_second(next.timestamp()).ok()
    }

    /// The calendar repeats every 400 years, so that what does not fire in the
    /// last 400 that the parser knows never does. Starting there keeps the
    /// search for 30 February short.
    fn fires(&self) -> bool {
        NaiveDate::from_ymd_opt(YEAR_UPPER_LIMIT - 401, 1, 1)
            .and_then(|day| day.and_hms_opt(0, 0, 0))
            .is_some_and(|start| {
                self.cron
                    .find_next_occurrence(&start.and_utc(), true)
                    .is_ok()
            })
    }
}

impl Default for Schedule {
    /// Every ten seconds.
    #[expect(clippy::expect_used, reason = "a constant, which the tests parse")]
    fn default() -> Self {
        Self::parse("*/10 * * * * *").expect("a valid schedule")
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schedule").field(&self.text).finish()
    }
}
