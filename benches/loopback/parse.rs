//! Days, instants and decimals of the bare loop: as fast as can be, trusting that they are well formed.

/// `123.4567` times 10 000; four digits after the point.
pub(crate) fn decimal(text: &[u8]) -> i128 {
    i128::from(text.iter().filter(|byte| **byte != b'.').fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

/// Days since 1970-01-01 of `2026-01-31`.
pub(crate) fn day(text: &[u8]) -> i32 {
    let (year, month, day) = (number(&text[..4]), number(&text[5..7]), number(&text[8..10]));
    // Years begin in March here, so that the leap day is the last one (Howard Hinnant's `days_from_civil`).
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Milliseconds since 1970 of `2026-01-31T09:30:00+08:00`.
pub(crate) fn instant(text: &[u8]) -> i64 {
    let clock = number(&text[11..13]) * 3600 + number(&text[14..16]) * 60 + number(&text[17..19]);
    let offset = number(&text[20..22]) * 3600 + number(&text[23..25]) * 60;
    let offset = if text[19] == b'-' { -offset } else { offset };
    (i64::from(day(text)) * 86_400 + i64::from(clock - offset)) * 1000
}

fn number(digits: &[u8]) -> i32 {
    digits.iter().fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'))
}
