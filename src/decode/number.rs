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
    let Short { value, negative, digits, places } = short(text)?;
    let missing = u32::from(scale).checked_sub(places)?;
    if digits + missing > u32::from(precision) {
        return None;
    }
    let value = i128::from(value) * 10_i128.pow(missing);
    Some(if negative { -value } else { value })
}

/// A JSON number of at most eighteen digits without an exponent: ± `value` / 10^`places`.
struct Short {
    value: i64,
    negative: bool,
    digits: u32,
    places: u32,
}

#[inline]
fn short(text: &str) -> Option<Short> {
    let bytes = text.as_bytes();
    let (negative, rest) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    // As in JSON: no zero before another digit, digits on both sides of a point.
    match rest {
        [b'0', b'0'..=b'9', ..] | [b'.', ..] | [.., b'.'] | [] => return None,
        _ if rest.len() > 19 => return None,
        _ => {}
    }
    // Nineteen digits fit.
    let (mut value, mut digits, mut point) = (0_u64, 0, None);
    for byte in rest {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    let value = i64::try_from(value).ok().filter(|_| digits <= 18)?;
    Some(Short { value, negative, digits, places: digits - point.unwrap_or(digits) })
}

/// `text` as an integer type; `3.0` and `1e3` are whole numbers, `3.7` is not.
pub(super) fn integer<T: TryFrom<i128>>(text: &str, type_name: &str) -> Result<T, String> {
    let misfit = || format!("{} does not fit {type_name}", show(text));
    let short = short(text).filter(|short| short.places == 0);
    let small = short.map(|Short { value, negative, .. }| if negative { -value } else { value });
    let value = match small.or_else(|| text.parse().ok()) {
        Some(value) => i128::from(value),
        None => decimal(text, 38, 0).map_err(|reason| if reason.contains("decimal(") { misfit() } else { reason })?,
    };
    T::try_from(value).map_err(|_| misfit())
}

/// The double nearest to `text`.
pub(super) fn float64(text: &str) -> Result<f64, String> {
    if let Some(value) = short_float(text) {
        return Ok(value);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) | Err(_) => Err(format!("{} does not fit float64", show(text))),
    }
}

/// The common case of [`float64`], or none. A double holds whole numbers up to 2^53 and powers of ten up to 10^22 exactly, so
/// that one division, which rounds once, gives the nearest (W. D. Clinger, "How to read floating point numbers
/// accurately", 1990).
#[inline]
fn short_float(text: &str) -> Option<f64> {
    let Short { value, negative, places, .. } = short(text)?;
    if value > 1 << 53 {
        return None;
    }
    let value = value as f64 / POWERS.get(places as usize)?;
    Some(if negative { -value } else { value })
}

const POWERS: [f64; 19] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/// The single-precision float nearest to `text`.
pub(super) fn float32(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) | Err(_) => Err(format!("{} does not fit float32", show(text))),
    }
}

/// Whether a string is exactly a JSON number: no sign `+`, no leading zero, no blank.
pub(super) fn is_number(text: &str) -> bool {
    if short(text).is_some() {
        return true;
    }
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

/// No number of so many bytes is too long for a 64-bit float.
pub(super) const SURE_IN_FLOAT64: usize = 15;

/// No whole number of so many bytes is too large for 64 bits.
pub(super) const SURE_IN_INT64: usize = 18;

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
    if text.len() <= SURE_IN_FLOAT64 {
        return false;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return i128::from(whole) != (whole as f64) as i128;
    }
    if let Ok(whole) = text.parse::<i128>() {
        return (whole as f64) as i128 != whole;
    }
    // From the first digit that is not zero to the last.
    let (mut digits, mut last) = (0, 0);
    for byte in text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).filter(u8::is_ascii_digit) {
        digits += usize::from(digits > 0 || byte != b'0');
        last = if byte == b'0' { last } else { digits };
    }
    last > 17
}

/// The kind of a number without fraction and exponent.
pub(super) fn whole(text: &str) -> Whole {
    if text.len() <= SURE_IN_INT64 || text.parse::<i64>().is_ok() {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The short ways give what the long ones give.
        #[test]
        fn short_numbers_are_read_alike(text in r"-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,19})?") {
            prop_assert_eq!(float64(&text).unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits());
            let exponent = format!("{text}e0");
            for (precision, scale) in [(38, 0), (38, 4), (20, 4), (5, 2)] {
                let told = |found: Result<i128, String>| found.map_err(|reason| reason.replace("e0`", "`"));
                prop_assert_eq!(decimal(&text, precision, scale), told(decimal(&exponent, precision, scale)));
            }
            prop_assert_eq!(integer::<i64>(&text, "int64"), integer(&exponent, "int64").map_err(|it| it.replace("e0`", "`")));
            prop_assert!(!exceeds_float64(&text) || text.len() > 15);
        }

        #[test]
        fn numbers_are_those_of_json(text in "-?[0-9.+e-]{0,6}") {
            prop_assert_eq!(is_number(&text), serde_json::from_str::<Box<serde_json::value::RawValue>>(&text).is_ok());
        }
    }
}
