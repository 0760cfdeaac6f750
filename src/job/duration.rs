//! Lengths of time as files write them: a whole number and a unit, never a bare number whose unit has to be guessed.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads `250ms`, `10s`, `5m`, `1h` or `1d`; the error says what is wrong and what is allowed.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let wrong =
        || format!("`{text}` is no length of time; write a whole number and a unit: `250ms`, `10s`, `5m`, `1h`, `1d`");
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(wrong)?;
    let number = number.parse::<u64>().map_err(|_| wrong())?;
    number.checked_mul(*millis).map(Duration::from_millis).ok_or_else(|| format!("`{text}` is too long"))
}
