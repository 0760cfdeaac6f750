//! The settings and jobs of a quarter: small pages and few records, so that ninety nights are quick.

use jiff::ToSpan;
use jiff::tz::TimeZone;

use super::schedule::Quarter;

/// Places of the jobs in a run.
pub(crate) const RANKS: usize = 0;
pub(crate) const HISTORY: usize = 2;

/// Records on a page, of every job that has pages.
pub(crate) const PAGE: usize = 2;
/// No cell has more pages.
pub(crate) const MOST_PAGES: u64 = 3;

/// Requests at once, of every provider.
pub(crate) const CONCURRENCY: u64 = 2;

/// Zone and hour of the reset of the providers that have a day.
pub(crate) const DAYS: [(&str, &str, &str); 2] =
    [("foxdata", "Asia/Shanghai", "00:00"), ("agushuju", "Europe/Berlin", "02:30")];

pub(crate) fn settings(quarter: &Quarter) -> String {
    let Quarter { ranks_a_day, backfill_a_day, .. } = quarter;
    format!(
        r#"
[provider.foxdata]
limits = {{ qps = 5, per_minute = 60, per_day = {{ max = {ranks_a_day}, resets = "00:00" }}, concurrency = {CONCURRENCY} }}
[[provider.foxdata.simulate.endpoints]]
path = "/app/rank"
methods = ["POST"]
require = ["appId"]
dates = ["date"]
records = "ranks"
rows = [0, 5]
page_size = {PAGE}
columns = [
    {{ name = "id", kind = "id" }},
    {{ name = "date", kind = "timestamp", parameter = "date" }},
    {{ name = "rank", kind = "integer", from = 1, to = 500, null_every = 5 }},
    {{ name = "chartsType", kind = "choice", of = ["TOP_FREE", "TOP_PAID", "TOP_GROSSING"] }},
]

[provider.agushuju]
zone = "Europe/Berlin"
limits = {{ qps = 5, per_minute = 60, per_day = {{ max = {backfill_a_day}, resets = "02:30" }}, concurrency = {CONCURRENCY} }}

[provider.sensenova]
limits = {{ qps = 5, per_minute = 60, concurrency = {CONCURRENCY} }}
"#
    )
}

/// The jobs of every night, and last the one that runs once a week.
pub(crate) fn jobs(quarter: &Quarter) -> [String; 4] {
    let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
    let from = quarter.nights[0].at.to_zoned(shanghai).date().checked_sub(4.days()).unwrap();
    let ranks = format!(
        r#"
name = "ranks"
provider = "foxdata"
[grid]
app = ["389801252", "310633997"]
day = {{ from = "{from}", to = "yesterday" }}
[request]
method = "POST"
path = "/app/rank"
json = {{ appId = "{{app}}", region = "US", date = "{{day}}" }}
[records]
path = "ranks"
add = {{ app_id = "{{app}}" }}
[schema]
columns = {{ rank = "int64", date = "timestamp(ms, UTC)", chartsType = "string" }}
[output]
path = "ranks"
partition_by = ["day"]
"#
    );
    let stocks = stocks(
        "stocks",
        r#"stock_code = { file = "symbols.csv", column = "stock_code" }"#,
        ["2026-01-05", "2026-01-09"],
        "cells_per_file = 3",
    );
    // Twenty-five weeks of four symbols, three pages each.
    let history = stocks_of_weeks();
    let chat = r#"
name = "chat"
provider = "sensenova"
[grid]
prompt = { file = "prompts.txt" }
[request]
method = "POST"
path = "/llm/chat-completions"
json = { model = "SenseChat-5", messages = [{ role = "user", content = "{prompt}" }] }
[records]
path = "choices"
add = { prompt = "{prompt}" }
[output]
path = "chat"
cells_per_file = 5
"#;
    [ranks, stocks, history, chat.to_owned()]
}

fn stocks_of_weeks() -> String {
    stocks(
        "history",
        "week = { from = \"2025-01-06\", to = \"2025-06-29\", step = \"1w\" }\n\
         stock_code = [\"000001.SZ\", \"000002.SZ\", \"000003.SZ\", \"000004.SZ\"]",
        ["{week.from}", "{week.to}"],
        "partition_by = [\"week\"]",
    )
}

fn stocks(name: &str, grid: &str, [from, to]: [&str; 2], files: &str) -> String {
    format!(
        r#"
name = "{name}"
provider = "agushuju"
[grid]
{grid}
[request]
path = "/stock_daily"
query = {{ stock_code = "{{stock_code}}", trade_date_start = "{from}", trade_date_end = "{to}" }}
[records]
expect = {{ stock_code = "{{stock_code}}" }}
[schema]
columns = {{ trade_date = "date", amount = "decimal(20,4)", pct_chg = "float64", remark = "string" }}
[paging]
kind = "offset"
limit = "limit"
offset = "offset"
page_size = {PAGE}
total = "/count"
[output]
path = "{name}"
{files}
"#
    )
}

/// The file of symbols.
pub(crate) fn symbols(list: &[usize]) -> String {
    let rows: String = list.iter().map(|symbol| format!("{symbol:06}.SZ\n")).collect();
    format!("stock_code\n{rows}")
}

/// The file of prompts.
pub(crate) fn prompts(count: usize) -> String {
    (0..count).map(|prompt| format!("prompt {prompt}\n")).collect()
}
