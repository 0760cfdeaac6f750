//! Records, envelopes and paging.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tidemill::job::{Paging, Pointer};
use tidemill::simulate::{Options, Simulator};

use super::help::{agu, agushuju, body, chat_now, fox, foxdata, get, ms, plain, play, quick, rank, sensenova, verdict};

fn next_page(next: &Value) -> Request<Bytes> {
    let uri = format!(
        "/apiv1/open-api/common/next-page?taskId={}&pageKey={}",
        next["taskId"].as_str().unwrap(),
        next["pageKey"].as_str().unwrap()
    );
    get(&uri, "x-openapi-key", "sk-simulated-foxdata")
}

/// All records of one rank request, page by page, and the page sizes.
fn chain(simulator: &mut Simulator, app: &str) -> (Vec<Value>, Vec<usize>) {
    let mut page = body(&simulator.answer(ms(0), &rank(app)));
    let (mut records, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let ranks = page["data"]["result"]["ranks"].as_array().unwrap().clone();
        sizes.push(ranks.len());
        records.extend(ranks);
        if page["data"]["next"].is_null() {
            return (records, sizes);
        }
        page = body(&simulator.answer(ms(0), &next_page(&page["data"]["next"])));
    }
}

#[test]
fn a_cursor_chain_is_complete_and_repeatable() {
    let mut simulator = play(&foxdata(), quick());
    let (first, sizes) = chain(&mut simulator, "389801252");
    assert_eq!(sizes[..2], [50, 50]);
    assert_eq!(sizes.len(), 3);
    assert!((120..=140).contains(&first.len()));
    assert_eq!(chain(&mut simulator, "389801252").0, first);
    assert_eq!(chain(&mut play(&foxdata(), quick()), "389801252").0, first);
    assert_ne!(chain(&mut simulator, "310633997").0, first);
    assert_ne!(chain(&mut play(&foxdata(), Options { seed: 1, ..quick() }), "389801252").0, first);
    assert_eq!(simulator.stats().duplicates, 3);
    assert_eq!(simulator.stats().credits, 9 * 11);
}

#[test]
fn a_cursor_never_handed_out_is_refused() {
    let mut simulator = play(&foxdata(), quick());
    let page = body(&simulator.answer(ms(0), &rank("1")));
    let mut wrong = page["data"]["next"].clone();
    wrong["pageKey"] = json!("3");
    assert_eq!(verdict(&simulator.answer(ms(0), &next_page(&wrong)), "/code").1, "100");
    simulator.answer(ms(0), &next_page(&page["data"]["next"]));
    assert_eq!(verdict(&simulator.answer(ms(0), &next_page(&wrong)), "/code").1, "200");
}

