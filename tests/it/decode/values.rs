//! What is stored for each value and type, and what is refused.

use tidemill::decode::{Decoder, Projection};
use tidemill::job::{ColumnType as T, TimeUnit};

use super::{decimal, fields, list, push, schema, shown, timestamp};

fn store(column: &T, value: &str) -> Result<String, String> {
    let mut decoder = Decoder::new(&schema(&[("v", column.clone())]), Projection::default()).unwrap();
    push(&mut decoder, &format!("{{\"v\": {value} }}")).map_err(|reject| reject.to_string())?;
    Ok(shown(decoder.flush().unwrap().unwrap().column(0), 0))
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table, one row a value")]
fn each_value_is_stored_exactly_or_refused_with_a_reason() {
    let (s, ms, us, ns) = (TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond);
    let shanghai = timestamp(ms, Some("Asia/Shanghai"));
    let york = timestamp(s, Some("America/New_York"));
    #[rustfmt::skip]
    let table: &[(T, &str, Result<&str, &str>)] = &[
        (T::Bool, "true", Ok("true")),
        (T::Bool, "false", Ok("false")),
        (T::Bool, "null", Ok("null")),
        (T::Bool, "1", Err("expected true or false, found a number `1` at `/v`")),
        (T::Bool, "\"true\"", Err("expected true or false, found a string `\"true\"` at `/v`")),
        (T::Int64, "9007199254740993", Ok("9007199254740993")),
        (T::Int64, "9223372036854775807", Ok("9223372036854775807")),
        (T::Int64, "-9223372036854775808", Ok("-9223372036854775808")),
        (T::Int64, "9223372036854775808", Err("`9223372036854775808` does not fit int64 at `/v`")),
        (T::Int64, "18446744073709551615", Err("`18446744073709551615` does not fit int64 at `/v`")),
        (T::Int64, "1e400", Err("`1e400` does not fit int64 at `/v`")),
        (T::Int64, "-0", Ok("0")),
        (T::Int64, "-0.0", Ok("0")),
        (T::Int64, "3.7", Err("`3.7` is not a whole number at `/v`")),
        (T::Int64, "1e-1", Err("`1e-1` is not a whole number at `/v`")),
        (T::Int64, "3.0", Ok("3")),
        (T::Int64, "1e3", Ok("1000")),
        (T::Int64, "1.5E+1", Ok("15")),
        (T::Int64, "120e-1", Ok("12")),
        (T::Int64, "9007199254740993.0", Ok("9007199254740993")),
        (T::Int64, "0e99999999999999999999", Ok("0")),
        (T::Int64, "\"42\"", Ok("42")),
        (T::Int64, "\"9007199254740993\"", Ok("9007199254740993")),
        (T::Int64, "\"\"", Err("expected a number, found the string `` at `/v`")),
        (T::Int64, "\"+5\"", Err("expected a number, found the string `+5` at `/v`")),
        (T::Int64, "\"007\"", Err("expected a number, found the string `007` at `/v`")),
        (T::Int64, "\" 7\"", Err("expected a number, found the string ` 7` at `/v`")),
        (T::Int64, "\"1,000\"", Err("expected a number, found the string `1,000` at `/v`")),
        (T::Int64, "\"N/A\"", Err("expected a number, found the string `N/A` at `/v`")),
        (T::Int64, "true", Err("expected a number, found a boolean `true` at `/v`")),
        (T::Int64, "[1]", Err("expected a number, found a list at `/v`")),
        (T::Int8, "127", Ok("127")),
        (T::Int8, "128", Err("`128` does not fit int8 at `/v`")),
        (T::Int16, "-32768", Ok("-32768")),
        (T::Int16, "-32769", Err("`-32769` does not fit int16 at `/v`")),
        (T::Int32, "2147483648", Err("`2147483648` does not fit int32 at `/v`")),
        (decimal(20, 4), "1.10", Ok("1.1000")),
        (decimal(20, 4), "1.23456", Err("`1.23456` has more than 4 digits after the point at `/v`")),
        (decimal(20, 4), "1.23450000", Ok("1.2345")),
        (decimal(20, 4), "\"0.1\"", Ok("0.1000")),
        (decimal(20, 4), "-0", Ok("0.0000")),
        (decimal(20, 4), "1e-4", Ok("0.0001")),
        (decimal(20, 4), "1e-5", Err("`1e-5` has more than 4 digits after the point at `/v`")),
        (decimal(20, 4), "-12345.6789", Ok("-12345.6789")),
        (decimal(20, 19), "0.1234567890123456789", Ok("0.1234567890123456789")),
        (decimal(5, 2), "999.99", Ok("999.99")),
        (decimal(5, 2), "1000", Err("`1000` does not fit decimal(5,2) at `/v`")),
        (decimal(38, 0), "99999999999999999999999999999999999999", Ok("99999999999999999999999999999999999999")),
        (decimal(38, 0), "100000000000000000000000000000000000000", Err("`100000000000000000000000000000000000000` does not fit decimal(38,0) at `/v`")),
        (decimal(38, 0), "18446744073709551615", Ok("18446744073709551615")),
        (decimal(20, 4), "\"abc\"", Err("expected a number, found the string `abc` at `/v`")),
        (decimal(20, 4), "1e99999999999999999999", Err("`1e99999999999999999999` does not fit decimal(20,4) at `/v`")),
        (T::Float64, "0.1", Ok("0.1")),
        (T::Float64, "1", Ok("1.0")),
        (T::Float64, "\"2.5\"", Ok("2.5")),
        (T::Float64, "-0.0", Ok("-0.0")),
        (T::Float64, "1e400", Err("`1e400` does not fit float64 at `/v`")),
        (T::Float64, "\"NaN\"", Err("expected a number, found the string `NaN` at `/v`")),
        (T::Float32, "0.5", Ok("0.5")),
        (T::Float32, "1e39", Err("`1e39` does not fit float32 at `/v`")),
        (T::String, "\"排名\"", Ok("排名")),
        (T::String, "\"\\ud83d\\ude00\"", Ok("😀")),
        (T::String, "\"\\ud83d\"", Err("the string holds half of a surrogate pair, which is no character at `/v`")),
        (T::String, "\"a\\n\\\"b\\\\\"", Ok("a\n\"b\\")),
        (T::String, "\"\"", Ok("")),
        (T::String, "\"\\u0000\"", Ok("\0")),
        (T::String, "5", Err("expected a string, found a number `5` at `/v`")),
        (T::String, "{}", Err("expected a string, found an object at `/v`")),
        (T::Date, "\"2024-05-10\"", Ok("2024-05-10")),
        (T::Date, "\"20240510\"", Ok("2024-05-10")),
        (T::Date, "\"1969-12-31\"", Ok("1969-12-31")),
        (T::Date, "\"20240230\"", Err("`20240230` is no calendar day (`2024-05-10` or `20240510`) at `/v`")),
        (T::Date, "\"0000-00-00\"", Err("`0000-00-00` is no calendar day (`2024-05-10` or `20240510`) at `/v`")),
        (T::Date, "\"24-05-10\"", Err("`24-05-10` is no calendar day (`2024-05-10` or `20240510`) at `/v`")),
        (T::Date, "\"\"", Err("`` is no calendar day (`2024-05-10` or `20240510`) at `/v`")),
        (T::Date, "20240510", Err("expected a calendar day as a string, found a number `20240510` at `/v`")),
        (shanghai.clone(), "\"2024-05-15 04:17:48.111\"", Ok("1715717868111")),
        (shanghai.clone(), "\"2024-05-15T04:17:48.111+08:00\"", Ok("1715717868111")),
        (shanghai.clone(), "\"2024-05-14T20:17:48.1110Z\"", Ok("1715717868111")),
        (shanghai.clone(), "\"2024-05-15 04:17:48.1114\"", Err("`2024-05-15 04:17:48.1114` is finer than the unit of the column at `/v`")),
        (shanghai.clone(), "1715717868111", Ok("1715717868111")),
        (shanghai.clone(), "1715717868111.5", Err("`1715717868111.5` is not a whole number at `/v`")),
        (shanghai.clone(), "\"2024-05-15\"", Err("`2024-05-15` is no date with a time of day at `/v`")),
        (shanghai.clone(), "\"2024-05-15 24:00:00\"", Err("`2024-05-15 24:00:00` is no date with a time of day at `/v`")),
        (shanghai, "\"2024-05-15 04:17:48.\"", Err("`2024-05-15 04:17:48.` is no date with a time of day at `/v`")),
        (york.clone(), "\"2026-03-08 01:59:59\"", Ok("1772953199")),
        (york.clone(), "\"2026-03-08 02:30:00\"", Err("`2026-03-08 02:30:00` does not exist in America/New_York: clocks were set forward at `/v`")),
        (york.clone(), "\"2026-11-01 01:30:00\"", Err("`2026-11-01 01:30:00` happens twice in America/New_York: clocks were set back at `/v`")),
        (york, "\"2026-11-01 01:30:00-05:00\"", Ok("1793514600")),
        (timestamp(us, None), "\"1969-12-31 23:59:59.999999\"", Ok("-1")),
        (timestamp(us, None), "\"2024-05-15T04:17:48Z\"", Err("`2024-05-15T04:17:48Z` has an offset, but the column has no zone: declare one at `/v`")),
        (timestamp(ns, Some("+08:00")), "\"1970-01-01 08:00:00.000000001\"", Ok("1")),
        (timestamp(ns, None), "\"9999-01-01 00:00:00\"", Err("`9999-01-01 00:00:00` is out of range for the unit of the column at `/v`")),
        (T::Json, "{ \"a\": 1.10 }", Ok("{ \"a\": 1.10 }")),
        (T::Json, "\"x\"", Ok("\"x\"")),
        (T::Json, "123456789012345678901234567890123456789012345", Ok("123456789012345678901234567890123456789012345")),
        (T::Json, "[{\"a\":1,\"a\":2}]", Err("the key stands twice in one object at `/v/0/a`")),
        (list(T::Int64), "[1, null, 3]", Ok("[1, , 3]")),
        (list(T::Int64), "[]", Ok("[]")),
        (list(T::Int64), "[1, \"x\"]", Err("expected a number, found the string `x` at `/v/1`")),
        (list(T::Int64), "{}", Err("expected a list, found an object at `/v`")),
        (fields(&[("a", T::Int64), ("b", T::String)]), "{\"b\":\"x\"}", Ok("{a: , b: x}")),
        (fields(&[("a", T::Int64)]), "{\"a\":1,\"c\":null}", Ok("{a: 1}")),
        (fields(&[("a", T::Int64)]), "{\"a\":1,\"c/d\":2}", Err("the struct of the column has no such field at `/v/c~1d`")),
        (fields(&[("a", list(decimal(4, 1)))]), "{\"a\":[1.5,2.55]}", Err("`2.55` has more than 1 digits after the point at `/v/a/1`")),
    ];
    for (column, value, expected) in table {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(store(column, value), expected, "{value} as {column:?}");
    }
}

#[test]
fn deep_and_broken_records_are_refused() {
    let mut decoder = Decoder::new(&schema(&[("v", T::Json)]), Projection::default()).unwrap();
    let mut push = |text: &str| push(&mut decoder, text).map_err(|reject| reject.to_string());
    let deep = format!("{{\"v\":{}{}}}", "[".repeat(200), "]".repeat(200));
    assert!(push(&deep).unwrap_err().starts_with("nested deeper than 128 levels at `/v/0/0"));
    let deep = format!("{{\"v\":{}1{}}}", "{\"k\":".repeat(130), "}".repeat(130));
    assert!(push(&deep).unwrap_err().ends_with(&format!(" at `/v{}`", "/k".repeat(127))));
    assert_eq!(push("[1]").unwrap_err(), "expected an object, found a list at ``");
    assert_eq!(push("{\"v\":1,\"v\":1}").unwrap_err(), "the key stands twice in one object at `/v`");
    let wide: Vec<String> = (0..50).map(|n| format!("\"k{}\":null", n % 49)).collect();
    assert_eq!(push(&format!("{{{}}}", wide.join(","))).unwrap_err(), "the key stands twice in one object at `/k0`");
    assert_eq!(push("{\"w\":1}").unwrap_err(), "the schema has no such column at `/w`");
    assert!(decoder.is_empty());
}
