//! The report as a page for a browser: one file, no script, nothing loaded from anywhere, light or dark as the reader
//! has it.
//!
//! Invariant: well-formed XML, and every text in it escaped.

use crate::draw::{document, escape, in_groups};

use super::charts::{bars, class, over_time, times};
use super::figures::Figures;
use super::report::Report;

/// The whole page, one report after the other.
pub fn page(reports: &[Report]) -> String {
    let mut body = String::from("<h1>How close to the limits?</h1>\n");
    reports.iter().for_each(|report| body.push_str(&section(report)));
    document("tidemill bench", "", &body)
}

fn section(report: &Report) -> String {
    let mut body = format!("<p>{}</p>\n<dl>\n", escape(report.about));
    for (name, value) in report.conditions() {
        body.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(value)));
    }
    body.push_str("</dl>\n<h2>Use and refusals</h2>\n");
    body.push_str(
        "<p>Much of the limit used, and no call refused: both matter, since a refused call may be billed.</p>\n",
    );
    body.push_str(&format!("<figure>{}</figure>\n<figure>{}</figure>\n", bars(report), summary(report)));
    let windows = report.strategies.first().map(|figures| figures.windows.as_slice()).unwrap_or_default();
    for (index, window) in windows.iter().enumerate() {
        let limit = format!("{} per {}", in_groups(&window.limit.to_string()), window.name);
        let is_long =
            report.plays.iter().any(|play| play.windows.get(index).is_some_and(|seen| seen.step < seen.period));
        let what = if is_long {
            "Accepted calls that count in the window, as time passes."
        } else {
            "Accepted calls, window by window: the line is their mean, the band runs from the fewest to the most."
        };
        body.push_str(&format!(
            "<h2>Calls per {} over time</h2>\n<p>{what} <span class=\"red\">Broken line</span>: the limit, {}.</p>\n",
            escape(&window.name),
            escape(&limit)
        ));
        body.push_str(&format!("<figure class=\"time\">{}</figure>\n", over_time(report, index)));
        body.push_str(&format!("<figure>{}</figure>\n", limit_table(report, index)));
    }
    body.push_str("<h2>How long calls wait and take</h2>\n");
    body.push_str(
        "<p>A call waits from being ready until it may leave; its latency runs from there until the answer.</p>\n",
    );
    body.push_str(&format!("<figure>{}</figure>\n<figure>{}</figure>\n", times(report), spread_table(report)));
    body.push_str(
        "<p>Used: accepted calls of what the tightest limit had room for while there was work. Idle: work waits, nothing \
         is in flight, one more call is within every limit, and the even spacing of the tightest limit has passed.</p>\n",
    );
    body
}

fn summary(report: &Report) -> String {
    rows(report, &["used, %", "sent", "accepted", "refused", "per 10,000", "idle, %"], |figures| {
        let used = figures.binding().map_or(0.0, |window| window.used_percent);
        vec![
            format!("{used:.2}"),
            grouped(figures.sent),
            grouped(figures.accepted),
            grouped(figures.refused),
            format!("{:.2}", figures.refused_per_10k),
            format!("{:.2}", figures.idle_percent),
        ]
    })
}

fn limit_table(report: &Report, index: usize) -> String {
    rows(report, &["allowed", "achieved", "used, %", "most in one window"], |figures| {
        let window = figures.windows.get(index);
        window.map_or_else(Vec::new, |window| {
            let used = format!("{:.2}", window.used_percent);
            vec![grouped(window.allowed), grouped(window.achieved), used, grouped(u64::from(window.most))]
        })
    })
}

fn spread_table(report: &Report) -> String {
    let is_of_jobs = report.strategies.iter().any(|figures| figures.processor_ns.is_some());
    let cost = if is_of_jobs { "CPU a call, ns" } else { "per permit, ns" };
    rows(report, &["wait p50, ms", "p99", "latency p50, ms", "p99", cost], |figures| {
        vec![
            format!("{:.1}", figures.wait.p50_ms),
            format!("{:.1}", figures.wait.p99_ms),
            format!("{:.1}", figures.latency.p50_ms),
            format!("{:.1}", figures.latency.p99_ms),
            figures.processor_ns.or(figures.overhead_ns).map_or_else(|| "-".to_owned(), grouped),
        ]
    })
}

fn rows(report: &Report, heads: &[&str], cells: impl Fn(&Figures) -> Vec<String>) -> String {
    let mut text = String::from("<table><thead><tr><th>strategy</th>");
    heads.iter().for_each(|head| text.push_str(&format!("<th>{}</th>", escape(head))));
    text.push_str("</tr></thead><tbody>");
    for figures in &report.strategies {
        let name = escape(figures.strategy.name());
        text.push_str(&format!("<tr class=\"{}\"><td><i></i>{name}</td>", class(figures.strategy)));
        cells(figures).iter().for_each(|cell| text.push_str(&format!("<td>{}</td>", escape(cell))));
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table>");
    text
}

fn grouped(number: u64) -> String {
    in_groups(&number.to_string())
}
