//! Casts to numbers, and numbers as texts.

use serde_json::Value;

use super::BLANKS;

/// `(int) $value`. An array counts 0 when empty and 1 otherwise.
#[must_use]
pub fn int(value: &Value) -> i64 {
    match value {
        Value::Null => 0,
        Value::Bool(yes) => i64::from(*yes),
        Value::Number(number) => number
            .as_i64()
            .unwrap_or_else(|| wrapped(number.as_f64().unwrap_or(0.0))),
        Value::String(text) => leading_number(text).map_or(0, |(number, _)| number),
        Value::Array(list) => i64::from(!list.is_empty()),
        Value::Object(map) => i64::from(!map.is_empty()),
    }
}

/// `(int) $float`: beyond the bounds it goes round in circles.
fn wrapped(float: f64) -> i64 {
    const CIRCLE: f64 = 18_446_744_073_709_551_616.0;
    let float = float.trunc();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )]
    let whole = if !float.is_finite() {
        0
    } else if float.abs() < CIRCLE / 2.0 {
        float as i64
    } else {
        float.rem_euclid(CIRCLE) as u64 as i64
    };
    whole
}

/// The number at the beginning of a text, cast to int and kept within its bounds, and what follows
/// it.
fn leading_number(text: &str) -> Option<(i64, &str)> {
    let text = text.trim_start_matches(BLANKS);
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |text: &str| {
        let other = text.find(|letter: char| !letter.is_ascii_digit());
        other.unwrap_or(text.len())
    };
    let whole = digits(unsigned);
    let mut rest = &unsigned[whole..];
    let mut is_whole = true;
    if let Some(fraction) = rest.strip_prefix('.')
        && (whole > 0 || digits(fraction) > 0)
    {
        is_whole = false;
        rest = &fraction[digits(fraction)..];
    } else if whole == 0 {
        return None;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits(unsigned) > 0 {
            is_whole = false;
            rest = &unsigned[digits(unsigned)..];
        }
    }
    let number = &text[..text.len() - rest.len()];
    let exact = number.parse::<i64>().ok().filter(|_| is_whole);
    let float = number.parse().ok().filter(|float: &f64| float.is_finite());
    // `as` keeps within the bounds, as PHP does for texts; beyond all bounds is 0.
    #[allow(clippy::cast_possible_truncation)]
    let cast = exact.unwrap_or_else(|| float.unwrap_or(0.0) as i64);
    Some((cast, rest))
}

/// `(int) $value` of what `is_numeric` accepts: a number, or a text that is nothing but one.
#[must_use]
pub fn numeric(value: &Value) -> Option<i64> {
    match value {
        Value::Number(_) => Some(int(value)),
        Value::String(text) => {
            let (number, rest) = leading_number(text)?;
            rest.trim_matches(BLANKS).is_empty().then_some(number)
        }
        _ => None,
    }
}

/// A number without a sign, or a text of digits; what strict parameters accept.
#[must_use]
pub fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// `empty($value)`.
#[must_use]
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0",
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// `(string) $value` of a scalar; `None` for an array.
#[must_use]
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(yes) => Some(if *yes { "1" } else { "" }.to_owned()),
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() => {
                let digits = format!("{float:.13e}");
                general(float, &digits, 14, 'E')
            }
            _ => number.to_string(),
        }),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A float as JSON shows it: as many digits as it takes to read it back.
pub(super) fn shortest(float: f64) -> String {
    general(float, &format!("{float:e}"), 17, 'e')
}

/// PHP's `%G`: `digits` is the number as `d.ddde±x`; beyond `most` digits ahead of the point, or
/// more than three zeros behind it, it has an exponent.
fn general(float: f64, digits: &str, most: i32, e: char) -> String {
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((digits, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if float.is_sign_negative() { "-" } else { "" };
    let letters: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = letters.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    let ahead = exponent + 1;
    if ahead < -3 || ahead > most {
        let rest = match &digits[1..] {
            "" => "0",
            rest => rest,
        };
        let direction = if exponent < 0 { '-' } else { '+' };
        let exponent = exponent.abs();
        return format!("{sign}{}.{rest}{e}{direction}{exponent}", &digits[..1]);
    }
    let Ok(ahead) = usize::try_from(ahead) else {
        return format!(
            "{sign}0.{}{digits}",
            "0".repeat(ahead.unsigned_abs() as usize)
        );
    };
    if ahead == 0 {
        return format!("{sign}0.{digits}");
    }
    if digits.len() <= ahead {
        return format!("{sign}{digits}{}", "0".repeat(ahead - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..ahead], &digits[ahead..])
}
