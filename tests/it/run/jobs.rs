//! The settings and job files that scenes are made of, one of each preset.

/// Limits wide enough that no scene is about them unless it says so.
pub(crate) const PLAN: &str = r#"
[provider.foxdata]
limits = { qps = 10, per_minute = 300, per_day = 20000, concurrency = 4 }
[provider.agushuju]
limits = { qps = 10, per_minute = 300, per_day = 20000, concurrency = 4 }
[provider.sensenova]
limits = { qps = 10, per_minute = 300, concurrency = 4 }
"#;

/// Chart ranks of `apps` from `from` to `to`: three pages a cell, one file a day.
pub(crate) fn ranks(apps: &[&str], from: &str, to: &str) -> String {
    format!(
        r#"
name = "ranks"
provider = "foxdata"
[grid]
app = {apps:?}
day = {{ from = "{from}", to = "{to}" }}
[request]
method = "POST"
path = "/app/rank"
json = {{ appId = "{{app}}", region = "US", date = "{{day}}" }}
[records]
path = "ranks"
add = {{ app_id = "{{app}}" }}
[schema]
columns = {{ rank = "int64", date = "timestamp(ms, UTC)" }}
[output]
path = "ranks"
partition_by = ["day"]
"#
    )
}

/// Prices of `codes` in 2025: 261 records in three pages a cell, four cells a file.
pub(crate) fn stocks(codes: &[&str]) -> String {
    format!(
        r#"
name = "stocks"
provider = "agushuju"
[grid]
stock_code = {codes:?}
[request]
path = "/stock_daily"
query = {{ stock_code = "{{stock_code}}", trade_date_start = "2025-01-01", trade_date_end = "2025-12-31" }}
[records]
expect = {{ stock_code = "{{stock_code}}" }}
[schema]
columns = {{ trade_date = "date", amount = "decimal(20,4)" }}
[paging]
kind = "offset"
limit = "limit"
offset = "offset"
page_size = 100
total = "/count"
[output]
path = "stocks"
cells_per_file = 4
"#
    )
}

/// Rank history of `apps` from `from` to `to`, without the history itself: three to twelve records on one page a cell, one
/// file a day.
pub(crate) fn history(apps: &[&str], from: &str, to: &str) -> String {
    format!(
        r#"
name = "history"
provider = "foxdata"
[grid]
app = {apps:?}
day = {{ from = "{from}", to = "{to}" }}
[request]
method = "POST"
path = "/app/rank-history"
json = {{ appId = "{{app}}", date = "{{day}}", start = "2026-02-01", end = "2026-01-01" }}
[records]
path = "ranks"
add = {{ app_id = "{{app}}" }}
[output]
path = "history"
partition_by = ["day"]
"#
    )
}

/// A few days of prices of `codes`: eight records on one page a cell, two cells a file.
pub(crate) fn quotes(codes: &[&str]) -> String {
    format!(
        r#"
name = "quotes"
provider = "agushuju"
[grid]
stock_code = {codes:?}
[request]
path = "/stock_daily"
query = {{ stock_code = "{{stock_code}}", trade_date_start = "2025-01-01", trade_date_end = "2025-01-10" }}
[output]
path = "quotes"
cells_per_file = 2
"#
    )
}

/// One answer for each of `count` prompts, ten a file.
pub(crate) fn chat(count: usize) -> String {
    let prompts: Vec<String> = (0..count).map(|index| format!("prompt {index}")).collect();
    format!(
        r#"
name = "chat"
provider = "sensenova"
[grid]
prompt = {prompts:?}
[request]
method = "POST"
path = "/llm/chat-completions"
json = {{ model = "SenseChat-5", messages = [{{ role = "user", content = "{{prompt}}" }}] }}
[records]
path = "choices"
add = {{ prompt = "{{prompt}}" }}
[output]
path = "chat"
cells_per_file = 10
"#
    )
}

pub(crate) const APPS: [&str; 4] = ["389801252", "310633997", "414478124", "333206289"];
pub(crate) const CODES: [&str; 6] = ["000001.SZ", "000002.SZ", "000003.SZ", "000004.SZ", "000005.SZ", "000006.SZ"];

/// One job of each preset, about 70 requests.
pub(crate) fn three() -> [String; 3] {
    [stocks(&CODES), ranks(&APPS, "2026-01-01", "2026-01-03"), chat(20)]
}
