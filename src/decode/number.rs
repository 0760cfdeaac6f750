//! Exact numbers from their text: digits are moved, never computed with floats, and a digit that has no place is an
//! error instead of being rounded away.

use super::reject::show;

/// `text` as a whole number of units of 10^-`scale`, of at most `precision` digits.
///
/// Trailing zeros and exponents are honoured exactly: `1.10`, `11e-1` and `1100e-3` are the same number.
pub(super) fn decimal(text: &str, precision: u8, scale: u8) -> Result<i128, String> {
    let too_fine = || match scale {
        0 => format!("{} is not a whole number", show(text)),
        scale => format!("{} has more than {scale} digits after the point", show(text)),
    };
    let too_large = || format!("{} does not fit decimal({precision},{scale})", show(text));
    if let Some(value) = short_decimal(text, precision, scale) {
        return Ok(value);
    }
    let number = Digits::read(text);
    let significant = number.significant();
    if significant.is_empty() {
        return Ok(0);
    }
    let zeros = i64::try_from(number.trailing_zeros).unwrap_or(i64::MAX);
    let shift = number.exponent.saturating_add(zeros).saturating_add(i64::from(scale));
    if shift < 0 {
        return Err(too_fine());
    }
    let digits = i64::try_from(significant.len()).unwrap_or(i64::MAX);
    if digits.saturating_add(shift) > i64::from(precision) {
        return Err(too_large());
    }
    // At most 38 digits from here on, which an i128 always holds.
    let value = significant.iter().fold(0_i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
    let power = u32::try_from(shift).map_err(|_| too_large())?;
    let value = value * 10_i128.pow(power);
    Ok(if number.negative { -value } else { value })
}

/// The common case of [`decimal`], or none: at most eighteen digits without an exponent, which fit as they stand.
fn short_decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let fraction = digits.find('.').map_or(0, |at| digits.len() - at - 1);
    let missing = u32::from(scale).checked_sub(u32::try_from(fraction).ok()?)?;
    if digits.len() > 18 || digits.len() + missing as usize > usize::from(precision) {
        return None;
    }
    let mut value = 0_i64;
    for byte in digits.bytes().filter(|byte| *byte != b'.') {
        value = value * 10 + i64::from(byte.is_ascii_digit().then_some(byte - b'0')?);
    }
    let value = i128::from(value) * 10_i128.pow(missing);
    Some(if text.starts_with('-') { -value } else { value })
}

/// `text` as an integer type; `3.0` and `1e3` are whole numbers, `3.7` is not.
pub(super) fn integer<T: TryFrom<i128>>(text: &str, type_name: &str) -> Result<T, String> {
    let misfit = || format!("{} does not fit {type_name}", show(text));
    let value = match text.parse::<i64>() {
        Ok(value) => i128::from(value),
        Err(_) => decimal(text, 38, 0).map_err(|reason| if reason.contains("decimal(") { misfit() } else { reason })?,
    };
    T::try_from(value).map_err(|_| misfit())
}

/// The double nearest to `text`.
pub(super) fn float64(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) | Err(_) => Err(format!("{} does not fit float64", show(text))),
    }
}

/// The single-precision float nearest to `text`.
pub(super) fn float32(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) | Err(_) => Err(format!("{} does not fit float32", show(text))),
    }
}

/// Whether a string is exactly a JSON number: no sign `+`, no leading zero, no blank.
pub(super) fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// How an integer without fraction or exponent is kept when nobody declared its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whole {
    Int64,
    /// At most 38 digits.
    Wide,
    Beyond,
}

/// True when a 64-bit float is not sure to give back all digits of a number: a fraction has more than 17 of them,
/// trailing zeros not counted, or a whole number is none that the float can hold.
pub(super) fn exceeds_float64(text: &str) -> bool {
    if text.len() <= 15 {
        return false;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return i128::from(whole) != (whole as f64) as i128;
    }
    if let Ok(whole) = text.parse::<i128>() {
        return (whole as f64) as i128 != whole;
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').trim_end_matches('0').len() > 17
}

/// The kind of a number without fraction and exponent.
pub(super) fn whole(text: &str) -> Whole {
    // No eighteen digits are too many.
    if text.len() <= 18 || text.parse::<i64>().is_ok() {
        Whole::Int64
    } else if text.trim_start_matches('-').len() <= 38 {
        Whole::Wide
    } else {
        Whole::Beyond
    }
}

/// A JSON number taken apart: ± `digits` × 10^`exponent`.
struct Digits {
    negative: bool,
    /// Whole part and fraction, without leading zeros.
    digits: Vec<u8>,
    trailing_zeros: usize,
    exponent: i64,
}

impl Digits {
    fn read(text: &str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, saturating_exponent(exponent)),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
        let trailing_zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
        let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        Self { negative, digits, trailing_zeros, exponent: exponent.saturating_sub(places) }
    }

    fn significant(&self) -> &[u8] {
        &self.digits[..self.digits.len() - self.trailing_zeros]
    }
}

/// Exponents beyond i64 stand far outside every column either way; half the range keeps later sums exact enough.
fn saturating_exponent(text: &str) -> i64 {
    const FAR: i64 = i64::MAX / 4;
    let bound = if text.starts_with('-') { -FAR } else { FAR };
    text.parse::<i64>().map_or(bound, |exponent| exponent.clamp(-FAR, FAR))
}