#[test]
fn foxdata_speaks_its_envelope() {
    let mut simulator = play(&foxdata(), quick());
    let answer = body(&simulator.answer(ms(0), &rank("389801252")));
    assert_eq!((&answer["code"], &answer["msg"]), (&json!(200), &json!("success")));
    assert_eq!(answer["data"]["requestParam"], json!({ "appId": "389801252", "region": "US", "date": "2026-01-02" }));
    let cost = json!({ "requestCredits": 1, "baseCredits": 10, "extraCredits": 0, "totalCostCredits": 11 });
    assert_eq!(answer["data"]["creditsCost"], cost);
    assert_eq!(answer["data"]["next"]["pageKey"], "2");
    for record in answer["data"]["result"]["ranks"].as_array().unwrap() {
        let date = record["date"].as_str().unwrap();
        assert!(date.starts_with("2026-01-02T") && date.ends_with('Z') && date.len() == 24, "{date}");
        assert!(record["categoryId"].is_string() && (record["rank"].is_u64() || record["rank"].is_null()));
    }

    let history = json!({ "appId": "1", "start": "2026-02-26", "end": "2026-03-02" });
    let history = body(&simulator.answer(ms(0), &fox("/app/rank-history", history)));
    let days: Vec<_> = history["data"]["result"]["ranks"][0]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["date"].clone())
        .collect();
    assert_eq!(days, ["2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);

    let info = body(&simulator.answer(ms(0), &fox("/app/app-info", json!({ "appId": "7" }))));
    assert_eq!(info["data"]["result"]["appId"], "7");
    assert!(info["data"]["result"]["trackId"].as_i64().unwrap() > 1 << 53);
    assert!(info["data"]["result"]["developer"]["id"].as_str().unwrap().starts_with("00"));

    let rivals = body(&simulator.answer(ms(0), &fox("/app/competitor", json!({ "appId": "8" }))));
    assert!(rivals["data"]["result"].as_array().unwrap().len() < 21);
    assert_eq!(verdict(&simulator.answer(ms(0), &fox("/app/rank", json!({}))), "/code").1, "100");
    let no_date = fox("/app/rank", json!({ "appId": "1", "date": "yesterday" }));
    assert_eq!(verdict(&simulator.answer(ms(0), &no_date), "/code").1, "100");
}

#[test]
fn offsets_walk_the_whole_table() {
    let mut simulator = play(&agushuju(), quick());
    let mut codes = BTreeSet::new();
    for offset in [0, 2000, 4000, 6000] {
        let page = body(&simulator.answer(ms(0), &agu(&format!("/stock_basic?limit=2000&offset={offset}"))));
        assert_eq!((&page["code"], &page["msg"], &page["count"]), (&json!(0), &json!("ok"), &json!(5321)));
        let rows = page["data"].as_array().unwrap();
        assert_eq!(rows.len(), [2000, 2000, 1321, 0][offset / 2000]);
        codes.extend(rows.iter().map(|row| row["stock_code"].as_str().unwrap().to_owned()));
    }
    assert_eq!(codes.len(), 5321);
    let capped = body(&simulator.answer(ms(0), &agu("/stock_basic?limit=90000")));
    assert_eq!(capped["data"].as_array().unwrap().len(), 5000);
}

#[test]
fn a_range_of_days_has_its_weekdays() {
    let mut simulator = play(&agushuju(), quick());
    let range = "trade_date_start=2026-01-01&trade_date_end=2026-01-12";
    let page = body(&simulator.answer(ms(0), &agu(&format!("/stock_daily?stock_code=600519.SZ&{range}"))));
    let rows = page["data"].as_array().unwrap();
    let days: Vec<_> = rows.iter().map(|row| row["trade_date"].as_str().unwrap().split_at(8).1).collect();
    assert_eq!(days, ["01", "02", "05", "06", "07", "08", "09", "12"]);
    assert_eq!(page["count"], 8);
    assert!(rows.iter().all(|row| row["stock_code"] == "600519.SZ"));
    let amount = rows[0]["amount"].as_str().unwrap();
    assert_eq!(amount.rsplit_once('.').unwrap().1.len(), 4, "{amount}");
    assert!(rows.iter().all(|row| row["open"].is_f64()));

    // The trap: a parameter it does not know is ignored, the whole table comes back.
    let all = body(&simulator.answer(ms(0), &agu(&format!("/stock_daily?ts_code=600519.SZ&{range}"))));
    assert_eq!(all["count"], 8 * 40);
    assert_eq!(body(&simulator.answer(ms(0), &agu("/stock_daily?stock_code=nonsense")))["data"], json!([]));
}

#[test]
fn sensenova_answers_and_refuses() {
    let mut simulator = play(&sensenova(), quick());
    let answer = body(&simulator.answer(ms(0), &chat_now()));
    assert_eq!(answer.get("code"), None);
    let data = &answer["data"];
    assert_eq!((&data["usage"]["total_tokens"], &data["plugins"]), (&json!(13), &json!({})));
    assert!(data["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(data["choices"][0]["message"], "模拟回答：嗨");
    assert_eq!((&data["choices"][0]["index"], &data["choices"][0]["role"]), (&json!(0), &json!("assistant")));

    let (mut parts, _) = chat_now().into_parts();
    let mut ask = |uri: &str, text: &'static str| {
        parts.uri = uri.parse().unwrap();
        verdict(&simulator.answer(ms(0), &Request::from_parts(parts.clone(), Bytes::from(text))), "/error/code")
    };
    let chat = "/v1/llm/chat-completions";
    for text in [r#"{"model":"m"}"#, r#"{"messages":[]}"#, r#"{"model":"#] {
        assert_eq!(ask(chat, text), (400, "1200".to_owned()), "{text}");
    }
    assert_eq!(ask("/v1/llm/other", "{}"), (404, "1202".to_owned()));
    assert_eq!(ask("/v2/llm/chat-completions", "{}"), (404, "1202".to_owned()));
}

#[test]
fn a_provider_without_endpoints_is_played_too() {
    let number = |name: &str| name.to_owned();
    let pointer = Pointer::parse;
    let field = vec![("cursor".to_owned(), pointer("/paging/next"))];
    let pagings = [
        Paging::None,
        Paging::Page {
            page: number("page"),
            first: 1,
            size: Some(number("size")),
            page_size: 7,
            total: Some(pointer("/total")),
            has_more: Some(pointer("/more")),
            parallel_pages: 1,
        },
        Paging::Offset {
            offset: number("skip"),
            limit: number("take"),
            page_size: 7,
            total: Some(pointer("/total")),
            parallel_pages: 1,
        },
        Paging::Cursor { fields: field, has_more: Some(pointer("/more")), next: None, absent_ends: false },
        Paging::NextUrl { url: pointer("/links/next"), absent_ends: false },
    ];
    for paging in pagings {
        let mut simulator = play(&plain(paging.clone()), quick());
        let base = "http://127.0.0.1:9/v9/things?region=US";
        let mut uri = base.to_owned();
        let mut records: Vec<Value> = Vec::new();
        let mut pages = 0;
        while !uri.is_empty() {
            let page = body(&simulator.answer(ms(pages), &get(&uri, "host", "127.0.0.1:9")));
            let have = records.len();
            records.extend(page["data"].as_array().unwrap().iter().cloned());
            pages += 1;
            let more =
                page["more"].as_bool().unwrap_or_else(|| records.len() < page["total"].as_u64().unwrap_or(0) as usize);
            uri = match &paging {
                Paging::None => String::new(),
                Paging::Page { .. } if more => format!("{base}&size=7&page={}", pages + 1),
                Paging::Offset { .. } if more => format!("{base}&take=7&skip={}", records.len()),
                Paging::Cursor { .. } if more => format!("{base}&cursor={}", page["paging"]["next"].as_str().unwrap()),
                Paging::Page { .. } | Paging::Offset { .. } | Paging::Cursor { .. } => String::new(),
                Paging::NextUrl { .. } => page["links"]["next"].as_str().unwrap_or_default().to_owned(),
            };
            assert!(records.len() > have);
        }
        // The same records whatever the paging: it is no part of what is asked.
        let ids: Vec<_> = records.iter().map(|record| record["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>(), "{paging:?}");
        assert_eq!(records[0]["region"], "US");
        let whole = body(&play(&plain(Paging::None), quick()).answer(ms(0), &get(base, "host", "h")));
        assert_eq!(whole["data"], json!(records), "{paging:?}");
    }
}
