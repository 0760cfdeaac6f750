//! The facts of a preview as a screen. Pure.

use crate::cli::columns::{pad, widest};
use crate::provider::Verdict;

use super::table::{Heading, clean, cut, fold, table, wrap};
use super::view::{Asked, Column, Seen, View, meaning, word};

/// Rejected records that are shown.
const REJECTED: usize = 5;
/// Lines of a request, and of its body.
const MOST_LINES: usize = 4;
/// A type of many fields is cut here; `--json` has it whole.
const WIDEST_TYPE: usize = 60;

/// The screen; no line but a column's or a rejected record's is wider than `width`.
pub(super) fn screen(view: &View, width: usize) -> String {
    let mut text = String::new();
    for (number, asked) in (1..).zip(&view.calls) {
        text.push_str(&call(number, asked, width));
    }
    if let Some(paging) = &view.paging {
        text.push_str(&told("paging", paging, width));
    }
    for (index, trouble) in view.troubles.iter().enumerate() {
        text.push_str(&told(if index == 0 { "problem" } else { "" }, &clean(trouble), width));
    }
    let sample = &view.sample;
    if sample.records > 0 {
        text.push_str(&format!("records   {} at {}, {} rejected\n", sample.records, view.at, sample.rejected));
        text.push_str(&columns(&view.columns));
        let headings = sample.inferred.schema.columns.iter();
        let headings: Vec<Heading> =
            headings.map(|(name, kind)| Heading { name: name.clone(), kind: kind.to_string() }).collect();
        if !sample.rows.is_empty() && !headings.is_empty() {
            text.push('\n');
            text.push_str(&table(&headings, &sample.rows, width));
        }
        text.push_str(&rejected(view));
    }
    text
}

fn call(number: usize, Asked { call, records }: &Asked, width: usize) -> String {
    let mut text = String::new();
    let asked = [&call.request, &call.body].map(|text| wrap(&clean(text), width.saturating_sub(10), MOST_LINES));
    for (index, line) in asked.iter().flatten().enumerate() {
        let head = if index == 0 { format!("call {number}") } else { String::new() };
        text.push_str(&format!("{head:<10}{line}\n"));
    }
    let judgement = &call.judgement;
    let mut answer = format!("{} -> {}", clean(&judgement.to_string()), word(&judgement.verdict));
    if let Some(records) = records {
        answer.push_str(&format!(", {records} record{}", if *records == 1 { "" } else { "s" }));
    }
    // Whole, however long: the provider's own words are what a person came for.
    text.push_str(&told(&format!("{} ms", call.latency.as_millis()), &answer, width));
    if !matches!(judgement.verdict, Verdict::Accept | Verdict::Empty { .. })
        && let Some(answer) = call.answer.as_deref().filter(|answer| !answer.is_empty())
    {
        let lines = wrap(&clean(&String::from_utf8_lossy(answer)), width.saturating_sub(10), MOST_LINES);
        lines.iter().for_each(|line| text.push_str(&format!("{:<10}{line}\n", "")));
    }
    for more in meaning(&judgement.verdict).iter().chain(&judgement.hint) {
        text.push_str(&told("", &clean(more), width));
    }
    text
}

/// All of `text`, in as many lines as it takes.
fn told(head: &str, text: &str, width: usize) -> String {
    let lines = fold(text, width.saturating_sub(10)).into_iter().enumerate();
    lines.map(|(index, line)| format!("{:<10}{line}\n", if index == 0 { head } else { "" })).collect()
}

fn columns(columns: &[Column]) -> String {
    let kind = |column: &Column| {
        column.kind.as_ref().map_or_else(|| "-".to_owned(), |kind| cut(&clean(&kind.to_string()), WIDEST_TYPE))
    };
    let names: Vec<String> = columns.iter().map(|column| clean(&column.name)).collect();
    let kinds: Vec<String> = columns.iter().map(kind).collect();
    let wide = |texts: &[String]| widest(texts.iter().map(String::as_str)).min(WIDEST_TYPE);
    let (wide_name, wide_kind) = (wide(&names), wide(&kinds));
    let mut text = String::new();
    for (index, ((name, kind), column)) in names.iter().zip(&kinds).zip(columns).enumerate() {
        let head = if index == 0 { "columns" } else { "" };
        let (name, kind) = (pad(name, wide_name), pad(kind, wide_kind));
        text.push_str(&format!("{head:<10}{name}  {kind}  {}\n", mark(column)));
    }
    text
}

/// Where the type of a column comes from.
fn mark(column: &Column) -> String {
    match (column.is_declared, &column.seen) {
        (true, Seen::As(kind)) if Some(kind) == column.kind.as_ref() => "declared".to_owned(),
        (true, Seen::As(kind)) => format!("declared; {kind} in the answer"),
        (true, Seen::OnlyNull) => "declared; only null so far".to_owned(),
        (true, Seen::Nowhere) => "declared; not in these records".to_owned(),
        (false, Seen::OnlyNull) => "only null so far: no column yet".to_owned(),
        (false, Seen::As(_) | Seen::Nowhere) => "inferred".to_owned(),
    }
}

fn rejected(view: &View) -> String {
    let samples = &view.sample.samples;
    let mut text = String::new();
    for (index, one) in samples.iter().take(REJECTED).enumerate() {
        let head = if index == 0 { "rejected" } else { "" };
        let at = if one.path.is_empty() { String::new() } else { format!(" at `{}`", clean(&one.path)) };
        let (page, reason) = (one.page + 1, clean(&one.reason));
        text.push_str(&format!("{head:<10}record {} of page {page}{at}: {reason}\n", one.index));
    }
    let left = view.sample.rejected.saturating_sub(REJECTED as u64);
    if left > 0 {
        text.push_str(&format!("          and {left} more\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::ColumnType;

    #[test]
    fn columns_of_any_name_and_type_are_straight() {
        let column = |name: &str, kind: &str| Column {
            name: name.to_owned(),
            kind: Some(ColumnType::parse(kind).unwrap()),
            is_declared: true,
            seen: Seen::OnlyNull,
        };
        let shown = [column("rank", "int64"), column("名称", "string"), column("昨日收盘", "struct<价: float64>")];
        assert_eq!(
            columns(&shown),
            "columns   rank      int64                declared; only null so far\n\
             \x20         名称      string               declared; only null so far\n\
             \x20         昨日收盘  struct<价: float64>  declared; only null so far\n"
        );
    }
}
