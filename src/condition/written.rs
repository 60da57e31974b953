//! A condition as it is written into answers and pages.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Acts, Condition, Kind};

/// The members of the JSON object; moments as RFC 3339 in UTC, to the second.
#[derive(Serialize, Deserialize)]
struct Written {
    kind: String,
    since: String,
    text: String,
    remedy: String,
    acts: String,
    next_try_at: Option<String>,
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written {
            kind: self.kind.as_str().to_owned(),
            since: format!("{:.0}", self.since),
            text: self.text.clone(),
            remedy: self.remedy.clone(),
            acts: self.acts.as_str().to_owned(),
            next_try_at: self.next_try_at.map(|next| format!("{next:.0}")),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let moment = |text: &str| text.parse::<Timestamp>().map_err(D::Error::custom);
        let next = written.next_try_at.as_deref().map(moment);
        Ok(Self {
            kind: Kind::named(&written.kind)
                .ok_or_else(|| D::Error::custom("an unknown kind of condition"))?,
            since: moment(&written.since)?,
            text: written.text,
            remedy: written.remedy,
            acts: Acts::named(&written.acts),
            next_try_at: next.transpose()?,
        })
    }
}
